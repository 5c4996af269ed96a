// SPDX-License-Identifier: GPL-2.0-only
/*
 * R06: the link of a bound TDI is disconnected, or its TSM unregistered: the core
 * unbinds it, the VMM gets an event, a later unbind does nothing, the reference to
 * the KVM is dropped once.
 *
 * In every state, with DMA at work, and against a bind, an unbind and a close.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "child.h"
#include "fixture.h"
#include "raw.h"
#include "sigbus.h"

#define SOON_MS		10000
#define STAYS_MS	300

/* ---- the two ways ---- */

/* the TSM's platform device leaves its driver, or comes to it */
static int tsm_driver(const char *attr)
{
	char path[96], name[32];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "/sys/bus/platform/drivers/%s-tsm/%s",
		 world.vendor->name, attr);
	snprintf(name, sizeof(name), "teemu-%s", world.vendor->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(-errno, "%s", path);
	if (write(fd, name, strlen(name)) < 0)
		ret = -errno;
	close(fd);
	return failed(ret, "%s to %s", name, path);
}

static int unregister(void)
{
	return tsm_driver("unbind");
}

/* it comes back under whatever name is free */
static int register_again(void)
{
	char parent[TDI_NAME_MAX];

	snprintf(parent, sizeof(parent), "teemu-%s", world.vendor->name);
	return tsm_driver("bind") ?:
	       failed(tdi_tsm_find(parent, world.tsm), "TSM of %s", parent) ?:
	       world_connect();
}

static const struct way {
	const char *name;
	int (*go)(void);
	int (*back)(void);
} ways[] = {
	{ "disconnect", world_disconnect, world_connect },
	{ "unregister", unregister, register_again },
};

/* ---- in every state ---- */

enum state { LOCKED, RUN, DMA, ERROR, NR_STATES };

static const char *const state_names[] = {
	[LOCKED] = "LOCKED",
	[RUN] = "RUN",
	[DMA] = "DMA in flight",
	[ERROR] = "ERROR",
};

static int reach(FIXTURE_DATA(tvm) *self, enum state state)
{
	int ret;

	if (state == LOCKED)
		return tvm_to_locked(self);
	ret = tvm_to_run(self);
	if (!ret && state == DMA)
		ret = dma_begin(&self->vm, &self->fn);
	if (!ret && state == ERROR)
		ret = world_write("fn0/error", "1");
	return ret;
}

/* what firmware has been asked so far; -1 */
static long fw_calls(void)
{
	char text[1024];

	if (world_read("referee", text, sizeof(text)))
		return -1;
	return world_number(text, "calls");
}

/* the TDI is no more than a function of the host, and has no way back */
static void is_unbound(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self)
{
	const struct attest_read *read = &(struct attest_read) { 0 };
	struct iommu_vdevice_tsm_req req = raw_good_req(&self->fn, read, NULL, 0);
	uint32_t id = 0;
	long calls;

	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(0, world_links());
	EXPECT_EQ(0, vm_must_fault(&self->vm,
				   fn_bar_gpa(&self->fn, TEEMU_BAR_REGS)));
	self->fn.guest = false;
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_TRUE(sigbus_read(self->fn.bar0 + TEEMU_REG_ID, &id) &&
		    id == TEEMU_ID);
	/* firmware hears nothing of what comes late */
	calls = fw_calls();
	EXPECT_EQ(0, raw_unbind(&self->fn));
	EXPECT_EQ(0, raw_unbind(&self->fn));
	EXPECT_EQ(ENXIO, raw_req(&self->fn, &req));
	EXPECT_EQ(ENXIO, raw_bind(&self->fn));
	EXPECT_EQ(calls, fw_calls());
}

static void gone_in(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		    const struct way *way, enum state state)
{
	uint32_t id;

	self->base.trace = self->base.trace && state != ERROR;
	ASSERT_EQ(0, reach(self, state));
	EXPECT_FALSE(sigbus_read(self->fn.bar0 + TEEMU_REG_ID, &id));
	if (state == DMA)
		EXPECT_TRUE(dma_in_flight(0));
	if (state == ERROR)
		EXPECT_TRUE(world_tdi_is(0, "ERROR"));

	ASSERT_EQ(0, way->go());
	/*
	 * In order, and no more than these. A driver that does not watch its TDIs
	 * hears of the fall in the unbind, or never.
	 */
	if (state == ERROR) {
		int type = fn_event(&self->fn, SOON_MS);

		if (type == IOMMU_VEVENT_TSM_ERROR)
			type = fn_event(&self->fn, SOON_MS);
		EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND, type);
	} else {
		EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND, fn_event(&self->fn, SOON_MS));
	}
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 50));
	is_unbound(_metadata, self);
	ASSERT_EQ(0, way->back());
	/* nothing binds by itself, and the VMM can */
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

