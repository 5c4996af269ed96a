/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware model of Intel TDX Connect: what a host kernel may call, and the
 * 64-bit completion status that it gets. tdh_*() are SEAMCALLs of the host,
 * tdg_*() are TDCALLs of the TD @td. Every call checks what the TDX module
 * checks, in the same order, and a refused call changes nothing.
 *
 * Names. The model knows numbers only:
 *  td		physical address of the TD's root page (TDR)
 *  devif	TDX_DEVIF_ID(iommu, stream, rid)
 *  iommu	0 .. TDX_FW_NR_IOMMUS - 1; an emulated root complex has number 0
 *  gpa, hpa	addresses, bytes, aligned to the page or to the leaf
 *  level	of a leaf: 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB; TDX_LEAF_SIZE()
 *  page	physical address of a 4 KiB page that the caller gives to firmware.
 *		It belongs to firmware until the call that is named as its return
 *		(PAMT types below): giving a page that is owned already is
 *		PAGE_METADATA_INCORRECT, one that is not aligned OPERAND_INVALID.
 *
 * Context: calls take one spinlock (leaf, irqs off). Marked [sleeps]: allocates
 * or drives the root complex, so process context without spinlocks. All others
 * may be called in any context, under KVM's mmu_lock too, and cannot run out of
 * memory. A [sleeps] call that finds no memory answers OPERAND_BUSY.
 *
 * What is simpler than the module: TD build calls have no measurement and no
 * attributes; of the pages of the secure EPT only the last level has to be given,
 * of the DEVIFMT too, and of the MMIOMT the levels 1 to 3; private memory is in
 * 4 KiB leaves, private MMIO in leaves of any level; a vCPU is back from VP.ENTER at
 * once, so MEM.TRACK alone completes TLB tracking; TDISP travels in plain SPDM
 * vendor-defined messages; IDE_KM messages are not on the wire, struct
 * teemu_platform stands for both ends. The list is in tdx_fw_personality.
 */
#ifndef __LINUX_TDX_FW_H
#define __LINUX_TDX_FW_H

#include <linux/bits.h>
#include <linux/tdisp.h>
#include <linux/tio-fw.h>
#include <linux/types.h>

struct seq_file;
struct tdx_fw;
struct teemu_platform;

#define TDX_FW_NR_IOMMUS		4
#define TDX_FW_NR_HKIDS			64
#define TDX_FW_MIN_TDCS			4	/* TDCS pages that MNG.INIT needs */
#define TDX_FW_IQ_LEN			16	/* invalidation queue, per IOMMU */
#define TDX_FW_REPORT_MAX		4096
#define TDX_FW_MSG_MAX			TIO_MSG_MAX
#define TDX_FW_PKH_SIZE			48	/* SHA-384 */

/* leaves of the secure EPT, and entries of the MMIOMT */
#define TDX_LEVEL_4K			0
#define TDX_LEVEL_2M			1
#define TDX_LEVEL_1G			2
#define TDX_NR_LEVELS			3
#define TDX_LEAF_SIZE(level)		(0x1000ULL << (9 * (level)))

#define TDX_DEVIF_ID(iommu, stream, rid) \
	(((u64)(iommu) << 24) | ((u64)(stream) << 16) | (u16)(rid))
#define TDX_DEVIF_RID(devif)		((u16)(devif))
#define TDX_DEVIF_STREAM(devif)		((u8)((devif) >> 16))
#define TDX_DEVIF_IOMMU(devif)		((u8)((devif) >> 24))

