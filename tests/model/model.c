// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checker: which configs agree with everything that has been answered.
 *
 * Steps of calls in progress are taken as late as possible: only when an answer has to
 * be judged, and only those of calls that share a function with the one that was
 * answered (directly or through others), and not beyond the moment at which that call
 * is over. A step that was not taken can still be taken at the next answer, so nothing
 * is lost, and the sets stay small.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "set.h"

#define LOG_SIZE	160	/* lines of the tail */
#define WHY_SIZE	4096

/**
 * struct entry - a line of the log
 * @end: of a call, with @answer; else its begin
 */
struct entry {
	struct model_call call;
	uint8_t actor;
	bool end;
	int answer;
};

/**
 * struct model - see model.h
 * @spec: what all configs share
 * @set: the configs
 * @seen, @covered: of one model_end()
 * @next: becomes @set
 * @peak: most configs in @seen
 * @broken: the errno of all further answers
 */
struct model {
	struct spec spec;
	struct set set;
	struct set seen;
	struct set next;
	uint8_t *covered;
	size_t covered_room;
	size_t peak;
	int broken;
	unsigned long nr_log;
	struct entry log[LOG_SIZE];
	char why[WHY_SIZE];
};

/* ---- birth and death ---- */

static int init(struct model *m)
{
	struct spec_config c = { 0 };
	unsigned int i;
	int ret;

	ret = set_init(&m->set) ?: set_init(&m->seen) ?: set_init(&m->next);
	if (ret)
		return ret;
	c.core.link = 1;
	c.core.present = 1;
	for (i = 0; i < MODEL_FNS; i++) {
		c.core.fn[i].bind = MODEL_UNBOUND;
		c.core.fn[i].tdisp = MODEL_UNLOCKED;
	}
	ret = set_add(&m->set, &c);
	return ret < 0 ? ret : 0;
}

struct model *model_new(unsigned int nr_fns)
{
	struct model *m;

	if (!nr_fns || nr_fns > MODEL_FNS)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->spec.nr_fns = nr_fns;
	if (init(m)) {
		model_free(m);
		return NULL;
	}
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	set_free(&m->set);
	set_free(&m->seen);
	set_free(&m->next);
	free(m->covered);
	free(m);
}

/* after configs were changed in place: each once again */
static int rehash(struct model *m)
{
	struct set old = m->set;
	size_t i;
	int ret = 0;

	set_clear(&m->next);
	for (i = 0; i < old.nr && ret >= 0; i++)
		ret = set_add(&m->next, &old.v[i]);
	if (ret < 0)
		return ret;
	m->set = m->next;
	m->next = old;
	return 0;
}

int model_set(struct model *m, unsigned int fn, const struct model_fn *is)
{
	size_t i;

	if (fn >= m->spec.nr_fns || is->vdev >= SPEC_NEW)
		return -EINVAL;
	for (i = 0; i < m->set.nr; i++) {
		struct spec_fn *f = &m->set.v[i].core.fn[fn];

		memset(f, 0, sizeof(*f));
		f->bind = MODEL_UNBOUND;
		f->tdisp = MODEL_UNLOCKED;
		f->driver = is->driver;
		f->open = is->open;
		f->no_kvm = is->no_kvm;
		f->vdev = is->vdev;
		f->slots = is->slots;
		f->private = is->slots;
		f->mse = is->mse;
		spec_look(&m->spec, &m->set.v[i]);
	}
	return rehash(m);
}

int model_set_link(struct model *m, bool connected)
{
	size_t i;

	for (i = 0; i < m->set.nr; i++) {
		m->set.v[i].core.link = connected;
		spec_look(&m->spec, &m->set.v[i]);
	}
	return rehash(m);
}

void model_set_faults(struct model *m, const struct model_faults *f)
{
	size_t i;

	m->spec.faults = f ? *f : (struct model_faults) { 0 };
	for (i = 0; i < m->set.nr; i++)
		spec_look(&m->spec, &m->set.v[i]);
}

/* ---- a call begins ---- */

static void log_call(struct model *m, unsigned int actor,
		     const struct model_call *call, bool end, int answer)
{
	m->log[m->nr_log++ % LOG_SIZE] = (struct entry) {
		.call = *call, .actor = actor, .end = end, .answer = answer,
	};
}

static bool sane(const struct model *m, const struct model_call *call)
{
	return call->op < MODEL_NR_OPS && call->fn < m->spec.nr_fns &&
	       call->id < SPEC_NEW &&
	       (call->op < MODEL_SLOT_SET || call->op > MODEL_PRIVATE ||
		call->id < MODEL_SLOTS);
}

