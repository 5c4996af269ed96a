// SPDX-License-Identifier: GPL-2.0-only
/*
 * R20: a guest's requests. What can be refused is refused before the driver; user
 * memory is touched with nothing held; an answer that cannot be delivered leaves a
 * known state; who waits for the device can be interrupted and killed; and a flood of
 * requests delays a neighbour's unbind, and its own VMM's end, by a bound that no
 * number of threads changes.
 *
 * Each field of the ioctl wrong in turn is badinput's, the errnos are r15's.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "child.h"
#include "fixture.h"
#include "raw.h"
#include "trail.h"

#define BOUND_MS	10000	/* what any ioctl of a vDEVICE takes at most */
#define THREADS		24
#define SLACK_MS	5000	/* an emulated CPU with THREADS threads on it */

static const struct attest_read from_start;

static int ask(struct fn *fn, uint32_t op)
{
	uint8_t resp[2048];
	size_t len = sizeof(resp);
	uint64_t code;

	return fn_request(fn, op, &from_start, sizeof(from_start), resp, &len, &code);
}

/*
 * A request for which the device is asked: 0, or -errno. AMD's firmware has read the
 * report at bind and answers by itself; the device has no measurements and says so,
 * which is EIO, as is its silence.
 */
static int talk(struct fn *fn)
{
	int ret;

	if (strcmp(world.vendor->name, "sev"))
		return ask(fn, IOMMU_VDEVICE_TSM_REQ_READ_REPORT);
	ret = ask(fn, IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS);
	return ret == -EIO ? 0 : ret ?: -EPROTO;
}

/* ---- what a VMM in another process is told beyond child.h ---- */

enum {
	DO_REQUEST = 'q',	/* a request: 0 or -errno */
	DO_REQUEST_MS = 'Q',	/* that, timed: ms, or -errno */
	DO_UNBIND_MS = 'U',
	DO_FLOOD = 'f',		/* requests of many threads until CHILD_STOP: how many */
	DO_FLOOD_CLOSE = 'F',	/* its device is closed under them: ms */
};

/* the first number: threads; the others count what they saw */
struct flood {
	struct fn *fn;
	bool stop;
	int done;
	int again;	/* told to repeat it: others were at work for too long */
	int bad;	/* an errno that it should not see */
	pthread_t thread[THREADS];
};

static void *flooder(void *arg)
{
	struct flood *f = arg;
	int ret;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		ret = talk(f->fn);
		if (!ret)
			__atomic_add_fetch(&f->done, 1, __ATOMIC_RELAXED);
		else if (ret == -EAGAIN)
			__atomic_add_fetch(&f->again, 1, __ATOMIC_RELAXED);
		else if (ret != -ENXIO && ret != -ENOENT)
			__atomic_store_n(&f->bad, ret, __ATOMIC_RELAXED);
		if (ret)
			sleep_ms(1);
	}
	return NULL;
}

static int flood_begin(struct flood *f, struct fn *fn, int threads)
{
	int i;

	memset(f, 0, sizeof(*f));
	f->fn = fn;
	for (i = 0; i < threads; i++)
		if (pthread_create(&f->thread[i], NULL, flooder, f))
			return -EAGAIN;
	return 0;
}

/* how many requests were answered, or what they should not have seen */
static int flood_end(struct flood *f, int threads)
{
	int i;

	__atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < threads; i++)
		pthread_join(f->thread[i], NULL);
	return f->bad ?: f->done;
}

static int timed(int (*call)(struct fn *fn), struct fn *fn)
{
	uint64_t start = now_ms();
	int ret = call(fn);

	return ret ?: (int)(now_ms() - start);
}

static int close_device(struct fn *fn)
{
	fn_close_device(fn);
	return 0;
}

