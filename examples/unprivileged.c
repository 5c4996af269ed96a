// SPDX-License-Identifier: MIT
/*
 * A VMM without any right of its own: the launcher has passed it /dev/kvm, /dev/iommu and
 * the VFIO device. It makes a VM, binds the TDI to it, says so, and takes all of it down.
 * No guest runs in it; tvmm is the example with one.
 *
 * Everything it does is in struct vmm, so that teardown is the mirror of what was made,
 * from whatever point it failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/kvm.h>

#include <tdi/tdi.h>

#include "pass.h"

#define WINDOW		0x100000UL	/* of guest memory that the device reaches shared */
#define GUEST_RID	0x18		/* 00:03.0 for the guest */
#define EVENTS		16

struct vmm {
	int fds[PASS_COUNT];	/* -1: not there, or a context's already */
	int vm_fd;
	struct tdi_vm *vm;
	struct tdi_iommu *iommu;
	struct tdi_device *dev;
	struct tdi_events *events;
	void *window;
	uint32_t ioas, hwpt, viommu, vdevice;	/* 0: none */
};

static int complain(const char *what, enum tdi_call call, int ret)
{
	if (ret)
		fprintf(stderr, "unprivileged: %s: %s; %s\n", what, strerror(-ret),
			tdi_advice(call, ret));
	return ret;
}

static int receive_files(int sock, int *fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(PASS_COUNT * sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(PASS_COUNT * sizeof(int)))
		return -EPROTO;
	memcpy(fds, CMSG_DATA(c), PASS_COUNT * sizeof(int));
	return 0;
}

/* the contexts own the files from here on */
static int take_files(struct vmm *v)
{
	int ret;

	ret = complain("files", 0, receive_files(PASS_SOCKET, v->fds));
	if (ret)
		return ret;
	ret = complain("iommufd", TDI_CALL_IOMMU,
		       tdi_iommu_from_fd(v->fds[PASS_IOMMU], &v->iommu));
	if (ret)
		return ret;
	v->fds[PASS_IOMMU] = -1;
	ret = complain("VFIO device", TDI_CALL_OPEN,
		       tdi_device_from_fd(v->fds[PASS_DEVICE], &v->dev));
	if (!ret)
		v->fds[PASS_DEVICE] = -1;
	return ret;
}

/* the VM learns of the device before the device is bound to iommufd */
static int create_vm(struct vmm *v)
{
	v->vm_fd = ioctl(v->fds[PASS_KVM], KVM_CREATE_VM,
			 KVM_X86_SW_PROTECTED_VM);
	if (v->vm_fd < 0)
		return complain("KVM_CREATE_VM", TDI_CALL_KVM, -errno);
	return complain("KVM's VFIO device", TDI_CALL_KVM,
			tdi_vm_open(v->vm_fd, &v->vm)) ?:
	       complain("adding the device", TDI_CALL_OPEN,
			tdi_vm_add_device(v->vm, v->dev)) ?:
	       complain("VFIO_DEVICE_BIND_IOMMUFD", TDI_CALL_OPEN,
			tdi_device_bind(v->dev, v->iommu));
}

static int create_translation(struct vmm *v)
{
	uint32_t id = tdi_device_id(v->dev);

	v->window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (v->window == MAP_FAILED) {
		v->window = NULL;
		return complain("guest memory", 0, -errno);
	}
	return complain("IOAS", TDI_CALL_IOMMU,
			tdi_ioas_alloc(v->iommu, &v->ioas)) ?:
	       complain("map", TDI_CALL_IOMMU,
			tdi_ioas_map(v->iommu, v->ioas, v->window, WINDOW, 0)) ?:
	       complain("nesting parent", TDI_CALL_IOMMU,
			tdi_hwpt_alloc_parent(v->iommu, id, v->ioas, &v->hwpt)) ?:
	       complain("attach", TDI_CALL_VFIO,
			tdi_device_attach(v->dev, v->hwpt)) ?:
	       complain("vIOMMU", TDI_CALL_IOMMU,
			tdi_viommu_alloc(v->iommu, id, v->hwpt,
					 IOMMU_VIOMMU_TYPE_TEEMU, &v->viommu)) ?:
	       complain("events", TDI_CALL_IOMMU,
			tdi_events_open(v->iommu, v->viommu, EVENTS,
					&v->events)) ?:
	       complain("vDEVICE", TDI_CALL_VDEVICE,
			tdi_vdevice_alloc(v->iommu, v->viommu, id, GUEST_RID,
					  &v->vdevice));
}

/* bound, reset as a bound TDI has to be, and bound again; nothing happens unasked */
static int use(struct vmm *v)
{
	const uint16_t command = TDI_COMMAND_MEMORY | TDI_COMMAND_MASTER;
	struct pollfd pfd = { .fd = tdi_events_fd(v->events), .events = POLLIN };
	int ret;

	ret = complain("PCI command", TDI_CALL_VFIO,
		       tdi_device_enable(v->dev, command)) ?:
	      complain("bind", TDI_CALL_BIND, tdi_tsm_bind(v->iommu, v->vdevice));
	if (ret)
		return ret;
	printf("unprivileged: uid %u has bound %s\n", geteuid(),
	       tdi_device_bdf(v->dev));
	if (tdi_device_reset(v->dev) != -EBUSY) {
		fputs("unprivileged: a reset of a bound TDI was not refused\n", stderr);
		return -EIO;
	}
	ret = complain("reset", TDI_CALL_VFIO,
		       tdi_tsm_reset(v->iommu, v->vdevice, v->dev, command)) ?:
	      complain("bind again", TDI_CALL_BIND,
		       tdi_tsm_bind(v->iommu, v->vdevice));
	if (ret)
		return ret;
	if (poll(&pfd, 1, 0)) {
		fputs("unprivileged: an event that nobody caused\n", stderr);
		return -EIO;
	}
	puts("unprivileged: reset and bound again");
	return complain("unbind", TDI_CALL_UNBIND,
			tdi_tsm_unbind(v->iommu, v->vdevice));
}

static void destroy(struct vmm *v, uint32_t id)
{
	if (id)
		tdi_iommu_destroy(v->iommu, id);
}

static void take_down(struct vmm *v)
{
	int i;

	destroy(v, v->vdevice);
	tdi_events_close(v->events);
	destroy(v, v->viommu);
	if (v->hwpt)
		tdi_device_detach(v->dev);
	destroy(v, v->hwpt);
	destroy(v, v->ioas);
	tdi_device_close(v->dev);
	tdi_iommu_close(v->iommu);
	tdi_vm_close(v->vm);
	if (v->vm_fd >= 0)
		close(v->vm_fd);
	for (i = 0; i < PASS_COUNT; i++)
		if (v->fds[i] >= 0)
			close(v->fds[i]);
	if (v->window)
		munmap(v->window, WINDOW);
}

int main(void)
{
	struct vmm v = { .fds = { -1, -1, -1 }, .vm_fd = -1 };
	int ret;

	ret = take_files(&v) ?: create_vm(&v) ?: create_translation(&v) ?: use(&v);
	take_down(&v);
	return ret ? 1 : 0;
}