int model_begin(struct model *m, unsigned int actor, const struct model_call *call)
{
	size_t i;

	if (m->broken)
		return m->broken;
	if (actor >= MODEL_ACTORS || !sane(m, call))
		return -EINVAL;
	if (m->spec.busy & 1u << actor)
		return -EBUSY;
	m->spec.call[actor] = *call;
	m->spec.busy |= 1u << actor;
	spec_meet(&m->spec, actor);
	log_call(m, actor, call, false, 0);
	for (i = 0; i < m->set.nr; i++) {
		struct spec_config *c = &m->set.v[i];

		/* its progress is all zero: SPEC_START */
		c->may[actor] = call->also;
		spec_look(&m->spec, c);
	}
	return 0;
}

/* ---- and ends ---- */

/**
 * struct judge - the judgment of one answer
 * @actor, @answer: whose, what
 * @bit: of @answer
 * @actors, @fns: calls and functions that can have to do with it
 * @steps: it can be the answer of a step of the call's own
 * @allowed: all answers that were found possible
 * @any_id: an id would have been allowed, too
 */
struct judge {
	struct model *m;
	unsigned int actor;
	int answer;
	uint64_t bit;
	unsigned int actors;
	unsigned int fns;
	bool steps;
	uint64_t allowed;
	bool any_id;
};

static bool is_id(const struct judge *j)
{
	return j->m->spec.call[j->actor].op == MODEL_VDEV_ALLOC && j->answer > 0;
}

/* everybody who shares a function with the call, or with one who does */
static void find_related(struct judge *j)
{
	const struct spec *s = &j->m->spec;
	unsigned int touches, a, before;

	j->fns = spec_touches(s, &s->call[j->actor]);
	do {
		before = j->fns;
		for (a = 0; a < MODEL_ACTORS; a++) {
			if (!(s->busy & 1u << a))
				continue;
			touches = spec_touches(s, &s->call[a]);
			if (touches & j->fns) {
				j->fns |= touches;
				j->actors |= 1u << a;
			}
		}
	} while (before != j->fns);
}

/* the call can have ended like this in @c, which then is without it */
static bool accept(struct judge *j, struct spec_config *c)
{
	struct spec_progress *p = &c->core.actor[j->actor];
	bool ok;

	if (p->phase != SPEC_START && p->phase != SPEC_DONE)
		return false;
	j->allowed |= c->may[j->actor];
	if (is_id(j)) {
		ok = spec_learn_id(&j->m->spec, c, j->actor, j->answer);
	} else {
		ok = c->may[j->actor] & j->bit;
		j->any_id |= p->phase == SPEC_DONE && p->answer;
	}
	memset(p, 0, sizeof(*p));
	c->may[j->actor] = 0;
	return ok;
}

static int see(struct judge *j, const struct spec_config *c, bool covered)
{
	struct model *m = j->m;
	uint8_t *grown;
	int ret;

	ret = set_add(&m->seen, c);
	if (ret <= 0)
		return ret;
	if (m->seen.nr > m->covered_room) {
		grown = realloc(m->covered, m->seen.room);
		if (!grown)
			return -ENOMEM;
		m->covered = grown;
		m->covered_room = m->seen.room;
	}
	m->covered[m->seen.nr - 1] = covered;
	return 0;
}

static int see_all(struct judge *j, const struct spec_config *out, unsigned int nr,
		   bool covered)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = see(j, &out[i], covered);
	return ret;
}

/*
 * One more step of anybody who matters. @covered: the call could have ended in @c or
 * before; then steps of others lead to what can also come later, and are taken only
 * because the call's own steps may follow.
 */
static int expand(struct judge *j, const struct spec_config *c, bool covered)
{
	struct spec_config out[SPEC_STEPS];
	const struct spec *s = &j->m->spec;
	unsigned int a, nr;
	int ret = 0;

	for (a = 0; a < MODEL_ACTORS && !ret; a++) {
		if (!(j->actors & 1u << a) || (a == j->actor && !j->steps))
			continue;
		nr = spec_steps(s, c, a, out);
		ret = see_all(j, out, nr, covered && a != j->actor);
	}
	if (ret)
		return ret;
	nr = spec_async(s, c, j->fns, out);
	return see_all(j, out, nr, covered);
}

