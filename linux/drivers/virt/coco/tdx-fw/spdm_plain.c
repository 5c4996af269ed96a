// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layer between TDISP and the DOE mailbox: SPDM vendor-defined messages of the
 * PCI-SIG, *in the clear*. TDISP wants them inside a secured session (PCIe r7.0
 * section 11); a session layer replaces these two functions and nothing else.
 */
#include <linux/string.h>

#include "fw.h"

#define PCI_SIG_VENDOR_ID	0x0001
#define DOE_PADDING		3

/*
 * fw_spdm_wrap() - put the envelope in front of a TDISP message
 * @msg: the message starts at FW_WRAP_SIZE
 * @payload_len: bytes of the message
 *
 * Returns the length of everything.
 */
size_t fw_spdm_wrap(u8 *msg, size_t payload_len)
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

/*
 * fw_spdm_unwrap() - find the TDISP message in an answer
 * @msg: as it came from the mailbox, trusted in nothing
 * @len: of @msg; up to 3 bytes more than the message has
 * @payload_len: filled with the length of the TDISP message
 *
 * Returns NULL if it is no such answer.
 */
const u8 *fw_spdm_unwrap(const u8 *msg, size_t len, size_t *payload_len)
{
	const struct spdm_vendor_hdr *hdr = (const struct spdm_vendor_hdr *)msg;
	size_t payload, whole;

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
	if (!payload)
		return NULL;
	whole = sizeof(*hdr) + payload - 1;
	if (len < whole || len > whole + DOE_PADDING)
		return NULL;
	*payload_len = payload - 1;
	return hdr->payload;
}
