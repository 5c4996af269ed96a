// SPDX-License-Identifier: GPL-2.0-only
/* Granules, tables, private memory and device memory: each call and its refusals. */
#include <linux/seq_file.h>

#include "cca_rmm_rig.h"

#define MIB		0x100000ULL
#define GIB		0x40000000ULL
#define AT		0x20000000ULL

static void granules(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	const u64 end = AT + 0x10000;

	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_delegate(rmm, AT + 8, end, CCA_MEM_RAM));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_delegate(rmm, AT, AT, CCA_MEM_RAM));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_delegate(rmm, end, AT, CCA_MEM_RAM));
	VIOLATES(RMI_ERROR_INPUT, rmi_granule_range_undelegate(rmm, AT, end));
	OK(rmi_granule_range_delegate(rmm, AT, end, CCA_MEM_RAM));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_delegate(rmm, AT, AT + 0x1000, CCA_MEM_DEV));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_delegate(rmm, AT - 0x1000, end + 0x1000,
					    CCA_MEM_RAM));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rmm, AT, end + 0x1000));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rmm, AT - 0x1000, end));
	/* a hole, then what is left from both sides and from the middle */
	OK(rmi_granule_range_undelegate(rmm, AT + 0x4000, AT + 0x6000));
	VIOLATES(RMI_ERROR_INPUT, rmi_granule_range_undelegate(rmm, AT, end));
	OK(rmi_granule_range_delegate(rmm, AT + 0x4000, AT + 0x5000, CCA_MEM_RAM));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rmm, AT + 0x3000, AT + 0x6000));
	OK(rmi_granule_range_undelegate(rmm, AT + 0x2000, AT + 0x5000));
	OK(rmi_granule_range_undelegate(rmm, AT, AT + 0x1000));
	OK(rmi_granule_range_undelegate(rmm, AT + 0x1000, AT + 0x2000));
	OK(rmi_granule_range_undelegate(rmm, AT + 0x6000, end));
	rig_expect_empty(test);
}

/* device memory that touches becomes one run, memory does not */
static void granules_joined(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	int runs = 0;

	for (int i = 0; i < 16; i++) {
		u64 at = AT + (i ^ 5) * CCA_GRANULE;

		OK(rmi_granule_range_delegate(rmm, at, at + CCA_GRANULE,
					      CCA_MEM_DEV));
		at += MIB;
		OK(rmi_granule_range_delegate(rmm, at, at + CCA_GRANULE,
					      CCA_MEM_RAM));
	}
	for (struct rb_node *rb = rb_first(&rmm->runs); rb; rb = rb_next(rb))
		runs++;
	KUNIT_EXPECT_EQ(test, runs, 17);
	/* not joined: goes where nothing may sleep */
	scoped_guard(preempt)
		OK(rmi_granule_range_undelegate(rmm, AT + MIB + CCA_GRANULE,
						AT + MIB + 2 * CCA_GRANULE));
	OK(rmi_granule_range_undelegate(rmm, AT + MIB + 2 * CCA_GRANULE,
					AT + MIB + 16 * CCA_GRANULE));
	OK(rmi_granule_range_undelegate(rmm, AT + MIB, AT + MIB + CCA_GRANULE));
	OK(rmi_granule_range_undelegate(rmm, AT, AT + 16 * CCA_GRANULE));
	rig_expect_empty(test);
}

/* the memory for a call under a spinlock stays with who gave it, if refused */
static void granules_prepared(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_run *run = cca_run_alloc(GFP_KERNEL), *none = NULL;

	HARMLESS(RMI_BUSY, rmi_granule_range_delegate_with(rig->rmm, AT, AT + 0x1000,
							   CCA_MEM_RAM, &none));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_delegate_with(rig->rmm, AT, AT, CCA_MEM_RAM,
						 &run));
	KUNIT_EXPECT_NOT_NULL(test, run);
	OK(rmi_granule_range_delegate_with(rig->rmm, AT, AT + 0x1000, CCA_MEM_RAM,
					   &run));
	KUNIT_EXPECT_NULL(test, run);
	OK(rmi_granule_range_undelegate(rig->rmm, AT, AT + 0x1000));
}

static void granules_in_use(struct kunit *test)
{
	struct rig *rig = test->priv;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rig->rmm, rig->realm[0].rd,
					      rig->realm[0].rd + CCA_GRANULE));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "in use");
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rig->rmm, rig->realm[0].data,
					      rig->realm[0].data + CCA_GRANULE));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rig->rmm, rig->vdev[0],
					      rig->vdev[0] + CCA_GRANULE));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_granule_range_undelegate(rig->rmm, RIG_MMIO_PA + CCA_GRANULE,
					      RIG_MMIO_PA + 2 * CCA_GRANULE));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "MAPPED");
}

