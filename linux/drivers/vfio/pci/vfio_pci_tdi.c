// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO's half of a TDI: the BARs change hands.
 *
 * While a TVM owns a function its BARs are *private*: user mappings are zapped
 * and fault to SIGBUS, read() and write() and ioeventfds are refused, and every
 * dma-buf of the BARs is revoked. One mark says so, written under memory_lock for
 * write, which every one of these paths holds for read. The pages with the MSI-X
 * table and the PBA stay the host's throughout.
 *
 * A private dma-buf is a revoked one, so importers need no second rule. KVM is
 * the exception: it holds no mapping that revoke would have to wait for, but asks
 * vfio_pci_dma_buf_kvm_map() where a slice lies and the seat of the function
 * before it lets the TVM touch a page.
 */
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/pci-p2pdma.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/vfio_pci_tdi.h>

#include "vfio_pci_dmabuf.h"
#include "vfio_pci_priv.h"

#define CREATE_TRACE_POINTS
#include <trace/events/vfio_pci_tdi.h>

/*
 * All importers of all dma-bufs of a device together have this long to let go.
 * memory_lock is held for so long, so a fault of the VMM's may wait for it.
 */
#define VFIO_PCI_TDI_REVOKE_TIMEOUT	(2 * HZ)

/* Does [@phys, @phys + @len) hold a page that stays the host's? */
static bool vfio_pci_tdi_has_host_page(struct vfio_pci_core_device *vdev,
				       phys_addr_t phys, u64 len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vdev->tdi->msix); i++) {
		const struct vfio_pci_tdi_span *span = &vdev->tdi->msix[i];
		phys_addr_t start;

		if (!span->len)
			continue;
		start = pci_resource_start(vdev->pdev, span->bar) + span->offset;
		if (phys < start + span->len && start < phys + len)
			return true;
	}
	return false;
}

/**
 * vfio_pci_tdi_fault() - may a BAR page be mapped into the user's address space?
 * @vdev: the device
 * @pfn: first page
 * @order: log2 of the number of pages
 *
 * Context: fault handler, memory_lock held for read.
 *
 * Return: 0 to go on; VM_FAULT_SIGBUS: the TVM's; VM_FAULT_FALLBACK: some of the
 * pages are the host's, ask for a single one.
 */
vm_fault_t vfio_pci_tdi_fault(struct vfio_pci_core_device *vdev,
			      unsigned long pfn, unsigned int order)
{
	lockdep_assert_held_read(&vdev->memory_lock);

	if (likely(!vfio_pci_tdi_private(vdev)))
		return 0;
	if (!vfio_pci_tdi_has_host_page(vdev, PFN_PHYS(pfn),
					PAGE_SIZE << order)) {
		trace_vfio_pci_tdi_sigbus(vdev->pdev, PFN_PHYS(pfn));
		return VM_FAULT_SIGBUS;
	}
	return order ? VM_FAULT_FALLBACK : 0;
}

/**
 * vfio_pci_tdi_io_refused() - may the kernel access a register for the user?
 * @vdev: the device
 * @io: the register; it and its neighbours up to the access width are in one page
 *
 * What is not in a BAR of the function is refused while the BARs are private.
 *
 * Context: any. Decisive under memory_lock for read, otherwise a snapshot.
 *
 * Return: true if the TVM owns the page.
 */
bool vfio_pci_tdi_io_refused(struct vfio_pci_core_device *vdev,
			     void __iomem *io)
{
	unsigned int bar;

	if (likely(!vfio_pci_tdi_private(vdev)))
		return false;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		void __iomem *base = vdev->barmap[bar];
		phys_addr_t start = pci_resource_start(vdev->pdev, bar);
		u64 offset;

		if (IS_ERR_OR_NULL(base) || io < base)
			continue;
		offset = io - base;
		if (offset >= pci_resource_len(vdev->pdev, bar))
			continue;
		if (vfio_pci_tdi_has_host_page(vdev, start + offset, 1))
			return false;
		break;
	}
	trace_vfio_pci_tdi_io_refused(vdev->pdev, bar < PCI_STD_NUM_BARS ?
						  (int)bar : -1);
	return true;
}

