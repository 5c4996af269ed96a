/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VFIO core does for a device whose function may be bound to a TVM as a
 * TDI: see linux/pci-tdi.h. Devices of other buses, and functions without a
 * seat, pass through all of it untouched.
 */
#ifndef __VFIO_TDI_H__
#define __VFIO_TDI_H__

#include <linux/pci-tdi.h>
#include <linux/vfio.h>

/*
 * Keeps out a bind, and is refused with EBUSY by a bound TDI, until vfio_tdi_end().
 * Under dev_set->lock. What it protects may go on to take the igroup->lock of
 * iommufd: nobody waits at the gate.
 */
static inline int vfio_tdi_begin(struct vfio_device *device,
				 struct pci_tdi_hold *hold)
{
	if (!dev_is_pci(device->dev))
		return 0;
	return pci_tdi_begin(hold, to_pci_dev(device->dev), PCI_TDI_FUNCTION,
			     PCI_TDI_REFUSE);
}

static inline void vfio_tdi_end(struct vfio_device *device,
				struct pci_tdi_hold *hold)
{
	if (dev_is_pci(device->dev))
		pci_tdi_end(hold);
}

/*
 * The last close begins: the TDI, and those that the driver's reset of the function
 * would take along, are unbound when this returns, and none is bound before
 * vfio_tdi_close_end().
 */
static inline void vfio_tdi_close_begin(struct vfio_device *device,
					struct pci_tdi_hold *hold)
{
	if (dev_is_pci(device->dev))
		pci_tdi_seat_close(to_pci_dev(device->dev), hold);
}

static inline void vfio_tdi_close_end(struct vfio_device *device,
				      struct pci_tdi_hold *hold)
{
	vfio_tdi_end(device, hold);
}

/*
 * The first open begins: -EIO when the function is quarantined, -EBUSY when the
 * driver's reset of it would hit another function's TDI. From the bind to iommufd
 * on, another process can reach the device through the iommufd, while the driver
 * still resets the function and fills in its config space: no TVM gets it before
 * vfio_tdi_open_end().
 */
static inline int vfio_tdi_open_begin(struct vfio_device *device,
				      struct pci_tdi_hold *hold)
{
	if (!dev_is_pci(device->dev))
		return 0;
	return pci_tdi_seat_open(to_pci_dev(device->dev), hold);
}

/* The first open has ended with @ret. The last close undoes a successful one. */
static inline void vfio_tdi_open_end(struct vfio_device *device,
				     struct pci_tdi_hold *hold, int ret)
{
	struct pci_tdi_hold undo;

	/* inside @hold, so that nobody is bound whom the undoing would unbind */
	if (ret) {
		vfio_tdi_close_begin(device, &undo);
		vfio_tdi_close_end(device, &undo);
	}
	vfio_tdi_end(device, hold);
}

#endif /* __VFIO_TDI_H__ */
