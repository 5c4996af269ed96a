// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TDISP life of a TDI: bind, run, report, status, unbind. Each is a loop of
 * questions that the host takes to the device; the state moves when an answer has
 * been checked, never when a question is asked.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

#define LOCK_FLAGS	(SEV_TIO_BIND_NO_FW_UPDATE | SEV_TIO_BIND_LOCK_MSIX | \
			 SEV_TIO_BIND_P2P | SEV_TIO_BIND_ALL_REDIRECT)
#define BIND_RUN	BIT_ULL(0)		/* in sf_talk::arg, beside a page */

static u64 ask(struct sf_tdi *tdi, struct sev_spdm *spdm, u8 type)
{
	struct tio_tdisp_req req = {
		.type = type,
		.rid = tdi->rid,
		.nonce = tdi->nonce,
	};

	return sf_ask_tdisp(&tdi->dev->talk, spdm, &req);
}

static u64 ask_lock(struct sf_tdi *tdi, struct sev_spdm *spdm,
		    const struct sev_tio_bind *bind)
{
	struct tio_tdisp_req req = {
		.type = TDISP_LOCK_INTERFACE,
		.rid = tdi->rid,
		.lock_flags = bind->lock_flags,
		.stream_id = tdi->dev->how.ide_stream_id[0],
		.reporting_offset = bind->reporting_offset,
	};

	return sf_ask_tdisp(&tdi->dev->talk, spdm, &req);
}

/* the TDI is locked for @guest from here on */
static void bind_tdi(struct sev_fw *fw, struct sf_tdi *tdi, struct sf_guest *guest,
		     const struct sev_tio_bind *bind, const u8 *nonce)
{
	tdi->state = TDISP_CONFIG_LOCKED;
	tdi->guest = guest;
	tdi->guest_rid = bind->guest_device_id;
	tdi->bind_serial = ++fw->serial;
	tdi->bind_counter = sf_guest_count_bind(guest, tdi);
	tdi->reporting_offset = bind->reporting_offset;
	memcpy(tdi->nonce, nonce, sizeof(tdi->nonce));
	if (!guest->bound++)
		sf_fence_default(fw, guest);
}

/* the inverse: whatever rested on the bind is void */
static void unbind_tdi(struct sev_fw *fw, struct sf_tdi *tdi)
{
	struct sf_guest *guest = tdi->guest;

	tdi->state = TDISP_CONFIG_UNLOCKED;
	tdi->guest = NULL;
	tdi->guest_rid = 0;
	tdi->bind_serial = 0;
	tdi->sdte = false;
	tdi->report_len = 0;
	tdi->report_done = false;
	memzero_explicit(tdi->nonce, sizeof(tdi->nonce));
	memset(tdi->report_digest, 0, sizeof(tdi->report_digest));
	if (!--guest->bound)
		sf_fence_default(fw, guest);
}

/*
 * The answer to LOCK. A device that is locked from before (a bind whose answer was
 * lost, an unbind by force) is stopped first, once: nobody else can own it.
 */
static u64 heard_lock(struct sev_fw *fw, struct sf_tdi *tdi, struct sf_guest *guest,
		      struct sev_spdm *spdm, const struct sev_tio_bind *bind)
{
	struct sf_talk *talk = &tdi->dev->talk;
	struct tio_tdisp_rsp rsp;
	int rc = sf_hear_tdisp(talk, spdm, tdi->rid, &rsp);

	if (rc == -EREMOTEIO && rsp.error == TDISP_ERR_INVALID_STATE &&
	    !talk->again) {
		talk->again = true;
		return ask(tdi, spdm, TDISP_STOP_INTERFACE);
	}
	if (rc)
		return sf_bad_answer(fw);
	bind_tdi(fw, tdi, guest, bind, rsp.nonce);
	return SEV_SUCCESS;
}

