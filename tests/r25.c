// SPDX-License-Identifier: GPL-2.0-only
/*
 * R25: iommufd's objects are destroyed in the documented order and nothing is
 * EBUSY; in any other order each call says what the objects' own rules say, and
 * all is clean when the files are closed.
 */
#include <linux/vfio.h>

#include "fixture.h"
#include "raw.h"

/*
 * What a VMM does to go away, in the order of docs/uapi.md. The event queue is a
 * file and an object; the iommufd's number stays usable for the library.
 */
enum step {
	UNBIND,
	SLOTS,		/* delete the private slots, close the dma-bufs */
	VDEVICE,
	QUEUE_FILE,
	QUEUE,
	VIOMMU,
	DETACH,
	HWPT,
	IOAS,
	DEVICE,		/* KVM_DEV_VFIO_FILE_DEL, close */
	IOMMUFD,
	NR_STEPS,
};

static const char *const names[NR_STEPS] = {
	"unbind", "slots", "vdevice", "queue's file", "queue", "viommu",
	"detach", "hwpt", "ioas", "device", "iommufd",
};

/* what is there yet */
struct there {
	bool bound;
	bool is[NR_STEPS];
};

/*
 * What the step has to answer: 0 or an errno. A destroy of what somebody uses is
 * EBUSY, of what went with the device ENOENT.
 */
static int answer(const struct there *t, enum step s)
{
	switch (s) {
	case UNBIND:
	case VDEVICE:
		return t->is[VDEVICE] ? 0 : ENOENT;
	case SLOTS:
		return t->bound ? EBUSY : 0;
	case QUEUE:
		return t->is[QUEUE_FILE] ? EBUSY : 0;
	case VIOMMU:
		return t->is[VDEVICE] || t->is[QUEUE] ? EBUSY : 0;
	case DETACH:
		return t->bound ? EBUSY : 0;
	case HWPT:
		return t->is[DETACH] || t->is[VIOMMU] ? EBUSY : 0;
	case IOAS:
		return t->is[HWPT] ? EBUSY : 0;
	default:
		return 0;
	}
}

/* what a step that succeeds takes away */
static void take(struct there *t, enum step s)
{
	t->is[s] = false;
	if (s == UNBIND || s == VDEVICE || s == DEVICE)
		t->bound = false;
	if (s == DEVICE) {
		t->is[VDEVICE] = false;
		t->is[DETACH] = false;
	}
}

static int destroy(struct fn *fn, uint32_t *id)
{
	int ret = -tdi_iommu_destroy(fn->iommu, *id);

	if (!ret)
		*id = 0;
	return ret;
}

static int del_slots(struct fn *fn)
{
	int i, ret = 0;

	for (i = FN_BAR_SLOTS; !ret && i--;)
		ret = -tdi_vm_del_slot(fn->vm->tdi, SLOT_BARS +
				       fn->nr * FN_BAR_SLOTS + i);
	if (ret)
		return ret;
	for (i = 0; i < FN_BAR_SLOTS; i++)
		fn->slot[i].set = false;
	return -fn_clear_slots(fn);
}

static int detach(struct fn *fn)
{
	int ret = -tdi_device_detach(fn->dev);

	fn->attached = ret;
	return ret;
}

static int step(struct fn *fn, enum step s)
{
	switch (s) {
	case UNBIND:
		return raw_unbind(fn);
	case SLOTS:
		return del_slots(fn);
	case VDEVICE:
		return destroy(fn, &fn->vdevice_id);
	case QUEUE_FILE:
		close(fn->event_fd);
		fn->event_fd = -1;
		return 0;
	case QUEUE:
		return destroy(fn, &fn->queue_id);
	case VIOMMU:
		return destroy(fn, &fn->viommu_id);
	case DETACH:
		return detach(fn);
	case HWPT:
		return destroy(fn, &fn->hwpt_id);
	case IOAS:
		return destroy(fn, &fn->ioas_id);
	case DEVICE:
		fn_close_device(fn);
		return 0;
	case IOMMUFD:
		tdi_iommu_close(fn->iommu);
		fn->iommu = NULL;
		return 0;
	default:
		return EINVAL;
	}
}

/* it can be asked for at all: its file is open, its object not yet gone */
static bool possible(const struct fn *fn, const struct there *t, enum step s)
{
	switch (s) {
	case SLOTS:
	case QUEUE_FILE:
	case IOMMUFD:
		return t->is[s];
	case DETACH:
	case DEVICE:
		return fn->dev && t->is[s];
	case UNBIND:
		return fn->iommu && fn->vdevice_id;
	case VDEVICE:
		return fn->iommu && fn->vdevice_id;
	default:
		return fn->iommu && t->is[s];
	}
}

