/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The TSM driver of Intel TDX Connect on the emulated platform.
 *
 *  tsm		one root complex and the firmware that guards it
 *  link	the SPDM session and the IDE stream with one device; its DSM
 *  td		firmware's view of one TVM: TDR, TDCS, one vCPU, secure EPT
 *  tdi		one bound function: device interface, DMA entries, private MMIO
 *  mmio	private MMIO of one TDI, as numbers: no PCI device is needed for it
 *  leaf	a piece of a BAR, 4 KiB, 2 MiB or 1 GiB, that firmware has as a TDI's
 *  meta	a metadata page that several TDIs share
 *  round	one TDISP request and its answer
 *
 * Locks, outermost first:
 *  pci_tsm_rwsem, pci_tsm_pf0::lock	every op; owns the link and its TDIs
 *   tio_tsm::lock			(mutex) owns the shared metadata, who has which
 *					BAR page, lost links
 *   tio_tvms::lock			(mutex) owns birth and death of TDs
 *    tdx_td::sept_lock			(mutex) owns the S-EPT pages of a TD
 *     KVM mmu_lock			(not taken here; callbacks run under it)
 *      tdx_td::lock			(spinning) owns private pages in the S-EPT
 *       the firmware's own lock	(spinning leaf)
 *
 * tio_tsm::srcu keeps a TDI alive for the DMA miss handler, which must not take
 * pci_tsm_pf0::lock: unbind holds it while it waits for DMA to drain.
 */
#ifndef __TDX_TSM_H
#define __TDX_TSM_H

#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci-ide.h>
#include <linux/pci-tdi.h>
#include <linux/pci-tsm.h>
#include <linux/spinlock.h>
#include <linux/tdx-fw.h>
#include <linux/teemu.h>
#include <linux/tio-tsm.h>
#include <linux/xarray.h>

/* the root complex has one IOMMU */
#define TDX_IOMMU		0

/*
 * How long an operation may begin DOE rounds, in ms; the last one ends TIO_ROUND_MS
 * later. So, with any device,
 *  bind	3.4 + 3 s; if that fails, with its undoing, TIO_LAST_ROUND_MS + 3 s: 9.3 s
 *  unbind	2.3 + 3 s: 5.3 s
 *  request	4 + 3 s: 7 s
 *  connect	5 + 3 s: 8 s
 *  a look	1.3 + 3 s: 4.3 s
 * In a bind STATE, STOP, LOCK and one lost STOP, in an unbind STOP and one lost STOP
 * still fit if the device takes 1 s for each.
 */
#define TDX_BIND_MS		3400
#define TDX_UNBIND_MS		2300
#define TDX_REQUEST_MS		4000
#define TDX_CERTS_MS		5000
#define TDX_LOOK_MS		1300
/*
 * The longest unbind, whatever the device does: the rounds above; and if firmware is
 * stuck as well, IQ.INV.PROCESS is waited for 0.2 s in each of three tries of UNMAP
 * and of DMA_OFF. A dead device alone makes it two lost answers of 1 s. Calls for each
 * leaf are not in it.
 */
#define TDX_UNBIND_WORST_MS	(TDX_UNBIND_MS + TIO_ROUND_MS + 2 * 3 * 200)
static_assert(TDX_UNBIND_WORST_MS < TIO_HOLD_MS);
static_assert(TDX_REQUEST_MS + TIO_ROUND_MS < TIO_HOLD_MS);

/*
 * Firmware calls, if nothing is refused. Each leaf of private MMIO costs
 *  bind	MMIO.MT.SET (DATA), MMIO.MAP, TDG.MMIO.ACCEPT
 *  unbind	MMIO.BLOCK, MMIO.UNMAP, MMIO.MT.SET (QNODE)
 * which is what the TDX module demands. Tables of at least 512 leaves cost their
 * MMIO.MT.ADD and MEM.SEPT.ADD (MEM.SEPT.REMOVE, if a smaller leaf was there before a
 * larger one), and MMIO.MT.REMOVE. All the rest is constant; metadata and root entry
 * of the bus count for the first or last TDI on it, rounds for a device that answers
 * at once:
 *  bind	DEVIF.MT.ADD, DEVIF.CREATE; rounds of two for STATE and LOCK; DMAR.ADD
 *		of RTE, CTE, PDE, PASIDTE: 10; then the TD's DEVIF.VALIDATE, DEVIF.RD,
 *		DMAR.ACCEPT, and rounds of four for REPORT (one portion) and START: 11
 *  unbind	a round of two for STOP; MEM.TRACK, IQ.INV.REQUEST and .PROCESS; for
 *		each of PASIDTE, PDE, CTE, RTE: DMAR.READ, .BLOCK, IQ.INV.REQUEST,
 *		.PROCESS, DMAR.REMOVE, and PASIDTE once more .REQUEST; DEVIF.REMOVE,
 *		DEVIF.MT.REMOVE: 28
 */