static void tables(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	u64 rd, l2 = rig_granule(rig), l3 = rig_granule(rig), out;

	rig_build_realm(test, 0);
	rd = rig->realm[0].rd;
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, l2, l2, 0, 2));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, rd, l2, 0, 1));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, rd, l2, 0, 4));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, rd, l2, 2 * MIB, 2));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, rd, l2, 0x1000, 3));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, rd, l2, BIT_ULL(48), 2));
	/* a host learns so that the table above is missing */
	HARMLESS(RMI_RTT_STATUS(1), rmi_rtt_create(rmm, rd, l3, 2 * MIB, 3));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_create(rmm, rd, rig_ns(rig), 0, 2));
	OK(rmi_rtt_create(rmm, rd, l2, 0, 2));
	VIOLATES(RMI_RTT_STATUS(1), rmi_rtt_create(rmm, rd, l3, 0, 2));
	OK(rmi_rtt_create(rmm, rd, l3, 2 * MIB, 3));
	VIOLATES(RMI_RTT_STATUS(2), rmi_rtt_destroy(rmm, rd, 0, 2, &out));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "live");
	VIOLATES(RMI_RTT_STATUS(2), rmi_rtt_destroy(rmm, rd, 0, 3, &out));
	VIOLATES(RMI_RTT_STATUS(1), rmi_rtt_destroy(rmm, rd, GIB, 2, &out));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_destroy(rmm, rd, 0, 1, &out));
	OK(rmi_realm_terminate(rmm, rd));
	VIOLATES(RMI_ERROR_REALM, rmi_rtt_create(rmm, rd, rig->ep, GIB, 2));
	OK(rmi_rec_destroy(rmm, rig->realm[0].rec));
	VIOLATES(RMI_ERROR_REALM, rmi_realm_destroy(rmm, rd));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "stage 2 not empty");
	OK(rmi_rtt_fold(rmm, rd, 2 * MIB, 3, &out));
	KUNIT_EXPECT_EQ(test, out, l3);
	OK(rmi_rtt_destroy(rmm, rd, 0, 2, &out));
	KUNIT_EXPECT_EQ(test, out, l2);
	OK(rmi_realm_destroy(rmm, rd));
}

static void data(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_leaf *leaf = cca_leaf_alloc(GFP_KERNEL), *none = NULL;
	struct cca_rmm *rmm = rig->rmm;
	u64 pa = rig_granule(rig), rd, ipa = 0, out;

	rig_build_realm(test, 0);
	rd = rig->realm[0].rd;
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_data_map(rmm, pa, 0, pa, &leaf));
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_data_map(rmm, rd, 8, pa, &leaf));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_data_map(rmm, rd, 0, pa + CCA_GRANULE, &leaf));
	HARMLESS(RMI_RTT_STATUS(1), rmi_rtt_data_map(rmm, rd, 0, pa, &leaf));
	rig_tables(test, 0, 0);
	HARMLESS(RMI_BUSY, rmi_rtt_data_map(rmm, rd, 0, pa, &none));
	HARMLESS(RMI_RTT_STATUS(2), rmi_rtt_data_map(rmm, rd, 4 * MIB, pa, &leaf));
	VIOLATES(RMI_RTT_STATUS(3), rmi_rtt_data_unmap(rmm, rd, 0, &out));
	VIOLATES(RMI_RTT_STATUS(1), rmi_rtt_data_unmap(rmm, rd, GIB, &out));
	KUNIT_EXPECT_FALSE(test, cca_rmm_next_page(rmm, rd, &ipa, GIB, &out));
	OK(rmi_rtt_data_map(rmm, rd, 0x3000, pa, &leaf));
	KUNIT_EXPECT_NULL(test, leaf);
	KUNIT_EXPECT_TRUE(test, cca_rmm_next_page(rmm, rd, &ipa, GIB, &out));
	KUNIT_EXPECT_EQ(test, ipa, 0x3000);
	KUNIT_EXPECT_EQ(test, out, pa);
	/* the granule is taken, and so is the entry */
	leaf = cca_leaf_alloc(GFP_KERNEL);
	VIOLATES(RMI_ERROR_INPUT, rmi_rtt_data_map(rmm, rd, 0x4000, pa, &leaf));
	out = rig_granule(rig);
	VIOLATES(RMI_RTT_STATUS(3), rmi_rtt_data_map(rmm, rd, 0x3000, out, &leaf));
	VIOLATES(RMI_RTT_STATUS(3), rmi_rtt_destroy(rmm, rd, 0, 3, &out));
	OK(rmi_realm_terminate(rmm, rd));
	VIOLATES(RMI_ERROR_REALM, rmi_rtt_data_map(rmm, rd, 0x5000, out, &leaf));
	cca_leaf_free(leaf);
	OK(rmi_rtt_data_unmap(rmm, rd, 0x3000, &out));
	KUNIT_EXPECT_EQ(test, out, pa);
}

