/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions as root has them in sysfs, past VFIO: config space as hardware has
 * it, the port above, attributes that say yes or no.
 */
#ifndef TEST_PAST_H
#define TEST_PAST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "world.h"

#define CFG_SIZE	4096

static inline void past_path(const char *bdf, const char *attr,
			     char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "/sys/bus/pci/devices/%s/%s", bdf, attr);
}

/* there is such an attribute */
static inline bool past_has(const char *bdf, const char *attr)
{
	char path[PATH_MAX];

	past_path(bdf, attr, path);
	return !access(path, F_OK);
}

/* @text to any file: 0 or the errno of the write */
static inline int past_write_file(const char *path, const char *text)
{
	ssize_t len = strlen(text), n;
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	n = write(fd, text, len);
	if (n != len)
		ret = n < 0 ? errno : EIO;
	close(fd);
	return ret;
}

static inline int past_write(const char *bdf, const char *attr, const char *text)
{
	char path[PATH_MAX];

	past_path(bdf, attr, path);
	return past_write_file(path, text);
}

/*
 * An error of the platform's switch "aer", with every function awake: recovery resumes
 * sleeping ones under pci_bus_sem, VFIO's resume takes memory_lock, and below that lock
 * VFIO's hot reset takes pci_bus_sem. That inversion is Linux 7.3's own, and lockdep
 * would be silent for the rest of the machine. Loading the driver lets them sleep again.
 */
static inline int past_aer(const char *text)
{
	int nr, ret = 0;

	for (nr = 0; !ret && nr < world.nr; nr++)
		if (past_has(world.bdf[nr], "power/control"))
			ret = past_write(world.bdf[nr], "power/control", "on");
	return ret ?: world_write("aer", text);
}

/* first line of any file; false: it cannot be read */
static inline bool past_read_file(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return true;
}

/* the port above a function: its address */
static inline int past_port(const char *bdf, char port[TDI_BDF_MAX])
{
	char path[PATH_MAX], *real, *slash;
	int ret = -ENODEV;

	past_path(bdf, "", path);
	real = realpath(path, NULL);
	slash = real ? strrchr(real, '/') : NULL;
	if (slash) {
		*slash = 0;
		slash = strrchr(real, '/');
		if (slash && strlen(slash + 1) < TDI_BDF_MAX &&
		    tdi_bdf_valid(slash + 1)) {
			strcpy(port, slash + 1);
			ret = 0;
		}
	}
	free(real);
	return ret;
}

/* config space as hardware has it */
static inline int cfg_open(const char *bdf)
{
	char path[PATH_MAX];

	past_path(bdf, "config", path);
	return open(path, O_RDWR | O_CLOEXEC);
}

static inline uint32_t cfg_get(int fd, unsigned int pos, unsigned int size)
{
	uint32_t value = 0;

	if (pread(fd, &value, size, pos) != (ssize_t)size)
		note("config of %u bytes at %#x: %s", size, pos, strerror(errno));
	return value;
}

static inline int cfg_put(int fd, unsigned int pos, uint32_t value,
			  unsigned int size)
{
	return pwrite(fd, &value, size, pos) == (ssize_t)size ? 0 : -EIO;
}

/* all of it */
static inline int cfg_snap(int fd, uint32_t snap[CFG_SIZE / 4])
{
	return pread(fd, snap, CFG_SIZE, 0) == CFG_SIZE ? 0 : -EIO;
}

/* where capability @id is, 0: nowhere */
static inline unsigned int cfg_cap(int fd, unsigned int id)
{
	unsigned int pos = cfg_get(fd, PCI_CAPABILITY_LIST, 1) & ~3u, i;

	for (i = 0; pos >= PCI_STD_HEADER_SIZEOF && i < 48; i++) {
		if (cfg_get(fd, pos + PCI_CAP_LIST_ID, 1) == id)
			return pos;
		pos = cfg_get(fd, pos + PCI_CAP_LIST_NEXT, 1) & ~3u;
	}
	return 0;
}

/* the same for an extended capability */
static inline unsigned int cfg_ecap(int fd, unsigned int id)
{
	unsigned int pos = 0x100, i;
	uint32_t head;

	for (i = 0; pos >= 0x100 && i < 64; i++) {
		head = cfg_get(fd, pos, 4);
		if (head && PCI_EXT_CAP_ID(head) == id)
			return pos;
		pos = PCI_EXT_CAP_NEXT(head);
	}
	return 0;
}

/*
 * Registers that change by themselves: DOE's status and mailbox, through which
 * the TSM's driver watches the TDI.
 */
static inline bool cfg_volatile(unsigned int doe, unsigned int pos)
{
	return doe && pos >= doe + PCI_DOE_CAP && pos <= doe + PCI_DOE_READ;
}

/* dwords that are not what they were; said on "# " lines */
static inline int cfg_differs(int fd, const uint32_t was[CFG_SIZE / 4])
{
	unsigned int doe = cfg_ecap(fd, PCI_EXT_CAP_ID_DOE), pos, n = 0;
	uint32_t now[CFG_SIZE / 4];

	if (cfg_snap(fd, now))
		return 1;
	for (pos = 0; pos < CFG_SIZE; pos += 4) {
		if (now[pos / 4] == was[pos / 4] || cfg_volatile(doe, pos))
			continue;
		note("config %#x: %#x, was %#x", pos, now[pos / 4], was[pos / 4]);
		n++;
	}
	return n;
}

/* this kernel has the gate of the whole catalogue, and says so in sysfs */
static inline bool past_has_gate(void)
{
	return past_has(world.bdf[0], "tdi/state");
}

#endif /* TEST_PAST_H */
