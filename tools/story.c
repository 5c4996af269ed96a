// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "story.h"

uint64_t story_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void usage(FILE *out)
{
	fputs("usage: tdi-story [options]\n"
	      "Connect, bind, use, unbind, lose and bind again one confidential device of\n"
	      "each vendor, one vendor after the other.\n"
	      "\n"
	      "  --vendor NAME   tdx, sev, cca or all; may be given several times (all)\n"
	      "  --function N    function of the device to give away, 0 or 1 (1)\n"
	      "  --out DIR       where result.json, trace-NAME.txt and .dat go (/out)\n"
	      "  --tvmm FILE     /bin/tvmm\n"
	      "  --payload FILE  /share/payload.bin\n"
	      "  --linux         Linux is the guest: /share/bzImage and /share/guest.initrd\n"
	      "  --timeout S     for one step of tvmm (60)\n"
	      "  --help\n"
	      "\n"
	      "exit code: 0 every step held, 1 one did not, 2 usage\n", out);
}

/* one that was named before is not told twice */
static bool add_vendor(struct options *opt, const struct vendor *v)
{
	int i;

	for (i = 0; opt->vendor[i]; i++)
		if (opt->vendor[i] == v)
			return true;
	opt->vendor[i] = v;
	return v;
}

static bool add_vendors(struct options *opt, const char *name)
{
	int i;

	if (strcmp(name, "all"))
		return add_vendor(opt, vendor_find(name));
	for (i = 0; i < NR_VENDORS; i++)
		add_vendor(opt, &vendors[i]);
	return true;
}

static bool set_option(struct options *opt, int c)
{
	switch (c) {
	case 'f':
		if (strcmp(optarg, "0") && strcmp(optarg, "1"))
			return false;
		opt->fn = optarg[0] - '0';
		return true;
	case 'v':
		return add_vendors(opt, optarg);
	case 'o':
		opt->out = optarg;
		return true;
	case 't':
		opt->tvmm = optarg;
		return true;
	case 'p':
		opt->payload = optarg;
		return true;
	case 'l':
		opt->kernel = "/share/bzImage";
		opt->initrd = "/share/guest.initrd";
		return true;
	case 's':
		opt->timeout = atoi(optarg);
		return opt->timeout && opt->timeout <= 3600;
	default:
		return false;
	}
}

/* 0, 1: help was asked for, -EINVAL */
static int parse(struct options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "function", required_argument, NULL, 'f' },
		{ "vendor", required_argument, NULL, 'v' },
		{ "out", required_argument, NULL, 'o' },
		{ "tvmm", required_argument, NULL, 't' },
		{ "payload", required_argument, NULL, 'p' },
		{ "linux", no_argument, NULL, 'l' },
		{ "timeout", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			return 1;
		if (!set_option(opt, c))
			return -EINVAL;
	}
	if (!opt->vendor[0])
		add_vendors(opt, "all");
	return optind == argc ? 0 : -EINVAL;
}

static bool run_step(struct story *s, int i)
{
	struct step_result *r = &s->steps[s->nr_steps++];
	uint64_t start = story_ms(), now;
	struct audit a;

	r->name = story_steps[i].name;
	s->text[0] = s->expected[0] = s->seen[0] = s->look[0] = 0;
	trace_step(i + 1, r->name, "begins");
	r->ok = story_steps[i].run(s);
	now = story_ms();
	trace_step(i + 1, r->name, r->ok ? "ok" : "FAILED");
	r->ms = now - start;
	printf("story %s %7.3f s  %d %-8s %-6s %5llu ms  ", s->vendor->name,
	       (now - s->start_ms) / 1e3, i + 1, r->name, r->ok ? "ok" : "FAILED",
	       (unsigned long long)r->ms);
	printf("%s", r->ok ? s->text : "");
	if (!audit_read(s->vendor->name, &a))
		printf("%sreferee: %llu calls, %llu refused, %llu violations",
		       r->ok ? "; " : "", (unsigned long long)a.calls,
		       (unsigned long long)a.refused,
		       (unsigned long long)a.violations);
	printf("\n");
	if (!r->ok)
		printf("  expected: %s\n  seen:     %s\n  look at:  %s\n",
		       s->expected, s->seen, s->look);
	return r->ok;
}

static void tell(struct story *s, const struct options *opt,
		 const struct vendor *vendor)
{
	char path[512];
	int i, ret;

	*s = (struct story) {
		.opt = opt,
		.vendor = vendor,
		.proc.fd = -1,
		.start_ms = story_ms(),
		.ok = true,
	};
	trace_start();
	for (i = 0; s->ok && i < story_nr_steps; i++)
		s->ok = run_step(s, i);
	if (s->proc.pid)
		process_end(&s->proc, SIGKILL, 10000);
	trace_stop();
	snprintf(path, sizeof(path), "%s/trace-%s", opt->out, vendor->name);
	ret = trace_save(path);
	if (ret)
		printf("story: no trace %s: %s\n", path, strerror(-ret));
	if (audit_read(vendor->name, &s->referee) || s->referee.violations)
		s->ok = false;
}

int main(int argc, char **argv)
{
	static struct story stories[NR_VENDORS];
	struct options opt = {
		.out = "/out",
		.tvmm = "/bin/tvmm",
		.payload = "/share/payload.bin",
		.fn = 1,
		.timeout = 60,
		.bar2_pages = 576,	/* a leaf of 2 MiB, and 64 of 4 KiB */
	};
	bool ok = true;
	int nr, i, ret;

	ret = parse(&opt, argc, argv);
	if (ret) {
		usage(ret < 0 ? stderr : stdout);
		return ret < 0 ? 2 : 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir(opt.out, 0755);
	for (nr = 0; opt.vendor[nr]; nr++)
		tell(&stories[nr], &opt, opt.vendor[nr]);
	ret = result_write(&opt, stories, nr);
	if (ret) {
		printf("story: no result.json in %s: %s\n", opt.out,
		       strerror(-ret));
		ok = false;
	}
	for (i = 0; i < nr; i++) {
		struct story *s = &stories[i];

		ok &= s->ok;
		printf("STORY %s: %s%s\n", s->vendor->name,
		       s->ok ? "ok" : "FAILED at ",
		       s->ok ? "" : s->steps[s->nr_steps - 1].name);
	}
	return ok ? 0 : 1;
}
