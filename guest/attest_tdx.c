// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel TDX Connect:
 *
 *	certificates -> TDG.DEVIF.VALIDATE -> interface report -> TDG.MMIO.ACCEPT
 *	leaf by leaf -> TDG.DMAR.ACCEPT -> START_INTERFACE
 *
 * Nothing is to be undone before an unbind: the host stops the TDI first. The TDX
 * module has fetched the report itself, so nothing is to be compared with it.
 */
#include <linux/iommufd.h>
#include <linux/tdx-tdi.h>

#include "attest.h"

#define TDISP_RUN		2
#define SIZE_MISMATCH		0xc0000f26U	/* MMIO_ACCEPT_SIZE_MISMATCH */

_Static_assert(sizeof(struct tdx_tdi_read) == sizeof(struct attest_read),
	       "READ_* of attest.c");

static const enum attest_step accept[] = {
	ATTEST_CERTS, ATTEST_REPORT, ATTEST_MMIO, ATTEST_DMA, ATTEST_START,
	ATTEST_END,
};

static const enum attest_step leave[] = { ATTEST_END };

static int identity(struct attest *a)
{
	struct tdx_tdi_vendor req = { .leaf = TDX_TDI_LEAF_DEVIF_VALIDATE };
	int i;

	for (i = 0; i < TDX_TDI_PKH_SIZE; i++)
		req.pkh[i] = a->certs_digest[i];
	return attest_ask(a, "DEVIF_VALIDATE of a chain of bytes", a->certs_len,
			  IOMMU_VDEVICE_TSM_REQ_VENDOR, &req, sizeof(req), NULL,
			  NULL);
}

static int report(struct attest *a)
{
	(void)a;
	return 0;
}

/* the report counts pages from the lowest BAR; so does firmware's comparison */
static int accept_leaf(struct attest *a, const struct attest_mmio *m,
		       uint32_t level)
{
	struct tdx_tdi_mmio req = {
		.gpa = m->gpa,
		.report_page = attest_range(a, m->bar)->first_page + m->first,
		.level = level,
	};

	return attest_ask(a, "MMIO_ACCEPT", m->gpa,
			  IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, &req,
			  sizeof(req), NULL, NULL);
}

static int mmio(struct attest *a, struct attest_mmio *m, bool on)
{
	int ret;

	(void)on;
	if (!a->small && m->pages >= ATTEST_LARGE_PAGES &&
	    !(m->gpa % (ATTEST_LARGE_PAGES * ATTEST_PAGE))) {
		ret = accept_leaf(a, m, 1);
		m->pages = ATTEST_LARGE_PAGES;
		if (ret != ATTEST_REFUSED || a->seen >> 32 != SIZE_MISMATCH)
			return ret;
		/* the host has mapped small leaves: what it maps is its choice */
		a->small = true;
	}
	m->pages = 1;
	return accept_leaf(a, m, 0);
}

static int dma(struct attest *a, bool on)
{
	struct tdx_tdi_vendor req = { .leaf = TDX_TDI_LEAF_DMAR_ACCEPT };

	(void)on;
	return attest_ask(a, "DMAR_ACCEPT", 0, IOMMU_VDEVICE_TSM_REQ_VENDOR,
			  &req, sizeof(req), NULL, NULL);
}

static int state(struct attest *a, bool run)
{
	struct tdx_tdi_state req = { .state = TDISP_RUN };

	(void)run;
	return attest_ask(a, "START_INTERFACE", 0,
			  IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE, &req,
			  sizeof(req), NULL, NULL);
}

const struct attest_vendor attest_tdx = {
	.name = "tdx",
	.arch = IOMMU_TSM_TVM_ARCH_TDX,
	.accept = accept,
	.leave = leave,
	.identity = identity,
	.report = report,
	.mmio = mmio,
	.dma = dma,
	.state = state,
};