/* A bound TDI that has not confirmed a STOP, for an assertion */
static bool vfio_pci_tdi_locked(struct vfio_pci_core_device *vdev)
{
	struct pci_tdi_hold hold;

	if (pci_tdi_begin(&hold, vdev->pdev, PCI_TDI_FUNCTION,
			  PCI_TDI_REFUSE_LOCKED))
		return !pci_tdi_quarantined(vdev->pdev);
	pci_tdi_end(&hold);
	return false;
}

/**
 * vfio_pci_tdi_keeps_revoked() - does revoking or un-revoking dma-bufs rest?
 * @vdev: the device
 * @revoked: what vfio_pci_dma_buf_move() was asked for
 *
 * Private dma-bufs are revoked and stay so until the BARs are given back,
 * whatever happens to memory decoding meanwhile; giving back looks at it again.
 *
 * To be asked for revocation means that memory decoding or power of the function
 * is about to go. Everything that does so passes the gate, or comes after the
 * unbind of the last close; so with a locked TDI it is a hole in the gate.
 *
 * Return: true if there is nothing to do for now.
 */
bool vfio_pci_tdi_keeps_revoked(struct vfio_pci_core_device *vdev, bool revoked)
{
	lockdep_assert_held_write(&vdev->memory_lock);

	if (likely(!vfio_pci_tdi_private(vdev)))
		return false;
	WARN_ON_ONCE(revoked && __vfio_pci_memory_enabled(vdev) &&
		     vfio_pci_tdi_locked(vdev));
	return true;
}

/* Never zero, which would mean "do not wait" to some and an error to others */
static unsigned long vfio_pci_tdi_time_left(unsigned long deadline)
{
	return time_before(jiffies, deadline) ? deadline - jiffies : 1;
}

/*
 * Wait for the importers' mappings of @buf, which is revoked. The registration's
 * count is dropped for the wait and is there again afterwards in either case: on
 * timeout mappings are left and the count goes on top of theirs; once they had
 * gone it starts anew. The resv lock keeps an unmap out of that decision.
 */
static int vfio_pci_tdi_drain(struct vfio_pci_dma_buf *buf,
			      unsigned long deadline)
{
	int rc = 0;

	kref_put(&buf->kref, vfio_pci_dma_buf_done);
	wait_for_completion_timeout(&buf->comp,
				    vfio_pci_tdi_time_left(deadline));

	dma_resv_lock(buf->dmabuf->resv, NULL);
	if (kref_get_unless_zero(&buf->kref)) {
		rc = -EBUSY;
	} else {
		kref_init(&buf->kref);
		reinit_completion(&buf->comp);
	}
	dma_resv_unlock(buf->dmabuf->resv);
	return rc;
}

/* Take @buf from its importers. -EBUSY: they have not all let go by @deadline. */
static int vfio_pci_tdi_revoke_buf(struct vfio_pci_dma_buf *buf,
				   unsigned long deadline)
{
	long left;

	dma_resv_lock(buf->dmabuf->resv, NULL);
	buf->revoked = true;
	dma_buf_invalidate_mappings(buf->dmabuf);
	left = dma_resv_wait_timeout(buf->dmabuf->resv, DMA_RESV_USAGE_BOOKKEEP,
				     false, vfio_pci_tdi_time_left(deadline));
	dma_resv_unlock(buf->dmabuf->resv);
	if (left <= 0)
		return -EBUSY;

	return vfio_pci_tdi_drain(buf, deadline);
}

/*
 * Importers that can map again are told so while the mark still stands, and will
 * come back by themselves. Nothing to wait for: nobody loses anything.
 */
static void vfio_pci_tdi_unrevoke_buf(struct vfio_pci_dma_buf *buf)
{
	dma_resv_lock(buf->dmabuf->resv, NULL);
	dma_buf_invalidate_mappings(buf->dmabuf);
	buf->revoked = false;
	dma_resv_unlock(buf->dmabuf->resv);
}

