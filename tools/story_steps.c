// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/teemu.h>

#include "story.h"

#define MAX_FUNCTIONS	64
#define AUDIT_MS	5000
#define END_MS		20000

#define LOOK_TRACE	"the trace (trace-NAME.txt), the kernel's messages above"

static void __attribute__((format(printf, 2, 3)))
done(struct story *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
}

static bool __attribute__((format(printf, 4, 5)))
failed(struct story *s, const char *expected, const char *look,
       const char *seen, ...)
{
	va_list ap;

	snprintf(s->expected, sizeof(s->expected), "%s", expected);
	snprintf(s->look, sizeof(s->look), "%s", look);
	va_start(ap, seen);
	vsnprintf(s->seen, sizeof(s->seen), seen, ap);
	va_end(ap);
	return false;
}

/* tvmm reports step @name, and said nothing of a failure before */
static bool tvmm_reaches(struct story *s, const char *name)
{
	char expected[TEXT_MAX];
	int ret;

	ret = process_expect(&s->proc, name, 0, s->opt->timeout * 1000);
	if (!ret)
		return true;
	snprintf(expected, sizeof(expected), "tvmm reports step \"%s\"", name);
	return failed(s, expected, "tvmm's lines above, " LOOK_TRACE, "%s",
		      ret == -EPROTO ? s->proc.failed :
		      ret == -EPIPE ? "tvmm ended" : "nothing in time");
}

static bool tvmm_starts(struct story *s, const char *mode)
{
	int ret = process_start(&s->proc, s, mode);

	return !ret || failed(s, "tvmm starts", s->opt->tvmm, "%s", strerror(-ret));
}

/* tvmm ends by itself, content, and leaves nothing behind */
static bool tvmm_ends(struct story *s)
{
	int status = process_end(&s->proc, 0, END_MS);

	if (status == -ETIMEDOUT)
		return failed(s, "tvmm ends", LOOK_TRACE, "it hangs");
	if (status)
		return failed(s, "tvmm exits with 0", "tvmm's lines above",
			      "wait status %#x", status);
	return true;
}

static bool clean(struct story *s, struct audit *a)
{
	char why[768];
	int ret;

	ret = audit_wait(s->vendor->name, AUDIT_MS, a);
	if (!ret)
		return true;
	if (ret != -EBUSY)
		return failed(s, "the audit can be read",
			      "/sys/kernel/debug/teemu", "%s", strerror(-ret));
	audit_explain(a, why, sizeof(why));
	return failed(s, "a clean audit", "`tdi audit`, " LOOK_TRACE, "%s",
		      why);
}

/* @other: as good as @want, or NULL */
static bool state_is(struct story *s, const char *want, const char *other)
{
	char path[32], state[64];
	int ret;

	snprintf(path, sizeof(path), "fn%u/tdi", s->opt->fn);
	ret = audit_file(s->vendor->name, path, state, sizeof(state));
	if (ret)
		return failed(s, want, path, "%s", strerror(-ret));
	state[strcspn(state, "\n")] = 0;
	if (strcmp(state, want) && (!other || strcmp(state, other)))
		return failed(s, want, LOOK_TRACE, "TDI in %s", state);
	return true;
}

/*
 * The vendor's DSM host and the function to give away: those below the root complex
 * that its TSM serves. Of several the first.
 */
static bool find_functions(struct story *s, const char *parent, const char *tsm)
{
	struct tdi_function fns[MAX_FUNCTIONS];
	int n, i, ret;

	n = tdi_function_list(TEEMU_VENDOR_ID, TEEMU_DEVICE_ID, fns,
			      MAX_FUNCTIONS);
	for (i = 0; i < n && i < MAX_FUNCTIONS; i++) {
		if (!fns[i].dsm || tdi_function_below(fns[i].bdf, parent) != 1)
			continue;
		ret = strcmp(fns[i].tsm, tsm) ?
		      tdi_link_connect(fns[i].bdf, tsm) : 0;
		if (ret)
			return failed(s, "tsm/connect answers 0", LOOK_TRACE,
				      "%s: %s", fns[i].bdf, strerror(-ret));
		strcpy(s->dsm, fns[i].bdf);
		return !tdi_bdf_function(s->dsm, s->opt->fn, s->bdf);
	}
	return failed(s, "a DSM host with vendor 1dad device 7e10 on its root complex",
		      "the kernel's messages, is memory reserved on its command line?",
		      "%d functions, none with tsm/connect", n);
}