static int flood_until_told(struct fn *fn, int to)
{
	struct flood f;
	char op;
	int ret;

	ret = flood_begin(&f, fn, THREADS);
	if (ret)
		return ret;
	if (read(to, &op, 1) != 1 || op != CHILD_STOP)
		ret = -EPROTO;
	ret = ret ?: flood_end(&f, THREADS);
	/* with so many at once some wait for more than their 2 s, and are told */
	return ret > 0 && !f.again ? failed(-ENODATA, "no EAGAIN") : ret;
}

static int flood_and_close(struct fn *fn)
{
	struct flood f;
	int ret, ms;

	ret = flood_begin(&f, fn, THREADS);
	if (ret)
		return ret;
	sleep_ms(500);
	ms = timed(close_device, fn);
	ret = flood_end(&f, THREADS);
	return ret < 0 ? ret : ms;
}

static void on_signal(int sig)
{
	(void)sig;
}

static int act(struct vm *vm, struct fn *fn, int op, int to)
{
	/* SA_RESTART: a request that waits is not begun again behind the VMM's back */
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = SA_RESTART,
	};

	switch (op) {
	case DO_REQUEST:
		sigaction(SIGUSR1, &action, NULL);
		return talk(fn);
	case DO_REQUEST_MS:
		return timed(talk, fn);
	case DO_UNBIND_MS:
		return timed(fn_unbind, fn);
	case DO_FLOOD:
		return flood_until_told(fn, to);
	case DO_FLOOD_CLOSE:
		return flood_and_close(fn);
	default:
		return child_do(vm, fn, op, to);
	}
}

/* two VMs in two processes with one function each of one device, both locked */
static int two_begin(struct child two[2])
{
	int ret = 0, nr;

	for (nr = 0; !ret && nr < 2; nr++)
		ret = child_start(&two[nr], world.vendor->name, nr, act) ?:
		      child_tell_all(&two[nr], "ob");
	return ret;
}

static int one_end(struct child *c)
{
	return child_tell(c, CHILD_CLOSE) ?: child_end(c);
}

/* calls that firmware was asked since the trail was cleared: nobody else asks */
static int calls(void)
{
	return trail_count(TRAIL_CALL, "");
}

/* ---- before the driver ---- */

#define REQ(change)	({						\
	struct iommu_vdevice_tsm_req req =				\
		raw_good_req(&self->fn, &from_start, answer, sizeof(answer)); \
									\
	change;								\
	raw_req(&self->fn, &req);					\
})

TVM_TEST(refused_before_the_driver)
{
	static uint8_t answer[IOMMU_VDEVICE_TSM_RESP_MAX];
	uint64_t start = now_ms();
	struct view view;
	uint32_t arch;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, view_take(&view));
	EXPECT_EQ(ENXIO, REQ(req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT));
	EXPECT_EQ(0, view_same(&view));
	ASSERT_EQ(0, tvm_to_locked(self));
	/* who asked the device now would wait a second for each */
	ASSERT_EQ(0, world_write("doe_mode", "silent"));
	ASSERT_EQ(0, view_take(&view));
	start = now_ms();
	for (arch = 0; arch < 6; arch++) {
		if (arch == world.tvm->arch)
			continue;
		EXPECT_EQ(EOPNOTSUPP, REQ(req.tvm_arch = arch));
	}
	EXPECT_EQ(EOPNOTSUPP, REQ(req.op = 0));
	EXPECT_EQ(EOPNOTSUPP, REQ(req.op = 7));
	EXPECT_EQ(EINVAL, REQ(req.req_len = 0));
	EXPECT_EQ(EINVAL, REQ(req.req_len = 3;
			      req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT));
	EXPECT_EQ(EINVAL, REQ(req.req_len = IOMMU_VDEVICE_TSM_REQ_MAX + 1));
	EXPECT_EQ(EINVAL, REQ(req.resp_len = IOMMU_VDEVICE_TSM_RESP_MAX + 1));
	EXPECT_EQ(EFAULT, REQ(req.req_uptr = PAGE;
			      req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT));
	EXPECT_EQ(ENOENT, REQ(req.vdevice_id = self->fn.viommu_id));
	EXPECT_GT(900, now_ms() - start);
	EXPECT_EQ(0, view_same(&view));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	/* and what is right goes through, and is seen to */
	EXPECT_EQ(0, REQ(req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT));
	EXPECT_NE(0, calls());
	trail_end();
}

