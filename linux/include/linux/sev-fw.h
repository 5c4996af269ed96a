/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware model of AMD SEV-TIO: what a host kernel may ask of the AMD Secure
 * Processor (ASP) and of the reverse map table (RMP), and the status that it gets.
 * sev_tio_*() and sev_snp_*() are commands of the ASP, sev_rmp*() instructions of
 * the CPU, sev_fw_*() no calls at all: they are not judged and not counted. A
 * refused call changes nothing.
 *
 * Names. The model knows numbers only:
 *  dev, tdi, gctx	physical address of the page that the context lives in: it
 *		belongs to firmware from the create call to the reclaim
 *		(decommission) call and is the host's again then. Not aligned:
 *		INVALID_PARAM; a context already: RECLAIM_REQUIRED; in the RMP for
 *		a guest: INVALID_PAGE_STATE.
 *  asid	1 .. SEV_NR_ASIDS - 1
 *  gpa, hpa	page aligned addresses, bytes
 *
 * Context: calls take one spinlock (leaf, irqs off). Marked [sleeps]: allocates or
 * drives the root complex, so process context without spinlocks; it answers
 * SEV_RESOURCE_LIMIT when there is no memory (sev_rmp*(): SEV_RMP_FAIL_INUSE). All
 * others may be called in any context, under KVM's mmu_lock too, and need no memory.
 *
 * The loop. Commands that take a struct sev_spdm may answer SEV_SPDM_REQUEST: take
 * @req to the device over DOE and issue the *same* command with the answer, until
 * it answers something else. From the first SPDM_REQUEST to the end of the loop
 * every other command that names the device is SEV_IN_USE, but DEV_STATUS and those
 * with FORCE, which end the loop.
 *
 * The order that is known to work, and the only one that is accepted:
 *  DEV_CREATE -> DEV_CONNECT -> TDI_CREATE -> TDI_BIND (LOCKED) -> TDI_REPORT ->
 *  ASID_FENCE_CLEAR -> RMPUPDATE each page -> TDI_BIND with run (RUN) -> the guest's
 *  SDTE_WRITE and MMIO_VALIDATE ... TDI_UNBIND -> TDI_RECLAIM -> ASID_FENCE_CLEAR ->
 *  RMPUPDATE each page to shared -> SNP_DECOMMISSION; DEV_DISCONNECT -> DEV_RECLAIM.
 *  (RMPUPDATE, ASID_FENCE_CLEAR and the second TDI_BIND may swap.)
 *
 * What is inferred: the ASP's firmware is closed. Which status answers which wrong
 * order was not seen; the choice here is strict. See docs/firmware.md.
 */
#ifndef __LINUX_SEV_FW_H
#define __LINUX_SEV_FW_H

#include <linux/bits.h>
#include <linux/tdisp.h>
#include <linux/types.h>
#include <uapi/linux/sev-tdi.h>

struct sev_fw;
struct teemu_platform;
struct tio_personality;
struct tio_referee;

#define SEV_NR_ASIDS			64
#define SEV_TIO_REPORT_MAX		4096
#define SEV_TIO_DIGEST_SIZE		48	/* SHA-384 */
#define SEV_TIO_NR_TCS			8
#define SEV_SPDM_REQ_MAX		64	/* bytes of the longest request */
#define SEV_SPDM_RSP_MIN		256	/* room that firmware insists on */

/* numbers of the calls, unique */
#define SEV_CALL_SNP_DECOMMISSION	0x090
#define SEV_CALL_SNP_ACTIVATE		0x091
#define SEV_CALL_SNP_GCTX_CREATE	0x093
#define SEV_CALL_SNP_LAUNCH_FINISH	0x0a2
#define SEV_CALL_TIO_STATUS		0x0d0
#define SEV_CALL_TIO_INIT		0x0d1
#define SEV_CALL_TIO_DEV_CREATE		0x0d2
#define SEV_CALL_TIO_DEV_RECLAIM	0x0d3
#define SEV_CALL_TIO_DEV_CONNECT	0x0d4
#define SEV_CALL_TIO_DEV_DISCONNECT	0x0d5
#define SEV_CALL_TIO_DEV_STATUS		0x0d6
#define SEV_CALL_TIO_DEV_MEASUREMENTS	0x0d7
#define SEV_CALL_TIO_DEV_CERTIFICATES	0x0d8
#define SEV_CALL_TIO_TDI_CREATE		0x0da
#define SEV_CALL_TIO_TDI_RECLAIM	0x0db
#define SEV_CALL_TIO_TDI_BIND		0x0dc
#define SEV_CALL_TIO_TDI_UNBIND		0x0dd
#define SEV_CALL_TIO_TDI_REPORT		0x0de
#define SEV_CALL_TIO_TDI_STATUS		0x0df
#define SEV_CALL_TIO_GUEST_REQUEST	0x0e0
#define SEV_CALL_TIO_ASID_FENCE_CLEAR	0x0e1
#define SEV_CALL_TIO_ASID_FENCE_STATUS	0x0e2
#define SEV_CALL_TIO_TDI_INFO		0x0e3
#define SEV_CALL_TIO_ROLL_KEY		0x0e4
#define SEV_CALL_RMPUPDATE		0x100	/* pseudo: the CPU's instruction */
#define SEV_CALL_RMP_PRIVATE		0x101	/* pseudo: RMPUPDATE + guest's PVALIDATE */
#define SEV_CALL_RMP_UNPRIVATE		0x102	/* pseudo: RMPUPDATE of memory to shared */

