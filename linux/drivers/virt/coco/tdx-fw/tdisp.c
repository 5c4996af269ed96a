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

static_assert(FW_WRAP_SIZE + sizeof(struct tdisp_start_req) <= TDX_FW_MSG_MAX);

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
	return round->disturbed ? fw_refuse_as(fw, FW_BLAME_INJECTED, status) :
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

/* the message of @round behind the envelope; returns the length of both */
static size_t build(const struct fw_devif *devif, const struct fw_round *round,
		    u16 lock_flags, u8 *msg)
{
	struct tdisp_hdr *hdr = (struct tdisp_hdr *)(msg + FW_WRAP_SIZE);
	struct tdisp_lock_req *lock = container_of(hdr, struct tdisp_lock_req, hdr);
	struct tdisp_report_req *report =
		container_of(hdr, struct tdisp_report_req, hdr);
	struct tdisp_start_req *start =
		container_of(hdr, struct tdisp_start_req, hdr);
	size_t len = sizeof(*hdr);

	memset(msg, 0, TDX_FW_MSG_MAX);
	hdr->version = TDISP_VERSION_1_0;
	hdr->type = round->type;
	hdr->function_id = cpu_to_le32(TDX_DEVIF_RID(devif->id));
	switch (round->type) {
	case TDISP_LOCK_INTERFACE:
		lock->flags = cpu_to_le16(lock_flags);
		lock->stream_id = devif->stream->id;
		lock->mmio_reporting_offset =
			cpu_to_le64(round->reporting_offset);
		len = sizeof(*lock);
		break;
	case TDISP_GET_REPORT:
		report->offset = cpu_to_le16(round->offset);
		report->length = cpu_to_le16(REPORT_ALL - round->offset);
		len = sizeof(*report);
		break;
	case TDISP_START_INTERFACE:
		memcpy(start->nonce, devif->nonce, sizeof(start->nonce));
		len = sizeof(*start);
		break;
	}
	return fw_spdm_wrap(msg, len);
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
		return fw_refuse_as(fw, FW_BLAME_GUEST, status);
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

/*
 * The TDISP message in @msg if it answers @round: right envelope, version, function
 * and type. Else *status says why not.
 */
static const struct tdisp_hdr *answer(const struct fw_devif *devif,
				      const struct fw_round *round,
				      const u8 *msg, size_t len, size_t *n,
				      u64 *status)
{
	const struct tdisp_hdr *hdr = (const struct tdisp_hdr *)
				      fw_spdm_unwrap(msg, len, n);
	const struct tdisp_error_rsp *error;

	*status = TDX_DEVIF_TDISP_INVALID_MESSAGE;
	if (!hdr || *n < sizeof(*hdr) || hdr->version != TDISP_VERSION_1_0 ||
	    le32_to_cpu(hdr->function_id) != TDX_DEVIF_RID(devif->id))
		return NULL;
	if (hdr->type == TDISP_ERROR && *n >= sizeof(*error)) {
		error = container_of(hdr, struct tdisp_error_rsp, hdr);
		*status |= le32_to_cpu(error->code);
		return NULL;
	}
	if (hdr->type != TDISP_RESPONSE(round->type))
		return NULL;
	*status = TDX_SUCCESS;
	return hdr;
}

/* the body of STATE: one of the four states, or -1 */
static int told_state(const struct tdisp_hdr *hdr, size_t n)
{
	const struct tdisp_state_rsp *rsp =
		container_of(hdr, struct tdisp_state_rsp, hdr);

	if (n != sizeof(*rsp) || rsp->state > TDISP_STATE_ERROR)
		return -1;
	return rsp->state;
}

static void apply_told(struct fw_devif *devif, enum tdisp_state told)
{
	devif->told = told;
	/* ERROR is the one thing that a device may tell unasked-for */
	if (told == TDISP_STATE_ERROR && devif->state != TDISP_STATE_ERROR)
		start_over(devif, TDISP_STATE_ERROR);
}

static u64 apply_vmm(struct fw_devif *devif, const struct fw_round *round,
		     const struct tdisp_hdr *hdr, size_t n)
{
	const struct tdisp_lock_rsp *lock =
		container_of(hdr, struct tdisp_lock_rsp, hdr);
	int told;

	switch (round->type) {
	case TDISP_LOCK_INTERFACE:
		if (n != sizeof(*lock))
			return TDX_DEVIF_TDISP_INVALID_MESSAGE;
		/* a STATE of the TD may have told ERROR meanwhile */
		if (devif->state != TDISP_CONFIG_UNLOCKED)
			return TDX_DEVIF_TDISP_ERROR_STATE;
		lock_devif(devif, round->reporting_offset, lock->nonce);
		return TDX_SUCCESS;
	case TDISP_STOP_INTERFACE:
		if (n != sizeof(*hdr))
			return TDX_DEVIF_TDISP_INVALID_MESSAGE;
		start_over(devif, TDISP_CONFIG_UNLOCKED);
		return TDX_SUCCESS;
	default:
		told = told_state(hdr, n);
		if (told < 0)
			return TDX_DEVIF_TDISP_INVALID_MESSAGE;
		apply_told(devif, told);
		return TDX_SUCCESS;
	}
}

static u64 vmm_response(struct tdx_fw *fw, struct fw_devif *devif,
			const u8 *msg, size_t len)
{
	const struct tdisp_hdr *hdr;
	u64 status;
	size_t n;

	if (devif->vmm.step != FW_GENERATED)
		return TDX_DEVIF_TDISP_INVALID_REQ_STS;
	devif->vmm.step = FW_AVAILABLE;
	hdr = answer(devif, &devif->vmm, msg, len, &n, &status);
	if (hdr)
		status = apply_vmm(devif, &devif->vmm, hdr, n);
	return fw_refuse_as(fw, FW_BLAME_DEVICE, status);
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
		       const struct tdisp_hdr *hdr, size_t n)
{
	const struct tdisp_report_rsp *rsp =
		container_of(hdr, struct tdisp_report_rsp, hdr);
	size_t end;

	if (n <= sizeof(*rsp) ||
	    le16_to_cpu(rsp->portion) != n - sizeof(*rsp))
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	round->portion = le16_to_cpu(rsp->portion);
	round->remainder = le16_to_cpu(rsp->remainder);
	end = round->offset + round->portion;
	if (end + round->remainder > TDX_FW_REPORT_MAX)
		return TDX_DEVIF_TDISP_INVALID_MESSAGE;
	memcpy(devif->report + round->offset, rsp->bytes, round->portion);
	return round->remainder ? TDX_SUCCESS :
				  check_report(devif->report, end);
}

static u64 take_tvm(struct fw_devif *devif, struct fw_round *round,
		    const struct tdisp_hdr *hdr, size_t n)
{
	int told;

	switch (round->type) {
	case TDISP_GET_REPORT:
		return take_report(devif, round, hdr, n);
	case TDISP_START_INTERFACE:
		return n == sizeof(*hdr) ? TDX_SUCCESS :
		       TDX_DEVIF_TDISP_INVALID_MESSAGE;
	default:
		told = told_state(hdr, n);
		if (told < 0)
			return TDX_DEVIF_TDISP_INVALID_MESSAGE;
		round->told = told;
		return TDX_SUCCESS;
	}
}

static u64 tvm_response(struct tdx_fw *fw, struct fw_devif *devif,
			const u8 *msg, size_t len)
{
	struct fw_round *round = &devif->tvm;
	const struct tdisp_hdr *hdr;
	u64 status;
	size_t n;

	if (round->step != FW_GENERATED)
		return TDX_DEVIF_TDISP_INVALID_REQ_STS;
	round->step = FW_PROCESSED;
	if (round->gen != devif->gen) {
		round->status = TDX_DEVIF_TDISP_INVALID_STATE;
		return fw_refuse_as(fw, FW_BLAME_DEVICE, round->status);
	}
	hdr = answer(devif, round, msg, len, &n, &status);
	if (hdr)
		status = take_tvm(devif, round, hdr, n);
	round->status = status;
	return fw_refuse_as(fw, FW_BLAME_DEVICE, status);
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
