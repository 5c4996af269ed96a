// SPDX-License-Identifier: GPL-2.0-only
/*
 * One TDI: bind, and what is asked about it while it is bound. Its end is in
 * unbind.c.
 *
 * What a host learns of a fall to ERROR, and when: the RMM asks a device for its
 * state as a part of LOCK, START and UNLOCK only, and a host cannot speak to the DSM
 * past it. So a function that is reset, or whose link is lost, is found out by the
 * next operation that has to do with the device (the realm reads the report or the
 * measurements, or starts the TDI) or when the realm asks for its INFO after one;
 * or at unbind. There is nothing to poll: reading report or measurements would
 * change nonces under the realm's hands.
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/slab.h>

#include "cca-tsm.h"

#define CCA_MEAS_MAX		SZ_64K

/* a function that is wiping itself after a reset does not lock for some ms */
#define CCA_LOCK_TRIES		3
#define CCA_LOCK_POLL_MS	20

/*
 * Called by the core in atomic context: marks and firmware's leaf lock only.
 */
static bool tdi_mmio_accepted(struct pci_tdi *base, u64 gpa, phys_addr_t hpa)
{
	struct cca_tdi *tdi = to_cca_tdi(base);

	return !READ_ONCE(tdi->quarantined) && !READ_ONCE(tdi->error_told) &&
	       cca_rmm_mmio_accepted(cca_tsm_of(tdi)->rmm, tdi->mmio.realm->rd,
				     gpa, hpa);
}

static bool tdi_locked(struct pci_tdi *base)
{
	return READ_ONCE(to_cca_tdi(base)->locked);
}

static const struct pci_tdi_ops cca_tdi_ops = {
	.mmio_accepted = tdi_mmio_accepted,
	.locked = tdi_locked,
};

/**
 * cca_tdi_tell_error() - the TDI fell to ERROR: let its VMM know, once
 * @tdi: the TDI
 *
 * When this returns the TVM reaches no private MMIO of it, and never will before
 * it is bound again. Context: under pci_tsm_pf0::lock.
 */
void cca_tdi_tell_error(struct cca_tdi *tdi)
{
	lockdep_assert_held(&tdi->link->base.pf0.lock);

	if (tdi->error_told || tdi->quarantined)
		return;
	/* before KVM's leaves go: no fault brings one back */
	WRITE_ONCE(tdi->error_told, true);
	pci_tdi_report_error(&tdi->tdi);
}

/**
 * cca_tdi_state() - where the RMM says that the VDEV is
 * @tdi: the TDI; the RMM has its VDEV
 * @state: filled
 *
 * Context: under pci_tsm_pf0::lock. Return: 0, or firmware's refusal as errno.
 */
int cca_tdi_state(struct cca_tdi *tdi, enum rmi_vdev_state *state)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	u64 status;

	status = cca_retry(rmi_vdev_get_state(tsm->rmm, tdi->mmio.realm->rd,
					      tdi->link->ep.granule,
					      tdi->mmio.vdev, state));
	return cca_check(tsm, RMI_VDEV_GET_STATE, status);
}

/**
 * cca_tdi_look() - after an operation that failed: act on a fall to ERROR
 * @tdi: the TDI, bound
 *
 * Context: under pci_tsm_pf0::lock.
 */
void cca_tdi_look(struct cca_tdi *tdi)
{
	enum rmi_vdev_state state;

	if (!cca_tdi_state(tdi, &state) && state == RMI_VDEV_ERROR)
		cca_tdi_tell_error(tdi);
}

static int tdi_create(struct cca_tdi *tdi)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	struct cca_mmio *mmio = &tdi->mmio;
	u64 status;
	int rc;

	rc = cca_granule_get(tsm, &mmio->vdev);
	if (rc)
		return rc;
	status = cca_retry(rmi_vdev_create(tsm->rmm, mmio->realm->rd,
					   tdi->link->ep.granule, mmio->vdev,
					   &mmio->params));
	rc = cca_check(tsm, RMI_VDEV_CREATE, status);
	if (rc)
		return rc;
	tdi->created = true;
	tdi->talking = true;
	/* whatever an earlier life left of the function: the RMM stops it */
	WRITE_ONCE(tdi->locked, true);
	rc = cca_comm_vdev(tdi, &status);
	if (!rc)
		WRITE_ONCE(tdi->locked, false);
	return rc;
}

/**
 * cca_tdi_unlock() - VDEV_UNLOCK, to its end
 * @tdi: the TDI: LOCKED, STARTED or ERROR, nothing of it mapped
 *
 * Context: under pci_tsm_pf0::lock; bounded by tio_budget() and one DOE round.
 * The RMM shuts its trusted DMA out before it speaks to the device.
 *
 * Return: 0: UNLOCKED; or an errno: ERROR, or firmware refused.
 */
