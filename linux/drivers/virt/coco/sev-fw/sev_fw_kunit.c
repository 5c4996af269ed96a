// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each command: what it does, what it refuses, and what it makes of a device that
 * answers wrong.
 */
#include <linux/module.h>

#include "sev_fw_rig.h"

static void platform(struct kunit *test)
{
	const struct sev_tio_dev_id id = {};
	struct sr *rig = test->priv;
	struct sev_tio_status status;
	struct sev_asid_fence fence;
	struct sev_tio_dev_status dev;

	OK(sev_tio_status(rig->fw, &status));
	KUNIT_EXPECT_FALSE(test, status.initialized);
	VIOLATES(SEV_INVALID_PLATFORM_STATE,
		 sev_tio_dev_create(rig->fw, SR_DEV, &id));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sev_tio_dev_reclaim(rig->fw, SR_DEV));
	VIOLATES(SEV_INVALID_PLATFORM_STATE,
		 sev_tio_dev_status(rig->fw, SR_DEV, &dev));
	VIOLATES(SEV_INVALID_PLATFORM_STATE,
		 sev_tio_tdi_create(rig->fw, SR_DEV, SR_TDI(0), 1));
	VIOLATES(SEV_INVALID_PLATFORM_STATE,
		 sev_tio_asid_fence_status(rig->fw, SR_DEV, 1, &fence));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sr_first(rig, CMD(SR_CONNECT)));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sr_first(rig, CMD(SR_DISCONNECT)));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sr_first(rig, CMD(SR_CERTS)));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sr_first(rig, CMD(SR_MEASURE)));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sr_first(rig, CMD(SR_ROLL)));
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sr_first(rig, CMD(SR_LOCK)));
	OK(sev_tio_init(rig->fw));
	OK(sev_tio_status(rig->fw, &status));
	KUNIT_EXPECT_TRUE(test, status.initialized);
	VIOLATES(SEV_INVALID_PLATFORM_STATE, sev_tio_init(rig->fw));
}

static void no_contexts(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_asid_fence fence;

	OK(sev_tio_init(rig->fw));
	for (enum sr_nr nr = SR_CONNECT; nr <= SR_STATUS; nr++)
		VIOLATES(SEV_INVALID_DEV_CTX, sr_first(rig, CMD(nr)));
	VIOLATES(SEV_INVALID_DEV_CTX, sev_tio_dev_reclaim(rig->fw, SR_DEV));
	VIOLATES(SEV_INVALID_DEV_CTX,
		 sev_tio_asid_fence_status(rig->fw, SR_DEV, 1, &fence));
	VIOLATES(SEV_INVALID_DEV_CTX,
		 sev_tio_asid_fence_clear(rig->fw, SR_DEV, SR_GCTX(0)));
	sr_connect(test);
	for (enum sr_nr nr = SR_LOCK; nr <= SR_STATUS; nr++)
		VIOLATES(SEV_INVALID_TDI_CTX, sr_first(rig, CMD(nr)));
	/* a context, but of another kind */
	VIOLATES(SEV_INVALID_TDI_CTX,
		 sev_tio_tdi_reclaim(rig->fw, SR_DEV, SR_DEV));
	VIOLATES(SEV_INVALID_DEV_CTX,
		 sev_tio_dev_disconnect(rig->fw, SR_GCTX(0), NULL, SEV_TIO_FORCE));
}