/* ---- the answer is lost on its way to the VMM ---- */

/* in memory that the kernel cannot write to: 0 or -errno */
static int64_t request_read_only(void *ctx, uint32_t op, const void *req,
				 size_t req_len, void *resp, size_t *resp_len,
				 uint64_t *code)
{
	struct fn *fn = ctx;
	struct iommu_vdevice_tsm_req *arg;
	int err;

	arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arg == MAP_FAILED)
		return -ENOMEM;
	*arg = (struct iommu_vdevice_tsm_req) {
		.size = sizeof(*arg),
		.vdevice_id = fn->vdevice_id,
		.op = op,
		.tvm_arch = world.tvm->arch,
		.req_len = req_len,
		.resp_len = resp_len ? *resp_len : 0,
		.req_uptr = (uintptr_t)req,
		.resp_uptr = (uintptr_t)resp,
	};
	mprotect(arg, PAGE, PROT_READ);
	err = raw_req(fn, arg);
	munmap(arg, PAGE);
	*code = 0;
	return -err;
}

/* the steps that the architecture has after @step */
static int rest_of(struct fn *fn, enum attest_step step)
{
	const enum attest_step *s = world.tvm->accept;
	int ret = 0;

	while (*s++ != step)
		;
	for (; !ret && *s != ATTEST_END; s++)
		ret = failed(attest_step(fn_attest(fn), *s), "step %d", *s);
	return ret;
}

/* the request has been carried out, and the guest can ask again */
TVM_TEST(answer_cannot_be_delivered)
{
	static uint8_t answer[IOMMU_VDEVICE_TSM_RESP_MAX];
	struct attest *a;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, trail_clear());
	EXPECT_EQ(EFAULT, REQ(req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT;
			      req.resp_uptr = PAGE));
	EXPECT_NE(0, calls());
	EXPECT_EQ(0, REQ(req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT));

	/* a change of state: it is made, and a second is told that it was */
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_START));
	a = fn_attest(&self->fn);
	a->request = request_read_only;
	EXPECT_EQ(-EFAULT, attest_step(a, ATTEST_START));
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	a = fn_attest(&self->fn);
	EXPECT_EQ(ATTEST_REFUSED, attest_step(a, ATTEST_START));
	note("START that was done is answered %#llx", (unsigned long long)a->seen);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(0, rest_of(&self->fn, ATTEST_START));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, dma_use(&self->vm, &self->fn));
	trail_end();
}

/* ---- user memory that somebody else serves ---- */

/**
 * struct stall - a page that stays away until it is told
 * @uffd: userfaultfd that hears of it
 * @page: it
 */
struct stall {
	int uffd;
	uint8_t *page;
};

static int stall_begin(struct stall *s)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (s->uffd < 0)
		return -errno;
	s->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->page == MAP_FAILED || ioctl(s->uffd, UFFDIO_API, &api))
		return -errno;
	reg.range.start = (uintptr_t)s->page;
	reg.range.len = PAGE;
	return ioctl(s->uffd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

/* somebody has touched it and sleeps */
static int stall_met(struct stall *s)
{
	struct pollfd pfd = { .fd = s->uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&pfd, 1, BOUND_MS) <= 0)
		return -ETIMEDOUT;
	return read(s->uffd, &msg, sizeof(msg)) == sizeof(msg) ? 0 : -EIO;
}

