// SPDX-License-Identifier: GPL-2.0-only
/*
 * One TDI, from bind to the end of unbind: KVM's mappings of private MMIO first,
 * so that nothing is written any more when the device scrubs itself; then in the
 * order that the TDX module demands (tdx_unbind_order); metadata last.
 *
 * Every step is recorded in struct tdx_tdi, so one teardown serves unbind and a
 * bind that failed half-way. It allocates nothing; its loops and waits are bounded.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "tdx-tsm.h"

static unsigned int watch_ms = 1000;
module_param(watch_ms, uint, 0644);
MODULE_PARM_DESC(watch_ms,
		 "ask bound TDIs for a fall to ERROR this often, in ms; 0: never");

static struct tdx_tsm *tsm_of(struct tdx_tdi *tdi)
{
	return tdi->link->tsm;
}

/*
 * Called by the core in atomic context: marks and firmware's leaf lock only. A TDI
 * that was reset says so itself; firmware still believes that it runs.
 */
static bool tdi_mmio_accepted(struct pci_tdi *base, u64 gpa, phys_addr_t hpa)
{
	struct tdx_tdi *tdi = to_tdx_tdi(base);

	return !READ_ONCE(tdi->quarantined) && !READ_ONCE(tdi->error_told) &&
	       tdx_fw_mmio_accepted(tsm_of(tdi)->fw, tdi->td->tdr, gpa, hpa);
}

static bool tdi_locked(struct pci_tdi *base)
{
	return READ_ONCE(to_tdx_tdi(base)->locked);
}

static const struct pci_tdi_ops tdx_tdi_ops = {
	.mmio_accepted = tdi_mmio_accepted,
	.locked = tdi_locked,
};

/**
 * tdx_tdi_tell_error() - the TDI fell to ERROR: let its VMM know, once
 * @tdi: the TDI
 *
 * When this returns the TVM reaches no private MMIO of it, and never will before
 * it is bound again. Context: under pci_tsm_pf0::lock.
 */
void tdx_tdi_tell_error(struct tdx_tdi *tdi)
{
	if (tdi->error_told || tdi->quarantined)
		return;
	/* before KVM's leaves go: no fault brings one back */
	WRITE_ONCE(tdi->error_told, true);
	pci_tdi_report_error(&tdi->tdi);
}

/* A device that does not answer is asked up to 64 times less often */
#define TDX_WATCH_BACK_OFF	6

static void watch_again(struct tdx_tdi *tdi)
{
	unsigned int ms = READ_ONCE(watch_ms);
	unsigned int shift = min(tdi->unanswered, TDX_WATCH_BACK_OFF);

	/* 0 may be changed back at any time */
	ms = ms ? min_t(unsigned int, ms, 60000) << shift : 1000;
	queue_delayed_work(system_freezable_wq, &tdi->watch,
			   msecs_to_jiffies(ms));
}

static void watch_look(struct tdx_tdi *tdi)
{
	lockdep_assert_held(&tdi->link->base.pf0.lock);

	tio_budget(&tdi->link->base, TDX_LOOK_MS);
	tdi->unanswered = tdx_round_look(tdi) ? tdi->unanswered + 1 : 0;
}

/*
 * Never waits for pci_tsm_pf0::lock, since unbind waits for this work under it:
 * whoever holds it now talks to the device anyway.
 */
static void tdi_watch(struct work_struct *work)
{
	struct tdx_tdi *tdi = container_of(to_delayed_work(work),
					   struct tdx_tdi, watch);

	if (READ_ONCE(watch_ms) && mutex_trylock(&tdi->link->base.pf0.lock)) {
		watch_look(tdi);
		mutex_unlock(&tdi->link->base.pf0.lock);
	}
	watch_again(tdi);
}

static int tdi_pages_alloc(struct tdx_tdi *tdi)
{
	tdi->pages.root = tio_page_alloc();
	tdi->pages.td_msg = tio_page_alloc();
	tdi->pages.vmm_msg = tio_page_alloc();
	tdi->cte = tio_page_alloc();
	tdi->pde = tio_page_alloc();
	return tdi->pages.root && tdi->pages.td_msg && tdi->pages.vmm_msg &&
	       tdi->cte && tdi->pde ? 0 : -ENOMEM;
}

