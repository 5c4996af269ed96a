// SPDX-License-Identifier: GPL-2.0-only
/* The rig of the KUnit tests: see tdx_fw_rig.h. */
#include <crypto/sha2.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/unaligned.h>

#include "tdx_fw_rig.h"

static const u8 chain[] = "a certificate chain";

static void tdx_ide_keys(void *priv, u8 stream, bool go)
{
	struct rig *rig = priv;

	might_sleep();
	rig->keys = go;
}

static void tdx_invalidate(void *priv, u16 rid)
{
	struct rig *rig = priv;

	might_sleep();
	rig->invalidations++;
	rig->invalidated = rid;
	if (rig->while_invalidating)
		rig->while_invalidating(rig->test);
}

static const struct teemu_platform tdx_platform = {
	.ide_keys = tdx_ide_keys,
	.invalidate = tdx_invalidate,
};

int tdx_init(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	if (!rig)
		return -ENOMEM;
	rig->fw = tdx_fw_create();
	if (IS_ERR(rig->fw))
		return PTR_ERR(rig->fw);
	tdx_fw_set_platform(rig->fw, &tdx_platform, rig);
	rig->next_page = 0x10000000;
	rig->keys = -1;
	rig->test = test;
	sha384(chain, sizeof(chain), rig->pkh);
	for (int i = 0; i < 2; i++) {
		rig->dev[i] = (struct tdx_dev) {
			.rid = RIG_RID + i,
			.portion = 4096,
			.report.interface_info =
				cpu_to_le16(TDISP_REPORT_DMA_NO_PASID),
			.report.nr_ranges = cpu_to_le32(1),
		};
		rig->devif[i] = TDX_DEVIF_ID(RIG_IOMMU, RIG_STREAM, RIG_RID + i);
	}
	test->priv = rig;
	return 0;
}

void tdx_exit(struct kunit *test)
{
	struct rig *rig = test->priv;

	if (rig && !IS_ERR_OR_NULL(rig->fw))
		tdx_fw_destroy(rig->fw);
}

u64 tdx_page(struct rig *rig)
{
	rig->next_page += PAGE_SIZE;
	return rig->next_page;
}

/* everything in the model that a refused call must leave alone, as one number */
struct digest {
	u64 sum;
};

static void add(struct digest *d, u64 value)
{
	d->sum = hash_64(d->sum * 31 + value + 1, 64);
}

static void add_leaf(struct digest *d, const struct fw_leaf *leaf)
{
	if (leaf->state)
		add(d, leaf->hpa | leaf->level << 8 | leaf->state);
}

static void add_td(struct digest *d, struct fw_td *td)
{
	struct fw_node *node;

	add(d, td->lifecycle << 8 | td->op << 4 | td->fatal);
	add(d, (u64)td->children << 32 | td->nr_tdcs);
	add(d, td->nr_assoc << 16 | td->devifs << 8 | td->pasidtes);
	add(d, td->tlb_epoch);
	add(d, td->iotlb_req);
	add(d, td->iotlb_done);
	add(d, td->iotlb_waits);
	for (int i = 0; i < FW_NR_SHARED; i++)
		if (td->shared[i])
			add(d, td->shared[i] | i);
	for (node = fw_node_first(&td->sept); node; node = fw_node_after(node)) {
		struct fw_sept *sept = container_of(node, struct fw_sept, node);

		add(d, node->key);
		for (int i = 0; sept->used && i < FW_ENTRIES; i++)
			add_leaf(d, &sept->entry[i].leaf);
	}
	for (node = fw_node_first(&td->big); node; node = fw_node_after(node)) {
		add(d, node->key);
		add_leaf(d, &container_of(node, struct fw_big, node)->leaf);
	}
}

static void add_round(struct digest *d, const struct fw_round *round)
{
	add(d, round->step << 8 | round->type);
	add(d, round->step == FW_PROCESSED ? round->status : 0);
}

