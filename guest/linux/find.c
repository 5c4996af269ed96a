// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_linux.h"

#define DEVICES		"/sys/bus/pci/devices"
#define PATH_LEN	128

static void path_of(char path[PATH_LEN], const char *bdf, const char *file)
{
	snprintf(path, PATH_LEN, DEVICES "/%s/%s", bdf, file);
}

/* what is in a file that has a number */
static unsigned long read_number(const char *bdf, const char *file)
{
	char path[PATH_LEN];
	unsigned long value;
	FILE *f;
	int n = 0;

	path_of(path, bdf, file);
	f = fopen(path, "r");
	if (f) {
		n = fscanf(f, "%lx", &value);
		fclose(f);
	}
	if (n != 1)
		give_up("%s: no number to be read", path);
	return value;
}

/* @name is a function of @vendor */
static bool look_at(const char *name, uint16_t vendor, struct function *f)
{
	unsigned int domain, bus, dev, fn;

	if (strlen(name) >= sizeof(f->bdf) ||
	    sscanf(name, "%4x:%2x:%2x.%1x", &domain, &bus, &dev, &fn) != 4)
		return false;
	memcpy(f->bdf, name, strlen(name) + 1);
	f->rid = bus << 8 | dev << 3 | fn;
	f->device = read_number(name, "device");
	return read_number(name, "vendor") == vendor;
}

unsigned int find_functions(uint16_t vendor, struct function *f, unsigned int max)
{
	struct dirent **names;
	unsigned int seen = 0;
	int nr, i;

	nr = scandir(DEVICES, &names, NULL, alphasort);
	if (nr < 0)
		give_up(DEVICES ": %s", strerror(errno));
	for (i = 0; i < nr; i++) {
		seen += seen < max && look_at(names[i]->d_name, vendor, &f[seen]);
		free(names[i]);
	}
	free(names);
	return seen;
}

/* "resource" has a line for each BAR: first byte, last byte, flags */
void find_bar(const struct function *f, unsigned int bar, uint64_t *gpa,
	      uint64_t *size)
{
	unsigned long long first = 0, last = 0;
	char path[PATH_LEN];
	unsigned int i;
	FILE *file;
	int n = 2;

	path_of(path, f->bdf, "resource");
	file = fopen(path, "r");
	for (i = 0; file && n == 2 && i <= bar; i++)
		n = fscanf(file, "%llx %llx %*x", &first, &last);
	if (file)
		fclose(file);
	if (!file || n != 2 || !first || last <= first)
		give_up("%s: BAR %u: none", f->bdf, bar);
	*gpa = first;
	*size = last - first + 1;
}

static int open_resource(const struct function *f, unsigned int bar)
{
	char name[16], path[PATH_LEN];
	int fd;

	snprintf(name, sizeof(name), "resource%u", bar);
	path_of(path, f->bdf, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		give_up("%s: %s", path, strerror(errno));
	return fd;
}

void map_bar(const struct function *f, unsigned int bar, uint64_t offset,
	     uint64_t len, uint64_t addr)
{
	int fd = open_resource(f, bar);
	void *want = (void *)addr;

	if (mmap(want, len, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, offset) != want)
		give_up("%s: BAR %u at %p: %s", f->bdf, bar, want,
			strerror(errno));
	close(fd);
}

int open_port(const struct function *f, unsigned int bar)
{
	return open_resource(f, bar);
}
