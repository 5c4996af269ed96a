// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is the same for every architecture: reading certificates and report, the
 * checks that any guest makes, and the steps in the order that the vendor's file
 * says.
 *
 * The chain's hash is what firmware confirms; that it ends in a root which the
 * guest trusts is a later step (no SPDM signatures yet).
 */
#include <linux/iommufd.h>
#include <linux/teemu.h>

#include "attest.h"

#define INFO_DMA_NO_PASID	0x0002
#define INFO_UNWANTED		0x001c	/* PASID, ATS, PRS */
#define MAX_RANGES		64
#define PART			2048	/* bytes of one read */
#define EPROTO			71

const struct attest_vendor *attest_vendor(uint32_t arch)
{
	static const struct attest_vendor *const vendors[] = {
		&attest_tdx, &attest_sev, &attest_cca,
	};
	unsigned int i;

	for (i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
		if (vendors[i]->arch == arch)
			return vendors[i];
	return NULL;
}

int attest_expect(struct attest *a, const char *what, uint64_t expected,
		  uint64_t seen)
{
	if (expected == seen)
		return 0;
	a->what = what;
	a->where = 0;
	a->expected = expected;
	a->seen = seen;
	return ATTEST_LIE;
}

/* the first eight bytes that differ are what is told of them */
int attest_same(struct attest *a, const char *what, const uint8_t *confirmed,
		const uint8_t *served)
{
	uint64_t x, y;
	int i, k, ret;

	for (i = 0; i < ATTEST_DIGEST; i += 8) {
		for (x = y = 0, k = 0; k < 8; k++) {
			x = x << 8 | confirmed[i + k];
			y = y << 8 | served[i + k];
		}
		ret = attest_expect(a, what, x, y);
		if (ret)
			return ret;
	}
	return 0;
}

int attest_ask(struct attest *a, const char *what, uint64_t where, uint32_t op,
	       const void *req, size_t req_len, void *resp, size_t *resp_len)
{
	int64_t ret;

	a->what = what;
	a->where = where;
	a->expected = 0;
	a->seen = 0;
	ret = a->request(a->ctx, op, req, req_len, resp, resp_len, &a->seen);
	if (ret)
		return ret < 0 && ret > -4096 ? (int)ret : -EPROTO;
	return a->seen ? ATTEST_REFUSED : 0;
}

/* everything that a READ op has, a part at a time; its length into @len */
static int read_all(struct attest *a, const char *what, uint32_t op,
		    uint8_t *buf, size_t size, size_t *len)
{
	struct attest_read req = { 0 };
	size_t part;
	int ret;

	for (*len = 0;; *len += part) {
		part = size - *len < PART ? size - *len : PART;
		if (!part)
			return attest_expect(a, what, size - 1, size);
		req.offset = *len;
		ret = attest_ask(a, what, *len, op, &req, sizeof(req),
				 buf + *len, &part);
		if (ret)
			return ret;
		if (part > size - *len)
			return attest_expect(a, what, size - *len, part);
		if (!part)
			return 0;
	}
}

static int read_certs(struct attest *a)
{
	int ret;

	ret = read_all(a, "READ_CERTS", IOMMU_VDEVICE_TSM_REQ_READ_CERTS,
		       a->certs, sizeof(a->certs), &a->certs_len);
	if (ret)
		return ret;
	if (!a->certs_len)
		return attest_expect(a, "READ_CERTS: bytes of the chain", 1, 0);
	sha384(a->certs, a->certs_len, a->certs_digest);
	return a->vendor->identity(a);
}

static bool is_tee(const struct report_range *range)
{
	return !(range->attributes & (RANGE_NON_TEE | RANGE_MSIX));
}

int attest_range_index(const struct attest *a, uint32_t bar)
{
	const struct report *report = (const void *)a->report;
	uint32_t i;

	if (!a->report_len)
		return -1;
	for (i = 0; i < report->nr_ranges; i++)
		if (report->range[i].range_id == bar && is_tee(&report->range[i]))
			return i;
	return -1;
}

const struct report_range *attest_range(const struct attest *a, uint32_t bar)
{
	const struct report *report = (const void *)a->report;
	int i = attest_range_index(a, bar);

	return i < 0 ? NULL : &report->range[i];
}

static int check_ranges(struct attest *a, const struct report *report)
{
	const struct report_range *range = report->range;
	uint32_t i;
	int ret = 0;

	for (i = 0; !ret && i < report->nr_ranges; i++, range++) {
		if (range->attributes & RANGE_MSIX)
			ret = attest_expect(a, "report: MSI-X is not locked", 0,
					    range->attributes);
		else if (is_tee(range) && range->range_id != TEEMU_BAR_REGS &&
			 range->range_id != TEEMU_BAR_MEM &&
			 range->range_id != TEEMU_BAR_MSIX)
			ret = attest_expect(a, "report: id of a range", 0,
					    range->range_id);
	}
	return ret;
}

static int check_size(struct attest *a, uint32_t bar, uint64_t bytes,
		      const char *what)
{
	const struct report_range *range = attest_range(a, bar);

	return attest_expect(a, what, bytes / ATTEST_PAGE,
			     range ? range->pages : 0);
}

/* a VF has less memory than a physical function; the guest has a driver for both */
static uint64_t mem_size(struct attest *a)
{
	const struct report_range *range = attest_range(a, TEEMU_BAR_MEM);

	return range && range->pages == TEEMU_VF_BAR_MEM_SIZE / ATTEST_PAGE ?
	       TEEMU_VF_BAR_MEM_SIZE : TEEMU_BAR_MEM_SIZE;
}

/* the device is the one that the guest has a driver for */
static int check_report(struct attest *a, size_t len)
{
	const struct report *report = (const void *)a->report;
	int ret;

	if (len < sizeof(*report) || report->nr_ranges > MAX_RANGES ||
	    len < sizeof(*report) + 4 +
		  report->nr_ranges * sizeof(report->range[0]))
		return attest_expect(a, "report: bytes for what it says", 0, len);
	ret = attest_expect(a, "report: interface info", INFO_DMA_NO_PASID,
			    report->interface_info &
			    (INFO_DMA_NO_PASID | INFO_UNWANTED)) ?:
	      check_ranges(a, report);
	if (ret)
		return ret;
	a->report_len = len;
	return check_size(a, TEEMU_BAR_REGS, TEEMU_BAR_REGS_SIZE,
			  "report: pages of BAR 0") ?:
	       check_size(a, TEEMU_BAR_MEM, mem_size(a),
			  "report: pages of BAR 2");
}

static int read_report(struct attest *a)
{
	size_t len;
	int ret;

	a->report_len = 0;
	ret = read_all(a, "READ_REPORT", IOMMU_VDEVICE_TSM_REQ_READ_REPORT,
		       a->report, sizeof(a->report), &len);
	if (ret)
		return ret;
	sha384(a->report, len, a->report_digest);
	ret = check_report(a, len) ?: a->vendor->report(a);
	if (ret)
		a->report_len = 0;
	return ret;
}

int attest_mmio(struct attest *a, const struct attest_mmio *m, bool on)
{
	const struct report_range *range = attest_range(a, m->bar);
	struct attest_mmio part, left = *m;
	int ret;

	if (!range || m->first > range->pages ||
	    m->pages > range->pages - m->first)
		return attest_expect(a, "report: pages of the BAR",
				     (uint64_t)m->first + m->pages,
				     range ? range->pages : 0);
	a->small = false;
	while (left.pages) {
		part = left;
		ret = a->vendor->mmio(a, &part, on);
		if (ret)
			return ret;
		left.gpa += part.pages * ATTEST_PAGE;
		left.first += part.pages;
		left.pages -= part.pages;
	}
	return 0;
}

static int areas(struct attest *a, bool on)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < a->nr_areas; i++)
		ret = attest_mmio(a, &a->area[i], on);
	return ret;
}

int attest_step(struct attest *a, enum attest_step step)
{
	switch (step) {
	case ATTEST_CERTS:
		return read_certs(a);
	case ATTEST_REPORT:
		return read_report(a);
	case ATTEST_MMIO:
	case ATTEST_MMIO_OFF:
		return areas(a, step == ATTEST_MMIO);
	case ATTEST_DMA:
	case ATTEST_DMA_OFF:
		return a->vendor->dma(a, step == ATTEST_DMA);
	case ATTEST_START:
	case ATTEST_STOP:
		return a->vendor->state(a, step == ATTEST_START);
	default:
		return 0;
	}
}

bool attest_has(const enum attest_step *order, enum attest_step step)
{
	while (*order != ATTEST_END && *order != step)
		order++;
	return *order == step;
}
