// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory in a realm's stage 2. A call checks all the leaves that it is going
 * to do and then does them, so that a refused one has nothing to roll back.
 */
#include <linux/align.h>
#include <linux/export.h>

#include "rmm.h"

static struct cca_leaf *next_leaf(struct cca_leaf *leaf)
{
	struct rb_node *rb = rb_next(&leaf->r.rb);

	return rb ? rb_entry(rb, struct cca_leaf, r.rb) : NULL;
}

/* what of [@ipa, @top) one call does, in leaves of @size */
static u64 portion(u64 ipa, u64 top, u64 size)
{
	return min(top, ipa + CCA_YIELD_LEAVES * size);
}

/* the operands of map() name leaves of one level, in one table */
static bool is_dev_span(u64 ipa, u64 top, u64 pa, unsigned int level)
{
	u64 size;

	if (level < RMM_ROOT_LEVEL || level > RMM_LAST_LEVEL)
		return false;
	size = rmm_span(level);
	return ipa < top && top <= BIT_ULL(CCA_IPA_BITS) &&
	       IS_ALIGNED(ipa | top | pa, size) && pa + (top - ipa) > pa &&
	       (level == RMM_ROOT_LEVEL ||
		ipa / (size * 512) == (top - 1) / (size * 512));
}

/* room in [@ipa, @end) for leaves of @level: RIPAS DESTROYED is no obstacle */
static u64 check_free(struct cca_rmm *rmm, struct rmm_realm *realm, u64 ipa,
		      u64 end, unsigned int level)
{
	struct cca_leaf *leaf = rmm_leaf_first(realm, ipa, end);

	for (; leaf && leaf->r.base < end; leaf = next_leaf(leaf))
		if (leaf->state != RMM_DESTROYED) {
			rmm->ref.seen = "taken";
			return RMI_RTT_STATUS(level);
		}
	if (level < RMM_LAST_LEVEL &&
	    rmm_range_first(&realm->rtts[level + 1], ipa, end)) {
		rmm->ref.seen = "table";
		return RMI_RTT_STATUS(level);
	}
	return RMI_SUCCESS;
}

/* one leaf of @list into the stage 2; what was DESTROYED there goes to @gone */
static void map_leaf(struct cca_rmm *rmm, struct rmm_realm *realm,
		     struct rmm_rtt *rtt, u64 ipa, u64 pa, unsigned int level,
		     struct cca_leaf **list, struct cca_leaf **gone)
{
	struct cca_leaf *old = rmm_leaf_first(realm, ipa, ipa + rmm_span(level));
	struct cca_leaf *leaf = *list;

	*list = leaf->next;
	if (old) {
		rb_erase(&old->r.rb, &realm->leaves);
		rtt->dead--;
		old->next = *gone;
		*gone = old;
	}
	leaf->r.base = ipa;
	leaf->r.top = ipa + rmm_span(level);
	leaf->level = level;
	leaf->state = RMM_DEV_NEW;
	rmm_range_add(&realm->leaves, &leaf->r);
	rmm_use_add(rmm, &leaf->use, pa, pa + rmm_span(level), RMM_USE_DEV);
	rtt->live++;
}

static u64 check_dev(struct cca_rmm *rmm, const struct rmm_realm *realm, u64 pa,
		     u64 base, u64 top)
{
	struct rmm_vdev *vdev = rmm_vdev_find(rmm, pa);

	if (!vdev || vdev->realm != realm || !rmm_vdev_has(vdev, base, top))
		return RMI_ERROR_INPUT;
	if (!rmm_is_delegated(rmm, base, top, CCA_MEM_DEV)) {
		rmm->ref.seen = rmm_mapped(rmm, base, top) ? "MAPPED" : "NS";
		return RMI_ERROR_INPUT;
	}
	return RMI_SUCCESS;
}

struct dev_map {
	u64 rd;
	u64 vdev;
	u64 ipa;
	u64 top;
	u64 pa;
	unsigned int level;
	u64 end;			/* of this call's portion */
};

static u64 dev_map(struct cca_rmm *rmm, const struct dev_map *map, u64 *done,
		   struct cca_leaf **list, struct cca_leaf **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, map->rd);
	u64 size, status, ipa;
	struct rmm_rtt *rtt;

	if (!realm || !is_dev_span(map->ipa, map->top, map->pa, map->level))
		return RMI_ERROR_INPUT;
	/* inferred: firmware's text does not say whether this comes first */
	if (!rmm_realm_alive(rmm, realm))
		return RMI_ERROR_REALM;
	status = check_dev(rmm, realm, map->vdev, map->pa,
			   map->pa + (map->end - map->ipa)) ?:
		 rmm_walk_to(rmm, realm, map->ipa, map->level, &rtt) ?:
		 check_free(rmm, realm, map->ipa, map->end, map->level);
	if (status)
		return status;
	if (!*list)
		return RMI_BUSY;
	size = rmm_span(map->level);
	for (ipa = map->ipa; ipa < map->end; ipa += size)
		map_leaf(rmm, realm, rtt, ipa, map->pa + (ipa - map->ipa),
			 map->level, list, gone);
	*done = map->end;
	return map->end < map->top ? RMI_INCOMPLETE : RMI_SUCCESS;
}