int cca_tdi_unlock(struct cca_tdi *tdi)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	u64 status, mapped = 0;
	int rc;

	status = cca_retry(rmi_vdev_unlock(tsm->rmm, tdi->mmio.realm->rd,
					   tdi->link->ep.granule,
					   tdi->mmio.vdev, &mapped));
	rc = cca_check(tsm, RMI_VDEV_UNLOCK, status);
	if (rc == -EUCLEAN)
		pci_warn(tdi->tdi.pdev, "granule %#llx is still mapped\n",
			 mapped);
	if (rc)
		return rc;
	tdi->talking = true;
	rc = cca_comm_vdev(tdi, &status);
	if (rc)
		return rc;
	tdi->started = false;
	WRITE_ONCE(tdi->locked, false);
	return 0;
}

static int tdi_lock_once(struct cca_tdi *tdi)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	u64 status;
	int rc;

	status = cca_retry(rmi_vdev_lock(tsm->rmm, tdi->mmio.realm->rd,
					 tdi->link->ep.granule,
					 tdi->mmio.vdev));
	rc = cca_check(tsm, RMI_VDEV_LOCK, status);
	if (rc)
		return rc;
	/* from here on: the answer may be what gets lost */
	WRITE_ONCE(tdi->locked, true);
	tdi->talking = true;
	return cca_comm_vdev(tdi, &status);
}

/* A LOCK that the device answers with no leaves ERROR, and is tried from there */
static int tdi_lock(struct cca_tdi *tdi)
{
	int rc;

	for (int i = 1; ; i++) {
		rc = tdi_lock_once(tdi);
		/* not locked: the RMM refused, and asked nobody */
		if (rc != -EBADMSG || !tdi->locked || i == CCA_LOCK_TRIES)
			return rc;
		msleep(CCA_LOCK_POLL_MS);
		rc = cca_tdi_unlock(tdi);
		if (rc)
			return rc;
	}
}

/* The pages of what MSI-X register @reg points to; empty: none */
static struct rmi_range msix_hole(struct pci_dev *pdev, int reg, u32 size)
{
	u64 start;
	u32 val;
	u8 bir;

	pci_read_config_dword(pdev, pdev->msix_cap + reg, &val);
	bir = val & PCI_MSIX_TABLE_BIR;
	if (bir >= PCI_STD_NUM_BARS)
		return (struct rmi_range){};
	start = pci_resource_start(pdev, bir) + (val & PCI_MSIX_TABLE_OFFSET);
	return (struct rmi_range) {
		.base = round_down(start, PAGE_SIZE),
		.top = PAGE_ALIGN(start + size),
	};
}

/* MSI-X table and PBA stay the host's */
static void msix_holes(struct pci_dev *pdev, struct rmi_range hole[2])
{
	u16 flags;
	u32 nr;

	hole[0] = (struct rmi_range){};
	hole[1] = (struct rmi_range){};
	if (!pdev->msix_cap)
		return;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	nr = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	hole[0] = msix_hole(pdev, PCI_MSIX_TABLE, nr * PCI_MSIX_ENTRY_SIZE);
	hole[1] = msix_hole(pdev, PCI_MSIX_PBA, DIV_ROUND_UP(nr, 64) * 8);
}

/* Add [@base, @top) without the @nr ranges of @hole */
static int range_add(struct rmi_vdev_params *params, u64 base, u64 top,
		     const struct rmi_range *hole, unsigned int nr)
{
	if (base >= top)
		return 0;
	for (; nr; hole++, nr--) {
		if (hole->base >= top || hole->top <= base)
			continue;
		return range_add(params, base, max(base, hole->base), hole + 1,
				 nr - 1) ?:
		       range_add(params, min(top, hole->top), top, hole + 1,
				 nr - 1);
	}
	/* six BARs and two holes: eight at most */
	if (WARN_ON(params->nr_ranges == CCA_MAX_RANGES))
		return -ENOSPC;
	params->range[params->nr_ranges++] = (struct rmi_range){ base, top };
	return 0;
}

/* What may become private MMIO: the memory BARs, but for pages that are shared */
static int tdi_ranges(struct cca_tdi *tdi)
{
	struct pci_dev *pdev = tdi->tdi.pdev;
	struct rmi_range hole[2];
	int rc = 0;

	tdi->mmio.params.tdi_id = pci_dev_id(pdev);
	msix_holes(pdev, hole);
	for (int bar = 0; !rc && bar < PCI_STD_NUM_BARS; bar++) {
		u64 base = pci_resource_start(pdev, bar);

		if (tio_bar_is_mem(pdev, bar))
			rc = range_add(&tdi->mmio.params, PAGE_ALIGN(base),
				       round_down(base + pci_resource_len(pdev, bar),
						  PAGE_SIZE),
				       hole, ARRAY_SIZE(hole));
	}
	return rc;
}

