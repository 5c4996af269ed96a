// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface report of a TDI, as far as firmware reads it: which pages are the
 * TDI's. The device wrote it, nothing in it is trusted before sf_report_check().
 */
#include <linux/overflow.h>

#include "fw.h"

#define PAGE_NR_MASK	GENMASK_ULL(51, 0)	/* (address + offset) mod 2^64, >> 12 */
#define MAX_PAGE_NR	BIT_ULL(40)		/* physical addresses have 52 bits */

static const struct tdisp_report *header(const struct sf_tdi *tdi)
{
	return (const struct tdisp_report *)tdi->report;
}

/* range @index of a report that is long enough for it */
static void read_range(const struct sf_tdi *tdi, u32 index, struct sf_range *range)
{
	const struct tdisp_mmio_range *raw = &header(tdi)->range[index];
	u64 page = le64_to_cpu(raw->first_page) -
		   (tdi->reporting_offset >> PAGE_SHIFT);

	*range = (struct sf_range) {
		.hpa = (page & PAGE_NR_MASK) << PAGE_SHIFT,
		.pages = le32_to_cpu(raw->pages),
		.attributes = le16_to_cpu(raw->attributes),
	};
}

/* are the first @len bytes a whole report, with ranges that can be? */
bool sf_report_check(const struct sf_tdi *tdi, u32 len)
{
	const struct tdisp_report *report = header(tdi);
	struct sf_range range;
	size_t need;
	u32 nr;

	if (len < sizeof(*report))
		return false;
	nr = le32_to_cpu(report->nr_ranges);
	need = size_add(struct_size(report, range, nr), sizeof(__le32));
	if (need > len)
		return false;
	for (u32 i = 0; i < nr; i++) {
		read_range(tdi, i, &range);
		if (!range.pages ||
		    (range.hpa >> PAGE_SHIFT) + range.pages > MAX_PAGE_NR)
			return false;
	}
	return true;
}

/* range @index of the report that was checked; false: there is none */
bool sf_report_range(const struct sf_tdi *tdi, u32 index, struct sf_range *range)
{
	if (!tdi->report_done || index >= le32_to_cpu(header(tdi)->nr_ranges))
		return false;
	read_range(tdi, index, range);
	return true;
}

/* is page @hpa in a range of the report? */
bool sf_report_names(const struct sf_tdi *tdi, u64 hpa)
{
	struct sf_range range;

	for (u32 i = 0; sf_report_range(tdi, i, &range); i++)
		if (hpa >= range.hpa &&
		    (hpa - range.hpa) >> PAGE_SHIFT < range.pages)
			return true;
	return false;
}
