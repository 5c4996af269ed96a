// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model checked: histories that it must accept, and histories with one mistake
 * each, of which it must accept everything but the last answer. Runs on any host:
 *
 *	make -C tests/model check
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "walk.h"

#define V0	5	/* vDEVICE of function 0 */
#define V1	6	/* of function 1 */

enum kind { STOP, BEGIN, END, FAULTS };

/* a line of a history */
struct line {
	enum kind kind;
	unsigned int actor;
	struct model_call call;
	int answer;
	struct model_faults faults;
};

#define B(a, op_, fn_, id_)	{ .kind = BEGIN, .actor = (a),		\
	.call = { .op = MODEL_##op_, .fn = (fn_), .id = (id_) } }
#define E(a, answer_)		{ .kind = END, .actor = (a), .answer = (answer_) }
/* a call that nothing else meets, of an actor who has no other */
#define C(op_, fn_, id_, answer_) B(11, op_, fn_, id_), E(11, answer_)
#define QUIET(fn_, answer_)						\
	{ .kind = BEGIN, .actor = 11,					\
	  .call = { .op = MODEL_EVENT, .fn = (fn_), .quiet = true } },	\
	E(11, answer_)
#define F(...)			{ .kind = FAULTS, .faults = { __VA_ARGS__ } }

#define ANY_FAULT	(~0ULL << 10)	/* all errnos that the model knows */

#define MAX_LINES	40

/**
 * struct history - lines until STOP
 * @what: in words; of a wrong one, the mistake
 */
struct history {
	const char *what;
	struct line line[MAX_LINES];
};

/* bound, accepted, started */
#define RUN_0	C(BIND, 0, V0, 0), C(REQ_READ, 0, V0, 0), C(REQ_MMIO, 0, V0, 0), \
		C(REQ_START, 0, V0, 0)

static const struct history right[] = {
	{ "request to a new vDEVICE with an old id, before anybody was told", {
		C(VDEV_DESTROY, 0, V0, 0), B(0, VDEV_ALLOC, 0, 0),
		C(REQ_READ, 0, V0, -ENXIO), E(0, V0) } },
	{ "decoding off after the guest's STOP", {
		RUN_0, C(REQ_STOP, 0, V0, 0), C(CFG_CLEAR, 0, 0, 0),
		C(BAR_READ, 0, 0, -EIO), C(CFG_SET, 0, 0, 0),
		C(BAR_READ, 0, 0, -EBUSY) } },
	{ "a whole life", {
		C(STATE, 0, 0, MODEL_UNBOUND), C(TDISP, 0, 0, MODEL_UNLOCKED),
		C(REQ_READ, 0, V0, -ENXIO), C(BIND, 0, V0, 0),
		C(STATE, 0, 0, MODEL_BOUND), C(TDISP, 0, 0, MODEL_LOCKED),
		C(REQ_READ, 0, V0, 0), C(REQ_START, 0, V0, 0),
		C(TDISP, 0, 0, MODEL_RUN), C(UNBIND, 0, V0, 0),
		C(UNBIND, 0, V0, 0), C(STATE, 0, 0, MODEL_UNBOUND),
		C(TDISP, 0, 0, MODEL_UNLOCKED), QUIET(0, -EAGAIN) } },
	{ "refused while bound, not after", {
		C(RESET, 0, 0, 0), C(BIND, 0, V0, 0), C(BIND, 0, V0, -EBUSY),
		C(RESET, 0, 0, -EBUSY), C(ATTACH, 0, 0, -EBUSY),
		C(HOT_RESET, 1, 0, -EBUSY), C(SLOT_DEL, 0, 0, -EBUSY),
		C(SHARED, 0, 1, -EBUSY), C(EXPORT, 0, 0, -EBUSY),
		C(BAR_READ, 0, 0, -EBUSY), C(TOUCH, 0, 0, MODEL_SIGBUS),
		C(CFG_CLEAR, 0, 0, -EBUSY), C(RESET, 1, 0, 0),
		C(UNBIND, 0, V0, 0), C(RESET, 0, 0, 0), C(SLOT_DEL, 0, 0, 0),
		C(SHARED, 0, 1, 0), C(EXPORT, 0, 0, 0), C(BAR_READ, 0, 0, 0),
		C(TOUCH, 0, 0, 0) } },
	{ "two unbinds at once: both a success", {
		RUN_0, B(0, UNBIND, 0, V0), B(1, UNBIND, 0, V0), E(1, 0), E(0, 0),
		C(STATE, 0, 0, MODEL_UNBOUND) } },
	{ "two binds at once: one of them", {
		B(0, BIND, 0, V0), B(1, BIND, 0, V0), E(0, -EBUSY), E(1, 0),
		C(STATE, 0, 0, MODEL_BOUND) } },
	{ "two binds at once, both a success: an unbind was between them", {
		B(0, BIND, 0, V0), B(1, BIND, 0, V0), B(2, UNBIND, 0, V0), E(0, 0),
		E(1, 0), E(2, 0), C(STATE, 0, 0, MODEL_BOUND) } },
	{ "bind meets a reset: it is refused, at its end as well", {
		B(0, RESET, 0, 0), B(1, BIND, 0, V0), E(0, 0), E(1, -EBUSY),
		C(STATE, 0, 0, MODEL_UNBOUND) } },
	{ "bind of function 1 meets a reset of function 0, which hosts the DSM", {
		B(0, RESET, 0, 0), C(BIND, 1, V1, -EBUSY), E(0, 0),
		C(BIND, 1, V1, 0), C(RESET, 0, 0, -EBUSY) } },
	{ "a refused reset holds nothing", {
		B(0, BIND, 0, V0), B(1, RESET, 0, 0), E(1, -EBUSY), E(0, 0) } },
	{ "disconnect unbinds, and tells once", {
		RUN_0, C(DISCONNECT, 0, 0, 0), C(EVENT, 0, 0, -EAGAIN),
		C(BAR_READ, 0, 0, -EBUSY), QUIET(0, 1), QUIET(0, -EAGAIN),
		C(STATE, 0, 0, MODEL_UNBOUND), C(UNBIND, 0, V0, 0),
		C(BIND, 0, V0, -ENXIO), C(DISCONNECT, 0, 0, -ENXIO),
		C(CONNECT, 0, 0, 0), C(CONNECT, 0, 0, -EBUSY),
		C(BIND, 0, V0, 0) } },
	{ "disconnect meets an unbind that began before: nobody is told", {
		RUN_0, B(0, UNBIND, 0, V0), C(DISCONNECT, 0, 0, 0), E(0, 0),
		QUIET(0, -EAGAIN) } },
	{ "disconnect meets an unbind that came second: told", {
		RUN_0, B(0, UNBIND, 0, V0), C(DISCONNECT, 0, 0, 0), E(0, 0),
		QUIET(0, 1), QUIET(0, -EAGAIN) } },
	{ "disconnect meets a bind: ENXIO, though the link is there again", {
		B(0, BIND, 0, V0), C(DISCONNECT, 0, 0, 0), C(CONNECT, 0, 0, 0),
		E(0, -ENXIO), C(STATE, 0, 0, MODEL_UNBOUND) } },
	{ "close unbinds, and the vDEVICE is gone", {
		RUN_0, B(0, CLOSE, 0, 0), C(BIND, 0, V0, -EBUSY), E(0, 0),
		C(UNBIND, 0, V0, -ENOENT), C(BIND, 0, V0, -ENOENT),
		C(VDEV_ALLOC, 0, 0, -ENOENT), C(OPEN, 0, 0, 0),
		C(VDEV_ALLOC, 0, 0, 7), C(CFG_SET, 0, 0, 0), C(BIND, 0, 7, 0) } },
	{ "close of function 0 unbinds function 1, and tells it", {
		C(BIND, 1, V1, 0), C(CLOSE, 0, 0, 0),
		C(STATE, 1, 0, MODEL_UNBOUND), QUIET(1, 1), QUIET(1, -EAGAIN) } },
	{ "close of function 1 leaves function 0 alone", {
		C(BIND, 0, V0, 0), C(CLOSE, 1, 0, 0), C(STATE, 0, 0, MODEL_BOUND) } },
	{ "open of function 0 while function 1 is bound", {
		C(CLOSE, 0, 0, 0), C(BIND, 1, V1, 0), C(OPEN, 0, 0, -EBUSY),
		C(UNBIND, 1, V1, 0), C(OPEN, 0, 0, 0) } },
	{ "destroy of the vDEVICE unbinds; its number is used again", {
		RUN_0, C(VDEV_ALLOC, 0, 0, -EEXIST), C(VDEV_DESTROY, 0, V0, 0),
		C(VDEV_DESTROY, 0, V0, -ENOENT), C(REQ_READ, 0, V0, -ENOENT),
		C(STATE, 0, 0, MODEL_UNBOUND), C(VDEV_ALLOC, 0, 0, V0),
		C(BIND, 0, V0, 0) } },
	{ "a bind by a number that is just being given", {
		C(VDEV_DESTROY, 0, V0, 0), B(0, VDEV_ALLOC, 0, 0),
		C(BIND, 0, V0, 0), E(0, V0), C(STATE, 0, 0, MODEL_BOUND) } },
	{ "destroy meets a bind that has the vDEVICE in its hands", {
		B(0, BIND, 0, V0), B(1, VDEV_DESTROY, 0, V0), E(0, 0), E(1, 0),
		C(STATE, 0, 0, MODEL_UNBOUND) } },
	{ "destroy is refused while somebody has the vDEVICE in his hands", {
		B(0, REQ_READ, 0, V0), C(VDEV_DESTROY, 0, V0, -EBUSY),
		E(0, -ENXIO) } },
	{ "a fall, told or not, then the unbind", {
		RUN_0, C(FALL, 0, 0, 0), C(TDISP, 0, 0, MODEL_ERROR),
		C(REQ_READ, 0, V0, MODEL_REFUSED), QUIET(0, 2),
		C(UNBIND, 0, V0, 0), QUIET(0, -EAGAIN) } },
	{ "a fall that nobody noticed before the disconnect", {
		RUN_0, C(FALL, 0, 0, 0), C(DISCONNECT, 0, 0, 0), QUIET(0, 1),
		QUIET(0, -EAGAIN) } },
	{ "a fall and a disconnect, both told, in order", {
		RUN_0, C(FALL, 0, 0, 0), C(DISCONNECT, 0, 0, 0), QUIET(0, 2),
		QUIET(0, 1), QUIET(0, -EAGAIN) } },
	{ "the driver leaves: unbound first, then it waits for the close", {
		RUN_0, B(0, DRIVER_UNBIND, 0, 0), QUIET(0, 1),
		C(STATE, 0, 0, MODEL_UNBOUND), C(BIND, 0, V0, -EBUSY),
		C(CLOSE, 0, 0, 0), E(0, 0), C(OPEN, 0, 0, -ENODEV),
		C(DRIVER_BIND, 0, 0, 0), C(OPEN, 0, 0, 0) } },
	{ "unplug unbinds all", {
		C(BIND, 0, V0, 0), C(BIND, 1, V1, 0), B(0, UNPLUG, 0, 0),
		QUIET(1, 1), C(CLOSE, 1, 0, 0), QUIET(0, 1), C(CLOSE, 0, 0, 0),
		E(0, 0), C(REPLUG, 0, 0, 0), C(CONNECT, 0, 0, 0) } },
	{ "AMD's guest stops: then config writes go through", {
		RUN_0, C(REQ_STOP, 0, V0, 0), C(TDISP, 0, 0, MODEL_UNLOCKED),
		C(STATE, 0, 0, MODEL_BOUND), C(CFG_CLEAR, 0, 0, 0),
		C(RESET, 0, 0, -EBUSY), C(UNBIND, 0, V0, 0) } },
	{ "the device has stopped, and the driver has not heard of it", {
		RUN_0, B(0, REQ_STOP, 0, V0), C(TDISP, 0, 0, MODEL_UNLOCKED),
		C(CFG_GUARDED, 0, 0, -EBUSY), E(0, 0), C(CFG_GUARDED, 0, 0, 0) } },
	{ "a STOP ends ERROR", {
		RUN_0, C(FALL, 0, 0, 0), B(0, REQ_STOP, 0, V0),
		C(TDISP, 0, 0, MODEL_UNLOCKED), E(0, 0),
		C(TDISP, 0, 0, MODEL_UNLOCKED) } },
	{ "what is made to fail may fail, and changes nothing", {
		F(.answers = ANY_FAULT), C(BIND, 0, V0, -ENOMEM),
		C(BIND, 0, V0, -EIO), F(.answers = 0), C(STATE, 0, 0, MODEL_UNBOUND),
		C(BIND, 0, V0, 0), F(.answers = ANY_FAULT),
		C(REQ_READ, 0, V0, -EIO), C(UNBIND, 0, V0, 0) } },
	{ "a quarantine, and the way out", {
		RUN_0, F(.quarantine = true), C(UNBIND, 0, V0, -EIO),
		C(STATE, 0, 0, MODEL_QUARANTINED), C(BIND, 0, V0, -EIO),
		C(RESET, 0, 0, -EBUSY), C(DISCONNECT, 0, 0, -EBUSY),
		C(RETRY, 0, 0, -EIO), F(.quarantine = false),
		C(RETRY, 0, 0, 0), C(RETRY, 0, 0, -EINVAL), QUIET(0, 3),
		QUIET(0, 3), QUIET(0, 1), QUIET(0, -EAGAIN), C(BIND, 0, V0, 0) } },
	{ "what is shared already may be made so again, also while bound", {
		C(SHARED, 0, 1, 0), RUN_0, C(SHARED, 0, 1, 0), C(PRIVATE, 0, 1, 0),
		C(SHARED, 0, 1, -EBUSY) } },
	{ "a vDEVICE is destroyed while its device is closed", {
		RUN_0, B(0, CLOSE, 0, 0), C(VDEV_DESTROY, 0, V0, 0), E(0, 0) } },
	{ "disconnect comes to one function after the other", {
		C(BIND, 0, V0, 0), C(BIND, 1, V1, 0), B(0, DISCONNECT, 0, 0),
		QUIET(1, 1), C(STATE, 0, 0, MODEL_BOUND), C(BIND, 1, V1, -ENXIO),
		E(0, 0), QUIET(0, 1) } },
	{ "reads that meet a bind may have been before it", {
		B(0, BIND, 0, V0), B(1, BAR_READ, 0, 0), B(2, TOUCH, 0, 0),
		E(0, 0), E(1, 0), E(2, MODEL_SIGBUS),
		C(BAR_READ, 0, 0, -EBUSY) } },
};

static const struct history wrong[] = {
	{ "bind says 0 while bound", {
		C(BIND, 0, V0, 0), C(BIND, 0, V0, 0) } },
	{ "two binds at once both say 0", {
		B(0, BIND, 0, V0), B(1, BIND, 0, V0), E(0, 0), E(1, 0) } },
	{ "bind says EBUSY with nothing around", { C(BIND, 0, V0, -EBUSY) } },
	{ "bind says EBUSY after a reset that is over", {
		C(RESET, 0, 0, 0), C(BIND, 0, V0, -EBUSY) } },
	{ "bind says EBUSY because of a refused reset", {
		C(BIND, 0, V0, 0), B(0, RESET, 0, 0), E(0, -EBUSY),
		C(UNBIND, 0, V0, 0), C(BIND, 0, V0, -EBUSY) } },
	{ "bind says ENXIO with the link connected", { C(BIND, 0, V0, -ENXIO) } },
	{ "bind says 0 with the link down", {
		C(DISCONNECT, 0, 0, 0), C(BIND, 0, V0, 0) } },
	{ "bind says ENODEV though there is a VM", { C(BIND, 0, V0, -ENODEV) } },
	{ "bind says something that no page knows", { C(BIND, 0, V0, -EXDEV) } },
	{ "bind fails like an armed fault, and none is armed", {
		C(BIND, 0, V0, -ETIMEDOUT) } },
	{ "bound behind the back of a disconnect", {
		C(BIND, 0, V0, 0), B(0, DISCONNECT, 0, 0), QUIET(0, 1),
		C(BIND, 0, V0, 0) } },
	{ "bind slips past a disconnect: 0, and it was unbound by nobody", {
		B(0, BIND, 0, V0), C(DISCONNECT, 0, 0, 0), QUIET(0, -EAGAIN),
		E(0, 0) } },
	{ "bind succeeds while its vDEVICE is closed, after the close", {
		C(CLOSE, 0, 0, 0), C(BIND, 0, V0, 0) } },
	{ "a bind gets in between: bound after the close", {
		B(0, CLOSE, 0, 0), B(1, BIND, 0, V0), E(0, 0), E(1, 0),
		C(STATE, 0, 0, MODEL_BOUND) } },
	{ "unbind says EBUSY", { RUN_0, C(UNBIND, 0, V0, -EBUSY) } },
	{ "unbind says EIO and no firmware refused", {
		RUN_0, C(UNBIND, 0, V0, -EIO) } },
	{ "an unbind that comes second does not wait", {
		RUN_0, B(0, UNBIND, 0, V0), C(STATE, 0, 0, MODEL_UNBINDING),
		C(UNBIND, 0, V0, 0), C(STATE, 0, 0, MODEL_UNBINDING) } },
	{ "still bound after unbind", {
		RUN_0, C(UNBIND, 0, V0, 0), C(STATE, 0, 0, MODEL_BOUND) } },
	{ "TDI still in RUN after unbind", {
		RUN_0, C(UNBIND, 0, V0, 0), C(TDISP, 0, 0, MODEL_RUN) } },
	{ "TDI locked by nobody", { C(TDISP, 0, 0, MODEL_LOCKED) } },
	{ "bound again by itself", {
		RUN_0, C(DISCONNECT, 0, 0, 0), QUIET(0, 1), C(CONNECT, 0, 0, 0),
		C(STATE, 0, 0, MODEL_BOUND) } },
	{ "request after unbind says 0", {
		RUN_0, C(UNBIND, 0, V0, 0), C(REQ_READ, 0, V0, 0) } },
	{ "request while unbound reaches firmware", {
		C(REQ_READ, 0, V0, MODEL_REFUSED) } },
	{ "request while bound says ENXIO", { RUN_0, C(REQ_READ, 0, V0, -ENXIO) } },
	{ "request says EAGAIN with no other around", {
		RUN_0, C(REQ_READ, 0, V0, -EAGAIN) } },
	{ "request by a vDEVICE that was destroyed", {
		RUN_0, C(VDEV_DESTROY, 0, V0, 0), C(REQ_READ, 0, V0, -ENXIO) } },
	{ "slot deleted while bound", { RUN_0, C(SLOT_DEL, 0, 0, 0) } },
	{ "slot not to be deleted while unbound", { C(SLOT_DEL, 0, 0, -EBUSY) } },
	{ "slot not to be deleted after unbind", {
		RUN_0, C(UNBIND, 0, V0, 0), C(SLOT_DEL, 0, 0, -EBUSY) } },
	{ "slot set twice", { C(SLOT_SET, 0, 0, 0) } },
	{ "pages made shared while bound", { RUN_0, C(SHARED, 0, 1, 0) } },
	{ "pages not to be made shared while unbound", { C(SHARED, 0, 1, -EBUSY) } },
	{ "reset says 0 while bound", { RUN_0, C(RESET, 0, 0, 0) } },
	{ "reset of function 0 while function 1 is bound", {
		C(BIND, 1, V1, 0), C(RESET, 0, 0, 0) } },
	{ "reset of function 1 refused because of function 0", {
		C(BIND, 0, V0, 0), C(RESET, 1, 0, -EBUSY) } },
	{ "hot reset says 0 while another function is bound", {
		C(BIND, 0, V0, 0), C(HOT_RESET, 1, 0, 0) } },
	{ "reset says EBUSY with nothing bound", { C(RESET, 0, 0, -EBUSY) } },
	{ "reset says 0 while bound, after a bind that met other resets", {
		B(0, RESET, 0, 0), B(1, CFG_GUARDED, 0, 0), B(2, BIND, 0, V0),
		E(2, 0), E(0, 0), E(1, 0), C(RESET, 0, 0, 0) } },
	{ "config write goes through while locked", {
		RUN_0, C(CFG_CLEAR, 0, 0, 0) } },
	{ "config write goes through though the guest's STOP was refused", {
		RUN_0, C(REQ_STOP, 0, V0, MODEL_REFUSED), C(CFG_CLEAR, 0, 0, 0) } },
	{ "reset goes through after the guest's STOP", {
		RUN_0, C(REQ_STOP, 0, V0, 0), C(RESET, 0, 0, 0) } },
	{ "host reads a BAR while bound and hears of decoding that is on", {
		RUN_0, C(REQ_STOP, 0, V0, 0), C(BAR_READ, 0, 0, -EIO) } },
	{ "host reads a BAR while bound", { RUN_0, C(BAR_READ, 0, 0, 0) } },
	{ "host touches a BAR while bound", { RUN_0, C(TOUCH, 0, 0, 0) } },
	{ "BAR not given back after unbind", {
		RUN_0, C(UNBIND, 0, V0, 0), C(TOUCH, 0, 0, MODEL_SIGBUS) } },
	{ "BAR not readable after a bind that failed", {
		C(DISCONNECT, 0, 0, 0), C(BIND, 0, V0, -ENXIO),
		C(BAR_READ, 0, 0, -EBUSY) } },
	{ "export while bound", { RUN_0, C(EXPORT, 0, 0, 0) } },
	{ "event lost: disconnect", {
		RUN_0, C(DISCONNECT, 0, 0, 0), C(STATE, 0, 0, MODEL_UNBOUND),
		QUIET(0, -EAGAIN) } },
	{ "event lost: close of function 0", {
		C(BIND, 1, V1, 0), C(CLOSE, 0, 0, 0), QUIET(1, -EAGAIN) } },
	{ "event lost: driver unbind", {
		RUN_0, B(0, DRIVER_UNBIND, 0, 0), C(STATE, 0, 0, MODEL_UNBOUND),
		QUIET(0, -EAGAIN) } },
	{ "told of an unbind that it asked for", {
		RUN_0, C(UNBIND, 0, V0, 0), QUIET(0, 1) } },
	{ "told twice", {
		RUN_0, C(DISCONNECT, 0, 0, 0), QUIET(0, 1), QUIET(0, 1) } },
	{ "told in the wrong order", {
		RUN_0, C(FALL, 0, 0, 0), C(DISCONNECT, 0, 0, 0), QUIET(0, 1),
		QUIET(0, 2) } },
	{ "told of a fall that was none", { RUN_0, QUIET(0, 2) } },
	{ "told what happened to the other", {
		C(BIND, 1, V1, 0), C(CLOSE, 0, 0, 0), QUIET(0, 1) } },
	{ "open of function 0 while function 1 is bound", {
		C(CLOSE, 0, 0, 0), C(BIND, 1, V1, 0), C(OPEN, 0, 0, 0) } },
	{ "the binding is not told of a disconnect", {
		RUN_0, C(DISCONNECT, 0, 0, 0), QUIET(0, 1),
		C(BIND, 0, V0, -EBUSY) } },
	{ "the driver goes before the user", {
		B(0, DRIVER_UNBIND, 0, 0), E(0, 0) } },
	{ "bind gets past a driver that leaves", {
		RUN_0, B(0, DRIVER_UNBIND, 0, 0), QUIET(0, 1), C(BIND, 0, V0, 0) } },
	{ "unbound, but the driver still waits with it bound", {
		RUN_0, B(0, DRIVER_UNBIND, 0, 0), C(CLOSE, 0, 0, 0), E(0, 0),
		C(STATE, 0, 0, MODEL_BOUND) } },
	{ "a vDEVICE alive after its close", {
		C(CLOSE, 0, 0, 0), C(UNBIND, 0, V0, 0) } },
	{ "a second vDEVICE", { C(VDEV_ALLOC, 0, 0, 9) } },
	{ "a vDEVICE with another number than was used", {
		C(VDEV_DESTROY, 0, V0, 0), B(0, VDEV_ALLOC, 0, 0),
		C(BIND, 0, V0, 0), E(0, 9) } },
	{ "destroy says EBUSY with nobody around", {
		RUN_0, C(VDEV_DESTROY, 0, V0, -EBUSY) } },
	{ "destroy leaves it bound", {
		RUN_0, C(VDEV_DESTROY, 0, V0, 0), C(STATE, 0, 0, MODEL_BOUND) } },
	{ "quarantine forgotten: bind", {
		RUN_0, F(.quarantine = true), C(UNBIND, 0, V0, -EIO),
		F(.quarantine = false), C(BIND, 0, V0, 0) } },
	{ "quarantine forgotten: reset", {
		RUN_0, F(.quarantine = true), C(UNBIND, 0, V0, -EIO),
		C(RESET, 0, 0, 0) } },
	{ "quarantine not told", {
		RUN_0, F(.quarantine = true), C(UNBIND, 0, V0, -EIO),
		QUIET(0, -EAGAIN) } },
	{ "no way out of quarantine", {
		RUN_0, F(.quarantine = true), C(UNBIND, 0, V0, -EIO),
		F(.quarantine = false), C(RETRY, 0, 0, -EIO) } },
};

/* 0, or the errno of the first answer that is refused; its line in @at */
static int play(const struct history *h, size_t *at, char *why, size_t size)
{
	const struct model_fn is = {
		.driver = true, .open = true, .slots = 3, .mse = true,
	};
	struct model *m = model_new(2);
	struct model_fn fn = is;
	const struct line *l;
	int ret;

	if (!m)
		return -ENOMEM;
	fn.vdev = V0;
	ret = model_set(m, 0, &fn);
	fn.vdev = V1;
	ret = ret ?: model_set(m, 1, &fn);
	for (*at = 0; !ret && *at < MAX_LINES; (*at)++) {
		l = &h->line[*at];
		if (l->kind == STOP)
			break;
		if (l->kind == FAULTS)
			model_set_faults(m, &l->faults);
		else if (l->kind == BEGIN)
			ret = model_begin(m, l->actor, &l->call);
		else
			ret = model_end(m, l->actor, l->answer);
	}
	snprintf(why, size, "%s", model_why(m));
	model_free(m);
	return ret;
}

static size_t length(const struct history *h)
{
	size_t n = 0;

	while (n < MAX_LINES && h->line[n].kind != STOP)
		n++;
	return n;
}

#define WALKS		60
#define WALK_STEPS	6000

/* how many walks were refused */
static size_t walks(void)
{
	const struct model_fn is[2] = {
		{ .driver = true, .open = true, .vdev = V0, .slots = 3, .mse = true },
		{ .driver = true, .open = true, .vdev = V1, .slots = 3, .mse = true },
	};
	size_t bad = 0, peak = 0;
	static char tail[16384];
	unsigned int seed;
	struct model *m;

	for (seed = 1; seed <= WALKS; seed++) {
		m = model_new(2);
		if (!m || walk(m, is, 2, 2 + seed % 5, WALK_STEPS, seed)) {
			model_tail(m, tail, sizeof(tail));
			printf("not ok: walk %u is refused\n%s%s", seed, tail,
			       model_why(m));
			bad++;
		}
		if (model_peak(m) > peak)
			peak = model_peak(m);
		model_free(m);
	}
	printf("# %u walks of %u steps, at most %zu configurations\n", WALKS,
	       WALK_STEPS, peak);
	return bad;
}

int main(void)
{
	size_t i, at, bad = 0;
	char why[4096];
	int ret;

	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		ret = play(&right[i], &at, why, sizeof(why));
		if (!ret)
			continue;
		bad++;
		printf("not ok: %s: line %zu: %s\n%s", right[i].what, at,
		       strerror(-ret), why);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ret = play(&wrong[i], &at, why, sizeof(why));
		if (ret == -EUCLEAN && at == length(&wrong[i]) && *why)
			continue;
		bad++;
		printf("not ok: accepted, or refused too early: %s: line %zu of %zu: %s\n%s",
		       wrong[i].what, at, length(&wrong[i]), strerror(-ret), why);
	}
	bad += walks();
	printf("%s: model: %zu histories accepted, %zu refused, %zu wrong\n",
	       bad ? "not ok" : "ok", sizeof(right) / sizeof(right[0]),
	       sizeof(wrong) / sizeof(wrong[0]), bad);
	return !!bad;
}
