// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reverse map table: whose a page is. The CPU's RMPUPDATE changes it for the
 * host, a guest's PVALIDATE or MMIO_VALIDATE marks an entry validated.
 *
 * What the ASP does to all pages of a TDI at once (immutable off in TDI_RECLAIM,
 * validated off in TDI_UNBIND) is not done to each page: an entry names the TDI or
 * the bind that it rests on, and means nothing any more when that has gone.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>

#include "fw.h"

static struct sf_rmp_chunk *find_chunk(struct sev_fw *fw, u64 hpa)
{
	struct sf_node *node = sf_node_find(&fw->rmp, hpa >> SF_CHUNK_SHIFT);

	return node ? container_of(node, struct sf_rmp_chunk, node) : NULL;
}

/* the entry of page @hpa, NULL: it was never reserved and is shared */
struct sf_rmp *sf_rmp_find(struct sev_fw *fw, u64 hpa)
{
	struct sf_rmp_chunk *chunk;

	lockdep_assert_held(&fw->lock);
	chunk = find_chunk(fw, hpa);
	return chunk ? &chunk->rmp[(hpa >> PAGE_SHIFT) % SF_CHUNK_PAGES] : NULL;
}

/* memory for the entries around @hpa; process context, may sleep: 0 or -ENOMEM */
int sf_rmp_reserve(struct sev_fw *fw, u64 hpa)
{
	struct sf_rmp_chunk *new __free(kvfree) = NULL;

	scoped_guard(spinlock_irqsave, &fw->lock)
		if (find_chunk(fw, hpa))
			return 0;
	new = kvzalloc_obj(*new);
	if (!new)
		return -ENOMEM;
	new->node.key = hpa >> SF_CHUNK_SHIFT;
	guard(spinlock_irqsave)(&fw->lock);
	if (sf_node_add(&fw->rmp, &new->node))
		retain_and_null_ptr(new);
	return 0;
}

/* power off */
void sf_rmp_free(struct sev_fw *fw)
{
	struct sf_rmp_chunk *chunk, *next;

	rbtree_postorder_for_each_entry_safe(chunk, next, &fw->rmp, node.rb)
		kvfree(chunk);
	fw->rmp = RB_ROOT;
}

/*
 * Inferred: firmware takes "immutable" back from the pages of a TDI in TDI_RECLAIM,
 * because drivers give pages back after it and not between it and TDI_UNBIND.
 */
bool sf_rmp_is_immutable(struct sev_fw *fw, const struct sf_rmp *rmp)
{
	lockdep_assert_held(&fw->lock);
	if (!rmp->immutable)
		return false;
	return !rmp->holder || sf_tdi_by_serial(fw, rmp->holder);
}

/* MMIO that was validated under the bind that @tdi is in now */
bool sf_rmp_is_validated(const struct sf_rmp *rmp, const struct sf_tdi *tdi)
{
	return rmp->validated && tdi->guest && rmp->bind == tdi->bind_serial;
}

/* the bound TDI of guest @asid whose report names page @hpa */
static u32 find_holder(struct sev_fw *fw, u64 hpa, u32 asid)
{
	struct sf_dev *dev;
	struct sf_tdi *tdi;

	list_for_each_entry(dev, &fw->devs, list)
		list_for_each_entry(tdi, &dev->tdis, list)
			if (tdi->guest && tdi->guest->asid == asid &&
			    sf_report_names(tdi, hpa))
				return tdi->serial;
	return 0;
}

static void share(struct sev_fw *fw, struct sf_rmp *rmp)
{
	if (rmp->io)
		fw->nr_io--;
	else if (rmp->asid)
		fw->nr_mem--;
	*rmp = (struct sf_rmp) {};
}

