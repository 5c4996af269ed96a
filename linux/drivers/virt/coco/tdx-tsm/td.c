// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware's view of one TVM. A KVM_X86_SW_PROTECTED_VM has none, so it gets one
 * when the first TDI is bound to it: TDR, TDCS, one vCPU, and a secure EPT that
 * holds the private memory that trusted DMA has touched, and private MMIO.
 *
 * It dies after its VM, from a work item, because KVM says so where nothing may
 * sleep. What firmware does not give back then is leaked for good, with the key
 * id and with every page that is still in the secure EPT.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "tdx-tsm.h"

/* guest physical addresses that anything private may be mapped at, exclusive */
#define TDX_GPA_END		TDX_GPA_SHARED

static int add_tdcs(struct tdx_td *td)
{
	struct tdx_tsm *tsm = td->tsm;

	for (int i = 0; i < TDX_FW_MIN_TDCS; i++) {
		u64 page = tio_page_alloc();
		int rc;

		if (!page)
			return -ENOMEM;
		rc = tdx_check(tsm, TDH_MNG_ADDCX,
			       tdx_retry(tdh_mng_addcx(tsm->fw, td->tdr, page)));
		if (rc) {
			tio_page_free(&page);
			return rc;
		}
		td->tdcs[i] = page;
	}
	return 0;
}

static int add_vp(struct tdx_td *td)
{
	struct tdx_tsm *tsm = td->tsm;
	int rc;

	td->vp = tio_page_alloc();
	if (!td->vp)
		return -ENOMEM;
	rc = tdx_check(tsm, TDH_VP_CREATE,
		       tdx_retry(tdh_vp_create(tsm->fw, td->tdr, td->vp)));
	td->vp_created = !rc;
	return rc;
}

static int key_config(struct tdx_td *td)
{
	struct tdx_tsm *tsm = td->tsm;
	int rc;

	if (td->keyed)
		return 0;
	rc = tdx_check(tsm, TDH_MNG_KEY_CONFIG,
		       tdx_retry(tdh_mng_key_config(tsm->fw, td->tdr)));
	td->keyed = !rc;
	return rc;
}

/* Build the TD up to RUNNABLE; half-way states are for td_end() */
static int td_build(struct tdx_td *td)
{
	struct tdx_tsm *tsm = td->tsm;
	int rc;

	td->hkid = ida_alloc_range(&tsm->hkids, 1, TDX_FW_NR_HKIDS - 1,
				   GFP_KERNEL);
	if (td->hkid < 0)
		return td->hkid;
	td->tdr = tio_page_alloc();
	if (!td->tdr)
		return -ENOMEM;

	rc = tdx_check(tsm, TDH_MNG_CREATE,
		       tdx_retry(tdh_mng_create(tsm->fw, td->tdr, td->hkid)));
	if (rc)
		return rc;
	td->created = true;

	rc = key_config(td);
	if (!rc)
		rc = add_tdcs(td);
	if (!rc)
		rc = tdx_check(tsm, TDH_MNG_INIT,
			       tdx_retry(tdh_mng_init(tsm->fw, td->tdr)));
	if (!rc)
		rc = add_vp(td);
	if (!rc)
		rc = tdx_check(tsm, TDH_MR_FINALIZE,
			       tdx_retry(tdh_mr_finalize(tsm->fw, td->tdr)));
	if (!rc)
		rc = tdx_check(tsm, TDH_VP_ENTER,
			       tdx_retry(tdh_vp_enter(tsm->fw, td->vp)));
	return rc;
}

static int reclaim(struct tdx_td *td, u64 *page)
{
	int rc;

	if (!*page)
		return 0;
	rc = tdx_check(td->tsm, TDH_PHYMEM_PAGE_RECLAIM,
		       tdx_retry(tdh_phymem_page_reclaim(td->tsm->fw, *page)));
	if (!rc)
		tio_page_free(page);
	return rc;
}

/* Private pages that could not be removed while the TD was alive */
static int reclaim_memory(struct tdx_td *td)
{
	struct tdx_sept_entry entry;
	u64 gpa = 0;
	int rc;

	while (tdx_fw_next_page(td->tsm->fw, td->tdr, &gpa, TDX_GPA_END,
				&entry)) {
		u64 status = tdh_phymem_page_reclaim(td->tsm->fw, entry.hpa);

		rc = tdx_check(td->tsm, TDH_PHYMEM_PAGE_RECLAIM, status);
		if (rc)
			return rc;
		/* of tdx_mem_miss() */
		put_page(pfn_to_page(PHYS_PFN(entry.hpa)));
		gpa += PAGE_SIZE;
		cond_resched();
	}
	return 0;
}

