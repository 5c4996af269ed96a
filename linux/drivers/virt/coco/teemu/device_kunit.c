// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: KUnit tests of the device around its TDIs: link, slot, VFs, errors, and
 * what a TVM writes to a device that was reset under it.
 */
#include "bench_kunit.h"

/* what takes the link down; all of it comes back with the function as after a reset */
static void device_link_down(struct kunit *test)
{
	struct bench *b = test->priv;
	static const struct {
		u16 where;
		u16 down;
		u16 up;
	} rows[] = {
		{ TEEMU_EXP + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD, 0 },
		{ PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 0 },
		{ TEEMU_EXP + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PWR_OFF, 0 },
	};
	const u16 lnksta = TEEMU_EXP + PCI_EXP_LNKSTA;
	const u16 sltsta = TEEMU_EXP + PCI_EXP_SLTSTA;

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		teemu_cfg_power_on(b->rc);
		teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		go_to(test, TDISP_RUN);
		teemu_cfg_write(b->rc, NULL, rows[i].where, 2, rows[i].down);
		flush_workqueue(b->rc->wq);
		KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_UNLOCKED);
		KUNIT_EXPECT_FALSE(test, teemu_cfg_read(b->rc, NULL, lnksta, 2) &
				   PCI_EXP_LNKSTA_DLLLA);
		KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sltsta, 2),
				PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_DLLSC);
		KUNIT_EXPECT_FALSE(test, teemu_fn_present(b->fn));
		teemu_ide_set_keys(b->rc, 1, true);
		KUNIT_EXPECT_FALSE(test, test_bit(1, b->rc->ide_keys));

		teemu_cfg_write(b->rc, NULL, sltsta, 2, PCI_EXP_SLTSTA_DLLSC);
		teemu_cfg_write(b->rc, NULL, rows[i].where, 2, rows[i].up);
		KUNIT_EXPECT_TRUE(test, teemu_fn_present(b->fn));
		KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sltsta, 2),
				PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_DLLSC);
	}
}

static void device_slot(struct kunit *test)
{
	struct bench *b = test->priv;
	const u16 sltsta = TEEMU_EXP + PCI_EXP_SLTSTA;

	go_to(test, TDISP_RUN);
	KUNIT_EXPECT_EQ(test, teemu_slot_in(b->rc), -EBUSY);
	KUNIT_ASSERT_EQ(test, teemu_slot_out(b->rc), 0);
	KUNIT_EXPECT_EQ(test, teemu_slot_out(b->rc), -ENODEV);
	KUNIT_EXPECT_EQ(test, teemu_fn_state(b->fn), TDISP_CONFIG_UNLOCKED);
	KUNIT_EXPECT_FALSE(test, teemu_fn_present(b->fn));
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sltsta, 2),
			PCI_EXP_SLTSTA_DLLSC | PCI_EXP_SLTSTA_PDC);
	/* nothing is there to answer */
	for (int i = 0; i < TEEMU_NR_BARS; i++)
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(b->bar[i], 0xff,
						     b->fn->bar_size[i]), NULL);

	teemu_cfg_write(b->rc, NULL, sltsta, 2, PCI_EXP_SLTSTA_DLLSC |
			PCI_EXP_SLTSTA_PDC);
	KUNIT_ASSERT_EQ(test, teemu_slot_in(b->rc), 0);
	KUNIT_EXPECT_TRUE(test, teemu_fn_present(b->fn));
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sltsta, 2),
			PCI_EXP_SLTSTA_DLLSC | PCI_EXP_SLTSTA_PDC |
			PCI_EXP_SLTSTA_PDS);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, b->fn, PCI_BASE_ADDRESS_0, 4),
			(u32)b->fn->bar_phys[0] | PCI_BASE_ADDRESS_MEM_TYPE_64);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(b->bar[1], TEEMU_BAR_MEM_SIZE));
}

