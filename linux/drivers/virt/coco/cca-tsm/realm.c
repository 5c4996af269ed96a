// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMM's view of one TVM: a realm with one REC and a stage 2, which holds the
 * private memory that trusted DMA has touched, and private MMIO. Which TVM has
 * which realm is in tvm.c.
 */
#include <kunit/visibility.h>
#include <linux/slab.h>

#include "cca-tsm.h"

static int realm_create(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;
	u64 status;
	int rc;

	rc = cca_granule_get(tsm, &realm->rd);
	if (!rc)
		rc = cca_granule_get(tsm, &realm->root);
	if (rc)
		return rc;
	status = cca_retry(rmi_realm_create(tsm->rmm, realm->rd, realm->root,
					    RMI_REALM_DA));
	rc = cca_check(tsm, RMI_REALM_CREATE, status);
	realm->created = !rc;
	return rc;
}

static int rec_create(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;
	u64 status;
	int rc;

	rc = cca_granule_get(tsm, &realm->rec);
	if (rc)
		return rc;
	status = cca_retry(rmi_rec_create(tsm->rmm, realm->rd, realm->rec));
	rc = cca_check(tsm, RMI_REC_CREATE, status);
	realm->rec_created = !rc;
	return rc;
}

/* Up to ACTIVE; half-way states are for realm_shut_down() */
static int realm_build(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;

	return realm_create(realm) ?:
	       rec_create(realm) ?:
	       cca_check(tsm, RMI_REALM_ACTIVATE,
			 cca_retry(rmi_realm_activate(tsm->rmm, realm->rd)));
}

static int realm_terminate(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;
	int rc;

	if (realm->zombie)
		return 0;
	rc = cca_check(tsm, RMI_REALM_TERMINATE,
		       cca_retry(rmi_realm_terminate(tsm->rmm, realm->rd)));
	realm->zombie = !rc;
	return rc;
}

static int rec_destroy(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;
	int rc;

	if (!realm->rec_created)
		return 0;
	rc = cca_check(tsm, RMI_REC_DESTROY,
		       cca_retry(rmi_rec_destroy(tsm->rmm, realm->rec)));
	if (!rc)
		realm->rec_created = false;
	return rc;
}

/* From whatever state; goes on where an earlier try stopped */
static int realm_shut_down(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;
	int rc;

	if (!realm->created)
		return 0;
	rc = realm_terminate(realm) ?:
	     cca_mem_remove_all(realm) ?:
	     rec_destroy(realm) ?:
	     cca_rtt_remove_all(realm) ?:
	     cca_check(tsm, RMI_REALM_DESTROY,
		       cca_retry(rmi_realm_destroy(tsm->rmm, realm->rd)));
	if (!rc)
		realm->created = false;
	return rc;
}

/**
 * cca_realm_destroy() - end a realm, from whatever half-way state, and free it
 * @realm: the realm; nobody finds it any more and it has no VDEV
 *
 * Context: process.
 *
 * Return: 0, or firmware's refusal as errno: the realm is as it was, for the caller
 * to leak.
 */
int cca_realm_destroy(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;
	int rc = 0;

	/* a refusal may be passing */
	for (int i = 0; i < CCA_TRIES; i++) {
		rc = realm_shut_down(realm);
		if (!rc)
			break;
	}
	if (rc)
		return rc;
	cca_granule_drop(tsm, &realm->rec);
	cca_granule_drop(tsm, &realm->root);
	cca_granule_drop(tsm, &realm->rd);
	xa_destroy(&realm->mem);
	for (int i = 0; i < ARRAY_SIZE(realm->tables); i++)
		xa_destroy(&realm->tables[i]);
	xa_destroy(&realm->vdev_ids);
	mutex_destroy(&realm->rtt_lock);
	mutex_destroy(&realm->rec_lock);
	kfree(realm);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_realm_destroy);

/**
 * cca_realm_create() - a realm that is ACTIVE
 * @tsm: the root complex
 *
 * Context: process. To be undone with cca_realm_destroy().
 * Return: the realm; ERR_PTR of -ENOMEM, or of firmware's refusal as errno.
 */
struct cca_realm *cca_realm_create(struct cca_tsm *tsm)
{
	struct cca_realm *realm = kzalloc_obj(*realm);
	int rc;

	if (!realm)
		return ERR_PTR(-ENOMEM);
	realm->tsm = tsm;
	xa_init(&realm->vdev_ids);
	mutex_init(&realm->rec_lock);
	mutex_init(&realm->rtt_lock);
	for (int i = 0; i < ARRAY_SIZE(realm->tables); i++)
		xa_init(&realm->tables[i]);
	spin_lock_init(&realm->lock);
	xa_init(&realm->mem);

	rc = realm_build(realm);
	if (rc) {
		if (cca_realm_destroy(realm))
			tio_leak(&tsm->base, realm, "realm");
		return ERR_PTR(rc);
	}
	return realm;
}
EXPORT_SYMBOL_IF_KUNIT(cca_realm_create);
