// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each host call on TDs, memory, sessions, streams, tables and MMIO: what it
 * refuses, with the exact status, and that the refusal changes nothing.
 */
#include <linux/seq_file.h>

#include "tdx_fw_rig.h"

static void td_build(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td = tdx_page(rig), page = tdx_page(rig), other = tdx_page(rig);

	VIOLATES(TDX_OPERAND_INVALID, tdh_mng_create(rig->fw, td, 64));
	VIOLATES(TDX_OPERAND_INVALID, tdh_mng_create(rig->fw, td + 1, 3));
	VIOLATES(TDX_OPERAND_INVALID, tdh_mng_key_config(rig->fw, td));
	OK(tdh_mng_create(rig->fw, td, 3));
	VIOLATES(TDX_HKID_NOT_FREE, tdh_mng_create(rig->fw, page, 3));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT, tdh_mng_create(rig->fw, td, 4));

	VIOLATES(TDX_TD_KEYS_NOT_CONFIGURED, tdh_mng_addcx(rig->fw, td, page));
	OK(tdh_mng_key_config(rig->fw, td));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT, tdh_mng_key_config(rig->fw, td));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_mng_init(rig->fw, td));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_vp_create(rig->fw, td, page));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_mem_track(rig->fw, td));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT, tdh_mng_addcx(rig->fw, td, td));
	for (int i = 0; i < TDX_FW_MIN_TDCS; i++)
		OK(tdh_mng_addcx(rig->fw, td, tdx_page(rig)));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_mr_finalize(rig->fw, td));
	OK(tdh_mng_init(rig->fw, td));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_mng_init(rig->fw, td));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_mng_addcx(rig->fw, td, page));
	OK(tdh_vp_create(rig->fw, td, page));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT, tdh_vp_create(rig->fw, td, page));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_vp_enter(rig->fw, page));
	OK(tdh_mr_finalize(rig->fw, td));
	VIOLATES(TDX_OP_STATE_INCORRECT, tdh_mr_finalize(rig->fw, td));
	VIOLATES(TDX_OPERAND_INVALID, tdh_vp_enter(rig->fw, other));
	OK(tdh_vp_enter(rig->fw, page));
}

static void td_end(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_td *td = &rig->td[0];

	tdx_build_td(test, 0);
	tdx_add_mem(test, 0);
	HARMLESS(TDX_FLUSHVP_NOT_DONE, tdh_mng_vpflushdone(rig->fw, td->tdr));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT,
		 tdh_mng_key_freeid(rig->fw, td->tdr));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, td->tdr));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, RIG_HPA));
	OK(tdh_vp_flush(rig->fw, td->vp));
	HARMLESS(TDX_VCPU_NOT_ASSOCIATED, tdh_vp_flush(rig->fw, td->vp));
	OK(tdh_mng_vpflushdone(rig->fw, td->tdr));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT,
		 tdh_mng_vpflushdone(rig->fw, td->tdr));
	VIOLATES(TDX_TD_KEYS_NOT_CONFIGURED, tdh_vp_enter(rig->fw, td->vp));
	VIOLATES(TDX_TD_KEYS_NOT_CONFIGURED,
		 tdh_mmio_block(rig->fw, RIG_GPA, 0, td->tdr));
	OK(tdh_mng_key_freeid(rig->fw, td->tdr));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT,
		 tdh_mng_key_freeid(rig->fw, td->tdr));
	VIOLATES(TDX_TD_ASSOCIATED_PAGES_EXIST,
		 tdh_phymem_page_reclaim(rig->fw, td->tdr));
	VIOLATES(TDX_TD_ASSOCIATED_PAGES_EXIST,
		 tdh_phymem_page_reclaim(rig->fw, td->sept[0]));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, tdx_page(rig)));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, td->tdr + 1));
}

