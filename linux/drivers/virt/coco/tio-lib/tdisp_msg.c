// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDISP between firmware and the DOE mailbox: requests are built, answers are taken
 * apart. The envelope is an SPDM vendor-defined message of the PCI-SIG, *in the
 * clear*. TDISP wants it inside a secured session (PCIe r7.0 section 11); a session
 * layer replaces wrap() and unwrap() and nothing else. Nothing in an answer is
 * trusted before it is checked.
 */
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>
#include <linux/tio-fw.h>

#define PCI_SIG_VENDOR_ID	0x0001
#define DOE_PADDING		3
#define WRAP_SIZE		sizeof(struct spdm_vendor_hdr)

static_assert(WRAP_SIZE + sizeof(struct tdisp_start_req) <= TIO_MSG_MAX);
static_assert(WRAP_SIZE + sizeof(struct tdisp_lock_req) <= TIO_MSG_MAX);
static_assert(sizeof(struct spdm_get_certificate) <= TIO_MSG_MAX);

/* @len bytes, of which DOE may have added some at the end */
static bool has_length(size_t len, size_t whole)
{
	return len >= whole && len <= whole + DOE_PADDING;
}

/* the envelope in front of @payload_len bytes; the length of both */
static size_t wrap(u8 *msg, size_t payload_len)
{
	struct spdm_vendor_hdr *hdr = (struct spdm_vendor_hdr *)msg;

	*hdr = (struct spdm_vendor_hdr) {
		.spdm.version = SPDM_VERSION_1_2,
		.spdm.code = SPDM_VENDOR_DEFINED_REQ,
		.standard_id = cpu_to_le16(SPDM_STANDARD_PCI_SIG),
		.vendor_id_len = sizeof(hdr->vendor_id),
		.vendor_id = cpu_to_le16(PCI_SIG_VENDOR_ID),
		.payload_len = cpu_to_le16(payload_len + 1),
		.protocol = SPDM_PROTOCOL_TDISP,
	};
	return sizeof(*hdr) + payload_len;
}

/* the @payload_len bytes in the envelope, or NULL if it is none */
static const u8 *unwrap(const u8 *msg, size_t len, size_t *payload_len)
{
	const struct spdm_vendor_hdr *hdr = (const struct spdm_vendor_hdr *)msg;
	size_t payload;

	if (len < sizeof(*hdr))
		return NULL;
	if (hdr->spdm.version != SPDM_VERSION_1_2 ||
	    hdr->spdm.code != SPDM_VENDOR_DEFINED_RSP ||
	    le16_to_cpu(hdr->standard_id) != SPDM_STANDARD_PCI_SIG ||
	    hdr->vendor_id_len != sizeof(hdr->vendor_id) ||
	    le16_to_cpu(hdr->vendor_id) != PCI_SIG_VENDOR_ID ||
	    hdr->protocol != SPDM_PROTOCOL_TDISP)
		return NULL;
	payload = le16_to_cpu(hdr->payload_len);
	if (!payload || !has_length(len, sizeof(*hdr) + payload - 1))
		return NULL;
	*payload_len = payload - 1;
	return hdr->payload;
}

/* what follows the header of a request; bytes of both */
static size_t build_body(struct tdisp_hdr *hdr, const struct tio_tdisp_req *req)
{
	struct tdisp_lock_req *lock = container_of(hdr, struct tdisp_lock_req, hdr);
	struct tdisp_report_req *report =
		container_of(hdr, struct tdisp_report_req, hdr);
	struct tdisp_start_req *start =
		container_of(hdr, struct tdisp_start_req, hdr);

	switch (req->type) {
	case TDISP_LOCK_INTERFACE:
		lock->flags = cpu_to_le16(req->lock_flags);
		lock->stream_id = req->stream_id;
		lock->mmio_reporting_offset = cpu_to_le64(req->reporting_offset);
		lock->p2p_mask = cpu_to_le64(req->p2p_mask);
		return sizeof(*lock);
	case TDISP_GET_REPORT:
		report->offset = cpu_to_le16(req->offset);
		report->length = cpu_to_le16(req->length);
		return sizeof(*report);
	case TDISP_START_INTERFACE:
		memcpy(start->nonce, req->nonce, sizeof(start->nonce));
		return sizeof(*start);
	default:
		return sizeof(*hdr);
	}
}

/**
 * tio_tdisp_build() - make a TDISP request
 * @msg: filled with the SPDM message for the mailbox; TIO_MSG_MAX bytes
 * @req: what to ask; the fields that its type has
 *
 * Return: length of the message in bytes.
 * Context: any.
 */
size_t tio_tdisp_build(u8 *msg, const struct tio_tdisp_req *req)
{
	struct tdisp_hdr *hdr = (struct tdisp_hdr *)(msg + WRAP_SIZE);

	memset(msg, 0, TIO_MSG_MAX);
	hdr->version = TDISP_VERSION_1_0;
	hdr->type = req->type;
	hdr->function_id = cpu_to_le32(req->rid);
	return wrap(msg, build_body(hdr, req));
}
EXPORT_SYMBOL_GPL(tio_tdisp_build);

static int parse_report(const struct tdisp_hdr *hdr, size_t n,
			struct tio_tdisp_rsp *rsp)
{
	const struct tdisp_report_rsp *report =
		container_of(hdr, struct tdisp_report_rsp, hdr);

