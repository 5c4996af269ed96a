// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.dat, version 6 (trace-cmd.dat.v6(5)): headers that say how the ring buffer's pages and
 * the events in them are laid out, then for each CPU its pages as the kernel hands them
 * out. Nothing in it is decoded here. Numbers are this machine's; the file says which.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder.h"

#define TRACEFS		"/sys/kernel/tracing"
#define MAX_SYSTEMS	32

/* of the options section */
#define OPTION_DONE	0
#define OPTION_CLOCK	4

const char *const recorder_events[] = {
	"pci_tdi", "iommufd_tsm", "vfio_pci_tdi", "teemu", "tio_fw", "tio_tsm",
	"kvm/kvm_vfio_dmabuf_slot", "kvm/kvm_vfio_dmabuf_gate",
	"kvm/kvm_vfio_dmabuf_fault", "kvm/kvm_tdi_mmio_lookup",
	"kvm/kvm_tdi_mmio_unmap", "kvm/kvm_tdi_mem_fault", NULL,
};

/**
 * struct blob - bytes that grow
 * @data: malloc()ed
 * @len: bytes in use
 * @room: bytes there are
 */
struct blob {
	char *data;
	size_t len;
	size_t room;
};

/* room for @len bytes more, or NULL */
static char *blob_more(struct blob *b, size_t len)
{
	size_t room = b->room ? b->room : 65536;
	char *data;

	while (room - b->len < len)
		room *= 2;
	if (room > b->room) {
		data = realloc(b->data, room);
		if (!data)
			return NULL;
		b->data = data;
		b->room = room;
	}
	return b->data + b->len;
}

/* All of a file of tracefs at the end of @b; 0 or -errno */
static int blob_read(struct blob *b, const char *path, size_t chunk, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags), ret = 0;
	ssize_t n;
	char *to;

	if (fd < 0)
		return -errno;
	do {
		to = blob_more(b, chunk);
		n = to ? read(fd, to, chunk) : -1;
		if (n > 0)
			b->len += n;
		else if (n < 0)
			ret = !to ? -ENOMEM : errno == EAGAIN ? 0 : -errno;
	} while (n > 0);
	close(fd);
	return ret;
}

static int put(FILE *out, const void *data, size_t len)
{
	return len && fwrite(data, len, 1, out) != 1 ? -EIO : 0;
}

static int put_u32(FILE *out, uint32_t value)
{
	return put(out, &value, sizeof(value));
}

static int put_u64(FILE *out, uint64_t value)
{
	return put(out, &value, sizeof(value));
}

/* a file of tracefs behind its length, in 4 or 8 bytes; one that is not there is empty */
static int put_file(FILE *out, const char *path, size_t width)
{
	struct blob b = { };
	int ret;

	ret = blob_read(&b, path, 4096, 0);
	if (ret == -ENOENT)
		ret = 0;
	if (!ret)
		ret = width == 4 ? put_u32(out, b.len) : put_u64(out, b.len);
	if (!ret)
		ret = put(out, b.data, b.len);
	free(b.data);
	return ret;
}

static int put_magic(FILE *out)
{
	static const char magic[] = "\027\010Dtracing6";
	const uint16_t one = 1;
	char bytes[2] = { !*(const char *)&one, sizeof(long) };

	return put(out, magic, sizeof(magic)) ?: put(out, bytes, 2) ?:
	       put_u32(out, getpagesize());
}

static int put_page_headers(FILE *out)
{
	return put(out, "header_page", sizeof("header_page")) ?:
	       put_file(out, TRACEFS "/events/header_page", 8) ?:
	       put(out, "header_event", sizeof("header_event")) ?:
	       put_file(out, TRACEFS "/events/header_event", 8);
}

/* what trace_marker makes */
static int put_ftrace(FILE *out)
{
	return put_u32(out, 1) ?:
	       put_file(out, TRACEFS "/events/ftrace/print/format", 8);
}

static int is_event(const struct dirent *e)
{
	return e->d_type == DT_DIR && e->d_name[0] != '.';
}

/**
 * struct formats - the formats of one system
 * @system: its name
 * @nr: how many were written
 */
struct formats {
	char system[64];
	uint32_t nr;
};

static int put_format(FILE *out, struct formats *f, const char *event)
{
	char path[320];
	int ret;

	snprintf(path, sizeof(path), TRACEFS "/events/%s/%s/format", f->system, event);
	if (access(path, R_OK))
		return 0;
	ret = put_file(out, path, 8);
	if (!ret)
		f->nr++;
	return ret;
}

