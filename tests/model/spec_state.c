// SPDX-License-Identifier: GPL-2.0-only
/* The state: what there is and who is at it, and what becomes of a function. */
#include "spec_private.h"

/* ---- what a call is ---- */

/* a reset of function 0 may take the DSM's other functions along, and its VFs */
static unsigned int reset_reach(const struct spec *s, unsigned int fn)
{
	return fn ? 1u << fn : all_fns(s);
}

unsigned int spec_reach(const struct spec *s, const struct model_call *call)
{
	switch (call->op) {
	case MODEL_RESET:
	case MODEL_SYSFS_RESET:
	case MODEL_CFG_FLR:
	case MODEL_OPEN:
	case MODEL_CLOSE:
		return reset_reach(s, call->fn);
	case MODEL_HOT_RESET:
	case MODEL_UNPLUG:
		return all_fns(s);
	default:
		return 1u << call->fn;
	}
}

unsigned int spec_touches(const struct spec *s, const struct model_call *call)
{
	switch (call->op) {
	case MODEL_CONNECT:
	case MODEL_DISCONNECT:
	case MODEL_REPLUG:
	case MODEL_UNPLUG:
		return all_fns(s) | SPEC_LINK;
	default:
		return spec_reach(s, call);
	}
}

bool spec_is_hold(enum model_op op)
{
	switch (op) {
	case MODEL_RESET:
	case MODEL_SYSFS_RESET:
	case MODEL_HOT_RESET:
	case MODEL_ATTACH:
	case MODEL_LOW_POWER:
	case MODEL_CFG_GUARDED:
	case MODEL_CFG_CLEAR:
	case MODEL_CFG_FLR:
	case MODEL_OPEN:
	case MODEL_CLOSE:
		return true;
	default:
		return false;
	}
}

static bool resets(enum model_op op)
{
	return op == MODEL_RESET || op == MODEL_SYSFS_RESET ||
	       op == MODEL_HOT_RESET || op == MODEL_CFG_FLR ||
	       op == MODEL_OPEN || op == MODEL_CFG_CLEAR;
}

/* goes through once a STOP has been confirmed (R04) */
static bool passes_stopped(enum model_op op)
{
	return op == MODEL_CFG_GUARDED || op == MODEL_CFG_CLEAR ||
	       op == MODEL_CFG_FLR;
}

bool spec_takes_id(enum model_op op)
{
	return op <= MODEL_REQ_OTHER || op == MODEL_VDEV_DESTROY;
}

static bool is_req(enum model_op op)
{
	return op >= MODEL_REQ_READ && op <= MODEL_REQ_OTHER;
}

/* ---- what there is ---- */

/* functions that the hold of actor @a reaches at this moment */
static unsigned int hold_of(const struct spec *s, const struct spec_config *c,
			    unsigned int a)
{
	const struct model_call *call = &s->call[a];

	if (!at_work(c, a))
		return 0;
	if (spec_is_hold(call->op))
		return spec_reach(s, call);
	if (call->op == MODEL_DRIVER_UNBIND || call->op == MODEL_UNPLUG)
		return c->core.actor[a].departed;
	return 0;
}

bool spec_held(const struct spec *s, const struct spec_config *c, unsigned int fn)
{
	unsigned int a;

	for_each_busy(s, a)
		if (hold_of(s, c, a) & 1u << fn)
			return true;
	return false;
}

bool spec_closing(const struct spec *s, const struct spec_config *c,
		  unsigned int fn)
{
	unsigned int a;

	for_each_busy(s, a)
		if (s->call[a].op == MODEL_CLOSE && s->call[a].fn == fn &&
		    at_work(c, a))
			return true;
	return false;
}

bool spec_stopping(const struct spec *s, const struct spec_config *c, unsigned int fn)
{
	unsigned int a;

	for_each_busy(s, a)
		if (s->call[a].op == MODEL_REQ_STOP && s->call[a].fn == fn &&
		    at_work(c, a))
			return true;
	return false;
}

