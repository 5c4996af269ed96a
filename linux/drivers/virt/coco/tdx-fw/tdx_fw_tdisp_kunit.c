// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDISP rounds, the VMM's and the TD's, with a device that answers right, wrong or
 * not at all; and the TD's own calls.
 */
#include <linux/unaligned.h>

#include "tdx_fw_rig.h"

static u64 vmm_request(struct rig *rig, int dev, u8 type, u64 offset, u8 *msg)
{
	const struct tdx_devif_req req = {
		.type = type,
		.reporting_offset = offset,
	};
	size_t len;

	return tdh_devif_request(rig->fw, rig->devif[dev], false, &req, msg,
				 &len);
}

static int state(struct rig *rig, int dev)
{
	return tdx_fw_tdisp_state(rig->fw, rig->devif[dev]);
}

static void one_devif(struct kunit *test)
{
	tdx_build_td(test, 0);
	tdx_build_stream(test);
	tdx_build_devif(test, 0, 0);
}

static void request_bytes(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct tdx_devif_req req = {
		.type = TDISP_LOCK_INTERFACE,
		.lock_flags = TDISP_LOCK_NO_FW_UPDATE,
		.reporting_offset = RIG_OFFSET,
	};
	static const u8 want[] = {
		/* SPDM 1.2, vendor-defined, PCI-SIG, 37 bytes, TDISP */
		0x12, 0xfe, 0, 0, 3, 0, 2, 1, 0, 37, 0, 1,
		/* TDISP 1.0, LOCK, function 01:00.0 */
		0x10, 0x83, 0, 0, 0x00, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* flags, stream, offset, mask */
		1, 0, RIG_STREAM, 0, 0, 0, 0, 0, 0, 0xd0, 0xff, 0xff,
		0, 0, 0, 0, 0, 0, 0, 0,
	};
	u8 msg[TDX_FW_MSG_MAX];
	size_t len;

	one_devif(test);
	OK(tdh_devif_request(rig->fw, rig->devif[0], false, &req, msg, &len));
	KUNIT_EXPECT_EQ(test, len, sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, msg, want, sizeof(want));
}

static void vmm_rounds(struct kunit *test)
{
	struct rig *rig = test->priv;
	u8 msg[TDX_FW_MSG_MAX], rsp[RIG_MSG_MAX];
	size_t len;

	one_devif(test);
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 vmm_request(rig, 1, TDISP_LOCK_INTERFACE, 0, msg));
	VIOLATES(TDX_DEVIFMT_NOT_PRESENT,
		 tdh_devif_response(rig->fw, rig->devif[1], false, msg, 0));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdh_devif_response(rig->fw, rig->devif[0], false, msg, 0));
	VIOLATES(TDX_OPERAND_INVALID,
		 tdh_devif_request(rig->fw, rig->devif[0], false, NULL, msg,
				   &len));
	/* messages that are the TD's, or nobody's */
	VIOLATES(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 vmm_request(rig, 0, TDISP_GET_REPORT, 0, msg));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 vmm_request(rig, 0, TDISP_START_INTERFACE, 0, msg));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 vmm_request(rig, 0, 0xff, 0, msg));
	VIOLATES(TDX_OPERAND_INVALID,
		 vmm_request(rig, 0, TDISP_LOCK_INTERFACE, 1, msg));
	OK(vmm_request(rig, 0, TDISP_LOCK_INTERFACE, RIG_OFFSET, msg));
	/* the state moves with the answer */
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_CONFIG_UNLOCKED);
	VIOLATES(TDX_DEVIF_TDISP_OUT_REQ,
		 vmm_request(rig, 0, TDISP_STOP_INTERFACE, 0, msg));
	len = tdx_answer(&rig->dev[0], msg, rsp);
	OK(tdh_devif_response(rig->fw, rig->devif[0], false, rsp, len));
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_CONFIG_LOCKED);
	VIOLATES(TDX_DEVIF_TDISP_INVALID_STATE,
		 vmm_request(rig, 0, TDISP_LOCK_INTERFACE, 0, msg));
	VIOLATES(TDX_DEVIF_INVALID_STATE,
		 tdh_devif_remove(rig->fw, rig->devif[0]));
	OK(tdx_vmm_round(rig, 0, TDISP_GET_STATE));
	KUNIT_EXPECT_EQ(test, tdx_fw_tdisp_told(rig->fw, rig->devif[0]),
			TDISP_CONFIG_LOCKED);
	tdx_stop(test, 0);
	tdx_stop(test, 0);
	tdx_lock(test, 0);
}

