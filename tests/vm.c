// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

#define HUGE		0x200000ULL

#define PTE_PRESENT	0x001ULL
#define PTE_WRITE	0x002ULL
#define PTE_UNCACHED	0x018ULL	/* PWT, PCD */
#define PTE_ACCESSED	0x020ULL
#define PTE_DIRTY	0x040ULL
#define PTE_HUGE	0x080ULL
#define NR_PDS		4

#define CR0_BITS	0x80010031ULL	/* PG, WP, NE, ET, PE */
#define CR4_PAE		0x20ULL
#define EFER_BITS	0x500ULL	/* LMA, LME */

extern const char agent_image[], agent_image_end[];

int reserve(struct reservation *r, uint64_t gpa, uint64_t size)
{
	uintptr_t addr;

	r->len = size + 2 * HUGE;
	r->base = mmap(NULL, r->len, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return failed(-errno, "reservation");
	}
	addr = ((uintptr_t)r->base + HUGE - 1) & ~(HUGE - 1);
	r->addr = (void *)(addr + (gpa & (HUGE - 1)));
	return 0;
}

void unreserve(struct reservation *r)
{
	if (r->base)
		munmap(r->base, r->len);
	memset(r, 0, sizeof(*r));
}

/* 4 GiB, guest virtual = guest physical, BARs uncached */
static void build_page_tables(uint8_t *shared)
{
	uint64_t *pml4 = (uint64_t *)(shared + VM_PGTABLE_GPA);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512, i, gpa;
	const uint64_t table = PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;

	pml4[0] = (VM_PGTABLE_GPA + 0x1000) | table;
	for (i = 0; i < NR_PDS; i++)
		pdpt[i] = (VM_PGTABLE_GPA + 0x2000 + i * 0x1000) | table;
	for (i = 0; i < NR_PDS * 512; i++) {
		gpa = i * HUGE;
		pd[i] = gpa | table | PTE_DIRTY | PTE_HUGE;
		if (gpa >= VM_BARS_GPA)
			pd[i] |= PTE_UNCACHED;
	}
}

void vm_init(struct vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->kvm_fd = vm->vm_fd = vm->vcpu_fd = vm->private_fd = -1;
}

static int create_vm(struct vm *vm)
{
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return failed(-errno, "/dev/kvm");
	vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, KVM_X86_SW_PROTECTED_VM);
	if (vm->vm_fd < 0)
		return failed(-errno, "KVM_CREATE_VM");
	return failed(tdi_vm_open(vm->vm_fd, &vm->tdi), "KVM's VFIO device");
}

static int create_shared(struct vm *vm)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = SLOT_SHARED,
		.memory_size = VM_SHARED_SIZE,
	};

	vm->shared = mmap(NULL, VM_SHARED_SIZE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->shared == MAP_FAILED) {
		vm->shared = NULL;
		return failed(-errno, "shared memory");
	}
	region.userspace_addr = (uintptr_t)vm->shared;
	if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION2, &region))
		return failed(-errno, "shared slot");
	build_page_tables(vm->shared);
	memcpy(vm->shared + AGENT_LOAD_GPA, agent_image,
	       agent_image_end - agent_image);
	return 0;
}

static int create_private(struct vm *vm)
{
	struct tdi_slot slot = {
		.slot = SLOT_PRIVATE,
		.gpa = vm->private_gpa,
		.size = VM_PRIVATE_SIZE,
	};
	int ret;

	ret = tdi_vm_memfd(vm->tdi, VM_PRIVATE_SIZE);
	if (ret < 0)
		return failed(ret, "guest_memfd");
	vm->private_fd = ret;
	ret = reserve(&vm->hva, slot.gpa, slot.size);
	if (ret)
		return ret;
	slot.fd = vm->private_fd;
	slot.hva = vm->hva.addr;
	ret = tdi_vm_set_mem_slot(vm->tdi, &slot);
	if (!ret)
		ret = tdi_vm_set_private(vm->tdi, slot.gpa, slot.size, true);
	return failed(ret, "private slot");
}

static int set_cpuid(struct vm *vm)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };

	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid) ||
	    ioctl(vm->vcpu_fd, KVM_SET_CPUID2, &cpuid))
		return failed(-errno, "CPUID");
	return 0;
}

static int create_vcpu(struct vm *vm)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu_fd < 0 || size < (int)sizeof(*vm->run))
		return failed(vm->vcpu_fd < 0 ? -errno : -EIO, "vCPU");
	vm->run_size = size;
	vm->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vm->vcpu_fd, 0);
	if (vm->run == MAP_FAILED) {
		vm->run = NULL;
		return failed(-errno, "kvm_run");
	}
	return set_cpuid(vm);
}

int vm_open(struct vm *vm, uint64_t private_gpa)
{
	vm_init(vm);
	vm->private_gpa = private_gpa ?: VM_PRIVATE_GPA;
	return create_vm(vm) ?: create_shared(vm) ?: create_private(vm) ?:
	       create_vcpu(vm);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vm_close_files(struct vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->run_size);
	vm->run = NULL;
	vm->ready = false;
	close_fd(&vm->vcpu_fd);
	tdi_vm_close(vm->tdi);
	vm->tdi = NULL;
	close_fd(&vm->vm_fd);
	close_fd(&vm->kvm_fd);
	/* guest_memfd holds its VM too */
	close_fd(&vm->private_fd);
}

