// SPDX-License-Identifier: GPL-2.0-only
/*
 * An instance of the kernel's trace: what it records, and when it is removed, is no
 * business of whoever uses the trace itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tdi.h"

#define INSTANCES	"/sys/kernel/tracing/instances"
#define PREFIX		"tdi-"

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

void stop_on_signals(void)
{
	/* no SA_RESTART: a wait ends */
	const struct sigaction act = { .sa_handler = on_signal };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &act, NULL);
}

bool stopped(void)
{
	return stop;
}

/* what a tdi that was killed has left behind */
static void remove_orphans(void)
{
	char path[PATH_MAX];
	struct dirent *e;
	pid_t pid;
	DIR *dir;

	dir = opendir(INSTANCES);
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			continue;
		pid = atoi(e->d_name + strlen(PREFIX));
		if (pid > 0 && kill(pid, 0) && errno == ESRCH) {
			snprintf(path, sizeof(path), INSTANCES "/%s", e->d_name);
			rmdir(path);
		}
	}
	closedir(dir);
}

int tracefs_open(struct tracefs *t, unsigned int kb)
{
	char text[16];
	int ret;

	t->dir[0] = 0;
	if (access(INSTANCES, F_OK))
		return errno == ENOENT ? -ENOTSUP : -errno;
	remove_orphans();
	snprintf(t->dir, sizeof(t->dir), INSTANCES "/" PREFIX "%d",
		 (int)getpid());
	if (mkdir(t->dir, 0700) && errno != EEXIST) {
		ret = -errno;
		t->dir[0] = 0;
		return ret;
	}
	snprintf(text, sizeof(text), "%u", kb);
	ret = tracefs_write(t, "trace_clock", "mono") ?:
	      tracefs_write(t, "buffer_size_kb", text);
	if (ret)
		tracefs_close(t);
	return ret;
}

void tracefs_close(struct tracefs *t)
{
	if (t->dir[0])
		rmdir(t->dir);
	t->dir[0] = 0;
}

int tracefs_file(const struct tracefs *t, const char *file, int flags)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t->dir, file);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int tracefs_write(const struct tracefs *t, const char *file, const char *text)
{
	int fd = tracefs_file(t, file, O_WRONLY), ret = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int tracefs_enable(const struct tracefs *t, const char *event)
{
	char file[96];

	snprintf(file, sizeof(file), "events/%s/enable", event);
	return tracefs_write(t, file, "1");
}

/* "per_cpu/cpuN/stats" of each has a line "overrun: N" */
uint64_t tracefs_lost(const struct tracefs *t)
{
	char file[64], text[1024];
	uint64_t lost = 0;
	unsigned int cpu;
	const char *s;
	ssize_t n;
	int fd;

	for (cpu = 0;; cpu++) {
		snprintf(file, sizeof(file), "per_cpu/cpu%u/stats", cpu);
		fd = tracefs_file(t, file, O_RDONLY);
		if (fd < 0)
			return lost;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		s = strstr(text, "overrun: ");
		if (s)
			lost += strtoull(s + strlen("overrun: "), NULL, 10);
	}
}

const char *tracefs_advice(int ret)
{
	if (ret == -ENOTSUP)
		return "tracefs is not there: mount -t tracefs tracefs /sys/kernel/tracing, on a kernel with CONFIG_TRACING";
	if (ret == -ENOENT)
		return "this kernel has no tracepoints pci_tdi:*: it has no CONFIG_PCI_TSM, or no CONFIG_TRACING";
	return NULL;
}