/* host leaves; a number names one leaf, no guest leaf below has the same */
#define TDH_VP_ENTER			0
#define TDH_MNG_ADDCX			1
#define TDH_MEM_PAGE_ADD		2
#define TDH_MEM_SEPT_ADD		3
#define TDH_MEM_RANGE_BLOCK		7
#define TDH_MNG_KEY_CONFIG		8
#define TDH_MNG_CREATE			9
#define TDH_VP_CREATE			10
#define TDH_MR_FINALIZE			17
#define TDH_VP_FLUSH			18
#define TDH_MNG_VPFLUSHDONE		19
#define TDH_MNG_KEY_FREEID		20
#define TDH_MNG_INIT			21
#define TDH_MEM_SEPT_RD			25
#define TDH_PHYMEM_PAGE_RECLAIM		28
#define TDH_MEM_PAGE_REMOVE		29
#define TDH_MEM_SEPT_REMOVE		30
#define TDH_MEM_TRACK			38
#define TDH_IOMMU_SETREG		128
#define TDH_IOMMU_GETREG		129
#define TDH_SPDM_CREATE			130
#define TDH_SPDM_DELETE			131
#define TDH_IDE_STREAM_CREATE		132
#define TDH_IDE_STREAM_BLOCK		133
#define TDH_IDE_STREAM_DELETE		134
#define TDH_IDE_STREAM_IDEKMREQ		135
#define TDH_IDE_STREAM_IDEKMRSP		136
#define TDH_DEVIF_CREATE		137
#define TDH_DEVIF_REMOVE		138
#define TDH_DEVIF_REQUEST		139
#define TDH_DEVIF_RESPONSE		140
#define TDH_DMAR_ADD			150
#define TDH_DMAR_BLOCK			151
#define TDH_DMAR_READ			152
#define TDH_DMAR_REMOVE			153
#define TDH_MMIO_MT_ADD			154
#define TDH_MMIO_MT_SET			155
#define TDH_MMIO_MT_RD			156
#define TDH_MMIO_MT_REMOVE		157
#define TDH_MMIO_MAP			158
#define TDH_MMIO_BLOCK			159
#define TDH_MMIO_UNMAP			160
#define TDH_IQ_INV_REQUEST		161
#define TDH_IQ_INV_PROCESS		162
#define TDH_MEM_SHARED_SEPT_WR		163
#define TDH_DEVIF_MT_ADD		164
#define TDH_DEVIF_MT_REMOVE		165
#define TDH_DEVIF_MT_RD			166

/* guest leaves */
#define TDG_SPDM_TPA_SET		64
#define TDG_SPDM_TPA_GET		65
#define TDG_DEVIF_VALIDATE		66
#define TDG_DEVIF_RD			67
#define TDG_DEVIF_REQUEST		68
#define TDG_DEVIF_RESPONSE		69
#define TDG_DMAR_ACCEPT			70
#define TDG_MMIO_ACCEPT			71
#define TDG_IQ_INV_REQUEST		72

/*
 * Completion status. The class is in the high half; the low half names the
 * operand at fault: its position in the C call below, counted from 1 after @fw,
 * or 0 when no single operand is at fault. DEVIF_TDISP_INVALID_MESSAGE of a
 * RESPONSE carries the code of the device's TDISP_ERROR instead, if it was one.
 * Compare classes with TDX_CLASS().
 */
#define TDX_CLASS(status)		((u64)(status) & GENMASK_ULL(63, 32))
#define TDX_OPERAND(status)		((u32)(status))
#define TDX_IS_ERROR(status)		(!!((u64)(status) & BIT_ULL(63)))
#define __TDX_STATUS(code)		((u64)(code) << 32)

