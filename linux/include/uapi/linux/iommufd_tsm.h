/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The part of the iommufd interface that gives a TEE device interface (TDI) to a
 * confidential VM. Included by linux/iommufd.h, whose general ioctl format and
 * errno vocabulary hold here too.
 */
#ifndef _UAPI_IOMMUFD_TSM_H
#define _UAPI_IOMMUFD_TSM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * enum iommu_vdevice_tsm_op_type - what IOMMU_VDEVICE_TSM_OP does
 * @IOMMU_VDEVICE_TSM_BIND: give the vDEVICE's TDI to the TVM
 * @IOMMU_VDEVICE_TSM_UNBIND: take it back
 */
enum iommu_vdevice_tsm_op_type {
	IOMMU_VDEVICE_TSM_BIND = 1,
	IOMMU_VDEVICE_TSM_UNBIND = 2,
};

/**
 * struct iommu_vdevice_tsm_op - ioctl(IOMMU_VDEVICE_TSM_OP)
 * @size: sizeof(struct iommu_vdevice_tsm_op)
 * @type: One of enum iommu_vdevice_tsm_op_type
 * @flags: Must be 0
 * @vdevice_id: vDEVICE of a PCI function
 *
 * BIND gives the function to the VM that its VFIO device was associated with by
 * KVM_DEV_VFIO_FILE_ADD before VFIO_DEVICE_BIND_IOMMUFD. From then on the host
 * cannot reach the BARs: mappings fault with SIGBUS, read() and write() fail,
 * other importers of the BAR's dma-bufs are revoked. The MSI-X table and PBA
 * stay the host's. The device ends in TDISP CONFIG_LOCKED; the TVM attests and
 * accepts it through IOMMU_VDEVICE_TSM_REQ. A failed BIND leaves everything as it
 * was. BIND does not happen by itself a second time, whatever ended the first.
 *
 * UNBIND ends it in the order that the platform's firmware demands; afterwards
 * the same mappings fault in again and the device works shared. UNBIND of an
 * unbound TDI is a success that does nothing. If another thread unbinds already
 * it waits for it.
 *
 * When the process dies, the last close of the VFIO device unbinds, before the
 * device is disabled; so do IOMMU_DESTROY of the vDEVICE, the unbinding of the
 * VFIO driver, hot-unplug, and a disconnect by the platform's TSM. Closing the
 * iommufd alone unbinds nothing: the VFIO device holds it.
 *
 * errno, beside the general ones:
 *
 *  - ENOENT: @vdevice_id is not a vDEVICE
 *  - EOPNOTSUPP: a flag is set; not a PCI function of vfio-pci; the vIOMMU has
 *    no trusted DMA; this KVM has no private MMIO; the TSM cannot bind
 *  - EINVAL: unknown @type; the virtual device ID does not fit a requester ID
 *  - ENODEV: (BIND) the VFIO device is not associated with a VM
 *  - ENXIO: (BIND) the device's link is not connected to a TSM
 *  - EBUSY: (BIND) bound already; an operation that a bound TDI must not see is
 *    at work (a reset, a config write); another importer of a BAR would not let
 *    go in time; the device is being closed. Nothing has changed, retry is safe.
 *  - EIO: the TDI is quarantined: firmware would not let go of it; (BIND) or the
 *    device or the firmware did not answer as it must
 *  - ETIMEDOUT, EPROTO, EBADMSG: (BIND) the device did not answer, or not what
 *    TDISP demands; ENOSPC, EXDEV: (BIND) the platform's TSM is out of room, or
 *    serves this VM on another root complex
 */
struct iommu_vdevice_tsm_op {
	__u32 size;
	__u32 type;
	__u32 flags;
	__u32 vdevice_id;
};

#define IOMMU_VDEVICE_TSM_OP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VDEVICE_TSM_OP)

/**
 * enum iommu_vdevice_tsm_req_op - kind of a TVM's request about its TDI
 * @IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO: accept a page of private MMIO
 * @IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE: change the TDISP state
 * @IOMMU_VDEVICE_TSM_REQ_VENDOR: the architecture's own calls, its DMA switches
 *                                among them
 * @IOMMU_VDEVICE_TSM_REQ_READ_REPORT: read the device interface report
 * @IOMMU_VDEVICE_TSM_REQ_READ_CERTS: read the device's certificate chain
 * @IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS: read the device's measurements
 */
enum iommu_vdevice_tsm_req_op {
	IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO = 1,
	IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE = 2,
	IOMMU_VDEVICE_TSM_REQ_VENDOR = 3,
	IOMMU_VDEVICE_TSM_REQ_READ_REPORT = 4,
	IOMMU_VDEVICE_TSM_REQ_READ_CERTS = 5,
	IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS = 6,
};

/**
 * enum iommu_tsm_tvm_arch - architecture of the TVM that made a request
 * @IOMMU_TSM_TVM_ARCH_TDX: Intel TDX Connect, payloads in linux/tdx-tdi.h
 * @IOMMU_TSM_TVM_ARCH_SEV: AMD SEV-TIO
 * @IOMMU_TSM_TVM_ARCH_CCA: Arm CCA
 * @IOMMU_TSM_TVM_ARCH_COVE: RISC-V CoVE-IO
 */
