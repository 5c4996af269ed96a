// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of a VDEV's device memory: which leaves are delegated, where the realm
 * has them, and which of them are mapped and visible. They are by physical address,
 * since that is what one leaf at most has; and the VMM, while a TDI is bound, cannot
 * change what it has put where.
 *
 * Owned as struct cca_mmio is. Nothing here asks the RMM.
 */
#include <kunit/visibility.h>

#include "cca-tsm.h"

static struct xarray *leaves_of(struct cca_mmio *mmio, unsigned int level)
{
	return &mmio->leaves[level - CCA_ROOT_LEVEL];
}

/**
 * cca_mmio_init() - a VDEV to be, with nothing mapped
 * @mmio: filled; @vdev and @params are the caller's to set
 * @realm: the realm
 */
void cca_mmio_init(struct cca_mmio *mmio, struct cca_realm *realm)
{
	mmio->realm = realm;
	for (int i = 0; i < ARRAY_SIZE(mmio->leaves); i++)
		xa_init(&mmio->leaves[i]);
}
EXPORT_SYMBOL_IF_KUNIT(cca_mmio_init);

/**
 * cca_mmio_exit() - undo cca_mmio_init()
 * @mmio: nothing of it is delegated. One that was never initialised is fine.
 */
void cca_mmio_exit(struct cca_mmio *mmio)
{
	for (int i = 0; mmio->realm && i < ARRAY_SIZE(mmio->leaves); i++)
		xa_destroy(&mmio->leaves[i]);
}
EXPORT_SYMBOL_IF_KUNIT(cca_mmio_exit);

/**
 * cca_span_find() - the first leaves side by side that have a mark
 * @mmio: the VDEV
 * @pa: physical address from which on is looked
 * @pa_top: one past the last byte; a leaf across it does not count
 * @mark: CCA_LEAF_*
 * @span: its @level says of which leaves; filled with as many as one table has
 *
 * Return: false: there is none.
 */
bool cca_span_find(struct cca_mmio *mmio, u64 pa, u64 pa_top, xa_mark_t mark,
		   struct cca_span *span)
{
	struct xarray *leaves = leaves_of(mmio, span->level);
	u64 size = cca_leaf_size(span->level);
	unsigned long index = DIV_ROUND_UP_ULL(pa, size), end = pa_top / size;
	u64 table_end;
	void *entry;

	if (index >= end)
		return false;
	entry = xa_find(leaves, &index, end - 1, mark);
	if (!entry)
		return false;
	span->pa = index * size;
	span->ipa = PFN_PHYS(xa_to_value(entry));
	span->len = size;
	table_end = cca_table_end(span->ipa, span->level);

	while (++index < end && span->ipa + span->len < table_end &&
	       xa_load(leaves, index) ==
	       xa_mk_value(PHYS_PFN(span->ipa + span->len)) &&
	       xa_get_mark(leaves, index, mark))
		span->len += size;
	return true;
}

/**
 * cca_span_find_idle() - the first leaves side by side that are not mapped
 * @mmio: as in cca_span_find(), and so are the others
 * @pa: the same
 * @pa_top: the same
 * @span: its @level says of which leaves; @ipa is not filled
 *
 * Return: false: there is none.
 */
bool cca_span_find_idle(struct cca_mmio *mmio, u64 pa, u64 pa_top,
			struct cca_span *span)
{
	struct xarray *leaves = leaves_of(mmio, span->level);
	u64 size = cca_leaf_size(span->level);
	unsigned long index = DIV_ROUND_UP_ULL(pa, size), end = pa_top / size;

	span->len = 0;
	if (index >= end)
		return false;
	for (void *entry = xa_find(leaves, &index, end - 1, XA_PRESENT); entry;
	     entry = xa_find_after(leaves, &index, end - 1, XA_PRESENT)) {
		if (span->len && span->pa + span->len != index * size)
			break;
		if (xa_get_mark(leaves, index, CCA_LEAF_MAPPED)) {
			if (span->len)
				break;
			continue;
		}
		if (!span->len)
			span->pa = index * size;
		span->len += size;
	}
	return span->len;
}

