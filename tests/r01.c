// SPDX-License-Identifier: GPL-2.0-only
/*
 * R01: the VMM is gone, in any state, its files closed in any order: the TDI is
 * unbound first, the audit is clean, and the function can be bound again at once.
 *
 * The VMM is a child that holds everything and dies; the test has no file of it.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define READY_MS	60000
#define GONE_MS		30000
#define DMA_LEN		0x100000
#define DMA_DESCS	48

enum moment { M_OPEN, M_LOCKED, M_ACCEPTED, M_RUN, M_DMA, M_BINDING };
enum death { D_KILL, D_EXIT, D_ABORT, D_CLOSE };

/**
 * struct vmm - the child
 * @pid: of it
 * @pipe: it writes a byte for each thing that has happened: 'r' it is where it was
 *	  to be, 'b' its bind is over; closed when it is dead
 */
struct vmm {
	pid_t pid;
	int pipe;
};

static void tell(int fd, char what)
{
	if (write(fd, &what, 1) != 1)
		_exit(2);
}

static void *spin(void *arg)
{
	struct vm *vm = arg;
	struct agent_mbox *m = vm_mbox(vm);

	m->cmd = AGENT_SPIN;
	m->gpa = fn_bar_gpa(&(struct fn) { .nr = 0 }, TEEMU_BAR_REGS) +
		 TEEMU_REG_HEAD;
	vm_agent(vm);
	return NULL;
}

/* many large copies, and a vCPU that reads private MMIO all the time */
static int begin_dma(struct vm *vm, struct fn *fn)
{
	uint64_t end = now_ms() + READY_MS;
	volatile struct agent_mbox *m = vm_mbox(vm);
	pthread_t thread;
	int i, ret;

	ret = vm_fill(vm, VM_SRC_GPA, DMA_LEN, 42) ?:
	      vm_fill(vm, VM_DST_GPA, DMA_LEN, 0) ?: fn_ring_start(fn);
	for (i = 0; ret >= 0 && i < DMA_DESCS; i++)
		ret = fn_post(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			      TEEMU_DESC_F_DST_T, VM_SRC_GPA, VM_DST_GPA, DMA_LEN);
	/* the first page has arrived, so it runs */
	if (ret >= 0)
		ret = fn_wait(fn, 0, NULL);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "first copy");
	if (pthread_create(&thread, NULL, spin, vm))
		return -EAGAIN;
	while (m->beat < 10)
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "vCPU");
	return 0;
}

static int reach(struct vm *vm, struct fn *fn, enum moment moment, int pipe)
{
	int ret;

	ret = vm_open(vm, 0) ?: fn_open(fn, vm) ?: fn_map(fn);
	/* a mapping that bind has to zap */
	if (!ret && *(volatile uint32_t *)(fn->bar0 + TEEMU_REG_ID) != TEEMU_ID)
		ret = -EIO;
	if (ret || moment == M_OPEN)
		return ret;
	if (moment == M_BINDING) {
		tell(pipe, 'r');
		ret = failed(fn_bind(fn), "bind");
		tell(pipe, 'b');
		return ret;
	}
	ret = failed(fn_bind(fn), "bind");
	if (ret || moment == M_LOCKED)
		return ret;
	if (moment == M_ACCEPTED)
		return fn_run_until(fn, ATTEST_START);
	ret = fn_run(fn);
	if (!ret && moment == M_DMA)
		ret = begin_dma(vm, fn);
	return ret;
}

/* ---- files closed in an order of our choice ---- */

#define MAX_FILES	64

static int list_files(int *fds, int keep)
{
	struct dirent *e;
	int n = 0, fd;
	DIR *dir;

	dir = opendir("/proc/self/fd");
	if (!dir)
		return 0;
	while ((e = readdir(dir)) && n < MAX_FILES) {
		fd = atoi(e->d_name);
		if (fd > 2 && fd != keep && fd != dirfd(dir))
			fds[n++] = fd;
	}
	closedir(dir);
	return n;
}

