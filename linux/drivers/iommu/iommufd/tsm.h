/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __IOMMUFD_TSM_H
#define __IOMMUFD_TSM_H

#include <linux/errno.h>

struct iommufd_ucmd;
struct iommufd_vdevice;

#ifdef CONFIG_PCI_TDI
int iommufd_vdevice_tsm_op_ioctl(struct iommufd_ucmd *ucmd);
int iommufd_vdevice_tsm_req_ioctl(struct iommufd_ucmd *ucmd);
void iommufd_vdevice_tsm_destroy(struct iommufd_vdevice *vdev);
#else
static inline int iommufd_vdevice_tsm_op_ioctl(struct iommufd_ucmd *ucmd)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_vdevice_tsm_req_ioctl(struct iommufd_ucmd *ucmd)
{
	return -EOPNOTSUPP;
}

static inline void iommufd_vdevice_tsm_destroy(struct iommufd_vdevice *vdev)
{
}
#endif /* CONFIG_PCI_TDI */
#endif /* __IOMMUFD_TSM_H */
