// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to the TDI without our asking: one line for each event, also while the
 * guest does nothing that would end KVM_RUN. A thread sleeps on the queue's file and
 * sends the vCPU's thread a signal; that one reads and prints, as it does all else.
 *
 * tvmm only tells. What an owner does about it is in the line's words: the guest finds
 * out by itself, since its next access ends as a memory fault.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tvmm.h"

#define EVENT_DEPTH	16
#define AGAIN_MS	20

/* KVM_RUN answers EINTR to it, whatever SA_RESTART says; all else goes on */
static void on_event(int sig)
{
	(void)sig;
}

/* sends it again until the queue has been read: one just before KVM_RUN is lost on it */
static void *watch(void *arg)
{
	struct tvmm *t = arg;
	struct event_watch *w = &t->device.watch;
	struct pollfd pfd[2] = {
		{ .fd = w->stop_fd, .events = POLLIN },
		{ .fd = tdi_events_fd(t->device.events), .events = POLLIN },
	};

	for (;;) {
		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (pfd[0].revents || pfd[1].revents & ~POLLIN)
			return NULL;
		if (!pfd[1].revents)
			continue;
		pthread_kill(w->vcpu, SIGUSR1);
		poll(pfd, 1, AGAIN_MS);
	}
}

/* signals that end the run are for the vCPU's thread, whose KVM_RUN they interrupt */
static int start(struct tvmm *t)
{
	struct sigaction action = {
		.sa_handler = on_event, .sa_flags = SA_RESTART,
	};
	struct event_watch *w = &t->device.watch;
	sigset_t all, old;
	int ret;

	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (w->stop_fd < 0)
		return -errno;
	sigaction(SIGUSR1, &action, NULL);
	w->vcpu = pthread_self();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&w->thread, NULL, watch, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->running = !ret;
	return -ret;
}

int events_create(struct tvmm *t)
{
	struct device *d = &t->device;
	int ret;

	ret = tdi_events_open(d->iommu, d->viommu_id, EVENT_DEPTH, &d->events) ?:
	      start(t);
	if (ret)
		return report_failed(t, "device", ret, "event queue: %s",
				     strerror(-ret));
	return 0;
}

void events_destroy(struct tvmm *t)
{
	struct event_watch *w = &t->device.watch;

	if (w->running) {
		eventfd_write(w->stop_fd, 1);
		pthread_join(w->thread, NULL);
		w->running = false;
	}
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	w->stop_fd = -1;
	if (!t->device.events)
		return;
	/* what came while it was taken down */
	events_print(t);
	tdi_events_close(t->device.events);
	t->device.events = NULL;
}

void events_print(struct tvmm *t)
{
	struct tdi_event event;

	if (!t->device.events)
		return;
	while (!tdi_events_next(t->device.events, &event)) {
		if (event.lost)
			report_note(t, "event: %u or more were lost: the TDI may be in any state",
				    event.lost);
		if (event.type)
			report_note(t, "event: TDI %#llx %s",
				    (unsigned long long)event.virt_id,
				    tdi_event_text(event.type));
		if (event.type == TDI_EVENT_UNBOUND)
			t->device.bound = false;
		report_value(t, "event", event.type);
	}
}