static void add_devifs(struct digest *d, struct tdx_fw *fw)
{
	struct fw_devif *devif;
	struct fw_node *node;

	for (node = fw_node_first(&fw->devifs); node; node = fw_node_after(node)) {
		devif = container_of(node, struct fw_devif, node);
		add(d, devif->id);
		add(d, devif->state << 4 | devif->told << 8 | devif->valid);
		add(d, (u64)devif->gen << 32 | devif->report_len << 1 |
		       devif->report_done);
		add(d, devif->mmio_count << 16 | devif->pasidtes);
		add(d, devif->reporting_offset);
		add(d, devif->nonce[0]);
		add_round(d, &devif->vmm);
		add_round(d, &devif->tvm);
	}
}

static void add_link(struct digest *d, struct tdx_fw *fw)
{
	struct fw_node *node;

	for (node = fw_node_first(&fw->spdm); node; node = fw_node_after(node)) {
		struct fw_spdm *spdm = container_of(node, struct fw_spdm, node);

		add(d, spdm->index << 8 | spdm->streams << 1 | spdm->bound);
	}
	for (node = fw_node_first(&fw->streams); node; node = fw_node_after(node)) {
		struct fw_stream *stream = container_of(node, struct fw_stream, node);

		add(d, stream->devifs << 8 | stream->keys << 4 |
		       stream->outreq << 2 | stream->blocked);
	}
}

static void add_iommu(struct digest *d, struct fw_iommu *iommu)
{
	struct fw_node *node;

	add(d, iommu->iq_len << 8 | iommu->state << 2 | iommu->has_root << 1 |
	       iommu->has_queue);
	for (node = fw_node_first(&iommu->dmar); node; node = fw_node_after(node)) {
		struct fw_dmar *dmar = container_of(node, struct fw_dmar, node);

		add(d, dmar->rid << 16 | dmar->level << 12 |
		       dmar->children << 8 | dmar->inv << 4 | dmar->state);
	}
}

static void add_mmiomt(struct digest *d, struct rb_root *root)
{
	struct fw_node *node;

	for (node = fw_node_first(root); node; node = fw_node_after(node)) {
		struct fw_mmiomt *mt = container_of(node, struct fw_mmiomt, node);

		add(d, node->key << 16 | mt->used);
		for (int i = 0; mt->used && i < FW_ENTRIES; i++)
			add(d, mt->entry[i].devif << 3 | mt->entry[i].type << 2 |
			       mt->entry[i].table << 1 | mt->entry[i].mapped);
	}
}

static void add_tables(struct digest *d, struct tdx_fw *fw)
{
	add_link(d, fw);
	for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
		add_iommu(d, &fw->iommu[i]);
	for (int i = 0; i < TDX_MMIOMT_TOP; i++)
		add_mmiomt(d, &fw->mmiomt[i]);
}

u64 tdx_digest(struct tdx_fw *fw)
{
	struct digest d = {};

	guard(spinlock_irqsave)(&fw->lock);
	for (struct rb_node *rb = rb_first(&fw->pages); rb; rb = rb_next(rb)) {
		struct fw_page *page = rb_entry(rb, struct fw_page, node.rb);

		add(&d, page->node.key << 8 | page->type);
		if (page->type == FW_PT_TDR)
			add_td(&d, container_of(page, struct fw_td, page));
		if (page->type == FW_PT_TDVPR)
			add(&d, container_of(page, struct fw_vp, page)->assoc);
	}
	for (int i = 0; i < FW_NR_PT; i++)
		add(&d, fw->nr_pages[i]);
	add(&d, fw->nr_mmio);
	add(&d, fw->hkids[0]);
	add_devifs(&d, fw);
	add_tables(&d, fw);
	return d.sum;
}

