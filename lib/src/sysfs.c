// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tdi/sysfs.h>

#include "util.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"
#define TSM_CLASS	"/sys/class/tsm"

bool tdi_bdf_valid(const char *bdf)
{
	size_t domain = 0, i;
	const char *s;

	if (!bdf)
		return false;
	while (isxdigit((unsigned char)bdf[domain]))
		domain++;
	if (domain < 4 || domain > 8)
		return false;
	s = bdf + domain;
	if (strlen(s) != strlen(":BB:DD.F") || s[0] != ':' || s[3] != ':' ||
	    s[6] != '.')
		return false;
	for (i = 1; i < 8; i++)
		if (i != 3 && i != 6 && !isxdigit((unsigned char)s[i]))
			return false;
	return s[7] >= '0' && s[7] <= '7';
}

int tdi_bdf_function(const char *bdf, unsigned int fn, char out[TDI_BDF_MAX])
{
	if (!tdi_bdf_valid(bdf) || fn > 7)
		return -EINVAL;
	memcpy(out, bdf, strlen(bdf) + 1);
	out[strlen(out) - 1] = '0' + fn;
	return 0;
}

static int attr_path(const char *bdf, const char *attr, char path[PATH_MAX])
{
	if (!tdi_bdf_valid(bdf))
		return -EINVAL;
	snprintf(path, PATH_MAX, PCI_DEVICES "/%s/%s", bdf, attr);
	return 0;
}

static int read_text(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	if (!size)
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return 0;
}

static int write_text(const char *path, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	return (size_t)n == len ? 0 : -EIO;
}

int tdi_attr_read(const char *bdf, const char *attr, char *buf, size_t size)
{
	char path[PATH_MAX];

	return attr_path(bdf, attr, path) ?: read_text(path, buf, size);
}

int tdi_attr_write(const char *bdf, const char *attr, const char *text)
{
	char path[PATH_MAX];

	return attr_path(bdf, attr, path) ?: write_text(path, text);
}

void tdi_link_name(const char *path, char name[TDI_NAME_MAX])
{
	char target[PATH_MAX];
	const char *base;
	ssize_t n;

	name[0] = 0;
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = 0;
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) < TDI_NAME_MAX)
		strcpy(name, base);
}

static int read_id(const char *bdf, const char *attr, uint16_t *id)
{
	char text[32];
	int ret;

	ret = tdi_attr_read(bdf, attr, text, sizeof(text));
	if (!ret)
		*id = strtoul(text, NULL, 16);
	return ret;
}

/* the vfioN directory below @bdf/vfio-dev */
static void read_cdev(const char *bdf, char cdev[TDI_NAME_MAX])
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	cdev[0] = 0;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "vfio", 4) &&
		    strlen(e->d_name) < TDI_NAME_MAX)
			strcpy(cdev, e->d_name);
	closedir(dir);
}

int tdi_function_read(const char *bdf, struct tdi_function *fn)
{
	unsigned int domain, bus, dev, func;
	char path[PATH_MAX];
	int ret;

	memset(fn, 0, sizeof(*fn));
	if (!tdi_bdf_valid(bdf))
		return -EINVAL;
	strcpy(fn->bdf, bdf);
	sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &dev, &func);
	fn->domain = domain;
	fn->rid = bus << 8 | dev << 3 | func;
	ret = read_id(bdf, "vendor", &fn->vendor) ?:
	      read_id(bdf, "device", &fn->device);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/tsm/connect", bdf);
	fn->dsm = !access(path, F_OK);
	if (fn->dsm && read_text(path, fn->tsm, sizeof(fn->tsm)))
		fn->tsm[0] = 0;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", bdf);
	tdi_link_name(path, fn->driver);
	read_cdev(bdf, fn->cdev);
	return 0;
}

int tdi_function_list(uint16_t vendor, uint16_t device,
		      struct tdi_function *fns, size_t max)
{
	struct dirent **names;
	struct tdi_function fn;
	int count = 0, n, i;

	n = scandir(PCI_DEVICES, &names, NULL, alphasort);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		if (!tdi_function_read(names[i]->d_name, &fn) &&
		    (vendor == 0xffff || fn.vendor == vendor) &&
		    (device == 0xffff || fn.device == device)) {
			if ((size_t)count < max)
				fns[count] = fn;
			count++;
		}
		free(names[i]);
	}
	free(names);
	return count;
}

