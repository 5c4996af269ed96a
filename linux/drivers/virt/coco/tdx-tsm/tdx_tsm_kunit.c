// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's private MMIO on a bare firmware model: no PCI device, no platform.
 * A TD that the driver builds, a TDI that the suite builds by hand, BARs that are
 * addresses only. Counted is what the driver asks of firmware; at the end all must
 * be given back and the referee must have seen no mistake.
 */
#include <crypto/sha2.h>
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/unaligned.h>

#include "tdx-tsm.h"

#define RID		0x0100
#define STREAM		5
#define SPDM		7
#define GPA		0x10000000000ULL	/* aligned to the largest leaf */
#define HPA		0x40000000000ULL
#define OFFSET		(-HPA)
#define RSP_MAX		128

static const u8 chain[] = "a certificate chain";

struct bare {
	struct kunit *test;
	struct tdx_tsm tsm;
	struct tdx_fw *fw;
	struct tdx_td *td;
	struct tdx_mmio mmio;
	u64 devif;
	struct tdx_devif_pages pages;
	u64 spdm_page;
	u64 devifmt_page;
	u64 bar_size;
};

/* calls of the suite's own half, which are right by themselves */
#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), TDX_SUCCESS)

static u64 calls(struct bare *bare)
{
	return tdx_fw_referee(bare->fw)->calls;
}

static void no_keys(void *priv, u8 stream, bool go)
{
}

static void no_invalidate(void *priv, u16 rid)
{
}

static const struct teemu_platform no_platform = {
	.ide_keys = no_keys,
	.invalidate = no_invalidate,
};

/* the device's answer to the request in @msg; bytes of it */
static size_t device_answers(struct bare *bare, const u8 *msg, u8 *rsp)
{
	struct spdm_vendor_hdr *hdr = (void *)rsp;
	struct tdisp_hdr *tdisp = (void *)hdr->payload;
	u8 *body = (void *)(tdisp + 1);
	struct {
		struct tdisp_report head;
		struct tdisp_mmio_range range;
		__le32 vendor_len;
	} __packed report = {
		.head.interface_info = cpu_to_le16(TDISP_REPORT_DMA_NO_PASID),
		.head.nr_ranges = cpu_to_le32(1),
		.range.pages = cpu_to_le32(PHYS_PFN(bare->bar_size)),
	};
	size_t len = 0;

	memset(rsp, 0, RSP_MAX);
	memcpy(rsp, msg, sizeof(*hdr) + sizeof(*tdisp));
	switch (tdisp->type) {
	case TDISP_LOCK_INTERFACE:
		len = TDISP_NONCE_SIZE;
		memset(body, 1, len);
		break;
	case TDISP_GET_REPORT:
		put_unaligned_le16(sizeof(report), body);
		memcpy(body + 4, &report, sizeof(report));
		len = 4 + sizeof(report);
		break;
	}
	hdr->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	tdisp->type = TDISP_RESPONSE(tdisp->type);
	hdr->payload_len = cpu_to_le16(1 + sizeof(*tdisp) + len);
	return sizeof(*hdr) + sizeof(*tdisp) + len;
}

/* @td: the request is the TD's, else the host's of @type */
static void carry(struct bare *bare, u8 type, bool td)
{
	const struct tdx_devif_req req = {
		.type = type,
		.reporting_offset = OFFSET,
	};
	u8 msg[TDX_FW_MSG_MAX] = {}, rsp[RSP_MAX];
	struct kunit *test = bare->test;
	size_t len = 0;

	OK(tdh_devif_request(bare->fw, bare->devif, td, td ? NULL : &req, msg,
			     &len));
	len = device_answers(bare, msg, rsp);
	OK(tdh_devif_response(bare->fw, bare->devif, td, rsp, len));
}

static void idekm(struct bare *bare, enum tdx_idekm_op op)
{
	struct kunit *test = bare->test;

	OK(tdh_ide_stream_idekmreq(bare->fw, TDX_IOMMU, STREAM, op));
	OK(tdh_ide_stream_idekmrsp(bare->fw, TDX_IOMMU, STREAM));
}