/* whatever a device answers, the state stays and the next request works */
static void bad_answers(struct kunit *test)
{
	struct rig *rig = test->priv;
	static const u8 types[] = {
		TDISP_GET_STATE, TDISP_STOP_INTERFACE, TDISP_LOCK_INTERFACE,
	};
	u64 violations, status;

	one_devif(test);
	for (int i = 0; i < ARRAY_SIZE(types); i++) {
		for (int fault = RIG_SILENT; fault < RIG_NR_FAULTS; fault++) {
			if (fault == RIG_PADDED)
				continue;
			rig->dev[0].state = types[i] == TDISP_LOCK_INTERFACE ?
				TDISP_CONFIG_UNLOCKED : TDISP_CONFIG_LOCKED;
			rig->dev[0].fault = fault;
			violations = tdx_fw_violations(rig->fw);
			status = tdx_vmm_round(rig, 0, types[i]);
			KUNIT_EXPECT_EQ(test, TDX_CLASS(status),
					TDX_DEVIF_TDISP_INVALID_MESSAGE);
			KUNIT_EXPECT_EQ(test, TDX_OPERAND(status),
					fault == RIG_TDISP_ERROR ?
					TDISP_ERR_BUSY : 0);
			KUNIT_EXPECT_EQ(test, state(rig, 0),
					TDISP_CONFIG_UNLOCKED);
			KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw),
					violations);
		}
	}
	rig->dev[0].state = TDISP_CONFIG_UNLOCKED;
	rig->dev[0].fault = RIG_PADDED;
	tdx_lock(test, 0);
	/* and while it is locked */
	for (int fault = RIG_SILENT; fault < RIG_NR_FAULTS; fault++) {
		if (fault == RIG_PADDED)
			continue;
		rig->dev[0].fault = fault;
		KUNIT_EXPECT_EQ(test,
				TDX_CLASS(tdx_vmm_round(rig, 0,
							TDISP_STOP_INTERFACE)),
				TDX_DEVIF_TDISP_INVALID_MESSAGE);
		KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_CONFIG_LOCKED);
	}
	rig->dev[0].fault = RIG_OK;
	tdx_stop(test, 0);
}

/* a STATE of 4 is none */
static void bad_state(struct kunit *test)
{
	struct rig *rig = test->priv;

	one_devif(test);
	rig->dev[0].state = 4;
	KUNIT_EXPECT_EQ(test, tdx_vmm_round(rig, 0, TDISP_GET_STATE),
			TDX_DEVIF_TDISP_INVALID_MESSAGE);
}

static void error_state(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td;
	u8 msg[TDX_FW_MSG_MAX];

	tdx_build_stream(test);
	tdx_run(test, 0, 0);
	td = rig->td[0].tdr;
	rig->dev[0].state = TDISP_STATE_ERROR;
	/* nobody knows until STATE tells */
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_RUN);
	OK(tdx_vmm_round(rig, 0, TDISP_GET_STATE));
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_STATE_ERROR);
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(rig->fw, td, RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
	VIOLATES(TDX_DEVIF_TDISP_ERROR_STATE,
		 vmm_request(rig, 0, TDISP_LOCK_INTERFACE, 0, msg));
	HARMLESS(TDX_DEVIF_TDISP_ERROR_STATE,
		 tdg_devif_request(rig->fw, td, rig->devif[0],
				   TDISP_GET_REPORT, 0));
	HARMLESS(TDX_DEVIF_TDISP_ERROR_STATE,
		 tdg_devif_request(rig->fw, td, rig->devif[0],
				   TDISP_START_INTERFACE, 0));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdg_devif_validate(rig->fw, td, rig->devif[0], rig->pkh));
	VIOLATES(TDX_DEVIF_INVALID_STATE,
		 tdh_devif_remove(rig->fw, rig->devif[0]));
	OK(tdx_vmm_round(rig, 0, TDISP_GET_STATE));
	tdx_stop(test, 0);
	tdx_lock(test, 0);
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(rig->fw, td, RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
}

/* the TD's STATE tells ERROR too */
static void error_state_td(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;

	one_devif(test);
	tdx_lock(test, 0);
	rig->dev[0].state = TDISP_STATE_ERROR;
	OK(tdx_td_round(rig, 0, 0, TDISP_GET_STATE, 0, &result));
	KUNIT_EXPECT_EQ(test, result.state, TDISP_STATE_ERROR);
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_STATE_ERROR);
}

