// SPDX-License-Identifier: GPL-2.0-only
/*
 * A realm's calls about its VDEVs. On hardware a realm makes them itself; here they
 * are begun in its name. Each leaves to the host, which does its part and enters the
 * REC again, until the realm has its answer.
 *
 * A realm has one REC and so one call at a time, whichever of its TDIs it is about.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>

#include "cca-tsm.h"

/* more exits than any call has */
#define CCA_EXITS_MAX		8

static int enter(struct cca_realm *realm, u64 flags, struct rsi_result *result,
		 struct rmi_rec_exit *exit)
{
	struct cca_tsm *tsm = realm->tsm;
	u64 status;
	int rc = 0;

	/* a refusal may be passing, and leaves the call half-way */
	for (int i = 0; i < CCA_TRIES; i++) {
		status = cca_retry(rmi_rec_enter(tsm->rmm, realm->rec, flags,
						 result, exit));
		rc = cca_check(tsm, RMI_REC_ENTER, status);
		if (!rc)
			break;
	}
	return rc;
}

/*
 * A call that firmware would not end when it was made: the host does no part of it,
 * so that the realm is told no, and can make another one.
 */
static int end_pending(struct cca_realm *realm)
{
	struct rmi_rec_exit exit = {};
	struct rsi_result result;
	int rc = 0;

	for (int i = 0; realm->pending && !rc && i < CCA_EXITS_MAX; i++) {
		rc = enter(realm, RMI_ENTER_REJECT, &result, &exit);
		realm->pending = rc || exit.reason != CCA_EXIT_NONE;
	}
	return realm->pending ? -EIO : 0;
}

static int name_vdev(struct cca_mmio *mmio, const struct rmi_rec_exit *exit)
{
	struct cca_tsm *tsm = mmio->realm->tsm;
	u64 status;

	if (WARN_ON(exit->vdev_id != mmio->params.vdev_id))
		return -EIO;
	status = cca_retry(rmi_vdev_complete(tsm->rmm, mmio->realm->rec,
					     mmio->vdev));
	return cca_check(tsm, RMI_VDEV_COMPLETE, status);
}

/* What was mapped for a request that failed is the host's again, as far as it goes */
static void unmap_asked(struct cca_mmio *mmio, const struct rmi_rec_exit *exit)
{
	u64 pa_top = exit->pa + (exit->top - exit->ipa);

	if (!cca_mmio_unmap(mmio, exit->pa, pa_top))
		cca_mmio_give_back(mmio, exit->pa, pa_top);
}

/* The host's part of VALIDATE_MAPPING: all of it, or nothing */
static int map_asked(struct cca_mmio *mmio, const struct cca_validate *validate,
		     const struct rmi_rec_exit *exit)
{
	int rc;

	/* firmware repeats what the realm asked for */
	if (WARN_ON(exit->ipa != validate->map.ipa ||
		    exit->top != validate->map.top ||
		    exit->pa != validate->map.pa))
		return -EIO;
	rc = validate->allow(validate->ctx, exit->ipa, exit->top, exit->pa);
	if (rc)
		return rc;
	rc = cca_mmio_map(mmio, exit->ipa, exit->top, exit->pa);
	if (rc == -EBUSY || rc == -EEXIST)
		return rc;
	if (!rc)
		rc = cca_mmio_validate(mmio, exit->ipa, exit->top, exit->pa);
	if (rc)
		unmap_asked(mmio, exit);
	return rc;
}

/* What one exit asks of the host, in *@ret what was in the way; then on */
static int answer(struct cca_mmio *mmio, const struct cca_validate *validate,
		  struct rmi_rec_exit *exit, struct rsi_result *result, int *ret)
{
	const struct rmi_rec_exit asked = *exit;
	bool is_map = asked.reason == CCA_EXIT_VDEV_MAP && validate;
	int rc, did = -EIO;

	if (is_map)
		did = map_asked(mmio, validate, &asked);
	else if (asked.reason == CCA_EXIT_VDEV_REQUEST)
		did = name_vdev(mmio, &asked);
	*ret = *ret ?: did;

	rc = enter(mmio->realm, asked.reason == CCA_EXIT_VDEV_MAP && did ?
		   RMI_ENTER_REJECT : 0, result, exit);
	/* the realm will not be told that it has the mapping */
	if (rc && is_map && !did)
		unmap_asked(mmio, &asked);
	return rc;
}

