/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware model of AMD SEV-TIO: private types.
 *
 *  ctx		a context: firmware's object in a page that the host gave; all of
 *		them are in one tree and a page is in it once
 *  dev		a device, found by its context
 *  talk	the loop of a command that asks the device: at most one per device
 *  tdi		a device interface, found by its context
 *  guest	an SNP guest, found by its context; has an ASID while activated
 *  rmp		one entry of the reverse map table: whose a page is
 *  fence	of an ASID: stops all I/O of the guest that has it
 *  npt		one entry of a guest's nested page table, which is the host's
 *
 * One spinlock, sev_fw::lock, owns all of it (irqs off, a leaf: KVM asks under its
 * mmu_lock). Memory is allocated before it is taken and freed after it is dropped.
 * A call that drives the root complex does so with the lock dropped; its device's
 * talk stays open meanwhile, so that nobody else touches the device.
 */
#ifndef __SEV_FW_PRIVATE_H
#define __SEV_FW_PRIVATE_H

#include <crypto/sha2.h>
#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/sev-fw.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/teemu.h>
#include <linux/tio-fw.h>

#define SF_CHUNK_SHIFT		21	/* table entries of 2 MiB come together */
#define SF_CHUNK_PAGES		(1U << (SF_CHUNK_SHIFT - PAGE_SHIFT))
#define SF_HEAD_SIZE		4	/* of a certificate chain: what tells it again */
#define SF_MAX_BEFORE		16	/* TDIs that a guest's bind counters know */

/* an entry of an ordered tree of numbers */
struct sf_node {
	struct rb_node rb;
	u64 key;
};

enum sf_ctx_type {
	SF_CTX_DEV,
	SF_CTX_TDI,
	SF_CTX_GUEST,
	SF_NR_CTX,
};

/**
 * struct sf_ctx - a page in firmware's hands
 * @node: in sev_fw::ctxs, by page number
 * @type: the object is the structure around this one
 */
struct sf_ctx {
	struct sf_node node;
	enum sf_ctx_type type;
};

/* bind counter of one TDI, see sf_guest */
struct sf_before {
	u32 who;			/* segment and interface id */
	u64 count;
};

/**
 * struct sf_guest - an SNP guest
 * @ctx: its context page
 * @asid: 0 before ACTIVATE
 * @launched: LAUNCH_FINISH is over: it runs
 * @leaked: a decommission was refused; a host that gives up there leaks the page
 * @bound: TDIs bound to it
 * @npt: its struct sf_npt, by gpa / 2 MiB
 * @before: how often which TDI was bound to it
 */
struct sf_guest {
	struct sf_ctx ctx;
	u32 asid;
	bool launched;
	bool leaked;
	u32 bound;
	struct rb_root npt;
	struct sf_before before[SF_MAX_BEFORE];
};

/* physical addresses of 2 MiB of guest memory; 0: no page */
struct sf_npt {
	struct sf_node node;
	u64 hpa[SF_CHUNK_PAGES];
};

/**
 * struct sf_rmp - an RMP entry
 * @gpa: page of the guest that it is for
 * @asid: owner, 0: shared
 * @holder: sf_tdi::serial of the TDI whose RECLAIM takes @immutable back, 0: none
 * @bind: sf_tdi::bind_serial that MMIO was validated under
 * @io: MMIO
 * @immutable: set by the host; see sf_rmp_is_immutable()
 * @validated: set by the guest; of MMIO see sf_rmp_is_validated()
 */
struct sf_rmp {
	u64 gpa;
	u32 asid;
	u32 holder;
	u32 bind;
	bool io;
	bool immutable;
	bool validated;
};

/* the RMP of 2 MiB; it stays until power off, as the real table does */
struct sf_rmp_chunk {
	struct sf_node node;
	struct sf_rmp rmp[SF_CHUNK_PAGES];
};

#define SF_ASK_CERTS		0x01	/* sf_talk::ask; others are TDISP_* */
#define SF_ASK_MEASUREMENTS	0x02

/**
 * struct sf_talk - a command's loop of questions to the device
 * @nr: the command, 0: no loop is open
 * @tdi: its TDI context, 0: none
 * @arg: what else makes it the same command
 * @ask: what the device was asked
 * @asked: bytes asked for
 * @offset: bytes that came before
 * @again: TDI_BIND: the TDI was found locked, and is stopped first
 * @working: the answers are all there, keys are being programmed without the lock
 * @sha: of the chain so far
 */
