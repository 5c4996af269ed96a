// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the Data Object Exchange mailbox of function 0 (PCIe r7.0 section
 * 6.30). Discovery is answered on the spot; CMA/SPDM objects go to the DSM on a
 * workqueue, one at a time. Interrupts are not offered: Linux polls.
 */
#include <linux/bitfield.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/lockdep.h>
#include <linux/pci.h>
#include <linux/pci-doe.h>
#include <linux/pci_regs.h>
#include <linux/timekeeping.h>
#include <trace/events/teemu.h>

#include "rc.h"

#define DOE_HDR_DW	2
#define DOE_POLL_MS	5
#define DOE_PAUSE_MS	10000	/* the longest that somebody may hold an answer */

/* what the mailbox carries, all of vendor PCI-SIG */
static const u8 doe_types[] = { PCI_DOE_FEATURE_DISCOVERY, 1 /* CMA/SPDM */ };

static struct teemu_rc *to_rc(struct teemu_doe *doe)
{
	return container_of(doe, struct teemu_rc, doe);
}

static void doe_set_header(__le32 *obj, u8 type, unsigned int dw)
{
	obj[0] = cpu_to_le32(PCI_VENDOR_ID_PCI_SIG |
			     FIELD_PREP(PCI_DOE_DATA_OBJECT_HEADER_1_TYPE, type));
	obj[1] = cpu_to_le32(dw);
}

static void doe_publish(struct teemu_doe *doe, unsigned int dw)
{
	doe->rsp_dw = dw;
	doe->rsp_pos = 0;
	doe->status &= ~PCI_DOE_STATUS_BUSY;
	doe->status |= PCI_DOE_STATUS_DATA_OBJECT_READY;
}

static void doe_discover(struct teemu_doe *doe)
{
	u32 index = FIELD_GET(PCI_DOE_DATA_OBJECT_DISC_REQ_3_INDEX,
			      le32_to_cpu(doe->req[2]));
	u32 val = 0xffff | 0xff << 16;	/* no such index */

	if (index < ARRAY_SIZE(doe_types)) {
		u32 next = (index + 1) % ARRAY_SIZE(doe_types);

		val = PCI_VENDOR_ID_PCI_SIG |
		      FIELD_PREP(PCI_DOE_DATA_OBJECT_DISC_RSP_3_TYPE,
				 doe_types[index]) |
		      FIELD_PREP(PCI_DOE_DATA_OBJECT_DISC_RSP_3_NEXT_INDEX, next);
	}
	doe_set_header(doe->rsp, PCI_DOE_FEATURE_DISCOVERY, 3);
	doe->rsp[2] = cpu_to_le32(val);
	doe_publish(doe, 3);
}

/*
 * Go. An object whose length is not its header's, or that is of no type this
 * mailbox has, is discarded and never answered.
 */
static void doe_go(struct teemu_doe *doe)
{
	unsigned int dw = doe->req_dw;
	u32 header;
	u8 type;

	doe->req_dw = 0;
	if (dw > TEEMU_DOE_MAX_DW) {
		doe->status |= PCI_DOE_STATUS_ERROR;
		return;
	}
	if (dw < DOE_HDR_DW || dw != (le32_to_cpu(doe->req[1]) &
				      PCI_DOE_DATA_OBJECT_HEADER_2_LENGTH))
		return;

	header = le32_to_cpu(doe->req[0]);
	type = FIELD_GET(PCI_DOE_DATA_OBJECT_HEADER_1_TYPE, header);
	if (FIELD_GET(PCI_DOE_DATA_OBJECT_HEADER_1_VID, header) !=
	    PCI_VENDOR_ID_PCI_SIG || header >> 24)
		return;
	if (type == PCI_DOE_FEATURE_DISCOVERY && dw == 3) {
		doe_discover(doe);
	} else if (type == doe_types[1] && dw > DOE_HDR_DW) {
		doe->go = true;
		doe->status |= PCI_DOE_STATUS_BUSY;
		queue_work(to_rc(doe)->wq, &doe->work);
	}
}

/**
 * teemu_doe_abort() - drop everything and be ready for the next object
 * @rc: the root complex, cfg_lock held
 *
 * An exchange that the DSM is at work on takes effect, its answer is lost.
 */
void teemu_doe_abort(struct teemu_rc *rc)
{
	struct teemu_doe *doe = &rc->doe;

	lockdep_assert_held(&rc->cfg_lock);
	doe->gen++;
	doe->go = false;
	doe->status = 0;
	doe->req_dw = 0;
	doe->rsp_dw = 0;
	doe->rsp_pos = 0;
}

/* The host waits no longer. What a reset has taken away before is not counted. */
static void doe_give_up(struct teemu_rc *rc)
{
	struct teemu_doe *doe = &rc->doe;

	if (doe->status & (PCI_DOE_STATUS_BUSY |
			   PCI_DOE_STATUS_DATA_OBJECT_READY))
		doe->given_up++;
	teemu_doe_abort(rc);
}

