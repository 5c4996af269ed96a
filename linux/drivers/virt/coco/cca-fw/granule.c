// SPDX-License-Identifier: GPL-2.0-only
/*
 * Granules: what is delegated, in runs as long as the host made them, and what the
 * delegated ones are used for. The node of a use sits inside the object, so that
 * claiming and giving back allocate nothing, and a block of 1 GiB is one node.
 */
#include <linux/export.h>

#include "rmm.h"

static struct cca_run *to_run(struct rmm_range *range)
{
	return range ? container_of(range, struct cca_run, r) : NULL;
}

static void run_drop(struct cca_rmm *rmm, struct cca_run *run,
		     struct cca_run **gone)
{
	rb_erase(&run->r.rb, &rmm->runs);
	run->next = *gone;
	*gone = run;
}

static void runs_free(struct cca_run *run)
{
	while (run) {
		struct cca_run *next = run->next;

		kfree(run);
		run = next;
	}
}

/* Is all of [@base, @top) in runs, of @kind, or of any if that is NULL? */
static bool is_covered(struct cca_rmm *rmm, u64 base, u64 top,
		       const enum cca_mem *kind)
{
	struct cca_run *run = to_run(rmm_range_first(&rmm->runs, base, top));
	u64 at = base;

	while (run && run->r.base <= at && at < top) {
		struct rb_node *next = rb_next(&run->r.rb);

		if (kind && run->kind != *kind)
			return false;
		at = run->r.top;
		run = next ? rb_entry(next, struct cca_run, r.rb) : NULL;
	}
	return at >= top;
}

/* all of it delegated, of @kind, and none of it in use */
bool rmm_is_delegated(struct cca_rmm *rmm, u64 base, u64 top, enum cca_mem kind)
{
	lockdep_assert_held(&rmm->lock);
	return is_covered(rmm, base, top, &kind) &&
	       !rmm_range_first(&rmm->uses, base, top);
}

/* rmm_use_del() is the inverse; the granules must not be in use */
void rmm_use_add(struct cca_rmm *rmm, struct rmm_use *use, u64 base, u64 top,
		 enum rmm_use_type type)
{
	lockdep_assert_held(&rmm->lock);
	use->r.base = base;
	use->r.top = top;
	use->type = type;
	WARN_ON_ONCE(!rmm_range_add(&rmm->uses, &use->r));
	rmm->nr_uses[type]++;
}

void rmm_use_del(struct cca_rmm *rmm, struct rmm_use *use)
{
	lockdep_assert_held(&rmm->lock);
	rb_erase(&use->r.rb, &rmm->uses);
	rmm->nr_uses[use->type]--;
	use->type = 0;
}

/* the host's granule @pa becomes an object; rmm_use_del() makes it DELEGATED */
u64 rmm_claim(struct cca_rmm *rmm, struct rmm_use *use, u64 pa,
	      enum rmm_use_type type)
{
	lockdep_assert_held(&rmm->lock);
	if (!rmm_is_span(pa, pa + CCA_GRANULE) ||
	    !rmm_is_delegated(rmm, pa, pa + CCA_GRANULE, CCA_MEM_RAM))
		return RMI_ERROR_INPUT;
	rmm_use_add(rmm, use, pa, pa + CCA_GRANULE, type);
	return RMI_SUCCESS;
}

struct rmm_use *rmm_use_find(struct cca_rmm *rmm, u64 pa, enum rmm_use_type type)
{
	struct rmm_range *range = rmm_range_at(&rmm->uses, pa);
	struct rmm_use *use;

	lockdep_assert_held(&rmm->lock);
	if (!range || range->base != pa)
		return NULL;
	use = container_of(range, struct rmm_use, r);
	return use->type == type ? use : NULL;
}

/* the first MAPPED granules in [@base, @top), or NULL */
struct rmm_use *rmm_mapped(struct cca_rmm *rmm, u64 base, u64 top)
{
	struct rmm_range *range = rmm_range_first(&rmm->uses, base, top);

