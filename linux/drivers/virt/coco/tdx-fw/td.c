// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trust domains: build, vCPUs, the way down to the last page. Simplified: the
 * build has no measurement, a key is one call for the whole machine.
 */
#include <linux/export.h>

#include "fw.h"

static const char * const lifecycle_name[] = {
	[FW_HKID_ASSIGNED]	= "HKID_ASSIGNED",
	[FW_KEYS_CONFIGURED]	= "KEYS_CONFIGURED",
	[FW_BLOCKED]		= "BLOCKED",
	[FW_TEARDOWN]		= "TEARDOWN",
};

struct fw_td *fw_td_find(struct tdx_fw *fw, u64 pa)
{
	struct fw_page *page = fw_page_find(fw, pa);
	struct fw_td *td;

	if (!page || page->type != FW_PT_TDR)
		return NULL;
	td = container_of(page, struct fw_td, page);
	fw->ref.seen = td->fatal ? "FATAL" : lifecycle_name[td->lifecycle];
	return td;
}

/* the TD's key is there, it is not fatal, its build is as far as @op */
u64 fw_td_check(const struct fw_td *td, enum fw_op_state op)
{
	if (td->lifecycle != FW_KEYS_CONFIGURED)
		return TDX_TD_KEYS_NOT_CONFIGURED;
	if (td->fatal)
		return TDX_TD_FATAL;
	if (td->op < op)
		return TDX_OP_STATE_INCORRECT;
	return TDX_SUCCESS;
}

/* a TD that makes a call: one that runs */
u64 fw_td_find_guest(struct tdx_fw *fw, u64 pa, struct fw_td **td)
{
	*td = fw_td_find(fw, pa);
	if (!*td)
		return TDX_OPERAND_INVALID | 1;
	return fw_td_check(*td, FW_RUNNABLE);
}

/* a vCPU or a device of the TD may be using translations */
bool fw_td_may_run(const struct fw_td *td)
{
	return fw_td_check(td, FW_RUNNABLE) == TDX_SUCCESS;
}

/*
 * Nobody can still use a translation that was blocked at these marks: there was a
 * MEM.TRACK since and, while devices have the S-EPT, an IOTLB invalidation that
 * was requested after the block.
 */
u64 fw_td_tracked(const struct fw_td *td, u64 tlb_mark, u64 iotlb_mark)
{
	if (!fw_td_may_run(td))
		return TDX_SUCCESS;
	if (td->tlb_epoch <= tlb_mark)
		return TDX_TLB_TRACKING_NOT_DONE;
	if (td->pasidtes && td->iotlb_done <= iotlb_mark)
		return TDX_IOMMU_IOTLB_TRACKING_NOT_DONE;
	return TDX_SUCCESS;
}

static u64 mng_create(struct tdx_fw *fw, u64 pa, u16 hkid, struct fw_td *new)
{
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (hkid >= TDX_FW_NR_HKIDS)
		return TDX_OPERAND_INVALID | 2;
	if (test_bit(hkid, fw->hkids))
		return TDX_HKID_NOT_FREE | 2;
	status = fw_page_claim(fw, &new->page, pa, FW_PT_TDR, NULL);
	if (status)
		return status | 1;
	new->hkid = hkid;
	new->serial = ++fw->serial;
	new->sept = RB_ROOT;
	new->big = RB_ROOT;
	__set_bit(hkid, fw->hkids);
	return TDX_SUCCESS;
}

/**
 * tdh_mng_create() - give a page and a key id to a new TD
 * @fw: the model
 * @td: page that becomes the TDR
 * @hkid: key id, below TDX_FW_NR_HKIDS
 *
 * Return: TDX_HKID_NOT_FREE, TDX_PAGE_METADATA_INCORRECT or success; the TD is in
 * lifecycle HKID_ASSIGNED.
 * Context: process, may sleep.
 */
u64 tdh_mng_create(struct tdx_fw *fw, u64 td, u16 hkid)
{
	struct fw_td *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_MNG_CREATE) ?: mng_create(fw, td, hkid, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_MNG_CREATE, td, status);
}
EXPORT_SYMBOL_GPL(tdh_mng_create);

static u64 mng_key_config(struct tdx_fw *fw, u64 pa)
{
	struct fw_td *td = fw_td_find(fw, pa);

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	if (td->lifecycle != FW_HKID_ASSIGNED)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	td->lifecycle = FW_KEYS_CONFIGURED;
	return TDX_SUCCESS;
}

