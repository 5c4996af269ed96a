// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory slots over a slice of a VFIO dma-buf (KVM_MEM_VFIO_DMABUF): the
 * private MMIO of a TDI that is bound to the VM.
 *
 * KVM_SET_USER_MEMORY_REGION2 with the flag takes the dma-buf's fd in guest_memfd
 * and the slice's offset in guest_memfd_offset. Pages of the slot whose attribute
 * is private map the BAR, as far and as long as firmware lets this VM touch them
 * (else KVM_EXIT_MEMORY_FAULT); shared ones use userspace_addr as in any slot. So
 * one slot serves the device bound and unbound. Such a slot is immutable: it can
 * only be deleted, and not while its TDI is bound to the VM.
 *
 * errno of KVM_SET_USER_MEMORY_REGION2 that this file adds; on each of them
 * nothing is held and nothing has changed:
 *
 *  EINVAL	the VM has no private memory, or (TDX) its private mappings are
 *		made by firmware that knows no MMIO; another flag beside this one;
 *		offset not page aligned; slice not inside the dma-buf, not in one
 *		piece in the BAR, or with a page of the MSI-X table or the PBA;
 *		change of an existing slot; fd of a file that is no dma-buf; VFIO's
 *		device is associated with no VM or with another one
 *  EBADF	fd is not open
 *  EOPNOTSUPP	a dma-buf that is not of VFIO's PCI BARs, or VFIO is not there
 *  ENODEV	VFIO's device has been closed since the export, or its driver is
 *		going away
 *  EBUSY	deletion while the TDI is bound to this VM, being bound or unbound,
 *		or quarantined; the same answer from KVM_SET_MEMORY_ATTRIBUTES for
 *		making any page of the slot shared
 *
 * Whatever else VFIO answers for the slice is passed on.
 *
 * When the process dies the slot goes with the VM. A VM that is being destroyed
 * is bound to nothing, since a binding holds it.
 *
 * Locks: KVM's slots_lock -> dma-buf resv; the seat's lock is a leaf. dma_buf_put()
 * may be called under slots_lock and under the locks that the last KVM put runs
 * under (VFIO's dev_set->lock, iommufd's igroup->lock): the last fput() of a file
 * hands the release, which takes VFIO's memory_lock, to the task's work or to a
 * kernel worker, so it never runs inside the caller.
 */
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/kvm_host.h>
#include <linux/kvm_vfio_dmabuf.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/pci-tdi.h>
#include <linux/slab.h>
#include <linux/vfio_pci_tdi.h>

#define CREATE_TRACE_POINTS
#include <trace/events/kvm_vfio_dmabuf.h>

MODULE_IMPORT_NS("DMA_BUF");

static void put_dma_buf(struct dma_buf *dmabuf)
{
	if (!IS_ERR_OR_NULL(dmabuf))
		dma_buf_put(dmabuf);
}

static void put_seat(struct pci_tdi_seat *seat)
{
	if (seat)
		pci_tdi_seat_put(seat);
}

DEFINE_FREE(put_dma_buf, struct dma_buf *, put_dma_buf(_T))
DEFINE_FREE(put_seat, struct pci_tdi_seat *, put_seat(_T))

static phys_addr_t slot_hpa(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return PFN_PHYS(slot->vfio_dmabuf->base_pfn + gfn - slot->base_gfn);
}

static void trace_slot(const struct kvm_memory_slot *slot, bool created)
{
	trace_kvm_vfio_dmabuf_slot(slot->id, gfn_to_gpa(slot->base_gfn),
				   slot_hpa(slot, slot->base_gfn),
				   (u64)slot->npages << PAGE_SHIFT, created);
}

static void trace_gate(const struct kvm_memory_slot *slot, bool allowed)
{
	trace_kvm_vfio_dmabuf_gate(slot->id, gfn_to_gpa(slot->base_gfn), allowed);
}

/**
 * kvm_vfio_dmabuf_supported() - can a VM have KVM_MEM_VFIO_DMABUF slots?
 * @kvm: the VM, or NULL for "some VM of this host"
 *
 * The answer to KVM_CAP_VFIO_DMABUF. Context: any.
 *
 * Return: true if it can.
 */
bool kvm_vfio_dmabuf_supported(struct kvm *kvm)
{
	return !kvm || kvm_arch_supports_vfio_dmabuf(kvm);
}

/**
 * kvm_vfio_dmabuf_check_flags() - is a request with KVM_MEM_VFIO_DMABUF legal?
 * @kvm: the VM
 * @flags: all flags of the request
 *
 * Dirty logging and read-only have no meaning for a BAR, and a page is either
 * guest_memfd's or a BAR's.
 *
 * Return: 0 or -EINVAL.
 */
