// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device interfaces: the tree that finds them, their birth and their end. Their
 * TDISP life is in tdisp.c.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

static const char * const tdisp_name[] = {
	[TDISP_CONFIG_UNLOCKED]	= "CONFIG_UNLOCKED",
	[TDISP_CONFIG_LOCKED]	= "CONFIG_LOCKED",
	[TDISP_RUN]		= "RUN",
	[TDISP_STATE_ERROR]	= "ERROR",
};

/* the interface of a function, over whatever stream */
struct fw_devif *fw_devif_of_rid(struct tdx_fw *fw, u8 iommu, u16 rid)
{
	struct fw_node *node = fw_node_find(&fw->devifs, fw_key(iommu, rid));

	lockdep_assert_held(&fw->lock);
	return node ? container_of(node, struct fw_devif, node) : NULL;
}

struct fw_devif *fw_devif_find(struct tdx_fw *fw, u64 id)
{
	struct fw_devif *devif = id <= U32_MAX ?
		fw_devif_of_rid(fw, TDX_DEVIF_IOMMU(id), TDX_DEVIF_RID(id)) : NULL;

	if (!devif || devif->id != id)
		return NULL;
	fw->ref.seen = tdisp_name[devif->state];
	return devif;
}

/* what frees an interface for taking apart: a STOP, or its stream's block */
bool fw_devif_stopped(const struct fw_devif *devif)
{
	return devif->state == TDISP_CONFIG_UNLOCKED || devif->stream->blocked;
}

bool fw_devif_locked(const struct fw_devif *devif)
{
	return devif->state == TDISP_CONFIG_LOCKED || devif->state == TDISP_RUN;
}

static struct fw_devifmt *find_mt(struct tdx_fw *fw, u8 iommu, u8 index)
{
	struct fw_node *node = fw_node_find(&fw->devifmt, fw_key(iommu, index));

	lockdep_assert_held(&fw->lock);
	return node ? container_of(node, struct fw_devifmt, node) : NULL;
}

static u64 mt_add(struct tdx_fw *fw, u8 iommu, u8 index, u64 page,
		  struct fw_devifmt *new)
{
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (iommu >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	if (find_mt(fw, iommu, index))
		return TDX_DEVIFMT_ALREADY_PRESENT | 2;
	status = fw_page_claim(fw, &new->page, page, FW_PT_DEVIF_MT, NULL);
	if (status)
		return status | 3;
	new->iommu = iommu;
	new->index = index;
	new->node.key = fw_key(iommu, index);
	fw_node_add(&fw->devifmt, &new->node);
	return TDX_SUCCESS;
}

/**
 * tdh_devif_mt_add() - give a page to the tree of device interfaces
 * @fw: the model
 * @iommu: of the functions
 * @index: their bus
 * @page: the page
 *
 * Return: TDX_DEVIFMT_ALREADY_PRESENT, TDX_PAGE_METADATA_INCORRECT or other status.
 * Context: process, may sleep.
 */
u64 tdh_devif_mt_add(struct tdx_fw *fw, u8 iommu, u8 index, u64 page)
{
	struct fw_devifmt *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_DEVIF_MT_ADD) ?:
		 mt_add(fw, iommu, index, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_DEVIF_MT_ADD, index, status);
}
EXPORT_SYMBOL_GPL(tdh_devif_mt_add);

static u64 mt_remove(struct tdx_fw *fw, u8 iommu, u8 index, u64 *page,
		     struct fw_devifmt **old)
{
	struct fw_devifmt *mt = find_mt(fw, iommu, index);

	if (!mt)
		return TDX_DEVIFMT_NOT_PRESENT | 2;
	if (mt->devifs)
		return TDX_DEVIF_INVALID_METADATA | 2;
	*page = fw_page_pa(&mt->page);
	fw_node_del(&fw->devifmt, &mt->node);
	fw_page_release(fw, &mt->page);
	*old = mt;
	return TDX_SUCCESS;
}

/**
 * tdh_devif_mt_remove() - take a page of the tree back
 * @fw: the model
 * @iommu: as for tdh_devif_mt_add()
 * @index: as for tdh_devif_mt_add(); no interface is on that bus
 * @page: filled with the page
 *
 * Return: TDX_DEVIFMT_NOT_PRESENT, TDX_DEVIF_INVALID_METADATA (not empty), success.
 * Context: process, may sleep.
 */
