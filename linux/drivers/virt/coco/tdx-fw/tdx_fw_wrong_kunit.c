// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of wrong orders. A TDI in RUN, its MMIO mapped and accepted, its DMA on;
 * @ready takes the legal steps that come before, @call is the one that is wrong. It
 * is refused with that status, because of an object in that state; it is one
 * violation; it changes nothing.
 */
#include <linux/seq_file.h>

#include "tdx_fw_rig.h"

#define TABLES_SIZE	512

struct wrong_order {
	const char *name;
	void (*ready)(struct kunit *test);
	u64 (*call)(struct rig *rig);
	u32 nr;
	u64 want;
	const char *state;
	bool leaks;			/* the TD counts as leaked from now on */
};

static void ready(struct kunit *test)
{
}

static void blocked(struct kunit *test)
{
	tdx_block_mmio(test, 0);
}

static void tracked(struct kunit *test)
{
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
}

static void stopped(struct kunit *test)
{
	tdx_stop(test, 0);
}

static void stopped_blocked(struct kunit *test)
{
	tdx_stop(test, 0);
	tdx_block_mmio(test, 0);
}

static void stopped_half_tracked(struct kunit *test)
{
	struct rig *rig = test->priv;

	stopped_blocked(test);
	OK(tdh_mem_track(rig->fw, rig->td[0].tdr));
}

static void unmapped(struct kunit *test)
{
	tdx_stop(test, 0);
	tracked(test);
	tdx_unmap_mmio(test, 0);
}

static void dma_off(struct kunit *test)
{
	tdx_stop(test, 0);
	tdx_del_dma(test, 0, 0);
}

static void flushed(struct kunit *test)
{
	struct rig *rig = test->priv;

	OK(tdh_vp_flush(rig->fw, rig->td[0].vp));
}

static void removed(struct kunit *test)
{
	struct rig *rig = test->priv;

	unmapped(test);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
}

/* only a fatal TD's pages can outlive the interface and the key */
static void td_ended(struct kunit *test)
{
	struct rig *rig = test->priv;

	tracked(test);
	OK(tdx_fw_td_set_fatal(rig->fw, rig->td[0].tdr));
	dma_off(test);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	flushed(test);
	OK(tdh_mng_vpflushdone(rig->fw, rig->td[0].tdr));
}

static void link_blocked(struct kunit *test)
{
	struct rig *rig = test->priv;

	OK(tdh_ide_stream_block(rig->fw, RIG_IOMMU, RIG_STREAM));
}

static void entry_blocked(struct kunit *test)
{
	struct rig *rig = test->priv;

	OK(tdh_dmar_block(rig->fw, RIG_IOMMU, TDX_DMAR_PASIDTE, rig->devif[0]));
}

static void entry_invalidated(struct kunit *test)
{
	struct rig *rig = test->priv;

	entry_blocked(test);
	OK(tdh_iq_inv_request(rig->fw, RIG_IOMMU, TDX_INV_ENTRY,
			      TDX_DMAR_PASIDTE, rig->devif[0]));
	OK(tdh_iq_inv_process(rig->fw, RIG_IOMMU, false));
}

static u64 send(struct rig *rig, u8 type)
{
	const struct tdx_devif_req req = { .type = type };
	u8 msg[TDX_FW_MSG_MAX];
	size_t len;

	return tdh_devif_request(rig->fw, rig->devif[0], false, &req, msg, &len);
}

static void requested(struct kunit *test)
{
	struct rig *rig = test->priv;

	OK(send(rig, TDISP_STOP_INTERFACE));
}

static u64 unmap(struct rig *rig)
{
	u64 hpa;

	return tdh_mmio_unmap(rig->fw, RIG_MMIO_GPA, TDX_LEVEL_4K,
			      rig->td[0].tdr, &hpa);
}

static u64 unmap_2m(struct rig *rig)
{
	u64 hpa;

	return tdh_mmio_unmap(rig->fw, RIG_MMIO_GPA, TDX_LEVEL_2M,
			      rig->td[0].tdr, &hpa);
}

static u64 block(struct rig *rig)
{
	return tdh_mmio_block(rig->fw, RIG_MMIO_GPA, TDX_LEVEL_4K,
			      rig->td[0].tdr);
}

static u64 map(struct rig *rig)
{
	return tdh_mmio_map(rig->fw, RIG_MMIO_GPA + 2 * PAGE_SIZE, TDX_LEVEL_4K,
			    rig->td[0].tdr, RIG_MMIO_HPA);
}

