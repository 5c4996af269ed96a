// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of a realm's stage 2, but for the root, which holds leaves of 1 GiB. A
 * table is made when something has to go into it and stays until its realm ends, or
 * until one larger leaf shall stand in its place.
 */
#include <linux/slab.h>

#include "cca-tsm.h"

/* a table of leaves of @level serves what one leaf above it would */
static u64 span_of(unsigned int level)
{
	return cca_leaf_size(level - 1);
}

static struct xarray *tables_of(struct cca_realm *realm, unsigned int level)
{
	return &realm->tables[level - CCA_ROOT_LEVEL - 1];
}

static struct cca_rtt *find(struct cca_realm *realm, u64 ipa, unsigned int level)
{
	return xa_load(tables_of(realm, level), ipa / span_of(level));
}

/**
 * cca_rtt_has() - is there a table for leaves of a level at an address?
 * @realm: the realm
 * @ipa: guest physical address
 * @level: 2 or 3
 *
 * Context: any; a hint without cca_realm::rtt_lock.
 */
bool cca_rtt_has(struct cca_realm *realm, u64 ipa, unsigned int level)
{
	return find(realm, ipa, level);
}

/**
 * cca_rtt_count() - leaves of device memory have come or gone
 * @realm: the realm
 * @ipa: guest physical address of one of them
 * @level: of the leaves
 * @leaves: how many more
 *
 * Context: under cca_realm::rtt_lock.
 */
void cca_rtt_count(struct cca_realm *realm, u64 ipa, unsigned int level,
		   int leaves)
{
	struct cca_rtt *rtt;

	lockdep_assert_held(&realm->rtt_lock);

	if (level == CCA_ROOT_LEVEL)
		return;
	rtt = find(realm, ipa, level);
	if (!WARN_ON(!rtt))
		rtt->leaves += leaves;
}

static int table_add(struct cca_realm *realm, u64 ipa, unsigned int level)
{
	struct cca_tsm *tsm = realm->tsm;
	struct cca_rtt *rtt = kzalloc_obj(*rtt);
	unsigned long key = ipa / span_of(level);
	u64 status;
	int rc;

	if (!rtt)
		return -ENOMEM;
	rc = cca_granule_get(tsm, &rtt->granule);
	/* our own record is reserved first: it may fail for lack of memory */
	if (!rc)
		rc = xa_reserve(tables_of(realm, level), key, GFP_KERNEL);
	if (!rc) {
		status = cca_retry(rmi_rtt_create(tsm->rmm, realm->rd,
						  rtt->granule,
						  round_down(ipa, span_of(level)),
						  level));
		rc = cca_check(tsm, RMI_RTT_CREATE, status);
		if (rc)
			xa_release(tables_of(realm, level), key);
	}
	if (rc) {
		cca_granule_drop(tsm, &rtt->granule);
		kfree(rtt);
		return rc;
	}
	xa_store(tables_of(realm, level), key, rtt, GFP_KERNEL);
	return 0;
}

static int table_remove(struct cca_realm *realm, u64 ipa, unsigned int level,
			struct cca_rtt *rtt)
{
	struct cca_tsm *tsm = realm->tsm;
	u64 status, granule;
	int rc;

	status = cca_retry(rmi_rtt_destroy(tsm->rmm, realm->rd, ipa, level,
					   &granule));
	rc = cca_check(tsm, RMI_RTT_DESTROY, status);
	if (rc)
		return rc;
	WARN_ON(granule != rtt->granule);
	xa_erase(tables_of(realm, level), ipa / span_of(level));
	cca_granule_drop(tsm, &rtt->granule);
	/* cca_rtt_has() looks without a lock, but never behind the pointer */
	kfree(rtt);
	return 0;
}

/**
 * cca_rtt_get() - see to it that leaves of a level can be mapped at an address
 * @realm: the realm
 * @ipa: guest physical address
 * @level: of the leaves
 *
 * Context: process, under cca_realm::rtt_lock. The tables stay until the realm
 * ends, or cca_rtt_clear(). Return: 0; -EINVAL: no such address; -ENOMEM; or
 * firmware's refusal as errno.
 */
int cca_rtt_get(struct cca_realm *realm, u64 ipa, unsigned int level)
{
	lockdep_assert_held(&realm->rtt_lock);

	if (ipa >= BIT_ULL(CCA_IPA_BITS))
		return -EINVAL;
	for (unsigned int at = CCA_ROOT_LEVEL + 1; at <= level; at++) {
		int rc = find(realm, ipa, at) ? 0 : table_add(realm, ipa, at);

		if (rc)
			return rc;
	}
	return 0;
}

/* No private memory is in [@ipa, @end), and no leaf below @level */
static bool is_empty(struct cca_realm *realm, u64 ipa, u64 end,
		     unsigned int level)
{
	unsigned long first = PHYS_PFN(ipa), key;
	struct cca_rtt *rtt;

	if (xa_find(&realm->mem, &first, PHYS_PFN(end) - 1, XA_PRESENT))
		return false;
	while (++level <= CCA_LAST_LEVEL)
		xa_for_each_range(tables_of(realm, level), key, rtt,
				  ipa / span_of(level), (end - 1) / span_of(level))
			if (rtt->leaves)
				return false;
	return true;
}

/**
 * cca_rtt_clear() - make room for leaves where tables may be
 * @realm: the realm
 * @ipa: guest physical address of the first leaf
 * @end: one past the last
 * @level: of the leaves
 *
 * Tables below them that hold nothing any more are taken out. Private memory cannot
 * come in meanwhile: the VMM has device memory at these addresses. Context: process,
 * under cca_realm::rtt_lock.
 *
 * Return: 0; -EBUSY: something is mapped there; or firmware's refusal as errno.
 */
int cca_rtt_clear(struct cca_realm *realm, u64 ipa, u64 end, unsigned int level)
{
	unsigned long key;
	struct cca_rtt *rtt;
	int rc;

	lockdep_assert_held(&realm->rtt_lock);

	if (!is_empty(realm, ipa, end, level))
		return -EBUSY;
	for (unsigned int at = CCA_LAST_LEVEL; at > level; at--) {
		xa_for_each_range(tables_of(realm, at), key, rtt,
				  ipa / span_of(at), (end - 1) / span_of(at)) {
			rc = table_remove(realm, key * span_of(at), at, rtt);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/**
 * cca_rtt_remove_all() - take all tables of a realm out of its stage 2
 * @realm: the realm; nothing is mapped in it any more
 *
 * Context: process. Callable again after a failure.
 * Return: 0, or firmware's refusal as errno.
 */
int cca_rtt_remove_all(struct cca_realm *realm)
{
	unsigned long key;
	struct cca_rtt *rtt;
	int rc;

	guard(mutex)(&realm->rtt_lock);
	for (unsigned int at = CCA_LAST_LEVEL; at > CCA_ROOT_LEVEL; at--) {
		xa_for_each(tables_of(realm, at), key, rtt) {
			rc = table_remove(realm, key * span_of(at), at, rtt);
			if (rc)
				return rc;
			cond_resched();
		}
	}
	return 0;
}
