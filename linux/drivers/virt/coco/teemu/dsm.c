// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the device security manager: TDISP 1.0 responder (PCIe r7.0 section
 * 11.3, protocols 2) and the state machine of each function's TDI.
 *
 * One request at a time reaches a TDI, under its dsm_lock. The fall to ERROR
 * comes from anywhere and is a cmpxchg, so every forward move is one too: a
 * START that races with a configuration change loses.
 */
#include <crypto/utils.h>
#include <linux/cleanup.h>
#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/pci_regs.h>
#include <linux/random.h>
#include <linux/string.h>
#include <trace/events/teemu.h>

#include "rc.h"

#define DSM_LOCK_FLAGS		(TDISP_LOCK_NO_FW_UPDATE | TDISP_LOCK_MSIX)
#define DSM_ADDRESS_WIDTH	52
#define DSM_REPORT_PORTION	1024	/* the most that one answer carries */
#define DSM_MAX_RANGES		(TEEMU_NR_BARS + 2)

#define FUNCTION_ID_RID		0x0000ffff
#define FUNCTION_ID_SEGMENT	0x00ff0000
#define FUNCTION_ID_SEG_VALID	0x01000000
#define FUNCTION_ID_RESERVED	0xfe000000

#define IN(state)		BIT(TDISP_##state)
#define IN_ANY			(IN(CONFIG_UNLOCKED) | IN(CONFIG_LOCKED) | \
				 IN(RUN) | IN(STATE_ERROR))

struct tdisp_version_rsp {
	struct tdisp_hdr hdr;
	u8 count;
	u8 version;
} __packed;
static_assert(sizeof(struct tdisp_version_rsp) == 18);

struct tdisp_caps_req {
	struct tdisp_hdr hdr;
	__le32 tsm_caps;
} __packed;
static_assert(sizeof(struct tdisp_caps_req) == 20);

struct tdisp_caps_rsp {
	struct tdisp_hdr hdr;
	__le32 dsm_caps;
	u8 req_msgs[16];
	__le16 lock_flags;
	u8 reserved[3];
	u8 address_width;
	u8 num_req_this;
	u8 num_req_all;
} __packed;
static_assert(sizeof(struct tdisp_caps_rsp) == 44);

/* the biggest report that a function of ours has */
struct dsm_report {
	struct tdisp_report hdr;
	struct tdisp_mmio_range range[DSM_MAX_RANGES];
	__le32 device_len;
};

/*
 * A handler returns a TDISP error code, or 0 with the body written and *len
 * bytes long, header included.
 */
typedef u32 (*dsm_handler)(struct teemu_fn *fn, const void *req, void *rsp,
			   size_t *len);

static void dsm_forget_nonce(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->dsm_lock);
	fn->nonce_valid = false;
	memzero_explicit(fn->nonce, sizeof(fn->nonce));
}

/* The engine rests: nothing is in flight and it does not start by itself. */
static void dsm_quiesce(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->dsm_lock);
	if (fn->dma)
		teemu_dma_quiesce(fn->dma);
}

static void dsm_fill_io(void __iomem *mem, size_t size, u64 pattern)
{
	/* eight bytes a time: memset_io() may go bytewise, and it is 16 MiB */
	for (size_t i = 0; i < size; i += sizeof(u64))
		writeq(pattern, mem + i);
}

/*
 * Nothing that a TVM left behind survives: rings, device memory, scratch pages.
 * Where a device was, all reads ones.
 */
static void dsm_scrub(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->dsm_lock);
	if (READ_ONCE(fn->rc->present)) {
		dsm_fill_io(fn->regs + PAGE_SIZE, fn->bar_size[0] - PAGE_SIZE, 0);
		dsm_fill_io(fn->mem, fn->bar_size[1], 0);
		dsm_fill_io(fn->msix + 2 * PAGE_SIZE,
			    fn->bar_size[2] - 2 * PAGE_SIZE, 0);
	} else {
		dsm_fill_io(fn->regs, fn->bar_size[0], ~0ULL);
		dsm_fill_io(fn->mem, fn->bar_size[1], ~0ULL);
		dsm_fill_io(fn->msix, fn->bar_size[2], ~0ULL);
	}
}

/*
 * Back to CONFIG_UNLOCKED from wherever. While it quiesces and scrubs the state
 * reads ERROR, which lets no T=1 request out and no T=1 access in. Without a
 * STOP, the TVM may not know, and writes on: it stays soiled.
 */
