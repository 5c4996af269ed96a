// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device communication: the RMM has an operation pending for a PDEV or a VDEV, and
 * the host carries its messages to the device and the answers back until it says
 * that the operation is over. What goes over the wire is the RMM's business.
 *
 * When a function of this file returns no operation is pending any more, unless the
 * RMM refused even to give it up; that is recorded (talking), since the next
 * operation would be refused.
 */
#include <linux/string.h>

#include "cca-tsm.h"

/* more messages than any operation has; a certificate chain is the longest */
#define CCA_ROUNDS_MAX		256

/* RMI_COMM_* that no call answers: it was refused before it looked */
#define CCA_COMM_UNTOUCHED	(~0u)

/**
 * struct party - whose operation is pending
 * @link: the link whose DSM has the mailbox
 * @pdev: the PDEV
 * @tdi: the VDEV; NULL: the operation is @pdev's own
 */
struct party {
	struct cca_link *link;
	struct cca_pdev *pdev;
	struct cca_tdi *tdi;
};

/**
 * cca_comm_ping() - does the DSM answer at all?
 * @link: the link
 *
 * An SPDM error is an answer, too; nonsense is none. The RMM has no way back for a
 * VDEV whose device falls silent, so this is asked before there is one. It is the one
 * message that is not the RMM's: on the emulated platform SPDM has no session that it
 * could disturb. Context: as cca_comm_pdev().
 *
 * Return: 0; -EBADMSG: nonsense; or why there is no answer.
 */
int cca_comm_ping(struct cca_link *link)
{
	const struct spdm_get_certificate req = {
		.hdr = {
			.version = SPDM_VERSION_1_2,
			.code = SPDM_GET_CERTIFICATE,
		},
		.length = cpu_to_le16(sizeof(__le32)),
	};
	const struct spdm_hdr *rsp = (const struct spdm_hdr *)link->base.rsp;
	int len;

	lockdep_assert_held(&link->base.pf0.lock);

	if (tio_budget_spent(&link->base))
		return -ETIMEDOUT;
	/* a header at least */
	len = tio_doe(link->base.pf0.base_tsm.pdev, &req, sizeof(req), link->base.rsp,
		      CCA_RSP_MAX);
	if (len < 0)
		return len;
	return rsp->code == SPDM_CERTIFICATE || rsp->code == SPDM_ERROR ?
	       0 : -EBADMSG;
}

static u32 nr_of(const struct party *who)
{
	return who->tdi ? RMI_VDEV_COMMUNICATE : RMI_PDEV_COMMUNICATE;
}

static u64 call(const struct party *who, struct rmi_comm *comm)
{
	struct cca_rmm *rmm = who->link->tsm->rmm;
	const struct cca_mmio *mmio;

	if (!who->tdi)
		return rmi_pdev_communicate(rmm, who->pdev->granule, comm);
	mmio = &who->tdi->mmio;
	return rmi_vdev_communicate(rmm, mmio->realm->rd, who->pdev->granule,
				    mmio->vdev, comm);
}

/*
 * A call that was carried out has told so in comm->flags, and then an error is the
 * end of the operation; one that was not has changed nothing.
 */
static u64 carry_on(const struct party *who, struct rmi_comm *comm, bool *refused)
{
	u64 status;

	for (int i = 0; i < CCA_BUSY_TRIES; i++) {
		comm->flags = CCA_COMM_UNTOUCHED;
		status = call(who, comm);
		*refused = comm->flags == CCA_COMM_UNTOUCHED;
		if (!*refused && RMI_CODE(status) != RMI_INCOMPLETE)
			break;
	}
	return status;
}

/* The RMM would not carry on with an operation: end it, in ERROR */
static void give_up(const struct party *who)
{
	struct cca_tsm *tsm = who->link->tsm;
	u64 status;
	int rc;

	if (who->tdi) {
		const struct cca_mmio *mmio = &who->tdi->mmio;

		status = cca_retry(rmi_vdev_abort(tsm->rmm, mmio->realm->rd,
						  who->pdev->granule,
						  mmio->vdev));
		rc = cca_check(tsm, RMI_VDEV_ABORT, status);
		who->tdi->talking = rc;
	} else {
		status = cca_retry(rmi_pdev_abort(tsm->rmm, who->pdev->granule));
		rc = cca_check(tsm, RMI_PDEV_ABORT, status);
		who->pdev->talking = rc;
	}
}

