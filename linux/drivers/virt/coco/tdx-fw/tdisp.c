// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDISP rounds of a device interface: a request is built here, carried by the host,
 * and its answer parsed here. Nothing in an answer is trusted before it is checked,
 * and the state moves when an answer is processed, never when a request is made.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "fw.h"

#define REPORT_ALL		0xffff

/*
 * LOCK, STOP and ERROR: what the TD attested is void, and with it what it asked
 * meanwhile. A request that is with the host stays until its answer, which
 * tvm_response() then drops.
 */
static void start_over(struct fw_devif *devif, enum tdisp_state state)
{
	devif->state = state;
	devif->gen++;
	devif->valid = false;
	devif->report_len = 0;
	devif->report_done = false;
	memzero_explicit(devif->nonce, sizeof(devif->nonce));
	if (devif->tvm.step != FW_GENERATED)
		devif->tvm.step = FW_AVAILABLE;
}

static void lock_devif(struct fw_devif *devif, u64 reporting_offset,
		       const u8 nonce[TDISP_NONCE_SIZE])
{
	start_over(devif, TDISP_CONFIG_LOCKED);
	devif->reporting_offset = reporting_offset;
	memcpy(devif->nonce, nonce, TDISP_NONCE_SIZE);
}

/* @round is not where the host thinks it is */
static u64 out_of_step(struct tdx_fw *fw, const struct fw_round *round,
		       u64 status)
{
	return round->disturbed ? fw_refuse_as(fw, TIO_BLAME_INJECTED, status) :
				  status;
}

/* a TD's request that the TD may make now */
u64 fw_tdisp_td_allowed(const struct fw_devif *devif, u8 type)
{
	if (type != TDISP_GET_REPORT && type != TDISP_GET_STATE &&
	    type != TDISP_START_INTERFACE)
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	if (type == TDISP_GET_STATE)
		return TDX_SUCCESS;
	if (devif->state == TDISP_STATE_ERROR)
		return TDX_DEVIF_TDISP_ERROR_STATE;
	if (type == TDISP_START_INTERFACE && !devif->valid)
		return TDX_DEVIF_INVALID_STATE;
	if (type == TDISP_START_INTERFACE)
		return devif->state == TDISP_CONFIG_LOCKED ?
		       TDX_SUCCESS : TDX_DEVIF_TDISP_INVALID_STATE;
	return fw_devif_locked(devif) ? TDX_SUCCESS :
	       TDX_DEVIF_TDISP_INVALID_STATE;
}

/* the same for the VMM */
static u64 vmm_allowed(const struct fw_devif *devif,
		       const struct tdx_devif_req *req)
{
	if (req->type == TDISP_GET_STATE || req->type == TDISP_STOP_INTERFACE)
		return TDX_SUCCESS;
	if (req->type != TDISP_LOCK_INTERFACE)
		return TDX_DEVIF_TDISP_INVALID_MESSAGE | 3;
	if (devif->state == TDISP_STATE_ERROR)
		return TDX_DEVIF_TDISP_ERROR_STATE;
	if (devif->state != TDISP_CONFIG_UNLOCKED)
		return TDX_DEVIF_TDISP_INVALID_STATE;
	/* inferred: nobody saw what the module says to this */
	if (devif->stream->blocked)
		return TDX_IDE_STREAM_BLOCKED;
	if (!IS_ALIGNED(req->reporting_offset, PAGE_SIZE))
		return TDX_OPERAND_INVALID | 3;
	return TDX_SUCCESS;
}

/* the message of @round for the mailbox; returns its length */
static size_t build(const struct fw_devif *devif, const struct fw_round *round,
		    u16 lock_flags, u8 *msg)
{
	const struct tio_tdisp_req req = {
		.type = round->type,
		.rid = TDX_DEVIF_RID(devif->id),
		.lock_flags = lock_flags,
		.stream_id = devif->stream->id,
		.reporting_offset = round->reporting_offset,
		.offset = round->offset,
		.length = REPORT_ALL - round->offset,
		.nonce = devif->nonce,
	};

	return tio_tdisp_build(msg, &req);
}

static u64 vmm_request(struct tdx_fw *fw, struct fw_devif *devif,
		       const struct tdx_devif_req *req, u8 *msg, size_t *len)
{
	u64 status;

	if (!req)
		return TDX_OPERAND_INVALID | 3;
	if (devif->vmm.step != FW_AVAILABLE)
		return out_of_step(fw, &devif->vmm, TDX_DEVIF_TDISP_OUT_REQ);
	status = vmm_allowed(devif, req);
	if (status)
		return status;
	devif->vmm = (struct fw_round) {
		.step = FW_GENERATED,
		.type = req->type,
		.reporting_offset = req->reporting_offset,
	};
	*len = build(devif, &devif->vmm, req->lock_flags, msg);
	return TDX_SUCCESS;
}

