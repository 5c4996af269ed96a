/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test program begins with: a VM, function 0, the audit around them.
 *
 *	#include "fixture.h"
 *	TVM_TEST(does_this) { ASSERT_EQ(0, tvm_to_run(self)); ... }
 *	TVM_MAIN
 *
 * The test's body finds an open VM and an open, unbound function; whatever state
 * it leaves them in, the teardown closes both and audits. That the function can be
 * bound and used again is for the next test to find, and for the program's last one.
 */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "harness.h"

/* a test with the fixture tvm */
#define TVM_TEST(name)	TEST_F_TIMEOUT(tvm, name, TVM_TIMEOUT)

FIXTURE(tvm)
{
	struct audit_base base;
	struct vm vm;
	struct fn fn;
};

FIXTURE_SETUP(tvm)
{
	vm_init(&self->vm);
	fn_init(&self->fn, 0);
	WORLD_OR_SKIP();
	AUDIT_BEGIN(&self->base);
	ASSERT_EQ(0, vm_open(&self->vm, 0));
	ASSERT_EQ(0, fn_open(&self->fn, &self->vm));
}

FIXTURE_TEARDOWN(tvm)
{
	fn_close(&self->fn);
	vm_close(&self->vm);
	AUDIT_LOOK(&self->base);
}

/* bound: CONFIG_LOCKED */
static inline int __attribute__((unused)) tvm_to_locked(FIXTURE_DATA(tvm) *self)
{
	return failed(fn_bind(&self->fn), "bind");
}

#define TVM_PRESENT	0x20000	/* bytes of source and destination */

/* bound, accepted, started, ring empty, source and destination present */
static inline int __attribute__((unused)) tvm_to_run(FIXTURE_DATA(tvm) *self)
{
	return tvm_to_locked(self) ?: fn_run(&self->fn) ?:
	       vm_fill(&self->vm, VM_SRC_GPA, TVM_PRESENT, 0x0123456789abcdefULL) ?:
	       vm_fill(&self->vm, VM_DST_GPA, TVM_PRESENT, 0) ?:
	       fn_ring_start(&self->fn);
}

#endif /* TEST_FIXTURE_H */
