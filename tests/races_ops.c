// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a thread can do to a function, each with its weight. Whatever the kernel
 * answers is for the model to judge; nothing is expected here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "raw.h"
#include "races.h"

#define READ_MAX	256
#define SCRATCH		0x1f00	/* of BAR 0: the end of the ring's page */

static struct model_call call_of(const struct racer *t, const struct rfn *f,
				 enum model_op op)
{
	return (struct model_call) {
		.op = op, .fn = rfn_nr(t, f), .id = f->vdev,
	};
}

/* ---- the vDEVICE ---- */

int race_unbind(struct racer *t, struct rfn *f)
{
	struct model_call call = call_of(t, f, MODEL_UNBIND);

	tell_begin(t, &call);
	return tell_end(t, -raw_op(&f->fn, call.id, IOMMU_VDEVICE_TSM_UNBIND, 0));
}

static int do_bind(struct racer *t, struct rfn *f)
{
	struct model_call call = call_of(t, f, MODEL_BIND);

	tell_begin(t, &call);
	return tell_end(t, -raw_op(&f->fn, call.id, IOMMU_VDEVICE_TSM_BIND, 0));
}

static int do_alloc(struct racer *t, struct rfn *f)
{
	struct model_call call = {
		.op = MODEL_VDEV_ALLOC, .fn = rfn_nr(t, f),
	};
	uint32_t id;
	int ret;

	if (!rfn_use(f))
		return 0;
	tell_begin(t, &call);
	ret = tdi_vdevice_alloc(f->fn.iommu, f->fn.viommu_id,
				tdi_device_id(f->fn.dev), fn_rid(&f->fn), &id);
	if (!ret)
		f->vdev = id;
	tell_end(t, ret ?: (int)id);
	rfn_unuse(f);
	return ret;
}

static int do_destroy(struct racer *t, struct rfn *f)
{
	struct model_call call = call_of(t, f, MODEL_VDEV_DESTROY);

	/* a number that is free again may become the other function's */
	if (t->r->shared)
		return 0;
	tell_begin(t, &call);
	tell_end(t, tdi_iommu_destroy(f->fn.iommu, call.id));
	return do_alloc(t, f);
}

/* ---- the TVM's requests ---- */

static enum model_op op_of(const struct racer *t, uint32_t op)
{
	switch (op) {
	case IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO:
		return MODEL_REQ_MMIO;
	case IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE:
		return t->start ? MODEL_REQ_START : MODEL_REQ_STOP;
	case IOMMU_VDEVICE_TSM_REQ_VENDOR:
		return MODEL_REQ_OTHER;
	default:
		return MODEL_REQ_READ;
	}
}

static int64_t request(void *ctx, uint32_t op, const void *req, size_t req_len,
		       void *resp, size_t *resp_len, uint64_t *code)
{
	struct racer *t = ctx;
	struct rfn *f = t->rfn;
	struct model_call call = call_of(t, f, op_of(t, op));
	struct tdi_request r = {
		.op = op,
		.arch = world.tvm->arch,
		.req = req,
		.req_len = req_len,
		.resp = resp,
		.resp_len = resp_len ? *resp_len : 0,
	};
	int ret;

	*code = 0;
	if (t->r->stop)
		return -ECANCELED;
	tell_begin(t, &call);
	ret = tdi_tsm_request(f->fn.iommu, call.id, &r);
	if (resp_len)
		*resp_len = r.resp_len;
	*code = r.tsm_code;
	tell_end(t, ret ?: r.tsm_code ? MODEL_REFUSED : 0);
	return ret;
}

static int do_step(struct racer *t, struct rfn *f, enum attest_step step)
{
	struct attest *a = t->attest;

	/* another function's areas lie elsewhere, and its report is another */
	if (t->attested != f)
		*a = *fn_attest(&f->fn);
	t->attested = t->rfn = f;
	a->request = request;
	a->ctx = t;
	t->start = step != ATTEST_STOP;
	return attest_step(a, step);
}

