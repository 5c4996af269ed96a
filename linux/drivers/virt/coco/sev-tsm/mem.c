// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory of a guest that trusted DMA has touched: pages that the RMP has for
 * the guest, and its nested page table, which is the host's. Pages come in when
 * trusted DMA misses them and leave before guest_memfd frees them; each is referenced
 * while the RMP has it, so that a page that does not come back is never anybody
 * else's.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "sev-tsm.h"

/* a miss that races with invalidations this often is the device's problem */
#define SEV_MISS_TRIES		8

/* guest physical addresses that anything may be mapped at, exclusive */
#define SEV_GPA_END		BIT_ULL(52)

/* so many guest pages are gone through in one go under the spinlock */
#define SEV_MEM_BATCH		512

/**
 * struct mem_miss - one T=1 request that found no page
 * @gctx: the guest
 * @reserve: memory for the entries of the page @hpa was missing
 * @hpa: the page that guest_memfd has there
 */
struct mem_miss {
	struct sev_gctx *gctx;
	bool reserve;
	u64 hpa;
};

/* DMA is shut out with the first of the two, whatever the RMP says to the second */
static int shut_out(struct sev_gctx *gctx, unsigned long gfn, u64 hpa)
{
	struct sev_tsm *tsm = gctx->tsm;
	u64 status;

	lockdep_assert_held(&gctx->mem_lock);

	sev_fw_npt_clear(tsm->fw, gctx->page, PFN_PHYS(gfn));
	/* a refusal may be passing */
	status = sev_retry(sev_rmp_unprivate(tsm->fw, hpa));
	if (status)
		status = sev_rmp_unprivate(tsm->fw, hpa);
	return sev_check(tsm, SEV_CALL_RMP_UNPRIVATE, status);
}

/* DMA is let in with the second of the two */
static int rmp_add(struct sev_gctx *gctx, unsigned long gfn, u64 hpa)
{
	struct sev_tsm *tsm = gctx->tsm;
	u64 status;

	lockdep_assert_held(&gctx->mem_lock);

	status = sev_retry(sev_rmp_private(tsm->fw, hpa, gctx->asid,
					   PFN_PHYS(gfn)));
	return sev_check(tsm, SEV_CALL_RMP_PRIVATE, status);
}

static int npt_add(struct sev_gctx *gctx, unsigned long gfn, u64 hpa)
{
	return sev_fw_npt_set(gctx->tsm->fw, gctx->page, PFN_PHYS(gfn), hpa);
}

/* Return: 0: the guest does not have the page any more, nor its record */
static int page_remove(struct sev_gctx *gctx, unsigned long gfn, void *record)
{
	unsigned long pfn = xa_to_value(record);
	int rc = shut_out(gctx, gfn, PFN_PHYS(pfn));

	if (rc)
		return rc;
	xa_erase(&gctx->mem, gfn);
	put_page(pfn_to_page(pfn));
	return 0;
}

/*
 * A page that is not in there yet. The record comes first, since it is what can fail
 * for want of memory. If the way back is barred, too, the record stays and takes a
 * reference of its own: the caller drops the one that it has.
 */
static int page_add(struct mem_miss *miss, unsigned long gfn, struct page *page)
{
	struct sev_gctx *gctx = miss->gctx;
	u64 hpa = page_to_phys(page);
	int rc;

	rc = xa_err(xa_store(&gctx->mem, gfn, xa_mk_value(PHYS_PFN(hpa)),
			     GFP_NOWAIT));
	if (rc) {
		miss->reserve = true;
		return -EAGAIN;
	}
	rc = rmp_add(gctx, gfn, hpa);
	if (rc) {
		xa_erase(&gctx->mem, gfn);
		return rc;
	}
	rc = npt_add(gctx, gfn, hpa);
	if (!rc)
		return 0;
	if (shut_out(gctx, gfn, hpa))
		get_page(page);
	else
		xa_erase(&gctx->mem, gfn);
	return rc;
}