int kvm_vfio_dmabuf_check_flags(struct kvm *kvm, u32 flags)
{
	if (flags != KVM_MEM_VFIO_DMABUF || !kvm_vfio_dmabuf_supported(kvm))
		return -EINVAL;
	return 0;
}

/*
 * Ask VFIO what a slice stands for. VFIO need not be loaded, and must stay
 * unloadable while the slot lives: the dma-buf holds what it needs itself.
 */
static int resolve_slice(struct dma_buf *dmabuf, u64 offset, u64 size,
			 struct vfio_pci_tdi_slice *slice)
{
	typeof(vfio_pci_dma_buf_kvm_map) *map;
	int ret;

	map = symbol_get(vfio_pci_dma_buf_kvm_map);
	if (!map)
		return -EOPNOTSUPP;
	ret = map(dmabuf, offset, size, slice);
	symbol_put(vfio_pci_dma_buf_kvm_map);
	return ret;
}

static bool slice_is_inside(const struct dma_buf *dmabuf, u64 offset, u64 size)
{
	u64 end;

	return PAGE_ALIGNED(offset) && PAGE_ALIGNED(size) &&
	       !check_add_overflow(offset, size, &end) && end <= dmabuf->size;
}

/**
 * kvm_vfio_dmabuf_init_slot() - give a new slot its slice of a dma-buf
 * @kvm: the VM
 * @slot: the slot, not yet reachable; base_gfn, npages and id are set
 * @mem: user space's request, its flags checked
 *
 * To be undone with kvm_vfio_dmabuf_free_slot(). Context: process, slots_lock
 * held.
 *
 * Return: 0, or the errno that the top of this file lists, or -ENOMEM.
 */
int kvm_vfio_dmabuf_init_slot(struct kvm *kvm, struct kvm_memory_slot *slot,
			      const struct kvm_userspace_memory_region2 *mem)
{
	struct vfio_pci_tdi_slice slice = {};
	int ret;

	lockdep_assert_held(&kvm->slots_lock);

	struct kvm_vfio_dmabuf *vd __free(kfree) =
		kzalloc_obj(*vd, GFP_KERNEL_ACCOUNT);
	if (!vd)
		return -ENOMEM;

	struct dma_buf *dmabuf __free(put_dma_buf) = dma_buf_get(mem->guest_memfd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (!slice_is_inside(dmabuf, mem->guest_memfd_offset, mem->memory_size))
		return -EINVAL;

	ret = resolve_slice(dmabuf, mem->guest_memfd_offset, mem->memory_size,
			    &slice);
	if (ret)
		return ret;

	struct pci_dev *pdev __free(pci_dev_put) = slice.pdev;
	if (slice.kvm != kvm)
		return -EINVAL;
	if (WARN_ON_ONCE(!PAGE_ALIGNED(slice.phys)))
		return -EINVAL;

	struct pci_tdi_seat *seat __free(put_seat) = pci_tdi_seat_get(pdev);
	if (!seat)
		return -ENODEV;

	vd->base_pfn = PHYS_PFN(slice.phys);
	/* the slot owns all three from here */
	vd->seat = no_free_ptr(seat);
	vd->dmabuf = no_free_ptr(dmabuf);
	slot->vfio_dmabuf = no_free_ptr(vd);
	trace_slot(slot, true);
	return 0;
}

/**
 * kvm_vfio_dmabuf_free_slot() - undo kvm_vfio_dmabuf_init_slot()
 * @slot: the slot, no longer reachable or never was; one without a slice is fine
 *
 * Cannot refuse: the VM may be on its way out. Context: process; under slots_lock
 * or in the destruction of the VM.
 */
void kvm_vfio_dmabuf_free_slot(struct kvm_memory_slot *slot)
{
	struct kvm_vfio_dmabuf *vd = slot->vfio_dmabuf;

	if (!vd)
		return;

	trace_slot(slot, false);
	slot->vfio_dmabuf = NULL;
	pci_tdi_seat_put(vd->seat);
	dma_buf_put(vd->dmabuf);
	kfree(vd);
}

/**
 * kvm_vfio_dmabuf_freeze_slot() - begin what a bound TDI's slot must not suffer
 * @kvm: the VM
 * @slot: a slot of it, of any kind
 *
 * On success no private MMIO can be built on the slot before
 * kvm_vfio_dmabuf_thaw_slot() or the slot's end, even if the TDI is bound right
 * after. Takes leaf locks only: unbind never waits for slots_lock, so nobody may
 * wait for an unbind under it. Context: process, slots_lock held; not nesting.
 *
 * Return: 0, or -EBUSY: the TDI is this VM's.
 */
int kvm_vfio_dmabuf_freeze_slot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	struct kvm_vfio_dmabuf *vd = slot->vfio_dmabuf;

	lockdep_assert_held(&kvm->slots_lock);

	if (!vd)
		return 0;

	/* a request that is refused leaves no mark for the guest's requests to meet */
	if (pci_tdi_bound_to(vd->seat, kvm)) {
		trace_gate(slot, false);
		return -EBUSY;
	}

	/* first the mark, then the question: see kvm_tdi_mmio_lookup() */
	WRITE_ONCE(vd->frozen, true);
	if (!pci_tdi_bound_to(vd->seat, kvm)) {
		trace_gate(slot, true);
		return 0;
	}

	WRITE_ONCE(vd->frozen, false);
	trace_gate(slot, false);
	return -EBUSY;
}

