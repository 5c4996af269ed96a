// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TSM driver of Arm CCA on the emulated platform: its platform device, its
 * registration with the TSM core, and what never comes back.
 *
 * This is a player: it does what a vendor's driver would do against firmware that
 * refuses what the RMM refuses. Nothing here knows that the firmware is a model, but
 * for the one hook that lets DMA misses bring in private memory.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "cca-tsm.h"

static struct cca_link *to_link(struct pci_dev *pdev)
{
	return container_of(pdev->tsm, struct cca_link, base.pf0.base_tsm);
}

static int cca_tsm_connect(struct pci_dev *pdev)
{
	return cca_link_up(to_link(pdev));
}

static void cca_tsm_disconnect(struct pci_dev *pdev)
{
	cca_link_down(to_link(pdev));
}

static struct pci_tsm_ops cca_tsm_ops = {
	.probe = tio_tsm_probe_fn,
	.remove = tio_tsm_remove_fn,
	.connect = cca_tsm_connect,
	.disconnect = cca_tsm_disconnect,
	.bind = cca_tdi_bind,
	.unbind = cca_tdi_unbind,
	.guest_req = cca_guest_req,
};

static void cca_tsm_setup(struct tio_tsm *base)
{
	struct cca_tsm *tsm = to_cca_tsm(base);

	tsm->rmm = base->fw;
	xa_init(&tsm->ports);
}

static void cca_tsm_clean(struct tio_tsm *base)
{
	struct cca_tsm *tsm = to_cca_tsm(base);

	xa_destroy(&tsm->ports);
}

static int cca_link_init(struct tio_link *base, struct pci_dev *pdev)
{
	struct cca_link *link = container_of(base, struct cca_link, base);

	/* the RMM wants a root port's PDEV for the stream */
	if (!pcie_find_root_port(pdev))
		return -ENODEV;
	link->tsm = to_cca_tsm(base->tsm);
	return 0;
}

/* tio-tsm allocates and frees them by their size */
static_assert(offsetof(struct cca_tsm, base) == 0);
static_assert(offsetof(struct cca_link, base) == 0);

static const struct tio_tsm_vendor cca_vendor = {
	.owner = THIS_MODULE,
	.ops = &cca_tsm_ops,
	.tvms = &cca_realms,
	.tsm_size = sizeof(struct cca_tsm),
	.link_size = sizeof(struct cca_link),
	.rsp_size = CCA_RSP_MAX,
	.setup = cca_tsm_setup,
	.clean = cca_tsm_clean,
	.link_init = cca_link_init,
	.miss = cca_mem_miss,
};

static int cca_tsm_probe(struct platform_device *pdev)
{
	return tio_tsm_probe(pdev, &cca_vendor);
}

static const struct platform_device_id cca_tsm_ids[] = {
	{ .name = "teemu-cca" },
	{ }
};
MODULE_DEVICE_TABLE(platform, cca_tsm_ids);

static struct platform_driver cca_tsm_driver = {
	.driver = { .name = "cca-tsm" },
	.probe = cca_tsm_probe,
	.remove = tio_tsm_remove,
	.id_table = cca_tsm_ids,
};

static int __init cca_tsm_init(void)
{
	int rc;

	rc = tio_tvms_init(&cca_realms);
	if (rc)
		return rc;
	rc = platform_driver_register(&cca_tsm_driver);
	if (rc)
		tio_tvms_exit(&cca_realms);
	return rc;
}
module_init(cca_tsm_init);

static void __exit cca_tsm_exit(void)
{
	platform_driver_unregister(&cca_tsm_driver);
	tio_tvms_exit(&cca_realms);
}
module_exit(cca_tsm_exit);

MODULE_DESCRIPTION("TSM driver for the emulated Arm CCA platform");
MODULE_LICENSE("GPL");
