// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux guest needs seconds to its first program, on a busy emulated host many, and
 * its console says nothing on the way unless it is told to: one line every two seconds,
 * so that nobody takes it for hung.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tvmm.h"

#define EVERY_MS	2000

static void *tell(void *arg)
{
	struct tvmm *t = arg;
	struct pollfd pfd = { .fd = t->progress.stop_fd, .events = POLLIN };
	bool up = false;
	int ret;

	while (!up) {
		ret = poll(&pfd, 1, EVERY_MS);
		if (ret > 0 || (ret < 0 && errno != EINTR))
			break;
		pthread_mutex_lock(&t->lock);
		up = t->boot.up;
		if (!up)
			report_note(t, "linux: boots, %llu s so far",
				    (unsigned long long)
				    (now_us() - t->boot.entered_us) / 1000000);
		pthread_mutex_unlock(&t->lock);
	}
	return NULL;
}

/* events may be told already */
static int failed(struct tvmm *t, int ret)
{
	pthread_mutex_lock(&t->lock);
	report_failed(t, "exit", ret, "progress: %s", strerror(-ret));
	pthread_mutex_unlock(&t->lock);
	return ret;
}

int progress_start(struct tvmm *t)
{
	struct progress *p = &t->progress;
	sigset_t old;
	int ret;

	if (!t->opt.kernel)
		return 0;
	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (p->stop_fd < 0)
		return failed(t, -errno);
	signals_block(&old);
	ret = pthread_create(&p->thread, NULL, tell, t);
	signals_restore(&old);
	p->running = !ret;
	return ret ? failed(t, -ret) : 0;
}

void progress_stop(struct tvmm *t)
{
	struct progress *p = &t->progress;

	if (p->running) {
		eventfd_write(p->stop_fd, 1);
		pthread_join(p->thread, NULL);
		p->running = false;
	}
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	p->stop_fd = -1;
}
