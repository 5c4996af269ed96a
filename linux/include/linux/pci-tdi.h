/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host side of a TDI that is given to a TVM: the binding and its gate.
 *
 * Nouns, one line each:
 *
 *  TDI		a PCIe function in TDISP terms (PCIe r7.0 section 11)
 *  seat	what this host knows about one function that can be a TDI: who
 *		offers and uses it, whether it is bound or quarantined
 *  binding	the fact that the TDI of a seat is bound to a TVM; born in
 *		pci_tdi_bind(), dead when unbind has finished, alive for ever in
 *		quarantine
 *  gate	pci_tdi_begin() and pci_tdi_end() around whatever could pull device or
 *		memory from under a bound TDI: refused, or the TDI is unbound first
 *  hold	what is between the two: no function that it reaches can be bound
 *  quarantine	firmware did not let go: nobody gets the function or its pages
 *
 * This file sits in the PCI core so that iommufd, VFIO, KVM and the TSM drivers
 * all call downwards into it and none of them calls another: with every one of
 * them built as a module there is no cycle.
 *
 * Lock order, outermost first:
 *
 *  device lock, pci_lock_rescan_remove	(unbind takes neither)
 *   VFIO dev_set->lock
 *    iommufd igroup->lock
 *     mmap_lock			(both copy to user under theirs; a fault
 *					 takes memory_lock, and reads marks)
 *      pci_tsm_rwsem
 *       pci_tsm_pf0::lock
 *        VFIO memory_lock
 *         dma-buf resv
 *          KVM mmu_lock
 *           the list of seats and holds	(spinning, never around a call-out)
 *            pci_tdi_seat::lock		(spinning leaf)
 *             the firmware's own lock	(spinning leaf)
 *
 * Nobody waits at the gate: who comes second is refused. So a hold may be begun
 * under any of these, where it only refuses; to unbind first it has to be begun
 * where an unbind may run, outside pci_tsm_rwsem.
 *
 * The last put of a KVM may run under dev_set->lock or igroup->lock and never
 * under any lock further in.
 */
#ifndef __PCI_TDI_H
#define __PCI_TDI_H

#include <linux/pci.h>
#include <linux/pci-tsm.h>
#include <linux/types.h>

struct device;
struct kvm;
struct module;
struct page;
struct pci_tdi;
struct pci_tdi_seat;
struct task_struct;

/**
 * enum pci_tdi_state - life of a seat
 * @PCI_TDI_UNBOUND: nothing of a TVM is on this function
 * @PCI_TDI_BINDING: pci_tdi_bind() is at work and may still fail
 * @PCI_TDI_BOUND: the TVM owns the function's private MMIO and trusted DMA
 * @PCI_TDI_UNBINDING: somebody unbinds; others wait until it is over
 * @PCI_TDI_QUARANTINED: firmware would not let go; nothing is ever reused
 */
enum pci_tdi_state {
	PCI_TDI_UNBOUND,
	PCI_TDI_BINDING,
	PCI_TDI_BOUND,
	PCI_TDI_UNBINDING,
	PCI_TDI_QUARANTINED,
};

/**
 * enum pci_tdi_event - what happened to a bound TDI without the VMM asking
 * @PCI_TDI_EVENT_UNBOUND: it was unbound by what cannot be refused (TSM disconnect
 *			   and removal, error recovery, unplug, ...), or left
 *			   quarantine
 * @PCI_TDI_EVENT_ERROR: the TDI fell to TDISP ERROR
 * @PCI_TDI_EVENT_QUARANTINED: unbind could not be completed
 * @PCI_TDI_EVENT_LOST: more happened than the queue holds; what was lost is later
 *			than what was told before and earlier than what comes next
 */
enum pci_tdi_event {
	PCI_TDI_EVENT_UNBOUND = 1,
	PCI_TDI_EVENT_ERROR = 2,
	PCI_TDI_EVENT_QUARANTINED = 3,
	PCI_TDI_EVENT_LOST = 4,
};

/**
 * enum pci_tdi_reach - which functions an operation on one function touches
 * @PCI_TDI_FUNCTION: that function
 * @PCI_TDI_RESET: what its reset takes along: itself, its VFs, and every function
 *		   whose DSM it hosts (it may lose the sessions and the IDE keys);
 *		   of a bridge, as @PCI_TDI_BELOW
 * @PCI_TDI_VFS: its VFs
 * @PCI_TDI_BUS: everything on its bus and on the buses below
 * @PCI_TDI_BELOW: everything on the buses below it; without one, as @PCI_TDI_RESET
 * @PCI_TDI_ALL: every function of this host
 */
