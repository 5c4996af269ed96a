/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rooms of the transition system have in common; nobody else needs it.
 *
 *  spec.c		a step: the table of calls, and how a successor is made
 *  spec_state.c	the state: what there is, and what becomes of a function
 *  spec_look.c		the answers that change nothing
 *  spec_binding.c	steps of the calls that begin and end a binding, and use it
 *  spec_around.c	steps of what goes on around it
 */
#ifndef SPEC_PRIVATE_H
#define SPEC_PRIVATE_H

#include "spec.h"

#define BIT(n)		(1ULL << (n))
#define WORK		1	/* the one phase that most calls have in between */
#define OK		BIT(0)

/* spec_fn::dying: a destroy has taken the id, a close will */
#define BY_DESTROY	1
#define BY_CLOSE	2

/* spec_fn::events, as MODEL_EVENT answers them */
#define EVENT_UNBOUND		1
#define EVENT_ERROR		2
#define EVENT_QUARANTINED	3

static inline uint64_t err(int number)
{
	return model_bit(-number);
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

/* ---- spec_state.c: what there is ---- */

static inline bool settled(const struct spec_fn *fn)
{
	return fn->bind != MODEL_BINDING && fn->bind != MODEL_UNBINDING;
}

static inline unsigned int all_fns(const struct spec *s)
{
	return (1u << s->nr_fns) - 1;
}

static inline bool at_work(const struct spec_config *c, unsigned int a)
{
	return c->core.actor[a].phase == WORK;
}

#define for_each_busy(s, a)						\
	for ((a) = 0; (a) < MODEL_ACTORS; (a)++)			\
		if ((s)->busy & 1u << (a))

/* functions that @call concerns */
unsigned int spec_reach(const struct spec *s, const struct model_call *call);
/* it stands in the gate from its first step to its last */
bool spec_is_hold(enum model_op op);
/* its @id is a vDEVICE's */
bool spec_takes_id(enum model_op op);

/* function @fn is in the reach of a hold */
bool spec_held(const struct spec *s, const struct spec_config *c, unsigned int fn);
/* a guest's STOP is on its way to the device, or back */
bool spec_stopping(const struct spec *s, const struct spec_config *c, unsigned int fn);
/* the close of function @fn has begun, and is not over */
bool spec_closing(const struct spec *s, const struct spec_config *c,
		  unsigned int fn);
/* the gate refuses @call: something in its reach is bound, or on its way */
bool spec_refused(const struct spec *s, const struct spec_config *c,
		  const struct model_call *call);
bool spec_any_quarantined(const struct spec *s, const struct spec_config *c);
/* functions that a disconnect in progress has been at: no bind comes through */
unsigned int spec_disconnected(const struct spec *s, const struct spec_config *c);

/* ---- spec_state.c: what becomes of a function ---- */

void spec_becomes_unbound(struct spec_fn *fn);
void spec_becomes_quarantined(struct spec_fn *fn);
/* @tell: the VMM has not asked for it */
void spec_begin_unbind(struct spec_fn *fn, unsigned int owner, bool tell);
/* @optional: the event that tells of it may be dropped */
void spec_end_unbind(struct spec_fn *fn, bool optional);
/* to TDISP ERROR, if there is something to fall from */
void spec_fall(struct spec_fn *fn);
void spec_vdev_goes(struct spec_fn *fn);

/* ---- spec.c: successors ---- */

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
struct spec_config *next_config(struct step *t);
/* one in which the call has come to @phase */
struct spec_config *next_phase(struct step *t, unsigned int phase);
/* one in which the call is over, with one of the answers @may */
struct spec_config *next_done(struct step *t, uint64_t may);
/* those that end an unbind of function @i; @done: the call is over with it */
void next_unbound(struct step *t, unsigned int i, bool done, bool optional);

/* the call's function, in a successor */
static inline struct spec_fn *fn_of(struct step *t, struct spec_config *n)
{
	return &n->core.fn[t->call->fn];
}

/* ---- spec_binding.c ---- */

/*
 * Functions @fns are unbound by this call, one after the other in any order. True if
 * none of them is on its way any more.
 */
bool spec_unbind_first(struct step *t, unsigned int fns);

void step_bind(struct step *t);
void step_unbind(struct step *t);
void step_req(struct step *t);
void step_vdev_alloc(struct step *t);
void step_vdev_destroy(struct step *t);
void step_close(struct step *t);
void step_retry(struct step *t);

/* ---- spec_around.c ---- */

/* all that is refused while something in its reach is bound */
void step_hold(struct step *t);
void step_cfg_set(struct step *t);
void step_slot(struct step *t);
void step_connect(struct step *t);
void step_disconnect(struct step *t);
void step_driver_bind(struct step *t);
void step_driver_unbind(struct step *t);
void step_unplug(struct step *t);
void step_replug(struct step *t);
void step_fall(struct step *t);
void step_event(struct step *t);
void step_queue_new(struct step *t);

#endif /* SPEC_PRIVATE_H */
