// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is allowed: each call as a few steps over a small state. The rule or the page
 * that says so stands beside it; where neither says which of two answers it is, both
 * are here (spec_private.h: in which file).
 *
 * "Behind the gate" is docs/architecture.md's table: what refuses begins a hold only
 * when no function in its reach is bound or on its way there or back; what cannot be
 * refused begins its hold first and unbinds then; a bind looks for holds when it
 * begins and when it publishes.
 */
#include <errno.h>

#include "spec_private.h"

/* ---- successors ---- */

struct spec_config *next_config(struct step *t)
{
	struct spec_config *n = &t->out[t->nr++];

	*n = *t->c;
	return n;
}

struct spec_config *next_phase(struct step *t, unsigned int phase)
{
	struct spec_config *n = next_config(t);

	n->core.actor[t->a].phase = phase;
	n->may[t->a] = 0;
	return n;
}

struct spec_config *next_done(struct step *t, uint64_t may)
{
	struct spec_config *n = next_phase(t, SPEC_DONE);

	n->core.actor[t->a].departed = 0;
	n->may[t->a] = may;
	return n;
}

void next_unbound(struct step *t, unsigned int i, bool done, bool optional)
{
	struct spec_config *n;

	n = done ? next_done(t, OK) : next_config(t);
	spec_end_unbind(&n->core.fn[i], optional);
	if (!t->s->faults.quarantine)
		return;
	n = done ? next_done(t, err(EIO)) : next_config(t);
	spec_becomes_quarantined(&n->core.fn[i]);
}

/* ---- calls ---- */

static void (*const steps[MODEL_NR_OPS])(struct step *t) = {
	[MODEL_BIND] = step_bind,
	[MODEL_UNBIND] = step_unbind,
	[MODEL_REQ_START] = step_req,
	[MODEL_REQ_STOP] = step_req,
	[MODEL_VDEV_ALLOC] = step_vdev_alloc,
	[MODEL_VDEV_DESTROY] = step_vdev_destroy,
	[MODEL_OPEN] = step_hold,
	[MODEL_CLOSE] = step_close,
	[MODEL_RESET] = step_hold,
	[MODEL_SYSFS_RESET] = step_hold,
	[MODEL_HOT_RESET] = step_hold,
	[MODEL_ATTACH] = step_hold,
	[MODEL_LOW_POWER] = step_hold,
	[MODEL_CFG_GUARDED] = step_hold,
	[MODEL_CFG_CLEAR] = step_hold,
	[MODEL_CFG_FLR] = step_hold,
	[MODEL_CFG_SET] = step_cfg_set,
	[MODEL_SLOT_SET] = step_slot,
	[MODEL_SLOT_DEL] = step_slot,
	[MODEL_SHARED] = step_slot,
	[MODEL_PRIVATE] = step_slot,
	[MODEL_CONNECT] = step_connect,
	[MODEL_DISCONNECT] = step_disconnect,
	[MODEL_DRIVER_UNBIND] = step_driver_unbind,
	[MODEL_DRIVER_BIND] = step_driver_bind,
	[MODEL_UNPLUG] = step_unplug,
	[MODEL_REPLUG] = step_replug,
	[MODEL_RETRY] = step_retry,
	[MODEL_FALL] = step_fall,
	[MODEL_EVENT] = step_event,
	[MODEL_QUEUE_NEW] = step_queue_new,
};

/*
 * The call names the vDEVICE that somebody else is just allocating, whose id nobody
 * has told us yet: perhaps it is this one.
 */
static void step_guess_id(struct step *t)
{
	unsigned int owner = t->fn->vdev & 0xff;
	struct spec_config *n;

	if (!spec_takes_id(t->call->op) || (t->fn->vdev & 0xff00) != SPEC_NEW)
		return;
	n = next_config(t);
	fn_of(t, n)->vdev = t->call->id;
	n->core.actor[owner].answer = t->call->id;
}

unsigned int spec_steps(const struct spec *s, const struct spec_config *c,
			unsigned int actor, struct spec_config out[SPEC_STEPS])
{
	struct step t = {
		.s = s, .c = c, .a = actor, .call = &s->call[actor],
		.fn = &c->core.fn[s->call[actor].fn], .out = out,
	};
	unsigned int i;

	if (c->core.actor[actor].phase == SPEC_DONE)
		return 0;
	if (c->core.actor[actor].phase == SPEC_START)
		step_guess_id(&t);
	if (steps[t.call->op])
		steps[t.call->op](&t);
	for (i = 0; i < t.nr; i++)
		spec_look(s, &out[i]);
	return t.nr;
}

/* the id of @call may be that of a vDEVICE which somebody is just allocating */
static bool may_guess_id(const struct spec *s, const struct model_call *call)
{
	unsigned int a;

	if (!spec_takes_id(call->op))
		return false;
	for_each_busy(s, a)
		if (s->call[a].op == MODEL_VDEV_ALLOC && s->call[a].fn == call->fn)
			return true;
	return false;
}

uint64_t spec_done(const struct spec *s, const struct model_call *call)
{
	/* what it guesses is a step, and any answer can come after it */
	if (may_guess_id(s, call))
		return UINT64_MAX;
	if (!steps[call->op])
		return 0;
	switch (call->op) {
	case MODEL_BIND:
	case MODEL_EVENT:
	case MODEL_REQ_START:
	case MODEL_REQ_STOP:
		return UINT64_MAX;
	default:
		return OK | (s->faults.quarantine ? err(EIO) : 0) |
		       (spec_is_hold(call->op) ?
			err(EAGAIN) | err(EBUSY) | call->also : 0);
	}
}

unsigned int spec_async(const struct spec *s, const struct spec_config *c,
			unsigned int fns, struct spec_config out[SPEC_STEPS])
{
	struct step t = { .s = s, .c = c, .out = out };
	unsigned int i;

	for (i = 0; i < s->nr_fns; i++) {
		const struct spec_fn *fn = &c->core.fn[i];

		if (fns & 1u << i && fn->bind == MODEL_UNBINDING &&
		    fn->owner == SPEC_CORE)
			next_unbound(&t, i, false, false);
	}
	for (i = 0; i < t.nr; i++)
		spec_look(s, &out[i]);
	return t.nr;
}

bool spec_learn_id(const struct spec *s, struct spec_config *c, unsigned int actor,
		   int id)
{
	struct spec_progress *p = &c->core.actor[actor];
	struct spec_fn *fn = &c->core.fn[s->call[actor].fn];

	if (s->call[actor].op != MODEL_VDEV_ALLOC || p->phase != SPEC_DONE)
		return false;
	if (p->answer != SPEC_WILD)
		return p->answer == id;
	if (fn->vdev == (SPEC_NEW | actor))
		fn->vdev = id;
	p->answer = id;
	return true;
}
