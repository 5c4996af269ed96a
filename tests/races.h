/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that do everything at once to two functions of one device, with the model of
 * model/model.h beside them.
 *
 *  races.c		seeds, threads, what disturbs them, the table
 *  races_world.c	the functions' objects for one seed; what is told to the model
 *  races_ops.c		what a thread can do
 *  races_life.c	what takes a function's life: close, open, driver, unplug
 *  model/		which answers are allowed
 */
#ifndef TEST_RACES_H
#define TEST_RACES_H

#include <pthread.h>
#include <stdatomic.h>

#include "model/model.h"
#include "world.h"

#define NR_RACERS	5
#define RACE_FNS	2
#define HELPER(racer)	(NR_RACERS + (racer))	/* actor of a racer's second thread */

enum meeting {
	MEETS_UNBOUND,
	MEETS_BIND,	/* somebody else's bind is in progress */
	MEETS_BOUND,
	MEETS_UNBIND,
	NR_MEETINGS,
};

/**
 * struct rfn - a function that they race for
 * @fn: its objects; @fn.dev is to be used between rfn_use() and rfn_unuse() only
 * @vdev: id of the vDEVICE as last heard
 * @open, @users: VFIO's file may be used, and is
 * @life: who closes, opens, takes the driver away
 * @cfg: who clears MSE and sets it again
 * @bufs: of the dma-bufs in @fn.slot
 * @opening: VFIO opens the device, and nobody resets it through sysfs: VFIO saves its
 *	     config space with no lock, and what it saves of a function in reset, zeroes
 *	     in the BARs, is what that reset writes back. Linux's own.
 * @bar_pos: of BAR 0 in VFIO's file
 * @devctl: where Device Control is in config space
 */
struct rfn {
	struct fn fn;
	_Atomic unsigned int vdev;
	atomic_bool open;
	atomic_int users;
	pthread_mutex_t life;
	pthread_mutex_t cfg;
	pthread_mutex_t bufs;
	pthread_mutex_t opening;
	volatile uint8_t *map;
	off_t bar_pos;
	uint32_t devctl;
};

/**
 * struct races - one seed
 * @log: of @model and of everything below it
 * @ops: calls that were made and judged
 * @limit: so many, then it is over
 * @stop: no more calls
 * @bad: a call's answer was not allowed, or the model gave up
 * @late: the device did not answer in DOE's second, or a driver in its own time,
 *	  because this host has too much to do; nothing can be said of what came of that
 * @given_up: exchanges with the device that had no answer in time, at the beginning
 * @longest_ms: what the longest call took
 * @slow_cpu: a CPU takes too long to go and come, everybody stands still meanwhile
 * @offline: how often one went
 * @met: how often which call met what
 * @shared: both functions are in one iommufd: hot reset is possible, and no vDEVICE is
 *	    destroyed but by closes, so that a number means one thing for ever
 * @plug: who unplugs the device, or resets its link
 * @link: connects and disconnects for read, a hot reset for write: Linux gives a mailbox
 *	  up for good when the device is reset under an exchange and its abort as well,
 *	  and the exchanges of a connect are nobody's to refuse
 */
struct races {
	uint64_t seed;
	pthread_mutex_t log;
	struct model *model;
	unsigned long ops;
	unsigned long limit;
	atomic_bool stop;
	bool bad;
	bool late;
	long given_up;
	uint64_t longest_ms;
	bool slow_cpu;
	unsigned long offline;
	bool shared;
	bool two_vms;
	unsigned long met[MODEL_NR_OPS][NR_MEETINGS];
	struct vm vm[RACE_FNS];
	struct rfn rfn[RACE_FNS];
	pthread_mutex_t plug;
	pthread_rwlock_t link;
};

/**
 * struct racer - a thread
 * @actor: for the model
 * @rng: what it does next
 * @attest: the TVM in whose name it asks
 * @attested: whose TDI @attest is about
 * @rfn: whose TDI the request is about that is being made
 * @start: a request for a new state is START, else STOP
 * @op, @began_ms: its call, and when that began
 */
struct racer {
	struct races *r;
	unsigned int actor;
	uint64_t rng;
	struct attest *attest;
	struct rfn *attested;
	struct rfn *rfn;
	bool start;
	enum model_op op;
	uint64_t began_ms;
	pthread_t thread;
};

/* ---- races_world.c ---- */

uint64_t race_random(uint64_t *rng);
/* true in one of @n cases */
static inline bool one_in(struct racer *t, unsigned int n)
{
	return race_random(&t->rng) % n == 0;
}

int races_open(struct races *r);
/* quiescent: everything owed is told, everything is unbound */
int races_settle(struct races *r);
void races_close(struct races *r);

/* around each call; the answer is handed through */
void tell_begin(struct racer *t, const struct model_call *call);
int tell_end(struct racer *t, int answer);
#define tell(t, answer_, ...)	({					\
	tell_begin(t, &(struct model_call) { __VA_ARGS__ });		\
	tell_end(t, answer_);						\
})

bool rfn_use(struct rfn *f);
void rfn_unuse(struct rfn *f);
unsigned int rfn_nr(const struct racer *t, const struct rfn *f);
/* VFIO's file, known to the VM; not bound to the iommufd yet */
int rfn_open_device(struct rfn *f);
/* its dma-bufs, mapping and what else comes with an open device */
int rfn_export(struct rfn *f);
int rfn_map(struct rfn *f);

/* @text into the sysfs attribute: 0 or -errno */
int sysfs_put(const char *path, const char *text);
int sysfs_fn(unsigned int nr, const char *attr, const char *text);

/* ---- races_ops.c, races_life.c ---- */

/* one thing at random, of one to some calls */
void race_op(struct racer *t);
int race_close(struct racer *t, struct rfn *f);
int race_reopen(struct racer *t, struct rfn *f);
int race_depart(struct racer *t, struct rfn *f);
int race_unplug(struct racer *t);
int race_link(struct racer *t, bool up);
int race_event(struct racer *t, struct rfn *f, bool quiet, unsigned int ms);
int race_unbind(struct racer *t, struct rfn *f);

#endif /* TEST_RACES_H */
