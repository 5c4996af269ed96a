/* SPDX-License-Identifier: GPL-2.0-only */
#if !defined(_TRACE_KVM_VFIO_DMABUF_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_VFIO_DMABUF_H

#include <linux/kvm_types.h>
#include <linux/tracepoint.h>

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kvm_vfio_dmabuf

TRACE_EVENT(kvm_vfio_dmabuf_slot,
	    TP_PROTO(int id, u64 gpa, u64 hpa, u64 size, bool created),
	    TP_ARGS(id, gpa, hpa, size, created),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(u64, hpa)
			     __field(u64, size)
			     __field(int, id)
			     __field(bool, created)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->hpa = hpa;
			   __entry->size = size;
			   __entry->id = id;
			   __entry->created = created;),

	    TP_printk("slot %d %s gpa %#llx hpa %#llx size %#llx", __entry->id,
		      __entry->created ? "created" : "freed", __entry->gpa,
		      __entry->hpa, __entry->size)
);

TRACE_EVENT(kvm_vfio_dmabuf_fault,
	    TP_PROTO(u64 gpa, u64 hpa, bool allowed),
	    TP_ARGS(gpa, hpa, allowed),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(u64, hpa)
			     __field(bool, allowed)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->hpa = hpa;
			   __entry->allowed = allowed;),

	    TP_printk("gpa %#llx hpa %#llx %s", __entry->gpa, __entry->hpa,
		      __entry->allowed ? "allowed" : "refused")
);

TRACE_EVENT(kvm_tdi_mmio_unmap,
	    TP_PROTO(u64 gpa, u64 size),
	    TP_ARGS(gpa, size),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(u64, size)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->size = size;),

	    TP_printk("gpa %#llx size %#llx", __entry->gpa, __entry->size)
);

TRACE_EVENT(kvm_tdi_mem_fault,
	    TP_PROTO(u64 gpa, int ret),
	    TP_ARGS(gpa, ret),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(int, ret)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->ret = ret;),

	    TP_printk("gpa %#llx ret %d", __entry->gpa, __entry->ret)
);

/* where the VMM has put a BAR's page, asked before firmware maps it to the guest */
TRACE_EVENT(kvm_tdi_mmio_lookup,
	    TP_PROTO(u64 gpa, u64 hpa, int ret),
	    TP_ARGS(gpa, hpa, ret),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(u64, hpa)
			     __field(int, ret)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->hpa = hpa;
			   __entry->ret = ret;),

	    TP_printk("gpa %#llx hpa %#llx ret %d", __entry->gpa, __entry->hpa,
		      __entry->ret)
);

/* may a private slot be deleted, or a page of it made shared? */
TRACE_EVENT(kvm_vfio_dmabuf_gate,
	    TP_PROTO(int id, u64 gpa, bool allowed),
	    TP_ARGS(id, gpa, allowed),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(int, id)
			     __field(bool, allowed)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->id = id;
			   __entry->allowed = allowed;),

	    TP_printk("slot %d gpa %#llx %s", __entry->id, __entry->gpa,
		      __entry->allowed ? "allowed" : "refused")
);

#endif /* _TRACE_KVM_VFIO_DMABUF_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
