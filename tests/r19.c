// SPDX-License-Identifier: GPL-2.0-only
/*
 * R19: a TDI that falls to ERROR by itself, for whatever reason: its VMM gets an event,
 * its guest the vendor's refusals, the host stays out; unbind works and nothing binds
 * again by itself. And the events themselves: in order, from two devices in one queue,
 * with a mark where some were lost.
 *
 * Two of the drivers ask the device now and then. Arm's has no call to ask with that
 * leaves the guest's nonces alone: there the fall is found by what next has to do
 * with the device, and the test shows both that and that nobody else finds it.
 */
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"
#include "raw.h"

#define WATCH		"300"	/* ms between two looks of the drivers' watches */
#define WATCH_MS	8000	/* longer than they sleep, whatever they were told before */
#define QUIET_MS	800	/* longer than two of their periods */
#define IDE_SEL_CTL_EN	0x1
#define FLR		0x8000	/* in Device Control */
#define BUS_RESET	0x40	/* in Bridge Control */
#define PAGE_OF_GUEST	(fn_bar_gpa(&self->fn, TEEMU_BAR_MEM))

static bool has_watch(void)
{
	return strcmp(world.vendor->name, "cca");
}

/* for the whole program */
static struct watch {
	const char *path;
	char was[32];
} watches[] = {
	{ "/sys/module/tdx_tsm/parameters/watch_ms", "" },
	{ "/sys/module/sev_tsm/parameters/watch_ms", "" },
};

