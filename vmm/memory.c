// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the VM: a shared slot with page tables, boot page, mailbox, payload
 * and the window of shared DMA; a private slot over guest_memfd, which only the
 * guest itself can fill.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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
		if (gpa >= TVM_BAR0_GPA)
			pd[i] |= PTE_UNCACHED;
	}
}

static int load_payload(struct tvmm *t)
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

static int fill_boot_page(struct tvmm *t)
{
	struct tvm_boot *boot = (void *)(t->mem.shared + TVM_BOOT_GPA);
	int khz = ioctl(t->vcpu.fd, KVM_GET_TSC_KHZ, 0);

	if (khz <= 0)
		return report_failed(t, "vm", -EIO, "KVM_GET_TSC_KHZ: %d", khz);
	*boot = (struct tvm_boot) {
		.magic = TVM_BOOT_MAGIC,
		.version = TVM_ABI_VERSION,
		.mode = t->opt.mode,
		.bar2_pages = t->opt.bar2_pages,
		.copy_bytes = t->opt.copy_bytes,
		.tsc_khz = khz,
		.seed = t->opt.seed,
		.arch = t->opt.arch,
	};
	return 0;
}

static int create_shared(struct tvmm *t)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = SLOT_SHARED,
		.memory_size = TVM_SHARED_SIZE,
	};

	t->mem.shared = mmap(NULL, TVM_SHARED_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->mem.shared == MAP_FAILED) {
		t->mem.shared = NULL;
		return report_failed(t, "vm", -errno, "shared memory: %s",
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
		.gpa = TVM_PRIVATE_GPA,
		.size = TVM_PRIVATE_SIZE,
	};
	int ret;

	t->mem.private_fd = tdi_vm_memfd(t->vm, TVM_PRIVATE_SIZE);
	if (t->mem.private_fd < 0)
		return report_failed(t, "vm", t->mem.private_fd,
				     "guest_memfd: %s",
				     strerror(-t->mem.private_fd));
	slot.fd = t->mem.private_fd;
	slot.hva = reserve(&t->mem.private_hva, slot.gpa, slot.size);
	if (!slot.hva)
		return report_failed(t, "vm", -ENOMEM, "no addresses left");
	ret = tdi_vm_set_mem_slot(t->vm, &slot) ?:
	      tdi_vm_set_private(t->vm, slot.gpa, slot.size, true);
	if (ret)
		return report_failed(t, "vm", ret, "private slot: %s",
				     strerror(-ret));
	return 0;
}

int memory_create(struct tvmm *t)
{
	int ret;

	ret = create_shared(t);
	if (!ret)
		ret = create_private(t);
	if (!ret)
		ret = load_payload(t);
	if (!ret)
		ret = fill_boot_page(t);
	if (ret)
		return ret;
	build_page_tables(t->mem.shared);
	report_ok(t, "vm",
		  "KVM_X86_SW_PROTECTED_VM, %llu MiB shared, %llu MiB guest_memfd private",
		  TVM_SHARED_SIZE >> 20, TVM_PRIVATE_SIZE >> 20);
	return 0;
}

void memory_destroy(struct tvmm *t)
{
	if (t->mem.private_fd >= 0)
		close(t->mem.private_fd);
	t->mem.private_fd = -1;
	unreserve(&t->mem.private_hva);
	if (t->mem.shared)
		munmap(t->mem.shared, TVM_SHARED_SIZE);
	t->mem.shared = NULL;
}
