/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of every vCPU at TVM_LOAD_GPA in shared memory, in 64-bit mode with paging on,
 * the vCPU's number in RDI. vCPU 0 moves the image to where it was linked, in private
 * memory; the others wait until it lets them go. Each goes on there: from then on
 * nothing that the payload runs or keeps is the host's.
 */
	.section .start, "ax"
	.globl _start
_start:
	cli
	cld
	mov	%edi, %r12d
	test	%r12d, %r12d
	jnz	wait
	lea	_start(%rip), %rsi
	movabs	$_start, %rdi
	movabs	$__image_size, %rcx
	rep movsb
	movabs	$__bss_start, %rdi
	movabs	$__bss_size, %rcx
	xor	%eax, %eax
	rep stosb
	movabs	$private, %rax
	jmp	*%rax
	/* private memory is zero until somebody has written there */
wait:
	cmp	$8, %r12d		/* TVM_MAX_CPUS */
	jae	stop
	movabs	$others_may_go, %rbx
	mov	$0x7e0, %edx		/* TVM_PORT */
0:	mov	$8, %eax		/* TVM_CALL_YIELD; the mailbox is still zero */
	out	%eax, %dx
	cmpl	$0, (%rbx)
	je	0b
	movabs	$private, %rax
	jmp	*%rax
stop:
	pause
	jmp	stop
private:
	movabs	$__stack_top, %rsp
	mov	%r12, %rax
	shl	$16, %rax		/* TVM_STACK_SIZE */
	sub	%rax, %rsp
	lgdt	gdt_desc(%rip)
	lea	1f(%rip), %rax
	push	$8
	push	%rax
	lretq
1:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	test	%r12d, %r12d
	jnz	3f
	/* every vector's gate leads to its stub of 16 bytes */
	lea	idt(%rip), %rdi
	lea	stubs(%rip), %rax
	mov	$32, %ecx
2:	mov	%ax, (%rdi)
	movl	$0x8e000008, 2(%rdi)
	mov	%rax, %rdx
	shr	$16, %rdx
	mov	%dx, 6(%rdi)
	movl	$0, 8(%rdi)
	movl	$0, 12(%rdi)
	add	$16, %rdi
	add	$16, %rax
	dec	%ecx
	jnz	2b
3:	lidt	idt_desc(%rip)
	xor	%ebp, %ebp
	call	main
4:	pause
	jmp	4b

	.balign	16
stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	(vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17)
	nop
	nop
	.else
	push	$0
	.endif
	push	$vector
	jmp	exception
	.set	vector, vector + 1
	.endr
	.balign	16
exception:
	pop	%rdi		/* vector */
	pop	%rsi		/* error code */
	mov	(%rsp), %rdx	/* rip */
	mov	%cr2, %rcx
	and	$-16, %rsp
	call	exception_report

	.data
	.balign	16
gdt:	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
gdt_desc:
	.word	gdt_desc - gdt - 1
	.quad	gdt
idt_desc:
	.word	32 * 16 - 1
	.quad	idt
	.bss
	.balign	16
idt:	.skip	32 * 16
	/* set when all that the vCPUs share is there */
	.globl others_may_go
others_may_go:
	.skip	4
	.section .note.GNU-stack, "", @progbits
