/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO's BAR dma-bufs as KVM sees them: private MMIO of a TVM.
 *
 * A private slot of KVM takes a slice of a dma-buf that VFIO exported. KVM never
 * attaches to the dma-buf and never maps it: it asks once, here, which function
 * and which physical pages the slice stands for, keeps the dma-buf's file for as
 * long as the slot lives, and asks the function's seat (pci-tdi.h) before it
 * installs any page of it.
 */
#ifndef __VFIO_PCI_TDI_H
#define __VFIO_PCI_TDI_H

#include <linux/types.h>

struct dma_buf;
struct kvm;
struct pci_dev;

/**
 * struct vfio_pci_tdi_slice - what a slice of a BAR's dma-buf stands for
 * @pdev: the function; a reference that the caller puts with pci_dev_put()
 * @kvm: the KVM that VFIO's device is associated with, or NULL. For comparison
 *	 only: no reference is taken, it must not be dereferenced
 * @phys: physical address of the slice's first byte, page aligned
 */
struct vfio_pci_tdi_slice {
	struct pci_dev *pdev;
	struct kvm *kvm;
	phys_addr_t phys;
};

/* There only with CONFIG_VFIO_PCI_TDI: KVM reaches it by symbol_get() */
int vfio_pci_dma_buf_kvm_map(struct dma_buf *dmabuf, u64 offset, u64 size,
			     struct vfio_pci_tdi_slice *slice);

#endif /* __VFIO_PCI_TDI_H */
