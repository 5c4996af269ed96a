/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM in another process, told over a pipe what to do: one VM, one function. It
 * can be of another vendor than the test, and it can be killed. Also what several
 * tests share about DMA that is at work while something else happens.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#define CHILD_MS	60000	/* for whatever it is told */
#define CHILD_GONE_MS	30000	/* for its death */

enum child_op {
	CHILD_OPEN = 'o',	/* VM, function; unbound */
	CHILD_BIND = 'b',
	CHILD_RUN = 'r',	/* accepted, started, ring empty */
	CHILD_USE = 'd',	/* one copy by trusted DMA, compared */
	CHILD_LOOP = 'l',	/* that, until the next order: how often, or -errno */
	CHILD_DMA = 'D',	/* many large copies, at work when it answers */
	CHILD_UNBIND = 'u',
	CHILD_EVENT = 'e',	/* the next event, waiting 10 s: its type */
	CHILD_PEEK = 'p',	/* that, without waiting: -EAGAIN */
	CHILD_CLOSE = 'c',	/* all of it, in the documented order */
	CHILD_STOP = 's',	/* end of CHILD_LOOP */
	CHILD_EXIT = 'x',
};

/**
 * struct child - the VMM
 * @pid: of it
 * @to, @from: pipes: orders of a byte, answers of an int
 */
struct child {
	pid_t pid;
	int to;
	int from;
};

/* what a child does with an order; the VM and the function are its own */
typedef int (*child_do_t)(struct vm *vm, struct fn *fn, int op, int to);

/* this process tests @vendor from here on; in a child only */
static int world_use(const char *vendor)
{
	if (world.vendor && !strcmp(world.vendor->name, vendor))
		return world_prepare();
	memset(&world, 0, sizeof(world));
	setenv("TDI_VENDOR", vendor, 1);
	return world_prepare();
}

#define USE_LEN		(8 * PAGE)

/* one copy by trusted DMA, of a pattern that nothing else has */
static int dma_use(struct vm *vm, struct fn *fn)
{
	static uint64_t seed;
	uint64_t a, b, pattern = (uint64_t)getpid() << 32 | ++seed;
	int ret;

	ret = vm_fill(vm, VM_SRC_GPA, USE_LEN, pattern) ?:
	      vm_fill(vm, VM_DST_GPA, USE_LEN, 0);
	if (ret)
		return ret;
	ret = fn_dma(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T,
		     VM_SRC_GPA, VM_DST_GPA, USE_LEN);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "copy: status %d", ret);
	ret = vm_sum(vm, VM_SRC_GPA, USE_LEN, &a) ?:
	      vm_sum(vm, VM_DST_GPA, USE_LEN, &b);
	if (!ret && a != b)
		ret = failed(-EILSEQ, "copy: sums differ");
	return ret;
}

#define DMA_LEN		0x100000
#define DMA_DESCS	48

/* @nr copies of @len bytes are under way, and the first has arrived */
static int dma_begin_with(struct vm *vm, struct fn *fn, uint32_t len, int nr)
{
	int i, ret;

	ret = vm_fill(vm, VM_SRC_GPA, len, 42) ?:
	      vm_fill(vm, VM_DST_GPA, len, 0) ?: fn_ring_start(fn);
	for (i = 0; ret >= 0 && i < nr; i++)
		ret = fn_post(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			      TEEMU_DESC_F_DST_T, VM_SRC_GPA, VM_DST_GPA, len);
	if (ret >= 0)
		ret = fn_wait(fn, 0, NULL);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "first copy");
	return 0;
}

/* many large ones */
static int dma_begin(struct vm *vm, struct fn *fn)
{
	return dma_begin_with(vm, fn, DMA_LEN, DMA_DESCS);
}

/* seen at work; for a moment between two descriptors it is not */
static bool dma_in_flight(unsigned int nr)
{
	char path[16], text[256];
	int i;

	snprintf(path, sizeof(path), "fn%u/dma", nr);
	for (i = 0; i < 100; i++) {
		if (world_read(path, text, sizeof(text)))
			return false;
		if (strstr(text, "in_flight 1"))
			return true;
	}
	note("%s", text);
	return false;
}

static int child_loop(struct vm *vm, struct fn *fn, int to)
{
	struct pollfd pfd = { .fd = to, .events = POLLIN };
	int n = 0, ret;
	char op;

	do {
		ret = dma_use(vm, fn);
		/* the ring's entries are taken in turns, so it never fills */
		n++;
	} while (!ret && !poll(&pfd, 1, 0));
	if (!ret && (read(to, &op, 1) != 1 || op != CHILD_STOP))
		ret = -EPROTO;
	return ret ?: n;
}