static void context_pages(struct kunit *test)
{
	const struct sev_tio_dev_id id = { .device_id = SR_RID(0) };
	const struct sev_tio_dev_id id2 = { .device_id = SR_RID(0), .segment = 1 };
	struct sr *rig = test->priv;

	OK(sev_tio_init(rig->fw));
	VIOLATES(SEV_INVALID_PARAM, sev_tio_dev_create(rig->fw, SR_DEV + 8, &id));
	VIOLATES(SEV_INVALID_PARAM, sev_tio_dev_create(rig->fw, 0, &id));
	OK(sev_tio_dev_create(rig->fw, SR_DEV, &id));
	VIOLATES(SEV_RECLAIM_REQUIRED, sev_tio_dev_create(rig->fw, SR_DEV2, &id));
	VIOLATES(SEV_RECLAIM_REQUIRED, sev_tio_dev_create(rig->fw, SR_DEV, &id2));
	OK(sev_tio_dev_create(rig->fw, SR_DEV2, &id2));
	VIOLATES(SEV_RECLAIM_REQUIRED, sev_snp_gctx_create(rig->fw, SR_DEV));
	/* firmware's pages are no guest's */
	KUNIT_ASSERT_EQ(test, sev_fw_reserve(rig->fw, SR_DEV, 0, 0), -ENOENT);
	sr_guest(test, 0);
	KUNIT_ASSERT_EQ(test, sev_fw_reserve(rig->fw, SR_GCTX(0), 0, SR_DEV), 0);
	VIOLATES(SEV_RMP_FAIL_INUSE,
		 sev_rmp_private(rig->fw, SR_DEV, SR_ASID(0), 0));
	OK(sev_tio_dev_reclaim(rig->fw, SR_DEV));
	OK(sev_rmp_private(rig->fw, SR_DEV, SR_ASID(0), 0));
	VIOLATES(SEV_INVALID_PAGE_STATE, sev_tio_dev_create(rig->fw, SR_DEV, &id));
	OK(sev_rmp_unprivate(rig->fw, SR_DEV));
	OK(sev_tio_dev_create(rig->fw, SR_DEV, &id));
}

static void guest_life(struct kunit *test)
{
	struct sr *rig = test->priv;
	u64 gctx = SR_GCTX(0);

	VIOLATES(SEV_INVALID_PARAM, sev_snp_gctx_create(rig->fw, gctx + 1));
	VIOLATES(SEV_INVALID_GUEST_STATE, sev_snp_activate(rig->fw, gctx, 1));
	VIOLATES(SEV_INVALID_GUEST_STATE, sev_snp_decommission(rig->fw, gctx));
	OK(sev_snp_gctx_create(rig->fw, gctx));
	VIOLATES(SEV_INVALID_GUEST_STATE, sev_snp_launch_finish(rig->fw, gctx));
	VIOLATES(SEV_INVALID_ASID, sev_snp_activate(rig->fw, gctx, 0));
	VIOLATES(SEV_INVALID_ASID, sev_snp_activate(rig->fw, gctx, SEV_NR_ASIDS));
	OK(sev_snp_activate(rig->fw, gctx, 1));
	VIOLATES(SEV_INVALID_GUEST_STATE, sev_snp_activate(rig->fw, gctx, 2));
	OK(sev_snp_launch_finish(rig->fw, gctx));
	VIOLATES(SEV_INVALID_GUEST_STATE, sev_snp_launch_finish(rig->fw, gctx));
	OK(sev_snp_decommission(rig->fw, gctx));
	VIOLATES(SEV_INVALID_GUEST_STATE, sev_snp_decommission(rig->fw, gctx));
	sr_expect_empty(rig);
}

/* a guest that is not activated has no device, one that is not launched no messages */
static void guest_not_ready(struct kunit *test)
{
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_create(test, 0);
	OK(sev_snp_gctx_create(rig->fw, SR_GCTX(0)));
	VIOLATES(SEV_INVALID_GUEST_STATE, sr_first(rig, CMD(SR_LOCK)));
	VIOLATES(SEV_INVALID_GUEST_STATE,
		 sev_tio_asid_fence_clear(rig->fw, SR_DEV, SR_GCTX(0)));
	OK(sev_snp_activate(rig->fw, SR_GCTX(0), SR_ASID(0)));
	OK(sr_loop(rig, CMD(SR_LOCK)));
	OK(sr_loop(rig, CMD(SR_REPORT)));
	OK(sr_loop(rig, CMD(SR_RUN)));
	VIOLATES(SEV_INVALID_GUEST_STATE, sr_sdte(rig, 0, 0, 1) & ~SR_REFUSED);
	OK(sev_snp_launch_finish(rig->fw, SR_GCTX(0)));
	OK(sr_sdte(rig, 0, 0, 1));
}

