// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TDI: from a BDF to a bound interface, and back in reverse.
 *
 * The order that matters: the VM learns of the device before the device is bound
 * to iommufd; slots are set before the TSM binds and deleted after it unbound.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/teemu.h>

#include "tvmm.h"

/* what the VM gets of the BARs: all but MSI-X table and PBA, the host's */
static const struct bar_slot bar_slots[NR_BAR_SLOTS] = {
	{ .bar = TEEMU_BAR_REGS, .len = TEEMU_BAR_REGS_SIZE,
	  .gpa = TVM_BAR0_GPA, .fd = -1 },
	{ .bar = TEEMU_BAR_MEM, .len = TEEMU_BAR_MEM_SIZE,
	  .gpa = TVM_BAR2_GPA, .fd = -1 },
	{ .bar = TEEMU_BAR_MSIX, .offset = 2 * TEEMU_MSIX_PBA_OFFSET,
	  .len = TEEMU_BAR_MSIX_SIZE - 2 * TEEMU_MSIX_PBA_OFFSET,
	  .gpa = TVM_BAR4_GPA + 2 * TEEMU_MSIX_PBA_OFFSET, .fd = -1 },
};

/* what failed, and what the VMM's owner can do about it */
static int failed(struct tvmm *t, enum tdi_call call, int ret, const char *what)
{
	return report_failed(t, "device", ret, "%s: %s; %s", what, strerror(-ret),
			     tdi_advice(call, ret));
}

static int open_device(struct tvmm *t)
{
	struct device *d = &t->device;
	int ret;

	ret = tdi_iommu_open(&d->iommu);
	if (ret)
		return failed(t, TDI_CALL_IOMMU, ret, "/dev/iommu");
	ret = tdi_device_open(t->opt.bdf, &d->dev);
	if (ret)
		return failed(t, TDI_CALL_OPEN, ret, "VFIO device");
	ret = tdi_vm_add_device(t->vm, d->dev);
	if (ret)
		return failed(t, TDI_CALL_OPEN, ret, "KVM_DEV_VFIO_FILE_ADD");
	d->added = true;
	ret = tdi_device_bind(d->dev, d->iommu);
	if (ret)
		return failed(t, TDI_CALL_OPEN, ret, "VFIO_DEVICE_BIND_IOMMUFD");
	return 0;
}

static int create_translation(struct tvmm *t)
{
	struct device *d = &t->device;
	uint32_t dev_id = tdi_device_id(d->dev);
	int ret;

	ret = tdi_ioas_alloc(d->iommu, &d->ioas_id) ?:
	      tdi_ioas_map(d->iommu, d->ioas_id,
			   t->mem.shared + TVM_WINDOW_GPA, TVM_WINDOW_SIZE,
			   TVM_WINDOW_GPA);
	if (ret)
		return failed(t, TDI_CALL_IOMMU, ret, "IOAS");
	ret = tdi_hwpt_alloc_parent(d->iommu, dev_id, d->ioas_id, &d->hwpt_id);
	if (ret)
		return failed(t, TDI_CALL_IOMMU, ret, "nesting parent");
	ret = tdi_device_attach(d->dev, d->hwpt_id);
	if (ret)
		return failed(t, TDI_CALL_VFIO, ret, "attach");
	d->attached = true;
	ret = tdi_viommu_alloc(d->iommu, dev_id, d->hwpt_id,
			       IOMMU_VIOMMU_TYPE_TEEMU, &d->viommu_id);
	if (ret)
		return failed(t, TDI_CALL_IOMMU, ret, "vIOMMU");
	ret = events_create(t);
	if (ret)
		return ret;
	ret = tdi_vdevice_alloc(d->iommu, d->viommu_id, dev_id, TVM_DEVICE_RID,
				&d->vdevice_id);
	if (ret)
		return failed(t, TDI_CALL_VDEVICE, ret, "vdevice");
	return 0;
}

/* the host's own mapping of BAR 0, touched once, so that bind has to zap it */
static int map_host(struct tvmm *t)
{
	struct device *d = &t->device;
	uint32_t id;
	int ret;

	ret = tdi_device_enable(d->dev, TDI_COMMAND_MEMORY |
					TDI_COMMAND_MASTER);
	if (ret)
		return failed(t, TDI_CALL_VFIO, ret, "PCI command register");
	ret = tdi_device_map(d->dev, TEEMU_BAR_REGS, &d->bar0);
	if (ret)
		return failed(t, TDI_CALL_VFIO, ret, "mapping of BAR 0");
	id = *(volatile uint32_t *)((char *)d->bar0 + TEEMU_REG_ID);
	if (id != TEEMU_ID)
		return report_failed(t, "device", -ENODEV,
				     "device id: expected %#x, saw %#x",
				     TEEMU_ID, id);
	return 0;
}

