/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transition system behind model.h: what there is, and which steps it can take.
 *
 *  state	what is so, of functions, link and holds
 *  progress	how far an actor's call has come
 *  config	both: one way in which everything that was answered can have been
 *
 * A call goes through phases. In phase 0 nothing of it has happened. What it can
 * answer without changing anything at all is not a step: it is collected, as a set of
 * answers, from every state that the config passes through while the call is in
 * progress (spec_look()). So a call that changes nothing never multiplies configs.
 */
#ifndef SPEC_H
#define SPEC_H

#include "model.h"

#define SPEC_EVENTS	6	/* told to nobody yet, of one function */
#define SPEC_OPTIONAL	0x80	/* of an event: it may have been dropped on its way */
#define SPEC_CORE	0xff	/* owner of an unbind that a work item ends */
#define SPEC_NEW	0xff00	/* vDEVICE whose id its actor has not been told yet */
#define SPEC_STALE	2	/* link: connected, but the device has forgotten it */
#define SPEC_STEPS	24	/* successors of one config by one actor, at most */

/* phases of a call; what lies between is the op's own */
#define SPEC_START	0
#define SPEC_DONE	0xff

/**
 * struct spec_fn - a function
 * @bind: enum model_state
 * @owner: actor + 1 who binds or unbinds, or SPEC_CORE
 * @lost: the link went while it was being bound
 * @tell: the unbind in progress was not asked for by the VMM
 * @tdisp: enum model_tdisp; what it will be, while it is being bound
 * @stopped: by its guest, confirmed (AMD)
 * @open, @driver, @no_kvm, @slots: as struct model_fn
 * @mse: 0, 1, or 2: nobody knows
 * @dying: its vDEVICE is being destroyed, or will be in the close that goes on
 * @overflow: more events than the model keeps; anything may be told
 * @nr_events, @events: types, oldest first, with SPEC_OPTIONAL
 * @left: a bind that was made to fail may have left the device locked, or in ERROR
 * @private: bit for each slot whose range has the private attribute
 * @vdev: id of the vDEVICE
 */
struct spec_fn {
	uint8_t bind;
	uint8_t owner;
	uint8_t lost;
	uint8_t tell;
	uint8_t tdisp;
	uint8_t stopped;
	uint8_t open;
	uint8_t driver;
	uint8_t no_kvm;
	uint8_t slots;
	uint8_t mse;
	uint8_t dying;
	uint8_t overflow;
	uint8_t nr_events;
	uint8_t events[SPEC_EVENTS];
	uint8_t left;
	uint8_t private;
	uint16_t vdev;
};

/**
 * struct spec_progress - of an actor's call
 * @phase: SPEC_START, the op's own, SPEC_DONE
 * @departed: functions that an unplug or a disconnect has reached
 * @answer: what it answers, once SPEC_DONE
 */
struct spec_progress {
	uint8_t phase;
	uint8_t departed;
	int16_t answer;
};

#define SPEC_WILD	INT16_MIN	/* an id that nobody has seen yet */

/* no padding: compared and hashed as bytes */
struct spec_core {
	struct spec_fn fn[MODEL_FNS];
	uint8_t link;
	uint8_t present;
	uint8_t zero[2];
	struct spec_progress actor[MODEL_ACTORS];
};

/**
 * struct spec_config - one way in which it can have been
 * @core: state and progress
 * @may: for each actor in SPEC_START: answers that it may have had by now
 */
struct spec_config {
	struct spec_core core;
	uint64_t may[MODEL_ACTORS];
};

/**
 * struct spec - what is the same in all configs
 * @nr_fns: functions
 * @faults: armed
 * @busy: bit for each actor with a call in progress
 * @call: of those
 * @met: what others in progress could do to its answer, since it began
 */
struct spec {
	unsigned int nr_fns;
	struct model_faults faults;
	unsigned int busy;
	struct model_call call[MODEL_ACTORS];
	uint8_t met[MODEL_ACTORS];
};

/* bits of functions (and SPEC_LINK) that a call reads or changes */
#define SPEC_LINK	(1u << MODEL_FNS)
unsigned int spec_touches(const struct spec *s, const struct model_call *call);

/* @actor's call has just begun: note whom it meets */
void spec_meet(struct spec *s, unsigned int actor);
/* collect what the calls in SPEC_START could answer in the state of @c */
void spec_look(const struct spec *s, struct spec_config *c);

/* configs that are one step of @actor's call after @c, in @out: how many */
unsigned int spec_steps(const struct spec *s, const struct spec_config *c,
			unsigned int actor, struct spec_config out[SPEC_STEPS]);
/* answers that @call can have by steps of its own; ids not counted */
uint64_t spec_done(const struct spec *s, const struct model_call *call);
/* as spec_steps(), of what happens to functions @fns by itself */
unsigned int spec_async(const struct spec *s, const struct spec_config *c,
			unsigned int fns, struct spec_config out[SPEC_STEPS]);

/* @actor has been told @id: true if that agrees with @c, which then knows it */
bool spec_learn_id(const struct spec *s, struct spec_config *c, unsigned int actor,
		   int id);

#endif /* SPEC_H */
