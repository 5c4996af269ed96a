// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a TDI, in the order that the RMM demands: private MMIO leaves the stage
 * 2 first, since VDEV_UNLOCK is refused while one granule of it is mapped; UNLOCK
 * shuts trusted DMA out and stops the device; then the VDEV goes; granules are the
 * host's again last.
 *
 * Every step is recorded in struct cca_tdi, so one walk serves unbind and a bind that
 * failed half-way. It allocates nothing; its loops and waits are bounded.
 *
 * The escape: an operation that got stuck is aborted (comm.c), which leaves ERROR,
 * and UNLOCK is tried again from there, for as long as there is time for DOE rounds.
 * The RMM has no force: as long as the device does not confirm that it stopped, the VDEV
 * stays, and so do the realm, the PDEV and every granule. Then the host cuts the link at
 * the ports, so that no T=1 request passes and the function scrubs itself, and puts the
 * TDI into quarantine. If it is the RMM that does not let go, and not the device, the
 * link stays for the device's other TDIs: of this one KVM's leaves are gone, and the IOMMU
 * lets none of its requests in. A later unbind goes on with the step that failed.
 */
#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/slab.h>

#include "cca-tsm.h"

/* between tries of a step that waits for the device to come to its senses, in ms */
#define CCA_PAUSE_MIN_MS	10
#define CCA_PAUSE_MAX_MS	320

const enum tio_step cca_unbind_order[] = {
	TIO_STEP_UNMAP,
	TIO_STEP_STOP,
	TIO_STEP_DMA_OFF,
	TIO_STEP_REMOVE,
	TIO_STEP_GIVE_BACK,
	TIO_STEP_END,
};
EXPORT_SYMBOL_IF_KUNIT(cca_unbind_order);

/*
 * KVM's leaves go before firmware's: the seat is UNBINDING, so no fault brings one
 * back. And both before STOP: a function scrubs itself then, and a TVM that could
 * write on would leave that to the next owner.
 */
static void unmap_from_kvm(struct cca_tdi *tdi)
{
	if (!tdi->is_unmapped)
		pci_tdi_unmap_mmio(&tdi->tdi);
	tdi->is_unmapped = true;
}

static int unmap(struct cca_tdi *tdi)
{
	return cca_mmio_unmap(&tdi->mmio, 0, U64_MAX);
}

/* An operation that the RMM could not be made to give up before */
static int hush(struct cca_tdi *tdi)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	u64 status;
	int rc;

	if (!tdi->talking)
		return 0;
	status = cca_retry(rmi_vdev_abort(tsm->rmm, tdi->mmio.realm->rd,
					  tdi->link->ep.granule,
					  tdi->mmio.vdev));
	rc = cca_check(tsm, RMI_VDEV_ABORT, status);
	tdi->talking = rc;
	return rc;
}

static int stop(struct cca_tdi *tdi)
{
	enum rmi_vdev_state state;
	int rc;

	if (!tdi->created)
		return 0;
	rc = hush(tdi) ?: cca_tdi_state(tdi, &state);
	if (rc)
		return rc;
	if (state == RMI_VDEV_NEW || state == RMI_VDEV_UNLOCKED) {
		WRITE_ONCE(tdi->locked, false);
		return 0;
	}
	return cca_tdi_unlock(tdi);
}

/* Firmware's table has been shut since UNLOCK; this is the IOMMU's half */
static void dma_off(struct cca_tdi *tdi)
{
	if (!tdi->dma_is_off)
		pci_tdi_dma_off(&tdi->tdi);
	tdi->dma_is_off = true;
}

static int remove(struct cca_tdi *tdi)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	u64 status;
	int rc;

	if (!tdi->created)
		return 0;
	status = cca_retry(rmi_vdev_destroy(tsm->rmm, tdi->mmio.realm->rd,
					    tdi->link->ep.granule,
					    tdi->mmio.vdev));
	rc = cca_check(tsm, RMI_VDEV_DESTROY, status);
	if (!rc)
		tdi->created = false;
	return rc;
}

static int give_back(struct cca_tdi *tdi)
{
	return cca_mmio_give_back(&tdi->mmio, 0, U64_MAX) ?:
	       cca_granule_put(cca_tsm_of(tdi), &tdi->mmio.vdev);
}

