// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves of 2 MiB and 1 GiB; registers of an IOMMU, the shared half, the service
 * TD's and the guest's lesser calls; the vendor's tables themselves.
 */
#include <linux/seq_file.h>

#include "tdx_fw_rig.h"

#define MANY		4096		/* leaves of 2 MiB */
#define CALLS_SIZE	(16 * 1024)

/* a function that is locked and attested, and nothing mapped */
static void one_devif(struct kunit *test)
{
	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	tdx_lock(test, 0);
	tdx_accept(test, 0, 0);
}

static u64 report_page(u64 hpa)
{
	return (hpa + RIG_OFFSET) >> PAGE_SHIFT;
}

static u64 map_leaf(struct rig *rig, u64 gpa, unsigned int level, u64 hpa)
{
	u64 status;

	status = tdh_mmio_mt_set(rig->fw, hpa, level, TDX_MMIOMT_DATA,
				 rig->devif[0]);
	return status ?: tdh_mmio_map(rig->fw, gpa, level, rig->td[0].tdr, hpa);
}

static u64 accept_leaf(struct rig *rig, u64 gpa, unsigned int level, u64 hpa)
{
	return tdg_mmio_accept(rig->fw, rig->td[0].tdr, gpa, level,
			       report_page(hpa));
}

static u64 unmap_leaf(struct rig *rig, u64 gpa, unsigned int level)
{
	u64 td = rig->td[0].tdr, hpa, status;

	status = tdh_mmio_block(rig->fw, gpa, level, td) ?:
		 tdh_mem_track(rig->fw, td) ?:
		 tdh_mmio_unmap(rig->fw, gpa, level, td, &hpa);
	return status ?: tdh_mmio_mt_set(rig->fw, hpa, level,
					 TDX_MMIOMT_QNODE, 0);
}

static bool accepted(struct rig *rig, u64 gpa, u64 hpa)
{
	return tdx_fw_mmio_accepted(rig->fw, rig->td[0].tdr, gpa, hpa);
}

/* the tree of metadata: levels, what keeps a leaf and a page below apart */
static void mmiomt_levels(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 hpa = RIG_BIG_HPA, top = ALIGN_DOWN(hpa, TDX_LEAF_SIZE(3)), page;
	struct tdx_mmiomt_entry entry;

	one_devif(test);
	for (unsigned int level = 0; level < 6; level++)
		if (!level || level > TDX_MMIOMT_TOP)
			VIOLATES(TDX_OPERAND_INVALID,
				 tdh_mmio_mt_add(fw, 0, level, tdx_page(rig)));
	VIOLATES(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_add(fw, hpa, 2, tdx_page(rig)));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_add(fw, hpa, 3, tdx_page(rig)));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_add(fw, BIT_ULL(52), 3, tdx_page(rig)));
	OK(tdh_mmio_mt_add(fw, top, 3, tdx_page(rig)));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_add(fw, top, 3, tdx_page(rig)));
	VIOLATES(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_add(fw, hpa, 1, tdx_page(rig)));
	VIOLATES(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_set(fw, hpa, 1, TDX_MMIOMT_DATA, rig->devif[0]));
	HARMLESS(TDX_MMIOMT_NOT_PRESENT, tdh_mmio_mt_rd(fw, hpa, 1, &entry));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_set(fw, hpa, 3, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_set(fw, hpa + SZ_2M, 2, TDX_MMIOMT_DATA,
				 rig->devif[0]));

	/* a DATA leaf keeps a page out, a page keeps a DATA leaf out */
	OK(tdh_mmio_mt_set(fw, hpa, 2, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_add(fw, hpa, 2, tdx_page(rig)));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_remove(fw, top, 3, &page));
	OK(tdh_mmio_mt_set(fw, hpa, 2, TDX_MMIOMT_QNODE, 0));
	OK(tdh_mmio_mt_add(fw, hpa, 2, tdx_page(rig)));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, hpa, 2, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, hpa, 2, TDX_MMIOMT_QNODE, 0));
	OK(tdh_mmio_mt_rd(fw, hpa, 2, &entry));
	KUNIT_EXPECT_EQ(test, entry.type, TDX_MMIOMT_QNODE);
	KUNIT_EXPECT_TRUE(test, entry.table);
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_remove(fw, top, 3, &page));
	OK(tdh_mmio_mt_remove(fw, hpa, 2, &page));
	OK(tdh_mmio_mt_remove(fw, top, 3, &page));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_remove(fw, top, 3, &page));
}

