// SPDX-License-Identifier: GPL-2.0-only
/*
 * R22: T=1 DMA outside RUN, to memory of another VM, to what is not there, to
 * shared memory; T=0 DMA to private memory: blocked and counted, memory unchanged.
 *
 * Each test that looks at something blocked also shows that the same descriptor
 * works where it may, so that an engine which does nothing passes none.
 */
#include <string.h>

#include "fixture.h"
#include "raw.h"

#define T_BOTH		(TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T)
#define VICTIM		(VM_DST_GPA + 0x10000)	/* present after tvm_to_run() */
#define PATTERN		0xa5a5a5a5a5a5a5a5ULL
#define OTHER_GPA	0x20000000ULL		/* private memory of another VM */

/* T=1 fill of a page; the device and the platform refuse, and count @counter */
static void must_be_blocked(struct __test_metadata *_metadata, struct fn *fn,
			    uint64_t gpa, const char *counter)
{
	long before = counter ? world_iommu_count(fn->nr, counter) : 0;
	struct teemu_desc desc = { 0 };
	int ret;

	ret = fn_wait(fn, fn_post(fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, PATTERN,
				  gpa, PAGE), &desc);
	EXPECT_EQ(TEEMU_DESC_BLOCKED, ret)
		note("T=1 fill of %#llx", (unsigned long long)gpa);
	EXPECT_EQ(gpa, desc.fault_addr);
	if (counter) {
		EXPECT_LT(before, world_iommu_count(fn->nr, counter))
			note("%s", counter);
	}
	/* a read is refused as well */
	ret = fn_wait(fn, fn_post(fn, TEEMU_OP_CHECKSUM, TEEMU_DESC_F_SRC_T, gpa,
				  0, PAGE), &desc);
	EXPECT_EQ(TEEMU_DESC_BLOCKED, ret)
		note("T=1 read of %#llx", (unsigned long long)gpa);
}

static uint64_t sum_of(struct __test_metadata *_metadata, struct vm *vm,
		       uint64_t gpa)
{
	uint64_t sum = 0;

	ASSERT_EQ(0, vm_sum(vm, gpa, PAGE, &sum));
	return sum;
}

static int fill_t1(struct fn *fn, uint64_t gpa)
{
	return fn_dma(fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, PATTERN, gpa, PAGE);
}

/*
 * What can be accepted before the start: ring reachable, DMA consented where that
 * comes before it.
 */
static int to_accepted(FIXTURE_DATA(tvm) *self)
{
	return tvm_to_locked(self) ?: fn_run_until(&self->fn, ATTEST_START) ?:
	       /* one vendor's guests do it later, and need not */
	       (tvm_does_before(ATTEST_START, ATTEST_MMIO) ?
		fn_accept_bars(&self->fn) : 0) ?:
	       vm_fill(&self->vm, VM_DST_GPA, 0x20000, 1) ?:
	       fn_ring_start(&self->fn);
}

/* the device itself holds back; one that lies about T is stopped by firmware */
TVM_TEST(t1_in_locked)
{
	uint64_t before;

	ASSERT_EQ(0, to_accepted(self));
	before = sum_of(_metadata, &self->vm, VICTIM);
	EXPECT_EQ(TEEMU_DESC_BLOCKED, fill_t1(&self->fn, VICTIM));
	ASSERT_EQ(0, world_write("fn0/rogue", "1"));
	must_be_blocked(_metadata, &self->fn, VICTIM, "t1_blocked");
	EXPECT_EQ(0, world_write("fn0/rogue", "0"));
	EXPECT_EQ(before, sum_of(_metadata, &self->vm, VICTIM));
	EXPECT_EQ(0, world_mem_pages());

	/* the same descriptor in RUN */
	ASSERT_EQ(0, fn_start(&self->fn));
	if (tvm_does_before(ATTEST_START, ATTEST_DMA)) {
		ASSERT_EQ(0, fn_accept_dma(&self->fn));
	}
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
	EXPECT_NE(before, sum_of(_metadata, &self->vm, VICTIM));
}

/* in RUN, before the guest has consented to DMA */
TVM_TEST(t1_without_consent)
{
	uint64_t before;

	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_run_without(&self->fn, ATTEST_DMA));
	ASSERT_EQ(0, vm_fill(&self->vm, VM_DST_GPA, 0x20000, 1));
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	before = sum_of(_metadata, &self->vm, VICTIM);
	must_be_blocked(_metadata, &self->fn, VICTIM, "t1_blocked");
	EXPECT_EQ(before, sum_of(_metadata, &self->vm, VICTIM));
	ASSERT_EQ(0, fn_accept_dma(&self->fn));
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
}

