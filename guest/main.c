// SPDX-License-Identifier: GPL-2.0-only
/* the payload: where its vCPUs come to from start.S, and what its code asks of where it runs */
#include "guest.h"

/* too large to be cleared at each boot: what there is of it is, by guest_begin() */
struct device devices[TVM_MAX_DEVICES] __attribute__((section(".noinit")));

/* of start.S: the others wait for it */
extern uint32_t others_may_go;
extern const char __image_size[];

void platform_call(uint32_t number)
{
	asm volatile("outl %0, %1" : : "a"(number), "d"((uint16_t)TVM_PORT) :
		     "memory");
}

/* by its stack */
uint32_t this_cpu(void)
{
	uint64_t sp;

	asm volatile("mov %%rsp, %0" : "=r"(sp));
	return (TVM_STACK_GPA(0) - 1 - sp) / TVM_STACK_SIZE;
}

uint64_t work_size(void)
{
	return tvm_work_size(boot.private_size, boot.nr_cpus);
}

uint8_t *work_src(void)
{
	return (uint8_t *)(TVM_WORK_GPA + this_cpu() * work_size());
}

static void hello(void)
{
	memory_fill();
	memory_check();
	if (!call_probe(TVM_BAR_GPA(0, TEEMU_BAR_REGS)))
		call_exit_failed("memory with no slot: expected a memory fault");
	call_log("vCPU %u says hello from private memory, %u ms",
		 (uint64_t)this_cpu(), now_ms());
}

/* of start.S: an exception is the payload's own bug or the host's doing */
void __attribute__((noreturn)) exception_report(uint64_t vector, uint64_t error,
						uint64_t rip, uint64_t cr2);

void exception_report(uint64_t vector, uint64_t error, uint64_t rip,
		      uint64_t cr2)
{
	call_exit_failed("exception %u error %x rip %x cr2 %x", vector, error,
			 rip, cr2);
}

void main(void);

void main(void)
{
	uint32_t cpu = this_cpu();

	if (!cpu) {
		guest_begin();
		__atomic_store_n(&others_may_go, 1, __ATOMIC_SEQ_CST);
	} else if (cpu >= boot.nr_cpus) {
		call_exit_failed("vCPU %u of %u", (uint64_t)cpu,
				 (uint64_t)boot.nr_cpus);
	}
	call_mark(NULL, TVM_MARK_BOOTED, (uintptr_t)__image_size);
	if (boot.mode == TVM_MODE_HELLO)
		hello();
	else
		guest_work(cpu);
	call_exit_ok();
}
