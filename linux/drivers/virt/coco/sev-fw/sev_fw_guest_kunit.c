// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest is told, and what it finds out when its host lies: another page behind
 * an address, a mapping that changes after the report, a page accepted twice, another
 * guest's device. None of it is counted as a mistake of the host: it is the guest
 * that is asked, and that refuses.
 */
#include "sev_fw_rig.h"

/* MMIO_VALIDATE as the guest likes */
static u32 validate_raw(struct sr *rig, u64 gpa, u32 range, u32 offset, u32 pages)
{
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.guest_device_id = SR_GUEST_RID(0),
		.mmio = {
			.gpa = gpa,
			.pages = pages,
			.range = range,
			.range_offset = offset,
			.validate = 1,
		},
	};

	return sr_message(rig, 0, 0, &msg);
}

/* bound and reported, no page assigned yet */
static void begin(struct kunit *test)
{
	sr_connect(test);
	sr_guest(test, 0);
	sr_guest(test, 1);
	sr_lock(test, 0, 0);
}

static void no_mistakes(struct kunit *test)
{
	struct sr *rig = test->priv;

	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

static void not_assigned(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	HARMLESS(SEV_TDI_MMIO_NOT_ASSIGNED, sr_validate(rig, 0, 0, 0, 1, true));
	/* to another guest */
	OK(sr_rmp(rig, 0, 0, SR_ASID(1), SR_MMIO_GPA(0), true));
	HARMLESS(SEV_TDI_MMIO_NOT_ASSIGNED, sr_validate(rig, 0, 0, 0, 1, true));
	no_mistakes(test);
}

/* the host never gave the last page: nothing of it counts */
static void half_assigned(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	for (u32 page = 0; page < SR_BAR_PAGES - 1; page++)
		OK(sr_rmp(rig, 0, page, SR_ASID(0),
			  SR_MMIO_GPA(0) + page * PAGE_SIZE, true));
	HARMLESS(SEV_TDI_MMIO_NOT_ASSIGNED,
		 sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, true));
	KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 0, 0));
	OK(sr_validate(rig, 0, 0, 0, SR_BAR_PAGES - 1, true));
	KUNIT_EXPECT_TRUE(test, sr_accepted(rig, 0, 0, 0));
	no_mistakes(test);
}

static void not_io(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	KUNIT_ASSERT_EQ(test, sev_fw_reserve(rig->fw, SR_GCTX(0), SR_MMIO_GPA(0),
					     SR_BAR(0)), 0);
	OK(sev_rmp_private(rig->fw, SR_BAR(0), SR_ASID(0), SR_MMIO_GPA(0)));
	HARMLESS(SEV_TDI_MMIO_NOT_IO, sr_validate(rig, 0, 0, 0, 1, true));
	no_mistakes(test);
}

static void not_immutable(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	OK(sr_rmp(rig, 0, 0, SR_ASID(0), SR_MMIO_GPA(0), false));
	HARMLESS(SEV_TDI_MMIO_NOT_IMMUTABLE, sr_validate(rig, 0, 0, 0, 1, true));
	/* to give up what it has not, a guest may */
	OK(sr_validate(rig, 0, 0, 0, 1, false));
	no_mistakes(test);
}

/* the wrong page behind an address: page 1 where page 0 should be, and vice versa */
static void wrong_page(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	OK(sr_rmp(rig, 0, 0, SR_ASID(0), SR_MMIO_GPA(0) + PAGE_SIZE, true));
	OK(sr_rmp(rig, 0, 1, SR_ASID(0), SR_MMIO_GPA(0), true));
	HARMLESS(SEV_TDI_MMIO_NOT_MAPPED, sr_validate(rig, 0, 0, 0, 1, true));
	HARMLESS(SEV_TDI_MMIO_NOT_MAPPED, sr_validate(rig, 0, 0, 0, 2, true));
	/* the page of another function of the guest */
	OK(sr_rmp(rig, 1, 2, SR_ASID(0), SR_MMIO_GPA(0) + 2 * PAGE_SIZE, true));
	HARMLESS(SEV_TDI_MMIO_NOT_ASSIGNED, sr_validate(rig, 0, 0, 2, 1, true));
	no_mistakes(test);
}

