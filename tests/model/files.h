/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who keeps whom alive when a VMM closes its files, as a model: which releases
 * happen at which close, in every order of closing.
 *
 * Written from docs/rules.md and docs/life-of-a-binding.md (who holds what) and from reading
 * Linux; it shares nothing with the kernel side and knows no test. Another model of
 * the same graph can be made from this comment alone.
 *
 * A VMM with one VM and one bound function has eleven *holds*, which it can drop one
 * by one, by close() or munmap():
 *
 *  V	fd of VFIO's device file
 *  M	mapping of a BAR; a mapping holds the device file
 *  D	fd of KVM's VFIO device
 *  I	fd of the iommufd
 *  E	fd of the event queue of the vIOMMU
 *  K	fd of the VM
 *  C	fd of the vCPU
 *  R	mapping of kvm_run; a mapping holds the vCPU's file
 *  G	fd of the guest_memfd
 *  B	fd of the dma-buf that the slot over BAR 0 is a slice of
 *  P	fd of the dma-buf that the slot over BAR 2 is a slice of
 *
 * They hold ten *objects*. An object is released when nothing holds it any more,
 * and then drops what it holds itself:
 *
 *  object		held by			holds
 *  device file		V, M, kvm-vfio		KVM twice (VFIO's own reference, got at
 *						VFIO_DEVICE_BIND_IOMMUFD because FILE_ADD
 *						came before; the binding's), iommufd
 *						twice (VFIO's, the iommufd device's)
 *  kvm-vfio file	D			device file (FILE_ADD), KVM
 *  event queue file	E			iommufd
 *  iommufd file	I, event queue file,	nothing here: its objects have no file
 *  (the context)	device file		but the queue's, which holds it
 *  VM file		K			KVM
 *  vCPU file		C, R			KVM
 *  guest_memfd file	G			KVM; a slot has no reference to it
 *  KVM			device file, kvm-vfio	both dma-bufs: one by each slot
 *			file, VM file, vCPU
 *			file, guest_memfd file
 *  dma-buf of BAR 0	B, KVM			VFIO's registration: no file, and it does
 *						not keep the device open
 *  dma-buf of BAR 2	P, KVM			the same
 *
 * Seven releases *do* something, and are the effects of the model:
 *
 *  GMEM	the guest_memfd file: its pages go, trusted DMA is shut out of them
 *  KVM_VFIO	the kvm-vfio file: it takes its KVM from the device file, and looks
 *		anew at the VM's coherency
 *  DEVICE	the device file, VFIO's last close: unbind, then the device is disabled
 *		and reset, the vDEVICE destroyed, the iommufd device unbound
 *  IOMMU	the iommufd's context: queue, vIOMMU, page table, IOAS destroyed
 *  KVM		the VM is destroyed
 *  BUF0, BUF2	a dma-buf goes
 *
 * The other three do nothing but drop a counted reference and are no effects: VM
 * file (kvm_vm_release() releases irqfds too, and this VM has none), vCPU file, event
 * queue file (the queue itself goes with the context). Their references count like
 * all others, so they decide *when* KVM and IOMMU happen.
 *
 * What else a VMM may have open and why it is not here: the fd of /dev/kvm (its VMs
 * have no reference to it; /dev/kvm has no state for an open file), pipes and eventfds
 * (no irqfd, no ioeventfd), anonymous memory (KVM and iommufd keep the mm_struct and
 * the pages, which hold no file), fds of sysfs and debugfs (closed before the first
 * bind).
 *
 * The *trace* of an order is the sequence of the sets of effects that each of its
 * closes has, closes without an effect left out. Within one close the kernel, not the
 * order, decides what comes first. Two orders with the same trace differ in when a
 * reference was dropped that was not the last of its object, and nothing looks at
 * the value of such a count: they are the same for the kernel. It does not matter
 * either which hold was the last of an object: the release runs as task work, with
 * no lock held, before close() or munmap() returns to user space.
 *
 * The effects of a close depend on which holds are left, not on the order in which
 * the others went: model_after() is a function of a set, and the rest follows.
 */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include <stdbool.h>
#include <stdint.h>

enum model_hold {
	HOLD_DEVICE, HOLD_BAR, HOLD_KVM_VFIO, HOLD_IOMMU, HOLD_EVENTS, HOLD_VM,
	HOLD_VCPU, HOLD_RUN, HOLD_GMEM, HOLD_BUF0, HOLD_BUF2, NR_HOLDS
};

#define HOLD(h)		(1U << HOLD_##h)
#define ALL_HOLDS	((1U << NR_HOLDS) - 1)

/* the letters of above: "VMDIEKCRGBP"[hold] */
extern const char model_letters[NR_HOLDS + 1];

/* effects, a mask */
#define DID_GMEM	0x01
#define DID_KVM_VFIO	0x02
#define DID_DEVICE	0x04
#define DID_IOMMU	0x08
#define DID_KVM		0x10
#define DID_BUF0	0x20
#define DID_BUF2	0x40
#define DID_ALL		0x7f
#define NR_EFFECTS	7

/* what has happened when the holds in @dropped, a mask, are gone: a mask */
unsigned int model_after(unsigned int dropped);

/**
 * struct model_trace - what the kernel sees of an order
 * @nr: closes that have an effect
 * @step: the effects of each of them
 * @orders: how many orders have this trace
 */
struct model_trace {
	unsigned int nr;
	uint8_t step[NR_EFFECTS];
	unsigned long orders;
};

/**
 * struct model - all orders
 * @nr: distinct traces
 * @trace: in the order in which they are met
 * @orders: how many orders there are, counted
 */
struct model {
	unsigned int nr;
	struct model_trace *trace;
	unsigned long orders;
};

/* walk through every order of the holds: 0 or -ENOMEM. Undone by model_free() */
int model_all(struct model *m);
void model_free(struct model *m);

/*
 * One order of @t's, each with the same probability; @seed is moved on as by
 * rand_r(). Answers how many there were to choose from, by counting another way than
 * model_all() does.
 */
unsigned long model_pick(const struct model_trace *t, unsigned int *seed,
			 uint8_t order[NR_HOLDS]);

/* "VMDIEKCRGBP", for people; @text has NR_HOLDS + 1 bytes */
void model_order_text(const uint8_t order[NR_HOLDS], char *text);
/* the inverse: false: not an order */
bool model_order_parse(const char *text, uint8_t order[NR_HOLDS]);
/* "gmem kvm-vfio" of a mask of effects; @text has 64 bytes */
void model_effects_text(unsigned int effects, char text[64]);

#endif /* MODEL_FILES_H */
