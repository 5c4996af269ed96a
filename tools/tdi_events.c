// SPDX-License-Identifier: GPL-2.0-only
/* tdi events: what happens to TDIs, as it happens, by the kernel's tracepoints */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tdi.h"

#define POLL_MS		250	/* the kernel may wake us late: look this often */
#define NSEC		1000000000LL

/**
 * struct follow - what is followed
 * @bdf: only this function, or NULL
 * @all: decisions of the gate, requests and the steps of bind and unbind too
 * @count: end after so many, 0: never
 * @deadline_ns: end then, 0: never
 * @seen: so many were printed
 * @offset_ns: from the trace's clock to the time of day
 */
struct follow {
	const char *bdf;
	bool all;
	unsigned long count;
	int64_t deadline_ns;
	unsigned long seen;
	int64_t offset_ns;
};

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

/* "  comm-pid [cpu] flags  SECONDS.MICROS: pci_tdi_NAME: BDF text" */
struct event {
	int64_t mono_ns;
	char name[32];
	char bdf[TDI_BDF_MAX];
	const char *text;
};

static bool parse(const char *line, struct event *e)
{
	const char *s = strstr(line, ": pci_tdi_"), *time;
	unsigned long long sec, usec;
	int text = 0;

	if (!s)
		return false;
	for (time = s; time > line && !isspace((unsigned char)time[-1]); time--)
		;
	if (sscanf(time, "%llu.%llu", &sec, &usec) != 2)
		return false;
	e->mono_ns = sec * NSEC + usec * 1000;
	if (sscanf(s, ": %31[a-z_]: %23[^ \n]%n", e->name, e->bdf, &text) != 2)
		return false;
	e->text = s + text + strspn(s + text, " ");
	/* of a VM as a whole, not of a function */
	return strncmp(e->bdf, "kvm=", strlen("kvm="));
}

static void print_event(const struct follow *f, const struct event *e)
{
	int64_t ns = e->mono_ns + f->offset_ns;
	time_t sec = ns / NSEC;
	char text[160], day[32], from[32], to[32];
	enum colour colour = PLAIN;
	struct tm tm;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(e->text, "\n"), e->text);
	localtime_r(&sec, &tm);
	if (!tdi_json) {
		strftime(day, sizeof(day), "%H:%M:%S", &tm);
		if (strstr(text, "QUARANTINED") || strstr(text, "ERROR"))
			colour = BAD;
		else if (strstr(text, "-> BOUND"))
			colour = GOOD;
		printf("%s.%06lld  %-14s%-11s", day,
		       (long long)(ns % NSEC / 1000), e->bdf,
		       e->name + strlen("pci_tdi_"));
		print_cell(colour, 0, text);
		printf("\n");
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&sec, &tm));
	snprintf(from, sizeof(from), ".%06lldZ", (long long)(ns % NSEC / 1000));
	strcat(day, from);
	json_open(NULL, '{');
	json_text("time", day);
	json_number("monotonic_us", e->mono_ns / 1000);
	json_text("device", e->bdf);
	json_text("event", e->name);
	if (sscanf(text, "%31s -> %31s", from, to) == 2) {
		json_text("from", from);
		json_text("to", to);
	}
	json_text("text", text);
	json_close('}');
	json_end();
}

static bool is_over(const struct follow *f)
{
	return stopped() || (f->count && f->seen >= f->count) ||
	       (f->deadline_ns && now_ns(CLOCK_MONOTONIC) >= f->deadline_ns);
}

static void take_line(struct follow *f, const char *line)
{
	struct event e;

	if (!parse(line, &e) || (f->bdf && strcmp(f->bdf, e.bdf)) ||
	    (f->count && f->seen >= f->count))
		return;
	print_event(f, &e);
	f->seen++;
}

static int follow(struct follow *f, int pipe)
{
	struct pollfd pfd = { .fd = pipe, .events = POLLIN };
	char buf[16384];
	size_t len = 0;
	char *end, *line;
	ssize_t n;

	while (!is_over(f)) {
		poll(&pfd, 1, POLL_MS);
		n = read(pipe, buf + len, sizeof(buf) - 1 - len);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		len += n;
		buf[len] = 0;
		for (line = buf; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			take_line(f, line);
		}
		len -= line - buf;
		memmove(buf, line, len);
		/* a line that does not fit is none of ours */
		if (len == sizeof(buf) - 1)
			len = 0;
		if (fflush(stdout))
			return 0;	/* whoever read it has gone */
	}
	return 0;
}

static int enable(const struct tracefs *t, bool all)
{
	if (all)
		return tracefs_enable(t, "pci_tdi");
	return tracefs_enable(t, "pci_tdi/pci_tdi_state") ?:
	       tracefs_enable(t, "pci_tdi/pci_tdi_event");
}

static bool parse_options(struct follow *f, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ }
	};
	char *end = (char *)"";
	int c;

	opterr = 0;
	optind = 0;	/* argv[0] is the subcommand's word */
	while (!*end && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'a')
			f->all = true;
		else if (c == 'n')
			f->count = strtoul(optarg, &end, 10);
		else if (c == 't')
			f->deadline_ns = now_ns(CLOCK_MONOTONIC) +
					 strtoul(optarg, &end, 10) * NSEC;
		else
			return false;
	}
	f->bdf = argv[optind];
	return !*end && argc - optind <= 1;
}

static int events_run(int argc, char **argv)
{
	struct follow f = { };
	struct tracefs t;
	struct view v;
	int ret, pipe;

	if (!parse_options(&f, argc, argv))
		return complain_usage("events", "wrong arguments");
	ret = f.bdf ? need_function("events", f.bdf, true, &v) : EXIT_OK;
	if (ret)
		return ret;
	stop_on_signals();
	ret = tracefs_open(&t, 256);
	if (ret)
		return complain("events", "tracefs", ret, tracefs_advice(ret));
	f.offset_ns = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
	/* 0: wake at the first event; an older kernel wakes by our timeout */
	tracefs_write(&t, "buffer_percent", "0");
	pipe = tracefs_file(&t, "trace_pipe", O_RDONLY | O_NONBLOCK);
	ret = pipe < 0 ? pipe : enable(&t, f.all);
	if (!ret) {
		fputs("tdi: following, end with Ctrl-C\n", stderr);
		ret = follow(&f, pipe);
	}
	if (pipe >= 0)
		close(pipe);
	tracefs_close(&t);
	if (ret)
		return complain("events", "trace", ret, tracefs_advice(ret));
	return f.count && f.seen < f.count ? EXIT_FAILED : EXIT_OK;
}

const struct tdi_command cmd_events = {
	.name = "events", .args = "[--all] [--count N] [--timeout S] [BDF]",
	.json = true, .max_args = -1, .run = events_run,
	.brief = "follow state changes of TDIs, with times",
	.help = "Prints each change of state and each event that VMMs are told of, of all functions or of\n"
		"BDF, until Ctrl-C. It sees what happens after it says \"following\" on standard error.\n"
		"  --all        decisions of the gate, guest requests, and the steps of bind and unbind too\n"
		"  --count N    end after N of them; fewer at the end (--timeout) is exit code 1\n"
		"  --timeout S  end after S seconds\n"
		"With --json every event is a line of its own.\n",
};
