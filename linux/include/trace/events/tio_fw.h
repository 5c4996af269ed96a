/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tio_fw

#if !defined(_TRACE_TIO_FW_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TIO_FW_H

#include <linux/tio-fw.h>
#include <linux/tracepoint.h>

/* one call of a firmware model, judged; @state: of the object it looked at last */
TRACE_EVENT(fw_call,
	    TP_PROTO(const struct tio_personality *who,
		     const struct tio_call *call, u64 object, const char *state,
		     u64 status, bool violation),
	    TP_ARGS(who, call, object, state, status, violation),
	    TP_STRUCT__entry(__string(vendor, who->vendor)
			     __string(call, call ? call->name : "?")
			     __field(u64, object)
			     __string(state, state)
			     __field(u64, status)
			     __field(bool, violation)
	    ),
	    TP_fast_assign(__assign_str(vendor);
			   __assign_str(call);
			   __entry->object = object;
			   __assign_str(state);
			   __entry->status = status;
			   __entry->violation = violation;
	    ),
	    TP_printk("%s %s object=%#llx state=%s status=%#llx%s",
		      __get_str(vendor), __get_str(call), __entry->object,
		      __get_str(state), __entry->status,
		      __entry->violation ? " VIOLATION" : "")
);

#endif

/* This part must be outside protection */
#include <trace/define_trace.h>
