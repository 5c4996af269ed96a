// SPDX-License-Identifier: GPL-2.0-only
/*
 * R08: a private slot is not deleted, moved, changed or replaced, and no page of it
 * is made shared, while its TDI is bound to the VM; what zaps KVM's own tables on the
 * host's side never unmaps anything in firmware, and the guest faults its pages in
 * again and goes on.
 *
 * A slot over a dma-buf is immutable whether its TDI is bound or not, so a change
 * answers EINVAL always; deletion and flips answer EBUSY while it is bound.
 *
 * KVM_X86_QUIRK_SLOT_ZAP_ALL (the deletion of any slot zaps all of them) is for VMs
 * of the default type only, which have no private slots: here the deletion of another
 * slot must leave the leaves alone, and the toggle of nx_huge_pages does what the
 * quirk would, for every VM of the host.
 */
#include <pthread.h>

#include "fixture.h"
#include "raw.h"
#include "trail.h"

#define BAR0_SLOT(nr)	(SLOT_BARS + (nr) * FN_BAR_SLOTS)
#define BAR2_SLOT(nr)	(BAR0_SLOT(nr) + 1)
#define NX_HUGE_PAGES	"/sys/module/kvm/parameters/nx_huge_pages"
#define MORE_MS		20000	/* in which a guest goes on */

static uint64_t bar0(const struct fn *fn)
{
	return fn_bar_gpa(fn, TEEMU_BAR_REGS);
}

static uint64_t bar2(const struct fn *fn)
{
	return fn_bar_gpa(fn, TEEMU_BAR_MEM);
}

static int delete_slot(struct vm *vm, uint32_t slot, uint32_t flags)
{
	struct kvm_userspace_memory_region2 r = { .slot = slot, .flags = flags };

	return raw_slot(vm->vm_fd, &r);
}

static int flip(struct vm *vm, uint64_t gpa, uint64_t size, bool private)
{
	struct kvm_memory_attributes attrs = {
		.address = gpa, .size = size,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	return raw_ioctl(vm->vm_fd, KVM_SET_MEMORY_ATTRIBUTES, &attrs);
}

static int share(struct vm *vm, uint64_t gpa, uint64_t size)
{
	return flip(vm, gpa, size, false);
}

/* the guest reads the device's id: its private MMIO is there */
static bool guest_reads(struct vm *vm, const struct fn *fn)
{
	uint32_t value = 0;
	int ret = vm_read32(vm, bar0(fn) + TEEMU_REG_ID, &value);

	if (!ret && value == TEEMU_ID)
		return true;
	note("guest read of function %u: %d, value %#x", fn->nr, ret, value);
	return false;
}

/* the slot over BAR 0 as it was made, for a test to change */
static struct kvm_userspace_memory_region2 as_it_is(const struct fn *fn)
{
	return (struct kvm_userspace_memory_region2) {
		.slot = BAR0_SLOT(fn->nr),
		.flags = KVM_MEM_VFIO_DMABUF,
		.guest_phys_addr = bar0(fn),
		.memory_size = TEEMU_BAR_REGS_SIZE,
		.userspace_addr = (uintptr_t)fn->slot[0].hva.addr,
		.guest_memfd = fn->slot[0].fd,
	};
}

/* everything that KVM_SET_USER_MEMORY_REGION2 can ask for about a bound slot */
static void slot_stays(struct __test_metadata *_metadata, struct vm *vm,
		       struct fn *fn)
{
	struct kvm_userspace_memory_region old = { .slot = BAR0_SLOT(fn->nr) };
	struct kvm_userspace_memory_region2 s;

	EXPECT_EQ(EBUSY, raw_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &old));
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR0_SLOT(fn->nr), 0));
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR2_SLOT(fn->nr), 0));
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR0_SLOT(fn->nr),
				     KVM_MEM_VFIO_DMABUF));
	/* moved, with the flag and as if it were plain memory */
	s = as_it_is(fn);
	s.guest_phys_addr = RAW_SLOT_GPA;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = 0;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	/* the same again, flags changed, smaller, another slice, another address */
	s = as_it_is(fn);
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = KVM_MEM_VFIO_DMABUF | KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = KVM_MEM_READONLY;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = KVM_MEM_GUEST_MEMFD;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = 0;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s = as_it_is(fn);
	s.memory_size -= PAGE;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = 0;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s = as_it_is(fn);
	s.guest_memfd_offset = PAGE;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	s.flags = 0;
	s.userspace_addr += PAGE;
	EXPECT_EQ(EINVAL, raw_slot(vm->vm_fd, &s));
	/* replaced: another slot at its place, of each kind, and across its border */
	s = as_it_is(fn);
	s.slot = SLOT_SPARE;
	EXPECT_EQ(EEXIST, raw_slot(vm->vm_fd, &s));
	s.guest_memfd = fn->slot[1].fd;
	EXPECT_EQ(EEXIST, raw_slot(vm->vm_fd, &s));
	s.flags = 0;
	EXPECT_EQ(EEXIST, raw_slot(vm->vm_fd, &s));
	s.guest_phys_addr -= PAGE;
	s.userspace_addr -= PAGE;
	EXPECT_EQ(EEXIST, raw_slot(vm->vm_fd, &s));
	s.guest_phys_addr += TEEMU_BAR_REGS_SIZE;
	s.userspace_addr += TEEMU_BAR_REGS_SIZE;
	s.memory_size = PAGE;
	EXPECT_EQ(EEXIST, raw_slot(vm->vm_fd, &s));
}

