// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seat of a TDI: what this host knows about one function that can be one, from
 * the function's first day to its last, and the two parties that register services
 * (KVM and the TSM drivers' listeners).
 *
 * A seat lives as long as its function, so whoever holds the function may follow
 * pci_dev::tdi_seat; what VFIO and the IOMMU put in comes and goes. A quarantined
 * seat is the record of its quarantine: its function is kept, and one that turns up
 * later at the same address takes the quarantine over.
 *
 * The gate is in tdi-gate.c, the binding in tdi-bind.c, events in tdi-event.c;
 * nouns and lock order in linux/pci-tdi.h.
 */
#define dev_fmt(fmt) "TDI: " fmt

#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#define CREATE_TRACE_POINTS
#include <trace/events/pci_tdi.h>

#include "tdi.h"

DEFINE_SPINLOCK(tdi_lock);
LIST_HEAD(tdi_seats);

/* Owns tdi_kvm_ops; a user takes the module reference under it */
static DEFINE_SPINLOCK(tdi_kvm_lock);
static const struct pci_tdi_kvm_ops *tdi_kvm_ops;

/*
 * Listeners are called under KVM's mmu_lock and may sleep when a VM dies, so the
 * list is read under SRCU; tdi_listeners_lock serialises those who change it.
 */
static DEFINE_SPINLOCK(tdi_listeners_lock);
static LIST_HEAD(tdi_listeners);
DEFINE_STATIC_SRCU(tdi_listeners_srcu);

/* Seats and functions are the same to those who keep one: see tdi_seat_get() */
struct pci_tdi_seat *tdi_seat_get(struct pci_tdi_seat *seat)
{
	pci_dev_get(seat->pdev);
	return seat;
}

/**
 * pci_tdi_seat_get() - find and reference the seat of a function
 * @pdev: the function, referenced by the caller
 *
 * Return: the seat, to be put with pci_tdi_seat_put(), or NULL if the function
 * cannot be a TDI. Context: any.
 */
struct pci_tdi_seat *pci_tdi_seat_get(struct pci_dev *pdev)
{
	return pdev->tdi_seat ? tdi_seat_get(pdev->tdi_seat) : NULL;
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_get);

/**
 * pci_tdi_seat_put() - drop a reference of pci_tdi_seat_get()
 * @seat: the seat
 *
 * Context: process, or any where it cannot be the function's last reference.
 */
void pci_tdi_seat_put(struct pci_tdi_seat *seat)
{
	pci_dev_put(seat->pdev);
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_put);

/* The only place that changes ->state, so that every change is traced and woken */
void tdi_seat_set_state(struct pci_tdi_seat *seat, enum pci_tdi_state state)
{
	lockdep_assert_held(&seat->lock);

	trace_pci_tdi_state(seat->pdev, seat->state, state);
	/* a request on its way was for what was: sent away, see pci_tdi_req_stands() */
	seat->requester = NULL;
	WRITE_ONCE(seat->state, state);
	wake_up_all(&seat->wait);
}

/* In quarantine, from the failed unbind until one that succeeds has ended */
bool tdi_seat_kept(struct pci_tdi_seat *seat)
{
	lockdep_assert_held(&seat->lock);

	return seat->binding && seat->binding->kept;
}

/* For who may have made it so, where pci_tdi_quarantined() tells the trace of one kept off */
bool tdi_is_kept(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	return tdi_seat_kept(seat);
}

static bool tdi_seat_settled(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	return seat->state != PCI_TDI_BINDING &&
	       seat->state != PCI_TDI_UNBINDING;
}

/*
 * Wait until nobody binds or unbinds; somebody may begin to right after. The wait
 * is for kernel code only: a bind or an unbind, each bounded by DOE's time limits.
 */
void tdi_seat_wait(struct pci_tdi_seat *seat)
{
	wait_event(seat->wait, tdi_seat_settled(seat));
}

/* The seat of a function that was at the address of @seat and is not unbound yet */
static struct pci_tdi_seat *tdi_seat_before(struct pci_tdi_seat *seat)
{
	struct pci_tdi_seat *before;

	guard(spinlock_irqsave)(&tdi_lock);
	list_for_each_entry(before, &tdi_seats, node) {
		guard(spinlock)(&before->lock);
		/* a binding keeps its function, so there is one to reference */
		if (before->binding && before->domain == seat->domain &&
		    before->rid == seat->rid)
			return tdi_seat_get(before);
	}
	return NULL;
}

/* @seat, of a function that was just found, takes over what @before is stuck in */
static void tdi_take_over(struct pci_tdi_seat *seat,
			  struct pci_tdi_seat *before)
{
	struct tdi_binding *b;

	scoped_guard(spinlock_irqsave, &before->lock) {
		/* somebody may have tried the way out meanwhile, with success */
		if (before->state != PCI_TDI_QUARANTINED)
			return;
		b = before->binding;
		before->binding = NULL;
		/* KVM's slots go on to ask the seat that they know */
		WRITE_ONCE(before->heir, tdi_seat_get(seat));
		tdi_seat_set_state(before, PCI_TDI_UNBOUND);
	}
	pci_err(seat->pdev, "still quarantined: %s\n", b->quarantine);

	guard(spinlock_irqsave)(&seat->lock);
	seat->binding = b;
	if (b->tdi) {
		b->tdi->seat = seat;
		b->tdi->pdev = seat->pdev;
	}
	tdi_seat_get(seat);
	tdi_seat_set_state(seat, PCI_TDI_QUARANTINED);
	/* of the binding */
	pci_tdi_seat_put(before);
}

/*
 * The function may be the same piece of hardware that firmware would not let go of,
 * seen by a new bus scan. Its last unbind may still be at work.
 */
static void tdi_inherit_quarantine(struct pci_tdi_seat *seat)
{
	struct pci_tdi_seat *before;

	bool bound;

	while (!seat->binding && (before = tdi_seat_before(seat))) {
		tdi_seat_wait(before);
		bound = READ_ONCE(before->state) == PCI_TDI_BOUND;
		tdi_take_over(seat, before);
		pci_tdi_seat_put(before);
		/* removal unbinds */
		if (WARN_ON_ONCE(bound))
			return;
	}
}

static bool tdi_can_be(struct pci_dev *pdev)
{
	if (!pci_is_pcie(pdev))
		return false;
	return pci_pcie_type(pdev) == PCI_EXP_TYPE_ENDPOINT ||
	       pci_pcie_type(pdev) == PCI_EXP_TYPE_RC_END;
}

/**
 * pci_tdi_init() - a function has been found
 * @pdev: the function, capabilities known, not yet on its bus
 *
 * Any endpoint gets a seat: which functions the DSM can lock is for it to say, not
 * for the TEE bit of each of them. Without memory for it the function works and
 * cannot be bound. Context: process.
 */
void pci_tdi_init(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat;

	if (!tdi_can_be(pdev))
		return;
	seat = kzalloc_obj(*seat);
	if (!seat)
		return;

	seat->pdev = pdev;
	seat->pf = pdev->is_virtfn ? pci_dev_get(pci_physfn(pdev)) : NULL;
	seat->domain = pci_domain_nr(pdev->bus);
	seat->rid = pci_dev_id(pdev);
	spin_lock_init(&seat->lock);
	init_waitqueue_head(&seat->wait);
	INIT_WORK(&seat->release, tdi_seat_release_work);
	mutex_init(&seat->notify_lock);
	INIT_WORK(&seat->notify_work, tdi_seat_notify_work);
	tdi_inherit_quarantine(seat);

	guard(spinlock_irqsave)(&tdi_lock);
	list_add_tail(&seat->node, &tdi_seats);
	pdev->tdi_seat = seat;
}

/**
 * pci_tdi_release() - the last reference of a function is gone
 * @pdev: the function
 *
 * Undoes pci_tdi_init(). A bound or quarantined function has a reference more and
 * does not come here. Context: process.
 */
void pci_tdi_release(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	scoped_guard(spinlock_irqsave, &tdi_lock)
		list_del(&seat->node);
	WARN_ON(seat->binding || seat->bar_ops);
	mutex_destroy(&seat->notify_lock);
	pci_dev_put(seat->pf);
	if (seat->heir)
		pci_tdi_seat_put(seat->heir);
	pdev->tdi_seat = NULL;
	kfree(seat);
}

/**
 * pci_tdi_seat_register() - VFIO offers a function
 * @pdev: the function; its driver is VFIO's
 * @ops: VFIO's half
 * @priv: passed to @ops
 *
 * To be undone with pci_tdi_seat_unregister(). Context: process.
 *
 * Return: 0, also for a function that cannot be a TDI; -EIO: it is quarantined
 * and must not be used; -EBUSY: somebody offers it already.
 */
int pci_tdi_seat_register(struct pci_dev *pdev,
			  const struct pci_tdi_bar_ops *ops, void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return 0;

	guard(spinlock_irqsave)(&seat->lock);
	if (tdi_seat_kept(seat)) {
		trace_pci_tdi_kept(pdev, _RET_IP_);
		return -EIO;
	}
	if (seat->bar_ops)
		return -EBUSY;
	seat->bar_ops = ops;
	seat->bar_priv = priv;
	return 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_register);

/* Not while somebody tries to end a quarantine with VFIO's help */
static bool tdi_seat_try_unregister(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state == PCI_TDI_UNBINDING)
		return false;
	WARN_ON(seat->state != PCI_TDI_UNBOUND &&
		seat->state != PCI_TDI_QUARANTINED);
	seat->bar_ops = NULL;
	seat->bar_priv = NULL;
	return true;
}

