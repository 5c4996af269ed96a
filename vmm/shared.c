// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device in the host's own hands, through tvmm's mapping of BAR 0: out of reach
 * while the TDI is bound, and as good as ever before that and after it was unbound.
 *
 * Whoever calls holds the lock or is alone, so there is one SIGBUS to wait for at most.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include <linux/teemu.h>

#include "../guest/ring.h"
#include "tvmm.h"

#define HALF		(TVM_WINDOW_PART / 2)
#define PARTS		4
#define TIMEOUT_US	30000000ULL

static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	(void)sig;
	siglongjmp(bus_error, 1);
}

/* read a register through the host's mapping: 0, or -EFAULT if it is SIGBUS */
static int touch(struct device *d, uint32_t reg, uint32_t *value)
{
	struct sigaction action = { .sa_handler = on_bus_error }, old;
	int ret = 0;

	sigaction(SIGBUS, &action, &old);
	if (sigsetjmp(bus_error, 1))
		ret = -EFAULT;
	else
		*value = *(volatile uint32_t *)((char *)d->bar0 + reg);
	sigaction(SIGBUS, &old, NULL);
	return ret;
}

int shared_refused(struct device *d)
{
	char buf[TDI_BDF_MAX + 2];
	uint32_t value;
	int ret;

	if (!touch(d, TEEMU_REG_ID, &value))
		return report_failed(d->t, "sigbus", -EIO,
				     "%s: host touch of a bound BAR: expected SIGBUS, read %#x",
				     d->bdf, value);
	ret = tdi_device_bar_read(d->dev, TEEMU_BAR_REGS, TEEMU_REG_ID,
				  &value, sizeof(value));
	if (!ret)
		return report_failed(d->t, "sigbus", -EIO,
				     "%s: read(2) of a bound BAR: expected an error, read %#x",
				     d->bdf, value);
	report_ok(d->t, "sigbus", "%shost mapping: SIGBUS; read(2): %s",
		  report_about(d, buf), strerror(-ret));
	return 0;
}

/* @what is wrong with the device as a shared one */
static int failed(struct device *d, int ret, const char *what)
{
	return report_failed(d->t, "shared", ret, "%s: %s", d->bdf, what);
}

static int wait_desc(struct device *d, struct ring *ring, uint32_t number,
		     uint32_t *status)
{
	uint64_t start = now_us();

	while ((*status = ring_status(ring, number)) == TEEMU_DESC_PENDING)
		if (now_us() - start > TIMEOUT_US)
			return report_failed(d->t, "shared", -ETIMEDOUT,
					     "%s: descriptor %u is not done in %llu s, head %u tail %u",
					     d->bdf, number, TIMEOUT_US / 1000000,
					     ring_read(ring, TEEMU_REG_HEAD),
					     ring_read(ring, TEEMU_REG_TAIL));
	return 0;
}

/* T=0 copies through the iommufd domain, within the device's part of the window */
static int copy_test(struct device *d, struct ring *ring)
{
	uint64_t gpa = TVM_DEVICE_WINDOW(d->index);
	uint8_t *src = d->t->mem.shared + gpa, *dst = src + HALF;
	uint32_t len = HALF / PARTS, number[PARTS], status;
	int i, ret;

	ring_pattern(src, HALF, d->t->opt.seed + 1 + d->index);
	memset(dst, 0, HALF);
	for (i = 0; i < PARTS; i++)
		number[i] = ring_post(ring, TEEMU_OP_COPY, 0, gpa + i * len,
				      gpa + HALF + i * len, len);
	for (i = 0; i < PARTS; i++) {
		ret = wait_desc(d, ring, number[i], &status);
		if (ret)
			return ret;
		if (status != TEEMU_DESC_DONE)
			return report_failed(d->t, "shared", -EIO,
					     "%s: copy T=0: expected done, saw status %u",
					     d->bdf, status);
		if (ring_desc(ring, number[i])->result !=
		    ring_checksum(src + i * len, len))
			return failed(d, -EIO, "copy T=0: checksum differs");
	}
	if (memcmp(src, dst, HALF))
		return failed(d, -EIO, "copy T=0: destination differs");
	return 0;
}

/* an unlocked TDI may not send T=1 */
static int border_test(struct device *d, struct ring *ring)
{
	uint32_t number, status;
	int ret;

	number = ring_post(ring, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T, 0,
			   TVM_WORK_GPA, 4096);
	ret = wait_desc(d, ring, number, &status);
	if (ret)
		return ret;
	if (status != TEEMU_DESC_BLOCKED && status != TEEMU_DESC_FAULT)
		return report_failed(d->t, "shared", -EIO,
				     "%s: T=1 from an unlocked TDI: expected blocked, saw status %u",
				     d->bdf, status);
	return 0;
}

int shared_use(struct device *d)
{
	struct ring ring = { .bar0 = d->bar0 };
	char buf[TDI_BDF_MAX + 2];
	uint32_t id;
	int ret;

	if (touch(d, TEEMU_REG_ID, &id) || id != TEEMU_ID)
		return report_failed(d->t, "shared", -EIO,
				     "%s: host touch of an unbound BAR: expected %#x, saw SIGBUS or another id",
				     d->bdf, TEEMU_ID);
	ret = tdi_device_enable(d->dev, TDI_COMMAND_MEMORY | TDI_COMMAND_MASTER);
	if (ret)
		return report_failed(d->t, "shared", ret,
				     "%s: PCI command register: %s", d->bdf,
				     strerror(-ret));
	if (ring_stop(&ring, 10000000))
		return failed(d, -EIO, "engine does not stop");
	ring_start(&ring, d->bar0);
	ret = copy_test(d, &ring) ?: border_test(d, &ring);
	if (ret)
		return ret;
	if (ring_stop(&ring, 10000000))
		return failed(d, -EIO, "engine does not stop");
	report_ok(d->t, "shared",
		  "%shost mapping works, %llu KiB copied with T=0, T=1 blocked",
		  report_about(d, buf), HALF >> 10);
	return 0;
}