/* any page of it, and ranges that begin before it or end behind it */
static void stays_private(struct __test_metadata *_metadata, struct vm *vm,
			  struct fn *fn)
{
	uint64_t at = bar0(fn), end = at + TEEMU_BAR_REGS_SIZE;

	EXPECT_EQ(EBUSY, share(vm, at, TEEMU_BAR_REGS_SIZE));
	EXPECT_EQ(EBUSY, share(vm, at, PAGE));
	EXPECT_EQ(EBUSY, share(vm, at + 5 * PAGE, 2 * PAGE));
	EXPECT_EQ(EBUSY, share(vm, end - PAGE, PAGE));
	EXPECT_EQ(EBUSY, share(vm, end - PAGE, 2 * PAGE));
	EXPECT_EQ(EBUSY, share(vm, at - PAGE, 2 * PAGE));
	EXPECT_EQ(EBUSY, share(vm, bar2(fn) + FN_BAR2_SLOT - PAGE, PAGE));
	/* all of the guest's memory with it: none of it is changed */
	EXPECT_EQ(EBUSY, share(vm, 0, 1ULL << 32));
	EXPECT_EQ(EBUSY, share(vm, VM_PRIVATE_GPA, at + PAGE - VM_PRIVATE_GPA));
	/* the neighbours' pages are nobody's; private is what it is */
	EXPECT_EQ(0, flip(vm, end, PAGE, true));
	EXPECT_EQ(0, share(vm, end, PAGE));
	EXPECT_EQ(0, share(vm, at - PAGE, PAGE));
	EXPECT_EQ(0, flip(vm, at, TEEMU_BAR_REGS_SIZE, true));
}

