// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is allowed: each call as a few steps over a small state. The rule or the page
 * that says so stands beside it; where neither says which of two answers it is, both
 * are here.
 *
 * "Behind the gate" is docs/architecture.md's table: what refuses begins a hold only
 * when no function in its reach is bound or on its way there or back; what cannot be
 * refused begins its hold first and unbinds then; a bind looks for holds when it
 * begins and when it publishes.
 */
#include <errno.h>
#include <string.h>

#include "spec.h"

#define BIT(n)		(1ULL << (n))
#define WORK		1	/* the one phase that most calls have in between */
#define OK		BIT(0)

/* spec_fn::dying: a destroy has taken the id, a close will */
#define BY_DESTROY	1
#define BY_CLOSE	2

static uint64_t err(int number)
{
	return model_bit(-number);
}

/* ---- what there is ---- */

static bool settled(const struct spec_fn *fn)
{
	return fn->bind != MODEL_BINDING && fn->bind != MODEL_UNBINDING;
}

static unsigned int all_fns(const struct spec *s)
{
	return (1u << s->nr_fns) - 1;
}

/* a reset of function 0 may take the DSM's other functions along, and its VFs */
static unsigned int reset_reach(const struct spec *s, unsigned int fn)
{
	return fn ? 1u << fn : all_fns(s);
}

static unsigned int reach(const struct spec *s, const struct model_call *call)
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
		return all_fns(s) | SPEC_LINK;
	case MODEL_UNPLUG:
		return all_fns(s) | SPEC_LINK;
	default:
		return reach(s, call);
	}
}

/* it stands in the gate from its first step to its last */
static bool is_hold(enum model_op op)
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

#define for_each_busy(s, a)						\
	for ((a) = 0; (a) < MODEL_ACTORS; (a)++)			\
		if ((s)->busy & 1u << (a))

static bool at_work(const struct spec_config *c, unsigned int a)
{
	return c->core.actor[a].phase == WORK;
}

/* functions that the hold of actor @a reaches at this moment */
static unsigned int hold_of(const struct spec *s, const struct spec_config *c,
			    unsigned int a)
{
	const struct model_call *call = &s->call[a];

	if (!at_work(c, a))
		return 0;
	if (is_hold(call->op))
		return reach(s, call);
	if (call->op == MODEL_DRIVER_UNBIND || call->op == MODEL_UNPLUG)
		return c->core.actor[a].departed;
	return 0;
}

static bool held(const struct spec *s, const struct spec_config *c, unsigned int fn)
{
	unsigned int a;

	for_each_busy(s, a)
		if (hold_of(s, c, a) & 1u << fn)
			return true;
	return false;
}

static bool closing(const struct spec *s, const struct spec_config *c,
		    unsigned int fn)
{
	unsigned int a;

	for_each_busy(s, a)
		if (s->call[a].op == MODEL_CLOSE && s->call[a].fn == fn &&
		    at_work(c, a))
			return true;
	return false;
}

