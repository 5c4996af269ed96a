// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unbind of one TDI. KVM's mappings of private MMIO go first: firmware does not
 * care when, and nothing shall be written any more when the device scrubs itself. Then
 * in the order that this firmware demands: unbind; reclaim, which gives up the pages
 * of the BARs; the fence; and last, lazily, each page out of the RMP.
 *
 * It serves a bind that failed half-way, too. It allocates nothing; its loops and
 * waits are bounded.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/slab.h>

#include "sev-tsm.h"

const enum tio_step sev_unbind_order[] = {
	TIO_STEP_STOP,
	TIO_STEP_REMOVE,
	TIO_STEP_DMA_OFF,
	TIO_STEP_UNMAP,
	TIO_STEP_GIVE_BACK,
	TIO_STEP_END,
};
EXPORT_SYMBOL_IF_KUNIT(sev_unbind_order);

/*
 * The device's own word after firmware has had its answer to STOP. One that says
 * nothing more has said enough before.
 */
static int confirm_stop(struct sev_tdi *tdi)
{
	u8 told = TDISP_CONFIG_UNLOCKED;
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_TDI_STATUS,
		.tdi = tdi->ctx,
		.state = &told,
	};
	u64 status;

	if (sev_cmd(tdi->link, &cmd, &status) ||
	    told == TDISP_CONFIG_UNLOCKED)
		return 0;
	pci_warn(tdi->tdi.pdev, "was stopped and says that it is in state %u\n",
		 told);
	return -EUCLEAN;
}

/**
 * sev_tdi_stop() - TDI_UNBIND: CONFIG_UNLOCKED, nothing of the guest is left on it
 * @tdi: the TDI, bound in firmware
 * @status: filled with firmware's answer
 *
 * Context: under pci_tsm_pf0::lock, with a budget.
 *
 * Return: 0: it is stopped, and ops->locked() says so; -ENXIO: firmware has no
 * connection with the device any more; -EUCLEAN: the device contradicts itself; or as
 * sev_cmd(). In all of these it counts as locked.
 */
int sev_tdi_stop(struct sev_tdi *tdi, u64 *status)
{
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_TDI_UNBIND,
		.tdi = tdi->ctx,
		.gctx = tdi->gctx->page,
	};
	int rc;

	*status = SEV_INVALID_DEV_STATE;
	if (!tdi->link->connected)
		return -ENXIO;
	rc = sev_cmd(tdi->link, &cmd, status);
	if (rc)
		return rc;
	tdi->bound = false;
	rc = confirm_stop(tdi);
	if (!rc)
		WRITE_ONCE(tdi->locked, false);
	return rc;
}

/* Firmware lets go without a word to the device */
static int unbind_by_force(struct sev_tdi *tdi)
{
	struct sev_tsm *tsm = tdi->link->tsm;
	u64 status;
	int rc;

	status = sev_retry(sev_tio_tdi_unbind(tsm->fw, tdi->link->dev, tdi->ctx,
					      tdi->gctx->page, NULL,
					      SEV_TIO_FORCE));
	rc = sev_check(tsm, SEV_CALL_TIO_TDI_UNBIND, status);
	if (!rc)
		tdi->bound = false;
	return rc;
}

/*
 * Not locked any more, or forced off. By force the device has not scrubbed itself, and
 * goes on until its keys are gone.
 */
static int step_stop(struct sev_tdi *tdi)
{
	u64 status;
	int rc;

	if (!tdi->locked)
		return 0;
	/* one lost answer is forgiven */
	for (int i = 0; i < 2 && tdi->bound && tdi->link->connected; i++)
		if (!sev_tdi_stop(tdi, &status))
			return 0;
	pci_warn(tdi->tdi.pdev, "cannot be stopped, forcing it off its link\n");
	rc = tdi->bound ? unbind_by_force(tdi) : 0;
	return rc ?: sev_link_cut(tdi->link, tdi);
}

static int step_remove(struct sev_tdi *tdi)
{
	struct sev_tsm *tsm = tdi->link->tsm;
	int rc;

	if (!tdi->created)
		return 0;
	rc = sev_check(tsm, SEV_CALL_TIO_TDI_RECLAIM,
		       sev_retry(sev_tio_tdi_reclaim(tsm->fw, tdi->link->dev,
						     tdi->ctx)));
	if (!rc)
		tdi->created = false;
	return rc;
}

/* Of the guest, not of the TDI: its siblings wait behind it, or its next bind */
static int step_dma_off(struct sev_tdi *tdi)
{
	return sev_fence_lift(tdi);
}

static int step_unmap(struct sev_tdi *tdi)
{
	u64 status;
	int rc = sev_mmio_give_back(&tdi->mmio, &status);

	return rc ? sev_check(tdi->link->tsm, SEV_CALL_RMPUPDATE, status) : 0;
}

/* what the reclaim has made the host's */
static int step_give_back(struct sev_tdi *tdi)
{
	tio_page_free(&tdi->ctx);
	return 0;
}

