// SPDX-License-Identifier: GPL-2.0-only
/*
 * docs/firmware.md from the models' own tables: VENDOR_DIR/<vendor>/calls has a line
 * of fields separated by tabs for each call, each status and each thing left out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firmware.h"
#include "vendors.h"

#define MAX_FIELDS	8

enum section { CALLS, STATUS, LEFT_OUT, NR_SECTIONS };

static const struct {
	const char *word;
	int fields;
	const char *head;
} sections[NR_SECTIONS] = {
	[CALLS] = { "call", 8,
		"| number | call | made by | about | known from | left out or inferred |\n"
		"|---|---|---|---|---|---|\n" },
	[STATUS] = { "status", 4,
		"Status codes:\n\n"
		"| code | name | |\n|---|---|---|\n" },
	[LEFT_OUT] = { "left_out", 2, "Left out:\n\n" },
};

/* text of a table's cell or of a list */
static void print_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<*_", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void print_call(FILE *out, char **f)
{
	/* f[6] is how often it was made: not of the model */
	fprintf(out, "| %s | `%s` | %s | %s | %s | ", f[1], f[2], f[3], f[4],
		f[5]);
	print_text(out, f[7]);
	fprintf(out, " |\n");
}

static void print_status(FILE *out, char **f)
{
	fprintf(out, "| %s | `%s` | %s |\n", f[1], f[2],
		strcmp(f[3], "normal") ? "" : "a correct host meets it too");
}

static void print_left_out(FILE *out, char **f)
{
	fprintf(out, "- ");
	print_text(out, f[1]);
	fprintf(out, "\n");
}

/* fields of @line, which becomes theirs; empty ones count */
static int split(char *line, char **field)
{
	int n = 0;

	line[strcspn(line, "\n")] = 0;
	while (line && n < MAX_FIELDS)
		field[n++] = strsep(&line, "\t");
	return line ? -1 : n;
}

static int print_section(FILE *out, const char *path, enum section which)
{
	static void (*const print[NR_SECTIONS])(FILE *out, char **f) = {
		[CALLS] = print_call,
		[STATUS] = print_status,
		[LEFT_OUT] = print_left_out,
	};
	char line[4096], *f[MAX_FIELDS];
	int n, seen = 0;
	FILE *in;

	in = fopen(path, "re");
	if (!in)
		return -errno;
	while (fgets(line, sizeof(line), in)) {
		n = split(line, f);
		if (n < 1 || strcmp(f[0], sections[which].word))
			continue;
		if (n != sections[which].fields) {
			fclose(in);
			return -EBADMSG;
		}
		if (!seen++)
			fprintf(out, "\n%s", sections[which].head);
		print[which](out, f);
	}
	fclose(in);
	return seen || which == LEFT_OUT ? 0 : -ENODATA;
}

static int print_vendor(FILE *out, const struct vendor *v)
{
	enum section which;
	char path[128];
	int ret = 0;

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/calls", v->name);
	fprintf(out, "\n## %s (`%s`)\n", v->title, v->name);
	for (which = 0; !ret && which < NR_SECTIONS; which++)
		ret = print_section(out, path, which);
	return ret;
}

int firmware_print(FILE *out, const char **failed)
{
	int i, ret;

	fputs("<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
	      "<!-- made by `tdi firmware` in the booted host; `make check` leaves it in out/check/firmware.md -->\n"
	      "# The firmware models, call by call\n"
	      "\n"
	      "What each model of `linux/drivers/virt/coco/*-fw` covers, from the tables that it judges by. A refusal\n"
	      "that a correct host never meets is a violation, unless the device, the guest or a fault switch is to blame.\n"
	      "\n"
	      "*Made by*: host, guest, or a service TVM. *About*: link (device, session, IDE stream), tvm (life of a TD,\n"
	      "guest or realm), mem (its private memory), tdi, mmio, dma. *Known from*, the weakest of what the call does:\n"
	      "C vendor's or Linux's code was seen, P patches or mails, S the specification's text, M inferred.\n", out);
	for (i = 0; i < NR_VENDORS; i++) {
		ret = print_vendor(out, &vendors[i]);
		if (ret) {
			*failed = vendors[i].name;
			return ret;
		}
	}
	return 0;
}
