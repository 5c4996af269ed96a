/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of Arm's realm management monitor (RMM) with device assignment: what
 * a host kernel may call and the 64-bit status that it gets. rmi_*() are SMCs of
 * the host, rsi_*() are those of the realm whose REC is named. Every call checks
 * what the RMM checks, in the same order, and a refused call changes nothing,
 * except that COMMUNICATE ends the operation that it was asked to carry on.
 *
 * Names. The model knows numbers only, and an object is named by the physical
 * address of the granule that the host gave for it:
 *  rd		a realm
 *  rec		the realm's execution context; a realm has at most one
 *  rtt		a table of a realm's stage 2
 *  pdev	a physical device: an endpoint, or a root port
 *  vdev	a device interface (TDI) of a realm
 *  ipa, pa	addresses in bytes; a granule is CCA_GRANULE bytes
 *  level	of a stage 2 leaf: 3 (4 KiB), 2 (2 MiB), 1 (1 GiB)
 *
 * A granule is NS, DELEGATED, or in use: as an object above, as a realm's memory,
 * or MAPPED (device memory in a realm's stage 2). A granule given for an object
 * must be DELEGATED, ordinary memory, and is DELEGATED again when the object goes.
 *
 * Context: calls take one spinlock (leaf, irqs off). Marked [sleeps]: allocates or
 * drives the root complex, so process context without spinlocks. All others may
 * be called in any context, under KVM's mmu_lock too, and cannot run out of
 * memory. A [sleeps] call that finds no memory answers BUSY; none of those that
 * give something back needs any.
 *
 * What is simpler than the RMM: a realm's stage 2 starts at level 1 and its root
 * table, 48 bits wide, comes with it; no auxiliary granules; private memory is not
 * measured and its RIPAS is always RAM; a REC is back from REC_ENTER at once;
 * SPDM and TDISP travel in plain messages, without a session; IDE_KM messages are
 * not on the wire, struct teemu_platform stands for both ends.
 */
#ifndef __LINUX_CCA_RMM_H
#define __LINUX_CCA_RMM_H

#include <linux/bits.h>
#include <linux/tdisp.h>
#include <linux/tio-fw.h>
#include <linux/types.h>

struct cca_rmm;
struct teemu_platform;

#define CCA_GRANULE			4096UL
#define CCA_MAX_RANGES			8	/* of a vdev */
#define CCA_MAX_VDEVS			32	/* of a pdev */
#define CCA_YIELD_LEAVES		32	/* leaves that one call gets done */
#define CCA_REPORT_MAX			4096
#define CCA_RSP_MAX			2048	/* bytes of the longest answer */
#define CCA_CERTS_MAX			0x10000
#define CCA_DIGEST_SIZE			48	/* SHA-384 */
#define CCA_PUBKEY_SIZE			96	/* the last bytes of the chain */
#define CCA_IPA_BITS			48

/* host calls */
#define RMI_RTT_DATA_MAP		0xc4000154	/* DATA_CREATE_UNKNOWN */
#define RMI_RTT_DATA_UNMAP		0xc4000155	/* DATA_DESTROY */
#define RMI_REALM_ACTIVATE		0xc4000157
#define RMI_REALM_CREATE		0xc4000158
#define RMI_REALM_DESTROY		0xc4000159
#define RMI_REC_CREATE			0xc400015a
#define RMI_REC_DESTROY			0xc400015b
#define RMI_REC_ENTER			0xc400015c
#define RMI_RTT_CREATE			0xc400015d
#define RMI_RTT_DESTROY			0xc400015e
#define RMI_RTT_DEV_VALIDATE		0xc4000163
#define RMI_RTT_FOLD			0xc4000166
#define RMI_PDEV_ABORT			0xc4000174
#define RMI_PDEV_COMMUNICATE		0xc4000175
#define RMI_PDEV_CREATE			0xc4000176
#define RMI_PDEV_DESTROY		0xc4000177
#define RMI_PDEV_GET_STATE		0xc4000178
#define RMI_PDEV_STREAM_KEY_REFRESH	0xc400017a
#define RMI_PDEV_SET_PUBKEY		0xc400017b
#define RMI_PDEV_STOP			0xc400017c
#define RMI_VDEV_ABORT			0xc4000185
#define RMI_VDEV_COMMUNICATE		0xc4000186
#define RMI_VDEV_CREATE			0xc4000187
#define RMI_VDEV_DESTROY		0xc4000188
#define RMI_VDEV_GET_STATE		0xc4000189
#define RMI_VDEV_UNLOCK			0xc400018a
#define RMI_VDEV_COMPLETE		0xc400018e
#define RMI_VDEV_GET_INTERFACE_REPORT	0xc40001d0
#define RMI_VDEV_GET_MEASUREMENTS	0xc40001d1
#define RMI_VDEV_LOCK			0xc40001d2
#define RMI_VDEV_START			0xc40001d3
#define RMI_GRANULE_RANGE_DELEGATE	0xc40001f1
#define RMI_GRANULE_RANGE_UNDELEGATE	0xc40001f2
#define RMI_RTT_DEV_MAP			0xc40001f7
#define RMI_RTT_DEV_UNMAP		0xc40001f8
#define RMI_REALM_TERMINATE		0xc4000201
#define RMI_PDEV_STREAM_CONNECT		0xc4000204
#define RMI_PDEV_STREAM_DISCONNECT	0xc4000205
#define RMI_PDEV_STREAM_COMPLETE	0xc4000206
#define RMI_PDEV_STREAM_KEY_PURGE	0xc4000207

/* realm calls */
#define RSI_VDEV_DMA_ENABLE		0xc400019c
#define RSI_VDEV_GET_INFO		0xc400019d
#define RSI_VDEV_VALIDATE_MAPPING	0xc400019f
#define RSI_VDEV_DMA_DISABLE		0xc40001a4

/*
 * Status of an rmi_*() call: the code in the low byte; RTT carries in the next
 * byte the level at which the walk ended. Where a walk ended too early because a
 * table is missing, nobody is to blame: that is how a host learns that it must
 * make one, at that level plus one.
 */
#define RMI_CODE(status)		((u8)(status))
#define RMI_LEVEL(status)		((u8)((u64)(status) >> 8))
#define RMI_RTT_STATUS(level)		(RMI_ERROR_RTT | (u64)(level) << 8)

#define RMI_SUCCESS			0ULL
#define RMI_ERROR_INPUT			1ULL
#define RMI_ERROR_REALM			2ULL
#define RMI_ERROR_REC			3ULL
#define RMI_ERROR_RTT			4ULL
#define RMI_ERROR_NOT_SUPPORTED		5ULL
#define RMI_ERROR_DEVICE		6ULL
#define RMI_ERROR_RTT_AUX		7ULL
#define RMI_ERROR_PSMMU_ST		8ULL
#define RMI_ERROR_DPT			9ULL
#define RMI_BUSY			10ULL
#define RMI_ERROR_GLOBAL		11ULL
#define RMI_ERROR_TRACKING		12ULL
#define RMI_INCOMPLETE			13ULL
#define RMI_BLOCKED			14ULL
#define RMI_ERROR_GPT			15ULL
#define RMI_ERROR_GRANULE		16ULL

/* status of an rsi_*() call, and what the realm gets in the end */
#define RSI_SUCCESS			0ULL
#define RSI_ERROR_INPUT			1ULL
#define RSI_ERROR_STATE			2ULL
#define RSI_INCOMPLETE			3ULL
#define RSI_ERROR_UNKNOWN		4ULL
#define RSI_ERROR_DEVICE		5ULL

/* power on; -ENOMEM as an ERR_PTR. [sleeps] both */
struct cca_rmm *cca_rmm_create(void);
void cca_rmm_destroy(struct cca_rmm *rmm);
/* what the model drives; NULL: nothing. No call is in progress */
void cca_rmm_set_platform(struct cca_rmm *rmm,
			  const struct teemu_platform *platform, void *priv);

/*
 * Granules of [base, top). All of them must be NS, or all DELEGATED and not in
 * use; else INPUT and nothing changes. The RMM knows the machine's memory map;
 * here the host says which @kind it is. undelegate() takes any kind; it [sleeps]
 * only if it leaves both ends of what was delegated by one call DELEGATED. Device
 * memory that touches counts as delegated by one call.
 */
enum cca_mem {
	CCA_MEM_RAM,
	CCA_MEM_DEV,
};

u64 rmi_granule_range_delegate(struct cca_rmm *rmm, u64 base, u64 top,
			       enum cca_mem kind);			/* [sleeps] */
/* the same in any context: *run becomes NULL if the call succeeds */
struct cca_run;
struct cca_run *cca_run_alloc(gfp_t gfp);
void cca_run_free(struct cca_run *run);			/* NULL is fine */
u64 rmi_granule_range_delegate_with(struct cca_rmm *rmm, u64 base, u64 top,
				    enum cca_mem kind, struct cca_run **run);
u64 rmi_granule_range_undelegate(struct cca_rmm *rmm, u64 base, u64 top);

/* life of a realm: NEW -> ACTIVE -> ZOMBIE */
#define RMI_REALM_DA			BIT(0)	/* device assignment */

u64 rmi_realm_create(struct cca_rmm *rmm, u64 rd, u64 rtt_root, u64 flags);
									/* [sleeps] */
u64 rmi_realm_activate(struct cca_rmm *rmm, u64 rd);
u64 rmi_realm_terminate(struct cca_rmm *rmm, u64 rd);	/* no REC running */
/* ZOMBIE, no REC, no table, no leaf, no vdev: else REALM */
u64 rmi_realm_destroy(struct cca_rmm *rmm, u64 rd);			/* [sleeps] */
u64 rmi_rec_create(struct cca_rmm *rmm, u64 rd, u64 rec);	/* NEW *//* [sleeps] */
u64 rmi_rec_destroy(struct cca_rmm *rmm, u64 rec);			/* [sleeps] */

/*
 * Stage 2. @level of a table is that of its leaves (2 or 3): it serves the span of
 * one leaf above. create() over a leaf is RTT; so is destroy() or fold() of a
 * table with live entries. What was a realm's device memory is RIPAS DESTROYED
 * when it is gone, until the table goes; that is not live. fold() wants the table
 * all alike: no DESTROYED entry or nothing else. The table is *rtt again.
 */
u64 rmi_rtt_create(struct cca_rmm *rmm, u64 rd, u64 rtt, u64 ipa,
		   unsigned int level);					/* [sleeps] */
u64 rmi_rtt_destroy(struct cca_rmm *rmm, u64 rd, u64 ipa, unsigned int level,
		    u64 *rtt);						/* [sleeps] */
u64 rmi_rtt_fold(struct cca_rmm *rmm, u64 rd, u64 ipa, unsigned int level,
		 u64 *rtt);						/* [sleeps] */

/*
 * Private memory, 4 KiB a call; a simplification: the RMM's calls for it differ by
 * version. map(): any context, with the memory of alloc(): *leaf becomes NULL if
 * the call succeeds. unmap() tells the granule, DELEGATED again, in *pa.
 */
struct cca_leaf;
struct cca_leaf *cca_leaf_alloc(gfp_t gfp);
void cca_leaf_free(struct cca_leaf *leaf);		/* NULL is fine */
u64 rmi_rtt_data_map(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 pa,
		     struct cca_leaf **leaf);
u64 rmi_rtt_data_unmap(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 *pa);

/*
 * Device memory: [ipa, top) in leaves of one @level, all in one table. A call does
 * at most CCA_YIELD_LEAVES leaves; *done is where it stopped: top with SUCCESS;
 * less with INCOMPLETE, then call again from there (with pa + *done - ipa); ipa
 * with any other status, and then this call has changed nothing (what earlier
 * calls did stays). A range that is not of this level is RTT.
 * map(): DELEGATED device memory in @vdev's ranges; the realm does not see it yet.
 * validate(): the realm's pending VALIDATE_MAPPING gets what it asked for; leaves
 * of any level. unmap(): any state of vdev and realm.
 */
u64 rmi_rtt_dev_map(struct cca_rmm *rmm, u64 rd, u64 vdev, u64 ipa, u64 top,
		    u64 pa, unsigned int level, u64 *done);		/* [sleeps] */
u64 rmi_rtt_dev_validate(struct cca_rmm *rmm, u64 rd, u64 rec, u64 ipa, u64 top,
			 u64 *done);
u64 rmi_rtt_dev_unmap(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 top, u64 *done);

/*
 * Device communication. An operation is pending when the call that began it
 * returns. Call COMMUNICATE with status NONE to get its first message; as long as
 * RMI_COMM_SEND is set, send @req to the device's mailbox and call again with what
 * came (RESPONSE) or did not come (ERROR). No SEND: the operation is over, and
 * well if the status is SUCCESS. There may be no message at all. CACHE: those
 * bytes of the answer that was just given in are the next ones of @object, which
 * the host keeps for the realm; an object that is cached from its start replaces
 * the one before.
 */
enum rmi_comm_status {
	RMI_COMM_NONE,
	RMI_COMM_RESPONSE,
	RMI_COMM_ERROR,
};

#define RMI_COMM_SEND			BIT(0)
#define RMI_COMM_CACHE			BIT(1)

enum rmi_cache_object {
	RMI_CACHE_CERTS,
	RMI_CACHE_REPORT,
	RMI_CACHE_MEASUREMENTS,
};

struct rmi_comm {
	/* in */
	enum rmi_comm_status status;
	const u8 *rsp;
	size_t rsp_len;
	/* out */
	u32 flags;
	size_t req_len;
	u8 req[TIO_MSG_MAX];
	enum rmi_cache_object object;
	u32 cache_offset;		/* in @rsp */
	u32 cache_len;
};

/* physical devices */
enum rmi_pdev_state {
	RMI_PDEV_NEW		= 0,
	RMI_PDEV_NEEDS_KEY	= 1,
	RMI_PDEV_HAS_KEY	= 2,
	RMI_PDEV_READY		= 3,
	RMI_PDEV_STOPPED	= 4,
	RMI_PDEV_ERROR		= 5,
};

/**
 * struct rmi_pdev_params - a physical device
 * @root_port: a root port: no mailbox, no key; else an endpoint
 * @rid: its requester id
 * @rid_base: endpoint: first requester id of its functions
 * @rid_top: endpoint: the last one
 */
struct rmi_pdev_params {
	bool root_port;
	u16 rid;
	u16 rid_base;
	u16 rid_top;
};

/* NEW; communicate: NEEDS_KEY, having cached the chain (root port: READY) */
u64 rmi_pdev_create(struct cca_rmm *rmm, u64 pdev,
		    const struct rmi_pdev_params *params);		/* [sleeps] */
u64 rmi_pdev_communicate(struct cca_rmm *rmm, u64 pdev, struct rmi_comm *comm);
/* NEEDS_KEY -> HAS_KEY; communicate: READY. DEVICE: not the chain's key */
u64 rmi_pdev_set_pubkey(struct cca_rmm *rmm, u64 pdev, const u8 *key, size_t len);
u64 rmi_pdev_get_state(struct cca_rmm *rmm, u64 pdev, enum rmi_pdev_state *state);
u64 rmi_pdev_abort(struct cca_rmm *rmm, u64 pdev);	/* comm not idle -> ERROR */
/* idle, no stream, no vdev; communicate: STOPPED */
u64 rmi_pdev_stop(struct cca_rmm *rmm, u64 pdev);
u64 rmi_pdev_destroy(struct cca_rmm *rmm, u64 pdev);			/* [sleeps] */

/*
 * A selective IDE stream: connect, then communicate on both PDEVs, then complete:
 * CONNECTED, and the keys are in place. disconnect: no vdev left, PDEVs READY or
 * ERROR: the keys are gone; then complete: the stream is gone. @port is the root
 * port, @ep the endpoint.
 */
u64 rmi_pdev_stream_connect(struct cca_rmm *rmm, u64 port, u64 ep, u8 stream_id,
			    u64 *stream);				/* [sleeps] */
u64 rmi_pdev_stream_complete(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream);
									/* [sleeps] */
u64 rmi_pdev_stream_disconnect(struct cca_rmm *rmm, u64 port, u64 ep,
			       u64 stream);				/* [sleeps] */
u64 rmi_pdev_stream_key_refresh(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream);
u64 rmi_pdev_stream_key_purge(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream);

/* device interfaces of a realm */
enum rmi_vdev_state {
	RMI_VDEV_NEW		= 0,
	RMI_VDEV_UNLOCKED	= 1,
	RMI_VDEV_LOCKED		= 2,
	RMI_VDEV_STARTED	= 3,
	RMI_VDEV_ERROR		= 4,
	RMI_VDEV_KEY_REFRESH	= 5,	/* specified, not modelled */
	RMI_VDEV_KEY_PURGE	= 6,	/* specified, not modelled */
};

struct rmi_range {
	u64 base;
	u64 top;
};

/**
 * struct rmi_vdev_params - a device interface
 * @vdev_id: the realm's name for it, unique in the realm
 * @tdi_id: requester id, one of the PDEV's
 * @nr_ranges: of @range
 * @range: its device memory, granules, disjoint
 */
struct rmi_vdev_params {
	u64 vdev_id;
	u16 tdi_id;
	unsigned int nr_ranges;
	struct rmi_range range[CCA_MAX_RANGES];
};

/* NEW; communicate: UNLOCKED */
u64 rmi_vdev_create(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev,
		    const struct rmi_vdev_params *params);		/* [sleeps] */
u64 rmi_vdev_communicate(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev,
			 struct rmi_comm *comm);
u64 rmi_vdev_get_state(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev,
		       enum rmi_vdev_state *state);
/* UNLOCKED; communicate: LOCKED, MMIO reporting offset 0 */
u64 rmi_vdev_lock(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev);
u64 rmi_vdev_start(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev);
/* LOCKED or STARTED; communicate: the report goes to the cache, new nonce */
u64 rmi_vdev_get_interface_report(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev);
/* as above; a device that does not answer ends it with DEVICE, and stays as it is */
u64 rmi_vdev_get_measurements(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev);
/*
 * LOCKED, STARTED or ERROR, idle, else DEVICE; no MAPPED granule in any of its
 * ranges, else GRANULE with its address in *pa. Trusted DMA is off when it
 * returns; communicate: UNLOCKED.
 */
u64 rmi_vdev_unlock(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev, u64 *pa);
									/* [sleeps] */
u64 rmi_vdev_abort(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev);
u64 rmi_vdev_destroy(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev);
									/* [sleeps] */

/*
 * The realm's calls. A call that answers SUCCESS has left to the host, which finds
 * the reason in @exit; anything else is what the realm gets, at once. The host
 * does its part and enters the REC again, until an exit says NONE; then @result
 * holds the outcome:
 *
 *	VDEV_REQUEST	host calls rmi_vdev_complete() for the vdev that has
 *			exit->vdev_id, or else the realm gets INPUT
 *	VDEV_MAP	host maps [ipa, top) at pa and calls rmi_rtt_dev_validate()
 *			for as much as it agrees to, or enters with REJECT
 */
enum cca_exit {
	CCA_EXIT_NONE		= 0,
	CCA_EXIT_VDEV_REQUEST	= 8,
	CCA_EXIT_VDEV_MAP	= 9,
};

struct rmi_rec_exit {
	enum cca_exit reason;
	u64 vdev_id;
	u64 ipa;
	u64 top;
	u64 pa;
};

enum rsi_vdev_state {
	RSI_VDEV_UNLOCKED	= 0,
	RSI_VDEV_LOCKED		= 1,
	RSI_VDEV_STARTED	= 2,
	RSI_VDEV_ERROR		= 3,
};

/* all zero is what a vdev never had after LOCK and a report */
struct rsi_vdev_nonces {
	u64 lock;			/* new with every LOCK */
	u64 meas;			/* with every read of the measurements */
	u64 report;			/* with every read of the report */
};

struct rsi_vdev_info {
	enum rsi_vdev_state state;
	bool dma;
	struct rsi_vdev_nonces nonces;
	u8 certs_digest[CCA_DIGEST_SIZE];
	u8 report_digest[CCA_DIGEST_SIZE];
	u8 meas_digest[CCA_DIGEST_SIZE];
};

/* @top: VALIDATE_MAPPING: the realm sees [ipa, top); INCOMPLETE if that is not all */
struct rsi_result {
	u64 status;
	u64 top;
	bool rejected;
	struct rsi_vdev_info info;	/* GET_INFO */
};

struct rsi_map {
	u64 vdev_id;
	u64 ipa;
	u64 top;
	u64 pa;
	u64 flags;			/* 0 */
	struct rsi_vdev_nonces nonces;
};

/* INPUT at once: REC unknown; STATE: realm not ACTIVE, or a call of it is pending */
u64 rsi_vdev_get_info(struct cca_rmm *rmm, u64 rec, u64 vdev_id,
		      struct rmi_rec_exit *exit);
u64 rsi_vdev_validate_mapping(struct cca_rmm *rmm, u64 rec,
			      const struct rsi_map *map,
			      struct rmi_rec_exit *exit);
/* wants STARTED and the nonces of now, else DEVICE */
u64 rsi_vdev_dma_enable(struct cca_rmm *rmm, u64 rec, u64 vdev_id,
			const struct rsi_vdev_nonces *nonces,
			struct rmi_rec_exit *exit);
u64 rsi_vdev_dma_disable(struct cca_rmm *rmm, u64 rec, u64 vdev_id,
			 struct rmi_rec_exit *exit);

u64 rmi_vdev_complete(struct cca_rmm *rmm, u64 rec, u64 vdev);

#define RMI_ENTER_REJECT		BIT(6)	/* the mapping of a VDEV_MAP exit */

/* REC: nothing is pending, or it runs. Drives the root complex: DMA_DISABLE */
u64 rmi_rec_enter(struct cca_rmm *rmm, u64 rec, u64 flags,
		  struct rsi_result *result, struct rmi_rec_exit *exit);
									/* [sleeps] */

/* questions that are no calls: any context, nothing is counted */
enum cca_granule {
	CCA_NS			= 0,
	CCA_DELEGATED		= 1,
	CCA_MAPPED		= 2,
	CCA_IN_USE,			/* an object, or a realm's memory */
};

enum cca_granule cca_rmm_granule(struct cca_rmm *rmm, u64 pa);
/* the realm accepted hpa at ipa, and its vdev is LOCKED or STARTED */
bool cca_rmm_mmio_accepted(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 hpa);
/* enum tdisp_state as the device's last answer told it; -ENOENT: no such vdev */
int cca_rmm_vdev_told(struct cca_rmm *rmm, u64 vdev);
/* the first page of private memory at *ipa or above and below @end */
bool cca_rmm_next_page(struct cca_rmm *rmm, u64 rd, u64 *ipa, u64 end, u64 *pa);

struct cca_dev_leaf {
	u64 ipa;
	u64 pa;
	unsigned int level;
	bool accepted;			/* RIPAS DEV */
};

/* the first leaf of device memory that ends above @ipa and starts below @end */
bool cca_rmm_next_dev(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 end,
		      struct cca_dev_leaf *leaf);
struct tio_referee *cca_rmm_referee(struct cca_rmm *rmm);

/* for tests: a vCPU is in the realm and stays there, until told otherwise */
int cca_rmm_rec_set_running(struct cca_rmm *rmm, u64 rec, bool running);
/* fault switch: see teemu_fw_ops.refuse */
int cca_rmm_refuse(struct cca_rmm *rmm, u32 nr, u64 status, u32 skip, u32 count);

extern const struct tio_personality cca_rmm_personality;

#endif /* __LINUX_CCA_RMM_H */