/* all states in the life of one VMM; then its VM goes when it should */
static void gone(struct __test_metadata *_metadata, FIXTURE_DATA(tvm) *self,
		 const struct way *way)
{
	enum state state;

	ASSERT_EQ(0, fn_map(&self->fn));
	for (state = LOCKED; state < NR_STATES; state++) {
		note("%s in %s", way->name, state_names[state]);
		gone_in(_metadata, self, way, state);
	}
	/*
	 * Once more when the VM's files are gone: every reference is dropped once,
	 * not before VFIO's close, not never.
	 */
	ASSERT_EQ(0, tvm_to_run(self));
	vm_close_files(&self->vm);
	ASSERT_EQ(0, way->go());
	EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND, fn_event(&self->fn, SOON_MS));
	sleep_ms(STAYS_MS);
	EXPECT_EQ(1, world_vms());
	EXPECT_EQ(0, fn_unbind(&self->fn));
	fn_close_device(&self->fn);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	ASSERT_EQ(0, way->back());
}

TVM_TEST(disconnect)
{
	gone(_metadata, self, &ways[0]);
}

TVM_TEST(unregister)
{
	gone(_metadata, self, &ways[1]);
}

/* two TDIs of the device, in two VMs: each VMM hears of its own, once */
AUDITED_TEST(both_functions)
{
	struct child c[2];
	size_t way, i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, child_start(&c[i], world.vendor->name, i, NULL));
		ASSERT_EQ(0, child_tell(&c[i], CHILD_OPEN));
	}
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, child_tell_all(&c[i], "brd"));
		EXPECT_EQ(2, world_tdis());
		ASSERT_EQ(0, ways[way].go());
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND,
				  child_tell(&c[i], CHILD_EVENT));
			EXPECT_TRUE(world_tdi_is(i, "CONFIG_UNLOCKED"));
			EXPECT_EQ(0, child_tell(&c[i], CHILD_UNBIND));
		}
		EXPECT_EQ(0, world_tdis());
		ASSERT_EQ(0, ways[way].back());
	}
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, child_tell(&c[i], CHILD_CLOSE));
		EXPECT_EQ(0, child_end(&c[i]));
	}
}

/* ---- somebody reads meanwhile ---- */

#define READERS_MS	20000	/* then whoever is stuck is freed, and it is a failure */

/* reads an attribute that the disconnect takes away, over and over; until killed */
static pid_t start_reader(const char *attr)
{
	char text[TDI_NAME_MAX];
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(READERS_MS / 1000);
	for (;;)
		tdi_attr_read(world.bdf[1], attr, text, sizeof(text));
}

/* whoever reads has the attribute, and disconnect waits for him with every lock */
AUDITED_TEST(attributes_are_read_meanwhile)
{
	static const char *const attrs[] = { "tsm/bound", "tsm/dsm", "tsm/connect" };
	pid_t readers[ARRAY_SIZE(attrs)];
	char text[TDI_NAME_MAX];
	uint64_t start;
	struct vm vm;
	struct fn fn;
	size_t i;

	vm_init(&vm);
	fn_init(&fn, 1);
	ASSERT_EQ(0, vm_open(&vm, 0));
	ASSERT_EQ(0, fn_open(&fn, &vm));
	ASSERT_EQ(0, fn_bind(&fn));
	ASSERT_EQ(0, tdi_attr_read(world.bdf[1], attrs[0], text, sizeof(text)));
	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		readers[i] = start_reader(attrs[i]);
	/* the unbind of function 1 takes some exchanges */
	ASSERT_EQ(0, world_write("doe_mode", "slow 200"));
	start = now_ms();
	EXPECT_EQ(0, world_disconnect());
	EXPECT_GT(READERS_MS / 2, now_ms() - start)
		note("the disconnect took %d ms", (int)(now_ms() - start));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		kill(readers[i], SIGKILL);
		waitpid(readers[i], NULL, 0);
	}
	EXPECT_TRUE(world_tdi_is(1, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_connect());
	fn_close(&fn);
	vm_close(&vm);
}

/* ---- at the same moment as the VMM's own doing ---- */

/**
 * struct race - the core's side of a race
 * @way: what it does
 * @wait_ms: when, after the start
 * @ret: how it ended
 * @begin, @end: when it ran
 */