/**
 * pci_tdi_seat_unregister() - VFIO no longer offers a function
 * @pdev: the function, closed by its last user, and barred for new binds by a
 *	  hold of the caller's
 *
 * Context: process.
 */
void pci_tdi_seat_unregister(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	do {
		tdi_seat_wait(seat);
	} while (!tdi_seat_try_unregister(seat));
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_unregister);

/**
 * pci_tdi_seat_open() - a first user opens the function's VFIO device
 * @pdev: the function
 * @hold: to be ended with pci_tdi_end() when the device is ready; another process
 *	  can reach it through the iommufd before
 *
 * To be undone with pci_tdi_seat_close(). Context: process, under dev_set->lock.
 *
 * Return: 0; -EIO: quarantined, the device must not be given to anybody; -EBUSY:
 * VFIO would reset the function now, and a bound TDI goes with it.
 */
int pci_tdi_seat_open(struct pci_dev *pdev, struct pci_tdi_hold *hold)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;
	int rc;

	if (pci_tdi_quarantined(pdev))
		return -EIO;
	rc = pci_tdi_begin(hold, pdev, PCI_TDI_RESET, PCI_TDI_REFUSE);
	if (rc || !seat)
		return rc;

	guard(spinlock_irqsave)(&seat->lock);
	seat->open = true;
	return 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_open);

