// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people see of a seat: Documentation/ABI/testing/sysfs-bus-pci-tdi.
 */
#include <linux/cleanup.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "pci.h"
#include "tdi.h"

static const char *const tdi_state_names[] = {
	[PCI_TDI_UNBOUND] = "unbound",
	[PCI_TDI_BINDING] = "binding",
	[PCI_TDI_BOUND] = "bound",
	[PCI_TDI_UNBINDING] = "unbinding",
	[PCI_TDI_QUARANTINED] = "quarantined",
};

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct pci_tdi_seat *seat = to_pci_dev(dev)->tdi_seat;

	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state != PCI_TDI_QUARANTINED)
		return sysfs_emit(buf, "%s\n", tdi_state_names[seat->state]);
	return sysfs_emit(buf, "quarantined: %s\n", seat->binding->quarantine);
}
static DEVICE_ATTR_RO(state);

static ssize_t retry_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t len)
{
	bool yes;
	int rc;

	rc = kstrtobool(buf, &yes);
	if (rc)
		return rc;
	if (!yes)
		return -EINVAL;
	rc = tdi_seat_retry(to_pci_dev(dev)->tdi_seat);
	return rc ? : len;
}
static DEVICE_ATTR_WO(retry);

static struct attribute *tdi_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_retry.attr,
	NULL
};

/* Is there a DSM that could lock @pdev: in function 0, or in a switch above? */
static bool tdi_has_dsm(struct pci_dev *pdev)
{
	struct pci_dev *pf = pci_physfn(pdev), *up;
	struct pci_dev *pf0 __free(pci_dev_put) =
		pci_get_slot(pf->bus, PCI_DEVFN(PCI_SLOT(pf->devfn), 0));

	if ((pdev->devcap | pf->devcap) & PCI_EXP_DEVCAP_TEE)
		return true;
	if (pf0 && (pf0->devcap & PCI_EXP_DEVCAP_TEE))
		return true;
	for (up = pci_upstream_bridge(pf); up; up = pci_upstream_bridge(up))
		if (pci_pcie_type(up) == PCI_EXP_TYPE_UPSTREAM &&
		    (up->devcap & PCI_EXP_DEVCAP_TEE))
			return true;
	return false;
}

/* Of any other endpoint there is no news */
static umode_t tdi_attr_visible(struct kobject *kobj, struct attribute *attr,
				int n)
{
	struct pci_dev *pdev = to_pci_dev(kobj_to_dev(kobj));

	return pdev->tdi_seat && tdi_has_dsm(pdev) ? attr->mode : 0;
}

const struct attribute_group pci_tdi_attr_group = {
	.name = "tdi",
	.attrs = tdi_attrs,
	.is_visible = tdi_attr_visible,
};
