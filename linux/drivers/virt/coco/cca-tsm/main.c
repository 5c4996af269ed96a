// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TSM driver of Arm CCA on the emulated platform: its platform device, its
 * registration with the TSM core, and what never comes back.
 *
 * This is a player: it does what a vendor's driver would do against firmware that
 * refuses what the RMM refuses. Nothing here knows that the firmware is a model, but
 * for the one hook that lets DMA misses bring in private memory.
 */
#include <linux/cleanup.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/tsm.h>

#include "cca-tsm.h"

/* The module stays loaded and @tsm is never freed: firmware has something of ours */
static void count_leak(struct cca_tsm *tsm)
{
	if (!atomic_fetch_inc(&tsm->leaks))
		__module_get(THIS_MODULE);
}

/**
 * cca_leak() - record that firmware would not let go of something
 * @tsm: the root complex
 * @what: the object, which is never freed
 * @name: what it is, for people
 *
 * The module stays loaded and @tsm is never freed, since what was leaked may
 * still be asked about.
 */
void cca_leak(struct cca_tsm *tsm, const void *what, const char *name)
{
	dev_err(tsm->dev, "leaked for good: %s\n", name);
	kmemleak_not_leak(what);
	count_leak(tsm);
}

/**
 * cca_leak_granule() - record that firmware would not let go of a plain granule
 * @tsm: the root complex
 * @granule: its physical address; the page is nobody's any more
 *
 * Nothing points to it, but as long as it is delegated the host must not use it, and
 * firmware's books are not balanced: the next driver does not begin with them.
 */
void cca_leak_granule(struct cca_tsm *tsm, u64 granule)
{
	dev_err(tsm->dev, "leaked for good: granule %#llx\n", granule);
	count_leak(tsm);
}

/**
 * cca_leak_link() - record that firmware would not let go of a link
 * @link: the link, which is never freed
 * @name: what it is, for people
 *
 * Its device cannot be connected again: firmware has the PDEV and the stream
 * already. Context: under pci_tsm_pf0::lock.
 */
void cca_leak_link(struct cca_link *link, const char *name)
{
	cca_leak(link->tsm, link, name);
	guard(mutex)(&link->tsm->lock);
	if (list_empty(&link->lost))
		list_add_tail(&link->lost, &link->tsm->lost_links);
}

static bool is_lost_link(struct cca_tsm *tsm, struct pci_dev *pdev)
{
	struct cca_link *link;

	guard(mutex)(&tsm->lock);
	list_for_each_entry(link, &tsm->lost_links, lost)
		if (link->rid == pci_dev_id(pdev))
			return true;
	return false;
}

static struct cca_tsm *tsm_of(struct tsm_dev *tsm_dev)
{
	return dev_get_drvdata(tsm_dev->dev.parent);
}

