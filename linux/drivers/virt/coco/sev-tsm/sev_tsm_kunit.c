// SPDX-License-Identifier: GPL-2.0-only
/*
 * The private MMIO of the SEV-TIO TSM driver on a bare firmware model: no PCI device,
 * a device that is nothing but answers, and BARs that are nothing but addresses. What
 * is counted is every firmware call of a bind and an unbind. And who may lift the fence
 * of a guest, and which reports are believed.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/tio-fw.h>
#include <linux/unaligned.h>

#include "sev-tsm.h"

#define RID		0x0100
#define GUEST_RID	0x0018
#define ASID		7
#define STREAM		1
#define BAR_HPA		0x4000000000ULL
#define BAR_GPA		0x8000000000ULL
#define CHAIN_LEN	64

/* the interface report of the fake device: one range, no bytes of its own */
struct fake_report {
	struct tdisp_report hdr;
	struct tdisp_mmio_range range;
	__le32 device_len;
} __packed;

/**
 * struct rig - a TDI of a fake device on a model of its own
 * @test: for assertions
 * @fw: the model
 * @dev: page of the device context
 * @tdi: page of the TDI context
 * @gctx: page of the guest context
 * @pages: of its only BAR, 4 KiB each
 * @mmio: what is under test
 * @rsp: the device's answer
 */
struct rig {
	struct kunit *test;
	struct sev_fw *fw;
	u64 dev;
	u64 tdi;
	u64 gctx;
	u32 pages;
	struct sev_mmio mmio;
	u8 rsp[SEV_SPDM_RSP_MIN];
};

static u64 calls(struct rig *rig)
{
	struct tio_referee *ref = sev_fw_referee(rig->fw);

	return tio_calls(ref, TIO_AREA_TDI) + tio_calls(ref, TIO_AREA_MMIO) +
	       tio_calls(ref, TIO_AREA_DMA);
}

static size_t answer_certs(struct rig *rig, const void *msg)
{
	const struct spdm_get_certificate *req = msg;
	struct spdm_certificate *rsp = (void *)rig->rsp;
	u16 offset = le16_to_cpu(req->offset);
	u16 portion = min_t(u16, le16_to_cpu(req->length), CHAIN_LEN - offset);

	memset(rsp, 0, sizeof(*rsp) + portion);
	rsp->hdr.version = SPDM_VERSION_1_2;
	rsp->hdr.code = SPDM_CERTIFICATE;
	rsp->portion = cpu_to_le16(portion);
	rsp->remainder = cpu_to_le16(CHAIN_LEN - offset - portion);
	return sizeof(*rsp) + portion;
}

static size_t answer_report(struct rig *rig, struct tdisp_report_rsp *rsp)
{
	const struct fake_report report = {
		.hdr.nr_ranges = cpu_to_le32(1),
		.range.first_page = cpu_to_le64(PHYS_PFN(BAR_HPA)),
		.range.pages = cpu_to_le32(rig->pages),
	};

	rsp->portion = cpu_to_le16(sizeof(report));
	memcpy(rsp->bytes, &report, sizeof(report));
	return sizeof(*rsp) + sizeof(report);
}

/* The device does what it is asked, and says CONFIG_UNLOCKED when it is asked that */
static size_t answer_tdisp(struct rig *rig, const void *msg)
{
	struct spdm_vendor_hdr *wrap = (void *)rig->rsp;
	struct tdisp_hdr *hdr = (void *)wrap->payload;
	size_t len = sizeof(*hdr);
	u8 type;

	memset(rig->rsp, 0, sizeof(rig->rsp));
	memcpy(rig->rsp, msg, sizeof(*wrap) + sizeof(*hdr));
	type = hdr->type;
	wrap->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	hdr->type = TDISP_RESPONSE(type);
	if (type == TDISP_LOCK_INTERFACE)
		len = sizeof(struct tdisp_lock_rsp);
	else if (type == TDISP_GET_REPORT)
		len = answer_report(rig, (struct tdisp_report_rsp *)hdr);
	else if (type == TDISP_GET_STATE)
		len = sizeof(struct tdisp_state_rsp);
	put_unaligned_le16(len + 1, &wrap->payload_len);
	return sizeof(*wrap) + len;
}

