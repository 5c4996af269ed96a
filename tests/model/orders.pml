/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In how many ways does the end of a VMM's files look different to the kernel?
 *
 * The graph of files of one VM with one bound function, with every hold of a VMM, closed
 * in every order; what each close sets off is noted down, and at the end the notes are
 * printed: each distinct trace once. tests/model/files.c counts the same in another way
 * (and its header says why these holds and these effects); scripts/model compares the two
 * sets line by line. This one was written from Linux 7.3:
 *
 *  VFIO's device file	vfio_df_ioctl_bind_iommufd() takes the iommufd twice (df->iommufd,
 *			the iommufd device) and the KVM that FILE_ADD has named; the
 *			binding takes the KVM. All four go in vfio_device_fops_release().
 *  kvm-vfio		get_file() of the device file in kvm_vfio_file_add(); the KVM in
 *			kvm_ioctl_create_device()
 *  event queue		iommufd_ctx_get() in iommufd_eventq_init()
 *  iommufd		iommufd_ctx_get() is a reference to its file
 *  VM, vCPU, gmem	each file has a KVM reference of its own; a slot none to guest_memfd
 *  dma-buf		one reference by its slot, put in kvm_free_memslots()
 *
 * A close is one step: all releases that it sets off run before close() or munmap() of a
 * single-threaded VMM returns (task work), and their order among themselves is not a
 * choice of the VMM.
 */
#define GMEM		1
#define KVM_VFIO	2
#define DEVICE		4
#define IOMMU		8
#define KVM		16
#define BUF0		32
#define BUF2		64

/* what each object is still held by */
byte device = 3;	/* fd, BAR mapping, kvm-vfio */
byte kvm_vfio = 1;
byte events = 1;
byte ictx = 4;		/* fd, event queue, VFIO twice */
byte vm = 1;
byte vcpu = 2;		/* fd, kvm_run mapping */
byte gmem = 1;
byte kvm = 6;		/* kvm-vfio, VM, vCPU, guest_memfd, VFIO, binding */
byte buf0 = 2;		/* fd, slot */
byte buf2 = 2;

byte did;		/* by the close in progress */
byte step[7], steps;

#define GONE		255	/* released */

/* Who holds comes before what is held, so one pass is enough */
inline release()
{
	if :: kvm_vfio == 0 -> kvm_vfio = GONE; did = did | KVM_VFIO; device--; kvm--
	:: else fi;
	if :: events == 0 -> events = GONE; ictx--
	:: else fi;
	if :: vm == 0 -> vm = GONE; kvm--
	:: else fi;
	if :: vcpu == 0 -> vcpu = GONE; kvm--
	:: else fi;
	if :: gmem == 0 -> gmem = GONE; did = did | GMEM; kvm--
	:: else fi;
	if :: device == 0 -> device = GONE; did = did | DEVICE; kvm = kvm - 2; ictx = ictx - 2
	:: else fi;
	if :: ictx == 0 -> ictx = GONE; did = did | IOMMU
	:: else fi;
	if :: kvm == 0 -> kvm = GONE; did = did | KVM; buf0--; buf2--
	:: else fi;
	if :: buf0 == 0 -> buf0 = GONE; did = did | BUF0
	:: else fi;
	if :: buf2 == 0 -> buf2 = GONE; did = did | BUF2
	:: else fi;
	if :: did -> step[steps] = did; steps++; did = 0
	:: else fi
}

/* one hold of the VMM: dropped once, at some moment */
proctype hold(byte which)
{
	d_step {
		if
		:: which < 2 -> device--
		:: which == 2 -> kvm_vfio--
		:: which == 3 -> ictx--
		:: which == 4 -> events--
		:: which == 5 -> vm--
		:: which == 6 || which == 7 -> vcpu--
		:: which == 8 -> gmem--
		:: which == 9 -> buf0--
		:: which == 10 -> buf2--
		fi;
		release()
	}
}

init {
	byte i;

	atomic {
		do
		:: i < 11 -> run hold(i); i++
		:: else -> break
		od
	};
	timeout;
	/* every count has come to its end */
	assert(device == GONE && kvm_vfio == GONE && events == GONE && ictx == GONE &&
	       vm == GONE && vcpu == GONE && gmem == GONE && kvm == GONE &&
	       buf0 == GONE && buf2 == GONE);
	c_code {
		printf("TRACE %d %d %d %d %d %d %d\n", now.step[0], now.step[1], now.step[2],
		       now.step[3], now.step[4], now.step[5], now.step[6]);
	}
}
