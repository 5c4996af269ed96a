// SPDX-License-Identifier: GPL-2.0-only
/*
 * Selective IDE streams: configured -> keys programmed -> keys go -> (stop) ->
 * blocked -> deleted.
 *
 * The keys of both ends are one switch of the platform. It sleeps, so it is driven
 * after the lock is dropped: the stream has its new state before the root complex
 * follows, and two callers of one stream are the caller's to keep apart.
 */
#include <linux/export.h>

#include "fw.h"

static const char *stream_state(const struct fw_stream *stream)
{
	if (stream->blocked)
		return "BLOCKED";
	switch (stream->keys) {
	case FW_KEYS_PROG:
		return "KEYS_PROG";
	case FW_KEYS_GO:
		return "KEYS_GO";
	default:
		return "CONFIGURED";
	}
}

struct fw_stream *fw_stream_find(struct tdx_fw *fw, u8 iommu, u8 id)
{
	struct fw_node *node = fw_node_find(&fw->streams, fw_key(iommu, id));
	struct fw_stream *stream;

	lockdep_assert_held(&fw->lock);
	if (!node)
		return NULL;
	stream = container_of(node, struct fw_stream, node);
	fw->ref.seen = stream_state(stream);
	return stream;
}

/* the platform as it is now, for use after the lock is dropped */
struct platform_switch {
	const struct teemu_platform *platform;
	void *priv;
	bool drive;
	bool go;
};

static void set_keys(const struct platform_switch *sw, u8 stream)
{
	if (sw->drive && sw->platform)
		sw->platform->ide_keys(sw->priv, stream, sw->go);
}

static void want_keys(struct tdx_fw *fw, struct platform_switch *sw, bool go)
{
	*sw = (struct platform_switch) {
		.platform = fw->platform,
		.priv = fw->priv,
		.drive = true,
		.go = go,
	};
}

static bool has_mem(const struct tdx_ide_assoc *a)
{
	return a->mem_base <= a->mem_limit;
}

static bool overlap(const struct tdx_ide_assoc *a, const struct tdx_ide_assoc *b)
{
	if (a->rid_base <= b->rid_limit && b->rid_base <= a->rid_limit)
		return true;
	return has_mem(a) && has_mem(b) && a->mem_base <= b->mem_limit &&
	       b->mem_base <= a->mem_limit;
}

/* an IOMMU has 256 streams at most */
static bool overlaps_any(struct tdx_fw *fw, u8 iommu,
			 const struct tdx_ide_assoc *assoc)
{
	struct fw_node *node = fw_node_next(&fw->streams, fw_key(iommu, 0));

	for (; node; node = fw_node_after(node)) {
		struct fw_stream *other = container_of(node, struct fw_stream,
						       node);

		if (other->iommu != iommu)
			return false;
		if (overlap(&other->assoc, assoc))
			return true;
	}
	return false;
}

static u64 stream_create(struct tdx_fw *fw, u8 iommu, u8 id, u16 index,
			 const struct tdx_ide_assoc *assoc,
			 struct fw_stream *new)
{
	struct fw_spdm *spdm;

	if (!new)
		return TDX_OPERAND_BUSY;
	if (iommu >= TDX_FW_NR_IOMMUS)
		return TDX_OPERAND_INVALID | 1;
	/* inferred: the code for a number that is in use */
	if (fw_stream_find(fw, iommu, id))
		return TDX_IDE_STREAM_INVALID_STATE | 2;
	spdm = fw_spdm_find(fw, iommu, index);
	if (!spdm)
		return TDX_SPDM_ENTRY_NOT_PRESENT | 3;
	if (!spdm->bound)
		return TDX_SPDM_INVALID_STATE | 3;
	if (assoc->rid_base > assoc->rid_limit)
		return TDX_OPERAND_INVALID | 4;
	if (overlaps_any(fw, iommu, assoc))
		return TDX_OPERAND_INVALID | 4;
	new->iommu = iommu;
	new->id = id;
	new->spdm = spdm;
	new->assoc = *assoc;
	spdm->streams++;
	new->node.key = fw_key(iommu, id);
	fw_node_add(&fw->streams, &new->node);
	return TDX_SUCCESS;
}