static void td_rounds(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u8 msg[TDX_FW_MSG_MAX], rsp[RIG_MSG_MAX];
	struct tdx_devif_result result;
	u64 td, id = rig->devif[0];
	size_t len;

	one_devif(test);
	tdx_build_td(test, 1);
	td = rig->td[0].tdr;
	/* before LOCK */
	HARMLESS(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdg_devif_request(fw, td, id, TDISP_GET_REPORT, 0));
	HARMLESS(TDX_DEVIF_INVALID_STATE,
		 tdg_devif_request(fw, td, id, TDISP_START_INTERFACE, 0));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdg_devif_validate(fw, td, id, rig->pkh));
	OK(tdx_td_round(rig, 0, 0, TDISP_GET_STATE, 0, &result));
	tdx_lock(test, 0);
	/* what is not the TD's, or the TD not its */
	HARMLESS(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 tdg_devif_request(fw, td, id, TDISP_LOCK_INTERFACE, 0));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 tdg_devif_request(fw, td, id, TDISP_STOP_INTERFACE, 0));
	HARMLESS(TDX_DEVIFMT_NOT_PRESENT,
		 tdg_devif_request(fw, td, rig->devif[1], TDISP_GET_STATE, 0));
	HARMLESS(TDX_DEVIF_INVALID_METADATA,
		 tdg_devif_request(fw, rig->td[1].tdr, id, TDISP_GET_STATE, 0));
	HARMLESS(TDX_DEVIF_INVALID_METADATA,
		 tdg_devif_validate(fw, rig->td[1].tdr, id, rig->pkh));
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_devif_request(fw, RIG_HPA, id, TDISP_GET_STATE, 0));
	HARMLESS(TDX_DEVIF_INVALID_STATE,
		 tdg_devif_request(fw, td, id, TDISP_START_INTERFACE, 0));
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_devif_request(fw, td, id, TDISP_GET_STATE, 4));
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_devif_request(fw, td, id, TDISP_GET_REPORT, 4));
	/* AVAILABLE -> REQUESTED -> GENERATED -> PROCESSED -> AVAILABLE */
	HARMLESS(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdg_devif_response(fw, td, id, &result));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdh_devif_request(fw, id, true, NULL, msg, &len));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdh_devif_response(fw, id, true, rsp, 0));
	OK(tdg_devif_request(fw, td, id, TDISP_GET_STATE, 0));
	HARMLESS(TDX_DEVIF_TDISP_OUT_REQ,
		 tdg_devif_request(fw, td, id, TDISP_GET_STATE, 0));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdg_devif_response(fw, td, id, &result));
	OK(tdh_devif_request(fw, id, true, NULL, msg, &len));
	VIOLATES(TDX_DEVIF_TDISP_OUT_REQ,
		 tdh_devif_request(fw, id, true, NULL, msg, &len));
	len = tdx_answer(&rig->dev[0], msg, rsp);
	OK(tdh_devif_response(fw, id, true, rsp, len));
	VIOLATES(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdh_devif_response(fw, id, true, rsp, len));
	OK(tdg_devif_response(fw, td, id, &result));
	KUNIT_EXPECT_EQ(test, result.state, TDISP_CONFIG_LOCKED);
}

static void validate(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;
	u8 pkh[TDX_FW_PKH_SIZE];
	u64 td, id = rig->devif[0];

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_lock(test, 0);
	memcpy(pkh, rig->pkh, sizeof(pkh));
	pkh[47] ^= 1;
	HARMLESS(TDX_DEVIF_PKH_MISMATCH,
		 tdg_devif_validate(rig->fw, td, id, pkh));
	OK(tdg_devif_validate(rig->fw, td, id, rig->pkh));
	HARMLESS(TDX_DEVIF_ALREADY_VALID,
		 tdg_devif_validate(rig->fw, td, id, rig->pkh));
	OK(tdx_td_round(rig, 0, 0, TDISP_START_INTERFACE, 0, &result));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdg_devif_request(rig->fw, td, id, TDISP_START_INTERFACE, 0));
	/* a STOP voids it */
	tdx_stop(test, 0);
	tdx_lock(test, 0);
	HARMLESS(TDX_DEVIF_INVALID_STATE,
		 tdg_devif_request(rig->fw, td, id, TDISP_START_INTERFACE, 0));
}

