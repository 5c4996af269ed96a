// SPDX-License-Identifier: GPL-2.0-only
/*
 * Orders: the legal lives, each wrong order with what it costs, what DMA can reach
 * at each point, and random calls.
 */
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/seq_file.h>

#include "tdx_fw_rig.h"

static void tear_down_all(struct kunit *test, int td)
{
	tdx_del_devifmt(test);
	tdx_del_td(test, td);
	tdx_del_stream(test);
	tdx_expect_empty(test);
}

/* STOP, MMIO, DMA, interface; metadata last */
static void legal_life(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	KUNIT_EXPECT_TRUE(test, tdx_fw_mmio_accepted(rig->fw, rig->td[0].tdr,
						     RIG_MMIO_GPA, RIG_MMIO_HPA));
	tdx_stop(test, 0);
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(rig->fw, rig->td[0].tdr,
						      RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_del_mmiomt(test);
	tear_down_all(test, 0);
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

/* DMA first, block before stop, metadata before the interface: all legal too */
static void legal_life_other(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	tdx_block_mmio(test, 0);
	tdx_del_dma(test, 0, 0);
	tdx_stop(test, 0);
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	tdx_del_mmiomt(test);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	tear_down_all(test, 0);
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

/* the device is mute: block its stream instead of STOP */
static void legal_escape(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	rig->dev[0].fault = RIG_SILENT;
	KUNIT_EXPECT_EQ(test, tdx_vmm_round(rig, 0, TDISP_STOP_INTERFACE),
			TDX_DEVIF_TDISP_INVALID_MESSAGE);
	OK(tdh_ide_stream_block(rig->fw, RIG_IOMMU, RIG_STREAM));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_del_mmiomt(test);
	tdx_del_devifmt(test);
	tdx_del_td(test, 0);
	OK(tdh_ide_stream_delete(rig->fw, RIG_IOMMU, RIG_STREAM));
	OK(tdh_spdm_delete(rig->fw, RIG_IOMMU, RIG_SPDM));
	tdx_expect_empty(test);
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

/* the same function, bound again, to the same TD and to another */
static void life_again(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_stream(test);
	for (int i = 0; i < 3; i++) {
		tdx_run(test, 0, i & 1);
		tdx_stop(test, 0);
		tdx_block_mmio(test, i & 1);
		tdx_track(test, i & 1);
		tdx_unmap_mmio(test, i & 1);
		tdx_del_dma(test, 0, i & 1);
		OK(tdh_devif_remove(rig->fw, rig->devif[0]));
		tdx_del_mmiomt(test);
		tdx_del_td(test, i & 1);
	}
	tdx_del_devifmt(test);
	tdx_del_stream(test);
	tdx_expect_empty(test);
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

static void wrong_unmap_before_stop(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hpa, td;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	td = rig->td[0].tdr;
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
	VIOLATES(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdh_mmio_unmap(rig->fw, RIG_MMIO_GPA, 0, td, &hpa));
	KUNIT_EXPECT_STREQ(test, rig->fw->ref.last.state, "RUN");
	rig->dev[0].state = TDISP_STATE_ERROR;
	OK(tdx_vmm_round(rig, 0, TDISP_GET_STATE));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdh_mmio_unmap(rig->fw, RIG_MMIO_GPA, 0, td, &hpa));
	tdx_stop(test, 0);
	tdx_unmap_mmio(test, 0);
}

static void wrong_remove(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	VIOLATES(TDX_DEVIF_INVALID_STATE,
		 tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_stop(test, 0);
	VIOLATES(TDX_DEVIF_HAS_MAPPED_DMA,
		 tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_del_dma(test, 0, 0);
	VIOLATES(TDX_DEVIF_HAS_MAPPED_MMIO,
		 tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_block_mmio(test, 0);
	VIOLATES(TDX_DEVIF_HAS_MAPPED_MMIO,
		 tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
}

static void count_table(struct kunit *test, const char *line)
{
	struct rig *rig = test->priv;
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	fw_teemu_ops.tables(rig->fw, &m);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(m.buf, line), "%s in:\n%s", line,
				  m.buf);
}

/* the VM goes first: its key id and pages are lost, and no late repair */
static void wrong_vm_first(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	td = rig->td[0].tdr;
	OK(tdh_vp_flush(rig->fw, rig->td[0].vp));
	VIOLATES(TDX_TD_HAS_ATTACHED_DEVICES, tdh_mng_vpflushdone(rig->fw, td));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT, tdh_mng_key_freeid(rig->fw, td));
	VIOLATES(TDX_LIFECYCLE_STATE_INCORRECT,
		 tdh_phymem_page_reclaim(rig->fw, td));
	count_table(test, "\nleaked_hkids 1\n");
	/* TDR, 4 TDCS, vCPU, 2 S-EPT, 2 memory, 3 of the function */
	count_table(test, "\nleaked_pages 13\n");
	count_table(test, "\nmmio_mapped 2\n");
	/* a host that comes back loses nothing */
	tdx_stop(test, 0);
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	OK(tdh_mng_vpflushdone(rig->fw, td));
	count_table(test, "\nleaked_hkids 0\n");
	count_table(test, "\nleaked_pages 0\n");
}

/* an IOTLB invalidation that nobody processed holds the TD too */
static void wrong_vm_before_iotlb(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td, page;

	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	tdx_add_dma(test, 0);
	td = rig->td[0].tdr;
	OK(tdh_vp_flush(rig->fw, rig->td[0].vp));
	OK(tdh_dmar_block(rig->fw, 0, TDX_DMAR_PASIDTE, rig->devif[0]));
	OK(tdh_iq_inv_request(rig->fw, 0, TDX_INV_ENTRY, TDX_DMAR_PASIDTE,
			      rig->devif[0]));
	OK(tdh_iq_inv_request(rig->fw, 0, TDX_INV_IOTLB, 0, td));
	OK(tdh_iq_inv_process(rig->fw, 0, false));
	OK(tdh_iq_inv_request(rig->fw, 0, TDX_INV_IOTLB, 0, td));
	OK(tdh_dmar_remove(rig->fw, 0, TDX_DMAR_PASIDTE, rig->devif[0], &page));
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	VIOLATES(TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
		 tdh_mng_vpflushdone(rig->fw, td));
	OK(tdh_iq_inv_process(rig->fw, 0, false));
	OK(tdh_mng_vpflushdone(rig->fw, td));
}

/* one that waits in another IOMMU's queue does, too, whatever came after it */
static void wrong_vm_before_other_queue(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td, page;

	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	tdx_add_dma(test, 0);
	td = rig->td[0].tdr;
	OK(tdh_vp_flush(rig->fw, rig->td[0].vp));
	OK(tdh_iq_inv_request(rig->fw, 1, TDX_INV_IOTLB, 0, td));
	OK(tdh_dmar_block(rig->fw, 0, TDX_DMAR_PASIDTE, rig->devif[0]));
	OK(tdh_iq_inv_request(rig->fw, 0, TDX_INV_ENTRY, TDX_DMAR_PASIDTE,
			      rig->devif[0]));
	OK(tdh_iq_inv_request(rig->fw, 0, TDX_INV_IOTLB, 0, td));
	OK(tdh_iq_inv_process(rig->fw, 0, false));
	OK(tdh_dmar_remove(rig->fw, 0, TDX_DMAR_PASIDTE, rig->devif[0], &page));
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	VIOLATES(TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
		 tdh_mng_vpflushdone(rig->fw, td));
	OK(tdh_iq_inv_process(rig->fw, 1, true));
	OK(tdh_mng_vpflushdone(rig->fw, td));
}

/* a fatal TD cannot unmap; its function can go nevertheless */
static void fatal_td(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hpa, td;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	td = rig->td[0].tdr;
	KUNIT_EXPECT_EQ(test, tdx_fw_td_set_fatal(rig->fw, td), 0);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA, &hpa), -EACCES);
	HARMLESS(TDX_TD_FATAL, tdh_mmio_block(rig->fw, RIG_MMIO_GPA, 0, td));
	HARMLESS(TDX_TD_FATAL, tdh_mmio_unmap(rig->fw, RIG_MMIO_GPA, 0, td, &hpa));
	tdx_stop(test, 0);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_mt_set(rig->fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_QNODE, 0));
	tdx_del_td(test, 0);
	tdx_del_mmiomt(test);
	tdx_del_devifmt(test);
	tdx_del_stream(test);
	tdx_expect_empty(test);
}

/* metadata outlives the function and serves the next owner after a reset to QNODE */
static void stale_metadata(struct kunit *test)
{
	struct rig *rig = test->priv;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	tdx_stop(test, 0);
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_mmio_map(rig->fw, RIG_MMIO_GPA, 0, rig->td[0].tdr,
			      RIG_MMIO_HPA));
	OK(tdh_mmio_mt_set(rig->fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_QNODE, 0));
	VIOLATES(TDX_MMIO_INVALID_PAGE_METADATA,
		 tdh_mmio_map(rig->fw, RIG_MMIO_GPA, 0, rig->td[0].tdr,
			      RIG_MMIO_HPA));
}

/* DMA needs accepted tables, RUN, keys, and a page that is there */
static void dma_gates(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;
	u64 td, hpa;

#define NO_DMA(want) \
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA + 24, &hpa), want)
	tdx_build_td(test, 0);
	td = rig->td[0].tdr;
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
	NO_DMA(-EACCES);
	tdx_add_mem(test, 0);
	tdx_add_dma(test, 0);
	NO_DMA(-EACCES);
	tdx_lock(test, 0);
	tdx_accept(test, 0, 0);
	NO_DMA(-EACCES);
	/* RUN, not accepted */
	OK(tdx_td_round(rig, 0, 0, TDISP_START_INTERFACE, 0, &result));
	NO_DMA(-EACCES);
	OK(tdg_dmar_accept(rig->fw, td, rig->devif[0]));
	NO_DMA(0);
	KUNIT_EXPECT_EQ(test, hpa, RIG_HPA + 24);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA + PAGE_SIZE - 4,
				       &hpa), -EACCES);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA + 2 * PAGE_SIZE,
				       &hpa), -ENOENT);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, 0, &hpa), -ENOENT);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID2, RIG_GPA, &hpa), -EACCES);
	/* a blocked page, and the same page after its return */
	OK(tdh_mem_range_block(rig->fw, td, RIG_GPA));
	NO_DMA(-ENOENT);
	VIOLATES(TDX_TLB_TRACKING_NOT_DONE,
		 tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	OK(tdh_mem_track(rig->fw, td));
	VIOLATES(TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
		 tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	tdx_track(test, 0);
	OK(tdh_mem_page_remove(rig->fw, td, RIG_GPA, &hpa));
	NO_DMA(-ENOENT);
	OK(tdh_mem_page_add(rig->fw, td, RIG_GPA, RIG_HPA));
	NO_DMA(0);
	/* no DMA to MMIO */
	tdx_add_mmio(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_MMIO_GPA, &hpa),
			-EACCES);
	/* stopped, and locked again without the TD */
	tdx_stop(test, 0);
	NO_DMA(-EACCES);
	tdx_lock(test, 0);
	NO_DMA(-EACCES);
	tdx_accept(test, 0, 0);
	OK(tdx_td_round(rig, 0, 0, TDISP_START_INTERFACE, 0, &result));
	NO_DMA(0);
	OK(tdh_dmar_block(rig->fw, 0, TDX_DMAR_PASIDTE, rig->devif[0]));
	NO_DMA(-EACCES);
#undef NO_DMA
}

