// SPDX-License-Identifier: GPL-2.0-only
/*
 * R31: page tables of a bound TDI do not change, by whichever ioctl, and its
 * interrupts, which are the host's, do. Root's writes past VFIO to the function or to
 * the port above have R19's consequence: the TDI falls to ERROR, the VMM is told, the
 * guest gets an error, unbind works, the host lives.
 */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "goes_on.h"
#include "past.h"
#include "sigbus.h"

#define IRQ_MS		5000
#define TOLD_MS		10000	/* the drivers that watch do so every second */

/* ---- HWPT and PASID ---- */

static int attach(const struct fn *fn, uint32_t flags, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = flags, .pt_id = pt_id, .pasid = 1,
	};

	return raw_ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			 &arg);
}

static int detach(const struct fn *fn, uint32_t flags)
{
	struct vfio_device_detach_iommufd_pt arg = {
		.argsz = sizeof(arg), .flags = flags, .pasid = 1,
	};

	return raw_ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_DETACH_IOMMUFD_PT,
			 &arg);
}

/* T=0 through the page table that is attached: into the shared window */
static int reaches_window(FIXTURE_DATA(tvm) *self, uint64_t pattern)
{
	uint8_t *window = self->vm.shared + VM_WINDOW_GPA;
	int ret;

	memset(window, 0, 16);
	ret = fn_dma(&self->fn, TEEMU_OP_FILL, 0, pattern, VM_WINDOW_GPA, 16);
	return ret == TEEMU_DESC_DONE && !memcmp(window, &pattern, 8) ? 0 : -EIO;
}

static void page_tables_stay(struct __test_metadata *_metadata,
			     FIXTURE_DATA(tvm) *self, uint32_t other)
{
	struct fn *fn = &self->fn;

	EXPECT_EQ(EBUSY, attach(fn, 0, fn->hwpt_id));
	EXPECT_EQ(EBUSY, attach(fn, 0, fn->ioas_id));
	EXPECT_EQ(EBUSY, attach(fn, 0, other));
	EXPECT_EQ(EBUSY, attach(fn, VFIO_DEVICE_ATTACH_PASID, fn->hwpt_id));
	EXPECT_EQ(EBUSY, attach(fn, VFIO_DEVICE_ATTACH_PASID, other));
	EXPECT_EQ(EBUSY, detach(fn, 0));
	EXPECT_EQ(EBUSY, detach(fn, VFIO_DEVICE_DETACH_PASID));
	/* nor do they go while they are in use */
	EXPECT_EQ(-EBUSY, tdi_iommu_destroy(fn->iommu, fn->hwpt_id));
	EXPECT_EQ(-EBUSY, tdi_iommu_destroy(fn->iommu, fn->ioas_id));
}

TVM_TEST(page_tables_stay)
{
	struct fn *fn = &self->fn;
	uint32_t other;

	ASSERT_EQ(0, tdi_ioas_alloc(fn->iommu, &other));
	ASSERT_EQ(0, tvm_to_locked(self));
	page_tables_stay(_metadata, self, other);
	ASSERT_EQ(0, fn_run(fn));
	ASSERT_EQ(0, fn_ring_start(fn));
	ASSERT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, reaches_window(self, 0x1111));
	page_tables_stay(_metadata, self, other);
	EXPECT_EQ(0, reaches_window(self, 0x2222));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, tvm_is_quiet(self));

	ASSERT_EQ(0, fn_unbind(fn));
	/* the VMM's own business again */
	EXPECT_EQ(0, attach(fn, 0, other));
	EXPECT_EQ(0, attach(fn, 0, fn->hwpt_id));
	EXPECT_NE(EBUSY, attach(fn, VFIO_DEVICE_ATTACH_PASID, fn->hwpt_id));
	EXPECT_EQ(0, detach(fn, 0));
	EXPECT_EQ(0, attach(fn, 0, fn->hwpt_id));
	EXPECT_EQ(0, fn_enable(fn));
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reaches_window(self, 0x3333));
	EXPECT_EQ(0, tdi_iommu_destroy(fn->iommu, other));
}

/* ---- interrupts ---- */

