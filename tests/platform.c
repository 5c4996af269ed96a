// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulated platform itself: VFs, the hot-plug slot, error recovery, a DSM that
 * errs. What hardware does, past every gate of the kernel: config space is written
 * through sysfs, which asks nobody.
 *
 * TDIs fall to ERROR here on purpose, so only the program's last test is audited.
 */
#include "harness.h"
#include "past.h"

#include <pthread.h>

#include <linux/pci_regs.h>

#define GONE_MS		20000	/* pciehp waits a second after power has gone */
#define SOON_MS		5000
#define COPY		(4 * PAGE)
#define MARK		0x5a5ac3c3u
#define ONES		0xffffffffu

FIXTURE(platform)
{
	struct vm vm[2];
	struct fn fn[2];
};

FIXTURE_SETUP(platform)
{
	for (int i = 0; i < 2; i++) {
		vm_init(&self->vm[i]);
		fn_init(&self->fn[i], i);
	}
	WORLD_OR_SKIP();
}

FIXTURE_TEARDOWN(platform)
{
	for (int i = 0; i < 2; i++) {
		fn_close(&self->fn[i]);
		vm_close(&self->vm[i]);
	}
	EXPECT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(0, world_set_vfs(0));
}

#define PLATFORM_TEST(name)	TEST_F_TIMEOUT(platform, name, TVM_TIMEOUT)

/* @fn is function @nr from now on, open and in RUN, with memory to copy */
static int to_run(struct fn *fn, struct vm *vm, unsigned int nr)
{
	fn_init(fn, nr);
	return vm_open(vm, 0) ?: fn_open(fn, vm) ?: failed(fn_bind(fn), "bind") ?:
	       fn_run(fn) ?:
	       vm_fill(vm, VM_SRC_GPA, COPY, 0x123456789abcdefULL + nr) ?:
	       vm_fill(vm, VM_DST_GPA, COPY, 0) ?: fn_ring_start(fn);
}

/* a T=1 copy with its sums: TEEMU_DESC_* or -errno */
static int copy(struct fn *fn)
{
	uint64_t a, b;
	int ret;

	ret = fn_dma(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T,
		     VM_SRC_GPA, VM_DST_GPA, COPY);
	if (ret != TEEMU_DESC_DONE)
		return ret;
	ret = vm_sum(fn->vm, VM_SRC_GPA, COPY, &a) ?:
	      vm_sum(fn->vm, VM_DST_GPA, COPY, &b);
	return ret ?: a == b ? TEEMU_DESC_DONE : -EIO;
}

/* all of a life: bind, run, copy, unbind */
static int live(struct fn *fn, struct vm *vm, unsigned int nr)
{
	int ret = to_run(fn, vm, nr) ?: copy(fn);

	if (ret == TEEMU_DESC_DONE)
		ret = failed(fn_unbind(fn), "unbind");
	fn_close(fn);
	vm_close(vm);
	return ret ? failed(ret < 0 ? ret : -EIO, "function %u", nr) : 0;
}

static uint32_t get(const char *bdf, unsigned int pos, unsigned int size)
{
	int fd = cfg_open(bdf);
	uint32_t value = fd < 0 ? ONES : cfg_get(fd, pos, size);

	if (fd >= 0)
		close(fd);
	return value;
}

static int put(const char *bdf, unsigned int pos, uint32_t value,
	       unsigned int size)
{
	int fd = cfg_open(bdf), ret = fd < 0 ? -errno : 0;

	if (!ret)
		ret = cfg_put(fd, pos, value, size);
	if (fd >= 0)
		close(fd);
	return ret;
}

static unsigned int where(const char *bdf, unsigned int cap, bool ext)
{
	int fd = cfg_open(bdf);
	unsigned int pos = 0;

	if (fd >= 0) {
		pos = ext ? cfg_ecap(fd, cap) : cfg_cap(fd, cap);
		close(fd);
	}
	return pos;
}

