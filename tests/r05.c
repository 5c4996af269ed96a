// SPDX-License-Identifier: GPL-2.0-only
/*
 * R05: what takes a function away and cannot be refused unbinds its TDI first, before
 * it waits for VFIO's user, who is told; the wait ends with the user's close. That is
 * so for the function itself and for those that hang on it: VFs of a PF, functions of
 * a DSM, all below a port. What can be refused is: EBUSY, nothing changed.
 *
 * That it was first shows in the audit: no TDI falls to ERROR.
 */
#include <pthread.h>
#include <string.h>

#include "goes_on.h"
#include "past.h"

#define FIRST_MS	15000	/* an unbind takes some exchanges with the device */
#define EVENT_MS	5000
#define GONE_MS		30000
#define RESCAN		"/sys/bus/pci/rescan"

/**
 * struct departure - something that takes a function away, in a thread
 * @run: answers errno
 * @nr: which function
 * @thread: of it
 * @ret: of @run
 * @over: it has returned
 */
struct departure {
	int (*run)(unsigned int nr);
	unsigned int nr;
	pthread_t thread;
	int ret;
	volatile bool over;
};

static void *departure_main(void *arg)
{
	struct departure *d = arg;

	d->ret = d->run(d->nr);
	__sync_synchronize();
	d->over = true;
	return NULL;
}

static int departure_begin(struct departure *d, int (*run)(unsigned int nr),
			   unsigned int nr)
{
	*d = (struct departure) { .run = run, .nr = nr };
	return pthread_create(&d->thread, NULL, departure_main, d);
}

/* it ends now that the user has closed: errno, -ETIMEDOUT */
static int departure_end(struct departure *d)
{
	uint64_t end = now_ms() + GONE_MS;

	while (!d->over) {
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "the departure waits for ever");
		sleep_ms(5);
	}
	pthread_join(d->thread, NULL);
	return d->ret;
}

static bool comes_to(unsigned int nr, const char *state, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	char path[32], text[64];

	snprintf(path, sizeof(path), "fn%u/tdi", nr);
	while (!world_read(path, text, sizeof(text)) &&
	       strncmp(text, state, strlen(state)) && now_ms() < end)
		sleep_ms(5);
	return world_tdi_is(nr, state);
}

/*
 * While the user still holds it: the TDI is unbound, the user is told, nothing of it
 * can be reached any more, and nothing binds it again.
 */
static void is_unbound_first(struct __test_metadata *_metadata, struct fn *fn,
			     const struct departure *d, bool waits)
{
	uint64_t gpa = fn_bar_gpa(fn, TEEMU_BAR_REGS);

	EXPECT_TRUE(comes_to(fn->nr, "CONFIG_UNLOCKED", FIRST_MS));
	EXPECT_EQ(TDI_EVENT_UNBOUND, fn_event(fn, EVENT_MS));
	EXPECT_EQ(0, vm_must_fault(fn->vm, gpa));
	if (waits) {
		sleep_ms(100);
		EXPECT_FALSE(d->over);
		EXPECT_NE(0, fn_bind(fn));
		fn->guest = false;
	}
	/* of what is unbound: a success that does nothing */
	EXPECT_EQ(0, fn_unbind(fn));
	fn->guest = false;
	EXPECT_EQ(-EAGAIN, fn_event(fn, 0));
}

/* function @fn in RUN, with DMA behind it */
static int to_run(struct fn *fn)
{
	int ret;

	ret = failed(fn_bind(fn), "bind") ?: fn_run(fn) ?:
	      vm_fill(fn->vm, VM_SRC_GPA, PAGE, 0x1234) ?:
	      vm_fill(fn->vm, VM_DST_GPA, PAGE, 0) ?: fn_ring_start(fn);
	if (ret)
		return ret;
	ret = fn_dma(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T,
		     VM_SRC_GPA, VM_DST_GPA, PAGE);
	return ret == TEEMU_DESC_DONE ? 0 : -EIO;
}

/* the user has @fn in RUN when it departs, and closes when told */
static void departs(struct __test_metadata *_metadata, struct fn *fn,
		    int (*run)(unsigned int nr))
{
	struct departure d;

	ASSERT_EQ(0, to_run(fn));
	ASSERT_EQ(0, departure_begin(&d, run, fn->nr));
	is_unbound_first(_metadata, fn, &d, true);
	EXPECT_EQ(0, world_tdis());
	fn_close(fn);
	EXPECT_EQ(0, departure_end(&d));
}

