// SPDX-License-Identifier: GPL-2.0-only
/*
 * After all others (its name is the last): what they have left behind and only a
 * look at everything shows. A scan is too slow to be done after every test.
 */
#include "harness.h"

AUDITED_TEST(kmemleak)
{
	int ret = audit_kmemleak();

	if (ret == -ENOENT)
		SKIP(return, "no kmemleak in this kernel");
	ASSERT_EQ(0, ret);
}

TVM_MAIN
