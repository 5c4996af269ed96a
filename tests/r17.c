// SPDX-License-Identifier: GPL-2.0-only
/*
 * R17: whatever firmware refuses once or twice, and whatever the device does while
 * it is asked to stop, unbind ends in time with the function unbound and scrubbed,
 * and it can be bound again. Where the vendor has no escape from a dead device it ends
 * in time, too, in quarantine, and so does the retry once the device has come to its
 * senses. What quarantine is like is r18's, all calls one by one are sweep's.
 *
 * What is refused, and what it comes to, is in the vendors' tables: r17_tdx.c,
 * r17_sev.c, r17_cca.c.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "r17.h"

#define BIND_MS		10000		/* what an ioctl may hold its object for */
#define LOST_MS		900		/* at least, of an answer that is lost */
#define SLOW_MS		"850"		/* DOE allows 1000 for an answer */
#define TOO_SLOW_MS	"1200"
#define SOIL_OFFSET	0x3008		/* in BAR 2, among the accepted pages */
#define SOIL		0x5ec12e7

/* nobody but the test asks the device for its state; Arm's driver never does */
static struct watch {
	const char *path;
	char was[32];
} watches[] = {
	{ "/sys/module/tdx_tsm/parameters/watch_ms", "" },
	{ "/sys/module/sev_tsm/parameters/watch_ms", "" },
};

static void write_watch(const struct watch *w, const char *text)
{
	int fd = open(w->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		note("cannot write %s", w->path);
	close(fd);
}

static void __attribute__((constructor)) watch_off(void)
{
	struct watch *w;

	for (w = watches; w < watches + ARRAY_SIZE(watches); w++) {
		int fd = open(w->path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (read(fd, w->was, sizeof(w->was) - 1) > 0)
			write_watch(w, "0");
		close(fd);
	}
}

static void __attribute__((destructor)) watch_on(void)
{
	struct watch *w;

	for (w = watches; w < watches + ARRAY_SIZE(watches); w++)
		if (w->was[0])
			write_watch(w, w->was);
}

/**
 * struct strike - a refusal, from when it was ordered
 * @r: which
 * @calls: calls of its leaf before
 */
struct strike {
	const struct refusal *r;
	long calls;
};

static int strike_begin(struct strike *s, const struct refusal *r)
{
	s->r = r;
	s->calls = calls_count(r->leaf);
	return refusal_begin(r);
}

/* it must not hit what follows, and a test that refused nothing has shown nothing */
static int strike_end(const struct strike *s)
{
	const struct refusal *r = s->r;
	long calls = calls_count(r->leaf) - s->calls;
	int ret;

	ret = refusal_end(r);
	if (!ret && calls < (long)r->skip + r->count) {
		note("%ld calls of %#x, and %u must be refused after %u", calls,
		     r->leaf, r->count, r->skip);
		ret = -ENODATA;
	}
	return ret;
}

static void note_refusal(const struct refusal *r)
{
	note("call %#x status %#llx skip %u count %u", r->leaf,
	     (unsigned long long)r->status, r->skip, r->count);
}

/* a TDI in RUN with a secret in its memory; the host's mapping shows BAR 2 */
static int run_and_soil(FIXTURE_DATA(tvm) *self)
{
	return tvm_to_locked(self) ?: fn_run(&self->fn) ?:
	       vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
			  SOIL_OFFSET, SOIL);
}

/* the bound is the driver's own, and in the platform's time */
static int timed_unbind(struct fn *fn)
{
	uint64_t begin = now_ms(), ms;
	int ret;

	ret = fn_unbind(fn);
	ms = now_ms() - begin;
	if (ms <= rules()->unbind_ms)
		return ret;
	note("unbind took %llu ms, its bound is %u", (unsigned long long)ms,
	     rules()->unbind_ms);
	return -ETIME;
}

static int unbind_in_time(struct fn *fn)
{
	return failed(timed_unbind(fn), "unbind");
}

/* an unbind that fails in time and leaves a quarantine */
static int keep_in_time(struct fn *fn)
{
	int ret = timed_unbind(fn);

	if (ret == -EIO)
		return is_quarantined(fn->nr) ? 0 : -EUCLEAN;
	note("unbind: %d, and it should have failed", ret);
	return ret < 0 ? ret : -ENODATA;
}

/* the way out, once what was wrong is over */
static int come_back(struct fn *fn)
{
	int ret = failed(tdi_retry(fn->nr), "retry");

	fn->guest = ret ? fn->guest : false;
	return ret ?: tdi_state_is(fn->nr, "unbound") ? 0 : -EUCLEAN;
}

/* what must hold after every unbind; @late: what is late may still be firmware's */
static int is_over(const volatile uint8_t *bar2, bool late)
{
	uint32_t left = *(const volatile uint32_t *)(bar2 + SOIL_OFFSET);
	bool empty = tables_are_empty(late);

	if (left)
		note("not scrubbed: %#x", left);
	return left || !empty ? -EUCLEAN : 0;
}

static int reconnect(void)
{
	return world_disconnect() ?: world_connect();
}

static const char *state_after(enum aftermath after)
{
	return after == CUT ? "ERROR" :
	       after == LOCKED ? "CONFIG_LOCKED" : "CONFIG_UNLOCKED";
}

static void unbinds(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		    const struct refusals *rows)
{
	const struct refusal *r = rows->row;
	struct strike strike;
	void *bar2 = NULL;
	size_t i;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (i = 0; i < rows->nr; i++, r++) {
		bool good;

		if (r->after == CUT)
			self->base.trace = false;
		ASSERT_EQ(0, run_and_soil(self))
			note("before row %zu", i);
		ASSERT_EQ(0, strike_begin(&strike, r));
		good = !unbind_in_time(&self->fn) &&
		       !is_over(bar2, r->after == LATE) &&
		       world_tdi_is(0, state_after(r->after));
		good = !strike_end(&strike) && good;
		EXPECT_TRUE(good)
			note_refusal(r);
		/* one half renews a stream that was cut, the other leaves it */
		if (i & 1) {
			ASSERT_EQ(0, reconnect());
		}
	}
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

TVM_TEST(firmware_refuses_once)
{
	unbinds(_metadata, self, &rules()->once);
}

TVM_TEST(firmware_refuses_twice)
{
	unbinds(_metadata, self, &rules()->twice);
}

TVM_TEST(metadata_is_late)
{
	if (!rules()->late.nr)
		SKIP(return, "this firmware keeps nothing that can be late");
	unbinds(_metadata, self, &rules()->late);
}

/* and if that does not leave, the next bind fails and holds nothing */
TVM_TEST(metadata_is_later)
{
	const struct refusal *r = &rules()->later;
	const char *table = rules()->later_table;
	struct strike strike;
	void *bar2 = NULL;

	if (!r->count)
		SKIP(return, "this firmware keeps nothing that can be late");
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, run_and_soil(self));
	ASSERT_EQ(0, strike_begin(&strike, r));
	ASSERT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, true));
	EXPECT_EQ(1, world_table(table));
	EXPECT_EQ(-EIO, fn_bind(&self->fn));
	EXPECT_EQ(1, world_table(table));
	EXPECT_EQ(0, world_tdis());
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, strike_end(&strike));
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

