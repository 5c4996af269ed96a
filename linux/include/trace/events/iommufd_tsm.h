/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd_tsm

#if !defined(_TRACE_IOMMUFD_TSM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOMMUFD_TSM_H

#include <linux/tracepoint.h>
#include <uapi/linux/iommufd.h>

TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_BIND);
TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_UNBIND);

#define show_iommufd_tsm_op(op)						\
	__print_symbolic(op,						\
			 { IOMMU_VDEVICE_TSM_BIND,	"BIND" },	\
			 { IOMMU_VDEVICE_TSM_UNBIND,	"UNBIND" })

TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO);
TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE);
TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_REQ_VENDOR);
TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_REQ_READ_REPORT);
TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_REQ_READ_CERTS);
TRACE_DEFINE_ENUM(IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS);

#define show_iommufd_tsm_req(op)							\
	__print_symbolic(op,								\
		{ IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO,		"VALIDATE_MMIO" },	\
		{ IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE,		"SET_TDI_STATE" },	\
		{ IOMMU_VDEVICE_TSM_REQ_VENDOR,			"VENDOR" },		\
		{ IOMMU_VDEVICE_TSM_REQ_READ_REPORT,		"READ_REPORT" },	\
		{ IOMMU_VDEVICE_TSM_REQ_READ_CERTS,		"READ_CERTS" },		\
		{ IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS,	"READ_MEASUREMENTS" })

/* IOMMU_VDEVICE_TSM_OP comes in, and its answer */
TRACE_EVENT(iommufd_tsm_op_begin,
	TP_PROTO(u32 vdevice, u32 op),
	TP_ARGS(vdevice, op),
	TP_STRUCT__entry(
		__field(u32, vdevice)
		__field(u32, op)
	),
	TP_fast_assign(
		__entry->vdevice = vdevice;
		__entry->op = op;
	),
	TP_printk("vdevice=%u %s", __entry->vdevice,
		  show_iommufd_tsm_op(__entry->op))
);

TRACE_EVENT(iommufd_tsm_op_end,
	TP_PROTO(u32 vdevice, u32 op, int rc),
	TP_ARGS(vdevice, op, rc),
	TP_STRUCT__entry(
		__field(u32, vdevice)
		__field(u32, op)
		__field(int, rc)
	),
	TP_fast_assign(
		__entry->vdevice = vdevice;
		__entry->op = op;
		__entry->rc = rc;
	),
	TP_printk("vdevice=%u %s rc=%d", __entry->vdevice,
		  show_iommufd_tsm_op(__entry->op), __entry->rc)
);

/* IOMMU_VDEVICE_TSM_REQ comes in, its lengths checked, and its answer */
TRACE_EVENT(iommufd_tsm_req_begin,
	TP_PROTO(u32 vdevice, u32 op, u32 arch, u32 len),
	TP_ARGS(vdevice, op, arch, len),
	TP_STRUCT__entry(
		__field(u32, vdevice)
		__field(u32, op)
		__field(u32, arch)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->vdevice = vdevice;
		__entry->op = op;
		__entry->arch = arch;
		__entry->len = len;
	),
	TP_printk("vdevice=%u %s arch=%u len=%u", __entry->vdevice,
		  show_iommufd_tsm_req(__entry->op), __entry->arch,
		  __entry->len)
);

TRACE_EVENT(iommufd_tsm_req_end,
	TP_PROTO(u32 vdevice, u32 op, ssize_t rc, u64 tsm_code),
	TP_ARGS(vdevice, op, rc, tsm_code),
	TP_STRUCT__entry(
		__field(u32, vdevice)
		__field(u32, op)
		__field(ssize_t, rc)
		__field(u64, tsm_code)
	),
	TP_fast_assign(
		__entry->vdevice = vdevice;
		__entry->op = op;
		__entry->rc = rc;
		__entry->tsm_code = tsm_code;
	),
	TP_printk("vdevice=%u %s rc=%zd tsm_code=%#llx", __entry->vdevice,
		  show_iommufd_tsm_req(__entry->op), __entry->rc,
		  __entry->tsm_code)
);

/* the vDEVICE goes, and a TDI that is bound is unbound first */
TRACE_EVENT(iommufd_tsm_destroy_begin,
	TP_PROTO(const struct device *dev, u64 virt_id),
	TP_ARGS(dev, virt_id),
	TP_STRUCT__entry(
		__string(fn, dev_name(dev))
		__field(u64, virt_id)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->virt_id = virt_id;
	),
	TP_printk("%s virt_id=%#llx", __get_str(fn), __entry->virt_id)
);

TRACE_EVENT(iommufd_tsm_destroy_end,
	TP_PROTO(const struct device *dev, int rc),
	TP_ARGS(dev, rc),
	TP_STRUCT__entry(
		__string(fn, dev_name(dev))
		__field(int, rc)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->rc = rc;
	),
	TP_printk("%s rc=%d", __get_str(fn), __entry->rc)
);

#endif /* _TRACE_IOMMUFD_TSM_H */

#include <trace/define_trace.h>