static bool refused(const struct spec *s, const struct spec_config *c,
		    const struct model_call *call)
{
	unsigned int fns = reach(s, call), i;

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

static bool any_quarantined(const struct spec *s, const struct spec_config *c)
{
	unsigned int i;

	for (i = 0; i < s->nr_fns; i++)
		if (c->core.fn[i].bind == MODEL_QUARANTINED)
			return true;
	return false;
}

static bool takes_id(enum model_op op)
{
	return op <= MODEL_REQ_OTHER || op == MODEL_VDEV_DESTROY;
}

static bool is_req(enum model_op op)
{
	return op >= MODEL_REQ_READ && op <= MODEL_REQ_OTHER;
}

/*
 * What another call in progress can do to the answer of one, whatever comes of either.
 * It is noted when the later of the two begins, since the judgment of an answer comes
 * when the other may be over.
 */
enum met {
	MET_USER = 1,		/* has the same vDEVICE in its hands */
	MET_REQUEST = 2,	/* a request of the same TDI */
	MET_RESET = 4,		/* memory decoding is off for a moment */
	MET_LOCK = 8,		/* has the device lock, and Linux does not wait for it */
	MET_ANY = 16,		/* may have VFIO's memory_lock: the same for a hot reset */
};

static unsigned int can_do(const struct model_call *call)
{
	enum model_op op = call->op;
	unsigned int met = MET_ANY;

	if (takes_id(op) || op == MODEL_CLOSE)
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

/* functions that a disconnect in progress has been at: no bind comes through */
static unsigned int disconnected(const struct spec *s, const struct spec_config *c)
{
	unsigned int a, fns = 0;

	for_each_busy(s, a)
		if (s->call[a].op == MODEL_DISCONNECT && at_work(c, a))
			fns |= c->core.actor[a].departed | SPEC_LINK;
	return fns;
}

/* ---- answers that change nothing ---- */

static uint64_t look_bind(const struct spec *s, const struct spec_config *c,
			  unsigned int a, const struct spec_fn *fn)
{
	uint64_t may = s->faults.answers;

	if (fn->bind == MODEL_QUARANTINED)
		may |= err(EIO);
	else if (fn->bind != MODEL_UNBOUND || !fn->open ||
		 held(s, c, s->call[a].fn))
		may |= err(EBUSY);
	if (!c->core.link || disconnected(s, c) & 1u << s->call[a].fn)
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
	if (fn->bind == MODEL_BOUND)
		return may | BIT(fn->tdisp);
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
	bool there = fn->open || closing(s, c, call->fn);

	/* while it closes it may be gone already */
	return (fn->open ? 0 : err(ENOENT)) | s->faults.answers |
	       (there && fn->vdev ? err(EEXIST) : 0);
}

static uint64_t look_rest(const struct spec *s, const struct spec_config *c,
			  unsigned int a, const struct spec_fn *fn)
{
	const struct model_call *call = &s->call[a];
	bool shut = s->met[a] & MET_RESET || fn->mse != 1;

	switch (call->op) {
	case MODEL_VDEV_ALLOC:
		return look_vdev_alloc(s, c, call, fn);
	case MODEL_OPEN:
		return (fn->bind == MODEL_QUARANTINED ? err(EIO) : 0) |
		       (refused(s, c, call) ? err(EBUSY) : 0) |
		       (fn->driver ? 0 : err(ENODEV)) | s->faults.answers;
	case MODEL_EXPORT:
		return look_bar(fn, OK, err(EBUSY)) | s->faults.answers;
	case MODEL_BAR_READ:
	case MODEL_BAR_WRITE:
		return look_bar(fn, OK | (shut ? err(EIO) : 0), err(EBUSY));
	case MODEL_TOUCH:
		return look_bar(fn, OK | (shut ? BIT(MODEL_SIGBUS) : 0),
				BIT(MODEL_SIGBUS));
	case MODEL_CONNECT:
		return (c->core.link || any_quarantined(s, c) ? err(EBUSY) : 0) |
		       s->faults.answers;
	case MODEL_DISCONNECT:
		return (c->core.link ? 0 : err(ENXIO)) |
		       (any_quarantined(s, c) ? err(EBUSY) : 0);
	case MODEL_RETRY:
		return (fn->bind == MODEL_QUARANTINED ? 0 : err(EINVAL)) |
		       (held(s, c, call->fn) ? err(EBUSY) : 0);
	case MODEL_EVENT:
		return call->quiet ? 0 : err(EAGAIN);
	case MODEL_STATE:
		return BIT(fn->bind);
	case MODEL_TDISP:
		return look_tdisp(s, c, a);
	case MODEL_CFG_CLEAR:
		/* what is clear already does not change */
		return (refused(s, c, call) ? err(EBUSY) : 0) |
		       (fn->mse != 1 ? OK : 0);
	default:
		if (is_hold(call->op) && call->op != MODEL_CLOSE)
			return (refused(s, c, call) ? err(EBUSY) : 0) |
			       s->faults.answers;
		return 0;
	}
}

static uint64_t look(const struct spec *s, const struct spec_config *c,
		     unsigned int a)
{
	const struct model_call *call = &s->call[a];
	const struct spec_fn *fn = &c->core.fn[call->fn];

	if (takes_id(call->op))
		return look_id(s, c, a, fn);
	if (call->op >= MODEL_SLOT_SET && call->op <= MODEL_PRIVATE)
		return look_slot(s, call, fn);
	return look_rest(s, c, a, fn);
}

void spec_look(const struct spec *s, struct spec_config *c)
{
	unsigned int a;

	for_each_busy(s, a)
		if (c->core.actor[a].phase == SPEC_START)
			c->may[a] |= look(s, c, a);
}

/* ---- steps ---- */

/**
 * struct step - the successors of a config
 * @s, @c: of what
 * @a: whose step, its call and function in @c
 * @out, @nr: the successors so far
 */
struct step {
	const struct spec *s;
	const struct spec_config *c;
	unsigned int a;
	const struct model_call *call;
	const struct spec_fn *fn;
	struct spec_config *out;
	unsigned int nr;
};

/* one more successor, to be changed */
static struct spec_config *next(struct step *t)
{
	struct spec_config *n = &t->out[t->nr++];

	*n = *t->c;
	return n;
}

static struct spec_config *next_phase(struct step *t, unsigned int phase)
{
	struct spec_config *n = next(t);

	n->core.actor[t->a].phase = phase;
	n->may[t->a] = 0;
	return n;
}

/* the call is over, with one of the answers @may */
static struct spec_config *next_done(struct step *t, uint64_t may)
{
	struct spec_config *n = next_phase(t, SPEC_DONE);

	n->core.actor[t->a].departed = 0;
	n->may[t->a] = may;
	return n;
}

static struct spec_fn *fn_of(struct step *t, struct spec_config *n)
{
	return &n->core.fn[t->call->fn];
}

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
static void vdev_goes(struct spec_fn *fn)
{
	unsigned int i;

	fn->vdev = 0;
	fn->dying = 0;
	for (i = 0; i < fn->nr_events; i++)
		fn->events[i] |= SPEC_OPTIONAL;
}

static void becomes_unbound(struct spec_fn *fn)
{
	fn->bind = MODEL_UNBOUND;
	fn->owner = 0;
	fn->lost = 0;
	fn->tell = 0;
	fn->stopped = 0;
	fn->tdisp = MODEL_UNLOCKED;
}

static void becomes_quarantined(struct spec_fn *fn)
{
	push_event(fn, 3, false);
	fn->bind = MODEL_QUARANTINED;
	fn->owner = 0;
	fn->lost = 0;
	fn->tell = 0;
}

static void begin_unbind(struct spec_fn *fn, unsigned int owner, bool tell)
{
	fn->bind = MODEL_UNBINDING;
	fn->owner = owner;
	fn->tell = tell;
}

/* the event stands in the queue before anybody sees UNBOUND */
static void end_unbind(struct spec_fn *fn, bool optional)
{
	if (fn->tell)
		push_event(fn, 1, optional);
	becomes_unbound(fn);
}

/* an end of an unbind of function @i; @done: the call is over with it */
static void next_unbound(struct step *t, unsigned int i, bool done, bool optional)
{
	struct spec_config *n;

	n = done ? next_done(t, OK) : next(t);
	end_unbind(&n->core.fn[i], optional);
	if (!t->s->faults.quarantine)
		return;
	n = done ? next_done(t, err(EIO)) : next(t);
	becomes_quarantined(&n->core.fn[i]);
}

static void fall(struct spec_fn *fn)
{
	if (fn->tdisp != MODEL_LOCKED && fn->tdisp != MODEL_RUN)
		return;
	fn->tdisp = MODEL_ERROR;
	fn->mse = 2;
	/* an unbind may come before anybody has noticed (docs/uapi.md) */
	push_event(fn, 2, true);
}

static void step_bind_begin(struct step *t)
{
	const struct spec_fn *fn = t->fn;
	struct spec_config *n;

	if (fn->vdev != t->call->id || fn->bind != MODEL_UNBOUND || !fn->open ||
	    held(t->s, t->c, t->call->fn))
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

	if (!fn->open || held(t->s, t->c, t->call->fn))
		why |= err(EBUSY);
	if (fn->lost || !t->c->core.link ||
	    disconnected(t->s, t->c) & 1u << t->call->fn)
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
		becomes_unbound(fn_of(t, n));
		fn_of(t, n)->left = t->s->faults.fall;
	}
	if (t->s->faults.quarantine) {
		n = next_done(t, err(EIO));
		becomes_quarantined(fn_of(t, n));
	}
}

static void step_bind(struct step *t)
{
	if (at_work(t->c, t->a))
		step_bind_end(t);
	else
		step_bind_begin(t);
}

static void step_unbind(struct step *t)
{
	struct spec_config *n;

	if (at_work(t->c, t->a)) {
		next_unbound(t, t->call->fn, true, false);
	} else if (t->fn->vdev == t->call->id && t->fn->bind == MODEL_BOUND) {
		n = next_phase(t, WORK);
		begin_unbind(fn_of(t, n), t->a + 1, false);
	}
}

/*
 * A request that changes the TDI. It takes its turn while it is bound; what it then
 * meets under the TSM's lock can be the unbind, or the bind after it.
 */
static void step_req(struct step *t)
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
	/* an answer that was lost on its way leaves what has been carried out */
	n = next_done(t, OK | t->s->faults.answers | t->call->also);
	if (start && t->fn->tdisp == MODEL_LOCKED) {
		fn_of(t, n)->tdisp = MODEL_RUN;
	} else if (!start && t->fn->tdisp != MODEL_ERROR) {
		fn_of(t, n)->tdisp = MODEL_UNLOCKED;
		fn_of(t, n)->stopped = 1;
	}
}

