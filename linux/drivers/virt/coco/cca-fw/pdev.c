// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical devices: from the certificate chain to READY, and back. A root port has
 * no mailbox: its operations end without a message.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "rmm.h"

#define CERT_PORTION		1024	/* asked for at a time */

static const char * const state_name[] = {
	[RMI_PDEV_NEW]		= "NEW",
	[RMI_PDEV_NEEDS_KEY]	= "NEEDS_KEY",
	[RMI_PDEV_HAS_KEY]	= "HAS_KEY",
	[RMI_PDEV_READY]	= "READY",
	[RMI_PDEV_STOPPED]	= "STOPPED",
	[RMI_PDEV_ERROR]	= "ERROR",
};

struct rmm_pdev *rmm_pdev_find(struct cca_rmm *rmm, u64 pa)
{
	struct rmm_use *use = rmm_use_find(rmm, pa, RMM_USE_PDEV);
	struct rmm_pdev *pdev;

	if (!use)
		return NULL;
	pdev = container_of(use, struct rmm_pdev, use);
	rmm->ref.seen = state_name[pdev->state];
	return pdev;
}

/* no operation is pending */
bool rmm_pdev_idle(struct cca_rmm *rmm, const struct rmm_pdev *pdev)
{
	lockdep_assert_held(&rmm->lock);
	if (pdev->talk.op == RMM_OP_NONE)
		return true;
	rmm->ref.seen = "not idle";
	return false;
}

static bool is_rid_taken(struct cca_rmm *rmm, u16 rid)
{
	struct rmm_pdev *pdev;

	list_for_each_entry(pdev, &rmm->pdevs, list)
		if (pdev->params.rid == rid)
			return true;
	return false;
}

static u64 pdev_create(struct cca_rmm *rmm, u64 pa,
		       const struct rmi_pdev_params *params,
		       struct rmm_pdev **pdev)
{
	struct rmm_pdev *new = *pdev;

	if (!params->root_port && params->rid_base > params->rid_top)
		return RMI_ERROR_INPUT;
	/* inferred: a device is there once */
	if (is_rid_taken(rmm, params->rid))
		return RMI_ERROR_INPUT;
	if (!new)
		return RMI_BUSY;
	if (rmm_claim(rmm, &new->use, pa, RMM_USE_PDEV))
		return RMI_ERROR_INPUT;
	new->params = *params;
	new->state = RMI_PDEV_NEW;
	rmm_talk_begin(&new->talk, RMM_OP_CERTS);
	list_add(&new->list, &rmm->pdevs);
	*pdev = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_create() - tell the RMM of a physical device
 * @rmm: the model
 * @pdev: granule for it
 * @params: what it is
 *
 * Return: RMI_ERROR_INPUT: no granule to give, or @params are wrong; RMI_BUSY; or
 * success: NEW, and its certificate chain is to be fetched.
 * Context: process, may sleep.
 */
u64 rmi_pdev_create(struct cca_rmm *rmm, u64 pdev,
		    const struct rmi_pdev_params *params)
{
	struct rmm_pdev *new __free(kfree) = kzalloc_obj(*new);

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_CREATE, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_CREATE) ?:
			 pdev_create(rmm, pdev, params, &new));
}
EXPORT_SYMBOL_GPL(rmi_pdev_create);

/* the device, or who carries its messages, failed */
static u64 fail(struct cca_rmm *rmm, struct rmm_pdev *pdev)
{
	pdev->talk.op = RMM_OP_NONE;
	pdev->state = RMI_PDEV_ERROR;
	return tio_refuse_as(&rmm->ref, TIO_BLAME_DEVICE, RMI_ERROR_DEVICE);
}

static u64 finish(struct rmm_pdev *pdev)
{
	switch (pdev->talk.op) {
	case RMM_OP_CERTS:
		sha384_final(&pdev->talk.sha, pdev->certs_digest);
		pdev->state = pdev->params.root_port ? RMI_PDEV_READY :
						       RMI_PDEV_NEEDS_KEY;
		break;
	case RMM_OP_SESSION:
		pdev->state = RMI_PDEV_READY;
		break;
	case RMM_OP_STOP:
		pdev->state = RMI_PDEV_STOPPED;
		break;
	default:
		break;
	}
	pdev->talk.op = RMM_OP_NONE;
	return RMI_SUCCESS;
}

