// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures of every call of a TDI's life: each allocation and each user copy of the
 * caller, each call that firmware refuses, once and for ever, each exchange with the
 * device that is lost, garbled or late. A bind fails clean or succeeds, a request
 * answers as documented, an unbind succeeds or quarantines; whatever it was, the next
 * life is as good as the first.
 *
 * Which failures there are is counted, not written down: a new allocation or call is
 * swept with the others. Here are bind, requests and unbind; what is around them is
 * failures_around.c.
 */
#include "fails_alloc.h"
#include "fails_life.h"
#include "fails_request.h"
#include "fixture.h"
#include "trail.h"

#define BIND_MS		10000	/* what an ioctl may hold its object for */

#define SWEEP_TEST(name)	TEST_F_TIMEOUT(tvm, name, PROVE_TIMEOUT)

static void begin(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		  struct run *r)
{
	trail_watches_off();
	/* a call that is refused may leave no way but to cut the stream */
	self->base.trace = false;
	ASSERT_EQ(0, run_begin(r, &self->vm, &self->fn));
}

/* ---- bind ---- */

static int bind_ready(struct run *r)
{
	r->began_ms = now_ms();
	return 0;
}

static int bind_call(struct run *r)
{
	r->began_ms = now_ms();
	return raw_bind(r->fn);
}

/* what uapi.md and the kdoc of IOMMU_VDEVICE_TSM_OP say that it can be */
static bool bind_may_say(const struct fail *f, int err)
{
	return err && fail_explains(f, err);
}

/* it could do without what failed: bound as ever */
static int bound_all_the_same(struct run *r, const struct fail *f)
{
	int ret;

	ret = fail_is_copy(f) ? failed(-EBADE, "a bind without its argument") : 0;
	ret = is_in(r, "bound", STATES("CONFIG_LOCKED")) ?: ret;
	ret = failed(life_unbind(r), "unbind") ?: ret;
	return ret ?: to_unlocked(r);
}

static int bind_after(struct run *r, const struct fail *f, int err)
{
	int ret = is_in_time(r, BIND_MS, "bind");

	if (!err) {
		ret = bound_all_the_same(r, f) ?: ret;
	} else if (!bind_may_say(f, err)) {
		ret = -EBADE;
	} else if (f->kind == FAIL_CALLS && is_kept(r)) {
		ret = out_of_quarantine(r) ?: ret;
	} else if (!fail_is_memory(f)) {
		/* what firmware keeps for later, the next bind takes away */
		ret = is_in(r, "unbound", STATES("CONFIG_UNLOCKED",
						 "CONFIG_LOCKED", "ERROR")) ?: ret;
	} else {
		ret = is_as_before(r) ?: ret;
	}
	ret = no_event(r) ?: ret;
	if (f->hit)
		ret = next_one_works(r) ?: ret;
	return ret ?: no_event(r);
}

static int bind_told(struct run *r, const struct fail *f, int err)
{
	r->walk.fail = f;
	return walk(&r->walk, MODEL_BIND, -err);
}

static const struct path bind_path = {
	.name = "bind",
	.kinds = KINDS_ALL,
	.slice = 4,
	.ready = bind_ready,
	.call = bind_call,
	.told = bind_told,
	.after = bind_after,
};

SWEEP_TEST(bind)
{
	static struct run r;

	begin(_metadata, self, &r);
	EXPECT_EQ(0, sweep(&r.sweep, &bind_path));
	EXPECT_EQ(0, run_over(&r));
}

/* ---- the first bind of a VM, which makes a TVM of it ---- */

/* both are new each time */
static int first_ready(struct run *r)
{
	int ret;

	if (r->there)
		return 0;
	walk_end(&r->walk);
	fn_close(r->fn);
	vm_close(r->vm);
	fn_init(r->fn, 0);
	ret = vm_open(r->vm, 0) ?: fn_open(r->fn, r->vm) ?: fn_map(r->fn) ?:
	      walk_begin(&r->walk, r->fn) ?:
	      world_read("tables", r->tables, sizeof(r->tables));
	r->there = !ret;
	return ret;
}