/* a leaf of each larger level, from MAP to UNMAP, and what each 4 KiB of it shows */
static void big_leaf(struct kunit *test, unsigned int level)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 gpa = RIG_BIG_GPA, hpa = RIG_BIG_HPA, td, at, back;
	u64 last = TDX_LEAF_SIZE(level) - PAGE_SIZE;
	struct tdx_sept_entry entry;

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_add_mmiomt(test, hpa, level + 1);
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_map(fw, gpa, level, td, hpa));
	OK(tdh_mmio_mt_set(fw, hpa, level, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_map(fw, gpa + PAGE_SIZE, level, td, hpa));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_map(fw, gpa, level, td, hpa + PAGE_SIZE));
	VIOLATES(TDX_OPERAND_INVALID, tdh_mmio_map(fw, gpa, 3, td, hpa));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_map(fw, TDX_GPA_SHARED, level, td, hpa));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_block(fw, gpa, level, td));
	OK(tdh_mmio_map(fw, gpa, level, td, hpa));
	KUNIT_EXPECT_STREQ(test, fw->ref.seen, "CONFIG_LOCKED");
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_map(fw, gpa, level, td, hpa));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_map(fw, gpa + TDX_LEAF_SIZE(level), level, td, hpa));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, hpa, level, TDX_MMIOMT_QNODE, 0));

	/* the TD takes it as it is mapped or not at all */
	KUNIT_EXPECT_FALSE(test, accepted(rig, gpa, hpa));
	for (unsigned int other = 0; other < TDX_NR_LEVELS; other++)
		if (other != level)
			HARMLESS(TDX_MMIO_ACCEPT_SIZE_MISMATCH,
				 accept_leaf(rig, gpa, other, hpa));
	HARMLESS(TDX_OPERAND_INVALID,
		 accept_leaf(rig, gpa + PAGE_SIZE, level, hpa));
	HARMLESS(TDX_OPERAND_INVALID, accept_leaf(rig, gpa, 3, hpa));
	HARMLESS(TDX_MMIO_INVALID_HPA_OFFSET,
		 accept_leaf(rig, gpa, level, hpa + PAGE_SIZE));
	OK(accept_leaf(rig, gpa, level, hpa));
	HARMLESS(TDX_PAGE_ALREADY_ACCEPTED, accept_leaf(rig, gpa, level, hpa));
	HARMLESS(TDX_PAGE_ALREADY_ACCEPTED, accept_leaf(rig, gpa, 0, hpa));

	/* inside */
	KUNIT_EXPECT_TRUE(test, accepted(rig, gpa, hpa));
	KUNIT_EXPECT_TRUE(test, accepted(rig, gpa + last, hpa + last));
	KUNIT_EXPECT_FALSE(test, accepted(rig, gpa + last, hpa));
	KUNIT_EXPECT_FALSE(test, accepted(rig, gpa + last + PAGE_SIZE,
					  hpa + last + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, accepted(rig, gpa - PAGE_SIZE, hpa - PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, accepted(rig, gpa + 1, hpa + 1));
	OK(tdh_mem_sept_rd(fw, td, gpa + last, &entry));
	KUNIT_EXPECT_EQ(test, entry.state, TDX_SEPT_MMIO_MAPPED);
	KUNIT_EXPECT_EQ(test, entry.level, level);
	KUNIT_EXPECT_EQ(test, entry.hpa, hpa + last);
	at = 0;
	KUNIT_EXPECT_TRUE(test, tdx_fw_next_mmio(fw, td, &at, ~0ULL, &entry));
	KUNIT_EXPECT_EQ(test, at, gpa);
	at = gpa + last;
	KUNIT_EXPECT_TRUE(test, tdx_fw_next_mmio(fw, td, &at, ~0ULL, &entry));
	KUNIT_EXPECT_EQ(test, at, gpa);
	KUNIT_EXPECT_EQ(test, entry.hpa, hpa);
	at = gpa + TDX_LEAF_SIZE(level);
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_mmio(fw, td, &at, ~0ULL, &entry));
	at = 0;
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_mmio(fw, td, &at, gpa, &entry));
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_page(fw, td, &at, ~0ULL, &entry));
	for (unsigned int other = 0; other < level; other++)
		VIOLATES(TDX_EPT_WALK_FAILED,
			 tdh_mmio_block(fw, gpa, other, td));

	/* and out again */
	OK(tdh_mmio_block(fw, gpa, level, td));
	KUNIT_EXPECT_FALSE(test, accepted(rig, gpa, hpa));
	HARMLESS(TDX_EPT_ENTRY_STATE_INCORRECT,
		 accept_leaf(rig, gpa, level, hpa));
	VIOLATES(TDX_TLB_TRACKING_NOT_DONE,
		 tdh_mmio_unmap(fw, gpa, level, td, &back));
	OK(tdh_mem_track(fw, td));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdh_mmio_unmap(fw, gpa, level, td, &back));
	VIOLATES(TDX_DEVIF_INVALID_STATE, tdh_devif_remove(fw, rig->devif[0]));
	tdx_stop(test, 0);
	VIOLATES(TDX_DEVIF_HAS_MAPPED_MMIO, tdh_devif_remove(fw, rig->devif[0]));
	OK(tdh_mmio_unmap(fw, gpa, level, td, &back));
	KUNIT_EXPECT_EQ(test, back, hpa);
	OK(tdh_devif_remove(fw, rig->devif[0]));
	OK(tdh_mmio_mt_set(fw, hpa, level, TDX_MMIOMT_QNODE, 0));
	for (unsigned int i = level + 1; i <= TDX_MMIOMT_TOP; i++)
		OK(tdh_mmio_mt_remove(fw, ALIGN_DOWN(hpa, TDX_LEAF_SIZE(i)), i,
				      &back));
	tdx_del_devifmt(test);
	tdx_del_td(test, 0);
	tdx_del_stream(test);
	tdx_expect_empty(test);
}

