// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private MMIO: the mapping of a function's MMIO into the secure EPT of its TD, in
 * leaves of 4 KiB, 2 MiB and 1 GiB. Whose MMIO is whose is in mmiomt.c.
 */
#include <linux/align.h>
#include <linux/export.h>

#include "fw.h"

/* what MAP, BLOCK and UNMAP start with; @leaf NULL: a large one would be FREE */
static u64 mmio_start(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 pa,
		      struct fw_td **td, struct fw_leaf **leaf)
{
	u64 status;

	*td = fw_td_find(fw, pa);
	if (!*td)
		return TDX_OPERAND_INVALID | 3;
	status = fw_td_check(*td, FW_INITIALIZED);
	if (status)
		return status;
	if (level >= TDX_NR_LEVELS)
		return TDX_OPERAND_INVALID | 2;
	if (!fw_level_fits(gpa, level) || gpa >= TDX_GPA_SHARED)
		return TDX_OPERAND_INVALID | 1;
	status = fw_leaf_walk(fw, *td, gpa, level, leaf);
	return status ? status | 1 : TDX_SUCCESS;
}

static enum tdx_sept_state state_of(const struct fw_leaf *leaf)
{
	return leaf ? leaf->state : TDX_SEPT_FREE;
}

/* the function whose leaf this is, with its metadata; NULL: gone */
static struct fw_devif *devif_of(struct tdx_fw *fw, const struct fw_leaf *leaf,
				 struct fw_mmiomt_entry **meta)
{
	struct fw_mmiomt *mt;

	*meta = fw_mmiomt_walk(fw, leaf->hpa, leaf->level, &mt);
	return *meta ? fw_devif_find(fw, (*meta)->devif) : NULL;
}

static u64 mmio_map(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 pa,
		    u64 hpa)
{
	struct fw_mmiomt_entry *meta;
	struct fw_devif *devif;
	struct fw_mmiomt *mt;
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = mmio_start(fw, gpa, level, pa, &td, &leaf);
	if (status)
		return status;
	if (state_of(leaf) != TDX_SEPT_FREE)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 1;
	if (!fw_level_fits(hpa, level))
		return TDX_OPERAND_INVALID | 4;
	meta = fw_mmiomt_walk(fw, hpa, level, &mt);
	if (!meta)
		return TDX_MMIOMT_NOT_PRESENT | 4;
	if (meta->type != TDX_MMIOMT_DATA || fw_mmio_mapped(fw, mt, meta))
		return TDX_MMIO_INVALID_PAGE_METADATA | 4;
	devif = fw_devif_find(fw, meta->devif);
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 4;
	if (devif->td != td)
		return TDX_MMIO_DEVIF_OWNER_MISMATCH | 4;
	if (devif->stream->blocked)
		return TDX_IDE_STREAM_BLOCKED;
	/* no look at the TDISP state: that is the TD's, when it accepts */
	if (level) {
		leaf = &fw_mmiomt_big(mt, meta)->leaf;
		fw_leaf_add_big(td, fw_mmiomt_big(mt, meta), gpa, level);
	}
	fw_leaf_set_mmio(leaf, hpa);
	meta->mapped = true;
	devif->mmio_count++;
	fw->nr_mmio++;
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_map() - put a leaf of MMIO into a TD's secure EPT
 * @fw: the model
 * @gpa: where; FREE; aligned to the leaf
 * @level: of the leaf, 0 to 2
 * @td: TDR, INITIALIZED or RUNNABLE; the owner of the MMIO's function
 * @hpa: the MMIO, aligned to the leaf; DATA on the same level and not mapped
 *
 * Return: TDX_OPERAND_INVALID, states of the TD, TDX_EPT_WALK_FAILED,
 * TDX_EPT_ENTRY_STATE_INCORRECT, TDX_MMIOMT_NOT_PRESENT,
 * TDX_MMIO_INVALID_PAGE_METADATA, TDX_DEVIFMT_NOT_PRESENT,
 * TDX_MMIO_DEVIF_OWNER_MISMATCH, TDX_IDE_STREAM_BLOCKED, or success: MMIO_PENDING
 * until the TD accepts it.
 * Context: any; allocates nothing.
 */
u64 tdh_mmio_map(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 td, u64 hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MAP, gpa, fw_begin(fw, TDH_MMIO_MAP) ?:
			mmio_map(fw, gpa, level, td, hpa));
}
EXPORT_SYMBOL_GPL(tdh_mmio_map);