static void link_up(struct bare *bare)
{
	const struct tdx_ide_assoc assoc = {
		.rid_base = RID,
		.rid_limit = RID,
		.mem_base = HPA,
		.mem_limit = HPA + SZ_64G - 1,
	};
	struct kunit *test = bare->test;

	bare->spdm_page = tio_page_alloc();
	bare->devifmt_page = tio_page_alloc();
	OK(tdh_spdm_create(bare->fw, TDX_IOMMU, SPDM, bare->spdm_page));
	OK(tdg_spdm_tpa_set(bare->fw, TDX_IOMMU, SPDM, chain, sizeof(chain)));
	OK(tdh_ide_stream_create(bare->fw, TDX_IOMMU, STREAM, SPDM, &assoc));
	idekm(bare, TDX_IDEKM_KEY_PROG);
	idekm(bare, TDX_IDEKM_K_SET_GO);
	OK(tdh_devif_mt_add(bare->fw, TDX_IOMMU, PCI_BUS_NUM(RID),
			    bare->devifmt_page));
}

static void link_down(struct bare *bare)
{
	struct kunit *test = bare->test;
	u64 page;

	OK(tdh_devif_mt_remove(bare->fw, TDX_IOMMU, PCI_BUS_NUM(RID), &page));
	idekm(bare, TDX_IDEKM_K_SET_STOP);
	OK(tdh_ide_stream_block(bare->fw, TDX_IOMMU, STREAM));
	OK(tdh_ide_stream_delete(bare->fw, TDX_IOMMU, STREAM));
	OK(tdh_spdm_delete(bare->fw, TDX_IOMMU, SPDM));
	tio_page_free(&bare->devifmt_page);
	tio_page_free(&bare->spdm_page);
}

/* LOCKED, attested by the TD, its report read */
static void tdi_up(struct bare *bare)
{
	struct tdx_devif_result result;
	struct kunit *test = bare->test;
	u8 pkh[TDX_FW_PKH_SIZE];

	bare->pages.root = tio_page_alloc();
	bare->pages.td_msg = tio_page_alloc();
	bare->pages.vmm_msg = tio_page_alloc();
	OK(tdh_devif_create(bare->fw, bare->devif, bare->td->tdr, &bare->pages));
	carry(bare, TDISP_LOCK_INTERFACE, false);
	sha384(chain, sizeof(chain), pkh);
	OK(tdg_devif_validate(bare->fw, bare->td->tdr, bare->devif, pkh));
	OK(tdg_devif_request(bare->fw, bare->td->tdr, bare->devif,
			     TDISP_GET_REPORT, 0));
	carry(bare, TDISP_GET_REPORT, true);
	OK(tdg_devif_response(bare->fw, bare->td->tdr, bare->devif, &result));
}

static void tdi_remove(struct bare *bare)
{
	struct kunit *test = bare->test;

	OK(tdh_devif_remove(bare->fw, bare->devif));
	tio_page_free(&bare->pages.root);
	tio_page_free(&bare->pages.td_msg);
	tio_page_free(&bare->pages.vmm_msg);
}

/* A TDI with one BAR of @size bytes at HPA, whose metadata is reserved */
static struct bare *bare_up(struct kunit *test, u64 size)
{
	struct bare *bare = kunit_kzalloc(test, sizeof(*bare), GFP_KERNEL);
	struct device *dev = kunit_device_register(test, "tdx-tsm-bare");

	KUNIT_ASSERT_NOT_NULL(test, bare);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	bare->test = test;
	bare->bar_size = size;
	bare->devif = TDX_DEVIF_ID(TDX_IOMMU, STREAM, RID);
	bare->fw = tdx_fw_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bare->fw);
	tdx_fw_set_platform(bare->fw, &no_platform, bare);
	tio_tsm_setup(&bare->tsm.base, &tdx_vendor, dev, bare->fw);
	/* a name, that nobody looks behind */
	bare->td = tdx_td_get(&bare->tsm, (struct kvm *)bare);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bare->td);
	link_up(bare);
	tdi_up(bare);
	tdx_mmio_init(&bare->mmio, &bare->tsm, bare->td, bare->devif);
	return bare;
}

static void reserve(struct bare *bare)
{
	KUNIT_ASSERT_EQ(bare->test, 0,
			tdx_mmio_reserve(&bare->mmio, HPA, bare->bar_size));
}

