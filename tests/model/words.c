// SPDX-License-Identifier: GPL-2.0-only
/* Names of what the model knows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

static const char *const op_names[MODEL_NR_OPS] = {
	[MODEL_BIND] = "bind",
	[MODEL_UNBIND] = "unbind",
	[MODEL_REQ_READ] = "req-read",
	[MODEL_REQ_MMIO] = "req-mmio",
	[MODEL_REQ_START] = "req-start",
	[MODEL_REQ_STOP] = "req-stop",
	[MODEL_REQ_OTHER] = "req-other",
	[MODEL_VDEV_ALLOC] = "vdev-alloc",
	[MODEL_VDEV_DESTROY] = "vdev-destroy",
	[MODEL_OPEN] = "open",
	[MODEL_CLOSE] = "close",
	[MODEL_RESET] = "reset",
	[MODEL_SYSFS_RESET] = "sysfs-reset",
	[MODEL_HOT_RESET] = "hot-reset",
	[MODEL_ATTACH] = "attach",
	[MODEL_LOW_POWER] = "low-power",
	[MODEL_CFG_GUARDED] = "cfg-guarded",
	[MODEL_CFG_CLEAR] = "cfg-clear",
	[MODEL_CFG_FLR] = "cfg-flr",
	[MODEL_CFG_SET] = "cfg-set",
	[MODEL_SLOT_SET] = "slot-set",
	[MODEL_SLOT_DEL] = "slot-del",
	[MODEL_SHARED] = "shared",
	[MODEL_PRIVATE] = "private",
	[MODEL_EXPORT] = "export",
	[MODEL_BAR_READ] = "bar-read",
	[MODEL_BAR_WRITE] = "bar-write",
	[MODEL_TOUCH] = "touch",
	[MODEL_CONNECT] = "connect",
	[MODEL_DISCONNECT] = "disconnect",
	[MODEL_DRIVER_UNBIND] = "driver-unbind",
	[MODEL_DRIVER_BIND] = "driver-bind",
	[MODEL_UNPLUG] = "unplug",
	[MODEL_REPLUG] = "replug",
	[MODEL_RETRY] = "retry",
	[MODEL_FALL] = "fall",
	[MODEL_EVENT] = "event",
	[MODEL_QUEUE_NEW] = "queue-new",
	[MODEL_STATE] = "state",
	[MODEL_TDISP] = "tdisp",
};

static const char *const state_names[] = {
	[MODEL_UNBOUND] = "unbound",
	[MODEL_BINDING] = "binding",
	[MODEL_BOUND] = "bound",
	[MODEL_UNBINDING] = "unbinding",
	[MODEL_QUARANTINED] = "quarantined",
};

#define SMALL		9	/* answers from 0 to this have the bit of their number */

/* the errnos that the model can allow; of any other it says that nobody may */
static const struct {
	int number;
	const char *name;
} errnos[] = {
	{ EBUSY, "EBUSY" }, { ENOENT, "ENOENT" }, { ENXIO, "ENXIO" },
	{ EIO, "EIO" }, { EINVAL, "EINVAL" }, { EAGAIN, "EAGAIN" },
	{ ENODEV, "ENODEV" }, { EEXIST, "EEXIST" },
	{ EOPNOTSUPP, "EOPNOTSUPP" }, { EACCES, "EACCES" },
	{ ETIMEDOUT, "ETIMEDOUT" }, { EBADMSG, "EBADMSG" },
	{ ENOMEM, "ENOMEM" }, { EINTR, "EINTR" }, { EFAULT, "EFAULT" },
	{ ENOTTY, "ENOTTY" }, { EBADF, "EBADF" }, { EPERM, "EPERM" },
	{ ENODATA, "ENODATA" }, { EPROTO, "EPROTO" }, { ENOSPC, "ENOSPC" },
	{ EMSGSIZE, "EMSGSIZE" }, { EREMOTEIO, "EREMOTEIO" },
	{ ENFILE, "ENFILE" }, { EMFILE, "EMFILE" }, { ECANCELED, "ECANCELED" },
};

#define NR_ERRNOS	(sizeof(errnos) / sizeof(errnos[0]))

uint64_t model_bit(int answer)
{
	size_t i;

	if (answer >= 0)
		return answer <= SMALL ? 1ULL << answer : 0;
	for (i = 0; i < NR_ERRNOS; i++)
		if (errnos[i].number == -answer)
			return 1ULL << (SMALL + 1 + i);
	return 0;
}

const char *model_op_name(enum model_op op)
{
	return op < MODEL_NR_OPS ? op_names[op] : "?";
}

const char *model_state_name(enum model_state state)
{
	return state >= MODEL_UNBOUND && state <= MODEL_QUARANTINED ?
	       state_names[state] : "?";
}

const char *model_answer_text(int answer, char buf[16])
{
	size_t i;

	for (i = 0; answer < 0 && i < NR_ERRNOS; i++)
		if (errnos[i].number == -answer)
			return errnos[i].name;
	snprintf(buf, 16, "%d", answer);
	return buf;
}