static void leaf_2m(struct kunit *test)
{
	big_leaf(test, TDX_LEVEL_2M);
}

static void leaf_1g(struct kunit *test)
{
	big_leaf(test, TDX_LEVEL_1G);
}

/* S-EPT pages and leaves of all levels keep each other out */
static void levels_collide(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 gpa = RIG_BIG_GPA, hpa = RIG_BIG_HPA, td, page;

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_add_mmiomt(test, hpa, 2);
	OK(tdh_mmio_mt_set(fw, hpa + SZ_1G, 2, TDX_MMIOMT_DATA, rig->devif[0]));
	OK(tdh_mmio_mt_set(fw, hpa, 1, TDX_MMIOMT_DATA, rig->devif[0]));

	/* an S-EPT page in the way, empty though it is */
	page = tdx_page(rig);
	OK(tdh_mem_sept_add(fw, td, gpa + SZ_2M, page));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_map(fw, gpa, 2, td, hpa + SZ_1G));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_map(fw, gpa + SZ_2M, 1, td, hpa));
	HARMLESS(TDX_MMIO_ACCEPT_SIZE_MISMATCH,
		 accept_leaf(rig, gpa + SZ_2M, 1, hpa));
	/* a 2 MiB leaf beside it */
	OK(tdh_mmio_map(fw, gpa, 1, td, hpa));
	OK(tdh_mem_sept_remove(fw, td, gpa + SZ_2M, &page));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_map(fw, gpa, 2, td, hpa + SZ_1G));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_sept_add(fw, td, gpa, page));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_block(fw, gpa, 2, td));
	VIOLATES(TDX_EPT_WALK_FAILED, tdh_mem_page_add(fw, td, gpa, RIG_HPA));
	tdx_stop(test, 0);
	OK(unmap_leaf(rig, gpa, 1));

	/* a 1 GiB leaf */
	OK(tdh_mmio_map(fw, gpa, 2, td, hpa + SZ_1G));
	OK(tdh_mmio_mt_set(fw, hpa, 1, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_EPT_WALK_FAILED,
		 tdh_mmio_map(fw, gpa + SZ_2M, 1, td, hpa));
	VIOLATES(TDX_EPT_WALK_FAILED, tdh_mmio_map(fw, gpa, 1, td, hpa));
	VIOLATES(TDX_EPT_WALK_FAILED,
		 tdh_mem_sept_add(fw, td, gpa + SZ_2M, page));
	VIOLATES(TDX_EPT_WALK_FAILED, tdh_mem_sept_add(fw, td, gpa, page));
	OK(tdh_mmio_map(fw, gpa + SZ_1G, 1, td, hpa));
	OK(unmap_leaf(rig, gpa, 2));
	OK(unmap_leaf(rig, gpa + SZ_1G, 1));
	KUNIT_EXPECT_EQ(test, fw->nr_mmio, 0);
}