TVM_TEST(nothing_changes_while_bound)
{
	struct vm *vm = &self->vm;
	struct view view;
	uint64_t before, after;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, view_take(&view));
	slot_stays(_metadata, vm, &self->fn);
	stays_private(_metadata, vm, &self->fn);
	EXPECT_EQ(0, view_same(&view));

	ASSERT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, vm_fill(vm, VM_SRC_GPA, PAGE, 0x600d));
	ASSERT_EQ(0, vm_sum(vm, VM_SRC_GPA, PAGE, &before));
	ASSERT_TRUE(guest_reads(vm, &self->fn));
	ASSERT_EQ(0, trail_leaves(true));
	ASSERT_EQ(0, view_take(&view));
	slot_stays(_metadata, vm, &self->fn);
	stays_private(_metadata, vm, &self->fn);
	EXPECT_EQ(0, view_same(&view));
	/* not even the leaf went, nor what the refused flips had in their range */
	EXPECT_EQ(0, trail_count(TRAIL_LEAF, "gfn c0000 level 1"));
	EXPECT_TRUE(guest_reads(vm, &self->fn));
	EXPECT_EQ(0, trail_count(TRAIL_FAULT, ""));
	EXPECT_EQ(0, vm_sum(vm, VM_SRC_GPA, PAGE, &after));
	EXPECT_EQ(before, after);

	/* each of them is possible when it is unbound, and the slot is a slot again */
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, share(vm, bar0(&self->fn) + PAGE, PAGE));
	EXPECT_EQ(0, share(vm, bar0(&self->fn), TEEMU_BAR_REGS_SIZE));
	EXPECT_EQ(0, delete_slot(vm, BAR0_SLOT(0), 0));
	EXPECT_EQ(EINVAL, delete_slot(vm, BAR0_SLOT(0), 0));
	EXPECT_EQ(0, delete_slot(vm, BAR2_SLOT(0), 0));
	self->fn.slot[0].set = self->fn.slot[1].set = false;
	trail_end();
}

/* what is shared when it is bound is the VMM's; it becomes the guest's by a flip */
TVM_TEST(shared_page_of_a_bound_slot)
{
	uint64_t code = 0, page = bar0(&self->fn) + PAGE;

	ASSERT_EQ(0, share(&self->vm, page, PAGE));
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_MMIO));
	ASSERT_EQ(0, fn_accept_mmio(&self->fn, TEEMU_BAR_REGS, 0, 1));
	EXPECT_TRUE(guest_reads(&self->vm, &self->fn));
	EXPECT_EQ(-ENOENT, fn_accept_page(&self->fn, page, TEEMU_BAR_REGS, 1,
					  &code));
	EXPECT_EQ(0, flip(&self->vm, page, PAGE, true));
	EXPECT_EQ(0, vm_must_fault(&self->vm, page));
	EXPECT_EQ(0, fn_accept_page(&self->fn, page, TEEMU_BAR_REGS, 1, &code));
	EXPECT_EQ(0, code);
	EXPECT_EQ(0, vm_write32(&self->vm, page, 1));
	EXPECT_EQ(EBUSY, share(&self->vm, page, PAGE));
}

TVM_TEST(two_tdis_in_one_vm)
{
	struct vm *vm = &self->vm;
	struct fn other;

	fn_init(&other, 1);
	ASSERT_EQ(0, fn_open(&other, vm));
	ASSERT_EQ(0, tvm_to_run(self));
	/* the one that is not bound has slots as any VMM's */
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR2_SLOT(0), 0));
	EXPECT_EQ(0, share(vm, bar2(&other), FN_BAR2_SLOT));
	EXPECT_EQ(0, flip(vm, bar2(&other), FN_BAR2_SLOT, true));
	EXPECT_EQ(0, fn_clear_slots(&other));
	EXPECT_EQ(0, fn_set_slots(&other));
	EXPECT_EQ(0, fn_bind(&other));
	EXPECT_EQ(0, fn_run(&other));
	/* both, and over both */
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR0_SLOT(0), 0));
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR0_SLOT(1), 0));
	EXPECT_EQ(EBUSY, share(vm, VM_BARS_GPA, 2 * VM_BARS_STRIDE));
	/* the first is over, the second is not */
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(EBUSY, delete_slot(vm, BAR0_SLOT(1), 0));
	EXPECT_EQ(EBUSY, share(vm, bar0(&other), PAGE));
	EXPECT_EQ(EBUSY, share(vm, VM_BARS_GPA, 2 * VM_BARS_STRIDE));
	EXPECT_EQ(0, vm_must_fault(vm, bar0(&self->fn)));
	EXPECT_EQ(0, share(vm, bar0(&self->fn), TEEMU_BAR_REGS_SIZE));
	EXPECT_EQ(0, fn_clear_slots(&self->fn));
	EXPECT_TRUE(guest_reads(vm, &other));
	EXPECT_EQ(0, fn_unbind(&other));
	fn_close(&other);
}