#define TDX_BIND_CALLS		21
#define TDX_UNBIND_CALLS	28
#define TDX_BIND_LEAF_CALLS	3
#define TDX_UNBIND_LEAF_CALLS	3
/*
 * A level of metadata and one of the S-EPT, and the metadata above: at most, if no
 * earlier bind of the TVM left S-EPT pages where a larger leaf goes now: each of
 * those costs a MEM.SEPT.REMOVE once.
 */
#define TDX_TABLE_CALLS(leaves)	(2 * DIV_ROUND_UP(leaves, 512) + TDX_MMIOMT_TOP)

/* the longest answer of the DSM: a report portion in its envelopes, padded */
#define TDX_RSP_MAX		(TDX_FW_REPORT_MAX + 64)

enum tdx_meta_kind {
	TDX_META_DEVIFMT,		/* key: bus number */
	TDX_META_RTE,			/* key: bus number */
	TDX_META_MMIOMT1,		/* key: physical address >> 21 */
	TDX_META_MMIOMT2,		/* >> 30 */
	TDX_META_MMIOMT3,		/* >> 39 */
	TDX_META_NR,
};

/* the page with the metadata of leaves of @level */
static inline enum tdx_meta_kind tdx_meta_of_leaf(unsigned int level)
{
	return TDX_META_MMIOMT1 + level;
}

/**
 * struct tdx_tsm - one root complex with its firmware
 * @base: what all vendors have; its lock owns @meta and @taken too
 * @fw: the firmware
 * @meta: metadata pages in firmware's hands, by kind and key
 * @taken: &struct tdx_leaf of all TDIs, by their first page frame number
 * @hkids: key ids in use
 * @spdm_ids: SPDM session indices in use
 */
struct tdx_tsm {
	struct tio_tsm base;
	struct tdx_fw *fw;
	struct xarray meta[TDX_META_NR];
	struct xarray taken;
	struct ida hkids;
	struct ida spdm_ids;
};

static inline struct tdx_tsm *to_tdx_tsm(struct tio_tsm *base)
{
	return container_of(base, struct tdx_tsm, base);
}

/**
 * struct tdx_link - SPDM session and IDE stream with one device
 * @base: what all vendors have
 * @tsm: the root complex
 * @certs: the device's certificate chain as it gave it, of @certs_len bytes
 * @certs_len: bytes in @certs
 * @spdm: firmware's SPDM session index; negative: none
 * @spdm_page: the page that firmware holds for it
 * @ide: Linux's half of the IDE stream
 * @configured: firmware has the stream
 * @keyed: its keys are programmed and in use
 * @blocked: it was blocked, as an escape: no TDI can be bound before it is new
 *
 * Born in probe, filled in connect, emptied in disconnect, freed in remove; all
 * of it under pci_tsm_pf0::lock. If firmware does not let go in disconnect the
 * link is never freed.
 */
struct tdx_link {
	struct tio_link base;
	struct tdx_tsm *tsm;
	u8 *certs;
	size_t certs_len;
	int spdm;
	u64 spdm_page;
	struct pci_ide *ide;
	bool configured;
	bool keyed;
	bool blocked;
};

/**
 * struct tdx_td - firmware's view of one TVM
 * @tvm: what all vendors have
 * @tsm: the root complex whose firmware has it
 * @tdr: physical address of the TDR page: its name in every call
 * @tdcs: its control pages
 * @vp: its vCPU
 * @hkid: key id; negative: none
 * @created: firmware knows @tdr
 * @keyed: its key is configured
 * @vp_created: firmware knows @vp
 * @blocked: it never runs again (MNG.VPFLUSHDONE)
 * @unkeyed: its key id is firmware's no more (MNG.KEY.FREEID)
 * @stuck: firmware did not give private memory back when KVM took it: a guest
 *	   address that has no private memory may not be free. Set under @lock, for
 *	   ever; read without it
 * @sept_lock: owns @sept
 * @sept: guest physical address >> 21 to the S-EPT page (as a value); or marked
 *	  TDX_SEPT_LEAF, the level (as a value) of the leaf of MMIO that begins there
 *	  and needs no S-EPT page
 * @lock: serialises all changes of private pages in the S-EPT. Each page that is
 *	  in there has a reference taken with it.
 *
 * Born in the first bind of its TVM; dies after the TVM, or with the driver.
 */
