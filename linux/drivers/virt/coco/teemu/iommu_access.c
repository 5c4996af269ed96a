// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: how one memory request goes through the emulated IOMMU.
 *
 * T=0 is translated by the domain that the function is attached to and may reach
 * host memory and the BARs of functions that are not locked, never a page that
 * guest_memfd owns. T=1 is possible only while trusted DMA is armed, and then the
 * vendor's firmware decides.
 */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <trace/events/teemu.h>
#include "iommu.h"

/* bits of a second stage entry that the unit looks at (VT-d section 9.8) */
#define TEEMU_PTE_R		BIT_ULL(0)
#define TEEMU_PTE_W		BIT_ULL(1)
#define TEEMU_PTE_PS		BIT_ULL(7)
#define TEEMU_PTE_OA		GENMASK_ULL(51, 12)
#define TEEMU_PTE_BITS		9

DEFINE_RWLOCK(teemu_iommu_lock);

/**
 * teemu_iommu_shut_out() - wait for the requests in flight
 *
 * When it returns, no request is in flight that began before the call, and one
 * that begins later sees the tables as they are now. Bounded by the copy of one
 * page per function.
 *
 * Context: process, does not sleep; not under a firmware's lock.
 */
void teemu_iommu_shut_out(void)
{
	write_lock(&teemu_iommu_lock);
	write_unlock(&teemu_iommu_lock);
}

/**
 * teemu_iommu_drain() - nothing of a requester is in flight on return
 * @iommu: the unit
 * @rid: requester id
 *
 * Context: as teemu_iommu_shut_out().
 */
void teemu_iommu_drain(struct teemu_iommu *iommu, u16 rid)
{
	teemu_iommu_shut_out();
}

/**
 * teemu_iommu_dev_attach() - change what a function's T=0 requests go through
 * @idev: the function
 * @domain: the new domain, NULL to block them
 *
 * The old domain is not used any more on return. Context: process, not sleeping.
 */
void teemu_iommu_dev_attach(struct teemu_iommu_dev *idev,
			    struct teemu_domain *domain)
{
	guard(write_lock)(&teemu_iommu_lock);
	idev->domain = domain;
}

/**
 * teemu_iommu_arm() - let the function's T=1 requests be shown to firmware
 * @idev: the function
 * @tdi_id: its virtual RID
 *
 * Inverse: teemu_iommu_disarm(). Context: process, not sleeping.
 * Return: 0, or -EBUSY if it is armed already.
 */
int teemu_iommu_arm(struct teemu_iommu_dev *idev, u32 tdi_id)
{
	guard(write_lock)(&teemu_iommu_lock);
	if (idev->armed)
		return -EBUSY;
	idev->armed = true;
	idev->tdi_id = tdi_id;
	trace_teemu_tdma(teemu_rc_domain(idev->iommu->rc), idev->rid, tdi_id, true);
	return 0;
}

/**
 * teemu_iommu_disarm() - the inverse of teemu_iommu_arm()
 * @idev: the function; armed or not
 *
 * No T=1 request of it is in flight on return and none starts. Context: process,
 * not sleeping.
 */
void teemu_iommu_disarm(struct teemu_iommu_dev *idev)
{
	guard(write_lock)(&teemu_iommu_lock);
	if (idev->armed)
		trace_teemu_tdma(teemu_rc_domain(idev->iommu->rc), idev->rid,
				 idev->tdi_id, false);
	idev->armed = false;
	idev->tdi_id = 0;
}

static struct teemu_iommu_dev *teemu_iommu_find(struct teemu_iommu *iommu, u16 rid)
{
	struct teemu_iommu_dev *idev;

	lockdep_assert_held(&teemu_iommu_lock);

	list_for_each_entry(idev, &iommu->devs, node)
		if (idev->rid == rid)
			return idev;
	return NULL;
}

/*
 * Entries may change under the walk, as under hardware's: each is read once, and
 * a table that was unhooked is freed only after teemu_iommu_shut_out().
 */
static int teemu_walk(const struct teemu_domain *domain, u64 iova, bool write,
		      phys_addr_t *pa)
{
	u64 need = write ? TEEMU_PTE_W : TEEMU_PTE_R;
	const u64 *table = domain->root;
	int level;

	lockdep_assert_held(&teemu_iommu_lock);

	if (iova >> TEEMU_PT_VASZ_LG2)
		return -EFAULT;
	for (level = TEEMU_PT_TOP_LEVEL; level >= 0; level--) {
		unsigned int shift = PAGE_SHIFT + level * TEEMU_PTE_BITS;
		u64 pte = READ_ONCE(table[(iova >> shift) &
					  GENMASK(TEEMU_PTE_BITS - 1, 0)]);

		if (!(pte & need))
			return -EFAULT;
		if (!level || (pte & TEEMU_PTE_PS)) {
			u64 in_page = BIT_ULL(shift) - 1;

			*pa = (pte & TEEMU_PTE_OA & ~in_page) | (iova & in_page);
			return 0;
		}
		table = phys_to_virt(pte & TEEMU_PTE_OA);
	}
	return -EFAULT;
}

