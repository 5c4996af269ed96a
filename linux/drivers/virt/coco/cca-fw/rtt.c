// SPDX-License-Identifier: GPL-2.0-only
/*
 * A realm's stage 2: its tables, and private memory in it. Entries are not kept in
 * arrays: a leaf that is not UNASSIGNED and EMPTY is a node in a tree, whatever its
 * size, and a table knows how many there are in it.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/sizes.h>

#include "rmm.h"

/* bytes that one leaf of @level covers */
u64 rmm_span(unsigned int level)
{
	return (u64)CCA_GRANULE << (9 * (RMM_LAST_LEVEL - level));
}

static struct cca_leaf *to_leaf(struct rmm_range *range)
{
	return range ? container_of(range, struct cca_leaf, r) : NULL;
}

static struct rmm_rtt *rtt_at(struct rmm_realm *realm, u64 ipa,
			      unsigned int level)
{
	struct rmm_range *range = rmm_range_at(&realm->rtts[level], ipa);

	return range ? container_of(range, struct rmm_rtt, r) : NULL;
}

/* the first leaf in [@ipa, @top), or NULL */
struct cca_leaf *rmm_leaf_first(struct rmm_realm *realm, u64 ipa, u64 top)
{
	return to_leaf(rmm_range_first(&realm->leaves, ipa, top));
}

/* the deepest table at @ipa, not below @level; its level in *@reached */
struct rmm_rtt *rmm_walk(struct rmm_realm *realm, u64 ipa, unsigned int level,
			 unsigned int *reached)
{
	struct rmm_rtt *rtt = &realm->root;

	*reached = RMM_ROOT_LEVEL;
	while (*reached < level) {
		struct rmm_rtt *next = rtt_at(realm, ipa, *reached + 1);

		if (!next)
			break;
		rtt = next;
		*reached += 1;
	}
	return rtt;
}

/*
 * The table of @level at @ipa; else RTT. That a table is missing is how a host
 * learns that it must make one: nobody is to blame. A leaf in its place is.
 */
u64 rmm_walk_to(struct cca_rmm *rmm, struct rmm_realm *realm, u64 ipa,
		unsigned int level, struct rmm_rtt **rtt)
{
	struct cca_leaf *leaf;
	unsigned int reached;
	u64 status;

	lockdep_assert_held(&rmm->lock);
	*rtt = rmm_walk(realm, ipa, level, &reached);
	if (reached == level)
		return RMI_SUCCESS;
	status = RMI_RTT_STATUS(reached);
	leaf = rmm_leaf_first(realm, ipa, ipa + 1);
	rmm->ref.seen = "no table";
	/* not the guest's fault, but it chose the address */
	return leaf && leaf->state != RMM_DESTROYED ? status :
	       tio_refuse_as(&rmm->ref, TIO_BLAME_GUEST, status);
}

void rmm_leaves_free(struct cca_leaf *leaf)
{
	while (leaf) {
		struct cca_leaf *next = leaf->next;

		kfree(leaf);
		leaf = next;
	}
}

/* DESTROYED leaves in the span of a table that goes */
static void drop_dead(struct rmm_realm *realm, u64 base, u64 top,
		      struct cca_leaf **gone)
{
	struct cca_leaf *leaf;

	while ((leaf = rmm_leaf_first(realm, base, top))) {
		rb_erase(&leaf->r.rb, &realm->leaves);
		leaf->next = *gone;
		*gone = leaf;
	}
}

/* what a destroyed realm leaves: RIPAS DESTROYED in its root table */
void rmm_stage2_free(struct rmm_realm *realm)
{
	struct cca_leaf *gone = NULL;

	drop_dead(realm, 0, U64_MAX, &gone);
	rmm_leaves_free(gone);
}

/* a table of @level can be at @ipa */
static bool is_table_place(u64 ipa, unsigned int level)
{
	return level > RMM_ROOT_LEVEL && level <= RMM_LAST_LEVEL &&
	       IS_ALIGNED(ipa, rmm_span(level - 1)) && ipa < BIT_ULL(CCA_IPA_BITS);
}