#define TDX_SUCCESS				0ULL
#define TDX_OPERAND_INVALID			__TDX_STATUS(0xC0000100)
#define TDX_OPERAND_BUSY			__TDX_STATUS(0x80000200)
#define TDX_PAGE_METADATA_INCORRECT		__TDX_STATUS(0xC0000300)
#define TDX_TD_ASSOCIATED_PAGES_EXIST		__TDX_STATUS(0xC0000400)
#define TDX_TD_FATAL				__TDX_STATUS(0xE0000604)
#define TDX_LIFECYCLE_STATE_INCORRECT		__TDX_STATUS(0xC0000607)
#define TDX_OP_STATE_INCORRECT			__TDX_STATUS(0xC0000608)
#define TDX_VCPU_NOT_ASSOCIATED			__TDX_STATUS(0x80000702)
#define TDX_TD_KEYS_NOT_CONFIGURED		__TDX_STATUS(0x80000810)
#define TDX_HKID_NOT_FREE			__TDX_STATUS(0xC0000820)
#define TDX_FLUSHVP_NOT_DONE			__TDX_STATUS(0x80000824)
#define TDX_EPT_WALK_FAILED			__TDX_STATUS(0xC0000B00)
#define TDX_GPA_RANGE_NOT_BLOCKED		__TDX_STATUS(0xC0000B06)
#define TDX_TLB_TRACKING_NOT_DONE		__TDX_STATUS(0xC0000B08)
#define TDX_PAGE_ALREADY_ACCEPTED		__TDX_STATUS(0x00000B0A)
#define TDX_EPT_ENTRY_STATE_INCORRECT		__TDX_STATUS(0xC0000B0D)
#define TDX_IOMMU_IQ_QUEUE_FULL			__TDX_STATUS(0xC0000F01)
#define TDX_IOMMU_IOTLB_TRACKING_NOT_DONE	__TDX_STATUS(0xC0000F03)
#define TDX_SPDM_HAS_ACTIVE_IDE_STREAMS		__TDX_STATUS(0xC0000F05)
#define TDX_SPDM_INVALID_STATE			__TDX_STATUS(0xC0000F06)
#define TDX_DMAR_INVALID_MAPPING_STATE		__TDX_STATUS(0xC0000F07)
#define TDX_DMAR_INVALID_INV_STATE		__TDX_STATUS(0xC0000F08)
#define TDX_DEVIF_PKH_MISMATCH			__TDX_STATUS(0xC0000F0B)
#define TDX_DEVIF_ALREADY_VALID			__TDX_STATUS(0x00000F0D)
#define TDX_DEVIF_TDISP_INVALID_REQ_STS		__TDX_STATUS(0xC0000F0E)
#define TDX_DEVIF_TDISP_INVALID_MESSAGE		__TDX_STATUS(0xC0000F0F)
#define TDX_DEVIF_TDISP_INVALID_STATE		__TDX_STATUS(0xC0000F10)
#define TDX_DEVIF_INVALID_STATE			__TDX_STATUS(0xC0000F11)
#define TDX_DEVIF_HAS_MAPPED_MMIO		__TDX_STATUS(0xC0000F13)
#define TDX_DEVIF_TDISP_OUT_REQ			__TDX_STATUS(0xC0000F14)
#define TDX_IDE_STREAM_NOT_CONFIGURED		__TDX_STATUS(0xC0000F18)
#define TDX_IDE_STREAM_BLOCKED			__TDX_STATUS(0xC0000F19)
#define TDX_IDE_STREAM_NOT_BLOCKED		__TDX_STATUS(0xC0000F1A)
#define TDX_IDE_STREAM_HAS_DEVICE_INTERFACES	__TDX_STATUS(0xC0000F1F)
#define TDX_IDE_STREAM_IDEKM_OUTREQ		__TDX_STATUS(0xC0000F20)
#define TDX_IDEKM_KEYS_NOT_READY		__TDX_STATUS(0xC0000F21)
#define TDX_IDE_STREAM_INVALID_STATE		__TDX_STATUS(0xC0000F24)
#define TDX_MMIO_INVALID_PAGE_METADATA		__TDX_STATUS(0xC0000F25)
#define TDX_MMIO_ACCEPT_SIZE_MISMATCH		__TDX_STATUS(0xC0000F26)
#define TDX_MMIO_DEVIF_OWNER_MISMATCH		__TDX_STATUS(0xC0000F27)
#define TDX_DMAR_ENTRY_NOT_PRESENT		__TDX_STATUS(0xC0000F39)
#define TDX_TD_HAS_ATTACHED_DEVICES		__TDX_STATUS(0xC0000F3A)
#define TDX_IOMMU_IOTLB_TRACKING_NOT_REQUIRED	__TDX_STATUS(0xC0000F3B)
#define TDX_IOMMU_MT_PAGE_IN_USE		__TDX_STATUS(0xC0000F3D)
#define TDX_DEVIF_HAS_MAPPED_DMA		__TDX_STATUS(0xC0000F3F)
#define TDX_DEVIFMT_NOT_PRESENT			__TDX_STATUS(0xC0000F40)
#define TDX_DEVIF_INVALID_METADATA		__TDX_STATUS(0xC0000F41)
#define TDX_DEVIFMT_ALREADY_PRESENT		__TDX_STATUS(0xC0000F42)
#define TDX_SPDM_ENTRY_ALREADY_PRESENT		__TDX_STATUS(0xC0000F43)
#define TDX_SPDM_ENTRY_NOT_PRESENT		__TDX_STATUS(0xC0000F44)
#define TDX_MMIOMT_NOT_PRESENT			__TDX_STATUS(0xC0000F47)
#define TDX_DEVIF_INVALID_TDI_CONFIGURATION	__TDX_STATUS(0xC0000F49)
#define TDX_DEVIF_TDISP_ERROR_STATE		__TDX_STATUS(0xC0000F4A)
#define TDX_MMIO_INVALID_HPA_OFFSET		__TDX_STATUS(0xC0000F4D)

