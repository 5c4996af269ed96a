// SPDX-License-Identifier: GPL-2.0-only
/* tdi audit: what must be empty, unlocked and zero when no TDI is bound */
#include <dirent.h>
#include <errno.h>

#include "audit.h"
#include "tdi.h"
#include "vendors.h"

static void json_audit(const char *vendor, const struct audit *a,
		       const char *why)
{
	json_open(NULL, '{');
	json_text("platform", vendor);
	json_bool("clean", !why[0]);
	json_number("calls", a->calls);
	json_number("refused", a->refused);
	json_number("violations", a->violations);
	json_bool("link", a->connected);
	json_text("why", why);
	json_close('}');
}

static int audit_vendor(const char *vendor)
{
	struct audit a;
	char why[768];
	int ret;

	ret = audit_read(vendor, &a);
	if (ret)
		return complain("audit", vendor, ret, NULL);
	audit_explain(&a, why, sizeof(why));
	if (tdi_json)
		json_audit(vendor, &a, why);
	else
		printf("%s: %s, referee: %llu calls, %llu refused, %llu violations, link %s%s%s\n",
		       vendor, why[0] ? "NOT CLEAN" : "clean",
		       (unsigned long long)a.calls,
		       (unsigned long long)a.refused,
		       (unsigned long long)a.violations,
		       a.connected ? "connected" : "down", why[0] ? "; " : "",
		       why);
	return why[0] ? EXIT_FAILED : EXIT_OK;
}

static int audit_run(int argc, char **argv)
{
	int result = EXIT_OK, seen = 0;
	struct dirent *e;
	DIR *dir;

	(void)argc;
	(void)argv;
	dir = opendir(VENDOR_DIR);
	if (!dir)
		return complain("audit", VENDOR_DIR, -errno, errno == ENOENT ?
				"this is for the emulated platform, with debugfs mounted" : NULL);
	if (tdi_json)
		json_open(NULL, '[');
	while ((e = readdir(dir))) {
		/* beside the platforms' folders there are switches */
		if (e->d_name[0] == '.' || !vendor_find(e->d_name))
			continue;
		seen++;
		if (audit_vendor(e->d_name))
			result = EXIT_FAILED;
	}
	closedir(dir);
	if (tdi_json) {
		json_close(']');
		json_end();
	}
	return seen ? result : complain("audit", "platforms", -ENODEV, NULL);
}

const struct tdi_command cmd_audit = {
	.name = "audit", .args = "", .json = true, .run = audit_run,
	.brief = "the emulated firmware's tables and referee: clean when nothing is bound",
	.help = "Of each emulated platform: the referee's count of broken rules, firmware's tables, the\n"
		"devices' TDI states, VMs and dma-bufs that exist. Exit code 1 if something is not clean.\n",
};
