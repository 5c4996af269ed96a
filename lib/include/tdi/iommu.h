/* SPDX-License-Identifier: MIT */
/*
 * libtdi, iommu: one iommufd context, its objects by id.
 *
 * Every call answers 0 on success and -errno otherwise. The context owns the
 * /dev/iommu file only; ids are the caller's to destroy, newest first, or they
 * go when the file is closed and the last bound VFIO device with it.
 */
#ifndef TDI_IOMMU_H
#define TDI_IOMMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tdi_iommu;

/* Open /dev/iommu: what open(2) says, or -ENOMEM. */
int tdi_iommu_open(struct tdi_iommu **iommu);
/*
 * The same of an open file that was passed on. On success @fd is the context's and
 * close-on-exec; on failure it stays the caller's. -EBADF: not open; -ENODEV: no iommufd.
 */
int tdi_iommu_from_fd(int fd, struct tdi_iommu **iommu);
/* Close the file; what it held lives on while a VFIO device is bound to it. NULL is fine. */
void tdi_iommu_close(struct tdi_iommu *iommu);
/* The file, still owned by the context. */
int tdi_iommu_fd(const struct tdi_iommu *iommu);

/* Destroy any object. -EBUSY: something still uses it; -ENOENT: no such id. */
int tdi_iommu_destroy(struct tdi_iommu *iommu, uint32_t id);

/* A new, empty address space. */
int tdi_ioas_alloc(struct tdi_iommu *iommu, uint32_t *ioas_id);
/*
 * Let devices read and write @len bytes at @mem as [@iova, @iova + @len), all multiples
 * of the page size; the memory is pinned until it is unmapped. -EEXIST: something is
 * mapped there; -ENOMEM: also for more than RLIMIT_MEMLOCK allows.
 */
int tdi_ioas_map(struct tdi_iommu *iommu, uint32_t ioas_id, void *mem,
		 uint64_t len, uint64_t iova);
/* Take whole mappings away again. -ENOENT: one would be cut in two; -EBUSY: it is in use. */
int tdi_ioas_unmap(struct tdi_iommu *iommu, uint32_t ioas_id, uint64_t iova,
		   uint64_t len);

/*
 * A page table over @ioas_id that can be the parent of a vIOMMU, for the device @dev_id
 * (tdi_device_id()). -EOPNOTSUPP: its IOMMU has no such page tables.
 */
int tdi_hwpt_alloc_parent(struct tdi_iommu *iommu, uint32_t dev_id,
			  uint32_t ioas_id, uint32_t *hwpt_id);
/*
 * A vIOMMU on top of it. @type: IOMMU_VIOMMU_TYPE_* of the IOMMU's driver, of
 * linux/iommufd.h. -EOPNOTSUPP: the device's IOMMU has no such type.
 */
int tdi_viommu_alloc(struct tdi_iommu *iommu, uint32_t dev_id,
		     uint32_t hwpt_id, uint32_t type, uint32_t *viommu_id);
/*
 * The device in the VM. @virt_id: the requester id that the VM knows it by. To destroy it
 * unbinds the TDI first. -EEXIST: the device has one; -EINVAL: @virt_id is wider than 32 bits.
 */
int tdi_vdevice_alloc(struct tdi_iommu *iommu, uint32_t viommu_id,
		      uint32_t dev_id, uint64_t virt_id, uint32_t *vdevice_id);

#ifdef __cplusplus
}
#endif

#endif /* TDI_IOMMU_H */