/* a leaf of MMIO begins at this key: there is no S-EPT page */
static bool is_leaf(struct tdx_td *td, u64 key)
{
	return xa_get_mark(&td->sept, key, TDX_SEPT_LEAF);
}

static int reclaim_sept(struct tdx_td *td)
{
	unsigned long key;
	void *entry;
	int rc;

	xa_for_each(&td->sept, key, entry) {
		u64 page = PFN_PHYS(xa_to_value(entry));

		if (is_leaf(td, key))
			continue;
		rc = reclaim(td, &page);
		if (rc)
			return rc;
		xa_erase(&td->sept, key);
	}
	xa_destroy(&td->sept);
	return 0;
}

static int vp_flush(struct tdx_td *td)
{
	u64 status;

	if (!td->vp_created)
		return 0;
	status = tdx_retry(tdh_vp_flush(td->tsm->fw, td->vp));
	/* a vCPU that never ran is associated with nothing */
	if (TDX_CLASS(status) == TDX_VCPU_NOT_ASSOCIATED)
		return 0;
	return tdx_check(td->tsm, TDH_VP_FLUSH, status);
}

static int td_block(struct tdx_td *td)
{
	int rc;

	if (td->blocked)
		return 0;
	rc = vp_flush(td);
	if (!rc)
		rc = tdx_check(td->tsm, TDH_MNG_VPFLUSHDONE,
			       tdx_retry(tdh_mng_vpflushdone(td->tsm->fw,
							     td->tdr)));
	td->blocked = !rc;
	return rc;
}

static int key_free(struct tdx_td *td)
{
	int rc;

	if (td->unkeyed)
		return 0;
	rc = tdx_check(td->tsm, TDH_MNG_KEY_FREEID,
		       tdx_retry(tdh_mng_key_freeid(td->tsm->fw, td->tdr)));
	td->unkeyed = !rc;
	return rc;
}

static int td_reclaim(struct tdx_td *td)
{
	int rc;

	rc = reclaim_memory(td) ?: reclaim_sept(td);
	for (int i = 0; !rc && i < TDX_FW_MIN_TDCS; i++)
		rc = reclaim(td, &td->tdcs[i]);
	if (!rc && td->vp_created)
		rc = reclaim(td, &td->vp);
	return rc ?: reclaim(td, &td->tdr);
}

/* All private memory, 2 MiB at a time: it is blocked and removed under a spinlock */
static void remove_private(struct tdx_td *td)
{
	struct tdx_sept_entry entry;
	u64 gpa = 0, end;

	while (tdx_fw_next_page(td->tsm->fw, td->tdr, &gpa, TDX_GPA_END,
				&entry)) {
		end = round_down(gpa, TDX_SEPT_SPAN) + TDX_SEPT_SPAN;
		tdx_mem_remove(td, PHYS_PFN(gpa), PHYS_PFN(end));
		gpa = end;
		cond_resched();
	}
}

/* From whatever state to the last page; goes on where an earlier try stopped */
static int td_shut_down(struct tdx_td *td)
{
	int rc;

	if (!td->created)
		return 0;
	/* firmware ends a TD only once it has had its key */
	rc = key_config(td);
	if (!rc && !td->blocked)
		remove_private(td);
	return rc ?: td_block(td) ?: key_free(td) ?: td_reclaim(td);
}

static struct tdx_td *to_td(struct tio_tvm *tvm)
{
	return container_of(tvm, struct tdx_td, tvm);
}

/* End a TD in whatever half-way state and free it; -errno: to be leaked whole */
static int td_end(struct tio_tvm *tvm)
{
	struct tdx_td *td = to_td(tvm);
	struct tdx_tsm *tsm = td->tsm;
	int rc = td_shut_down(td);

	/* a refusal may be passing */
	if (rc)
		rc = td_shut_down(td);
	if (rc)
		return rc;
	tio_page_free(&td->vp);
	tio_page_free(&td->tdr);
	if (td->hkid >= 0)
		ida_free(&tsm->hkids, td->hkid);
	mutex_destroy(&td->sept_lock);
	kfree(td);
	return 0;
}

static struct tio_tvm *td_create(struct tio_tsm *base)
{
	struct tdx_td *td = kzalloc_obj(*td);
	int rc;

	if (!td)
		return ERR_PTR(-ENOMEM);
	td->tsm = to_tdx_tsm(base);
	td->hkid = -1;
	mutex_init(&td->sept_lock);
	xa_init(&td->sept);
	spin_lock_init(&td->lock);