/* a START that the device refused, or that got lost, is no RUN */
static void start_fails(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;

	one_devif(test);
	tdx_lock(test, 0);
	OK(tdg_devif_validate(rig->fw, rig->td[0].tdr, rig->devif[0], rig->pkh));
	for (int fault = RIG_SILENT; fault < RIG_NR_FAULTS; fault++) {
		if (fault == RIG_PADDED)
			continue;
		rig->dev[0].fault = fault;
		rig->dev[0].state = TDISP_CONFIG_LOCKED;
		KUNIT_EXPECT_EQ(test,
				TDX_CLASS(tdx_td_round(rig, 0, 0,
						       TDISP_START_INTERFACE, 0,
						       &result)),
				TDX_DEVIF_TDISP_INVALID_MESSAGE);
		KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_CONFIG_LOCKED);
	}
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
	rig->dev[0].fault = RIG_OK;
	rig->dev[0].state = TDISP_CONFIG_LOCKED;
	OK(tdx_td_round(rig, 0, 0, TDISP_START_INTERFACE, 0, &result));
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_RUN);
}

/* a START that was on its way when the VMM stopped and locked again is void */
static void start_across_stop(struct kunit *test)
{
	struct rig *rig = test->priv;
	u8 msg[TDX_FW_MSG_MAX], rsp[RIG_MSG_MAX];
	struct tdx_devif_result result;
	u64 td, id = rig->devif[0];
	size_t len;

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_lock(test, 0);
	OK(tdg_devif_validate(rig->fw, td, id, rig->pkh));
	OK(tdg_devif_request(rig->fw, td, id, TDISP_START_INTERFACE, 0));
	OK(tdh_devif_request(rig->fw, id, true, NULL, msg, &len));
	len = tdx_answer(&rig->dev[0], msg, rsp);
	tdx_stop(test, 0);
	tdx_lock(test, 0);
	KUNIT_EXPECT_EQ(test, tdh_devif_response(rig->fw, id, true, rsp, len),
			TDX_DEVIF_TDISP_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, tdg_devif_response(rig->fw, td, id, &result),
			TDX_DEVIF_TDISP_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_CONFIG_LOCKED);
	/* one that was not sent yet, or not looked at yet, is forgotten */
	OK(tdg_devif_validate(rig->fw, td, id, rig->pkh));
	OK(tdg_devif_request(rig->fw, td, id, TDISP_START_INTERFACE, 0));
	tdx_stop(test, 0);
	tdx_lock(test, 0);
	OK(tdg_devif_request(rig->fw, td, id, TDISP_GET_STATE, 0));
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
}

/* a refusal by order leaves the round as it is; ending it again is no mistake */
static void disturbed_rounds(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_fw *fw = rig->fw;
	u8 msg[TDX_FW_MSG_MAX], rsp[RIG_MSG_MAX];
	struct tdx_devif_result result;
	u64 td, id = rig->devif[0];
	size_t len;

	one_devif(test);
	td = rig->td[0].tdr;
	KUNIT_ASSERT_EQ(test, tdx_fw_refuse(fw, TDH_DEVIF_RESPONSE,
					    TDX_DEVIF_TDISP_INVALID_MESSAGE, 0, 2),
			0);
	OK(vmm_request(rig, 0, TDISP_LOCK_INTERFACE, RIG_OFFSET, msg));
	len = tdx_answer(&rig->dev[0], msg, rsp);
	HARMLESS(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 tdh_devif_response(fw, id, false, rsp, len));
	HARMLESS(TDX_DEVIF_TDISP_OUT_REQ,
		 vmm_request(rig, 0, TDISP_STOP_INTERFACE, 0, msg));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_MESSAGE,
		 tdh_devif_response(fw, id, false, rsp, len));
	OK(tdh_devif_response(fw, id, false, rsp, len));
	KUNIT_EXPECT_EQ(test, state(rig, 0), TDISP_CONFIG_LOCKED);

	KUNIT_ASSERT_EQ(test, tdx_fw_refuse(fw, TDH_DEVIF_RESPONSE,
					    TDX_OPERAND_BUSY, 0, 1), 0);
	OK(tdg_devif_request(fw, td, id, TDISP_GET_STATE, 0));
	OK(tdh_devif_request(fw, id, true, NULL, msg, &len));
	HARMLESS(TDX_OPERAND_BUSY, tdh_devif_response(fw, id, true, rsp, 0));
	HARMLESS(TDX_DEVIF_TDISP_OUT_REQ,
		 tdh_devif_request(fw, id, true, NULL, msg, &len));
	KUNIT_EXPECT_EQ(test, tdh_devif_response(fw, id, true, rsp, 0),
			TDX_DEVIF_TDISP_INVALID_MESSAGE);
	HARMLESS(TDX_DEVIF_TDISP_INVALID_REQ_STS,
		 tdh_devif_request(fw, id, true, NULL, msg, &len));
	KUNIT_EXPECT_EQ(test, tdg_devif_response(fw, td, id, &result),
			TDX_DEVIF_TDISP_INVALID_MESSAGE);
	OK(tdx_td_round(rig, 0, 0, TDISP_GET_STATE, 0, &result));
}