/* a bind that fails may leave the TVM that it made, and nothing of the TDI */
static int first_after(struct run *r, const struct fail *f, int err)
{
	int ret = is_in_time(r, BIND_MS, "first bind");

	if (f->kind == FAIL_CALLS && err && is_kept(r))
		ret = out_of_quarantine(r) ?: ret;
	if (!err)
		ret = bound_all_the_same(r, f) ?: ret;
	else if (!bind_may_say(f, err))
		ret = -EBADE;
	ret = is_in(r, "unbound", STATES("CONFIG_UNLOCKED", "CONFIG_LOCKED",
					 "ERROR")) ?: ret;
	ret = no_event(r) ?: ret;
	if (world_tdis())
		ret = failed(-EUCLEAN, "a TDI is left: %ld", world_tdis());
	if (err)
		ret = host_is_back(r) ?: ret;
	/* an argument that was not read has begun nothing */
	if (fail_is_copy(f) && err)
		return ret ?: same_tables(r);
	ret = failed(life_bind(r), "next bind") ?:
	      failed(life_unbind(r), "and its unbind") ?: ret;
	r->there = false;
	return ret ?: to_unlocked(r);
}

/* D4: what firmware may still own is leaked, and every audit after that sees it */
static const char *first_left_out(const struct fail *f)
{
	static const char *const kept[] = { "TDH.MNG.KEY.CONFIG" };
	size_t i;

	for (i = 0; f->kind == FAIL_CALLS && i < ARRAY_SIZE(kept); i++)
		if (!strcmp(kept[i], f->call))
			return "the TVM cannot be taken apart and is leaked for good";
	return NULL;
}

static const struct path first_path = {
	.name = "bind, first of its VM",
	.kinds = KINDS_MEMORY | KINDS_CALL,
	.left_out = first_left_out,
	.slice = 5,
	.ready = first_ready,
	.call = bind_call,
	.told = bind_told,
	.after = first_after,
};

SWEEP_TEST(first_bind)
{
	static struct run r;

	if (!prove_full())
		SKIP(return, "make prove only: each run is a VM of its own");
	begin(_metadata, self, &r);
	EXPECT_EQ(0, sweep(&r.sweep, &first_path));
	EXPECT_EQ(0, run_over(&r));
}

/* ---- requests ---- */

static const struct path request_path = {
	.kinds = KINDS_ALL,
	.slice = 1,
	.ready = request_ready,
	.call = request_call,
	.told = request_told,
	.after = request_after,
};

SWEEP_TEST(requests)
{
	struct path path = request_path;
	static struct run r;
	unsigned int i;
	int nr;

	begin(_metadata, self, &r);
	nr = request_kinds(&r);
	ASSERT_LT(0, nr);
	/* in make check every third, and a device that is not late */
	if (!prove_full())
		path.kinds &= ~(KIND(LOST) | KIND(SLOW) | KIND(TOO_SLOW));
	for (i = 0; i < (unsigned int)nr; i += prove_full() ? 1 : 3) {
		path.name = request_names[i];
		r.saved.what = path.name;
		r.there = false;
		EXPECT_EQ(0, sweep(&r.sweep, &path));
	}
	EXPECT_EQ(0, life_unbind(&r));
	note("%d kinds of request", nr);
	EXPECT_EQ(0, run_over(&r));
}

/* ---- unbind ---- */

static int run_ready(struct run *r)
{
	int ret;

	if (r->there)
		return 0;
	ret = bind_and_run(r);
	r->there = !ret;
	return ret;
}

static int unbind_call(struct run *r)
{
	r->began_ms = now_ms();
	return raw_unbind(r->fn);
}

static int is_bound_and_runs(struct run *r)
{
	return is_in(r, "bound", STATES("RUN"));
}

/* unbound; what had to be cut is in ERROR, what is late is firmware's until later */
static int is_unbound(struct run *r, const struct fail *f)
{
	int ret;

	if (fail_is_memory(f) || f->kind == FAIL_NONE || f->kind == FAIL_SLOW)
		return is_as_before(r);
	ret = is_in(r, "unbound", STATES("CONFIG_UNLOCKED", "ERROR"));
	if (!tables_are_empty(true))
		ret = -EUCLEAN;
	return ret ?: next_one_works(r);
}

