// SPDX-License-Identifier: GPL-2.0-only
/*
 * R26: no memory, signals, a frozen VMM, a CPU that goes away, during bind and
 * unbind: a bind may fail and holds nothing then, an unbind completes.
 *
 * Binds whose allocations fail one by one are R16's.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "child.h"
#include "fault.h"
#include "fixture.h"
#include "raw.h"

#define SOON_MS		10000

/* exchanges with the device take so long that an operation has a middle */
#define SLOW		"slow 250"
#define MIDDLE_MS	100

/* ---- memory ---- */

#define CHILD_NO_MEMORY	'n'	/* from here on every allocation of it fails */
#define CHILD_HOG	'h'	/* touch memory until it is killed */

static int hungry(struct vm *vm, struct fn *fn, int op, int to)
{
	const size_t piece = 1 << 20;
	size_t i;

	if (op == CHILD_NO_MEMORY) {
		if (fault_all(true))
			return -EIO;
		for (;;)
			pause();
	}
	if (op != CHILD_HOG)
		return child_do(vm, fn, op, to);
	for (i = 0; i < 512; i++) {
		void *p = mmap(NULL, piece, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (p == MAP_FAILED)
			return -errno;
		memset(p, 1, piece);
	}
	return 0;
}

TVM_TEST(unbind_without_memory)
{
	int on, ret, left, nth;

	if (fault_begin() == -ENOENT)
		SKIP(return, "this kernel has no fault injection");
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, dma_begin(&self->vm, &self->fn));
	on = fault_all(true);
	ret = raw_unbind(&self->fn);
	EXPECT_EQ(0, fault_all(false));
	ASSERT_EQ(0, on);
	EXPECT_EQ(0, ret);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	/* that was at work: a bind does need memory */
	self->fn.guest = false;
	ASSERT_EQ(0, fault_all(true));
	ret = raw_bind(&self->fn);
	EXPECT_EQ(0, fault_all(false));
	EXPECT_EQ(ENOMEM, ret);
	EXPECT_EQ(0, world_tdis());
	/* the destroy of the vdevice, with its first allocation lost: first of all the
	 * ioctl copies its argument in, and that may be what is lost
	 */
	ASSERT_EQ(0, tvm_to_run(self));
	for (nth = 1, ret = -EFAULT; ret == -EFAULT && nth < 4; nth++) {
		ASSERT_EQ(0, fault_nth(nth));
		ret = tdi_iommu_destroy(self->fn.iommu, self->fn.vdevice_id);
		left = fault_left();
		note("destroy: %d, %s", ret,
		     left ? "asked for nothing" : "lost one");
	}
	EXPECT_EQ(0, ret);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

AUDITED_TEST(killed_without_memory)
{
	static const char *const lives[] = { "ob", "obrD" };
	struct child c;
	size_t i;
	int ret;

	if (fault_begin() == -ENOENT)
		SKIP(return, "this kernel has no fault injection");
	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		ASSERT_EQ(0, child_start(&c, world.vendor->name, 0, hungry));
		ASSERT_EQ(0, child_tell_all(&c, lives[i]));
		ASSERT_EQ(0, child_order(&c, CHILD_NO_MEMORY));
		EXPECT_EQ(-ETIMEDOUT, child_answer(&c, &ret, MIDDLE_MS));
		EXPECT_EQ(0, child_kill(&c));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
		EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	}
	EXPECT_EQ(0, fault_all(false));
}

/* ---- control groups ---- */

#define CGROUPS		"/tmp/r26-cgroups"
#define CGROUP		CGROUPS "/vmm"

/* a group with @pid in it; -ENODEV: not in this kernel */
static int cgroup_of(pid_t pid, const char *controller)
{
	char text[32];

	mkdir(CGROUPS, 0700);
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		return -ENODEV;
	snprintf(text, sizeof(text), "+%s", controller);
	if (*controller && fault_write(CGROUPS "/cgroup.subtree_control", text))
		return -ENODEV;
	if (mkdir(CGROUP, 0700) && errno != EEXIST)
		return failed(-errno, CGROUP);
	snprintf(text, sizeof(text), "%d", pid);
	return failed(fault_write(CGROUP "/cgroup.procs", text), "cgroup.procs");
}