void vm_close(struct vm *vm)
{
	vm_close_files(vm);
	unreserve(&vm->hva);
	if (vm->shared)
		munmap(vm->shared, VM_SHARED_SIZE);
	vm->shared = NULL;
}

struct agent_mbox *vm_mbox(struct vm *vm)
{
	return (struct agent_mbox *)(vm->shared + AGENT_MBOX_GPA);
}

/* the vCPU as at the agent's first instruction */
static int reset_vcpu(struct vm *vm)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_regs regs = { .rip = AGENT_LOAD_GPA, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs))
		return failed(-errno, "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_BITS;
	sregs.cr3 = VM_PGTABLE_GPA;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_BITS;
	if (ioctl(vm->vcpu_fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(vm->vcpu_fd, KVM_SET_REGS, &regs))
		return failed(-errno, "vCPU registers");
	return 0;
}

/* let KVM end the instruction that met the exit, before registers are set anew */
static int finish_mmio(struct vm *vm)
{
	int ret;

	vm->run->immediate_exit = 1;
	ret = ioctl(vm->vcpu_fd, KVM_RUN, 0);
	vm->run->immediate_exit = 0;
	return ret < 0 && errno != EINTR ? failed(-errno, "KVM_RUN") : 0;
}

/* until the agent speaks; -EFAULT: it met a memory fault */
static int run_vcpu(struct vm *vm)
{
	int ret;

	do {
		ret = ioctl(vm->vcpu_fd, KVM_RUN, 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0 && errno == EFAULT &&
	    vm->run->exit_reason == KVM_EXIT_MEMORY_FAULT) {
		vm->fault_gpa = vm->run->memory_fault.gpa;
		vm->fault_private = vm->run->memory_fault.flags &
				    KVM_MEMORY_EXIT_FLAG_PRIVATE;
		return -EFAULT;
	}
	if (ret < 0)
		return failed(-errno, "KVM_RUN");
	if (vm->run->exit_reason == KVM_EXIT_IO &&
	    vm->run->io.port == AGENT_PORT)
		return 0;
	if (vm->run->exit_reason == KVM_EXIT_MMIO)
		return finish_mmio(vm) ?: failed(-EPROTO, "MMIO exit at %#llx",
			      (unsigned long long)vm->run->mmio.phys_addr);
	return failed(-EPROTO, "exit reason %u", vm->run->exit_reason);
}

int vm_agent(struct vm *vm)
{
	int ret = 0;

	if (!vm->ready) {
		ret = reset_vcpu(vm) ?: run_vcpu(vm);
		if (ret)
			return ret == -EFAULT ? failed(-EPROTO, "agent") : ret;
	}
	ret = run_vcpu(vm);
	vm->ready = !ret;
	return ret;
}

static int command(struct vm *vm, enum agent_cmd cmd, uint64_t gpa,
		   uint32_t width, uint64_t value, uint64_t len)
{
	struct agent_mbox *m = vm_mbox(vm);

	m->cmd = cmd;
	m->gpa = gpa;
	m->width = width;
	m->value = value;
	m->len = len;
	return vm_agent(vm);
}

int vm_read32(struct vm *vm, uint64_t gpa, uint32_t *value)
{
	int ret = command(vm, AGENT_READ, gpa, 4, 0, 0);

	if (!ret)
		*value = vm_mbox(vm)->result;
	return ret;
}

int vm_write32(struct vm *vm, uint64_t gpa, uint32_t value)
{
	return command(vm, AGENT_WRITE, gpa, 4, value, 0);
}

int vm_put(struct vm *vm, uint64_t gpa, const void *data, size_t len)
{
	if (len > AGENT_DATA)
		return -EINVAL;
	memcpy(vm_mbox(vm)->data, data, len);
	return command(vm, AGENT_PUT, gpa, 0, 0, len);
}

int vm_get(struct vm *vm, uint64_t gpa, void *data, size_t len)
{
	int ret;

	if (len > AGENT_DATA)
		return -EINVAL;
	ret = command(vm, AGENT_GET, gpa, 0, 0, len);
	if (!ret)
		memcpy(data, vm_mbox(vm)->data, len);
	return ret;
}

int vm_fill(struct vm *vm, uint64_t gpa, uint64_t len, uint64_t value)
{
	return failed(command(vm, AGENT_FILL, gpa, 0, value, len),
		      "agent: fill of %#llx", (unsigned long long)gpa);
}

int vm_sum(struct vm *vm, uint64_t gpa, uint64_t len, uint64_t *sum)
{
	int ret = command(vm, AGENT_SUM, gpa, 0, 0, len);

	if (!ret)
		*sum = vm_mbox(vm)->result;
	return failed(ret, "agent: sum of %#llx", (unsigned long long)gpa);
}

int vm_must_fault(struct vm *vm, uint64_t gpa)
{
	uint32_t value;
	int ret;

	ret = vm_read32(vm, gpa, &value);
	if (!ret) {
		note("guest read %#x at %#llx, looked for a memory fault", value,
		     (unsigned long long)gpa);
		return -EIO;
	}
	if (ret != -EFAULT)
		return ret;
	if ((vm->fault_gpa ^ gpa) / PAGE || !vm->fault_private) {
		note("memory fault at %#llx (%s), looked for %#llx (private)",
		     (unsigned long long)vm->fault_gpa,
		     vm->fault_private ? "private" : "shared",
		     (unsigned long long)gpa);
		return -EIO;
	}
	return 0;
}