/**
 * cca_span_mark() - a part of the leaves of a span gets a mark
 * @mmio: the VDEV
 * @span: the leaves
 * @from: first byte of the part, in the span
 * @to: one past the last
 * @mark: CCA_LEAF_*
 */
void cca_span_mark(struct cca_mmio *mmio, const struct cca_span *span, u64 from,
		   u64 to, xa_mark_t mark)
{
	u64 size = cca_leaf_size(span->level);

	for (u64 at = from; at < to; at += size)
		xa_set_mark(leaves_of(mmio, span->level), (span->pa + at) / size,
			    mark);
}

/**
 * cca_span_unmark() - a part of the leaves of a span is not mapped any more
 * @mmio: as in cca_span_mark(), and so are the others
 * @span: the same
 * @from: the same
 * @to: the same
 */
void cca_span_unmark(struct cca_mmio *mmio, const struct cca_span *span,
		     u64 from, u64 to)
{
	struct xarray *leaves = leaves_of(mmio, span->level);
	u64 size = cca_leaf_size(span->level);

	for (u64 at = from; at < to; at += size) {
		xa_clear_mark(leaves, (span->pa + at) / size, CCA_LEAF_MAPPED);
		xa_clear_mark(leaves, (span->pa + at) / size, CCA_LEAF_VALID);
	}
}

/**
 * cca_span_del() - undo cca_span_add()
 * @mmio: the VDEV
 * @span: the leaves
 * @len: only so many bytes of it
 */
void cca_span_del(struct cca_mmio *mmio, const struct cca_span *span, u64 len)
{
	u64 size = cca_leaf_size(span->level);

	for (u64 at = 0; at < len; at += size)
		xa_erase(leaves_of(mmio, span->level), (span->pa + at) / size);
}

/**
 * cca_span_add() - record leaves
 * @mmio: the VDEV
 * @span: the leaves, none of which is recorded
 *
 * Context: process. Return: 0 or -ENOMEM, with nothing recorded.
 */
int cca_span_add(struct cca_mmio *mmio, const struct cca_span *span)
{
	u64 size = cca_leaf_size(span->level);

	for (u64 at = 0; at < span->len; at += size) {
		int rc = xa_insert(leaves_of(mmio, span->level),
				   (span->pa + at) / size,
				   xa_mk_value(PHYS_PFN(span->ipa + at)),
				   GFP_KERNEL);

		if (rc) {
			cca_span_del(mmio, span, at);
			return rc;
		}
	}
	return 0;
}

/**
 * cca_span_there() - what is recorded at a place?
 * @mmio: the VDEV
 * @ipa: guest physical address where it should be
 * @pa: physical address
 * @len: bytes that are of interest, not 0
 * @have: filled with the bytes of the first leaf, if it is mapped as it should be
 * @free: filled with the bytes before the first leaf
 *
 * Return: 0, one of the two is 0 and the other is not; -EBUSY: the leaf at @pa is
 * elsewhere, not whole in the range, or half-way in or out; -EEXIST: the realm sees
 * it: a realm is let see a leaf once.
 */
int cca_span_there(struct cca_mmio *mmio, u64 ipa, u64 pa, u64 len, u64 *have,
		   u64 *free)
{
	*have = 0;
	*free = len;
	for (unsigned int level = CCA_ROOT_LEVEL; level <= CCA_LAST_LEVEL; level++) {
		struct xarray *leaves = leaves_of(mmio, level);
		u64 size = cca_leaf_size(level);
		unsigned long index = pa / size;
		void *entry;

		entry = xa_find(leaves, &index, (pa + len - 1) / size, XA_PRESENT);
		if (!entry)
			continue;
		if (index * size > pa) {
			*free = min(*free, index * size - pa);
			continue;
		}
		if (index * size != pa || size > len ||
		    entry != xa_mk_value(PHYS_PFN(ipa)) ||
		    !xa_get_mark(leaves, index, CCA_LEAF_MAPPED))
			return -EBUSY;
		if (xa_get_mark(leaves, index, CCA_LEAF_VALID))
			return -EEXIST;
		*have = size;
		*free = 0;
		return 0;
	}
	return 0;
}
