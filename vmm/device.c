// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TDIs: from BDFs to bound interfaces, and back in reverse.
 *
 * The order that matters: the VM learns of a device before the device is bound to
 * iommufd; slots are set before the TSM binds and deleted after it unbound. With
 * several, each step is made for all of them before the next one: to open or close a
 * function may reset its neighbours, which is bad for a TDI that is bound.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/teemu.h>

#include "tvmm.h"

#define USUAL_PAGES	576	/* a leaf of 2 MiB, and 64 of 4 KiB */

const char *report_about(struct device *d, char buf[TDI_BDF_MAX + 2])
{
	buf[0] = 0;
	if (d->t->opt.nr_devices > 1)
		snprintf(buf, TDI_BDF_MAX + 2, "%s: ", d->bdf);
	return buf;
}

int device_failed(struct device *d, enum tdi_call call, int ret, const char *what)
{
	return report_failed(d->t, "device", ret, "%s: %s: %s; %s", d->bdf, what,
			     strerror(-ret), tdi_advice(call, ret));
}

static int device_open(struct device *d)
{
	struct tvmm *t = d->t;
	int ret;

	ret = tdi_device_open(d->bdf, &d->dev);
	if (ret)
		return device_failed(d, TDI_CALL_OPEN, ret, "VFIO device");
	ret = tdi_vm_add_device(t->vm, d->dev);
	if (ret)
		return device_failed(d, TDI_CALL_OPEN, ret, "KVM_DEV_VFIO_FILE_ADD");
	d->added = true;
	ret = tdi_device_bind(d->dev, t->iommu.fd);
	if (ret)
		return device_failed(d, TDI_CALL_OPEN, ret,
				     "VFIO_DEVICE_BIND_IOMMUFD");
	return 0;
}

static void device_close(struct device *d)
{
	if (d->added)
		tdi_vm_del_device(d->t->vm, d->dev);
	d->added = false;
	tdi_device_close(d->dev);
	d->dev = NULL;
	d->bar0 = NULL;
}

/* the host's own mapping of BAR 0, touched once, so that bind has to zap it */
static int map_host(struct device *d)
{
	uint32_t id;
	int ret;

	ret = tdi_device_enable(d->dev, TDI_COMMAND_MEMORY |
					TDI_COMMAND_MASTER);
	if (ret)
		return device_failed(d, TDI_CALL_VFIO, ret, "PCI command register");
	ret = tdi_device_map(d->dev, TEEMU_BAR_REGS, &d->bar0);
	if (ret)
		return device_failed(d, TDI_CALL_VFIO, ret, "mapping of BAR 0");
	id = *(volatile uint32_t *)((char *)d->bar0 + TEEMU_REG_ID);
	if (id != TEEMU_ID)
		return report_failed(d->t, "device", -ENODEV,
				     "%s: device id: expected %#x, saw %#x; tvmm's payload drives no other",
				     d->bdf, TEEMU_ID, id);
	return 0;
}

/* all of its BARs but MSI-X table and PBA, the host's */
static int find_slices(struct device *d)
{
	struct tdi_slice slices[TDI_MAX_SLICES];
	unsigned int bar;
	int n, i;

	d->nr_slots = 0;
	for (bar = 0; bar < 2 * NR_BARS; bar += 2) {
		n = tdi_device_slices(d->dev, bar, slices);
		if (n < 0)
			return report_failed(d->t, "device", n,
					     "%s: BAR %u: %s", d->bdf, bar,
					     strerror(-n));
		for (i = 0; i < n; i++) {
			struct bar_slot *s = &d->slots[d->nr_slots++];

			if (slices[i].offset > TVM_BAR_STRIDE ||
			    slices[i].len > TVM_BAR_STRIDE - slices[i].offset)
				return report_failed(d->t, "device", -EFBIG,
						     "%s: BAR %u has more than the %llu MiB that a VM of tvmm has room for",
						     d->bdf, bar,
						     TVM_BAR_STRIDE >> 20);
			s->bar = bar;
			s->slice = slices[i];
			s->gpa = TVM_BAR_GPA(d->index, bar) + slices[i].offset;
		}
	}
	return 0;
}

/* how much of BAR 2 the guest is to accept */
static int choose_pages(struct device *d)
{
	uint32_t wanted = d->t->opt.bar2_pages;
	struct tdi_bar bar;
	uint64_t pages;
	int ret;

	ret = tdi_device_bar(d->dev, TEEMU_BAR_MEM, &bar);
	if (ret)
		return device_failed(d, TDI_CALL_VFIO, ret, "BAR 2");
	pages = bar.size / 4096;
	if (!pages || wanted > pages)
		return report_failed(d->t, "device", -ERANGE,
				     "%s: BAR 2 has %llu pages of 4 KiB, fewer than --bar2-pages %u",
				     d->bdf, (unsigned long long)pages, wanted);
	d->bar2_pages = wanted ?: pages < USUAL_PAGES ? pages : USUAL_PAGES;
	return 0;
}

static unsigned int slot_number(struct device *d, unsigned int i)
{
	return SLOT_BARS + d->index * MAX_BAR_SLOTS + i;
}

static int set_slot(struct device *d, unsigned int i)
{
	struct bar_slot *s = &d->slots[i];
	struct tdi_slot slot = {
		.slot = slot_number(d, i),
		.gpa = s->gpa,
		.size = s->slice.len,
		.hva = reserve(&s->hva, s->gpa, s->slice.len),
	};
	int ret;

	if (!slot.hva)
		return -ENOMEM;
	s->fd = tdi_device_export(d->dev, s->bar, s->slice.offset, s->slice.len);
	if (s->fd < 0)
		return s->fd;
	slot.fd = s->fd;
	ret = tdi_vm_set_mmio_slot(d->t->vm, &slot);
	s->set = !ret;
	return ret;
}