/* VFs as SR-IOV has them; the TDI of each is its own, and what ends it */
static void device_vfs(struct kunit *test)
{
	struct bench *b = test->priv;
	struct teemu_fn *fn0 = &b->rc->fn[0], *vf = &b->rc->fn[TEEMU_NR_PFS];
	const u16 ctrl = TEEMU_SRIOV + PCI_SRIOV_CTRL;
	const u16 on = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	const struct {
		struct teemu_fn *fn;
		u16 where;
		u16 val;
		bool falls;
	} rows[] = {
		{ vf, TEEMU_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, true },
		{ vf + 1, TEEMU_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR,
		  false },
		{ fn0, TEEMU_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, true },
		{ fn0, ctrl, 0, true },
		{ fn0, ctrl, PCI_SRIOV_CTRL_VFE, true },
		{ fn0, ctrl, on | PCI_SRIOV_CTRL_ARI, false },
		{ fn0, TEEMU_SRIOV + PCI_SRIOV_BAR + 2, 0, true },
		{ fn0, TEEMU_SRIOV + PCI_SRIOV_NUM_VF, 1, false },
		{ fn0, TEEMU_PM + PCI_PM_CTRL, 3, true },
		{ vf, PCI_COMMAND, 0, true },
		{ vf, PCI_BASE_ADDRESS_0, 0, false },
	};

	/* not there, and too many */
	b->fn = vf;
	KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_INVALID_INTERFACE);
	teemu_cfg_write(b->rc, fn0, TEEMU_SRIOV + PCI_SRIOV_NUM_VF, 2, 3);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, fn0, TEEMU_SRIOV +
					     PCI_SRIOV_NUM_VF, 2), 0);

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		teemu_cfg_power_on(b->rc);
		teemu_cfg_write(b->rc, fn0, TEEMU_SRIOV + PCI_SRIOV_NUM_VF, 2, 2);
		teemu_cfg_write(b->rc, fn0, ctrl, 2, PCI_SRIOV_CTRL_VFE);
		KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_CONFIGURATION);
		teemu_cfg_write(b->rc, fn0, ctrl, 2, on);
		KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, vf, PCI_VENDOR_ID, 4),
				~0u);
		teemu_cfg_write(b->rc, vf, PCI_COMMAND, 2, 0xffff);
		KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, vf, PCI_COMMAND, 2),
				PCI_COMMAND_MASTER);
		go_to(test, TDISP_RUN);
		teemu_cfg_write(b->rc, rows[i].fn, rows[i].where, 2, rows[i].val);
		KUNIT_EXPECT_EQ_MSG(test, teemu_fn_state(vf), rows[i].falls ?
				    TDISP_STATE_ERROR : TDISP_RUN,
				    "write of %#x to %#x of %#x", rows[i].val,
				    rows[i].where, rows[i].fn->rid);
		/* also if there is no VF any more */
		KUNIT_EXPECT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
		KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_UNLOCKED);
	}
}