static int cgroup_set(const char *what, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), CGROUP "/%s", what);
	return failed(fault_write(path, text), "%s", path);
}

/* its last process is gone, which takes a moment */
static int cgroup_end(void)
{
	uint64_t end = now_ms() + SOON_MS;
	int ret;

	while ((ret = rmdir(CGROUP)) && errno == EBUSY && now_ms() < end)
		sleep_ms(10);
	ret = ret ? -errno : 0;
	umount(CGROUPS);
	return failed(ret, CGROUP);
}

/* the OOM killer of the VMM's group comes while it is bound and DMA is at work */
AUDITED_TEST(killed_by_its_memory_limit)
{
	struct child c;
	int ret, answer, status;

	ASSERT_EQ(0, child_start(&c, world.vendor->name, 0, hungry));
	ret = cgroup_of(c.pid, "memory");
	if (ret == -ENODEV) {
		child_end(&c);
		SKIP(return, "this kernel has no memory control groups");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, cgroup_set("memory.max", "64M"));
	ASSERT_EQ(0, child_tell_all(&c, "obrD"));
	ASSERT_EQ(0, child_order(&c, CHILD_HOG));
	EXPECT_EQ(-EPIPE, child_answer(&c, &answer, CHILD_MS));
	status = child_reap(&c);
	EXPECT_TRUE(status >= 0 && WIFSIGNALED(status));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	EXPECT_EQ(0, cgroup_end());
}

/* ---- signals ---- */

static volatile unsigned int signals;

static void on_alarm(int sig)
{
	(void)sig;
	signals++;
}

/* one each @us microseconds, which restarts nothing; 0: none */
static void storm(unsigned int us)
{
	const struct itimerval timer = {
		.it_interval.tv_usec = us, .it_value.tv_usec = us,
	};
	struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

TVM_TEST(storm_of_signals)
{
	struct attest_read read = { 0 };
	char certs[64];
	struct iommu_vdevice_tsm_req req;
	int ret, tries;
	size_t i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, world_write("doe_mode", "slow 30"));
		storm(2000);
		tries = 0;
		while ((ret = raw_bind(&self->fn)) == EINTR && tries < 100)
			tries++;
		EXPECT_EQ(0, ret);
		req = raw_good_req(&self->fn, &read, certs, sizeof(certs));
		while ((ret = raw_req(&self->fn, &req)) == EINTR && tries < 100)
			tries++;
		storm(0);
		EXPECT_EQ(0, ret);
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		self->fn.guest = true;
		EXPECT_EQ(0, fn_run(&self->fn));
		EXPECT_EQ(0, vm_fill(&self->vm, VM_SRC_GPA, TVM_PRESENT, 1));
		EXPECT_EQ(0, dma_begin(&self->vm, &self->fn));
		/* an unbind is never interrupted */
		ASSERT_EQ(0, world_write("doe_mode", "slow 30"));
		signals = 0;
		storm(2000);
		ret = raw_unbind(&self->fn);
		storm(0);
		EXPECT_EQ(0, ret);
		EXPECT_LT(0, signals);
		ASSERT_EQ(0, world_write("doe_mode", "normal"));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
		EXPECT_EQ(0, world_tdis());
		self->fn.guest = false;
		EXPECT_EQ(0, fn_enable(&self->fn));
	}
}

/* ---- frozen ---- */

/* how a VMM is stopped, and let go */
struct ice {
	int (*freeze)(pid_t pid);
	int (*thaw)(pid_t pid);
};

static int stop(pid_t pid)
{
	return kill(pid, SIGSTOP) ? -errno : 0;
}

static int cont(pid_t pid)
{
	return kill(pid, SIGCONT) ? -errno : 0;
}

static int freeze(pid_t pid)
{
	(void)pid;
	return cgroup_set("cgroup.freeze", "1");
}

static int thaw(pid_t pid)
{
	(void)pid;
	return cgroup_set("cgroup.freeze", "0");
}

/*
 * In the middle of a bind, or bound, the VMM is stopped: somebody else's disconnect
 * does not wait for it.
 */
