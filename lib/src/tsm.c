// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/iommufd.h>

#include <tdi/device.h>
#include <tdi/iommu.h>
#include <tdi/tsm.h>

#include "util.h"

#define SEQUENCE_MAX	0x7fffffffU

/**
 * struct tdi_events - a queue of events
 * @iommu: whose it is
 * @queue_id: its object
 * @fd: its file
 * @next: sequence number that comes next unless something is lost
 */
struct tdi_events {
	struct tdi_iommu *iommu;
	uint32_t queue_id;
	int fd;
	uint32_t next;
};

static int tsm_op(struct tdi_iommu *iommu, uint32_t vdevice_id, uint32_t type)
{
	struct iommu_vdevice_tsm_op op = {
		.size = sizeof(op),
		.type = type,
		.vdevice_id = vdevice_id,
	};

	return tdi_ioctl(tdi_iommu_fd(iommu), IOMMU_VDEVICE_TSM_OP, &op);
}

int tdi_tsm_bind(struct tdi_iommu *iommu, uint32_t vdevice_id)
{
	return tsm_op(iommu, vdevice_id, IOMMU_VDEVICE_TSM_BIND);
}

int tdi_tsm_unbind(struct tdi_iommu *iommu, uint32_t vdevice_id)
{
	return tsm_op(iommu, vdevice_id, IOMMU_VDEVICE_TSM_UNBIND);
}

int tdi_tsm_reset(struct tdi_iommu *iommu, uint32_t vdevice_id,
		  struct tdi_device *dev, uint16_t command)
{
	return tdi_tsm_unbind(iommu, vdevice_id) ?: tdi_device_reset(dev) ?:
	       tdi_device_enable(dev, command);
}

int tdi_tsm_request(struct tdi_iommu *iommu, uint32_t vdevice_id,
		    struct tdi_request *req)
{
	struct iommu_vdevice_tsm_req arg = {
		.size = sizeof(arg),
		.vdevice_id = vdevice_id,
		.op = req->op,
		.tvm_arch = req->arch,
		.req_len = req->req_len,
		.resp_len = req->resp_len,
		.req_uptr = (uintptr_t)req->req,
		.resp_uptr = (uintptr_t)req->resp,
	};
	int ret;

	if (req->req_len > TDI_REQ_MAX || req->resp_len > TDI_RESP_MAX)
		return -EMSGSIZE;
	ret = tdi_ioctl(tdi_iommu_fd(iommu), IOMMU_VDEVICE_TSM_REQ, &arg);
	req->tsm_code = arg.out_tsm_code;
	if (ret) {
		req->resp_len = 0;
		return ret;
	}
	if (arg.resp_len > req->resp_len)
		return -EBADMSG;
	req->resp_len = arg.resp_len;
	return 0;
}

int tdi_event_open(struct tdi_iommu *iommu, uint32_t viommu_id, uint32_t depth,
		   uint32_t *queue_id)
{
	struct iommu_veventq_alloc alloc = {
		.size = sizeof(alloc),
		.viommu_id = viommu_id,
		.type = IOMMU_VEVENTQ_TYPE_TSM,
		.veventq_depth = depth,
	};
	int ret, flags;

	ret = tdi_ioctl(tdi_iommu_fd(iommu), IOMMU_VEVENTQ_ALLOC, &alloc);
	if (ret)
		return ret;
	flags = fcntl(alloc.out_veventq_fd, F_GETFL);
	if (flags < 0 ||
	    fcntl(alloc.out_veventq_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		ret = -errno;
		close(alloc.out_veventq_fd);
		tdi_iommu_destroy(iommu, alloc.out_veventq_id);
		return ret;
	}
	*queue_id = alloc.out_veventq_id;
	return alloc.out_veventq_fd;
}

int tdi_event_read(int fd, struct tdi_event *event)
{
	struct {
		struct iommufd_vevent_header header;
		struct iommu_vevent_tsm tsm;
	} raw;
	ssize_t n;

	memset(event, 0, sizeof(*event));
	n = read(fd, &raw, sizeof(raw));
	if (n < 0)
		return -errno;
	if (!n)
		return -EAGAIN;
	if (n < (ssize_t)sizeof(raw.header))
		return -EBADMSG;
	event->sequence = raw.header.sequence & SEQUENCE_MAX;
	event->lost = !!(raw.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	if (event->lost && n == (ssize_t)sizeof(raw.header))
		return 0;
	if (n != (ssize_t)sizeof(raw))
		return -EBADMSG;
	event->virt_id = raw.tsm.virt_id;
	event->type = raw.tsm.event;
	return 0;
}

int tdi_events_open(struct tdi_iommu *iommu, uint32_t viommu_id, uint32_t depth,
		    struct tdi_events **out)
{
	struct tdi_events *events;

	events = calloc(1, sizeof(*events));
	if (!events)
		return -ENOMEM;
	events->iommu = iommu;
	events->fd = tdi_event_open(iommu, viommu_id, depth, &events->queue_id);
	if (events->fd < 0) {
		int ret = events->fd;

		free(events);
		return ret;
	}
	*out = events;
	return 0;
}

void tdi_events_close(struct tdi_events *events)
{
	if (!events)
		return;
	tdi_close_fd(&events->fd);
	tdi_iommu_destroy(events->iommu, events->queue_id);
	free(events);
}

int tdi_events_fd(const struct tdi_events *events)
{
	return events->fd;
}

int tdi_events_next(struct tdi_events *events, struct tdi_event *event)
{
	int ret;

	ret = tdi_event_read(events->fd, event);
	if (ret)
		return ret;
	event->lost += (event->sequence - events->next) & SEQUENCE_MAX;
	events->next = (event->sequence + 1) & SEQUENCE_MAX;
	return 0;
}

const char *tdi_event_text(uint32_t type)
{
	switch (type) {
	case TDI_EVENT_UNBOUND:
		return "was unbound by the host: its BARs are shared again, bind it anew when its link is up";
	case TDI_EVENT_ERROR:
		return "fell to TDISP ERROR: still bound, of no use to the guest any more, to be unbound";
	case TDI_EVENT_QUARANTINED:
		return "is quarantined: firmware does not let go of it, nobody can use the function";
	default:
		return "has met with something that this library does not know";
	}
}