/* life of the model; [sleeps] */
struct tdx_fw *tdx_fw_create(void);
void tdx_fw_destroy(struct tdx_fw *fw);
void tdx_fw_set_platform(struct tdx_fw *fw,
			 const struct teemu_platform *platform, void *priv);

/* its tables, with counters in tdx_fw_referee(); see tio-fw.h */
extern const struct tio_personality tdx_fw_personality;
struct tio_referee *tdx_fw_referee(struct tdx_fw *fw);

/*
 * Registers of an IOMMU. It is CONFIGURED when the model is powered on. CLEAR takes
 * it down to INIT, where it has no root table and no queue: DMAR.ADD, SPDM.CREATE
 * and IQ.INV.REQUEST are OP_STATE_INCORRECT. RTPAGE and IQPAGE then give it a page
 * each and CONFIG makes it CONFIGURED; the pages return with CLEAR.
 */
enum tdx_iommu_reg {
	TDX_IOMMU_STATE,		/* read only: enum tdx_iommu_state */
	TDX_IOMMU_RTPAGE,		/* root of the trusted DMA tables */
	TDX_IOMMU_IQPAGE,		/* trusted invalidation queue */
	TDX_IOMMU_CONFIG,		/* write 0: translation and queue on */
	TDX_IOMMU_CLEAR,		/* write 0: both off */
};

enum tdx_iommu_state {
	TDX_IOMMU_INIT,
	TDX_IOMMU_CONFIGURED,
};

u64 tdh_iommu_setreg(struct tdx_fw *fw, u8 iommu, enum tdx_iommu_reg reg,
		     u64 value);
u64 tdh_iommu_getreg(struct tdx_fw *fw, u8 iommu, enum tdx_iommu_reg reg,
		     u64 *value);

/*
 * TD. Build: create -> key_config -> TDX_FW_MIN_TDCS times addcx -> init
 * (INITIALIZED) -> finalize (RUNNABLE; TDG calls and DMA need it).
 * End: vp_flush each vCPU -> vpflushdone -> key_freeid -> reclaim each page but
 * the TDR, then the TDR.
 */
u64 tdh_mng_create(struct tdx_fw *fw, u64 td, u16 hkid);	/* [sleeps] */
u64 tdh_mng_key_config(struct tdx_fw *fw, u64 td);
u64 tdh_mng_addcx(struct tdx_fw *fw, u64 td, u64 page);		/* [sleeps] */
u64 tdh_mng_init(struct tdx_fw *fw, u64 td);
u64 tdh_mr_finalize(struct tdx_fw *fw, u64 td);
u64 tdh_vp_create(struct tdx_fw *fw, u64 td, u64 vp);		/* [sleeps] */
u64 tdh_vp_enter(struct tdx_fw *fw, u64 vp);
u64 tdh_vp_flush(struct tdx_fw *fw, u64 vp);
u64 tdh_mng_vpflushdone(struct tdx_fw *fw, u64 td);
u64 tdh_mng_key_freeid(struct tdx_fw *fw, u64 td);
u64 tdh_phymem_page_reclaim(struct tdx_fw *fw, u64 page);	/* [sleeps] */

/*
 * Secure EPT. One S-EPT page serves the 2 MiB at gpa (aligned to 2 MiB) and must
 * be there before a 4 KiB leaf is added or mapped in them (else EPT_WALK_FAILED). A
 * larger leaf wants that none serves any part of it, and S-EPT pages and larger
 * leaves keep each other out (EPT_ENTRY_STATE_INCORRECT).
 */
#define TDX_SEPT_SPAN			0x200000ULL