static int judge_one(struct judge *j, size_t i)
{
	struct spec_config c = j->m->seen.v[i], without = c;
	bool covered = j->m->covered[i];
	bool ok = accept(j, &without);
	int ret;

	if (ok && !covered) {
		ret = set_add(&j->m->next, &without);
		if (ret < 0)
			return ret;
	}
	if (c.core.actor[j->actor].phase == SPEC_DONE || (ok && !j->steps))
		return 0;
	return expand(j, &c, covered || ok);
}

static int judge_all(struct judge *j)
{
	struct model *m = j->m;
	size_t i;
	int ret = 0;

	set_clear(&m->seen);
	set_clear(&m->next);
	for (i = 0; i < m->set.nr && !ret; i++)
		ret = see(j, &m->set.v[i], false);
	for (i = 0; i < m->seen.nr && !ret; i++)
		ret = judge_one(j, i);
	if (m->seen.nr > m->peak)
		m->peak = m->seen.nr;
	return ret;
}

static void explain(struct judge *j);

int model_end(struct model *m, unsigned int actor, int answer)
{
	struct judge j = {
		.m = m, .actor = actor, .answer = answer,
		.bit = model_bit(answer),
	};
	struct set old;
	int ret;

	if (m->broken)
		return m->broken;
	if (actor >= MODEL_ACTORS || !(m->spec.busy & 1u << actor))
		return -EINVAL;
	log_call(m, actor, &m->spec.call[actor], true, answer);
	find_related(&j);
	j.steps = is_id(&j) || spec_done(&m->spec, &m->spec.call[actor]) & j.bit;
	ret = judge_all(&j);
	if (!ret && !m->next.nr) {
		/* everything that would have been allowed, for the explanation */
		j.steps = true;
		judge_all(&j);
		explain(&j);
		ret = -EUCLEAN;
	} else if (ret) {
		snprintf(m->why, sizeof(m->why),
			 "model: more than %u ways in which it can have been\n",
			 SET_MAX);
	}
	if (ret) {
		m->broken = ret;
		return ret;
	}
	m->spec.busy &= ~(1u << actor);
	old = m->set;
	m->set = m->next;
	m->next = old;
	return 0;
}

int model_call(struct model *m, const struct model_call *call, int answer)
{
	return model_begin(m, 0, call) ?: model_end(m, 0, answer);
}

/* ---- what can be seen of it ---- */

/*
 * Steps that calls in progress may have taken count, too, so all are taken: of the
 * calls that can have to do with function @fn.
 */
static int see_function(struct model *m, unsigned int fn)
{
	struct judge j = { .m = m, .fns = 1u << fn, .steps = true };
	unsigned int a, before, touches;
	size_t i;
	int ret = 0;

	do {
		before = j.fns;
		for (a = 0; a < MODEL_ACTORS; a++) {
			if (!(m->spec.busy & 1u << a))
				continue;
			touches = spec_touches(&m->spec, &m->spec.call[a]);
			if (!(touches & j.fns))
				continue;
			j.fns |= touches;
			j.actors |= 1u << a;
		}
	} while (before != j.fns);
	j.actor = MODEL_ACTORS;
	set_clear(&m->seen);
	for (i = 0; i < m->set.nr && !ret; i++)
		ret = see(&j, &m->set.v[i], false);
	for (i = 0; i < m->seen.nr && !ret; i++) {
		struct spec_config c = m->seen.v[i];

		ret = expand(&j, &c, false);
	}
	return ret;
}

unsigned int model_states(struct model *m, unsigned int fn)
{
	unsigned int states = 0;
	size_t i;

	if (fn >= m->spec.nr_fns || see_function(m, fn))
		return 0;
	for (i = 0; i < m->seen.nr; i++)
		states |= 1u << m->seen.v[i].core.fn[fn].bind;
	return states;
}

unsigned int model_known(const struct model *m, unsigned int fn)
{
	unsigned int states = 0;
	size_t i;

	for (i = 0; i < m->set.nr; i++)
		states |= 1u << m->set.v[i].core.fn[fn].bind;
	return states;
}

static unsigned int meets(enum model_op op)
{
	switch (op) {
	case MODEL_BIND:
		return 1;
	case MODEL_UNBIND:
	case MODEL_VDEV_DESTROY:
	case MODEL_CLOSE:
	case MODEL_DISCONNECT:
	case MODEL_DRIVER_UNBIND:
	case MODEL_UNPLUG:
		return 2;
	default:
		return 0;
	}
}