struct sf_talk {
	u32 nr;
	u64 tdi;
	u64 arg;
	u8 ask;
	u16 asked;
	u16 offset;
	bool again;
	bool working;
	struct sha384_ctx sha;
};

/**
 * struct sf_dev - a device
 * @ctx: its context page
 * @list: in sev_fw::devs
 * @id: what the host said it is
 * @state: of the connection
 * @how: of the connection
 * @digest: SHA-384 of the chain that connect read
 * @head: the first bytes of that chain
 * @tdis: TDI contexts of it
 * @talk: its open loop
 */
struct sf_dev {
	struct sf_ctx ctx;
	struct list_head list;
	struct sev_tio_dev_id id;
	enum sev_dev_state state;
	struct sev_tio_connect how;
	u8 digest[SEV_TIO_DIGEST_SIZE];
	u8 head[SF_HEAD_SIZE];
	struct list_head tdis;
	struct sf_talk talk;
};

/**
 * struct sf_tdi - a device interface
 * @ctx: its context page
 * @list: in sf_dev::tdis
 * @dev: its device
 * @rid: interface id, the function's requester id
 * @serial: unique, never 0
 * @state: TDISP state as far as answers told
 * @guest: the guest that it is bound to, or NULL (then @state is CONFIG_UNLOCKED)
 * @guest_rid: requester id that the guest knows it by
 * @bind_serial: unique for every bind, never 0 while bound
 * @bind_counter: how often this guest had it
 * @sdte: the guest lets its DMA in
 * @nonce: of LOCK, while CONFIG_LOCKED
 * @reporting_offset: of LOCK
 * @report_len: bytes of @report that came
 * @report_done: @report is whole and was checked
 * @report_digest: SHA-384 of it
 * @report: the interface report
 */
struct sf_tdi {
	struct sf_ctx ctx;
	struct list_head list;
	struct sf_dev *dev;
	u16 rid;
	u32 serial;
	enum tdisp_state state;
	struct sf_guest *guest;
	u16 guest_rid;
	u32 bind_serial;
	u64 bind_counter;
	bool sdte;
	u8 nonce[TDISP_NONCE_SIZE];
	u64 reporting_offset;
	u32 report_len;
	bool report_done;
	u8 report_digest[SEV_TIO_DIGEST_SIZE];
	u8 report[SEV_TIO_REPORT_MAX];
};

/**
 * struct sev_fw - the firmware of one machine
 * @lock: owns everything below but @platform and @priv; irqs off, a leaf
 * @ref: the judge
 * @initialized: TIO_INIT was done
 * @ctxs: every struct sf_ctx, by page number
 * @nr_ctx: contexts of each type
 * @devs: every struct sf_dev
 * @rmp: every struct sf_rmp_chunk, by hpa / 2 MiB
 * @nr_mem: RMP entries of guests' memory
 * @nr_io: RMP entries of MMIO
 * @guests: by ASID
 * @fence: by ASID
 * @serial: the last serial number given out
 * @platform: what firmware drives; set while no call is in progress
 * @priv: its argument
 */
struct sev_fw {
	spinlock_t lock;	/* see above: owns everything but the platform */
	struct tio_referee ref;
	bool initialized;
	struct rb_root ctxs;
	u32 nr_ctx[SF_NR_CTX];
	struct list_head devs;
	struct rb_root rmp;
	u64 nr_mem;
	u64 nr_io;
	struct sf_guest *guests[SEV_NR_ASIDS];
	struct sev_asid_fence fence[SEV_NR_ASIDS];
	u32 serial;
	const struct teemu_platform *platform;
	void *priv;
};

/* main.c */
void sf_tables_show(void *fw, struct seq_file *m);

/* node.c: trees and contexts */
struct sf_node *sf_node_find(struct rb_root *root, u64 key);
struct sf_node *sf_node_next(struct rb_root *root, u64 key);
bool sf_node_add(struct rb_root *root, struct sf_node *node);
struct sf_ctx *sf_ctx_find(struct sev_fw *fw, u64 pa, enum sf_ctx_type type);
bool sf_ctx_has_page(struct sev_fw *fw, u64 hpa);
u64 sf_ctx_claim(struct sev_fw *fw, struct sf_ctx *ctx, u64 pa,
		 enum sf_ctx_type type);
