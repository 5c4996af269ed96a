// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: what lies between the mailbox and the TDISP responder.
 *
 * The named deviation: there is no secured session yet. TDISP travels in plain
 * SPDM vendor-defined messages, which a real DSM would ignore, and the
 * certificate chain is a blob without a PKI. This file is the layer to replace.
 */
#include <linux/build_bug.h>
#include <linux/string.h>

#include "rc.h"

#define SPDM_ERR_VERSION_MISMATCH	0x41
#define SPDM_ERR_SESSION_REQUIRED	0x0b
#define SPDM_CERT_PORTION		512	/* the most that one answer carries */
#define PCI_SIG_VENDOR			0x0001

static const char teemu_cert_text[] = "teemu: emulated device, no PKI";

/**
 * teemu_spdm_init() - make the certificate chain of slot 0
 * @rc: the root complex
 *
 * Length, 48 bytes where the root hash goes, and bytes that tell one root
 * complex from another.
 */
void teemu_spdm_init(struct teemu_rc *rc)
{
	u32 x = 0x811c9dc5;

	for (const char *p = rc->name; *p; p++)
		x = (x ^ (u8)*p) * 0x01000193;
	for (unsigned int i = 0; i < TEEMU_CERT_SIZE; i++) {
		x = (x ^ i) * 0x01000193;
		rc->cert[i] = x >> 24;
	}
	rc->cert[0] = TEEMU_CERT_SIZE & 0xff;
	rc->cert[1] = TEEMU_CERT_SIZE >> 8;
	rc->cert[2] = 0;
	rc->cert[3] = 0;
	memcpy(rc->cert + 52, teemu_cert_text, sizeof(teemu_cert_text));
}

static size_t spdm_error(void *rsp, u8 code, u8 data)
{
	struct spdm_hdr *hdr = rsp;

	*hdr = (struct spdm_hdr) {
		.version = SPDM_VERSION_1_2,
		.code = SPDM_ERROR,
		.param1 = code,
		.param2 = data,
	};
	return sizeof(*hdr);
}

static size_t spdm_get_certificate(struct teemu_rc *rc, const void *req,
				   size_t len, void *rsp, size_t max)
{
	const struct spdm_get_certificate *get = req;
	struct spdm_certificate *cert = rsp;
	size_t offset, portion;

	if (len < sizeof(*get) || get->hdr.param1 & 0x0f)
		return spdm_error(rsp, SPDM_ERR_INVALID_REQUEST, 0);
	offset = le16_to_cpu(get->offset);
	if (offset >= TEEMU_CERT_SIZE || !get->length)
		return spdm_error(rsp, SPDM_ERR_INVALID_REQUEST, 0);

	portion = min3((size_t)le16_to_cpu(get->length),
		       TEEMU_CERT_SIZE - offset, (size_t)SPDM_CERT_PORTION);
	portion = min(portion, max - sizeof(*cert));
	cert->hdr = (struct spdm_hdr) {
		.version = SPDM_VERSION_1_2,
		.code = SPDM_CERTIFICATE,
	};
	cert->portion = cpu_to_le16(portion);
	cert->remainder = cpu_to_le16(TEEMU_CERT_SIZE - offset - portion);
	memcpy(cert->bytes, rc->cert + offset, portion);
	return sizeof(*cert) + portion;
}

/*
 * A vendor-defined message of the PCI-SIG. SPDM messages have no length of
 * their own, so up to three bytes of DOE padding may follow the payload.
 */
static size_t spdm_vendor_defined(struct teemu_rc *rc, const void *req,
				  size_t len, void *rsp, size_t max)
{
	const struct spdm_vendor_hdr *in = req;
	struct spdm_vendor_hdr *out = rsp;
	size_t payload, answer;

	if (len < sizeof(*in))
		return spdm_error(rsp, SPDM_ERR_INVALID_REQUEST, 0);
	if (le16_to_cpu(in->standard_id) != SPDM_STANDARD_PCI_SIG ||
	    in->vendor_id_len != sizeof(in->vendor_id) ||
	    le16_to_cpu(in->vendor_id) != PCI_SIG_VENDOR)
		return spdm_error(rsp, SPDM_ERR_UNSUPPORTED,
				  SPDM_VENDOR_DEFINED_REQ);
	/* the payload starts with the protocol byte, the last of *in */
	payload = le16_to_cpu(in->payload_len);
	if (!payload || payload > len - sizeof(*in) + 1 ||
	    len - sizeof(*in) + 1 - payload > 3)
		return spdm_error(rsp, SPDM_ERR_INVALID_REQUEST, 0);
	/* keys come from the platform's firmware, not over IDE_KM */
	if (in->protocol != SPDM_PROTOCOL_TDISP)
		return spdm_error(rsp, SPDM_ERR_UNSUPPORTED,
				  SPDM_VENDOR_DEFINED_REQ);

	if (READ_ONCE(rc->no_session))
		return spdm_error(rsp, SPDM_ERR_SESSION_REQUIRED, 0);
	answer = teemu_dsm_respond(rc, in->payload, payload - 1, out->payload,
				   max - sizeof(*out));
	if (!answer)
		return 0;
	*out = (struct spdm_vendor_hdr) {
		.spdm.version = SPDM_VERSION_1_2,
		.spdm.code = SPDM_VENDOR_DEFINED_RSP,
		.standard_id = cpu_to_le16(SPDM_STANDARD_PCI_SIG),
		.vendor_id_len = sizeof(out->vendor_id),
		.vendor_id = cpu_to_le16(PCI_SIG_VENDOR),
		.payload_len = cpu_to_le16(answer + 1),
		.protocol = SPDM_PROTOCOL_TDISP,
	};
	return sizeof(*out) + answer;
}