static void tdi_pages_free(struct tdx_tdi *tdi)
{
	tio_page_free(&tdi->pages.root);
	tio_page_free(&tdi->pages.td_msg);
	tio_page_free(&tdi->pages.vmm_msg);
	tio_page_free(&tdi->cte);
	tio_page_free(&tdi->pde);
}

static int tdi_create(struct tdx_tdi *tdi)
{
	struct tdx_tsm *tsm = tsm_of(tdi);
	u16 rid = TDX_DEVIF_RID(tdi->devif);
	int rc;

	rc = tdx_meta_get(tsm, TDX_META_DEVIFMT, PCI_BUS_NUM(rid));
	if (rc)
		return rc;
	tdi->devifmt = true;
	rc = tdx_check(tsm, TDH_DEVIF_CREATE,
		       tdx_retry(tdh_devif_create(tsm->fw, tdi->devif,
						  tdi->td->tdr, &tdi->pages)));
	tdi->created = !rc;
	return rc;
}

static int tdi_stop(struct tdx_tdi *tdi)
{
	const struct tdx_devif_req req = { .type = TDISP_STOP_INTERFACE };
	int rc;

	rc = tdx_round_host(tdi, &req);
	if (!rc)
		WRITE_ONCE(tdi->locked, false);
	return rc;
}

/*
 * A function that fell to ERROR in an earlier life (FLR, a blocked stream) wants
 * a STOP before it can be locked. An answer that firmware does not believe says
 * that the device is somewhere else, too; one that never came fails the bind.
 */
static int tdi_unlock_first(struct tdx_tdi *tdi)
{
	const struct tdx_devif_req req = { .type = TDISP_GET_STATE };
	int rc;

	rc = tdx_round_host(tdi, &req);
	if (rc && rc != -EBADMSG)
		return rc;
	if (!rc && tdx_fw_tdisp_told(tsm_of(tdi)->fw, tdi->devif) ==
		   TDISP_CONFIG_UNLOCKED)
		return 0;
	WRITE_ONCE(tdi->locked, true);
	return tdi_stop(tdi);
}

static int tdi_lock(struct tdx_tdi *tdi)
{
	struct tdx_devif_req req = { .type = TDISP_LOCK_INTERFACE };
	int rc;

	rc = tdi_unlock_first(tdi);
	if (rc)
		return rc;
	tdi->offset = tio_reporting_offset(tdi->tdi.pdev);
	req.reporting_offset = tdi->offset;
	/* from the request on: the answer may be what gets lost */
	WRITE_ONCE(tdi->locked, true);
	return tdx_round_host(tdi, &req);
}

static int tdi_reserve(struct tdx_tdi *tdi)
{
	struct pci_dev *pdev = tdi->tdi.pdev;
	int rc = 0;

	tdx_meta_sweep(tsm_of(tdi));
	for (int bar = 0; !rc && bar < PCI_STD_NUM_BARS; bar++)
		if (tio_bar_is_mem(pdev, bar))
			rc = tdx_mmio_reserve(&tdi->mmio,
					      pci_resource_start(pdev, bar),
					      pci_resource_len(pdev, bar));
	return rc;
}

static int tdi_up(struct tdx_tdi *tdi)
{
	int rc;

	rc = tdi_pages_alloc(tdi);
	if (!rc)
		rc = tdi_reserve(tdi);
	if (!rc)
		rc = tdi_create(tdi);
	if (!rc)
		rc = tdi_lock(tdi);
	if (!rc)
		rc = tdx_dmar_up(tdi);
	return rc;
}

/* Not locked any more, or cut off. Return: 0, or the device may still run */
static int tdi_quiet(struct tdx_tdi *tdi)
{
	if (!tdi->locked)
		return 0;
	/* one lost answer is forgiven */
	for (int i = 0; i < 2; i++)
		if (!tdi_stop(tdi))
			return 0;
	pci_warn(tdi->tdi.pdev, "does not stop, blocking its IDE stream\n");
	return tdx_link_block(tdi->link, tdi);
}