/* unbound: the host drives the device, which lies about T */
TVM_TEST(t1_unbound)
{
	uint64_t before;

	/* firmware has had the page, and the guest still has it */
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
	before = sum_of(_metadata, &self->vm, VICTIM);
	ASSERT_EQ(0, fn_unbind(&self->fn));
	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, fn_enable(&self->fn));
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(TEEMU_DESC_BLOCKED,
		  fn_dma(&self->fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, 0, VICTIM,
			 PAGE));
	ASSERT_EQ(0, world_write("fn0/rogue", "1"));
	must_be_blocked(_metadata, &self->fn, VICTIM, "t1_blocked");
	EXPECT_EQ(0, world_write("fn0/rogue", "0"));
	EXPECT_EQ(before, sum_of(_metadata, &self->vm, VICTIM));
	/* and T=0 works for the host */
	memset(self->vm.shared + VM_WINDOW_GPA, 0, PAGE);
	EXPECT_EQ(TEEMU_DESC_DONE, fn_dma(&self->fn, TEEMU_OP_FILL, 0, PATTERN,
					  VM_WINDOW_GPA, PAGE));
	EXPECT_EQ(0xa5, self->vm.shared[VM_WINDOW_GPA + PAGE - 1]);
}

/* another function lies about T while this one is in RUN in the VM */
TVM_TEST(t1_of_another_function)
{
	uint64_t before;
	struct fn fn;

	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
	before = sum_of(_metadata, &self->vm, VICTIM);
	fn_init(&fn, 1);
	/* of the same VM, but not bound */
	EXPECT_EQ(0, fn_open(&fn, &self->vm));
	EXPECT_EQ(0, fn_map(&fn));
	EXPECT_EQ(0, fn_ring_start(&fn));
	EXPECT_EQ(0, world_write("fn1/rogue", "1"));
	must_be_blocked(_metadata, &fn, VICTIM, "t1_blocked");
	EXPECT_EQ(0, world_write("fn1/rogue", "0"));
	EXPECT_EQ(before, sum_of(_metadata, &self->vm, VICTIM));
	fn_close(&fn);
	EXPECT_EQ(TEEMU_DESC_DONE,
		  fn_dma(&self->fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, 7, VICTIM,
			 PAGE));
	EXPECT_NE(before, sum_of(_metadata, &self->vm, VICTIM));
}

/* guest addresses that only mean something in another VM */
TVM_TEST(t1_to_another_vm)
{
	struct vm vm;
	struct fn fn;
	uint64_t before;

	ASSERT_EQ(0, vm_open(&vm, OTHER_GPA));
	fn_init(&fn, 1);
	/* the other one is a TD too, and its memory is in firmware's table */
	EXPECT_EQ(0, fn_open(&fn, &vm));
	EXPECT_EQ(0, fn_bind(&fn));
	EXPECT_EQ(0, fn_run(&fn));
	EXPECT_EQ(0, vm_fill(&vm, OTHER_GPA, 2 * PAGE, 3));
	EXPECT_EQ(0, fn_ring_start(&fn));
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&fn, OTHER_GPA));
	before = sum_of(_metadata, &vm, OTHER_GPA);

	EXPECT_EQ(0, tvm_to_run(self));
	must_be_blocked(_metadata, &self->fn, OTHER_GPA, "t1_blocked");
	EXPECT_EQ(before, sum_of(_metadata, &vm, OTHER_GPA));
	/* independent: both go on */
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&fn, OTHER_GPA + PAGE));
	fn_close(&fn);
	vm_close(&vm);
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
}

