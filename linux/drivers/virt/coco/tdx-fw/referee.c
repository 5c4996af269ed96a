// SPDX-License-Identifier: GPL-2.0-only
/*
 * The referee: judges every call, counts, remembers the last violation, and
 * refuses on order of a fault switch. Also the birth and death of the model.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "fw.h"

#define CREATE_TRACE_POINTS
#include <trace/events/tdx_fw.h>

#define LEAF(name)	{ TDH_##name, "TDH." #name }
#define GUEST_LEAF(name)	{ TDG_##name, "TDG." #name }

static const struct {
	u32 leaf;
	const char *name;
} leaves[] = {
	LEAF(VP_ENTER), LEAF(MNG_ADDCX), LEAF(MEM_PAGE_ADD), LEAF(MEM_SEPT_ADD),
	LEAF(MEM_RANGE_BLOCK), LEAF(MNG_KEY_CONFIG), LEAF(MNG_CREATE),
	LEAF(VP_CREATE), LEAF(MR_FINALIZE), LEAF(VP_FLUSH),
	LEAF(MNG_VPFLUSHDONE), LEAF(MNG_KEY_FREEID), LEAF(MNG_INIT),
	LEAF(MEM_SEPT_RD), LEAF(PHYMEM_PAGE_RECLAIM), LEAF(MEM_PAGE_REMOVE),
	LEAF(MEM_SEPT_REMOVE), LEAF(MEM_TRACK), LEAF(SPDM_CREATE),
	LEAF(SPDM_DELETE), LEAF(IDE_STREAM_CREATE), LEAF(IDE_STREAM_BLOCK),
	LEAF(IDE_STREAM_DELETE), LEAF(IDE_STREAM_IDEKMREQ),
	LEAF(IDE_STREAM_IDEKMRSP), LEAF(DEVIF_CREATE), LEAF(DEVIF_REMOVE),
	LEAF(DEVIF_REQUEST), LEAF(DEVIF_RESPONSE), LEAF(DMAR_ADD),
	LEAF(DMAR_BLOCK), LEAF(DMAR_READ), LEAF(DMAR_REMOVE), LEAF(MMIO_MT_ADD),
	LEAF(MMIO_MT_SET), LEAF(MMIO_MT_RD), LEAF(MMIO_MT_REMOVE),
	LEAF(MMIO_MAP), LEAF(MMIO_BLOCK), LEAF(MMIO_UNMAP),
	LEAF(IQ_INV_REQUEST), LEAF(IQ_INV_PROCESS), LEAF(DEVIF_MT_ADD),
	LEAF(DEVIF_MT_REMOVE), LEAF(DEVIF_MT_RD),
	GUEST_LEAF(SPDM_TPA_SET), GUEST_LEAF(DEVIF_VALIDATE),
	GUEST_LEAF(DEVIF_RD), GUEST_LEAF(DEVIF_REQUEST),
	GUEST_LEAF(DEVIF_RESPONSE), GUEST_LEAF(DMAR_ACCEPT),
	GUEST_LEAF(MMIO_ACCEPT),
};

/**
 * tdx_fw_leaf_name() - name of a leaf, for people
 * @leaf: TDH_* or TDG_*
 *
 * Return: a constant string, NULL if the model has no such leaf.
 * Context: any.
 */
const char *tdx_fw_leaf_name(u32 leaf)
{
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i].leaf == leaf)
			return leaves[i].name;
	return NULL;
}
EXPORT_SYMBOL_GPL(tdx_fw_leaf_name);

/* what a TD calls by itself; SPDM.TPA.SET is the host's, in the service TD's name */
static bool guest_leaf(u32 leaf)
{
	return leaf >= TDG_DEVIF_VALIDATE && leaf <= TDG_MMIO_ACCEPT;
}

static struct fw_fault *find_fault(struct tdx_fw *fw, u32 leaf)
{
	for (int i = 0; i < FW_MAX_FAULTS; i++)
		if (fw->faults[i].count && fw->faults[i].leaf == leaf)
			return &fw->faults[i];
	return NULL;
}

