// SPDX-License-Identifier: GPL-2.0-only
/*
 * R13: while bound, private BAR pages are out of the host's reach by every way
 * that VFIO has, and the MSI-X pages are not; after unbind the same mapping works.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "fixture.h"
#include "raw.h"
#include "sigbus.h"

#define SCRATCH		0x2000		/* in BAR 2: memory that keeps what it gets */

/* the host's mapping of a whole BAR */
static volatile uint8_t *map(struct __test_metadata *_metadata, struct fn *fn,
			     unsigned int bar)
{
	void *p = NULL;

	ASSERT_EQ(0, tdi_device_map(fn->dev, bar, &p));
	return p;
}

TVM_TEST(mapping_is_zapped_and_comes_back)
{
	volatile uint8_t *bar0, *bar2, *msix;
	uint32_t value;

	bar0 = map(_metadata, &self->fn, TEEMU_BAR_REGS);
	bar2 = map(_metadata, &self->fn, TEEMU_BAR_MEM);
	msix = map(_metadata, &self->fn, TEEMU_BAR_MSIX);
	/* touched before, so that there is something to zap */
	ASSERT_TRUE(sigbus_read(bar0 + TEEMU_REG_ID, &value));
	ASSERT_EQ(TEEMU_ID, value);
	ASSERT_TRUE(sigbus_write(bar2 + SCRATCH, 0xcafe));
	ASSERT_TRUE(sigbus_read(msix, &value));

	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_FALSE(sigbus_read(bar0 + TEEMU_REG_ID, &value));
	EXPECT_FALSE(sigbus_write(bar0 + TEEMU_REG_CTRL, 1));
	EXPECT_FALSE(sigbus_read(bar2 + SCRATCH, &value));
	/* pages that were never touched before */
	EXPECT_FALSE(sigbus_read(bar0 + 0x8000, &value));
	EXPECT_FALSE(sigbus_read(bar2 + TEEMU_BAR_MEM_SIZE - PAGE, &value));
	/* BAR 4: table and PBA are the host's, the rest is not */
	EXPECT_TRUE(sigbus_read(msix + TEEMU_MSIX_TABLE_OFFSET, &value));
	EXPECT_TRUE(sigbus_read(msix + TEEMU_MSIX_PBA_OFFSET, &value));
	EXPECT_FALSE(sigbus_read(msix + 2 * PAGE, &value));
	EXPECT_FALSE(sigbus_read(msix + 3 * PAGE, &value));

	ASSERT_EQ(0, fn_run(&self->fn));
	EXPECT_FALSE(sigbus_read(bar0 + TEEMU_REG_ID, &value));
	/* the guest's bytes, not readable by the host */
	EXPECT_EQ(0, vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
				SCRATCH, 0x5ec12e7));
	EXPECT_FALSE(sigbus_read(bar2 + SCRATCH, &value));

	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_TRUE(sigbus_read(bar0 + TEEMU_REG_ID, &value));
	EXPECT_EQ(TEEMU_ID, value);
	EXPECT_TRUE(sigbus_write(bar2 + SCRATCH, 0xbeef));
	EXPECT_TRUE(sigbus_read(bar2 + SCRATCH, &value));
	EXPECT_EQ(0xbeef, value);
	EXPECT_TRUE(sigbus_read(msix + 2 * PAGE, &value));
}

/* a mapping that another process has is zapped too */
TVM_TEST(mapping_of_another_process)
{
	volatile uint8_t *bar0;
	int to[2], from[2], status;
	uint32_t value;
	char go, saw;
	pid_t pid;

	bar0 = map(_metadata, &self->fn, TEEMU_BAR_REGS);
	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* files go, the mapping stays */
		close(to[1]);
		while (read(to[0], &go, 1) == 1) {
			saw = sigbus_read(bar0 + TEEMU_REG_ID, &value) ? 'y' : 'n';
			if (write(from[1], &saw, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(to[0]);
#define CHILD_SEES(what)	do {					\
	EXPECT_EQ(1, write(to[1], "g", 1));				\
	EXPECT_EQ(1, read(from[0], &saw, 1));				\
	EXPECT_EQ(what, saw);						\
} while (0)
	CHILD_SEES('y');
	EXPECT_EQ(0, tvm_to_locked(self));
	CHILD_SEES('n');
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	CHILD_SEES('y');
	/* it holds the VFIO file until it is gone */
	close(to[1]);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(from[0]);
	close(from[1]);
}

/* a mapping that is made while bound is no way around it */
TVM_TEST(mapping_made_while_bound)
{
	volatile uint8_t *bar2, *msix;
	uint32_t value;

	ASSERT_EQ(0, tvm_to_run(self));
	bar2 = map(_metadata, &self->fn, TEEMU_BAR_MEM);
	msix = map(_metadata, &self->fn, TEEMU_BAR_MSIX);
	EXPECT_FALSE(sigbus_read(bar2 + SCRATCH, &value));
	EXPECT_FALSE(sigbus_write(bar2 + SCRATCH, 1));
	EXPECT_TRUE(sigbus_read(msix + TEEMU_MSIX_PBA_OFFSET, &value));
	EXPECT_FALSE(sigbus_read(msix + 2 * PAGE, &value));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_TRUE(sigbus_read(bar2 + SCRATCH, &value));
}

static int io_eventfd(struct fn *fn, int fd, uint64_t offset)
{
	struct vfio_device_ioeventfd arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = raw_bar_pos(fn, TEEMU_BAR_MEM) + offset,
		.data = 0x77,
		.fd = fd,
	};

	return raw_ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_IOEVENTFD, &arg);
}