static void frozen(struct __test_metadata *_metadata, struct child *c,
		   const struct ice *ice, bool in_bind)
{
	uint64_t begin;
	int ret = 0;

	if (in_bind) {
		ASSERT_EQ(0, world_write("doe_mode", SLOW));
		ASSERT_EQ(0, child_order(c, CHILD_BIND));
		EXPECT_EQ(-ETIMEDOUT, child_answer(c, &ret, MIDDLE_MS));
	} else {
		ASSERT_EQ(0, child_tell_all(c, "brD"));
	}
	ASSERT_EQ(0, ice->freeze(c->pid));
	begin = now_ms();
	EXPECT_EQ(0, world_disconnect());
	EXPECT_GT(SOON_MS, now_ms() - begin);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	ASSERT_EQ(0, ice->thaw(c->pid));
	if (in_bind)
		ASSERT_EQ(0, child_answer(c, &ret, CHILD_MS));
	EXPECT_TRUE(!ret || ret == -ENXIO);
	/* what it did not ask for, it hears of when it is back */
	EXPECT_EQ(ret ? -EAGAIN : IOMMU_VEVENT_TSM_UNBOUND,
		  child_tell(c, ret ? CHILD_PEEK : CHILD_EVENT));
	EXPECT_EQ(0, child_tell(c, CHILD_UNBIND));
	ASSERT_EQ(0, world_connect());
}

/* and it dies while it is stopped */
static void frozen_to_death(struct __test_metadata *_metadata, struct child *c,
			    const struct ice *ice)
{
	ASSERT_EQ(0, child_tell_all(c, "brD"));
	ASSERT_EQ(0, ice->freeze(c->pid));
	EXPECT_EQ(0, child_kill(c));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
}

static void in_the_cold(struct __test_metadata *_metadata, struct child *c,
			const struct ice *ice)
{
	ASSERT_EQ(0, child_tell(c, CHILD_OPEN));
	frozen(_metadata, c, ice, true);
	frozen(_metadata, c, ice, false);
	frozen_to_death(_metadata, c, ice);
}

AUDITED_TEST(stopped)
{
	const struct ice ice = { stop, cont };
	struct child c;

	ASSERT_EQ(0, child_start(&c, world.vendor->name, 0, NULL));
	in_the_cold(_metadata, &c, &ice);
}

AUDITED_TEST(frozen_by_its_group)
{
	const struct ice ice = { freeze, thaw };
	struct child c;
	int ret;

	ASSERT_EQ(0, child_start(&c, world.vendor->name, 0, NULL));
	ret = cgroup_of(c.pid, "");
	if (ret == -ENODEV) {
		child_end(&c);
		SKIP(return, "this kernel has no control groups");
	}
	ASSERT_EQ(0, ret);
	in_the_cold(_metadata, &c, &ice);
	EXPECT_EQ(0, cgroup_end());
}

/* ---- a CPU ---- */

#define CPU1		"/sys/devices/system/cpu/cpu1/online"
#define HOTPLUG_MS	2500

static volatile bool hotplug_ends;

/* off and on, until told: how often */
static void *hotplug(void *arg)
{
	intptr_t n = 0;

	(void)arg;
	while (!hotplug_ends) {
		if (fault_write(CPU1, "0") || fault_write(CPU1, "1"))
			return (void *)-1;
		n++;
	}
	return (void *)n;
}

TVM_TEST(cpu_goes_and_comes)
{
	uint64_t end;
	pthread_t thread;
	int lives = 0;
	void *n;

	if (access(CPU1, W_OK))
		SKIP(return, "this kernel cannot take a CPU away");
	ASSERT_EQ(0, pthread_create(&thread, NULL, hotplug, NULL));
	for (end = now_ms() + HOTPLUG_MS; now_ms() < end || !lives; lives++) {
		EXPECT_EQ(0, fn_bind(&self->fn));
		EXPECT_EQ(0, fn_run(&self->fn));
		EXPECT_EQ(0, fn_ring_start(&self->fn));
		EXPECT_EQ(0, dma_use(&self->vm, &self->fn));
		EXPECT_EQ(0, fn_unbind(&self->fn));
		EXPECT_EQ(0, fn_enable(&self->fn));
		if (!__test_passed(_metadata))
			break;
	}
	hotplug_ends = true;
	ASSERT_EQ(0, pthread_join(thread, &n));
	EXPECT_LT(0, (intptr_t)n);
	note("%d lives, CPU 1 away %ld times", lives, (long)(intptr_t)n);
}

TVM_MAIN
