// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop of a command that has to ask the device: SPDM_REQUEST with a question, the
 * same command again with the answer, and so on, until the command answers something
 * else. The device has at most one such loop open.
 *
 * Inferred: what a command is told that breaks into a loop (IN_USE), or that brings an
 * answer that nobody asked for (INVALID_PARAM).
 */
#include <linux/unaligned.h>

#include "fw.h"

#define DOE_PADDING			3
#define SPDM_GET_MEASUREMENTS		0xe0
#define SPDM_MEASUREMENTS		0x60
#define SPDM_ALL_MEASUREMENTS		0xff

struct spdm_measurements {
	struct spdm_hdr hdr;
	u8 blocks;
	u8 length[3];
	u8 record[];
} __packed;

/* what an answer has around the bytes that were asked for */
#define REPORT_FRAME	(sizeof(struct spdm_vendor_hdr) + \
			 sizeof(struct tdisp_report_rsp) + DOE_PADDING)
#define CERTS_FRAME	(sizeof(struct spdm_certificate) + DOE_PADDING)

static_assert(SEV_SPDM_REQ_MAX >= TIO_MSG_MAX);
static_assert(SEV_SPDM_RSP_MIN > REPORT_FRAME);
static_assert(SEV_SPDM_RSP_MIN > CERTS_FRAME);

bool sf_talk_open(const struct sf_dev *dev)
{
	return dev->talk.nr;
}

/*
 * The start of call @nr that has a loop, about device context @pa: 0, or the status of
 * a fault switch. That ends the loop of the call as every other answer does.
 */
u64 sf_begin(struct sev_fw *fw, u32 nr, u64 pa)
{
	u64 status = tio_begin(&fw->ref, nr);
	struct sf_dev *dev;

	if (!status)
		return 0;
	dev = sf_dev_find(fw, pa);
	if (dev && dev->talk.nr == nr && !dev->talk.working)
		sf_talk_leave(dev, status);
	return status;
}

static bool is_same(const struct sf_talk *talk, u32 nr, u64 tdi, u64 arg)
{
	return talk->nr == nr && talk->tdi == tdi && talk->arg == arg;
}

/*
 * Open the loop of command @nr, or find that this is the next turn of it. On success
 * the caller owes sf_talk_leave().
 */
u64 sf_talk_enter(struct sev_fw *fw, struct sf_dev *dev, u32 nr, u64 tdi, u64 arg,
		  const struct sev_spdm *spdm)
{
	struct sf_talk *talk = &dev->talk;

	lockdep_assert_held(&fw->lock);
	if (!spdm)
		return SEV_INVALID_PARAM;
	if (talk->nr && (talk->working || !spdm->answered ||
			 !is_same(talk, nr, tdi, arg)))
		return SEV_IN_USE;
	if (!talk->nr && spdm->answered)
		return SEV_INVALID_PARAM;
	if (spdm->rsp_room < SEV_SPDM_RSP_MIN)
		return sf_talk_leave(dev, SEV_EXPAND_BUFFER_LENGTH);
	if (spdm->answered && spdm->rsp_len > spdm->rsp_room)
		return tio_refuse_as(&fw->ref, TIO_BLAME_DEVICE,
				     sf_talk_leave(dev, SEV_RESPONSE_TOO_LARGE));
	if (!talk->nr)
		*talk = (struct sf_talk) { .nr = nr, .tdi = tdi, .arg = arg };
	return SEV_SUCCESS;
}

/* the loop goes on with a question, or is over; gives @status back */
u64 sf_talk_leave(struct sf_dev *dev, u64 status)
{
	if (status != SEV_SPDM_REQUEST)
		dev->talk.nr = 0;
	return status;
}

/* the device's mistake, or its silence */
u64 sf_bad_answer(struct sev_fw *fw)
{
	return tio_refuse_as(&fw->ref, TIO_BLAME_DEVICE, SEV_SPDM_ERROR);
}

