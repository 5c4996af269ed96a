// SPDX-License-Identifier: GPL-2.0-only
/*
 * What takes a function's life, in the middle of what the others do: its VFIO device
 * is closed and opened again, its driver leaves and comes, the device loses its power.
 *
 * The last two wait for the close of VFIO's device with the function unbound already;
 * so a second thread begins them, and this one closes after a while.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "races.h"

#define OPEN_TRIES	3

/* nobody uses VFIO's file any more, and nobody begins to */
static void rfn_shut(struct rfn *f)
{
	f->open = false;
	while (f->users)
		usleep(200);
}

/* the last close, under f->life */
static int close_it(struct racer *t, struct rfn *f)
{
	struct fn *fn = &f->fn;

	rfn_shut(f);
	fn->bar0 = NULL;
	f->map = NULL;
	if (fn->added)
		tdi_vm_del_device(fn->vm->tdi, fn->dev);
	fn->added = false;
	fn->attached = false;
	tell_begin(t, &(struct model_call) { .op = MODEL_CLOSE, .fn = rfn_nr(t, f) });
	tdi_device_close(fn->dev);
	fn->dev = NULL;
	return tell_end(t, 0);
}

int race_close(struct racer *t, struct rfn *f)
{
	int ret = 0;

	if (pthread_mutex_trylock(&f->life))
		return 0;
	if (f->fn.dev)
		ret = close_it(t, f);
	pthread_mutex_unlock(&f->life);
	return ret;
}

/* a file that was never bound to the iommufd */
static void drop(struct fn *fn)
{
	if (fn->added)
		tdi_vm_del_device(fn->vm->tdi, fn->dev);
	fn->added = false;
	tdi_device_close(fn->dev);
	fn->dev = NULL;
}

static int new_vdevice(struct racer *t, struct rfn *f)
{
	uint32_t id;
	int ret;

	tell_begin(t, &(struct model_call) { .op = MODEL_VDEV_ALLOC, .fn = rfn_nr(t, f) });
	ret = tdi_vdevice_alloc(f->fn.iommu, f->fn.viommu_id,
				tdi_device_id(f->fn.dev), fn_rid(&f->fn), &id);
	if (!ret)
		f->vdev = id;
	return tell_end(t, ret ?: (int)id);
}

/* translation and queue, if they went with the device; else the old ones again */
static int new_translation(struct racer *t, struct rfn *f)
{
	struct fn *fn = &f->fn;
	int ret;

	if (fn->viommu_id)
		return tell(t, tdi_device_attach(fn->dev, fn->hwpt_id),
			    .op = MODEL_ATTACH, .fn = rfn_nr(t, f));
	ret = fn_open_translation(fn);
	return ret ?: tell(t, 0, .op = MODEL_QUEUE_NEW, .fn = rfn_nr(t, f));
}

/* opened and bound to the iommufd: all the rest of it */
static void furnish(struct racer *t, struct rfn *f)
{
	struct fn *fn = &f->fn;

	if (new_translation(t, f))
		return;
	tell(t, tdi_device_enable(fn->dev, TDI_COMMAND_MEMORY |
					   TDI_COMMAND_MASTER),
	     .op = MODEL_CFG_SET, .fn = rfn_nr(t, f));
	pthread_mutex_lock(&f->bufs);
	rfn_export(f);
	pthread_mutex_unlock(&f->bufs);
	if (rfn_map(f))
		return;
	new_vdevice(t, f);
	f->open = true;
}

static int open_it(struct racer *t, struct rfn *f)
{
	int ret;

	ret = rfn_open_device(f);
	if (!ret)
		ret = tell(t, tdi_device_bind(f->fn.dev, f->fn.iommu),
			   .op = MODEL_OPEN, .fn = rfn_nr(t, f));
	if (ret)
		drop(&f->fn);
	else
		furnish(t, f);
	return ret;
}

/* refused as long as another function's TDI would go with the reset */
int race_reopen(struct racer *t, struct rfn *f)
{
	int i, ret = -EBUSY;

	if (f->fn.dev || pthread_mutex_trylock(&f->life))
		return 0;
	for (i = 0; ret && i < OPEN_TRIES && !f->fn.dev && !t->r->stop; i++) {
		if (i)
			race_unbind(t, &t->r->rfn[!rfn_nr(t, f)]);
		ret = open_it(t, f);
	}
	pthread_mutex_unlock(&f->life);
	return ret;
}

/* ---- the driver, the slot ---- */

/**
 * struct going - a second thread, which waits for the close
 * @t: it, as an actor of its own
 * @op: MODEL_DRIVER_UNBIND or MODEL_UNPLUG
 * @fn: of the first
 * @ret: how it went
 */
struct going {
	struct racer t;
	enum model_op op;
	unsigned int fn;
	int ret;
};

