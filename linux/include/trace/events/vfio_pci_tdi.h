/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_pci_tdi

#if !defined(_TRACE_VFIO_PCI_TDI_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_VFIO_PCI_TDI_H

#include <linux/pci.h>
#include <linux/tracepoint.h>

/* the BARs go from the host to a TVM; -EBUSY: an importer did not let go, they stay */
TRACE_EVENT(vfio_pci_tdi_revoke,
	TP_PROTO(struct pci_dev *pdev, int rc),
	TP_ARGS(pdev, rc),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(int, rc)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->rc = rc;
	),
	TP_printk("%s rc=%d", __get_str(fn), __entry->rc)
);

/* they are the host's again; of a closed device there are no dma-bufs to give back */
TRACE_EVENT(vfio_pci_tdi_give_back,
	TP_PROTO(struct pci_dev *pdev, bool open),
	TP_ARGS(pdev, open),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(bool, open)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->open = open;
	),
	TP_printk("%s open=%d", __get_str(fn), __entry->open)
);

/* a page fault of the user (SIGBUS), at a page that is the TVM's */
TRACE_EVENT(vfio_pci_tdi_sigbus,
	TP_PROTO(struct pci_dev *pdev, u64 hpa),
	TP_ARGS(pdev, hpa),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(u64, hpa)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->hpa = hpa;
	),
	TP_printk("%s hpa=%#llx", __get_str(fn), __entry->hpa)
);

/* a read or write of the user through the device file, of a register that is the TVM's */
TRACE_EVENT(vfio_pci_tdi_io_refused,
	TP_PROTO(struct pci_dev *pdev, int bar),
	TP_ARGS(pdev, bar),
	TP_STRUCT__entry(
		__string(fn, pci_name(pdev))
		__field(int, bar)
	),
	TP_fast_assign(
		__assign_str(fn);
		__entry->bar = bar;
	),
	TP_printk("%s bar=%d", __get_str(fn), __entry->bar)
);

/* where a slice of a dma-buf lies, for a private slot of KVM's */
TRACE_EVENT(vfio_pci_tdi_slice,
	TP_PROTO(u64 offset, u64 size, u64 hpa, int rc),
	TP_ARGS(offset, size, hpa, rc),
	TP_STRUCT__entry(
		__field(u64, offset)
		__field(u64, size)
		__field(u64, hpa)
		__field(int, rc)
	),
	TP_fast_assign(
		__entry->offset = offset;
		__entry->size = size;
		__entry->hpa = hpa;
		__entry->rc = rc;
	),
	TP_printk("offset=%#llx size=%#llx hpa=%#llx rc=%d", __entry->offset,
		  __entry->size, __entry->hpa, __entry->rc)
);

#endif /* _TRACE_VFIO_PCI_TDI_H */

#include <trace/define_trace.h>