static int flr(const char *bdf)
{
	unsigned int exp = where(bdf, PCI_CAP_ID_EXP, false);

	return put(bdf, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
}

static bool tdi_becomes(unsigned int nr, const char *state)
{
	uint64_t end = now_ms() + SOON_MS;
	char path[32], text[64];

	snprintf(path, sizeof(path), "fn%u/tdi", nr);
	while (!world_read(path, text, sizeof(text))) {
		text[strcspn(text, "\n")] = 0;
		if (!strcmp(text, state))
			return true;
		if (now_ms() > end)
			break;
		sleep_ms(5);
	}
	note("fn%u: %s, looked for %s", nr, text, state);
	return false;
}

/* ---- SR-IOV ---- */

PLATFORM_TEST(vf_config_space)
{
	const char *vf;
	unsigned int exp;

	ASSERT_EQ(0, world_set_vfs(2));
	for (int i = 0; i < 2; i++) {
		vf = world.bdf[NR_FNS + i];
		exp = where(vf, PCI_CAP_ID_EXP, false);
		EXPECT_EQ(ONES, get(vf, PCI_VENDOR_ID, 4));
		for (int bar = 0; bar < 6; bar++)
			EXPECT_EQ(0, get(vf, PCI_BASE_ADDRESS_0 + 4 * bar, 4));
		/* of the command register only bus mastering is there */
		EXPECT_EQ(0, put(vf, PCI_COMMAND, 0xffff, 2));
		EXPECT_EQ(PCI_COMMAND_MASTER, get(vf, PCI_COMMAND, 2));
		EXPECT_EQ(0, put(vf, PCI_COMMAND, 0, 2));
		EXPECT_EQ(0x40000000 | PCI_EXP_DEVCAP_FLR,
			  get(vf, exp + PCI_EXP_DEVCAP, 4) &
			  (0x40000000 | PCI_EXP_DEVCAP_FLR));
		EXPECT_NE(0, where(vf, PCI_CAP_ID_MSIX, false));
		EXPECT_EQ(0, where(vf, PCI_EXT_CAP_ID_SRIOV, true));
		EXPECT_TRUE(past_has(vf, "tsm"));
	}
	ASSERT_EQ(0, world_set_vfs(0));
	EXPECT_FALSE(past_has(world.bdf[NR_FNS], "config"));
}

/* both at once, each in a VM of its own, beside function 1 */
PLATFORM_TEST(vfs_run)
{
	ASSERT_EQ(0, world_set_vfs(2));
	ASSERT_EQ(0, live(&self->fn[0], &self->vm[0], 1));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, to_run(&self->fn[i], &self->vm[i], NR_FNS + i));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(TEEMU_DESC_DONE, copy(&self->fn[i]));
	EXPECT_EQ(0, fn_unbind(&self->fn[0]));
	EXPECT_TRUE(tdi_becomes(NR_FNS, "CONFIG_UNLOCKED"));
	EXPECT_EQ(TEEMU_DESC_DONE, copy(&self->fn[1]));
	EXPECT_EQ(0, fn_unbind(&self->fn[1]));
}

/* what takes one VF's TDI down, what takes all */
PLATFORM_TEST(vf_resets)
{
	unsigned int sriov = where(world.bdf[0], PCI_EXT_CAP_ID_SRIOV, true);
	uint32_t ctrl;

	ASSERT_NE(0, sriov);
	ASSERT_EQ(0, world_set_vfs(2));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, to_run(&self->fn[i], &self->vm[i], NR_FNS + i));
	ASSERT_EQ(0, flr(world.bdf[NR_FNS]));
	EXPECT_TRUE(tdi_becomes(NR_FNS, "ERROR"));
	EXPECT_TRUE(world_tdi_is(NR_FNS + 1, "RUN"));
	EXPECT_EQ(TEEMU_DESC_DONE, copy(&self->fn[1]));

	/* FLR of the PF: the VFs are gone */
	ctrl = get(world.bdf[0], sriov + PCI_SRIOV_CTRL, 2);
	EXPECT_TRUE(ctrl & PCI_SRIOV_CTRL_VFE);
	ASSERT_EQ(0, flr(world.bdf[0]));
	EXPECT_TRUE(tdi_becomes(NR_FNS + 1, "ERROR"));
	EXPECT_EQ(0, get(world.bdf[0], sriov + PCI_SRIOV_CTRL, 2) &
		  PCI_SRIOV_CTRL_VFE);
	EXPECT_EQ(0xffff, get(world.bdf[NR_FNS], PCI_COMMAND, 2));

	/* what is gone can still be unbound */
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, fn_unbind(&self->fn[i]));
		fn_close(&self->fn[i]);
		EXPECT_TRUE(tdi_becomes(NR_FNS + i, "CONFIG_UNLOCKED"));
	}
	ASSERT_EQ(0, world_set_vfs(0));
	/* its BARs went with the FLR, which nobody knows of */
	ASSERT_EQ(0, tdi_attr_write(world.bdf[0], "remove", "1"));
	ASSERT_EQ(0, past_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, world_renew());
	EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], 0));
}

