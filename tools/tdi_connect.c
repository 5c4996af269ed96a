// SPDX-License-Identifier: GPL-2.0-only
/* tdi connect, tdi disconnect: the link of a device to a TSM */
#include <errno.h>
#include <string.h>

#include "tdi.h"

/* the only TSM, or the one that belongs to the function's root complex */
static int choose_tsm(const struct view *v, char tsm[TDI_NAME_MAX])
{
	char name[TDI_NAME_MAX], parent[TDI_NAME_MAX];
	unsigned int t, seen = 0;

	for (t = 0; !tdi_tsm_get(t, name, parent); t++) {
		if (tdi_function_below(v->fn.bdf, parent) == 1) {
			strcpy(tsm, name);
			return 0;
		}
		if (!seen++)
			strcpy(tsm, name);
	}
	return seen == 1 ? 0 : seen ? -EINVAL : -ENXIO;
}

static const char *connect_advice(int ret)
{
	switch (-ret) {
	case EBUSY:
		return "it is connected already, or in quarantine: see tdi show";
	case ENXIO:
		return "the host has no such TSM: see tdi list; its driver may have to be loaded first";
	case EIO:
	case EPROTO:
	case ETIMEDOUT:
		return "device or firmware did not answer as they must; dmesg says at which step";
	}
	return NULL;
}

static int connect_run(int argc, char **argv)
{
	char tsm[TDI_NAME_MAX];
	struct view v;
	int ret;

	ret = need_function("connect", argv[0], false, &v);
	if (ret)
		return ret;
	if (argc > 1)
		snprintf(tsm, sizeof(tsm), "%s", argv[1]);
	else
		ret = choose_tsm(&v, tsm);
	if (ret == -EINVAL)
		return complain_usage("connect", "there are several TSMs, none of which is this device's own: name one (tdi list)");
	ret = ret ?: tdi_link_connect(argv[0], tsm);
	return ret ? complain("connect", argv[0], ret, connect_advice(ret)) :
		     EXIT_OK;
}

static int disconnect_run(int argc, char **argv)
{
	struct view v;
	int ret;

	(void)argc;
	ret = need_function("disconnect", argv[0], false, &v);
	if (ret)
		return ret;
	if (!v.fn.tsm[0])
		return complain("disconnect", argv[0], -ENOTCONN,
				"nothing was to be done: its link is not connected");
	ret = tdi_link_disconnect(argv[0]);
	return ret ? complain("disconnect", argv[0], ret, ret == -EBUSY ?
			      "a function of this device is in quarantine: tdi retry it first" : NULL) :
		     EXIT_OK;
}

const struct tdi_command cmd_connect = {
	.name = "connect", .args = "BDF [TSM]", .min_args = 1, .max_args = 2,
	.run = connect_run,
	.brief = "set up the link of a device to a TSM",
	.help = "BDF is the function that hosts the link (\"dsm\" in tdi list, function 0). Without TSM\n"
		"it is the one that the function's root complex has, or the only one of the host.\n"
		"Sets up the secure session with the device and the encryption of its link.\n",
};

const struct tdi_command cmd_disconnect = {
	.name = "disconnect", .args = "BDF", .min_args = 1, .max_args = 1,
	.run = disconnect_run,
	.brief = "take it down; bound TDIs are unbound first",
	.help = "The inverse of connect. TDIs of the device that are bound are unbound first, which\n"
		"their VMs notice: their VMMs get an event. Fails while one of them is in quarantine.\n",
};
