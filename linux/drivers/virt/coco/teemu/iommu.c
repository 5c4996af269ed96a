// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the IOMMU of an emulated root complex as Linux sees it: unit, functions
 * and domains. How a request goes through it is in iommu_access.c, its vIOMMU in
 * iommu_viommu.c.
 *
 * It must live beside a real IOMMU driver, so it has a firmware node of its own
 * (a software node) and every function of its PCI domain, and no other, gets a
 * fwspec with that node before the IOMMU core looks at it.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/property.h>
#include <linux/slab.h>
#include "../../../iommu/iommu-pages.h"
#include "iommu.h"
#include <uapi/linux/iommufd.h>

/* where x86 decodes message signalled interrupts */
#define TEEMU_MSI_BASE		0xfee00000
#define TEEMU_MSI_SIZE		0x100000

static const struct iommu_ops teemu_iommu_ops;
static const struct iommu_domain_ops teemu_domain_ops;

static struct teemu_domain *to_teemu_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct teemu_domain, domain);
}

/**
 * teemu_iommu_owns() - is this a page table of ours
 * @domain: any domain of any IOMMU driver
 *
 * Context: any. Return: true for a paging domain that this driver made.
 */
bool teemu_iommu_owns(const struct iommu_domain *domain)
{
	return domain->ops == &teemu_domain_ops;
}

/* ---- domains ---- */

static int teemu_domain_attach(struct iommu_domain *domain, struct device *dev,
			       struct iommu_domain *old)
{
	teemu_iommu_dev_attach(dev_iommu_priv_get(dev), to_teemu_domain(domain));
	return 0;
}

static int teemu_blocked_attach(struct iommu_domain *domain, struct device *dev,
				struct iommu_domain *old)
{
	teemu_iommu_dev_attach(dev_iommu_priv_get(dev), NULL);
	return 0;
}

static void teemu_domain_free(struct iommu_domain *domain)
{
	struct teemu_domain *td = to_teemu_domain(domain);

	pt_iommu_deinit(&td->iommu);
	kfree(td);
}

/* the pages behind what was unmapped are unpinned as soon as this returns */
static void teemu_domain_sync(struct iommu_domain *domain,
			      struct iommu_iotlb_gather *gather)
{
	teemu_iommu_shut_out();
	iommu_put_pages_list(&gather->freelist);
}

static void teemu_domain_flush_all(struct iommu_domain *domain)
{
	teemu_iommu_shut_out();
}

/* every access is a CPU copy through the cache, whatever a request asks for */
static bool teemu_domain_enforce_coherency(struct iommu_domain *domain)
{
	return true;
}

static const struct iommu_domain_ops teemu_domain_ops = {
	IOMMU_PT_DOMAIN_OPS(vtdss),
	.attach_dev		 = teemu_domain_attach,
	.flush_iotlb_all	 = teemu_domain_flush_all,
	.iotlb_sync		 = teemu_domain_sync,
	.enforce_cache_coherency = teemu_domain_enforce_coherency,
	.free			 = teemu_domain_free,
};

static const struct iommu_domain_ops teemu_blocked_ops = {
	.attach_dev = teemu_blocked_attach,
};

static struct iommu_domain teemu_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &teemu_blocked_ops,
};

static struct iommu_domain *
teemu_domain_alloc(struct device *dev, u32 flags,
		   const struct iommu_user_data *user_data)
{
	struct pt_iommu_vtdss_cfg cfg = {
		.common = {
			.features = BIT(PT_FEAT_FLUSH_RANGE),
			.hw_max_vasz_lg2 = TEEMU_PT_VASZ_LG2,
			.hw_max_oasz_lg2 = TEEMU_PT_OASZ_LG2,
		},
		.top_level = TEEMU_PT_TOP_LEVEL,
	};
	struct pt_iommu_vtdss_hw_info info;
	int rc;

	if (user_data || (flags & ~IOMMU_HWPT_ALLOC_NEST_PARENT))
		return ERR_PTR(-EOPNOTSUPP);

	struct teemu_domain *td __free(kfree) = kzalloc_obj(*td);
	if (!td)
		return ERR_PTR(-ENOMEM);
	td->iommu.nid = NUMA_NO_NODE;
	td->domain.ops = &teemu_domain_ops;
	rc = pt_iommu_vtdss_init(&td->vtdss, &cfg, GFP_KERNEL_ACCOUNT);
	if (rc)
		return ERR_PTR(rc);

	/* no dynamic top: the root stays where it is until the domain is freed */
	pt_iommu_vtdss_hw_info(&td->vtdss, &info);
	td->root = phys_to_virt(info.ssptptr);
	return &no_free_ptr(td)->domain;
}

/* ---- functions ---- */

static struct iommu_device *teemu_probe_device(struct device *dev)
{
	/* left there by the bus notifier, with the fwspec */
	struct teemu_iommu *iommu = dev_iommu_priv_get(dev);
	struct teemu_iommu_dev *idev;

	if (!iommu || !dev_is_pci(dev))
		return ERR_PTR(-ENODEV);

	idev = kzalloc_obj(*idev);
	if (!idev)
		return ERR_PTR(-ENOMEM);
	idev->iommu = iommu;
	idev->pdev = to_pci_dev(dev);
	idev->rid = pci_dev_id(idev->pdev);
	dev_iommu_priv_set(dev, idev);
	guard(write_lock)(&teemu_iommu_lock);
	list_add_tail(&idev->node, &iommu->devs);
	return &iommu->core;
}