static void dev_life(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_tio_dev_status status;

	sr_connect(test);
	KUNIT_EXPECT_EQ(test, rig->keys, 1);
	/* 700 bytes, 504 of which fit into an answer */
	KUNIT_EXPECT_EQ(test, rig->questions, 2);
	OK(sev_tio_dev_status(rig->fw, SR_DEV, &status));
	KUNIT_EXPECT_EQ(test, status.state, SEV_DEV_CONNECTED);
	KUNIT_EXPECT_FALSE(test, status.request_pending);
	KUNIT_EXPECT_EQ(test, status.ide_stream_id[0], SR_STREAM);
	sr_create(test, 0);
	OK(sev_tio_dev_status(rig->fw, SR_DEV, &status));
	KUNIT_EXPECT_EQ(test, status.tdi_count, 1);
	KUNIT_EXPECT_EQ(test, status.bound_tdi_count, 0);
	OK(sr_loop(rig, CMD(SR_DISCONNECT)));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	VIOLATES(SEV_INVALID_DEV_STATE, sr_first(rig, CMD(SR_CERTS)));
	VIOLATES(SEV_INVALID_DEV_STATE, sr_first(rig, CMD(SR_MEASURE)));
	VIOLATES(SEV_INVALID_DEV_STATE, sr_first(rig, CMD(SR_ROLL)));
	VIOLATES(SEV_INVALID_DEV_STATE, sr_first(rig, CMD(SR_STATUS)));
	VIOLATES(SEV_INVALID_DEV_STATE, sr_first(rig, CMD(SR_REPORT)));
	sr_reclaim(test, 0);
	OK(sev_tio_dev_reclaim(rig->fw, SR_DEV));
	sr_expect_empty(rig);
}

static void connect_params(struct kunit *test)
{
	const struct sev_tio_dev_id id = { .device_id = SR_RID(0) };
	const struct sev_tio_connect no_tc0 = { .tc_mask = 2 };
	const struct sev_tio_connect slot = { .tc_mask = 1, .cert_slot = 1 };
	struct sev_spdm spdm = { .rsp_room = SR_RSP_SIZE };
	struct sr *rig = test->priv;

	OK(sev_tio_init(rig->fw));
	OK(sev_tio_dev_create(rig->fw, SR_DEV, &id));
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_dev_connect(rig->fw, SR_DEV, &spdm, &no_tc0));
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_dev_connect(rig->fw, SR_DEV, &spdm, &slot));
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_dev_connect(rig->fw, SR_DEV, NULL, &slot));
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_dev_disconnect(rig->fw, SR_DEV, &spdm, BIT(1)));
	KUNIT_EXPECT_EQ(test, rig->keys, -1);
}

/* small portions: as many questions as it takes, the same digest */
static void certificates(struct kunit *test)
{
	u8 want[SEV_TIO_DIGEST_SIZE];
	struct sev_tio_dev_status status;
	struct sr *rig = test->priv;

	rig->portion = 100;
	sr_connect(test);
	KUNIT_EXPECT_EQ(test, rig->questions, 7);
	sha384(rig->chain, SR_CHAIN_SIZE, want);
	OK(sev_tio_dev_status(rig->fw, SR_DEV, &status));
	KUNIT_EXPECT_MEMEQ(test, status.certs_digest, want, sizeof(want));
	OK(sr_loop(rig, CMD(SR_CERTS)));
	KUNIT_EXPECT_EQ(test, rig->out_len, SR_CHAIN_SIZE);
	KUNIT_EXPECT_MEMEQ(test, rig->out, rig->chain, SR_CHAIN_SIZE);
	/* room for less than all */
	memset(rig->out, 0, sizeof(rig->out));
	rig->out_size = 250;
	HARMLESS(SEV_EXPAND_BUFFER_LENGTH, sr_loop(rig, CMD(SR_CERTS)));
	KUNIT_EXPECT_EQ(test, rig->out_len, SR_CHAIN_SIZE);
	KUNIT_EXPECT_EQ(test, rig->out[250], 0);
	rig->out_size = sizeof(rig->out);
	/* another device in its place */
	rig->chain[600] ^= 1;
	HARMLESS(SEV_DEV_CERT_CHANGED, sr_loop(rig, CMD(SR_CERTS)));
	OK(sr_loop(rig, CMD(SR_ROLL)));
	rig->chain[0] ^= 1;
	HARMLESS(SEV_DEV_CERT_CHANGED, sr_loop(rig, CMD(SR_ROLL)));
	KUNIT_EXPECT_EQ(test, rig->keys_driven, 2);
}

