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

/*
 * What the others do for a binding, with begin and end in the trace. Steps nest: the TSM
 * driver's unbind makes its call-outs inside.
 */
static int tdi_revoke_bars(struct pci_tdi_seat *seat, struct kvm *kvm)
{
	int rc;

	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_REVOKE_BARS);
	rc = seat->bar_ops->revoke(seat->bar_priv, kvm);
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_REVOKE_BARS, rc);
	return rc;
}

static void tdi_give_back_bars(struct pci_tdi_seat *seat)
{
	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_GIVE_BACK_BARS);
	seat->bar_ops->give_back(seat->bar_priv);
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_GIVE_BACK_BARS, 0);
}

static int tdi_arm_dma(struct pci_tdi_seat *seat, u32 tdi_id)
{
	int rc;

	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_ARM_DMA);
	rc = seat->dma_ops->enable(seat->dma_priv, tdi_id);
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_ARM_DMA, rc);
	return rc;
}

static void tdi_disarm_dma(struct pci_tdi_seat *seat)
{
	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_DISARM_DMA);
	seat->dma_ops->disable(seat->dma_priv);
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_DISARM_DMA, 0);
}

static void tdi_unmap_mmio(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_UNMAP_MMIO);
	b->kvm_ops->mmio_unmap(b->kvm, seat);
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_UNMAP_MMIO, 0);
}

static int tdi_tsm_bind(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	int rc;

	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_TSM_BIND);
	rc = pci_tsm_bind(seat->pdev, b->kvm, b->tdi_id);
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_TSM_BIND, rc);
	return rc;
}

