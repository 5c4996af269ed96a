// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking with the device, and what a realm calls: that a host which lies to its
 * realm is found out, by the realm or by the RMM, and that neither a device nor a
 * realm can make the host look guilty.
 */
#include <crypto/sha2.h>

#include "cca_rmm_rig.h"

static enum rmi_vdev_state state_of(struct rig *rig, int dev)
{
	enum rmi_vdev_state state = RMI_VDEV_KEY_PURGE;

	rmi_vdev_get_state(rig->rmm, rig->realm[0].rd, rig->ep, rig->vdev[dev],
			   &state);
	return state;
}

static void up_to_lock(struct kunit *test)
{
	rig_build_stream(test);
	rig_build_realm(test, 0);
	rig_build_vdev(test, 0, 0);
	rig_lock(test, 0, 0);
}

/* each operation, each way in which a device can fail it: ERROR, nobody's fault */
static void device_fails(struct kunit *test)
{
	static u64 (*const begin[])(struct cca_rmm *rmm, u64 rd, u64 pdev,
				    u64 vdev) = {
		rmi_vdev_start, rmi_vdev_get_interface_report,
	};
	struct rig *rig = test->priv;
	u64 rd, pa;

	up_to_lock(test);
	rd = rig->realm[0].rd;
	for (int op = 0; op < ARRAY_SIZE(begin); op++) {
		for (int fault = RIG_OK + 1; fault < RIG_NR_FAULTS; fault++) {
			OK(begin[op](rig->rmm, rd, rig->ep, rig->vdev[0]));
			rig->fault = fault;
			KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0),
					RMI_ERROR_DEVICE);
			KUNIT_EXPECT_EQ(test, state_of(rig, 0), RMI_VDEV_ERROR);
			/* and so may the way out */
			OK(rmi_vdev_unlock(rig->rmm, rd, rig->ep, rig->vdev[0],
					   &pa));
			KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0),
					RMI_ERROR_DEVICE);
			rig->fault = RIG_OK;
			rig_unlock(test, 0, 0);
			OK(rmi_vdev_lock(rig->rmm, rd, rig->ep, rig->vdev[0]));
			rig->fault = fault;
			KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0),
					RMI_ERROR_DEVICE);
			rig->fault = RIG_OK;
			rig_unlock(test, 0, 0);
			rig_lock(test, 0, 0);
		}
	}
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* a device that says yes and does not move */
static void device_stuck(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd;

	up_to_lock(test);
	rd = rig->realm[0].rd;
	rig->tdi[0].stuck = true;
	OK(rmi_vdev_start(rig->rmm, rd, rig->ep, rig->vdev[0]));
	KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0), RMI_ERROR_DEVICE);
	KUNIT_EXPECT_EQ(test, state_of(rig, 0), RMI_VDEV_ERROR);
	KUNIT_EXPECT_EQ(test, cca_rmm_vdev_told(rig->rmm, rig->vdev[0]),
			TDISP_CONFIG_LOCKED);
	KUNIT_EXPECT_EQ(test, cca_rmm_vdev_told(rig->rmm, 0), -ENOENT);
	rig->tdi[0].stuck = false;
	rig_unlock(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* lengths in a report that do not fit each other, or too many bytes */
static void report_sizes(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, pa;

	up_to_lock(test);
	rd = rig->realm[0].rd;
	rig->report_portion = 64;
	rig_report(test, 0, 0);
	rig->report_portion = 1;
	rig_report(test, 0, 0);
	rig->report_len = CCA_REPORT_MAX + 1;
	OK(rmi_vdev_get_interface_report(rig->rmm, rd, rig->ep, rig->vdev[0]));
	KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0), RMI_ERROR_DEVICE);
	KUNIT_EXPECT_EQ(test, state_of(rig, 0), RMI_VDEV_ERROR);
	OK(rmi_vdev_unlock(rig->rmm, rd, rig->ep, rig->vdev[0], &pa));
}