u64 tdh_devif_mt_remove(struct tdx_fw *fw, u8 iommu, u8 index, u64 *page)
{
	struct fw_devifmt *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DEVIF_MT_REMOVE, index,
			fw_begin(fw, TDH_DEVIF_MT_REMOVE) ?:
			mt_remove(fw, iommu, index, page, &old));
}
EXPORT_SYMBOL_GPL(tdh_devif_mt_remove);

static u64 mt_rd(struct tdx_fw *fw, u8 iommu, u8 index, u32 *devifs)
{
	struct fw_devifmt *mt = find_mt(fw, iommu, index);

	/* a host reads in order to know: no violation */
	if (!mt)
		return fw_refuse_as(fw, TIO_BLAME_GUEST,
				    TDX_DEVIFMT_NOT_PRESENT | 2);
	*devifs = mt->devifs;
	return TDX_SUCCESS;
}

/**
 * tdh_devif_mt_rd() - read how full a page of the tree is
 * @fw: the model
 * @iommu: as for tdh_devif_mt_add()
 * @index: as for tdh_devif_mt_add()
 * @devifs: filled with the number of interfaces on the bus
 *
 * Return: TDX_DEVIFMT_NOT_PRESENT or success.
 * Context: any.
 */
u64 tdh_devif_mt_rd(struct tdx_fw *fw, u8 iommu, u8 index, u32 *devifs)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DEVIF_MT_RD, index,
			fw_begin(fw, TDH_DEVIF_MT_RD) ?:
			mt_rd(fw, iommu, index, devifs));
}
EXPORT_SYMBOL_GPL(tdh_devif_mt_rd);

static u64 check_stream(struct tdx_fw *fw, u64 id, struct fw_stream **stream)
{
	*stream = fw_stream_find(fw, TDX_DEVIF_IOMMU(id), TDX_DEVIF_STREAM(id));
	if (!*stream)
		return TDX_IDE_STREAM_NOT_CONFIGURED | 1;
	if ((*stream)->blocked)
		return TDX_IDE_STREAM_BLOCKED | 1;
	if (TDX_DEVIF_RID(id) < (*stream)->assoc.rid_base ||
	    TDX_DEVIF_RID(id) > (*stream)->assoc.rid_limit)
		return TDX_OPERAND_INVALID | 1;
	if (!(*stream)->spdm->bound)
		return TDX_SPDM_INVALID_STATE;
	return TDX_SUCCESS;
}

/* all three pages or none */
static u64 claim_pages(struct tdx_fw *fw, struct fw_devif *devif,
		       struct fw_td *td, const struct tdx_devif_pages *pages)
{
	const struct {
		struct fw_page *page;
		u64 pa;
		enum fw_page_type type;
	} want[] = {
		{ &devif->root, pages->root, FW_PT_DEVIF },
		{ &devif->msg[0], pages->td_msg, FW_PT_DEVIF_MSG },
		{ &devif->msg[1], pages->vmm_msg, FW_PT_DEVIF_MSG },
	};

	for (int i = 0; i < ARRAY_SIZE(want); i++) {
		u64 status = fw_page_claim(fw, want[i].page, want[i].pa,
					   want[i].type, td);

		if (!status)
			continue;
		while (i--)
			fw_page_release(fw, want[i].page);
		return status | 3;
	}
	return TDX_SUCCESS;
}

