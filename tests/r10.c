// SPDX-License-Identifier: GPL-2.0-only
/*
 * R10: a slot over what is no slice of a dma-buf of VFIO's, of a device of this
 * very VM, is refused with the documented errno and holds nothing. The errno of
 * each situation alone is r15's; here are the borders between good and bad, and
 * the proof that nothing is held.
 */
#include "fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

/* what a refused slot must not hold: the dma-buf */
static int refs_of(struct __test_metadata *_metadata, int fd)
{
	char path[64], text[512];
	const char *s;
	ssize_t n;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	ASSERT_LE(0, info);
	n = read(info, text, sizeof(text) - 1);
	close(info);
	ASSERT_LT(0, n);
	text[n] = 0;
	s = strstr(text, "count:");
	ASSERT_NE(NULL, s);
	return atoi(s + 6);
}

static int add(FIXTURE_DATA(tvm) *self, int fd, uint64_t offset, uint64_t size)
{
	struct kvm_userspace_memory_region2 slot;
	struct reservation r = { 0 };
	int ret;

	if (reserve(&r, RAW_SLOT_GPA, TEEMU_BAR_MEM_SIZE))
		return -1;
	slot = raw_good_slot(fd, size, &r);
	slot.guest_memfd_offset = offset;
	ret = raw_slot(self->vm.vm_fd, &slot);
	if (!ret && tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE))
		ret = -1;
	unreserve(&r);
	return ret;
}

TVM_TEST(borders_of_a_slice)
{
	static const struct {
		uint64_t offset, size;
		int err;
	} slices[] = {
		{ 0, PAGE, 0 },
		{ PAGE, PAGE, 0 },
		{ TEEMU_BAR_MEM_SIZE - PAGE, PAGE, 0 },
		{ 0, TEEMU_BAR_MEM_SIZE, 0 },
		{ PAGE, TEEMU_BAR_MEM_SIZE - PAGE, 0 },
		{ PAGE, TEEMU_BAR_MEM_SIZE, EINVAL },
		{ TEEMU_BAR_MEM_SIZE, PAGE, EINVAL },
		{ TEEMU_BAR_MEM_SIZE - PAGE, 2 * PAGE, EINVAL },
		{ 1ULL << 40, PAGE, EINVAL },
		{ -PAGE, PAGE, EINVAL },
		{ -PAGE, 2 * PAGE, EINVAL },
		{ 1, PAGE, EINVAL },
		{ 2048, PAGE, EINVAL },
		{ PAGE - 1, PAGE, EINVAL },
		{ 0, PAGE + 512, EINVAL },
		{ 0, PAGE - 1, EINVAL },
		{ 0, -PAGE, EINVAL },
	};
	int fd, before;
	size_t i;

	fd = self->fn.slot[1].fd;
	before = refs_of(_metadata, fd);
	for (i = 0; i < ARRAY_SIZE(slices); i++) {
		EXPECT_EQ(slices[i].err, add(self, fd, slices[i].offset,
					     slices[i].size))
			note("offset %#llx size %#llx",
			     (unsigned long long)slices[i].offset,
			     (unsigned long long)slices[i].size);
	}
	EXPECT_EQ(before, refs_of(_metadata, fd));
}

/* pages 0 and 1 of BAR 4 are the host's; a slice that touches them is refused */
TVM_TEST(msix_pages)
{
	static const struct {
		uint64_t offset, size;
		int err;
	} slices[] = {
		{ TEEMU_MSIX_TABLE_OFFSET, PAGE, EINVAL },
		{ TEEMU_MSIX_PBA_OFFSET, PAGE, EINVAL },
		{ TEEMU_MSIX_PBA_OFFSET, 2 * PAGE, EINVAL },
		{ 0, TEEMU_BAR_MSIX_SIZE, EINVAL },
		{ 2 * PAGE, 2 * PAGE, 0 },
		{ 3 * PAGE, PAGE, 0 },
	};
	size_t i;
	int fd;

	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MSIX, 0,
			       TEEMU_BAR_MSIX_SIZE);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(slices); i++) {
		EXPECT_EQ(slices[i].err, add(self, fd, slices[i].offset,
					     slices[i].size))
			note("offset %#llx size %#llx",
			     (unsigned long long)slices[i].offset,
			     (unsigned long long)slices[i].size);
	}
	EXPECT_EQ(1, refs_of(_metadata, fd));
	close(fd);
}

