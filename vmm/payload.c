// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bare-metal guest of ../guest: its image, page tables and boot page in shared
 * memory. Its calls are all that it asks of a machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tvmm.h"

static int read_image(struct tvmm *t)
{
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	fd = open(t->opt.payload, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return report_failed(t, "vm", -errno, "payload %s: %s",
				     t->opt.payload, strerror(errno));
	while (len < TVM_LOAD_SIZE) {
		n = read(fd, t->mem.shared + TVM_LOAD_GPA + len,
			 TVM_LOAD_SIZE - len);
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	if (n < 0 || !len || len == TVM_LOAD_SIZE)
		return report_failed(t, "vm", -EINVAL,
				     "payload %s: expected 1 to %llu bytes, saw %zu",
				     t->opt.payload, TVM_LOAD_SIZE - 1, len);
	return 0;
}

static int payload_prepare(struct tvmm *t)
{
	t->mem.shared_size = TVM_SHARED_SIZE;
	return 0;
}

static void payload_finish(struct tvmm *t)
{
	(void)t;
}

static int payload_load(struct tvmm *t)
{
	int ret = read_image(t);

	if (!ret)
		long_mode_tables(t);
	return ret;
}

int boot_page(struct tvmm *t)
{
	struct tvm_boot *boot = (void *)(t->mem.shared + TVM_BOOT_GPA);
	int khz = ioctl(t->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);
	unsigned int i;

	if (khz <= 0)
		return report_failed(t, "vm", -EIO, "KVM_GET_TSC_KHZ: %d", khz);
	*boot = (struct tvm_boot) {
		.magic = TVM_BOOT_MAGIC,
		.version = TVM_ABI_VERSION,
		.mode = t->opt.mode,
		.private_size = t->mem.private_size,
		.nr_cpus = t->opt.nr_cpus,
		.nr_devices = t->opt.nr_devices,
		.copy_bytes = t->opt.copy_bytes,
		.tsc_khz = khz,
		.seed = t->opt.seed,
		.arch = t->opt.arch,
		.flags = t->opt.bind_on_request ? TVM_BOOT_F_BIND : 0,
	};
	for (i = 0; i < t->opt.nr_devices; i++)
		boot->bar2_pages[i] = t->device[i].bar2_pages;
	return 0;
}

static int payload_start(struct vcpu *v)
{
	const struct kvm_regs regs = {
		.rip = TVM_LOAD_GPA, .rdi = v->index, .rflags = 2,
	};

	return long_mode_start(v, &regs);
}

/* a call: the one thing that the payload says through a port */
static int payload_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint32_t number;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4 ||
	    run->io.count != 1 || run->io.port != TVM_PORT)
		return report_failed(v->t, "exit", -EPROTO,
				     "port %#x of vCPU %u, size %u, count %u: no call",
				     run->io.port, v->index, run->io.size,
				     run->io.count);
	memcpy(&number, (uint8_t *)run + run->io.data_offset, sizeof(number));
	return hypercall(v, number);
}

static int payload_mmio(struct vcpu *v)
{
	return report_failed(v->t, "exit", -EFAULT,
			     "MMIO exit of vCPU %u at gpa %#llx: nothing is emulated",
			     v->index, v->run->mmio.phys_addr);
}

const struct guest payload_guest = {
	.prepare = payload_prepare,
	.load = payload_load,
	.tell = boot_page,
	.start = payload_start,
	.io = payload_io,
	.mmio = payload_mmio,
	.finish = payload_finish,
};
