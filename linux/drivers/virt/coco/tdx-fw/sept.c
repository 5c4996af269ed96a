// SPDX-License-Identifier: GPL-2.0-only
/*
 * Secure EPT: what private memory and private MMIO a TD has, which is also all
 * that trusted DMA of its devices reaches. Of its pages only those of the last level
 * are modelled; a leaf that is larger needs none.
 */
#include <linux/align.h>
#include <linux/export.h>

#include "fw.h"

static const char * const state_name[] = {
	[TDX_SEPT_FREE]		= "FREE",
	[TDX_SEPT_MAPPED]	= "MAPPED",
	[TDX_SEPT_BLOCKED]	= "BLOCKED",
	[TDX_SEPT_MMIO_MAPPED]	= "MMIO_MAPPED",
	[TDX_SEPT_MMIO_BLOCKED]	= "MMIO_BLOCKED",
	[TDX_SEPT_MMIO_PENDING]	= "MMIO_PENDING",
};

/* the key of an address in the trees of a TD */
static u64 to_key(u64 gpa)
{
	return gpa >> FW_LEVEL_SHIFT(1);
}

static bool is_memory(enum tdx_sept_state state)
{
	return state == TDX_SEPT_MAPPED || state == TDX_SEPT_BLOCKED;
}

static bool is_mmio(enum tdx_sept_state state)
{
	return state >= TDX_SEPT_MMIO_MAPPED;
}

/* an address that a table of that level can have */
bool fw_level_fits(u64 addr, unsigned int level)
{
	return IS_ALIGNED(addr, 1ULL << FW_LEVEL_SHIFT(level)) &&
	       !(addr >> FW_ADDRESS_BITS);
}

static struct fw_sept *find_sept(struct fw_td *td, u64 gpa)
{
	struct fw_node *node = fw_node_find(&td->sept, to_key(gpa));

	return node ? container_of(node, struct fw_sept, node) : NULL;
}

static struct fw_sept_entry *entry_of(struct fw_sept *sept, u64 gpa)
{
	return &sept->entry[(gpa >> PAGE_SHIFT) % FW_ENTRIES];
}

/* the S-EPT page of a 4 KiB leaf */
static struct fw_sept *sept_of(struct fw_leaf *leaf)
{
	struct fw_sept_entry *entry = container_of(leaf, struct fw_sept_entry, leaf);

	return container_of(entry - entry->index, struct fw_sept, entry[0]);
}

/* the memory page of one */
static struct fw_page *page_of(struct fw_leaf *leaf)
{
	return &container_of(leaf, struct fw_sept_entry, leaf)->page;
}

/* the large leaf that @gpa is in */
static struct fw_big *big_at(struct fw_td *td, u64 gpa)
{
	struct fw_node *node = fw_node_find(&td->big, to_key(gpa));
	struct fw_big *big;

	if (node)
		return container_of(node, struct fw_big, node);
	node = fw_node_find(&td->big,
			    to_key(ALIGN_DOWN(gpa, TDX_LEAF_SIZE(TDX_LEVEL_1G))));
	if (!node)
		return NULL;
	big = container_of(node, struct fw_big, node);
	return big->leaf.level == TDX_LEVEL_1G ? big : NULL;
}

/* anything of a lower level in the range of a large leaf */
static bool has_below(struct fw_td *td, u64 gpa, unsigned int level)
{
	u64 end = to_key(gpa + TDX_LEAF_SIZE(level));
	struct fw_node *sept = fw_node_next(&td->sept, to_key(gpa));
	struct fw_node *big = fw_node_next(&td->big, to_key(gpa));

	return (sept && sept->key < end) || (big && big->key < end);
}

/* what is at @gpa, FREE or not, of any level; NULL: nothing and no S-EPT page */
struct fw_leaf *fw_leaf_at(struct tdx_fw *fw, struct fw_td *td, u64 gpa)
{
	struct fw_sept *sept = find_sept(td, gpa);
	struct fw_big *big;

	lockdep_assert_held(&fw->lock);
	if (sept)
		return &entry_of(sept, gpa)->leaf;
	big = big_at(td, gpa);
	return big ? &big->leaf : NULL;
}

