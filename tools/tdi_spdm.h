/* SPDX-License-Identifier: GPL-2.0-only */
/* what SPDM brings about a device, decoded and printed */
#ifndef TDI_SPDM_H
#define TDI_SPDM_H

#include <stddef.h>
#include <stdint.h>

/*
 * A certificate chain (DSP0274, GET_CERTIFICATE), and measurements: a MEASUREMENTS
 * message or its record alone. 0, or -EBADMSG: it is none, or not all of it; what was
 * understood before that is printed.
 */
int spdm_print_certs(const uint8_t *buf, size_t len);
int spdm_print_measurements(const uint8_t *buf, size_t len);

#endif /* TDI_SPDM_H */