/*
 * A VM keeps its slot over a device that it has no more; the device is another VM's
 * now, at the same addresses and of the same seat.
 */
TVM_TEST(slot_of_another_vms_tdi)
{
	struct bar_slot stale;
	uint64_t code = 0;
	struct vm vm;
	struct fn fn;

	/* the slot over BAR 0 stays with the first VM */
	stale = self->fn.slot[0];
	self->fn.slot[0] = (struct bar_slot) { .fd = -1 };
	fn_close(&self->fn);
	fn_init(&fn, 0);
	ASSERT_EQ(0, vm_open(&vm, 0));
	ASSERT_EQ(0, fn_open(&fn, &vm));
	EXPECT_EQ(0, fn_bind(&fn));
	EXPECT_EQ(0, fn_run(&fn));
	EXPECT_TRUE(guest_reads(&vm, &fn));
	/* the first VM's guest is not let in, and its VMM may do what it likes */
	EXPECT_EQ(0, vm_must_fault(&self->vm, bar0(&fn)));
	EXPECT_EQ(0, vm_must_fault(&self->vm, bar0(&fn) + PAGE));
	EXPECT_EQ(0, share(&self->vm, bar0(&fn), PAGE));
	EXPECT_EQ(0, flip(&self->vm, bar0(&fn), PAGE, true));
	EXPECT_EQ(0, vm_must_fault(&self->vm, bar0(&fn)));
	EXPECT_EQ(EBUSY, share(&vm, bar0(&fn), PAGE));
	/* a TVM asks for its own pages only, whoever has slots at the address */
	EXPECT_EQ(0, delete_slot(&self->vm, BAR0_SLOT(0), 0));
	EXPECT_EQ(EBUSY, delete_slot(&vm, BAR0_SLOT(0), 0));
	EXPECT_EQ(-ENOENT, fn_accept_page(&fn, RAW_SLOT_GPA, TEEMU_BAR_REGS, 0,
					  &code));
	EXPECT_TRUE(guest_reads(&vm, &fn));
	close(stale.fd);
	unreserve(&stale.hva);
	EXPECT_EQ(0, fn_unbind(&fn));
	fn_close(&fn);
	vm_close(&vm);
}

/* ---- what zaps KVM's tables ---- */

/* the guest has read on */
static bool goes_on(struct vm *vm)
{
	volatile struct agent_mbox *m = vm_mbox(vm);
	uint64_t beat = m->beat, end = now_ms() + MORE_MS;

	while (m->beat < beat + 20 && now_ms() < end)
		sleep_ms(1);
	return m->beat >= beat + 20;
}

static int write_nx(const char *text)
{
	return failed(trail_write(NX_HUGE_PAGES, text, 0), NX_HUGE_PAGES);
}

static char read_nx(void)
{
	int fd = open(NX_HUGE_PAGES, O_RDONLY | O_CLOEXEC);
	char c = 'N';

	if (fd >= 0 && read(fd, &c, 1) != 1)
		c = 'N';
	if (fd >= 0)
		close(fd);
	return c;
}

/* kvm_mmu_zap_all_fast() for every VM, twice; it ends as it was */
static int toggle_nx(FIXTURE_DATA(tvm) *self)
{
	bool on = read_nx() == 'Y';

	(void)self;
	return write_nx(on ? "off" : "force") ?: write_nx(on ? "force" : "off");
}