/*
 * The leaf of @level at @gpa, which is aligned to it; NULL: a large one would be
 * FREE. EPT_WALK_FAILED: there is no way down to that level; EPT_ENTRY_STATE_
 * INCORRECT: the way goes on further down.
 */
u64 fw_leaf_walk(struct tdx_fw *fw, struct fw_td *td, u64 gpa,
		 unsigned int level, struct fw_leaf **leaf)
{
	struct fw_leaf *found = fw_leaf_at(fw, td, gpa);

	lockdep_assert_held(&fw->lock);
	*leaf = NULL;
	if (found && found->level == level) {
		fw->ref.seen = state_name[found->state];
		*leaf = found;
		return TDX_SUCCESS;
	}
	if (!level || (found && found->level > level))
		return TDX_EPT_WALK_FAILED;
	if (has_below(td, gpa, level)) {
		fw->ref.seen = "TABLE";
		return TDX_EPT_ENTRY_STATE_INCORRECT;
	}
	fw->ref.seen = state_name[TDX_SEPT_FREE];
	return TDX_SUCCESS;
}

/* @big shows something at @gpa from now on; see fw_leaf_set_mmio() */
void fw_leaf_add_big(struct fw_td *td, struct fw_big *big, u64 gpa,
		     unsigned int level)
{
	big->node.key = to_key(gpa);
	big->td = fw_page_pa(&td->page);
	big->serial = td->serial;
	big->leaf.level = level;
	fw_node_add(&td->big, &big->node);
	td->nr_big++;
}

void fw_leaf_set_mmio(struct fw_leaf *leaf, u64 hpa)
{
	leaf->state = TDX_SEPT_MMIO_PENDING;
	leaf->hpa = hpa;
	if (!leaf->level)
		sept_of(leaf)->used++;
}

/* FREE again; a large one is in no tree any more */
void fw_leaf_free(struct fw_td *td, struct fw_leaf *leaf)
{
	if (leaf->level) {
		fw_node_del(&td->big, &container_of(leaf, struct fw_big, leaf)->node);
		td->nr_big--;
	} else {
		sept_of(leaf)->memory -= is_memory(leaf->state);
		sept_of(leaf)->used--;
	}
	leaf->state = TDX_SEPT_FREE;
	leaf->hpa = 0;
}

/* blocked from now on: neither a vCPU nor a device gets a new translation */
void fw_leaf_block(const struct fw_td *td, struct fw_leaf *leaf,
		   enum tdx_sept_state state)
{
	leaf->state = state;
	leaf->tlb_mark = td->tlb_epoch;
	leaf->iotlb_mark = td->iotlb_req;
}

/* what each call on memory starts with: the TD, its state, the address */
static u64 mem_start(struct tdx_fw *fw, u64 pa, u64 gpa, unsigned int level,
		     struct fw_td **td)
{
	u64 status;

	*td = fw_td_find(fw, pa);
	if (!*td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(*td, FW_INITIALIZED);
	if (status)
		return status;
	if (!fw_level_fits(gpa, level) || gpa >= TDX_GPA_SHARED)
		return TDX_OPERAND_INVALID | 2;
	return TDX_SUCCESS;
}

/* and those on a page of it: the walk too */
static u64 page_start(struct tdx_fw *fw, u64 pa, u64 gpa, struct fw_td **td,
		      struct fw_leaf **leaf)
{
	u64 status;