static u64 remove(struct rig *rig)
{
	return tdh_devif_remove(rig->fw, rig->devif[0]);
}

static u64 create(struct rig *rig)
{
	const struct tdx_devif_pages pages = {
		.root = tdx_page(rig),
		.td_msg = tdx_page(rig),
		.vmm_msg = tdx_page(rig),
	};

	return tdh_devif_create(rig->fw, rig->devif[0], rig->td[0].tdr, &pages);
}

static u64 vpflushdone(struct rig *rig)
{
	return tdh_mng_vpflushdone(rig->fw, rig->td[0].tdr);
}

static u64 freeid(struct rig *rig)
{
	return tdh_mng_key_freeid(rig->fw, rig->td[0].tdr);
}

static u64 reclaim_devif(struct rig *rig)
{
	return tdh_phymem_page_reclaim(rig->fw, rig->pages[0].root);
}

static u64 reclaim_tdr(struct rig *rig)
{
	return tdh_phymem_page_reclaim(rig->fw, rig->td[0].tdr);
}

static u64 mt_qnode(struct rig *rig)
{
	return tdh_mmio_mt_set(rig->fw, RIG_MMIO_HPA, TDX_LEVEL_4K,
			       TDX_MMIOMT_QNODE, 0);
}

static u64 mt_remove(struct rig *rig)
{
	u64 page;

	return tdh_mmio_mt_remove(rig->fw, RIG_MMIO_HPA, 1, &page);
}

static u64 mt_remove_above(struct rig *rig)
{
	u64 page;

	return tdh_mmio_mt_remove(rig->fw,
				  ALIGN_DOWN(RIG_MMIO_HPA, TDX_LEAF_SIZE(2)), 2,
				  &page);
}

static u64 devifmt_remove(struct rig *rig)
{
	u64 page;

	return tdh_devif_mt_remove(rig->fw, RIG_IOMMU, RIG_RID >> 8, &page);
}

static u64 lock(struct rig *rig)
{
	return send(rig, TDISP_LOCK_INTERFACE);
}

static u64 stop(struct rig *rig)
{
	return send(rig, TDISP_STOP_INTERFACE);
}

static u64 start(struct rig *rig)
{
	return send(rig, TDISP_START_INTERFACE);
}

static u64 respond(struct rig *rig)
{
	return tdh_devif_response(rig->fw, rig->devif[0], false, NULL, 0);
}

static u64 forward(struct rig *rig)
{
	u8 msg[TDX_FW_MSG_MAX];
	size_t len;

	return tdh_devif_request(rig->fw, rig->devif[0], true, NULL, msg, &len);
}

static u64 stream_delete(struct rig *rig)
{
	return tdh_ide_stream_delete(rig->fw, RIG_IOMMU, RIG_STREAM);
}

static u64 key_stop(struct rig *rig)
{
	return tdh_ide_stream_idekmreq(rig->fw, RIG_IOMMU, RIG_STREAM,
				       TDX_IDEKM_K_SET_STOP);
}

static u64 spdm_delete(struct rig *rig)
{
	return tdh_spdm_delete(rig->fw, RIG_IOMMU, RIG_SPDM);
}

static u64 iommu_clear(struct rig *rig)
{
	return tdh_iommu_setreg(rig->fw, RIG_IOMMU, TDX_IOMMU_CLEAR, 0);
}

static u64 dmar_remove(struct rig *rig)
{
	u64 page;

	return tdh_dmar_remove(rig->fw, RIG_IOMMU, TDX_DMAR_PASIDTE,
			       rig->devif[0], &page);
}

static u64 dmar_block_above(struct rig *rig)
{
	return tdh_dmar_block(rig->fw, RIG_IOMMU, TDX_DMAR_PDE, RIG_RID);
}

