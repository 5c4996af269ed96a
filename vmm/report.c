// SPDX-License-Identifier: GPL-2.0-only
/*
 * One line per step on standard output for people, the same on the report file
 * for the story runner: "step NAME ok|failed MS TEXT" and "value KEY NUMBER". MS is
 * since the step before, whichever vCPU made that.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tvmm.h"

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

void report_start(struct tvmm *t)
{
	/* who listened may have gone: that is no reason to drop a bound TDI */
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	t->start_us = now_us();
	t->step_us = t->start_us;
}

/* nobody may be listening any more; that is no reason to stop */
static void machine(struct tvmm *t, const char *line)
{
	if (t->opt.report_fd >= 0 &&
	    write(t->opt.report_fd, line, strlen(line)) < 0)
		t->opt.report_fd = -1;
}

static void step(struct tvmm *t, const char *name, bool ok, const char *text)
{
	uint64_t now = now_us();
	uint64_t ms = (now - t->step_us + 500) / 1000;
	char line[768];

	t->step_us = now;
	printf("tvmm %7.3f s  %-8s %-6s %s\n", (now - t->start_us) / 1e6, name,
	       ok ? "ok" : "FAILED", text);
	snprintf(line, sizeof(line), "step %s %s %llu %s\n", name,
		 ok ? "ok" : "failed", (unsigned long long)ms, text);
	machine(t, line);
}

/* guest text is shown too: keep it to one printable line */
static void clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void report_ok(struct tvmm *t, const char *name, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(text);
	step(t, name, true, text);
}

int report_failed(struct tvmm *t, const char *name, int ret, const char *fmt,
		  ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(text);
	step(t, name, false, text);
	return ret;
}

void report_value(struct tvmm *t, const char *key, uint64_t value)
{
	char line[128];

	snprintf(line, sizeof(line), "value %s %llu\n", key,
		 (unsigned long long)value);
	machine(t, line);
}

void report_note(struct tvmm *t, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(text);
	printf("tvmm %7.3f s  %s\n", (now_us() - t->start_us) / 1e6, text);
}
