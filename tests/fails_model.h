/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The independent model walks beside a sweep: each call is told with its answer, and
 * each state that is read; it says whether the rules allow that.
 */
#ifndef TEST_FAILS_MODEL_H
#define TEST_FAILS_MODEL_H

#include "fails.h"
#include "model/model.h"

/**
 * struct walk - the model of one function, and what fails just now
 * @m: NULL: it has been left behind, until walk_begin()
 * @fn: the function
 * @fail: what may have failed; NULL: nothing
 * @told: calls that it was told, in all
 * @refused: answers that it did not allow, since this was last looked at
 */
struct walk {
	struct model *m;
	struct fn *fn;
	const struct fail *fail;
	unsigned long told;
	unsigned int refused;
};

static void walk_end(struct walk *w)
{
	model_free(w->m);
	w->m = NULL;
}

/* the function is unbound, open, with slots and a vDEVICE, and nothing untold */
static int walk_begin(struct walk *w, struct fn *fn)
{
	struct model_fn is = {
		.driver = true, .open = true, .vdev = fn->vdevice_id,
		.slots = 3, .mse = true,
	};
	int nr;

	walk_end(w);
	w->fn = fn;
	w->m = model_new(world.nr);
	if (!w->m)
		return -ENOMEM;
	for (nr = 0; nr < world.nr; nr++)
		model_set(w->m, nr, (unsigned int)nr == fn->nr ? &is :
			  &(struct model_fn) { .driver = true });
	return 0;
}

/* what a failure justifies, by uapi.md */
static void walk_faults(struct model_faults *faults, const struct fail *f)
{
	memset(faults, 0, sizeof(*faults));
	if (!f || !f->hit)
		return;
	if (fail_is_copy(f)) {
		faults->answers = model_bit(-EFAULT);
	} else if (f->kind == FAIL_ALLOC) {
		faults->answers = model_bit(-ENOMEM);
	} else if (f->kind != FAIL_SLOW) {
		faults->answers = model_bit(-EIO) | model_bit(-ETIMEDOUT) |
				  model_bit(-EBADMSG) | model_bit(-EPROTO);
		if (fail_is_call(f))
			faults->answers |= model_bit(-ENOMEM);
		/* one that is repeated may carry out the first, and comes too late */
		faults->answers |= model_bit(MODEL_REFUSED);
		faults->fall = true;
		faults->quarantine = f->kind == FAIL_CALLS;
	}
}

/* a call that is over: 0, or -EUCLEAN and it was said why */
static int walk(struct walk *w, enum model_op op, int answer)
{
	struct model_call call = { .op = op, .quiet = true };
	struct model_faults faults;
	char tail[1024];
	int ret;

	if (!w->m)
		return 0;
	call.fn = w->fn->nr;
	call.id = w->fn->vdevice_id;
	walk_faults(&faults, w->fail);
	/* an argument that cannot be read changes nothing, whatever it is of */
	if (w->fail && fail_is_copy(w->fail))
		call.also = model_bit(-EFAULT);
	model_set_faults(w->m, &faults);
	ret = model_call(w->m, &call, answer);
	model_set_faults(w->m, NULL);
	w->told++;
	if (!ret)
		return 0;
	model_tail(w->m, tail, sizeof(tail));
	note("the model: %s", model_why(w->m));
	note("its last calls: %s", tail);
	w->refused++;
	walk_end(w);
	return -EUCLEAN;
}

static int walk_tdisp(const char *state)
{
	return !strcmp(state, "CONFIG_UNLOCKED") ? MODEL_UNLOCKED :
	       !strcmp(state, "CONFIG_LOCKED") ? MODEL_LOCKED :
	       !strcmp(state, "RUN") ? MODEL_RUN : MODEL_ERROR;
}

static int walk_seat(const char *state)
{
	return !strncmp(state, "unbound", 7) ? MODEL_UNBOUND :
	       !strncmp(state, "bound", 5) ? MODEL_BOUND :
	       !strncmp(state, "quarantined", 11) ? MODEL_QUARANTINED :
	       !strncmp(state, "binding", 7) ? MODEL_BINDING : MODEL_UNBINDING;
}

#endif /* TEST_FAILS_MODEL_H */
