// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TDI on its way into the payload's hands and out of them, in the order of the
 * architecture that tvmm has named; see attest.h. What is not as it must be ends the
 * VM.
 */
#include "guest.h"

static int64_t request(void *ctx, uint32_t op, const void *req, size_t req_len,
		       void *resp, size_t *resp_len, uint64_t *code)
{
	return call_tsm(ctx, op, req, req_len, resp, resp_len, code);
}

static void begin(struct device *dev)
{
	struct attest *tdi = &dev->tdi;

	tdi->vendor = attest_vendor(boot.arch);
	tdi->request = request;
	tdi->ctx = dev;
	tdi->area[0] = (struct attest_mmio) {
		.gpa = TVM_BAR_GPA(dev->index, TEEMU_BAR_REGS),
		.bar = TEEMU_BAR_REGS,
		.pages = TEEMU_BAR_REGS_SIZE / PAGE_SIZE,
	};
	tdi->area[1] = (struct attest_mmio) {
		.gpa = TVM_BAR_GPA(dev->index, TEEMU_BAR_MEM),
		.bar = TEEMU_BAR_MEM,
		.pages = boot.bar2_pages[dev->index],
	};
	tdi->nr_areas = 2;
	if (!tdi->vendor)
		call_exit_failed("boot page: no guest of architecture %u",
				 (uint64_t)boot.arch);
}

static void step_must_hold(struct attest *tdi, enum attest_step step)
{
	int ret = attest_step(tdi, step);

	if (ret == ATTEST_LIE)
		call_exit_failed("%s: expected %x, saw %x", tdi->what,
				 tdi->expected, tdi->seen);
	if (ret == ATTEST_REFUSED)
		call_exit_failed("%s, %x: expected 0, saw status %x", tdi->what,
				 tdi->where, tdi->seen);
	if (ret)
		call_exit_failed("%s, %x: expected 0, saw errno %u status %x",
				 tdi->what, tdi->where, (uint64_t)-ret, tdi->seen);
}

static void mark(struct device *dev, enum attest_step step)
{
	const struct attest *tdi = &dev->tdi;

	switch (step) {
	case ATTEST_CERTS:
		call_mark(dev, TVM_MARK_ATTESTED, tdi->certs_len);
		break;
	case ATTEST_REPORT:
		call_mark(dev, TVM_MARK_REPORT, tdi->report_len);
		break;
	case ATTEST_MMIO:
		call_mark(dev, TVM_MARK_MMIO, tdi->area[0].pages +
					      (uint64_t)tdi->area[1].pages);
		break;
	case ATTEST_DMA:
		call_mark(dev, TVM_MARK_DMA, 0);
		break;
	case ATTEST_START:
		call_mark(dev, TVM_MARK_RUN, 0);
		break;
	default:
		break;
	}
}

void tdi_attest(struct device *dev)
{
	begin(dev);
	step_must_hold(&dev->tdi, ATTEST_CERTS);
	mark(dev, ATTEST_CERTS);
	step_must_hold(&dev->tdi, ATTEST_REPORT);
	mark(dev, ATTEST_REPORT);
}

void tdi_accept(struct device *dev)
{
	const enum attest_step *step;

	begin(dev);
	for (step = dev->tdi.vendor->accept; *step != ATTEST_END; step++) {
		step_must_hold(&dev->tdi, *step);
		mark(dev, *step);
	}
	call_mark(dev, TVM_MARK_ACCEPTED, 0);
}

void tdi_leave(struct device *dev)
{
	const enum attest_step *step;
	uint64_t steps = 0;

	for (step = dev->tdi.vendor->leave; *step != ATTEST_END; step++, steps++)
		step_must_hold(&dev->tdi, *step);
	if (steps)
		call_mark(dev, TVM_MARK_LEFT, steps);
}

void tdi_untouchable(struct device *dev)
{
	const uint64_t regs = TVM_BAR_GPA(dev->index, TEEMU_BAR_REGS);
	const uint64_t gpas[] = {
		regs, regs + TEEMU_BAR_REGS_SIZE - PAGE_SIZE,
		TVM_BAR_GPA(dev->index, TEEMU_BAR_MEM),
	};
	uint64_t i;

	for (i = 0; i < sizeof(gpas) / sizeof(gpas[0]); i++)
		if (!call_probe(gpas[i]))
			call_exit_failed("MMIO at %x: expected a memory fault, the read went through",
					 gpas[i]);
	call_mark(dev, TVM_MARK_PROBED, i);
}
