/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Payloads of IOMMU_VDEVICE_TSM_REQ for Intel TDX Connect: what a TD puts into
 * a request about its TDI, and what it gets back. The VMM passes them on and
 * need not understand them. All fields little-endian; out_tsm_code of the
 * request is the 64-bit completion status of the TDX module.
 *
 * On hardware a TD makes the TDG.* calls itself, with TDCALL. Here the TD is a
 * plain KVM guest that has no TDCALL, so they travel the same way as the
 * requests that hardware sends through the VMM.
 */
#ifndef _UAPI_LINUX_TDX_TDI_H
#define _UAPI_LINUX_TDX_TDI_H

#include <linux/types.h>

#define TDX_TDI_PKH_SIZE		48

/**
 * struct tdx_tdi_read - IOMMU_VDEVICE_TSM_REQ_READ_*
 * @offset: first byte wanted, in bytes
 * @reserved: zero
 *
 * The response is the bytes from @offset on, as many as fit or exist. Past the
 * end is a response of no bytes. READ_REPORT goes to the device (TDG.DEVIF.REQUEST
 * and RESPONSE) when @offset is 0 and serves the copy otherwise.
 */
struct tdx_tdi_read {
	__u32 offset;
	__u32 reserved;
};

/**
 * struct tdx_tdi_mmio - IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, TDG.MMIO.ACCEPT
 * @gpa: guest physical address of one leaf, aligned to its size
 * @report_page: the page number that the interface report gives for its first page
 * @level: of the leaf: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB
 * @reserved: zero
 *
 * The host maps the leaf (TDH.MMIO.MAP) if it has not yet, at @level or, if the
 * slot or the report do not allow it, lower; then the accept compares what is
 * behind @gpa with @report_page, and answers MMIO_ACCEPT_SIZE_MISMATCH if the
 * leaf is not of @level. No response bytes.
 */
struct tdx_tdi_mmio {
	__u64 gpa;
	__u64 report_page;
	__u32 level;
	__u32 reserved;
};

/**
 * struct tdx_tdi_state - IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE
 * @state: TDISP state wanted: 2 (RUN) is TDG.DEVIF.REQUEST START. Others are
 *	   refused with DEVIF_TDISP_INVALID_MESSAGE: a TD asks its VMM to unbind.
 * @reserved: zero
 */
struct tdx_tdi_state {
	__u32 state;
	__u32 reserved;
};

/**
 * struct tdx_tdi_vendor - IOMMU_VDEVICE_TSM_REQ_VENDOR
 * @leaf: TDX_TDI_LEAF_*, the TDCALL leaf number
 * @reserved: zero
 * @pkh: DEVIF_VALIDATE: SHA-384 of the device's certificate chain, as
 *	 READ_CERTS returns it; zero for other leaves
 */
struct tdx_tdi_vendor {
	__u32 leaf;
	__u32 reserved;
	__u8 pkh[TDX_TDI_PKH_SIZE];
};

#define TDX_TDI_LEAF_DEVIF_VALIDATE	66
#define TDX_TDI_LEAF_DMAR_ACCEPT	70

#endif /* _UAPI_LINUX_TDX_TDI_H */
