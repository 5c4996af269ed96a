/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function and its TVM between the runs of a sweep: what must be so when it is
 * unbound, bound or in quarantine, and the ways there.
 */
#ifndef TEST_FAILS_LIFE_H
#define TEST_FAILS_LIFE_H

#include <poll.h>

#include "fails_model.h"
#include "fails_sweep.h"
#include "raw.h"
#include "sigbus.h"
#include "trail.h"

#define EVENT_MS	10000

/**
 * struct run - what the paths of one test share
 * @vm, @fn: the VM and its function
 * @proof: counts
 * @sweep: the engine
 * @walk: the model beside it
 * @tables: firmware's, with a VM that had a TDI and has none
 * @violations: of the referee, before
 * @there: the call can be made where we are
 * @began_ms: when it was, for what is bounded
 * @saved: a request, taken before it was sent
 */
struct run {
	struct vm *vm;
	struct fn *fn;
	struct prove proof;
	struct sweep sweep;
	struct walk walk;
	char tables[4096];
	long violations;
	bool there;
	uint64_t began_ms;
	struct {
		const char *what;	/* that is looked for */
		uint32_t op;
		uint8_t req[IOMMU_VDEVICE_TSM_REQ_MAX];
		size_t req_len;
		size_t resp_len;
		bool taken;
		uint64_t code;		/* of the last answer */
		char tdi[32];		/* TDISP state before */
	} saved;
};

static long violations(void)
{
	char text[1024];

	return world_read("referee", text, sizeof(text)) ?
	       -1 : world_number(text, "violations");
}

/* ---- calls, as the model hears of them ---- */

static int life_bind(struct run *r)
{
	int ret = fn_bind(r->fn);

	return walk(&r->walk, MODEL_BIND, ret) ?: ret;
}

static int life_unbind(struct run *r)
{
	int ret = fn_unbind(r->fn);

	return walk(&r->walk, MODEL_UNBIND, ret) ?: ret;
}

static int life_run(struct run *r)
{
	int ret = fn_run(r->fn);

	return ret ?: walk(&r->walk, MODEL_REQ_START, 0);
}

static int life_enable(struct run *r)
{
	int ret = fn_enable(r->fn);

	return ret ?: walk(&r->walk, MODEL_CFG_SET, 0);
}

static int life_disconnect(struct run *r)
{
	int ret = world_disconnect();

	return ret ?: walk(&r->walk, MODEL_DISCONNECT, 0);
}

static int life_connect(struct run *r)
{
	int ret = world_connect();

	return ret ?: walk(&r->walk, MODEL_CONNECT, 0);
}

static int life_retry(struct run *r)
{
	int ret = tdi_retry(r->fn->nr);

	return walk(&r->walk, MODEL_RETRY, ret) ?: failed(ret, "retry");
}

static int life_event(struct run *r, unsigned int ms)
{
	int ret = fn_event(r->fn, ms);

	return walk(&r->walk, MODEL_EVENT, ret) ?: ret;
}

/* ---- what is so ---- */

static bool tdi_is_one_of(unsigned int nr, const char *const *states, char text[32])
{
	char path[32];

	snprintf(path, sizeof(path), "fn%u/tdi", nr);
	if (world_read(path, text, 32))
		return false;
	text[strcspn(text, "\n")] = 0;
	for (; *states; states++)
		if (!strcmp(*states, text))
			return true;
	return false;
}

/* the kernel and the device say so */
static int is_in(struct run *r, const char *seat, const char *const *states)
{
	char text[32] = "";

	if (violations() != r->violations) {
		char text[1024];

		world_read("referee", text, sizeof(text));
		note("the referee has seen a mistake: %s", text);
		r->violations = violations();
		return -EUCLEAN;
	}
	if (!tdi_state_is(r->fn->nr, seat))
		return -EUCLEAN;
	if (!tdi_is_one_of(r->fn->nr, states, text)) {
		note("TDI is %s while %s", text, seat);
		return -EUCLEAN;
	}
	return walk(&r->walk, MODEL_STATE, walk_seat(seat)) ?:
	       walk(&r->walk, MODEL_TDISP, walk_tdisp(text));
}

#define STATES(...)	((const char *const []){ __VA_ARGS__, NULL })

static int same_tables(struct run *r)
{
	char now[sizeof(r->tables)];

	if (world_read("tables", now, sizeof(now)))
		return -EIO;
	if (!strcmp(now, r->tables))
		return 0;
	note("tables before: %s", r->tables);
	note("tables now: %s", now);
	return -EUCLEAN;
}

/* the host has its BARs back, and slots and attachment are not held */
static int host_is_back(struct run *r)
{
	uint32_t id = 0;

	r->fn->guest = false;
	if (life_enable(r))
		return -EUCLEAN;
	if (!r->fn->bar0 || (sigbus_read(r->fn->bar0 + TEEMU_REG_ID, &id) &&
			     id == TEEMU_ID))
		return 0;
	note("the host's mapping does not work: %#x", id);
	return -EUCLEAN;
}

