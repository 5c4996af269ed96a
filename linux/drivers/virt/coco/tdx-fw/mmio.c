// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private MMIO: metadata that says which function a page of MMIO belongs to, and
 * the mapping of such pages into the secure EPT of the function's TD.
 */
#include <linux/align.h>
#include <linux/export.h>

#include "fw.h"

#define SPAN_SHIFT	21

static struct fw_mmiomt *find_mt(struct tdx_fw *fw, u64 hpa)
{
	struct fw_node *node = fw_node_find(&fw->mmiomt, hpa >> SPAN_SHIFT);

	return node ? container_of(node, struct fw_mmiomt, node) : NULL;
}

struct fw_mmiomt_entry *fw_mmiomt_walk(struct tdx_fw *fw, u64 hpa,
				       struct fw_mmiomt **mt)
{
	struct fw_mmiomt_entry *entry;

	lockdep_assert_held(&fw->lock);
	*mt = IS_ALIGNED(hpa, PAGE_SIZE) ? find_mt(fw, hpa) : NULL;
	if (!*mt)
		return NULL;
	entry = &(*mt)->entry[(hpa >> PAGE_SHIFT) % FW_SPAN_PAGES];
	fw->seen = entry->type == TDX_MMIOMT_QNODE ? "QNODE" :
		   entry->mapped ? "DATA_MAPPED" : "DATA";
	return entry;
}

static u64 mt_add(struct tdx_fw *fw, u64 hpa, u64 page, struct fw_mmiomt *new)
{
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (!IS_ALIGNED(hpa, TDX_SEPT_SPAN))
		return TDX_OPERAND_INVALID | 1;
	if (find_mt(fw, hpa))
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	status = fw_page_claim(fw, &new->page, page, FW_PT_MMIO_MT, NULL);
	if (status)
		return status | 2;
	new->node.key = hpa >> SPAN_SHIFT;
	fw_node_add(&fw->mmiomt, &new->node);
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_mt_add() - give a page to the metadata of MMIO
 * @fw: the model
 * @hpa: first of the 2 MiB of MMIO that it serves, aligned to them
 * @page: the page
 *
 * Return: TDX_MMIO_INVALID_PAGE_METADATA (there is one),
 * TDX_PAGE_METADATA_INCORRECT, other status, or success: 512 empty QNODEs.
 * Context: process, may sleep.
 */
u64 tdh_mmio_mt_add(struct tdx_fw *fw, u64 hpa, u64 page)
{
	struct fw_mmiomt *new __free(kvfree) = kvzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_MMIO_MT_ADD) ?: mt_add(fw, hpa, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_MMIO_MT_ADD, hpa, status);
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_add);

/* the TD's MMIO page that @devif could have here */
static u64 set_data(struct tdx_fw *fw, struct fw_mmiomt *mt,
		    struct fw_mmiomt_entry *entry, u64 id)
{
	if (entry->type != TDX_MMIOMT_QNODE)
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	if (!fw_devif_find(fw, id))
		return TDX_DEVIFMT_NOT_PRESENT | 3;
	entry->type = TDX_MMIOMT_DATA;
	entry->devif = id;
	mt->used++;
	return TDX_SUCCESS;
}

static u64 set_qnode(struct fw_mmiomt *mt, struct fw_mmiomt_entry *entry)
{
	if (entry->type != TDX_MMIOMT_DATA || entry->mapped)
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	entry->type = TDX_MMIOMT_QNODE;
	entry->devif = 0;
	mt->used--;
	return TDX_SUCCESS;
}

static u64 mt_set(struct tdx_fw *fw, u64 hpa, enum tdx_mmiomt_type type, u64 id)
{
	struct fw_mmiomt *mt;
	struct fw_mmiomt_entry *entry = fw_mmiomt_walk(fw, hpa, &mt);

	if (!IS_ALIGNED(hpa, PAGE_SIZE))
		return TDX_OPERAND_INVALID | 1;
	if (!entry)
		return TDX_MMIOMT_NOT_PRESENT | 1;
	switch (type) {
	case TDX_MMIOMT_DATA:
		return set_data(fw, mt, entry, id);
	case TDX_MMIOMT_QNODE:
		return set_qnode(mt, entry);
	default:
		return TDX_OPERAND_INVALID | 2;
	}
}