static void watch_write(const struct watch *w, const char *text)
{
	int fd = open(w->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		note("cannot write %s", w->path);
	close(fd);
}

static void __attribute__((constructor)) watch_often(void)
{
	struct watch *w;

	for (w = watches; w < watches + ARRAY_SIZE(watches); w++) {
		int fd = open(w->path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (read(fd, w->was, sizeof(w->was) - 1) > 0)
			watch_write(w, WATCH);
		close(fd);
	}
}

static void __attribute__((destructor)) watch_as_before(void)
{
	struct watch *w;

	for (w = watches; w < watches + ARRAY_SIZE(watches); w++)
		if (w->was[0])
			watch_write(w, w->was);
}

static const struct attest_read from_start;

/* what the guest asks of the device: 0 with firmware's status, or -errno */
static int ask(struct fn *fn, uint32_t op, uint64_t *code)
{
	uint8_t resp[2048];
	size_t len = sizeof(resp);

	*code = 0;
	return fn_request(fn, op, &from_start, sizeof(from_start), resp, &len, code);
}

/* ---- config space past VFIO, as root can ---- */

static int config_open(const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* clear and set bits of a register of @size bytes */
static int config_change(const char *bdf, off_t reg, size_t size, uint32_t clear,
			 uint32_t set)
{
	int fd = config_open(bdf), ret = 0;
	uint32_t value = 0;

	if (fd < 0)
		return failed(-errno, "config of %s", bdf);
	if (pread(fd, &value, size, reg) != (ssize_t)size)
		ret = -EIO;
	value = (value & ~clear) | set;
	if (!ret && pwrite(fd, &value, size, reg) != (ssize_t)size)
		ret = failed(-errno, "config write of %s", bdf);
	close(fd);
	return ret;
}

/* offset of capability @id, 0: there is none */
static off_t config_cap(const char *bdf, uint8_t id)
{
	int fd = config_open(bdf), n;
	uint8_t pos = 0, cap[2] = { 0 };

	if (fd < 0 || pread(fd, &pos, 1, 0x34) != 1)
		pos = 0;
	for (n = 0; pos && n < 48; n++, pos = cap[1])
		if (pread(fd, cap, 2, pos) != 2 || cap[0] == id)
			break;
	close(fd);
	return cap[0] == id ? pos : 0;
}

static off_t config_ext_cap(const char *bdf, uint16_t id)
{
	int fd = config_open(bdf), n;
	uint32_t head = 0;
	off_t pos = 0x100;

	for (n = 0; fd >= 0 && pos >= 0x100 && n < 480; n++, pos = head >> 20)
		if (pread(fd, &head, 4, pos) != 4 || (head & 0xffff) == id)
			break;
	close(fd);
	return pos >= 0x100 && (head & 0xffff) == id ? pos : 0;
}

/* the port that @bdf is below */
static int port_of(const char *bdf, char *out, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	if (!realpath(path, real))
		return -errno;
	slash = strrchr(real, '/');
	if (!slash)
		return -ENOENT;
	*slash = 0;
	slash = strrchr(real, '/');
	if (!slash)
		return -ENOENT;
	snprintf(out, size, "%s", slash + 1);
	return 0;
}

/* ---- falls ---- */

static int fall_debugfs(void)
{
	return world_write("fn0/error", "1");
}

static int fall_config(void)
{
	return config_change(world.bdf[0], 4, 2, TDI_COMMAND_MASTER, 0);
}

static int fall_flr(void)
{
	off_t cap = config_cap(world.bdf[0], 0x10);
	int ret;

	ret = cap ? config_change(world.bdf[0], cap + 8, 2, 0, FLR) : -ENOENT;
	sleep_ms(150);
	return ret;
}

/*
 * The registers of an enabled stream are written: it is insecure from then on. The
 * device has no link streams, so its selective ones begin behind three registers.
 */
static int fall_ide(void)
{
	off_t cap = config_ext_cap(world.bdf[0], 0x30), pos = cap + 0xc;
	int fd = config_open(world.bdf[0]), ret = -ENOENT, n;
	uint32_t block[2];	/* capability, control */

	for (n = 0; cap && ret == -ENOENT && n < 4; n++) {
		if (pread(fd, block, sizeof(block), pos) != sizeof(block))
			break;
		if (block[1] & IDE_SEL_CTL_EN)
			ret = config_change(world.bdf[0], pos + 4, 4,
					    IDE_SEL_CTL_EN, 0);
		pos += 0x14 + 12 * (block[0] & 0xf);
	}
	close(fd);
	return failed(ret, "IDE stream of %s", world.bdf[0]);
}

/* the port resets the bus: device, link and session start from nothing */
static int fall_link(void)
{
	char port[TDI_BDF_MAX];
	int ret;

	ret = port_of(world.bdf[0], port, sizeof(port)) ?:
	      config_change(port, 0x3e, 2, 0, BUS_RESET);
	sleep_ms(10);
	ret = ret ?: config_change(port, 0x3e, 2, BUS_RESET, 0);
	sleep_ms(200);
	return ret;
}

static const struct fall {
	const char *name;
	int (*fall)(void);
	const char *state;	/* NULL: it is not asked */
	bool link;		/* the link has to be made anew */
} falls[] = {
	{ "by itself", fall_debugfs, "ERROR", false },
	{ "config write past VFIO", fall_config, "ERROR", false },
	{ "FLR past VFIO", fall_flr, "ERROR", false },
	{ "IDE stream insecure", fall_ide, "ERROR", true },
	{ "bus reset", fall_link, NULL, true },
};

/* the VMM is told, once; 0 when it was the right event at the right time */
static int is_told(struct fn *fn)
{
	uint64_t code;
	int event;

	if (!has_watch()) {
		event = fn_event(fn, QUIET_MS);
		if (event != -EAGAIN)
			return failed(-EPROTO, "event %d, and nobody has asked",
				      event);
		/* the guest asks the device something */
		ask(fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &code);
	}
	event = fn_event(fn, WATCH_MS);
	return event == TDI_EVENT_ERROR ? 0 : failed(-EPROTO, "event %d", event);
}

/* the vendor's word for "not in this state" */
static bool is_refusal(uint64_t code)
{
	switch (world.tvm->arch) {
	case IOMMU_TSM_TVM_ARCH_TDX:
		return code >> 40 == 0xc0000f;	/* TDX_DEVIF_TDISP_* */
	case IOMMU_TSM_TVM_ARCH_SEV:
		return code == 0x3c;		/* INVALID_TDI_STATE */
	default:
		return code == 2 || code == 6;	/* RSI_ERROR_STATE, RMI_ERROR_DEVICE */
	}
}

/* of no use to its guest, and of none to the host either */
static void is_in_error(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
			const struct fall *fall)
{
	uint16_t command = TDI_COMMAND_MASTER;
	uint64_t code = 0;

	/* a refusal of firmware's, which is no errno */
	EXPECT_EQ(ATTEST_REFUSED, attest_step(fn_attest(&self->fn), ATTEST_START));
	EXPECT_TRUE(is_refusal(fn_attest(&self->fn)->seen))
		note("START: %#llx",
		     (unsigned long long)fn_attest(&self->fn)->seen);
	EXPECT_EQ(0, ask(&self->fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &code));
	EXPECT_TRUE(is_refusal(code))
		note("READ_REPORT: %#llx", (unsigned long long)code);
	EXPECT_EQ(0, vm_must_fault(&self->vm, PAGE_OF_GUEST));
	EXPECT_EQ(-EBUSY, tdi_device_config_write(self->fn.dev, 4, &command,
						  sizeof(command)));
	EXPECT_EQ(-EBUSY, tdi_device_reset(self->fn.dev));
	EXPECT_EQ(EBUSY, raw_bind(&self->fn));
	EXPECT_EQ(1, world_tdis());
	if (fall->state) {
		EXPECT_TRUE(world_tdi_is(0, fall->state));
	}
	/* told once */
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, QUIET_MS));
}

static void falls_and_ends(struct __test_metadata *_metadata,
			   FIXTURE_DATA(tvm) *self, const struct fall *fall)
{
	note("%s", fall->name);
	self->base.trace = false;
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, fall->fall());
	EXPECT_EQ(0, is_told(&self->fn));
	is_in_error(_metadata, self, fall);
	EXPECT_EQ(0, fn_unbind(&self->fn));
	/* nobody binds it but who is asked to */
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, QUIET_MS));
	EXPECT_EQ(0, world_tdis());
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	if (fall->link) {
		ASSERT_EQ(0, world_disconnect());
		ASSERT_EQ(0, world_connect());
	}
	EXPECT_EQ(0, tdi_device_reset(self->fn.dev));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(TEEMU_DESC_DONE,
		  fn_dma(&self->fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			 TEEMU_DESC_F_DST_T, VM_SRC_GPA, VM_DST_GPA, PAGE));
	EXPECT_EQ(0, fn_unbind(&self->fn));
}

