// SPDX-License-Identifier: GPL-2.0-only
/*
 * R13, shared again: after an unbind the same VM, slots and mappings go on with the
 * device as an ordinary one, and bind again later, as often as they like. What a VMM
 * has to do for it, and what not, is in docs/uapi.md, "Shared again".
 */
#include <string.h>

#include "fixture.h"
#include "raw.h"
#include "sigbus.h"

#define LEN		0x4000U
#define HALF		(VM_WINDOW_SIZE / 2)
#define BAR_IOVA	0x40000000ULL
#define T_BOTH		(TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T)

static const struct {
	unsigned int bar;
	uint64_t len;
} slots[FN_BAR_SLOTS] = {
	{ TEEMU_BAR_REGS, TEEMU_BAR_REGS_SIZE },
	{ TEEMU_BAR_MEM, FN_BAR2_SLOT },
};

/* VFIO's mapping of what the slot shows, where the slot looks for shared memory */
static int map_into_slot(struct fn *fn, int i)
{
	off_t pos = raw_bar_pos(fn, slots[i].bar);
	void *p;

	if (pos < 0)
		return -EIO;
	p = mmap(fn->slot[i].hva.addr, slots[i].len, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, tdi_device_fd(fn->dev), pos);
	return p == MAP_FAILED ? failed(-errno, "mapping into slot %d", i) : 0;
}

static int set_private(struct fn *fn, bool private)
{
	int i, ret = 0;

	for (i = 0; !ret && i < FN_BAR_SLOTS; i++)
		ret = tdi_vm_set_private(fn->vm->tdi, fn_bar_gpa(fn, slots[i].bar),
					 slots[i].len, private);
	return ret;
}

static int map_bar_for_peers(struct fn *fn)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = fn->ioas_id,
		.fd = fn->slot[1].fd,
		.length = PAGE,
		.iova = BAR_IOVA,
	};

	return raw_ioctl(tdi_iommu_fd(fn->iommu), IOMMU_IOAS_MAP_FILE, &map);
}

/* copied by T=0 requests, through the page table of before the first bind */
static int use_shared(struct fn *fn, uint8_t seed)
{
	uint8_t *src = fn->vm->shared + VM_WINDOW_GPA, *dst = src + HALF;
	int ret;

	memset(src, seed, LEN);
	memset(dst, 0, LEN);
	ret = fn_ring_start(fn);
	if (ret)
		return ret;
	ret = fn_dma(fn, TEEMU_OP_COPY, 0, VM_WINDOW_GPA, VM_WINDOW_GPA + HALF, LEN);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "T=0 copy: status %d", ret);
	return memcmp(src, dst, LEN) ? failed(-EILSEQ, "T=0 copy") : 0;
}

static int use_private(struct fn *fn, uint64_t seed)
{
	uint64_t a, b;
	int ret;

	ret = vm_fill(fn->vm, VM_SRC_GPA, LEN, seed) ?:
	      vm_fill(fn->vm, VM_DST_GPA, LEN, 0) ?: fn_ring_start(fn);
	if (ret)
		return ret;
	ret = fn_dma(fn, TEEMU_OP_COPY, T_BOTH, VM_SRC_GPA, VM_DST_GPA, LEN);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "T=1 copy: status %d", ret);
	ret = vm_sum(fn->vm, VM_SRC_GPA, LEN, &a) ?:
	      vm_sum(fn->vm, VM_DST_GPA, LEN, &b);
	return ret ?: a == b ? 0 : failed(-EILSEQ, "T=1 copy");
}

/* bound: the guest's alone, by whatever way somebody else could come */
static void private_life(struct __test_metadata *_metadata, struct fn *fn, int round)
{
	volatile uint8_t *in_slot = fn->slot[0].hva.addr;
	uint32_t value;

	ASSERT_EQ(0, fn_bind(fn));
	ASSERT_EQ(0, fn_run(fn));
	EXPECT_EQ(0, use_private(fn, 0x1111 + round));
	EXPECT_EQ(0, vm_write32(fn->vm, fn_bar_gpa(fn, TEEMU_BAR_MEM), 0x5ec12e7));
	EXPECT_FALSE(sigbus_read(fn->bar0 + TEEMU_REG_ID, &value));
	if (round) {
		EXPECT_FALSE(sigbus_read(in_slot + TEEMU_REG_ID, &value));
	}
	/* what makes it shared is refused as a whole, and changes nothing */
	EXPECT_EQ(-EBUSY, set_private(fn, false));
	EXPECT_NE(0, map_bar_for_peers(fn));
	EXPECT_EQ(0, use_private(fn, 0x2222 + round));
	ASSERT_EQ(0, fn_unbind(fn));
}

