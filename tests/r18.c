// SPDX-License-Identifier: GPL-2.0-only
/*
 * R18: a TDI that firmware does not let go of is nobody's: not the host's, not the next
 * VM's, not another driver's. Everybody can see it, its neighbours do not notice, and
 * the documented way out ends it: firmware lets go, somebody writes tdi/retry.
 *
 * Every test provokes a quarantine and leaves by the way out, so that the audit finds a
 * machine as clean as any. What each vendor's firmware refuses is in r17_*.c.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"
#include "r17.h"
#include "sigbus.h"

#define VMS_MS		10000
#define COPY_LEN	0x8000
#define RESCAN		"/sys/bus/pci/rescan"

/* what keeps an unbind from its end, for ever */
static struct refusal for_ever(void)
{
	struct refusal r = rules()->stay;

	r.count = FOR_EVER;
	return r;
}

static int let_go(void)
{
	struct refusal r = for_ever();

	return refusal_end(&r);
}

/* a TDI that was used, in quarantine since it was to be unbound */
static int quarantine(struct fn *fn)
{
	struct refusal r = for_ever();
	int ret;

	ret = failed(fn_bind(fn), "bind") ?: fn_run(fn) ?: refusal_begin(&r);
	if (ret)
		return ret;
	ret = fn_unbind(fn);
	if (ret != -EIO)
		return failed(ret ?: -ENODATA, "unbind, which should fail");
	return is_quarantined(fn->nr) ? 0 : -EUCLEAN;
}

/* firmware lets go and is asked again; once more is no retry but a mistake */
static int way_out(unsigned int nr)
{
	int ret;

	ret = let_go() ?: failed(tdi_retry(nr), "retry");
	if (ret)
		return ret;
	if (!tdi_state_is(nr, "unbound"))
		return -EUCLEAN;
	ret = tdi_retry(nr);
	return ret == -EINVAL ? 0 : failed(ret ?: -ENODATA, "one retry more");
}

/* a try that must fail like that, and change nothing */
static bool refuses(unsigned int nr, int ret, int err, const char *what)
{
	if (ret == err)
		return is_quarantined(nr);
	note("%s: %d, looked for %d", what, ret, err);
	return false;
}

#define REFUSES(nr, err, call)	EXPECT_TRUE(refuses(nr, call, err, #call))

static bool bars_are_out(struct fn *fn, volatile uint8_t *bar2)
{
	uint32_t value;
	bool out = true;

	if (sigbus_read(bar2, &value)) {
		note("the mapping of BAR 2 answers %#x", value);
		out = false;
	}
	if (tdi_device_bar_read(fn->dev, TEEMU_BAR_MEM, 0, &value, 4) >= 0) {
		note("read of BAR 2 answers %#x", value);
		out = false;
	}
	return out;
}

/*
 * Who closes a function in quarantine takes its bus mastering: a TDI that firmware
 * could not even stop falls to ERROR then, and shall.
 */
static void falls_when_closed(struct audit_base *base)
{
	base->trace = false;
}

/* its VMM lives on and tries everything that its files allow */
TVM_TEST(the_vmm_gets_nothing)
{
	unsigned int tvms = world_tvms();
	void *bar2 = NULL;
	uint32_t value;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &bar2));
	ASSERT_EQ(0, quarantine(&self->fn));
	EXPECT_EQ(TDI_EVENT_QUARANTINED, fn_event(&self->fn, 2000));

	REFUSES(0, -EIO, fn_bind(&self->fn));
	REFUSES(0, -EIO, fn_unbind(&self->fn));
	REFUSES(0, -EBUSY, tdi_device_reset(self->fn.dev));
	REFUSES(0, -EBUSY, tdi_attr_write(world.bdf[0], "reset", "1"));
	REFUSES(0, -EBUSY, tdi_link_disconnect(world.bdf[0]));
	/* firmware's mapping of what its slots show still stands */
	REFUSES(0, -EBUSY, tdi_vm_del_slot(self->vm.tdi, SLOT_BARS));
	REFUSES(0, -EBUSY, tdi_vm_del_slot(self->vm.tdi, SLOT_BARS + 1));
	REFUSES(0, -EIO, tdi_retry(0));
	/* each try is one more state that the VMM did not ask for */
	EXPECT_EQ(TDI_EVENT_QUARANTINED, fn_event(&self->fn, 2000));
	EXPECT_TRUE(bars_are_out(&self->fn, bar2));
	/* and neither does its TVM */
	EXPECT_EQ(0, vm_must_fault(&self->vm,
				   fn_bar_gpa(&self->fn, TEEMU_BAR_MEM)));
	EXPECT_LT(tvms, world_tvms());

	ASSERT_EQ(0, way_out(0));
	EXPECT_EQ(TDI_EVENT_UNBOUND, fn_event(&self->fn, 2000));
	/* the same mapping, slots and vdevice go on */
	EXPECT_TRUE(sigbus_read(bar2, &value));
	self->fn.guest = false;
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, fn_unbind(&self->fn));
}

