// SPDX-License-Identifier: GPL-2.0-only
/*
 * R23: a guest that touches private MMIO which it has not validated, or not any
 * more, or of another TDI, meets a memory-fault exit, and no mapping is installed.
 */
#include <pthread.h>

#include "fixture.h"
#include "raw.h"
#include "stuck.h"
#include "trail.h"

static uint64_t bar0(const struct fn *fn)
{
	return fn_bar_gpa(fn, TEEMU_BAR_REGS);
}

static uint64_t bar2(const struct fn *fn)
{
	return fn_bar_gpa(fn, TEEMU_BAR_MEM);
}

/* twice: the first fault has not installed what the second would use */
static void faults(struct __test_metadata *_metadata, struct vm *vm,
		   uint64_t gpa)
{
	EXPECT_EQ(0, vm_must_fault(vm, gpa));
	EXPECT_EQ(0, vm_must_fault(vm, gpa));
	EXPECT_EQ(-EFAULT, vm_write32(vm, gpa, 0xffffffff));
}

static int reads(struct vm *vm, uint64_t gpa, uint32_t expected)
{
	uint32_t value = 0;
	int ret = vm_read32(vm, gpa, &value);

	if (!ret && value != expected) {
		note("guest read %#x at %#llx, looked for %#x", value,
		     (unsigned long long)gpa, expected);
		return -EIO;
	}
	return failed(ret, "guest read at %#llx", (unsigned long long)gpa);
}

TVM_TEST(before_bind)
{
	faults(_metadata, &self->vm, bar0(&self->fn));
	faults(_metadata, &self->vm, bar2(&self->fn) + FN_BAR2_SLOT - PAGE);
}

TVM_TEST(before_validation)
{
	uint64_t code = 0;

	ASSERT_EQ(0, tvm_to_locked(self));
	faults(_metadata, &self->vm, bar0(&self->fn));
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_MMIO));
	faults(_metadata, &self->vm, bar0(&self->fn));
	/* another page than the guest was told: not accepted */
	EXPECT_EQ(0, fn_accept_page(&self->fn, bar0(&self->fn), TEEMU_BAR_REGS,
				    1, &code));
	EXPECT_NE(0, code);
	faults(_metadata, &self->vm, bar0(&self->fn));

	/* one page is one page */
	ASSERT_EQ(0, fn_accept_mmio(&self->fn, TEEMU_BAR_REGS, 0, 1));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	faults(_metadata, &self->vm, bar0(&self->fn) + PAGE);
	faults(_metadata, &self->vm, bar2(&self->fn));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
}

TVM_TEST(after_unbind)
{
	uint64_t code = 0;

	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	faults(_metadata, &self->vm, bar0(&self->fn) + TEEMU_REG_ID);
	faults(_metadata, &self->vm, bar2(&self->fn));
	EXPECT_EQ(-ENXIO, fn_accept_page(&self->fn, bar0(&self->fn),
					 TEEMU_BAR_REGS, 0, &code));

	/* what was accepted once is not accepted in the next life */
	ASSERT_EQ(0, tvm_to_locked(self));
	faults(_metadata, &self->vm, bar0(&self->fn) + TEEMU_REG_ID);
	ASSERT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
}

/*
 * A request may make the host unmap all of the guest's pages while the TDI stays bound:
 * they fault in again, and unbind takes them all the same.
 */
TVM_TEST(after_unbind_of_what_came_back)
{
	struct attest *a = fn_attest(&self->fn);
	uint64_t code = 0;
	int ret;

	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	if (attest_has(world.tvm->leave, ATTEST_MMIO_OFF)) {
		EXPECT_EQ(0, attest_step(a, ATTEST_MMIO_OFF));
		faults(_metadata, &self->vm, bar0(&self->fn));
		EXPECT_EQ(0, attest_step(a, ATTEST_MMIO));
	} else {
		/* there is no slot */
		ret = fn_accept_page(&self->fn, RAW_SLOT_GPA, TEEMU_BAR_MEM,
				     FN_BAR2_PAGES, &code);
		EXPECT_TRUE(ret || code);
	}
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	EXPECT_EQ(0, vm_write32(&self->vm, bar2(&self->fn), 1));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	faults(_metadata, &self->vm, bar0(&self->fn));
	faults(_metadata, &self->vm, bar2(&self->fn));
}

