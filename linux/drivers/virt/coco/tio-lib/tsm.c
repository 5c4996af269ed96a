// SPDX-License-Identifier: GPL-2.0-only
/*
 * A root complex as its TSM driver has it: the platform device, the registration
 * with the TSM core, which functions are its, and what firmware never gave back.
 */
#include <linux/cleanup.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/teemu.h>
#include <linux/tio-tsm.h>
#include <linux/tsm.h>

/**
 * tio_leak() - record that firmware would not let go of something
 * @tsm: the root complex
 * @what: the object, which is never freed; NULL: nothing points to it
 * @fmt: what it is, for people
 *
 * The driver's module stays loaded and @tsm is never freed, since what was leaked
 * may still be asked about. Context: any.
 */
void tio_leak(struct tio_tsm *tsm, const void *what, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	dev_err(tsm->dev, "leaked for good: %pV\n", &vaf);
	va_end(args);
	kmemleak_not_leak(what);
	if (!atomic_fetch_inc(&tsm->leaks))
		__module_get(tsm->owner);
}
EXPORT_SYMBOL_GPL(tio_leak);

/**
 * tio_link_leak() - record that firmware would not let go of a link
 * @link: the link, which is never freed
 * @name: what it is, for people
 *
 * With it whatever hangs on it, as quarantined TDIs do: this is the one word in the
 * log about all of it. Its device cannot be connected again: firmware has its objects
 * of it already.
 * Context: under pci_tsm_pf0::lock.
 */
void tio_link_leak(struct tio_link *link, const char *name)
{
	tio_leak(link->tsm, link, "%s", name);
	guard(mutex)(&link->tsm->lock);
	if (list_empty(&link->lost))
		list_add_tail(&link->lost, &link->tsm->lost_links);
}
EXPORT_SYMBOL_GPL(tio_link_leak);

static bool is_lost_link(struct tio_tsm *tsm, struct pci_dev *pdev)
{
	struct tio_link *link;

	guard(mutex)(&tsm->lock);
	list_for_each_entry(link, &tsm->lost_links, lost)
		if (link->rid == pci_dev_id(pdev))
			return true;
	return false;
}

static struct tio_tsm *tsm_of(struct tsm_dev *tsm_dev)
{
	return dev_get_drvdata(tsm_dev->dev.parent);
}

static struct pci_tsm *pf0_probe(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	struct tio_tsm *tsm = tsm_of(tsm_dev);
	const struct tio_tsm_vendor *vendor = tsm->vendor;
	struct tio_link *link __free(kfree) = kzalloc(vendor->link_size,
						      GFP_KERNEL);
	u8 *rsp __free(kfree) = kzalloc(vendor->rsp_size, GFP_KERNEL);

	if (!link || !rsp)
		return NULL;
	link->tsm = tsm;
	if (vendor->link_init(link, pdev))
		return NULL;
	if (pci_tsm_pf0_constructor(pdev, &link->pf0, tsm_dev))
		return NULL;
	link->rid = pci_dev_id(pdev);
	INIT_LIST_HEAD(&link->tdis);
	INIT_LIST_HEAD(&link->lost);
	link->rsp = no_free_ptr(rsp);
	return &no_free_ptr(link)->pf0.base_tsm;
}

/* A function leaves, firmware still has its TDI: for the next one at its place */
static void keep_tdi(struct tio_tsm *tsm, struct pci_tsm *fn)
{
	guard(mutex)(&tsm->lock);
	pci_warn(fn->pdev, "removed, but firmware still has its TDI\n");
	if (xa_err(xa_store(&tsm->kept, pci_dev_id(fn->pdev), fn->tdi,
			    GFP_KERNEL)))
		tio_leak(tsm, NULL, "TDI of a function that was removed");
}

/* Undo keep_tdi(): a rescan has found the function again. Return: its TDI or NULL */
static struct pci_tdi *take_kept_tdi(struct tio_tsm *tsm, struct pci_dev *pdev)
{
	struct pci_tdi *tdi;

	guard(mutex)(&tsm->lock);
	tdi = xa_erase(&tsm->kept, pci_dev_id(pdev));
	if (tdi)
		tdi->pdev = pdev;
	return tdi;
}

