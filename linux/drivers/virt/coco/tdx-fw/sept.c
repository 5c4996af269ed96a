// SPDX-License-Identifier: GPL-2.0-only
/*
 * Secure EPT: what private memory and private MMIO a TD has, which is also all
 * that trusted DMA of its devices reaches. Only the last level is modelled.
 */
#include <linux/align.h>
#include <linux/export.h>

#include "fw.h"

#define SPAN_SHIFT	21
#define GPA_BITS	52

static const char * const state_name[] = {
	[TDX_SEPT_FREE]		= "FREE",
	[TDX_SEPT_MAPPED]	= "MAPPED",
	[TDX_SEPT_BLOCKED]	= "BLOCKED",
	[TDX_SEPT_MMIO_MAPPED]	= "MMIO_MAPPED",
	[TDX_SEPT_MMIO_BLOCKED]	= "MMIO_BLOCKED",
	[TDX_SEPT_MMIO_PENDING]	= "MMIO_PENDING",
};

static struct fw_sept *find_sept(struct fw_td *td, u64 gpa)
{
	struct fw_node *node = fw_node_find(&td->sept, gpa >> SPAN_SHIFT);

	return node ? container_of(node, struct fw_sept, node) : NULL;
}

/* the entry of @gpa; NULL: unaligned, or the S-EPT page is missing */
struct fw_sept_entry *fw_sept_walk(struct tdx_fw *fw, struct fw_td *td, u64 gpa,
				   struct fw_sept **sept)
{
	struct fw_sept_entry *entry;

	lockdep_assert_held(&fw->lock);
	*sept = IS_ALIGNED(gpa, PAGE_SIZE) ? find_sept(td, gpa) : NULL;
	if (!*sept)
		return NULL;
	entry = &(*sept)->entry[(gpa >> PAGE_SHIFT) % FW_SPAN_PAGES];
	fw->seen = state_name[entry->state];
	return entry;
}

void fw_sept_free_entry(struct tdx_fw *fw, struct fw_sept *sept,
			struct fw_sept_entry *entry)
{
	lockdep_assert_held(&fw->lock);
	entry->state = TDX_SEPT_FREE;
	entry->hpa = 0;
	sept->used--;
}

/* blocked from now on: neither a vCPU nor a device gets a new translation */
void fw_sept_block(const struct fw_td *td, struct fw_sept_entry *entry,
		   enum tdx_sept_state state)
{
	entry->state = state;
	entry->tlb_mark = td->tlb_epoch;
	entry->iotlb_mark = td->iotlb_req;
}

/*
 * What each call on memory starts with: the TD, its state, the walk. @entry may be
 * NULL for a call that does not walk.
 */
static u64 mem_start(struct tdx_fw *fw, u64 pa, u64 gpa, struct fw_td **td,
		     struct fw_sept **sept, struct fw_sept_entry **entry)
{
	u64 status;

	*td = fw_td_find(fw, pa);
	if (!*td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(*td, FW_INITIALIZED);
	if (status)
		return status;
	if (!IS_ALIGNED(gpa, entry ? PAGE_SIZE : TDX_SEPT_SPAN) ||
	    gpa >> GPA_BITS)
		return TDX_OPERAND_INVALID | 2;
	if (!entry) {
		*sept = find_sept(*td, gpa);
		return TDX_SUCCESS;
	}
	*entry = fw_sept_walk(fw, *td, gpa, sept);
	return *entry ? TDX_SUCCESS : TDX_EPT_WALK_FAILED | 2;
}

static u64 sept_add(struct tdx_fw *fw, u64 pa, u64 gpa, u64 page,
		    struct fw_sept *new)
{
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	status = mem_start(fw, pa, gpa, &td, &sept, NULL);
	if (status)
		return status;
	if (sept)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	status = fw_page_claim(fw, &new->page, page, FW_PT_SEPT, td);
	if (status)
		return status | 3;
	new->node.key = gpa >> SPAN_SHIFT;
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
 * Return: TDX_EPT_ENTRY_STATE_INCORRECT if there is one already, or other status.
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

