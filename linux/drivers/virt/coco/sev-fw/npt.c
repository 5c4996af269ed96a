// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests' nested page tables. They are the host's: nothing here is judged, and what
 * they say counts only as far as the RMP agrees.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>

#include "fw.h"

static struct sf_npt *find_npt(struct sf_guest *guest, u64 gpa)
{
	struct sf_node *node = sf_node_find(&guest->npt, gpa >> SF_CHUNK_SHIFT);

	return node ? container_of(node, struct sf_npt, node) : NULL;
}

static u32 index_of(u64 gpa)
{
	return (gpa >> PAGE_SHIFT) % SF_CHUNK_PAGES;
}

/* the page at @gpa, 0: none */
u64 sf_npt_lookup(struct sf_guest *guest, u64 gpa)
{
	struct sf_npt *npt = find_npt(guest, gpa);

	return npt ? npt->hpa[index_of(gpa)] : 0;
}

/* a table that nobody can look into any more */
void sf_npt_free(struct rb_root *root)
{
	struct sf_npt *npt, *next;

	rbtree_postorder_for_each_entry_safe(npt, next, root, node.rb)
		kvfree(npt);
	*root = RB_ROOT;
}

static int npt_reserve(struct sev_fw *fw, u64 gctx, u64 gpa)
{
	struct sf_npt *new __free(kvfree) = kvzalloc_obj(*new);
	struct sf_guest *guest;

	if (!new)
		return -ENOMEM;
	guard(spinlock_irqsave)(&fw->lock);
	guest = sf_guest_find(fw, gctx);
	if (!guest)
		return -ENOENT;
	new->node.key = gpa >> SF_CHUNK_SHIFT;
	if (sf_node_add(&guest->npt, &new->node))
		retain_and_null_ptr(new);
	return 0;
}

/**
 * sev_fw_reserve() - memory for the table entries of a page
 * @fw: the model
 * @gctx: the guest
 * @gpa: guest address, bytes
 * @hpa: physical address, bytes
 *
 * Return: 0, -ENOENT: no such guest, -ENOMEM.
 * Context: process, may sleep.
 */
int sev_fw_reserve(struct sev_fw *fw, u64 gctx, u64 gpa, u64 hpa)
{
	return npt_reserve(fw, gctx, gpa) ?: sf_rmp_reserve(fw, hpa);
}
EXPORT_SYMBOL_GPL(sev_fw_reserve);

/**
 * sev_fw_reserved() - was sev_fw_reserve() done for a page, or a page close to it?
 * @fw: the model
 * @gctx: the guest
 * @gpa: guest address, bytes
 * @hpa: physical address, bytes
 *
 * Return: true until the guest's end.
 * Context: any, takes the model's lock.
 */
bool sev_fw_reserved(struct sev_fw *fw, u64 gctx, u64 gpa, u64 hpa)
{
	struct sf_guest *guest;

	guard(spinlock_irqsave)(&fw->lock);
	guest = sf_guest_find(fw, gctx);
	return guest && find_npt(guest, gpa) && sf_rmp_find(fw, hpa);
}
EXPORT_SYMBOL_GPL(sev_fw_reserved);

/**
 * sev_fw_npt_set() - map a page in the nested page table
 * @fw: the model
 * @gctx: the guest
 * @gpa: guest address, page aligned
 * @hpa: physical address, page aligned, not 0
 *
 * Return: 0, -EINVAL, -ENOENT: no such guest, -ENOMEM: sev_fw_reserve() first.
 * Context: any, takes the model's lock.
 */
int sev_fw_npt_set(struct sev_fw *fw, u64 gctx, u64 gpa, u64 hpa)
{
	struct sf_guest *guest;
	struct sf_npt *npt;

	if (!hpa || !IS_ALIGNED(gpa | hpa, PAGE_SIZE))
		return -EINVAL;
	guard(spinlock_irqsave)(&fw->lock);
	guest = sf_guest_find(fw, gctx);
	if (!guest)
		return -ENOENT;
	npt = find_npt(guest, gpa);
	if (!npt)
		return -ENOMEM;
	npt->hpa[index_of(gpa)] = hpa;
	return 0;
}
EXPORT_SYMBOL_GPL(sev_fw_npt_set);

/**
 * sev_fw_npt_clear() - take a page out of the nested page table
 * @fw: the model
 * @gctx: the guest, or one that has gone
 * @gpa: guest address, mapped or not
 *
 * Trusted DMA moves under the model's lock, so none is under way to the page when
 * this returns.
 *
 * Context: any, takes the model's lock.
 */
void sev_fw_npt_clear(struct sev_fw *fw, u64 gctx, u64 gpa)
{
	struct sf_guest *guest;
	struct sf_npt *npt;

	guard(spinlock_irqsave)(&fw->lock);
	guest = sf_guest_find(fw, gctx);
	npt = guest ? find_npt(guest, gpa) : NULL;
	if (npt)
		npt->hpa[index_of(gpa)] = 0;
}
EXPORT_SYMBOL_GPL(sev_fw_npt_clear);

/* the first page of @npt at *gpa or above, and below @end */
static bool next_in(const struct sf_npt *npt, u64 *gpa, u64 end, u64 *hpa)
{
	u64 base = npt->node.key << SF_CHUNK_SHIFT;

	for (u64 at = max(*gpa, base); at < end; at += PAGE_SIZE) {
		if (at - base >= 1ULL << SF_CHUNK_SHIFT)
			return false;
		if (!npt->hpa[index_of(at)])
			continue;
		*gpa = at;
		*hpa = npt->hpa[index_of(at)];
		return true;
	}
	return false;
}

/**
 * sev_fw_next_page() - walk a guest's nested page table
 * @fw: the model
 * @gctx: the guest
 * @gpa: in: where to begin, page aligned; out: the page that was found
 * @end: where to end, exclusive
 * @hpa: out: its physical address
 *
 * Return: true if a page was found.
 * Context: any, takes the model's lock.
 */
bool sev_fw_next_page(struct sev_fw *fw, u64 gctx, u64 *gpa, u64 end, u64 *hpa)
{
	struct sf_guest *guest;
	struct sf_node *node;
	u64 key = *gpa >> SF_CHUNK_SHIFT;

	guard(spinlock_irqsave)(&fw->lock);
	guest = sf_guest_find(fw, gctx);
	if (!guest)
		return false;
	for (node = sf_node_next(&guest->npt, key); node;
	     node = sf_node_next(&guest->npt, node->key + 1)) {
		if (node->key << SF_CHUNK_SHIFT >= end)
			return false;
		if (next_in(container_of(node, struct sf_npt, node), gpa, end,
			    hpa))
			return true;
	}
	return false;
}
EXPORT_SYMBOL_GPL(sev_fw_next_page);
