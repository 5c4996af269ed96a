// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest learns when its host lies: another page behind an address than the
 * report says, pages that changed places after the report was read, nonces of an
 * attestation that is over, a page that was accepted before. Each is refused with
 * the status that the vendor documents, and what is true is accepted after it.
 *
 * The lies are told with private slots over the wrong pages: a VMM may put there
 * what it likes. Where two statuses could be meant, the table says which it is here.
 */
#include <string.h>

#include <linux/sev-tdi.h>

#include "fixture.h"
#include "raw.h"

/* the firmware's numbers */
#define TDX_INVALID_HPA_OFFSET	0xc0000f4d00000000ULL
#define TDX_ALREADY_ACCEPTED	0x00000b0a00000000ULL
#define TDX_CODE		0xffffffff00000000ULL	/* the rest is an operand's id */
#define RSI_INCOMPLETE		3
#define RSI_DEVICE		5
#define ALL			~0ULL

/**
 * struct answers - what one vendor's guest gets
 * @name: of the vendor
 * @mask: the bits of a status that tell
 * @wrong_page: the address shows another page, which is nowhere else
 * @swapped: it shows another page, and its own is at another address
 * @again: it has accepted the page before. 0: that is a success which says that
 *	   nothing has changed
 * @stale: DMA or MMIO with the nonces of another attestation, 0: it has none
 */
static const struct answers {
	const char *name;
	uint64_t mask;
	uint64_t wrong_page;
	uint64_t swapped;
	uint64_t again;
	uint64_t stale;
} answers[] = {
	{ "tdx", TDX_CODE, TDX_INVALID_HPA_OFFSET, TDX_INVALID_HPA_OFFSET,
	  TDX_ALREADY_ACCEPTED, 0 },
	{ "sev", ALL, SEV_TDI_MMIO_NOT_ASSIGNED, SEV_TDI_MMIO_NOT_MAPPED, 0, 0 },
	/* its host cannot map what is not there, nor again: it did not do its part */
	{ "cca", ALL, RSI_INCOMPLETE, RSI_INCOMPLETE, RSI_INCOMPLETE, RSI_DEVICE },
};

static const struct answers *expected(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++)
		if (!strcmp(answers[i].name, world.vendor->name))
			return &answers[i];
	return NULL;
}

/* beside the usual slots: two pages of BAR 2, behind those that fn_accept_mmio() has */
#define PAGE_A		(FN_BAR2_PAGES + 2)
#define PAGE_B		(FN_BAR2_PAGES + 5)
#define GPA_A		RAW_SLOT_GPA
#define GPA_B		(RAW_SLOT_GPA + 0x200000)

struct lie {
	uint32_t slot;
	struct reservation r;
};

/* page @page of BAR 2 at @gpa */
static int lie_begin(FIXTURE_DATA(tvm) *self, struct lie *lie, int i,
		     uint64_t gpa, unsigned int page)
{
	struct kvm_userspace_memory_region2 slot;
	int ret;

	lie->slot = SLOT_SPARE + i;
	ret = reserve(&lie->r, gpa, PAGE);
	if (ret)
		return ret;
	slot = raw_good_slot(self->fn.slot[1].fd, PAGE, &lie->r);
	slot.slot = lie->slot;
	slot.guest_phys_addr = gpa;
	slot.guest_memfd_offset = page * PAGE;
	return -raw_slot(self->vm.vm_fd, &slot) ?:
	       tdi_vm_set_private(self->vm.tdi, gpa, PAGE, true);
}

static void lie_end(FIXTURE_DATA(tvm) *self, struct lie *lie)
{
	if (self->vm.tdi)
		tdi_vm_del_slot(self->vm.tdi, lie->slot);
	unreserve(&lie->r);
}

/* the guest accepts BAR 2's page @page at @gpa and is told @status */
static void must_be_told(struct __test_metadata *_metadata,
			 FIXTURE_DATA(tvm) *self, uint64_t gpa,
			 unsigned int page, uint64_t status)
{
	uint64_t code = 0;
	int ret;

	ret = fn_accept_page(&self->fn, gpa, TEEMU_BAR_MEM, page, &code);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(status, code & expected()->mask)
		note("page %u at %#llx", page, (unsigned long long)gpa);
	/* refused is not half accepted */
	EXPECT_EQ(0, vm_must_fault(&self->vm, gpa));
}

static void must_be_accepted(struct __test_metadata *_metadata,
			     FIXTURE_DATA(tvm) *self, uint64_t gpa,
			     unsigned int page)
{
	uint32_t value = 0;
	uint64_t code = 0;

	EXPECT_EQ(0, fn_accept_page(&self->fn, gpa, TEEMU_BAR_MEM, page, &code));
	EXPECT_EQ(0, code)
		note("page %u at %#llx", page, (unsigned long long)gpa);
	EXPECT_EQ(0, vm_write32(&self->vm, gpa + 8, 0x11110000 + page));
	EXPECT_EQ(0, vm_read32(&self->vm, gpa + 8, &value));
	EXPECT_EQ(0x11110000 + page, value);
}

/* up to where the vendor's guest accepts its MMIO */
static int to_mmio(FIXTURE_DATA(tvm) *self)
{
	return tvm_to_locked(self) ?: fn_run_until(&self->fn, ATTEST_MMIO);
}

