// SPDX-License-Identifier: GPL-2.0-only
/*
 * ASID fences. One that is up blocks all trusted DMA and private MMIO of the guest
 * that has the ASID, of all its TDIs; only the host lets it down.
 *
 * Inferred: when a fence comes up by itself. The default fence does with the first
 * TDI that is bound to an ASID and again when the last one is unbound; a TDI of a guest
 * that has others running does not stop them. The error fence does with every TDI
 * that fails or is forced off, and then the others do wait.
 */
#include <linux/export.h>

#include "fw.h"

static bool is_up(const struct sev_asid_fence *fence)
{
	return fence->dma || fence->mmio;
}

bool sf_fenced(const struct sev_fw *fw, const struct sf_guest *guest)
{
	lockdep_assert_held(&fw->lock);
	return is_up(&fw->fence[guest->asid]);
}

void sf_fence_default(struct sev_fw *fw, const struct sf_guest *guest)
{
	struct sev_asid_fence *fence = &fw->fence[guest->asid];

	lockdep_assert_held(&fw->lock);
	if (!fence->dma)
		fence->dma = SEV_FENCE_DEFAULT;
	fence->mmio = SEV_FENCE_DEFAULT;
}

void sf_fence_error(struct sev_fw *fw, const struct sf_guest *guest)
{
	lockdep_assert_held(&fw->lock);
	fw->fence[guest->asid] = (struct sev_asid_fence) {
		.dma = SEV_FENCE_ERROR,
		.mmio = SEV_FENCE_DEFAULT,
	};
}

static u64 fence_status(struct sev_fw *fw, u64 pa, u32 asid,
			struct sev_asid_fence *fence)
{
	struct sf_dev *dev;
	u64 status = sf_dev_idle(fw, pa, &dev);

	if (status)
		return status;
	if (!asid || asid >= SEV_NR_ASIDS)
		return SEV_INVALID_PARAM;
	*fence = fw->fence[asid];
	return SEV_SUCCESS;
}

/**
 * sev_tio_asid_fence_status() - ASID_FENCE_STATUS
 * @fw: the model
 * @dev: a device
 * @asid: the ASID
 * @fence: filled
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_PARAM or success.
 * Context: any.
 */
u64 sev_tio_asid_fence_status(struct sev_fw *fw, u64 dev, u32 asid,
			      struct sev_asid_fence *fence)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_ASID_FENCE_STATUS, dev,
			 tio_begin(&fw->ref, SEV_CALL_TIO_ASID_FENCE_STATUS) ?:
			 fence_status(fw, dev, asid, fence));
}
EXPORT_SYMBOL_GPL(sev_tio_asid_fence_status);

static u64 fence_clear(struct sev_fw *fw, u64 pa, u64 gctx)
{
	struct sf_guest *guest;
	struct sf_dev *dev;
	u64 status = sf_dev_idle(fw, pa, &dev);

	if (status)
		return status;
	guest = sf_guest_find(fw, gctx);
	if (!guest || !guest->asid)
		return SEV_INVALID_GUEST_STATE;
	/* inferred, and strict: drivers look before they clear */
	if (!sf_fenced(fw, guest))
		return SEV_INVALID_PARAM;
	fw->fence[guest->asid] = (struct sev_asid_fence) {};
	return SEV_SUCCESS;
}

/**
 * sev_tio_asid_fence_clear() - ASID_FENCE_CLEAR
 * @fw: the model
 * @dev: a device
 * @gctx: the guest that has the ASID
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_GUEST_STATE (no such guest, or
 * not activated), SEV_INVALID_PARAM (no fence is up) or success.
 * Context: any.
 */
u64 sev_tio_asid_fence_clear(struct sev_fw *fw, u64 dev, u64 gctx)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_ASID_FENCE_CLEAR, gctx,
			 tio_begin(&fw->ref, SEV_CALL_TIO_ASID_FENCE_CLEAR) ?:
			 fence_clear(fw, dev, gctx));
}
EXPORT_SYMBOL_GPL(sev_tio_asid_fence_clear);