/* may the host change the entry of page @hpa? */
static u64 may_change(struct sev_fw *fw, u64 hpa, const struct sf_rmp *rmp)
{
	if (!IS_ALIGNED(hpa, PAGE_SIZE))
		return SEV_RMP_FAIL_INPUT;
	if (sf_ctx_has_page(fw, hpa))
		return SEV_RMP_FAIL_INUSE;
	if (!rmp)
		return SEV_SUCCESS;
	fw->ref.seen = !rmp->asid ? "shared" : rmp->validated ? "validated" :
		       "assigned";
	return sf_rmp_is_immutable(fw, rmp) ? SEV_RMP_FAIL_PERMISSION :
	       SEV_SUCCESS;
}

static u64 assign_io(struct sev_fw *fw, u64 hpa, struct sf_rmp *rmp,
		     const struct sev_rmp_state *state)
{
	if (!state->asid || state->asid >= SEV_NR_ASIDS || state->pagesize ||
	    !IS_ALIGNED(state->gpa, PAGE_SIZE))
		return SEV_RMP_FAIL_INPUT;
	/* inferred: hosts are seen to go through shared */
	if (rmp->asid)
		return SEV_RMP_FAIL_PERMISSION;
	*rmp = (struct sf_rmp) {
		.gpa = state->gpa,
		.asid = state->asid,
		.io = true,
		.immutable = state->immutable,
		.holder = find_holder(fw, hpa, state->asid),
	};
	fw->nr_io++;
	return SEV_SUCCESS;
}

static u64 rmpupdate(struct sev_fw *fw, u64 hpa, const struct sev_rmp_state *state,
		     bool reserved)
{
	struct sf_rmp *rmp = sf_rmp_find(fw, hpa);
	u64 status;

	status = may_change(fw, hpa, rmp);
	if (status)
		return status;
	if (state->assigned && !reserved)
		return SEV_RMP_FAIL_INUSE;
	if (state->assigned)
		return assign_io(fw, hpa, rmp, state);
	if (state->asid || state->gpa || state->pagesize || state->immutable)
		return SEV_RMP_FAIL_INPUT;
	if (rmp)
		share(fw, rmp);
	return SEV_SUCCESS;
}

/**
 * sev_rmpupdate() - RMPUPDATE of a page of a BAR
 * @fw: the model
 * @hpa: the page
 * @state: what it shall be
 *
 * Return: SEV_RMP_FAIL_INPUT, SEV_RMP_FAIL_PERMISSION (immutable; or assigned from
 * assigned), SEV_RMP_FAIL_INUSE (a context of firmware, or no memory) or success.
 * Context: process, may sleep, to assign; any to make it shared.
 */
u64 sev_rmpupdate(struct sev_fw *fw, u64 hpa, const struct sev_rmp_state *state)
{
	bool reserved = state->assigned && !sf_rmp_reserve(fw, hpa);

	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_RMPUPDATE, hpa,
			 tio_begin(&fw->ref, SEV_CALL_RMPUPDATE) ?:
			 rmpupdate(fw, hpa, state, reserved));
}
EXPORT_SYMBOL_GPL(sev_rmpupdate);

static u64 rmp_private(struct sev_fw *fw, u64 hpa, u32 asid, u64 gpa)
{
	struct sf_rmp *rmp = sf_rmp_find(fw, hpa);
	u64 status;

	status = may_change(fw, hpa, rmp);
	if (status)
		return status;
	if (!rmp || !asid || asid >= SEV_NR_ASIDS || !fw->guests[asid] ||
	    !IS_ALIGNED(gpa, PAGE_SIZE))
		return SEV_RMP_FAIL_INPUT;
	if (rmp->asid == asid && rmp->gpa == gpa && !rmp->io)
		return SEV_SUCCESS;
	if (rmp->asid)
		return SEV_RMP_FAIL_PERMISSION;
	*rmp = (struct sf_rmp) {
		.gpa = gpa,
		.asid = asid,
		.validated = true,
	};
	fw->nr_mem++;
	return SEV_SUCCESS;
}