TVM_TEST(falls_by_itself)
{
	falls_and_ends(_metadata, self, &falls[0]);
}

TVM_TEST(falls_by_a_config_write)
{
	falls_and_ends(_metadata, self, &falls[1]);
}

TVM_TEST(falls_by_an_flr)
{
	falls_and_ends(_metadata, self, &falls[2]);
}

TVM_TEST(falls_with_its_stream)
{
	falls_and_ends(_metadata, self, &falls[3]);
}

TVM_TEST(falls_with_its_link)
{
	char slot[64];

	/* a reset of the bus is the end of the link for pciehp: unbound, and r05 */
	if (world_read("slot", slot, sizeof(slot)))
		falls_and_ends(_metadata, self, &falls[4]);
	else
		SKIP(return, "its link ends in a hot-plug slot: r05 surprise_removal");
}

/* unbind at once, before anybody has noticed: it finds out by itself */
TVM_TEST(unbind_is_the_first_to_notice)
{
	self->base.trace = false;
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, fall_debugfs());
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, tvm_to_run(self));
}

/* ---- the events ---- */

/* the queue has something, and is not read */
static bool has_event(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 && pfd.revents == POLLIN;
}

TVM_TEST(error_then_unbound)
{
	uint64_t code;

	self->base.trace = false;
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, fall_debugfs());
	if (!has_watch())
		ask(&self->fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &code);
	ASSERT_TRUE(has_event(self->fn.event_fd, WATCH_MS));
	ASSERT_EQ(0, world_disconnect());
	/* unbound when the event can be read */
	sleep_ms(200);
	EXPECT_EQ(TDI_EVENT_ERROR, fn_event(&self->fn, WATCH_MS));
	EXPECT_EQ(TDI_EVENT_UNBOUND, fn_event(&self->fn, WATCH_MS));
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 100));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 100));
	ASSERT_EQ(0, world_connect());
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, tvm_to_run(self));
}

