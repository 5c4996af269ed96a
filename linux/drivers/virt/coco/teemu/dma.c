// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the DMA engine of a function.
 *
 * Its registers and descriptor rings are plain memory in BAR 0 that a vCPU writes
 * with no exit, so a thread polls them while the function may send requests. All
 * that it reads there comes from a guest: each value is read once, then checked,
 * then used.
 *
 * How a stop leaves nothing in flight: each request, at most one page, is sent
 * under teemu_fn::dsm_lock with the job's epoch, the TDI state and bus mastering
 * looked at first. teemu_dma_quiesce() runs under the same lock and moves the
 * epoch on, so when it returns there is no request and the job at hand will not
 * send another one. teemu_dma_reset() moves the epoch on too, from any context,
 * but does not wait. Registers and rings are touched under teemu_dma::lock with
 * the epoch looked at, so an aborted job leaves no trace in them.
 *
 * The thread takes dsm_lock for one request at a time and never while the page
 * of a T=1 request is brought in, which may take a while.
 */
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/unroll.h>
#include <linux/wait.h>
#include "teemu.h"

#define TEEMU_CHUNK		SZ_4K	/* a request never leaves a page */
#define TEEMU_MAX_LEN		SZ_16M
#define TEEMU_RING_MIN		2
#define TEEMU_RING_MAX		512
#define TEEMU_RING_FIRST	SZ_4K	/* rings begin behind the registers */
#define TEEMU_MISS_TRIES	8
#define TEEMU_MSIX_VECTOR	0
#define TEEMU_DEVICE_VERSION	1

#define TEEMU_DESC_F_ALL	(TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T |	\
				 TEEMU_DESC_F_SRC_LOCAL |			\
				 TEEMU_DESC_F_DST_LOCAL | TEEMU_DESC_F_IRQ)

/* how long the thread sleeps between two looks, microseconds */
#define TEEMU_POLL_MIN_US	200
#define TEEMU_POLL_MAX_US	1600
#define TEEMU_POLL_OFF_US	10000
#define TEEMU_POLL_PATIENCE	64	/* idle looks before the sleep doubles */

#define FNV1A_64_BASIS		0xcbf29ce484222325ULL
#define FNV1A_64_PRIME		0x100000001b3ULL

static_assert(sizeof(struct teemu_desc) == 64);

/**
 * struct teemu_dma - the DMA engine of a function
 * @fn: the function
 * @task: the thread that polls and works
 * @wake: where it is parked while the function must not send requests
 * @kick: wakes it from contexts that cannot
 * @master: the function may send requests
 * @rogue: send T=1 whatever the TDI state
 * @bounce: the thread's; a page, and 8 bytes so that a pattern can be shifted
 * @lock: (raw, irqs off) owns registers, rings and the six fields that follow;
 *	  nothing is called under it
 * @epoch: moves on at each reset; a job of an older epoch is dead
 * @running: software has set RUN and the ring was good
 * @ring_offset: byte offset of the ring in BAR 0
 * @ring_entries: descriptors in it, a power of two
 * @head: next entry the engine takes
 * @busy: a descriptor is being worked on
 * @reg_done: descriptors completed, as the register counts them
 * @reg_errors: of them with an error
 * @descs: descriptors completed since power on
 * @errors: of them with an error
 * @bytes: bytes that requests have moved since power on, local ones included
 * @aborts: descriptors dropped by a stop, a reset or the loss of bus mastering
 * @bad_rings: looks that found RUN set with a ring that makes no sense
 */
struct teemu_dma {
	struct teemu_fn *fn;
	struct task_struct *task;
	wait_queue_head_t wake;
	struct irq_work kick;
	bool master;
	bool rogue;
	u8 *bounce;

	raw_spinlock_t lock;
	u32 epoch;
	bool running;
	u32 ring_offset;
	u32 ring_entries;
	u32 head;
	bool busy;
	u32 reg_done;
	u32 reg_errors;

	atomic64_t descs;
	atomic64_t errors;
	atomic64_t bytes;
	atomic64_t aborts;
	atomic64_t bad_rings;
};

/**
 * struct teemu_side - where one side of a transfer is
 * @addr: address, or offset in BAR 2
 * @local: in BAR 2, no request leaves the device
 * @t: the requests' T bit
 * @write: data goes there
 */
