/* SPDX-License-Identifier: MIT */
/*
 * libtdi, vm: KVM's side of a TDI.
 *
 * The VMM creates the VM and numbers its memory slots; this context borrows the
 * VM file and owns KVM's VFIO device only. Every call answers 0 (or what it
 * says) on success and -errno otherwise.
 */
#ifndef TDI_VM_H
#define TDI_VM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tdi_device;
struct tdi_vm;

/**
 * struct tdi_slot - a private slot
 * @slot: the VMM's number for it
 * @gpa: guest physical address
 * @size: bytes
 * @hva: an address of this process that nothing else maps, congruent to @gpa
 *	 modulo 2 MiB: the slot is never reached through it
 * @fd: guest_memfd, or dma-buf from tdi_device_export()
 * @offset: first byte of @fd that the slot shows
 *
 * Addresses and sizes are multiples of the page size.
 */
struct tdi_slot {
	uint32_t slot;
	uint64_t gpa;
	uint64_t size;
	void *hva;
	int fd;
	uint64_t offset;
};

/*
 * @vm_fd stays the caller's and must outlive the context. -ENODEV: KVM has no VFIO
 * device; -EBUSY: this VM has one already, and there can be one only.
 */
int tdi_vm_open(int vm_fd, struct tdi_vm **vm);
/* Close KVM's VFIO device, which lets go of the VFIO devices that were added. NULL is fine. */
void tdi_vm_close(struct tdi_vm *vm);

/* 1: this kernel's KVM takes private slots over VFIO dma-bufs; 0: it does not */
int tdi_vm_has_dmabuf(const struct tdi_vm *vm);

/*
 * Associate @dev with the VM; before tdi_device_bind(). And the inverse. -EEXIST: it is
 * already; -ENOENT: it is not.
 */
int tdi_vm_add_device(struct tdi_vm *vm, const struct tdi_device *dev);
int tdi_vm_del_device(struct tdi_vm *vm, const struct tdi_device *dev);

/* New guest_memfd of @size bytes: the caller owns the file answered. */
int tdi_vm_memfd(const struct tdi_vm *vm, uint64_t size);

/*
 * Set a slot over guest_memfd, over a dma-buf; delete a slot by its number. A slice has
 * whole pages of the dma-buf and none of the MSI-X table and the PBA: make one slot below
 * and one above them. -EBUSY: deletion while the TDI is bound to this VM, unbind first;
 * -EINVAL: not such a slice, a device of another VM, or the slot exists; -EBADF, -EOPNOTSUPP:
 * @fd is not open, or of somebody else than VFIO; -ENODEV: VFIO's device was closed.
 */
int tdi_vm_set_mem_slot(struct tdi_vm *vm, const struct tdi_slot *slot);
int tdi_vm_set_mmio_slot(struct tdi_vm *vm, const struct tdi_slot *slot);
int tdi_vm_del_slot(struct tdi_vm *vm, uint32_t slot);

/*
 * Make [@gpa, @gpa + @size) private to the VM, or shared with the VMM. -EBUSY: shared,
 * while a TDI is bound that has pages there; nothing has changed.
 */
int tdi_vm_set_private(struct tdi_vm *vm, uint64_t gpa, uint64_t size,
		       bool is_private);

#ifdef __cplusplus
}
#endif

#endif /* TDI_VM_H */