static u64 devif_create(struct tdx_fw *fw, u64 id, u64 pa,
			const struct tdx_devif_pages *pages,
			struct fw_devif *new)
{
	struct fw_td *td = fw_td_find(fw, pa);
	struct fw_stream *stream;
	struct fw_devifmt *mt;
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (!td)
		return TDX_OPERAND_INVALID | 2;
	if (id >> 32 || TDX_DEVIF_IOMMU(id) >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(td, FW_INITIALIZED);
	if (status)
		return status;
	mt = find_mt(fw, TDX_DEVIF_IOMMU(id), TDX_DEVIF_RID(id) >> 8);
	if (!mt)
		return TDX_DEVIFMT_NOT_PRESENT | 1;
	if (fw_devif_of_rid(fw, TDX_DEVIF_IOMMU(id), TDX_DEVIF_RID(id)))
		return TDX_DEVIFMT_ALREADY_PRESENT | 1;
	status = check_stream(fw, id, &stream) ?:
		 claim_pages(fw, new, td, pages);
	if (status)
		return status;
	new->id = id;
	new->td = td;
	new->stream = stream;
	new->mt = mt;
	td->devifs++;
	stream->devifs++;
	mt->devifs++;
	new->node.key = fw_key(TDX_DEVIF_IOMMU(id), TDX_DEVIF_RID(id));
	fw_node_add(&fw->devifs, &new->node);
	return TDX_SUCCESS;
}

/**
 * tdh_devif_create() - give a function to a TD
 * @fw: the model
 * @devif: TDX_DEVIF_ID()
 * @td: TDR, INITIALIZED or RUNNABLE
 * @pages: return with tdh_devif_remove()
 *
 * Return: TDX_OP_STATE_INCORRECT and other states of the TD,
 * TDX_DEVIFMT_NOT_PRESENT, TDX_DEVIFMT_ALREADY_PRESENT, TDX_IDE_STREAM_*,
 * TDX_SPDM_INVALID_STATE, TDX_PAGE_METADATA_INCORRECT, or success: UNLOCKED.
 * Context: process, may sleep.
 */
u64 tdh_devif_create(struct tdx_fw *fw, u64 devif, u64 td,
		     const struct tdx_devif_pages *pages)
{
	struct fw_devif *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_DEVIF_CREATE) ?:
		 devif_create(fw, devif, td, pages, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_DEVIF_CREATE, devif, status);
}
EXPORT_SYMBOL_GPL(tdh_devif_create);

static u64 devif_remove(struct tdx_fw *fw, u64 id, struct fw_devif **old)
{
	struct fw_devif *devif = fw_devif_find(fw, id);

	if (!devif)
		return TDX_DEVIFMT_NOT_PRESENT | 1;
	if (!fw_devif_stopped(devif))
		return TDX_DEVIF_INVALID_STATE;
	if (devif->pasidtes)
		return TDX_DEVIF_HAS_MAPPED_DMA;
	if (!devif->td->fatal && devif->mmio_count)
		return TDX_DEVIF_HAS_MAPPED_MMIO;
	fw_page_release(fw, &devif->root);
	fw_page_release(fw, &devif->msg[0]);
	fw_page_release(fw, &devif->msg[1]);
	devif->td->devifs--;
	devif->stream->devifs--;
	devif->mt->devifs--;
	fw_node_del(&fw->devifs, &devif->node);
	*old = devif;
	return TDX_SUCCESS;
}

/**
 * tdh_devif_remove() - take a function back from its TD
 * @fw: the model
 * @devif: UNLOCKED or its stream blocked, no DMA, no MMIO (waived for a fatal TD)
 *
 * Return: TDX_DEVIFMT_NOT_PRESENT, TDX_DEVIF_INVALID_STATE,
 * TDX_DEVIF_HAS_MAPPED_DMA, TDX_DEVIF_HAS_MAPPED_MMIO, or success: its three pages
 * are the host's.
 * Context: process, may sleep.
 */
u64 tdh_devif_remove(struct tdx_fw *fw, u64 devif)
{
	struct fw_devif *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_DEVIF_REMOVE, devif,
			fw_begin(fw, TDH_DEVIF_REMOVE) ?:
			devif_remove(fw, devif, &old));
}
EXPORT_SYMBOL_GPL(tdh_devif_remove);

/**
 * tdx_fw_tdisp_state() - TDISP state as firmware knows it
 * @fw: the model
 * @devif: TDX_DEVIF_ID()
 *
 * Return: enum tdisp_state, -ENOENT.
 * Context: any, takes the model's lock.
 */
int tdx_fw_tdisp_state(struct tdx_fw *fw, u64 devif)
{
	struct fw_devif *found;

	guard(spinlock_irqsave)(&fw->lock);
	found = fw_devif_find(fw, devif);
	return found ? found->state : -ENOENT;
}
EXPORT_SYMBOL_GPL(tdx_fw_tdisp_state);

/**
 * tdx_fw_tdisp_told() - what the device answered to the last STATE request
 * @fw: the model
 * @devif: TDX_DEVIF_ID()
 *
 * Return: enum tdisp_state, CONFIG_UNLOCKED before the first answer, -ENOENT.
 * Context: any, takes the model's lock.
 */
int tdx_fw_tdisp_told(struct tdx_fw *fw, u64 devif)
{
	struct fw_devif *found;

	guard(spinlock_irqsave)(&fw->lock);
	found = fw_devif_find(fw, devif);
	return found ? found->told : -ENOENT;
}
EXPORT_SYMBOL_GPL(tdx_fw_tdisp_told);