/* as a TVM does it, or as far as it comes */
static int do_live(struct racer *t, struct rfn *f)
{
	const enum attest_step *s;
	unsigned int steps = race_random(&t->rng) % 8;
	int ret;

	ret = do_bind(t, f);
	for (s = world.tvm->accept; !ret && steps-- && *s != ATTEST_END; s++)
		ret = do_step(t, f, *s);
	return ret;
}

static int do_accept(struct racer *t, struct rfn *f)
{
	const enum attest_step *s;
	int ret = 0;

	for (s = world.tvm->accept; !ret && *s != ATTEST_END; s++)
		ret = do_step(t, f, *s);
	return ret;
}

/* AMD's guest, before it asks for the unbind; others have nothing of it */
static int do_leave(struct racer *t, struct rfn *f)
{
	const enum attest_step *s;
	int ret = 0;

	for (s = world.tvm->leave; !ret && *s != ATTEST_END; s++)
		ret = do_step(t, f, *s);
	return ret;
}

static int do_read(struct racer *t, struct rfn *f)
{
	const struct attest_read read = { 0 };
	bool report = one_in(t, 2);
	uint8_t buf[READ_MAX];
	size_t len = sizeof(buf);
	uint64_t code;

	t->rfn = f;
	return request(t, report ? IOMMU_VDEVICE_TSM_REQ_READ_REPORT :
				   IOMMU_VDEVICE_TSM_REQ_READ_CERTS,
		       &read, sizeof(read), buf, &len, &code);
}

/* ---- behind the gate ---- */

static int by_vfio(struct racer *t, struct rfn *f, enum model_op op,
		   int (*go)(struct rfn *f))
{
	struct model_call call = call_of(t, f, op);

	/* not all functions of the device are open, and so not this user's to reset */
	if (op == MODEL_HOT_RESET)
		call.also = model_bit(-EINVAL);
	if (!rfn_use(f))
		return 0;
	tell_begin(t, &call);
	tell_end(t, go(f));
	rfn_unuse(f);
	return 0;
}

static int go_reset(struct rfn *f)
{
	return tdi_device_reset(f->fn.dev);
}

static int do_reset(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_RESET, go_reset);
}

static int go_hot_reset(struct rfn *f)
{
	struct vfio_pci_hot_reset arg = { .argsz = sizeof(arg) };

	return -raw_ioctl(tdi_device_fd(f->fn.dev), VFIO_DEVICE_PCI_HOT_RESET,
			  &arg);
}

/* the device forgets its session with it, so the link is made anew */
static int do_hot_reset(struct racer *t, struct rfn *f)
{
	if (!t->r->shared || pthread_mutex_trylock(&t->r->plug))
		return 0;
	pthread_rwlock_wrlock(&t->r->link);
	by_vfio(t, f, MODEL_HOT_RESET, go_hot_reset);
	pthread_rwlock_unlock(&t->r->link);
	race_link(t, false);
	race_link(t, true);
	pthread_mutex_unlock(&t->r->plug);
	return 0;
}

static int do_sysfs_reset(struct racer *t, struct rfn *f)
{
	struct model_call call = call_of(t, f, MODEL_SYSFS_RESET);
	char path[128];
	int ret;

	if (pthread_mutex_trylock(&f->opening))
		return 0;
	/* its file goes and comes with the device */
	call.also = model_bit(-ENOENT) | model_bit(-ENODEV);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset",
		 world.bdf[f->fn.nr]);
	tell_begin(t, &call);
	ret = tell_end(t, sysfs_put(path, "1"));
	pthread_mutex_unlock(&f->opening);
	return ret;
}

static int go_attach(struct rfn *f)
{
	return tdi_device_attach(f->fn.dev, f->fn.hwpt_id);
}

static int do_attach(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_ATTACH, go_attach);
}

static int go_bist(struct rfn *f)
{
	uint8_t bist = 0;

	return tdi_device_config_write(f->fn.dev, PCI_BIST, &bist, 1);
}

