// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory in a realm's stage 2. Pages come in when trusted DMA misses them
 * and leave before guest_memfd frees them; each is referenced while it is delegated,
 * so that a page that firmware does not give back is never anybody else's.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>

#include "cca-tsm.h"

/* a miss that races with invalidations this often is the device's problem */
#define CCA_MISS_TRIES		8

/* guest frame numbers that are taken out under one hold of cca_realm::lock */
#define CCA_MEM_BATCH		512

/*
 * @run, @leaf: memory for the RMM's two calls, since mem_install() must not sleep
 * @prepared: the table is there, and a place in cca_realm::mem
 */
struct mem_miss {
	struct cca_realm *realm;
	struct cca_run *run;
	struct cca_leaf *leaf;
	bool prepared;
};

static int undelegate(struct cca_realm *realm, unsigned long gfn, u64 pa)
{
	struct cca_tsm *tsm = realm->tsm;
	u64 status;
	int rc;

	lockdep_assert_held(&realm->lock);

	/* its own run, whole: does not sleep */
	status = cca_retry(rmi_granule_range_undelegate(tsm->rmm, pa,
							pa + CCA_GRANULE));
	rc = cca_check(tsm, RMI_GRANULE_RANGE_UNDELEGATE, status);
	if (!rc)
		xa_erase(&realm->mem, gfn);
	return rc;
}

/* Unmap and undelegate one page and drop its reference; goes on where it stopped */
static int page_remove(struct cca_realm *realm, unsigned long gfn, void *entry)
{
	struct cca_tsm *tsm = realm->tsm;
	unsigned long pfn = xa_to_value(entry);
	u64 status, pa;
	int rc;

	lockdep_assert_held(&realm->lock);

	if (xa_get_mark(&realm->mem, gfn, CCA_MEM_MAPPED)) {
		status = cca_retry(rmi_rtt_data_unmap(tsm->rmm, realm->rd,
						      PFN_PHYS(gfn), &pa));
		rc = cca_check(tsm, RMI_RTT_DATA_UNMAP, status);
		if (rc)
			return rc;
		WARN_ON(pa != PFN_PHYS(pfn));
		xa_clear_mark(&realm->mem, gfn, CCA_MEM_MAPPED);
	}
	rc = undelegate(realm, gfn, PFN_PHYS(pfn));
	if (!rc)
		/* of mem_install() */
		put_page(pfn_to_page(pfn));
	return rc;
}

/*
 * Delegate @page and map it at @ipa. Return: 0: the reference is ours now; an errno:
 * it is not, but of a page that firmware keeps another one was taken.
 */
static int page_add(struct mem_miss *miss, u64 ipa, struct page *page)
{
	struct cca_realm *realm = miss->realm;
	struct cca_tsm *tsm = realm->tsm;
	unsigned long gfn = PHYS_PFN(ipa);
	u64 status, pa = page_to_phys(page);
	int rc;

	lockdep_assert_held(&realm->lock);

	/* reserved; if an invalidation took that away too, start over */
	rc = xa_err(xa_store(&realm->mem, gfn, xa_mk_value(page_to_pfn(page)),
			     GFP_NOWAIT));
	if (rc) {
		miss->prepared = false;
		return -EAGAIN;
	}
	status = cca_retry(rmi_granule_range_delegate_with(tsm->rmm, pa,
							   pa + CCA_GRANULE,
							   CCA_MEM_RAM,
							   &miss->run));
	rc = cca_check(tsm, RMI_GRANULE_RANGE_DELEGATE, status);
	if (rc) {
		xa_erase(&realm->mem, gfn);
		return rc;
	}
	status = cca_retry(rmi_rtt_data_map(tsm->rmm, realm->rd, ipa, pa,
					    &miss->leaf));
	if (status == RMI_SUCCESS) {
		xa_set_mark(&realm->mem, gfn, CCA_MEM_MAPPED);
		return 0;
	}
	/* a table that has gone since we looked is nobody's fault */
	miss->prepared = false;
	if (RMI_CODE(status) == RMI_ERROR_RTT && RMI_LEVEL(status) < 3)
		rc = -EAGAIN;
	else
		rc = cca_check(tsm, RMI_RTT_DATA_MAP, status);
	if (undelegate(realm, gfn, pa))
		get_page(page);
	return rc;
}

/* pci_tdi_mem_fault()'s callback: under mmu_lock; 0 takes over the reference */
static int mem_install(void *ctx, u64 ipa, struct page *page)
{
	struct mem_miss *miss = ctx;
	struct cca_realm *realm = miss->realm;
	unsigned long gfn = PHYS_PFN(ipa);
	void *entry;

	guard(spinlock)(&realm->lock);
	entry = xa_load(&realm->mem, gfn);
	if (entry && xa_to_value(entry) == page_to_pfn(page) &&
	    xa_get_mark(&realm->mem, gfn, CCA_MEM_MAPPED)) {
		/* somebody else's miss was faster, and has a reference */
		put_page(page);
		return 0;
	}
	/* of an earlier time, when firmware would not let go of it */
	if (entry && page_remove(realm, gfn, entry))
		return -EBUSY;
	if (!miss->prepared || !miss->run || !miss->leaf ||
	    !cca_rtt_has(realm, ipa, 3)) {
		miss->prepared = false;
		return -EAGAIN;
	}
	return page_add(miss, ipa, page);
}

