/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An independent model of a binding's life, to walk beside a test and to say of each
 * answer of the kernel whether it is allowed.
 *
 * Written from the rule catalogue and docs/uapi.md, sharing nothing with the kernel.
 * It is a nondeterministic transition system (spec.c: each call is a few steps, each
 * step changes a small state) and a checker of linearizability over it (model.c). The
 * checker keeps every configuration that agrees with what has been answered so far:
 * the state, and for each call in progress how far it has come. A call's answer is
 * allowed if in one of them, after some steps of the calls in progress, this call
 * can have that answer. If none is left, the kernel has broken a rule.
 *
 * How to use it:
 *
 *	m = model_new(2);
 *	model_set(m, 0, &(struct model_fn) { .driver = true });
 *	model_begin(m, actor, &(struct model_call) { MODEL_BIND, .fn = 0, .id = 5 });
 *	ret = ioctl(...);			errno as a negative number
 *	if (model_end(m, actor, ret))
 *		puts(model_why(m));
 *
 * The begin has to be told before the system call begins and the end after it has
 * returned, both under one lock of the caller's (the model has none): then whatever
 * order the kernel really had is one that the model considers. A test with one
 * thread uses model_call(), which is both, after the fact.
 *
 * An *actor* is whoever makes calls, one at a time: a thread mostly.
 *
 * Library: no globals, no prints, no exit. Functions answer 0 or -errno. After the
 * first answer that is not allowed every further one is refused too (-EUCLEAN).
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_FNS	4	/* of one device: 0 hosts the DSM, 2 and up are VFs of 0 */
#define MODEL_ACTORS	12
#define MODEL_SLOTS	2	/* of a function's BARs */

/* what can be called; what @id and @fn of the call are, and what is answered */
enum model_op {
	/* IOMMU_VDEVICE_TSM_OP; @id: the vDEVICE's */
	MODEL_BIND,
	MODEL_UNBIND,
	/*
	 * IOMMU_VDEVICE_TSM_REQ; @id: the vDEVICE's. Answer: 0, or MODEL_REFUSED if
	 * out_tsm_code says no, or the errno.
	 */
	MODEL_REQ_READ,		/* report, certificates: changes nothing */
	MODEL_REQ_MMIO,		/* VALIDATE_MMIO */
	MODEL_REQ_START,	/* SET_TDI_STATE RUN or STARTED */
	MODEL_REQ_STOP,		/* AMD: SET_TDI_STATE STOP */
	MODEL_REQ_OTHER,	/* VENDOR and all that concerns guest and firmware only */
	/* IOMMU_VDEVICE_ALLOC; answer: the id (from 1 on) or the errno */
	MODEL_VDEV_ALLOC,
	/* IOMMU_DESTROY of the vDEVICE @id */
	MODEL_VDEV_DESTROY,
	/* VFIO_DEVICE_BIND_IOMMUFD, the first open; the last close, to the end of close() */
	MODEL_OPEN,
	MODEL_CLOSE,
	/* behind the gate: refused while a function in reach is bound */
	MODEL_RESET,		/* VFIO_DEVICE_RESET */
	MODEL_SYSFS_RESET,
	MODEL_HOT_RESET,
	MODEL_ATTACH,		/* or detach, of a page table */
	MODEL_LOW_POWER,	/* entry */
	MODEL_CFG_GUARDED,	/* a write that a locked TDI resents; nothing comes of it */
	MODEL_CFG_CLEAR,	/* MSE or BME cleared */
	MODEL_CFG_FLR,
	/* MSE and BME set again: never refused, but a locked TDI may fall to ERROR */
	MODEL_CFG_SET,
	/* private slot @id (0 or 1) over a BAR of the function */
	MODEL_SLOT_SET,
	MODEL_SLOT_DEL,
	MODEL_SHARED,		/* KVM_SET_MEMORY_ATTRIBUTES on the slot's range */
	MODEL_PRIVATE,
	/* the host and the BARs; MODEL_TOUCH is of a mapping: 0 or MODEL_SIGBUS */
	MODEL_EXPORT,
	MODEL_BAR_READ,
	MODEL_BAR_WRITE,
	MODEL_TOUCH,
	/* the administrator */
	MODEL_CONNECT,
	MODEL_DISCONNECT,
	MODEL_DRIVER_UNBIND,	/* waits for the close of the VFIO device */
	MODEL_DRIVER_BIND,
	MODEL_UNPLUG,		/* of the device, all functions; waits for all closes */
	MODEL_REPLUG,		/* the device is there again; no driver yet, no link */
	MODEL_RETRY,		/* tdi/retry */
	/* the device: falls to TDISP ERROR by itself */
	MODEL_FALL,
	/*
	 * The next event of the function's queue: its type (enum iommu_vevent_tsm_type:
	 * 1 UNBOUND, 2 ERROR, 3 QUARANTINED), or -EAGAIN: none now. @quiet: nothing
	 * else is going on and it was waited for: what is owed has come.
	 */
	MODEL_EVENT,
	/* another queue in the old one's place: what was not read is gone */
	MODEL_QUEUE_NEW,
	/* what is read: enum model_state of sysfs tdi/state; enum model_tdisp */
	MODEL_STATE,
	MODEL_TDISP,
	MODEL_NR_OPS,
};

