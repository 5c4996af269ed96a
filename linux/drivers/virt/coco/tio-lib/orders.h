/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One vendor's order on another vendor's firmware: the same TDI, bound, running,
 * with private MMIO mapped and accepted and trusted DMA on, stands on each model; a
 * rig takes the steps of an unbind on it, one by one, in whatever order it is told.
 */
#ifndef __TIO_ORDERS_H
#define __TIO_ORDERS_H

#include <kunit/test.h>
#include <linux/tio-fw.h>
#include <linux/tio-tsm.h>

/**
 * struct tio_order_rig - what the order test knows of one vendor's model
 * @who: the vendor
 * @order: the order in which its TSM driver unbinds, ended by TIO_STEP_END
 * @up: a TDI in RUN with four accepted MMIO pages and DMA on, on a model of its
 *	own; freed with @test
 * @step: do what the step means on this firmware, all of its calls up to the first
 *	  refusal. 0, or that status; @nr: filled with the call that was refused.
 *	  A step that means nothing on this firmware, or that was done, is 0.
 * @ref: the referee
 * @let_go: firmware holds nothing of the TDI any more: not its object, no BAR
 *	    page, no DMA entry
 */
struct tio_order_rig {
	const struct tio_personality *who;
	const enum tio_step *order;
	void *(*up)(struct kunit *test);
	u64 (*step)(void *rig, enum tio_step step, u32 *nr);
	struct tio_referee *(*ref)(void *rig);
	bool (*let_go)(void *rig);
};

#define TIO_ORDER_CHAIN		128	/* bytes of the certificate chain */
#define TIO_ORDER_RSP_MAX	256	/* bytes of the longest answer */

/**
 * struct tio_order_device - the device that a rig's TDI is on
 * @state: of the TDI
 * @first_page: of its MMIO, as its report has it
 * @pages: number of them
 */
struct tio_order_device {
	enum tdisp_state state;
	u64 first_page;
	u32 pages;
};

/* orders_device.c */
size_t tio_order_answer(struct tio_order_device *dev, const u8 *msg, u8 *rsp);

/* of the TSM drivers */
extern const enum tio_step tdx_unbind_order[];
extern const enum tio_step sev_unbind_order[];
extern const enum tio_step cca_unbind_order[];

extern const struct tio_order_rig tio_tdx_rig;
extern const struct tio_order_rig tio_sev_rig;
extern const struct tio_order_rig tio_cca_rig;

#endif /* __TIO_ORDERS_H */
