// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which realm a TVM is. A KVM_X86_SW_PROTECTED_VM has none, so it gets one when the
 * first TDI is bound to it. It dies after its VM, from a work item, because KVM says
 * so where nothing may sleep. What firmware does not give back then is leaked for
 * good, with every page that is still in the stage 2.
 */
#include <linux/cleanup.h>

#include "cca-tsm.h"

/* Owns birth and death of realms, their nr_tdis and their vdev_ids */
static DEFINE_MUTEX(cca_realms_lock);
/* struct kvm * to the realm of that VM; read under RCU */
static DEFINE_XARRAY(cca_realms);
static struct workqueue_struct *cca_realm_wq;

/* Nobody finds the realm in cca_realms any more. Context: process. */
static void realm_end(struct cca_realm *realm)
{
	struct cca_tsm *tsm = realm->tsm;

	/* those who found it before it was taken out of cca_realms */
	synchronize_rcu();
	if (cca_realm_destroy(realm))
		cca_leak(tsm, realm, "realm");
}

static void realm_death(struct work_struct *work)
{
	realm_end(container_of(work, struct cca_realm, death));
}

static struct cca_realm *realm_birth(struct cca_tsm *tsm, struct kvm *kvm)
{
	struct cca_realm *realm = cca_realm_create(tsm);
	int rc;

	lockdep_assert_held(&cca_realms_lock);

	if (IS_ERR(realm))
		return realm;
	INIT_WORK(&realm->death, realm_death);
	rc = xa_insert(&cca_realms, (unsigned long)kvm, realm, GFP_KERNEL);
	if (rc) {
		realm_end(realm);
		return ERR_PTR(rc);
	}
	return realm;
}

/**
 * cca_tvm_get() - the realm of a TDI's TVM, made if this is its first TDI
 * @tdi: the TDI; its VDEV gets the realm, and @tdi the name that it asks for
 * @tsm: the root complex
 * @kvm: the TVM, referenced by the caller's binding
 *
 * Context: under pci_tsm_pf0::lock. To be undone with cca_tvm_put().
 *
 * Return: 0; -ENOMEM; -EXDEV: the TVM is a realm of another root complex's
 * firmware; -EBUSY: the TVM has a TDI of that name; or firmware's refusal as errno.
 */
int cca_tvm_get(struct cca_tdi *tdi, struct cca_tsm *tsm, struct kvm *kvm)
{
	struct cca_realm *realm;
	int rc;

	guard(mutex)(&cca_realms_lock);
	realm = xa_load(&cca_realms, (unsigned long)kvm);
	if (!realm)
		realm = realm_birth(tsm, kvm);
	if (IS_ERR(realm))
		return PTR_ERR(realm);
	if (realm->tsm != tsm)
		return -EXDEV;
	rc = xa_insert(&realm->vdev_ids, tdi->tdi.tdi_id, tdi, GFP_KERNEL);
	if (rc)
		return rc;
	realm->nr_tdis++;
	tdi->named = true;
	cca_mmio_init(&tdi->mmio, realm);
	tdi->mmio.params.vdev_id = tdi->tdi.tdi_id;
	return 0;
}

/**
 * cca_tvm_put() - a TDI has left its realm, which stays until its VM is destroyed
 * @tdi: the TDI; firmware has no VDEV of it. One that has no realm is fine
 *
 * A quarantined TDI never does this.
 */
void cca_tvm_put(struct cca_tdi *tdi)
{
	struct cca_realm *realm = tdi->mmio.realm;

	if (!tdi->named)
		return;
	guard(mutex)(&cca_realms_lock);
	xa_erase(&realm->vdev_ids, tdi->tdi.tdi_id);
	tdi->named = false;
	if (!WARN_ON(!realm->nr_tdis))
		realm->nr_tdis--;
}

/* KVM: these private pages are about to be freed. Atomic, under mmu_lock. */
static void tvm_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
	struct cca_realm *realm;

	guard(rcu)();
	realm = xa_load(&cca_realms, (unsigned long)kvm);
	if (realm)
		cca_mem_remove(realm, start, end);
}

/* KVM: this VM is being destroyed. May be called where nothing may sleep. */
static void tvm_destroy(struct kvm *kvm)
{
	struct cca_realm *realm;

	/* cca_tvm_end_all() waits until what is erased here is queued */
	guard(rcu)();
	realm = xa_erase(&cca_realms, (unsigned long)kvm);
	if (realm)
		queue_work(cca_realm_wq, &realm->death);
}

static struct pci_tdi_tvm_listener tvm_listener = {
	.mem_invalidate = tvm_mem_invalidate,
	.destroy = tvm_destroy,
};

/* Take the realm of @key out of cca_realms. NULL: not of @tsm, or its VM was faster */
static struct cca_realm *realm_take(struct cca_tsm *tsm, unsigned long key)
{
	struct cca_realm *realm;

	/* the VM's end does not take cca_realms_lock: it waits for RCU to free a realm */
	guard(rcu)();
	realm = xa_load(&cca_realms, key);
	return realm && realm->tsm == tsm ? xa_erase(&cca_realms, key) : NULL;
}

/**
 * cca_tvm_end_all() - the driver leaves a root complex: end its realms
 * @tsm: the root complex; no TDI is bound any more
 *
 * Realms whose VM still lives end here, since nobody will tell us of its death; one
 * with a quarantined TDI is leaked.
 */
void cca_tvm_end_all(struct cca_tsm *tsm)
{
	struct cca_realm *realm;
	unsigned long key;

	scoped_guard(mutex, &cca_realms_lock) {
		xa_for_each(&cca_realms, key, realm) {
			realm = realm_take(tsm, key);
			if (!realm)
				continue;
			if (realm->nr_tdis)
				cca_leak(tsm, realm, "realm of a quarantined TDI");
			else
				realm_end(realm);
		}
	}
	synchronize_rcu();
	flush_workqueue(cca_realm_wq);
}

int cca_tvm_init(void)
{
	cca_realm_wq = alloc_workqueue("cca-realm",
				       WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!cca_realm_wq)
		return -ENOMEM;
	pci_tdi_register_listener(&tvm_listener);
	return 0;
}

void cca_tvm_exit(void)
{
	pci_tdi_unregister_listener(&tvm_listener);
	destroy_workqueue(cca_realm_wq);
}