static void device_vf_bars(struct kunit *test)
{
	struct bench *b = test->priv;
	struct teemu_fn *fn0 = &b->rc->fn[0], *vf = &b->rc->fn[TEEMU_NR_PFS];
	struct tdisp_report_rsp *rsp = (void *)b->rsp;
	struct tdisp_report *rep = (void *)rsp->bytes;

	teemu_cfg_write(b->rc, fn0, TEEMU_SRIOV + PCI_SRIOV_NUM_VF, 2, 2);
	teemu_cfg_write(b->rc, fn0, TEEMU_SRIOV + PCI_SRIOV_CTRL, 2,
			PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	b->fn = vf + 1;
	KUNIT_ASSERT_EQ(test, lock(test), 0);
	KUNIT_ASSERT_EQ(test, report(test, 0, 0xffff), 0);
	expect_range(test, &rep->range[0], BENCH_VFS + SZ_64K, 16, 0, 0);
	expect_range(test, &rep->range[1], BENCH_VFS + SZ_2M, 256, 0, 2);
	KUNIT_ASSERT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	/* over the BARs of function 0: its LOCK sees that, not the VF's */
	teemu_cfg_write(b->rc, fn0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	teemu_cfg_write(b->rc, fn0, TEEMU_SRIOV + PCI_SRIOV_BAR + 8, 4,
			BENCH_BASE);
	KUNIT_EXPECT_EQ(test, lock(test), 0);
	KUNIT_EXPECT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	b->fn = fn0;
	KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_CONFIGURATION);
}

/* an error is logged, told as the registers say, and told once */
static void device_errors(struct kunit *test)
{
	struct bench *b = test->priv;
	const u16 sts = TEEMU_AER + PCI_ERR_ROOT_STATUS;

	KUNIT_EXPECT_EQ(test, teemu_aer_report(&b->rc->fn[TEEMU_NR_PFS], true),
			-ENODEV);
	KUNIT_ASSERT_EQ(test, teemu_aer_report(b->fn, true), 0);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, b->fn, TEEMU_AER +
					     PCI_ERR_UNCOR_STATUS, 4),
			PCI_ERR_UNC_MALF_TLP);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sts, 4), 0);

	teemu_cfg_write(b->rc, b->fn, TEEMU_EXP + PCI_EXP_DEVCTL, 2,
			PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_NFERE);
	KUNIT_ASSERT_EQ(test, teemu_aer_report(b->fn, false), 0);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sts, 4),
			PCI_ERR_ROOT_UNCOR_RCV | PCI_ERR_ROOT_NONFATAL_RCV);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, TEEMU_AER +
					     PCI_ERR_ROOT_ERR_SRC, 4),
			(u32)b->fn->rid << 16);
	KUNIT_ASSERT_EQ(test, teemu_aer_report(b->fn, true), 0);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sts, 4),
			PCI_ERR_ROOT_UNCOR_RCV | PCI_ERR_ROOT_NONFATAL_RCV |
			PCI_ERR_ROOT_MULTI_UNCOR_RCV | PCI_ERR_ROOT_FATAL_RCV);
	teemu_cfg_write(b->rc, NULL, sts, 4, ~0u);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, NULL, sts, 4), 0);
}

/* reset while it was locked: what is written until STOP, or the next LOCK, goes too */
static void device_scrubs_later_writes(struct kunit *test)
{
	struct bench *b = test->priv;

	for (int i = 0; i < 2; i++) {
		teemu_cfg_power_on(b->rc);
		teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		go_to(test, TDISP_RUN);
		teemu_cfg_write(b->rc, NULL, PCI_BRIDGE_CONTROL, 2,
				PCI_BRIDGE_CTL_BUS_RESET);
		teemu_cfg_write(b->rc, NULL, PCI_BRIDGE_CONTROL, 2, 0);
		flush_workqueue(b->rc->wq);
		KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_UNLOCKED);
		soil(b);
		/* the host puts the BARs back before it locks again */
		teemu_cfg_power_on(b->rc);
		teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		soil(b);
		if (i)
			KUNIT_EXPECT_EQ(test, lock(test), 0);
		else
			KUNIT_EXPECT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
		expect_scrubbed(test);
	}
	/* stopped: what is there is the host's */
	KUNIT_EXPECT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	soil(b);
	KUNIT_EXPECT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	KUNIT_EXPECT_FALSE(test, mem_is_zero(b->bar[1], TEEMU_BAR_MEM_SIZE));
}

static struct kunit_case teemu_device_cases[] = {
	KUNIT_CASE(device_link_down),
	KUNIT_CASE(device_slot),
	KUNIT_CASE(device_vfs),
	KUNIT_CASE(device_vf_bars),
	KUNIT_CASE(device_errors),
	KUNIT_CASE(device_scrubs_later_writes),
	{}
};

static struct kunit_suite teemu_device_suite = {
	.name = "teemu_device",
	.init = teemu_bench_init,
	.exit = teemu_bench_exit,
	.test_cases = teemu_device_cases,
};

kunit_test_suite(teemu_device_suite);