/* its VMM has gone: the VM stays, and nobody else gets the function */
TVM_TEST(nobody_else_gets_it)
{
	static const char *const drivers[] = {
		"vfio-pci", "pci-stub", "pci-pf-stub",
	};
	struct vm vm;
	struct fn fn;
	size_t i;

	falls_when_closed(&self->base);
	ASSERT_EQ(0, quarantine(&self->fn));
	fn_close(&self->fn);
	vm_close(&self->vm);
	EXPECT_EQ(1, world_wait_vms(1, 1000));

	vm_init(&vm);
	fn_init(&fn, 0);
	ASSERT_EQ(0, vm_open(&vm, 0));
	REFUSES(0, -EIO, fn_open_device(&fn, &vm));
	fn_close(&fn);
	REFUSES(0, -EIO, fn_open_device(&fn, NULL));
	fn_close(&fn);
	vm_close(&vm);
	REFUSES(0, -EBUSY, tdi_attr_write(world.bdf[0], "reset", "1"));
	REFUSES(0, -EBUSY, tdi_link_disconnect(world.bdf[0]));

	/* a driver may leave; none may come */
	REFUSES(0, 0, tdi_driver_unbind(world.bdf[0]));
	for (i = 0; i < ARRAY_SIZE(drivers); i++) {
		EXPECT_TRUE(refuses(0, tdi_driver_bind(world.bdf[0], drivers[i]) < 0,
				    1, drivers[i]));
	}
	REFUSES(0, -EBUSY, tdi_attr_write(world.bdf[0], "reset", "1"));
	REFUSES(0, -EIO, tdi_retry(0));
	EXPECT_EQ(1, world_vms());

	ASSERT_EQ(0, way_out(0));
	EXPECT_EQ(0, world_wait_vms(0, VMS_MS));
	for (i = 0; i < ARRAY_SIZE(drivers); i++) {
		EXPECT_EQ(0, tdi_driver_bind(world.bdf[0], drivers[i]))
			note("%s", drivers[i]);
		EXPECT_EQ(0, tdi_driver_unbind(world.bdf[0]));
	}
	ASSERT_EQ(0, world_prepare());
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return failed(-errno, "%s", path);
	if (write(fd, text, strlen(text)) < 0)
		ret = failed(-errno, "%s", path);
	close(fd);
	return ret;
}

static int remove_and_rescan(unsigned int nr)
{
	struct tdi_function fn;
	int ret;

	ret = failed(tdi_attr_write(world.bdf[nr], "remove", "1"), "remove");
	if (ret)
		return ret;
	if (!tdi_function_read(world.bdf[nr], &fn))
		return failed(-EEXIST, "%s after remove", world.bdf[nr]);
	return write_file(RESCAN, "1") ?:
	       failed(tdi_function_read(world.bdf[nr], &fn), "rescan");
}

