// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvm and a VM with private memory */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tvmm.h"

int vm_create(struct tvmm *t)
{
	int types, ret;

	t->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (t->kvm_fd < 0)
		return report_failed(t, "vm", -errno, "/dev/kvm: %s",
				     strerror(errno));
	types = ioctl(t->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);
	if (types < 0 || !(types & 1 << KVM_X86_SW_PROTECTED_VM))
		return report_failed(t, "vm", -EOPNOTSUPP,
				     "KVM: expected VM type KVM_X86_SW_PROTECTED_VM, saw types %#x",
				     types);
	t->vm_fd = ioctl(t->kvm_fd, KVM_CREATE_VM, KVM_X86_SW_PROTECTED_VM);
	if (t->vm_fd < 0)
		return report_failed(t, "vm", -errno, "KVM_CREATE_VM: %s",
				     strerror(errno));
	ret = tdi_vm_open(t->vm_fd, &t->vm);
	if (ret)
		return report_failed(t, "vm", ret, "KVM's VFIO device: %s",
				     strerror(-ret));
	return 0;
}

void vm_destroy(struct tvmm *t)
{
	tdi_vm_close(t->vm);
	t->vm = NULL;
	if (t->vm_fd >= 0)
		close(t->vm_fd);
	if (t->kvm_fd >= 0)
		close(t->kvm_fd);
	t->vm_fd = -1;
	t->kvm_fd = -1;
}
