// SPDX-License-Identifier: GPL-2.0-only
/* tdi list: TSMs, and the functions that can be TDIs */
#include <errno.h>
#include <string.h>

#include "tdi.h"

#define MAX_FUNCTIONS	256

static const char *or_dash(const char *s)
{
	return s[0] ? s : "-";
}

static void text_function(const struct view *v)
{
	printf("%-14s%04x:%04x  %-6s%-8s%-10s", v->fn.bdf, v->fn.vendor,
	       v->fn.device, v->fn.dsm ? "dsm" : "fn", or_dash(v->link),
	       or_dash(v->fn.driver));
	print_cell(view_colour(v), 13, or_dash(v->state));
	printf("%s\n", v->reason[0] ? v->reason : or_dash(v->users));
}

static void json_function(const struct view *v)
{
	char id[8];

	json_open(NULL, '{');
	json_text("device", v->fn.bdf);
	snprintf(id, sizeof(id), "%04x", v->fn.vendor);
	json_text("pci_vendor", id);
	snprintf(id, sizeof(id), "%04x", v->fn.device);
	json_text("pci_device", id);
	json_bool("dsm", v->fn.dsm);
	json_text("link", v->link);
	json_text("driver", v->fn.driver);
	json_text("vfio", v->fn.cdev);
	json_text("state", v->state);
	json_text("quarantine", v->reason);
	json_text("users", v->users);
	json_close('}');
}

static void list_tsms(void)
{
	char tsm[TDI_NAME_MAX], parent[TDI_NAME_MAX];
	unsigned int t;

	if (tdi_json)
		json_open("tsms", '[');
	for (t = 0; !tdi_tsm_get(t, tsm, parent); t++) {
		if (!tdi_json) {
			printf("%-14sof %s\n", tsm, or_dash(parent));
			continue;
		}
		json_open(NULL, '{');
		json_text("name", tsm);
		json_text("parent", parent);
		json_close('}');
	}
	if (tdi_json)
		json_close(']');
	else
		printf("%sDEVICE        ID         KIND  LINK    DRIVER    STATE        USED BY, OR WHY IN QUARANTINE\n",
		       t ? "\n" : "");
}

static int list_run(int argc, char **argv)
{
	static struct tdi_function fns[MAX_FUNCTIONS];
	struct view v;
	int n, i, seen = 0;

	(void)argc;
	(void)argv;
	n = tdi_function_list(0xffff, 0xffff, fns, MAX_FUNCTIONS);
	if (n < 0)
		return complain("list", "/sys/bus/pci/devices", n,
				"is sysfs mounted, and does this machine have PCI?");
	if (tdi_json)
		json_open(NULL, '{');
	list_tsms();
	if (tdi_json)
		json_open("functions", '[');
	for (i = 0; i < n && i < MAX_FUNCTIONS; i++) {
		/* unplugged since, or of no interest */
		if (view_linux(fns[i].bdf, &v) || !(v.can_be_tdi || v.fn.dsm))
			continue;
		seen++;
		if (tdi_json)
			json_function(&v);
		else
			text_function(&v);
	}
	if (tdi_json) {
		json_close(']');
		json_close('}');
		json_end();
	}
	if (seen)
		return EXIT_OK;
	return complain("list", "functions", -ENODEV,
			"no function here says that it supports TEE-I/O, or this kernel has no CONFIG_PCI_TSM");
}

const struct tdi_command cmd_list = {
	.name = "list", .args = "", .json = true, .run = list_run,
	.brief = "TSMs, and the functions that can be TDIs",
	.help = "Prints the host's TSMs, then a line for each function that can be a TDI or host a\n"
		"link: kind (dsm: its tsm/connect takes a link), the TSM that its device is connected\n"
		"to, driver, state (unbound, binding, bound, unbinding, quarantined), and who uses it:\n"
		"the processes that have it open through VFIO, which are the VMMs. Of one in quarantine,\n"
		"why it is there. Without root, processes of others are not seen.\n",
};
