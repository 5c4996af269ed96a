/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which allocations a call of this thread makes, by name: a trace instance of our own
 * with the events of the allocators, filtered by thread.
 */
#ifndef TEST_FAILS_ALLOC_H
#define TEST_FAILS_ALLOC_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

#define SITES		"/sys/kernel/tracing/instances/tdi-allocs"
#define SITES_MAX	64

#define SITE_EVENTS	3

static const char *const site_events[SITE_EVENTS] = {
	"kmalloc", "kmem_cache_alloc", "mm_page_alloc",
};

/**
 * struct sites - who has asked for memory
 * @nr: how many different places
 * @site: function, or "pages" for what comes past the slabs; and how often
 */
struct sites {
	size_t nr;
	struct {
		char name[64];
		unsigned int count;
	} site[SITES_MAX];
};

static int site_write(const char *file, const char *text, int flags)
{
	char path[160];
	int fd, ret = 0;

	snprintf(path, sizeof(path), SITES "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return failed(-errno, "%s", path);
	if (*text && write(fd, text, strlen(text)) < 0)
		ret = failed(-errno, "%s", path);
	close(fd);
	return ret;
}

static int sites_set(bool on)
{
	int ret = 0, i;
	char file[64];

	for (i = 0; !ret && i < SITE_EVENTS; i++) {
		snprintf(file, sizeof(file), "events/kmem/%s/enable",
			 site_events[i]);
		ret = site_write(file, on ? "1" : "0", 0);
	}
	return ret;
}

/* opened before: an open() asks for memory itself */
static int sites_fd = -1;

static int sites_begin(void)
{
	char tid[16];
	int ret;

	mkdir(SITES, 0700);
	snprintf(tid, sizeof(tid), "%d", gettid());
	ret = site_write("buffer_size_kb", "256", 0) ?:
	      site_write("tracing_on", "0", 0) ?:
	      site_write("set_event_pid", tid, O_TRUNC) ?: sites_set(true) ?:
	      site_write("trace", "", O_TRUNC);
	if (ret)
		return ret;
	sites_fd = open(SITES "/tracing_on", O_WRONLY | O_CLOEXEC);
	if (sites_fd < 0)
		return failed(-errno, "tracing_on");
	return write(sites_fd, "1", 1) == 1 ? 0 : failed(-errno, "tracing_on");
}

static void site_count(struct sites *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (!strcmp(s->site[i].name, name))
			break;
	if (i == SITES_MAX)
		return;
	if (i == s->nr) {
		snprintf(s->site[i].name, sizeof(s->site[i].name), "%s", name);
		s->site[i].count = 0;
		s->nr++;
	}
	s->site[i].count++;
}

/* "... kmalloc: call_site=foo+0x1/0x2 ptr=..." */
static void site_line(struct sites *s, char *line)
{
	char *name = strstr(line, "call_site=");

	if (name) {
		name += strlen("call_site=");
		name[strcspn(name, "+ \n")] = 0;
		site_count(s, name);
	} else if (strstr(line, " mm_page_alloc: ")) {
		site_count(s, "pages");
	}
}

/* what there was since */
static int sites_end(struct sites *s)
{
	char line[512];
	FILE *in;
	int ret;

	ret = pwrite(sites_fd, "0", 1, 0) == 1 ? 0 : failed(-errno, "tracing_on");
	close(sites_fd);
	ret = sites_set(false) ?: ret;
	s->nr = 0;
	in = fopen(SITES "/trace", "re");
	if (!in)
		return failed(-errno, "allocations");
	while (fgets(line, sizeof(line), in))
		if (line[0] != '#')
			site_line(s, line);
	fclose(in);
	return ret;
}

#endif /* TEST_FAILS_ALLOC_H */