/* the whole life of a TD without devices leaves nothing and no violation */
static void td_life(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_td(test, 0);
	tdx_add_mem(test, 0);
	tdx_del_td(test, 0);
	tdx_expect_empty(test);
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

/* a TD that never got its control structure can go without a look at devices */
static void td_unbuilt_end(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td = tdx_page(rig);

	OK(tdh_mng_create(rig->fw, td, 3));
	OK(tdh_mng_key_config(rig->fw, td));
	OK(tdh_mng_vpflushdone(rig->fw, td));
	OK(tdh_mng_key_freeid(rig->fw, td));
	OK(tdh_phymem_page_reclaim(rig->fw, td));
	tdx_expect_empty(test);
}

static void sept_pages(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_sept_entry entry;
	u64 td, page, hpa;

	tdx_build_td(test, 0);
	tdx_build_td(test, 1);
	td = rig->td[0].tdr;
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_sept_add(rig->fw, tdx_page(rig), RIG_GPA, RIG_HPA));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_sept_add(rig->fw, td, RIG_GPA + PAGE_SIZE, RIG_HPA));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_sept_add(rig->fw, td, 1ULL << 52, RIG_HPA));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_mem_sept_add(rig->fw, td, RIG_GPA, td));
	VIOLATES(TDX_EPT_WALK_FAILED,
		 tdh_mem_page_add(rig->fw, td, RIG_GPA, RIG_HPA));
	VIOLATES(TDX_EPT_WALK_FAILED,
		 tdh_mem_sept_remove(rig->fw, td, RIG_GPA, &page));
	HARMLESS(TDX_EPT_WALK_FAILED,
		 tdh_mem_sept_rd(rig->fw, td, RIG_GPA, &entry));
	tdx_add_mem(test, 0);
	tdx_add_mem(test, 1);
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_sept_add(rig->fw, td, RIG_GPA, tdx_page(rig)));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_sept_remove(rig->fw, td, RIG_GPA, &page));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_page_add(rig->fw, td, RIG_GPA, tdx_page(rig)));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mem_page_add(rig->fw, td, RIG_GPA + 1, tdx_page(rig)));
	/* a page can be in one TD only, and once */
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_mem_page_add(rig->fw, td, RIG_GPA + 2 * PAGE_SIZE, RIG_HPA));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_mem_page_add(rig->fw, rig->td[1].tdr,
				  RIG_GPA + 2 * PAGE_SIZE, RIG_HPA));
	OK(tdh_mem_sept_rd(rig->fw, td, RIG_GPA, &entry));
	KUNIT_EXPECT_EQ(test, entry.state, TDX_SEPT_MAPPED);
	KUNIT_EXPECT_EQ(test, entry.hpa, RIG_HPA);

	VIOLATES(TDX_GPA_RANGE_NOT_BLOCKED,
		 tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	OK(tdh_mem_range_block(rig->fw, td, RIG_GPA));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_range_block(rig->fw, td, RIG_GPA));
	VIOLATES(TDX_TLB_TRACKING_NOT_DONE,
		 tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	OK(tdh_mem_track(rig->fw, td));
	OK(tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	KUNIT_EXPECT_EQ(test, hpa, RIG_HPA);
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	/* and may be given again */
	OK(tdh_mem_page_add(rig->fw, td, RIG_GPA, hpa));
}

static void sept_next(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_sept_entry entry;
	u64 gpa = 0, td;

	tdx_build_td(test, 0);
	td = rig->td[0].tdr;
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_page(rig->fw, td, &gpa, ~0ULL,
						  &entry));
	tdx_add_sept(test, 0, RIG_GPA + 2 * TDX_SEPT_SPAN);
	tdx_add_mem(test, 0);
	KUNIT_EXPECT_TRUE(test, tdx_fw_next_page(rig->fw, td, &gpa, ~0ULL,
						 &entry));
	KUNIT_EXPECT_EQ(test, gpa, RIG_GPA);
	gpa++;
	KUNIT_EXPECT_TRUE(test, tdx_fw_next_page(rig->fw, td, &gpa, ~0ULL,
						 &entry));
	KUNIT_EXPECT_EQ(test, gpa, RIG_GPA + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, entry.hpa, RIG_HPA + PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_page(rig->fw, td, &gpa, gpa,
						  &entry));
	gpa += PAGE_SIZE;
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_page(rig->fw, td, &gpa, ~0ULL,
						  &entry));
	gpa = 0;
	KUNIT_EXPECT_FALSE(test, tdx_fw_next_mmio(rig->fw, td, &gpa, ~0ULL,
						  &entry));
}

static void spdm_objects(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 page = tdx_page(rig);
	u8 chain = 0;

	VIOLATES(TDX_OPERAND_INVALID, tdh_spdm_create(rig->fw, 4, 1, page));
	VIOLATES(TDX_SPDM_ENTRY_NOT_PRESENT, tdh_spdm_delete(rig->fw, 0, 1));
	VIOLATES(TDX_SPDM_ENTRY_NOT_PRESENT,
		 tdg_spdm_tpa_set(rig->fw, 0, 1, &chain, 1));
	OK(tdh_spdm_create(rig->fw, 0, 1, page));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_spdm_create(rig->fw, 0, 2, page));
	VIOLATES(TDX_SPDM_ENTRY_ALREADY_PRESENT,
		 tdh_spdm_create(rig->fw, 0, 1, tdx_page(rig)));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, page));
	OK(tdg_spdm_tpa_set(rig->fw, 0, 1, &chain, 1));
	VIOLATES(TDX_SPDM_INVALID_STATE,
		 tdg_spdm_tpa_set(rig->fw, 0, 1, &chain, 1));
	OK(tdh_spdm_delete(rig->fw, 0, 1));
	tdx_expect_empty(test);
}