/* trusted DMA does not reach MMIO, in a leaf of any level, nor the shared half */
static void dma_to_leaf(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hpa;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	tdx_add_mmiomt(test, RIG_BIG_HPA, 2);
	OK(map_leaf(rig, RIG_BIG_GPA, 1, RIG_BIG_HPA));
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA, &hpa), 0);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_BIG_GPA + SZ_1M, &hpa),
			-EACCES);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_BIG_GPA + SZ_2M, &hpa),
			-ENOENT);
	OK(tdh_mem_shared_sept_wr(rig->fw, rig->td[0].tdr, TDX_GPA_SHARED,
				  tdx_page(rig)));
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, TDX_GPA_SHARED | RIG_GPA,
				       &hpa), -EACCES);
}

/* a fatal TD's leaf cannot be unmapped: it is gone with the TD, and not before */
static void leaf_of_fatal_td(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 hpa = RIG_BIG_HPA, td, back;
	struct tdx_mmiomt_entry entry;

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_add_mmiomt(test, hpa, 2);
	OK(map_leaf(rig, RIG_BIG_GPA, 1, hpa));
	OK(tdx_fw_td_set_fatal(fw, td));
	tdx_stop(test, 0);
	HARMLESS(TDX_TD_FATAL, tdh_mmio_block(fw, RIG_BIG_GPA, 1, td));
	OK(tdh_devif_remove(fw, rig->devif[0]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, hpa, 1, TDX_MMIOMT_QNODE, 0));
	KUNIT_EXPECT_EQ(test, fw->nr_mmio, 1);
	tdx_del_td(test, 0);
	KUNIT_EXPECT_EQ(test, fw->nr_mmio, 0);
	OK(tdh_mmio_mt_rd(fw, hpa, 1, &entry));
	KUNIT_EXPECT_FALSE(test, entry.mapped);
	/* nor is it of a new TD that has the same page */
	rig->next_page = td - PAGE_SIZE;
	tdx_build_td(test, 0);
	KUNIT_ASSERT_EQ(test, rig->td[0].tdr, td);
	OK(tdh_mmio_mt_rd(fw, hpa, 1, &entry));
	KUNIT_EXPECT_FALSE(test, entry.mapped);
	OK(tdh_mmio_mt_set(fw, hpa, 1, TDX_MMIOMT_QNODE, 0));
	OK(tdh_mmio_mt_remove(fw, hpa, 2, &back));
}

