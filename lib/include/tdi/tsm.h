/* SPDX-License-Identifier: MIT */
/*
 * libtdi, tsm: bind a vdevice's TDI to the VM, speak to its TSM, hear of its
 * fate. Every call answers 0 (or what it says) on success and -errno otherwise.
 */
#ifndef TDI_TSM_H
#define TDI_TSM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tdi_device;
struct tdi_iommu;

/* most bytes of one request and of one response that this library passes on */
#define TDI_REQ_MAX	4096
#define TDI_RESP_MAX	65536

/**
 * struct tdi_request - one guest request
 * @op: IOMMU_VDEVICE_TSM_REQ_*
 * @arch: IOMMU_TSM_TVM_ARCH_*
 * @req: payload, @req_len bytes, at most TDI_REQ_MAX
 * @resp: room for the answer, @resp_len bytes, at most TDI_RESP_MAX; both
 *	  filled in: @resp_len becomes the bytes answered
 * @tsm_code: out: the TSM's own status, 0 for success
 */
struct tdi_request {
	uint32_t op;
	uint32_t arch;
	const void *req;
	size_t req_len;
	void *resp;
	size_t resp_len;
	uint64_t tsm_code;
};

/**
 * enum tdi_event_type - what can happen to a bound TDI without the VMM asking
 * @TDI_EVENT_UNBOUND: the host has unbound it, for a reason that it could not refuse
 *	(link or TSM gone, error recovery), or it has left quarantine. The BARs are the
 *	VMM's again, slots and mappings are as before. Tell the guest that its device
 *	is gone; it can be bound again when the link is up.
 * @TDI_EVENT_ERROR: it fell to TDISP ERROR. It is still bound: the guest reaches
 *	neither its MMIO nor gets its DMA, the host is still out. Unbind it.
 * @TDI_EVENT_QUARANTINED: an unbind could not be completed; nobody can use the
 *	function. Close it. The host's administrator has to act: tdi/retry in sysfs, or
 *	a cold reset.
 */
enum tdi_event_type {
	TDI_EVENT_UNBOUND = 1,
	TDI_EVENT_ERROR = 2,
	TDI_EVENT_QUARANTINED = 3,
};

/**
 * struct tdi_event - what happened
 * @virt_id: of the vdevice
 * @type: enum tdi_event_type, or 0 when only @lost is news. Types that this library
 *	does not know are passed on as the kernel gave them.
 * @lost: so many events at least were lost just before this one, of whichever
 *	vdevice: look at all of them. An unbind of one that is unbound does nothing.
 * @sequence: the kernel's number of this event, or of the last that was lost
 */
struct tdi_event {
	uint64_t virt_id;
	uint32_t type;
	uint32_t lost;
	uint32_t sequence;
};

struct tdi_events;

/*
 * Bind. -ENODEV: the device has no VM; -EBUSY: bound already, or somebody uses
 * what bind needs; -EIO: quarantined. On failure nothing is bound.
 */
int tdi_tsm_bind(struct tdi_iommu *iommu, uint32_t vdevice_id);
/* Unbind; of what is not bound: 0. */
int tdi_tsm_unbind(struct tdi_iommu *iommu, uint32_t vdevice_id);
/*
 * Reset a TDI's function, bound or not, and go on with it shared: unbind @vdevice_id,
 * reset @dev (VFIO_DEVICE_RESET), set the bits @command (TDI_COMMAND_*) of PCI's command
 * register anew. The first failure is answered and ends it: -EIO of the unbind is a
 * quarantine, and nothing was reset. Nothing is bound again by itself.
 */
int tdi_tsm_reset(struct tdi_iommu *iommu, uint32_t vdevice_id,
		  struct tdi_device *dev, uint16_t command);
/*
 * Pass a guest's request on. -EINTR, -EAGAIN: nothing was sent, repeat it; -EFAULT:
 * @req->resp cannot be written, but the request has been carried out.
 */
int tdi_tsm_request(struct tdi_iommu *iommu, uint32_t vdevice_id,
		    struct tdi_request *req);

/*
 * A queue of at most @depth unread events of all vdevices of @viommu_id, which has one
 * such queue at most (-EEXIST). @iommu has to outlive it. To be opened before the
 * first bind: what happens without a queue is told to nobody.
 */
int tdi_events_open(struct tdi_iommu *iommu, uint32_t viommu_id, uint32_t depth,
		    struct tdi_events **events);
/* Unread events are dropped. Before the vIOMMU is destroyed. NULL is fine. */
void tdi_events_close(struct tdi_events *events);
/* For poll(2): POLLIN when there is an event. The file stays the context's. */
int tdi_events_fd(const struct tdi_events *events);
/*
 * The next event, in the order in which things happened to each TDI. -EAGAIN: none
 * now; -EBADMSG: the kernel says what this library does not understand.
 */
int tdi_events_next(struct tdi_events *events, struct tdi_event *event);
/* what an event of @type means, a part of a sentence about "the TDI" */
const char *tdi_event_text(uint32_t type);

/*
 * What the above is made of, for a caller that keeps file and id itself: opens a queue
 * and answers its file, not blocking. To undo: close the file, destroy @queue_id.
 */
int tdi_event_open(struct tdi_iommu *iommu, uint32_t viommu_id,
		   uint32_t depth, uint32_t *queue_id);
/*
 * Next event of file @fd, as tdi_events_next(), but @lost is only set where the kernel
 * marks a loss at the end of the queue: one before another event shows as a gap in
 * @sequence, which counts from 0 to INT32_MAX and around.
 */
int tdi_event_read(int fd, struct tdi_event *event);

#ifdef __cplusplus
}
#endif

#endif /* TDI_TSM_H */