/**
 * tdh_mng_key_config() - load the TD's key
 * @fw: the model
 * @td: TDR
 *
 * Return: TDX_LIFECYCLE_STATE_INCORRECT unless HKID_ASSIGNED, or success: the
 * lifecycle is KEYS_CONFIGURED.
 * Context: any.
 */
u64 tdh_mng_key_config(struct tdx_fw *fw, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MNG_KEY_CONFIG, td,
			fw_begin(fw, TDH_MNG_KEY_CONFIG) ?:
			mng_key_config(fw, td));
}
EXPORT_SYMBOL_GPL(tdh_mng_key_config);

static u64 mng_addcx(struct tdx_fw *fw, u64 pa, u64 page, struct fw_tdcx *new)
{
	struct fw_td *td = fw_td_find(fw, pa);
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (!td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(td, FW_UNINITIALIZED);
	if (status)
		return status;
	if (td->op != FW_UNINITIALIZED)
		return TDX_OP_STATE_INCORRECT;
	status = fw_page_claim(fw, &new->page, page, FW_PT_TDCX, td);
	if (status)
		return status | 2;
	td->nr_tdcs++;
	return TDX_SUCCESS;
}

/**
 * tdh_mng_addcx() - give a TDCS page to a TD that is not initialized yet
 * @fw: the model
 * @td: TDR
 * @page: the page
 *
 * Return: completion status.
 * Context: process, may sleep.
 */
u64 tdh_mng_addcx(struct tdx_fw *fw, u64 td, u64 page)
{
	struct fw_tdcx *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_MNG_ADDCX) ?: mng_addcx(fw, td, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_MNG_ADDCX, td, status);
}
EXPORT_SYMBOL_GPL(tdh_mng_addcx);

/* one step of the build: @from must be reached, and is left */
static u64 build_step(struct tdx_fw *fw, u64 pa, enum fw_op_state from)
{
	struct fw_td *td = fw_td_find(fw, pa);
	u64 status;

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(td, from);
	if (status)
		return status;
	if (td->op != from || td->nr_tdcs < TDX_FW_MIN_TDCS)
		return TDX_OP_STATE_INCORRECT;
	td->op = from + 1;
	return TDX_SUCCESS;
}

/**
 * tdh_mng_init() - end of the TD's control structure: INITIALIZED
 * @fw: the model
 * @td: TDR, with at least TDX_FW_MIN_TDCS TDCS pages
 *
 * Return: completion status.
 * Context: any.
 */
u64 tdh_mng_init(struct tdx_fw *fw, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MNG_INIT, td, fw_begin(fw, TDH_MNG_INIT) ?:
			build_step(fw, td, FW_UNINITIALIZED));
}
EXPORT_SYMBOL_GPL(tdh_mng_init);

/**
 * tdh_mr_finalize() - end of the TD's build: RUNNABLE
 * @fw: the model
 * @td: TDR
 *
 * Return: completion status.
 * Context: any.
 */
u64 tdh_mr_finalize(struct tdx_fw *fw, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MR_FINALIZE, td, fw_begin(fw, TDH_MR_FINALIZE) ?:
			build_step(fw, td, FW_INITIALIZED));
}
EXPORT_SYMBOL_GPL(tdh_mr_finalize);

static u64 vp_create(struct tdx_fw *fw, u64 pa, u64 vp, struct fw_vp *new)
{
	struct fw_td *td = fw_td_find(fw, pa);
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (!td)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(td, FW_INITIALIZED);
	if (status)
		return status;
	status = fw_page_claim(fw, &new->page, vp, FW_PT_TDVPR, td);
	return status ? status | 2 : TDX_SUCCESS;
}

/**
 * tdh_vp_create() - give a page to a new vCPU
 * @fw: the model
 * @td: TDR, INITIALIZED or RUNNABLE
 * @vp: page that becomes the vCPU's root
 *
 * Return: completion status.
 * Context: process, may sleep.
 */
u64 tdh_vp_create(struct tdx_fw *fw, u64 td, u64 vp)
{
	struct fw_vp *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_VP_CREATE) ?: vp_create(fw, td, vp, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_VP_CREATE, td, status);
}
EXPORT_SYMBOL_GPL(tdh_vp_create);

static struct fw_vp *find_vp(struct tdx_fw *fw, u64 pa)
{
	struct fw_page *page = fw_page_find(fw, pa);

	if (!page || page->type != FW_PT_TDVPR)
		return NULL;
	return container_of(page, struct fw_vp, page);
}

