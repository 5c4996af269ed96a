// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to a TDI without our asking: one line for each event, also while the
 * guest does nothing that would end KVM_RUN. A thread sleeps on the queue's file.
 *
 * tvmm only tells. What an owner does about it is in the line's words: the guest finds
 * out by itself, since its next access ends as a memory fault.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tvmm.h"

#define EVENT_DEPTH	16	/* for each device of a VM that has all of them */

/* a vCPU whose call ends may have read the queue before us: then there is nothing left */
static void *watch(void *arg)
{
	struct tvmm *t = arg;
	struct pollfd pfd[2] = {
		{ .fd = t->iommu.watch.stop_fd, .events = POLLIN },
		{ .fd = tdi_events_fd(t->iommu.events), .events = POLLIN },
	};

	for (;;) {
		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (pfd[0].revents || pfd[1].revents & ~POLLIN)
			return NULL;
		pthread_mutex_lock(&t->lock);
		events_print(t);
		pthread_mutex_unlock(&t->lock);
	}
}

int events_create(struct tvmm *t)
{
	struct iommu *m = &t->iommu;
	int ret;

	ret = tdi_events_open(m->fd, m->viommu_id,
			      EVENT_DEPTH * t->opt.nr_devices, &m->events);
	if (ret)
		return report_failed(t, "device", ret, "event queue: %s",
				     strerror(-ret));
	return 0;
}

void events_destroy(struct tvmm *t)
{
	if (!t->iommu.events)
		return;
	/* what came while it was taken down */
	events_print(t);
	tdi_events_close(t->iommu.events);
	t->iommu.events = NULL;
}

static int start(struct tvmm *t)
{
	struct event_watch *w = &t->iommu.watch;
	sigset_t old;
	int ret;

	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (w->stop_fd < 0)
		return -errno;
	signals_block(&old);
	ret = pthread_create(&w->thread, NULL, watch, t);
	signals_restore(&old);
	w->running = !ret;
	return -ret;
}

int events_watch(struct tvmm *t)
{
	int ret = t->iommu.events ? start(t) : 0;

	if (!ret)
		return 0;
	events_unwatch(t);
	return report_failed(t, "device", ret, "thread for events: %s",
			     strerror(-ret));
}

void events_unwatch(struct tvmm *t)
{
	struct event_watch *w = &t->iommu.watch;

	if (w->running) {
		eventfd_write(w->stop_fd, 1);
		pthread_join(w->thread, NULL);
		w->running = false;
	}
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	w->stop_fd = -1;
}

static struct device *find(struct tvmm *t, uint64_t virt_id)
{
	unsigned int i;

	for (i = 0; i < t->opt.nr_devices; i++)
		if (TVM_DEVICE_RID(i) == virt_id)
			return &t->device[i];
	return NULL;
}

static void print(struct tvmm *t, const struct tdi_event *event)
{
	struct device *d = find(t, event->virt_id);

	if (event->lost)
		report_note(t, "event: %u or more were lost: any TDI may be in any state",
			    event->lost);
	if (event->type)
		report_note(t, "event: %s (%02llx:%02llx.%llx in the VM) %s",
			    d ? d->bdf : "TDI",
			    (unsigned long long)event->virt_id >> 8,
			    (unsigned long long)event->virt_id >> 3 & 0x1f,
			    (unsigned long long)event->virt_id & 7,
			    tdi_event_text(event->type));
	if (d && event->type == TDI_EVENT_UNBOUND)
		d->bound = false;
	report_value(t, "event", event->type);
}

void events_print(struct tvmm *t)
{
	struct tdi_event event;

	if (!t->iommu.events)
		return;
	while (!tdi_events_next(t->iommu.events, &event))
		print(t, &event);
}