/* in time, with what errno */
static int bind_in_time(struct fn *fn)
{
	uint64_t begin = now_ms(), ms;
	int ret;

	ret = fn_bind(fn);
	ms = now_ms() - begin;
	if (ms <= BIND_MS)
		return ret;
	note("bind took %llu ms", (unsigned long long)ms);
	return -ETIME;
}

/* a bind that fails at any call holds nothing, and the next one succeeds */
TVM_TEST(firmware_refuses_bind)
{
	const struct refusals *rows = &rules()->bind;
	const struct refusal *r;
	struct strike strike;
	void *bar2 = NULL;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (r = rows->row; r < rows->row + rows->nr; r++) {
		ASSERT_EQ(0, strike_begin(&strike, r));
		EXPECT_EQ(r->err ?: -EIO, bind_in_time(&self->fn))
			note_refusal(r);
		EXPECT_EQ(0, is_over(bar2, false))
			note_refusal(r);
		EXPECT_TRUE(world_tdi_is(0, state_after(r->after)))
			note_refusal(r);
		EXPECT_EQ(0, strike_end(&strike));
	}
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

/* it falls to ERROR by itself, and its TVM writes on */
static int fall(FIXTURE_DATA(tvm) *self)
{
	int ret;

	ret = world_write("fn0/error", "1");
	if (ret)
		return ret;
	/* it has scrubbed itself by then */
	sleep_ms(2000);
	return vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
			  SOIL_OFFSET, SOIL);
}

/* when the first question has gone out, and long before its answer counts as lost */
static void *mend(void *arg)
{
	(void)arg;
	sleep_ms(LOST_MS / 2);
	return (void *)(intptr_t)world_write("doe_mode", "normal");
}

/* an unbind that loses one answer: if it was quicker, it has lost none */
static int unbind_in_a_moment(struct fn *fn, bool lost)
{
	uint64_t begin = now_ms();
	pthread_t thread;
	void *mended;
	int ret;

	ret = pthread_create(&thread, NULL, mend, NULL);
	if (ret)
		return -ret;
	ret = unbind_in_time(fn);
	pthread_join(thread, &mended);
	if (!ret && lost && now_ms() - begin < LOST_MS)
		ret = failed(-ENODATA, "no answer was lost");
	return ret ?: (int)(intptr_t)mended;
}