static void print_order(const enum step *order)
{
	char text[256] = "";
	int i;

	for (i = 0; i < NR_STEPS; i++) {
		strcat(text, " ");
		strcat(text, names[order[i]]);
	}
	note("order:%s", text);
}

/* go away in @order; the number of steps that were refused, -1: not as they must */
static int leave(struct fn *fn, const enum step *order, bool bound)
{
	struct there t = { .bound = bound };
	int i, ret, want, refused = 0;

	for (i = 0; i < NR_STEPS; i++)
		t.is[i] = true;
	fn->guest = false;
	for (i = 0; i < NR_STEPS; i++) {
		enum step s = order[i];

		if (!possible(fn, &t, s))
			continue;
		want = answer(&t, s);
		ret = step(fn, s);
		if (ret != want) {
			print_order(order);
			note("%s answers %d, looked for %d", names[s], ret, want);
			return -1;
		}
		refused += ret == EBUSY;
		if (!ret)
			take(&t, s);
	}
	/* whoever is refused goes with the files, as when a process ends */
	if (fn->event_fd >= 0)
		close(fn->event_fd);
	fn->event_fd = -1;
	fn_close_device(fn);
	fn_clear_slots(fn);
	tdi_iommu_close(fn->iommu);
	fn->iommu = NULL;
	fn_init(fn, fn->nr);
	return refused;
}

static void documented(enum step *order)
{
	int i;

	for (i = 0; i < NR_STEPS; i++)
		order[i] = i;
}

/* a new VM for each life: a refused slot goes with its VM only */
static int live(FIXTURE_DATA(tvm) *self, bool bound)
{
	fn_close(&self->fn);
	vm_close(&self->vm);
	return vm_open(&self->vm, 0) ?: fn_open(&self->fn, &self->vm) ?:
	       (bound ? tvm_to_run(self) : 0);
}

static int live_and_leave(FIXTURE_DATA(tvm) *self, const enum step *order,
			  bool bound)
{
	int ret = live(self, bound), refused;

	if (ret)
		return ret;
	refused = leave(&self->fn, order, bound);
	vm_close(&self->vm);
	ret = audit_look(&self->base);
	if (ret)
		print_order(order);
	return ret ?: refused;
}

TVM_TEST(documented_order)
{
	enum step order[NR_STEPS];

	documented(order);
	EXPECT_EQ(0, live_and_leave(self, order, true));
	/* unbound before, or never bound: the same */
	EXPECT_EQ(0, live_and_leave(self, order, false));
	/* the destroy of the vdevice is an unbind too, so slots go after it */
	order[0] = VDEVICE;
	order[2] = UNBIND;
	EXPECT_EQ(0, live_and_leave(self, order, true));
	/* the device first: what is left is the iommufd's own */
	documented(order);
	memmove(order + 1, order, DEVICE * sizeof(order[0]));
	order[0] = DEVICE;
	EXPECT_EQ(0, live_and_leave(self, order, true));
}

/* each of them first, then the rest as documented */
TVM_TEST(each_one_first)
{
	enum step order[NR_STEPS], s;
	int refused = 0, ret;

	for (s = SLOTS; s < NR_STEPS; s++) {
		documented(order);
		memmove(order + 1, order, s * sizeof(order[0]));
		order[0] = s;
		ret = live_and_leave(self, order, true);
		EXPECT_LE(0, ret);
		refused += ret > 0;
	}
	/* slots, queue, viommu, detach, hwpt, ioas; slots without an iommufd */
	EXPECT_EQ(7, refused);
}

TVM_TEST(backwards)
{
	enum step order[NR_STEPS];
	int i;

	for (i = 0; i < NR_STEPS; i++)
		order[i] = NR_STEPS - 1 - i;
	EXPECT_LE(0, live_and_leave(self, order, true));
	/* with the iommufd last, all of its objects are asked for */
	memmove(order, order + 1, (NR_STEPS - 1) * sizeof(order[0]));
	order[NR_STEPS - 1] = IOMMUFD;
	EXPECT_LT(0, live_and_leave(self, order, true));
}

TVM_TEST(any_order)
{
	unsigned int seed = (now_ms() & 0xffff) | 1, state;
	enum step order[NR_STEPS], s;
	int round, i, j;

	if (getenv("R25_SEED"))
		seed = strtoul(getenv("R25_SEED"), NULL, 10);
	note("R25_SEED=%u", seed);
	state = seed;
	for (round = 0; round < 12; round++) {
		documented(order);
		for (i = NR_STEPS - 1; i > 0; i--) {
			j = rand_r(&state) % (i + 1);
			s = order[i];
			order[i] = order[j];
			order[j] = s;
		}
		EXPECT_LE(0, live_and_leave(self, order, round % 3));
	}
}

TVM_MAIN