unsigned int model_meets(const struct model *m, unsigned int actor, unsigned int fn)
{
	unsigned int a, what = 0;

	for (a = 0; a < MODEL_ACTORS; a++)
		if (a != actor && m->spec.busy & 1u << a &&
		    spec_touches(&m->spec, &m->spec.call[a]) & 1u << fn)
			what |= meets(m->spec.call[a].op);
	return what;
}

static bool owes(const struct spec_fn *fn)
{
	unsigned int i;

	for (i = 0; i < fn->nr_events; i++)
		if (!(fn->events[i] & SPEC_OPTIONAL))
			return true;
	return fn->bind == MODEL_UNBINDING && fn->owner == SPEC_CORE;
}

bool model_owes(const struct model *m, unsigned int fn)
{
	size_t i;

	for (i = 0; i < m->set.nr; i++)
		if (!owes(&m->set.v[i].core.fn[fn]))
			return false;
	return true;
}

unsigned int model_tdisps(struct model *m, unsigned int fn)
{
	unsigned int tdisps = 0;
	size_t i;

	if (fn >= m->spec.nr_fns || see_function(m, fn))
		return 0;
	for (i = 0; i < m->seen.nr; i++)
		tdisps |= 1u << m->seen.v[i].core.fn[fn].tdisp;
	return tdisps;
}

size_t model_peak(const struct model *m)
{
	return m->peak;
}

size_t model_now(const struct model *m)
{
	return m->set.nr;
}

/* ---- words ---- */

/**
 * struct text - a buffer that is being filled
 * @at: bytes of text; what does not fit is left out
 */
struct text {
	char *buf;
	size_t size;
	size_t at;
};

static void __attribute__((format(printf, 2, 3)))
say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->at >= t->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->at, t->size - t->at, fmt, ap);
	va_end(ap);
	t->at += n;
}

static void say_call(struct text *t, unsigned int actor,
		     const struct model_call *call)
{
	say(t, "actor %u: %s fn%u", actor, model_op_name(call->op), call->fn);
	if (call->id || (call->op >= MODEL_SLOT_SET && call->op <= MODEL_PRIVATE))
		say(t, " id %u", call->id);
	if (call->quiet)
		say(t, " quiet");
}

static void say_answers(struct text *t, uint64_t bits)
{
	char buf[16];
	int answer;

	for (answer = -200; answer <= 9; answer++)
		if (model_bit(answer) & bits)
			say(t, " %s", model_answer_text(answer, buf));
}

static void say_states(struct text *t, struct model *m, unsigned int fn)
{
	unsigned int states = model_states(m, fn), i;

	say(t, "  fn%u:", fn);
	for (i = MODEL_UNBOUND; i <= MODEL_QUARANTINED; i++)
		if (states & 1u << i)
			say(t, " %s", model_state_name(i));
	say(t, "\n");
}

static void explain(struct judge *j)
{
	struct model *m = j->m;
	struct text t = { m->why, sizeof(m->why), 0 };
	unsigned int a, i;
	char buf[16];

	say_call(&t, j->actor, &m->spec.call[j->actor]);
	say(&t, " answered %s\n  allowed:", model_answer_text(j->answer, buf));
	say_answers(&t, j->allowed);
	say(&t, "%s%s\n", j->any_id ? " (an id)" : "",
	    j->allowed || j->any_id ? "" : " nothing; it cannot have ended");
	for (a = 0; a < MODEL_ACTORS; a++) {
		if (a == j->actor || !(m->spec.busy & 1u << a))
			continue;
		say(&t, "  in progress: ");
		say_call(&t, a, &m->spec.call[a]);
		say(&t, "\n");
	}
	for (i = 0; i < m->spec.nr_fns; i++)
		say_states(&t, m, i);
}

const char *model_why(const struct model *m)
{
	return m->why;
}

void model_tail(const struct model *m, char *buf, size_t size)
{
	unsigned long n = m->nr_log > LOG_SIZE ? m->nr_log - LOG_SIZE : 0;
	struct text t = { buf, size, 0 };
	char answer[16];

	if (size)
		buf[0] = 0;
	for (; n < m->nr_log; n++) {
		const struct entry *e = &m->log[n % LOG_SIZE];

		say(&t, "%6lu %*s", n, 2 * e->actor, "");
		say_call(&t, e->actor, &e->call);
		if (e->end)
			say(&t, " = %s", model_answer_text(e->answer, answer));
		say(&t, "\n");
	}
}