/*
 * Try a step of the teardown up to three times, since a refusal may be passing. If
 * it was refused twice because the TDI has not stopped, as firmware sees it, the
 * stream is blocked before the third: nothing else is a reason to hit the device's
 * other TDIs. A fatal TD gains nothing from more tries.
 */
static int tdi_insist(struct tdx_tdi *tdi, int (*step)(struct tdx_tdi *tdi))
{
	int rc = 0;

	for (int i = 0; i < 3; i++) {
		if (i == 2 && rc == -EUCLEAN)
			tdx_link_block(tdi->link, tdi);
		rc = step(tdi);
		if (!rc || rc == -EOWNERDEAD)
			break;
	}
	return rc;
}

static int tdi_remove(struct tdx_tdi *tdi)
{
	struct tdx_tsm *tsm = tsm_of(tdi);
	int rc;

	if (!tdi->created)
		return 0;
	rc = tdx_check(tsm, TDH_DEVIF_REMOVE,
		       tdx_retry(tdh_devif_remove(tsm->fw, tdi->devif)));
	if (!rc)
		tdi->created = false;
	return rc;
}

static int step_unmap(struct tdx_tdi *tdi)
{
	return tdx_mmio_unmap_all(&tdi->mmio);
}

static int step_give_back(struct tdx_tdi *tdi)
{
	return tdx_mmio_give_back(&tdi->mmio);
}

/* Everybody else's half of the DMA is over before firmware's entries are touched */
static void before_dma_off(struct tdx_tdi *tdi)
{
	if (!tdi->dma_is_off)
		pci_tdi_dma_off(&tdi->tdi);
	tdi->dma_is_off = true;
}

/* KVM's leaves, see tdi_down() */
static void before_all(struct tdx_tdi *tdi)
{
	if (!tdi->is_unmapped)
		pci_tdi_unmap_mmio(&tdi->tdi);
	tdi->is_unmapped = true;
}

/*
 * The order that the TDX module demands: unmap only what has stopped, remove only
 * what has neither MMIO nor DMA. UNMAP and DMA_OFF may swap. BAR pages may go back
 * at any time once they are unmapped: the module does not ask for the interface then,
 * and last is where a refusal holds up nothing else.
 */
const enum tio_step tdx_unbind_order[] = {
	TIO_STEP_STOP,
	TIO_STEP_UNMAP,
	TIO_STEP_DMA_OFF,
	TIO_STEP_REMOVE,
	TIO_STEP_GIVE_BACK,
	TIO_STEP_END,
};
EXPORT_SYMBOL_IF_KUNIT(tdx_unbind_order);

/*
 * What a step does; the steps that must not have failed before it; and what comes
 * before it, whatever has failed, if anybody else ever knew of the TDI. tdi_quiet()
 * has tries of its own.
 */
static const struct tdi_step {
	int (*run)(struct tdx_tdi *tdi);
	unsigned long needs;
	void (*before)(struct tdx_tdi *tdi);
	bool insist;
} tdi_steps[TIO_NR_STEPS] = {
	[TIO_STEP_STOP] = { tdi_quiet },
	[TIO_STEP_UNMAP] = { step_unmap, BIT(TIO_STEP_STOP), .insist = true },
	[TIO_STEP_DMA_OFF] = { tdx_dmar_down, 0, before_dma_off, true },
	[TIO_STEP_REMOVE] = {
		tdi_remove, BIT(TIO_STEP_STOP) | BIT(TIO_STEP_UNMAP) |
			    BIT(TIO_STEP_DMA_OFF), .insist = true,
	},
	[TIO_STEP_GIVE_BACK] = {
		step_give_back, BIT(TIO_STEP_UNMAP), .insist = true,
	},
};

/*
 * Why @step is not tried: the errno of a step that it needs. A fatal TD is no reason
 * to keep the interface: the module waives MMIO for it.
 */
static int held_up(enum tio_step step, const int *rc)
{
	for (int i = 0; i < TIO_NR_STEPS; i++) {
		if (!rc[i] || !(tdi_steps[step].needs & BIT(i)))
			continue;
		if (step == TIO_STEP_REMOVE && i == TIO_STEP_UNMAP &&
		    rc[i] == -EOWNERDEAD)
			continue;
		return rc[i];
	}
	return 0;
}

