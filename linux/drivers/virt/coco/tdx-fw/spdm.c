// SPDX-License-Identifier: GPL-2.0-only
/*
 * SPDM session objects. NOT_BOUND after create, BOUND once the service TD that
 * speaks SPDM with the device has set the session up. That service TD is built
 * in: what counts for the rest is that the session exists and whose it is.
 */
#include <linux/export.h>

#include <crypto/sha2.h>

#include "fw.h"

static_assert(TDX_FW_PKH_SIZE == SHA384_DIGEST_SIZE);

struct fw_spdm *fw_spdm_find(struct tdx_fw *fw, u8 iommu, u16 index)
{
	struct fw_node *node = fw_node_find(&fw->spdm, fw_key(iommu, index));
	struct fw_spdm *spdm;

	lockdep_assert_held(&fw->lock);
	if (!node)
		return NULL;
	spdm = container_of(node, struct fw_spdm, node);
	fw->ref.seen = spdm->bound ? "BOUND" : "NOT_BOUND";
	return spdm;
}

static u64 spdm_create(struct tdx_fw *fw, u8 iommu, u16 index, u64 page,
		       struct fw_spdm *new)
{
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	status = fw_iommu_check(fw, iommu);
	if (status)
		return status;
	status = fw_page_claim(fw, &new->page, page, FW_PT_SPDM, NULL);
	if (status)
		return status | 3;
	if (fw_spdm_find(fw, iommu, index)) {
		fw_page_release(fw, &new->page);
		return TDX_SPDM_ENTRY_ALREADY_PRESENT | 2;
	}
	new->iommu = iommu;
	new->index = index;
	new->node.key = fw_key(iommu, index);
	fw_node_add(&fw->spdm, &new->node);
	fw->iommu[iommu].sessions++;
	return TDX_SUCCESS;
}

/**
 * tdh_spdm_create() - give a page to a new session object
 * @fw: the model
 * @iommu: of the device
 * @index: caller's choice, one per device
 * @page: returns with tdh_spdm_delete()
 *
 * Return: TDX_PAGE_METADATA_INCORRECT, TDX_SPDM_ENTRY_ALREADY_PRESENT, other
 * status, or success: NOT_BOUND.
 * Context: process, may sleep.
 */
u64 tdh_spdm_create(struct tdx_fw *fw, u8 iommu, u16 index, u64 page)
{
	struct fw_spdm *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_SPDM_CREATE) ?:
		 spdm_create(fw, iommu, index, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_SPDM_CREATE, index, status);
}
EXPORT_SYMBOL_GPL(tdh_spdm_create);

static u64 spdm_delete(struct tdx_fw *fw, u8 iommu, u16 index,
		       struct fw_spdm **old)
{
	struct fw_spdm *spdm = fw_spdm_find(fw, iommu, index);

	if (!spdm)
		return TDX_SPDM_ENTRY_NOT_PRESENT | 2;
	if (spdm->streams)
		return TDX_SPDM_HAS_ACTIVE_IDE_STREAMS;
	fw_node_del(&fw->spdm, &spdm->node);
	fw->iommu[iommu].sessions--;
	fw_page_release(fw, &spdm->page);
	*old = spdm;
	return TDX_SUCCESS;
}

/**
 * tdh_spdm_delete() - end of a session object, bound or not
 * @fw: the model
 * @iommu: as for tdh_spdm_create()
 * @index: as for tdh_spdm_create()
 *
 * Return: TDX_SPDM_ENTRY_NOT_PRESENT, TDX_SPDM_HAS_ACTIVE_IDE_STREAMS, or success:
 * the page is the host's.
 * Context: process, may sleep.
 */
u64 tdh_spdm_delete(struct tdx_fw *fw, u8 iommu, u16 index)
{
	struct fw_spdm *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_SPDM_DELETE, index,
			fw_begin(fw, TDH_SPDM_DELETE) ?:
			spdm_delete(fw, iommu, index, &old));
}
EXPORT_SYMBOL_GPL(tdh_spdm_delete);

static u64 tpa_set(struct tdx_fw *fw, u8 iommu, u16 index,
		   const u8 pkh[TDX_FW_PKH_SIZE])
{
	struct fw_spdm *spdm = fw_spdm_find(fw, iommu, index);

	if (!spdm)
		return TDX_SPDM_ENTRY_NOT_PRESENT | 2;
	if (spdm->bound)
		return TDX_SPDM_INVALID_STATE;
	memcpy(spdm->pkh, pkh, TDX_FW_PKH_SIZE);
	spdm->bound = true;
	return TDX_SUCCESS;
}

/**
 * tdg_spdm_tpa_set() - the service TD binds a session to a device
 * @fw: the model
 * @iommu: as for tdh_spdm_create()
 * @index: as for tdh_spdm_create()
 * @chain: the device's certificate chain
 * @len: of @chain, in bytes
 *
 * Keeps SHA-384 of the chain: the PKH that a TD must know to validate a TDI.
 *
 * Return: TDX_SPDM_ENTRY_NOT_PRESENT, TDX_SPDM_INVALID_STATE if it is bound
 * already, or success: BOUND.
 * Context: process, may sleep.
 */
u64 tdg_spdm_tpa_set(struct tdx_fw *fw, u8 iommu, u16 index, const u8 *chain,
		     size_t len)
{
	u8 pkh[TDX_FW_PKH_SIZE];

	sha384(chain, len, pkh);
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_SPDM_TPA_SET, index,
			fw_begin(fw, TDG_SPDM_TPA_SET) ?:
			tpa_set(fw, iommu, index, pkh));
}
EXPORT_SYMBOL_GPL(tdg_spdm_tpa_set);

static u64 tpa_get(struct tdx_fw *fw, u8 iommu, u16 index,
		   u8 pkh[TDX_FW_PKH_SIZE])
{
	struct fw_spdm *spdm = fw_spdm_find(fw, iommu, index);

	if (!spdm)
		return TDX_SPDM_ENTRY_NOT_PRESENT | 2;
	if (!spdm->bound)
		return TDX_SPDM_INVALID_STATE;
	memcpy(pkh, spdm->pkh, TDX_FW_PKH_SIZE);
	spdm->bound = false;
	return TDX_SUCCESS;
}

/**
 * tdg_spdm_tpa_get() - the service TD takes a session back
 * @fw: the model
 * @iommu: of the device
 * @index: of the session, BOUND; streams of it stay as they are
 * @pkh: filled with what tdg_spdm_tpa_set() bound
 *
 * Return: TDX_SPDM_ENTRY_NOT_PRESENT, TDX_SPDM_INVALID_STATE or success: NOT_BOUND.
 * Until it is bound again no function gets a device interface or is validated over
 * it.
 * Context: any.
 */
u64 tdg_spdm_tpa_get(struct tdx_fw *fw, u8 iommu, u16 index,
		     u8 pkh[TDX_FW_PKH_SIZE])
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDG_SPDM_TPA_GET, index,
			fw_begin(fw, TDG_SPDM_TPA_GET) ?:
			tpa_get(fw, iommu, index, pkh));
}
EXPORT_SYMBOL_GPL(tdg_spdm_tpa_get);