static u64 mmio_block(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 pa)
{
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = mmio_start(fw, gpa, level, pa, &td, &leaf);
	if (status)
		return status;
	if (state_of(leaf) != TDX_SEPT_MMIO_MAPPED &&
	    state_of(leaf) != TDX_SEPT_MMIO_PENDING)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 1;
	fw_leaf_block(td, leaf, TDX_SEPT_MMIO_BLOCKED);
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_block() - shut a leaf of MMIO
 * @fw: the model
 * @gpa: MMIO_MAPPED or MMIO_PENDING
 * @level: that it is mapped with
 * @td: TDR
 *
 * Return: TDX_OPERAND_INVALID, states of the TD, TDX_EPT_WALK_FAILED,
 * TDX_EPT_ENTRY_STATE_INCORRECT or success; it does not matter what state the
 * function is in.
 * Context: any.
 */
u64 tdh_mmio_block(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_BLOCK, gpa, fw_begin(fw, TDH_MMIO_BLOCK) ?:
			mmio_block(fw, gpa, level, td));
}
EXPORT_SYMBOL_GPL(tdh_mmio_block);

static u64 mmio_unmap(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 pa,
		      u64 *hpa)
{
	struct fw_mmiomt_entry *meta;
	struct fw_devif *devif;
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = mmio_start(fw, gpa, level, pa, &td, &leaf);
	if (status)
		return status;
	if (state_of(leaf) == TDX_SEPT_MMIO_MAPPED ||
	    state_of(leaf) == TDX_SEPT_MMIO_PENDING)
		return TDX_GPA_RANGE_NOT_BLOCKED | 1;
	if (state_of(leaf) != TDX_SEPT_MMIO_BLOCKED)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 1;
	status = fw_td_tracked(td, leaf->tlb_mark, leaf->iotlb_mark);
	if (status)
		return status;
	devif = devif_of(fw, leaf, &meta);
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT;
	if (!fw_devif_stopped(devif))
		return TDX_DEVIF_TDISP_INVALID_STATE;
	*hpa = leaf->hpa;
	meta->mapped = false;
	devif->mmio_count--;
	fw->nr_mmio--;
	fw_leaf_free(td, leaf);
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_unmap() - take a leaf of MMIO out of a TD's secure EPT
 * @fw: the model
 * @gpa: MMIO_BLOCKED
 * @level: that it is mapped with
 * @td: TDR
 * @hpa: filled with where the MMIO is
 *
 * Return: TDX_OPERAND_INVALID, states of the TD, TDX_EPT_WALK_FAILED,
 * TDX_GPA_RANGE_NOT_BLOCKED, TDX_EPT_ENTRY_STATE_INCORRECT,
 * TDX_TLB_TRACKING_NOT_DONE, TDX_IOMMU_IOTLB_TRACKING_NOT_DONE,
 * TDX_DEVIFMT_NOT_PRESENT, TDX_DEVIF_TDISP_INVALID_STATE unless the function is
 * UNLOCKED or its stream blocked; or success: FREE.
 * Context: any; frees nothing.
 */
u64 tdh_mmio_unmap(struct tdx_fw *fw, u64 gpa, unsigned int level, u64 td,
		   u64 *hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_UNMAP, gpa, fw_begin(fw, TDH_MMIO_UNMAP) ?:
			mmio_unmap(fw, gpa, level, td, hpa));
}
EXPORT_SYMBOL_GPL(tdh_mmio_unmap);

/*
 * The TD asks for the leaf that the host did not map. In a larger one that is still
 * PENDING hardware would exit to the VMM with an EPT violation; to tell the TD is
 * simpler, and as good for a host that maps what is asked for.
 */
static u64 wrong_level(const struct fw_leaf *at, unsigned int level)
{
	if (!at)
		return TDX_EPT_WALK_FAILED | 2;
	if (at->level > level && at->state == TDX_SEPT_MMIO_MAPPED)
		return TDX_PAGE_ALREADY_ACCEPTED;
	return TDX_MMIO_ACCEPT_SIZE_MISMATCH | 3;
}

