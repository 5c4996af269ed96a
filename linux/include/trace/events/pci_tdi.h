/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pci_tdi

#if !defined(_TRACE_PCI_TDI_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PCI_TDI_H

#include <linux/pci-tdi.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(PCI_TDI_UNBOUND);
TRACE_DEFINE_ENUM(PCI_TDI_BINDING);
TRACE_DEFINE_ENUM(PCI_TDI_BOUND);
TRACE_DEFINE_ENUM(PCI_TDI_UNBINDING);
TRACE_DEFINE_ENUM(PCI_TDI_QUARANTINED);

#define show_pci_tdi_state(state)				\
	__print_symbolic(state,					\
			 { PCI_TDI_UNBOUND,	"UNBOUND" },	\
			 { PCI_TDI_BINDING,	"BINDING" },	\
			 { PCI_TDI_BOUND,	"BOUND" },	\
			 { PCI_TDI_UNBINDING,	"UNBINDING" },	\
			 { PCI_TDI_QUARANTINED,	"QUARANTINED" })

TRACE_EVENT(pci_tdi_state,
	TP_PROTO(struct pci_dev *pdev, int old, int new),
	TP_ARGS(pdev, old, new),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(int, old)
		__field(int, new)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->old = old;
		__entry->new = new;
	),
	TP_printk("%s %s -> %s", __get_str(fn), show_pci_tdi_state(__entry->old),
		  show_pci_tdi_state(__entry->new))
);

TRACE_EVENT(pci_tdi_bind,
	TP_PROTO(struct pci_dev *pdev, u32 tdi_id, int rc),
	TP_ARGS(pdev, tdi_id, rc),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(u32, tdi_id)
		__field(int, rc)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->tdi_id = tdi_id;
		__entry->rc = rc;
	),
	TP_printk("%s tdi_id=%#x rc=%d", __get_str(fn), __entry->tdi_id,
		  __entry->rc)
);

TRACE_EVENT(pci_tdi_req,
	TP_PROTO(struct pci_dev *pdev, u32 op, ssize_t rc, u64 tsm_code),
	TP_ARGS(pdev, op, rc, tsm_code),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(u32, op)
		__field(ssize_t, rc)
		__field(u64, tsm_code)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->op = op;
		__entry->rc = rc;
		__entry->tsm_code = tsm_code;
	),
	TP_printk("%s op=%u rc=%zd tsm_code=%#llx", __get_str(fn), __entry->op,
		  __entry->rc, __entry->tsm_code)
);

DECLARE_EVENT_CLASS(pci_tdi_callout,
	TP_PROTO(struct pci_dev *pdev),
	TP_ARGS(pdev),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
	),
	TP_fast_assign(
		__assign_str(fn);
	),
	TP_printk("%s", __get_str(fn))
);

DEFINE_EVENT(pci_tdi_callout, pci_tdi_unmap_mmio,
	TP_PROTO(struct pci_dev *pdev),
	TP_ARGS(pdev)
);

DEFINE_EVENT(pci_tdi_callout, pci_tdi_dma_off,
	TP_PROTO(struct pci_dev *pdev),
	TP_ARGS(pdev)
);

TRACE_EVENT(pci_tdi_refused,
	TP_PROTO(struct pci_dev *pdev, unsigned long caller),
	TP_ARGS(pdev, caller),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(unsigned long, caller)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->caller = caller;
	),
	TP_printk("%s by %pS", __get_str(fn), (void *)__entry->caller)
);

TRACE_DEFINE_ENUM(PCI_TDI_EVENT_UNBOUND);
TRACE_DEFINE_ENUM(PCI_TDI_EVENT_ERROR);
TRACE_DEFINE_ENUM(PCI_TDI_EVENT_QUARANTINED);
TRACE_DEFINE_ENUM(PCI_TDI_EVENT_LOST);

#define show_pci_tdi_event(event)					\
	__print_symbolic(event,						\
			 { PCI_TDI_EVENT_UNBOUND,	"UNBOUND" },	\
			 { PCI_TDI_EVENT_ERROR,		"ERROR" },	\
			 { PCI_TDI_EVENT_QUARANTINED,	"QUARANTINED" },\
			 { PCI_TDI_EVENT_LOST,		"LOST" })

TRACE_EVENT(pci_tdi_event,
	TP_PROTO(struct pci_dev *pdev, int event),
	TP_ARGS(pdev, event),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(int, event)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->event = event;
	),
	TP_printk("%s %s", __get_str(fn), show_pci_tdi_event(__entry->event))
);

#endif /* _TRACE_PCI_TDI_H */

#include <trace/define_trace.h>
