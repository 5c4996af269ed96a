// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device in the host's own hands, through tvmm's mapping of BAR 0: out of
 * reach while the TDI is bound, and as good as ever after it was unbound.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include <linux/teemu.h>

#include "../guest/ring.h"
#include "tvmm.h"

#define HALF		(TVM_WINDOW_SIZE / 2)
#define PARTS		4
#define TIMEOUT_US	30000000ULL

static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	(void)sig;
	siglongjmp(bus_error, 1);
}

/* read a register through the host's mapping: 0, or -EFAULT if it is SIGBUS */
static int touch(struct tvmm *t, uint32_t reg, uint32_t *value)
{
	struct sigaction action = { .sa_handler = on_bus_error }, old;
	int ret = 0;

	sigaction(SIGBUS, &action, &old);
	if (sigsetjmp(bus_error, 1))
		ret = -EFAULT;
	else
		*value = *(volatile uint32_t *)((char *)t->device.bar0 + reg);
	sigaction(SIGBUS, &old, NULL);
	return ret;
}

int shared_refused(struct tvmm *t)
{
	uint32_t value;
	int ret;

	if (!touch(t, TEEMU_REG_ID, &value))
		return report_failed(t, "sigbus", -EIO,
				     "host touch of a bound BAR: expected SIGBUS, read %#x",
				     value);
	ret = tdi_device_bar_read(t->device.dev, TEEMU_BAR_REGS, TEEMU_REG_ID,
				  &value, sizeof(value));
	if (!ret)
		return report_failed(t, "sigbus", -EIO,
				     "read(2) of a bound BAR: expected an error, read %#x",
				     value);
	report_ok(t, "sigbus", "host mapping: SIGBUS; read(2): %s",
		  strerror(-ret));
	return 0;
}

static int wait_desc(struct tvmm *t, struct ring *ring, uint32_t number,
		     uint32_t *status)
{
	uint64_t start = now_us();

	while ((*status = ring_status(ring, number)) == TEEMU_DESC_PENDING)
		if (now_us() - start > TIMEOUT_US)
			return report_failed(t, "shared", -ETIMEDOUT,
					     "descriptor %u is not done, head %u tail %u",
					     number,
					     ring_read(ring, TEEMU_REG_HEAD),
					     ring_read(ring, TEEMU_REG_TAIL));
	return 0;
}

/* T=0 copies through the iommufd domain, window to window */
static int copy_test(struct tvmm *t, struct ring *ring)
{
	uint8_t *src = t->mem.shared + TVM_WINDOW_GPA, *dst = src + HALF;
	uint32_t len = HALF / PARTS, number[PARTS], status;
	int i, ret;

	ring_pattern(src, HALF, t->opt.seed + 1);
	memset(dst, 0, HALF);
	for (i = 0; i < PARTS; i++)
		number[i] = ring_post(ring, TEEMU_OP_COPY, 0,
				      TVM_WINDOW_GPA + i * len,
				      TVM_WINDOW_GPA + HALF + i * len, len);
	for (i = 0; i < PARTS; i++) {
		ret = wait_desc(t, ring, number[i], &status);
		if (ret)
			return ret;
		if (status != TEEMU_DESC_DONE)
			return report_failed(t, "shared", -EIO,
					     "copy T=0: expected done, saw status %u",
					     status);
		if (ring_desc(ring, number[i])->result !=
		    ring_checksum(src + i * len, len))
			return report_failed(t, "shared", -EIO,
					     "copy T=0: checksum differs");
	}
	if (memcmp(src, dst, HALF))
		return report_failed(t, "shared", -EIO,
				     "copy T=0: destination differs");
	return 0;
}

/* an unlocked TDI may not send T=1 */
static int border_test(struct tvmm *t, struct ring *ring)
{
	uint32_t number, status;
	int ret;

	number = ring_post(ring, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, 0,
			   TVM_VICTIM_GPA, 4096);
	ret = wait_desc(t, ring, number, &status);
	if (ret)
		return ret;
	if (status != TEEMU_DESC_BLOCKED && status != TEEMU_DESC_FAULT)
		return report_failed(t, "shared", -EIO,
				     "T=1 from an unlocked TDI: expected blocked, saw status %u",
				     status);
	return 0;
}

int shared_use(struct tvmm *t)
{
	struct ring ring = { .bar0 = t->device.bar0 };
	uint32_t id;
	int ret;

	if (touch(t, TEEMU_REG_ID, &id) || id != TEEMU_ID)
		return report_failed(t, "shared", -EIO,
				     "host touch after unbind: expected %#x, saw SIGBUS or another id",
				     TEEMU_ID);
	ret = tdi_device_enable(t->device.dev, TDI_COMMAND_MEMORY |
					       TDI_COMMAND_MASTER);
	if (ret)
		return report_failed(t, "shared", ret, "PCI command register: %s",
				     strerror(-ret));
	if (ring_stop(&ring, 10000000))
		return report_failed(t, "shared", -EIO, "engine does not stop");
	ring_start(&ring, t->device.bar0);
	ret = copy_test(t, &ring) ?: border_test(t, &ring);
	if (ret)
		return ret;
	if (ring_stop(&ring, 10000000))
		return report_failed(t, "shared", -EIO, "engine does not stop");
	report_ok(t, "shared",
		  "same mapping works again, %llu KiB copied with T=0, T=1 blocked",
		  HALF >> 10);
	return 0;
}