static int do_bist(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_CFG_GUARDED, go_bist);
}

/* the bit in config space that VFIO makes a reset of */
static int go_flr(struct rfn *f)
{
	uint16_t devctl;

	return tdi_device_config_read(f->fn.dev, f->devctl, &devctl, 2) ?:
	       tdi_device_config_write(f->fn.dev, f->devctl, &(uint16_t) {
				       devctl | PCI_EXP_DEVCTL_BCR_FLR }, 2);
}

static int do_flr(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_CFG_FLR, go_flr);
}

static int go_clear(struct rfn *f)
{
	return tdi_device_disable(f->fn.dev, TDI_COMMAND_MEMORY);
}

static int go_set(struct rfn *f)
{
	return tdi_device_enable(f->fn.dev, TDI_COMMAND_MEMORY |
					    TDI_COMMAND_MASTER);
}

static int do_clear(struct racer *t, struct rfn *f)
{
	if (pthread_mutex_trylock(&f->cfg))
		return 0;
	by_vfio(t, f, MODEL_CFG_CLEAR, go_clear);
	by_vfio(t, f, MODEL_CFG_SET, go_set);
	pthread_mutex_unlock(&f->cfg);
	return 0;
}

static int do_enable(struct racer *t, struct rfn *f)
{
	if (pthread_mutex_trylock(&f->cfg))
		return 0;
	by_vfio(t, f, MODEL_CFG_SET, go_set);
	pthread_mutex_unlock(&f->cfg);
	return 0;
}

/* ---- the VM's slots ---- */

static struct model_call slot_call(struct racer *t, struct rfn *f, enum model_op op)
{
	struct model_call call = call_of(t, f, op);

	call.id = one_in(t, 2);
	return call;
}

static uint32_t slot_number(const struct rfn *f, unsigned int i)
{
	return SLOT_BARS + f->fn.nr * FN_BAR_SLOTS + i;
}

static const struct {
	unsigned int bar;
	uint64_t size;
} slots[FN_BAR_SLOTS] = {
	{ TEEMU_BAR_REGS, TEEMU_BAR_REGS_SIZE },
	{ TEEMU_BAR_MEM, FN_BAR2_SLOT },
};

static int do_slot_del(struct racer *t, struct rfn *f)
{
	struct model_call call = slot_call(t, f, MODEL_SLOT_DEL);

	tell_begin(t, &call);
	return tell_end(t, tdi_vm_del_slot(f->fn.vm->tdi,
					   slot_number(f, call.id)));
}

static int do_slot_set(struct racer *t, struct rfn *f)
{
	struct model_call call = slot_call(t, f, MODEL_SLOT_SET);
	struct tdi_slot slot = {
		.slot = slot_number(f, call.id),
		.gpa = fn_bar_gpa(&f->fn, slots[call.id].bar),
		.size = slots[call.id].size,
		.hva = f->fn.slot[call.id].hva.addr,
	};

	pthread_mutex_lock(&f->bufs);
	slot.fd = f->fn.slot[call.id].fd;
	/* of the life before, between an open and the export that follows */
	call.also = model_bit(-ENODEV);
	if (slot.fd >= 0) {
		tell_begin(t, &call);
		tell_end(t, tdi_vm_set_mmio_slot(f->fn.vm->tdi, &slot));
	}
	pthread_mutex_unlock(&f->bufs);
	return 0;
}

static int set_attributes(struct racer *t, struct rfn *f, bool private)
{
	struct model_call call = slot_call(t, f, private ? MODEL_PRIVATE :
							   MODEL_SHARED);

	tell_begin(t, &call);
	return tell_end(t, tdi_vm_set_private(f->fn.vm->tdi,
				fn_bar_gpa(&f->fn, slots[call.id].bar),
				slots[call.id].size, private));
}

static int do_shared(struct racer *t, struct rfn *f)
{
	return set_attributes(t, f, false);
}

