/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO's half of a TDI that is given to a TVM: what the rest of vfio-pci-core
 * asks. Nouns and lock order are in linux/pci-tdi.h. Included by vfio_pci_priv.h.
 */
#ifndef VFIO_PCI_TDI_H
#define VFIO_PCI_TDI_H

#include <linux/mm_types.h>
#include <linux/pci-tdi.h>
#include <linux/vfio_pci_core.h>

/* The config map's number for the standard header, and a bit Linux has no name for */
#define VFIO_PCI_TDI_CAP_HEADER		0
#define VFIO_PCI_TDI_DEVCTL2_10BIT_TAG	0x1000

struct perm_bits;

typedef int (*vfio_pci_config_writefn)(struct vfio_pci_core_device *vdev,
				       int pos, int count,
				       struct perm_bits *perm, int offset,
				       __le32 val);

#if IS_ENABLED(CONFIG_VFIO_PCI_TDI)
/**
 * struct vfio_pci_tdi_span - whole pages of a BAR
 * @bar: number of the BAR
 * @offset: of the first page in the BAR, in bytes
 * @len: in bytes; 0: there are none
 */
struct vfio_pci_tdi_span {
	unsigned int bar;
	u64 offset;
	u64 len;
};

/**
 * struct vfio_pci_tdi - what VFIO knows about a function that can be a TDI
 * @kvm: the TVM that the BARs are private to, NULL while they are the host's;
 *	 written under memory_lock. Compared only: the binding holds the KVM.
 * @msix: pages with the MSI-X table and the PBA, which stay the host's; constant
 * @departure: from the start of the driver's remove on: nobody binds any more
 *
 * Born when the device registers with VFIO and freed after it has unregistered,
 * so it is there whenever the device is open.
 */
struct vfio_pci_tdi {
	struct kvm *kvm;
	struct vfio_pci_tdi_span msix[2];
	struct pci_tdi_hold departure;
};

static inline bool vfio_pci_tdi_private(struct vfio_pci_core_device *vdev)
{
	return vdev->tdi && READ_ONCE(vdev->tdi->kvm);
}

int vfio_pci_tdi_register(struct vfio_pci_core_device *vdev);
void vfio_pci_tdi_depart(struct vfio_pci_core_device *vdev);
void vfio_pci_tdi_unregister(struct vfio_pci_core_device *vdev);
vm_fault_t vfio_pci_tdi_fault(struct vfio_pci_core_device *vdev,
			      unsigned long pfn, unsigned int order);
bool vfio_pci_tdi_io_refused(struct vfio_pci_core_device *vdev,
			     void __iomem *io);
bool vfio_pci_tdi_keeps_revoked(struct vfio_pci_core_device *vdev,
				bool revoked);
ssize_t vfio_pci_tdi_rom_read(struct vfio_pci_core_device *vdev,
			      char __user *buf, size_t count, loff_t *ppos);

int vfio_pci_tdi_config_write(struct vfio_pci_core_device *vdev, int pos,
			      int count, struct perm_bits *perm, int offset,
			      __le32 val, vfio_pci_config_writefn writefn);

/*
 * Two questions about a register write that the KUnit tests ask too. @cap is
 * what vfio's config map has for the position, @ext says that it is an extended
 * capability, @offset is relative to the capability, @count 1, 2 or 4 bytes.
 */
bool vfio_pci_tdi_write_needs_cur(u8 cap, bool ext, int offset, int count);
bool vfio_pci_tdi_write_breaks(u8 cap, bool ext, int offset, int count,
			       u32 val, u32 cur);
#else
static inline bool vfio_pci_tdi_private(struct vfio_pci_core_device *vdev)
{
	return false;
}

static inline int vfio_pci_tdi_register(struct vfio_pci_core_device *vdev)
{
	return 0;
}

static inline void vfio_pci_tdi_depart(struct vfio_pci_core_device *vdev)
{
}

static inline void vfio_pci_tdi_unregister(struct vfio_pci_core_device *vdev)
{
}

static inline vm_fault_t vfio_pci_tdi_fault(struct vfio_pci_core_device *vdev,
					    unsigned long pfn,
					    unsigned int order)
{
	return 0;
}

static inline bool vfio_pci_tdi_io_refused(struct vfio_pci_core_device *vdev,
					   void __iomem *io)
{
	return false;
}

static inline bool vfio_pci_tdi_keeps_revoked(struct vfio_pci_core_device *vdev,
					      bool revoked)
{
	return false;
}

static inline ssize_t vfio_pci_tdi_rom_read(struct vfio_pci_core_device *vdev,
					    char __user *buf, size_t count,
					    loff_t *ppos)
{
	return vfio_pci_bar_rw(vdev, buf, count, ppos, false);
}

static inline int
vfio_pci_tdi_config_write(struct vfio_pci_core_device *vdev, int pos, int count,
			  struct perm_bits *perm, int offset, __le32 val,
			  vfio_pci_config_writefn writefn)
{
	return writefn(vdev, pos, count, perm, offset, val);
}
#endif /* CONFIG_VFIO_PCI_TDI */
#endif /* VFIO_PCI_TDI_H */