static void measurements(struct kunit *test)
{
	static const u8 record[] = { 1, 2, 3, 4 };
	struct rig *rig = test->priv;
	struct rsi_vdev_info info;
	u8 digest[CCA_DIGEST_SIZE];
	u64 rd;

	up_to_lock(test);
	rd = rig->realm[0].rd;
	OK(rmi_vdev_get_measurements(rig->rmm, rd, rig->ep, rig->vdev[0]));
	/* a device that has none: the vdev is what it was, nobody's fault */
	KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0), RMI_ERROR_DEVICE);
	KUNIT_EXPECT_EQ(test, state_of(rig, 0), RMI_VDEV_LOCKED);
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_EQ(test, info.nonces.meas, 0);
	rig->measures = true;
	OK(rmi_vdev_get_measurements(rig->rmm, rd, rig->ep, rig->vdev[0]));
	OK(rig_talk(rig, 0, 0));
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_NE(test, info.nonces.meas, 0);
	sha384(record, sizeof(record), digest);
	KUNIT_EXPECT_MEMEQ(test, info.meas_digest, digest, sizeof(digest));
	KUNIT_EXPECT_EQ(test, rig->cache_len[RMI_CACHE_MEASUREMENTS],
			sizeof(record));
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* GET_INFO: states, digests and nonces */
static void info(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_vdev_info info, then;
	u8 digest[CCA_DIGEST_SIZE];

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rig_build_vdev(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_EQ(test, info.state, RSI_VDEV_UNLOCKED);
	rig_lock(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_EQ(test, info.state, RSI_VDEV_LOCKED);
	KUNIT_EXPECT_FALSE(test, info.dma);
	KUNIT_EXPECT_EQ(test, info.nonces.report, 0);
	rig_report(test, 0, 0);
	OK(rig_info(rig, 0, 0, &then));
	KUNIT_EXPECT_EQ(test, then.nonces.lock, info.nonces.lock);
	KUNIT_EXPECT_NE(test, then.nonces.report, 0);
	sha384(rig->report, rig->report_len, digest);
	KUNIT_EXPECT_MEMEQ(test, then.report_digest, digest, sizeof(digest));
	sha384(rig->chain, RIG_CHAIN_SIZE, digest);
	KUNIT_EXPECT_MEMEQ(test, then.certs_digest, digest, sizeof(digest));
	rig_report(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_NE(test, then.nonces.report, info.nonces.report);
	rig_start(test, 0, 0);
	rig_dma(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_EQ(test, info.state, RSI_VDEV_STARTED);
	KUNIT_EXPECT_TRUE(test, info.dma);
	rig_unlock(test, 0, 0);
	rig_lock(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	KUNIT_EXPECT_NE(test, then.nonces.lock, info.nonces.lock);
	KUNIT_EXPECT_EQ(test, info.nonces.report, 0);
	KUNIT_EXPECT_FALSE(test, info.dma);
}

static void map_args(const struct rig *rig, const struct rsi_vdev_info *info,
		     struct rsi_map *map)
{
	*map = (struct rsi_map) {
		.vdev_id = 0x77,
		.ipa = RIG_MMIO_IPA,
		.top = RIG_MMIO_IPA + RIG_MMIO_SIZE,
		.pa = RIG_MMIO_PA,
		.nonces = info->nonces,
	};
}

/* what is refused before the host hears of it */
static void bad_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_vdev_info info = {};
	struct rmi_rec_exit exit;
	struct rsi_result result;
	struct rsi_map map;
	u64 rec;

	up_to_lock(test);
	rec = rig->realm[0].rec;
	map_args(rig, &info, &map);
	map.flags = 1;
	HARMLESS(RSI_ERROR_INPUT,
		 rsi_vdev_validate_mapping(rig->rmm, rec, &map, &exit));
	map_args(rig, &info, &map);
	map.pa += 8;
	HARMLESS(RSI_ERROR_INPUT,
		 rsi_vdev_validate_mapping(rig->rmm, rec, &map, &exit));
	map_args(rig, &info, &map);
	map.top = map.ipa;
	HARMLESS(RSI_ERROR_INPUT,
		 rsi_vdev_validate_mapping(rig->rmm, rec, &map, &exit));
	map.top = BIT_ULL(48) + CCA_GRANULE;
	HARMLESS(RSI_ERROR_INPUT,
		 rsi_vdev_validate_mapping(rig->rmm, rec, &map, &exit));
	map_args(rig, &info, &map);
	map.pa = -2 * CCA_GRANULE;
	HARMLESS(RSI_ERROR_INPUT,
		 rsi_vdev_validate_mapping(rig->rmm, rec, &map, &exit));
	HARMLESS(RSI_ERROR_INPUT, rsi_vdev_get_info(rig->rmm, 0, 0x77, &exit));
	OK(rsi_vdev_get_info(rig->rmm, rec, 0x77, &exit));
	KUNIT_EXPECT_EQ(test, exit.vdev_id, 0x77);
	HARMLESS(RSI_ERROR_STATE, rsi_vdev_get_info(rig->rmm, rec, 0x77, &exit));
	OK(rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	/* the host did not name the vdev */
	KUNIT_EXPECT_EQ(test, result.status, RSI_ERROR_INPUT);
	OK(rmi_realm_terminate(rig->rmm, rig->realm[0].rd));
	HARMLESS(RSI_ERROR_STATE, rsi_vdev_get_info(rig->rmm, rec, 0x77, &exit));
}

/* VDEV_COMPLETE names the vdev that was asked for, and only then */
static void complete_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rmi_rec_exit exit;
	struct rsi_result result;
	u64 rec;

	up_to_lock(test);
	rig_build_vdev(test, 1, 0);
	rec = rig->realm[0].rec;
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_complete(rig->rmm, rec, rig->vdev[0]));
	OK(rsi_vdev_get_info(rig->rmm, rec, 0x77, &exit));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_complete(rig->rmm, rec, rig->vdev[1]));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_complete(rig->rmm, rec, rec));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_complete(rig->rmm, 0, rig->vdev[0]));
	OK(rmi_vdev_complete(rig->rmm, rec, rig->vdev[0]));
	OK(rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	KUNIT_EXPECT_EQ(test, result.status, RSI_SUCCESS);
	/* a vdev that the realm does not have */
	OK(rsi_vdev_get_info(rig->rmm, rec, 0x99, &exit));
	OK(rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	KUNIT_EXPECT_EQ(test, result.status, RSI_ERROR_INPUT);
}

static void map_one(struct kunit *test)
{
	rig_report(test, 0, 0);
	rig_tables(test, 0, RIG_MMIO_IPA);
	rig_delegate_mmio(test, 0);
}

/* another page of the same BAR behind the address that the realm asked for */
static void wrong_pa(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, rec, ipa = RIG_MMIO_IPA, done;
	struct rmi_rec_exit exit;
	struct rsi_result result;

	up_to_lock(test);
	map_one(test);
	rd = rig->realm[0].rd;
	rec = rig->realm[0].rec;
	OK(rmi_rtt_dev_map(rig->rmm, rd, rig->vdev[0], ipa, ipa + 0x1000,
			   RIG_MMIO_PA + 0x1000, 3, &done));
	OK(rig_ask_map(rig, 0, 0, RIG_MMIO_PA, &exit));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_validate(rig->rmm, rd, rec, ipa, ipa + 0x1000,
				      &done));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "other PA");
	OK(rmi_rec_enter(rig->rmm, rec, RMI_ENTER_REJECT, &result, &exit));
	KUNIT_EXPECT_EQ(test, result.status, RSI_INCOMPLETE);
	KUNIT_EXPECT_TRUE(test, result.rejected);
	KUNIT_EXPECT_EQ(test, result.top, ipa);
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->rmm, rd, ipa,
						       RIG_MMIO_PA + 0x1000));
	/* not its vdev's memory at all: the realm hears it at once */
	KUNIT_EXPECT_EQ(test, rig_ask_map(rig, 0, 0, RIG_MMIO_PA + 0x100000, &exit),
			RSI_ERROR_INPUT);
}