/* the nested page table shows another page than was accepted */
static void swapped_after_accept(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	sr_assign(test, 0, 0);
	OK(sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, true));
	KUNIT_EXPECT_TRUE(test, sr_accepted(rig, 0, 0, 1));
	KUNIT_EXPECT_FALSE(test, sev_fw_mmio_accepted(rig->fw, SR_GCTX(0),
						      SR_TDI(0), SR_MMIO_GPA(0),
						      SR_BAR(0) + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, sev_fw_mmio_accepted(rig->fw, SR_GCTX(0),
						      SR_TDI(0), SR_MMIO_GPA(0),
						      SR_BAR(1)));
	KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 1, 1));
	/* and the host cannot change the entry under it: that is its mistake */
	VIOLATES(SEV_RMP_FAIL_PERMISSION, sr_rmp_share(rig, 0, 1));
	KUNIT_EXPECT_TRUE(test, sr_accepted(rig, 0, 0, 1));
}

/* the mapping changes between report and accept */
static void swapped_after_report(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	OK(sr_rmp(rig, 0, 0, SR_ASID(0), SR_MMIO_GPA(0), false));
	OK(sr_rmp_share(rig, 0, 0));
	OK(sr_rmp(rig, 0, 0, SR_ASID(0), SR_MMIO_GPA(0) + 3 * PAGE_SIZE, true));
	HARMLESS(SEV_TDI_MMIO_NOT_MAPPED, sr_validate(rig, 0, 0, 0, 1, true));
	no_mistakes(test);
}

/* bound again behind the guest's back: what it accepted is void */
static void rebound(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_tio_tdi_info before, after;

	begin(test);
	sr_assign(test, 0, 0);
	OK(sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, true));
	OK(sev_tio_tdi_info(rig->fw, SR_DEV, SR_TDI(0), &before));
	sr_unbind(test, 0, 0);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	sr_unfence(test, 0);
	KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 0, 0));
	/* the report is not there yet */
	HARMLESS(SEV_TDI_MMIO_NOT_REPORTED,
		 sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, true));
	OK(sr_loop(rig, CMD(SR_REPORT)));
	OK(sev_tio_tdi_info(rig->fw, SR_DEV, SR_TDI(0), &after));
	KUNIT_EXPECT_EQ(test, after.bind_counter, before.bind_counter + 1);
	OK(sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, true));
	KUNIT_EXPECT_TRUE(test, sr_accepted(rig, 0, 0, 0));
	no_mistakes(test);
}

/* twice is no change, and is told */
static void second_accept(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.guest_device_id = SR_GUEST_RID(0),
		.mmio = {
			.gpa = SR_MMIO_GPA(0),
			.pages = SR_BAR_PAGES,
			.validate = 1,
		},
	};
	static const u16 changed[] = { 1, 0, 0, 1, 0 };
	static const u8 validate[] = { 1, 1, 1, 0, 0 };
	union sev_guest_rsp rsp;

	begin(test);
	sr_assign(test, 0, 0);
	for (int i = 0; i < ARRAY_SIZE(changed); i++) {
		msg.mmio.validate = validate[i];
		OK(sev_tio_guest_request(rig->fw, SR_DEV, SR_TDI(0), SR_GCTX(0),
					 &msg, &rsp));
		KUNIT_EXPECT_EQ(test, rsp.rsp.status, SEV_TDI_MMIO_SUCCESS);
		KUNIT_EXPECT_EQ(test, rsp.rsp.changed, changed[i]);
		KUNIT_EXPECT_EQ(test, sr_accepted(rig, 0, 0, 0), validate[i]);
	}
	no_mistakes(test);
}

static void not_uniform(struct kunit *test)
{
	struct sr *rig = test->priv;

	begin(test);
	sr_assign(test, 0, 0);
	OK(sr_validate(rig, 0, 0, 1, 1, true));
	HARMLESS(SEV_TDI_MMIO_NOT_UNIFORM,
		 sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, true));
	HARMLESS(SEV_TDI_MMIO_NOT_UNIFORM,
		 sr_validate(rig, 0, 0, 0, SR_BAR_PAGES, false));
	no_mistakes(test);
}