/**
 * tdh_mmio_mt_set() - say whose a page of MMIO is
 * @fw: the model
 * @hpa: the page
 * @type: DATA of an empty QNODE; or QNODE of a DATA page that is not mapped, for
 *	  which the function need not exist any more
 * @devif: the function, for DATA
 *
 * Return: TDX_MMIOMT_NOT_PRESENT, TDX_MMIO_INVALID_PAGE_METADATA,
 * TDX_DEVIFMT_NOT_PRESENT, other status, or success.
 * Context: any.
 */
u64 tdh_mmio_mt_set(struct tdx_fw *fw, u64 hpa, enum tdx_mmiomt_type type,
		    u64 devif)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MT_SET, hpa, fw_begin(fw, TDH_MMIO_MT_SET) ?:
			mt_set(fw, hpa, type, devif));
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_set);

static u64 mt_rd(struct tdx_fw *fw, u64 hpa, struct tdx_mmiomt_entry *out)
{
	struct fw_mmiomt *mt;
	struct fw_mmiomt_entry *entry = fw_mmiomt_walk(fw, hpa, &mt);

	/* a host reads in order to know: no violation */
	if (!entry)
		return fw_refuse_as(fw, FW_BLAME_GUEST,
				    TDX_MMIOMT_NOT_PRESENT | 1);
	out->type = entry->type;
	out->mapped = entry->mapped;
	out->devif = entry->devif;
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_mt_rd() - read whose a page of MMIO is
 * @fw: the model
 * @hpa: the page
 * @entry: filled on success
 *
 * Return: TDX_MMIOMT_NOT_PRESENT or success.
 * Context: any.
 */
u64 tdh_mmio_mt_rd(struct tdx_fw *fw, u64 hpa, struct tdx_mmiomt_entry *entry)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MT_RD, hpa,
			fw_begin(fw, TDH_MMIO_MT_RD) ?: mt_rd(fw, hpa, entry));
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_rd);

static u64 mt_remove(struct tdx_fw *fw, u64 hpa, u64 *page,
		     struct fw_mmiomt **old)
{
	struct fw_mmiomt *mt = find_mt(fw, hpa);

	if (!IS_ALIGNED(hpa, TDX_SEPT_SPAN))
		return TDX_OPERAND_INVALID | 1;
	if (!mt || mt->used)
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	*page = fw_page_pa(&mt->page);
	rb_erase(&mt->node.rb, &fw->mmiomt);
	fw_page_release(fw, &mt->page);
	*old = mt;
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_mt_remove() - take a page of metadata back
 * @fw: the model
 * @hpa: as for tdh_mmio_mt_add(); every entry is a QNODE
 * @page: filled with the page
 *
 * Return: TDX_MMIO_INVALID_PAGE_METADATA (absent or not empty), other status, or
 * success.
 * Context: process, may sleep.
 */
u64 tdh_mmio_mt_remove(struct tdx_fw *fw, u64 hpa, u64 *page)
{
	struct fw_mmiomt *old __free(kvfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MT_REMOVE, hpa,
			fw_begin(fw, TDH_MMIO_MT_REMOVE) ?:
			mt_remove(fw, hpa, page, &old));
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_remove);

/* what MAP, BLOCK and UNMAP start with */
static u64 mmio_start(struct tdx_fw *fw, u64 gpa, u64 pa, struct fw_td **td,
		      struct fw_sept **sept, struct fw_sept_entry **entry)
{
	u64 status;

