// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trusted DMA tables: which function's T=1 requests see which TD's memory. An entry
 * goes FREE -> PRESENT (a PASIDTE: PENDING until its TD accepts) -> BLOCKED ->
 * invalidated (iq.c) -> FREE, and never while it has entries below.
 */
#include <linux/export.h>

#include "fw.h"

static const char * const state_name[] = {
	[TDX_DMAR_FREE]		= "FREE",
	[TDX_DMAR_PENDING]	= "PENDING",
	[TDX_DMAR_BLOCKED]	= "BLOCKED",
	[TDX_DMAR_PRESENT]	= "PRESENT",
};

/* the requester id that an entry stands for */
static u16 to_rid(enum tdx_dmar_level level, u16 rid)
{
	return level == TDX_DMAR_RTE ? rid & 0xff00 : rid;
}

static u64 to_key(enum tdx_dmar_level level, u16 rid)
{
	return (u64)level << 16 | to_rid(level, rid);
}

struct fw_dmar *fw_dmar_find(struct tdx_fw *fw, u8 iommu,
			     enum tdx_dmar_level level, u16 rid)
{
	struct fw_dmar *dmar;
	struct fw_node *node;

	lockdep_assert_held(&fw->lock);
	if (iommu >= TDX_FW_NR_IOMMUS)
		return NULL;
	node = fw_node_find(&fw->iommu[iommu].dmar, to_key(level, rid));
	if (!node)
		return NULL;
	dmar = container_of(node, struct fw_dmar, node);
	fw->ref.seen = state_name[dmar->state];
	return dmar;
}

/* no function of this IOMMU has the requester id of @id but another stream */
static bool is_devif_id(struct tdx_fw *fw, u8 iommu, u64 id)
{
	struct fw_devif *devif;

	lockdep_assert_held(&fw->lock);
	if (id > U32_MAX || TDX_DEVIF_IOMMU(id) != iommu)
		return false;
	devif = fw_devif_of_rid(fw, iommu, TDX_DEVIF_RID(id));
	return !devif || devif->id == id;
}

/*
 * The operands that name an entry, for every call that has them: IOMMU (the first),
 * level at position @level_pos, @id behind it.
 */
u64 fw_dmar_operands(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		     u64 id, u32 level_pos)
{
	bool good;

	if (iommu >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	if (level > TDX_DMAR_PASIDTE)
		return TDX_OPERAND_INVALID | level_pos;
	good = level == TDX_DMAR_PASIDTE ? is_devif_id(fw, iommu, id) :
					   id <= U16_MAX;
	return good ? TDX_SUCCESS : TDX_OPERAND_INVALID | (level_pos + 1);
}

/* the last of the operands: a function of this IOMMU whose TD is alive */
static u64 add_pasidte(struct tdx_fw *fw, u64 id, u64 page, struct fw_dmar *new)
{
	struct fw_devif *devif;
	u64 status;

	if (page)
		return TDX_OPERAND_INVALID | 4;
	devif = fw_devif_find(fw, id);
	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 3;
	status = fw_td_check(devif->td, FW_INITIALIZED);
	if (status)
		return status;
	new->devif = devif;
	new->state = TDX_DMAR_PENDING;
	devif->pasidtes++;
	devif->td->pasidtes++;
	return TDX_SUCCESS;
}

static u64 dmar_add(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		    u64 id, u64 page, struct fw_dmar *new)
{
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	status = fw_dmar_operands(fw, iommu, level, id, 2) ?:
		 fw_iommu_check(fw, iommu);
	if (status)
		return status;
	if (fw_dmar_find(fw, iommu, level, id))
		return TDX_DMAR_INVALID_MAPPING_STATE;
	if (level != TDX_DMAR_RTE) {
		new->parent = fw_dmar_find(fw, iommu, level - 1, id);
		if (!new->parent || new->parent->state != TDX_DMAR_PRESENT)
			return TDX_DMAR_ENTRY_NOT_PRESENT;
	}
	new->state = TDX_DMAR_PRESENT;
	if (level == TDX_DMAR_PASIDTE) {
		status = add_pasidte(fw, id, page, new);
	} else {
		status = fw_page_claim(fw, &new->page, page, FW_PT_IOMMU_MT,
				       NULL);
		if (status)
			status |= 4;
	}
	if (status)
		return status;
	new->iommu = iommu;
	new->level = level;
	new->rid = to_rid(level, id);
	if (new->parent)
		new->parent->children++;
	new->node.key = to_key(level, id);
	fw_node_add(&fw->iommu[iommu].dmar, &new->node);
	return TDX_SUCCESS;
}

/**
 * tdh_dmar_add() - make an entry of the trusted DMA tables
 * @fw: the model
 * @iommu: of the function
 * @level: which table
 * @id: requester id, or for a PASIDTE the device interface
 * @page: the table below the entry; 0 for a PASIDTE
 *
 * Return: TDX_OPERAND_INVALID (also an id of more than 16 bits, or a device
 * interface of another IOMMU or stream than the function's; so do the other calls),
 * TDX_DMAR_INVALID_MAPPING_STATE (taken), TDX_DMAR_ENTRY_NOT_PRESENT (its
 * parent), TDX_DEVIFMT_NOT_PRESENT, TDX_PAGE_METADATA_INCORRECT, other status, or
 * success: PRESENT, a PASIDTE PENDING.
 * Context: process, may sleep.
 */
u64 tdh_dmar_add(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level, u64 id,
		 u64 page)
{
	struct fw_dmar *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_DMAR_ADD) ?:
		 dmar_add(fw, iommu, level, id, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_DMAR_ADD, id, status);
}
EXPORT_SYMBOL_GPL(tdh_dmar_add);

