// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface report of a TDI. Firmware reads it from the device once after each
 * bind and answers from its own copy then: pages that it does not name are not the
 * TDI's in the RMP either.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "sev-tsm.h"

/* a page number is an address plus the offset, modulo 2^64, in pages */
#define SEV_PAGE_NR_MASK	GENMASK_ULL(51, 0)

static bool is_in_bar(struct pci_dev *pdev, int bar, u64 first, u32 pages)
{
	u64 start, end;

	if (!tio_bar_is_mem(pdev, bar))
		return false;
	start = PHYS_PFN(pci_resource_start(pdev, bar));
	end = PHYS_PFN(pci_resource_end(pdev, bar)) + 1;
	return first >= start && first < end && pages <= end - first;
}

static bool is_own(struct pci_dev *pdev, u64 first, u32 pages)
{
	for (int bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (is_in_bar(pdev, bar, first, pages))
			return true;
	return false;
}

/**
 * sev_report_is_own() - does a report name pages of the function's BARs only?
 * @pdev: the function
 * @offset: the MMIO reporting offset that it was locked with, bytes
 * @bytes: the report, untrusted
 * @len: bytes in @bytes
 *
 * Firmware ties a page in the RMP to a TDI of the guest whose report names it. A device
 * that names the pages of another one would hold them when that is unbound.
 *
 * Return: true, or the report is not to be believed. Context: any.
 */
bool sev_report_is_own(struct pci_dev *pdev, u64 offset, const u8 *bytes,
		       size_t len)
{
	const struct tdisp_report *report = (const void *)bytes;

	if (len < sizeof(*report) ||
	    len < struct_size(report, range, le32_to_cpu(report->nr_ranges)))
		return false;
	for (u32 i = 0; i < le32_to_cpu(report->nr_ranges); i++) {
		u64 first = le64_to_cpu(report->range[i].first_page);

		first = (first - PHYS_PFN(offset)) & SEV_PAGE_NR_MASK;
		if (!is_own(pdev, first, le32_to_cpu(report->range[i].pages)))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(sev_report_is_own);

/**
 * sev_report_fetch() - have firmware read the report, and keep a copy
 * @tdi: the TDI, CONFIG_LOCKED or RUN
 * @status: filled with firmware's answer
 *
 * Kept to check MMIO against and to read on; it is untrusted. Context: under
 * pci_tsm_pf0::lock.
 *
 * Return: 0; -ENOMEM; -EBADMSG: it names what is not the function's; or as sev_cmd().
 * The copy of before, if any, stays then.
 */
int sev_report_fetch(struct sev_tdi *tdi, u64 *status)
{
	u8 *report __free(kfree) = kzalloc(SEV_TIO_REPORT_MAX, GFP_KERNEL);
	struct sev_out out = { .buf = report, .size = SEV_TIO_REPORT_MAX };
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_TDI_REPORT,
		.tdi = tdi->ctx,
		.out = &out,
	};
	int rc;

	if (!report)
		return -ENOMEM;
	rc = sev_cmd(tdi->link, &cmd, status);
	if (rc)
		return rc;
	if (WARN_ON_ONCE(out.len > out.size))
		return -EIO;
	if (!sev_report_is_own(tdi->tdi.pdev, tdi->offset, report, out.len)) {
		pci_warn(tdi->tdi.pdev, "reports pages that are not its own\n");
		return -EBADMSG;
	}
	kfree(tdi->report);
	tdi->report = no_free_ptr(report);
	tdi->report_len = out.len;
	return 0;
}
