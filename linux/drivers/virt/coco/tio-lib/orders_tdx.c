// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of an unbind on the TDX model: a TD with one function, which a rig binds
 * and takes apart through the model's calls alone. Addresses are numbers, nothing is
 * allocated for them.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/string.h>
#include <linux/tdx-fw.h>

#include "orders.h"

#define IOMMU		0
#define SPDM		1
#define STREAM		2
#define RID		0x0100
#define DEVIF		TDX_DEVIF_ID(IOMMU, STREAM, RID)
#define NR_PAGES	4
#define GPA		0x80000000ULL
#define HPA		0x70000000ULL
#define OFFSET		0xffffd00000000000ULL
#define FIRST_PAGE	0x10000000ULL

enum progress {
	IN_USE,
	BLOCKED,
	GONE,
};

/* @given_back: DATA entries that are QNODEs again */
struct tdx_rig {
	struct tdx_fw *fw;
	struct tio_order_device dev;
	u64 next_page;
	u64 td;
	bool stopped;
	bool removed;
	enum progress page[NR_PAGES];
	bool given_back[NR_PAGES];
	enum progress dma[TDX_DMAR_PASIDTE + 1];
};

#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), TDX_SUCCESS)

static u64 next_page(struct tdx_rig *rig)
{
	rig->next_page += PAGE_SIZE;
	return rig->next_page;
}

/* @status of @call, which is told to the test if it is a refusal */
static u64 did(u32 *nr, u32 call, u64 status)
{
	if (status)
		*nr = call;
	return status;
}

/* one TDISP request, the VMM's or what the TD asked for */
static u64 carry(struct tdx_rig *rig, bool td, u8 type, u32 *nr)
{
	const struct tdx_devif_req req = {
		.type = type,
		.reporting_offset = OFFSET,
	};
	u8 msg[TDX_FW_MSG_MAX], rsp[TIO_ORDER_RSP_MAX];
	size_t len;

	return did(nr, TDH_DEVIF_REQUEST,
		   tdh_devif_request(rig->fw, DEVIF, td, &req, msg, &len)) ?:
	       did(nr, TDH_DEVIF_RESPONSE,
		   tdh_devif_response(rig->fw, DEVIF, td, rsp,
				      tio_order_answer(&rig->dev, msg, rsp)));
}

static u64 carry_td(struct tdx_rig *rig, u8 type)
{
	struct tdx_devif_result result;
	u32 nr;

	return tdg_devif_request(rig->fw, rig->td, DEVIF, type, 0) ?:
	       carry(rig, true, type, &nr) ?:
	       tdg_devif_response(rig->fw, rig->td, DEVIF, &result);
}

static void build_td(struct kunit *test, struct tdx_rig *rig)
{
	struct tdx_fw *fw = rig->fw;
	u64 vp = next_page(rig);

	rig->td = next_page(rig);
	OK(tdh_mng_create(fw, rig->td, 1));
	OK(tdh_mng_key_config(fw, rig->td));
	for (int i = 0; i < TDX_FW_MIN_TDCS; i++)
		OK(tdh_mng_addcx(fw, rig->td, next_page(rig)));
	OK(tdh_mng_init(fw, rig->td));
	OK(tdh_vp_create(fw, rig->td, vp));
	OK(tdh_mr_finalize(fw, rig->td));
	OK(tdh_vp_enter(fw, vp));
}

static void build_link(struct kunit *test, struct tdx_rig *rig)
{
	static const u8 chain[] = "a certificate chain";
	const struct tdx_ide_assoc assoc = {
		.rid_base = RID,
		.rid_limit = RID,
		.mem_base = HPA,
		.mem_limit = HPA + NR_PAGES * PAGE_SIZE - 1,
	};
	struct tdx_fw *fw = rig->fw;

	OK(tdh_spdm_create(fw, IOMMU, SPDM, next_page(rig)));
	OK(tdg_spdm_tpa_set(fw, IOMMU, SPDM, chain, sizeof(chain)));
	OK(tdh_ide_stream_create(fw, IOMMU, STREAM, SPDM, &assoc));
	for (enum tdx_idekm_op op = TDX_IDEKM_KEY_PROG;
	     op <= TDX_IDEKM_K_SET_GO; op++) {
		OK(tdh_ide_stream_idekmreq(fw, IOMMU, STREAM, op));
		OK(tdh_ide_stream_idekmrsp(fw, IOMMU, STREAM));
	}
}

