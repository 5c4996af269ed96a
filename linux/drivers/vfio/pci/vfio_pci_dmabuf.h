/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slice of a BAR as a dma-buf, shared between the code that exports it and the
 * code that takes it away from its importers while a TVM owns the function.
 */
#ifndef VFIO_PCI_DMABUF_H
#define VFIO_PCI_DMABUF_H

#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>

struct p2pdma_provider;
struct phys_vec;
struct vfio_pci_core_device;

/**
 * struct vfio_pci_dma_buf - ranges of one BAR that user space has as a dma-buf
 * @dmabuf: the dma-buf, whose release frees this
 * @vdev: the device, whose registration the dma-buf holds; NULL once the device
 *	  was closed. Written under memory_lock and the dma-buf's resv lock, so
 *	  either is enough to read it.
 * @dmabufs_elm: link in the device's list; owned by memory_lock
 * @size: bytes of all ranges together
 * @phys_vec: the ranges; constant
 * @provider: the BAR's peer-to-peer provider; constant
 * @nr_ranges: number of elements of @phys_vec; constant
 * @kref: one for the registration and one for each importer's mapping. Mappings
 *	  come and go under the resv lock; the registration's own is dropped and
 *	  taken again by revoke, under memory_lock.
 * @comp: completed when @kref reaches zero
 * @revoked: no importer may have a mapping; written under memory_lock and resv
 */
struct vfio_pci_dma_buf {
	struct dma_buf *dmabuf;
	struct vfio_pci_core_device *vdev;
	struct list_head dmabufs_elm;
	size_t size;
	struct phys_vec *phys_vec;
	struct p2pdma_provider *provider;
	u32 nr_ranges;
	struct kref kref;
	struct completion comp;
	u8 revoked : 1;
};

extern const struct dma_buf_ops vfio_pci_dmabuf_ops;

void vfio_pci_dma_buf_done(struct kref *kref);

#endif /* VFIO_PCI_DMABUF_H */