/* status of a command; all but the RMP's (below) */
#define SEV_SUCCESS			0x00ULL
#define SEV_INVALID_PLATFORM_STATE	0x01ULL
#define SEV_INVALID_GUEST_STATE		0x02ULL
#define SEV_ASID_OWNED			0x0cULL
#define SEV_INVALID_ASID		0x0dULL
#define SEV_INVALID_PARAM		0x16ULL
#define SEV_RESOURCE_LIMIT		0x17ULL
#define SEV_INVALID_PAGE_STATE		0x1aULL
#define SEV_INVALID_PAGE_OWNER		0x1cULL
#define SEV_INCORRECT_BUFFER_LENGTH	0x30ULL
#define SEV_EXPAND_BUFFER_LENGTH	0x31ULL	/* ..._REQUEST: grow and issue again */
#define SEV_SPDM_REQUEST		0x32ULL	/* take @req to the device */
#define SEV_SPDM_ERROR			0x33ULL	/* the device's answer is bad or missing */
#define SEV_ERR_IN_DEV_CONN		0x35ULL
#define SEV_INVALID_DEV_CTX		0x36ULL
#define SEV_INVALID_TDI_CTX		0x37ULL
#define SEV_INVALID_TDI			0x38ULL
#define SEV_RECLAIM_REQUIRED		0x39ULL
#define SEV_IN_USE			0x3aULL
#define SEV_INVALID_DEV_STATE		0x3bULL
#define SEV_INVALID_TDI_STATE		0x3cULL
#define SEV_DEV_CERT_CHANGED		0x3dULL
#define SEV_RESYNC_REQ			0x3eULL
#define SEV_RESPONSE_TOO_LARGE		0x3fULL

/*
 * What RMPUPDATE answers. One table of names serves commands and RMPUPDATE, so the
 * CPU's codes come with bit 31 set; SEV_RMP_CODE() is the bare number.
 */
#define SEV_RMP_FAIL(code)		(0x80000000ULL | (code))
#define SEV_RMP_CODE(status)		((u32)(status) & 0xff)
#define SEV_RMP_FAIL_INPUT		SEV_RMP_FAIL(1)
#define SEV_RMP_FAIL_PERMISSION		SEV_RMP_FAIL(2)
#define SEV_RMP_FAIL_INUSE		SEV_RMP_FAIL(3)
#define SEV_RMP_FAIL_OVERLAP		SEV_RMP_FAIL(4)	/* try again */

/* life of the model; [sleeps] */
struct sev_fw *sev_fw_create(void);
void sev_fw_destroy(struct sev_fw *fw);
void sev_fw_set_platform(struct sev_fw *fw,
			 const struct teemu_platform *platform, void *priv);

/**
 * struct sev_spdm - a command's talk with the device
 * @answered: in: this call brings the answer to the last @req; false in the first
 * @rsp: in: the answer, DOE padding at its end allowed
 * @rsp_len: in: bytes of it; 0: none came, so SEV_SPDM_ERROR ends the loop
 * @rsp_room: in: bytes that an answer may have; less than SEV_SPDM_RSP_MIN is
 *	      SEV_EXPAND_BUFFER_LENGTH, an answer of more SEV_RESPONSE_TOO_LARGE
 * @req_len: out, with SEV_SPDM_REQUEST: bytes of @req
 * @req: out: the message for the device
 */
struct sev_spdm {
	bool answered;
	const void *rsp;
	size_t rsp_len;
	size_t rsp_room;
	size_t req_len;
	u8 req[SEV_SPDM_REQ_MAX];
};

