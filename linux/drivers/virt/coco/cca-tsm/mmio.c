// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory of one VDEV in its realm's stage 2. The host delegates granules and
 * maps them in the largest leaves that fit; the RMM lets the realm see them when the
 * realm asked for exactly that. What was done is recorded leaf by leaf, by physical
 * address, so that the RMM is never asked what it has.
 *
 * Nothing here knows of PCI: a VDEV is its granule and the ranges that the RMM was
 * told. Everything is under pci_tsm_pf0::lock, or whatever else keeps callers apart.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/sched.h>

#include "cca-tsm.h"

/*
 * One of the RMM's calls on [@from, @top) came to @done, as it says. Return: 0: go
 * on; -EIO: firmware contradicts itself; or its refusal as errno.
 */
static int came_to(struct cca_tsm *tsm, u32 nr, u64 status, u64 from, u64 top,
		   u64 done)
{
	if (RMI_CODE(status) == RMI_INCOMPLETE)
		return done > from && done < top ? 0 : -EIO;
	if (status)
		return cca_check(tsm, nr, status);
	return done == top ? 0 : -EIO;
}

static int dev_map(struct cca_mmio *mmio, const struct cca_span *span)
{
	struct cca_realm *realm = mmio->realm;
	u64 at = 0, top = span->ipa + span->len, done, status;
	int rc;

	for (; at < span->len; at = done - span->ipa) {
		status = cca_retry(rmi_rtt_dev_map(realm->tsm->rmm, realm->rd,
						   mmio->vdev, span->ipa + at,
						   top, span->pa + at,
						   span->level, &done));
		rc = came_to(realm->tsm, RMI_RTT_DEV_MAP, status, span->ipa + at,
			     top, done);
		if (rc)
			return rc;
		cca_span_mark(mmio, span, at, done - span->ipa, CCA_LEAF_MAPPED);
		cca_rtt_count(realm, span->ipa, span->level,
			      (done - span->ipa - at) / cca_leaf_size(span->level));
	}
	return 0;
}

static int dev_validate(struct cca_mmio *mmio, const struct cca_span *span)
{
	struct cca_realm *realm = mmio->realm;
	u64 at = 0, top = span->ipa + span->len, done, status;
	int rc;

	for (; at < span->len; at = done - span->ipa) {
		status = cca_retry(rmi_rtt_dev_validate(realm->tsm->rmm,
							realm->rd, realm->rec,
							span->ipa + at, top,
							&done));
		rc = came_to(realm->tsm, RMI_RTT_DEV_VALIDATE, status,
			     span->ipa + at, top, done);
		if (rc)
			return rc;
		cca_span_mark(mmio, span, at, done - span->ipa, CCA_LEAF_VALID);
	}
	return 0;
}

static int dev_unmap(struct cca_mmio *mmio, const struct cca_span *span)
{
	struct cca_realm *realm = mmio->realm;
	u64 at = 0, top = span->ipa + span->len, done, status;
	int rc;

	for (; at < span->len; at = done - span->ipa) {
		status = cca_retry(rmi_rtt_dev_unmap(realm->tsm->rmm, realm->rd,
						     span->ipa + at, top, &done));
		rc = came_to(realm->tsm, RMI_RTT_DEV_UNMAP, status,
			     span->ipa + at, top, done);
		if (rc)
			return rc;
		cca_span_unmark(mmio, span, at, done - span->ipa);
		cca_rtt_count(realm, span->ipa, span->level,
			      -(int)((done - span->ipa - at) /
				     cca_leaf_size(span->level)));
	}
	return 0;
}

/* Records, then granules, then the stage 2; half of it is for give_back() */
static int map_span(struct cca_mmio *mmio, const struct cca_span *span)
{
	struct cca_tsm *tsm = mmio->realm->tsm;
	u64 status;
	int rc;

	rc = cca_span_add(mmio, span);
	if (rc)
		return rc;
	status = cca_retry(rmi_granule_range_delegate(tsm->rmm, span->pa,
						      span->pa + span->len,
						      CCA_MEM_DEV));
	rc = cca_check(tsm, RMI_GRANULE_RANGE_DELEGATE, status);
	if (rc) {
		cca_span_del(mmio, span, span->len);
		return rc;
	}
	return dev_map(mmio, span);
}