static int unbind_in_manner(struct fn *fn, const struct manner *m)
{
	struct strike strike;
	int ret, unbound;

	if (m->refused.count) {
		ret = strike_begin(&strike, &m->refused);
		if (ret)
			return ret;
	}
	unbound = m->kept ? keep_in_time(fn) :
		  m->once ? unbind_in_a_moment(fn, strcmp(m->mode, "garbage")) :
			    unbind_in_time(fn);
	ret = m->refused.count ? strike_end(&strike) : 0;
	return unbound ?: ret;
}

TVM_TEST(device_misbehaves)
{
	const struct manners *rows = &rules()->manners;
	const struct manner *m;
	void *bar2 = NULL;

	self->base.trace = false;
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (m = rows->row; m < rows->row + rows->nr; m++) {
		ASSERT_EQ(0, run_and_soil(self))
			note("before %s", m->mode);
		if (m->error)
			ASSERT_EQ(0, fall(self));
		ASSERT_EQ(0, world_write("doe_mode", m->mode));
		EXPECT_EQ(0, unbind_in_manner(&self->fn, m))
			note("%s%s%s", m->mode, m->once ? " once" : "",
			     m->error ? " in ERROR" : "");
		if (m->kept) {
			ASSERT_EQ(0, world_write("doe_mode", "normal"));
			ASSERT_EQ(0, come_back(&self->fn))
				note("%s", m->mode);
		}
		EXPECT_EQ(0, is_over(bar2, false))
			note("%s%s%s", m->mode, m->once ? " once" : "",
			     m->error ? " in ERROR" : "");
		EXPECT_TRUE(world_tdi_is(0, m->state));
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		if ((m - rows->row) & 1)
			ASSERT_EQ(0, reconnect());
	}
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

/* the device's other function: it is hit by the escape, and by nothing less */
static void others(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		   bool cut)
{
	struct strike strike;
	void *bar2 = NULL;
	struct fn other;
	uint64_t page;

	fn_init(&other, 1);
	ASSERT_EQ(0, fn_open(&other, &self->vm));
	ASSERT_EQ(0, tdi_device_map(other.dev, TEEMU_BAR_MEM, &bar2));
	page = fn_bar_gpa(&other, TEEMU_BAR_MEM) + SOIL_OFFSET;
	EXPECT_EQ(0, fn_bind(&other) ?: fn_run(&other));
	EXPECT_EQ(0, vm_write32(&self->vm, page, SOIL));
	EXPECT_EQ(0, run_and_soil(self));
	if (cut) {
		EXPECT_EQ(0, world_write("doe_mode", "silent"));
	} else {
		EXPECT_EQ(0, strike_begin(&strike, &rules()->stay));
	}
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_TRUE(world_tdi_is(1, cut ? "ERROR" : "RUN"));
	EXPECT_EQ(cut ? TDI_EVENT_ERROR : -EAGAIN, fn_event(&other, 1000));
	if (cut) {
		/* its TVM is shut out, its DSM still dead, its bytes gone */
		EXPECT_EQ(0, vm_must_fault(&self->vm, page & -PAGE));
		EXPECT_EQ(-EBUSY, fn_bind(&self->fn));
	} else {
		EXPECT_EQ(0, vm_write32(&self->vm, page, SOIL + 1));
	}
	EXPECT_EQ(0, unbind_in_time(&other));
	EXPECT_EQ(0, is_over(bar2, false));
	EXPECT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(0, cut ? 0 : strike_end(&strike));

	/* both are good for another life */
	EXPECT_EQ(0, fn_bind(&other) ?: fn_run(&other));
	EXPECT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&other));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	fn_close(&other);
}

TVM_TEST(others_stay)
{
	others(_metadata, self, false);
}

TVM_TEST(others_fall)
{
	if (!rules()->has_escape)
		SKIP(return, "no escape: a TDI that does not stop is quarantined");
	self->base.trace = false;
	others(_metadata, self, true);
}

static void *write_on(void *arg)
{
	FIXTURE_DATA(tvm) *self = arg;
	uint64_t page = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) + SOIL_OFFSET;
	int ret;

	do
		ret = vm_write32(&self->vm, page, SOIL);
	while (!ret);
	return (void *)(intptr_t)ret;
}

