// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps of what goes on around a binding: what stands in the gate, config writes,
 * slots, the link, driver and power, what the device does by itself, and what is told
 * of all that.
 */
#include <errno.h>
#include <string.h>

#include "spec_private.h"

/* what Linux says of itself when it would have to wait for another call */
static uint64_t contended(const struct spec *s, unsigned int a)
{
	enum model_op op = s->call[a].op;
	uint64_t why = 0;

	if ((op == MODEL_OPEN || op == MODEL_RESET || op == MODEL_HOT_RESET ||
	     op == MODEL_CFG_FLR) && s->met[a] & MET_LOCK)
		why |= err(EAGAIN);
	if (op == MODEL_HOT_RESET && s->met[a] & MET_ANY)
		why |= err(EBUSY);
	return why;
}

void step_hold(struct step *t)
{
	struct spec_config *n;
	uint64_t why;

	if (!at_work(t->c, t->a)) {
		if (spec_refused(t->s, t->c, t->call) ||
		    (t->call->op == MODEL_OPEN &&
		     (t->fn->open || !t->fn->driver)))
			return;
		n = next_phase(t, WORK);
		if (t->call->op == MODEL_OPEN)
			fn_of(t, n)->open = 1;
		return;
	}
	/* it has stood in the gate all the same */
	why = t->call->also | contended(t->s, t->a);
	if (why) {
		n = next_done(t, why);
		if (t->call->op == MODEL_OPEN)
			fn_of(t, n)->open = 0;
	}
	n = next_done(t, OK);
	if (t->call->op == MODEL_CFG_CLEAR)
		fn_of(t, n)->mse = 0;
	else if (t->call->op == MODEL_OPEN || t->call->op == MODEL_CFG_FLR)
		fn_of(t, n)->mse = 2;
	/* all functions at once: the device forgets its session */
	if (t->call->op == MODEL_HOT_RESET && n->core.link)
		n->core.link = SPEC_STALE;
}

/* MSE or BME set again: TDISP counts that as a change, too */
void step_cfg_set(struct step *t)
{
	struct spec_config *n;

	n = next_done(t, OK);
	fn_of(t, n)->mse = 1;
	if (t->fn->mse == 1 || t->fn->bind == MODEL_UNBOUND)
		return;
	n = next_done(t, OK);
	fn_of(t, n)->mse = 1;
	spec_fall(fn_of(t, n));
}

/*
 * R08. In between the two states the VM comes into it at some moment, and goes at
 * another.
 */
static bool slot_is_free(const struct spec_fn *fn, unsigned int bit)
{
	return !(fn->slots & bit) || (fn->bind != MODEL_BOUND &&
				      fn->bind != MODEL_QUARANTINED);
}

void step_slot(struct step *t)
{
	unsigned int bit = 1u << t->call->id;
	bool set = t->fn->slots & bit, private = t->fn->private & bit;

	switch (t->call->op) {
	case MODEL_SLOT_SET:
		if (!set && (t->fn->open || spec_closing(t->s, t->c, t->call->fn)))
			fn_of(t, next_done(t, OK))->slots |= bit;
		break;
	case MODEL_SLOT_DEL:
		if (set && slot_is_free(t->fn, bit))
			fn_of(t, next_done(t, OK))->slots &= ~bit;
		break;
	case MODEL_SHARED:
		if (private && slot_is_free(t->fn, bit))
			fn_of(t, next_done(t, OK))->private &= ~bit;
		break;
	default:
		if (!private)
			fn_of(t, next_done(t, OK))->private |= bit;
	}
}

void step_connect(struct step *t)
{
	if (t->c->core.present && !t->c->core.link)
		next_done(t, OK)->core.link = 1;
}

/*
 * R06: one function after the other is unbound by the core; a work item ends it, and
 * tells the VMM. Then the link is down.
 */
