// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a guest begins: in 64-bit mode with paging on, virtual = guest physical address.
 * The page tables are in shared memory, where KVM's emulator can read them.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "tvmm.h"

#define HUGE		0x200000ULL

#define PTE_PRESENT	0x001ULL
#define PTE_WRITE	0x002ULL
#define PTE_UNCACHED	0x018ULL	/* PWT, PCD */
#define PTE_ACCESSED	0x020ULL
#define PTE_DIRTY	0x040ULL
#define PTE_HUGE	0x080ULL

#define NR_PDS		4

#define CR0_PE		0x1ULL
#define CR0_ET		0x10ULL
#define CR0_NE		0x20ULL
#define CR0_WP		0x10000ULL
#define CR0_PG		0x80000000ULL
#define CR4_PAE		0x20ULL
#define EFER_LME	0x100ULL
#define EFER_LMA	0x400ULL

/* 4 GiB, guest virtual = guest physical, BARs uncached */
void long_mode_tables(struct tvmm *t)
{
	uint64_t *pml4 = (uint64_t *)(t->mem.shared + TVM_PGTABLE_GPA);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512, i, gpa;
	const uint64_t table = PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;

	pml4[0] = (TVM_PGTABLE_GPA + 0x1000) | table;
	for (i = 0; i < NR_PDS; i++)
		pdpt[i] = (TVM_PGTABLE_GPA + 0x2000 + i * 0x1000) | table;
	for (i = 0; i < NR_PDS * 512; i++) {
		gpa = i * HUGE;
		pd[i] = gpa | table | PTE_DIRTY | PTE_HUGE;
		if (gpa >= TVM_BARS_GPA)
			pd[i] |= PTE_UNCACHED;
	}
}

/* the selectors are those that Linux's boot protocol asks for; there is no table behind them */
int long_mode_start(struct vcpu *v, const struct kvm_regs *regs)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 0x10, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 0x18, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(v->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = TVM_PGTABLE_GPA;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(v->fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(v->fd, KVM_SET_REGS, regs))
		return -errno;
	return 0;
}