	rc = td_build(td);
	if (rc) {
		if (td_end(&td->tvm))
			tio_leak(base, td, "TD");
		return ERR_PTR(rc);
	}
	return &td->tvm;
}

static void td_forget(struct tio_tvm *tvm, u64 start, u64 end)
{
	tdx_mem_remove(to_td(tvm), start, min(end, PHYS_PFN(TDX_GPA_END)));
}

static const struct tio_tvms_ops td_ops = {
	.name = "tdx-td",
	.noun = "TD",
	.create = td_create,
	.end = td_end,
	.mem_invalidate = td_forget,
};

/* leaked and freed by the TVM that it begins with */
static_assert(offsetof(struct tdx_td, tvm) == 0);

/* KVM: these private pages are about to be freed. Atomic, under mmu_lock. */
static void td_mem_invalidate(struct kvm *kvm, u64 start, u64 end)
{
	tio_tvms_mem_invalidate(&tdx_tds, kvm, start, end);
}

/* KVM: this VM is being destroyed. May be called where nothing may sleep. */
static void td_vm_destroy(struct kvm *kvm)
{
	tio_tvms_destroy(&tdx_tds, kvm);
}

struct tio_tvms tdx_tds = {
	.ops = &td_ops,
	.listener = {
		.mem_invalidate = td_mem_invalidate,
		.destroy = td_vm_destroy,
	},
};
EXPORT_SYMBOL_IF_KUNIT(tdx_tds);

/**
 * tdx_td_get() - the TD of a TVM, made if this is its first TDI
 * @tsm: the root complex
 * @kvm: the TVM, referenced by the caller's binding
 *
 * Context: under pci_tsm_pf0::lock. To be undone with tio_tvm_put().
 *
 * Return: the TD; ERR_PTR of -ENOMEM; -ENOSPC: no key id left; -EXDEV: the TVM
 * is a TD of another root complex's firmware; or firmware's refusal.
 */
struct tdx_td *tdx_td_get(struct tdx_tsm *tsm, struct kvm *kvm)
{
	struct tio_tvm *tvm = tio_tvm_get(&tdx_tds, &tsm->base, kvm);

	return IS_ERR(tvm) ? ERR_CAST(tvm) : to_td(tvm);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_td_get);

static int sept_add(struct tdx_td *td, u64 gpa, u64 key)
{
	u64 page = tio_page_alloc();
	int rc;

	lockdep_assert_held(&td->sept_lock);

	if (!page)
		return -ENOMEM;
	/* reserved first, stored last: a reader of @sept finds what firmware has */
	rc = xa_reserve(&td->sept, key, GFP_KERNEL);
	if (!rc) {
		rc = tdx_check(td->tsm, TDH_MEM_SEPT_ADD,
			       tdx_retry(tdh_mem_sept_add(td->tsm->fw, td->tdr,
							  gpa, page)));
		if (rc)
			xa_release(&td->sept, key);
	}
	if (rc) {
		tio_page_free(&page);
		return rc;
	}
	xa_store(&td->sept, key, xa_mk_value(PHYS_PFN(page)), GFP_KERNEL);
	return 0;
}

/* a page with nothing in it; its reader mem_install() has no business there */
static int sept_remove(struct tdx_td *td, u64 key)
{
	u64 page;
	int rc;

	lockdep_assert_held(&td->sept_lock);

	rc = tdx_check(td->tsm, TDH_MEM_SEPT_REMOVE,
		       tdx_retry(tdh_mem_sept_remove(td->tsm->fw, td->tdr,
						     key * TDX_SEPT_SPAN,
						     &page)));
	if (rc)
		return rc;
	xa_erase(&td->sept, key);
	tio_page_free(&page);
	return 0;
}

/* S-EPT pages per 1 GiB: the only leaf that has more than one key */
#define TDX_SEPT_KEYS		(tio_leaf_size(TDX_LEVEL_1G) / TDX_SEPT_SPAN)

/* is the address in a leaf of MMIO that is larger than 4 KiB? */
static bool in_leaf(struct tdx_td *td, u64 key)
{
	u64 first = round_down(key, TDX_SEPT_KEYS);

	lockdep_assert_held(&td->sept_lock);

	return is_leaf(td, key) ||
	       (is_leaf(td, first) &&
		xa_to_value(xa_load(&td->sept, first)) == TDX_LEVEL_1G);
}

/**
 * tdx_td_has_sept() - has a guest address its S-EPT page?
 * @td: the TD
 * @gpa: guest physical address
 *
 * Return: true if it has. Context: any.
 */