static u64 vp_enter(struct tdx_fw *fw, u64 pa)
{
	struct fw_vp *vp = find_vp(fw, pa);
	u64 status;

	if (!vp)
		return TDX_OPERAND_INVALID | 1;
	status = fw_td_check(vp->page.td, FW_RUNNABLE);
	if (status)
		return status;
	if (!vp->assoc)
		vp->page.td->nr_assoc++;
	vp->assoc = true;
	return TDX_SUCCESS;
}

/**
 * tdh_vp_enter() - run a vCPU; in the model it is back at once
 * @fw: the model
 * @vp: the vCPU
 *
 * Return: completion status; on success the vCPU is associated with a CPU until
 * tdh_vp_flush().
 * Context: any.
 */
u64 tdh_vp_enter(struct tdx_fw *fw, u64 vp)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_VP_ENTER, vp,
			fw_begin(fw, TDH_VP_ENTER) ?: vp_enter(fw, vp));
}
EXPORT_SYMBOL_GPL(tdh_vp_enter);

static u64 vp_flush(struct tdx_fw *fw, u64 pa)
{
	struct fw_vp *vp = find_vp(fw, pa);

	if (!vp)
		return TDX_OPERAND_INVALID | 1;
	if (!vp->assoc)
		return fw_refuse_as(fw, TIO_BLAME_GUEST,
				    TDX_VCPU_NOT_ASSOCIATED);
	vp->assoc = false;
	vp->page.td->nr_assoc--;
	return TDX_SUCCESS;
}

/**
 * tdh_vp_flush() - take a vCPU off its CPU
 * @fw: the model
 * @vp: the vCPU
 *
 * Return: TDX_VCPU_NOT_ASSOCIATED if it never ran (harmless), or success.
 * Context: any.
 */
u64 tdh_vp_flush(struct tdx_fw *fw, u64 vp)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_VP_FLUSH, vp,
			fw_begin(fw, TDH_VP_FLUSH) ?: vp_flush(fw, vp));
}
EXPORT_SYMBOL_GPL(tdh_vp_flush);

static u64 devices_gone(const struct fw_td *td)
{
	/* without its TDCS firmware could not have given the TD a device */
	if (td->nr_tdcs < TDX_FW_MIN_TDCS)
		return TDX_SUCCESS;
	if (td->devifs)
		return TDX_TD_HAS_ATTACHED_DEVICES;
	/* a descriptor names its TD, whichever queue it is in */
	if (td->pasidtes || td->iotlb_waits)
		return TDX_IOMMU_IOTLB_TRACKING_NOT_DONE;
	return TDX_SUCCESS;
}

static u64 mng_vpflushdone(struct tdx_fw *fw, u64 pa)
{
	struct fw_td *td = fw_td_find(fw, pa);
	u64 status;

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	if (td->lifecycle != FW_KEYS_CONFIGURED)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	if (td->nr_assoc)
		return TDX_FLUSHVP_NOT_DONE;
	status = devices_gone(td);
	/* a host that gives up here leaks; one that comes back does not */
	td->leaked = status != TDX_SUCCESS;
	if (status)
		return status;
	td->lifecycle = FW_BLOCKED;
	return TDX_SUCCESS;
}

/**
 * tdh_mng_vpflushdone() - all vCPUs are off, the TD never runs again
 * @fw: the model
 * @td: TDR
 *
 * Return: TDX_FLUSHVP_NOT_DONE; TDX_TD_HAS_ATTACHED_DEVICES while a device
 * interface is the TD's; TDX_IOMMU_IOTLB_TRACKING_NOT_DONE while a PASIDTE is; or
 * success: the lifecycle is BLOCKED. After the two device refusals the TD counts
 * as leaked (teemu_fw_ops.tables) until the call succeeds.
 * Context: any.
 */
u64 tdh_mng_vpflushdone(struct tdx_fw *fw, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MNG_VPFLUSHDONE, td,
			fw_begin(fw, TDH_MNG_VPFLUSHDONE) ?:
			mng_vpflushdone(fw, td));
}
EXPORT_SYMBOL_GPL(tdh_mng_vpflushdone);

static u64 mng_key_freeid(struct tdx_fw *fw, u64 pa)
{
	struct fw_td *td = fw_td_find(fw, pa);

	if (!td)
		return TDX_OPERAND_INVALID | 1;
	if (td->lifecycle != FW_BLOCKED)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	td->lifecycle = FW_TEARDOWN;
	__clear_bit(td->hkid, fw->hkids);
	return TDX_SUCCESS;
}

