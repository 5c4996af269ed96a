// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that belong to firmware, and the ordered trees of the model.
 *
 * The PAMT of the TDX module knows every page of the machine; here a page is in
 * the tree while it is not the host's. The node sits inside the object that the
 * page was given for, so that claiming and releasing allocate nothing.
 */
#include <linux/align.h>

#include "fw.h"

static int cmp_key(u64 key, const struct rb_node *rb)
{
	u64 other = rb_entry(rb, struct fw_node, rb)->key;

	return key < other ? -1 : key > other;
}

static int cmp_find(const void *key, const struct rb_node *rb)
{
	return cmp_key(*(const u64 *)key, rb);
}

static int cmp_add(struct rb_node *new, const struct rb_node *rb)
{
	return cmp_key(rb_entry(new, struct fw_node, rb)->key, rb);
}

struct fw_node *fw_node_find(struct rb_root *root, u64 key)
{
	struct rb_node *rb = rb_find(&key, root, cmp_find);

	return rb ? rb_entry(rb, struct fw_node, rb) : NULL;
}

/* the node with the smallest key that is not below @key */
struct fw_node *fw_node_next(struct rb_root *root, u64 key)
{
	struct rb_node *rb = root->rb_node;
	struct fw_node *best = NULL;

	while (rb) {
		struct fw_node *node = rb_entry(rb, struct fw_node, rb);

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
bool fw_node_add(struct rb_root *root, struct fw_node *node)
{
	return !rb_find_add(&node->rb, root, cmp_add);
}

void fw_node_del(struct rb_root *root, struct fw_node *node)
{
	rb_erase(&node->rb, root);
}

struct fw_node *fw_node_first(struct rb_root *root)
{
	return rb_entry_safe(rb_first(root), struct fw_node, rb);
}

struct fw_node *fw_node_after(struct fw_node *node)
{
	return rb_entry_safe(rb_next(&node->rb), struct fw_node, rb);
}

struct fw_page *fw_page_find(struct tdx_fw *fw, u64 pa)
{
	struct fw_node *node;

	lockdep_assert_held(&fw->lock);
	if (!IS_ALIGNED(pa, PAGE_SIZE))
		return NULL;
	node = fw_node_find(&fw->pages, pa >> PAGE_SHIFT);
	return node ? container_of(node, struct fw_page, node) : NULL;
}

/*
 * The host's page @pa becomes firmware's. With @td it is one more child of that
 * TD. fw_page_release() is the inverse.
 */
u64 fw_page_claim(struct tdx_fw *fw, struct fw_page *page, u64 pa,
		  enum fw_page_type type, struct fw_td *td)
{
	lockdep_assert_held(&fw->lock);
	if (!IS_ALIGNED(pa, PAGE_SIZE))
		return TDX_OPERAND_INVALID;
	page->node.key = pa >> PAGE_SHIFT;
	if (!fw_node_add(&fw->pages, &page->node))
		return TDX_PAGE_METADATA_INCORRECT;
	page->type = type;
	page->td = td;
	if (td)
		td->children++;
	fw->nr_pages[type]++;
	return TDX_SUCCESS;
}

void fw_page_release(struct tdx_fw *fw, struct fw_page *page)
{
	lockdep_assert_held(&fw->lock);
	fw_node_del(&fw->pages, &page->node);
	fw->nr_pages[page->type]--;
	if (page->td)
		page->td->children--;
	page->td = NULL;
}

u64 fw_page_pa(const struct fw_page *page)
{
	return page->node.key << PAGE_SHIFT;
}

/* the allocation that @page sits in, or NULL if another page stands for it */
static void *page_object(struct fw_page *page)
{
	switch (page->type) {
	case FW_PT_TDR:
		return container_of(page, struct fw_td, page);
	case FW_PT_TDCX:
		return container_of(page, struct fw_tdcx, page);
	case FW_PT_TDVPR:
		return container_of(page, struct fw_vp, page);
	case FW_PT_SEPT:
		return container_of(page, struct fw_sept, page);
	case FW_PT_SPDM:
		return container_of(page, struct fw_spdm, page);
	case FW_PT_DEVIF:
		return container_of(page, struct fw_devif, root);
	case FW_PT_DEVIF_MT:
		return container_of(page, struct fw_devifmt, page);
	case FW_PT_MMIO_MT:
		return container_of(page, struct fw_mmiomt, page);
	default:
		return NULL;
	}
}

/* power off: frees each object through its page; nobody else may be left */
void fw_pages_free(struct tdx_fw *fw)
{
	struct rb_node *rb, *next;

	/* embedded in objects that are still there: out of the tree first */
	for (rb = rb_first(&fw->pages); rb; rb = next) {
		struct fw_page *page = rb_entry(rb, struct fw_page, node.rb);

		next = rb_next(rb);
		if (!page_object(page))
			rb_erase(rb, &fw->pages);
	}
	while ((rb = rb_first(&fw->pages))) {
		rb_erase(rb, &fw->pages);
		kvfree(page_object(rb_entry(rb, struct fw_page, node.rb)));
	}
}
