/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A payload for tvmm that calls as no guest should, each vCPU from its own mailbox: a
 * row is the call's number, device, in_len, out_cap and arg[0], and must be answered
 * -EINVAL. It ends with success, or with a letter for the first row that was obeyed.
 * Needs no stack and runs where it is loaded, in shared memory.
 */
#define EXIT	7
#define LAST	-2

	.macro	row call, device, in_len, out_cap, arg
	.long	\call, \device, \in_len, \out_cap
	.quad	\arg
	.endm

	.section .rodata
	.globl	tvmm_hostile, tvmm_hostile_end
tvmm_hostile:
	shl	$15, %rdi		/* the vCPU's number: its mailbox */
	lea	0x10000(%rdi), %rbx
	mov	$0x7e0, %edx
	lea	rows(%rip), %rsi
	xor	%edi, %edi
1:	mov	(%rsi), %eax
	cmp	$LAST, %eax
	je	2f
	mov	4(%rsi), %ecx
	mov	%ecx, 12(%rbx)
	mov	8(%rsi), %ecx
	mov	%ecx, (%rbx)
	mov	12(%rsi), %ecx
	mov	%ecx, 4(%rbx)
	mov	16(%rsi), %rcx
	mov	%rcx, 16(%rbx)
	movq	$0, 32(%rbx)
	out	%eax, %dx
	cmpq	$-22, 32(%rbx)
	jne	3f
	inc	%edi
	add	$24, %rsi
	jmp	1b
2:	movq	$0, 16(%rbx)
	jmp	4f
3:	movq	$1, 16(%rbx)
4:	add	$'A', %edi
	mov	%edi, 64(%rbx)
	movl	$1, (%rbx)
	movl	$0, 4(%rbx)
	movl	$0, 12(%rbx)
	mov	$EXIT, %eax
	out	%eax, %dx
5:	pause
	jmp	5b

	.balign	8
rows:
	/* no such device, more data than there is room for: arg[0] is what an EXIT fails by */
	.irpc	call, 12345678
	row	\call, 2, 0, 0, 1
	row	\call, 0x80000000, 0, 0, 1
	row	\call, 1, 0x4001, 0, 1
	row	\call, 1, 0, 0xffffffff, 1
	.endr
	/* no such call */
	row	0, 0, 0, 0, 0
	row	9, 0, 0, 0, 0
	row	0xffffffff, 0, 0, 0, 0
	/* no such op, mark, address */
	row	2, 0, 0, 0, 0x100000001
	row	5, 0, 0, 0, 0
	row	5, 1, 0, 0, 0xffffffff00000001
	row	6, 0, 0, 0, 0x100000000
	/* the end of a use that has not begun */
	row	5, 0, 0, 0, 9
	row	LAST, 0, 0, 0, 0
tvmm_hostile_end:
	.section .note.GNU-stack, "", @progbits