/* a dma-buf of two slices that are no neighbours in the BAR is one slot each */
TVM_TEST(dmabuf_of_two_slices)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf get;
		struct vfio_region_dma_range range[2];
	} arg = {
		.feature = {
			.argsz = sizeof(arg),
			.flags = VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_DMA_BUF,
		},
		.get = {
			.region_index = TEEMU_BAR_MEM,
			.open_flags = O_RDWR | O_CLOEXEC,
			.nr_ranges = 2,
		},
		.range = {
			{ .offset = 0, .length = 2 * PAGE },
			{ .offset = 16 * PAGE, .length = 2 * PAGE },
		},
	};
	int fd;

	fd = ioctl(tdi_device_fd(self->fn.dev), VFIO_DEVICE_FEATURE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, add(self, fd, 0, 2 * PAGE));
	EXPECT_EQ(0, add(self, fd, 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(EINVAL, add(self, fd, PAGE, 2 * PAGE));
	EXPECT_EQ(EINVAL, add(self, fd, 0, 4 * PAGE));
	EXPECT_EQ(1, refs_of(_metadata, fd));
	close(fd);
}

/* files that are no dma-buf, and a dma-buf that is not VFIO's */
TVM_TEST(other_files)
{
	int fds[] = {
		self->vm.private_fd, self->vm.vm_fd, tdi_device_fd(self->fn.dev),
		tdi_iommu_fd(self->fn.iommu), self->fn.event_fd, 1,
	};
	char path[128];
	int fd, i;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(fds); n++) {
		EXPECT_EQ(EINVAL, add(self, fds[n], 0, PAGE))
			note("file %zu", n);
	}
	EXPECT_EQ(EBADF, add(self, -1, 0, PAGE));
	EXPECT_EQ(EBADF, add(self, 1000, 0, PAGE));
	/* plain memory, a file of a file system, one of sysfs that is a BAR */
	fd = memfd_create("slot", MFD_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ftruncate(fd, 4 * PAGE));
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	close(fd);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2",
		 world.bdf[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	close(fd);
	fd = raw_udmabuf();
	ASSERT_LE(0, fd)
		note("udmabuf");
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(EOPNOTSUPP, add(self, fd, 0, PAGE));
	}
	EXPECT_EQ(1, refs_of(_metadata, fd));
	close(fd);
}

/* the device of another VM, in both directions */
TVM_TEST(device_of_another_vm)
{
	struct vm vm;
	struct fn fn;
	int fd;

	fn_init(&fn, 1);
	ASSERT_EQ(0, vm_open(&vm, 0));
	EXPECT_EQ(0, fn_open(&fn, &vm));
	fd = fn.slot[1].fd;
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	/* bound or not */
	EXPECT_EQ(0, fn_bind(&fn));
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	EXPECT_EQ(0, fn_unbind(&fn));
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	fn_close(&fn);
	vm_close(&vm);
	EXPECT_EQ(1, world_wait_vms(1, 10000));
}

