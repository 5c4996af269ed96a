// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device interfaces of realms: their life. Operations are begun here; what they say
 * to the device is in vdev_talk.c.
 */
#include <linux/export.h>

#include "rmm.h"

static const char * const state_name[] = {
	[RMI_VDEV_NEW]		= "NEW",
	[RMI_VDEV_UNLOCKED]	= "UNLOCKED",
	[RMI_VDEV_LOCKED]	= "LOCKED",
	[RMI_VDEV_STARTED]	= "STARTED",
	[RMI_VDEV_ERROR]	= "ERROR",
};

struct rmm_vdev *rmm_vdev_find(struct cca_rmm *rmm, u64 pa)
{
	struct rmm_use *use = rmm_use_find(rmm, pa, RMM_USE_VDEV);
	struct rmm_vdev *vdev;

	if (!use)
		return NULL;
	vdev = container_of(use, struct rmm_vdev, use);
	rmm->ref.seen = state_name[vdev->state];
	return vdev;
}

/* the realm's name for it */
struct rmm_vdev *rmm_vdev_by_id(struct cca_rmm *rmm,
				const struct rmm_realm *realm, u64 vdev_id)
{
	struct rmm_vdev *vdev;

	lockdep_assert_held(&rmm->lock);
	list_for_each_entry(vdev, &rmm->vdevs, list)
		if (vdev->realm == realm && vdev->params.vdev_id == vdev_id)
			return vdev;
	return NULL;
}

/* all of [@base, @top) lies in one range of @vdev */
bool rmm_vdev_has(const struct rmm_vdev *vdev, u64 base, u64 top)
{
	for (unsigned int i = 0; i < vdev->params.nr_ranges; i++) {
		const struct rmi_range *range = &vdev->params.range[i];

		if (base >= range->base && top <= range->top && base < top)
			return true;
	}
	return false;
}

struct rmm_vdev *rmm_vdev_of_pa(struct cca_rmm *rmm, u64 pa)
{
	struct rmm_vdev *vdev;

	lockdep_assert_held(&rmm->lock);
	list_for_each_entry(vdev, &rmm->vdevs, list)
		if (rmm_vdev_has(vdev, pa, pa + CCA_GRANULE))
			return vdev;
	return NULL;
}

/* LOCKED or STARTED, and nobody is unlocking it */
bool rmm_vdev_attested(const struct rmm_vdev *vdev)
{
	return (vdev->state == RMI_VDEV_LOCKED ||
		vdev->state == RMI_VDEV_STARTED) &&
	       vdev->talk.op != RMM_OP_UNLOCK;
}

/* the vdev @pa of this realm and this pdev */
u64 rmm_vdev_own(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa,
		 struct rmm_vdev **vdev)
{
	if (!rmm_realm_find(rmm, rd) || !rmm_pdev_find(rmm, pdev))
		return RMI_ERROR_INPUT;
	*vdev = rmm_vdev_find(rmm, pa);
	if (!*vdev)
		return RMI_ERROR_INPUT;
	if ((*vdev)->realm->use.r.base != rd || (*vdev)->pdev->use.r.base != pdev) {
		rmm->ref.seen = "another's";
		return RMI_ERROR_DEVICE;
	}
	return RMI_SUCCESS;
}

/* @a and @b are not the same range, and have something in common */
static bool overlap(const struct rmi_range *a, const struct rmi_range *b)
{
	return a != b && a->base < b->top && b->base < a->top;
}

static bool is_in_ranges(const struct rmi_vdev_params *params,
			 const struct rmi_range *range)
{
	for (unsigned int i = 0; i < params->nr_ranges; i++)
		if (overlap(&params->range[i], range))
			return true;
	return false;
}

/* inferred: a granule, a function and a name belong to one vdev at most */
static bool is_free_for(struct cca_rmm *rmm, const struct rmm_realm *realm,
			const struct rmi_vdev_params *params)
{
	struct rmm_vdev *vdev;

	list_for_each_entry(vdev, &rmm->vdevs, list) {
		if (vdev->params.tdi_id == params->tdi_id ||
		    (vdev->realm == realm &&
		     vdev->params.vdev_id == params->vdev_id))
			return false;
		for (unsigned int i = 0; i < params->nr_ranges; i++)
			if (is_in_ranges(&vdev->params, &params->range[i]))
				return false;
	}
	return true;
}

