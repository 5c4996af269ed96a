// SPDX-License-Identifier: GPL-2.0-only
/* The life of a realm and of its REC. What a realm calls is in rsi.c. */
#include <linux/export.h>

#include "rmm.h"

static const char * const state_name[] = {
	[RMM_REALM_NEW]		= "NEW",
	[RMM_REALM_ACTIVE]	= "ACTIVE",
	[RMM_REALM_ZOMBIE]	= "ZOMBIE",
};

struct rmm_realm *rmm_realm_find(struct cca_rmm *rmm, u64 rd)
{
	struct rmm_use *use = rmm_use_find(rmm, rd, RMM_USE_RD);
	struct rmm_realm *realm;

	if (!use)
		return NULL;
	realm = container_of(use, struct rmm_realm, use);
	rmm->ref.seen = state_name[realm->state];
	return realm;
}

struct rmm_rec *rmm_rec_find(struct cca_rmm *rmm, u64 rec)
{
	struct rmm_use *use = rmm_use_find(rmm, rec, RMM_USE_REC);

	return use ? container_of(use, struct rmm_rec, use) : NULL;
}

/* NEW or ACTIVE: something may still be added */
bool rmm_realm_alive(struct cca_rmm *rmm, const struct rmm_realm *realm)
{
	lockdep_assert_held(&rmm->lock);
	rmm->ref.seen = state_name[realm->state];
	return realm->state != RMM_REALM_ZOMBIE;
}

static u64 realm_create(struct cca_rmm *rmm, u64 rd, u64 rtt_root, u64 flags,
			struct rmm_realm **realm)
{
	struct rmm_realm *new = *realm;

	if (flags & ~RMI_REALM_DA)
		return RMI_ERROR_INPUT;
	if (!new)
		return RMI_BUSY;
	if (rmm_claim(rmm, &new->use, rd, RMM_USE_RD))
		return RMI_ERROR_INPUT;
	if (rmm_claim(rmm, &new->root.use, rtt_root, RMM_USE_ROOT)) {
		rmm_use_del(rmm, &new->use);
		return RMI_ERROR_INPUT;
	}
	new->da = flags & RMI_REALM_DA;
	*realm = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_realm_create() - make a realm
 * @rmm: the model
 * @rd: granule for the realm
 * @rtt_root: granule for the root table of its stage 2
 * @flags: RMI_REALM_DA
 *
 * Return: RMI_ERROR_INPUT: unknown flags, or a granule is not DELEGATED memory;
 * RMI_BUSY; or success: NEW.
 * Context: process, may sleep.
 */
u64 rmi_realm_create(struct cca_rmm *rmm, u64 rd, u64 rtt_root, u64 flags)
{
	struct rmm_realm *realm __free(kfree) = kzalloc_obj(*realm);

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_REALM_CREATE, rd,
			 tio_begin(&rmm->ref, RMI_REALM_CREATE) ?:
			 realm_create(rmm, rd, rtt_root, flags, &realm));
}
EXPORT_SYMBOL_GPL(rmi_realm_create);

static u64 realm_activate(struct cca_rmm *rmm, u64 rd)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);

	if (!realm)
		return RMI_ERROR_INPUT;
	if (realm->state != RMM_REALM_NEW)
		return RMI_ERROR_REALM;
	realm->state = RMM_REALM_ACTIVE;
	return RMI_SUCCESS;
}

/**
 * rmi_realm_activate() - a realm is built and may run
 * @rmm: the model
 * @rd: the realm
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REALM: not NEW; or success: ACTIVE.
 * Context: any.
 */
u64 rmi_realm_activate(struct cca_rmm *rmm, u64 rd)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_REALM_ACTIVATE, rd,
			 tio_begin(&rmm->ref, RMI_REALM_ACTIVATE) ?:
			 realm_activate(rmm, rd));
}
EXPORT_SYMBOL_GPL(rmi_realm_activate);

static u64 realm_terminate(struct cca_rmm *rmm, u64 rd)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);

	if (!realm)
		return RMI_ERROR_INPUT;
	if (realm->rec && realm->rec->running) {
		rmm->ref.seen = "REC running";
		return RMI_ERROR_REALM;
	}
	realm->state = RMM_REALM_ZOMBIE;
	return RMI_SUCCESS;
}

/**
 * rmi_realm_terminate() - a realm will not run again
 * @rmm: the model
 * @rd: the realm
 *
 * Legal before its vdevs and its stage 2 are taken down.
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REALM: its REC runs; or success: ZOMBIE.
 * Context: any.
 */
u64 rmi_realm_terminate(struct cca_rmm *rmm, u64 rd)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_REALM_TERMINATE, rd,
			 tio_begin(&rmm->ref, RMI_REALM_TERMINATE) ?:
			 realm_terminate(rmm, rd));
}
EXPORT_SYMBOL_GPL(rmi_realm_terminate);

