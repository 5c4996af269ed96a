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
 * Keeps out a bind, and is refused with EBUSY by a bound TDI, until
 * vfio_tdi_gate_exit(). Under dev_set->lock. What it protects may go on to take
 * the igroup->lock of iommufd: nobody ever waits for the gate, all only try it.
 */
static inline int vfio_tdi_gate_enter(struct vfio_device *device)
{
	if (!dev_is_pci(device->dev))
		return 0;
	return pci_tdi_gate_enter(to_pci_dev(device->dev));
}

static inline void vfio_tdi_gate_exit(struct vfio_device *device)
{
	if (dev_is_pci(device->dev))
		pci_tdi_gate_exit(to_pci_dev(device->dev));
}

/*
 * The first open begins: -EIO when the function is quarantined. From the bind to
 * iommufd on, another process can reach the device through the iommufd, while
 * the driver still resets the function and fills in its config space: the gate
 * keeps a TVM out until that has ended.
 */
static inline int vfio_tdi_open_begin(struct vfio_device *device)
{
	int ret;

	ret = pci_tdi_seat_open(device->dev);
	if (ret)
		return ret;

	ret = vfio_tdi_gate_enter(device);
	if (ret)
		pci_tdi_seat_close(device->dev);
	return ret;
}

/* The first open has ended with @ret. The last close undoes a successful one. */
static inline void vfio_tdi_open_end(struct vfio_device *device, int ret)
{
	vfio_tdi_gate_exit(device);
	if (ret)
		pci_tdi_seat_close(device->dev);
}

#endif /* __VFIO_TDI_H__ */
