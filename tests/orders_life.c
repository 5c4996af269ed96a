// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audit.h"
#include "child.h"
#include "orders_life.h"

#define LATE_MS		10000
/* as many as the ring takes; each page costs at the begin, each byte later */
#define LIFE_DMA_LEN	0x80000
#define LIFE_DMA_DESCS	63

const char *const life_state_names[NR_LIFE_STATES] = {
	"LOCKED", "RUN", "DMA", "ERROR",
};

static const char *const tdi_states[NR_LIFE_STATES] = {
	"CONFIG_LOCKED", "RUN", "RUN", "ERROR",
};

/* ---- what is to be seen from outside ---- */

enum sight {
	S_TDI, S_SEAT, S_TDIS, S_PAGES, S_TVMS, S_VM, S_BUFS, S_PINNED, S_DMA,
	NR_SIGHTS
};

static const char *const sight_names[NR_SIGHTS] = {
	"TDI is unlocked", "seat is bound", "TDIs of firmware",
	"pages of trusted DMA", "TVMs of firmware", "VM of KVM", "dma-bufs",
	"pinned kB", "T=1 requests",
};

enum sight_nr { F_STATUS, F_BUFS, F_TDI, F_SEAT, F_TABLES, NR_FILES };

/* files that are read after each drop, each opened once: see read_again() */
static struct sight_file {
	char path[128];
	int fd;
} sight_files[NR_FILES] = {
	[0 ... NR_FILES - 1] = { .fd = -1 },
};

/* what the kernel says now; "" if the file, or whom it is about, is no more */
static void read_again(enum sight_nr nr, const char *path, char *buf, size_t size)
{
	struct sight_file *f = &sight_files[nr];
	ssize_t n = -1;

	if (f->fd < 0 || strcmp(f->path, path)) {
		if (f->fd >= 0)
			close(f->fd);
		snprintf(f->path, sizeof(f->path), "%s", path);
		f->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	/* each of these files is made anew, in one piece, for a read at 0 */
	if (f->fd >= 0)
		n = pread(f->fd, buf, size - 1, 0);
	buf[n < 0 ? 0 : n] = 0;
}

void life_look_no_more(void)
{
	size_t i;

	for (i = 0; i < NR_FILES; i++) {
		if (sight_files[i].fd >= 0)
			close(sight_files[i].fd);
		sight_files[i].fd = -1;
	}
}

/* the number behind the last @word in @text, -1: there is none */
static long last_number(const char *text, const char *word)
{
	const char *s, *last = NULL;

	for (s = text; (s = strstr(s, word)); s += strlen(word))
		last = s + strlen(word);
	return last ? strtol(last, NULL, 10) : -1;
}

/* kB of the memory of task @pid that somebody has pinned for longer, -1: no memory */
static long see_pinned(pid_t pid)
{
	char path[32], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	read_again(F_STATUS, path, text, sizeof(text));
	return last_number(text, "VmPin:");
}

/* the list ends in "Total n objects, ..." */
static long see_bufs(void)
{
	char text[4096];

	read_again(F_BUFS, "/sys/kernel/debug/dma_buf/bufinfo", text, sizeof(text));
	return strstr(text, " objects, ") ? last_number(text, "Total ") : -1;
}

/* 0: as it was brought to; 1: CONFIG_UNLOCKED; 2: something else */
static long see_tdi(const struct life *l)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/fn%u/tdi",
		 world.vendor->name, l->nr);
	read_again(F_TDI, path, text, sizeof(text));
	text[strcspn(text, "\n")] = 0;
	if (!strcmp(text, "CONFIG_UNLOCKED"))
		return 1;
	return strcmp(text, tdi_states[l->state]) ? 2 : 0;
}

/* 1: bound; 0: unbound; 2: something else */
static long see_seat(const struct life *l)
{
	char path[128], text[160];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/tdi/state",
		 world.bdf[l->nr]);
	read_again(F_SEAT, path, text, sizeof(text));
	text[strcspn(text, "\n")] = 0;
	return !strcmp(text, "bound") ? 1 : !strcmp(text, "unbound") ? 0 : 2;
}

