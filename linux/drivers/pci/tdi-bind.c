// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binding of a TDI to a TVM: bind, guest requests, unbind, and the services
 * that a TSM driver calls out for in the middle of its own unbind.
 *
 * The order inside an unbind belongs to the TSM driver, because the firmwares
 * contradict each other about it; what is here provides the services and never
 * decides when. Nouns and lock order in linux/pci-tdi.h.
 */
#define dev_fmt(fmt) "TDI: " fmt

#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/slab.h>

#include <trace/events/pci_tdi.h>

#include "tdi.h"

/* Give everything back but the binding itself; firmware has let go */
static void tdi_release(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	/*
	 * A driver that forgot a call-out would leave the TVM with a page that
	 * the host gets back, so the services run here at the latest.
	 */
	if (WARN_ON(!b->mmio_unmapped))
		b->kvm_ops->mmio_unmap(b->kvm, seat);
	if (WARN_ON(!b->dma_disabled))
		seat->dma_ops->disable(seat->dma_priv);
	seat->bar_ops->give_back(seat->bar_priv);
}

/*
 * The last put of the KVM destroys the VM, so no lock of the TSM core is held.
 * The binding forgets it first: pci_tdi_bound_to() compares pointers, and the
 * next VM may well live at the same address.
 */
static void tdi_put_kvm(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	struct kvm *kvm;

	scoped_guard(spinlock_irqsave, &seat->lock) {
		kvm = b->kvm;
		b->kvm = NULL;
	}
	b->kvm_ops->put(kvm);
	tdi_kvm_ops_put(b->kvm_ops);
}

/*
 * Firmware may still own the BAR pages and the pages that its DMA tables reach:
 * keep the KVM, the revocation and the function itself for ever.
 */
static void tdi_quarantine(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	pci_err(seat->pdev, "quarantined, not to be used before a cold reset: %s\n",
		b->quarantine);
	pci_dev_get(seat->pdev);
	scoped_guard(spinlock_irqsave, &seat->lock)
		tdi_seat_set_state(seat, PCI_TDI_QUARANTINED);
	tdi_seat_post(seat, PCI_TDI_EVENT_QUARANTINED);
}

/*
 * The second half of every unbind, after the TSM driver's. State UNBINDING, so
 * nobody else touches the binding; no lock of the TSM core held.
 */
static void tdi_finish_unbind(struct pci_tdi_seat *seat)
{
	struct tdi_binding *b = seat->binding;
	bool by_core = b->by_core;

	if (b->quarantine) {
		tdi_quarantine(seat, b);
		return;
	}

	tdi_release(seat, b);
	tdi_put_kvm(seat, b);
	scoped_guard(spinlock_irqsave, &seat->lock) {
		seat->binding = NULL;
		tdi_seat_set_state(seat, PCI_TDI_UNBOUND);
	}
	kfree(b);

	if (by_core)
		tdi_seat_post(seat, PCI_TDI_EVENT_UNBOUND);
	/* of pci_tdi_bind(); the caller holds the seat, or is the work item */
	pci_tdi_seat_put(seat);
}

/*
 * Closes wait for what runs here, also when memory is short, hence a queue with a
 * rescuer.
 */
static struct workqueue_struct *tdi_release_wq;

static int __init tdi_bind_init(void)
{
	tdi_release_wq = alloc_workqueue("pci-tdi", WQ_UNBOUND | WQ_MEM_RECLAIM,
					 0);
	return tdi_release_wq ? 0 : -ENOMEM;
}
subsys_initcall(tdi_bind_init);

void tdi_seat_release_work(struct work_struct *work)
{
	tdi_finish_unbind(container_of(work, struct pci_tdi_seat, release));
}

static bool tdi_seat_settled(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	return seat->state != PCI_TDI_BINDING &&
	       seat->state != PCI_TDI_UNBINDING;
}

enum tdi_claim {
	TDI_CLAIM_DONE,		/* nothing is bound */
	TDI_CLAIM_MINE,		/* the caller unbinds, and nobody else */
	TDI_CLAIM_AGAIN,	/* somebody is at work: wait for it */
};

static enum tdi_claim tdi_claim_unbind(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	switch (seat->state) {
	case PCI_TDI_UNBOUND:
	case PCI_TDI_QUARANTINED:
		return TDI_CLAIM_DONE;
	case PCI_TDI_BOUND:
		tdi_seat_set_state(seat, PCI_TDI_UNBINDING);
		return TDI_CLAIM_MINE;
	default:
		return TDI_CLAIM_AGAIN;
	}
}

