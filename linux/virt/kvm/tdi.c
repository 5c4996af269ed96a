// SPDX-License-Identifier: GPL-2.0-only
/*
 * The services that KVM gives to the PCI core's TDI bindings: hold a VM, find
 * and unmap the private MMIO of a TDI, and look up guest memory for trusted DMA.
 *
 * A leaf in KVM's page tables is only a cache of what firmware allows. It may be
 * zapped at any time (mmu-notifiers walk a slot's userspace_addr, a process exit
 * zaps everything) and is asked for again at the next access; firmware's own
 * tables are never touched from here.
 */
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/kvm_vfio_dmabuf.h>
#include <linux/pagemap.h>
#include <linux/pci-tdi.h>
#include <linux/srcu.h>

#include <trace/events/kvm_vfio_dmabuf.h>

#include "kvm_mm.h"

static bool slot_is_of_seat(const struct kvm_memory_slot *slot,
			    const struct pci_tdi_seat *seat)
{
	return slot && slot->vfio_dmabuf && slot->vfio_dmabuf->seat == seat;
}

/*
 * pci_tdi_kvm_ops::mmio_lookup. A slot that is INVALID or frozen is on its way
 * out, and one whose page is shared is the VMM's: none of them is there.
 *
 * Firmware's mapping is built on the answer, hence frozen: who freezes a slot
 * does it before asking for the seat's state under the seat's lock, and who comes
 * here has made the seat BOUND under that lock. Either the one sees BOUND and
 * gives up, or the other sees frozen.
 */
static int kvm_tdi_mmio_lookup(struct kvm *kvm, struct pci_tdi_seat *seat,
			       u64 gpa, phys_addr_t *hpa)
{
	gfn_t gfn = gpa_to_gfn(gpa);
	struct kvm_memory_slot *slot;

	guard(srcu)(&kvm->srcu);

	slot = gfn_to_memslot(kvm, gfn);
	if (!slot_is_of_seat(slot, seat) ||
	    slot->flags & KVM_MEMSLOT_INVALID ||
	    READ_ONCE(slot->vfio_dmabuf->frozen) ||
	    !kvm_mem_is_private(kvm, gfn)) {
		trace_kvm_tdi_mmio_lookup(gpa, 0, -ENOENT);
		return -ENOENT;
	}

	*hpa = PFN_PHYS(slot->vfio_dmabuf->base_pfn + gfn - slot->base_gfn);
	trace_kvm_tdi_mmio_lookup(gpa, *hpa, 0);
	return 0;
}

/* Zap one slot; true: the caller has to flush */
static bool kvm_tdi_unmap_slot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	struct kvm_gfn_range range = {
		.start = slot->base_gfn,
		.end = slot->base_gfn + slot->npages,
		.slot = slot,
		.may_block = true,
		.attr_filter = KVM_FILTER_PRIVATE,
	};

	lockdep_assert_held(&kvm->mmu_lock);

	trace_kvm_tdi_mmio_unmap(gfn_to_gpa(slot->base_gfn),
				 (u64)slot->npages << PAGE_SHIFT);
	return kvm_mmu_unmap_gfn_range(kvm, &range);
}

/*
 * pci_tdi_kvm_ops::mmio_unmap. The caller has made pci_tdi_mmio_allowed() say no
 * for every page of @seat first. A fault reads the sequence count before it asks
 * that: one that was told yes read the count before invalidate_start, so it is
 * stale and starts over; one that installed its leaf before mmu_lock was taken
 * here is zapped.
 *
 * slots_lock is not taken (unbind runs under locks that its holders may want):
 * srcu keeps the slots, and an INVALID copy that is in the active set while its
 * slot is being deleted has leaves too and is walked as any other.
 */
