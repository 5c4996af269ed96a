// SPDX-License-Identifier: GPL-2.0-only
/*
 * Powers on an emulated root complex that this firmware rules. The root complex
 * puts the model into the platform data of the device that the TSM driver binds to.
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/module.h>

#include "fw.h"

static struct sev_fw *plug_fw;
static struct teemu_rc *plug_rc;

static int __init plug_init(void)
{
	struct sev_fw *fw = sev_fw_create();
	struct teemu_rc *rc;

	if (IS_ERR(fw))
		return PTR_ERR(fw);
	rc = teemu_rc_create("sev", &sf_teemu_ops, fw);
	if (IS_ERR(rc)) {
		sev_fw_destroy(fw);
		return PTR_ERR(rc);
	}
	plug_fw = fw;
	plug_rc = rc;
	return 0;
}
late_initcall(plug_init);

static void __exit plug_exit(void)
{
	teemu_rc_destroy(plug_rc);
	sev_fw_destroy(plug_fw);
}
module_exit(plug_exit);