static int vfio_pci_tdi_revoke_bufs(struct vfio_pci_core_device *vdev)
{
	unsigned long deadline = jiffies + VFIO_PCI_TDI_REVOKE_TIMEOUT;
	struct vfio_pci_dma_buf *buf, *tmp;
	int rc = 0;

	list_for_each_entry_safe(buf, tmp, &vdev->dmabufs, dmabufs_elm) {
		/* on its way out: nobody has it any more */
		if (!get_file_active(&buf->dmabuf->file))
			continue;
		if (!buf->revoked)
			rc = vfio_pci_tdi_revoke_buf(buf, deadline);
		fput(buf->dmabuf->file);
		if (rc)
			break;
	}
	return rc;
}

static void vfio_pci_tdi_unrevoke_bufs(struct vfio_pci_core_device *vdev)
{
	struct vfio_pci_dma_buf *buf, *tmp;

	list_for_each_entry_safe(buf, tmp, &vdev->dmabufs, dmabufs_elm) {
		if (!get_file_active(&buf->dmabuf->file))
			continue;
		if (buf->revoked)
			vfio_pci_tdi_unrevoke_buf(buf);
		fput(buf->dmabuf->file);
	}
}

/*
 * The dma-bufs come back only if they would be there without a TVM: not in low
 * power, not without memory decoding. A closed device has neither dma-bufs nor
 * config space (a quarantine that ended late).
 */
static void __vfio_pci_tdi_give_back(struct vfio_pci_core_device *vdev)
{
	lockdep_assert_held_write(&vdev->memory_lock);

	WRITE_ONCE(vdev->tdi->kvm, NULL);
	if (vdev->vconfig && !vdev->pm_runtime_engaged &&
	    __vfio_pci_memory_enabled(vdev))
		vfio_pci_tdi_unrevoke_bufs(vdev);
}

static int __vfio_pci_tdi_revoke(struct vfio_pci_core_device *vdev,
				 struct kvm *kvm)
{
	int rc;

	lockdep_assert_held_write(&vdev->memory_lock);

	/* entering low power is refused while bound; so is binding in low power */
	if (vdev->pm_runtime_engaged || vdev->pdev->current_state != PCI_D0)
		return -EBUSY;

	WRITE_ONCE(vdev->tdi->kvm, kvm);
	rc = vfio_pci_tdi_revoke_bufs(vdev);
	if (rc)
		__vfio_pci_tdi_give_back(vdev);
	return rc;
}

static int vfio_pci_tdi_revoke(void *priv, struct kvm *kvm)
{
	struct vfio_pci_core_device *vdev = priv;
	int rc;

	vfio_pci_zap_and_down_write_memory_lock(vdev);
	rc = __vfio_pci_tdi_revoke(vdev, kvm);
	up_write(&vdev->memory_lock);
	trace_vfio_pci_tdi_revoke(vdev->pdev, rc);
	return rc;
}

/* User mappings need nothing: the next fault finds no mark */
static void vfio_pci_tdi_give_back(void *priv)
{
	struct vfio_pci_core_device *vdev = priv;

	guard(rwsem_write)(&vdev->memory_lock);
	__vfio_pci_tdi_give_back(vdev);
	trace_vfio_pci_tdi_give_back(vdev->pdev, vdev->vconfig);
	/* closed in quarantine, where the function had to stay awake */
	if (!vdev->vconfig && !vdev->disable_idle_d3)
		pm_runtime_put(&vdev->pdev->dev);
}

static struct kvm *vfio_pci_tdi_get_kvm(void *priv)
{
	struct vfio_pci_core_device *vdev = priv;

	return vdev->vdev.kvm;
}

static const struct pci_tdi_bar_ops vfio_pci_tdi_bar_ops = {
	.get_kvm = vfio_pci_tdi_get_kvm,
	.revoke = vfio_pci_tdi_revoke,
	.give_back = vfio_pci_tdi_give_back,
};

/* The whole pages that hold @size bytes at BAR and offset of register @where */
static void vfio_pci_tdi_msix_span(struct pci_dev *pdev, int where, u64 size,
				   struct vfio_pci_tdi_span *span)
{
	u32 reg, bar, offset;

