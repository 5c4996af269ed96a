// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures around a binding: each allocation and each user copy of the calls that
 * build what it stands on (VFIO, iommufd, dma-bufs, private slots, the guest's first
 * access), and of the queue of events, which never loses one without a mark. Bind,
 * requests and unbind are failures.c.
 */
#include "fails_events.h"
#include "fails_life.h"
#include "fixture.h"
#include "trail.h"

#define SWEEP_TEST(name)	TEST_F_TIMEOUT(tvm, name, PROVE_TIMEOUT)
#define SLOT_BYTES		(4 * PAGE)

/* a path of which only memory fails, and that the model does not follow */
#define MEMORY_PATH(_name, _ready, _call, _after)			\
	{ .name = _name, .kinds = KINDS_MEMORY, .slice = 3,		\
	  .ready = _ready, .call = _call, .after = _after }

/* without memory that fails there is nothing to see here */
#define BEGIN_OR_SKIP(r)	do {					\
	trail_watches_off();						\
	self->base.trace = false;					\
	ASSERT_EQ(0, run_begin(r, &self->vm, &self->fn));		\
	if (!(r)->sweep.has_memory)					\
		SKIP(return, "this kernel has no fault injection");	\
} while (0)

/* the call is over by a failure of memory, and by nothing else */
static int memory_said(const struct fail *f, int err)
{
	if (!err)
		/* what cannot be read or written is not passed over */
		return fail_is_copy(f) ? -EBADE : 0;
	if (!f->hit || err != (fail_is_copy(f) ? EFAULT : ENOMEM))
		return -EBADE;
	return 0;
}

/* ---- the way up to a vDEVICE, with function 1 ---- */

/**
 * struct rung - a step of that way
 * @name: of the call
 * @up: make it: 0 or -errno
 * @down: its inverse; NULL: the device has to be closed for it
 */
struct rung {
	const char *name;
	int (*up)(struct fn *fn);
	void (*down)(struct fn *fn);
};

static int up_add(struct fn *fn)
{
	return tdi_vm_add_device(fn->vm->tdi, fn->dev);
}

static void down_add(struct fn *fn)
{
	failed(tdi_vm_del_device(fn->vm->tdi, fn->dev), "FILE_DEL");
}

static int up_bind(struct fn *fn)
{
	return tdi_device_bind(fn->dev, fn->iommu);
}

static int up_ioas(struct fn *fn)
{
	return tdi_ioas_alloc(fn->iommu, &fn->ioas_id);
}

static void destroy(struct fn *fn, uint32_t *id)
{
	failed(tdi_iommu_destroy(fn->iommu, *id), "destroy");
	*id = 0;
}

static void down_ioas(struct fn *fn)
{
	destroy(fn, &fn->ioas_id);
}

static int up_hwpt(struct fn *fn)
{
	return tdi_hwpt_alloc_parent(fn->iommu, tdi_device_id(fn->dev),
				     fn->ioas_id, &fn->hwpt_id);
}

static void down_hwpt(struct fn *fn)
{
	destroy(fn, &fn->hwpt_id);
}

static int up_attach(struct fn *fn)
{
	return tdi_device_attach(fn->dev, fn->hwpt_id);
}

static void down_attach(struct fn *fn)
{
	failed(tdi_device_detach(fn->dev), "detach");
}

static int up_viommu(struct fn *fn)
{
	return tdi_viommu_alloc(fn->iommu, tdi_device_id(fn->dev), fn->hwpt_id,
				IOMMU_VIOMMU_TYPE_TEEMU, &fn->viommu_id);
}

static void down_viommu(struct fn *fn)
{
	destroy(fn, &fn->viommu_id);
}

static int up_queue(struct fn *fn)
{
	int ret = tdi_event_open(fn->iommu, fn->viommu_id, 16, &fn->queue_id);

	if (ret >= 0)
		fn->event_fd = ret;
	return ret < 0 ? ret : 0;
}

static void down_queue(struct fn *fn)
{
	close(fn->event_fd);
	fn->event_fd = -1;
	destroy(fn, &fn->queue_id);
}

static int up_vdevice(struct fn *fn)
{
	return tdi_vdevice_alloc(fn->iommu, fn->viommu_id,
				 tdi_device_id(fn->dev), fn_rid(fn),
				 &fn->vdevice_id);
}

