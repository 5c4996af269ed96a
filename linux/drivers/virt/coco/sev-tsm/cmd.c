// SPDX-License-Identifier: GPL-2.0-only
/*
 * One command of the ASP, from its first issue to its last: a command that has to
 * ask the device answers SPDM_REQUEST with a message for it, and is issued again
 * with the device's answer, until it answers something else.
 */
#include "sev-tsm.h"

/* A chain of 64 KiB comes in 128 portions of a device that gives 512 bytes each */
#define SEV_MAX_ROUNDS		256

static u64 issue(struct sev_link *link, const struct sev_cmd *cmd,
		 struct sev_spdm *spdm)
{
	struct sev_fw *fw = link->tsm->fw;
	u64 dev = link->dev;

	switch (cmd->nr) {
	case SEV_CALL_TIO_DEV_CONNECT:
		return sev_tio_dev_connect(fw, dev, spdm, cmd->connect);
	case SEV_CALL_TIO_DEV_DISCONNECT:
		return sev_tio_dev_disconnect(fw, dev, spdm, cmd->flags);
	case SEV_CALL_TIO_DEV_CERTIFICATES:
		return sev_tio_dev_certificates(fw, dev, spdm, cmd->out);
	case SEV_CALL_TIO_DEV_MEASUREMENTS:
		return sev_tio_dev_measurements(fw, dev, spdm, cmd->out);
	case SEV_CALL_TIO_ROLL_KEY:
		return sev_tio_roll_key(fw, dev, spdm);
	case SEV_CALL_TIO_TDI_BIND:
		return sev_tio_tdi_bind(fw, dev, cmd->tdi, spdm, cmd->bind);
	case SEV_CALL_TIO_TDI_UNBIND:
		return sev_tio_tdi_unbind(fw, dev, cmd->tdi, cmd->gctx, spdm,
					  cmd->flags);
	case SEV_CALL_TIO_TDI_REPORT:
		return sev_tio_tdi_report(fw, dev, cmd->tdi, spdm, cmd->out);
	case SEV_CALL_TIO_TDI_STATUS:
		return sev_tio_tdi_status(fw, dev, cmd->tdi, spdm, cmd->state);
	default:
		WARN_ON_ONCE(1);
		return SEV_INVALID_PARAM;
	}
}

/*
 * Take the question to the device. The answer may be none (@spdm->rsp_len is 0):
 * firmware is told so and ends the loop. Return: 0, or why there is none.
 */
static int ask_device(struct sev_link *link, struct sev_spdm *spdm)
{
	int len = -EPROTO;

	if (tio_budget_spent(&link->base))
		len = -ETIMEDOUT;
	else if (!WARN_ON_ONCE(spdm->req_len > sizeof(spdm->req)))
		len = tio_doe(link->base.pf0.base_tsm.pdev, spdm->req, spdm->req_len,
			      link->base.rsp, SEV_RSP_MAX);
	spdm->answered = true;
	spdm->rsp_len = max(len, 0);
	return min(len, 0);
}

/* Return: 0, or why the last question got no answer; @status is firmware's word */
static int loop(struct sev_link *link, const struct sev_cmd *cmd, u64 *status)
{
	struct sev_spdm spdm = {
		.rsp = link->base.rsp,
		.rsp_room = SEV_RSP_MAX,
	};
	int rc = 0;

	*status = issue(link, cmd, &spdm);
	for (int i = 0; i < SEV_MAX_ROUNDS; i++) {
		if (*status != SEV_SPDM_REQUEST || rc)
			return rc;
		rc = ask_device(link, &spdm);
		*status = issue(link, cmd, &spdm);
	}
	/* a device that dribbles; the end of the loop is told as a lost answer is */
	if (*status == SEV_SPDM_REQUEST) {
		rc = -ETIMEDOUT;
		spdm.rsp_len = 0;
		*status = issue(link, cmd, &spdm);
	}
	return rc;
}

/**
 * sev_cmd() - a command that may have to ask the device, to its end
 * @link: the device
 * @cmd: the command
 * @status: filled with firmware's last word
 *
 * Whatever happens on the way, firmware's loop is over when this returns. Context:
 * under pci_tsm_pf0::lock; bounded by tio_budget() and one DOE round.
 *
 * Return: 0: done; -ETIMEDOUT, -EIO, -EPROTO: the device did not answer, or there was
 * no time left to ask it; -EBADMSG: firmware does not believe its answer; or what
 * sev_check() makes of firmware's refusal. In all of them but the last the outcome on
 * the device is unknown, which is to be taken for the worse.
 */
int sev_cmd(struct sev_link *link, const struct sev_cmd *cmd, u64 *status)
{
	int rc;

	lockdep_assert_held(&link->base.pf0.lock);

	rc = loop(link, cmd, status);
	if (*status != SEV_SPDM_ERROR)
		return sev_check(link->tsm, cmd->nr, *status);
	rc = rc ?: -EBADMSG;
	if (!cmd->quiet)
		pci_info_ratelimited(link->base.pf0.base_tsm.pdev,
				     "command %#x: %d\n", cmd->nr, rc);
	return rc;
}
