// SPDX-License-Identifier: GPL-2.0-only
/*
 * One TDISP round: firmware writes the request, the DSM answers through DOE,
 * firmware judges the answer. The host asks for LOCK, STATE and STOP; what the
 * TD asks for is forwarded.
 *
 * Whatever happens on the way, firmware is told how the request ended, so that
 * the next one finds no request outstanding.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "tdx-tsm.h"

#define TDX_DEVICE_BUSY_MS	200
#define TDX_DEVICE_POLL_MS	20

static struct tdx_fw *fw_of(struct tdx_tdi *tdi)
{
	return tdi->link->tsm->fw;
}

static int exchange(struct tdx_link *link, const u8 *msg, size_t len)
{
	if (tio_budget_spent(&link->base))
		return -ETIMEDOUT;
	return tio_doe(link->base.pf0.base_tsm.pdev, msg, len, link->base.rsp,
		       TDX_RSP_MAX);
}

/* Answers of DEVIF.RESPONSE that end a round; others have changed nothing */
static bool is_over(u64 status)
{
	switch (TDX_CLASS(status)) {
	case TDX_DEVIF_TDISP_INVALID_MESSAGE:
	case TDX_DEVIF_TDISP_ERROR_STATE:
	case TDX_DEVIF_TDISP_INVALID_STATE:
	case TDX_DEVIF_TDISP_INVALID_REQ_STS:
	case TDX_DEVIF_INVALID_TDI_CONFIGURATION:
		return true;
	default:
		return !TDX_IS_ERROR(status);
	}
}

/* Tell firmware how a round ended; @len 0: nobody answered */
static u64 round_end(struct tdx_tdi *tdi, bool td, size_t len)
{
	u64 status;

	status = tdx_retry(tdh_devif_response(fw_of(tdi), tdi->devif, td,
					      tdi->link->base.rsp, len));
	if (!is_over(status))
		status = tdh_devif_response(fw_of(tdi), tdi->devif, td,
					    tdi->link->base.rsp, len);
	return status;
}

static u64 round_begin(struct tdx_tdi *tdi, bool td,
		       const struct tdx_devif_req *req, u8 *msg, size_t *len)
{
	u64 status;

	status = tdx_retry(tdh_devif_request(fw_of(tdi), tdi->devif, td, req,
					     msg, len));
	if (TDX_CLASS(status) != TDX_DEVIF_TDISP_OUT_REQ)
		return status;
	/* firmware did not take the end of the last one: nothing is on its way */
	round_end(tdi, td, 0);
	return tdh_devif_request(fw_of(tdi), tdi->devif, td, req, msg, len);
}

/*
 * The way through the mailbox. *@status is firmware's word about the answer; a
 * lost answer is told to firmware as one of no bytes and is an errno here, and so
 * is a request that there was no time left for.
 */
static int round_trip(struct tdx_tdi *tdi, bool td,
		      const struct tdx_devif_req *req, u64 *status)
{
	struct tdx_link *link = tdi->link;
	u8 msg[TDX_FW_MSG_MAX];
	size_t len = 0;
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	*status = round_begin(tdi, td, req, msg, &len);
	rc = tdx_check(link->tsm, TDH_DEVIF_REQUEST, *status);
	if (rc)
		return rc;

	rc = -EPROTO;
	if (!WARN_ON(len > sizeof(msg)))
		rc = exchange(link, msg, len);
	*status = round_end(tdi, td, rc < 0 ? 0 : rc);
	return rc < 0 ? rc : 0;
}

/* The device says that it would have, but not just now */
static bool is_device_busy(u64 status)
{
	return TDX_CLASS(status) == TDX_DEVIF_TDISP_INVALID_MESSAGE &&
	       TDX_OPERAND(status) == TDISP_ERR_BUSY;
}

/**
 * tdx_round_host() - a TDISP request of the host
 * @tdi: the TDI
 * @req: LOCK, STATE or STOP
 *
 * Context: under pci_tsm_pf0::lock; bounded by tio_budget() and one DOE
 * round. A device that says BUSY is asked again for 0.2 s.
 *
 * Return: 0: the device did it and firmware knows; an errno: it did not, or the
 * outcome is unknown, which is to be taken for the worse.
 */
