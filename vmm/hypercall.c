// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's calls. Header and data are copied out of the vCPU's mailbox once and
 * checked; a call that is not understood is answered -EINVAL, not obeyed.
 */
#include <errno.h>
#include <string.h>

#include "tvmm.h"

#define NO_DEVICE	0x1	/* a call that is about no device */

/* what a call of vCPU @v with the header and data @m is about: NULL if about no device */
struct call {
	struct vcpu *v;
	struct device *d;
	struct tvm_mbox m;
};

static int call_log(struct call *c)
{
	report_note(c->v->t, "guest: %.*s", (int)c->m.in_len, (char *)c->m.data);
	return 0;
}

static int call_tsm(struct call *c)
{
	uint8_t resp[TVM_MBOX_DATA];
	struct tdi_request req = {
		.op = c->m.arg[0],
		.arch = c->v->t->opt.arch,
		.req = c->m.data,
		.req_len = c->m.in_len,
		.resp = resp,
		.resp_len = c->m.out_cap,
	};
	int ret = 0;

	if (c->m.arg[0] > UINT32_MAX) {
		c->m.result = -EINVAL;
		return 0;
	}
	c->m.result = device_request(c->d, &req);
	c->m.tsm_code = req.tsm_code;
	if (!c->m.result) {
		ret = record_answer(c->d, &req);
		c->m.out_len = req.resp_len;
		memcpy(c->m.data, resp, req.resp_len);
	}
	return ret;
}

static int call_bind(struct call *c)
{
	c->m.result = device_bind(c->d);
	return 0;
}

static int call_unbind(struct call *c)
{
	c->m.result = device_unbind(c->d);
	return c->m.result ? 0 : shared_use(c->d);
}

static int mark_use_end(struct call *c, const char *about)
{
	struct vcpu *v = c->v;
	uint64_t exits;

	/* the end of what has not begun says nothing about exits */
	if (!v->in_use || v->used != c->d) {
		c->m.result = -EINVAL;
		return 0;
	}
	/* but the call that ends it */
	exits = v->use_exits - 1;
	v->in_use = false;
	report_value(v->t, "exits", exits);
	if (exits)
		return report_failed(v->t, "use", -EIO,
				     "%sexits during MMIO: expected 0, saw %llu",
				     about, (unsigned long long)exits);
	report_ok(v->t, "use",
		  "%s%llu KiB copied with T=1 and verified, borders held, 0 exits",
		  about, (unsigned long long)c->m.arg[1] >> 10);
	return shared_refused(c->d);
}

/* of a vCPU, whatever its device */
static int mark_vcpu(struct call *c)
{
	unsigned long long number = c->m.arg[1];
	struct vcpu *v = c->v;

	switch (c->m.arg[0]) {
	case TVM_MARK_BOOTED:
		if (v->index)
			report_ok(v->t, "boot", "vCPU %u joins it", v->index);
		else
			report_ok(v->t, "boot",
				  "guest runs from private memory, %llu bytes",
				  number);
		return 0;
	case TVM_MARK_LINUX:
		v->t->boot.up = true;
		report_ok(v->t, "linux",
			  "its first program calls %llu ms after its first instruction, %llu exits; %llu TDIs on its bus",
			  (unsigned long long)(now_us() - v->t->boot.entered_us) / 1000,
			  (unsigned long long)v->exits, number);
		return 0;
	case TVM_MARK_BEAT:
		report_value(v->t, "beat", number);
		return 0;
	case TVM_MARK_BESIDE:
		report_ok(v->t, "beside",
			  "vCPU %u: %llu rounds on device memory while another vCPU used the device",
			  v->index, number);
		report_value(v->t, "beside", number);
		return 0;
	default:
		c->m.result = -EINVAL;
		return 0;
	}
}