static void answer(struct rig *rig, struct sev_spdm *spdm)
{
	const struct spdm_hdr *hdr = (const void *)spdm->req;

	spdm->rsp_len = hdr->code == SPDM_GET_CERTIFICATE ?
			answer_certs(rig, spdm->req) :
			answer_tdisp(rig, spdm->req);
	spdm->answered = true;
}

/* a command with its loop; the driver's own needs a mailbox */
#define talk(r, call, ...)						\
({									\
	struct rig *__rig = (r);					\
	struct sev_spdm spdm = {					\
		.rsp = __rig->rsp,					\
		.rsp_room = sizeof(__rig->rsp),				\
	};								\
	u64 __status;							\
									\
	while ((__status = call(__VA_ARGS__)) == SEV_SPDM_REQUEST)	\
		answer(__rig, &spdm);					\
	__status;							\
})

static void rig_free(void *data)
{
	struct rig *rig = data;

	xa_destroy(&rig->mmio.pages);
	sev_fw_destroy(rig->fw);
	tio_page_free(&rig->dev);
	tio_page_free(&rig->tdi);
	tio_page_free(&rig->gctx);
}

static void connect(struct rig *rig)
{
	const struct sev_tio_connect how = {
		.tc_mask = BIT(0),
		.ide_stream_id = { STREAM },
	};
	const struct sev_tio_dev_id id = { .device_id = RID };
	struct kunit *test = rig->test;

	KUNIT_ASSERT_EQ(test, sev_tio_init(rig->fw), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_tio_dev_create(rig->fw, rig->dev, &id),
			SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_dev_connect, rig->fw, rig->dev,
				   &spdm, &how), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_snp_gctx_create(rig->fw, rig->gctx),
			SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_snp_activate(rig->fw, rig->gctx, ASID),
			SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_snp_launch_finish(rig->fw, rig->gctx),
			SEV_SUCCESS);
}

static struct rig *rig_create(struct kunit *test, u32 pages)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->pages = pages;
	rig->fw = sev_fw_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->fw);
	sev_mmio_init(&rig->mmio, rig->fw, ASID);
	rig->dev = tio_page_alloc();
	rig->tdi = tio_page_alloc();
	rig->gctx = tio_page_alloc();
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, rig_free, rig), 0);
	KUNIT_ASSERT_TRUE(test, rig->dev && rig->tdi && rig->gctx);
	connect(rig);
	return rig;
}

/* Whatever the driver's bind asks of firmware, in its order */
static void bind_tdi(struct rig *rig)
{
	const struct sev_tio_bind bind = {
		.gctx = rig->gctx,
		.guest_device_id = GUEST_RID,
	};
	struct sev_asid_fence fence = {};
	struct kunit *test = rig->test;
	struct sev_out out = { .size = SEV_TIO_REPORT_MAX };

	out.buf = kunit_kzalloc(test, out.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, out.buf);
	KUNIT_ASSERT_EQ(test, sev_tio_tdi_create(rig->fw, rig->dev, rig->tdi,
						 RID), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_tdi_bind, rig->fw, rig->dev,
				   rig->tdi, &spdm, &bind), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_tdi_report, rig->fw, rig->dev,
				   rig->tdi, &spdm, &out), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_tio_asid_fence_status(rig->fw, rig->dev, ASID,
							&fence), SEV_SUCCESS);
	KUNIT_ASSERT_TRUE(test, fence.dma || fence.mmio);
	KUNIT_ASSERT_EQ(test, sev_tio_asid_fence_clear(rig->fw, rig->dev,
						       rig->gctx), SEV_SUCCESS);
}