static void ide_create(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_ide_assoc assoc = {
		.rid_base = 0x200, .rid_limit = 0x207,
		.mem_base = 0x1000000, .mem_limit = 0x1ffffff,
	};

	tdx_build_stream(test);
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_ide_stream_create(rig->fw, 4, 1, RIG_SPDM, &assoc));
	VIOLATES(TDX_IDE_STREAM_INVALID_STATE,
		 tdh_ide_stream_create(rig->fw, 0, RIG_STREAM, RIG_SPDM, &assoc));
	VIOLATES(TDX_SPDM_ENTRY_NOT_PRESENT,
		 tdh_ide_stream_create(rig->fw, 0, 1, 99, &assoc));
	OK(tdh_spdm_create(rig->fw, 0, 99, tdx_page(rig)));
	VIOLATES(TDX_SPDM_INVALID_STATE,
		 tdh_ide_stream_create(rig->fw, 0, 1, 99, &assoc));
	assoc.rid_base = RIG_RID + 7;
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_ide_stream_create(rig->fw, 0, 1, RIG_SPDM, &assoc));
	assoc.rid_base = 0x208;
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_ide_stream_create(rig->fw, 0, 1, RIG_SPDM, &assoc));
	assoc.rid_base = 0x200;
	assoc.mem_limit = RIG_MMIO_HPA;
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_ide_stream_create(rig->fw, 0, 1, RIG_SPDM, &assoc));
	assoc.mem_base = assoc.mem_limit + 1;
	OK(tdh_ide_stream_create(rig->fw, 0, 1, RIG_SPDM, &assoc));
	VIOLATES(TDX_SPDM_HAS_ACTIVE_IDE_STREAMS,
		 tdh_spdm_delete(rig->fw, 0, RIG_SPDM));
}

static void ide_keys(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	const struct tdx_ide_assoc assoc = {
		.rid_base = 0x200, .rid_limit = 0x207, .mem_base = 1,
	};

	tdx_build_stream(test);
	rig->keys = -1;
	VIOLATES(TDX_IDE_STREAM_NOT_CONFIGURED,
		 tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_KEY_PROG));
	VIOLATES(TDX_IDE_STREAM_NOT_CONFIGURED, tdh_ide_stream_idekmrsp(fw, 0, 1));
	VIOLATES(TDX_IDE_STREAM_NOT_CONFIGURED, tdh_ide_stream_block(fw, 0, 1));
	VIOLATES(TDX_IDE_STREAM_NOT_CONFIGURED, tdh_ide_stream_delete(fw, 0, 1));
	OK(tdh_ide_stream_create(fw, 0, 1, RIG_SPDM, &assoc));
	VIOLATES(TDX_IDE_STREAM_INVALID_STATE, tdh_ide_stream_idekmrsp(fw, 0, 1));
	VIOLATES(TDX_IDEKM_KEYS_NOT_READY,
		 tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_K_SET_GO));
	VIOLATES(TDX_IDEKM_KEYS_NOT_READY,
		 tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_K_SET_STOP));
	VIOLATES(TDX_OPERAND_INVALID, tdh_ide_stream_idekmreq(fw, 0, 1, 3));
	OK(tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_KEY_PROG));
	VIOLATES(TDX_IDE_STREAM_IDEKM_OUTREQ,
		 tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_KEY_PROG));
	OK(tdh_ide_stream_idekmrsp(fw, 0, 1));
	VIOLATES(TDX_IDE_STREAM_INVALID_STATE,
		 tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_KEY_PROG));
	KUNIT_EXPECT_EQ(test, rig->keys, -1);
	VIOLATES(TDX_IDE_STREAM_NOT_BLOCKED, tdh_ide_stream_delete(fw, 0, 1));
	OK(tdh_ide_stream_block(fw, 0, 1));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	VIOLATES(TDX_IDE_STREAM_BLOCKED, tdh_ide_stream_block(fw, 0, 1));
	VIOLATES(TDX_IDE_STREAM_BLOCKED,
		 tdh_ide_stream_idekmreq(fw, 0, 1, TDX_IDEKM_KEY_PROG));
	VIOLATES(TDX_IDE_STREAM_BLOCKED, tdh_ide_stream_idekmrsp(fw, 0, 1));
	OK(tdh_ide_stream_delete(fw, 0, 1));

	tdx_build_td(test, 0);
	tdx_build_devif(test, 0, 0);
	VIOLATES(TDX_IDE_STREAM_HAS_DEVICE_INTERFACES,
		 tdh_ide_stream_idekmreq(fw, 0, RIG_STREAM, TDX_IDEKM_K_SET_STOP));
	OK(tdh_ide_stream_block(fw, 0, RIG_STREAM));
	VIOLATES(TDX_IDE_STREAM_HAS_DEVICE_INTERFACES,
		 tdh_ide_stream_delete(fw, 0, RIG_STREAM));
}