	if (n <= sizeof(*report) ||
	    le16_to_cpu(report->portion) != n - sizeof(*report))
		return -EBADMSG;
	rsp->portion = le16_to_cpu(report->portion);
	rsp->remainder = le16_to_cpu(report->remainder);
	rsp->bytes = report->bytes;
	return 0;
}

/* the body of an answer of the right type, @n bytes with its header */
static int parse_body(const struct tdisp_hdr *hdr, size_t n,
		      struct tio_tdisp_rsp *rsp)
{
	const struct tdisp_lock_rsp *lock =
		container_of(hdr, struct tdisp_lock_rsp, hdr);
	const struct tdisp_state_rsp *state =
		container_of(hdr, struct tdisp_state_rsp, hdr);

	switch (rsp->type) {
	case TDISP_LOCK_INTERFACE:
		if (n != sizeof(*lock))
			return -EBADMSG;
		rsp->nonce = lock->nonce;
		return 0;
	case TDISP_GET_REPORT:
		return parse_report(hdr, n, rsp);
	case TDISP_GET_STATE:
		if (n != sizeof(*state) || state->state > TDISP_STATE_ERROR)
			return -EBADMSG;
		rsp->state = state->state;
		return 0;
	case TDISP_START_INTERFACE:
	case TDISP_STOP_INTERFACE:
		return n == sizeof(*hdr) ? 0 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

/**
 * tio_tdisp_parse() - take the answer to a TDISP request apart
 * @msg: what came from the mailbox, trusted in nothing
 * @len: bytes in @msg; up to three more than the message has; 0: nothing came
 * @type: TDISP_*, of the request
 * @rid: function that the request was for
 * @rsp: filled; its pointers are into @msg
 *
 * Return: 0; -EBADMSG: not an answer to that request, or one that contradicts
 * itself; -EREMOTEIO: the device answered TDISP_ERROR, @rsp->error is its code.
 * Context: any.
 */
int tio_tdisp_parse(const u8 *msg, size_t len, u8 type, u16 rid,
		    struct tio_tdisp_rsp *rsp)
{
	const struct tdisp_error_rsp *error;
	const struct tdisp_hdr *hdr;
	size_t n;

	*rsp = (struct tio_tdisp_rsp) { .type = type };
	hdr = (const struct tdisp_hdr *)unwrap(msg, len, &n);
	if (!hdr || n < sizeof(*hdr) || hdr->version != TDISP_VERSION_1_0 ||
	    le32_to_cpu(hdr->function_id) != rid)
		return -EBADMSG;
	if (hdr->type == TDISP_ERROR && n >= sizeof(*error)) {
		error = container_of(hdr, struct tdisp_error_rsp, hdr);
		rsp->type = TDISP_ERROR;
		rsp->error = le32_to_cpu(error->code);
		return -EREMOTEIO;
	}
	if (hdr->type != TDISP_RESPONSE(type))
		return -EBADMSG;
	return parse_body(hdr, n, rsp);
}
EXPORT_SYMBOL_GPL(tio_tdisp_parse);

/**
 * tio_certs_build() - ask for a portion of the certificate chain of slot 0
 * @msg: filled with the SPDM message for the mailbox; TIO_MSG_MAX bytes
 * @offset: first byte wanted
 * @length: bytes wanted at most
 *
 * Return: length of the message in bytes.
 * Context: any.
 */
size_t tio_certs_build(u8 *msg, u16 offset, u16 length)
{
	struct spdm_get_certificate *req = (struct spdm_get_certificate *)msg;

	memset(msg, 0, TIO_MSG_MAX);
	req->hdr.version = SPDM_VERSION_1_2;
	req->hdr.code = SPDM_GET_CERTIFICATE;
	req->offset = cpu_to_le16(offset);
	req->length = cpu_to_le16(length);
	return sizeof(*req);
}
EXPORT_SYMBOL_GPL(tio_certs_build);

/**
 * tio_certs_parse() - take the answer to tio_certs_build() apart
 * @msg: what came from the mailbox, trusted in nothing
 * @len: bytes in @msg; up to three more than the message has; 0: nothing came
 * @portion: filled with the bytes that came, at least 1; whether they are more than
 *	     were asked for is for the caller to check
 * @remainder: filled with the bytes that are left
 * @bytes: filled with where they are in @msg
 *
 * Return: 0; -EBADMSG: no such answer, or one that contradicts itself; -EREMOTEIO:
 * the device answered SPDM_ERROR.
 * Context: any.
 */
int tio_certs_parse(const u8 *msg, size_t len, u16 *portion, u16 *remainder,
		    const u8 **bytes)
{
	const struct spdm_certificate *rsp = (const struct spdm_certificate *)msg;
	u16 n;

	if (len < sizeof(rsp->hdr) || rsp->hdr.version != SPDM_VERSION_1_2)
		return -EBADMSG;
	if (rsp->hdr.code == SPDM_ERROR)
		return -EREMOTEIO;
	if (rsp->hdr.code != SPDM_CERTIFICATE || len < sizeof(*rsp))
		return -EBADMSG;
	n = le16_to_cpu(rsp->portion);
	if (!n || !has_length(len, sizeof(*rsp) + n))
		return -EBADMSG;
	*portion = n;
	*remainder = le16_to_cpu(rsp->remainder);
	*bytes = rsp->bytes;
	return 0;
}
EXPORT_SYMBOL_GPL(tio_certs_parse);