/* memory for @nr leaves, or NULL */
static struct cca_leaf *leaves_alloc(unsigned int nr)
{
	struct cca_leaf *list = NULL;

	while (nr--) {
		struct cca_leaf *leaf = cca_leaf_alloc(GFP_KERNEL);

		if (!leaf) {
			rmm_leaves_free(list);
			return NULL;
		}
		leaf->next = list;
		list = leaf;
	}
	return list;
}

/**
 * rmi_rtt_dev_map() - put device memory into a realm's stage 2
 * @rmm: the model
 * @rd: the realm, NEW or ACTIVE
 * @vdev: a vdev of it, in any state
 * @ipa: first address, aligned to a leaf
 * @top: one past the last; the same table serves all of it
 * @pa: DELEGATED device memory in ranges of @vdev
 * @level: of the leaves: 1, 2, 3
 * @done: filled with how far it came
 *
 * The realm does not see it before it was validated. The range, and each part of
 * it that a call does, is mapped whole or not at all.
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_REALM, RMI_ERROR_RTT with a level (a table is
 * missing: normal; or something else is there), RMI_BUSY, RMI_INCOMPLETE: go on at
 * *@done, or success.
 * Context: process, may sleep.
 */
u64 rmi_rtt_dev_map(struct cca_rmm *rmm, u64 rd, u64 vdev, u64 ipa, u64 top,
		    u64 pa, unsigned int level, u64 *done)
{
	struct dev_map map = { rd, vdev, ipa, top, pa, level, ipa };
	struct cca_leaf *list = NULL, *gone = NULL;
	u64 status;

	*done = ipa;
	if (is_dev_span(ipa, top, pa, level)) {
		map.end = portion(ipa, top, rmm_span(level));
		list = leaves_alloc((map.end - ipa) / rmm_span(level));
	}
	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_RTT_DEV_MAP, ipa,
				   tio_begin(&rmm->ref, RMI_RTT_DEV_MAP) ?:
				   dev_map(rmm, &map, done, &list, &gone));
	rmm_leaves_free(list);
	rmm_leaves_free(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_rtt_dev_map);

static bool is_dev_leaf(const struct cca_leaf *leaf)
{
	return leaf && (leaf->state == RMM_DEV_NEW || leaf->state == RMM_DEV);
}

/* the leaf of device memory that starts at @ipa and ends by @top, or RTT */
static u64 dev_leaf_at(struct cca_rmm *rmm, struct rmm_realm *realm, u64 ipa,
		       u64 top, struct cca_leaf **leaf)
{
	unsigned int reached;

	*leaf = rmm_leaf_first(realm, ipa, ipa + CCA_GRANULE);
	if (is_dev_leaf(*leaf) && (*leaf)->r.base == ipa && (*leaf)->r.top <= top)
		return RMI_SUCCESS;
	rmm->ref.seen = is_dev_leaf(*leaf) ? "part of a leaf" : "not mapped";
	rmm_walk(realm, ipa, RMM_LAST_LEVEL, &reached);
	return RMI_RTT_STATUS(reached);
}

/* @leaf shows what the realm asked for at its place */
static u64 check_asked(struct cca_rmm *rmm, const struct rmm_rec *rec,
		       const struct cca_leaf *leaf)
{
	if (leaf->state != RMM_DEV_NEW) {
		rmm->ref.seen = "DEV";
		return RMI_RTT_STATUS(leaf->level);
	}
	if (leaf->use.r.base != rec->map.pa + (leaf->r.base - rec->map.ipa)) {
		rmm->ref.seen = "other PA";
		return RMI_ERROR_INPUT;
	}
	return RMI_SUCCESS;
}

/*
 * The vdev is still what the realm attested when it asked. Inferred: the RMM keeps
 * the vdev locked or looks again.
 */
static u64 check_vdev(struct cca_rmm *rmm, const struct rmm_rec *rec)
{
	struct rmm_vdev *vdev = rmm_vdev_by_id(rmm, rec->realm,
					       rec->map.vdev_id);

	if (vdev && rmm_vdev_attested(vdev) &&
	    vdev->nonces.lock == rec->lock_nonce)
		return RMI_SUCCESS;
	if (vdev && vdev->state == RMI_VDEV_ERROR)
		tio_refuse_as(&rmm->ref, TIO_BLAME_DEVICE, RMI_ERROR_INPUT);
	return RMI_ERROR_INPUT;
}