/* The unbind of a TDI without DMA, in the driver's own order */
static void unbind(struct bare *bare)
{
	struct kunit *test = bare->test;

	for (const enum tio_step *step = tdx_unbind_order;
	     *step != TIO_STEP_END; step++) {
		switch (*step) {
		case TIO_STEP_STOP:
			carry(bare, TDISP_STOP_INTERFACE, false);
			break;
		case TIO_STEP_UNMAP:
			KUNIT_EXPECT_EQ(test, 0,
					tdx_mmio_unmap_all(&bare->mmio));
			break;
		case TIO_STEP_REMOVE:
			tdi_remove(bare);
			break;
		case TIO_STEP_GIVE_BACK:
			KUNIT_EXPECT_EQ(test, 0,
					tdx_mmio_give_back(&bare->mmio));
			break;
		default:
			break;
		}
	}
	tdx_mmio_release(&bare->mmio);
}

/* Nothing is left of it, and nobody made a mistake */
static void bare_down(struct bare *bare)
{
	struct kunit *test = bare->test;

	KUNIT_EXPECT_TRUE(test, list_empty(&bare->mmio.leaves));
	KUNIT_EXPECT_TRUE(test, xa_empty(&bare->tsm.taken));
	tio_tvm_put(&bare->td->tvm);
	tio_tvms_end_all(&tdx_tds, &bare->tsm.base);
	link_down(bare);
	for (int i = 0; i < TDX_META_NR; i++)
		KUNIT_EXPECT_TRUE(test, xa_empty(&bare->tsm.meta[i]));
	tio_tsm_clean(&bare->tsm.base);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bare->tsm.base.leaks));
	KUNIT_EXPECT_EQ(test, 0, tdx_fw_violations(bare->fw));
	tdx_fw_destroy(bare->fw);
}

static int map(struct bare *bare, u64 at, unsigned int level)
{
	u64 status;

	return tdx_mmio_map(&bare->mmio, GPA + at, HPA + at, level, &status);
}

static u64 accept(struct bare *bare, u64 at, unsigned int level)
{
	return tdg_mmio_accept(bare->fw, bare->td->tdr, GPA + at, level,
			       PHYS_PFN(HPA + at + OFFSET));
}

static void map_all(struct bare *bare, unsigned int level)
{
	struct kunit *test = bare->test;

	for (u64 at = 0; at < bare->bar_size; at += tio_leaf_size(level)) {
		KUNIT_ASSERT_EQ(test, 0, map(bare, at, level));
		OK(accept(bare, at, level));
		cond_resched();
	}
}

static const struct bar_case {
	const char *bar;
	const char *leaf;
	u64 size;
	unsigned int level;
} bar_cases[] = {
	{ "64K", "4K", SZ_64K, TDX_LEVEL_4K },
	{ "16M", "4K", SZ_16M, TDX_LEVEL_4K },
	{ "16M", "2M", SZ_16M, TDX_LEVEL_2M },
	{ "4G", "2M", SZ_4G, TDX_LEVEL_2M },
	{ "64G", "1G", SZ_64G, TDX_LEVEL_1G },
};

static void bar_desc(const struct bar_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "BAR of %s in %s", c->bar, c->leaf);
}

KUNIT_ARRAY_PARAM(bar, bar_cases, bar_desc);

static void says_calls(struct kunit *test, const struct bar_case *c, u64 leaves,
		       u64 bind, u64 unbind)
{
	u64 tables = TDX_TABLE_CALLS(leaves);
	u64 bind_const = TDX_BIND_CALLS + tables;
	u64 unbind_const = TDX_UNBIND_CALLS + tables;

	kunit_info(test,
		   "firmware_calls vendor=tdx bar=%s leaf=%s leaves=%llu bind=%llu unbind=%llu per_leaf_bind=%d per_leaf_unbind=%d constant_bind=%llu constant_unbind=%llu\n",
		   c->bar, c->leaf, leaves, bind, unbind, TDX_BIND_LEAF_CALLS,
		   TDX_UNBIND_LEAF_CALLS, bind_const, unbind_const);
	KUNIT_EXPECT_LE(test, bind, TDX_BIND_LEAF_CALLS * leaves + bind_const);
	KUNIT_EXPECT_LE(test, unbind,
			TDX_UNBIND_LEAF_CALLS * leaves + unbind_const);
	KUNIT_EXPECT_GE(test, bind, TDX_BIND_LEAF_CALLS * leaves);
}