static void ranges(struct kunit *test)
{
	struct sr *rig = test->priv;
	u64 gpa = SR_MMIO_GPA(0);

	begin(test);
	sr_assign(test, 0, 0);
	/* the second is there, but is not TEE memory */
	HARMLESS(SEV_TDI_MMIO_NOT_REPORTED, validate_raw(rig, gpa, 1, 0, 1));
	HARMLESS(SEV_TDI_MMIO_NOT_REPORTED, validate_raw(rig, gpa, 2, 0, 1));
	HARMLESS(SEV_TDI_MMIO_NOT_REPORTED, validate_raw(rig, gpa, ~0, 0, 1));
	HARMLESS(SEV_TDI_MMIO_OUT_OF_RANGE,
		 validate_raw(rig, gpa, 0, SR_BAR_PAGES, 1));
	HARMLESS(SEV_TDI_MMIO_OUT_OF_RANGE,
		 validate_raw(rig, gpa, 0, 1, SR_BAR_PAGES));
	HARMLESS(SEV_TDI_MMIO_OUT_OF_RANGE, validate_raw(rig, gpa, 0, ~0, 1));
	HARMLESS(SEV_TDI_MMIO_OUT_OF_RANGE, validate_raw(rig, gpa, 0, 0, 0));
	/* in range, but not what is there */
	HARMLESS(SEV_TDI_MMIO_NOT_MAPPED, validate_raw(rig, gpa, 0, 1, 1));
	no_mistakes(test);
}

static void msix_is_not_tee(struct kunit *test)
{
	struct sr *rig = test->priv;

	rig->fn[0].attributes = TDISP_RANGE_MSIX_TABLE;
	begin(test);
	sr_assign(test, 0, 0);
	HARMLESS(SEV_TDI_MMIO_NOT_REPORTED, sr_validate(rig, 0, 0, 0, 1, true));
	no_mistakes(test);
}

/* no report: no page is the TDI's */
static void no_report(struct kunit *test)
{
	struct sr *rig = test->priv;

	sr_connect(test);
	sr_guest(test, 0);
	sr_create(test, 0);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	sr_unfence(test, 0);
	sr_assign(test, 0, 0);
	HARMLESS(SEV_TDI_MMIO_NOT_REPORTED, sr_validate(rig, 0, 0, 0, 1, true));
	no_mistakes(test);
	/* and nobody takes immutable back */
	sr_unbind(test, 0, 0);
	sr_reclaim(test, 0);
	VIOLATES(SEV_RMP_FAIL_PERMISSION, sr_rmp_share(rig, 0, 0));
}

static void wrong_tdi(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_guest_msg msg = { .guest_device_id = SR_GUEST_RID(1) };

	begin(test);
	sr_assign(test, 0, 0);
	for (msg.type = SEV_TDI_MSG_TDI_INFO; msg.type <= SEV_TDI_MSG_SDTE_WRITE;
	     msg.type++) {
		HARMLESS(SEV_TDI_MMIO_INVALID_TDI, sr_message(rig, 0, 0, &msg));
		VIOLATES(SR_REFUSED | SEV_INVALID_TDI,
			 sr_message(rig, 0, 1, &msg));
	}
	msg.guest_device_id = SR_GUEST_RID(0);
	sr_unbind(test, 0, 0);
	for (msg.type = SEV_TDI_MSG_TDI_INFO; msg.type <= SEV_TDI_MSG_SDTE_WRITE;
	     msg.type++)
		HARMLESS(SEV_TDI_MMIO_TDI_UNBOUND, sr_message(rig, 0, 0, &msg));
}

static void malformed(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.guest_device_id = SR_GUEST_RID(0),
		.mmio = { .gpa = 8, .pages = 1, .validate = 1 },
	};

	begin(test);
	HARMLESS(SR_REFUSED | SEV_INVALID_PARAM, sr_message(rig, 0, 0, &msg));
	msg.mmio.gpa = 0;
	msg.mmio.pages = SEV_TDI_MMIO_PAGES_MAX + 1;
	HARMLESS(SR_REFUSED | SEV_INVALID_PARAM, sr_message(rig, 0, 0, &msg));
	msg.mmio.pages = 1;
	msg.mmio.validate = 2;
	HARMLESS(SR_REFUSED | SEV_INVALID_PARAM, sr_message(rig, 0, 0, &msg));
	msg.mmio.validate = 1;
	msg.mmio.reserved[2] = 1;
	HARMLESS(SR_REFUSED | SEV_INVALID_PARAM, sr_message(rig, 0, 0, &msg));
	msg.type = 0x85;
	HARMLESS(SR_REFUSED | SEV_INVALID_PARAM, sr_message(rig, 0, 0, &msg));
	no_mistakes(test);
}