/* Give everything back but the binding itself; firmware has let go */
static void tdi_release(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	/*
	 * A driver that forgot a call-out would leave the TVM with a page that
	 * the host gets back, so the services run here at the latest.
	 */
	if (WARN_ON(!b->mmio_unmapped))
		tdi_unmap_mmio(seat, b);
	if (WARN_ON(!b->dma_disabled))
		tdi_disarm_dma(seat);
	/* a quarantine that ends late: VFIO may have left meanwhile */
	if (seat->bar_ops)
		tdi_give_back_bars(seat);
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
 * keep the KVM, the revocation and the function itself until it lets go. KVM's own
 * leaves and trusted DMA are cut off in any case: slots and vdevice may go now.
 */
static void tdi_quarantine(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	pci_err(seat->pdev, "quarantined, see its tdi/retry: %s\n",
		b->quarantine);
	trace_pci_tdi_quarantine(seat->pdev, b->quarantine);
	if (!b->mmio_unmapped)
		tdi_unmap_mmio(seat, b);
	b->mmio_unmapped = true;
	if (!b->dma_disabled)
		tdi_disarm_dma(seat);
	b->dma_disabled = true;
	/* before the state: a function that takes it over may free this seat then */
	tdi_seat_post(seat, PCI_TDI_EVENT_QUARANTINED);
	scoped_guard(spinlock_irqsave, &seat->lock) {
		b->by_core = false;
		b->kept = true;
		tdi_seat_set_state(seat, PCI_TDI_QUARANTINED);
	}
}

/*
 * The second half of every unbind, after the TSM driver's. State UNBINDING, so
 * nobody else touches the binding; no lock of the TSM core held.
 */
static void tdi_finish_unbind(struct pci_tdi_seat *seat)
{
	struct tdi_binding *b = seat->binding;
	bool unasked = b->unasked;

	if (b->quarantine) {
		tdi_quarantine(seat, b);
		return;
	}

	tdi_release(seat, b);
	tdi_put_kvm(seat, b);
	/* before the state: who sees UNBOUND finds the event in the queue */
	if (unasked)
		tdi_seat_post(seat, PCI_TDI_EVENT_UNBOUND);
	scoped_guard(spinlock_irqsave, &seat->lock) {
		seat->binding = NULL;
		tdi_seat_set_state(seat, PCI_TDI_UNBOUND);
	}
	kfree(b);
	/* of tdi_begin_bind(); the caller holds the seat, or is the work item */
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

enum tdi_claim {
	TDI_CLAIM_DONE,		/* nothing is bound */
	TDI_CLAIM_MINE,		/* the caller unbinds, and nobody else */
	TDI_CLAIM_AGAIN,	/* somebody is at work: wait for it */
};

static enum tdi_claim tdi_claim_unbind(struct pci_tdi_seat *seat,
				       enum tdi_asked asked)
{
	guard(spinlock_irqsave)(&seat->lock);
	switch (seat->state) {
	case PCI_TDI_UNBOUND:
	case PCI_TDI_QUARANTINED:
		return TDI_CLAIM_DONE;
	case PCI_TDI_BOUND:
		seat->binding->unasked = asked == TDI_UNASKED;
		tdi_seat_set_state(seat, PCI_TDI_UNBINDING);
		return TDI_CLAIM_MINE;
	default:
		return TDI_CLAIM_AGAIN;
	}
}

/* The TSM driver's half and ours; the caller has made the state UNBINDING */
static void tdi_do_unbind(struct pci_tdi_seat *seat)
{
	/*
	 * If the TSM core gets in between with an unbind of its own it finds
	 * UNBINDING and leaves the rest to us; ours is then a no-op.
	 */
	pci_tsm_unbind(seat->pdev);
	tdi_finish_unbind(seat);
}

/*
 * Whoever comes first does the work, the others wait for it; when this returns
 * the seat was unbound or quarantined at some moment after the call.
 */
void tdi_seat_unbind(struct pci_tdi_seat *seat, enum tdi_asked asked)
{
	enum tdi_claim claim;

	do {
		tdi_seat_wait(seat);
		claim = tdi_claim_unbind(seat, asked);
	} while (claim == TDI_CLAIM_AGAIN);

	if (claim == TDI_CLAIM_MINE)
		tdi_do_unbind(seat);
}

static int tdi_claim_retry(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&tdi_lock);
	guard(spinlock)(&seat->lock);
	if (seat->state != PCI_TDI_QUARANTINED)
		return -EINVAL;
	/* a close, say, whose VFIO half is about to forget what we would call it for */
	if (tdi_held(seat->pdev))
		return -EBUSY;
	seat->binding->quarantine = NULL;
	seat->binding->unasked = true;
	tdi_seat_set_state(seat, PCI_TDI_UNBINDING);
	return 0;
}

/*
 * The way out of quarantine: the TSM driver goes on from the step at which it had
 * to give up. Context: process, as an unbind.
 *
 * Return: 0: unbound; -EINVAL: not quarantined; -EIO: still quarantined; -EBUSY: an
 * operation on the function is in progress, try again.
 */
int tdi_seat_retry(struct pci_tdi_seat *seat)
{
	int rc;

	rc = tdi_claim_retry(seat);
	if (rc)
		return rc;
	tdi_do_unbind(seat);
	return tdi_is_kept(seat) ? -EIO : 0;
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

	tdi_seat_unbind(seat, TDI_ASKED);
	return tdi_is_kept(seat) ? -EIO : 0;
}
EXPORT_SYMBOL_GPL(pci_tdi_unbind);

/*
 * UNBOUND to BINDING, with @b in the seat; fails with nothing changed. Under
 * tdi_lock, so that whoever begins a hold sees either this or is seen here.
 */
static int tdi_begin_bind(struct pci_tdi_seat *seat, struct tdi_binding *b)
{
	guard(spinlock_irqsave)(&tdi_lock);
	guard(spinlock)(&seat->lock);
	if (seat->state == PCI_TDI_QUARANTINED)
		return -EIO;
	if (!seat->bar_ops)
		return -EOPNOTSUPP;
	if (seat->state != PCI_TDI_UNBOUND || !seat->open ||
	    tdi_held(seat->pdev))
		return -EBUSY;
	if (!seat->dma_ops)
		return -EOPNOTSUPP;
	seat->binding = b;
	tdi_seat_get(seat);
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
 * close, a hold that waits for us, or a disconnect by the TSM core.
 */
static int tdi_publish_bind(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&tdi_lock);
	guard(spinlock)(&seat->lock);
	if (!seat->open || tdi_held(seat->pdev))
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

	rc = tdi_revoke_bars(seat, b->kvm);
	if (rc)
		goto err_kvm;

	rc = tdi_arm_dma(seat, b->tdi_id);
	if (rc)
		goto err_bars;

	rc = tdi_tsm_bind(seat, b);
	if (rc && !b->quarantine)
		goto err_dma;
	/* a driver that could not undo its own bind has kept what it was */
	if (b->quarantine)
		return -EIO;

	rc = tdi_publish_bind(seat);
	if (!rc)
		return 0;

	/* the driver's unbind makes the call-outs, so the rest is an unbind too */
	pci_tsm_unbind(seat->pdev);
	if (b->quarantine)
		return -EIO;
err_dma:
	/* the driver may have made its call-out while it undid its bind */
	if (!b->dma_disabled)
		tdi_disarm_dma(seat);
err_bars:
	tdi_give_back_bars(seat);
err_kvm:
	tdi_put_kvm(seat, b);
	return rc;
}

/**
 * pci_tdi_bind() - give a TDI to the TVM that its VFIO device belongs to
 * @pdev: the function, whose VFIO registration the caller holds
 * @tdi_id: the TDI's virtual RID in the TVM
 * @notify: tells the VMM what happened to the TDI unasked, from now on (whether the
 *	    bind succeeds or not) until pci_tdi_forget_notify(); process context, no
 *	    lock of this core but the one that it waits for
 * @priv: passed to @notify
 *
 * Revokes the host's access to the BARs, locks the TDI and sets up trusted DMA,
 * in a way that leaves UNBOUND when any step fails. The TVM accepts by guest
 * requests afterwards. Context: process, may hold igroup->lock and nothing
 * further in. Bounded by DOE's time.
 *
 * Return: 0; -EOPNOTSUPP: not a VFIO PCI function, no vIOMMU with trusted DMA, no
 * KVM with private MMIO, or a TSM that cannot bind; -ENODEV: no associated KVM;
 * -ENXIO: the link is not connected to a TSM; -EBUSY: bound already, a hold
 * reaches the function, an importer of a BAR would not let go, or the device is
 * being closed;
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

	rc = tdi_begin_bind(seat, b);
	if (!rc) {
		tdi_seat_set_notify(seat, notify, priv);
		/* a hint only: pci_tsm_bind() looks again, under its lock */
		rc = READ_ONCE(pdev->tsm) ? tdi_do_bind(seat, b) : -ENXIO;
		if (!rc)
			retain_and_null_ptr(b);
		else if (b->quarantine)
			tdi_quarantine(seat, no_free_ptr(b));
		else
			tdi_abort_bind(seat);
	}

	trace_pci_tdi_bind(pdev, tdi_id, rc);
	return rc;
}
EXPORT_SYMBOL_GPL(pci_tdi_bind);

