/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep: every failure of every kind that a path can meet, one life each. Which
 * there are is counted in a run without any, and for what the caller's own counters
 * tell (allocations, copies) it goes on until the path succeeds untouched.
 */
#ifndef TEST_FAILS_SWEEP_H
#define TEST_FAILS_SWEEP_H

#include "fails.h"
#include "prove.h"

#define SWEEP_MAX	4096	/* failures of one path */
#define SWEEP_BROKEN	5	/* in a row without a way back: no use to go on */

struct run;

/* before each run: see fails_life.h */
static int run_meet(struct run *r);

/**
 * struct path - a call in whose middle things fail
 * @name: of the call
 * @kinds: a bit of each enum fail_kind that it is to meet
 * @slice: so many of each kind in make check
 * @ready: go where it can be made; nothing to do if it is there still. 0 or -errno
 * @call: make it, and nothing else. 0 or errno
 * @left_out: not to be done, and why; NULL: do it. May be NULL itself
 * @told: tell the model of it, if it is there for that call; NULL: it is not
 * @after: look at what is, and undo; @err is the call's. 0, or -errno when that is
 *	   not allowed
 */
struct path {
	const char *name;
	unsigned int kinds;
	unsigned int slice;
	int (*ready)(struct run *r);
	int (*call)(struct run *r);
	int (*after)(struct run *r, const struct fail *f, int err);
	int (*told)(struct run *r, const struct fail *f, int err);
	const char *(*left_out)(const struct fail *f);
};

#define KIND(kind)	(1u << FAIL_##kind)
#define KINDS_MEMORY	(KIND(ALLOC) | KIND(COPY))
#define KINDS_CALL	(KIND(CALL) | KIND(CALLS))
#define KINDS_DOE	(KIND(LOST) | KIND(GARBAGE) | KIND(WRONG) | KIND(SHORT) | \
			 KIND(ERROR) | KIND(SLOW) | KIND(TOO_SLOW))
#define KINDS_ALL	(KINDS_MEMORY | KINDS_CALL | KINDS_DOE)

/**
 * struct tally - what came of one kind on one path
 * @found: failures that there are
 * @failures, @successes: of the call that met them
 * @copies: of the allocations, those that are user copies and are counted there
 * @wrong: ended as they must not
 * @ms: time it took
 */
struct tally {
	unsigned int found;
	unsigned int failures;
	unsigned int successes;
	unsigned int copies;
	unsigned int wrong;
	uint64_t ms;
};

/**
 * struct sweep - one path being swept
 * @r: the test's own
 * @path: it
 * @proof: the counts of all
 * @has_memory: this kernel can fail allocations and copies
 * @tally: of each kind
 * @broken: runs in a row that could not begin
 */
struct sweep {
	struct run *r;
	const struct path *path;
	struct prove *proof;
	bool has_memory;
	struct tally tally[FAIL_KINDS];
	unsigned int broken;
};

/* what the model has to say, and what is seen */
static int sweep_after(struct sweep *s, const struct fail *f, int err)
{
	const struct path *p = s->path;
	int told = p->told ? p->told(s->r, f, err) : 0;

	return p->after(s->r, f, err) ?: told;
}

/* one run of the path with failure @f: 0, or what is wrong with it */
static int sweep_one(struct sweep *s, struct fail *f)
{
	const struct path *p = s->path;
	int ret, err = 0, armed;

	f->hit = false;
	f->copy = false;
	ret = run_meet(s->r) ?: p->ready(s->r);
	if (ret) {
		/* so that it is tried again */
		f->hit = true;
		s->broken++;
		fail_note(p->name, f, -ret, "cannot begin");
		return ret;
	}
	s->broken = 0;
	armed = fail_arm(f);
	if (!armed)
		err = p->call(s->r);
	ret = fail_disarm(f);
	if (armed || ret)
		return failed(armed ?: ret, "%s: fault injection", p->name);
	ret = sweep_after(s, f, err);
	if (ret)
		fail_note(p->name, f, err, "not as it must be");
	if (f->hit && !(f->kind == FAIL_ALLOC && f->copy)) {
		s->tally[f->kind].failures += err != 0;
		s->tally[f->kind].successes += !err;
	}
	return ret;
}

static bool sweep_is_over(const struct sweep *s)
{
	return s->broken >= SWEEP_BROKEN;
}

/* counted as planned when it is known that there is such a failure */
static void sweep_count(struct sweep *s, const struct fail *f, int ret)
{
	struct tally *t = &s->tally[f->kind];

	s->proof->planned++;
	t->found++;
	t->wrong += ret != 0;
	prove_count(s->proof, !ret);
}

/* in full all; in the slice, @slice of @all, the first and the last among them */
static unsigned int sweep_step(const struct sweep *s, unsigned int all)
{
	unsigned int most = s->path->slice;

	if (prove_full() || all <= most)
		return 1;
	return (all + most - 1) / most;
}

/* how many there are, by a run without; what is wrong with that is a failure too */
static int sweep_measure(struct sweep *s, enum fail_kind kind)
{
	struct fail f = { .kind = kind, .n = FAULT_NEVER };
	int ret, err, left = 0;

	ret = run_meet(s->r) ?: s->path->ready(s->r);
	if (ret)
		return ret;
	if (kind == FAIL_ALLOC) {
		ret = fault_hits_begin() ?: fault_nth(f.n);
		err = s->path->call(s->r);
		ret = fail_disarm_nth(&f, &left) ?: ret;
		left = FAULT_NEVER - left;
	} else {
		ret = fault_copy_nth(f.n);
		err = s->path->call(s->r);
		left = fault_copy_end(f.n, &f.hit);
	}
	ret = ret ?: sweep_after(s, &(struct fail){ .kind = FAIL_NONE }, err);
	return ret ?: left;
}