static bool are_good(const struct rmm_pdev *pdev,
		     const struct rmi_vdev_params *params)
{
	if (params->tdi_id < pdev->params.rid_base ||
	    params->tdi_id > pdev->params.rid_top)
		return false;
	for (unsigned int i = 0; i < params->nr_ranges; i++) {
		const struct rmi_range *range = &params->range[i];

		if (!rmm_is_span(range->base, range->top) ||
		    is_in_ranges(params, range))
			return false;
	}
	return true;
}

/* a pdev that can have one more vdev */
static bool has_room(struct cca_rmm *rmm, const struct rmm_pdev *pdev)
{
	if (pdev->state != RMI_PDEV_READY)
		return false;
	if (!pdev->stream || pdev->stream->state != RMM_CONNECTED) {
		rmm->ref.seen = "no stream";
		return false;
	}
	if (pdev->vdevs >= CCA_MAX_VDEVS) {
		rmm->ref.seen = "full";
		return false;
	}
	return true;
}

static u64 vdev_create(struct cca_rmm *rmm, u64 rd, u64 pdev_pa, u64 pa,
		       const struct rmi_vdev_params *params,
		       struct rmm_vdev **vdev)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct rmm_pdev *pdev = rmm_pdev_find(rmm, pdev_pa);
	struct rmm_vdev *new = *vdev;

	if (!realm || !pdev || params->nr_ranges > CCA_MAX_RANGES)
		return RMI_ERROR_INPUT;
	if (!realm->da || !rmm_realm_alive(rmm, realm))
		return RMI_ERROR_REALM;
	if (!has_room(rmm, pdev))
		return RMI_ERROR_DEVICE;
	if (!are_good(pdev, params) || !is_free_for(rmm, realm, params)) {
		rmm->ref.seen = "taken";
		return RMI_ERROR_INPUT;
	}
	if (!new)
		return RMI_BUSY;
	if (rmm_claim(rmm, &new->use, pa, RMM_USE_VDEV))
		return RMI_ERROR_INPUT;
	new->realm = realm;
	new->pdev = pdev;
	new->params = *params;
	new->state = RMI_VDEV_NEW;
	new->told = TDISP_CONFIG_UNLOCKED;
	new->ste = RMM_STE_PREPARED;
	rmm_talk_begin(&new->talk, RMM_OP_UNLOCK);
	list_add(&new->list, &rmm->vdevs);
	realm->vdevs++;
	pdev->vdevs++;
	*vdev = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_vdev_create() - give a device interface to a realm
 * @rmm: the model
 * @rd: the realm, with device assignment, NEW or ACTIVE
 * @pdev: READY, its stream CONNECTED
 * @vdev: granule for it
 * @params: what it is
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_REALM, RMI_ERROR_DEVICE, RMI_BUSY, or success:
 * NEW, to be unlocked by rmi_vdev_communicate().
 * Context: process, may sleep.
 */
u64 rmi_vdev_create(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev,
		    const struct rmi_vdev_params *params)
{
	struct rmm_vdev *new __free(kfree) = kzalloc_obj(*new);

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_VDEV_CREATE, vdev,
			 tio_begin(&rmm->ref, RMI_VDEV_CREATE) ?:
			 vdev_create(rmm, rd, pdev, vdev, params, &new));
}
EXPORT_SYMBOL_GPL(rmi_vdev_create);

static u64 vdev_communicate(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa,
			    struct rmi_comm *comm)
{
	struct rmm_vdev *vdev;

	return rmm_vdev_own(rmm, rd, pdev, pa, &vdev) ?:
	       rmm_talk_check(rmm, &vdev->talk, comm) ?:
	       rmm_vdev_talk(rmm, vdev, comm);
}

/**
 * rmi_vdev_communicate() - carry on what is pending for a vdev
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: the vdev
 * @comm: see struct rmi_comm
 *
 * Return: RMI_ERROR_INPUT: unknown, or @comm is no answer to what was sent;
 * RMI_ERROR_DEVICE: nothing is pending, or the device failed, which ends the
 * operation in ERROR; or success: go on while RMI_COMM_SEND is set.
 * Context: any.
 */
u64 rmi_vdev_communicate(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev,
			 struct rmi_comm *comm)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_VDEV_COMMUNICATE, vdev,
			 tio_begin(&rmm->ref, RMI_VDEV_COMMUNICATE) ?:
			 vdev_communicate(rmm, rd, pdev, vdev, comm));
}
EXPORT_SYMBOL_GPL(rmi_vdev_communicate);

static u64 vdev_get_state(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa,
			  enum rmi_vdev_state *state)
{
	struct rmm_vdev *vdev;
	u64 status = rmm_vdev_own(rmm, rd, pdev, pa, &vdev);

