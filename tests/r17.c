// SPDX-License-Identifier: GPL-2.0-only
/*
 * R17: whatever firmware refuses once or twice, and whatever the device does while
 * it is asked to stop, unbind ends in time with the function unbound and scrubbed,
 * and it can be bound again. Refusals that last end in quarantine, for which no
 * cure exists but a cold reset, so none is here (KUnit has them).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

#define WATCH		"/sys/module/tdx_tsm/parameters/watch_ms"
#define UNBIND_MS	10000
#define SOIL_OFFSET	0x3008		/* in BAR 2, among the accepted pages */
#define SOIL		0x5ec12e7

/* leaves of firmware that a bind or an unbind needs */
#define MEM_TRACK	38
#define DEVIF_CREATE	137
#define DEVIF_REMOVE	138
#define DEVIF_REQUEST	139
#define DEVIF_RESPONSE	140
#define DMAR_ADD	150
#define DMAR_BLOCK	151
#define DMAR_READ	152
#define DMAR_REMOVE	153
#define MMIO_MT_ADD	154
#define MMIO_MT_SET	155
#define MMIO_MT_REMOVE	157
#define MMIO_BLOCK	159
#define MMIO_UNMAP	160
#define IQ_REQUEST	161
#define IQ_PROCESS	162
#define DEVIF_MT_ADD	164
#define DEVIF_MT_REMOVE	165

#define INVALID		0xc000010000000000ULL
#define BUSY		0x8000020000000000ULL
#define NOT_STOPPED	0xc0000f1000000000ULL	/* DEVIF_TDISP_INVALID_STATE */

/* nobody but the test asks the device for its state */
static char watch_was[32];

static void write_watch(const char *text)
{
	int fd = open(WATCH, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		note("cannot write " WATCH);
	close(fd);
}

static void __attribute__((constructor)) watch_off(void)
{
	int fd = open(WATCH, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, watch_was, sizeof(watch_was) - 1) > 0)
		write_watch("0");
	close(fd);
}

static void __attribute__((destructor)) watch_on(void)
{
	if (*watch_was)
		write_watch(watch_was);
}

static int refuse(uint32_t leaf, uint64_t status, uint32_t skip, uint32_t count)
{
	char line[64];

	snprintf(line, sizeof(line), "%u %#llx %u %u", leaf,
		 (unsigned long long)status, skip, count);
	return world_write("refuse", line);
}

/* a TDI in RUN with a secret in its memory; the host's mapping shows BAR 2 */
static int run_and_soil(FIXTURE_DATA(tvm) *self)
{
	return tvm_to_locked(self) ?: fn_run(&self->fn) ?:
	       vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
			  SOIL_OFFSET, SOIL);
}

static int unbind_in_time(struct fn *fn)
{
	uint64_t begin = now_ms(), ms;
	int ret;

	ret = failed(fn_unbind(fn), "unbind");
	ms = now_ms() - begin;
	if (ms > UNBIND_MS) {
		note("unbind took %llu ms", (unsigned long long)ms);
		return -ETIME;
	}
	return ret;
}

/* what must hold after every unbind; @late: metadata may still be firmware's */
static int is_over(const volatile uint8_t *bar2, bool late)
{
	static const struct {
		const char *name;
		bool late;
	} tables[] = {
		{ "devifs", false }, { "mmio_mapped", false },
		{ "dmar", true },
		{ "devifmt", true }, { "mmiomt", true },
	};
	uint32_t left = *(const volatile uint32_t *)(bar2 + SOIL_OFFSET);
	unsigned int i;
	int ret = 0;

	if (left) {
		note("not scrubbed: %#x", left);
		ret = -EUCLEAN;
	}
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		if (!world_table(tables[i].name) || (late && tables[i].late))
			continue;
		note("table %s: %ld", tables[i].name,
		     world_table(tables[i].name));
		ret = -EUCLEAN;
	}
	return ret;
}

static int reconnect(void)
{
	return world_disconnect() ?: world_connect();
}

enum aftermath {
	CLEAN,
	LATE,		/* metadata stays firmware's until the next bind */
	CUT,		/* the stream is cut instead of a STOP: ERROR */
};

/**
 * struct refusal - what firmware refuses during a bind or an unbind
 * @leaf, @status, @skip, @count: the fault switch
 * @after: how an unbind ends
 */
struct refusal {
	uint32_t leaf;
	uint64_t status;
	uint32_t skip;
	uint32_t count;
	enum aftermath after;
};