static int slot_power(bool on)
{
	return world_slot_power(on);
}

static void *go(void *arg)
{
	struct going *g = arg;
	char path[128];

	tell_begin(&g->t, &(struct model_call) { .op = g->op, .fn = g->fn });
	if (g->op == MODEL_UNPLUG) {
		g->ret = slot_power(false);
	} else {
		snprintf(path, sizeof(path),
			 "/sys/bus/pci/drivers/vfio-pci/unbind");
		g->ret = sysfs_put(path, world.bdf[g->fn]);
	}
	tell_end(&g->t, g->ret);
	return NULL;
}

static int begin(struct racer *t, struct going *g, enum model_op op, unsigned int fn)
{
	*g = (struct going) {
		.t = { .r = t->r, .actor = HELPER(t->actor) },
		.op = op,
		.fn = fn,
	};
	return pthread_create(&g->t.thread, NULL, go, g);
}

static int driver_back(struct racer *t, unsigned int fn)
{
	int ret;

	sysfs_fn(fn, "driver_override", "vfio-pci");
	ret = tell(t, sysfs_put("/sys/bus/pci/drivers/vfio-pci/bind",
				world.bdf[fn]), .op = MODEL_DRIVER_BIND, .fn = fn);
	return failed(ret, "vfio-pci for %s", world.bdf[fn]);
}

int race_depart(struct racer *t, struct rfn *f)
{
	unsigned int fn = rfn_nr(t, f);
	struct going g;
	int ret = 0;

	if (pthread_mutex_trylock(&t->r->plug))
		return 0;
	pthread_mutex_lock(&f->life);
	if (begin(t, &g, MODEL_DRIVER_UNBIND, fn))
		goto out;
	usleep(race_random(&t->rng) % 30000);
	if (f->fn.dev)
		close_it(t, f);
	pthread_join(g.t.thread, NULL);
	ret = g.ret ?: driver_back(t, fn);
out:
	pthread_mutex_unlock(&f->life);
	pthread_mutex_unlock(&t->r->plug);
	return ret ?: race_reopen(t, f);
}

/* the old function's slots would be of no use, and in the way */
static void forget(struct racer *t, struct rfn *f)
{
	struct fn *fn = &f->fn;
	unsigned int i;

	for (i = 0; i < FN_BAR_SLOTS; i++)
		tell(t, tdi_vm_del_slot(fn->vm->tdi, SLOT_BARS +
					fn->nr * FN_BAR_SLOTS + i),
		     .op = MODEL_SLOT_DEL, .fn = rfn_nr(t, f), .id = i);
	pthread_mutex_lock(&f->bufs);
	for (i = 0; i < FN_BAR_SLOTS; i++) {
		close(fn->slot[i].fd);
		fn->slot[i].fd = -1;
	}
	pthread_mutex_unlock(&f->bufs);
	while (!t->r->stop && race_event(t, f, false, 20) > 0)
		;
	close(fn->event_fd);
	fn->event_fd = -1;
	tdi_iommu_destroy(fn->iommu, fn->queue_id);
	tdi_iommu_destroy(fn->iommu, fn->viommu_id);
	tdi_iommu_destroy(fn->iommu, fn->hwpt_id);
	tdi_iommu_destroy(fn->iommu, fn->ioas_id);
	fn->queue_id = fn->viommu_id = fn->hwpt_id = fn->ioas_id = 0;
}

static int plug_in(struct racer *t)
{
	int ret, i;

	ret = tell(t, slot_power(true) ?: world_wait_device(true, 30000),
		   .op = MODEL_REPLUG);
	race_link(t, true);
	for (i = 0; !ret && i < RACE_FNS; i++)
		ret = driver_back(t, i);
	return ret;
}

int race_unplug(struct racer *t)
{
	struct races *r = t->r;
	struct going g;
	int i;

	if (pthread_mutex_trylock(&r->plug))
		return 0;
	for (i = 0; i < RACE_FNS; i++)
		pthread_mutex_lock(&r->rfn[i].life);
	if (begin(t, &g, MODEL_UNPLUG, 0))
		goto out;
	usleep(race_random(&t->rng) % 50000);
	for (i = RACE_FNS; i--;)
		if (r->rfn[i].fn.dev)
			close_it(t, &r->rfn[i]);
	pthread_join(g.t.thread, NULL);
	for (i = 0; i < RACE_FNS; i++)
		forget(t, &r->rfn[i]);
	plug_in(t);
out:
	for (i = RACE_FNS; i--;)
		pthread_mutex_unlock(&r->rfn[i].life);
	pthread_mutex_unlock(&r->plug);
	for (i = 0; i < RACE_FNS; i++)
		race_reopen(t, &r->rfn[i]);
	return 0;
}
