// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/teemu.h>

#include <tdi/sysfs.h>

#include "audit.h"
#include "vendors.h"

#define DEBUGFS		"/sys/kernel/debug"
#define MAX_FUNCTIONS	64
#define NR_FNS		8

static int read_file(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	return 0;
}

int audit_file(const char *vendor, const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), DEBUGFS "/teemu/%s/%s", vendor, path);
	return read_file(full, buf, size);
}

uint64_t audit_number(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *s = text;

	while ((s = strstr(s, name))) {
		if ((s == text || isspace((unsigned char)s[-1])) &&
		    s[len] == ' ')
			return strtoull(s + len, NULL, 10);
		s += len;
	}
	return 0;
}

static void append(char *buf, size_t size, const char *a, const char *b)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s %s", len ? ", " : "", a, b);
}

/* a function is connected to the TSM below platform device teemu-<vendor> */
static bool link_connected(const char *vendor)
{
	struct tdi_function fns[MAX_FUNCTIONS];
	char parent[TDI_NAME_MAX], tsm[TDI_NAME_MAX];
	int n, i;

	snprintf(parent, sizeof(parent), "teemu-%s", vendor);
	if (tdi_tsm_find(parent, tsm))
		return false;
	n = tdi_function_list(TEEMU_VENDOR_ID, TEEMU_DEVICE_ID, fns,
			      MAX_FUNCTIONS);
	for (i = 0; i < n && i < MAX_FUNCTIONS; i++)
		if (!strcmp(fns[i].tsm, tsm))
			return true;
	return false;
}

static int read_tables(const char *vendor, struct audit *a)
{
	char text[4096], name[64], *line, *save;
	unsigned long long count;
	char number[24];
	int ret;

	ret = audit_file(vendor, "tables", text, sizeof(text));
	if (ret)
		return ret;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%63s %llu", name, &count) != 2) {
			append(a->tables, sizeof(a->tables), "unreadable", line);
			continue;
		}
		if (count <= (a->connected ? vendor_link_most(vendor, name) : 0))
			continue;
		snprintf(number, sizeof(number), "%llu", count);
		append(a->tables, sizeof(a->tables), name, number);
	}
	return 0;
}

static void read_tdis(const char *vendor, struct audit *a)
{
	char path[32], fn[8], state[64];
	int i;

	for (i = 0; i < NR_FNS; i++) {
		snprintf(fn, sizeof(fn), "fn%d", i);
		snprintf(path, sizeof(path), "%s/tdi", fn);
		if (audit_file(vendor, path, state, sizeof(state)))
			continue;
		state[strcspn(state, "\n")] = 0;
		if (strcmp(state, "CONFIG_UNLOCKED"))
			append(a->tdis, sizeof(a->tdis), fn, state);
	}
}

/* KVM has one folder per VM */
static int count_vms(void)
{
	struct dirent *e;
	int n = 0;
	DIR *dir;

	dir = opendir(DEBUGFS "/kvm");
	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		n += e->d_type == DT_DIR && isdigit((unsigned char)e->d_name[0]);
	closedir(dir);
	return n;
}

/* the list ends in "Total N objects, ..." */
static int count_dmabufs(void)
{
	char text[16384];
	const char *total;

	if (read_file(DEBUGFS "/dma_buf/bufinfo", text, sizeof(text)))
		return -1;
	total = strstr(text, "Total ");
	return total ? atoi(total + strlen("Total ")) : -1;
}

int audit_read(const char *vendor, struct audit *a)
{
	char text[1024];
	const char *last;
	int ret;

	memset(a, 0, sizeof(*a));
	ret = audit_file(vendor, "referee", text, sizeof(text));
	if (ret)
		return ret;
	a->calls = audit_number(text, "calls");
	a->refused = audit_number(text, "refused");
	a->violations = audit_number(text, "violations");
	last = strstr(text, "\nlast ");
	if (last)
		snprintf(a->last, sizeof(a->last), "%.*s",
			 (int)strcspn(last + 1, "\n"), last + 1);
	a->connected = link_connected(vendor);
	ret = read_tables(vendor, a);
	if (ret)
		return ret;
	read_tdis(vendor, a);
	a->vms = count_vms();
	a->dmabufs = count_dmabufs();
	return 0;
}

bool audit_clean(const struct audit *a)
{
	return !a->violations && !a->tables[0] && !a->tdis[0] && !a->vms &&
	       a->dmabufs <= 0;
}

void audit_explain(const struct audit *a, char *buf, size_t size)
{
	char number[24];

	buf[0] = 0;
	if (a->violations) {
		snprintf(number, sizeof(number), "%llu (",
			 (unsigned long long)a->violations);
		append(buf, size, "violations", number);
		snprintf(buf + strlen(buf), size - strlen(buf), "%s)", a->last);
	}
	if (a->tables[0])
		append(buf, size, "tables not empty:", a->tables);
	if (a->tdis[0])
		append(buf, size, "not CONFIG_UNLOCKED:", a->tdis);
	if (a->vms) {
		snprintf(number, sizeof(number), "%d", a->vms);
		append(buf, size, "VMs alive", number);
	}
	if (a->dmabufs > 0) {
		snprintf(number, sizeof(number), "%d", a->dmabufs);
		append(buf, size, "dma-bufs alive", number);
	}
}

int audit_wait(const char *vendor, unsigned int timeout_ms, struct audit *a)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	unsigned int waited;
	int ret;

	for (waited = 0;; waited += 10) {
		ret = audit_read(vendor, a);
		if (ret || audit_clean(a))
			return ret;
		/* what firmware counted stays counted */
		if (a->violations || waited >= timeout_ms)
			return -EBUSY;
		nanosleep(&nap, NULL);
	}
}
