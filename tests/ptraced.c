// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/kvm.h>
#include <linux/ptrace.h>
#include <linux/vfio.h>

#include "ptraced.h"

#define OPTIONS	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | \
		 PTRACE_O_TRACEEXEC)
#define AT_CALL	(SIGTRAP | 0x80)	/* of TRACESYSGOOD */

/* ---- a wait with an end ---- */

static volatile sig_atomic_t rang;

static void on_alarm(int sig)
{
	(void)sig;
	rang = 1;
}

/* the alarm repeats, for one that comes just before waitpid() is lost on it */
static void set_alarm(unsigned int ms)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval.tv_usec = ms ? 200000 : 0,
	};

	rang = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* as waitpid() of any child, thread or not; -ETIMEDOUT when the alarm rang */
static pid_t wait_any(int *status)
{
	pid_t tid;

	do {
		if (rang)
			return -ETIMEDOUT;
		tid = waitpid(-1, status, __WALL);
	} while (tid < 0 && errno == EINTR);
	return tid < 0 ? -errno : tid;
}

/* ---- one CPU for both, on the way ---- */

/*
 * Of program and tracer only one runs at a time, and handing over to another CPU costs
 * an interrupt and a wake-up each time: on an emulated machine far more than all else.
 */
static void share_cpu(struct ptraced *p)
{
	cpu_set_t one;

	sched_getaffinity(0, sizeof(p->cpus), &p->cpus);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* the program's threads have all CPUs again, to die on; and so has the tracer */
static void part(struct ptraced *p)
{
	size_t i;

	set_alarm(0);
	for (i = 0; p->pid && i < p->nr_threads; i++)
		sched_setaffinity(p->threads[i].tid, sizeof(p->cpus), &p->cpus);
	sched_setaffinity(0, sizeof(p->cpus), &p->cpus);
}

/* ---- from call to call ---- */

static void __attribute__((noreturn)) child(char *const argv[], int out, int go)
{
	int null = open("/dev/null", O_RDONLY);
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(126);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	closefrom(3);
	execv(argv[0], argv);
	_exit(127);
}

int ptraced_start(struct ptraced *p, char *const argv[], int out, unsigned int ms)
{
	int go[2], ret = 0;

	memset(p, 0, sizeof(*p));
	fflush(stdout);
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	share_cpu(p);
	set_alarm(ms);
	p->pid = fork();
	if (!p->pid)
		child(argv, out, go[0]);
	close(go[0]);
	if (p->pid < 0)
		ret = -errno;
	else if (ptrace(PTRACE_SEIZE, p->pid, 0, OPTIONS) ||
		 write(go[1], "g", 1) != 1)
		ret = -errno;
	close(go[1]);
	if (ret && p->pid > 0)
		ptraced_kill(p, 1000);
	else if (ret)
		part(p);
	return ret;
}

static struct ptraced_thread *find_thread(struct ptraced *p, pid_t tid)
{
	size_t i;

	for (i = 0; i < p->nr_threads; i++)
		if (p->threads[i].tid == tid)
			return &p->threads[i];
	if (p->nr_threads == PTRACED_THREADS)
		return NULL;
	p->threads[p->nr_threads].tid = tid;
	return &p->threads[p->nr_threads++];
}

static uint64_t command(uint64_t nr, const uint64_t *args)
{
	return nr == SYS_ioctl ? (uint32_t)args[1] : 0;
}

static unsigned int count(struct ptraced_thread *t, uint64_t nr, uint64_t cmd)
{
	size_t i;

	for (i = 0; i < t->nr_calls; i++)
		if (t->calls[i].nr == nr && t->calls[i].cmd == cmd)
			return ++t->calls[i].count;
	if (i == PTRACED_CALLS)
		return 0;
	t->calls[i].nr = nr;
	t->calls[i].cmd = cmd;
	t->calls[i].count = 1;
	t->nr_calls++;
	return 1;
}

/* what the thread stands at; an exit goes with the entry that was seen before it */
static int look_at(struct ptraced *p, struct ptraced_thread *t)
{
	struct ptrace_syscall_info info;
	struct ptraced_stop *at = &t->at;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0)
		return -errno;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		at->nr = info.entry.nr;
		memcpy(at->args, info.entry.args, sizeof(at->args));
		at->nth = count(t, at->nr, command(at->nr, at->args));
		if (!at->nth)
			return -ENOSPC;
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		at->ret = info.exit.rval;
	} else {
		return -EPROTO;
	}
	at->thread = t - p->threads;
	at->exit = info.op == PTRACE_SYSCALL_INFO_EXIT;
	at->stirred = p->stirred;
	p->stirred = false;
	return 0;
}

