/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trouble that a test orders from the platform, and what comes of it: firmware that
 * refuses calls, a device with bad manners, a TDI in quarantine and the way out.
 */
#ifndef TEST_TROUBLE_H
#define TEST_TROUBLE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

#define FOR_EVER	1000000000U

/* ---- firmware ---- */

static inline int refuse(uint32_t leaf, uint64_t status, uint32_t skip,
			 uint32_t count)
{
	char line[64];

	snprintf(line, sizeof(line), "%u %#llx %u %u", leaf,
		 (unsigned long long)status, skip, count);
	return world_write("refuse", line);
}

#define MAX_CALLS	160

/* how often each call was made, by the firmware's own count */
struct calls {
	size_t nr;
	struct {
		uint32_t leaf;
		long count;
		char name[40];
	} call[MAX_CALLS];
};

static inline int calls_take(struct calls *calls)
{
	static char text[65536];
	char *line, *save;

	calls->nr = 0;
	if (world_read("calls", text, sizeof(text)))
		return -EIO;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t i = calls->nr;

		if (i == MAX_CALLS)
			return -E2BIG;
		if (sscanf(line, "call\t%i\t%39s\t%*s\t%*s\t%*s\t%ld",
			   (int *)&calls->call[i].leaf, calls->call[i].name,
			   &calls->call[i].count) == 3)
			calls->nr++;
	}
	return calls->nr ? 0 : -ENOENT;
}

static inline long calls_count(uint32_t leaf)
{
	static struct calls calls;
	size_t i;

	if (calls_take(&calls))
		return -1;
	for (i = 0; i < calls.nr; i++)
		if (calls.call[i].leaf == leaf)
			return calls.call[i].count;
	return -1;
}

/* the calls that @calls has more of than @before: as many */
static inline void calls_since(struct calls *calls, const struct calls *before)
{
	size_t i, nr = 0;

	for (i = 0; i < calls->nr; i++) {
		long count = calls->call[i].count - before->call[i].count;

		if (count <= 0)
			continue;
		calls->call[nr] = calls->call[i];
		calls->call[nr++].count = count;
	}
	calls->nr = nr;
}

/* ---- the device ---- */

/* how many exchanges it has had, discovery not counted; -1: it does not count */
static inline long doe_exchanges(void)
{
	char text[128];

	return world_read("doe_count", text, sizeof(text)) ?
	       -1 : world_number(text, "exchanges");
}

/* says nothing when there is no such switch: -ENOENT, or no such word: -EINVAL */
static inline int try_switch(const char *path, const char *text)
{
	char full[256];
	int fd, ret = 0;

	snprintf(full, sizeof(full), VENDOR_DIR "/%s/%s", world.vendor->name, path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* the mailbox can behave like that; it behaves well when this returns */
static inline bool has_mode(const char *mode)
{
	bool has = !try_switch("doe_mode", mode);

	try_switch("doe_mode", "normal");
	return has;
}

/* ---- quarantine ---- */

static inline int tdi_state(unsigned int nr, char *text, size_t size)
{
	int ret = tdi_attr_read(world.bdf[nr], "tdi/state", text, size);

	return failed(ret, "%s: tdi/state", world.bdf[nr]);
}

static inline bool tdi_state_is(unsigned int nr, const char *state)
{
	char text[160];

	if (tdi_state(nr, text, sizeof(text)))
		return false;
	if (!strncmp(text, state, strlen(state)))
		return true;
	note("%s: \"%s\", looked for \"%s\"", world.bdf[nr], text, state);
	return false;
}

/* and says why */
static inline bool is_quarantined(unsigned int nr)
{
	return tdi_state_is(nr, "quarantined: ");
}

static inline int tdi_retry(unsigned int nr)
{
	return tdi_attr_write(world.bdf[nr], "tdi/retry", "1");
}

#endif /* TEST_TROUBLE_H */
