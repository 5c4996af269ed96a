/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TVM that uses its TDI: what was refused has changed nothing if it can go on.
 * After fixture.h.
 */
#ifndef TEST_GOES_ON_H
#define TEST_GOES_ON_H

#include "fixture.h"
#include "raw.h"

#define GOES_ON_LEN	0x8000

/* T=1 copy that is posted now and waited for later: its number */
static inline int tvm_post(FIXTURE_DATA(tvm) *self)
{
	return fn_post(&self->fn, TEEMU_OP_COPY,
		       TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T, VM_SRC_GPA,
		       VM_DST_GPA, GOES_ON_LEN);
}

/* RUN; private MMIO answers; trusted DMA moves bytes that were not there before */
static inline int tvm_goes_on(FIXTURE_DATA(tvm) *self)
{
	static uint64_t pattern = 0x1001;
	uint64_t src, dst;
	uint32_t value;
	int ret;

	pattern += 0x1111;
	if (!world_tdi_is(self->fn.nr, "RUN"))
		return -EBADF;
	ret = vm_read32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_REGS) +
			TEEMU_REG_ID, &value);
	if (ret || value != TEEMU_ID)
		return failed(ret ?: -EIO, "private MMIO");
	ret = vm_fill(&self->vm, VM_SRC_GPA, GOES_ON_LEN, pattern) ?:
	      vm_fill(&self->vm, VM_DST_GPA, GOES_ON_LEN, ~pattern);
	if (ret)
		return ret;
	ret = fn_wait(&self->fn, tvm_post(self), NULL);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "T=1 copy: status %d", ret);
	ret = vm_sum(&self->vm, VM_SRC_GPA, GOES_ON_LEN, &src) ?:
	      vm_sum(&self->vm, VM_DST_GPA, GOES_ON_LEN, &dst);
	if (!ret && src != dst)
		ret = failed(-EIO, "T=1 copy: sums differ");
	return ret;
}

/* bytes of BAR 2 among the accepted pages */
static inline int tvm_poke(FIXTURE_DATA(tvm) *self, unsigned int page,
			   uint32_t value)
{
	uint64_t gpa = fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) + page * PAGE + 0x20;
	uint32_t back = ~value;
	int ret;

	ret = vm_write32(&self->vm, gpa, value) ?:
	      vm_read32(&self->vm, gpa, &back);
	return ret ?: failed(back == value ? 0 : -EIO, "BAR 2, page %u", page);
}

/* nothing has happened that the VMM would be told */
static inline int tvm_is_quiet(FIXTURE_DATA(tvm) *self)
{
	int ret = fn_event(&self->fn, 0);

	if (ret == -EAGAIN)
		return 0;
	note("event %d", ret);
	return -EIO;
}

/* @len bytes of @value to VFIO's config region: bytes done, or -errno */
static inline ssize_t vfio_cfg_write(const struct fn *fn, unsigned int pos,
				     const void *value, size_t len)
{
	ssize_t n = pwrite(tdi_device_fd(fn->dev), value, len,
			   raw_bar_pos(fn, VFIO_PCI_CONFIG_REGION_INDEX) + pos);

	return n < 0 ? -errno : n;
}

/* a register that is one write: 0 or errno */
static inline int vfio_cfg_put(const struct fn *fn, unsigned int pos,
			       uint32_t value, size_t len)
{
	ssize_t n = vfio_cfg_write(fn, pos, &value, len);

	return n < 0 ? -n : n == (ssize_t)len ? 0 : EIO;
}

/* VFIO_DEVICE_FEATURE without payload, or with @payload: 0 or errno */
static inline int vfio_feature_set(const struct fn *fn, uint32_t feature,
				   const void *payload, size_t len)
{
	union {
		struct vfio_device_feature head;
		uint8_t bytes[256];
	} arg = {
		.head = {
			.argsz = sizeof(arg.head) + len,
			.flags = VFIO_DEVICE_FEATURE_SET | feature,
		},
	};

	if (len > sizeof(arg) - sizeof(arg.head))
		return EINVAL;
	if (len)
		memcpy(arg.head.data, payload, len);
	return raw_ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_FEATURE, &arg);
}

/* the link lost what it rests on: take it down and bring it up */
static inline int relink(void)
{
	char text[TDI_NAME_MAX];

	if (!tdi_attr_read(world.bdf[0], "tsm/connect", text, sizeof(text)) &&
	    text[0] && world_disconnect())
		return -EIO;
	return world_prepare();
}

#endif /* TEST_GOES_ON_H */
