/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM teemu

#if !defined(_TRACE_TEEMU_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TEEMU_H

#include <linux/tracepoint.h>
#include <linux/types.h>
#include <trace/misc/tdisp.h>

#define teemu_show_state(state)			\
	__print_symbolic(state,			\
		{ 0, "CONFIG_UNLOCKED" },	\
		{ 1, "CONFIG_LOCKED" },		\
		{ 2, "RUN" },			\
		{ 3, "ERROR" })

TRACE_EVENT(teemu_tdisp,

	TP_PROTO(int domain, u16 rid, u8 message, int before, int after, u32 error),

	TP_ARGS(domain, rid, message, before, after, error),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u16, rid)
		__field(u8, message)
		__field(int, before)
		__field(int, after)
		__field(u32, error)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->rid = rid;
		__entry->message = message;
		__entry->before = before;
		__entry->after = after;
		__entry->error = error;
	),

	TP_printk("%04x:%04x %s %s -> %s error=%#x",
		  __entry->domain, __entry->rid,
		  __print_symbolic(__entry->message,
				   { 0x81, "GET_VERSION" },
				   { 0x82, "GET_CAPABILITIES" },
				   { 0x83, "LOCK" },
				   { 0x84, "GET_REPORT" },
				   { 0x85, "GET_STATE" },
				   { 0x86, "START" },
				   { 0x87, "STOP" }),
		  teemu_show_state(__entry->before),
		  teemu_show_state(__entry->after), __entry->error)
);

TRACE_EVENT(teemu_fall,

	TP_PROTO(int domain, u16 rid, int before, const char *why),

	TP_ARGS(domain, rid, before, why),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u16, rid)
		__field(int, before)
		__string(why, why)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->rid = rid;
		__entry->before = before;
		__assign_str(why);
	),

	TP_printk("%04x:%04x %s -> ERROR: %s", __entry->domain, __entry->rid,
		  teemu_show_state(__entry->before), __get_str(why))
);

TRACE_EVENT(teemu_ide,

	TP_PROTO(int domain, u8 stream, bool secure),

	TP_ARGS(domain, stream, secure),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u8, stream)
		__field(bool, secure)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->stream = stream;
		__entry->secure = secure;
	),

	TP_printk("%04x stream %u keys %s", __entry->domain, __entry->stream,
		  __entry->secure ? "go" : "gone")
);

TRACE_EVENT(teemu_reset,

	TP_PROTO(int domain, u16 rid, bool flr),

	TP_ARGS(domain, rid, flr),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u16, rid)
		__field(bool, flr)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->rid = rid;
		__entry->flr = flr;
	),

	TP_printk("%04x:%04x %s", __entry->domain, __entry->rid,
		  __entry->flr ? "FLR" : "conventional reset")
);

/*
 * The DSM has got a message of @len bytes through its mailbox and has answered with
 * @answered bytes, or not (0), after @ns; @mode: what its fault switch said
 */
TRACE_EVENT(teemu_doe,

	TP_PROTO(int domain, const void *req, size_t len, size_t answered,
		 int mode, u64 ns),

	TP_ARGS(domain, req, len, answered, mode, ns),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u32, msg)
		__field(size_t, len)
		__field(size_t, answered)
		__field(int, mode)
		__field(u64, ns)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->msg = trace_msg(req, len);
		__entry->len = len;
		__entry->answered = answered;
		__entry->mode = mode;
		__entry->ns = ns;
	),

	TP_printk("%04x %s len=%zu answered=%zu fault=%d ns=%llu", __entry->domain,
		  show_trace_msg(__entry->msg), __entry->len, __entry->answered,
		  __entry->mode, __entry->ns)
);

/* T=1 requests of a function may be shown to firmware, or not any more */
TRACE_EVENT(teemu_tdma,

	TP_PROTO(int domain, u16 rid, u32 tdi_id, bool armed),

	TP_ARGS(domain, rid, tdi_id, armed),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u16, rid)
		__field(u32, tdi_id)
		__field(bool, armed)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->rid = rid;
		__entry->tdi_id = tdi_id;
		__entry->armed = armed;
	),

	TP_printk("%04x:%04x tdi_id=%#x %s", __entry->domain, __entry->rid,
		  __entry->tdi_id, __entry->armed ? "armed" : "disarmed")
);

/* a request that moved no byte: refused (-EACCES), or without translation (-EFAULT) */
TRACE_EVENT(teemu_dma_fault,

	TP_PROTO(int domain, u16 rid, bool t, u64 addr, bool write, int rc),

	TP_ARGS(domain, rid, t, addr, write, rc),

	TP_STRUCT__entry(
		__field(int, domain)
		__field(u16, rid)
		__field(u64, addr)
		__field(bool, t)
		__field(bool, write)
		__field(int, rc)
	),

	TP_fast_assign(
		__entry->domain = domain;
		__entry->rid = rid;
		__entry->addr = addr;
		__entry->t = t;
		__entry->write = write;
		__entry->rc = rc;
	),

	TP_printk("%04x:%04x T=%d %s %#llx rc=%d", __entry->domain, __entry->rid,
		  __entry->t, __entry->write ? "write" : "read", __entry->addr,
		  __entry->rc)
);

#endif /* _TRACE_TEEMU_H */

#include <trace/define_trace.h>
