// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the checker find what the transition system can do? A walk takes the system's
 * steps at random, with several calls in progress, and tells the checker what came of
 * it: none of it may be refused. (The checker takes steps late, leaves out some and
 * merges others; this is the proof that it loses nothing by that.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"
#include "walk.h"

/**
 * struct walk - a kernel that never makes a mistake
 * @s, @c: what it is doing
 * @nr_actors: who call
 * @last_id: the number that the last vDEVICE was given
 */
struct walk {
	struct model *m;
	struct spec s;
	struct spec_config c;
	unsigned int nr_actors;
	unsigned int last_id;
	uint64_t rng;
};

static uint64_t draw(struct walk *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

static bool makes_sense(const struct walk *w, const struct model_call *call)
{
	switch (call->op) {
	case MODEL_RETRY:
	case MODEL_LOW_POWER:
		return false;
	case MODEL_CLOSE:
	case MODEL_UNPLUG:
	case MODEL_DRIVER_UNBIND:
		/* one at a time, as the callers of these see to */
		for (unsigned int a = 0; a < w->nr_actors; a++)
			if (w->s.busy & 1u << a && w->s.call[a].op == call->op)
				return false;
		return call->op != MODEL_CLOSE || w->c.core.fn[call->fn].open;
	default:
		return true;
	}
}

/* bind and unbind more often than the rest, and what makes them possible again */
static enum model_op draw_op(struct walk *w)
{
	static const enum model_op again[] = {
		MODEL_OPEN, MODEL_VDEV_ALLOC, MODEL_CONNECT, MODEL_DRIVER_BIND,
		MODEL_REPLUG, MODEL_CFG_SET, MODEL_REQ_START, MODEL_EVENT,
	};

	switch (draw(w) % 4) {
	case 0:
		return MODEL_BIND;
	case 1:
		return draw(w) % 2 ? MODEL_UNBIND : MODEL_BIND;
	case 2:
		return again[draw(w) % (sizeof(again) / sizeof(again[0]))];
	default:
		return draw(w) % MODEL_NR_OPS;
	}
}

static int begin(struct walk *w, unsigned int a)
{
	struct model_call call = { 0 };

	do {
		call.op = draw_op(w);
		call.fn = draw(w) % w->s.nr_fns;
		call.id = w->c.core.fn[call.fn].vdev;
		if (!call.id || call.id >= SPEC_NEW || draw(w) % 8 == 0)
			call.id = 1 + draw(w) % (w->last_id + 1);
		if (call.op >= MODEL_SLOT_SET && call.op <= MODEL_PRIVATE)
			call.id = draw(w) % MODEL_SLOTS;
	} while (!makes_sense(w, &call));
	w->s.call[a] = call;
	w->s.busy |= 1u << a;
	spec_meet(&w->s, a);
	spec_look(&w->s, &w->c);
	return model_begin(w->m, a, &call);
}

static int answer_of(uint64_t may, uint64_t random)
{
	int found[64], nr = 0, answer;

	for (answer = -200; answer <= 9; answer++)
		if (model_bit(answer) & may)
			found[nr++] = answer;
	return found[random % nr];
}

static int end(struct walk *w, unsigned int a)
{
	struct spec_progress *p = &w->c.core.actor[a];
	int answer;

	if (p->phase == SPEC_DONE && p->answer) {
		answer = p->answer == SPEC_WILD ? (int)++w->last_id : p->answer;
		spec_learn_id(&w->s, &w->c, a, answer);
	} else {
		answer = answer_of(w->c.may[a], draw(w));
	}
	memset(p, 0, sizeof(*p));
	w->c.may[a] = 0;
	w->s.busy &= ~(1u << a);
	return model_end(w->m, a, answer);
}

static void step(struct walk *w, unsigned int a)
{
	struct spec_config out[SPEC_STEPS];
	unsigned int nr;

	nr = draw(w) % 4 ? spec_steps(&w->s, &w->c, a, out) :
			   spec_async(&w->s, &w->c, ~0u, out);
	if (nr)
		w->c = out[draw(w) % nr];
}

/* something that can be done by or for actor @a */
static int go(struct walk *w, unsigned int a)
{
	bool busy = w->s.busy & 1u << a;
	uint8_t phase = w->c.core.actor[a].phase;

	if (!busy)
		return draw(w) % 2 ? begin(w, a) : 0;
	if (phase == SPEC_DONE ||
	    (phase == SPEC_START && w->c.may[a] && draw(w) % 3 == 0))
		return draw(w) % 2 ? end(w, a) : 0;
	step(w, a);
	return 0;
}

int walk(struct model *m, const struct model_fn *is, unsigned int nr_fns,
	 unsigned int nr_actors, unsigned long steps, uint64_t seed)
{
	struct walk w = {
		.m = m, .s = { .nr_fns = nr_fns }, .nr_actors = nr_actors,
		.rng = seed * 2654435761u + 1,
	};
	unsigned int i;
	int ret = 0;

	w.c.core.link = 1;
	w.c.core.present = 1;
	for (i = 0; i < MODEL_FNS; i++) {
		struct spec_fn *fn = &w.c.core.fn[i];

		fn->bind = MODEL_UNBOUND;
		fn->tdisp = MODEL_UNLOCKED;
		if (i >= nr_fns)
			continue;
		fn->driver = is[i].driver;
		fn->open = is[i].open;
		fn->vdev = is[i].vdev;
		fn->slots = is[i].slots;
		fn->private = is[i].slots;
		fn->mse = is[i].mse;
		if (w.last_id < is[i].vdev)
			w.last_id = is[i].vdev;
		ret = ret ?: model_set(m, i, &is[i]);
	}
	while (!ret && steps--)
		ret = go(&w, draw(&w) % nr_actors);
	return ret;
}