static int put_all_formats(FILE *out, struct formats *f)
{
	struct dirent **list;
	char path[128];
	int i, nr, ret = 0;

	snprintf(path, sizeof(path), TRACEFS "/events/%s", f->system);
	nr = scandir(path, &list, is_event, alphasort);
	if (nr < 0)
		return 0;
	for (i = 0; i < nr; i++) {
		ret = ret ?: put_format(out, f, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return ret;
}

/* the first word of "system/event" */
static void system_of(const char *name, char *system, size_t size)
{
	snprintf(system, size, "%.*s", (int)strcspn(name, "/"), name);
}

/* @names without repetition into @f, of which there are @nr so far; the new number */
static int add_systems(struct formats *f, int nr, const char *const *names)
{
	char system[64];
	int i;

	for (; names && *names; names++) {
		system_of(*names, system, sizeof(system));
		for (i = 0; i < nr && strcmp(f[i].system, system); i++)
			;
		if (i == nr && nr < MAX_SYSTEMS)
			strcpy(f[nr++].system, system);
	}
	return nr;
}

static int put_named_formats(FILE *out, struct formats *f, const char *const *names)
{
	size_t len = strlen(f->system);
	int ret = 0;

	for (; !ret && names && *names; names++) {
		if (strncmp(*names, f->system, len))
			continue;
		if (!(*names)[len])
			ret = put_all_formats(out, f);
		else if ((*names)[len] == '/')
			ret = put_format(out, f, *names + len + 1);
	}
	return ret;
}

/* the number of formats is known when they have been written, so it is written again */
static int put_system(FILE *out, struct formats *f, const char *const *more)
{
	long at, end;
	int ret;

	ret = put(out, f->system, strlen(f->system) + 1);
	at = ftell(out);
	ret = ret ?: put_u32(out, 0) ?: put_named_formats(out, f, recorder_events) ?:
	      put_named_formats(out, f, more);
	end = ftell(out);
	if (ret || at < 0 || end < 0 || fseek(out, at, SEEK_SET))
		return ret ?: -EIO;
	return put_u32(out, f->nr) ?: fseek(out, end, SEEK_SET) ? -EIO : 0;
}

static int put_formats(FILE *out, const char *const *more)
{
	struct formats f[MAX_SYSTEMS] = { };
	int nr, i, ret;

	nr = add_systems(f, add_systems(f, 0, recorder_events), more);
	ret = put_u32(out, nr);
	for (i = 0; !ret && i < nr; i++)
		ret = put_system(out, &f[i], more);
	return ret;
}

/* no symbols: our events carry their callers as text */
static int put_names(FILE *out)
{
	return put_u32(out, 0) ?: put_file(out, TRACEFS "/printk_formats", 4) ?:
	       put_file(out, TRACEFS "/saved_cmdlines", 8);
}

static int put_options(FILE *out, const char *dir)
{
	struct blob clock = { };
	uint16_t id = OPTION_CLOCK;
	char path[192];
	int ret;

	snprintf(path, sizeof(path), "%s/trace_clock", dir);
	ret = blob_read(&clock, path, 4096, 0);
	ret = ret ?: put(out, "options  ", sizeof("options  ")) ?:
	      put(out, &id, sizeof(id)) ?: put_u32(out, clock.len) ?:
	      put(out, clock.data, clock.len);
	free(clock.data);
	id = OPTION_DONE;
	return ret ?: put(out, &id, sizeof(id));
}

/**
 * struct recording - what each CPU has recorded
 * @cpu: its pages
 * @nr: CPUs
 */
struct recording {
	struct blob *cpu;
	int nr;
};

static void free_cpus(struct recording *r)
{
	while (r->nr)
		free(r->cpu[--r->nr].data);
	free(r->cpu);
}

static int add_cpu(struct recording *r, const char *path)
{
	struct blob *cpu = realloc(r->cpu, (r->nr + 1) * sizeof(*cpu));

	if (!cpu)
		return -ENOMEM;
	r->cpu = cpu;
	cpu += r->nr++;
	memset(cpu, 0, sizeof(*cpu));
	return blob_read(cpu, path, getpagesize(), O_NONBLOCK);
}

/* to be undone with free_cpus(), also after a failure; 0 or -errno */
static int read_cpus(const char *dir, struct recording *r)
{
	char path[192];
	int ret = 0;

	while (!ret) {
		snprintf(path, sizeof(path), "%s/per_cpu/cpu%d/trace_pipe_raw", dir, r->nr);
		if (access(path, F_OK))
			return r->nr ? 0 : -ENOENT;
		ret = add_cpu(r, path);
	}
	return ret;
}

static int pad(FILE *out)
{
	static const char zeroes[65536];
	long at = ftell(out), page = getpagesize();

	if (at < 0 || page > (long)sizeof(zeroes))
		return -EIO;
	return put(out, zeroes, (page - at % page) % page);
}

/* offset and length of each CPU's pages, then the pages */
static int put_cpus(FILE *out, const struct recording *r)
{
	uint64_t page = getpagesize(), at;
	int i, ret;

	ret = put(out, "flyrecord", sizeof("flyrecord"));
	at = ftell(out) + r->nr * 2 * sizeof(uint64_t);
	for (i = 0; !ret && i < r->nr; i++) {
		at = (at + page - 1) / page * page;
		ret = put_u64(out, at) ?: put_u64(out, r->cpu[i].len);
		at += r->cpu[i].len;
	}
	for (i = 0; !ret && i < r->nr; i++)
		ret = pad(out) ?: put(out, r->cpu[i].data, r->cpu[i].len);
	return ret;
}

static int put_all(FILE *out, const char *dir, const char *const *more,
		   const struct recording *r)
{
	return put_magic(out) ?: put_page_headers(out) ?: put_ftrace(out) ?:
	       put_formats(out, more) ?: put_names(out) ?: put_u32(out, r->nr) ?:
	       put_options(out, dir) ?: put_cpus(out, r);
}

int recorder_save_dat(const char *dir, const char *const *more, const char *path)
{
	struct recording r = { };
	FILE *out = NULL;
	int ret;

	ret = read_cpus(dir, &r);
	if (!ret) {
		out = fopen(path, "we");
		ret = out ? put_all(out, dir, more, &r) : -errno;
	}
	if (out && fclose(out) && !ret)
		ret = -errno;
	if (out && ret)
		unlink(path);
	free_cpus(&r);
	return ret;
}