/**
 * tdh_ide_stream_create() - configure a selective stream
 * @fw: the model
 * @iommu: of the root port
 * @stream: stream id
 * @spdm: index of the BOUND session that will key it
 * @assoc: requesters and addresses; must not overlap those of another stream
 *
 * Return: TDX_SPDM_INVALID_STATE, TDX_OPERAND_INVALID or other status.
 * Context: process, may sleep.
 */
u64 tdh_ide_stream_create(struct tdx_fw *fw, u8 iommu, u8 stream, u16 spdm,
			  const struct tdx_ide_assoc *assoc)
{
	struct fw_stream *new __free(kfree) = kzalloc_obj(*new);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_IDE_STREAM_CREATE) ?:
		 stream_create(fw, iommu, stream, spdm, assoc, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_IDE_STREAM_CREATE, stream, status);
}
EXPORT_SYMBOL_GPL(tdh_ide_stream_create);

static u64 idekmreq(struct tdx_fw *fw, u8 iommu, u8 id, enum tdx_idekm_op op)
{
	struct fw_stream *stream = fw_stream_find(fw, iommu, id);

	if (!stream)
		return TDX_IDE_STREAM_NOT_CONFIGURED | 2;
	if (stream->blocked)
		return TDX_IDE_STREAM_BLOCKED | 2;
	if (stream->outreq)
		return TDX_IDE_STREAM_IDEKM_OUTREQ;
	switch (op) {
	case TDX_IDEKM_KEY_PROG:
		if (stream->keys != FW_KEYS_NONE)
			return TDX_IDE_STREAM_INVALID_STATE;
		break;
	case TDX_IDEKM_K_SET_GO:
		if (stream->keys != FW_KEYS_PROG)
			return TDX_IDEKM_KEYS_NOT_READY;
		break;
	case TDX_IDEKM_K_SET_STOP:
		if (stream->devifs)
			return TDX_IDE_STREAM_HAS_DEVICE_INTERFACES;
		if (stream->keys != FW_KEYS_GO)
			return TDX_IDEKM_KEYS_NOT_READY;
		break;
	default:
		return TDX_OPERAND_INVALID | 3;
	}
	stream->op = op;
	stream->outreq = true;
	return TDX_SUCCESS;
}

/**
 * tdh_ide_stream_idekmreq() - begin one key operation
 * @fw: the model
 * @iommu: of the root port
 * @stream: stream id
 * @op: KEY_PROG, K_SET_GO after it, or K_SET_STOP when no interface is left
 *
 * Return: TDX_IDE_STREAM_NOT_CONFIGURED, TDX_IDE_STREAM_BLOCKED,
 * TDX_IDE_STREAM_IDEKM_OUTREQ, TDX_IDEKM_KEYS_NOT_READY,
 * TDX_IDE_STREAM_HAS_DEVICE_INTERFACES, TDX_IDE_STREAM_INVALID_STATE or success:
 * tdh_ide_stream_idekmrsp() completes it.
 * Context: any.
 */
u64 tdh_ide_stream_idekmreq(struct tdx_fw *fw, u8 iommu, u8 stream,
			    enum tdx_idekm_op op)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_IDE_STREAM_IDEKMREQ, stream,
			fw_begin(fw, TDH_IDE_STREAM_IDEKMREQ) ?:
			idekmreq(fw, iommu, stream, op));
}
EXPORT_SYMBOL_GPL(tdh_ide_stream_idekmreq);

static u64 idekmrsp(struct tdx_fw *fw, u8 iommu, u8 id,
		    struct platform_switch *sw)
{
	struct fw_stream *stream = fw_stream_find(fw, iommu, id);

	if (!stream)
		return TDX_IDE_STREAM_NOT_CONFIGURED | 2;
	if (stream->blocked)
		return TDX_IDE_STREAM_BLOCKED | 2;
	if (!stream->outreq)
		return TDX_IDE_STREAM_INVALID_STATE;
	stream->outreq = false;
	switch (stream->op) {
	case TDX_IDEKM_KEY_PROG:
		stream->keys = FW_KEYS_PROG;
		break;
	case TDX_IDEKM_K_SET_GO:
		stream->keys = FW_KEYS_GO;
		want_keys(fw, sw, true);
		break;
	case TDX_IDEKM_K_SET_STOP:
		stream->keys = FW_KEYS_NONE;
		want_keys(fw, sw, false);
		break;
	}
	return TDX_SUCCESS;
}

