// SPDX-License-Identifier: GPL-2.0-only
/* The birth and death of the model, and questions that are no calls. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>

#include "rmm.h"

/**
 * cca_rmm_create() - power on
 *
 * Return: a model with empty tables, for cca_rmm_destroy(); ERR_PTR(-ENOMEM).
 * Context: process, may sleep.
 */
struct cca_rmm *cca_rmm_create(void)
{
	struct cca_rmm *rmm __free(kfree) = kzalloc_obj(*rmm);
	int rc;

	if (!rmm)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&rmm->lock);
	rmm->runs = RB_ROOT;
	rmm->uses = RB_ROOT;
	INIT_LIST_HEAD(&rmm->pdevs);
	INIT_LIST_HEAD(&rmm->streams);
	INIT_LIST_HEAD(&rmm->vdevs);
	rc = tio_referee_init(&rmm->ref, &cca_rmm_personality, &rmm->lock);
	if (rc)
		return ERR_PTR(rc);
	return no_free_ptr(rmm);
}
EXPORT_SYMBOL_GPL(cca_rmm_create);

/* what sits in a realm and is no allocation of its own, or in no other tree */
static void empty_realms(struct cca_rmm *rmm)
{
	struct cca_leaf *leaf, *next;
	struct rmm_realm *realm;
	struct rmm_use *use;

	for (struct rb_node *rb = rb_first(&rmm->uses); rb; rb = rb_next(rb)) {
		use = rb_entry(rb, struct rmm_use, r.rb);
		if (use->type != RMM_USE_RD)
			continue;
		realm = container_of(use, struct rmm_realm, use);
		rb_erase(&realm->root.use.r.rb, &rmm->uses);
		rbtree_postorder_for_each_entry_safe(leaf, next, &realm->leaves,
						     r.rb)
			if (leaf->state == RMM_DESTROYED)
				kfree(leaf);
	}
}

static void free_use(struct rmm_use *use)
{
	switch (use->type) {
	case RMM_USE_RD:
		kfree(container_of(use, struct rmm_realm, use));
		break;
	case RMM_USE_REC:
		kfree(container_of(use, struct rmm_rec, use));
		break;
	case RMM_USE_RTT:
		kfree(container_of(use, struct rmm_rtt, use));
		break;
	case RMM_USE_PDEV:
		kfree(container_of(use, struct rmm_pdev, use));
		break;
	case RMM_USE_VDEV:
		kfree(container_of(use, struct rmm_vdev, use));
		break;
	default:
		kfree(container_of(use, struct cca_leaf, use));
		break;
	}
}

/**
 * cca_rmm_destroy() - power off
 * @rmm: of cca_rmm_create(); no call is in progress and none comes after
 *
 * Whatever is still in the tables is forgotten; the granules stay with who gave
 * them.
 *
 * Context: process, may sleep.
 */
void cca_rmm_destroy(struct cca_rmm *rmm)
{
	struct rmm_stream *stream, *next_stream;
	struct rb_node *rb;

	empty_realms(rmm);
	while ((rb = rb_first(&rmm->uses))) {
		rb_erase(rb, &rmm->uses);
		free_use(rb_entry(rb, struct rmm_use, r.rb));
	}
	list_for_each_entry_safe(stream, next_stream, &rmm->streams, list)
		kfree(stream);
	rmm_runs_free(rmm);
	tio_referee_exit(&rmm->ref);
	kfree(rmm);
}
EXPORT_SYMBOL_GPL(cca_rmm_destroy);

/**
 * cca_rmm_set_platform() - what the model drives
 * @rmm: the model; no call is in progress
 * @platform: the root complex's ops, or NULL: nothing is driven
 * @priv: their argument
 *
 * Context: any.
 */
void cca_rmm_set_platform(struct cca_rmm *rmm,
			  const struct teemu_platform *platform, void *priv)
{
	guard(spinlock_irqsave)(&rmm->lock);
	rmm->platform = platform;
	rmm->priv = priv;
}
EXPORT_SYMBOL_GPL(cca_rmm_set_platform);

/**
 * cca_rmm_referee() - who judges the calls
 * @rmm: the model
 *
 * Return: its referee, for tio_violations() and tio_calls().
 * Context: any.
 */
struct tio_referee *cca_rmm_referee(struct cca_rmm *rmm)
{
	return &rmm->ref;
}
EXPORT_SYMBOL_GPL(cca_rmm_referee);

/**
 * cca_rmm_refuse() - fault switch
 * @rmm: the model
 * @nr: the calls it is for, RMI_* or RSI_*
 * @status: their answer
 * @skip: so many calls pass before
 * @count: so many calls are refused, changing nothing; 0 clears the switch
 *
 * Return: as tio_refuse().
 * Context: any, takes the model's lock.
 */
int cca_rmm_refuse(struct cca_rmm *rmm, u32 nr, u64 status, u32 skip, u32 count)
{
	return tio_refuse(&rmm->ref, nr, status, skip, count);
}
EXPORT_SYMBOL_GPL(cca_rmm_refuse);

/**
 * cca_rmm_granule() - whose a granule is
 * @rmm: the model
 * @pa: its physical address
 *
 * Return: see enum cca_granule.
 * Context: any, takes the model's lock.
 */
