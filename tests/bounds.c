// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bounds: how many firmware calls a bind and an unbind take, how long they may
 * take with a dead device, and who waits for whom. The numbers are those of the
 * drivers' headers, which say what they consist of.
 *
 * Time is the emulated machine's, and the machine is slow: SLACK_MS is for it.
 */
#include "bounds_drivers.h"
#include "child.h"
#include "fixture.h"
#include "raw.h"
#include "trail.h"

#define SLACK_MS	1500

/**
 * struct bound - of one vendor
 * @leaf_bind, @leaf_unbind: firmware calls of each leaf of private MMIO
 * @bind, @unbind: all others
 * @tables: firmware's tables for the leaves of the two BARs, and the guest's
 *	    requests, which are no leaves
 * @unbind_ms: with any device
 */
static const struct bound {
	const char *name;
	long leaf_bind;
	long leaf_unbind;
	long bind;
	long unbind;
	long tables;
	unsigned int unbind_ms;
} bounds[] = {
	{ "tdx", TDX_BIND_LEAF_CALLS, TDX_UNBIND_LEAF_CALLS, TDX_BIND_CALLS,
	  TDX_UNBIND_CALLS, 12, TDX_UNBIND_WORST_MS },
	{ "sev", SEV_BIND_PAGE_CALLS, SEV_UNBIND_PAGE_CALLS, SEV_BIND_CALLS,
	  SEV_UNBIND_CALLS, 12, SEV_UNBIND_WORST_MS },
	{ "cca", CCA_LEAF_BIND_CALLS, CCA_LEAF_UNBIND_CALLS, CCA_BIND_CALLS,
	  CCA_UNBIND_CALLS, 12, CCA_UNBIND_WORST_MS },
};

static const struct bound *bound(void)
{
	const struct bound *b = bounds;

	while (strcmp(b->name, world.vendor->name))
		b++;
	return b;
}

/* ---- calls ---- */

/* so far, of those that are about a TDI; TVM, its memory and the link are not */
static long tdi_calls(void)
{
	static char text[65536];
	char *line, *save, area[8];
	long sum = 0, n;

	if (world_read("calls", text, sizeof(text)))
		return -1;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "call\t%*s\t%*s\t%*s\t%7s\t%*s\t%ld", area,
			   &n) == 2 &&
		    (!strcmp(area, "tdi") || !strcmp(area, "mmio") ||
		     !strcmp(area, "dma")))
			sum += n;
	return sum;
}

/* one life with @more leaves beyond what fn_run() accepts */
static int count_life(FIXTURE_DATA(tvm) *self, unsigned int more, long *bind,
		      long *unbind)
{
	long a, b, c;
	int ret;

	a = tdi_calls();
	ret = failed(fn_bind(&self->fn), "bind") ?: fn_run(&self->fn);
	if (!ret && more)
		ret = fn_accept_mmio(&self->fn, TEEMU_BAR_MEM, FN_BAR2_PAGES,
				     more);
	b = tdi_calls();
	ret = ret ?: failed(fn_unbind(&self->fn), "unbind") ?:
	      fn_enable(&self->fn);
	c = tdi_calls();
	*bind = b - a;
	*unbind = c - b;
	return ret ?: a < 0 || b <= a || c <= b ? -EIO : 0;
}

TVM_TEST(firmware_calls)
{
	const unsigned int few = FN_BAR0_PAGES + FN_BAR2_PAGES, more = 200;
	const struct bound *b = bound();
	long bind[2], unbind[2];

	trail_watches_off();
	/* the first life makes what stays for all */
	EXPECT_EQ(0, count_life(self, 0, &bind[0], &unbind[0]));
	EXPECT_GE(b->leaf_bind * few + b->bind + b->tables, bind[0]);
	EXPECT_GE(b->leaf_unbind * few + b->unbind + b->tables, unbind[0]);
	note("%u leaves: bind %ld, unbind %ld", few, bind[0], unbind[0]);
	EXPECT_EQ(0, count_life(self, 0, &bind[0], &unbind[0]));
	EXPECT_EQ(0, count_life(self, more, &bind[1], &unbind[1]));
	trail_watches_on();
	note("%u leaves: bind %ld, unbind %ld", few, bind[0], unbind[0]);
	note("%u leaves: bind %ld, unbind %ld", few + more, bind[1], unbind[1]);
	EXPECT_GE(b->leaf_bind * (few + more) + b->bind + b->tables, bind[1]);
	EXPECT_GE(b->leaf_unbind * (few + more) + b->unbind + b->tables,
		  unbind[1]);
	/* that much for each leaf, and what is left is a constant */
	EXPECT_GE(b->leaf_unbind * more, unbind[1] - unbind[0]);
	EXPECT_GE(b->leaf_bind * more + b->tables, bind[1] - bind[0]);
	/* none of it is for nothing: the leaves were really there */
	EXPECT_LT(0, unbind[1] - unbind[0]);
}