static void shuffle(int *fds, int n, unsigned int seed)
{
	int i, j, tmp;

	for (i = n - 1; i > 0; i--) {
		j = rand_r(&seed) % (i + 1);
		tmp = fds[i];
		fds[i] = fds[j];
		fds[j] = tmp;
	}
}

/*
 * @order 0: newest first, 1: oldest first, else the seed of a random one. Odd
 * seeds drop the mappings, which hold files too, before; the others leave them to
 * the exit.
 */
static void close_all(struct vm *vm, struct fn *fn, unsigned int order, int keep)
{
	int fds[MAX_FILES], n, i;

	n = list_files(fds, keep);
	if (order & 1) {
		munmap((void *)fn->bar0, TEEMU_BAR_REGS_SIZE);
		munmap(vm->run, vm->run_size);
	}
	if (order > 1)
		shuffle(fds, n, order);
	for (i = 0; i < n; i++)
		close(order ? fds[i] : fds[n - 1 - i]);
}

static void __attribute__((noreturn))
vmm_main(enum moment moment, enum death death, unsigned int order, int pipe)
{
	const struct rlimit no_core = { 0 };
	struct vm vm;
	struct fn fn;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	vm_init(&vm);
	fn_init(&fn, 0);
	if (reach(&vm, &fn, moment, pipe))
		_exit(1);
	if (moment != M_BINDING)
		tell(pipe, 'r');
	switch (death) {
	case D_EXIT:
		exit(0);
	case D_ABORT:
		abort();
	case D_CLOSE:
		close_all(&vm, &fn, order, pipe);
		_exit(0);
	default:
		for (;;)
			pause();
	}
}

static int vmm_start(struct vmm *vmm, enum moment moment, enum death death,
		     unsigned int order)
{
	int fds[2];

	fflush(stdout);
	if (pipe(fds))
		return -errno;
	vmm->pid = fork();
	if (!vmm->pid) {
		close(fds[0]);
		vmm_main(moment, death, order, fds[1]);
	}
	close(fds[1]);
	vmm->pipe = fds[0];
	return vmm->pid < 0 ? -errno : 0;
}

/* 0: it said @what; -EPIPE: it died before; -ETIMEDOUT */
static int vmm_wait(struct vmm *vmm, char what, int ms)
{
	struct pollfd pfd = { .fd = vmm->pipe, .events = POLLIN };
	char got;

	if (poll(&pfd, 1, ms) <= 0)
		return -ETIMEDOUT;
	if (read(vmm->pipe, &got, 1) != 1)
		return -EPIPE;
	return got == what ? 0 : -EPROTO;
}

/* its status as waitpid() tells, -1: it does not die */
static int vmm_reap(struct vmm *vmm)
{
	uint64_t end = now_ms() + GONE_MS;
	int status;

	while (!waitpid(vmm->pid, &status, WNOHANG)) {
		if (now_ms() > end)
			return -1;
		sleep_ms(2);
	}
	close(vmm->pipe);
	return status;
}

/* ---- the tests ---- */

static const char *const in_state[] = {
	[M_OPEN] = "CONFIG_UNLOCKED",
	[M_LOCKED] = "CONFIG_LOCKED",
	[M_ACCEPTED] = "CONFIG_LOCKED",
	[M_RUN] = "RUN",
	[M_DMA] = "RUN",
};

/* seen at work; for a moment between two descriptors it is not */
static bool dma_in_flight(void)
{
	char dma[256];
	int i;

	for (i = 0; i < 100; i++) {
		if (world_read("fn0/dma", dma, sizeof(dma)))
			return false;
		if (strstr(dma, "in_flight 1"))
			return true;
	}
	note("%s", dma);
	return false;
}