static void devif_mt(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 page = tdx_page(rig), back;
	u32 devifs;

	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	VIOLATES(TDX_OPERAND_INVALID, tdh_devif_mt_add(rig->fw, 4, 2, page));
	VIOLATES(TDX_DEVIFMT_ALREADY_PRESENT,
		 tdh_devif_mt_add(rig->fw, 0, 1, page));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_devif_mt_add(rig->fw, 0, 2, rig->td[0].tdr));
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_devif_mt_remove(rig->fw, 0, 2, &back));
	VIOLATES(TDX_DEVIF_INVALID_METADATA,
		 tdh_devif_mt_remove(rig->fw, 0, 1, &back));
	HARMLESS(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_devif_mt_rd(rig->fw, 0, 2, &devifs));
	OK(tdh_devif_mt_rd(rig->fw, 0, 1, &devifs));
	KUNIT_EXPECT_EQ(test, devifs, 1);
	OK(tdh_devif_mt_add(rig->fw, 0, 2, page));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, page));
	OK(tdh_devif_mt_remove(rig->fw, 0, 2, &back));
	KUNIT_EXPECT_EQ(test, back, page);
}

static void devif_create(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_pages pages = {
		.root = tdx_page(rig),
		.td_msg = tdx_page(rig),
		.vmm_msg = tdx_page(rig),
	};
	u64 td, young = tdx_page(rig);
	const struct tdx_ide_assoc assoc = {
		.rid_base = 0x108, .rid_limit = 0x10f, .mem_base = 1,
	};

	tdx_build_td(test, 0);
	td = rig->td[0].tdr;
	OK(tdh_mng_create(rig->fw, young, 9));
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_devif_create(rig->fw, rig->devif[0], td, &pages));
	tdx_build_stream(test);
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_devif_create(rig->fw, rig->devif[0], tdx_page(rig), &pages));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_devif_create(rig->fw, TDX_DEVIF_ID(4, 1, 1), td, &pages));
	VIOLATES(TDX_TD_KEYS_NOT_CONFIGURED,
		 tdh_devif_create(rig->fw, rig->devif[0], young, &pages));
	OK(tdh_mng_key_config(rig->fw, young));
	VIOLATES(TDX_OP_STATE_INCORRECT,
		 tdh_devif_create(rig->fw, rig->devif[0], young, &pages));
	VIOLATES(TDX_IDE_STREAM_NOT_CONFIGURED,
		 tdh_devif_create(rig->fw, TDX_DEVIF_ID(0, 1, RIG_RID), td,
				  &pages));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_devif_create(rig->fw, TDX_DEVIF_ID(0, RIG_STREAM, 0x1f0),
				  td, &pages));
	OK(tdh_ide_stream_create(rig->fw, 0, 1, RIG_SPDM, &assoc));
	OK(tdh_ide_stream_block(rig->fw, 0, 1));
	VIOLATES(TDX_IDE_STREAM_BLOCKED,
		 tdh_devif_create(rig->fw, TDX_DEVIF_ID(0, 1, 0x108), td,
				  &pages));
	pages.vmm_msg = pages.td_msg;
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_devif_create(rig->fw, rig->devif[0], td, &pages));
	pages.vmm_msg = rig->next_page + 1;
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_devif_create(rig->fw, rig->devif[0], td, &pages));
	pages.vmm_msg = tdx_page(rig);
	OK(tdh_devif_create(rig->fw, rig->devif[0], td, &pages));
	KUNIT_EXPECT_EQ(test, tdx_fw_tdisp_state(rig->fw, rig->devif[0]),
			TDISP_CONFIG_UNLOCKED);
	KUNIT_EXPECT_EQ(test, tdx_fw_tdisp_state(rig->fw, rig->devif[1]),
			-ENOENT);
	VIOLATES(TDX_DEVIFMT_ALREADY_PRESENT,
		 tdh_devif_create(rig->fw, rig->devif[0], td, &pages));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_devif_create(rig->fw, rig->devif[1], td, &pages));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, pages.root));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, pages.td_msg));
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_devif_remove(rig->fw, rig->devif[1]));
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
}

