/* SPDX-License-Identifier: GPL-2.0-only */
/* the agent's image, for vm.c */
	.section .rodata
	.globl agent_image
agent_image:
	.incbin	AGENT_BIN
	.globl agent_image_end
agent_image_end:
	.section .note.GNU-stack, "", @progbits
