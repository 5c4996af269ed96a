/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM teemu

#if !defined(_TRACE_TEEMU_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TEEMU_H

#include <linux/tracepoint.h>
#include <linux/types.h>

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

#endif /* _TRACE_TEEMU_H */

#include <trace/define_trace.h>
