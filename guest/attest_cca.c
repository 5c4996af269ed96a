// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arm CCA:
 *
 *	certificates and interface report, each compared with GET_INFO, whose nonces
 *	are kept -> VALIDATE_MAPPING with them -> START -> DMA_ENABLE with them
 *
 * and before an unbind is asked for: DMA_DISABLE. A nonce that has changed since
 * means that the device was locked, or asked, anew: the RMM refuses it.
 */
#include <linux/cca-tdi.h>
#include <linux/iommufd.h>

#include "attest.h"

#define RSI_STARTED		2

_Static_assert(sizeof(struct cca_tdi_read) == sizeof(struct attest_read),
	       "READ_* of attest.c");

static const enum attest_step accept[] = {
	ATTEST_CERTS, ATTEST_REPORT, ATTEST_MMIO, ATTEST_START, ATTEST_DMA,
	ATTEST_END,
};

static const enum attest_step leave[] = { ATTEST_DMA_OFF, ATTEST_END };

static int info(struct attest *a, struct cca_tdi_info *info)
{
	struct cca_tdi_vendor req = { .call = CCA_TDI_RSI_GET_INFO };
	size_t len = sizeof(*info);

	return attest_ask(a, "GET_INFO", 0, IOMMU_VDEVICE_TSM_REQ_VENDOR, &req,
			  sizeof(req), info, &len) ?:
	       attest_expect(a, "GET_INFO: bytes", sizeof(*info), len);
}

static int identity(struct attest *a)
{
	struct cca_tdi_info seen;

	return info(a, &seen) ?:
	       attest_same(a, "certificates: GET_INFO's digest",
			   seen.certs_digest, a->certs_digest);
}

/* of the moment when the digest was right: from here on the nonces stand for it */
static int report(struct attest *a)
{
	struct cca_tdi_info seen;
	int ret;

	ret = info(a, &seen) ?:
	      attest_same(a, "report: GET_INFO's digest", seen.report_digest,
			  a->report_digest);
	if (ret)
		return ret;
	a->nonce[ATTEST_NONCE_LOCK] = seen.lock_nonce;
	a->nonce[ATTEST_NONCE_MEAS] = seen.meas_nonce;
	a->nonce[ATTEST_NONCE_REPORT] = seen.report_nonce;
	return 0;
}

/*
 * Up to a border of 2 MiB in one call. The address is the report's page as it
 * stands there: the host locks with a reporting offset of 0 and adds nothing.
 */
static int mmio(struct attest *a, struct attest_mmio *m, bool on)
{
	uint32_t room = ATTEST_LARGE_PAGES -
			m->gpa / ATTEST_PAGE % ATTEST_LARGE_PAGES;
	struct cca_tdi_map req = {
		.ipa = m->gpa,
		.pa = (attest_range(a, m->bar)->first_page + m->first) *
		      ATTEST_PAGE,
		.lock_nonce = a->nonce[ATTEST_NONCE_LOCK],
		.meas_nonce = a->nonce[ATTEST_NONCE_MEAS],
		.report_nonce = a->nonce[ATTEST_NONCE_REPORT],
	};

	(void)on;
	m->pages = m->pages < room ? m->pages : room;
	req.top = req.ipa + m->pages * ATTEST_PAGE;
	return attest_ask(a, "VALIDATE_MAPPING", m->gpa,
			  IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, &req,
			  sizeof(req), NULL, NULL);
}

static int dma(struct attest *a, bool on)
{
	struct cca_tdi_vendor req = { .call = CCA_TDI_RSI_DMA_DISABLE };

	if (on) {
		req.call = CCA_TDI_RSI_DMA_ENABLE;
		req.lock_nonce = a->nonce[ATTEST_NONCE_LOCK];
		req.meas_nonce = a->nonce[ATTEST_NONCE_MEAS];
		req.report_nonce = a->nonce[ATTEST_NONCE_REPORT];
	}
	return attest_ask(a, on ? "DMA_ENABLE" : "DMA_DISABLE", 0,
			  IOMMU_VDEVICE_TSM_REQ_VENDOR, &req, sizeof(req), NULL,
			  NULL);
}

static int state(struct attest *a, bool run)
{
	struct cca_tdi_state req = { .state = RSI_STARTED };

	(void)run;
	return attest_ask(a, "SET_TDI_STATE STARTED", 0,
			  IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE, &req,
			  sizeof(req), NULL, NULL);
}

const struct attest_vendor attest_cca = {
	.name = "cca",
	.arch = IOMMU_TSM_TVM_ARCH_CCA,
	.accept = accept,
	.leave = leave,
	.identity = identity,
	.report = report,
	.mmio = mmio,
	.dma = dma,
	.state = state,
};
