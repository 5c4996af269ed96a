// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "story.h"

#define TRACEFS	"/sys/kernel/tracing"

static int put(const char *path, const char *text)
{
	ssize_t n;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* best effort: a kernel without tracing tells the story without a trace */
void trace_start(void)
{
	static const char *const events[] = {
		"pci_tdi", "teemu", "tdx_fw", "kvm/kvm_vfio_dmabuf_slot",
		"kvm/kvm_tdi_mmio_unmap", "kvm/kvm_tdi_mem_fault",
	};
	char path[128];
	size_t i;

	if (access(TRACEFS "/trace", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	put(TRACEFS "/buffer_size_kb", "8192");
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		snprintf(path, sizeof(path), TRACEFS "/events/%s/enable",
			 events[i]);
		put(path, "1");
	}
}

int trace_save(const char *path)
{
	char buf[65536];
	int in, out, ret = 0;
	ssize_t n;

	in = open(TRACEFS "/trace", O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return -errno;
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0)
		ret = -errno;
	while (!ret && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			ret = -EIO;
	if (out >= 0)
		close(out);
	close(in);
	return ret;
}

bool trace_find(const char *what, char *line, size_t size)
{
	bool found = false;
	FILE *in;

	in = fopen(TRACEFS "/trace", "re");
	if (!in)
		return false;
	while (!found && fgets(line, size, in))
		found = line[0] != '#' && strstr(line, what);
	fclose(in);
	if (found)
		line[strcspn(line, "\n")] = 0;
	return found;
}