static void report_portions(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_devif_result result;
	u8 report[64];
	size_t len;
	u16 have = 0;
	u64 td;

	one_devif(test);
	td = rig->td[0].tdr;
	tdx_lock(test, 0);
	rig->dev[0].portion = 10;
	do {
		OK(tdx_td_round(rig, 0, 0, TDISP_GET_REPORT, have, &result));
		have += result.portion;
		KUNIT_ASSERT_LE(test, have, 36);
	} while (result.remainder);
	KUNIT_EXPECT_EQ(test, have, 36);
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_devif_request(rig->fw, td, rig->devif[0], TDISP_GET_REPORT,
				   have));
	len = sizeof(report);
	OK(tdg_devif_rd(rig->fw, td, rig->devif[0], TDX_DEVIF_FIELD_REPORT, 0,
			report, &len));
	KUNIT_EXPECT_EQ(test, len, 36);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(report + 16),
			(RIG_MMIO_HPA + RIG_OFFSET) >> PAGE_SHIFT);
	len = sizeof(report);
	OK(tdg_devif_rd(rig->fw, td, rig->devif[0], TDX_DEVIF_FIELD_REPORT, 30,
			report, &len));
	KUNIT_EXPECT_EQ(test, len, 6);
	len = sizeof(report);
	OK(tdg_devif_rd(rig->fw, td, rig->devif[0], TDX_DEVIF_FIELD_REPORT, 36,
			report, &len));
	KUNIT_EXPECT_EQ(test, len, 0);
	len = sizeof(report);
	OK(tdg_devif_rd(rig->fw, td, rig->devif[0], TDX_DEVIF_FIELD_PKH, 0,
			report, &len));
	KUNIT_EXPECT_EQ(test, len, 48);
	KUNIT_EXPECT_MEMEQ(test, report, rig->pkh, 48);
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_devif_rd(rig->fw, td, rig->devif[0], 2, 0, report, &len));
	/* from the start again, and void after a STOP */
	OK(tdx_td_round(rig, 0, 0, TDISP_GET_REPORT, 0, &result));
	tdx_stop(test, 0);
	OK(tdg_devif_rd(rig->fw, td, rig->devif[0], TDX_DEVIF_FIELD_REPORT, 0,
			report, &len));
	KUNIT_EXPECT_EQ(test, len, 0);
}

static void report_refused(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct tdx_dev *dev = &rig->dev[0], good = *dev;
	struct tdx_devif_result result;
	static const u16 info[] = {
		TDISP_REPORT_DMA_PASID, TDISP_REPORT_ATS, TDISP_REPORT_PRS,
	};
	struct {
		struct tdisp_report report;
		u16 range_attr;
		u64 want;
	} bad[ARRAY_SIZE(info) + 5] = {};
	int n = 0;

	one_devif(test);
	tdx_lock(test, 0);
	good.state = dev->state;
	good.offset = dev->offset;
	good.nonce = dev->nonce;
	for (int i = 0; i < ARRAY_SIZE(bad); i++) {
		bad[i].report = good.report;
		bad[i].want = TDX_DEVIF_INVALID_TDI_CONFIGURATION;
	}
	for (; n < ARRAY_SIZE(info); n++)
		bad[n].report.interface_info |= cpu_to_le16(info[n]);
	bad[n++].report.msix_control = cpu_to_le16(0x8003);
	bad[n++].report.tph_control = cpu_to_le32(1);
	bad[n++].range_attr = TDISP_RANGE_MSIX_TABLE;
	bad[n++].range_attr = TDISP_RANGE_MSIX_PBA;
	bad[n].report.nr_ranges = cpu_to_le32(~0);
	bad[n++].want = TDX_DEVIF_TDISP_INVALID_MESSAGE;
	for (int i = 0; i < n; i++) {
		dev->report = bad[i].report;
		dev->range_attr = bad[i].range_attr;
		KUNIT_EXPECT_EQ_MSG(test,
				    tdx_td_round(rig, 0, 0, TDISP_GET_REPORT, 0,
						 &result),
				    bad[i].want, "report %d", i);
	}
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), 0);
	*dev = good;
	OK(tdx_td_round(rig, 0, 0, TDISP_GET_REPORT, 0, &result));
}