TVM_TEST(wrong_page)
{
	struct lie lie = { 0 };

	ASSERT_EQ(0, lie_begin(self, &lie, 0, GPA_A, PAGE_B));
	ASSERT_EQ(0, to_mmio(self));
	must_be_told(_metadata, self, GPA_A, PAGE_A, expected()->wrong_page);
	/* nor is a page of the other BAR what it takes it for */
	EXPECT_EQ(0, fn_accept_mmio(&self->fn, TEEMU_BAR_REGS, 0, 1));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	lie_end(self, &lie);

	/* the same address with the right page */
	ASSERT_EQ(0, lie_begin(self, &lie, 0, GPA_A, PAGE_A));
	ASSERT_EQ(0, to_mmio(self));
	must_be_accepted(_metadata, self, GPA_A, PAGE_A);
	ASSERT_EQ(0, fn_unbind(&self->fn));
	lie_end(self, &lie);
}

/* the report was true when it was read: then the host lets two pages change places */
TVM_TEST(swapped_after_the_report)
{
	struct lie a = { 0 }, b = { 0 };

	ASSERT_EQ(0, to_mmio(self));
	ASSERT_EQ(0, lie_begin(self, &a, 0, GPA_A, PAGE_B));
	ASSERT_EQ(0, lie_begin(self, &b, 1, GPA_B, PAGE_A));
	must_be_told(_metadata, self, GPA_A, PAGE_A, expected()->wrong_page);
	must_be_told(_metadata, self, GPA_B, PAGE_B, expected()->swapped);
	/* the rest of the device is what it was */
	EXPECT_EQ(0, fn_accept_mmio(&self->fn, TEEMU_BAR_REGS, 0, FN_BAR0_PAGES));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	lie_end(self, &a);
	lie_end(self, &b);
}

TVM_TEST(accepted_twice)
{
	uint64_t gpa = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM), code = 0;
	uint32_t value = 0;
	int ret;

	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, vm_write32(&self->vm, gpa, 0x4711));
	ret = fn_accept_page(&self->fn, gpa, TEEMU_BAR_MEM, 0, &code);
	if (expected()->again) {
		EXPECT_EQ(0, ret);
		EXPECT_EQ(expected()->again, code & expected()->mask);
	} else {
		EXPECT_EQ(ATTEST_LIE, ret);
		EXPECT_EQ(0, fn_attest(&self->fn)->seen)
			note("%s", fn_attest(&self->fn)->what);
	}
	/* what it has accepted stays its own */
	EXPECT_EQ(0, vm_read32(&self->vm, gpa, &value));
	EXPECT_EQ(0x4711, value);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
}

/* a report that was read again is another attestation */
TVM_TEST(stale_nonce)
{
	uint64_t old[ATTEST_NONCES], code = 0, gpa;
	struct attest *a = fn_attest(&self->fn);
	int i;

	if (!expected()->stale)
		SKIP(return, "this vendor's guest has no nonces");
	gpa = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM);
	ASSERT_EQ(0, to_mmio(self));
	memcpy(old, a->nonce, sizeof(old));
	ASSERT_EQ(0, fn_read_report(&self->fn));
	EXPECT_NE(0, memcmp(old, a->nonce, sizeof(old)));
	/* each nonce alone */
	for (i = 0; i < ATTEST_NONCES; i++) {
		uint64_t fresh = a->nonce[i];

		a->nonce[i] = old[i] == fresh ? fresh + 1 : old[i];
		must_be_told(_metadata, self, gpa, 0, expected()->stale);
		a->nonce[i] = fresh;
	}
	must_be_accepted(_metadata, self, gpa, 0);

	/* DMA too, and a nonce of an earlier life */
	ASSERT_EQ(0, fn_start(&self->fn));
	memcpy(old, a->nonce, sizeof(old));
	a->nonce[ATTEST_NONCE_LOCK]++;
	EXPECT_EQ(ATTEST_REFUSED, attest_step(a, ATTEST_DMA));
	EXPECT_EQ(expected()->stale, a->seen);
	memcpy(a->nonce, old, sizeof(old));
	EXPECT_EQ(0, fn_accept_dma(&self->fn));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	ASSERT_EQ(0, to_mmio(self));
	EXPECT_NE(old[ATTEST_NONCE_LOCK], a->nonce[ATTEST_NONCE_LOCK]);
	memcpy(a->nonce, old, sizeof(old));
	EXPECT_EQ(0, fn_accept_page(&self->fn, gpa, TEEMU_BAR_MEM, 0, &code));
	EXPECT_EQ(expected()->stale, code);
}

/*
 * Certificates or a report that the host has made up do not hash to what firmware has
 * seen. What was read in one life is tried in the next, with a bit of it changed.
 */
TVM_TEST(made_up)
{
	struct attest *a = fn_attest(&self->fn);
	int ret;

	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_validate(&self->fn));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	ASSERT_EQ(0, tvm_to_locked(self));
	a->certs_digest[7] ^= 1;
	ret = world.tvm->identity(a);
	EXPECT_TRUE(ret == ATTEST_LIE || ret == ATTEST_REFUSED)
		note("certificates: %d", ret);
	a->certs_digest[7] ^= 1;
	EXPECT_EQ(0, world.tvm->identity(a));

	ASSERT_EQ(0, fn_read_report(&self->fn));
	/* the TDX module reads the report itself: no digest to compare */
	if (!strcmp(world.vendor->name, "tdx"))
		return;
	a->report_digest[47] ^= 1;
	EXPECT_EQ(ATTEST_LIE, world.tvm->report(a));
	a->report_digest[47] ^= 1;
	EXPECT_EQ(0, world.tvm->report(a));
}

TVM_MAIN
