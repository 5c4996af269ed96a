// SPDX-License-Identifier: GPL-2.0-only
/* tdi: TEE device interfaces from the command line */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/teemu.h>

#include <tdi/sysfs.h>

#include "audit.h"
#include "firmware.h"

#define MAX_FUNCTIONS	256

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

static int complain(const char *what, const char *which, int ret)
{
	fprintf(stderr, "tdi: %s %s: %s\n", what, which, strerror(-ret));
	return EXIT_FAILED;
}

static const char *or_dash(const char *s)
{
	return s[0] ? s : "-";
}

static void print_function(const struct tdi_function *fn)
{
	printf("%-16s %04x:%04x  %-4s  link %-6s  driver %-12s  vfio %s\n",
	       fn->bdf, fn->vendor, fn->device, fn->dsm ? "dsm" : "fn",
	       or_dash(fn->tsm), or_dash(fn->driver), or_dash(fn->cdev));
}

/* functions of the emulated device and every other DSM host */
static int cmd_list(char **argv)
{
	static struct tdi_function fns[MAX_FUNCTIONS];
	char tsm[TDI_NAME_MAX], parent[TDI_NAME_MAX];
	unsigned int t;
	int n, i;

	(void)argv;
	for (t = 0; !tdi_tsm_get(t, tsm, parent); t++)
		printf("%-16s of %s\n", tsm, or_dash(parent));
	n = tdi_function_list(0xffff, 0xffff, fns, MAX_FUNCTIONS);
	if (n < 0)
		return complain("list", "functions", n);
	for (i = 0; i < n && i < MAX_FUNCTIONS; i++)
		if (fns[i].dsm || (fns[i].vendor == TEEMU_VENDOR_ID &&
				   fns[i].device == TEEMU_DEVICE_ID))
			print_function(&fns[i]);
	return EXIT_OK;
}

static int cmd_show(char **argv)
{
	static const char *const attrs[] = {
		"tsm/bound", "driver_override", "enable", "power_state",
	};
	struct tdi_function fn;
	char text[256];
	size_t i;
	int ret;

	ret = tdi_function_read(argv[0], &fn);
	if (ret)
		return complain("show", argv[0], ret);
	print_function(&fn);
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (!tdi_attr_read(fn.bdf, attrs[i], text, sizeof(text)))
			printf("  %-16s %s\n", attrs[i], or_dash(text));
	return EXIT_OK;
}

static int cmd_connect(char **argv)
{
	int ret = tdi_link_connect(argv[0], argv[1]);

	return ret ? complain("connect", argv[0], ret) : EXIT_OK;
}

static int cmd_disconnect(char **argv)
{
	int ret = tdi_link_disconnect(argv[0]);

	return ret ? complain("disconnect", argv[0], ret) : EXIT_OK;
}

static int cmd_vfio(char **argv)
{
	int ret = tdi_driver_bind(argv[0], "vfio-pci");

	return ret ? complain("vfio", argv[0], ret) : EXIT_OK;
}

static int cmd_release(char **argv)
{
	int ret = tdi_driver_unbind(argv[0]);

	return ret ? complain("release", argv[0], ret) : EXIT_OK;
}

static int audit_vendor(const char *vendor)
{
	struct audit a;
	char why[768];
	int ret;

	ret = audit_read(vendor, &a);
	if (ret)
		return complain("audit", vendor, ret);
	audit_explain(&a, why, sizeof(why));
	printf("%s: %s, referee: %llu calls, %llu refused, %llu violations, link %s%s%s\n",
	       vendor, why[0] ? "NOT CLEAN" : "clean",
	       (unsigned long long)a.calls, (unsigned long long)a.refused,
	       (unsigned long long)a.violations,
	       a.connected ? "connected" : "down", why[0] ? "; " : "", why);
	return why[0] ? EXIT_FAILED : EXIT_OK;
}

static int cmd_audit(char **argv)
{
	int result = EXIT_OK, seen = 0;
	struct dirent *e;
	DIR *dir;

	(void)argv;
	dir = opendir("/sys/kernel/debug/teemu");
	if (!dir)
		return complain("audit", "/sys/kernel/debug/teemu", -errno);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		seen++;
		if (audit_vendor(e->d_name))
			result = EXIT_FAILED;
	}
	closedir(dir);
	return seen ? result : complain("audit", "platforms", -ENOENT);
}

static int cmd_firmware(char **argv)
{
	const char *vendor = "";
	int ret;

	(void)argv;
	ret = firmware_print(stdout, &vendor);
	return ret ? complain("firmware", vendor, ret) : EXIT_OK;
}

static const struct {
	const char *name;
	const char *args;
	int nr_args;
	int (*run)(char **argv);
	const char *help;
} commands[] = {
	{ "list", "", 0, cmd_list, "TSMs, DSM hosts and emulated functions" },
	{ "show", "BDF", 1, cmd_show, "one function" },
	{ "connect", "BDF TSM", 2, cmd_connect,
	  "set up the link of a DSM host (function 0)" },
	{ "disconnect", "BDF", 1, cmd_disconnect,
	  "take it down; bound TDIs are unbound first" },
	{ "vfio", "BDF", 1, cmd_vfio, "give a function to vfio-pci" },
	{ "release", "BDF", 1, cmd_release, "take it from its driver again" },
	{ "audit", "", 0, cmd_audit,
	  "referee, firmware tables, TDI states, VMs: must be clean when nothing is bound" },
	{ "firmware", "", 0, cmd_firmware,
	  "docs/firmware.md: what the firmware models cover, from their own tables" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: tdi COMMAND [ARGUMENTS]\n\n", out);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s %-8s  %s\n", commands[i].name,
			commands[i].args, commands[i].help);
	fputs("\nBDF is DDDD:BB:DD.F. Exit code: 0 done (audit: clean), 1 failed"
	      " (audit: not clean), 2 usage.\n", out);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return EXIT_OK;
	}
	for (i = 0; argc >= 2 && i < NR_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name) &&
		    argc - 2 == commands[i].nr_args)
			return commands[i].run(argv + 2);
	usage(stderr);
	return EXIT_USAGE;
}
