/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations that fail on purpose: the Nth of a thread, or all of a task. In
 * kernels with CONFIG_FAULT_INJECTION_DEBUG_FS, which the debug kernel is.
 */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

#define FAULT_DIR	"/sys/kernel/debug/"
#define FAULT_NEVER	1000000		/* more allocations than a bind has */

static int fault_write(const char *path, const char *text)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int fault_set(const char *who, const char *what, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), FAULT_DIR "%s/%s", who, what);
	return failed(fault_write(path, text), "%s", path);
}

/* nothing fails yet; -ENOENT: not in this kernel */
static int fault_begin(void)
{
	static const char *const who[] = { "failslab", "fail_page_alloc" };
	size_t i;
	int ret = 0;

	if (access(FAULT_DIR "failslab", F_OK) ||
	    access("/proc/self/fail-nth", F_OK))
		return -ENOENT;
	for (i = 0; !ret && i < 2; i++)
		/* also those that may wait; silently, since the log is looked at */
		ret = fault_set(who[i], "probability", "0") ?:
		      fault_set(who[i], "ignore-gfp-wait", "N") ?:
		      fault_set(who[i], "task-filter", "Y") ?:
		      fault_set(who[i], "times", "-1") ?:
		      fault_set(who[i], "verbose", "0");
	if (!ret && !access(FAULT_DIR "fail_usercopy", F_OK))
		ret = fault_set("fail_usercopy", "verbose", "0");
	return ret ?: fault_set("fail_page_alloc", "min-order", "0");
}

/*
 * The files are opened before anything can fail: an open() allocates too. One
 * thread of a process at a time.
 */
static int fault_nth_fd = -1;
static int fault_all_fd = -1;

static int fault_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? failed(-errno, "%s", path) : fd;
}

/* the @n-th allocation of this thread from here on fails, once */
static int fault_nth(unsigned int n)
{
	char text[16];

	fault_nth_fd = fault_open("/proc/thread-self/fail-nth");
	if (fault_nth_fd < 0)
		return fault_nth_fd;
	snprintf(text, sizeof(text), "%u", n);
	return pwrite(fault_nth_fd, text, strlen(text), 0) < 0 ?
	       failed(-errno, "fail-nth") : 0;
}

/* how many were left to go, and none fails any more; 0: it has failed */
static int fault_left(void)
{
	char text[16] = "";
	int left;

	/* a copy to user space counts too: that of this read was the one */
	left = pread(fault_nth_fd, text, sizeof(text) - 1, 0) < 0 ? 1 :
	       atoi(text);
	/* so may this one be; there is none after it */
	if (pwrite(fault_nth_fd, "0", 1, 0) < 0 && errno != EFAULT)
		failed(-errno, "fail-nth");
	close(fault_nth_fd);
	fault_nth_fd = -1;
	return left;
}

/* all of this thread's fail, also while it dies; and none */
static int fault_all(bool on)
{
	int ret = 0;

	if (!on && fault_all_fd >= 0) {
		if (pwrite(fault_all_fd, "0", 1, 0) < 0)
			ret = -errno;
		close(fault_all_fd);
		fault_all_fd = -1;
	}
	ret = ret ?: fault_set("failslab", "probability", on ? "100" : "0") ?:
	      fault_set("fail_page_alloc", "probability", on ? "100" : "0");
	if (!on || ret)
		return ret;
	fault_all_fd = fault_open("/proc/thread-self/make-it-fail");
	if (fault_all_fd < 0)
		return fault_all_fd;
	return pwrite(fault_all_fd, "1", 1, 0) < 0 ?
	       failed(-errno, "make-it-fail") : 0;
}

#endif /* TEST_FAULT_H */