/* after unbind the VMM may make the pages shared, and the guest leaves the VM */
TVM_TEST(after_the_vfio_device_is_gone)
{
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	fn_close_device(&self->fn);
	faults(_metadata, &self->vm, bar0(&self->fn) + TEEMU_REG_ID);
}

/* the guest's own steps before an unbind, where its architecture has them */
TVM_TEST(after_the_guest_stopped_it)
{
	const enum attest_step *step = world.tvm->leave;
	struct attest *a = fn_attest(&self->fn);

	if (!attest_has(world.tvm->leave, ATTEST_STOP))
		SKIP(return, "this guest does not stop its TDI, the unbind does");
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	for (; *step != ATTEST_END; step++) {
		EXPECT_EQ(0, attest_step(a, *step));
		faults(_metadata, &self->vm, bar0(&self->fn));
		faults(_metadata, &self->vm, bar2(&self->fn));
	}
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	faults(_metadata, &self->vm, bar0(&self->fn));
}

/* without giving its pages back first: they are gone all the same */
TVM_TEST(after_the_guest_just_stopped_it)
{
	struct attest *a = fn_attest(&self->fn);

	if (!attest_has(world.tvm->leave, ATTEST_STOP))
		SKIP(return, "this guest does not stop its TDI, the unbind does");
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	EXPECT_EQ(0, attest_step(a, ATTEST_STOP));
	faults(_metadata, &self->vm, bar0(&self->fn));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	faults(_metadata, &self->vm, bar0(&self->fn));
}

/* stopped by the unbind, which could not go on from there */
TVM_TEST(in_quarantine)
{
	uint64_t code = 0;

	if (!stuck_has_way_out())
		SKIP(return, "no way out of quarantine in this kernel (tdi/retry)");
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	ASSERT_EQ(0, stuck_begin());
	EXPECT_EQ(-EIO, fn_unbind(&self->fn));
	EXPECT_TRUE(stuck_is(0));
	faults(_metadata, &self->vm, bar0(&self->fn));
	faults(_metadata, &self->vm, bar2(&self->fn));
	EXPECT_GT(0, fn_accept_page(&self->fn, bar0(&self->fn), TEEMU_BAR_REGS, 0,
				    &code));
	faults(_metadata, &self->vm, bar0(&self->fn));
	EXPECT_EQ(0, stuck_end());
	EXPECT_EQ(0, stuck_retry(0));
	faults(_metadata, &self->vm, bar0(&self->fn));
	/* its next life is like any other */
	self->fn.guest = false;
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
}

/* it falls to ERROR by itself: the guest is out before anybody has unbound anything */
TVM_TEST(after_it_fell_to_error)
{
	uint64_t end = now_ms() + 20000;

	self->base.trace = false;
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
	ASSERT_EQ(0, world_write("fn0/error", "1"));
	/* found out by the watch, or (Arm) by the guest's next request */
	fn_read_report(&self->fn);
	while (!vm_write32(&self->vm, bar2(&self->fn), 1) && now_ms() < end)
		sleep_ms(20);
	faults(_metadata, &self->vm, bar0(&self->fn));
	faults(_metadata, &self->vm, bar2(&self->fn));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	faults(_metadata, &self->vm, bar0(&self->fn));
}