/* many leaves, small and large side by side, found in order */
static void many_leaves(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 gpa = RIG_BIG_GPA, hpa = RIG_BIG_HPA, td, at;
	struct tdx_sept_entry entry;
	int found = 0;

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_add_mmiomt(test, hpa, 3);
	for (int i = 0; i < MANY; i++) {
		if (!(i % FW_ENTRIES))
			OK(tdh_mmio_mt_add(rig->fw, hpa + (u64)i * SZ_2M, 2,
					   tdx_page(rig)));
		OK(map_leaf(rig, gpa + (u64)i * SZ_2M, 1, hpa + (u64)i * SZ_2M));
	}
	tdx_add_mmiomt(test, RIG_MMIO_HPA, 1);
	tdx_add_sept(test, 0, gpa - SZ_2M);
	OK(map_leaf(rig, gpa - PAGE_SIZE, 0, RIG_MMIO_HPA));
	at = 0;
	while (tdx_fw_next_mmio(rig->fw, td, &at, ~0ULL, &entry)) {
		KUNIT_ASSERT_EQ(test, entry.level, !!found);
		KUNIT_ASSERT_EQ(test, at, !found ? gpa - PAGE_SIZE :
				gpa + (u64)(found - 1) * SZ_2M);
		at += TDX_LEAF_SIZE(entry.level);
		found++;
	}
	KUNIT_EXPECT_EQ(test, found, MANY + 1);
	tdx_stop(test, 0);
	for (int i = 0; i < MANY; i++)
		OK(unmap_leaf(rig, gpa + (u64)i * SZ_2M, 1));
	OK(unmap_leaf(rig, gpa - PAGE_SIZE, 0));
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

static void iommu_registers(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 root = tdx_page(rig), queue = tdx_page(rig), value, page;

	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_setreg(fw, TDX_FW_NR_IOMMUS, TDX_IOMMU_CLEAR, 0));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_getreg(fw, TDX_FW_NR_IOMMUS, TDX_IOMMU_STATE, &value));
	VIOLATES(TDX_OPERAND_INVALID, tdh_iommu_setreg(fw, 0, 9, 0));
	VIOLATES(TDX_OPERAND_INVALID, tdh_iommu_getreg(fw, 0, 9, &value));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_STATE, TDX_IOMMU_INIT));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_getreg(fw, 0, TDX_IOMMU_CONFIG, &value));
	OK(tdh_iommu_getreg(fw, 0, TDX_IOMMU_STATE, &value));
	KUNIT_EXPECT_EQ(test, value, TDX_IOMMU_CONFIGURED);

	/* CONFIGURED: pages are fixed, and CLEAR wants empty tables */
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, root));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CONFIG, 0));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CLEAR, 1));
	OK(tdh_dmar_add(fw, 0, TDX_DMAR_RTE, RIG_RID, tdx_page(rig)));
	VIOLATES(TDX_IOMMU_MT_PAGE_IN_USE,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CLEAR, 0));
	OK(tdh_dmar_block(fw, 0, TDX_DMAR_RTE, RIG_RID));
	OK(tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, TDX_DMAR_RTE, RIG_RID));
	OK(tdh_iq_inv_process(fw, 0, false));
	OK(tdh_dmar_remove(fw, 0, TDX_DMAR_RTE, RIG_RID, &page));
	OK(tdh_spdm_create(fw, 0, RIG_SPDM, page));
	VIOLATES(TDX_IOMMU_MT_PAGE_IN_USE,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CLEAR, 0));
	OK(tdh_spdm_delete(fw, 0, RIG_SPDM));
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_CLEAR, 0));

	/* INIT: nothing works but giving it its pages */
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CLEAR, 0));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_dmar_add(fw, 0, TDX_DMAR_RTE, RIG_RID, page));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_spdm_create(fw, 0, RIG_SPDM, page));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, page));
	OK(tdh_dmar_add(fw, 1, TDX_DMAR_RTE, RIG_RID, page));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CONFIG, 0));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, 0));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, root + 1));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, page));
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, root));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, queue));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_IQPAGE, root));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_iommu_setreg(fw, 0, TDX_IOMMU_CONFIG, 0));
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_IQPAGE, queue));
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_CONFIG, 0));
	OK(tdh_iommu_getreg(fw, 0, TDX_IOMMU_RTPAGE, &value));
	KUNIT_EXPECT_EQ(test, value, root);
	OK(tdh_iommu_getreg(fw, 0, TDX_IOMMU_IQPAGE, &value));
	KUNIT_EXPECT_EQ(test, value, queue);

	/* and the pages come back */
	VIOLATES(TDX_PAGE_METADATA_INCORRECT, tdh_spdm_create(fw, 0, 1, root));
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_CLEAR, 0));
	OK(tdh_iommu_getreg(fw, 0, TDX_IOMMU_RTPAGE, &value));
	KUNIT_EXPECT_EQ(test, value, 0);
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_RTPAGE, queue));
	OK(tdh_iommu_setreg(fw, 0, TDX_IOMMU_IQPAGE, root));
}

