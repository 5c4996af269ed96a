// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM may die at any instruction. tvmm lives a whole life, from the first open to
 * the last close: open, bind, accept, RUN, DMA, unbind on demand, shared use, close. It
 * is killed at each point of it, one life for each point, and after each the audit.
 *
 * What a kill finds in the kernel changes with system calls and with page faults only.
 * So the points are:
 *
 *  - the entry of each system call of each thread, which stands for every instruction
 *    of user space before it, back to the call before it;
 *  - the exit of a call too, where what follows does not show the kernel the same state:
 *    another thread was at a call of its own before the next entry, a signal came, or
 *    the thread had a page fault (its first touch of a BAR is one: VFIO maps it then);
 *  - what comes before the first object of ours is opened, /dev/kvm, is one point, that
 *    open's entry: the C library's start and the options leave no trace in the kernel.
 *
 * A point has an address that is the same in each run, whatever the other thread does
 * meanwhile: the thread, the call (an ioctl by its command), how often that thread made
 * it, and which end. A life that does not come by its point is tried again, and a point
 * that no life comes by is a failure.
 *
 * Between the two ends of a call the kernel is at work, and there tvmm is killed too:
 * while it waits for an answer of the device, in each exchange, and in each firmware
 * call; see kills_inside.c.
 *
 * KILLS_POINT=<address> runs one point alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "kills.h"
#include "ptraced.h"

#define SLICE		10
#define LEAST_POINTS	100	/* fewer is not the life that this is about */
#define FIRST_OBJECT	"/dev/kvm"

/* what a life stopped at: all of it, or the points among it */
struct calls {
	size_t nr;
	size_t room;
	struct ptraced_stop *stop;
	long *faults;
};

static void calls_free(struct calls *c)
{
	free(c->stop);
	free(c->faults);
	memset(c, 0, sizeof(*c));
}

static int calls_add(struct calls *c, const struct ptraced_stop *stop, long faults)
{
	void *stops, *counts;

	if (c->nr == c->room) {
		c->room = c->room ? 2 * c->room : 256;
		stops = realloc(c->stop, c->room * sizeof(*c->stop));
		if (stops)
			c->stop = stops;
		counts = realloc(c->faults, c->room * sizeof(*c->faults));
		if (counts)
			c->faults = counts;
		if (!stops || !counts)
			return -ENOMEM;
	}
	c->stop[c->nr] = *stop;
	c->faults[c->nr++] = faults;
	return 0;
}

static const char *thread_name(const struct ptraced_stop *s)
{
	return s->thread ? "watch" : "vcpu";
}

/* a life that nobody ends, stop by stop; @first: index of the first object's open */
static int record(struct kills *k, struct calls *c, size_t *first)
{
	struct ptraced_stop stop;
	struct ptraced p;
	char path[32] = "";
	int ret;

	kills_output(k, false);
	*first = 0;
	ret = ptraced_start(&p, k->argv, k->out, KILLS_LIFE_MS);
	while (!ret && (ret = ptraced_next(&p, &stop)) > 0) {
		ret = calls_add(c, &stop, ptraced_faults(&p));
		if (!*first && stop.nr == SYS_openat &&
		    !ptraced_string(&p, stop.args[1], path, sizeof(path)) &&
		    !strcmp(path, FIRST_OBJECT))
			*first = c->nr - 1;
	}
	if (!ret && p.status)
		ret = failed(-ECHILD, "tvmm ends with status %#x", p.status);
	if (!ret && p.nr_threads != 2)
		ret = failed(-EPROTO, "tvmm has %zu threads", p.nr_threads);
	if (!ret && !*first)
		ret = failed(-EPROTO, "tvmm never opens %s", FIRST_OBJECT);
	if (ret) {
		ptraced_kill(&p, KILLS_DEATH_MS);
		kills_output(k, true);
	}
	return ret;
}

/* what comes after stop @i shows the kernel the same state as stop @i, see above */
static bool is_same_state(const struct calls *c, size_t i)
{
	const struct ptraced_stop *a = &c->stop[i], *b = a + 1;

	return a->exit && i + 1 < c->nr && a->thread == b->thread && !b->exit &&
	       !b->stirred && c->faults[i] >= 0 && c->faults[i] == c->faults[i + 1];
}

/* how often each thread made which call, one line for each call */
static void tell_of_calls(const struct calls *c, size_t first)
{
	const struct ptraced_stop *a, *b, *end = c->stop + c->nr;
	char name[32], other[32];
	size_t n;

	for (a = c->stop + first; a < end; a++) {
		if (a->exit || a->nth != 1)
			continue;
		for (n = 0, b = a; b < end; b++)
			n += !b->exit && b->thread == a->thread &&
			     !strcmp(ptraced_name(a, name, sizeof(name)),
				     ptraced_name(b, other, sizeof(other)));
		note("  %s %s: %zu", thread_name(a), ptraced_name(a, name, sizeof(name)),
		     n);
	}
}