static bool has_tables(const struct rmm_realm *realm)
{
	for (int level = 0; level <= RMM_LAST_LEVEL; level++)
		if (!RB_EMPTY_ROOT(&realm->rtts[level]))
			return true;
	return false;
}

/* what keeps a realm, for people, or NULL */
static const char *holds(const struct rmm_realm *realm)
{
	if (realm->state != RMM_REALM_ZOMBIE)
		return state_name[realm->state];
	if (realm->rec)
		return "has a REC";
	if (has_tables(realm) || realm->root.live)
		return "stage 2 not empty";
	return realm->vdevs ? "has vdevs" : NULL;
}

static u64 realm_destroy(struct cca_rmm *rmm, u64 rd, struct rmm_realm **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	const char *why;

	if (!realm)
		return RMI_ERROR_INPUT;
	why = holds(realm);
	if (why) {
		rmm->ref.seen = why;
		return RMI_ERROR_REALM;
	}
	rmm_use_del(rmm, &realm->root.use);
	rmm_use_del(rmm, &realm->use);
	*gone = realm;
	return RMI_SUCCESS;
}

/**
 * rmi_realm_destroy() - the end of a realm
 * @rmm: the model
 * @rd: the realm
 *
 * Checked in this order: ZOMBIE, no REC, stage 2 empty, no vdev.
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REALM; or success: its two granules are
 * DELEGATED again.
 * Context: process, may sleep.
 */
u64 rmi_realm_destroy(struct cca_rmm *rmm, u64 rd)
{
	struct rmm_realm *gone = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_REALM_DESTROY, rd,
				   tio_begin(&rmm->ref, RMI_REALM_DESTROY) ?:
				   realm_destroy(rmm, rd, &gone));
	if (gone)
		rmm_stage2_free(gone);
	kfree(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_realm_destroy);

static u64 rec_create(struct cca_rmm *rmm, u64 rd, u64 pa, struct rmm_rec **rec)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct rmm_rec *new = *rec;

	if (!realm)
		return RMI_ERROR_INPUT;
	if (realm->state != RMM_REALM_NEW)
		return RMI_ERROR_REALM;
	/* of the model, not of the RMM: one is enough to make a realm's calls */
	if (realm->rec)
		return RMI_ERROR_INPUT;
	if (!new)
		return RMI_BUSY;
	if (rmm_claim(rmm, &new->use, pa, RMM_USE_REC))
		return RMI_ERROR_INPUT;
	new->realm = realm;
	realm->rec = new;
	*rec = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_rec_create() - make a realm's REC
 * @rmm: the model
 * @rd: the realm
 * @rec: granule for it
 *
 * Return: RMI_ERROR_INPUT: also if there is one; RMI_ERROR_REALM: not NEW;
 * RMI_BUSY; or success.
 * Context: process, may sleep.
 */
u64 rmi_rec_create(struct cca_rmm *rmm, u64 rd, u64 rec)
{
	struct rmm_rec *new __free(kfree) = kzalloc_obj(*new);

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_REC_CREATE, rec,
			 tio_begin(&rmm->ref, RMI_REC_CREATE) ?:
			 rec_create(rmm, rd, rec, &new));
}
EXPORT_SYMBOL_GPL(rmi_rec_create);

static u64 rec_destroy(struct cca_rmm *rmm, u64 pa, struct rmm_rec **gone)
{
	struct rmm_rec *rec = rmm_rec_find(rmm, pa);

	if (!rec)
		return RMI_ERROR_INPUT;
	if (rec->running) {
		rmm->ref.seen = "REC running";
		return RMI_ERROR_REC;
	}
	rec->realm->rec = NULL;
	rmm_use_del(rmm, &rec->use);
	*gone = rec;
	return RMI_SUCCESS;
}

/**
 * rmi_rec_destroy() - the end of a REC, with the call that may be pending in it
 * @rmm: the model
 * @rec: the REC
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REC: it runs; or success: DELEGATED again.
 * Context: process, may sleep.
 */
u64 rmi_rec_destroy(struct cca_rmm *rmm, u64 rec)
{
	struct rmm_rec *gone __free(kfree) = NULL;

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_REC_DESTROY, rec,
			 tio_begin(&rmm->ref, RMI_REC_DESTROY) ?:
			 rec_destroy(rmm, rec, &gone));
}
EXPORT_SYMBOL_GPL(rmi_rec_destroy);

/**
 * cca_rmm_rec_set_running() - fault switch: a vCPU is in the realm
 * @rmm: the model
 * @rec: the REC
 * @running: it is in; false: it came out
 *
 * Return: 0; -ENOENT: no such REC.
 * Context: any, takes the model's lock.
 */
int cca_rmm_rec_set_running(struct cca_rmm *rmm, u64 rec, bool running)
{
	struct rmm_rec *found;

	guard(spinlock_irqsave)(&rmm->lock);
	found = rmm_rec_find(rmm, rec);
	if (!found)
		return -ENOENT;
	found->running = running;
	return 0;
}
EXPORT_SYMBOL_GPL(cca_rmm_rec_set_running);
