// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link with one device: firmware's context of it, the connection that the ASP
 * has with its DSM, and one selective IDE stream between the root port and the
 * endpoint. Up in connect, down in disconnect. One that was cut as an escape is
 * connected anew before the next bind, once its last TDI has gone.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "sev-tsm.h"

static struct pci_dev *endpoint_of(struct sev_link *link)
{
	return link->base.pf0.base_tsm.pdev;
}

/* Once until power off, whoever has been the driver meanwhile */
static int platform_up(struct sev_tsm *tsm)
{
	struct sev_tio_status tio;
	int rc;

	guard(mutex)(&tsm->base.lock);
	rc = sev_check(tsm, SEV_CALL_TIO_STATUS,
		       sev_retry(sev_tio_status(tsm->fw, &tio)));
	if (rc || tio.initialized)
		return rc;
	return sev_check(tsm, SEV_CALL_TIO_INIT,
			 sev_retry(sev_tio_init(tsm->fw)));
}

static int dev_create(struct sev_link *link)
{
	struct pci_dev *ep = endpoint_of(link);
	struct sev_tio_dev_id id = {
		.device_id = pci_dev_id(ep),
		.root_port_id = pci_dev_id(pcie_find_root_port(ep)),
		.segment = link->tsm->base.domain,
	};
	int rc;

	link->dev = tio_page_alloc();
	if (!link->dev)
		return -ENOMEM;
	rc = sev_check(link->tsm, SEV_CALL_TIO_DEV_CREATE,
		       sev_retry(sev_tio_dev_create(link->tsm->fw, link->dev,
						    &id)));
	link->created = !rc;
	return rc;
}

static int dev_reclaim(struct sev_link *link)
{
	int rc;

	if (link->created) {
		rc = sev_check(link->tsm, SEV_CALL_TIO_DEV_RECLAIM,
			       sev_retry(sev_tio_dev_reclaim(link->tsm->fw,
							     link->dev)));
		if (rc)
			return rc;
		link->created = false;
	}
	tio_page_free(&link->dev);
	return 0;
}

static int dev_connect(struct sev_link *link)
{
	const struct sev_tio_connect how = {
		.tc_mask = BIT(0),
		.ide_stream_id = { link->ide->stream_id },
	};
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_DEV_CONNECT,
		.connect = &how,
	};
	u64 status;
	int rc;

	rc = sev_cmd(link, &cmd, &status);
	link->connected = !rc;
	return rc;
}

/* No word to the device; firmware's bound TDIs of it are in ERROR afterwards */
static int dev_disconnect_force(struct sev_link *link)
{
	struct sev_fw *fw = link->tsm->fw;
	int rc;

	if (!link->connected)
		return 0;
	rc = sev_check(link->tsm, SEV_CALL_TIO_DEV_DISCONNECT,
		       sev_retry(sev_tio_dev_disconnect(fw, link->dev, NULL,
							SEV_TIO_FORCE)));
	if (!rc)
		link->connected = false;
	return rc;
}

/* No TDI is bound. By force when a device does not take its leave, or nobody waits */
static int dev_disconnect(struct sev_link *link)
{
	const struct sev_cmd cmd = { .nr = SEV_CALL_TIO_DEV_DISCONNECT };
	u64 status;

	if (!link->connected)
		return 0;
	if (system_state > SYSTEM_RUNNING || sev_cmd(link, &cmd, &status))
		return dev_disconnect_force(link);
	link->connected = false;
	return 0;
}

static int certs_fetch(struct sev_link *link)
{
	u8 *certs __free(kvfree) = kvzalloc(SEV_CERTS_MAX, GFP_KERNEL);
	struct sev_out out = { .buf = certs, .size = SEV_CERTS_MAX };
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_DEV_CERTIFICATES,
		.out = &out,
	};
	u64 status;
	int rc;

	if (!certs)
		return -ENOMEM;
	rc = sev_cmd(link, &cmd, &status);
	if (rc)
		return rc;
	if (WARN_ON_ONCE(out.len > out.size))
		return -EIO;
	kvfree(link->certs);
	link->certs = no_free_ptr(certs);
	link->certs_len = out.len;
	return 0;
}

/* Session and keys, then both ports go Secure; undone by stream_down() */
static int stream_up(struct sev_link *link)
{
	int rc;

	rc = dev_connect(link);
	if (!rc)
		rc = certs_fetch(link);
	if (!rc)
		rc = tio_ide_enable(endpoint_of(link), link->ide);
	link->secure = !rc;
	return rc;
}