static int tdi_step(struct tdx_tdi *tdi, enum tio_step step, const int *rc)
{
	const struct tdi_step *what = &tdi_steps[step];

	if (tdi->published && what->before)
		what->before(tdi);
	return held_up(step, rc) ?:
	       (what->insist ? tdi_insist(tdi, what->run) : what->run(tdi));
}

/* What firmware would not let go of, or NULL, from the errnos of all steps */
static const char *tdi_kept(const int *rc)
{
	if (rc[TIO_STEP_STOP])
		return "the TDI does not stop and its stream cannot be blocked";
	if (rc[TIO_STEP_DMA_OFF])
		return "firmware keeps its trusted DMA entries";
	if (rc[TIO_STEP_UNMAP] && rc[TIO_STEP_UNMAP] != -EOWNERDEAD)
		return "firmware keeps its private MMIO mapped";
	if (rc[TIO_STEP_REMOVE])
		return "firmware keeps the device interface";
	if (rc[TIO_STEP_UNMAP])
		return "its TD is fatal and private MMIO stays mapped";
	if (rc[TIO_STEP_GIVE_BACK])
		return "firmware keeps its BAR pages";
	return NULL;
}

/*
 * Firmware's side of the teardown. Return: NULL, or what it would not let go of.
 * KVM's leaves go before STOP: a function scrubs itself then, or when its stream is
 * cut, and a TVM that could write on would leave that to the next owner. Its seat
 * is UNBINDING (or the TDI was never published), so no fault brings one back, and
 * the TDX module does not mind (MMIO.BLOCK, too, may come before STOP).
 * Trusted DMA is taken away whatever happened before; the interface is not asked
 * to go while it holds something, unless its TD is fatal, which waives MMIO.
 * A TDI that was kept before goes on from the steps that failed.
 */
static const char *tdi_down(struct tdx_tdi *tdi)
{
	int rc[TIO_NR_STEPS] = {};

	if (tdi->published)
		before_all(tdi);
	for (const enum tio_step *step = tdx_unbind_order;
	     *step != TIO_STEP_END; step++)
		rc[*step] = tdi_step(tdi, *step, rc);
	return tdi_kept(rc);
}

/* What is left once firmware has let go of everything */
static void tdi_free(struct tdx_tdi *tdi)
{
	u8 bus = PCI_BUS_NUM(TDX_DEVIF_RID(tdi->devif));

	tdx_mmio_release(&tdi->mmio);
	if (tdi->devifmt)
		tdx_meta_put(tsm_of(tdi), TDX_META_DEVIFMT, bus);
	tdi_pages_free(tdi);
	list_del(&tdi->node);
	if (tdi->td)
		tio_tvm_put(&tdi->td->tvm);
	kfree(tdi->report);
	kfree(tdi);
}

/*
 * Reverse of bind, from any half-way state, that of an earlier try too. Return: true
 * if the TDI is gone; else it is in quarantine: on the link's list, with its pages, its
 * TD and its metadata, until a later try succeeds or the link is leaked with it.
 */
static bool tdi_destroy(struct tdx_tdi *tdi)
{
	const char *kept = tdi_down(tdi);

	if (!kept) {
		tdi_free(tdi);
		return true;
	}
	WRITE_ONCE(tdi->quarantined, true);
	pci_tdi_quarantine(&tdi->tdi, kept);
	return false;
}

static struct tdx_link *link_of(struct pci_dev *pdev)
{
	return container_of(pdev->tsm->dsm_dev->tsm, struct tdx_link,
			    base.pf0.base_tsm);
}