static u64 lock_turn(struct sev_fw *fw, struct sf_tdi *tdi, struct sf_guest *guest,
		     struct sev_spdm *spdm, const struct sev_tio_bind *bind)
{
	struct sf_talk *talk = &tdi->dev->talk;
	struct tio_tdisp_rsp rsp;

	if (tdi->guest)
		return SEV_INVALID_TDI_STATE;
	if (!guest || !guest->asid)
		return SEV_INVALID_GUEST_STATE;
	if (bind->lock_flags & ~LOCK_FLAGS ||
	    !IS_ALIGNED(bind->reporting_offset, PAGE_SIZE))
		return SEV_INVALID_PARAM;
	if (!spdm->answered)
		return ask_lock(tdi, spdm, bind);
	if (talk->ask == TDISP_LOCK_INTERFACE)
		return heard_lock(fw, tdi, guest, spdm, bind);
	if (sf_hear_tdisp(talk, spdm, tdi->rid, &rsp))
		return sf_bad_answer(fw);
	return ask_lock(tdi, spdm, bind);
}

static u64 run_turn(struct sev_fw *fw, struct sf_tdi *tdi, struct sf_guest *guest,
		    struct sev_spdm *spdm)
{
	struct tio_tdisp_rsp rsp;

	if (tdi->state != TDISP_CONFIG_LOCKED)
		return SEV_INVALID_TDI_STATE;
	if (!guest || tdi->guest != guest)
		return SEV_INVALID_GUEST_STATE;
	if (!spdm->answered)
		return ask(tdi, spdm, TDISP_START_INTERFACE);
	if (sf_hear_tdisp(&tdi->dev->talk, spdm, tdi->rid, &rsp))
		return sf_bad_answer(fw);
	tdi->state = TDISP_RUN;
	memzero_explicit(tdi->nonce, sizeof(tdi->nonce));
	return SEV_SUCCESS;
}

static u64 bind_turn(struct sev_fw *fw, struct sf_tdi *tdi, struct sev_spdm *spdm,
		     const struct sev_tio_bind *bind)
{
	struct sf_guest *guest;

	if (tdi->dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	guest = sf_guest_find(fw, bind->gctx);
	return bind->run ? run_turn(fw, tdi, guest, spdm) :
			   lock_turn(fw, tdi, guest, spdm, bind);
}

static u64 tdi_bind(struct sev_fw *fw, u64 dev, u64 pa, struct sev_spdm *spdm,
		    const struct sev_tio_bind *bind)
{
	u64 arg = bind->gctx | (bind->run ? BIND_RUN : 0);
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	return sf_talk_enter(fw, tdi->dev, SEV_CALL_TIO_TDI_BIND, pa, arg, spdm) ?:
	       sf_talk_leave(tdi->dev, bind_turn(fw, tdi, spdm, bind));
}

/**
 * sev_tio_tdi_bind() - TDI_BIND
 * @fw: the model
 * @dev: CONNECTED
 * @tdi: not bound; with @bind->run CONFIG_LOCKED
 * @spdm: the loop: LOCK or START
 * @bind: to whom and how
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE,
 * SEV_INVALID_TDI_STATE, SEV_INVALID_GUEST_STATE, SEV_INVALID_PARAM, or success:
 * CONFIG_LOCKED and the default fence up if it is the guest's first, or RUN.
 * Context: any.
 */
u64 sev_tio_tdi_bind(struct sev_fw *fw, u64 dev, u64 tdi, struct sev_spdm *spdm,
		     const struct sev_tio_bind *bind)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_BIND, tdi,
			 sf_begin(fw, SEV_CALL_TIO_TDI_BIND, dev) ?:
			 tdi_bind(fw, dev, tdi, spdm, bind));
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_bind);

static u64 unbind_turn(struct sev_fw *fw, struct sf_tdi *tdi, u64 gctx,
		       struct sev_spdm *spdm)
{
	struct tio_tdisp_rsp rsp;