static void mmio_accept(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td, page = (RIG_MMIO_HPA + RIG_OFFSET) >> PAGE_SHIFT;
	struct tdx_fw *fw = rig->fw;

	one_devif(test);
	td = rig->td[0].tdr;
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_mmio_accept(fw, RIG_HPA, RIG_MMIO_GPA, 0, page));
	HARMLESS(TDX_OPERAND_INVALID,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA + 1, 0, page));
	HARMLESS(TDX_EPT_WALK_FAILED,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page));
	tdx_add_sept(test, 0, RIG_MMIO_GPA);
	HARMLESS(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page));
	tdx_add_mmiomt(test, RIG_MMIO_HPA, 1);
	OK(tdh_mmio_mt_set(fw, RIG_MMIO_HPA, 0, TDX_MMIOMT_DATA, rig->devif[0]));
	OK(tdh_mmio_map(fw, RIG_MMIO_GPA, 0, td, RIG_MMIO_HPA));
	HARMLESS(TDX_DEVIF_TDISP_INVALID_STATE,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page));
	tdx_lock(test, 0);
	HARMLESS(TDX_MMIO_INVALID_HPA_OFFSET,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page + 1));
	HARMLESS(TDX_MMIO_INVALID_HPA_OFFSET,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0,
				 RIG_MMIO_HPA >> PAGE_SHIFT));
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(fw, td, RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
	OK(tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page));
	HARMLESS(TDX_PAGE_ALREADY_ACCEPTED,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page));
	/* accepted, but the function is not validated */
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(fw, td, RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
	OK(tdg_devif_validate(fw, td, rig->devif[0], rig->pkh));
	KUNIT_EXPECT_TRUE(test, tdx_fw_mmio_accepted(fw, td, RIG_MMIO_GPA,
						     RIG_MMIO_HPA));
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(fw, td, RIG_MMIO_GPA,
						      RIG_MMIO_HPA + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(fw, td,
						      RIG_MMIO_GPA + PAGE_SIZE,
						      RIG_MMIO_HPA));
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(fw, RIG_HPA, RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
	OK(tdh_mmio_block(fw, RIG_MMIO_GPA, 0, td));
	KUNIT_EXPECT_FALSE(test, tdx_fw_mmio_accepted(fw, td, RIG_MMIO_GPA,
						      RIG_MMIO_HPA));
	HARMLESS(TDX_EPT_ENTRY_STATE_INCORRECT,
		 tdg_mmio_accept(fw, td, RIG_MMIO_GPA, 0, page));
}

static void dmar_accept(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 td, id = rig->devif[0];

	one_devif(test);
	tdx_build_td(test, 1);
	td = rig->td[0].tdr;
	HARMLESS(TDX_DEVIF_INVALID_METADATA,
		 tdg_dmar_accept(rig->fw, rig->td[1].tdr, id));
	HARMLESS(TDX_DEVIF_INVALID_STATE, tdg_dmar_accept(rig->fw, td, id));
	tdx_lock(test, 0);
	HARMLESS(TDX_DEVIF_INVALID_STATE, tdg_dmar_accept(rig->fw, td, id));
	tdx_accept(test, 0, 0);
	HARMLESS(TDX_DMAR_ENTRY_NOT_PRESENT, tdg_dmar_accept(rig->fw, td, id));
	tdx_add_dma(test, 0);
	OK(tdg_dmar_accept(rig->fw, td, id));
	HARMLESS(TDX_DMAR_INVALID_MAPPING_STATE,
		 tdg_dmar_accept(rig->fw, td, id));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(request_bytes),
	KUNIT_CASE(vmm_rounds),
	KUNIT_CASE(bad_answers),
	KUNIT_CASE(bad_state),
	KUNIT_CASE(error_state),
	KUNIT_CASE(error_state_td),
	KUNIT_CASE(td_rounds),
	KUNIT_CASE(validate),
	KUNIT_CASE(start_fails),
	KUNIT_CASE(start_across_stop),
	KUNIT_CASE(disturbed_rounds),
	KUNIT_CASE(report_portions),
	KUNIT_CASE(report_refused),
	KUNIT_CASE(mmio_accept),
	KUNIT_CASE(dmar_accept),
	{}
};

static struct kunit_suite suite = {
	.name = "tdx_fw_tdisp",
	.init = tdx_init,
	.exit = tdx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
