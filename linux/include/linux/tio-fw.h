/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the firmware models share: the referee that judges their calls, and the
 * TDISP messages that they write and read.
 *
 *  call	one entry of a vendor's table of calls: what a host, a guest or the
 *		CPU can ask of firmware
 *  personality	a vendor's table of calls and its status codes
 *  referee	counts the calls of one model, refuses on order of a fault switch
 *		and remembers the last violation: a refusal that a host which makes
 *		no mistake never meets
 *
 * A model owns one spinning lock, a leaf with interrupts off, and its referee is
 * under it. Every call has this shape:
 *
 *	guard(spinlock_irqsave)(&fw->lock);
 *	return tio_judge(&fw->ref, nr, object,
 *			 tio_begin(&fw->ref, nr) ?: do_the_call(fw, ...));
 *
 * do_the_call() checks in firmware's order, sets ref->seen to the state that it
 * finds, changes nothing when it refuses, and blames somebody else than the host
 * with tio_refuse_as() where that is due.
 */
#ifndef __LINUX_TIO_FW_H
#define __LINUX_TIO_FW_H

#include <linux/spinlock.h>
#include <linux/tdisp.h>
#include <linux/types.h>

struct seq_file;

/* who makes a call */
enum tio_caller {
	TIO_BY_HOST,
	TIO_BY_GUEST,
	TIO_BY_SERVICE,			/* the host, in a service TD's name */
};

/* what a call is about; firmware calls of a bind are those of TDI, MMIO and DMA */
enum tio_area {
	TIO_AREA_LINK,			/* device, session, IDE stream */
	TIO_AREA_TVM,			/* life of a TD, guest, realm */
	TIO_AREA_MEM,			/* private memory of a TVM */
	TIO_AREA_TDI,
	TIO_AREA_MMIO,
	TIO_AREA_DMA,
};

/**
 * struct tio_call - one call of a vendor's firmware
 * @nr: the vendor's number, unique in the table
 * @name: the vendor's name
 * @by: who makes it
 * @area: what it is about
 * @basis: how its rules are known: 'C' code, 'P' patches, 'S' specification, 'M'
 *	   inferred; the weakest of what the model does
 * @note: what the model leaves out or infers; "" for nothing
 */
struct tio_call {
	u32 nr;
	const char *name;
	enum tio_caller by;
	enum tio_area area;
	char basis;
	const char *note;
};

/* a status code, its operand bits clear */
struct tio_status {
	u64 code;
	const char *name;
	bool normal;		/* a host that makes no mistake meets it too */
};

/**
 * struct tio_personality - a vendor's firmware, as tables
 * @vendor: short name, as in debugfs: "tdx", "sev", "cca"
 * @title: for people
 * @calls: every call of the model
 * @nr_calls: how many
 * @status: every status code that the model answers, success first
 * @nr_status: how many
 * @status_mask: the bits of a status that are its code
 * @left_out: what the model as a whole leaves out, one sentence each, then NULL
 */
struct tio_personality {
	const char *vendor;
	const char *title;
	const struct tio_call *calls;
	size_t nr_calls;
	const struct tio_status *status;
	size_t nr_status;
	u64 status_mask;
	const char * const *left_out;
};

/* who is to blame for a refusal; only the host's own are violations */
enum tio_blame {
	TIO_BLAME_HOST,
	TIO_BLAME_DEVICE,
	TIO_BLAME_GUEST,
	TIO_BLAME_INJECTED,
};

/* fault switch: the next @count calls of @nr after @skip of them answer @status */
struct tio_fault {
	u32 nr;
	u32 skip;
	u32 count;
	u64 status;
};

/* the last violation; @state: of the object that stood in the way */
struct tio_violation {
	u32 nr;
	u64 object;
	u64 status;
	const char *state;
};

#define TIO_MAX_FAULTS		8

/* what has become of a call that was to stay in the firmware */
enum tio_pause_state {
	TIO_PAUSE_IDLE,		/* none was */
	TIO_PAUSE_ARMED,	/* it is yet to come */
	TIO_PAUSE_PAUSED,	/* it stays, and its caller with it */
	TIO_PAUSE_KILLED,	/* it went on when its caller was killed */
	TIO_PAUSE_LATE,		/* nobody killed its caller in time */
};

/* fault switch: the @nth call from now stays until its caller is killed */
struct tio_pause {
	u32 nth;
	enum tio_pause_state state;
};

