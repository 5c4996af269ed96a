/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private types of the TDI assignment core: see linux/pci-tdi.h for the nouns
 * and the lock order.
 */
#ifndef DRIVERS_PCI_TDI_H
#define DRIVERS_PCI_TDI_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci-tdi.h>
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
 * @unasked: the VMM did not ask for the unbind and is told about it
 * @lost: the TSM core unbound while bind was still at work
 * @mmio_unmapped: the driver made its unmap call-out, in an unbind
 * @dma_disabled: the driver made its trusted-DMA call-out
 * @quarantine: why the driver could not unbind, NULL if it could; points to @why.
 *		Changed under pci_tsm_rwsem by those who let the driver try.
 * @why: a copy, since the driver may leave before its quarantine ends
 * @kept: in quarantine, also while somebody tries the way out; owned by the seat's
 *	  lock
 *
 * Owned by the seat: allocated in bind, freed when unbind ends; it holds the
 * function. All that unbind needs is in here or in the seat, so that unbind
 * allocates nothing.
 */
struct tdi_binding {
	struct kvm *kvm;
	const struct pci_tdi_kvm_ops *kvm_ops;
	struct pci_tdi *tdi;
	u32 tdi_id;
	bool by_core;
	bool unasked;
	bool lost;
	bool mmio_unmapped;
	bool dma_disabled;
	const char *quarantine;
	char why[64];
	bool kept;
};

/**
 * struct pci_tdi_seat - what this host knows about one function that can be a TDI
 * @pdev: the function; the seat lives as long as it does
 * @pf: of a VF its PF, referenced; NULL otherwise
 * @node: in tdi_seats
 * @domain: PCI segment, which may be gone with its root complex later
 * @rid: bus, device and function number
 * @heir: seat of the function that took our quarantine over, referenced
 * @lock: owns every field from @bar_ops to @requester. Spinning leaf, any context.
 * @bar_ops: VFIO's half, NULL while VFIO does not offer the function. Follow it
 *	     with VFIO's registration held, or while the state is UNBINDING.
 * @bar_priv: its private pointer
 * @state: where the binding is in its life
 * @open: a user has the VFIO device open; bind needs one
 * @binding: in every state but UNBOUND
 * @dma_ops: the IOMMU's half, NULL without a vdevice that can do trusted DMA
 * @dma_priv: its private pointer
 * @events: what the VMM has still to be told, oldest first
 * @nr_events: how many
 * @events_lost: there was no room for what came after them
 * @requester: whose guest request is on its way to the TSM; NULL if nobody's, or if
 *	       the binding that it was for is not there any more
 * @wait: woken on every change of @state and at the end of a request
 * @release: ends an unbind that the TSM core began
 * @notify_lock: held while @notify runs, so that forgetting it waits for it;
 *		 inside igroup->lock, outside every lock of the vEVENTQ
 * @notify: tells the VMM about an event; owned by @notify_lock
 * @notify_priv: its private pointer; owned by @notify_lock
 * @notify_work: delivers @events
 *
 * A reference of the function keeps the seat. VFIO's registration, each private KVM
 * slot, a binding and the work items have one each.
 */
struct pci_tdi_seat {
	struct pci_dev *pdev;
	struct pci_dev *pf;
	struct list_head node;
	int domain;
	u16 rid;
	struct pci_tdi_seat *heir;

	spinlock_t lock;		/* owns bar_ops to requester; a leaf */
	const struct pci_tdi_bar_ops *bar_ops;
	void *bar_priv;
	enum pci_tdi_state state;
	bool open;
	struct tdi_binding *binding;
	const struct pci_tdi_dma_ops *dma_ops;
	void *dma_priv;
	u8 events[8];
	unsigned int nr_events;
	bool events_lost;
	struct task_struct *requester;

	wait_queue_head_t wait;
	struct work_struct release;

	struct mutex notify_lock;	/* owns notify while it runs */
	void (*notify)(void *priv, enum pci_tdi_event event);
	void *notify_priv;
	struct work_struct notify_work;
};

/* Who wants a TDI unbound: the VMM knows, or has to be told */
enum tdi_asked {
	TDI_ASKED,
	TDI_UNASKED,
};

/*
 * Owns the list of seats and the list of holds, so that "no hold reaches this
 * function" and "this function begins to be bound" are one step. Spinning, any
 * context, outside pci_tdi_seat::lock.
 */
extern spinlock_t tdi_lock;
extern struct list_head tdi_seats;

struct pci_tdi_seat *tdi_seat_get(struct pci_tdi_seat *seat);
void tdi_seat_set_state(struct pci_tdi_seat *seat, enum pci_tdi_state state);
bool tdi_seat_kept(struct pci_tdi_seat *seat);
bool tdi_is_kept(struct pci_tdi_seat *seat);
void tdi_seat_wait(struct pci_tdi_seat *seat);
void tdi_seat_unbind(struct pci_tdi_seat *seat, enum tdi_asked asked);
int tdi_seat_retry(struct pci_tdi_seat *seat);
void tdi_seat_release_work(struct work_struct *work);

/* tdi-gate.c */
bool tdi_held(struct pci_dev *pdev);

/* tdi-event.c */
void tdi_seat_post(struct pci_tdi_seat *seat, enum pci_tdi_event event);
void tdi_seat_set_notify(struct pci_tdi_seat *seat,
			 void (*notify)(void *priv, enum pci_tdi_event event),
			 void *priv);
void tdi_seat_notify_work(struct work_struct *work);

const struct pci_tdi_kvm_ops *tdi_kvm_ops_get(void);
void tdi_kvm_ops_put(const struct pci_tdi_kvm_ops *ops);

#endif /* DRIVERS_PCI_TDI_H */
