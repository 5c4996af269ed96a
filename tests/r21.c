// SPDX-License-Identifier: GPL-2.0-only
/*
 * R21: the device has changed its state and its answer is lost, so that nobody knows.
 * It counts as the worse of the two: after LOCK and START as locked, before the answer
 * to STOP has been seen as not stopped. The host stays out and its config writes are
 * refused, until a STOP is confirmed.
 *
 * Which exchange it is, is found by having the same thing happen undisturbed before.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "raw.h"
#include "sigbus.h"
#include "trail.h"
#include "trouble.h"

#define TDISP		"teemu_tdisp"
#define LOST_MS		900	/* at least, of an exchange whose answer is lost */
#define SAMPLES		5

static int tdisp_begin(void)
{
	return trail_begin() ?: trail_enable("teemu", TDISP, true) ?: trail_clear();
}

static void tdisp_end(void)
{
	trail_enable("teemu", TDISP, false);
	trail_end();
}

/*
 * @call makes an exchange of message @message, once; the number of that exchange among
 * all of @call, from 1. What is not TDISP comes before.
 */
static int exchange_of(int (*call)(struct fn *fn), struct fn *fn,
		       const char *message)
{
	long before = doe_exchanges(), all;
	int first = 0, last, ret;

	ret = trail_set(false) ?: trail_clear() ?: call(fn);
	all = doe_exchanges() - before;
	last = trail_count(TDISP, "");
	if (ret || before < 0)
		return ret ?: -EIO;
	if (trail_find(TDISP, message, &first) < 1)
		return failed(-ENODATA, "no %s", message);
	return all - (last - first);
}

static int lose(int nr)
{
	char text[32];

	snprintf(text, sizeof(text), "lost nth %d", nr);
	return world_write("doe_mode", text) ?: trail_clear();
}

/* what the host may not while it is locked, running or unknown */
static int host_is_out(struct fn *fn, bool say)
{
	uint16_t command = TDI_COMMAND_MASTER;	/* memory off */
	uint32_t value;
	int ret;

	if (sigbus_read(fn->bar0 + TEEMU_REG_ID, &value)) {
		if (say)
			note("the host reads %#x", value);
		return -EPERM;
	}
	ret = tdi_device_config_write(fn->dev, 4, &command, sizeof(command));
	if (ret != -EBUSY && say)
		note("config write: %d", ret);
	return ret == -EBUSY ? 0 : -EPERM;
}

struct attempt {
	int (*call)(struct fn *fn);
	struct fn *fn;
	int ret;
	uint64_t ms;
};

static void *attempt(void *arg)
{
	struct attempt *a = arg;
	uint64_t start = now_ms();

	a->ret = a->call(a->fn);
	a->ms = now_ms() - start;
	return NULL;
}

/* has the device heard @message, without another word of it to anybody? */
static int wait_for(const char *message)
{
	uint64_t end = now_ms() + 10000;

	while (trail_count(TDISP, message) < 1) {
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "no %s", message);
		sleep_ms(5);
	}
	return 0;
}

/*
 * @call, whose @message is heard and not answered: what it says. While nobody knows,
 * the host is out.
 */
static int unanswered(struct __test_metadata *_metadata, struct fn *fn,
		      int (*call)(struct fn *fn), int nr, const char *message)
{
	struct attempt a = { .call = call, .fn = fn };
	pthread_t thread;
	int i;

	ASSERT_LT(0, nr);
	ASSERT_EQ(0, lose(nr));
	ASSERT_EQ(0, pthread_create(&thread, NULL, attempt, &a));
	EXPECT_EQ(0, wait_for(message));
	for (i = 0; i < SAMPLES; i++) {
		EXPECT_EQ(0, host_is_out(fn, true))
			note("%s is heard, sample %d", message, i);
		sleep_ms(LOST_MS / 2 / SAMPLES);
	}
	pthread_join(thread, NULL);
	EXPECT_LE(LOST_MS, a.ms)
		note("no answer was lost: it took %d ms", (int)a.ms);
	return a.ret;
}

static bool is_dead_errno(int ret)
{
	return ret == -EIO || ret == -ETIMEDOUT || ret == -EBADMSG;
}

/* bound, or not; used by its guest or by the host */
static void is_bound(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self)
{
	EXPECT_EQ(0, host_is_out(&self->fn, true));
	EXPECT_EQ(1, world_tdis());
	EXPECT_EQ(-EBUSY, tdi_device_reset(self->fn.dev));
}