static u64 dmar_block(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		      u64 id)
{
	struct fw_dmar *dmar;
	u64 status;

	status = fw_dmar_operands(fw, iommu, level, id, 2);
	if (status)
		return status;
	dmar = fw_dmar_find(fw, iommu, level, id);
	if (!dmar)
		return TDX_DMAR_ENTRY_NOT_PRESENT;
	if (dmar->state == TDX_DMAR_BLOCKED || dmar->children)
		return TDX_DMAR_INVALID_MAPPING_STATE;
	dmar->state = TDX_DMAR_BLOCKED;
	dmar->inv = TDX_DMAR_INV_PENDING;
	if (dmar->devif)
		dmar->iotlb_mark = dmar->devif->td->iotlb_req;
	return TDX_SUCCESS;
}

/**
 * tdh_dmar_block() - shut an entry
 * @fw: the model
 * @iommu: of the function
 * @level: which table
 * @id: as for tdh_dmar_add(); PENDING or PRESENT, with no entry below
 *
 * Return: TDX_DMAR_ENTRY_NOT_PRESENT, TDX_DMAR_INVALID_MAPPING_STATE, or success:
 * BLOCKED, its invalidation PENDING.
 * Context: any.
 */
u64 tdh_dmar_block(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		   u64 id)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DMAR_BLOCK, id, fw_begin(fw, TDH_DMAR_BLOCK) ?:
			dmar_block(fw, iommu, level, id));
}
EXPORT_SYMBOL_GPL(tdh_dmar_block);

static u64 dmar_read(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		     u64 id, struct tdx_dmar_entry *out)
{
	struct fw_dmar *dmar;
	u64 status;

	status = fw_dmar_operands(fw, iommu, level, id, 2);
	if (status)
		return status;
	*out = (struct tdx_dmar_entry) { .state = TDX_DMAR_FREE };
	dmar = fw_dmar_find(fw, iommu, level, id);
	if (!dmar)
		return TDX_SUCCESS;
	out->state = dmar->state;
	out->inv = dmar->inv;
	out->children = dmar->children;
	out->page = fw_page_pa(dmar->devif ? &dmar->devif->td->page :
					     &dmar->page);
	return TDX_SUCCESS;
}

/**
 * tdh_dmar_read() - read an entry
 * @fw: the model
 * @iommu: of the function
 * @level: which table
 * @id: as for tdh_dmar_add()
 * @entry: filled
 *
 * Return: TDX_OPERAND_INVALID or success.
 * Context: any.
 */
u64 tdh_dmar_read(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level, u64 id,
		  struct tdx_dmar_entry *entry)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DMAR_READ, id, fw_begin(fw, TDH_DMAR_READ) ?:
			dmar_read(fw, iommu, level, id, entry));
}
EXPORT_SYMBOL_GPL(tdh_dmar_read);

/*
 * A PASIDTE waits for its TD's IOTLB too. Other than for pages this does not depend
 * on whether the TD may still run: the device may (inferred).
 */
static bool iotlb_tracked(const struct fw_dmar *dmar)
{
	return !dmar->devif || dmar->devif->td->iotlb_done > dmar->iotlb_mark;
}

static u64 dmar_remove(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		       u64 id, u64 *page, struct fw_dmar **old)
{
	struct fw_dmar *dmar;
	u64 status;

	status = fw_dmar_operands(fw, iommu, level, id, 2);
	if (status)
		return status;
	dmar = fw_dmar_find(fw, iommu, level, id);
	if (!dmar)
		return TDX_DMAR_ENTRY_NOT_PRESENT;
	if (dmar->state != TDX_DMAR_BLOCKED)
		return TDX_DMAR_INVALID_MAPPING_STATE;
	if (dmar->inv != TDX_DMAR_INV_DONE)
		return TDX_DMAR_INVALID_INV_STATE;
	if (!iotlb_tracked(dmar))
		return TDX_IOMMU_IOTLB_TRACKING_NOT_DONE;
	*page = 0;
	if (dmar->devif) {
		dmar->devif->pasidtes--;
		dmar->devif->td->pasidtes--;
	} else {
		*page = fw_page_pa(&dmar->page);
		fw_page_release(fw, &dmar->page);
	}
	if (dmar->parent)
		dmar->parent->children--;
	fw_node_del(&fw->iommu[iommu].dmar, &dmar->node);
	*old = dmar;
	return TDX_SUCCESS;
}

/**
 * tdh_dmar_remove() - end of an entry
 * @fw: the model
 * @iommu: of the function
 * @level: which table
 * @id: as for tdh_dmar_add(); BLOCKED and invalidated
 * @page: filled with the page of tdh_dmar_add(), 0 for a PASIDTE
 *
 * Return: TDX_DMAR_ENTRY_NOT_PRESENT, TDX_DMAR_INVALID_MAPPING_STATE,
 * TDX_DMAR_INVALID_INV_STATE, TDX_IOMMU_IOTLB_TRACKING_NOT_DONE or success: FREE.
 * Context: process, may sleep.
 */
u64 tdh_dmar_remove(struct tdx_fw *fw, u8 iommu, enum tdx_dmar_level level,
		    u64 id, u64 *page)
{
	struct fw_dmar *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DMAR_REMOVE, id, fw_begin(fw, TDH_DMAR_REMOVE) ?:
			dmar_remove(fw, iommu, level, id, page, &old));
}
EXPORT_SYMBOL_GPL(tdh_dmar_remove);