/* ---- a dead device ---- */

/* @ms that something took, at most @most of them */
static bool in_time(const char *what, uint64_t begin, unsigned int most)
{
	uint64_t ms = now_ms() - begin;

	note("%s: %llu ms of %u", what, (unsigned long long)ms, most);
	return ms <= most + SLACK_MS;
}

/* the way out of quarantine, when the device is well again */
static int retry(void)
{
	char text[128] = "";

	if (tdi_attr_read(world.bdf[0], "tdi/state", text, sizeof(text)))
		return 0;
	if (strncmp(text, "quarantined", strlen("quarantined")))
		return 0;
	note("%s", text);
	return failed(tdi_attr_write(world.bdf[0], "tdi/retry", "1"), "retry");
}

/* there is a way out on this kernel, or this vendor has a force */
static bool can_end(void)
{
	char text[128];

	return strcmp(world.vendor->name, "cca") ||
	       !tdi_attr_read(world.bdf[0], "tdi/state", text, sizeof(text));
}

TVM_TEST(dead_device)
{
	const struct bound *b = bound();
	uint64_t begin;
	int ret;

	if (!can_end())
		SKIP(return, "no force, and no way out of quarantine");
	self->base.trace = false;
	trail_watches_off();
	ASSERT_EQ(0, fn_bind(&self->fn));
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_START));
	ASSERT_EQ(0, world_write("doe_mode", "silent"));
	begin = now_ms();
	EXPECT_NE(0, fn_start(&self->fn));
	EXPECT_TRUE(in_time("request", begin, TIO_HOLD_MS - SLACK_MS));
	begin = now_ms();
	ret = fn_unbind(&self->fn);
	EXPECT_TRUE(in_time("unbind", begin, b->unbind_ms));
	EXPECT_TRUE(!ret || ret == -EIO);
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(0, retry());
	EXPECT_EQ(0, raw_unbind(&self->fn));
	ASSERT_EQ(0, world_disconnect() ?: world_connect());
	self->fn.guest = false;
	EXPECT_EQ(0, fn_enable(&self->fn));

	ASSERT_EQ(0, world_write("doe_mode", "silent"));
	begin = now_ms();
	EXPECT_NE(0, fn_bind(&self->fn));
	EXPECT_TRUE(in_time("bind", begin, TIO_HOLD_MS - SLACK_MS));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	trail_watches_on();
	EXPECT_EQ(0, retry());
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, fn_unbind(&self->fn));
}

/* ---- a slow device beside a fast one ---- */

#define SLOW_MS		900	/* of an exchange; DOE gives up at 1 s */
#define LINK_SLOW_MS	300	/* while its link is connected: more exchanges */

#define NEIGHBOUR_SLOW		'S'
#define NEIGHBOUR_NORMAL	'N'
#define NEIGHBOUR_REQUEST	'R'
#define NEIGHBOUR_CUT		'C'	/* its link, and then it is slow */
#define NEIGHBOUR_CONNECT	'K'

static int slow(unsigned int ms)
{
	char text[16];

	snprintf(text, sizeof(text), "slow %u", ms);
	return world_write("doe_mode", text);
}

static int neighbour(struct vm *vm, struct fn *fn, int op, int to)
{
	switch (op) {
	case NEIGHBOUR_SLOW:
		return slow(SLOW_MS);
	case NEIGHBOUR_NORMAL:
		return world_write("doe_mode", "normal");
	case NEIGHBOUR_REQUEST:
		return fn_run(fn);
	case NEIGHBOUR_CUT:
		return world_disconnect() ?: slow(LINK_SLOW_MS);
	case NEIGHBOUR_CONNECT:
		return world_connect();
	default:
		return child_do(vm, fn, op, to);
	}
}

/* what the fast one takes, in ms: the longest and the shortest of its lives */
struct lives {
	int nr;
	struct span {
		uint64_t min;
		uint64_t max;
	} bind, requests, unbind;
};

static void add(struct span *s, uint64_t ms)
{
	s->max = ms > s->max ? ms : s->max;
	s->min = !s->min || ms < s->min ? ms : s->min;
}