/*
 * Whoever comes first does the work, the others wait for it; when this returns
 * the seat was unbound or quarantined at some moment after the call. The wait is
 * for kernel code only: a bind or an unbind, each bounded by DOE's time limits.
 */
void tdi_seat_unbind(struct pci_tdi_seat *seat)
{
	enum tdi_claim claim;

	do {
		wait_event(seat->wait, tdi_seat_settled(seat));
		claim = tdi_claim_unbind(seat);
	} while (claim == TDI_CLAIM_AGAIN);
	if (claim == TDI_CLAIM_DONE)
		return;

	/*
	 * If the TSM core gets in between with an unbind of its own it finds
	 * UNBINDING and leaves the rest to us; ours is then a no-op.
	 */
	pci_tsm_unbind(seat->pdev);
	tdi_finish_unbind(seat);
}

/**
 * pci_tdi_unbind() - take a TDI back from its TVM
 * @pdev: the function, whose VFIO registration the caller holds
 *
 * Idempotent: an unbound TDI is a success. Context: process, may hold
 * igroup->lock, holds no lock further in. Bounded by firmware's and DOE's time.
 *
 * Return: 0, or -EIO: quarantined.
 */
int pci_tdi_unbind(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return 0;

	tdi_seat_unbind(seat);
	return pci_tdi_quarantined(pdev) ? -EIO : 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_unbind);

/* UNBOUND to BINDING, with @b in the seat; fails with nothing changed */
static int tdi_begin_bind(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state == PCI_TDI_QUARANTINED)
		return -EIO;
	if (seat->state != PCI_TDI_UNBOUND || seat->barred || !seat->open)
		return -EBUSY;
	if (!seat->dma_ops)
		return -EOPNOTSUPP;
	seat->binding = b;
	kref_get(&seat->ref);
	tdi_seat_set_state(seat, PCI_TDI_BINDING);
	return 0;
}

static void tdi_abort_bind(struct pci_tdi_seat *seat)
{
	scoped_guard(spinlock_irqsave, &seat->lock) {
		seat->binding = NULL;
		tdi_seat_set_state(seat, PCI_TDI_UNBOUND);
	}
	pci_tdi_seat_put(seat);
}

/*
 * BINDING to BOUND, unless an event that nobody can refuse came in meanwhile: a
 * close, a barrier, or a disconnect by the TSM core.
 */
static int tdi_publish_bind(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	if (seat->barred || !seat->open)
		return -EBUSY;
	if (seat->binding->lost)
		return -ENXIO;
	/* a TSM driver that knows nothing of assignment has no answers for KVM */
	if (WARN_ON_ONCE(!seat->binding->tdi || !seat->binding->tdi->ops))
		return -EOPNOTSUPP;
	tdi_seat_set_state(seat, PCI_TDI_BOUND);
	return 0;
}

/* Get the KVM that VFIO's device belongs to; @b owns both references after 0 */
static int tdi_get_kvm(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	struct kvm *kvm;

	b->kvm_ops = tdi_kvm_ops_get();
	if (!b->kvm_ops)
		return -EOPNOTSUPP;

	kvm = seat->bar_ops->get_kvm(seat->bar_priv);
	if (!kvm || !b->kvm_ops->get(kvm)) {
		tdi_kvm_ops_put(b->kvm_ops);
		return -ENODEV;
	}

	/* from here on no private slot of it changes: pci_tdi_bound_to() */
	guard(spinlock_irqsave)(&seat->lock);
	b->kvm = kvm;
	return 0;
}

/*
 * Trusted DMA is armed before firmware is asked: that lets nothing flow, since
 * firmware's tables come later and the guest has to accept them, and it leaves
 * the one step that locks the device as the last that can fail.
 */