static void down_vdevice(struct fn *fn)
{
	destroy(fn, &fn->vdevice_id);
}

static int up_export(struct fn *fn)
{
	int ret = tdi_device_export(fn->dev, TEEMU_BAR_MEM, 0,
				    TEEMU_BAR_MEM_SIZE);

	if (ret >= 0)
		fn->slot[0].fd = ret;
	return ret < 0 ? ret : 0;
}

static void down_export(struct fn *fn)
{
	close(fn->slot[0].fd);
	fn->slot[0].fd = -1;
}

static const struct rung rungs[] = {
	{ "KVM_DEV_VFIO_FILE_ADD", up_add, down_add },
	{ "VFIO bind to iommufd", up_bind, NULL },
	{ "dma-buf export", up_export, down_export },
	{ "IOAS", up_ioas, down_ioas },
	{ "HWPT, nesting parent", up_hwpt, down_hwpt },
	{ "VFIO attach", up_attach, down_attach },
	{ "vIOMMU", up_viommu, down_viommu },
	{ "vEVENTQ", up_queue, down_queue },
	{ "vDEVICE", up_vdevice, down_vdevice },
};

/* function 1, and how many rungs it stands on; the path is about the next */
static struct fn climber;
static size_t rung_at, rung_of;

static int climb_open(void)
{
	struct vm *vm = climber.vm;
	int ret;

	fn_init(&climber, 1);
	climber.vm = vm;
	rung_at = 0;
	ret = failed(tdi_iommu_open(&climber.iommu), "/dev/iommu");
	return ret ?: failed(tdi_device_open(world.bdf[1], &climber.dev),
			     "VFIO device");
}

static void climb_down(size_t to)
{
	while (rung_at > to && rungs[rung_at - 1].down)
		rungs[--rung_at].down(&climber);
}

static void climb_close(void)
{
	climb_down(0);
	/* the VM goes by itself */
	if (rung_at)
		down_add(&climber);
	tdi_device_close(climber.dev);
	climber.dev = NULL;
	tdi_iommu_close(climber.iommu);
	climber.iommu = NULL;
	rung_at = 0;
}

static int climb_ready(struct run *r)
{
	int ret = 0;

	climber.vm = r->vm;
	climb_down(rung_of);
	if (climber.dev && rung_at > rung_of)
		climb_close();
	if (!climber.dev)
		ret = climb_open();
	for (; !ret && rung_at < rung_of; rung_at++)
		ret = failed(rungs[rung_at].up(&climber), "%s",
			     rungs[rung_at].name);
	return ret;
}

static int climb_call(struct run *r)
{
	(void)r;
	return -rungs[rung_of].up(&climber);
}

static int climb_after(struct run *r, const struct fail *f, int err)
{
	int ret = memory_said(f, err);

	(void)r;
	if (!err)
		rung_at++;
	return ret;
}

SWEEP_TEST(set_up)
{
	struct path path = {
		.kinds = KINDS_MEMORY,
		.slice = 2,
		.ready = climb_ready,
		.call = climb_call,
		.after = climb_after,
	};
	static struct run r;

	BEGIN_OR_SKIP(&r);
	for (rung_of = 0; rung_of < ARRAY_SIZE(rungs); rung_of++) {
		path.name = rungs[rung_of].name;
		EXPECT_EQ(0, sweep(&r.sweep, &path));
	}
	/* what failed holds nothing that the way down would meet */
	climb_down(2);
	EXPECT_EQ(2, rung_at);
	climb_close();
	EXPECT_EQ(0, run_over(&r));
}

/* ---- private slots ---- */

static struct {
	int fd;
	struct reservation hva;
	bool set;
	bool private;
} slot;

static int slot_set(struct run *r)
{
	struct kvm_userspace_memory_region2 region =
		raw_good_slot(slot.fd, SLOT_BYTES, &slot.hva);

	return raw_slot(r->vm->vm_fd, &region);
}

static int slot_delete(struct run *r)
{
	struct kvm_userspace_memory_region2 region = { .slot = SLOT_SPARE };

	return raw_slot(r->vm->vm_fd, &region);
}

/* of the range as a guest has it; a slot need not be there */
static int slot_private(struct run *r, bool on)
{
	return -tdi_vm_set_private(r->vm->tdi, RAW_SLOT_GPA, SLOT_BYTES, on);
}