static void dsm_unlock(struct teemu_fn *fn, bool stopped)
{
	lockdep_assert_held(&fn->dsm_lock);
	xchg(&fn->state, TDISP_STATE_ERROR);
	dsm_forget_nonce(fn);
	dsm_quiesce(fn);
	dsm_scrub(fn);

	guard(raw_spinlock_irqsave)(&fn->rc->cfg_lock);
	fn->lock_flags = 0;
	fn->wipe = false;
	if (stopped) {
		fn->ide_bound = false;
		fn->soiled = false;
	}
	xchg(&fn->state, TDISP_CONFIG_UNLOCKED);
}

static bool is_locked(const struct teemu_fn *fn)
{
	enum tdisp_state state = teemu_fn_state(fn);

	return state == TDISP_CONFIG_LOCKED || state == TDISP_RUN;
}

/*
 * What the fall to ERROR and a conventional reset leave to process context. A
 * function whose stream was cut may never see a STOP, so it is scrubbed here too.
 */
static void dsm_settle(struct work_struct *work)
{
	struct teemu_fn *fn = container_of(work, struct teemu_fn, settle);

	guard(mutex)(&fn->dsm_lock);
	if (READ_ONCE(fn->wipe)) {
		dsm_unlock(fn, false);
	} else if (READ_ONCE(fn->soiled) && !is_locked(fn)) {
		dsm_forget_nonce(fn);
		dsm_quiesce(fn);
		dsm_scrub(fn);
	}
}

/**
 * teemu_fn_scrub_later() - what a TVM wrote since the last scrubbing goes, soon
 * @fn: the function; nothing happens if it is locked, or was stopped
 *
 * Context: any.
 */
void teemu_fn_scrub_later(struct teemu_fn *fn)
{
	queue_work(fn->rc->wq, &fn->settle);
}

/**
 * teemu_fn_clear() - another device's BARs
 * @fn: the function, of a device that is not in its slot
 *
 * Context: process, may sleep; takes dsm_lock.
 */
void teemu_fn_clear(struct teemu_fn *fn)
{
	guard(mutex)(&fn->dsm_lock);
	dsm_fill_io(fn->regs, fn->bar_size[0], 0);
	dsm_fill_io(fn->mem, fn->bar_size[1], 0);
	dsm_fill_io(fn->msix, fn->bar_size[2], 0);
}

/**
 * teemu_fn_settle() - a function in ERROR comes to rest and scrubs itself, now
 * @fn: the function, in any state
 *
 * Also what was written since it fell or was reset. Context: process, may sleep; not under
 * dsm_lock.
 */
void teemu_fn_settle(struct teemu_fn *fn)
{
	queue_work(fn->rc->wq, &fn->settle);
	flush_work(&fn->settle);
}

/**
 * teemu_fn_fail() - a locked TDI falls to ERROR
 * @fn: the function
 * @why: for the trace
 *
 * Every reader of the state sees it at once, the engine is brought to rest by a
 * worker. In CONFIG_UNLOCKED and ERROR nothing happens. Context: any.
 */
void teemu_fn_fail(struct teemu_fn *fn, const char *why)
{
	enum tdisp_state old = teemu_fn_state(fn);

	do {
		if (old != TDISP_CONFIG_LOCKED && old != TDISP_RUN)
			return;
	} while (!try_cmpxchg(&fn->state, &old, TDISP_STATE_ERROR));

	trace_teemu_fall(teemu_rc_domain(fn->rc), fn->rid, old, why);
	queue_work(fn->rc->wq, &fn->settle);
}

/**
 * teemu_fn_wipe() - a conventional reset: CONFIG_UNLOCKED with everything wiped
 * @fn: the function, cfg_lock held
 *
 * Until a worker has done it LOCK answers BUSY. Context: any.
 */
void teemu_fn_wipe(struct teemu_fn *fn)
{
	lockdep_assert_held(&fn->rc->cfg_lock);
	WRITE_ONCE(fn->wipe, true);
	queue_work(fn->rc->wq, &fn->settle);
}

static u32 dsm_get_version(struct teemu_fn *fn, const void *req, void *rsp,
			   size_t *len)
{
	struct tdisp_version_rsp *out = rsp;

	out->count = 1;
	out->version = TDISP_VERSION_1_0;
	*len = sizeof(*out);
	return 0;
}