	if (!status)
		*state = vdev->state;
	return status;
}

/**
 * rmi_vdev_get_state() - where a vdev is
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: the vdev
 * @state: filled
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, or success.
 * Context: any.
 */
u64 rmi_vdev_get_state(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev,
		       enum rmi_vdev_state *state)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_VDEV_GET_STATE, vdev,
			 tio_begin(&rmm->ref, RMI_VDEV_GET_STATE) ?:
			 vdev_get_state(rmm, rd, pdev, vdev, state));
}
EXPORT_SYMBOL_GPL(rmi_vdev_get_state);

static bool is_idle(struct cca_rmm *rmm, const struct rmm_vdev *vdev)
{
	if (vdev->talk.op == RMM_OP_NONE)
		return true;
	rmm->ref.seen = "not idle";
	return false;
}

/* operation @op may begin in this state, if the vdev is idle */
static bool may_begin(const struct rmm_vdev *vdev, enum rmm_op op)
{
	switch (op) {
	case RMM_OP_LOCK:
		return vdev->state == RMI_VDEV_UNLOCKED;
	case RMM_OP_START:
		return vdev->state == RMI_VDEV_LOCKED;
	default:
		return rmm_vdev_attested(vdev);
	}
}

static u64 begin(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa, enum rmm_op op)
{
	struct rmm_vdev *vdev;
	u64 status = rmm_vdev_own(rmm, rd, pdev, pa, &vdev);

	if (status)
		return status;
	if (!may_begin(vdev, op) || !is_idle(rmm, vdev))
		return RMI_ERROR_DEVICE;
	rmm_talk_begin(&vdev->talk, op);
	return RMI_SUCCESS;
}

static u64 begin_op(struct cca_rmm *rmm, u32 nr, u64 rd, u64 pdev, u64 vdev,
		    enum rmm_op op)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, nr, vdev, tio_begin(&rmm->ref, nr) ?:
			 begin(rmm, rd, pdev, vdev, op));
}

/**
 * rmi_vdev_lock() - lock a vdev
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: UNLOCKED, idle
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, or success: rmi_vdev_communicate()
 * makes it LOCKED.
 * Context: any.
 */
u64 rmi_vdev_lock(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev)
{
	return begin_op(rmm, RMI_VDEV_LOCK, rd, pdev, vdev, RMM_OP_LOCK);
}
EXPORT_SYMBOL_GPL(rmi_vdev_lock);

/**
 * rmi_vdev_start() - start a vdev
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: LOCKED, idle
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, or success: rmi_vdev_communicate()
 * makes it STARTED.
 * Context: any.
 */
u64 rmi_vdev_start(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev)
{
	return begin_op(rmm, RMI_VDEV_START, rd, pdev, vdev, RMM_OP_START);
}
EXPORT_SYMBOL_GPL(rmi_vdev_start);

/**
 * rmi_vdev_get_interface_report() - read a vdev's interface report
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: LOCKED or STARTED, idle
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, or success: rmi_vdev_communicate()
 * caches it, and the report nonce is another one then.
 * Context: any.
 */
u64 rmi_vdev_get_interface_report(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev)
{
	return begin_op(rmm, RMI_VDEV_GET_INTERFACE_REPORT, rd, pdev, vdev,
			RMM_OP_REPORT);
}
EXPORT_SYMBOL_GPL(rmi_vdev_get_interface_report);

/**
 * rmi_vdev_get_measurements() - read the measurements of a vdev's device
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: LOCKED or STARTED, idle
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, or success: rmi_vdev_communicate()
 * caches them. A device that has none leaves the vdev as it is.
 * Context: any.
 */
u64 rmi_vdev_get_measurements(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev)
{
	return begin_op(rmm, RMI_VDEV_GET_MEASUREMENTS, rd, pdev, vdev,
			RMM_OP_MEASURE);
}
EXPORT_SYMBOL_GPL(rmi_vdev_get_measurements);

/* no granule of its ranges may be MAPPED; *pa: one that is */
static u64 check_unmapped(struct cca_rmm *rmm, const struct rmm_vdev *vdev, u64 *pa)
{
	for (unsigned int i = 0; i < vdev->params.nr_ranges; i++) {
		const struct rmi_range *range = &vdev->params.range[i];
		struct rmm_use *use = rmm_mapped(rmm, range->base, range->top);

		if (use) {
			*pa = max(use->r.base, range->base);
			rmm->ref.seen = "MAPPED";
			return RMI_ERROR_GRANULE;
		}
	}
	return RMI_SUCCESS;
}

