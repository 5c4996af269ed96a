// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware's tables for trusted DMA: a root entry for the bus (shared, meta.c),
 * then a context, a PASID directory and a PASID table entry for the function.
 * The last one gives the TD's secure EPT to the function and is PENDING until
 * the TD accepts it.
 */
#include <linux/delay.h>

#include "tdx-tsm.h"

/* 1 ms in atomic context, 0.2 s otherwise, until another's process() is over */
#define IQ_TRIES		200
/* others may fill the queue again before we get in */
#define IQ_FULL_TRIES		8

/* Complete all that is queued, or with @atomic the IOTLB part of it */
static int iq_process(struct tdx_tsm *tsm, bool atomic)
{
	u64 status;

	for (int i = 0; i < IQ_TRIES; i++) {
		status = tdh_iq_inv_process(tsm->fw, TDX_IOMMU, atomic);
		if (TDX_CLASS(status) != TDX_OPERAND_BUSY)
			break;
		if (atomic)
			udelay(5);
		else
			usleep_range(500, 1000);
	}
	return tdx_check(tsm, TDH_IQ_INV_PROCESS, status);
}

static u64 iq_request(struct tdx_tsm *tsm, enum tdx_inv_type type,
		      enum tdx_dmar_level level, u64 id, bool atomic)
{
	u64 status;

	for (int i = 0; i < IQ_FULL_TRIES; i++) {
		status = tdh_iq_inv_request(tsm->fw, TDX_IOMMU, type, level, id);
		if (TDX_CLASS(status) != TDX_IOMMU_IQ_QUEUE_FULL)
			break;
		if (iq_process(tsm, atomic))
			break;
	}
	return status;
}

/**
 * tdx_iotlb_flush() - firmware's IOTLB epoch of a TD moves on
 * @td: the TD
 * @atomic: the caller must not sleep
 *
 * What was blocked before may leave the secure EPT after it (together with
 * MEM.TRACK). A TD that has no function attached needs none.
 *
 * Return: 0, or what tdx_check() makes of firmware's refusal.
 */
int tdx_iotlb_flush(struct tdx_td *td, bool atomic)
{
	u64 status = iq_request(td->tsm, TDX_INV_IOTLB, TDX_DMAR_PASIDTE,
				td->tdr, atomic);

	/* but an earlier request may still be waiting to be completed */
	if (TDX_CLASS(status) == TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED)
		return iq_process(td->tsm, atomic);
	return tdx_check(td->tsm, TDH_IQ_INV_REQUEST, status) ?:
	       iq_process(td->tsm, atomic);
}

/**
 * tdx_dmar_entry_remove() - take one entry out of firmware's tables
 * @tsm: the root complex
 * @level: its level
 * @id: its name at that level
 * @td: PASIDTE: the TD whose IOTLB entries go with it; NULL otherwise
 * @page: filled with the page below the entry, which is the caller's again
 *
 * Block, invalidate, remove. An entry that an earlier try has blocked already is
 * taken up from there. Context: process.
 *
 * Return: 0, or what tdx_check() makes of firmware's refusal.
 */
int tdx_dmar_entry_remove(struct tdx_tsm *tsm, enum tdx_dmar_level level,
			  u64 id, struct tdx_td *td, u64 *page)
{
	struct tdx_dmar_entry entry;
	u64 status;
	int rc;

	rc = tdx_check(tsm, TDH_DMAR_READ,
		       tdh_dmar_read(tsm->fw, TDX_IOMMU, level, id, &entry));
	if (rc)
		return rc;

	if (entry.state != TDX_DMAR_BLOCKED) {
		status = tdx_retry(tdh_dmar_block(tsm->fw, TDX_IOMMU, level, id));
		rc = tdx_check(tsm, TDH_DMAR_BLOCK, status);
		if (rc)
			return rc;
		entry.inv = TDX_DMAR_INV_PENDING;
	}
	if (entry.inv == TDX_DMAR_INV_PENDING) {
		status = iq_request(tsm, TDX_INV_ENTRY, level, id, false);
		rc = tdx_check(tsm, TDH_IQ_INV_REQUEST, status);
		if (rc)
			return rc;
	}
	/* either of them completes what is queued */
	rc = td ? tdx_iotlb_flush(td, false) : iq_process(tsm, false);
	if (rc)
		return rc;

	status = tdx_retry(tdh_dmar_remove(tsm->fw, TDX_IOMMU, level, id, page));
	return tdx_check(tsm, TDH_DMAR_REMOVE, status);
}

static int entry_add(struct tdx_tdi *tdi, enum tdx_dmar_level level, u64 id,
		     u64 page, bool *present)
{
	struct tdx_tsm *tsm = tdi->link->tsm;
	int rc;

	rc = tdx_check(tsm, TDH_DMAR_ADD,
		       tdx_retry(tdh_dmar_add(tsm->fw, TDX_IOMMU, level, id,
					      page)));
	*present = !rc;
	return rc;
}

static int entry_remove(struct tdx_tdi *tdi, enum tdx_dmar_level level, u64 id,
			struct tdx_td *td, bool *present)
{
	u64 page;
	int rc;

	if (!*present)
		return 0;
	rc = tdx_dmar_entry_remove(tdi->link->tsm, level, id, td, &page);
	if (!rc)
		*present = false;
	return rc;
}

/**
 * tdx_dmar_up() - give the TD's memory to the function, pending its consent
 * @tdi: the TDI; its device interface exists
 *
 * Context: under pci_tsm_pf0::lock. Undone, from half-way too, by tdx_dmar_down().
 * Return: 0; -ENOMEM; or what tdx_check() makes of firmware's refusal.
 */
int tdx_dmar_up(struct tdx_tdi *tdi)
{
	u16 rid = TDX_DEVIF_RID(tdi->devif);
	int rc;

	rc = tdx_meta_get(tdi->link->tsm, TDX_META_RTE, PCI_BUS_NUM(rid));
	if (rc)
		return rc;
	tdi->rte = true;

	rc = entry_add(tdi, TDX_DMAR_CTE, rid, tdi->cte, &tdi->cte_present);
	if (!rc)
		rc = entry_add(tdi, TDX_DMAR_PDE, rid, tdi->pde,
			       &tdi->pde_present);
	if (!rc)
		rc = entry_add(tdi, TDX_DMAR_PASIDTE, tdi->devif, 0,
			       &tdi->pasidte_present);
	return rc;
}

/**
 * tdx_dmar_down() - take the function's entries away again
 * @tdi: the TDI, in whatever half-way state
 *
 * Context: under pci_tsm_pf0::lock. Callable again after a failure.
 * Return: 0: no entry of the function is left; or firmware's refusal as errno.
 */
int tdx_dmar_down(struct tdx_tdi *tdi)
{
	u16 rid = TDX_DEVIF_RID(tdi->devif);
	int rc;

	rc = entry_remove(tdi, TDX_DMAR_PASIDTE, tdi->devif, tdi->td,
			  &tdi->pasidte_present);
	if (!rc)
		rc = entry_remove(tdi, TDX_DMAR_PDE, rid, NULL,
				  &tdi->pde_present);
	if (!rc)
		rc = entry_remove(tdi, TDX_DMAR_CTE, rid, NULL,
				  &tdi->cte_present);
	if (rc)
		return rc;

	if (tdi->rte)
		tdx_meta_put(tdi->link->tsm, TDX_META_RTE, PCI_BUS_NUM(rid));
	tdi->rte = false;
	return 0;
}
