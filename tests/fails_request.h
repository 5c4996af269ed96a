/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The requests that a TVM makes, each at the place in its life where it is made: the
 * steps before it are gone, it is taken before it is sent, and sent by the sweep as
 * often as it needs.
 */
#ifndef TEST_FAILS_REQUEST_H
#define TEST_FAILS_REQUEST_H

#include "fails_life.h"

#define REQUEST_KINDS	16

/* by attest::what, in the order in which they are made first */
static const char *request_names[REQUEST_KINDS];
static unsigned int request_nr;

/* what no guest here asks for by itself */
#define MEASUREMENTS	"READ_MEASUREMENTS"

static void request_name(const char *what)
{
	unsigned int i;

	for (i = 0; i < request_nr; i++)
		if (!strcmp(request_names[i], what))
			return;
	if (request_nr < REQUEST_KINDS)
		request_names[request_nr++] = what;
}

static struct run *request_run;
static struct attest *request_attest;

/* sends it, unless it is the one that is looked for */
static int64_t request_taken(void *ctx, uint32_t op, const void *req,
			     size_t req_len, void *resp, size_t *resp_len,
			     uint64_t *code)
{
	struct run *r = request_run;

	if (!r->saved.what) {
		request_name(request_attest->what);
	} else if (!strcmp(r->saved.what, request_attest->what)) {
		r->saved.op = op;
		memcpy(r->saved.req, req, req_len);
		r->saved.req_len = req_len;
		r->saved.resp_len = resp_len ? *resp_len : 0;
		r->saved.taken = true;
		return -ECANCELED;
	}
	return fn_request(ctx, op, req, req_len, resp, resp_len, code);
}

/* the steps of @order, until the request is met */
static int request_steps(struct run *r, const enum attest_step *order)
{
	struct attest *a = fn_attest(r->fn);
	int ret = 0;

	request_run = r;
	request_attest = a;
	a->request = request_taken;
	for (; !ret && *order != ATTEST_END; order++) {
		ret = attest_step(a, *order);
		if (!ret && *order == ATTEST_START)
			ret = walk(&r->walk, MODEL_REQ_START, 0);
		if (!ret && *order == ATTEST_STOP)
			ret = walk(&r->walk, MODEL_REQ_STOP, 0);
	}
	return r->saved.taken ? 0 : ret;
}

/* a whole life, by whose requests the sweeps are: how many kinds */
static int request_kinds(struct run *r)
{
	int ret;

	r->saved.what = NULL;
	r->saved.taken = false;
	request_nr = 0;
	ret = failed(life_bind(r), "bind") ?:
	      request_steps(r, world.tvm->accept) ?:
	      request_steps(r, world.tvm->leave) ?:
	      failed(life_unbind(r), "unbind");
	request_name(MEASUREMENTS);
	return failed(ret, "a life's requests") ?: (int)request_nr;
}

static void request_measurements(struct run *r)
{
	r->saved.op = IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS;
	memset(r->saved.req, 0, sizeof(struct attest_read));
	r->saved.req_len = sizeof(struct attest_read);
	r->saved.resp_len = 2048;
	r->saved.taken = true;
}

/* the state, as the device has it */
static int request_state(struct run *r, char text[32])
{
	static const char *const any[] = {
		"CONFIG_UNLOCKED", "CONFIG_LOCKED", "RUN", "ERROR", NULL
	};

	return tdi_is_one_of(r->fn->nr, any, text) ? 0 : -EIO;
}

static int request_ready(struct run *r)
{
	int ret;

	if (r->there)
		return 0;
	r->saved.taken = false;
	ret = failed(life_unbind(r), "unbind") ?: to_unlocked(r) ?:
	      is_as_before(r) ?: failed(life_bind(r), "bind");
	if (!ret && !strcmp(r->saved.what, MEASUREMENTS))
		request_measurements(r);
	if (!ret && !r->saved.taken)
		ret = request_steps(r, world.tvm->accept);
	if (!ret && !r->saved.taken)
		ret = request_steps(r, world.tvm->leave);
	if (!ret && !r->saved.taken)
		ret = -ENODATA;
	ret = failed(ret, "on the way to %s", r->saved.what) ?:
	      request_state(r, r->saved.tdi);
	r->there = !ret;
	return ret;
}

static int request_call(struct run *r)
{
	static uint8_t resp[IOMMU_VDEVICE_TSM_RESP_MAX];
	struct iommu_vdevice_tsm_req req = {
		.size = sizeof(req),
		.vdevice_id = r->fn->vdevice_id,
		.op = r->saved.op,
		.tvm_arch = world.tvm->arch,
		.req_len = r->saved.req_len,
		.resp_len = r->saved.resp_len,
		.req_uptr = (uintptr_t)r->saved.req,
		.resp_uptr = (uintptr_t)resp,
	};
	int err;

	r->began_ms = now_ms();
	err = raw_req(r->fn, &req);
	r->saved.code = req.out_tsm_code;
	return err;
}