/* it comes, with zeroes in it: an offset of 0 */
static int stall_end(struct stall *s)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)s->page, .len = PAGE },
	};

	return ioctl(s->uffd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

static void stall_free(struct stall *s)
{
	close(s->uffd);
	munmap(s->page, PAGE);
}

struct stalled {
	const struct fn *fn;
	struct iommu_vdevice_tsm_req req;
	int err;
	bool back;
};

static void *stalled_request(void *arg)
{
	struct stalled *s = arg;

	s->err = raw_req(s->fn, &s->req);
	__atomic_store_n(&s->back, true, __ATOMIC_SEQ_CST);
	return NULL;
}

enum ending { END_UNBIND, END_DESTROY, END_CLOSE };

/* nothing that its VMM, or the neighbour's, does waits for the page */
static void ends_meanwhile(struct __test_metadata *_metadata, struct fn *fn,
			   struct child *neighbour, enum ending ending)
{
	uint64_t start = now_ms();

	EXPECT_EQ(0, child_tell(neighbour, DO_REQUEST));
	EXPECT_EQ(0, child_tell_all(neighbour, "ub"));
	switch (ending) {
	case END_UNBIND:
		EXPECT_EQ(0, fn_unbind(fn));
		break;
	case END_DESTROY:
		EXPECT_EQ(0, tdi_iommu_destroy(fn->iommu, fn->vdevice_id));
		fn->vdevice_id = 0;
		fn->guest = false;
		break;
	case END_CLOSE:
		fn_close_device(fn);
		break;
	}
	EXPECT_TRUE(world_tdi_is(1, "CONFIG_UNLOCKED"));
	EXPECT_GT(BOUND_MS, now_ms() - start)
		note("ending %d took %d ms", ending, (int)(now_ms() - start));
}

/* @response: the page is the answer's, else the request's */
static void stalls(struct __test_metadata *_metadata, struct child *neighbour,
		   enum ending ending, bool response)
{
	static uint8_t answer[PAGE];
	struct stall stall = { .uffd = -1 };
	struct stalled s = { 0 };
	pthread_t thread;
	struct vm vm;
	struct fn fn;

	vm_init(&vm);
	fn_init(&fn, 1);
	ASSERT_EQ(0, vm_open(&vm, 0));
	ASSERT_EQ(0, fn_open(&fn, &vm));
	ASSERT_EQ(0, fn_bind(&fn));
	ASSERT_EQ(0, stall_begin(&stall));
	ASSERT_EQ(0, trail_clear());
	s.fn = &fn;
	s.req = raw_good_req(&fn, &from_start, answer, sizeof(answer));
	s.req.op = IOMMU_VDEVICE_TSM_REQ_READ_REPORT;
	if (response)
		s.req.resp_uptr = (uintptr_t)stall.page;
	else
		s.req.req_uptr = (uintptr_t)stall.page;
	ASSERT_EQ(0, pthread_create(&thread, NULL, stalled_request, &s));
	ASSERT_EQ(0, stall_met(&stall));
	/* it has been carried out if only the answer is missing */
	EXPECT_EQ(response, !!calls());
	ends_meanwhile(_metadata, &fn, neighbour, ending);
	EXPECT_FALSE(__atomic_load_n(&s.back, __ATOMIC_SEQ_CST));
	ASSERT_EQ(0, stall_end(&stall));
	pthread_join(thread, NULL);
	if (response) {
		EXPECT_EQ(0, s.err);
		EXPECT_LT(16, s.req.resp_len);
	} else {
		EXPECT_EQ(ending == END_UNBIND ? ENXIO : ENOENT, s.err);
	}
	stall_free(&stall);
	fn_close(&fn);
	vm_close(&vm);
}

AUDITED_TEST(memory_behind_userfaultfd)
{
	struct child neighbour;
	int ending;

	/* function 0 has the device's sessions: it is opened first, and closed last */
	ASSERT_EQ(0, child_start(&neighbour, world.vendor->name, 0, act));
	ASSERT_EQ(0, child_tell_all(&neighbour, "ob"));
	ASSERT_EQ(0, trail_begin());
	for (ending = END_UNBIND; ending <= END_CLOSE; ending++) {
		if (ending != END_CLOSE)
			stalls(_metadata, &neighbour, ending, false);
		if (ending != END_DESTROY)
			stalls(_metadata, &neighbour, ending, true);
	}
	trail_end();
	EXPECT_EQ(0, one_end(&neighbour));
}

/* a new queue of @fn's vIOMMU; the kernel writes its answer to @s->page */
struct queue_alloc {
	const struct fn *fn;
	struct stall *stall;
	int err;
};

static void *stalled_queue(void *arg)
{
	struct queue_alloc *q = arg;

	q->err = raw_ioctl(tdi_iommu_fd(q->fn->iommu), IOMMU_VEVENTQ_ALLOC,
			   q->stall->page);
	return NULL;
}

/* what is in the page can be read; who writes waits */
static int stall_writes(struct stall *s, const void *data, size_t len)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect wp = { .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	struct uffdio_range range;

	range.start = (uintptr_t)s->page;
	range.len = PAGE;
	if (ioctl(s->uffd, UFFDIO_UNREGISTER, &range))
		return -errno;
	memcpy(s->page, data, len);
	reg.range = range;
	wp.range = range;
	return ioctl(s->uffd, UFFDIO_REGISTER, &reg) ||
	       ioctl(s->uffd, UFFDIO_WRITEPROTECT, &wp) ? -errno : 0;
}

static int stall_writes_end(struct stall *s)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (uintptr_t)s->page, .len = PAGE },
	};

	return ioctl(s->uffd, UFFDIO_WRITEPROTECT, &wp) ? -errno : 0;
}