	*td = fw_td_find(fw, pa);
	if (!*td)
		return TDX_OPERAND_INVALID | 2;
	status = fw_td_check(*td, FW_INITIALIZED);
	if (status)
		return status;
	if (!IS_ALIGNED(gpa, PAGE_SIZE))
		return TDX_OPERAND_INVALID | 1;
	*entry = fw_sept_walk(fw, *td, gpa, sept);
	return *entry ? TDX_SUCCESS : TDX_EPT_WALK_FAILED | 1;
}

static u64 mmio_map(struct tdx_fw *fw, u64 gpa, u64 pa, u64 hpa)
{
	struct fw_mmiomt_entry *meta;
	struct fw_sept_entry *entry;
	struct fw_devif *devif;
	struct fw_mmiomt *mt;
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mmio_start(fw, gpa, pa, &td, &sept, &entry);
	if (status)
		return status;
	if (entry->state != TDX_SEPT_FREE)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 1;
	meta = fw_mmiomt_walk(fw, hpa, &mt);
	if (!meta)
		return TDX_MMIOMT_NOT_PRESENT | 3;
	if (meta->type != TDX_MMIOMT_DATA || meta->mapped)
		return TDX_MMIO_INVALID_PAGE_METADATA | 3;
	devif = fw_devif_find(fw, meta->devif);
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 3;
	if (devif->td != td)
		return TDX_MMIO_DEVIF_OWNER_MISMATCH | 3;
	if (devif->stream->blocked)
		return TDX_IDE_STREAM_BLOCKED;
	/* no look at the TDISP state: that is the TD's, when it accepts */
	entry->state = TDX_SEPT_MMIO_PENDING;
	entry->hpa = hpa;
	sept->used++;
	meta->mapped = true;
	devif->mmio_count++;
	fw->nr_mmio++;
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_map() - put a page of MMIO into a TD's secure EPT
 * @fw: the model
 * @gpa: where; FREE
 * @td: TDR, INITIALIZED or RUNNABLE; the owner of the page's function
 * @hpa: the page, DATA and not mapped
 *
 * Return: states of the TD, TDX_EPT_WALK_FAILED, TDX_EPT_ENTRY_STATE_INCORRECT,
 * TDX_MMIOMT_NOT_PRESENT, TDX_MMIO_INVALID_PAGE_METADATA,
 * TDX_MMIO_DEVIF_OWNER_MISMATCH, TDX_IDE_STREAM_BLOCKED, or success: MMIO_PENDING
 * until the TD accepts it.
 * Context: any; allocates nothing.
 */
u64 tdh_mmio_map(struct tdx_fw *fw, u64 gpa, u64 td, u64 hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MAP, gpa,
			fw_begin(fw, TDH_MMIO_MAP) ?: mmio_map(fw, gpa, td, hpa));
}
EXPORT_SYMBOL_GPL(tdh_mmio_map);

static u64 mmio_block(struct tdx_fw *fw, u64 gpa, u64 pa)
{
	struct fw_sept_entry *entry;
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mmio_start(fw, gpa, pa, &td, &sept, &entry);
	if (status)
		return status;
	if (entry->state != TDX_SEPT_MMIO_MAPPED &&
	    entry->state != TDX_SEPT_MMIO_PENDING)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 1;
	fw_sept_block(td, entry, TDX_SEPT_MMIO_BLOCKED);
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_block() - shut a page of MMIO
 * @fw: the model
 * @gpa: MMIO_MAPPED or MMIO_PENDING
 * @td: TDR
 *
 * Return: states of the TD, TDX_EPT_WALK_FAILED, TDX_EPT_ENTRY_STATE_INCORRECT or
 * success; it does not matter what state the function is in.
 * Context: any.
 */
u64 tdh_mmio_block(struct tdx_fw *fw, u64 gpa, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_BLOCK, gpa,
			fw_begin(fw, TDH_MMIO_BLOCK) ?: mmio_block(fw, gpa, td));
}
EXPORT_SYMBOL_GPL(tdh_mmio_block);

static u64 mmio_unmap(struct tdx_fw *fw, u64 gpa, u64 pa, u64 *hpa)
{
	struct fw_mmiomt_entry *meta;
	struct fw_sept_entry *entry;
	struct fw_devif *devif;
	struct fw_mmiomt *mt;
	struct fw_sept *sept;
	struct fw_td *td;
	u64 status;

	status = mmio_start(fw, gpa, pa, &td, &sept, &entry);
	if (status)
		return status;
	if (entry->state == TDX_SEPT_MMIO_MAPPED ||
	    entry->state == TDX_SEPT_MMIO_PENDING)
		return TDX_GPA_RANGE_NOT_BLOCKED | 1;
	if (entry->state != TDX_SEPT_MMIO_BLOCKED)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 1;
	status = fw_td_tracked(td, entry->tlb_mark, entry->iotlb_mark);
	if (status)
		return status;
	meta = fw_mmiomt_walk(fw, entry->hpa, &mt);
	devif = meta ? fw_devif_find(fw, meta->devif) : NULL;
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT;
	if (!fw_devif_stopped(devif))
		return TDX_DEVIF_TDISP_INVALID_STATE;
	*hpa = entry->hpa;
	meta->mapped = false;
	devif->mmio_count--;
	fw->nr_mmio--;
	fw_sept_free_entry(fw, sept, entry);
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_unmap() - take a page of MMIO out of a TD's secure EPT
 * @fw: the model
 * @gpa: MMIO_BLOCKED
 * @td: TDR
 * @hpa: filled with the page
 *
 * Return: states of the TD, TDX_EPT_WALK_FAILED, TDX_GPA_RANGE_NOT_BLOCKED,
 * TDX_EPT_ENTRY_STATE_INCORRECT, TDX_TLB_TRACKING_NOT_DONE,
 * TDX_IOMMU_IOTLB_TRACKING_NOT_DONE, TDX_DEVIFMT_NOT_PRESENT,
 * TDX_DEVIF_TDISP_INVALID_STATE unless the function is UNLOCKED or its stream
 * blocked; or success: FREE.
 * Context: any; frees nothing.
 */
u64 tdh_mmio_unmap(struct tdx_fw *fw, u64 gpa, u64 td, u64 *hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_UNMAP, gpa, fw_begin(fw, TDH_MMIO_UNMAP) ?:
			mmio_unmap(fw, gpa, td, hpa));
}
EXPORT_SYMBOL_GPL(tdh_mmio_unmap);

/* the S-EPT page that showed @hpa is gone with its TD */
void fw_mmio_forget(struct tdx_fw *fw, u64 hpa)
{
	struct fw_mmiomt *mt;
	struct fw_mmiomt_entry *meta = fw_mmiomt_walk(fw, hpa, &mt);

	fw->nr_mmio--;
	if (meta)
		meta->mapped = false;
}

/**
 * tdx_fw_mmio_accepted() - may a TD touch a page of MMIO
 * @fw: the model
 * @td: TDR
 * @gpa: where the TD would touch it
 * @hpa: the page that is there
 *
 * Return: true if @gpa is MMIO_MAPPED to @hpa (the host mapped, the TD accepted)
 * and the function is validated and in CONFIG_LOCKED or RUN.
 * Context: any, takes the model's lock.
 */
bool tdx_fw_mmio_accepted(struct tdx_fw *fw, u64 td, u64 gpa, u64 hpa)
{
	struct fw_mmiomt_entry *meta;
	struct fw_sept_entry *entry;
	struct fw_devif *devif;
	struct fw_mmiomt *mt;
	struct fw_sept *sept;
	struct fw_td *found;

	guard(spinlock_irqsave)(&fw->lock);
	found = fw_td_find(fw, td);
	if (!found || !fw_td_may_run(found))
		return false;
	entry = fw_sept_walk(fw, found, gpa, &sept);
	if (!entry || entry->state != TDX_SEPT_MMIO_MAPPED || entry->hpa != hpa)
		return false;
	meta = fw_mmiomt_walk(fw, hpa, &mt);
	devif = meta ? fw_devif_find(fw, meta->devif) : NULL;
	return devif && devif->valid && fw_devif_locked(devif) &&
	       !devif->stream->blocked;
}
EXPORT_SYMBOL_GPL(tdx_fw_mmio_accepted);
