/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of `make prove` have in common: how much of their set they run,
 * and the line by which scripts/prove counts it.
 *
 * TDI_PROVE in the environment is "full", or absent: then a program runs the slice
 * that make check has time for, and says so in what it reports as planned.
 */
#ifndef TEST_PROVE_H
#define TEST_PROVE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define PROVE_SAY_MS	5000	/* between two lines of progress */
#define PROVE_TIMEOUT	3300	/* s, of a test that runs a whole set */

/**
 * struct prove - one part, for one vendor
 * @part: "orders", "kills", "failures", "races"
 * @planned: runs of the set that this program is to do
 * @run: done so far
 * @failed: of those, the ones that did not end as they must
 * @said_ms: when progress was told last
 */
struct prove {
	const char *part;
	unsigned long planned;
	unsigned long run;
	unsigned long failed;
	uint64_t said_ms;
};

static inline bool prove_full(void)
{
	const char *how = getenv("TDI_PROVE");

	return how && !strcmp(how, "full");
}

/* one more of the set is done; tells progress now and then */
static inline void prove_count(struct prove *p, bool good)
{
	p->run++;
	p->failed += !good;
	if (now_ms() - p->said_ms < PROVE_SAY_MS)
		return;
	p->said_ms = now_ms();
	note("%s.%s: %lu of %lu, %lu failed", p->part, world.vendor->name,
	     p->run, p->planned, p->failed);
}

/* the one line that scripts/prove reads; a program may have several of a part */
static inline void prove_report(const struct prove *p)
{
	note("proof %s %s planned=%lu run=%lu failed=%lu", p->part,
	     world.vendor->name, p->planned, p->run, p->failed);
}

#endif /* TEST_PROVE_H */
