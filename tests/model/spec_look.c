// SPDX-License-Identifier: GPL-2.0-only
/*
 * The answers that change nothing: what a call of which nothing has happened yet can
 * say of a state.
 */
#include <errno.h>

#include "spec_private.h"

static uint64_t look_bind(const struct spec *s, const struct spec_config *c,
			  unsigned int a, const struct spec_fn *fn)
{
	uint64_t may = s->faults.answers;

	if (fn->bind == MODEL_QUARANTINED)
		may |= err(EIO);
	else if (fn->bind != MODEL_UNBOUND || !fn->open ||
		 spec_held(s, c, s->call[a].fn))
		may |= err(EBUSY);
	if (!c->core.link || spec_disconnected(s, c) & 1u << s->call[a].fn)
		may |= err(ENXIO);
	if (fn->no_kvm)
		may |= err(ENODEV);
	return may;
}

static uint64_t look_unbind(const struct spec_fn *fn)
{
	if (fn->bind == MODEL_UNBOUND)
		return OK;
	return fn->bind == MODEL_QUARANTINED ? err(EIO) : 0;
}

static uint64_t look_req(const struct spec *s, unsigned int a,
			 const struct spec_fn *fn)
{
	enum model_op op = s->call[a].op;
	uint64_t may = 0;

	if (s->met[a] & MET_REQUEST)
		may |= err(EAGAIN);
	if (fn->bind != MODEL_BOUND)
		return may | err(ENXIO);
	may |= s->faults.answers | BIT(MODEL_REFUSED);
	if (op != MODEL_REQ_START && op != MODEL_REQ_STOP)
		may |= OK;
	if (op == MODEL_REQ_MMIO)
		may |= err(ENOENT) | err(EACCES) | err(EBUSY);
	if (fn->tdisp == MODEL_ERROR)
		may |= err(EIO);
	return may;
}

/* calls that name a vDEVICE: ENOENT when it is not there, or is on its way out */
static uint64_t look_id(const struct spec *s, const struct spec_config *c,
			unsigned int a, const struct spec_fn *fn)
{
	const struct model_call *call = &s->call[a];
	uint64_t may = 0;

	if (fn->vdev != call->id)
		return err(ENOENT);
	if (fn->dying)
		may |= err(ENOENT);
	switch (call->op) {
	case MODEL_BIND:
		return may | look_bind(s, c, a, fn);
	case MODEL_UNBIND:
		return may | look_unbind(fn);
	case MODEL_VDEV_DESTROY:
		return may | (s->met[a] & MET_USER ? err(EBUSY) : 0);
	default:
		return may | look_req(s, a, fn);
	}
}

/* the host and the BARs (R13): @yes is what it says when it may, @no when not */
static uint64_t look_bar(const struct spec_fn *fn, uint64_t yes, uint64_t no)
{
	if (fn->bind == MODEL_BOUND || fn->bind == MODEL_QUARANTINED)
		return no;
	return settled(fn) ? yes : yes | no;
}

static uint64_t look_slot(const struct spec *s, const struct model_call *call,
			  const struct spec_fn *fn)
{
	bool set = fn->slots & 1u << call->id;
	bool private = fn->private & 1u << call->id;

	switch (call->op) {
	case MODEL_SLOT_SET:
		return (set ? err(EINVAL) | err(EEXIST) : 0) |
		       (fn->open ? 0 : err(ENODEV) | err(EINVAL)) |
		       s->faults.answers;
	case MODEL_SLOT_DEL:
		return (set ? 0 : err(EINVAL)) | s->faults.answers |
		       (set && fn->bind != MODEL_UNBOUND ? err(EBUSY) : 0);
	case MODEL_SHARED:
		/* what is so already is a success at any time */
		return s->faults.answers | (private ? 0 : OK) |
		       (set && fn->bind != MODEL_UNBOUND ? err(EBUSY) : 0);
	default:
		return s->faults.answers | (private ? OK : 0);
	}
}