static void measurements(struct kunit *test)
{
	struct sr *rig = test->priv;

	sr_connect(test);
	OK(sr_loop(rig, CMD(SR_MEASURE)));
	KUNIT_EXPECT_EQ(test, rig->out_len, 3);
	KUNIT_EXPECT_MEMEQ(test, rig->out, "abc", 3);
	rig->out_size = 2;
	HARMLESS(SEV_EXPAND_BUFFER_LENGTH, sr_loop(rig, CMD(SR_MEASURE)));
	KUNIT_EXPECT_EQ(test, rig->out_len, 3);
	rig->fault = SR_NOISE;
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_MEASURE)));
}

/* the lock is dropped while keys are programmed: the device is nobody else's */
static void intrude(struct sr *rig)
{
	struct kunit *test = rig->test;

	rig->while_keys = NULL;
	VIOLATES(SEV_IN_USE, sr_first(rig, CMD(SR_ROLL)));
	VIOLATES(SEV_IN_USE, sr_first(rig, CMD(SR_CONNECT)));
	VIOLATES(SEV_IN_USE, sev_tio_dev_reclaim(rig->fw, SR_DEV));
	VIOLATES(SEV_IN_USE, sev_tio_dev_disconnect(rig->fw, SR_DEV, NULL,
						    SEV_TIO_FORCE));
}

static void while_keys(struct kunit *test)
{
	struct sr *rig = test->priv;

	rig->while_keys = intrude;
	sr_connect(test);
	KUNIT_EXPECT_PTR_EQ(test, rig->while_keys, NULL);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 4);
	rig->while_keys = intrude;
	OK(sr_loop(rig, CMD(SR_ROLL)));
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 8);
}

static void tdi_life(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_tio_tdi_info info;
	u8 want[SEV_TIO_DIGEST_SIZE];

	sr_connect(test);
	sr_guest(test, 0);
	KUNIT_EXPECT_EQ(test, sev_fw_tdisp_state(rig->fw, SR_TDI(0)), -ENOENT);
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_tdi_create(rig->fw, SR_DEV, SR_TDI(0) + 1, SR_RID(0)));
	sr_create(test, 0);
	OK(sev_tio_tdi_info(rig->fw, SR_DEV, SR_TDI(0), &info));
	KUNIT_EXPECT_FALSE(test, info.bound);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	KUNIT_EXPECT_EQ(test, rig->fn[0].state, TDISP_CONFIG_LOCKED);
	OK(sr_loop(rig, CMD(SR_STATUS)));
	KUNIT_EXPECT_EQ(test, rig->told, TDISP_CONFIG_LOCKED);
	OK(sr_loop(rig, CMD(SR_REPORT)));
	sha384(rig->out, rig->out_len, want);
	OK(sr_loop(rig, CMD(SR_RUN)));
	KUNIT_EXPECT_EQ(test, rig->fn[0].state, TDISP_RUN);
	OK(sev_tio_tdi_info(rig->fw, SR_DEV, SR_TDI(0), &info));
	KUNIT_EXPECT_TRUE(test, info.bound);
	KUNIT_EXPECT_EQ(test, info.tdisp_state, TDISP_RUN);
	KUNIT_EXPECT_EQ(test, info.interface_id, SR_RID(0));
	KUNIT_EXPECT_EQ(test, info.guest_device_id, SR_GUEST_RID(0));
	KUNIT_EXPECT_EQ(test, info.gctx, SR_GCTX(0));
	KUNIT_EXPECT_EQ(test, info.bind_counter, 1);
	KUNIT_EXPECT_MEMEQ(test, info.report_digest, want, sizeof(want));
	sr_unbind(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig->fn[0].state, TDISP_CONFIG_UNLOCKED);
	sr_reclaim(test, 0);
	sr_create(test, 0);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	OK(sev_tio_tdi_info(rig->fw, SR_DEV, SR_TDI(0), &info));
	KUNIT_EXPECT_EQ(test, info.bind_counter, 2);
	KUNIT_EXPECT_EQ(test, info.report_digest[0], 0);
}