/* whoever removes a function does not get a fresh one in its place */
TVM_TEST(a_rescan_finds_it_again)
{
	struct fn other;

	falls_when_closed(&self->base);
	fn_close(&self->fn);
	fn_init(&other, 1);
	ASSERT_EQ(0, fn_open(&other, &self->vm));
	ASSERT_EQ(0, quarantine(&other));
	fn_close(&other);
	vm_close(&self->vm);

	ASSERT_EQ(0, remove_and_rescan(1));
	EXPECT_TRUE(is_quarantined(1));
	REFUSES(1, -EBUSY, tdi_attr_write(world.bdf[1], "reset", "1"));
	REFUSES(1, -EBUSY, tdi_link_disconnect(world.bdf[0]));
	EXPECT_TRUE(refuses(1, tdi_driver_bind(world.bdf[1], "vfio-pci") < 0, 1,
			    "vfio-pci"));
	REFUSES(1, -EIO, tdi_retry(1));
	EXPECT_EQ(1, world_vms());

	ASSERT_EQ(0, way_out(1));
	EXPECT_EQ(0, world_wait_vms(0, VMS_MS));
	ASSERT_EQ(0, world_prepare());
	ASSERT_EQ(0, vm_open(&self->vm, 0));
	ASSERT_EQ(0, fn_open(&other, &self->vm));
	EXPECT_EQ(0, fn_bind(&other) ?: fn_run(&other));
	EXPECT_EQ(0, fn_unbind(&other));
	fn_close(&other);
}

/* a bind that fails and cannot be undone */
TVM_TEST(born_in_bind)
{
	const struct refusal *r = &rules()->keep_bind;

	/* of the vendor that cuts a link on the way */
	self->base.trace = false;
	ASSERT_EQ(0, refusal_begin(r));
	EXPECT_EQ(-EIO, fn_bind(&self->fn));
	EXPECT_TRUE(is_quarantined(0));
	REFUSES(0, -EIO, fn_bind(&self->fn));
	REFUSES(0, -EBUSY, tdi_device_reset(self->fn.dev));
	REFUSES(0, -EIO, tdi_retry(0));
	ASSERT_EQ(0, refusal_end(r));
	ASSERT_EQ(0, tdi_retry(0));
	EXPECT_TRUE(tdi_state_is(0, "unbound"));
	EXPECT_TRUE(tables_are_empty(true));
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, fn_unbind(&self->fn));

	/* and with its VMM dead */
	ASSERT_EQ(0, refusal_begin(r));
	EXPECT_EQ(-EIO, fn_bind(&self->fn));
	fn_close(&self->fn);
	vm_close(&self->vm);
	EXPECT_TRUE(is_quarantined(0));
	EXPECT_EQ(1, world_wait_vms(1, 1000));
	ASSERT_EQ(0, refusal_end(r));
	ASSERT_EQ(0, tdi_retry(0));
	EXPECT_EQ(0, world_wait_vms(0, VMS_MS));
}