/* the caller's own: on until none of it fails */
static void sweep_memory(struct sweep *s, enum fail_kind kind)
{
	struct fail f = { .kind = kind };
	unsigned int step = 1, n;
	int all, ret;

	all = sweep_measure(s, kind);
	if (all < 0) {
		failed(all, "%s: run without failures", s->path->name);
		sweep_count(s, &f, all);
		return;
	}
	step = sweep_step(s, all);
	for (n = 1, f.hit = true; f.hit && n < SWEEP_MAX; n += step) {
		f.n = n;
		ret = sweep_one(s, &f);
		if (sweep_is_over(s))
			break;
		if (f.copy && kind == FAIL_ALLOC) {
			s->tally[kind].copies++;
			/* and not one of this set, unless it ends badly */
			if (!ret)
				continue;
		}
		if (f.hit || ret)
			sweep_count(s, &f, ret);
	}
}

/* what there is in one run: firmware's calls and exchanges with the device */
static int sweep_look(struct sweep *s, struct calls *calls, long *exchanges)
{
	static struct calls before;
	int ret, err;

	ret = run_meet(s->r) ?: s->path->ready(s->r) ?: calls_take(&before);
	if (ret)
		return ret;
	*exchanges = doe_exchanges();
	err = s->path->call(s->r);
	*exchanges = doe_exchanges() - *exchanges;
	ret = calls_take(calls);
	calls_since(calls, &before);
	return ret ?: sweep_after(s, &(struct fail){ .kind = FAIL_NONE }, err);
}

/* what was counted must come; that it does not is a failure */
static void sweep_counted(struct sweep *s, struct fail *f)
{
	int ret = sweep_one(s, f);

	if (!ret && !f->hit) {
		ret = -ENODATA;
		fail_note(s->path->name, f, 0, "never came");
	}
	sweep_count(s, f, ret);
}

static bool sweep_leaves_out(const struct sweep *s, const struct fail *f)
{
	const char *why = s->path->left_out ? s->path->left_out(f) : NULL;

	if (why)
		note("%s, %s %u of %s: left out: %s", s->path->name,
		     fail_names[f->kind], f->n, f->call, why);
	return why;
}

static void sweep_calls(struct sweep *s, enum fail_kind kind,
			const struct calls *calls)
{
	unsigned int all = 0, step, nr = 0;
	struct fail f = { .kind = kind };
	size_t i;

	for (i = 0; i < calls->nr; i++)
		all += calls->call[i].count;
	step = sweep_step(s, all);
	for (i = 0; i < calls->nr; i++) {
		f.leaf = calls->call[i].leaf;
		memcpy(f.call, calls->call[i].name, sizeof(f.call));
		for (f.n = 1; f.n <= calls->call[i].count; f.n++)
			if (!(nr++ % step) && !sweep_is_over(s) &&
			    !sweep_leaves_out(s, &f))
				sweep_counted(s, &f);
	}
}

static void sweep_exchanges(struct sweep *s, enum fail_kind kind, long all)
{
	struct fail f = { .kind = kind };
	unsigned int step = sweep_step(s, all);

	for (f.n = 1; f.n <= all && !sweep_is_over(s); f.n += step)
		sweep_counted(s, &f);
}

static void sweep_kind(struct sweep *s, enum fail_kind kind,
		       const struct calls *calls, long exchanges)
{
	struct tally *t = &s->tally[kind];

	t->ms = now_ms();
	if (kind == FAIL_ALLOC || kind == FAIL_COPY)
		sweep_memory(s, kind);
	else if (kind == FAIL_CALL || kind == FAIL_CALLS)
		sweep_calls(s, kind, calls);
	else
		sweep_exchanges(s, kind, exchanges);
	t->ms = now_ms() - t->ms;
	/* that there is none is told of the caller's own only */
	if (t->found || kind == FAIL_ALLOC || kind == FAIL_COPY)
		note("%-24s %-17s %3u found %3u failed %3u succeeded %u wrong%s %llu ms",
		     s->path->name, fail_names[kind], t->found, t->failures,
		     t->successes, t->wrong, t->copies ? ", copies besides" : "",
		     (unsigned long long)t->ms);
}

/* all kinds of @path; answers how many ended as they must not, or -errno */
static int sweep(struct sweep *s, const struct path *path)
{
	static struct calls calls;
	long exchanges = 0;
	int kind, ret, wrong = 0;

	s->path = path;
	s->broken = 0;
	memset(s->tally, 0, sizeof(s->tally));
	calls.nr = 0;
	if (path->kinds & (KINDS_CALL | KINDS_DOE)) {
		ret = sweep_look(s, &calls, &exchanges);
		if (ret) {
			s->proof->planned++;
			prove_count(s->proof, false);
			return failed(ret, "%s: run without failures", path->name);
		}
	}
	for (kind = FAIL_NONE + 1; kind < FAIL_KINDS; kind++) {
		if (!(path->kinds & (1u << kind)) ||
		    (!s->has_memory && (kind == FAIL_ALLOC || kind == FAIL_COPY)))
			continue;
		sweep_kind(s, kind, &calls, exchanges);
		wrong += s->tally[kind].wrong;
	}
	return wrong;
}

#endif /* TEST_FAILS_SWEEP_H */