/*
 * Do the host's part of the call that has just left with @exit, and fill @result
 * with what the realm gets. Return: 0; what was in the way of the host's part; or
 * that firmware does not end the call.
 */
static int run(struct cca_mmio *mmio, const struct cca_validate *validate,
	       struct rmi_rec_exit *exit, struct rsi_result *result)
{
	struct cca_realm *realm = mmio->realm;
	int rc = 0, ret = 0;

	realm->pending = true;
	for (int i = 0; !rc && i < CCA_EXITS_MAX; i++) {
		if (exit->reason == CCA_EXIT_NONE) {
			realm->pending = false;
			return ret;
		}
		rc = answer(mmio, validate, exit, result, &ret);
	}
	result->status = RSI_ERROR_UNKNOWN;
	return rc ?: -EIO;
}

/* Did the realm's call leave to the host? If not, it has its answer at once */
static bool has_left(struct rsi_result *result, u64 status)
{
	*result = (struct rsi_result) { .status = status };
	return status == RSI_SUCCESS;
}

/**
 * cca_rec_info() - the realm's GET_INFO
 * @mmio: the VDEV
 * @result: filled with what the realm gets; status UNKNOWN if there is nothing
 *
 * Context: process, under pci_tsm_pf0::lock.
 * Return: 0: the realm has its answer, which may be a refusal; -EIO, -ENOMEM: the
 * host could not do its part.
 */
int cca_rec_info(struct cca_mmio *mmio, struct rsi_result *result)
{
	struct cca_realm *realm = mmio->realm;
	struct rmi_rec_exit exit;
	u64 status;
	int rc;

	result->status = RSI_ERROR_UNKNOWN;
	guard(mutex)(&realm->rec_lock);
	rc = end_pending(realm);
	if (rc)
		return rc;
	status = rsi_vdev_get_info(realm->tsm->rmm, realm->rec,
				   mmio->params.vdev_id, &exit);
	return has_left(result, status) ? run(mmio, NULL, &exit, result) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_rec_info);

/**
 * cca_rec_dma() - the realm's DMA_ENABLE or DMA_DISABLE
 * @mmio: the VDEV
 * @nonces: of what the realm attested; NULL: disable
 * @result: as in cca_rec_info()
 *
 * Context, Return: as cca_rec_info().
 */
int cca_rec_dma(struct cca_mmio *mmio, const struct rsi_vdev_nonces *nonces,
		struct rsi_result *result)
{
	struct cca_realm *realm = mmio->realm;
	u64 vdev_id = mmio->params.vdev_id, status;
	struct cca_rmm *rmm = realm->tsm->rmm;
	struct rmi_rec_exit exit;
	int rc;

	result->status = RSI_ERROR_UNKNOWN;
	guard(mutex)(&realm->rec_lock);
	rc = end_pending(realm);
	if (rc)
		return rc;
	status = nonces ? rsi_vdev_dma_enable(rmm, realm->rec, vdev_id, nonces,
					      &exit) :
			  rsi_vdev_dma_disable(rmm, realm->rec, vdev_id, &exit);
	return has_left(result, status) ? run(mmio, NULL, &exit, result) : 0;
}

/**
 * cca_rec_validate() - the realm's VALIDATE_MAPPING, with the host's part of it
 * @mmio: the VDEV
 * @validate: what the realm asks for, and who may forbid it; the range is of
 *	      granules and not empty
 * @result: as in cca_rec_info(); a mapping that the host rejects is INCOMPLETE for
 *	    the realm
 *
 * Context: process, under pci_tsm_pf0::lock.
 *
 * Return: as cca_rec_info(), or what the @allow of @validate says, or -EBUSY or
 * -EEXIST of cca_mmio_map(): the realm has been told no then, and nothing has
 * changed. After another errno its stage 2 may have had a part of the mapping for a
 * moment, and the caller has KVM's tables to think of.
 */
int cca_rec_validate(struct cca_mmio *mmio, const struct cca_validate *validate,
		     struct rsi_result *result)
{
	struct cca_realm *realm = mmio->realm;
	struct rmi_rec_exit exit;
	u64 status;
	int rc;

	result->status = RSI_ERROR_UNKNOWN;
	guard(mutex)(&realm->rec_lock);
	rc = end_pending(realm);
	if (rc)
		return rc;
	status = rsi_vdev_validate_mapping(realm->tsm->rmm, realm->rec,
					   &validate->map, &exit);
	return has_left(result, status) ? run(mmio, validate, &exit, result) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_rec_validate);
