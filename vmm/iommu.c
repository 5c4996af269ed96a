// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the devices share in iommufd: the context, one address space with the window
 * of T=0 DMA, its page table, and a vIOMMU with a vDEVICE for each device.
 *
 * A vIOMMU stands for one IOMMU of the host, so all devices of a VM are behind one
 * here. A VMM that wants more makes a page table and a vIOMMU for each, over the same
 * address space.
 */
#include <errno.h>
#include <string.h>

#include <linux/iommufd.h>

#include "tvmm.h"

/* what failed that all devices share */
static int failed(struct tvmm *t, enum tdi_call call, int ret, const char *what)
{
	return report_failed(t, "device", ret, "%s: %s; %s", what, strerror(-ret),
			     tdi_advice(call, ret));
}

int iommu_create(struct tvmm *t)
{
	int ret = tdi_iommu_open(&t->iommu.fd);

	return ret ? failed(t, TDI_CALL_IOMMU, ret, "/dev/iommu") : 0;
}

int iommu_map(struct tvmm *t)
{
	struct iommu *m = &t->iommu;
	int ret;

	ret = tdi_ioas_alloc(m->fd, &m->ioas_id) ?:
	      tdi_ioas_map(m->fd, m->ioas_id, t->mem.shared + TVM_WINDOW_GPA,
			   TVM_WINDOW_SIZE, TVM_WINDOW_GPA);
	return ret ? failed(t, TDI_CALL_IOMMU, ret, "IOAS") : 0;
}

/* which is told by an errno that has other causes too */
static int failed_beside(struct device *d, enum tdi_call call, int ret,
			 const char *what)
{
	if (ret != -EINVAL || !d->index)
		return device_failed(d, call, ret, what);
	return report_failed(d->t, "device", ret,
			     "%s: %s: %s; is it behind another IOMMU than %s? Give a VM devices of one",
			     d->bdf, what, strerror(-ret), d->t->device[0].bdf);
}

/* the first device brings the page table and the vIOMMU along */
static int create_viommu(struct device *d)
{
	struct iommu *m = &d->t->iommu;
	int ret;

	ret = tdi_viommu_alloc(m->fd, tdi_device_id(d->dev), m->hwpt_id,
			       IOMMU_VIOMMU_TYPE_TEEMU, &m->viommu_id);
	if (ret)
		return device_failed(d, TDI_CALL_IOMMU, ret, "vIOMMU");
	return events_create(d->t);
}

int iommu_add(struct device *d)
{
	uint32_t dev_id = tdi_device_id(d->dev);
	struct iommu *m = &d->t->iommu;
	int ret;

	if (!m->hwpt_id) {
		ret = tdi_hwpt_alloc_parent(m->fd, dev_id, m->ioas_id, &m->hwpt_id);
		if (ret)
			return device_failed(d, TDI_CALL_IOMMU, ret,
					     "nesting parent");
	}
	ret = tdi_device_attach(d->dev, m->hwpt_id);
	if (ret)
		return failed_beside(d, TDI_CALL_VFIO, ret, "attach");
	d->attached = true;
	if (!m->viommu_id) {
		ret = create_viommu(d);
		if (ret)
			return ret;
	}
	ret = tdi_vdevice_alloc(m->fd, m->viommu_id, dev_id,
				TVM_DEVICE_RID(d->index), &d->vdevice_id);
	return ret ? failed_beside(d, TDI_CALL_VDEVICE, ret, "vdevice") : 0;
}

static void destroy_object(struct tvmm *t, uint32_t *id, const char *what)
{
	int ret;

	if (!*id)
		return;
	ret = tdi_iommu_destroy(t->iommu.fd, *id);
	if (ret) {
		report_note(t, "destroy of %s: %s", what, strerror(-ret));
		t->unclean = true;
	}
	*id = 0;
}

void iommu_remove(struct device *d)
{
	destroy_object(d->t, &d->vdevice_id, "vdevice");
	d->bound = false;
}

/* the devices are still there, their vDEVICEs are not */
void iommu_unmap(struct tvmm *t)
{
	unsigned int i;

	events_destroy(t);
	destroy_object(t, &t->iommu.viommu_id, "vIOMMU");
	for (i = t->opt.nr_devices; i--;) {
		if (t->device[i].attached)
			tdi_device_detach(t->device[i].dev);
		t->device[i].attached = false;
	}
	destroy_object(t, &t->iommu.hwpt_id, "HWPT");
	destroy_object(t, &t->iommu.ioas_id, "IOAS");
}

void iommu_destroy(struct tvmm *t)
{
	tdi_iommu_close(t->iommu.fd);
	t->iommu.fd = NULL;
}
