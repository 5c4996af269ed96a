// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the IOMMUs, as far as they decide whether an IOMMU has trusted DMA
 * tables and a trusted queue at all. Inferred throughout: the order INIT -> pages ->
 * CONFIG was seen, register numbers and the code for a wrong state were not, so that
 * OP_STATE_INCORRECT stands for the latter.
 */
#include <linux/export.h>

#include "fw.h"

/* the IOMMU is there and does trusted DMA */
u64 fw_iommu_check(struct tdx_fw *fw, u8 iommu)
{
	lockdep_assert_held(&fw->lock);
	if (iommu >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	if (fw->iommu[iommu].state == TDX_IOMMU_CONFIGURED)
		return TDX_SUCCESS;
	fw->ref.seen = "INIT";
	return TDX_OP_STATE_INCORRECT | 1;
}

/* RTPAGE or IQPAGE, once each */
static u64 set_page(struct tdx_fw *fw, struct fw_iommu *iommu, u64 pa,
		    struct fw_page *page, bool *has)
{
	u64 status;

	if (iommu->state != TDX_IOMMU_INIT || *has)
		return TDX_OP_STATE_INCORRECT | 1;
	if (!pa)
		return TDX_OPERAND_INVALID | 3;
	status = fw_page_claim(fw, page, pa, FW_PT_IOMMU_MT, NULL);
	if (status)
		return status | 3;
	*has = true;
	return TDX_SUCCESS;
}

static u64 configure(struct fw_iommu *iommu, u64 value)
{
	if (iommu->state != TDX_IOMMU_INIT || !iommu->has_root ||
	    !iommu->has_queue)
		return TDX_OP_STATE_INCORRECT | 1;
	if (value)
		return TDX_OPERAND_INVALID | 3;
	iommu->state = TDX_IOMMU_CONFIGURED;
	return TDX_SUCCESS;
}

/* nothing may be left that a device could use */
static u64 clear(struct tdx_fw *fw, struct fw_iommu *iommu, u64 value)
{
	if (iommu->state != TDX_IOMMU_CONFIGURED)
		return TDX_OP_STATE_INCORRECT | 1;
	if (value)
		return TDX_OPERAND_INVALID | 3;
	if (!RB_EMPTY_ROOT(&iommu->dmar) || iommu->sessions)
		return TDX_IOMMU_MT_PAGE_IN_USE | 1;
	if (iommu->iq_len || iommu->iq_busy)
		return TDX_OPERAND_BUSY | 1;
	if (iommu->has_root)
		fw_page_release(fw, &iommu->root);
	if (iommu->has_queue)
		fw_page_release(fw, &iommu->queue);
	iommu->has_root = false;
	iommu->has_queue = false;
	iommu->state = TDX_IOMMU_INIT;
	return TDX_SUCCESS;
}

static const char *state_name(const struct fw_iommu *iommu)
{
	return iommu->state == TDX_IOMMU_CONFIGURED ? "CONFIGURED" : "INIT";
}

static u64 write_reg(struct tdx_fw *fw, u8 nr, enum tdx_iommu_reg reg, u64 value)
{
	struct fw_iommu *iommu;

	if (nr >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	iommu = &fw->iommu[nr];
	fw->ref.seen = state_name(iommu);
	switch (reg) {
	case TDX_IOMMU_RTPAGE:
		return set_page(fw, iommu, value, &iommu->root,
				&iommu->has_root);
	case TDX_IOMMU_IQPAGE:
		return set_page(fw, iommu, value, &iommu->queue,
				&iommu->has_queue);
	case TDX_IOMMU_CONFIG:
		return configure(iommu, value);
	case TDX_IOMMU_CLEAR:
		return clear(fw, iommu, value);
	default:
		return TDX_OPERAND_INVALID | 2;
	}
}

/**
 * tdh_iommu_setreg() - write a register of an IOMMU
 * @fw: the model
 * @iommu: which one
 * @reg: RTPAGE, IQPAGE, CONFIG or CLEAR
 * @value: the page, or 0
 *
 * Return: TDX_OPERAND_INVALID (no such IOMMU, or no register to write),
 * TDX_OP_STATE_INCORRECT, TDX_PAGE_METADATA_INCORRECT, TDX_IOMMU_MT_PAGE_IN_USE
 * (CLEAR with tables or sessions), TDX_OPERAND_BUSY (CLEAR with a queue that is not
 * empty), or success.
 * Context: any.
 */
u64 tdh_iommu_setreg(struct tdx_fw *fw, u8 iommu, enum tdx_iommu_reg reg,
		     u64 value)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_IOMMU_SETREG, iommu,
			fw_begin(fw, TDH_IOMMU_SETREG) ?:
			write_reg(fw, iommu, reg, value));
}
EXPORT_SYMBOL_GPL(tdh_iommu_setreg);

static u64 read_reg(struct tdx_fw *fw, u8 nr, enum tdx_iommu_reg reg, u64 *value)
{
	const struct fw_iommu *iommu;

	if (nr >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	iommu = &fw->iommu[nr];
	fw->ref.seen = state_name(iommu);
	switch (reg) {
	case TDX_IOMMU_STATE:
		*value = iommu->state;
		return TDX_SUCCESS;
	case TDX_IOMMU_RTPAGE:
		*value = iommu->has_root ? fw_page_pa(&iommu->root) : 0;
		return TDX_SUCCESS;
	case TDX_IOMMU_IQPAGE:
		*value = iommu->has_queue ? fw_page_pa(&iommu->queue) : 0;
		return TDX_SUCCESS;
	default:
		return TDX_OPERAND_INVALID | 2;
	}
}

/**
 * tdh_iommu_getreg() - read a register of an IOMMU
 * @fw: the model
 * @iommu: which one
 * @reg: STATE, RTPAGE or IQPAGE
 * @value: filled with the state, or the page, 0 if the host gave none
 *
 * Return: TDX_OPERAND_INVALID or success.
 * Context: any.
 */
u64 tdh_iommu_getreg(struct tdx_fw *fw, u8 iommu, enum tdx_iommu_reg reg,
		     u64 *value)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_IOMMU_GETREG, iommu,
			fw_begin(fw, TDH_IOMMU_GETREG) ?:
			read_reg(fw, iommu, reg, value));
}
EXPORT_SYMBOL_GPL(tdh_iommu_getreg);
