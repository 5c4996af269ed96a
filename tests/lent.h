/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM in a child, and files of it that the test takes for itself: what is left of
 * the VMM when it is dead is what the test holds.
 */
#ifndef TEST_LENT_H
#define TEST_LENT_H

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"
#include "world.h"

#define LENT_MS		60000
#define LENT_MAX	32

/* kinds of files; the words are in what /proc/PID/fd/N points at */
enum lent_kind {
	LENT_VM, LENT_VCPU, LENT_KVM_VFIO, LENT_GMEM, LENT_DEVICE, LENT_IOMMU,
	LENT_DMABUF, LENT_KINDS
};

static const struct {
	const char *name;
	const char *word;
} lent_kinds[LENT_KINDS] = {
	[LENT_VM] = { "VM", "kvm-vm" },
	[LENT_VCPU] = { "vCPU", "kvm-vcpu" },
	[LENT_KVM_VFIO] = { "KVM's VFIO device", "kvm-vfio" },
	[LENT_GMEM] = { "guest_memfd", "kvm-gmem" },
	[LENT_DEVICE] = { "VFIO device", "/dev/vfio/devices/" },
	[LENT_IOMMU] = { "iommufd", "/dev/iommu" },
	[LENT_DMABUF] = { "dma-buf", "/dmabuf" },
};

/**
 * struct lent - the child
 * @pid: of it
 * @vdevice_id: of its function
 * @shared: what both see: its ids, and whether it is where it was to be
 * @fd: its files in our table, by kind; -1: not taken. Of the dma-bufs the first
 */
struct lent {
	pid_t pid;
	struct lent_shared {
		volatile int state;	/* 1 there, -1 failed */
		uint32_t vdevice_id;
		volatile uint64_t beat;	/* while its vCPU runs */
	} *shared;
	int fd[LENT_KINDS];
};

/* what the child does once its VM and function are open; 0 or -errno */
typedef int (*lent_body)(struct vm *vm, struct fn *fn, void *arg);

static inline int lent_start(struct lent *l, lent_body body, void *arg)
{
	struct vm vm;
	struct fn fn;
	int i, ret;

	for (i = 0; i < LENT_KINDS; i++)
		l->fd[i] = -1;
	l->shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->shared == MAP_FAILED)
		return -errno;
	fflush(stdout);
	l->pid = fork();
	if (l->pid < 0)
		return -errno;
	if (l->pid)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vm_init(&vm);
	fn_init(&fn, 0);
	ret = vm_open(&vm, 0) ?: fn_open(&fn, &vm);
	l->shared->vdevice_id = fn.vdevice_id;
	ret = ret ?: body(&vm, &fn, arg);
	l->shared->state = ret ? -1 : 1;
	for (;;) {
		l->shared->beat = vm_mbox(&vm)->beat;
		sleep_ms(5);
	}
}

/* it is where it was to be: 0, -EIO, -ETIMEDOUT */
static inline int lent_wait(struct lent *l)
{
	uint64_t end = now_ms() + LENT_MS;

	while (!l->shared->state && now_ms() < end)
		sleep_ms(2);
	return l->shared->state > 0 ? 0 : l->shared->state ? -EIO : -ETIMEDOUT;
}

static inline enum lent_kind lent_kind_of(pid_t pid, int fd)
{
	char path[64], link[256];
	ssize_t n;
	int kind;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = 0;
	for (kind = 0; kind < LENT_KINDS; kind++)
		if (strstr(link, lent_kinds[kind].word))
			break;
	return kind;
}

/* take the first file of each kind that is in @kinds, a mask: 0 or -errno */
static inline int lent_take(struct lent *l, unsigned int kinds)
{
	int pidfd, kind, fd, ret = 0;
	char path[32];
	struct dirent *e;
	DIR *dir;

	pidfd = syscall(SYS_pidfd_open, l->pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", l->pid);
	dir = opendir(path);
	if (pidfd < 0 || !dir)
		return -errno;
	while (!ret && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		fd = atoi(e->d_name);
		kind = lent_kind_of(l->pid, fd);
		if (kind == LENT_KINDS || !(kinds & 1U << kind) || l->fd[kind] >= 0)
			continue;
		l->fd[kind] = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		if (l->fd[kind] < 0)
			ret = failed(-errno, "%s", lent_kinds[kind].name);
	}
	closedir(dir);
	close(pidfd);
	for (kind = 0; !ret && kind < LENT_KINDS; kind++)
		if (kinds & 1U << kind && l->fd[kind] < 0)
			ret = failed(-ENOENT, "%s", lent_kinds[kind].name);
	return ret;
}

static inline void lent_give_back(struct lent *l, enum lent_kind kind)
{
	if (l->fd[kind] >= 0)
		close(l->fd[kind]);
	l->fd[kind] = -1;
}

/* the child is dead and reaped; its memory is gone, of its files what it lent stay */
static inline int lent_kill(struct lent *l)
{
	int status;

	if (l->pid > 0) {
		kill(l->pid, SIGKILL);
		if (waitpid(l->pid, &status, 0) != l->pid)
			return -errno;
		l->pid = 0;
	}
	return 0;
}

/* complete from any half-way state */
static inline void lent_end(struct lent *l)
{
	int kind;

	lent_kill(l);
	for (kind = 0; kind < LENT_KINDS; kind++)
		lent_give_back(l, kind);
	if (l->shared && l->shared != MAP_FAILED)
		munmap(l->shared, PAGE);
	l->shared = NULL;
}

/* the unbind op, through the iommufd that was lent: the errno */
static inline int lent_op(struct lent *l, uint32_t type)
{
	struct iommu_vdevice_tsm_op op = {
		.size = sizeof(op), .type = type,
		.vdevice_id = l->shared->vdevice_id,
	};

	return raw_ioctl(l->fd[LENT_IOMMU], IOMMU_VDEVICE_TSM_OP, &op);
}

static void *lent_spinner(void *arg)
{
	vm_agent(arg);
	return NULL;
}

/* a vCPU that reads @fn's registers all the time, in a thread of its own */
static inline int lent_spin(struct vm *vm, const struct fn *fn, pthread_t *thread)
{
	volatile struct agent_mbox *m = vm_mbox(vm);
	uint64_t end = now_ms() + LENT_MS;

	m->cmd = AGENT_SPIN;
	m->gpa = fn_bar_gpa(fn, TEEMU_BAR_REGS) + TEEMU_REG_ID;
	m->stop = 0;
	m->beat = 0;
	if (pthread_create(thread, NULL, lent_spinner, vm))
		return -EAGAIN;
	while (m->beat < 10)
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "vCPU");
	return 0;
}

/* a body: in RUN, the guest has read its registers */
static inline int lent_run(struct vm *vm, struct fn *fn, void *arg)
{
	uint32_t id = 0;
	int ret;

	(void)arg;
	ret = failed(fn_bind(fn), "bind") ?: fn_run(fn) ?:
	      vm_read32(vm, fn_bar_gpa(fn, TEEMU_BAR_REGS) + TEEMU_REG_ID, &id);
	return ret ?: id == TEEMU_ID ? 0 : -EIO;
}

/* a body: and a vCPU in KVM_RUN reads on */
static inline int lent_run_and_spin(struct vm *vm, struct fn *fn, void *arg)
{
	pthread_t thread;

	return lent_run(vm, fn, arg) ?: lent_spin(vm, fn, &thread);
}

#endif /* TEST_LENT_H */