enum pci_tdi_reach {
	PCI_TDI_FUNCTION,
	PCI_TDI_RESET,
	PCI_TDI_VFS,
	PCI_TDI_BUS,
	PCI_TDI_BELOW,
	PCI_TDI_ALL,
};

/**
 * enum pci_tdi_how - what happens to an operation that meets a bound TDI
 * @PCI_TDI_REFUSE: it is refused; its caller unbinds and tries again
 * @PCI_TDI_REFUSE_LOCKED: as @PCI_TDI_REFUSE, but it goes through once a STOP has
 *			   been confirmed: AMD's guest stops its TDI, then disables the
 *			   function, then asks for the unbind
 * @PCI_TDI_UNBIND_FIRST: nobody can refuse it: the TDI is unbound before
 */
enum pci_tdi_how {
	PCI_TDI_REFUSE,
	PCI_TDI_REFUSE_LOCKED,
	PCI_TDI_UNBIND_FIRST,
};

/**
 * struct pci_tdi_hold - an operation between pci_tdi_begin() and pci_tdi_end()
 * @node: in the list of all holds
 * @pdev: the function that it is about; its caller keeps it
 * @bus: of @PCI_TDI_BUS and @PCI_TDI_BELOW
 * @task: whose it is
 * @reach: which functions it touches
 * @how: what it did about those that were bound
 *
 * Filled by pci_tdi_begin(). It counts nothing and marks no function, so it may
 * begin in one context and end in another, nest, and reach functions that arrive
 * while it lasts.
 */
struct pci_tdi_hold {
	struct list_head node;
	struct pci_dev *pdev;
	struct pci_bus *bus;
	struct task_struct *task;
	enum pci_tdi_reach reach;
	enum pci_tdi_how how;
};

/**
 * struct pci_tdi_ops - what a TSM driver answers about a TDI that it bound
 * @mmio_accepted: true if firmware lets the TVM touch the page @hpa at @gpa:
 *		   mapped by the host *and* accepted by the guest. Context:
 *		   atomic, under KVM's mmu_lock and pci_tdi_seat::lock; may take
 *		   only the firmware's own spinning lock.
 * @locked: true while TDISP state is CONFIG_LOCKED, RUN or unknown, false only
 *	    after a confirmed STOP. Context: atomic, as @mmio_accepted.
 *
 * Set in struct pci_tdi by the driver's bind, constant afterwards.
 */
struct pci_tdi_ops {
	bool (*mmio_accepted)(struct pci_tdi *tdi, u64 gpa, phys_addr_t hpa);
	bool (*locked)(struct pci_tdi *tdi);
};

/**
 * struct pci_tdi_bar_ops - VFIO's half: the function's BARs and its KVM
 * @get_kvm: the KVM that the device is associated with, with no reference
 *	     taken, or NULL. Stable while VFIO's device is open.
 * @revoke: take the BARs away from the host for @kvm: zap user mappings, make
 *	    new faults, read() and write() fail, revoke every dma-buf importer but
 *	    the KVM given. MSI-X table and PBA pages stay the host's. Waits for
 *	    importers with a bound. 0, or -EBUSY with everything as it was before.
 * @give_back: undo @revoke; never fails. Callable once per successful @revoke.
 *
 * Context: process; @revoke and @give_back take VFIO's memory_lock and dma-buf
 * resv locks. The caller holds none of them.
 */
struct pci_tdi_bar_ops {
	struct kvm *(*get_kvm)(void *priv);
	int (*revoke)(void *priv, struct kvm *kvm);
	void (*give_back)(void *priv);
};

/**
 * struct pci_tdi_dma_ops - the IOMMU's half: T=1 requests of one function
 * @enable: prepare trusted DMA of the function, whose virtual RID is @tdi_id.
 *	    Nothing flows before firmware's tables say so. 0 or -errno.
 * @disable: no T=1 request of the function is in flight when this returns, and
 *	     none starts after it. Bounded wait, never fails.
 *
 * Context: process, under pci_tsm_rwsem and pf0->lock for @disable when called
 * from the driver's unbind. Registered by the vIOMMU's vdevice.
 */
struct pci_tdi_dma_ops {
	int (*enable)(void *priv, u32 tdi_id);
	void (*disable)(void *priv);
};