void step_disconnect(struct step *t)
{
	unsigned int gone = t->c->core.actor[t->a].departed, i;
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		if (t->c->core.link && !spec_any_quarantined(t->s, t->c) &&
		    !spec_disconnected(t->s, t->c))
			next_phase(t, WORK);
		return;
	}
	for (i = 0; i < t->s->nr_fns; i++) {
		if (gone & 1u << i)
			continue;
		n = next_config(t);
		n->core.actor[t->a].departed |= 1u << i;
		if (n->core.fn[i].bind == MODEL_BOUND)
			spec_begin_unbind(&n->core.fn[i], SPEC_CORE, true);
		else if (n->core.fn[i].bind == MODEL_BINDING)
			n->core.fn[i].lost = 1;
	}
	if (gone == all_fns(t->s))
		next_done(t, OK)->core.link = 0;
}

static bool has_user(struct step *t, unsigned int i)
{
	return t->c->core.fn[i].open || spec_closing(t->s, t->c, i);
}

void step_driver_unbind(struct step *t)
{
	unsigned int i = t->call->fn;
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		n = next_phase(t, WORK);
		n->core.actor[t->a].departed = 1u << i;
	} else if (spec_unbind_first(t, 1u << i) && !has_user(t, i)) {
		n = next_done(t, OK);
		n->core.fn[i].driver = 0;
	}
}

/* one function after the other leaves its driver, then the device is gone */
void step_unplug(struct step *t)
{
	unsigned int gone = t->c->core.actor[t->a].departed, i;
	struct spec_config *n;
	bool over;

	if (!at_work(t->c, t->a)) {
		if (t->c->core.present)
			next_phase(t, WORK);
		return;
	}
	over = spec_unbind_first(t, gone);
	for (i = 0; i < t->s->nr_fns; i++) {
		if (!(gone & 1u << i))
			next_config(t)->core.actor[t->a].departed |= 1u << i;
		over &= (gone & 1u << i) && !has_user(t, i);
	}
	if (!over)
		return;
	n = next_done(t, OK);
	n->core.link = 0;
	n->core.present = 0;
	for (i = 0; i < t->s->nr_fns; i++)
		n->core.fn[i].driver = 0;
}

void step_replug(struct step *t)
{
	if (!t->c->core.present)
		next_done(t, OK)->core.present = 1;
}

void step_driver_bind(struct step *t)
{
	if (t->c->core.present && !t->fn->driver)
		fn_of(t, next_done(t, OK))->driver = 1;
}

void step_fall(struct step *t)
{
	spec_fall(fn_of(t, next_done(t, OK)));
	/* it comes before the lock or after the unlock, and hits nothing */
	if (!settled(t->fn))
		next_done(t, OK);
}

/* nothing is on its way to the function's queue any more */
static bool all_told(struct step *t)
{
	unsigned int i;

	for (i = 0; i < t->fn->nr_events; i++)
		if (!(t->fn->events[i] & SPEC_OPTIONAL))
			return false;
	return settled(t->fn);
}

void step_queue_new(struct step *t)
{
	struct spec_fn *fn = fn_of(t, next_done(t, OK));

	fn->nr_events = 0;
	fn->overflow = 0;
	memset(fn->events, 0, SPEC_EVENTS);
}

void step_event(struct step *t)
{
	struct spec_config *n;
	unsigned int i;

	for (i = 0; i < t->fn->nr_events; i++) {
		uint8_t event = t->fn->events[i];

		n = next_done(t, BIT(event & ~SPEC_OPTIONAL));
		fn_of(t, n)->nr_events -= i + 1;
		memmove(fn_of(t, n)->events, t->fn->events + i + 1,
			SPEC_EVENTS - i - 1);
		memset(fn_of(t, n)->events + SPEC_EVENTS - i - 1, 0, i + 1);
		if (!(event & SPEC_OPTIONAL))
			break;
	}
	if (t->fn->overflow)
		next_done(t, BIT(EVENT_UNBOUND) | BIT(EVENT_ERROR) | BIT(EVENT_QUARANTINED));
	if (t->call->quiet && all_told(t)) {
		n = next_done(t, err(EAGAIN));
		fn_of(t, n)->nr_events = 0;
		fn_of(t, n)->overflow = 0;
		memset(fn_of(t, n)->events, 0, SPEC_EVENTS);
	}
}