static void see_tables(long seen[NR_SIGHTS])
{
	char path[128], text[4096];

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/tables", world.vendor->name);
	read_again(F_TABLES, path, text, sizeof(text));
	seen[S_TDIS] = world_number(text, world.vendor->tdis);
	seen[S_PAGES] = world_number(text, world.vendor->mem_pages);
	seen[S_TVMS] = world_number(text, world.vendor->tvms);
}

static void life_see(const struct life *l, long seen[NR_SIGHTS])
{
	see_tables(seen);
	seen[S_TDI] = see_tdi(l);
	seen[S_SEAT] = see_seat(l);
	/* this VM's folder; that there is no other is for the audit to see */
	seen[S_VM] = !access(l->vm_path, F_OK);
	seen[S_BUFS] = see_bufs();
	seen[S_PINNED] = see_pinned(l->pid);
	/* nobody sends any in the other states */
	seen[S_DMA] = l->state == LIFE_DMA ?
		      world_iommu_count(l->nr, "t1_ok") : 0;
}

/* the rules: what each effect changes, and what nothing else may change */
static void must_see(const struct life *l, unsigned int after, const long *seen,
		     long must[NR_SIGHTS])
{
	bool bound = !(after & DID_DEVICE);

	must[S_TDI] = !bound;
	must[S_SEAT] = bound;
	must[S_TDIS] = bound;
	/* the guest keeps its pages, and firmware knows them, as long as it has memory */
	must[S_PAGES] = after & DID_GMEM ? 0 : l->pages;
	must[S_TVMS] = !(after & DID_KVM);
	must[S_VM] = !(after & DID_KVM);
	must[S_BUFS] = !(after & DID_BUF0) + !(after & DID_BUF2);
	/* of the dead nobody counts it */
	must[S_PINNED] = seen[S_PINNED] < 0 ? seen[S_PINNED] :
			 after & DID_IOMMU ? 0 : l->pinned;
	must[S_DMA] = l->t1_ok < 0 ? seen[S_DMA] : l->t1_ok;
}

/* firmware's TVM is ended by a work item: it may go later than its VM, not earlier */
static void wait_tvms(long seen[NR_SIGHTS], const long must[NR_SIGHTS])
{
	uint64_t end = now_ms() + LATE_MS;

	while (!must[S_TVMS] && seen[S_TVMS] && now_ms() < end) {
		sleep_ms(1);
		seen[S_TVMS] = world_tvms();
	}
}

/*
 * The engine sends one request at a time. Its data moves under the lock that shuts DMA
 * out, but it is counted after that, so one that was the last may be counted late.
 */
static void forgive_late(struct life *l, const long *seen, long must[NR_SIGHTS])
{
	if (l->t1_ok < 0 || l->t1_late || seen[S_DMA] != l->t1_ok + 1)
		return;
	l->t1_late = true;
	must[S_DMA] = ++l->t1_ok;
}

int life_look(struct life *l, unsigned int after, const char *where)
{
	long seen[NR_SIGHTS], must[NR_SIGHTS];
	int wrong = 0, i;

	life_see(l, seen);
	must_see(l, after, seen, must);
	wait_tvms(seen, must);
	forgive_late(l, seen, must);
	for (i = 0; i < NR_SIGHTS; i++) {
		if (seen[i] == must[i])
			continue;
		wrong++;
		note("%s: %s: %ld, must be %ld", where, sight_names[i], seen[i],
		     must[i]);
	}
	/* from here on no request may succeed any more */
	if (after & LIFE_STOPS_DMA && l->t1_ok < 0)
		l->t1_ok = seen[S_DMA];
	return wrong;
}

bool life_dma_runs(const struct life *l)
{
	char path[16], text[256];
	int i;

	snprintf(path, sizeof(path), "fn%u/dma", l->nr);
	for (i = 0; i < 100; i++)
		if (!world_read(path, text, sizeof(text)) &&
		    strstr(text, "in_flight 1"))
			return true;
	return false;
}

/* ---- its life ---- */

