// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects of one seed, and the log. A call is told to the model before it begins
 * and after it has returned, under one mutex, so that the model knows of at least as
 * much overlap as there was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "past.h"
#include "races.h"

#define OWED_MS		20000	/* for an event that must come, on a loaded host */
#define GIVE_UP_MS	1000
#define NO_MORE_MS	60	/* so long no event comes: then that is all */

/* splitmix64: a seed of any value gives a good stream */
uint64_t race_random(uint64_t *rng)
{
	uint64_t z = *rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

int sysfs_put(const char *path, const char *text)
{
	ssize_t len = strlen(text), n;
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n != len)
		ret = n < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

int sysfs_fn(unsigned int nr, const char *attr, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s",
		 world.bdf[nr], attr);
	return sysfs_put(path, text);
}

/* ---- the log ---- */

/* exchanges that the host has given up, having waited a second for the answer */
static long count_given_up(void)
{
	char text[128];

	return world_read("doe_count", text, sizeof(text)) ?
	       -1 : world_number(text, "given_up");
}

/*
 * A host that cannot count says no. Nothing is waited for: what came of an exchange
 * came after it had been given up.
 */
static bool was_late(const struct races *r)
{
	return r->given_up >= 0 && count_given_up() > r->given_up;
}

/* calls whose answer is the word of a driver that has asked the device */
static bool asks_device(enum model_op op)
{
	switch (op) {
	case MODEL_BIND:
	case MODEL_UNBIND:
	case MODEL_REQ_READ:
	case MODEL_REQ_MMIO:
	case MODEL_REQ_START:
	case MODEL_REQ_STOP:
	case MODEL_REQ_OTHER:
	case MODEL_VDEV_DESTROY:
	case MODEL_CONNECT:
	case MODEL_DISCONNECT:
		return true;
	default:
		return false;
	}
}

/* what a driver says when it has waited in vain; no such wait is shorter than a second */
static bool gave_up(enum model_op op, int answer, uint64_t ms)
{
	return ms >= GIVE_UP_MS && asks_device(op) &&
	       (answer == -EIO || answer == -ETIMEDOUT || answer == -EBADMSG);
}