static struct pci_tsm *fn_probe(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	struct pci_tsm *fn __free(kfree) = kzalloc_obj(*fn);

	if (!fn || pci_tsm_link_constructor(pdev, fn, tsm_dev))
		return NULL;
	fn->tdi = take_kept_tdi(tsm_of(tsm_dev), pdev);
	return no_free_ptr(fn);
}

static void fn_remove(struct pci_tsm *fn)
{
	if (fn->tdi)
		keep_tdi(tsm_of(fn->tsm_dev), fn);
	kfree(fn);
}

/**
 * tio_tsm_probe_fn() - pci_tsm_ops::probe of all drivers
 * @tsm_dev: the TSM; its parent's driver data is a &struct tio_tsm
 * @pdev: any function
 *
 * Any tsmN can be written to any device: only functions of this root complex are
 * taken. One that was removed while its TDI was in quarantine gets that TDI back, so
 * that pci_tsm_ops::unbind can be tried again. Context: under pci_tsm_rwsem. Undone
 * by tio_tsm_remove_fn().
 *
 * Return: the core's context, in a &struct tio_link if @pdev is a DSM; NULL: not
 * ours, a link of it was leaked, the vendor does not want it, or no memory.
 */
struct pci_tsm *tio_tsm_probe_fn(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	struct tio_tsm *tsm = tsm_of(tsm_dev);

	if (pci_domain_nr(pdev->bus) != tsm->domain)
		return NULL;
	if (is_lost_link(tsm, pdev)) {
		pci_err(pdev, "firmware never gave its last link back\n");
		return NULL;
	}
	return is_pci_tsm_pf0(pdev) ? pf0_probe(tsm_dev, pdev) :
				      fn_probe(tsm_dev, pdev);
}
EXPORT_SYMBOL_GPL(tio_tsm_probe_fn);

static void pf0_remove(struct tio_link *link)
{
	/* leaked in disconnect: firmware and quarantined TDIs refer to it */
	if (!list_empty(&link->lost))
		return;
	pci_tsm_pf0_destructor(&link->pf0);
	kfree(link->rsp);
	kfree(link);
}

/**
 * tio_tsm_remove_fn() - pci_tsm_ops::remove of all drivers
 * @base: of tio_tsm_probe_fn(); disconnected. A TDI that is in quarantine stays.
 *
 * Context: under pci_tsm_rwsem.
 */
void tio_tsm_remove_fn(struct pci_tsm *base)
{
	if (is_pci_tsm_pf0(base->pdev))
		pf0_remove(container_of(base, struct tio_link, pf0.base_tsm));
	else
		fn_remove(base);
}
EXPORT_SYMBOL_GPL(tio_tsm_remove_fn);

/* What outlived a driver's remove; its firmware is not asked again */
static LIST_HEAD(lost_tsms);
static DEFINE_MUTEX(lost_tsms_lock);	/* owns lost_tsms */

static bool is_lost_fw(const void *fw)
{
	struct tio_tsm *tsm;

	guard(mutex)(&lost_tsms_lock);
	list_for_each_entry(tsm, &lost_tsms, lost)
		if (tsm->fw == fw)
			return true;
	return false;
}

/**
 * tio_tsm_setup() - a root complex of which firmware has nothing of ours yet
 * @tsm: to be filled; zeroed
 * @vendor: its driver
 * @dev: what messages are about
 * @fw: its firmware
 *
 * All but what needs a platform. Undone by tio_tsm_clean(). Context: process.
 */
void tio_tsm_setup(struct tio_tsm *tsm, const struct tio_tsm_vendor *vendor,
		   struct device *dev, void *fw)
{
	tsm->vendor = vendor;
	tsm->owner = vendor->owner;
	tsm->dev = dev;
	tsm->fw = fw;
	mutex_init(&tsm->lock);
	INIT_LIST_HEAD(&tsm->lost_links);
	xa_init(&tsm->bound);
	xa_init(&tsm->kept);
	vendor->setup(tsm);
}
EXPORT_SYMBOL_GPL(tio_tsm_setup);

