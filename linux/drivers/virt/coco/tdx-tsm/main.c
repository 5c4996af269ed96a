// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TSM driver of Intel TDX Connect on the emulated platform: its platform
 * device, its registration with the TSM core, and what the other files share.
 *
 * This is a player: it does what a vendor's driver would do against firmware that
 * refuses what the TDX module refuses. Nothing here knows that the firmware is a
 * model, but for the one hook that lets DMA misses bring in private memory.
 */
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "tdx-tsm.h"

/**
 * tdx_check() - firmware's completion status as errno, with a word in the log
 * @tsm: the root complex
 * @leaf: the call
 * @status: its completion status
 *
 * Context: any.
 *
 * Return: 0 on success; -ENOMEM: firmware found no memory, or something taken,
 * for too long; -ENOSPC: the key id is in use; -EOWNERDEAD: the TD is fatal;
 * -EBADMSG: the device's TDISP answer was not a good one; -EUCLEAN: the device
 * interface has not stopped as far as firmware knows, or is in another wrong state;
 * -EIO: any other refusal.
 */
int tdx_check(struct tdx_tsm *tsm, u32 leaf, u64 status)
{
	if (!TDX_IS_ERROR(status))
		return 0;
	dev_warn_ratelimited(tsm->base.dev, "%s: status %#llx\n",
			     tdx_fw_leaf_name(leaf), status);
	switch (TDX_CLASS(status)) {
	case TDX_OPERAND_BUSY:
		return -ENOMEM;
	case TDX_HKID_NOT_FREE:
		return -ENOSPC;
	case TDX_TD_FATAL:
		return -EOWNERDEAD;
	case TDX_DEVIF_TDISP_INVALID_MESSAGE:
		return -EBADMSG;
	case TDX_DEVIF_TDISP_INVALID_STATE:
	case TDX_DEVIF_INVALID_STATE:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

static struct tdx_link *to_link(struct pci_dev *pdev)
{
	return container_of(pdev->tsm, struct tdx_link, base.pf0.base_tsm);
}

static int tdx_tsm_connect(struct pci_dev *pdev)
{
	return tdx_link_up(to_link(pdev));
}

static void tdx_tsm_disconnect(struct pci_dev *pdev)
{
	tdx_link_down(to_link(pdev));
}

static struct pci_tsm_ops tdx_tsm_ops = {
	.probe = tio_tsm_probe_fn,
	.remove = tio_tsm_remove_fn,
	.connect = tdx_tsm_connect,
	.disconnect = tdx_tsm_disconnect,
	.bind = tdx_tdi_bind,
	.unbind = tdx_tdi_unbind,
	.guest_req = tdx_guest_req,
};

static void tdx_tsm_setup(struct tio_tsm *base)
{
	struct tdx_tsm *tsm = to_tdx_tsm(base);

	tsm->fw = base->fw;
	tdx_meta_init(tsm);
	xa_init(&tsm->taken);
	ida_init(&tsm->hkids);
	ida_init(&tsm->spdm_ids);
}

static void tdx_tsm_sweep(struct tio_tsm *base)
{
	tdx_meta_exit(to_tdx_tsm(base));
}

static void tdx_tsm_clean(struct tio_tsm *base)
{
	struct tdx_tsm *tsm = to_tdx_tsm(base);

	xa_destroy(&tsm->taken);
	ida_destroy(&tsm->spdm_ids);
	ida_destroy(&tsm->hkids);
}

static int tdx_link_init(struct tio_link *base, struct pci_dev *pdev)
{
	struct tdx_link *link = container_of(base, struct tdx_link, base);

	link->tsm = to_tdx_tsm(base->tsm);
	link->spdm = -1;
	return 0;
}

/* tio-tsm allocates and frees them by their size */
static_assert(offsetof(struct tdx_tsm, base) == 0);
static_assert(offsetof(struct tdx_link, base) == 0);

const struct tio_tsm_vendor tdx_vendor = {
	.owner = THIS_MODULE,
	.ops = &tdx_tsm_ops,
	.tvms = &tdx_tds,
	.tsm_size = sizeof(struct tdx_tsm),
	.link_size = sizeof(struct tdx_link),
	.rsp_size = TDX_RSP_MAX,
	.setup = tdx_tsm_setup,
	.sweep = tdx_tsm_sweep,
	.clean = tdx_tsm_clean,
	.link_init = tdx_link_init,
	.miss = tdx_mem_miss,
};
EXPORT_SYMBOL_IF_KUNIT(tdx_vendor);

static int tdx_tsm_probe(struct platform_device *pdev)
{
	return tio_tsm_probe(pdev, &tdx_vendor);
}

static const struct platform_device_id tdx_tsm_ids[] = {
	{ .name = "teemu-tdx" },
	{ }
};
MODULE_DEVICE_TABLE(platform, tdx_tsm_ids);

static struct platform_driver tdx_tsm_driver = {
	.driver = { .name = "tdx-tsm" },
	.probe = tdx_tsm_probe,
	.remove = tio_tsm_remove,
	.id_table = tdx_tsm_ids,
};

static int __init tdx_tsm_init(void)
{
	int rc;

	rc = tio_tvms_init(&tdx_tds);
	if (rc)
		return rc;
	rc = platform_driver_register(&tdx_tsm_driver);
	if (rc)
		tio_tvms_exit(&tdx_tds);
	return rc;
}
module_init(tdx_tsm_init);

static void __exit tdx_tsm_exit(void)
{
	platform_driver_unregister(&tdx_tsm_driver);
	tio_tvms_exit(&tdx_tds);
}
module_exit(tdx_tsm_exit);

MODULE_DESCRIPTION("TSM driver for the emulated TDX Connect platform");
MODULE_LICENSE("GPL");
