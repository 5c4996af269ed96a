/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The harness as the tests here use it: time limits for an emulated CPU, a named
 * skip where there is no platform, and the last test of every program.
 */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <errno.h>

#include "kselftest_harness.h"

#include "audit.h"
#include "world.h"

#define TVM_TIMEOUT	180	/* s; the debug kernel runs on an emulated CPU */

/* SKIP needs to be in a function of the harness */
#define WORLD_OR_SKIP()	do {						\
	int world_ret = world_prepare();				\
									\
	if (world_ret == -ENODEV)					\
		SKIP(return, "no emulated platform in this kernel");	\
	ASSERT_EQ(0, world_ret);					\
} while (0)

/* the whole program is a skip, and says why */
static inline bool not_for(const char *only, const char *why)
{
	if (!only || !world.vendor || !strcmp(world.vendor->name, only))
		return false;
	printf("TAP version 13\n1..0 # SKIP for %s only: %s\n", only, why);
	return true;
}

/* for what no vendor's driver takes part in: one of them shows it, in a full run */
#define ONCE_OR_SKIP()	do {						\
	if (strcmp(world.vendor->name, "tdx"))				\
		SKIP(return, "the same for every vendor, shown for tdx");	\
} while (0)

#define AUDIT_BEGIN(base)	ASSERT_EQ(0, audit_begin(base))
#define AUDIT_LOOK(base)	EXPECT_EQ(0, audit_look(base))
#define AUDIT_END(base)		EXPECT_EQ(0, audit_end(base))

/* a test that opens and closes its own objects, between the audit's two ends */
#define AUDITED_TEST(name)	TEST_F_TIMEOUT(audited, name, TVM_TIMEOUT)

FIXTURE(audited)
{
	struct audit_base base;
};

FIXTURE_SETUP(audited)
{
	WORLD_OR_SKIP();
	AUDIT_BEGIN(&self->base);
}

FIXTURE_TEARDOWN(audited)
{
	AUDIT_END(&self->base);
}

/* the program's last test, of a fixture of its own for that, and main() */
#define TVM_MAIN	TVM_MAIN_OF(NULL, NULL)

/* of a program that says why it is for one vendor only */
#define TVM_MAIN_OF(only, why)						\
FIXTURE(last)								\
{									\
	struct audit_base base;						\
};									\
									\
FIXTURE_SETUP(last)							\
{									\
	WORLD_OR_SKIP();						\
	AUDIT_BEGIN(&self->base);					\
}									\
									\
FIXTURE_TEARDOWN(last)							\
{									\
	AUDIT_END(&self->base);						\
}									\
									\
TEST_F_TIMEOUT(last, no_references_left, TVM_TIMEOUT)			\
{									\
	EXPECT_EQ(0, audit_deep());					\
}									\
									\
int main(int argc, char **argv)						\
{									\
	/* for all tests at once; each looks again, and says what is wrong */	\
	world_prepare();						\
	if (not_for(only, why))						\
		return KSFT_PASS;					\
	return test_harness_run(argc, argv);				\
}

#endif /* TEST_HARNESS_H */