/**
 * tio_tsm_clean() - undo tio_tsm_setup()
 * @tsm: the root complex; nothing is bound or connected any more
 *
 * Whether firmware has let go of everything is in tio_tsm::leaks: what was leaked
 * keeps pointing to @tsm, which is left as it is then. Context: process.
 */
void tio_tsm_clean(struct tio_tsm *tsm)
{
	if (tsm->vendor->sweep)
		tsm->vendor->sweep(tsm);
	if (atomic_read(&tsm->leaks))
		return;
	tsm->vendor->clean(tsm);
	xa_destroy(&tsm->kept);
	xa_destroy(&tsm->bound);
	mutex_destroy(&tsm->lock);
}
EXPORT_SYMBOL_GPL(tio_tsm_clean);

static struct tio_tsm *tsm_alloc(struct platform_device *pdev,
				 const struct tio_tsm_vendor *vendor)
{
	const struct teemu_tsm_pdata *pdata = dev_get_platdata(&pdev->dev);
	struct tio_tsm *tsm __free(kfree) = kzalloc(vendor->tsm_size,
						    GFP_KERNEL);

	if (!pdata)
		return ERR_PTR(-EINVAL);
	/* its ids, pages and streams are taken, and nobody knows by whom */
	if (is_lost_fw(pdata->fw))
		return ERR_PTR(-EBUSY);
	if (!tsm || init_srcu_struct(&tsm->srcu))
		return ERR_PTR(-ENOMEM);
	tio_tsm_setup(tsm, vendor, &pdev->dev, pdata->fw);
	tsm->rc = pdata->rc;
	tsm->domain = pdata->domain;
	return_ptr(tsm);
}

/* What was leaked keeps pointing to it */
static void tsm_free(struct tio_tsm *tsm)
{
	tio_tsm_clean(tsm);
	if (atomic_read(&tsm->leaks)) {
		guard(mutex)(&lost_tsms_lock);
		list_add_tail(&tsm->lost, &lost_tsms);
		return;
	}
	cleanup_srcu_struct(&tsm->srcu);
	kfree(tsm);
}

/**
 * tio_tsm_probe() - a TSM driver gets its root complex
 * @pdev: platform device of the root complex, with &struct teemu_tsm_pdata
 * @vendor: the driver; lives as long as its module
 *
 * Context: process. Undone by tio_tsm_remove().
 *
 * Return: 0; -EINVAL: no platform data; -EBUSY: firmware has things that an earlier
 * driver leaked; -ENOMEM; or why tsm_register() failed.
 */
int tio_tsm_probe(struct platform_device *pdev,
		  const struct tio_tsm_vendor *vendor)
{
	struct tio_tsm *tsm = tsm_alloc(pdev, vendor);
	struct tsm_dev *tsm_dev;

	if (IS_ERR(tsm))
		return PTR_ERR(tsm);
	platform_set_drvdata(pdev, tsm);
	teemu_set_tdma_miss(tsm->rc, vendor->miss, tsm);

	/* published: functions can be connected from here on */
	tsm_dev = tsm_register(&pdev->dev, vendor->ops);
	if (IS_ERR(tsm_dev)) {
		teemu_set_tdma_miss(tsm->rc, NULL, NULL);
		tsm_free(tsm);
		return PTR_ERR(tsm_dev);
	}
	tsm->tsm_dev = tsm_dev;
	return 0;
}
EXPORT_SYMBOL_GPL(tio_tsm_probe);

/**
 * tio_tsm_remove() - undo tio_tsm_probe()
 * @pdev: as there
 *
 * Disconnects and unbinds everything, ends the TVMs. Never fails: what firmware
 * does not give back is leaked. Context: process.
 */
void tio_tsm_remove(struct platform_device *pdev)
{
	struct tio_tsm *tsm = platform_get_drvdata(pdev);

	/* disconnects and unbinds everything */
	tsm_unregister(tsm->tsm_dev);
	teemu_set_tdma_miss(tsm->rc, NULL, NULL);
	tio_tvms_end_all(tsm->vendor->tvms, tsm);
	tsm_free(tsm);
}
EXPORT_SYMBOL_GPL(tio_tsm_remove);
