// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fence of a guest's ASID. Firmware puts it up when the first TDI is bound to the
 * ASID, when the last one is unbound, and when any of them fails or is forced off;
 * while it is up nothing of the guest's private MMIO and trusted DMA works, of all
 * its TDIs. Who may take it down is decided here.
 *
 * A TDI needs the fence while firmware has caught it in a wrong state and the IOMMU
 * still lets its requests in. That is over soon: its VMM is told and its trusted DMA
 * goes off, or it is unbound, and both lift the fence for its siblings afterwards. So
 * one that fell does not stop the others, and none of its requests passes on the way.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>

#include "sev-tsm.h"

/**
 * sev_fence_join() - a TDI of its guest is about to be bound
 * @tdi: the TDI
 *
 * Undone by sev_fence_leave().
 */
void sev_fence_join(struct sev_tdi *tdi)
{
	guard(mutex)(&tdi->gctx->lock);
	list_add_tail(&tdi->sibling, &tdi->gctx->tdis);
}
EXPORT_SYMBOL_IF_KUNIT(sev_fence_join);

/**
 * sev_fence_leave() - undo sev_fence_join()
 * @tdi: the TDI, which firmware does not have bound
 */
void sev_fence_leave(struct sev_tdi *tdi)
{
	guard(mutex)(&tdi->gctx->lock);
	list_del(&tdi->sibling);
}
EXPORT_SYMBOL_IF_KUNIT(sev_fence_leave);

/*
 * A sibling may belong to another device, whose lock nobody holds here. One that
 * firmware has unbound needs none, though it counts as locked until its device has
 * confirmed the STOP: its sDTE is gone, and it does not come back to lift the fence
 * after a STOP that its guest asked for.
 */
static bool needs_fence(struct sev_tdi *tdi)
{
	if (!READ_ONCE(tdi->locked) || READ_ONCE(tdi->dma_off))
		return false;
	return sev_fw_tdisp_state(tdi->gctx->tsm->fw, READ_ONCE(tdi->ctx)) ==
	       TDISP_STATE_ERROR;
}

static bool is_needed(struct sev_gctx *gctx)
{
	struct sev_tdi *tdi;

	lockdep_assert_held(&gctx->lock);
	list_for_each_entry(tdi, &gctx->tdis, sibling)
		if (needs_fence(tdi))
			return true;
	return false;
}

/**
 * sev_fence_lift() - take down the fence of a TDI's guest, if it is up
 * @tdi: a TDI of the guest, whose device firmware is asked through
 *
 * Nothing happens while another TDI needs the fence: it lifts it itself later.
 * Context: under pci_tsm_pf0::lock; takes sev_gctx::lock.
 *
 * Return: 0, or firmware's refusal as errno: it is still up, which holds up the guest
 * and nobody else.
 */
int sev_fence_lift(struct sev_tdi *tdi)
{
	struct sev_gctx *gctx = tdi->gctx;
	struct sev_tsm *tsm = gctx->tsm;
	struct sev_asid_fence fence;
	u64 status;
	int rc;

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	guard(mutex)(&gctx->lock);
	if (is_needed(gctx))
		return 0;
	status = sev_retry(sev_tio_asid_fence_status(tsm->fw, tdi->link->dev,
						     gctx->asid, &fence));
	rc = sev_check(tsm, SEV_CALL_TIO_ASID_FENCE_STATUS, status);
	if (rc || (!fence.dma && !fence.mmio))
		return rc;
	status = sev_retry(sev_tio_asid_fence_clear(tsm->fw, tdi->link->dev,
						    gctx->page));
	return sev_check(tsm, SEV_CALL_TIO_ASID_FENCE_CLEAR, status);
}
EXPORT_SYMBOL_IF_KUNIT(sev_fence_lift);