PLATFORM_TEST(vf_memory_disabled)
{
	unsigned int sriov = where(world.bdf[0], PCI_EXT_CAP_ID_SRIOV, true);
	uint32_t ctrl;

	ASSERT_EQ(0, world_set_vfs(1));
	ASSERT_EQ(0, to_run(&self->fn[0], &self->vm[0], NR_FNS));
	ctrl = get(world.bdf[0], sriov + PCI_SRIOV_CTRL, 2);
	ASSERT_EQ(0, put(world.bdf[0], sriov + PCI_SRIOV_CTRL,
			 ctrl & ~PCI_SRIOV_CTRL_MSE, 2));
	EXPECT_TRUE(tdi_becomes(NR_FNS, "ERROR"));
	ASSERT_EQ(0, put(world.bdf[0], sriov + PCI_SRIOV_CTRL, ctrl, 2));
	EXPECT_EQ(0, fn_unbind(&self->fn[0]));
	fn_close(&self->fn[0]);
	vm_close(&self->vm[0]);
	EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], NR_FNS));
}

/* ---- gone and come again ---- */

PLATFORM_TEST(function_removed_and_found)
{
	for (int nr = NR_FNS; nr--;) {
		ASSERT_EQ(0, tdi_attr_write(world.bdf[nr], "remove", "1"));
		ASSERT_EQ(0, past_write_file("/sys/bus/pci/rescan", "1"));
		ASSERT_EQ(0, world_renew());
		EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], nr));
	}
	EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], 1));
}

PLATFORM_TEST(bus_removed_and_found)
{
	char port[TDI_BDF_MAX];

	ASSERT_EQ(0, past_port(world.bdf[0], port));
	ASSERT_EQ(0, tdi_attr_write(port, "remove", "1"));
	EXPECT_FALSE(past_has(world.bdf[0], "config"));
	ASSERT_EQ(0, past_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, world_renew());
	for (int nr = 0; nr < NR_FNS; nr++)
		EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], nr));
}

PLATFORM_TEST(slot_without_power)
{
	ASSERT_EQ(0, world_slot_power(false));
	EXPECT_EQ(0, world_wait_device(false, SOON_MS));
	ASSERT_EQ(0, world_slot_power(true));
	EXPECT_EQ(0, world_wait_device(true, SOON_MS));
	ASSERT_EQ(0, world_renew());
	ASSERT_EQ(0, world_set_vfs(1));
	EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], NR_FNS));
	ASSERT_EQ(0, world_set_vfs(0));
	EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], 0));
}

PLATFORM_TEST(surprise_removal)
{
	ASSERT_EQ(0, world_write("slot", "out"));
	EXPECT_NE(0, world_write("slot", "out"));
	EXPECT_EQ(0, world_wait_device(false, GONE_MS));
	ASSERT_EQ(0, world_write("slot", "in"));
	EXPECT_EQ(0, world_wait_device(true, GONE_MS));
	ASSERT_EQ(0, world_renew());
	for (int nr = 0; nr < NR_FNS; nr++)
		EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], nr));
}

/* Arm's RMM lets go of a VDEV only when its device has said that it stopped */
#define NOT_WITHOUT_DSM()	do {					\
	if (!strcmp(world.vendor->name, "cca"))				\
		SKIP(return, "cca: firmware has no force");		\
} while (0)

