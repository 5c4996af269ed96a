// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seat of a TDI: who may use the function, the gate and the barrier that
 * keep everybody else out while it is bound, and the two parties that register
 * services with it (KVM and the TSM drivers' listeners).
 *
 * The binding itself is in tdi-bind.c; nouns and lock order in linux/pci-tdi.h.
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

/* Owns pci_dev::tdi_seat of every function: set, cleared and followed under it */
static DEFINE_SPINLOCK(tdi_seats_lock);

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

static void tdi_seat_free(struct kref *ref)
{
	struct pci_tdi_seat *seat = container_of(ref, struct pci_tdi_seat, ref);

	WARN_ON(seat->binding);
	mutex_destroy(&seat->notify_lock);
	kfree(seat);
}

/**
 * pci_tdi_seat_get() - find and reference the seat of a function
 * @pdev: the function, referenced by the caller
 *
 * Return: the seat, to be put with pci_tdi_seat_put(), or NULL if VFIO does not
 * offer the function. Context: any.
 */
struct pci_tdi_seat *pci_tdi_seat_get(struct pci_dev *pdev)
{
	guard(spinlock_irqsave)(&tdi_seats_lock);
	if (!pdev->tdi_seat)
		return NULL;
	kref_get(&pdev->tdi_seat->ref);
	return pdev->tdi_seat;
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_get);

/**
 * pci_tdi_seat_put() - drop a reference of pci_tdi_seat_get()
 * @seat: the seat
 *
 * Context: any.
 */
void pci_tdi_seat_put(struct pci_tdi_seat *seat)
{
	kref_put(&seat->ref, tdi_seat_free);
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_put);

/* The only place that changes ->state, so that every change is traced and woken */
void tdi_seat_set_state(struct pci_tdi_seat *seat, enum pci_tdi_state state)
{
	lockdep_assert_held(&seat->lock);

	trace_pci_tdi_state(seat->pdev, seat->state, state);
	seat->state = state;
	wake_up_all(&seat->wait);
}

static void tdi_seat_notify_work(struct work_struct *work)
{
	struct pci_tdi_seat *seat =
		container_of(work, struct pci_tdi_seat, notify_work);
	unsigned long events;
	int event;

	scoped_guard(spinlock_irqsave, &seat->lock) {
		events = seat->events;
		seat->events = 0;
	}

	scoped_guard(mutex, &seat->notify_lock) {
		for_each_set_bit(event, &events, BITS_PER_LONG)
			if (seat->notify)
				seat->notify(seat->notify_priv, event);
	}

	/* of tdi_seat_post() */
	pci_tdi_seat_put(seat);
}

/*
 * Tell the VMM about @event from a context that may do so. The work item holds
 * the seat; what it has to say is a bit, so posting allocates nothing.
 */
void tdi_seat_post(struct pci_tdi_seat *seat, enum pci_tdi_event event)
{
	guard(spinlock_irqsave)(&seat->lock);
	__set_bit(event, &seat->events);
	kref_get(&seat->ref);
	if (!queue_work(system_dfl_wq, &seat->notify_work))
		kref_put(&seat->ref, tdi_seat_free);
}

/**
 * pci_tdi_seat_register() - VFIO offers a function
 * @pdev: the function; its driver is VFIO's
 * @ops: VFIO's half
 * @priv: passed to @ops
 *
 * To be undone with pci_tdi_seat_unregister(). Context: process.
 *
 * Return: 0; -ENOMEM; -EIO: the function is quarantined since an earlier
 * driver's time and must not be used; -EBUSY: somebody offers it already.
 */
int pci_tdi_seat_register(struct pci_dev *pdev,
			  const struct pci_tdi_bar_ops *ops, void *priv)
{
	struct pci_tdi_seat *seat __free(kfree) = kzalloc_obj(*seat);

	if (!seat)
		return -ENOMEM;

	kref_init(&seat->ref);
	seat->pdev = pdev;
	seat->bar_ops = ops;
	seat->bar_priv = priv;
	init_rwsem(&seat->gate);
	spin_lock_init(&seat->lock);
	init_waitqueue_head(&seat->wait);
	INIT_WORK(&seat->release, tdi_seat_release_work);
	mutex_init(&seat->notify_lock);
	INIT_WORK(&seat->notify_work, tdi_seat_notify_work);

	guard(spinlock_irqsave)(&tdi_seats_lock);
	if (pdev->tdi_seat)
		return pdev->tdi_seat->state == PCI_TDI_QUARANTINED ? -EIO :
								      -EBUSY;
	pdev->tdi_seat = no_free_ptr(seat);
	return 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_register);

/**
 * pci_tdi_seat_unregister() - VFIO no longer offers a function
 * @pdev: the function, closed by its last user
 *
 * pci_tdi_seat_depart() must have run before. A quarantined seat stays with the
 * function, so that whoever comes next finds it. Context: process.
 */
void pci_tdi_seat_unregister(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat;

	scoped_guard(spinlock_irqsave, &tdi_seats_lock) {
		seat = pdev->tdi_seat;
		if (!seat)
			return;
		guard(spinlock)(&seat->lock);
		seat->bar_ops = NULL;
		seat->bar_priv = NULL;
		if (seat->state == PCI_TDI_QUARANTINED)
			return;
		WARN_ON(seat->state != PCI_TDI_UNBOUND);
		pdev->tdi_seat = NULL;
	}
	pci_tdi_seat_put(seat);
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_unregister);

/**
 * pci_tdi_seat_open() - a user opens the function's VFIO device
 * @dev: the device, of any bus; without a seat there is nothing to do
 *
 * Context: process, under dev_set->lock. To be undone with pci_tdi_seat_close().
 *
 * Return: 0, or -EIO: quarantined, the device must not be given to anybody.
 */
int pci_tdi_seat_open(struct device *dev)
{
	struct pci_tdi_seat *seat;

	if (!dev_is_pci(dev))
		return 0;
	seat = to_pci_dev(dev)->tdi_seat;
	if (!seat)
		return 0;

	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state == PCI_TDI_QUARANTINED)
		return -EIO;
	seat->open = true;
	return 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_open);

