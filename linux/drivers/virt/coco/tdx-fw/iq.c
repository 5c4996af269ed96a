// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation queues, one per IOMMU.
 *
 * A descriptor of a table entry makes the root complex drop what it cached of the
 * function and wait for its requests in flight: that sleeps, so it is done with the
 * lock dropped. Meanwhile the descriptors are out of the queue and their entries
 * are QUEUED: they cannot be removed, and no second sleeping process() starts.
 * A descriptor of a TD's IOTLB has nothing to drive, because nothing caches what
 * T=1 requests find: each looks it up, and moves its data, under the lock.
 */
#include <linux/export.h>

#include "fw.h"

static u64 request_entry(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
			 u64 id, struct fw_inv *inv)
{
	struct fw_dmar *dmar;
	u64 status;

	status = fw_dmar_operands(fw, iommu, level, id, 3);
	if (status)
		return status;
	dmar = fw_dmar_find(fw, iommu, level, id);
	if (!dmar)
		return TDX_DMAR_ENTRY_NOT_PRESENT;
	if (dmar->state != TDX_DMAR_BLOCKED || dmar->inv != TDX_DMAR_INV_PENDING)
		return TDX_DMAR_INVALID_INV_STATE;
	dmar->inv = TDX_DMAR_INV_QUEUED;
	inv->entry = dmar;
	return TDX_SUCCESS;
}

static u64 request_iotlb(struct tdx_fw *fw, u64 pa, struct fw_inv *inv)
{
	struct fw_td *td = fw_td_find(fw, pa);

	if (!td)
		return TDX_OPERAND_INVALID | 4;
	if (!td->pasidtes)
		return TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED;
	inv->td = td;
	inv->seq = ++td->iotlb_req;
	td->iotlb_waits++;
	return TDX_SUCCESS;
}

static u64 inv_request(struct tdx_fw *fw, u8 iommu, enum tdx_inv_type type,
		       enum tdx_dmar_level level, u64 id)
{
	struct fw_inv inv = {};
	struct fw_iommu *queue;
	u64 status;

	if (iommu >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	if (type > TDX_INV_IOTLB)
		return TDX_OPERAND_INVALID | 2;
	status = fw_iommu_check(fw, iommu);
	if (status)
		return status;
	queue = &fw->iommu[iommu];
	if (queue->iq_len == TDX_FW_IQ_LEN)
		return TDX_IOMMU_IQ_QUEUE_FULL;
	status = type == TDX_INV_IOTLB ? request_iotlb(fw, id, &inv) :
		 request_entry(fw, iommu, level, id, &inv);
	if (!status)
		queue->iq[queue->iq_len++] = inv;
	return status;
}

/**
 * tdh_iq_inv_request() - queue one invalidation
 * @fw: the model
 * @iommu: whose queue
 * @type: of a table entry or of a TD's IOTLB
 * @level: of the entry
 * @id: of the entry, as for tdh_dmar_add(); or TDR
 *
 * Return: TDX_IOMMU_IQ_QUEUE_FULL (process, then again),
 * TDX_DMAR_ENTRY_NOT_PRESENT, TDX_DMAR_INVALID_INV_STATE (not BLOCKED with an
 * invalidation PENDING), TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED (no device has the
 * TD's S-EPT) or success: tdh_iq_inv_process() completes it.
 * Context: any.
 */
u64 tdh_iq_inv_request(struct tdx_fw *fw, u8 iommu, enum tdx_inv_type type,
		       enum tdx_dmar_level level, u64 id)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_IQ_INV_REQUEST, id,
			fw_begin(fw, TDH_IQ_INV_REQUEST) ?:
			inv_request(fw, iommu, type, level, id));
}
EXPORT_SYMBOL_GPL(tdh_iq_inv_request);

/* a descriptor of the TD's own, behind what the host asked for */
static u64 guest_request(struct tdx_fw *fw, u64 pa, u64 id)
{
	struct fw_devif *devif;
	struct fw_dmar *dmar;
	struct fw_td *td;
	u64 status;

	status = fw_td_find_guest(fw, pa, &td);
	if (status)
		return status;
	devif = fw_devif_find(fw, id);
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 2;
	if (devif->td != td)
		return TDX_DEVIF_INVALID_METADATA | 2;
	/* one at a time: a TD must not fill the queue that the host needs */
	if (td->iotlb_waits)
		return TDX_OPERAND_BUSY;
	dmar = fw_dmar_find(fw, TDX_DEVIF_IOMMU(id), TDX_DMAR_PASIDTE,
			    TDX_DEVIF_RID(id));
	/* a BLOCKED one is the host's to invalidate */
	if (!dmar || dmar->state != TDX_DMAR_PRESENT)
		return TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED;
	return inv_request(fw, TDX_DEVIF_IOMMU(id), TDX_INV_IOTLB, 0, pa);
}

