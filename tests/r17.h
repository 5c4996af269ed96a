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
 * @also, @also_status: another call that is refused once; 0: none
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
 * @once: one answer only, which takes a second that nobody gets back
 * @refused: and what firmware refuses meanwhile; count 0: nothing
 */
struct manner {
	const char *mode;
	bool error;
	const char *state;
	bool once;
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
 * @stay: during an unbind, and no business of the device's other function
 * @has_escape: a TDI that does not stop can be forced off its link
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
	bool has_escape;
};

extern const struct r17_vendor r17_tdx;
extern const struct r17_vendor r17_sev;
extern const struct r17_vendor r17_cca;

#endif /* TEST_R17_H */