static int pread_bar(struct fn *fn, unsigned int bar, uint64_t offset,
		     void *buf, size_t len)
{
	return pread(tdi_device_fd(fn->dev), buf, len,
		     raw_bar_pos(fn, bar) + offset) < 0 ? errno : 0;
}

static int pwrite_bar(struct fn *fn, unsigned int bar, uint64_t offset,
		      const void *buf, size_t len)
{
	return pwrite(tdi_device_fd(fn->dev), buf, len,
		      raw_bar_pos(fn, bar) + offset) < 0 ? errno : 0;
}

TVM_TEST(read_and_write_refuse)
{
	static const unsigned int bars[] = { TEEMU_BAR_REGS, TEEMU_BAR_MEM };
	uint64_t big[16] = { 0 };
	uint32_t value = 0xdead, back = 0;
	size_t i;

	ASSERT_EQ(0, pwrite_bar(&self->fn, TEEMU_BAR_MEM, SCRATCH, &value, 4));
	ASSERT_EQ(0, pread_bar(&self->fn, TEEMU_BAR_MEM, SCRATCH, &back, 4));
	ASSERT_EQ(value, back);
	ASSERT_EQ(0, tvm_to_run(self));
	for (i = 0; i < ARRAY_SIZE(bars); i++) {
		EXPECT_EQ(EBUSY, pread_bar(&self->fn, bars[i], 0, &back, 4));
		EXPECT_EQ(EBUSY, pread_bar(&self->fn, bars[i], 0, &back, 1));
		EXPECT_EQ(EBUSY, pread_bar(&self->fn, bars[i], 0x1000, big,
					   sizeof(big)));
		EXPECT_EQ(EBUSY, pwrite_bar(&self->fn, bars[i], 0x1008, big, 8));
	}
	/* the guest sees that nothing was written */
	EXPECT_EQ(0, vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
				SCRATCH, 0x1234));
	EXPECT_EQ(EBUSY, pwrite_bar(&self->fn, TEEMU_BAR_MEM, SCRATCH, &value, 4));
	EXPECT_EQ(0, vm_read32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
			       SCRATCH, &back));
	EXPECT_EQ(0x1234, back);
	/* the PBA stays the host's */
	EXPECT_EQ(0, pread_bar(&self->fn, TEEMU_BAR_MSIX, TEEMU_MSIX_PBA_OFFSET,
			       &back, 4));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, pwrite_bar(&self->fn, TEEMU_BAR_MEM, SCRATCH, &value, 4));
	EXPECT_EQ(0, pread_bar(&self->fn, TEEMU_BAR_MEM, SCRATCH, &back, 4));
	EXPECT_EQ(value, back);
}

/* one that was set up before fires into nothing, a new one is refused */
TVM_TEST(ioeventfd_refuses)
{
	uint64_t bar2 = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM);
	uint32_t back = 0;
	int fd;

	fd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, io_eventfd(&self->fn, fd, SCRATCH));
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(EBUSY, io_eventfd(&self->fn, fd, SCRATCH + 8));
	EXPECT_EQ(0, vm_write32(&self->vm, bar2 + SCRATCH, 0x1111));
	EXPECT_EQ(0, eventfd_write(fd, 1));
	sleep_ms(50);
	EXPECT_EQ(0, vm_read32(&self->vm, bar2 + SCRATCH, &back));
	EXPECT_EQ(0x1111, back);
	EXPECT_EQ(0, fn_unbind(&self->fn));
	/* and it is refused no more */
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, io_eventfd(&self->fn, fd, SCRATCH + 8));
	EXPECT_EQ(0, io_eventfd(&self->fn, -1, SCRATCH + 8));
	EXPECT_EQ(0, io_eventfd(&self->fn, -1, SCRATCH));
	close(fd);
}

TVM_TEST(export_refuses)
{
	int fd;

	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(-EBUSY, tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, PAGE));
	EXPECT_EQ(-EBUSY, tdi_device_export(self->fn.dev, TEEMU_BAR_REGS, 0,
					    TEEMU_BAR_REGS_SIZE));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, PAGE);
	EXPECT_LE(0, fd);
	close(fd);
}

/* an iommufd that has the BAR's dma-buf in an IOAS loses it at bind */
TVM_TEST(import_is_revoked)
{
	struct iommu_ioas_map_file map_file = {
		.size = sizeof(map_file),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = self->fn.ioas_id,
		.fd = self->fn.slot[1].fd,
		.length = PAGE,
		.iova = 0x40000000,
	};
	int iommu_fd = tdi_iommu_fd(self->fn.iommu);

	ASSERT_EQ(0, raw_ioctl(iommu_fd, IOMMU_IOAS_MAP_FILE, &map_file));
	ASSERT_EQ(0, tvm_to_locked(self));
	/* no second one while bound */
	map_file.iova = 0x40001000;
	EXPECT_NE(0, raw_ioctl(iommu_fd, IOMMU_IOAS_MAP_FILE, &map_file));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	/* the old mapping stays dead, a new one is possible */
	EXPECT_EQ(0, tdi_ioas_unmap(self->fn.iommu, self->fn.ioas_id, 0x40000000,
				    PAGE));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, raw_ioctl(iommu_fd, IOMMU_IOAS_MAP_FILE, &map_file));
	EXPECT_EQ(0, tdi_ioas_unmap(self->fn.iommu, self->fn.ioas_id, 0x40001000,
				    PAGE));
}

TVM_MAIN
