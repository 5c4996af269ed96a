/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One failure that a call is to meet, ordered before and looked at after: the Nth
 * allocation or user copy of the caller, the Nth call of a kind that firmware
 * refuses, the Nth exchange with the device that goes wrong.
 */
#ifndef TEST_FAILS_H
#define TEST_FAILS_H

#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "r17.h"
#include "trouble.h"

#define FAIL_SLOW_MS		850	/* DOE allows 1000 for an answer */
#define FAIL_TOO_SLOW_MS	1200

enum fail_kind {
	FAIL_NONE,
	FAIL_ALLOC,
	FAIL_COPY,
	FAIL_CALL,		/* refused once */
	FAIL_CALLS,		/* and from there on for ever */
	FAIL_LOST,
	FAIL_GARBAGE,
	FAIL_WRONG,
	FAIL_SHORT,
	FAIL_ERROR,
	FAIL_SLOW,
	FAIL_TOO_SLOW,
	FAIL_KINDS,
};

static const char *const fail_names[FAIL_KINDS] = {
	"nothing", "allocation", "user copy", "call once", "call for ever",
	"exchange lost", "exchange garbage", "exchange wrong", "exchange short",
	"exchange error", "exchange slow", "exchange too slow",
};

/* the mailbox's words for it */
static const char *const fail_modes[FAIL_KINDS] = {
	[FAIL_LOST] = "lost",
	[FAIL_GARBAGE] = "garbage",
	[FAIL_WRONG] = "wrong",
	[FAIL_SHORT] = "short",
	[FAIL_ERROR] = "error",
	[FAIL_SLOW] = "slow 850",
	[FAIL_TOO_SLOW] = "slow 1200",
};

/**
 * struct fail - a failure
 * @kind: of what
 * @n: which one, from 1
 * @leaf, @call: of firmware
 * @hit: it has come; @n was not too many
 * @copy: an allocation that was a user copy: both have one count in fail-nth
 * @count: calls of @leaf before
 */
struct fail {
	enum fail_kind kind;
	unsigned int n;
	uint32_t leaf;
	char call[40];
	bool hit;
	bool copy;
	long count;
};

static inline bool fail_is_memory(const struct fail *f)
{
	return f->kind == FAIL_ALLOC || f->kind == FAIL_COPY;
}

static inline bool fail_is_call(const struct fail *f)
{
	return f->kind == FAIL_CALL || f->kind == FAIL_CALLS;
}

static inline bool fail_is_copy(const struct fail *f)
{
	return f->hit && (f->kind == FAIL_COPY || f->copy);
}

/* a call that firmware or the device was made to fail in may answer 0: what they say is the guest's business */
static inline bool fail_explains(const struct fail *f, int err)
{
	if (!f->hit || f->kind == FAIL_SLOW)
		return false;
	if (fail_is_copy(f))
		return err == EFAULT;
	if (f->kind == FAIL_ALLOC)
		return err == ENOMEM;
	return !err || err == EIO || err == ETIMEDOUT || err == EPROTO ||
	       err == EBADMSG || (fail_is_call(f) && err == ENOMEM);
}

static inline void fail_note(const char *path, const struct fail *f, int err,
			     const char *what)
{
	note("%s, %s %u%s%s: errno %d%s: %s", path, fail_names[f->kind], f->n,
	     fail_is_call(f) ? " of " : "", fail_is_call(f) ? f->call : "", err,
	     f->copy ? " (a user copy)" : "", what);
}

static int fail_arm_doe(const struct fail *f)
{
	char line[64];

	snprintf(line, sizeof(line), "%s nth %u", fail_modes[f->kind], f->n);
	return world_write("doe_mode", line);
}

static int fail_arm(struct fail *f)
{
	f->hit = false;
	f->copy = false;
	switch (f->kind) {
	case FAIL_NONE:
		return 0;
	case FAIL_ALLOC:
		return fault_hits_begin() ?: fault_nth(f->n);
	case FAIL_COPY:
		return fault_copy_nth(f->n);
	case FAIL_CALL:
	case FAIL_CALLS:
		f->count = calls_count(f->leaf);
		return refuse(f->leaf, rules()->invalid, f->n - 1,
			      f->kind == FAIL_CALL ? 1 : FOR_EVER);
	default:
		return fail_arm_doe(f);
	}
}

/* what an allocation was, is what has failed since */
static int fail_disarm_nth(struct fail *f, int *left)
{
	long hits[FAULT_POINTS];
	int ret;

	*left = fault_left();
	f->hit = !*left;
	ret = fault_hits(hits);
	f->copy = f->hit && hits[FAULT_COPY];
	return ret;
}

static int fail_disarm_doe(struct fail *f)
{
	char text[64];
	int ret;

	ret = world_read("doe_mode", text, sizeof(text));
	/* one that waits for its number says so */
	f->hit = !strncmp(text, "normal", 6);
	return ret ?: world_write("doe_mode", "normal");
}

/* nothing fails any more, and it is known whether it did: 0 or -errno */
static int fail_disarm(struct fail *f)
{
	int ret;

	switch (f->kind) {
	case FAIL_NONE:
		return 0;
	case FAIL_ALLOC:
		return fail_disarm_nth(f, &(int){ 0 });
	case FAIL_COPY:
		ret = fault_copy_end(f->n, &f->hit);
		return ret < 0 ? ret : 0;
	case FAIL_CALL:
	case FAIL_CALLS:
		ret = refuse(f->leaf, rules()->invalid, 0, 0);
		f->hit = calls_count(f->leaf) - f->count >= (long)f->n;
		return ret;
	default:
		return fail_disarm_doe(f);
	}
}

#endif /* TEST_FAILS_H */