/* MSI-X vectors from 0 on to @fds; none: interrupts off */
static int set_irqs(const struct fn *fn, const int *fds, unsigned int nr)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + 4 * sizeof(int)];
	} arg = {
		.set = {
			.argsz = sizeof(arg.set) + nr * sizeof(*fds),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 (nr ? VFIO_IRQ_SET_DATA_EVENTFD :
				       VFIO_IRQ_SET_DATA_NONE),
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = nr,
		},
	};

	if (nr > 4)
		return EINVAL;
	memcpy(arg.set.data, fds, nr * sizeof(*fds));
	return raw_ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_SET_IRQS, &arg);
}

/* trusted DMA that ends in vector 0: the interrupt comes to @fd */
static int interrupts(FIXTURE_DATA(tvm) *self, int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	eventfd_t count;
	int ret;

	while (eventfd_read(fd, &count) == 0)
		;
	ret = fn_dma(&self->fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
		     TEEMU_DESC_F_DST_T | TEEMU_DESC_F_IRQ, VM_SRC_GPA,
		     VM_DST_GPA, PAGE);
	if (ret != TEEMU_DESC_DONE)
		return -EIO;
	if (poll(&pfd, 1, ms) != 1)
		return -ETIMEDOUT;
	return eventfd_read(fd, &count) ? -errno : 0;
}

TVM_TEST(interrupts_work)
{
	void *msix = NULL;
	int fds[4], i;
	uint32_t data;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MSIX, &msix));
	for (i = 0; i < 4; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_LE(0, fds[i]);
	}
	/* before bind, and it goes on after */
	ASSERT_EQ(0, set_irqs(&self->fn, fds, 2));
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, interrupts(self, fds[0], IRQ_MS));
	/* table and PBA are the host's to see */
	EXPECT_TRUE(sigbus_read((uint8_t *)msix + TEEMU_MSIX_TABLE_OFFSET, &data));
	EXPECT_TRUE(sigbus_read((uint8_t *)msix + TEEMU_MSIX_PBA_OFFSET, &data));
	/* another file; more vectors, which are allocated anew; off; on */
	EXPECT_EQ(0, set_irqs(&self->fn, fds + 1, 2));
	EXPECT_EQ(0, interrupts(self, fds[1], IRQ_MS));
	EXPECT_EQ(0, set_irqs(&self->fn, fds, 4));
	EXPECT_EQ(0, interrupts(self, fds[0], IRQ_MS));
	EXPECT_EQ(0, set_irqs(&self->fn, NULL, 0));
	EXPECT_EQ(-ETIMEDOUT, interrupts(self, fds[0], 200));
	EXPECT_EQ(0, set_irqs(&self->fn, fds, 1));
	EXPECT_EQ(0, interrupts(self, fds[0], IRQ_MS));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, tvm_is_quiet(self));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, set_irqs(&self->fn, NULL, 0));
	/* in LOCKED too */
	EXPECT_EQ(0, fn_enable(&self->fn));
	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(0, set_irqs(&self->fn, fds, 3));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, interrupts(self, fds[0], IRQ_MS));
	for (i = 0; i < 4; i++)
		close(fds[i]);
}

/* ---- root's writes past VFIO ---- */

enum whose { FUNCTION, PORT };

/**
 * struct past - one write by root
 * @whose: config space
 * @name: what it does
 * @ext, @cap, @offset: the register; cap 0: in the header
 * @clear, @set: its bits
 * @pulse: is put back at once
 * @state: where the TDI is then; NULL: it was reset, and is in ERROR or wiped already
 * @link: the link has to be made anew
 * @dead: the device is not there until the bit is put back
 */
struct past {
	enum whose whose;
	const char *name;
	bool ext;
	unsigned int cap;
	unsigned int offset;
	uint32_t clear;
	uint32_t set;
	bool pulse;
	const char *state;
	bool link;
	bool dead;
};