/* the page of RAM at @pa that a device may be let at, NULL if there is none */
static struct page *teemu_ram_page(phys_addr_t pa)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(pa));

	if (!page || PageReserved(page) || PageHWPoison(page))
		return NULL;
	return page;
}

static void teemu_copy_page(struct page *page, phys_addr_t pa, void *buf,
			    size_t len, bool write)
{
	void *mem = page_address(page) + offset_in_page(pa);

	if (write)
		memcpy(mem, buf, len);
	else
		memcpy(buf, mem, len);
}

static void teemu_copy_io(void __iomem *io, void *buf, size_t len, bool write)
{
	if (write)
		memcpy_toio(io, buf, len);
	else
		memcpy_fromio(buf, io, len);
}

static void __iomem *teemu_bar_at(const struct teemu_fn *fn, phys_addr_t pa)
{
	if (pa - fn->bar_phys[0] < fn->bar_size[0])
		return fn->regs + (pa - fn->bar_phys[0]);
	if (pa - fn->bar_phys[1] < fn->bar_size[1])
		return fn->mem + (pa - fn->bar_phys[1]);
	return NULL;
}

/* peer-to-peer inside the root complex; a locked TDI rejects T=0 */
static int teemu_copy_peer(struct teemu_iommu *iommu, phys_addr_t pa, void *buf,
			   size_t len, bool write)
{
	struct teemu_iommu_dev *peer;

	lockdep_assert_held(&teemu_iommu_lock);

	list_for_each_entry(peer, &iommu->devs, node) {
		struct teemu_fn *fn = teemu_rc_find_fn(iommu->rc, peer->rid);
		void __iomem *io = fn ? teemu_bar_at(fn, pa) : NULL;

		if (!io)
			continue;
		if (teemu_fn_state(fn) != TDISP_CONFIG_UNLOCKED ||
		    !teemu_fn_present(fn))
			return -EACCES;
		teemu_copy_io(io, buf, len, write);
		return 0;
	}
	return -EACCES;
}

/* guest_memfd marks its mapping: its pages are not the host's to hand out */
static bool teemu_page_private(struct page *page)
{
	struct address_space *mapping;

	/* the mapping sits in an inode, and inodes are freed by RCU */
	guard(rcu)();
	mapping = folio_mapping(page_folio(page));
	return mapping && mapping_inaccessible(mapping);
}

static int teemu_access_t0(struct teemu_iommu_dev *idev, u64 addr, void *buf,
			   size_t len, bool write)
{
	struct teemu_iommu_stats *stats = &idev->stats;
	struct page *page;
	phys_addr_t pa;
	int rc = -EACCES;

	lockdep_assert_held(&teemu_iommu_lock);

	if (idev->domain) {
		rc = teemu_walk(idev->domain, addr, write, &pa);
		if (rc) {
			atomic64_inc(&stats->t0_fault);
			return rc;
		}
		page = teemu_ram_page(pa);
		if (!page)
			rc = teemu_copy_peer(idev->iommu, pa, buf, len, write);
		else if (teemu_page_private(page))
			rc = -EACCES;
		else
			teemu_copy_page(page, pa, buf, len, write);
	}
	atomic64_inc(rc ? &stats->t0_blocked : &stats->t0_ok);
	return rc;
}

struct teemu_t1 {
	void *buf;
	size_t len;
	bool write;
	bool done;
};

/* firmware holds the lock of its tables: the entry stays until data has moved */
static void teemu_t1_xfer(void *ctx, phys_addr_t hpa)
{
	struct page *page = teemu_ram_page(hpa);
	struct teemu_t1 *t1 = ctx;

	if (!page || offset_in_page(hpa) + t1->len > PAGE_SIZE)
		return;
	teemu_copy_page(page, hpa, t1->buf, t1->len, t1->write);
	t1->done = true;
}