static void step_vdev_alloc(struct step *t)
{
	struct spec_config *n;

	if (t->fn->vdev ||
	    !(t->fn->open || closing(t->s, t->c, t->call->fn)))
		return;
	n = next_done(t, 0);
	n->core.actor[t->a].answer = SPEC_WILD;
	fn_of(t, n)->vdev = SPEC_NEW | t->a;
}

/*
 * Functions @fns are unbound by this call, one after the other in any order. True if
 * none of them is on its way any more.
 */
static bool unbind_first(struct step *t, unsigned int fns)
{
	bool over = true;
	unsigned int i;

	for (i = 0; i < t->s->nr_fns; i++) {
		const struct spec_fn *fn = &t->c->core.fn[i];

		if (!(fns & 1u << i))
			continue;
		if (fn->bind == MODEL_BOUND)
			begin_unbind(&next(t)->core.fn[i], t->a + 1, true);
		else if (fn->bind == MODEL_UNBINDING && fn->owner == t->a + 1)
			/* its own vDEVICE goes with a close */
			next_unbound(t, i, false, t->call->op == MODEL_CLOSE &&
				     i == t->call->fn);
		over &= fn->bind == MODEL_UNBOUND ||
			fn->bind == MODEL_QUARANTINED;
	}
	return over;
}

