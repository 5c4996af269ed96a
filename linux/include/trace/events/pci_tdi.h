/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pci_tdi

#if !defined(_TRACE_PCI_TDI_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PCI_TDI_H

#include <linux/pci-tdi.h>
#include <linux/tracepoint.h>

#ifndef _PCI_TDI_STEP
#define _PCI_TDI_STEP
/* what a binding asks of VFIO, the IOMMU, KVM and the TSM driver */
enum pci_tdi_step {
	PCI_TDI_STEP_REVOKE_BARS,
	PCI_TDI_STEP_GIVE_BACK_BARS,
	PCI_TDI_STEP_ARM_DMA,
	PCI_TDI_STEP_DISARM_DMA,
	PCI_TDI_STEP_UNMAP_MMIO,
	PCI_TDI_STEP_TSM_BIND,
	PCI_TDI_STEP_TSM_UNBIND,
};
#endif

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

TRACE_DEFINE_ENUM(PCI_TDI_STEP_REVOKE_BARS);
TRACE_DEFINE_ENUM(PCI_TDI_STEP_GIVE_BACK_BARS);
TRACE_DEFINE_ENUM(PCI_TDI_STEP_ARM_DMA);
TRACE_DEFINE_ENUM(PCI_TDI_STEP_DISARM_DMA);
TRACE_DEFINE_ENUM(PCI_TDI_STEP_UNMAP_MMIO);
TRACE_DEFINE_ENUM(PCI_TDI_STEP_TSM_BIND);
TRACE_DEFINE_ENUM(PCI_TDI_STEP_TSM_UNBIND);

#define show_pci_tdi_step(step)							\
	__print_symbolic(step,							\
			 { PCI_TDI_STEP_REVOKE_BARS,	"REVOKE_BARS" },	\
			 { PCI_TDI_STEP_GIVE_BACK_BARS,	"GIVE_BACK_BARS" },	\
			 { PCI_TDI_STEP_ARM_DMA,	"ARM_DMA" },		\
			 { PCI_TDI_STEP_DISARM_DMA,	"DISARM_DMA" },		\
			 { PCI_TDI_STEP_UNMAP_MMIO,	"UNMAP_MMIO" },		\
			 { PCI_TDI_STEP_TSM_BIND,	"TSM_BIND" },		\
			 { PCI_TDI_STEP_TSM_UNBIND,	"TSM_UNBIND" })

/* in the task that binds or unbinds; steps nest: TSM_UNBIND has call-outs inside */
TRACE_EVENT(pci_tdi_step_begin,
	TP_PROTO(struct pci_dev *pdev, int step),
	TP_ARGS(pdev, step),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(int, step)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->step = step;
	),
	TP_printk("%s %s", __get_str(fn), show_pci_tdi_step(__entry->step))
);

TRACE_EVENT(pci_tdi_step_end,
	TP_PROTO(struct pci_dev *pdev, int step, int rc),
	TP_ARGS(pdev, step, rc),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(int, step)
		__field(int, rc)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->step = step;
		__entry->rc = rc;
	),
	TP_printk("%s %s rc=%d", __get_str(fn),
		  show_pci_tdi_step(__entry->step), __entry->rc)
);

TRACE_EVENT(pci_tdi_req_begin,
	TP_PROTO(struct pci_dev *pdev, u32 op, size_t len),
	TP_ARGS(pdev, op, len),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(u32, op)
		__field(size_t, len)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->op = op;
		__entry->len = len;
	),
	TP_printk("%s op=%u len=%zu", __get_str(fn), __entry->op, __entry->len)
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

/* a caller is kept as text: who reads the trace may not have this kernel's symbols */
#define PCI_TDI_CALLER_LEN	48

TRACE_EVENT(pci_tdi_refused,
	TP_PROTO(struct pci_dev *pdev, unsigned long caller),
	TP_ARGS(pdev, caller),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__array(char, caller, PCI_TDI_CALLER_LEN)
	),
	TP_fast_assign(
		__assign_str(fn);
		snprintf(__entry->caller, PCI_TDI_CALLER_LEN, "%pS", (void *)caller);
	),
	TP_printk("%s by %s", __get_str(fn), __entry->caller)
);

TRACE_DEFINE_ENUM(PCI_TDI_FUNCTION);
TRACE_DEFINE_ENUM(PCI_TDI_RESET);
TRACE_DEFINE_ENUM(PCI_TDI_VFS);
TRACE_DEFINE_ENUM(PCI_TDI_BUS);
TRACE_DEFINE_ENUM(PCI_TDI_BELOW);
TRACE_DEFINE_ENUM(PCI_TDI_ALL);

#define show_pci_tdi_reach(reach)				\
	__print_symbolic(reach,					\
			 { PCI_TDI_FUNCTION,	"function" },	\
			 { PCI_TDI_RESET,	"reset" },	\
			 { PCI_TDI_VFS,		"VFs" },	\
			 { PCI_TDI_BUS,		"bus" },	\
			 { PCI_TDI_BELOW,	"below" },	\
			 { PCI_TDI_ALL,		"all" })