/* a queue whose number cannot be told keeps no event, no bind and no close waiting */
TVM_TEST(queue_behind_userfaultfd)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VEVENTQ_TYPE_TSM,
		.veventq_depth = 4,
	};
	struct stall stall = { .uffd = -1 };
	struct queue_alloc q = { .fn = &self->fn, .stall = &stall };
	pthread_t thread;
	uint64_t start;

	self->base.trace = false;
	cmd.viommu_id = self->fn.viommu_id;
	close(self->fn.event_fd);
	self->fn.event_fd = -1;
	ASSERT_EQ(0, tdi_iommu_destroy(self->fn.iommu, self->fn.queue_id));
	self->fn.queue_id = 0;
	ASSERT_EQ(0, fn_bind(&self->fn));
	ASSERT_EQ(0, stall_begin(&stall));
	ASSERT_EQ(0, stall_writes(&stall, &cmd, sizeof(cmd)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stalled_queue, &q));
	ASSERT_EQ(0, stall_met(&stall));
	/* an event goes into it, and the next bind waits for those of the last */
	start = now_ms();
	EXPECT_EQ(0, world_disconnect());
	EXPECT_EQ(0, world_connect());
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_GT(BOUND_MS, now_ms() - start)
		note("it took %d ms", (int)(now_ms() - start));
	ASSERT_EQ(0, stall_writes_end(&stall));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, q.err);
	memcpy(&cmd, stall.page, sizeof(cmd));
	self->fn.queue_id = cmd.out_veventq_id;
	self->fn.event_fd = cmd.out_veventq_fd;
	EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND, fn_event(&self->fn, BOUND_MS));
	stall_free(&stall);
}

/* ---- waiting for the device, which another VM's request has ---- */

#define HOLD_MS		700	/* less than DOE's second */

/* @first has an exchange with a slow device in flight, @second waits behind it */
static int one_behind_the_other(struct child *first, struct child *second)
{
	int ret;

	ret = world_write("doe_mode", "slow 700") ?: trail_clear() ?:
	      child_order(first, DO_REQUEST);
	sleep_ms(HOLD_MS / 4);
	ret = ret ?: child_order(second, DO_REQUEST);
	sleep_ms(HOLD_MS / 4);
	return ret;
}