static struct cca_cache *cache_of(const struct party *who,
				  enum rmi_cache_object object)
{
	switch (object) {
	case RMI_CACHE_CERTS:
		return &who->link->certs;
	case RMI_CACHE_REPORT:
		return who->tdi ? &who->tdi->report : NULL;
	case RMI_CACHE_MEASUREMENTS:
		return who->tdi ? &who->tdi->meas : NULL;
	default:
		return NULL;
	}
}

/* Keep what the RMM found in the answer. Return: 0 or -EPROTO */
static int keep(const struct party *who, const struct rmi_comm *comm)
{
	struct cca_cache *cache;

	if (!(comm->flags & RMI_COMM_CACHE))
		return 0;
	cache = cache_of(who, comm->object);
	if (!cache || !comm->rsp || comm->cache_offset > comm->rsp_len ||
	    comm->cache_len > comm->rsp_len - comm->cache_offset ||
	    comm->cache_len > cache->size - cache->len)
		return -EPROTO;
	memcpy(cache->bytes + cache->len, comm->rsp + comm->cache_offset,
	       comm->cache_len);
	cache->len += comm->cache_len;
	return 0;
}

/* One message to the device. Return: 0, or why there is no answer */
static int exchange(struct cca_link *link, struct rmi_comm *comm)
{
	int len;

	comm->status = RMI_COMM_ERROR;
	comm->rsp = NULL;
	comm->rsp_len = 0;
	if (WARN_ON(comm->req_len > sizeof(comm->req)))
		return -EPROTO;
	if (tio_budget_spent(&link->base))
		return -ETIMEDOUT;
	len = tio_doe(link->base.pf0.base_tsm.pdev, comm->req, comm->req_len,
		      link->base.rsp, CCA_RSP_MAX);
	if (len < 0)
		return len;
	comm->status = RMI_COMM_RESPONSE;
	comm->rsp = link->base.rsp;
	comm->rsp_len = len;
	return 0;
}

/*
 * Carry the pending operation to its end. A lost answer is told to the RMM, which
 * ends the operation, and is an errno here, and so is a message that there was no
 * time left for.
 */
static int communicate(const struct party *who, u64 *status)
{
	struct cca_link *link = who->link;
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	bool refused;
	int rc, err = 0;

	lockdep_assert_held(&link->base.pf0.lock);

	for (int i = 0; i < CCA_ROUNDS_MAX; i++) {
		*status = carry_on(who, &comm, &refused);
		if (refused || RMI_CODE(*status) == RMI_INCOMPLETE)
			goto err_abort;
		rc = keep(who, &comm);
		err = err ?: rc;
		if (*status || !(comm.flags & RMI_COMM_SEND))
			return err ?: cca_check(link->tsm, nr_of(who), *status);
		rc = exchange(link, &comm);
		err = err ?: rc;
	}
	err = err ?: -EPROTO;
	*status = RMI_ERROR_DEVICE;
err_abort:
	rc = cca_check(link->tsm, nr_of(who), *status);
	give_up(who);
	return err ?: rc ?: -EIO;
}

/**
 * cca_comm_pdev() - carry on what is pending for a PDEV
 * @link: the link
 * @pdev: one of its two PDEVs
 *
 * Context: under pci_tsm_pf0::lock; bounded by tio_budget() and one DOE round.
 *
 * Return: 0: done; or an errno: it failed, and the PDEV is in ERROR.
 */
int cca_comm_pdev(struct cca_link *link, struct cca_pdev *pdev)
{
	const struct party who = { .link = link, .pdev = pdev };
	u64 status;

	pdev->talking = false;
	return communicate(&who, &status);
}

/**
 * cca_comm_vdev() - carry on what is pending for a VDEV
 * @tdi: the TDI
 * @status: filled with the RMM's last word
 *
 * Context: as cca_comm_pdev().
 *
 * Return: 0: done; -EBADMSG with RMI_ERROR_DEVICE: the device answered, and not
 * well; another errno: its answer was lost, or firmware refused. The VDEV is in
 * ERROR then, unless it was about measurements.
 */
int cca_comm_vdev(struct cca_tdi *tdi, u64 *status)
{
	const struct party who = { tdi->link, &tdi->link->ep, tdi };
	int rc;

	tdi->talking = false;
	rc = communicate(&who, status);
	tdi->unheard = rc;
	if (rc)
		pci_info(tdi->tdi.pdev, "device communication: %d, status %#llx\n",
			 rc, *status);
	return rc;
}