static void dmar_tables(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 page = tdx_page(rig), back, pasidte = rig->devif[0];
	struct tdx_dmar_entry entry;

	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	VIOLATES(TDX_OPERAND_INVALID, tdh_dmar_add(fw, 4, TDX_DMAR_RTE, 0, page));
	VIOLATES(TDX_OPERAND_INVALID, tdh_dmar_add(fw, 0, 4, 0, page));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_dmar_add(fw, 0, TDX_DMAR_RTE, RIG_RID, rig->td[0].tdr));
	VIOLATES(TDX_DMAR_ENTRY_NOT_PRESENT,
		 tdh_dmar_add(fw, 0, TDX_DMAR_CTE, RIG_RID, page));
	VIOLATES(TDX_DMAR_ENTRY_NOT_PRESENT,
		 tdh_dmar_add(fw, 0, TDX_DMAR_PASIDTE, pasidte, 0));
	OK(tdh_dmar_add(fw, 0, TDX_DMAR_RTE, RIG_RID, page));
	VIOLATES(TDX_DMAR_INVALID_MAPPING_STATE,
		 tdh_dmar_add(fw, 0, TDX_DMAR_RTE, RIG_RID2, tdx_page(rig)));
	OK(tdh_dmar_add(fw, 0, TDX_DMAR_CTE, RIG_RID, tdx_page(rig)));
	OK(tdh_dmar_add(fw, 0, TDX_DMAR_PDE, RIG_RID, tdx_page(rig)));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_dmar_add(fw, 0, TDX_DMAR_PASIDTE, pasidte, tdx_page(rig)));
	OK(tdh_dmar_add(fw, 0, TDX_DMAR_PASIDTE, pasidte, 0));
	VIOLATES(TDX_DMAR_INVALID_MAPPING_STATE,
		 tdh_dmar_add(fw, 0, TDX_DMAR_PASIDTE, pasidte, 0));
	OK(tdh_dmar_read(fw, 0, TDX_DMAR_PASIDTE, pasidte, &entry));
	KUNIT_EXPECT_EQ(test, entry.state, TDX_DMAR_PENDING);
	KUNIT_EXPECT_EQ(test, entry.page, rig->td[0].tdr);

	VIOLATES(TDX_DMAR_INVALID_MAPPING_STATE,
		 tdh_dmar_block(fw, 0, TDX_DMAR_PDE, RIG_RID));
	VIOLATES(TDX_DMAR_ENTRY_NOT_PRESENT,
		 tdh_dmar_block(fw, 0, TDX_DMAR_PDE, RIG_RID2));
	VIOLATES(TDX_DMAR_INVALID_MAPPING_STATE,
		 tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, pasidte, &back));
	VIOLATES(TDX_DMAR_ENTRY_NOT_PRESENT,
		 tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, rig->devif[1], &back));
	OK(tdh_dmar_block(fw, 0, TDX_DMAR_PASIDTE, pasidte));
	VIOLATES(TDX_DMAR_INVALID_MAPPING_STATE,
		 tdh_dmar_block(fw, 0, TDX_DMAR_PASIDTE, pasidte));
	VIOLATES(TDX_DMAR_INVALID_INV_STATE,
		 tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, pasidte, &back));
	OK(tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, TDX_DMAR_PASIDTE, pasidte));
	VIOLATES(TDX_DMAR_INVALID_INV_STATE,
		 tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, pasidte, &back));
	OK(tdh_iq_inv_process(fw, 0, false));
	KUNIT_EXPECT_EQ(test, rig->invalidations, 1);
	KUNIT_EXPECT_EQ(test, rig->invalidated, RIG_RID);
	VIOLATES(TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
		 tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, pasidte, &back));
	OK(tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, rig->td[0].tdr));
	VIOLATES(TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
		 tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, pasidte, &back));
	OK(tdh_iq_inv_process(fw, 0, true));
	OK(tdh_dmar_remove(fw, 0, TDX_DMAR_PASIDTE, pasidte, &back));
	KUNIT_EXPECT_EQ(test, back, 0);
	OK(tdh_dmar_read(fw, 0, TDX_DMAR_PASIDTE, pasidte, &entry));
	KUNIT_EXPECT_EQ(test, entry.state, TDX_DMAR_FREE);
}

