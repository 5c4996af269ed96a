// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private MMIO of one TDI: the leaves that its TD has mapped, and firmware's
 * metadata of them. A leaf is taken from the host (DATA) when the TD validates it
 * and given back (QNODE) at the end of unbind. Metadata that the largest leaves of a
 * BAR need is set up at bind, so that a lack of it shows there; what smaller leaves
 * need comes with them.
 *
 * Nothing here knows a PCI device: addresses, a TD and firmware's name of the TDI.
 * Nothing here asks firmware what it has: who has which part of a BAR is in
 * tdx_tsm::taken, what is in the way at a guest address is in the TD (td.c).
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "tdx-tsm.h"

/**
 * tdx_mmio_init() - private MMIO of a new TDI: none
 * @mmio: to be filled
 * @tsm: the root complex
 * @td: its TD
 * @devif: firmware's name for it; need not exist yet
 */
void tdx_mmio_init(struct tdx_mmio *mmio, struct tdx_tsm *tsm,
		   struct tdx_td *td, u64 devif)
{
	*mmio = (struct tdx_mmio) { .tsm = tsm, .td = td, .devif = devif };
	INIT_LIST_HEAD(&mmio->leaves);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mmio_init);

/* the metadata of the largest leaves that fit into a BAR, which is naturally aligned */
static enum tdx_meta_kind bar_kind(u64 start, u64 size)
{
	unsigned int level = TDX_NR_LEVELS - 1;

	while (level && (size < tio_leaf_size(level) ||
			 !IS_ALIGNED(start, tio_leaf_size(level))))
		level--;
	return tdx_meta_of_leaf(level);
}

static void bar_release(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
			u64 end)
{
	for (; key < end; key++)
		tdx_meta_put(tsm, kind, key);
}

/**
 * tdx_mmio_reserve() - give firmware the metadata pages of a BAR
 * @mmio: private MMIO of the TDI
 * @start: physical address of the BAR
 * @size: its size in bytes, not 0
 *
 * Once for each BAR. Context: process. Undone by tdx_mmio_release().
 *
 * Return: 0; -E2BIG: more BARs than a function has; or what tdx_meta_get() says;
 * nothing is held for this BAR then.
 */
int tdx_mmio_reserve(struct tdx_mmio *mmio, u64 start, u64 size)
{
	enum tdx_meta_kind kind = bar_kind(start, size);
	u64 first = tdx_meta_key(kind, start);
	u64 last = tdx_meta_key(kind, start + size - 1);
	int rc;

	if (mmio->nr_bars == ARRAY_SIZE(mmio->bar))
		return -E2BIG;
	for (u64 key = first; key <= last; key++) {
		rc = tdx_meta_get(mmio->tsm, kind, key);
		if (rc) {
			bar_release(mmio->tsm, kind, first, key);
			return rc;
		}
	}
	mmio->bar[mmio->nr_bars].start = start;
	mmio->bar[mmio->nr_bars++].size = size;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mmio_reserve);

/**
 * tdx_mmio_release() - undo every tdx_mmio_reserve()
 * @mmio: private MMIO of the TDI; no leaf of it is left
 *
 * Context: process; never fails.
 */
void tdx_mmio_release(struct tdx_mmio *mmio)
{
	WARN_ON(!list_empty(&mmio->leaves));
	while (mmio->nr_bars) {
		u64 start = mmio->bar[--mmio->nr_bars].start;
		u64 size = mmio->bar[mmio->nr_bars].size;
		enum tdx_meta_kind kind = bar_kind(start, size);

		bar_release(mmio->tsm, kind, tdx_meta_key(kind, start),
			    tdx_meta_key(kind, start + size - 1) + 1);
	}
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mmio_release);

static bool has_address(const struct tdx_leaf *leaf, u64 hpa)
{
	return hpa >= leaf->hpa && hpa - leaf->hpa < tio_leaf_size(leaf->level);
}

/*
 * A leaf, of whichever TDI, that has a page of the @level sized piece at @hpa.
 * Leaves are aligned to their size: one that is larger begins where @hpa rounded
 * down does, any other begins inside the piece.
 */
