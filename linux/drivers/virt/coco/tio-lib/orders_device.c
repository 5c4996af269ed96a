// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device of the order test: a DSM that does what it is asked, one TDI behind it.
 * It is the same for all three models.
 */
#include <linux/container_of.h>
#include <linux/string.h>

#include "orders.h"

/* the report: @dev's pages, all TEE memory */
static size_t report(const struct tio_order_device *dev, struct tdisp_hdr *hdr)
{
	struct tdisp_report_rsp *rsp = container_of(hdr, struct tdisp_report_rsp,
						    hdr);
	struct {
		struct tdisp_report head;
		struct tdisp_mmio_range range;
		__le32 vendor_len;
	} __packed report = {
		.head.interface_info = cpu_to_le16(TDISP_REPORT_DMA_NO_PASID),
		.head.nr_ranges = cpu_to_le32(1),
		.range.first_page = cpu_to_le64(dev->first_page),
		.range.pages = cpu_to_le32(dev->pages),
	};

	rsp->portion = cpu_to_le16(sizeof(report));
	memcpy(rsp->bytes, &report, sizeof(report));
	return sizeof(*rsp) + sizeof(report);
}

/* the body of the answer to a request of @type; the TDI moves */
static size_t obey(struct tio_order_device *dev, struct tdisp_hdr *hdr, u8 type)
{
	struct tdisp_state_rsp *state =
		container_of(hdr, struct tdisp_state_rsp, hdr);

	switch (type) {
	case TDISP_LOCK_INTERFACE:
		dev->state = TDISP_CONFIG_LOCKED;
		memset(hdr + 1, 0x5a, TDISP_NONCE_SIZE);
		return sizeof(struct tdisp_lock_rsp);
	case TDISP_GET_REPORT:
		return report(dev, hdr);
	case TDISP_START_INTERFACE:
		dev->state = TDISP_RUN;
		return sizeof(*hdr);
	case TDISP_STOP_INTERFACE:
		dev->state = TDISP_CONFIG_UNLOCKED;
		return sizeof(*hdr);
	default:
		state->state = dev->state;
		return sizeof(*state);
	}
}

/* a chain of zeroes in one portion */
static size_t certs(u8 *rsp)
{
	struct spdm_certificate *cert = (struct spdm_certificate *)rsp;

	cert->hdr.version = SPDM_VERSION_1_2;
	cert->hdr.code = SPDM_CERTIFICATE;
	cert->portion = cpu_to_le16(TIO_ORDER_CHAIN);
	return sizeof(*cert) + TIO_ORDER_CHAIN;
}

/*
 * What the device says to @msg: GET_CERTIFICATE or a TDISP request, as a model built
 * it. Fills @rsp, TIO_ORDER_RSP_MAX bytes; the length of the answer.
 */
size_t tio_order_answer(struct tio_order_device *dev, const u8 *msg, u8 *rsp)
{
	const struct spdm_hdr *spdm = (const struct spdm_hdr *)msg;
	struct spdm_vendor_hdr *env = (struct spdm_vendor_hdr *)rsp;
	struct tdisp_hdr *hdr = (struct tdisp_hdr *)(rsp + sizeof(*env));
	size_t len;
	u8 type;

	memset(rsp, 0, TIO_ORDER_RSP_MAX);
	if (spdm->code == SPDM_GET_CERTIFICATE)
		return certs(rsp);
	memcpy(rsp, msg, sizeof(*env) + sizeof(*hdr));
	type = hdr->type;
	env->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	hdr->type = TDISP_RESPONSE(type);
	len = obey(dev, hdr, type);
	env->payload_len = cpu_to_le16(len + 1);
	return sizeof(*env) + len;
}