static int tdi_do_bind(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	int rc;

	rc = tdi_get_kvm(seat, b);
	if (rc)
		return rc;

	rc = seat->bar_ops->revoke(seat->bar_priv, b->kvm);
	if (rc)
		goto err_kvm;

	rc = seat->dma_ops->enable(seat->dma_priv, b->tdi_id);
	if (rc)
		goto err_bars;

	rc = pci_tsm_bind(seat->pdev, b->kvm, b->tdi_id);
	if (rc) {
		if (!b->quarantine)
			goto err_dma;
		/* a driver that could not undo its own bind: no T=1 request at least */
		if (!b->dma_disabled)
			seat->dma_ops->disable(seat->dma_priv);
		return rc;
	}

	rc = tdi_publish_bind(seat);
	if (!rc)
		return 0;

	/* the driver's unbind makes the call-outs, so the rest is an unbind too */
	pci_tsm_unbind(seat->pdev);
	if (b->quarantine)
		return rc;
	if (b->dma_disabled)
		goto err_bars;
err_dma:
	seat->dma_ops->disable(seat->dma_priv);
err_bars:
	seat->bar_ops->give_back(seat->bar_priv);
err_kvm:
	tdi_put_kvm(seat, b);
	return rc;
}

/*
 * Before there is anything to tell, so that nothing is lost; what was left over
 * for an earlier vDEVICE is not this one's.
 */
static void tdi_set_notify(struct pci_tdi_seat *seat,
			   void (*notify)(void *priv, enum pci_tdi_event event),
			   void *priv)
{
	guard(mutex)(&seat->notify_lock);
	guard(spinlock_irqsave)(&seat->lock);
	seat->events = 0;
	seat->notify = notify;
	seat->notify_priv = priv;
}

/**
 * pci_tdi_bind() - give a TDI to the TVM that its VFIO device belongs to
 * @pdev: the function, whose VFIO registration the caller holds
 * @tdi_id: the TDI's virtual RID in the TVM
 * @notify: tells the VMM what happened to the TDI unasked; process context, no
 *	    lock of this core but the one that pci_tdi_forget_notify() waits for
 * @priv: passed to @notify
 *
 * Revokes the host's access to the BARs, locks the TDI and sets up trusted DMA,
 * in a way that leaves UNBOUND when any step fails. The TVM accepts by guest
 * requests afterwards. Context: process, may hold igroup->lock and nothing
 * further in. Bounded by DOE's time.
 *
 * Return: 0; -EOPNOTSUPP: not a VFIO PCI function, no vIOMMU with trusted DMA, no
 * KVM with private MMIO, or a TSM that cannot bind; -ENODEV: no associated KVM;
 * -ENXIO: the link is not connected to a TSM; -EBUSY: bound already, the gate is
 * held, an importer of a BAR would not let go, or the device is being closed;
 * -EIO: quarantined; -ENOMEM; or what the TSM driver answers.
 */
int pci_tdi_bind(struct pci_dev *pdev, u32 tdi_id,
		 void (*notify)(void *priv, enum pci_tdi_event event),
		 void *priv)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;
	int rc;

	if (!seat)
		return -EOPNOTSUPP;

	struct tdi_binding *b __free(kfree) = kzalloc_obj(*b);
	if (!b)
		return -ENOMEM;
	b->tdi_id = tdi_id;

	if (!down_write_trylock(&seat->gate))
		return -EBUSY;

	rc = tdi_begin_bind(seat, b);
	if (!rc) {
		tdi_set_notify(seat, notify, priv);
		/* a hint only: pci_tsm_bind() looks again, under its lock */
		rc = READ_ONCE(pdev->tsm) ? tdi_do_bind(seat, b) : -ENXIO;
		if (!rc) {
			retain_and_null_ptr(b);
		} else if (b->quarantine) {
			tdi_quarantine(seat, no_free_ptr(b));
		} else {
			pci_tdi_forget_notify(pdev, priv);
			tdi_abort_bind(seat);
		}
	}

	up_write(&seat->gate);
	trace_pci_tdi_bind(pdev, tdi_id, rc);
	return rc;
}
EXPORT_SYMBOL_GPL(pci_tdi_bind);

/**
 * pci_tdi_guest_req() - pass a TVM's request on to its TSM
 * @pdev: the function, whose VFIO registration the caller holds
 * @scope: what the request may do at most
 * @req: kernel buffer, a struct pci_tdi_req with its payload
 * @req_len: bytes in @req
 * @resp: kernel buffer for the answer
 * @resp_len: bytes of room in @resp
 * @tsm_code: out: firmware's own status
 *
 * Context: process, no locks; interruptible until the request is sent, then
 * bounded by DOE's time. No user memory is touched under the TSM's locks.
 *
 * Return: bytes filled in @resp; -ENXIO: not bound; -EINTR: a signal came before
 * anything was sent; or what the TSM driver answers.
 */
