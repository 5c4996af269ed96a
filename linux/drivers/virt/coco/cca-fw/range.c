// SPDX-License-Identifier: GPL-2.0-only
/* Disjoint intervals of addresses, ordered: all that the model looks things up in. */
#include "rmm.h"

static struct rmm_range *to_range(struct rb_node *rb)
{
	return rb_entry(rb, struct rmm_range, rb);
}

/* the first range that has something in common with [@base, @top), or NULL */
struct rmm_range *rmm_range_first(const struct rb_root *root, u64 base, u64 top)
{
	struct rb_node *rb = root->rb_node;
	struct rmm_range *first = NULL;

	while (rb) {
		struct rmm_range *range = to_range(rb);

		if (range->top > base) {
			first = range;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return first && first->base < top ? first : NULL;
}

static bool is_before(struct rb_node *a, const struct rb_node *b)
{
	return to_range(a)->base < rb_entry(b, struct rmm_range, rb)->base;
}

/* false if something of it is there already */
bool rmm_range_add(struct rb_root *root, struct rmm_range *range)
{
	if (rmm_range_first(root, range->base, range->top))
		return false;
	rb_add(&range->rb, root, is_before);
	return true;
}
