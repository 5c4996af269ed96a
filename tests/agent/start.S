/* SPDX-License-Identifier: GPL-2.0-only */
/* entry at AGENT_LOAD_GPA, 64-bit, paging on, interrupts off */
#include "agent_abi.h"

	.section .start, "ax"
	.globl _start
_start:
	movabs	$AGENT_STACK_GPA, %rsp
	xor	%ebp, %ebp
	call	agent
	.section .note.GNU-stack, "", @progbits