/**
 * struct sev_step - how this vendor does a step of an unbind
 * @run: does it, or the rest of it; 0 or -errno
 * @kept: what firmware holds if it cannot be done; NULL: nothing of this TDI
 */
struct sev_step {
	int (*run)(struct sev_tdi *tdi);
	const char *kept;
};

static const struct sev_step steps[TIO_NR_STEPS] = {
	[TIO_STEP_STOP] = {
		step_stop, "the TDI does not stop and cannot be forced off",
	},
	[TIO_STEP_REMOVE] = { step_remove, "firmware keeps the TDI context" },
	[TIO_STEP_DMA_OFF] = { step_dma_off },
	[TIO_STEP_UNMAP] = { step_unmap, "the RMP keeps pages of its BARs" },
	[TIO_STEP_GIVE_BACK] = { step_give_back },
};

/* A refusal may be passing */
#define SEV_STEP_TRIES		3

static int insist(struct sev_tdi *tdi, const struct sev_step *step)
{
	int rc;

	for (int i = 0; i < SEV_STEP_TRIES; i++) {
		rc = step->run(tdi);
		if (!rc)
			break;
	}
	return rc;
}

/* KVM's leaves; they do not come back: the seat is UNBINDING, or quarantined */
static void unmap(struct sev_tdi *tdi)
{
	if (!tdi->is_unmapped)
		pci_tdi_unmap_mmio(&tdi->tdi);
	tdi->is_unmapped = true;
}

/* T=1 requests end in the IOMMU, too, whatever became of STOP */
static void dma_off(struct sev_tdi *tdi)
{
	/* armed before every bind, also before one that fails half-way */
	if (!tdi->dma_off)
		pci_tdi_dma_off(&tdi->tdi);
	WRITE_ONCE(tdi->dma_off, true);
}

/**
 * sev_tdi_call_out() - make both call-outs of an unbind
 * @tdi: the TDI of a bind that failed and could not be undone
 *
 * Context: under pci_tsm_pf0::lock.
 */
void sev_tdi_call_out(struct sev_tdi *tdi)
{
	unmap(tdi);
	dma_off(tdi);
}

/*
 * Walk the order. Return: NULL, or what firmware would not let go of. A TDI that was
 * kept before goes on from the step that failed: those before it have nothing to do.
 */
static const char *tdi_down(struct sev_tdi *tdi)
{
	if (tdi->published)
		unmap(tdi);
	for (const enum tio_step *at = sev_unbind_order; *at != TIO_STEP_END;
	     at++) {
		int rc = insist(tdi, &steps[*at]);

		if (*at == TIO_STEP_STOP)
			dma_off(tdi);
		if (rc && steps[*at].kept)
			return steps[*at].kept;
	}
	return NULL;
}

/* What is left once firmware has let go of everything */
static void tdi_free(struct sev_tdi *tdi)
{
	sev_fence_leave(tdi);
	list_del(&tdi->node);
	tio_tvm_put(&tdi->gctx->tvm);
	xa_destroy(&tdi->mmio.pages);
	kfree(tdi->report);
	kfree(tdi);
}

/**
 * sev_tdi_destroy() - reverse of bind, from any half-way state
 * @tdi: the TDI, in the state of an earlier try, too
 *
 * Context: under pci_tsm_pf0::lock, with a budget.
 *
 * Return: true: the TDI is gone; false: it is in quarantine, on the lists of link and
 * guest, with its pages and its guest, until a later try succeeds or the link is leaked
 * with it.
 */
bool sev_tdi_destroy(struct sev_tdi *tdi)
{
	const char *kept = tdi_down(tdi);

	if (!kept) {
		tdi_free(tdi);
		return true;
	}
	/* its requests end in the IOMMU: the guest's other TDIs may go on */
	sev_fence_lift(tdi);
	WRITE_ONCE(tdi->quarantined, true);
	pci_tdi_quarantine(&tdi->tdi, kept);
	return false;
}

/**
 * sev_tdi_unbind() - take a function back from its TVM
 * @base: the TDI, bound or in quarantine
 *
 * Context: under pci_tsm_rwsem (any) and pci_tsm_pf0::lock; at most
 * SEV_UNBIND_WORST_MS and RMPUPDATE of each page. Never fails: either firmware has let
 * go of everything when it returns, and @base is gone, or the TDI is in quarantine and
 * this may be called again.
 */
void sev_tdi_unbind(struct pci_tdi *base)
{
	struct sev_tdi *tdi = to_sev_tdi(base);
	struct sev_tsm *tsm = tdi->link->tsm;

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* no DMA miss and no watch uses the TDI after these */
	xa_erase(&tsm->base.bound, tdi->rid);
	synchronize_srcu(&tsm->base.srcu);
	sev_watch_stop(tdi);

	tio_budget(&tdi->link->base, SEV_UNBIND_MS);
	sev_tdi_destroy(tdi);
}
