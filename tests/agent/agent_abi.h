/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test's agent in a VM, and the VM's address map.
 *
 * The agent does one thing at a time: it writes 32 bits to AGENT_PORT, which ends
 * KVM_RUN, and when it goes on it does what the mailbox says. It runs from shared
 * memory, so that it can be started over whatever happened to private memory.
 */
#ifndef AGENT_ABI_H
#define AGENT_ABI_H

/* shared memory: one slot from guest physical address 0 */
#define VM_SHARED_SIZE		0x400000ULL
#define VM_PGTABLE_GPA		0x1000ULL	/* PML4, PDPT, 4 PDs */
#define AGENT_MBOX_GPA		0x10000ULL	/* struct agent_mbox */
#define AGENT_LOAD_GPA		0x100000ULL
#define AGENT_LOAD_SIZE		0x10000ULL
#define AGENT_STACK_GPA		0x1f0000ULL	/* grows down */
#define VM_WINDOW_GPA		0x200000ULL	/* T=0 DMA reaches it at IOVA = GPA */
#define VM_WINDOW_SIZE		0x40000ULL

/* private memory: one slot over guest_memfd */
#define VM_PRIVATE_GPA		0x10000000ULL
#define VM_PRIVATE_SIZE		0x800000ULL
#define VM_SRC_GPA		VM_PRIVATE_GPA
#define VM_DST_GPA		(VM_PRIVATE_GPA + 0x400000ULL)

/* BARs of function n are at VM_BARS_GPA + n * VM_BARS_STRIDE */
#define VM_BARS_GPA		0xc0000000ULL
#define VM_BARS_STRIDE		0x4000000ULL
#define VM_BAR0_OFFSET		0x0000000ULL
#define VM_BAR2_OFFSET		0x1000000ULL

#define AGENT_PORT		0x7e8

#ifndef __ASSEMBLER__
#include <linux/types.h>

enum agent_cmd {
	AGENT_NOP,
	AGENT_READ,	/* result = width bytes at gpa */
	AGENT_WRITE,	/* width bytes of value to gpa */
	AGENT_PUT,	/* len bytes of data to gpa, 4 bytes at a time */
	AGENT_GET,	/* len bytes at gpa to data, 4 bytes at a time */
	AGENT_FILL,	/* value to every 8 bytes of [gpa, gpa + len) */
	AGENT_SUM,	/* result = FNV-1a of [gpa, gpa + len) */
	AGENT_SPIN,	/* read 4 bytes at gpa until stop is set; beat counts */
};

#define AGENT_DATA	2048

/**
 * struct agent_mbox - what to do, and what came out
 * @cmd: enum agent_cmd
 * @width: 1, 4 or 8
 * @gpa: address
 * @value: to write
 * @len: bytes, multiple of 8 for FILL, of 4 for PUT and GET
 * @result: out
 * @beat: out: rounds of AGENT_SPIN so far
 * @stop: ends AGENT_SPIN
 * @pad: unused
 * @data: of PUT and GET
 */
struct agent_mbox {
	__u32 cmd;
	__u32 width;
	__u64 gpa;
	__u64 value;
	__u64 len;
	__u64 result;
	__u64 beat;
	__u32 stop;
	__u32 pad;
	__u8 data[AGENT_DATA];
};
#endif /* __ASSEMBLER__ */
#endif /* AGENT_ABI_H */
