/* SPDX-License-Identifier: MIT */
/*
 * libtdi, tsm: bind a vdevice's TDI to the VM, speak to its TSM, hear of its
 * fate. Every call answers 0 (or what it says) on success and -errno otherwise.
 */
#ifndef TDI_TSM_H
#define TDI_TSM_H

#include <stddef.h>
#include <stdint.h>

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

enum tdi_event_type {
	TDI_EVENT_UNBOUND = 1,
	TDI_EVENT_ERROR = 2,
	TDI_EVENT_QUARANTINED = 3,
};

/**
 * struct tdi_event - what happened to a bound TDI without the VMM asking
 * @virt_id: of the vdevice
 * @type: enum tdi_event_type, or 0 when only @lost is news
 * @lost: events were lost before this one
 */
struct tdi_event {
	uint64_t virt_id;
	uint32_t type;
	int lost;
};

/*
 * Bind. -ENODEV: the device has no VM; -EBUSY: bound already, or somebody uses
 * what bind needs; -EIO: quarantined. On failure nothing is bound.
 */
int tdi_tsm_bind(struct tdi_iommu *iommu, uint32_t vdevice_id);
/* Unbind; of what is not bound: 0. */
int tdi_tsm_unbind(struct tdi_iommu *iommu, uint32_t vdevice_id);
/* Pass a guest's request on. -EINTR: nothing was sent, may be repeated. */
int tdi_tsm_request(struct tdi_iommu *iommu, uint32_t vdevice_id,
		    struct tdi_request *req);

/*
 * A queue of at most @depth events of @viommu_id: answers its file, which the
 * caller owns. To undo: close the file, then tdi_iommu_destroy() of @queue_id.
 */
int tdi_event_open(struct tdi_iommu *iommu, uint32_t viommu_id,
		   uint32_t depth, uint32_t *queue_id);
/* Next event of file @fd. -EAGAIN: none (wait with poll(2)); -EBADMSG: not ours */
int tdi_event_read(int fd, struct tdi_event *event);

#endif /* TDI_TSM_H */