/**
 * teemu_spdm_respond() - answer one SPDM message
 * @rc: the root complex
 * @req: the request
 * @len: its bytes, padding to a dword included
 * @rsp: room for the answer; must not overlap @req
 * @max: bytes of @rsp, at least sizeof(struct spdm_vendor_hdr) +
 *	 TEEMU_DSM_MAX_RSP
 *
 * Context: process, one call at a time for a root complex; may sleep.
 *
 * Return: bytes of the answer, 0 if the message is ignored.
 */
size_t teemu_spdm_respond(struct teemu_rc *rc, const void *req, size_t len,
			  void *rsp, size_t max)
{
	const struct spdm_hdr *hdr = req;

	if (WARN_ON_ONCE(max < sizeof(struct spdm_vendor_hdr) +
			       TEEMU_DSM_MAX_RSP))
		return 0;
	if (len < sizeof(*hdr))
		return spdm_error(rsp, SPDM_ERR_INVALID_REQUEST, 0);
	if (hdr->version != SPDM_VERSION_1_2)
		return spdm_error(rsp, SPDM_ERR_VERSION_MISMATCH, 0);

	switch (hdr->code) {
	case SPDM_GET_CERTIFICATE:
		return spdm_get_certificate(rc, req, len, rsp, max);
	case SPDM_VENDOR_DEFINED_REQ:
		return spdm_vendor_defined(rc, req, len, rsp, max);
	default:
		return spdm_error(rsp, SPDM_ERR_UNSUPPORTED, hdr->code);
	}
}

/**
 * teemu_spdm_respond_wrong() - a good answer, but to another message
 * @rc: the root complex
 * @req: the request, which has no effect
 * @len: its bytes, padding to a dword included
 * @rsp: room for the answer; must not overlap @req
 * @max: as for teemu_spdm_respond()
 *
 * It names the interface that the request names, or function 0. Context: as
 * teemu_spdm_respond().
 *
 * Return: bytes of the answer.
 */
size_t teemu_spdm_respond_wrong(struct teemu_rc *rc, const void *req, size_t len,
				void *rsp, size_t max)
{
	const struct spdm_vendor_hdr *in = req;
	struct {
		struct spdm_vendor_hdr spdm;
		struct tdisp_hdr tdisp;
	} __packed other = {
		.spdm.spdm.version = SPDM_VERSION_1_2,
		.spdm.spdm.code = SPDM_VENDOR_DEFINED_REQ,
		.spdm.standard_id = cpu_to_le16(SPDM_STANDARD_PCI_SIG),
		.spdm.vendor_id_len = sizeof(other.spdm.vendor_id),
		.spdm.vendor_id = cpu_to_le16(PCI_SIG_VENDOR),
		.spdm.payload_len = cpu_to_le16(1 + sizeof(other.tdisp)),
		.spdm.protocol = SPDM_PROTOCOL_TDISP,
		.tdisp.version = TDISP_VERSION_1_0,
		.tdisp.type = TDISP_GET_VERSION,
		.tdisp.function_id = cpu_to_le32(rc->fn[0].rid),
	};

	if (len >= sizeof(other) && in->spdm.code == SPDM_VENDOR_DEFINED_REQ) {
		const struct tdisp_hdr *asked = (const void *)in->payload;

		other.tdisp.function_id = asked->function_id;
		if (asked->type == TDISP_GET_VERSION)
			other.tdisp.type = TDISP_GET_STATE;
	}
	return teemu_spdm_respond(rc, &other, sizeof(other), rsp, max);
}