/**
 * pci_tdi_seat_close() - the last user of the VFIO device has gone
 * @pdev: the function
 * @hold: to be ended with pci_tdi_end() when the device has been disabled
 *
 * Unbinds, and no bind gets in from here on until the next open, whoever still
 * holds the iommufd. Runs before VFIO revokes its dma-bufs and disables the
 * device: a TDI that loses MSE or is reset while locked falls to ERROR. That reset
 * takes the function's dependents along, so they are unbound too.
 *
 * Context: process, under dev_set->lock. Never fails, does not wait for user
 * space, never looks at current (the close may run in a KVM worker thread).
 */
void pci_tdi_seat_close(struct pci_dev *pdev, struct pci_tdi_hold *hold)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (seat) {
		guard(spinlock_irqsave)(&seat->lock);
		seat->open = false;
	}
	pci_tdi_begin(hold, pdev, PCI_TDI_RESET, PCI_TDI_UNBIND_FIRST);
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_close);

/**
 * pci_tdi_get_state() - where the binding of a function is in its life
 * @pdev: the function
 *
 * Return: a snapshot; UNBOUND for a function without a seat. Context: any.
 */
enum pci_tdi_state pci_tdi_get_state(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	return seat ? READ_ONCE(seat->state) : PCI_TDI_UNBOUND;
}
EXPORT_SYMBOL_GPL(pci_tdi_get_state);

/**
 * pci_tdi_quarantined() - may anybody still touch this function?
 * @pdev: the function
 *
 * Return: true if firmware would not let go of it, also while somebody tries the
 * way out. Context: any.
 */
bool pci_tdi_quarantined(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return false;
	guard(spinlock_irqsave)(&seat->lock);
	if (!tdi_seat_kept(seat))
		return false;
	trace_pci_tdi_kept(pdev, _RET_IP_);
	return true;
}
EXPORT_SYMBOL_GPL(pci_tdi_quarantined);

/**
 * pci_tdi_set_dma() - the IOMMU can do trusted DMA for a function
 * @pdev: the function
 * @ops: the IOMMU's half
 * @priv: passed to @ops
 *
 * A vdevice does this when it is born and pci_tdi_clear_dma() when it dies.
 * Context: process, under igroup->lock.
 *
 * Return: 0; -EOPNOTSUPP: VFIO does not offer the function, or it cannot be a TDI;
 * -EBUSY: somebody else did.
 */
int pci_tdi_set_dma(struct pci_dev *pdev, const struct pci_tdi_dma_ops *ops,
		    void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return -EOPNOTSUPP;

	guard(spinlock_irqsave)(&seat->lock);
	if (!seat->bar_ops)
		return -EOPNOTSUPP;
	if (seat->dma_ops)
		return -EBUSY;
	seat->dma_ops = ops;
	seat->dma_priv = priv;
	return 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_set_dma);