ssize_t pci_tdi_guest_req(struct pci_dev *pdev, enum pci_tsm_req_scope scope,
			  void *req, size_t req_len, void *resp,
			  size_t resp_len, u64 *tsm_code)
{
	const struct pci_tdi_req *hdr = req;
	ssize_t rc;

	if (pci_tdi_get_state(pdev) != PCI_TDI_BOUND)
		return -ENXIO;

	rc = pci_tsm_guest_req(pdev, scope, KERNEL_SOCKPTR(req), req_len,
			       KERNEL_SOCKPTR(resp), resp_len, tsm_code);
	trace_pci_tdi_req(pdev, hdr->op, rc, *tsm_code);
	if (rc < 0)
		return rc;
	/* a residue larger than the buffer would be a bug of the TSM driver */
	if (WARN_ON_ONCE(rc > resp_len))
		return -EIO;
	return resp_len - rc;
}
EXPORT_SYMBOL_GPL(pci_tdi_guest_req);

/**
 * pci_tdi_mmio_allowed() - may a TVM's access to private MMIO be mapped?
 * @seat: the seat whose BAR the KVM slot is a slice of
 * @kvm: the TVM
 * @gpa: guest physical address, page aligned
 * @hpa: the BAR page that the slot has there
 *
 * The answer is firmware's. It is good for as long as the caller's snapshot of
 * KVM's invalidation sequence, taken before, stays valid: every unmap changes
 * firmware's mind first and KVM's page tables second.
 *
 * Context: atomic, may hold mmu_lock.
 */
bool pci_tdi_mmio_allowed(struct pci_tdi_seat *seat, struct kvm *kvm, u64 gpa,
			  phys_addr_t hpa)
{
	struct tdi_binding *b;

	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state != PCI_TDI_BOUND)
		return false;
	b = seat->binding;
	return b->kvm == kvm && b->tdi->ops->mmio_accepted(b->tdi, gpa, hpa);
}
EXPORT_SYMBOL_GPL(pci_tdi_mmio_allowed);

/**
 * pci_tdi_bound_to() - is a TDI in the hands of this TVM?
 * @seat: the seat
 * @kvm: the TVM
 *
 * Return: true from the start of bind to the end of unbind and in quarantine: no
 * private slot of it may be changed then. Context: atomic.
 */
bool pci_tdi_bound_to(struct pci_tdi_seat *seat, struct kvm *kvm)
{
	guard(spinlock_irqsave)(&seat->lock);
	return seat->binding && seat->binding->kvm == kvm;
}
EXPORT_SYMBOL_GPL(pci_tdi_bound_to);

/*
 * Call-outs. The driver calls them from its bind, guest_req or unbind, under
 * pci_tsm_rwsem and pf0->lock; the binding outlives those.
 */
static struct tdi_binding *tdi_binding(struct pci_tdi *tdi)
{
	return tdi->seat->binding;
}

/**
 * pci_tdi_mmio_lookup() - which BAR page did the VMM put at a guest address?
 * @tdi: the TDI
 * @gpa: guest physical address, page aligned
 * @hpa: out: the page's physical address
 *
 * Return: 0, or -ENOENT: no private slot of this TDI is there.
 */
int pci_tdi_mmio_lookup(struct pci_tdi *tdi, u64 gpa, phys_addr_t *hpa)
{
	struct tdi_binding *b = tdi_binding(tdi);

	return b->kvm_ops->mmio_lookup(b->kvm, tdi->seat, gpa, hpa);
}
EXPORT_SYMBOL_GPL(pci_tdi_mmio_lookup);

/**
 * pci_tdi_unmap_mmio() - call-out of unbind: take the private MMIO from the TVM
 * @tdi: the TDI
 *
 * When this returns no vCPU reaches a BAR page of @tdi through KVM's tables, and
 * no fault brings one back: firmware's mind, or the binding's state, says no.
 * Never fails, allocates nothing. Context: process.
 */
void pci_tdi_unmap_mmio(struct pci_tdi *tdi)
{
	struct tdi_binding *b = tdi_binding(tdi);

	trace_pci_tdi_unmap_mmio(tdi->pdev);
	b->kvm_ops->mmio_unmap(b->kvm, tdi->seat);
	b->mmio_unmapped = true;
}
EXPORT_SYMBOL_GPL(pci_tdi_unmap_mmio);