static void kill_in(struct __test_metadata *_metadata, enum moment moment)
{
	struct vmm vmm;
	int status;

	ASSERT_EQ(0, vmm_start(&vmm, moment, D_KILL, 0));
	ASSERT_EQ(0, vmm_wait(&vmm, 'r', READY_MS));
	/* it really is where it is to be killed */
	EXPECT_TRUE(world_tdi_is(0, in_state[moment]));
	EXPECT_EQ(1, world_vms());
	if (moment == M_DMA) {
		EXPECT_TRUE(dma_in_flight());
		EXPECT_LT(0, world_mem_pages());
	}
	ASSERT_EQ(0, kill(vmm.pid, SIGKILL));
	status = vmm_reap(&vmm);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

AUDITED_TEST(killed_before_bind)
{
	kill_in(_metadata, M_OPEN);
}

AUDITED_TEST(killed_in_locked)
{
	kill_in(_metadata, M_LOCKED);
}

AUDITED_TEST(killed_in_locked_accepted)
{
	kill_in(_metadata, M_ACCEPTED);
}

AUDITED_TEST(killed_in_run)
{
	kill_in(_metadata, M_RUN);
}

AUDITED_TEST(killed_with_dma_in_flight)
{
	kill_in(_metadata, M_DMA);
}

/* bind takes a number of exchanges with the device; each takes @SLOW_MS here */
#define SLOW_MS		"500"

AUDITED_TEST(killed_in_the_middle_of_bind)
{
	static const unsigned int after[] = { 20, 300, 700 };
	struct vmm vmm;
	size_t i;
	int status;

	ASSERT_EQ(0, world_write("doe_mode", "slow " SLOW_MS));
	for (i = 0; i < ARRAY_SIZE(after); i++) {
		EXPECT_EQ(0, vmm_start(&vmm, M_BINDING, D_KILL, 0));
		EXPECT_EQ(0, vmm_wait(&vmm, 'r', READY_MS));
		/* no news of the bind's end: it is in the middle */
		EXPECT_EQ(-ETIMEDOUT, vmm_wait(&vmm, 'b', after[i]))
			note("bind is over after %u ms", after[i]);
		kill(vmm.pid, SIGKILL);
		status = vmm_reap(&vmm);
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(0, world_wait_vms(0, GONE_MS));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	}
	EXPECT_EQ(0, world_write("doe_mode", "normal"));
}

static void die_in(struct __test_metadata *_metadata, enum moment moment,
		   enum death death, unsigned int order)
{
	struct vmm vmm;
	int status;

	ASSERT_EQ(0, vmm_start(&vmm, moment, death, order));
	ASSERT_EQ(0, vmm_wait(&vmm, 'r', READY_MS));
	status = vmm_reap(&vmm);
	ASSERT_NE(-1, status);
	if (death == D_ABORT) {
		EXPECT_TRUE(WIFSIGNALED(status));
	} else {
		EXPECT_EQ(0, status);
	}
}

AUDITED_TEST(exits)
{
	die_in(_metadata, M_RUN, D_EXIT, 0);
}

AUDITED_TEST(exits_with_dma_in_flight)
{
	die_in(_metadata, M_DMA, D_EXIT, 0);
}

AUDITED_TEST(aborts)
{
	die_in(_metadata, M_DMA, D_ABORT, 0);
}

AUDITED_TEST(closes_newest_first)
{
	die_in(_metadata, M_RUN, D_CLOSE, 0);
}

AUDITED_TEST(closes_oldest_first)
{
	die_in(_metadata, M_RUN, D_CLOSE, 1);
}

AUDITED_TEST(closes_in_any_order)
{
	unsigned int seed = (now_ms() & 0xffff) | 2, i;

	if (getenv("R01_SEED"))
		seed = strtoul(getenv("R01_SEED"), NULL, 10);

	for (i = 0; i < 6; i++) {
		note("R01_SEED=%u", seed + i);
		die_in(_metadata, i % 3 ? M_RUN : M_LOCKED, D_CLOSE, seed + i);
		/* what it closed first is no excuse for what it left */
		EXPECT_EQ(0, world_wait_vms(0, GONE_MS));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
		EXPECT_EQ(0, audit_look(&self->base));
	}
}

TVM_MAIN
