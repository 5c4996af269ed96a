// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link with one device: an SPDM session, and one selective IDE stream between
 * the root port and the endpoint. Up in connect, down in disconnect, in exact
 * reverse. A stream that was blocked as an escape is made anew before the next
 * bind, once its last TDI has gone.
 */
#include <linux/cleanup.h>
#include <linux/slab.h>

#include "tdx-tsm.h"

static struct pci_dev *endpoint_of(struct tdx_link *link)
{
	return link->base.pf0.base_tsm.pdev;
}

static u8 stream_of(struct tdx_link *link)
{
	return link->ide->stream_id;
}

static int spdm_create(struct tdx_link *link)
{
	struct tdx_tsm *tsm = link->tsm;
	int rc, id;

	link->spdm_page = tio_page_alloc();
	if (!link->spdm_page)
		return -ENOMEM;
	id = ida_alloc_max(&tsm->spdm_ids, U8_MAX, GFP_KERNEL);
	if (id < 0)
		return id;

	rc = tdx_check(tsm, TDH_SPDM_CREATE,
		       tdx_retry(tdh_spdm_create(tsm->fw, TDX_IOMMU, id,
						 link->spdm_page)));
	if (rc) {
		ida_free(&tsm->spdm_ids, id);
		return rc;
	}
	link->spdm = id;
	return tdx_check(tsm, TDG_SPDM_TPA_SET,
			 tdx_retry(tdg_spdm_tpa_set(tsm->fw, TDX_IOMMU, id,
						    link->certs,
						    link->certs_len)));
}

static int spdm_delete(struct tdx_link *link)
{
	struct tdx_tsm *tsm = link->tsm;
	int rc;

	if (link->spdm >= 0) {
		rc = tdx_check(tsm, TDH_SPDM_DELETE,
			       tdx_retry(tdh_spdm_delete(tsm->fw, TDX_IOMMU,
							 link->spdm)));
		if (rc)
			return rc;
		ida_free(&tsm->spdm_ids, link->spdm);
		link->spdm = -1;
	}
	tio_page_free(&link->spdm_page);
	return 0;
}

static int idekm(struct tdx_link *link, enum tdx_idekm_op op)
{
	struct tdx_tsm *tsm = link->tsm;
	u8 stream = stream_of(link);
	int rc;

	rc = tdx_check(tsm, TDH_IDE_STREAM_IDEKMREQ,
		       tdx_retry(tdh_ide_stream_idekmreq(tsm->fw, TDX_IOMMU,
							 stream, op)));
	if (rc)
		return rc;
	return tdx_check(tsm, TDH_IDE_STREAM_IDEKMRSP,
			 tdx_retry(tdh_ide_stream_idekmrsp(tsm->fw, TDX_IOMMU,
							   stream)));
}

/* One range that covers all address association of the root port's side */
static void assoc_of(const struct pci_ide_partner *rp,
		     struct tdx_ide_assoc *assoc)
{
	*assoc = (struct tdx_ide_assoc) {
		.rid_base = rp->rid_start,
		.rid_limit = rp->rid_end,
		.mem_base = U64_MAX,
	};
	if (pci_bus_region_size(&rp->mem_assoc)) {
		assoc->mem_base = rp->mem_assoc.start;
		assoc->mem_limit = rp->mem_assoc.end;
	}
	if (pci_bus_region_size(&rp->pref_assoc)) {
		assoc->mem_base = min_t(u64, assoc->mem_base,
					rp->pref_assoc.start);
		assoc->mem_limit = max_t(u64, assoc->mem_limit,
					 rp->pref_assoc.end);
	}
}

/* Firmware's half of the stream and its keys, then both ports go Secure */
static int stream_up(struct tdx_link *link)
{
	struct tdx_tsm *tsm = link->tsm;
	struct tdx_ide_assoc assoc;
	int rc;

	assoc_of(&link->ide->partner[PCI_IDE_RP], &assoc);
	rc = tdx_check(tsm, TDH_IDE_STREAM_CREATE,
		       tdx_retry(tdh_ide_stream_create(tsm->fw, TDX_IOMMU,
						       stream_of(link),
						       link->spdm, &assoc)));
	if (rc)
		return rc;
	link->configured = true;
	link->blocked = false;

	rc = idekm(link, TDX_IDEKM_KEY_PROG);
	if (!rc)
		rc = idekm(link, TDX_IDEKM_K_SET_GO);
	if (rc)
		return rc;
	link->keyed = true;
	return tio_ide_enable(endpoint_of(link), link->ide);
}

/* Reverse of stream_up(), from any half-way state; no TDI is left on it */
static int stream_down(struct tdx_link *link)
{
	struct tdx_tsm *tsm = link->tsm;
	int rc;

	if (!link->configured)
		return 0;

	tio_ide_disable(endpoint_of(link), link->ide);
	if (link->keyed && !link->blocked)
		/* keys that stay are of no use once the stream is blocked */
		idekm(link, TDX_IDEKM_K_SET_STOP);
	link->keyed = false;
	rc = tdx_link_block(link, NULL);
	if (!rc)
		rc = tdx_check(tsm, TDH_IDE_STREAM_DELETE,
			       tdx_retry(tdh_ide_stream_delete(tsm->fw, TDX_IOMMU,
							       stream_of(link))));
	if (!rc)
		link->configured = false;
	return rc;
}

