// SPDX-License-Identifier: GPL-2.0-only
/*
 * Powers on an emulated root complex that this RMM rules. The root complex puts the
 * model into the platform data of the device that the TSM driver binds to.
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/module.h>

#include "rmm.h"

static struct cca_rmm *plug_rmm;
static struct teemu_rc *plug_rc;

static int __init plug_init(void)
{
	struct cca_rmm *rmm = cca_rmm_create();
	struct teemu_rc *rc;

	if (IS_ERR(rmm))
		return PTR_ERR(rmm);
	rc = teemu_rc_create("cca", &cca_teemu_ops, rmm);
	if (IS_ERR(rc)) {
		cca_rmm_destroy(rmm);
		return PTR_ERR(rc);
	}
	plug_rmm = rmm;
	plug_rc = rc;
	return 0;
}
late_initcall(plug_init);

static void __exit plug_exit(void)
{
	teemu_rc_destroy(plug_rc);
	cca_rmm_destroy(plug_rmm);
}
module_exit(plug_exit);