enum iommu_tsm_tvm_arch {
	IOMMU_TSM_TVM_ARCH_TDX = 1,
	IOMMU_TSM_TVM_ARCH_SEV = 2,
	IOMMU_TSM_TVM_ARCH_CCA = 3,
	IOMMU_TSM_TVM_ARCH_COVE = 4,
};

/* largest request and response, in bytes */
#define IOMMU_VDEVICE_TSM_REQ_MAX	4096
#define IOMMU_VDEVICE_TSM_RESP_MAX	65536

/**
 * struct iommu_vdevice_tsm_req - ioctl(IOMMU_VDEVICE_TSM_REQ)
 * @size: sizeof(struct iommu_vdevice_tsm_req)
 * @vdevice_id: vDEVICE of a bound TDI
 * @op: One of enum iommu_vdevice_tsm_req_op
 * @tvm_arch: One of enum iommu_tsm_tvm_arch; must be the TSM's own
 * @req_len: Bytes at @req_uptr, 1 to IOMMU_VDEVICE_TSM_REQ_MAX
 * @resp_len: In: room at @resp_uptr, 0 to IOMMU_VDEVICE_TSM_RESP_MAX bytes.
 *            Out: bytes filled
 * @req_uptr: User pointer to the request, in the architecture's own format
 * @resp_uptr: User pointer for the response; unused if @resp_len is 0
 * @out_tsm_code: The firmware's own status of the request, for the TVM. 0 if the
 *                request never got as far as the firmware
 *
 * Passes a request of the TVM on to the TSM, which forwards what concerns the
 * device to the device. Only possible while bound. The VMM need not understand
 * the bytes. A request that firmware answers is a success of the ioctl, also
 * when firmware refuses: @out_tsm_code tells the TVM.
 *
 * The request is copied in before and the response out after it, never under a
 * lock that another VM's unbind needs. When the request cannot be copied in
 * (EFAULT), nothing has been sent. When the response, or this struct, cannot be
 * copied out (EFAULT), the request has been carried out and only its answer is
 * lost: a read can be repeated, and a repeated change of state is answered by
 * firmware as one that comes too late. A VMM that wants to tell the two apart
 * gives memory that it has written to before.
 *
 * errno, beside the general ones:
 *
 *  - ENOENT: @vdevice_id is not a vDEVICE; or VALIDATE_MMIO: the VMM has no
 *    private slot of this TDI at the guest address
 *  - EOPNOTSUPP: unknown @op or @tvm_arch; not of this TSM; not a PCI function
 *  - EINVAL: a length is out of range, or does not fit the op
 *  - ENXIO: the TDI is not bound
 *  - EACCES: VALIDATE_MMIO: the interface report has not been read, or does not
 *    name the page as TEE memory
 *  - EBUSY: VALIDATE_MMIO: the page is mapped at another guest address
 *  - EINTR: a signal came while it waited for the device's lock; nothing was
 *    sent, retry is safe. An exchange with the device is not interrupted.
 *  - EAGAIN: other requests of the same TDI have been at work for 2 s; nothing was
 *    sent, retry is safe. The requests of one TDI are sent one at a time.
 *  - EIO: the device or the firmware did not answer as it must
 *  - EFAULT: a user pointer is bad
 */
struct iommu_vdevice_tsm_req {
	__u32 size;
	__u32 vdevice_id;
	__u32 op;
	__u32 tvm_arch;
	__u32 req_len;
	__u32 resp_len;
	__aligned_u64 req_uptr;
	__aligned_u64 resp_uptr;
	__aligned_u64 out_tsm_code;
};

#define IOMMU_VDEVICE_TSM_REQ _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VDEVICE_TSM_REQ)

/**
 * enum iommu_vevent_tsm_event - what happened to a TDI unasked
 * @IOMMU_VEVENT_TSM_UNBOUND: the host unbound it, for a reason that it cannot
 *                            refuse (the TSM's link was taken down or the TSM
 *                            left, error recovery, removal of a device that it
 *                            depends on), or it has left quarantine
 * @IOMMU_VEVENT_TSM_ERROR: the TDI fell to TDISP ERROR; it is still bound
 * @IOMMU_VEVENT_TSM_QUARANTINED: an unbind could not be completed
 */
enum iommu_vevent_tsm_event {
	IOMMU_VEVENT_TSM_UNBOUND = 1,
	IOMMU_VEVENT_TSM_ERROR = 2,
	IOMMU_VEVENT_TSM_QUARANTINED = 3,
};

/**
 * struct iommu_vevent_tsm - TDI state change (IOMMU_VEVENTQ_TYPE_TSM)
 * @virt_id: virtual device ID, as in struct iommu_vdevice_alloc
 * @event: One of enum iommu_vevent_tsm_event
 * @__reserved: 0
 *
 * Reported only for changes that the VMM did not ask for, in the order in which they
 * happened to each TDI. All vDEVICEs of a vIOMMU share its queue. If events were
 * lost, the queue ends in a header with IOMMU_VEVENTQ_FLAG_LOST_EVENTS, or the
 * next event's sequence index has a gap before it. When the process dies the queue
 * dies with it and nobody is told.
 */
struct iommu_vevent_tsm {
	__aligned_u64 virt_id;
	__u32 event;
	__u32 __reserved;
};

#endif /* _UAPI_IOMMUFD_TSM_H */