	status = mem_start(fw, pa, gpa, TDX_LEVEL_4K, td);
	if (status)
		return status;
	status = fw_leaf_walk(fw, *td, gpa, TDX_LEVEL_4K, leaf);
	return status ? status | 2 : TDX_SUCCESS;
}

static u64 sept_add(struct tdx_fw *fw, u64 pa, u64 gpa, u64 page,
		    struct fw_sept *new)
{
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	status = mem_start(fw, pa, gpa, TDX_LEVEL_2M, &td);
	if (status)
		return status;
	status = fw_leaf_walk(fw, td, gpa, TDX_LEVEL_2M, &leaf);
	if (status)
		return status | 2;
	if (leaf)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	status = fw_page_claim(fw, &new->page, page, FW_PT_SEPT, td);
	if (status)
		return status | 3;
	for (int i = 0; i < FW_ENTRIES; i++)
		new->entry[i].index = i;
	new->node.key = to_key(gpa);
	fw_node_add(&td->sept, &new->node);
	return TDX_SUCCESS;
}

/**
 * tdh_mem_sept_add() - give a page to a TD's secure EPT
 * @fw: the model
 * @td: TDR, INITIALIZED or RUNNABLE
 * @gpa: first of the TDX_SEPT_SPAN bytes that it serves, aligned to them
 * @page: the page
 *
 * Return: TDX_EPT_ENTRY_STATE_INCORRECT if there is one already or a 2 MiB leaf,
 * TDX_EPT_WALK_FAILED in a 1 GiB leaf, or other status.
 * Context: process, may sleep.
 */
u64 tdh_mem_sept_add(struct tdx_fw *fw, u64 td, u64 gpa, u64 page)
{
	struct fw_sept *new __free(kvfree) = kvzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_MEM_SEPT_ADD) ?:
		 sept_add(fw, td, gpa, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_MEM_SEPT_ADD, gpa, status);
}
EXPORT_SYMBOL_GPL(tdh_mem_sept_add);

static u64 sept_remove(struct tdx_fw *fw, u64 pa, u64 gpa, u64 *page,
		       struct fw_sept **old)
{
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mem_start(fw, pa, gpa, TDX_LEVEL_2M, &td);
	if (status)
		return status;
	sept = find_sept(td, gpa);
	if (!sept)
		return TDX_EPT_WALK_FAILED | 2;
	if (sept->used)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	*page = fw_page_pa(&sept->page);
	fw_node_del(&td->sept, &sept->node);
	fw_page_release(fw, &sept->page);
	*old = sept;
	return TDX_SUCCESS;
}

/**
 * tdh_mem_sept_remove() - take an S-EPT page back while the TD lives
 * @fw: the model
 * @td: TDR
 * @gpa: as for tdh_mem_sept_add(); every entry is FREE
 * @page: filled with the page, which is the host's again
 *
 * Return: TDX_EPT_WALK_FAILED, TDX_EPT_ENTRY_STATE_INCORRECT or other status.
 * Context: process, may sleep.
 */
u64 tdh_mem_sept_remove(struct tdx_fw *fw, u64 td, u64 gpa, u64 *page)
{
	struct fw_sept *old __free(kvfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_SEPT_REMOVE, gpa,
			fw_begin(fw, TDH_MEM_SEPT_REMOVE) ?:
			sept_remove(fw, td, gpa, page, &old));
}
EXPORT_SYMBOL_GPL(tdh_mem_sept_remove);

static u64 sept_rd(struct tdx_fw *fw, u64 pa, u64 gpa,
		   struct tdx_sept_entry *out)
{
	struct fw_td *td = fw_td_find(fw, pa);
	struct fw_leaf *leaf;

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	leaf = IS_ALIGNED(gpa, PAGE_SIZE) ? fw_leaf_at(fw, td, gpa) : NULL;
	if (!leaf)
		return fw_refuse_as(fw, TIO_BLAME_GUEST, TDX_EPT_WALK_FAILED | 2);
	out->state = leaf->state;
	out->level = leaf->level;
	out->hpa = leaf->hpa;
	if (leaf->level)
		out->hpa += gpa & (TDX_LEAF_SIZE(leaf->level) - 1);
	return TDX_SUCCESS;
}

/**
 * tdh_mem_sept_rd() - read one entry
 * @fw: the model
 * @td: TDR, in any lifecycle
 * @gpa: page aligned
 * @entry: filled on success, with the leaf that @gpa is in
 *
 * Return: TDX_EPT_WALK_FAILED if neither an S-EPT page nor a leaf is there (no violation: a host
 * reads in order to know), or success.
 * Context: any.
 */
u64 tdh_mem_sept_rd(struct tdx_fw *fw, u64 td, u64 gpa,
		    struct tdx_sept_entry *entry)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_SEPT_RD, gpa, fw_begin(fw, TDH_MEM_SEPT_RD) ?:
			sept_rd(fw, td, gpa, entry));
}
EXPORT_SYMBOL_GPL(tdh_mem_sept_rd);