struct tdx_td {
	struct tio_tvm tvm;
	struct tdx_tsm *tsm;
	u64 tdr;
	u64 tdcs[TDX_FW_MIN_TDCS];
	u64 vp;
	int hkid;
	bool created;
	bool keyed;
	bool vp_created;
	bool blocked;
	bool unkeyed;
	bool stuck;
	struct mutex sept_lock;		/* owns @sept */
	struct xarray sept;
	spinlock_t lock;		/* owns private pages in the S-EPT */
};

#define TDX_SEPT_LEAF		XA_MARK_0

struct tdx_mmio;

/* how far firmware has gone with a leaf */
enum tdx_leaf_state {
	TDX_LEAF_TAKEN,			/* DATA: not the host's */
	TDX_LEAF_MAPPED,		/* in the S-EPT, accepted or not */
	TDX_LEAF_BLOCKED,		/* still there, but nobody reaches it */
};

/**
 * struct tdx_leaf - a piece of a BAR that firmware has as a TDI's
 * @node: in tdx_mmio::leaves
 * @owner: whose
 * @hpa: its physical address, aligned to the leaf
 * @gpa: its guest physical address, aligned too; TAKEN: where it was to go
 * @level: its size is tio_leaf_size() of it
 * @state: how far firmware has gone
 *
 * From MT.SET (DATA) until MT.SET (QNODE), in tdx_tsm::taken too.
 */
struct tdx_leaf {
	struct list_head node;
	struct tdx_mmio *owner;
	u64 hpa;
	u64 gpa;
	unsigned int level;
	enum tdx_leaf_state state;
};

/**
 * struct tdx_mmio - private MMIO of one TDI
 * @tsm: the root complex
 * @td: its TD
 * @devif: firmware's name for it
 * @leaves: &struct tdx_leaf
 * @bar: physical address ranges whose metadata is held
 * @nr_bars: how many
 *
 * Numbers only. Owned by pci_tsm_pf0::lock of the TDI's device.
 */
struct tdx_mmio {
	struct tdx_tsm *tsm;
	struct tdx_td *td;
	u64 devif;
	struct list_head leaves;
	struct {
		u64 start;
		u64 size;
	} bar[PCI_STD_NUM_BARS];
	unsigned int nr_bars;
};

/**
 * struct tdx_tdi - one bound function
 * @tdi: the core's context
 * @link: its device
 * @td: its TVM
 * @node: in tio_link::tdis
 * @devif: firmware's name for it
 * @pages: the pages of the device interface
 * @cte: page below the context entry
 * @pde: page below the PASID directory entry
 * @report: the interface report, once the TD has read it
 * @report_len: bytes in @report
 * @offset: MMIO reporting offset given in LOCK, bytes
 * @mmio: its private MMIO
 * @locked: not known to be CONFIG_UNLOCKED; read in atomic context
 * @quarantined: firmware did not let go, or has not yet; read in atomic context
 * @published: somebody else knows of the TDI: unbind makes the call-outs
 * @is_unmapped: KVM's leaves are gone: that call-out was made
 * @dma_is_off: and so was the IOMMU's
 * @error_told: the fall to TDISP ERROR was reported, or is about to be: the TVM
 *		gets no page any more; read in atomic context
 * @created: firmware has the device interface
 * @devifmt: the metadata page for @devif is held
 * @rte: the root entry of the bus is held
 * @cte_present: the context entry is in firmware's table
 * @pde_present: the PASID directory entry is
 * @pasidte_present: the PASID table entry is
 * @watch: looks at the TDISP state now and then
 * @unanswered: looks in a row that got no answer, each doubling the time to the
 *		next; not zero: lost answers have been logged
 *
 * All under pci_tsm_pf0::lock but where said. Steps are recorded one by one, so
 * that the teardown is right from any half-way state and allocates nothing.
 */