/**
 * struct sev_out - where a command puts bytes
 * @buf: the same buffer for all calls of a loop
 * @size: bytes of it
 * @len: out: bytes filled; with SEV_EXPAND_BUFFER_LENGTH: bytes needed. The command
 *	 is over then and begins anew.
 */
struct sev_out {
	void *buf;
	size_t size;
	size_t len;
};

/*
 * Platform. Before TIO_INIT every other TIO command is INVALID_PLATFORM_STATE; so
 * is a second TIO_INIT: it lasts until power off, a driver that loads again looks.
 */
struct sev_tio_status {
	bool initialized;
	u32 nr_devs;
	u32 nr_tdis;
};

u64 sev_tio_status(struct sev_fw *fw, struct sev_tio_status *status);
u64 sev_tio_init(struct sev_fw *fw);

/*
 * Guest. gctx_create -> activate -> launch_finish -> ... -> decommission, which is
 * refused (INVALID_GUEST_STATE, inferred) while a TDI is bound to it. TDI_BIND
 * wants it activated, GUEST_REQUEST and trusted DMA launched.
 */
u64 sev_snp_gctx_create(struct sev_fw *fw, u64 gctx);		/* [sleeps] */
u64 sev_snp_activate(struct sev_fw *fw, u64 gctx, u32 asid);
u64 sev_snp_launch_finish(struct sev_fw *fw, u64 gctx);
u64 sev_snp_decommission(struct sev_fw *fw, u64 gctx);		/* [sleeps] */

/*
 * Device. create -> connect -> disconnect -> reclaim. connect reads the certificate
 * chain over the device's SPDM and programs the IDE keys of the streams.
 */
enum sev_dev_state {
	SEV_DEV_CREATED		= 1,
	SEV_DEV_CONNECTED	= 2,
};

struct sev_tio_dev_id {
	u16 device_id;			/* requester id of function 0 */
	u16 root_port_id;
	u8 segment;
};

struct sev_tio_connect {
	u8 tc_mask;			/* bit 0 must be set */
	u8 cert_slot;			/* 0: the model knows no other */
	u8 ide_stream_id[SEV_TIO_NR_TCS];	/* of the TCs in @tc_mask */
};

struct sev_tio_dev_status {
	enum sev_dev_state state;
	bool request_pending;		/* a loop is open */
	u16 device_id;
	u8 segment;
	u8 tc_mask;
	u8 ide_stream_id[SEV_TIO_NR_TCS];
	u32 tdi_count;
	u32 bound_tdi_count;
	u8 certs_digest[SEV_TIO_DIGEST_SIZE];
};

#define SEV_TIO_FORCE			BIT(0)	/* of disconnect and unbind */

u64 sev_tio_dev_create(struct sev_fw *fw, u64 dev,
		       const struct sev_tio_dev_id *id);	/* [sleeps] */
/* CREATED, no TDI context left (else IN_USE) */
u64 sev_tio_dev_reclaim(struct sev_fw *fw, u64 dev);		/* [sleeps] */
u64 sev_tio_dev_connect(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			const struct sev_tio_connect *how);	/* [sleeps] */
/*
 * IN_USE with bound TDIs. FORCE: no word to the device; its bound TDIs fall to ERROR
 * and stay bound, and the error fence of their ASIDs goes up. @spdm may be NULL then.
 */
u64 sev_tio_dev_disconnect(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			   u32 flags);				/* [sleeps] */
u64 sev_tio_dev_status(struct sev_fw *fw, u64 dev,
		       struct sev_tio_dev_status *status);
u64 sev_tio_dev_measurements(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			     struct sev_out *out);
/* DEV_CERT_CHANGED: the chain is not the one that connect has read */
u64 sev_tio_dev_certificates(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			     struct sev_out *out);
u64 sev_tio_roll_key(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm);	/* [sleeps] */

/*
 * TDI. create (device CONNECTED) -> bind -> unbind -> reclaim, which gives the pages
 * of its BARs up: RMPUPDATE of them is refused before.
 */
u64 sev_tio_tdi_create(struct sev_fw *fw, u64 dev, u64 tdi, u16 interface_id);	/* [sleeps] */
u64 sev_tio_tdi_reclaim(struct sev_fw *fw, u64 dev, u64 tdi);	/* [sleeps] */

#define SEV_TIO_BIND_NO_FW_UPDATE	BIT(0)
#define SEV_TIO_BIND_LOCK_MSIX		BIT(2)
#define SEV_TIO_BIND_P2P		BIT(3)
#define SEV_TIO_BIND_ALL_REDIRECT	BIT(4)