static void bind_params(struct kunit *test)
{
	struct sev_tio_bind bind = { .gctx = SR_GCTX(0), .lock_flags = BIT(1) };
	struct sev_spdm spdm = { .rsp_room = SR_RSP_SIZE };
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_tdi_bind(rig->fw, SR_DEV, SR_TDI(0), &spdm, &bind));
	bind.lock_flags = 0;
	bind.reporting_offset = 8;
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_tdi_bind(rig->fw, SR_DEV, SR_TDI(0), &spdm, &bind));
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_tdi_unbind(rig->fw, SR_DEV, SR_TDI(0), 0, &spdm, BIT(4)));
}

/* room for the answer, and answers for the room */
static void buffers(struct kunit *test)
{
	struct sev_spdm spdm = { .rsp_room = SEV_SPDM_RSP_MIN - 1 };
	struct sr *rig = test->priv;
	size_t whole;

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	HARMLESS(SEV_EXPAND_BUFFER_LENGTH, sr_issue(rig, CMD(SR_LOCK), &spdm));
	rig->fault = SR_HUGE;
	HARMLESS(SEV_RESPONSE_TOO_LARGE, sr_loop(rig, CMD(SR_LOCK)));
	rig->fault = SR_OK;
	OK(sr_loop(rig, CMD(SR_LOCK)));
	/* the report is kept: no more questions to fetch it with more room */
	rig->portion = 20;
	rig->out_size = 10;
	KUNIT_EXPECT_EQ(test, sr_loop(rig, CMD(SR_REPORT)),
			SEV_EXPAND_BUFFER_LENGTH);
	whole = rig->out_len;
	rig->questions = 0;
	rig->out_size = whole;
	OK(sr_loop(rig, CMD(SR_REPORT)));
	KUNIT_EXPECT_EQ(test, rig->questions, 0);
	KUNIT_EXPECT_EQ(test, rig->out_len, whole);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* each way to answer wrong, for each command: the command is over, nothing moved */
static void wrong_answers(struct kunit *test)
{
	static const enum sr_nr asking[] = { SR_RUN, SR_REPORT, SR_STATUS };
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	for (rig->fault = SR_SILENT; rig->fault < SR_TOO_MUCH; rig->fault++) {
		HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_LOCK)));
		rig->fn[0].state = TDISP_CONFIG_UNLOCKED;
	}
	rig->fault = SR_OK;
	OK(sr_loop(rig, CMD(SR_LOCK)));
	for (int i = 0; i < ARRAY_SIZE(asking); i++)
		for (rig->fault = SR_SILENT; rig->fault < SR_TOO_MUCH; rig->fault++)
			HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(asking[i])));
	for (rig->fault = SR_SILENT; rig->fault < SR_TOO_MUCH; rig->fault++)
		HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_UNBIND)));
	rig->fault = SR_TOO_MUCH;
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_REPORT)));
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_CERTS)));
	rig->fault = SR_OK;
	rig->fn[0].wrong_report = true;
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_REPORT)));
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