AUDITED_TEST(signal_while_it_waits)
{
	struct child two[2];
	int ret = 0, once;
	uint64_t start;

	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, two_begin(two));
	ASSERT_EQ(0, trail_clear());
	ASSERT_EQ(0, child_tell(&two[0], DO_REQUEST));
	once = calls();
	ASSERT_LT(0, once);
	ASSERT_EQ(0, one_behind_the_other(&two[1], &two[0]));
	start = now_ms();
	kill(two[0].pid, SIGUSR1);
	EXPECT_EQ(0, child_answer(&two[0], &ret, BOUND_MS));
	EXPECT_EQ(-EINTR, ret);
	/* at once: the other is not ready yet */
	EXPECT_EQ(-ETIMEDOUT, child_answer(&two[1], &ret, 0));
	EXPECT_GT(HOLD_MS / 2, now_ms() - start);
	EXPECT_EQ(0, child_answer(&two[1], &ret, BOUND_MS));
	EXPECT_EQ(0, ret);
	/* nothing was sent, so it can be repeated */
	EXPECT_EQ(once, calls());
	EXPECT_EQ(0, child_tell(&two[0], DO_REQUEST));
	EXPECT_EQ(2 * once, calls());
	/* an exchange in flight is not interrupted */
	EXPECT_EQ(0, child_order(&two[0], DO_REQUEST));
	sleep_ms(HOLD_MS / 2);
	kill(two[0].pid, SIGUSR1);
	EXPECT_EQ(0, child_answer(&two[0], &ret, BOUND_MS));
	EXPECT_EQ(0, ret);
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	trail_end();
	EXPECT_EQ(0, one_end(&two[1]));
	EXPECT_EQ(0, one_end(&two[0]));
}

/*
 * It dies, and with it its binding, behind the other's exchange and no later. It has
 * function 1, since a last close of function 0 takes the others along.
 */
static void kill_one(struct __test_metadata *_metadata, bool waiter)
{
	struct child two[2], *victim = &two[1], *other = &two[0];
	uint64_t start;
	int ret = 0;

	ASSERT_EQ(0, two_begin(two));
	ASSERT_EQ(0, waiter ? one_behind_the_other(other, victim) :
			      one_behind_the_other(victim, other));
	start = now_ms();
	EXPECT_EQ(0, child_kill(victim));
	EXPECT_GT(BOUND_MS, now_ms() - start)
		note("its death took %d ms", (int)(now_ms() - start));
	EXPECT_EQ(0, child_answer(other, &ret, BOUND_MS));
	EXPECT_EQ(0, ret);
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(1, world_wait_vms(1, BOUND_MS));
	EXPECT_TRUE(world_tdi_is(1, "CONFIG_UNLOCKED"));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	/* it asks, accepts, and uses the device */
	EXPECT_EQ(0, child_tell_all(other, "qrd"));
	EXPECT_EQ(0, one_end(other));
}

AUDITED_TEST(killed_while_it_waits)
{
	ASSERT_EQ(0, trail_begin());
	kill_one(_metadata, true);
	trail_end();
}

AUDITED_TEST(killed_while_the_device_has_it)
{
	ASSERT_EQ(0, trail_begin());
	kill_one(_metadata, false);
	trail_end();
}

/* ---- floods ---- */

/* what the device takes for a request: THREADS of them are far more than two and SLACK_MS */
#define FLOOD_MS	600
#define FLOOD_MODE	"slow 600"

/*
 * @base: what it takes without the flood; @one: what one request takes. Ahead of it is
 * the neighbour's request that has the device, and one that was quicker.
 */
static void delayed_by_two(struct __test_metadata *_metadata, const char *what,
			   int ms, int base, int one)
{
	note("%s: %d ms, %d ms without the flood of requests of %d ms", what, ms,
	     base, one);
	EXPECT_LE(0, ms);
	EXPECT_GT(base + 2 * one + SLACK_MS, ms)
		note("%s waits for more than two requests", what);
}

