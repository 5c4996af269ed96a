// SPDX-License-Identifier: GPL-2.0-only
/*
 * R07: the dma-buf of a bound TDI's private BAR is revoked for everybody but the TVM,
 * stays so, and is never taken from the TVM: whatever could do either is tried, and
 * slot and TVM go on. (The kernel asserts the same with a WARN, which the audit finds.)
 */
#include <string.h>

#include "goes_on.h"
#include "past.h"
#include "sigbus.h"

/**
 * struct attempt - something that would move the dma-bufs
 * @name: for the one who reads that it failed
 * @call: answers errno
 * @expected: of @call
 */
struct attempt {
	const char *name;
	int (*call)(FIXTURE_DATA(tvm) *self);
	int expected;
};

static int command(FIXTURE_DATA(tvm) *self, uint16_t value)
{
	return vfio_cfg_put(&self->fn, PCI_COMMAND, value, 2);
}

static int clear_mse(FIXTURE_DATA(tvm) *self)
{
	return command(self, PCI_COMMAND_MASTER);
}

static int clear_mse_by_byte(FIXTURE_DATA(tvm) *self)
{
	return vfio_cfg_put(&self->fn, PCI_COMMAND, PCI_COMMAND_MASTER, 1);
}

/* VFIO gives dma-bufs back when MSE is on after a write; these are not its to give */
static int set_mse_again(FIXTURE_DATA(tvm) *self)
{
	return command(self, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
}

static int set_power(FIXTURE_DATA(tvm) *self, uint16_t state)
{
	int cfg = cfg_open(world.bdf[self->fn.nr]), pos;

	if (cfg < 0)
		return -1;
	pos = cfg_cap(cfg, PCI_CAP_ID_PM);
	close(cfg);
	return pos ? vfio_cfg_put(&self->fn, pos + PCI_PM_CTRL, state, 2) : -1;
}

static int to_d3(FIXTURE_DATA(tvm) *self)
{
	return set_power(self, 3);
}

static int to_d0(FIXTURE_DATA(tvm) *self)
{
	return set_power(self, 0);
}

static int flr(FIXTURE_DATA(tvm) *self)
{
	int cfg = cfg_open(world.bdf[self->fn.nr]), pos;
	uint16_t value;

	if (cfg < 0)
		return -1;
	pos = cfg_cap(cfg, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	value = cfg_get(cfg, pos, 2) | PCI_EXP_DEVCTL_BCR_FLR;
	close(cfg);
	return vfio_cfg_put(&self->fn, pos, value, 2);
}

static int reset(FIXTURE_DATA(tvm) *self)
{
	return -tdi_device_reset(self->fn.dev);
}

static int hot_reset(FIXTURE_DATA(tvm) *self)
{
	struct vfio_pci_hot_reset arg = { .argsz = sizeof(arg) };

	return raw_ioctl(tdi_device_fd(self->fn.dev), VFIO_DEVICE_PCI_HOT_RESET,
			 &arg) ? EBUSY : 0;
}

static int low_power(FIXTURE_DATA(tvm) *self)
{
	return vfio_feature_set(&self->fn, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				NULL, 0);
}

/* gives dma-bufs back, too, to whom they were taken from */
static int low_power_exit(FIXTURE_DATA(tvm) *self)
{
	return vfio_feature_set(&self->fn, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				NULL, 0);
}

static int close_a_dup(FIXTURE_DATA(tvm) *self)
{
	int fd = dup(tdi_device_fd(self->fn.dev));

	return fd < 0 || close(fd) ? errno : 0;
}

/* another file of the same device, which cannot do anything, and its close */
static int close_another_file(FIXTURE_DATA(tvm) *self)
{
	struct tdi_device *dev;
	int ret;

	ret = tdi_device_open(world.bdf[self->fn.nr], &dev);
	if (ret)
		return -ret;
	ret = tdi_device_bind(dev, self->fn.iommu);
	tdi_device_close(dev);
	return ret == -EINVAL ? 0 : -1;
}

/* the VMM needs the dma-bufs no more, the slots do */
static int close_dmabufs(FIXTURE_DATA(tvm) *self)
{
	int i;

	for (i = 0; i < FN_BAR_SLOTS; i++) {
		if (self->fn.slot[i].fd >= 0)
			close(self->fn.slot[i].fd);
		self->fn.slot[i].fd = -1;
	}
	return 0;
}

/* asks the ROM, for which memory decoding is switched on and off */
static int rom_info(FIXTURE_DATA(tvm) *self)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_ROM_REGION_INDEX,
	};
	int ret = raw_ioctl(tdi_device_fd(self->fn.dev),
			    VFIO_DEVICE_GET_REGION_INFO, &info);

	/* a device without one says so at once */
	return ret && ret != EBUSY && ret != EINVAL ? ret : 0;
}

static int detach(FIXTURE_DATA(tvm) *self)
{
	return -tdi_device_detach(self->fn.dev);
}

static int runtime_pm(FIXTURE_DATA(tvm) *self)
{
	const char *bdf = world.bdf[self->fn.nr];
	int ret;

	if (!past_has(bdf, "power/control"))
		return 0;
	ret = past_write(bdf, "power/control", "auto");
	sleep_ms(50);
	return ret;
}

/* sysfs: a driver has it, so nobody else switches it off */
static int sysfs_disable(FIXTURE_DATA(tvm) *self)
{
	return past_write(world.bdf[self->fn.nr], "enable", "0");
}