static u64 dev_validate(struct cca_rmm *rmm, u64 rd, u64 pa, u64 ipa, u64 top,
			u64 *done)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct rmm_rec *rec = rmm_rec_find(rmm, pa);
	struct cca_leaf *leaf;
	u64 status, end = ipa;

	if (!realm || !rec || rec->realm != realm || !rmm_is_span(ipa, top))
		return RMI_ERROR_INPUT;
	if (rec->stage != RMM_WANTS_MAP || ipa != rec->done ||
	    top > rec->map.top) {
		rmm->ref.seen = rec->stage == RMM_WANTS_MAP ? "other range" :
							      "nothing pending";
		return RMI_ERROR_INPUT;
	}
	status = check_vdev(rmm, rec);
	for (int i = 0; !status && end < top && i < CCA_YIELD_LEAVES; i++) {
		status = dev_leaf_at(rmm, realm, end, top, &leaf) ?:
			 check_asked(rmm, rec, leaf);
		end = leaf ? leaf->r.top : end;
	}
	if (status)
		return status;
	for (leaf = rmm_leaf_first(realm, ipa, end); leaf && leaf->r.base < end;
	     leaf = next_leaf(leaf))
		leaf->state = RMM_DEV;
	*done = end;
	rec->done = end;
	return end < top ? RMI_INCOMPLETE : RMI_SUCCESS;
}

/**
 * rmi_rtt_dev_validate() - let a realm see the device memory that it asked for
 * @rmm: the model
 * @rd: the realm
 * @rec: its REC, which has left with VDEV_MAP
 * @ipa: where that mapping starts, or where the last call stopped
 * @top: one past the last address that the host agrees to
 * @done: filled with how far it came
 *
 * Return: RMI_ERROR_INPUT: nothing is pending, another range, the vdev is not what
 * it was, or a leaf shows another address than the realm asked for; RMI_ERROR_RTT
 * with a level: a leaf is not mapped, not whole in the range, or was validated
 * before; RMI_INCOMPLETE: go on at *@done; or success: RIPAS DEV.
 * Context: any.
 */
u64 rmi_rtt_dev_validate(struct cca_rmm *rmm, u64 rd, u64 rec, u64 ipa, u64 top,
			 u64 *done)
{
	*done = ipa;
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_RTT_DEV_VALIDATE, ipa,
			 tio_begin(&rmm->ref, RMI_RTT_DEV_VALIDATE) ?:
			 dev_validate(rmm, rd, rec, ipa, top, done));
}
EXPORT_SYMBOL_GPL(rmi_rtt_dev_validate);

/* granule DELEGATED; RIPAS DEV becomes DESTROYED, which the realm can tell */
static void unmap_leaf(struct cca_rmm *rmm, struct rmm_realm *realm,
		       struct cca_leaf *leaf, struct cca_leaf **gone)
{
	unsigned int reached;
	struct rmm_rtt *rtt = rmm_walk(realm, leaf->r.base, leaf->level, &reached);

	rmm_use_del(rmm, &leaf->use);
	rtt->live--;
	if (leaf->state == RMM_DEV) {
		leaf->state = RMM_DESTROYED;
		rtt->dead++;
		return;
	}
	rb_erase(&leaf->r.rb, &realm->leaves);
	leaf->next = *gone;
	*gone = leaf;
}

static u64 dev_unmap(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 top, u64 *done,
		     struct cca_leaf **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct cca_leaf *leaf, *next;
	u64 status, end = ipa;

	if (!realm || !rmm_is_span(ipa, top))
		return RMI_ERROR_INPUT;
	for (int i = 0; end < top && i < CCA_YIELD_LEAVES; i++) {
		status = dev_leaf_at(rmm, realm, end, top, &leaf);
		if (status)
			return status;
		end = leaf->r.top;
	}
	for (leaf = rmm_leaf_first(realm, ipa, end); leaf && leaf->r.base < end;
	     leaf = next) {
		next = next_leaf(leaf);
		unmap_leaf(rmm, realm, leaf, gone);
	}
	*done = end;
	return end < top ? RMI_INCOMPLETE : RMI_SUCCESS;
}

/**
 * rmi_rtt_dev_unmap() - take device memory out of a realm's stage 2
 * @rmm: the model
 * @rd: the realm, in any state; so may be the vdev
 * @ipa: start of a leaf
 * @top: end of a leaf; all between is device memory, in leaves of any size
 * @done: filled with how far it came
 *
 * Nobody can reach it through the stage 2 when the call returns.
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_RTT with a level: something else is there, or
 * nothing; RMI_INCOMPLETE: go on at *@done; or success: DELEGATED.
 * Context: any.
 */
u64 rmi_rtt_dev_unmap(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 top, u64 *done)
{
	struct cca_leaf *gone = NULL;
	u64 status;

	*done = ipa;
	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_RTT_DEV_UNMAP, ipa,
				   tio_begin(&rmm->ref, RMI_RTT_DEV_UNMAP) ?:
				   dev_unmap(rmm, rd, ipa, top, done, &gone));
	rmm_leaves_free(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_rtt_dev_unmap);
