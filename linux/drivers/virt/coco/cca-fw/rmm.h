/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of Arm's RMM: private types.
 *
 *  range	an interval of addresses in an ordered tree of disjoint ones
 *  run		granules that one call delegated
 *  use		granules that are an object, a realm's memory or MAPPED
 *  realm	found by its RD granule, as all objects are by theirs
 *  rtt		one table of a realm's stage 2
 *  leaf	one entry of such a table that is not UNASSIGNED and EMPTY
 *  pdev	a physical device
 *  stream	a selective IDE stream between two pdevs
 *  vdev	a device interface (TDI) of a realm
 *  comm	what a pdev or a vdev is talking about with its device
 *  rec		where a realm makes its calls
 *
 * One spinlock, cca_rmm::lock, owns all of it (irqs off, a leaf: KVM asks under
 * its mmu_lock). Memory is allocated before it is taken and freed after it is
 * dropped; nodes are embedded, so that nothing allocates under it. A call that
 * drives the root complex does so with the lock dropped and says what it left
 * behind for others to see.
 */
#ifndef __CCA_RMM_PRIVATE_H
#define __CCA_RMM_PRIVATE_H

#include <crypto/sha2.h>
#include <linux/cca-rmm.h>
#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/teemu.h>

#define RMM_ROOT_LEVEL		1
#define RMM_LAST_LEVEL		3

/* [base, top) */
struct rmm_range {
	struct rb_node rb;
	u64 base;
	u64 top;
};

/* @next: when it was taken out of the tree and waits to be freed */
struct cca_run {
	struct rmm_range r;
	enum cca_mem kind;
	struct cca_run *next;
};

enum rmm_use_type {
	RMM_USE_RD = 1,
	RMM_USE_REC,
	RMM_USE_ROOT,			/* the root table of a stage 2 */
	RMM_USE_RTT,
	RMM_USE_DATA,
	RMM_USE_PDEV,
	RMM_USE_VDEV,
	RMM_USE_DEV,			/* device memory: MAPPED */
	RMM_NR_USES,
};

/* @type: 0: not in the tree. The object is the structure around this one */
struct rmm_use {
	struct rmm_range r;
	enum rmm_use_type type;
};

enum rmm_leaf_state {
	RMM_DATA = 1,
	RMM_DEV_NEW,			/* mapped, RIPAS EMPTY: not visible */
	RMM_DEV,			/* RIPAS DEV */
	RMM_DESTROYED,			/* not mapped, RIPAS DESTROYED */
};

/**
 * struct cca_leaf - an entry of a stage 2 table
 * @r: IPA range, in rmm_realm::leaves
 * @use: the granules, while it is mapped
 * @state: see enum rmm_leaf_state
 * @level: 3, 2 or 1
 * @next: when it was taken out of the tree and waits to be freed
 */
struct cca_leaf {
	struct rmm_range r;
	struct rmm_use use;
	enum rmm_leaf_state state;
	unsigned int level;
	struct cca_leaf *next;
};

/**
 * struct rmm_rtt - a table of a stage 2
 * @use: its granule
 * @r: the IPA range that it serves, in rmm_realm::rtts; unused for the root
 * @live: mapped leaves and tables below
 * @dead: DESTROYED leaves
 */
struct rmm_rtt {
	struct rmm_use use;
	struct rmm_range r;
	u32 live;
	u32 dead;
};

enum rmm_realm_state {
	RMM_REALM_NEW,
	RMM_REALM_ACTIVE,
	RMM_REALM_ZOMBIE,
};

/**
 * struct rmm_realm - a realm
 * @use: RD
 * @state: of its life
 * @da: may have devices
 * @root: the root table, level 1
 * @rtts: the other tables, by level
 * @leaves: every struct cca_leaf
 * @rec: its REC, or NULL
 * @vdevs: device interfaces
 */
struct rmm_realm {
	struct rmm_use use;
	enum rmm_realm_state state;
	bool da;
	struct rmm_rtt root;
	struct rb_root rtts[RMM_LAST_LEVEL + 1];
	struct rb_root leaves;
	struct rmm_rec *rec;
	u32 vdevs;
};

/* where a realm's call is */
enum rmm_stage {
	RMM_NOTHING_PENDING,
	RMM_WANTS_VDEV,			/* left with VDEV_REQUEST */
	RMM_WANTS_MAP,			/* left with VDEV_MAP */
};

/**
 * struct rmm_rec - where a realm makes its calls
 * @use: its granule
 * @realm: whose it is
 * @running: a fault switch keeps it in the realm
 * @stage: of the call that is pending
 * @nr: RSI_*, which call it is
 * @map: its arguments
 * @completed: the host named the vdev
 * @lock_nonce: of the vdev when it asked for the mapping
 * @done: WANTS_MAP: how far the host came
 */