/* ---- the function itself ---- */

static int driver_unbind(unsigned int nr)
{
	return past_write(world.bdf[nr], "driver/unbind", world.bdf[nr]);
}

static int sysfs_remove(unsigned int nr)
{
	return past_write(world.bdf[nr], "remove", "1");
}

TVM_TEST(driver_unbind)
{
	departs(_metadata, &self->fn, driver_unbind);
	EXPECT_FALSE(past_has(world.bdf[0], "driver"));
	EXPECT_EQ(0, world_prepare());
}

TVM_TEST(driver_unbind_of_function_1)
{
	struct fn fn;

	fn_init(&fn, 1);
	ASSERT_EQ(0, fn_open(&fn, &self->vm));
	departs(_metadata, &fn, driver_unbind);
	EXPECT_EQ(0, world_prepare());
	/* function 0 had nothing to do with it */
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, tvm_goes_on(self));
}

TVM_TEST(unbound_driver_unbind)
{
	struct departure d;

	/* nothing is bound: nobody is told, and it waits all the same */
	ASSERT_EQ(0, departure_begin(&d, driver_unbind, 0));
	sleep_ms(300);
	EXPECT_FALSE(d.over);
	EXPECT_EQ(0, tvm_is_quiet(self));
	EXPECT_NE(0, fn_bind(&self->fn));
	fn_close(&self->fn);
	EXPECT_EQ(0, departure_end(&d));
	EXPECT_EQ(0, world_prepare());
}

TVM_TEST(removal)
{
	departs(_metadata, &self->fn, sysfs_remove);
	EXPECT_FALSE(past_has(world.bdf[0], "config"));
	EXPECT_EQ(0, past_write_file(RESCAN, "1"));
	EXPECT_EQ(0, world_renew());
}

TVM_TEST(removal_of_function_1)
{
	struct fn fn;

	fn_init(&fn, 1);
	ASSERT_EQ(0, fn_open(&fn, &self->vm));
	departs(_metadata, &fn, sysfs_remove);
	EXPECT_EQ(0, past_write_file(RESCAN, "1"));
	EXPECT_EQ(0, world_renew());
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, tvm_goes_on(self));
}

/* the port goes, with all that is below it */
static int port_remove(unsigned int nr)
{
	char port[TDI_BDF_MAX];

	return past_port(world.bdf[nr], port) ? ENODEV :
	       past_write(port, "remove", "1");
}

TVM_TEST(removal_of_the_port)
{
	departs(_metadata, &self->fn, port_remove);
	EXPECT_FALSE(past_has(world.bdf[0], "config"));
	EXPECT_EQ(0, past_write_file(RESCAN, "1"));
	EXPECT_EQ(0, world_renew());
}

/* ---- what can be refused ---- */

static int sysfs_reset(unsigned int nr)
{
	return past_write(world.bdf[nr], "reset", "1");
}

static int reset_subordinate(void)
{
	char port[TDI_BDF_MAX];

	return past_port(world.bdf[0], port) ? ENODEV :
	       past_write(port, "reset_subordinate", "1");
}

static void nothing_changed(struct __test_metadata *_metadata,
			    FIXTURE_DATA(tvm) *self, const uint32_t *snap)
{
	int cfg = cfg_open(world.bdf[0]);

	EXPECT_EQ(0, cfg_differs(cfg, snap));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, tvm_is_quiet(self));
	close(cfg);
}

static int snapshot(uint32_t snap[CFG_SIZE / 4])
{
	int cfg = cfg_open(world.bdf[0]), ret;

	ret = cfg < 0 ? -errno : cfg_snap(cfg, snap);
	close(cfg);
	return ret;
}

TVM_TEST(sysfs_reset)
{
	uint32_t snap[CFG_SIZE / 4];

	if (!past_has_gate())
		SKIP(return, "kernel without the gate of PCI resets");
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	ASSERT_EQ(0, snapshot(snap));
	EXPECT_EQ(EBUSY, sysfs_reset(0));
	nothing_changed(_metadata, self, snap);
	/* a neighbour's is its own affair */
	EXPECT_EQ(0, sysfs_reset(1));
	nothing_changed(_metadata, self, snap);
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, sysfs_reset(0));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(EBUSY, sysfs_reset(0));
	EXPECT_EQ(0, tvm_goes_on(self));
}