static u64 map(struct rig *rig, u64 rd, u64 vdev, u64 ipa, u64 top, u64 pa,
	       unsigned int level)
{
	u64 done, status;

	status = rmi_rtt_dev_map(rig->rmm, rd, vdev, ipa, top, pa, level, &done);
	/* *done belongs to the answer */
	if (done != (status ? ipa : top))
		return RMI_BUSY;
	return status;
}

static void dev_map_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, vdev, ipa = RIG_MMIO_IPA, pa = RIG_MMIO_PA, out;
	const u64 top = ipa + CCA_GRANULE;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rig_build_realm(test, 1);
	rig_build_vdev(test, 0, 0);
	rd = rig->realm[0].rd;
	vdev = rig->vdev[0];
	/* operands, the vdev, its ranges, the granule, and the tables last */
	VIOLATES(RMI_ERROR_INPUT, map(rig, vdev, vdev, ipa, top, pa, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa, ipa, pa, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa + 8, top + 8, pa, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa, top, pa + 8, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa, top, pa, 0));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa, top, pa, 4));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa, top, pa, 2));
	VIOLATES(RMI_ERROR_INPUT,
		 map(rig, rd, vdev, ipa + MIB, ipa + 3 * MIB, pa, 3));
	VIOLATES(RMI_ERROR_INPUT,
		 map(rig, rd, vdev, BIT_ULL(48) - CCA_GRANULE,
		     BIT_ULL(48) + CCA_GRANULE, pa, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, rd, ipa, top, pa, 3));
	VIOLATES(RMI_ERROR_INPUT,
		 map(rig, rig->realm[1].rd, vdev, ipa, top, pa, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa, top, pa, 3));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "NS");
	rig_delegate_mmio(test, 0);
	VIOLATES(RMI_ERROR_INPUT,
		 map(rig, rd, vdev, ipa, top, pa - CCA_GRANULE, 3));
	VIOLATES(RMI_ERROR_INPUT,
		 map(rig, rd, vdev, ipa, top, pa + RIG_MMIO_SIZE, 3));
	HARMLESS(RMI_RTT_STATUS(1), map(rig, rd, vdev, ipa, top, pa, 3));
	OK(rmi_rtt_create(rig->rmm, rd, rig_granule(rig), ipa, 2));
	HARMLESS(RMI_RTT_STATUS(2), map(rig, rd, vdev, ipa, top, pa, 3));
	OK(rmi_rtt_create(rig->rmm, rd, rig_granule(rig), ipa, 3));
	OK(map(rig, rd, vdev, ipa, top, pa, 3));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, top, top + 0x1000, pa, 3));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "MAPPED");
	VIOLATES(RMI_RTT_STATUS(3),
		 map(rig, rd, vdev, ipa, top, pa + CCA_GRANULE, 3));
	/* the second of two is taken: the first is not mapped either */
	VIOLATES(RMI_RTT_STATUS(3),
		 map(rig, rd, vdev, ipa - 0, top + CCA_GRANULE,
		     pa + CCA_GRANULE, 3));
	VIOLATES(RMI_RTT_STATUS(3), rmi_rtt_destroy(rig->rmm, rd, ipa, 3, &out));
	OK(rmi_realm_terminate(rig->rmm, rd));
	VIOLATES(RMI_ERROR_REALM,
		 map(rig, rd, vdev, top, top + 0x1000, pa + 0x1000, 3));
	OK(rmi_rtt_dev_unmap(rig->rmm, rd, ipa, top, &out));
}