static struct tdx_leaf *find_leaf(struct tdx_tsm *tsm, u64 hpa,
				  unsigned int level)
{
	unsigned long at = PHYS_PFN(hpa);
	struct tdx_leaf *leaf;

	lockdep_assert_held(&tsm->base.lock);

	for (unsigned int l = level; l < TDX_NR_LEVELS; l++) {
		leaf = xa_load(&tsm->taken,
			       PHYS_PFN(round_down(hpa, tio_leaf_size(l))));
		if (leaf && has_address(leaf, hpa))
			return leaf;
	}
	return xa_find(&tsm->taken, &at,
		       PHYS_PFN(hpa + tio_leaf_size(level) - 1), XA_PRESENT);
}

/* NULL: nobody has any of it; this TDI's leaf; or ERR_PTR(-EBUSY): another TDI has */
static struct tdx_leaf *find_own(struct tdx_mmio *mmio, u64 hpa,
				 unsigned int level)
{
	struct tdx_leaf *leaf;

	guard(mutex)(&mmio->tsm->base.lock);
	leaf = find_leaf(mmio->tsm, hpa, level);
	return leaf && leaf->owner != mmio ? ERR_PTR(-EBUSY) : leaf;
}

/* our record: before firmware has it as ours, until after it has not */
static int leaf_insert(struct tdx_leaf *leaf)
{
	struct tdx_tsm *tsm = leaf->owner->tsm;
	int rc;

	guard(mutex)(&tsm->base.lock);
	if (find_leaf(tsm, leaf->hpa, leaf->level))
		return -EBUSY;
	rc = xa_insert(&tsm->taken, PHYS_PFN(leaf->hpa), leaf, GFP_KERNEL);
	if (!rc)
		list_add_tail(&leaf->node, &leaf->owner->leaves);
	return rc;
}

static void leaf_erase(struct tdx_leaf *leaf)
{
	struct tdx_tsm *tsm = leaf->owner->tsm;

	guard(mutex)(&tsm->base.lock);
	list_del(&leaf->node);
	xa_erase(&tsm->taken, PHYS_PFN(leaf->hpa));
}

/* Metadata for a leaf: the page that has its entry, and none below that entry */
static int leaf_meta_get(struct tdx_tsm *tsm, u64 hpa, unsigned int level)
{
	enum tdx_meta_kind kind = tdx_meta_of_leaf(level);
	int rc = 0;

	if (level)
		rc = tdx_meta_vacate(tsm, kind - 1, tdx_meta_key(kind - 1, hpa));
	return rc ?: tdx_meta_get(tsm, kind, tdx_meta_key(kind, hpa));
}

static void leaf_meta_put(struct tdx_tsm *tsm, u64 hpa, unsigned int level)
{
	enum tdx_meta_kind kind = tdx_meta_of_leaf(level);

	tdx_meta_put(tsm, kind, tdx_meta_key(kind, hpa));
}

static int leaf_set(struct tdx_leaf *leaf, enum tdx_mmiomt_type type,
		    u64 *status)
{
	struct tdx_mmio *mmio = leaf->owner;
	u64 devif = type == TDX_MMIOMT_DATA ? mmio->devif : 0;

	*status = tdx_retry(tdh_mmio_mt_set(mmio->tsm->fw, leaf->hpa,
					    leaf->level, type, devif));
	return tdx_check(mmio->tsm, TDH_MMIO_MT_SET, *status);
}

/* QNODE to DATA */
static struct tdx_leaf *leaf_take(struct tdx_mmio *mmio, u64 hpa,
				  unsigned int level, u64 *status)
{
	struct tdx_leaf *leaf __free(kfree) = kzalloc_obj(*leaf);
	int rc;

	if (!leaf)
		return ERR_PTR(-ENOMEM);
	leaf->owner = mmio;
	leaf->hpa = hpa;
	leaf->level = level;
	leaf->state = TDX_LEAF_TAKEN;

	rc = leaf_insert(leaf);
	if (rc)
		return ERR_PTR(rc);
	rc = leaf_meta_get(mmio->tsm, hpa, level);
	if (!rc) {
		rc = leaf_set(leaf, TDX_MMIOMT_DATA, status);
		if (rc)
			leaf_meta_put(mmio->tsm, hpa, level);
	}
	if (rc) {
		leaf_erase(leaf);
		return ERR_PTR(rc);
	}
	return_ptr(leaf);
}

