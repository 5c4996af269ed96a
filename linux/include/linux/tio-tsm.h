/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the TSM drivers of the emulated platform share: talking to the DSM, the
 * IDE stream between root port and endpoint, what a BAR page is, requests of a
 * guest, the order of an unbind, the root complex and its functions, the registry
 * of TVMs. Nothing here knows a vendor's firmware.
 */
#ifndef __LINUX_TIO_TSM_H
#define __LINUX_TIO_TSM_H

#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci-ide.h>
#include <linux/pci-tdi.h>
#include <linux/pci-tsm.h>
#include <linux/srcu.h>
#include <linux/tdisp.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/*
 * What one DOE round takes at most, in ms: 1 s until an earlier request has left the
 * mailbox, 1 s for the answer, 1 s for an abort.
 */
#define TIO_ROUND_MS	3000
/* What an ioctl may hold a vdevice for, in ms: object destroy gives up later */
#define TIO_HOLD_MS	10000
/*
 * A bind that fails begins no round later than this after its own beginning, in ms,
 * undoing included: 6.3 + 3 s, and 0.7 s are left for all that is not the device.
 */
#define TIO_LAST_ROUND_MS	6300

static_assert(TIO_LAST_ROUND_MS + TIO_ROUND_MS < TIO_HOLD_MS);

/*
 * One DOE round. Process context, under pci_tsm_pf0::lock of @dsm. Length of the
 * answer in bytes (up to three of padding at its end), or -errno; TIO_ROUND_MS at
 * most.
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
 * is_secure: whether they still do.
 */
int tio_ide_setup(struct pci_dev *ep, struct pci_ide **ide);
void tio_ide_program(struct pci_dev *ep, struct pci_ide *ide);
int tio_ide_enable(struct pci_dev *ep, struct pci_ide *ide);
void tio_ide_disable(struct pci_dev *ep, struct pci_ide *ide);
bool tio_ide_is_secure(struct pci_dev *ep, struct pci_ide *ide);
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

struct platform_device;
struct teemu_rc;
struct tio_link;
struct tio_tsm;
struct tio_tvm;
struct tio_tvms;

/**
 * struct tio_tsm_vendor - what one vendor's driver is
 * @owner: its module
 * @ops: for the TSM core, with tio_tsm_probe_fn() and tio_tsm_remove_fn()
 * @tvms: its TVMs
 * @tsm_size: bytes of its root complex, which begins with a &struct tio_tsm
 * @link_size: bytes of its link, which begins with a &struct tio_link
 * @rsp_size: bytes of tio_link::rsp
 * @setup: fill the vendor's part of a zeroed root complex; what fails comes later
 * @sweep: optional: ask firmware a last time for what it was late with; may leak
 * @clean: undo @setup; nothing was leaked
 * @link_init: fill the vendor's part of a zeroed link, of which only tio_link::tsm
 *	       is there; nothing to undo. 0 or -errno: no such link can be
 * @miss: as in teemu_set_tdma_miss(); @priv is the root complex
 */
struct tio_tsm_vendor {
	struct module *owner;
	struct pci_tsm_ops *ops;
	struct tio_tvms *tvms;
	size_t tsm_size;
	size_t link_size;
	size_t rsp_size;
	void (*setup)(struct tio_tsm *tsm);
	void (*sweep)(struct tio_tsm *tsm);
	void (*clean)(struct tio_tsm *tsm);
	int (*link_init)(struct tio_link *link, struct pci_dev *pdev);
	int (*miss)(void *priv, u16 rid, u64 gpa);
};

/**
 * struct tio_tsm - one root complex with its firmware; first in the vendor's own
 * @vendor: its driver
 * @owner: the driver's module
 * @dev: the platform device
 * @tsm_dev: our registration with the TSM core, for the driver's remove
 * @fw: the firmware, as the vendor knows it
 * @rc: the root complex, for its DMA miss handler
 * @domain: PCI segment of the root complex
 * @lock: owns @lost_links and @kept, and what the vendor says
 * @bound: requester id to the vendor's TDI, of those whose DMA misses are served
 * @kept: requester id to the &struct pci_tdi of a function that was removed while
 *	  firmware still had its TDI; owned by @lock
 * @srcu: read side: a DMA miss is being served
 * @leaks: number of objects that firmware would not give back; @this then
 *	   outlives the driver, so that they keep what they point to
 * @lost_links: &struct tio_link that firmware would not give back: their devices
 *		are not connected again
 * @lost: in the list of what outlived the driver
 *
 * @lock nests in pci_tsm_pf0::lock, and tio_tvms::lock in @lock.
 */
struct tio_tsm {
	const struct tio_tsm_vendor *vendor;
	struct module *owner;
	struct device *dev;
	struct tsm_dev *tsm_dev;
	void *fw;
	struct teemu_rc *rc;
	int domain;
	struct mutex lock;		/* owns @lost_links, @kept and the vendor's */
	struct xarray bound;
	struct xarray kept;
	struct srcu_struct srcu;
	atomic_t leaks;
	struct list_head lost_links;
	struct list_head lost;
};

