/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * R17: what the engine (r17.c) is told about a vendor (r17_tdx.c, r17_sev.c,
 * r17_cca.c): which calls of its firmware are refused, and what the device's bad
 * manners come to.
 */
#ifndef TEST_R17_H
#define TEST_R17_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "trouble.h"

/* how an unbind ends, or a bind that failed */
enum aftermath {
	CLEAN,
	LATE,		/* firmware keeps what is late until the next bind */
	CUT,		/* the stream is cut instead of a STOP: ERROR */
	LOCKED,		/* the device is left locked, until the next bind */
};

/**
 * struct refusal - what firmware refuses during a bind or an unbind
 * @leaf, @status, @skip, @count: the fault switch
 * @after: how it ends
 * @also, @also_status, @also_count: another call that is refused; 0: none; once if
 *	@also_count is 0
 * @err: of a bind; 0: -EIO
 */
struct refusal {
	uint32_t leaf;
	uint64_t status;
	uint32_t skip;
	uint32_t count;
	enum aftermath after;
	uint32_t also;
	uint64_t also_status;
	uint32_t also_count;
	int err;
};

#define REFUSE(_leaf, _status, _skip, _count, _after, ...)		\
	{ .leaf = _leaf, .status = _status, .skip = _skip,		\
	  .count = _count, .after = _after, ##__VA_ARGS__ }

struct refusals {
	const struct refusal *row;
	size_t nr;
};

/**
 * struct manner - how the device behaves while it is asked to stop
 * @mode: of the mailbox
 * @error: it falls to ERROR before, and the TVM writes on
 * @state: where it ends
 * @once: for a moment only; one answer is lost, which takes a second that nobody gets
 *	 back, unless nonsense is what it answers
 * @kept: the unbind ends in quarantine, and the retry once it behaves in @state
 * @refused: and what firmware refuses meanwhile; count 0: nothing
 */
struct manner {
	const char *mode;
	bool error;
	const char *state;
	bool once;
	bool kept;
	struct refusal refused;
};

#define MANNER(_mode, _error, _state, ...)				\
	{ .mode = _mode, .error = _error, .state = _state, ##__VA_ARGS__ }

struct manners {
	const struct manner *row;
	size_t nr;
};

#define ROWS(table)	{ table, sizeof(table) / sizeof((table)[0]) }

/* a table of firmware that is empty after an unbind, unless @late lets it */
struct r17_table {
	const char *name;
	bool late;
};

/**
 * struct r17_vendor - one vendor
 * @name: as in struct vendor
 * @tables: ended by one without a name
 * @once, @twice: during an unbind
 * @late: during an unbind; what it leaves, the next bind takes away
 * @later: and if that does not succeed, either
 * @later_table: the table that has it, or NULL
 * @bind: during a bind
 * @manners: of the device during an unbind
 * @stay: during an unbind, and no business of the device's other function; if it is
 *	  for ever it ends in quarantine
 * @keep_bind: during a bind, which it makes fail, and then its undoing for ever
 * @has_escape: a TDI that does not stop can be forced off its link
 * @unbind_ms: the longest unbind, whatever the device does: the driver's
 *	       *_UNBIND_WORST_MS
 * @invalid: a status that every call can answer
 */
struct r17_vendor {
	const char *name;
	const struct r17_table *tables;
	struct refusals once;
	struct refusals twice;
	struct refusals late;
	struct refusal later;
	const char *later_table;
	struct refusals bind;
	struct manners manners;
	struct refusal stay;
	struct refusal keep_bind;
	bool has_escape;
	unsigned int unbind_ms;
	uint64_t invalid;
};

extern const struct r17_vendor r17_tdx;
extern const struct r17_vendor r17_sev;
extern const struct r17_vendor r17_cca;

/* those of the vendor that is tested */
static inline const struct r17_vendor *rules(void)
{
	static const struct r17_vendor *const all[] = {
		&r17_tdx, &r17_sev, &r17_cca,
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (world.vendor && !strcmp(all[i]->name, world.vendor->name))
			return all[i];
	return NULL;
}

/* firmware's tables are empty, but for what it may be late with */
static inline bool tables_are_empty(bool late)
{
	const struct r17_table *t;
	bool empty = true;

	for (t = rules()->tables; t->name; t++) {
		if (!world_table(t->name) || (late && t->late))
			continue;
		note("table %s: %ld", t->name, world_table(t->name));
		empty = false;
	}
	return empty;
}

/* a refusal is on, and off */
static inline int refusal_begin(const struct refusal *r)
{
	return refuse(r->leaf, r->status, r->skip, r->count) ?:
	       (r->also ? refuse(r->also, r->also_status, 0,
				 r->also_count ?: 1) : 0);
}

static inline int refusal_end(const struct refusal *r)
{
	return refuse(r->leaf, r->status, 0, 0) ?:
	       (r->also ? refuse(r->also, r->also_status, 0, 0) : 0);
}

#endif /* TEST_R17_H */