/**
 * struct tio_referee - the judge of one model
 * @who: the vendor's tables
 * @lock: the model's lock, which owns everything here
 * @calls: calls judged
 * @refused: of those, the ones that were not answered with success
 * @violations: of those, the host's own mistakes
 * @last: the last violation
 * @blame: of the call in progress
 * @seen: state of the object that the call in progress looked at last
 * @began: when the call in progress began, in ns; 0 while nobody traces
 * @faults: fault switches
 * @pause: one more; its state is also read without @lock, which the call that stays
 *	   has taken
 * @count: calls of each entry of the table
 */
struct tio_referee {
	const struct tio_personality *who;
	spinlock_t *lock;		/* the model's */
	u64 calls;
	u64 refused;
	u64 violations;
	struct tio_violation last;
	enum tio_blame blame;
	const char *seen;
	u64 began;
	struct tio_fault faults[TIO_MAX_FAULTS];
	struct tio_pause pause;
	u64 *count;
};

/* life; process context, may sleep */
int tio_referee_init(struct tio_referee *ref, const struct tio_personality *who,
		     spinlock_t *lock /* of the model */);
void tio_referee_exit(struct tio_referee *ref);

/* under the model's lock */
u64 tio_begin(struct tio_referee *ref, u32 nr);
u64 tio_refuse_as(struct tio_referee *ref, enum tio_blame blame, u64 status);
u64 tio_judge(struct tio_referee *ref, u32 nr, u64 object, u64 status);

/* fault switch, takes the model's lock; what became of it, takes none */
void tio_pause(struct tio_referee *ref, u32 nth);
const char *tio_paused(const struct tio_referee *ref);
/* of tio_begin(), under the model's lock */
void tio_pause_here(struct tio_pause *pause);

/* take the model's lock themselves */
u64 tio_violations(struct tio_referee *ref);
u64 tio_calls(struct tio_referee *ref, enum tio_area area);
int tio_refuse(struct tio_referee *ref, u32 nr, u64 status, u32 skip, u32 count);
/* "calls N", "refused N", "violations N", "last ..." */
void tio_referee_show(struct tio_referee *ref, struct seq_file *m);
/* the tables with counters, a line each; documents are made from it */
void tio_calls_show(struct tio_referee *ref, struct seq_file *m);

const char *tio_call_name(const struct tio_personality *who, u32 nr);
const char *tio_status_name(const struct tio_personality *who, u64 status);

/* one TDISP request as firmware wants it on the wire */
struct tio_tdisp_req {
	u8 type;			/* TDISP_* */
	u16 rid;
	u16 lock_flags;			/* LOCK */
	u8 stream_id;			/* LOCK */
	u64 reporting_offset;		/* LOCK */
	u64 p2p_mask;			/* LOCK */
	u16 offset;			/* GET_REPORT */
	u16 length;			/* GET_REPORT */
	const u8 *nonce;		/* START, TDISP_NONCE_SIZE bytes */
};

/* what an answer says; pointers are into the message */
struct tio_tdisp_rsp {
	u8 type;			/* of the request that it answers, or TDISP_ERROR */
	const u8 *nonce;		/* LOCK */
	u8 state;			/* GET_STATE */
	u16 portion;			/* GET_REPORT */
	u16 remainder;			/* GET_REPORT */
	const u8 *bytes;		/* GET_REPORT */
	u32 error;			/* TDISP_ERROR: its code */
};

#define TIO_MSG_MAX		64	/* bytes of the longest request that is built */

/* bytes of the SPDM message in @msg, at most TIO_MSG_MAX; any context */
size_t tio_tdisp_build(u8 *msg, const struct tio_tdisp_req *req);
/*
 * The answer to a request of @type for @rid. 0; -EBADMSG: it is none, or one that
 * contradicts itself; -EREMOTEIO: a TDISP_ERROR (@rsp->error). Any context.
 */
int tio_tdisp_parse(const u8 *msg, size_t len, u8 type, u16 rid,
		    struct tio_tdisp_rsp *rsp);
/* GET_CERTIFICATE of slot 0, and its answer; as above */
size_t tio_certs_build(u8 *msg, u16 offset, u16 length);
int tio_certs_parse(const u8 *msg, size_t len, u16 *portion, u16 *remainder,
		    const u8 **bytes);

#endif /* __LINUX_TIO_FW_H */
