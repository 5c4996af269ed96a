// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private MMIO of one TDI: which BAR pages the TD has mapped, and firmware's
 * metadata of them. The metadata pages are set up at bind; a page of the BAR is
 * taken from the host (DATA) when the TD validates it and given back (QNODE) in
 * unbind.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>

#include "tdx-tsm.h"

static u64 mt_key(u64 hpa)
{
	return hpa >> 21;
}

static bool bar_is_mem(struct pci_dev *pdev, int bar)
{
	return pci_resource_len(pdev, bar) &&
	       (pci_resource_flags(pdev, bar) & IORESOURCE_MEM);
}

static void bar_release(struct tdx_tdi *tdi, int bar, u64 end)
{
	u64 key = mt_key(pci_resource_start(tdi->tdi.pdev, bar));

	for (; key < end; key++)
		tdx_meta_put(tdi->link->tsm, TDX_META_MMIOMT, key);
}

static int bar_reserve(struct tdx_tdi *tdi, int bar)
{
	struct pci_dev *pdev = tdi->tdi.pdev;
	u64 end = mt_key(pci_resource_end(pdev, bar)) + 1;
	u64 key = mt_key(pci_resource_start(pdev, bar));
	int rc;

	for (; key < end; key++) {
		rc = tdx_meta_get(tdi->link->tsm, TDX_META_MMIOMT, key);
		if (rc) {
			bar_release(tdi, bar, key);
			return rc;
		}
	}
	__set_bit(bar, &tdi->bars);
	return 0;
}

/**
 * tdx_mmio_reserve() - give firmware the metadata pages of a TDI's BARs
 * @tdi: the TDI
 *
 * Context: under pci_tsm_pf0::lock. Undone, from half-way too, by
 * tdx_mmio_release(). Return: 0 or what tdx_meta_get() says.
 */
