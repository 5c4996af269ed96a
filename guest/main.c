// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

struct tvm_boot boot;
static uint64_t boot_tsc;

extern const char __image_size[];

uint64_t now_ms(void)
{
	return (__builtin_ia32_rdtsc() - boot_tsc) / boot.tsc_khz;
}

/* copy once, then check the copy: the page stays the host's */
static void read_boot(void)
{
	memcpy(&boot, (const void *)TVM_BOOT_GPA, sizeof(boot));
	if (boot.magic != TVM_BOOT_MAGIC || boot.version != TVM_ABI_VERSION)
		call_exit_failed("boot page: magic %x version %u", boot.magic,
				 (uint64_t)boot.version);
	if (!boot.tsc_khz || !boot.bar2_pages || boot.bar2_pages > 4096 ||
	    !boot.copy_bytes || boot.copy_bytes % (4 * PAGE_SIZE) ||
	    boot.copy_bytes > TVM_BUFFER_SIZE)
		call_exit_failed("boot page: a number is out of range");
	boot_tsc = __builtin_ia32_rdtsc();
}

/* private memory is private and ours: keeps what is written, all over it */
static void hello(void)
{
	uint64_t page;

	for (page = 0x400000; page < TVM_PRIVATE_SIZE; page += 16 * PAGE_SIZE)
		*(volatile uint64_t *)(TVM_PRIVATE_GPA + page) = page ^ boot.seed;
	for (page = 0x400000; page < TVM_PRIVATE_SIZE; page += 16 * PAGE_SIZE)
		if (*(volatile uint64_t *)(TVM_PRIVATE_GPA + page) !=
		    (page ^ boot.seed))
			call_exit_failed("private memory: %x differs",
					 TVM_PRIVATE_GPA + page);
	if (!call_probe(TVM_BAR0_GPA))
		call_exit_failed("memory with no slot: expected a memory fault");
	call_log("hello from private memory, %u ms", now_ms());
}

static void accept_and_run(void)
{
	tdi_untouchable();
	tdi_accept();
}

static void accept_use_unbind(void)
{
	int64_t ret;

	accept_and_run();
	use_device();
	tdi_leave();
	ret = call_unbind();
	if (ret)
		call_exit_failed("unbind: expected 0, saw errno %u",
				 (uint64_t)-ret);
	tdi_untouchable();
}

static void again(void)
{
	int64_t ret;

	accept_use_unbind();
	ret = call_bind();
	if (ret)
		call_exit_failed("second bind: expected 0, saw errno %u",
				 (uint64_t)-ret);
	accept_use_unbind();
}

static void __attribute__((noreturn)) locked(void)
{
	uint64_t beat, until;

	tdi_attest();
	for (beat = 0;; beat++) {
		call_mark(TVM_MARK_BEAT, beat);
		for (until = now_ms() + 100; now_ms() < until;)
			__builtin_ia32_pause();
	}
}

void main(void);

void main(void)
{
	read_boot();
	call_mark(TVM_MARK_BOOTED, (uintptr_t)__image_size);
	switch (boot.mode) {
	case TVM_MODE_HELLO:
		hello();
		break;
	case TVM_MODE_FULL:
		accept_use_unbind();
		break;
	case TVM_MODE_ONCE:
		accept_and_run();
		use_device();
		break;
	case TVM_MODE_AGAIN:
		again();
		break;
	case TVM_MODE_LOOP:
		accept_and_run();
		use_for_ever();
	case TVM_MODE_LOCKED:
		locked();
	default:
		call_exit_failed("boot page: unknown mode %u",
				 (uint64_t)boot.mode);
	}
	call_exit_ok();
}
