/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The TSM driver of Arm CCA on the emulated platform.
 *
 *  tsm		one root complex and the RMM that guards it
 *  link	the two PDEVs and the IDE stream between a root port and a device
 *  realm	the RMM's view of one TVM: RD, REC, stage 2
 *  tdi		one bound function: its VDEV and its private MMIO
 *  mmio	device memory of one VDEV in its realm's stage 2
 *  rtt		a table of a realm's stage 2
 *  cache	what the RMM wants the host to keep of a device's answers
 *  granule	a page that was delegated to the RMM
 *
 * Locks, outermost first:
 *  pci_tsm_rwsem, pci_tsm_pf0::lock	every op; owns the link and its TDIs
 *   tio_tsm::lock			(mutex) owns lost links and root ports in use
 *   tio_tvms::lock			(mutex) owns birth and death of realms
 *    cca_realm::rec_lock		(mutex) owns the one call of the realm
 *     cca_realm::rtt_lock		(mutex) owns the tables of its stage 2
 *      KVM mmu_lock			(not taken here; callbacks run under it)
 *       cca_realm::lock		(spinning) owns private memory in it
 *        the firmware's own lock	(spinning leaf)
 *
 * tio_tsm::srcu keeps a TDI alive for the DMA miss handler, which must not take
 * pci_tsm_pf0::lock: unbind holds it while it waits for DMA to drain.
 */
#ifndef __CCA_TSM_H
#define __CCA_TSM_H

#include <linux/cca-rmm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci-ide.h>
#include <linux/pci-tdi.h>
#include <linux/pci-tsm.h>
#include <linux/spinlock.h>
#include <linux/teemu.h>
#include <linux/tio-tsm.h>
#include <linux/xarray.h>

/*
 * How long an operation may begin DOE rounds, in ms; the last one ends TIO_ROUND_MS
 * later. So, with any device,
 *  bind	4.8 + 3 s; if that fails, with its undoing, TIO_LAST_ROUND_MS + 3 s: 9.3 s
 *  unbind	3.3 + 3 s: 6.3 s
 *  request	4 + 3 s: 7 s
 *  connect	5 + 3 s, and if that fails its undoing 3.3 + 3 s: 14.3 s
 *  disconnect	3.3 + 3 s: 6.3 s
 * Bind needs five rounds (one to see whether anybody is there, STOP, GET_STATE,
 * LOCK, GET_STATE), unbind needs STOP and GET_STATE and forgives one lost answer: all
 * of them still fit if the device takes 1 s for each.
 */
#define CCA_BIND_MS		4800
#define CCA_UNBIND_MS		3300
#define CCA_REQUEST_MS		4000
#define CCA_CONNECT_MS		5000
/*
 * The longest unbind, whatever the device does: the rounds above. A device that is
 * dead, or answers nothing but nonsense, is asked to stop until the time for rounds is
 * over, since the RMM has no force: 4 s or less, and then there is quarantine. Calls
 * for each leaf are not in it.
 */
#define CCA_UNBIND_WORST_MS	(CCA_UNBIND_MS + TIO_ROUND_MS)
static_assert(CCA_UNBIND_WORST_MS < TIO_HOLD_MS);
static_assert(CCA_REQUEST_MS + TIO_ROUND_MS < TIO_HOLD_MS);

/*
 * Calls of the RMM of which it demands one for each leaf of private MMIO (or fewer,
 * since MAP, VALIDATE and UNMAP do CCA_YIELD_LEAVES leaves at a time, and DELEGATE
 * and UNDELEGATE any number). The worst case is a guest that validates leaf by leaf:
 *  bind	VALIDATE_MAPPING, VDEV_COMPLETE, REC_ENTER twice: the guest's request;
 *		GRANULE_RANGE_DELEGATE, RTT_DEV_MAP, RTT_DEV_VALIDATE: the host's part
 *  unbind	RTT_DEV_UNMAP, GRANULE_RANGE_UNDELEGATE
 *  a table	GRANULE_RANGE_DELEGATE, RTT_CREATE: once for each 2 MiB that has 4 KiB
 *		leaves, and for each 1 GiB that has smaller ones than 1 GiB, in the
 *		life of a realm
 */