static u64 mem_page_add(struct tdx_fw *fw, u64 pa, u64 gpa, u64 hpa)
{
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = page_start(fw, pa, gpa, &td, &leaf);
	if (status)
		return status;
	if (leaf->state != TDX_SEPT_FREE)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	status = fw_page_claim(fw, page_of(leaf), hpa, FW_PT_REG, td);
	if (status)
		return status | 3;
	leaf->state = TDX_SEPT_MAPPED;
	leaf->hpa = hpa;
	sept_of(leaf)->used++;
	sept_of(leaf)->memory++;
	return TDX_SUCCESS;
}

/**
 * tdh_mem_page_add() - give a page of memory to a TD
 * @fw: the model
 * @td: TDR, INITIALIZED or RUNNABLE
 * @gpa: where; FREE
 * @hpa: the page. Trusted DMA of the TD's devices reaches it from now on, and it
 *	 must not be freed before tdh_mem_page_remove() or the TD's end.
 *
 * Return: TDX_EPT_WALK_FAILED, TDX_EPT_ENTRY_STATE_INCORRECT,
 * TDX_PAGE_METADATA_INCORRECT (the page is in a TD already) or other status.
 * Context: any; allocates nothing.
 */
u64 tdh_mem_page_add(struct tdx_fw *fw, u64 td, u64 gpa, u64 hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_PAGE_ADD, gpa,
			fw_begin(fw, TDH_MEM_PAGE_ADD) ?:
			mem_page_add(fw, td, gpa, hpa));
}
EXPORT_SYMBOL_GPL(tdh_mem_page_add);

static u64 mem_range_block(struct tdx_fw *fw, u64 pa, u64 gpa)
{
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = page_start(fw, pa, gpa, &td, &leaf);
	if (status)
		return status;
	if (leaf->state != TDX_SEPT_MAPPED)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	fw_leaf_block(td, leaf, TDX_SEPT_BLOCKED);
	return TDX_SUCCESS;
}

/**
 * tdh_mem_range_block() - shut a page of memory
 * @fw: the model
 * @td: TDR
 * @gpa: a page that is MAPPED
 *
 * When this returns no trusted DMA to the page is in progress and none starts.
 *
 * Return: TDX_EPT_ENTRY_STATE_INCORRECT or other status.
 * Context: any.
 */
u64 tdh_mem_range_block(struct tdx_fw *fw, u64 td, u64 gpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_RANGE_BLOCK, gpa,
			fw_begin(fw, TDH_MEM_RANGE_BLOCK) ?:
			mem_range_block(fw, td, gpa));
}
EXPORT_SYMBOL_GPL(tdh_mem_range_block);

static u64 mem_track(struct tdx_fw *fw, u64 pa)
{
	struct fw_td *td = fw_td_find(fw, pa);
	u64 status;

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(td, FW_INITIALIZED);
	if (status)
		return status;
	td->tlb_epoch++;
	return TDX_SUCCESS;
}

/**
 * tdh_mem_track() - new TLB epoch
 * @fw: the model
 * @td: TDR
 *
 * The caller owes a kick of the vCPUs; the model's are never inside.
 *
 * Return: completion status.
 * Context: any.
 */
u64 tdh_mem_track(struct tdx_fw *fw, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_TRACK, td,
			fw_begin(fw, TDH_MEM_TRACK) ?: mem_track(fw, td));
}
EXPORT_SYMBOL_GPL(tdh_mem_track);

static u64 mem_page_remove(struct tdx_fw *fw, u64 pa, u64 gpa, u64 *hpa)
{
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = page_start(fw, pa, gpa, &td, &leaf);
	if (status)
		return status;
	if (leaf->state == TDX_SEPT_MAPPED)
		return TDX_GPA_RANGE_NOT_BLOCKED | 2;
	if (leaf->state != TDX_SEPT_BLOCKED)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	/* inferred: the IOTLB part was seen for MMIO only */
	status = fw_td_tracked(td, leaf->tlb_mark, leaf->iotlb_mark);
	if (status)
		return status;
	*hpa = leaf->hpa;
	fw_page_release(fw, page_of(leaf));
	fw_leaf_free(td, leaf);
	return TDX_SUCCESS;
}