static int slot_make_private(struct run *r)
{
	return slot_private(r, true);
}

static int slot_make_shared(struct run *r)
{
	return slot_private(r, false);
}

static int want(struct run *r, bool set, bool private)
{
	int err = 0;

	if (slot.set != set)
		err = set ? slot_set(r) : slot_delete(r);
	if (!err && slot.private != private)
		err = slot_private(r, private);
	if (err)
		return failed(-err, "slot");
	slot.set = set;
	slot.private = private;
	return 0;
}

static int want_none(struct run *r)
{
	return want(r, false, false);
}

static int want_set(struct run *r)
{
	return want(r, true, false);
}

static int want_private(struct run *r)
{
	return want(r, true, true);
}

static int after_set(struct run *r, const struct fail *f, int err)
{
	(void)r;
	slot.set = !err;
	return memory_said(f, err);
}

/* one that could not be deleted is there, so it cannot be changed */
static int after_delete(struct run *r, const struct fail *f, int err)
{
	int ret = memory_said(f, err);

	slot.set = err;
	if (err && slot_set(r) != EINVAL)
		ret = failed(-EUCLEAN, "a slot that was not deleted is gone");
	return ret;
}

static int after_private(struct run *r, const struct fail *f, int err)
{
	(void)r;
	/* said of the whole range, or to be said again */
	slot.private = !err;
	return memory_said(f, err);
}

static int after_shared(struct run *r, const struct fail *f, int err)
{
	(void)r;
	slot.private = err;
	return memory_said(f, err);
}

static const struct path slot_paths[] = {
	MEMORY_PATH("private slot", want_none, slot_set, after_set),
	MEMORY_PATH("slot deletion", want_set, slot_delete, after_delete),
	MEMORY_PATH("range made private", want_set, slot_make_private, after_private),
	MEMORY_PATH("range made shared", want_private, slot_make_shared, after_shared),
};

SWEEP_TEST(slots)
{
	static struct run r;
	size_t i;

	BEGIN_OR_SKIP(&r);
	slot.fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0,
				    SLOT_BYTES);
	ASSERT_LE(0, slot.fd);
	ASSERT_EQ(0, reserve(&slot.hva, RAW_SLOT_GPA, SLOT_BYTES));
	for (i = 0; i < ARRAY_SIZE(slot_paths); i++)
		EXPECT_EQ(0, sweep(&r.sweep, &slot_paths[i]));
	EXPECT_EQ(0, want_none(&r));
	close(slot.fd);
	unreserve(&slot.hva);
	EXPECT_EQ(0, run_over(&r));
}

/* ---- the guest's first access to a page that it has accepted ---- */

#define STUB_GPA	0x180000ULL	/* in shared memory that nothing uses */

/*
 * By a vCPU that has never run: what KVM needs for a fault it allocates ahead, and
 * after the first one there is enough for a long time.
 */
static struct {
	unsigned int page;	/* of BAR 2, not touched yet */
	unsigned int vcpus;	/* there were, besides the agent's */
	int fd;
	struct kvm_run *run;
	size_t run_size;
} touch = { .fd = -1 };

static void touch_end(void)
{
	if (touch.run)
		munmap(touch.run, touch.run_size);
	touch.run = NULL;
	/* the VM keeps it; nobody runs it again */
	if (touch.fd >= 0)
		close(touch.fd);
	touch.fd = -1;
}

static int touch_cpuid(const struct vm *vm)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };

	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid) ||
	    ioctl(touch.fd, KVM_SET_CPUID2, &cpuid))
		return failed(-errno, "CPUID");
	return 0;
}

/* mov (%rdi), %eax; mov $port, %dx; out %al, %dx; hlt: in the agent's mode */
static int touch_registers(struct vm *vm, uint64_t gpa)
{
	static const uint8_t stub[] = {
		0x8b, 0x07, 0x66, 0xba, AGENT_PORT & 0xff, AGENT_PORT >> 8,
		0xee, 0xf4,
	};
	struct kvm_regs regs = { .rip = STUB_GPA, .rflags = 2, .rdi = gpa };
	struct kvm_sregs sregs;

	memcpy(vm->shared + STUB_GPA, stub, sizeof(stub));
	if (ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs))
		return failed(-errno, "KVM_GET_SREGS");
	/* an AP has the BSP's bit off */
	sregs.apic_base &= ~0x100ULL;
	if (ioctl(touch.fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(touch.fd, KVM_SET_REGS, &regs) ||
	    ioctl(touch.fd, KVM_SET_MP_STATE,
		  &(struct kvm_mp_state){ KVM_MP_STATE_RUNNABLE }))
		return failed(-errno, "registers");
	return 0;
}