/* So long a request waits for those of the same TDI that came before it */
#define TDI_TURN	(2 * HZ)

/* 0; -EAGAIN: another request of this TDI is at work; -ENXIO: not bound */
static int tdi_take_turn(struct pci_tdi_seat *seat)
{
	guard(spinlock_irqsave)(&seat->lock);
	if (seat->state != PCI_TDI_BOUND)
		return -ENXIO;
	if (seat->requester)
		return -EAGAIN;
	seat->requester = current;
	return 0;
}

/**
 * pci_tdi_begin_req() - wait for a guest request's turn
 * @pdev: the function, which the caller keeps until this returns
 *
 * One request of a TDI at a time goes for the locks of the TSM core. Whoever waits
 * there is ahead of a neighbour's unbind and of any connect, so how many do must not
 * be a user's choice. The others wait here, without a lock, and an unbind that begins
 * sends them away.
 *
 * A turn is all that a request holds from here on: neither the vDEVICE nor VFIO's
 * registration, whose ends would have to wait for it, behind all requests of the same
 * DSM. An unbind takes the turn away, see pci_tdi_req_stands().
 *
 * Context: process, no locks; at most 2 s.
 *
 * Return: 0, and pci_tdi_guest_req() is owed; -ENXIO: not bound; -EINTR: a signal
 * came, -EAGAIN: other requests of the same TDI are at work.
 */