TVM_TEST(reset_subordinate)
{
	uint32_t snap[CFG_SIZE / 4];
	char port[TDI_BDF_MAX];

	ASSERT_EQ(0, past_port(world.bdf[0], port));
	if (!past_has_gate())
		SKIP(return, "kernel without the gate of PCI resets");
	if (!past_has(port, "reset_subordinate"))
		SKIP(return, "kernel without reset_subordinate");
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	ASSERT_EQ(0, snapshot(snap));
	EXPECT_EQ(EBUSY, reset_subordinate());
	nothing_changed(_metadata, self, snap);
	ASSERT_EQ(0, fn_unbind(&self->fn));
	/* the device forgets its session, so the link has to be made anew */
	EXPECT_EQ(0, reset_subordinate());
	EXPECT_EQ(0, relink());
	EXPECT_EQ(0, fn_enable(&self->fn));
}

/* ---- function 0 has the DSM ---- */

TVM_TEST(dsm_of_a_bound_function)
{
	struct departure none = { .over = true };
	struct tdi_device *second;
	struct fn fn;

	if (!past_has_gate())
		SKIP(return, "kernel without the gate of dependents");
	fn_init(&fn, 1);
	EXPECT_EQ(0, fn_open(&fn, &self->vm));
	EXPECT_EQ(0, to_run(&fn));
	EXPECT_EQ(EBUSY, sysfs_reset(0));
	EXPECT_TRUE(world_tdi_is(1, "RUN"));
	/* the last close of function 0 resets it: its dependents are unbound first */
	fn_close(&self->fn);
	is_unbound_first(_metadata, &fn, &none, false);
	/* opening resets it too, and can be refused */
	EXPECT_EQ(0, fn_enable(&fn));
	EXPECT_EQ(0, to_run(&fn));
	EXPECT_EQ(0, tdi_device_open(world.bdf[0], &second));
	EXPECT_EQ(-EBUSY, tdi_device_bind(second, fn.iommu));
	tdi_device_close(second);
	EXPECT_TRUE(world_tdi_is(1, "RUN"));
	EXPECT_EQ(-EAGAIN, fn_event(&fn, 0));
	EXPECT_EQ(0, fn_unbind(&fn));
	fn_close(&fn);
	EXPECT_EQ(0, fn_open(&self->fn, &self->vm));
}

/* ---- VFs ---- */

static int vfs_off(unsigned int nr)
{
	(void)nr;
	return past_write(world.bdf[0], "sriov_numvfs", "0");
}

#define VFS_OR_SKIP()	do {						\
	if (!past_has(world.bdf[0], "sriov_numvfs") ||			\
	    access("/sys/bus/pci/drivers/pci-pf-stub", F_OK))		\
		SKIP(return, "platform without SR-IOV");		\
} while (0)

/* all of them are unbound before anybody waits for the first one's user */
TVM_TEST(vfs_disabled)
{
	struct departure d;
	struct fn vf[2];
	int i;

	VFS_OR_SKIP();
	if (!past_has_gate())
		SKIP(return, "kernel without the gate of VFs");
	/* its driver makes room for one that has VFs */
	fn_close(&self->fn);
	ASSERT_EQ(0, world_set_vfs(2));
	for (i = 0; i < 2; i++) {
		fn_init(&vf[i], NR_FNS + i);
		EXPECT_EQ(0, fn_open(&vf[i], &self->vm));
		EXPECT_EQ(0, to_run(&vf[i]));
	}
	/* what takes the PF's VFs along is refused where it can be */
	EXPECT_EQ(EBUSY, sysfs_reset(0));
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(world_tdi_is(NR_FNS + i, "RUN"));
	ASSERT_EQ(0, departure_begin(&d, vfs_off, 0));
	for (i = 0; i < 2; i++)
		is_unbound_first(_metadata, &vf[i], &d, true);
	EXPECT_EQ(0, world_tdis());
	for (i = 0; i < 2; i++)
		fn_close(&vf[i]);
	EXPECT_EQ(0, departure_end(&d));
	for (i = 0; i < 2; i++)
		EXPECT_FALSE(past_has(world.bdf[NR_FNS + i], "config"));
	EXPECT_EQ(0, world_set_vfs(0));
}

