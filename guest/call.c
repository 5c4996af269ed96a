// SPDX-License-Identifier: GPL-2.0-only
/* calls to the VMM, which is not trusted: every length it answers is checked */
#include "guest.h"

#define EPROTO	71

int probe_read(uint64_t gpa);
extern const char probe_landing[];

static struct tvm_mbox *this_mbox(void)
{
	return (struct tvm_mbox *)TVM_MBOX_GPA(this_cpu());
}

/* one call; the mailbox's data is as the caller filled it */
static int64_t call(enum tvm_call number, const struct device *dev, uint64_t arg0,
		    uint64_t arg1, uint32_t in_len, uint32_t out_cap)
{
	struct tvm_mbox *mbox = this_mbox();

	mbox->arg[0] = arg0;
	mbox->arg[1] = arg1;
	mbox->in_len = in_len;
	mbox->out_cap = out_cap;
	mbox->out_len = 0;
	mbox->device = dev ? dev->index : 0;
	mbox->result = -EPROTO;
	mbox->tsm_code = 0;
	platform_call(number);
	return *(volatile __s64 *)&mbox->result;
}

int64_t call_tsm(const struct device *dev, uint32_t op, const void *req,
		 size_t req_len, void *resp, size_t *resp_len, uint64_t *tsm_code)
{
	struct tvm_mbox *mbox = this_mbox();
	uint32_t got, cap = resp_len ? *resp_len : 0;
	int64_t ret;

	if (req_len > TVM_MBOX_DATA || cap > TVM_MBOX_DATA)
		return -EPROTO;
	memcpy(mbox->data, req, req_len);
	ret = call(TVM_CALL_TSM, dev, op, 0, req_len, cap);
	got = *(volatile __u32 *)&mbox->out_len;
	*tsm_code = mbox->tsm_code;
	if (got > cap)
		return -EPROTO;
	if (resp_len) {
		memcpy(resp, mbox->data, got);
		*resp_len = got;
	}
	return ret;
}

int64_t call_bind(const struct device *dev)
{
	return call(TVM_CALL_BIND, dev, 0, 0, 0, 0);
}

int64_t call_unbind(const struct device *dev)
{
	return call(TVM_CALL_UNBIND, dev, 0, 0, 0, 0);
}

void call_mark(const struct device *dev, enum tvm_mark mark, uint64_t number)
{
	call(TVM_CALL_MARK, dev, mark, number, 0, 0);
}

bool call_probe(uint64_t gpa)
{
	if (call(TVM_CALL_PROBE, NULL, (uintptr_t)probe_landing, gpa, 0, 0))
		return false;
	return probe_read(gpa);
}

void call_log(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(this_mbox()->data, text, strlen(text));
	call(TVM_CALL_LOG, NULL, 0, 0, strlen(text), 0);
}

void call_yield(void)
{
	call(TVM_CALL_YIELD, NULL, 0, 0, 0, 0);
}

static void __attribute__((noreturn)) call_exit(enum tvm_verdict verdict,
						const char *text)
{
	size_t len = strlen(text);

	memcpy(this_mbox()->data, text, len);
	for (;;)
		call(TVM_CALL_EXIT, NULL, verdict, 0, len, 0);
}

void call_exit_failed(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	call_exit(TVM_VERDICT_FAILED, text);
}

void call_exit_ok(void)
{
	call_exit(TVM_VERDICT_OK, "");
}