static void dma_ends_with_stream(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hpa;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA, &hpa), 0);
	OK(tdh_ide_stream_block(rig->fw, RIG_IOMMU, RIG_STREAM));
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA, &hpa), -EACCES);
}

/* two functions in two TDs: each reaches its own memory, neither the other's end */
static void two_tds(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;
	u64 hpa;

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	tdx_build_td(test, 1);
	tdx_build_devif(test, 1, 1);
	tdx_lock(test, 1);
	tdx_accept(test, 1, 1);
	tdx_add_mem(test, 1);
	tdx_add_dma(test, 1);
	OK(tdg_dmar_accept(rig->fw, rig->td[1].tdr, rig->devif[1]));
	OK(tdx_td_round(rig, 1, 1, TDISP_START_INTERFACE, 0, &result));
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA, &hpa), 0);
	KUNIT_EXPECT_EQ(test, hpa, RIG_HPA);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID2, RIG_GPA, &hpa), 0);
	KUNIT_EXPECT_EQ(test, hpa, RIG_HPA + TDX_SEPT_SPAN);

	tdx_stop(test, 0);
	tdx_block_mmio(test, 0);
	tdx_track(test, 0);
	tdx_unmap_mmio(test, 0);
	tdx_del_dma(test, 0, 0);
	OK(tdh_devif_remove(rig->fw, rig->devif[0]));
	tdx_del_mmiomt(test);
	tdx_del_td(test, 0);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID, RIG_GPA, &hpa), -EACCES);
	KUNIT_EXPECT_EQ(test, tdx_tdma(rig, RIG_RID2, RIG_GPA, &hpa), 0);

	tdx_stop(test, 1);
	tdx_del_dma(test, 1, 1);
	OK(tdh_devif_remove(rig->fw, rig->devif[1]));
	tdx_del_td(test, 1);
	tdx_del_devifmt(test);
	tdx_del_stream(test);
	tdx_expect_empty(test);
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

