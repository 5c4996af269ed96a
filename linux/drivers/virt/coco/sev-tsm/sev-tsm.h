/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The TSM driver of AMD SEV-TIO on the emulated platform.
 *
 *  tsm		one root complex and the firmware (ASP and RMP) that guards it
 *  link	the connection with one device: its context, its IDE stream; its DSM
 *  cmd		one command of the ASP that may have to ask the device
 *  gctx	firmware's view of one TVM: the guest context, its ASID, its memory
 *  mmio	the BAR pages of one TDI that the RMP has for its guest
 *  tdi		one bound function
 *
 * Locks, outermost first:
 *  pci_tsm_rwsem, pci_tsm_pf0::lock	every op; owns the link and its TDIs
 *   tio_tsm::lock			(mutex) owns TIO_INIT and the lost links
 *   tio_tvms::lock			(mutex) owns birth and death of gctxs
 *   sev_gctx::lock			(mutex) owns the fence and who is behind it
 *     KVM mmu_lock			(not taken here; callbacks run under it)
 *      sev_gctx::mem_lock		(spinning) owns the gctx's private pages
 *       the firmware's own lock	(spinning leaf)
 *
 * tio_tsm::srcu keeps a TDI alive for the DMA miss handler, which must not take
 * pci_tsm_pf0::lock: unbind holds it while it waits for DMA to drain.
 */
#ifndef __SEV_TSM_H
#define __SEV_TSM_H

#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/sev-fw.h>
#include <linux/spinlock.h>
#include <linux/teemu.h>
#include <linux/tio-tsm.h>
#include <linux/xarray.h>

/*
 * How long an operation may begin DOE rounds, in ms; the last one ends TIO_ROUND_MS
 * later. So, with any device,
 *  bind	4.4 + 3 s; if that fails, with its undoing, TIO_LAST_ROUND_MS + 3 s: 9.3 s
 *  unbind	2.3 + 3 s: 5.3 s
 *  request	4 + 3 s: 7 s
 *  connect	5 + 3 s: 8 s, and if that fails its undoing
 *  a look	1.3 + 3 s: 4.3 s
 * In a bind, the questions that it needs (STOP, LOCK, one portion of the report) and
 * one lost LOCK still fit if the device takes 1 s for each; in an unbind STOP, one
 * lost STOP and the look that confirms it.
 */
#define SEV_BIND_MS		4400
#define SEV_UNBIND_MS		2300
#define SEV_REQUEST_MS		4000
#define SEV_CONNECT_MS		5000
#define SEV_LOOK_MS		1300
/*
 * The longest unbind, whatever the device does: the rounds above, since firmware is
 * never waited for. A dead device alone makes it two lost answers of 1 s. RMPUPDATE of
 * each page is not in it.
 */
#define SEV_UNBIND_WORST_MS	(SEV_UNBIND_MS + TIO_ROUND_MS)
static_assert(SEV_UNBIND_WORST_MS < TIO_HOLD_MS);
static_assert(SEV_REQUEST_MS + TIO_ROUND_MS < TIO_HOLD_MS);

/* the longest answer of the DSM: a report portion in its envelopes, padded */
#define SEV_RSP_MAX		(SEV_TIO_REPORT_MAX + 64)
/* a certificate chain has a 16 bit length */
#define SEV_CERTS_MAX		SZ_64K

/**
 * struct sev_tsm - one root complex with its firmware
 * @base: what all vendors have; its lock owns TIO_INIT too
 * @fw: the firmware
 * @asids: ASIDs in use
 */
struct sev_tsm {
	struct tio_tsm base;
	struct sev_fw *fw;
	struct ida asids;
};

static inline struct sev_tsm *to_sev_tsm(struct tio_tsm *base)
{
	return container_of(base, struct sev_tsm, base);
}

/**
 * struct sev_link - the connection with one device
 * @base: what all vendors have
 * @tsm: the root complex
 * @dev: page of the device context, firmware's name for the device
 * @created: firmware has the context
 * @connected: firmware has a session and keys with the device
 * @secure: both ports have the stream enabled and read Secure; a TDI can be bound
 * @certs: the device's certificate chain, @certs_len bytes
 * @certs_len: bytes in @certs
 * @ide: Linux's half of the IDE stream
 *
 * Born in probe, filled in connect, emptied in disconnect, freed in remove; all
 * of it under pci_tsm_pf0::lock. If firmware does not let go in disconnect the
 * link is never freed.
 */
