// SPDX-License-Identifier: GPL-2.0-only
/*
 * R02: the unbind op, IOMMU_DESTROY of the vdevice and the close of the VFIO file
 * each unbind; one of several at once does the work and the others wait for it;
 * a second is a success that does nothing. Closing the iommufd changes nothing. A
 * bind that races with a close never gets in between.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fixture.h"
#include "raw.h"
#include "trail.h"

TVM_TEST(unbind_op)
{
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	/* a second one does nothing, and asks firmware nothing */
	EXPECT_EQ(0, raw_unbind(&self->fn));
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 100));
	/* slots are free again */
	EXPECT_EQ(0, fn_clear_slots(&self->fn));
}

TVM_TEST(destroy_of_vdevice)
{
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, tdi_iommu_destroy(self->fn.iommu, self->fn.vdevice_id));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(ENOENT, raw_unbind(&self->fn));
	self->fn.guest = false;
	/* a new vdevice of the same device binds */
	ASSERT_EQ(0, fn_open_vdevice(&self->fn));
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, fn_run(&self->fn));
}

TVM_TEST(close_of_vfio)
{
	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tvm_to_run(self));
	fn_close_device(&self->fn);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(ENOENT, raw_unbind(&self->fn));
}

TVM_TEST(close_of_iommufd_changes_nothing)
{
	int fd;

	ASSERT_EQ(0, tvm_to_run(self));
	/* the last file of the context; the library's number becomes /dev/null */
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, dup2(fd, tdi_iommu_fd(self->fn.iommu)));
	close(fd);
	/* the event queue's file holds the context too */
	close(self->fn.event_fd);
	self->fn.event_fd = -1;
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(1, world_tdis());
	/* and the guest goes on: MMIO, and trusted DMA */
	EXPECT_EQ(TEEMU_DESC_DONE,
		  fn_dma(&self->fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			 TEEMU_DESC_F_DST_T, VM_SRC_GPA, VM_DST_GPA, 0x10000));
	fn_close_device(&self->fn);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

/* ---- several at once ---- */

#define NR_UNBINDERS	4
/* an unbind takes some exchanges with the device, each of it less than a second */
#define CLOSE_MS	10000

struct racer {
	FIXTURE_DATA(tvm) *self;
	pthread_barrier_t *start;
	int ret;
	bool unlocked;	/* when it returned */
};

static void *unbinder(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	r->ret = raw_unbind(&r->self->fn);
	r->unlocked = world_tdi_is(0, "CONFIG_UNLOCKED");
	return NULL;
}

static void *destroyer(void *arg)
{
	struct racer *r = arg;
	uint64_t end = now_ms() + 20000;

	pthread_barrier_wait(r->start);
	/* iommufd's own EBUSY while another ioctl uses the object */
	do {
		r->ret = -tdi_iommu_destroy(r->self->fn.iommu,
					    r->self->fn.vdevice_id);
	} while (r->ret == EBUSY && now_ms() < end);
	r->unlocked = world_tdi_is(0, "CONFIG_UNLOCKED");
	return NULL;
}

static void *closer(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	fn_close_device(&r->self->fn);
	r->ret = 0;
	r->unlocked = world_tdi_is(0, "CONFIG_UNLOCKED");
	return NULL;
}