static uint64_t look_tdisp(const struct spec *s, const struct spec_config *c,
			   unsigned int a)
{
	const struct spec_fn *fn = &c->core.fn[s->call[a].fn];
	uint64_t may = s->faults.fall ? BIT(MODEL_ERROR) : 0;

	/* while it scrubs itself it reads as ERROR */
	if (fn->left)
		may |= BIT(MODEL_LOCKED) | BIT(MODEL_ERROR);
	if (fn->bind == MODEL_UNBOUND)
		return may | BIT(MODEL_UNLOCKED) |
		       (c->core.link == SPEC_STALE || !c->core.present ||
			s->met[a] & MET_RESET ?
			BIT(MODEL_ERROR) : 0);
	/* it scrubs itself in a STOP, too */
	if (fn->bind == MODEL_BOUND)
		return may | BIT(fn->tdisp) | (spec_stopping(s, c, s->call[a].fn) ?
					       BIT(MODEL_ERROR) : 0);
	if (fn->bind == MODEL_QUARANTINED)
		return BIT(MODEL_UNLOCKED) | BIT(MODEL_LOCKED) | BIT(MODEL_RUN) |
		       BIT(MODEL_ERROR);
	return BIT(MODEL_UNLOCKED) | BIT(MODEL_LOCKED) | BIT(MODEL_ERROR) |
	       BIT(fn->tdisp);
}

static uint64_t look_vdev_alloc(const struct spec *s, const struct spec_config *c,
				const struct model_call *call,
				const struct spec_fn *fn)
{
	bool there = fn->open || spec_closing(s, c, call->fn);

	/* while it closes it may be gone already */
	return (fn->open ? 0 : err(ENOENT)) | s->faults.answers |
	       (there && fn->vdev ? err(EEXIST) : 0);
}

/* what stands in the gate; a close is never refused */
static uint64_t look_hold(const struct spec *s, const struct spec_config *c,
			  const struct model_call *call, const struct spec_fn *fn)
{
	uint64_t may = spec_refused(s, c, call) ? err(EBUSY) : 0;

	switch (call->op) {
	case MODEL_CLOSE:
		return 0;
	case MODEL_OPEN:
		return may | (fn->bind == MODEL_QUARANTINED ? err(EIO) : 0) |
		       (fn->driver ? 0 : err(ENODEV)) | s->faults.answers;
	case MODEL_CFG_CLEAR:
		/* what is clear already does not change */
		return may | (fn->mse != 1 ? OK : 0);
	default:
		return may | s->faults.answers;
	}
}

static uint64_t look_rest(const struct spec *s, const struct spec_config *c,
			  unsigned int a, const struct spec_fn *fn)
{
	const struct model_call *call = &s->call[a];
	bool off = fn->mse != 1;
	bool shut = s->met[a] & MET_RESET || off;

	switch (call->op) {
	case MODEL_VDEV_ALLOC:
		return look_vdev_alloc(s, c, call, fn);
	case MODEL_EXPORT:
		return look_bar(fn, OK, err(EBUSY)) | s->faults.answers;
	case MODEL_BAR_READ:
	case MODEL_BAR_WRITE:
		/* decoding is looked at first: off after a confirmed STOP, also of a bound TDI */
		return look_bar(fn, OK | (shut ? err(EIO) : 0),
				err(EBUSY) | (off ? err(EIO) : 0));
	case MODEL_TOUCH:
		return look_bar(fn, OK | (shut ? BIT(MODEL_SIGBUS) : 0),
				BIT(MODEL_SIGBUS));
	case MODEL_CONNECT:
		return (c->core.link || spec_any_quarantined(s, c) ? err(EBUSY) : 0) |
		       s->faults.answers;
	case MODEL_DISCONNECT:
		return (c->core.link ? 0 : err(ENXIO)) |
		       (spec_any_quarantined(s, c) ? err(EBUSY) : 0);
	case MODEL_RETRY:
		return (fn->bind == MODEL_QUARANTINED ? 0 : err(EINVAL)) |
		       (spec_held(s, c, call->fn) ? err(EBUSY) : 0);
	case MODEL_EVENT:
		return call->quiet ? 0 : err(EAGAIN);
	case MODEL_STATE:
		return BIT(fn->bind);
	case MODEL_TDISP:
		return look_tdisp(s, c, a);
	default:
		return 0;
	}
}

static uint64_t look(const struct spec *s, const struct spec_config *c,
		     unsigned int a)
{
	const struct model_call *call = &s->call[a];
	const struct spec_fn *fn = &c->core.fn[call->fn];

	if (spec_takes_id(call->op))
		return look_id(s, c, a, fn);
	if (call->op >= MODEL_SLOT_SET && call->op <= MODEL_PRIVATE)
		return look_slot(s, call, fn);
	if (spec_is_hold(call->op))
		return look_hold(s, c, call, fn);
	return look_rest(s, c, a, fn);
}

void spec_look(const struct spec *s, struct spec_config *c)
{
	unsigned int a;

	for_each_busy(s, a)
		if (c->core.actor[a].phase == SPEC_START)
			c->may[a] |= look(s, c, a);
}
