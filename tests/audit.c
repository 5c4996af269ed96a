// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "world.h"

#define SETTLE_MS	10000
#define DEEP_MS		60000
#define TRACEFS		"/sys/kernel/tracing"
#define TRACE		TRACEFS "/instances/tdi-tests"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE_MS	5500	/* younger objects are not reported */

static int read_text(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = 0;
	return 0;
}

/* the end of the kernel's log: what comes after it is this test's doing */
static int log_begin(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* kernel messages that no test may cause */
static int log_look(int fd)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "KASAN:", "UBSAN:", "Oops", "refcount_t:",
		"possible circular", "possible recursive", "leaked for good",
		"Time out waiting for iommufd",
	};
	char record[8192];
	int wrong = 0;
	ssize_t n;
	size_t i;

	/* EPIPE: some were overwritten before they were read */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (n <= 0)
			continue;
		record[n] = 0;
		/* what the tests say themselves comes to the same log */
		if (strstr(record, ";tdi| "))
			continue;
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (strstr(record, bad[i])) {
				note("audit: the kernel says %s", record);
				wrong++;
				break;
			}
	}
	return wrong ? -EUCLEAN : 0;
}

/* lockdep stops for good at its first complaint */
static bool lockdep_is_off(void)
{
	static char text[16384];
	const char *s;

	if (read_text("/proc/lockdep_stats", text, sizeof(text)))
		return false;
	s = strstr(text, "debug_locks:");
	return s && strtol(s + strlen("debug_locks:"), NULL, 10) == 0;
}

static int write_text(const char *path, const char *text, int flags)
{
	ssize_t n = 0;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	if (*text)
		n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

/*
 * A trace of our own of the falls to ERROR: a TDI that was unbound too late, after
 * the device was disabled or reset, looks as clean in the end as one that was not.
 */
static bool trace_begin(void)
{
	if (access(TRACEFS "/trace", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	mkdir(TRACE, 0700);
	return !write_text(TRACE "/buffer_size_kb", "64", 0) &&
	       !write_text(TRACE "/events/teemu/teemu_fall/enable", "1", 0) &&
	       !write_text(TRACE "/trace", "", O_TRUNC);
}

static int trace_look(void)
{
	char line[256];
	int falls = 0;
	FILE *in;

	in = fopen(TRACE "/trace", "re");
	if (!in)
		return failed(-errno, "audit: trace");
	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '#' || !strstr(line, "teemu_fall"))
			continue;
		line[strcspn(line, "\n")] = 0;
		note("audit: %s", line);
		falls++;
	}
	fclose(in);
	return falls ? -EUCLEAN : 0;
}

void audit_forget_falls(void)
{
	failed(write_text(TRACE "/trace", "", O_TRUNC), "audit: trace");
}

static int count_fds(void)
{
	struct dirent *e;
	int n = 0;
	DIR *dir;

	dir = opendir("/proc/self/fd");
	if (!dir)
		return -1;
	while ((e = readdir(dir)))
		n++;
	closedir(dir);
	return n;
}

static bool link_is_up(void)
{
	char text[TDI_NAME_MAX];

	return !tdi_attr_read(world.bdf[0], "tsm/connect", text,
			      sizeof(text)) && text[0];
}

/* what the state of the platform has wrong; @say: on "# " lines */
static int count_wrong(bool say)
{
	char text[16384], name[64], *line, *save;
	unsigned long long count;
	bool link = link_is_up();
	int nr, wrong = 0;

	if (world_read("tables", text, sizeof(text)))
		return 1;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%63s %llu", name, &count) == 2 &&
		    count <= (link ? vendor_link_most(world.vendor->name,
						      name) : 0))
			continue;
		wrong++;
		if (say)
			note("audit: table %s", line);
	}
	for (nr = 0; nr < world.nr; nr++) {
		snprintf(name, sizeof(name), "fn%d/tdi", nr);
		if (!world_read(name, text, sizeof(text)) &&
		    !strcmp(text, "CONFIG_UNLOCKED\n"))
			continue;
		wrong++;
		if (say)
			note("audit: %s: %s", name, text);
	}
	if (world_vms()) {
		wrong++;
		if (say)
			note("audit: %d VMs", world_vms());
	}
	if (world_dmabufs()) {
		wrong++;
		if (say)
			note("audit: %ld dma-bufs", world_dmabufs());
	}
	return wrong;
}

/* what is not clean now may be so in a moment: work items put away the last */
static int settle(void)
{
	uint64_t end = now_ms() + SETTLE_MS;

	while (count_wrong(false)) {
		if (now_ms() > end)
			return count_wrong(true) ? -EUCLEAN : 0;
		sleep_ms(5);
	}
	return 0;
}