	if (tdi->dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	if (!tdi->guest)
		return SEV_INVALID_TDI_STATE;
	if (sf_ctx_pa(&tdi->guest->ctx) != gctx)
		return SEV_INVALID_GUEST_STATE;
	if (!spdm->answered)
		return ask(tdi, spdm, TDISP_STOP_INTERFACE);
	if (sf_hear_tdisp(&tdi->dev->talk, spdm, tdi->rid, &rsp))
		return sf_bad_answer(fw);
	unbind_tdi(fw, tdi);
	return SEV_SUCCESS;
}

/* no word to the device; a loop that is open is over */
static u64 unbind_force(struct sev_fw *fw, struct sf_tdi *tdi)
{
	struct sf_talk *talk = &tdi->dev->talk;
	struct sf_guest *guest = tdi->guest;
	bool open = talk->nr && talk->tdi == sf_ctx_pa(&tdi->ctx);

	if (talk->working)
		return SEV_IN_USE;
	if (!guest && !open)
		return SEV_INVALID_TDI_STATE;
	talk->nr = 0;
	if (!guest)
		return SEV_SUCCESS;
	unbind_tdi(fw, tdi);
	sf_fence_error(fw, guest);
	return SEV_SUCCESS;
}

static u64 tdi_unbind(struct sev_fw *fw, u64 dev, u64 pa, u64 gctx,
		      struct sev_spdm *spdm, u32 flags)
{
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	if (flags & ~SEV_TIO_FORCE)
		return SEV_INVALID_PARAM;
	if (flags & SEV_TIO_FORCE)
		return unbind_force(fw, tdi);
	return sf_talk_enter(fw, tdi->dev, SEV_CALL_TIO_TDI_UNBIND, pa, gctx,
			     spdm) ?:
	       sf_talk_leave(tdi->dev, unbind_turn(fw, tdi, gctx, spdm));
}

/**
 * sev_tio_tdi_unbind() - TDI_UNBIND
 * @fw: the model
 * @dev: CONNECTED; with FORCE in any state
 * @tdi: bound
 * @gctx: the guest that it is bound to; not looked at with FORCE
 * @spdm: the loop: STOP; not looked at with FORCE
 * @flags: SEV_TIO_FORCE or 0
 *
 * With FORCE an open loop of the device is over, and a TDI_BIND that did not come to
 * its end counts as bound.
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE,
 * SEV_INVALID_TDI_STATE (not bound), SEV_INVALID_GUEST_STATE, SEV_INVALID_PARAM, or
 * success: CONFIG_UNLOCKED, no sDTE, the fence up if it was the guest's last or forced.
 * Context: any.
 */
u64 sev_tio_tdi_unbind(struct sev_fw *fw, u64 dev, u64 tdi, u64 gctx,
		       struct sev_spdm *spdm, u32 flags)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_UNBIND, tdi,
			 sf_begin(fw, SEV_CALL_TIO_TDI_UNBIND, dev) ?:
			 tdi_unbind(fw, dev, tdi, gctx, spdm, flags));
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_unbind);

static u64 give_report(const struct sf_tdi *tdi, struct sev_out *out)
{
	out->len = tdi->report_len;
	if (out->len > out->size)
		return SEV_EXPAND_BUFFER_LENGTH;
	memcpy(out->buf, tdi->report, out->len);
	return SEV_SUCCESS;
}

/* one portion; the report counts once it is whole and was checked */
static u64 take_report(struct sev_fw *fw, struct sf_tdi *tdi, struct sev_spdm *spdm,
		       struct sev_out *out)
{
	struct sf_talk *talk = &tdi->dev->talk;
	struct tio_tdisp_rsp rsp;

	if (sf_hear_tdisp(talk, spdm, tdi->rid, &rsp) ||
	    talk->offset + rsp.portion + rsp.remainder > SEV_TIO_REPORT_MAX)
		return sf_bad_answer(fw);
	memcpy(tdi->report + talk->offset, rsp.bytes, rsp.portion);
	talk->offset += rsp.portion;
	if (rsp.remainder)
		return sf_ask_report(talk, spdm, tdi->rid);
	if (!sf_report_check(tdi, talk->offset))
		return sf_bad_answer(fw);
	tdi->report_len = talk->offset;
	tdi->report_done = true;
	sha384(tdi->report, tdi->report_len, tdi->report_digest);
	return give_report(tdi, out);
}