/* a thread that was killed meanwhile is told nothing, and that is no error */
static int go_on(pid_t tid, int sig)
{
	return ptrace(PTRACE_SYSCALL, tid, 0, sig) && errno != ESRCH ? -errno : 0;
}

/* one news of a thread: 1 it is at a call, 0 it is not, or -errno */
static int handle(struct ptraced *p, pid_t tid, int status)
{
	struct ptraced_thread *t;
	int ret;

	if (WIFSTOPPED(status) && WSTOPSIG(status) == AT_CALL) {
		t = find_thread(p, tid);
		ret = t ? look_at(p, t) : -ENOSPC;
		if (ret)
			return ret;
		p->held = t;
		return 1;
	}
	p->stirred = true;
	if (!WIFSTOPPED(status)) {
		if (tid == p->pid) {
			p->status = status;
			p->pid = 0;
		}
		return 0;
	}
	/* an event, of which the thread knows nothing, or a signal that it gets */
	return go_on(tid, status >> 16 ? 0 : WSTOPSIG(status));
}

int ptraced_next(struct ptraced *p, struct ptraced_stop *stop)
{
	int status = 0, ret = 0;
	pid_t tid;

	if (p->held)
		ret = go_on(p->held->tid, 0);
	p->held = NULL;
	while (!ret && p->pid) {
		tid = wait_any(&status);
		ret = tid < 0 ? tid : handle(p, tid, status);
	}
	if (ret > 0)
		*stop = p->held->at;
	else
		part(p);
	return ret;
}

/* the first thread's end is told when all others have gone */
int ptraced_kill(struct ptraced *p, unsigned int ms)
{
	int status = 0;
	pid_t tid = 0;

	part(p);
	if (!p->pid)
		return 0;
	kill(p->pid, SIGKILL);
	set_alarm(ms);
	while (tid >= 0 && p->pid) {
		tid = wait_any(&status);
		if (tid != p->pid || WIFSTOPPED(status))
			continue;
		p->status = status;
		p->pid = 0;
	}
	set_alarm(0);
	p->held = NULL;
	if (tid < 0)
		return tid;
	return waitpid(-1, &status, __WALL | WNOHANG) < 0 && errno == ECHILD ?
		0 : -EBUSY;
}

long ptraced_faults(const struct ptraced *p)
{
	unsigned long minor = 0;
	char path[64], *s;
	char text[1024];
	ssize_t n;
	int fd;

	if (!p->held)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", p->pid, p->held->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	s = strrchr(text, ')');
	if (!s || sscanf(s, ") %*c %*d %*d %*d %*d %*d %*u %lu", &minor) != 1)
		return -EPROTO;
	return minor;
}

int ptraced_string(const struct ptraced *p, uint64_t addr, char *buf, size_t size)
{
	size_t n = 0;
	long word;

	if (!p->held)
		return -EINVAL;
	do {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, p->held->tid, addr + n, 0);
		if (errno)
			return -errno;
		memcpy(buf + n, &word, sizeof(word));
		n += sizeof(word);
	} while (!memchr(&word, 0, sizeof(word)) && n + sizeof(word) <= size);
	buf[size - 1] = 0;
	return 0;
}

