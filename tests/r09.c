// SPDX-License-Identifier: GPL-2.0-only
/*
 * R09: a process loses its memory before its files. KVM's mmu-notifier zaps the VM's
 * page tables then; firmware's tables are untouched until the unbind, which is told
 * to firmware in its own order, whoever asks for it and when.
 *
 * What shows it: firmware's tables and the trace of its calls. The memory is gone for
 * certain when its last user is dead; the files live on because the test has them, or
 * because an exec has given their process another memory.
 */
#include <fcntl.h>

#include "fixture.h"
#include "lent.h"
#include "trail.h"

#define SOON_MS		30000
#define A_WHILE_MS	200
#define ROUNDS		2

/* the VM's memory is gone: KVM does nothing for this process */
static bool is_orphan(int vm_fd)
{
	struct kvm_memory_attributes attrs = { .size = PAGE };

	return raw_ioctl(vm_fd, KVM_SET_MEMORY_ATTRIBUTES, &attrs) == EIO;
}

/* bound as if nothing had happened, and firmware knows of nothing */
static void is_bound(struct __test_metadata *_metadata, const struct view *view)
{
	sleep_ms(A_WHILE_MS);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(1, world_vms());
	EXPECT_EQ(0, view_same(view));
	EXPECT_EQ(0, trail_count(TRAIL_STATE, ""));
}

static void is_unbound(struct __test_metadata *_metadata)
{
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_LT(0, trail_count(TRAIL_CALL, ""));
}

/* all files are alive; the vCPU was in the guest when its memory went */
static void files_outlive_memory(struct __test_metadata *_metadata,
				 lent_body body, bool unbind)
{
	const unsigned int all = (1U << LENT_KINDS) - 1;
	struct lent l = {};
	struct view view;
	int kind;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, lent_start(&l, body, NULL));
	ASSERT_EQ(0, lent_wait(&l));
	ASSERT_EQ(0, lent_take(&l, all));
	ASSERT_EQ(0, view_take(&view));
	ASSERT_EQ(0, lent_kill(&l));
	EXPECT_TRUE(is_orphan(l.fd[LENT_VM]));
	is_bound(_metadata, &view);
	if (unbind) {
		EXPECT_EQ(0, lent_op(&l, IOMMU_VDEVICE_TSM_UNBIND));
		is_unbound(_metadata);
	} else {
		/* the device last but for KVM's reference to it */
		for (kind = 0; kind < LENT_KINDS; kind++)
			if (kind != LENT_KVM_VFIO)
				lent_give_back(&l, kind);
		is_bound(_metadata, &view);
		lent_give_back(&l, LENT_KVM_VFIO);
		is_unbound(_metadata);
	}
	lent_end(&l);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	trail_end();
}

/*
 * And firmware has pages of the guest's memory, which must stay there, too. Not so in
 * the other tests: a guest_memfd that is closed takes them out, as it has to (R29).
 */
static int run_with_memory(struct vm *vm, struct fn *fn, void *arg)
{
	int ret;

	ret = lent_run(vm, fn, arg) ?: vm_fill(vm, VM_SRC_GPA, PAGE, 1) ?:
	      vm_fill(vm, VM_DST_GPA, PAGE, 0) ?: fn_ring_start(fn);
	if (ret)
		return ret;
	ret = fn_dma(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T,
		     VM_SRC_GPA, VM_DST_GPA, PAGE);
	return ret == TEEMU_DESC_DONE ? 0 : failed(ret < 0 ? ret : -EIO, "copy");
}

AUDITED_TEST(files_outlive_memory_then_unbind)
{
	files_outlive_memory(_metadata, run_with_memory, true);
}

AUDITED_TEST(files_outlive_memory_then_close)
{
	files_outlive_memory(_metadata, lent_run, false);
}

AUDITED_TEST(files_outlive_memory_of_a_running_vcpu)
{
	files_outlive_memory(_metadata, lent_run_and_spin, true);
}

/* ---- exec: the same process, the same files, another memory ---- */

/* all files but the three are kept by an exec, or not; guest_memfd comes as one that is */
static int set_cloexec(bool on)
{
	struct dirent *e;
	DIR *dir;
	int fd;

	dir = opendir("/proc/self/fd");
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		fd = atoi(e->d_name);
		if (fd > 2 && fd != dirfd(dir) && fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0))
			return -errno;
	}
	closedir(dir);
	return 0;
}

/* what the process is called then */
#define SLEEPER		"sleep"

static int run_and_exec(struct vm *vm, struct fn *fn, void *arg)
{
	struct lent *l = arg;
	int ret;

	ret = lent_run(vm, fn, NULL) ?: set_cloexec(false);
	if (ret)
		return ret;
	/* the test takes its view before it lets us go */
	l->shared->state = 1;
	while (l->shared->beat != 1)
		sleep_ms(1);
	execl("/bin/sleep", SLEEPER, "600", NULL);
	return -errno;
}

static bool has_become_a_sleeper(pid_t pid)
{
	uint64_t end = now_ms() + SOON_MS;
	char path[32], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	do {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
		if (!strcmp(text, SLEEPER))
			return true;
		sleep_ms(2);
	} while (now_ms() < end);
	return false;
}