/**
 * struct pci_tdi_kvm_ops - KVM's half
 * @owner: held while a binding uses these ops
 * @get: take a reference; false if the VM is already going away
 * @put: drop a reference. Context: process; may destroy the VM.
 * @mmio_lookup: the page of @seat's BARs that a private slot of @kvm has at
 *		 @gpa. 0 with @hpa filled; -ENOENT: no such slot there.
 * @mmio_unmap: remove every leaf that KVM's page tables have for private slots
 *		of @seat and flush the vCPUs. Never fails; no allocation.
 * @mem_fault: look up the guest_memfd page that @kvm has at @gpa, present and
 *	       private, and hand it to @install under mmu_lock once it is certain
 *	       that no invalidation has passed it. The page comes with a reference
 *	       that @install takes over when it returns 0. -ENOENT: no private page
 *	       there; -EAGAIN: raced with an invalidation, try again.
 */
struct pci_tdi_kvm_ops {
	struct module *owner;
	bool (*get)(struct kvm *kvm);
	void (*put)(struct kvm *kvm);
	int (*mmio_lookup)(struct kvm *kvm, struct pci_tdi_seat *seat, u64 gpa,
			   phys_addr_t *hpa);
	void (*mmio_unmap)(struct kvm *kvm, struct pci_tdi_seat *seat);
	int (*mem_fault)(struct kvm *kvm, u64 gpa,
			 int (*install)(void *ctx, u64 gpa, struct page *page),
			 void *ctx);
};

/**
 * struct pci_tdi_tvm_listener - a TSM driver that wants to know a TVM's fate
 * @node: link in the list of listeners
 * @mem_invalidate: private pages [start, end) (guest frame numbers) of @kvm are
 *		    about to be freed or converted: trusted DMA to them is shut out
 *		    when this returns. Context: atomic, under KVM's mmu_lock.
 * @destroy: @kvm is about to be destroyed and no TDI of it is left. Context:
 *	     process, called under SRCU; the outer locks that a last KVM put may
 *	     run under can be held.
 */
struct pci_tdi_tvm_listener {
	struct list_head node;
	void (*mem_invalidate)(struct kvm *kvm, u64 start, u64 end);
	void (*destroy)(struct kvm *kvm);
};

/**
 * struct pci_tdi_req - what precedes the payload of every guest request
 * @op: enum iommu_vdevice_tsm_req_op
 * @tvm_arch: enum iommu_tsm_tvm_arch
 *
 * iommufd puts it in front of the VMM's bytes; a TSM driver's guest_req() finds
 * it at the start of a *kernel* buffer (sockptr_is_kernel() is true for both
 * directions).
 */
struct pci_tdi_req {
	u32 op;
	u32 tvm_arch;
	u8 payload[];
};

#ifdef CONFIG_PCI_TDI
/* the PCI core: a seat lives as long as its function */
void pci_tdi_init(struct pci_dev *pdev);
void pci_tdi_release(struct pci_dev *pdev);
bool pci_tdi_quarantined(struct pci_dev *pdev);
bool pci_tdi_reset_quarantined(struct pci_dev *pdev);

/* VFIO, which offers functions */
int pci_tdi_seat_register(struct pci_dev *pdev,
			  const struct pci_tdi_bar_ops *ops, void *priv);
void pci_tdi_seat_unregister(struct pci_dev *pdev);
int pci_tdi_seat_open(struct pci_dev *pdev, struct pci_tdi_hold *hold);
void pci_tdi_seat_close(struct pci_dev *pdev, struct pci_tdi_hold *hold);

/* the gate */
int pci_tdi_begin(struct pci_tdi_hold *hold, struct pci_dev *pdev,
		  enum pci_tdi_reach reach, enum pci_tdi_how how);
void pci_tdi_end(struct pci_tdi_hold *hold);

/* iommufd */
int pci_tdi_bind(struct pci_dev *pdev, u32 tdi_id,
		 void (*notify)(void *priv, enum pci_tdi_event event),
		 void *priv);
int pci_tdi_unbind(struct pci_dev *pdev);
int pci_tdi_begin_req(struct pci_dev *pdev);
ssize_t pci_tdi_guest_req(struct pci_dev *pdev, enum pci_tsm_req_scope scope,
			  void *req, size_t req_len, void *resp,
			  size_t resp_len, u64 *tsm_code);
