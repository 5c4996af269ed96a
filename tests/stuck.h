/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TDI that firmware keeps: each vendor's call that ends a TDI's life is refused until
 * further notice, so an unbind, by whomever, ends in quarantine, after the device has
 * stopped. The way out is the host administrator's, once firmware is willing again.
 */
#ifndef TEST_STUCK_H
#define TEST_STUCK_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static const struct {
	const char *vendor;
	uint32_t leaf;
	uint64_t status;
} stuck_calls[NR_VENDORS] = {
	{ "tdx", 138, 0xc000010000000000ULL },	/* TDH.DEVIF.REMOVE, OPERAND_INVALID */
	{ "sev", 0x0db, 0x16 },			/* TDI_RECLAIM, INVALID_PARAM */
	{ "cca", 0xc4000188, 1 },		/* RMI_VDEV_DESTROY, ERROR_INPUT */
};

static inline int stuck_set(unsigned int count)
{
	char line[64];
	size_t i;

	for (i = 0; i < NR_VENDORS; i++) {
		if (strcmp(stuck_calls[i].vendor, world.vendor->name))
			continue;
		snprintf(line, sizeof(line), "%u %#llx 0 %u", stuck_calls[i].leaf,
			 (unsigned long long)stuck_calls[i].status, count);
		return world_write("refuse", line);
	}
	return -ENOENT;
}

/* firmware is unwilling from now on; and willing */
static inline int stuck_begin(void)
{
	return stuck_set(1000000000);
}

static inline int stuck_end(void)
{
	return stuck_set(0);
}

static inline bool stuck_has_way_out(void)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/tdi/retry",
		 world.bdf[0]);
	return !access(path, F_OK);
}

/* 0: unbound; -EIO: firmware will not have it; -EINVAL: not quarantined */
static inline int stuck_retry(unsigned int nr)
{
	return tdi_attr_write(world.bdf[nr], "tdi/retry", "1");
}

/* why, by the kernel's word */
static inline bool stuck_is(unsigned int nr)
{
	char text[256] = "";
	int ret = tdi_attr_read(world.bdf[nr], "tdi/state", text, sizeof(text));

	if (!ret && !strncmp(text, "quarantined", strlen("quarantined")))
		return true;
	note("%s: %d, state %s, looked for quarantined", world.bdf[nr], ret, text);
	return false;
}

#endif /* TEST_STUCK_H */
