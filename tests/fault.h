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

static int fault_get(const char *who, const char *what, long *value)
{
	char path[128], text[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), FAULT_DIR "%s/%s", who, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(-errno, "%s", path);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return failed(-EIO, "%s", path);
	text[n] = 0;
	*value = strtol(text, NULL, 10);
	return 0;
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

/* ---- what it was that failed ---- */

#define FAULT_MANY	1000000

enum fault_point { FAULT_SLAB, FAULT_PAGE, FAULT_COPY, FAULT_POINTS };

static const char *const fault_points[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

/* count what fails from here on: each failure takes one, whoever ordered it */
static int fault_hits_begin(void)
{
	char text[16];
	int i, ret = 0;

	snprintf(text, sizeof(text), "%d", FAULT_MANY);
	for (i = 0; !ret && i < FAULT_POINTS; i++)
		ret = fault_set(fault_points[i], "times", text);
	return ret;
}

static int fault_hits(long hits[FAULT_POINTS])
{
	int i, ret = 0;

	for (i = 0; !ret && i < FAULT_POINTS; i++) {
		ret = fault_get(fault_points[i], "times", &hits[i]);
		hits[i] = FAULT_MANY - hits[i];
	}
	return ret;
}

/* ---- user copies by themselves ---- */

/*
 * fail-nth counts copies among allocations. By "space", which each takes one of, the
 * copies of this thread have a count of their own.
 */
static int fault_copy_nth(unsigned int n)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%u", n);
	ret = fault_set("fail_usercopy", "task-filter", "Y") ?:
	      fault_set("fail_usercopy", "times", "1") ?:
	      fault_set("fail_usercopy", "space", text) ?:
	      fault_set("fail_usercopy", "probability", "100");
	if (ret)
		return ret;
	fault_all_fd = fault_open("/proc/thread-self/make-it-fail");
	if (fault_all_fd < 0)
		return fault_all_fd;
	/* in force from the next copy on: this one is over when it takes effect */
	return pwrite(fault_all_fd, "1", 1, 0) < 0 ?
	       failed(-errno, "make-it-fail") : 0;
}

/* how many copies there were since, and whether one has failed */
static int fault_copy_end(unsigned int n, bool *hit)
{
	bool ours = false;
	long times, space;
	int ret;

	/* this order is copied in, too, and may have been the one */
	if (pwrite(fault_all_fd, "0", 1, 0) < 0) {
		ours = true;
		if (pwrite(fault_all_fd, "0", 1, 0) < 0)
			failed(-errno, "make-it-fail");
	}
	close(fault_all_fd);
	fault_all_fd = -1;
	ret = fault_get("fail_usercopy", "times", &times) ?:
	      fault_get("fail_usercopy", "space", &space) ?:
	      fault_set("fail_usercopy", "probability", "0") ?:
	      fault_set("fail_usercopy", "space", "0");
	*hit = !times && !ours;
	/* each that passed has taken one, this order among them if it was not ours */
	return ret ?: (int)n - (int)space + *hit - (!*hit && !ours);
}

#endif /* TEST_FAULT_H */
