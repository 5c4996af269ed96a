/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit that ends every test: what must hold when no TDI is bound, and, at the
 * end of some, that the function can be bound, used and unbound again.
 *
 * Take audit_begin() before the test's first object and audit_end() when the last
 * is closed, in a process that has none of them.
 */
#ifndef TEST_AUDIT_H
#define TEST_AUDIT_H

#include <stdbool.h>

/**
 * struct audit_base - what was so before the test
 * @log: /dev/kmsg at its end
 * @lockdep_off: lockdep has had something to say
 * @violations: of the referee
 * @fds: open files of this process
 * @trace: falls to ERROR are traced
 */
struct audit_base {
	int log;
	bool lockdep_off;
	unsigned long long violations;
	int fds;
	bool trace;
};

/* The world is prepared. */
int audit_begin(struct audit_base *base);
/*
 * Waits for what work items still put away, at most 10 s, then says what differs.
 * Ends in a bind, run, DMA and unbind of function 0. 0 or -EUCLEAN.
 */
int audit_end(const struct audit_base *base);
/* as audit_end(), without binding again */
int audit_look(const struct audit_base *base);
/* the falls to ERROR up to here were meant */
void audit_forget_falls(void);

/*
 * What costs too much to do after every test; once for each program. The link is
 * taken down (all tables are empty then), the driver is unbound (nobody holds
 * VFIO's registration), both come back, and every function but 0, which audit_end()
 * is about to take, can be bound and used.
 * 0 or -EUCLEAN.
 */
int audit_deep(void);
/* kmemleak finds nothing: 0, -EUCLEAN, -ENOENT: not in this kernel */
int audit_kmemleak(void);

#endif /* TEST_AUDIT_H */