static int child_do(struct vm *vm, struct fn *fn, int op, int to)
{
	switch (op) {
	case CHILD_OPEN:
		return vm_open(vm, 0) ?: fn_open(fn, vm) ?: fn_map(fn);
	case CHILD_BIND:
		return fn_bind(fn);
	case CHILD_RUN:
		return fn_run(fn) ?: fn_ring_start(fn);
	case CHILD_USE:
		return dma_use(vm, fn);
	case CHILD_LOOP:
		return child_loop(vm, fn, to);
	case CHILD_DMA:
		return dma_begin(vm, fn);
	case CHILD_UNBIND:
		return fn_unbind(fn);
	case CHILD_EVENT:
		return fn_event(fn, 10000);
	case CHILD_PEEK:
		return fn_event(fn, 0);
	case CHILD_CLOSE:
		fn_close(fn);
		vm_close(vm);
		return 0;
	default:
		return -EINVAL;
	}
}

static void __attribute__((noreturn))
child_main(const char *vendor, unsigned int nr, child_do_t act, int to, int from)
{
	const struct rlimit no_core = { 0 };
	struct vm vm;
	struct fn fn;
	int ret;
	char op;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	vm_init(&vm);
	fn_init(&fn, nr);
	ret = world_use(vendor);
	/* the first answer is to no order: it is ready */
	while (write(from, &ret, sizeof(ret)) == sizeof(ret) &&
	       read(to, &op, 1) == 1 && op != CHILD_EXIT)
		ret = act(&vm, &fn, op, to);
	_exit(0);
}

/* the answer to the last order in @ret; 0, -ETIMEDOUT, or -EPIPE: it is dead */
static int child_answer(struct child *c, int *ret, int ms)
{
	struct pollfd pfd = { .fd = c->from, .events = POLLIN };

	if (poll(&pfd, 1, ms) <= 0)
		return -ETIMEDOUT;
	return read(c->from, ret, sizeof(*ret)) == sizeof(*ret) ? 0 : -EPIPE;
}

static int child_order(struct child *c, int op)
{
	char byte = op;

	return write(c->to, &byte, 1) == 1 ? 0 : -EPIPE;
}

/* order and answer */
static int child_tell(struct child *c, int op)
{
	int ret = 0, err;

	err = child_order(c, op) ?: child_answer(c, &ret, CHILD_MS);
	return err ? failed(err, "child, order %c", op) : ret;
}

/* tell it everything in @ops, as long as it says 0 */
static int child_tell_all(struct child *c, const char *ops)
{
	int ret = 0;

	for (; !ret && *ops; ops++)
		ret = failed(child_tell(c, *ops), "child, order %c", *ops);
	return ret;
}

/* @act: NULL for child_do(); 0: it is ready for orders */
static int child_start(struct child *c, const char *vendor, unsigned int nr,
		       child_do_t act)
{
	int to[2], from[2], ret = 0, err;

	fflush(stdout);
	if (pipe(to) || pipe(from))
		return -errno;
	c->pid = fork();
	if (!c->pid) {
		close(to[1]);
		close(from[0]);
		child_main(vendor, nr, act ?: child_do, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	c->to = to[1];
	c->from = from[0];
	if (c->pid < 0)
		return -errno;
	err = child_answer(c, &ret, CHILD_MS);
	return failed(err ?: ret, "child of %s", vendor);
}

/* its status as waitpid() tells, -1: it does not die */
static int child_reap(struct child *c)
{
	uint64_t end = now_ms() + CHILD_GONE_MS;
	int status = 0;

	close(c->to);
	while (!waitpid(c->pid, &status, WNOHANG)) {
		if (now_ms() > end)
			return -1;
		sleep_ms(2);
	}
	close(c->from);
	return status;
}

/* 0: it has died of SIGKILL, completely */
static int child_kill(struct child *c)
{
	int status;

	kill(c->pid, SIGKILL);
	status = child_reap(c);
	if (status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 0;
	return failed(-ECHILD, "child: status %#x", status);
}

/* 0: it has gone by itself */
static int child_end(struct child *c)
{
	int status;

	/* others may have its pipe's other end too, so it is told */
	child_order(c, CHILD_EXIT);
	status = child_reap(c);
	return status ? failed(-ECHILD, "child: status %#x", status) : 0;
}

#endif /* TEST_CHILD_H */
