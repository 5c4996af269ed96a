// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link with one device: a PDEV for the endpoint and one for its root port, and
 * a selective IDE stream between them. Up in connect, down in disconnect, in exact
 * reverse. A stream that was cut as an escape is made anew before the next bind, once
 * its last TDI has gone.
 *
 * The RMM has no force: what it does not let go of is leaked with the link. The one
 * thing that the host can do by itself is to disable the stream at the ports.
 */
#include <linux/cleanup.h>

#include "cca-tsm.h"

static struct pci_dev *endpoint_of(struct cca_link *link)
{
	return link->base.pf0.base_tsm.pdev;
}

static struct pci_dev *port_of(struct cca_link *link)
{
	return pcie_find_root_port(endpoint_of(link));
}

/* The RMM knows a root port once, and its operations are one link's at a time */
static int port_claim(struct cca_link *link)
{
	struct cca_tsm *tsm = link->tsm;

	guard(mutex)(&tsm->base.lock);
	return xa_insert(&tsm->ports, pci_dev_id(port_of(link)), link,
			 GFP_KERNEL);
}

static void port_release(struct cca_link *link)
{
	struct cca_tsm *tsm = link->tsm;
	unsigned long rid = pci_dev_id(port_of(link));

	guard(mutex)(&tsm->base.lock);
	if (xa_load(&tsm->ports, rid) == link)
		xa_erase(&tsm->ports, rid);
}

static int pdev_create(struct cca_link *link, struct cca_pdev *pdev,
		       const struct rmi_pdev_params *params)
{
	struct cca_tsm *tsm = link->tsm;
	u64 status;
	int rc;

	rc = cca_granule_get(tsm, &pdev->granule);
	if (rc)
		return rc;
	status = cca_retry(rmi_pdev_create(tsm->rmm, pdev->granule, params));
	rc = cca_check(tsm, RMI_PDEV_CREATE, status);
	if (rc)
		return rc;
	pdev->created = true;
	pdev->talking = true;
	return cca_comm_pdev(link, pdev);
}

/* An operation that the RMM could not be made to give up before */
static int pdev_hush(struct cca_link *link, struct cca_pdev *pdev)
{
	struct cca_tsm *tsm = link->tsm;
	int rc;

	if (!pdev->talking)
		return 0;
	rc = cca_check(tsm, RMI_PDEV_ABORT,
		       cca_retry(rmi_pdev_abort(tsm->rmm, pdev->granule)));
	pdev->talking = rc;
	return rc;
}

static int pdev_stop(struct cca_link *link, struct cca_pdev *pdev)
{
	struct cca_tsm *tsm = link->tsm;
	int rc;

	rc = pdev_hush(link, pdev);
	if (!rc)
		rc = cca_check(tsm, RMI_PDEV_STOP,
			       cca_retry(rmi_pdev_stop(tsm->rmm,
						       pdev->granule)));
	if (rc)
		return rc;
	pdev->talking = true;
	return cca_comm_pdev(link, pdev);
}

/* Reverse of pdev_create(), from any half-way state; callable again */
static int pdev_destroy(struct cca_link *link, struct cca_pdev *pdev)
{
	struct cca_tsm *tsm = link->tsm;
	int rc;

	if (pdev->created) {
		rc = pdev_stop(link, pdev);
		if (!rc)
			rc = cca_check(tsm, RMI_PDEV_DESTROY,
				       cca_retry(rmi_pdev_destroy(tsm->rmm,
								  pdev->granule)));
		if (rc)
			return rc;
		pdev->created = false;
	}
	return cca_granule_put(tsm, &pdev->granule);
}

/* The key is at the end of the chain, where the RMM expects it, too */
static int set_pubkey(struct cca_link *link)
{
	struct cca_tsm *tsm = link->tsm;
	struct cca_cache *certs = &link->certs;
	u64 status;
	int rc;

	if (certs->len < CCA_PUBKEY_SIZE)
		return -EPROTO;
	status = cca_retry(rmi_pdev_set_pubkey(tsm->rmm, link->ep.granule,
					       certs->bytes + certs->len -
					       CCA_PUBKEY_SIZE,
					       CCA_PUBKEY_SIZE));
	rc = cca_check(tsm, RMI_PDEV_SET_PUBKEY, status);
	if (rc)
		return rc;
	link->ep.talking = true;
	return cca_comm_pdev(link, &link->ep);
}