enum cca_granule cca_rmm_granule(struct cca_rmm *rmm, u64 pa)
{
	struct rmm_range *use;

	guard(spinlock_irqsave)(&rmm->lock);
	use = rmm_range_at(&rmm->uses, pa);
	if (use)
		return container_of(use, struct rmm_use, r)->type ==
		       RMM_USE_DEV ? CCA_MAPPED : CCA_IN_USE;
	return rmm_range_at(&rmm->runs, pa) ? CCA_DELEGATED : CCA_NS;
}
EXPORT_SYMBOL_GPL(cca_rmm_granule);

/**
 * cca_rmm_mmio_accepted() - does a realm see this page of this device there?
 * @rmm: the model
 * @rd: the realm
 * @ipa: where
 * @hpa: the page
 *
 * Return: the realm has validated @hpa at @ipa and its vdev is LOCKED or STARTED.
 * Context: any, takes the model's lock.
 */
bool cca_rmm_mmio_accepted(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 hpa)
{
	struct rmm_realm *realm;
	struct cca_leaf *leaf;
	struct rmm_vdev *vdev;

	guard(spinlock_irqsave)(&rmm->lock);
	realm = rmm_realm_find(rmm, rd);
	if (!realm)
		return false;
	leaf = rmm_leaf_first(realm, ipa, ipa + 1);
	if (!leaf || leaf->state != RMM_DEV ||
	    leaf->use.r.base + (ipa - leaf->r.base) != hpa)
		return false;
	vdev = rmm_vdev_of_pa(rmm, round_down(hpa, CCA_GRANULE));
	return vdev && vdev->realm == realm && rmm_vdev_attested(vdev);
}
EXPORT_SYMBOL_GPL(cca_rmm_mmio_accepted);

/**
 * cca_rmm_vdev_told() - TDISP state that the device told last
 * @rmm: the model
 * @vdev: the vdev
 *
 * Return: enum tdisp_state, CONFIG_UNLOCKED before the first answer; -ENOENT.
 * Context: any, takes the model's lock.
 */
int cca_rmm_vdev_told(struct cca_rmm *rmm, u64 vdev)
{
	struct rmm_vdev *found;

	guard(spinlock_irqsave)(&rmm->lock);
	found = rmm_vdev_find(rmm, vdev);
	return found ? found->told : -ENOENT;
}
EXPORT_SYMBOL_GPL(cca_rmm_vdev_told);

/* the first leaf in [@ipa, @end) for which @want says so */
static struct cca_leaf *next_leaf(struct rmm_realm *realm, u64 ipa, u64 end,
				  bool (*want)(const struct cca_leaf *leaf))
{
	struct cca_leaf *leaf = realm ? rmm_leaf_first(realm, ipa, end) : NULL;

	while (leaf && leaf->r.base < end) {
		struct rb_node *rb = rb_next(&leaf->r.rb);

		if (want(leaf))
			return leaf;
		leaf = rb ? rb_entry(rb, struct cca_leaf, r.rb) : NULL;
	}
	return NULL;
}

static bool is_data(const struct cca_leaf *leaf)
{
	return leaf->state == RMM_DATA;
}

static bool is_dev(const struct cca_leaf *leaf)
{
	return leaf->state == RMM_DEV_NEW || leaf->state == RMM_DEV;
}

/**
 * cca_rmm_next_page() - walk a realm's private memory
 * @rmm: the model
 * @rd: the realm
 * @ipa: where to start; filled with where a page was found
 * @end: one past the last address
 * @pa: filled with the page
 *
 * Return: there is one.
 * Context: any, takes the model's lock.
 */
bool cca_rmm_next_page(struct cca_rmm *rmm, u64 rd, u64 *ipa, u64 end, u64 *pa)
{
	struct cca_leaf *leaf;

	guard(spinlock_irqsave)(&rmm->lock);
	leaf = next_leaf(rmm_realm_find(rmm, rd), *ipa, end, is_data);
	if (!leaf)
		return false;
	*ipa = leaf->r.base;
	*pa = leaf->use.r.base;
	return true;
}
EXPORT_SYMBOL_GPL(cca_rmm_next_page);

/**
 * cca_rmm_next_dev() - walk a realm's device memory
 * @rmm: the model
 * @rd: the realm
 * @ipa: the leaf ends above
 * @end: and starts below
 * @leaf: filled
 *
 * Return: there is one.
 * Context: any, takes the model's lock.
 */
bool cca_rmm_next_dev(struct cca_rmm *rmm, u64 rd, u64 ipa, u64 end,
		      struct cca_dev_leaf *leaf)
{
	struct cca_leaf *found;

	guard(spinlock_irqsave)(&rmm->lock);
	found = next_leaf(rmm_realm_find(rmm, rd), ipa, end, is_dev);
	if (!found)
		return false;
	*leaf = (struct cca_dev_leaf) {
		.ipa = found->r.base,
		.pa = found->use.r.base,
		.level = found->level,
		.accepted = found->state == RMM_DEV,
	};
	return true;
}
EXPORT_SYMBOL_GPL(cca_rmm_next_dev);

MODULE_DESCRIPTION("Model of Arm's realm management monitor");
MODULE_LICENSE("GPL");