struct sev_link {
	struct tio_link base;
	struct sev_tsm *tsm;
	u64 dev;
	bool created;
	bool connected;
	bool secure;
	u8 *certs;
	size_t certs_len;
	struct pci_ide *ide;
};

/**
 * struct sev_cmd - one command of the ASP that may have to ask the device
 * @nr: SEV_CALL_TIO_*
 * @quiet: an answer that is bad or missing is not worth a word in the log
 * @tdi: TDI context, where the command has one
 * @gctx: TDI_UNBIND: the guest
 * @flags: DEV_DISCONNECT, TDI_UNBIND
 * @connect: DEV_CONNECT
 * @bind: TDI_BIND
 * @out: DEV_CERTIFICATES, DEV_MEASUREMENTS, TDI_REPORT
 * @state: TDI_STATUS
 */
struct sev_cmd {
	u32 nr;
	bool quiet;
	u64 tdi;
	u64 gctx;
	u32 flags;
	union {
		const struct sev_tio_connect *connect;
		const struct sev_tio_bind *bind;
		struct sev_out *out;
		u8 *state;
	};
};

/**
 * struct sev_gctx - firmware's view of one TVM
 * @tvm: what all vendors have
 * @tsm: the root complex whose firmware has it
 * @page: physical address of the guest context: its name in every command
 * @asid: its ASID; 0: none
 * @created: firmware has the context
 * @lock: owns @tdis; whoever clears the ASID's fence holds it
 * @tdis: &struct sev_tdi of this guest, of all devices
 * @mem_lock: serialises all changes of private pages in the RMP and the nested
 *	      page table, and owns @mem
 * @mem: guest frame number to page frame number (as a value) of private pages that
 *	 the RMP has for the guest, each with a reference of ours
 *
 * Born in the first bind of its TVM; dies after the TVM, or with the driver.
 */
struct sev_gctx {
	struct tio_tvm tvm;
	struct sev_tsm *tsm;
	u64 page;
	u32 asid;
	bool created;
	struct mutex lock;		/* owns @tdis and clearing the fence */
	struct list_head tdis;
	spinlock_t mem_lock;		/* owns @mem */
	struct xarray mem;
};

/**
 * struct sev_mmio - the BAR pages of one TDI that the RMP has for its guest
 * @fw: the firmware
 * @asid: of the guest
 * @pages: page frame number to guest frame number (as a value)
 *
 * No PCI device in here: what may be assigned was decided before. Under
 * pci_tsm_pf0::lock of the TDI's device.
 */
struct sev_mmio {
	struct sev_fw *fw;
	u32 asid;
	struct xarray pages;
};

/**
 * struct sev_tdi - one bound function
 * @tdi: the core's context
 * @link: its device
 * @gctx: its guest
 * @node: in tio_link::tdis
 * @sibling: in sev_gctx::tdis
 * @ctx: page of the TDI context: its name in every command
 * @rid: its requester id
 * @report: the interface report of this bind
 * @report_len: bytes in @report
 * @offset: MMIO reporting offset given in LOCK, bytes
 * @mmio: its private MMIO
 * @created: firmware has the context
 * @bound: firmware has it bound to @gctx
 * @locked: not known to be CONFIG_UNLOCKED; read in atomic context
 * @closed: the guest wanted it stopped, it gets no page of it any more; read in
 *	    atomic context
 * @dma_off: the IOMMU lets none of its T=1 requests in until the next bind
 * @published: somebody else knows of the TDI: unbind makes the call-outs
 * @is_unmapped: KVM's leaves are gone: that call-out was made
 * @quarantined: firmware did not let go, or has not yet; read in atomic context
 * @error_told: the fall to TDISP ERROR was reported, or is about to be: the TVM
 *		gets no page any more; read in atomic context
 * @watch: looks at the TDISP state now and then
 * @unanswered: looks in a row that got no answer, each doubling the time to the
 *		next; not zero: lost answers have been logged
 *
 * All under pci_tsm_pf0::lock but where said. Steps are recorded one by one, so
 * that the teardown is right from any half-way state and allocates nothing.
 */
struct sev_tdi {
	struct pci_tdi tdi;
	struct sev_link *link;
	struct sev_gctx *gctx;
	struct list_head node;
	struct list_head sibling;
	u64 ctx;
	u16 rid;
	u8 *report;
	size_t report_len;
	u64 offset;
	struct sev_mmio mmio;
	bool created;
	bool bound;
	bool locked;
	bool closed;
	bool dma_off;
	bool published;
	bool is_unmapped;
	bool quarantined;
	bool error_told;
	struct delayed_work watch;
	unsigned int unanswered;
};