/* random operands from a small world, so that many calls do succeed */
#define WORLD_PAGES	40

struct world {
	struct rnd_state rnd;
	u64 pages[WORLD_PAGES];
	u32 saw_mmio;
	u32 saw_dma;
	u32 saw_run;
};

static u32 pick(struct world *w, u32 n)
{
	return prandom_u32_state(&w->rnd) % n;
}

static u64 random_td_call(struct rig *rig, struct world *w)
{
	struct tdx_fw *fw = rig->fw;
	u64 td = w->pages[pick(w, 2)], page = w->pages[pick(w, WORLD_PAGES)], out;
	u64 gpa = RIG_GPA + pick(w, 3) * PAGE_SIZE;

	switch (pick(w, 16)) {
	case 0:
		return tdh_mng_create(fw, td, pick(w, 3));
	case 1:
		return tdh_mng_key_config(fw, td);
	case 2:
		return tdh_mng_addcx(fw, td, page);
	case 3:
		return tdh_mng_init(fw, td);
	case 4:
		return tdh_mr_finalize(fw, td);
	case 5:
		/* rarely: these pages do not come back while the TD lives */
		return tdh_vp_create(fw, td, pick(w, 256) ? td : page);
	case 6:
		return tdh_vp_enter(fw, page);
	case 7:
		return tdh_vp_flush(fw, page);
	case 8:
		return tdh_mng_vpflushdone(fw, td);
	case 9:
		return tdh_mng_key_freeid(fw, td);
	case 10:
		return tdh_phymem_page_reclaim(fw, page);
	case 11:
		return tdh_mem_sept_add(fw, td, RIG_GPA, page);
	case 12:
		return tdh_mem_sept_remove(fw, td, RIG_GPA, &out);
	case 13:
		return tdh_mem_page_add(fw, td, gpa, page);
	case 14:
		return tdh_mem_range_block(fw, td, gpa);
	default:
		return tdh_mem_page_remove(fw, td, gpa, &out);
	}
}