/* what stands for what differs a little from life to life, so one alone is sought in all */
static int find_points(struct kills *k, struct calls *points)
{
	bool alone = getenv("KILLS_POINT");
	size_t first, i, kept[2] = { 0 };
	struct calls all = { 0 };
	int ret;

	ret = record(k, &all, &first);
	for (i = first; !ret && i < all.nr; i++) {
		if (!alone && is_same_state(&all, i))
			continue;
		kept[all.stop[i].exit]++;
		ret = calls_add(points, &all.stop[i], all.faults[i]);
	}
	if (!ret)
		note("kills.%s: %zu stops in a life, %zu before the first object is opened, one point then; %zu entries, %zu exits that the next entry does not stand for: %zu points",
		     world.vendor->name, all.nr, first, kept[0], kept[1],
		     points->nr);
	if (!ret && prove_full())
		tell_of_calls(&all, first);
	calls_free(&all);
	return ret;
}

static void address_of_call(struct kills *k, size_t i, char *buf, size_t size)
{
	const struct calls *points = k->data;
	const struct ptraced_stop *s = &points->stop[i];
	char name[32];

	snprintf(buf, size, "%s/%s/%u/%s", thread_name(s),
		 ptraced_name(s, name, sizeof(name)), s->nth,
		 s->exit ? "exit" : "entry");
}

static void tell_of_call(struct kills *k, size_t i)
{
	const struct calls *points = k->data;
	const struct ptraced_stop *s = &points->stop[i];
	char name[32];

	note("killed %s %s(%#llx, %#llx, %#llx, %#llx) of thread %s",
	     s->exit ? "after" : "before", ptraced_name(s, name, sizeof(name)),
	     (unsigned long long)s->args[0], (unsigned long long)s->args[1],
	     (unsigned long long)s->args[2], (unsigned long long)s->args[3],
	     thread_name(s));
}

/* one life towards @point: 0 it died there, -EAGAIN it did not come by, or -errno */
static int die_once(struct kills *k, const struct ptraced_stop *point)
{
	struct ptraced_stop stop;
	struct ptraced p;
	uint64_t since;
	int ret;

	kills_output(k, false);
	ret = ptraced_start(&p, k->argv, k->out, KILLS_LIFE_MS);
	if (ret)
		return failed(ret, "start");
	do {
		ret = ptraced_next(&p, &stop);
	} while (ret > 0 && !ptraced_same(&stop, point));
	if (!ret)
		return p.status ? failed(-ECHILD, "tvmm ends with status %#x",
					 p.status) : -EAGAIN;
	since = now_ms();
	if (ptraced_kill(&p, KILLS_DEATH_MS))
		return failed(-EBUSY, "SIGKILL does not end all of it");
	return ret < 0 ? failed(ret, "on the way to the point") :
	       kills_died(k, p.status, since);
}

static int die_at_call(struct kills *k, size_t i)
{
	const struct ptraced_stop *point = &((struct calls *)k->data)->stop[i];
	int ret = -EAGAIN, n;

	for (n = 0; ret == -EAGAIN && n < KILLS_TRIES; n++) {
		ret = die_once(k, point);
		k->retries += ret == -EAGAIN;
	}
	return ret == -EAGAIN ? failed(ret, "no life comes by this point") : ret;
}

/* ---- the tests ---- */

FIXTURE(kills)
{
	struct kills k;
};

FIXTURE_SETUP(kills)
{
	WORLD_OR_SKIP();
	ASSERT_EQ(0, kills_begin(&self->k));
}

FIXTURE_TEARDOWN(kills)
{
	EXPECT_EQ(0, kills_end(&self->k));
}

TEST_F_TIMEOUT(kills, at_each_system_call, PROVE_TIMEOUT)
{
	struct calls points = { 0 };
	struct kills_set set = {
		.kind = "call",
		.slice = SLICE,
		.address = address_of_call,
		.die = die_at_call,
		.tell = tell_of_call,
	};

	ASSERT_EQ(0, find_points(&self->k, &points));
	EXPECT_LE(LEAST_POINTS, points.nr);
	self->k.data = &points;
	set.nr = points.nr;
	EXPECT_EQ(0, kills_run(&self->k, &set));
	calls_free(&points);
}

TEST_F_TIMEOUT(kills, in_each_exchange, PROVE_TIMEOUT)
{
	EXPECT_EQ(0, kills_exchanges(&self->k));
}

TEST_F_TIMEOUT(kills, in_each_firmware_call, PROVE_TIMEOUT)
{
	EXPECT_EQ(0, kills_firmware(&self->k));
}

TVM_MAIN