/* bytes that fit into the answer, from @talk's offset on */
static u16 portion_of(const struct sf_talk *talk, const struct sev_spdm *spdm,
		      size_t frame)
{
	return min_t(size_t, spdm->rsp_room - frame, U16_MAX - talk->offset);
}

u64 sf_ask_tdisp(struct sf_talk *talk, struct sev_spdm *spdm,
		 const struct tio_tdisp_req *req)
{
	talk->ask = req->type;
	spdm->req_len = tio_tdisp_build(spdm->req, req);
	return SEV_SPDM_REQUEST;
}

/* the next portion of the interface report */
u64 sf_ask_report(struct sf_talk *talk, struct sev_spdm *spdm, u16 rid)
{
	struct tio_tdisp_req req = {
		.type = TDISP_GET_REPORT,
		.rid = rid,
		.offset = talk->offset,
	};

	talk->asked = portion_of(talk, spdm, REPORT_FRAME);
	req.length = talk->asked;
	return sf_ask_tdisp(talk, spdm, &req);
}

/* the next portion of the certificate chain, at most @length bytes */
u64 sf_ask_certs(struct sf_talk *talk, struct sev_spdm *spdm, u16 length)
{
	talk->ask = SF_ASK_CERTS;
	talk->asked = min(length, portion_of(talk, spdm, CERTS_FRAME));
	spdm->req_len = tio_certs_build(spdm->req, talk->offset, talk->asked);
	return SEV_SPDM_REQUEST;
}

/* all measurements, not signed: the session stands for the signature */
u64 sf_ask_measurements(struct sf_talk *talk, struct sev_spdm *spdm)
{
	struct spdm_hdr *hdr = (struct spdm_hdr *)spdm->req;

	memset(spdm->req, 0, sizeof(spdm->req));
	*hdr = (struct spdm_hdr) {
		.version = SPDM_VERSION_1_2,
		.code = SPDM_GET_MEASUREMENTS,
		.param2 = SPDM_ALL_MEASUREMENTS,
	};
	talk->ask = SF_ASK_MEASUREMENTS;
	spdm->req_len = sizeof(*hdr);
	return SEV_SPDM_REQUEST;
}

static size_t heard(const struct sev_spdm *spdm)
{
	return spdm->rsp ? spdm->rsp_len : 0;
}

/* the answer to the TDISP question: 0 or as tio_tdisp_parse() */
int sf_hear_tdisp(const struct sf_talk *talk, const struct sev_spdm *spdm, u16 rid,
		  struct tio_tdisp_rsp *rsp)
{
	int rc = tio_tdisp_parse(spdm->rsp, heard(spdm), talk->ask, rid, rsp);

	if (!rc && rsp->type == TDISP_GET_REPORT && rsp->portion > talk->asked)
		return -EBADMSG;
	return rc;
}

/* a portion of the chain that fits to what came before: 0 or -errno */
int sf_hear_certs(const struct sf_talk *talk, const struct sev_spdm *spdm,
		  u16 *portion, u16 *remainder, const u8 **bytes)
{
	int rc = tio_certs_parse(spdm->rsp, heard(spdm), portion, remainder, bytes);

	if (rc)
		return rc;
	if (*portion > talk->asked ||
	    (u32)talk->offset + *portion + *remainder > U16_MAX)
		return -EBADMSG;
	return 0;
}

/* the measurement record: 0 or -EBADMSG */
int sf_hear_measurements(const struct sev_spdm *spdm, const u8 **record, u32 *len)
{
	const struct spdm_measurements *rsp = spdm->rsp;
	size_t n = heard(spdm);

	if (n < sizeof(*rsp) || rsp->hdr.version != SPDM_VERSION_1_2 ||
	    rsp->hdr.code != SPDM_MEASUREMENTS)
		return -EBADMSG;
	*len = get_unaligned_le24(rsp->length);
	if (*len > n - sizeof(*rsp))
		return -EBADMSG;
	*record = rsp->record;
	return 0;
}
