// SPDX-License-Identifier: GPL-2.0-only
/*
 * The platform, and device contexts: their birth, their end, and what they tell. What
 * they say to the device is in link.c.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

static const char * const state_name[] = {
	[SEV_DEV_CREATED]	= "CREATED",
	[SEV_DEV_CONNECTED]	= "CONNECTED",
};

/* TIO commands want a platform that is initialized */
u64 sf_ready(struct sev_fw *fw)
{
	lockdep_assert_held(&fw->lock);
	return fw->initialized ? SEV_SUCCESS : SEV_INVALID_PLATFORM_STATE;
}

/**
 * sev_tio_status() - TIO_STATUS: what the platform can and has
 * @fw: the model
 * @status: filled
 *
 * Return: success.
 * Context: any.
 */
u64 sev_tio_status(struct sev_fw *fw, struct sev_tio_status *status)
{
	u64 code;

	guard(spinlock_irqsave)(&fw->lock);
	code = tio_begin(&fw->ref, SEV_CALL_TIO_STATUS);
	if (!code)
		*status = (struct sev_tio_status) {
			.initialized = fw->initialized,
			.nr_devs = fw->nr_ctx[SF_CTX_DEV],
			.nr_tdis = fw->nr_ctx[SF_CTX_TDI],
		};
	return tio_judge(&fw->ref, SEV_CALL_TIO_STATUS, 0, code);
}
EXPORT_SYMBOL_GPL(sev_tio_status);

static u64 tio_init(struct sev_fw *fw)
{
	if (fw->initialized)
		return SEV_INVALID_PLATFORM_STATE;
	fw->initialized = true;
	return SEV_SUCCESS;
}

/**
 * sev_tio_init() - TIO_INIT
 * @fw: the model
 *
 * Return: SEV_INVALID_PLATFORM_STATE (done before) or success, until power off.
 * Context: any.
 */
u64 sev_tio_init(struct sev_fw *fw)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_INIT, 0,
			 tio_begin(&fw->ref, SEV_CALL_TIO_INIT) ?: tio_init(fw));
}
EXPORT_SYMBOL_GPL(sev_tio_init);

struct sf_dev *sf_dev_find(struct sev_fw *fw, u64 pa)
{
	struct sf_ctx *ctx = sf_ctx_find(fw, pa, SF_CTX_DEV);
	struct sf_dev *dev;

	if (!ctx)
		return NULL;
	dev = container_of(ctx, struct sf_dev, ctx);
	fw->ref.seen = sf_talk_open(dev) ? "request pending" :
		       state_name[dev->state];
	return dev;
}

/* the device of context @pa, with no loop open */
u64 sf_dev_idle(struct sev_fw *fw, u64 pa, struct sf_dev **dev)
{
	u64 status = sf_ready(fw);

	if (status)
		return status;
	*dev = sf_dev_find(fw, pa);
	if (!*dev)
		return SEV_INVALID_DEV_CTX;
	return sf_talk_open(*dev) ? SEV_IN_USE : SEV_SUCCESS;
}

u32 sf_dev_bound(const struct sf_dev *dev)
{
	struct sf_tdi *tdi;
	u32 bound = 0;

	list_for_each_entry(tdi, &dev->tdis, list)
		bound += !!tdi->guest;
	return bound;
}

static bool is_known(struct sev_fw *fw, const struct sev_tio_dev_id *id)
{
	struct sf_dev *dev;

	list_for_each_entry(dev, &fw->devs, list)
		if (dev->id.segment == id->segment &&
		    dev->id.device_id == id->device_id)
			return true;
	return false;
}

static u64 dev_create(struct sev_fw *fw, u64 pa, const struct sev_tio_dev_id *id,
		      struct sf_dev *new)
{
	u64 status = sf_ready(fw);

	if (status)
		return status;
	if (!new)
		return SEV_RESOURCE_LIMIT;
	/* inferred: one device, one context */
	if (is_known(fw, id))
		return SEV_RECLAIM_REQUIRED;
	status = sf_ctx_claim(fw, &new->ctx, pa, SF_CTX_DEV);
	if (status)
		return status;
	new->id = *id;
	new->state = SEV_DEV_CREATED;
	INIT_LIST_HEAD(&new->tdis);
	list_add_tail(&new->list, &fw->devs);
	return SEV_SUCCESS;
}

