// SPDX-License-Identifier: GPL-2.0-only
/*
 * What COMMUNICATE of a pdev and of a vdev have in common: the host carries
 * messages, and the order in which it may do so.
 */
#include "rmm.h"

/* the call that begins an operation leaves it pending */
void rmm_talk_begin(struct rmm_talk *talk, enum rmm_op op)
{
	talk->op = op;
	talk->active = false;
	talk->offset = 0;
	sha384_init(&talk->sha);
}

/* COMMUNICATE may go on: something is pending, and @comm answers what was sent */
u64 rmm_talk_check(struct cca_rmm *rmm, const struct rmm_talk *talk,
		   struct rmi_comm *comm)
{
	bool fresh = comm->status == RMI_COMM_NONE;

	lockdep_assert_held(&rmm->lock);
	if (talk->op == RMM_OP_NONE) {
		rmm->ref.seen = "idle";
		return RMI_ERROR_DEVICE;
	}
	rmm->ref.seen = talk->active ? "active" : "pending";
	if (comm->status > RMI_COMM_ERROR || talk->active == fresh)
		return RMI_ERROR_INPUT;
	if (comm->status == RMI_COMM_RESPONSE && !comm->rsp)
		return RMI_ERROR_INPUT;
	comm->flags = 0;
	comm->req_len = 0;
	comm->cache_len = 0;
	return RMI_SUCCESS;
}

/* the @len bytes in comm->req are for the device */
void rmm_talk_send(struct rmm_talk *talk, struct rmi_comm *comm, u8 type,
		   size_t len)
{
	talk->active = true;
	talk->type = type;
	comm->flags |= RMI_COMM_SEND;
	comm->req_len = len;
}

/* @bytes of the answer are the next ones of @object */
void rmm_talk_cache(struct rmm_talk *talk, struct rmi_comm *comm,
		    enum rmi_cache_object object, const u8 *bytes, u32 len)
{
	sha384_update(&talk->sha, bytes, len);
	talk->offset += len;
	comm->flags |= RMI_COMM_CACHE;
	comm->object = object;
	comm->cache_offset = bytes - comm->rsp;
	comm->cache_len = len;
}
