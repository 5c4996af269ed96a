// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
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
	      "Connect, bind, use, unbind, lose and bind again one confidential device.\n"
	      "\n"
	      "  --function N    function of the device to give away, 0 or 1 (1)\n"
	      "  --vendor NAME   platform below /sys/kernel/debug/teemu (tdx)\n"
	      "  --out DIR       where result.json and trace.txt go (/out)\n"
	      "  --tvmm FILE     /bin/tvmm\n"
	      "  --payload FILE  /share/payload.bin\n"
	      "  --timeout S     for one step of tvmm (60)\n"
	      "  --help\n"
	      "\n"
	      "exit code: 0 every step held, 1 one did not, 2 usage\n", out);
}

static bool parse(struct story *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "function", required_argument, NULL, 'f' },
		{ "vendor", required_argument, NULL, 'v' },
		{ "out", required_argument, NULL, 'o' },
		{ "tvmm", required_argument, NULL, 't' },
		{ "payload", required_argument, NULL, 'p' },
		{ "timeout", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			if (strcmp(optarg, "0") && strcmp(optarg, "1"))
				return false;
			s->fn = optarg[0] - '0';
			break;
		case 'v':
			if (!optarg[0] || strchr(optarg, '/') ||
			    strlen(optarg) > 16)
				return false;
			s->vendor = optarg;
			break;
		case 'o':
			s->out = optarg;
			break;
		case 't':
			s->tvmm = optarg;
			break;
		case 'p':
			s->payload = optarg;
			break;
		case 's':
			s->timeout = atoi(optarg);
			if (!s->timeout || s->timeout > 3600)
				return false;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			return false;
		}
	}
	return optind == argc;
}

static bool run_step(struct story *s, int i)
{
	struct step_result *r = &s->steps[s->nr_steps++];
	uint64_t start = story_ms(), now;
	struct audit a;

	r->name = story_steps[i].name;
	s->text[0] = s->expected[0] = s->seen[0] = s->look[0] = 0;
	r->ok = story_steps[i].run(s);
	now = story_ms();
	r->ms = now - start;
	printf("story %7.3f s  %d %-8s %-6s %5llu ms  ", (now - s->start_ms) / 1e3,
	       i + 1, r->name, r->ok ? "ok" : "FAILED",
	       (unsigned long long)r->ms);
	printf("%s", r->ok ? s->text : "");
	if (!audit_read(s->vendor, &a))
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

static int write_result(struct story *s, bool ok)
{
	struct audit a = { 0 };
	struct utsname uts;
	char path[512];
	FILE *out;
	int i;

	snprintf(path, sizeof(path), "%s/result.json", s->out);
	out = fopen(path, "we");
	if (!out)
		return -errno;
	uname(&uts);
	audit_read(s->vendor, &a);
	fprintf(out, "{\"verdict\": \"%s\", \"kernel\": \"%s\", \"steps\": [",
		ok ? "ok" : "failed", uts.release);
	for (i = 0; i < s->nr_steps; i++)
		fprintf(out, "%s{\"name\": \"%s\", \"ok\": %s, \"ms\": %llu}",
			i ? ", " : "", s->steps[i].name,
			s->steps[i].ok ? "true" : "false",
			(unsigned long long)s->steps[i].ms);
	fprintf(out, "], \"referee\": {\"calls\": %llu, \"refused\": %llu, \"violations\": %llu}, ",
		(unsigned long long)a.calls, (unsigned long long)a.refused,
		(unsigned long long)a.violations);
	if (s->exits_known)
		fprintf(out, "\"exits_during_mmio\": %llu}\n",
			(unsigned long long)s->exits);
	else
		fprintf(out, "\"exits_during_mmio\": null}\n");
	return fclose(out) ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct story s = {
		.vendor = "tdx",
		.out = "/out",
		.tvmm = "/bin/tvmm",
		.payload = "/share/payload.bin",
		.fn = 1,
		.timeout = 60,
		.proc.fd = -1,
	};
	char path[512];
	bool ok = true;
	int i, ret;

	if (!parse(&s, argc, argv)) {
		usage(stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir(s.out, 0755);
	trace_start();
	s.start_ms = story_ms();
	for (i = 0; ok && i < story_nr_steps; i++)
		ok = run_step(&s, i);
	if (s.proc.pid)
		process_end(&s.proc, SIGKILL, 10000);
	snprintf(path, sizeof(path), "%s/trace.txt", s.out);
	ret = trace_save(path);
	if (ret)
		printf("story: no %s: %s\n", path, strerror(-ret));
	ret = write_result(&s, ok);
	if (ret) {
		printf("story: no result.json in %s: %s\n", s.out,
		       strerror(-ret));
		ok = false;
	}
	if (ok)
		printf("STORY: ok\n");
	else
		printf("STORY: FAILED at %s\n", s.steps[s.nr_steps - 1].name);
	return ok ? 0 : 1;
}