static int do_private(struct racer *t, struct rfn *f)
{
	return set_attributes(t, f, true);
}

/* ---- the host and the BARs ---- */

static int go_export(struct rfn *f)
{
	int fd = tdi_device_export(f->fn.dev, TEEMU_BAR_REGS, 0,
				   TEEMU_BAR_REGS_SIZE);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int do_export(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_EXPORT, go_export);
}

static int go_bar_read(struct rfn *f)
{
	uint32_t value;
	ssize_t n = pread(tdi_device_fd(f->fn.dev), &value, sizeof(value),
			  f->bar_pos + SCRATCH);

	return n < 0 ? -errno : n == sizeof(value) ? 0 : -EIO;
}

static int do_bar_read(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_BAR_READ, go_bar_read);
}

static int go_bar_write(struct rfn *f)
{
	uint32_t value = 0;
	ssize_t n = pwrite(tdi_device_fd(f->fn.dev), &value, sizeof(value),
			   f->bar_pos + SCRATCH);

	return n < 0 ? -errno : n == sizeof(value) ? 0 : -EIO;
}

static int do_bar_write(struct racer *t, struct rfn *f)
{
	return by_vfio(t, f, MODEL_BAR_WRITE, go_bar_write);
}

static __thread sigjmp_buf back;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static int go_touch(struct rfn *f)
{
	if (sigsetjmp(back, 1))
		return MODEL_SIGBUS;
	(void)*(volatile uint32_t *)(f->map + SCRATCH);
	return 0;
}

static int do_touch(struct racer *t, struct rfn *f)
{
	const struct sigaction action = { .sa_handler = on_sigbus };

	sigaction(SIGBUS, &action, NULL);
	return by_vfio(t, f, MODEL_TOUCH, go_touch);
}

/* ---- the administrator, the device ---- */

int race_link(struct racer *t, bool up)
{
	struct model_call call = {
		.op = up ? MODEL_CONNECT : MODEL_DISCONNECT,
		/* its file comes and goes with the device */
		.also = model_bit(-ENOENT) | model_bit(-ENODEV),
	};
	int ret;

	pthread_rwlock_rdlock(&t->r->link);
	tell_begin(t, &call);
	ret = tell_end(t, sysfs_fn(0, up ? "tsm/connect" : "tsm/disconnect",
				   world.tsm));
	pthread_rwlock_unlock(&t->r->link);
	return ret;
}

static int do_connect(struct racer *t, struct rfn *f)
{
	(void)f;
	return race_link(t, true);
}

static int do_disconnect(struct racer *t, struct rfn *f)
{
	(void)f;
	race_link(t, false);
	usleep(race_random(&t->rng) % 20000);
	return race_link(t, true);
}

static int do_fall(struct racer *t, struct rfn *f)
{
	struct model_call call = call_of(t, f, MODEL_FALL);
	char path[128];

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/fn%u/error",
		 world.vendor->name, f->fn.nr);
	tell_begin(t, &call);
	return tell_end(t, sysfs_put(path, "1"));
}

int race_event(struct racer *t, struct rfn *f, bool quiet, unsigned int ms)
{
	struct model_call call = call_of(t, f, MODEL_EVENT);
	struct pollfd pfd = { .fd = f->fn.event_fd, .events = POLLIN };
	struct tdi_event event;
	int ret;

	call.quiet = quiet;
	tell_begin(t, &call);
	poll(&pfd, 1, ms);
	ret = tdi_event_read(pfd.fd, &event);
	if (!ret && event.virt_id != fn_rid(&f->fn))
		ret = -EBADMSG;
	return tell_end(t, ret ?: (int)event.type);
}

static int do_event(struct racer *t, struct rfn *f)
{
	int ret = 0;

	/* the queue is made anew with the device */
	if (rfn_use(f)) {
		ret = race_event(t, f, false, 0);
		rfn_unuse(f);
	}
	return ret;
}