static int unbind_after(struct run *r, const struct fail *f, int err)
{
	int ret = is_in_time(r, rules()->unbind_ms, "unbind");

	/* an argument that was not read has begun nothing */
	if (err == EFAULT && fail_is_copy(f))
		return is_bound_and_runs(r) ?: no_event(r) ?: ret;
	r->there = false;
	if (err == EIO && f->kind == FAIL_CALLS)
		ret = out_of_quarantine(r) ?: ret;
	else if (err)
		ret = failed(-EBADE, "unbind: %s", strerror(err));
	return is_unbound(r, f) ?: no_event(r) ?: ret;
}

static int unbind_told(struct run *r, const struct fail *f, int err)
{
	r->walk.fail = f;
	return walk(&r->walk, MODEL_UNBIND, -err);
}

static const struct path unbind_path = {
	.name = "unbind",
	.kinds = KINDS_ALL,
	.slice = 4,
	.ready = run_ready,
	.call = unbind_call,
	.told = unbind_told,
	.after = unbind_after,
};

SWEEP_TEST(unbind)
{
	static struct run r;

	begin(_metadata, self, &r);
	EXPECT_EQ(0, sweep(&r.sweep, &unbind_path));
	EXPECT_EQ(0, run_over(&r));
}

/* the end of the vDEVICE takes the binding along */

/* another: iommufd may give it the old one's number */
static int destroy_undo(struct run *r)
{
	int ret = fn_open_vdevice(r->fn);

	return ret ?: walk(&r->walk, MODEL_VDEV_ALLOC, r->fn->vdevice_id);
}

static int destroy_ready(struct run *r)
{
	int ret = r->fn->vdevice_id ? 0 : destroy_undo(r);

	return ret ?: run_ready(r);
}

static int destroy_call(struct run *r)
{
	r->began_ms = now_ms();
	return -tdi_iommu_destroy(r->fn->iommu, r->fn->vdevice_id);
}

static int destroy_after(struct run *r, const struct fail *f, int err)
{
	int ret = is_in_time(r, rules()->unbind_ms, "destroy");

	if (err == EFAULT && fail_is_copy(f))
		return is_bound_and_runs(r) ?: ret;
	r->there = false;
	r->fn->vdevice_id = 0;
	r->fn->guest = false;
	if (err)
		ret = failed(-EBADE, "destroy: %s", strerror(err));
	/* quarantined, then: and there is no vDEVICE to be told */
	if (f->kind == FAIL_CALLS && is_kept(r))
		ret = life_retry(r) ?: ret;
	ret = destroy_undo(r) ?: ret;
	return is_unbound(r, f) ?: ret;
}

static int destroy_told(struct run *r, const struct fail *f, int err)
{
	r->walk.fail = f;
	return walk(&r->walk, MODEL_VDEV_DESTROY, -err);
}

static const struct path destroy_path = {
	.name = "destroy of the vDEVICE",
	.kinds = KINDS_MEMORY | KINDS_CALL | KIND(LOST) | KIND(GARBAGE),
	.slice = 1,
	.ready = destroy_ready,
	.call = destroy_call,
	.told = destroy_told,
	.after = destroy_after,
};

SWEEP_TEST(destroy)
{
	static struct run r;

	begin(_metadata, self, &r);
	EXPECT_EQ(0, sweep(&r.sweep, &destroy_path));
	EXPECT_EQ(0, run_over(&r));
}

/* the last close, as a dying process has it */

static int close_ready(struct run *r)
{
	int ret;

	if (r->there)
		return 0;
	walk_end(&r->walk);
	fn_close(r->fn);
	fn_init(r->fn, 0);
	ret = fn_open(r->fn, r->vm) ?: walk_begin(&r->walk, r->fn) ?:
	      bind_and_run(r);
	if (ret)
		return ret;
	/* KVM's reference to the file goes first, or the close is not the last */
	ret = failed(tdi_vm_del_device(r->vm->tdi, r->fn->dev), "FILE_DEL");
	r->fn->added = false;
	r->there = !ret;
	return ret;
}