/* each call that names an entry refuses a name that cannot be one */
static void dmar_bad_name(struct kunit *test, u8 iommu,
			  enum tdx_dmar_level level, u64 id)
{
	struct rig *rig = test->priv;
	struct tdx_dmar_entry entry;
	struct tdx_fw *fw = rig->fw;
	u64 page;

	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_dmar_add(fw, iommu, level, id,
			      level == TDX_DMAR_PASIDTE ? 0 : tdx_page(rig)));
	VIOLATES(TDX_OPERAND_INVALID, tdh_dmar_read(fw, iommu, level, id, &entry));
	VIOLATES(TDX_OPERAND_INVALID, tdh_dmar_block(fw, iommu, level, id));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iq_inv_request(fw, iommu, TDX_INV_ENTRY, level, id));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_dmar_remove(fw, iommu, level, id, &page));
}

static void dmar_names(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	for (int present = 0; present < 2; present++) {
		u64 id = rig->devif[0];

		dmar_bad_name(test, 4, TDX_DMAR_RTE, RIG_RID);
		dmar_bad_name(test, 0, 4, RIG_RID);
		for (int level = TDX_DMAR_RTE; level < TDX_DMAR_PASIDTE; level++)
			dmar_bad_name(test, 0, level, RIG_RID | BIT(16));
		/* another IOMMU, another stream, too long */
		dmar_bad_name(test, 0, TDX_DMAR_PASIDTE, id ^ BIT(24));
		dmar_bad_name(test, 1, TDX_DMAR_PASIDTE, id);
		dmar_bad_name(test, 0, TDX_DMAR_PASIDTE, id ^ BIT(16));
		dmar_bad_name(test, 0, TDX_DMAR_PASIDTE, id | BIT_ULL(32));
		if (!present)
			tdx_add_dma(test, 0);
	}
}

/* the entry is not invalidated before the root complex says so */
static void while_invalidating(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 page;

	HARMLESS(TDX_OPERAND_BUSY, tdh_iq_inv_process(rig->fw, 0, false));
	OK(tdh_iq_inv_request(rig->fw, 0, TDX_INV_IOTLB, 0, rig->td[0].tdr));
	OK(tdh_iq_inv_process(rig->fw, 0, true));
	VIOLATES(TDX_DMAR_INVALID_INV_STATE,
		 tdh_dmar_remove(rig->fw, 0, TDX_DMAR_PASIDTE, rig->devif[0],
				 &page));
}

static void iq(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	struct tdx_dmar_entry entry;
	u64 td;

	tdx_build_td(test, 0);
	td = rig->td[0].tdr;
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	HARMLESS(TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED,
		 tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, td));
	tdx_add_dma(test, 0);
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iq_inv_request(fw, 4, TDX_INV_IOTLB, 0, td));
	VIOLATES(TDX_OPERAND_INVALID, tdh_iq_inv_request(fw, 0, 2, 0, td));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, RIG_HPA));
	VIOLATES(TDX_OPERAND_INVALID, tdh_iq_inv_process(fw, 4, false));
	VIOLATES(TDX_DMAR_ENTRY_NOT_PRESENT,
		 tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, TDX_DMAR_CTE, RIG_RID2));
	VIOLATES(TDX_DMAR_INVALID_INV_STATE,
		 tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, TDX_DMAR_PASIDTE,
				    rig->devif[0]));
	OK(tdh_dmar_block(fw, 0, TDX_DMAR_PASIDTE, rig->devif[0]));
	OK(tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, TDX_DMAR_PASIDTE,
			      rig->devif[0]));
	VIOLATES(TDX_DMAR_INVALID_INV_STATE,
		 tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, TDX_DMAR_PASIDTE,
				    rig->devif[0]));
	for (int i = 1; i < TDX_FW_IQ_LEN; i++)
		OK(tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, td));
	HARMLESS(TDX_IOMMU_IQ_QUEUE_FULL,
		 tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, td));
	/* atomic: the entry's descriptor stays */
	OK(tdh_iq_inv_process(fw, 0, true));
	KUNIT_EXPECT_EQ(test, rig->invalidations, 0);
	KUNIT_EXPECT_EQ(test, fw->iommu[0].iq_len, 1);
	OK(tdh_dmar_read(fw, 0, TDX_DMAR_PASIDTE, rig->devif[0], &entry));
	KUNIT_EXPECT_EQ(test, entry.inv, TDX_DMAR_INV_QUEUED);
	rig->while_invalidating = while_invalidating;
	OK(tdh_iq_inv_process(fw, 0, false));
	KUNIT_EXPECT_EQ(test, rig->invalidations, 1);
	OK(tdh_dmar_read(fw, 0, TDX_DMAR_PASIDTE, rig->devif[0], &entry));
	KUNIT_EXPECT_EQ(test, entry.inv, TDX_DMAR_INV_DONE);
	OK(tdh_iq_inv_process(fw, 0, false));
}