static int request_told(struct run *r, const struct fail *f, int err)
{
	int answer = err ? -err : r->saved.code ? MODEL_REFUSED : 0;
	enum model_op op = MODEL_REQ_OTHER;

	r->walk.fail = f;
	switch (r->saved.op) {
	case IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO:
		op = MODEL_REQ_MMIO;
		break;
	case IOMMU_VDEVICE_TSM_REQ_READ_REPORT:
	case IOMMU_VDEVICE_TSM_REQ_READ_CERTS:
		op = MODEL_REQ_READ;
		break;
	case IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS:
		/* this device has none, and each firmware has its word for that */
		return 0;
	case IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE:
		op = strstr(r->saved.what, "STOP") ? MODEL_REQ_STOP :
						     MODEL_REQ_START;
		break;
	}
	return walk(&r->walk, op, answer);
}

static bool request_only_reads(const struct run *r)
{
	return r->saved.op == IOMMU_VDEVICE_TSM_REQ_READ_REPORT ||
	       r->saved.op == IOMMU_VDEVICE_TSM_REQ_READ_CERTS ||
	       r->saved.op == IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS ||
	       !strcmp(r->saved.what, "TDI_INFO") ||
	       !strcmp(r->saved.what, "GET_INFO");
}

/* what a request that meets nothing answers */
static bool request_is_good(const struct run *r, int err)
{
	if (strcmp(r->saved.what, MEASUREMENTS))
		return !err && !r->saved.code;
	return err == (!strcmp(world.vendor->name, "tdx") ? EOPNOTSUPP :
		       !strcmp(world.vendor->name, "sev") ? EIO : 0);
}

/* "Guest requests" of uapi.md, and the kdoc of IOMMU_VDEVICE_TSM_REQ */
static bool request_may_say(const struct run *r, const struct fail *f, int err)
{
	if (request_is_good(r, err))
		/* an answer without its copy is none, but for one of no bytes */
		return !fail_is_copy(f) || !r->saved.resp_len ||
		       !strcmp(r->saved.what, MEASUREMENTS);
	return fail_explains(f, err);
}

/* it is sent again, and nothing fails: done now, or firmware says that it was done */
static int request_again(struct run *r, const struct fail *f)
{
	int err = request_call(r);

	/* what it has cost the TDI is not over */
	if (request_told(r, f, err))
		return -EUCLEAN;
	if (request_is_good(r, err))
		return 0;
	if (!err || err == EIO || err == ETIMEDOUT || err == EBADMSG)
		return 1;
	return failed(-err, "%s again", r->saved.what);
}

/* where the device may be after it, or after nothing of it */
static int request_left_known(struct run *r, const struct fail *f)
{
	const char *was = r->saved.tdi, *run = was, *locked = was;
	bool stop = strstr(r->saved.what, "STOP");

	if (r->saved.op == IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE)
		run = stop ? "CONFIG_UNLOCKED" : "RUN";
	/* a device that is not understood is given up */
	if (f->kind != FAIL_NONE && !fail_is_memory(f) && f->kind != FAIL_SLOW)
		locked = "ERROR";
	return is_in(r, "bound", STATES(was, run, locked));
}

/*
 * A TDI that firmware or device has been found to be lost with is told as fallen, and
 * is of no more use: the model hears of the fall. Nothing else is told unasked.
 */
static int request_events(struct run *r, const struct fail *f)
{
	int type, ret = 0;

	while (!ret && (type = fn_event(r->fn, 0)) > 0) {
		r->there = false;
		if (type == TDI_EVENT_ERROR && f->hit && !fail_is_memory(f))
			ret = walk(&r->walk, MODEL_FALL, 0);
		ret = ret ?: walk(&r->walk, MODEL_EVENT, type);
		if (type != TDI_EVENT_ERROR || !f->hit || fail_is_memory(f))
			ret = failed(-EUCLEAN, "event %d for nothing", type);
	}
	return ret;
}

static int request_after(struct run *r, const struct fail *f, int err)
{
	int ret = is_in_time(r, 10000, r->saved.what), again = 0;
	bool good = request_is_good(r, err);

	if (!request_may_say(r, f, err))
		ret = -EBADE;
	ret = request_left_known(r, f) ?: ret;
	if (!good) {
		again = request_again(r, f);
		/* nothing was sent, or it was read only: it can be repeated */
		if (again < 0 || (again && fail_is_memory(f) &&
				  (!fail_is_copy(f) || request_only_reads(r))))
			ret = failed(-EUCLEAN, "%s cannot be repeated: %#llx",
				     r->saved.what,
				     (unsigned long long)r->saved.code);
		ret = request_left_known(r, f) ?: ret;
	}
	/* once carried out, it is not made again in this life */
	r->there = request_only_reads(r) && !again && fail_is_memory(f);
	return request_events(r, f) ?: ret;
}

#endif /* TEST_FAILS_REQUEST_H */
