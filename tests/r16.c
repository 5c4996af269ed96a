// SPDX-License-Identifier: GPL-2.0-only
/*
 * R16: bind fails at any step: each allocation, each firmware call, each exchange
 * with the device. It is unbound then, nothing is held, and the next bind works.
 *
 * Which steps there are is counted in a bind that succeeds, so that a step that is
 * new is tried too. What each refusal comes to in detail is R17's table.
 */
#include "fault.h"
#include "fixture.h"
#include "raw.h"
#include "sigbus.h"

/* so many at most of each kind: the rest is left out evenly */
#define MOST_ALLOCS	40
#define MOST_CALLS	24
#define TABLES_MAX	4096

/* firmware's tables with a VM that had a TDI and has none */
static char before[TABLES_MAX];

/* the first life makes a TVM of the VM, with tables for private MMIO, which stay */
static int first(FIXTURE_DATA(tvm) *self)
{
	return fn_map(&self->fn) ?: failed(fn_bind(&self->fn), "bind") ?:
	       fn_run(&self->fn) ?: failed(fn_unbind(&self->fn), "unbind") ?:
	       fn_enable(&self->fn) ?:
	       world_read("tables", before, sizeof(before));
}

/* unbound, nothing held: true if all is as before the bind that failed */
static bool as_before(FIXTURE_DATA(tvm) *self)
{
	char now[TABLES_MAX];
	uint32_t id = 0;

	self->fn.guest = false;
	if (world_read("tables", now, sizeof(now)))
		return false;
	if (strcmp(before, now)) {
		note("tables before: %s", before);
		note("tables now: %s", now);
		return false;
	}
	/* the host has its BARs back, and slots and attachment are not held */
	if (fn_enable(&self->fn) ||
	    !sigbus_read(self->fn.bar0 + TEEMU_REG_ID, &id) || id != TEEMU_ID) {
		note("the host's mapping does not work: %#x", id);
		return false;
	}
	return world_tdi_is(0, "CONFIG_UNLOCKED");
}

/* a whole life, after which the tables are as before */
static void next_one_works(struct __test_metadata *_metadata,
			   FIXTURE_DATA(tvm) *self)
{
	ASSERT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_TRUE(as_before(self));
}

TVM_TEST(each_allocation)
{
	unsigned int failures = 0;
	int all, n, step, left, ret;

	if (fault_begin() == -ENOENT)
		SKIP(return, "this kernel has no fault injection");
	ASSERT_EQ(0, first(self));
	ASSERT_EQ(0, fault_nth(FAULT_NEVER));
	ret = raw_bind(&self->fn);
	all = FAULT_NEVER - fault_left();
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, raw_unbind(&self->fn));
	note("%d allocations", all);
	ASSERT_LT(0, all);
	step = 1 + (all - 1) / MOST_ALLOCS;
	/* the last ones are where most is there to be undone */
	for (n = all; n > 0; n -= step) {
		ASSERT_EQ(0, fault_nth(n));
		ret = raw_bind(&self->fn);
		left = fault_left();
		/* the allocator's own caches make a bind longer or shorter by some */
		EXPECT_TRUE(!left || !ret)
			note("allocation %d of %d never came: errno %d", n, all, ret);
		if (ret) {
			failures++;
			EXPECT_TRUE(as_before(self))
				note("allocation %d: errno %d", n, ret);
		} else {
			/* one that bind can do without */
			ASSERT_EQ(0, raw_unbind(&self->fn));
		}
	}
	EXPECT_LT(0, failures);
	note("%u failures", failures);
	next_one_works(_metadata, self);
}

/* ---- firmware ---- */

struct call {
	unsigned int nr;
	long count;
};

#define MAX_CALLS	256

/* how often firmware has been asked each call: how many there are */
static int read_calls(struct call *calls)
{
	static char text[65536];
	char *line, *save;
	int n = 0;

	if (world_read("calls", text, sizeof(text)))
		return -1;
	for (line = strtok_r(text, "\n", &save); line && n < MAX_CALLS;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "call\t%i\t%*s %*s %*s %*s %ld", &calls[n].nr,
			   &calls[n].count) == 2)
			n++;
	return n;
}

/* an error that the vendor's firmware has for anything */
static const char *some_error(void)
{
	return !strcmp(world.vendor->name, "tdx") ? "0xc000010000000000" :
	       !strcmp(world.vendor->name, "sev") ? "0x16" : "1";
}

static int refuse(const struct call *call, long skip, int count)
{
	char line[64];

	snprintf(line, sizeof(line), "%u %s %ld %d", call->nr, some_error(),
		 skip, count);
	return world_write("refuse", line);
}

