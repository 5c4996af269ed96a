// SPDX-License-Identifier: GPL-2.0-only
/*
 * Selective IDE streams. The keys are put in place and taken away by the root
 * complex, with the lock dropped: a stream is busy meanwhile.
 */
#include <linux/export.h>

#include "rmm.h"

static const char * const state_name[] = {
	[RMM_CONNECTING]	= "CONNECTING",
	[RMM_CONNECTED]		= "CONNECTED",
	[RMM_DISCONNECTING]	= "DISCONNECTING",
};

/* the stream @handle between these two, or NULL */
static struct rmm_stream *find_stream(struct cca_rmm *rmm, u64 port, u64 ep,
				      u64 handle)
{
	struct rmm_stream *stream;

	lockdep_assert_held(&rmm->lock);
	list_for_each_entry(stream, &rmm->streams, list) {
		if (stream->handle != handle ||
		    stream->port->use.r.base != port ||
		    stream->ep->use.r.base != ep)
			continue;
		rmm->ref.seen = state_name[stream->state];
		return stream;
	}
	return NULL;
}

static bool is_id_taken(struct cca_rmm *rmm, const struct rmm_pdev *port, u8 id)
{
	struct rmm_stream *stream;

	list_for_each_entry(stream, &rmm->streams, list)
		if (stream->port == port && stream->id == id)
			return true;
	return false;
}

static bool is_ready(struct cca_rmm *rmm, const struct rmm_pdev *pdev)
{
	return pdev->state == RMI_PDEV_READY && rmm_pdev_idle(rmm, pdev);
}

static u64 connect(struct cca_rmm *rmm, u64 port_pa, u64 ep_pa,
		   struct rmm_stream **new, u64 *handle)
{
	struct rmm_pdev *port = rmm_pdev_find(rmm, port_pa);
	struct rmm_pdev *ep = rmm_pdev_find(rmm, ep_pa);
	struct rmm_stream *stream = *new;

	if (!port || !ep || !port->params.root_port || ep->params.root_port)
		return RMI_ERROR_INPUT;
	if (!is_ready(rmm, port) || !is_ready(rmm, ep))
		return RMI_ERROR_INPUT;
	if (!stream)
		return RMI_BUSY;
	/* inferred: one stream for a device, whatever its traffic class */
	if (ep->stream || is_id_taken(rmm, port, stream->id)) {
		rmm->ref.seen = "taken";
		return RMI_ERROR_INPUT;
	}
	stream->handle = ++rmm->nonce;
	stream->port = port;
	stream->ep = ep;
	list_add(&stream->list, &rmm->streams);
	ep->stream = stream;
	ep->streams++;
	port->streams++;
	rmm_talk_begin(&port->talk, RMM_OP_CONNECT);
	rmm_talk_begin(&ep->talk, RMM_OP_CONNECT);
	*handle = stream->handle;
	*new = NULL;
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_stream_connect() - begin an IDE stream
 * @rmm: the model
 * @port: the root port, READY and idle
 * @ep: the endpoint, READY and idle
 * @stream_id: the stream id in both IDE capabilities
 * @stream: filled with the stream's handle
 *
 * Return: RMI_ERROR_INPUT, RMI_BUSY, or success: communicate on both, then
 * complete.
 * Context: process, may sleep.
 */
u64 rmi_pdev_stream_connect(struct cca_rmm *rmm, u64 port, u64 ep, u8 stream_id,
			    u64 *stream)
{
	struct rmm_stream *new __free(kfree) = kzalloc_obj(*new);

	if (new)
		new->id = stream_id;
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_STREAM_CONNECT, ep,
			 tio_begin(&rmm->ref, RMI_PDEV_STREAM_CONNECT) ?:
			 connect(rmm, port, ep, &new, stream));
}
EXPORT_SYMBOL_GPL(rmi_pdev_stream_connect);

static void unlink_stream(struct rmm_stream *stream)
{
	list_del(&stream->list);
	stream->ep->stream = NULL;
	stream->ep->streams--;
	stream->port->streams--;
}

static u64 stream_complete(struct cca_rmm *rmm, u64 port, u64 ep, u64 handle,
			   struct rmm_stream **go, struct rmm_stream **gone)
{
	struct rmm_stream *stream = find_stream(rmm, port, ep, handle);

	if (!stream)
		return RMI_ERROR_INPUT;
	if (stream->busy)
		return RMI_BUSY;
	switch (stream->state) {
	case RMM_CONNECTING:
		/* both have communicated, and well */
		if (!is_ready(rmm, stream->port) || !is_ready(rmm, stream->ep))
			return RMI_ERROR_INPUT;
		stream->busy = true;
		*go = stream;
		return RMI_SUCCESS;
	case RMM_DISCONNECTING:
		unlink_stream(stream);
		*gone = stream;
		return RMI_SUCCESS;
	default:
		return RMI_ERROR_INPUT;
	}
}

/* the root complex puts keys in place or takes them away; @stream is busy */
static void drive_keys(struct cca_rmm *rmm, struct rmm_stream *stream, bool go)
{
	if (rmm->platform)
		rmm->platform->ide_keys(rmm->priv, stream->id, go);
	guard(spinlock_irqsave)(&rmm->lock);
	if (go)
		stream->state = RMM_CONNECTED;
	stream->busy = false;
}