/* the start of a call of @leaf: 0, or the status of a fault switch */
u64 fw_begin(struct tdx_fw *fw, u32 leaf)
{
	struct fw_fault *fault;

	lockdep_assert_held(&fw->lock);
	fw->blame = guest_leaf(leaf) ? FW_BLAME_GUEST : FW_BLAME_HOST;
	fw->seen = "none";
	fault = find_fault(fw, leaf);
	if (!fault)
		return 0;
	if (fault->skip) {
		fault->skip--;
		return 0;
	}
	fault->count--;
	return fw_refuse_as(fw, FW_BLAME_INJECTED, fault->status);
}

/* somebody else than the host is to blame for @status of this call */
u64 fw_refuse_as(struct tdx_fw *fw, enum fw_blame blame, u64 status)
{
	lockdep_assert_held(&fw->lock);
	fw->blame = blame;
	return status;
}

/*
 * What a host that makes no mistake meets too: contention, a full queue, a vCPU
 * that is still in, a TD that became fatal by itself, an invalidation that turns
 * out not to be needed.
 */
static bool normal_refusal(u64 status)
{
	switch (TDX_CLASS(status)) {
	case TDX_SUCCESS:
	case TDX_OPERAND_BUSY:
	case TDX_IOMMU_IQ_QUEUE_FULL:
	case TDX_FLUSHVP_NOT_DONE:
	case TDX_TD_FATAL:
	case TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED:
		return true;
	default:
		return !TDX_IS_ERROR(status);
	}
}

/* the end of a call: @status is what the caller gets */
u64 fw_judge(struct tdx_fw *fw, u32 leaf, u64 object, u64 status)
{
	bool violation = fw->blame == FW_BLAME_HOST && !normal_refusal(status);

	lockdep_assert_held(&fw->lock);
	fw->calls++;
	if (status != TDX_SUCCESS)
		fw->refused++;
	if (violation) {
		fw->violations++;
		fw->last = (struct fw_violation) {
			.leaf = leaf,
			.object = object,
			.status = status,
			.state = fw->seen,
		};
	}
	/* the name is looked for: not under the lock unless somebody reads it */
	if (trace_fw_call_enabled())
		trace_fw_call(tdx_fw_leaf_name(leaf), object, status, violation);
	return status;
}

/**
 * tdx_fw_violations() - how many mistakes the host made so far
 * @fw: the model
 *
 * Return: calls that were refused and that a correct host never makes.
 * Context: any, takes the model's lock.
 */
u64 tdx_fw_violations(struct tdx_fw *fw)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw->violations;
}
EXPORT_SYMBOL_GPL(tdx_fw_violations);

/**
 * tdx_fw_refuse() - fault switch
 * @fw: the model
 * @leaf: the calls it is for; several leaves can have a switch at once
 * @status: their answer, an error status
 * @skip: so many calls pass before
 * @count: so many calls are refused, changing nothing; 0 clears the switch
 *
 * Return: 0; -EINVAL: no such leaf, or @status is no error; -ENOSPC: too many.
 * Context: any, takes the model's lock.
 */