/**
 * sev_rmp_private() - a page of the guest's private memory
 * @fw: the model
 * @hpa: the page, reserved with sev_fw_reserve()
 * @asid: of a live guest
 * @gpa: the guest's address of it
 *
 * Stands for the host's RMPUPDATE and the PVALIDATE that the guest did at boot.
 *
 * Return: SEV_RMP_FAIL_INPUT, SEV_RMP_FAIL_PERMISSION (somebody else's),
 * SEV_RMP_FAIL_INUSE, or success, also if it is that already.
 * Context: any.
 */
u64 sev_rmp_private(struct sev_fw *fw, u64 hpa, u32 asid, u64 gpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_RMP_PRIVATE, hpa,
			 tio_begin(&fw->ref, SEV_CALL_RMP_PRIVATE) ?:
			 rmp_private(fw, hpa, asid, gpa));
}
EXPORT_SYMBOL_GPL(sev_rmp_private);

static u64 rmp_unprivate(struct sev_fw *fw, u64 hpa)
{
	struct sf_rmp *rmp = sf_rmp_find(fw, hpa);
	u64 status;

	status = may_change(fw, hpa, rmp);
	if (status)
		return status;
	if (!rmp || rmp->io)
		return SEV_RMP_FAIL_INPUT;
	share(fw, rmp);
	return SEV_SUCCESS;
}

/**
 * sev_rmp_unprivate() - undo sev_rmp_private()
 * @fw: the model
 * @hpa: the page; shared already is well too
 *
 * Return: SEV_RMP_FAIL_INPUT (MMIO), SEV_RMP_FAIL_INUSE or success.
 * Context: any.
 */
u64 sev_rmp_unprivate(struct sev_fw *fw, u64 hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_RMP_UNPRIVATE, hpa,
			 tio_begin(&fw->ref, SEV_CALL_RMP_UNPRIVATE) ?:
			 rmp_unprivate(fw, hpa));
}
EXPORT_SYMBOL_GPL(sev_rmp_unprivate);

/**
 * sev_fw_is_assigned() - is a page in the RMP for a guest?
 * @fw: the model
 * @hpa: the page
 *
 * Return: true if it is, as memory or as MMIO.
 * Context: any, takes the model's lock.
 */
bool sev_fw_is_assigned(struct sev_fw *fw, u64 hpa)
{
	struct sf_rmp *rmp;

	guard(spinlock_irqsave)(&fw->lock);
	rmp = sf_rmp_find(fw, hpa);
	return rmp && rmp->asid;
}
EXPORT_SYMBOL_GPL(sev_fw_is_assigned);

static bool mmio_accepted(struct sev_fw *fw, u64 gctx, u64 tdi_pa, u64 gpa, u64 hpa)
{
	struct sf_guest *guest = sf_guest_find(fw, gctx);
	struct sf_ctx *ctx = sf_ctx_find(fw, tdi_pa, SF_CTX_TDI);
	struct sf_rmp *rmp = sf_rmp_find(fw, hpa);
	struct sf_tdi *tdi;

	if (!guest || !ctx || !rmp || sf_fenced(fw, guest))
		return false;
	tdi = container_of(ctx, struct sf_tdi, ctx);
	return tdi->guest == guest && sf_tdi_locked(tdi) && rmp->io &&
	       rmp->asid == guest->asid && rmp->gpa == gpa &&
	       sf_rmp_is_validated(rmp, tdi);
}

/**
 * sev_fw_mmio_accepted() - would the CPU let the guest reach the page?
 * @fw: the model
 * @gctx: the guest
 * @tdi: the TDI that the page belongs to
 * @gpa: guest address, page aligned
 * @hpa: physical address that the nested page table shows there, page aligned
 *
 * Return: true if the guest has validated this page of this TDI at this address
 * under the present bind, the TDI is in CONFIG_LOCKED or RUN, and no fence is up.
 * Context: any, takes the model's lock.
 */
bool sev_fw_mmio_accepted(struct sev_fw *fw, u64 gctx, u64 tdi, u64 gpa, u64 hpa)
{
	guard(spinlock_irqsave)(&fw->lock);
	return mmio_accepted(fw, gctx, tdi, gpa, hpa);
}
EXPORT_SYMBOL_GPL(sev_fw_mmio_accepted);