/**
 * pci_tdi_clear_dma() - undo pci_tdi_set_dma()
 * @pdev: the function
 * @priv: as in pci_tdi_set_dma(); another's registration is left alone
 *
 * The TDI is unbound by now, since iommufd unbinds before it destroys the vdevice,
 * or quarantined, and then its trusted DMA has been switched off for good.
 */
void pci_tdi_clear_dma(struct pci_dev *pdev, void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	if (!seat->dma_ops || seat->dma_priv != priv)
		return;
	WARN_ON(seat->binding && !seat->binding->dma_disabled);
	seat->dma_ops = NULL;
	seat->dma_priv = NULL;
}
EXPORT_SYMBOL_GPL(pci_tdi_clear_dma);

/**
 * pci_tdi_register_kvm() - KVM arrives
 * @ops: its services
 *
 * Return: 0, or -EBUSY: there is a KVM already.
 */
int pci_tdi_register_kvm(const struct pci_tdi_kvm_ops *ops)
{
	guard(spinlock)(&tdi_kvm_lock);
	if (tdi_kvm_ops)
		return -EBUSY;
	tdi_kvm_ops = ops;
	return 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_register_kvm);

/**
 * pci_tdi_unregister_kvm() - KVM leaves
 * @ops: as registered
 *
 * No binding exists: each holds @ops->owner.
 */
void pci_tdi_unregister_kvm(const struct pci_tdi_kvm_ops *ops)
{
	guard(spinlock)(&tdi_kvm_lock);
	if (tdi_kvm_ops == ops)
		tdi_kvm_ops = NULL;
}
EXPORT_SYMBOL_GPL(pci_tdi_unregister_kvm);

const struct pci_tdi_kvm_ops *tdi_kvm_ops_get(void)
{
	guard(spinlock)(&tdi_kvm_lock);
	if (!tdi_kvm_ops || !try_module_get(tdi_kvm_ops->owner))
		return NULL;
	return tdi_kvm_ops;
}

void tdi_kvm_ops_put(const struct pci_tdi_kvm_ops *ops)
{
	module_put(ops->owner);
}

/**
 * pci_tdi_register_listener() - a TSM driver wants to know TVMs' fates
 * @listener: stays valid until pci_tdi_unregister_listener() has returned
 */
void pci_tdi_register_listener(struct pci_tdi_tvm_listener *listener)
{
	guard(spinlock)(&tdi_listeners_lock);
	list_add_tail_rcu(&listener->node, &tdi_listeners);
}
EXPORT_SYMBOL_GPL(pci_tdi_register_listener);

/**
 * pci_tdi_unregister_listener() - undo pci_tdi_register_listener()
 * @listener: as registered; no call into it is running on return
 *
 * Context: process. The caller's TSM is unregistered, so no TDI is bound by it.
 */
void pci_tdi_unregister_listener(struct pci_tdi_tvm_listener *listener)
{
	scoped_guard(spinlock, &tdi_listeners_lock)
		list_del_rcu(&listener->node);
	synchronize_srcu(&tdi_listeners_srcu);
}
EXPORT_SYMBOL_GPL(pci_tdi_unregister_listener);

/**
 * pci_tdi_mem_invalidate() - private pages of a TVM are about to be freed
 * @kvm: the TVM
 * @start: first guest frame number
 * @end: one past the last
 *
 * Trusted DMA to the pages is shut out when this returns. Context: atomic, KVM
 * calls it under mmu_lock before the pages go back to the page allocator.
 */
void pci_tdi_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
	struct pci_tdi_tvm_listener *listener;

	trace_pci_tdi_mem_invalidate(kvm, start, end);
	guard(srcu)(&tdi_listeners_srcu);
	list_for_each_entry_srcu(listener, &tdi_listeners, node,
				 srcu_read_lock_held(&tdi_listeners_srcu))
		listener->mem_invalidate(kvm, start, end);
}
EXPORT_SYMBOL_GPL(pci_tdi_mem_invalidate);

/**
 * pci_tdi_vm_destroy() - a VM is being destroyed
 * @kvm: the VM; no TDI is bound to it, since a binding would hold it
 *
 * Context: process, from kvm_destroy_vm(), possibly under dev_set->lock and
 * igroup->lock.
 */
void pci_tdi_vm_destroy(struct kvm *kvm)
{
	struct pci_tdi_tvm_listener *listener;

	trace_pci_tdi_vm_destroy(kvm);
	guard(srcu)(&tdi_listeners_srcu);
	list_for_each_entry_srcu(listener, &tdi_listeners, node,
				 srcu_read_lock_held(&tdi_listeners_srcu))
		listener->destroy(kvm);
}
EXPORT_SYMBOL_GPL(pci_tdi_vm_destroy);
