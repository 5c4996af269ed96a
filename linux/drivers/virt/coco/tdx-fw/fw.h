/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware model of Intel TDX Connect: private types.
 *
 *  page	a 4 KiB page that the host gave away; all of them are in one tree
 *		(the PAMT) and a page is in it once
 *  td		a trust domain, found by its root page
 *  sept	one last-level page of a TD's secure EPT
 *  leaf	what a TD's secure EPT shows at an address, in 4 KiB, 2 MiB or 1 GiB
 *  spdm	a session with a device
 *  stream	a selective IDE stream of a session
 *  devif	a device interface (TDI) of a TD
 *  round	one TDISP request and its answer; a devif has two, the VMM's and
 *		the TD's
 *  dmar	an entry of the trusted DMA tables
 *  mmiomt	one page of metadata of MMIO
 *
 * One spinlock, tdx_fw::lock, owns all of it (irqs off, a leaf: KVM asks under
 * its mmu_lock). Memory is allocated before it is taken and freed after it is
 * dropped; nodes are embedded, so that nothing allocates under it. A call that
 * drives the root complex does so with the lock dropped and says what it left
 * behind for others to see.
 */
#ifndef __TDX_FW_PRIVATE_H
#define __TDX_FW_PRIVATE_H

#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tdisp.h>
#include <linux/tdx-fw.h>
#include <linux/teemu.h>

#define FW_ENTRIES			512	/* of a table of any level */
#define FW_LEVEL_SHIFT(level)		(PAGE_SHIFT + 9 * (level))
#define FW_NR_SHARED			256	/* root entries of the shared half */
#define FW_ADDRESS_BITS			52

/* an entry of an ordered tree of numbers */
struct fw_node {
	struct rb_node rb;
	u64 key;
};

/* the key of what an IOMMU has many of */
static inline u64 fw_key(u8 iommu, u32 number)
{
	return (u64)iommu << 32 | number;
}

enum fw_page_type {
	FW_PT_TDR = 1,
	FW_PT_TDCX,
	FW_PT_TDVPR,
	FW_PT_SEPT,
	FW_PT_REG,			/* a TD's private memory */
	FW_PT_SPDM,
	FW_PT_DEVIF,
	FW_PT_DEVIF_MSG,
	FW_PT_DEVIF_MT,
	FW_PT_MMIO_MT,
	FW_PT_IOMMU_MT,
	FW_NR_PT,
};

/**
 * struct fw_page - a page that belongs to firmware
 * @node: in tdx_fw::pages, by page number
 * @type: what it is used for; the object is the structure around this one
 * @td: the TD that counts it as a child, or NULL
 */
struct fw_page {
	struct fw_node node;
	enum fw_page_type type;
	struct fw_td *td;
};

enum fw_lifecycle {
	FW_HKID_ASSIGNED,
	FW_KEYS_CONFIGURED,
	FW_BLOCKED,
	FW_TEARDOWN,
};

enum fw_op_state {
	FW_UNINITIALIZED,
	FW_INITIALIZED,
	FW_RUNNABLE,
};

/**
 * struct fw_td - a trust domain
 * @page: TDR
 * @hkid: its key id, until MNG.KEY.FREEID
 * @lifecycle: of the key
 * @op: of the build
 * @fatal: a fault switch made it fatal
 * @leaked: VPFLUSHDONE was refused because of devices: a host that gives up
 *	    there leaks the key id and every page
 * @children: pages but the TDR that the TD owns
 * @nr_tdcs: TDCS pages
 * @nr_assoc: vCPUs that are associated with a CPU
 * @devifs: device interfaces
 * @pasidtes: PASIDTEs that give its S-EPT to a device
 * @serial: no other TD of the model has or had it
 * @tlb_epoch: MEM.TRACKs
 * @iotlb_req: IOTLB invalidations that were requested
 * @iotlb_done: the latest of them that was processed
 * @iotlb_waits: how many of them are in a queue, of whichever IOMMU
 * @sept: its struct fw_sept, by gpa / 2 MiB
 * @big: its struct fw_big, by gpa / 2 MiB
 * @nr_big: how many
 * @shared: root entries of the shared half
 */