/* Bytes from @pa on that one range of the VDEV has; 0: none has it */
static u64 left_in_range(const struct cca_mmio *mmio, u64 pa)
{
	for (unsigned int i = 0; i < mmio->params.nr_ranges; i++) {
		const struct rmi_range *range = &mmio->params.range[i];

		if (pa >= range->base && pa < range->top)
			return range->top - pa;
	}
	return 0;
}

/* @span gets the largest leaves from @level on that fit into @len bytes */
static void choose(struct cca_span *span, unsigned int level, u64 len)
{
	u64 size, table_end;

	while (level < CCA_LAST_LEVEL &&
	       (!IS_ALIGNED(span->ipa | span->pa, cca_leaf_size(level)) ||
		len < cca_leaf_size(level)))
		level++;
	size = cca_leaf_size(level);
	table_end = cca_table_end(span->ipa, level);
	span->level = level;
	span->len = round_down(min(len, table_end - span->ipa), size);
}

/*
 * Map what one run can have of the @len bytes at @ipa, nothing of which is mapped.
 * @span tells what that is.
 */
static int map_some(struct cca_mmio *mmio, u64 ipa, u64 pa, u64 len,
		    struct cca_span *span)
{
	struct cca_realm *realm = mmio->realm;
	int rc;

	len = min(len, left_in_range(mmio, pa));
	if (!len)
		return -EACCES;
	*span = (struct cca_span) { .ipa = ipa, .pa = pa };
	choose(span, CCA_ROOT_LEVEL, len);
	rc = cca_rtt_clear(realm, ipa, ipa + span->len, span->level);
	/* smaller leaves have to do where something is in the way of a large one */
	while (rc == -EBUSY && span->level < CCA_LAST_LEVEL) {
		choose(span, span->level + 1, len);
		rc = cca_rtt_clear(realm, ipa, ipa + span->len, span->level);
	}
	if (!rc)
		rc = cca_rtt_get(realm, ipa, span->level);
	return rc ?: map_span(mmio, span);
}