TVM_TEST(vf_driver_unbind)
{
	struct fn one, two;

	VFS_OR_SKIP();
	fn_close(&self->fn);
	ASSERT_EQ(0, world_set_vfs(2));
	fn_init(&one, NR_FNS);
	fn_init(&two, NR_FNS + 1);
	EXPECT_EQ(0, fn_open(&one, &self->vm));
	EXPECT_EQ(0, fn_open(&two, &self->vm));
	EXPECT_EQ(0, to_run(&one));
	EXPECT_EQ(0, fn_unbind(&one));
	departs(_metadata, &one, driver_unbind);
	/* its sibling is as good as before */
	EXPECT_EQ(0, to_run(&two));
	EXPECT_EQ(0, fn_unbind(&two));
	fn_close(&two);
	EXPECT_EQ(0, world_set_vfs(0));
}

/* ---- the slot ---- */

/* the platform has the fault switch @name */
static bool has_switch(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/%s", world.vendor->name,
		 name);
	return !access(path, F_OK);
}

#define SLOT_OR_SKIP()	do {						\
	if (!has_switch("slot"))					\
		SKIP(return, "platform without a hot-plug slot");	\
} while (0)

static int slot_off(unsigned int nr)
{
	(void)nr;
	return -world_slot_power(false);
}

TVM_TEST(slot_without_power)
{
	SLOT_OR_SKIP();
	departs(_metadata, &self->fn, slot_off);
	EXPECT_EQ(0, world_wait_device(false, GONE_MS));
	EXPECT_EQ(0, world_slot_power(true));
	EXPECT_EQ(0, world_wait_device(true, GONE_MS));
	EXPECT_EQ(0, world_renew());
}

/* pulled out: nothing answers any more, and unbind ends all the same */
TVM_TEST(surprise_removal)
{
	uint64_t end;
	int event;

	SLOT_OR_SKIP();
	if (!past_has_gate())
		SKIP(return, "kernel without the quarantine's way out");
	if (!strcmp(world.vendor->name, "cca"))
		SKIP(return, "the RMM has no force: without its device a VDEV stays, and the function is quarantined until a cold reset");
	self->base.trace = false;
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	ASSERT_EQ(0, world_write("slot", "out"));
	/* whatever it can be told, by whoever notices first */
	event = fn_event(&self->fn, FIRST_MS);
	EXPECT_TRUE(event == TDI_EVENT_UNBOUND || event == TDI_EVENT_ERROR ||
		    event == TDI_EVENT_QUARANTINED)
		note("event %d", event);
	/* the VMM lives, and what it asks for ends */
	end = now_ms() + FIRST_MS;
	fn_unbind(&self->fn);
	EXPECT_GT(end, now_ms());
	fn_close(&self->fn);
	EXPECT_EQ(0, world_wait_device(false, GONE_MS));
	EXPECT_EQ(0, world_write("slot", "in"));
	EXPECT_EQ(0, world_wait_device(true, GONE_MS));
	EXPECT_EQ(0, world_renew());
}

/* ---- error recovery ---- */

TVM_TEST(nonfatal_error)
{
	struct departure none = { .over = true };

	if (!has_switch("aer"))
		SKIP(return, "platform without AER");
	if (!past_has_gate())
		SKIP(return, "kernel without the gate of error recovery");
	ASSERT_EQ(0, to_run(&self->fn));
	ASSERT_EQ(0, past_aer("nonfatal 0"));
	is_unbound_first(_metadata, &self->fn, &none, false);
	/* recovery is over some time, and the VMM may bind again */
	sleep_ms(500);
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, tvm_goes_on(self));
}

/* an error of function 1 takes function 0 along: the link is reset */
TVM_TEST(fatal_error)
{
	struct departure none = { .over = true };
	int nr;

	if (!has_switch("aer"))
		SKIP(return, "platform without AER");
	if (!past_has_gate())
		SKIP(return, "kernel without the gate of error recovery");
	ASSERT_EQ(0, to_run(&self->fn));
	ASSERT_EQ(0, past_aer("fatal 1"));
	is_unbound_first(_metadata, &self->fn, &none, false);
	sleep_ms(2000);
	fn_close(&self->fn);
	/* recovery restores nothing that no driver restores */
	for (nr = 0; nr < NR_FNS; nr++)
		EXPECT_EQ(0, sysfs_remove(nr));
	EXPECT_EQ(0, past_write_file(RESCAN, "1"));
	EXPECT_EQ(0, world_renew());
}

TVM_MAIN
