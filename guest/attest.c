// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attest the TDI and accept it, Intel TDX Connect's way:
 *
 *	certificates -> TDG.DEVIF.VALIDATE -> interface report -> TDG.MMIO.ACCEPT
 *	page by page -> TDG.DMAR.ACCEPT -> START_INTERFACE
 *
 * The chain's hash is what firmware compares; that it ends in a root which the
 * guest trusts is a later step (no SPDM signatures yet).
 */
#include <linux/iommufd.h>
#include <linux/tdx-tdi.h>
#include <linux/teemu.h>

#include "guest.h"

/* TDISP device interface report (PCIe r7.0 section 11.3.11) */
struct report_range {
	__le64 first_page;
	__le32 pages;
	__le16 attributes;
	__le16 range_id;
} __attribute__((packed));

struct report {
	__le16 interface_info;
	__le16 reserved;
	__le16 msix_control;
	__le16 lnr_control;
	__le32 tph_control;
	__le32 nr_ranges;
	struct report_range range[];
} __attribute__((packed));

#define INFO_DMA_NO_PASID	0x0002
#define INFO_UNWANTED		0x001c	/* PASID, ATS, PRS: refused by TDX */
#define RANGE_MSIX		0x0003
#define RANGE_NON_TEE		0x0004

#define TDISP_RUN		2

static uint8_t report_bytes[4096] __attribute__((aligned(8)));
static uint8_t certs[32768];
static size_t report_len;
static const struct report_range *bar0_range, *bar2_range;

/* read everything that @op has, a mailbox at a time */
static size_t read_all(uint32_t op, uint8_t *buf, size_t size, const char *what)
{
	struct tdx_tdi_read req = { 0 };
	size_t len = 0, part;
	uint64_t code;
	int64_t ret;

	for (;;) {
		req.offset = len;
		part = size - len < 2048 ? size - len : 2048;
		if (!part)
			call_exit_failed("%s: more than %u bytes", what,
					 (uint64_t)size);
		ret = call_tsm(op, &req, sizeof(req), buf + len, &part, &code);
		if (ret || code)
			call_exit_failed("%s at %u: expected 0, saw errno %u code %x",
					 what, (uint64_t)len, (uint64_t)-ret,
					 code);
		if (!part)
			return len;
		len += part;
	}
}

/* one request with no answer that must succeed */
static void must(uint32_t op, const void *req, size_t len, const char *what,
		 uint64_t where)
{
	uint64_t code;
	int64_t ret;

	ret = call_tsm(op, req, len, NULL, NULL, &code);
	if (ret || code)
		call_exit_failed("%s %x: expected 0, saw errno %u code %x",
				 what, where, (uint64_t)-ret, code);
}

void attest_identity(void)
{
	struct tdx_tdi_vendor req = { .leaf = TDX_TDI_LEAF_DEVIF_VALIDATE };
	size_t len;

	len = read_all(IOMMU_VDEVICE_TSM_REQ_READ_CERTS, certs, sizeof(certs),
		       "READ_CERTS");
	if (!len)
		call_exit_failed("READ_CERTS: expected a chain, saw no bytes");
	sha384(certs, len, req.pkh);
	must(IOMMU_VDEVICE_TSM_REQ_VENDOR, &req, sizeof(req),
	     "DEVIF_VALIDATE of a chain of bytes", len);
	call_mark(TVM_MARK_ATTESTED, len);
}

static void check_range(const struct report_range *range, uint64_t index)
{
	if (range->attributes & RANGE_MSIX)
		call_exit_failed("report range %u: MSI-X is not to be locked",
				 index);
	if (range->attributes & RANGE_NON_TEE)
		return;
	if (range->range_id == TEEMU_BAR_REGS && !bar0_range)
		bar0_range = range;
	else if (range->range_id == TEEMU_BAR_MEM && !bar2_range)
		bar2_range = range;
	else if (range->range_id != TEEMU_BAR_MSIX)
		call_exit_failed("report range %u: unexpected id %u", index,
				 (uint64_t)range->range_id);
}

static void check_size(const struct report_range *range, uint64_t bytes,
		       const char *name)
{
	if (!range)
		call_exit_failed("report: no range for %s", name);
	if (range->pages != bytes / PAGE_SIZE)
		call_exit_failed("report: %s expected %u pages, saw %u", name,
				 bytes / PAGE_SIZE, (uint64_t)range->pages);
}

void attest_report(void)
{
	const struct report *report = (void *)report_bytes;
	uint64_t i;

	bar0_range = NULL;
	bar2_range = NULL;
	report_len = read_all(IOMMU_VDEVICE_TSM_REQ_READ_REPORT, report_bytes,
			      sizeof(report_bytes), "READ_REPORT");
	if (report_len < sizeof(*report) || report->nr_ranges > 64 ||
	    report_len < sizeof(*report) + 4 +
			 report->nr_ranges * sizeof(report->range[0]))
		call_exit_failed("report: %u bytes are too few for it",
				 (uint64_t)report_len);
	if (!(report->interface_info & INFO_DMA_NO_PASID) ||
	    report->interface_info & INFO_UNWANTED)
		call_exit_failed("report: interface info expected %x without %x, saw %x",
				 (uint64_t)INFO_DMA_NO_PASID,
				 (uint64_t)INFO_UNWANTED,
				 (uint64_t)report->interface_info);
	for (i = 0; i < report->nr_ranges; i++)
		check_range(&report->range[i], i);
	check_size(bar0_range, TEEMU_BAR_REGS_SIZE, "BAR 0");
	check_size(bar2_range, TEEMU_BAR_MEM_SIZE, "BAR 2");
	call_mark(TVM_MARK_REPORT, report_len);
}

static void accept_pages(const struct report_range *range, uint64_t gpa,
			 uint64_t pages)
{
	struct tdx_tdi_mmio req;
	uint64_t i;

	for (i = 0; i < pages; i++) {
		req.gpa = gpa + i * PAGE_SIZE;
		req.report_page = range->first_page + i;
		must(IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, &req, sizeof(req),
		     "MMIO_ACCEPT", req.gpa);
	}
}

void attest_accept(void)
{
	struct tdx_tdi_vendor dmar = { .leaf = TDX_TDI_LEAF_DMAR_ACCEPT };

	accept_pages(bar0_range, TVM_BAR0_GPA, bar0_range->pages);
	accept_pages(bar2_range, TVM_BAR2_GPA, boot.bar2_pages);
	call_mark(TVM_MARK_MMIO, bar0_range->pages + (uint64_t)boot.bar2_pages);
	must(IOMMU_VDEVICE_TSM_REQ_VENDOR, &dmar, sizeof(dmar), "DMAR_ACCEPT",
	     0);
	call_mark(TVM_MARK_DMA, 0);
}

void attest_run(void)
{
	struct tdx_tdi_state state = { .state = TDISP_RUN };

	must(IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE, &state, sizeof(state),
	     "START_INTERFACE", 0);
	call_mark(TVM_MARK_RUN, 0);
}

/* private MMIO that is not validated, or not any more, faults */
void attest_untouchable(void)
{
	static const uint64_t gpas[] = {
		TVM_BAR0_GPA, TVM_BAR0_GPA + TEEMU_BAR_REGS_SIZE - PAGE_SIZE,
		TVM_BAR2_GPA,
	};
	uint64_t i;

	for (i = 0; i < sizeof(gpas) / sizeof(gpas[0]); i++)
		if (!call_probe(gpas[i]))
			call_exit_failed("MMIO at %x: expected a memory fault, the read went through",
					 gpas[i]);
	call_mark(TVM_MARK_PROBED, i);
}