/* What its guest does then */
static void run_tdi(struct rig *rig)
{
	const struct sev_tio_bind bind = { .gctx = rig->gctx, .run = true };
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_SDTE_WRITE,
		.guest_device_id = GUEST_RID,
		.other = { .type = SEV_TDI_MSG_SDTE_WRITE, .valid = 1 },
	};
	struct kunit *test = rig->test;
	union sev_guest_rsp rsp;

	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_tdi_bind, rig->fw, rig->dev,
				   rig->tdi, &spdm, &bind), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_tio_guest_request(rig->fw, rig->dev, rig->tdi,
						    rig->gctx, &msg, &rsp),
			SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, rsp.rsp.status, SEV_TDI_SDTE_SUCCESS);
}

/* The driver's half of VALIDATE_MMIO, then the message; @nr pages from @first on */
static void validate(struct rig *rig, u32 first, u32 nr)
{
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.guest_device_id = GUEST_RID,
		.mmio = {
			.gpa = BAR_GPA + PFN_PHYS((u64)first),
			.pages = nr,
			.range_offset = first,
			.validate = 1,
		},
	};
	u64 status = SEV_SUCCESS;
	struct kunit *test = rig->test;
	union sev_guest_rsp rsp;

	KUNIT_ASSERT_EQ(test, sev_mmio_assign(&rig->mmio, msg.mmio.gpa,
					      BAR_HPA + PFN_PHYS((u64)first),
					      nr, 0, &status), 0);
	KUNIT_ASSERT_EQ(test, sev_tio_guest_request(rig->fw, rig->dev, rig->tdi,
						    rig->gctx, &msg, &rsp),
			SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, rsp.rsp.status, SEV_TDI_MMIO_SUCCESS);
	KUNIT_ASSERT_EQ(test, rsp.rsp.changed, 1);
}

/* Whatever the driver's unbind asks of firmware before the lazy step */
static void unbind_tdi(struct rig *rig)
{
	struct kunit *test = rig->test;
	struct sev_asid_fence fence = {};
	u8 told;

	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_tdi_unbind, rig->fw, rig->dev,
				   rig->tdi, rig->gctx, &spdm, 0), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_tdi_status, rig->fw, rig->dev,
				   rig->tdi, &spdm, &told), SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, told, TDISP_CONFIG_UNLOCKED);
	KUNIT_ASSERT_EQ(test, sev_tio_tdi_reclaim(rig->fw, rig->dev, rig->tdi),
			SEV_SUCCESS);
	KUNIT_ASSERT_EQ(test, sev_tio_asid_fence_status(rig->fw, rig->dev, ASID,
							&fence), SEV_SUCCESS);
	KUNIT_ASSERT_TRUE(test, fence.dma || fence.mmio);
	KUNIT_ASSERT_EQ(test, sev_tio_asid_fence_clear(rig->fw, rig->dev,
						       rig->gctx), SEV_SUCCESS);
}

static void expect_clean(struct rig *rig, u64 violations)
{
	struct kunit *test = rig->test;
	bool any = false;

	for (u32 i = 0; i < rig->pages; i++)
		any |= sev_fw_is_assigned(rig->fw, BAR_HPA + PFN_PHYS((u64)i));
	KUNIT_EXPECT_FALSE(test, any);
	KUNIT_EXPECT_TRUE(test, xa_empty(&rig->mmio.pages));
	KUNIT_EXPECT_EQ(test, sev_snp_decommission(rig->fw, rig->gctx),
			SEV_SUCCESS);
	KUNIT_EXPECT_EQ(test, tio_violations(sev_fw_referee(rig->fw)),
			violations);
}