/* under a TDI in RUN: nothing answers, no request is sent, nothing is left */
PLATFORM_TEST(surprise_removal_in_run)
{
	struct fn *fn = &self->fn[0];
	struct vm *vm = &self->vm[0];
	uint64_t gpa = fn_bar_gpa(fn, TEEMU_BAR_MEM);
	uint32_t value = 0;
	long ok;

	NOT_WITHOUT_DSM();
	ASSERT_EQ(0, to_run(fn, vm, 0));
	EXPECT_EQ(TEEMU_DESC_DONE, copy(fn));
	EXPECT_EQ(0, vm_write32(vm, gpa, MARK));
	ok = world_iommu_count(0, "t1_ok");
	ASSERT_LE(0, fn_post(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			     TEEMU_DESC_F_DST_T, VM_SRC_GPA, VM_DST_GPA, COPY));
	ASSERT_EQ(0, world_write("slot", "out"));
	EXPECT_FALSE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(ONES, get(world.bdf[0], PCI_VENDOR_ID, 4));
	/* unless the driver was quicker and has taken the page already */
	if (!vm_read32(vm, gpa, &value)) {
		EXPECT_EQ(ONES, value);
	}
	EXPECT_GE(ok + 2 * (long)(COPY / PAGE), world_iommu_count(0, "t1_ok"));
	fn_close(fn);
	vm_close(vm);
	EXPECT_EQ(0, world_wait_device(false, GONE_MS));
	ASSERT_EQ(0, world_write("slot", "in"));
	EXPECT_EQ(0, world_wait_device(true, GONE_MS));
	ASSERT_EQ(0, world_renew());
	for (int nr = 0; nr < NR_FNS; nr++)
		EXPECT_EQ(0, live(fn, vm, nr));
}

/* ---- error recovery ---- */

static unsigned long aer_total(unsigned int nr, const char *attr)
{
	char path[PATH_MAX], line[128];
	unsigned long n = 0;
	FILE *in;

	past_path(world.bdf[nr], attr, path);
	in = fopen(path, "re");
	if (!in)
		return 0;
	while (fgets(line, sizeof(line), in))
		if (!strncmp(line, "TOTAL_ERR_", 10))
			n = strtoul(strchr(line, ' ') + 1, NULL, 10);
	fclose(in);
	return n;
}

static bool aer_becomes(unsigned int nr, const char *attr, unsigned long n)
{
	uint64_t end = now_ms() + SOON_MS;

	while (aer_total(nr, attr) != n) {
		if (now_ms() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

PLATFORM_TEST(nonfatal_error)
{
	unsigned long n = aer_total(1, "aer_dev_nonfatal");

	ASSERT_EQ(0, fn_open(&self->fn[1], NULL));
	ASSERT_EQ(0, past_aer("nonfatal 1"));
	EXPECT_TRUE(aer_becomes(1, "aer_dev_nonfatal", n + 1));
	EXPECT_NE(0, past_aer("nonfatal 2"));
	fn_close(&self->fn[1]);
	EXPECT_EQ(0, live(&self->fn[1], &self->vm[1], 1));
}

/* Linux resets the link, which takes everything from the device */
PLATFORM_TEST(fatal_error)
{
	volatile uint32_t *bar2;
	uint64_t end;
	void *map;

	fn_init(&self->fn[0], 1);
	ASSERT_EQ(0, fn_open(&self->fn[0], NULL));
	ASSERT_EQ(0, tdi_device_map(self->fn[0].dev, TEEMU_BAR_MEM, &map));
	bar2 = map;
	*bar2 = MARK;
	ASSERT_EQ(0, past_aer("fatal 1"));
	for (end = now_ms() + SOON_MS; *bar2 && now_ms() < end;)
		sleep_ms(5);
	EXPECT_EQ(0, *bar2);
	EXPECT_EQ(0, get(world.bdf[0], PCI_BASE_ADDRESS_2, 4) & ~0xfu);
	fn_close(&self->fn[0]);
	/* recovery restores nothing that no driver restores */
	for (int nr = 0; nr < NR_FNS; nr++)
		ASSERT_EQ(0, tdi_attr_write(world.bdf[nr], "remove", "1"));
	ASSERT_EQ(0, past_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, world_renew());
	for (int nr = 0; nr < NR_FNS; nr++)
		EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], nr));
}

/* ---- what a TVM writes to a device that was reset under it ---- */

/* a secondary bus reset that Linux's hot-plug driver is not told of */
static int quiet_bus_reset(const char *port)
{
	unsigned int exp = where(port, PCI_CAP_ID_EXP, false);
	uint32_t slot = get(port, exp + PCI_EXP_SLTCTL, 2);
	uint32_t ctl = get(port, PCI_BRIDGE_CONTROL, 2);

	return put(port, exp + PCI_EXP_SLTCTL, slot & ~PCI_EXP_SLTCTL_HPIE, 2) ?:
	       put(port, PCI_BRIDGE_CONTROL, ctl | PCI_BRIDGE_CTL_BUS_RESET, 2) ?:
	       put(port, PCI_BRIDGE_CONTROL, ctl, 2) ?:
	       put(port, exp + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_DLLSC, 2) ?:
	       put(port, exp + PCI_EXP_SLTCTL, slot, 2);
}

