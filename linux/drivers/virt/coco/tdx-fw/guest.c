// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a TD itself may call: it attests a function, asks it for its report, starts
 * it, and accepts its DMA (its MMIO: mmio.c). A refusal here is never the host's mistake.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

/* a function of the TD that calls */
static u64 find_own(struct tdx_fw *fw, u64 pa, u64 id, struct fw_devif **devif)
{
	struct fw_td *td;
	u64 status;

	status = fw_td_find_guest(fw, pa, &td);
	if (status)
		return status;
	*devif = fw_devif_find(fw, id);
	if (!*devif)
		return TDX_DEVIFMT_NOT_PRESENT | 2;
	if ((*devif)->td != td)
		return TDX_DEVIF_INVALID_METADATA | 2;
	return TDX_SUCCESS;
}

static u64 devif_validate(struct tdx_fw *fw, u64 pa, u64 id,
			  const u8 pkh[TDX_FW_PKH_SIZE])
{
	struct fw_devif *devif;
	u64 status;

	status = find_own(fw, pa, id, &devif);
	if (status)
		return status;
	/* inferred: what is not locked yet can still change */
	if (!fw_devif_locked(devif))
		return TDX_DEVIF_TDISP_INVALID_STATE;
	/* inferred: the TPA has taken the session back */
	if (!devif->stream->spdm->bound)
		return TDX_SPDM_INVALID_STATE;
	if (memcmp(devif->stream->spdm->pkh, pkh, TDX_FW_PKH_SIZE))
		return TDX_DEVIF_PKH_MISMATCH | 3;
	if (devif->valid)
		return TDX_DEVIF_ALREADY_VALID;
	devif->valid = true;
	return TDX_SUCCESS;
}

/**
 * tdg_devif_validate() - the TD has attested the function
 * @fw: the model
 * @td: the TD that calls
 * @devif: a function of it, CONFIG_LOCKED or RUN
 * @pkh: SHA-384 of the certificate chain that the TD checked
 *
 * Return: TDX_DEVIFMT_NOT_PRESENT, TDX_DEVIF_INVALID_METADATA (another TD's),
 * TDX_DEVIF_TDISP_INVALID_STATE, TDX_SPDM_INVALID_STATE, TDX_DEVIF_PKH_MISMATCH,
 * TDX_DEVIF_ALREADY_VALID, or success: valid until STOP or ERROR.
 * Context: any.
 */
u64 tdg_devif_validate(struct tdx_fw *fw, u64 td, u64 devif,
		       const u8 pkh[TDX_FW_PKH_SIZE])
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_DEVIF_VALIDATE, devif,
			fw_begin(fw, TDG_DEVIF_VALIDATE) ?:
			devif_validate(fw, td, devif, pkh));
}
EXPORT_SYMBOL_GPL(tdg_devif_validate);

static u64 devif_request(struct tdx_fw *fw, u64 pa, u64 id, u8 type, u16 offset)
{
	struct fw_devif *devif;
	u64 status;

	status = find_own(fw, pa, id, &devif);
	if (status)
		return status;
	if (devif->tvm.step != FW_AVAILABLE)
		return TDX_DEVIF_TDISP_OUT_REQ;
	status = fw_tdisp_td_allowed(devif, type);
	if (status)
		return status;
	/* from the start, or where the last portion ended */
	if (offset && (type != TDISP_GET_REPORT || devif->report_done ||
		       offset != devif->report_len))
		return TDX_OPERAND_INVALID | 4;
	if (type == TDISP_GET_REPORT && !offset) {
		devif->report_len = 0;
		devif->report_done = false;
	}
	devif->tvm = (struct fw_round) {
		.step = FW_REQUESTED,
		.type = type,
		.gen = devif->gen,
		.offset = offset,
	};
	return TDX_SUCCESS;
}

/**
 * tdg_devif_request() - ask the host to carry a TDISP request
 * @fw: the model
 * @td: the TD that calls
 * @devif: a function of it
 * @type: TDISP_GET_REPORT (LOCKED or RUN), TDISP_GET_STATE, TDISP_START_INTERFACE
 *	  (LOCKED and valid)
 * @offset: of GET_REPORT: 0, or the bytes that came so far
 *
 * Return: TDX_DEVIF_TDISP_OUT_REQ, TDX_DEVIF_TDISP_INVALID_MESSAGE,
 * TDX_DEVIF_TDISP_ERROR_STATE, TDX_DEVIF_INVALID_STATE,
 * TDX_DEVIF_TDISP_INVALID_STATE, other status, or success: REQUESTED.
 * Context: any.
 */
u64 tdg_devif_request(struct tdx_fw *fw, u64 td, u64 devif, u8 type, u16 offset)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_DEVIF_REQUEST, devif,
			fw_begin(fw, TDG_DEVIF_REQUEST) ?:
			devif_request(fw, td, devif, type, offset));
}
EXPORT_SYMBOL_GPL(tdg_devif_request);

