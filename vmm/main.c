// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tvmm.h"

/* without a device: a private range with nothing behind it, for the probe */
static int no_device(struct tvmm *t)
{
	int ret = tdi_vm_set_private(t->vm, TVM_BAR_GPA(0, 0), 4096, true);

	return ret ? report_failed(t, "device", ret, "attributes: %s",
				   strerror(-ret)) : 0;
}

static int run(struct tvmm *t)
{
	int ret;

	ret = t->opt.nr_devices ? vendor_choose(t) : 0;
	if (!ret)
		ret = vm_create(t) ?: t->guest->prepare(t) ?: vcpus_create(t) ?:
		      memory_create(t);
	if (!ret)
		ret = t->opt.nr_devices ? iommu_create(t) ?: devices_create(t) :
					  no_device(t);
	if (!ret)
		ret = t->guest->tell(t) ?: vcpus_run(t);
	devices_destroy(t);
	iommu_destroy(t);
	memory_destroy(t);
	vcpus_destroy(t);
	t->guest->finish(t);
	vm_destroy(t);
	if (!ret && t->unclean)
		ret = report_failed(t, "exit", -EIO,
				    "not all of it could be taken down, see above");
	return ret;
}

/* nothing is open: every destroy is right from any state on */
static void init(struct tvmm *t)
{
	unsigned int i, k;

	t->kvm_fd = -1;
	t->vm_fd = -1;
	t->guest = t->opt.kernel ? &linux_guest : &payload_guest;
	t->mem.private_fd = -1;
	t->boot.kernel.fd = -1;
	t->boot.initrd.fd = -1;
	t->progress.stop_fd = -1;
	t->iommu.watch.stop_fd = -1;
	for (i = 0; i < MAX_CPUS; i++) {
		t->vcpu[i].t = t;
		t->vcpu[i].index = i;
		t->vcpu[i].fd = -1;
	}
	for (i = 0; i < MAX_DEVICES; i++) {
		struct device *d = &t->device[i];

		d->t = t;
		d->index = i;
		d->bdf = t->opt.bdf[i];
		d->report_fd = -1;
		d->certs_fd = -1;
		for (k = 0; k < MAX_BAR_SLOTS; k++)
			d->slots[k].fd = -1;
	}
}

int main(int argc, char **argv)
{
	struct tvmm t = {
		.opt = {
			.nr_cpus = 1,
			.mode = TVM_MODE_FULL,
			.timeout = 120,
			.report_fd = -1,
			.seed = getpid(),
		},
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int ret;

	ret = options_parse(&t.opt, argc, argv);
	if (ret)
		return ret < 0 ? 2 : 0;
	init(&t);
	report_start(&t);
	ret = run(&t);
	if (!ret)
		report_ok(&t, "exit", "everything closed in order");
	return ret ? 1 : 0;
}