static int set_bar_slot(struct tvmm *t, unsigned int i)
{
	struct bar_slot *s = &t->device.slots[i];
	struct tdi_slot slot = {
		.slot = SLOT_BARS + i,
		.gpa = s->gpa,
		.size = s->len,
		.hva = reserve(&s->hva, s->gpa, s->len),
	};
	int ret;

	if (!slot.hva)
		return -ENOMEM;
	s->fd = tdi_device_export(t->device.dev, s->bar, s->offset, s->len);
	if (s->fd < 0)
		return s->fd;
	slot.fd = s->fd;
	ret = tdi_vm_set_mmio_slot(t->vm, &slot);
	if (ret)
		return ret;
	s->set = true;
	return tdi_vm_set_private(t->vm, s->gpa, s->len, true);
}

static int set_bar_slots(struct tvmm *t)
{
	unsigned int i;
	int ret;

	ret = tdi_vm_has_dmabuf(t->vm);
	if (ret <= 0)
		return report_failed(t, "device", ret ?: -EOPNOTSUPP,
				     "KVM_CAP_VFIO_DMABUF: expected 1, saw %d",
				     ret);
	for (i = 0; i < NR_BAR_SLOTS; i++) {
		ret = set_bar_slot(t, i);
		if (ret)
			return report_failed(t, "device", ret,
					     "private slot over BAR %u + %#llx: %s; %s",
					     t->device.slots[i].bar,
					     (unsigned long long)
					     t->device.slots[i].offset,
					     strerror(-ret),
					     tdi_advice(TDI_CALL_SLOT, ret));
	}
	return 0;
}

int device_create(struct tvmm *t)
{
	int ret;

	memcpy(t->device.slots, bar_slots, sizeof(bar_slots));
	ret = open_device(t) ?: create_translation(t) ?: map_host(t) ?:
	      set_bar_slots(t);
	if (ret)
		return ret;
	report_ok(t, "device",
		  "%s: VFIO, KVM, iommufd, IOAS, HWPT, vIOMMU, vdevice, %d private slots",
		  t->opt.bdf, NR_BAR_SLOTS);
	return device_bind(t);
}

static void destroy_object(struct tvmm *t, uint32_t *id, const char *what)
{
	int ret;

	if (!*id)
		return;
	ret = tdi_iommu_destroy(t->device.iommu, *id);
	if (ret)
		report_note(t, "destroy of %s: %s", what, strerror(-ret));
	*id = 0;
}

static void clear_bar_slot(struct tvmm *t, unsigned int i)
{
	struct bar_slot *s = &t->device.slots[i];

	if (s->set)
		tdi_vm_del_slot(t->vm, SLOT_BARS + i);
	s->set = false;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	unreserve(&s->hva);
}

/* destroying the vdevice unbinds, so no slot is in use after it */
void device_destroy(struct tvmm *t)
{
	struct device *d = &t->device;
	unsigned int i;

	destroy_object(t, &d->vdevice_id, "vdevice");
	d->bound = false;
	for (i = NR_BAR_SLOTS; i--;)
		clear_bar_slot(t, i);
	events_destroy(t);
	destroy_object(t, &d->viommu_id, "vIOMMU");
	if (d->attached)
		tdi_device_detach(d->dev);
	d->attached = false;
	destroy_object(t, &d->hwpt_id, "HWPT");
	destroy_object(t, &d->ioas_id, "IOAS");
	if (d->added)
		tdi_vm_del_device(t->vm, d->dev);
	d->added = false;
	tdi_device_close(d->dev);
	d->dev = NULL;
	tdi_iommu_close(d->iommu);
	d->iommu = NULL;
}

int device_bind(struct tvmm *t)
{
	struct device *d = &t->device;
	int ret;

	if (!d->vdevice_id)
		return -ENODEV;
	ret = tdi_tsm_bind(d->iommu, d->vdevice_id);
	if (ret)
		return report_failed(t, "bind", ret,
				     "IOMMU_VDEVICE_TSM_BIND: %s; %s",
				     strerror(-ret),
				     tdi_advice(TDI_CALL_BIND, ret));
	d->bound = true;
	report_ok(t, "bind", "TDI locked, host out, BARs private");
	return 0;
}

int device_unbind(struct tvmm *t)
{
	struct device *d = &t->device;
	int ret;

	if (!d->vdevice_id)
		return -ENODEV;
	ret = tdi_tsm_unbind(d->iommu, d->vdevice_id);
	if (ret)
		return report_failed(t, "unbind", ret,
				     "IOMMU_VDEVICE_TSM_UNBIND: %s; %s",
				     strerror(-ret),
				     tdi_advice(TDI_CALL_UNBIND, ret));
	d->bound = false;
	report_ok(t, "unbind", "TDI unlocked, BARs given back");
	return 0;
}

int device_request(struct tvmm *t, struct tdi_request *req)
{
	struct device *d = &t->device;
	size_t room = req->resp_len;
	int ret;

	if (!d->vdevice_id)
		return -ENODEV;
	/* both: nothing was sent */
	do {
		req->resp_len = room;
		ret = tdi_tsm_request(d->iommu, d->vdevice_id, req);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}