/**
 * pci_tdi_seat_close() - the last user of the VFIO device has gone
 * @dev: the device
 *
 * Unbinds, and no bind gets in from here on until the next open, whoever still
 * holds the iommufd. Runs before VFIO revokes its dma-bufs and disables the
 * device: a TDI that loses MSE or is reset while locked falls to ERROR.
 *
 * Context: process, under dev_set->lock. Never fails, does not wait for user
 * space, never looks at current (the close may run in a KVM worker thread).
 */
void pci_tdi_seat_close(struct device *dev)
{
	struct pci_tdi_seat *seat;

	if (!dev_is_pci(dev))
		return;
	seat = to_pci_dev(dev)->tdi_seat;
	if (!seat)
		return;

	scoped_guard(spinlock_irqsave, &seat->lock)
		seat->open = false;
	tdi_seat_unbind(seat);
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_close);

/**
 * pci_tdi_seat_depart() - the driver is being unbound or the device unplugged
 * @dev: the device
 *
 * Unbinds and bars new binds for the rest of the seat's life. The caller goes on
 * to wait for VFIO's user, with the device lock held. Context: process.
 */
void pci_tdi_seat_depart(struct device *dev)
{
	if (dev_is_pci(dev))
		pci_tdi_bar_begin(to_pci_dev(dev));
}
EXPORT_SYMBOL_GPL(pci_tdi_seat_depart);

static bool tdi_seat_refuses(struct pci_tdi_seat *seat, bool confirmed_stop_ok)
{
	struct pci_tdi *tdi;

	guard(spinlock_irqsave)(&seat->lock);
	switch (seat->state) {
	case PCI_TDI_UNBOUND:
		return false;
	case PCI_TDI_BOUND:
		tdi = seat->binding->tdi;
		return !confirmed_stop_ok || tdi->ops->locked(tdi);
	default:
		return true;
	}
}

static int tdi_gate_enter(struct pci_dev *pdev, bool confirmed_stop_ok)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return 0;

	/* a failed try is a bind at work: as good as bound */
	if (!down_read_trylock(&seat->gate))
		return -EBUSY;
	if (tdi_seat_refuses(seat, confirmed_stop_ok)) {
		up_read(&seat->gate);
		trace_pci_tdi_refused(pdev, _RET_IP_);
		return -EBUSY;
	}
	return 0;
}

/**
 * pci_tdi_gate_enter() - begin what a bound TDI must not see
 * @pdev: the function, whose VFIO registration the caller holds
 *
 * For what its caller can retry after an unbind: resets, power states, changes
 * of the I/O page table. On success no bind can begin before
 * pci_tdi_gate_exit(). Context: process; never sleeps; not recursive.
 *
 * Return: 0, or -EBUSY: the TDI is bound (in whatever TDISP state), being bound
 * or unbound, or quarantined.
 */