	pci_read_config_dword(pdev, pdev->msix_cap + where, &reg);
	bar = reg & PCI_MSIX_TABLE_BIR;
	offset = reg & PCI_MSIX_TABLE_OFFSET;
	if (bar >= PCI_STD_NUM_BARS)
		return;

	span->bar = bar;
	span->offset = PAGE_ALIGN_DOWN(offset);
	span->len = PAGE_ALIGN(offset + size) - span->offset;
}

static void vfio_pci_tdi_find_msix(struct pci_dev *pdev,
				   struct vfio_pci_tdi *tdi)
{
	unsigned int nr;
	u16 flags;

	if (!pdev->msix_cap)
		return;

	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	nr = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	vfio_pci_tdi_msix_span(pdev, PCI_MSIX_TABLE, nr * PCI_MSIX_ENTRY_SIZE,
			       &tdi->msix[0]);
	/* one pending bit per vector, in quadwords */
	vfio_pci_tdi_msix_span(pdev, PCI_MSIX_PBA,
			       DIV_ROUND_UP(nr, 64) * sizeof(u64),
			       &tdi->msix[1]);
}

/**
 * vfio_pci_tdi_register() - offer the function as a possible TDI
 * @vdev: the device, in D0, not yet known to user space
 *
 * To be undone with vfio_pci_tdi_unregister(). Context: process.
 *
 * Return: 0; -ENOMEM; -EIO: the function is quarantined; -EBUSY: somebody else
 * offers it.
 */
int vfio_pci_tdi_register(struct vfio_pci_core_device *vdev)
{
	struct vfio_pci_tdi *tdi __free(kfree) = kzalloc_obj(*tdi);
	int rc;

	if (!tdi)
		return -ENOMEM;

	vfio_pci_tdi_find_msix(vdev->pdev, tdi);

	INIT_LIST_HEAD(&tdi->departure.node);
	/* the seat may call us from here on */
	vdev->tdi = tdi;
	rc = pci_tdi_seat_register(vdev->pdev, &vfio_pci_tdi_bar_ops, vdev);
	if (rc) {
		vdev->tdi = NULL;
		return rc;
	}

	retain_and_null_ptr(tdi);
	return 0;
}

/**
 * vfio_pci_tdi_depart() - the driver is being unbound or the device unplugged
 * @vdev: the device, registered
 *
 * Unbinds, and nobody binds until vfio_pci_tdi_unregister(). The caller goes on to
 * wait for VFIO's user, with the device lock held. Context: process.
 */
void vfio_pci_tdi_depart(struct vfio_pci_core_device *vdev)
{
	pci_tdi_begin(&vdev->tdi->departure, vdev->pdev, PCI_TDI_FUNCTION,
		      PCI_TDI_UNBIND_FIRST);
}

/**
 * vfio_pci_tdi_unregister() - undo vfio_pci_tdi_register()
 * @vdev: the device, which no user has open any more
 *
 * If it was open to users before, vfio_pci_tdi_depart() comes first.
 */
void vfio_pci_tdi_unregister(struct vfio_pci_core_device *vdev)
{
	pci_tdi_seat_unregister(vdev->pdev);
	pci_tdi_end(&vdev->tdi->departure);
	kfree(vdev->tdi);
	vdev->tdi = NULL;
}

/**
 * vfio_pci_tdi_rom_read() - read the expansion ROM for the user
 * @vdev: the device
 * @buf: the user's buffer
 * @count: its size in bytes
 * @ppos: position in the device file
 *
 * Reading the ROM switches its decoder on and off by writes to the ROM BAR, which
 * a locked TDI answers with ERROR. Context: process; touches the user's memory.
 *
 * Return: as vfio_pci_bar_rw(), or -EBUSY: the function is bound or being bound.
 */