/* of a device */
static int mark_device(struct call *c)
{
	unsigned long long number = c->m.arg[1];
	char buf[TDI_BDF_MAX + 2];
	const char *about = report_about(c->d, buf);
	struct tvmm *t = c->v->t;

	switch (c->m.arg[0]) {
	case TVM_MARK_PROBED:
		report_ok(t, "probe",
			  "%sMMIO that is not validated: %llu touches, %llu memory faults so far",
			  about, number, (unsigned long long)c->v->probes);
		return 0;
	case TVM_MARK_ATTESTED:
		report_ok(t, "attest", "%scertificates of %llu bytes validated",
			  about, number);
		return 0;
	case TVM_MARK_REPORT:
		report_ok(t, "report",
			  "%sinterface report of %llu bytes is as expected",
			  about, number);
		return 0;
	case TVM_MARK_MMIO:
		report_ok(t, "mmio", "%s%llu pages accepted", about, number);
		return 0;
	case TVM_MARK_DMA:
		report_ok(t, "dma", "%strusted DMA accepted", about);
		return 0;
	case TVM_MARK_RUN:
		report_ok(t, "run", "%sTDI in RUN", about);
		return 0;
	case TVM_MARK_ACCEPTED:
		report_ok(t, "accept", "%sin the order of its architecture", about);
		return 0;
	case TVM_MARK_LEFT:
		report_ok(t, "leave",
			  "%s%llu steps that its architecture wants before an unbind",
			  about, number);
		return 0;
	case TVM_MARK_USE_BEGIN:
		c->v->in_use = true;
		c->v->used = c->d;
		c->v->use_exits = 0;
		return 0;
	case TVM_MARK_USE_END:
		return mark_use_end(c, about);
	default:
		return mark_vcpu(c);
	}
}

static int call_mark(struct call *c)
{
	return c->d ? mark_device(c) : mark_vcpu(c);
}

static int call_probe(struct call *c)
{
	if (c->m.arg[0] >= 1ULL << 32) {
		c->m.result = -EINVAL;
		return 0;
	}
	c->v->probing = true;
	c->v->probe_rip = c->m.arg[0];
	c->v->probe_gpa = c->m.arg[1];
	return 0;
}

static int call_exit(struct call *c)
{
	c->v->done = true;
	if (c->m.arg[0] == TVM_VERDICT_OK)
		return 0;
	return report_failed(c->v->t, "guest", -EBADE, "%.*s",
			     (int)c->m.in_len, (char *)c->m.data);
}

static int call_yield(struct call *c)
{
	c->v->yields = true;
	return 0;
}

static const struct {
	int (*call)(struct call *c);
	unsigned int flags;
} calls[] = {
	[TVM_CALL_LOG] = { call_log, NO_DEVICE },
	[TVM_CALL_TSM] = { call_tsm },
	[TVM_CALL_BIND] = { call_bind },
	[TVM_CALL_UNBIND] = { call_unbind },
	[TVM_CALL_MARK] = { call_mark, NO_DEVICE },
	[TVM_CALL_PROBE] = { call_probe, NO_DEVICE },
	[TVM_CALL_EXIT] = { call_exit, NO_DEVICE },
	[TVM_CALL_YIELD] = { call_yield, NO_DEVICE },
};

/* which device it is about; false: there is no such device */
static bool find_device(struct tvmm *t, struct call *c, uint32_t number)
{
	if (c->m.device < t->opt.nr_devices) {
		c->d = &t->device[c->m.device];
		return true;
	}
	return !c->m.device && calls[number].flags & NO_DEVICE;
}

int hypercall(struct vcpu *v, uint32_t number)
{
	struct tvm_mbox *mbox = (void *)(v->t->mem.shared + TVM_MBOX_GPA(v->index));
	struct call c = { .v = v };
	int ret;

	memcpy(&c.m, mbox, offsetof(struct tvm_mbox, data));
	/* any call but PROBE ends what the last PROBE has armed */
	v->probing = false;
	c.m.out_len = 0;
	c.m.result = 0;
	c.m.tsm_code = 0;
	if (number >= sizeof(calls) / sizeof(calls[0]) || !calls[number].call ||
	    c.m.in_len > TVM_MBOX_DATA || c.m.out_cap > TVM_MBOX_DATA ||
	    !find_device(v->t, &c, number)) {
		mbox->result = -EINVAL;
		return 0;
	}
	memcpy(c.m.data, mbox->data, c.m.in_len);
	ret = calls[number].call(&c);
	memcpy(mbox->data, c.m.data, c.m.out_len);
	mbox->out_len = c.m.out_len;
	mbox->tsm_code = c.m.tsm_code;
	mbox->result = c.m.result;
	events_print(v->t);
	return ret;
}