static u64 report_turn(struct sev_fw *fw, struct sf_tdi *tdi, struct sev_spdm *spdm,
		       struct sev_out *out)
{
	if (tdi->dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	if (!sf_tdi_locked(tdi))
		return SEV_INVALID_TDI_STATE;
	if (tdi->report_done)
		return give_report(tdi, out);
	if (!spdm->answered)
		return sf_ask_report(&tdi->dev->talk, spdm, tdi->rid);
	return take_report(fw, tdi, spdm, out);
}

static u64 tdi_report(struct sev_fw *fw, u64 dev, u64 pa, struct sev_spdm *spdm,
		      struct sev_out *out)
{
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	return sf_talk_enter(fw, tdi->dev, SEV_CALL_TIO_TDI_REPORT, pa, 0, spdm) ?:
	       sf_talk_leave(tdi->dev, report_turn(fw, tdi, spdm, out));
}

/**
 * sev_tio_tdi_report() - TDI_REPORT
 * @fw: the model
 * @dev: CONNECTED
 * @tdi: CONFIG_LOCKED or RUN
 * @spdm: the loop: the report in portions, the first time after a bind
 * @out: filled with the report
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR (also: a report
 * that cannot be), SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE,
 * SEV_INVALID_DEV_STATE, SEV_INVALID_TDI_STATE or success.
 * Context: any.
 */
u64 sev_tio_tdi_report(struct sev_fw *fw, u64 dev, u64 tdi, struct sev_spdm *spdm,
		       struct sev_out *out)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_REPORT, tdi,
			 sf_begin(fw, SEV_CALL_TIO_TDI_REPORT, dev) ?:
			 tdi_report(fw, dev, tdi, spdm, out));
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_report);

static u64 status_turn(struct sev_fw *fw, struct sf_tdi *tdi, struct sev_spdm *spdm,
		       u8 *tdisp_state)
{
	struct tio_tdisp_rsp rsp;

	if (tdi->dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	if (!spdm->answered)
		return ask(tdi, spdm, TDISP_GET_STATE);
	if (sf_hear_tdisp(&tdi->dev->talk, spdm, tdi->rid, &rsp))
		return sf_bad_answer(fw);
	/* inferred: not only ERROR, but any state that it should not be in */
	if (tdi->guest && tdi->state != TDISP_STATE_ERROR &&
	    rsp.state != tdi->state)
		sf_tdi_fail(fw, tdi);
	*tdisp_state = rsp.state;
	return SEV_SUCCESS;
}

static u64 tdi_status(struct sev_fw *fw, u64 dev, u64 pa, struct sev_spdm *spdm,
		      u8 *tdisp_state)
{
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	return sf_talk_enter(fw, tdi->dev, SEV_CALL_TIO_TDI_STATUS, pa, 0, spdm) ?:
	       sf_talk_leave(tdi->dev, status_turn(fw, tdi, spdm, tdisp_state));
}

/**
 * sev_tio_tdi_status() - TDI_STATUS: what the device says of the TDI
 * @fw: the model
 * @dev: CONNECTED
 * @tdi: bound or not
 * @spdm: the loop: GET_STATE
 * @tdisp_state: filled with enum tdisp_state as the device told it
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE or
 * success; a bound TDI may have fallen to ERROR.
 * Context: any.
 */
u64 sev_tio_tdi_status(struct sev_fw *fw, u64 dev, u64 tdi, struct sev_spdm *spdm,
		       u8 *tdisp_state)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_STATUS, tdi,
			 sf_begin(fw, SEV_CALL_TIO_TDI_STATUS, dev) ?:
			 tdi_status(fw, dev, tdi, spdm, tdisp_state));
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_status);
