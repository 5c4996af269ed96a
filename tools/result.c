// SPDX-License-Identifier: GPL-2.0-only
/* result.json: for machines, and for scripts/judge in particular */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "story.h"

static const char *verdict(bool ok)
{
	return ok ? "ok" : "failed";
}

static void write_steps(FILE *out, const struct story *s)
{
	int i;

	fprintf(out, "\"steps\": [");
	for (i = 0; i < s->nr_steps; i++)
		fprintf(out, "%s{\"name\": \"%s\", \"ok\": %s, \"ms\": %" PRIu64 "}",
			i ? ", " : "", s->steps[i].name,
			s->steps[i].ok ? "true" : "false", s->steps[i].ms);
	fprintf(out, "], ");
}

static void write_calls(FILE *out, const struct story *s)
{
	if (!s->calls_known) {
		fprintf(out, "\"firmware_calls\": null");
		return;
	}
	fprintf(out, "\"firmware_calls\": {\"bind\": %" PRIu64
		", \"unbind\": %" PRIu64 ", \"minimum_bind\": %" PRIu64
		", \"minimum_unbind\": %" PRIu64 ", \"leaves\": %" PRIu64 "}",
		s->calls.bind, s->calls.unbind, s->minimum.bind,
		s->minimum.unbind, s->minimum.leaves);
}

static void write_vendor(FILE *out, const struct story *s)
{
	fprintf(out, "\"%s\": {\"verdict\": \"%s\", ", s->vendor->name,
		verdict(s->ok));
	write_steps(out, s);
	fprintf(out, "\"referee\": {\"calls\": %" PRIu64 ", \"refused\": %" PRIu64
		", \"violations\": %" PRIu64 "}, ", s->referee.calls,
		s->referee.refused, s->referee.violations);
	if (s->exits_known)
		fprintf(out, "\"exits_during_mmio\": %" PRIu64 ", ", s->exits);
	else
		fprintf(out, "\"exits_during_mmio\": null, ");
	write_calls(out, s);
	fprintf(out, "}");
}

int result_write(const struct options *opt, const struct story *stories, int nr)
{
	struct utsname uts;
	char path[512];
	bool ok = true;
	FILE *out;
	int i;

	snprintf(path, sizeof(path), "%s/result.json", opt->out);
	out = fopen(path, "we");
	if (!out)
		return -errno;
	uname(&uts);
	for (i = 0; i < nr; i++)
		ok &= stories[i].ok;
	fprintf(out, "{\"verdict\": \"%s\", \"kernel\": \"%s\", \"vendors\": {",
		verdict(ok), uts.release);
	for (i = 0; i < nr; i++) {
		fprintf(out, "%s\n ", i ? "," : "");
		write_vendor(out, &stories[i]);
	}
	fprintf(out, "\n}}\n");
	return fclose(out) ? -errno : 0;
}