int tdx_fw_refuse(struct tdx_fw *fw, u32 leaf, u64 status, u32 skip, u32 count)
{
	struct fw_fault *fault;

	if (!tdx_fw_leaf_name(leaf) || (count && !TDX_IS_ERROR(status)))
		return -EINVAL;
	guard(spinlock_irqsave)(&fw->lock);
	fault = find_fault(fw, leaf);
	for (int i = 0; !fault && i < FW_MAX_FAULTS; i++)
		if (!fw->faults[i].count)
			fault = &fw->faults[i];
	if (!fault)
		return count ? -ENOSPC : 0;
	*fault = (struct fw_fault) {
		.leaf = leaf,
		.status = status,
		.skip = skip,
		.count = count,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tdx_fw_refuse);

/* teemu_fw_ops.referee */
void fw_referee_show(void *priv, struct seq_file *m)
{
	struct tdx_fw *fw = priv;
	struct fw_violation last;
	u64 calls, refused, violations;

	scoped_guard(spinlock_irqsave, &fw->lock) {
		calls = fw->calls;
		refused = fw->refused;
		violations = fw->violations;
		last = fw->last;
	}
	seq_printf(m, "calls %llu\nrefused %llu\nviolations %llu\n", calls,
		   refused, violations);
	if (violations)
		seq_printf(m, "last %s object %#llx state %s status %#llx\n",
			   tdx_fw_leaf_name(last.leaf), last.object, last.state,
			   last.status);
}

static void count_leaks(struct tdx_fw *fw, u32 *hkids, u32 *pages)
{
	lockdep_assert_held(&fw->lock);
	for (struct rb_node *rb = rb_first(&fw->pages); rb; rb = rb_next(rb)) {
		struct fw_page *page = rb_entry(rb, struct fw_page, node.rb);
		struct fw_td *td = container_of(page, struct fw_td, page);

		if (page->type != FW_PT_TDR || !td->leaked)
			continue;
		*hkids += 1;
		*pages += 1 + td->children;
	}
}

/* teemu_fw_ops.tables */
void fw_tables_show(void *priv, struct seq_file *m)
{
	struct tdx_fw *fw = priv;
	u32 pages[FW_NR_PT], hkids = 0, leaked = 0, mmio, dmar = 0, streams;

	scoped_guard(spinlock_irqsave, &fw->lock) {
		memcpy(pages, fw->nr_pages, sizeof(pages));
		mmio = fw->nr_mmio;
		streams = list_count_nodes(&fw->streams);
		for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
			dmar += list_count_nodes(&fw->iommu[i].dmar);
		count_leaks(fw, &hkids, &leaked);
	}
	seq_printf(m, "tds %u\n", pages[FW_PT_TDR]);
	seq_printf(m, "devifs %u\n", pages[FW_PT_DEVIF]);
	seq_printf(m, "devifmt %u\n", pages[FW_PT_DEVIF_MT]);
	seq_printf(m, "mmiomt %u\n", pages[FW_PT_MMIO_MT]);
	seq_printf(m, "mmio_mapped %u\n", mmio);
	seq_printf(m, "dmar %u\n", dmar);
	seq_printf(m, "streams %u\n", streams);
	seq_printf(m, "spdm %u\n", pages[FW_PT_SPDM]);
	seq_printf(m, "mem_pages %u\n", pages[FW_PT_REG]);
	seq_printf(m, "leaked_hkids %u\n", hkids);
	seq_printf(m, "leaked_pages %u\n", leaked);
}

/**
 * tdx_fw_create() - power on
 *
 * Return: a model with empty tables, for tdx_fw_destroy(); ERR_PTR(-ENOMEM).
 * Context: process, may sleep.
 */
struct tdx_fw *tdx_fw_create(void)
{
	struct tdx_fw *fw = kzalloc_obj(*fw);

	if (!fw)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&fw->lock);
	fw->pages = RB_ROOT;
	fw->mmiomt = RB_ROOT;
	INIT_LIST_HEAD(&fw->spdm);
	INIT_LIST_HEAD(&fw->streams);
	INIT_LIST_HEAD(&fw->devifmt);
	INIT_LIST_HEAD(&fw->devifs);
	for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
		INIT_LIST_HEAD(&fw->iommu[i].dmar);
	return fw;
}
EXPORT_SYMBOL_GPL(tdx_fw_create);

/**
 * tdx_fw_destroy() - power off
 * @fw: of tdx_fw_create(); no call is in progress and none comes after
 *
 * Whatever is still in the tables is forgotten; the pages that it was built from
 * stay with who gave them.
 *
 * Context: process, may sleep.
 */
void tdx_fw_destroy(struct tdx_fw *fw)
{
	struct fw_stream *stream, *next_stream;
	struct fw_dmar *dmar, *next_dmar;

	fw_pages_free(fw);
	for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
		list_for_each_entry_safe(dmar, next_dmar, &fw->iommu[i].dmar, list)
			kfree(dmar);
	list_for_each_entry_safe(stream, next_stream, &fw->streams, list)
		kfree(stream);
	kfree(fw);
}
EXPORT_SYMBOL_GPL(tdx_fw_destroy);

/**
 * tdx_fw_set_platform() - what the model drives
 * @fw: the model; no call is in progress
 * @platform: the root complex's ops, or NULL: nothing is driven
 * @priv: their argument
 *
 * Context: any.
 */
void tdx_fw_set_platform(struct tdx_fw *fw,
			 const struct teemu_platform *platform, void *priv)
{
	guard(spinlock_irqsave)(&fw->lock);
	fw->platform = platform;
	fw->priv = priv;
}
EXPORT_SYMBOL_GPL(tdx_fw_set_platform);

MODULE_DESCRIPTION("Model of the TDX Connect firmware");
MODULE_LICENSE("GPL");
