// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the vIOMMU type and its vdevices. A vdevice is the IOMMU's half of a
 * binding: it registers with the PCI core how trusted DMA of its function is
 * prepared and turned off.
 */
#include <linux/iommufd.h>
#include <linux/limits.h>
#include <linux/pci-tdi.h>
#include "iommu.h"

struct teemu_viommu {
	struct iommufd_viommu core;
};

/**
 * struct teemu_vdevice - a function in a VM
 * @core: iommufd's object
 * @idev: the function; it cannot leave the IOMMU before its VFIO device is gone,
 *	  and that takes the vdevice along
 */
struct teemu_vdevice {
	struct iommufd_vdevice core;
	struct teemu_iommu_dev *idev;
};

static int teemu_vdevice_dma_enable(void *priv, u32 tdi_id)
{
	struct teemu_vdevice *vdev = priv;

	return teemu_iommu_arm(vdev->idev, tdi_id);
}

static void teemu_vdevice_dma_disable(void *priv)
{
	struct teemu_vdevice *vdev = priv;

	teemu_iommu_disarm(vdev->idev);
}

static const struct pci_tdi_dma_ops teemu_vdevice_dma_ops = {
	.enable = teemu_vdevice_dma_enable,
	.disable = teemu_vdevice_dma_disable,
};

/* iommufd has unbound the TDI; what is still armed here is a quarantined one */
static void teemu_vdevice_destroy(struct iommufd_vdevice *core)
{
	struct teemu_vdevice *vdev = container_of(core, struct teemu_vdevice, core);

	pci_tdi_clear_dma(vdev->idev->pdev, vdev);
	teemu_iommu_disarm(vdev->idev);
}

/* under igroup->lock */
static int teemu_vdevice_init(struct iommufd_vdevice *core)
{
	struct teemu_vdevice *vdev = container_of(core, struct teemu_vdevice, core);
	int rc;

	/* a TDI's id is 32 bit wide, and it is this number */
	if (core->virt_id > U32_MAX)
		return -EINVAL;

	/* iommufd has checked that the function is behind the vIOMMU's own unit */
	vdev->idev = dev_iommu_priv_get(iommufd_vdevice_to_device(core));
	rc = pci_tdi_set_dma(vdev->idev->pdev, &teemu_vdevice_dma_ops, vdev);
	if (rc)
		return rc;
	core->destroy = teemu_vdevice_destroy;
	return 0;
}

static const struct iommufd_viommu_ops teemu_viommu_ops = {
	.vdevice_size = VDEVICE_STRUCT_SIZE(struct teemu_vdevice, core),
	.vdevice_init = teemu_vdevice_init,
};

/**
 * teemu_viommu_size() - does this IOMMU offer a vIOMMU of the given type
 * @dev: a function behind it
 * @type: the type that user space asks for
 *
 * Context: process. Return: bytes of the object, 0 if it does not.
 */
size_t teemu_viommu_size(struct device *dev, enum iommu_viommu_type type)
{
	if (type != IOMMU_VIOMMU_TYPE_TEEMU)
		return 0;
	return VIOMMU_STRUCT_SIZE(struct teemu_viommu, core);
}

/**
 * teemu_viommu_init() - set up a vIOMMU
 * @viommu: iommufd's object, as large as teemu_viommu_size() said
 * @parent: the nesting parent's domain; any IOMMU driver's
 * @user_data: must be NULL, the type takes none
 *
 * Context: process. Return: 0; -EINVAL @parent is not of this driver;
 * -EOPNOTSUPP there is user data.
 */
int teemu_viommu_init(struct iommufd_viommu *viommu, struct iommu_domain *parent,
		      const struct iommu_user_data *user_data)
{
	if (user_data)
		return -EOPNOTSUPP;
	if (!teemu_iommu_owns(parent))
		return -EINVAL;
	viommu->ops = &teemu_viommu_ops;
	return 0;
}
