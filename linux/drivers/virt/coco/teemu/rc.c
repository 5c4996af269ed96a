// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: an emulated root complex: a PCI domain of its own with a root port, one
 * endpoint, an IOMMU, and the seam to the firmware of one vendor.
 *
 * Its memory is a slice of what the kernel command line reserved
 * (memmap=64M$0x70000000, 144M for three of them): VFIO, dma-buf and KVM accept
 * such memory as a BAR. Linux cannot place a BAR there by itself, so all are
 * programmed when Linux finds them, and claimed.
 */
#define pr_fmt(fmt) "teemu: " fmt

#include <linux/cleanup.h>
#include <linux/device/faux.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kstrtox.h>
#include <linux/msi.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "rc.h"

/*
 * A slice: the physical functions' BAR 2, 16 MiB each and aligned so; behind them
 * 1 MiB for the small BARs; then the VFs' BAR 2, 1 MiB each. In the small part each
 * physical function has 128 KiB, BAR 0 first, BAR 4 behind it; then comes BAR 0 of
 * all VFs, then their BAR 4, as SR-IOV wants it.
 * Slices start 48 MiB apart; the last needs 35 MiB only.
 */
#define SLICE_STRIDE		(3 * SZ_16M)
#define SLICE_SMALL		(TEEMU_NR_PFS * TEEMU_BAR_MEM_SIZE)
#define SLICE_SMALL_STRIDE	SZ_128K
#define SLICE_VF_REGS		(SLICE_SMALL + TEEMU_NR_PFS * SLICE_SMALL_STRIDE)
#define SLICE_VF_MSIX		(SLICE_VF_REGS + \
				 TEEMU_NR_VFS * TEEMU_BAR_REGS_SIZE)
#define SLICE_VF_MEM		(SLICE_SMALL + SZ_1M)
#define SLICE_SIZE		(SLICE_VF_MEM + \
				 TEEMU_NR_VFS * TEEMU_VF_BAR_MEM_SIZE)
#define MAX_SLICES		8

static_assert(SLICE_SIZE <= SLICE_STRIDE);
static_assert(TEEMU_BAR_REGS_SIZE + TEEMU_BAR_MSIX_SIZE <= SLICE_SMALL_STRIDE);
static_assert(SLICE_VF_MSIX + TEEMU_NR_VFS * TEEMU_BAR_MSIX_SIZE <= SLICE_VF_MEM);

/* where slices may be, as far as it is reserved; constant after boot */
static u64 teemu_mem_start = 0x70000000;
static u64 teemu_mem_size = SZ_256M;

/* which slices are taken, under the lock */
static DEFINE_MUTEX(teemu_slices_lock);
static unsigned long teemu_slices;

static int teemu_mem_set(const char *val, const struct kernel_param *kp)
{
	u64 size, start;
	char *end;

	size = memparse(val, &end);
	if (*end != '@' && *end != '$')
		return -EINVAL;
	start = memparse(end + 1, &end);
	if (*end && *end != '\n')
		return -EINVAL;
	teemu_mem_start = start;
	teemu_mem_size = size;
	return 0;
}

static int teemu_mem_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%#llx@%#llx\n", teemu_mem_size, teemu_mem_start);
}

static const struct kernel_param_ops teemu_mem_ops = {
	.set = teemu_mem_set,
	.get = teemu_mem_get,
};
module_param_cb(mem, &teemu_mem_ops, NULL, 0444);
MODULE_PARM_DESC(mem, "memory of the root complexes, reserved with memmap=: size@start");

/* Is all of the slice memory that the firmware's map calls reserved? */
static bool is_reserved(resource_size_t start, resource_size_t size)
{
	for (resource_size_t pos = 0; pos < size; pos += SZ_1M)
		if (region_intersects(start + pos, SZ_1M, IORESOURCE_MEM,
				      IORES_DESC_RESERVED) != REGION_INTERSECTS)
			return false;
	return true;
}