/* the device may have been left locked or in ERROR, as R17's table says */
static int to_unlocked(void)
{
	char text[32];

	if (world_read("fn0/tdi", text, sizeof(text)))
		return -EIO;
	if (!strcmp(text, "CONFIG_UNLOCKED\n"))
		return 0;
	return world_disconnect() ?: world_connect();
}

/* call @nr of the bind is refused, once */
static void refused_at(struct __test_metadata *_metadata,
		       FIXTURE_DATA(tvm) *self, const struct call *call,
		       long skip, unsigned int *failures)
{
	int ret;

	ASSERT_EQ(0, refuse(call, skip, 1));
	ret = raw_bind(&self->fn);
	ASSERT_EQ(0, refuse(call, 0, 0));
	if (ret) {
		++*failures;
		EXPECT_EQ(0, world_tdis());
		/* it says so, and no less */
		EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 0));
	} else {
		/* asked again, or not needed */
		ASSERT_EQ(0, raw_unbind(&self->fn));
	}
	/* what firmware keeps for later, the next bind takes away */
	ASSERT_EQ(0, raw_bind(&self->fn))
		note("after call %#x, %ld", call->nr, skip);
	ASSERT_EQ(0, raw_unbind(&self->fn));
	ASSERT_EQ(0, to_unlocked());
	EXPECT_TRUE(as_before(self))
		note("call %#x, %ld: errno %d", call->nr, skip, ret);
}

TVM_TEST(each_firmware_call)
{
	static struct call old[MAX_CALLS], new[MAX_CALLS];
	unsigned int failures = 0, tried = 0, calls = 0, step;
	int n, i;
	long k;

	/* a call that is refused may leave no way but to cut the stream */
	self->base.trace = false;
	ASSERT_EQ(0, first(self));
	n = read_calls(old);
	ASSERT_LT(0, n);
	ASSERT_EQ(0, raw_bind(&self->fn));
	ASSERT_EQ(n, read_calls(new));
	ASSERT_EQ(0, raw_unbind(&self->fn));
	for (i = 0; i < n; i++) {
		new[i].count -= old[i].count;
		calls += new[i].count;
	}
	ASSERT_LT(0, calls);
	step = 1 + calls / MOST_CALLS;
	/* the first of each call, and of the others some */
	for (i = 0; i < n; i++) {
		for (k = 0; k < new[i].count; k += step) {
			refused_at(_metadata, self, &new[i], k, &failures);
			tried++;
		}
	}
	note("%u of %u calls refused, %u binds failed", tried, calls, failures);
	EXPECT_LT(0, failures);
	next_one_works(_metadata, self);
}

/* ---- the device ---- */

static long exchanges(void)
{
	char text[128];

	if (world_read("doe_count", text, sizeof(text)))
		return -1;
	return world_number(text, "exchanges");
}

TVM_TEST(each_exchange)
{
	static const char *const wrongs[] = { "lost", "garbage", "error" };
	unsigned int failures = 0;
	char path[128], line[32];
	long all, k;
	size_t w;
	int ret;

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/doe_count",
		 world.vendor->name);
	if (access(path, F_OK))
		SKIP(return, "this platform's mailbox does not count");
	self->base.trace = false;
	ASSERT_EQ(0, first(self));
	all = exchanges();
	ASSERT_EQ(0, raw_bind(&self->fn));
	all = exchanges() - all;
	ASSERT_EQ(0, raw_unbind(&self->fn));
	ASSERT_LT(0, all);
	for (k = 1; k <= all; k++) {
		for (w = 0; w < ARRAY_SIZE(wrongs); w++) {
			snprintf(line, sizeof(line), "%s nth %ld", wrongs[w], k);
			ASSERT_EQ(0, world_write("doe_mode", line));
			ret = raw_bind(&self->fn);
			ASSERT_EQ(0, world_write("doe_mode", "normal"));
			failures += ret != 0;
			EXPECT_TRUE(!ret || !world_tdis());
			ASSERT_EQ(0, raw_unbind(&self->fn));
			ASSERT_EQ(0, raw_bind(&self->fn))
				note("after %s: errno %d", line, ret);
			ASSERT_EQ(0, raw_unbind(&self->fn));
			ASSERT_EQ(0, to_unlocked());
			EXPECT_TRUE(as_before(self))
				note("%s: errno %d", line, ret);
		}
	}
	note("%ld exchanges, %u binds failed", all, failures);
	EXPECT_LT(0, failures);
	next_one_works(_metadata, self);
}

TVM_MAIN
