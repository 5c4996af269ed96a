// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface report of a TDI. Firmware reads it from the device once after each
 * bind and answers from its own copy then: pages that it does not name are not the
 * TDI's in the RMP either.
 */
#include <linux/cleanup.h>
#include <linux/slab.h>

#include "sev-tsm.h"

/**
 * sev_report_fetch() - have firmware read the report, and keep a copy
 * @tdi: the TDI, CONFIG_LOCKED or RUN
 * @status: filled with firmware's answer
 *
 * Kept to check MMIO against and to read on; it is untrusted. Context: under
 * pci_tsm_pf0::lock.
 *
 * Return: 0; -ENOMEM; or as sev_cmd(). The copy of before, if any, stays then.
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
	kfree(tdi->report);
	tdi->report = no_free_ptr(report);
	tdi->report_len = out.len;
	return 0;
}
