/* SPDX-License-Identifier: GPL-2.0-only */
/* the audit: what must be empty, unlocked and zero when no TDI is bound */
#ifndef TDI_AUDIT_H
#define TDI_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct audit - what one look saw
 * @calls, @refused, @violations: the referee's counters
 * @last: its last violation, "" when there was none
 * @connected: the TSM of this vendor has a link
 * @tables: tables that are not empty, "name count ..."; those of the link are
 *	    left out while it is connected
 * @tdis: functions that are not CONFIG_UNLOCKED, "fn1 RUN ..."
 * @vms: VMs that KVM has
 * @dmabufs: dma-bufs that exist, -1: this kernel does not tell
 */
struct audit {
	uint64_t calls;
	uint64_t refused;
	uint64_t violations;
	char last[200];
	bool connected;
	char tables[256];
	char tdis[128];
	int vms;
	int dmabufs;
};

/* Look at vendor @vendor ("tdx") now. 0 or -errno; -ENOENT: no such platform */
int audit_read(const char *vendor, struct audit *a);
bool audit_clean(const struct audit *a);
/* Why it is not clean, one line; "" when it is. */
void audit_explain(const struct audit *a, char *buf, size_t size);
/*
 * Look until it is clean, at most @timeout_ms: a VM's last pieces may be put
 * away by a work item after its process has gone. 0, -EBUSY: it stays unclean.
 */
int audit_wait(const char *vendor, unsigned int timeout_ms, struct audit *a);

/* Text of file @path below the vendor's debugfs folder; NUL-terminated. */
int audit_file(const char *vendor, const char *path, char *buf, size_t size);
/* The number that follows @name in @text, or 0 */
uint64_t audit_number(const char *text, const char *name);

#endif /* TDI_AUDIT_H */
