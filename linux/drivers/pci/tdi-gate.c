// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate: the one pair of calls around whatever could pull device or memory from
 * under a bound TDI.
 *
 * A hold is an operation in progress. It stands in one list with its reach, so that
 * bind has one question to ask, "does any hold reach this function?", and no function
 * has to be counted up and down: functions may come and go while an operation on
 * their bus lasts. The list is almost always empty.
 */
#include <linux/cleanup.h>
#include <linux/export.h>

#include <trace/events/pci_tdi.h>

#include "tdi.h"

/* Every hold between its begin and its end; owned by tdi_lock */
static LIST_HEAD(tdi_holds);

/* The VFs of @pf, which may sit on other buses than it does */
static bool tdi_is_vf_of(struct pci_dev *pdev, struct pci_dev *pf)
{
	return pdev->is_virtfn && pci_physfn(pdev) == pf;
}

/*
 * The DSM of a device is in its function 0, unless an upstream port above has it,
 * and then only a reset of that port's bus could hurt. By address and not by
 * pci_dev::tsm, which only pci_tsm_rwsem keeps.
 */
static bool tdi_is_dsm_of(struct pci_dev *pf0, struct pci_dev *pdev)
{
	struct pci_dev *pf = pci_physfn(pdev);

	return !pf0->is_virtfn && !PCI_FUNC(pf0->devfn) &&
	       (pf0->devcap & PCI_EXP_DEVCAP_TEE) && pf->bus == pf0->bus &&
	       PCI_SLOT(pf->devfn) == PCI_SLOT(pf0->devfn);
}

static bool tdi_is_below(struct pci_dev *pdev, struct pci_bus *bus)
{
	struct pci_bus *b;

	for (b = pdev->bus; b; b = b->parent)
		if (b == bus)
			return true;
	return false;
}

static bool tdi_hold_reaches(const struct pci_tdi_hold *hold,
			     struct pci_dev *pdev)
{
	switch (hold->reach) {
	case PCI_TDI_FUNCTION:
		return pdev == hold->pdev;
	case PCI_TDI_RESET:
		return pdev == hold->pdev || tdi_is_vf_of(pdev, hold->pdev) ||
		       tdi_is_dsm_of(hold->pdev, pdev);
	case PCI_TDI_VFS:
		return tdi_is_vf_of(pdev, hold->pdev);
	case PCI_TDI_BUS:
	case PCI_TDI_BELOW:
		return tdi_is_below(pdev, hold->bus);
	case PCI_TDI_ALL:
		return true;
	}
	return true;
}

/*
 * Does an operation in progress reach @pdev? Asked by bind, before it begins and
 * before it publishes.
 */
bool tdi_held(struct pci_dev *pdev)
{
	struct pci_tdi_hold *hold;

	lockdep_assert_held(&tdi_lock);

	list_for_each_entry(hold, &tdi_holds, node) {
		if (!tdi_hold_reaches(hold, pdev))
			continue;
		trace_pci_tdi_held(pdev, hold);
		return true;
	}
	return false;
}

static bool tdi_seat_refuses(struct pci_tdi_seat *seat, enum pci_tdi_how how)
{
	struct pci_tdi *tdi;

	guard(spinlock)(&seat->lock);
	switch (seat->state) {
	case PCI_TDI_UNBOUND:
		return false;
	case PCI_TDI_BOUND:
		tdi = seat->binding->tdi;
		return how != PCI_TDI_REFUSE_LOCKED || tdi->ops->locked(tdi);
	default:
		return true;
	}
}

/*
 * What @seat would have to say has been said to a hold of the same task around this
 * one: VFIO lets a guest that has stopped its TDI write FLR, and calls the PCI core's
 * reset helper for it.
 */
static bool tdi_seat_has_agreed(struct pci_tdi_seat *seat)
{
	struct pci_tdi_hold *hold;

	list_for_each_entry(hold, &tdi_holds, node)
		if (hold->task == current &&
		    hold->how == PCI_TDI_REFUSE_LOCKED &&
		    tdi_hold_reaches(hold, seat->pdev))
			return true;
	return false;
}

/* The first function in the reach of @hold that refuses it, or NULL */
static struct pci_tdi_seat *tdi_refuser(const struct pci_tdi_hold *hold,
					enum pci_tdi_how how)
{
	struct pci_tdi_seat *seat;

	lockdep_assert_held(&tdi_lock);

	list_for_each_entry(seat, &tdi_seats, node)
		if (tdi_hold_reaches(hold, seat->pdev) &&
		    tdi_seat_refuses(seat, how) && !tdi_seat_has_agreed(seat))
			return seat;
	return NULL;
}

static int tdi_begin_refusing(struct pci_tdi_hold *hold, enum pci_tdi_how how,
			      unsigned long caller)
{
	struct pci_tdi_seat *seat;

	guard(spinlock_irqsave)(&tdi_lock);
	seat = tdi_refuser(hold, how);
	if (seat) {
		trace_pci_tdi_refused(seat->pdev, caller);
		trace_pci_tdi_gate(hold, caller, seat->pdev,
				   READ_ONCE(seat->state), -EBUSY);
		return -EBUSY;
	}
	trace_pci_tdi_gate(hold, caller, NULL, PCI_TDI_UNBOUND, 0);
	list_add(&hold->node, &tdi_holds);
	return 0;
}

