// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a TSM driver gives to firmware, by physical address.
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/tio-tsm.h>

/**
 * tio_page_alloc() - a page that can be given to firmware
 *
 * Zeroed. To be freed with tio_page_free(). Context: process.
 *
 * Return: its physical address, or 0: no memory.
 */
u64 tio_page_alloc(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	return page ? page_to_phys(page) : 0;
}
EXPORT_SYMBOL_GPL(tio_page_alloc);

/**
 * tio_page_free() - undo tio_page_alloc()
 * @page: the address, 0 afterwards; 0 already is fine
 *
 * Firmware does not own the page (any more): one that it may still own is leaked
 * by its owner instead. Context: any.
 */
void tio_page_free(u64 *page)
{
	if (*page)
		__free_page(pfn_to_page(PHYS_PFN(*page)));
	*page = 0;
}
EXPORT_SYMBOL_GPL(tio_page_free);