static void kvm_tdi_mmio_unmap(struct kvm *kvm, struct pci_tdi_seat *seat)
{
	struct kvm_memory_slot *slot;
	struct kvm_memslots *slots;
	bool found = false, flush = false;
	int as_id, bkt;

	guard(srcu)(&kvm->srcu);
	KVM_MMU_LOCK(kvm);

	for (as_id = 0; as_id < kvm_arch_nr_memslot_as_ids(kvm); as_id++) {
		slots = __kvm_memslots(kvm, as_id);
		kvm_for_each_memslot(slot, bkt, slots) {
			if (!slot_is_of_seat(slot, seat))
				continue;
			/* an invalidation must name a range before mmu_lock drops */
			if (!found)
				kvm_mmu_invalidate_start(kvm);
			found = true;
			flush |= kvm_tdi_unmap_slot(kvm, slot);
		}
	}

	if (flush)
		kvm_flush_remote_tlbs(kvm);
	if (found)
		kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

/*
 * The page that guest_memfd has at @gfn, referenced, or NULL. Never allocates and
 * never sleeps: a page that is absent, or that nobody has cleared yet, was never
 * the guest's.
 */
static struct page *kvm_tdi_find_private_page(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);
	struct folio *folio;
	struct file *file;
	pgoff_t index;

	if (!kvm_slot_has_gmem(slot) || slot->flags & KVM_MEMSLOT_INVALID ||
	    !kvm_mem_is_private(kvm, gfn))
		return NULL;

	/* NULL once the file is being released, as in guest_memfd's own lookup */
	file = get_file_active(&slot->gmem.file);
	if (!file)
		return NULL;

	index = gfn - slot->base_gfn + slot->gmem.pgoff;
	folio = filemap_get_folio(file->f_mapping, index);
	fput(file);
	if (IS_ERR(folio))
		return NULL;

	if (!folio_test_uptodate(folio) || folio_test_hwpoison(folio)) {
		folio_put(folio);
		return NULL;
	}
	return folio_file_page(folio, index);
}

/*
 * pci_tdi_kvm_ops::mem_fault. Everything that frees or converts a private page
 * calls kvm_tdi_mem_invalidate() under mmu_lock, either inside an invalidation
 * that the sequence count shows, or (slot deletion) after a synchronisation of
 * srcu that waits for this function. So if the count is unchanged under mmu_lock
 * the page is the guest's now, and whoever takes it away comes later and finds it
 * installed.
 */
static int kvm_tdi_mem_fault(struct kvm *kvm, u64 gpa,
			     int (*install)(void *ctx, u64 gpa, struct page *page),
			     void *ctx)
{
	gfn_t gfn = gpa_to_gfn(gpa);
	unsigned long mmu_seq;
	struct page *page;
	int ret = -EAGAIN;

	guard(srcu)(&kvm->srcu);

	mmu_seq = kvm->mmu_invalidate_seq;
	smp_rmb(); /* pairs with the smp_wmb() in kvm_mmu_invalidate_end() */

	page = kvm_tdi_find_private_page(kvm, gfn);
	if (!page) {
		trace_kvm_tdi_mem_fault(gpa, -ENOENT);
		return -ENOENT;
	}

	KVM_MMU_LOCK(kvm);
	if (!mmu_invalidate_retry_gfn(kvm, mmu_seq, gfn))
		ret = install(ctx, gpa, page);
	KVM_MMU_UNLOCK(kvm);

	/* install() has taken the reference over if it succeeded */
	if (ret)
		put_page(page);
	trace_kvm_tdi_mem_fault(gpa, ret);
	return ret;
}

/* owner is the vendor module: it pins kvm.ko, and its code destroys a VM */
static struct pci_tdi_kvm_ops kvm_tdi_ops = {
	.get = kvm_get_kvm_safe,
	.put = kvm_put_kvm,
	.mmio_lookup = kvm_tdi_mmio_lookup,
	.mmio_unmap = kvm_tdi_mmio_unmap,
	.mem_fault = kvm_tdi_mem_fault,
};

/**
 * kvm_tdi_init() - offer KVM's services to TDI bindings
 * @module: the vendor module (kvm-intel, kvm-amd), held while a binding uses them
 *
 * Called before the first VM can exist; undone by kvm_tdi_exit(). Context: module
 * load.
 *
 * Return: 0, or -EBUSY if somebody else registered.
 */
int kvm_tdi_init(struct module *module)
{
	kvm_tdi_ops.owner = module;
	return pci_tdi_register_kvm(&kvm_tdi_ops);
}

/**
 * kvm_tdi_exit() - withdraw KVM's services
 *
 * No binding uses them: it would hold the module. Context: module unload.
 */
void kvm_tdi_exit(void)
{
	pci_tdi_unregister_kvm(&kvm_tdi_ops);
}
