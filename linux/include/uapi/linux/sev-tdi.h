/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Payloads of IOMMU_VDEVICE_TSM_REQ for AMD SEV-TIO: what a guest puts into a
 * request about its TDI, and what it gets back. The VMM passes them on and need
 * not understand them. All fields little-endian; out_tsm_code of the request is
 * the status of the ASP's command.
 *
 * On hardware the messages of a guest travel encrypted between it and the ASP (the
 * TIO_GUEST_REQUEST exit). Here they are in the clear: the guest is a plain KVM
 * guest that shares no key with anybody.
 */
#ifndef _UAPI_LINUX_SEV_TDI_H
#define _UAPI_LINUX_SEV_TDI_H

#include <linux/types.h>

/**
 * struct sev_tdi_read - IOMMU_VDEVICE_TSM_REQ_READ_*
 * @offset: first byte wanted, in bytes
 * @reserved: zero
 *
 * The response is the bytes from @offset on, as many as fit or exist. Past the end
 * is a response of no bytes. What the host caches of the device; a guest compares
 * its digests with those of TDI_INFO.
 */
struct sev_tdi_read {
	__u32 offset;
	__u32 reserved;
};

/**
 * struct sev_tdi_state - IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE
 * @state: TDISP state wanted: 2 is the exit TIO_OP RUN, 0 is TIO_OP STOP. STOP
 *	   leaves the TDI bound and CONFIG_UNLOCKED; the guest asks its VMM to
 *	   unbind after it.
 * @reserved: zero
 */
struct sev_tdi_state {
	__u32 state;
	__u32 reserved;
};

/**
 * struct sev_tdi_mmio - IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO, message MMIO_VALIDATE
 * @gpa: guest physical address of the first 4 KiB page
 * @pages: number of pages, 1 to SEV_TDI_MMIO_PAGES_MAX
 * @range: index of the range in the interface report
 * @range_offset: page of that range that @gpa must show
 * @validate: 1: validate; 0: take the validation back
 * @reserved: zero
 *
 * The host assigns the pages (RMPUPDATE) if it has not yet and passes the message
 * on. The response is a struct sev_tdi_rsp.
 */
struct sev_tdi_mmio {
	__u64 gpa;
	__u32 pages;
	__u32 range;
	__u32 range_offset;
	__u8 validate;
	__u8 reserved[3];
};

#define SEV_TDI_MMIO_PAGES_MAX		512

/**
 * struct sev_tdi_msg - IOMMU_VDEVICE_TSM_REQ_VENDOR
 * @type: SEV_TDI_MSG_*
 * @reserved: zero
 * @valid: SDTE_WRITE: 1 lets the TDI's trusted DMA in, 0 shuts it out
 * @range: MMIO_CONFIG: index of the range in the interface report
 * @write: MMIO_CONFIG: 1: set @non_tee, 0: read it
 * @non_tee: MMIO_CONFIG: the range is not TEE memory
 *
 * The response is a struct sev_tdi_rsp, for TDI_INFO a struct sev_tdi_info.
 */
struct sev_tdi_msg {
	__u32 type;
	__u32 reserved;
	__u32 valid;
	__u32 range;
	__u32 write;
	__u32 non_tee;
};

#define SEV_TDI_MSG_TDI_INFO		0x81
#define SEV_TDI_MSG_MMIO_VALIDATE	0x82	/* by VALIDATE_MMIO only */
#define SEV_TDI_MSG_MMIO_CONFIG		0x83
#define SEV_TDI_MSG_SDTE_WRITE		0x84

/**
 * struct sev_tdi_rsp - what the ASP answers to a message
 * @type: of the message, bit 7 clear
 * @status: of the message: SEV_TDI_MMIO_*, SEV_TDI_SDTE_*, SEV_TDI_CONFIG_*
 * @changed: MMIO_VALIDATE: 1 if any page changed
 * @value: MMIO_CONFIG: the range is not TEE memory
 */
struct sev_tdi_rsp {
	__u16 type;
	__u16 status;
	__u16 changed;
	__u16 value;
};

#define SEV_TDI_MMIO_SUCCESS		0
#define SEV_TDI_MMIO_INVALID_TDI	1
#define SEV_TDI_MMIO_TDI_UNBOUND	2
#define SEV_TDI_MMIO_NOT_ASSIGNED	3
#define SEV_TDI_MMIO_NOT_IO		4
#define SEV_TDI_MMIO_NOT_UNIFORM	5
#define SEV_TDI_MMIO_NOT_IMMUTABLE	6
#define SEV_TDI_MMIO_NOT_MAPPED		7
#define SEV_TDI_MMIO_NOT_REPORTED	8
#define SEV_TDI_MMIO_OUT_OF_RANGE	9
#define SEV_TDI_MMIO_NOT_4K		10

#define SEV_TDI_SDTE_SUCCESS		0
#define SEV_TDI_SDTE_INVALID_TDI	1
#define SEV_TDI_SDTE_NOT_BOUND		2
#define SEV_TDI_SDTE_RESERVED		3

#define SEV_TDI_CONFIG_SUCCESS		0
#define SEV_TDI_CONFIG_INVALID_TDI	1
#define SEV_TDI_CONFIG_UNBOUND		2
#define SEV_TDI_CONFIG_NOT_REPORTED	3
#define SEV_TDI_CONFIG_COULD_NOT_CHANGE	4

#define SEV_TDI_INFO_BOUND		0
#define SEV_TDI_INFO_INVALID		1
#define SEV_TDI_INFO_UNBOUND		2

/**
 * struct sev_tdi_info - the answer to TDI_INFO
 * @type: 0x01
 * @status: SEV_TDI_INFO_*
 * @tdisp_state: the TDI's TDISP state as the ASP knows it
 * @bind_counter: how often this TDI has been bound to this guest
 * @certs_digest: SHA-384 of the certificate chain
 * @report_digest: SHA-384 of the interface report
 *
 * The digests are what the ASP itself has seen of the device: the bytes that the
 * host serves count only if they hash to them.
 */
struct sev_tdi_info {
	__u16 type;
	__u16 status;
	__u32 tdisp_state;
	__u64 bind_counter;
	__u8 certs_digest[48];
	__u8 report_digest[48];
};

#endif /* _UAPI_LINUX_SEV_TDI_H */
