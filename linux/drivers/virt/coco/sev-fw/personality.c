// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEV-TIO as tables: what there is to call, what it may answer, what is left out.
 *
 * Basis: 'C' Linux' ccp driver, 'P' posted patches, 'M' inferred. The firmware is
 * closed: which status answers which wrong order is inferred for every command, so
 * 'M' is the weakest of most.
 */
#include <linux/array_size.h>
#include <linux/export.h>

#include "fw.h"

#define CALL(_nr, _area, _basis, _note) {	\
	.nr = SEV_CALL_##_nr,			\
	.name = #_nr,				\
	.by = TIO_BY_HOST,			\
	.area = TIO_AREA_##_area,		\
	.basis = (_basis),			\
	.note = (_note),			\
}

static const struct tio_call calls[] = {
	CALL(SNP_GCTX_CREATE, TVM, 'C',
	     "the page needs no RMPUPDATE into the firmware state first"),
	CALL(SNP_ACTIVATE, TVM, 'C',
	     "stands for LAUNCH_START too; DF_FLUSH of a used ASID is not asked for"),
	CALL(SNP_LAUNCH_FINISH, TVM, 'C', "no measurement"),
	CALL(SNP_DECOMMISSION, TVM, 'M',
	     "inferred: refused while a TDI is bound, INVALID_GUEST_STATE"),
	CALL(TIO_STATUS, LINK, 'C', ""),
	CALL(TIO_INIT, LINK, 'M', "inferred: once, INVALID_PLATFORM_STATE after"),
	CALL(TIO_DEV_CREATE, LINK, 'M',
	     "one page; inferred: RECLAIM_REQUIRED for a device that has a context"),
	CALL(TIO_DEV_RECLAIM, LINK, 'M',
	     "inferred: INVALID_DEV_STATE while connected, IN_USE with TDI contexts"),
	CALL(TIO_DEV_CONNECT, LINK, 'M',
	     "reads the certificate chain in the clear, no session, no IDE_KM"),
	CALL(TIO_DEV_DISCONNECT, LINK, 'M',
	     "inferred: IN_USE with bound TDIs; FORCE makes them fall to ERROR"),
	CALL(TIO_DEV_STATUS, LINK, 'P', ""),
	CALL(TIO_DEV_MEASUREMENTS, LINK, 'M', "not signed"),
	CALL(TIO_DEV_CERTIFICATES, LINK, 'M',
	     "inferred: read again, DEV_CERT_CHANGED if not what connect has read"),
	CALL(TIO_ROLL_KEY, LINK, 'M', "asks the device for its chain's first bytes"),
	CALL(TIO_TDI_CREATE, TDI, 'M',
	     "one page; inferred: RECLAIM_REQUIRED for an interface that has a context"),
	CALL(TIO_TDI_RECLAIM, TDI, 'M',
	     "inferred: INVALID_TDI_STATE while bound; takes immutable off the TDI's pages"),
	CALL(TIO_TDI_BIND, TDI, 'M',
	     "inferred: the guest has an ASID; the first bind raises its default fence"),
	CALL(TIO_TDI_UNBIND, TDI, 'M',
	     "inferred: wants its guest unless FORCE; the last one raises a fence, FORCE too"),
	CALL(TIO_TDI_REPORT, TDI, 'M', "inferred: kept from the first time to TDI_UNBIND"),
	CALL(TIO_TDI_STATUS, TDI, 'M',
	     "inferred: a state that the TDI should not be in makes it ERROR"),
	CALL(TIO_TDI_INFO, TDI, 'P', ""),
	CALL(TIO_GUEST_REQUEST, TDI, 'M',
	     "messages in the clear, all four; inferred: nothing is validated behind a fence"),
	CALL(TIO_ASID_FENCE_CLEAR, DMA, 'M', "inferred: INVALID_PARAM if no fence is up"),
	CALL(TIO_ASID_FENCE_STATUS, DMA, 'P', ""),
	CALL(RMPUPDATE, MMIO, 'M',
	     "4 KiB of MMIO; inferred: immutable until TDI_RECLAIM, new owner through shared"),
	CALL(RMP_PRIVATE, MEM, 'M', "RMPUPDATE of memory and the guest's PVALIDATE in one"),
	CALL(RMP_UNPRIVATE, MEM, 'C', "RMPUPDATE of memory to shared"),
};

#define STATUS(_name, _normal) { SEV_##_name, #_name, _normal }

static const struct tio_status statuses[] = {
	STATUS(SUCCESS, true),
	STATUS(INVALID_PLATFORM_STATE, false),
	STATUS(INVALID_GUEST_STATE, false),
	STATUS(ASID_OWNED, false),
	STATUS(INVALID_ASID, false),
	STATUS(INVALID_PARAM, false),
	STATUS(RESOURCE_LIMIT, true),
	STATUS(INVALID_PAGE_STATE, false),
	STATUS(INVALID_PAGE_OWNER, false),
	STATUS(INCORRECT_BUFFER_LENGTH, false),
	STATUS(EXPAND_BUFFER_LENGTH, true),
	STATUS(SPDM_REQUEST, true),
	STATUS(SPDM_ERROR, false),
	STATUS(ERR_IN_DEV_CONN, false),
	STATUS(INVALID_DEV_CTX, false),
	STATUS(INVALID_TDI_CTX, false),
	STATUS(INVALID_TDI, false),
	STATUS(RECLAIM_REQUIRED, false),
	STATUS(IN_USE, false),
	STATUS(INVALID_DEV_STATE, false),
	STATUS(INVALID_TDI_STATE, false),
	STATUS(DEV_CERT_CHANGED, false),
	STATUS(RESYNC_REQ, false),
	STATUS(RESPONSE_TOO_LARGE, false),
	STATUS(RMP_FAIL_INPUT, false),
	STATUS(RMP_FAIL_PERMISSION, false),
	STATUS(RMP_FAIL_INUSE, false),
	STATUS(RMP_FAIL_OVERLAP, true),
};

static const char * const left_out[] = {
	"The ASP's firmware is closed: which status answers which wrong order is inferred, and strict.",
	"There is no secured SPDM session: TDISP and certificates travel in the clear, IDE_KM does not travel.",
	"Messages between guest and ASP are not encrypted.",
	"Context pages are one page each, and enter and leave firmware with the create and reclaim calls.",
	"Guest launch has no measurement, no LAUNCH_START and LAUNCH_UPDATE; an ASID needs no flush.",
	"Pages are 4 KiB: MMIO_VALIDATE's NOT_4K cannot happen, RMPUPDATE refuses other sizes.",
	"RMPUPDATE's overlap (4), ERR_IN_DEV_CONN, RESYNC_REQ, INVALID_PAGE_OWNER and INCORRECT_BUFFER_LENGTH come from fault switches only.",
	"MMIO_CONFIG sends no SET_MMIO_ATTRIBUTE: a range keeps what the report says.",
	"Peer-to-peer between TDIs is refused.",
	NULL
};

const struct tio_personality sev_fw_personality = {
	.vendor = "sev",
	.title = "AMD SEV-TIO",
	.calls = calls,
	.nr_calls = ARRAY_SIZE(calls),
	.status = statuses,
	.nr_status = ARRAY_SIZE(statuses),
	.status_mask = ~0ULL,
	.left_out = left_out,
};
EXPORT_SYMBOL_GPL(sev_fw_personality);