static u64 rtt_create(struct cca_rmm *rmm, u64 rd, u64 pa, u64 ipa,
		      unsigned int level, struct rmm_rtt **rtt,
		      struct cca_leaf **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct rmm_rtt *new = *rtt, *parent;
	struct cca_leaf *leaf;
	u64 status;

	if (!realm || !is_table_place(ipa, level))
		return RMI_ERROR_INPUT;
	if (!rmm_realm_alive(rmm, realm))
		return RMI_ERROR_REALM;
	status = rmm_walk_to(rmm, realm, ipa, level - 1, &parent);
	if (status)
		return status;
	leaf = rmm_leaf_first(realm, ipa, ipa + rmm_span(level - 1));
	if (rtt_at(realm, ipa, level) || (leaf && leaf->state != RMM_DESTROYED)) {
		rmm->ref.seen = leaf ? "leaf" : "table";
		return RMI_RTT_STATUS(level - 1);
	}
	if (!new)
		return RMI_BUSY;
	if (rmm_claim(rmm, &new->use, pa, RMM_USE_RTT))
		return RMI_ERROR_INPUT;
	/* simpler than the RMM, which would fill the table with DESTROYED */
	if (leaf)
		parent->dead--;
	drop_dead(realm, ipa, ipa + rmm_span(level - 1), gone);
	new->r.base = ipa;
	new->r.top = ipa + rmm_span(level - 1);
	rmm_range_add(&realm->rtts[level], &new->r);
	parent->live++;
	*rtt = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_rtt_create() - make a table of a stage 2
 * @rmm: the model
 * @rd: the realm
 * @rtt: granule for the table
 * @ipa: first address that it serves, aligned to what it serves
 * @level: of its leaves, 2 or 3
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REALM: neither NEW nor ACTIVE; RMI_ERROR_RTT
 * with a level: the table above is missing, or something is mapped there;
 * RMI_BUSY; or success.
 * Context: process, may sleep.
 */
u64 rmi_rtt_create(struct cca_rmm *rmm, u64 rd, u64 rtt, u64 ipa,
		   unsigned int level)
{
	struct rmm_rtt *new = kzalloc_obj(*new);
	struct cca_leaf *gone = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_RTT_CREATE, rd,
				   tio_begin(&rmm->ref, RMI_RTT_CREATE) ?:
				   rtt_create(rmm, rd, rtt, ipa, level, &new,
					      &gone));
	kfree(new);
	rmm_leaves_free(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_rtt_create);

/* take a table out; @fold: only if its entries are all alike */
static u64 rtt_remove(struct cca_rmm *rmm, u64 rd, u64 ipa, unsigned int level,
		      bool fold, struct rmm_rtt **rtt, struct cca_leaf **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct rmm_rtt *found, *parent;
	unsigned int reached;

	if (!realm || !is_table_place(ipa, level))
		return RMI_ERROR_INPUT;
	found = rmm_walk(realm, ipa, level, &reached);
	if (reached != level) {
		rmm->ref.seen = "no table";
		return RMI_RTT_STATUS(reached);
	}
	if (found->live) {
		rmm->ref.seen = "live";
		return RMI_RTT_STATUS(level);
	}
	if (fold && found->dead && found->dead != CCA_GRANULE / sizeof(u64)) {
		rmm->ref.seen = "not all alike";
		return RMI_RTT_STATUS(level);
	}
	parent = rmm_walk(realm, ipa, level - 1, &reached);
	parent->live--;
	drop_dead(realm, found->r.base, found->r.top, gone);
	rb_erase(&found->r.rb, &realm->rtts[level]);
	rmm_use_del(rmm, &found->use);
	*rtt = found;
	return RMI_SUCCESS;
}

static u64 remove_rtt(struct cca_rmm *rmm, u32 nr, u64 rd, u64 ipa,
		      unsigned int level, u64 *rtt)
{
	struct rmm_rtt *old __free(kfree) = NULL;
	struct cca_leaf *gone = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, nr, rd, tio_begin(&rmm->ref, nr) ?:
				   rtt_remove(rmm, rd, ipa, level,
					      nr == RMI_RTT_FOLD, &old, &gone));
	rmm_leaves_free(gone);
	if (old)
		*rtt = old->use.r.base;
	return status;
}

/**
 * rmi_rtt_destroy() - take a table out of a stage 2
 * @rmm: the model
 * @rd: the realm, in any state
 * @ipa: first address that the table serves
 * @level: of its leaves, 2 or 3
 * @rtt: filled with its granule, DELEGATED again
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_RTT with a level: no such table, or something
 * is mapped in it; or success.
 * Context: process, may sleep.
 */
u64 rmi_rtt_destroy(struct cca_rmm *rmm, u64 rd, u64 ipa, unsigned int level,
		    u64 *rtt)
{
	return remove_rtt(rmm, RMI_RTT_DESTROY, rd, ipa, level, rtt);
}
EXPORT_SYMBOL_GPL(rmi_rtt_destroy);

/**
 * rmi_rtt_fold() - replace a table whose entries are all alike
 * @rmm: the model
 * @rd: the realm
 * @ipa: first address that the table serves
 * @level: of its leaves, 2 or 3
 * @rtt: filled with its granule, DELEGATED again
 *
 * Only tables in which nothing is mapped; the RMM folds 512 leaves that lie side
 * by side into one, too.
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_RTT with a level: no such table, something is
 * mapped in it, or RIPAS DESTROYED in a part of it; or success.
 * Context: process, may sleep.
 */
u64 rmi_rtt_fold(struct cca_rmm *rmm, u64 rd, u64 ipa, unsigned int level,
		 u64 *rtt)
{
	return remove_rtt(rmm, RMI_RTT_FOLD, rd, ipa, level, rtt);
}
EXPORT_SYMBOL_GPL(rmi_rtt_fold);

/**
 * cca_leaf_alloc() - memory for one rmi_rtt_data_map()
 * @gfp: how
 *
 * Return: memory for that call or cca_leaf_free(); NULL.
 * Context: as @gfp says.
 */