/**
 * tdh_mem_page_remove() - take a page of memory back while the TD lives
 * @fw: the model
 * @td: TDR
 * @gpa: a BLOCKED page
 * @hpa: filled with the page, which is the host's again
 *
 * Return: TDX_GPA_RANGE_NOT_BLOCKED, TDX_TLB_TRACKING_NOT_DONE,
 * TDX_IOMMU_IOTLB_TRACKING_NOT_DONE or other status.
 * Context: any; frees nothing.
 */
u64 tdh_mem_page_remove(struct tdx_fw *fw, u64 td, u64 gpa, u64 *hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_PAGE_REMOVE, gpa,
			fw_begin(fw, TDH_MEM_PAGE_REMOVE) ?:
			mem_page_remove(fw, td, gpa, hpa));
}
EXPORT_SYMBOL_GPL(tdh_mem_page_remove);

static u64 shared_sept_wr(struct tdx_fw *fw, u64 pa, u64 gpa, u64 table)
{
	struct fw_td *td = fw_td_find(fw, pa);
	u64 status;

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(td, FW_INITIALIZED);
	if (status)
		return status;
	if (!IS_ALIGNED(gpa, TDX_SHARED_SPAN) || !(gpa & TDX_GPA_SHARED) ||
	    gpa >= 2 * TDX_GPA_SHARED)
		return TDX_OPERAND_INVALID | 2;
	if (!IS_ALIGNED(table, PAGE_SIZE))
		return TDX_OPERAND_INVALID | 3;
	/* inferred: what is shared is no page of firmware's */
	if (table && fw_page_find(fw, table))
		return TDX_PAGE_METADATA_INCORRECT | 3;
	td->shared[(gpa - TDX_GPA_SHARED) / TDX_SHARED_SPAN] = table;
	return TDX_SUCCESS;
}

/**
 * tdh_mem_shared_sept_wr() - show a table of the host's EPT to a TD's devices
 * @fw: the model
 * @td: TDR, INITIALIZED or RUNNABLE
 * @gpa: first of the TDX_SHARED_SPAN bytes that the table serves, aligned to them,
 *	 in the shared half (TDX_GPA_SHARED)
 * @table: the table, a page of the host's; 0: none any more
 *
 * The host may change it in any state of the TD's devices, and owes an IOTLB
 * invalidation of what it takes away.
 *
 * Return: TDX_OPERAND_INVALID, TDX_PAGE_METADATA_INCORRECT, states of the TD, or
 * success.
 * Context: any.
 */
u64 tdh_mem_shared_sept_wr(struct tdx_fw *fw, u64 td, u64 gpa, u64 table)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MEM_SHARED_SEPT_WR, gpa,
			fw_begin(fw, TDH_MEM_SHARED_SEPT_WR) ?:
			shared_sept_wr(fw, td, gpa, table));
}
EXPORT_SYMBOL_GPL(tdh_mem_shared_sept_wr);

/* PHYMEM.PAGE.RECLAIM of a memory page */
void fw_sept_reclaim_leaf(struct tdx_fw *fw, struct fw_page *page)
{
	struct fw_sept_entry *entry = container_of(page, struct fw_sept_entry,
						   page);
	struct fw_td *td = page->td;

	lockdep_assert_held(&fw->lock);
	fw_page_release(fw, page);
	fw_leaf_free(td, &entry->leaf);
}

/*
 * PHYMEM.PAGE.RECLAIM of an S-EPT page, which the caller then releases. Simplified:
 * memory goes first. MMIO that is still in it (a fatal TD's, whose DEVIF.REMOVE
 * does not count) stops being mapped here, which is inferred.
 */
u64 fw_sept_reclaim(struct tdx_fw *fw, struct fw_page *page)
{
	struct fw_sept *sept = container_of(page, struct fw_sept, page);

	lockdep_assert_held(&fw->lock);
	if (sept->memory)
		return TDX_TD_ASSOCIATED_PAGES_EXIST;
	for (int i = 0; sept->used && i < FW_ENTRIES; i++)
		if (sept->entry[i].leaf.state != TDX_SEPT_FREE)
			fw_mmio_forget(fw, sept->entry[i].leaf.hpa);
	fw_node_del(&page->td->sept, &sept->node);
	return TDX_SUCCESS;
}

