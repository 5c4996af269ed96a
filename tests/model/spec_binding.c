// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps of the calls that begin a binding, use it and end it: bind, unbind, requests,
 * the vDEVICE that it belongs to, the last close, the retry in quarantine.
 */
#include <errno.h>

#include "spec_private.h"

static void step_bind_begin(struct step *t)
{
	const struct spec_fn *fn = t->fn;
	struct spec_config *n;

	if (fn->vdev != t->call->id || fn->bind != MODEL_UNBOUND || !fn->open ||
	    spec_held(t->s, t->c, t->call->fn))
		return;
	n = next_phase(t, WORK);
	fn_of(t, n)->bind = MODEL_BINDING;
	fn_of(t, n)->left = 0;
	fn_of(t, n)->owner = t->a + 1;
	fn_of(t, n)->tdisp = MODEL_LOCKED;
}

static void step_bind_end(struct step *t)
{
	const struct spec_fn *fn = t->fn;
	uint64_t why = t->s->faults.answers;
	struct spec_config *n;

	if (!fn->open || spec_held(t->s, t->c, t->call->fn))
		why |= err(EBUSY);
	if (fn->lost || !t->c->core.link ||
	    spec_disconnected(t->s, t->c) & 1u << t->call->fn)
		why |= err(ENXIO);
	if (fn->no_kvm)
		why |= err(ENODEV);
	if (!(why & ~t->s->faults.answers)) {
		n = next_done(t, OK);
		fn_of(t, n)->bind = MODEL_BOUND;
		fn_of(t, n)->owner = 0;
	}
	/* it fell before the bind had ended, or was never locked */
	if (fn->tdisp == MODEL_ERROR || fn->mse != 1 ||
	    t->c->core.link == SPEC_STALE)
		why |= err(EIO) | err(ETIMEDOUT) | err(EBADMSG) | err(EREMOTEIO);
	if (why) {
		n = next_done(t, why);
		spec_becomes_unbound(fn_of(t, n));
		fn_of(t, n)->left = t->s->faults.fall;
	}
	if (t->s->faults.quarantine) {
		n = next_done(t, err(EIO));
		spec_becomes_quarantined(fn_of(t, n));
	}
}

void step_bind(struct step *t)
{
	if (at_work(t->c, t->a))
		step_bind_end(t);
	else
		step_bind_begin(t);
}

void step_unbind(struct step *t)
{
	struct spec_config *n;

	if (at_work(t->c, t->a)) {
		next_unbound(t, t->call->fn, true, false);
	} else if (t->fn->vdev == t->call->id && t->fn->bind == MODEL_BOUND) {
		n = next_phase(t, WORK);
		spec_begin_unbind(fn_of(t, n), t->a + 1, false);
	}
}

/*
 * A request that changes the TDI. It takes its turn while it is bound; what it then
 * meets under the TSM's lock can be the unbind, or the bind after it.
 */
void step_req(struct step *t)
{
	bool start = t->call->op == MODEL_REQ_START;
	struct spec_config *n;

	if (!start && t->call->op != MODEL_REQ_STOP)
		return;
	if (!at_work(t->c, t->a)) {
		if (t->fn->vdev == t->call->id && t->fn->bind == MODEL_BOUND)
			next_phase(t, WORK);
		return;
	}
	if (t->fn->bind != MODEL_BOUND)
		next_done(t, err(ENXIO) | BIT(MODEL_REFUSED));
	if (t->fn->bind == MODEL_UNBOUND || t->fn->bind == MODEL_QUARANTINED)
		return;
	/* the device has stopped, from ERROR too, and the driver has still to hear of it */
	if (!start && t->fn->tdisp != MODEL_UNLOCKED)
		fn_of(t, next_config(t))->tdisp = MODEL_UNLOCKED;
	/* an answer that was lost on its way leaves what has been carried out */
	n = next_done(t, OK | t->s->faults.answers | t->call->also);
	if (start && t->fn->tdisp == MODEL_LOCKED) {
		fn_of(t, n)->tdisp = MODEL_RUN;
	} else if (!start && t->fn->tdisp != MODEL_ERROR) {
		fn_of(t, n)->tdisp = MODEL_UNLOCKED;
		fn_of(t, n)->stopped = 1;
	}
}

void step_vdev_alloc(struct step *t)
{
	struct spec_config *n;

	if (t->fn->vdev ||
	    !(t->fn->open || spec_closing(t->s, t->c, t->call->fn)))
		return;
	n = next_done(t, 0);
	n->core.actor[t->a].answer = SPEC_WILD;
	fn_of(t, n)->vdev = SPEC_NEW | t->a;
}

bool spec_unbind_first(struct step *t, unsigned int fns)
{
	bool over = true;
	unsigned int i;

	for (i = 0; i < t->s->nr_fns; i++) {
		const struct spec_fn *fn = &t->c->core.fn[i];

		if (!(fns & 1u << i))
			continue;
		if (fn->bind == MODEL_BOUND)
			spec_begin_unbind(&next_config(t)->core.fn[i], t->a + 1, true);
		else if (fn->bind == MODEL_UNBINDING && fn->owner == t->a + 1)
			/* its own vDEVICE goes with a close */
			next_unbound(t, i, false, t->call->op == MODEL_CLOSE &&
				     i == t->call->fn);
		over &= fn->bind == MODEL_UNBOUND ||
			fn->bind == MODEL_QUARANTINED;
	}
	return over;
}

void step_vdev_destroy(struct step *t)
{
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		if (t->fn->vdev != t->call->id || t->fn->dying & BY_DESTROY)
			return;
		n = next_phase(t, WORK);
		fn_of(t, n)->dying |= BY_DESTROY;
	} else if (t->fn->bind == MODEL_BOUND) {
		spec_begin_unbind(fn_of(t, next_config(t)), t->a + 1, false);
	} else if (t->fn->bind == MODEL_UNBINDING && t->fn->owner == t->a + 1) {
		next_unbound(t, t->call->fn, false, true);
	} else if (settled(t->fn)) {
		n = next_done(t, OK);
		spec_vdev_goes(fn_of(t, n));
	}
}

void step_close(struct step *t)
{
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		if (!t->fn->open)
			return;
		n = next_phase(t, WORK);
		fn_of(t, n)->open = 0;
		if (t->fn->vdev)
			fn_of(t, n)->dying |= BY_CLOSE;
	} else if (spec_unbind_first(t, spec_reach(t->s, t->call))) {
		n = next_done(t, OK);
		spec_vdev_goes(fn_of(t, n));
		fn_of(t, n)->mse = 2;
	}
}

/* R18: the one way out */
void step_retry(struct step *t)
{
	struct spec_config *n;

	if (at_work(t->c, t->a)) {
		next_unbound(t, t->call->fn, true, false);
	} else if (t->fn->bind == MODEL_QUARANTINED &&
		   !spec_held(t->s, t->c, t->call->fn)) {
		n = next_phase(t, WORK);
		spec_begin_unbind(fn_of(t, n), t->a + 1, true);
	}
}
