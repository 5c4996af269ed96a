// SPDX-License-Identifier: GPL-2.0-only
/*
 * R03: what would reset a bound TDI or put it to sleep is refused with EBUSY while
 * it is bound, nothing has changed by it, and trusted DMA goes on; after unbind it
 * works, and while it lasts nothing can be bound.
 */
#include <string.h>
#include <sys/eventfd.h>

#include "goes_on.h"
#include "past.h"

#define POWER_STATE	"/sys/power/state"
#define POWER_TEST	"/sys/power/pm_test"
#define TEST_DELAY	"/sys/module/suspend/parameters/pm_test_delay"
#define SNAPSHOT	"/dev/snapshot"

/* what is refused: errno that the kernel said */
typedef int refused_t(FIXTURE_DATA(tvm) *self, void *arg);

/* while LOCKED and while RUN, with DMA in flight */
static void is_refused(struct __test_metadata *_metadata,
		       FIXTURE_DATA(tvm) *self, refused_t *call, void *arg)
{
	uint32_t snap[CFG_SIZE / 4];
	int cfg, number;

	cfg = cfg_open(world.bdf[self->fn.nr]);
	ASSERT_LE(0, cfg);
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, cfg_snap(cfg, snap));
	EXPECT_EQ(EBUSY, call(self, arg));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, cfg_differs(cfg, snap));

	ASSERT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	ASSERT_EQ(0, tvm_goes_on(self));
	number = tvm_post(self);
	EXPECT_EQ(EBUSY, call(self, arg));
	EXPECT_EQ(TEEMU_DESC_DONE, fn_wait(&self->fn, number, NULL));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(EBUSY, call(self, arg));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, cfg_differs(cfg, snap));
	EXPECT_EQ(0, tvm_is_quiet(self));
	close(cfg);
}

/* the same call after unbind, and the function is good for another life */
static void is_possible(struct __test_metadata *_metadata,
			FIXTURE_DATA(tvm) *self, refused_t *call, void *arg)
{
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, call(self, arg));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(EBUSY, call(self, arg));
	EXPECT_EQ(0, fn_unbind(&self->fn));
}

static int device_reset(FIXTURE_DATA(tvm) *self, void *arg)
{
	(void)arg;
	return -tdi_device_reset(self->fn.dev);
}

TVM_TEST(device_reset)
{
	is_refused(_metadata, self, device_reset, NULL);
	is_possible(_metadata, self, device_reset, NULL);
}

/* ---- a neighbour: it may reset itself, and not what the bound TDI lives on ---- */

TVM_TEST(neighbour_resets_itself)
{
	struct fn other;
	int number;

	fn_init(&other, 1);
	ASSERT_EQ(0, fn_open(&other, NULL));
	ASSERT_EQ(0, tvm_to_run(self));
	number = tvm_post(self);
	EXPECT_EQ(0, -tdi_device_reset(other.dev));
	EXPECT_EQ(TEEMU_DESC_DONE, fn_wait(&self->fn, number, NULL));
	EXPECT_EQ(0, tvm_goes_on(self));
	fn_close(&other);
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, tvm_is_quiet(self));
}

/* function 0 has the DSM: its reset is a matter of the others' */
TVM_TEST(dsm_of_a_bound_function)
{
	struct fn other;
	uint32_t value;
	int cfg, pos;

	if (!past_has_gate())
		SKIP(return, "kernel without the gate of dependents");
	fn_init(&other, 1);
	EXPECT_EQ(0, fn_open(&other, &self->vm));
	EXPECT_EQ(0, fn_bind(&other));
	EXPECT_EQ(0, fn_run(&other));
	EXPECT_EQ(EBUSY, -tdi_device_reset(self->fn.dev));
	/* by the bit in config space that VFIO makes a reset of */
	cfg = cfg_open(world.bdf[0]);
	pos = cfg_cap(cfg, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	EXPECT_EQ(EBUSY, vfio_cfg_put(&self->fn, pos, cfg_get(cfg, pos, 2) |
				      PCI_EXP_DEVCTL_BCR_FLR, 2));
	close(cfg);
	EXPECT_TRUE(world_tdi_is(1, "RUN"));
	EXPECT_EQ(0, vm_read32(&self->vm, fn_bar_gpa(&other, TEEMU_BAR_REGS) +
			       TEEMU_REG_ID, &value));
	EXPECT_EQ(TEEMU_ID, value);
	EXPECT_EQ(0, fn_unbind(&other));
	EXPECT_EQ(0, -tdi_device_reset(self->fn.dev));
	fn_close(&other);
}

/* ---- hot reset: function 1 of the same user is not bound ---- */

struct set {
	struct tdi_device *other;
};

static int hot_reset_of(struct tdi_device *dev)
{
	struct vfio_pci_hot_reset arg = { .argsz = sizeof(arg) };

	return raw_ioctl(tdi_device_fd(dev), VFIO_DEVICE_PCI_HOT_RESET, &arg);
}

static int hot_reset(FIXTURE_DATA(tvm) *self, void *arg)
{
	struct set *set = arg;
	int by_other = hot_reset_of(set->other), by_self;

	by_self = hot_reset_of(self->fn.dev);
	if (by_other != by_self)
		note("by function 1 %d, by function 0 %d", by_other, by_self);
	return by_other == by_self ? by_self : -1;
}

TVM_TEST(hot_reset)
{
	struct set set;

	ASSERT_EQ(0, tdi_device_open(world.bdf[1], &set.other));
	ASSERT_EQ(0, tdi_device_bind(set.other, self->fn.iommu));
	is_refused(_metadata, self, hot_reset, &set);
	ASSERT_EQ(0, fn_unbind(&self->fn));
	/* the whole device forgets its session: the link has to be made anew */
	EXPECT_EQ(0, hot_reset_of(set.other));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, relink());
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(EBUSY, hot_reset_of(set.other));
	/* and of the closes the last one of the set resets nothing that is bound */
	tdi_device_close(set.other);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, tvm_goes_on(self));
}

