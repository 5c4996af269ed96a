// SPDX-License-Identifier: GPL-2.0-only
/* tdi firmware: docs/firmware.md from the firmware models' own tables */
#include "firmware.h"
#include "tdi.h"

static int firmware_run(int argc, char **argv)
{
	const char *vendor = "";
	int ret;

	(void)argc;
	(void)argv;
	ret = firmware_print(stdout, &vendor);
	return ret ? complain("firmware", vendor, ret,
			      "this is for the emulated platform, with debugfs mounted") :
		     EXIT_OK;
}

const struct tdi_command cmd_firmware = {
	.name = "firmware", .args = "", .run = firmware_run,
	.brief = "docs/firmware.md: what the firmware models cover, from their own tables",
	.help = "Prints a document in Markdown: every call of each model, its status codes, what is left\n"
		"out. For the emulated platform.\n",
};
