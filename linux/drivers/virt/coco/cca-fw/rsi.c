// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a realm calls. Each call leaves to the host, which names the vdev, and comes
 * to its end when the host enters the REC again. What is refused here is never the
 * host's mistake; that the host did not do its part shows in what the realm gets.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "rmm.h"

/* a REC that may make a call now */
static u64 find_caller(struct cca_rmm *rmm, u64 pa, struct rmm_rec **rec)
{
	*rec = rmm_rec_find(rmm, pa);
	if (!*rec)
		return RSI_ERROR_INPUT;
	/* one call at a time, and not of a realm that does not run */
	if ((*rec)->realm->state != RMM_REALM_ACTIVE ||
	    (*rec)->stage != RMM_NOTHING_PENDING)
		return RSI_ERROR_STATE;
	return RSI_SUCCESS;
}

/* the first half of each call: the host must name the vdev */
static u64 leave(struct cca_rmm *rmm, u32 nr, u64 pa, const struct rsi_map *map,
		 struct rmi_rec_exit *exit)
{
	struct rmm_rec *rec;
	u64 status = find_caller(rmm, pa, &rec);

	if (status)
		return status;
	rec->stage = RMM_WANTS_VDEV;
	rec->nr = nr;
	rec->map = *map;
	rec->completed = false;
	*exit = (struct rmi_rec_exit) {
		.reason = CCA_EXIT_VDEV_REQUEST,
		.vdev_id = map->vdev_id,
	};
	return RSI_SUCCESS;
}

static u64 call(struct cca_rmm *rmm, u32 nr, u64 rec, const struct rsi_map *map,
		struct rmi_rec_exit *exit)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, nr, map->vdev_id, tio_begin(&rmm->ref, nr) ?:
			 leave(rmm, nr, rec, map, exit));
}

/**
 * rsi_vdev_get_info() - the realm asks what a vdev is
 * @rmm: the model
 * @rec: where it asks
 * @vdev_id: its name for the vdev
 * @exit: filled if the REC left
 *
 * Return: RSI_ERROR_INPUT, RSI_ERROR_STATE, or RSI_SUCCESS: it left.
 * Context: any.
 */
u64 rsi_vdev_get_info(struct cca_rmm *rmm, u64 rec, u64 vdev_id,
		      struct rmi_rec_exit *exit)
{
	const struct rsi_map map = { .vdev_id = vdev_id };

	return call(rmm, RSI_VDEV_GET_INFO, rec, &map, exit);
}
EXPORT_SYMBOL_GPL(rsi_vdev_get_info);

/**
 * rsi_vdev_dma_enable() - the realm lets a vdev reach its memory
 * @rmm: the model
 * @rec: where it asks
 * @vdev_id: its name for the vdev
 * @nonces: of what it attested
 * @exit: filled if the REC left
 *
 * Return: RSI_ERROR_INPUT, RSI_ERROR_STATE, or RSI_SUCCESS: it left. In the end:
 * RSI_ERROR_DEVICE unless STARTED and nothing is stale; RSI_ERROR_STATE: enabled.
 * Context: any.
 */
u64 rsi_vdev_dma_enable(struct cca_rmm *rmm, u64 rec, u64 vdev_id,
			const struct rsi_vdev_nonces *nonces,
			struct rmi_rec_exit *exit)
{
	const struct rsi_map map = { .vdev_id = vdev_id, .nonces = *nonces };

	return call(rmm, RSI_VDEV_DMA_ENABLE, rec, &map, exit);
}
EXPORT_SYMBOL_GPL(rsi_vdev_dma_enable);

/**
 * rsi_vdev_dma_disable() - the realm shuts a vdev out of its memory
 * @rmm: the model
 * @rec: where it asks
 * @vdev_id: its name for the vdev
 * @exit: filled if the REC left
 *
 * Return: RSI_ERROR_INPUT, RSI_ERROR_STATE, or RSI_SUCCESS: it left. In the end:
 * RSI_ERROR_STATE: not enabled.
 * Context: any.
 */
u64 rsi_vdev_dma_disable(struct cca_rmm *rmm, u64 rec, u64 vdev_id,
			 struct rmi_rec_exit *exit)
{
	const struct rsi_map map = { .vdev_id = vdev_id };

	return call(rmm, RSI_VDEV_DMA_DISABLE, rec, &map, exit);
}
EXPORT_SYMBOL_GPL(rsi_vdev_dma_disable);

static bool is_good(const struct rsi_map *map)
{
	return !map->flags && rmm_is_span(map->ipa, map->top) &&
	       map->top <= BIT_ULL(CCA_IPA_BITS) &&
	       rmm_is_span(map->pa, map->pa + (map->top - map->ipa));
}