static bool step_connect(struct story *s)
{
	char parent[TDI_NAME_MAX], tsm[TDI_NAME_MAX], now[TDI_NAME_MAX];
	int ret;

	snprintf(parent, sizeof(parent), "teemu-%s", s->vendor->name);
	ret = tdi_tsm_find(parent, tsm);
	if (ret)
		return failed(s, "a TSM below /sys/class/tsm",
			      "the kernel's messages", "%s: %s", parent,
			      strerror(-ret));
	if (!find_functions(s, parent, tsm))
		return false;
	ret = tdi_attr_read(s->dsm, "tsm/connect", now, sizeof(now));
	if (ret || strcmp(now, tsm))
		return failed(s, "tsm/connect names the TSM", s->dsm, "%s",
			      ret ? strerror(-ret) : now);
	ret = tdi_driver_bind(s->bdf, "vfio-pci");
	if (ret)
		return failed(s, "vfio-pci takes the function",
			      "the kernel's messages", "%s: %s", s->bdf,
			      strerror(-ret));
	done(s, "%s registered by %s, link of %s connected, %s given to vfio-pci",
	     tsm, parent, s->dsm, s->bdf);
	return true;
}

static bool step_bind(struct story *s)
{
	if (!tvmm_starts(s, "full") || !tvmm_reaches(s, "bind") ||
	    !state_is(s, "CONFIG_LOCKED", "RUN"))
		return false;
	done(s, "tvmm %d: VM, device, private slots over BAR slices, TDI locked",
	     s->proc.pid);
	return true;
}

static bool step_accept(struct story *s)
{
	if (!tvmm_reaches(s, "accept"))
		return false;
	trace_accepted();
	done(s, "guest: certificates, report, MMIO, DMA, started, in its architecture's order");
	return true;
}

/* exits that the last tvmm counted during MMIO, into the story's sum */
static bool no_exits(struct story *s)
{
	s->exits_known |= s->proc.exits_known;
	s->exits += s->proc.exits;
	if (!s->proc.exits_known || s->proc.exits)
		return failed(s, "0 exits during MMIO", "tvmm's lines above",
			      "%llu", (unsigned long long)s->proc.exits);
	return true;
}

static bool step_use(struct story *s)
{
	if (!tvmm_reaches(s, "use") || !no_exits(s) ||
	    !tvmm_reaches(s, "sigbus"))
		return false;
	done(s, "guest: T=1 copies verified, %llu exits, T=0 blocked; host: SIGBUS",
	     (unsigned long long)s->proc.exits);
	return true;
}

/*
 * What the kernel's trace says about the first life: how many firmware calls it took,
 * and who stopped the TDI. Without a trace there is nothing to be judged.
 */
static bool first_life(struct story *s)
{
	const uint32_t pages[] = {
		TEEMU_BAR_REGS_SIZE / 4096, s->opt->bar2_pages,
	};
	struct trace_life life;
	int ret;

	ret = trace_first_life(s->vendor->name, s->bdf, &life);
	if (ret)
		return failed(s, "a trace and " VENDOR_DIR "/*/calls",
			      "the kernel's configuration", "%s", strerror(-ret));
	if (!life.accepted || !life.complete)
		return failed(s, "a trace of bind, acceptance and unbind",
			      LOOK_TRACE, "accepted %d, unbound %d",
			      life.accepted, life.complete);
	if (life.stopped_first != s->vendor->stops_first)
		return failed(s, s->vendor->stops_first ?
			      "the guest stops the TDI before the unbind" :
			      "the unbind stops the TDI, not the guest",
			      LOOK_TRACE, "STOP came %s",
			      life.stopped_first ? "before" : "after");
	s->calls = life.calls;
	s->minimum = vendor_minimum(s->vendor->name, pages, 2);
	s->calls_known = true;
	return true;
}

