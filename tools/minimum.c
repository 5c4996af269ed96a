// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fewest firmware calls that a bind and an unbind can have, by each vendor's own
 * rules: what has to be called once, and what for every leaf of private MMIO. These
 * are calls of the areas tdi, mmio and dma in the model's table; the life of the TVM,
 * its memory and the link are not counted, nor what the guest does before it asks for
 * an unbind. A guest's own calls count.
 *
 * A driver needs more where it asks for a state, retries, or frees a page early.
 */
#include <string.h>

#include "vendors.h"

#define LARGE		512		/* 4 KiB pages of a 2 MiB leaf */

enum per {
	ONCE,
	LEAF,				/* each leaf */
	BATCH,				/* each 32 leaves of one size (CCA: RMM yields) */
	MESSAGE,			/* each request of a guest, of 2 MiB at most */
	TABLE,				/* each 2 MiB with leaves of 4 KiB in it */
};

struct demand {
	const char *call;
	enum per per;
	unsigned int bind;
	unsigned int unbind;
};

static const struct demand tdx[] = {
	{ "TDH.DEVIF.MT.ADD", ONCE, 1, 0 },	/* removal may be late */
	{ "TDH.MMIO.MT.ADD", TABLE, 1, 0 },	/* removal may be late */
	{ "TDH.DEVIF.CREATE", ONCE, 1, 0 },
	{ "TDH.DEVIF.REMOVE", ONCE, 0, 1 },
	{ "TDH.DEVIF.REQUEST", ONCE, 3, 1 },	/* LOCK, REPORT, START; STOP */
	{ "TDH.DEVIF.RESPONSE", ONCE, 3, 1 },
	{ "TDG.DEVIF.REQUEST", ONCE, 2, 0 },	/* REPORT, START */
	{ "TDG.DEVIF.RESPONSE", ONCE, 2, 0 },
	{ "TDG.DEVIF.VALIDATE", ONCE, 1, 0 },
	{ "TDG.DEVIF.RD", ONCE, 1, 0 },		/* the report */
	{ "TDH.DMAR.ADD", ONCE, 4, 0 },		/* one of each level */
	{ "TDG.DMAR.ACCEPT", ONCE, 1, 0 },
	{ "TDH.DMAR.BLOCK", ONCE, 0, 4 },
	{ "TDH.DMAR.REMOVE", ONCE, 0, 4 },
	{ "TDH.IQ.INV.REQUEST", ONCE, 0, 4 },	/* for each level: one can be blocked */
	{ "TDH.IQ.INV.PROCESS", ONCE, 0, 4 },	/* when that below it is gone */
	{ "TDH.MMIO.MT.SET", LEAF, 1, 1 },
	{ "TDH.MMIO.MAP", LEAF, 1, 0 },
	{ "TDG.MMIO.ACCEPT", LEAF, 1, 0 },
	{ "TDH.MMIO.BLOCK", LEAF, 0, 1 },
	{ "TDH.MMIO.UNMAP", LEAF, 0, 1 },
	{ }
};

static const struct demand sev[] = {
	{ "TIO_TDI_CREATE", ONCE, 1, 0 },
	{ "TIO_TDI_BIND", ONCE, 4, 0 },		/* LOCK, START; again with the answer */
	{ "TIO_TDI_REPORT", ONCE, 2, 0 },	/* again with the answer */
	{ "TIO_ASID_FENCE_CLEAR", ONCE, 1, 1 },
	{ "TIO_GUEST_REQUEST", ONCE, 2, 0 },	/* TDI_INFO, SDTE_WRITE */
	{ "TIO_GUEST_REQUEST", MESSAGE, 1, 0 },	/* MMIO_VALIDATE */
	{ "TIO_TDI_RECLAIM", ONCE, 0, 1 },	/* the guest's STOP has unbound it */
	{ "RMPUPDATE", LEAF, 1, 1 },
	{ }
};

static const struct demand cca[] = {
	{ "RMI_VDEV_CREATE", ONCE, 1, 0 },
	{ "RMI_VDEV_LOCK", ONCE, 1, 0 },
	{ "RMI_VDEV_GET_INTERFACE_REPORT", ONCE, 1, 0 },
	{ "RMI_VDEV_START", ONCE, 1, 0 },
	{ "RMI_VDEV_UNLOCK", ONCE, 0, 1 },
	{ "RMI_VDEV_DESTROY", ONCE, 0, 1 },
	/*
	 * To begin each operation, and for each answer: STOP or LOCK or START, then
	 * GET_STATE; the report in one portion.
	 */
	{ "RMI_VDEV_COMMUNICATE", ONCE, 3 + 3 + 2 + 3, 3 },
	{ "RSI_VDEV_GET_INFO", ONCE, 1, 0 },
	{ "RSI_VDEV_DMA_ENABLE", ONCE, 1, 0 },
	{ "RMI_VDEV_COMPLETE", ONCE, 2, 0 },	/* of those two */
	{ "RSI_VDEV_VALIDATE_MAPPING", MESSAGE, 1, 0 },
	{ "RMI_VDEV_COMPLETE", MESSAGE, 1, 0 },
	{ "RMI_RTT_DEV_MAP", BATCH, 1, 0 },
	{ "RMI_RTT_DEV_VALIDATE", BATCH, 1, 0 },
	{ "RMI_RTT_DEV_UNMAP", BATCH, 0, 1 },
	{ }
};

static const struct rules {
	const char *vendor;
	const struct demand *demands;
	bool large;			/* leaves of 2 MiB */
	unsigned int batch;		/* leaves of one call */
} rules[] = {
	{ "tdx", tdx, true, 1 },
	{ "sev", sev, false, 1 },
	{ "cca", cca, true, 32 },
};

static const struct rules *find(const char *vendor)
{
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!strcmp(rules[i].vendor, vendor))
			return &rules[i];
	return NULL;
}

static uint64_t round_up_div(uint64_t n, uint64_t d)
{
	return (n + d - 1) / d;
}

/* how often @kind is in areas of @pages pages, each aligned to 2 MiB */
static uint64_t times(const struct rules *r, enum per kind,
		      const uint32_t *pages, size_t nr)
{
	uint64_t n = 0, large, small;
	size_t i;

	for (i = 0; i < nr; i++) {
		large = r->large ? pages[i] / LARGE : 0;
		small = pages[i] - large * LARGE;
		if (kind == LEAF)
			n += large + small;
		else if (kind == BATCH)
			n += round_up_div(large, r->batch) +
			     round_up_div(small, r->batch);
		else if (kind == MESSAGE)
			n += round_up_div(pages[i], LARGE);
		else if (kind == TABLE)
			n += round_up_div(small, LARGE);
	}
	return kind == ONCE ? 1 : n;
}

struct vendor_calls vendor_minimum(const char *vendor, const uint32_t *pages,
				   size_t nr)
{
	const struct rules *r = find(vendor);
	struct vendor_calls sum = { 0 };
	const struct demand *d;

	if (!r)
		return sum;
	sum.leaves = times(r, LEAF, pages, nr);
	for (d = r->demands; d->call; d++) {
		sum.bind += d->bind * times(r, d->per, pages, nr);
		sum.unbind += d->unbind * times(r, d->per, pages, nr);
	}
	return sum;
}