struct fw_td {
	struct fw_page page;
	u16 hkid;
	enum fw_lifecycle lifecycle;
	enum fw_op_state op;
	bool fatal;
	bool leaked;
	u32 children;
	u32 nr_tdcs;
	u32 nr_assoc;
	u32 devifs;
	u32 pasidtes;
	u64 serial;
	u64 tlb_epoch;
	u64 iotlb_req;
	u64 iotlb_done;
	u32 iotlb_waits;
	struct rb_root sept;
	struct rb_root big;
	u32 nr_big;
	u64 shared[FW_NR_SHARED];
};

/* a TDCS page: nothing but its existence is modelled */
struct fw_tdcx {
	struct fw_page page;
};

/* a vCPU, TDVPR page */
struct fw_vp {
	struct fw_page page;
	bool assoc;
};

/**
 * struct fw_leaf - what is at an address of a TD
 * @state: see enum tdx_sept_state
 * @level: 0, or the leaf is in a struct fw_big
 * @hpa: physical address, 0 when FREE
 * @tlb_mark: the TD's tlb_epoch when it was blocked
 * @iotlb_mark: the TD's iotlb_req when it was blocked
 */
struct fw_leaf {
	enum tdx_sept_state state;
	unsigned int level;
	u64 hpa;
	u64 tlb_mark;
	u64 iotlb_mark;
};

/**
 * struct fw_sept_entry - 4 KiB of a TD's private address space
 * @page: the memory page while it belongs to the TD; unused for MMIO
 * @index: its place in fw_sept::entry
 * @leaf: what is there
 */
struct fw_sept_entry {
	struct fw_page page;
	u16 index;
	struct fw_leaf leaf;
};

/* one S-EPT page; @used: entries that are not FREE, @memory: of those, memory */
struct fw_sept {
	struct fw_node node;
	struct fw_page page;
	u32 used;
	u32 memory;
	struct fw_sept_entry entry[FW_ENTRIES];
};

/**
 * struct fw_big - a large leaf, of MMIO
 * @node: in fw_td::big while it is mapped
 * @td: that TD's TDR
 * @serial: and its serial: a TD that is gone has no leaf any more
 * @leaf: what it shows
 *
 * It lives in the metadata of the MMIO that it shows, which cannot go before the
 * leaf does: mapping one allocates nothing.
 */
struct fw_big {
	struct fw_node node;
	u64 td;
	u64 serial;
	struct fw_leaf leaf;
};

/* an SPDM session object, by iommu, index; @streams: IDE streams of it */
struct fw_spdm {
	struct fw_node node;
	struct fw_page page;
	u8 iommu;
	u16 index;
	bool bound;
	u8 pkh[TDX_FW_PKH_SIZE];
	u32 streams;
};

enum fw_keys {
	FW_KEYS_NONE,
	FW_KEYS_PROG,
	FW_KEYS_GO,
};

/* a selective IDE stream, by iommu, id; @devifs: device interfaces behind it */
struct fw_stream {
	struct fw_node node;
	u8 iommu;
	u8 id;
	struct fw_spdm *spdm;
	struct tdx_ide_assoc assoc;
	enum fw_keys keys;
	bool outreq;
	enum tdx_idekm_op op;
	bool blocked;
	u32 devifs;
};

/* a page of the tree of device interfaces, by iommu, bus; @devifs: entries present */
struct fw_devifmt {
	struct fw_node node;
	struct fw_page page;
	u8 iommu;
	u8 index;
	u32 devifs;
};

enum fw_step {
	FW_AVAILABLE,
	FW_REQUESTED,			/* the TD asked, the host has not sent */
	FW_GENERATED,			/* the message is with the host */
	FW_PROCESSED,			/* the answer came, the TD has not looked */
};