ssize_t vfio_pci_tdi_rom_read(struct vfio_pci_core_device *vdev,
			      char __user *buf, size_t count, loff_t *ppos)
{
	struct pci_tdi_hold hold;
	ssize_t ret;

	ret = pci_tdi_begin(&hold, vdev->pdev, PCI_TDI_FUNCTION,
			    PCI_TDI_REFUSE);
	if (ret)
		return ret;
	ret = vfio_pci_bar_rw(vdev, buf, count, ppos, false);
	pci_tdi_end(&hold);
	return ret;
}

/*
 * Physical address of [@offset, @offset + @size) of @buf, whose ranges follow
 * each other in the order that the user gave. The slice may cross from one range
 * to the next only where they are neighbours in the BAR too.
 */
static int vfio_pci_tdi_slice_phys(const struct vfio_pci_dma_buf *buf,
				   u64 offset, u64 size, phys_addr_t *phys)
{
	const struct phys_vec *vec = buf->phys_vec;
	const struct phys_vec *end = vec + buf->nr_ranges;
	phys_addr_t next;
	u64 got;

	for (; vec < end && offset >= vec->len; vec++)
		offset -= vec->len;
	if (vec == end)
		return -EINVAL;

	*phys = vec->paddr + offset;
	got = vec->len - offset;
	next = vec->paddr + vec->len;
	for (vec++; got < size; vec++) {
		if (vec == end || vec->paddr != next)
			return -EINVAL;
		got += vec->len;
		next += vec->len;
	}
	return 0;
}

/**
 * vfio_pci_dma_buf_kvm_map() - where a slice of a dma-buf lies, for KVM
 * @dmabuf: any dma-buf, referenced by the caller
 * @offset: of the slice in the dma-buf, in bytes, page aligned
 * @size: of the slice in bytes, page aligned, not 0
 * @slice: out: see there; untouched on error
 *
 * The answer does not depend on who owns the BAR at the moment and gives no right
 * to touch it: a private slot may be set before its TDI is bound, and every page
 * of it is asked for at the seat when the TVM wants it. A BAR does not move while
 * its device is open, so the answer stays true until the device is closed; the
 * seat refuses from then on. No mapping is counted: revoke has nothing to wait
 * for. The caller keeps @dmabuf, which keeps VFIO's registration, not its file.
 *
 * Context: process. Takes the dma-buf's resv lock, so the caller may hold KVM's
 * slots_lock but neither a resv lock nor mmu_lock. memory_lock is not needed: a
 * close forgets the device under both.
 *
 * Return: 0; -EOPNOTSUPP: not a dma-buf of VFIO's; -ENODEV: the device was closed
 * since; -EINVAL: unaligned, empty, beyond the dma-buf, not contiguous in the
 * BAR, or it holds a page with the MSI-X table or the PBA, which stay the host's.
 */
int vfio_pci_dma_buf_kvm_map(struct dma_buf *dmabuf, u64 offset, u64 size,
			     struct vfio_pci_tdi_slice *slice)
{
	struct vfio_pci_core_device *vdev;
	struct vfio_pci_dma_buf *buf;
	phys_addr_t phys;
	u64 end;
	int rc;

	if (dmabuf->ops != &vfio_pci_dmabuf_ops)
		return -EOPNOTSUPP;

	buf = dmabuf->priv;
	if (!size || !PAGE_ALIGNED(offset | size) ||
	    check_add_overflow(offset, size, &end) || end > buf->size)
		return -EINVAL;

	rc = vfio_pci_tdi_slice_phys(buf, offset, size, &phys);
	if (rc)
		return rc;

	dma_resv_lock(dmabuf->resv, NULL);
	vdev = buf->vdev;
	if (!vdev || !vdev->tdi) {
		rc = -ENODEV;
	} else if (vfio_pci_tdi_has_host_page(vdev, phys, size)) {
		rc = -EINVAL;
	} else {
		slice->pdev = pci_dev_get(vdev->pdev);
		slice->kvm = vdev->vdev.kvm;
		slice->phys = phys;
	}
	trace_vfio_pci_tdi_slice(offset, size, phys, rc);
	dma_resv_unlock(dmabuf->resv);
	return rc;
}
EXPORT_SYMBOL_FOR_MODULES(vfio_pci_dma_buf_kvm_map, "kvm");