enum tdx_sept_state {
	TDX_SEPT_FREE		= 0,
	TDX_SEPT_MAPPED		= 1,	/* private memory, DMA reaches it */
	TDX_SEPT_BLOCKED	= 2,
	TDX_SEPT_MMIO_MAPPED	= 32,
	TDX_SEPT_MMIO_BLOCKED	= 33,
	TDX_SEPT_MMIO_PENDING	= 34,
};

struct tdx_sept_entry {
	enum tdx_sept_state state;
	unsigned int level;		/* of the leaf that the address is in */
	u64 hpa;			/* of the address; 0 when FREE */
};

u64 tdh_mem_sept_add(struct tdx_fw *fw, u64 td, u64 gpa, u64 page);	/* [sleeps] */
/* all entries FREE; gives *page back */
u64 tdh_mem_sept_remove(struct tdx_fw *fw, u64 td, u64 gpa, u64 *page);	/* [sleeps] */
u64 tdh_mem_sept_rd(struct tdx_fw *fw, u64 td, u64 gpa,
		    struct tdx_sept_entry *entry);
/*
 * FREE -> MAPPED at once: simplified, there is no measured and no augmented kind.
 * A page may leave: range_block -> mem_track -> iq_inv (TDX_INV_IOTLB, only while
 * the TD has PASIDTEs) -> page_remove. All four may run under mmu_lock; DMA is
 * shut out when range_block returns.
 */
u64 tdh_mem_page_add(struct tdx_fw *fw, u64 td, u64 gpa, u64 hpa);
u64 tdh_mem_range_block(struct tdx_fw *fw, u64 td, u64 gpa);
u64 tdh_mem_track(struct tdx_fw *fw, u64 td);
u64 tdh_mem_page_remove(struct tdx_fw *fw, u64 td, u64 gpa, u64 *hpa);
/*
 * The half of the address space that is shared with the host, for trusted DMA: root
 * entries of 512 GiB, each points to a table of the host's own EPT, or 0. It is
 * remembered and no more: trusted DMA of the model reaches private memory only.
 */
#define TDX_GPA_SHARED			BIT_ULL(47)
#define TDX_SHARED_SPAN			BIT_ULL(39)

u64 tdh_mem_shared_sept_wr(struct tdx_fw *fw, u64 td, u64 gpa, u64 table);

/* SPDM session object; page returns with tdh_spdm_delete() */
u64 tdh_spdm_create(struct tdx_fw *fw, u8 iommu, u16 index, u64 page);	/* [sleeps] */
u64 tdh_spdm_delete(struct tdx_fw *fw, u8 iommu, u16 index);		/* [sleeps] */
/*
 * NOT_BOUND -> BOUND. The service TD (TPA) that would do this is built in: the
 * caller hands over the @len bytes of the device's certificate chain that it
 * read; their SHA-384 is the PKH that a TD must know. [sleeps]
 */
u64 tdg_spdm_tpa_set(struct tdx_fw *fw, u8 iommu, u16 index, const u8 *chain,
		     size_t len);
/* BOUND -> NOT_BOUND, what was bound in @pkh: the TPA takes the session back */
u64 tdg_spdm_tpa_get(struct tdx_fw *fw, u8 iommu, u16 index,
		     u8 pkh[TDX_FW_PKH_SIZE]);

/*
 * Selective IDE stream: create -> KEY_PROG req, rsp -> K_SET_GO req, rsp (the
 * root complex has its keys, the stream reads Secure) -> ... K_SET_STOP req, rsp
 * (0 devifs) -> block -> delete.
 */
struct tdx_ide_assoc {
	u16 rid_base;			/* requesters of the stream, inclusive */
	u16 rid_limit;
	u64 mem_base;			/* addresses routed to it, inclusive; */
	u64 mem_limit;			/* mem_base > mem_limit: none */
};

enum tdx_idekm_op {
	TDX_IDEKM_KEY_PROG	= 0,
	TDX_IDEKM_K_SET_GO	= 1,
	TDX_IDEKM_K_SET_STOP	= 2,
};

u64 tdh_ide_stream_create(struct tdx_fw *fw, u8 iommu, u8 stream, u16 spdm,
			  const struct tdx_ide_assoc *assoc);	/* [sleeps] */
