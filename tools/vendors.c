// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "vendors.h"

static const struct link_table tdx_link[] = {
	{ "streams", 1 }, { "spdm", 1 }, { }
};

static const struct link_table sev_link[] = {
	{ "devs", 1 }, { }
};

/* root port and endpoint, each with its granule */
static const struct link_table cca_link[] = {
	{ "streams", 1 }, { "pdevs", 2 }, { "granules_delegated", 2 }, { }
};

const struct vendor vendors[NR_VENDORS] = {
	{
		.name = "tdx", .title = "Intel TDX Connect",
		.link_tables = tdx_link,
		.tdis = "devifs", .tvms = "tds", .mem_pages = "mem_pages",
	},
	{
		.name = "sev", .title = "AMD SEV-TIO",
		.link_tables = sev_link,
		.tdis = "tdis", .tvms = "guests", .mem_pages = "rmp_assigned",
		.stops_first = true,
	},
	{
		.name = "cca", .title = "Arm CCA",
		.link_tables = cca_link,
		.tdis = "vdevs", .tvms = "realms", .mem_pages = "data_pages",
	},
};

const struct vendor *vendor_find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_VENDORS; i++)
		if (!strcmp(vendors[i].name, name))
			return &vendors[i];
	return NULL;
}

unsigned int vendor_link_most(const char *vendor, const char *table)
{
	const struct vendor *v = vendor_find(vendor);
	const struct link_table *t;

	for (t = v ? v->link_tables : NULL; t && t->name; t++)
		if (!strcmp(t->name, table))
			return t->most;
	return 0;
}