static int teemu_slice_get(struct resource *res)
{
	resource_size_t start = ALIGN(teemu_mem_start, TEEMU_BAR_MEM_SIZE);
	resource_size_t end = teemu_mem_start + teemu_mem_size;

	guard(mutex)(&teemu_slices_lock);
	for (int i = 0; i < MAX_SLICES; i++, start += SLICE_STRIDE) {
		if (start + SLICE_SIZE > end)
			break;
		if (test_bit(i, &teemu_slices))
			continue;
		if (!is_reserved(start, SLICE_SIZE)) {
			pr_err("%pa to %#llx is not reserved: boot with memmap=%lluM$%#llx or more, or with teemu.mem=size@start\n",
			       &start, start + SLICE_SIZE - 1,
			       (start + SLICE_SIZE - teemu_mem_start + SZ_1M - 1) / SZ_1M,
			       teemu_mem_start);
			return -ENODEV;
		}
		__set_bit(i, &teemu_slices);
		res->start = start;
		res->end = start + SLICE_SIZE - 1;
		res->flags = IORESOURCE_MEM;
		return i;
	}
	pr_err("no room for another root complex in teemu.mem=%#llx@%#llx\n",
	       teemu_mem_size, teemu_mem_start);
	return -ENODEV;
}

static void teemu_slice_put(int slot)
{
	guard(mutex)(&teemu_slices_lock);
	__clear_bit(slot, &teemu_slices);
}

/**
 * teemu_rc_name() - vendor name of a root complex
 * @rc: the root complex
 *
 * Return: the name that teemu_rc_create() was given.
 */
const char *teemu_rc_name(struct teemu_rc *rc)
{
	return rc->name;
}

/**
 * teemu_rc_domain() - PCI domain of a root complex
 * @rc: the root complex
 *
 * Return: the number, 0x10000 or above.
 */
int teemu_rc_domain(struct teemu_rc *rc)
{
	return rc->sysdata.domain;
}

/**
 * teemu_rc_iommu() - the IOMMU in front of a root complex
 * @rc: the root complex
 *
 * Return: the IOMMU.
 */
struct teemu_iommu *teemu_rc_iommu(struct teemu_rc *rc)
{
	return rc->iommu;
}

/**
 * teemu_rc_find_fn() - the function with this requester id
 * @rc: the root complex
 * @rid: requester id
 *
 * Return: the function or NULL.
 */
struct teemu_fn *teemu_rc_find_fn(struct teemu_rc *rc, u16 rid)
{
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		if (rc->fn[i].rid == rid)
			return &rc->fn[i];
	return NULL;
}

/**
 * teemu_rc_tdma() - ask the firmware about a T=1 request
 * @rc: the root complex
 * @rid: requester id
 * @gpa: address in the guest
 * @len: bytes; the request stays in one 4 KiB page
 * @write: the device writes
 * @xfer: called once with the physical address, must not sleep
 * @ctx: its argument
 *
 * Return: 0, -EACCES or -ENOENT, see struct teemu_fw_ops. Context: process.
 */
int teemu_rc_tdma(struct teemu_rc *rc, u16 rid, u64 gpa, size_t len, bool write,
		  void (*xfer)(void *ctx, phys_addr_t hpa), void *ctx)
{
	return rc->ops->tdma(rc->fw, rid, gpa, len, write, xfer, ctx);
}

/**
 * teemu_rc_tdma_miss() - let the TSM driver fill firmware's table
 * @rc: the root complex
 * @rid: requester id
 * @gpa: address in the guest that teemu_rc_tdma() did not find
 *
 * Return: 0 to try again, or -errno. Context: process, may sleep.
 */
int teemu_rc_tdma_miss(struct teemu_rc *rc, u16 rid, u64 gpa)
{
	guard(rwsem_read)(&rc->miss_sem);
	return rc->miss ? rc->miss(rc->miss_priv, rid, gpa) : -ENOENT;
}

/**
 * teemu_set_tdma_miss() - who fills firmware's tables on a T=1 miss
 * @rc: the root complex
 * @miss: called in process context without locks, NULL for nobody
 * @priv: passed to @miss
 *
 * Waits for calls in progress, so the caller holds nothing that @miss takes.
 */