void tdx_build_td(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	struct tdx_td *td = &rig->td[n];

	td->tdr = tdx_page(rig);
	td->vp = tdx_page(rig);
	OK(tdh_mng_create(rig->fw, td->tdr, 3 + n));
	OK(tdh_mng_key_config(rig->fw, td->tdr));
	for (int i = 0; i < TDX_FW_MIN_TDCS; i++) {
		td->tdcs[i] = tdx_page(rig);
		OK(tdh_mng_addcx(rig->fw, td->tdr, td->tdcs[i]));
	}
	OK(tdh_mng_init(rig->fw, td->tdr));
	OK(tdh_vp_create(rig->fw, td->tdr, td->vp));
	OK(tdh_mr_finalize(rig->fw, td->tdr));
	OK(tdh_vp_enter(rig->fw, td->vp));
}

void tdx_build_stream(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct tdx_ide_assoc assoc = {
		.rid_base = RIG_RID,
		.rid_limit = RIG_RID + 7,
		.mem_base = RIG_MMIO_HPA,
		.mem_limit = RIG_MMIO_HPA + TDX_SEPT_SPAN - 1,
	};

	OK(tdh_spdm_create(rig->fw, RIG_IOMMU, RIG_SPDM, tdx_page(rig)));
	OK(tdg_spdm_tpa_set(rig->fw, RIG_IOMMU, RIG_SPDM, chain, sizeof(chain)));
	OK(tdh_ide_stream_create(rig->fw, RIG_IOMMU, RIG_STREAM, RIG_SPDM,
				 &assoc));
	OK(tdh_ide_stream_idekmreq(rig->fw, RIG_IOMMU, RIG_STREAM,
				   TDX_IDEKM_KEY_PROG));
	OK(tdh_ide_stream_idekmrsp(rig->fw, RIG_IOMMU, RIG_STREAM));
	OK(tdh_ide_stream_idekmreq(rig->fw, RIG_IOMMU, RIG_STREAM,
				   TDX_IDEKM_K_SET_GO));
	OK(tdh_ide_stream_idekmrsp(rig->fw, RIG_IOMMU, RIG_STREAM));
	KUNIT_EXPECT_EQ(test, rig->keys, 1);
	OK(tdh_devif_mt_add(rig->fw, RIG_IOMMU, RIG_RID >> 8, tdx_page(rig)));
}

void tdx_build_devif(struct kunit *test, int dev, int td)
{
	struct rig *rig = test->priv;
	const struct tdx_devif_pages pages = {
		.root = tdx_page(rig),
		.td_msg = tdx_page(rig),
		.vmm_msg = tdx_page(rig),
	};

	rig->pages[dev] = pages;
	OK(tdh_devif_create(rig->fw, rig->devif[dev], rig->td[td].tdr, &pages));
}

u64 tdx_vmm_round(struct rig *rig, int dev, u8 type)
{
	const struct tdx_devif_req req = {
		.type = type,
		.lock_flags = TDISP_LOCK_NO_FW_UPDATE,
		.reporting_offset = RIG_OFFSET,
	};
	u8 msg[TDX_FW_MSG_MAX], rsp[RIG_MSG_MAX];
	size_t len;
	u64 status;

	status = tdh_devif_request(rig->fw, rig->devif[dev], false, &req, msg,
				   &len);
	if (status)
		return status;
	len = tdx_answer(&rig->dev[dev], msg, rsp);
	return tdh_devif_response(rig->fw, rig->devif[dev], false, rsp, len);
}

u64 tdx_td_round(struct rig *rig, int dev, int td, u8 type, u16 offset,
		 struct tdx_devif_result *result)
{
	u8 msg[TDX_FW_MSG_MAX], rsp[RIG_MSG_MAX];
	size_t len;
	u64 status;

	status = tdg_devif_request(rig->fw, rig->td[td].tdr, rig->devif[dev],
				   type, offset);
	if (status)
		return status;
	status = tdh_devif_request(rig->fw, rig->devif[dev], true, NULL, msg,
				   &len);
	if (status)
		return status;
	len = tdx_answer(&rig->dev[dev], msg, rsp);
	tdh_devif_response(rig->fw, rig->devif[dev], true, rsp, len);
	return tdg_devif_response(rig->fw, rig->td[td].tdr, rig->devif[dev],
				  result);
}

