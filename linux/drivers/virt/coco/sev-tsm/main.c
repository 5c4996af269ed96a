// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TSM driver of AMD SEV-TIO on the emulated platform: its platform device, its
 * registration with the TSM core, and what the other files share.
 *
 * This is a player: it does what a vendor's driver would do against firmware that
 * refuses what the ASP and the RMP refuse. Nothing here knows that the firmware is a
 * model, but for the one hook that lets DMA misses bring in private memory.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "sev-tsm.h"

/**
 * sev_check() - firmware's status as errno, with a word in the log
 * @tsm: the root complex
 * @call: SEV_CALL_*
 * @status: its status
 *
 * Context: any.
 *
 * Return: 0 on success; -ENOMEM: firmware found no memory, or something taken, for
 * too long; -ENOSPC: the ASID is in use; -EIO: any other refusal.
 */
int sev_check(struct sev_tsm *tsm, u32 call, u64 status)
{
	if (status == SEV_SUCCESS)
		return 0;
	dev_warn_ratelimited(tsm->base.dev, "call %#x: status %#llx\n", call, status);
	switch (status) {
	case SEV_RESOURCE_LIMIT:
	case SEV_RMP_FAIL_OVERLAP:
		return -ENOMEM;
	case SEV_ASID_OWNED:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static struct sev_link *to_link(struct pci_dev *pdev)
{
	return container_of(pdev->tsm, struct sev_link, base.pf0.base_tsm);
}

static int sev_tsm_connect(struct pci_dev *pdev)
{
	return sev_link_up(to_link(pdev));
}

static void sev_tsm_disconnect(struct pci_dev *pdev)
{
	sev_link_down(to_link(pdev));
}

static struct pci_tsm_ops sev_tsm_ops = {
	.probe = tio_tsm_probe_fn,
	.remove = tio_tsm_remove_fn,
	.connect = sev_tsm_connect,
	.disconnect = sev_tsm_disconnect,
	.bind = sev_tdi_bind,
	.unbind = sev_tdi_unbind,
	.guest_req = sev_guest_req,
};

static void sev_tsm_setup(struct tio_tsm *base)
{
	struct sev_tsm *tsm = to_sev_tsm(base);

	tsm->fw = base->fw;
	ida_init(&tsm->asids);
}

static void sev_tsm_clean(struct tio_tsm *base)
{
	struct sev_tsm *tsm = to_sev_tsm(base);

	ida_destroy(&tsm->asids);
}

static int sev_link_init(struct tio_link *base, struct pci_dev *pdev)
{
	struct sev_link *link = container_of(base, struct sev_link, base);

	link->tsm = to_sev_tsm(base->tsm);
	return 0;
}

/* tio-tsm allocates and frees them by their size */
static_assert(offsetof(struct sev_tsm, base) == 0);
static_assert(offsetof(struct sev_link, base) == 0);

static const struct tio_tsm_vendor sev_vendor = {
	.owner = THIS_MODULE,
	.ops = &sev_tsm_ops,
	.tvms = &sev_gctxs,
	.tsm_size = sizeof(struct sev_tsm),
	.link_size = sizeof(struct sev_link),
	.rsp_size = SEV_RSP_MAX,
	.setup = sev_tsm_setup,
	.clean = sev_tsm_clean,
	.link_init = sev_link_init,
	.miss = sev_mem_miss,
};

static int sev_tsm_probe(struct platform_device *pdev)
{
	return tio_tsm_probe(pdev, &sev_vendor);
}

static const struct platform_device_id sev_tsm_ids[] = {
	{ .name = "teemu-sev" },
	{ }
};
MODULE_DEVICE_TABLE(platform, sev_tsm_ids);

static struct platform_driver sev_tsm_driver = {
	.driver = { .name = "sev-tsm" },
	.probe = sev_tsm_probe,
	.remove = tio_tsm_remove,
	.id_table = sev_tsm_ids,
};

static int __init sev_tsm_init(void)
{
	int rc;

	rc = tio_tvms_init(&sev_gctxs);
	if (rc)
		return rc;
	rc = platform_driver_register(&sev_tsm_driver);
	if (rc)
		tio_tvms_exit(&sev_gctxs);
	return rc;
}
module_init(sev_tsm_init);

static void __exit sev_tsm_exit(void)
{
	platform_driver_unregister(&sev_tsm_driver);
	tio_tvms_exit(&sev_gctxs);
}
module_exit(sev_tsm_exit);

MODULE_DESCRIPTION("TSM driver for the emulated SEV-TIO platform");
MODULE_LICENSE("GPL");