/* From any half-way state; no TDI is bound. Return: 0, or firmware keeps its half */
static int stream_down(struct sev_link *link)
{
	int rc = dev_disconnect(link);

	link->secure = false;
	if (link->ide)
		tio_ide_disable(endpoint_of(link), link->ide);
	return rc;
}

/* Reverse of connect. Return: 0, or firmware has not let go of all of it */
static int link_release(struct sev_link *link)
{
	int rc;

	rc = stream_down(link);
	if (!rc)
		rc = dev_reclaim(link);
	if (rc)
		return rc;
	tio_ide_release(&link->ide);
	kvfree(link->certs);
	link->certs = NULL;
	link->certs_len = 0;
	return 0;
}

/**
 * sev_link_up() - connect: authenticate the device and secure the link
 * @link: a link that is down
 *
 * Context: under pci_tsm_rwsem (write) and pci_tsm_pf0::lock. Bounded, see
 * SEV_CONNECT_MS. Undone by sev_link_down().
 *
 * Return: 0; -ENOMEM; -ENXIO: a port did not go Secure; -ETIMEDOUT, -EPROTO,
 * -EBADMSG: the device does not answer, or nonsense; or firmware's refusal as errno.
 * Nothing is held then.
 */
int sev_link_up(struct sev_link *link)
{
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	tio_budget(&link->base, SEV_CONNECT_MS);
	rc = platform_up(link->tsm);
	if (!rc)
		rc = dev_create(link);
	if (!rc)
		rc = tio_ide_setup(endpoint_of(link), &link->ide);
	if (!rc)
		rc = stream_up(link);
	if (rc)
		sev_link_down(link);
	return rc;
}

/**
 * sev_link_down() - disconnect: reverse of sev_link_up(), from any half-way state
 * @link: the link; all its TDIs are unbound or quarantined
 *
 * Never fails: with a quarantined TDI, or if firmware refuses, the stream is cut and
 * what firmware holds is leaked with the link. Bounded, see SEV_UNBIND_MS.
 */
void sev_link_down(struct sev_link *link)
{
	lockdep_assert_held(&link->base.pf0.lock);

	tio_budget(&link->base, SEV_UNBIND_MS);
	if (!list_empty(&link->base.tdis)) {
		sev_link_cut(link, NULL);
		tio_link_leak(&link->base, "link of a quarantined TDI");
		return;
	}
	/* a refusal may be passing */
	if (link_release(link) && link_release(link))
		tio_link_leak(&link->base, "link");
}

/**
 * sev_link_usable() - can a TDI be bound over this link?
 * @link: the link
 *
 * One that was cut, or that a reset has taken down, is connected anew if nobody is on it
 * any more. Context: under pci_tsm_pf0::lock; bounded by tio_budget() and one DOE round.
 *
 * Return: 0; -ENXIO: not connected, or it could not be connected anew; -EBUSY: it is
 * down, and other TDIs are still bound over it, or in quarantine.
 */
int sev_link_usable(struct sev_link *link)
{
	lockdep_assert_held(&link->base.pf0.lock);

	if (!link->ide)
		return -ENXIO;
	if (link->secure && tio_ide_is_secure(endpoint_of(link), link->ide))
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
 * sev_link_cut() - the escape: end the connection instead of stopping a TDI
 * @link: the link
 * @cause: the TDI that would not stop, or NULL
 *
 * Hits every TDI of the device: each falls to ERROR, and its VMM is told so. That
 * comes first: a function scrubs itself when its keys go, for the last time if its
 * DSM is dead, and what its TVM could still write after that would stay. DISCONNECT
 * with FORCE takes the keys away and waits for that; the ports go Insecure whatever
 * firmware says.
 *
 * Context: under pci_tsm_pf0::lock. Cut already is a success.
 *
 * Return: 0: every function of the device is at rest and scrubbed; or firmware's
 * refusal as errno: nobody knows.
 */
int sev_link_cut(struct sev_link *link, struct sev_tdi *cause)
{
	struct sev_tdi *tdi;
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	if (!link->secure && !link->connected)
		return 0;
	link->secure = false;
	list_for_each_entry(tdi, &link->base.tdis, node)
		if (tdi != cause)
			sev_tdi_tell_error(tdi);
	/* a refusal may be passing */
	rc = dev_disconnect_force(link);
	if (rc)
		rc = dev_disconnect_force(link);
	tio_ide_disable(endpoint_of(link), link->ide);

	/* firmware fenced every guest that it hit; none of them needs that any more */
	list_for_each_entry(tdi, &link->base.tdis, node)
		if (tdi != cause)
			sev_fence_lift(tdi);
	return rc;
}