u64 tdh_ide_stream_idekmreq(struct tdx_fw *fw, u8 iommu, u8 stream,
			    enum tdx_idekm_op op);
u64 tdh_ide_stream_idekmrsp(struct tdx_fw *fw, u8 iommu, u8 stream);	/* [sleeps] */
/* the escape: DEVIF.REMOVE and MMIO.UNMAP no longer ask for a STOP */
u64 tdh_ide_stream_block(struct tdx_fw *fw, u8 iommu, u8 stream);	/* [sleeps] */
u64 tdh_ide_stream_delete(struct tdx_fw *fw, u8 iommu, u8 stream);	/* [sleeps] */

/*
 * Lookup tree of device interfaces. One page serves one bus of one IOMMU:
 * index = rid >> 8. remove and rd: DEVIFMT_NOT_PRESENT if there is none.
 */
u64 tdh_devif_mt_add(struct tdx_fw *fw, u8 iommu, u8 index, u64 page);	/* [sleeps] */
u64 tdh_devif_mt_remove(struct tdx_fw *fw, u8 iommu, u8 index,
			u64 *page);				/* [sleeps] */
u64 tdh_devif_mt_rd(struct tdx_fw *fw, u8 iommu, u8 index, u32 *devifs);

/*
 * Device interface. The three pages return with tdh_devif_remove() (after it the
 * caller owns them again, as after delete of any object here).
 */
struct tdx_devif_pages {
	u64 root;
	u64 td_msg;
	u64 vmm_msg;
};

u64 tdh_devif_create(struct tdx_fw *fw, u64 devif, u64 td,
		     const struct tdx_devif_pages *pages);	/* [sleeps] */
u64 tdh_devif_remove(struct tdx_fw *fw, u64 devif);		/* [sleeps] */

/*
 * One TDISP round: request() writes the SPDM message for the DOE mailbox to @msg
 * (TDX_FW_MSG_MAX bytes) and its length to @len; response() takes the raw answer
 * (up to 3 bytes of DOE padding allowed).
 *
 * @td false: the VMM's own request: LOCK, STATE, STOP. DEVIF_TDISP_OUT_REQ while
 * one is outstanding; response() ends the request whatever it answers, so an
 * answer that never came is told with @len 0 (DEVIF_TDISP_INVALID_MESSAGE). Only a
 * fault switch's refusal leaves it outstanding.
 * LOCKED (LOCK), UNLOCKED (STOP) and an ERROR that STATE tells are applied by
 * response(); any other answer to STATE only shows in tdx_fw_tdisp_told().
 *
 * @td true: forwards the TD's request (@req is NULL); OUT_REQ if that is done
 * already, INVALID_REQ_STS if the TD has none. After response() the TD finds it
 * PROCESSED, failed or not, and tdg_devif_response() applies it.
 *
 * DEVIF_TDISP_INVALID_MESSAGE from request(): the message is not the caller's to
 * send. In TDISP ERROR only STATE and STOP pass, else DEVIF_TDISP_ERROR_STATE.
 */
struct tdx_devif_req {
	u8 type;			/* TDISP_LOCK_INTERFACE, ... */
	u16 lock_flags;			/* TDISP_LOCK_* */
	u64 reporting_offset;		/* LOCK: page aligned, added modulo 2^64 */
};

u64 tdh_devif_request(struct tdx_fw *fw, u64 devif, bool td,
		      const struct tdx_devif_req *req, u8 *msg, size_t *len);
u64 tdh_devif_response(struct tdx_fw *fw, u64 devif, bool td, const u8 *msg,
		       size_t len);

/*
 * Trusted DMA tables of one IOMMU. An entry is named by level and @id:
 *  RTE		id = rid, only its bus counts: shared by all functions of a bus
 *  CTE, PDE	id = rid
 *  PASIDTE	id = devif (PASID 0); gives its TD's S-EPT to the function
 * @page: the table below it, for RTE, CTE and PDE; 0 for PASIDTE. It returns with
 * remove(). Parents first: DMAR_ENTRY_NOT_PRESENT if the parent is not PRESENT;
 * a taken entry is DMAR_INVALID_MAPPING_STATE. rd() of a free one says FREE.
 */