static void shared_half(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 td, table = tdx_page(rig), gpa = TDX_GPA_SHARED + 3 * TDX_SHARED_SPAN;

	tdx_build_td(test, 0);
	td = rig->td[0].tdr;
	VIOLATES(TDX_OPERAND_INVALID, tdh_mem_shared_sept_wr(fw, table, gpa, table));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_shared_sept_wr(fw, td, TDX_SHARED_SPAN, table));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_shared_sept_wr(fw, td, gpa + SZ_1G, table));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_shared_sept_wr(fw, td, 2 * TDX_GPA_SHARED, table));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_shared_sept_wr(fw, td, 3 * TDX_GPA_SHARED, table));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_shared_sept_wr(fw, td, gpa, table + 1));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_mem_shared_sept_wr(fw, td, gpa, rig->td[0].vp));
	OK(tdh_mem_shared_sept_wr(fw, td, gpa, table));
	OK(tdh_mem_shared_sept_wr(fw, td, 2 * TDX_GPA_SHARED - TDX_SHARED_SPAN,
				  table));
	OK(tdh_mem_shared_sept_wr(fw, td, gpa, 0));
	/* no private memory there */
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_sept_add(fw, td, TDX_GPA_SHARED, table));
	OK(tdx_fw_td_set_fatal(fw, td));
	HARMLESS(TDX_TD_FATAL, tdh_mem_shared_sept_wr(fw, td, gpa, table));
}

static void tpa_get(struct kunit *test)
{
	static const u8 other[] = "another chain";
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u8 pkh[TDX_FW_PKH_SIZE];
	u64 td;

	VIOLATES(TDX_SPDM_ENTRY_NOT_PRESENT,
		 tdg_spdm_tpa_get(fw, RIG_IOMMU, RIG_SPDM, pkh));
	tdx_build_td(test, 0);
	td = rig->td[0].tdr;
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	tdx_lock(test, 0);
	OK(tdg_spdm_tpa_get(fw, RIG_IOMMU, RIG_SPDM, pkh));
	KUNIT_EXPECT_MEMEQ(test, pkh, rig->pkh, sizeof(pkh));
	VIOLATES(TDX_SPDM_INVALID_STATE,
		 tdg_spdm_tpa_get(fw, RIG_IOMMU, RIG_SPDM, pkh));
	HARMLESS(TDX_SPDM_INVALID_STATE,
		 tdg_devif_validate(fw, td, rig->devif[0], rig->pkh));
	VIOLATES(TDX_SPDM_INVALID_STATE,
		 tdh_devif_create(fw, rig->devif[1], td, &rig->pages[0]));
	/* bound again, to what the device says now */
	OK(tdg_spdm_tpa_set(fw, RIG_IOMMU, RIG_SPDM, other, sizeof(other)));
	HARMLESS(TDX_DEVIF_PKH_MISMATCH,
		 tdg_devif_validate(fw, td, rig->devif[0], rig->pkh));
	OK(tdg_spdm_tpa_get(fw, RIG_IOMMU, RIG_SPDM, pkh));
	OK(tdg_spdm_tpa_set(fw, RIG_IOMMU, RIG_SPDM, other, sizeof(other)));
	OK(tdg_devif_validate(fw, td, rig->devif[0], pkh));
}

/* the TD's own invalidation: never in the host's way for longer than a process() */
static void guest_invalidation(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 td, id = rig->devif[0];

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	tdx_build_td(test, 1);
	td = rig->td[0].tdr;
	HARMLESS(TDX_OPERAND_INVALID, tdg_iq_inv_request(fw, RIG_HPA, id));
	HARMLESS(TDX_DEVIFMT_NOT_PRESENT,
		 tdg_iq_inv_request(fw, td, rig->devif[1]));
	HARMLESS(TDX_DEVIF_INVALID_METADATA,
		 tdg_iq_inv_request(fw, rig->td[1].tdr, id));
	OK(tdg_iq_inv_request(fw, td, id));
	KUNIT_EXPECT_EQ(test, fw->iommu[RIG_IOMMU].iq_len, 1);
	for (int i = 0; i < 2 * TDX_FW_IQ_LEN; i++)
		HARMLESS(TDX_OPERAND_BUSY, tdg_iq_inv_request(fw, td, id));
	OK(tdh_iq_inv_process(fw, RIG_IOMMU, true));
	KUNIT_EXPECT_EQ(test, fw->iommu[RIG_IOMMU].iq_len, 0);
	OK(tdg_iq_inv_request(fw, td, id));
	/* while its entry goes the TD has nothing to ask for */
	OK(tdh_dmar_block(fw, RIG_IOMMU, TDX_DMAR_PASIDTE, id));
	HARMLESS(TDX_OPERAND_BUSY, tdg_iq_inv_request(fw, td, id));
	OK(tdh_iq_inv_process(fw, RIG_IOMMU, true));
	HARMLESS(TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED,
		 tdg_iq_inv_request(fw, td, id));
}