struct teemu_side {
	u64 addr;
	bool local;
	bool t;
	bool write;
};

/**
 * struct teemu_job - one descriptor at work, the thread's own
 * @desc: the one copy of the guest's descriptor
 * @epoch: of the engine when it was taken
 * @has_src: it reads @src
 * @has_dst: it writes @dst
 * @src: source
 * @dst: destination
 * @hash: of the bytes read so far
 * @fault_addr: where the first access failed
 */
struct teemu_job {
	struct teemu_desc desc;
	u32 epoch;
	bool has_src;
	bool has_dst;
	struct teemu_side src;
	struct teemu_side dst;
	u64 hash;
	u64 fault_addr;
};

enum teemu_poll {
	TEEMU_POLL_OFF,		/* RUN is not set */
	TEEMU_POLL_IDLE,	/* RUN, and nothing to do */
	TEEMU_POLL_BUSY,	/* there was a descriptor */
};

/* ---- the checksum ---- */

static u64 teemu_fnv1a(u64 hash, const u8 *data, size_t len)
{
	for (; len >= sizeof(u64); len -= sizeof(u64), data += sizeof(u64)) {
		u64 word = get_unaligned_le64(data);

		/* one load for eight bytes: loads are what an emulated CPU pays for */
		unrolled_count(8)
		for (unsigned int i = 0; i < sizeof(u64); i++, word >>= 8)
			hash = (hash ^ (word & 0xff)) * FNV1A_64_PRIME;
	}
	for (; len; len--)
		hash = (hash ^ *data++) * FNV1A_64_PRIME;
	return hash;
}

/* ---- registers and rings ---- */

static u32 teemu_reg_read(struct teemu_dma *dma, u32 reg)
{
	return readl(dma->fn->regs + reg);
}

static void teemu_reg_write(struct teemu_dma *dma, u32 reg, u32 value)
{
	writel(value, dma->fn->regs + reg);
}

static void __iomem *teemu_ring_entry(struct teemu_dma *dma, u32 index)
{
	return dma->fn->regs + dma->ring_offset +
	       index * sizeof(struct teemu_desc);
}

/* forget the job and the ring, registers read their defaults */
static void teemu_dma_clear(struct teemu_dma *dma)
{
	lockdep_assert_held(&dma->lock);

	dma->epoch++;
	dma->running = false;
	dma->busy = false;
	dma->head = 0;
	dma->reg_done = 0;
	dma->reg_errors = 0;
	memset_io(dma->fn->regs, 0, TEEMU_RING_FIRST);
	teemu_reg_write(dma, TEEMU_REG_ID, TEEMU_ID);
	teemu_reg_write(dma, TEEMU_REG_VERSION, TEEMU_DEVICE_VERSION);
}

/* software has just set RUN: take the ring if it lies where a ring may lie */
static bool teemu_dma_start(struct teemu_dma *dma)
{
	u32 offset = teemu_reg_read(dma, TEEMU_REG_RING_OFFSET);
	u32 entries = teemu_reg_read(dma, TEEMU_REG_RING_ENTRIES);
	u32 size;

	lockdep_assert_held(&dma->lock);

	if (entries < TEEMU_RING_MIN || entries > TEEMU_RING_MAX ||
	    !is_power_of_2(entries))
		return false;
	size = entries * sizeof(struct teemu_desc);
	if (!IS_ALIGNED(offset, sizeof(struct teemu_desc)) ||
	    offset < TEEMU_RING_FIRST || offset > TEEMU_BAR_REGS_SIZE - size)
		return false;

	dma->ring_offset = offset;
	dma->ring_entries = entries;
	dma->head = 0;
	dma->running = true;
	teemu_reg_write(dma, TEEMU_REG_HEAD, 0);
	teemu_reg_write(dma, TEEMU_REG_STATUS, TEEMU_STATUS_RUNNING);
	return true;
}

static void teemu_dma_stop(struct teemu_dma *dma)
{
	lockdep_assert_held(&dma->lock);

	if (!dma->running)
		return;
	dma->running = false;
	teemu_reg_write(dma, TEEMU_REG_STATUS, 0);
}

