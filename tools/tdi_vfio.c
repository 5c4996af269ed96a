// SPDX-License-Identifier: GPL-2.0-only
/* tdi vfio, tdi release: give a function to vfio-pci, and take it back */
#include <errno.h>

#include "tdi.h"

static int vfio_run(int argc, char **argv)
{
	struct view v;
	int ret;

	(void)argc;
	ret = need_function("vfio", argv[0], true, &v);
	if (ret)
		return ret;
	ret = tdi_driver_bind(argv[0], "vfio-pci");
	if (ret == -ENODEV) {
		complain("vfio", argv[0], ret,
			 v.reason[0] ? "it is in quarantine, where no driver is probed: tdi retry it first" :
			 "vfio-pci did not take it (is the module loaded? does the function have an IOMMU?); dmesg may say why. It has no driver now");
		return EXIT_FAILED;
	}
	return ret ? complain("vfio", argv[0], ret, NULL) : EXIT_OK;
}

static int release_run(int argc, char **argv)
{
	struct view v;
	int ret;

	(void)argc;
	ret = need_function("release", argv[0], true, &v);
	if (ret)
		return ret;
	ret = tdi_driver_unbind(argv[0]);
	return ret ? complain("release", argv[0], ret, NULL) : EXIT_OK;
}

const struct tdi_command cmd_vfio = {
	.name = "vfio", .args = "BDF", .min_args = 1, .max_args = 1,
	.run = vfio_run,
	.brief = "give a function to vfio-pci",
	.help = "Sets driver_override, unbinds the driver that is there and probes vfio-pci. A VMM can\n"
		"open the function then.\n",
};

const struct tdi_command cmd_release = {
	.name = "release", .args = "BDF", .min_args = 1, .max_args = 1,
	.run = release_run,
	.brief = "take it from its driver again",
	.help = "Clears driver_override and unbinds the driver. Waits until the VMM that has the\n"
		"function open closes it; its TDI is unbound at once.\n",
};