/* what the realm accepted is taken away and something else put there */
static void swapped(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, ipa = RIG_MMIO_IPA, done;

	up_to_lock(test);
	map_one(test);
	rd = rig->realm[0].rd;
	rig_map(test, 0, 0);
	rig_accept(test, 0, 0);
	OK(rmi_rtt_dev_unmap(rig->rmm, rd, ipa, ipa + 0x2000, &done));
	OK(rmi_rtt_dev_map(rig->rmm, rd, rig->vdev[0], ipa, ipa + 0x1000,
			   RIG_MMIO_PA + 0x1000, 3, &done));
	/* the realm does not see it before it asks again */
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->rmm, rd, ipa,
						       RIG_MMIO_PA + 0x1000));
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->rmm, rd, ipa,
						       RIG_MMIO_PA));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_validate(rig->rmm, rd, rig->realm[0].rec, ipa,
				      ipa + 0x1000, &done));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "nothing pending");
}

/* nonces of what was attested: a new LOCK or a new report makes them stale */
static void stale(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_vdev_info info, now;
	struct rmi_rec_exit exit;
	struct rsi_result result;
	struct rsi_map map;
	u64 rec;

	up_to_lock(test);
	rec = rig->realm[0].rec;
	rig_report(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	rig_report(test, 0, 0);
	map_args(rig, &info, &map);
	OK(rsi_vdev_validate_mapping(rig->rmm, rec, &map, &exit));
	OK(rmi_vdev_complete(rig->rmm, rec, rig->vdev[0]));
	OK(rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	KUNIT_EXPECT_EQ(test, exit.reason, CCA_EXIT_NONE);
	KUNIT_EXPECT_EQ(test, result.status, RSI_ERROR_DEVICE);
	rig_start(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_dma_enable(rig, 0, 0, &info.nonces),
			RSI_ERROR_DEVICE);
	OK(rig_info(rig, 0, 0, &now));
	rig_unlock(test, 0, 0);
	rig_lock(test, 0, 0);
	rig_report(test, 0, 0);
	rig_start(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_dma_enable(rig, 0, 0, &now.nonces),
			RSI_ERROR_DEVICE);
	/* one of the three is enough */
	for (int i = 0; i < 3; i++) {
		OK(rig_info(rig, 0, 0, &now));
		now.nonces.lock += i == 0;
		now.nonces.meas += i == 1;
		now.nonces.report += i == 2;
		KUNIT_EXPECT_EQ(test, rig_dma_enable(rig, 0, 0, &now.nonces),
				RSI_ERROR_DEVICE);
	}
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* the vdev is unlocked and locked again while the realm waits for its mapping */
static void relocked(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, ipa = RIG_MMIO_IPA, done;
	struct rmi_rec_exit exit;

	up_to_lock(test);
	map_one(test);
	rd = rig->realm[0].rd;
	OK(rig_ask_map(rig, 0, 0, RIG_MMIO_PA, &exit));
	rig_unlock(test, 0, 0);
	rig_lock(test, 0, 0);
	rig_map(test, 0, 0);
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_validate(rig->rmm, rd, rig->realm[0].rec, ipa,
				      ipa + RIG_MMIO_SIZE, &done));
}

/* the same range twice; the second time the host has nothing to do but reject */
static void second_accept(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, rec, ipa = RIG_MMIO_IPA, done;
	struct rmi_rec_exit exit;
	struct rsi_result result;

	up_to_lock(test);
	map_one(test);
	rd = rig->realm[0].rd;
	rec = rig->realm[0].rec;
	rig_map(test, 0, 0);
	rig_accept(test, 0, 0);
	OK(rig_ask_map(rig, 0, 0, RIG_MMIO_PA, &exit));
	VIOLATES(RMI_RTT_STATUS(3),
		 rmi_rtt_dev_validate(rig->rmm, rd, rec, ipa,
				      ipa + RIG_MMIO_SIZE, &done));
	OK(rmi_rec_enter(rig->rmm, rec, RMI_ENTER_REJECT, &result, &exit));
	KUNIT_EXPECT_EQ(test, result.status, RSI_INCOMPLETE);
	KUNIT_EXPECT_TRUE(test, cca_rmm_mmio_accepted(rig->rmm, rd, ipa,
						      RIG_MMIO_PA));
}

/* a host that does a part of it, piece by piece */
static void partly(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 rd, rec, ipa = RIG_MMIO_IPA, done;
	struct rmi_rec_exit exit;
	struct rsi_result result;

	up_to_lock(test);
	map_one(test);
	rd = rig->realm[0].rd;
	rec = rig->realm[0].rec;
	rig_map(test, 0, 0);
	OK(rig_ask_map(rig, 0, 0, RIG_MMIO_PA, &exit));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_validate(rig->rmm, rd, rec, ipa + 0x1000,
				      ipa + 0x2000, &done));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_validate(rig->rmm, rd, rec, ipa,
				      ipa + RIG_MMIO_SIZE + 0x1000, &done));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rtt_dev_validate(rig->rmm, rec, rec, ipa, ipa + 0x1000,
				      &done));
	OK(rmi_rtt_dev_validate(rig->rmm, rd, rec, ipa, ipa + 0x1000, &done));
	KUNIT_EXPECT_EQ(test, done, ipa + 0x1000);
	OK(rmi_rtt_dev_validate(rig->rmm, rd, rec, done, ipa + 0x3000, &done));
	OK(rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	KUNIT_EXPECT_EQ(test, result.status, RSI_INCOMPLETE);
	KUNIT_EXPECT_EQ(test, result.top, ipa + 0x3000);
	KUNIT_EXPECT_FALSE(test, result.rejected);
	KUNIT_EXPECT_TRUE(test, cca_rmm_mmio_accepted(rig->rmm, rd, ipa + 0x2000,
						      RIG_MMIO_PA + 0x2000));
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->rmm, rd, ipa + 0x3000,
						       RIG_MMIO_PA + 0x3000));
}