int pci_tdi_begin_req(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;
	long left;
	int rc;

	if (!seat)
		return -ENXIO;

	left = wait_event_interruptible_timeout(seat->wait,
						(rc = tdi_take_turn(seat)) != -EAGAIN,
						TDI_TURN);
	if (left < 0)
		return -EINTR;
	if (!rc)
		pci_dev_get(pdev);
	return rc;
}
EXPORT_SYMBOL_GPL(pci_tdi_begin_req);

static void tdi_end_req(struct pci_tdi_seat *seat)
{
	scoped_guard(spinlock_irqsave, &seat->lock)
		if (seat->requester == current)
			seat->requester = NULL;
	wake_up_all(&seat->wait);
}

/*
 * Hook of the TSM core, under pf0->lock: is the request that has come through one of
 * the binding that is there? If so the driver's unbind, which needs the lock, waits
 * for it, and the binding with all that it holds stays until the request has ended.
 */
bool pci_tdi_req_stands(struct pci_tdi *tdi)
{
	struct pci_tdi_seat *seat = tdi->seat;

	if (!seat)
		return true;

	guard(spinlock_irqsave)(&seat->lock);
	return seat->requester == current;
}

/**
 * pci_tdi_guest_req() - pass a TVM's request on to its TSM
 * @pdev: the function, for which pci_tdi_begin_req() has just answered 0 to this task
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
 * Return: bytes filled in @resp; -ENXIO: not bound any more, or bound anew; -EINTR: a
 * signal came: nothing was sent; or what the TSM driver answers.
 */