static void step_vdev_destroy(struct step *t)
{
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		if (t->fn->vdev != t->call->id || t->fn->dying & BY_DESTROY)
			return;
		n = next_phase(t, WORK);
		fn_of(t, n)->dying |= BY_DESTROY;
	} else if (t->fn->bind == MODEL_BOUND) {
		begin_unbind(fn_of(t, next(t)), t->a + 1, false);
	} else if (t->fn->bind == MODEL_UNBINDING && t->fn->owner == t->a + 1) {
		next_unbound(t, t->call->fn, false, true);
	} else if (settled(t->fn)) {
		n = next_done(t, OK);
		vdev_goes(fn_of(t, n));
	}
}

static void step_close(struct step *t)
{
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		if (!t->fn->open)
			return;
		n = next_phase(t, WORK);
		fn_of(t, n)->open = 0;
		if (t->fn->vdev)
			fn_of(t, n)->dying |= BY_CLOSE;
	} else if (unbind_first(t, reach(t->s, t->call))) {
		n = next_done(t, OK);
		vdev_goes(fn_of(t, n));
		fn_of(t, n)->mse = 2;
	}
}

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

/* all that is refused while something in its reach is bound */
static void step_hold(struct step *t)
{
	struct spec_config *n;
	uint64_t why;

	if (!at_work(t->c, t->a)) {
		if (refused(t->s, t->c, t->call) ||
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
static void step_cfg_set(struct step *t)
{
	struct spec_config *n;

	n = next_done(t, OK);
	fn_of(t, n)->mse = 1;
	if (t->fn->mse == 1 || t->fn->bind == MODEL_UNBOUND)
		return;
	n = next_done(t, OK);
	fn_of(t, n)->mse = 1;
	fall(fn_of(t, n));
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

static void step_slot(struct step *t)
{
	unsigned int bit = 1u << t->call->id;
	bool set = t->fn->slots & bit, private = t->fn->private & bit;

	switch (t->call->op) {
	case MODEL_SLOT_SET:
		if (!set && (t->fn->open || closing(t->s, t->c, t->call->fn)))
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

static void step_connect(struct step *t)
{
	if (t->c->core.present && !t->c->core.link)
		next_done(t, OK)->core.link = 1;
}

/*
 * R06: one function after the other is unbound by the core; a work item ends it, and
 * tells the VMM. Then the link is down.
 */
static void step_disconnect(struct step *t)
{
	unsigned int gone = t->c->core.actor[t->a].departed, i;
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		if (t->c->core.link && !any_quarantined(t->s, t->c) &&
		    !disconnected(t->s, t->c))
			next_phase(t, WORK);
		return;
	}
	for (i = 0; i < t->s->nr_fns; i++) {
		if (gone & 1u << i)
			continue;
		n = next(t);
		n->core.actor[t->a].departed |= 1u << i;
		if (n->core.fn[i].bind == MODEL_BOUND)
			begin_unbind(&n->core.fn[i], SPEC_CORE, true);
		else if (n->core.fn[i].bind == MODEL_BINDING)
			n->core.fn[i].lost = 1;
	}
	if (gone == all_fns(t->s))
		next_done(t, OK)->core.link = 0;
}

static bool has_user(struct step *t, unsigned int i)
{
	return t->c->core.fn[i].open || closing(t->s, t->c, i);
}

static void step_driver_unbind(struct step *t)
{
	unsigned int i = t->call->fn;
	struct spec_config *n;

	if (!at_work(t->c, t->a)) {
		n = next_phase(t, WORK);
		n->core.actor[t->a].departed = 1u << i;
	} else if (unbind_first(t, 1u << i) && !has_user(t, i)) {
		n = next_done(t, OK);
		n->core.fn[i].driver = 0;
	}
}

/* one function after the other leaves its driver, then the device is gone */
static void step_unplug(struct step *t)
{
	unsigned int gone = t->c->core.actor[t->a].departed, i;
	struct spec_config *n;
	bool over;

	if (!at_work(t->c, t->a)) {
		if (t->c->core.present)
			next_phase(t, WORK);
		return;
	}
	over = unbind_first(t, gone);
	for (i = 0; i < t->s->nr_fns; i++) {
		if (!(gone & 1u << i))
			next(t)->core.actor[t->a].departed |= 1u << i;
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

static void step_admin(struct step *t)
{
	switch (t->call->op) {
	case MODEL_REPLUG:
		if (!t->c->core.present)
			next_done(t, OK)->core.present = 1;
		break;
	case MODEL_DRIVER_BIND:
		if (t->c->core.present && !t->fn->driver)
			fn_of(t, next_done(t, OK))->driver = 1;
		break;
	default:
		break;
	}
}

/* R18: the one way out */
static void step_retry(struct step *t)
{
	struct spec_config *n;

	if (at_work(t->c, t->a)) {
		next_unbound(t, t->call->fn, true, false);
	} else if (t->fn->bind == MODEL_QUARANTINED &&
		   !held(t->s, t->c, t->call->fn)) {
		n = next_phase(t, WORK);
		begin_unbind(fn_of(t, n), t->a + 1, true);
	}
}

static void step_fall(struct step *t)
{
	fall(fn_of(t, next_done(t, OK)));
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

static void step_queue_new(struct step *t)
{
	struct spec_fn *fn = fn_of(t, next_done(t, OK));

	fn->nr_events = 0;
	fn->overflow = 0;
	memset(fn->events, 0, SPEC_EVENTS);
}

static void step_event(struct step *t)
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
		next_done(t, BIT(1) | BIT(2) | BIT(3));
	if (t->call->quiet && all_told(t)) {
		n = next_done(t, err(EAGAIN));
		fn_of(t, n)->nr_events = 0;
		fn_of(t, n)->overflow = 0;
		memset(fn_of(t, n)->events, 0, SPEC_EVENTS);
	}
}

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
	[MODEL_DRIVER_BIND] = step_admin,
	[MODEL_UNPLUG] = step_unplug,
	[MODEL_REPLUG] = step_admin,
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

	if (!takes_id(t->call->op) || (t->fn->vdev & 0xff00) != SPEC_NEW)
		return;
	n = next(t);
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

uint64_t spec_done(const struct spec *s, const struct model_call *call)
{
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
		       (is_hold(call->op) ? err(EAGAIN) | err(EBUSY) | call->also : 0);
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