static u64 tvm_request(struct tdx_fw *fw, struct fw_devif *devif, u8 *msg,
		       size_t *len)
{
	u64 status;

	if (devif->tvm.step == FW_GENERATED)
		return out_of_step(fw, &devif->tvm, TDX_DEVIF_TDISP_OUT_REQ);
	if (devif->tvm.step != FW_REQUESTED)
		return out_of_step(fw, &devif->tvm,
				   TDX_DEVIF_TDISP_INVALID_REQ_STS);
	status = fw_tdisp_td_allowed(devif, devif->tvm.type);
	if (status)
		return fw_refuse_as(fw, TIO_BLAME_GUEST, status);
	devif->tvm.step = FW_GENERATED;
	*len = build(devif, &devif->tvm, 0, msg);
	return TDX_SUCCESS;
}

static u64 devif_request(struct tdx_fw *fw, u64 id, bool td,
			 const struct tdx_devif_req *req, u8 *msg, size_t *len)
{
	struct fw_devif *devif = fw_devif_find(fw, id);

	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 1;
	return td ? tvm_request(fw, devif, msg, len) :
		    vmm_request(fw, devif, req, msg, len);
}

/**
 * tdh_devif_request() - make a TDISP request
 * @fw: the model
 * @devif: TDX_DEVIF_ID()
 * @td: true: the request that the TD REQUESTED; false: the VMM's own, @req
 * @req: LOCK, STATE or STOP; ignored if @td
 * @msg: filled with the SPDM message for the mailbox; TDX_FW_MSG_MAX bytes
 * @len: filled with its length in bytes
 *
 * Return: TDX_DEVIF_TDISP_OUT_REQ, TDX_DEVIF_TDISP_INVALID_MESSAGE,
 * TDX_DEVIF_TDISP_ERROR_STATE, TDX_DEVIF_TDISP_INVALID_STATE,
 * TDX_DEVIF_TDISP_INVALID_REQ_STS, or success: the caller owes a
 * tdh_devif_response() even if no answer comes.
 * Context: any.
 */
u64 tdh_devif_request(struct tdx_fw *fw, u64 devif, bool td,
		      const struct tdx_devif_req *req, u8 *msg, size_t *len)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DEVIF_REQUEST, devif,
			fw_begin(fw, TDH_DEVIF_REQUEST) ?:
			devif_request(fw, devif, td, req, msg, len));
}
EXPORT_SYMBOL_GPL(tdh_devif_request);

/* the answer to @round; a status if it is none */
static u64 answer(const struct fw_devif *devif, const struct fw_round *round,
		  const u8 *msg, size_t len, struct tio_tdisp_rsp *rsp)
{
	switch (tio_tdisp_parse(msg, len, round->type, TDX_DEVIF_RID(devif->id),
				rsp)) {
	case 0:
		return TDX_SUCCESS;
	case -EREMOTEIO:
		return TDX_DEVIF_TDISP_INVALID_MESSAGE | rsp->error;
	default:
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	}
}

static void apply_told(struct fw_devif *devif, enum tdisp_state told)
{
	devif->told = told;
	/* ERROR is the one thing that a device may tell unasked-for */
	if (told == TDISP_STATE_ERROR && devif->state != TDISP_STATE_ERROR)
		start_over(devif, TDISP_STATE_ERROR);
}

static u64 apply_vmm(struct fw_devif *devif, const struct fw_round *round,
		     const struct tio_tdisp_rsp *rsp)
{
	switch (round->type) {
	case TDISP_LOCK_INTERFACE:
		/* a STATE of the TD may have told ERROR meanwhile */
		if (devif->state != TDISP_CONFIG_UNLOCKED)
			return TDX_DEVIF_TDISP_ERROR_STATE;
		lock_devif(devif, round->reporting_offset, rsp->nonce);
		return TDX_SUCCESS;
	case TDISP_STOP_INTERFACE:
		start_over(devif, TDISP_CONFIG_UNLOCKED);
		return TDX_SUCCESS;
	default:
		apply_told(devif, rsp->state);
		return TDX_SUCCESS;
	}
}

static u64 vmm_response(struct tdx_fw *fw, struct fw_devif *devif,
			const u8 *msg, size_t len)
{
	struct tio_tdisp_rsp rsp;
	u64 status;

	if (devif->vmm.step != FW_GENERATED)
		return TDX_DEVIF_TDISP_INVALID_REQ_STS;
	devif->vmm.step = FW_AVAILABLE;
	status = answer(devif, &devif->vmm, msg, len, &rsp) ?:
		 apply_vmm(devif, &devif->vmm, &rsp);
	return fw_refuse_as(fw, TIO_BLAME_DEVICE, status);
}