enum model_state {
	MODEL_UNBOUND = 1,
	MODEL_BINDING,
	MODEL_BOUND,
	MODEL_UNBINDING,
	MODEL_QUARANTINED,
};

enum model_tdisp {
	MODEL_UNLOCKED = 1,
	MODEL_LOCKED,
	MODEL_RUN,
	MODEL_ERROR,
};

/* answers that are no errno */
#define MODEL_REFUSED	1	/* firmware has answered, and said no */
#define MODEL_SIGBUS	9

/**
 * struct model_call - a call
 * @op: which
 * @fn: of which function; ignored by CONNECT, DISCONNECT, UNPLUG and REPLUG
 * @id: of the vDEVICE, or the slot's number; ids are one small number space per
 *	function (1 to 65000), and may be reused as the kernel does
 * @quiet: of MODEL_EVENT
 * @also: model_bit()s of answers that the caller's own arguments justify in any state
 *	  and that change nothing (a resource that is short, an address that is wrong)
 */
struct model_call {
	enum model_op op;
	unsigned int fn;
	unsigned int id;
	bool quiet;
	uint64_t also;
};

/**
 * struct model_fn - what a function is at the beginning, unbound
 * @driver: vfio-pci has it
 * @open: its VFIO device is open and bound to an iommufd
 * @no_kvm: it belongs to no VM: BIND answers ENODEV
 * @vdev: id of its vDEVICE, 0: none
 * @slots: bit for each private slot that is set, its range private
 * @mse: memory decoding is on
 */
struct model_fn {
	bool driver;
	bool open;
	bool no_kvm;
	unsigned int vdev;
	unsigned int slots;
	bool mse;
};

/**
 * struct model_faults - what somebody makes fail just now, besides the rules
 * @answers: model_bit()s: calls that talk to firmware or device (BIND, requests,
 *	     slots, vDEVICE) may fail with these, with nothing changed; START and STOP
 *	     may have been carried out all the same, also after an answer of @also
 * @quarantine: an unbind may end in quarantine (EIO), and so may a BIND that fails
 * @fall: the TDI may fall to ERROR, or be found there; a BIND that fails may leave the
 *	  device locked until the next one
 */
struct model_faults {
	uint64_t answers;
	bool quarantine;
	bool fall;
};

struct model;

/* @nr_fns functions, unbound, without driver; the link is connected. NULL: ENOMEM */
struct model *model_new(unsigned int nr_fns);
void model_free(struct model *m);

/* what function @fn is now; of one that no call in progress concerns */
int model_set(struct model *m, unsigned int fn, const struct model_fn *is);
int model_set_link(struct model *m, bool connected);
/* from now on, for calls that begin or are in progress; NULL: none any more */
void model_set_faults(struct model *m, const struct model_faults *f);

/* -EINVAL: nonsense, -EBUSY: the actor has a call in progress, -ENOMEM, -E2BIG */
int model_begin(struct model *m, unsigned int actor, const struct model_call *call);
/*
 * 0: allowed; -EUCLEAN: not: model_why(); -E2BIG: more configurations than the model
 * wants to look at, nothing can be said any more.
 */
int model_end(struct model *m, unsigned int actor, int answer);
/* both, by actor 0, of a call that is over */
int model_call(struct model *m, const struct model_call *call, int answer);

/* bit of an answer for @also and @answers; 0: the model does not know it */
uint64_t model_bit(int answer);

/* why the last answer was not allowed; lines that end in \n; "" if none was */
const char *model_why(const struct model *m);
/* the last calls, oldest first, as text into @buf: as many as fit */
void model_tail(const struct model *m, char *buf, size_t size);

/*
 * Bits (1 << enum model_state) of the states that function @fn can be in now, as far
 * as the answers so far tell. More than one bit: it depends on calls in progress.
 */
unsigned int model_states(struct model *m, unsigned int fn);
/* the same, without a look at what calls in progress may have done: cheap */
unsigned int model_known(const struct model *m, unsigned int fn);
/* calls of others in progress that bind function @fn: bit 0; that unbind it: bit 1 */
unsigned int model_meets(const struct model *m, unsigned int actor, unsigned int fn);
/* the function's queue owes an event for certain */
bool model_owes(const struct model *m, unsigned int fn);
/* bits (1 << enum model_tdisp), the same */
unsigned int model_tdisps(struct model *m, unsigned int fn);
/* the most configurations that there have been at once, and now */
size_t model_peak(const struct model *m);
size_t model_now(const struct model *m);

const char *model_op_name(enum model_op op);
const char *model_state_name(enum model_state state);
/* "0", "EBUSY", "7": into @buf of 16 bytes */
const char *model_answer_text(int answer, char buf[16]);

#endif /* MODEL_H */
