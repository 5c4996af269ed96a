// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <linux/iommufd.h>

#include "world.h"

#define RING_OFFSET	0x1000		/* page 1 of BAR 0 */
#define RING_ENTRIES	64
#define EVENT_DEPTH	16
#define DMA_MS		60000

static const struct {
	unsigned int bar;
	uint64_t len;
	uint64_t dmabuf;	/* size of the dma-buf that it is a slice of */
} slices[FN_BAR_SLOTS] = {
	{ TEEMU_BAR_REGS, TEEMU_BAR_REGS_SIZE, TEEMU_BAR_REGS_SIZE },
	{ TEEMU_BAR_MEM, FN_BAR2_SLOT, TEEMU_BAR_MEM_SIZE },
};

void fn_init(struct fn *fn, unsigned int nr)
{
	int i;

	memset(fn, 0, sizeof(*fn));
	fn->nr = nr;
	fn->event_fd = -1;
	for (i = 0; i < FN_BAR_SLOTS; i++)
		fn->slot[i].fd = -1;
}

uint64_t fn_bar_gpa(const struct fn *fn, unsigned int bar)
{
	return VM_BARS_GPA + fn->nr * VM_BARS_STRIDE +
	       (bar == TEEMU_BAR_MEM ? VM_BAR2_OFFSET : VM_BAR0_OFFSET);
}

uint32_t fn_rid(const struct fn *fn)
{
	return 0x18 + fn->nr;	/* 00:03.n for the guest */
}

int fn_open_device(struct fn *fn, struct vm *vm)
{
	int ret;

	fn->vm = vm;
	ret = failed(tdi_iommu_open(&fn->iommu), "/dev/iommu") ?:
	      failed(tdi_device_open(world.bdf[fn->nr], &fn->dev),
		     "VFIO device %s", world.bdf[fn->nr]);
	if (ret)
		return ret;
	if (vm) {
		ret = tdi_vm_add_device(vm->tdi, fn->dev);
		if (ret)
			return failed(ret, "KVM_DEV_VFIO_FILE_ADD");
		fn->added = true;
	}
	return failed(tdi_device_bind(fn->dev, fn->iommu),
		      "VFIO_DEVICE_BIND_IOMMUFD");
}

int fn_open_translation(struct fn *fn)
{
	uint32_t dev_id = tdi_device_id(fn->dev);
	int ret;

	ret = failed(tdi_ioas_alloc(fn->iommu, &fn->ioas_id), "IOAS");
	if (!ret && fn->vm)
		ret = failed(tdi_ioas_map(fn->iommu, fn->ioas_id,
					  fn->vm->shared + VM_WINDOW_GPA,
					  VM_WINDOW_SIZE, VM_WINDOW_GPA),
			     "IOAS map");
	if (!ret)
		ret = failed(tdi_hwpt_alloc_parent(fn->iommu, dev_id,
						   fn->ioas_id, &fn->hwpt_id),
			     "nesting parent");
	if (!ret)
		ret = failed(tdi_device_attach(fn->dev, fn->hwpt_id), "attach");
	fn->attached = !ret;
	if (!ret)
		ret = failed(tdi_viommu_alloc(fn->iommu, dev_id, fn->hwpt_id,
					      IOMMU_VIOMMU_TYPE_TEEMU,
					      &fn->viommu_id), "vIOMMU");
	if (ret)
		return ret;
	ret = tdi_event_open(fn->iommu, fn->viommu_id, EVENT_DEPTH,
			     &fn->queue_id);
	if (ret < 0)
		return failed(ret, "event queue");
	fn->event_fd = ret;
	return 0;
}

int fn_open_vdevice(struct fn *fn)
{
	return failed(tdi_vdevice_alloc(fn->iommu, fn->viommu_id,
					tdi_device_id(fn->dev), fn_rid(fn),
					&fn->vdevice_id), "vdevice");
}

int fn_enable(struct fn *fn)
{
	return failed(tdi_device_enable(fn->dev, TDI_COMMAND_MEMORY |
						 TDI_COMMAND_MASTER),
		      "PCI command");
}

static uint32_t slot_number(const struct fn *fn, int i)
{
	return SLOT_BARS + fn->nr * FN_BAR_SLOTS + i;
}

static int set_slot(struct fn *fn, int i)
{
	struct bar_slot *s = &fn->slot[i];
	struct tdi_slot slot = {
		.slot = slot_number(fn, i),
		.gpa = fn_bar_gpa(fn, slices[i].bar),
		.size = slices[i].len,
	};
	int ret;

	ret = tdi_device_export(fn->dev, slices[i].bar, 0, fn->nr < NR_FNS ?
				slices[i].dmabuf : slices[i].len);
	if (ret < 0)
		return failed(ret, "dma-buf of BAR %u", slices[i].bar);
	s->fd = ret;
	ret = reserve(&s->hva, slot.gpa, slot.size);
	if (ret)
		return ret;
	slot.fd = s->fd;
	slot.hva = s->hva.addr;
	ret = tdi_vm_set_mmio_slot(fn->vm->tdi, &slot);
	if (ret)
		return failed(ret, "slot over BAR %u", slices[i].bar);
	s->set = true;
	return failed(tdi_vm_set_private(fn->vm->tdi, slot.gpa, slot.size, true),
		      "private attributes of BAR %u", slices[i].bar);
}

