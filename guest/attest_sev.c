// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD SEV-TIO:
 *
 *	certificates and interface report, each compared with TDI_INFO -> RUN ->
 *	SDTE_WRITE -> MMIO_VALIDATE, up to 2 MiB of 4 KiB pages in a message
 *
 * and before an unbind is asked for: MMIO_VALIDATE(0), STOP. The ASP shuts trusted
 * DMA out by itself.
 */
#include <linux/iommufd.h>
#include <linux/sev-tdi.h>

#include "attest.h"

#define TDISP_UNLOCKED		0
#define TDISP_RUN		2

_Static_assert(sizeof(struct sev_tdi_read) == sizeof(struct attest_read),
	       "READ_* of attest.c");

static const enum attest_step accept[] = {
	ATTEST_CERTS, ATTEST_REPORT, ATTEST_START, ATTEST_DMA, ATTEST_MMIO,
	ATTEST_END,
};

static const enum attest_step leave[] = {
	ATTEST_MMIO_OFF, ATTEST_STOP, ATTEST_END,
};

/* an answer's head: of this message, and the ASP has done what it says */
static int check_head(struct attest *a, const char *what, uint32_t message,
		      uint16_t type, uint16_t status)
{
	int ret = attest_expect(a, what, message & 0x7f, type);

	if (ret || !status)
		return ret;
	a->what = what;
	a->expected = 0;
	a->seen = status;
	return ATTEST_REFUSED;
}

static int info(struct attest *a, struct sev_tdi_info *info)
{
	struct sev_tdi_msg req = { .type = SEV_TDI_MSG_TDI_INFO };
	size_t len = sizeof(*info);
	int ret;

	ret = attest_ask(a, "TDI_INFO", 0, IOMMU_VDEVICE_TSM_REQ_VENDOR, &req,
			 sizeof(req), info, &len) ?:
	      attest_expect(a, "TDI_INFO: bytes", sizeof(*info), len);
	return ret ?: check_head(a, "TDI_INFO: status", req.type, info->type,
				 info->status);
}

static int identity(struct attest *a)
{
	struct sev_tdi_info seen;

	return info(a, &seen) ?:
	       attest_same(a, "certificates: TDI_INFO's digest",
			   seen.certs_digest, a->certs_digest);
}

static int report(struct attest *a)
{
	struct sev_tdi_info seen;

	return info(a, &seen) ?:
	       attest_same(a, "report: TDI_INFO's digest", seen.report_digest,
			   a->report_digest);
}

/*
 * A page that was validated before stays as it is and the ASP says so: for a guest
 * that validates for the first time somebody else has, and that is a lie.
 */
static int mmio(struct attest *a, struct attest_mmio *m, bool on)
{
	struct sev_tdi_mmio req = {
		.gpa = m->gpa,
		.pages = m->pages < SEV_TDI_MMIO_PAGES_MAX ?
			 m->pages : SEV_TDI_MMIO_PAGES_MAX,
		.range = attest_range_index(a, m->bar),
		.range_offset = m->first,
		.validate = on,
	};
	struct sev_tdi_rsp rsp;
	size_t len = sizeof(rsp);
	int ret;

	m->pages = req.pages;
	ret = attest_ask(a, "MMIO_VALIDATE", m->gpa,
			 IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, &req, sizeof(req),
			 &rsp, &len) ?:
	      attest_expect(a, "MMIO_VALIDATE: bytes", sizeof(rsp), len);
	if (ret)
		return ret;
	return check_head(a, "MMIO_VALIDATE: status", SEV_TDI_MSG_MMIO_VALIDATE,
			  rsp.type, rsp.status) ?:
	       attest_expect(a, "MMIO_VALIDATE: pages changed", 1, rsp.changed);
}

static int dma(struct attest *a, bool on)
{
	struct sev_tdi_msg req = { .type = SEV_TDI_MSG_SDTE_WRITE, .valid = on };
	struct sev_tdi_rsp rsp;
	size_t len = sizeof(rsp);
	int ret;

	ret = attest_ask(a, "SDTE_WRITE", 0, IOMMU_VDEVICE_TSM_REQ_VENDOR, &req,
			 sizeof(req), &rsp, &len) ?:
	      attest_expect(a, "SDTE_WRITE: bytes", sizeof(rsp), len);
	return ret ?: check_head(a, "SDTE_WRITE: status", req.type, rsp.type,
				 rsp.status);
}

static int state(struct attest *a, bool run)
{
	struct sev_tdi_state req = { .state = run ? TDISP_RUN : TDISP_UNLOCKED };

	return attest_ask(a, run ? "TIO_OP RUN" : "TIO_OP STOP", 0,
			  IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE, &req,
			  sizeof(req), NULL, NULL);
}

const struct attest_vendor attest_sev = {
	.name = "sev",
	.arch = IOMMU_TSM_TVM_ARCH_SEV,
	.accept = accept,
	.leave = leave,
	.identity = identity,
	.report = report,
	.mmio = mmio,
	.dma = dma,
	.state = state,
};