static void wrong_certificates(struct kunit *test)
{
	const struct sev_tio_dev_id id = { .device_id = SR_RID(0) };
	struct sr *rig = test->priv;

	OK(sev_tio_init(rig->fw));
	OK(sev_tio_dev_create(rig->fw, SR_DEV, &id));
	for (rig->fault = SR_SILENT; rig->fault < SR_HUGE; rig->fault++) {
		if (rig->fault == SR_OTHER_FUNCTION)
			continue;
		HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_CONNECT)));
	}
	KUNIT_EXPECT_EQ(test, rig->keys, -1);
	rig->fault = SR_OK;
	OK(sr_loop(rig, CMD(SR_CONNECT)));
	rig->fault = SR_SILENT;
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_ROLL)));
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_DISCONNECT)));
	KUNIT_EXPECT_EQ(test, rig->keys, 1);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* a LOCK whose answer was lost: the next bind finds the device locked */
static void bind_again(struct kunit *test)
{
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	rig->fault = SR_SILENT;
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_LOCK)));
	KUNIT_EXPECT_EQ(test, rig->fn[0].state, TDISP_CONFIG_LOCKED);
	rig->fault = SR_OK;
	rig->questions = 0;
	OK(sr_loop(rig, CMD(SR_LOCK)));
	KUNIT_EXPECT_EQ(test, rig->questions, 3);
	OK(sr_loop(rig, CMD(SR_RUN)));
}

/* the device says that it is not what it should be */
static void device_changed(struct kunit *test)
{
	static const enum tdisp_state told[] = {
		TDISP_CONFIG_UNLOCKED, TDISP_CONFIG_LOCKED, TDISP_STATE_ERROR,
	};
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	for (int i = 0; i < ARRAY_SIZE(told); i++) {
		sr_run(test, 0, 0);
		sr_accept(test, 0, 0);
		rig->fn[0].state = told[i];
		OK(sr_loop(rig, CMD(SR_STATUS)));
		KUNIT_EXPECT_EQ(test, rig->told, told[i]);
		KUNIT_EXPECT_EQ(test, sev_fw_tdisp_state(rig->fw, SR_TDI(0)),
				TDISP_STATE_ERROR);
		KUNIT_EXPECT_EQ(test, rig->fw->fence[SR_ASID(0)].dma,
				SEV_FENCE_ERROR);
		KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 0, 0));
		sr_unbind(test, 0, 0);
		sr_reclaim(test, 0);
		sr_unfence(test, 0);
		sr_share(test, 0);
	}
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* a fault switch ends the loop that it hits, and is nobody's mistake */
static void fault_switch(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_spdm spdm = { .rsp_room = SR_RSP_SIZE };

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	KUNIT_ASSERT_EQ(test, sev_fw_refuse(rig->fw, SEV_CALL_TIO_TDI_BIND,
					    SEV_SPDM_ERROR, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, sr_issue(rig, CMD(SR_LOCK), &spdm),
			SEV_SPDM_REQUEST);
	sr_answer(rig, &spdm);
	KUNIT_EXPECT_EQ(test, sr_issue(rig, CMD(SR_LOCK), &spdm), SEV_SPDM_ERROR);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	KUNIT_ASSERT_EQ(test, sev_fw_refuse(rig->fw, SEV_CALL_RMPUPDATE,
					    SEV_RMP_FAIL_OVERLAP, 0, 2), 0);
	HARMLESS(SEV_RMP_FAIL_OVERLAP, sr_rmp_share(rig, 0, 0));
	HARMLESS(SEV_RMP_FAIL_OVERLAP, sr_rmp_share(rig, 0, 0));
	OK(sr_rmp_share(rig, 0, 0));
	KUNIT_EXPECT_EQ(test, SEV_RMP_CODE(SEV_RMP_FAIL_OVERLAP), 4);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* an open loop is seen, and ends by force */
static void force_ends_loop(struct kunit *test)
{
	struct sev_tio_dev_status status;
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	KUNIT_ASSERT_EQ(test, sr_first(rig, CMD(SR_LOCK)), SEV_SPDM_REQUEST);
	OK(sev_tio_dev_status(rig->fw, SR_DEV, &status));
	KUNIT_EXPECT_TRUE(test, status.request_pending);
	OK(sev_tio_tdi_unbind(rig->fw, SR_DEV, SR_TDI(0), SR_GCTX(0), NULL,
			      SEV_TIO_FORCE));
	OK(sev_tio_dev_status(rig->fw, SR_DEV, &status));
	KUNIT_EXPECT_FALSE(test, status.request_pending);
	KUNIT_EXPECT_EQ(test, status.bound_tdi_count, 0);
	KUNIT_ASSERT_EQ(test, sr_first(rig, CMD(SR_CERTS)), SEV_SPDM_REQUEST);
	OK(sev_tio_dev_disconnect(rig->fw, SR_DEV, NULL, SEV_TIO_FORCE));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	sr_reclaim(test, 0);
	OK(sev_tio_dev_reclaim(rig->fw, SR_DEV));
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

static void rmp_operands(struct kunit *test)
{
	struct sev_rmp_state state = { .assigned = 1, .asid = 1 };
	struct sr *rig = test->priv;

	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmpupdate(rig->fw, 8, &state));
	state.pagesize = 1;
	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmpupdate(rig->fw, 0, &state));
	state.pagesize = 0;
	state.gpa = 1;
	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmpupdate(rig->fw, 0, &state));
	state.gpa = 0;
	state.asid = SEV_NR_ASIDS;
	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmpupdate(rig->fw, 0, &state));
	state.asid = 0;
	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmpupdate(rig->fw, 0, &state));
	state = (struct sev_rmp_state) { .immutable = 1 };
	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmpupdate(rig->fw, 0, &state));
	OK(sr_rmp(rig, 0, 0, 1, 0, false));
	sr_expect_table(rig, "\nrmp_io 1\n");
	/* not immutable: the host may take it back at any time */
	OK(sr_rmp_share(rig, 0, 0));
	OK(sr_rmp_share(rig, 0, 0));
	OK(sr_rmp_share(rig, 1, 3));
	/* immutable, and no TDI has it: for ever */
	OK(sr_rmp(rig, 0, 0, 1, 0, true));
	VIOLATES(SEV_RMP_FAIL_PERMISSION, sr_rmp_share(rig, 0, 0));
}