/**
 * struct tio_link - the link with one device; first in the vendor's own
 * @pf0: the core's context of the DSM
 * @tsm: the root complex
 * @tdis: the vendor's TDIs of this device, the quarantined ones too
 * @rsp: buffer for answers of the DSM, tio_tsm_vendor::rsp_size bytes
 * @deadline: in jiffies; the operation at work begins no DOE round after it
 * @limit: in jiffies; nor does the undoing of a bind that failed
 * @rid: requester id of the DSM, which a lost link is known by
 * @lost: in tio_tsm::lost_links
 *
 * Born in probe, freed in remove; under pci_tsm_pf0::lock. If firmware does not let
 * go in disconnect the link is never freed.
 */
struct tio_link {
	struct pci_tsm_pf0 pf0;
	struct tio_tsm *tsm;
	struct list_head tdis;
	u8 *rsp;
	unsigned long deadline;
	unsigned long limit;
	u16 rid;
	struct list_head lost;
};

__printf(3, 4)
void tio_leak(struct tio_tsm *tsm, const void *what, const char *fmt, ...);
void tio_link_leak(struct tio_link *link, const char *name);
void tio_budget(struct tio_link *link, unsigned int ms);
void tio_budget_undo(struct tio_link *link, unsigned int ms);
bool tio_budget_spent(const struct tio_link *link);
struct pci_tsm *tio_tsm_probe_fn(struct tsm_dev *tsm_dev, struct pci_dev *pdev);
void tio_tsm_remove_fn(struct pci_tsm *base);
void tio_tsm_setup(struct tio_tsm *tsm, const struct tio_tsm_vendor *vendor,
		   struct device *dev, void *fw);
void tio_tsm_clean(struct tio_tsm *tsm);
int tio_tsm_probe(struct platform_device *pdev,
		  const struct tio_tsm_vendor *vendor);
void tio_tsm_remove(struct platform_device *pdev);

/**
 * struct tio_tvms_ops - what a vendor's firmware knows a TVM as
 * @name: of the work queue
 * @noun: what it is, for people
 * @create: a new one that can run, zeroed but for the vendor's part; or ERR_PTR,
 *	    with nothing left of it but what was leaked. Context: process, under
 *	    tio_tvms::lock
 * @end: end it and free it; -errno: firmware does not let go, it is leaked by the
 *	 caller. Nobody finds it any more. Context: process
 * @mem_invalidate: as in &struct pci_tdi_tvm_listener. Context: atomic, under RCU
 *		    and KVM's mmu_lock
 */
struct tio_tvms_ops {
	const char *name;
	const char *noun;
	struct tio_tvm *(*create)(struct tio_tsm *tsm);
	int (*end)(struct tio_tvm *tvm);
	void (*mem_invalidate)(struct tio_tvm *tvm, u64 start, u64 end);
};

/**
 * struct tio_tvms - the TVMs of one driver, on all its root complexes
 * @ops: what the vendor does with one
 * @listener: how KVM tells of them; its functions call tio_tvms_mem_invalidate() and
 *	      tio_tvms_destroy(), since they are not told for whom they are called
 * @lock: owns birth and death of TVMs and their nr_tdis. Not taken by a VM's end
 * @by_kvm: struct kvm * to the &struct tio_tvm of that VM; read under RCU
 * @wq: where they die
 *
 * The driver fills @ops and @listener, tio_tvms_init() the rest.
 */
struct tio_tvms {
	const struct tio_tvms_ops *ops;
	struct pci_tdi_tvm_listener listener;
	struct mutex lock;		/* owns birth, death, tio_tvm::nr_tdis */
	struct xarray by_kvm;
	struct workqueue_struct *wq;
};

/**
 * struct tio_tvm - firmware's view of one TVM; first in the vendor's own
 * @tvms: whose it is
 * @tsm: the root complex whose firmware has it
 * @nr_tdis: bound or quarantined TDIs; owned by tio_tvms::lock
 * @death: ends it after its VM was destroyed
 *
 * Born in the first bind of its TVM; dies after the TVM, or with the driver.
 */
struct tio_tvm {
	struct tio_tvms *tvms;
	struct tio_tsm *tsm;
	unsigned int nr_tdis;
	struct work_struct death;
};

struct tio_tvm *tio_tvm_get(struct tio_tvms *tvms, struct tio_tsm *tsm,
			    struct kvm *kvm);
void tio_tvm_put(struct tio_tvm *tvm);
void tio_tvms_mem_invalidate(struct tio_tvms *tvms, struct kvm *kvm, u64 start,
			     u64 end);
void tio_tvms_destroy(struct tio_tvms *tvms, struct kvm *kvm);
void tio_tvms_end_all(struct tio_tvms *tvms, struct tio_tsm *tsm);
int tio_tvms_init(struct tio_tvms *tvms);
void tio_tvms_exit(struct tio_tvms *tvms);

#endif /* __LINUX_TIO_TSM_H */