static int close_call(struct run *r)
{
	r->began_ms = now_ms();
	fn_close_device(r->fn);
	return 0;
}

static int close_after(struct run *r, const struct fail *f, int err)
{
	/* VFIO resets the function, and waits for it twice */
	int ret = is_in_time(r, rules()->unbind_ms + 1000, "close");

	(void)err;
	r->there = false;
	if (f->kind == FAIL_CALLS && is_kept(r))
		ret = life_retry(r) ?: ret;
	ret = is_in(r, "unbound", STATES("CONFIG_UNLOCKED", "ERROR")) ?: ret;
	if (fail_is_memory(f))
		ret = same_tables(r) ?: ret;
	if (!tables_are_empty(true))
		ret = -EUCLEAN;
	return ret ?: to_unlocked(r);
}

static int close_told(struct run *r, const struct fail *f, int err)
{
	r->walk.fail = f;
	return walk(&r->walk, MODEL_CLOSE, -err);
}

static const struct path close_path = {
	.name = "close of the device",
	.kinds = KINDS_MEMORY | KINDS_CALL | KIND(LOST) | KIND(GARBAGE),
	.slice = 3,
	.ready = close_ready,
	.call = close_call,
	.told = close_told,
	.after = close_after,
};

SWEEP_TEST(close)
{
	static struct run r;

	if (!prove_full())
		SKIP(return, "make prove only: each run opens the device anew");
	begin(_metadata, self, &r);
	EXPECT_EQ(0, sweep(&r.sweep, &close_path));
	/* for what follows it is open again */
	walk_end(&r.walk);
	fn_close(r.fn);
	fn_init(r.fn, 0);
	EXPECT_EQ(0, fn_open(r.fn, r.vm));
	EXPECT_EQ(0, run_over(&r));
}

/* ---- the TSM core unbinds: its link is taken down, and the VMM is told ---- */

static int disconnect_fd = -1;

static int disconnect_ready(struct run *r)
{
	char path[256];
	int ret;

	ret = run_ready(r);
	if (!ret && disconnect_fd < 0) {
		snprintf(path, sizeof(path),
			 "/sys/bus/pci/devices/%s/tsm/disconnect", world.bdf[0]);
		disconnect_fd = open(path, O_WRONLY | O_CLOEXEC);
		if (disconnect_fd < 0)
			ret = failed(-errno, "%s", path);
	}
	return ret;
}

static int disconnect_call(struct run *r)
{
	(void)r;
	return pwrite(disconnect_fd, world.tsm, strlen(world.tsm), 0) < 0 ?
	       errno : 0;
}

/* it has not begun, or it is complete and told */
static int disconnect_after(struct run *r, const struct fail *f, int err)
{
	int ret = 0;

	if (err)
		return f->hit && err == (fail_is_copy(f) ? EFAULT : ENOMEM) ?
		       is_bound_and_runs(r) ?: no_event(r) : -EBADE;
	r->there = false;
	r->fn->guest = false;
	r->walk.fail = f;
	ret = walk(&r->walk, MODEL_DISCONNECT, 0);
	ret = event_is(r, TDI_EVENT_UNBOUND) ?: ret;
	ret = is_in(r, "unbound", STATES("CONFIG_UNLOCKED", "ERROR")) ?: ret;
	ret = life_connect(r) ?: ret;
	return is_unbound(r, f) ?: no_event(r) ?: ret;
}

static const struct path disconnect_path = {
	.name = "disconnect",
	.kinds = KINDS_MEMORY | KIND(CALL) | KIND(LOST) | KIND(GARBAGE),
	.slice = 2,
	.ready = disconnect_ready,
	.call = disconnect_call,
	.after = disconnect_after,
};

SWEEP_TEST(disconnect)
{
	static struct run r;

	begin(_metadata, self, &r);
	EXPECT_EQ(0, sweep(&r.sweep, &disconnect_path));
	if (disconnect_fd >= 0)
		close(disconnect_fd);
	EXPECT_EQ(0, run_over(&r));
}

/* ---- no allocation that can fail an unbind ---- */

