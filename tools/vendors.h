/* SPDX-License-Identifier: GPL-2.0-only */
/* the vendors of the emulated platform: what tools and tests know of each, in one place */
#ifndef TDI_VENDORS_H
#define TDI_VENDORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NR_VENDORS	3
#define VENDOR_DIR	"/sys/kernel/debug/teemu"
#define VENDOR_NAME_MAX	16

/* a table of firmware that a link fills, and how far */
struct link_table {
	const char *name;
	unsigned int most;
};

/**
 * struct vendor - one vendor
 * @name: "tdx"; its folder is VENDOR_DIR/@name, its TSM's device "teemu-@name"
 * @title: for people
 * @link_tables: tables of its firmware that are not empty while its link is
 *		 connected, the first is of links; ended by one without a name
 * @tdis, @tvms, @mem_pages: tables of its objects of TDIs and of TVMs, and of the
 *	  private memory that trusted DMA reaches
 * @stops_first: its guest stops the TDI before it asks for an unbind; if not, the
 *		 unbind stops it
 */
struct vendor {
	const char *name;
	const char *title;
	const struct link_table *link_tables;
	const char *tdis;
	const char *tvms;
	const char *mem_pages;
	bool stops_first;
};

extern const struct vendor vendors[NR_VENDORS];

/* NULL: no such vendor */
const struct vendor *vendor_find(const char *name);
/* what firmware's table @table may count with a link and no TDI */
unsigned int vendor_link_most(const char *vendor, const char *table);

/**
 * struct vendor_calls - how many firmware calls about the device itself there are
 * @bind: from the request to bind to the end of the guest's acceptance
 * @unbind: from the request to unbind to its end
 * @leaves: fewest leaves of private MMIO that the accepted pages take
 */
struct vendor_calls {
	uint64_t bind;
	uint64_t unbind;
	uint64_t leaves;
};

/*
 * minimum.c: what firmware demands when @nr areas of private MMIO are accepted, of
 * @pages 4 KiB pages each, which begin at a border of 2 MiB
 */
struct vendor_calls vendor_minimum(const char *vendor, const uint32_t *pages,
				   size_t nr);

#endif /* TDI_VENDORS_H */
