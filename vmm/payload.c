// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bare-metal guest of ../guest: its image, page tables and boot page in shared
 * memory, and vCPUs that begin in 64-bit mode with paging on.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
static void build_page_tables(uint8_t *shared)
{
	uint64_t *pml4 = (uint64_t *)(shared + TVM_PGTABLE_GPA);
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

static int read_image(struct tvmm *t)
{
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	fd = open(t->opt.payload, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return report_failed(t, "vm", -errno, "payload %s: %s",
				     t->opt.payload, strerror(errno));
	while (len < TVM_LOAD_SIZE) {
		n = read(fd, t->mem.shared + TVM_LOAD_GPA + len,
			 TVM_LOAD_SIZE - len);
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	if (n < 0 || !len || len == TVM_LOAD_SIZE)
		return report_failed(t, "vm", -EINVAL,
				     "payload %s: expected 1 to %llu bytes, saw %zu",
				     t->opt.payload, TVM_LOAD_SIZE - 1, len);
	return 0;
}

static int payload_load(struct tvmm *t)
{
	int ret = read_image(t);

	if (!ret)
		build_page_tables(t->mem.shared);
	return ret;
}

static int payload_tell(struct tvmm *t)
{
	struct tvm_boot *boot = (void *)(t->mem.shared + TVM_BOOT_GPA);
	int khz = ioctl(t->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);
	unsigned int i;

	if (khz <= 0)
		return report_failed(t, "vm", -EIO, "KVM_GET_TSC_KHZ: %d", khz);
	*boot = (struct tvm_boot) {
		.magic = TVM_BOOT_MAGIC,
		.version = TVM_ABI_VERSION,
		.mode = t->opt.mode,
		.private_size = t->mem.private_size,
		.nr_cpus = t->opt.nr_cpus,
		.nr_devices = t->opt.nr_devices,
		.copy_bytes = t->opt.copy_bytes,
		.tsc_khz = khz,
		.seed = t->opt.seed,
		.arch = t->opt.arch,
		.flags = t->opt.bind_on_request ? TVM_BOOT_F_BIND : 0,
	};
	for (i = 0; i < t->opt.nr_devices; i++)
		boot->bar2_pages[i] = t->device[i].bar2_pages;
	return 0;
}

static int payload_start(struct vcpu *v)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_regs regs = {
		.rip = TVM_LOAD_GPA, .rdi = v->index, .rflags = 2,
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
	    ioctl(v->fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

const struct guest payload_guest = {
	.load = payload_load,
	.tell = payload_tell,
	.start = payload_start,
};