static void info(struct kunit *test)
{
	struct sr *rig = test->priv;
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_TDI_INFO,
		.guest_device_id = SR_GUEST_RID(0),
	};
	u8 certs[SEV_TIO_DIGEST_SIZE], report[SEV_TIO_DIGEST_SIZE];
	union sev_guest_rsp rsp;

	begin(test);
	OK(sr_loop(rig, CMD(SR_REPORT)));
	sha384(rig->out, rig->out_len, report);
	sha384(rig->chain, SR_CHAIN_SIZE, certs);
	OK(sr_loop(rig, CMD(SR_RUN)));
	OK(sev_tio_guest_request(rig->fw, SR_DEV, SR_TDI(0), SR_GCTX(0), &msg, &rsp));
	KUNIT_EXPECT_EQ(test, rsp.info.type, 0x01);
	KUNIT_EXPECT_EQ(test, rsp.info.status, SEV_TDI_INFO_BOUND);
	KUNIT_EXPECT_EQ(test, rsp.info.tdisp_state, TDISP_RUN);
	KUNIT_EXPECT_EQ(test, rsp.info.bind_counter, 1);
	KUNIT_EXPECT_MEMEQ(test, rsp.info.certs_digest, certs, sizeof(certs));
	KUNIT_EXPECT_MEMEQ(test, rsp.info.report_digest, report, sizeof(report));
}

static void config(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_CONFIG,
		.guest_device_id = SR_GUEST_RID(0),
		.other.range = 1,
	};
	union sev_guest_rsp rsp;

	begin(test);
	OK(sev_tio_guest_request(rig->fw, SR_DEV, SR_TDI(0), SR_GCTX(0), &msg, &rsp));
	KUNIT_EXPECT_EQ(test, rsp.rsp.status, SEV_TDI_CONFIG_SUCCESS);
	KUNIT_EXPECT_EQ(test, rsp.rsp.value, 1);
	msg.other.write = 1;
	HARMLESS(SEV_TDI_CONFIG_COULD_NOT_CHANGE, sr_message(rig, 0, 0, &msg));
	msg.other.non_tee = 1;
	HARMLESS(SEV_TDI_CONFIG_SUCCESS, sr_message(rig, 0, 0, &msg));
	msg.other.range = 2;
	HARMLESS(SEV_TDI_CONFIG_NOT_REPORTED, sr_message(rig, 0, 0, &msg));
	no_mistakes(test);
}

static void sdte(struct kunit *test)
{
	struct sr *rig = test->priv;
	u64 hpa;

	begin(test);
	sr_memory(test, 0);
	HARMLESS(SEV_TDI_SDTE_RESERVED, sr_sdte(rig, 0, 0, 2));
	OK(sr_sdte(rig, 0, 0, 1));
	KUNIT_EXPECT_EQ(test, sr_dma(rig, 0, SR_GPA, &hpa), -EACCES);
	OK(sr_loop(rig, CMD(SR_RUN)));
	KUNIT_EXPECT_EQ(test, sr_dma(rig, 0, SR_GPA, &hpa), 0);
	KUNIT_EXPECT_EQ(test, sr_dma(rig, 1, SR_GPA, &hpa), -EACCES);
	KUNIT_EXPECT_EQ(test, sr_dma(rig, 0, SR_GPA + PAGE_SIZE - 4, &hpa), -EACCES);
	OK(sr_sdte(rig, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, sr_dma(rig, 0, SR_GPA, &hpa), -EACCES);
	/* one that failed may only be shut out */
	OK(sr_sdte(rig, 0, 0, 1));
	rig->fn[0].state = TDISP_STATE_ERROR;
	OK(sr_loop(rig, CMD(SR_STATUS)));
	OK(sr_sdte(rig, 0, 0, 0));
	HARMLESS(SEV_TDI_SDTE_NOT_BOUND, sr_sdte(rig, 0, 0, 1));
	no_mistakes(test);
}

static struct kunit_case guest_cases[] = {
	KUNIT_CASE(not_assigned),
	KUNIT_CASE(half_assigned),
	KUNIT_CASE(not_io),
	KUNIT_CASE(not_immutable),
	KUNIT_CASE(wrong_page),
	KUNIT_CASE(swapped_after_accept),
	KUNIT_CASE(swapped_after_report),
	KUNIT_CASE(rebound),
	KUNIT_CASE(second_accept),
	KUNIT_CASE(not_uniform),
	KUNIT_CASE(ranges),
	KUNIT_CASE(msix_is_not_tee),
	KUNIT_CASE(no_report),
	KUNIT_CASE(wrong_tdi),
	KUNIT_CASE(malformed),
	KUNIT_CASE(info),
	KUNIT_CASE(config),
	KUNIT_CASE(sdte),
	{}
};

static struct kunit_suite guest_suite = {
	.name = "sev_fw_guest",
	.init = sr_init,
	.exit = sr_exit,
	.test_cases = guest_cases,
};

kunit_test_suite(guest_suite);