int fn_set_slots(struct fn *fn)
{
	int i, ret = 0;

	for (i = 0; !ret && i < FN_BAR_SLOTS; i++)
		ret = set_slot(fn, i);
	return ret;
}

int fn_clear_slots(struct fn *fn)
{
	int i, ret = 0;

	for (i = FN_BAR_SLOTS; i--;) {
		struct bar_slot *s = &fn->slot[i];

		if (s->set && fn->vm && fn->vm->tdi)
			ret = failed(tdi_vm_del_slot(fn->vm->tdi,
						     slot_number(fn, i)),
				     "delete slot of BAR %u", slices[i].bar) ?:
			      ret;
		s->set = false;
		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
		unreserve(&s->hva);
	}
	return ret;
}

int fn_open(struct fn *fn, struct vm *vm)
{
	return fn_open_device(fn, vm) ?: fn_open_translation(fn) ?:
	       fn_open_vdevice(fn) ?: fn_enable(fn) ?:
	       (vm ? fn_set_slots(fn) : 0);
}

static void destroy(struct fn *fn, uint32_t *id)
{
	/* what went with the device answers ENOENT */
	if (*id)
		tdi_iommu_destroy(fn->iommu, *id);
	*id = 0;
}

void fn_close_device(struct fn *fn)
{
	if (fn->added && fn->vm && fn->vm->tdi)
		tdi_vm_del_device(fn->vm->tdi, fn->dev);
	fn->added = false;
	fn->bar0 = NULL;
	tdi_device_close(fn->dev);
	fn->dev = NULL;
	fn->attached = false;
	fn->guest = false;
}

void fn_close(struct fn *fn)
{
	if (fn->iommu)
		destroy(fn, &fn->vdevice_id);
	fn_clear_slots(fn);
	if (fn->event_fd >= 0)
		close(fn->event_fd);
	fn->event_fd = -1;
	if (fn->iommu) {
		destroy(fn, &fn->queue_id);
		destroy(fn, &fn->viommu_id);
	}
	if (fn->attached)
		tdi_device_detach(fn->dev);
	fn->attached = false;
	if (fn->iommu) {
		destroy(fn, &fn->hwpt_id);
		destroy(fn, &fn->ioas_id);
	}
	fn_close_device(fn);
	tdi_iommu_close(fn->iommu);
	fn->iommu = NULL;
}

int fn_map(struct fn *fn)
{
	void *map;
	int ret;

	ret = tdi_device_map(fn->dev, TEEMU_BAR_REGS, &map);
	if (!ret)
		fn->bar0 = map;
	return failed(ret, "mapping of BAR 0");
}

int fn_bind(struct fn *fn)
{
	int ret = tdi_tsm_bind(fn->iommu, fn->vdevice_id);

	fn->guest = !ret || fn->guest;
	return ret;
}

int fn_unbind(struct fn *fn)
{
	int ret = tdi_tsm_unbind(fn->iommu, fn->vdevice_id);

	fn->guest = ret ? fn->guest : false;
	return ret;
}

int fn_event(struct fn *fn, unsigned int ms)
{
	struct pollfd pfd = { .fd = fn->event_fd, .events = POLLIN };
	struct tdi_event event;
	int ret;

	ret = poll(&pfd, 1, ms);
	if (ret <= 0)
		return ret ? -errno : -EAGAIN;
	ret = tdi_event_read(fn->event_fd, &event);
	if (ret)
		return ret;
	if (event.virt_id != fn_rid(fn)) {
		note("event for %#llx, looked for %#x",
		     (unsigned long long)event.virt_id, fn_rid(fn));
		return -EIO;
	}
	return event.type;
}

int fn_request(struct fn *fn, uint32_t op, const void *req, size_t req_len,
	       void *resp, size_t *resp_len, uint64_t *code)
{
	struct tdi_request r = {
		.op = op,
		.arch = world.tvm->arch,
		.req = req,
		.req_len = req_len,
		.resp = resp,
		.resp_len = resp_len ? *resp_len : 0,
	};
	int ret;

	ret = tdi_tsm_request(fn->iommu, fn->vdevice_id, &r);
	if (resp_len)
		*resp_len = r.resp_len;
	*code = r.tsm_code;
	return ret;
}