/* DATA to QNODE: the leaf is the host's again, and its record goes */
static int leaf_give_back(struct tdx_leaf *leaf)
{
	struct tdx_tsm *tsm = leaf->owner->tsm;
	u64 status;
	int rc;

	if (WARN_ON_ONCE(leaf->state != TDX_LEAF_TAKEN))
		return -EBUSY;
	rc = leaf_set(leaf, TDX_MMIOMT_QNODE, &status);
	if (rc)
		return rc;
	leaf_meta_put(tsm, leaf->hpa, leaf->level);
	leaf_erase(leaf);
	kfree(leaf);
	return 0;
}

static int leaf_map(struct tdx_leaf *leaf, u64 *status)
{
	struct tdx_mmio *mmio = leaf->owner;
	int rc;

	*status = tdx_retry(tdh_mmio_map(mmio->tsm->fw, leaf->gpa, leaf->level,
					 mmio->td->tdr, leaf->hpa));
	rc = tdx_check(mmio->tsm, TDH_MMIO_MAP, *status);
	if (!rc)
		leaf->state = TDX_LEAF_MAPPED;
	return rc;
}

static bool is_left_over(const struct tdx_leaf *leaf, u64 hpa,
			 unsigned int level)
{
	return leaf->state == TDX_LEAF_TAKEN && leaf->hpa == hpa &&
	       leaf->level == level;
}

/*
 * What the TDI itself has of the piece: NULL; a leaf that is mapped and has @hpa or
 * is in the way; or this very leaf, that an earlier try took. What such tries have
 * left in other sizes is given back.
 */
static struct tdx_leaf *find_usable(struct tdx_mmio *mmio, u64 hpa,
				    unsigned int level)
{
	struct tdx_leaf *leaf;

	for (;;) {
		int rc;

		leaf = find_own(mmio, hpa, level);
		if (IS_ERR_OR_NULL(leaf) || leaf->state != TDX_LEAF_TAKEN ||
		    is_left_over(leaf, hpa, level))
			return leaf;
		rc = leaf_give_back(leaf);
		if (rc)
			return ERR_PTR(rc);
	}
}

static bool is_mapped(const struct tdx_leaf *leaf, u64 gpa, u64 hpa)
{
	return leaf->state == TDX_LEAF_MAPPED && has_address(leaf, hpa) &&
	       gpa - leaf->gpa == hpa - leaf->hpa;
}

/**
 * tdx_mmio_is_mapped() - is a piece of a BAR in the TD's secure EPT already?
 * @mmio: private MMIO of the TDI
 * @gpa: guest physical address of its first page
 * @hpa: physical address of its first page
 *
 * Context: process, under the lock that owns @mmio.
 *
 * Return: true if @gpa shows @hpa, in a leaf of whatever level.
 */
bool tdx_mmio_is_mapped(struct tdx_mmio *mmio, u64 gpa, u64 hpa)
{
	struct tdx_leaf *leaf = find_own(mmio, hpa, 0);

	return !IS_ERR_OR_NULL(leaf) && is_mapped(leaf, gpa, hpa);
}

/**
 * tdx_mmio_map() - see to it that a piece of a BAR is in the TD's secure EPT
 * @mmio: private MMIO of the TDI
 * @gpa: guest physical address, aligned to the leaf
 * @hpa: physical address, aligned to the leaf; the seat says that all of it is BARs
 *	 of the TDI, and the report that it is for the TD
 * @level: of the leaf, 0 .. TDX_NR_LEVELS - 1
 * @status: firmware's answer, if a call was refused
 *
 * Mapped already is a success, in a leaf of another level too: the TD's accept then
 * says so. The TD has yet to accept it. A leaf that is taken and gets no further
 * stays taken. Context: process, under the lock that owns @mmio.
 *
 * Return: 0; -EINVAL: @level, or something is not aligned to it, or no such guest
 * address; -EBUSY: a part of it is another TDI's, or mapped elsewhere or in smaller
 * leaves, or something else is at @gpa, or a smaller leaf's tables do not leave;
 * -ENOMEM; or firmware's refusal as errno.
 */