#define CCA_LEAF_BIND_CALLS	7
#define CCA_LEAF_UNBIND_CALLS	2
#define CCA_TABLE_CALLS		2
/*
 * All others, with a device that answers at once:
 *  bind	GRANULE_RANGE_DELEGATE, VDEV_CREATE, VDEV_LOCK, VDEV_COMMUNICATE six
 *		times: the first of an operation and one for each answer
 *  unbind	VDEV_GET_STATE, VDEV_UNLOCK, VDEV_COMMUNICATE three times,
 *		VDEV_DESTROY, GRANULE_RANGE_UNDELEGATE
 */
#define CCA_BIND_CALLS		9
#define CCA_UNBIND_CALLS	7

/* a refusal may be passing: how often a step of a teardown is tried */
#define CCA_TRIES		3

/**
 * struct cca_tsm - one root complex with its firmware
 * @base: what all vendors have; its lock owns @ports too
 * @rmm: the firmware
 * @ports: requester id of a root port to the &struct cca_link that has its PDEV
 */
struct cca_tsm {
	struct tio_tsm base;
	struct cca_rmm *rmm;
	struct xarray ports;
};

static inline struct cca_tsm *to_cca_tsm(struct tio_tsm *base)
{
	return container_of(base, struct cca_tsm, base);
}

/* bytes that the RMM told us to keep; @size of room, allocated before */
struct cca_cache {
	u8 *bytes;
	size_t len;
	size_t size;
};

/**
 * struct cca_pdev - a physical device, as the RMM knows it
 * @granule: its name; 0: none
 * @created: the RMM has it
 * @talking: an operation of it is with the RMM and has not ended
 */
struct cca_pdev {
	u64 granule;
	bool created;
	bool talking;
};

/**
 * struct cca_link - the secured link with one device
 * @base: what all vendors have
 * @tsm: the root complex
 * @certs: the device's certificate chain as it gave it
 * @ep: PDEV of the endpoint
 * @port: PDEV of the root port
 * @ide: Linux's half of the IDE stream
 * @stream: the RMM's name for the stream
 * @streaming: the RMM has @stream
 * @disconnecting: the RMM has begun to take @stream down
 * @secure: both ports read Secure
 * @cut: the ports were disabled, as an escape: no TDI is bound over it before it is
 *	 made anew
 *
 * Born in probe, filled in connect, emptied in disconnect, freed in remove; all
 * of it under pci_tsm_pf0::lock. If firmware does not let go in disconnect the
 * link is never freed.
 */
struct cca_link {
	struct tio_link base;
	struct cca_tsm *tsm;
	struct cca_cache certs;
	struct cca_pdev ep;
	struct cca_pdev port;
	struct pci_ide *ide;
	u64 stream;
	bool streaming;
	bool disconnecting;
	bool secure;
	bool cut;
};

/**
 * struct cca_rtt - a table of a realm's stage 2
 * @granule: its page
 * @leaves: device memory leaves in it; tables and private memory below it are not
 *	    counted here
 */
struct cca_rtt {
	u64 granule;
	unsigned int leaves;
};

/**
 * struct cca_realm - the RMM's view of one TVM
 * @tvm: what all vendors have
 * @tsm: the root complex whose firmware has it
 * @rd: its granule, and its name
 * @root: the root table's granule
 * @rec: granule and name of its REC
 * @created: the RMM has @rd
 * @rec_created: the RMM has @rec
 * @zombie: it never runs again
 * @vdev_ids: names of its VDEVs to &struct cca_tdi; owned by its own lock
 * @rec_lock: serialises the realm's calls: there is one REC, and one call in it
 * @pending: a call of the realm was left half-way; owned by @rec_lock
 * @rtt_lock: owns @tables, and each cca_rtt in it
 * @tables: of leaves of level 2 and 3: guest physical address by what a table
 *	    serves (1 GiB, 2 MiB) to &struct cca_rtt
 * @lock: owns @mem. Each page in there has a reference taken with it.
 * @mem: guest frame number to page frame number (as a value) of private memory that
 *	 is delegated; marked CCA_MEM_MAPPED while it is in the stage 2
 *
 * Born in the first bind of its TVM; dies after the TVM, or with the driver.
 */
struct cca_realm {
	struct tio_tvm tvm;
	struct cca_tsm *tsm;
	u64 rd;
	u64 root;
	u64 rec;
	bool created;
	bool rec_created;
	bool zombie;
	struct xarray vdev_ids;
	struct mutex rec_lock;		/* owns @pending and what it is about */
	bool pending;
	struct mutex rtt_lock;		/* owns @tables */
	struct xarray tables[2];
	spinlock_t lock;		/* owns @mem */
	struct xarray mem;
};

#define CCA_MEM_MAPPED		XA_MARK_0

