// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM is told about its TDI without having asked: a short queue in the seat,
 * in the order in which things happened, delivered from a work item because they
 * happen under the TSM core's locks.
 */
#include <linux/cleanup.h>
#include <linux/export.h>

#include <trace/events/pci_tdi.h>

#include "tdi.h"

/* The oldest event, or 0; what was lost comes after all that was kept */
static int tdi_next_event(struct pci_tdi_seat *seat)
{
	enum pci_tdi_event event;

	guard(spinlock_irqsave)(&seat->lock);
	if (!seat->nr_events) {
		event = seat->events_lost ? PCI_TDI_EVENT_LOST : 0;
		seat->events_lost = false;
		return event;
	}
	event = seat->events[0];
	seat->nr_events--;
	memmove(seat->events, seat->events + 1,
		seat->nr_events * sizeof(seat->events[0]));
	return event;
}

void tdi_seat_notify_work(struct work_struct *work)
{
	struct pci_tdi_seat *seat =
		container_of(work, struct pci_tdi_seat, notify_work);
	int event;

	scoped_guard(mutex, &seat->notify_lock) {
		while ((event = tdi_next_event(seat))) {
			trace_pci_tdi_event(seat->pdev, event);
			if (seat->notify)
				seat->notify(seat->notify_priv, event);
		}
	}

	/* of tdi_seat_post() */
	pci_tdi_seat_put(seat);
}

/* Order is kept: once something was lost, nothing is queued behind it */
static void tdi_queue_event(struct pci_tdi_seat *seat, enum pci_tdi_event event)
{
	lockdep_assert_held(&seat->lock);

	if (seat->events_lost || seat->nr_events == ARRAY_SIZE(seat->events))
		seat->events_lost = true;
	else
		seat->events[seat->nr_events++] = event;
}

/*
 * Tell the VMM about @event from a context that may do so. Room for it is in the
 * seat, so posting allocates nothing and comes from any context; the work item
 * holds the seat.
 */
void tdi_seat_post(struct pci_tdi_seat *seat, enum pci_tdi_event event)
{
	scoped_guard(spinlock_irqsave, &seat->lock)
		tdi_queue_event(seat, event);

	tdi_seat_get(seat);
	if (!queue_work(system_dfl_wq, &seat->notify_work))
		pci_tdi_seat_put(seat);
}

/*
 * A vDEVICE wants to know from here on, before there is anything to tell, so that
 * nothing is lost; what was left over for an earlier one is not this one's.
 */
void tdi_seat_set_notify(struct pci_tdi_seat *seat,
			 void (*notify)(void *priv, enum pci_tdi_event event),
			 void *priv)
{
	guard(mutex)(&seat->notify_lock);
	guard(spinlock_irqsave)(&seat->lock);
	if (seat->notify_priv != priv) {
		seat->nr_events = 0;
		seat->events_lost = false;
	}
	seat->notify = notify;
	seat->notify_priv = priv;
}

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
	seat->nr_events = 0;
	seat->events_lost = false;
	seat->notify = NULL;
	seat->notify_priv = NULL;
}
EXPORT_SYMBOL_GPL(pci_tdi_forget_notify);