/* pci_tdi_mem_fault()'s callback: under mmu_lock; 0 takes over the reference */
static int mem_install(void *ctx, u64 gpa, struct page *page)
{
	struct mem_miss *miss = ctx;
	struct sev_gctx *gctx = miss->gctx;
	unsigned long gfn = PHYS_PFN(gpa);
	void *record;
	int rc;

	miss->hpa = page_to_phys(page);
	if (!sev_fw_reserved(gctx->tsm->fw, gctx->page, gpa, miss->hpa)) {
		miss->reserve = true;
		return -EAGAIN;
	}

	guard(spinlock)(&gctx->mem_lock);
	record = xa_load(&gctx->mem, gfn);
	if (record && PFN_PHYS(xa_to_value(record)) == miss->hpa) {
		/* somebody else's miss was faster, or the RMP kept it: has a reference */
		rc = rmp_add(gctx, gfn, miss->hpa) ?:
		     npt_add(gctx, gfn, miss->hpa);
		if (!rc)
			put_page(page);
		return rc;
	}
	/* the RMP did not give back what was here before */
	if (record && page_remove(gctx, gfn, record))
		return -EBUSY;
	return page_add(miss, gfn, page);
}

static int reserve(struct sev_gctx *gctx, u64 gpa, u64 hpa)
{
	int rc = sev_fw_reserve(gctx->tsm->fw, gctx->page, gpa, hpa);

	return rc ?: xa_reserve(&gctx->mem, PHYS_PFN(gpa), GFP_KERNEL);
}

static int mem_fault(struct sev_tdi *tdi, u64 gpa)
{
	struct mem_miss miss = { .gctx = tdi->gctx };
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < SEV_MISS_TRIES; i++) {
		rc = pci_tdi_mem_fault(&tdi->tdi, gpa, mem_install, &miss);
		if (miss.reserve)
			rc = reserve(tdi->gctx, gpa, miss.hpa) ?: -EAGAIN;
		miss.reserve = false;
	}
	return rc;
}

/**
 * sev_mem_miss() - a T=1 request found no page
 * @priv: the struct sev_tsm
 * @rid: its requester
 * @gpa: its guest physical address
 *
 * The teemu_set_tdma_miss() callback. Context: process, no locks; an unbind of
 * the TDI waits for it.
 *
 * Return: 0: try again; -ENODEV: nothing is bound to @rid; -EINVAL: no such address;
 * -ENOENT: the TVM has no private page there; -EAGAIN: it raced too often; -EBUSY: the
 * RMP still has another page there; -ENOMEM; or firmware's refusal.
 */
int sev_mem_miss(void *priv, u16 rid, u64 gpa)
{
	struct sev_tsm *tsm = priv;
	struct sev_tdi *tdi;

	if (gpa >= SEV_GPA_END)
		return -EINVAL;
	guard(srcu)(&tsm->base.srcu);
	tdi = xa_load(&tsm->base.bound, rid);
	if (!tdi)
		return -ENODEV;
	return mem_fault(tdi, round_down(gpa, PAGE_SIZE));
}

/**
 * sev_mem_remove() - shut trusted DMA out of a range of private memory
 * @gctx: the guest
 * @start: first guest frame number
 * @end: one past the last
 *
 * DMA is shut out when this returns. A page that the RMP does not give back keeps our
 * reference, so it is not reused; the next call that covers it tries again.
 *
 * Context: any but hard interrupt, KVM's mmu_lock may be held.
 */
void sev_mem_remove(struct sev_gctx *gctx, unsigned long start,
		    unsigned long end)
{
	unsigned long gfn;
	void *record;

	if (start >= end)
		return;
	guard(spinlock)(&gctx->mem_lock);
	xa_for_each_range(&gctx->mem, gfn, record, start, end - 1)
		if (page_remove(gctx, gfn, record))
			dev_warn_ratelimited(gctx->tsm->base.dev,
					     "private page %#lx stays in the RMP\n",
					     gfn);
}

/**
 * sev_mem_remove_all() - take all private memory from a guest
 * @gctx: the guest, whose TDIs are all unbound
 *
 * Context: process. Return: 0; -EIO: the RMP keeps some of it.
 */
int sev_mem_remove_all(struct sev_gctx *gctx)
{
	unsigned long gfn = 0;

	while (xa_find(&gctx->mem, &gfn, ULONG_MAX, XA_PRESENT)) {
		sev_mem_remove(gctx, gfn, gfn + SEV_MEM_BATCH);
		gfn += SEV_MEM_BATCH;
		cond_resched();
	}
	gfn = 0;
	return xa_find(&gctx->mem, &gfn, ULONG_MAX, XA_PRESENT) ? -EIO : 0;
}