/**
 * struct cca_mmio - device memory of one VDEV in its realm's stage 2
 * @realm: the realm
 * @vdev: name of the VDEV
 * @params: what the RMM was told about the VDEV
 * @leaves: by level: physical address by leaf size to guest frame number (as a
 *	    value) of what is delegated. Marked CCA_LEAF_MAPPED while it is in the
 *	    stage 2, CCA_LEAF_VALID once the realm was let see it.
 *
 * Owned by pci_tsm_pf0::lock of the device. Knows nothing of PCI.
 */
struct cca_mmio {
	struct cca_realm *realm;
	u64 vdev;
	struct rmi_vdev_params params;
	struct xarray leaves[3];
};

#define CCA_LEAF_MAPPED		XA_MARK_0
#define CCA_LEAF_VALID		XA_MARK_1

/**
 * struct cca_span - leaves side by side, all of one level, in one table
 * @ipa: guest physical address of the first one
 * @pa: its physical address
 * @len: bytes
 * @level: 1, 2, 3
 */
struct cca_span {
	u64 ipa;
	u64 pa;
	u64 len;
	unsigned int level;
};

/* a realm's VALIDATE_MAPPING; @allow: may it see that? 0 or -errno */
struct cca_validate {
	struct rsi_map map;
	int (*allow)(void *ctx, u64 ipa, u64 top, u64 pa);
	void *ctx;
};

/**
 * struct cca_tdi - one bound function
 * @tdi: the core's context
 * @link: its device
 * @node: in tio_link::tdis
 * @mmio: its VDEV, its realm, and its private MMIO
 * @report: the interface report, once the realm has read it
 * @meas: the measurements
 * @named: @mmio.params.vdev_id is this TDI's in the realm
 * @created: the RMM has the VDEV
 * @talking: an operation of it is with the RMM and has not ended
 * @unheard: the last word of its device was none, or not a good one
 * @started: START was successful
 * @is_unmapped: KVM's leaves are gone: that call-out of unbind was made
 * @dma_is_off: and so was the IOMMU's
 * @locked: not known to be CONFIG_UNLOCKED; read in atomic context
 * @quarantined: firmware did not let go, or has not yet; read in atomic context
 * @error_told: the fall to ERROR was reported, or is about to be: the TVM gets no
 *		page any more; read in atomic context
 * @published: somebody else knows of the TDI: unbind makes the call-outs
 *
 * All under pci_tsm_pf0::lock but where said. Steps are recorded one by one, so
 * that the teardown is right from any half-way state and allocates nothing.
 */
struct cca_tdi {
	struct pci_tdi tdi;
	struct cca_link *link;
	struct list_head node;
	struct cca_mmio mmio;
	struct cca_cache report;
	struct cca_cache meas;
	bool named;
	bool created;
	bool talking;
	bool unheard;
	bool started;
	bool is_unmapped;
	bool dma_is_off;
	bool locked;
	bool quarantined;
	bool error_told;
	bool published;
};

static inline struct cca_tdi *to_cca_tdi(struct pci_tdi *tdi)
{
	return container_of(tdi, struct cca_tdi, tdi);
}

static inline struct cca_tsm *cca_tsm_of(struct cca_tdi *tdi)
{
	return tdi->link->tsm;
}

/* levels of leaves; those of the root are the largest */
#define CCA_ROOT_LEVEL		1
#define CCA_LAST_LEVEL		3

/* bytes that a leaf of @level has: 3: 4 KiB, 2: 2 MiB, 1: 1 GiB */
static inline u64 cca_leaf_size(unsigned int level)
{
	return tio_leaf_size(CCA_LAST_LEVEL - level);
}

/* one past what a table (or 512 leaves of the root) serves */
static inline u64 cca_table_end(u64 ipa, unsigned int level)
{
	u64 span = cca_leaf_size(level) * 512;

	return round_down(ipa, span) + span;
}

/*
 * Calls that find firmware's lock or memory taken are worth a few more tries;
 * a fault that lasts must not hold up an unbind.
 */
#define CCA_BUSY_TRIES		8
#define cca_retry(call)							\
({									\
	u64 __status;							\
	int __tries = CCA_BUSY_TRIES;					\
									\
	do {								\
		__status = (call);					\
	} while (RMI_CODE(__status) == RMI_BUSY && --__tries);		\
	__status;							\
})

