// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: MSI-X of the endpoint, MSI of the root port, and interrupt remapping in
 * front of both.
 *
 * The remapping domain sits between the PCI core's MSI-X domains and x86's
 * vector domain. A message carries a handle, and a handle works for the
 * requester id that it was allocated for and no other: interrupts are isolated,
 * which VFIO asks for. Delivery is a retrigger of the Linux interrupt.
 */
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/msi.h>
#include <linux/cleanup.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/lockdep.h>
#include <linux/msi.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>

#include "rc.h"

#define MSI_ADDRESS		0xfee00000
#define MSI_RETRY		msecs_to_jiffies(1)

/**
 * struct teemu_msi - interrupt remapping of one root complex
 * @domain: MSI parent domain
 * @fwnode: its name
 * @lock: owns @handle
 * @handle: index is the message's data
 * @handle.irqd: interrupt of this handle in @domain, NULL if it is free
 * @handle.rid: the only requester that may use it
 * @handle.active: a vector is behind it
 */
struct teemu_msi {
	struct irq_domain *domain;
	struct fwnode_handle *fwnode;
	raw_spinlock_t lock;
	struct {
		struct irq_data *irqd;
		u16 rid;
		bool active;
	} handle[TEEMU_MSI_HANDLES];
};

static int msi_claim(struct teemu_msi *msi, struct irq_data *irqd, u16 rid)
{
	guard(raw_spinlock_irqsave)(&msi->lock);
	for (unsigned int i = 0; i < TEEMU_MSI_HANDLES; i++) {
		if (msi->handle[i].irqd)
			continue;
		msi->handle[i].irqd = irqd;
		msi->handle[i].rid = rid;
		msi->handle[i].active = false;
		return i;
	}
	return -ENOSPC;
}

static void msi_release(struct teemu_msi *msi, unsigned int handle)
{
	guard(raw_spinlock_irqsave)(&msi->lock);
	msi->handle[handle].irqd = NULL;
	msi->handle[handle].active = false;
}

static void msi_set_active(struct irq_domain *domain, struct irq_data *irqd,
			   bool active)
{
	struct teemu_msi *msi = domain->host_data;

	guard(raw_spinlock_irqsave)(&msi->lock);
	msi->handle[irqd->hwirq].active = active;
}

static void teemu_msi_compose(struct irq_data *irqd, struct msi_msg *msg)
{
	msg->address_hi = 0;
	msg->address_lo = MSI_ADDRESS;
	msg->data = irqd->hwirq;
}

static int teemu_msi_set_affinity(struct irq_data *irqd,
				  const struct cpumask *mask, bool force)
{
	struct irq_data *parent = irqd->parent_data;
	int ret = parent->chip->irq_set_affinity(parent, mask, force);

	if (ret < 0 || ret == IRQ_SET_MASK_OK_DONE)
		return ret;
	/* the message stays as it is; from here on the new vector is hit */
	vector_schedule_cleanup(irqd_cfg(irqd));
	return IRQ_SET_MASK_OK_DONE;
}

static struct irq_chip teemu_msi_chip = {
	.name			= "TEEMU-IR",
	.irq_ack		= irq_chip_ack_parent,
	.irq_set_affinity	= teemu_msi_set_affinity,
	.irq_compose_msi_msg	= teemu_msi_compose,
};

static int teemu_msi_alloc(struct irq_domain *domain, unsigned int virq,
			   unsigned int nr, void *arg)
{
	struct teemu_msi *msi = domain->host_data;
	struct irq_alloc_info *info = arg;
	struct irq_data *irqd;
	int ret;

	/* MSI-X comes one by one, and the port's MSI has one message */
	if (nr != 1 || !info ||
	    (info->type != X86_IRQ_ALLOC_TYPE_PCI_MSIX &&
	     info->type != X86_IRQ_ALLOC_TYPE_PCI_MSI))
		return -EINVAL;
	ret = irq_domain_alloc_irqs_parent(domain, virq, nr, arg);
	if (ret < 0)
		return ret;

	irqd = irq_domain_get_irq_data(domain, virq);
	ret = msi_claim(msi, irqd, pci_dev_id(msi_desc_to_pci_dev(info->desc)));
	if (ret < 0) {
		irq_domain_free_irqs_common(domain, virq, nr);
		return ret;
	}
	irqd->hwirq = ret;
	irqd->chip = &teemu_msi_chip;
	irqd->chip_data = msi;
	return 0;
}

static void teemu_msi_free(struct irq_domain *domain, unsigned int virq,
			   unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		msi_release(domain->host_data,
			    irq_domain_get_irq_data(domain, virq + i)->hwirq);
	irq_domain_free_irqs_common(domain, virq, nr);
}

