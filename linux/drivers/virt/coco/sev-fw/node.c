// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ordered trees of the model, and contexts: pages that belong to firmware.
 *
 * Real commands want context pages put into the firmware state by RMPUPDATE first and
 * taken back with SNP_PAGE_RECLAIM; here the create and reclaim calls do both. The
 * node sits inside the object that the page was given for, so that claiming and
 * releasing allocate nothing.
 */
#include <linux/align.h>

#include "fw.h"

static int cmp_key(u64 key, const struct rb_node *rb)
{
	u64 other = rb_entry(rb, struct sf_node, rb)->key;

	return key < other ? -1 : key > other;
}

static int cmp_find(const void *key, const struct rb_node *rb)
{
	return cmp_key(*(const u64 *)key, rb);
}

static int cmp_add(struct rb_node *new, const struct rb_node *rb)
{
	return cmp_key(rb_entry(new, struct sf_node, rb)->key, rb);
}

struct sf_node *sf_node_find(struct rb_root *root, u64 key)
{
	struct rb_node *rb = rb_find(&key, root, cmp_find);

	return rb ? rb_entry(rb, struct sf_node, rb) : NULL;
}

/* the node with the smallest key that is not below @key */
struct sf_node *sf_node_next(struct rb_root *root, u64 key)
{
	struct rb_node *rb = root->rb_node;
	struct sf_node *best = NULL;

	while (rb) {
		struct sf_node *node = rb_entry(rb, struct sf_node, rb);

		if (node->key >= key) {
			best = node;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return best;
}

/* false if the key is there already */
bool sf_node_add(struct rb_root *root, struct sf_node *node)
{
	return !rb_find_add(&node->rb, root, cmp_add);
}

static struct sf_ctx *find_page(struct sev_fw *fw, u64 pa)
{
	struct sf_node *node;

	lockdep_assert_held(&fw->lock);
	if (!IS_ALIGNED(pa, PAGE_SIZE))
		return NULL;
	node = sf_node_find(&fw->ctxs, pa >> PAGE_SHIFT);
	return node ? container_of(node, struct sf_ctx, node) : NULL;
}

/* the context in page @pa, if there is one of @type */
struct sf_ctx *sf_ctx_find(struct sev_fw *fw, u64 pa, enum sf_ctx_type type)
{
	struct sf_ctx *ctx = find_page(fw, pa);

	return ctx && ctx->type == type ? ctx : NULL;
}

bool sf_ctx_has_page(struct sev_fw *fw, u64 hpa)
{
	return find_page(fw, hpa);
}

/* The host's page @pa becomes firmware's; sf_ctx_release() is the inverse. */
u64 sf_ctx_claim(struct sev_fw *fw, struct sf_ctx *ctx, u64 pa,
		 enum sf_ctx_type type)
{
	struct sf_rmp *rmp;

	lockdep_assert_held(&fw->lock);
	if (!pa || !IS_ALIGNED(pa, PAGE_SIZE))
		return SEV_INVALID_PARAM;
	rmp = sf_rmp_find(fw, pa);
	if (rmp && rmp->asid)
		return SEV_INVALID_PAGE_STATE;
	ctx->node.key = pa >> PAGE_SHIFT;
	ctx->type = type;
	if (!sf_node_add(&fw->ctxs, &ctx->node))
		return SEV_RECLAIM_REQUIRED;
	fw->nr_ctx[type]++;
	return SEV_SUCCESS;
}

void sf_ctx_release(struct sev_fw *fw, struct sf_ctx *ctx)
{
	lockdep_assert_held(&fw->lock);
	rb_erase(&ctx->node.rb, &fw->ctxs);
	fw->nr_ctx[ctx->type]--;
}

u64 sf_ctx_pa(const struct sf_ctx *ctx)
{
	return ctx->node.key << PAGE_SHIFT;
}

/* power off: frees every object; nobody else may be left */
void sf_ctxs_free(struct sev_fw *fw)
{
	struct sf_ctx *ctx, *next;
	struct sf_guest *guest;

	rbtree_postorder_for_each_entry_safe(ctx, next, &fw->ctxs, node.rb) {
		switch (ctx->type) {
		case SF_CTX_DEV:
			kfree(container_of(ctx, struct sf_dev, ctx));
			break;
		case SF_CTX_TDI:
			kfree(container_of(ctx, struct sf_tdi, ctx));
			break;
		default:
			guest = container_of(ctx, struct sf_guest, ctx);
			sf_npt_free(&guest->npt);
			kfree(guest);
			break;
		}
	}
	fw->ctxs = RB_ROOT;
}