struct rmm_rec {
	struct rmm_use use;
	struct rmm_realm *realm;
	bool running;
	enum rmm_stage stage;
	u32 nr;
	struct rsi_map map;
	bool completed;
	u64 lock_nonce;
	u64 done;
};

enum rmm_op {
	RMM_OP_NONE,
	RMM_OP_CERTS,			/* pdev: NEW -> NEEDS_KEY or READY */
	RMM_OP_SESSION,			/* pdev: HAS_KEY -> READY */
	RMM_OP_CONNECT,			/* pdev */
	RMM_OP_REFRESH,			/* pdev */
	RMM_OP_STOP,			/* pdev: -> STOPPED */
	RMM_OP_UNLOCK,			/* vdev: STOP, GET_STATE */
	RMM_OP_LOCK,			/* vdev: LOCK, GET_STATE */
	RMM_OP_START,			/* vdev: START, GET_STATE */
	RMM_OP_REPORT,			/* vdev: GET_REPORT until it is whole */
	RMM_OP_MEASURE,			/* vdev */
};

/**
 * struct rmm_talk - an operation that talks with a device
 * @op: what; NONE: idle
 * @active: a message is with the host; else the operation is pending
 * @type: TDISP code of that message
 * @offset: bytes of a chain or a report that came
 * @sha: of those bytes
 */
struct rmm_talk {
	enum rmm_op op;
	bool active;
	u8 type;
	u32 offset;
	struct sha384_ctx sha;
};

/**
 * struct rmm_pdev - a physical device
 * @use: its granule
 * @list: in cca_rmm::pdevs
 * @params: what the host said that it is
 * @state: see enum rmi_pdev_state
 * @talk: with the device
 * @stream: its IDE stream (endpoint), or NULL
 * @streams: IDE streams of it
 * @vdevs: device interfaces of it
 * @certs_digest: of the certificate chain
 * @tail: the last bytes of the chain so far; the key when it is whole
 * @tail_len: of those
 */
struct rmm_pdev {
	struct rmm_use use;
	struct list_head list;
	struct rmi_pdev_params params;
	enum rmi_pdev_state state;
	struct rmm_talk talk;
	struct rmm_stream *stream;
	u32 streams;
	u32 vdevs;
	u8 certs_digest[CCA_DIGEST_SIZE];
	u8 tail[CCA_PUBKEY_SIZE];
	u32 tail_len;
};

enum rmm_stream_state {
	RMM_CONNECTING,
	RMM_CONNECTED,
	RMM_DISCONNECTING,
};

/* @busy: the root complex is being driven for it, with the lock dropped */
struct rmm_stream {
	struct list_head list;
	u64 handle;
	u8 id;
	enum rmm_stream_state state;
	bool busy;
	struct rmm_pdev *port;
	struct rmm_pdev *ep;
};

/* an entry of the SMMU's stream table */
enum rmm_ste {
	RMM_STE_PREPARED,
	RMM_STE_ENABLED,
	RMM_STE_DISABLED,
};

/**
 * struct rmm_vdev - a device interface
 * @use: its granule
 * @list: in cca_rmm::vdevs
 * @realm: owner
 * @pdev: whose function it is
 * @params: what the host said that it is
 * @state: see enum rmi_vdev_state
 * @told: TDISP state as the device told it last
 * @ste: trusted DMA
 * @talk: with the device
 * @nonce: of the device's LOCK, while LOCKED
 * @nonces: what the realm must show
 * @report_digest: of the interface report
 * @meas_digest: of the measurements
 */
struct rmm_vdev {
	struct rmm_use use;
	struct list_head list;
	struct rmm_realm *realm;
	struct rmm_pdev *pdev;
	struct rmi_vdev_params params;
	enum rmi_vdev_state state;
	enum tdisp_state told;
	enum rmm_ste ste;
	struct rmm_talk talk;
	u8 nonce[TDISP_NONCE_SIZE];
	struct rsi_vdev_nonces nonces;
	u8 report_digest[CCA_DIGEST_SIZE];
	u8 meas_digest[CCA_DIGEST_SIZE];
};