int tdx_mmio_map(struct tdx_mmio *mmio, u64 gpa, u64 hpa, unsigned int level,
		 u64 *status)
{
	struct tdx_leaf *leaf;
	int rc;

	if (level >= TDX_NR_LEVELS ||
	    !IS_ALIGNED(gpa | hpa, tio_leaf_size(level)))
		return -EINVAL;
	leaf = find_usable(mmio, hpa, level);
	if (IS_ERR(leaf))
		return PTR_ERR(leaf);
	if (leaf && is_mapped(leaf, gpa, hpa))
		return 0;
	if (leaf && !is_left_over(leaf, hpa, level))
		return -EBUSY;

	rc = tdx_td_room(mmio->td, gpa, level);
	if (rc)
		return rc;
	if (!leaf)
		leaf = leaf_take(mmio, hpa, level, status);
	rc = PTR_ERR_OR_ZERO(leaf);
	if (!rc) {
		leaf->gpa = gpa;
		rc = leaf_map(leaf, status);
	}
	if (rc)
		tdx_td_room_undo(mmio->td, gpa, level);
	return rc;
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mmio_map);

static int block_all(struct tdx_mmio *mmio)
{
	struct tdx_tsm *tsm = mmio->tsm;
	struct tdx_leaf *leaf;

	list_for_each_entry(leaf, &mmio->leaves, node) {
		int rc;

		/* an earlier try may have come this far */
		if (leaf->state != TDX_LEAF_MAPPED)
			continue;
		rc = tdx_check(tsm, TDH_MMIO_BLOCK,
			       tdx_retry(tdh_mmio_block(tsm->fw, leaf->gpa,
							leaf->level,
							mmio->td->tdr)));
		if (rc)
			return rc;
		leaf->state = TDX_LEAF_BLOCKED;
		cond_resched();
	}
	return 0;
}

static int unmap_blocked(struct tdx_mmio *mmio)
{
	struct tdx_tsm *tsm = mmio->tsm;
	struct tdx_leaf *leaf;
	u64 hpa;

	list_for_each_entry(leaf, &mmio->leaves, node) {
		int rc;

		if (leaf->state != TDX_LEAF_BLOCKED)
			continue;
		rc = tdx_check(tsm, TDH_MMIO_UNMAP,
			       tdx_retry(tdh_mmio_unmap(tsm->fw, leaf->gpa,
							leaf->level,
							mmio->td->tdr, &hpa)));
		if (rc)
			return rc;
		WARN_ON(hpa != leaf->hpa);
		leaf->state = TDX_LEAF_TAKEN;
		tdx_td_room_undo(mmio->td, leaf->gpa, leaf->level);
		cond_resched();
	}
	return 0;
}

static bool is_any_mapped(struct tdx_mmio *mmio)
{
	struct tdx_leaf *leaf;

	list_for_each_entry(leaf, &mmio->leaves, node)
		if (leaf->state != TDX_LEAF_TAKEN)
			return true;
	return false;
}

/**
 * tdx_mmio_unmap_all() - take every leaf out of the TD's secure EPT
 * @mmio: private MMIO of the TDI, which is UNLOCKED or has its stream blocked
 *
 * The leaves stay the TDI's: see tdx_mmio_give_back(). Context: process, under the
 * lock that owns @mmio. Allocates nothing; callable again after a failure, and then
 * goes on where it stopped.
 *
 * Return: 0: none is mapped; -EOWNERDEAD: the TD is fatal, its leaves cannot be
 * unmapped any more; or firmware's refusal as errno.
 */
int tdx_mmio_unmap_all(struct tdx_mmio *mmio)
{
	struct tdx_td *td = mmio->td;
	int rc;

	if (!is_any_mapped(mmio))
		return 0;
	rc = block_all(mmio);
	if (!rc)
		rc = tdx_check(td->tsm, TDH_MEM_TRACK,
			       tdx_retry(tdh_mem_track(td->tsm->fw, td->tdr)));
	if (!rc)
		rc = tdx_iotlb_flush(td, false);
	return rc ?: unmap_blocked(mmio);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mmio_unmap_all);

/**
 * tdx_mmio_give_back() - every leaf is the host's again
 * @mmio: private MMIO of the TDI; none is mapped. Its device interface need not
 *	  exist any more.
 *
 * A leaf that firmware still has as DATA of the TDI is not the host's: it stays in
 * the list and the unbind has not succeeded. Context: as tdx_mmio_unmap_all().
 *
 * Return: 0: firmware holds nothing as the TDI's; -EBUSY: a leaf is mapped; or
 * firmware's refusal as errno.
 */
int tdx_mmio_give_back(struct tdx_mmio *mmio)
{
	struct tdx_leaf *leaf, *next;

	list_for_each_entry_safe(leaf, next, &mmio->leaves, node) {
		int rc = leaf_give_back(leaf);

		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(tdx_mmio_give_back);