struct tdx_tdi {
	struct pci_tdi tdi;
	struct tdx_link *link;
	struct tdx_td *td;
	struct list_head node;
	u64 devif;
	struct tdx_devif_pages pages;
	u64 cte;
	u64 pde;
	u8 *report;
	size_t report_len;
	u64 offset;
	struct tdx_mmio mmio;
	bool locked;
	bool quarantined;
	bool published;
	bool is_unmapped;
	bool dma_is_off;
	bool error_told;
	bool created;
	bool devifmt;
	bool rte;
	bool cte_present;
	bool pde_present;
	bool pasidte_present;
	struct delayed_work watch;
	unsigned int unanswered;
};

static inline struct tdx_tdi *to_tdx_tdi(struct pci_tdi *tdi)
{
	return container_of(tdi, struct tdx_tdi, tdi);
}

/*
 * Calls that find firmware's lock or memory taken are worth a few more tries;
 * a fault that lasts must not hold up an unbind.
 */
#define TDX_BUSY_TRIES		8
#define tdx_retry(call)							\
({									\
	u64 __status;							\
	int __tries = TDX_BUSY_TRIES;					\
									\
	do {								\
		__status = (call);					\
	} while (TDX_CLASS(__status) == TDX_OPERAND_BUSY && --__tries);	\
	__status;							\
})

/* main.c */
extern const struct tio_tsm_vendor tdx_vendor;
int tdx_check(struct tdx_tsm *tsm, u32 leaf, u64 status);

/* round.c */
int tdx_round_host(struct tdx_tdi *tdi, const struct tdx_devif_req *req);
int tdx_round_td(struct tdx_tdi *tdi, u8 type, u16 offset, u64 *status,
		 struct tdx_devif_result *result);
int tdx_round_look(struct tdx_tdi *tdi);

/* meta.c */
int tdx_meta_get(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key);
void tdx_meta_put(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key);
u64 tdx_meta_key(enum tdx_meta_kind kind, u64 hpa);
int tdx_meta_vacate(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key);
void tdx_meta_sweep(struct tdx_tsm *tsm);
void tdx_meta_init(struct tdx_tsm *tsm);
void tdx_meta_exit(struct tdx_tsm *tsm);

/* dmar.c */
int tdx_iotlb_flush(struct tdx_td *td, bool atomic);
int tdx_dmar_entry_remove(struct tdx_tsm *tsm, enum tdx_dmar_level level,
			  u64 id, struct tdx_td *td, u64 *page);
int tdx_dmar_up(struct tdx_tdi *tdi);
int tdx_dmar_down(struct tdx_tdi *tdi);

/* mmio.c */
void tdx_mmio_init(struct tdx_mmio *mmio, struct tdx_tsm *tsm,
		   struct tdx_td *td, u64 devif);
int tdx_mmio_reserve(struct tdx_mmio *mmio, u64 start, u64 size);
void tdx_mmio_release(struct tdx_mmio *mmio);
bool tdx_mmio_is_mapped(struct tdx_mmio *mmio, u64 gpa, u64 hpa);
int tdx_mmio_map(struct tdx_mmio *mmio, u64 gpa, u64 hpa, unsigned int level,
		 u64 *status);
int tdx_mmio_unmap_all(struct tdx_mmio *mmio);
int tdx_mmio_give_back(struct tdx_mmio *mmio);

/* td.c */
extern struct tio_tvms tdx_tds;
struct tdx_td *tdx_td_get(struct tdx_tsm *tsm, struct kvm *kvm);
int tdx_td_sept(struct tdx_td *td, u64 gpa);
bool tdx_td_has_sept(struct tdx_td *td, u64 gpa);
int tdx_td_room(struct tdx_td *td, u64 gpa, unsigned int level);
void tdx_td_room_undo(struct tdx_td *td, u64 gpa, unsigned int level);

/* tdmem.c */
int tdx_mem_miss(void *priv, u16 rid, u64 gpa);
void tdx_mem_remove(struct tdx_td *td, u64 start, u64 end);

/* link.c */
int tdx_link_up(struct tdx_link *link);
void tdx_link_down(struct tdx_link *link);
int tdx_link_usable(struct tdx_link *link);
int tdx_link_block(struct tdx_link *link, struct tdx_tdi *cause);

/* tdi.c */
extern const enum tio_step tdx_unbind_order[];
struct pci_tdi *tdx_tdi_bind(struct pci_dev *pdev, struct kvm *kvm, u32 tdi_id);
void tdx_tdi_unbind(struct pci_tdi *tdi);
void tdx_tdi_tell_error(struct tdx_tdi *tdi);

/* guest.c */
ssize_t tdx_guest_req(struct pci_tdi *tdi, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code);

#endif /* __TDX_TSM_H */