void teemu_set_tdma_miss(struct teemu_rc *rc,
			 int (*miss)(void *priv, u16 rid, u64 gpa), void *priv)
{
	guard(rwsem_write)(&rc->miss_sem);
	rc->miss = miss;
	rc->miss_priv = priv;
}
EXPORT_SYMBOL_GPL(teemu_set_tdma_miss);

/* Whoever cuts a stream because a TDI does not stop counts on its scrubbing. */
static void platform_ide_keys(void *priv, u8 stream, bool go)
{
	teemu_ide_set_keys(priv, stream, go);
	if (!go)
		teemu_ide_settle(priv, stream);
}

static void platform_invalidate(void *priv, u16 rid)
{
	struct teemu_rc *rc = priv;

	teemu_iommu_drain(rc->iommu, rid);
}

const struct teemu_platform teemu_platform = {
	.ide_keys = platform_ide_keys,
	.invalidate = platform_invalidate,
};
EXPORT_SYMBOL_GPL(teemu_platform);

/* What a function is, before it has memory. */
static void teemu_init_fn(struct teemu_rc *rc, unsigned int nr)
{
	struct teemu_fn *fn = &rc->fn[nr];

	fn->rc = rc;
	fn->devfn = nr;
	if (nr >= TEEMU_NR_PFS) {
		fn->vf = true;
		fn->vf_index = nr - TEEMU_NR_PFS;
		fn->devfn = TEEMU_VF_OFFSET + fn->vf_index * TEEMU_VF_STRIDE;
	}
	fn->rid = PCI_DEVID(TEEMU_FN_BUS, fn->devfn);
	fn->bar_size[0] = TEEMU_BAR_REGS_SIZE;
	fn->bar_size[1] = fn->vf ? TEEMU_VF_BAR_MEM_SIZE : TEEMU_BAR_MEM_SIZE;
	fn->bar_size[2] = TEEMU_BAR_MSIX_SIZE;
	teemu_dsm_init(fn);
	teemu_msi_fn_init(fn);
}

/**
 * teemu_rc_alloc() - a root complex that nothing is plugged into yet
 * @name: vendor name, lives as long as the root complex
 *
 * Config spaces are defined but not powered on, TDIs are CONFIG_UNLOCKED, there
 * is no memory, no IOMMU and no PCI bus. Undone by teemu_rc_free().
 *
 * Return: the root complex or NULL.
 */
struct teemu_rc *teemu_rc_alloc(const char *name)
{
	struct teemu_rc *rc = kzalloc_obj(*rc);

	if (!rc)
		return NULL;
	rc->name = name;
	rc->slot = -1;
	rc->sysdata.domain = -1;
	rc->sysdata.node = NUMA_NO_NODE;
	raw_spin_lock_init(&rc->cfg_lock);
	init_rwsem(&rc->miss_sem);
	mutex_init(&rc->plug_lock);
	rc->present = true;
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_init_fn(rc, i);
	teemu_doe_init(rc);
	teemu_spdm_init(rc);
	rc->wq = alloc_workqueue("teemu-%s", WQ_UNBOUND | WQ_HIGHPRI, 0, name);
	if (!rc->wq || teemu_cfg_init(rc)) {
		teemu_rc_free(rc);
		return NULL;
	}
	return rc;
}

/**
 * teemu_rc_free() - undo teemu_rc_alloc(), also after its failure
 * @rc: the root complex
 */
void teemu_rc_free(struct teemu_rc *rc)
{
	teemu_doe_exit(rc);
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++) {
		teemu_msi_fn_exit(&rc->fn[i]);
		teemu_dsm_exit(&rc->fn[i]);
	}
	if (rc->wq)
		destroy_workqueue(rc->wq);
	teemu_cfg_exit(rc);
	mutex_destroy(&rc->plug_lock);
	kfree(rc);
}

/* Undo teemu_map_fn(), from any half-way state; config space is out of reach. */
static void teemu_unmap_fn(struct teemu_fn *fn)
{
	cancel_work_sync(&fn->settle);
	if (fn->dma)
		teemu_dma_destroy(fn->dma);
	fn->dma = NULL;
	cancel_delayed_work_sync(&fn->msi_retry);
	if (fn->regs)
		iounmap(fn->regs);
	if (fn->mem)
		iounmap(fn->mem);
	if (fn->msix)
		iounmap(fn->msix);
	fn->regs = NULL;
	fn->mem = NULL;
	fn->msix = NULL;
}

