// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an SNP guest, as far as its devices depend on it. Launch has no
 * measurement: ACTIVATE begins it, LAUNCH_FINISH ends it.
 */
#include <linux/export.h>

#include "fw.h"

struct sf_guest *sf_guest_find(struct sev_fw *fw, u64 gctx)
{
	struct sf_ctx *ctx = sf_ctx_find(fw, gctx, SF_CTX_GUEST);
	struct sf_guest *guest;

	if (!ctx)
		return NULL;
	guest = container_of(ctx, struct sf_guest, ctx);
	fw->ref.seen = guest->launched ? "RUNNING" :
		       guest->asid ? "LAUNCH" : "INIT";
	return guest;
}

/* @tdi is bound to @guest once more: the how-manieth time this is */
u64 sf_guest_count_bind(struct sf_guest *guest, const struct sf_tdi *tdi)
{
	u32 who = (u32)tdi->dev->id.segment << 16 | tdi->rid;

	for (int i = 0; i < SF_MAX_BEFORE; i++) {
		struct sf_before *before = &guest->before[i];

		if (before->count && before->who != who)
			continue;
		before->who = who;
		return ++before->count;
	}
	return 1;	/* simplified: more TDIs than any guest has here */
}

/**
 * sev_snp_gctx_create() - SNP_GCTX_CREATE: a guest
 * @fw: the model
 * @gctx: a page, firmware's until SNP_DECOMMISSION
 *
 * Return: SEV_INVALID_PARAM, SEV_INVALID_PAGE_STATE, SEV_RECLAIM_REQUIRED (a context
 * already), SEV_RESOURCE_LIMIT or success.
 * Context: process, may sleep.
 */
u64 sev_snp_gctx_create(struct sev_fw *fw, u64 gctx)
{
	struct sf_guest *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = tio_begin(&fw->ref, SEV_CALL_SNP_GCTX_CREATE);
	if (!status && !new)
		status = SEV_RESOURCE_LIMIT;
	if (!status) {
		new->npt = RB_ROOT;
		status = sf_ctx_claim(fw, &new->ctx, gctx, SF_CTX_GUEST);
	}
	if (!status)
		retain_and_null_ptr(new);
	return tio_judge(&fw->ref, SEV_CALL_SNP_GCTX_CREATE, gctx, status);
}
EXPORT_SYMBOL_GPL(sev_snp_gctx_create);

static u64 activate(struct sev_fw *fw, u64 gctx, u32 asid)
{
	struct sf_guest *guest = sf_guest_find(fw, gctx);

	if (!guest || guest->asid)
		return SEV_INVALID_GUEST_STATE;
	if (!asid || asid >= SEV_NR_ASIDS)
		return SEV_INVALID_ASID;
	if (fw->guests[asid])
		return SEV_ASID_OWNED;
	guest->asid = asid;
	fw->guests[asid] = guest;
	return SEV_SUCCESS;
}

/**
 * sev_snp_activate() - SNP_ACTIVATE: give a guest an ASID
 * @fw: the model
 * @gctx: the guest, without one
 * @asid: not in use; a fence that a former guest left on it stays up
 *
 * Return: SEV_INVALID_GUEST_STATE, SEV_INVALID_ASID, SEV_ASID_OWNED or success.
 * Context: any.
 */
u64 sev_snp_activate(struct sev_fw *fw, u64 gctx, u32 asid)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_SNP_ACTIVATE, gctx,
			 tio_begin(&fw->ref, SEV_CALL_SNP_ACTIVATE) ?:
			 activate(fw, gctx, asid));
}
EXPORT_SYMBOL_GPL(sev_snp_activate);

static u64 launch_finish(struct sev_fw *fw, u64 gctx)
{
	struct sf_guest *guest = sf_guest_find(fw, gctx);

	if (!guest || !guest->asid || guest->launched)
		return SEV_INVALID_GUEST_STATE;
	guest->launched = true;
	return SEV_SUCCESS;
}

/**
 * sev_snp_launch_finish() - SNP_LAUNCH_FINISH: the guest may run
 * @fw: the model
 * @gctx: the guest, activated
 *
 * Return: SEV_INVALID_GUEST_STATE or success.
 * Context: any.
 */
u64 sev_snp_launch_finish(struct sev_fw *fw, u64 gctx)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_SNP_LAUNCH_FINISH, gctx,
			 tio_begin(&fw->ref, SEV_CALL_SNP_LAUNCH_FINISH) ?:
			 launch_finish(fw, gctx));
}
EXPORT_SYMBOL_GPL(sev_snp_launch_finish);

static u64 decommission(struct sev_fw *fw, u64 gctx, struct sf_guest **old)
{
	struct sf_guest *guest = sf_guest_find(fw, gctx);

	if (!guest)
		return SEV_INVALID_GUEST_STATE;
	/* inferred, and strict: TDI_UNBIND could not be done any more after it */
	if (guest->bound) {
		guest->leaked = true;
		return SEV_INVALID_GUEST_STATE;
	}
	if (guest->asid)
		fw->guests[guest->asid] = NULL;
	sf_ctx_release(fw, &guest->ctx);
	*old = guest;
	return SEV_SUCCESS;
}

/**
 * sev_snp_decommission() - SNP_DECOMMISSION: the end of a guest
 * @fw: the model
 * @gctx: the guest; no TDI is bound to it
 *
 * Its RMP entries stay and are the host's to take back; a fence that is up stays on
 * the ASID, and only a guest that gets the ASID again can have it cleared.
 *
 * Return: SEV_INVALID_GUEST_STATE (also while a TDI is bound: a host that gives up
 * there leaks the page), or success: the page is the host's.
 * Context: process, may sleep.
 */
u64 sev_snp_decommission(struct sev_fw *fw, u64 gctx)
{
	struct sf_guest *old = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &fw->lock)
		status = tio_judge(&fw->ref, SEV_CALL_SNP_DECOMMISSION, gctx,
				   tio_begin(&fw->ref, SEV_CALL_SNP_DECOMMISSION) ?:
				   decommission(fw, gctx, &old));
	if (old)
		sf_npt_free(&old->npt);
	kfree(old);
	return status;
}
EXPORT_SYMBOL_GPL(sev_snp_decommission);