/* an event for the addresses that nothing maps: the slot's host half goes */
static int unmap_hva(FIXTURE_DATA(tvm) *self)
{
	struct bar_slot *s = &self->fn.slot[0];

	return munmap(s->hva.addr, TEEMU_BAR_REGS_SIZE) ? -errno : 0;
}

/* and somebody else's memory comes, is written and goes there */
static int map_hva(FIXTURE_DATA(tvm) *self)
{
	void *at = self->fn.slot[0].hva.addr;

	if (mmap(at, TEEMU_BAR_REGS_SIZE, PROT_READ | PROT_WRITE, MAP_FIXED |
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
		return -errno;
	memset(at, 0xee, TEEMU_BAR_REGS_SIZE);
	return madvise(at, TEEMU_BAR_REGS_SIZE, MADV_DONTNEED) ? -errno : 0;
}

static int log_shared(struct vm *vm, bool on)
{
	struct kvm_userspace_memory_region2 s = {
		.slot = SLOT_SHARED,
		.flags = on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.memory_size = VM_SHARED_SIZE,
		.userspace_addr = (uintptr_t)vm->shared,
	};

	return raw_slot(vm->vm_fd, &s);
}

/* dirty logging of the slot that the guest's own code is in, which runs */
static int log_dirty(FIXTURE_DATA(tvm) *self)
{
	static uint8_t bitmap[VM_SHARED_SIZE / PAGE / 8];
	struct kvm_dirty_log log = {
		.slot = SLOT_SHARED, .dirty_bitmap = bitmap,
	};
	struct kvm_enable_cap manual = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = 1,
	};
	struct kvm_clear_dirty_log clear = {
		.slot = SLOT_SHARED, .dirty_bitmap = bitmap,
		.num_pages = VM_SHARED_SIZE / PAGE,
	};
	const unsigned int page = AGENT_MBOX_GPA / PAGE;
	int ret;

	ret = raw_ioctl(self->vm.vm_fd, KVM_ENABLE_CAP, &manual) ?:
	      log_shared(&self->vm, true);
	if (ret)
		return ret;
	/* its mailbox, where it counts */
	ret = goes_on(&self->vm) ? 0 : ETIMEDOUT;
	ret = ret ?: raw_ioctl(self->vm.vm_fd, KVM_GET_DIRTY_LOG, &log);
	if (!ret && !(bitmap[page / 8] & 1 << page % 8))
		ret = ENODATA;
	ret = ret ?: raw_ioctl(self->vm.vm_fd, KVM_CLEAR_DIRTY_LOG, &clear);
	return log_shared(&self->vm, false) ?: ret;
}

/* a slot of memory comes, and goes */
static int delete_another(FIXTURE_DATA(tvm) *self)
{
	struct kvm_userspace_memory_region2 s = {
		.slot = SLOT_SPARE,
		.guest_phys_addr = RAW_SLOT_GPA,
		.memory_size = PAGE,
		.userspace_addr = (uintptr_t)self->vm.shared,
	};

	return raw_slot(self->vm.vm_fd, &s) ?:
	       delete_slot(&self->vm, SLOT_SPARE, 0);
}

/* a page of the guest's memory is shared, and private again */
static int flip_another(FIXTURE_DATA(tvm) *self)
{
	return share(&self->vm, VM_DST_GPA, PAGE) ?:
	       flip(&self->vm, VM_DST_GPA, PAGE, true);
}

static const struct {
	const char *what;
	int (*zap)(FIXTURE_DATA(tvm) *self);
	bool leaves;	/* KVM's leaves of private MMIO go */
} zaps[] = {
	{ "nx_huge_pages toggled", toggle_nx, true },
	{ "userspace_addr unmapped", unmap_hva, true },
	{ "userspace_addr mapped", map_hva, true },
	{ "dirty log of another slot", log_dirty, false },
	{ "another slot deleted", delete_another, false },
	{ "another range flipped", flip_another, false },
	{ "nx_huge_pages toggled again", toggle_nx, true },
};

static void *hammer(void *arg)
{
	return (void *)(intptr_t)vm_agent(arg);
}

/* a leaf of a BAR's first page is gone and asked for again within @MORE_MS */
static bool refaulted(void)
{
	uint64_t end = now_ms() + MORE_MS;

	while (trail_count(TRAIL_FAULT, "gpa 0xc0000000 ") < 1)
		if (now_ms() > end)
			return false;
	return true;
}

TVM_TEST(zaps_are_kvms_own)
{
	struct agent_mbox *m = vm_mbox(&self->vm);
	struct view view;
	pthread_t thread;
	size_t i;
	void *ret;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, tvm_to_run(self));
	m->cmd = AGENT_SPIN;
	m->gpa = bar0(&self->fn) + TEEMU_REG_ID;
	m->stop = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, hammer, &self->vm));
	EXPECT_TRUE(goes_on(&self->vm));
	for (i = 0; i < ARRAY_SIZE(zaps); i++) {
		EXPECT_EQ(0, view_take(&view));
		EXPECT_EQ(0, zaps[i].zap(self))
			note("%s", zaps[i].what);
		EXPECT_TRUE(goes_on(&self->vm))
			note("%s: the guest stands still", zaps[i].what);
		/* it is about what the row says it is about */
		if (zaps[i].leaves) {
			EXPECT_TRUE(refaulted())
				note("%s: no leaf went", zaps[i].what);
		} else {
			EXPECT_EQ(0, trail_count(TRAIL_FAULT, ""))
				note("%s: leaves went", zaps[i].what);
		}
		EXPECT_EQ(0, trail_count(TRAIL_FAULT, "refused"));
		EXPECT_EQ(0, view_same(&view))
			note("%s", zaps[i].what);
		EXPECT_EQ(TEEMU_ID, m->result);
	}
	m->stop = 1;
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (intptr_t)ret);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, vm_must_fault(&self->vm, bar0(&self->fn)));
	trail_end();
}