/**
 * kvm_vfio_dmabuf_thaw_slot() - end what kvm_vfio_dmabuf_freeze_slot() began
 * @slot: the same slot, still alive
 */
void kvm_vfio_dmabuf_thaw_slot(struct kvm_memory_slot *slot)
{
	if (slot->vfio_dmabuf)
		WRITE_ONCE(slot->vfio_dmabuf->frozen, false);
}

/**
 * kvm_vfio_dmabuf_freeze() - kvm_vfio_dmabuf_freeze_slot() for a range of pages
 * @kvm: the VM
 * @start: first guest frame number
 * @end: the one behind the last
 *
 * Context: process, slots_lock held. To be undone with kvm_vfio_dmabuf_thaw().
 *
 * Return: 0, or -EBUSY: a slot that the range touches belongs to a TDI that is
 * bound to this VM; no slot is frozen then.
 */
int kvm_vfio_dmabuf_freeze(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_memslot_iter iter;
	struct kvm_memslots *slots;
	int as_id, ret;

	lockdep_assert_held(&kvm->slots_lock);

	for (as_id = 0; as_id < kvm_arch_nr_memslot_as_ids(kvm); as_id++) {
		slots = __kvm_memslots(kvm, as_id);
		kvm_for_each_memslot_in_gfn_range(&iter, slots, start, end) {
			ret = kvm_vfio_dmabuf_freeze_slot(kvm, iter.slot);
			if (ret) {
				kvm_vfio_dmabuf_thaw(kvm, start, end);
				return ret;
			}
		}
	}
	return 0;
}

/**
 * kvm_vfio_dmabuf_thaw() - undo kvm_vfio_dmabuf_freeze()
 * @kvm: the VM
 * @start: first guest frame number
 * @end: the one behind the last
 *
 * Harmless if nothing is frozen. Context: as kvm_vfio_dmabuf_freeze().
 */
void kvm_vfio_dmabuf_thaw(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_memslot_iter iter;
	struct kvm_memslots *slots;
	int as_id;

	lockdep_assert_held(&kvm->slots_lock);

	for (as_id = 0; as_id < kvm_arch_nr_memslot_as_ids(kvm); as_id++) {
		slots = __kvm_memslots(kvm, as_id);
		kvm_for_each_memslot_in_gfn_range(&iter, slots, start, end)
			kvm_vfio_dmabuf_thaw_slot(iter.slot);
	}
}

/**
 * kvm_vfio_dmabuf_faultin_pfn() - the page behind a private fault
 * @kvm: the VM
 * @slot: the slot that holds @gfn, of any kind
 * @gfn: the guest frame that faulted, private
 * @pfn: out: the BAR's page; no struct page, nothing to release
 *
 * The answer is good for this one page: firmware accepts page by page, so the
 * caller maps 4 KiB. It is good for as long as the MMU's invalidation sequence
 * count stays what the caller read *before* the call. dma-buf's resv lock is not
 * needed: what may be mapped is the seat's say, and a dma-buf that VFIO revoked
 * is one whose TDI is not bound.
 *
 * Context: vCPU fault, kvm->srcu held; takes spinning leaves.
 *
 * Return: 0; -EFAULT: no such slot, or firmware does not let this VM touch it.
 */
int kvm_vfio_dmabuf_faultin_pfn(struct kvm *kvm,
				const struct kvm_memory_slot *slot, gfn_t gfn,
				kvm_pfn_t *pfn)
{
	const struct kvm_vfio_dmabuf *vd = slot->vfio_dmabuf;
	phys_addr_t hpa;
	bool allowed;

	if (!vd)
		return -EFAULT;

	hpa = slot_hpa(slot, gfn);
	allowed = pci_tdi_mmio_allowed(vd->seat, kvm, gfn_to_gpa(gfn), hpa);
	trace_kvm_vfio_dmabuf_fault(gfn_to_gpa(gfn), hpa, allowed);
	if (!allowed)
		return -EFAULT;

	*pfn = PHYS_PFN(hpa);
	return 0;
}