AUDITED_TEST(flood_of_a_neighbour)
{
	int one, unbind, ms, served = 0;
	struct child two[2];

	ONCE_OR_SKIP();
	ASSERT_EQ(0, two_begin(two));
	ASSERT_EQ(0, world_write("doe_mode", FLOOD_MODE));
	one = child_tell(&two[1], DO_REQUEST_MS);
	unbind = child_tell(&two[0], DO_UNBIND_MS);
	ASSERT_LE(FLOOD_MS, one);
	ASSERT_LE(0, unbind);
	ASSERT_EQ(0, child_tell(&two[0], CHILD_BIND));

	ASSERT_EQ(0, child_order(&two[1], DO_FLOOD));
	sleep_ms(2500);
	ms = child_tell(&two[0], DO_REQUEST_MS);
	delayed_by_two(_metadata, "request", ms, one, one);
	ms = child_tell(&two[0], DO_UNBIND_MS);
	delayed_by_two(_metadata, "unbind", ms, unbind, one);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	/* and the flood was one */
	EXPECT_EQ(0, child_order(&two[1], CHILD_STOP));
	EXPECT_EQ(0, child_answer(&two[1], &served, CHILD_MS));
	EXPECT_LT(3, served);
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(0, one_end(&two[1]));
	EXPECT_EQ(0, one_end(&two[0]));
}

/* a VMM whose own threads ask on while it closes the device */
AUDITED_TEST(flood_of_its_own)
{
	struct child one;
	int request, ms;

	ONCE_OR_SKIP();
	ASSERT_EQ(0, child_start(&one, world.vendor->name, 0, act));
	ASSERT_EQ(0, child_tell_all(&one, "ob"));
	ASSERT_EQ(0, world_write("doe_mode", FLOOD_MODE));
	request = child_tell(&one, DO_REQUEST_MS);
	ms = child_tell(&one, DO_UNBIND_MS);
	ASSERT_LE(0, ms);
	ASSERT_EQ(0, child_tell(&one, CHILD_BIND));
	delayed_by_two(_metadata, "close", child_tell(&one, DO_FLOOD_CLOSE),
		       /* and an FLR */ ms + 300, request);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(0, one_end(&one));
}

/* a device that says nothing: each of them ends in time, and says why */
AUDITED_TEST(silent_device)
{
	struct child two[2];
	uint64_t start;
	int ret = 0, nr;

	ASSERT_EQ(0, two_begin(two));
	ASSERT_EQ(0, world_write("doe_mode", "silent"));
	start = now_ms();
	for (nr = 0; nr < 2; nr++)
		EXPECT_EQ(0, child_order(&two[nr], DO_REQUEST));
	for (nr = 0; nr < 2; nr++) {
		EXPECT_EQ(0, child_answer(&two[nr], &ret, CHILD_MS));
		EXPECT_EQ(strcmp(world.vendor->name, "sev") ? -EIO : 0, ret);
		EXPECT_GT(BOUND_MS, now_ms() - start);
	}
	note("both requests are back after %d ms", (int)(now_ms() - start));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_EQ(0, one_end(&two[1]));
	EXPECT_EQ(0, one_end(&two[0]));
}

/* ---- at the same time as bind and unbind ---- */

TVM_TEST(concurrent_with_unbind)
{
	struct flood f;
	int i;

	ASSERT_EQ(0, flood_begin(&f, &self->fn, 3));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, fn_bind(&self->fn));
		sleep_ms(30 + 20 * i);
		EXPECT_EQ(0, fn_unbind(&self->fn));
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	}
	/* some were answered, and the others were told that it is not bound */
	EXPECT_LT(0, flood_end(&f, 3));
	EXPECT_EQ(-ENXIO, talk(&self->fn));
	EXPECT_EQ(0, fn_bind(&self->fn) ?: fn_run(&self->fn));
}

TVM_MAIN