static void bar_is_mapped(struct kunit *test, const char *bar, u32 pages)
{
	struct rig *rig = rig_create(test, pages);
	u32 requests = DIV_ROUND_UP(pages, SEV_TDI_MMIO_PAGES_MAX);
	u64 bind, unbind, status = SEV_SUCCESS;

	bind = calls(rig);
	bind_tdi(rig);
	run_tdi(rig);
	for (u32 at = 0; at < pages; at += SEV_TDI_MMIO_PAGES_MAX)
		validate(rig, at, min(pages - at, SEV_TDI_MMIO_PAGES_MAX));
	bind = calls(rig) - bind;
	for (u32 i = 0; i < pages; i++)
		KUNIT_ASSERT_TRUE(test,
				  sev_fw_mmio_accepted(rig->fw, rig->gctx,
						       rig->tdi,
						       BAR_GPA + PFN_PHYS((u64)i),
						       BAR_HPA + PFN_PHYS((u64)i)));

	unbind = calls(rig);
	unbind_tdi(rig);
	KUNIT_EXPECT_EQ(test, sev_mmio_give_back(&rig->mmio, &status), 0);
	unbind = calls(rig) - unbind;

	kunit_info(test, "firmware_calls vendor=sev bar=%s leaf=4K leaves=%u bind=%llu unbind=%llu per_leaf_bind=%d per_leaf_unbind=%d constant_bind=%d constant_unbind=%d\n",
		   bar, pages, bind, unbind, SEV_BIND_PAGE_CALLS,
		   SEV_UNBIND_PAGE_CALLS, SEV_BIND_CALLS + requests,
		   SEV_UNBIND_CALLS);
	KUNIT_EXPECT_LE(test, bind, SEV_BIND_PAGE_CALLS * pages +
				    SEV_BIND_CALLS + requests);
	KUNIT_EXPECT_LE(test, unbind, SEV_UNBIND_PAGE_CALLS * pages +
				      SEV_UNBIND_CALLS);
	expect_clean(rig, 0);
}

static void maps_64k(struct kunit *test)
{
	bar_is_mapped(test, "64K", SZ_64K >> PAGE_SHIFT);
}

static void maps_16m(struct kunit *test)
{
	bar_is_mapped(test, "16M", SZ_16M >> PAGE_SHIFT);
}

/* The driver does not even ask for what firmware never grants */
static void no_large_leaves(struct kunit *test)
{
	struct rig *rig = rig_create(test, SZ_16M >> PAGE_SHIFT);
	u64 before, status = SEV_SUCCESS;

	bind_tdi(rig);
	before = calls(rig);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA, BAR_HPA,
					      rig->pages, 1, &status),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, calls(rig), before);
	kunit_info(test, "firmware_calls vendor=sev bar=16M leaf=2M refused\n");
	unbind_tdi(rig);
	expect_clean(rig, 0);
}

/* A refusal in the middle of either way is taken up where it stopped */
static void goes_on_after_refusals(struct kunit *test)
{
	struct rig *rig = rig_create(test, 16);
	struct tio_referee *ref = sev_fw_referee(rig->fw);
	u64 before, status = SEV_SUCCESS;

	bind_tdi(rig);
	before = calls(rig);
	tio_refuse(ref, SEV_CALL_RMPUPDATE, SEV_RMP_FAIL_PERMISSION, 5, 1);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA, BAR_HPA, 16,
					      0, &status), -EIO);
	KUNIT_EXPECT_EQ(test, status, SEV_RMP_FAIL_PERMISSION);
	validate(rig, 0, 16);
	/* one refusal, one page a second time, one message */
	KUNIT_EXPECT_EQ(test, calls(rig) - before, 16 + 1 + 1);

	unbind_tdi(rig);
	before = calls(rig);
	tio_refuse(ref, SEV_CALL_RMPUPDATE, SEV_RMP_FAIL_PERMISSION, 5, 1);
	KUNIT_EXPECT_EQ(test, sev_mmio_give_back(&rig->mmio, &status), -EIO);
	KUNIT_EXPECT_FALSE(test, xa_empty(&rig->mmio.pages));
	KUNIT_EXPECT_EQ(test, sev_mmio_give_back(&rig->mmio, &status), 0);
	KUNIT_EXPECT_EQ(test, calls(rig) - before, 16 + 1);
	expect_clean(rig, 0);
}