static void private_memory(struct kunit *test)
{
	struct sr *rig = test->priv;
	u64 gpa = 0, hpa;

	sr_guest(test, 0);
	sr_guest(test, 1);
	KUNIT_EXPECT_FALSE(test, sev_fw_reserved(rig->fw, SR_GCTX(0), SR_GPA,
						 SR_HPA(0)));
	VIOLATES(SEV_RMP_FAIL_INPUT,
		 sev_rmp_private(rig->fw, SR_HPA(0), SR_ASID(0), SR_GPA));
	KUNIT_EXPECT_EQ(test, sev_fw_npt_set(rig->fw, SR_GCTX(0), SR_GPA,
					     SR_HPA(0)), -ENOMEM);
	sr_memory(test, 0);
	KUNIT_EXPECT_TRUE(test, sev_fw_reserved(rig->fw, SR_GCTX(0), SR_GPA,
						SR_HPA(0)));
	OK(sev_rmp_private(rig->fw, SR_HPA(0), SR_ASID(0), SR_GPA));
	VIOLATES(SEV_RMP_FAIL_PERMISSION,
		 sev_rmp_private(rig->fw, SR_HPA(0), SR_ASID(1), SR_GPA));
	VIOLATES(SEV_RMP_FAIL_PERMISSION,
		 sev_rmp_private(rig->fw, SR_HPA(0), SR_ASID(0), 0));
	VIOLATES(SEV_RMP_FAIL_INPUT,
		 sev_rmp_private(rig->fw, SR_HPA(0) + PAGE_SIZE, 9, 0));
	KUNIT_EXPECT_TRUE(test, sev_fw_next_page(rig->fw, SR_GCTX(0), &gpa, ~0ULL,
						 &hpa));
	KUNIT_EXPECT_EQ(test, gpa, SR_GPA);
	KUNIT_EXPECT_EQ(test, hpa, SR_HPA(0));
	gpa += PAGE_SIZE;
	KUNIT_EXPECT_FALSE(test, sev_fw_next_page(rig->fw, SR_GCTX(0), &gpa, ~0ULL,
						  &hpa));
	gpa = 0;
	KUNIT_EXPECT_FALSE(test, sev_fw_next_page(rig->fw, SR_GCTX(0), &gpa, SR_GPA,
						  &hpa));
	sr_forget_memory(test, 0);
	KUNIT_EXPECT_FALSE(test, sev_fw_next_page(rig->fw, SR_GCTX(0), &gpa, ~0ULL,
						  &hpa));
	OK(sev_rmp_unprivate(rig->fw, SR_HPA(0)));
	VIOLATES(SEV_RMP_FAIL_INPUT, sev_rmp_unprivate(rig->fw, SR_HPA(1)));
	sr_end_guest(test, 0);
	sev_fw_npt_clear(rig->fw, SR_GCTX(0), SR_GPA);
	KUNIT_EXPECT_EQ(test, sev_fw_npt_set(rig->fw, SR_GCTX(0), SR_GPA,
					     SR_HPA(0)), -ENOENT);
}