/**
 * struct cca_rmm - the RMM of one machine
 * @lock: owns everything below but @platform and @priv; irqs off, a leaf
 * @ref: the referee
 * @runs: every struct cca_run: what is not in it is NS
 * @uses: every struct rmm_use: what is not in it is DELEGATED, if in @runs
 * @nr_uses: granule uses of each type
 * @pdevs: every struct rmm_pdev
 * @streams: every struct rmm_stream
 * @vdevs: every struct rmm_vdev
 * @nonce: the last nonce or stream handle that was given out
 * @platform: what the RMM drives; set while no call is in progress
 * @priv: its argument
 */
struct cca_rmm {
	spinlock_t lock;	/* see above: owns everything but the platform */
	struct tio_referee ref;
	struct rb_root runs;
	struct rb_root uses;
	u32 nr_uses[RMM_NR_USES];
	struct list_head pdevs;
	struct list_head streams;
	struct list_head vdevs;
	u64 nonce;
	const struct teemu_platform *platform;
	void *priv;
};

/* range.c */
struct rmm_range *rmm_range_first(const struct rb_root *root, u64 base, u64 top);
bool rmm_range_add(struct rb_root *root, struct rmm_range *range);
static inline struct rmm_range *rmm_range_at(const struct rb_root *root, u64 at)
{
	return rmm_range_first(root, at, at + 1);
}

static inline bool rmm_is_span(u64 base, u64 top)
{
	return base < top && !((base | top) & (CCA_GRANULE - 1));
}

/* granule.c */
bool rmm_is_delegated(struct cca_rmm *rmm, u64 base, u64 top, enum cca_mem kind);
u64 rmm_claim(struct cca_rmm *rmm, struct rmm_use *use, u64 pa,
	      enum rmm_use_type type);
void rmm_use_add(struct cca_rmm *rmm, struct rmm_use *use, u64 base, u64 top,
		 enum rmm_use_type type);
void rmm_use_del(struct cca_rmm *rmm, struct rmm_use *use);
struct rmm_use *rmm_use_find(struct cca_rmm *rmm, u64 pa, enum rmm_use_type type);
struct rmm_use *rmm_mapped(struct cca_rmm *rmm, u64 base, u64 top);
void rmm_runs_free(struct cca_rmm *rmm);

/* realm.c */
struct rmm_realm *rmm_realm_find(struct cca_rmm *rmm, u64 rd);
struct rmm_rec *rmm_rec_find(struct cca_rmm *rmm, u64 rec);
bool rmm_realm_alive(struct cca_rmm *rmm, const struct rmm_realm *realm);

/* rtt.c */
u64 rmm_span(unsigned int level);
struct rmm_rtt *rmm_walk(struct rmm_realm *realm, u64 ipa, unsigned int level,
			 unsigned int *reached);
u64 rmm_walk_to(struct cca_rmm *rmm, struct rmm_realm *realm, u64 ipa,
		unsigned int level, struct rmm_rtt **rtt);
struct cca_leaf *rmm_leaf_first(struct rmm_realm *realm, u64 ipa, u64 top);
void rmm_leaves_free(struct cca_leaf *leaf);
void rmm_stage2_free(struct rmm_realm *realm);

/* pdev.c */
struct rmm_pdev *rmm_pdev_find(struct cca_rmm *rmm, u64 pdev);
bool rmm_pdev_idle(struct cca_rmm *rmm, const struct rmm_pdev *pdev);

/* talk.c */
void rmm_talk_begin(struct rmm_talk *talk, enum rmm_op op);
u64 rmm_talk_check(struct cca_rmm *rmm, const struct rmm_talk *talk,
		   struct rmi_comm *comm);
void rmm_talk_send(struct rmm_talk *talk, struct rmi_comm *comm, u8 type,
		   size_t len);
void rmm_talk_cache(struct rmm_talk *talk, struct rmi_comm *comm,
		    enum rmi_cache_object object, const u8 *bytes, u32 len);

/* vdev.c */
struct rmm_vdev *rmm_vdev_find(struct cca_rmm *rmm, u64 vdev);
struct rmm_vdev *rmm_vdev_by_id(struct cca_rmm *rmm,
				const struct rmm_realm *realm, u64 vdev_id);
struct rmm_vdev *rmm_vdev_of_pa(struct cca_rmm *rmm, u64 pa);
bool rmm_vdev_has(const struct rmm_vdev *vdev, u64 base, u64 top);
bool rmm_vdev_attested(const struct rmm_vdev *vdev);
u64 rmm_vdev_own(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa,
		 struct rmm_vdev **vdev);

/* vdev_talk.c */
u64 rmm_vdev_talk(struct cca_rmm *rmm, struct rmm_vdev *vdev,
		  struct rmi_comm *comm);

/* tdma.c */
extern const struct teemu_fw_ops cca_teemu_ops;

#endif /* __CCA_RMM_PRIVATE_H */