void tdx_lock(struct kunit *test, int dev)
{
	struct rig *rig = test->priv;

	OK(tdx_vmm_round(rig, dev, TDISP_LOCK_INTERFACE));
	KUNIT_ASSERT_EQ(test, tdx_fw_tdisp_state(rig->fw, rig->devif[dev]),
			TDISP_CONFIG_LOCKED);
}

/* the TD attests and fetches the report */
void tdx_accept(struct kunit *test, int dev, int td)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;

	OK(tdg_devif_validate(rig->fw, rig->td[td].tdr, rig->devif[dev],
			      rig->pkh));
	OK(tdx_td_round(rig, dev, td, TDISP_GET_REPORT, 0, &result));
	KUNIT_EXPECT_EQ(test, result.remainder, 0);
}

void tdx_add_dma(struct kunit *test, int dev)
{
	struct rig *rig = test->priv;
	u16 rid = rig->dev[dev].rid;
	struct tdx_dmar_entry rte;

	OK(tdh_dmar_read(rig->fw, RIG_IOMMU, TDX_DMAR_RTE, rid, &rte));
	if (rte.state == TDX_DMAR_FREE)
		OK(tdh_dmar_add(rig->fw, RIG_IOMMU, TDX_DMAR_RTE, rid,
				tdx_page(rig)));
	OK(tdh_dmar_add(rig->fw, RIG_IOMMU, TDX_DMAR_CTE, rid, tdx_page(rig)));
	OK(tdh_dmar_add(rig->fw, RIG_IOMMU, TDX_DMAR_PDE, rid, tdx_page(rig)));
	OK(tdh_dmar_add(rig->fw, RIG_IOMMU, TDX_DMAR_PASIDTE, rig->devif[dev],
			0));
}

void tdx_add_sept(struct kunit *test, int n, u64 gpa)
{
	struct rig *rig = test->priv;
	struct tdx_td *td = &rig->td[n];
	u64 page = tdx_page(rig);

	OK(tdh_mem_sept_add(rig->fw, td->tdr, gpa, page));
	td->sept[td->nr_sept++] = page;
}

/* two pages of memory, the second TD's behind the first one's */
void tdx_add_mem(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	u64 td = rig->td[n].tdr, hpa = RIG_HPA + n * TDX_SEPT_SPAN;

	tdx_add_sept(test, n, RIG_GPA);
	OK(tdh_mem_page_add(rig->fw, td, RIG_GPA, hpa));
	OK(tdh_mem_page_add(rig->fw, td, RIG_GPA + PAGE_SIZE, hpa + PAGE_SIZE));
}

/* pages of metadata of @hpa down to @level */
void tdx_add_mmiomt(struct kunit *test, u64 hpa, unsigned int level)
{
	struct rig *rig = test->priv;

	for (unsigned int i = TDX_MMIOMT_TOP; i >= level; i--)
		OK(tdh_mmio_mt_add(rig->fw, ALIGN_DOWN(hpa, TDX_LEAF_SIZE(i)), i,
				   tdx_page(rig)));
}

/* two pages of the function's MMIO, mapped and accepted */
void tdx_add_mmio(struct kunit *test, int dev, int n)
{
	struct rig *rig = test->priv;
	u64 td = rig->td[n].tdr;

	tdx_add_sept(test, n, RIG_MMIO_GPA);
	tdx_add_mmiomt(test, RIG_MMIO_HPA, 1);
	for (u64 at = 0; at < 2 * PAGE_SIZE; at += PAGE_SIZE) {
		OK(tdh_mmio_mt_set(rig->fw, RIG_MMIO_HPA + at, 0, TDX_MMIOMT_DATA,
				   rig->devif[dev]));
		OK(tdh_mmio_map(rig->fw, RIG_MMIO_GPA + at, 0, td,
				RIG_MMIO_HPA + at));
		OK(tdg_mmio_accept(rig->fw, td, RIG_MMIO_GPA + at, 0,
				   (RIG_MMIO_HPA + at + RIG_OFFSET) >> PAGE_SHIFT));
	}
}