void pci_tdi_forget_notify(struct pci_dev *pdev, void *priv);
enum pci_tdi_state pci_tdi_get_state(struct pci_dev *pdev);

/* the IOMMU's vdevice */
int pci_tdi_set_dma(struct pci_dev *pdev, const struct pci_tdi_dma_ops *ops,
		    void *priv);
void pci_tdi_clear_dma(struct pci_dev *pdev, void *priv);

/* KVM */
int pci_tdi_register_kvm(const struct pci_tdi_kvm_ops *ops);
void pci_tdi_unregister_kvm(const struct pci_tdi_kvm_ops *ops);
struct pci_tdi_seat *pci_tdi_seat_get(struct pci_dev *pdev);
void pci_tdi_seat_put(struct pci_tdi_seat *seat);
bool pci_tdi_mmio_allowed(struct pci_tdi_seat *seat, struct kvm *kvm, u64 gpa,
			  phys_addr_t hpa);
bool pci_tdi_bound_to(struct pci_tdi_seat *seat, struct kvm *kvm);
void pci_tdi_mem_invalidate(struct kvm *kvm, u64 start, u64 end);
void pci_tdi_vm_destroy(struct kvm *kvm);

/* TSM drivers: the call-outs of their unbind, and what they owe */
int pci_tdi_mmio_lookup(struct pci_tdi *tdi, u64 gpa, phys_addr_t *hpa);
void pci_tdi_unmap_mmio(struct pci_tdi *tdi);
void pci_tdi_dma_off(struct pci_tdi *tdi);
void pci_tdi_quarantine(struct pci_tdi *tdi, const char *why);
void pci_tdi_report_error(struct pci_tdi *tdi);
int pci_tdi_mem_fault(struct pci_tdi *tdi, u64 gpa,
		      int (*install)(void *ctx, u64 gpa, struct page *page),
		      void *ctx);
void pci_tdi_register_listener(struct pci_tdi_tvm_listener *listener);
void pci_tdi_unregister_listener(struct pci_tdi_tvm_listener *listener);
#else
static inline int pci_tdi_seat_register(struct pci_dev *pdev,
					const struct pci_tdi_bar_ops *ops,
					void *priv)
{
	return 0;
}

static inline void pci_tdi_seat_unregister(struct pci_dev *pdev)
{
}

static inline int pci_tdi_seat_open(struct pci_dev *pdev,
				    struct pci_tdi_hold *hold)
{
	return 0;
}

static inline void pci_tdi_seat_close(struct pci_dev *pdev,
				      struct pci_tdi_hold *hold)
{
}

static inline int pci_tdi_begin(struct pci_tdi_hold *hold, struct pci_dev *pdev,
				enum pci_tdi_reach reach, enum pci_tdi_how how)
{
	return 0;
}

static inline void pci_tdi_end(struct pci_tdi_hold *hold)
{
}

static inline void pci_tdi_init(struct pci_dev *pdev)
{
}

static inline void pci_tdi_release(struct pci_dev *pdev)
{
}

static inline bool pci_tdi_reset_quarantined(struct pci_dev *pdev)
{
	return false;
}

static inline bool pci_tdi_quarantined(struct pci_dev *pdev)
{
	return false;
}

static inline void pci_tdi_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
}

static inline void pci_tdi_vm_destroy(struct kvm *kvm)
{
}
#endif /* CONFIG_PCI_TDI */

/* hooks of drivers/pci/tsm.c */
#ifdef CONFIG_PCI_TDI
void pci_tdi_construct(struct pci_dev *pdev, struct pci_tdi *tdi);
bool pci_tdi_core_unbind_begin(struct pci_tdi_seat *seat);
bool pci_tdi_core_unbind_end(struct pci_tdi_seat *seat);
void pci_tdi_core_unbind_done(struct pci_dev *pdev);
bool pci_tdi_req_stands(struct pci_tdi *tdi);
#else
static inline void pci_tdi_construct(struct pci_dev *pdev, struct pci_tdi *tdi)
{
}

static inline bool pci_tdi_core_unbind_begin(struct pci_tdi_seat *seat)
{
	return true;
}

static inline bool pci_tdi_core_unbind_end(struct pci_tdi_seat *seat)
{
	return true;
}

static inline void pci_tdi_core_unbind_done(struct pci_dev *pdev)
{
}

static inline bool pci_tdi_req_stands(struct pci_tdi *tdi)
{
	return true;
}
#endif
#endif /* __PCI_TDI_H */
