/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The payload: a bare-metal 64-bit guest that attests its TDI, accepts it, runs
 * it and uses it. One vCPU, interrupts off, identity-mapped.
 */
#ifndef TVM_GUEST_H
#define TVM_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tvm_abi.h"

#define PAGE_SIZE	4096ULL

/* what was asked of this boot, checked and copied to private memory */
extern struct tvm_boot boot;

/* string.c */
void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
/* %u %x %s %% of vprintf, with 64-bit numbers only; always ends in NUL */
void vformat(char *buf, size_t size, const char *fmt, va_list ap);

/* call.c */
int64_t call_tsm(uint32_t op, const void *req, size_t req_len, void *resp,
		 size_t *resp_len, uint64_t *tsm_code);
int64_t call_bind(void);
int64_t call_unbind(void);
void call_mark(enum tvm_mark mark, uint64_t number);
/* true if a read of @gpa ends at the VMM as a memory fault */
bool call_probe(uint64_t gpa);
void call_log(const char *fmt, ...);
/* end of the VM: what failed, what was expected, what was seen */
void __attribute__((noreturn)) call_exit_failed(const char *fmt, ...);
void __attribute__((noreturn)) call_exit_ok(void);

/* time in milliseconds since boot */
uint64_t now_ms(void);

/* accept.c: end the VM when the device is not what it must be */
/* certificates and report only */
void tdi_attest(void);
/* all of it, in the architecture's order: the device can be used */
void tdi_accept(void);
/* what the architecture wants undone before an unbind is asked for */
void tdi_leave(void);
/* private MMIO that is not validated, or not any more, faults */
void tdi_untouchable(void);

/* use.c: end the VM when the device does not work */
void use_device(void);
void __attribute__((noreturn)) use_for_ever(void);

#endif /* TVM_GUEST_H */
