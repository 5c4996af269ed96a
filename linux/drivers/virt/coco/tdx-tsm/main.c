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
#include <linux/cleanup.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/tsm.h>

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
	dev_warn_ratelimited(tsm->dev, "%s: status %#llx\n",
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

/**
 * tdx_leak() - record that firmware would not let go of something
 * @tsm: the root complex
 * @what: the object, which is never freed
 * @name: what it is, for people
 *
 * The module stays loaded and @tsm is never freed, since what was leaked may
 * still be asked about.
 */
void tdx_leak(struct tdx_tsm *tsm, const void *what, const char *name)
{
	dev_err(tsm->dev, "leaked for good: %s\n", name);
	kmemleak_not_leak(what);
	if (!atomic_fetch_inc(&tsm->leaks))
		__module_get(THIS_MODULE);
}

/**
 * tdx_leak_link() - record that firmware would not let go of a link
 * @link: the link, which is never freed
 * @name: what it is, for people
 *
 * Its device cannot be connected again: firmware has the stream and the session
 * already. Context: under pci_tsm_pf0::lock.
 */
void tdx_leak_link(struct tdx_link *link, const char *name)
{
	tdx_leak(link->tsm, link, name);
	guard(mutex)(&link->tsm->lock);
	if (list_empty(&link->lost))
		list_add_tail(&link->lost, &link->tsm->lost_links);
}

static bool is_lost_link(struct tdx_tsm *tsm, struct pci_dev *pdev)
{
	struct tdx_link *link;

	guard(mutex)(&tsm->lock);
	list_for_each_entry(link, &tsm->lost_links, lost)
		if (link->rid == pci_dev_id(pdev))
			return true;
	return false;
}

static struct tdx_tsm *tsm_of(struct tsm_dev *tsm_dev)
{
	return dev_get_drvdata(tsm_dev->dev.parent);
}

static struct pci_tsm *pf0_probe(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	struct tdx_link *link __free(kfree) = kzalloc_obj(*link);
	u8 *rsp __free(kfree) = kzalloc(TDX_RSP_MAX, GFP_KERNEL);

	if (!link || !rsp)
		return NULL;
	if (pci_tsm_pf0_constructor(pdev, &link->pf0, tsm_dev))
		return NULL;
	link->tsm = tsm_of(tsm_dev);
	link->spdm = -1;
	link->rid = pci_dev_id(pdev);
	INIT_LIST_HEAD(&link->tdis);
	INIT_LIST_HEAD(&link->lost);
	link->rsp = no_free_ptr(rsp);
	return &no_free_ptr(link)->pf0.base_tsm;
}

static struct pci_tsm *fn_probe(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	struct pci_tsm *fn __free(kfree) = kzalloc_obj(*fn);

	if (!fn || pci_tsm_link_constructor(pdev, fn, tsm_dev))
		return NULL;
	return no_free_ptr(fn);
}

/* Any tsmN can be written to any device: only functions of this root complex */
static struct pci_tsm *tdx_tsm_probe_fn(struct tsm_dev *tsm_dev,
					struct pci_dev *pdev)
{
	struct tdx_tsm *tsm = tsm_of(tsm_dev);

	if (pci_domain_nr(pdev->bus) != tsm->domain)
		return NULL;
	if (is_lost_link(tsm, pdev)) {
		pci_err(pdev, "firmware never gave its last link back\n");
		return NULL;
	}
	return is_pci_tsm_pf0(pdev) ? pf0_probe(tsm_dev, pdev) :
				      fn_probe(tsm_dev, pdev);
}

static void pf0_remove(struct tdx_link *link)
{
	/* leaked in disconnect: firmware and quarantined TDIs refer to it */
	if (!list_empty(&link->lost))
		return;
	pci_tsm_pf0_destructor(&link->pf0);
	kfree(link->rsp);
	kfree(link);
}

static void tdx_tsm_remove_fn(struct pci_tsm *base)
{
	if (is_pci_tsm_pf0(base->pdev))
		pf0_remove(container_of(base, struct tdx_link, pf0.base_tsm));
	else
		kfree(base);
}

static struct tdx_link *to_link(struct pci_dev *pdev)
{
	return container_of(pdev->tsm, struct tdx_link, pf0.base_tsm);
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
	.probe = tdx_tsm_probe_fn,
	.remove = tdx_tsm_remove_fn,
	.connect = tdx_tsm_connect,
	.disconnect = tdx_tsm_disconnect,
	.bind = tdx_tdi_bind,
	.unbind = tdx_tdi_unbind,
	.guest_req = tdx_guest_req,
};

/* What outlived a driver's remove; its firmware is not asked again */
static LIST_HEAD(lost_tsms);
static DEFINE_MUTEX(lost_tsms_lock);

static bool is_lost_fw(const struct tdx_fw *fw)
{
	struct tdx_tsm *tsm;

	guard(mutex)(&lost_tsms_lock);
	list_for_each_entry(tsm, &lost_tsms, lost)
		if (tsm->fw == fw)
			return true;
	return false;
}

/**
 * tdx_tsm_setup() - a root complex of which firmware has nothing of ours yet
 * @tsm: to be filled; zeroed
 * @dev: what messages are about
 * @fw: its firmware
 *
 * Undone by tdx_tsm_clean(). Context: process.
 */
void tdx_tsm_setup(struct tdx_tsm *tsm, struct device *dev, struct tdx_fw *fw)
{
	tsm->dev = dev;
	tsm->fw = fw;
	INIT_LIST_HEAD(&tsm->lost_links);
	tdx_meta_init(tsm);
	xa_init(&tsm->taken);
	ida_init(&tsm->hkids);
	ida_init(&tsm->spdm_ids);
	xa_init(&tsm->bound);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_tsm_setup);

/**
 * tdx_tsm_clean() - undo tdx_tsm_setup()
 * @tsm: the root complex; nothing is bound or connected any more
 *
 * Whether firmware has let go of everything is in tdx_tsm::leaks: what was leaked
 * keeps pointing to @tsm. Context: process.
 */
void tdx_tsm_clean(struct tdx_tsm *tsm)
{
	tdx_meta_exit(tsm);
	if (atomic_read(&tsm->leaks))
		return;
	xa_destroy(&tsm->taken);
	xa_destroy(&tsm->bound);
	ida_destroy(&tsm->spdm_ids);
	ida_destroy(&tsm->hkids);
	mutex_destroy(&tsm->lock);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_tsm_clean);

static struct tdx_tsm *tsm_alloc(struct platform_device *pdev)
{
	const struct teemu_tsm_pdata *pdata = dev_get_platdata(&pdev->dev);
	struct tdx_tsm *tsm __free(kfree) = kzalloc_obj(*tsm);

	if (!pdata)
		return ERR_PTR(-EINVAL);
	/* its key ids, pages and streams are taken, and nobody knows by whom */
	if (is_lost_fw(pdata->fw))
		return ERR_PTR(-EBUSY);
	if (!tsm || init_srcu_struct(&tsm->srcu))
		return ERR_PTR(-ENOMEM);
	tdx_tsm_setup(tsm, &pdev->dev, pdata->fw);
	tsm->rc = pdata->rc;
	tsm->domain = pdata->domain;
	return_ptr(tsm);
}

/* What was leaked keeps pointing to it */
static void tsm_free(struct tdx_tsm *tsm)
{
	tdx_tsm_clean(tsm);
	if (atomic_read(&tsm->leaks)) {
		guard(mutex)(&lost_tsms_lock);
		list_add_tail(&tsm->lost, &lost_tsms);
		return;
	}
	cleanup_srcu_struct(&tsm->srcu);
	kfree(tsm);
}

static int tdx_tsm_probe(struct platform_device *pdev)
{
	struct tdx_tsm *tsm = tsm_alloc(pdev);
	struct tsm_dev *tsm_dev;

	if (IS_ERR(tsm))
		return PTR_ERR(tsm);
	platform_set_drvdata(pdev, tsm);
	teemu_set_tdma_miss(tsm->rc, tdx_mem_miss, tsm);

	/* published: functions can be connected from here on */
	tsm_dev = tsm_register(&pdev->dev, &tdx_tsm_ops);
	if (IS_ERR(tsm_dev)) {
		teemu_set_tdma_miss(tsm->rc, NULL, NULL);
		tsm_free(tsm);
		return PTR_ERR(tsm_dev);
	}
	tsm->tsm_dev = tsm_dev;
	return 0;
}

static void tdx_tsm_remove(struct platform_device *pdev)
{
	struct tdx_tsm *tsm = platform_get_drvdata(pdev);

	/* disconnects and unbinds everything */
	tsm_unregister(tsm->tsm_dev);
	teemu_set_tdma_miss(tsm->rc, NULL, NULL);
	tdx_td_end_all(tsm);
	tsm_free(tsm);
}

static const struct platform_device_id tdx_tsm_ids[] = {
	{ .name = "teemu-tdx" },
	{ }
};
MODULE_DEVICE_TABLE(platform, tdx_tsm_ids);

static struct platform_driver tdx_tsm_driver = {
	.driver = { .name = "tdx-tsm" },
	.probe = tdx_tsm_probe,
	.remove = tdx_tsm_remove,
	.id_table = tdx_tsm_ids,
};

static int __init tdx_tsm_init(void)
{
	int rc;

	rc = tdx_td_init();
	if (rc)
		return rc;
	rc = platform_driver_register(&tdx_tsm_driver);
	if (rc)
		tdx_td_exit();
	return rc;
}
module_init(tdx_tsm_init);

static void __exit tdx_tsm_exit(void)
{
	platform_driver_unregister(&tdx_tsm_driver);
	tdx_td_exit();
}
module_exit(tdx_tsm_exit);

MODULE_DESCRIPTION("TSM driver for the emulated TDX Connect platform");
MODULE_LICENSE("GPL");