/* What mem_install() cannot do. Return: 0 or -errno */
static int miss_prepare(struct mem_miss *miss, u64 ipa)
{
	struct cca_realm *realm = miss->realm;
	int rc;

	if (!miss->run)
		miss->run = cca_run_alloc(GFP_KERNEL);
	if (!miss->leaf)
		miss->leaf = cca_leaf_alloc(GFP_KERNEL);
	if (!miss->run || !miss->leaf)
		return -ENOMEM;
	scoped_guard(mutex, &realm->rtt_lock)
		rc = cca_rtt_get(realm, ipa, 3);
	if (!rc)
		rc = xa_reserve(&realm->mem, PHYS_PFN(ipa), GFP_KERNEL);
	miss->prepared = !rc;
	return rc;
}

/*
 * The first time only asks whether there is a page: a device may name any address,
 * and none of those that the TVM has not gets a table.
 */
static int mem_fault(struct cca_tdi *tdi, u64 ipa)
{
	struct mem_miss miss = { .realm = tdi->mmio.realm };
	int rc = -EAGAIN;

	if (ipa >= BIT_ULL(CCA_IPA_BITS))
		return -ENOENT;
	for (int i = 0; rc == -EAGAIN && i < CCA_MISS_TRIES; i++) {
		rc = pci_tdi_mem_fault(&tdi->tdi, ipa, mem_install, &miss);
		if (rc == -EAGAIN && !miss.prepared)
			rc = miss_prepare(&miss, ipa) ?: -EAGAIN;
	}
	/* if nothing came into the place that was reserved */
	xa_release(&miss.realm->mem, PHYS_PFN(ipa));
	cca_run_free(miss.run);
	cca_leaf_free(miss.leaf);
	return rc;
}

/**
 * cca_mem_miss() - a T=1 request found no page
 * @priv: the struct cca_tsm
 * @rid: its requester
 * @ipa: its guest physical address
 *
 * The teemu_set_tdma_miss() callback. Context: process, no locks; an unbind of
 * the TDI waits for it.
 *
 * Return: 0: try again; -ENODEV: nothing is bound to @rid; -ENOENT: the TVM has
 * no private page there; -EAGAIN: it raced too often; or firmware's refusal.
 */
int cca_mem_miss(void *priv, u16 rid, u64 ipa)
{
	struct cca_tsm *tsm = priv;
	struct cca_tdi *tdi;

	guard(srcu)(&tsm->base.srcu);
	tdi = xa_load(&tsm->base.bound, rid);
	if (!tdi)
		return -ENODEV;
	return mem_fault(tdi, round_down(ipa, PAGE_SIZE));
}

static int remove_once(struct cca_realm *realm, u64 start, u64 end)
{
	unsigned long gfn;
	void *entry;
	int rc, ret = 0;

	xa_for_each_range(&realm->mem, gfn, entry, start, end - 1) {
		rc = page_remove(realm, gfn, entry);
		ret = ret ?: rc;
	}
	return ret;
}

/**
 * cca_mem_remove() - shut trusted DMA out of a range of private memory
 * @realm: the realm
 * @start: first guest frame number
 * @end: one past the last
 *
 * A page that firmware refuses to unmap or to give back keeps our reference, so it
 * is not reused; the next call that covers it tries again, and so does the end of
 * the realm. Context: any but hard interrupt, KVM's mmu_lock may be held.
 *
 * Return: 0, or firmware's refusal as errno.
 */
int cca_mem_remove(struct cca_realm *realm, u64 start, u64 end)
{
	int rc;

	if (start >= end)
		return 0;
	guard(spinlock)(&realm->lock);
	rc = remove_once(realm, start, end);
	/* a refusal may be passing */
	if (rc)
		rc = remove_once(realm, start, end);
	if (rc)
		dev_warn_ratelimited(realm->tsm->base.dev,
				     "private memory %#llx-%#llx stays with firmware\n",
				     PFN_PHYS(start), PFN_PHYS(end));
	return rc;
}

/**
 * cca_mem_remove_all() - take all private memory out of a realm
 * @realm: the realm, without VDEVs
 *
 * Context: process; some pages at a time, as this is under a spinlock.
 * Return: 0, or firmware's refusal as errno.
 */
int cca_mem_remove_all(struct cca_realm *realm)
{
	unsigned long gfn = 0;
	int rc;

	while (xa_find(&realm->mem, &gfn, ULONG_MAX, XA_PRESENT)) {
		rc = cca_mem_remove(realm, gfn, gfn + CCA_MEM_BATCH);
		if (rc)
			return rc;
		gfn += CCA_MEM_BATCH;
		cond_resched();
	}
	return 0;
}