struct cca_leaf *cca_leaf_alloc(gfp_t gfp)
{
	return kzalloc_obj(struct cca_leaf, gfp);
}
EXPORT_SYMBOL_GPL(cca_leaf_alloc);

/**
 * cca_leaf_free() - undo cca_leaf_alloc()
 * @leaf: what no call took, or NULL
 *
 * Context: any.
 */
void cca_leaf_free(struct cca_leaf *leaf)
{
	kfree(leaf);
}
EXPORT_SYMBOL_GPL(cca_leaf_free);

static bool is_ipa(u64 ipa)
{
	return IS_ALIGNED(ipa, CCA_GRANULE) && ipa < BIT_ULL(CCA_IPA_BITS);
}

static u64 data_map(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 pa,
		    struct cca_leaf **leaf, struct cca_leaf **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct cca_leaf *new = *leaf, *old;
	struct rmm_rtt *rtt;
	u64 status;

	if (!realm || !is_ipa(ipa))
		return RMI_ERROR_INPUT;
	if (!rmm_realm_alive(rmm, realm))
		return RMI_ERROR_REALM;
	if (!rmm_is_span(pa, pa + CCA_GRANULE) ||
	    !rmm_is_delegated(rmm, pa, pa + CCA_GRANULE, CCA_MEM_RAM))
		return RMI_ERROR_INPUT;
	status = rmm_walk_to(rmm, realm, ipa, RMM_LAST_LEVEL, &rtt);
	if (status)
		return status;
	old = rmm_leaf_first(realm, ipa, ipa + CCA_GRANULE);
	if (old && old->state != RMM_DESTROYED) {
		rmm->ref.seen = "taken";
		return RMI_RTT_STATUS(RMM_LAST_LEVEL);
	}
	if (!new)
		return RMI_BUSY;
	if (old) {
		rtt->dead--;
		drop_dead(realm, ipa, ipa + CCA_GRANULE, gone);
	}
	new->r.base = ipa;
	new->r.top = ipa + CCA_GRANULE;
	new->level = RMM_LAST_LEVEL;
	new->state = RMM_DATA;
	rmm_range_add(&realm->leaves, &new->r);
	rmm_use_add(rmm, &new->use, pa, pa + CCA_GRANULE, RMM_USE_DATA);
	rtt->live++;
	*leaf = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_rtt_data_map() - put a granule into a realm's private memory
 * @rmm: the model
 * @rd: the realm
 * @ipa: where, 4 KiB aligned
 * @pa: DELEGATED memory
 * @leaf: memory for the call; NULL when it took it
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_REALM: neither NEW nor ACTIVE; RMI_ERROR_RTT
 * with a level: a table is missing (normal), or the entry is taken (level 3);
 * RMI_BUSY: *@leaf is NULL; or success.
 * Context: any.
 */
u64 rmi_rtt_data_map(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 pa,
		     struct cca_leaf **leaf)
{
	struct cca_leaf *gone = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_RTT_DATA_MAP, ipa,
				   tio_begin(&rmm->ref, RMI_RTT_DATA_MAP) ?:
				   data_map(rmm, rd, ipa, pa, leaf, &gone));
	rmm_leaves_free(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_rtt_data_map);

static u64 data_unmap(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 *pa,
		      struct cca_leaf **gone)
{
	struct rmm_realm *realm = rmm_realm_find(rmm, rd);
	struct cca_leaf *leaf;
	unsigned int reached;
	struct rmm_rtt *rtt;

	if (!realm || !is_ipa(ipa))
		return RMI_ERROR_INPUT;
	rtt = rmm_walk(realm, ipa, RMM_LAST_LEVEL, &reached);
	leaf = rmm_leaf_first(realm, ipa, ipa + CCA_GRANULE);
	if (!leaf || leaf->state != RMM_DATA) {
		rmm->ref.seen = "no memory";
		return RMI_RTT_STATUS(reached);
	}
	*pa = leaf->use.r.base;
	rmm_use_del(rmm, &leaf->use);
	rb_erase(&leaf->r.rb, &realm->leaves);
	rtt->live--;
	*gone = leaf;
	return RMI_SUCCESS;
}

/**
 * rmi_rtt_data_unmap() - take a granule out of a realm's private memory
 * @rmm: the model
 * @rd: the realm, in any state
 * @ipa: where
 * @pa: filled with the granule, DELEGATED again
 *
 * Return: RMI_ERROR_INPUT; RMI_ERROR_RTT with a level: no memory there; or success.
 * Context: any.
 */
u64 rmi_rtt_data_unmap(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 *pa)
{
	struct cca_leaf *gone __free(kfree) = NULL;

	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_RTT_DATA_UNMAP, ipa,
			 tio_begin(&rmm->ref, RMI_RTT_DATA_UNMAP) ?:
			 data_unmap(rmm, rd, ipa, pa, &gone));
}
EXPORT_SYMBOL_GPL(rmi_rtt_data_unmap);