#define PAST(_whose, _name, _ext, _cap, _offset, _clear, _set, _state, ...)	\
	{ .whose = _whose, .name = _name, .ext = _ext, .cap = _cap,		\
	  .offset = _offset, .clear = _clear, .set = _set, .state = _state,	\
	  ##__VA_ARGS__ }
#define AT_ONCE			.pulse = true
#define NEW_LINK		.link = true
#define BRIDGE_CTL(bit)		((uint32_t)(bit) << 16)

static const struct past pasts[] = {
	PAST(FUNCTION, "MSE cleared", false, 0, PCI_COMMAND,
	     PCI_COMMAND_MEMORY, 0, "ERROR"),
	PAST(FUNCTION, "BME cleared", false, 0, PCI_COMMAND,
	     PCI_COMMAND_MASTER, 0, "ERROR", AT_ONCE),
	PAST(FUNCTION, "BAR 0 moved", false, 0, PCI_BASE_ADDRESS_0,
	     0, 0x10000, "ERROR", AT_ONCE),
	PAST(FUNCTION, "ROM BAR", false, 0, PCI_ROM_ADDRESS, 0, 1, "ERROR"),
	PAST(FUNCTION, "BIST", false, 0, PCI_CACHE_LINE_SIZE, 0, 0, "ERROR"),
	PAST(FUNCTION, "D3", false, PCI_CAP_ID_PM, PCI_PM_CTRL,
	     0, 3, "ERROR", AT_ONCE),
	PAST(FUNCTION, "no-snoop", false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL,
	     PCI_EXP_DEVCTL_NOSNOOP_EN, 0, "ERROR", AT_ONCE),
	PAST(FUNCTION, "IDE stream off", true, PCI_EXT_CAP_ID_IDE, 8,
	     1, 0, "ERROR", AT_ONCE, NEW_LINK),
	PAST(PORT, "MSE cleared", false, 0, PCI_COMMAND,
	     PCI_COMMAND_MEMORY, 0, "ERROR", AT_ONCE, NEW_LINK),
	PAST(PORT, "bus numbers", false, 0, PCI_PRIMARY_BUS,
	     0, 0x00070000, "ERROR", AT_ONCE, NEW_LINK),
	PAST(PORT, "window", false, 0, PCI_MEMORY_BASE,
	     0, 0x10, "ERROR", AT_ONCE, NEW_LINK),
	PAST(PORT, "IDE stream off", true, PCI_EXT_CAP_ID_IDE, 8,
	     1, 0, "ERROR", AT_ONCE, NEW_LINK),
	PAST(PORT, "secondary bus reset", false, 0, PCI_INTERRUPT_LINE,
	     0, BRIDGE_CTL(PCI_BRIDGE_CTL_BUS_RESET), NULL, AT_ONCE, NEW_LINK),
	PAST(PORT, "link disabled", false, PCI_CAP_ID_EXP, PCI_EXP_LNKCTL,
	     0, PCI_EXP_LNKCTL_LD, NULL, NEW_LINK, .dead = true),
};

static unsigned int past_register(const struct past *w, int cfg)
{
	unsigned int cap = 0;

	if (w->cap) {
		cap = w->ext ? cfg_ecap(cfg, w->cap) : cfg_cap(cfg, w->cap);
		if (!cap)
			return 0;
	}
	return cap + w->offset;
}

/* the IDE block's first selective stream register that is enabled */
static unsigned int ide_stream(int cfg, unsigned int ide)
{
	unsigned int pos;

	for (pos = ide + 8; pos < ide + 0x100; pos += 4)
		if (cfg_get(cfg, pos, 4) & 1 && cfg_get(cfg, pos, 4) >> 14)
			return pos;
	return ide + 8;
}

/* the device as root finds it before, and puts it back */
struct saved {
	uint32_t fn[MAX_FNS][CFG_SIZE / 4];
};

static int save(struct saved *s)
{
	int nr, cfg, ret = 0;

	for (nr = 0; !ret && nr < world.nr; nr++) {
		cfg = cfg_open(world.bdf[nr]);
		ret = cfg < 0 ? -errno : cfg_snap(cfg, s->fn[nr]);
		close(cfg);
	}
	return ret;
}

/* what firmware and Linux had programmed, in the header and the capabilities */
static int restore(const struct saved *s)
{
	int nr, cfg, ret = 0, pos;

	for (nr = 0; !ret && nr < world.nr; nr++) {
		cfg = cfg_open(world.bdf[nr]);
		if (cfg < 0)
			return -errno;
		for (pos = PCI_BASE_ADDRESS_0; pos <= PCI_ROM_ADDRESS; pos += 4)
			ret = ret ?: cfg_put(cfg, pos, s->fn[nr][pos / 4], 4);
		pos = cfg_cap(cfg, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
		ret = ret ?: cfg_put(cfg, pos, s->fn[nr][pos / 4], 2);
		pos = cfg_ecap(cfg, PCI_EXT_CAP_ID_ACS) + 4;
		ret = ret ?: cfg_put(cfg, pos, s->fn[nr][pos / 4], 4);
		ret = ret ?: cfg_put(cfg, PCI_COMMAND,
				     s->fn[nr][PCI_COMMAND / 4], 2);
		close(cfg);
	}
	return ret;
}

/* a request of the guest, which may meet whatever state */
static int ask(FIXTURE_DATA(tvm) *self)
{
	static uint8_t resp[4096];
	struct attest_read read = { 0 };
	size_t len = sizeof(resp);
	uint64_t code = 0;
	int ret;

	ret = fn_request(&self->fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &read,
			 sizeof(read), resp, &len, &code);
	return ret ?: code ? -EREMOTEIO : 0;
}

/* the VMM is told, by the driver's watch or by a request that fails */
static int is_told(FIXTURE_DATA(tvm) *self)
{
	uint64_t end = now_ms() + TOLD_MS;
	int ret;

	do {
		ret = fn_event(&self->fn, 100);
		if (ret == TDI_EVENT_ERROR || ret == TDI_EVENT_UNBOUND)
			return 0;
		if (ret != -EAGAIN)
			return failed(-EIO, "event %d", ret);
		/* what it answers is not the point here */
		ask(self);
		attest_step(fn_attest(&self->fn), ATTEST_START);
	} while (now_ms() < end);
	return failed(-ETIMEDOUT, "the VMM is not told");
}

/* it is in @state; NULL: in neither of those that it was in */
static int is_in(const char *state)
{
	char text[64];

	if (state)
		return world_tdi_is(0, state) ? 0 : -EIO;
	return world_read("fn0/tdi", text, sizeof(text)) ||
	       !strncmp(text, "RUN", 3) || !strncmp(text, "CONFIG_LOCKED", 13);
}

/* one write into one life */
static void one_write(struct __test_metadata *_metadata,
		      FIXTURE_DATA(tvm) *self, const struct past *w, int cfg)
{
	unsigned int pos = past_register(w, cfg);
	uint32_t was;
	int ret;

	if (!pos && w->cap) {
		note("%s: there is no such register", w->name);
		return;
	}
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	if (w->cap == PCI_EXT_CAP_ID_IDE && w->ext)
		pos = ide_stream(cfg, pos - w->offset);
	was = cfg_get(cfg, pos, 4);
	EXPECT_EQ(0, cfg_put(cfg, pos, (was & ~w->clear) | w->set, 4));
	if (w->pulse) {
		EXPECT_EQ(0, cfg_put(cfg, pos, was, 4));
	}
	EXPECT_EQ(0, is_in(w->state));
	/* no T=1 request of it gets anywhere, whoever still reaches its ring */
	ret = fn_post(&self->fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, 1,
		      VM_DST_GPA, PAGE);
	EXPECT_TRUE(ret == -EFAULT || ret >= 0);
	if (w->dead) {
		EXPECT_EQ(0, cfg_put(cfg, pos, was, 4));
	}
	EXPECT_EQ(0, is_told(self));
	EXPECT_NE(0, ask(self));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	if (!w->pulse && !w->dead) {
		EXPECT_EQ(0, cfg_put(cfg, pos, was, 4));
	}
}

/* the drivers that watch a TDI look at it once in @ms */
static void watch_every(const char *ms)
{
	static const char *const watches[] = {
		"/sys/module/tdx_tsm/parameters/watch_ms",
		"/sys/module/sev_tsm/parameters/watch_ms",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(watches); i++)
		past_write_file(watches[i], ms);
}

/*
 * The port's slot, if it has one, is told nothing of a link that goes and comes: hot
 * unplug is R05's subject. SLTCTL as it was.
 */
static uint32_t slot_quiet(int cfg)
{
	unsigned int exp = cfg_cap(cfg, PCI_CAP_ID_EXP);
	uint32_t was = cfg_get(cfg, exp + PCI_EXP_SLTCTL, 2);

	if (was & PCI_EXP_SLTCTL_HPIE)
		cfg_put(cfg, exp + PCI_EXP_SLTCTL, was & ~PCI_EXP_SLTCTL_HPIE, 2);
	return was;
}

static void slot_as_it_was(int cfg, uint32_t was)
{
	unsigned int exp = cfg_cap(cfg, PCI_CAP_ID_EXP);

	if (!(was & PCI_EXP_SLTCTL_HPIE))
		return;
	cfg_put(cfg, exp + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_DLLSC |
		PCI_EXP_SLTSTA_PDC, 2);
	cfg_put(cfg, exp + PCI_EXP_SLTCTL, was, 2);
}

static void root_writes(struct __test_metadata *_metadata,
			FIXTURE_DATA(tvm) *self, enum whose whose)
{
	char port[TDI_BDF_MAX];
	struct saved saved;
	uint32_t slot = 0;
	size_t i;
	int cfg;

	/* falls to ERROR are what is provoked */
	self->base.trace = false;
	ASSERT_EQ(0, past_port(world.bdf[0], port));
	cfg = cfg_open(whose == PORT ? port : world.bdf[0]);
	ASSERT_LE(0, cfg);
	watch_every("50");
	for (i = 0; i < ARRAY_SIZE(pasts); i++) {
		if (pasts[i].whose != whose)
			continue;
		ASSERT_EQ(0, save(&saved));
		if (whose == PORT)
			slot = slot_quiet(cfg);
		one_write(_metadata, self, &pasts[i], cfg);
		if (whose == PORT)
			slot_as_it_was(cfg, slot);
		EXPECT_EQ(0, restore(&saved));
		if (pasts[i].link) {
			EXPECT_EQ(0, relink());
		}
		EXPECT_EQ(0, fn_enable(&self->fn));
		if (_metadata->exit_code) {
			note("after %s", pasts[i].name);
			break;
		}
	}
	watch_every("1000");
	close(cfg);
}

TVM_TEST(root_writes_to_the_function)
{
	root_writes(_metadata, self, FUNCTION);
}

TVM_TEST(root_writes_to_the_port)
{
	root_writes(_metadata, self, PORT);
}

/* a reset of the function past all gates: FLR by root's own hand */
TVM_TEST(root_resets_the_function)
{
	struct saved saved;
	int cfg, pos;

	self->base.trace = false;
	cfg = cfg_open(world.bdf[0]);
	ASSERT_LE(0, cfg);
	ASSERT_EQ(0, save(&saved));
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	pos = cfg_cap(cfg, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	EXPECT_EQ(0, cfg_put(cfg, pos, cfg_get(cfg, pos, 2) |
			     PCI_EXP_DEVCTL_BCR_FLR, 2));
	EXPECT_TRUE(world_tdi_is(0, "ERROR"));
	/* its BARs are nowhere now; nobody crashes on them */
	EXPECT_EQ(0, is_told(self));
	EXPECT_NE(0, ask(self));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, restore(&saved));
	EXPECT_EQ(0, fn_enable(&self->fn));
	close(cfg);
}

/*
 * resourceN: root's own mapping of a BAR. Hardware would answer it with all ones, the
 * emulated device has no say in a load of the CPU's; in either case nobody crashes
 * and the TDI stays what it is.
 */
TVM_TEST(root_maps_a_bar)
{
	char path[PATH_MAX];
	volatile uint8_t *map;
	uint32_t value;
	int fd;

	past_path(world.bdf[0], "resource2", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "no resource2 in sysfs");
	map = mmap(NULL, TEEMU_BAR_MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (map == MAP_FAILED) {
		close(fd);
		SKIP(return, "resource2 of a driver's function is not mapped");
	}
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	sigbus_read(map, &value);
	sigbus_read(map + TEEMU_BAR_MEM_SIZE - PAGE, &value);
	sigbus_write(map + TEEMU_BAR_MEM_SIZE - PAGE, 0xbad);
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, tvm_is_quiet(self));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	munmap((void *)map, TEEMU_BAR_MEM_SIZE);
	close(fd);
}

TVM_MAIN
