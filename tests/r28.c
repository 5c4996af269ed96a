// SPDX-License-Identifier: GPL-2.0-only
/*
 * R28: the machine is rebooted, powered off or replaced by kexec while TDIs are
 * bound: they are unbound, in firmware's order, before any device is shut down, and
 * nothing binds any more.
 *
 * Nobody is left then to say "ok", so this is half of the test: a VMM with a TDI in
 * RUN and one that is locked, DMA and a vCPU at work, which binds again whatever it
 * loses. The other half reads the console: scripts/reboot.
 */
#include <fcntl.h>
#include <pthread.h>

#include "child.h"

#define ARM_MS	60000

/* a line among the kernel's own */
static void say(const char *text)
{
	char line[128];
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int len = snprintf(line, sizeof(line), "<5>tdi| # r28.%s %s\n",
			   world.vendor->name, text);

	if (fd < 0)
		return;
	if (write(fd, line, len) != len)
		note("%s", text);
	close(fd);
}

struct load {
	struct vm *vm;
	struct fn *fn;
};

/* one batch of copies after the other, each posted by the vCPU in private MMIO */
static void *work(void *arg)
{
	struct load *l = arg;

	while (!dma_begin(l->vm, l->fn))
		;
	say("the guest is out");
	return NULL;
}

/* nothing binds by itself, and after this the VMM cannot either */
static void *bind_again(void *arg)
{
	struct fn *fn = arg;
	bool refused = false;
	int ret;

	while (fn_event(fn, -1) != TDI_EVENT_UNBOUND)
		;
	say("event UNBOUND");
	for (;;) {
		ret = tdi_tsm_bind(fn->iommu, fn->vdevice_id);
		if (!ret)
			say("not ok: bound again");
		else if (!refused)
			say(ret == -EBUSY ? "bind EBUSY" : "bind refused");
		refused = ret;
		/* each is a line on the console, which is slow */
		sleep_ms(20);
	}
	return NULL;
}

static int arm(struct vm *vm, struct fn fn[2])
{
	static struct load load;
	uint64_t end;
	pthread_t thread;
	int ret, i;

	ret = vm_open(vm, 0);
	for (i = 0; !ret && i < 2; i++) {
		fn_init(&fn[i], i);
		ret = fn_open(&fn[i], vm) ?: failed(fn_bind(&fn[i]), "bind");
	}
	ret = ret ?: fn_run(&fn[0]);
	if (ret)
		return ret;
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, bind_again, &fn[i]))
			return -EAGAIN;
	load = (struct load) { vm, &fn[0] };
	if (pthread_create(&thread, NULL, work, &load))
		return -EAGAIN;
	/* beside other vendors' guests that never rest */
	end = now_ms() + ARM_MS;
	while (!dma_in_flight(0)) {
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "no DMA");
		sleep_ms(1);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct vm vm;
	static struct fn fn[2];
	char path[64];
	int ret, fd;

	if (argc < 2 || strcmp(argv[1], "arm")) {
		printf("TAP version 13\n1..0 # SKIP it ends the machine: scripts/reboot\n");
		return 0;
	}
	ret = failed(world_prepare(), "no world") ?: arm(&vm, fn);
	if (!ret && (!world_tdi_is(0, "RUN") || !world_tdi_is(1, "CONFIG_LOCKED")))
		ret = -EIO;
	if (ret)
		return 1;
	/* what init waits for */
	snprintf(path, sizeof(path), "/run/armed.%s", world.vendor->name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return 1;
	close(fd);
	for (;;)
		pause();
}