/* unbound and as if never bound */
static int is_as_before(struct run *r)
{
	return is_in(r, "unbound", STATES("CONFIG_UNLOCKED")) ?: same_tables(r) ?:
	       host_is_back(r);
}

/* nobody has told the VMM anything, since it asked for all of it */
static int no_event(struct run *r)
{
	int ret = life_event(r, 0);

	if (ret == -EAGAIN)
		return 0;
	note("event %d, and nothing had happened unasked", ret);
	return -EUCLEAN;
}

static int event_is(struct run *r, int type)
{
	int ret = life_event(r, EVENT_MS);

	if (ret == type)
		return 0;
	note("event %d, looked for %d", ret, type);
	return -EUCLEAN;
}

/* ---- ways ---- */

/* the device may have been left locked or in ERROR, as R17's table says */
static int to_unlocked(struct run *r)
{
	char path[32], text[32];

	snprintf(path, sizeof(path), "fn%u/tdi", r->fn->nr);
	if (world_read(path, text, sizeof(text)))
		return -EIO;
	if (!strcmp(text, "CONFIG_UNLOCKED\n"))
		return 0;
	return life_disconnect(r) ?: life_connect(r);
}

/* firmware did not let go */
static bool is_kept(const struct run *r)
{
	char text[160];

	return !tdi_state(r->fn->nr, text, sizeof(text)) &&
	       !strncmp(text, "quarantined", 11);
}

/* out of quarantine, since firmware and device are willing again, as the VMM hears */
static int out_of_quarantine(struct run *r)
{
	int ret;

	if (!is_quarantined(r->fn->nr))
		return -EUCLEAN;
	/* before it has come out, nobody gets it */
	ret = life_bind(r) == -EIO ? 0 : failed(-EUCLEAN, "bind in quarantine");
	ret = event_is(r, TDI_EVENT_QUARANTINED) ?: ret;
	ret = life_retry(r) ?: ret;
	if (!tdi_state_is(r->fn->nr, "unbound"))
		return -EUCLEAN;
	r->fn->guest = false;
	return event_is(r, TDI_EVENT_UNBOUND) ?: ret;
}

static int is_in_time(struct run *r, unsigned int limit, const char *what)
{
	uint64_t ms = now_ms() - r->began_ms;

	if (ms <= limit)
		return 0;
	note("%s took %llu ms, and may take %u", what, (unsigned long long)ms,
	     limit);
	return -ETIME;
}

static int bind_and_run(struct run *r)
{
	return failed(life_bind(r), "bind") ?: life_run(r);
}

/* the next life: bind, unbind, and firmware has what it had */
static int next_one_works(struct run *r)
{
	int ret;

	ret = failed(life_bind(r), "next bind") ?:
	      failed(life_unbind(r), "and its unbind");
	r->walk.fail = NULL;
	return ret ?: to_unlocked(r) ?: is_as_before(r);
}

static int run_begin(struct run *r, struct vm *vm, struct fn *fn)
{
	int ret;

	memset(r, 0, sizeof(*r));
	r->vm = vm;
	r->fn = fn;
	r->proof.part = "failures";
	r->sweep.r = r;
	r->sweep.proof = &r->proof;
	ret = fault_begin();
	if (ret && ret != -ENOENT)
		return ret;
	r->sweep.has_memory = !ret;
	if (ret)
		note("no fault injection here: neither allocations nor copies fail");
	r->violations = violations();
	/* a TVM of the VM, with tables for private MMIO, which stay */
	return walk_begin(&r->walk, fn) ?: fn_map(fn) ?: bind_and_run(r) ?:
	       failed(life_unbind(r), "unbind") ?: life_enable(r) ?:
	       world_read("tables", r->tables, sizeof(r->tables));
}

/* unbound in the end, and all that was told was allowed */
static int run_end(struct run *r)
{
	note("the model was told %lu calls", r->walk.told);
	walk_end(&r->walk);
	return r->walk.refused ? -EUCLEAN : 0;
}

/* what each sweep ends with: nothing failed, something ran, and the function lives on */
static int run_over(struct run *r)
{
	int ret;

	prove_report(&r->proof);
	ret = failed(r->proof.run && !r->proof.failed ? 0 : -EUCLEAN, "the sweep");
	ret = (bind_and_run(r) ?: failed(life_unbind(r), "unbind") ?: to_unlocked(r)) ?: ret;
	ret = run_end(r) ?: ret;
	trail_watches_on();
	return ret;
}

/* one that has been left behind comes along again, from where it can */
static int run_meet(struct run *r)
{
	char text[160];

	r->walk.fail = NULL;
	if (r->walk.m || r->there || !r->fn->vdevice_id ||
	    tdi_state(r->fn->nr, text, sizeof(text)) || strncmp(text, "unbound", 7))
		return 0;
	return walk_begin(&r->walk, r->fn);
}

#endif /* TEST_FAILS_LIFE_H */