static inline struct sev_tdi *to_sev_tdi(struct pci_tdi *tdi)
{
	return container_of(tdi, struct sev_tdi, tdi);
}

/* A refusal that may pass by itself is worth a few more tries, and no more. */
#define SEV_TRIES		4
#define sev_retry(call)							\
({									\
	u64 __status;							\
	int __tries = SEV_TRIES;					\
									\
	do {								\
		__status = (call);					\
	} while ((__status == SEV_RESOURCE_LIMIT ||			\
		  __status == SEV_RMP_FAIL_OVERLAP ||			\
		  __status == SEV_RMP_FAIL_INUSE) && --__tries);	\
	__status;							\
})

/*
 * Firmware calls of a bind and an unbind that do not depend on the number of pages,
 * with a device that answers each question in one portion; a command that asks the
 * device is issued once more for every answer.
 *  bind: TDI_CREATE 1, TDI_BIND 2, TDI_REPORT 2, ASID_FENCE_STATUS 1,
 *	  ASID_FENCE_CLEAR 1, TDI_BIND with run 2, GUEST_REQUEST of SDTE_WRITE 1
 *  unbind: TDI_UNBIND 2, TDI_STATUS 2, TDI_RECLAIM 1, ASID_FENCE_STATUS 1,
 *	    ASID_FENCE_CLEAR 1
 * For each 4 KiB page there is one RMPUPDATE in each of them, which the RMP demands,
 * and a GUEST_REQUEST of MMIO_VALIDATE for up to SEV_TDI_MMIO_PAGES_MAX pages, as
 * many as the guest names in one request.
 */
#define SEV_BIND_CALLS		10
#define SEV_UNBIND_CALLS	7
#define SEV_BIND_PAGE_CALLS	1
#define SEV_UNBIND_PAGE_CALLS	1

/* main.c */
int sev_check(struct sev_tsm *tsm, u32 call, u64 status);

/* cmd.c */
int sev_cmd(struct sev_link *link, const struct sev_cmd *cmd, u64 *status);

/* link.c */
int sev_link_up(struct sev_link *link);
void sev_link_down(struct sev_link *link);
int sev_link_usable(struct sev_link *link);
int sev_link_cut(struct sev_link *link, struct sev_tdi *cause);

/* gctx.c */
extern struct tio_tvms sev_gctxs;
struct sev_gctx *sev_gctx_get(struct sev_tsm *tsm, struct kvm *kvm);

/* fence.c */
void sev_fence_join(struct sev_tdi *tdi);
void sev_fence_leave(struct sev_tdi *tdi);
int sev_fence_lift(struct sev_tdi *tdi);

/* mem.c */
int sev_mem_miss(void *priv, u16 rid, u64 gpa);
void sev_mem_remove(struct sev_gctx *gctx, unsigned long start,
		    unsigned long end);
int sev_mem_remove_all(struct sev_gctx *gctx);

/* mmio.c */
void sev_mmio_init(struct sev_mmio *mmio, struct sev_fw *fw, u32 asid);
int sev_mmio_assign(struct sev_mmio *mmio, u64 gpa, u64 hpa, u64 pages,
		    unsigned int level, u64 *status);
int sev_mmio_give_back(struct sev_mmio *mmio, u64 *status);

/* tdi.c */
struct pci_tdi *sev_tdi_bind(struct pci_dev *pdev, struct kvm *kvm, u32 tdi_id);

/* unbind.c */
extern const enum tio_step sev_unbind_order[];
int sev_tdi_stop(struct sev_tdi *tdi, u64 *status);
bool sev_tdi_destroy(struct sev_tdi *tdi);
void sev_tdi_call_out(struct sev_tdi *tdi);
void sev_tdi_unbind(struct pci_tdi *tdi);

/* watch.c */
void sev_watch_init(struct sev_tdi *tdi);
void sev_watch_start(struct sev_tdi *tdi);
void sev_watch_stop(struct sev_tdi *tdi);
void sev_watch_look(struct sev_tdi *tdi);
void sev_tdi_tell_error(struct sev_tdi *tdi);

/* report.c */
bool sev_report_is_own(struct pci_dev *pdev, u64 offset, const u8 *bytes,
		       size_t len);
int sev_report_fetch(struct sev_tdi *tdi, u64 *status);

/* guest.c */
ssize_t sev_guest_req(struct pci_tdi *tdi, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code);

#endif /* __SEV_TSM_H */
