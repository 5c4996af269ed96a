// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory in a TD's secure EPT. Pages come in when trusted DMA misses
 * them and leave before guest_memfd frees them; each is referenced while firmware
 * has it, so that a page that firmware does not give back is never anybody else's.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/mm.h>

#include "tdx-tsm.h"

/* a miss that races with invalidations this often is the device's problem */
#define TDX_MISS_TRIES		8

struct mem_miss {
	struct tdx_td *td;
	bool need_sept;
	bool stale;
};

/* pci_tdi_mem_fault()'s callback: under mmu_lock; 0 takes over the reference */
static int mem_install(void *ctx, u64 gpa, struct page *page)
{
	struct mem_miss *miss = ctx;
	struct tdx_td *td = miss->td;
	struct tdx_sept_entry entry;
	u64 hpa = page_to_phys(page);
	int rc;

	if (!tdx_td_has_sept(td, gpa)) {
		miss->need_sept = true;
		return -EAGAIN;
	}

	guard(spinlock)(&td->lock);
	rc = tdx_check(td->tsm, TDH_MEM_SEPT_RD,
		       tdh_mem_sept_rd(td->tsm->fw, td->tdr, gpa, &entry));
	if (rc)
		return rc;

	switch (entry.state) {
	case TDX_SEPT_FREE:
		return tdx_check(td->tsm, TDH_MEM_PAGE_ADD,
				 tdh_mem_page_add(td->tsm->fw, td->tdr, gpa,
						  hpa));
	case TDX_SEPT_MAPPED:
		if (entry.hpa != hpa)
			return -EBUSY;
		/* somebody else's miss was faster, and has a reference */
		put_page(page);
		return 0;
	case TDX_SEPT_BLOCKED:
		miss->stale = true;
		return -EAGAIN;
	default:
		return -EACCES;
	}
}

static int mem_fault(struct tdx_tdi *tdi, u64 gpa)
{
	struct mem_miss miss = { .td = tdi->td };
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < TDX_MISS_TRIES; i++) {
		rc = pci_tdi_mem_fault(&tdi->tdi, gpa, mem_install, &miss);
		if (miss.need_sept) {
			rc = tdx_td_sept(tdi->td, gpa) ?: -EAGAIN;
			miss.need_sept = false;
		}
		if (miss.stale) {
			tdx_mem_remove(tdi->td, PHYS_PFN(gpa),
				       PHYS_PFN(gpa) + 1);
			miss.stale = false;
		}
	}
	return rc;
}

/**
 * tdx_mem_miss() - a T=1 request found no page
 * @priv: the struct tdx_tsm
 * @rid: its requester
 * @gpa: its guest physical address
 *
 * The teemu_set_tdma_miss() callback. Context: process, no locks; an unbind of
 * the TDI waits for it.
 *
 * Return: 0: try again; -ENODEV: nothing is bound to @rid; -ENOENT: the TVM has
 * no private page there; -EAGAIN: it raced too often; or firmware's refusal.
 */
int tdx_mem_miss(void *priv, u16 rid, u64 gpa)
{
	struct tdx_tsm *tsm = priv;
	struct tdx_tdi *tdi;

	guard(srcu)(&tsm->base.srcu);
	tdi = xa_load(&tsm->base.bound, rid);
	if (!tdi)
		return -ENODEV;
	return mem_fault(tdi, round_down(gpa, PAGE_SIZE));
}

static int block_range(struct tdx_td *td, u64 start, u64 end, bool *any)
{
	struct tdx_sept_entry entry;
	u64 gpa = start;
	int rc, ret = 0;

	lockdep_assert_held(&td->lock);

	for (; tdx_fw_next_page(td->tsm->fw, td->tdr, &gpa, end, &entry);
	     gpa += PAGE_SIZE) {
		*any = true;
		if (entry.state != TDX_SEPT_MAPPED)
			continue;
		rc = tdx_check(td->tsm, TDH_MEM_RANGE_BLOCK,
			       tdh_mem_range_block(td->tsm->fw, td->tdr, gpa));
		ret = ret ?: rc;
	}
	return ret;
}

static int remove_blocked(struct tdx_td *td, u64 start, u64 end)
{
	struct tdx_sept_entry entry;
	u64 gpa = start, hpa;
	int rc, ret = 0;

	lockdep_assert_held(&td->lock);

	for (; tdx_fw_next_page(td->tsm->fw, td->tdr, &gpa, end, &entry);
	     gpa += PAGE_SIZE) {
		if (entry.state != TDX_SEPT_BLOCKED)
			continue;
		rc = tdx_check(td->tsm, TDH_MEM_PAGE_REMOVE,
			       tdh_mem_page_remove(td->tsm->fw, td->tdr, gpa,
						   &hpa));
		ret = ret ?: rc;
		/* the reference of mem_install(), if firmware let go of the page */
		if (!rc)
			put_page(pfn_to_page(PHYS_PFN(hpa)));
	}
	return ret;
}

static int remove_once(struct tdx_td *td, u64 start, u64 end)
{
	bool any = false;
	int rc, ret;

	ret = block_range(td, start, end, &any);
	if (!any)
		return 0;
	rc = tdx_check(td->tsm, TDH_MEM_TRACK,
		       tdx_retry(tdh_mem_track(td->tsm->fw, td->tdr)));
	if (!rc)
		rc = tdx_iotlb_flush(td, true);
	if (!rc)
		rc = remove_blocked(td, start, end);
	return rc ?: ret;
}

/**
 * tdx_mem_remove() - shut trusted DMA out of a range of private memory
 * @td: the TD
 * @start: first guest frame number
 * @end: one past the last
 *
 * DMA is shut out when the pages are blocked. One that firmware refuses to block
 * or to give back keeps our reference, so it is not reused; the next call that
 * covers it tries again, and the end of the TD reclaims it.
 *
 * Context: any but hard interrupt, KVM's mmu_lock may be held.
 */
void tdx_mem_remove(struct tdx_td *td, u64 start, u64 end)
{
	u64 from = PFN_PHYS(start), to = PFN_PHYS(end);

	guard(spinlock)(&td->lock);
	/* a refusal may be passing */
	if (!remove_once(td, from, to) || !remove_once(td, from, to))
		return;
	WRITE_ONCE(td->stuck, true);
	dev_warn_ratelimited(td->tsm->base.dev,
			     "private memory %#llx-%#llx stays with firmware\n",
			     from, to);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mem_remove);