PLATFORM_TEST(later_writes_are_scrubbed)
{
	struct fn *fn = &self->fn[0];
	struct vm *vm = &self->vm[0];
	uint64_t gpa = fn_bar_gpa(fn, TEEMU_BAR_MEM);
	char port[TDI_BDF_MAX];
	uint32_t value;
	void *map;

	ASSERT_EQ(0, to_run(fn, vm, 0));
	ASSERT_EQ(0, tdi_device_map(fn->dev, TEEMU_BAR_MEM, &map));
	ASSERT_EQ(0, past_port(world.bdf[0], port));
	ASSERT_EQ(0, quiet_bus_reset(port));
	EXPECT_TRUE(tdi_becomes(0, "CONFIG_UNLOCKED"));
	/* the TVM does not know, and here its writes still get through */
	ASSERT_EQ(0, vm_write32(vm, gpa, MARK));
	ASSERT_EQ(0, vm_read32(vm, gpa, &value));
	EXPECT_EQ(MARK, value);
	fn_unbind(fn);
	EXPECT_EQ(0, *(volatile uint32_t *)map);
	fn_close(fn);
	vm_close(vm);
	/* nobody restores what nobody knows to be lost */
	for (int nr = 0; nr < NR_FNS; nr++)
		ASSERT_EQ(0, tdi_attr_write(world.bdf[nr], "remove", "1"));
	ASSERT_EQ(0, past_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, world_renew());
	EXPECT_EQ(0, live(fn, vm, 0));
}

/* ---- a DSM that errs ---- */

static long exchanges(void)
{
	char text[128];

	return world_read("doe_count", text, sizeof(text)) ? -1 :
	       world_number(text, "exchanges");
}

PLATFORM_TEST(dsm_errs_once)
{
	static const char *const faults[] = {
		"silent nth 1", "lost nth 1", "garbage nth 1", "slow 3000 nth 1",
		"wrong nth 1", "short nth 1", "error nth 1", "garbage nth 2",
	};
	char text[64];
	long n;

	ASSERT_EQ(0, world_disconnect());
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		n = exchanges();
		ASSERT_EQ(0, world_write("doe_mode", faults[i]));
		EXPECT_NE(0, tdi_link_connect(world.bdf[0], world.tsm)) {
			TH_LOG("connected despite %s", faults[i]);
			tdi_link_disconnect(world.bdf[0]);
		}
		ASSERT_EQ(0, world_read("doe_mode", text, sizeof(text)));
		EXPECT_STREQ("normal\n", text);
		EXPECT_LT(n, exchanges());
	}
	for (size_t i = 0; i < 2; i++) {
		static const char *const bad[] = { "normal nth 1", "pause" };

		EXPECT_NE(0, world_write("doe_mode", bad[i]));
	}
	ASSERT_EQ(0, world_connect());
}

static void *connect_thread(void *arg)
{
	*(int *)arg = tdi_link_connect(world.bdf[0], world.tsm);
	return NULL;
}

PLATFORM_TEST(dsm_pauses)
{
	uint64_t end = now_ms() + SOON_MS;
	pthread_t thread;
	char text[64] = "";
	int ret = -1;

	ASSERT_EQ(0, world_disconnect());
	ASSERT_EQ(0, world_write("doe_mode", "pause 2"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, connect_thread, &ret));
	while (!strstr(text, "paused") && now_ms() < end) {
		sleep_ms(1);
		ASSERT_EQ(0, world_read("doe_mode", text, sizeof(text)));
	}
	EXPECT_STREQ("normal paused\n", text);
	ASSERT_EQ(0, world_write("doe_mode", "go"));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, ret);
}

PLATFORM_TEST(session_lost)
{
	NOT_WITHOUT_DSM();
	ASSERT_EQ(0, to_run(&self->fn[0], &self->vm[0], 0));
	ASSERT_EQ(0, world_write("lose_session", "1"));
	EXPECT_TRUE(world_tdi_is(0, "ERROR"));
	/* the DSM answers no STOP: by the escape, or not at all before the reset */
	fn_unbind(&self->fn[0]);
	fn_close(&self->fn[0]);
	vm_close(&self->vm[0]);
	ASSERT_EQ(0, world_disconnect());
	ASSERT_EQ(0, world_connect());
	EXPECT_EQ(0, live(&self->fn[0], &self->vm[0], 0));
}

TVM_MAIN