static u64 random_dev_call(struct rig *rig, struct world *w)
{
	struct tdx_fw *fw = rig->fw;
	u64 td = w->pages[pick(w, 2)], page = w->pages[pick(w, WORLD_PAGES)], out;
	u64 id = rig->devif[pick(w, 2)], at = pick(w, 3) * PAGE_SIZE;
	u32 level = pick(w, 4);
	u64 entry = level == TDX_DMAR_PASIDTE ? id : TDX_DEVIF_RID(id);
	const struct tdx_devif_pages pages = {
		.root = page,
		.td_msg = w->pages[pick(w, WORLD_PAGES)],
		.vmm_msg = w->pages[pick(w, WORLD_PAGES)],
	};

	switch (pick(w, 15)) {
	case 0:
		return tdh_mem_track(fw, td);
	case 1:
		return tdh_devif_create(fw, id, td, &pages);
	case 2:
		return tdh_devif_remove(fw, id);
	case 3:
		return tdh_dmar_add(fw, 0, level, entry, level == 3 ? 0 : page);
	case 4:
		return tdh_dmar_block(fw, 0, level, entry);
	case 5:
		return tdh_dmar_remove(fw, 0, level, entry, &out);
	case 6:
		return tdh_iq_inv_request(fw, 0, TDX_INV_ENTRY, level, entry);
	case 7:
		return tdh_iq_inv_request(fw, 0, TDX_INV_IOTLB, 0, td);
	case 8:
		return tdh_iq_inv_process(fw, 0, pick(w, 2));
	case 9:
		return tdh_mmio_mt_set(fw, RIG_MMIO_HPA + at, 0, pick(w, 2), id);
	case 10:
		return tdh_mmio_map(fw, RIG_GPA + at, 0, td, RIG_MMIO_HPA + at);
	case 11:
		return tdh_mmio_block(fw, RIG_GPA + at, 0, td);
	case 12:
		return tdh_mmio_unmap(fw, RIG_GPA + at, 0, td, &out);
	case 13:
		return tdg_dmar_accept(fw, td, id);
	default:
		return tdg_devif_validate(fw, td, id, rig->pkh);
	}
}