static const struct attempt attempts[] = {
	{ "MSE cleared", clear_mse, EBUSY },
	{ "MSE cleared by a byte", clear_mse_by_byte, EBUSY },
	{ "MSE set again", set_mse_again, 0 },
	{ "D3", to_d3, EBUSY },
	{ "D0", to_d0, 0 },
	{ "FLR", flr, EBUSY },
	{ "reset", reset, EBUSY },
	{ "hot reset", hot_reset, EBUSY },
	{ "low power", low_power, EBUSY },
	{ "end of low power", low_power_exit, 0 },
	{ "detach", detach, EBUSY },
	{ "ROM", rom_info, 0 },
	{ "runtime PM", runtime_pm, 0 },
	{ "sysfs enable", sysfs_disable, EBUSY },
	{ "a dup of the device's file closed", close_a_dup, 0 },
	{ "another file closed", close_another_file, 0 },
};

/* a new import for everybody else: refused */
static int import(FIXTURE_DATA(tvm) *self, int fd)
{
	struct iommu_ioas_map_file map_file = {
		.size = sizeof(map_file),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = self->fn.ioas_id,
		.fd = fd,
		.length = PAGE,
		.iova = 0x40000000,
	};
	int ret = raw_ioctl(tdi_iommu_fd(self->fn.iommu), IOMMU_IOAS_MAP_FILE,
			    &map_file);

	if (!ret)
		tdi_ioas_unmap(self->fn.iommu, self->fn.ioas_id, 0x40000000,
			       PAGE);
	return ret;
}

/* the TVM's, and nobody else's */
static void is_the_tvms(struct __test_metadata *_metadata,
			FIXTURE_DATA(tvm) *self, unsigned int page, int dmabuf,
			volatile uint8_t *map)
{
	uint32_t value;

	/* pages that it has not touched before are faulted in through the slot */
	EXPECT_EQ(0, tvm_poke(self, page % FN_BAR2_PAGES, 0xabc0000 + page));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_NE(0, import(self, dmabuf));
	EXPECT_EQ(-EBUSY, tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, PAGE));
	EXPECT_FALSE(sigbus_read(map + page * PAGE, &value));
	EXPECT_EQ(0, tvm_is_quiet(self));
}

TVM_TEST(nothing_moves_it)
{
	uint64_t bar2 = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM);
	volatile uint8_t *map;
	int extra, err;
	void *p = NULL;
	uint32_t value;
	size_t i;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &p));
	map = p;
	/* one that is no slot's, and lives longer than the binding */
	extra = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, 4 * PAGE);
	ASSERT_LE(0, extra);
	EXPECT_EQ(0, import(self, extra));
	ASSERT_EQ(0, tvm_to_run(self));
	is_the_tvms(_metadata, self, 0, extra, map);
	for (i = 0; i < ARRAY_SIZE(attempts); i++) {
		err = attempts[i].call(self);
		EXPECT_EQ(attempts[i].expected, err)
			note("%s", attempts[i].name);
		is_the_tvms(_metadata, self, i + 1, extra, map);
		if (_metadata->exit_code) {
			note("after %s", attempts[i].name);
			break;
		}
	}
	/* KVM's own tables forget all of it; the slot brings it back */
	EXPECT_EQ(0, close_dmabufs(self));
	is_the_tvms(_metadata, self, 1, extra, map);
	EXPECT_EQ(0, vm_write32(&self->vm, bar2 + 0x30, 0x900d));
	EXPECT_EQ(0, close_a_dup(self));

	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	/* and now it is everybody's again */
	EXPECT_EQ(0, import(self, extra));
	EXPECT_TRUE(sigbus_read(map, &value));
	close(extra);
}

/* in LOCKED, before the TVM has accepted a page */
TVM_TEST(nothing_moves_it_while_locked)
{
	int extra, err;
	size_t i;

	extra = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, 4 * PAGE);
	ASSERT_LE(0, extra);
	ASSERT_EQ(0, tvm_to_locked(self));
	for (i = 0; i < ARRAY_SIZE(attempts); i++) {
		err = attempts[i].call(self);
		EXPECT_EQ(attempts[i].expected, err)
			note("%s", attempts[i].name);
		EXPECT_NE(0, import(self, extra))
			note("after %s", attempts[i].name);
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"))
			note("after %s", attempts[i].name);
	}
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, tvm_poke(self, 2, 0x1234));
	EXPECT_EQ(0, tvm_goes_on(self));
	close(extra);
}

/* memory decoding off when bind comes: the dma-bufs are revoked already, and stay so */
TVM_TEST(bound_without_memory_decoding)
{
	int extra, ret;

	extra = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, 4 * PAGE);
	ASSERT_LE(0, extra);
	EXPECT_EQ(0, import(self, extra));
	ASSERT_EQ(0, command(self, PCI_COMMAND_MASTER));
	EXPECT_NE(0, import(self, extra));
	ret = fn_bind(&self->fn);
	if (!ret) {
		/* switching it on is nothing that TDISP minds */
		EXPECT_EQ(0, fn_enable(&self->fn));
		EXPECT_NE(0, import(self, extra));
		EXPECT_EQ(EBUSY, command(self, PCI_COMMAND_MASTER));
		EXPECT_EQ(0, fn_unbind(&self->fn));
	} else {
		note("bind without memory decoding: %d", ret);
		EXPECT_EQ(0, fn_enable(&self->fn));
	}
	EXPECT_EQ(0, import(self, extra));
	close(extra);
}

TVM_MAIN