static u64 devif_response(struct tdx_fw *fw, u64 pa, u64 id,
			  struct tdx_devif_result *result)
{
	struct fw_devif *devif;
	u64 status;

	status = find_own(fw, pa, id, &devif);
	if (status)
		return status;
	if (devif->tvm.step != FW_PROCESSED)
		return TDX_DEVIF_TDISP_INVALID_REQ_STS;
	status = fw_tdisp_apply_td(fw, devif);
	*result = (struct tdx_devif_result) {
		.type = devif->tvm.type,
		.state = devif->state,
		.portion = devif->tvm.portion,
		.remainder = devif->tvm.remainder,
	};
	return status;
}

/**
 * tdg_devif_response() - end of the TD's TDISP request
 * @fw: the model
 * @td: the TD that calls
 * @devif: a function of it
 * @result: filled if the request is over
 *
 * Return: TDX_DEVIF_TDISP_INVALID_REQ_STS unless the answer was processed; what
 * tdh_devif_response() said of it; or success: it is applied (START: RUN).
 * Context: any.
 */
u64 tdg_devif_response(struct tdx_fw *fw, u64 td, u64 devif,
		       struct tdx_devif_result *result)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_DEVIF_RESPONSE, devif,
			fw_begin(fw, TDG_DEVIF_RESPONSE) ?:
			devif_response(fw, td, devif, result));
}
EXPORT_SYMBOL_GPL(tdg_devif_response);

static u64 devif_rd(struct tdx_fw *fw, u64 pa, u64 id,
		    enum tdx_devif_field field, u32 offset, u8 *buf, size_t *len)
{
	struct fw_devif *devif;
	const u8 *bytes;
	size_t have;
	u64 status;

	status = find_own(fw, pa, id, &devif);
	if (status)
		return status;
	switch (field) {
	case TDX_DEVIF_FIELD_PKH:
		bytes = devif->stream->spdm->pkh;
		have = TDX_FW_PKH_SIZE;
		break;
	case TDX_DEVIF_FIELD_REPORT:
		bytes = devif->report;
		have = devif->report_len;
		break;
	default:
		return TDX_OPERAND_INVALID | 3;
	}
	*len = offset < have ? min(*len, have - offset) : 0;
	memcpy(buf, bytes + (*len ? offset : 0), *len);
	return TDX_SUCCESS;
}

/**
 * tdg_devif_rd() - read what firmware knows of a function
 * @fw: the model
 * @td: the TD that calls
 * @devif: a function of it
 * @field: what
 * @offset: first byte wanted
 * @buf: filled
 * @len: in: bytes of @buf; out: bytes copied, 0 past the end
 *
 * Return: completion status.
 * Context: any.
 */
u64 tdg_devif_rd(struct tdx_fw *fw, u64 td, u64 devif, enum tdx_devif_field field,
		 u32 offset, u8 *buf, size_t *len)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_DEVIF_RD, devif, fw_begin(fw, TDG_DEVIF_RD) ?:
			devif_rd(fw, td, devif, field, offset, buf, len));
}
EXPORT_SYMBOL_GPL(tdg_devif_rd);

static u64 dmar_accept(struct tdx_fw *fw, u64 pa, u64 id)
{
	struct fw_devif *devif;
	struct fw_dmar *dmar;
	u64 status;

	status = find_own(fw, pa, id, &devif);
	if (status)
		return status;
	if (!devif->valid)
		return TDX_DEVIF_INVALID_STATE;
	if (!fw_devif_locked(devif))
		return TDX_DEVIF_TDISP_INVALID_STATE;
	dmar = fw_dmar_find(fw, TDX_DEVIF_IOMMU(id), TDX_DMAR_PASIDTE,
			    TDX_DEVIF_RID(id));
	if (!dmar)
		return TDX_DMAR_ENTRY_NOT_PRESENT;
	if (dmar->state != TDX_DMAR_PENDING)
		return TDX_DMAR_INVALID_MAPPING_STATE;
	dmar->state = TDX_DMAR_PRESENT;
	return TDX_SUCCESS;
}

/**
 * tdg_dmar_accept() - the TD lets the function reach its memory
 * @fw: the model
 * @td: the TD that calls
 * @devif: a function of it, valid, CONFIG_LOCKED or RUN, its PASIDTE PENDING
 *
 * Return: TDX_DEVIF_INVALID_STATE, TDX_DEVIF_TDISP_INVALID_STATE,
 * TDX_DMAR_ENTRY_NOT_PRESENT, TDX_DMAR_INVALID_MAPPING_STATE, other status, or
 * success: PRESENT.
 * Context: any.
 */
u64 tdg_dmar_accept(struct tdx_fw *fw, u64 td, u64 devif)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_DMAR_ACCEPT, devif,
			fw_begin(fw, TDG_DMAR_ACCEPT) ?:
			dmar_accept(fw, td, devif));
}
EXPORT_SYMBOL_GPL(tdg_dmar_accept);
