// SPDX-License-Identifier: GPL-2.0-only
/* the vCPU, from its first instruction in long mode to its last exit */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "tvmm.h"

#define CR0_PE		0x1ULL
#define CR0_ET		0x10ULL
#define CR0_NE		0x20ULL
#define CR0_WP		0x10000ULL
#define CR0_PG		0x80000000ULL
#define CR4_PAE		0x20ULL
#define EFER_LME	0x100ULL
#define EFER_LMA	0x400ULL

#define MAX_CPUID	256

/* set by signals only: 1 asked to stop, 2 out of time */
static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
	stop = sig == SIGALRM ? 2 : 1;
}

static int set_cpuid(struct tvmm *t)
{
	struct kvm_cpuid2 *cpuid;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) +
			  MAX_CPUID * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MAX_CPUID;
	if (ioctl(t->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) ||
	    ioctl(t->vcpu.fd, KVM_SET_CPUID2, cpuid))
		ret = -errno;
	free(cpuid);
	return ret;
}

static int set_registers(struct tvmm *t)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_regs regs = { .rip = TVM_LOAD_GPA, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(t->vcpu.fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = TVM_PGTABLE_GPA;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(t->vcpu.fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(t->vcpu.fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

int vcpu_create(struct tvmm *t)
{
	struct vcpu *vcpu = &t->vcpu;
	int size, ret;

	vcpu->fd = ioctl(t->vm_fd, KVM_CREATE_VCPU, 0);
	if (vcpu->fd < 0)
		return report_failed(t, "vm", -errno, "KVM_CREATE_VCPU: %s",
				     strerror(errno));
	size = ioctl(t->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(*vcpu->run))
		return report_failed(t, "vm", -EIO,
				     "KVM_GET_VCPU_MMAP_SIZE: %d", size);
	vcpu->run_size = size;
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return report_failed(t, "vm", -errno, "kvm_run: %s",
				     strerror(errno));
	}
	ret = set_cpuid(t) ?: set_registers(t);
	if (ret)
		return report_failed(t, "vm", ret, "vCPU state: %s",
				     strerror(-ret));
	return 0;
}

void vcpu_destroy(struct tvmm *t)
{
	if (t->vcpu.run)
		munmap(t->vcpu.run, t->vcpu.run_size);
	if (t->vcpu.fd >= 0)
		close(t->vcpu.fd);
	t->vcpu.run = NULL;
	t->vcpu.fd = -1;
}

/*
 * SIGALRM ends a run that takes too long, SIGTERM and SIGINT one that is not
 * wanted any more. The alarm repeats, for one that comes just before KVM_RUN is
 * lost on it.
 */
static void catch_signals(unsigned int timeout)
{
	struct sigaction action = { .sa_handler = on_stop };
	struct itimerval timer = {
		.it_value.tv_sec = timeout,
		.it_interval.tv_sec = 1,
	};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (timeout)
		setitimer(ITIMER_REAL, &timer, NULL);
}

static int memory_fault(struct tvmm *t)
{
	struct kvm_run *run = t->vcpu.run;
	uint64_t gpa = run->memory_fault.gpa;
	struct kvm_regs regs;

	if (ioctl(t->vcpu.fd, KVM_GET_REGS, &regs))
		return report_failed(t, "exit", -errno, "KVM_GET_REGS: %s",
				     strerror(errno));
	if (!t->vcpu.probing || (gpa ^ t->vcpu.probe_gpa) >> 12)
		return report_failed(t, "exit", -EFAULT,
				     "memory fault at gpa %#llx (%s) rip %#llx",
				     (unsigned long long)gpa,
				     run->memory_fault.flags &
				     KVM_MEMORY_EXIT_FLAG_PRIVATE ?
				     "private" : "shared", regs.rip);
	t->vcpu.probing = false;
	t->vcpu.probes++;
	regs.rip = t->vcpu.probe_rip;
	regs.rax = 1;
	if (ioctl(t->vcpu.fd, KVM_SET_REGS, &regs))
		return report_failed(t, "exit", -errno, "KVM_SET_REGS: %s",
				     strerror(errno));
	return 0;
}

static int port_io(struct tvmm *t)
{
	struct kvm_run *run = t->vcpu.run;
	uint32_t number;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4 ||
	    run->io.count != 1 || run->io.port != TVM_PORT)
		return report_failed(t, "exit", -EPROTO,
				     "port %#x, size %u, count %u: no call",
				     run->io.port, run->io.size,
				     run->io.count);
	memcpy(&number, (uint8_t *)run + run->io.data_offset, sizeof(number));
	return hypercall(t, number);
}

static int handle_exit(struct tvmm *t)
{
	struct kvm_run *run = t->vcpu.run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return port_io(t);
	case KVM_EXIT_MMIO:
		return report_failed(t, "exit", -EFAULT,
				     "MMIO exit at gpa %#llx: nothing is emulated",
				     run->mmio.phys_addr);
	case KVM_EXIT_SHUTDOWN:
		return report_failed(t, "exit", -EFAULT, "triple fault");
	case KVM_EXIT_INTERNAL_ERROR:
		return report_failed(t, "exit", -EFAULT,
				     "KVM internal error %u",
				     run->internal.suberror);
	case KVM_EXIT_FAIL_ENTRY:
		return report_failed(t, "exit", -EFAULT,
				     "entry failed, reason %#llx",
				     run->fail_entry.hardware_entry_failure_reason);
	default:
		return report_failed(t, "exit", -EFAULT,
				     "unexpected exit reason %u",
				     run->exit_reason);
	}
}

int vcpu_loop(struct tvmm *t)
{
	int ret = 0;

	catch_signals(t->opt.timeout);
	while (!ret && !t->vcpu.done) {
		if (stop)
			return report_failed(t, "exit",
					     stop == 2 ? -ETIMEDOUT : -EINTR,
					     stop == 2 ? "out of time (%u s)" :
					     "told to stop", t->opt.timeout);
		ret = ioctl(t->vcpu.fd, KVM_RUN, 0);
		if (ret < 0 && errno == EINTR) {
			events_print(t);
			ret = 0;
			continue;
		}
		if (t->vcpu.in_use)
			t->vcpu.use_exits++;
		if (ret < 0 && errno == EFAULT &&
		    t->vcpu.run->exit_reason == KVM_EXIT_MEMORY_FAULT)
			ret = memory_fault(t);
		else if (ret < 0)
			ret = report_failed(t, "exit", -errno, "KVM_RUN: %s",
					    strerror(errno));
		else
			ret = handle_exit(t);
	}
	return ret;
}
