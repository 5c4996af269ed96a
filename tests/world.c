// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define MAX_LIST	64	/* functions of all vendors */

struct world world;

static void file_path(const char *path, char full[PATH_MAX])
{
	snprintf(full, PATH_MAX, VENDOR_DIR "/%s/%s",
		 world.vendor ? world.vendor->name : "", path);
}

static void vnote(const char *fmt, va_list ap)
{
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vnote(fmt, ap);
	va_end(ap);
}

int failed(int ret, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (ret >= 0)
		return ret;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note("%s: %s", text, strerror(-ret));
	return ret;
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static int find_functions(void)
{
	struct tdi_function fns[MAX_LIST];
	char parent[TDI_NAME_MAX];
	int n, i;

	snprintf(parent, sizeof(parent), "teemu-%s", world.vendor->name);
	world.nr = 0;
	n = tdi_function_list(TEEMU_VENDOR_ID, TEEMU_DEVICE_ID, fns, MAX_LIST);
	for (i = 0; i < n && i < MAX_LIST && world.nr < NR_FNS; i++)
		if (tdi_function_below(fns[i].bdf, parent) == 1)
			strcpy(world.bdf[world.nr++], fns[i].bdf);
	if (world.nr < NR_FNS)
		return n < 0 ? n : -ENODEV;
	return tdi_tsm_find(parent, world.tsm) ? -ENODEV : 0;
}

/* whose world it is */
static int choose_vendor(void)
{
	const char *name = getenv("TDI_VENDOR");
	uint32_t arch;

	if (world.vendor)
		return 0;
	world.vendor = vendor_find(name && *name ? name : "tdx");
	if (!world.vendor)
		return failed(-EINVAL, "TDI_VENDOR=%s", name);
	for (arch = 1; !world.tvm; arch++) {
		world.tvm = attest_vendor(arch);
		if (world.tvm && strcmp(world.tvm->name, world.vendor->name))
			world.tvm = NULL;
	}
	return 0;
}

int world_connect(void)
{
	struct tdi_function fn;
	int ret;

	ret = tdi_function_read(world.bdf[0], &fn);
	if (!ret && !fn.tsm[0])
		ret = tdi_link_connect(world.bdf[0], world.tsm);
	return failed(ret, "connect %s to %s", world.bdf[0], world.tsm);
}

int world_disconnect(void)
{
	return failed(tdi_link_disconnect(world.bdf[0]), "disconnect %s",
		      world.bdf[0]);
}

/* found by this process's parent, and as that has left it */
static bool is_prepared(void)
{
	char text[TDI_NAME_MAX], path[PATH_MAX];
	int i;

	if (!world.nr || tdi_attr_read(world.bdf[0], "tsm/connect", text,
				       sizeof(text)) ||
	    strcmp(text, world.tsm))
		return false;
	/* function 0 has another driver for its VFs */
	for (i = world.vfs ? 1 : 0; i < world.nr; i++) {
		snprintf(path, sizeof(path),
			 "/sys/bus/pci/drivers/vfio-pci/%s", world.bdf[i]);
		if (access(path, F_OK))
			return false;
	}
	return true;
}

int world_prepare(void)
{
	int ret, i;

	ret = choose_vendor();
	if (ret)
		return ret;
	if (is_prepared())
		return 0;
	if (find_functions())
		return -ENODEV;
	ret = world_connect();
	for (i = 0; !ret && i < world.nr; i++)
		ret = failed(tdi_driver_bind(world.bdf[i], "vfio-pci"),
			     "%s to vfio-pci", world.bdf[i]);
	return ret;
}

static int find_vfs(int nr)
{
	char link[32], path[PATH_MAX], target[PATH_MAX], *name;
	int i;

	for (i = 0; i < nr; i++) {
		snprintf(link, sizeof(link), "virtfn%d", i);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s",
			 world.bdf[0], link);
		if (!realpath(path, target))
			return failed(-errno, "%s", path);
		name = strrchr(target, '/') + 1;
		if (!tdi_bdf_valid(name))
			return failed(-EINVAL, "%s", target);
		strcpy(world.bdf[NR_FNS + i], name);
		world.vfs++;
	}
	return 0;
}

int world_set_vfs(int nr)
{
	const char *driver = nr ? "pci-pf-stub" : "vfio-pci";
	char text[8];
	int ret, i;

	if (nr > MAX_FNS - NR_FNS)
		return -EINVAL;
	if (!nr && !world.vfs && is_prepared())
		return 0;
	world.vfs = 0;
	snprintf(text, sizeof(text), "%d", nr);
	/* only a driver that offers VFs has them taken away */
	ret = failed(tdi_driver_bind(world.bdf[0], "pci-pf-stub"),
		     "%s to pci-pf-stub", world.bdf[0]) ?:
	      failed(tdi_attr_write(world.bdf[0], "sriov_numvfs", text),
		     "%d VFs", nr) ?: find_vfs(nr);
	for (i = 0; !ret && i < nr; i++)
		ret = failed(tdi_driver_bind(world.bdf[NR_FNS + i], "vfio-pci"),
			     "%s to vfio-pci", world.bdf[NR_FNS + i]);
	return ret ?: failed(tdi_driver_bind(world.bdf[0], driver),
			     "%s to %s", world.bdf[0], driver);
}