static int endpoint_up(struct cca_link *link)
{
	struct pci_dev *ep = endpoint_of(link);
	/* every function of the device, and VFs that are enabled later */
	const struct rmi_pdev_params params = {
		.rid = pci_dev_id(ep),
		.rid_base = pci_dev_id(ep),
		.rid_top = PCI_DEVID(port_of(link)->subordinate->busn_res.end,
				     0xff),
	};
	int rc;

	rc = cca_cache_alloc(&link->certs, CCA_CERTS_MAX);
	if (!rc)
		rc = pdev_create(link, &link->ep, &params);
	return rc ?: set_pubkey(link);
}

static int port_up(struct cca_link *link)
{
	const struct rmi_pdev_params params = {
		.root_port = true,
		.rid = pci_dev_id(port_of(link)),
	};

	return port_claim(link) ?: pdev_create(link, &link->port, &params);
}

/* Firmware's half of the stream and its keys, then both ports go Secure */
static int stream_up(struct cca_link *link)
{
	struct cca_tsm *tsm = link->tsm;
	u64 status;
	int rc;

	status = cca_retry(rmi_pdev_stream_connect(tsm->rmm, link->port.granule,
						   link->ep.granule,
						   link->ide->stream_id,
						   &link->stream));
	rc = cca_check(tsm, RMI_PDEV_STREAM_CONNECT, status);
	if (rc)
		return rc;
	link->streaming = true;
	link->disconnecting = false;
	link->ep.talking = true;
	link->port.talking = true;

	rc = cca_comm_pdev(link, &link->ep);
	if (!rc)
		rc = cca_comm_pdev(link, &link->port);
	if (rc)
		return rc;
	status = cca_retry(rmi_pdev_stream_complete(tsm->rmm,
						    link->port.granule,
						    link->ep.granule,
						    link->stream));
	rc = cca_check(tsm, RMI_PDEV_STREAM_COMPLETE, status);
	if (!rc)
		rc = tio_ide_enable(endpoint_of(link), link->ide);
	link->secure = !rc;
	return rc;
}

static int stream_disconnect(struct cca_link *link)
{
	struct cca_tsm *tsm = link->tsm;
	u64 status;
	int rc;

	if (link->disconnecting)
		return 0;
	rc = pdev_hush(link, &link->ep) ?: pdev_hush(link, &link->port);
	if (rc)
		return rc;
	status = cca_retry(rmi_pdev_stream_disconnect(tsm->rmm,
						      link->port.granule,
						      link->ep.granule,
						      link->stream));
	rc = cca_check(tsm, RMI_PDEV_STREAM_DISCONNECT, status);
	link->disconnecting = !rc;
	return rc;
}

/* Reverse of stream_up(), from any half-way state; no TDI is left on it */
static int stream_down(struct cca_link *link)
{
	struct cca_tsm *tsm = link->tsm;
	u64 status;
	int rc;

	if (!link->streaming)
		return 0;

	tio_ide_disable(endpoint_of(link), link->ide);
	link->secure = false;
	rc = stream_disconnect(link);
	if (rc)
		return rc;
	status = cca_retry(rmi_pdev_stream_complete(tsm->rmm,
						    link->port.granule,
						    link->ep.granule,
						    link->stream));
	rc = cca_check(tsm, RMI_PDEV_STREAM_COMPLETE, status);
	if (!rc)
		link->streaming = false;
	return rc;
}

/* Reverse of connect. Return: 0, or firmware has not let go of all of it */
static int link_release(struct cca_link *link)
{
	int rc;

	rc = stream_down(link);
	if (rc)
		return rc;
	tio_ide_release(&link->ide);
	rc = pdev_destroy(link, &link->port);
	if (rc)
		return rc;
	port_release(link);
	rc = pdev_destroy(link, &link->ep);
	if (rc)
		return rc;
	cca_cache_free(&link->certs);
	link->cut = false;
	return 0;
}