static void unbinds(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		    const struct refusal *r, size_t n)
{
	void *bar2 = NULL;
	size_t i;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (i = 0; i < n; i++, r++) {
		bool good;

		if (r->after == CUT)
			self->base.trace = false;
		ASSERT_EQ(0, run_and_soil(self))
			note("before row %zu", i);
		ASSERT_EQ(0, refuse(r->leaf, r->status, r->skip, r->count));
		good = !unbind_in_time(&self->fn) &&
		       !is_over(bar2, r->after == LATE) &&
		       world_tdi_is(0, r->after == CUT ? "ERROR" :
							  "CONFIG_UNLOCKED");
		EXPECT_TRUE(good)
			note("leaf %u status %#llx skip %u count %u", r->leaf,
			     (unsigned long long)r->status, r->skip, r->count);
		/* a switch that did not strike must not hit what follows */
		ASSERT_EQ(0, refuse(r->leaf, r->status, 0, 0));
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
	static const struct refusal rows[] = {
		{ DEVIF_REQUEST, INVALID, 0, 1, CLEAN },
		{ DEVIF_RESPONSE, INVALID, 0, 1, CLEAN },
		{ DEVIF_RESPONSE, BUSY, 0, 1, CLEAN },
		{ MMIO_BLOCK, INVALID, 0, 1, CLEAN },
		{ MMIO_BLOCK, BUSY, 3, 1, CLEAN },
		{ MEM_TRACK, INVALID, 0, 1, CLEAN },
		{ IQ_REQUEST, INVALID, 0, 1, CLEAN },
		{ IQ_PROCESS, INVALID, 0, 1, CLEAN },
		{ MMIO_UNMAP, INVALID, 0, 1, CLEAN },
		{ MMIO_UNMAP, INVALID, 3, 1, CLEAN },
		{ MMIO_UNMAP, NOT_STOPPED, 0, 1, CLEAN },
		{ MMIO_MT_SET, INVALID, 0, 1, CLEAN },
		{ DMAR_READ, INVALID, 1, 1, CLEAN },
		{ DMAR_BLOCK, INVALID, 0, 1, CLEAN },
		{ DMAR_REMOVE, INVALID, 2, 1, CLEAN },
		{ DEVIF_REMOVE, INVALID, 0, 1, CLEAN },
		{ DEVIF_REMOVE, BUSY, 0, 1, CLEAN },
	};

	unbinds(_metadata, self, rows, ARRAY_SIZE(rows));
}

TVM_TEST(firmware_refuses_twice)
{
	static const struct refusal rows[] = {
		{ DEVIF_REQUEST, INVALID, 0, 2, CUT },
		{ DEVIF_RESPONSE, INVALID, 0, 2, CLEAN },
		{ MMIO_BLOCK, INVALID, 0, 2, CLEAN },
		{ MEM_TRACK, INVALID, 0, 2, CLEAN },
		{ IQ_PROCESS, INVALID, 0, 2, CLEAN },
		{ MMIO_UNMAP, INVALID, 0, 2, CLEAN },
		/* the stream is cut here too, but the TDI has stopped before */
		{ MMIO_UNMAP, NOT_STOPPED, 0, 2, CLEAN },
		{ MMIO_MT_SET, INVALID, 3, 2, CLEAN },
		{ DMAR_BLOCK, INVALID, 1, 2, CLEAN },
		{ DMAR_REMOVE, INVALID, 0, 2, CLEAN },
		{ DEVIF_REMOVE, NOT_STOPPED, 0, 2, CLEAN },
	};

	unbinds(_metadata, self, rows, ARRAY_SIZE(rows));
}

/* the root entry stays, blocked; so does what describes the BARs and the bus */
TVM_TEST(metadata_is_late)
{
	static const struct refusal rows[] = {
		{ DMAR_BLOCK, INVALID, 3, 2, LATE },
		{ DMAR_REMOVE, INVALID, 3, 2, LATE },
		{ MMIO_MT_REMOVE, INVALID, 0, 2, LATE },
		{ DEVIF_MT_REMOVE, INVALID, 0, 2, LATE },
	};

	unbinds(_metadata, self, rows, ARRAY_SIZE(rows));
}

/* and if that page does not leave, the next bind fails and holds nothing */
TVM_TEST(metadata_is_later)
{
	void *bar2 = NULL;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, run_and_soil(self));
	ASSERT_EQ(0, refuse(DMAR_REMOVE, INVALID, 3, 4));
	ASSERT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(1, world_table("dmar"));
	EXPECT_EQ(-EIO, fn_bind(&self->fn));
	EXPECT_EQ(1, world_table("dmar"));
	EXPECT_EQ(0, world_table("devifs"));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

/* a bind that fails at any call holds nothing, and the next one succeeds */
TVM_TEST(firmware_refuses_bind)
{
	static const struct refusal rows[] = {
		{ MMIO_MT_ADD, INVALID, 0, 1, CLEAN },
		{ MMIO_MT_ADD, INVALID, 1, 1, CLEAN },
		{ DEVIF_MT_ADD, INVALID, 0, 1, CLEAN },
		{ DEVIF_CREATE, INVALID, 0, 1, CLEAN },
		{ DEVIF_REQUEST, INVALID, 0, 1, CLEAN },
		{ DEVIF_REQUEST, INVALID, 1, 1, CLEAN },
		{ DMAR_ADD, INVALID, 0, 1, CLEAN },
		{ DMAR_ADD, INVALID, 1, 1, CLEAN },
		{ DMAR_ADD, INVALID, 2, 1, CLEAN },
		{ DMAR_ADD, INVALID, 3, 1, CLEAN },
	};
	const struct refusal *r;
	void *bar2 = NULL;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		ASSERT_EQ(0, refuse(r->leaf, r->status, r->skip, r->count));
		EXPECT_EQ(-EIO, fn_bind(&self->fn))
			note("leaf %u skip %u", r->leaf, r->skip);
		EXPECT_EQ(0, is_over(bar2, false))
			note("leaf %u skip %u", r->leaf, r->skip);
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
		ASSERT_EQ(0, refuse(r->leaf, r->status, 0, 0));
	}
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
}

