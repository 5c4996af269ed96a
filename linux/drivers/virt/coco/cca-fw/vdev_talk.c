// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vdev's operations say to its device. Each that moves the TDI ends with
 * GET_STATE, so that the state moves here only if the device says that it moved
 * there. (Inferred: which messages an operation consists of is not public, but its
 * outcome.) Nothing in an answer is trusted before it is checked.
 */
#include <linux/string.h>

#include "rmm.h"

#define REPORT_PORTION		1024	/* asked for at a time */
#define SPDM_GET_MEASUREMENTS	0xe0
#define SPDM_MEASUREMENTS	0x60
#define MEASURE_ALL		0xff

struct measurements {
	struct spdm_hdr hdr;
	u8 blocks;
	u8 length[3];			/* of @bytes, little-endian */
	u8 bytes[];
} __packed;

static_assert(sizeof(struct spdm_hdr) <= TIO_MSG_MAX);

/*
 * The device, or who carries its messages, failed. Measurements are an extra of
 * the session: without them the TDI is what it was.
 */
static u64 fail(struct cca_rmm *rmm, struct rmm_vdev *vdev)
{
	if (vdev->talk.op != RMM_OP_MEASURE) {
		vdev->state = RMI_VDEV_ERROR;
		memzero_explicit(vdev->nonce, sizeof(vdev->nonce));
	}
	vdev->talk.op = RMM_OP_NONE;
	return tio_refuse_as(&rmm->ref, TIO_BLAME_DEVICE, RMI_ERROR_DEVICE);
}

static void forget(struct rmm_vdev *vdev)
{
	vdev->nonces = (struct rsi_vdev_nonces) {};
	memset(vdev->report_digest, 0, sizeof(vdev->report_digest));
	memset(vdev->meas_digest, 0, sizeof(vdev->meas_digest));
}

static u64 finish(struct cca_rmm *rmm, struct rmm_vdev *vdev)
{
	switch (vdev->talk.op) {
	case RMM_OP_UNLOCK:
		vdev->state = RMI_VDEV_UNLOCKED;
		forget(vdev);
		memzero_explicit(vdev->nonce, sizeof(vdev->nonce));
		break;
	case RMM_OP_LOCK:
		vdev->state = RMI_VDEV_LOCKED;
		forget(vdev);
		vdev->nonces.lock = ++rmm->nonce;
		break;
	case RMM_OP_START:
		vdev->state = RMI_VDEV_STARTED;
		memzero_explicit(vdev->nonce, sizeof(vdev->nonce));
		break;
	case RMM_OP_REPORT:
		sha384_final(&vdev->talk.sha, vdev->report_digest);
		vdev->nonces.report = ++rmm->nonce;
		break;
	case RMM_OP_MEASURE:
		sha384_final(&vdev->talk.sha, vdev->meas_digest);
		vdev->nonces.meas = ++rmm->nonce;
		break;
	default:
		break;
	}
	vdev->talk.op = RMM_OP_NONE;
	return RMI_SUCCESS;
}

static u64 ask(struct rmm_vdev *vdev, struct rmi_comm *comm, u8 type)
{
	const struct tio_tdisp_req req = {
		.type = type,
		.rid = vdev->params.tdi_id,
		.lock_flags = TDISP_LOCK_NO_FW_UPDATE,
		.stream_id = vdev->pdev->stream->id,
		.offset = vdev->talk.offset,
		.length = REPORT_PORTION,
		.nonce = vdev->nonce,
	};

	rmm_talk_send(&vdev->talk, comm, type, tio_tdisp_build(comm->req, &req));
	return RMI_SUCCESS;
}

static u64 ask_measurements(struct rmm_vdev *vdev, struct rmi_comm *comm)
{
	struct spdm_hdr *req = (struct spdm_hdr *)comm->req;

	memset(comm->req, 0, sizeof(comm->req));
	req->version = SPDM_VERSION_1_2;
	req->code = SPDM_GET_MEASUREMENTS;
	req->param2 = MEASURE_ALL;
	rmm_talk_send(&vdev->talk, comm, SPDM_GET_MEASUREMENTS, sizeof(*req));
	return RMI_SUCCESS;
}

