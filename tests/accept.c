// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a TVM asks for about its TDI, sent in its name: a VMM may pass on whatever
 * it likes, so no vCPU is needed for it. The requests and their order are those of
 * the payload, guest/attest*.c.
 */
#include <errno.h>
#include <string.h>

#include "world.h"

/* one for each function; a TVM that is new forgets it with its first report */
static struct attest states[MAX_FNS];

static int64_t request(void *ctx, uint32_t op, const void *req, size_t req_len,
		       void *resp, size_t *resp_len, uint64_t *code)
{
	return fn_request(ctx, op, req, req_len, resp, resp_len, code);
}

struct attest *fn_attest(struct fn *fn)
{
	struct attest *a = &states[fn->nr];

	a->vendor = world.tvm;
	a->request = request;
	a->ctx = fn;
	a->area[0] = (struct attest_mmio) {
		.gpa = fn_bar_gpa(fn, TEEMU_BAR_REGS), .bar = TEEMU_BAR_REGS,
		.pages = FN_BAR0_PAGES,
	};
	a->area[1] = (struct attest_mmio) {
		.gpa = fn_bar_gpa(fn, TEEMU_BAR_MEM), .bar = TEEMU_BAR_MEM,
		.pages = FN_BAR2_PAGES,
	};
	a->nr_areas = 2;
	return a;
}

/* says what went wrong */
static int told(const struct attest *a, int ret)
{
	if (ret)
		note("%s, %#llx: looked for %#llx, saw %#llx", a->what,
		     (unsigned long long)a->where,
		     (unsigned long long)a->expected,
		     (unsigned long long)a->seen);
	return failed(ret, "%s", a->what);
}

static int step(struct fn *fn, enum attest_step step)
{
	struct attest *a = fn_attest(fn);

	return told(a, attest_step(a, step));
}

int fn_validate(struct fn *fn)
{
	return step(fn, ATTEST_CERTS);
}

int fn_read_report(struct fn *fn)
{
	return step(fn, ATTEST_REPORT);
}

int fn_accept_mmio(struct fn *fn, unsigned int bar, unsigned int first,
		   unsigned int nr)
{
	struct attest *a = fn_attest(fn);
	struct attest_mmio m = {
		.gpa = fn_bar_gpa(fn, bar) + first * PAGE,
		.bar = bar,
		.first = first,
		.pages = nr,
	};

	return told(a, attest_mmio(a, &m, true));
}

int fn_accept_page(struct fn *fn, uint64_t gpa, unsigned int bar,
		   unsigned int page, uint64_t *code)
{
	struct attest *a = fn_attest(fn);
	struct attest_mmio m = {
		.gpa = gpa, .bar = bar, .first = page, .pages = 1,
	};
	int ret = attest_mmio(a, &m, true);

	*code = ret == ATTEST_REFUSED ? a->seen : 0;
	return ret == ATTEST_REFUSED ? 0 : ret;
}

int fn_accept_bars(struct fn *fn)
{
	return step(fn, ATTEST_MMIO);
}

int fn_accept_dma(struct fn *fn)
{
	return step(fn, ATTEST_DMA);
}

int fn_start(struct fn *fn)
{
	return step(fn, ATTEST_START);
}

/* the architecture's order, up to @end, without @left_out */
static int steps(struct fn *fn, enum attest_step end, enum attest_step left_out)
{
	const enum attest_step *s;
	int ret = 0;

	for (s = world.tvm->accept; !ret && *s != ATTEST_END && *s != end; s++)
		if (*s != left_out)
			ret = step(fn, *s);
	return ret;
}

int fn_run(struct fn *fn)
{
	return steps(fn, ATTEST_END, ATTEST_END);
}

int fn_run_until(struct fn *fn, enum attest_step step)
{
	return steps(fn, step, ATTEST_END);
}

int fn_run_without(struct fn *fn, enum attest_step step)
{
	return steps(fn, ATTEST_END, step);
}

bool tvm_does_before(enum attest_step a, enum attest_step b)
{
	const enum attest_step *s = world.tvm->accept;

	while (*s != ATTEST_END && *s != a && *s != b)
		s++;
	return *s == a;
}