/**
 * struct fw_round - one TDISP request
 * @step: how far it is
 * @type: TDISP request code
 * @gen: fw_devif::gen when the TD asked: a round does not survive a STOP
 * @offset: GET_REPORT: first byte asked for
 * @portion: GET_REPORT: bytes that came
 * @remainder: GET_REPORT: bytes that are left
 * @told: GET_STATE: the answer
 * @reporting_offset: of LOCK, until it is applied
 * @status: outcome of the TD's round, for the TD
 * @disturbed: a fault switch refused its DEVIF.RESPONSE: that it is not over is not
 *	       the host's mistake
 */
struct fw_round {
	enum fw_step step;
	u8 type;
	u32 gen;
	u16 offset;
	u16 portion;
	u16 remainder;
	enum tdisp_state told;
	u64 reporting_offset;
	u64 status;
	bool disturbed;
};

/**
 * struct fw_devif - a device interface
 * @node: in tdx_fw::devifs, by iommu, rid: a function is there once
 * @id: TDX_DEVIF_ID()
 * @td: owner
 * @stream: its IDE stream
 * @mt: the page of the tree that has its entry
 * @root: the page with the object itself
 * @msg: message buffers, the TD's and the VMM's
 * @state: TDISP state as far as answers told
 * @told: the device's last answer to STATE
 * @valid: the TD has attested it
 * @gen: counts LOCKs, STOPs and falls to ERROR
 * @nonce: of LOCK, while CONFIG_LOCKED
 * @reporting_offset: of LOCK
 * @mmio_count: MMIO pages of it in the TD's S-EPT
 * @pasidtes: its entries in the trusted DMA tables
 * @vmm: the VMM's TDISP request
 * @tvm: the TD's TDISP request
 * @report_len: bytes of @report that are there
 * @report_done: @report is whole and was checked
 * @report: the device interface report
 */
struct fw_devif {
	struct fw_node node;
	u64 id;
	struct fw_td *td;
	struct fw_stream *stream;
	struct fw_devifmt *mt;
	struct fw_page root;
	struct fw_page msg[2];
	enum tdisp_state state;
	enum tdisp_state told;
	bool valid;
	u32 gen;
	u8 nonce[TDISP_NONCE_SIZE];
	u64 reporting_offset;
	u32 mmio_count;
	u32 pasidtes;
	struct fw_round vmm;
	struct fw_round tvm;
	u32 report_len;
	bool report_done;
	u8 report[TDX_FW_REPORT_MAX];
};

/**
 * struct fw_dmar - an entry of the trusted DMA tables that is not FREE
 * @node: in fw_iommu::dmar, by level, rid
 * @iommu: the IOMMU
 * @level: which table
 * @rid: requester id; the bus alone for an RTE
 * @state: see enum tdx_dmar_state
 * @inv: see enum tdx_dmar_inv, of a BLOCKED entry
 * @page: the table below, if the level has one
 * @parent: the entry above, NULL for an RTE
 * @children: entries below
 * @devif: PASIDTE: the function, whose TD's S-EPT it shows
 * @iotlb_mark: PASIDTE: the TD's iotlb_req when it was blocked
 */
struct fw_dmar {
	struct fw_node node;
	u8 iommu;
	enum tdx_dmar_level level;
	u16 rid;
	enum tdx_dmar_state state;
	enum tdx_dmar_inv inv;
	struct fw_page page;
	struct fw_dmar *parent;
	u32 children;
	struct fw_devif *devif;
	u64 iotlb_mark;
};

/* one descriptor: of @entry, or, when that is NULL, IOTLB number @seq of @td */
struct fw_inv {
	struct fw_dmar *entry;
	struct fw_td *td;
	u64 seq;
};

