// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDI contexts: their birth, their end, and what firmware knows of a TDI without
 * asking. Their TDISP life is in tdisp.c.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

static const char * const tdisp_name[] = {
	[TDISP_CONFIG_UNLOCKED]	= "CONFIG_UNLOCKED",
	[TDISP_CONFIG_LOCKED]	= "CONFIG_LOCKED",
	[TDISP_RUN]		= "RUN",
	[TDISP_STATE_ERROR]	= "ERROR",
};

static struct sf_tdi *find_ctx(struct sev_fw *fw, u64 pa)
{
	struct sf_ctx *ctx = sf_ctx_find(fw, pa, SF_CTX_TDI);

	return ctx ? container_of(ctx, struct sf_tdi, ctx) : NULL;
}

/* the TDI of context @tdi, of the device of context @dev */
u64 sf_tdi_find(struct sev_fw *fw, u64 dev, u64 tdi, struct sf_tdi **found)
{
	struct sf_dev *owner;
	u64 status = sf_ready(fw);

	if (status)
		return status;
	owner = sf_dev_find(fw, dev);
	if (!owner)
		return SEV_INVALID_DEV_CTX;
	*found = find_ctx(fw, tdi);
	if (!*found || (*found)->dev != owner)
		return SEV_INVALID_TDI_CTX;
	if (!sf_talk_open(owner))
		fw->ref.seen = tdisp_name[(*found)->state];
	return SEV_SUCCESS;
}

struct sf_tdi *sf_tdi_by_serial(struct sev_fw *fw, u32 serial)
{
	struct sf_dev *dev;
	struct sf_tdi *tdi;

	lockdep_assert_held(&fw->lock);
	list_for_each_entry(dev, &fw->devs, list)
		list_for_each_entry(tdi, &dev->tdis, list)
			if (tdi->serial == serial)
				return tdi;
	return NULL;
}

/* the TDI of the connected device that sends with requester id @rid */
struct sf_tdi *sf_tdi_by_rid(struct sev_fw *fw, u16 rid)
{
	struct sf_dev *dev;
	struct sf_tdi *tdi;

	lockdep_assert_held(&fw->lock);
	list_for_each_entry(dev, &fw->devs, list) {
		if (dev->state != SEV_DEV_CONNECTED)
			continue;
		list_for_each_entry(tdi, &dev->tdis, list)
			if (tdi->rid == rid)
				return tdi;
	}
	return NULL;
}

bool sf_tdi_locked(const struct sf_tdi *tdi)
{
	return tdi->state == TDISP_CONFIG_LOCKED || tdi->state == TDISP_RUN;
}

/* a bound TDI is not what it should be: until TDI_UNBIND, whatever it says */
void sf_tdi_fail(struct sev_fw *fw, struct sf_tdi *tdi)
{
	lockdep_assert_held(&fw->lock);
	tdi->state = TDISP_STATE_ERROR;
	memzero_explicit(tdi->nonce, sizeof(tdi->nonce));
	sf_fence_error(fw, tdi->guest);
}

static bool is_known(const struct sf_dev *dev, u16 rid)
{
	struct sf_tdi *tdi;

	list_for_each_entry(tdi, &dev->tdis, list)
		if (tdi->rid == rid)
			return true;
	return false;
}

static u64 tdi_create(struct sev_fw *fw, u64 dev_pa, u64 pa, u16 rid,
		      struct sf_tdi *new)
{
	struct sf_dev *dev;
	u64 status = sf_dev_idle(fw, dev_pa, &dev);