/**
 * teemu_doe_read() - read a mailbox register
 * @rc: the root complex, cfg_lock held
 * @reg: offset in the DOE capability, at least 4
 *
 * Return: the value.
 */
u32 teemu_doe_read(struct teemu_rc *rc, unsigned int reg)
{
	const struct teemu_doe *doe = &rc->doe;

	lockdep_assert_held(&rc->cfg_lock);
	switch (reg) {
	case PCI_DOE_STATUS:
		return doe->status;
	case PCI_DOE_READ:
		if (doe->status & PCI_DOE_STATUS_DATA_OBJECT_READY)
			return le32_to_cpu(doe->rsp[doe->rsp_pos]);
		return 0;
	default:
		/* no interrupt; Control reads 0, the write mailbox too */
		return 0;
	}
}

static void doe_append(struct teemu_doe *doe, u32 val)
{
	if (doe->status & PCI_DOE_STATUS_BUSY) {
		doe->status |= PCI_DOE_STATUS_ERROR;
		return;
	}
	if (doe->req_dw < TEEMU_DOE_MAX_DW)
		doe->req[doe->req_dw] = cpu_to_le32(val);
	/* one too many is remembered, not counted */
	if (doe->req_dw <= TEEMU_DOE_MAX_DW)
		doe->req_dw++;
}

static void doe_pop(struct teemu_doe *doe)
{
	if (!(doe->status & PCI_DOE_STATUS_DATA_OBJECT_READY)) {
		doe->status |= PCI_DOE_STATUS_ERROR;
		return;
	}
	if (++doe->rsp_pos == doe->rsp_dw)
		doe->status &= ~PCI_DOE_STATUS_DATA_OBJECT_READY;
}

/**
 * teemu_doe_write() - write a mailbox register
 * @rc: the root complex, cfg_lock held
 * @reg: offset in the DOE capability, at least 4
 * @val: the value
 */
void teemu_doe_write(struct teemu_rc *rc, unsigned int reg, u32 val)
{
	struct teemu_doe *doe = &rc->doe;

	lockdep_assert_held(&rc->cfg_lock);
	switch (reg) {
	case PCI_DOE_CTRL:
		if (val & PCI_DOE_CTRL_ABORT)
			doe_give_up(rc);
		else if (val & PCI_DOE_CTRL_GO &&
			 !(doe->status & (PCI_DOE_STATUS_BUSY |
					  PCI_DOE_STATUS_ERROR)))
			doe_go(doe);
		break;
	case PCI_DOE_WRITE:
		doe_append(doe, val);
		break;
	case PCI_DOE_READ:
		doe_pop(doe);
		break;
	}
}

/* What is wrong with this exchange; a fault of the Nth one only counts down. */
static struct teemu_doe_fault doe_fault(struct teemu_doe *doe)
{
	struct teemu_doe_fault fault = doe->fault;

	lockdep_assert_held(&to_rc(doe)->cfg_lock);
	if (fault.nth) {
		doe->fault.nth--;
		if (doe->fault.nth)
			fault.mode = TEEMU_DOE_NORMAL;
		else
			doe->fault.mode = TEEMU_DOE_NORMAL;
	}
	return fault;
}

/* Take the request that waits: its length in dwords, 0 if it was aborted. */
static unsigned int doe_take(struct teemu_doe *doe, u32 *gen,
			     struct teemu_doe_fault *fault)
{
	unsigned int dw;

	guard(raw_spinlock_irqsave)(&to_rc(doe)->cfg_lock);
	if (!doe->go)
		return 0;
	doe->go = false;
	*gen = doe->gen;
	*fault = doe_fault(doe);
	doe->paused = fault->mode == TEEMU_DOE_PAUSE;
	doe->exchanges++;
	dw = le32_to_cpu(doe->req[1]) & PCI_DOE_DATA_OBJECT_HEADER_2_LENGTH;
	memcpy(doe->in, doe->req, dw * sizeof(doe->in[0]));
	return dw;
}

/*
 * A slow DSM, or one that was told to wait for a word. An abort ends the wait, so
 * that the next request is not late too.
 */
static void doe_dawdle(struct teemu_doe *doe, u32 gen,
		       const struct teemu_doe_fault *fault)
{
	bool pause = fault->mode == TEEMU_DOE_PAUSE;
	unsigned long end = jiffies +
			    msecs_to_jiffies(pause ? DOE_PAUSE_MS : fault->ms);

	while (time_before(jiffies, end) && READ_ONCE(doe->gen) == gen &&
	       (!pause || READ_ONCE(doe->paused)))
		msleep(DOE_POLL_MS);
	WRITE_ONCE(doe->paused, false);
}