static u32 dsm_get_capabilities(struct teemu_fn *fn, const void *req, void *rsp,
				size_t *len)
{
	struct tdisp_caps_rsp *out = rsp;

	/* bit n is request 0x80 + n: the seven required ones */
	out->req_msgs[0] = 0xfe;
	out->lock_flags = cpu_to_le16(DSM_LOCK_FLAGS);
	out->address_width = DSM_ADDRESS_WIDTH;
	out->num_req_this = 1;
	out->num_req_all = 1;
	*len = sizeof(*out);
	return 0;
}

/* LOCK's look at the configuration, and the move: no write can come between. */
static u32 dsm_commit_lock(struct teemu_fn *fn, const struct tdisp_lock_req *in)
{
	u32 devctl;
	bool bound;

	guard(raw_spinlock_irqsave)(&fn->rc->cfg_lock);
	if (fn->wipe)
		return TDISP_ERR_BUSY;
	if (!teemu_fn_hosted(fn))
		return TDISP_ERR_INVALID_INTERFACE;
	devctl = teemu_cfg_get(fn->vf ? &fn->rc->fn[0].cfg : &fn->cfg,
			       TEEMU_EXP + PCI_EXP_DEVCTL);
	if (devctl & PCI_EXP_DEVCTL_PHANTOM || teemu_fn_bars_overlap(fn) ||
	    !teemu_fn_decodes(fn))
		return TDISP_ERR_CONFIGURATION;
	if (teemu_ide_lockable(fn->rc, in->stream_id, &bound))
		return TDISP_ERR_INVALID_REQUEST;

	fn->stream_id = in->stream_id;
	fn->ide_bound = bound;
	fn->soiled = true;
	fn->lock_flags = le16_to_cpu(in->flags);
	fn->msix_control = teemu_cfg_get(&fn->cfg, TEEMU_MSIX) >> 16;
	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++)
		fn->bar_locked[i] = teemu_fn_bar(fn, i);
	xchg(&fn->state, TDISP_CONFIG_LOCKED);
	return 0;
}

static u32 dsm_lock(struct teemu_fn *fn, const void *req, void *rsp, size_t *len)
{
	const struct tdisp_lock_req *in = req;
	struct tdisp_lock_rsp *out = rsp;
	u32 err;

	if (le16_to_cpu(in->flags) & ~DSM_LOCK_FLAGS ||
	    !PAGE_ALIGNED(le64_to_cpu(in->mmio_reporting_offset)))
		return TDISP_ERR_INVALID_REQUEST;

	/* reset while it was locked, and never stopped: not the next one's to see */
	if (fn->soiled)
		dsm_unlock(fn, true);
	err = dsm_commit_lock(fn, in);
	if (err)
		return err;
	fn->reporting_offset = le64_to_cpu(in->mmio_reporting_offset);
	get_random_bytes(fn->nonce, sizeof(fn->nonce));
	fn->nonce_valid = true;
	/* what was begun before LOCK is over before its response */
	dsm_quiesce(fn);
	memcpy(out->nonce, fn->nonce, sizeof(out->nonce));
	*len = sizeof(*out);
	return 0;
}

static void dsm_add_range(struct teemu_fn *fn, struct dsm_report *report,
			  unsigned int bar, unsigned int page,
			  unsigned int pages, u16 attributes)
{
	u32 n = le32_to_cpu(report->hdr.nr_ranges);
	u64 addr = fn->bar_locked[bar] + page * PAGE_SIZE + fn->reporting_offset;

	report->range[n] = (struct tdisp_mmio_range) {
		.first_page = cpu_to_le64(addr >> PAGE_SHIFT),
		.pages = cpu_to_le32(pages),
		.attributes = cpu_to_le16(attributes),
		.range_id = cpu_to_le16(2 * bar),
	};
	report->hdr.nr_ranges = cpu_to_le32(n + 1);
}

/*
 * The report as of LOCK; returns its length. Table and PBA pages belong to the
 * TVM only if LOCK asked for that; else they are reported as not TEE memory.
 */