/* a life that the TSM ends: one event */
static int life(struct fn *fn)
{
	return failed(fn_bind(fn), "bind") ?: world_disconnect() ?:
	       /* what it left to a work item */
	       failed(fn_unbind(fn), "unbind") ?: world_connect();
}

static int lives(struct fn *fn, int n)
{
	int ret = 0;

	while (!ret && n--)
		ret = life(fn);
	/* events come from work items */
	sleep_ms(100);
	return ret;
}

static void close_queue(struct fn *fn)
{
	close(fn->event_fd);
	fn->event_fd = -1;
	tdi_iommu_destroy(fn->iommu, fn->queue_id);
	fn->queue_id = 0;
}

/* the next event is of @type, and @lost were lost before it; type 0: a mark only */
static void next_is(struct __test_metadata *_metadata, struct tdi_events *events,
		    uint32_t type, uint32_t lost, uint64_t virt_id)
{
	struct tdi_event event = { 0 };

	EXPECT_TRUE(has_event(tdi_events_fd(events), WATCH_MS));
	EXPECT_EQ(0, tdi_events_next(events, &event));
	EXPECT_EQ(type, event.type);
	EXPECT_EQ(lost, event.lost);
	EXPECT_EQ(type ? virt_id : 0, event.virt_id);
	EXPECT_NE(NULL, tdi_event_text(event.type));
}

static void none_is_left(struct __test_metadata *_metadata,
			 struct tdi_events *events)
{
	struct tdi_event event;

	EXPECT_EQ(-EAGAIN, tdi_events_next(events, &event));
	EXPECT_FALSE(has_event(tdi_events_fd(events), 0));
}

TVM_TEST(more_than_the_queue_holds)
{
	struct tdi_events *events = NULL, *second = NULL;
	uint64_t id = fn_rid(&self->fn);

	close_queue(&self->fn);
	ASSERT_EQ(0, tdi_events_open(self->fn.iommu, self->fn.viommu_id, 2,
				     &events));
	EXPECT_EQ(-EEXIST, tdi_events_open(self->fn.iommu, self->fn.viommu_id, 2,
					   &second));
	/* four into two: the mark comes last */
	ASSERT_EQ(0, lives(&self->fn, 4));
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 0, id);
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 0, id);
	next_is(_metadata, events, 0, 2, id);
	none_is_left(_metadata, events);
	/* nothing else is missing */
	ASSERT_EQ(0, lives(&self->fn, 1));
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 0, id);
	none_is_left(_metadata, events);
	/* three into two, one is read, another comes: the mark is before that */
	ASSERT_EQ(0, lives(&self->fn, 3));
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 0, id);
	ASSERT_EQ(0, lives(&self->fn, 1));
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 0, id);
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 1, id);
	none_is_left(_metadata, events);
	tdi_events_close(events);
}

static void *disconnector(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)world_disconnect();
}