/* a whole report: nothing in it that the TD could not be protected from */
static u64 check_report(const u8 *bytes, size_t len)
{
	const struct tdisp_report *report = (const struct tdisp_report *)bytes;
	size_t need;
	u32 nr;

	if (len < sizeof(*report))
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	nr = le32_to_cpu(report->nr_ranges);
	need = size_add(struct_size(report, range, nr), sizeof(__le32));
	if (need > len)
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	if (le16_to_cpu(report->interface_info) &
	    (TDISP_REPORT_DMA_PASID | TDISP_REPORT_ATS | TDISP_REPORT_PRS))
		return TDX_DEVIF_INVALID_TDI_CONFIGURATION;
	if (report->msix_control || report->tph_control)
		return TDX_DEVIF_INVALID_TDI_CONFIGURATION;
	for (u32 i = 0; i < nr; i++)
		if (le16_to_cpu(report->range[i].attributes) &
		    (TDISP_RANGE_MSIX_TABLE | TDISP_RANGE_MSIX_PBA))
			return TDX_DEVIF_INVALID_TDI_CONFIGURATION;
	return TDX_SUCCESS;
}

/* one portion of the report; it counts once the TD has processed it */
static u64 take_report(struct fw_devif *devif, struct fw_round *round,
		       const struct tio_tdisp_rsp *rsp)
{
	size_t end = round->offset + rsp->portion;

	round->portion = rsp->portion;
	round->remainder = rsp->remainder;
	if (end + rsp->remainder > TDX_FW_REPORT_MAX)
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	memcpy(devif->report + round->offset, rsp->bytes, rsp->portion);
	return rsp->remainder ? TDX_SUCCESS : check_report(devif->report, end);
}

static u64 take_tvm(struct fw_devif *devif, struct fw_round *round,
		    const struct tio_tdisp_rsp *rsp)
{
	if (round->type == TDISP_GET_REPORT)
		return take_report(devif, round, rsp);
	if (round->type == TDISP_GET_STATE)
		round->told = rsp->state;
	return TDX_SUCCESS;
}

static u64 tvm_response(struct tdx_fw *fw, struct fw_devif *devif,
			const u8 *msg, size_t len)
{
	struct fw_round *round = &devif->tvm;
	struct tio_tdisp_rsp rsp;

	if (round->step != FW_GENERATED)
		return TDX_DEVIF_TDISP_INVALID_REQ_STS;
	round->step = FW_PROCESSED;
	if (round->gen != devif->gen) {
		round->status = TDX_DEVIF_TDISP_INVALID_STATE;
		return fw_refuse_as(fw, TIO_BLAME_DEVICE, round->status);
	}
	round->status = answer(devif, round, msg, len, &rsp) ?:
			take_tvm(devif, round, &rsp);
	return fw_refuse_as(fw, TIO_BLAME_DEVICE, round->status);
}

/* TDG.DEVIF.RESPONSE of a PROCESSED round: over, and applied if it succeeded */
u64 fw_tdisp_apply_td(struct tdx_fw *fw, struct fw_devif *devif)
{
	struct fw_round *round = &devif->tvm;

	lockdep_assert_held(&fw->lock);
	round->step = FW_AVAILABLE;
	if (round->status)
		return round->status;
	switch (round->type) {
	case TDISP_GET_REPORT:
		devif->report_len = round->offset + round->portion;
		devif->report_done = !round->remainder;
		break;
	case TDISP_START_INTERFACE:
		devif->state = TDISP_RUN;
		memzero_explicit(devif->nonce, sizeof(devif->nonce));
		break;
	default:
		apply_told(devif, round->told);
		break;
	}
	return TDX_SUCCESS;
}

static u64 devif_response(struct tdx_fw *fw, u64 id, bool td, const u8 *msg,
			  size_t len)
{
	struct fw_devif *devif = fw_devif_find(fw, id);

	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 1;
	return td ? tvm_response(fw, devif, msg, len) :
		    vmm_response(fw, devif, msg, len);
}

/* a fault switch struck: nothing changes but who is blamed for what follows */
static void disturb(struct tdx_fw *fw, u64 id, bool td)
{
	struct fw_devif *devif = fw_devif_find(fw, id);

	if (devif && td)
		devif->tvm.disturbed = true;
	else if (devif)
		devif->vmm.disturbed = true;
}

/**
 * tdh_devif_response() - process the answer to a TDISP request
 * @fw: the model
 * @devif: TDX_DEVIF_ID()
 * @td: whose request it was
 * @msg: what came from the mailbox
 * @len: bytes in @msg; 0: nothing came
 *
 * The request is over, whatever came; the TDISP state moves only if it was the
 * right answer.
 *
 * Return: TDX_DEVIF_TDISP_INVALID_REQ_STS without a request;
 * TDX_DEVIF_TDISP_INVALID_MESSAGE (low half: the code of the device's TDISP_ERROR,
 * 0 if it was something else); for REPORT TDX_DEVIF_INVALID_TDI_CONFIGURATION; or
 * success.
 * Context: any.
 */
u64 tdh_devif_response(struct tdx_fw *fw, u64 devif, bool td, const u8 *msg,
		       size_t len)
{
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_DEVIF_RESPONSE);
	if (status)
		disturb(fw, devif, td);
	else
		status = devif_response(fw, devif, td, msg, len);
	return fw_judge(fw, TDH_DEVIF_RESPONSE, devif, status);
}
EXPORT_SYMBOL_GPL(tdh_devif_response);