/* the first 4 KiB leaf from *@gpa on, below @end, of memory or of MMIO */
static struct fw_leaf *next_small(struct fw_td *td, u64 *gpa, u64 end, bool mmio)
{
	struct fw_node *node = fw_node_next(&td->sept, to_key(*gpa));

	for (; node; node = fw_node_after(node)) {
		struct fw_sept *sept = container_of(node, struct fw_sept, node);
		u64 base = node->key << FW_LEVEL_SHIFT(1);
		u64 at = max(base, PAGE_ALIGN(*gpa));

		if (base >= end)
			return NULL;
		if (!(mmio ? sept->used - sept->memory : sept->memory))
			continue;
		for (; at < base + TDX_SEPT_SPAN && at < end; at += PAGE_SIZE) {
			struct fw_leaf *leaf = &entry_of(sept, at)->leaf;

			if (mmio ? is_mmio(leaf->state) : is_memory(leaf->state)) {
				*gpa = at;
				return leaf;
			}
		}
	}
	return NULL;
}

/* the first large leaf that ends above *@gpa and begins below @end */
static struct fw_leaf *next_big(struct fw_td *td, u64 *gpa, u64 end)
{
	struct fw_big *big = big_at(td, *gpa);
	struct fw_node *node = fw_node_next(&td->big, to_key(*gpa));

	if (!big && node)
		big = container_of(node, struct fw_big, node);
	if (!big || big->node.key << FW_LEVEL_SHIFT(1) >= end)
		return NULL;
	*gpa = big->node.key << FW_LEVEL_SHIFT(1);
	return &big->leaf;
}

static bool next_leaf(struct tdx_fw *fw, u64 pa, u64 *gpa, u64 end, bool mmio,
		      struct tdx_sept_entry *out)
{
	u64 at = *gpa, big_at = *gpa;
	struct fw_leaf *leaf, *big;
	struct fw_td *td;

	guard(spinlock_irqsave)(&fw->lock);
	td = fw_td_find(fw, pa);
	if (!td)
		return false;
	leaf = next_small(td, &at, end, mmio);
	big = mmio ? next_big(td, &big_at, end) : NULL;
	if (big && (!leaf || big_at < at)) {
		leaf = big;
		at = big_at;
	}
	if (!leaf)
		return false;
	*gpa = at;
	*out = (struct tdx_sept_entry) {
		.state = leaf->state,
		.level = leaf->level,
		.hpa = leaf->hpa,
	};
	return true;
}

/**
 * tdx_fw_next_page() - find private memory of a TD
 * @fw: the model
 * @td: TDR
 * @gpa: in: where to start; out: the page found
 * @end: first address that is not wanted
 * @entry: filled with its state, MAPPED or BLOCKED, and physical address
 *
 * No call of the module: a host that kept its own list would not need it.
 *
 * Return: false if there is none. Context: any, takes the model's lock.
 */
bool tdx_fw_next_page(struct tdx_fw *fw, u64 td, u64 *gpa, u64 end,
		      struct tdx_sept_entry *entry)
{
	return next_leaf(fw, td, gpa, end, false, entry);
}
EXPORT_SYMBOL_GPL(tdx_fw_next_page);

/**
 * tdx_fw_next_mmio() - find private MMIO of a TD
 * @fw: the model
 * @td: TDR
 * @gpa: in: where to start; out: where the leaf found begins, which is below if the
 *	 start is inside a large one
 * @end: first address that is not wanted
 * @entry: filled with its state, MMIO_*, its level and physical address
 *
 * Return: false if there is none. Context: any, takes the model's lock.
 */
bool tdx_fw_next_mmio(struct tdx_fw *fw, u64 td, u64 *gpa, u64 end,
		      struct tdx_sept_entry *entry)
{
	return next_leaf(fw, td, gpa, end, true, entry);
}
EXPORT_SYMBOL_GPL(tdx_fw_next_mmio);