/**
 * struct sev_tio_bind - how TDI_BIND binds
 * @gctx: the guest, activated; with @run the one that it is bound to
 * @guest_device_id: requester id that the guest knows the TDI by
 * @lock_flags: SEV_TIO_BIND_*, not looked at with @run
 * @run: false: UNLOCKED -> LOCKED; true: LOCKED -> RUN
 * @reporting_offset: page aligned, not looked at with @run
 */
struct sev_tio_bind {
	u64 gctx;
	u16 guest_device_id;
	u16 lock_flags;
	bool run;
	u64 reporting_offset;
};

/*
 * The first TDI that is bound to an ASID brings up the ASID's default fence, and so
 * does the unbind of the last one; see ASID_FENCE_CLEAR. After SPDM_ERROR, or any
 * refusal, the TDI is in the state that it was in before.
 */
u64 sev_tio_tdi_bind(struct sev_fw *fw, u64 dev, u64 tdi, struct sev_spdm *spdm,
		     const struct sev_tio_bind *bind);
/*
 * LOCKED, RUN, ERROR -> UNLOCKED; its sDTE is cleared. @gctx: the guest that it is
 * bound to, else INVALID_GUEST_STATE. FORCE: no word to the device, @gctx and the
 * device's state are not looked at, @spdm may be NULL; the error fence goes up.
 */
u64 sev_tio_tdi_unbind(struct sev_fw *fw, u64 dev, u64 tdi, u64 gctx,
		       struct sev_spdm *spdm, u32 flags);
/*
 * The interface report of a bound TDI. Firmware keeps the first that it gets, until
 * TDI_UNBIND, and answers from it; pages of it are what RMPUPDATE gives to the TDI.
 */
u64 sev_tio_tdi_report(struct sev_fw *fw, u64 dev, u64 tdi,
		       struct sev_spdm *spdm, struct sev_out *out);
/*
 * Asks the device. A bound TDI that tells another state than it should have falls to
 * ERROR, and the error fence of its ASID goes up.
 */
u64 sev_tio_tdi_status(struct sev_fw *fw, u64 dev, u64 tdi,
		       struct sev_spdm *spdm, u8 *tdisp_state);

/* TDI_INFO: what firmware knows, without asking the device */
struct sev_tio_tdi_info {
	bool bound;
	u8 tdisp_state;			/* enum tdisp_state */
	u16 interface_id;
	u16 guest_device_id;
	u64 gctx;			/* 0 unless bound */
	u64 bind_counter;
	bool sdte_valid;
	u8 certs_digest[SEV_TIO_DIGEST_SIZE];
	u8 report_digest[SEV_TIO_DIGEST_SIZE];	/* zero before the first report */
};

u64 sev_tio_tdi_info(struct sev_fw *fw, u64 dev, u64 tdi,
		     struct sev_tio_tdi_info *info);

/**
 * struct sev_guest_msg - a guest's message to the ASP, in the clear
 * @type: SEV_TDI_MSG_*
 * @guest_device_id: the TDI that the guest means, as told to TDI_BIND
 * @mmio: of MMIO_VALIDATE
 * @other: of all others
 */
struct sev_guest_msg {
	u32 type;
	u16 guest_device_id;
	union {
		struct sev_tdi_mmio mmio;
		struct sev_tdi_msg other;
	};
};

/* @info: of TDI_INFO, @rsp: of all others; both begin with type and status */
union sev_guest_rsp {
	struct sev_tdi_rsp rsp;
	struct sev_tdi_info info;
};

/*
 * INVALID_TDI: the TDI is bound to another guest than @gctx: the host mixed them up.
 * INVALID_PARAM: a malformed message, the guest is to blame. Else SUCCESS with the
 * outcome in @rsp. MMIO_VALIDATE of pages of a fenced ASID is TDI_UNBOUND (inferred).
 */
u64 sev_tio_guest_request(struct sev_fw *fw, u64 dev, u64 tdi, u64 gctx,
			  const struct sev_guest_msg *msg,
			  union sev_guest_rsp *rsp);

/*
 * The fence of an ASID: while any bit is up, all trusted DMA, MMIO_VALIDATE and
 * private MMIO of the guest with that ASID are blocked, of all its TDIs.
 */
#define SEV_FENCE_NONE			0
#define SEV_FENCE_ERROR			1	/* DMA: a TDI failed or was forced off */
#define SEV_FENCE_DEFAULT		3

