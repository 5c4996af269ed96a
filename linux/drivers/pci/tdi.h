/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private types of the TDI assignment core: see linux/pci-tdi.h for the nouns
 * and the lock order.
 */
#ifndef DRIVERS_PCI_TDI_H
#define DRIVERS_PCI_TDI_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci-tdi.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/**
 * struct tdi_binding - the fact that a seat's TDI is bound to a TVM
 * @kvm: the TVM, referenced from BINDING to the end of UNBINDING
 * @kvm_ops: KVM's services; their owner is referenced as long as @kvm
 * @tdi: the TSM driver's context; NULL before its bind and after its unbind
 * @tdi_id: virtual RID of the TDI
 * @by_core: the TSM core began the unbind on its own; the work item ends it
 * @lost: the TSM core unbound while bind was still at work
 * @mmio_unmapped: the driver made its unmap call-out
 * @dma_disabled: the driver made its trusted-DMA call-out
 * @quarantine: why the driver could not unbind, NULL if it could
 *
 * Owned by the seat: allocated in bind, freed when unbind ends. All that unbind
 * needs is in here or in the seat, so that unbind allocates nothing.
 */
struct tdi_binding {
	struct kvm *kvm;
	const struct pci_tdi_kvm_ops *kvm_ops;
	struct pci_tdi *tdi;
	u32 tdi_id;
	bool by_core;
	bool lost;
	bool mmio_unmapped;
	bool dma_disabled;
	const char *quarantine;
};

/**
 * struct pci_tdi_seat - what this host knows about one function VFIO offers
 * @ref: VFIO's registration, each private KVM slot, a binding and the work items
 *	 hold one each
 * @pdev: the function; valid while registered or bound
 * @bar_ops: VFIO's half, NULL once VFIO has unregistered
 * @bar_priv: its private pointer
 * @gate: a refusable operation holds it for read while it lasts, bind for write.
 *	  Both only try: who comes second gets EBUSY, nobody waits.
 * @lock: owns every field below. Spinning leaf, any context.
 * @state: where the binding is in its life
 * @open: a user has the VFIO device open; bind needs one
 * @barred: number of events that forbid a new bind
 * @binding: in every state but UNBOUND
 * @dma_ops: the IOMMU's half, NULL without a vdevice that can do trusted DMA
 * @dma_priv: its private pointer
 * @events: bit mask of enum pci_tdi_event to deliver to the present @notify
 * @wait: woken on every change of @state out of BINDING or UNBINDING
 * @release: ends an unbind that the TSM core began
 * @notify_lock: held while @notify runs, so that forgetting it waits for it;
 *		 inside igroup->lock, outside every lock of the vEVENTQ
 * @notify: tells the VMM about an event; owned by @notify_lock
 * @notify_priv: its private pointer; owned by @notify_lock
 * @notify_work: delivers @events
 */
struct pci_tdi_seat {
	struct kref ref;
	struct pci_dev *pdev;
	const struct pci_tdi_bar_ops *bar_ops;
	void *bar_priv;
	struct rw_semaphore gate;

	spinlock_t lock;		/* owns state to events; a leaf */
	enum pci_tdi_state state;
	bool open;
	unsigned int barred;
	struct tdi_binding *binding;
	const struct pci_tdi_dma_ops *dma_ops;
	void *dma_priv;
	unsigned long events;

	wait_queue_head_t wait;
	struct work_struct release;

	struct mutex notify_lock;	/* owns notify while it runs */
	void (*notify)(void *priv, enum pci_tdi_event event);
	void *notify_priv;
	struct work_struct notify_work;
};

void tdi_seat_set_state(struct pci_tdi_seat *seat, enum pci_tdi_state state);
void tdi_seat_unbind(struct pci_tdi_seat *seat);
void tdi_seat_post(struct pci_tdi_seat *seat, enum pci_tdi_event event);
void tdi_seat_release_work(struct work_struct *work);
const struct pci_tdi_kvm_ops *tdi_kvm_ops_get(void);
void tdi_kvm_ops_put(const struct pci_tdi_kvm_ops *ops);

#endif /* DRIVERS_PCI_TDI_H */
