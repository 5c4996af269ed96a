// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private MMIO of one TDI: which BAR pages the RMP has for its guest. A page is
 * assigned when the guest wants it validated, and is shared again at the very end of
 * an unbind: the RMP does not let go of it before the TDI was reclaimed.
 *
 * Pages of I/O are 4 KiB and nothing else (the ASP's MMIO_VALIDATE answers NOT_4K to
 * larger ones), so there is one RMPUPDATE for each page on either way. What the RMP
 * has is known from the records here; it is never read back.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/sched.h>

#include "sev-tsm.h"

/* a step that is long, and must not hold the CPU to its end */
static void breathe(u64 page)
{
	if (!(page % 512))
		cond_resched();
}

/**
 * sev_mmio_init() - no page is assigned yet
 * @mmio: the private MMIO of a TDI
 * @fw: the firmware
 * @asid: of the guest
 */
void sev_mmio_init(struct sev_mmio *mmio, struct sev_fw *fw, u32 asid)
{
	mmio->fw = fw;
	mmio->asid = asid;
	xa_init(&mmio->pages);
}
EXPORT_SYMBOL_IF_KUNIT(sev_mmio_init);

static u64 page_assign(struct sev_mmio *mmio, u64 gpa, u64 hpa)
{
	const struct sev_rmp_state state = {
		.gpa = gpa,
		.asid = mmio->asid,
		.assigned = 1,
		.immutable = 1,
	};

	return sev_retry(sev_rmpupdate(mmio->fw, hpa, &state));
}

static u64 page_share(struct sev_mmio *mmio, u64 hpa)
{
	const struct sev_rmp_state state = {};

	return sev_retry(sev_rmpupdate(mmio->fw, hpa, &state));
}

static int assign_one(struct sev_mmio *mmio, u64 gpa, u64 hpa, u64 *status)
{
	void *gfn = xa_mk_value(PHYS_PFN(gpa));
	void *was = xa_load(&mmio->pages, PHYS_PFN(hpa));
	int rc;

	if (was)
		return was == gfn ? 0 : -EBUSY;
	rc = xa_insert(&mmio->pages, PHYS_PFN(hpa), gfn, GFP_KERNEL);
	if (rc)
		return rc;
	*status = page_assign(mmio, gpa, hpa);
	if (!*status)
		return 0;
	xa_erase(&mmio->pages, PHYS_PFN(hpa));
	return -EIO;
}

/**
 * sev_mmio_assign() - see to it that the RMP has BAR pages for the guest
 * @mmio: the private MMIO of a TDI that is CONFIG_LOCKED or RUN
 * @gpa: guest physical address of the first page
 * @hpa: the first page; all are named in the TDI's report, which firmware has read
 * @pages: how many, of 4 KiB
 * @level: of the leaves; only 0, 4 KiB, is possible
 * @status: firmware's answer, if a call was refused
 *
 * Assigned already at the same address is a success and no call. The guest has yet to
 * validate them. What was assigned before a failure stays so and is recorded.
 * Context: process, under pci_tsm_pf0::lock.
 *
 * Return: 0; -EOPNOTSUPP: @level; -EBUSY: a page is assigned at another address;
 * -ENOMEM; -EIO: the RMP refused.
 */
int sev_mmio_assign(struct sev_mmio *mmio, u64 gpa, u64 hpa, u64 pages,
		    unsigned int level, u64 *status)
{
	int rc = level ? -EOPNOTSUPP : 0;

	for (u64 i = 0; !rc && i < pages; i++) {
		rc = assign_one(mmio, gpa + PFN_PHYS(i), hpa + PFN_PHYS(i),
				status);
		breathe(i);
	}
	return rc;
}
EXPORT_SYMBOL_IF_KUNIT(sev_mmio_assign);

/**
 * sev_mmio_give_back() - every page is the host's again
 * @mmio: the private MMIO of a TDI that was reclaimed
 * @status: firmware's answer, if a call was refused
 *
 * Context: process, under pci_tsm_pf0::lock. Allocates nothing; callable again after a
 * failure, and then goes on where it stopped.
 *
 * Return: 0: the RMP has no page for the guest; -EIO: it keeps at least one.
 */
int sev_mmio_give_back(struct sev_mmio *mmio, u64 *status)
{
	unsigned long pfn;
	void *gfn;
	u64 i = 0;

	xa_for_each(&mmio->pages, pfn, gfn) {
		*status = page_share(mmio, PFN_PHYS(pfn));
		if (*status)
			return -EIO;
		xa_erase(&mmio->pages, pfn);
		breathe(i++);
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(sev_mmio_give_back);
