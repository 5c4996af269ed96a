// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a TD asks for about its TDI, sent in its name: a VMM may pass on whatever
 * it likes, so no vCPU is needed for it.
 */
#include <errno.h>
#include <string.h>

#include <linux/iommufd.h>
#include <linux/tdx-tdi.h>

#include "world.h"

/* of guest/sha384.c */
void sha384(const void *data, size_t len, uint8_t digest[TDX_TDI_PKH_SIZE]);

#define TDISP_RUN	2
#define RANGE_TABOO	0x0007	/* MSI-X table, PBA, not TEE memory */
#define MAX_RANGES	16

/* TDISP device interface report (PCIe r7.0 section 11.3.11) */
struct report_range {
	uint64_t first_page;
	uint32_t pages;
	uint16_t attributes;
	uint16_t range_id;
} __attribute__((packed));

struct report {
	uint16_t interface_info;
	uint16_t reserved;
	uint16_t msix_control;
	uint16_t lnr_control;
	uint32_t tph_control;
	uint32_t nr_ranges;
	struct report_range range[];
} __attribute__((packed));

static struct report_range ranges[MAX_FNS][MAX_RANGES];
static unsigned int nr_ranges[MAX_FNS];

static int must(struct fn *fn, uint32_t op, const void *req, size_t len,
		const char *what)
{
	uint64_t code;
	int ret;

	ret = fn_request(fn, op, req, len, NULL, NULL, &code);
	if (!ret && code) {
		note("%s: firmware says %#llx", what, (unsigned long long)code);
		return -EPROTO;
	}
	return failed(ret, "%s", what);
}

/* everything that a READ op has: its length */
static int read_all(struct fn *fn, uint32_t op, void *buf, size_t size,
		    const char *what)
{
	struct tdx_tdi_read req = { 0 };
	size_t len = 0, part;
	uint64_t code;
	int ret;

	do {
		req.offset = len;
		part = size - len;
		ret = fn_request(fn, op, &req, sizeof(req),
				 (uint8_t *)buf + len, &part, &code);
		if (ret || code) {
			note("%s at %zu: firmware says %#llx", what, len,
			     (unsigned long long)code);
			return failed(ret ?: -EPROTO, "%s", what);
		}
		len += part;
	} while (part && len < size);
	return len;
}

int fn_validate(struct fn *fn)
{
	struct tdx_tdi_vendor req = { .leaf = TDX_TDI_LEAF_DEVIF_VALIDATE };
	static uint8_t certs[65536];
	int len;

	len = read_all(fn, IOMMU_VDEVICE_TSM_REQ_READ_CERTS, certs,
		       sizeof(certs), "READ_CERTS");
	if (len <= 0)
		return len ?: failed(-ENODATA, "READ_CERTS");
	sha384(certs, len, req.pkh);
	return must(fn, IOMMU_VDEVICE_TSM_REQ_VENDOR, &req, sizeof(req),
		    "DEVIF_VALIDATE");
}

int fn_read_report(struct fn *fn)
{
	static uint8_t bytes[4096];
	const struct report *report = (const void *)bytes;
	int len;

	nr_ranges[fn->nr] = 0;
	len = read_all(fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, bytes,
		       sizeof(bytes), "READ_REPORT");
	if (len < 0)
		return len;
	if ((size_t)len < sizeof(*report) || report->nr_ranges > MAX_RANGES ||
	    (size_t)len < sizeof(*report) +
			  report->nr_ranges * sizeof(report->range[0]))
		return failed(-EPROTO, "report of %d bytes", len);
	memcpy(ranges[fn->nr], report->range,
	       report->nr_ranges * sizeof(report->range[0]));
	nr_ranges[fn->nr] = report->nr_ranges;
	return 0;
}

static const struct report_range *find_range(const struct fn *fn,
					     unsigned int bar)
{
	unsigned int i;

	for (i = 0; i < nr_ranges[fn->nr]; i++)
		if (ranges[fn->nr][i].range_id == bar &&
		    !(ranges[fn->nr][i].attributes & RANGE_TABOO))
			return &ranges[fn->nr][i];
	return NULL;
}

uint64_t fn_report_page(const struct fn *fn, unsigned int bar)
{
	const struct report_range *range = find_range(fn, bar);

	return range ? range->first_page : 0;
}

int fn_accept_page(struct fn *fn, uint64_t gpa, uint64_t report_page,
		   uint64_t *code)
{
	struct tdx_tdi_mmio req = { .gpa = gpa, .report_page = report_page };

	return fn_request(fn, IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, &req,
			  sizeof(req), NULL, NULL, code);
}

int fn_accept_mmio(struct fn *fn, unsigned int bar, unsigned int first,
		   unsigned int nr)
{
	const struct report_range *range = find_range(fn, bar);
	struct tdx_tdi_mmio req;
	unsigned int i;
	int ret;

	if (!range)
		return failed(-ENOENT, "report: BAR %u", bar);
	for (i = first; i < first + nr; i++) {
		req.gpa = fn_bar_gpa(fn, bar) + i * PAGE;
		req.report_page = range->first_page + i;
		ret = must(fn, IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, &req,
			   sizeof(req), "VALIDATE_MMIO");
		if (ret)
			return ret;
	}
	return 0;
}

int fn_accept_dma(struct fn *fn)
{
	struct tdx_tdi_vendor req = { .leaf = TDX_TDI_LEAF_DMAR_ACCEPT };

	return must(fn, IOMMU_VDEVICE_TSM_REQ_VENDOR, &req, sizeof(req),
		    "DMAR_ACCEPT");
}

int fn_start(struct fn *fn)
{
	struct tdx_tdi_state req = { .state = TDISP_RUN };

	return must(fn, IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE, &req, sizeof(req),
		    "START");
}

int fn_run(struct fn *fn)
{
	return fn_validate(fn) ?: fn_read_report(fn) ?:
	       fn_accept_mmio(fn, TEEMU_BAR_REGS, 0, FN_BAR0_PAGES) ?:
	       fn_accept_mmio(fn, TEEMU_BAR_MEM, 0, FN_BAR2_PAGES) ?:
	       fn_accept_dma(fn) ?: fn_start(fn);
}