void tdx_start(struct kunit *test, int dev, int td)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;

	OK(tdg_dmar_accept(rig->fw, rig->td[td].tdr, rig->devif[dev]));
	OK(tdx_td_round(rig, dev, td, TDISP_START_INTERFACE, 0, &result));
	KUNIT_ASSERT_EQ(test, result.state, TDISP_RUN);
	KUNIT_ASSERT_EQ(test, rig->dev[dev].state, TDISP_RUN);
}

/* everything, up to RUN; the stream must be there */
void tdx_run(struct kunit *test, int dev, int td)
{
	tdx_build_td(test, td);
	tdx_build_devif(test, dev, td);
	tdx_lock(test, dev);
	tdx_accept(test, dev, td);
	tdx_add_mem(test, td);
	tdx_add_mmio(test, dev, td);
	tdx_add_dma(test, dev);
	tdx_start(test, dev, td);
}

void tdx_stop(struct kunit *test, int dev)
{
	struct rig *rig = test->priv;

	OK(tdx_vmm_round(rig, dev, TDISP_STOP_INTERFACE));
	KUNIT_ASSERT_EQ(test, tdx_fw_tdisp_state(rig->fw, rig->devif[dev]),
			TDISP_CONFIG_UNLOCKED);
}

void tdx_block_mmio(struct kunit *test, int td)
{
	struct rig *rig = test->priv;

	for (u64 at = 0; at < 2 * PAGE_SIZE; at += PAGE_SIZE)
		OK(tdh_mmio_block(rig->fw, RIG_MMIO_GPA + at, 0, rig->td[td].tdr));
}

void tdx_track(struct kunit *test, int td)
{
	struct rig *rig = test->priv;
	u64 status;

	OK(tdh_mem_track(rig->fw, rig->td[td].tdr));
	status = tdh_iq_inv_request(rig->fw, RIG_IOMMU, TDX_INV_IOTLB, 0,
				    rig->td[td].tdr);
	if (status != TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED)
		OK(status);
	OK(tdh_iq_inv_process(rig->fw, RIG_IOMMU, true));
}

void tdx_unmap_mmio(struct kunit *test, int td)
{
	struct rig *rig = test->priv;
	u64 hpa;

	for (u64 at = 0; at < 2 * PAGE_SIZE; at += PAGE_SIZE) {
		OK(tdh_mmio_unmap(rig->fw, RIG_MMIO_GPA + at, 0, rig->td[td].tdr,
				  &hpa));
		KUNIT_EXPECT_EQ(test, hpa, RIG_MMIO_HPA + at);
	}
}

void tdx_del_mmiomt(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 page;

	for (u64 at = 0; at < 2 * PAGE_SIZE; at += PAGE_SIZE)
		OK(tdh_mmio_mt_set(rig->fw, RIG_MMIO_HPA + at, 0, TDX_MMIOMT_QNODE,
				   0));
	for (unsigned int i = 1; i <= TDX_MMIOMT_TOP; i++)
		OK(tdh_mmio_mt_remove(rig->fw,
				      ALIGN_DOWN(RIG_MMIO_HPA, TDX_LEAF_SIZE(i)),
				      i, &page));
}

static void del_entry(struct kunit *test, enum tdx_dmar_level level, u64 id,
		      u64 td)
{
	struct rig *rig = test->priv;
	u64 page;

	OK(tdh_dmar_block(rig->fw, RIG_IOMMU, level, id));
	OK(tdh_iq_inv_request(rig->fw, RIG_IOMMU, TDX_INV_ENTRY, level, id));
	if (level == TDX_DMAR_PASIDTE)
		OK(tdh_iq_inv_request(rig->fw, RIG_IOMMU, TDX_INV_IOTLB, 0, td));
	OK(tdh_iq_inv_process(rig->fw, RIG_IOMMU, false));
	OK(tdh_dmar_remove(rig->fw, RIG_IOMMU, level, id, &page));
}