TRACE_DEFINE_ENUM(PCI_TDI_REFUSE);
TRACE_DEFINE_ENUM(PCI_TDI_REFUSE_LOCKED);
TRACE_DEFINE_ENUM(PCI_TDI_UNBIND_FIRST);

#define show_pci_tdi_how(how)						\
	__print_symbolic(how,						\
			 { PCI_TDI_REFUSE,		"refuse" },	\
			 { PCI_TDI_REFUSE_LOCKED,	"refuse_locked" }, \
			 { PCI_TDI_UNBIND_FIRST,	"unbind_first" })

/*
 * A decision of the gate: what @caller is about to do may begin (rc=0), with
 * unbind_first after an unbind of what is bound; or not, because of function @why in
 * @state. unbind_first over a quarantine goes on with rc=-EIO, as a second event.
 */
TRACE_EVENT(pci_tdi_gate,
	TP_PROTO(const struct pci_tdi_hold *hold, unsigned long caller,
		 struct pci_dev *why, int state, int rc),
	TP_ARGS(hold, caller, why, state, rc),
	TP_STRUCT__entry(
		__string(fn, hold->pdev ? pci_name(hold->pdev) : "-")
		__string(why, why ? pci_name(why) : "-")
		__array(char, caller, PCI_TDI_CALLER_LEN)
		__field(int, reach)
		__field(int, how)
		__field(int, state)
		__field(int, rc)
	),
	TP_fast_assign(
		__assign_str(fn);
		__assign_str(why);
		snprintf(__entry->caller, PCI_TDI_CALLER_LEN, "%ps", (void *)caller);
		__entry->reach = hold->reach;
		__entry->how = hold->how;
		__entry->state = state;
		__entry->rc = rc;
	),
	TP_printk("%s by=%s reach=%s how=%s rc=%d why=%s %s", __get_str(fn),
		  __entry->caller, show_pci_tdi_reach(__entry->reach),
		  show_pci_tdi_how(__entry->how), __entry->rc, __get_str(why),
		  show_pci_tdi_state(__entry->state))
);

/* what pci_tdi_gate let pass is over */
TRACE_EVENT(pci_tdi_gate_end,
	TP_PROTO(const struct pci_tdi_hold *hold),
	TP_ARGS(hold),
	TP_STRUCT__entry(
		__string(fn, hold->pdev ? pci_name(hold->pdev) : "-")
		__field(int, reach)
		__field(int, how)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->reach = hold->reach;
		__entry->how = hold->how;
	),
	TP_printk("%s reach=%s how=%s", __get_str(fn),
		  show_pci_tdi_reach(__entry->reach),
		  show_pci_tdi_how(__entry->how))
);

/* the other half: a bind, or a way out of quarantine, is refused because of a hold */
TRACE_EVENT(pci_tdi_held,
	TP_PROTO(struct pci_dev *pdev, const struct pci_tdi_hold *hold),
	TP_ARGS(pdev, hold),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__string(by, hold->pdev ? pci_name(hold->pdev) : "-")
		__field(int, reach)
		__field(int, how)
	),
	TP_fast_assign(
		__assign_str(fn);
		__assign_str(by);
		__entry->reach = hold->reach;
		__entry->how = hold->how;
	),
	TP_printk("%s by=%s reach=%s how=%s", __get_str(fn), __get_str(by),
		  show_pci_tdi_reach(__entry->reach),
		  show_pci_tdi_how(__entry->how))
);

/* somebody asked and was told to keep off: quarantined */
TRACE_EVENT(pci_tdi_kept,
	TP_PROTO(struct pci_dev *pdev, unsigned long caller),
	TP_ARGS(pdev, caller),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__array(char, caller, PCI_TDI_CALLER_LEN)
	),
	TP_fast_assign(
		__assign_str(fn);
		snprintf(__entry->caller, PCI_TDI_CALLER_LEN, "%ps", (void *)caller);
	),
	TP_printk("%s by=%s", __get_str(fn), __entry->caller)
);

TRACE_EVENT(pci_tdi_quarantine,
	TP_PROTO(struct pci_dev *pdev, const char *why),
	TP_ARGS(pdev, why),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__string(why, why)
	),
	TP_fast_assign(
		__assign_str(fn);
		__assign_str(why);
	),
	TP_printk("%s %s", __get_str(fn), __get_str(why))
);

/* private pages [start, end) of a VM, in frame numbers, leave its TVM's DMA tables */
TRACE_EVENT(pci_tdi_mem_invalidate,
	TP_PROTO(const struct kvm *kvm, u64 start, u64 end),
	TP_ARGS(kvm, start, end),
	TP_STRUCT__entry(
		__field(const void *, kvm)
		__field(u64, start)
		__field(u64, end)
	),
	TP_fast_assign(
		__entry->kvm = kvm;
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("kvm=%p start=%#llx end=%#llx", __entry->kvm, __entry->start,
		  __entry->end)
);

/* a VM goes, and what firmware knows of it */
TRACE_EVENT(pci_tdi_vm_destroy,
	TP_PROTO(const struct kvm *kvm),
	TP_ARGS(kvm),
	TP_STRUCT__entry(
		__field(const void *, kvm)
	),
	TP_fast_assign(
		__entry->kvm = kvm;
	),
	TP_printk("kvm=%p", __entry->kvm)
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