/* the key is the last bytes of the chain, and nobody knows yet which are */
static void keep_tail(struct rmm_pdev *pdev, const u8 *bytes, u32 len)
{
	u32 take = min_t(u32, len, CCA_PUBKEY_SIZE);
	u32 keep = min_t(u32, pdev->tail_len, CCA_PUBKEY_SIZE - take);

	memmove(pdev->tail, pdev->tail + pdev->tail_len - keep, keep);
	memcpy(pdev->tail + keep, bytes + len - take, take);
	pdev->tail_len = keep + take;
}

static u64 ask_certs(struct rmm_pdev *pdev, struct rmi_comm *comm)
{
	rmm_talk_send(&pdev->talk, comm, SPDM_GET_CERTIFICATE,
		      tio_certs_build(comm->req, pdev->talk.offset,
				      CERT_PORTION));
	return RMI_SUCCESS;
}

static u64 take_certs(struct cca_rmm *rmm, struct rmm_pdev *pdev,
		      struct rmi_comm *comm)
{
	u16 portion, remainder;
	const u8 *bytes;

	if (comm->status == RMI_COMM_ERROR || comm->rsp_len > CCA_RSP_MAX ||
	    tio_certs_parse(comm->rsp, comm->rsp_len, &portion, &remainder,
			    &bytes))
		return fail(rmm, pdev);
	if (portion > CERT_PORTION ||
	    pdev->talk.offset + portion + remainder > CCA_CERTS_MAX)
		return fail(rmm, pdev);
	keep_tail(pdev, bytes, portion);
	rmm_talk_cache(&pdev->talk, comm, RMI_CACHE_CERTS, bytes, portion);
	if (remainder)
		return ask_certs(pdev, comm);
	return pdev->tail_len == CCA_PUBKEY_SIZE ? finish(pdev) :
						   fail(rmm, pdev);
}

static u64 pdev_communicate(struct cca_rmm *rmm, u64 pa, struct rmi_comm *comm)
{
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pa);
	u64 status;

	if (!pdev)
		return RMI_ERROR_INPUT;
	status = rmm_talk_check(rmm, &pdev->talk, comm);
	if (status)
		return status;
	if (pdev->talk.active)
		return take_certs(rmm, pdev, comm);
	/* IDE_KM and the end of the session are not on the wire */
	if (pdev->talk.op == RMM_OP_CERTS && !pdev->params.root_port)
		return ask_certs(pdev, comm);
	return finish(pdev);
}

/**
 * rmi_pdev_communicate() - carry on what is pending for a device
 * @rmm: the model
 * @pdev: the device
 * @comm: see struct rmi_comm
 *
 * Return: RMI_ERROR_INPUT: unknown, or @comm is no answer to what was sent;
 * RMI_ERROR_DEVICE: nothing is pending, or the device failed, which ends the
 * operation in ERROR; or success: go on while RMI_COMM_SEND is set.
 * Context: any.
 */
u64 rmi_pdev_communicate(struct cca_rmm *rmm, u64 pdev, struct rmi_comm *comm)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_COMMUNICATE, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_COMMUNICATE) ?:
			 pdev_communicate(rmm, pdev, comm));
}
EXPORT_SYMBOL_GPL(rmi_pdev_communicate);

static u64 pdev_set_pubkey(struct cca_rmm *rmm, u64 pa, const u8 *key, size_t len)
{
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pa);

	if (!pdev)
		return RMI_ERROR_INPUT;
	if (pdev->state != RMI_PDEV_NEEDS_KEY || !rmm_pdev_idle(rmm, pdev))
		return RMI_ERROR_DEVICE;
	if (len != CCA_PUBKEY_SIZE || memcmp(key, pdev->tail, len)) {
		rmm->ref.seen = "other key";
		return RMI_ERROR_DEVICE;
	}
	pdev->state = RMI_PDEV_HAS_KEY;
	rmm_talk_begin(&pdev->talk, RMM_OP_SESSION);
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_set_pubkey() - tell the key that the host took from the chain
 * @rmm: the model
 * @pdev: NEEDS_KEY
 * @key: the last bytes of the chain
 * @len: CCA_PUBKEY_SIZE
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_DEVICE: not NEEDS_KEY, or another key; or
 * success: HAS_KEY, and the session is to be set up.
 * Context: any.
 */