enum tdx_dmar_level {
	TDX_DMAR_RTE,
	TDX_DMAR_CTE,
	TDX_DMAR_PDE,
	TDX_DMAR_PASIDTE,
};

enum tdx_dmar_state {
	TDX_DMAR_FREE		= 0,
	TDX_DMAR_PENDING	= 1,
	TDX_DMAR_BLOCKED	= 2,
	TDX_DMAR_PRESENT	= 3,
};

enum tdx_dmar_inv {
	TDX_DMAR_INV_PENDING	= 0,
	TDX_DMAR_INV_QUEUED	= 1,
	TDX_DMAR_INV_DONE	= 3,
};

struct tdx_dmar_entry {
	enum tdx_dmar_state state;
	enum tdx_dmar_inv inv;		/* of a BLOCKED entry */
	u32 children;			/* entries below it that are not FREE */
	u64 page;			/* PASIDTE: the TDR */
};

u64 tdh_dmar_add(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level, u64 id,
		 u64 page);						/* [sleeps] */
u64 tdh_dmar_block(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		   u64 id);
u64 tdh_dmar_read(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level, u64 id,
		  struct tdx_dmar_entry *entry);
/* PASIDTE: also an IOTLB invalidation of its TD since the block */
u64 tdh_dmar_remove(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		    u64 id, u64 *page);					/* [sleeps] */

/*
 * Invalidation queue. request() queues one descriptor: of a BLOCKED entry, or of
 * the IOTLB entries of TD @id (TDX_INV_IOTLB; @level is ignored, IOTLB_TRACKING_
 * NOT_REQUIRED if the TD has no PASIDTE: harmless, not a violation). process()
 * completes all that is queued. IOTLB descriptors alone may be processed in any
 * context: T=1 requests move under firmware's lock, nothing is cached.
 * Descriptors of entries drive teemu_platform.invalidate(): then process()
 * [sleeps]. In atomic context pass @atomic: only IOTLB descriptors are completed,
 * the others stay queued. OPERAND_BUSY: another process() is at work.
 */
enum tdx_inv_type {
	TDX_INV_ENTRY,
	TDX_INV_IOTLB,
};

u64 tdh_iq_inv_request(struct tdx_fw *fw, u8 iommu, enum tdx_inv_type type,
		       enum tdx_dmar_level level, u64 id);
u64 tdh_iq_inv_process(struct tdx_fw *fw, u8 iommu, bool atomic);

/*
 * Metadata of MMIO. A page of @level 1, 2 or 3 serves the 2 MiB, 1 GiB or 512 GiB at
 * hpa (aligned to them): 512 entries of the level below, and the page above must be
 * there (else MMIOMT_NOT_PRESENT; there is always one above level 3). An entry of
 * level 0, 1 or 2 is a QNODE (nobody's, or with a page of metadata below) or DATA: a
 * 4 KiB, 2 MiB or 1 GiB leaf of one function, which is mapped with that level and no
 * other. mt_remove() gives *page back, lower levels first.
 */
#define TDX_MMIOMT_TOP			3
enum tdx_mmiomt_type {
	TDX_MMIOMT_QNODE,
	TDX_MMIOMT_DATA,
};

struct tdx_mmiomt_entry {
	enum tdx_mmiomt_type type;
	bool mapped;
	bool table;			/* of a QNODE: a page is below */
	u64 devif;			/* of a DATA entry */
};

u64 tdh_mmio_mt_add(struct tdx_fw *fw, u64 hpa, unsigned int level,
		    u64 page);					/* [sleeps] */
u64 tdh_mmio_mt_set(struct tdx_fw *fw, u64 hpa, unsigned int level,
		    enum tdx_mmiomt_type type, u64 devif);
u64 tdh_mmio_mt_rd(struct tdx_fw *fw, u64 hpa, unsigned int level,
		   struct tdx_mmiomt_entry *entry);
u64 tdh_mmio_mt_remove(struct tdx_fw *fw, u64 hpa, unsigned int level,
		       u64 *page);				/* [sleeps] */

/*
 * Private MMIO of a TD: map -> (TDG.MMIO.ACCEPT) -> block -> mem_track and
 * TDX_INV_IOTLB while the TD has PASIDTEs -> unmap, which wants the function
 * UNLOCKED or its stream blocked, and tells the page in *hpa. One call is one leaf of
 * @level; gpa and hpa are aligned to it.
 */