/* look at the registers once; with TEEMU_POLL_BUSY @job has a descriptor */
static enum teemu_poll teemu_dma_fetch(struct teemu_dma *dma,
				       struct teemu_job *job)
{
	u32 tail;

	guard(raw_spinlock_irqsave)(&dma->lock);
	if (!(teemu_reg_read(dma, TEEMU_REG_CTRL) & TEEMU_CTRL_RUN)) {
		teemu_dma_stop(dma);
		return TEEMU_POLL_OFF;
	}
	if (!dma->running && !teemu_dma_start(dma)) {
		atomic64_inc(&dma->bad_rings);
		return TEEMU_POLL_OFF;
	}
	tail = teemu_reg_read(dma, TEEMU_REG_TAIL);
	if (tail >= dma->ring_entries || tail == dma->head)
		return TEEMU_POLL_IDLE;

	memcpy_fromio(&job->desc, teemu_ring_entry(dma, dma->head),
		      sizeof(job->desc));
	job->epoch = dma->epoch;
	dma->busy = true;
	return TEEMU_POLL_BUSY;
}

/* write a descriptor back, unless the engine was stopped meanwhile */
static bool teemu_dma_complete(struct teemu_dma *dma,
			       const struct teemu_job *job, u32 status)
{
	struct teemu_desc __iomem *entry;
	bool bad = status != TEEMU_DESC_DONE;

	guard(raw_spinlock_irqsave)(&dma->lock);
	if (job->epoch != dma->epoch)
		return false;

	entry = teemu_ring_entry(dma, dma->head);
	writeq(job->hash, &entry->result);
	writeq(job->fault_addr, &entry->fault_addr);
	writel(status, &entry->status);		/* last: software polls it */

	dma->busy = false;
	dma->head = (dma->head + 1) & (dma->ring_entries - 1);
	dma->reg_done++;
	dma->reg_errors += bad;
	teemu_reg_write(dma, TEEMU_REG_DONE, dma->reg_done);
	teemu_reg_write(dma, TEEMU_REG_ERRORS, dma->reg_errors);
	teemu_reg_write(dma, TEEMU_REG_HEAD, dma->head);
	atomic64_inc(&dma->descs);
	if (bad)
		atomic64_inc(&dma->errors);
	return true;
}

/* leave the descriptor where it is: the engine takes it again if it may go on */
static void teemu_dma_abandon(struct teemu_dma *dma, const struct teemu_job *job)
{
	guard(raw_spinlock_irqsave)(&dma->lock);
	atomic64_inc(&dma->aborts);
	if (job->epoch == dma->epoch)
		dma->busy = false;
}

static bool teemu_job_alive(struct teemu_dma *dma, const struct teemu_job *job)
{
	if (!READ_ONCE(dma->master) || kthread_should_stop())
		return false;
	guard(raw_spinlock_irqsave)(&dma->lock);
	return job->epoch == dma->epoch;
}

/* ---- requests ---- */

/*
 * TDISP: in RUN what the descriptor says, in CONFIG_UNLOCKED T=0, else nothing.
 *
 * Deviation: in RUN a TDI sends memory requests with T=1 only (PCIe r7.0 section
 * 11.2.1); this one can be told to send T=0 too, so that tests see the IOMMU refuse
 * private memory to it.
 */
static bool teemu_dma_may_send(struct teemu_dma *dma, bool t)
{
	if (t && READ_ONCE(dma->rogue))
		return true;
	switch (teemu_fn_state(dma->fn)) {
	case TDISP_RUN:
		return true;
	case TDISP_CONFIG_UNLOCKED:
		return !t;
	default:
		return false;
	}
}

static int teemu_dma_local(struct teemu_dma *dma, const struct teemu_side *side,
			   u64 done, u8 *buf, size_t len)
{
	void __iomem *mem = dma->fn->mem + side->addr + done;

	if (teemu_fn_state(dma->fn) == TDISP_STATE_ERROR)
		return -EACCES;
	if (side->write)
		memcpy_toio(mem, buf, len);
	else
		memcpy_fromio(buf, mem, len);
	return 0;
}