/**
 * struct manner - how the device behaves while it is asked to stop
 * @mode: of the mailbox
 * @error: it falls to ERROR before, and the TVM writes on
 * @state: where it ends
 */
static const struct manner {
	const char *mode;
	bool error;
	const char *state;
} manners[] = {
	{ "silent", false, "ERROR" },
	{ "garbage", false, "ERROR" },
	{ "lost", false, "CONFIG_UNLOCKED" },
	{ "slow 500", false, "CONFIG_UNLOCKED" },
	{ "normal", true, "CONFIG_UNLOCKED" },
	{ "silent", true, "ERROR" },
	{ "garbage", true, "ERROR" },
	{ "lost", true, "CONFIG_UNLOCKED" },
};

TVM_TEST(device_misbehaves)
{
	const struct manner *m;
	void *bar2 = NULL;
	int round;

	self->base.trace = false;
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	for (m = manners, round = 0; m < manners + ARRAY_SIZE(manners);
	     m++, round++) {
		ASSERT_EQ(0, run_and_soil(self))
			note("before %s", m->mode);
		if (m->error) {
			ASSERT_EQ(0, world_write("fn0/error", "1"));
			/* it has scrubbed itself by then */
			sleep_ms(2000);
			ASSERT_EQ(0, vm_write32(&self->vm,
						fn_bar_gpa(&self->fn,
							   TEEMU_BAR_MEM) +
						SOIL_OFFSET, SOIL));
		}
		ASSERT_EQ(0, world_write("doe_mode", m->mode));
		EXPECT_EQ(0, unbind_in_time(&self->fn))
			note("%s%s", m->mode, m->error ? " in ERROR" : "");
		EXPECT_EQ(0, is_over(bar2, false))
			note("%s%s", m->mode, m->error ? " in ERROR" : "");
		EXPECT_TRUE(world_tdi_is(0, m->state));
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		if (round & 1) {
			ASSERT_EQ(0, reconnect());
		}
	}
	ASSERT_EQ(0, run_and_soil(self));
	EXPECT_EQ(0, unbind_in_time(&self->fn));
	EXPECT_EQ(0, is_over(bar2, false));
}

/* the device's other function: it is hit by the escape, and by nothing less */
static void others(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		   bool cut)
{
	uint64_t page;
	void *bar2 = NULL;
	struct fn other;

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
		EXPECT_EQ(0, refuse(MMIO_UNMAP, INVALID, 0, 2));
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
	EXPECT_EQ(0, refuse(MMIO_UNMAP, INVALID, 0, 0));

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
	self->base.trace = false;
	writes_to_the_end(_metadata, self, "silent");
}

/* a bind with a dead device ends in time too, and holds nothing */
TVM_TEST(device_is_dead_at_bind)
{
	static const char * const modes[] = { "silent", "garbage", "lost" };
	uint64_t begin;
	size_t i;
	int ret;

	self->base.trace = false;
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(0, world_write("doe_mode", modes[i]));
		begin = now_ms();
		ret = fn_bind(&self->fn);
		EXPECT_GT(UNBIND_MS, now_ms() - begin);
		EXPECT_TRUE(ret == -EIO || ret == -ETIMEDOUT || ret == -EBADMSG)
			note("%s: %d", modes[i], ret);
		EXPECT_EQ(0, world_table("devifs"));
		EXPECT_EQ(0, world_table("dmar"));
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		ASSERT_EQ(0, fn_bind(&self->fn));
		ASSERT_EQ(0, unbind_in_time(&self->fn));
	}
}

TVM_MAIN_OF("tdx", "it makes calls of the TDX module fail, by their numbers")
