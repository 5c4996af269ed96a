/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program of several threads, run from system call to system call: it stands still
 * at the entry and at the exit of each, and can be killed there. Signals, births of
 * threads and everything else pass.
 *
 * The caller has no children but this one. Whatever happens to the caller, the program
 * dies with it.
 */
#ifndef TEST_PTRACED_H
#define TEST_PTRACED_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PTRACED_THREADS		8
#define PTRACED_CALLS		128	/* different ones, in one thread */

/**
 * struct ptraced_stop - a thread at the entry or the exit of a system call
 * @thread: 0 for the first, the others in the order of their birth
 * @exit: the call is over; else it has not begun
 * @nr: which call
 * @args: of it
 * @ret: what it answered, at the exit
 * @nth: this call of this thread, from 1; an ioctl counts by its command
 * @stirred: since the stop before, whatever thread that was of, something else than a
 *	     system call was seen: a signal, a birth, a death
 */
struct ptraced_stop {
	unsigned int thread;
	bool exit;
	uint64_t nr;
	uint64_t args[6];
	int64_t ret;
	unsigned int nth;
	bool stirred;
};

/* one thread; how often it made which call */
struct ptraced_thread {
	pid_t tid;
	bool in_call;
	struct ptraced_stop at;
	size_t nr_calls;
	struct {
		uint64_t nr;
		uint64_t cmd;
		unsigned int count;
	} calls[PTRACED_CALLS];
};

/**
 * struct ptraced - the program
 * @pid: of it, 0: it is gone
 * @status: as waitpid() tells, once it is gone
 * @held: the thread that stands still since the last ptraced_next(), or NULL
 * @stirred: see struct ptraced_stop
 * @cpus: that it may run on; on the way it has one, the tracer's
 */
struct ptraced {
	pid_t pid;
	int status;
	struct ptraced_thread *held;
	bool stirred;
	cpu_set_t cpus;
	size_t nr_threads;
	struct ptraced_thread threads[PTRACED_THREADS];
};

/*
 * Run @argv with its output going to @out, from its first system call on, for @ms at
 * most; 0 or -errno. Until it is gone, SIGALRM and the caller's CPU are ours.
 */
int ptraced_start(struct ptraced *p, char *const argv[], int out, unsigned int ms);
/*
 * Go on to the next entry or exit of a system call, of whatever thread: 1, it is
 * in @stop; 0: all threads are gone, see @status; -ETIMEDOUT; -errno.
 */
int ptraced_next(struct ptraced *p, struct ptraced_stop *stop);
/*
 * SIGKILL, wherever it is, and wait until no thread of it is left: 0, and @status tells
 * how it ended; -ETIMEDOUT: it does not die in @ms; -EBUSY: something outlived it.
 */
int ptraced_kill(struct ptraced *p, unsigned int ms);
/* page faults of the thread that stands still, -errno */
long ptraced_faults(const struct ptraced *p);
/* text at @addr of the thread that stands still, cut to @size: 0 or -errno */
int ptraced_string(const struct ptraced *p, uint64_t addr, char *buf, size_t size);

/* is @a the same call of the same thread as @b, at the same end of it */
bool ptraced_same(const struct ptraced_stop *a, const struct ptraced_stop *b);
/* "openat", "KVM_RUN"; or a number, written into @buf */
const char *ptraced_name(const struct ptraced_stop *stop, char *buf, size_t size);

#endif /* TEST_PTRACED_H */