/* nothing after this is judged; @late: perhaps it is not the kernel's fault */
static void explain(struct races *r, bool late)
{
	static char tail[32768];
	char *line, *save;

	r->bad = true;
	r->stop = true;
	r->late = late;
	model_tail(r->model, tail, sizeof(tail));
	note("races: seed %llu, vendor %s: the kernel's answer is not allowed%s",
	     (unsigned long long)r->seed, world.vendor->name,
	     r->late ? ", but the device was late" : "");
	for (line = strtok_r(tail, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		note("%s", line);
	snprintf(tail, sizeof(tail), "%s", model_why(r->model));
	for (line = strtok_r(tail, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		note("%s", line);
	note("replay: make replay SEED=%llu VENDOR=%s",
	     (unsigned long long)r->seed, world.vendor->name);
}

/* what the call of @t meets, as far as the answers so far tell */
static void count(struct racer *t, const struct model_call *call)
{
	struct model *m = t->r->model;
	unsigned long *met = t->r->met[call->op];
	unsigned int known = model_known(m, call->fn);
	unsigned int meets = model_meets(m, t->actor, call->fn);

	if (meets & 1)
		met[MEETS_BIND]++;
	else if (meets & 2)
		met[MEETS_UNBIND]++;
	else if (known == 1u << MODEL_BOUND)
		met[MEETS_BOUND]++;
	else
		met[MEETS_UNBOUND]++;
}

void tell_begin(struct racer *t, const struct model_call *call)
{
	struct races *r = t->r;

	pthread_mutex_lock(&r->log);
	if (!r->bad && model_begin(r->model, t->actor, call))
		explain(r, false);
	if (!r->bad)
		count(t, call);
	pthread_mutex_unlock(&r->log);
	t->op = call->op;
	t->began_ms = now_ms();
}

int tell_end(struct racer *t, int answer)
{
	uint64_t ms = now_ms() - t->began_ms;
	struct races *r = t->r;

	pthread_mutex_lock(&r->log);
	if (!r->bad && model_end(r->model, t->actor, answer))
		explain(r, gave_up(t->op, answer, ms) || was_late(r));
	if (ms > r->longest_ms)
		r->longest_ms = ms;
	if (++r->ops >= r->limit)
		r->stop = true;
	pthread_mutex_unlock(&r->log);
	return answer;
}

/* ---- a function's objects ---- */

bool rfn_use(struct rfn *f)
{
	f->users++;
	if (f->open)
		return true;
	f->users--;
	return false;
}

void rfn_unuse(struct rfn *f)
{
	f->users--;
}

unsigned int rfn_nr(const struct racer *t, const struct rfn *f)
{
	return f - t->r->rfn;
}

static const struct {
	unsigned int bar;
	uint64_t size;
} bufs[FN_BAR_SLOTS] = {
	{ TEEMU_BAR_REGS, TEEMU_BAR_REGS_SIZE },
	{ TEEMU_BAR_MEM, TEEMU_BAR_MEM_SIZE },
};

int rfn_export(struct rfn *f)
{
	int i, fd;

	for (i = 0; i < FN_BAR_SLOTS; i++) {
		if (f->fn.slot[i].fd >= 0)
			close(f->fn.slot[i].fd);
		fd = tdi_device_export(f->fn.dev, bufs[i].bar, 0, bufs[i].size);
		f->fn.slot[i].fd = fd < 0 ? -1 : fd;
		if (fd < 0)
			return failed(fd, "dma-buf of BAR %u", bufs[i].bar);
	}
	return 0;
}

int rfn_map(struct rfn *f)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = TEEMU_BAR_REGS,
	};
	int ret;

	ret = fn_map(&f->fn);
	if (ret)
		return ret;
	f->map = f->fn.bar0;
	if (ioctl(tdi_device_fd(f->fn.dev), VFIO_DEVICE_GET_REGION_INFO, &info))
		return failed(-errno, "region of BAR 0");
	f->bar_pos = info.offset;
	return 0;
}

int rfn_open_device(struct rfn *f)
{
	struct fn *fn = &f->fn;
	int ret;

	ret = failed(tdi_device_open(world.bdf[fn->nr], &fn->dev),
		     "VFIO device %s", world.bdf[fn->nr]) ?:
	      failed(tdi_vm_add_device(fn->vm->tdi, fn->dev),
		     "KVM_DEV_VFIO_FILE_ADD");
	fn->added = !ret;
	return ret;
}

/* the second function's context can be on the first one's iommufd */
static int rfn_open_iommu(struct races *r, struct rfn *f, unsigned int nr)
{
	int ret;

	ret = failed(tdi_iommu_open(&f->fn.iommu), "/dev/iommu");
	if (!ret && nr && r->shared &&
	    dup3(tdi_iommu_fd(r->rfn[0].fn.iommu), tdi_iommu_fd(f->fn.iommu),
		 O_CLOEXEC) < 0)
		ret = failed(-errno, "iommufd");
	return ret;
}

static int rfn_find_devctl(struct rfn *f, unsigned int nr)
{
	int cfg = cfg_open(world.bdf[nr]);

	if (cfg < 0)
		return failed(-errno, "config space");
	f->devctl = cfg_cap(cfg, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	close(cfg);
	return 0;
}

static int rfn_open(struct races *r, unsigned int nr)
{
	struct rfn *f = &r->rfn[nr];
	const struct model_fn is = {
		.driver = true, .open = true, .slots = 3, .mse = true,
	};
	struct model_fn fn = is;
	int ret;

	fn_init(&f->fn, nr);
	pthread_mutex_init(&f->life, NULL);
	pthread_mutex_init(&f->cfg, NULL);
	pthread_mutex_init(&f->bufs, NULL);
	pthread_mutex_init(&f->opening, NULL);
	f->fn.vm = &r->vm[r->two_vms ? nr : 0];
	ret = rfn_open_iommu(r, f, nr) ?: rfn_open_device(f) ?:
	      failed(tdi_device_bind(f->fn.dev, f->fn.iommu), "bind to iommufd") ?:
	      fn_open_translation(&f->fn) ?: fn_open_vdevice(&f->fn) ?:
	      fn_enable(&f->fn) ?: fn_set_slots(&f->fn) ?: rfn_map(f) ?:
	      rfn_find_devctl(f, nr);
	f->vdev = f->fn.vdevice_id;
	f->users = 0;
	f->open = !ret;
	fn.vdev = f->vdev;
	return ret ?: model_set(r->model, nr, &fn);
}

int races_open(struct races *r)
{
	int ret = 0, i;

	for (i = 0; i < RACE_FNS; i++)
		vm_init(&r->vm[i]);
	for (i = 0; i < RACE_FNS; i++)
		fn_init(&r->rfn[i].fn, i);
	pthread_mutex_init(&r->log, NULL);
	pthread_mutex_init(&r->plug, NULL);
	pthread_rwlock_init(&r->link, NULL);
	r->given_up = count_given_up();
	r->model = model_new(RACE_FNS);
	if (!r->model)
		return -ENOMEM;
	for (i = 0; !ret && i < (r->two_vms ? 2 : 1); i++)
		ret = vm_open(&r->vm[i], 0);
	for (i = 0; !ret && i < RACE_FNS; i++)
		ret = rfn_open(r, i);
	return ret;
}

void races_close(struct races *r)
{
	int i;

	for (i = RACE_FNS; i--;) {
		struct fn *fn = &r->rfn[i].fn;

		r->rfn[i].open = false;
		fn->vdevice_id = r->rfn[i].vdev;
		/* whichever slots there are go with the VM */
		fn->slot[0].set = fn->slot[1].set = false;
		fn_close(fn);
	}
	for (i = RACE_FNS; i--;)
		vm_close(&r->vm[i]);
	model_free(r->model);
	r->model = NULL;
}

/* ---- the end of a seed: nobody races any more ---- */

static int read_events(struct racer *t, struct rfn *f)
{
	uint64_t end = now_ms() + OWED_MS;
	int ret;

	if (f->fn.event_fd < 0)
		return 0;
	do {
		/* what is owed is waited for; then a moment for what is not */
		ret = race_event(t, f, false, NO_MORE_MS);
	} while (!t->r->bad && now_ms() < end &&
		 (ret > 0 || model_owes(t->r->model, rfn_nr(t, f))));
	if (!t->r->bad)
		race_event(t, f, true, NO_MORE_MS);
	return t->r->bad ? -EUCLEAN : 0;
}

int races_settle(struct races *r)
{
	struct racer t = { .r = r, .actor = 0, .rng = r->seed };
	int i;

	for (i = 0; !r->bad && i < RACE_FNS; i++) {
		if (read_events(&t, &r->rfn[i]))
			return -EUCLEAN;
		race_unbind(&t, &r->rfn[i]);
		if (!r->bad && model_known(r->model, i) != 1u << MODEL_UNBOUND) {
			note("races: function %d is not unbound", i);
			return -EUCLEAN;
		}
	}
	return r->bad ? -EUCLEAN : 0;
}