/* KVM asks anew each time, and no leaf comes of a refusal */
TVM_TEST(no_leaf_is_installed)
{
	uint64_t page = bar2(&self->fn) + FN_BAR2_PAGES * PAGE;
	char leaf[64], gpa[64];

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, trail_leaves(true));
	ASSERT_EQ(0, trail_clear());
	snprintf(leaf, sizeof(leaf), "gfn %llx level 1 ",
		 (unsigned long long)(page / PAGE));
	snprintf(gpa, sizeof(gpa), "gpa %#llx ", (unsigned long long)page);
	faults(_metadata, &self->vm, page);
	EXPECT_EQ(3, trail_count(TRAIL_FAULT, gpa));
	EXPECT_EQ(3, trail_count(TRAIL_FAULT, "refused"));
	EXPECT_EQ(0, trail_count(TRAIL_LEAF, leaf));
	ASSERT_EQ(0, fn_accept_mmio(&self->fn, TEEMU_BAR_MEM, FN_BAR2_PAGES, 1));
	EXPECT_EQ(0, vm_write32(&self->vm, page, 1));
	EXPECT_EQ(1, trail_count(TRAIL_LEAF, leaf));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(2, trail_count(TRAIL_LEAF, leaf));
	faults(_metadata, &self->vm, page);
	EXPECT_EQ(2, trail_count(TRAIL_LEAF, leaf));
	trail_end();
}

TVM_TEST(of_another_tdi)
{
	uint64_t code = 0;
	struct fn other;

	fn_init(&other, 1);
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, fn_open(&other, &self->vm));
	/* there, and not bound */
	faults(_metadata, &self->vm, bar0(&other));
	EXPECT_EQ(0, fn_bind(&other));
	/* bound, and not validated; the first one's consent is not the second's */
	faults(_metadata, &self->vm, bar0(&other));
	EXPECT_EQ(-ENOENT, fn_accept_page(&self->fn, bar0(&other),
					  TEEMU_BAR_REGS, 0, &code));
	faults(_metadata, &self->vm, bar0(&other));
	EXPECT_EQ(0, fn_run(&other));
	EXPECT_EQ(0, reads(&self->vm, bar0(&other) + TEEMU_REG_ID, TEEMU_ID));
	/* the first one's end is not the second's */
	EXPECT_EQ(0, fn_unbind(&self->fn));
	faults(_metadata, &self->vm, bar0(&self->fn));
	EXPECT_EQ(0, reads(&self->vm, bar0(&other) + TEEMU_REG_ID, TEEMU_ID));
	fn_close(&other);
}

/* one VM's slot at the address that is MMIO in another */
TVM_TEST(of_another_vm)
{
	struct fn other;
	uint32_t value;
	struct vm vm;

	ASSERT_EQ(0, vm_open(&vm, 0));
	fn_init(&other, 1);
	EXPECT_EQ(0, fn_open(&other, &vm));
	EXPECT_EQ(0, fn_bind(&other));
	EXPECT_EQ(0, fn_run(&other));
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, reads(&vm, bar0(&other) + TEEMU_REG_ID, TEEMU_ID));
	/* the other's address is nothing in this one, not even a slot */
	EXPECT_NE(0, vm_read32(&vm, bar0(&self->fn), &value));
	EXPECT_NE(0, vm_read32(&self->vm, bar0(&other), &value));
	fn_close(&other);
	vm_close(&vm);
	EXPECT_EQ(0, reads(&self->vm, bar0(&self->fn) + TEEMU_REG_ID, TEEMU_ID));
}

static void *hammer(void *arg)
{
	struct vm *vm = arg;

	return (void *)(intptr_t)vm_agent(vm);
}

/* a vCPU that reads a page all the time loses it in the middle of that */
TVM_TEST(while_it_reads)
{
	struct agent_mbox *m = vm_mbox(&self->vm);
	uint64_t end = now_ms() + 60000;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, tvm_to_run(self));
	m->cmd = AGENT_SPIN;
	m->gpa = bar0(&self->fn) + TEEMU_REG_ID;
	m->stop = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, hammer, &self->vm));
	while (*(volatile __u64 *)&m->beat < 1000 && now_ms() < end)
		sleep_ms(1);
	EXPECT_LE(1000, m->beat);
	EXPECT_EQ(0, fn_unbind(&self->fn));
	/* it must have met the fault by itself; if not, it is told to stop */
	sleep_ms(500);
	m->stop = 1;
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EFAULT, (intptr_t)ret);
	EXPECT_EQ(bar0(&self->fn), self->vm.fault_gpa & ~(PAGE - 1));
	EXPECT_TRUE(self->vm.fault_private);
	EXPECT_EQ(TEEMU_ID, m->result);
}

TVM_MAIN