/* A function in reach that is bound, or on its way from or to it, referenced */
static struct pci_tdi_seat *tdi_next_bound(const struct pci_tdi_hold *hold)
{
	struct pci_tdi_seat *seat;

	guard(spinlock_irqsave)(&tdi_lock);
	list_for_each_entry(seat, &tdi_seats, node) {
		guard(spinlock)(&seat->lock);
		if (tdi_hold_reaches(hold, seat->pdev) &&
		    seat->state != PCI_TDI_UNBOUND &&
		    seat->state != PCI_TDI_QUARANTINED)
			return tdi_seat_get(seat);
	}
	return NULL;
}

static bool tdi_any_quarantined(const struct pci_tdi_hold *hold)
{
	struct pci_tdi_seat *seat;

	guard(spinlock_irqsave)(&tdi_lock);
	list_for_each_entry(seat, &tdi_seats, node) {
		guard(spinlock)(&seat->lock);
		if (tdi_seat_kept(seat) && tdi_hold_reaches(hold, seat->pdev))
			return true;
	}
	return false;
}

/*
 * The hold stands first, so every function that is found unbound stays so and the
 * loop comes to its end: it runs once for each bound function.
 */
static int tdi_begin_unbinding(struct pci_tdi_hold *hold, unsigned long caller)
{
	struct pci_tdi_seat *seat;

	trace_pci_tdi_gate(hold, caller, NULL, PCI_TDI_UNBOUND, 0);
	scoped_guard(spinlock_irqsave, &tdi_lock)
		list_add(&hold->node, &tdi_holds);

	while ((seat = tdi_next_bound(hold))) {
		tdi_seat_unbind(seat, TDI_UNASKED);
		pci_tdi_seat_put(seat);
	}
	if (!tdi_any_quarantined(hold))
		return 0;
	trace_pci_tdi_gate(hold, caller, NULL, PCI_TDI_QUARANTINED, -EIO);
	return -EIO;
}

/* @hold with what is to be known about @reach of @pdev, in no list */
static void tdi_hold_init(struct pci_tdi_hold *hold, struct pci_dev *pdev,
			  enum pci_tdi_reach reach, enum pci_tdi_how how)
{
	struct pci_bus *below = pdev ? READ_ONCE(pdev->subordinate) : NULL;

	INIT_LIST_HEAD(&hold->node);
	hold->pdev = pdev;
	hold->bus = NULL;
	hold->task = current;
	hold->how = how;

	if (!pdev)
		reach = PCI_TDI_ALL;
	else if (reach == PCI_TDI_RESET && below)
		reach = PCI_TDI_BELOW;
	else if (reach == PCI_TDI_BELOW && !below)
		reach = PCI_TDI_RESET;
	if (reach == PCI_TDI_BELOW)
		hold->bus = below;
	else if (reach == PCI_TDI_BUS)
		hold->bus = pdev->bus;
	hold->reach = reach;
}

/**
 * pci_tdi_begin() - begin what a bound TDI must not see
 * @hold: caller's, to be kept until pci_tdi_end()
 * @pdev: the function that the operation is about, kept by the caller; NULL (the
 *	  bridge above a root bus, say) is @PCI_TDI_ALL
 * @reach: which functions the operation touches
 * @how: what happens if one of them is bound, or is being bound or unbound
 *
 * On success no function in reach can be bound before pci_tdi_end().
 *
 * Context: any for what refuses; never sleeps then. With @PCI_TDI_UNBIND_FIRST
 * process context with no lock that an unbind takes; it waits for firmware and
 * the device, each bounded, and for nothing else.
 *
 * Return: 0; -EBUSY: refused, nothing has begun; -EIO, with @PCI_TDI_UNBIND_FIRST
 * only: begun, but a function in reach is quarantined. pci_tdi_end() is harmless
 * after a refusal.
 */
int pci_tdi_begin(struct pci_tdi_hold *hold, struct pci_dev *pdev,
		  enum pci_tdi_reach reach, enum pci_tdi_how how)
{
	tdi_hold_init(hold, pdev, reach, how);
	if (how == PCI_TDI_UNBIND_FIRST)
		return tdi_begin_unbinding(hold, _RET_IP_);
	return tdi_begin_refusing(hold, how, _RET_IP_);
}
EXPORT_SYMBOL_GPL(pci_tdi_begin);

/**
 * pci_tdi_end() - the operation of pci_tdi_begin() is over
 * @hold: as there
 *
 * Context: any.
 */
void pci_tdi_end(struct pci_tdi_hold *hold)
{
	guard(spinlock_irqsave)(&tdi_lock);
	if (!list_empty(&hold->node))
		trace_pci_tdi_gate_end(hold);
	list_del_init(&hold->node);
}
EXPORT_SYMBOL_GPL(pci_tdi_end);

/**
 * pci_tdi_reset_quarantined() - would a reset of this function hit a quarantine?
 * @pdev: the function
 *
 * The TSM core asks before it connects or disconnects a DSM: a quarantined TDI
 * still stands in firmware's tables, over this link.
 *
 * Return: true if the function or one that its reset takes along is quarantined.
 * Context: any.
 */
bool pci_tdi_reset_quarantined(struct pci_dev *pdev)
{
	struct pci_tdi_hold hold;

	tdi_hold_init(&hold, pdev, PCI_TDI_RESET, PCI_TDI_REFUSE);
	if (!tdi_any_quarantined(&hold))
		return false;
	trace_pci_tdi_kept(pdev, _RET_IP_);
	return true;
}
