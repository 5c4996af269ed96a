/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * teemu: private types of the emulated TEE-I/O platform.
 *
 *  rc		one emulated root complex: a PCI domain of its own, a root port,
 *		one endpoint, and the firmware of one vendor
 *  fn		one function of the endpoint, physical or virtual: config space,
 *		BARs, TDI state
 *  port	the root port: config space with an IDE capability and a hot-plug
 *		slot
 *
 * Locks, outermost first:
 *  teemu_fn::dsm_lock	(mutex) the TDI state machine of a function, DMA quiesce
 *  teemu_iommu_lock	(rwlock) what is behind the IOMMU; held while a request is
 *			in flight
 *  teemu_rc::cfg_lock	(raw spinlock, irqs off) every config space register and
 *			mailbox of the root complex; pci_ops run under it
 *  teemu_msi's lock	(raw spinlock, irqs off) the interrupt remapping table
 *
 * teemu_fn::state is the exception: it is *written* by cmpxchg, because a config
 * write under cfg_lock must be able to push a locked TDI to ERROR at once, and
 * read anywhere with teemu_fn_state(). Every move but the fall to ERROR is made
 * under dsm_lock. Whoever sends T=1 requests reads it before each of them and
 * counts on teemu_dma_quiesce() for the one in flight.
 */
#ifndef __TEEMU_PRIVATE_H
#define __TEEMU_PRIVATE_H

#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/tdisp.h>
#include <linux/teemu.h>
#include <linux/workqueue.h>
#include <uapi/linux/teemu.h>

struct seq_file;

#define TEEMU_NR_PFS		2
#define TEEMU_NR_VFS		2	/* all of function 0 */
#define TEEMU_NR_FNS		(TEEMU_NR_PFS + TEEMU_NR_VFS)
#define TEEMU_CFG_SIZE		4096
#define TEEMU_NR_BARS		3	/* BAR 0, 2 and 4, all 64-bit */

struct teemu_dma;
struct teemu_iommu;

/**
 * struct teemu_cfg - one 4 KiB config space, under rc->cfg_lock
 * @data: what a read returns
 * @wmask: bits that a write changes
 * @w1c: bits that a write of one clears
 * @reset: what a reset puts into @data
 * @ide: offset of the IDE extended capability, 0 if there is none
 * @ide_end: first byte behind it
 */
struct teemu_cfg {
	u8 *data;
	u8 *wmask;
	u8 *w1c;
	u8 *reset;
	u16 ide;
	u16 ide_end;
};

/**
 * struct teemu_fn - one function of the emulated endpoint
 * @rc: the root complex it sits in
 * @devfn: device and function number on the endpoint's bus
 * @rid: requester id, bus << 8 | devfn
 * @vf: it is a VF of function 0
 * @vf_index: its number among them
 * @cfg: config space
 * @bar_size: bytes of BAR 0, 2 and 4
 * @bar_phys: physical address of BAR 0, 2 and 4 that the slot was given
 * @regs: BAR 0 memory
 * @mem: BAR 2 memory
 * @msix: BAR 4 memory
 * @dsm_lock: owns @nonce, the LOCK parameters, and every state change but the
 *	      fall to ERROR
 * @state: TDISP state; read it with teemu_fn_state()
 * @nonce: of LOCK, valid in CONFIG_LOCKED
 * @nonce_valid: @nonce may be used
 * @lock_flags: flags of the LOCK request
 * @msix_control: MSI-X message control when it was locked
 * @bar_locked: BAR addresses when it was locked
 * @reporting_offset: of the LOCK request, added to reported MMIO addresses
 * @stream_id: default stream of the LOCK request
 * @ide_bound: the TDI was locked over @stream_id
 * @soiled: it was locked and has not been stopped since: whatever its state is
 *	    after a reset, a TVM may still write to its BARs; under cfg_lock
 * @settle: takes the engine to rest after @state fell or a reset
 * @wipe: a conventional reset asks @settle to end in CONFIG_UNLOCKED
 * @msi_retry: looks again at vectors that were masked when they were raised
 * @dma: the DMA engine
 */
struct teemu_fn {
	struct teemu_rc *rc;
	u8 devfn;
	u16 rid;
	bool vf;
	u8 vf_index;
	struct teemu_cfg cfg;
	u32 bar_size[TEEMU_NR_BARS];
	phys_addr_t bar_phys[TEEMU_NR_BARS];
	void __iomem *regs;
	void __iomem *mem;
	void __iomem *msix;
	struct mutex dsm_lock;	/* see above */
	enum tdisp_state state;
	u8 nonce[TDISP_NONCE_SIZE];
	bool nonce_valid;
	u16 lock_flags;
	u16 msix_control;
	u64 bar_locked[TEEMU_NR_BARS];
	u64 reporting_offset;
	u8 stream_id;
	bool ide_bound;
	bool soiled;
	struct work_struct settle;
	bool wipe;
	struct delayed_work msi_retry;
	struct teemu_dma *dma;
};

