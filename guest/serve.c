// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest does with its TDIs, as the boot page says: the payload's vCPUs and a
 * program of a Linux guest do the same.
 */
#include "guest.h"

struct tvm_boot boot;
static uint64_t boot_tsc;

/* another vCPU's counter may be a little behind that of vCPU 0 */
uint64_t now_ms(void)
{
	int64_t ticks = __builtin_ia32_rdtsc() - boot_tsc;

	return ticks < 0 ? 0 : ticks / boot.tsc_khz;
}

static void check_boot(void)
{
	uint32_t i;

	if (!boot.tsc_khz || !boot.copy_bytes || boot.copy_bytes % (4 * PAGE_SIZE) ||
	    boot.copy_bytes > TVM_COPY_MAX || !boot.nr_cpus ||
	    boot.nr_cpus > TVM_MAX_CPUS || boot.nr_devices > TVM_MAX_DEVICES ||
	    boot.private_size < TVM_PRIVATE_MIN ||
	    boot.private_size > TVM_PRIVATE_MAX ||
	    work_size() < tvm_work_need(boot.copy_bytes) || boot.flags & ~TVM_BOOT_F_BIND ||
	    (boot.mode == TVM_MODE_HELLO) != !boot.nr_devices)
		call_exit_failed("boot page: a number is out of range");
	for (i = 0; i < boot.nr_devices; i++)
		if (!boot.bar2_pages[i] || boot.bar2_pages[i] > 4096)
			call_exit_failed("boot page: %u pages of BAR 2",
					 (uint64_t)boot.bar2_pages[i]);
}

/* copy once, then check the copy: the page stays the host's */
static void read_boot(void)
{
	memcpy(&boot, (const void *)TVM_BOOT_GPA, sizeof(boot));
	if (boot.magic != TVM_BOOT_MAGIC || boot.version != TVM_ABI_VERSION)
		call_exit_failed("boot page: magic %x version %u", boot.magic,
				 (uint64_t)boot.version);
	check_boot();
	boot_tsc = __builtin_ia32_rdtsc();
}

/* who works beside whom; the first pages of BAR 2 are the serving vCPU's */
static void setup(void)
{
	uint32_t i, cpu;

	for (i = 0; i < boot.nr_devices; i++) {
		struct device *dev = &devices[i];

		memset(dev, 0, sizeof(*dev));
		dev->index = i;
		for (cpu = boot.nr_devices; cpu < boot.nr_cpus; cpu++)
			dev->helpers += cpu % boot.nr_devices == i;
		if (dev->helpers)
			dev->share = boot.bar2_pages[i] / (2 * dev->helpers);
		if (dev->share > 16)
			dev->share = 16;
		dev->own_pages = boot.bar2_pages[i] - dev->helpers * dev->share;
	}
}

static void bind(struct device *dev, const char *what)
{
	int64_t ret = call_bind(dev);

	if (ret)
		call_exit_failed("%s: expected 0, saw errno %u", what,
				 (uint64_t)-ret);
}

/* before tvmm has bound it there is nothing to be had of it */
static void bind_on_request(struct device *dev)
{
	if (!(boot.flags & TVM_BOOT_F_BIND))
		return;
	tdi_untouchable(dev);
	bind(dev, "bind on request");
}

static void accept_and_run(struct device *dev)
{
	tdi_untouchable(dev);
	tdi_accept(dev);
}

static void accept_and_use(struct device *dev)
{
	accept_and_run(dev);
	beside_open(dev);
	beside_wait(dev);
	use_device(dev);
	beside_close(dev);
}

static void accept_use_unbind(struct device *dev)
{
	int64_t ret;

	accept_and_use(dev);
	tdi_leave(dev);
	ret = call_unbind(dev);
	if (ret)
		call_exit_failed("unbind: expected 0, saw errno %u",
				 (uint64_t)-ret);
	tdi_untouchable(dev);
}

static void serve(struct device *dev)
{
	bind_on_request(dev);
	switch (boot.mode) {
	case TVM_MODE_FULL:
		accept_use_unbind(dev);
		break;
	case TVM_MODE_ONCE:
		accept_and_use(dev);
		break;
	case TVM_MODE_AGAIN:
		accept_use_unbind(dev);
		bind(dev, "second bind");
		accept_use_unbind(dev);
		break;
	case TVM_MODE_LOOP:
		accept_and_run(dev);
		beside_open(dev);
		use_begin(dev);
		break;
	case TVM_MODE_LOCKED:
		tdi_attest(dev);
		break;
	default:
		call_exit_failed("boot page: unknown mode %u",
				 (uint64_t)boot.mode);
	}
}

static void __attribute__((noreturn)) beat(void)
{
	uint64_t beat, until;

	for (beat = 0;; beat++) {
		call_mark(NULL, TVM_MARK_BEAT, beat);
		for (until = now_ms() + 100; now_ms() < until;)
			__builtin_ia32_pause();
	}
}

/* DMA on all devices of this vCPU, in turns */
static void __attribute__((noreturn)) loop(uint32_t cpu)
{
	uint64_t done;
	uint32_t i;

	for (done = 0;; done++) {
		for (i = cpu; i < boot.nr_devices; i += boot.nr_cpus)
			use_on(&devices[i]);
		if (done % 32 == 0)
			call_mark(NULL, TVM_MARK_BEAT, done);
	}
}

void guest_work(uint32_t cpu)
{
	uint32_t i;

	memory_fill();
	if (cpu >= boot.nr_devices)
		beside_work(&devices[cpu % boot.nr_devices]);
	for (i = cpu; i < boot.nr_devices; i += boot.nr_cpus) {
		serve(&devices[i]);
		__atomic_store_n(&devices[i].beside.served,
				 boot.mode != TVM_MODE_LOOP, __ATOMIC_SEQ_CST);
	}
	memory_check();
	if (boot.mode == TVM_MODE_LOOP)
		loop(cpu);
	if (boot.mode == TVM_MODE_LOCKED)
		beat();
}

void guest_begin(void)
{
	read_boot();
	setup();
}