int tdx_round_host(struct tdx_tdi *tdi, const struct tdx_devif_req *req)
{
	unsigned long end = jiffies + msecs_to_jiffies(TDX_DEVICE_BUSY_MS);
	u64 status;
	int rc;

	for (;;) {
		rc = round_trip(tdi, false, req, &status);
		if (rc && !tdi->unanswered)
			pci_info(tdi->tdi.pdev, "TDISP request %#x: %d\n",
				 req->type, rc);
		if (rc)
			return rc;
		if (!is_device_busy(status) || time_after(jiffies, end))
			break;
		msleep(TDX_DEVICE_POLL_MS);
	}
	return tdx_check(tdi->link->tsm, TDH_DEVIF_RESPONSE, status);
}

/*
 * TDG.DEVIF.REQUEST. One that an earlier failure left half-way is carried to its
 * end first, since the TD could not do so. Its answer may have been processed, and
 * only the TD did not get it: then there is nothing left for the host to ask.
 */
static u64 td_request(struct tdx_tdi *tdi, u8 type, u16 offset)
{
	struct tdx_devif_result result;
	u64 status, host;

	status = tdg_devif_request(fw_of(tdi), tdi->td->tdr, tdi->devif, type,
				   offset);
	if (TDX_CLASS(status) != TDX_DEVIF_TDISP_OUT_REQ)
		return status;
	status = tdg_devif_response(fw_of(tdi), tdi->td->tdr, tdi->devif,
				    &result);
	if (TDX_CLASS(status) == TDX_DEVIF_TDISP_INVALID_REQ_STS) {
		round_trip(tdi, true, NULL, &host);
		tdg_devif_response(fw_of(tdi), tdi->td->tdr, tdi->devif,
				   &result);
	}
	return tdg_devif_request(fw_of(tdi), tdi->td->tdr, tdi->devif, type,
				 offset);
}

/**
 * tdx_round_td() - a TDISP request of the TD
 * @tdi: the TDI
 * @type: REPORT, STATE or START
 * @offset: REPORT: first byte wanted; 0 otherwise
 * @status: filled with firmware's answer to the TD, also on failure
 * @result: filled if the TD's call succeeded
 *
 * Context: under pci_tsm_pf0::lock.
 *
 * Return: 0: the TD has its answer in @status, which may be a refusal; an errno:
 * the host could not carry the request. The TD can ask again in both cases.
 */
int tdx_round_td(struct tdx_tdi *tdi, u8 type, u16 offset, u64 *status,
		 struct tdx_devif_result *result)
{
	u64 host;
	int rc;

	memset(result, 0, sizeof(*result));
	*status = td_request(tdi, type, offset);
	if (TDX_IS_ERROR(*status))
		return 0;

	rc = round_trip(tdi, true, NULL, &host);
	if (rc)
		pci_info(tdi->tdi.pdev, "TDISP request %#x of the TD: %d\n",
			 type, rc);
	*status = tdg_devif_response(fw_of(tdi), tdi->td->tdr, tdi->devif,
				     result);
	if (rc || TDX_IS_ERROR(*status))
		tdx_round_look(tdi);
	return rc;
}

/* The device is where the TD did not leave it */
static bool has_fallen(struct tdx_tdi *tdi)
{
	int told;

	if (tdx_fw_tdisp_state(fw_of(tdi), tdi->devif) == TDISP_STATE_ERROR)
		return true;
	told = tdx_fw_tdisp_told(fw_of(tdi), tdi->devif);
	return told == TDISP_STATE_ERROR ||
	       (tdi->locked && told == TDISP_CONFIG_UNLOCKED);
}

/**
 * tdx_round_look() - ask the device for its TDISP state and act on a fall
 * @tdi: the TDI
 *
 * A TDI tells nobody when it falls to ERROR, or is reset: it must be asked. No
 * answer means nothing. Context: under pci_tsm_pf0::lock.
 *
 * Return: 0, or the errno of a round that brought no answer.
 */
int tdx_round_look(struct tdx_tdi *tdi)
{
	const struct tdx_devif_req req = { .type = TDISP_GET_STATE };
	int rc;

	if (tdi->error_told)
		return 0;
	rc = tdx_round_host(tdi, &req);
	if (!rc && has_fallen(tdi))
		tdx_tdi_tell_error(tdi);
	return rc;
}