/* a T=1 request travels over the stream that the TDI was locked with, or not at all */
static int teemu_access_t1(struct teemu_iommu_dev *idev,
			   const struct teemu_fn *fn, u64 addr, void *buf,
			   size_t len, bool write)
{
	struct teemu_t1 t1 = { .buf = buf, .len = len, .write = write };
	struct teemu_iommu_stats *stats = &idev->stats;
	int rc = -EACCES;

	lockdep_assert_held(&teemu_iommu_lock);

	if (idev->armed && teemu_ide_holds(fn))
		rc = teemu_rc_tdma(idev->iommu->rc, idev->rid, addr, len, write,
				   teemu_t1_xfer, &t1);
	if (rc == -ENOENT) {
		atomic64_inc(&stats->t1_miss);
		return rc;
	}
	if (rc || !t1.done) {
		atomic64_inc(&stats->t1_blocked);
		return -EACCES;
	}
	atomic64_inc(&stats->t1_ok);
	return 0;
}

/**
 * teemu_iommu_access() - one memory request of a function
 * @iommu: the unit
 * @fn: the function; @fn->rid is the requester id
 * @t: the request's T bit
 * @addr: IOVA (T=0) or guest physical address (T=1), bytes
 * @buf: kernel buffer of @len bytes that data comes from or goes to
 * @len: bytes; the request stays in one 4 KiB page
 * @write: to memory (true) or from memory
 *
 * On any error no byte has moved.
 *
 * Context: process, does not sleep. Takes teemu_iommu_lock and, for T=1, the lock
 * of the firmware's tables.
 * Return: 0; -EACCES the platform refused; -EFAULT (T=0) no translation; -ENOENT
 * (T=1) the page is not present, see teemu_iommu_miss(); -EINVAL the request
 * leaves its page.
 */
int teemu_iommu_access(struct teemu_iommu *iommu, struct teemu_fn *fn, bool t,
		       u64 addr, void *buf, size_t len, bool write)
{
	struct teemu_iommu_dev *idev;
	int rc = -EACCES;

	if (!len || len > SZ_4K || (addr & (SZ_4K - 1)) + len > SZ_4K)
		return -EINVAL;

	guard(read_lock)(&teemu_iommu_lock);
	idev = teemu_iommu_find(iommu, fn->rid);
	if (!idev)
		atomic64_inc(&iommu->strays);
	else if (t)
		rc = teemu_access_t1(idev, fn, addr, buf, len, write);
	else
		rc = teemu_access_t0(idev, addr, buf, len, write);
	/* of a miss there is more to be seen at KVM's, which brings the page */
	if (rc && rc != -ENOENT)
		trace_teemu_dma_fault(teemu_rc_domain(iommu->rc), fn->rid, t,
				      addr, write, rc);
	return rc;
}

/**
 * teemu_iommu_miss() - have the page of a T=1 request brought in
 * @iommu: the unit
 * @fn: the function whose request was answered -ENOENT
 * @addr: address of that request
 *
 * Context: process, may sleep, no lock held.
 * Return: 0 send the request again; -EACCES it is refused.
 */
int teemu_iommu_miss(struct teemu_iommu *iommu, struct teemu_fn *fn, u64 addr)
{
	struct teemu_iommu_dev *idev;

	if (!teemu_rc_tdma_miss(iommu->rc, fn->rid, addr))
		return 0;

	guard(read_lock)(&teemu_iommu_lock);
	idev = teemu_iommu_find(iommu, fn->rid);
	if (idev)
		atomic64_inc(&idev->stats.t1_blocked);
	return -EACCES;
}

/**
 * teemu_iommu_show() - print one line per function, and the strays
 * @iommu: the unit
 * @m: where to
 *
 * Context: process, does not sleep.
 */
void teemu_iommu_show(struct teemu_iommu *iommu, struct seq_file *m)
{
	struct teemu_iommu_dev *idev;

	guard(read_lock)(&teemu_iommu_lock);
	list_for_each_entry(idev, &iommu->devs, node) {
		struct teemu_iommu_stats *stats = &idev->stats;

		seq_printf(m, "fn %s domain %s armed %d tdi_id %#x",
			   pci_name(idev->pdev),
			   idev->domain ? "paging" : "blocked", idev->armed,
			   idev->tdi_id);
		seq_printf(m, " t0_ok %lld t0_blocked %lld t0_fault %lld",
			   atomic64_read(&stats->t0_ok),
			   atomic64_read(&stats->t0_blocked),
			   atomic64_read(&stats->t0_fault));
		seq_printf(m, " t1_ok %lld t1_blocked %lld t1_miss %lld\n",
			   atomic64_read(&stats->t1_ok),
			   atomic64_read(&stats->t1_blocked),
			   atomic64_read(&stats->t1_miss));
	}
	seq_printf(m, "strays %lld\n", atomic64_read(&iommu->strays));
}