#define ROW(_name, _ready, _call, _nr, _want, _state) \
	{ _name, _ready, _call, TDH_##_nr, TDX_##_want, _state }
#define LEAKS(_name, _ready, _call, _nr, _want, _state) \
	{ _name, _ready, _call, TDH_##_nr, TDX_##_want, _state, true }

static const struct wrong_order rows[] = {
	ROW("unmap early", tracked, unmap, MMIO_UNMAP,
	    DEVIF_TDISP_INVALID_STATE, "RUN"),
	ROW("unmap without block", stopped, unmap, MMIO_UNMAP,
	    GPA_RANGE_NOT_BLOCKED, "MMIO_MAPPED"),
	ROW("unmap without track", stopped_blocked, unmap, MMIO_UNMAP,
	    TLB_TRACKING_NOT_DONE, "MMIO_BLOCKED"),
	ROW("unmap without iotlb", stopped_half_tracked, unmap, MMIO_UNMAP,
	    IOMMU_IOTLB_TRACKING_NOT_DONE, "MMIO_BLOCKED"),
	ROW("unmap a larger leaf", tracked, unmap_2m, MMIO_UNMAP,
	    EPT_ENTRY_STATE_INCORRECT, "TABLE"),
	ROW("unmap twice", unmapped, unmap, MMIO_UNMAP,
	    EPT_ENTRY_STATE_INCORRECT, "FREE"),
	ROW("unmap late", td_ended, unmap, MMIO_UNMAP,
	    TD_KEYS_NOT_CONFIGURED, "FATAL"),
	ROW("block twice", blocked, block, MMIO_BLOCK,
	    EPT_ENTRY_STATE_INCORRECT, "MMIO_BLOCKED"),
	ROW("map twice", ready, map, MMIO_MAP,
	    MMIO_INVALID_PAGE_METADATA, "DATA_MAPPED"),
	ROW("map after remove", removed, map, MMIO_MAP,
	    DEVIFMT_NOT_PRESENT, "DATA"),
	ROW("remove early", ready, remove, DEVIF_REMOVE,
	    DEVIF_INVALID_STATE, "RUN"),
	ROW("remove with mmio", dma_off, remove, DEVIF_REMOVE,
	    DEVIF_HAS_MAPPED_MMIO, "CONFIG_UNLOCKED"),
	ROW("dma left on", unmapped, remove, DEVIF_REMOVE,
	    DEVIF_HAS_MAPPED_DMA, "CONFIG_UNLOCKED"),
	ROW("remove twice", removed, remove, DEVIF_REMOVE,
	    DEVIFMT_NOT_PRESENT, "none"),
	LEAKS("vm destroyed first", flushed, vpflushdone, MNG_VPFLUSHDONE,
	      TD_HAS_ATTACHED_DEVICES, "KEYS_CONFIGURED"),
	ROW("key freed first", flushed, freeid, MNG_KEY_FREEID,
	    LIFECYCLE_STATE_INCORRECT, "KEYS_CONFIGURED"),
	ROW("reclaim before remove", ready, reclaim_devif, PHYMEM_PAGE_RECLAIM,
	    PAGE_METADATA_INCORRECT, "none"),
	ROW("reclaim tdr first", ready, reclaim_tdr, PHYMEM_PAGE_RECLAIM,
	    LIFECYCLE_STATE_INCORRECT, "KEYS_CONFIGURED"),
	ROW("qnode while mapped", ready, mt_qnode, MMIO_MT_SET,
	    MMIO_INVALID_PAGE_METADATA, "DATA_MAPPED"),
	ROW("metadata while mapped", ready, mt_remove, MMIO_MT_REMOVE,
	    MMIO_INVALID_PAGE_METADATA, "QNODE_TABLE"),
	ROW("metadata from the top", removed, mt_remove_above, MMIO_MT_REMOVE,
	    MMIO_INVALID_PAGE_METADATA, "QNODE_TABLE"),
	ROW("devif tree with interfaces", ready, devifmt_remove,
	    DEVIF_MT_REMOVE, DEVIF_INVALID_METADATA, "none"),
	ROW("second bind", ready, create, DEVIF_CREATE,
	    DEVIFMT_ALREADY_PRESENT, "KEYS_CONFIGURED"),
	ROW("bind over a blocked stream", link_blocked, create, DEVIF_CREATE,
	    DEVIFMT_ALREADY_PRESENT, "KEYS_CONFIGURED"),
	ROW("lock in run", ready, lock, DEVIF_REQUEST,
	    DEVIF_TDISP_INVALID_STATE, "RUN"),
	ROW("message of the td", ready, start, DEVIF_REQUEST,
	    DEVIF_TDISP_INVALID_MESSAGE, "RUN"),
	ROW("request in a request", requested, stop, DEVIF_REQUEST,
	    DEVIF_TDISP_OUT_REQ, "RUN"),
	ROW("answer without request", ready, respond, DEVIF_RESPONSE,
	    DEVIF_TDISP_INVALID_REQ_STS, "RUN"),
	ROW("request that the td never made", ready, forward, DEVIF_REQUEST,
	    DEVIF_TDISP_INVALID_REQ_STS, "RUN"),
	ROW("stream delete with interfaces", link_blocked, stream_delete,
	    IDE_STREAM_DELETE, IDE_STREAM_HAS_DEVICE_INTERFACES, "BLOCKED"),
	ROW("stream delete without block", ready, stream_delete,
	    IDE_STREAM_DELETE, IDE_STREAM_NOT_BLOCKED, "KEYS_GO"),
	ROW("key stop with interfaces", ready, key_stop, IDE_STREAM_IDEKMREQ,
	    IDE_STREAM_HAS_DEVICE_INTERFACES, "KEYS_GO"),
	ROW("session delete with streams", ready, spdm_delete, SPDM_DELETE,
	    SPDM_HAS_ACTIVE_IDE_STREAMS, "BOUND"),
	ROW("iommu cleared first", ready, iommu_clear, IOMMU_SETREG,
	    IOMMU_MT_PAGE_IN_USE, "CONFIGURED"),
	ROW("dma entry removed without block", ready, dmar_remove, DMAR_REMOVE,
	    DMAR_INVALID_MAPPING_STATE, "PRESENT"),
	ROW("dma entry removed without invalidation", entry_blocked,
	    dmar_remove, DMAR_REMOVE, DMAR_INVALID_INV_STATE, "BLOCKED"),
	ROW("dma entry removed without iotlb", entry_invalidated, dmar_remove,
	    DMAR_REMOVE, IOMMU_IOTLB_TRACKING_NOT_DONE, "BLOCKED"),
	ROW("dma table blocked from the top", ready, dmar_block_above,
	    DMAR_BLOCK, DMAR_INVALID_MAPPING_STATE, "PRESENT"),
};

static void row_name(const struct wrong_order *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(wrong_order, rows, row_name);

/* what teemu prints of the tables; the leaks are its end */
static char *tables_of(struct kunit *test, char **leaks)
{
	struct rig *rig = test->priv;
	struct seq_file m = { .size = TABLES_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	fw_teemu_ops.tables(rig->fw, &m);
	*leaks = strstr(m.buf, "leaked_hkids");
	KUNIT_ASSERT_NOT_NULL(test, *leaks);
	return m.buf;
}

static void wrong_order(struct kunit *test)
{
	const struct wrong_order *row = test->param_value;
	struct rig *rig = test->priv;
	struct tio_referee *ref = tdx_fw_referee(rig->fw);
	char *before, *after, *leaks_before, *leaks_after;
	u64 digest, calls, refused, violations, status;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	row->ready(test);
	before = tables_of(test, &leaks_before);
	digest = tdx_digest(rig->fw);
	calls = ref->calls;
	refused = ref->refused;
	violations = ref->violations;

	status = row->call(rig);
	KUNIT_EXPECT_STREQ(test, tio_status_name(ref->who, status),
			   tio_status_name(ref->who, row->want));
	KUNIT_EXPECT_EQ(test, ref->calls, calls + 1);
	KUNIT_EXPECT_EQ(test, ref->refused, refused + 1);
	KUNIT_EXPECT_EQ(test, ref->violations, violations + 1);
	KUNIT_EXPECT_EQ(test, ref->last.nr, row->nr);
	KUNIT_EXPECT_EQ(test, ref->last.status, status);
	KUNIT_EXPECT_STREQ(test, ref->last.state, row->state);
	KUNIT_EXPECT_EQ(test, tdx_digest(rig->fw), digest);
	after = tables_of(test, &leaks_after);
	if (row->leaks) {
		KUNIT_EXPECT_STREQ(test, leaks_before,
				   "leaked_hkids 0\nleaked_pages 0\n");
		/* TDR, 4 TDCS, vCPU, 2 S-EPT, 2 memory, 3 of the function */
		KUNIT_EXPECT_STREQ(test, leaks_after,
				   "leaked_hkids 1\nleaked_pages 13\n");
		*leaks_before = 0;
		*leaks_after = 0;
	}
	KUNIT_EXPECT_STREQ(test, after, before);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(wrong_order, wrong_order_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "tdx_fw_wrong_order",
	.init = tdx_init,
	.exit = tdx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