static void is_free(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self)
{
	uint32_t value = 0;

	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_TRUE(sigbus_read(self->fn.bar0 + TEEMU_REG_ID, &value));
	EXPECT_EQ(TEEMU_ID, value);
	EXPECT_EQ(0, tdi_device_reset(self->fn.dev));
	EXPECT_EQ(0, fn_enable(&self->fn));
}

/*
 * A bind that does not know takes back what may have happened. Then it has failed, or
 * (AMD) has locked it anew and knows.
 */
TVM_TEST(answer_to_lock)
{
	int nr, ret;

	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tdisp_begin());
	nr = exchange_of(fn_bind, &self->fn, " LOCK ");
	ASSERT_EQ(0, fn_unbind(&self->fn));
	ret = unanswered(_metadata, &self->fn, fn_bind, nr, " LOCK ");
	EXPECT_TRUE(!ret || is_dead_errno(ret))
		note("bind: %d", ret);
	/* the device was locked, and has been told to stop */
	EXPECT_LT(0, trail_count(TDISP, "CONFIG_LOCKED -> CONFIG_UNLOCKED"));
	if (!ret) {
		EXPECT_LE(2, trail_count(TDISP, " LOCK "));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
		is_bound(_metadata, self);
		EXPECT_EQ(0, fn_unbind(&self->fn));
	}
	is_free(_metadata, self);
	/* at the next bind it comes in time */
	EXPECT_EQ(0, tvm_to_run(self));
	is_bound(_metadata, self);
	tdisp_end();
}

/* START was heard: RUN, whatever firmware knows, and the guest is told no success */
TVM_TEST(answer_to_start)
{
	int nr, ret;

	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tdisp_begin());
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_START));
	nr = exchange_of(fn_start, &self->fn, " START ");
	ASSERT_EQ(0, fn_unbind(&self->fn));

	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_START));
	ret = unanswered(_metadata, &self->fn, fn_start, nr, " START ");
	EXPECT_NE(0, ret);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	is_bound(_metadata, self);
	/* the guest asks again: an answer, and never a TDI that is let go */
	ret = fn_start(&self->fn);
	EXPECT_TRUE(!ret || ret == ATTEST_REFUSED || is_dead_errno(ret));
	note("START again: %d, %#llx", ret,
	     (unsigned long long)fn_attest(&self->fn)->seen);
	is_bound(_metadata, self);
	EXPECT_EQ(0, fn_unbind(&self->fn));
	is_free(_metadata, self);
	tdisp_end();
}

/* not stopped before it says so: the unbind asks again, and is over then */
TVM_TEST(answer_to_stop)
{
	int nr, ret;

	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tdisp_begin());
	ASSERT_EQ(0, tvm_to_run(self));
	nr = exchange_of(fn_unbind, &self->fn, " STOP ");
	ASSERT_EQ(0, trail_set(true));
	ASSERT_EQ(0, tvm_to_run(self));
	ret = unanswered(_metadata, &self->fn, fn_unbind, nr, " STOP ");
	EXPECT_EQ(0, ret);
	is_free(_metadata, self);
	tdisp_end();
}

static int guest_stop(struct fn *fn)
{
	return attest_step(fn_attest(fn), ATTEST_STOP);
}

/* the same when it was the guest that wanted it to stop */
TVM_TEST(answer_to_the_guests_stop)
{
	uint16_t command = TDI_COMMAND_MASTER;
	int nr, ret;

	if (!attest_has(world.tvm->leave, ATTEST_STOP))
		SKIP(return, "this architecture's guest cannot stop its TDI");
	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tdisp_begin());
	ASSERT_EQ(0, tvm_to_run(self));
	nr = exchange_of(guest_stop, &self->fn, " STOP ");
	/* a confirmed one lets the write through; it is bound all the same */
	EXPECT_EQ(0, tdi_device_config_write(self->fn.dev, 4, &command,
					     sizeof(command)));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));

	ASSERT_EQ(0, tvm_to_run(self));
	ret = unanswered(_metadata, &self->fn, guest_stop, nr, " STOP ");
	EXPECT_TRUE(ret && ret != ATTEST_LIE)
		note("guest's STOP: %d", ret);
	/* stopped in truth, and nobody has seen it say so */
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, host_is_out(&self->fn, true));
	EXPECT_EQ(0, vm_must_fault(&self->vm,
				   fn_bar_gpa(&self->fn, TEEMU_BAR_MEM)));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	is_free(_metadata, self);
	tdisp_end();
}

TVM_MAIN