int fn_reg_read(struct fn *fn, uint32_t reg, uint32_t *value)
{
	if (fn->guest)
		return failed(vm_read32(fn->vm, fn_bar_gpa(fn, TEEMU_BAR_REGS) +
					reg, value), "guest: register %#x", reg);
	if (!fn->bar0)
		return -EINVAL;
	*value = *(volatile uint32_t *)(fn->bar0 + reg);
	return 0;
}

int fn_reg_write(struct fn *fn, uint32_t reg, uint32_t value)
{
	if (fn->guest)
		return failed(vm_write32(fn->vm,
					 fn_bar_gpa(fn, TEEMU_BAR_REGS) + reg,
					 value), "guest: register %#x", reg);
	if (!fn->bar0)
		return -EINVAL;
	*(volatile uint32_t *)(fn->bar0 + reg) = value;
	return 0;
}

static uint64_t entry_offset(int number)
{
	return RING_OFFSET + number % RING_ENTRIES * sizeof(struct teemu_desc);
}

static int desc_put(struct fn *fn, int number, const struct teemu_desc *desc)
{
	uint64_t at = entry_offset(number);
	const uint32_t *word = (const uint32_t *)desc;
	size_t i;

	if (fn->guest)
		return failed(vm_put(fn->vm, fn_bar_gpa(fn, TEEMU_BAR_REGS) + at,
				     desc, sizeof(*desc)), "guest: ring");
	if (!fn->bar0)
		return -EINVAL;
	for (i = 0; i < sizeof(*desc) / 4; i++)
		*(volatile uint32_t *)(fn->bar0 + at + i * 4) = word[i];
	return 0;
}

static int desc_get(struct fn *fn, int number, struct teemu_desc *desc)
{
	uint64_t at = entry_offset(number);
	uint32_t *word = (uint32_t *)desc;
	size_t i;

	if (fn->guest)
		return failed(vm_get(fn->vm, fn_bar_gpa(fn, TEEMU_BAR_REGS) + at,
				     desc, sizeof(*desc)), "guest: ring");
	if (!fn->bar0)
		return -EINVAL;
	for (i = 0; i < sizeof(*desc) / 4; i++)
		word[i] = *(volatile uint32_t *)(fn->bar0 + at + i * 4);
	return 0;
}

static int ring_stop(struct fn *fn)
{
	uint64_t end = now_ms() + 10000;
	uint32_t status;
	int ret;

	ret = fn_reg_write(fn, TEEMU_REG_CTRL, 0);
	while (!ret) {
		ret = fn_reg_read(fn, TEEMU_REG_STATUS, &status);
		if (ret || !(status & TEEMU_STATUS_RUNNING))
			return ret;
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "engine does not stop");
		sleep_ms(1);
	}
	return ret;
}

int fn_ring_start(struct fn *fn)
{
	uint64_t end = now_ms() + 10000;
	uint32_t status = 0;
	int ret;

	fn->next = 0;
	ret = ring_stop(fn) ?:
	      fn_reg_write(fn, TEEMU_REG_RING_OFFSET, RING_OFFSET) ?:
	      fn_reg_write(fn, TEEMU_REG_RING_ENTRIES, RING_ENTRIES) ?:
	      fn_reg_write(fn, TEEMU_REG_TAIL, 0) ?:
	      fn_reg_write(fn, TEEMU_REG_CTRL, TEEMU_CTRL_RUN);
	while (!ret && !(status & TEEMU_STATUS_RUNNING)) {
		ret = fn_reg_read(fn, TEEMU_REG_STATUS, &status);
		if (!ret && now_ms() > end)
			return failed(-ETIMEDOUT, "engine does not start");
	}
	return ret;
}

int fn_post(struct fn *fn, uint32_t op, uint32_t flags, uint64_t src,
	    uint64_t dst, uint32_t len)
{
	struct teemu_desc desc = {
		.op = op,
		.flags = flags,
		.src = src,
		.dst = dst,
		.len = len,
		.status = TEEMU_DESC_PENDING,
	};
	int number = fn->next++, ret;

	ret = desc_put(fn, number, &desc);
	if (!ret)
		ret = fn_reg_write(fn, TEEMU_REG_TAIL, fn->next % RING_ENTRIES);
	return ret ?: number;
}

int fn_wait(struct fn *fn, int number, struct teemu_desc *desc)
{
	uint64_t end = now_ms() + DMA_MS;
	struct teemu_desc d;
	int ret;

	if (number < 0)
		return number;
	do {
		ret = desc_get(fn, number, &d);
		if (ret)
			return ret;
		if (d.status != TEEMU_DESC_PENDING) {
			if (desc)
				*desc = d;
			return d.status;
		}
		sleep_ms(1);
	} while (now_ms() < end);
	return failed(-ETIMEDOUT, "descriptor %d", number);
}

int fn_dma(struct fn *fn, uint32_t op, uint32_t flags, uint64_t src,
	   uint64_t dst, uint32_t len)
{
	return fn_wait(fn, fn_post(fn, op, flags, src, dst, len), NULL);
}