static void dev_unmap_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	u64 ipa = RIG_MMIO_IPA, rd, out;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	rd = rig->realm[0].rd;
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_unmap(rmm, 0, ipa, ipa + CCA_GRANULE, &out));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_unmap(rmm, rd, ipa + 8, ipa + CCA_GRANULE, &out));
	VIOLATES(RMI_RTT_STATUS(3),
		 rmi_rtt_dev_unmap(rmm, rd, RIG_MEM_IPA,
				   RIG_MEM_IPA + CCA_GRANULE, &out));
	VIOLATES(RMI_RTT_STATUS(1),
		 rmi_rtt_dev_unmap(rmm, rd, 8 * GIB, 8 * GIB + CCA_GRANULE, &out));
	/* what is not mapped behind what is: nothing happens */
	VIOLATES(RMI_RTT_STATUS(3),
		 rmi_rtt_dev_unmap(rmm, rd, ipa, ipa + RIG_MMIO_SIZE + 0x1000,
				   &out));
	KUNIT_EXPECT_EQ(test, out, ipa);
	OK(rmi_rtt_dev_unmap(rmm, rd, ipa + 0x1000, ipa + 0x2000, &out));
	KUNIT_EXPECT_EQ(test, out, ipa + 0x2000);
	VIOLATES(RMI_RTT_STATUS(3),
		 rmi_rtt_dev_unmap(rmm, rd, ipa + 0x1000, ipa + 0x2000, &out));
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rmm, rd, ipa + 0x1000,
						       RIG_MMIO_PA + 0x1000));
	/* RIPAS DESTROYED in a part of the table: not all alike, and not live */
	OK(rmi_rtt_dev_unmap(rmm, rd, ipa, ipa + 0x1000, &out));
	OK(rmi_rtt_dev_unmap(rmm, rd, ipa + 0x2000, ipa + 0x4000, &out));
	VIOLATES(RMI_RTT_STATUS(3), rmi_rtt_fold(rmm, rd, ipa, 3, &out));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "not all alike");
	/* and no obstacle for what comes there next */
	rig_map(test, 0, 0);
	rig_accept(test, 0, 0);
	rig_unmap(test, 0, 0);
	OK(rmi_rtt_destroy(rmm, rd, ipa, 3, &out));
}

/* leaves of 2 MiB and 1 GiB, and what lies in their way */
static void blocks(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct rmi_vdev_params params = {
		.vdev_id = 0x77,
		.tdi_id = RIG_RID,
		.nr_ranges = 1,
		.range = { { 64 * GIB, 128 * GIB } },
	};
	const u64 ipa = 256 * GIB, pa = 64 * GIB;
	struct cca_dev_leaf leaf;
	u64 rd, vdev, out;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rd = rig->realm[0].rd;
	vdev = rig_granule(rig);
	OK(rmi_vdev_create(rig->rmm, rd, rig->ep, vdev, &params));
	OK(rmi_granule_range_delegate(rig->rmm, pa, pa + 64 * GIB, CCA_MEM_DEV));
	HARMLESS(RMI_RTT_STATUS(1), map(rig, rd, vdev, ipa, ipa + 2 * MIB, pa, 2));
	OK(map(rig, rd, vdev, ipa, ipa + 2 * GIB, pa, 1));
	out = rig_granule(rig);
	VIOLATES(RMI_RTT_STATUS(1), rmi_rtt_create(rig->rmm, rd, out, ipa, 2));
	/* a walk that ends at a leaf is a mistake, one at a hole is not */
	VIOLATES(RMI_RTT_STATUS(1),
		 map(rig, rd, vdev, ipa, ipa + 2 * MIB, pa + 4 * GIB, 2));
	VIOLATES(RMI_RTT_STATUS(1),
		 rmi_rtt_dev_unmap(rig->rmm, rd, ipa, ipa + 2 * MIB, &out));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "part of a leaf");
	KUNIT_EXPECT_TRUE(test, cca_rmm_next_dev(rig->rmm, rd, ipa + MIB,
						 ipa + GIB, &leaf));
	KUNIT_EXPECT_EQ(test, leaf.ipa, ipa);
	KUNIT_EXPECT_EQ(test, leaf.pa, pa);
	KUNIT_EXPECT_EQ(test, leaf.level, 1);
	KUNIT_EXPECT_FALSE(test, leaf.accepted);
	OK(rmi_rtt_dev_unmap(rig->rmm, rd, ipa, ipa + 2 * GIB, &out));
	OK(rmi_rtt_create(rig->rmm, rd, rig_granule(rig), ipa, 2));
	VIOLATES(RMI_RTT_STATUS(1), map(rig, rd, vdev, ipa, ipa + GIB, pa, 1));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "table");
	OK(map(rig, rd, vdev, ipa + 2 * MIB, ipa + 4 * MIB, pa + 2 * MIB, 2));
	VIOLATES(RMI_ERROR_INPUT, map(rig, rd, vdev, ipa + 2 * GIB, ipa + 3 * GIB,
				      pa, 1));
	OK(rmi_rtt_dev_unmap(rig->rmm, rd, ipa + 2 * MIB, ipa + 4 * MIB, &out));
}

