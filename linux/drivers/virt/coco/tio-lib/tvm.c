// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which TVM is what in firmware. A KVM_X86_SW_PROTECTED_VM is nothing there, so it
 * gets an object of its vendor when the first TDI is bound to it. That dies after
 * its VM, from a work item, because KVM says so where nothing may sleep. What
 * firmware does not give back then is leaked for good.
 */
#include <linux/cleanup.h>
#include <linux/tio-tsm.h>

/* Nobody finds @tvm in its registry any more. Context: process. */
static void tvm_end(struct tio_tvm *tvm)
{
	const struct tio_tvms_ops *ops = tvm->tvms->ops;
	struct tio_tsm *tsm = tvm->tsm;

	/* those who found it before it was taken out of the registry */
	synchronize_rcu();
	if (ops->end(tvm))
		tio_leak(tsm, tvm, "%s", ops->noun);
}

static void tvm_death(struct work_struct *work)
{
	tvm_end(container_of(work, struct tio_tvm, death));
}

static struct tio_tvm *tvm_birth(struct tio_tvms *tvms, struct tio_tsm *tsm,
				 struct kvm *kvm)
{
	struct tio_tvm *tvm;
	int rc;

	lockdep_assert_held(&tvms->lock);

	tvm = tvms->ops->create(tsm);
	if (IS_ERR(tvm))
		return tvm;
	tvm->tvms = tvms;
	tvm->tsm = tsm;
	INIT_WORK(&tvm->death, tvm_death);
	rc = xa_insert(&tvms->by_kvm, (unsigned long)kvm, tvm, GFP_KERNEL);
	if (rc) {
		tvm_end(tvm);
		return ERR_PTR(rc);
	}
	return tvm;
}

/**
 * tio_tvm_get() - what a TVM is in firmware, made if this is its first TDI
 * @tvms: the driver's registry
 * @tsm: the root complex
 * @kvm: the TVM, referenced by the caller's binding
 *
 * Context: under pci_tsm_pf0::lock. To be undone with tio_tvm_put().
 *
 * Return: the TVM; ERR_PTR of -EXDEV: it is one of another root complex's firmware;
 * -ENOMEM; or what tio_tvms_ops::create() says.
 */
struct tio_tvm *tio_tvm_get(struct tio_tvms *tvms, struct tio_tsm *tsm,
			    struct kvm *kvm)
{
	struct tio_tvm *tvm;

	guard(mutex)(&tvms->lock);
	tvm = xa_load(&tvms->by_kvm, (unsigned long)kvm);
	if (!tvm)
		tvm = tvm_birth(tvms, tsm, kvm);
	if (IS_ERR(tvm))
		return tvm;
	if (tvm->tsm != tsm)
		return ERR_PTR(-EXDEV);
	tvm->nr_tdis++;
	return tvm;
}
EXPORT_SYMBOL_GPL(tio_tvm_get);

/**
 * tio_tvm_put() - a TDI has left its TVM
 * @tvm: the TVM, which stays until its VM is destroyed
 *
 * A quarantined TDI never does this. Context: process.
 */
void tio_tvm_put(struct tio_tvm *tvm)
{
	guard(mutex)(&tvm->tvms->lock);
	if (!WARN_ON(!tvm->nr_tdis))
		tvm->nr_tdis--;
}
EXPORT_SYMBOL_GPL(tio_tvm_put);

/**
 * tio_tvms_mem_invalidate() - KVM: these private pages are about to be freed
 * @tvms: the driver's registry
 * @kvm: the TVM, or a VM that is none
 * @start: first guest frame number
 * @end: one past the last
 *
 * For pci_tdi_tvm_listener::mem_invalidate. Context: atomic, under mmu_lock.
 */
void tio_tvms_mem_invalidate(struct tio_tvms *tvms, struct kvm *kvm, u64 start,
			     u64 end)
{
	struct tio_tvm *tvm;

	guard(rcu)();
	tvm = xa_load(&tvms->by_kvm, (unsigned long)kvm);
	if (tvm)
		tvms->ops->mem_invalidate(tvm, start, end);
}
EXPORT_SYMBOL_GPL(tio_tvms_mem_invalidate);

/**
 * tio_tvms_destroy() - KVM: this VM is being destroyed
 * @tvms: the driver's registry
 * @kvm: the VM
 *
 * For pci_tdi_tvm_listener::destroy. May be called where nothing may sleep.
 */
void tio_tvms_destroy(struct tio_tvms *tvms, struct kvm *kvm)
{
	struct tio_tvm *tvm;

	/* tio_tvms_end_all() waits until what is erased here is queued */
	guard(rcu)();
	tvm = xa_erase(&tvms->by_kvm, (unsigned long)kvm);
	if (tvm)
		queue_work(tvms->wq, &tvm->death);
}
EXPORT_SYMBOL_GPL(tio_tvms_destroy);

/* Take the TVM of @key out. NULL: not of @tsm, or its VM was faster */
static struct tio_tvm *tvm_take(struct tio_tvms *tvms, struct tio_tsm *tsm,
				unsigned long key)
{
	struct tio_tvm *tvm;

	/* the VM's end does not take tio_tvms::lock: it waits for RCU to free one */
	guard(rcu)();
	tvm = xa_load(&tvms->by_kvm, key);
	return tvm && tvm->tsm == tsm ? xa_erase(&tvms->by_kvm, key) : NULL;
}

/**
 * tio_tvms_end_all() - the driver leaves a root complex: end its TVMs
 * @tvms: the driver's registry
 * @tsm: the root complex; no TDI is bound any more
 *
 * Those whose VM still lives end here, since nobody will tell us of its death; one
 * with a quarantined TDI is leaked. Context: process.
 */
void tio_tvms_end_all(struct tio_tvms *tvms, struct tio_tsm *tsm)
{
	struct tio_tvm *tvm;
	unsigned long key;

	scoped_guard(mutex, &tvms->lock) {
		xa_for_each(&tvms->by_kvm, key, tvm) {
			tvm = tvm_take(tvms, tsm, key);
			if (!tvm)
				continue;
			if (tvm->nr_tdis)
				tio_leak(tsm, tvm, "%s of a quarantined TDI",
					 tvms->ops->noun);
			else
				tvm_end(tvm);
		}
	}
	synchronize_rcu();
	flush_workqueue(tvms->wq);
}
EXPORT_SYMBOL_GPL(tio_tvms_end_all);

/**
 * tio_tvms_init() - a driver begins to hear of TVMs
 * @tvms: its registry, with ops and listener
 *
 * Undone by tio_tvms_exit(). Context: process. Return: 0 or -ENOMEM.
 */
int tio_tvms_init(struct tio_tvms *tvms)
{
	mutex_init(&tvms->lock);
	xa_init(&tvms->by_kvm);
	tvms->wq = alloc_workqueue("%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 0,
				   tvms->ops->name);
	if (!tvms->wq)
		return -ENOMEM;
	pci_tdi_register_listener(&tvms->listener);
	return 0;
}
EXPORT_SYMBOL_GPL(tio_tvms_init);

/**
 * tio_tvms_exit() - undo tio_tvms_init()
 * @tvms: the registry; the driver has no root complex any more
 *
 * Context: process.
 */
void tio_tvms_exit(struct tio_tvms *tvms)
{
	pci_tdi_unregister_listener(&tvms->listener);
	destroy_workqueue(tvms->wq);
	xa_destroy(&tvms->by_kvm);
	mutex_destroy(&tvms->lock);
}
EXPORT_SYMBOL_GPL(tio_tvms_exit);