/* locked, attested: the TD reads what was bound, as it would from its evidence */
static void bind_devif(struct kunit *test, struct tdx_rig *rig)
{
	const struct tdx_devif_pages pages = {
		.root = next_page(rig),
		.td_msg = next_page(rig),
		.vmm_msg = next_page(rig),
	};
	struct tdx_fw *fw = rig->fw;
	u8 pkh[TDX_FW_PKH_SIZE];
	size_t len = sizeof(pkh);
	u32 nr;

	OK(tdh_devif_mt_add(fw, IOMMU, RID >> 8, next_page(rig)));
	OK(tdh_devif_create(fw, DEVIF, rig->td, &pages));
	OK(carry(rig, false, TDISP_LOCK_INTERFACE, &nr));
	OK(tdg_devif_rd(fw, rig->td, DEVIF, TDX_DEVIF_FIELD_PKH, 0, pkh, &len));
	OK(tdg_devif_validate(fw, rig->td, DEVIF, pkh));
	OK(carry_td(rig, TDISP_GET_REPORT));
}

static void map_mmio(struct kunit *test, struct tdx_rig *rig)
{
	struct tdx_fw *fw = rig->fw;

	OK(tdh_mem_sept_add(fw, rig->td, GPA, next_page(rig)));
	for (unsigned int level = TDX_MMIOMT_TOP; level; level--)
		OK(tdh_mmio_mt_add(fw, ALIGN_DOWN(HPA, TDX_LEAF_SIZE(level)),
				   level, next_page(rig)));
	for (u64 at = 0; at < NR_PAGES * PAGE_SIZE; at += PAGE_SIZE) {
		OK(tdh_mmio_mt_set(fw, HPA + at, TDX_LEVEL_4K, TDX_MMIOMT_DATA,
				   DEVIF));
		OK(tdh_mmio_map(fw, GPA + at, TDX_LEVEL_4K, rig->td, HPA + at));
		OK(tdg_mmio_accept(fw, rig->td, GPA + at, TDX_LEVEL_4K,
				   (HPA + at + OFFSET) >> PAGE_SHIFT));
	}
}

static u64 dma_id(enum tdx_dmar_level level)
{
	return level == TDX_DMAR_PASIDTE ? DEVIF : RID;
}

static void start_dma(struct kunit *test, struct tdx_rig *rig)
{
	for (enum tdx_dmar_level level = TDX_DMAR_RTE;
	     level <= TDX_DMAR_PASIDTE; level++)
		OK(tdh_dmar_add(rig->fw, IOMMU, level, dma_id(level),
				level == TDX_DMAR_PASIDTE ? 0 : next_page(rig)));
	OK(tdg_dmar_accept(rig->fw, rig->td, DEVIF));
	OK(carry_td(rig, TDISP_START_INTERFACE));
	KUNIT_ASSERT_EQ(test, tdx_fw_tdisp_state(rig->fw, DEVIF), TDISP_RUN);
	KUNIT_ASSERT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

static void tdx_down(void *fw)
{
	tdx_fw_destroy(fw);
}

static void *tdx_up(struct kunit *test)
{
	struct tdx_rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->fw = tdx_fw_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->fw);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tdx_down, rig->fw), 0);
	rig->dev.first_page = (HPA + OFFSET) >> PAGE_SHIFT;
	rig->dev.pages = NR_PAGES;
	rig->next_page = FIRST_PAGE;
	build_td(test, rig);
	build_link(test, rig);
	bind_devif(test, rig);
	map_mmio(test, rig);
	start_dma(test, rig);
	return rig;
}

static u64 stop(struct tdx_rig *rig, u32 *nr)
{
	u64 status;

	if (rig->stopped || rig->removed)
		return TDX_SUCCESS;
	status = carry(rig, false, TDISP_STOP_INTERFACE, nr);
	rig->stopped = !status;
	return status;
}

/* the IOTLB of the TD; nothing to do without a device that has its S-EPT */
static u64 flush_iotlb(struct tdx_rig *rig, u32 *nr)
{
	u64 status;

	status = tdh_iq_inv_request(rig->fw, IOMMU, TDX_INV_IOTLB, TDX_DMAR_RTE,
				    rig->td);
	if (status == TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED)
		return TDX_SUCCESS;
	return did(nr, TDH_IQ_INV_REQUEST, status) ?:
	       did(nr, TDH_IQ_INV_PROCESS,
		   tdh_iq_inv_process(rig->fw, IOMMU, false));
}

static u64 block_pages(struct tdx_rig *rig, u32 *nr, int *blocked)
{
	u64 status;

	for (int i = 0; i < NR_PAGES; i++) {
		if (rig->page[i] != IN_USE)
			continue;
		status = did(nr, TDH_MMIO_BLOCK,
			     tdh_mmio_block(rig->fw, GPA + i * PAGE_SIZE,
					    TDX_LEVEL_4K, rig->td));
		if (status)
			return status;
		rig->page[i] = BLOCKED;
		*blocked += 1;
	}
	return TDX_SUCCESS;
}