/* RMPUPDATE that finds the entry busy is tried again, and not for ever */
static void overlap_is_tried_again(struct kunit *test)
{
	struct rig *rig = rig_create(test, 16);
	struct tio_referee *ref = sev_fw_referee(rig->fw);
	u64 status = SEV_SUCCESS;

	bind_tdi(rig);
	tio_refuse(ref, SEV_CALL_RMPUPDATE, SEV_RMP_FAIL_OVERLAP, 0,
		   SEV_TRIES - 1);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA, BAR_HPA, 1,
					      0, &status), 0);
	tio_refuse(ref, SEV_CALL_RMPUPDATE, SEV_RMP_FAIL_OVERLAP, 0, SEV_TRIES);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA + PAGE_SIZE,
					      BAR_HPA + PAGE_SIZE, 1, 0,
					      &status), -EIO);
	unbind_tdi(rig);
	KUNIT_EXPECT_EQ(test, sev_mmio_give_back(&rig->mmio, &status), 0);
	expect_clean(rig, 0);
}

/* A page has one address; asking for another is no call */
static void one_address_for_a_page(struct kunit *test)
{
	struct rig *rig = rig_create(test, 16);
	u64 before, status = SEV_SUCCESS;

	bind_tdi(rig);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA, BAR_HPA, 16,
					      0, &status), 0);
	before = calls(rig);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA, BAR_HPA, 16,
					      0, &status), 0);
	KUNIT_EXPECT_EQ(test, sev_mmio_assign(&rig->mmio, BAR_GPA + SZ_1M,
					      BAR_HPA, 16, 0, &status), -EBUSY);
	KUNIT_EXPECT_EQ(test, calls(rig), before);
	unbind_tdi(rig);
	KUNIT_EXPECT_EQ(test, sev_mmio_give_back(&rig->mmio, &status), 0);
	expect_clean(rig, 0);
}

/**
 * struct fence_rig - two TDIs of one guest, as far as its fence looks at them
 * @tsm: with the model of a rig
 * @link: of both, its lock is held
 * @gctx: the guest
 * @a: the TDI of the rig
 * @b: firmware has no context of it
 */
struct fence_rig {
	struct sev_tsm tsm;
	struct sev_link link;
	struct sev_gctx gctx;
	struct sev_tdi a;
	struct sev_tdi b;
};

