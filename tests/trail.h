/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened in a span of time, from a trace instance of our own: which calls
 * firmware was asked, what KVM's faults were told, how the seat's state changed.
 *
 * While it is open nobody but the test asks firmware anything: the drivers' watches,
 * which look at a device's state now and then, are off.
 */
#ifndef TEST_TRAIL_H
#define TEST_TRAIL_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define TRAIL		"/sys/kernel/tracing/instances/tdi-trail"
/* what may be asked for */
#define TRAIL_CALL	"fw_call"
#define TRAIL_FAULT	"kvm_vfio_dmabuf_fault"
#define TRAIL_UNMAP	"kvm_tdi_mmio_unmap"
#define TRAIL_STATE	"pci_tdi_state"
#define TRAIL_REFUSED	"pci_tdi_refused"
#define TRAIL_LEAF	"kvm_tdp_mmu_spte_changed"

/* Arm's driver has none */
static const char *const trail_watches[] = {
	"/sys/module/tdx_tsm/parameters/watch_ms",
	"/sys/module/sev_tsm/parameters/watch_ms",
};
static char trail_watch_ms[2][32];

static inline int trail_write(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags), ret = 0;

	if (fd < 0)
		return -errno;
	if (*text && write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static inline void trail_watches_off(void)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		int fd = open(trail_watches[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (read(fd, trail_watch_ms[i], sizeof(trail_watch_ms[i]) - 1) > 0)
			trail_write(trail_watches[i], "0", 0);
		close(fd);
	}
}

static inline void trail_watches_on(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (trail_watch_ms[i][0])
			trail_write(trail_watches[i], trail_watch_ms[i], 0);
}

/* a test that failed half-way has left them off; at the end of the program */
static void __attribute__((destructor)) trail_watches_again(void)
{
	char text[8] = "";
	size_t i;
	int fd;

	for (i = 0; i < 2; i++) {
		fd = open(trail_watches[i], O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, sizeof(text)) > 0 && text[0] == '0')
			trail_write(trail_watches[i], "1000", 0);
		if (fd >= 0)
			close(fd);
	}
}

/* forget what has been */
static inline int trail_clear(void)
{
	return failed(trail_write(TRAIL "/trace", "", O_TRUNC), "trail");
}

static inline int trail_enable(const char *system, const char *event, bool on)
{
	char path[256];

	snprintf(path, sizeof(path), TRAIL "/events/%s/%s/enable", system, event);
	return failed(trail_write(path, on ? "1" : "0", 0), "%s", path);
}

static inline int trail_set(bool on)
{
	return trail_enable("tio_fw", TRAIL_CALL, on) ?:
	       trail_enable("kvm", TRAIL_FAULT, on) ?:
	       trail_enable("kvm", TRAIL_UNMAP, on) ?:
	       trail_enable("pci_tdi", TRAIL_STATE, on);
}

/* KVM's leaves, too: as many lines as the guest has pages */
static inline int trail_leaves(bool on)
{
	return trail_enable("kvmmmu", TRAIL_LEAF, on);
}

/* the world is prepared; to be undone with trail_end() */
static inline int trail_begin(void)
{
	trail_watches_off();
	mkdir(TRAIL, 0700);
	return failed(trail_write(TRAIL "/buffer_size_kb", "512", 0), "trail") ?:
	       trail_set(true) ?: trail_clear();
}

static inline void trail_end(void)
{
	trail_leaves(false);
	trail_set(false);
	trail_watches_on();
}

/*
 * How many lines there are of @event with @word, "" for any word; in @first the
 * number of the first of them. Of firmware's calls only the vendor's that is tested.
 */
static inline int trail_find(const char *event, const char *word, int *first)
{
	char line[512], name[64], vendor[32];
	bool call = !strcmp(event, TRAIL_CALL);
	int n = 0, nr = 0;
	FILE *in;

	snprintf(name, sizeof(name), " %s: ", event);
	snprintf(vendor, sizeof(vendor), " %s ", world.vendor->name);
	in = fopen(TRAIL "/trace", "re");
	if (!in)
		return failed(-errno, "trail");
	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '#')
			continue;
		nr++;
		if (!strstr(line, name) || !strstr(line, word) ||
		    (call && !strstr(line, vendor)))
			continue;
		if (!n++ && first)
			*first = nr;
	}
	fclose(in);
	return n;
}

static inline int trail_count(const char *event, const char *word)
{
	return trail_find(event, word, NULL);
}

/* the calls that firmware was asked, on "# " lines */
static inline void trail_note(const char *event)
{
	char line[512], name[64];
	FILE *in;

	snprintf(name, sizeof(name), " %s: ", event);
	in = fopen(TRAIL "/trace", "re");
	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = 0;
		if (strstr(line, name))
			note("%s", line);
	}
	if (in)
		fclose(in);
}

/**
 * struct view - what firmware has
 * @tables: its tables' counts, as text
 */
struct view {
	char tables[4096];
};

/* take a view, and begin to watch */
static inline int view_take(struct view *v)
{
	return world_read("tables", v->tables, sizeof(v->tables)) ?: trail_clear();
}

/* firmware has what it had then, and nobody has asked it anything since: 0 */
static inline int view_same(const struct view *v)
{
	char now[4096];
	int ret, calls;

	ret = world_read("tables", now, sizeof(now));
	if (ret)
		return ret;
	calls = trail_count(TRAIL_CALL, "");
	if (!strcmp(now, v->tables) && !calls)
		return 0;
	note("firmware's tables were:\n%s# and are:\n%s# after %d calls",
	     v->tables, now, calls);
	trail_note(TRAIL_CALL);
	return -EUCLEAN;
}

#endif /* TEST_TRAIL_H */