/* what the debug kernel allocates for itself, and has pools for */
static bool is_the_debuggers(const char *site)
{
	static const char *const known[] = {
		"__alloc_object",		/* kmemleak */
		"fill_pool", "kmem_alloc_batch",	/* debugobjects */
		"stack_depot_save_flags",	/* KASAN */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strncmp(site, known[i], strlen(known[i])))
			return true;
	return false;
}

/* a call is over: the model is told, and what must be so then is */
static int is_over(struct run *r, const struct path *p, const struct fail *f, int err)
{
	int ret = p->told ? p->told(r, f, err) : 0;

	ret = p->after(r, f, err) ?: ret;
	r->walk.fail = NULL;
	return ret;
}

/* unbind by @p, named: how many places ask for memory, besides the debuggers */
static int named(struct run *r, const struct path *p)
{
	static struct sites sites;
	int ret, err, n = 0;
	size_t i;

	ret = p->ready(r) ?: sites_begin();
	if (ret)
		return ret;
	err = p->call(r);
	ret = sites_end(&sites);
	ret = is_over(r, p, &(struct fail){ .kind = FAIL_NONE }, err) ?: ret;
	for (i = 0; i < sites.nr; i++) {
		bool debug = is_the_debuggers(sites.site[i].name);

		note("%s allocates in %s, %u times%s", p->name, sites.site[i].name,
		     sites.site[i].count, debug ? " (the debug kernel's own)" : "");
		n += !debug;
	}
	return ret ?: n;
}

/* and all of them fail: how many did */
static long starved(struct run *r, const struct path *p)
{
	struct fail f = { .kind = FAIL_ALLOC, .hit = true };
	long hits[FAULT_POINTS];
	int ret, on, err;

	ret = p->ready(r) ?: fault_hits_begin();
	if (ret)
		return ret;
	on = fault_all(true);
	err = p->call(r);
	ret = fault_all(false) ?: on ?: fault_hits(hits);
	ret = is_over(r, p, &f, err) ?: ret;
	if (ret)
		fail_note(p->name, &f, err, "not as it must be, without memory");
	return ret ?: hits[FAULT_SLAB] + hits[FAULT_PAGE];
}

/*
 * The unbind itself asks for nothing. A close asks for what VFIO and the file want
 * beside it, and ends all the same.
 */
static void without_memory(struct __test_metadata *_metadata, struct run *r,
			   const struct path *p, bool none)
{
	int places;
	long hits;

	r->there = false;
	walk_end(&r->walk);
	places = named(r, p);
	hits = starved(r, p);
	note("%s: %d places ask for memory, %ld were refused", p->name, places,
	     hits);
	EXPECT_LE(0, places);
	EXPECT_LE(0, hits);
	if (none) {
		EXPECT_EQ(0, places);
		EXPECT_EQ(0, hits);
	}
	r->proof.planned++;
	prove_count(&r->proof, places >= 0 && hits >= 0 &&
			       (!none || !(places || hits)));
}

SWEEP_TEST(unbind_needs_no_memory)
{
	static struct run r;
	long hits;

	begin(_metadata, self, &r);
	if (!r.sweep.has_memory)
		SKIP(return, "this kernel has no fault injection");
	without_memory(_metadata, &r, &unbind_path, true);
	without_memory(_metadata, &r, &destroy_path, false);
	without_memory(_metadata, &r, &close_path, false);
	fn_close(r.fn);
	fn_init(r.fn, 0);
	EXPECT_EQ(0, fn_open(r.fn, r.vm));
	EXPECT_EQ(0, walk_begin(&r.walk, r.fn));
	/* it is at work: a bind needs memory, and the trace sees who asks */
	EXPECT_LT(0, named(&r, &bind_path));
	ASSERT_EQ(0, fault_hits_begin());
	ASSERT_EQ(0, fault_all(true));
	EXPECT_EQ(ENOMEM, raw_bind(r.fn));
	EXPECT_EQ(0, fault_all(false));
	hits = 0;
	EXPECT_EQ(0, fault_get("failslab", "times", &hits));
	EXPECT_GT(FAULT_MANY, hits);
	EXPECT_EQ(0, run_over(&r));
}

TVM_MAIN