static struct fence_rig *fence_rig_create(struct rig *rig)
{
	struct fence_rig *fence = kunit_kzalloc(rig->test, sizeof(*fence),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(rig->test, fence);
	fence->tsm.fw = rig->fw;
	fence->link.tsm = &fence->tsm;
	fence->link.dev = rig->dev;
	mutex_init(&fence->link.base.pf0.lock);
	fence->gctx.tsm = &fence->tsm;
	fence->gctx.page = rig->gctx;
	fence->gctx.asid = ASID;
	mutex_init(&fence->gctx.lock);
	INIT_LIST_HEAD(&fence->gctx.tdis);
	fence->a.ctx = rig->tdi;
	fence->a.locked = true;
	fence->a.link = &fence->link;
	fence->b.link = &fence->link;
	fence->a.gctx = &fence->gctx;
	fence->b.gctx = &fence->gctx;
	sev_fence_join(&fence->a);
	sev_fence_join(&fence->b);
	return fence;
}

static bool is_fenced(struct rig *rig)
{
	struct sev_asid_fence fence = {};

	KUNIT_EXPECT_EQ(rig->test, sev_tio_asid_fence_status(rig->fw, rig->dev,
							     ASID, &fence),
			SEV_SUCCESS);
	return fence.dma || fence.mmio;
}

/* One that is being stopped does not come back to lift the fence for a sibling */
static void fence_of_a_stop_is_lifted(struct kunit *test)
{
	struct rig *rig = rig_create(test, 16);
	struct fence_rig *fence = fence_rig_create(rig);

	bind_tdi(rig);
	KUNIT_ASSERT_EQ(test, talk(rig, sev_tio_tdi_unbind, rig->fw, rig->dev,
				   rig->tdi, rig->gctx, &spdm, 0), SEV_SUCCESS);
	KUNIT_EXPECT_TRUE(test, is_fenced(rig));
	scoped_guard(mutex, &fence->link.base.pf0.lock)
		KUNIT_EXPECT_EQ(test, sev_fence_lift(&fence->b), 0);
	KUNIT_EXPECT_FALSE(test, is_fenced(rig));
	sev_fence_leave(&fence->a);
	sev_fence_leave(&fence->b);
}

/* One that fell keeps its guest behind the fence until the IOMMU shuts it out */
static void fence_of_a_fall_stays(struct kunit *test)
{
	struct rig *rig = rig_create(test, 16);
	struct fence_rig *fence = fence_rig_create(rig);

	bind_tdi(rig);
	KUNIT_ASSERT_EQ(test, sev_tio_dev_disconnect(rig->fw, rig->dev, NULL,
						     SEV_TIO_FORCE),
			SEV_SUCCESS);
	guard(mutex)(&fence->link.base.pf0.lock);
	KUNIT_EXPECT_EQ(test, sev_fence_lift(&fence->b), 0);
	KUNIT_EXPECT_TRUE(test, is_fenced(rig));
	fence->a.dma_off = true;
	KUNIT_EXPECT_EQ(test, sev_fence_lift(&fence->b), 0);
	KUNIT_EXPECT_FALSE(test, is_fenced(rig));
	sev_fence_leave(&fence->a);
	sev_fence_leave(&fence->b);
}

/* A report that names pages of others is the word of a hostile device */
static void report_names_own_pages(struct kunit *test)
{
	static const struct {
		u64 first;
		u32 pages;
		bool own;
	} cases[] = {
		{ 0, 16, true }, { 15, 1, true }, { 0, 17, false },
		{ 16, 1, false }, { U64_MAX, 1, false }, { U64_MAX, 2, false },
		{ 0, U32_MAX, false }, { PHYS_PFN(BAR_HPA), 1, false },
	};
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);
	struct fake_report report = { .hdr.nr_ranges = cpu_to_le32(1) };
	const u8 *bytes = (const u8 *)&report;

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pdev->resource[2].start = BAR_HPA;
	pdev->resource[2].end = BAR_HPA + SZ_64K - 1;
	pdev->resource[2].flags = IORESOURCE_MEM;
	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		report.range.first_page = cpu_to_le64(cases[i].first);
		report.range.pages = cpu_to_le32(cases[i].pages);
		KUNIT_EXPECT_EQ_MSG(test,
				    sev_report_is_own(pdev, -BAR_HPA, bytes,
						      sizeof(report)),
				    cases[i].own, "case %d", i);
	}
	report.hdr.nr_ranges = cpu_to_le32(U32_MAX);
	KUNIT_EXPECT_FALSE(test, sev_report_is_own(pdev, -BAR_HPA, bytes,
						   sizeof(report)));
	report.hdr.nr_ranges = 0;
	KUNIT_EXPECT_FALSE(test, sev_report_is_own(pdev, -BAR_HPA, bytes, 1));
	KUNIT_EXPECT_TRUE(test, sev_report_is_own(pdev, -BAR_HPA, bytes,
						  sizeof(report)));
}

static struct kunit_case sev_tsm_cases[] = {
	KUNIT_CASE(maps_64k),
	KUNIT_CASE(maps_16m),
	KUNIT_CASE(no_large_leaves),
	KUNIT_CASE(goes_on_after_refusals),
	KUNIT_CASE(overlap_is_tried_again),
	KUNIT_CASE(one_address_for_a_page),
	KUNIT_CASE(fence_of_a_stop_is_lifted),
	KUNIT_CASE(fence_of_a_fall_stays),
	KUNIT_CASE(report_names_own_pages),
	{}
};

static struct kunit_suite sev_tsm_suite = {
	.name = "sev_tsm",
	.test_cases = sev_tsm_cases,
};

kunit_test_suite(sev_tsm_suite);

MODULE_DESCRIPTION("KUnit tests of the TSM driver for the emulated SEV-TIO platform");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