static void random_rounds(struct rig *rig, struct world *w)
{
	static const u8 types[] = {
		TDISP_LOCK_INTERFACE, TDISP_STOP_INTERFACE, TDISP_GET_STATE,
		TDISP_START_INTERFACE, TDISP_GET_REPORT,
	};
	int dev = pick(w, 2);
	struct tdx_devif_result result;

	rig->dev[dev].fault = pick(w, 4) ? RIG_OK : pick(w, RIG_NR_FAULTS);
	if (!pick(w, 8))
		rig->dev[dev].state = pick(w, 4);
	if (pick(w, 2))
		tdx_vmm_round(rig, dev, types[pick(w, 5)]);
	else
		tdx_td_round(rig, dev, pick(w, 2), types[pick(w, 5)], 0,
			     &result);
}

/* what holds whatever anybody calls */
static void check_invariants(struct kunit *test, struct world *w)
{
	struct rig *rig = test->priv;
	struct fw_devif *devif;
	u32 mmio = 0;

	for (struct fw_node *node = fw_node_first(&rig->fw->devifs); node;
	     node = fw_node_after(node)) {
		devif = container_of(node, struct fw_devif, node);
		mmio += devif->mmio_count;
		w->saw_mmio += !!devif->mmio_count;
		w->saw_dma += !!devif->pasidtes;
		w->saw_run += devif->state == TDISP_RUN;
		KUNIT_ASSERT_GT(test, devif->td->devifs, 0);
		KUNIT_ASSERT_GE(test, devif->td->pasidtes, devif->pasidtes);
		KUNIT_ASSERT_EQ(test, devif->td->lifecycle, FW_KEYS_CONFIGURED);
		if (devif->valid)
			KUNIT_ASSERT_TRUE(test, devif->state == TDISP_CONFIG_LOCKED ||
					  devif->state == TDISP_RUN);
	}
	KUNIT_ASSERT_EQ(test, mmio, rig->fw->nr_mmio);
}

/* a refused call changes nothing, whatever the state and the operands */
static void random_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u32 seed = get_random_u32(), accepted = 0;
	u64 before, status;

	KUNIT_ASSERT_NOT_NULL(test, w);
	kunit_info(test, "seed %u", seed);
	prandom_seed_state(&w->rnd, seed);
	for (int i = 0; i < ARRAY_SIZE(w->pages); i++)
		w->pages[i] = tdx_page(rig);
	for (int i = 0; i < 2; i++) {
		tdx_build_td(test, i);
		tdx_add_sept(test, i, RIG_GPA);
		w->pages[i] = rig->td[i].tdr;
	}
	tdx_build_stream(test);
	tdx_add_mmiomt(test, RIG_MMIO_HPA, 1);
	for (int i = 0; i < 20000; i++) {
		before = tdx_digest(rig->fw);
		status = pick(w, 2) ? random_td_call(rig, w) :
				      random_dev_call(rig, w);
		if (status)
			KUNIT_ASSERT_EQ_MSG(test, tdx_digest(rig->fw), before,
					    "call %d status %#llx", i, status);
		accepted += !status;
		if (!pick(w, 4))
			random_rounds(rig, w);
		check_invariants(test, w);
	}
	kunit_info(test, "%u of 20000 accepted, MMIO in %u, DMA in %u, RUN in %u",
		   accepted, w->saw_mmio, w->saw_dma, w->saw_run);
	KUNIT_EXPECT_GT(test, accepted, 1000);
	/* it got somewhere */
	KUNIT_EXPECT_GT(test, w->saw_mmio, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(legal_life),
	KUNIT_CASE(legal_life_other),
	KUNIT_CASE(legal_escape),
	KUNIT_CASE(life_again),
	KUNIT_CASE(wrong_unmap_before_stop),
	KUNIT_CASE(wrong_remove),
	KUNIT_CASE(wrong_vm_first),
	KUNIT_CASE(wrong_vm_before_iotlb),
	KUNIT_CASE(wrong_vm_before_other_queue),
	KUNIT_CASE(fatal_td),
	KUNIT_CASE(stale_metadata),
	KUNIT_CASE(dma_gates),
	KUNIT_CASE(dma_ends_with_stream),
	KUNIT_CASE(two_tds),
	KUNIT_CASE_SLOW(random_calls),
	{}
};

static struct kunit_suite suite = {
	.name = "tdx_fw_order",
	.init = tdx_init,
	.exit = tdx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