void tdx_del_dma(struct kunit *test, int dev, int td)
{
	struct rig *rig = test->priv;
	u16 rid = rig->dev[dev].rid;
	struct tdx_dmar_entry rte;

	del_entry(test, TDX_DMAR_PASIDTE, rig->devif[dev], rig->td[td].tdr);
	del_entry(test, TDX_DMAR_PDE, rid, 0);
	del_entry(test, TDX_DMAR_CTE, rid, 0);
	OK(tdh_dmar_read(rig->fw, RIG_IOMMU, TDX_DMAR_RTE, rid, &rte));
	if (!rte.children)
		del_entry(test, TDX_DMAR_RTE, rid, 0);
}

void tdx_del_devifmt(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 page;

	OK(tdh_devif_mt_remove(rig->fw, RIG_IOMMU, RIG_RID >> 8, &page));
}

/* the TD's way down */
void tdx_del_td(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	struct tdx_td *td = &rig->td[n];
	struct tdx_sept_entry entry;
	u64 gpa = 0;

	OK(tdh_vp_flush(rig->fw, td->vp));
	OK(tdh_mng_vpflushdone(rig->fw, td->tdr));
	OK(tdh_mng_key_freeid(rig->fw, td->tdr));
	while (tdx_fw_next_page(rig->fw, td->tdr, &gpa, ~0ULL, &entry))
		OK(tdh_phymem_page_reclaim(rig->fw, entry.hpa));
	while (td->nr_sept)
		OK(tdh_phymem_page_reclaim(rig->fw, td->sept[--td->nr_sept]));
	for (int i = 0; i < TDX_FW_MIN_TDCS; i++)
		OK(tdh_phymem_page_reclaim(rig->fw, td->tdcs[i]));
	OK(tdh_phymem_page_reclaim(rig->fw, td->vp));
	OK(tdh_phymem_page_reclaim(rig->fw, td->tdr));
}

void tdx_del_stream(struct kunit *test)
{
	struct rig *rig = test->priv;

	OK(tdh_ide_stream_idekmreq(rig->fw, RIG_IOMMU, RIG_STREAM,
				   TDX_IDEKM_K_SET_STOP));
	OK(tdh_ide_stream_idekmrsp(rig->fw, RIG_IOMMU, RIG_STREAM));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	OK(tdh_ide_stream_block(rig->fw, RIG_IOMMU, RIG_STREAM));
	OK(tdh_ide_stream_delete(rig->fw, RIG_IOMMU, RIG_STREAM));
	OK(tdh_spdm_delete(rig->fw, RIG_IOMMU, RIG_SPDM));
}

/* nothing is left, nobody made a mistake */
void tdx_expect_empty(struct kunit *test)
{
	struct rig *rig = test->priv;

	for (int i = 0; i < FW_NR_PT; i++)
		KUNIT_EXPECT_EQ(test, rig->fw->nr_pages[i], 0);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&rig->fw->pages));
	for (int i = 0; i < TDX_MMIOMT_TOP; i++)
		KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&rig->fw->mmiomt[i]));
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&rig->fw->devifs));
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&rig->fw->streams));
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&rig->fw->iommu[RIG_IOMMU].dmar));
	KUNIT_EXPECT_EQ(test, rig->fw->nr_mmio, 0);
	KUNIT_EXPECT_EQ(test, rig->fw->hkids[0], 0);
}

/* the device's side of TDISP; @out starts at the TDISP header; bytes of the body */
static size_t tdisp_answer(struct tdx_dev *dev, const struct tdisp_hdr *in,
			   struct tdisp_hdr *out)
{
	u8 *body = (u8 *)(out + 1);
	const u8 *ask = (const u8 *)(in + 1);
	struct {
		struct tdisp_report head;
		struct tdisp_mmio_range range;
		__le32 vendor_len;
	} __packed report = { .head = dev->report };
	u16 offset, portion;

