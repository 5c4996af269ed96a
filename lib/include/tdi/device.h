/* SPDX-License-Identifier: MIT */
/*
 * libtdi, device: one function through its VFIO character device.
 *
 * Every call answers 0 (or what it says) on success and -errno otherwise. The
 * context owns the device's file and the host mappings it made. Not thread-safe:
 * one caller at a time per context.
 *
 * Order for a TDI:
 *	tdi_device_open	-> tdi_vm_add_device -> tdi_device_bind -> tdi_device_attach
 * and back, with tdi_device_close() undoing all of the device's part. Adding the
 * device to the VM later than tdi_device_bind() leaves it without a VM for ever.
 */
#ifndef TDI_DEVICE_H
#define TDI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tdi_device;
struct tdi_iommu;

/**
 * struct tdi_bar - one BAR as VFIO reports it
 * @size: bytes, 0 when the BAR does not exist
 * @mappable: tdi_device_map() works
 */
struct tdi_bar {
	uint64_t size;
	bool mappable;
};

/**
 * struct tdi_slice - a part of a BAR
 * @offset: its first byte in the BAR
 * @len: bytes; both are multiples of the page size
 */
struct tdi_slice {
	uint64_t offset;
	uint64_t len;
};

/* a BAR with MSI-X table and PBA has so many slices at most */
#define TDI_MAX_SLICES		3

/* PCI command register bits that tdi_device_enable() sets */
#define TDI_COMMAND_MEMORY	0x2
#define TDI_COMMAND_MASTER	0x4

/*
 * Open the VFIO device of function @bdf, which must be bound to vfio-pci.
 * -EINVAL: malformed BDF; -ENODEV: not offered by VFIO; else what open(2) says.
 */
int tdi_device_open(const char *bdf, struct tdi_device **dev);
/*
 * The same of a VFIO device's file that somebody else has opened, as a launcher with the
 * right to does for a VMM without it. On success @fd is the context's and close-on-exec;
 * on failure it stays the caller's. Open once: of a file that is bound to an iommufd
 * already, tdi_device_bind() fails with -EINVAL.
 * -EBADF: not open; -ENODEV: not the file of a VFIO device.
 */
int tdi_device_from_fd(int fd, struct tdi_device **dev);
/*
 * Unmap what tdi_device_map() mapped and close the file. When nobody else holds
 * the file the kernel unbinds the TDI first. NULL is fine.
 */
void tdi_device_close(struct tdi_device *dev);

/* The file, still owned by the context. */
int tdi_device_fd(const struct tdi_device *dev);
/* Its address; "" for a file that was passed to a process without /sys. */
const char *tdi_device_bdf(const struct tdi_device *dev);

/* Bind the file to @iommu's iommufd: the device becomes usable. */
int tdi_device_bind(struct tdi_device *dev, struct tdi_iommu *iommu);
/* iommufd's id of the device; 0 before tdi_device_bind() */
uint32_t tdi_device_id(const struct tdi_device *dev);
/* Attach to page table or IOAS @pt_id; and detach. -EBUSY while TDI is bound. */
int tdi_device_attach(struct tdi_device *dev, uint32_t pt_id);
int tdi_device_detach(struct tdi_device *dev);

/* Set the bits in PCI command (TDI_COMMAND_*); and clear them. */
int tdi_device_enable(struct tdi_device *dev, uint16_t bits);
int tdi_device_disable(struct tdi_device *dev, uint16_t bits);
/* Config space; @len 1, 2 or 4. */
int tdi_device_config_read(struct tdi_device *dev, uint32_t off, void *buf,
			   size_t len);
int tdi_device_config_write(struct tdi_device *dev, uint32_t off,
			    const void *buf, size_t len);
/* VFIO_DEVICE_RESET. -EBUSY while the TDI is bound: unbind first. */
int tdi_device_reset(struct tdi_device *dev);

/* What VFIO reports about BAR @index (0 to 5). */
int tdi_device_bar(struct tdi_device *dev, unsigned int index,
		   struct tdi_bar *bar);
/*
 * Map all of BAR @index into this process, once: a second call answers the same
 * mapping. It lives until tdi_device_close(). While the TDI is bound a touch of
 * a private page raises SIGBUS; after unbind the same mapping works again.
 */
int tdi_device_map(struct tdi_device *dev, unsigned int index, void **map);
/* read(2) of the region: @len bytes at @off; refused while the TDI is bound. */
int tdi_device_bar_read(struct tdi_device *dev, unsigned int index,
			uint64_t off, void *buf, size_t len);
/*
 * What of BAR @index a VM can get as private slots: all but the pages of the MSI-X table
 * and the PBA, which stay the host's. Fills @slices in ascending order and answers how many
 * there are, 0 to TDI_MAX_SLICES; less than a page at the BAR's end is left out.
 * -EINVAL: no BAR of this index; -EPROTO: config space is not as PCI wants it.
 */
int tdi_device_slices(struct tdi_device *dev, unsigned int index,
		      struct tdi_slice slices[TDI_MAX_SLICES]);
/*
 * Export [@off, @off + @len) of BAR @index as a dma-buf, both multiples of the
 * page size. Answers the new file, which the caller owns, or -errno.
 */
int tdi_device_export(struct tdi_device *dev, unsigned int index, uint64_t off,
		      uint64_t len);

#ifdef __cplusplus
}
#endif

#endif /* TDI_DEVICE_H */
