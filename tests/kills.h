/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sets of kill points share: a life of tvmm, the audit after its death, and
 * which points of a set a run takes.
 *
 *  kills.c		the program; at the entry and the exit of each system call
 *  kills_inside.c	inside one: in each exchange with the device, in each firmware call
 *  kills_life.c	this
 */
#ifndef TEST_KILLS_H
#define TEST_KILLS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "audit.h"
#include "prove.h"

#define KILLS_LIFE_MS	60000	/* for a life, or for what is left of one */
#define KILLS_DEATH_MS	30000	/* from SIGKILL to the last thread's end */
#define KILLS_TRIES	4	/* lives for one point, if one does not come by it */
#define KILLS_MAX_ARGS	16
#define KILLS_ADDRESS	64

struct kills;

/**
 * struct kills_set - points of one kind
 * @kind: the first word of their addresses
 * @nr: how many
 * @slice: so many of them when it is not the whole set
 * @address: of a point, what comes after "@kind/": the same in every run, no blanks
 * @die: a life that ends at a point: 0, or -errno and why is said
 * @tell: what more there is to say of a point, NULL: nothing
 */
struct kills_set {
	const char *kind;
	size_t nr;
	size_t slice;
	void (*address)(struct kills *k, size_t i, char *buf, size_t size);
	int (*die)(struct kills *k, size_t i);
	void (*tell)(struct kills *k, size_t i);
};

/**
 * struct kills - a set at work
 * @base: of the audit
 * @prove: counts
 * @out: what tvmm prints
 * @argv: of tvmm
 * @cpus: that a life which nobody watches may run on
 * @data: of the set
 * @seed: which points a slice has
 * @since_whole: deaths since the last whole audit
 * @in_a_row: failures, one after the other
 * @retries: lives that did not come by their point
 * @look_ms, @worst_ms: spent on audits; the longest that a death took
 */
struct kills {
	struct audit_base base;
	struct prove prove;
	int out;
	char *argv[KILLS_MAX_ARGS];
	cpu_set_t cpus;
	void *data;
	unsigned int seed;
	unsigned int since_whole;
	unsigned int in_a_row;
	unsigned int retries;
	uint64_t look_ms;
	uint64_t worst_ms;
};

/* the world is prepared; 0 or -errno */
int kills_begin(struct kills *k);
/* the counts are told, and a whole audit: 0 or -EUCLEAN */
int kills_end(struct kills *k);

/* all points of the set that this run takes; 0 or -EUCLEAN */
int kills_run(struct kills *k, const struct kills_set *set);

/* what has been so far is no failure of what comes now */
void kills_audit_anew(struct kills *k);

/* a life that nobody watches: its process, or -errno */
pid_t kills_live(struct kills *k);
/* how it ended, as waitpid() tells; -ETIMEDOUT: not within @ms */
int kills_reap(pid_t pid, unsigned int ms);
/* a life that nobody disturbs comes to its good end */
int kills_whole_life(struct kills *k);
/* forget what tvmm has printed, and say it before if @show */
void kills_output(struct kills *k, bool show);
/* it has died of SIGKILL, at once or after a while that began at @since */
int kills_died(struct kills *k, int status, uint64_t since);

/* kills_inside.c: what there is in a life, and all of it that this run takes; 0 or -errno */
int kills_exchanges(struct kills *k);
int kills_firmware(struct kills *k);

#endif /* TEST_KILLS_H */
