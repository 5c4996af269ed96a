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
#include <linux/cleanup.h>
#include <linux/slab.h>

#include "sev-tsm.h"

/* Owns birth and death of gctxs and their nr_tdis */
static DEFINE_MUTEX(sev_gctxs_lock);
/* struct kvm * to the gctx of that VM; read under RCU */
static DEFINE_XARRAY(sev_gctxs);
static struct workqueue_struct *sev_gctx_wq;

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

/*
 * End a gctx in whatever half-way state and free it, or leak it whole. Nobody
 * finds it in sev_gctxs any more. Context: process.
 */
static void gctx_end(struct sev_gctx *gctx)
{
	/* those who found it before it was taken out of sev_gctxs */
	synchronize_rcu();

	/* a refusal may be passing */
	if (gctx_shut_down(gctx) && gctx_shut_down(gctx)) {
		sev_leak(gctx->tsm, gctx, "guest context");
		return;
	}
	tio_page_free(&gctx->page);
	asid_free(gctx);
	xa_destroy(&gctx->mem);
	mutex_destroy(&gctx->lock);
	kfree(gctx);
}

static void gctx_death(struct work_struct *work)
{
	gctx_end(container_of(work, struct sev_gctx, death));
}

static struct sev_gctx *gctx_create(struct sev_tsm *tsm, struct kvm *kvm)
{
	struct sev_gctx *gctx = kzalloc_obj(*gctx);
	int rc;

	lockdep_assert_held(&sev_gctxs_lock);

	if (!gctx)
		return ERR_PTR(-ENOMEM);
	gctx->tsm = tsm;
	mutex_init(&gctx->lock);
	INIT_LIST_HEAD(&gctx->tdis);
	spin_lock_init(&gctx->mem_lock);
	xa_init(&gctx->mem);
	INIT_WORK(&gctx->death, gctx_death);

	rc = gctx_build(gctx);
	if (!rc)
		rc = xa_insert(&sev_gctxs, (unsigned long)kvm, gctx, GFP_KERNEL);
	if (rc) {
		gctx_end(gctx);
		return ERR_PTR(rc);
	}
	return gctx;
}

/**
 * sev_gctx_get() - the gctx of a TVM, made if this is its first TDI
 * @tsm: the root complex
 * @kvm: the TVM, referenced by the caller's binding
 *
 * Context: under pci_tsm_pf0::lock. To be undone with sev_gctx_put().
 *
 * Return: the gctx; ERR_PTR of -ENOMEM; -ENOSPC: no ASID left; -EXDEV: the TVM is a
 * guest of another root complex's firmware; or firmware's refusal.
 */
struct sev_gctx *sev_gctx_get(struct sev_tsm *tsm, struct kvm *kvm)
{
	struct sev_gctx *gctx;

	guard(mutex)(&sev_gctxs_lock);
	gctx = xa_load(&sev_gctxs, (unsigned long)kvm);
	if (!gctx)
		gctx = gctx_create(tsm, kvm);
	if (IS_ERR(gctx))
		return gctx;
	if (gctx->tsm != tsm)
		return ERR_PTR(-EXDEV);
	gctx->nr_tdis++;
	return gctx;
}

/**
 * sev_gctx_put() - a TDI has left its guest
 * @gctx: the gctx, which stays until its VM is destroyed
 *
 * A quarantined TDI never does this.
 */
void sev_gctx_put(struct sev_gctx *gctx)
{
	guard(mutex)(&sev_gctxs_lock);
	if (!WARN_ON(!gctx->nr_tdis))
		gctx->nr_tdis--;
}

/* KVM: these private pages are about to be freed. Atomic, under mmu_lock. */
static void gctx_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
	struct sev_gctx *gctx;

	guard(rcu)();
	gctx = xa_load(&sev_gctxs, (unsigned long)kvm);
	if (gctx)
		sev_mem_remove(gctx, start, end);
}

/* KVM: this VM is being destroyed. May be called where nothing may sleep. */
static void gctx_vm_destroy(struct kvm *kvm)
{
	struct sev_gctx *gctx;

	/* sev_gctx_end_all() waits until what is erased here is queued */
	guard(rcu)();
	gctx = xa_erase(&sev_gctxs, (unsigned long)kvm);
	if (gctx)
		queue_work(sev_gctx_wq, &gctx->death);
}

static struct pci_tdi_tvm_listener gctx_listener = {
	.mem_invalidate = gctx_mem_invalidate,
	.destroy = gctx_vm_destroy,
};

/* Take the gctx of @key out of sev_gctxs. NULL: not of @tsm, or its VM was faster */
static struct sev_gctx *gctx_take(struct sev_tsm *tsm, unsigned long key)
{
	struct sev_gctx *gctx;

	/* the VM's end does not take sev_gctxs_lock: it waits for RCU to free a gctx */
	guard(rcu)();
	gctx = xa_load(&sev_gctxs, key);
	return gctx && gctx->tsm == tsm ? xa_erase(&sev_gctxs, key) : NULL;
}

/**
 * sev_gctx_end_all() - the driver leaves a root complex: end its gctxs
 * @tsm: the root complex; no TDI is bound any more
 *
 * Those whose VM still lives end here, since nobody will tell us of its death; one
 * with a quarantined TDI is leaked.
 */
void sev_gctx_end_all(struct sev_tsm *tsm)
{
	unsigned long key;
	struct sev_gctx *gctx;

	scoped_guard(mutex, &sev_gctxs_lock) {
		xa_for_each(&sev_gctxs, key, gctx) {
			gctx = gctx_take(tsm, key);
			if (!gctx)
				continue;
			if (gctx->nr_tdis)
				sev_leak(tsm, gctx,
					 "guest context of a quarantined TDI");
			else
				gctx_end(gctx);
		}
	}
	synchronize_rcu();
	flush_workqueue(sev_gctx_wq);
}

int sev_gctx_init(void)
{
	sev_gctx_wq = alloc_workqueue("sev-gctx", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!sev_gctx_wq)
		return -ENOMEM;
	pci_tdi_register_listener(&gctx_listener);
	return 0;
}

void sev_gctx_exit(void)
{
	pci_tdi_unregister_listener(&gctx_listener);
	destroy_workqueue(sev_gctx_wq);
}
