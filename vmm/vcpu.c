// SPDX-License-Identifier: GPL-2.0-only
/* a vCPU, from its first instruction to its last exit; all of them run the same loop */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tvmm.h"

#define MAX_CPUID		256
#define CPUID_FEATURES		1U
#define CPUID_TOPOLOGY		0xbU
#define CPUID_AMD_FEATURES	0x80000001U
#define CPUID_AMD_TOPOLOGY	0x8000001eU
#define CPUID_AMD_SVM		0x4U		/* of ECX */

/*
 * What KVM answers is of the CPU that was asked: the id of a local APIC is the vCPU's.
 * No guest of ours is a host in turn, and Linux would try to be one.
 */
static void adapt(struct kvm_cpuid_entry2 *e, uint32_t id)
{
	switch (e->function) {
	case CPUID_FEATURES:
		e->ebx = (e->ebx & 0xffffff) | id << 24;
		break;
	case CPUID_TOPOLOGY:
		e->edx = id;
		break;
	case CPUID_AMD_FEATURES:
		e->ecx &= ~CPUID_AMD_SVM;
		break;
	case CPUID_AMD_TOPOLOGY:
		e->eax = id;
		break;
	}
}

static int set_cpuid(struct vcpu *v)
{
	struct kvm_cpuid2 *cpuid;
	uint32_t i;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) +
			  MAX_CPUID * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MAX_CPUID;
	if (ioctl(v->t->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		ret = -errno;
	for (i = 0; i < cpuid->nent; i++)
		adapt(&cpuid->entries[i], v->index);
	if (!ret && ioctl(v->fd, KVM_SET_CPUID2, cpuid))
		ret = -errno;
	free(cpuid);
	return ret;
}

static int vcpu_create(struct vcpu *v)
{
	struct tvmm *t = v->t;
	int size, ret;

	v->fd = ioctl(t->vm_fd, KVM_CREATE_VCPU, v->index);
	if (v->fd < 0)
		return report_failed(t, "vm", -errno, "KVM_CREATE_VCPU %u: %s",
				     v->index, strerror(errno));
	size = ioctl(t->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(*v->run))
		return report_failed(t, "vm", -EIO,
				     "KVM_GET_VCPU_MMAP_SIZE: %d", size);
	v->run_size = size;
	v->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return report_failed(t, "vm", -errno, "kvm_run: %s",
				     strerror(errno));
	}
	ret = set_cpuid(v) ?: t->guest->start(v);
	if (ret)
		return report_failed(t, "vm", ret, "state of vCPU %u: %s",
				     v->index, strerror(-ret));
	return 0;
}

static void vcpu_destroy(struct vcpu *v)
{
	if (v->run)
		munmap(v->run, v->run_size);
	if (v->fd >= 0)
		close(v->fd);
	v->run = NULL;
	v->fd = -1;
}

int vcpus_create(struct tvmm *t)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < t->opt.nr_cpus; i++)
		ret = vcpu_create(&t->vcpu[i]);
	return ret;
}

void vcpus_destroy(struct tvmm *t)
{
	unsigned int i;

	for (i = t->opt.nr_cpus; i--;)
		vcpu_destroy(&t->vcpu[i]);
}

static int memory_fault(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint64_t gpa = run->memory_fault.gpa;
	struct kvm_regs regs;

	if (ioctl(v->fd, KVM_GET_REGS, &regs))
		return report_failed(v->t, "exit", -errno, "KVM_GET_REGS: %s",
				     strerror(errno));
	if (!v->probing || (gpa ^ v->probe_gpa) >> 12)
		return report_failed(v->t, "exit", -EFAULT,
				     "memory fault of vCPU %u at gpa %#llx (%s) rip %#llx",
				     v->index, (unsigned long long)gpa,
				     run->memory_fault.flags &
				     KVM_MEMORY_EXIT_FLAG_PRIVATE ?
				     "private" : "shared", regs.rip);
	v->probing = false;
	v->probes++;
	regs.rip = v->probe_rip;
	regs.rax = 1;
	if (ioctl(v->fd, KVM_SET_REGS, &regs))
		return report_failed(v->t, "exit", -errno, "KVM_SET_REGS: %s",
				     strerror(errno));
	return 0;
}

static int handle_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	struct tvmm *t = v->t;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return t->guest->io(v);
	case KVM_EXIT_MMIO:
		return t->guest->mmio(v);
	case KVM_EXIT_SHUTDOWN:
		return report_failed(t, "exit", -EFAULT,
				     "triple fault of vCPU %u", v->index);
	case KVM_EXIT_INTERNAL_ERROR:
		return report_failed(t, "exit", -EFAULT,
				     "KVM internal error %u on vCPU %u",
				     run->internal.suberror, v->index);
	case KVM_EXIT_FAIL_ENTRY:
		return report_failed(t, "exit", -EFAULT,
				     "entry of vCPU %u failed, reason %#llx",
				     v->index,
				     run->fail_entry.hardware_entry_failure_reason);
	default:
		return report_failed(t, "exit", -EFAULT,
				     "unexpected exit reason %u of vCPU %u",
				     run->exit_reason, v->index);
	}
}

/* what KVM_RUN came back for; @err: its errno, or 0 */
static int handle(struct vcpu *v, int err)
{
	if (err == EFAULT && v->run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		return memory_fault(v);
	if (err)
		return report_failed(v->t, "exit", -err, "KVM_RUN of vCPU %u: %s",
				     v->index, strerror(err));
	return handle_exit(v);
}

/* the exit loop: one exit at a time is handled, whichever vCPU it is of */
void vcpu_loop(struct vcpu *v)
{
	struct tvmm *t = v->t;
	int err, ret;

	/* who stops us later than this finds us, who did before is found by us */
	__atomic_store_n(&v->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!v->done && !vcpus_stopping(t)) {
		err = ioctl(v->fd, KVM_RUN, 0) ? errno : 0;
		if (err == EINTR)
			continue;
		v->exits++;
		if (v->in_use)
			v->use_exits++;
		pthread_mutex_lock(&t->lock);
		ret = vcpus_stopping(t) ? 0 : handle(v, err);
		if (ret)
			vcpus_stop(t, ret);
		pthread_mutex_unlock(&t->lock);
		if (v->yields)
			sched_yield();
		v->yields = false;
	}
	__atomic_store_n(&v->tid, 0, __ATOMIC_SEQ_CST);
}
