// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "recorder.h"
#include "story.h"

#define TRACEFS		"/sys/kernel/tracing"
#define ACCEPTED	"tdi-story: accepted"
#define STEP		"tdi-story: step "
#define MAX_CALLS	160
#define CALL_NAME_MAX	48

static int put(const char *path, const char *text, int flags)
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

/* who maps memory for T=0, and the lives of tvmm */
static const char *const more_events[] = {
	"iommu/map", "iommu/unmap", "iommu/attach_device_to_domain",
	"sched/sched_process_exec", "sched/sched_process_exit",
	"signal/signal_generate", NULL,
};

static void set_event(const char *event, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACEFS "/events/%s/%s", event, file);
	put(path, text, 0);
}

static void set_events(const char *const *events, const char *text)
{
	for (; *events; events++)
		set_event(*events, "enable", text);
}

/* best effort: a kernel without tracing tells the story without a trace */
void trace_start(void)
{
	if (access(TRACEFS "/trace", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	put(TRACEFS "/buffer_size_kb", "8192", 0);
	/* one clock for all CPUs, the one that the story has its times from */
	put(TRACEFS "/trace_clock", "mono", 0);
	set_events(recorder_events, "1");
	set_event("sched/sched_process_exec", "filter", "filename ~ \"*tvmm\"");
	set_event("sched/sched_process_exit", "filter", "comm == \"tvmm\"");
	set_event("signal/signal_generate", "filter", "comm == \"tvmm\"");
	set_events(more_events, "1");
	put(TRACEFS "/trace", "", O_TRUNC);
	put(TRACEFS "/tracing_on", "1", 0);
}

/* until the next story begins: what is read now stays as it is */
void trace_stop(void)
{
	put(TRACEFS "/tracing_on", "0", 0);
}

void trace_accepted(void)
{
	put(TRACEFS "/trace_marker", ACCEPTED, 0);
}

void trace_step(int nr, const char *name, const char *what)
{
	char text[96];

	snprintf(text, sizeof(text), STEP "%d %s %s", nr, name, what);
	put(TRACEFS "/trace_marker", text, 0);
}

static int save_text(const char *path)
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

int trace_save(const char *path)
{
	char name[512];
	int ret;

	/* the text first: a recording is taken out of the buffers */
	snprintf(name, sizeof(name), "%s.txt", path);
	ret = save_text(name);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%s.dat", path);
	return recorder_save_dat(TRACEFS, more_events, name);
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

/**
 * struct reader - where trace_first_life() is in the trace
 * @vendor: whose calls are counted
 * @bdf: whose state delimits
 * @rid: the same function, as the device's own events name it
 * @name, @nr: calls about the device: of area tdi, mmio or dma
 * @phase: of the TDI's life
 * @calls: counted in this phase so far
 */
struct reader {
	const char *vendor;
	const char *bdf;
	char rid[24];
	char name[MAX_CALLS][CALL_NAME_MAX];
	int nr;
	enum { UNBOUND, BINDING, IN_USE, UNBINDING, OVER } phase;
	uint64_t calls;
};

/* the vendor's table of calls: "call", number, name, by, area, ... */
static int read_calls(struct reader *r)
{
	char path[128], line[1024], name[CALL_NAME_MAX], area[16];
	FILE *in;

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/calls", r->vendor);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	while (fgets(line, sizeof(line), in) && r->nr < MAX_CALLS)
		if (sscanf(line, "call\t%*s\t%47[^\t]\t%*[^\t]\t%15[^\t]", name,
			   area) == 2 &&
		    (!strcmp(area, "tdi") || !strcmp(area, "mmio") ||
		     !strcmp(area, "dma")))
			strcpy(r->name[r->nr++], name);
	fclose(in);
	return r->nr ? 0 : -ENODATA;
}

static bool about_device(const struct reader *r, const char *name)
{
	int i;

	for (i = 0; i < r->nr; i++)
		if (!strcmp(r->name[i], name))
			return true;
	return false;
}

/* made by tvmm: a driver's watch of the device comes when it comes */
static bool by_tvmm(const char *line)
{
	return !strncmp(line + strspn(line, " "), "tvmm-", 5);
}

/* "VENDOR NAME object=N state=WORDS status=N" */
static void take_call(struct reader *r, const char *text)
{
	char vendor[VENDOR_NAME_MAX], name[CALL_NAME_MAX];

	if (sscanf(text, "%15s %47s", vendor, name) == 2 &&
	    !strcmp(vendor, r->vendor) && about_device(r, name))
		r->calls++;
}

static void take_state(struct reader *r, struct trace_life *life,
		       const char *text)
{
	if (strncmp(text, r->bdf, strlen(r->bdf)))
		return;
	if (r->phase == UNBOUND && strstr(text, "-> BINDING")) {
		r->phase = BINDING;
		r->calls = 0;
	} else if (r->phase == IN_USE && strstr(text, "-> UNBINDING")) {
		r->phase = UNBINDING;
		r->calls = 0;
	} else if (r->phase == UNBINDING && strstr(text, "-> UNBOUND")) {
		r->phase = OVER;
		life->calls.unbind = r->calls;
		life->complete = true;
	}
}

/* what follows event @name in @line, or NULL */
static const char *event(const char *line, const char *name)
{
	const char *s = strstr(line, name);

	return s ? s + strlen(name) : NULL;
}

static void take_line(struct reader *r, struct trace_life *life,
		      const char *line)
{
	const char *text;

	if ((text = event(line, " fw_call: "))) {
		if (by_tvmm(line))
			take_call(r, text);
	} else if ((text = event(line, " pci_tdi_state: "))) {
		take_state(r, life, text);
	} else if ((text = event(line, " pci_tdi_req: "))) {
		/* the last one before ACCEPTED ends the acceptance */
		if (r->phase == BINDING &&
		    !strncmp(text, r->bdf, strlen(r->bdf)))
			life->calls.bind = r->calls;
	} else if (strstr(line, ACCEPTED)) {
		if (r->phase == BINDING) {
			r->phase = IN_USE;
			life->accepted = true;
		}
	} else if ((text = event(line, " teemu_tdisp: "))) {
		if (r->phase == IN_USE && strstr(text, r->rid) &&
		    strstr(text, " STOP ") &&
		    strstr(text, "-> CONFIG_UNLOCKED"))
			life->stopped_first = true;
	}
}

int trace_first_life(const char *vendor, const char *bdf,
		     struct trace_life *life)
{
	struct reader r = {
		.vendor = vendor,
		.bdf = bdf,
	};
	struct tdi_function fn;
	char line[1024];
	FILE *in;
	int ret;

	memset(life, 0, sizeof(*life));
	ret = read_calls(&r) ?: tdi_function_read(bdf, &fn);
	if (ret)
		return ret;
	snprintf(r.rid, sizeof(r.rid), "%04x:%04x ", fn.domain, fn.rid);
	in = fopen(TRACEFS "/trace", "re");
	if (!in)
		return -errno;
	while (r.phase != OVER && fgets(line, sizeof(line), in))
		if (line[0] != '#')
			take_line(&r, life, line);
	fclose(in);
	return 0;
}
