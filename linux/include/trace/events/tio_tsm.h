/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tio_tsm

#if !defined(_TRACE_TIO_TSM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TIO_TSM_H

#include <linux/pci.h>
#include <linux/tracepoint.h>
#include <trace/misc/tdisp.h>

/* a message goes to the DSM, whose mailbox is @dsm's */
TRACE_EVENT(tio_doe_begin,
	TP_PROTO(struct pci_dev *dsm, const void *req, size_t len),
	TP_ARGS(dsm, req, len),
	TP_STRUCT__entry(
		__string(dsm, pci_name(dsm))
		__field(u32, msg)
		__field(size_t, len)
	),
	TP_fast_assign(
		__assign_str(dsm);
		__entry->msg = trace_msg(req, len);
		__entry->len = len;
	),
	TP_printk("%s CMA/SPDM %s len=%zu", __get_str(dsm),
		  show_trace_msg(__entry->msg), __entry->len)
);

/* its answer, of @rc bytes, or the errno of the mailbox, and how long it took */
TRACE_EVENT(tio_doe_end,
	TP_PROTO(struct pci_dev *dsm, const void *req, size_t len,
		 const void *rsp, int rc, u64 ns),
	TP_ARGS(dsm, req, len, rsp, rc, ns),
	TP_STRUCT__entry(
		__string(dsm, pci_name(dsm))
		__field(u32, msg)
		__field(u32, answer)
		__field(int, rc)
		__field(u64, ns)
	),
	TP_fast_assign(
		__assign_str(dsm);
		__entry->msg = trace_msg(req, len);
		__entry->answer = rc > 0 ? trace_msg(rsp, rc) : 0;
		__entry->rc = rc;
		__entry->ns = ns;
	),
	TP_printk("%s CMA/SPDM %s answer=%s rc=%d ns=%llu", __get_str(dsm),
		  show_trace_msg(__entry->msg), show_trace_msg(__entry->answer),
		  __entry->rc, __entry->ns)
);

/* Linux's half of an IDE stream: its registers in both ports */
TRACE_EVENT(tio_ide,
	TP_PROTO(struct pci_dev *ep, u8 stream, bool enable, int rc),
	TP_ARGS(ep, stream, enable, rc),
	TP_STRUCT__entry(
		__string(ep, pci_name(ep))
		__field(u8, stream)
		__field(bool, enable)
		__field(int, rc)
	),
	TP_fast_assign(
		__assign_str(ep);
		__entry->stream = stream;
		__entry->enable = enable;
		__entry->rc = rc;
	),
	TP_printk("%s stream %u %s rc=%d", __get_str(ep), __entry->stream,
		  __entry->enable ? "enable" : "disable", __entry->rc)
);

#endif /* _TRACE_TIO_TSM_H */

#include <trace/define_trace.h>