static unsigned long long read_violations(bool say)
{
	char text[1024];
	long n;

	if (world_read("referee", text, sizeof(text)))
		return 0;
	n = world_number(text, "violations");
	if (n && say)
		note("audit: referee: %s", text);
	return n;
}

int audit_begin(struct audit_base *base)
{
	/* what an earlier test has left is that test's failure, not ours */
	settle();
	base->violations = read_violations(false);
	base->log = log_begin();
	if (base->log < 0)
		note("audit: no /dev/kmsg, warnings go unseen");
	base->lockdep_off = lockdep_is_off();
	base->fds = count_fds();
	base->trace = trace_begin();
	if (!base->trace)
		note("audit: no trace, falls to ERROR go unseen");
	return 0;
}

int audit_look(const struct audit_base *base)
{
	int ret = settle(), fds;

	if (read_violations(false) != base->violations) {
		read_violations(true);
		ret = -EUCLEAN;
	}
	if (base->log >= 0 && log_look(base->log))
		ret = -EUCLEAN;
	if (lockdep_is_off() && !base->lockdep_off) {
		note("audit: lockdep complained");
		ret = -EUCLEAN;
	}
	if (base->trace && trace_look())
		ret = -EUCLEAN;
	fds = count_fds();
	if (fds > base->fds) {
		note("audit: %d open files, before the test %d", fds, base->fds);
		ret = -EUCLEAN;
	}
	return ret;
}

/* bind, run, trusted DMA with a checksum, unbind */
static int use_again(struct vm *vm, struct fn *fn)
{
	uint64_t a, b;
	int ret;

	ret = vm_open(vm, 0) ?: fn_open(fn, vm) ?:
	      failed(fn_bind(fn), "bind") ?: fn_run(fn) ?:
	      vm_fill(vm, VM_SRC_GPA, 4 * PAGE, 0x1122334455667788 + fn->nr) ?:
	      vm_fill(vm, VM_DST_GPA, 4 * PAGE, 0) ?: fn_ring_start(fn);
	if (ret)
		return ret;
	ret = fn_dma(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T,
		     VM_SRC_GPA, VM_DST_GPA, 4 * PAGE);
	if (ret != TEEMU_DESC_DONE)
		return failed(ret < 0 ? ret : -EIO, "T=1 copy: status %d", ret);
	ret = vm_sum(vm, VM_SRC_GPA, 4 * PAGE, &a) ?:
	      vm_sum(vm, VM_DST_GPA, 4 * PAGE, &b);
	if (!ret && a != b)
		ret = failed(-EIO, "T=1 copy: sums differ");
	return ret ?: failed(fn_unbind(fn), "unbind");
}

static int bind_again(int nr)
{
	struct vm vm;
	struct fn fn;
	int ret;

	vm_init(&vm);
	fn_init(&fn, nr);
	ret = use_again(&vm, &fn);
	if (ret)
		note("audit: function %d cannot be used again", nr);
	fn_close(&fn);
	vm_close(&vm);
	return ret ? -EUCLEAN : 0;
}

int audit_end(const struct audit_base *base)
{
	int ret;

	ret = audit_look(base);
	if (ret)
		return ret;
	return bind_again(0) ?: audit_look(base);
}

/*
 * Unbinding the driver waits for every reference to VFIO's device, for ever if
 * one was leaked: a child does it and the parent looks at the clock.
 */
static int rebind_drivers(void)
{
	uint64_t end = now_ms() + DEEP_MS;
	int i, status, ret = 0;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		for (i = 0; !ret && i < world.nr; i++)
			ret = tdi_driver_unbind(world.bdf[i]);
		_exit(ret ? 1 : 0);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() > end) {
			note("audit: vfio-pci does not let go of a function");
			return -EUCLEAN;
		}
		sleep_ms(10);
	}
	if (status)
		return failed(-EUCLEAN, "audit: driver unbind");
	return 0;
}

int audit_deep(void)
{
	int ret, nr;

	ret = world_disconnect() ? -EUCLEAN : settle();
	if (!ret && link_is_up())
		ret = failed(-EUCLEAN, "audit: the link is still up");
	if (!ret)
		ret = rebind_drivers();
	if (world_prepare())
		ret = -EUCLEAN;
	for (nr = 1; !ret && nr < world.nr; nr++)
		ret = bind_again(nr) ?: settle();
	return ret;
}

static int scan(void)
{
	return write_text(KMEMLEAK, "scan", 0);
}

int audit_kmemleak(void)
{
	static char text[8192];
	char *line, *save;
	int ret;

	if (access(KMEMLEAK, F_OK))
		return -ENOENT;
	sleep_ms(KMEMLEAK_AGE_MS);
	ret = scan() ?: scan() ?: read_text(KMEMLEAK, text, sizeof(text));
	if (ret)
		return failed(ret, "kmemleak");
	if (!text[0])
		return 0;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		note("%s", line);
	return -EUCLEAN;
}