static int touch_begin(struct vm *vm, uint64_t gpa)
{
	touch.run_size = vm->run_size;
	touch.fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, ++touch.vcpus);
	if (touch.fd < 0)
		return failed(-errno, "vCPU %u", touch.vcpus);
	touch.run = mmap(NULL, touch.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 touch.fd, 0);
	if (touch.run == MAP_FAILED) {
		touch.run = NULL;
		return failed(-errno, "kvm_run");
	}
	return touch_cpuid(vm) ?: touch_registers(vm, gpa);
}

static int touch_ready(struct run *r)
{
	uint32_t value;
	int ret = 0;

	touch_end();
	if (!r->there || touch.page == FN_BAR2_PAGES) {
		ret = r->there ? failed(life_unbind(r), "unbind") : 0;
		ret = ret ?: life_enable(r) ?: bind_and_run(r);
		touch.page = 0;
		r->there = !ret;
	}
	/* the agent is up, so that its registers are worth something */
	ret = ret ?: vm_read32(r->vm, fn_bar_gpa(r->fn, TEEMU_BAR_REGS), &value);
	return ret ?: touch_begin(r->vm, fn_bar_gpa(r->fn, TEEMU_BAR_MEM) +
				  touch.page * PAGE);
}

static int touch_call(struct run *r)
{
	(void)r;
	return raw_ioctl(touch.fd, KVM_RUN, NULL);
}

/* what failed is not taken for a fault of the guest's, and it can go on */
static int touch_after(struct run *r, const struct fail *f, int err)
{
	int ret = memory_said(f, err);

	(void)r;
	if (err && touch.run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		ret = failed(-EUCLEAN, "the guest is told of a memory fault");
	if (err && raw_ioctl(touch.fd, KVM_RUN, NULL))
		ret = failed(-EUCLEAN, "it does not go on: %s", strerror(errno));
	if (touch.run->exit_reason != KVM_EXIT_IO)
		ret = failed(-EUCLEAN, "exit reason %u", touch.run->exit_reason);
	touch.page++;
	return ret;
}

static const struct path touch_path =
	MEMORY_PATH("first private access", touch_ready, touch_call, touch_after);

SWEEP_TEST(first_access)
{
	static struct run r;

	BEGIN_OR_SKIP(&r);
	EXPECT_EQ(0, sweep(&r.sweep, &touch_path));
	touch_end();
	EXPECT_EQ(0, life_unbind(&r));
	EXPECT_EQ(0, life_enable(&r));
	EXPECT_EQ(0, run_over(&r));
}

/* ---- events ---- */

static const struct path read_path =
	MEMORY_PATH("read of an event", event_ready, event_read, event_after);

static const struct path read_mark_path =
	MEMORY_PATH("read of a mark", mark_ready, event_read, mark_after);

SWEEP_TEST(queue_is_read)
{
	static struct run r;

	BEGIN_OR_SKIP(&r);
	EXPECT_EQ(0, sweep(&r.sweep, &read_path));
	EXPECT_EQ(0, event_end(&r));
	r.there = false;
	EXPECT_EQ(0, sweep(&r.sweep, &read_mark_path));
	EXPECT_EQ(0, event_end(&r));
	EXPECT_EQ(0, run_over(&r));
}

/* what the queue's own allocation is, nobody's thread tells: all of the host fail */
SWEEP_TEST(queue_has_no_memory)
{
	static struct run r;
	int marks;

	BEGIN_OR_SKIP(&r);
	marks = queue_sweep(&r, "ERROR queued", event_fall, TDI_EVENT_ERROR);
	/* one was lost, or it has shown nothing */
	EXPECT_LT(0, marks);
	marks = queue_sweep(&r, "UNBOUND queued", event_disconnect,
			    TDI_EVENT_UNBOUND);
	EXPECT_LT(0, marks);
	EXPECT_EQ(0, run_over(&r));
}

TVM_MAIN
