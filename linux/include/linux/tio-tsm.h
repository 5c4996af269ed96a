/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the TSM drivers of the emulated platform share: talking to the DSM, the
 * IDE stream between root port and endpoint, what a BAR page is, requests of a
 * guest, the order of an unbind. Nothing here knows a vendor's firmware.
 */
#ifndef __LINUX_TIO_TSM_H
#define __LINUX_TIO_TSM_H

#include <linux/pci.h>
#include <linux/pci-ide.h>
#include <linux/pci-tdi.h>
#include <linux/pci-tsm.h>
#include <linux/tdisp.h>
#include <linux/types.h>

/*
 * One DOE round. Process context, under pci_tsm_pf0::lock of @dsm. Length of the
 * answer in bytes (up to three of padding at its end), or -errno; 3 s at most.
 */
int tio_doe(struct pci_dev *dsm, const void *req, size_t req_len, void *rsp,
	    size_t rsp_size);
/* the certificate chain of slot 0, to be freed with kvfree(); at most @ms */
int tio_fetch_certs(struct pci_dev *dsm, unsigned int ms, u8 **certs,
		    size_t *certs_len);

/*
 * Linux's half of a selective IDE stream. setup: allocated, registered, written
 * into both ports; NULL and an errno otherwise. enable: both ports read Secure,
 * which needs firmware's keys; 0, -ENXIO or -errno. disable undoes a half of it too.
 */
int tio_ide_setup(struct pci_dev *ep, struct pci_ide **ide);
void tio_ide_program(struct pci_dev *ep, struct pci_ide *ide);
int tio_ide_enable(struct pci_dev *ep, struct pci_ide *ide);
void tio_ide_disable(struct pci_dev *ep, struct pci_ide *ide);
void tio_ide_release(struct pci_ide **ide);

/* pages for firmware: physical address or 0; free: the address becomes 0 */
u64 tio_page_alloc(void);
void tio_page_free(u64 *page);

/* BARs; @report as the device gave it, untrusted, of @len bytes */
bool tio_bar_is_mem(struct pci_dev *pdev, int bar);
u64 tio_reporting_offset(struct pci_dev *pdev);
bool tio_is_msix_page(struct pci_dev *pdev, u64 hpa);
bool tio_is_reported(const u8 *report, size_t len, u64 offset, u64 hpa);
/* all of @hpa .. @hpa + @size - 1: TEE memory by the report and not MSI-X; 0 or -EACCES */
int tio_mmio_reported(struct pci_dev *pdev, const u8 *report, size_t len,
		      u64 offset, u64 hpa, u64 size);
/*
 * The slot's page at @gpa, and that @size bytes from there are contiguous and in one
 * BAR. 0; -ENOENT: no private slot at a page of it; -ENXIO: not in one piece.
 */
int tio_mmio_lookup(struct pci_tdi *tdi, u64 gpa, u64 size, phys_addr_t *hpa);

/* leaves of a translation table */
static inline u64 tio_leaf_size(unsigned int level)
{
	return PAGE_SIZE << (9 * level);	/* 4 KiB, 2 MiB, 1 GiB */
}

/**
 * struct tio_guest_op - one kind of guest request
 * @scope: the least that allows it
 * @payload: exact length of the payload, bytes
 * @run: does it; bytes filled in @resp or -errno; @code: firmware's status
 */
struct tio_guest_op {
	enum pci_tsm_req_scope scope;
	size_t payload;
	ssize_t (*run)(struct pci_tdi *tdi, const void *payload, void *resp,
		       size_t resp_len, u64 *code);
};

/*
 * Check a request against @ops (indexed by enum iommu_vdevice_tsm_req_op) and run
 * it: the whole of a driver's guest_req() but its locks and its budget.
 */
ssize_t tio_guest_req(struct pci_tdi *tdi, const struct tio_guest_op *ops,
		      size_t nr_ops, u32 tvm_arch, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code);
/* bytes of @src from @offset on, as many as fit or exist */
size_t tio_copy_from(void *resp, size_t resp_len, const void *src,
		     size_t src_len, u32 offset);

/*
 * The steps of an unbind that firmware sees, in no order: the order is the
 * vendor's, and is data, so that tests can run one vendor's order on the model of
 * another (drivers/virt/coco/tio-lib/orders_kunit.c).
 */
enum tio_step {
	TIO_STEP_END,
	TIO_STEP_STOP,		/* the TDI ends in CONFIG_UNLOCKED */
	TIO_STEP_UNMAP,		/* private MMIO leaves the TVM's tables in firmware */
	TIO_STEP_DMA_OFF,	/* its trusted DMA entries go */
	TIO_STEP_REMOVE,	/* firmware's object of the TDI goes */
	TIO_STEP_GIVE_BACK,	/* what may be lazy: pages are the host's again */
	TIO_NR_STEPS,
};

#define TIO_MAX_ORDER		(TIO_NR_STEPS + 1)

#endif /* __LINUX_TIO_TSM_H */