/**
 * tdh_mng_key_freeid() - give the key id back
 * @fw: the model
 * @td: TDR in lifecycle BLOCKED
 *
 * Return: TDX_LIFECYCLE_STATE_INCORRECT, or success: the lifecycle is TEARDOWN.
 * Context: any.
 */
u64 tdh_mng_key_freeid(struct tdx_fw *fw, u64 td)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MNG_KEY_FREEID, td,
			fw_begin(fw, TDH_MNG_KEY_FREEID) ?:
			mng_key_freeid(fw, td));
}
EXPORT_SYMBOL_GPL(tdh_mng_key_freeid);

static u64 reclaim_tdr(struct tdx_fw *fw, struct fw_page *page, void **old)
{
	struct fw_td *td = container_of(page, struct fw_td, page);

	if (td->lifecycle != FW_TEARDOWN)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	if (td->children)
		return TDX_TD_ASSOCIATED_PAGES_EXIST;
	/* a fatal TD's: see fw_mmio_mapped() */
	fw->nr_mmio -= td->nr_big;
	fw_page_release(fw, page);
	*old = td;
	return TDX_SUCCESS;
}

static u64 reclaim_child(struct tdx_fw *fw, struct fw_page *page, void **old)
{
	u64 status = TDX_SUCCESS;

	if (page->td->lifecycle != FW_TEARDOWN)
		return TDX_LIFECYCLE_STATE_INCORRECT;
	switch (page->type) {
	case FW_PT_REG:
		fw_sept_reclaim_leaf(fw, page);
		return TDX_SUCCESS;
	case FW_PT_SEPT:
		*old = container_of(page, struct fw_sept, page);
		status = fw_sept_reclaim(fw, page);
		break;
	case FW_PT_TDCX:
		*old = container_of(page, struct fw_tdcx, page);
		break;
	default:
		*old = container_of(page, struct fw_vp, page);
		break;
	}
	if (status) {
		*old = NULL;
		return status;
	}
	fw_page_release(fw, page);
	return TDX_SUCCESS;
}

static u64 page_reclaim(struct tdx_fw *fw, u64 pa, void **old)
{
	struct fw_page *page = fw_page_find(fw, pa);

	if (!page)
		return TDX_PAGE_METADATA_INCORRECT | 1;
	switch (page->type) {
	case FW_PT_TDR:
		fw_td_find(fw, pa);
		return reclaim_tdr(fw, page, old);
	case FW_PT_TDCX:
	case FW_PT_TDVPR:
	case FW_PT_SEPT:
	case FW_PT_REG:
		fw_td_find(fw, fw_page_pa(&page->td->page));
		return reclaim_child(fw, page, old);
	default:
		return TDX_PAGE_METADATA_INCORRECT | 1;
	}
}

/**
 * tdh_phymem_page_reclaim() - take a page of a TD back after its end
 * @fw: the model
 * @page: TDCS, vCPU, S-EPT or memory page of a TD in TEARDOWN, or a TDR that has
 *	  no other page left. An S-EPT page comes after the memory in it.
 *
 * Return: TDX_PAGE_METADATA_INCORRECT for any other page,
 * TDX_LIFECYCLE_STATE_INCORRECT, TDX_TD_ASSOCIATED_PAGES_EXIST, or success: the
 * page is the host's.
 * Context: process, may sleep.
 */
u64 tdh_phymem_page_reclaim(struct tdx_fw *fw, u64 page)
{
	void *old __free(kvfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_PHYMEM_PAGE_RECLAIM, page,
			fw_begin(fw, TDH_PHYMEM_PAGE_RECLAIM) ?:
			page_reclaim(fw, page, &old));
}
EXPORT_SYMBOL_GPL(tdh_phymem_page_reclaim);

/**
 * tdx_fw_td_set_fatal() - fault switch: something inside the TD went wrong
 * @fw: the model
 * @td: TDR
 *
 * Return: 0, -ENOENT.
 * Context: any.
 */
int tdx_fw_td_set_fatal(struct tdx_fw *fw, u64 td)
{
	struct fw_td *found;

	guard(spinlock_irqsave)(&fw->lock);
	found = fw_td_find(fw, td);
	if (!found)
		return -ENOENT;
	found->fatal = true;
	return 0;
}
EXPORT_SYMBOL_GPL(tdx_fw_td_set_fatal);
