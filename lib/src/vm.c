// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/kvm.h>

#include <tdi/device.h>
#include <tdi/vm.h>

#include "util.h"

struct tdi_vm {
	int vm_fd;	/* borrowed */
	int vfio_fd;	/* KVM's VFIO device */
};

int tdi_vm_open(int vm_fd, struct tdi_vm **out)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };
	struct tdi_vm *vm;
	int ret;

	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	ret = tdi_ioctl(vm_fd, KVM_CREATE_DEVICE, &create);
	if (ret) {
		free(vm);
		return ret;
	}
	vm->vm_fd = vm_fd;
	vm->vfio_fd = create.fd;
	*out = vm;
	return 0;
}

void tdi_vm_close(struct tdi_vm *vm)
{
	if (!vm)
		return;
	tdi_close_fd(&vm->vfio_fd);
	free(vm);
}

int tdi_vm_has_dmabuf(const struct tdi_vm *vm)
{
	int ret = ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VFIO_DMABUF);

	return ret < 0 ? -errno : !!ret;
}

static int device_file(struct tdi_vm *vm, const struct tdi_device *dev,
		       uint64_t what)
{
	int32_t fd = tdi_device_fd(dev);
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_FILE,
		.attr = what,
		.addr = (uintptr_t)&fd,
	};

	return tdi_ioctl(vm->vfio_fd, KVM_SET_DEVICE_ATTR, &attr);
}

int tdi_vm_add_device(struct tdi_vm *vm, const struct tdi_device *dev)
{
	return device_file(vm, dev, KVM_DEV_VFIO_FILE_ADD);
}

int tdi_vm_del_device(struct tdi_vm *vm, const struct tdi_device *dev)
{
	return device_file(vm, dev, KVM_DEV_VFIO_FILE_DEL);
}

int tdi_vm_memfd(const struct tdi_vm *vm, uint64_t size)
{
	struct kvm_create_guest_memfd create = { .size = size };
	int fd;

	fd = tdi_ioctl(vm->vm_fd, KVM_CREATE_GUEST_MEMFD, &create);
	/* KVM has no flag for it: a program that another thread starts has no business with it */
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int set_slot(struct tdi_vm *vm, const struct tdi_slot *slot,
		    uint32_t flags)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = slot->slot,
		.flags = flags,
		.guest_phys_addr = slot->gpa,
		.memory_size = slot->size,
		.userspace_addr = (uintptr_t)slot->hva,
		.guest_memfd = slot->fd,
		.guest_memfd_offset = slot->offset,
	};

	return tdi_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION2, &region);
}

int tdi_vm_set_mem_slot(struct tdi_vm *vm, const struct tdi_slot *slot)
{
	return set_slot(vm, slot, KVM_MEM_GUEST_MEMFD);
}

int tdi_vm_set_mmio_slot(struct tdi_vm *vm, const struct tdi_slot *slot)
{
	return set_slot(vm, slot, KVM_MEM_VFIO_DMABUF);
}

int tdi_vm_del_slot(struct tdi_vm *vm, uint32_t slot)
{
	struct tdi_slot none = { .slot = slot };

	return set_slot(vm, &none, 0);
}

int tdi_vm_set_private(struct tdi_vm *vm, uint64_t gpa, uint64_t size,
		       bool is_private)
{
	struct kvm_memory_attributes attrs = {
		.address = gpa,
		.size = size,
		.attributes = is_private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	return tdi_ioctl(vm->vm_fd, KVM_SET_MEMORY_ATTRIBUTES, &attrs);
}