/**
 * rmi_pdev_stream_complete() - end what connect() or disconnect() began
 * @rmm: the model
 * @port: the root port
 * @ep: the endpoint
 * @stream: of rmi_pdev_stream_connect()
 *
 * Return: RMI_ERROR_INPUT: no such stream, or one side has yet to communicate;
 * RMI_BUSY; or success: CONNECTED, or gone.
 * Context: process, may sleep.
 */
u64 rmi_pdev_stream_complete(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream)
{
	struct rmm_stream *gone __free(kfree) = NULL;
	struct rmm_stream *go = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_PDEV_STREAM_COMPLETE, stream,
				   tio_begin(&rmm->ref,
					     RMI_PDEV_STREAM_COMPLETE) ?:
				   stream_complete(rmm, port, ep, stream, &go,
						   &gone));
	if (go)
		drive_keys(rmm, go, true);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_pdev_stream_complete);

static bool can_disconnect(struct cca_rmm *rmm, const struct rmm_pdev *pdev)
{
	return (pdev->state == RMI_PDEV_READY || pdev->state == RMI_PDEV_ERROR) &&
	       rmm_pdev_idle(rmm, pdev);
}

static u64 disconnect(struct cca_rmm *rmm, u64 port, u64 ep, u64 handle,
		      struct rmm_stream **go)
{
	struct rmm_stream *stream = find_stream(rmm, port, ep, handle);

	if (!stream)
		return RMI_ERROR_INPUT;
	if (stream->busy)
		return RMI_BUSY;
	/* inferred: from CONNECTING too, or a failed connect could not be undone */
	if (stream->state == RMM_DISCONNECTING ||
	    !can_disconnect(rmm, stream->port) ||
	    !can_disconnect(rmm, stream->ep))
		return RMI_ERROR_DEVICE;
	if (stream->ep->vdevs) {
		rmm->ref.seen = "has vdevs";
		return RMI_ERROR_DEVICE;
	}
	stream->state = RMM_DISCONNECTING;
	stream->busy = true;
	*go = stream;
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_stream_disconnect() - take an IDE stream's keys away
 * @rmm: the model
 * @port: the root port, READY or ERROR, idle
 * @ep: the endpoint, the same, without vdevs
 * @stream: of rmi_pdev_stream_connect()
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, RMI_BUSY, or success: complete() makes
 * it go.
 * Context: process, may sleep.
 */
u64 rmi_pdev_stream_disconnect(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream)
{
	struct rmm_stream *go = NULL;
	u64 status;

	scoped_guard(spinlock_irqsave, &rmm->lock)
		status = tio_judge(&rmm->ref, RMI_PDEV_STREAM_DISCONNECT, stream,
				   tio_begin(&rmm->ref,
					     RMI_PDEV_STREAM_DISCONNECT) ?:
				   disconnect(rmm, port, ep, stream, &go));
	if (go)
		drive_keys(rmm, go, false);
	return status;
}
EXPORT_SYMBOL_GPL(rmi_pdev_stream_disconnect);

static u64 key_refresh(struct cca_rmm *rmm, u64 port, u64 ep, u64 handle)
{
	struct rmm_stream *stream = find_stream(rmm, port, ep, handle);

	if (!stream)
		return RMI_ERROR_INPUT;
	if (stream->busy)
		return RMI_BUSY;
	if (stream->state != RMM_CONNECTED || !is_ready(rmm, stream->ep) ||
	    !is_ready(rmm, stream->port))
		return RMI_ERROR_DEVICE;
	rmm_talk_begin(&stream->port->talk, RMM_OP_REFRESH);
	rmm_talk_begin(&stream->ep->talk, RMM_OP_REFRESH);
	return RMI_SUCCESS;
}

/**
 * rmi_pdev_stream_key_refresh() - replace a stream's keys
 * @rmm: the model
 * @port: the root port, READY and idle
 * @ep: the endpoint, the same
 * @stream: CONNECTED
 *
 * Return: RMI_ERROR_INPUT, RMI_ERROR_DEVICE, RMI_BUSY, or success: communicate on
 * both.
 * Context: any.
 */
u64 rmi_pdev_stream_key_refresh(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_STREAM_KEY_REFRESH, stream,
			 tio_begin(&rmm->ref, RMI_PDEV_STREAM_KEY_REFRESH) ?:
			 key_refresh(rmm, port, ep, stream));
}
EXPORT_SYMBOL_GPL(rmi_pdev_stream_key_refresh);

/**
 * rmi_pdev_stream_key_purge() - not supported
 * @rmm: the model
 * @port: the root port
 * @ep: the endpoint
 * @stream: of rmi_pdev_stream_connect()
 *
 * Return: RMI_ERROR_NOT_SUPPORTED, as the RMM does today.
 * Context: any.
 */
u64 rmi_pdev_stream_key_purge(struct cca_rmm *rmm, u64 port, u64 ep, u64 stream)
{
	guard(spinlock_irqsave)(&rmm->lock);
	return tio_judge(&rmm->ref, RMI_PDEV_STREAM_KEY_PURGE, stream,
			 tio_begin(&rmm->ref, RMI_PDEV_STREAM_KEY_PURGE) ?:
			 RMI_ERROR_NOT_SUPPORTED);
}
EXPORT_SYMBOL_GPL(rmi_pdev_stream_key_purge);