static int race(FIXTURE_DATA(tvm) *self, struct racer *racers,
		void *(*last)(void *))
{
	pthread_t threads[NR_UNBINDERS + 1];
	pthread_barrier_t start;
	int i;

	pthread_barrier_init(&start, NULL, NR_UNBINDERS + 1);
	for (i = 0; i <= NR_UNBINDERS; i++) {
		racers[i] = (struct racer) { .self = self, .start = &start };
		if (pthread_create(&threads[i], NULL,
				   i < NR_UNBINDERS ? unbinder : last,
				   &racers[i]))
			return -EAGAIN;
	}
	for (i = 0; i <= NR_UNBINDERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	return 0;
}

static void race_test(struct __test_metadata *_metadata,
		      FIXTURE_DATA(tvm) *self, void *(*last)(void *))
{
	struct racer racers[NR_UNBINDERS + 1];
	uint64_t start;
	int i;

	ASSERT_EQ(0, tvm_to_run(self));
	/* long enough that all of them meet */
	ASSERT_EQ(0, world_write("doe_mode", "slow 200"));
	start = now_ms();
	EXPECT_EQ(0, race(self, racers, last));
	EXPECT_GT(CLOSE_MS, now_ms() - start);
	EXPECT_EQ(0, world_write("doe_mode", "normal"));
	for (i = 0; i <= NR_UNBINDERS; i++) {
		/* the vdevice may be gone before an unbinder looks for it */
		EXPECT_TRUE(racers[i].ret == 0 || racers[i].ret == ENOENT)
			note("racer %d: errno %d", i, racers[i].ret);
		if (racers[i].ret == 0) {
			EXPECT_TRUE(racers[i].unlocked)
				note("racer %d did not wait", i);
		}
	}
	self->fn.guest = false;
	EXPECT_EQ(0, world_tdis());
}

TVM_TEST(unbind_and_unbind_at_once)
{
	race_test(_metadata, self, unbinder);
	EXPECT_EQ(0, fn_bind(&self->fn));
}

TVM_TEST(unbind_and_destroy_at_once)
{
	race_test(_metadata, self, destroyer);
}

TVM_TEST(unbind_and_close_at_once)
{
	race_test(_metadata, self, closer);
}

/* ---- a bind that races with a close ---- */

/* what the parent tells: the number of its iommufd, and the vdevice's id */
struct news {
	int fd;
	uint32_t vdevice_id;
};

/* the same file as the parent's @fd, as if it had been passed over a socket */
static int take_fd(int fd)
{
	int pidfd = syscall(SYS_pidfd_open, getppid(), 0);

	return pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/* bind and bind again until the vdevice is gone; what it saw is the exit code */
static void __attribute__((noreturn)) rebinder(int in, int out)
{
	struct iommu_vdevice_tsm_op op = {
		.size = sizeof(op),
		.type = IOMMU_VDEVICE_TSM_BIND,
	};
	uint64_t end = now_ms() + 60000;
	int fd, err, binds = 0;
	struct news news;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(in, &news, sizeof(news)) != sizeof(news))
		_exit(2);
	fd = take_fd(news.fd);
	if (fd < 0)
		_exit(2);
	op.vdevice_id = news.vdevice_id;
	for (;;) {
		op.type = IOMMU_VDEVICE_TSM_BIND;
		err = ioctl(fd, IOMMU_VDEVICE_TSM_OP, &op) ? errno : 0;
		if (err == ENOENT)
			_exit(binds ? 0 : 3);
		if (err && err != EBUSY)
			_exit(4);
		if (!err && !binds++ && write(out, "b", 1) != 1)
			_exit(2);
		op.type = IOMMU_VDEVICE_TSM_UNBIND;
		err = ioctl(fd, IOMMU_VDEVICE_TSM_OP, &op) ? errno : 0;
		if (err && err != ENOENT)
			_exit(5);
		if (now_ms() > end)
			_exit(6);
	}
}

static void race_bind(struct __test_metadata *_metadata, unsigned int delay_ms)
{
	int down[2], up[2], status, i;
	uint64_t start;
	struct news news;
	struct vm vm;
	struct fn fn;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(down, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(up, O_CLOEXEC));
	/* before there is anything that it could inherit */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(down[1]);
		close(up[0]);
		rebinder(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	vm_init(&vm);
	fn_init(&fn, 0);
	EXPECT_EQ(0, vm_open(&vm, 0));
	EXPECT_EQ(0, fn_open(&fn, &vm));
	news.fd = tdi_iommu_fd(fn.iommu);
	news.vdevice_id = fn.vdevice_id;
	EXPECT_EQ(sizeof(news), write(down[1], &news, sizeof(news)));
	/* it has bound at least once */
	EXPECT_EQ(1, read(up[0], &byte, 1));
	sleep_ms(delay_ms);
	start = now_ms();
	fn_close_device(&fn);
	/* it waits for one ioctl of the other's, not for a time limit */
	EXPECT_GT(CLOSE_MS, now_ms() - start);
	/* nobody was bound in its middle: VFIO's own reset met nobody who minded */
	EXPECT_EQ(0, trail_count(TRAIL_REFUSED, ""));
	trail_note(TRAIL_REFUSED);
	/* from here on nothing is bound, however often the other tries */
	for (i = 0; i < 20; i++) {
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
		EXPECT_EQ(0, world_tdis());
	}
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(down[1]);
	close(up[0]);
	fn_close(&fn);
	vm_close(&vm);
}

AUDITED_TEST(bind_races_with_close)
{
	unsigned int i;

	mkdir(TRAIL, 0700);
	ASSERT_EQ(0, trail_enable("pci_tdi", TRAIL_REFUSED, true));
	ASSERT_EQ(0, trail_clear());
	for (i = 0; i < 6; i++) {
		race_bind(_metadata, i * 7);
		EXPECT_EQ(0, audit_look(&self->base));
		if (_metadata->exit_code)
			break;
	}
	EXPECT_EQ(0, trail_enable("pci_tdi", TRAIL_REFUSED, false));
}

TVM_MAIN