/* false: nobody waits for it any more */
static bool doe_answer(struct teemu_doe *doe, u32 gen, size_t len)
{
	unsigned int dw = DOE_HDR_DW + DIV_ROUND_UP(len, sizeof(__le32));

	doe_set_header(doe->out, doe_types[1], dw);
	guard(raw_spinlock_irqsave)(&to_rc(doe)->cfg_lock);
	if (doe->gen != gen)
		return false;
	memcpy(doe->rsp, doe->out, dw * sizeof(doe->rsp[0]));
	doe_publish(doe, dw);
	doe->answers++;
	return true;
}

/* The mailbox gives up instead of answering; an abort clears that. */
static void doe_fail(struct teemu_doe *doe, u32 gen)
{
	guard(raw_spinlock_irqsave)(&to_rc(doe)->cfg_lock);
	if (doe->gen != gen)
		return;
	doe->status &= ~PCI_DOE_STATUS_BUSY;
	doe->status |= PCI_DOE_STATUS_ERROR;
}

/* The DSM's answer to doe->in, or what it takes for one: bytes, 0 for none. */
static size_t doe_ask(struct teemu_doe *doe, size_t len,
		      enum teemu_doe_mode mode)
{
	const size_t max = sizeof(doe->out) - DOE_HDR_DW * sizeof(__le32);
	const void *req = doe->in + DOE_HDR_DW;
	void *rsp = doe->out + DOE_HDR_DW;

	memset(doe->out, 0, sizeof(doe->out));
	switch (mode) {
	case TEEMU_DOE_GARBAGE:
		memset(rsp, 0xa5, len);
		return len;
	case TEEMU_DOE_WRONG:
		return teemu_spdm_respond_wrong(to_rc(doe), req, len, rsp, max);
	case TEEMU_DOE_SHORT:
		/* never so short that it is no SPDM message at all */
		len = teemu_spdm_respond(to_rc(doe), req, len, rsp, max);
		return len ? max(len / 2, sizeof(struct spdm_hdr)) : 0;
	default:
		return teemu_spdm_respond(to_rc(doe), req, len, rsp, max);
	}
}

/* Return: bytes of the answer that went out, 0 if none did */
static size_t doe_exchange(struct teemu_doe *doe, size_t req_len, u32 gen,
			   const struct teemu_doe_fault *fault)
{
	size_t len;

	if (fault->mode == TEEMU_DOE_SILENT)
		return 0;
	if (fault->mode == TEEMU_DOE_FAIL) {
		doe_fail(doe, gen);
		return 0;
	}

	len = doe_ask(doe, req_len, fault->mode);
	if (!len || fault->mode == TEEMU_DOE_LOST)
		return 0;
	if (fault->mode == TEEMU_DOE_SLOW || fault->mode == TEEMU_DOE_PAUSE)
		doe_dawdle(doe, gen, fault);
	return doe_answer(doe, gen, len) ? len : 0;
}

static void doe_work(struct work_struct *work)
{
	struct teemu_doe *doe = container_of(work, struct teemu_doe, work);
	u64 began = ktime_get_mono_fast_ns();
	struct teemu_doe_fault fault;
	size_t len, answered;
	unsigned int dw;
	u32 gen;

	dw = doe_take(doe, &gen, &fault);
	if (!dw)
		return;
	len = (dw - DOE_HDR_DW) * sizeof(__le32);
	answered = doe_exchange(doe, len, gen, &fault);
	trace_teemu_doe(teemu_rc_domain(to_rc(doe)), doe->in + DOE_HDR_DW, len,
			answered, fault.mode, ktime_get_mono_fast_ns() - began);
}

/**
 * teemu_doe_set_fault() - what is wrong with the DSM from now on
 * @rc: the root complex
 * @fault: the fault; its number counts from the next exchange
 *
 * Context: any, takes cfg_lock.
 */
void teemu_doe_set_fault(struct teemu_rc *rc, const struct teemu_doe_fault *fault)
{
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	rc->doe.fault = *fault;
}

/**
 * teemu_doe_resume() - an answer that was told to wait goes out
 * @rc: the root complex; nothing happens if none waits
 *
 * Context: any.
 */
void teemu_doe_resume(struct teemu_rc *rc)
{
	WRITE_ONCE(rc->doe.paused, false);
}

/**
 * teemu_doe_init() - an empty mailbox
 * @rc: the root complex
 */
void teemu_doe_init(struct teemu_rc *rc)
{
	INIT_WORK(&rc->doe.work, doe_work);
}

/**
 * teemu_doe_exit() - drop what the mailbox has and end its worker
 * @rc: the root complex; nobody can reach its config space any more
 */
void teemu_doe_exit(struct teemu_rc *rc)
{
	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock)
		teemu_doe_abort(rc);
	cancel_work_sync(&rc->doe.work);
}