/* who may ask for what, when */
static void gates(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_vdev_info info;
	struct rmi_rec_exit exit;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rig_build_vdev(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_ask_map(rig, 0, 0, RIG_MMIO_PA, &exit),
			RSI_ERROR_INPUT);
	rig_lock(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	/* not STARTED yet */
	KUNIT_EXPECT_EQ(test, rig_dma_enable(rig, 0, 0, &info.nonces),
			RSI_ERROR_DEVICE);
	KUNIT_EXPECT_EQ(test, rig_dma_disable(rig, 0, 0), RSI_ERROR_STATE);
	rig_start(test, 0, 0);
	OK(rig_dma_enable(rig, 0, 0, &info.nonces));
	KUNIT_EXPECT_EQ(test, rig_dma_enable(rig, 0, 0, &info.nonces),
			RSI_ERROR_STATE);
	KUNIT_EXPECT_EQ(test, rig->invalidations, 0);
	OK(rig_dma_disable(rig, 0, 0));
	KUNIT_EXPECT_EQ(test, rig->invalidations, 1);
	KUNIT_EXPECT_EQ(test, rig->invalidated, RIG_RID);
	OK(rig_dma_enable(rig, 0, 0, &info.nonces));
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(device_fails),
	KUNIT_CASE(device_stuck),
	KUNIT_CASE(report_sizes),
	KUNIT_CASE(measurements),
	KUNIT_CASE(info),
	KUNIT_CASE(bad_calls),
	KUNIT_CASE(complete_calls),
	KUNIT_CASE(wrong_pa),
	KUNIT_CASE(swapped),
	KUNIT_CASE(stale),
	KUNIT_CASE(relocked),
	KUNIT_CASE(second_accept),
	KUNIT_CASE(partly),
	KUNIT_CASE(gates),
	{}
};

static struct kunit_suite suite = {
	.name = "cca_rmm_guest",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