static int word_of(const char *text, const char *const *words, int nr)
{
	int i;

	for (i = 1; i < nr; i++)
		if (words[i] && !strncmp(text, words[i], strlen(words[i])))
			return i;
	return -EPROTO;
}

static int read_word(const char *path, const char *const *words, int nr)
{
	char text[128];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	text[n] = 0;
	return word_of(text, words, nr);
}

static int do_state(struct racer *t, struct rfn *f)
{
	static const char *const words[] = {
		[MODEL_UNBOUND] = "unbound",
		[MODEL_BINDING] = "binding",
		[MODEL_BOUND] = "bound",
		[MODEL_UNBINDING] = "unbinding",
		[MODEL_QUARANTINED] = "quarantined",
	};
	struct model_call call = call_of(t, f, MODEL_STATE);
	char path[128];

	call.also = model_bit(-ENOENT) | model_bit(-ENODEV);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/tdi/state",
		 world.bdf[f->fn.nr]);
	tell_begin(t, &call);
	return tell_end(t, read_word(path, words, 6));
}

static int do_tdisp(struct racer *t, struct rfn *f)
{
	static const char *const words[] = {
		[MODEL_UNLOCKED] = "CONFIG_UNLOCKED",
		[MODEL_LOCKED] = "CONFIG_LOCKED",
		[MODEL_RUN] = "RUN",
		[MODEL_ERROR] = "ERROR",
	};
	struct model_call call = call_of(t, f, MODEL_TDISP);
	char path[128];

	snprintf(path, sizeof(path), VENDOR_DIR "/%s/fn%u/tdi",
		 world.vendor->name, f->fn.nr);
	tell_begin(t, &call);
	return tell_end(t, read_word(path, words, 5));
}

static int do_close(struct racer *t, struct rfn *f)
{
	return race_close(t, f) ?: race_reopen(t, f);
}

static int do_unplug(struct racer *t, struct rfn *f)
{
	(void)f;
	return race_unplug(t);
}

/* ---- which one ---- */

/*
 * Weights. What waits for the device's 100 ms after a function level reset, for a
 * driver, or for a scrubbed BAR is rare; what asks and is answered at once is not, for
 * it is what the others' long calls meet. What ends a binding is rarer than what begins
 * one: most of it is to happen to a bound TDI.
 */
static const struct {
	unsigned int weight;
	int (*go)(struct racer *t, struct rfn *f);
} ops[] = {
	{ 100, do_live },
	{ 25, do_bind },
	{ 15, do_accept },
	{ 5, do_leave },
	{ 14, race_unbind },
	{ 150, do_read },
	{ 6, do_destroy },
	{ 10, do_alloc },
	{ 5, do_reset },
	{ 4, do_sysfs_reset },
	{ 3, do_flr },
	{ 10, do_hot_reset },
	{ 120, do_attach },
	{ 150, do_bist },
	{ 10, do_clear },
	{ 20, do_enable },
	{ 60, do_slot_del },
	{ 120, do_slot_set },
	{ 60, do_shared },
	{ 90, do_private },
	{ 120, do_export },
	{ 500, do_bar_read },
	{ 300, do_bar_write },
	{ 500, do_touch },
	{ 10, do_connect },
	{ 3, do_disconnect },
	{ 3, do_fall },
	{ 300, do_event },
	{ 700, do_state },
	{ 500, do_tdisp },
	{ 2, do_close },
	{ 2, race_depart },
	{ 2, do_unplug },
};

void race_op(struct racer *t)
{
	struct rfn *f = &t->r->rfn[one_in(t, 3)];
	unsigned int total = 0, pick;
	size_t i;

	/* little can be done with a device that is closed */
	if (!f->fn.dev && one_in(t, 3))
		race_reopen(t, f);
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	pick = race_random(&t->rng) % total;
	for (i = 0; pick >= ops[i].weight; i++)
		pick -= ops[i].weight;
	ops[i].go(t, f);
}