static int teemu_msi_activate(struct irq_domain *domain, struct irq_data *irqd,
			      bool reserve)
{
	msi_set_active(domain, irqd, true);
	return 0;
}

static void teemu_msi_deactivate(struct irq_domain *domain,
				 struct irq_data *irqd)
{
	msi_set_active(domain, irqd, false);
}

static const struct irq_domain_ops teemu_msi_domain_ops = {
	.alloc		= teemu_msi_alloc,
	.free		= teemu_msi_free,
	.activate	= teemu_msi_activate,
	.deactivate	= teemu_msi_deactivate,
};

/*
 * x86 knows two kinds of remapping between MSI and the vector domain, Intel's
 * and AMD's, and treats both alike; the token picks that treatment. select() is
 * not there, so no other device finds this domain.
 */
static const struct msi_parent_ops teemu_msi_parent_ops = {
	.supported_flags	= X86_VECTOR_MSI_FLAGS_SUPPORTED,
	.bus_select_token	= DOMAIN_BUS_DMAR,
	.prefix			= "TEEMU-",
	.init_dev_msi_info	= msi_parent_init_dev_msi_info,
};

/**
 * teemu_msi_create() - create the remapping domain
 * @rc: the root complex; its domain number is known
 *
 * Undone by teemu_msi_destroy(). Return: the domain or NULL.
 */
struct teemu_msi *teemu_msi_create(struct teemu_rc *rc)
{
	struct irq_domain_info info = {
		.size		= TEEMU_MSI_HANDLES,
		.ops		= &teemu_msi_domain_ops,
		.domain_flags	= IRQ_DOMAIN_FLAG_ISOLATED_MSI,
		.parent		= x86_vector_domain,
	};
	struct teemu_msi *msi __free(kfree) = kzalloc_obj(*msi);

	if (!msi)
		return NULL;
	raw_spin_lock_init(&msi->lock);
	msi->fwnode = irq_domain_alloc_named_id_fwnode("TEEMU-IR",
						       teemu_rc_domain(rc));
	if (!msi->fwnode)
		return NULL;
	info.fwnode = msi->fwnode;
	info.host_data = msi;
	msi->domain = msi_create_parent_irq_domain(&info, &teemu_msi_parent_ops);
	if (!msi->domain) {
		irq_domain_free_fwnode(msi->fwnode);
		return NULL;
	}
	return_ptr(msi);
}

/**
 * teemu_msi_destroy() - undo teemu_msi_create()
 * @msi: the domain; no device uses it any more
 */
void teemu_msi_destroy(struct teemu_msi *msi)
{
	irq_domain_remove(msi->domain);
	irq_domain_free_fwnode(msi->fwnode);
	kfree(msi);
}

/**
 * teemu_msi_domain() - the MSI parent domain for the root bus
 * @msi: the remapping
 *
 * Return: the domain.
 */
struct irq_domain *teemu_msi_domain(struct teemu_msi *msi)
{
	return msi->domain;
}

/* A message arrives from @rid: deliver it, or drop it if it may not do that. */
static void msi_deliver(struct teemu_msi *msi, u16 rid, u64 address, u32 data)
{
	if (address != MSI_ADDRESS || data >= TEEMU_MSI_HANDLES)
		return;
	guard(raw_spinlock_irqsave)(&msi->lock);
	if (msi->handle[data].active && msi->handle[data].rid == rid)
		irq_chip_retrigger_hierarchy(msi->handle[data].irqd);
}

static void __iomem *msix_entry(struct teemu_fn *fn, unsigned int vector)
{
	return fn->msix + TEEMU_MSIX_TABLE_OFFSET +
	       vector * PCI_MSIX_ENTRY_SIZE;
}

static void __iomem *msix_pba(struct teemu_fn *fn)
{
	return fn->msix + TEEMU_MSIX_PBA_OFFSET;
}

