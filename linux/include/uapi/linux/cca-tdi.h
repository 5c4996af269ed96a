/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Payloads of IOMMU_VDEVICE_TSM_REQ for Arm CCA: what a realm puts into a request
 * about its TDI, and what it gets back. The VMM passes them on and need not
 * understand them. All fields little-endian; out_tsm_code of the request is the
 * RSI status that the realm gets (RMI statuses where the host's part was refused:
 * see struct cca_tdi_state).
 *
 * On hardware a realm makes the RSI calls itself and each exits to the host. Here
 * the realm is a plain KVM guest that has no RSI, so they travel the same way as
 * the requests that hardware sends through the VMM (RHI).
 */
#ifndef _UAPI_LINUX_CCA_TDI_H
#define _UAPI_LINUX_CCA_TDI_H

#include <linux/types.h>

/**
 * struct cca_tdi_read - IOMMU_VDEVICE_TSM_REQ_READ_*
 * @offset: first byte wanted, in bytes
 * @reserved: zero
 *
 * The response is the bytes from @offset on, as many as fit or exist. Past the end
 * is a response of no bytes. READ_REPORT and READ_MEASUREMENTS go to the device
 * when @offset is 0 (VDEV_GET_INTERFACE_REPORT, VDEV_GET_MEASUREMENTS), which
 * changes their nonce, and serve the host's copy otherwise. A realm compares
 * digests with those of GET_INFO.
 */
struct cca_tdi_read {
	__u32 offset;
	__u32 reserved;
};

/**
 * struct cca_tdi_state - IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE, RHI SET_TDI_STATE
 * @state: RSI state wanted: 2 (STARTED). Others are refused with RSI_ERROR_STATE:
 *	   bind locks, and a realm asks its VMM to unbind.
 * @reserved: zero
 */
struct cca_tdi_state {
	__u32 state;
	__u32 reserved;
};

/**
 * struct cca_tdi_map - IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, RSI VALIDATE_MAPPING
 * @ipa: guest physical address of the first byte, 4 KiB aligned
 * @top: one past the last
 * @pa: physical address that @ipa must show, taken from the interface report
 * @flags: zero
 * @lock_nonce: of GET_INFO when the realm attested the device
 * @meas_nonce: the same
 * @report_nonce: the same
 *
 * At most 2 MiB of small pages, or one leaf of the realm's tables. No response
 * bytes.
 */
struct cca_tdi_map {
	__u64 ipa;
	__u64 top;
	__u64 pa;
	__u64 flags;
	__u64 lock_nonce;
	__u64 meas_nonce;
	__u64 report_nonce;
};

/**
 * struct cca_tdi_vendor - IOMMU_VDEVICE_TSM_REQ_VENDOR
 * @call: CCA_TDI_RSI_*, the number of the RSI call
 * @reserved: zero
 * @lock_nonce: DMA_ENABLE: of GET_INFO; zero otherwise
 * @meas_nonce: the same
 * @report_nonce: the same
 *
 * GET_INFO answers a struct cca_tdi_info, the others no bytes.
 */
struct cca_tdi_vendor {
	__u32 call;
	__u32 reserved;
	__u64 lock_nonce;
	__u64 meas_nonce;
	__u64 report_nonce;
};

#define CCA_TDI_RSI_DMA_ENABLE		0xc400019c
#define CCA_TDI_RSI_GET_INFO		0xc400019d
#define CCA_TDI_RSI_DMA_DISABLE		0xc40001a4

/**
 * struct cca_tdi_info - the answer to GET_INFO
 * @state: RSI state: 0 UNLOCKED, 1 LOCKED, 2 STARTED, 3 ERROR
 * @dma: 1: trusted DMA is enabled
 * @lock_nonce: changes with every LOCK
 * @meas_nonce: changes with every read of the measurements
 * @report_nonce: changes with every read of the report
 * @certs_digest: SHA-384 of the certificate chain
 * @report_digest: SHA-384 of the interface report
 * @meas_digest: SHA-384 of the measurements
 */
struct cca_tdi_info {
	__u32 state;
	__u32 dma;
	__u64 lock_nonce;
	__u64 meas_nonce;
	__u64 report_nonce;
	__u8 certs_digest[48];
	__u8 report_digest[48];
	__u8 meas_digest[48];
};

#endif /* _UAPI_LINUX_CCA_TDI_H */