static void teemu_release_device(struct device *dev)
{
	struct teemu_iommu_dev *idev = dev_iommu_priv_get(dev);

	/* the core has attached the release domain; dev->iommu dies after this */
	scoped_guard(write_lock, &teemu_iommu_lock)
		list_del(&idev->node);
	kfree(idev);
}

static bool teemu_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return true;
	default:
		return false;
	}
}

static void teemu_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommu_resv_region *msi;

	msi = iommu_alloc_resv_region(TEEMU_MSI_BASE, TEEMU_MSI_SIZE, 0,
				      IOMMU_RESV_MSI, GFP_KERNEL);
	if (msi)
		list_add_tail(&msi->list, head);
}

static const struct iommu_ops teemu_iommu_ops = {
	.capable		   = teemu_capable,
	.domain_alloc_paging_flags = teemu_domain_alloc,
	.probe_device		   = teemu_probe_device,
	.release_device		   = teemu_release_device,
	.device_group		   = pci_device_group,
	.get_resv_regions	   = teemu_get_resv_regions,
	.get_viommu_size	   = teemu_viommu_size,
	.viommu_init		   = teemu_viommu_init,
	.default_domain		   = &teemu_blocked_domain,
	.blocked_domain		   = &teemu_blocked_domain,
	.release_domain		   = &teemu_blocked_domain,
	.default_domain_ops	   = &teemu_domain_ops,
	.owner			   = THIS_MODULE,
};

/* ---- the unit ---- */

/*
 * Runs before the IOMMU core's own notifier, which then finds the fwspec. The
 * probe lock is the core's: it owns dev->iommu until probe_device.
 */
static int teemu_iommu_notify(struct notifier_block *nb, unsigned long action,
			      void *data)
{
	struct teemu_iommu *iommu = container_of(nb, struct teemu_iommu, nb);
	struct device *dev = data;
	int rc;

	if (action != BUS_NOTIFY_ADD_DEVICE || !dev_is_pci(dev))
		return NOTIFY_DONE;
	if (pci_domain_nr(to_pci_dev(dev)->bus) != teemu_rc_domain(iommu->rc))
		return NOTIFY_DONE;

	guard(mutex)(&iommu_probe_device_lock);
	rc = iommu_fwspec_init(dev, iommu->core.fwnode);
	if (rc) {
		dev_warn(dev, "no IOMMU, every DMA is blocked: %d\n", rc);
		return NOTIFY_DONE;
	}
	dev_iommu_priv_set(dev, iommu);
	return NOTIFY_OK;
}

static int teemu_iommu_register(struct teemu_iommu *iommu, const char *name)
{
	int rc;

	iommu->core.fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(iommu->core.fwnode))
		return PTR_ERR(iommu->core.fwnode);
	rc = iommu_device_sysfs_add(&iommu->core, NULL, NULL, "teemu-iommu-%s",
				    name);
	if (rc)
		goto err_fwnode;
	rc = iommu_device_register(&iommu->core, &teemu_iommu_ops, NULL);
	if (rc)
		goto err_sysfs;
	rc = bus_register_notifier(&pci_bus_type, &iommu->nb);
	if (rc)
		goto err_device;
	return 0;

err_device:
	iommu_device_unregister(&iommu->core);
err_sysfs:
	iommu_device_sysfs_remove(&iommu->core);
err_fwnode:
	fwnode_remove_software_node(iommu->core.fwnode);
	return rc;
}

/* the core puts the functions' fwspecs, the last users of the node */
static void teemu_iommu_unregister(struct teemu_iommu *iommu)
{
	bus_unregister_notifier(&pci_bus_type, &iommu->nb);
	iommu_device_unregister(&iommu->core);
	iommu_device_sysfs_remove(&iommu->core);
	fwnode_remove_software_node(iommu->core.fwnode);
}

/**
 * teemu_iommu_create() - power on the IOMMU of a root complex
 * @rc: the root complex; its domain number is known, its bus not scanned yet
 * @name: short vendor name, the unit is "teemu-iommu-<name>" in sysfs
 *
 * Inverse: teemu_iommu_destroy(). Context: process, may sleep.
 * Return: the unit, or an ERR_PTR: -ENOMEM, or what the IOMMU core answers.
 */
struct teemu_iommu *teemu_iommu_create(struct teemu_rc *rc, const char *name)
{
	int ret;

	struct teemu_iommu *iommu __free(kfree) = kzalloc_obj(*iommu);
	if (!iommu)
		return ERR_PTR(-ENOMEM);
	iommu->rc = rc;
	INIT_LIST_HEAD(&iommu->devs);
	iommu->nb.notifier_call = teemu_iommu_notify;
	/* above the IOMMU core's own, which looks for the fwspec */
	iommu->nb.priority = 1;

	ret = teemu_iommu_register(iommu, name);
	if (ret)
		return ERR_PTR(ret);
	return_ptr(iommu);
}

/**
 * teemu_iommu_destroy() - the inverse of teemu_iommu_create()
 * @iommu: the unit, NULL or an ERR_PTR
 *
 * The caller has removed the root complex's devices and destroyed the engines,
 * so no request comes any more.
 *
 * Context: process, may sleep.
 */
void teemu_iommu_destroy(struct teemu_iommu *iommu)
{
	if (IS_ERR_OR_NULL(iommu))
		return;
	teemu_iommu_unregister(iommu);
	WARN_ON(!list_empty(&iommu->devs));
	kfree(iommu);
}
