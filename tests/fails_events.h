/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue of events when memory is short: an event that cannot be queued leaves its
 * mark, one that cannot be read stays.
 */
#ifndef TEST_FAILS_EVENTS_H
#define TEST_FAILS_EVENTS_H

#include <poll.h>

#include "fails_life.h"
#include "trail.h"

/* where the queue takes a struct iommufd_vevent from, with its 16 bytes */
#define QUEUE_CACHE		"/sys/kernel/slab/kmalloc-64/failslab"
#define QUEUE_CACHE_SIZE	64
#define QUEUE_MAX		16	/* allocations of that size that others may make */

/* an event of the queue as it is read */
struct queued {
	struct iommufd_vevent_header header;
	struct iommu_vevent_tsm tsm;
};

/* ---- all of the host's allocations of one size that may not wait ---- */

static int queue_fail_begin(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n * QUEUE_CACHE_SIZE);
	return failed(fault_write(QUEUE_CACHE, "1"), "%s", QUEUE_CACHE) ?:
	       fault_set("failslab", "cache-filter", "Y") ?:
	       fault_set("failslab", "ignore-gfp-wait", "Y") ?:
	       fault_set("failslab", "task-filter", "N") ?:
	       fault_set("failslab", "times", "1") ?:
	       fault_set("failslab", "space", text) ?:
	       fault_set("failslab", "probability", "100");
}

static int queue_fail_end(bool *hit)
{
	long times = 1;
	int ret;

	ret = fault_set("failslab", "probability", "0") ?:
	      fault_get("failslab", "times", &times);
	*hit = !times;
	return ret ?: fault_set("failslab", "space", "0") ?:
	       fault_set("failslab", "task-filter", "Y") ?:
	       fault_set("failslab", "ignore-gfp-wait", "N") ?:
	       fault_set("failslab", "cache-filter", "N") ?:
	       failed(fault_write(QUEUE_CACHE, "0"), "%s", QUEUE_CACHE);
}

/* ---- what happens unasked ---- */

/* whoever looks at the device by himself looks often, and only now */
static void watches_often(bool on)
{
	size_t i;

	for (i = 0; i < sizeof(trail_watches) / sizeof(trail_watches[0]); i++)
		if (trail_watch_ms[i][0])
			trail_write(trail_watches[i], on ? "50" : "0", 0);
}

/* a fall that is told: Arm's driver has no watch, there a request finds it */
static int event_fall(struct run *r)
{
	struct attest_read req = { 0 };
	uint8_t resp[2048];
	size_t len = sizeof(resp);
	uint64_t code;
	int ret;

	ret = world_write("fn0/error", "1");
	if (!ret && !strcmp(world.vendor->name, "cca"))
		fn_request(r->fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT, &req,
			   sizeof(req), resp, &len, &code);
	return ret;
}

static int event_disconnect(struct run *r)
{
	return life_disconnect(r);
}

static int event_wait(struct run *r)
{
	struct pollfd pfd = { .fd = r->fn->event_fd, .events = POLLIN };

	return poll(&pfd, 1, EVENT_MS) == 1 ? 0 :
	       failed(-ETIMEDOUT, "an event was lost without a mark");
}

/* unbound, connected, unlocked, an empty queue */
static int event_end(struct run *r)
{
	struct queued q;
	int ret = 0;

	r->there = false;
	/* the queue's content is this file's business */
	walk_end(&r->walk);
	if (fn_unbind(r->fn))
		ret = failed(-EUCLEAN, "unbind");
	while (read(r->fn->event_fd, &q, sizeof(q)) > 0)
		;
	return world_connect() ?: to_unlocked(r) ?: fn_enable(r->fn) ?:
	       walk_begin(&r->walk, r->fn) ?: ret;
}

/* ---- the reader's failures ---- */

static struct queued queued;
static ssize_t queued_len;

/* one that waits: of a TDI that fell */
static int event_ready(struct run *r)
{
	int ret;

	if (r->there)
		return 0;
	ret = event_end(r) ?: bind_and_run(r);
	watches_often(true);
	ret = ret ?: event_fall(r) ?: event_wait(r);
	watches_often(false);
	r->there = !ret;
	return ret;
}

static int event_read(struct run *r)
{
	queued_len = read(r->fn->event_fd, &queued, sizeof(queued));
	return queued_len < 0 ? errno : 0;
}

static int read_said(const struct fail *f, int err)
{
	if (!err)
		return fail_is_copy(f) ? -EBADE : 0;
	return f->hit && err == (fail_is_copy(f) ? EFAULT : ENOMEM) ? 0 : -EBADE;
}

