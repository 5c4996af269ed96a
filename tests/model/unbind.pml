/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who unbinds a TDI when its VMM dies? The objects of one bound function, the ways in which
 * their holders can let go of them, and a choice of designs, explored exhaustively by
 * spin: scripts/model. The answer is docs/who-unbinds.md.
 *
 * It knows nothing of the kernel's code. Sources: rules R01, R02, R06, R12, R17, R18, R29,
 * R30 (docs/rules), docs/architecture.md, docs/orders.md, and Linux 7.3 for the order of
 * VFIO's close and of the end of a VM.
 *
 * At the start a TDI is bound and locked, in RUN, or in ERROR. From there, at any time:
 *
 *  - one task or two let go of everything in any order: VFIO's device file (fd, BAR mapping, a
 *    duplicate in another process that closes late), kvm-vfio, VM and vCPU (fd, kvm_run mapping,
 *    duplicate), guest_memfd. That is a VMM that is killed, one that closes file by file,
 *    and one whose mm is shared by a worker thread of KVM that lives longer (exit_files()
 *    and exit_mm() in different tasks).
 *  - an ioctl of the VMM is still in progress: unbind, or destruction of the vDEVICE
 *  - a second process with a duplicate of the iommufd unbinds or destroys the vDEVICE, and then
 *    binds again (making a new vDEVICE if there is none), and the guest accepts, or not
 *  - the TSM disconnects
 *  - firmware does not let go at an unbind; an admin tries again, or never does
 *
 * The iommufd's files are not here: nothing happens at their release before VFIO's close, whose
 * device holds the context, and nothing of a TDI is left in it after. Nor is the dma-buf's fd:
 * the slot holds the dma-buf until the VM is destroyed.
 *
 * Everybody is bounded, so every run ends: then nobody can go on, and the judge says what
 * is left. A run that ends too early is a deadlock.
 *
 * What is atomic here and not in the kernel: nothing that another party could see half of.
 * A d_step is a section under a spinning lock, one call of firmware, or one counter.
 *
 * DESIGN, VENDOR and RACERS come from the environment, so that one pan serves all; KIND, a
 * mask of ends, makes the first one of them an error, for its trail.
 */
c_decl {
	\#include <stdio.h>
	\#include <stdlib.h>
	static int param(const char *name)
	{
		const char *text = getenv(name);

		return text ? atoi(text) : 0;
	}
};

/* vendors */
#define TDX	0
#define SEV	1
#define CCA	2

/* designs; names and what is expected of them are in scripts/model */
#define VMM_ONLY	0	/* nobody unbinds when the VMM dies */
#define KVM_DESTROY	1	/* kvm_destroy_vm() */
#define VFIO_LATE	2	/* VFIO's close, when the device has been disabled */
#define VDEV_DESTROY	3	/* the destruction of the vDEVICE, where 7.3 has it */
#define VFIO_REVOKED	4	/* VFIO's close, between dma-buf revoke and disable */
#define OURS		5	/* VFIO's last close, before close_device */
#define NO_KREF		6	/* ours, but the binding does not hold the KVM */
#define NO_KREF_VFIO	7	/* the same, and relies on VFIO holding it */
#define NO_BARRIER	8	/* ours, but new binds are not barred at the close */
#define NO_WAIT		9	/* ours, but who finds an unbind in progress goes on */
#define GIVE_UNDER_LOCK	10	/* ours, but the BARs are given back under dev_set->lock */
#define NO_INVALIDATE	11	/* ours, but guest_memfd's pages count as held by the KVM */
#define FILE_HELD	12	/* ours, but a dma-buf holds VFIO's file */
#define WAIT_REFS	13	/* ours, and the VM's teardown waits for "MMIO may be removed" */
#define WAIT_ONLY	14	/* that wait instead of the binding's KVM reference */
#define REVOKED_FREE	15	/* VFIO_REVOKED with KVM's import as ours: it counts nothing */

#define LIKE_OURS		(design >= OURS && design <= WAIT_ONLY)
#define AT_CLOSE		LIKE_OURS
#define AFTER_REVOKE		(design == VFIO_REVOKED || design == REVOKED_FREE)
#define AFTER_DISABLE		(design == VFIO_LATE)
#define AT_KVM_DESTROY		(design == KVM_DESTROY)
#define AT_VDEV_DESTROY		(design != VMM_ONLY && design != KVM_DESTROY)
#define MAY_COUNT		(!LIKE_OURS && design != REVOKED_FREE)
#define HAS_KREF		(design != KVM_DESTROY && design != NO_KREF && \
				 design != NO_KREF_VFIO && design != WAIT_ONLY)
#define HAS_BARRIER		(design != NO_BARRIER)
#define HAS_INVALIDATE		(design != NO_INVALIDATE)
#define WAITS_FOR_OTHERS	(design != NO_WAIT)
#define GIVES_BACK_UNDER_DEV_SET	(design == GIVE_UNDER_LOCK)
#define WAIT_IN_VM_TEARDOWN	(design == WAIT_REFS || design == WAIT_ONLY)
/* unclean ends, a mask */
#define RESET		1	/* the device is disabled and reset while its TDI is locked */
#define WAITS_FOR_EVER	2	/* dma-buf revoke waits for an importer that cannot let go */
#define REFUSED		4	/* firmware refuses a call: the referee's violation */
#define VM_FIRST	8	/* the VM is destroyed while its TDI is bound */
#define FREED		16	/* private pages are freed and T=1 requests still reach them */
#define LEFT		32	/* every file is closed, the TDI is still bound */
#define LEAK		64	/* a reference never goes */
#define GOT_IN		128	/* a bind between the unbind and the disable */
#define DEADLOCK	256
#define WAITED		512	/* the VM's teardown has to wait for mapped MMIO */

local byte vendor, design, racers;
short bad;		/* unclean ends that this run has met */
local short kind;		/* those that are errors */

#define BAD(what)	bad = bad | what; assert(!(kind & what))
#define SAY(text)	printf(text)

/* an object's life */
#define ALIVE		0
#define DYING		1
#define DEAD		2

byte running;		/* processes that have something to do */
#define DONE		running--

/* how it starts, chosen once */
local bool vfio_has_kvm;	/* FILE_ADD came before BIND_IOMMUFD, so VFIO holds the KVM */
local bool counted;		/* see revoke_dma_bufs() */

#include "firmware.pml"
#include "binding.pml"
#include "close.pml"
#include "processes.pml"
