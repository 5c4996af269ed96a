/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tdi-story: one confidential device of each vendor, bound, used, lost and bound
 * again.
 *
 *  story.c		options, the vendors and their steps in turn
 *  story_steps.c	the steps
 *  result.c		result.json
 *  process.c		a tvmm that runs beside the story
 *  trace.c		the kernel's trace of it, and what it tells
 */
#ifndef TDI_STORY_H
#define TDI_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <tdi/sysfs.h>

#include "audit.h"
#include "vendors.h"

#define TEXT_MAX	640

/**
 * struct process - a tvmm of its own process
 * @pid: 0 when there is none
 * @fd: its report, -1 when there is none
 * @buf, @len: what was read of the report and not yet looked at
 * @beat: last sign of life of a payload that runs for ever
 * @beats: how many there were
 * @exits: exits during MMIO, valid if @exits_known
 * @failed: the step that tvmm said had failed and why; "" when none
 */
struct process {
	pid_t pid;
	int fd;
	char buf[4096];
	size_t len;
	uint64_t beat;
	unsigned int beats;
	uint64_t exits;
	bool exits_known;
	char failed[TEXT_MAX];
};

struct step_result {
	const char *name;
	bool ok;
	uint64_t ms;
};

#define MAX_STEPS	8

/**
 * struct options - what was asked for
 * @vendor: in turn, ended by NULL
 * @kernel, @initrd: of a Linux guest in place of @payload; NULL: none
 * @out: where result.json and the traces go
 * @fn: function of each device to give away
 * @timeout: s, of one step of tvmm
 * @bar2_pages: that the guest accepts of BAR 2
 */
struct options {
	const struct vendor *vendor[NR_VENDORS + 1];
	const char *out;
	const char *tvmm;
	const char *payload;
	const char *kernel;
	const char *initrd;
	unsigned int fn;
	unsigned int timeout;
	unsigned int bar2_pages;
};

/**
 * struct story - everything of one vendor
 * @opt: options
 * @vendor: whose story it is
 * @bdf: the function that is given away
 * @dsm: function 0 of its device
 * @proc: the tvmm of the present step
 * @text: what the present step has done
 * @expected, @seen, @look: of the failure of the present step
 * @exits, @exits_known: exits during MMIO over all runs
 * @calls, @calls_known: of firmware, in the first life
 * @minimum: what its firmware demands
 * @steps, @nr_steps: results so far
 * @referee: at the end
 * @ok: every step held
 */
struct story {
	const struct options *opt;
	const struct vendor *vendor;
	char bdf[TDI_BDF_MAX];
	char dsm[TDI_BDF_MAX];
	struct process proc;
	char text[TEXT_MAX];
	char expected[TEXT_MAX];
	char seen[TEXT_MAX];
	char look[TEXT_MAX];
	uint64_t exits;
	bool exits_known;
	struct vendor_calls calls;
	struct vendor_calls minimum;
	bool calls_known;
	struct step_result steps[MAX_STEPS];
	int nr_steps;
	uint64_t start_ms;
	struct audit referee;
	bool ok;
};

/* a step: true if it held; else expected, seen and look are filled */
struct step {
	const char *name;
	bool (*run)(struct story *s);
};

extern const struct step story_steps[];
extern const int story_nr_steps;

uint64_t story_ms(void);

/* result.c: 0 or -errno */
int result_write(const struct options *opt, const struct story *stories, int nr);

/* process.c: 0 or -errno */
int process_start(struct process *p, const struct story *s, const char *mode);
/*
 * Read its report until step @name was ok; with @name NULL until @beats signs of
 * life came. -EPROTO: tvmm said that a step failed; -EPIPE: it ended before;
 * -ETIMEDOUT: neither within @timeout_ms.
 */
int process_expect(struct process *p, const char *name, unsigned int beats,
		   unsigned int timeout_ms);
/* End it (unless @signal is 0) and wait for it: its wait status, or -errno. */
int process_end(struct process *p, int signal, unsigned int timeout_ms);

/* trace.c */

/**
 * struct trace_life - what the trace tells of the first life of a TDI
 * @calls: firmware calls about the device, made by tvmm
 * @stopped_first: STOP came before the unbind began
 * @accepted, @complete: the trace has the end of acceptance, and of the unbind
 */
struct trace_life {
	struct vendor_calls calls;
	bool stopped_first;
	bool accepted;
	bool complete;
};

/* begin an empty trace; end it */
void trace_start(void);
void trace_stop(void);
/* a mark: step @nr @name begins, or what became of it */
void trace_step(int nr, const char *name, const char *what);
/* the guest has accepted everything */
void trace_accepted(void);
/* copy the trace, which has ended, to @path.txt and, for trace-cmd, to @path.dat; 0 or -errno */
int trace_save(const char *path);
/* a line of the trace that has @what into @line; false when there is none */
bool trace_find(const char *what, char *line, size_t size);
/* go through the trace of @vendor's function @bdf; 0 or -errno */
int trace_first_life(const char *vendor, const char *bdf,
		     struct trace_life *life);

#endif /* TDI_STORY_H */