/**
 * rsi_vdev_validate_mapping() - the realm wants to see device memory
 * @rmm: the model
 * @rec: where it asks
 * @map: what and where
 * @exit: filled if the REC left
 *
 * Return: RSI_ERROR_INPUT, RSI_ERROR_STATE, or RSI_SUCCESS: it left. In the end:
 * RSI_ERROR_INPUT: neither LOCKED nor STARTED, or not memory of that vdev;
 * RSI_ERROR_DEVICE: a nonce is stale; RSI_INCOMPLETE: the host did not do all.
 * Context: any.
 */
u64 rsi_vdev_validate_mapping(struct cca_rmm *rmm, u64 rec,
			      const struct rsi_map *map,
			      struct rmi_rec_exit *exit)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RSI_VDEV_VALIDATE_MAPPING, map->ipa,
			 tio_begin(&rmm->ref, RSI_VDEV_VALIDATE_MAPPING) ?:
			 is_good(map) ?
			 leave(rmm, RSI_VDEV_VALIDATE_MAPPING, rec, map, exit) :
			 RSI_ERROR_INPUT);
}
EXPORT_SYMBOL_GPL(rsi_vdev_validate_mapping);

/* inferred: no table gives the codes of this one */
static u64 vdev_complete(struct cca_rmm *rmm, u64 rec_pa, u64 pa)
{
	struct rmm_rec *rec = rmm_rec_find(rmm, rec_pa);
	struct rmm_vdev *vdev = rmm_vdev_find(rmm, pa);

	if (!rec || !vdev)
		return RMI_ERROR_INPUT;
	if (rec->stage != RMM_WANTS_VDEV) {
		rmm->ref.seen = "nothing pending";
		return RMI_ERROR_INPUT;
	}
	if (vdev->realm != rec->realm ||
	    vdev->params.vdev_id != rec->map.vdev_id) {
		rmm->ref.seen = "another's";
		return RMI_ERROR_INPUT;
	}
	rec->completed = true;
	return RMI_SUCCESS;
}

/**
 * rmi_vdev_complete() - tell which vdev a realm means
 * @rmm: the model
 * @rec: a REC that left with VDEV_REQUEST
 * @vdev: the realm's vdev of that name
 *
 * Return: RMI_ERROR_INPUT, or success: enter the REC.
 * Context: any.
 */
u64 rmi_vdev_complete(struct cca_rmm *rmm, u64 rec, u64 vdev)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_VDEV_COMPLETE, vdev,
			 tio_begin(&rmm->ref, RMI_VDEV_COMPLETE) ?:
			 vdev_complete(rmm, rec, vdev));
}
EXPORT_SYMBOL_GPL(rmi_vdev_complete);

static enum rsi_vdev_state shown_state(const struct rmm_vdev *vdev)
{
	switch (vdev->state) {
	case RMI_VDEV_LOCKED:
		return RSI_VDEV_LOCKED;
	case RMI_VDEV_STARTED:
		return RSI_VDEV_STARTED;
	case RMI_VDEV_ERROR:
		return RSI_VDEV_ERROR;
	default:
		return RSI_VDEV_UNLOCKED;
	}
}

static u64 get_info(const struct rmm_vdev *vdev, struct rsi_vdev_info *info)
{
	info->state = shown_state(vdev);
	info->dma = vdev->ste == RMM_STE_ENABLED;
	info->nonces = vdev->nonces;
	memcpy(info->certs_digest, vdev->pdev->certs_digest, CCA_DIGEST_SIZE);
	memcpy(info->report_digest, vdev->report_digest, CCA_DIGEST_SIZE);
	memcpy(info->meas_digest, vdev->meas_digest, CCA_DIGEST_SIZE);
	return RSI_SUCCESS;
}

/* nothing that the realm attested has changed since */
static bool is_fresh(const struct rmm_vdev *vdev,
		     const struct rsi_vdev_nonces *nonces)
{
	return vdev->nonces.lock == nonces->lock &&
	       vdev->nonces.meas == nonces->meas &&
	       vdev->nonces.report == nonces->report;
}

static u64 dma_enable(struct rmm_vdev *vdev, const struct rsi_vdev_nonces *nonces)
{
	if (vdev->state != RMI_VDEV_STARTED || !rmm_vdev_attested(vdev) ||
	    !is_fresh(vdev, nonces))
		return RSI_ERROR_DEVICE;
	/* inferred */
	if (vdev->ste == RMM_STE_ENABLED)
		return RSI_ERROR_STATE;
	vdev->ste = RMM_STE_ENABLED;
	return RSI_SUCCESS;
}

static u64 dma_disable(struct rmm_vdev *vdev)
{
	/* inferred */
	if (vdev->ste != RMM_STE_ENABLED)
		return RSI_ERROR_STATE;
	vdev->ste = RMM_STE_DISABLED;
	return RSI_SUCCESS;
}