static u64 mmio_accept(struct tdx_fw *fw, u64 pa, u64 gpa, unsigned int level,
		       u64 report_page)
{
	struct fw_mmiomt_entry *meta;
	struct fw_devif *devif;
	struct fw_leaf *leaf;
	struct fw_td *td;
	u64 status;

	status = fw_td_find_guest(fw, pa, &td);
	if (status)
		return status;
	if (level >= TDX_NR_LEVELS)
		return TDX_OPERAND_INVALID | 3;
	if (!fw_level_fits(gpa, level) || gpa >= TDX_GPA_SHARED)
		return TDX_OPERAND_INVALID | 2;
	status = fw_leaf_walk(fw, td, gpa, level, &leaf);
	if (TDX_CLASS(status) == TDX_EPT_ENTRY_STATE_INCORRECT)
		return TDX_MMIO_ACCEPT_SIZE_MISMATCH | 3;
	if (status)
		return wrong_level(fw_leaf_at(fw, td, gpa), level);
	if (state_of(leaf) == TDX_SEPT_MMIO_MAPPED)
		return TDX_PAGE_ALREADY_ACCEPTED;
	/* hardware would exit to the VMM with an EPT violation instead */
	if (state_of(leaf) != TDX_SEPT_MMIO_PENDING)
		return TDX_EPT_ENTRY_STATE_INCORRECT | 2;
	devif = devif_of(fw, leaf, &meta);
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT;
	/* inferred: the offset is known from LOCK to STOP */
	if (!fw_devif_locked(devif))
		return TDX_DEVIF_TDISP_INVALID_STATE;
	if ((leaf->hpa + devif->reporting_offset) >> PAGE_SHIFT != report_page)
		return TDX_MMIO_INVALID_HPA_OFFSET | 4;
	leaf->state = TDX_SEPT_MMIO_MAPPED;
	return TDX_SUCCESS;
}

/**
 * tdg_mmio_accept() - the TD takes a leaf of MMIO for what the report says
 * @fw: the model
 * @td: the TD that calls
 * @gpa: MMIO_PENDING
 * @level: of the leaf
 * @report_page: page number of its first page in the function's report
 *
 * Return: TDX_OPERAND_INVALID, TDX_EPT_WALK_FAILED, TDX_MMIO_ACCEPT_SIZE_MISMATCH
 * (mapped with another level), TDX_PAGE_ALREADY_ACCEPTED,
 * TDX_EPT_ENTRY_STATE_INCORRECT, TDX_DEVIF_TDISP_INVALID_STATE,
 * TDX_MMIO_INVALID_HPA_OFFSET, other status, or success: MMIO_MAPPED.
 * Context: any.
 */
u64 tdg_mmio_accept(struct tdx_fw *fw, u64 td, u64 gpa, unsigned int level,
		    u64 report_page)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_MMIO_ACCEPT, gpa, fw_begin(fw, TDG_MMIO_ACCEPT) ?:
			mmio_accept(fw, td, gpa, level, report_page));
}
EXPORT_SYMBOL_GPL(tdg_mmio_accept);

/**
 * tdx_fw_mmio_accepted() - may a TD touch a page of MMIO
 * @fw: the model
 * @td: TDR
 * @gpa: where the TD would touch it, page aligned
 * @hpa: the page that is there
 *
 * Return: true if @gpa is in a leaf of any level that is MMIO_MAPPED and shows @hpa
 * there (the host mapped, the TD accepted), and the function is validated and in
 * CONFIG_LOCKED or RUN.
 * Context: any, takes the model's lock.
 */
bool tdx_fw_mmio_accepted(struct tdx_fw *fw, u64 td, u64 gpa, u64 hpa)
{
	struct fw_mmiomt_entry *meta;
	struct fw_devif *devif;
	struct fw_leaf *leaf;
	struct fw_td *found;

	guard(spinlock_irqsave)(&fw->lock);
	found = fw_td_find(fw, td);
	if (!found || !fw_td_may_run(found) || !IS_ALIGNED(gpa, PAGE_SIZE))
		return false;
	leaf = fw_leaf_at(fw, found, gpa);
	if (!leaf || leaf->state != TDX_SEPT_MMIO_MAPPED ||
	    leaf->hpa + (gpa & (TDX_LEAF_SIZE(leaf->level) - 1)) != hpa)
		return false;
	devif = devif_of(fw, leaf, &meta);
	return devif && devif->valid && fw_devif_locked(devif) &&
	       !devif->stream->blocked;
}
EXPORT_SYMBOL_GPL(tdx_fw_mmio_accepted);