/* a whole BAR, from bind to unbind, in leaves of one size */
static void bar_is_mapped(struct kunit *test)
{
	const struct bar_case *c = test->param_value;
	struct bare *bare = bare_up(test, c->size);
	u64 begin, bound, leaves = c->size / tio_leaf_size(c->level);

	begin = calls(bare);
	reserve(bare);
	map_all(bare, c->level);
	bound = calls(bare) - begin;
	KUNIT_EXPECT_TRUE(test,
			  tdx_fw_mmio_accepted(bare->fw, bare->td->tdr,
					       GPA + c->size - PAGE_SIZE,
					       HPA + c->size - PAGE_SIZE));

	begin = calls(bare);
	unbind(bare);
	says_calls(test, c, leaves, bound, calls(bare) - begin);
	bare_down(bare);
}

/* what is there in one size is not mapped again in another, and firmware tells */
static void sizes_meet(struct kunit *test)
{
	struct bare *bare = bare_up(test, SZ_16M);

	reserve(bare);
	KUNIT_EXPECT_EQ(test, 0, map(bare, 0, TDX_LEVEL_2M));
	KUNIT_EXPECT_EQ(test, 0, map(bare, SZ_4K, TDX_LEVEL_4K));
	KUNIT_EXPECT_EQ(test, TDX_CLASS(accept(bare, 0, TDX_LEVEL_4K)),
			TDX_MMIO_ACCEPT_SIZE_MISMATCH);
	OK(accept(bare, 0, TDX_LEVEL_2M));

	KUNIT_EXPECT_EQ(test, 0, map(bare, SZ_2M + SZ_4K, TDX_LEVEL_4K));
	KUNIT_EXPECT_EQ(test, -EBUSY, map(bare, SZ_2M, TDX_LEVEL_2M));
	KUNIT_EXPECT_EQ(test, 0, map(bare, SZ_2M, TDX_LEVEL_4K));
	KUNIT_EXPECT_EQ(test, TDX_CLASS(accept(bare, SZ_2M, TDX_LEVEL_2M)),
			TDX_MMIO_ACCEPT_SIZE_MISMATCH);
	KUNIT_EXPECT_EQ(test, -EINVAL, map(bare, SZ_4K, TDX_LEVEL_2M));
	KUNIT_EXPECT_EQ(test, -EINVAL, map(bare, 0, TDX_NR_LEVELS));
	unbind(bare);
	bare_down(bare);
}

/* the tables of small leaves are in the way of large ones, and leave */
static void sizes_follow(struct kunit *test)
{
	static const unsigned int levels[] = {
		TDX_LEVEL_4K, TDX_LEVEL_2M, TDX_LEVEL_1G, TDX_LEVEL_4K,
	};
	struct bare *bare = bare_up(test, SZ_1G);

	for (int i = 0; i < ARRAY_SIZE(levels); i++) {
		reserve(bare);
		KUNIT_EXPECT_EQ(test, 0, map(bare, 0, levels[i]));
		OK(accept(bare, 0, levels[i]));
		unbind(bare);
		tdi_up(bare);
	}
	unbind(bare);
	bare_down(bare);
}

/* a page is one TDI's, and has one guest address */
static void pages_have_one_owner(struct kunit *test)
{
	struct bare *bare = bare_up(test, SZ_16M);
	struct tdx_mmio other;
	u64 status, before;

	reserve(bare);
	tdx_mmio_init(&other, &bare->tsm, bare->td,
		      TDX_DEVIF_ID(TDX_IOMMU, STREAM, RID + 1));
	KUNIT_EXPECT_EQ(test, 0, map(bare, 0, TDX_LEVEL_2M));
	before = calls(bare);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			tdx_mmio_map(&other, GPA + SZ_4M, HPA + SZ_4K,
				     TDX_LEVEL_4K, &status));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			tdx_mmio_map(&other, GPA, HPA, TDX_LEVEL_2M, &status));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			tdx_mmio_map(&bare->mmio, GPA + SZ_4M, HPA,
				     TDX_LEVEL_2M, &status));
	KUNIT_EXPECT_EQ(test, calls(bare), before);
	unbind(bare);
	bare_down(bare);
}