static int tdi_up(struct cca_tdi *tdi)
{
	int rc;

	rc = cca_comm_ping(tdi->link);
	if (!rc)
		rc = tdi_ranges(tdi);
	if (!rc)
		rc = cca_cache_alloc(&tdi->report, CCA_REPORT_MAX);
	if (!rc)
		rc = cca_cache_alloc(&tdi->meas, CCA_MEAS_MAX);
	if (!rc)
		rc = tdi_create(tdi);
	return rc ?: tdi_lock(tdi);
}

static struct cca_link *link_of(struct pci_dev *pdev)
{
	return container_of(pdev->tsm->dsm_dev->tsm, struct cca_link,
			    base.pf0.base_tsm);
}

static struct cca_tdi *tdi_alloc(struct pci_dev *pdev, struct kvm *kvm,
				 u32 tdi_id)
{
	struct cca_link *link = link_of(pdev);
	struct cca_tdi *tdi __free(kfree) = kzalloc_obj(*tdi);
	int rc;

	if (!tdi)
		return ERR_PTR(-ENOMEM);
	pci_tsm_tdi_constructor(pdev, &tdi->tdi, kvm, tdi_id);
	/* the call-outs of unbind go to VFIO, KVM and the IOMMU through it */
	if (!tdi->tdi.seat)
		return ERR_PTR(-EOPNOTSUPP);
	tdi->tdi.ops = &cca_tdi_ops;
	tdi->link = link;
	rc = cca_tvm_get(tdi, link->tsm, kvm);
	if (rc)
		return ERR_PTR(rc);
	list_add_tail(&tdi->node, &link->base.tdis);
	return_ptr(tdi);
}

/**
 * cca_tdi_bind() - lock a function for a TVM and give it to the TVM's realm
 * @pdev: the function
 * @kvm: the TVM, referenced by the caller
 * @tdi_id: virtual RID of the TDI: the realm's name for it
 *
 * Context: under pci_tsm_rwsem (read) and pci_tsm_pf0::lock; bounded, see
 * CCA_BIND_MS.
 *
 * Return: the TDI, LOCKED, with DMA pending the realm's consent; or ERR_PTR: -ENOMEM;
 * -ENXIO: the link is down, or could not be made anew; -EBUSY: it was cut and others
 * are still on it; -ENOSPC: the device has as many VDEVs as the RMM allows; -EXDEV,
 * -EBUSY: see cca_tvm_get(); -EOPNOTSUPP: VFIO does not offer the function; -EIO,
 * -ETIMEDOUT, -EPROTO, -EBADMSG: firmware or the device. Nothing is held then. A bind
 * that failed and could not be undone returns the TDI, too, after
 * pci_tdi_quarantine(): the RMM lets go of no VDEV whose device has stopped answering.
 */
struct pci_tdi *cca_tdi_bind(struct pci_dev *pdev, struct kvm *kvm, u32 tdi_id)
{
	struct cca_link *link = link_of(pdev);
	u16 rid = pci_dev_id(pdev);
	struct cca_tdi *tdi;
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	tio_budget(&link->base, CCA_BIND_MS);
	rc = cca_link_usable(link);
	if (rc)
		return ERR_PTR(rc);
	if (list_count_nodes(&link->base.tdis) >= CCA_MAX_VDEVS)
		return ERR_PTR(-ENOSPC);
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
		tio_budget_undo(&link->base, CCA_UNBIND_MS);
		/* of no use to a VMM, which has no step to repeat */
		if (cca_tdi_destroy(tdi))
			return ERR_PTR(rc == -EUCLEAN ? -EIO : rc);
		return &tdi->tdi;
	}
	tdi->published = true;
	/* reserved: cannot fail */
	xa_store(&link->tsm->base.bound, rid, tdi, GFP_KERNEL);
	return &tdi->tdi;
}

/**
 * cca_tdi_unbind() - take a function back from its TVM
 * @base: the TDI, bound or in quarantine
 *
 * Context: under pci_tsm_rwsem (any) and pci_tsm_pf0::lock; at most
 * CCA_UNBIND_WORST_MS and the calls for each leaf. Never fails: either firmware has let
 * go of everything when it returns, and @base is gone, or the TDI is in quarantine and
 * this may be called again.
 */
void cca_tdi_unbind(struct pci_tdi *base)
{
	struct cca_tdi *tdi = to_cca_tdi(base);
	struct cca_tsm *tsm = cca_tsm_of(tdi);

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* no DMA miss uses the TDI after these */
	xa_erase(&tsm->base.bound, tdi->mmio.params.tdi_id);
	synchronize_srcu(&tsm->base.srcu);

	tio_budget(&tdi->link->base, CCA_UNBIND_MS);
	cca_tdi_destroy(tdi);
}