/* more than one call gets done: it says where it stopped */
static void yields(struct kunit *test)
{
	struct rig *rig = test->priv;
	const u64 base = RIG_MMIO_PA + 2 * MIB, ipa = RIG_MMIO_IPA + 2 * MIB;
	const u64 part = CCA_YIELD_LEAVES * CCA_GRANULE, top = ipa + 2 * MIB;
	u64 rd, at, done = ipa, status = RMI_INCOMPLETE;
	u32 calls = 0;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rig_build_vdev(test, 0, 0);
	rd = rig->realm[0].rd;
	rig_tables(test, 0, ipa);
	OK(rmi_granule_range_delegate(rig->rmm, base, base + 2 * MIB, CCA_MEM_DEV));
	for (at = ipa; status == RMI_INCOMPLETE; at = done) {
		status = rmi_rtt_dev_map(rig->rmm, rd, rig->vdev[0], at, top,
					 base + (at - ipa), 3, &done);
		KUNIT_ASSERT_EQ(test, done, at + part);
		calls++;
	}
	OK(status);
	KUNIT_EXPECT_EQ(test, calls, 16);
	for (status = RMI_INCOMPLETE, at = ipa; status == RMI_INCOMPLETE; at = done)
		status = rmi_rtt_dev_unmap(rig->rmm, rd, at, top, &done);
	OK(status);
	KUNIT_EXPECT_EQ(test, done, top);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* a fault switch: the call answers and changes nothing, and nobody is to blame */
static void fault_switch(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 out, ipa = RIG_MMIO_IPA;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rig->rmm, 1, RMI_BUSY, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rig->rmm, RMI_RTT_DEV_UNMAP, 0x77, 0, 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rig->rmm, RMI_RTT_DEV_UNMAP,
					     RMI_ERROR_RTT, 1, 1), 0);
	OK(rmi_rtt_dev_unmap(rig->rmm, rig->realm[0].rd, ipa, ipa + 0x1000, &out));
	HARMLESS(RMI_ERROR_RTT,
		 rmi_rtt_dev_unmap(rig->rmm, rig->realm[0].rd, ipa + 0x1000,
				   ipa + 0x2000, &out));
	OK(rmi_rtt_dev_unmap(rig->rmm, rig->realm[0].rd, ipa + 0x1000,
			     ipa + 0x2000, &out));
}

/* power off with everything in the tables: KASAN and kmemleak look on */
static void power_off(struct kunit *test)
{
	rig_build_stream(test);
	rig_run(test, 0, 0);
	rig_run(test, 1, 1);
	rig_unmap(test, 1, 1);
}

static void referee_lines(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct seq_file m = { .size = 4 * PAGE_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_activate(rig->rmm, 0x5000));
	cca_teemu_ops.referee(rig->rmm, &m);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "violations 1\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "RMI_REALM_ACTIVATE"));
	m.count = 0;
	memset(m.buf, 0, m.size);
	cca_teemu_ops.calls(rig->rmm, &m);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "0xc400018a"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "RMI_ERROR_GRANULE"));
	KUNIT_EXPECT_NULL(test, tio_call_name(&cca_rmm_personality, 0));
	/* each call once */
	for (size_t i = 0; i < cca_rmm_personality.nr_calls; i++)
		for (size_t k = 0; k < i; k++)
			KUNIT_EXPECT_NE(test, cca_rmm_personality.calls[i].nr,
					cca_rmm_personality.calls[k].nr);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(granules),
	KUNIT_CASE(granules_joined),
	KUNIT_CASE(granules_prepared),
	KUNIT_CASE(granules_in_use),
	KUNIT_CASE(tables),
	KUNIT_CASE(data),
	KUNIT_CASE(dev_map_calls),
	KUNIT_CASE(dev_unmap_calls),
	KUNIT_CASE(blocks),
	KUNIT_CASE(yields),
	KUNIT_CASE(fault_switch),
	KUNIT_CASE(power_off),
	KUNIT_CASE(referee_lines),
	{}
};

static struct kunit_suite suite = {
	.name = "cca_rmm_mem",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