int tdi_tsm_get(unsigned int index, char name[TDI_NAME_MAX],
		char parent[TDI_NAME_MAX])
{
	struct dirent **names;
	char path[PATH_MAX];
	unsigned int seen = 0;
	int n, i, ret = -ENOENT;

	n = scandir(TSM_CLASS, &names, NULL, alphasort);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		if (!strncmp(names[i]->d_name, "tsm", 3) &&
		    strlen(names[i]->d_name) < TDI_NAME_MAX &&
		    seen++ == index) {
			strcpy(name, names[i]->d_name);
			snprintf(path, sizeof(path), TSM_CLASS "/%s/device",
				 name);
			tdi_link_name(path, parent);
			ret = 0;
		}
		free(names[i]);
	}
	free(names);
	return ret;
}

/* a platform device's name may carry an instance: "teemu-tdx.0" */
static bool same_parent(const char *want, const char *have)
{
	size_t len = strlen(want);

	return !strncmp(want, have, len) && (!have[len] || have[len] == '.');
}

int tdi_tsm_find(const char *parent, char name[TDI_NAME_MAX])
{
	char have[TDI_NAME_MAX];
	unsigned int i;
	int ret;

	for (i = 0; !(ret = tdi_tsm_get(i, name, have)); i++)
		if (!parent || same_parent(parent, have))
			return 0;
	return ret;
}

int tdi_function_tsm(const char *bdf, char name[TDI_NAME_MAX],
		     char parent[TDI_NAME_MAX])
{
	char dsm[TDI_BDF_MAX], path[PATH_MAX];
	struct tdi_function fn;
	int ret;

	/* the kernel names the one that holds the link, for a VF too; before a connect it is function 0 */
	ret = tdi_attr_read(bdf, "tsm/dsm", dsm, sizeof(dsm));
	if (ret || !dsm[0])
		ret = tdi_bdf_function(bdf, 0, dsm);
	ret = ret ?: tdi_function_read(dsm, &fn);
	if (ret)
		return ret;
	if (!fn.tsm[0])
		return -ENOTCONN;
	strcpy(name, fn.tsm);
	snprintf(path, sizeof(path), TSM_CLASS "/%s/device", name);
	tdi_link_name(path, parent);
	return parent[0] ? 0 : -ENOENT;
}

int tdi_function_below(const char *bdf, const char *ancestor)
{
	char path[PATH_MAX], real[PATH_MAX], child[PATH_MAX + NAME_MAX + 2];
	char *slash;
	int ret;

	if (!ancestor[0] || strchr(ancestor, '/') ||
	    strlen(ancestor) > NAME_MAX)
		return -EINVAL;
	ret = attr_path(bdf, ".", path);
	if (ret)
		return ret;
	if (!realpath(path, real))
		return -errno;
	while ((slash = strrchr(real, '/')) && slash != real) {
		if (!strcmp(slash + 1, ancestor))
			return 1;
		*slash = 0;
		if (!strcmp(real, "/sys/devices") || !strcmp(real, "/sys"))
			break;
		snprintf(child, sizeof(child), "%s/%s", real, ancestor);
		if (!access(child, F_OK))
			return 1;
	}
	return 0;
}

int tdi_link_connect(const char *bdf, const char *tsm)
{
	return tdi_attr_write(bdf, "tsm/connect", tsm);
}

int tdi_link_disconnect(const char *bdf)
{
	char tsm[TDI_NAME_MAX];
	int ret;

	ret = tdi_attr_read(bdf, "tsm/connect", tsm, sizeof(tsm));
	if (ret)
		return ret;
	if (!tsm[0])
		return 0;
	return tdi_attr_write(bdf, "tsm/disconnect", tsm);
}

static int probe_driver(const struct tdi_function *fn, const char *driver)
{
	struct tdi_function now;
	int ret = 0;

	if (fn->driver[0])
		ret = tdi_attr_write(fn->bdf, "driver/unbind", fn->bdf);
	if (!ret)
		ret = write_text("/sys/bus/pci/drivers_probe", fn->bdf);
	if (!ret)
		ret = tdi_function_read(fn->bdf, &now);
	if (!ret && strcmp(now.driver, driver))
		ret = -ENODEV;
	return ret;
}

int tdi_driver_bind(const char *bdf, const char *driver)
{
	struct tdi_function fn;
	int ret;

	ret = tdi_function_read(bdf, &fn);
	if (ret)
		return ret;
	if (!strcmp(fn.driver, driver))
		return 0;
	ret = tdi_attr_write(bdf, "driver_override", driver);
	if (ret)
		return ret;
	ret = probe_driver(&fn, driver);
	if (ret)
		tdi_attr_write(bdf, "driver_override", "\n");
	return ret;
}

int tdi_driver_unbind(const char *bdf)
{
	struct tdi_function fn;
	int ret;

	ret = tdi_function_read(bdf, &fn);
	if (ret)
		return ret;
	ret = tdi_attr_write(bdf, "driver_override", "\n");
	if (!ret && fn.driver[0])
		ret = tdi_attr_write(bdf, "driver/unbind", bdf);
	return ret;
}