/* ---- low power ---- */

static int low_power(FIXTURE_DATA(tvm) *self, void *arg)
{
	int ret;

	(void)arg;
	ret = vfio_feature_set(&self->fn, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
			       NULL, 0);
	if (ret)
		return ret;
	/* while it sleeps nothing binds it */
	if (fn_bind(&self->fn) != -EBUSY)
		return -2;
	return vfio_feature_set(&self->fn, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				NULL, 0);
}

static int low_power_wakeup(FIXTURE_DATA(tvm) *self, void *arg)
{
	const struct vfio_device_low_power_entry_with_wakeup wakeup = {
		.wakeup_eventfd = *(int *)arg,
	};
	int ret;

	ret = vfio_feature_set(&self->fn,
			       VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
			       &wakeup, sizeof(wakeup));
	if (ret)
		return ret;
	if (fn_bind(&self->fn) != -EBUSY)
		return -2;
	return vfio_feature_set(&self->fn, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				NULL, 0);
}

TVM_TEST(low_power_entry)
{
	is_refused(_metadata, self, low_power, NULL);
	/* leaving what was not entered does nothing either */
	EXPECT_EQ(0, vfio_feature_set(&self->fn,
				      VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				      NULL, 0));
	EXPECT_EQ(0, tvm_goes_on(self));
	is_possible(_metadata, self, low_power, NULL);
}

TVM_TEST(low_power_entry_with_wakeup)
{
	eventfd_t count;
	int fd;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, fd);
	is_refused(_metadata, self, low_power_wakeup, &fd);
	/* nobody slept, so nobody woke */
	EXPECT_EQ(-1, eventfd_read(fd, &count));
	is_possible(_metadata, self, low_power_wakeup, &fd);
	close(fd);
}

/* the user lets it sleep, and it does not: VFIO holds it awake */
TVM_TEST(runtime_suspend)
{
	char status[32], path[PATH_MAX];

	if (!past_has(world.bdf[0], "power/control"))
		SKIP(return, "kernel without CONFIG_PM");
	past_path(world.bdf[0], "power/runtime_status", path);
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, past_write(world.bdf[0], "power/control", "auto"));
	sleep_ms(200);
	EXPECT_TRUE(past_read_file(path, status, sizeof(status)));
	EXPECT_STREQ("active", status);
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, past_write(world.bdf[0], "power/control", "on"));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, past_write(world.bdf[0], "power/control", "auto"));
}

/* ---- the whole machine ---- */

static int suspend(FIXTURE_DATA(tvm) *self, void *arg)
{
	(void)self;
	return past_write_file(POWER_STATE, arg);
}

/* as far as the freezing of all processes, and back */
static void suspends(struct __test_metadata *_metadata,
		     FIXTURE_DATA(tvm) *self, char *state)
{
	char states[128];

	if (!past_read_file(POWER_STATE, states, sizeof(states)))
		SKIP(return, "kernel without CONFIG_SUSPEND");
	if (access(POWER_TEST, F_OK))
		SKIP(return, "kernel without CONFIG_PM_DEBUG");
	if (!past_has_gate())
		SKIP(return, "kernel without the gate's PM notifier");
	if (!strstr(states, state))
		SKIP(return, "%s is no sleep of this machine", state);
	/* a suspend that is not refused must come back by itself, and soon */
	ASSERT_EQ(0, past_write_file(POWER_TEST, "freezer"));
	past_write_file(TEST_DELAY, "0");
	is_refused(_metadata, self, suspend, state);
	is_possible(_metadata, self, suspend, state);
	/* with the devices' own suspend and resume */
	ASSERT_EQ(0, past_write_file(POWER_TEST, "devices"));
	EXPECT_EQ(0, suspend(self, state));
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, past_write_file(POWER_TEST, "none"));
	past_write_file(TEST_DELAY, "5");
}

TVM_TEST(system_suspend_to_idle)
{
	suspends(_metadata, self, "freeze");
}

TVM_TEST(system_suspend_to_ram)
{
	suspends(_metadata, self, "mem");
}

static int hibernate(FIXTURE_DATA(tvm) *self, void *arg)
{
	int fd, ret = 0;

	(void)arg;
	/* user space's hibernation: prepared at open, over at close */
	fd = open(SNAPSHOT, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fn_bind(&self->fn) != -EBUSY)
		ret = -2;
	close(fd);
	return ret;
}

TVM_TEST(hibernation)
{
	if (access(SNAPSHOT, F_OK))
		SKIP(return, "kernel without CONFIG_HIBERNATION");
	if (!past_has_gate())
		SKIP(return, "kernel without the gate's PM notifier");
	is_refused(_metadata, self, hibernate, NULL);
	is_possible(_metadata, self, hibernate, NULL);
}

TVM_MAIN