u64 rmi_pdev_set_pubkey(struct cca_rmm *rmm, u64 pdev, const u8 *key, size_t len)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_SET_PUBKEY, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_SET_PUBKEY) ?:
			 pdev_set_pubkey(rmm, pdev, key, len));
}
EXPORT_SYMBOL_GPL(rmi_pdev_set_pubkey);

static u64 pdev_get_state(struct cca_rmm *rmm, u64 pa, enum rmi_pdev_state *state)
{
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pa);

	if (!pdev)
		return RMI_ERROR_INPUT;
	*state = pdev->state;
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_get_state() - where a device is
 * @rmm: the model
 * @pdev: the device
 * @state: filled
 *
 * Return: RMI_ERROR_INPUT or success.
 * Context: any.
 */
u64 rmi_pdev_get_state(struct cca_rmm *rmm, u64 pdev, enum rmi_pdev_state *state)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_GET_STATE, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_GET_STATE) ?:
			 pdev_get_state(rmm, pdev, state));
}
EXPORT_SYMBOL_GPL(rmi_pdev_get_state);

static u64 pdev_abort(struct cca_rmm *rmm, u64 pa)
{
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pa);

	if (!pdev)
		return RMI_ERROR_INPUT;
	if (rmm_pdev_idle(rmm, pdev))
		return RMI_ERROR_DEVICE;
	pdev->talk.op = RMM_OP_NONE;
	pdev->state = RMI_PDEV_ERROR;
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_abort() - give up what is pending for a device
 * @rmm: the model
 * @pdev: the device
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_DEVICE: nothing is; or success: ERROR.
 * Context: any.
 */
u64 rmi_pdev_abort(struct cca_rmm *rmm, u64 pdev)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_ABORT, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_ABORT) ?:
			 pdev_abort(rmm, pdev));
}
EXPORT_SYMBOL_GPL(rmi_pdev_abort);

static u64 pdev_stop(struct cca_rmm *rmm, u64 pa)
{
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pa);

	if (!pdev)
		return RMI_ERROR_INPUT;
	if (!rmm_pdev_idle(rmm, pdev))
		return RMI_ERROR_DEVICE;
	if (pdev->streams || pdev->vdevs) {
		rmm->ref.seen = pdev->streams ? "has streams" : "has vdevs";
		return RMI_ERROR_DEVICE;
	}
	rmm_talk_begin(&pdev->talk, RMM_OP_STOP);
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_stop() - end the session with a device
 * @rmm: the model
 * @pdev: the device, in any state
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_DEVICE: not idle, streams or vdevs are left;
 * or success: it is STOPPED after rmi_pdev_communicate().
 * Context: any.
 */
u64 rmi_pdev_stop(struct cca_rmm *rmm, u64 pdev)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_STOP, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_STOP) ?:
			 pdev_stop(rmm, pdev));
}
EXPORT_SYMBOL_GPL(rmi_pdev_stop);

static u64 pdev_destroy(struct cca_rmm *rmm, u64 pa, struct rmm_pdev **gone)
{
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pa);

	if (!pdev)
		return RMI_ERROR_INPUT;
	if (pdev->state != RMI_PDEV_STOPPED || pdev->talk.op != RMM_OP_NONE)
		return RMI_ERROR_DEVICE;
	list_del(&pdev->list);
	rmm_use_del(rmm, &pdev->use);
	*gone = pdev;
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_destroy() - forget a device
 * @rmm: the model
 * @pdev: STOPPED
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_DEVICE; or success: DELEGATED again.
 * Context: process, may sleep.
 */
u64 rmi_pdev_destroy(struct cca_rmm *rmm, u64 pdev)
{
	struct rmm_pdev *gone __free(kfree) = NULL;

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_DESTROY, pdev,
			 tio_begin(&rmm->ref, RMI_PDEV_DESTROY) ?:
			 pdev_destroy(rmm, pdev, &gone));
}
EXPORT_SYMBOL_GPL(rmi_pdev_destroy);