/* Where in the slice a function's BARs are. */
static void teemu_place_fn(struct teemu_fn *fn)
{
	resource_size_t base = fn->rc->window.start;
	resource_size_t small = base + SLICE_SMALL + fn->devfn * SLICE_SMALL_STRIDE;

	if (fn->vf) {
		fn->bar_phys[0] = base + SLICE_VF_REGS;
		fn->bar_phys[1] = base + SLICE_VF_MEM;
		fn->bar_phys[2] = base + SLICE_VF_MSIX;
		for (unsigned int i = 0; i < TEEMU_NR_BARS; i++)
			fn->bar_phys[i] += fn->vf_index * fn->bar_size[i];
	} else {
		fn->bar_phys[0] = small;
		fn->bar_phys[1] = base + fn->devfn * TEEMU_BAR_MEM_SIZE;
		fn->bar_phys[2] = small + TEEMU_BAR_REGS_SIZE;
	}
}

/*
 * ioremap(), although it is memory: a cacheable alias would make VFIO's own
 * mapping of the BAR fail.
 */
static int teemu_map_fn(struct teemu_fn *fn)
{
	struct teemu_dma *dma;

	teemu_place_fn(fn);
	fn->regs = ioremap(fn->bar_phys[0], fn->bar_size[0]);
	fn->mem = ioremap(fn->bar_phys[1], fn->bar_size[1]);
	fn->msix = ioremap(fn->bar_phys[2], fn->bar_size[2]);
	if (!fn->regs || !fn->mem || !fn->msix)
		return -ENOMEM;

	memset_io(fn->regs, 0, fn->bar_size[0]);
	memset_io(fn->msix, 0, fn->bar_size[2]);
	scoped_guard(raw_spinlock_irqsave, &fn->rc->cfg_lock)
		teemu_msi_fn_reset(fn);
	dma = teemu_dma_create(fn);
	if (IS_ERR_OR_NULL(dma))
		return dma ? PTR_ERR(dma) : -ENOMEM;
	fn->dma = dma;
	return 0;
}

/* Errors and hot-plug are Linux's business, the rest is nobody's. */
static void teemu_services(struct pci_host_bridge *bridge)
{
	bridge->native_aer = 1;
	bridge->native_pcie_hotplug = 1;
	bridge->native_shpc_hotplug = 0;
	bridge->native_pme = 0;
	bridge->native_ltr = 0;
	bridge->native_dpc = 0;
}

/* The window of the port above, which firmware has programmed. */
static bool teemu_claim_window(struct pci_bus *bus)
{
	struct pci_dev *port = bus->self;

	if (!port)
		return false;
	if (port->resource[PCI_BRIDGE_MEM_WINDOW].parent)
		return true;
	pci_read_bridge_bases(bus);
	return !pci_claim_bridge_resource(port, PCI_BRIDGE_MEM_WINDOW);
}

/*
 * One BAR or VF BAR, that firmware has put at @start. After a reset that nobody
 * restored it from it reads 0: programmed once more.
 */
static void teemu_claim_bar(struct pci_dev *pdev, int i, resource_size_t start)
{
	struct resource *res = &pdev->resource[i];

	if (!(res->flags & IORESOURCE_MEM) || res->parent)
		return;
	if (!res->start) {
		resource_set_range(res, start, resource_size(res));
		res->flags &= ~IORESOURCE_UNSET;
		pci_update_resource(pdev, i);
	}
	if (pci_claim_resource(pdev, i))
		pci_err(pdev, "resource %d is not claimed\n", i);
}

/*
 * A function that is found, now or after a rescan or in a slot that was empty: the
 * PCI core would assign new addresses, and on x86 it finds no room in memory that
 * e820 calls reserved. A VF's BARs are parts of those that its PF has claimed.
 */