	switch (in->type) {
	case TDISP_LOCK_INTERFACE:
		if (dev->state != TDISP_CONFIG_UNLOCKED)
			return 0;
		dev->state = TDISP_CONFIG_LOCKED;
		dev->offset = get_unaligned_le64(ask + 4);
		memset(body, ++dev->nonce, TDISP_NONCE_SIZE);
		return TDISP_NONCE_SIZE;
	case TDISP_GET_REPORT:
		report.range.first_page = cpu_to_le64((RIG_MMIO_HPA + dev->offset)
						      >> PAGE_SHIFT);
		report.range.pages = cpu_to_le32(2);
		report.range.attributes = cpu_to_le16(dev->range_attr);
		offset = get_unaligned_le16(ask);
		portion = min(dev->portion, sizeof(report) - offset);
		put_unaligned_le16(portion, body);
		put_unaligned_le16(sizeof(report) - offset - portion, body + 2);
		memcpy(body + 4, (u8 *)&report + offset, portion);
		return 4 + portion;
	case TDISP_GET_STATE:
		*body = dev->state;
		return 1;
	case TDISP_START_INTERFACE:
		if (dev->state != TDISP_CONFIG_LOCKED || *ask != dev->nonce)
			out->type = TDISP_ERROR;
		else
			dev->state = TDISP_RUN;
		return 0;
	default:
		dev->state = TDISP_CONFIG_UNLOCKED;
		return 0;
	}
}

size_t tdx_answer(struct tdx_dev *dev, const u8 *msg, u8 *rsp)
{
	const struct tdisp_hdr *in = (const void *)(msg + RIG_WRAP_SIZE);
	struct spdm_vendor_hdr *hdr = (void *)rsp;
	struct tdisp_hdr *out = (void *)(rsp + RIG_WRAP_SIZE);
	size_t len = sizeof(*out);

	memset(rsp, 0, RIG_MSG_MAX);
	memcpy(rsp, msg, RIG_WRAP_SIZE + sizeof(*in));
	hdr->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	out->type = TDISP_RESPONSE(in->type);
	if (dev->fault == RIG_TDISP_ERROR) {
		out->type = TDISP_ERROR;
		put_unaligned_le32(TDISP_ERR_BUSY, out + 1);
		len += 8;
	} else {
		len += tdisp_answer(dev, in, out);
	}
	hdr->payload_len = cpu_to_le16(len + 1);
	len += RIG_WRAP_SIZE;
	switch (dev->fault) {
	case RIG_SILENT:
		return 0;
	case RIG_PADDED:
		return len + 3;
	case RIG_SHORT:
		return len - 1;
	case RIG_LONG:
		return len + 4;
	case RIG_NOISE:
		memset(rsp, 0xa5, len);
		break;
	case RIG_WRONG_TYPE:
		out->type = TDISP_RESPONSE(TDISP_GET_CAPABILITIES);
		break;
	case RIG_WRONG_FUNCTION:
		out->function_id = cpu_to_le32(dev->rid + 1);
		break;
	case RIG_WRONG_VERSION:
		out->version = 0x20;
		break;
	case RIG_WRONG_PROTOCOL:
		hdr->protocol = SPDM_PROTOCOL_IDE_KM;
		break;
	case RIG_SPDM_ERROR:
		hdr->spdm.code = SPDM_ERROR;
		return sizeof(hdr->spdm);
	default:
		break;
	}
	return len;
}

struct take {
	struct rig *rig;
	u64 hpa;
	int calls;
};

static void take_hpa(void *ctx, phys_addr_t hpa)
{
	struct take *take = ctx;

	lockdep_assert_held(&take->rig->fw->lock);
	take->hpa = hpa;
	take->calls++;
}

int tdx_tdma(struct rig *rig, u16 rid, u64 gpa, u64 *hpa)
{
	struct take take = { .rig = rig };
	int rc = fw_teemu_ops.tdma(rig->fw, rid, gpa, 8, true, take_hpa, &take);

	*hpa = take.hpa;
	KUNIT_EXPECT_EQ(rig->test, take.calls, !rc);
	return rc;
}

MODULE_DESCRIPTION("KUnit tests of the model of the TDX Connect firmware");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