/**
 * cca_link_up() - connect: authenticate the device and secure the link
 * @link: a link that is down
 *
 * Context: under pci_tsm_rwsem (write) and pci_tsm_pf0::lock. Bounded, see
 * CCA_CONNECT_MS. Undone by cca_link_down().
 *
 * Return: 0; -ENOMEM; -ENXIO: a port did not go Secure; -EBUSY: the root port is
 * another device's; -EPROTO, -EBADMSG: the device's answers make no sense;
 * -ETIMEDOUT: it has none; or firmware's refusal as errno. Nothing is held then.
 */
int cca_link_up(struct cca_link *link)
{
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	tio_budget(&link->base, CCA_CONNECT_MS);
	rc = endpoint_up(link);
	if (!rc)
		rc = port_up(link);
	if (!rc)
		rc = tio_ide_setup(endpoint_of(link), &link->ide);
	if (!rc)
		rc = stream_up(link);
	if (rc)
		cca_link_down(link);
	return rc;
}

/**
 * cca_link_down() - disconnect: reverse of cca_link_up(), from any half-way state
 * @link: the link; all its TDIs are unbound or quarantined
 *
 * Never fails: with a quarantined TDI, or if firmware refuses, the ports are
 * disabled and what firmware holds is leaked with the link.
 */
void cca_link_down(struct cca_link *link)
{
	lockdep_assert_held(&link->base.pf0.lock);

	if (!list_empty(&link->base.tdis)) {
		cca_link_cut(link, NULL);
		tio_link_leak(&link->base, "link of a quarantined TDI");
		return;
	}
	tio_budget(&link->base, CCA_UNBIND_MS);
	/* a refusal may be passing */
	for (int i = 0; i < CCA_TRIES; i++)
		if (!link_release(link))
			return;
	tio_link_leak(&link->base, "link");
}

/* A new stream in the place of one that was cut, or that an earlier try left half-way */
static int stream_renew(struct cca_link *link)
{
	int rc;

	rc = stream_down(link);
	if (rc)
		return rc;
	tio_ide_program(endpoint_of(link), link->ide);
	rc = stream_up(link);
	if (!rc)
		link->cut = false;
	else
		stream_down(link);
	return rc;
}

/**
 * cca_link_usable() - can a TDI be bound over this link?
 * @link: the link
 *
 * A stream that was cut, or that a reset has taken down, is made anew if nobody is on it
 * any more. Context: under pci_tsm_pf0::lock; bounded by tio_budget() and one DOE round.
 *
 * Return: 0; -ENXIO: not connected, or the stream could not be made anew; -EBUSY: it is
 * down, and other TDIs are still bound over it, or in quarantine.
 */
int cca_link_usable(struct cca_link *link)
{
	lockdep_assert_held(&link->base.pf0.lock);

	if (!link->ide)
		return -ENXIO;
	if (link->streaming && link->secure && !link->cut &&
	    tio_ide_is_secure(endpoint_of(link), link->ide))
		return 0;
	if (!list_empty(&link->base.tdis))
		return -EBUSY;
	return stream_renew(link) ? -ENXIO : 0;
}

/**
 * cca_link_cut() - the escape: disable the stream instead of stopping a TDI
 * @link: the link
 * @cause: the TDI that would not stop, or NULL
 *
 * The RMM keeps its stream, but neither port takes part in it any more: no T=1
 * request passes, and every TDI of the device falls to ERROR, and its VMM is told
 * so. That comes first: a function scrubs itself when the stream goes, for the last
 * time if its DSM is dead, and what its TVM could still write after that would
 * stay. Context: under pci_tsm_pf0::lock. Cut already is fine.
 */
void cca_link_cut(struct cca_link *link, struct cca_tdi *cause)
{
	struct cca_tdi *tdi;

	lockdep_assert_held(&link->base.pf0.lock);

	if (link->cut || !link->ide)
		return;
	list_for_each_entry(tdi, &link->base.tdis, node)
		if (tdi != cause)
			cca_tdi_tell_error(tdi);
	tio_ide_disable(endpoint_of(link), link->ide);
	link->cut = true;
	link->secure = false;
}