static struct pci_tsm *pf0_probe(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	struct cca_link *link __free(kfree) = kzalloc_obj(*link);
	u8 *rsp __free(kfree) = kzalloc(CCA_RSP_MAX, GFP_KERNEL);

	/* the RMM wants a root port's PDEV for the stream */
	if (!link || !rsp || !pcie_find_root_port(pdev))
		return NULL;
	if (pci_tsm_pf0_constructor(pdev, &link->pf0, tsm_dev))
		return NULL;
	link->tsm = tsm_of(tsm_dev);
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
static struct pci_tsm *cca_tsm_probe_fn(struct tsm_dev *tsm_dev,
					struct pci_dev *pdev)
{
	struct cca_tsm *tsm = tsm_of(tsm_dev);

	if (pci_domain_nr(pdev->bus) != tsm->domain)
		return NULL;
	if (is_lost_link(tsm, pdev)) {
		pci_err(pdev, "firmware never gave its last link back\n");
		return NULL;
	}
	return is_pci_tsm_pf0(pdev) ? pf0_probe(tsm_dev, pdev) :
				      fn_probe(tsm_dev, pdev);
}

static void pf0_remove(struct cca_link *link)
{
	/* leaked in disconnect: firmware and quarantined TDIs refer to it */
	if (!list_empty(&link->lost))
		return;
	pci_tsm_pf0_destructor(&link->pf0);
	kfree(link->rsp);
	kfree(link);
}

static void cca_tsm_remove_fn(struct pci_tsm *base)
{
	if (is_pci_tsm_pf0(base->pdev))
		pf0_remove(container_of(base, struct cca_link, pf0.base_tsm));
	else
		kfree(base);
}

static struct cca_link *to_link(struct pci_dev *pdev)
{
	return container_of(pdev->tsm, struct cca_link, pf0.base_tsm);
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
	.probe = cca_tsm_probe_fn,
	.remove = cca_tsm_remove_fn,
	.connect = cca_tsm_connect,
	.disconnect = cca_tsm_disconnect,
	.bind = cca_tdi_bind,
	.unbind = cca_tdi_unbind,
	.guest_req = cca_guest_req,
};

/* What outlived a driver's remove; its firmware is not asked again */
static LIST_HEAD(lost_tsms);
static DEFINE_MUTEX(lost_tsms_lock);

static bool is_lost_fw(const struct cca_rmm *rmm)
{
	struct cca_tsm *tsm;

	guard(mutex)(&lost_tsms_lock);
	list_for_each_entry(tsm, &lost_tsms, lost)
		if (tsm->rmm == rmm)
			return true;
	return false;
}

static struct cca_tsm *tsm_alloc(struct platform_device *pdev)
{
	const struct teemu_tsm_pdata *pdata = dev_get_platdata(&pdev->dev);
	struct cca_tsm *tsm __free(kfree) = kzalloc_obj(*tsm);

	if (!pdata)
		return ERR_PTR(-EINVAL);
	/* its granules and streams are taken, and nobody knows by whom */
	if (is_lost_fw(pdata->fw))
		return ERR_PTR(-EBUSY);
	if (!tsm || init_srcu_struct(&tsm->srcu))
		return ERR_PTR(-ENOMEM);
	tsm->dev = &pdev->dev;
	tsm->rmm = pdata->fw;
	tsm->rc = pdata->rc;
	tsm->domain = pdata->domain;
	mutex_init(&tsm->lock);
	INIT_LIST_HEAD(&tsm->lost_links);
	xa_init(&tsm->ports);
	xa_init(&tsm->bound);
	return_ptr(tsm);
}

/* What was leaked keeps pointing to it */
static void tsm_free(struct cca_tsm *tsm)
{
	if (atomic_read(&tsm->leaks)) {
		guard(mutex)(&lost_tsms_lock);
		list_add_tail(&tsm->lost, &lost_tsms);
		return;
	}
	xa_destroy(&tsm->bound);
	xa_destroy(&tsm->ports);
	mutex_destroy(&tsm->lock);
	cleanup_srcu_struct(&tsm->srcu);
	kfree(tsm);
}

static int cca_tsm_probe(struct platform_device *pdev)
{
	struct cca_tsm *tsm = tsm_alloc(pdev);
	struct tsm_dev *tsm_dev;

	if (IS_ERR(tsm))
		return PTR_ERR(tsm);
	platform_set_drvdata(pdev, tsm);
	teemu_set_tdma_miss(tsm->rc, cca_mem_miss, tsm);

	/* published: functions can be connected from here on */
	tsm_dev = tsm_register(&pdev->dev, &cca_tsm_ops);
	if (IS_ERR(tsm_dev)) {
		teemu_set_tdma_miss(tsm->rc, NULL, NULL);
		tsm_free(tsm);
		return PTR_ERR(tsm_dev);
	}
	tsm->tsm_dev = tsm_dev;
	return 0;
}

static void cca_tsm_remove(struct platform_device *pdev)
{
	struct cca_tsm *tsm = platform_get_drvdata(pdev);

	/* disconnects and unbinds everything */
	tsm_unregister(tsm->tsm_dev);
	teemu_set_tdma_miss(tsm->rc, NULL, NULL);
	cca_tvm_end_all(tsm);
	tsm_free(tsm);
}

static const struct platform_device_id cca_tsm_ids[] = {
	{ .name = "teemu-cca" },
	{ }
};
MODULE_DEVICE_TABLE(platform, cca_tsm_ids);

static struct platform_driver cca_tsm_driver = {
	.driver = { .name = "cca-tsm" },
	.probe = cca_tsm_probe,
	.remove = cca_tsm_remove,
	.id_table = cca_tsm_ids,
};

static int __init cca_tsm_init(void)
{
	int rc;

	rc = cca_tvm_init();
	if (rc)
		return rc;
	rc = platform_driver_register(&cca_tsm_driver);
	if (rc)
		cca_tvm_exit();
	return rc;
}
module_init(cca_tsm_init);

static void __exit cca_tsm_exit(void)
{
	platform_driver_unregister(&cca_tsm_driver);
	cca_tvm_exit();
}
module_exit(cca_tsm_exit);

MODULE_DESCRIPTION("TSM driver for the emulated Arm CCA platform");
MODULE_LICENSE("GPL");