bool tdx_td_has_sept(struct tdx_td *td, u64 gpa)
{
	u64 key = gpa / TDX_SEPT_SPAN;

	return xa_load(&td->sept, key) && !is_leaf(td, key);
}

/**
 * tdx_td_sept() - see to it that a guest address has its S-EPT page
 * @td: the TD, with a TDI bound
 * @gpa: guest physical address
 *
 * Context: process. The page stays until the TD ends, or a larger leaf of MMIO comes.
 * Return: 0; -EINVAL: no such address; -EBUSY: a larger leaf of MMIO is there;
 * -ENOMEM; or firmware's refusal as errno.
 */
int tdx_td_sept(struct tdx_td *td, u64 gpa)
{
	u64 key = gpa / TDX_SEPT_SPAN;

	if (gpa >= TDX_GPA_END)
		return -EINVAL;

	guard(mutex)(&td->sept_lock);
	if (in_leaf(td, key))
		return -EBUSY;
	if (xa_load(&td->sept, key))
		return 0;
	return sept_add(td, round_down(gpa, TDX_SEPT_SPAN), key);
}
EXPORT_SYMBOL_IF_KUNIT(tdx_td_sept);

/* Room for a leaf of MMIO of the keys @first .. @last: no S-EPT page below it */
static int leaf_room(struct tdx_td *td, u64 first, u64 last, unsigned int level)
{
	unsigned long key;
	void *entry;
	int rc;

	guard(mutex)(&td->sept_lock);
	if (in_leaf(td, first))
		return -EBUSY;
	xa_for_each_range(&td->sept, key, entry, first, last)
		if (is_leaf(td, key))
			return -EBUSY;
	xa_for_each_range(&td->sept, key, entry, first, last) {
		rc = sept_remove(td, key);
		if (rc)
			return rc;
	}
	rc = xa_err(xa_store(&td->sept, first, xa_mk_value(level), GFP_KERNEL));
	if (!rc)
		xa_set_mark(&td->sept, first, TDX_SEPT_LEAF);
	return rc;
}

/* Memory that firmware once did not give back: another try. True: none is left */
static bool is_memory_gone(struct tdx_td *td, u64 gpa, u64 end)
{
	struct tdx_sept_entry entry;

	tdx_mem_remove(td, PHYS_PFN(gpa), PHYS_PFN(end));
	return !tdx_fw_next_page(td->tsm->fw, td->tdr, &gpa, end, &entry);
}

/**
 * tdx_td_room() - see to it that a leaf of private MMIO can be mapped
 * @td: the TD, with a TDI bound
 * @gpa: guest physical address, aligned to the leaf; KVM has private slots of the
 *	 TDI at all of it
 * @level: of the leaf
 *
 * The addresses are free, and firmware need not be asked whether they are. KVM has
 * one slot at an address: private memory was there only in an earlier slot, and left
 * the secure EPT with it unless firmware refused, which is in tdx_td::stuck. Another
 * TDI's MMIO was there only in an earlier slot of that TDI, which KVM does not delete
 * before the unbind is over; this TDI's is what the caller has in its list. What
 * may be there is tables of smaller leaves: they are taken out, being empty for the
 * same reasons, or added for a leaf that needs one.
 *
 * Context: process. Undone by tdx_td_room_undo(), once the leaf is unmapped.
 *
 * Return: 0; -EINVAL: no such address; -EBUSY: memory or another leaf is there after
 * all; -ENOMEM; or firmware's refusal as errno.
 */
int tdx_td_room(struct tdx_td *td, u64 gpa, unsigned int level)
{
	u64 end = gpa + tio_leaf_size(level);

	if (gpa >= TDX_GPA_END || end > TDX_GPA_END)
		return -EINVAL;
	if (READ_ONCE(td->stuck) && !is_memory_gone(td, gpa, end))
		return -EBUSY;
	if (!level)
		return tdx_td_sept(td, gpa);
	return leaf_room(td, gpa / TDX_SEPT_SPAN, (end - 1) / TDX_SEPT_SPAN,
			 level);
}

/**
 * tdx_td_room_undo() - a leaf of private MMIO is not mapped, or not any more
 * @td: the TD
 * @gpa: as in tdx_td_room()
 * @level: as there
 *
 * Allocates nothing. The S-EPT page of a 4 KiB leaf stays, see tdx_td_sept().
 * Context: process.
 */
void tdx_td_room_undo(struct tdx_td *td, u64 gpa, unsigned int level)
{
	if (!level)
		return;
	guard(mutex)(&td->sept_lock);
	xa_erase(&td->sept, gpa / TDX_SEPT_SPAN);
}