static size_t dsm_build_report(struct teemu_fn *fn, struct dsm_report *report)
{
	u16 info = TDISP_REPORT_DMA_NO_PASID;
	bool msix = fn->lock_flags & TDISP_LOCK_MSIX;
	size_t ranges;

	if (fn->lock_flags & TDISP_LOCK_NO_FW_UPDATE)
		info |= TDISP_REPORT_NO_FW_UPDATE;
	memset(report, 0, sizeof(*report));
	report->hdr.interface_info = cpu_to_le16(info);
	if (msix)
		report->hdr.msix_control = cpu_to_le16(fn->msix_control);

	dsm_add_range(fn, report, 0, 0, fn->bar_size[0] >> PAGE_SHIFT, 0);
	dsm_add_range(fn, report, 1, 0, fn->bar_size[1] >> PAGE_SHIFT, 0);
	dsm_add_range(fn, report, 2, TEEMU_MSIX_TABLE_OFFSET >> PAGE_SHIFT, 1,
		      msix ? TDISP_RANGE_MSIX_TABLE : TDISP_RANGE_NON_TEE);
	dsm_add_range(fn, report, 2, TEEMU_MSIX_PBA_OFFSET >> PAGE_SHIFT, 1,
		      msix ? TDISP_RANGE_MSIX_PBA : TDISP_RANGE_NON_TEE);
	dsm_add_range(fn, report, 2, 2, 2, 0);

	/* then the length of the device's own bytes: none */
	ranges = le32_to_cpu(report->hdr.nr_ranges) * sizeof(report->range[0]);
	return sizeof(report->hdr) + ranges + sizeof(__le32);
}

static u32 dsm_get_report(struct teemu_fn *fn, const void *req, void *rsp,
			  size_t *len)
{
	const struct tdisp_report_req *in = req;
	struct tdisp_report_rsp *out = rsp;
	size_t offset = le16_to_cpu(in->offset);
	size_t total, portion;
	struct dsm_report report;

	total = dsm_build_report(fn, &report);
	if (offset >= total || !in->length)
		return TDISP_ERR_INVALID_REQUEST;
	portion = min3((size_t)le16_to_cpu(in->length), total - offset,
		       (size_t)DSM_REPORT_PORTION);
	out->portion = cpu_to_le16(portion);
	out->remainder = cpu_to_le16(total - offset - portion);
	memcpy(out->bytes, (u8 *)&report + offset, portion);
	*len = sizeof(*out) + portion;
	return 0;
}

static u32 dsm_get_state(struct teemu_fn *fn, const void *req, void *rsp,
			 size_t *len)
{
	struct tdisp_state_rsp *out = rsp;

	out->state = teemu_fn_state(fn);
	*len = sizeof(*out);
	return 0;
}

static u32 dsm_start(struct teemu_fn *fn, const void *req, void *rsp, size_t *len)
{
	const struct tdisp_start_req *in = req;
	enum tdisp_state old = TDISP_CONFIG_LOCKED;

	if (!fn->nonce_valid ||
	    crypto_memneq(fn->nonce, in->nonce, sizeof(fn->nonce)))
		return TDISP_ERR_INVALID_NONCE;
	if (!try_cmpxchg(&fn->state, &old, TDISP_RUN))
		return TDISP_ERR_INVALID_STATE;
	dsm_forget_nonce(fn);
	return 0;
}

static u32 dsm_stop(struct teemu_fn *fn, const void *req, void *rsp, size_t *len)
{
	if (teemu_fn_state(fn) != TDISP_CONFIG_UNLOCKED || fn->soiled)
		dsm_unlock(fn, true);
	return 0;
}

static const struct dsm_message {
	u8 type;
	u8 legal;		/* states, BIT(enum tdisp_state) */
	u16 size;		/* of the request, header included */
	dsm_handler handle;
} dsm_messages[] = {
	{ TDISP_GET_VERSION, IN_ANY, sizeof(struct tdisp_hdr), dsm_get_version },
	{ TDISP_GET_CAPABILITIES, IN_ANY, sizeof(struct tdisp_caps_req),
	  dsm_get_capabilities },
	{ TDISP_LOCK_INTERFACE, IN(CONFIG_UNLOCKED),
	  sizeof(struct tdisp_lock_req), dsm_lock },
	{ TDISP_GET_REPORT, IN(CONFIG_LOCKED) | IN(RUN),
	  sizeof(struct tdisp_report_req), dsm_get_report },
	{ TDISP_GET_STATE, IN_ANY, sizeof(struct tdisp_hdr), dsm_get_state },
	{ TDISP_START_INTERFACE, IN(CONFIG_LOCKED),
	  sizeof(struct tdisp_start_req), dsm_start },
	{ TDISP_STOP_INTERFACE, IN_ANY, sizeof(struct tdisp_hdr), dsm_stop },
};

static const struct dsm_message *dsm_find(u8 type)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(dsm_messages); i++)
		if (dsm_messages[i].type == type)
			return &dsm_messages[i];
	return NULL;
}