/* Reverse of connect. Return: 0, or firmware has not let go of all of it */
static int link_release(struct tdx_link *link)
{
	int rc;

	rc = stream_down(link);
	if (rc)
		return rc;
	tio_ide_release(&link->ide);
	rc = spdm_delete(link);
	if (rc)
		return rc;
	kvfree(link->certs);
	link->certs = NULL;
	link->certs_len = 0;
	return 0;
}

/**
 * tdx_link_up() - connect: authenticate the device and secure the link
 * @link: a link that is down
 *
 * Context: under pci_tsm_rwsem (write) and pci_tsm_pf0::lock. Bounded, see
 * TDX_CERTS_MS. Undone by tdx_link_down().
 *
 * Return: 0; -ENOMEM; -ENXIO: a port did not go Secure; -EPROTO: the device's
 * answers make no sense; or firmware's refusal as errno. Nothing is held then.
 */
int tdx_link_up(struct tdx_link *link)
{
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	rc = tio_fetch_certs(endpoint_of(link), TDX_CERTS_MS, &link->certs,
			     &link->certs_len);
	if (!rc)
		rc = spdm_create(link);
	if (!rc)
		rc = tio_ide_setup(endpoint_of(link), &link->ide);
	if (!rc)
		rc = stream_up(link);
	if (rc)
		tdx_link_down(link);
	return rc;
}

/**
 * tdx_link_down() - disconnect: reverse of tdx_link_up(), from any half-way state
 * @link: the link; all its TDIs are unbound or quarantined
 *
 * Never fails: with a quarantined TDI, or if firmware refuses, the stream is
 * blocked where possible and what firmware holds is leaked with the link.
 */
void tdx_link_down(struct tdx_link *link)
{
	lockdep_assert_held(&link->base.pf0.lock);

	if (!list_empty(&link->base.tdis)) {
		tdx_link_block(link, NULL);
		/* if firmware did not cut the stream, its ports do now */
		tio_ide_disable(endpoint_of(link), link->ide);
		tio_link_leak(&link->base, "link of a quarantined TDI");
		return;
	}
	/* a refusal may be passing */
	if (link_release(link) && link_release(link))
		tio_link_leak(&link->base, "link");
}

/**
 * tdx_link_usable() - can a TDI be bound over this link?
 * @link: the link
 *
 * A stream that was blocked, or that a reset has taken down, is made anew if nobody is
 * on it any more. Context: under pci_tsm_pf0::lock.
 *
 * Return: 0; -ENXIO: not connected, or the stream could not be made anew;
 * -EBUSY: it is down, and other TDIs are still bound over it, or in quarantine.
 */
int tdx_link_usable(struct tdx_link *link)
{
	lockdep_assert_held(&link->base.pf0.lock);

	if (!link->ide)
		return -ENXIO;
	if (link->configured && link->keyed && !link->blocked &&
	    tio_ide_is_secure(endpoint_of(link), link->ide))
		return 0;
	if (!list_empty(&link->base.tdis))
		return -EBUSY;

	if (!stream_down(link)) {
		tio_ide_program(endpoint_of(link), link->ide);
		if (!stream_up(link))
			return 0;
		stream_down(link);
	}
	return -ENXIO;
}

/**
 * tdx_link_block() - the escape: cut the stream instead of stopping a TDI
 * @link: the link
 * @cause: the TDI that would not stop, or NULL
 *
 * Hits every TDI of the device: each falls to ERROR, and its VMM is told so. That
 * comes first: a function scrubs itself when the stream goes, for the last time if
 * its DSM is dead, and what its TVM could still write after that would stay.
 * Context: under pci_tsm_pf0::lock. Blocked already is a success.
 *
 * Return: 0 or firmware's refusal as errno; the others have lost their MMIO then,
 * too, and have to be unbound.
 */
int tdx_link_block(struct tdx_link *link, struct tdx_tdi *cause)
{
	struct tdx_tdi *tdi;
	u64 status;
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	if (link->blocked || !link->configured)
		return 0;
	list_for_each_entry(tdi, &link->base.tdis, node)
		if (tdi != cause)
			tdx_tdi_tell_error(tdi);
	status = tdx_retry(tdh_ide_stream_block(link->tsm->fw, TDX_IOMMU,
						stream_of(link)));
	if (TDX_CLASS(status) != TDX_IDE_STREAM_BLOCKED) {
		rc = tdx_check(link->tsm, TDH_IDE_STREAM_BLOCK, status);
		if (rc)
			return rc;
	}
	link->blocked = true;
	link->keyed = false;
	return 0;
}
