// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMM as tables: every call of the model, every status, and what it leaves out.
 * Documents are made from them. The weakest of what a call does decides its basis.
 */
#include <linux/array_size.h>
#include <linux/export.h>

#include "rmm.h"

#define HOST(call, in, how, text) \
	{ RMI_##call, "RMI_" #call, TIO_BY_HOST, TIO_AREA_##in, how, text }
#define REALM(call, in, how, text) \
	{ RSI_##call, "RSI_" #call, TIO_BY_GUEST, TIO_AREA_##in, how, text }

static const struct tio_call calls[] = {
	HOST(GRANULE_RANGE_DELEGATE, MEM, 'C',
	     "the caller says whether it is device memory; all or nothing"),
	HOST(GRANULE_RANGE_UNDELEGATE, MEM, 'C',
	     "a failure of EL3, which panics the RMM, is not modelled"),
	HOST(REALM_CREATE, TVM, 'M', "no measurement; the root table is 48 bits wide"),
	HOST(REALM_ACTIVATE, TVM, 'M', ""),
	HOST(REALM_TERMINATE, TVM, 'C', ""),
	HOST(REALM_DESTROY, TVM, 'C', ""),
	HOST(REC_CREATE, TVM, 'M', "one REC for a realm"),
	HOST(REC_DESTROY, TVM, 'M', ""),
	HOST(REC_ENTER, TVM, 'M', "only to go on with a realm's call"),
	HOST(RTT_CREATE, MEM, 'M',
	     "a table over RIPAS DESTROYED starts empty instead of DESTROYED"),
	HOST(RTT_DESTROY, MEM, 'M', "leaves RIPAS EMPTY"),
	HOST(RTT_FOLD, MEM, 'M', "only tables in which nothing is mapped"),
	HOST(RTT_DATA_MAP, MEM, 'M',
	     "stands for DATA_CREATE_UNKNOWN and its successors"),
	HOST(RTT_DATA_UNMAP, MEM, 'M', "stands for DATA_DESTROY"),
	HOST(RTT_DEV_MAP, MMIO, 'M',
	     "coherency is not modelled; that the realm's state comes first is inferred"),
	HOST(RTT_DEV_VALIDATE, MMIO, 'M',
	     "looks at the vdev's state again, which is inferred"),
	HOST(RTT_DEV_UNMAP, MMIO, 'C', ""),
	HOST(PDEV_CREATE, LINK, 'M', "no auxiliary granules; one PDEV for a requester id"),
	HOST(PDEV_COMMUNICATE, LINK, 'C',
	     "the certificate chain only: IDE_KM and the session are not on the wire"),
	HOST(PDEV_SET_PUBKEY, LINK, 'M', "the key is the last 96 bytes of the chain"),
	HOST(PDEV_GET_STATE, LINK, 'C', ""),
	HOST(PDEV_ABORT, LINK, 'M', "also of what is pending and has not begun"),
	HOST(PDEV_STOP, LINK, 'C', ""),
	HOST(PDEV_DESTROY, LINK, 'C', ""),
	HOST(PDEV_STREAM_CONNECT, LINK, 'M', "one stream for an endpoint"),
	HOST(PDEV_STREAM_COMPLETE, LINK, 'C', ""),
	HOST(PDEV_STREAM_DISCONNECT, LINK, 'M', "also of a stream that is CONNECTING"),
	HOST(PDEV_STREAM_KEY_REFRESH, LINK, 'M', "no message"),
	HOST(PDEV_STREAM_KEY_PURGE, LINK, 'C', "NOT_SUPPORTED, as today"),
	HOST(VDEV_CREATE, TDI, 'M',
	     "a function, a name or a granule that another vdev has is INPUT, which is inferred"),
	HOST(VDEV_COMMUNICATE, TDI, 'M',
	     "which messages an operation consists of is inferred"),
	HOST(VDEV_GET_STATE, TDI, 'C', ""),
	HOST(VDEV_LOCK, TDI, 'C', "the reporting offset is 0"),
	HOST(VDEV_START, TDI, 'C', ""),
	HOST(VDEV_GET_INTERFACE_REPORT, TDI, 'C', ""),
	HOST(VDEV_GET_MEASUREMENTS, TDI, 'M',
	     "the emulated device has none: the operation fails, the vdev stays as it is"),
	HOST(VDEV_UNLOCK, TDI, 'C', "no KEY_REFRESH and KEY_PURGE detour, as today"),
	HOST(VDEV_ABORT, TDI, 'M', "also of what is pending and has not begun"),
	HOST(VDEV_DESTROY, TDI, 'C', "an UNLOCKED vdev must be idle, which is inferred"),
	HOST(VDEV_COMPLETE, TDI, 'M', "status codes are inferred"),
	REALM(VDEV_GET_INFO, TDI, 'C', ""),
	REALM(VDEV_VALIDATE_MAPPING, MMIO, 'M',
	      "memory of another vdev is INPUT at once, which is inferred"),
	REALM(VDEV_DMA_ENABLE, DMA, 'M', "twice is STATE, which is inferred"),
	REALM(VDEV_DMA_DISABLE, DMA, 'M', "when it is off: STATE, which is inferred"),
};

/*
 * INCOMPLETE and BUSY ask for another call. NOT_SUPPORTED is how a host learns that
 * something is not.
 */
static const struct tio_status statuses[] = {
	{ RMI_SUCCESS, "RMI_SUCCESS", true },
	{ RMI_ERROR_INPUT, "RMI_ERROR_INPUT", false },
	{ RMI_ERROR_REALM, "RMI_ERROR_REALM", false },
	{ RMI_ERROR_REC, "RMI_ERROR_REC", false },
	{ RMI_ERROR_RTT, "RMI_ERROR_RTT", false },
	{ RMI_ERROR_NOT_SUPPORTED, "RMI_ERROR_NOT_SUPPORTED", true },
	{ RMI_ERROR_DEVICE, "RMI_ERROR_DEVICE", false },
	{ RMI_BUSY, "RMI_BUSY", true },
	{ RMI_INCOMPLETE, "RMI_INCOMPLETE", true },
	{ RMI_ERROR_GRANULE, "RMI_ERROR_GRANULE", false },
};

static const char * const left_out[] = {
	"The host's touch of a delegated granule, which faults on hardware.",
	"SPDM sessions: certificates, TDISP and measurements travel in plain messages.",
	"IDE_KM: the platform puts a stream's keys in place when it is CONNECTED.",
	"VDEV states KEY_REFRESH and KEY_PURGE: nothing sets them in the RMM of today.",
	"RIPAS but for EMPTY, DEV and DESTROYED; realm measurements; auxiliary granules.",
	"Status RTT_AUX, PSMMU_ST, DPT, GLOBAL, TRACKING, BLOCKED, GPT: never answered.",
	"A realm's calls answer RSI statuses: INPUT 1, STATE 2, INCOMPLETE 3, UNKNOWN 4, DEVICE 5.",
	"Operations do not wait: RMI_INCOMPLETE comes from mapping calls alone, after 32 leaves.",
	NULL,
};

const struct tio_personality cca_rmm_personality = {
	.vendor = "cca",
	.title = "Arm CCA realm management monitor",
	.calls = calls,
	.nr_calls = ARRAY_SIZE(calls),
	.status = statuses,
	.nr_status = ARRAY_SIZE(statuses),
	.status_mask = 0xff,
	.left_out = left_out,
};
EXPORT_SYMBOL_GPL(cca_rmm_personality);