static int live(FIXTURE_DATA(tvm) *self, struct lives *l)
{
	uint64_t t[4];
	int ret;

	t[0] = now_ms();
	ret = fn_bind(&self->fn);
	t[1] = now_ms();
	ret = ret ?: fn_run(&self->fn);
	t[2] = now_ms();
	ret = ret ?: fn_unbind(&self->fn);
	t[3] = now_ms();
	add(&l->bind, t[1] - t[0] + 1);
	add(&l->requests, t[2] - t[1] + 1);
	add(&l->unbind, t[3] - t[2] + 1);
	l->nr++;
	return ret ?: fn_enable(&self->fn);
}

static void note_lives(const char *when, const struct lives *l)
{
	note("%s: %d lives; ms: bind %llu to %llu, requests %llu to %llu, unbind %llu to %llu",
	     when, l->nr, (unsigned long long)l->bind.min,
	     (unsigned long long)l->bind.max,
	     (unsigned long long)l->requests.min,
	     (unsigned long long)l->requests.max,
	     (unsigned long long)l->unbind.min,
	     (unsigned long long)l->unbind.max);
}

/* the fast one lives until the slow one has done @op: how long that took, in ms */
static uint64_t meanwhile(struct __test_metadata *_metadata,
			  FIXTURE_DATA(tvm) *self, struct child *c, int op,
			  struct lives *l)
{
	uint64_t begin = now_ms();
	int answer = -1, ret;

	EXPECT_EQ(0, child_order(c, op));
	/* it has begun */
	sleep_ms(20);
	do {
		EXPECT_EQ(0, live(self, l));
		ret = child_answer(c, &answer, 0);
	} while (ret == -ETIMEDOUT && now_ms() < begin + CHILD_MS &&
		 __test_passed(_metadata));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, answer);
	return now_ms() - begin;
}

static const char *a_neighbour(void)
{
	return strcmp(world.vendor->name, "tdx") ? "tdx" : "sev";
}

/*
 * Two vendors have no lock in common but the TSM core's. If bind, unbind or requests
 * waited for the neighbour's exchange, each of them would take that long while its
 * operation lasts: it is at an exchange all the time.
 */
TVM_TEST(slow_beside_fast)
{
	static const struct {
		const char *name;
		int op;
	} ops[] = {
		{ "neighbour binds", CHILD_BIND },
		{ "neighbour's guest asks", NEIGHBOUR_REQUEST },
		{ "neighbour unbinds", CHILD_UNBIND },
	};
	struct child c;
	uint64_t took;
	size_t i;

	ASSERT_EQ(0, child_start(&c, a_neighbour(), 0, neighbour));
	ASSERT_EQ(0, child_tell(&c, CHILD_OPEN));
	ASSERT_EQ(0, child_tell(&c, NEIGHBOUR_SLOW));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct lives l = { 0 };

		took = meanwhile(_metadata, self, &c, ops[i].op, &l);
		note_lives(ops[i].name, &l);
		/* it was slow, and longer at it than one life */
		EXPECT_LT(SLOW_MS, took);
		/* requests are several, with an exchange each */
		EXPECT_GT(SLOW_MS / 2, l.bind.min);
		EXPECT_GT(SLOW_MS / 2, l.unbind.min);
		EXPECT_GT(SLOW_MS, l.requests.min);
	}
	EXPECT_EQ(0, child_tell(&c, NEIGHBOUR_NORMAL));
	EXPECT_EQ(0, child_tell(&c, CHILD_CLOSE));
	EXPECT_EQ(0, child_end(&c));
}

/* a connect does delay others, by its own exchanges and no more */
TVM_TEST(slow_connect_beside_fast)
{
	struct lives alone = { 0 }, l = { 0 };
	uint64_t took, longest, life;
	struct child c;

	ASSERT_EQ(0, child_start(&c, a_neighbour(), 0, neighbour));
	ASSERT_EQ(0, live(self, &alone));
	ASSERT_EQ(0, live(self, &alone));
	note_lives("alone", &alone);
	ASSERT_EQ(0, child_tell(&c, NEIGHBOUR_CUT));
	took = meanwhile(_metadata, self, &c, NEIGHBOUR_CONNECT, &l);
	note_lives("neighbour connects", &l);
	EXPECT_LT(LINK_SLOW_MS, took);
	longest = l.bind.max + l.requests.max + l.unbind.max;
	life = alone.bind.max + alone.requests.max + alone.unbind.max;
	EXPECT_GE(took + life + SLACK_MS, longest);
	EXPECT_EQ(0, child_tell(&c, NEIGHBOUR_NORMAL));
	EXPECT_EQ(0, child_end(&c));
}

TVM_MAIN