/**
 * struct step - a step of the walk
 * @call_out: to KVM or the IOMMU, once, if the TDI was ever published
 * @run: firmware's part; 0, or an errno and then it may be tried again
 * @kept: what firmware would not do, for people
 * @device: it may be up to the device: then it is tried until there is no time for
 *	    another round
 */
struct step {
	void (*call_out)(struct cca_tdi *tdi);
	int (*run)(struct cca_tdi *tdi);
	const char *kept;
	bool device;
};

static const struct step steps[TIO_NR_STEPS] = {
	[TIO_STEP_UNMAP] = {
		unmap_from_kvm, unmap, "firmware keeps its private MMIO mapped",
	},
	[TIO_STEP_STOP] = {
		NULL, stop, "the TDI does not stop, and firmware has no force", true,
	},
	[TIO_STEP_DMA_OFF] = { dma_off, NULL, NULL, },
	[TIO_STEP_REMOVE] = { NULL, remove, "firmware keeps the VDEV", },
	[TIO_STEP_GIVE_BACK] = { NULL, give_back, "firmware keeps granules", },
};

/*
 * A refusal may be passing; lost answers and nonsense are forgiven for as long as there
 * is time to ask again. Return: 0, or the errno of the last try.
 */
static int insist(struct cca_tdi *tdi, const struct step *step)
{
	unsigned int pause = CCA_PAUSE_MIN_MS;
	int rc = step->run(tdi);

	for (int i = 1; rc; i++) {
		bool over = !step->device || !tdi->unheard ||
			    tio_budget_spent(&tdi->link->base);

		if (i >= CCA_TRIES) {
			if (over)
				break;
			msleep(pause);
			pause = min(2 * pause, CCA_PAUSE_MAX_MS);
		}
		rc = step->run(tdi);
	}
	return rc;
}

/* Return: NULL, or what firmware would not do */
static const char *take_step(struct cca_tdi *tdi, const struct step *step)
{
	if (step->call_out && tdi->published)
		step->call_out(tdi);
	return step->run && insist(tdi, step) ? step->kept : NULL;
}

static const char *walk(struct cca_tdi *tdi)
{
	const char *kept = NULL;

	for (const enum tio_step *step = cca_unbind_order;
	     !kept && *step != TIO_STEP_END; step++)
		kept = take_step(tdi, &steps[*step]);
	return kept;
}

/* What is left once firmware has let go of everything */
static void tdi_free(struct cca_tdi *tdi)
{
	cca_mmio_exit(&tdi->mmio);
	cca_cache_free(&tdi->meas);
	cca_cache_free(&tdi->report);
	list_del(&tdi->node);
	cca_tvm_put(tdi);
	kfree(tdi);
}

/*
 * On the link's list, with its VDEV, its realm and its granules, until a later try
 * succeeds or the link is leaked with it. A device that has stopped listening may run on
 * for good: its link is cut, which hits all its TDIs, but it is deaf to them, too. Both
 * call-outs are made, for a bind that could not be undone, too: the core forgets only
 * what was called out for.
 */
static void tdi_quarantine(struct cca_tdi *tdi, const char *kept)
{
	WRITE_ONCE(tdi->quarantined, true);
	tdi->published = true;
	unmap_from_kvm(tdi);
	if (tdi->locked && tdi->unheard) {
		pci_warn(tdi->tdi.pdev, "does not stop, cutting its IDE stream\n");
		cca_link_cut(tdi->link, tdi);
	}
	dma_off(tdi);
	pci_tdi_quarantine(&tdi->tdi, kept);
}

/**
 * cca_tdi_destroy() - reverse of bind, from any half-way state
 * @tdi: the TDI, in the state of an earlier try, too
 *
 * Context: under pci_tsm_pf0::lock, with a budget. Return: true: @tdi is gone; false:
 * it is in quarantine.
 */
bool cca_tdi_destroy(struct cca_tdi *tdi)
{
	const char *kept;

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	kept = walk(tdi);
	if (!kept) {
		tdi_free(tdi);
		return true;
	}
	tdi_quarantine(tdi, kept);
	return false;
}