static bool msix_enabled(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->rc->cfg_lock);
	return teemu_cfg_get(&fn->cfg, TEEMU_MSIX) >> 16 & PCI_MSIX_FLAGS_ENABLE &&
	       teemu_cfg_get(&fn->cfg, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/* Send the message of @vector, false if it is masked. */
static bool msix_send(struct teemu_fn *fn, unsigned int vector)
{
	void __iomem *entry = msix_entry(fn, vector);

	lockdep_assert_held(&fn->rc->cfg_lock);
	if (teemu_cfg_get(&fn->cfg, TEEMU_MSIX) >> 16 & PCI_MSIX_FLAGS_MASKALL ||
	    readl(entry + PCI_MSIX_ENTRY_VECTOR_CTRL) &
	    PCI_MSIX_ENTRY_CTRL_MASKBIT)
		return false;
	msi_deliver(fn->rc->msi, fn->rid,
		    readl(entry + PCI_MSIX_ENTRY_LOWER_ADDR) |
		    (u64)readl(entry + PCI_MSIX_ENTRY_UPPER_ADDR) << 32,
		    readl(entry + PCI_MSIX_ENTRY_DATA));
	return true;
}

/**
 * teemu_msi_raise() - raise an MSI-X vector as the function would
 * @fn: the function
 * @vector: 0 to TEEMU_MSIX_VECTORS - 1
 *
 * Message control and table entry decide; a masked vector becomes pending and
 * goes out once it is unmasked. Context: any, takes cfg_lock.
 */
void teemu_msi_raise(struct teemu_fn *fn, unsigned int vector)
{
	if (WARN_ON_ONCE(vector >= TEEMU_MSIX_VECTORS))
		return;
	guard(raw_spinlock_irqsave)(&fn->rc->cfg_lock);
	if (!msix_enabled(fn) || msix_send(fn, vector))
		return;
	writel(readl(msix_pba(fn)) | BIT(vector), msix_pba(fn));
	queue_delayed_work(fn->rc->wq, &fn->msi_retry, MSI_RETRY);
}

/* Nothing tells that the table in memory was written: look while one pends. */
static void msi_retry(struct work_struct *work)
{
	struct teemu_fn *fn = container_of(to_delayed_work(work),
					   struct teemu_fn, msi_retry);
	unsigned long pending;
	unsigned int vector;

	guard(raw_spinlock_irqsave)(&fn->rc->cfg_lock);
	if (!msix_enabled(fn))
		return;
	pending = readl(msix_pba(fn)) & (BIT(TEEMU_MSIX_VECTORS) - 1);
	for_each_set_bit(vector, &pending, TEEMU_MSIX_VECTORS)
		if (msix_send(fn, vector))
			__clear_bit(vector, &pending);
	writel(pending, msix_pba(fn));
	if (pending)
		queue_delayed_work(fn->rc->wq, &fn->msi_retry, MSI_RETRY);
}

/**
 * teemu_msi_unmasked() - message control was written
 * @fn: the function, cfg_lock held
 */
void teemu_msi_unmasked(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->rc->cfg_lock);
	if (fn->msix && msix_enabled(fn) && readl(msix_pba(fn)))
		queue_delayed_work(fn->rc->wq, &fn->msi_retry, 0);
}

/**
 * teemu_msi_port_raise() - send the root port's message
 * @rc: the root complex, cfg_lock held; MSI is enabled
 */
void teemu_msi_port_raise(struct teemu_rc *rc)
{
	lockdep_assert_held(&rc->cfg_lock);
	msi_deliver(rc->msi, PCI_DEVID(0, TEEMU_PORT_DEVFN),
		    teemu_cfg_get(&rc->port, TEEMU_MSI + PCI_MSI_ADDRESS_LO),
		    teemu_cfg_get(&rc->port, TEEMU_MSI + PCI_MSI_DATA_32));
}

/**
 * teemu_msi_fn_reset() - table and PBA as after a reset
 * @fn: the function, cfg_lock held
 */
void teemu_msi_fn_reset(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->rc->cfg_lock);
	if (!fn->msix)
		return;
	for (unsigned int i = 0; i < TEEMU_MSIX_VECTORS; i++) {
		void __iomem *entry = msix_entry(fn, i);

		writel(0, entry + PCI_MSIX_ENTRY_LOWER_ADDR);
		writel(0, entry + PCI_MSIX_ENTRY_UPPER_ADDR);
		writel(0, entry + PCI_MSIX_ENTRY_DATA);
		writel(PCI_MSIX_ENTRY_CTRL_MASKBIT,
		       entry + PCI_MSIX_ENTRY_VECTOR_CTRL);
	}
	writel(0, msix_pba(fn));
}

/**
 * teemu_msi_fn_init() - prepare the function's side
 * @fn: the function
 */
void teemu_msi_fn_init(struct teemu_fn *fn)
{
	INIT_DELAYED_WORK(&fn->msi_retry, msi_retry);
}

/**
 * teemu_msi_fn_exit() - undo teemu_msi_fn_init()
 * @fn: the function; nothing raises a vector any more
 */
void teemu_msi_fn_exit(struct teemu_fn *fn)
{
	cancel_delayed_work_sync(&fn->msi_retry);
}