	if (status)
		return status;
	if (!new)
		return SEV_RESOURCE_LIMIT;
	if (dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	/* inferred: one interface, one context */
	if (is_known(dev, rid))
		return SEV_RECLAIM_REQUIRED;
	status = sf_ctx_claim(fw, &new->ctx, pa, SF_CTX_TDI);
	if (status)
		return status;
	new->dev = dev;
	new->rid = rid;
	new->serial = ++fw->serial;
	list_add_tail(&new->list, &dev->tdis);
	return SEV_SUCCESS;
}

/**
 * sev_tio_tdi_create() - TDI_CREATE
 * @fw: the model
 * @dev: CONNECTED
 * @tdi: a page, firmware's until TDI_RECLAIM
 * @interface_id: requester id of the function; it has no context yet
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE,
 * SEV_RECLAIM_REQUIRED (the interface or the page has a context), SEV_INVALID_PARAM,
 * SEV_INVALID_PAGE_STATE, SEV_RESOURCE_LIMIT, or success: not bound, CONFIG_UNLOCKED.
 * Context: process, may sleep.
 */
u64 sev_tio_tdi_create(struct sev_fw *fw, u64 dev, u64 tdi, u16 interface_id)
{
	struct sf_tdi *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = tio_begin(&fw->ref, SEV_CALL_TIO_TDI_CREATE) ?:
		 tdi_create(fw, dev, tdi, interface_id, new);
	if (!status)
		retain_and_null_ptr(new);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_CREATE, tdi, status);
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_create);

static u64 tdi_reclaim(struct sev_fw *fw, u64 dev, u64 pa, struct sf_tdi **old)
{
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	if (sf_talk_open(tdi->dev))
		return SEV_IN_USE;
	if (tdi->guest)
		return SEV_INVALID_TDI_STATE;
	list_del(&tdi->list);
	sf_ctx_release(fw, &tdi->ctx);
	*old = tdi;
	return SEV_SUCCESS;
}

/**
 * sev_tio_tdi_reclaim() - TDI_RECLAIM
 * @fw: the model
 * @dev: the device, connected or not
 * @tdi: not bound
 *
 * The pages of its BARs are the host's to change from here on.
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE, SEV_INVALID_TDI_STATE
 * (bound), or success: the context page is the host's.
 * Context: process, may sleep.
 */
u64 sev_tio_tdi_reclaim(struct sev_fw *fw, u64 dev, u64 tdi)
{
	struct sf_tdi *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_RECLAIM, tdi,
			 tio_begin(&fw->ref, SEV_CALL_TIO_TDI_RECLAIM) ?:
			 tdi_reclaim(fw, dev, tdi, &old));
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_reclaim);

static u64 tdi_info(struct sev_fw *fw, u64 dev, u64 pa, struct sev_tio_tdi_info *info)
{
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	if (sf_talk_open(tdi->dev))
		return SEV_IN_USE;
	*info = (struct sev_tio_tdi_info) {
		.bound = tdi->guest,
		.tdisp_state = tdi->state,
		.interface_id = tdi->rid,
		.guest_device_id = tdi->guest_rid,
		.gctx = tdi->guest ? sf_ctx_pa(&tdi->guest->ctx) : 0,
		.bind_counter = tdi->bind_counter,
		.sdte_valid = tdi->sdte,
	};
	memcpy(info->certs_digest, tdi->dev->digest, sizeof(info->certs_digest));
	memcpy(info->report_digest, tdi->report_digest,
	       sizeof(info->report_digest));
	return SEV_SUCCESS;
}

/**
 * sev_tio_tdi_info() - TDI_INFO
 * @fw: the model
 * @dev: the device
 * @tdi: the TDI
 * @info: filled
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE or success.
 * Context: any.
 */
u64 sev_tio_tdi_info(struct sev_fw *fw, u64 dev, u64 tdi,
		     struct sev_tio_tdi_info *info)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_TDI_INFO, tdi,
			 tio_begin(&fw->ref, SEV_CALL_TIO_TDI_INFO) ?:
			 tdi_info(fw, dev, tdi, info));
}
EXPORT_SYMBOL_GPL(sev_tio_tdi_info);

/**
 * sev_fw_tdisp_state() - TDISP state as firmware knows it
 * @fw: the model
 * @tdi: the TDI
 *
 * Return: enum tdisp_state, -ENOENT.
 * Context: any, takes the model's lock.
 */
int sev_fw_tdisp_state(struct sev_fw *fw, u64 tdi)
{
	struct sf_tdi *found;

	guard(spinlock_irqsave)(&fw->lock);
	found = find_ctx(fw, tdi);
	return found ? found->state : -ENOENT;
}
EXPORT_SYMBOL_GPL(sev_fw_tdisp_state);