/* rmm.c */
int cca_check(struct cca_tsm *tsm, u32 nr, u64 status);
int cca_granule_get(struct cca_tsm *tsm, u64 *granule);
int cca_granule_put(struct cca_tsm *tsm, u64 *granule);
void cca_granule_drop(struct cca_tsm *tsm, u64 *granule);
int cca_cache_alloc(struct cca_cache *cache, size_t size);
void cca_cache_free(struct cca_cache *cache);

/* comm.c */
int cca_comm_ping(struct cca_link *link);
int cca_comm_pdev(struct cca_link *link, struct cca_pdev *pdev);
int cca_comm_vdev(struct cca_tdi *tdi, u64 *status);

/* link.c */
int cca_link_up(struct cca_link *link);
void cca_link_down(struct cca_link *link);
int cca_link_usable(struct cca_link *link);
void cca_link_cut(struct cca_link *link, struct cca_tdi *cause);

/* realm.c */
struct cca_realm *cca_realm_create(struct cca_tsm *tsm);
int cca_realm_destroy(struct cca_realm *realm);

/* tvm.c */
extern struct tio_tvms cca_realms;
int cca_tvm_get(struct cca_tdi *tdi, struct cca_tsm *tsm, struct kvm *kvm);
void cca_tvm_put(struct cca_tdi *tdi);

/* rtt.c */
int cca_rtt_get(struct cca_realm *realm, u64 ipa, unsigned int level);
int cca_rtt_clear(struct cca_realm *realm, u64 ipa, u64 end,
		  unsigned int level);
bool cca_rtt_has(struct cca_realm *realm, u64 ipa, unsigned int level);
void cca_rtt_count(struct cca_realm *realm, u64 ipa, unsigned int level,
		   int leaves);
int cca_rtt_remove_all(struct cca_realm *realm);

/* mem.c */
int cca_mem_miss(void *priv, u16 rid, u64 ipa);
int cca_mem_remove(struct cca_realm *realm, u64 start, u64 end);
int cca_mem_remove_all(struct cca_realm *realm);

/* leaf.c */
void cca_mmio_init(struct cca_mmio *mmio, struct cca_realm *realm);
void cca_mmio_exit(struct cca_mmio *mmio);
bool cca_span_find(struct cca_mmio *mmio, u64 pa, u64 pa_top, xa_mark_t mark,
		   struct cca_span *span);
bool cca_span_find_idle(struct cca_mmio *mmio, u64 pa, u64 pa_top,
			struct cca_span *span);
void cca_span_mark(struct cca_mmio *mmio, const struct cca_span *span, u64 from,
		   u64 to, xa_mark_t mark);
void cca_span_unmark(struct cca_mmio *mmio, const struct cca_span *span,
		     u64 from, u64 to);
int cca_span_add(struct cca_mmio *mmio, const struct cca_span *span);
void cca_span_del(struct cca_mmio *mmio, const struct cca_span *span, u64 len);
int cca_span_there(struct cca_mmio *mmio, u64 ipa, u64 pa, u64 len, u64 *have,
		   u64 *free);

/* mmio.c */
int cca_mmio_map(struct cca_mmio *mmio, u64 ipa, u64 top, u64 pa);
int cca_mmio_validate(struct cca_mmio *mmio, u64 ipa, u64 top, u64 pa);
int cca_mmio_unmap(struct cca_mmio *mmio, u64 pa, u64 pa_top);
int cca_mmio_give_back(struct cca_mmio *mmio, u64 pa, u64 pa_top);

/* rec.c */
int cca_rec_info(struct cca_mmio *mmio, struct rsi_result *result);
int cca_rec_dma(struct cca_mmio *mmio, const struct rsi_vdev_nonces *nonces,
		struct rsi_result *result);
int cca_rec_validate(struct cca_mmio *mmio, const struct cca_validate *validate,
		     struct rsi_result *result);

/* tdi.c */
struct pci_tdi *cca_tdi_bind(struct pci_dev *pdev, struct kvm *kvm, u32 tdi_id);
void cca_tdi_unbind(struct pci_tdi *tdi);
int cca_tdi_state(struct cca_tdi *tdi, enum rmi_vdev_state *state);
int cca_tdi_unlock(struct cca_tdi *tdi);
void cca_tdi_look(struct cca_tdi *tdi);
void cca_tdi_tell_error(struct cca_tdi *tdi);

/* unbind.c */
extern const enum tio_step cca_unbind_order[];
bool cca_tdi_destroy(struct cca_tdi *tdi);

/* guest.c */
ssize_t cca_guest_req(struct pci_tdi *tdi, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code);

#endif /* __CCA_TSM_H */