static void mmio_mt(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 page = tdx_page(rig), back;
	struct tdx_mmiomt_entry entry;

	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	VIOLATES(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_add(fw, RIG_MMIO_HPA, 1, page));
	VIOLATES(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_remove(fw, RIG_MMIO_HPA, 1, &back));
	tdx_add_mmiomt(test, RIG_MMIO_HPA, 2);
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_add(fw, RIG_MMIO_HPA + PAGE_SIZE, 1, page));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT,
		 tdh_mmio_mt_add(fw, RIG_MMIO_HPA, 1, rig->td[0].tdr));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_remove(fw, RIG_MMIO_HPA, 1, &back));
	VIOLATES(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_DATA,
				 rig->devif[0]));
	HARMLESS(TDX_MMIOMT_NOT_PRESENT,
		 tdh_mmio_mt_rd(fw, RIG_MMIO_HPA, 0, &entry));
	OK(tdh_mmio_mt_add(fw, RIG_MMIO_HPA, 1, page));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_add(fw, RIG_MMIO_HPA, 1, tdx_page(rig)));
	VIOLATES(TDX_PAGE_METADATA_INCORRECT, tdh_phymem_page_reclaim(fw, page));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA + 1, 0, TDX_MMIOMT_DATA,
				 rig->devif[0]));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, 2, rig->devif[0]));
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_DATA,
				 rig->devif[1]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_QNODE, 0));
	OK(tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_DATA,
				 rig->devif[0]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_remove(fw, RIG_MMIO_HPA, 1, &back));
	OK(tdh_mmio_mt_rd(fw, RIG_MMIO_HPA, 0, &entry));
	KUNIT_EXPECT_EQ(test, entry.devif, rig->devif[0]);
	tdx_add_sept(test, 0, RIG_MMIO_GPA);
	OK(tdh_mmio_map(fw, RIG_MMIO_GPA, 0, rig->td[0].tdr, RIG_MMIO_HPA));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_QNODE, 0));
}

static void mmio_map(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u64 td, hpa = RIG_MMIO_HPA, gpa = RIG_MMIO_GPA, back;

	tdx_build_td(test, 0);
	tdx_build_td(test, 1);
	td = rig->td[0].tdr;
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	VIOLATES(TDX_OPERAND_INVALID, tdh_mmio_map(fw, gpa, 0, RIG_HPA, hpa));
	VIOLATES(TDX_OPERAND_INVALID, tdh_mmio_map(fw, gpa + 1, 0, td, hpa));
	VIOLATES(TDX_EPT_WALK_FAILED, tdh_mmio_map(fw, gpa, 0, td, hpa));
	tdx_add_sept(test, 0, gpa);
	tdx_add_sept(test, 1, gpa);
	VIOLATES(TDX_MMIOMT_NOT_PRESENT, tdh_mmio_map(fw, gpa, 0, td, hpa));
	tdx_add_mmiomt(test, hpa, 1);
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA, tdh_mmio_map(fw, gpa, 0, td, hpa));
	OK(tdh_mmio_mt_set(fw, hpa, 0, TDX_MMIOMT_DATA, rig->devif[0]));
	VIOLATES(TDX_MMIO_DEVIF_OWNER_MISMATCH,
		 tdh_mmio_map(fw, gpa, 0, rig->td[1].tdr, hpa));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT, tdh_mmio_block(fw, gpa, 0, td));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mmio_unmap(fw, gpa, 0, td, &back));
	OK(tdh_mmio_map(fw, gpa, 0, td, hpa));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT, tdh_mmio_map(fw, gpa, 0, td, hpa));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_map(fw, gpa + PAGE_SIZE, 0, td, hpa));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_range_block(fw, td, gpa));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdh_mem_page_add(fw, td, gpa, RIG_HPA));
	VIOLATES(TDX_GPA_RANGE_NOT_BLOCKED, tdh_mmio_unmap(fw, gpa, 0, td, &back));
	OK(tdh_mmio_block(fw, gpa, 0, td));
	VIOLATES(TDX_EPT_ENTRY_STATE_INCORRECT, tdh_mmio_block(fw, gpa, 0, td));
	VIOLATES(TDX_TLB_TRACKING_NOT_DONE, tdh_mmio_unmap(fw, gpa, 0, td, &back));
	OK(tdh_mem_track(fw, td));
	OK(tdh_mmio_unmap(fw, gpa, 0, td, &back));
	KUNIT_EXPECT_EQ(test, back, hpa);

	/* with a device behind it the IOTLB counts too */
	OK(tdh_mmio_map(fw, gpa, 0, td, hpa));
	tdx_add_dma(test, 0);
	OK(tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, td));
	OK(tdh_mmio_block(fw, gpa, 0, td));
	OK(tdh_mem_track(fw, td));
	OK(tdh_iq_inv_process(fw, 0, false));
	/* that one was requested before the block */
	VIOLATES(TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
		 tdh_mmio_unmap(fw, gpa, 0, td, &back));
	tdx_track(test, 0);
	OK(tdh_mmio_unmap(fw, gpa, 0, td, &back));

	OK(tdh_ide_stream_block(fw, 0, RIG_STREAM));
	VIOLATES(TDX_IDE_STREAM_BLOCKED, tdh_mmio_map(fw, gpa, 0, td, hpa));
	OK(tdx_fw_td_set_fatal(fw, td));
	HARMLESS(TDX_TD_FATAL, tdh_mmio_map(fw, gpa, 0, td, hpa));
	KUNIT_EXPECT_EQ(test, tdx_fw_td_set_fatal(fw, RIG_HPA), -ENOENT);
}

