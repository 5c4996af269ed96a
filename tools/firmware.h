/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TDI_FIRMWARE_H
#define TDI_FIRMWARE_H

#include <stdio.h>

/*
 * Write docs/firmware.md to @out. 0, or -errno with the vendor in @failed: -ENOENT: this
 * kernel has no model of it, -EBADMSG: a line of its table is not as it must be,
 * -ENODATA: it has no calls or no status codes.
 */
int firmware_print(FILE *out, const char **failed);

#endif /* TDI_FIRMWARE_H */
