// SPDX-License-Identifier: GPL-2.0-only
/* tdi show: one function as firmware, its device (the DSM) and Linux see it */
#include <string.h>

#include "tdi.h"

#define HIDDEN	"not visible on this host"

static const char *or_dash(const char *s)
{
	return s[0] ? s : "-";
}

static void print_row(const char *about, const char *fw, const char *dsm,
		      const char *host, bool agrees)
{
	printf("  %-8s", about);
	print_cell(strcmp(fw, HIDDEN) ? PLAIN : DIM, 26, fw);
	print_cell(strcmp(dsm, HIDDEN) ? PLAIN : DIM, 26, dsm);
	print_cell(PLAIN, agrees ? 0 : 26, host);
	if (!agrees)
		print_cell(BAD, 0, "<- differs");
	printf("\n");
}

/* "2 links", or that it is not visible */
static const char *count_text(char buf[32], bool known, uint64_t n,
			      const char *what)
{
	if (!known)
		return HIDDEN;
	snprintf(buf, 32, "%llu %s%s", (unsigned long long)n, what,
		 n == 1 ? "" : "s");
	return buf;
}

static void text_view(const struct view *v)
{
	char fw[32], host[64];

	printf("%s  %04x:%04x  %s\n", v->fn.bdf, v->fn.vendor, v->fn.device,
	       v->vendor[0] ? "on the emulated platform" : "");
	printf("  driver %s, vfio %s, DSM %s, TSM %s%s%s, used by %s\n\n",
	       or_dash(v->fn.driver), or_dash(v->fn.cdev), or_dash(v->dsm_host),
	       or_dash(v->link), v->parent[0] ? " of " : "", v->parent,
	       or_dash(v->users));
	printf("  %-8s%-26s%-26s%s\n", "", "FIRMWARE", "DEVICE (DSM)", "LINUX");
	print_row("link", count_text(fw, v->fw, v->fw_links, "link"), "-",
		  v->link[0] ? v->link : "not connected", view_link_agrees(v));
	print_row("TDI", "-", v->dsm[0] ? v->dsm : HIDDEN, or_dash(v->state),
		  view_tdi_agrees(v));
	snprintf(host, sizeof(host), "%u not unbound", v->host_tdis);
	print_row("TDIs", count_text(fw, v->fw, v->fw_tdis, "interface"), "-",
		  v->fw ? host : "-", view_firmware_agrees(v));
	print_row("TVMs", count_text(fw, v->fw, v->fw_tvms, "TVM"), "-", "-",
		  true);
	print_row("rules", count_text(fw, v->fw, v->fw_violations, "violation"),
		  "-", "-", !v->fw_violations);
	if (v->reason[0])
		printf("\n  quarantined: %s\n  way out: tdi retry %s, once firmware and device answer again; else a cold reset\n",
		       v->reason, v->fn.bdf);
	else if (!strcmp(v->state, "bound") && !strcmp(v->dsm, "ERROR"))
		printf("\n  the TDI has fallen to ERROR: its VM is shut out, and so is the host; the VMM has to unbind it\n");
}

static void json_view(const struct view *v)
{
	json_open(NULL, '{');
	json_text("device", v->fn.bdf);
	json_text("platform", v->vendor);
	json_open("linux", '{');
	json_text("state", v->state);
	json_text("quarantine", v->reason);
	json_text("link", v->link);
	json_text("tsm_parent", v->parent);
	json_text("dsm", v->dsm_host);
	json_text("bound", v->bound);
	json_text("driver", v->fn.driver);
	json_text("vfio", v->fn.cdev);
	json_text("users", v->users);
	json_close('}');
	if (v->dsm[0]) {
		json_open("device_view", '{');
		json_text("state", v->dsm);
		json_close('}');
	} else {
		json_null("device_view");
	}
	if (v->fw) {
		json_open("firmware", '{');
		json_number("links", v->fw_links);
		json_number("tdis", v->fw_tdis);
		json_number("tvms", v->fw_tvms);
		json_number("violations", v->fw_violations);
		json_number("linux_tdis", v->host_tdis);
		json_close('}');
	} else {
		json_null("firmware");
	}
	json_open("agree", '{');
	json_bool("link", view_link_agrees(v));
	json_bool("tdi", view_tdi_agrees(v));
	json_bool("firmware", view_firmware_agrees(v));
	json_close('}');
	json_close('}');
	json_end();
}

static int show_run(int argc, char **argv)
{
	struct view v;
	int ret;

	(void)argc;
	ret = need_function("show", argv[0], true, &v);
	if (ret)
		return ret;
	view_others(&v);
	if (tdi_json)
		json_view(&v);
	else
		text_view(&v);
	return EXIT_OK;
}

const struct tdi_command cmd_show = {
	.name = "show", .args = "BDF", .json = true, .min_args = 1, .max_args = 1,
	.run = show_run,
	.brief = "one function as firmware, device and Linux see it",
	.help = "Puts the three sides next to each other and marks where they differ:\n"
		"  link   firmware's links, and the TSM that Linux has connected\n"
		"  TDI    the device's TDISP state, and Linux's: bound goes with CONFIG_LOCKED and RUN,\n"
		"         unbound with CONFIG_UNLOCKED; a change that is under way agrees with any\n"
		"  TDIs   how many interfaces firmware has, of all functions of the platform, and how\n"
		"         many functions of it Linux has not unbound\n"
		"  TVMs, rules   firmware's VMs, and how often the host broke firmware's rules\n"
		"A difference while something changes is none a moment later: look twice. A bound TDI\n"
		"whose AMD guest has stopped it is CONFIG_UNLOCKED, and marked. Firmware and device are\n"
		"visible to root on the emulated platform, with debugfs; else \"" HIDDEN "\".\n",
};
