/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's half of a TDI that is bound to one of its VMs: private memory slots over
 * a slice of a VFIO dma-buf, and the services that the PCI core calls.
 *
 * The callers of everything here are KVM's own files: kvm_main.c, guest_memfd.c
 * and the architecture's MMU. Others reach KVM through struct pci_tdi_kvm_ops.
 */
#ifndef __KVM_VFIO_DMABUF_H
#define __KVM_VFIO_DMABUF_H

#include <linux/kvm_host.h>

struct kvm_userspace_memory_region2;
struct module;

#ifdef CONFIG_KVM_VFIO_DMABUF
#include <linux/pci-tdi.h>

/**
 * struct kvm_vfio_dmabuf - what a KVM_MEM_VFIO_DMABUF slot maps
 * @dmabuf: VFIO's dma-buf, referenced. It holds VFIO's registration and no
 *	    file, so no cycle outlives the process (the VM and the device go away
 *	    in any order).
 * @seat: the seat of the function that the BAR belongs to, referenced
 * @base_pfn: first page of the slice; a dma-buf's BAR never moves
 * @frozen: the slot is about to be deleted or made shared: nothing new may be
 *	    built on it
 *
 * Born in kvm_vfio_dmabuf_init_slot(), dies in kvm_vfio_dmabuf_free_slot().
 * Shared by all copies of one slot (KVM keeps an INVALID copy while it deletes).
 * Constant while the slot can be reached (kvm->srcu or kvm->slots_lock), but for
 * @frozen, which slots_lock owns; it is read without.
 */
struct kvm_vfio_dmabuf {
	struct dma_buf *dmabuf;
	struct pci_tdi_seat *seat;
	kvm_pfn_t base_pfn;
	bool frozen;
};

bool kvm_arch_supports_vfio_dmabuf(struct kvm *kvm);

/* slots: vfio_dmabuf.c */
bool kvm_vfio_dmabuf_supported(struct kvm *kvm);
int kvm_vfio_dmabuf_check_flags(struct kvm *kvm, u32 flags);
int kvm_vfio_dmabuf_init_slot(struct kvm *kvm, struct kvm_memory_slot *slot,
			      const struct kvm_userspace_memory_region2 *mem);
void kvm_vfio_dmabuf_free_slot(struct kvm_memory_slot *slot);
int kvm_vfio_dmabuf_freeze_slot(struct kvm *kvm, struct kvm_memory_slot *slot);
void kvm_vfio_dmabuf_thaw_slot(struct kvm_memory_slot *slot);
int kvm_vfio_dmabuf_freeze(struct kvm *kvm, gfn_t start, gfn_t end);
void kvm_vfio_dmabuf_thaw(struct kvm *kvm, gfn_t start, gfn_t end);
int kvm_vfio_dmabuf_faultin_pfn(struct kvm *kvm,
				const struct kvm_memory_slot *slot, gfn_t gfn,
				kvm_pfn_t *pfn);

static inline void kvm_vfio_dmabuf_copy_slot(struct kvm_memory_slot *dest,
					     const struct kvm_memory_slot *src)
{
	dest->vfio_dmabuf = src->vfio_dmabuf;
}

/* services: tdi.c */
int kvm_tdi_init(struct module *module);
void kvm_tdi_exit(void);

/**
 * kvm_tdi_mem_invalidate() - private pages of a VM are about to go away
 * @kvm: the VM
 * @start: first guest frame number
 * @end: the one behind the last
 *
 * No trusted DMA reaches the pages when this returns. Context: atomic, mmu_lock
 * held for write; an invalidation that covers the range is in progress, or the
 * slot is INVALID and kvm->srcu was synchronised, so that kvm_tdi_mem_fault()
 * cannot put them back.
 */
static inline void kvm_tdi_mem_invalidate(struct kvm *kvm, gfn_t start,
					  gfn_t end)
{
	pci_tdi_mem_invalidate(kvm, start, end);
}

/**
 * kvm_tdi_vm_destroy() - the VM's last reference is gone
 * @kvm: the VM
 *
 * Lets the TSM drivers destroy what firmware knows of the VM. Called when no vCPU
 * runs and no invalidation comes any more (guest_memfd files and mmu-notifiers are
 * gone), and before kvm_arch_destroy_vm(), which gives the VM's own firmware
 * objects back: firmware wants the devices' part gone first. The private slots
 * still exist and are dropped later; no TDI is bound through them.
 *
 * Context: process, also a kernel worker; outer locks that a last KVM put may run
 * under can be held.
 */
static inline void kvm_tdi_vm_destroy(struct kvm *kvm)
{
	pci_tdi_vm_destroy(kvm);
}
#else
static inline bool kvm_vfio_dmabuf_supported(struct kvm *kvm)
{
	return false;
}

static inline int kvm_vfio_dmabuf_check_flags(struct kvm *kvm, u32 flags)
{
	return -EINVAL;
}

static inline int
kvm_vfio_dmabuf_init_slot(struct kvm *kvm, struct kvm_memory_slot *slot,
			  const struct kvm_userspace_memory_region2 *mem)
{
	return 0;
}

static inline void kvm_vfio_dmabuf_free_slot(struct kvm_memory_slot *slot)
{
}

static inline int kvm_vfio_dmabuf_freeze_slot(struct kvm *kvm,
					      struct kvm_memory_slot *slot)
{
	return 0;
}

static inline void kvm_vfio_dmabuf_thaw_slot(struct kvm_memory_slot *slot)
{
}

static inline int kvm_vfio_dmabuf_freeze(struct kvm *kvm, gfn_t start,
					 gfn_t end)
{
	return 0;
}

static inline void kvm_vfio_dmabuf_thaw(struct kvm *kvm, gfn_t start, gfn_t end)
{
}

static inline int
kvm_vfio_dmabuf_faultin_pfn(struct kvm *kvm, const struct kvm_memory_slot *slot,
			    gfn_t gfn, kvm_pfn_t *pfn)
{
	return -EFAULT;
}

static inline void kvm_vfio_dmabuf_copy_slot(struct kvm_memory_slot *dest,
					     const struct kvm_memory_slot *src)
{
}

static inline int kvm_tdi_init(struct module *module)
{
	return 0;
}

static inline void kvm_tdi_exit(void)
{
}

static inline void kvm_tdi_mem_invalidate(struct kvm *kvm, gfn_t start,
					  gfn_t end)
{
}

static inline void kvm_tdi_vm_destroy(struct kvm *kvm)
{
}
#endif /* CONFIG_KVM_VFIO_DMABUF */
#endif /* __KVM_VFIO_DMABUF_H */
