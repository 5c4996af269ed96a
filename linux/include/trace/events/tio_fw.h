/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tio_fw

#if !defined(_TRACE_TIO_FW_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TIO_FW_H

#include <linux/tio-fw.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(TIO_AREA_LINK);
TRACE_DEFINE_ENUM(TIO_AREA_TVM);
TRACE_DEFINE_ENUM(TIO_AREA_MEM);
TRACE_DEFINE_ENUM(TIO_AREA_TDI);
TRACE_DEFINE_ENUM(TIO_AREA_MMIO);
TRACE_DEFINE_ENUM(TIO_AREA_DMA);

#define show_tio_area(area)				\
	__print_symbolic(area,				\
			 { TIO_AREA_LINK,	"link" },	\
			 { TIO_AREA_TVM,	"tvm" },	\
			 { TIO_AREA_MEM,	"mem" },	\
			 { TIO_AREA_TDI,	"tdi" },	\
			 { TIO_AREA_MMIO,	"mmio" },	\
			 { TIO_AREA_DMA,	"dma" })

/*
 * one call of a firmware model, judged; @state: of the object it looked at last; @ns:
 * since it began, 0 if it began before anybody traced
 */
TRACE_EVENT(fw_call,
	    TP_PROTO(const struct tio_personality *who,
		     const struct tio_call *call, u64 object, const char *state,
		     u64 status, const char *answer, bool violation, u64 ns),
	    TP_ARGS(who, call, object, state, status, answer, violation, ns),
	    TP_STRUCT__entry(__string(vendor, who->vendor)
			     __string(call, call ? call->name : "?")
			     __field(u64, object)
			     __string(state, state)
			     __field(u64, status)
			     __string(answer, answer)
			     __field(u64, ns)
			     __field(u8, area)
			     __field(bool, violation)
	    ),
	    TP_fast_assign(__assign_str(vendor);
			   __assign_str(call);
			   __entry->object = object;
			   __assign_str(state);
			   __entry->status = status;
			   __assign_str(answer);
			   __entry->ns = ns;
			   __entry->area = call ? call->area : TIO_AREA_LINK;
			   __entry->violation = violation;
	    ),
	    TP_printk("%s %s object=%#llx state=%s status=%#llx (%s) area=%s ns=%llu%s",
		      __get_str(vendor), __get_str(call), __entry->object,
		      __get_str(state), __entry->status, __get_str(answer),
		      show_tio_area(__entry->area), __entry->ns,
		      __entry->violation ? " VIOLATION" : "")
);

#endif

/* This part must be outside protection */
#include <trace/define_trace.h>
