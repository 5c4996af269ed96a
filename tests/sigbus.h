/* SPDX-License-Identifier: GPL-2.0-only */
/* Touch a mapping that may answer with SIGBUS. One thread at a time. */
#ifndef TEST_SIGBUS_H
#define TEST_SIGBUS_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

static sigjmp_buf sigbus_back;

static void sigbus_handler(int sig)
{
	(void)sig;
	siglongjmp(sigbus_back, 1);
}

/* read the word at @p: false when it raised SIGBUS */
static inline bool sigbus_read(volatile uint8_t *p, uint32_t *value)
{
	struct sigaction action = { .sa_handler = sigbus_handler }, old;
	volatile bool ok = false;

	sigaction(SIGBUS, &action, &old);
	if (!sigsetjmp(sigbus_back, 1)) {
		*value = *(volatile uint32_t *)p;
		ok = true;
	}
	sigaction(SIGBUS, &old, NULL);
	return ok;
}

static inline bool sigbus_write(volatile uint8_t *p, uint32_t value)
{
	struct sigaction action = { .sa_handler = sigbus_handler }, old;
	volatile bool ok = false;

	sigaction(SIGBUS, &action, &old);
	if (!sigsetjmp(sigbus_back, 1)) {
		*(volatile uint32_t *)p = value;
		ok = true;
	}
	sigaction(SIGBUS, &old, NULL);
	return ok;
}

#endif /* TEST_SIGBUS_H */
