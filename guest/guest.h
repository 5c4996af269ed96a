/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that attests its TDIs, accepts, runs and uses them: the payload, which is a
 * bare-metal 64-bit program with interrupts off, or the first program of a Linux guest,
 * see linux/. Identity-mapped.
 *
 * Each vCPU has a stack, a mailbox and a part of the work memory of its own. A device is
 * one vCPU's, which serves it; what others may know of it is in struct beside.
 */
#ifndef TVM_GUEST_H
#define TVM_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attest.h"
#include "ring.h"
#include "tvm_abi.h"

#define PAGE_SIZE	4096ULL

/* what was asked of this boot, checked and copied to private memory */
extern struct tvm_boot boot;

/**
 * struct beside - what a device's vCPU and those that work beside it share; atomic
 * @open: the device is in RUN, its memory is accepted: it may be entered
 * @inside: so many are in; nobody takes the device down before they are out
 * @life: how often it was opened; changes while nobody is in
 * @met: so many have been in since
 * @served: it will not be opened any more
 */
struct beside {
	uint32_t open;
	uint32_t inside;
	uint32_t life;
	uint32_t met;
	uint32_t served;
};

/**
 * struct device - a TDI of this VM
 * @index: its number
 * @helpers: vCPUs that work beside its own
 * @share: pages of BAR 2 that each of them has, behind @own_pages
 * @own_pages: of BAR 2, from the first on: those of the device's own vCPU
 * @tdi: what is known of it
 * @ring: its engine
 */
struct device {
	uint32_t index;
	uint32_t helpers;
	uint32_t share;
	uint32_t own_pages;
	struct beside beside;
	struct ring ring;
	struct attest tdi;
};

extern struct device devices[TVM_MAX_DEVICES];

/*
 * What it asks of where it runs: main.c for the payload, linux/platform.c for a program of
 * a Linux guest.
 */

/* have the VMM do the call of this number that is in the mailbox */
void platform_call(uint32_t number);
/* number of the vCPU that asks */
uint32_t this_cpu(void);
/*
 * Its part of the work memory, which is private: source and destination of copies, a page
 * for T=0, the rest. All of it is at virtual = guest physical address, as BARs and
 * mailboxes are.
 */
uint8_t *work_src(void);
uint64_t work_size(void);

static inline uint8_t *work_dst(void)
{
	return work_src() + boot.copy_bytes;
}

static inline uint8_t *work_victim(void)
{
	return work_dst() + boot.copy_bytes;
}

/* string.c, or the C library */
void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);

/* format.c */
/* %u %x %s %% of vprintf, with 64-bit numbers only; always ends in NUL */
void vformat(char *buf, size_t size, const char *fmt, va_list ap);

/* call.c */
int64_t call_tsm(const struct device *dev, uint32_t op, const void *req,
		 size_t req_len, void *resp, size_t *resp_len, uint64_t *tsm_code);
int64_t call_bind(const struct device *dev);
int64_t call_unbind(const struct device *dev);
/* @dev: NULL for a mark that is about none */
void call_mark(const struct device *dev, enum tvm_mark mark, uint64_t number);
/* true if a read of @gpa ends at the VMM as a memory fault */
bool call_probe(uint64_t gpa);
void call_log(const char *fmt, ...);
/* while this vCPU waits for another one; an exit, so not where none is allowed */
void call_yield(void);
/* end of the VM: what failed, what was expected, what was seen */
void __attribute__((noreturn)) call_exit_failed(const char *fmt, ...);
/* end of this vCPU; the VM ends with the last one */
void __attribute__((noreturn)) call_exit_ok(void);

/* serve.c */
/* take the boot page over; before any other vCPU begins */
void guest_begin(void);
/* what it asks for, on vCPU @cpu; modes but HELLO */
void guest_work(uint32_t cpu);
/* time in milliseconds since boot */
uint64_t now_ms(void);

/* accept.c: end the VM when the device is not what it must be */
/* certificates and report only */
void tdi_attest(struct device *dev);
/* all of it, in the architecture's order: the device can be used */
void tdi_accept(struct device *dev);
/* what the architecture wants undone before an unbind is asked for */
void tdi_leave(struct device *dev);
/* private MMIO that is not validated, or not any more, faults */
void tdi_untouchable(struct device *dev);

/* use.c: end the VM when the device does not work */
void use_device(struct device *dev);
/* DMA that never ends: begin it on each device, then go around all of them */
void use_begin(struct device *dev);
void use_on(struct device *dev);

/* beside.c */
/* private memory is private and ours: keeps what is written, all over this vCPU's part */
void memory_fill(void);
void memory_check(void);
/* let others in; wait until all of them have been, and come again; have them out */
void beside_open(struct device *dev);
void beside_wait(struct device *dev);
void beside_close(struct device *dev);
/* work beside the vCPU that serves @dev, until it has served it */
void beside_work(struct device *dev);

#endif /* TVM_GUEST_H */