/* what could not be read is there still, whole */
static int event_after(struct run *r, const struct fail *f, int err)
{
	int ret = read_said(f, err);

	if (err)
		return ret;
	r->there = false;
	if (queued_len != sizeof(queued) || queued.header.flags ||
	    queued.tsm.event != IOMMU_VEVENT_TSM_ERROR ||
	    queued.tsm.virt_id != fn_rid(r->fn))
		ret = failed(-EUCLEAN, "%zd bytes of event %u", queued_len,
			     queued.tsm.event);
	return ret;
}

/* it falls, and the @n-th allocation of the size that an event has fails meanwhile */
static int fall_without_memory(struct run *r, unsigned int n)
{
	bool hit;
	int ret;

	ret = event_end(r) ?: bind_and_run(r);
	watches_often(true);
	ret = ret ?: queue_fail_begin(n) ?: event_fall(r) ?: event_wait(r);
	watches_often(false);
	return queue_fail_end(&hit) ?: ret;
}

/*
 * A mark, for one that found no memory. The first that fails may be somebody else's;
 * which of them it was shows when the queue is read, so it is made once more then.
 */
static int mark_ready(struct run *r)
{
	static unsigned int nr;
	struct queued q;
	int ret = 0;

	if (r->there)
		return 0;
	while (!ret && !nr) {
		static unsigned int n;

		ret = ++n > QUEUE_MAX ? failed(-ENODATA, "no mark") :
		      fall_without_memory(r, n);
		/* an event does not fit into the room of a mark */
		if (!ret && read(r->fn->event_fd, &q, sizeof(q.header)) > 0)
			nr = n;
	}
	ret = ret ?: fall_without_memory(r, nr);
	r->there = !ret;
	return ret;
}

static int mark_after(struct run *r, const struct fail *f, int err)
{
	int ret = read_said(f, err);

	if (err)
		return ret;
	r->there = false;
	if (queued_len == sizeof(queued.header) &&
	    queued.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS)
		return ret;
	/* it was another's memory that failed this time: the event is whole, then */
	if (queued_len == sizeof(queued) && !queued.header.flags &&
	    queued.tsm.event == IOMMU_VEVENT_TSM_ERROR)
		return ret;
	return failed(-EUCLEAN, "%zd bytes, flags %#x", queued_len,
		      queued.header.flags);
}

/* ---- the queue's own memory ---- */

/* what came: @type or a mark; -EUCLEAN: neither */
static int queue_look(struct run *r, int type, bool *mark)
{
	struct queued q;
	ssize_t n;

	*mark = false;
	n = read(r->fn->event_fd, &q, sizeof(q));
	if (n == sizeof(q) && !q.header.flags && (int)q.tsm.event == type &&
	    q.tsm.virt_id == fn_rid(r->fn))
		return 0;
	*mark = n == sizeof(q.header) &&
		q.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
	return *mark ? 0 : failed(-EUCLEAN, "%zd bytes of event", n);
}

/* after a mark the queue is complete: the next is told, with the next number */
static int queue_goes_on(struct run *r)
{
	struct queued q;
	int ret;

	ret = event_end(r) ?: bind_and_run(r) ?: event_disconnect(r) ?:
	      event_wait(r);
	if (ret)
		return ret;
	if (read(r->fn->event_fd, &q, sizeof(q)) == sizeof(q) &&
	    !q.header.flags && q.tsm.event == IOMMU_VEVENT_TSM_UNBOUND)
		return 0;
	return failed(-EUCLEAN, "the event after a mark");
}

static int queue_one(struct run *r, unsigned int n, int (*happen)(struct run *),
		     int type, bool *hit, bool *mark)
{
	int ret;

	*mark = false;
	ret = event_end(r) ?: bind_and_run(r);
	watches_often(true);
	ret = ret ?: queue_fail_begin(n) ?: happen(r) ?: event_wait(r);
	watches_often(false);
	ret = queue_fail_end(hit) ?: ret ?: queue_look(r, type, mark);
	if (!ret && *mark)
		ret = queue_goes_on(r);
	return event_end(r) ?: ret;
}

/* until nothing has failed: how many marks there were */
static int queue_sweep(struct run *r, const char *name,
		       int (*happen)(struct run *), int type)
{
	uint64_t began = now_ms();
	unsigned int n, found = 0;
	bool hit = true, mark;
	int ret, marks = 0;

	for (n = 1; hit && n <= QUEUE_MAX; n++) {
		ret = queue_one(r, n, happen, type, &hit, &mark);
		if (!hit && !ret)
			break;
		found++;
		r->proof.planned++;
		prove_count(&r->proof, !ret);
		marks += mark;
		if (ret)
			note("%s, allocation %u: not as it must be", name, n);
	}
	note("%-24s %-17s %3u found %3u marks %llu ms", name, "host's allocation",
	     found, marks, (unsigned long long)(now_ms() - began));
	return marks;
}

#endif /* TEST_FAILS_EVENTS_H */