int pci_tdi_gate_enter(struct pci_dev *pdev)
{
	return tdi_gate_enter(pdev, false);
}
EXPORT_SYMBOL_GPL(pci_tdi_gate_enter);

/**
 * pci_tdi_gate_enter_config() - begin a config write that a locked TDI resents
 * @pdev: the function, whose VFIO registration the caller holds
 *
 * As pci_tdi_gate_enter(), but the write goes through once a STOP has been
 * confirmed: a guest stops its TDI, then disables the function, then asks for
 * the unbind. Leave with pci_tdi_gate_exit().
 *
 * Return: 0, or -EBUSY: locked, running, in ERROR, or in a state nobody knows.
 */
int pci_tdi_gate_enter_config(struct pci_dev *pdev)
{
	return tdi_gate_enter(pdev, true);
}
EXPORT_SYMBOL_GPL(pci_tdi_gate_enter_config);

/**
 * pci_tdi_gate_exit() - end what pci_tdi_gate_enter() began
 * @pdev: the same function
 */
void pci_tdi_gate_exit(struct pci_dev *pdev)
{
	if (pdev->tdi_seat)
		up_read(&pdev->tdi_seat->gate);
}
EXPORT_SYMBOL_GPL(pci_tdi_gate_exit);

/**
 * pci_tdi_bar_begin() - an event begins that nobody can refuse
 * @pdev: the function
 *
 * Forbids new binds until pci_tdi_bar_end() and unbinds: when this returns the
 * TDI is unbound or quarantined. Context: process; takes the locks of unbind.
 */
void pci_tdi_bar_begin(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	scoped_guard(spinlock_irqsave, &seat->lock)
		seat->barred++;
	tdi_seat_unbind(seat);
}
EXPORT_SYMBOL_GPL(pci_tdi_bar_begin);

/**
 * pci_tdi_bar_end() - the event of pci_tdi_bar_begin() is over
 * @pdev: the same function
 */
void pci_tdi_bar_end(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	if (!WARN_ON(!seat->barred))
		seat->barred--;
}
EXPORT_SYMBOL_GPL(pci_tdi_bar_end);

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
 * Return: true if firmware would not let go of it. Context: any.
 */
bool pci_tdi_quarantined(struct pci_dev *pdev)
{
	return pci_tdi_get_state(pdev) == PCI_TDI_QUARANTINED;
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
 * Return: 0; -EOPNOTSUPP: the function has no seat; -EBUSY: somebody else did.
 */
int pci_tdi_set_dma(struct pci_dev *pdev, const struct pci_tdi_dma_ops *ops,
		    void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return -EOPNOTSUPP;

	guard(spinlock_irqsave)(&seat->lock);
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
 * The TDI is unbound by now, since iommufd unbinds before it destroys the
 * vdevice; in quarantine trusted DMA stays in the hands of firmware.
 */
void pci_tdi_clear_dma(struct pci_dev *pdev, void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	if (!seat->dma_ops || seat->dma_priv != priv)
		return;
	WARN_ON(seat->state != PCI_TDI_UNBOUND &&
		seat->state != PCI_TDI_QUARANTINED);
	seat->dma_ops = NULL;
	seat->dma_priv = NULL;
}
EXPORT_SYMBOL_GPL(pci_tdi_clear_dma);

/**
 * pci_tdi_forget_notify() - the vdevice that asked for events goes away
 * @pdev: the function
 * @priv: as given to pci_tdi_bind(); another's is left alone
 *
 * When this returns no notification runs or comes. Context: process, under
 * igroup->lock.
 */
void pci_tdi_forget_notify(struct pci_dev *pdev, void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	guard(mutex)(&seat->notify_lock);
	if (seat->notify_priv != priv)
		return;
	guard(spinlock_irqsave)(&seat->lock);
	seat->events = 0;
	seat->notify = NULL;
	seat->notify_priv = NULL;
}
EXPORT_SYMBOL_GPL(pci_tdi_forget_notify);

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

	guard(srcu)(&tdi_listeners_srcu);
	list_for_each_entry_srcu(listener, &tdi_listeners, node,
				 srcu_read_lock_held(&tdi_listeners_srcu))
		listener->destroy(kvm);
}
EXPORT_SYMBOL_GPL(pci_tdi_vm_destroy);
