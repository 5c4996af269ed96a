// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which realm a TVM is. A KVM_X86_SW_PROTECTED_VM has none, so it gets one when the
 * first TDI is bound to it: see tio-lib/tvm.c. What firmware does not give back at
 * its end is leaked for good, with every page that is still in the stage 2.
 */
#include <linux/err.h>

#include "cca-tsm.h"

static struct cca_realm *to_realm(struct tio_tvm *tvm)
{
	return container_of(tvm, struct cca_realm, tvm);
}

static struct tio_tvm *realm_create(struct tio_tsm *base)
{
	struct cca_realm *realm = cca_realm_create(to_cca_tsm(base));

	return IS_ERR(realm) ? ERR_CAST(realm) : &realm->tvm;
}

static int realm_end(struct tio_tvm *tvm)
{
	return cca_realm_destroy(to_realm(tvm));
}

static void realm_forget(struct tio_tvm *tvm, u64 start, u64 end)
{
	cca_mem_remove(to_realm(tvm), start, end);
}

static const struct tio_tvms_ops realm_ops = {
	.name = "cca-realm",
	.noun = "realm",
	.create = realm_create,
	.end = realm_end,
	.mem_invalidate = realm_forget,
};

/* leaked and freed by the TVM that it begins with */
static_assert(offsetof(struct cca_realm, tvm) == 0);

/* KVM: these private pages are about to be freed. Atomic, under mmu_lock. */
static void realm_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
	tio_tvms_mem_invalidate(&cca_realms, kvm, start, end);
}

/* KVM: this VM is being destroyed. May be called where nothing may sleep. */
static void realm_vm_destroy(struct kvm *kvm)
{
	tio_tvms_destroy(&cca_realms, kvm);
}

struct tio_tvms cca_realms = {
	.ops = &realm_ops,
	.listener = {
		.mem_invalidate = realm_mem_invalidate,
		.destroy = realm_vm_destroy,
	},
};

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
	struct tio_tvm *tvm = tio_tvm_get(&cca_realms, &tsm->base, kvm);
	struct cca_realm *realm;
	int rc;

	if (IS_ERR(tvm))
		return PTR_ERR(tvm);
	realm = to_realm(tvm);
	rc = xa_insert(&realm->vdev_ids, tdi->tdi.tdi_id, tdi, GFP_KERNEL);
	if (rc) {
		tio_tvm_put(tvm);
		return rc;
	}
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
	xa_erase(&realm->vdev_ids, tdi->tdi.tdi_id);
	tdi->named = false;
	tio_tvm_put(&realm->tvm);
}
