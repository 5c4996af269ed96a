// SPDX-License-Identifier: GPL-2.0-only
/* tdi: TEE device interfaces from the command line */
#include <string.h>

#include "tdi.h"

static const struct tdi_command *const commands[] = {
	&cmd_list, &cmd_show, &cmd_connect, &cmd_disconnect, &cmd_retry,
	&cmd_vfio, &cmd_release, &cmd_events, &cmd_trace, &cmd_report,
	&cmd_audit, &cmd_firmware,
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: tdi COMMAND [--json] [ARGUMENTS]\n"
	      "       tdi COMMAND --help\n\n", out);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-11s %s\n", commands[i]->name,
			commands[i]->brief);
	fputs("\nA BDF is DDDD:BB:DD.F, as tdi list shows it. Exit codes: 0 done (audit: clean),\n"
	      "1 failed (audit: not clean), 2 wrong arguments, 3 no such device or platform.\n", out);
}

static void help(const struct tdi_command *c)
{
	printf("usage: tdi %s%s%s%s\n%s\n\n%s", c->name,
	       c->json ? " [--json]" : "", c->args[0] ? " " : "", c->args,
	       c->brief, c->help);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static const struct tdi_command *find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* take --json out of @argv, for who knows it: answers the new argc */
static int take_json(const struct tdi_command *c, int argc, char **argv)
{
	int i, n = 0;

	for (i = 0; i < argc; i++) {
		if (c->json && !strcmp(argv[i], "--json"))
			tdi_json = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	return n;
}

/* @argv[0] is the subcommand's word */
static int run(const struct tdi_command *c, int argc, char **argv)
{
	int i;

	if (argc > 1 && is_help(argv[1])) {
		help(c);
		return EXIT_OK;
	}
	argc = take_json(c, argc, argv);
	if (c->max_args < 0)
		return c->run(argc, argv);
	for (i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			return complain_usage(c->name, "%s: no such option%s",
					      argv[i], strcmp(argv[i], "--json") ?
					      "" : ", it prints no data");
	argc--;
	if (argc < c->min_args || argc > c->max_args)
		return complain_usage(c->name, "%s takes %s", c->name,
				      c->args[0] ? c->args : "no arguments");
	return c->run(argc, argv + 1);
}

int main(int argc, char **argv)
{
	const struct tdi_command *c;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1])) {
		usage(stdout);
		return EXIT_OK;
	}
	c = find(argv[1]);
	if (!c)
		return complain_usage(NULL, "%s: no such command", argv[1]);
	return run(c, argc - 1, argv + 1);
}