/* a VMM that binds again, or tries to, before it has read what happened */
TVM_TEST(binds_before_it_is_told)
{
	uint64_t end = now_ms() + 60000;
	pthread_t thread;
	void *ret;
	int i, err;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, fn_bind(&self->fn));
		ASSERT_EQ(0, pthread_create(&thread, NULL, disconnector, NULL));
		do
			err = fn_bind(&self->fn);
		while (err == -EBUSY && now_ms() < end);
		EXPECT_EQ(-ENXIO, err);
		pthread_join(thread, &ret);
		EXPECT_EQ(0, (intptr_t)ret);
		EXPECT_EQ(TDI_EVENT_UNBOUND, fn_event(&self->fn, WATCH_MS));
		ASSERT_EQ(0, world_connect());
		/* and with one that succeeds */
		ASSERT_EQ(0, life(&self->fn));
		ASSERT_EQ(0, fn_bind(&self->fn));
		EXPECT_EQ(TDI_EVENT_UNBOUND, fn_event(&self->fn, WATCH_MS));
		ASSERT_EQ(0, fn_unbind(&self->fn));
		self->fn.guest = false;
	}
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 100));
}

TVM_TEST(queue_closed_early)
{
	struct tdi_events *events = NULL;

	/* its file is closed, the queue is there: nobody reads */
	ASSERT_EQ(0, fn_bind(&self->fn));
	close(self->fn.event_fd);
	self->fn.event_fd = -1;
	ASSERT_EQ(0, world_disconnect());
	ASSERT_EQ(0, world_connect());
	ASSERT_EQ(0, fn_unbind(&self->fn));
	/* there is no queue */
	ASSERT_EQ(0, tdi_iommu_destroy(self->fn.iommu, self->fn.queue_id));
	self->fn.queue_id = 0;
	ASSERT_EQ(0, life(&self->fn));
	/* a new one knows what happens from now on */
	ASSERT_EQ(0, fn_bind(&self->fn));
	ASSERT_EQ(0, tdi_events_open(self->fn.iommu, self->fn.viommu_id, 8,
				     &events));
	none_is_left(_metadata, events);
	ASSERT_EQ(0, world_disconnect());
	next_is(_metadata, events, TDI_EVENT_UNBOUND, 0, fn_rid(&self->fn));
	none_is_left(_metadata, events);
	ASSERT_EQ(0, world_connect());
	self->fn.guest = false;
	ASSERT_EQ(0, life(&self->fn));
	/* and goes with unread ones in it */
	tdi_events_close(events);
}

/* ---- two devices of one vIOMMU ---- */

/* function 1 in the context, the page table and the vIOMMU of @first */
static int open_beside(struct fn *fn, struct fn *first)
{
	int ret;

	fn->vm = first->vm;
	fn->iommu = first->iommu;
	ret = failed(tdi_device_open(world.bdf[fn->nr], &fn->dev), "device") ?:
	      failed(tdi_vm_add_device(fn->vm->tdi, fn->dev), "FILE_ADD");
	if (ret)
		return ret;
	fn->added = true;
	ret = failed(tdi_device_bind(fn->dev, fn->iommu), "iommufd") ?:
	      failed(tdi_device_attach(fn->dev, first->hwpt_id), "attach");
	if (ret)
		return ret;
	fn->attached = true;
	return failed(tdi_vdevice_alloc(fn->iommu, first->viommu_id,
					tdi_device_id(fn->dev), fn_rid(fn),
					&fn->vdevice_id), "vdevice") ?:
	       fn_enable(fn) ?: fn_set_slots(fn);
}

/* the context is the other's */
static void close_beside(struct fn *fn)
{
	if (fn->vdevice_id)
		tdi_iommu_destroy(fn->iommu, fn->vdevice_id);
	fn->vdevice_id = 0;
	fn_clear_slots(fn);
	if (fn->attached)
		tdi_device_detach(fn->dev);
	fn->attached = false;
	fn_close_device(fn);
	fn->iommu = NULL;
}