static int teemu_rc_notify(struct notifier_block *nb, unsigned long action,
			   void *data)
{
	struct teemu_rc *rc = container_of(nb, struct teemu_rc, nb);
	struct pci_dev *pdev = to_pci_dev(data);
	struct teemu_fn *fn, *vf = &rc->fn[TEEMU_NR_PFS];

	if (action != BUS_NOTIFY_ADD_DEVICE ||
	    pci_domain_nr(pdev->bus) != teemu_rc_domain(rc))
		return NOTIFY_DONE;
	fn = teemu_rc_find_fn(rc, pci_dev_id(pdev));
	if (!fn || fn->vf || !teemu_claim_window(pdev->bus))
		return NOTIFY_DONE;

	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++)
		teemu_claim_bar(pdev, 2 * i, fn->bar_phys[i]);
	for (unsigned int i = 0; pdev->is_physfn && i < TEEMU_NR_BARS; i++)
		teemu_claim_bar(pdev, PCI_IOV_RESOURCES + 2 * i, vf->bar_phys[i]);
	return NOTIFY_OK;
}

/* Memory, PCI domain number, interrupt remapping, IOMMU, functions. */
static int teemu_rc_equip(struct teemu_rc *rc)
{
	struct teemu_iommu *iommu;
	int ret;

	ret = teemu_slice_get(&rc->window);
	if (ret < 0)
		return ret;
	rc->slot = ret;
	rc->window.name = rc->name;
	ret = insert_resource(&iomem_resource, &rc->window);
	if (ret) {
		rc->window.flags = 0;
		return ret;
	}

	ret = pci_bus_find_emul_domain_nr(0, 0x10000, INT_MAX);
	if (ret < 0)
		return ret;
	rc->sysdata.domain = ret;

	rc->msi = teemu_msi_create(rc);
	if (!rc->msi)
		return -ENOMEM;
	iommu = teemu_iommu_create(rc, rc->name);
	if (IS_ERR_OR_NULL(iommu))
		return iommu ? PTR_ERR(iommu) : -ENOMEM;
	rc->iommu = iommu;

	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++) {
		ret = teemu_map_fn(&rc->fn[i]);
		if (ret)
			return ret;
	}
	teemu_cfg_power_on(rc);

	rc->nb.notifier_call = teemu_rc_notify;
	ret = bus_register_notifier(&pci_bus_type, &rc->nb);
	if (ret)
		rc->nb.notifier_call = NULL;
	return ret;
}

/* Undo teemu_rc_equip(), from any half-way state. */
static void teemu_rc_strip(struct teemu_rc *rc)
{
	if (rc->nb.notifier_call)
		bus_unregister_notifier(&pci_bus_type, &rc->nb);
	teemu_doe_exit(rc);
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_unmap_fn(&rc->fn[i]);
	if (rc->iommu)
		teemu_iommu_destroy(rc->iommu);
	if (rc->msi)
		teemu_msi_destroy(rc->msi);
	if (rc->sysdata.domain >= 0)
		pci_bus_release_emul_domain_nr(rc->sysdata.domain);
	if (rc->window.flags)
		remove_resource(&rc->window);
	if (rc->slot >= 0)
		teemu_slice_put(rc->slot);
}

static int teemu_rc_scan(struct teemu_rc *rc)
{
	LIST_HEAD(resources);
	struct pci_bus *child;

	rc->busn = (struct resource) {
		.name = rc->name,
		.start = 0,
		.end = TEEMU_FN_BUS,
		.flags = IORESOURCE_BUS,
	};
	pci_add_resource(&resources, &rc->busn);
	pci_add_resource(&resources, &rc->window);

	pci_lock_rescan_remove();
	rc->bus = pci_create_root_bus(&rc->host->dev, 0, &teemu_pci_ops,
				      &rc->sysdata, &resources);
	if (!rc->bus) {
		pci_unlock_rescan_remove();
		pci_free_resource_list(&resources);
		return -ENODEV;
	}
	teemu_services(to_pci_host_bridge(rc->bus->bridge));
	dev_set_msi_domain(&rc->bus->dev, teemu_msi_domain(rc->msi));
	pci_scan_child_bus(rc->bus);
	list_for_each_entry(child, &rc->bus->children, node)
		pcie_bus_configure_settings(child);
	pci_bus_add_devices(rc->bus);
	pci_unlock_rescan_remove();
	return 0;
}

