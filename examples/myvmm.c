// SPDX-License-Identifier: MIT
/*
 * myvmm BDF PAYLOAD [SECONDS]: the VMM that docs/tutorial.md builds, step by step. It gives
 * the function to a confidential VM, passes the guest's requests on while the guest attests,
 * accepts and uses it, waits SECONDS (0) for what happens to the bound device unasked, takes
 * it back and uses it itself.
 *
 * Each mark in brackets begins a part; the tutorial quotes all of them (tests/tutorial-test).
 */
/* [frame] */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/kvm.h>
#include <linux/teemu.h>

#include <tdi/tdi.h>
#include <tdi-payload/tvm_abi.h>

struct vmm {
	int kvm, vm_fd, cpu, memfd;
	struct tdi_vm *vm;
	struct tdi_iommu *iommu;
	struct tdi_device *dev;
	struct tdi_events *events;
	unsigned int ioas, hwpt, viommu, vdevice, nr_slots;
	unsigned int arch;	/* whose requests the guest makes */
	char *space;		/* where the guest's address 0 is in this process */
	struct kvm_run *run;
	void *bar0;
};

/* @ret, unless it is an error: then what failed, why, what to do, and the end */
static int must(const char *what, enum tdi_call call, int ret)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "myvmm: %s: %s; %s\n", what, strerror(-ret), tdi_advice(call, ret));
	exit(1);
}