static struct tdx_tdi *tdi_alloc(struct pci_dev *pdev, struct kvm *kvm,
				 u32 tdi_id)
{
	struct tdx_link *link = link_of(pdev);
	struct tdx_tdi *tdi __free(kfree) = kzalloc_obj(*tdi);
	struct tdx_td *td;

	if (!tdi)
		return ERR_PTR(-ENOMEM);
	pci_tsm_tdi_constructor(pdev, &tdi->tdi, kvm, tdi_id);
	/* the call-outs of unbind go to VFIO, KVM and the IOMMU through it */
	if (!tdi->tdi.seat)
		return ERR_PTR(-EOPNOTSUPP);
	tdi->tdi.ops = &tdx_tdi_ops;

	td = tdx_td_get(link->tsm, kvm);
	if (IS_ERR(td))
		return ERR_CAST(td);
	tdi->td = td;
	tdi->link = link;
	tdi->devif = TDX_DEVIF_ID(TDX_IOMMU, link->ide->stream_id,
				  pci_dev_id(pdev));
	tdx_mmio_init(&tdi->mmio, link->tsm, td, tdi->devif);
	INIT_DELAYED_WORK(&tdi->watch, tdi_watch);
	list_add_tail(&tdi->node, &link->base.tdis);
	return_ptr(tdi);
}

/**
 * tdx_tdi_bind() - lock a function for a TVM and give it to the TVM's TD
 * @pdev: the function
 * @kvm: the TVM, referenced by the caller
 * @tdi_id: virtual RID of the TDI
 *
 * Context: under pci_tsm_rwsem (read) and pci_tsm_pf0::lock; bounded, see
 * TDX_BIND_MS.
 *
 * Return: the TDI, CONFIG_LOCKED, with DMA pending the TD's consent; or ERR_PTR:
 * -ENOMEM; -ENXIO: the link is down; -EBUSY: the stream is blocked and others are
 * still on it; -ENOSPC: no key id; -EXDEV: see tdx_td_get(); -EOPNOTSUPP: VFIO
 * does not offer the function; -EIO, -ETIMEDOUT, -EPROTO, -EBADMSG: firmware or
 * the device. Nothing is held then. A bind that failed and could not be undone
 * returns the TDI, too, after pci_tdi_quarantine().
 */
struct pci_tdi *tdx_tdi_bind(struct pci_dev *pdev, struct kvm *kvm, u32 tdi_id)
{
	struct tdx_link *link = link_of(pdev);
	u16 rid = pci_dev_id(pdev);
	struct tdx_tdi *tdi;
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	rc = tdx_link_usable(link);
	if (rc)
		return ERR_PTR(rc);
	tdi = tdi_alloc(pdev, kvm, tdi_id);
	if (IS_ERR(tdi))
		return ERR_CAST(tdi);

	tio_budget(&link->base, TDX_BIND_MS);
	rc = xa_reserve(&link->tsm->base.bound, rid, GFP_KERNEL);
	if (!rc) {
		rc = tdi_up(tdi);
		if (rc)
			xa_release(&link->tsm->base.bound, rid);
	}
	if (rc) {
		tio_budget_undo(&link->base, TDX_UNBIND_MS);
		/* of no use to a VMM, which has no step to repeat */
		if (tdi_destroy(tdi))
			return ERR_PTR(rc == -EUCLEAN ? -EIO : rc);
		/* the core forgets only what was called out for */
		tdi->published = true;
		before_all(tdi);
		before_dma_off(tdi);
		return &tdi->tdi;
	}
	tdi->published = true;
	/* reserved: cannot fail */
	xa_store(&link->tsm->base.bound, rid, tdi, GFP_KERNEL);
	watch_again(tdi);
	return &tdi->tdi;
}

/**
 * tdx_tdi_unbind() - take a function back from its TVM
 * @base: the TDI, bound or in quarantine
 *
 * Context: under pci_tsm_rwsem (any) and pci_tsm_pf0::lock; at most
 * TDX_UNBIND_WORST_MS and the calls for each leaf. Never fails: either firmware has
 * let go of everything when it returns, and @base is gone, or the TDI is in
 * quarantine and this may be called again.
 */
void tdx_tdi_unbind(struct pci_tdi *base)
{
	struct tdx_tdi *tdi = to_tdx_tdi(base);
	struct tdx_tsm *tsm = tsm_of(tdi);

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* no DMA miss and no watch uses the TDI after these */
	xa_erase(&tsm->base.bound, TDX_DEVIF_RID(tdi->devif));
	synchronize_srcu(&tsm->base.srcu);
	disable_delayed_work_sync(&tdi->watch);

	tio_budget(&tdi->link->base, TDX_UNBIND_MS);
	tdi_destroy(tdi);
}
