/* SPDX-License-Identifier: GPL-2.0-only */
/* ioctls as they are, past the library, which has opinions about their arguments */
#ifndef TEST_RAW_H
#define TEST_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/udmabuf.h>
#include <linux/vfio.h>

#include "world.h"

/* the errno of an ioctl, 0 when it succeeds (whatever it answers) */
static inline int raw_ioctl(int fd, unsigned long nr, void *arg)
{
	return ioctl(fd, nr, arg) < 0 ? errno : 0;
}

static inline int raw_op(const struct fn *fn, uint32_t id, uint32_t type,
			 uint32_t flags)
{
	struct iommu_vdevice_tsm_op op = {
		.size = sizeof(op),
		.type = type,
		.flags = flags,
		.vdevice_id = id,
	};

	return raw_ioctl(tdi_iommu_fd(fn->iommu), IOMMU_VDEVICE_TSM_OP, &op);
}

static inline int raw_bind(const struct fn *fn)
{
	return raw_op(fn, fn->vdevice_id, IOMMU_VDEVICE_TSM_BIND, 0);
}

static inline int raw_unbind(const struct fn *fn)
{
	return raw_op(fn, fn->vdevice_id, IOMMU_VDEVICE_TSM_UNBIND, 0);
}

static inline int raw_req(const struct fn *fn, struct iommu_vdevice_tsm_req *req)
{
	return raw_ioctl(tdi_iommu_fd(fn->iommu), IOMMU_VDEVICE_TSM_REQ, req);
}

/* a READ_CERTS that succeeds while bound; the caller makes it worse */
static inline struct iommu_vdevice_tsm_req
raw_good_req(const struct fn *fn, const struct attest_read *read, void *resp,
	     uint32_t resp_len)
{
	return (struct iommu_vdevice_tsm_req) {
		.size = sizeof(struct iommu_vdevice_tsm_req),
		.vdevice_id = fn->vdevice_id,
		.op = IOMMU_VDEVICE_TSM_REQ_READ_CERTS,
		.tvm_arch = world.tvm->arch,
		.req_len = sizeof(*read),
		.resp_len = resp_len,
		.req_uptr = (uintptr_t)read,
		.resp_uptr = (uintptr_t)resp,
	};
}

/* a slot request as a VMM would make it, out of the way of the others */
#define RAW_SLOT_GPA	0xf0000000ULL

static inline struct kvm_userspace_memory_region2
raw_good_slot(int fd, uint64_t size, const struct reservation *r)
{
	return (struct kvm_userspace_memory_region2) {
		.slot = SLOT_SPARE,
		.flags = KVM_MEM_VFIO_DMABUF,
		.guest_phys_addr = RAW_SLOT_GPA,
		.memory_size = size,
		.userspace_addr = (uintptr_t)r->addr,
		.guest_memfd = fd,
	};
}

static inline int raw_slot(int vm_fd, struct kvm_userspace_memory_region2 *slot)
{
	return raw_ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION2, slot);
}

/* a dma-buf of one page of memory: its file, or -errno */
static inline int raw_udmabuf(void)
{
	struct udmabuf_create create = { .size = PAGE };
	int memfd, dev, ret;

	memfd = memfd_create("udmabuf", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (memfd < 0 || dev < 0 || ftruncate(memfd, PAGE) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		ret = -errno;
	} else {
		create.memfd = memfd;
		ret = ioctl(dev, UDMABUF_CREATE, &create);
		if (ret < 0)
			ret = -errno;
	}
	if (memfd >= 0)
		close(memfd);
	if (dev >= 0)
		close(dev);
	return ret;
}

/* position of BAR @bar in the device's file, for pread() and pwrite() */
static inline off_t raw_bar_pos(const struct fn *fn, unsigned int bar)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = bar,
	};

	if (ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_GET_REGION_INFO, &info))
		return -1;
	return info.offset;
}

#endif /* TEST_RAW_H */