/* a page of the BAR is in the page tables of the mapping when bind zaps it */
static int map_bar(struct fn *fn)
{
	int ret = fn_map(fn);

	if (!ret && *(volatile uint32_t *)(fn->bar0 + TEEMU_REG_ID) != TEEMU_ID)
		ret = failed(-EIO, "registers");
	return ret;
}

static int reach(struct life *l, struct fn *fn)
{
	char path[32];
	int ret;

	ret = failed(fn_bind(fn), "bind");
	if (ret || l->state == LIFE_LOCKED)
		return ret;
	ret = fn_run(fn);
	if (!ret && l->state == LIFE_DMA)
		return dma_begin_with(&l->vm, fn, LIFE_DMA_LEN, LIFE_DMA_DESCS);
	/* pages that trusted DMA has reached, and that firmware has to forget */
	ret = ret ?: fn_ring_start(fn) ?: dma_use(&l->vm, fn);
	if (ret || l->state == LIFE_RUN)
		return ret;
	snprintf(path, sizeof(path), "fn%u/error", l->nr);
	ret = world_write(path, "1");
	audit_forget_falls();
	return ret;
}

/* libtdi does not say which one it is */
static int find_kvm_vfio(void)
{
	char path[64], link[256];
	ssize_t n;
	int fd;

	for (fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		link[n < 0 ? 0 : n] = 0;
		if (strstr(link, "kvm-vfio"))
			return fd;
	}
	return -1;
}

static void take_holds(struct life *l, const struct fn *fn)
{
	memset(l->fd, -1, sizeof(l->fd));
	l->fd[HOLD_DEVICE] = tdi_device_fd(fn->dev);
	l->fd[HOLD_KVM_VFIO] = find_kvm_vfio();
	l->fd[HOLD_IOMMU] = tdi_iommu_fd(fn->iommu);
	l->fd[HOLD_EVENTS] = fn->event_fd;
	l->fd[HOLD_VM] = l->vm.vm_fd;
	l->fd[HOLD_VCPU] = l->vm.vcpu_fd;
	l->fd[HOLD_GMEM] = l->vm.private_fd;
	l->fd[HOLD_BUF0] = fn->slot[0].fd;
	l->fd[HOLD_BUF2] = fn->slot[1].fd;
	l->map[HOLD_BAR] = (void *)fn->bar0;
	l->map_size[HOLD_BAR] = TEEMU_BAR_REGS_SIZE;
	l->map[HOLD_RUN] = l->vm.run;
	l->map_size[HOLD_RUN] = l->vm.run_size;
}

/* everything is there that is to be seen to go */
static int check_begin(struct life *l)
{
	if (l->pinned <= 0)
		return failed(-EIO, "begin: %ld kB pinned", l->pinned);
	if (l->state != LIFE_LOCKED && l->pages <= 0)
		return failed(-EIO, "begin: %ld pages for DMA", l->pages);
	if (l->state == LIFE_DMA && world_iommu_count(l->nr, "t1_ok") <= 0)
		return failed(-EIO, "begin: no trusted DMA");
	return life_look(l, 0, "begin") ? -EUCLEAN : 0;
}

int life_begin(struct life *l, unsigned int nr, enum life_state state)
{
	struct fn fn;
	int ret;

	memset(l, 0, sizeof(*l));
	l->state = state;
	l->nr = nr;
	l->pid = getpid();
	l->t1_ok = -1;
	fn_init(&fn, nr);
	ret = vm_open(&l->vm, 0) ?: fn_open(&fn, &l->vm) ?: map_bar(&fn) ?:
	      reach(l, &fn);
	if (ret)
		return ret;
	l->vdevice_id = fn.vdevice_id;
	take_holds(l, &fn);
	l->pages = world_mem_pages();
	l->pinned = see_pinned(l->pid);
	snprintf(l->vm_path, sizeof(l->vm_path), "/sys/kernel/debug/kvm/%d-%d",
		 l->pid, l->vm.vm_fd);
	return check_begin(l);
}

void life_drop(struct life *l, enum model_hold hold)
{
	if (l->map[hold])
		munmap(l->map[hold], l->map_size[hold]);
	else
		close(l->fd[hold]);
}
