// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole host goes to sleep, or ends: what that means for bound TDIs.
 *
 * Sleep can be refused, and has to be: no firmware saves a TDI, and the devices
 * lose their sessions. Reboot, shutdown and kexec cannot: every TDI is unbound
 * before the first device is shut down, so that the next kernel, or the next
 * owner of the memory, meets no device that writes to it.
 */
#include <linux/init.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "tdi.h"

/*
 * The PM core has one hibernation at a time (a snapshot device may keep it open for
 * long) and one suspend, which may fall into it; each ends what it began.
 */
static struct pci_tdi_hold tdi_suspend_hold;
static struct pci_tdi_hold tdi_hibernate_hold;
static struct pci_tdi_hold tdi_reboot_hold;

static int tdi_refuse_sleep(struct pci_tdi_hold *hold)
{
	int rc;

	rc = pci_tdi_begin(hold, NULL, PCI_TDI_ALL, PCI_TDI_REFUSE);
	if (rc)
		pr_info("PCI/TDI: no sleep while a TDI is bound to a VM\n");
	return notifier_from_errno(rc);
}

static int tdi_pm_notify(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
		return tdi_refuse_sleep(&tdi_suspend_hold);
	case PM_POST_SUSPEND:
		pci_tdi_end(&tdi_suspend_hold);
		break;
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return tdi_refuse_sleep(&tdi_hibernate_hold);
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		pci_tdi_end(&tdi_hibernate_hold);
		break;
	}
	return NOTIFY_DONE;
}

/*
 * First of all: what other notifiers and then device_shutdown() stop may be needed.
 * There is no end, and a second call, should it come, finds nothing bound.
 */
static int tdi_reboot_notify(struct notifier_block *nb, unsigned long action,
			     void *data)
{
	pci_tdi_end(&tdi_reboot_hold);
	if (pci_tdi_begin(&tdi_reboot_hold, NULL, PCI_TDI_ALL,
			  PCI_TDI_UNBIND_FIRST))
		pr_warn("PCI/TDI: a TDI in quarantine is handed on to the next kernel\n");
	return NOTIFY_DONE;
}

static struct notifier_block tdi_pm_nb = {
	.notifier_call = tdi_pm_notify,
};

static struct notifier_block tdi_reboot_nb = {
	.notifier_call = tdi_reboot_notify,
	.priority = INT_MAX,
};

static int __init tdi_system_init(void)
{
	INIT_LIST_HEAD(&tdi_suspend_hold.node);
	INIT_LIST_HEAD(&tdi_hibernate_hold.node);
	INIT_LIST_HEAD(&tdi_reboot_hold.node);
	register_reboot_notifier(&tdi_reboot_nb);
	return register_pm_notifier(&tdi_pm_nb);
}
subsys_initcall(tdi_system_init);