bool spec_refused(const struct spec *s, const struct spec_config *c,
		  const struct model_call *call)
{
	unsigned int fns = spec_reach(s, call), i;

	for (i = 0; i < s->nr_fns; i++) {
		const struct spec_fn *fn = &c->core.fn[i];

		if (!(fns & 1u << i) || fn->bind == MODEL_UNBOUND)
			continue;
		if (fn->bind != MODEL_BOUND || !fn->stopped ||
		    !passes_stopped(call->op))
			return true;
	}
	return false;
}

bool spec_any_quarantined(const struct spec *s, const struct spec_config *c)
{
	unsigned int i;

	for (i = 0; i < s->nr_fns; i++)
		if (c->core.fn[i].bind == MODEL_QUARANTINED)
			return true;
	return false;
}

unsigned int spec_disconnected(const struct spec *s, const struct spec_config *c)
{
	unsigned int a, fns = 0;

	for_each_busy(s, a)
		if (s->call[a].op == MODEL_DISCONNECT && at_work(c, a))
			fns |= c->core.actor[a].departed | SPEC_LINK;
	return fns;
}

/* ---- who meets whom ---- */

static unsigned int can_do(const struct model_call *call)
{
	enum model_op op = call->op;
	unsigned int met = MET_ANY;

	if (spec_takes_id(op) || op == MODEL_CLOSE)
		met |= MET_USER;
	if (is_req(op))
		met |= MET_REQUEST;
	/* the loss of power, too, is a reset */
	if (resets(op) || op == MODEL_UNPLUG || op == MODEL_REPLUG)
		met |= MET_RESET;
	if (resets(op) || op == MODEL_CLOSE || op == MODEL_DRIVER_UNBIND ||
	    op == MODEL_DRIVER_BIND || op == MODEL_UNPLUG)
		met |= MET_LOCK;
	return met;
}

void spec_meet(struct spec *s, unsigned int actor)
{
	const struct model_call *call = &s->call[actor];
	unsigned int a;

	s->met[actor] = 0;
	for_each_busy(s, a) {
		const struct model_call *other = &s->call[a];

		if (a == actor ||
		    !(spec_touches(s, call) & spec_touches(s, other)))
			continue;
		s->met[actor] |= can_do(other);
		s->met[a] |= can_do(call);
	}
}

/* ---- what becomes of a function ---- */

static void push_event(struct spec_fn *fn, unsigned int type, bool optional)
{
	/* without a vDEVICE there is nobody to tell */
	if (!fn->vdev || fn->dying)
		optional = true;
	if (fn->nr_events == SPEC_EVENTS)
		fn->overflow = 1;
	else
		fn->events[fn->nr_events++] = type | (optional ? SPEC_OPTIONAL : 0);
}

/* what has not been told to a vDEVICE may be forgotten with it */
void spec_vdev_goes(struct spec_fn *fn)
{
	unsigned int i;

	fn->vdev = 0;
	fn->dying = 0;
	for (i = 0; i < fn->nr_events; i++)
		fn->events[i] |= SPEC_OPTIONAL;
}

void spec_becomes_unbound(struct spec_fn *fn)
{
	fn->bind = MODEL_UNBOUND;
	fn->owner = 0;
	fn->lost = 0;
	fn->tell = 0;
	fn->stopped = 0;
	fn->tdisp = MODEL_UNLOCKED;
}

void spec_becomes_quarantined(struct spec_fn *fn)
{
	push_event(fn, EVENT_QUARANTINED, false);
	fn->bind = MODEL_QUARANTINED;
	fn->owner = 0;
	fn->lost = 0;
	fn->tell = 0;
}

void spec_begin_unbind(struct spec_fn *fn, unsigned int owner, bool tell)
{
	fn->bind = MODEL_UNBINDING;
	fn->owner = owner;
	fn->tell = tell;
}

/* the event stands in the queue before anybody sees UNBOUND */
void spec_end_unbind(struct spec_fn *fn, bool optional)
{
	if (fn->tell)
		push_event(fn, EVENT_UNBOUND, optional);
	spec_becomes_unbound(fn);
}

void spec_fall(struct spec_fn *fn)
{
	if (fn->tdisp != MODEL_LOCKED && fn->tdisp != MODEL_RUN)
		return;
	fn->tdisp = MODEL_ERROR;
	fn->mse = 2;
	/* an unbind may come before anybody has noticed (docs/uapi.md) */
	push_event(fn, EVENT_ERROR, true);
}