u64 tdh_mmio_map(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 td, u64 hpa);
u64 tdh_mmio_block(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 td);
u64 tdh_mmio_unmap(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 td,
		   u64 *hpa);

/* the TD's calls; none of their refusals is the host's violation */
u64 tdg_devif_validate(struct tdx_fw *fw, u64 td, u64 devif,
		       const u8 pkh[TDX_FW_PKH_SIZE]);
/* REPORT, STATE, START; @offset: first report byte wanted, 0 for others */
u64 tdg_devif_request(struct tdx_fw *fw, u64 td, u64 devif, u8 type,
		      u16 offset);
struct tdx_devif_result {
	u8 type;			/* of the request that is over */
	u8 state;			/* enum tdisp_state after it */
	u16 portion;			/* REPORT: bytes that came */
	u16 remainder;			/* REPORT: ask again at offset + portion */
};

/* the outcome of the round: its status; AVAILABLE again */
u64 tdg_devif_response(struct tdx_fw *fw, u64 td, u64 devif,
		       struct tdx_devif_result *result);

enum tdx_devif_field {
	TDX_DEVIF_FIELD_PKH,		/* TDX_FW_PKH_SIZE bytes */
	TDX_DEVIF_FIELD_REPORT,		/* as far as fetched and not stale */
};

/* copies up to *len bytes from @offset on; *len = bytes copied, 0 past the end */
u64 tdg_devif_rd(struct tdx_fw *fw, u64 td, u64 devif, enum tdx_devif_field field,
		 u32 offset, u8 *buf, size_t *len);
u64 tdg_dmar_accept(struct tdx_fw *fw, u64 td, u64 devif);
/*
 * report_page must be (hpa + reporting offset) >> 12. MMIO_ACCEPT_SIZE_MISMATCH: the
 * host mapped with another level.
 */
u64 tdg_mmio_accept(struct tdx_fw *fw, u64 td, u64 gpa, unsigned int level,
		    u64 report_page);
/*
 * The TD's own IOTLB invalidation, for the host to process: it goes into the queue of
 * the IOMMU of @devif, whose PASIDTE is PRESENT.
 */
u64 tdg_iq_inv_request(struct tdx_fw *fw, u64 td, u64 devif);

/* questions that are no calls: any context, nothing is counted */
/*
 * The 4 KiB page at @gpa is mapped to @hpa, in a leaf of any level that the TD
 * accepted, and the function is valid and in CONFIG_LOCKED or RUN.
 */
bool tdx_fw_mmio_accepted(struct tdx_fw *fw, u64 td, u64 gpa, u64 hpa);
/* enum tdisp_state as firmware knows it; -ENOENT: no such devif */
int tdx_fw_tdisp_state(struct tdx_fw *fw, u64 devif);
/* what the device answered to the last STATE, applied or not; -ENOENT as above */
int tdx_fw_tdisp_told(struct tdx_fw *fw, u64 devif);
/*
 * the first private memory page at *gpa or above and below @end that is not
 * FREE: true with *gpa and *entry filled. For teardown and mem_invalidate.
 */
bool tdx_fw_next_page(struct tdx_fw *fw, u64 td, u64 *gpa, u64 end,
		      struct tdx_sept_entry *entry);
/*
 * The same for leaves of private MMIO: at their beginning, which is below *gpa if *gpa
 * is inside one. Go on at *gpa + TDX_LEAF_SIZE(entry->level).
 */
bool tdx_fw_next_mmio(struct tdx_fw *fw, u64 td, u64 *gpa, u64 end,
		      struct tdx_sept_entry *entry);
u64 tdx_fw_violations(struct tdx_fw *fw);

/* fault switches, for tests: see teemu_fw_ops.refuse; the TD becomes fatal */
int tdx_fw_refuse(struct tdx_fw *fw, u32 leaf, u64 status, u32 skip, u32 count);
int tdx_fw_td_set_fatal(struct tdx_fw *fw, u64 td);
const char *tdx_fw_leaf_name(u32 leaf);

#endif /* __LINUX_TDX_FW_H */
