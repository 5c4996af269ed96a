// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's calls. Header and data are copied out of the mailbox once and
 * checked; a call that is not understood is answered -EINVAL, not obeyed.
 */
#include <errno.h>
#include <string.h>

#include "tvmm.h"

static int call_log(struct tvmm *t, struct tvm_mbox *call)
{
	report_note(t, "guest: %.*s", (int)call->in_len, (char *)call->data);
	return 0;
}

static int call_tsm(struct tvmm *t, struct tvm_mbox *call)
{
	uint8_t resp[TVM_MBOX_DATA];
	struct tdi_request req = {
		.op = call->arg[0],
		.arch = t->opt.arch,
		.req = call->data,
		.req_len = call->in_len,
		.resp = resp,
		.resp_len = call->out_cap,
	};

	if (call->arg[0] > UINT32_MAX) {
		call->result = -EINVAL;
		return 0;
	}
	call->result = device_request(t, &req);
	call->tsm_code = req.tsm_code;
	if (!call->result) {
		call->out_len = req.resp_len;
		memcpy(call->data, resp, req.resp_len);
	}
	return 0;
}

static int call_bind(struct tvmm *t, struct tvm_mbox *call)
{
	call->result = device_bind(t);
	return 0;
}

static int call_unbind(struct tvmm *t, struct tvm_mbox *call)
{
	call->result = device_unbind(t);
	return call->result ? 0 : shared_use(t);
}

static int mark_use_end(struct tvmm *t, uint64_t number)
{
	uint64_t exits = t->vcpu.use_exits - t->vcpu.in_use;

	t->vcpu.in_use = false;
	report_value(t, "exits", exits);
	if (exits)
		return report_failed(t, "use", -EIO,
				     "exits during MMIO: expected 0, saw %llu",
				     (unsigned long long)exits);
	report_ok(t, "use",
		  "%llu KiB copied with T=1 and verified, borders held, 0 exits",
		  (unsigned long long)number >> 10);
	return shared_refused(t);
}

static int call_mark(struct tvmm *t, struct tvm_mbox *call)
{
	unsigned long long number = call->arg[1];

	switch (call->arg[0]) {
	case TVM_MARK_BOOTED:
		report_ok(t, "boot", "guest runs from private memory, %llu bytes",
			  number);
		return 0;
	case TVM_MARK_PROBED:
		report_ok(t, "probe",
			  "MMIO that is not validated: %llu touches, %llu memory faults so far",
			  number, (unsigned long long)t->vcpu.probes);
		return 0;
	case TVM_MARK_ATTESTED:
		report_ok(t, "attest", "certificates of %llu bytes validated",
			  number);
		return 0;
	case TVM_MARK_REPORT:
		report_ok(t, "report", "interface report of %llu bytes is as expected",
			  number);
		return 0;
	case TVM_MARK_MMIO:
		report_ok(t, "mmio", "%llu pages accepted", number);
		return 0;
	case TVM_MARK_DMA:
		report_ok(t, "dma", "trusted DMA accepted");
		return 0;
	case TVM_MARK_RUN:
		report_ok(t, "run", "TDI in RUN");
		return 0;
	case TVM_MARK_ACCEPTED:
		report_ok(t, "accept", "in the order of its architecture");
		return 0;
	case TVM_MARK_LEFT:
		report_ok(t, "leave", "%llu steps that its architecture wants before an unbind",
			  number);
		return 0;
	case TVM_MARK_USE_BEGIN:
		t->vcpu.in_use = true;
		t->vcpu.use_exits = 0;
		return 0;
	case TVM_MARK_USE_END:
		return mark_use_end(t, number);
	case TVM_MARK_BEAT:
		report_value(t, "beat", number);
		return 0;
	default:
		call->result = -EINVAL;
		return 0;
	}
}

static int call_probe(struct tvmm *t, struct tvm_mbox *call)
{
	if (call->arg[0] >= 1ULL << 32) {
		call->result = -EINVAL;
		return 0;
	}
	t->vcpu.probing = true;
	t->vcpu.probe_rip = call->arg[0];
	t->vcpu.probe_gpa = call->arg[1];
	return 0;
}

static int call_exit(struct tvmm *t, struct tvm_mbox *call)
{
	t->vcpu.done = true;
	t->vcpu.verdict = call->arg[0] == TVM_VERDICT_OK ? 0 : -EBADE;
	if (t->vcpu.verdict)
		return report_failed(t, "guest", t->vcpu.verdict, "%.*s",
				     (int)call->in_len, (char *)call->data);
	return 0;
}

static int (*const calls[])(struct tvmm *t, struct tvm_mbox *call) = {
	[TVM_CALL_LOG] = call_log,
	[TVM_CALL_TSM] = call_tsm,
	[TVM_CALL_BIND] = call_bind,
	[TVM_CALL_UNBIND] = call_unbind,
	[TVM_CALL_MARK] = call_mark,
	[TVM_CALL_PROBE] = call_probe,
	[TVM_CALL_EXIT] = call_exit,
};

int hypercall(struct tvmm *t, uint32_t number)
{
	struct tvm_mbox *mbox = (void *)(t->mem.shared + TVM_MBOX_GPA);
	struct tvm_mbox call;
	int ret;

	memcpy(&call, mbox, offsetof(struct tvm_mbox, data));
	/* any call but PROBE ends what the last PROBE has armed */
	t->vcpu.probing = false;
	call.out_len = 0;
	call.result = 0;
	call.tsm_code = 0;
	if (number >= sizeof(calls) / sizeof(calls[0]) || !calls[number] ||
	    call.in_len > TVM_MBOX_DATA ||
	    call.out_cap > TVM_MBOX_DATA || call.pad) {
		mbox->result = -EINVAL;
		return 0;
	}
	memcpy(call.data, mbox->data, call.in_len);
	ret = calls[number](t, &call);
	memcpy(mbox->data, call.data, call.out_len);
	mbox->out_len = call.out_len;
	mbox->tsm_code = call.tsm_code;
	mbox->result = call.result;
	events_print(t);
	return ret;
}
