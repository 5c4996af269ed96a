// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bind of one TDI: firmware's context of it, LOCK, the report, the fence. Every
 * step is recorded in struct sev_tdi, so that the teardown of unbind.c serves a bind
 * that failed half-way, too.
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/slab.h>

#include "sev-tsm.h"

/* A LOCK that is lost, or that a device which is still resetting refuses */
#define SEV_LOCK_TRIES		3
#define SEV_LOCK_PAUSE_MS	50

/*
 * Called by the core in atomic context: marks and firmware's leaf lock only. A TDI
 * that was reset says so itself; firmware still believes that it runs.
 */
static bool tdi_mmio_accepted(struct pci_tdi *base, u64 gpa, phys_addr_t hpa)
{
	struct sev_tdi *tdi = to_sev_tdi(base);

	return !READ_ONCE(tdi->quarantined) && !READ_ONCE(tdi->error_told) &&
	       !READ_ONCE(tdi->closed) &&
	       sev_fw_mmio_accepted(tdi->link->tsm->fw, tdi->gctx->page,
				    tdi->ctx, gpa, hpa);
}

static bool tdi_locked(struct pci_tdi *base)
{
	return READ_ONCE(to_sev_tdi(base)->locked);
}

static const struct pci_tdi_ops sev_tdi_ops = {
	.mmio_accepted = tdi_mmio_accepted,
	.locked = tdi_locked,
};

static int tdi_create(struct sev_tdi *tdi)
{
	struct sev_link *link = tdi->link;
	struct sev_tsm *tsm = link->tsm;
	int rc;

	tdi->ctx = tio_page_alloc();
	if (!tdi->ctx)
		return -ENOMEM;
	rc = sev_check(tsm, SEV_CALL_TIO_TDI_CREATE,
		       sev_retry(sev_tio_tdi_create(tsm->fw, link->dev, tdi->ctx,
						    tdi->rid)));
	tdi->created = !rc;
	return rc;
}

/*
 * Firmware itself stops a device first that was left locked or in ERROR in an earlier
 * life: by an FLR, a link that was cut, or a LOCK whose answer was lost. The last one
 * is what the tries are for, since firmware can only stop what it has bound; a device
 * that is left locked after them has nothing of the TVM: no page, no way to memory.
 */
static int tdi_lock(struct sev_tdi *tdi)
{
	const struct sev_tio_bind bind = {
		.gctx = tdi->gctx->page,
		.guest_device_id = lower_16_bits(tdi->tdi.tdi_id),
		.reporting_offset = tdi->offset,
	};
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_TDI_BIND,
		.tdi = tdi->ctx,
		.bind = &bind,
	};
	u64 status;
	int rc;

	for (int i = 0; i < SEV_LOCK_TRIES; i++) {
		if (i)
			msleep(SEV_LOCK_PAUSE_MS);
		rc = sev_cmd(tdi->link, &cmd, &status);
		if (status != SEV_SPDM_ERROR)
			break;
	}
	if (rc)
		return rc;
	tdi->bound = true;
	WRITE_ONCE(tdi->locked, true);
	return 0;
}

static int tdi_up(struct sev_tdi *tdi)
{
	u64 status;
	int rc;

	rc = tdi_create(tdi);
	if (!rc)
		rc = tdi_lock(tdi);
	if (!rc)
		rc = sev_report_fetch(tdi, &status);
	if (!rc)
		rc = sev_fence_lift(tdi);
	return rc;
}

static struct sev_link *link_of(struct pci_dev *pdev)
{
	return container_of(pdev->tsm->dsm_dev->tsm, struct sev_link,
			    base.pf0.base_tsm);
}

static struct sev_tdi *tdi_alloc(struct pci_dev *pdev, struct kvm *kvm,
				 u32 tdi_id)
{
	struct sev_link *link = link_of(pdev);
	struct sev_tdi *tdi __free(kfree) = kzalloc_obj(*tdi);
	struct sev_gctx *gctx;

	if (!tdi)
		return ERR_PTR(-ENOMEM);
	pci_tsm_tdi_constructor(pdev, &tdi->tdi, kvm, tdi_id);
	/* the call-outs of unbind go to VFIO, KVM and the IOMMU through it */
	if (!tdi->tdi.seat)
		return ERR_PTR(-EOPNOTSUPP);
	tdi->tdi.ops = &sev_tdi_ops;

	gctx = sev_gctx_get(link->tsm, kvm);
	if (IS_ERR(gctx))
		return ERR_CAST(gctx);
	tdi->gctx = gctx;
	tdi->link = link;
	tdi->rid = pci_dev_id(pdev);
	tdi->offset = tio_reporting_offset(pdev);
	sev_mmio_init(&tdi->mmio, link->tsm->fw, gctx->asid);
	sev_watch_init(tdi);
	list_add_tail(&tdi->node, &link->base.tdis);
	sev_fence_join(tdi);
	return_ptr(tdi);
}

/**
 * sev_tdi_bind() - lock a function for a TVM and give it to the TVM's guest context
 * @pdev: the function
 * @kvm: the TVM, referenced by the caller
 * @tdi_id: virtual RID of the TDI; the guest knows it by its lower half
 *
 * Context: under pci_tsm_rwsem (read) and pci_tsm_pf0::lock; bounded, see
 * SEV_BIND_MS. That covers connecting a link anew that was cut.
 *
 * Return: the TDI, CONFIG_LOCKED, with DMA shut out until the guest writes its sDTE;
 * or ERR_PTR: -ENOMEM; -ENXIO: the link is down; -EBUSY: it is cut and others are
 * still on it; -ENOSPC: no ASID; -EXDEV: see sev_gctx_get(); -EOPNOTSUPP: VFIO does
 * not offer the function; -EIO, -ETIMEDOUT, -EPROTO, -EBADMSG: firmware or the device.
 * Nothing is held then. A bind that failed and could not be undone returns the TDI,
 * too, after pci_tdi_quarantine().
 */
struct pci_tdi *sev_tdi_bind(struct pci_dev *pdev, struct kvm *kvm, u32 tdi_id)
{
	struct sev_link *link = link_of(pdev);
	u16 rid = pci_dev_id(pdev);
	struct sev_tdi *tdi;
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	tio_budget(&link->base, SEV_BIND_MS);
	rc = sev_link_usable(link);
	if (rc)
		return ERR_PTR(rc);
	tdi = tdi_alloc(pdev, kvm, tdi_id);
	if (IS_ERR(tdi))
		return ERR_CAST(tdi);

	rc = xa_reserve(&link->tsm->base.bound, rid, GFP_KERNEL);
	if (!rc) {
		rc = tdi_up(tdi);
		if (rc)
			xa_release(&link->tsm->base.bound, rid);
	}
	if (rc) {
		tio_budget_undo(&link->base, SEV_UNBIND_MS);
		if (sev_tdi_destroy(tdi))
			return ERR_PTR(rc);
		/* the core forgets only what was called out for */
		tdi->published = true;
		sev_tdi_call_out(tdi);
		return &tdi->tdi;
	}
	tdi->published = true;
	/* reserved: cannot fail */
	xa_store(&link->tsm->base.bound, rid, tdi, GFP_KERNEL);
	sev_watch_start(tdi);
	return &tdi->tdi;
}
