/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * int probe_read(uint64_t gpa): read 4 bytes at @gpa. The VMM, which was told
 * probe_landing, sends us there with 1 in RAX when the read faults.
 */
	.text
	.globl probe_read
probe_read:
	mov	(%rdi), %eax
	xor	%eax, %eax
	ret
	.globl probe_landing
probe_landing:
	ret
	.section .note.GNU-stack, "", @progbits