static u64 vdev_unlock(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa, u64 *granule)
{
	struct rmm_vdev *vdev;
	u64 status = rmm_vdev_own(rmm, rd, pdev, pa, &vdev);

	if (status)
		return status;
	if (vdev->state != RMI_VDEV_LOCKED && vdev->state != RMI_VDEV_STARTED &&
	    vdev->state != RMI_VDEV_ERROR)
		return RMI_ERROR_DEVICE;
	if (!is_idle(rmm, vdev))
		return RMI_ERROR_DEVICE;
	status = check_unmapped(rmm, vdev, granule);
	if (status)
		return status;
	vdev->ste = RMM_STE_DISABLED;
	rmm_talk_begin(&vdev->talk, RMM_OP_UNLOCK);
	return RMI_SUCCESS;
}

/**
 * rmi_vdev_unlock() - take a vdev from its realm
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: LOCKED, STARTED or ERROR; idle; nothing of it mapped
 * @pa: filled with a granule that is MAPPED, if that is what is in the way
 *
 * Trusted DMA is off, and what was in flight is over, when the call returns.
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, RMI_ERROR_GRANULE, or success:
 * rmi_vdev_communicate() makes it UNLOCKED.
 * Context: process, may sleep.
 */
u64 rmi_vdev_unlock(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev, u64 *pa)
{
	u16 rid = 0;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock) {
		status = tio_judge(&rmm->ref, RMI_VDEV_UNLOCK, vdev,
				   tio_begin(&rmm->ref, RMI_VDEV_UNLOCK) ?:
				   vdev_unlock(rmm, rd, pdev, vdev, pa));
		if (!status)
			rid = rmm_vdev_find(rmm, vdev)->params.tdi_id;
	}
	if (!status && rmm->platform)
		rmm->platform->invalidate(rmm->priv, rid);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_vdev_unlock);

static u64 vdev_abort(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa)
{
	struct rmm_vdev *vdev;
	u64 status = rmm_vdev_own(rmm, rd, pdev, pa, &vdev);

	if (status)
		return status;
	if (is_idle(rmm, vdev))
		return RMI_ERROR_DEVICE;
	vdev->talk.op = RMM_OP_NONE;
	vdev->state = RMI_VDEV_ERROR;
	return RMI_SUCCESS;
}

/**
 * rmi_vdev_abort() - give up what is pending for a vdev
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: the vdev
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_DEVICE: nothing is; or success: ERROR.
 * Context: any.
 */
u64 rmi_vdev_abort(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_VDEV_ABORT, vdev,
			 tio_begin(&rmm->ref, RMI_VDEV_ABORT) ?:
			 vdev_abort(rmm, rd, pdev, vdev));
}
EXPORT_SYMBOL_GPL(rmi_vdev_abort);

/*
 * NEW has its first operation pending and may go with it, but not while a message
 * is with the host. Inferred: an UNLOCKED one must be idle.
 */
static bool may_destroy(const struct rmm_vdev *vdev)
{
	switch (vdev->state) {
	case RMI_VDEV_NEW:
		return !vdev->talk.active;
	case RMI_VDEV_UNLOCKED:
		return vdev->talk.op == RMM_OP_NONE;
	default:
		return false;
	}
}

static u64 vdev_destroy(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 pa,
			struct rmm_vdev **gone)
{
	struct rmm_vdev *vdev;
	u64 status = rmm_vdev_own(rmm, rd, pdev, pa, &vdev);

	if (status)
		return status;
	if (!may_destroy(vdev))
		return RMI_ERROR_DEVICE;
	list_del(&vdev->list);
	vdev->realm->vdevs--;
	vdev->pdev->vdevs--;
	rmm_use_del(rmm, &vdev->use);
	*gone = vdev;
	return RMI_SUCCESS;
}

/**
 * rmi_vdev_destroy() - forget a vdev
 * @rmm: the model
 * @rd: its realm
 * @pdev: its pdev
 * @vdev: NEW or UNLOCKED
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, or success: DELEGATED again.
 * Context: process, may sleep.
 */
u64 rmi_vdev_destroy(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev)
{
	struct rmm_vdev *gone __free(kfree) = NULL;

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_VDEV_DESTROY, vdev,
			 tio_begin(&rmm->ref, RMI_VDEV_DESTROY) ?:
			 vdev_destroy(rmm, rd, pdev, vdev, &gone));
}
EXPORT_SYMBOL_GPL(rmi_vdev_destroy);