/* an ioctl that answers as libtdi does */
static int control(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static void *map(void *at, size_t len, int prot, int flags, int fd)
{
	void *mem = mmap(at, len, prot, flags, fd, 0);

	must("mmap", 0, mem == MAP_FAILED ? -errno : 0);
	return mem;
}

/* [vm] */
#define ALIGN	(2ULL << 20)

static void create_vm(struct vmm *v)
{
	struct kvm_userspace_memory_region2 shared = { .memory_size = TVM_SHARED_SIZE };
	struct tdi_slot private = {
		.slot = 1, .gpa = TVM_PRIVATE_GPA, .size = TVM_PRIVATE_MIN,
	};

	v->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	must("/dev/kvm", TDI_CALL_KVM, v->kvm < 0 ? -errno : 0);
	v->vm_fd = must("VM", TDI_CALL_KVM,
			control(v->kvm, KVM_CREATE_VM, (void *)KVM_X86_SW_PROTECTED_VM));
	must("KVM's VFIO device", TDI_CALL_KVM, tdi_vm_open(v->vm_fd, &v->vm));

	/* 4 GiB of addresses for the guest's 4 GiB; only the shared memory is mapped */
	v->space = map(NULL, (4ULL << 30) + ALIGN, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	v->space += -(uintptr_t)v->space % ALIGN;
	map(v->space, TVM_SHARED_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1);
	shared.userspace_addr = (uintptr_t)v->space;
	must("shared memory", TDI_CALL_SLOT,
	     control(v->vm_fd, KVM_SET_USER_MEMORY_REGION2, &shared));

	v->memfd = must("guest_memfd", TDI_CALL_KVM, tdi_vm_memfd(v->vm, private.size));
	private.fd = v->memfd;
	private.hva = v->space + private.gpa;
	must("private memory", TDI_CALL_SLOT, tdi_vm_set_mem_slot(v->vm, &private));
	must("private memory", TDI_CALL_KVM,
	     tdi_vm_set_private(v->vm, private.gpa, private.size, true));
	v->nr_slots = 2;
}

/* [device] */
static void open_device(struct vmm *v, const char *bdf)
{
	must("/dev/iommu", TDI_CALL_IOMMU, tdi_iommu_open(&v->iommu));
	must(bdf, TDI_CALL_OPEN, tdi_device_open(bdf, &v->dev));
	must("the device's VM", TDI_CALL_OPEN, tdi_vm_add_device(v->vm, v->dev));
	must("iommufd", TDI_CALL_OPEN, tdi_device_bind(v->dev, v->iommu));
	must("PCI command", TDI_CALL_VFIO,
	     tdi_device_enable(v->dev, TDI_COMMAND_MEMORY | TDI_COMMAND_MASTER));
	must("BAR 0", TDI_CALL_VFIO, tdi_device_map(v->dev, TEEMU_BAR_REGS, &v->bar0));
}

/* [translation] */
static void create_translation(struct vmm *v)
{
	unsigned int id = tdi_device_id(v->dev);

	must("IOAS", TDI_CALL_IOMMU, tdi_ioas_alloc(v->iommu, &v->ioas));
	must("map", TDI_CALL_IOMMU,
	     tdi_ioas_map(v->iommu, v->ioas, v->space + TVM_WINDOW_GPA, TVM_WINDOW_SIZE,
			  TVM_WINDOW_GPA));
	must("page table", TDI_CALL_IOMMU,
	     tdi_hwpt_alloc_parent(v->iommu, id, v->ioas, &v->hwpt));
	must("attach", TDI_CALL_VFIO, tdi_device_attach(v->dev, v->hwpt));
	must("vIOMMU", TDI_CALL_IOMMU,
	     tdi_viommu_alloc(v->iommu, id, v->hwpt, IOMMU_VIOMMU_TYPE_TEEMU, &v->viommu));
	must("events", TDI_CALL_IOMMU,
	     tdi_events_open(v->iommu, v->viommu, 16, &v->events));
	must("vDEVICE", TDI_CALL_VDEVICE,
	     tdi_vdevice_alloc(v->iommu, v->viommu, id, TVM_DEVICE_RID(0), &v->vdevice));
}

/* [bars] */
static void give_slice(struct vmm *v, int bar, const struct tdi_slice *slice, uint64_t gpa)
{
	struct tdi_slot slot = {
		.slot = v->nr_slots++, .gpa = gpa, .size = slice->len, .hva = v->space + gpa,
	};

	slot.fd = must("export", TDI_CALL_VFIO,
		       tdi_device_export(v->dev, bar, slice->offset, slice->len));
	must("private BAR", TDI_CALL_SLOT, tdi_vm_set_mmio_slot(v->vm, &slot));
	must("private BAR", TDI_CALL_KVM, tdi_vm_set_private(v->vm, gpa, slice->len, true));
	close(slot.fd);		/* the slot holds the dma-buf */
}

static void give_bars(struct vmm *v)
{
	struct tdi_slice slices[TDI_MAX_SLICES];
	int bar, i, nr;

	for (bar = 0; bar < 6; bar++) {
		nr = must("slices", TDI_CALL_VFIO, tdi_device_slices(v->dev, bar, slices));
		for (i = 0; i < nr; i++)
			give_slice(v, bar, &slices[i],
				   TVM_BAR_GPA(0, bar) + slices[i].offset);
	}
}

/* [bind] */
static void bind_device(struct vmm *v)
{
	int ret;

	must("bind", TDI_CALL_BIND, tdi_tsm_bind(v->iommu, v->vdevice));
	printf("%s is bound\n", tdi_device_bdf(v->dev));
	ret = tdi_device_reset(v->dev);
	printf("a reset: %s; %s\n", strerror(-ret), tdi_advice(TDI_CALL_VFIO, ret));
}

/* [cpu] */
static void create_cpu(struct vmm *v)
{
	struct kvm_segment data = {
		.limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_segment code = {
		.limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_regs regs = { .rip = TVM_LOAD_GPA, .rflags = 2 };
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };
	struct kvm_sregs s;
	int size = must("vCPU", TDI_CALL_KVM, control(v->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL));

	v->cpu = must("vCPU", TDI_CALL_KVM, control(v->vm_fd, KVM_CREATE_VCPU, NULL));
	v->run = map(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->cpu);
	must("CPUID", TDI_CALL_KVM, control(v->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid));
	must("CPUID", TDI_CALL_KVM, control(v->cpu, KVM_SET_CPUID2, &cpuid));
	must("registers", TDI_CALL_KVM, control(v->cpu, KVM_GET_SREGS, &s));
	s.cs = code;
	s.ds = data;
	s.es = data;
	s.ss = data;
	s.cr0 = 0x80010031;	/* PG, WP, NE, ET, PE: 64-bit mode, with paging */
	s.cr3 = TVM_PGTABLE_GPA;
	s.cr4 = 0x20;		/* PAE */
	s.efer = 0x500;		/* LMA, LME */
	must("registers", TDI_CALL_KVM, control(v->cpu, KVM_SET_SREGS, &s));
	must("registers", TDI_CALL_KVM, control(v->cpu, KVM_SET_REGS, &regs));
}

static void load_guest(struct vmm *v, const char *payload)
{
	int i, fd = open(payload, O_RDONLY | O_CLOEXEC);
	uint64_t *table = (void *)(v->space + TVM_PGTABLE_GPA);
	struct tvm_boot boot = {
		.magic = TVM_BOOT_MAGIC, .version = TVM_ABI_VERSION, .mode = TVM_MODE_ONCE,
		.private_size = TVM_PRIVATE_MIN, .nr_cpus = 1, .nr_devices = 1,
		.bar2_pages = { 16 }, .copy_bytes = 1 << 16, .arch = v->arch,
		.tsc_khz = control(v->cpu, KVM_GET_TSC_KHZ, NULL),
	};

	if (fd < 0 || read(fd, v->space + TVM_LOAD_GPA, TVM_LOAD_SIZE) <= 0)
		must(payload, 0, -errno);
	close(fd);
	memcpy(v->space + TVM_BOOT_GPA, &boot, sizeof(boot));
	/* 4 GiB as they are, in pages of 1 GiB; the last, with the BARs, is not cached */
	table[0] = (TVM_PGTABLE_GPA + 4096) | 0x23;
	for (i = 0; i < 4; i++)
		table[512 + i] = (uint64_t)i << 30 | (i < 3 ? 0xe3 : 0xfb);
}

/* [request] */
/* the guest wants something of its device: the VMM need not understand the bytes */
static void pass_on(struct vmm *v, const struct tvm_mbox *m, struct tvm_mbox *answer)
{
	struct tdi_request req = {
		.op = m->arg[0], .arch = v->arch, .req = m->data, .req_len = m->in_len,
		.resp = answer->data,
	};
	int ret;

	do {
		req.resp_len = m->out_cap;
		ret = tdi_tsm_request(v->iommu, v->vdevice, &req);
	} while (ret == -EINTR || ret == -EAGAIN);	/* nothing was sent */
	answer->result = ret;
	answer->tsm_code = req.tsm_code;
	answer->out_len = ret ? 0 : req.resp_len;
}

/* [exits] */
/* true: the guest has come to its end */
static bool guest_call(struct vmm *v, uint32_t number, uint64_t *landing)
{
	struct tvm_mbox *mbox = (void *)(v->space + TVM_MBOX_GPA(0));
	struct tvm_mbox m = *mbox;	/* once: it stays the guest's to change */

	if (m.in_len > TVM_MBOX_DATA || m.out_cap > TVM_MBOX_DATA)
		must("mailbox", 0, -EPROTO);
	mbox->result = 0;
	switch (number) {
	case TVM_CALL_TSM:
		pass_on(v, &m, mbox);
		break;
	case TVM_CALL_PROBE:
		*landing = m.arg[0];
		break;
	case TVM_CALL_MARK:
		printf("guest: step %d, %d\n", (int)m.arg[0], (int)m.arg[1]);
		break;
	case TVM_CALL_EXIT:
		printf("guest: %s%.*s\n", m.arg[0] ? "failed: " : "done", m.in_len, m.data);
		must("guest", 0, m.arg[0] ? -EBADE : 0);
		return true;
	default:
		mbox->result = -EINVAL;
	}
	return false;
}

/* the guest has touched what it has not accepted; it may have asked where to go on then */
static void memory_fault(struct vmm *v, uint64_t *landing)
{
	struct kvm_regs regs;

	printf("guest: memory fault at %#llx\n", v->run->memory_fault.gpa);
	must("guest", 0, *landing ? control(v->cpu, KVM_GET_REGS, &regs) : -EFAULT);
	regs.rip = *landing;
	regs.rax = 1;
	*landing = 0;
	must("registers", TDI_CALL_KVM, control(v->cpu, KVM_SET_REGS, &regs));
}

static void run_guest(struct vmm *v)
{
	struct kvm_run *run = v->run;
	uint64_t landing = 0;
	int ret;

	for (;;) {
		ret = control(v->cpu, KVM_RUN, NULL);
		if (ret == -EFAULT && run->exit_reason == KVM_EXIT_MEMORY_FAULT)
			memory_fault(v, &landing);
		else if (ret || run->exit_reason != KVM_EXIT_IO || run->io.port != TVM_PORT)
			must("KVM_RUN", TDI_CALL_KVM, ret ?: -EPROTO);
		else if (guest_call(v, *(uint32_t *)((char *)run + run->io.data_offset),
				    &landing))
			return;
	}
}

/* [events] */
static void wait_for_events(struct vmm *v, int seconds)
{
	struct pollfd pfd = { .fd = tdi_events_fd(v->events), .events = POLLIN };
	struct tdi_event event;

	printf("bound, for %d s more\n", seconds);
	if (poll(&pfd, 1, seconds * 1000) <= 0)
		return;
	while (!tdi_events_next(v->events, &event)) {
		if (event.lost)
			printf("event: %u or more were lost\n", event.lost);
		if (event.type)
			printf("event: the TDI %s\n", tdi_event_text(event.type));
	}
}

/* [shared] */
static void use_shared(struct vmm *v)
{
	volatile struct teemu_desc *desc = v->bar0 + 4096;
	volatile uint32_t *reg = v->bar0;
	static const char text[] = "copied by the device";
	char *window = v->space + TVM_WINDOW_GPA;
	int i;

	must("unbind", TDI_CALL_UNBIND, tdi_tsm_unbind(v->iommu, v->vdevice));
	must("PCI command", TDI_CALL_VFIO,
	     tdi_device_enable(v->dev, TDI_COMMAND_MEMORY | TDI_COMMAND_MASTER));
	memcpy(window, text, sizeof(text));
	desc->op = TEEMU_OP_COPY;
	desc->src = TVM_WINDOW_GPA;
	desc->dst = TVM_WINDOW_GPA + 4096;
	desc->len = 4096;
	reg[TEEMU_REG_RING_OFFSET / 4] = 4096;
	reg[TEEMU_REG_RING_ENTRIES / 4] = 2;
	reg[TEEMU_REG_TAIL / 4] = 1;
	reg[TEEMU_REG_CTRL / 4] = TEEMU_CTRL_RUN;
	for (i = 0; i < 5000 && desc->status == TEEMU_DESC_PENDING; i++)
		usleep(1000);
	reg[TEEMU_REG_CTRL / 4] = 0;
	must("DMA", 0, desc->status == TEEMU_DESC_DONE ? 0 : -EIO);
	printf("unbound, and in the host's hands: %s\n", window + 4096);
}

/* [end] */
static void destroy(struct vmm *v, unsigned int id)
{
	must("destroy", TDI_CALL_IOMMU, tdi_iommu_destroy(v->iommu, id));
}

static void take_down(struct vmm *v)
{
	close(v->cpu);
	while (v->nr_slots)
		must("slot", TDI_CALL_SLOT, tdi_vm_del_slot(v->vm, --v->nr_slots));
	destroy(v, v->vdevice);
	tdi_events_close(v->events);
	destroy(v, v->viommu);
	must("detach", TDI_CALL_VFIO, tdi_device_detach(v->dev));
	destroy(v, v->hwpt);
	destroy(v, v->ioas);
	must("the device's VM", TDI_CALL_OPEN, tdi_vm_del_device(v->vm, v->dev));
	tdi_device_close(v->dev);
	tdi_iommu_close(v->iommu);
	close(v->memfd);
	tdi_vm_close(v->vm);
	close(v->vm_fd);
	close(v->kvm);
}

/* [main] */
/* the TSM's parent is teemu-tdx, teemu-sev or teemu-cca */
static unsigned int find_arch(const char *bdf)
{
	char tsm[TDI_NAME_MAX], parent[TDI_NAME_MAX];

	must(bdf, TDI_CALL_LINK, tdi_function_tsm(bdf, tsm, parent));
	return strstr(parent, "tdx") ? IOMMU_TSM_TVM_ARCH_TDX :
	       strstr(parent, "sev") ? IOMMU_TSM_TVM_ARCH_SEV : IOMMU_TSM_TVM_ARCH_CCA;
}

int main(int argc, char **argv)
{
	struct vmm v = { 0 };

	if (argc < 3) {
		fputs("usage: myvmm BDF PAYLOAD [SECONDS]\n", stderr);
		return 2;
	}
	setlinebuf(stdout);
	v.arch = find_arch(argv[1]);
	create_vm(&v);
	open_device(&v, argv[1]);
	create_translation(&v);
	give_bars(&v);
	bind_device(&v);
	create_cpu(&v);
	load_guest(&v, argv[2]);
	run_guest(&v);
	wait_for_events(&v, argc > 3 ? atoi(argv[3]) : 0);
	use_shared(&v);
	take_down(&v);
	return 0;
}