static void faults(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td = tdx_page(rig);

	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, 63, TDX_TD_FATAL, 0, 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_MNG_CREATE, 0, 0, 1),
			-EINVAL);
	/* a host may take what is no error for success, and free what it gave */
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_MEM_SEPT_REMOVE,
					    TDX_PAGE_ALREADY_ACCEPTED, 0, 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fw_teemu_ops.refuse(rig->fw, TDH_DEVIF_REMOVE,
						  TDX_DEVIF_ALREADY_VALID, 0, 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_MNG_CREATE,
					    TDX_OPERAND_BUSY, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_MNG_KEY_CONFIG,
					    TDX_DEVIF_INVALID_STATE, 1, 2), 0);
	for (u32 leaf = TDH_SPDM_CREATE; leaf < TDH_SPDM_CREATE + 7; leaf++)
		KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, leaf,
						    TDX_OPERAND_BUSY, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_MMIO_MAP,
					    TDX_OPERAND_BUSY, 0, 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_MMIO_MAP,
					    TDX_OPERAND_BUSY, 0, 0), 0);

	OK(tdh_mng_create(rig->fw, td, 3));
	/* one passes, two are refused, the switch is gone */
	OK(tdh_mng_key_config(rig->fw, td));
	HARMLESS(TDX_DEVIF_INVALID_STATE, tdh_mng_key_config(rig->fw, td));
	HARMLESS(TDX_DEVIF_INVALID_STATE, tdh_mng_key_config(rig->fw, td));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT, tdh_mng_key_config(rig->fw, td));
	HARMLESS(TDX_OPERAND_BUSY,
		 tdh_spdm_create(rig->fw, 0, 1, tdx_page(rig)));
	/* cleared before it struck */
	KUNIT_EXPECT_EQ(test, tdx_fw_refuse(rig->fw, TDH_SPDM_DELETE, 0, 0, 0), 0);
	VIOLATES(TDX_SPDM_ENTRY_NOT_PRESENT, tdh_spdm_delete(rig->fw, 0, 1));
}

static void shows(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	tdx_build_td(test, 0);
	tdx_add_mem(test, 0);
	tdh_mng_key_config(rig->fw, rig->td[0].tdr);
	fw_teemu_ops.referee(rig->fw, &m);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "violations 1\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "TDH.MNG.KEY.CONFIG"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "state KEYS_CONFIGURED"));
	fw_teemu_ops.tables(rig->fw, &m);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "\ntds 1\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "\nmem_pages 2\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "\nleaked_hkids 0\n"));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(td_build),
	KUNIT_CASE(td_end),
	KUNIT_CASE(td_life),
	KUNIT_CASE(td_unbuilt_end),
	KUNIT_CASE(sept_pages),
	KUNIT_CASE(sept_next),
	KUNIT_CASE(spdm_objects),
	KUNIT_CASE(ide_create),
	KUNIT_CASE(ide_keys),
	KUNIT_CASE(devif_mt),
	KUNIT_CASE(devif_create),
	KUNIT_CASE(dmar_tables),
	KUNIT_CASE(dmar_names),
	KUNIT_CASE(iq),
	KUNIT_CASE(mmio_mt),
	KUNIT_CASE(mmio_map),
	KUNIT_CASE(faults),
	KUNIT_CASE(shows),
	{}
};

static struct kunit_suite suite = {
	.name = "tdx_fw_calls",
	.init = tdx_init,
	.exit = tdx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