/* ---- dirty logging and prefault of a private slot ---- */

/* it has none, whether another slot has one or not */
static void has_no_dirty_log(struct __test_metadata *_metadata, struct vm *vm)
{
	static uint8_t bitmap[FN_BAR2_SLOT / PAGE / 8];
	struct kvm_dirty_log log = { .dirty_bitmap = bitmap };
	struct kvm_clear_dirty_log clear = {
		.dirty_bitmap = bitmap, .num_pages = TEEMU_BAR_REGS_SIZE / PAGE,
	};
	int round;

	for (round = 0; round < 2; round++) {
		log.slot = clear.slot = BAR0_SLOT(0);
		EXPECT_EQ(ENOENT, raw_ioctl(vm->vm_fd, KVM_GET_DIRTY_LOG, &log));
		EXPECT_EQ(ENOENT, raw_ioctl(vm->vm_fd, KVM_CLEAR_DIRTY_LOG,
					    &clear));
		log.slot = SLOT_PRIVATE;
		EXPECT_EQ(ENOENT, raw_ioctl(vm->vm_fd, KVM_GET_DIRTY_LOG, &log));
		EXPECT_EQ(0, log_shared(vm, !round));
	}
}

/* the errno, and how many bytes are left */
static int prefault(struct vm *vm, uint64_t gpa, uint64_t size, uint64_t *left)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };
	int ret = raw_ioctl(vm->vcpu_fd, KVM_PRE_FAULT_MEMORY, &range);

	*left = range.size;
	return ret;
}