/**
 * struct fw_iommu - an IOMMU
 * @state: of its configuration
 * @root: page of RTPAGE, if @has_root
 * @queue: page of IQPAGE, if @has_queue
 * @has_root: the host gave one
 * @has_queue: the host gave one
 * @dmar: every struct fw_dmar of it
 * @sessions: SPDM sessions of it
 * @iq: descriptors that wait
 * @iq_len: how many
 * @iq_busy: a process() of entry descriptors is at work with the lock dropped
 */
struct fw_iommu {
	enum tdx_iommu_state state;
	struct fw_page root;
	struct fw_page queue;
	bool has_root;
	bool has_queue;
	struct rb_root dmar;
	u32 sessions;
	struct fw_inv iq[TDX_FW_IQ_LEN];
	u32 iq_len;
	bool iq_busy;
};

/**
 * struct fw_mmiomt_entry - metadata of one leaf of MMIO
 * @type: QNODE or DATA
 * @mapped: of DATA: in a TD's secure EPT; of a large leaf see fw_mmio_mapped()
 * @table: of a QNODE: a page of metadata is below
 * @devif: of DATA: whose it is
 */
struct fw_mmiomt_entry {
	enum tdx_mmiomt_type type;
	bool mapped;
	bool table;
	u64 devif;
};

/**
 * struct fw_mmiomt - a page of metadata of MMIO
 * @node: in tdx_fw::mmiomt of its level, by hpa / the bytes it serves
 * @page: the page
 * @level: 1 to TDX_MMIOMT_TOP; of its entries: one less
 * @used: entries that are DATA or have a page below
 * @entry: the entries
 * @big: the leaves of the entries, if those are large
 */
struct fw_mmiomt {
	struct fw_node node;
	struct fw_page page;
	unsigned int level;
	u32 used;
	struct fw_mmiomt_entry entry[FW_ENTRIES];
	struct fw_big big[];
};

/**
 * struct tdx_fw - the firmware of one machine
 * @lock: owns everything below but @platform and @priv; irqs off, a leaf
 * @pages: every struct fw_page (the PAMT)
 * @mmiomt: every struct fw_mmiomt, of level 1 first
 * @spdm: every struct fw_spdm
 * @streams: every struct fw_stream
 * @devifmt: every struct fw_devifmt
 * @devifs: every struct fw_devif
 * @iommu: trusted DMA tables and invalidation queues
 * @hkids: key ids in use
 * @nr_pages: pages of each type
 * @nr_mmio: leaves of MMIO in any S-EPT
 * @serial: of the last TD
 * @ref: the judge
 * @platform: what firmware drives; set while no call is in progress
 * @priv: its argument
 */
struct tdx_fw {
	spinlock_t lock;	/* see above: owns everything but the platform */
	struct rb_root pages;
	struct rb_root mmiomt[TDX_MMIOMT_TOP];
	struct rb_root spdm;
	struct rb_root streams;
	struct rb_root devifmt;
	struct rb_root devifs;
	struct fw_iommu iommu[TDX_FW_NR_IOMMUS];
	DECLARE_BITMAP(hkids, TDX_FW_NR_HKIDS);
	u32 nr_pages[FW_NR_PT];
	u32 nr_mmio;
	u64 serial;
	struct tio_referee ref;
	const struct teemu_platform *platform;
	void *priv;
};

/* every call is fw_judge(fw, leaf, object, fw_begin(fw, leaf) ?: ...) */
static inline u64 fw_begin(struct tdx_fw *fw, u32 leaf)
{
	return tio_begin(&fw->ref, leaf);
}

static inline u64 fw_judge(struct tdx_fw *fw, u32 leaf, u64 object, u64 status)
{
	return tio_judge(&fw->ref, leaf, object, status);
}

static inline u64 fw_refuse_as(struct tdx_fw *fw, enum tio_blame blame, u64 status)
{
	return tio_refuse_as(&fw->ref, blame, status);
}

/* model.c */
void fw_tables_show(void *fw, struct seq_file *m);