/* the second exit of VALIDATE_MAPPING */
static u64 ask_for_map(struct rmm_rec *rec, const struct rmm_vdev *vdev,
		       struct rmi_rec_exit *exit)
{
	const struct rsi_map *map = &rec->map;

	if (!rmm_vdev_attested(vdev))
		return RSI_ERROR_INPUT;
	if (!is_fresh(vdev, &map->nonces))
		return RSI_ERROR_DEVICE;
	/* inferred: the host could not map it anyway */
	if (!rmm_vdev_has(vdev, map->pa, map->pa + (map->top - map->ipa)))
		return RSI_ERROR_INPUT;
	rec->stage = RMM_WANTS_MAP;
	rec->lock_nonce = vdev->nonces.lock;
	rec->done = map->ipa;
	*exit = (struct rmi_rec_exit) {
		.reason = CCA_EXIT_VDEV_MAP,
		.vdev_id = map->vdev_id,
		.ipa = map->ipa,
		.top = map->top,
		.pa = map->pa,
	};
	return RSI_SUCCESS;
}

/* the host named the vdev or did not */
static u64 go_on(struct cca_rmm *rmm, struct rmm_rec *rec,
		 struct rsi_result *result, struct rmi_rec_exit *exit)
{
	struct rmm_vdev *vdev = rmm_vdev_by_id(rmm, rec->realm,
					       rec->map.vdev_id);

	if (!rec->completed || !vdev)
		return RSI_ERROR_INPUT;
	switch (rec->nr) {
	case RSI_VDEV_GET_INFO:
		return get_info(vdev, &result->info);
	case RSI_VDEV_DMA_ENABLE:
		return dma_enable(vdev, &rec->map.nonces);
	case RSI_VDEV_DMA_DISABLE:
		return dma_disable(vdev);
	default:
		return ask_for_map(rec, vdev, exit);
	}
}

static u64 rec_enter(struct cca_rmm *rmm, u64 pa, u64 flags,
		     struct rsi_result *result, struct rmi_rec_exit *exit)
{
	struct rmm_rec *rec = rmm_rec_find(rmm, pa);
	enum rmm_stage stage;

	if (!rec || flags & ~RMI_ENTER_REJECT)
		return RMI_ERROR_INPUT;
	if (rec->realm->state != RMM_REALM_ACTIVE)
		return RMI_ERROR_REALM;
	if (rec->running || rec->stage == RMM_NOTHING_PENDING) {
		rmm->ref.seen = rec->running ? "running" : "nothing pending";
		return RMI_ERROR_REC;
	}
	stage = rec->stage;
	rec->stage = RMM_NOTHING_PENDING;
	*exit = (struct rmi_rec_exit) { .reason = CCA_EXIT_NONE };
	*result = (struct rsi_result) {};
	if (stage == RMM_WANTS_VDEV) {
		result->status = go_on(rmm, rec, result, exit);
		return RMI_SUCCESS;
	}
	result->top = rec->done;
	result->rejected = flags & RMI_ENTER_REJECT;
	result->status = rec->done == rec->map.top ? RSI_SUCCESS : RSI_INCOMPLETE;
	return RMI_SUCCESS;
}

/* the function that the realm has just shut out, in *@rid */
static bool shut_out(struct cca_rmm *rmm, u64 pa, const struct rsi_result *result,
		     u16 *rid)
{
	struct rmm_rec *rec = rmm_rec_find(rmm, pa);
	struct rmm_vdev *vdev;

	if (rec->nr != RSI_VDEV_DMA_DISABLE || result->status != RSI_SUCCESS)
		return false;
	vdev = rmm_vdev_by_id(rmm, rec->realm, rec->map.vdev_id);
	*rid = vdev->params.tdi_id;
	return true;
}

/**
 * rmi_rec_enter() - go on with the realm's call
 * @rmm: the model
 * @rec: a REC that has left
 * @flags: RMI_ENTER_REJECT: the host does not map what VDEV_MAP asks for
 * @result: filled with what the realm got, if @exit says that its call is over
 * @exit: filled with why the REC left
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REALM: not ACTIVE; RMI_ERROR_REC: it runs, or
 * waits for nothing; or success.
 * Context: process, may sleep.
 */
u64 rmi_rec_enter(struct cca_rmm *rmm, u64 rec, u64 flags,
		  struct rsi_result *result, struct rmi_rec_exit *exit)
{
	bool drive = false;
	u64 status;
	u16 rid;

	scoped_guard(spinlock_irqsave, &rmm->lock) {
		status = tio_judge(&rmm->ref, RMI_REC_ENTER, rec,
				   tio_begin(&rmm->ref, RMI_REC_ENTER) ?:
				   rec_enter(rmm, rec, flags, result, exit));
		if (!status)
			drive = shut_out(rmm, rec, result, &rid);
	}
	if (drive && rmm->platform)
		rmm->platform->invalidate(rmm->priv, rid);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_rec_enter);