/*
 * The function that an INTERFACE_ID means, NULL if it is not hosted here. A VF that
 * is not enabled still has a TDI, which can be stopped and asked for its state.
 */
static struct teemu_fn *dsm_interface(struct teemu_rc *rc, u32 function_id)
{
	if (function_id & FUNCTION_ID_RESERVED)
		return NULL;
	if (function_id & FUNCTION_ID_SEGMENT &&
	    !(function_id & FUNCTION_ID_SEG_VALID))
		return NULL;
	return teemu_rc_find_fn(rc, function_id & FUNCTION_ID_RID);
}

static u32 dsm_handle(struct teemu_fn *fn, const struct dsm_message *msg,
		      const void *req, size_t len, void *rsp, size_t *rsp_len)
{
	lockdep_assert_held(&fn->dsm_lock);
	if (len != msg->size)
		return TDISP_ERR_INVALID_REQUEST;
	if (!(msg->legal & BIT(teemu_fn_state(fn))))
		return TDISP_ERR_INVALID_STATE;
	return msg->handle(fn, req, rsp, rsp_len);
}

static size_t dsm_error(void *rsp, u32 code, u32 data)
{
	struct tdisp_error_rsp *err = rsp;

	err->hdr.type = TDISP_ERROR;
	err->code = cpu_to_le32(code);
	err->data = cpu_to_le32(data);
	return sizeof(*err);
}

/**
 * teemu_dsm_respond() - answer one TDISP message
 * @rc: the root complex
 * @req: the message, after the protocol byte
 * @len: its exact length in bytes
 * @rsp: room for the answer
 * @max: bytes of @rsp, at least TEEMU_DSM_MAX_RSP
 *
 * Checked in this order: header, version, message, interface, size, state, and
 * what the message itself demands. Context: process, may sleep; takes the
 * function's dsm_lock.
 *
 * Return: bytes of the answer; 0 if the message has not even a header, so that
 * no answer could name its interface.
 */
size_t teemu_dsm_respond(struct teemu_rc *rc, const void *req, size_t len,
			 void *rsp, size_t max)
{
	const struct tdisp_hdr *in = req;
	const struct dsm_message *msg;
	struct tdisp_hdr *out = rsp;
	enum tdisp_state before;
	size_t rsp_len = sizeof(*out);
	struct teemu_fn *fn;
	u32 err;

	if (len < sizeof(*in) || WARN_ON_ONCE(max < TEEMU_DSM_MAX_RSP))
		return 0;
	memset(rsp, 0, TEEMU_DSM_MAX_RSP);
	out->version = TDISP_VERSION_1_0;
	out->type = TDISP_RESPONSE(in->type);
	out->function_id = in->function_id;

	if (in->version != TDISP_VERSION_1_0 && in->type != TDISP_GET_VERSION)
		return dsm_error(rsp, TDISP_ERR_VERSION_MISMATCH, 0);
	msg = dsm_find(in->type);
	if (!msg)
		return dsm_error(rsp, TDISP_ERR_UNSUPPORTED, in->type);
	fn = dsm_interface(rc, le32_to_cpu(in->function_id));
	if (!fn)
		return dsm_error(rsp, TDISP_ERR_INVALID_INTERFACE, 0);

	guard(mutex)(&fn->dsm_lock);
	before = teemu_fn_state(fn);
	err = dsm_handle(fn, msg, req, len, rsp, &rsp_len);
	trace_teemu_tdisp(teemu_rc_domain(rc), fn->rid, in->type, before,
			  teemu_fn_state(fn), err);
	return err ? dsm_error(rsp, err, 0) : rsp_len;
}

/**
 * teemu_dsm_init() - a TDI in CONFIG_UNLOCKED
 * @fn: the function
 */
void teemu_dsm_init(struct teemu_fn *fn)
{
	mutex_init(&fn->dsm_lock);
	INIT_WORK(&fn->settle, dsm_settle);
	fn->state = TDISP_CONFIG_UNLOCKED;
}

/**
 * teemu_dsm_exit() - end the worker and forget secrets
 * @fn: the function; nothing makes it fall any more
 */
void teemu_dsm_exit(struct teemu_fn *fn)
{
	cancel_work_sync(&fn->settle);
	memzero_explicit(fn->nonce, sizeof(fn->nonce));
	mutex_destroy(&fn->dsm_lock);
}
