/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tdx_fw

#if !defined(_TRACE_TDX_FW_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TDX_FW_H

#include <linux/tracepoint.h>

/* one call of the firmware model, judged */
TRACE_EVENT(fw_call,
	    TP_PROTO(const char *leaf, u64 object, u64 status, bool violation),
	    TP_ARGS(leaf, object, status, violation),
	    TP_STRUCT__entry(__string(leaf, leaf)
			     __field(u64, object)
			     __field(u64, status)
			     __field(bool, violation)
	    ),
	    TP_fast_assign(__assign_str(leaf);
			   __entry->object = object;
			   __entry->status = status;
			   __entry->violation = violation;
	    ),
	    TP_printk("%s object=%#llx status=%#llx%s", __get_str(leaf),
		      __entry->object, __entry->status,
		      __entry->violation ? " VIOLATION" : "")
);

#endif

/* This part must be outside protection */
#include <trace/define_trace.h>