/* one request; -ECANCELED when the engine was stopped */
static int teemu_dma_send(struct teemu_dma *dma, const struct teemu_job *job,
			  const struct teemu_side *side, u64 done, u8 *buf,
			  size_t len)
{
	struct teemu_fn *fn = dma->fn;

	/* nobody stops the engine between these checks and the last byte */
	guard(mutex)(&fn->dsm_lock);
	if (!teemu_job_alive(dma, job))
		return -ECANCELED;
	if (side->local)
		return teemu_dma_local(dma, side, done, buf, len);
	if (!teemu_dma_may_send(dma, side->t))
		return -EACCES;
	return teemu_iommu_access(teemu_rc_iommu(fn->rc), fn, side->t,
				  side->addr + done, buf, len, side->write);
}

/* one request, sent again while its page is being brought in */
static int teemu_dma_move(struct teemu_dma *dma, struct teemu_job *job,
			  const struct teemu_side *side, u64 done, u8 *buf,
			  size_t len)
{
	struct teemu_fn *fn = dma->fn;
	int rc = -EACCES;

	for (int i = 0; i < TEEMU_MISS_TRIES; i++) {
		rc = teemu_dma_send(dma, job, side, done, buf, len);
		if (rc != -ENOENT)
			break;
		rc = teemu_iommu_miss(teemu_rc_iommu(fn->rc), fn,
				      side->addr + done);
		if (rc)
			break;
		rc = -EACCES;
	}
	if (rc)
		job->fault_addr = side->addr + done;
	return rc;
}

/* ---- descriptors ---- */

static bool teemu_side_valid(const struct teemu_dma *dma,
			     const struct teemu_side *side, u32 len)
{
	u64 end;

	if (check_add_overflow(side->addr, len, &end))
		return false;
	if (!side->local)
		return true;
	return !side->t && end <= dma->fn->bar_size[1];
}

/* decode the private copy of a descriptor; false if it is malformed */
static bool teemu_job_decode(const struct teemu_dma *dma, struct teemu_job *job)
{
	const struct teemu_desc *desc = &job->desc;

	job->hash = 0;
	job->fault_addr = 0;
	job->has_src = desc->op == TEEMU_OP_COPY || desc->op == TEEMU_OP_CHECKSUM;
	job->has_dst = desc->op == TEEMU_OP_COPY || desc->op == TEEMU_OP_FILL;
	if (!job->has_src && !job->has_dst)
		return false;
	if (desc->flags & ~TEEMU_DESC_F_ALL)
		return false;
	if (!desc->len || desc->len > TEEMU_MAX_LEN)
		return false;
	if (desc->reserved[0] || desc->reserved[1])
		return false;

	job->src = (struct teemu_side) {
		.addr = desc->src,
		.local = desc->flags & TEEMU_DESC_F_SRC_LOCAL,
		.t = desc->flags & TEEMU_DESC_F_SRC_T,
	};
	job->dst = (struct teemu_side) {
		.addr = desc->dst,
		.local = desc->flags & TEEMU_DESC_F_DST_LOCAL,
		.t = desc->flags & TEEMU_DESC_F_DST_T,
		.write = true,
	};
	if (job->has_src && !teemu_side_valid(dma, &job->src, desc->len))
		return false;
	return !job->has_dst || teemu_side_valid(dma, &job->dst, desc->len);
}

/* bytes until the end of the page that @side is in */
static size_t teemu_side_room(const struct teemu_side *side, u64 done)
{
	return TEEMU_CHUNK - ((side->addr + done) & (TEEMU_CHUNK - 1));
}

static size_t teemu_job_chunk(const struct teemu_job *job, u32 done)
{
	size_t len = job->desc.len - done;

	if (job->has_src)
		len = min(len, teemu_side_room(&job->src, done));
	if (job->has_dst)
		len = min(len, teemu_side_room(&job->dst, done));
	return len;
}

/* the pattern of FILL, in the bounce buffer once for all chunks */
static void teemu_job_pattern(struct teemu_dma *dma, const struct teemu_job *job)
{
	for (size_t i = 0; i <= TEEMU_CHUNK; i += sizeof(u64))
		put_unaligned_le64(job->desc.src, dma->bounce + i);
}