/* a device that has no VM, and one that is closed since the export */
TVM_TEST(device_of_no_vm)
{
	struct fn fn;
	int fd;

	fn_init(&fn, 1);
	ASSERT_EQ(0, fn_open(&fn, NULL));
	fd = tdi_device_export(fn.dev, TEEMU_BAR_MEM, 0, TEEMU_BAR_MEM_SIZE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	/* KVM hears of it too late: VFIO has taken its VM at the bind to iommufd */
	EXPECT_EQ(0, tdi_vm_add_device(self->vm.tdi, fn.dev));
	EXPECT_EQ(EINVAL, add(self, fd, 0, PAGE));
	EXPECT_EQ(0, tdi_vm_del_device(self->vm.tdi, fn.dev));
	EXPECT_EQ(1, refs_of(_metadata, fd));
	fn_close(&fn);
	EXPECT_EQ(ENODEV, add(self, fd, 0, PAGE));
	close(fd);

	/* and it was this VM's */
	fn_init(&fn, 1);
	ASSERT_EQ(0, fn_open(&fn, &self->vm));
	fd = tdi_device_export(fn.dev, TEEMU_BAR_MEM, 0, TEEMU_BAR_MEM_SIZE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, add(self, fd, 0, PAGE));
	fn_close(&fn);
	EXPECT_EQ(ENODEV, add(self, fd, 0, PAGE));
	EXPECT_EQ(1, refs_of(_metadata, fd));
	close(fd);
}

/* what is there already: slots of each kind, wholly, partly, by number */
TVM_TEST(overlap)
{
	const uint64_t bar2 = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM);
	const struct {
		uint32_t slot;
		uint64_t gpa, size;
		int err;
	} tries[] = {
		{ SLOT_SPARE, VM_PRIVATE_GPA, PAGE, EEXIST },
		{ SLOT_SPARE, VM_SHARED_SIZE - PAGE, 2 * PAGE, EEXIST },
		{ SLOT_SPARE, bar2, PAGE, EEXIST },
		{ SLOT_SPARE, bar2 + FN_BAR2_SLOT - PAGE, 2 * PAGE, EEXIST },
		{ SLOT_SPARE, bar2 - PAGE, 2 * PAGE, EEXIST },
		{ SLOT_SPARE, bar2 - PAGE, PAGE, 0 },
		{ SLOT_SPARE, bar2 + FN_BAR2_SLOT, PAGE, 0 },
		/* a slot that is there is not changed */
		{ SLOT_PRIVATE, RAW_SLOT_GPA, PAGE, EINVAL },
		{ SLOT_SHARED, RAW_SLOT_GPA, PAGE, EINVAL },
		{ SLOT_BARS + 1, bar2, FN_BAR2_SLOT, EINVAL },
		{ SLOT_BARS + 1, RAW_SLOT_GPA, PAGE, EINVAL },
		/* no such number; another address space; an address that wraps */
		{ 0xffff, RAW_SLOT_GPA, PAGE, EINVAL },
		{ 1U << 16 | SLOT_SPARE, RAW_SLOT_GPA, PAGE, EINVAL },
		{ SLOT_SPARE, -PAGE, 2 * PAGE, EINVAL },
		{ SLOT_SPARE, RAW_SLOT_GPA + 8, PAGE, EINVAL },
	};
	int fd = self->fn.slot[1].fd, before;
	struct kvm_userspace_memory_region2 s;
	struct reservation r = { 0 };
	size_t i;

	ASSERT_EQ(0, reserve(&r, 0, 2 * PAGE));
	before = refs_of(_metadata, fd);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		s = raw_good_slot(fd, tries[i].size, &r);
		s.slot = tries[i].slot;
		s.guest_phys_addr = tries[i].gpa;
		EXPECT_EQ(tries[i].err, raw_slot(self->vm.vm_fd, &s))
			note("try %zu", i);
		if (!tries[i].err)
			EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE));
	}
	/* the address behind the shared half is looked at as in any slot */
	s = raw_good_slot(fd, PAGE, &r);
	s.userspace_addr += 8;
	EXPECT_EQ(EINVAL, raw_slot(self->vm.vm_fd, &s));
	s.userspace_addr = 1ULL << 63;
	EXPECT_EQ(EINVAL, raw_slot(self->vm.vm_fd, &s));
	EXPECT_EQ(before, refs_of(_metadata, fd));
	unreserve(&r);
}

/* VM types without private memory, and private memory's own flag beside ours */
TVM_TEST(other_vm_type)
{
	struct kvm_userspace_memory_region2 slot;
	struct reservation r = { 0 };
	int vm_fd;

	ASSERT_EQ(0, reserve(&r, RAW_SLOT_GPA, PAGE));
	slot = raw_good_slot(self->fn.slot[1].fd, PAGE, &r);
	vm_fd = ioctl(self->vm.kvm_fd, KVM_CREATE_VM, KVM_X86_DEFAULT_VM);
	ASSERT_LE(0, vm_fd);
	EXPECT_EQ(EINVAL, raw_slot(vm_fd, &slot));
	EXPECT_EQ(0, ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VFIO_DMABUF));
	EXPECT_EQ(1, tdi_vm_has_dmabuf(self->vm.tdi));
	close(vm_fd);
	slot.flags = KVM_MEM_VFIO_DMABUF | KVM_MEM_GUEST_MEMFD;
	EXPECT_EQ(EINVAL, raw_slot(self->vm.vm_fd, &slot));
	slot.flags = KVM_MEM_VFIO_DMABUF | KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_EQ(EINVAL, raw_slot(self->vm.vm_fd, &slot));
	slot.flags = KVM_MEM_VFIO_DMABUF | KVM_MEM_READONLY;
	EXPECT_EQ(EINVAL, raw_slot(self->vm.vm_fd, &slot));
	slot.flags = KVM_MEM_VFIO_DMABUF;
	EXPECT_EQ(0, raw_slot(self->vm.vm_fd, &slot));
	EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE));
	unreserve(&r);
}

TVM_MAIN
