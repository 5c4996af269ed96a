// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page of a BAR is: memory or not, TEE memory by the interface report or
 * not, the MSI-X table's or not, and where the VMM has put it in guest physical
 * memory. The report is the device's word and untrusted; so are its registers.
 *
 * A range that is mapped with one leaf gets the answer that each of its pages
 * would get: a leaf gives a TVM nothing that small pages would not.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/tio-tsm.h>

/**
 * tio_bar_is_mem() - is a BAR one that private MMIO can be in?
 * @pdev: the function
 * @bar: 0 .. PCI_STD_NUM_BARS - 1
 *
 * Return: true if it is implemented and of memory. Context: any.
 */
bool tio_bar_is_mem(struct pci_dev *pdev, int bar)
{
	return pci_resource_len(pdev, bar) &&
	       (pci_resource_flags(pdev, bar) & IORESOURCE_MEM);
}
EXPORT_SYMBOL_GPL(tio_bar_is_mem);

/**
 * tio_reporting_offset() - the MMIO reporting offset to lock a function with
 * @pdev: the function
 *
 * Guests learn where their BARs are relative to the lowest one, not to 0.
 *
 * Return: the offset in bytes, page aligned, to be added modulo 2^64 to each
 * physical address that is reported. Context: any.
 */
u64 tio_reporting_offset(struct pci_dev *pdev)
{
	u64 low = U64_MAX;

	for (int bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (tio_bar_is_mem(pdev, bar))
			low = min_t(u64, low, pci_resource_start(pdev, bar));
	return low == U64_MAX ? 0 : -round_down(low, PAGE_SIZE);
}
EXPORT_SYMBOL_GPL(tio_reporting_offset);

/*
 * Do @hpa .. @last touch a page of the @size bytes that MSI-X register @reg points
 * to? A register that points to no BAR is no reason to believe any page free of it.
 */
static bool in_msix(struct pci_dev *pdev, int reg, u32 size, u64 hpa, u64 last)
{
	u64 start, end;
	u32 val;
	u8 bir;

	pci_read_config_dword(pdev, pdev->msix_cap + reg, &val);
	bir = val & PCI_MSIX_TABLE_BIR;
	if (bir >= PCI_STD_NUM_BARS)
		return true;
	start = pci_resource_start(pdev, bir) + (val & PCI_MSIX_TABLE_OFFSET);
	end = PAGE_ALIGN(start + size);
	return last >= round_down(start, PAGE_SIZE) && hpa < end;
}

/* the range's first and last byte; MSI-X stays the host's, whatever is reported */
static bool touches_msix(struct pci_dev *pdev, u64 hpa, u64 last)
{
	u16 flags;
	u32 nr;

	if (!pdev->msix_cap)
		return false;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	nr = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	return in_msix(pdev, PCI_MSIX_TABLE, nr * PCI_MSIX_ENTRY_SIZE, hpa,
		       last) ||
	       in_msix(pdev, PCI_MSIX_PBA, DIV_ROUND_UP(nr, 64) * 8, hpa, last);
}

/**
 * tio_is_msix_page() - has a page something of the MSI-X table or the PBA?
 * @pdev: the function
 * @hpa: physical address of the page
 *
 * Return: true if it has, or if the function's MSI-X registers make no sense.
 * Context: any in which config space can be read.
 */
bool tio_is_msix_page(struct pci_dev *pdev, u64 hpa)
{
	u64 page = round_down(hpa, PAGE_SIZE);

	return touches_msix(pdev, page, page + PAGE_SIZE - 1);
}
EXPORT_SYMBOL_GPL(tio_is_msix_page);

/* How many whole ranges there really are in a report of @len bytes */
static u32 nr_ranges(const struct tdisp_report *report, size_t len)
{
	if (!report || len < sizeof(*report))
		return 0;
	return min_t(u64, le32_to_cpu(report->nr_ranges),
		     (len - sizeof(*report)) / sizeof(report->range[0]));
}

static bool is_tee(const struct tdisp_mmio_range *range)
{
	return !(le16_to_cpu(range->attributes) &
		 (TDISP_RANGE_NON_TEE | TDISP_RANGE_MSIX_TABLE |
		  TDISP_RANGE_MSIX_PBA));
}

/*
 * How many pages from @page on are in one range with it; 0: none. *@tee is cleared
 * if a range that names @page, or any page up to @last, is not TEE memory: a report
 * that says both things about a page says no.
 */
static u64 run_of(const struct tdisp_report *report, u32 nr, u64 page, u64 last,
		  bool *tee)
{
	u64 run = 0;

	for (u32 i = 0; i < nr; i++) {
		const struct tdisp_mmio_range *range = &report->range[i];
		u64 first = le64_to_cpu(range->first_page);
		u64 pages = le32_to_cpu(range->pages);

		if (page >= first && page - first < pages)
			run = max(run, pages - (page - first));
		else if (!pages || first < page || first > last)
			continue;
		if (!is_tee(range))
			*tee = false;
	}
	return run;
}

/* The pages @page .. @last, as the report numbers them */
static bool all_reported(const u8 *bytes, size_t len, u64 page, u64 last)
{
	const struct tdisp_report *report = (const void *)bytes;
	u32 nr = nr_ranges(report, len);
	bool tee = true;
	u64 run;

	/* every turn ends a range or the loop, so there are @nr + 1 at most */
	for (;; page += run) {
		run = run_of(report, nr, page, last, &tee);
		if (!run || !tee)
			return false;
		if (run > last - page)
			return true;
	}
}

/**
 * tio_is_reported() - does the interface report name a page as TEE memory?
 * @report: the report, as the device gave it
 * @len: its length in bytes
 * @offset: the MMIO reporting offset that the function was locked with, bytes
 * @hpa: physical address of the page
 *
 * Return: true if a range has it and none that does is for MSI-X or non-TEE.
 * Context: any.
 */
bool tio_is_reported(const u8 *report, size_t len, u64 offset, u64 hpa)
{
	u64 page = (hpa + offset) >> PAGE_SHIFT;

	return all_reported(report, len, page, page);
}
EXPORT_SYMBOL_GPL(tio_is_reported);

/**
 * tio_mmio_reported() - may a TVM be given a range of a function's BARs?
 * @pdev: the function
 * @report: its interface report, as the device gave it; NULL: none yet
 * @len: bytes in @report
 * @offset: the MMIO reporting offset that the function was locked with, bytes
 * @hpa: physical address, page aligned
 * @size: bytes, page aligned, not 0
 *
 * No more work than ranges in the report, however large @size is. Context: any in
 * which config space can be read.
 *
 * Return: 0; -EACCES: a page of it is not reported as TEE memory or belongs to the
 * MSI-X table or the PBA.
 */
int tio_mmio_reported(struct pci_dev *pdev, const u8 *report, size_t len,
		      u64 offset, u64 hpa, u64 size)
{
	u64 last = hpa + size - 1;
	u64 from = (hpa + offset) >> PAGE_SHIFT;
	u64 to = (last + offset) >> PAGE_SHIFT;

	if (!size || last < hpa || to < from)
		return -EACCES;
	if (touches_msix(pdev, hpa, last) || !all_reported(report, len, from, to))
		return -EACCES;
	return 0;
}
EXPORT_SYMBOL_GPL(tio_mmio_reported);

static bool is_in_one_bar(struct pci_dev *pdev, u64 hpa, u64 size)
{
	for (int bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (tio_bar_is_mem(pdev, bar) &&
		    hpa >= pci_resource_start(pdev, bar) &&
		    hpa + size - 1 <= pci_resource_end(pdev, bar))
			return true;
	return false;
}

/* 0 if the VMM has @hpa at @gpa, privately and in a slot of this TDI */
static int lookup_is(struct pci_tdi *tdi, u64 gpa, phys_addr_t hpa)
{
	phys_addr_t found;
	int rc = pci_tdi_mmio_lookup(tdi, gpa, &found);

	return rc ?: found == hpa ? 0 : -ENXIO;
}

/**
 * tio_mmio_lookup() - where the VMM has put a leaf's worth of a BAR
 * @tdi: the TDI
 * @gpa: guest physical address, page aligned
 * @size: bytes, a power of two, page aligned
 * @hpa: filled with the physical address that is behind @gpa
 *
 * Every page is asked for. The two ends do not speak for what is between: a slot
 * is linear, but nothing says that both are in one slot; between two there can be
 * memory of the VMM; and within one slot each page is private or shared by itself
 * (a page that was shared before bind still is). A leaf that firmware would map
 * over such a hole has the TVM accept, unseen, what the VMM can write. What is
 * found stays: KVM neither deletes a slot of a TDI that is bound to its VM nor
 * makes a page of it shared. The far end is asked first, since it is where a leaf
 * that is too large shows; so is whether all of it is in one BAR.
 *
 * Context: process, under pci_tsm_pf0::lock; takes kvm->srcu. Bounded by @size: a
 * look-up for each 4 KiB, in tens of nanoseconds.
 *
 * Return: 0; -ENOENT: some page has no private slot of this TDI; -ENXIO: all that
 * were seen have, but not in one piece of one BAR; -EINVAL: @gpa or @size.
 */
int tio_mmio_lookup(struct pci_tdi *tdi, u64 gpa, u64 size, phys_addr_t *hpa)
{
	phys_addr_t start;
	int rc;

	if (!size || !PAGE_ALIGNED(gpa) || !PAGE_ALIGNED(size) ||
	    gpa + size - 1 < gpa)
		return -EINVAL;
	rc = pci_tdi_mmio_lookup(tdi, gpa, &start);
	/* a BAR can be smaller than a page, and its page is the function's all the same */
	if (!rc && size > PAGE_SIZE && !is_in_one_bar(tdi->pdev, start, size))
		rc = -ENXIO;
	if (!rc && size > PAGE_SIZE)
		rc = lookup_is(tdi, gpa + size - PAGE_SIZE,
			       start + size - PAGE_SIZE);
	for (u64 at = PAGE_SIZE; !rc && at < size; at += PAGE_SIZE) {
		rc = lookup_is(tdi, gpa + at, start + at);
		if (IS_ALIGNED(at, SZ_2M))
			cond_resched();
	}
	if (!rc)
		*hpa = start;
	return rc;
}
EXPORT_SYMBOL_GPL(tio_mmio_lookup);