ssize_t pci_tdi_guest_req(struct pci_dev *pdev, enum pci_tsm_req_scope scope,
			  void *req, size_t req_len, void *resp,
			  size_t resp_len, u64 *tsm_code)
{
	const struct pci_tdi_req *hdr = req;
	ssize_t rc;

	trace_pci_tdi_req_begin(pdev, hdr->op, req_len);
	rc = pci_tsm_guest_req(pdev, scope, KERNEL_SOCKPTR(req), req_len,
			       KERNEL_SOCKPTR(resp), resp_len, tsm_code);
	tdi_end_req(pdev->tdi_seat);
	trace_pci_tdi_req(pdev, hdr->op, rc, *tsm_code);
	pci_dev_put(pdev);

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
	struct pci_tdi_seat *heir;

	while ((heir = READ_ONCE(seat->heir)))
		seat = heir;

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
 * no fault brings one back that firmware's mind, or the binding's state, says no to.
 * A driver may also call it while its TDI stays bound, when a guest gave pages back:
 * the others fault in again, so it is the one of unbind that counts as the last.
 * Never fails, allocates nothing. Context: process.
 */
void pci_tdi_unmap_mmio(struct pci_tdi *tdi)
{
	struct pci_tdi_seat *seat = tdi->seat;
	struct tdi_binding *b = tdi_binding(tdi);
	bool last;

	trace_pci_tdi_unmap_mmio(tdi->pdev);
	/*
	 * Before the walk: a fault may still have been told yes while it was bound. And
	 * not in a bind that undoes itself, which is no unbind.
	 */
	scoped_guard(spinlock_irqsave, &seat->lock)
		last = seat->state == PCI_TDI_UNBINDING;
	/* not again after a quarantine: firmware and state have said no since */
	if (!b->mmio_unmapped)
		tdi_unmap_mmio(seat, b);
	if (last)
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
	/* it may have been cut off by a quarantine, and the vdevice be gone */
	if (!seat->binding->dma_disabled)
		tdi_disarm_dma(seat);
	seat->binding->dma_disabled = true;
}
EXPORT_SYMBOL_GPL(pci_tdi_dma_off);

static void tdi_set_why(struct tdi_binding *b, const char *why)
{
	strscpy(b->why, why);
	b->quarantine = b->why;
}

/**
 * pci_tdi_quarantine() - firmware does not let go of a TDI
 * @tdi: the TDI
 * @why: text, for people; copied
 *
 * For a driver's unbind (or a bind that cannot undo itself) whose escape has
 * failed too. What firmware may still own stays as it is: BAR pages revoked, KVM
 * referenced, the function closed to everybody. A bind that calls this returns
 * @tdi as if it had succeeded; the core fails it with -EIO.
 *
 * @tdi and all that firmware refers to stay with the driver: unbind is called again
 * when somebody tries the way out, and when the link is taken down or the function
 * leaves, and goes on from the step that failed. It frees @tdi when it has not
 * called this. If the TSM itself goes, @tdi is leaked on purpose.
 */
void pci_tdi_quarantine(struct pci_tdi *tdi, const char *why)
{
	tdi_set_why(tdi_binding(tdi), why);
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

	tdi_unmap_mmio(tdi->seat, b);
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
 * (disconnect, TSM or device removal), also of a TDI in quarantine: one more try.
 *
 * Return: false: not now. The driver has just failed and who asked it has still to
 * write that down, or what is in quarantine is in the reach of an operation that
 * counts on its staying there.
 */
bool pci_tdi_core_unbind_begin(struct pci_tdi_seat *seat)
{
	struct tdi_binding *b;

	if (!seat)
		return true;

	guard(spinlock_irqsave)(&tdi_lock);
	guard(spinlock)(&seat->lock);
	b = seat->binding;
	if (!b)
		return true;
	if (seat->state == PCI_TDI_QUARANTINED ? tdi_held(seat->pdev) :
						 !!b->quarantine)
		return false;

	b->quarantine = NULL;
	if (seat->state == PCI_TDI_BOUND ||
	    seat->state == PCI_TDI_QUARANTINED) {
		b->by_core = true;
		b->unasked = true;
		tdi_seat_set_state(seat, PCI_TDI_UNBINDING);
	} else if (seat->state == PCI_TDI_BINDING) {
		/* bind is about to publish and will find out */
		b->lost = true;
	}
	trace_pci_tdi_step_begin(seat->pdev, PCI_TDI_STEP_TSM_UNBIND);
	return true;
}

/*
 * After ops->unbind. pci_tsm_rwsem may be held for write and giving back takes
 * VFIO's locks, so a work item ends what the core began. It owns the reference
 * that the binding has on the seat.
 *
 * Return: true if the struct pci_tdi is dead; false: it is quarantined and stays.
 */
bool pci_tdi_core_unbind_end(struct pci_tdi_seat *seat)
{
	struct tdi_binding *b;

	if (!seat)
		return true;

	guard(spinlock_irqsave)(&seat->lock);
	b = seat->binding;
	if (!b)
		return true;
	trace_pci_tdi_step_end(seat->pdev, PCI_TDI_STEP_TSM_UNBIND,
			       b->quarantine ? -EIO : 0);
	if (!b->quarantine)
		b->tdi = NULL;
	if (b->by_core)
		queue_work(tdi_release_wq, &seat->release);
	return !b->quarantine;
}

/*
 * At the end of an unbind that was asked for, still under pci_tsm_rwsem: if the TDI
 * is there and nobody has tried, its TSM has gone and has left it behind.
 */
void pci_tdi_core_unbind_done(struct pci_dev *pdev)
{
	struct pci_tdi_seat *seat = pdev->tdi_seat;
	struct tdi_binding *b;

	if (!seat)
		return;

	guard(spinlock_irqsave)(&seat->lock);
	b = seat->binding;
	if (b && seat->state == PCI_TDI_UNBINDING && !b->by_core && b->tdi &&
	    !b->quarantine)
		tdi_set_why(b, "no TSM left that could unbind it");
}
