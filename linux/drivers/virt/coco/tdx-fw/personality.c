// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDX Connect as tables: every call, how its rules are known, what the model leaves
 * out or infers; every status code. Documents are made from it.
 */
#include <linux/array_size.h>
#include <linux/export.h>

#include "fw.h"

#define HOST(_nr, _area, _basis, _name, _note) \
	{ TDH_##_nr, "TDH." _name, TIO_BY_HOST, TIO_AREA_##_area, _basis, _note }
#define GUEST(_nr, _area, _basis, _name, _note) \
	{ TDG_##_nr, "TDG." _name, TIO_BY_GUEST, TIO_AREA_##_area, _basis, _note }
#define SERVICE(_nr, _area, _basis, _name, _note) \
	{ TDG_##_nr, "TDG." _name, TIO_BY_SERVICE, TIO_AREA_##_area, _basis, _note }

#define NO_MEASURED	"no measurement, no attributes"

static const struct tio_call calls[] = {
	HOST(VP_ENTER, TVM, 'C', "VP.ENTER",
	     "the vCPU is back at once: nothing runs"),
	HOST(MNG_ADDCX, TVM, 'C', "MNG.ADDCX", ""),
	HOST(MEM_PAGE_ADD, MEM, 'M', "MEM.PAGE.ADD",
	     "the page is MAPPED at once in any build state: there is no AUG and ACCEPT"),
	HOST(MEM_SEPT_ADD, MEM, 'C', "MEM.SEPT.ADD",
	     "pages of the last level only, and only 4 KiB leaves need one"),
	HOST(MEM_RANGE_BLOCK, MEM, 'C', "MEM.RANGE.BLOCK", "one 4 KiB page"),
	HOST(MNG_KEY_CONFIG, TVM, 'C', "MNG.KEY.CONFIG",
	     "one call for all packages"),
	HOST(MNG_CREATE, TVM, 'C', "MNG.CREATE", ""),
	HOST(VP_CREATE, TVM, 'C', "VP.CREATE", "TDVPR alone, no TDCX pages"),
	HOST(MR_FINALIZE, TVM, 'C', "MR.FINALIZE", NO_MEASURED),
	HOST(VP_FLUSH, TVM, 'C', "VP.FLUSH", ""),
	HOST(MNG_VPFLUSHDONE, TVM, 'C', "MNG.VPFLUSHDONE", ""),
	HOST(MNG_KEY_FREEID, TVM, 'C', "MNG.KEY.FREEID", ""),
	HOST(MNG_INIT, TVM, 'C', "MNG.INIT", NO_MEASURED),
	HOST(MEM_SEPT_RD, MEM, 'C', "MEM.SEPT.RD", "in any lifecycle"),
	HOST(PHYMEM_PAGE_RECLAIM, TVM, 'M', "PHYMEM.PAGE.RECLAIM",
	     "memory before its S-EPT page; MMIO of a fatal TD goes with S-EPT page or TDR"),
	HOST(MEM_PAGE_REMOVE, MEM, 'M', "MEM.PAGE.REMOVE",
	     "IOTLB tracking as for MMIO.UNMAP"),
	HOST(MEM_SEPT_REMOVE, MEM, 'C', "MEM.SEPT.REMOVE", ""),
	HOST(MEM_TRACK, MEM, 'C', "MEM.TRACK",
	     "completes TLB tracking: no vCPU is ever inside"),
	HOST(IOMMU_SETREG, LINK, 'M', "IOMMU.SETREG",
	     "root table, queue, configure, clear; no root ports; numbers and codes inferred"),
	HOST(IOMMU_GETREG, LINK, 'M', "IOMMU.GETREG", "as for IOMMU.SETREG"),
	HOST(SPDM_CREATE, LINK, 'C', "SPDM.CREATE", ""),
	HOST(SPDM_DELETE, LINK, 'C', "SPDM.DELETE", ""),
	HOST(IDE_STREAM_CREATE, LINK, 'M', "IDE.STREAM.CREATE",
	     "the code for a stream id that is taken"),
	HOST(IDE_STREAM_BLOCK, LINK, 'C', "IDE.STREAM.BLOCK", ""),
	HOST(IDE_STREAM_DELETE, LINK, 'C', "IDE.STREAM.DELETE", ""),
	HOST(IDE_STREAM_IDEKMREQ, LINK, 'C', "IDE.STREAM.IDEKMREQ",
	     "no IDE_KM message on the wire"),
	HOST(IDE_STREAM_IDEKMRSP, LINK, 'C', "IDE.STREAM.IDEKMRSP",
	     "no IDE_KM message on the wire"),
	HOST(DEVIF_CREATE, TDI, 'C', "DEVIF.CREATE", ""),
	HOST(DEVIF_REMOVE, TDI, 'C', "DEVIF.REMOVE", ""),
	HOST(DEVIF_REQUEST, TDI, 'M', "DEVIF.REQUEST",
	     "LOCK over a blocked stream is refused; the message is not in a secured session"),
	HOST(DEVIF_RESPONSE, TDI, 'C', "DEVIF.RESPONSE",
	     "the message is not in a secured session"),
	HOST(DMAR_ADD, DMA, 'C', "DMAR.ADD", "PASID 0 only"),
	HOST(DMAR_BLOCK, DMA, 'C', "DMAR.BLOCK", ""),
	HOST(DMAR_READ, DMA, 'C', "DMAR.READ", ""),
	HOST(DMAR_REMOVE, DMA, 'M', "DMAR.REMOVE",
	     "IOTLB tracking of a PASIDTE whether or not the TD can run"),
	HOST(MMIO_MT_ADD, MMIO, 'C', "MMIO.MT.ADD",
	     "levels 1 to 3, 512 entries in a page; upper levels are always there"),
	HOST(MMIO_MT_SET, MMIO, 'C', "MMIO.MT.SET", ""),
	HOST(MMIO_MT_RD, MMIO, 'C', "MMIO.MT.RD", ""),
	HOST(MMIO_MT_REMOVE, MMIO, 'C', "MMIO.MT.REMOVE", ""),
	HOST(MMIO_MAP, MMIO, 'C', "MMIO.MAP", ""),
	HOST(MMIO_BLOCK, MMIO, 'C', "MMIO.BLOCK", ""),
	HOST(MMIO_UNMAP, MMIO, 'C', "MMIO.UNMAP", ""),
	HOST(IQ_INV_REQUEST, DMA, 'C', "IQ.INV.REQUEST",
	     "one descriptor a call"),
	HOST(IQ_INV_PROCESS, DMA, 'C', "IQ.INV.PROCESS",
	     "completes all that is queued at once"),
	HOST(MEM_SHARED_SEPT_WR, MEM, 'M', "MEM.SHARED.SEPT.WR",
	     "only remembered; that the table is no page of firmware's is inferred"),
	HOST(DEVIF_MT_ADD, TDI, 'C', "DEVIF.MT.ADD", "one level, a page a bus"),
	HOST(DEVIF_MT_REMOVE, TDI, 'C', "DEVIF.MT.REMOVE", ""),
	HOST(DEVIF_MT_RD, TDI, 'C', "DEVIF.MT.RD", ""),
	SERVICE(SPDM_TPA_SET, LINK, 'C', "SPDM.TPA.SET",
		"the service TD is built in: takes the certificate chain"),
	SERVICE(SPDM_TPA_GET, LINK, 'C', "SPDM.TPA.GET",
		"the binding is the hash of the chain, no keys"),
	GUEST(DEVIF_VALIDATE, TDI, 'M', "DEVIF.VALIDATE",
	      "needs CONFIG_LOCKED or RUN and a BOUND session; the hash is of the chain alone"),
	GUEST(DEVIF_RD, TDI, 'M', "DEVIF.RD", "two fields: PKH and report"),
	GUEST(DEVIF_REQUEST, TDI, 'C', "DEVIF.REQUEST", ""),
	GUEST(DEVIF_RESPONSE, TDI, 'C', "DEVIF.RESPONSE", ""),
	GUEST(DMAR_ACCEPT, DMA, 'C', "DMAR.ACCEPT", ""),
	GUEST(MMIO_ACCEPT, MMIO, 'M', "MMIO.ACCEPT",
	      "needs CONFIG_LOCKED or RUN; a status where hardware has an EPT violation"),
	GUEST(IQ_INV_REQUEST, DMA, 'M', "IQ.INV.REQUEST",
	      "one IOTLB descriptor of the whole TD; codes as of the host's call"),
};

#define NORMAL(_name)	{ TDX_##_name, #_name, true }
#define ERROR(_name)	{ TDX_##_name, #_name, false }

/*
 * Normal is what a host that makes no mistake meets too: contention, a full queue, a
 * vCPU that is still in, a TD that became fatal by itself, an invalidation that turns
 * out not to be needed, and every status whose error bit is clear.
 */
static const struct tio_status status[] = {
	NORMAL(SUCCESS),
	ERROR(OPERAND_INVALID),
	NORMAL(OPERAND_BUSY),
	ERROR(PAGE_METADATA_INCORRECT),
	ERROR(TD_ASSOCIATED_PAGES_EXIST),
	NORMAL(TD_FATAL),
	ERROR(LIFECYCLE_STATE_INCORRECT),
	ERROR(OP_STATE_INCORRECT),
	ERROR(VCPU_NOT_ASSOCIATED),
	ERROR(TD_KEYS_NOT_CONFIGURED),
	ERROR(HKID_NOT_FREE),
	NORMAL(FLUSHVP_NOT_DONE),
	ERROR(EPT_WALK_FAILED),
	ERROR(GPA_RANGE_NOT_BLOCKED),
	ERROR(TLB_TRACKING_NOT_DONE),
	NORMAL(PAGE_ALREADY_ACCEPTED),
	ERROR(EPT_ENTRY_STATE_INCORRECT),
	NORMAL(IOMMU_IQ_QUEUE_FULL),
	ERROR(IOMMU_IOTLB_TRACKING_NOT_DONE),
	ERROR(SPDM_HAS_ACTIVE_IDE_STREAMS),
	ERROR(SPDM_INVALID_STATE),
	ERROR(DMAR_INVALID_MAPPING_STATE),
	ERROR(DMAR_INVALID_INV_STATE),
	ERROR(DEVIF_PKH_MISMATCH),
	NORMAL(DEVIF_ALREADY_VALID),
	ERROR(DEVIF_TDISP_INVALID_REQ_STS),
	ERROR(DEVIF_TDISP_INVALID_MESSAGE),
	ERROR(DEVIF_TDISP_INVALID_STATE),
	ERROR(DEVIF_INVALID_STATE),
	ERROR(DEVIF_HAS_MAPPED_MMIO),
	ERROR(DEVIF_TDISP_OUT_REQ),
	ERROR(IDE_STREAM_NOT_CONFIGURED),
	ERROR(IDE_STREAM_BLOCKED),
	ERROR(IDE_STREAM_NOT_BLOCKED),
	ERROR(IDE_STREAM_HAS_DEVICE_INTERFACES),
	ERROR(IDE_STREAM_IDEKM_OUTREQ),
	ERROR(IDEKM_KEYS_NOT_READY),
	ERROR(IDE_STREAM_INVALID_STATE),
	ERROR(MMIO_INVALID_PAGE_METADATA),
	ERROR(MMIO_ACCEPT_SIZE_MISMATCH),
	ERROR(MMIO_DEVIF_OWNER_MISMATCH),
	ERROR(DMAR_ENTRY_NOT_PRESENT),
	ERROR(TD_HAS_ATTACHED_DEVICES),
	NORMAL(IOMMU_IOTLB_TRACKING_NOT_REQUIRED),
	ERROR(IOMMU_MT_PAGE_IN_USE),
	ERROR(DEVIF_HAS_MAPPED_DMA),
	ERROR(DEVIFMT_NOT_PRESENT),
	ERROR(DEVIF_INVALID_METADATA),
	ERROR(DEVIFMT_ALREADY_PRESENT),
	ERROR(SPDM_ENTRY_ALREADY_PRESENT),
	ERROR(SPDM_ENTRY_NOT_PRESENT),
	ERROR(MMIOMT_NOT_PRESENT),
	ERROR(DEVIF_INVALID_TDI_CONFIGURATION),
	ERROR(DEVIF_TDISP_ERROR_STATE),
	ERROR(MMIO_INVALID_HPA_OFFSET),
};

static const char * const left_out[] = {
	"TD build: no measurement, no attributes, no migration, no partitioning.",
	"Secure EPT: only pages of the last level have to be given; private memory is in 4 KiB leaves, private MMIO in 4 KiB, 2 MiB and 1 GiB.",
	"TLB: a vCPU is back from VP.ENTER at once, so MEM.TRACK alone completes the tracking.",
	"SPDM: no secured session; TDISP travels in plain vendor-defined messages.",
	"IDE: keys are not on the wire, the emulated platform stands for both ends.",
	"MMIO of a TDI is not reachable by trusted DMA of another, nor is shared memory.",
	NULL
};

const struct tio_personality tdx_fw_personality = {
	.vendor = "tdx",
	.title = "Intel TDX Connect",
	.calls = calls,
	.nr_calls = ARRAY_SIZE(calls),
	.status = status,
	.nr_status = ARRAY_SIZE(status),
	.status_mask = GENMASK_ULL(63, 32),
	.left_out = left_out,
};
EXPORT_SYMBOL_GPL(tdx_fw_personality);