static u64 take_measurements(struct cca_rmm *rmm, struct rmm_vdev *vdev,
			     struct rmi_comm *comm)
{
	const struct measurements *rsp = (const struct measurements *)comm->rsp;
	u32 len;

	if (comm->rsp_len < sizeof(*rsp) ||
	    rsp->hdr.version != SPDM_VERSION_1_2 ||
	    rsp->hdr.code != SPDM_MEASUREMENTS)
		return fail(rmm, vdev);
	len = rsp->length[0] | rsp->length[1] << 8 | rsp->length[2] << 16;
	if (!len || len > comm->rsp_len - sizeof(*rsp))
		return fail(rmm, vdev);
	rmm_talk_cache(&vdev->talk, comm, RMI_CACHE_MEASUREMENTS, rsp->bytes, len);
	return finish(rmm, vdev);
}

static u64 take_report(struct cca_rmm *rmm, struct rmm_vdev *vdev,
		       const struct tio_tdisp_rsp *rsp, struct rmi_comm *comm)
{
	if (rsp->portion > REPORT_PORTION ||
	    vdev->talk.offset + rsp->portion + rsp->remainder > CCA_REPORT_MAX)
		return fail(rmm, vdev);
	rmm_talk_cache(&vdev->talk, comm, RMI_CACHE_REPORT, rsp->bytes,
		       rsp->portion);
	return rsp->remainder ? ask(vdev, comm, TDISP_GET_REPORT) :
				finish(rmm, vdev);
}

/* the state that the TDI must be in when the operation is over */
static enum tdisp_state wanted(enum rmm_op op)
{
	switch (op) {
	case RMM_OP_LOCK:
		return TDISP_CONFIG_LOCKED;
	case RMM_OP_START:
		return TDISP_RUN;
	default:
		return TDISP_CONFIG_UNLOCKED;
	}
}

static u64 take(struct cca_rmm *rmm, struct rmm_vdev *vdev, struct rmi_comm *comm)
{
	struct rmm_talk *talk = &vdev->talk;
	struct tio_tdisp_rsp rsp;

	if (comm->status == RMI_COMM_ERROR || comm->rsp_len > CCA_RSP_MAX)
		return fail(rmm, vdev);
	if (talk->op == RMM_OP_MEASURE)
		return take_measurements(rmm, vdev, comm);
	if (tio_tdisp_parse(comm->rsp, comm->rsp_len, talk->type,
			    vdev->params.tdi_id, &rsp))
		return fail(rmm, vdev);
	switch (talk->type) {
	case TDISP_GET_REPORT:
		return take_report(rmm, vdev, &rsp, comm);
	case TDISP_GET_STATE:
		vdev->told = rsp.state;
		return rsp.state == wanted(talk->op) ? finish(rmm, vdev) :
						       fail(rmm, vdev);
	case TDISP_LOCK_INTERFACE:
		memcpy(vdev->nonce, rsp.nonce, sizeof(vdev->nonce));
		fallthrough;
	default:
		return ask(vdev, comm, TDISP_GET_STATE);
	}
}

/* one step of COMMUNICATE; rmm_talk_check() has looked at @comm */
u64 rmm_vdev_talk(struct cca_rmm *rmm, struct rmm_vdev *vdev,
		  struct rmi_comm *comm)
{
	lockdep_assert_held(&rmm->lock);
	if (vdev->talk.active)
		return take(rmm, vdev, comm);
	switch (vdev->talk.op) {
	case RMM_OP_LOCK:
		return ask(vdev, comm, TDISP_LOCK_INTERFACE);
	case RMM_OP_START:
		return ask(vdev, comm, TDISP_START_INTERFACE);
	case RMM_OP_REPORT:
		return ask(vdev, comm, TDISP_GET_REPORT);
	case RMM_OP_MEASURE:
		return ask_measurements(vdev, comm);
	default:
		return ask(vdev, comm, TDISP_STOP_INTERFACE);
	}
}