static bool is_there(int nr)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/tsm",
		 world.bdf[nr]);
	if (nr)
		path[strlen(path) - strlen("/tsm")] = 0;
	return !access(path, F_OK);
}

int world_wait_device(bool there, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	int i;

	do {
		for (i = 0; i < NR_FNS && is_there(i) == there; i++)
			;
		if (i == NR_FNS)
			return 0;
		sleep_ms(10);
	} while (now_ms() < end);
	return failed(-ETIMEDOUT, "%s %s", world.bdf[i],
		      there ? "does not come" : "does not go");
}

int world_renew(void)
{
	world.nr = 0;
	world.vfs = 0;
	return world_prepare();
}

/* the slot whose address is that of the device */
static int find_slot(char path[PATH_MAX])
{
	const char *slots = "/sys/bus/pci/slots";
	char text[TDI_BDF_MAX];
	struct dirent *e;
	int ret = -ENOENT;
	DIR *dir;
	FILE *in;

	dir = opendir(slots);
	if (!dir)
		return -errno;
	while (ret && (e = readdir(dir))) {
		snprintf(path, PATH_MAX, "%s/%s/address", slots, e->d_name);
		in = fopen(path, "re");
		if (!in)
			continue;
		/* an address has no function */
		if (fgets(text, sizeof(text), in)) {
			text[strcspn(text, "\n")] = 0;
			if (!strncmp(text, world.bdf[0], strlen(text)))
				ret = 0;
		}
		fclose(in);
		if (!ret)
			snprintf(path, PATH_MAX, "%s/%s/power", slots, e->d_name);
	}
	closedir(dir);
	return ret;
}

int world_slot_power(bool on)
{
	char path[PATH_MAX];
	int fd, ret;

	ret = find_slot(path);
	if (ret)
		return failed(ret, "slot of %s", world.bdf[0]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(-errno, "%s", path);
	ret = write(fd, on ? "1" : "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return failed(ret, "%s", path);
}

int world_write(const char *path, const char *text)
{
	char full[PATH_MAX];
	size_t len = strlen(text);
	ssize_t n;
	int fd;

	file_path(path, full);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(-errno, "%s", full);
	n = write(fd, text, len);
	if (n != (ssize_t)len)
		n = n < 0 ? -errno : -EIO;
	close(fd);
	return failed(n < 0 ? n : 0, "%s: %s", full, text);
}

int world_read(const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	size_t len = 0;
	ssize_t n;
	int fd;

	file_path(path, full);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(-errno, "%s", full);
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	return 0;
}

bool world_tdi_is(unsigned int nr, const char *state)
{
	char path[32], text[64];

	snprintf(path, sizeof(path), "fn%u/tdi", nr);
	if (world_read(path, text, sizeof(text)))
		return false;
	text[strcspn(text, "\n")] = 0;
	if (!strcmp(text, state))
		return true;
	note("fn%u: %s, looked for %s", nr, text, state);
	return false;
}

long world_number(const char *line, const char *name)
{
	size_t len = strlen(name);
	const char *s = line;

	while ((s = strstr(s, name))) {
		if ((s == line || isspace((unsigned char)s[-1])) && s[len] == ' ')
			return strtol(s + len, NULL, 0);
		s += len;
	}
	return -1;
}

long world_table(const char *name)
{
	char text[4096];

	if (world_read("tables", text, sizeof(text)))
		return -1;
	return world_number(text, name);
}

long world_tdis(void)
{
	return world_table(world.vendor->tdis);
}

long world_tvms(void)
{
	return world_table(world.vendor->tvms);
}

long world_mem_pages(void)
{
	return world_table(world.vendor->mem_pages);
}

long world_links(void)
{
	return world_table(world.vendor->link_tables[0].name);
}

long world_iommu_count(unsigned int nr, const char *name)
{
	char text[4096], *line;

	if (world_read("iommu", text, sizeof(text)))
		return -1;
	line = strstr(text, world.bdf[nr]);
	if (!line)
		return -1;
	line[strcspn(line, "\n")] = 0;
	return world_number(line, name);
}

int world_vms(void)
{
	struct dirent *e;
	int n = 0;
	DIR *dir;

	dir = opendir("/sys/kernel/debug/kvm");
	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		n += e->d_type == DT_DIR && isdigit((unsigned char)e->d_name[0]);
	closedir(dir);
	return n;
}

/* each has a line "Total n devices attached"; the last is "Total n objects, ..." */
long world_dmabufs(void)
{
	long n, count = -1;
	char line[256];
	FILE *in;

	in = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	while (in && fgets(line, sizeof(line), in))
		if (strstr(line, " objects, ") && sscanf(line, "Total %ld", &n) == 1)
			count = n;
	if (in)
		fclose(in);
	return count;
}

int world_wait_vms(int count, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	int n;

	while ((n = world_vms()) != count && now_ms() < end)
		sleep_ms(5);
	return n;
}