/* a VMM that is killed with its TDI in RUN, while firmware refuses */
static void live_until_killed(int to)
{
	struct refusal r = for_ever();
	struct vm vm;
	struct fn fn;
	char ok = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vm_init(&vm);
	fn_init(&fn, 0);
	if (vm_open(&vm, 0) || fn_open(&fn, &vm) || fn_bind(&fn) ||
	    fn_run(&fn) || refusal_begin(&r))
		ok = 0;
	if (write(to, &ok, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

AUDITED_TEST(the_vmm_is_killed)
{
	int pipefd[2], status;
	char ok = 0;
	pid_t pid;

	falls_when_closed(&self->base);
	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(pipefd[0]);
		live_until_killed(pipefd[1]);
	}
	close(pipefd[1]);
	EXPECT_EQ(1, read(pipefd[0], &ok, 1));
	EXPECT_EQ(1, ok);
	close(pipefd[0]);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	/* its files may be closed a little after it is a zombie */
	EXPECT_EQ(1, world_wait_vms(1, 1000));
	EXPECT_TRUE(is_quarantined(0));
	EXPECT_EQ(1, world_vms());
	ASSERT_EQ(0, way_out(0));
	EXPECT_EQ(0, world_wait_vms(0, VMS_MS));
}

/**
 * struct neighbour - another VM with the device's other function, at work
 * @stop: it is to stop
 * @copies: that came out right
 * @ret: why it stopped before
 */
struct neighbour {
	struct vm vm;
	struct fn fn;
	pthread_t thread;
	atomic_bool stop;
	atomic_int copies;
	int ret;
};

static int copy_once(struct neighbour *n, uint64_t pattern)
{
	uint64_t a, b;
	int ret;

	ret = vm_fill(&n->vm, VM_SRC_GPA, COPY_LEN, pattern) ?:
	      vm_fill(&n->vm, VM_DST_GPA, COPY_LEN, ~pattern);
	if (ret)
		return ret;
	ret = fn_dma(&n->fn, TEEMU_OP_COPY,
		     TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T, VM_SRC_GPA,
		     VM_DST_GPA, COPY_LEN);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "neighbour: status %d", ret);
	ret = vm_sum(&n->vm, VM_SRC_GPA, COPY_LEN, &a) ?:
	      vm_sum(&n->vm, VM_DST_GPA, COPY_LEN, &b);
	return ret ?: a == b ? 0 : failed(-EBADE, "neighbour: sums differ");
}

static void *work(void *arg)
{
	struct neighbour *n = arg;
	uint64_t pattern = 0x1234567;

	while (!n->ret && !atomic_load(&n->stop)) {
		n->ret = copy_once(n, pattern += 0x10001);
		if (!n->ret)
			atomic_fetch_add(&n->copies, 1);
	}
	return NULL;
}

static int neighbour_begin(struct neighbour *n)
{
	memset(n, 0, sizeof(*n));
	vm_init(&n->vm);
	fn_init(&n->fn, 1);
	return vm_open(&n->vm, 0) ?: fn_open(&n->fn, &n->vm) ?:
	       failed(fn_bind(&n->fn), "neighbour: bind") ?: fn_run(&n->fn) ?:
	       vm_fill(&n->vm, VM_SRC_GPA, TVM_PRESENT, 0) ?:
	       vm_fill(&n->vm, VM_DST_GPA, TVM_PRESENT, 0) ?:
	       fn_ring_start(&n->fn) ?:
	       -pthread_create(&n->thread, NULL, work, n);
}

/* it goes on: at least two copies more, one of them begun after the call */
static bool neighbour_works(struct neighbour *n)
{
	uint64_t end = now_ms() + 30000;
	int copies = atomic_load(&n->copies);

	while (atomic_load(&n->copies) < copies + 2) {
		if (n->ret || now_ms() > end)
			return false;
		sleep_ms(5);
	}
	return world_tdi_is(1, "RUN");
}

static int neighbour_stop(struct neighbour *n)
{
	atomic_store(&n->stop, true);
	pthread_join(n->thread, NULL);
	return n->ret;
}

TVM_TEST(its_neighbour_goes_on)
{
	static struct neighbour n;

	ASSERT_EQ(0, neighbour_begin(&n));
	ASSERT_EQ(0, quarantine(&self->fn));
	EXPECT_TRUE(neighbour_works(&n));
	REFUSES(0, -EIO, tdi_retry(0));
	EXPECT_TRUE(neighbour_works(&n));
	REFUSES(0, -EBUSY, tdi_device_reset(self->fn.dev));
	REFUSES(0, -EBUSY, tdi_link_disconnect(world.bdf[0]));
	EXPECT_EQ(-EAGAIN, fn_event(&n.fn, 0));
	EXPECT_TRUE(neighbour_works(&n));

	/* it comes and goes itself, too, and others are bound beside a quarantine */
	EXPECT_EQ(0, neighbour_stop(&n));
	ASSERT_EQ(0, let_go());
	EXPECT_EQ(0, fn_unbind(&n.fn));
	EXPECT_TRUE(is_quarantined(0));
	EXPECT_EQ(0, fn_bind(&n.fn) ?: fn_run(&n.fn) ?: fn_ring_start(&n.fn));
	n.stop = false;
	ASSERT_EQ(0, pthread_create(&n.thread, NULL, work, &n));
	ASSERT_EQ(0, way_out(0));
	EXPECT_TRUE(neighbour_works(&n));
	EXPECT_EQ(0, neighbour_stop(&n));
	EXPECT_EQ(0, fn_unbind(&n.fn));
	fn_close(&n.fn);
	vm_close(&n.vm);
}

TVM_MAIN