struct race {
	pthread_barrier_t start;
	const struct way *way;
	unsigned int wait_ms;
	int ret;
	uint64_t begin;
	uint64_t end;
};

static void *core(void *arg)
{
	struct race *r = arg;

	pthread_barrier_wait(&r->start);
	sleep_ms(r->wait_ms);
	r->begin = now_ms();
	r->ret = r->way->go();
	r->end = now_ms();
	return NULL;
}

static int do_close(struct fn *fn)
{
	fn_close_device(fn);
	return 0;
}

/* both at once: true if they met; @ret is the VMM's */
static bool race(struct __test_metadata *_metadata, struct race *r, struct fn *fn,
		 int (*vmm)(struct fn *fn), int *ret)
{
	uint64_t begin, end;
	pthread_t thread;

	pthread_barrier_init(&r->start, NULL, 2);
	EXPECT_EQ(0, pthread_create(&thread, NULL, core, r));
	pthread_barrier_wait(&r->start);
	begin = now_ms();
	*ret = vmm(fn);
	end = now_ms();
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&r->start);
	EXPECT_EQ(0, r->ret);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(0, world_links());
	return r->begin <= end && begin <= r->end;
}

/* exchanges take so long that something can come in between */
#define SLOW		"slow 60"

static void against_binds(struct __test_metadata *_metadata,
			  FIXTURE_DATA(tvm) *self)
{
	unsigned int met = 0, bound = 0, i;
	struct race r;
	int ret;

	for (i = 0; i < 5; i++) {
		r = (struct race) {
			.way = &ways[i & 1], .wait_ms = i * 90,
		};
		ASSERT_EQ(0, world_write("doe_mode", SLOW));
		met += race(_metadata, &r, &self->fn, fn_bind, &ret);
		/* it was bound before, or the link was gone, or it went meanwhile */
		EXPECT_TRUE(!ret || ret == -ENXIO)
			note("bind: %d after %u ms", ret, r.wait_ms);
		if (!ret) {
			bound++;
			EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND,
				  fn_event(&self->fn, SOON_MS));
		}
		EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 20));
		self->fn.guest = false;
		EXPECT_EQ(0, raw_unbind(&self->fn));
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		ASSERT_EQ(0, r.way->back());
	}
	EXPECT_LT(0, met);
	EXPECT_LT(0, bound);
}

static void against_unbinds(struct __test_metadata *_metadata,
			    FIXTURE_DATA(tvm) *self)
{
	unsigned int met = 0, i;
	struct race r;
	int ret, type;

	for (i = 0; i < 3; i++) {
		r = (struct race) {
			.way = &ways[i & 1], .wait_ms = i * 50,
		};
		ASSERT_EQ(0, fn_bind(&self->fn));
		ASSERT_EQ(0, fn_run(&self->fn));
		ASSERT_EQ(0, world_write("doe_mode", SLOW));
		met += race(_metadata, &r, &self->fn, fn_unbind, &ret);
		EXPECT_EQ(0, ret);
		/* of an unbind that the VMM asked for there is no news */
		type = fn_event(&self->fn, 20);
		EXPECT_TRUE(type == -EAGAIN || type == IOMMU_VEVENT_TSM_UNBOUND);
		EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 20));
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		ASSERT_EQ(0, r.way->back());
	}
	EXPECT_LT(0, met);
}

static void against_closes(struct __test_metadata *_metadata,
			   FIXTURE_DATA(tvm) *self)
{
	unsigned int met = 0, i;
	struct race r;
	int ret;

	for (i = 0; i < 3; i++) {
		r = (struct race) {
			.way = &ways[i & 1], .wait_ms = i * 50,
		};
		ASSERT_EQ(0, fn_bind(&self->fn));
		ASSERT_EQ(0, fn_run(&self->fn));
		ASSERT_EQ(0, world_write("doe_mode", SLOW));
		met += race(_metadata, &r, &self->fn, do_close, &ret);
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		ASSERT_EQ(0, r.way->back());
		/* all of it again: what the close left is in nobody's way */
		fn_close(&self->fn);
		vm_close(&self->vm);
		EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
		ASSERT_EQ(0, vm_open(&self->vm, 0));
		ASSERT_EQ(0, fn_open(&self->fn, &self->vm));
	}
	EXPECT_LT(0, met);
}

TVM_TEST(against_the_vmm)
{
	against_binds(_metadata, self);
	against_unbinds(_metadata, self);
	against_closes(_metadata, self);
}

TVM_MAIN
