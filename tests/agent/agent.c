// SPDX-License-Identifier: GPL-2.0-only
#include "agent_abi.h"

#define FNV_BASIS	0xcbf29ce484222325ULL
#define FNV_PRIME	0x100000001b3ULL

void agent(void);

static void signal_host(void)
{
	asm volatile("outl %0, %1" : : "a"(0), "d"((__u16)AGENT_PORT) : "memory");
}

static __u64 read_gpa(__u64 gpa, __u32 width)
{
	switch (width) {
	case 1:
		return *(volatile __u8 *)gpa;
	case 4:
		return *(volatile __u32 *)gpa;
	default:
		return *(volatile __u64 *)gpa;
	}
}

static void write_gpa(__u64 gpa, __u32 width, __u64 value)
{
	switch (width) {
	case 1:
		*(volatile __u8 *)gpa = value;
		break;
	case 4:
		*(volatile __u32 *)gpa = value;
		break;
	default:
		*(volatile __u64 *)gpa = value;
		break;
	}
}

static void copy_words(volatile __u32 *dst, const volatile __u32 *src, __u64 len)
{
	__u64 i;

	for (i = 0; i < len / 4; i++)
		dst[i] = src[i];
}

static __u64 sum(const __u8 *p, __u64 len)
{
	__u64 hash = FNV_BASIS;

	while (len--)
		hash = (hash ^ *p++) * FNV_PRIME;
	return hash;
}

static void spin(volatile struct agent_mbox *m)
{
	__u64 gpa = m->gpa;

	while (!m->stop) {
		if (gpa)
			m->result = read_gpa(gpa, 4);
		m->beat++;
		__builtin_ia32_pause();
	}
}

static void obey(volatile struct agent_mbox *m)
{
	__u64 gpa = m->gpa, len = m->len, value = m->value, i;

	switch (m->cmd) {
	case AGENT_READ:
		m->result = read_gpa(gpa, m->width);
		break;
	case AGENT_WRITE:
		write_gpa(gpa, m->width, value);
		break;
	case AGENT_PUT:
		copy_words((void *)gpa, (void *)m->data, len);
		break;
	case AGENT_GET:
		copy_words((void *)m->data, (void *)gpa, len);
		break;
	case AGENT_FILL:
		for (i = 0; i < len; i += 8)
			*(volatile __u64 *)(gpa + i) = value;
		break;
	case AGENT_SUM:
		m->result = sum((const __u8 *)gpa, len);
		break;
	case AGENT_SPIN:
		spin(m);
		break;
	default:
		break;
	}
}

void agent(void)
{
	volatile struct agent_mbox *m = (void *)AGENT_MBOX_GPA;

	for (;;) {
		signal_host();
		obey(m);
	}
}