/**
 * pci_tdi_dma_off() - call-out of unbind: end the TDI's trusted DMA
 * @tdi: the TDI
 *
 * When this returns no T=1 request of @tdi is in flight and none starts. Never
 * fails. Context: process.
 */
void pci_tdi_dma_off(struct pci_tdi *tdi)
{
	struct pci_tdi_seat *seat = tdi->seat;

	trace_pci_tdi_dma_off(tdi->pdev);
	seat->dma_ops->disable(seat->dma_priv);
	seat->binding->dma_disabled = true;
}
EXPORT_SYMBOL_GPL(pci_tdi_dma_off);

/**
 * pci_tdi_quarantine() - firmware does not let go of a TDI
 * @tdi: the TDI
 * @why: constant text, for people
 *
 * For a driver's unbind (or a bind that cannot undo itself) whose escape has
 * failed too. What firmware may still own stays as it is, for ever: BAR pages
 * revoked, KVM referenced, the function closed to everybody. The driver keeps
 * what its firmware still refers to; only the struct pci_tdi dies as always.
 */
void pci_tdi_quarantine(struct pci_tdi *tdi, const char *why)
{
	tdi_binding(tdi)->quarantine = why;
}
EXPORT_SYMBOL_GPL(pci_tdi_quarantine);

/**
 * pci_tdi_report_error() - a TDI fell to TDISP ERROR by itself
 * @tdi: the TDI
 *
 * Firmware allows the TVM no page of the TDI any more, so KVM's leaves go too;
 * the VMM gets an event. The TDI stays bound. Context: process, under pf0->lock
 * with @tdi bound.
 */
void pci_tdi_report_error(struct pci_tdi *tdi)
{
	struct tdi_binding *b = tdi_binding(tdi);

	b->kvm_ops->mmio_unmap(b->kvm, tdi->seat);
	tdi_seat_post(tdi->seat, PCI_TDI_EVENT_ERROR);
}
EXPORT_SYMBOL_GPL(pci_tdi_report_error);

/**
 * pci_tdi_mem_fault() - bring a private page of the TVM into firmware's table
 * @tdi: the TDI whose T=1 request missed; bound, and kept so by the caller
 * @gpa: guest physical address, page aligned
 * @install: see struct pci_tdi_kvm_ops
 * @ctx: passed to @install
 *
 * Return: 0; -ENOENT: the TVM has no private page there; -EAGAIN: raced with an
 * invalidation. Context: process.
 */
int pci_tdi_mem_fault(struct pci_tdi *tdi, u64 gpa,
		      int (*install)(void *ctx, u64 gpa, struct page *page),
		      void *ctx)
{
	struct tdi_binding *b = tdi_binding(tdi);

	return b->kvm_ops->mem_fault(b->kvm, gpa, install, ctx);
}
EXPORT_SYMBOL_GPL(pci_tdi_mem_fault);

/*
 * Hooks of the TSM core. The driver's bind constructs its context with
 * pci_tsm_tdi_constructor(); that is how the binding learns of it.
 */
void pci_tdi_construct(struct pci_dev *pdev, struct pci_tdi *tdi)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	tdi->seat = seat;
	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	if (!WARN_ON(!seat->binding))
		seat->binding->tdi = tdi;
}

/*
 * Before every ops->unbind, under pci_tsm_rwsem and pf0->lock. Our own unbind
 * has made the state UNBINDING already; anything else is the core on its own
 * (disconnect, TSM or device removal).
 */
void pci_tdi_core_unbind_begin(struct pci_tdi *tdi)
{
	struct pci_tdi_seat *seat = tdi->seat;

	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state == PCI_TDI_BOUND) {
		seat->binding->by_core = true;
		tdi_seat_set_state(seat, PCI_TDI_UNBINDING);
	} else if (seat->state == PCI_TDI_BINDING) {
		/* bind is about to publish and will find out */
		seat->binding->lost = true;
	}
}

/*
 * After ops->unbind. pci_tsm_rwsem may be held for write and giving back takes
 * VFIO's locks, so a work item ends what the core began. It owns the reference
 * that the binding has on the seat.
 */
void pci_tdi_core_unbind_end(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;

	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	if (!seat->binding)
		return;
	seat->binding->tdi = NULL;
	if (seat->binding->by_core)
		queue_work(tdi_release_wq, &seat->release);
}