/* the tables: nothing twice, nothing empty, and every line that is promised */
static void tables_of_calls(struct kunit *test)
{
	static const char * const lines[] = {
		"call\t1\tTDH.MNG.ADDCX\thost\ttvm\tC\t4\t\n",
		"\ncall\t72\tTDG.IQ.INV.REQUEST\tguest\tdma\tM\t0\t",
		"\ncall\t65\tTDG.SPDM.TPA.GET\tservice\tlink\tC\t0\t",
		"\nstatus\t0x0\tSUCCESS\tnormal\n",
		"\nstatus\t0xc0000f3a00000000\tTD_HAS_ATTACHED_DEVICES\terror\n",
		"\nleft_out\tTD build",
	};
	const struct tio_personality *who = &tdx_fw_personality;
	struct rig *rig = test->priv;
	struct seq_file m = { .size = CALLS_SIZE };

	KUNIT_EXPECT_EQ(test, who->status[0].code, TDX_SUCCESS);
	for (size_t i = 0; i < who->nr_calls; i++) {
		KUNIT_EXPECT_PTR_EQ(test, tio_call_name(who, who->calls[i].nr),
				    who->calls[i].name);
		KUNIT_EXPECT_NOT_NULL(test, strchr("CPSM", who->calls[i].basis));
		KUNIT_EXPECT_NOT_NULL(test, who->calls[i].note);
		KUNIT_EXPECT_NULL(test, strchr(who->calls[i].note, '\t'));
		/* what is inferred is said */
		if (who->calls[i].basis == 'M')
			KUNIT_EXPECT_STRNEQ(test, who->calls[i].note, "");
	}
	for (size_t i = 0; i < who->nr_status; i++) {
		u64 code = who->status[i].code;

		KUNIT_EXPECT_EQ(test, code & ~who->status_mask, 0);
		KUNIT_EXPECT_PTR_EQ(test, tio_status_name(who, code | 3),
				    who->status[i].name);
		if (!TDX_IS_ERROR(code))
			KUNIT_EXPECT_TRUE(test, who->status[i].normal);
	}
	KUNIT_EXPECT_NULL(test, tio_status_name(who, ~0ULL));
	KUNIT_EXPECT_NULL(test, tio_call_name(who, ~0));

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	tdx_build_td(test, 0);
	KUNIT_EXPECT_EQ(test, tio_calls(&rig->fw->ref, TIO_AREA_TVM),
			rig->fw->ref.calls);
	KUNIT_EXPECT_EQ(test, tio_calls(&rig->fw->ref, TIO_AREA_MMIO), 0);
	fw_teemu_ops.calls(rig->fw, &m);
	KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&m));
	for (int i = 0; i < ARRAY_SIZE(lines); i++)
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(m.buf, lines[i]), "%s",
					  lines[i]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(mmiomt_levels),
	KUNIT_CASE(leaf_2m),
	KUNIT_CASE(leaf_1g),
	KUNIT_CASE(levels_collide),
	KUNIT_CASE(dma_to_leaf),
	KUNIT_CASE(leaf_of_fatal_td),
	KUNIT_CASE(many_leaves),
	KUNIT_CASE(iommu_registers),
	KUNIT_CASE(shared_half),
	KUNIT_CASE(tpa_get),
	KUNIT_CASE(guest_invalidation),
	KUNIT_CASE(tables_of_calls),
	{}
};

static struct kunit_suite suite = {
	.name = "tdx_fw_level",
	.init = tdx_init,
	.exit = tdx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