static void teemu_rc_unscan(struct teemu_rc *rc)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(rc->bus);
	pci_remove_root_bus(rc->bus);
	pci_unlock_rescan_remove();
}

/* The platform device of the vendor's TSM driver, last: it may probe at once. */
static int teemu_rc_add_tsm(struct teemu_rc *rc)
{
	struct teemu_tsm_pdata pdata = {
		.rc = rc,
		.domain = rc->sysdata.domain,
		.fw = rc->fw,
	};
	char name[PLATFORM_NAME_SIZE];
	struct platform_device *tsm;

	snprintf(name, sizeof(name), "teemu-%s", rc->name);
	tsm = platform_device_register_data(&rc->host->dev, name,
					    PLATFORM_DEVID_NONE, &pdata,
					    sizeof(pdata));
	if (IS_ERR(tsm))
		return PTR_ERR(tsm);
	rc->tsm = tsm;
	return 0;
}

static int teemu_rc_plug(struct teemu_rc *rc)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "teemu-rc-%s", rc->name);
	rc->host = faux_device_create(name, NULL, NULL);
	if (!rc->host)
		return -ENOMEM;
	ret = teemu_rc_equip(rc);
	if (ret)
		goto err_strip;
	ret = teemu_rc_scan(rc);
	if (ret)
		goto err_strip;
	teemu_debugfs_add(rc);
	/* the TSM driver calls firmware as soon as it sees its device */
	if (rc->ops->attach)
		rc->ops->attach(rc->fw, &teemu_platform, rc);
	ret = teemu_rc_add_tsm(rc);
	if (ret)
		goto err_unscan;
	pr_info("%s: domain %04x, memory %pR\n", rc->name, rc->sysdata.domain,
		&rc->window);
	return 0;

err_unscan:
	if (rc->ops->attach)
		rc->ops->attach(rc->fw, NULL, NULL);
	teemu_debugfs_remove(rc);
	teemu_rc_unscan(rc);
err_strip:
	teemu_rc_strip(rc);
	faux_device_destroy(rc->host);
	return ret;
}

/**
 * teemu_rc_create() - power on an emulated root complex
 * @name: vendor name, see <linux/teemu.h>; lives as long as the root complex
 * @ops: the firmware's ops
 * @fw: the firmware
 *
 * Undone by teemu_rc_destroy(). Context: process, may sleep, takes
 * pci_lock_rescan_remove. The vendor's TSM driver may probe before it returns.
 *
 * Return: the root complex; ERR_PTR(-ENODEV) if no reserved memory is left,
 * ERR_PTR(-ENOMEM), or what the PCI core answers.
 */
struct teemu_rc *teemu_rc_create(const char *name,
				 const struct teemu_fw_ops *ops, void *fw)
{
	struct teemu_rc *rc = teemu_rc_alloc(name);
	int ret;

	if (!rc)
		return ERR_PTR(-ENOMEM);
	rc->ops = ops;
	rc->fw = fw;
	ret = teemu_rc_plug(rc);
	if (ret) {
		teemu_rc_free(rc);
		return ERR_PTR(ret);
	}
	return rc;
}
EXPORT_SYMBOL_GPL(teemu_rc_create);

/**
 * teemu_rc_destroy() - undo teemu_rc_create()
 * @rc: the root complex
 *
 * The TSM driver goes first, then the PCI devices with their drivers. Context:
 * process, may sleep, takes pci_lock_rescan_remove.
 */
void teemu_rc_destroy(struct teemu_rc *rc)
{
	platform_device_unregister(rc->tsm);
	if (rc->ops->attach)
		rc->ops->attach(rc->fw, NULL, NULL);
	teemu_debugfs_remove(rc);
	teemu_rc_unscan(rc);
	teemu_rc_strip(rc);
	faux_device_destroy(rc->host);
	teemu_rc_free(rc);
}
EXPORT_SYMBOL_GPL(teemu_rc_destroy);