static void fence_operands(struct kunit *test)
{
	struct sev_asid_fence fence;
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_asid_fence_status(rig->fw, SR_DEV, 0, &fence));
	VIOLATES(SEV_INVALID_PARAM,
		 sev_tio_asid_fence_status(rig->fw, SR_DEV, SEV_NR_ASIDS, &fence));
	OK(sev_tio_asid_fence_status(rig->fw, SR_DEV, SR_ASID(0), &fence));
	KUNIT_EXPECT_EQ(test, fence.dma, SEV_FENCE_NONE);
	sr_create(test, 0);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	OK(sev_tio_asid_fence_status(rig->fw, SR_DEV, SR_ASID(0), &fence));
	KUNIT_EXPECT_EQ(test, fence.dma, SEV_FENCE_DEFAULT);
	KUNIT_EXPECT_EQ(test, fence.mmio, SEV_FENCE_DEFAULT);
	OK(sev_tio_asid_fence_clear(rig->fw, SR_DEV, SR_GCTX(0)));
	OK(sev_tio_asid_fence_status(rig->fw, SR_DEV, SR_ASID(0), &fence));
	KUNIT_EXPECT_EQ(test, fence.dma | fence.mmio, SEV_FENCE_NONE);
	/* a second TDI does not stop the first */
	sr_create(test, 1);
	OK(sr_loop(rig, CMD(SR_LOCK, 1)));
	OK(sev_tio_asid_fence_status(rig->fw, SR_DEV, SR_ASID(0), &fence));
	KUNIT_EXPECT_EQ(test, fence.dma | fence.mmio, SEV_FENCE_NONE);
}

static struct kunit_case command_cases[] = {
	KUNIT_CASE(platform),
	KUNIT_CASE(no_contexts),
	KUNIT_CASE(context_pages),
	KUNIT_CASE(guest_life),
	KUNIT_CASE(guest_not_ready),
	KUNIT_CASE(dev_life),
	KUNIT_CASE(connect_params),
	KUNIT_CASE(certificates),
	KUNIT_CASE(measurements),
	KUNIT_CASE(while_keys),
	KUNIT_CASE(tdi_life),
	KUNIT_CASE(bind_params),
	KUNIT_CASE(buffers),
	KUNIT_CASE(wrong_answers),
	KUNIT_CASE(wrong_certificates),
	KUNIT_CASE(bind_again),
	KUNIT_CASE(device_changed),
	KUNIT_CASE(fault_switch),
	KUNIT_CASE(force_ends_loop),
	KUNIT_CASE(rmp_operands),
	KUNIT_CASE(private_memory),
	KUNIT_CASE(fence_operands),
	{}
};

static struct kunit_suite command_suite = {
	.name = "sev_fw",
	.init = sr_init,
	.exit = sr_exit,
	.test_cases = command_cases,
};

kunit_test_suite(command_suite);

MODULE_DESCRIPTION("KUnit tests of the model of the SEV-TIO firmware");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