struct sev_asid_fence {
	u8 dma;				/* SEV_FENCE_* */
	u8 mmio;			/* SEV_FENCE_NONE or SEV_FENCE_DEFAULT */
};

u64 sev_tio_asid_fence_status(struct sev_fw *fw, u64 dev, u32 asid,
			      struct sev_asid_fence *fence);
/* INVALID_PARAM if none is up: read the status first */
u64 sev_tio_asid_fence_clear(struct sev_fw *fw, u64 dev, u64 gctx);

/**
 * struct sev_rmp_state - what RMPUPDATE makes of a page
 * @gpa: guest page that it is for
 * @asid: guest
 * @assigned: false: shared, the rest is zero
 * @pagesize: 0: 4 KiB; anything else is SEV_RMP_FAIL_INPUT
 * @immutable: the host cannot change the entry until firmware lets it
 */
struct sev_rmp_state {
	u64 gpa;
	u32 asid;
	u8 assigned;
	u8 pagesize;
	u8 immutable;
};

/*
 * A page of a BAR. An immutable one can be changed again after the TDI_RECLAIM of
 * the TDI whose report named it when it was assigned (never, if there was none:
 * TDI_REPORT first). From one owner to the next a page goes through shared. Assigning
 * [sleeps]; back to shared is for any context and needs no memory; of a page that is
 * shared it is a success.
 */
u64 sev_rmpupdate(struct sev_fw *fw, u64 hpa, const struct sev_rmp_state *state);
/*
 * A page of the guest's private memory: assigned by the host, validated by the guest,
 * and back to shared. Any context, under mmu_lock too. private: again with the same
 * operands is a success; @asid of a live guest, @hpa reserved (below), else
 * SEV_RMP_FAIL_INPUT; from one owner to the next a page goes through shared
 * (SEV_RMP_FAIL_PERMISSION).
 */
u64 sev_rmp_private(struct sev_fw *fw, u64 hpa, u32 asid, u64 gpa);
u64 sev_rmp_unprivate(struct sev_fw *fw, u64 hpa);

/*
 * The guest's nested page table. It is the host's own, firmware has no part in it;
 * trusted DMA walks it, and the RMP judges what it finds. Only private memory belongs
 * there. set and clear are for any context; DMA to @gpa has come to rest when clear
 * returns. set replaces what was there: 0; -ENOENT: no such guest; -EINVAL: not
 * aligned; -ENOMEM: not reserved.
 *
 * reserve gets the memory for the entries of @gpa in that table and of @hpa in the
 * RMP (both of the 2 MiB around), which stay until decommission and power off:
 * 0, -ENOENT, -ENOMEM [sleeps]. reserved: is it there? Any context.
 */
int sev_fw_reserve(struct sev_fw *fw, u64 gctx, u64 gpa, u64 hpa);	/* [sleeps] */
bool sev_fw_reserved(struct sev_fw *fw, u64 gctx, u64 gpa, u64 hpa);
int sev_fw_npt_set(struct sev_fw *fw, u64 gctx, u64 gpa, u64 hpa);
void sev_fw_npt_clear(struct sev_fw *fw, u64 gctx, u64 gpa);

/* questions that are no calls: any context, nothing is counted */
/*
 * @hpa is the private MMIO page of @tdi that @gctx has validated at @gpa, the TDI is
 * in CONFIG_LOCKED or RUN, and no fence is up
 */
bool sev_fw_mmio_accepted(struct sev_fw *fw, u64 gctx, u64 tdi, u64 gpa, u64 hpa);
/* enum tdisp_state as firmware knows it; -ENOENT: no such TDI context */
int sev_fw_tdisp_state(struct sev_fw *fw, u64 tdi);
/*
 * the first page of @gctx's nested page table at *gpa or above and below @end: true
 * with *gpa and *hpa filled. For teardown and mem_invalidate.
 */
bool sev_fw_next_page(struct sev_fw *fw, u64 gctx, u64 *gpa, u64 end, u64 *hpa);
/* is @hpa in the RMP for a guest, as memory or as MMIO? */
bool sev_fw_is_assigned(struct sev_fw *fw, u64 hpa);
struct tio_referee *sev_fw_referee(struct sev_fw *fw);
/* the vendor's tables */
extern const struct tio_personality sev_fw_personality;

/* fault switch, for tests: see teemu_fw_ops.refuse */
int sev_fw_refuse(struct sev_fw *fw, u32 call, u64 status, u32 skip, u32 count);

#endif /* __LINUX_SEV_FW_H */