AUDITED_TEST(exec_with_all_files_open)
{
	struct lent l = {};
	struct view view;

	if (access("/bin/sleep", X_OK))
		SKIP(return, "no /bin/sleep to exec");
	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, lent_start(&l, run_and_exec, &l));
	ASSERT_EQ(0, lent_wait(&l));
	ASSERT_EQ(0, view_take(&view));
	l.shared->beat = 1;
	ASSERT_TRUE(has_become_a_sleeper(l.pid));
	is_bound(_metadata, &view);
	ASSERT_EQ(0, lent_kill(&l));
	is_unbound(_metadata);
	lent_end(&l);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	trail_end();
}

/* and without them: what closes them is the exec, after it changed the memory */
static int run_and_exec_plainly(struct vm *vm, struct fn *fn, void *arg)
{
	int ret;

	(void)arg;
	ret = lent_run(vm, fn, NULL) ?: set_cloexec(true);
	if (ret)
		return ret;
	execl("/bin/sleep", SLEEPER, "600", NULL);
	return -errno;
}

/* what firmware was asked at the end of a life, it was asked by the unbind */
static void asked_by_the_unbind(struct __test_metadata *_metadata)
{
	int unbinding = 0, call = 0;

	EXPECT_EQ(1, trail_find(TRAIL_STATE, "> UNBINDING", &unbinding));
	EXPECT_LT(0, trail_find(TRAIL_CALL, "", &call));
	EXPECT_LT(unbinding, call)
		trail_note(TRAIL_CALL);
}

AUDITED_TEST(exec_closes_all_files)
{
	struct lent l = {};

	if (access("/bin/sleep", X_OK))
		SKIP(return, "no /bin/sleep to exec");
	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, lent_start(&l, run_and_exec_plainly, NULL));
	ASSERT_TRUE(has_become_a_sleeper(l.pid));
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	is_unbound(_metadata);
	lent_end(&l);
	trail_end();
}

/* ---- killed, with a vCPU in the guest and KVM's worker that shares the memory ---- */

AUDITED_TEST(killed_while_the_guest_runs)
{
	struct lent l;
	int i;

	ASSERT_EQ(0, trail_begin());
	for (i = 0; i < ROUNDS; i++) {
		memset(&l, 0, sizeof(l));
		ASSERT_EQ(0, lent_start(&l, lent_run_and_spin, NULL));
		ASSERT_EQ(0, lent_wait(&l));
		ASSERT_EQ(0, trail_clear());
		ASSERT_EQ(0, lent_kill(&l));
		/* KVM's worker may be the last to let go of the files */
		EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
		is_unbound(_metadata);
		asked_by_the_unbind(_metadata);
		lent_end(&l);
	}
	trail_end();
}

/* a process that shares the memory lives on: files first, memory later */
static int companion_main(void *arg)
{
	(void)arg;
	return pause();
}

static int run_with_a_companion(struct vm *vm, struct fn *fn, void *arg)
{
	static uint8_t stack[65536] __attribute__((aligned(16)));
	struct lent *l = arg;
	int ret, pid;

	ret = lent_run_and_spin(vm, fn, NULL);
	if (ret)
		return ret;
	pid = clone(companion_main, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    NULL);
	if (pid < 0)
		return -errno;
	l->shared->vdevice_id = pid;
	return 0;
}

/*
 * The companion has copies of the files and the memory; it dies after its parent, so
 * that neither the files nor the memory end with the VMM's main process.
 */
AUDITED_TEST(memory_shared_with_another_process)
{
	struct lent l = {};
	struct view view;
	pid_t companion;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, lent_start(&l, run_with_a_companion, &l));
	ASSERT_EQ(0, lent_wait(&l));
	companion = l.shared->vdevice_id;
	ASSERT_EQ(0, view_take(&view));
	ASSERT_EQ(0, lent_kill(&l));
	is_bound(_metadata, &view);
	ASSERT_EQ(0, kill(companion, SIGKILL));
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	is_unbound(_metadata);
	asked_by_the_unbind(_metadata);
	lent_end(&l);
	trail_end();
}

/* ---- the VMM unmaps everything that its slots stand for ---- */

TVM_TEST(all_memory_unmapped_while_bound)
{
	uint64_t at = fn_bar_gpa(&self->fn, TEEMU_BAR_REGS);
	struct view view;
	int i;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, view_take(&view));
	for (i = 0; i < FN_BAR_SLOTS; i++)
		unreserve(&self->fn.slot[i].hva);
	unreserve(&self->vm.hva);
	/* libtdi unmaps the place when it closes the device */
	ASSERT_EQ((void *)self->fn.bar0,
		  mmap((void *)self->fn.bar0, TEEMU_BAR_REGS_SIZE, PROT_NONE,
		       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	is_bound(_metadata, &view);
	/* the guest has what it had, as long as its page tables are there */
	EXPECT_EQ(0, vm_write32(&self->vm, at + TEEMU_REG_TAIL, 0));
	EXPECT_LT(0, trail_count(TRAIL_FAULT, "allowed"));
	EXPECT_EQ(0, view_same(&view));

	/* now those, and the vCPU's page */
	ASSERT_EQ(0, munmap(self->vm.shared, VM_SHARED_SIZE));
	self->vm.shared = NULL;
	ASSERT_EQ(0, munmap(self->vm.run, self->vm.run_size));
	self->vm.run = NULL;
	is_bound(_metadata, &view);
	EXPECT_EQ(0, fn_unbind(&self->fn));
	is_unbound(_metadata);
	trail_end();
}

TVM_MAIN