bool ptraced_same(const struct ptraced_stop *a, const struct ptraced_stop *b)
{
	return a->thread == b->thread && a->exit == b->exit && a->nr == b->nr &&
	       a->nth == b->nth && command(a->nr, a->args) == command(b->nr, b->args);
}

/* ---- names, for people ---- */

#define CALL(name)	{ SYS_##name, #name }
#define CMD(name)	{ (uint32_t)(name), #name }

static const struct {
	uint64_t nr;
	const char *name;
} calls[] = {
	CALL(read), CALL(write), CALL(open), CALL(openat), CALL(close), CALL(fstat),
	CALL(newfstatat), CALL(stat), CALL(lseek), CALL(poll), CALL(ppoll), CALL(mmap),
	CALL(munmap), CALL(mprotect), CALL(madvise), CALL(brk), CALL(pread64),
	CALL(pwrite64), CALL(readlink), CALL(readlinkat), CALL(access), CALL(faccessat),
	CALL(getdents64), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn),
	CALL(setitimer), CALL(eventfd2), CALL(clone), CALL(clone3), CALL(futex),
	CALL(set_robust_list), CALL(rseq), CALL(exit), CALL(exit_group), CALL(getpid),
	CALL(gettid), CALL(tgkill), CALL(prlimit64), CALL(clock_gettime),
	CALL(restart_syscall), CALL(fcntl), CALL(getrandom), CALL(execve),
	CALL(arch_prctl), CALL(set_tid_address), CALL(ioctl), CALL(sched_yield),
}, commands[] = {
	CMD(KVM_GET_API_VERSION), CMD(KVM_CREATE_VM), CMD(KVM_CHECK_EXTENSION),
	CMD(KVM_GET_VCPU_MMAP_SIZE), CMD(KVM_GET_SUPPORTED_CPUID), CMD(KVM_CREATE_VCPU),
	CMD(KVM_SET_USER_MEMORY_REGION2), CMD(KVM_SET_MEMORY_ATTRIBUTES),
	CMD(KVM_CREATE_GUEST_MEMFD), CMD(KVM_CREATE_DEVICE), CMD(KVM_SET_DEVICE_ATTR),
	CMD(KVM_RUN), CMD(KVM_GET_REGS), CMD(KVM_SET_REGS), CMD(KVM_GET_SREGS),
	CMD(KVM_SET_SREGS), CMD(KVM_SET_CPUID2), CMD(KVM_GET_TSC_KHZ),
	CMD(VFIO_DEVICE_GET_INFO), CMD(VFIO_DEVICE_GET_REGION_INFO),
	CMD(VFIO_DEVICE_FEATURE), CMD(VFIO_DEVICE_BIND_IOMMUFD),
	CMD(VFIO_DEVICE_ATTACH_IOMMUFD_PT), CMD(VFIO_DEVICE_DETACH_IOMMUFD_PT),
	CMD(IOMMU_DESTROY), CMD(IOMMU_IOAS_ALLOC), CMD(IOMMU_IOAS_MAP),
	CMD(IOMMU_IOAS_UNMAP), CMD(IOMMU_HWPT_ALLOC), CMD(IOMMU_VIOMMU_ALLOC),
	CMD(IOMMU_VDEVICE_ALLOC), CMD(IOMMU_VEVENTQ_ALLOC), CMD(IOMMU_VDEVICE_TSM_OP),
	CMD(IOMMU_VDEVICE_TSM_REQ),
};

/* no two of the commands here have a number in common, and no other driver is asked */
const char *ptraced_name(const struct ptraced_stop *stop, char *buf, size_t size)
{
	uint64_t cmd = command(stop->nr, stop->args);
	size_t i;

	for (i = 0; cmd && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].nr == cmd)
			return commands[i].name;
	for (i = 0; !cmd && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].nr == stop->nr)
			return calls[i].name;
	if (cmd)
		snprintf(buf, size, "ioctl-%#llx", (unsigned long long)cmd);
	else
		snprintf(buf, size, "call-%llu", (unsigned long long)stop->nr);
	return buf;
}