/* page.c */
struct fw_node *fw_node_find(struct rb_root *root, u64 key);
struct fw_node *fw_node_next(struct rb_root *root, u64 key);
bool fw_node_add(struct rb_root *root, struct fw_node *node);
struct fw_node *fw_node_first(struct rb_root *root);
struct fw_node *fw_node_after(struct fw_node *node);
void fw_node_del(struct rb_root *root, struct fw_node *node);
struct fw_page *fw_page_find(struct tdx_fw *fw, u64 pa);
u64 fw_page_claim(struct tdx_fw *fw, struct fw_page *page, u64 pa,
		  enum fw_page_type type, struct fw_td *td);
void fw_page_release(struct tdx_fw *fw, struct fw_page *page);
u64 fw_page_pa(const struct fw_page *page);
void fw_pages_free(struct tdx_fw *fw);

/* td.c */
struct fw_td *fw_td_find(struct tdx_fw *fw, u64 td);
u64 fw_td_check(const struct fw_td *td, enum fw_op_state op);
u64 fw_td_find_guest(struct tdx_fw *fw, u64 pa, struct fw_td **td);
bool fw_td_may_run(const struct fw_td *td);
u64 fw_td_tracked(const struct fw_td *td, u64 tlb_mark, u64 iotlb_mark);

/* sept.c */
struct fw_leaf *fw_leaf_at(struct tdx_fw *fw, struct fw_td *td, u64 gpa);
u64 fw_leaf_walk(struct tdx_fw *fw, struct fw_td *td, u64 gpa,
		 unsigned int level, struct fw_leaf **leaf);
void fw_leaf_add_big(struct fw_td *td, struct fw_big *big, u64 gpa,
		     unsigned int level);
void fw_leaf_set_mmio(struct fw_leaf *leaf, u64 hpa);
void fw_leaf_block(const struct fw_td *td, struct fw_leaf *leaf,
		   enum tdx_sept_state state);
void fw_leaf_free(struct fw_td *td, struct fw_leaf *leaf);
bool fw_level_fits(u64 addr, unsigned int level);
u64 fw_sept_reclaim(struct tdx_fw *fw, struct fw_page *page);
void fw_sept_reclaim_leaf(struct tdx_fw *fw, struct fw_page *page);

/* spdm.c, ide.c */
struct fw_spdm *fw_spdm_find(struct tdx_fw *fw, u8 iommu, u16 index);
struct fw_stream *fw_stream_find(struct tdx_fw *fw, u8 iommu, u8 stream);

/* devif.c, tdisp.c */
struct fw_devif *fw_devif_find(struct tdx_fw *fw, u64 id);
struct fw_devif *fw_devif_of_rid(struct tdx_fw *fw, u8 iommu, u16 rid);
bool fw_devif_stopped(const struct fw_devif *devif);
bool fw_devif_locked(const struct fw_devif *devif);
u64 fw_tdisp_td_allowed(const struct fw_devif *devif, u8 type);
u64 fw_tdisp_apply_td(struct tdx_fw *fw, struct fw_devif *devif);

/* iommu.c */
u64 fw_iommu_check(struct tdx_fw *fw, u8 iommu);

/* dmar.c */
u64 fw_dmar_operands(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		     u64 id, u32 level_pos);
struct fw_dmar *fw_dmar_find(struct tdx_fw *fw, u8 iommu,
			     enum tdx_dmar_level level, u16 rid);

/* mmiomt.c */
struct fw_mmiomt_entry *fw_mmiomt_walk(struct tdx_fw *fw, u64 hpa,
				       unsigned int level, struct fw_mmiomt **mt);
struct fw_big *fw_mmiomt_big(struct fw_mmiomt *mt, struct fw_mmiomt_entry *entry);
bool fw_mmio_mapped(struct tdx_fw *fw, struct fw_mmiomt *mt,
		    struct fw_mmiomt_entry *entry);
void fw_mmio_forget(struct tdx_fw *fw, u64 hpa);

/* tdma.c */
extern const struct teemu_fw_ops fw_teemu_ops;

#endif /* __TDX_FW_PRIVATE_H */