TVM_TEST(dirty_log_and_prefault_of_a_private_slot)
{
	const uint64_t all = 2 * FN_BAR2_PAGES * PAGE;
	uint64_t left, at = bar2(&self->fn);
	struct view view;

	ASSERT_EQ(0, trail_begin());
	EXPECT_EQ(EFAULT, prefault(&self->vm, at, all, &left));
	EXPECT_EQ(all, left);
	ASSERT_EQ(0, trail_leaves(true));
	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(EFAULT, prefault(&self->vm, at, all, &left));
	EXPECT_EQ(all, left);
	EXPECT_EQ(0, trail_count(TRAIL_LEAF, "gfn c1000 level 1"));
	EXPECT_EQ(0, vm_must_fault(&self->vm, at));
	ASSERT_EQ(0, trail_leaves(false));
	ASSERT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, view_take(&view));
	has_no_dirty_log(_metadata, &self->vm);
	EXPECT_EQ(0, view_same(&view));

	/* as far as it is accepted, and no firmware call for it */
	ASSERT_EQ(0, view_take(&view));
	EXPECT_EQ(0, prefault(&self->vm, at, all, &left));
	EXPECT_EQ(all - FN_BAR2_PAGES * PAGE, left);
	EXPECT_EQ(EFAULT, prefault(&self->vm, at + FN_BAR2_PAGES * PAGE, PAGE,
				   &left));
	EXPECT_EQ(FN_BAR2_PAGES, trail_count(TRAIL_FAULT, "allowed"));
	EXPECT_EQ(0, view_same(&view));
	/* the leaves are there */
	ASSERT_EQ(0, view_take(&view));
	EXPECT_EQ(0, vm_write32(&self->vm, at, 1));
	EXPECT_EQ(0, vm_write32(&self->vm, at + 3 * PAGE, 1));
	EXPECT_EQ(0, trail_count(TRAIL_FAULT, ""));
	EXPECT_EQ(0, vm_must_fault(&self->vm, at + FN_BAR2_PAGES * PAGE));

	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(EFAULT, prefault(&self->vm, at, all, &left));
	trail_end();
}

/* ---- flips and deletions that race with binds ---- */

/**
 * struct racer - a thread that flips a page all the time
 * @vm, @gpa: the page
 * @bound: odd while the TDI is certainly bound
 * @stop: it ends
 * @done, @refused: what its flips came to
 * @wrong: flips that were done while it was bound
 */
struct racer {
	struct vm *vm;
	uint64_t gpa;
	volatile unsigned int bound;
	volatile bool stop;
	unsigned int done;
	unsigned int refused;
	unsigned int wrong;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	unsigned int before;
	int ret;

	while (!r->stop) {
		before = r->bound;
		ret = share(r->vm, r->gpa, PAGE);
		if (!ret)
			r->wrong += before & 1 && before == r->bound;
		r->done += !ret;
		r->refused += ret == EBUSY;
		if (flip(r->vm, r->gpa, PAGE, true) ||
		    (ret && ret != EBUSY))
			r->wrong++;
	}
	return NULL;
}

TVM_TEST(flips_race_with_bind)
{
	struct racer r = {
		.vm = &self->vm, .gpa = bar0(&self->fn) + PAGE,
	};
	uint64_t end = now_ms() + 3000;
	pthread_t thread;
	int rounds = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, race, &r));
	do {
		EXPECT_EQ(0, tvm_to_locked(self));
		r.bound++;
		/* from here on it is private: it was made so after each flip */
		sleep_ms(2);
		EXPECT_EQ(0, fn_run(&self->fn));
		EXPECT_TRUE(guest_reads(&self->vm, &self->fn));
		r.bound++;
		EXPECT_EQ(0, fn_unbind(&self->fn));
		sleep_ms(5);
		rounds++;
	} while (rounds < 12 && now_ms() < end);
	r.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	note("%d rounds, %u flips, %u refused", rounds, r.done, r.refused);
	EXPECT_EQ(0, r.wrong);
	EXPECT_LT(0, r.done);
	EXPECT_LT(0, r.refused);
}

TVM_MAIN
