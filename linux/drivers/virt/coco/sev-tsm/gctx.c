// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware's view of one TVM. A KVM_X86_SW_PROTECTED_VM has none, so it gets one
 * when the first TDI is bound to it: a guest context with an ASID, launched, and the
 * private memory that trusted DMA has touched.
 *
 * It dies after its VM, from a work item, because KVM says so where nothing may
 * sleep. What firmware does not give back then is leaked for good, with the ASID and
 * with every page that the RMP still has for it.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "sev-tsm.h"

static int asid_alloc(struct sev_gctx *gctx)
{
	int id = ida_alloc_range(&gctx->tsm->asids, 1, SEV_NR_ASIDS - 1,
				 GFP_KERNEL);

	if (id < 0)
		return id;
	gctx->asid = id;
	return 0;
}

static void asid_free(struct sev_gctx *gctx)
{
	if (gctx->asid)
		ida_free(&gctx->tsm->asids, gctx->asid);
	gctx->asid = 0;
}

/* Build the guest up to RUNNING; half-way states are for gctx_end() */
static int gctx_build(struct sev_gctx *gctx)
{
	struct sev_tsm *tsm = gctx->tsm;
	int rc;

	rc = asid_alloc(gctx);
	if (rc)
		return rc;
	gctx->page = tio_page_alloc();
	if (!gctx->page)
		return -ENOMEM;
	rc = sev_check(tsm, SEV_CALL_SNP_GCTX_CREATE,
		       sev_retry(sev_snp_gctx_create(tsm->fw, gctx->page)));
	if (rc)
		return rc;
	gctx->created = true;

	rc = sev_check(tsm, SEV_CALL_SNP_ACTIVATE,
		       sev_retry(sev_snp_activate(tsm->fw, gctx->page,
						  gctx->asid)));
	if (!rc)
		rc = sev_check(tsm, SEV_CALL_SNP_LAUNCH_FINISH,
			       sev_retry(sev_snp_launch_finish(tsm->fw,
							       gctx->page)));
	return rc;
}

/* From whatever state to the last page; goes on where an earlier try stopped */
static int gctx_shut_down(struct sev_gctx *gctx)
{
	struct sev_tsm *tsm = gctx->tsm;
	int rc;

	if (!gctx->created)
		return 0;
	rc = sev_mem_remove_all(gctx);
	if (rc)
		return rc;
	rc = sev_check(tsm, SEV_CALL_SNP_DECOMMISSION,
		       sev_retry(sev_snp_decommission(tsm->fw, gctx->page)));
	gctx->created = !!rc;
	return rc;
}

static struct sev_gctx *to_gctx(struct tio_tvm *tvm)
{
	return container_of(tvm, struct sev_gctx, tvm);
}

/* End a gctx in whatever half-way state and free it; -errno: to be leaked whole */
static int gctx_end(struct tio_tvm *tvm)
{
	struct sev_gctx *gctx = to_gctx(tvm);
	int rc = gctx_shut_down(gctx);

	/* a refusal may be passing */
	if (rc)
		rc = gctx_shut_down(gctx);
	if (rc)
		return rc;
	tio_page_free(&gctx->page);
	asid_free(gctx);
	xa_destroy(&gctx->mem);
	mutex_destroy(&gctx->lock);
	kfree(gctx);
	return 0;
}

static struct tio_tvm *gctx_create(struct tio_tsm *base)
{
	struct sev_gctx *gctx = kzalloc_obj(*gctx);
	int rc;

	if (!gctx)
		return ERR_PTR(-ENOMEM);
	gctx->tsm = to_sev_tsm(base);
	mutex_init(&gctx->lock);
	INIT_LIST_HEAD(&gctx->tdis);
	spin_lock_init(&gctx->mem_lock);
	xa_init(&gctx->mem);

	rc = gctx_build(gctx);
	if (rc) {
		if (gctx_end(&gctx->tvm))
			tio_leak(base, gctx, "guest context");
		return ERR_PTR(rc);
	}
	return &gctx->tvm;
}

static void gctx_forget(struct tio_tvm *tvm, u64 start, u64 end)
{
	sev_mem_remove(to_gctx(tvm), start, end);
}

static const struct tio_tvms_ops gctx_ops = {
	.name = "sev-gctx",
	.noun = "guest context",
	.create = gctx_create,
	.end = gctx_end,
	.mem_invalidate = gctx_forget,
};

/* leaked and freed by the TVM that it begins with */
static_assert(offsetof(struct sev_gctx, tvm) == 0);

/* KVM: these private pages are about to be freed. Atomic, under mmu_lock. */
static void gctx_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
	tio_tvms_mem_invalidate(&sev_gctxs, kvm, start, end);
}

/* KVM: this VM is being destroyed. May be called where nothing may sleep. */
static void gctx_vm_destroy(struct kvm *kvm)
{
	tio_tvms_destroy(&sev_gctxs, kvm);
}

struct tio_tvms sev_gctxs = {
	.ops = &gctx_ops,
	.listener = {
		.mem_invalidate = gctx_mem_invalidate,
		.destroy = gctx_vm_destroy,
	},
};

/**
 * sev_gctx_get() - the gctx of a TVM, made if this is its first TDI
 * @tsm: the root complex
 * @kvm: the TVM, referenced by the caller's binding
 *
 * Context: under pci_tsm_pf0::lock. To be undone with tio_tvm_put().
 *
 * Return: the gctx; ERR_PTR of -ENOMEM; -ENOSPC: no ASID left; -EXDEV: the TVM is a
 * guest of another root complex's firmware; or firmware's refusal.
 */
struct sev_gctx *sev_gctx_get(struct sev_tsm *tsm, struct kvm *kvm)
{
	struct tio_tvm *tvm = tio_tvm_get(&sev_gctxs, &tsm->base, kvm);

	return IS_ERR(tvm) ? ERR_CAST(tvm) : to_gctx(tvm);
}