static void clear_slot(struct device *d, unsigned int i)
{
	struct bar_slot *s = &d->slots[i];

	if (s->set && tdi_vm_del_slot(d->t->vm, slot_number(d, i))) {
		report_note(d->t, "%s: a private slot stays", d->bdf);
		d->t->unclean = true;
	}
	s->set = false;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	unreserve(&s->hva);
}

static int set_slots(struct device *d)
{
	unsigned int i;
	int ret;

	ret = find_slices(d) ?: choose_pages(d);
	for (i = 0; !ret && i < d->nr_slots; i++) {
		ret = set_slot(d, i);
		if (ret)
			return report_failed(d->t, "device", ret,
					     "%s: private slot over BAR %u + %#llx: %s; %s",
					     d->bdf, d->slots[i].bar,
					     (unsigned long long)
					     d->slots[i].slice.offset,
					     strerror(-ret),
					     tdi_advice(TDI_CALL_SLOT, ret));
	}
	return ret;
}

static void clear_slots(struct device *d)
{
	unsigned int i;

	for (i = d->nr_slots; i--;)
		clear_slot(d, i);
}

/* from here on its guest's accesses are to private MMIO, or end as memory faults */
static int make_private(struct device *d)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < d->nr_slots; i++)
		ret = tdi_vm_set_private(d->t->vm, d->slots[i].gpa,
					 d->slots[i].slice.len, true);
	return ret ? device_failed(d, TDI_CALL_KVM, ret, "private attribute") : 0;
}

static int check_kvm(struct tvmm *t)
{
	int ret = tdi_vm_has_dmabuf(t->vm);

	return ret > 0 ? 0 :
	       report_failed(t, "device", ret ?: -EOPNOTSUPP,
			     "KVM_CAP_VFIO_DMABUF: expected 1, saw %d; this kernel has no private MMIO",
			     ret);
}

static int ready(struct device *d)
{
	report_ok(d->t, "device",
		  "%s: VFIO, KVM, iommufd, IOAS, HWPT, vIOMMU, vdevice, %u private slots",
		  d->bdf, d->nr_slots);
	return 0;
}

static int shared_first(struct device *d)
{
	return d->t->opt.shared_first ? shared_use(d) : 0;
}

static int bind_first(struct device *d)
{
	return d->t->opt.bind_on_request ? 0 : device_bind(d);
}

static int for_all(struct tvmm *t, int (*step)(struct device *d))
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < t->opt.nr_devices; i++)
		ret = step(&t->device[i]);
	return ret;
}

int devices_create(struct tvmm *t)
{
	return for_all(t, record_create) ?:
	       for_all(t, device_open) ?:
	       iommu_map(t) ?: for_all(t, iommu_add) ?:
	       for_all(t, map_host) ?:
	       check_kvm(t) ?: for_all(t, set_slots) ?:
	       for_all(t, ready) ?:
	       for_all(t, shared_first) ?:
	       for_all(t, make_private) ?:
	       for_all(t, bind_first);
}

static void undo_all(struct tvmm *t, void (*step)(struct device *d))
{
	unsigned int i;

	for (i = t->opt.nr_devices; i--;)
		step(&t->device[i]);
}

/* without vDEVICEs nothing is bound, so no slot is in use */
void devices_destroy(struct tvmm *t)
{
	undo_all(t, iommu_remove);
	undo_all(t, clear_slots);
	iommu_unmap(t);
	undo_all(t, device_close);
	undo_all(t, record_destroy);
}

int device_bind(struct device *d)
{
	char buf[TDI_BDF_MAX + 2];
	int ret;

	if (!d->vdevice_id)
		return -ENODEV;
	ret = tdi_tsm_bind(d->t->iommu.fd, d->vdevice_id);
	if (ret)
		return report_failed(d->t, "bind", ret,
				     "%s: IOMMU_VDEVICE_TSM_BIND: %s; %s",
				     d->bdf, strerror(-ret),
				     tdi_advice(TDI_CALL_BIND, ret));
	d->bound = true;
	report_ok(d->t, "bind", "%sTDI locked, host out, BARs private",
		  report_about(d, buf));
	return 0;
}

int device_unbind(struct device *d)
{
	char buf[TDI_BDF_MAX + 2];
	int ret;

	if (!d->vdevice_id)
		return -ENODEV;
	ret = tdi_tsm_unbind(d->t->iommu.fd, d->vdevice_id);
	if (ret)
		return report_failed(d->t, "unbind", ret,
				     "%s: IOMMU_VDEVICE_TSM_UNBIND: %s; %s",
				     d->bdf, strerror(-ret),
				     tdi_advice(TDI_CALL_UNBIND, ret));
	d->bound = false;
	report_ok(d->t, "unbind", "%sTDI unlocked, BARs given back",
		  report_about(d, buf));
	return 0;
}

int device_request(struct device *d, struct tdi_request *req)
{
	size_t room = req->resp_len;
	int ret;

	if (!d->vdevice_id)
		return -ENODEV;
	/* both: nothing was sent */
	do {
		req->resp_len = room;
		ret = tdi_tsm_request(d->t->iommu.fd, d->vdevice_id, req);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}