/**
 * teemu_fn_state() - TDISP state of a function, any context
 * @fn: the function
 *
 * Return: the state at some moment of the call; without dsm_lock it may be
 * another one right after.
 */
static inline enum tdisp_state teemu_fn_state(const struct teemu_fn *fn)
{
	return READ_ONCE(fn->state);
}

/*
 * A locked TDI falls to ERROR, at once for every reader of the state; the engine
 * is brought to rest by a worker. Does nothing in another state. Any context.
 */
void teemu_fn_fail(struct teemu_fn *fn, const char *why);
/*
 * Raise MSI-X vector @vector of @fn as the function would: message control and
 * table entry decide, a masked vector stays pending. Any context.
 */
void teemu_msi_raise(struct teemu_fn *fn, unsigned int vector);

/*
 * The keys that @fn was locked with are in place, or it was locked without IDE. Any
 * context, under dsm_lock or where the answer may be stale; takes cfg_lock.
 */
bool teemu_ide_holds(const struct teemu_fn *fn);

/* the DMA engine (dma.c) */
struct teemu_dma *teemu_dma_create(struct teemu_fn *fn);
void teemu_dma_destroy(struct teemu_dma *dma);
/*
 * The engine may send requests: Bus Master Enable (in D0) changed. Any context,
 * called under cfg_lock, a raw spinlock.
 */
void teemu_dma_set_master(struct teemu_dma *dma, bool on);
/*
 * FLR: the registers in page 0 of BAR 0 read their defaults when this returns,
 * what is in flight is aborted (not waited for) and touches neither registers
 * nor rings afterwards. Any context, called under cfg_lock; may take raw
 * spinlocks of its own that nobody holds while calling out.
 */
void teemu_dma_reset(struct teemu_dma *dma);
/*
 * Abort what is in flight, wait until nothing is, clear the ring registers.
 * STOP and the fall to ERROR call it; process context, under dsm_lock.
 */
void teemu_dma_quiesce(struct teemu_dma *dma);
void teemu_dma_show(struct teemu_dma *dma, struct seq_file *m);
/* a device that lies about T: send T=1 whatever the TDI state, for tests */
void teemu_dma_set_rogue(struct teemu_dma *dma, bool on);

/* the IOMMU (iommu.c) */
/*
 * Called before the root complex is scanned (teemu_rc_domain() is known), and
 * destroyed after its devices are gone.
 */
struct teemu_iommu *teemu_iommu_create(struct teemu_rc *rc, const char *name);
void teemu_iommu_destroy(struct teemu_iommu *iommu);
/*
 * One request of @fn that stays in one 4 KiB page, T=0 through the domain that
 * the function is attached to, T=1 through firmware. Moves @len bytes between
 * the address and @buf. 0, -EACCES (blocked), -EFAULT (no translation), -ENOENT
 * (T=1 page not present: teemu_iommu_miss(), then try again). Process context,
 * does not sleep.
 */
int teemu_iommu_access(struct teemu_iommu *iommu, struct teemu_fn *fn, bool t,
		       u64 addr, void *buf, size_t len, bool write);
/* have the page brought in: 0 try again, -EACCES; may sleep, no lock held */
int teemu_iommu_miss(struct teemu_iommu *iommu, struct teemu_fn *fn, u64 addr);
/* nothing of @rid is in flight when this returns */
void teemu_iommu_drain(struct teemu_iommu *iommu, u16 rid);
void teemu_iommu_show(struct teemu_iommu *iommu, struct seq_file *m);

/*
 * @fn is there: the device is in its slot with power, and a VF is enabled. Any
 * context, the answer may be stale; takes cfg_lock.
 */
bool teemu_fn_present(struct teemu_fn *fn);

/* of rc.c, for the other files */
const char *teemu_rc_name(struct teemu_rc *rc);
int teemu_rc_domain(struct teemu_rc *rc);
struct teemu_iommu *teemu_rc_iommu(struct teemu_rc *rc);
/*
 * The firmware's tdma op: called under the IOMMU's spinning lock, so it must not
 * sleep, and takes no lock but the spinning one of the firmware's tables.
 * And the miss handler (teemu_set_tdma_miss), which may sleep.
 */
int teemu_rc_tdma(struct teemu_rc *rc, u16 rid, u64 gpa, size_t len, bool write,
		  void (*xfer)(void *ctx, phys_addr_t hpa), void *ctx);
int teemu_rc_tdma_miss(struct teemu_rc *rc, u16 rid, u64 gpa);
struct teemu_fn *teemu_rc_find_fn(struct teemu_rc *rc, u16 rid);

#endif /* __TEEMU_PRIVATE_H */
