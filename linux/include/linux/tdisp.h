/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TDISP 1.0 messages (PCIe r7.0 section 11) and the SPDM vendor-defined
 * envelope (DSP0274) that carries them. All multi-byte fields little-endian.
 */
#ifndef __LINUX_TDISP_H
#define __LINUX_TDISP_H

#include <linux/build_bug.h>
#include <linux/types.h>

#define TDISP_VERSION_1_0		0x10

/* request codes; the response is the request with bit 7 clear */
#define TDISP_GET_VERSION		0x81
#define TDISP_GET_CAPABILITIES		0x82
#define TDISP_LOCK_INTERFACE		0x83
#define TDISP_GET_REPORT		0x84
#define TDISP_GET_STATE			0x85
#define TDISP_START_INTERFACE		0x86
#define TDISP_STOP_INTERFACE		0x87
#define TDISP_RESPONSE(req)		((req) & 0x7f)
#define TDISP_ERROR			0x7f

enum tdisp_state {
	TDISP_CONFIG_UNLOCKED	= 0,
	TDISP_CONFIG_LOCKED	= 1,
	TDISP_RUN		= 2,
	TDISP_STATE_ERROR	= 3,
};

/* TDISP_ERROR codes */
#define TDISP_ERR_INVALID_REQUEST	0x0001
#define TDISP_ERR_BUSY			0x0003
#define TDISP_ERR_INVALID_STATE		0x0004
#define TDISP_ERR_UNSPECIFIED		0x0005
#define TDISP_ERR_UNSUPPORTED		0x0007
#define TDISP_ERR_VERSION_MISMATCH	0x0041
#define TDISP_ERR_INVALID_INTERFACE	0x0101
#define TDISP_ERR_INVALID_NONCE		0x0102
#define TDISP_ERR_ENTROPY		0x0103
#define TDISP_ERR_CONFIGURATION		0x0104

#define TDISP_NONCE_SIZE		32

/* LOCK_INTERFACE flags */
#define TDISP_LOCK_NO_FW_UPDATE		0x0001
#define TDISP_LOCK_MSIX			0x0004

struct tdisp_hdr {
	u8 version;
	u8 type;
	__le16 reserved;
	__le32 function_id;		/* 15:0 RID, 23:16 segment, 24 segment valid */
	__le64 reserved2;
} __packed;
static_assert(sizeof(struct tdisp_hdr) == 16);

struct tdisp_lock_req {
	struct tdisp_hdr hdr;
	__le16 flags;
	u8 stream_id;
	u8 reserved;
	__le64 mmio_reporting_offset;	/* added to every physical address reported */
	__le64 p2p_mask;
} __packed;
static_assert(sizeof(struct tdisp_lock_req) == 36);

struct tdisp_lock_rsp {
	struct tdisp_hdr hdr;
	u8 nonce[TDISP_NONCE_SIZE];
} __packed;
static_assert(sizeof(struct tdisp_lock_rsp) == 48);

struct tdisp_report_req {
	struct tdisp_hdr hdr;
	__le16 offset;
	__le16 length;
} __packed;
static_assert(sizeof(struct tdisp_report_req) == 20);

struct tdisp_report_rsp {
	struct tdisp_hdr hdr;
	__le16 portion;
	__le16 remainder;
	u8 bytes[];
} __packed;
static_assert(sizeof(struct tdisp_report_rsp) == 20);

struct tdisp_state_rsp {
	struct tdisp_hdr hdr;
	u8 state;
} __packed;
static_assert(sizeof(struct tdisp_state_rsp) == 17);

struct tdisp_start_req {
	struct tdisp_hdr hdr;
	u8 nonce[TDISP_NONCE_SIZE];
} __packed;
static_assert(sizeof(struct tdisp_start_req) == 48);

struct tdisp_error_rsp {
	struct tdisp_hdr hdr;
	__le32 code;
	__le32 data;
} __packed;
static_assert(sizeof(struct tdisp_error_rsp) == 24);

/* device interface report */
#define TDISP_REPORT_NO_FW_UPDATE	0x0001
#define TDISP_REPORT_DMA_NO_PASID	0x0002
#define TDISP_REPORT_DMA_PASID		0x0004
#define TDISP_REPORT_ATS		0x0008
#define TDISP_REPORT_PRS		0x0010

#define TDISP_RANGE_MSIX_TABLE		0x0001
#define TDISP_RANGE_MSIX_PBA		0x0002
#define TDISP_RANGE_NON_TEE		0x0004
#define TDISP_RANGE_ATTR_UPDATABLE	0x0008

/*
 * first_page is (physical address + MMIO reporting offset) >> 12: the offset is
 * an address, decided once (protocols 2.5) and tested at both ends.
 */
struct tdisp_mmio_range {
	__le64 first_page;
	__le32 pages;
	__le16 attributes;
	__le16 range_id;		/* the BAR index */
} __packed;
static_assert(sizeof(struct tdisp_mmio_range) == 16);

struct tdisp_report {
	__le16 interface_info;
	__le16 reserved;
	__le16 msix_control;
	__le16 lnr_control;
	__le32 tph_control;
	__le32 nr_ranges;
	struct tdisp_mmio_range range[];	/* then le32 length, device bytes */
} __packed;
static_assert(sizeof(struct tdisp_report) == 16);

/* SPDM, as much of it as a plain (not yet secured) exchange needs */
#define SPDM_VERSION_1_2		0x12
#define SPDM_GET_CERTIFICATE		0x82
#define SPDM_CERTIFICATE		0x02
#define SPDM_VENDOR_DEFINED_REQ		0xfe
#define SPDM_VENDOR_DEFINED_RSP		0x7e
#define SPDM_ERROR			0x7f
#define  SPDM_ERR_INVALID_REQUEST	0x01
#define  SPDM_ERR_UNSPECIFIED		0x05
#define  SPDM_ERR_UNSUPPORTED		0x07
#define SPDM_STANDARD_PCI_SIG		3

struct spdm_hdr {
	u8 version;
	u8 code;
	u8 param1;
	u8 param2;
} __packed;
static_assert(sizeof(struct spdm_hdr) == 4);

#define SPDM_PROTOCOL_IDE_KM		0
#define SPDM_PROTOCOL_TDISP		1

struct spdm_vendor_hdr {
	struct spdm_hdr spdm;
	__le16 standard_id;		/* SPDM_STANDARD_PCI_SIG */
	u8 vendor_id_len;		/* 2 */
	__le16 vendor_id;		/* 0x0001 */
	__le16 payload_len;		/* includes the protocol byte */
	u8 protocol;
	u8 payload[];
} __packed;
static_assert(sizeof(struct spdm_vendor_hdr) == 12);

struct spdm_get_certificate {
	struct spdm_hdr hdr;
	__le16 offset;
	__le16 length;
} __packed;

struct spdm_certificate {
	struct spdm_hdr hdr;
	__le16 portion;
	__le16 remainder;
	u8 bytes[];
} __packed;

#endif /* __LINUX_TDISP_H */