/**
 * sev_tio_dev_create() - DEV_CREATE
 * @fw: the model
 * @dev: a page, firmware's until DEV_RECLAIM
 * @id: of the device; it has no context yet
 *
 * Return: SEV_INVALID_PLATFORM_STATE, SEV_RECLAIM_REQUIRED (the device or the page has
 * a context), SEV_INVALID_PARAM, SEV_INVALID_PAGE_STATE, SEV_RESOURCE_LIMIT, or
 * success: CREATED.
 * Context: process, may sleep.
 */
u64 sev_tio_dev_create(struct sev_fw *fw, u64 dev, const struct sev_tio_dev_id *id)
{
	struct sf_dev *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = tio_begin(&fw->ref, SEV_CALL_TIO_DEV_CREATE) ?:
		 dev_create(fw, dev, id, new);
	if (!status)
		retain_and_null_ptr(new);
	return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_CREATE, dev, status);
}
EXPORT_SYMBOL_GPL(sev_tio_dev_create);

static u64 dev_reclaim(struct sev_fw *fw, u64 pa, struct sf_dev **old)
{
	struct sf_dev *dev;
	u64 status = sf_dev_idle(fw, pa, &dev);

	if (status)
		return status;
	if (dev->state != SEV_DEV_CREATED)
		return SEV_INVALID_DEV_STATE;
	if (!list_empty(&dev->tdis))
		return SEV_IN_USE;
	list_del(&dev->list);
	sf_ctx_release(fw, &dev->ctx);
	*old = dev;
	return SEV_SUCCESS;
}

/**
 * sev_tio_dev_reclaim() - DEV_RECLAIM
 * @fw: the model
 * @dev: CREATED, no TDI contexts
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_INVALID_DEV_STATE, SEV_IN_USE, or success: the page
 * is the host's.
 * Context: process, may sleep.
 */
u64 sev_tio_dev_reclaim(struct sev_fw *fw, u64 dev)
{
	struct sf_dev *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_RECLAIM, dev,
			 tio_begin(&fw->ref, SEV_CALL_TIO_DEV_RECLAIM) ?:
			 dev_reclaim(fw, dev, &old));
}
EXPORT_SYMBOL_GPL(sev_tio_dev_reclaim);

static u64 dev_status(struct sev_fw *fw, u64 pa, struct sev_tio_dev_status *status)
{
	struct sf_dev *dev;
	u64 code = sf_ready(fw);

	if (code)
		return code;
	dev = sf_dev_find(fw, pa);
	if (!dev)
		return SEV_INVALID_DEV_CTX;
	*status = (struct sev_tio_dev_status) {
		.state = dev->state,
		.request_pending = sf_talk_open(dev),
		.device_id = dev->id.device_id,
		.segment = dev->id.segment,
		.tc_mask = dev->how.tc_mask,
		.tdi_count = list_count_nodes(&dev->tdis),
		.bound_tdi_count = sf_dev_bound(dev),
	};
	memcpy(status->ide_stream_id, dev->how.ide_stream_id,
	       sizeof(status->ide_stream_id));
	memcpy(status->certs_digest, dev->digest, sizeof(status->certs_digest));
	return SEV_SUCCESS;
}

/**
 * sev_tio_dev_status() - DEV_STATUS
 * @fw: the model
 * @dev: the device, its loop open or not
 * @status: filled
 *
 * Return: SEV_INVALID_PLATFORM_STATE, SEV_INVALID_DEV_CTX or success.
 * Context: any.
 */
u64 sev_tio_dev_status(struct sev_fw *fw, u64 dev,
		       struct sev_tio_dev_status *status)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_STATUS, dev,
			 tio_begin(&fw->ref, SEV_CALL_TIO_DEV_STATUS) ?:
			 dev_status(fw, dev, status));
}
EXPORT_SYMBOL_GPL(sev_tio_dev_status);