int tdx_mmio_reserve(struct tdx_tdi *tdi)
{
	for (int bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		int rc = bar_is_mem(tdi->tdi.pdev, bar) ?
			 bar_reserve(tdi, bar) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

/**
 * tdx_mmio_release() - undo tdx_mmio_reserve()
 * @tdi: the TDI; none of its pages is mapped
 */
void tdx_mmio_release(struct tdx_tdi *tdi)
{
	int bar;

	for_each_set_bit(bar, &tdi->bars, PCI_STD_NUM_BARS)
		bar_release(tdi, bar,
			    mt_key(pci_resource_end(tdi->tdi.pdev, bar)) + 1);
	tdi->bars = 0;
	xa_destroy(&tdi->mmio);
}

/* Is @hpa on a page of the range that MSI-X register @reg points to? */
static bool in_msix(struct pci_dev *pdev, int reg, u32 size, u64 hpa)
{
	u64 start, end;
	u32 val;
	u8 bir;

	pci_read_config_dword(pdev, pdev->msix_cap + reg, &val);
	bir = val & PCI_MSIX_TABLE_BIR;
	if (bir >= PCI_STD_NUM_BARS)
		return false;
	start = pci_resource_start(pdev, bir) + (val & PCI_MSIX_TABLE_OFFSET);
	end = PAGE_ALIGN(start + size);
	return hpa >= round_down(start, PAGE_SIZE) && hpa < end;
}

/* MSI-X table and PBA stay the host's, whatever the device reports */
static bool is_msix_page(struct pci_dev *pdev, u64 hpa)
{
	u32 nr;
	u16 flags;

	if (!pdev->msix_cap)
		return false;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	nr = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	return in_msix(pdev, PCI_MSIX_TABLE, nr * PCI_MSIX_ENTRY_SIZE, hpa) ||
	       in_msix(pdev, PCI_MSIX_PBA, DIV_ROUND_UP(nr, 64) * 8, hpa);
}

/* Does the interface report name @hpa as TEE memory? The report is device input */
static bool is_reported(struct tdx_tdi *tdi, u64 hpa)
{
	const struct tdisp_report *report = (void *)tdi->report;
	u64 page = (hpa + tdi->offset) >> PAGE_SHIFT;
	u32 nr;

	if (!report || tdi->report_len < sizeof(*report))
		return false;
	nr = le32_to_cpu(report->nr_ranges);
	nr = min_t(u64, nr, (tdi->report_len - sizeof(*report)) /
			    sizeof(report->range[0]));

	for (u32 i = 0; i < nr; i++) {
		const struct tdisp_mmio_range *range = &report->range[i];
		u64 first = le64_to_cpu(range->first_page);

		if (page >= first && page - first < le32_to_cpu(range->pages))
			return !(le16_to_cpu(range->attributes) &
				 (TDISP_RANGE_NON_TEE | TDISP_RANGE_MSIX_TABLE |
				  TDISP_RANGE_MSIX_PBA));
	}
	return false;
}

/* QNODE to DATA */
static int page_take(struct tdx_tdi *tdi, u64 hpa, u64 gfn, u64 *status)
{
	struct tdx_tsm *tsm = tdi->link->tsm;
	struct tdx_mmiomt_entry entry;
	int rc;

	*status = tdh_mmio_mt_rd(tsm->fw, hpa, &entry);
	rc = tdx_check(tsm, TDH_MMIO_MT_RD, *status);
	if (rc)
		return rc;
	/* another TDI's, or this one's under another guest address */
	if (entry.type == TDX_MMIOMT_DATA)
		return -EBUSY;

	rc = xa_insert(&tdi->mmio, PHYS_PFN(hpa), xa_mk_value(gfn), GFP_KERNEL);
	if (rc)
		return rc;
	*status = tdh_mmio_mt_set(tsm->fw, hpa, TDX_MMIOMT_DATA, tdi->devif);
	rc = tdx_check(tsm, TDH_MMIO_MT_SET, *status);
	if (rc)
		xa_erase(&tdi->mmio, PHYS_PFN(hpa));
	return rc;
}

/* Put a DATA page into the S-EPT */
static int page_map(struct tdx_tdi *tdi, u64 gpa, u64 hpa, u64 *status)
{
	struct tdx_tsm *tsm = tdi->link->tsm;
	struct tdx_sept_entry entry;
	int rc;

	rc = tdx_td_sept(tdi->td, gpa);
	if (rc)
		return rc;
	*status = tdh_mem_sept_rd(tsm->fw, tdi->td->tdr, gpa, &entry);
	rc = tdx_check(tsm, TDH_MEM_SEPT_RD, *status);
	if (rc)
		return rc;
	if (entry.state != TDX_SEPT_FREE)
		return -EBUSY;

	*status = tdx_retry(tdh_mmio_map(tsm->fw, gpa, tdi->td->tdr, hpa));
	rc = tdx_check(tsm, TDH_MMIO_MAP, *status);
	if (!rc)
		xa_set_mark(&tdi->mmio, PHYS_PFN(hpa), TDX_MMIO_MAPPED);
	return rc;
}

/**
 * tdx_mmio_map() - see to it that a BAR page is in the TD's secure EPT
 * @tdi: the TDI
 * @gpa: guest physical address of the page
 * @hpa: the page; the seat says that it is one of this function's BARs
 * @status: firmware's answer, if a call was refused
 *
 * Mapped already at the same address is a success. The guest has yet to accept
 * the page. Context: under pci_tsm_pf0::lock.
 *
 * Return: 0; -EACCES: the page is not reported as TEE memory (or the report has
 * not been read), or belongs to MSI-X; -EBUSY: the page is mapped elsewhere or
 * something else is mapped at @gpa; -EIO: the IDE stream was blocked; -ENOMEM; or
 * firmware's refusal as errno.
 */
int tdx_mmio_map(struct tdx_tdi *tdi, u64 gpa, phys_addr_t hpa, u64 *status)
{
	unsigned long pfn = PHYS_PFN(hpa);
	void *gfn = xa_mk_value(PHYS_PFN(gpa));
	void *was = xa_load(&tdi->mmio, pfn);
	int rc;

	if (xa_get_mark(&tdi->mmio, pfn, TDX_MMIO_MAPPED))
		return was == gfn ? 0 : -EBUSY;
	if (is_msix_page(tdi->tdi.pdev, hpa) || !is_reported(tdi, hpa))
		return -EACCES;
	if (tdi->link->blocked) {
		*status = TDX_IDE_STREAM_BLOCKED;
		return -EIO;
	}

	if (was)
		/* taken by an earlier try that got no further */
		rc = xa_err(xa_store(&tdi->mmio, pfn, gfn, GFP_KERNEL));
	else
		rc = page_take(tdi, hpa, PHYS_PFN(gpa), status);
	return rc ?: page_map(tdi, gpa, hpa, status);
}

static int block_all(struct tdx_tdi *tdi)
{
	struct tdx_tsm *tsm = tdi->link->tsm;
	u64 tdr = tdi->td->tdr;
	unsigned long pfn;
	void *gfn;

	xa_for_each_marked(&tdi->mmio, pfn, gfn, TDX_MMIO_MAPPED) {
		u64 gpa = PFN_PHYS(xa_to_value(gfn));
		struct tdx_sept_entry entry;
		int rc;

		/* an earlier try may have come this far */
		if (!tdh_mem_sept_rd(tsm->fw, tdr, gpa, &entry) &&
		    entry.state == TDX_SEPT_MMIO_BLOCKED)
			continue;
		rc = tdx_check(tsm, TDH_MMIO_BLOCK,
			       tdx_retry(tdh_mmio_block(tsm->fw, gpa, tdr)));
		if (rc)
			return rc;
	}
	return 0;
}

static int unmap_blocked(struct tdx_tdi *tdi)
{
	struct tdx_tsm *tsm = tdi->link->tsm;
	unsigned long pfn;
	void *gfn;
	u64 hpa;

	xa_for_each_marked(&tdi->mmio, pfn, gfn, TDX_MMIO_MAPPED) {
		u64 gpa = PFN_PHYS(xa_to_value(gfn));
		int rc;

		rc = tdx_check(tsm, TDH_MMIO_UNMAP,
			       tdx_retry(tdh_mmio_unmap(tsm->fw, gpa,
							tdi->td->tdr, &hpa)));
		if (rc)
			return rc;
		WARN_ON(hpa != PFN_PHYS(pfn));
		xa_clear_mark(&tdi->mmio, pfn, TDX_MMIO_MAPPED);
	}
	return 0;
}

static int page_give_back(struct tdx_tsm *tsm, u64 hpa)
{
	u64 status = tdx_retry(tdh_mmio_mt_set(tsm->fw, hpa, TDX_MMIOMT_QNODE,
					       0));

	return tdx_check(tsm, TDH_MMIO_MT_SET, status);
}

/*
 * DATA to QNODE. A page that firmware still has as DATA of this TDI is not the
 * host's: it stays in the list and the unbind has not succeeded.
 */
static int give_back_all(struct tdx_tdi *tdi)
{
	unsigned long pfn;
	void *gfn;
	int rc;

	xa_for_each(&tdi->mmio, pfn, gfn) {
		rc = page_give_back(tdi->link->tsm, PFN_PHYS(pfn));
		if (rc)
			return rc;
		xa_erase(&tdi->mmio, pfn);
	}
	return 0;
}

/**
 * tdx_mmio_unmap_all() - take every private page out of the TD's secure EPT
 * @tdi: the TDI, UNLOCKED or with its stream blocked
 *
 * Context: under pci_tsm_pf0::lock. Allocates nothing; callable again after a
 * failure, and then goes on where it stopped.
 *
 * Return: 0: no page is mapped and firmware holds none as the TDI's;
 * -EOWNERDEAD: the TD is fatal, its pages cannot be unmapped any more; or
 * firmware's refusal as errno.
 */
int tdx_mmio_unmap_all(struct tdx_tdi *tdi)
{
	struct tdx_td *td = tdi->td;
	int rc;

	if (xa_marked(&tdi->mmio, TDX_MMIO_MAPPED)) {
		rc = block_all(tdi);
		if (!rc)
			rc = tdx_check(td->tsm, TDH_MEM_TRACK,
				       tdx_retry(tdh_mem_track(td->tsm->fw,
							       td->tdr)));
		if (!rc)
			rc = tdx_iotlb_flush(td, false);
		if (!rc)
			rc = unmap_blocked(tdi);
		if (rc)
			return rc;
	}
	return give_back_all(tdi);
}