static u64 unmap(struct tdx_rig *rig, u32 *nr)
{
	int blocked = 0;
	u64 status, hpa;

	status = block_pages(rig, nr, &blocked);
	if (!status && blocked)
		status = did(nr, TDH_MEM_TRACK, tdh_mem_track(rig->fw, rig->td)) ?:
			 flush_iotlb(rig, nr);
	for (int i = 0; !status && i < NR_PAGES; i++) {
		if (rig->page[i] != BLOCKED)
			continue;
		status = did(nr, TDH_MMIO_UNMAP,
			     tdh_mmio_unmap(rig->fw, GPA + i * PAGE_SIZE,
					    TDX_LEVEL_4K, rig->td, &hpa));
		if (!status)
			rig->page[i] = GONE;
	}
	return status;
}

static u64 remove_entry(struct tdx_rig *rig, enum tdx_dmar_level level, u32 *nr)
{
	u64 status = TDX_SUCCESS, id = dma_id(level), page;

	if (rig->dma[level] == IN_USE)
		status = did(nr, TDH_DMAR_BLOCK,
			     tdh_dmar_block(rig->fw, IOMMU, level, id)) ?:
			 did(nr, TDH_IQ_INV_REQUEST,
			     tdh_iq_inv_request(rig->fw, IOMMU, TDX_INV_ENTRY,
						level, id)) ?:
			 did(nr, TDH_IQ_INV_PROCESS,
			     tdh_iq_inv_process(rig->fw, IOMMU, false)) ?:
			 flush_iotlb(rig, nr);
	if (status)
		return status;
	rig->dma[level] = BLOCKED;
	status = did(nr, TDH_DMAR_REMOVE,
		     tdh_dmar_remove(rig->fw, IOMMU, level, id, &page));
	if (!status)
		rig->dma[level] = GONE;
	return status;
}

static u64 dma_off(struct tdx_rig *rig, u32 *nr)
{
	u64 status = TDX_SUCCESS;

	for (int level = TDX_DMAR_PASIDTE; !status && level >= TDX_DMAR_RTE;
	     level--)
		if (rig->dma[level] != GONE)
			status = remove_entry(rig, level, nr);
	return status;
}

static u64 remove(struct tdx_rig *rig, u32 *nr)
{
	u64 status;

	if (rig->removed)
		return TDX_SUCCESS;
	status = did(nr, TDH_DEVIF_REMOVE, tdh_devif_remove(rig->fw, DEVIF));
	rig->removed = !status;
	return status;
}

static u64 give_back(struct tdx_rig *rig, u32 *nr)
{
	u64 status;

	for (int i = 0; i < NR_PAGES; i++) {
		if (rig->given_back[i])
			continue;
		status = did(nr, TDH_MMIO_MT_SET,
			     tdh_mmio_mt_set(rig->fw, HPA + i * PAGE_SIZE,
					     TDX_LEVEL_4K, TDX_MMIOMT_QNODE, 0));
		if (status)
			return status;
		rig->given_back[i] = true;
	}
	return TDX_SUCCESS;
}

static u64 tdx_step(void *priv, enum tio_step step, u32 *nr)
{
	struct tdx_rig *rig = priv;

	switch (step) {
	case TIO_STEP_STOP:
		return stop(rig, nr);
	case TIO_STEP_UNMAP:
		return unmap(rig, nr);
	case TIO_STEP_DMA_OFF:
		return dma_off(rig, nr);
	case TIO_STEP_REMOVE:
		return remove(rig, nr);
	case TIO_STEP_GIVE_BACK:
		return give_back(rig, nr);
	default:
		return TDX_SUCCESS;
	}
}

static struct tio_referee *tdx_ref(void *priv)
{
	struct tdx_rig *rig = priv;

	return tdx_fw_referee(rig->fw);
}

/* asks the model, not the rig's own notes */
static bool tdx_let_go(void *priv)
{
	struct tdx_rig *rig = priv;
	struct tdx_mmiomt_entry meta;
	struct tdx_sept_entry leaf;
	struct tdx_dmar_entry dma;
	u64 gpa = 0;

	if (tdx_fw_tdisp_state(rig->fw, DEVIF) != -ENOENT ||
	    tdx_fw_next_mmio(rig->fw, rig->td, &gpa, U64_MAX, &leaf))
		return false;
	for (int i = 0; i < NR_PAGES; i++)
		if (tdh_mmio_mt_rd(rig->fw, HPA + i * PAGE_SIZE, TDX_LEVEL_4K,
				   &meta) || meta.type != TDX_MMIOMT_QNODE)
			return false;
	for (enum tdx_dmar_level level = TDX_DMAR_RTE;
	     level <= TDX_DMAR_PASIDTE; level++)
		if (tdh_dmar_read(rig->fw, IOMMU, level, dma_id(level), &dma) ||
		    dma.state != TDX_DMAR_FREE)
			return false;
	return true;
}

const struct tio_order_rig tio_tdx_rig = {
	.who = &tdx_fw_personality,
	.order = tdx_unbind_order,
	.up = tdx_up,
	.step = tdx_step,
	.ref = tdx_ref,
	.let_go = tdx_let_go,
};
