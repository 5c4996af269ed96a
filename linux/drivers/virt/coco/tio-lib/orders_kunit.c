// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each TSM driver's unbind order on each vendor's firmware: a vendor's own order
 * passes and leaves nothing, every other one is refused somewhere, changes nothing
 * there, and leaves the TDI so that its own order still ends it.
 *
 * The lines that start with "row" are collected into out/check/orders.json.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "orders.h"

static const struct tio_order_rig * const rigs[] = {
	&tio_tdx_rig, &tio_sev_rig, &tio_cca_rig,
};

static const char * const step_names[TIO_NR_STEPS] = {
	[TIO_STEP_STOP] = "stop",
	[TIO_STEP_UNMAP] = "unmap",
	[TIO_STEP_DMA_OFF] = "dma_off",
	[TIO_STEP_REMOVE] = "remove",
	[TIO_STEP_GIVE_BACK] = "give_back",
};

/**
 * struct order_case - one cell of the table
 * @order: whose order
 * @on: whose firmware
 */
struct order_case {
	const struct tio_order_rig *order;
	const struct tio_order_rig *on;
};

static struct order_case cases[ARRAY_SIZE(rigs) * ARRAY_SIZE(rigs)];

static void case_desc(const struct order_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s's order on %s's firmware",
		 c->order->who->vendor, c->on->who->vendor);
}

static const void *case_gen(struct kunit *test, const void *prev, char *desc)
{
	const struct order_case *c = prev;

	c = c ? c + 1 : cases;
	if (c == cases + ARRAY_SIZE(cases))
		return NULL;
	case_desc(c, desc);
	return c;
}

/* Walk @order up to the first refusal: 0, or its status with @step and @nr filled */
static u64 walk(const struct tio_order_rig *on, void *rig,
		const enum tio_step *order, enum tio_step *step, u32 *nr)
{
	for (; *order != TIO_STEP_END; order++) {
		u64 status = on->step(rig, *order, nr);

		*step = *order;
		if (status)
			return status;
	}
	return 0;
}

static void print_row(const struct order_case *c, u64 status,
		      enum tio_step step, u32 nr, u64 violations)
{
	const struct tio_personality *who = c->on->who;

	if (!status) {
		pr_info("tio_orders: row order=%s on=%s call=none status=0x0 name=none step=none violations=%llu\n",
			c->order->who->vendor, who->vendor, violations);
		return;
	}
	pr_info("tio_orders: row order=%s on=%s call=%s status=%#llx name=%s step=%s violations=%llu\n",
		c->order->who->vendor, who->vendor, tio_call_name(who, nr),
		status, tio_status_name(who, status), step_names[step],
		violations);
}

static void order_test(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	enum tio_step step = TIO_STEP_END;
	u64 status, violations;
	u32 nr = 0;
	void *rig;

	rig = c->on->up(test);
	KUNIT_ASSERT_NOT_NULL(test, rig);
	KUNIT_ASSERT_EQ(test, tio_violations(c->on->ref(rig)), 0);
	KUNIT_ASSERT_FALSE(test, c->on->let_go(rig));

	status = walk(c->on, rig, c->order->order, &step, &nr);
	violations = tio_violations(c->on->ref(rig));
	print_row(c, status, step, nr, violations);

	if (c->order == c->on) {
		KUNIT_EXPECT_EQ(test, status, 0);
		KUNIT_EXPECT_EQ(test, violations, 0);
		KUNIT_EXPECT_TRUE(test, c->on->let_go(rig));
		return;
	}
	KUNIT_EXPECT_NE(test, status, 0);
	KUNIT_EXPECT_EQ(test, violations, 1);
	KUNIT_EXPECT_FALSE(test, c->on->let_go(rig));

	/* the refusal has changed nothing that its own order could not end */
	status = walk(c->on, rig, c->on->order, &step, &nr);
	KUNIT_EXPECT_EQ(test, status, 0);
	KUNIT_EXPECT_EQ(test, tio_violations(c->on->ref(rig)), 1);
	KUNIT_EXPECT_TRUE(test, c->on->let_go(rig));
}

static struct kunit_case order_cases[] = {
	KUNIT_CASE_PARAM(order_test, case_gen),
	{}
};

static int order_suite_init(struct kunit_suite *suite)
{
	struct order_case *c = cases;

	for (int i = 0; i < ARRAY_SIZE(rigs); i++)
		for (int k = 0; k < ARRAY_SIZE(rigs); k++)
			*c++ = (struct order_case){ rigs[i], rigs[k] };
	return 0;
}

static struct kunit_suite order_suite = {
	.name = "tio_orders",
	.suite_init = order_suite_init,
	.test_cases = order_cases,
};
kunit_test_suite(order_suite);

MODULE_DESCRIPTION("KUnit test of one vendor's unbind order on another's firmware");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