/**
 * tdh_ide_stream_idekmrsp() - complete the key operation
 * @fw: the model
 * @iommu: of the root port
 * @stream: stream id
 *
 * Return: TDX_IDE_STREAM_INVALID_STATE if none was begun, or success. After
 * K_SET_GO the stream is secure in the root complex, after K_SET_STOP it is not.
 * Context: process, may sleep.
 */
u64 tdh_ide_stream_idekmrsp(struct tdx_fw *fw, u8 iommu, u8 stream)
{
	struct platform_switch sw = {};
	u64 status;

	scoped_guard(spinlock_irqsave, &fw->lock)
		status = fw_judge(fw, TDH_IDE_STREAM_IDEKMRSP, stream,
				  fw_begin(fw, TDH_IDE_STREAM_IDEKMRSP) ?:
				  idekmrsp(fw, iommu, stream, &sw));
	set_keys(&sw, stream);
	return status;
}
EXPORT_SYMBOL_GPL(tdh_ide_stream_idekmrsp);

static u64 stream_block(struct tdx_fw *fw, u8 iommu, u8 id,
			struct platform_switch *sw)
{
	struct fw_stream *stream = fw_stream_find(fw, iommu, id);

	if (!stream)
		return TDX_IDE_STREAM_NOT_CONFIGURED | 2;
	if (stream->blocked)
		return TDX_IDE_STREAM_BLOCKED | 2;
	stream->blocked = true;
	stream->outreq = false;
	stream->keys = FW_KEYS_NONE;
	want_keys(fw, sw, false);
	return TDX_SUCCESS;
}

/**
 * tdh_ide_stream_block() - switch IDE off at the root port, whatever the device does
 * @fw: the model
 * @iommu: of the root port
 * @stream: stream id
 *
 * The escape from a device that does not answer to STOP: every interface behind
 * the stream may be taken apart now, and none is usable any more.
 *
 * Return: TDX_IDE_STREAM_NOT_CONFIGURED, TDX_IDE_STREAM_BLOCKED or success.
 * Context: process, may sleep.
 */
u64 tdh_ide_stream_block(struct tdx_fw *fw, u8 iommu, u8 stream)
{
	struct platform_switch sw = {};
	u64 status;

	scoped_guard(spinlock_irqsave, &fw->lock)
		status = fw_judge(fw, TDH_IDE_STREAM_BLOCK, stream,
				  fw_begin(fw, TDH_IDE_STREAM_BLOCK) ?:
				  stream_block(fw, iommu, stream, &sw));
	set_keys(&sw, stream);
	return status;
}
EXPORT_SYMBOL_GPL(tdh_ide_stream_block);

static u64 stream_delete(struct tdx_fw *fw, u8 iommu, u8 id,
			 struct fw_stream **old)
{
	struct fw_stream *stream = fw_stream_find(fw, iommu, id);

	if (!stream)
		return TDX_IDE_STREAM_NOT_CONFIGURED | 2;
	if (!stream->blocked)
		return TDX_IDE_STREAM_NOT_BLOCKED | 2;
	if (stream->devifs)
		return TDX_IDE_STREAM_HAS_DEVICE_INTERFACES;
	stream->spdm->streams--;
	fw_node_del(&fw->streams, &stream->node);
	*old = stream;
	return TDX_SUCCESS;
}

/**
 * tdh_ide_stream_delete() - end of a stream
 * @fw: the model
 * @iommu: of the root port
 * @stream: stream id, blocked
 *
 * Return: TDX_IDE_STREAM_NOT_CONFIGURED, TDX_IDE_STREAM_NOT_BLOCKED,
 * TDX_IDE_STREAM_HAS_DEVICE_INTERFACES or success.
 * Context: process, may sleep.
 */
u64 tdh_ide_stream_delete(struct tdx_fw *fw, u8 iommu, u8 stream)
{
	struct fw_stream *old __free(kfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_IDE_STREAM_DELETE, stream,
			fw_begin(fw, TDH_IDE_STREAM_DELETE) ?:
			stream_delete(fw, iommu, stream, &old));
}
EXPORT_SYMBOL_GPL(tdh_ide_stream_delete);