/* what is not private memory of this VM: nothing, shared memory, a BAR */
TVM_TEST(t1_to_what_is_not_private)
{
	uint8_t before[PAGE];
	uint32_t scratch;

	ASSERT_EQ(0, tvm_to_run(self));
	must_be_blocked(_metadata, &self->fn, 0x30000000, "t1_blocked");
	must_be_blocked(_metadata, &self->fn, 1ULL << 45, "t1_blocked");
	/* private memory that the guest has never touched */
	must_be_blocked(_metadata, &self->fn, VM_SRC_GPA + 0x380000, "t1_blocked");

	memset(self->vm.shared + VM_WINDOW_GPA, 0x11, PAGE);
	memcpy(before, self->vm.shared + VM_WINDOW_GPA, PAGE);
	must_be_blocked(_metadata, &self->fn, VM_WINDOW_GPA, "t1_blocked");
	EXPECT_EQ(0, memcmp(before, self->vm.shared + VM_WINDOW_GPA, PAGE));
	/* shared memory is what T=0 is for */
	EXPECT_EQ(TEEMU_DESC_DONE, fn_dma(&self->fn, TEEMU_OP_FILL, 0, PATTERN,
					  VM_WINDOW_GPA, PAGE));
	EXPECT_NE(0, memcmp(before, self->vm.shared + VM_WINDOW_GPA, PAGE));

	/* its own private MMIO */
	EXPECT_EQ(0, vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM),
				0x4711));
	must_be_blocked(_metadata, &self->fn,
			fn_bar_gpa(&self->fn, TEEMU_BAR_MEM), NULL);
	EXPECT_EQ(0, vm_read32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM),
			       &scratch));
	EXPECT_EQ(0x4711, scratch);
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
}

/* T=0 has no way to private memory, in RUN and unbound */
static void t0_to_private(struct __test_metadata *_metadata,
			  FIXTURE_DATA(tvm) *self)
{
	long before = world_iommu_count(0, "t0_fault") +
		      world_iommu_count(0, "t0_blocked");
	uint64_t sum = sum_of(_metadata, &self->vm, VICTIM);
	int ret;

	ret = fn_dma(&self->fn, TEEMU_OP_FILL, 0, PATTERN, VICTIM, PAGE);
	EXPECT_TRUE(ret == TEEMU_DESC_FAULT || ret == TEEMU_DESC_BLOCKED)
		note("T=0 write: status %d", ret);
	ret = fn_dma(&self->fn, TEEMU_OP_CHECKSUM, 0, VICTIM, 0, PAGE);
	EXPECT_TRUE(ret == TEEMU_DESC_FAULT || ret == TEEMU_DESC_BLOCKED)
		note("T=0 read: status %d", ret);
	EXPECT_LE(before + 2, world_iommu_count(0, "t0_fault") +
			      world_iommu_count(0, "t0_blocked"));
	EXPECT_EQ(sum, sum_of(_metadata, &self->vm, VICTIM));
}

TVM_TEST(t0_to_private_in_run)
{
	ASSERT_EQ(0, tvm_to_run(self));
	t0_to_private(_metadata, self);
	EXPECT_EQ(TEEMU_DESC_DONE, fill_t1(&self->fn, VICTIM));
	/* also when firmware's table has the page */
	t0_to_private(_metadata, self);
}

TVM_TEST(t0_to_private_unbound)
{
	ASSERT_EQ(0, vm_fill(&self->vm, VM_DST_GPA, 0x20000, 1));
	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	t0_to_private(_metadata, self);
}

/*
 * With the IOMMU's help: nothing of guest_memfd, nor of a BAR that is bound, can
 * be mapped for T=0. A T=0 request of a neighbour to a locked TDI's BAR is the
 * device's to refuse; here no table leads there.
 */
TVM_TEST(t0_cannot_be_mapped)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |
			 IOMMU_IOAS_MAP_READABLE,
		.ioas_id = self->fn.ioas_id,
		.fd = self->vm.private_fd,
		.length = PAGE,
		.iova = VICTIM,
	};

	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_NE(0, raw_ioctl(tdi_iommu_fd(self->fn.iommu), IOMMU_IOAS_MAP_FILE,
			       &map));
	EXPECT_NE(0, tdi_ioas_map(self->fn.iommu, self->fn.ioas_id,
				  self->vm.hva.addr, PAGE, VICTIM));
	map.fd = self->fn.slot[1].fd;
	EXPECT_NE(0, raw_ioctl(tdi_iommu_fd(self->fn.iommu), IOMMU_IOAS_MAP_FILE,
			       &map));
	t0_to_private(_metadata, self);
}

/* a descriptor that is half allowed stops where it is not */
TVM_TEST(half_allowed)
{
	uint64_t end = self->vm.private_gpa + VM_PRIVATE_SIZE;
	struct teemu_desc desc;

	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, vm_fill(&self->vm, end - 2 * PAGE, 2 * PAGE, 9));
	EXPECT_EQ(TEEMU_DESC_BLOCKED,
		  fn_wait(&self->fn, fn_post(&self->fn, TEEMU_OP_COPY, T_BOTH,
					     VM_SRC_GPA, end - PAGE, 2 * PAGE),
			  &desc));
	EXPECT_EQ(end, desc.fault_addr);
}

TVM_MAIN