/* a refusal on the way leaves what can be tried again, in another size too */
static void refusals_are_undone(struct kunit *test)
{
	static const u32 leaves[] = {
		TDH_MMIO_MT_ADD, TDH_MMIO_MT_SET, TDH_MMIO_MAP,
	};
	struct bare *bare = bare_up(test, SZ_1G);

	reserve(bare);
	for (int i = 0; i < ARRAY_SIZE(leaves); i++) {
		u64 at = i * SZ_4M;

		tdx_fw_refuse(bare->fw, leaves[i], TDX_OPERAND_INVALID, 0, 1);
		KUNIT_EXPECT_EQ(test, -EIO, map(bare, at, TDX_LEVEL_4K));
		tdx_fw_refuse(bare->fw, leaves[i], TDX_OPERAND_INVALID, 0, 0);
		KUNIT_EXPECT_EQ(test, 0, map(bare, at, TDX_LEVEL_2M));
	}
	carry(bare, TDISP_STOP_INTERFACE, false);
	tdx_fw_refuse(bare->fw, TDH_MMIO_BLOCK, TDX_OPERAND_INVALID, 1, 1);
	KUNIT_EXPECT_EQ(test, -EIO, tdx_mmio_unmap_all(&bare->mmio));
	tdx_fw_refuse(bare->fw, TDH_MMIO_UNMAP, TDX_OPERAND_INVALID, 1, 1);
	KUNIT_EXPECT_EQ(test, -EIO, tdx_mmio_unmap_all(&bare->mmio));
	KUNIT_EXPECT_EQ(test, 0, tdx_mmio_unmap_all(&bare->mmio));
	tdi_remove(bare);
	tdx_fw_refuse(bare->fw, TDH_MMIO_MT_SET, TDX_OPERAND_INVALID, 1, 1);
	KUNIT_EXPECT_EQ(test, -EIO, tdx_mmio_give_back(&bare->mmio));
	KUNIT_EXPECT_EQ(test, 0, tdx_mmio_give_back(&bare->mmio));
	tdx_mmio_release(&bare->mmio);
	bare_down(bare);
}

/* metadata that was late leaves before a larger leaf comes */
static void metadata_is_late(struct kunit *test)
{
	struct bare *bare = bare_up(test, SZ_16M);

	reserve(bare);
	KUNIT_EXPECT_EQ(test, 0, map(bare, 0, TDX_LEVEL_4K));
	tdx_fw_refuse(bare->fw, TDH_MMIO_MT_REMOVE, TDX_OPERAND_INVALID, 0, 2);
	unbind(bare);
	KUNIT_EXPECT_FALSE(test,
			   xa_empty(&bare->tsm.meta[TDX_META_MMIOMT1]));
	tdi_up(bare);
	reserve(bare);
	KUNIT_EXPECT_EQ(test, 0, map(bare, 0, TDX_LEVEL_2M));
	unbind(bare);
	bare_down(bare);
}

/* memory that firmware kept when its slot went is taken out before MMIO comes */
static void memory_was_stuck(struct kunit *test)
{
	struct bare *bare = bare_up(test, SZ_16M);
	struct page *page = alloc_page(GFP_KERNEL);
	u64 gfn = PHYS_PFN(GPA);

	KUNIT_ASSERT_NOT_NULL(test, page);
	reserve(bare);
	KUNIT_ASSERT_EQ(test, 0, tdx_td_sept(bare->td, GPA));
	OK(tdh_mem_page_add(bare->fw, bare->td->tdr, GPA, page_to_phys(page)));
	tdx_fw_refuse(bare->fw, TDH_MEM_PAGE_REMOVE, TDX_OPERAND_INVALID, 0, 4);
	tdx_mem_remove(bare->td, gfn, gfn + 1);
	KUNIT_EXPECT_TRUE(test, bare->td->stuck);
	KUNIT_EXPECT_EQ(test, -EBUSY, map(bare, 0, TDX_LEVEL_2M));
	KUNIT_EXPECT_EQ(test, 0, map(bare, 0, TDX_LEVEL_2M));
	OK(accept(bare, 0, TDX_LEVEL_2M));
	unbind(bare);
	bare_down(bare);
}

static struct kunit_case tdx_tsm_cases[] = {
	KUNIT_CASE_PARAM(bar_is_mapped, bar_gen_params),
	KUNIT_CASE(sizes_meet),
	KUNIT_CASE(sizes_follow),
	KUNIT_CASE(pages_have_one_owner),
	KUNIT_CASE(refusals_are_undone),
	KUNIT_CASE(metadata_is_late),
	KUNIT_CASE(memory_was_stuck),
	{}
};

static struct kunit_suite tdx_tsm_suite = {
	.name = "tdx_tsm",
	.test_cases = tdx_tsm_cases,
};

kunit_test_suite(tdx_tsm_suite);

MODULE_DESCRIPTION("KUnit tests of the TSM driver for the emulated TDX Connect platform");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