TVM_TEST(two_devices_one_queue)
{
	struct tdi_event event;
	unsigned int seen = 0;
	struct fn other;
	uint64_t code;
	int i;

	self->base.trace = false;
	fn_init(&other, 1);
	ASSERT_EQ(0, open_beside(&other, &self->fn));
	ASSERT_EQ(0, fn_bind(&self->fn));
	ASSERT_EQ(0, fn_bind(&other));
	ASSERT_EQ(0, fn_run(&other));
	/* one falls, and the other does not */
	ASSERT_EQ(0, world_write("fn1/error", "1"));
	if (!has_watch())
		ask(&other, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &code);
	ASSERT_TRUE(has_event(self->fn.event_fd, WATCH_MS));
	EXPECT_EQ(0, tdi_event_read(self->fn.event_fd, &event));
	EXPECT_EQ(fn_rid(&other), event.virt_id);
	EXPECT_EQ(TDI_EVENT_ERROR, event.type);
	EXPECT_FALSE(has_event(self->fn.event_fd, QUIET_MS));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, ask(&self->fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &code));
	EXPECT_EQ(0, code);
	/* both go: one event for each, by its name */
	ASSERT_EQ(0, world_disconnect());
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(has_event(self->fn.event_fd, WATCH_MS));
		EXPECT_EQ(0, tdi_event_read(self->fn.event_fd, &event));
		EXPECT_EQ(TDI_EVENT_UNBOUND, event.type);
		seen |= event.virt_id == fn_rid(&other) ? 2 :
			event.virt_id == fn_rid(&self->fn) ? 1 : 4;
	}
	EXPECT_EQ(3, seen);
	EXPECT_FALSE(has_event(self->fn.event_fd, 100));
	self->fn.guest = false;
	other.guest = false;
	ASSERT_EQ(0, world_connect());
	close_beside(&other);
}

/* ---- what its user sees of it ---- */

#define TVMM		"/bin/tvmm"
#define TVMM_MS		60000

struct tvmm {
	pid_t pid;
	int out;	/* what it prints */
	char text[16384];
	size_t len;
};

static int tvmm_start(struct tvmm *t)
{
	int fds[2];

	memset(t, 0, sizeof(*t));
	fflush(stdout);
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	t->pid = fork();
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		execl(TVMM, TVMM, "--device", world.bdf[0], "--mode", "locked",
		      NULL);
		_exit(127);
	}
	close(fds[1]);
	t->out = fds[0];
	return t->pid < 0 ? -errno : 0;
}

/* it has printed @what; -ETIMEDOUT, -EPIPE: it has ended */
static int tvmm_says(struct tvmm *t, const char *what)
{
	uint64_t end = now_ms() + TVMM_MS;
	struct pollfd pfd = { .fd = t->out, .events = POLLIN };
	ssize_t n;

	while (!strstr(t->text, what)) {
		if (now_ms() > end || poll(&pfd, 1, TVMM_MS) <= 0)
			return -ETIMEDOUT;
		n = read(t->out, t->text + t->len, sizeof(t->text) - 1 - t->len);
		if (n <= 0)
			return failed(-EPIPE, "tvmm: %s", t->text);
		t->len += n;
	}
	return 0;
}

AUDITED_TEST(tvmm_tells)
{
	struct tvmm t;
	int status;

	if (access(TVMM, X_OK))
		SKIP(return, "no " TVMM " in this image");
	self->base.trace = false;
	ASSERT_EQ(0, tvmm_start(&t));
	ASSERT_EQ(0, tvmm_says(&t, "interface report of"));
	sleep_ms(500);
	ASSERT_EQ(0, fall_debugfs());
	if (has_watch()) {
		EXPECT_EQ(0, tvmm_says(&t, "fell to TDISP ERROR"));
	}
	ASSERT_EQ(0, world_disconnect());
	EXPECT_EQ(0, tvmm_says(&t, "was unbound by the host"));
	kill(t.pid, SIGTERM);
	EXPECT_EQ(t.pid, waitpid(t.pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	close(t.out);
	ASSERT_EQ(0, world_connect());
}

TVM_MAIN