	lockdep_assert_held(&rmm->lock);
	while (range && range->base < top) {
		struct rmm_use *use = container_of(range, struct rmm_use, r);
		struct rb_node *next = rb_next(&range->rb);

		if (use->type == RMM_USE_DEV)
			return use;
		range = next ? rb_entry(next, struct rmm_range, rb) : NULL;
	}
	return NULL;
}

/*
 * Device memory that touches is one run, so that a block of it is looked up in one
 * step. Memory is not: its granules come and go one by one, under spinlocks, and a
 * run that was never joined can go whole.
 */
static void join(struct cca_rmm *rmm, struct cca_run *run, struct cca_run **gone)
{
	struct rb_node *rb = rb_prev(&run->r.rb);
	struct cca_run *near = rb ? rb_entry(rb, struct cca_run, r.rb) : NULL;

	if (run->kind != CCA_MEM_DEV)
		return;
	if (near && near->kind == CCA_MEM_DEV && near->r.top == run->r.base) {
		run->r.base = near->r.base;
		run_drop(rmm, near, gone);
	}
	rb = rb_next(&run->r.rb);
	near = rb ? rb_entry(rb, struct cca_run, r.rb) : NULL;
	if (near && near->kind == CCA_MEM_DEV && near->r.base == run->r.top) {
		run->r.top = near->r.top;
		run_drop(rmm, near, gone);
	}
}

static u64 delegate(struct cca_rmm *rmm, u64 base, u64 top, enum cca_mem kind,
		    struct cca_run **run, struct cca_run **gone)
{
	struct cca_run *new = *run;

	if (!rmm_is_span(base, top))
		return RMI_ERROR_INPUT;
	if (!new)
		return RMI_BUSY;
	new->r.base = base;
	new->r.top = top;
	new->kind = kind;
	if (!rmm_range_add(&rmm->runs, &new->r)) {
		rmm->ref.seen = "DELEGATED";
		return RMI_ERROR_INPUT;
	}
	*run = NULL;
	join(rmm, new, gone);
	return RMI_SUCCESS;
}

/**
 * cca_run_alloc() - memory for one rmi_granule_range_delegate_with()
 * @gfp: how
 *
 * Return: memory for that call or cca_run_free(); NULL.
 * Context: as @gfp says.
 */
struct cca_run *cca_run_alloc(gfp_t gfp)
{
	return kzalloc_obj(struct cca_run, gfp);
}
EXPORT_SYMBOL_GPL(cca_run_alloc);

/**
 * cca_run_free() - undo cca_run_alloc()
 * @run: what no call took, or NULL
 *
 * Context: any.
 */
void cca_run_free(struct cca_run *run)
{
	kfree(run);
}
EXPORT_SYMBOL_GPL(cca_run_free);

/**
 * rmi_granule_range_delegate_with() - give granules to the RMM, in any context
 * @rmm: the model
 * @base: physical address of the first granule
 * @top: one past the last byte
 * @kind: of memory
 * @run: memory for the call; NULL when it took it
 *
 * Return: RMI_ERROR_INPUT: not granules, or not all of them NS; RMI_BUSY: *@run is
 * NULL; or success: DELEGATED.
 * Context: any.
 */
u64 rmi_granule_range_delegate_with(struct cca_rmm *rmm, u64 base, u64 top,
				    enum cca_mem kind, struct cca_run **run)
{
	struct cca_run *gone = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_GRANULE_RANGE_DELEGATE, base,
				   tio_begin(&rmm->ref,
					     RMI_GRANULE_RANGE_DELEGATE) ?:
				   delegate(rmm, base, top, kind, run, &gone));
	runs_free(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_granule_range_delegate_with);

/**
 * rmi_granule_range_delegate() - give granules to the RMM
 * @rmm: the model
 * @base: physical address of the first granule
 * @top: one past the last byte
 * @kind: of memory
 *
 * Return: RMI_ERROR_INPUT: not granules, or not all of them NS; RMI_BUSY: no
 * memory; or success: DELEGATED.
 * Context: process, may sleep.
 */
