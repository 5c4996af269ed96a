// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the VM: a shared slot from guest address 0, which tvmm fills and the
 * devices reach by T=0 requests; a private slot over guest_memfd, which only the
 * guest itself can fill.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tvmm.h"

#define HUGE		0x200000ULL

void *reserve(struct reservation *r, uint64_t gpa, uint64_t size)
{
	uintptr_t addr;

	r->len = size + 2 * HUGE;
	r->base = mmap(NULL, r->len, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return NULL;
	}
	addr = ((uintptr_t)r->base + HUGE - 1) & ~(HUGE - 1);
	return (void *)(addr + (gpa & (HUGE - 1)));
}

void unreserve(struct reservation *r)
{
	if (r->base)
		munmap(r->base, r->len);
	r->base = NULL;
}

static int create_shared(struct tvmm *t)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = SLOT_SHARED,
		.memory_size = t->mem.shared_size,
	};

	t->mem.shared = mmap(NULL, t->mem.shared_size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->mem.shared == MAP_FAILED) {
		t->mem.shared = NULL;
		return report_failed(t, "vm", -errno, "%llu MiB of shared memory: %s",
				     (unsigned long long)t->mem.shared_size >> 20,
				     strerror(errno));
	}
	region.userspace_addr = (uintptr_t)t->mem.shared;
	if (ioctl(t->vm_fd, KVM_SET_USER_MEMORY_REGION2, &region))
		return report_failed(t, "vm", -errno, "shared slot: %s",
				     strerror(errno));
	return 0;
}

static int create_private(struct tvmm *t)
{
	struct tdi_slot slot = {
		.slot = SLOT_PRIVATE,
		.gpa = t->mem.private_gpa,
		.size = t->mem.private_size,
	};
	int ret;

	t->mem.private_fd = tdi_vm_memfd(t->vm, slot.size);
	if (t->mem.private_fd < 0)
		return report_failed(t, "vm", t->mem.private_fd,
				     "guest_memfd of %llu MiB: %s",
				     (unsigned long long)slot.size >> 20,
				     strerror(-t->mem.private_fd));
	slot.fd = t->mem.private_fd;
	slot.hva = reserve(&t->mem.private_hva, slot.gpa, slot.size);
	if (!slot.hva)
		return report_failed(t, "vm", -ENOMEM, "no addresses left");
	ret = tdi_vm_set_mem_slot(t->vm, &slot) ?:
	      tdi_vm_set_private(t->vm, slot.gpa, slot.size, true);
	if (ret)
		return report_failed(t, "vm", ret, "private slot of %llu MiB: %s",
				     (unsigned long long)slot.size >> 20,
				     strerror(-ret));
	return 0;
}

int memory_create(struct tvmm *t)
{
	struct memory *m = &t->mem;
	int ret;

	m->private_gpa = TVM_PRIVATE_GPA;
	m->private_size = (uint64_t)t->opt.mem_mib << 20;
	ret = create_shared(t) ?: create_private(t) ?: t->guest->load(t);
	if (ret)
		return ret;
	report_ok(t, "vm",
		  "KVM_X86_SW_PROTECTED_VM, %u vCPU%s, %llu MiB shared, %llu MiB guest_memfd private",
		  t->opt.nr_cpus, t->opt.nr_cpus > 1 ? "s" : "",
		  (unsigned long long)m->shared_size >> 20,
		  (unsigned long long)m->private_size >> 20);
	return 0;
}

void memory_destroy(struct tvmm *t)
{
	if (t->mem.private_fd >= 0)
		close(t->mem.private_fd);
	t->mem.private_fd = -1;
	unreserve(&t->mem.private_hva);
	if (t->mem.shared)
		munmap(t->mem.shared, t->mem.shared_size);
	t->mem.shared = NULL;
}