/* a TVM that writes until it is shut out leaves nothing to the next owner */
static void writes_to_the_end(struct __test_metadata *_metadata,
			      FIXTURE_DATA(tvm) *self, const char *mode)
{
	void *bar2 = NULL, *ret = NULL;
	pthread_t thread;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, run_and_soil(self));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, self));
	sleep_ms(200);
	ASSERT_EQ(0, world_write("doe_mode", mode));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EFAULT, (intptr_t)ret);
	EXPECT_EQ(0, is_over(bar2, false));
	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
}

TVM_TEST(writes_until_stop)
{
	writes_to_the_end(_metadata, self, "normal");
}

TVM_TEST(writes_until_cut)
{
	if (!rules()->has_escape)
		SKIP(return, "no escape: a TDI that does not stop is quarantined");
	self->base.trace = false;
	writes_to_the_end(_metadata, self, "silent");
}

/* a bind with a dead device ends in time too, and holds nothing */
TVM_TEST(device_is_dead_at_bind)
{
	static const char * const modes[] = { "silent", "garbage", "lost" };
	size_t i;
	int ret;

	self->base.trace = false;
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(0, world_write("doe_mode", modes[i]));
		ret = bind_in_time(&self->fn);
		EXPECT_TRUE(ret == -EIO || ret == -ETIMEDOUT || ret == -EBADMSG)
			note("%s: %d", modes[i], ret);
		EXPECT_TRUE(tables_are_empty(true))
			note("%s", modes[i]);
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		ASSERT_EQ(0, fn_bind(&self->fn));
		ASSERT_EQ(0, unbind_in_time(&self->fn));
	}
}

/* unbind with a device that goes on like that: unbound, or the way out of quarantine */
static void unbinds_in_mode(struct __test_metadata *_metadata,
			    FIXTURE_DATA(tvm) *self, const char *mode)
{
	void *bar2 = NULL;

	self->base.trace = false;
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, run_and_soil(self));
	ASSERT_EQ(0, world_write("doe_mode", mode));
	EXPECT_EQ(0, rules()->has_escape ? unbind_in_time(&self->fn) :
					   keep_in_time(&self->fn));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	if (!rules()->has_escape)
		ASSERT_EQ(0, come_back(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

/* just under what DOE allows for an answer: whatever it is asked, there is time */
TVM_TEST(device_is_slow)
{
	void *bar2 = NULL;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, run_and_soil(self));
	ASSERT_EQ(0, world_write("doe_mode", "slow " SLOW_MS));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, bind_in_time(&self->fn));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
}

/* and just over it */
TVM_TEST(device_is_too_slow)
{
	int ret;

	unbinds_in_mode(_metadata, self, "slow " TOO_SLOW_MS);
	ASSERT_EQ(0, world_write("doe_mode", "slow " TOO_SLOW_MS));
	ret = bind_in_time(&self->fn);
	EXPECT_TRUE(ret == -EIO || ret == -ETIMEDOUT || ret == -EBADMSG)
		note("bind: %d", ret);
	EXPECT_TRUE(tables_are_empty(true));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	ASSERT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
}

#define MODE_TEST(name, mode)						\
TVM_TEST(name)								\
{									\
	if (!has_mode(mode))						\
		SKIP(return, "no doe_mode " mode " in this kernel");	\
	unbinds_in_mode(_metadata, self, mode);				\
}

MODE_TEST(device_answers_another_message, "wrong")
MODE_TEST(device_answers_half, "short")
MODE_TEST(device_mailbox_fails, "error")

/* one exchange of an unbind goes wrong, whichever, and costs nothing but time */
TVM_TEST(device_fails_once)
{
	static const char * const modes[] = {
		"garbage nth 1", "garbage nth 2", "wrong nth 1", "short nth 2",
		"lost nth 2",
	};
	void *bar2 = NULL;
	size_t i;

	if (!has_mode("wrong nth 1"))
		SKIP(return, "no doe_mode nth in this kernel");
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(0, run_and_soil(self));
		ASSERT_EQ(0, world_write("doe_mode", modes[i]));
		EXPECT_EQ(0, unbind_in_time(&self->fn))
			note("%s", modes[i]);
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		EXPECT_EQ(0, is_over(bar2, false));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	}
}

/* no TDISP message is answered before there are keys of a new session */
TVM_TEST(session_is_lost)
{
	void *bar2 = NULL;

	if (!rules()->has_escape)
		SKIP(return, "no escape: only a cold reset ends that quarantine");
	if (try_switch("lose_session", "2") != -EINVAL)
		SKIP(return, "no lose_session in this kernel");
	self->base.trace = false;
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, run_and_soil(self));
	ASSERT_EQ(0, world_write("lose_session", "1"));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
	ASSERT_EQ(0, reconnect());
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
}

TVM_MAIN