/* Nothing in the range stands in the way, so that what follows can be undone whole */
static int check_range(struct cca_mmio *mmio, u64 ipa, u64 top, u64 pa)
{
	u64 have, free;
	int rc;

	for (; ipa < top; ipa += have + free, pa += have + free) {
		rc = cca_span_there(mmio, ipa, pa, top - ipa, &have, &free);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * cca_mmio_map() - see to it that device memory is in the realm's stage 2
 * @mmio: the VDEV
 * @ipa: guest physical address, granule aligned
 * @top: one past the last
 * @pa: physical address, granule aligned
 *
 * In the largest leaves that addresses, ranges and other leaves allow. What is mapped
 * already at the same address is a success. The realm does not see it yet. Context:
 * process.
 *
 * Return: 0; -EBUSY: mapped elsewhere, or in leaves that do not end where the range
 * does; -EEXIST: the realm sees a part of it already: nothing has changed then. Or
 * -EACCES: not in the VDEV's ranges; -EINVAL: no such guest address; -ENOMEM; or
 * firmware's refusal as errno: a part may be mapped, and the realm sees none of it,
 * until cca_mmio_unmap() and cca_mmio_give_back() of the range.
 */
int cca_mmio_map(struct cca_mmio *mmio, u64 ipa, u64 top, u64 pa)
{
	u64 have, free;
	struct cca_span span;
	int rc;

	/* of an earlier failure */
	rc = cca_mmio_give_back(mmio, pa, pa + (top - ipa));
	if (!rc)
		rc = check_range(mmio, ipa, top, pa);
	if (rc)
		return rc;

	guard(mutex)(&mmio->realm->rtt_lock);
	while (ipa < top) {
		cca_span_there(mmio, ipa, pa, top - ipa, &have, &free);
		if (!have) {
			rc = map_some(mmio, ipa, pa, free, &span);
			/* memory that firmware kept: not a range to ask for again */
			if (rc)
				return rc == -EBUSY ? -EIO : rc;
			have = span.len;
		}
		ipa += have;
		pa += have;
		cond_resched();
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_mmio_map);

/**
 * cca_mmio_validate() - let the realm see what it has just asked for
 * @mmio: the VDEV
 * @ipa: guest physical address of cca_mmio_map()
 * @top: one past the last
 * @pa: physical address of cca_mmio_map()
 *
 * Context: under cca_realm::rec_lock, with the realm's VALIDATE_MAPPING pending.
 * Return: 0, or firmware's refusal as errno; a part may be visible then.
 */
int cca_mmio_validate(struct cca_mmio *mmio, u64 ipa, u64 top, u64 pa)
{
	u64 pa_top = pa + (top - ipa);

	lockdep_assert_held(&mmio->realm->rec_lock);

	while (pa < pa_top) {
		struct cca_span span = { .level = CCA_ROOT_LEVEL };
		int rc;

		while (!cca_span_find(mmio, pa, pa_top, CCA_LEAF_MAPPED, &span) ||
		       span.pa != pa)
			if (WARN_ON(++span.level > CCA_LAST_LEVEL))
				return -EIO;
		rc = dev_validate(mmio, &span);
		if (rc)
			return rc;
		pa += span.len;
	}
	return 0;
}

/**
 * cca_mmio_unmap() - take device memory out of the realm's stage 2
 * @mmio: the VDEV
 * @pa: physical address
 * @pa_top: one past the last; no leaf lies across either
 *
 * The realm reaches none of it through the stage 2 when this returns 0. Context:
 * process. Allocates nothing; callable again after a failure, and then goes on where
 * it stopped.
 *
 * Return: 0, or firmware's refusal as errno.
 */
int cca_mmio_unmap(struct cca_mmio *mmio, u64 pa, u64 pa_top)
{
	struct cca_span span;

	guard(mutex)(&mmio->realm->rtt_lock);
	for (span.level = CCA_ROOT_LEVEL; span.level <= CCA_LAST_LEVEL; span.level++) {
		u64 at = pa;

		while (cca_span_find(mmio, at, pa_top, CCA_LEAF_MAPPED, &span)) {
			int rc = dev_unmap(mmio, &span);

			if (rc)
				return rc;
			at = span.pa + span.len;
			cond_resched();
		}
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_mmio_unmap);

static int give_back(struct cca_mmio *mmio, const struct cca_span *span)
{
	struct cca_tsm *tsm = mmio->realm->tsm;
	u64 status;
	int rc;

	status = cca_retry(rmi_granule_range_undelegate(tsm->rmm, span->pa,
							span->pa + span->len));
	rc = cca_check(tsm, RMI_GRANULE_RANGE_UNDELEGATE, status);
	if (!rc)
		cca_span_del(mmio, span, span->len);
	return rc;
}

/**
 * cca_mmio_give_back() - what is not mapped any more is the host's again
 * @mmio: the VDEV
 * @pa: physical address
 * @pa_top: one past the last; no leaf lies across either
 *
 * One call of the RMM for what lies side by side. Context: process. Allocates
 * nothing; callable again after a failure.
 *
 * Return: 0, or firmware's refusal as errno: some pages are still delegated.
 */
int cca_mmio_give_back(struct cca_mmio *mmio, u64 pa, u64 pa_top)
{
	struct cca_span span;

	for (span.level = CCA_ROOT_LEVEL; span.level <= CCA_LAST_LEVEL;
	     span.level++) {
		u64 at = pa;

		while (cca_span_find_idle(mmio, at, pa_top, &span)) {
			int rc = give_back(mmio, &span);

			if (rc)
				return rc;
			at = span.pa + span.len;
			cond_resched();
		}
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_mmio_give_back);