static int teemu_job_step(struct teemu_dma *dma, struct teemu_job *job, u32 done,
			  size_t len)
{
	u8 *buf = dma->bounce;
	int rc;

	if (job->has_src) {
		rc = teemu_dma_move(dma, job, &job->src, done, buf, len);
		if (rc)
			return rc;
		job->hash = teemu_fnv1a(job->hash, buf, len);
	} else {
		/* a chunk may begin in the middle of the pattern */
		buf += done % sizeof(u64);
	}
	if (job->has_dst) {
		rc = teemu_dma_move(dma, job, &job->dst, done, buf, len);
		if (rc)
			return rc;
	}
	atomic64_add(len, &dma->bytes);
	return 0;
}

/* the whole descriptor: TEEMU_DESC_* or -ECANCELED */
static int teemu_job_run(struct teemu_dma *dma, struct teemu_job *job)
{
	size_t len;
	int rc;

	if (!teemu_job_decode(dma, job))
		return TEEMU_DESC_BAD;
	if (job->has_src)
		job->hash = FNV1A_64_BASIS;
	else
		teemu_job_pattern(dma, job);

	for (u32 done = 0; done < job->desc.len; done += len) {
		len = teemu_job_chunk(job, done);
		rc = teemu_job_step(dma, job, done, len);
		if (rc == -ECANCELED)
			return rc;
		if (rc)
			return rc == -EFAULT ? TEEMU_DESC_FAULT : TEEMU_DESC_BLOCKED;
		cond_resched();
	}
	return TEEMU_DESC_DONE;
}

/* ---- the thread ---- */

static enum teemu_poll teemu_dma_service(struct teemu_dma *dma)
{
	struct teemu_job job;
	enum teemu_poll poll;
	int status;

	poll = teemu_dma_fetch(dma, &job);
	if (poll != TEEMU_POLL_BUSY)
		return poll;

	status = teemu_job_run(dma, &job);
	if (status < 0) {
		teemu_dma_abandon(dma, &job);
		return TEEMU_POLL_IDLE;
	}
	if (!teemu_dma_complete(dma, &job, status)) {
		atomic64_inc(&dma->aborts);
		return TEEMU_POLL_IDLE;
	}
	if (job.desc.flags & TEEMU_DESC_F_IRQ)
		teemu_msi_raise(dma->fn, TEEMU_MSIX_VECTOR);
	return TEEMU_POLL_BUSY;
}

/* look often right after work, less often the longer there is none */
static void teemu_dma_nap(enum teemu_poll poll, unsigned int *idle)
{
	unsigned int us = TEEMU_POLL_OFF_US;

	if (poll == TEEMU_POLL_BUSY) {
		*idle = 0;
		cond_resched();
		return;
	}
	if (poll == TEEMU_POLL_IDLE) {
		us = TEEMU_POLL_MIN_US << min(*idle / TEEMU_POLL_PATIENCE, 3U);
		us = min(us, TEEMU_POLL_MAX_US);
		(*idle)++;
	}
	usleep_range(us, 2 * us);
}

static int teemu_dma_thread(void *data)
{
	struct teemu_dma *dma = data;
	unsigned int idle = 0;

	set_freezable();
	while (!kthread_freezable_should_stop(NULL)) {
		if (!READ_ONCE(dma->master)) {
			wait_event_freezable(dma->wake, READ_ONCE(dma->master) ||
					     kthread_should_stop());
			idle = 0;
			continue;
		}
		teemu_dma_nap(teemu_dma_service(dma), &idle);
	}
	return 0;
}

static void teemu_dma_kicked(struct irq_work *work)
{
	struct teemu_dma *dma = container_of(work, struct teemu_dma, kick);

	wake_up(&dma->wake);
}

/* ---- what the rest of the function asks for ---- */

/**
 * teemu_dma_set_master() - the function may, or must not, send requests
 * @dma: the engine
 * @on: Bus Master Enable is set and the function is in D0
 *
 * Off takes effect with the next request; a descriptor at work is begun anew when
 * the function becomes master again.
 *
 * Context: any, also under raw spinlocks; the thread is woken from irq_work.
 */
void teemu_dma_set_master(struct teemu_dma *dma, bool on)
{
	WRITE_ONCE(dma->master, on);
	if (on)
		irq_work_queue(&dma->kick);
}

/**
 * teemu_dma_set_rogue() - make a device that lies about T, for tests
 * @dma: the engine
 * @on: send T=1 requests whatever the TDI state
 *
 * Context: any.
 */