void sf_ctx_release(struct sev_fw *fw, struct sf_ctx *ctx);
u64 sf_ctx_pa(const struct sf_ctx *ctx);
void sf_ctxs_free(struct sev_fw *fw);

/* guest.c, npt.c */
struct sf_guest *sf_guest_find(struct sev_fw *fw, u64 gctx);
u64 sf_guest_count_bind(struct sf_guest *guest, const struct sf_tdi *tdi);
u64 sf_npt_lookup(struct sf_guest *guest, u64 gpa);
void sf_npt_free(struct rb_root *npt);

/* rmp.c */
struct sf_rmp *sf_rmp_find(struct sev_fw *fw, u64 hpa);
bool sf_rmp_is_immutable(struct sev_fw *fw, const struct sf_rmp *rmp);
bool sf_rmp_is_validated(const struct sf_rmp *rmp, const struct sf_tdi *tdi);
int sf_rmp_reserve(struct sev_fw *fw, u64 hpa);
void sf_rmp_free(struct sev_fw *fw);

/* talk.c */
u64 sf_begin(struct sev_fw *fw, u32 nr, u64 dev);
bool sf_talk_open(const struct sf_dev *dev);
u64 sf_talk_enter(struct sev_fw *fw, struct sf_dev *dev, u32 nr, u64 tdi, u64 arg,
		  const struct sev_spdm *spdm);
u64 sf_talk_leave(struct sf_dev *dev, u64 status);
u64 sf_bad_answer(struct sev_fw *fw);
u64 sf_ask_tdisp(struct sf_talk *talk, struct sev_spdm *spdm,
		 const struct tio_tdisp_req *req);
u64 sf_ask_report(struct sf_talk *talk, struct sev_spdm *spdm, u16 rid);
u64 sf_ask_certs(struct sf_talk *talk, struct sev_spdm *spdm, u16 length);
u64 sf_ask_measurements(struct sf_talk *talk, struct sev_spdm *spdm);
int sf_hear_tdisp(const struct sf_talk *talk, const struct sev_spdm *spdm, u16 rid,
		  struct tio_tdisp_rsp *rsp);
int sf_hear_certs(const struct sf_talk *talk, const struct sev_spdm *spdm,
		  u16 *portion, u16 *remainder, const u8 **bytes);
int sf_hear_measurements(const struct sev_spdm *spdm, const u8 **record, u32 *len);

/* dev.c, link.c */
u64 sf_ready(struct sev_fw *fw);
struct sf_dev *sf_dev_find(struct sev_fw *fw, u64 dev);
u64 sf_dev_idle(struct sev_fw *fw, u64 pa, struct sf_dev **dev);
u32 sf_dev_bound(const struct sf_dev *dev);

/* tdi.c, tdisp.c */
u64 sf_tdi_find(struct sev_fw *fw, u64 dev, u64 tdi, struct sf_tdi **found);
struct sf_tdi *sf_tdi_by_serial(struct sev_fw *fw, u32 serial);
struct sf_tdi *sf_tdi_by_rid(struct sev_fw *fw, u16 rid);
bool sf_tdi_locked(const struct sf_tdi *tdi);
void sf_tdi_fail(struct sev_fw *fw, struct sf_tdi *tdi);

/* report.c */
struct sf_range {
	u64 hpa;
	u32 pages;
	u16 attributes;
};

bool sf_report_check(const struct sf_tdi *tdi, u32 len);
bool sf_report_range(const struct sf_tdi *tdi, u32 index, struct sf_range *range);
bool sf_report_names(const struct sf_tdi *tdi, u64 hpa);

/* fence.c */
bool sf_fenced(const struct sev_fw *fw, const struct sf_guest *guest);
void sf_fence_default(struct sev_fw *fw, const struct sf_guest *guest);
void sf_fence_error(struct sev_fw *fw, const struct sf_guest *guest);

/* tdma.c */
extern const struct teemu_fw_ops sf_teemu_ops;

#endif /* __SEV_FW_PRIVATE_H */
