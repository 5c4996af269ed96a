// SPDX-License-Identifier: GPL-2.0-only
/*
 * R17 call by call: whichever call of an unbind firmware refuses, once, a few times or
 * for ever, and whichever of a bind for ever (once is r16's). Which calls there are is
 * not written down here: firmware's own counters tell after a healthy bind and unbind.
 *
 * What has a constant number of calls is swept whole; of what is called for each leaf
 * of private MMIO the first, a middle one and the last.
 */
#include <stdio.h>

#include "fixture.h"
#include "r17.h"

#define BIND_MS		10000	/* what an ioctl may hold its object for */
#define WHOLE		3	/* calls of a kind that are swept whole */
#define A_FEW		2	/* refusals in a row that any teardown outlasts */

/* which one of @count comes after @n; -1: that was the last */
static long next_of(long n, long count)
{
	if (count <= WHOLE || n < 0)
		return n + 1 < count ? n + 1 : -1;
	return n >= count - 1 ? -1 : n ? count - 1 : count / 2;
}

static int run_it(FIXTURE_DATA(tvm) *self)
{
	return tvm_to_locked(self) ?: fn_run(&self->fn);
}

static int in_time(uint64_t begin, unsigned int limit, const char *what)
{
	uint64_t ms = now_ms() - begin;

	if (ms <= limit)
		return 0;
	note("%s took %llu ms, and may take %u", what, (unsigned long long)ms,
	     limit);
	return -ETIME;
}

static int unbind_it(struct fn *fn)
{
	uint64_t begin = now_ms();
	int ret = fn_unbind(fn);

	return in_time(begin, rules()->unbind_ms, "unbind") ?: ret;
}

static int bind_it(struct fn *fn)
{
	uint64_t begin = now_ms();
	int ret = fn_bind(fn);

	return in_time(begin, BIND_MS, "bind") ?: ret;
}

/* it is in quarantine as long as firmware refuses, and no longer */
static int come_back(struct fn *fn, uint32_t leaf)
{
	int ret;

	if (!is_quarantined(fn->nr))
		return -EUCLEAN;
	ret = refuse(leaf, rules()->invalid, 0, 0) ?:
	      failed(tdi_retry(fn->nr), "retry");
	if (!ret)
		fn->guest = false;
	return ret ?: tdi_state_is(fn->nr, "unbound") ? 0 : -EUCLEAN;
}

/* one life whose unbind meets a refusal; @may_keep: it may end in quarantine */
static int refused_unbind(FIXTURE_DATA(tvm) *self, uint32_t leaf, long skip,
			  uint32_t count, bool may_keep)
{
	long before = calls_count(leaf);
	int ret;

	ret = run_it(self);
	if (ret)
		return failed(ret, "bind and run");
	before = calls_count(leaf);
	ret = refuse(leaf, rules()->invalid, skip, count);
	if (ret)
		return ret;
	ret = unbind_it(&self->fn);
	if (!ret && calls_count(leaf) <= before + skip)
		ret = failed(-ENODATA, "was not refused");
	if (ret == -EIO && may_keep)
		ret = come_back(&self->fn, leaf);
	else
		failed(ret, "unbind");
	return refuse(leaf, rules()->invalid, 0, 0) ?: ret ?:
	       tables_are_empty(true) ? 0 : -EUCLEAN;
}

static int sweep_unbind(FIXTURE_DATA(tvm) *self, uint32_t leaf, long nr)
{
	long n = -1;
	int ret = 0;

	while (!ret && (n = next_of(n, nr)) >= 0) {
		ret = refused_unbind(self, leaf, n, 1, false);
		if (ret)
			note("once, after %ld", n);
	}
	if (!ret) {
		ret = refused_unbind(self, leaf, 0, A_FEW, false);
		if (ret)
			note("%u times", A_FEW);
	}
	if (!ret) {
		ret = refused_unbind(self, leaf, 0, FOR_EVER, true);
		if (ret)
			note("for ever");
	}
	return ret;
}

TVM_TEST(every_call_of_unbind)
{
	static struct calls before, calls;
	size_t i;

	/* what has to be cut is cut, and that is not swept for falls */
	self->base.trace = false;
	ASSERT_EQ(0, run_it(self));
	ASSERT_EQ(0, calls_take(&before));
	ASSERT_EQ(0, unbind_it(&self->fn));
	ASSERT_EQ(0, calls_take(&calls));
	calls_since(&calls, &before);
	ASSERT_LT(0, calls.nr);
	for (i = 0; i < calls.nr; i++) {
		ASSERT_EQ(0, sweep_unbind(self, calls.call[i].leaf,
					  calls.call[i].count))
			note("%s, %ld calls", calls.call[i].name,
			     calls.call[i].count);
	}
	ASSERT_EQ(0, run_it(self));
	EXPECT_EQ(0, unbind_it(&self->fn));
	EXPECT_TRUE(tables_are_empty(false));
}

static bool is_errno_of_bind(int ret)
{
	return ret == -EIO || ret == -ENOMEM || ret == -EBADMSG ||
	       ret == -ETIMEDOUT || ret == -ENXIO;
}

/* a bind that meets a refusal: bound all the same, nothing, or on the way out */
static int refused_bind(FIXTURE_DATA(tvm) *self, uint32_t leaf)
{
	struct fn *fn = &self->fn;
	char state[160];
	int ret, bound;

	ret = refuse(leaf, rules()->invalid, 0, FOR_EVER);
	if (ret)
		return ret;
	bound = bind_it(fn);
	ret = tdi_state(0, state, sizeof(state));
	if (!ret && bound && !is_errno_of_bind(bound))
		ret = failed(-EBADE, "bind: %d", bound);
	if (!ret && bound && !strncmp(state, "quarantined", 11))
		ret = come_back(fn, leaf);
	else if (!ret && bound && strncmp(state, "unbound", 7))
		ret = failed(-EUCLEAN, "state after a bind that failed: %s", state);
	ret = refuse(leaf, rules()->invalid, 0, 0) ?: ret;
	if (!ret && !bound)
		ret = failed(unbind_it(fn), "unbind");
	if (!ret && !tables_are_empty(true))
		ret = -EUCLEAN;
	/* and nothing is left that the next one minds */
	return ret ?: failed(bind_it(fn), "next bind") ?:
	       failed(unbind_it(fn), "and its unbind");
}

/* a TVM's later binds; those that make its first one are r17's */
TVM_TEST(every_call_of_bind)
{
	static struct calls before, calls;
	size_t i;

	self->base.trace = false;
	ASSERT_EQ(0, bind_it(&self->fn));
	ASSERT_EQ(0, unbind_it(&self->fn));
	ASSERT_EQ(0, calls_take(&before));
	ASSERT_EQ(0, bind_it(&self->fn));
	ASSERT_EQ(0, calls_take(&calls));
	ASSERT_EQ(0, unbind_it(&self->fn));
	calls_since(&calls, &before);
	ASSERT_LT(0, calls.nr);
	for (i = 0; i < calls.nr; i++) {
		ASSERT_EQ(0, refused_bind(self, calls.call[i].leaf))
			note("%s", calls.call[i].name);
	}
	ASSERT_EQ(0, run_it(self));
	EXPECT_EQ(0, unbind_it(&self->fn));
	EXPECT_TRUE(tables_are_empty(false));
}

TVM_MAIN