u64 rmi_granule_range_delegate(struct cca_rmm *rmm, u64 base, u64 top,
			       enum cca_mem kind)
{
	struct cca_run *run = cca_run_alloc(GFP_KERNEL);
	u64 status;

	status = rmi_granule_range_delegate_with(rmm, base, top, kind, &run);
	cca_run_free(run);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_granule_range_delegate);

/* the run that would be cut in two */
static struct cca_run *run_around(struct cca_rmm *rmm, u64 base, u64 top)
{
	struct cca_run *run = to_run(rmm_range_at(&rmm->runs, base));

	return run && run->r.base < base && run->r.top > top ? run : NULL;
}

static void cut(struct cca_rmm *rmm, struct cca_run *run, u64 base, u64 top,
		struct cca_run **spare)
{
	struct cca_run *tail = *spare;

	*spare = NULL;
	tail->kind = run->kind;
	tail->r.base = top;
	tail->r.top = run->r.top;
	run->r.top = base;
	rmm_range_add(&rmm->runs, &tail->r);
}

static u64 undelegate(struct cca_rmm *rmm, u64 base, u64 top,
		      struct cca_run **spare, struct cca_run **gone)
{
	struct rmm_range *range;
	struct cca_run *run;

	if (!rmm_is_span(base, top) || !is_covered(rmm, base, top, NULL))
		return RMI_ERROR_INPUT;
	range = rmm_range_first(&rmm->uses, base, top);
	if (range) {
		rmm->ref.seen = container_of(range, struct rmm_use, r)->type ==
				RMM_USE_DEV ? "MAPPED" : "in use";
		return RMI_ERROR_INPUT;
	}
	run = run_around(rmm, base, top);
	if (run) {
		cut(rmm, run, base, top, spare);
		return RMI_SUCCESS;
	}
	while ((run = to_run(rmm_range_first(&rmm->runs, base, top)))) {
		if (run->r.base < base)
			run->r.top = base;
		else if (run->r.top > top)
			run->r.base = top;
		else
			run_drop(rmm, run, gone);
	}
	return RMI_SUCCESS;
}

/**
 * rmi_granule_range_undelegate() - take granules back
 * @rmm: the model
 * @base: physical address of the first granule
 * @top: one past the last byte
 *
 * A run that is cut in two needs one more node, which is waited for: what is given
 * back must not fail for memory.
 *
 * Return: RMI_ERROR_INPUT: not granules, or not all of them DELEGATED; or success:
 * NS.
 * Context: any; process and may sleep if it leaves both ends of a run.
 */
u64 rmi_granule_range_undelegate(struct cca_rmm *rmm, u64 base, u64 top)
{
	struct cca_run *spare = NULL, *gone = NULL;
	u64 status = RMI_BUSY;
	bool again = true;

	while (again) {
		scoped_guard(spinlock_irqsave, &rmm->lock) {
			again = !spare && run_around(rmm, base, top);
			if (again)
				break;
			status = tio_judge(&rmm->ref,
					   RMI_GRANULE_RANGE_UNDELEGATE, base,
					   tio_begin(&rmm->ref,
						     RMI_GRANULE_RANGE_UNDELEGATE) ?:
					   undelegate(rmm, base, top, &spare,
						      &gone));
		}
		if (again)
			spare = cca_run_alloc(GFP_KERNEL | __GFP_NOFAIL);
	}
	cca_run_free(spare);
	runs_free(gone);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_granule_range_undelegate);

/* power off */
void rmm_runs_free(struct cca_rmm *rmm)
{
	struct cca_run *gone = NULL;

	while (!RB_EMPTY_ROOT(&rmm->runs))
		run_drop(rmm, to_run(rmm_range_first(&rmm->runs, 0, U64_MAX)),
			 &gone);
	runs_free(gone);
}