void teemu_dma_set_rogue(struct teemu_dma *dma, bool on)
{
	WRITE_ONCE(dma->rogue, on);
}

/**
 * teemu_dma_reset() - FLR
 * @dma: the engine
 *
 * The registers read their defaults on return. The descriptor at work is dead:
 * it touches neither registers nor ring any more, and sends no request but the
 * one that may be on its way (teemu_dma_quiesce() waits for that one).
 *
 * Context: any, also under raw spinlocks.
 */
void teemu_dma_reset(struct teemu_dma *dma)
{
	guard(raw_spinlock_irqsave)(&dma->lock);
	teemu_dma_clear(dma);
}

/**
 * teemu_dma_quiesce() - no request is in flight on return
 * @dma: the engine
 *
 * None follows before software sets RUN again, with a new ring.
 *
 * Context: process, under teemu_fn::dsm_lock, which keeps requests out.
 */
void teemu_dma_quiesce(struct teemu_dma *dma)
{
	lockdep_assert_held(&dma->fn->dsm_lock);

	teemu_dma_reset(dma);
}

/**
 * teemu_dma_show() - print the engine's state and counters, one line
 * @dma: the engine
 * @m: where to
 *
 * Context: process.
 */
void teemu_dma_show(struct teemu_dma *dma, struct seq_file *m)
{
	bool running, busy;

	scoped_guard(raw_spinlock_irqsave, &dma->lock) {
		running = dma->running;
		busy = dma->busy;
	}
	seq_printf(m, "dma %02x.%x master %d rogue %d running %d in_flight %d",
		   PCI_SLOT(dma->fn->devfn), PCI_FUNC(dma->fn->devfn),
		   READ_ONCE(dma->master), READ_ONCE(dma->rogue), running, busy);
	seq_printf(m, " descs %lld errors %lld bytes %lld aborts %lld",
		   atomic64_read(&dma->descs), atomic64_read(&dma->errors),
		   atomic64_read(&dma->bytes), atomic64_read(&dma->aborts));
	seq_printf(m, " bad_rings %lld\n", atomic64_read(&dma->bad_rings));
}

/**
 * teemu_dma_create() - power on the engine of a function
 * @fn: the function; its BAR memory is mapped
 *
 * It is parked until teemu_dma_set_master(). Inverse: teemu_dma_destroy().
 *
 * Context: process, may sleep.
 * Return: the engine, or an ERR_PTR: -ENOMEM, -EINTR when the caller was killed.
 */
struct teemu_dma *teemu_dma_create(struct teemu_fn *fn)
{
	struct teemu_dma *dma __free(kfree) = kzalloc_obj(*dma);
	if (!dma)
		return ERR_PTR(-ENOMEM);

	u8 *bounce __free(kfree) = kmalloc(TEEMU_CHUNK + sizeof(u64), GFP_KERNEL);
	if (!bounce)
		return ERR_PTR(-ENOMEM);

	dma->fn = fn;
	dma->bounce = bounce;
	raw_spin_lock_init(&dma->lock);
	init_waitqueue_head(&dma->wake);
	init_irq_work(&dma->kick, teemu_dma_kicked);
	teemu_dma_reset(dma);

	dma->task = kthread_run(teemu_dma_thread, dma, "teemu-%s/%02x.%x",
				teemu_rc_name(fn->rc), PCI_SLOT(fn->devfn),
				PCI_FUNC(fn->devfn));
	if (IS_ERR(dma->task))
		return ERR_CAST(dma->task);

	/* the engine owns the buffer now */
	retain_and_null_ptr(bounce);
	return_ptr(dma);
}

/**
 * teemu_dma_destroy() - the inverse of teemu_dma_create()
 * @dma: the engine, in any state; NULL or an ERR_PTR
 *
 * Nobody calls the other functions of the engine any more. A request in flight
 * ends first.
 *
 * Context: process, may sleep, not under teemu_fn::dsm_lock.
 */
void teemu_dma_destroy(struct teemu_dma *dma)
{
	if (IS_ERR_OR_NULL(dma))
		return;
	kthread_stop(dma->task);
	irq_work_sync(&dma->kick);
	kfree(dma->bounce);
	kfree(dma);
}