/* unbound: the host uses it, then the guest does, by the slot that it had */
static void shared_life(struct __test_metadata *_metadata, struct fn *fn, int round)
{
	uint64_t bar0 = fn_bar_gpa(fn, TEEMU_BAR_REGS);
	uint64_t bar2 = fn_bar_gpa(fn, TEEMU_BAR_MEM);
	uint32_t value = 0;
	int i;

	ASSERT_EQ(0, fn_enable(fn));
	EXPECT_TRUE(sigbus_read(fn->bar0 + TEEMU_REG_ID, &value));
	EXPECT_EQ(TEEMU_ID, value);
	EXPECT_EQ(0, use_shared(fn, 0x30 + round));

	/* its pages are private to KVM until the VMM says otherwise */
	EXPECT_EQ(0, vm_must_fault(fn->vm, bar0));
	EXPECT_TRUE(fn->vm->fault_private);
	for (i = 0; i < FN_BAR_SLOTS; i++)
		ASSERT_EQ(0, map_into_slot(fn, i));
	ASSERT_EQ(0, set_private(fn, false));
	EXPECT_EQ(0, vm_read32(fn->vm, bar0 + TEEMU_REG_ID, &value));
	EXPECT_EQ(TEEMU_ID, value);
	/* nothing is left of the private life, and both see the same memory now */
	EXPECT_EQ(0, vm_read32(fn->vm, bar2, &value));
	EXPECT_EQ(0, value);
	EXPECT_EQ(0, vm_write32(fn->vm, bar2 + 8, 0xcafe + round));
	EXPECT_TRUE(sigbus_read(fn->slot[1].hva.addr + 8, &value));
	EXPECT_EQ(0xcafe + round, value);
	/* the guest drives the device itself */
	fn->guest = true;
	EXPECT_EQ(0, use_shared(fn, 0x50 + round));
	fn->guest = false;

	/* a peer's mapping of the BAR stays dead and is made anew */
	EXPECT_EQ(0, tdi_ioas_unmap(fn->iommu, fn->ioas_id, BAR_IOVA, PAGE));
	EXPECT_EQ(0, map_bar_for_peers(fn));
	EXPECT_EQ(0, set_private(fn, true));
}

TVM_TEST(private_and_shared_in_turns)
{
	int round;

	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, use_shared(&self->fn, 0x10));
	ASSERT_EQ(0, map_bar_for_peers(&self->fn));
	for (round = 0; round < 3; round++) {
		private_life(_metadata, &self->fn, round);
		shared_life(_metadata, &self->fn, round);
	}
	EXPECT_EQ(0, tdi_ioas_unmap(self->fn.iommu, self->fn.ioas_id, BAR_IOVA,
				    PAGE));
}

/* the same when it was not the VMM that unbound it: the event says from when on */
TVM_TEST(unbound_by_the_host)
{
	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, map_bar_for_peers(&self->fn));
	ASSERT_EQ(0, fn_bind(&self->fn));
	ASSERT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, world_disconnect());
	EXPECT_EQ(TDI_EVENT_UNBOUND, fn_event(&self->fn, 10000));
	self->fn.guest = false;
	/* without a link it is shared and no more */
	shared_life(_metadata, &self->fn, 7);
	EXPECT_EQ(-ENXIO, fn_bind(&self->fn));
	ASSERT_EQ(0, world_connect());
	private_life(_metadata, &self->fn, 8);
	EXPECT_EQ(0, tdi_ioas_unmap(self->fn.iommu, self->fn.ioas_id, BAR_IOVA,
				    PAGE));
}

TVM_MAIN