static bool step_shared(struct story *s)
{
	struct audit a;

	if (!tvmm_reaches(s, "shared") || !tvmm_reaches(s, "exit") ||
	    !tvmm_ends(s) || !clean(s, &a) || !first_life(s))
		return false;
	done(s, "unbound at the guest's request, same device works shared, audit clean; %llu leaves, calls: bind %llu (at least %llu), unbind %llu (%llu)",
	     (unsigned long long)s->minimum.leaves,
	     (unsigned long long)s->calls.bind,
	     (unsigned long long)s->minimum.bind,
	     (unsigned long long)s->calls.unbind,
	     (unsigned long long)s->minimum.unbind);
	return true;
}

/* descriptors done so far, and whether one is at work */
static uint64_t dma_counter(struct story *s, bool *in_flight)
{
	char path[32], text[512];

	snprintf(path, sizeof(path), "fn%u/dma", s->opt->fn);
	if (audit_file(s->vendor->name, path, text, sizeof(text)))
		return 0;
	*in_flight = audit_number(text, "in_flight");
	return audit_number(text, "descs");
}

/* look until the engine moves and has a descriptor at work */
static bool dma_moves(struct story *s, uint64_t *descs)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	uint64_t first, deadline = story_ms() + 10000;
	bool in_flight = false;

	first = dma_counter(s, &in_flight);
	do {
		*descs = dma_counter(s, &in_flight);
		if (*descs > first && in_flight)
			return true;
		nanosleep(&nap, NULL);
	} while (story_ms() < deadline);
	return failed(s, "DMA counters that move, a descriptor in flight",
		      "fn*/dma in debugfs, " LOOK_TRACE,
		      "%llu descriptors, then %llu, in flight %d",
		      (unsigned long long)first, (unsigned long long)*descs,
		      in_flight);
}

static bool step_kill(struct story *s)
{
	char line[512];
	struct audit a;
	uint64_t descs, killed;
	int status;

	if (!tvmm_starts(s, "loop") || !tvmm_reaches(s, "accept"))
		return false;
	if (process_expect(&s->proc, NULL, 2, s->opt->timeout * 1000))
		return failed(s, "a payload that does DMA for ever",
			      "tvmm's lines above", "%s",
			      s->proc.failed[0] ? s->proc.failed : "silence");
	if (!state_is(s, "RUN", NULL) || !dma_moves(s, &descs))
		return false;
	killed = story_ms();
	status = process_end(&s->proc, SIGKILL, END_MS);
	if (status < 0 || !WIFSIGNALED(status))
		return failed(s, "tvmm dies of SIGKILL", LOOK_TRACE,
			      "wait status %d", status);
	if (!clean(s, &a) || !state_is(s, "CONFIG_UNLOCKED", NULL))
		return false;
	if (trace_find("-> ERROR", line, sizeof(line)))
		return failed(s, "unbind before VFIO resets the function",
			      LOOK_TRACE, "%.400s", line);
	done(s, "SIGKILL after %llu descriptors, one in flight: unbound and clean in %llu ms",
	     (unsigned long long)descs,
	     (unsigned long long)(story_ms() - killed));
	return true;
}

static bool step_again(struct story *s)
{
	struct audit a;
	int ret;

	if (!tvmm_starts(s, "full") || !tvmm_reaches(s, "use") ||
	    !no_exits(s) || !tvmm_reaches(s, "exit") || !tvmm_ends(s) ||
	    !clean(s, &a))
		return false;
	ret = tdi_link_disconnect(s->dsm);
	if (ret)
		return failed(s, "tsm/disconnect answers 0", LOOK_TRACE, "%s",
			      strerror(-ret));
	if (!clean(s, &a))
		return false;
	done(s, "a new tvmm did all of it; link down, every table empty");
	return true;
}

const struct step story_steps[] = {
	{ "connect", step_connect },
	{ "bind", step_bind },
	{ "accept", step_accept },
	{ "use", step_use },
	{ "shared", step_shared },
	{ "kill", step_kill },
	{ "again", step_again },
};

const int story_nr_steps = sizeof(story_steps) / sizeof(story_steps[0]);