	status = mem_start(fw, pa, gpa, &td, &sept, NULL);
	if (status)
		return status;
	if (!sept)
		return TDX_EPT_WALK_FAILED | 2;
	if (sept->used)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	*page = fw_page_pa(&sept->page);
	rb_erase(&sept->node.rb, &td->sept);
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
	struct fw_sept_entry *entry;
	struct fw_sept *sept;
	struct fw_td *td = fw_td_find(fw, pa);

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	entry = fw_sept_walk(fw, td, gpa, &sept);
	if (!entry)
		return fw_refuse_as(fw, FW_BLAME_GUEST, TDX_EPT_WALK_FAILED | 2);
	out->state = entry->state;
	out->hpa = entry->hpa;
	return TDX_SUCCESS;
}

/**
 * tdh_mem_sept_rd() - read one entry
 * @fw: the model
 * @td: TDR, in any lifecycle
 * @gpa: page aligned
 * @entry: filled on success
 *
 * Return: TDX_EPT_WALK_FAILED if its S-EPT page is missing (no violation: a host
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
	struct fw_sept_entry *entry;
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mem_start(fw, pa, gpa, &td, &sept, &entry);
	if (status)
		return status;
	if (entry->state != TDX_SEPT_FREE)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	status = fw_page_claim(fw, &entry->page, hpa, FW_PT_REG, td);
	if (status)
		return status | 3;
	entry->state = TDX_SEPT_MAPPED;
	entry->hpa = hpa;
	sept->used++;
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
	struct fw_sept_entry *entry;
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mem_start(fw, pa, gpa, &td, &sept, &entry);
	if (status)
		return status;
	if (entry->state != TDX_SEPT_MAPPED)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	fw_sept_block(td, entry, TDX_SEPT_BLOCKED);
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
	struct fw_sept_entry *entry;
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mem_start(fw, pa, gpa, &td, &sept, &entry);
	if (status)
		return status;
	if (entry->state == TDX_SEPT_MAPPED)
		return TDX_GPA_RANGE_NOT_BLOCKED | 2;
	if (entry->state != TDX_SEPT_BLOCKED)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	/* inferred: the IOTLB part was seen for MMIO only */
	status = fw_td_tracked(td, entry->tlb_mark, entry->iotlb_mark);
	if (status)
		return status;
	*hpa = entry->hpa;
	fw_page_release(fw, &entry->page);
	fw_sept_free_entry(fw, sept, entry);
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

/* PHYMEM.PAGE.RECLAIM of a memory page */
u64 fw_sept_reclaim_leaf(struct tdx_fw *fw, struct fw_page *page)
{
	struct fw_sept_entry *entry = container_of(page, struct fw_sept_entry,
						   page);
	struct rb_root *root = &page->td->sept;

	lockdep_assert_held(&fw->lock);
	for (struct rb_node *rb = rb_first(root); rb; rb = rb_next(rb)) {
		struct fw_sept *sept = rb_entry(rb, struct fw_sept, node.rb);

		if (entry >= sept->entry &&
		    entry < sept->entry + FW_SPAN_PAGES) {
			fw_page_release(fw, page);
			fw_sept_free_entry(fw, sept, entry);
			return TDX_SUCCESS;
		}
	}
	return TDX_PAGE_METADATA_INCORRECT | 1;
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
	for (int i = 0; i < FW_SPAN_PAGES; i++)
		if (sept->entry[i].state == TDX_SEPT_MAPPED ||
		    sept->entry[i].state == TDX_SEPT_BLOCKED)
			return TDX_TD_ASSOCIATED_PAGES_EXIST;
	for (int i = 0; i < FW_SPAN_PAGES; i++)
		if (sept->entry[i].state != TDX_SEPT_FREE)
			fw_mmio_forget(fw, sept->entry[i].hpa);
	rb_erase(&sept->node.rb, &page->td->sept);
	return TDX_SUCCESS;
}

static bool next_entry(struct tdx_fw *fw, u64 pa, u64 *gpa, u64 end,
		       struct tdx_sept_entry *out,
		       bool (*want)(enum tdx_sept_state state))
{
	struct fw_td *td;
	struct fw_node *node;

	guard(spinlock_irqsave)(&fw->lock);
	td = fw_td_find(fw, pa);
	if (!td)
		return false;
	for (node = fw_node_next(&td->sept, *gpa >> SPAN_SHIFT); node;
	     node = fw_node_next(&td->sept, node->key + 1)) {
		struct fw_sept *sept = container_of(node, struct fw_sept, node);
		u64 base = node->key << SPAN_SHIFT;
		u64 at = max(base, PAGE_ALIGN(*gpa));

		if (!sept->used)
			continue;
		for (; at < base + TDX_SEPT_SPAN && at < end; at += PAGE_SIZE) {
			struct fw_sept_entry *entry =
				&sept->entry[(at - base) >> PAGE_SHIFT];

			if (!want(entry->state))
				continue;
			*gpa = at;
			out->state = entry->state;
			out->hpa = entry->hpa;
			return true;
		}
		if (at >= end)
			return false;
	}
	return false;
}

static bool is_memory(enum tdx_sept_state state)
{
	return state == TDX_SEPT_MAPPED || state == TDX_SEPT_BLOCKED;
}

static bool is_mmio(enum tdx_sept_state state)
{
	return state >= TDX_SEPT_MMIO_MAPPED;
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
	return next_entry(fw, td, gpa, end, entry, is_memory);
}
EXPORT_SYMBOL_GPL(tdx_fw_next_page);

/**
 * tdx_fw_next_mmio() - find private MMIO of a TD
 * @fw: the model
 * @td: TDR
 * @gpa: in: where to start; out: the page found
 * @end: first address that is not wanted
 * @entry: filled with its state, MMIO_*, and physical address
 *
 * Return: false if there is none. Context: any, takes the model's lock.
 */
bool tdx_fw_next_mmio(struct tdx_fw *fw, u64 td, u64 *gpa, u64 end,
		      struct tdx_sept_entry *entry)
{
	return next_entry(fw, td, gpa, end, entry, is_mmio);
}
EXPORT_SYMBOL_GPL(tdx_fw_next_mmio);