/**
 * tdg_iq_inv_request() - the TD wants translations of its memory dropped
 * @fw: the model
 * @td: the TD that calls
 * @devif: a function of it, its PASIDTE PRESENT
 *
 * Return: TDX_OPERAND_BUSY while an invalidation of the TD waits,
 * TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED without such a PASIDTE,
 * TDX_IOMMU_IQ_QUEUE_FULL, other status, or success: the host's next
 * tdh_iq_inv_process() completes it.
 * Context: any.
 */
u64 tdg_iq_inv_request(struct tdx_fw *fw, u64 td, u64 devif)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_IQ_INV_REQUEST, devif,
			fw_begin(fw, TDG_IQ_INV_REQUEST) ?:
			guest_request(fw, td, devif));
}
EXPORT_SYMBOL_GPL(tdg_iq_inv_request);

/* one that waits in another queue is not done by this, however old it is */
static void iotlb_done(const struct fw_inv *inv)
{
	inv->td->iotlb_done = max(inv->td->iotlb_done, inv->seq);
	inv->td->iotlb_waits--;
}

/*
 * Completes the IOTLB descriptors; the others are moved to @out, or stay queued if
 * that is NULL. Returns how many were moved.
 */
static u32 drain(struct fw_iommu *queue, struct fw_inv *out)
{
	u32 moved = 0, kept = 0;

	for (u32 i = 0; i < queue->iq_len; i++) {
		struct fw_inv *inv = &queue->iq[i];

		if (!inv->entry)
			iotlb_done(inv);
		else if (out)
			out[moved++] = *inv;
		else
			queue->iq[kept++] = *inv;
	}
	queue->iq_len = kept;
	return moved;
}

/* an RTE is blocked without children: no function is left to invalidate */
static void invalidate(const struct teemu_platform *platform, void *priv,
		       const struct fw_inv *inv)
{
	if (platform && inv->entry->level != TDX_DMAR_RTE)
		platform->invalidate(priv, inv->entry->rid);
}

struct process {
	struct fw_inv inv[TDX_FW_IQ_LEN];
	u32 len;
	const struct teemu_platform *platform;
	void *priv;
};

static u64 process_begin(struct tdx_fw *fw, u8 iommu, struct process *p)
{
	struct fw_iommu *queue;

	if (iommu >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	queue = &fw->iommu[iommu];
	if (!p) {
		drain(queue, NULL);
		return TDX_SUCCESS;
	}
	if (queue->iq_busy)
		return TDX_OPERAND_BUSY;
	p->len = drain(queue, p->inv);
	p->platform = fw->platform;
	p->priv = fw->priv;
	queue->iq_busy = p->len;
	return TDX_SUCCESS;
}

static void process_end(struct tdx_fw *fw, u8 iommu, struct process *p)
{
	guard(spinlock_irqsave)(&fw->lock);
	for (u32 i = 0; i < p->len; i++)
		p->inv[i].entry->inv = TDX_DMAR_INV_DONE;
	fw->iommu[iommu].iq_busy = false;
}

static u64 process(struct tdx_fw *fw, u8 iommu, struct process *p)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_IQ_INV_PROCESS, iommu,
			fw_begin(fw, TDH_IQ_INV_PROCESS) ?:
			process_begin(fw, iommu, p));
}

/**
 * tdh_iq_inv_process() - complete what is queued
 * @fw: the model
 * @iommu: whose queue
 * @atomic: the caller must not sleep: only IOTLB descriptors are completed
 *
 * Return: TDX_OPERAND_BUSY while another one that is not @atomic is at work, or
 * success: everything that was queued, and may be completed, is.
 * Context: process, may sleep; any if @atomic.
 */
u64 tdh_iq_inv_process(struct tdx_fw *fw, u8 iommu, bool atomic)
{
	struct process p = {};
	u64 status;

	status = process(fw, iommu, atomic ? NULL : &p);
	if (!p.len)
		return status;
	for (u32 i = 0; i < p.len; i++)
		invalidate(p.platform, p.priv, &p.inv[i]);
	process_end(fw, iommu, &p);
	return status;
}
EXPORT_SYMBOL_GPL(tdh_iq_inv_process);
