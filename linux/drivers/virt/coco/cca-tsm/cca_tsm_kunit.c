// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many calls of the RMM a BAR costs. A VDEV stands LOCKED on a bare model, with a
 * device that is a few lines here; its BAR is addresses only. The functions of the
 * driver map it as a realm asks for it, leaf by leaf or 2 MiB at a time, and unmap it
 * as unbind does; every call is counted, the guest's too.
 *
 * The lines that start with "firmware_calls" are collected into
 * out/check/firmware_calls.json.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "cca-tsm.h"

#define TEST_RID	0x100
#define TEST_PORT_RID	0x008
#define TEST_STREAM	3
#define TEST_IPA	0x1000000000ULL
#define TEST_PA		0x4000000000ULL

/**
 * struct rig - one VDEV on one model
 * @tsm: of the driver
 * @realm: of the driver
 * @mmio: of the driver
 * @pdevs: granules of root port and endpoint
 * @nonces: what the realm shows
 * @ipa: where the VMM has put the BAR
 * @state: of the device, which says yes to everything
 */
struct rig {
	struct cca_tsm tsm;
	struct cca_realm *realm;
	struct cca_mmio mmio;
	u64 pdevs[2];
	struct rsi_vdev_nonces nonces;
	u64 ipa;
	u8 state;
};

/**
 * struct bar_case - a BAR and how it is mapped
 * @bar: name of its size
 * @leaf: name of the leaves' size
 * @size: of the BAR, bytes
 * @level: of the leaves
 * @request: bytes that the realm asks for at a time
 * @shift: bytes that the VMM's place for it is off from where larger leaves would do
 * @tables: tables that are new
 * @per_leaf_bind: calls for a leaf at most
 */
struct bar_case {
	const char *bar;
	const char *leaf;
	u64 size;
	unsigned int level;
	u64 request;
	u64 shift;
	unsigned int tables;
	unsigned int per_leaf_bind;
};

/* small leaves come 512 to a request: less than one call for each */
static const struct bar_case cases[] = {
	{ "64K", "4K", SZ_64K, 3, SZ_4K, 0, 2, CCA_LEAF_BIND_CALLS },
	{ "64K", "4K", SZ_64K, 3, SZ_64K, 0, 2, 1 },
	{ "16M", "4K", SZ_16M, 3, SZ_4K, 0, 9, CCA_LEAF_BIND_CALLS },
	{ "16M", "4K", SZ_16M, 3, SZ_2M, SZ_4K, 10, 1 },
	{ "16M", "2M", SZ_16M, 2, SZ_2M, 0, 1, CCA_LEAF_BIND_CALLS },
	{ "4G", "2M", 4ULL * SZ_1G, 2, SZ_2M, 0, 4, CCA_LEAF_BIND_CALLS },
	{ "64G", "1G", 64ULL * SZ_1G, 1, SZ_1G, 0, 0, CCA_LEAF_BIND_CALLS },
};

static void case_desc(const struct bar_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s in %s, %llu a request", c->bar,
		 c->leaf, c->request);
}

KUNIT_ARRAY_PARAM(bar, cases, case_desc);

/* Every call that the model was asked, whoever made it */
static u64 calls(struct rig *rig)
{
	struct tio_referee *ref = cca_rmm_referee(rig->tsm.rmm);
	u64 sum = 0;

	for (enum tio_area area = TIO_AREA_LINK; area <= TIO_AREA_DMA; area++)
		sum += tio_calls(ref, area);
	return sum;
}

static size_t answer_certs(u8 *rsp)
{
	struct spdm_certificate *cert = (void *)rsp;

	*cert = (struct spdm_certificate) {
		.hdr = { .version = SPDM_VERSION_1_2, .code = SPDM_CERTIFICATE },
		.portion = cpu_to_le16(CCA_PUBKEY_SIZE),
	};
	memset(cert->bytes, 0x5a, CCA_PUBKEY_SIZE);
	return sizeof(*cert) + CCA_PUBKEY_SIZE;
}

static size_t answer_tdisp(struct rig *rig, const u8 *req, u8 *rsp)
{
	const struct spdm_vendor_hdr *in = (const void *)req;
	struct spdm_vendor_hdr *out = (void *)rsp;
	const struct tdisp_hdr *asked = (const void *)in->payload;
	struct tdisp_lock_rsp *body = (void *)out->payload;
	size_t len = sizeof(body->hdr);

	*out = *in;
	out->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	body->hdr = *asked;
	body->hdr.type = TDISP_RESPONSE(asked->type);
	switch (asked->type) {
	case TDISP_LOCK_INTERFACE:
		rig->state = TDISP_CONFIG_LOCKED;
		memset(body->nonce, 1, sizeof(body->nonce));
		len = sizeof(*body);
		break;
	case TDISP_STOP_INTERFACE:
		rig->state = TDISP_CONFIG_UNLOCKED;
		break;
	case TDISP_GET_STATE:
		((struct tdisp_state_rsp *)body)->state = rig->state;
		len = sizeof(struct tdisp_state_rsp);
		break;
	}
	out->payload_len = cpu_to_le16(len + 1);
	return sizeof(*out) + len;
}

/* COMMUNICATE to the end, for a vdev or, without one, a pdev */
static u64 talk(struct rig *rig, u64 pdev, bool vdev)
{
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	u8 rsp[256];
	u64 status;

	for (;;) {
		status = vdev ? rmi_vdev_communicate(rig->tsm.rmm,
						     rig->realm->rd, pdev,
						     rig->mmio.vdev, &comm) :
				rmi_pdev_communicate(rig->tsm.rmm, pdev, &comm);
		if (status || !(comm.flags & RMI_COMM_SEND))
			return status;
		comm.status = RMI_COMM_RESPONSE;
		comm.rsp = rsp;
		comm.rsp_len = comm.req[1] == SPDM_GET_CERTIFICATE ?
			       answer_certs(rsp) :
			       answer_tdisp(rig, comm.req, rsp);
	}
}

static u64 granule(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 pa;

	KUNIT_ASSERT_EQ(test, cca_granule_get(&rig->tsm, &pa), 0);
	return pa;
}

#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), RMI_SUCCESS)

/* A root port, an endpoint, the stream between them */
static void link_up(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->tsm.rmm;
	const struct rmi_pdev_params port = {
		.root_port = true,
		.rid = TEST_PORT_RID,
	};
	const struct rmi_pdev_params ep = {
		.rid = TEST_RID,
		.rid_base = TEST_RID,
		.rid_top = TEST_RID,
	};
	u8 key[CCA_PUBKEY_SIZE];
	u64 stream;

	memset(key, 0x5a, sizeof(key));
	rig->pdevs[0] = granule(test);
	rig->pdevs[1] = granule(test);
	OK(rmi_pdev_create(rmm, rig->pdevs[0], &port));
	OK(talk(rig, rig->pdevs[0], false));
	OK(rmi_pdev_create(rmm, rig->pdevs[1], &ep));
	OK(talk(rig, rig->pdevs[1], false));
	OK(rmi_pdev_set_pubkey(rmm, rig->pdevs[1], key, sizeof(key)));
	OK(talk(rig, rig->pdevs[1], false));
	OK(rmi_pdev_stream_connect(rmm, rig->pdevs[0], rig->pdevs[1],
				   TEST_STREAM, &stream));
	OK(talk(rig, rig->pdevs[0], false));
	OK(talk(rig, rig->pdevs[1], false));
	OK(rmi_pdev_stream_complete(rmm, rig->pdevs[0], rig->pdevs[1], stream));
}

static void info(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_result result;

	KUNIT_ASSERT_EQ(test, cca_rec_info(&rig->mmio, &result), 0);
	KUNIT_ASSERT_EQ(test, result.status, RSI_SUCCESS);
	rig->nonces = result.info.nonces;
}

/* As tdi.c does */
static void bind(struct kunit *test, u64 size)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->tsm.rmm;
	u64 ep = rig->pdevs[1];

	cca_mmio_init(&rig->mmio, rig->realm);
	rig->mmio.params = (struct rmi_vdev_params) {
		.vdev_id = 7,
		.tdi_id = TEST_RID,
		.nr_ranges = 1,
		.range[0] = { TEST_PA, TEST_PA + size },
	};
	rig->mmio.vdev = granule(test);
	OK(rmi_vdev_create(rmm, rig->realm->rd, ep, rig->mmio.vdev,
			   &rig->mmio.params));
	OK(talk(rig, ep, true));
	OK(rmi_vdev_lock(rmm, rig->realm->rd, ep, rig->mmio.vdev));
	OK(talk(rig, ep, true));
}

/* As unbind.c does */
static void unbind(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->tsm.rmm;
	u64 ep = rig->pdevs[1], rd = rig->realm->rd, mapped;
	enum rmi_vdev_state state;

	KUNIT_ASSERT_EQ(test, cca_mmio_unmap(&rig->mmio, 0, U64_MAX), 0);
	OK(rmi_vdev_get_state(rmm, rd, ep, rig->mmio.vdev, &state));
	OK(rmi_vdev_unlock(rmm, rd, ep, rig->mmio.vdev, &mapped));
	OK(talk(rig, ep, true));
	OK(rmi_vdev_destroy(rmm, rd, ep, rig->mmio.vdev));
	KUNIT_ASSERT_EQ(test, cca_mmio_give_back(&rig->mmio, 0, U64_MAX), 0);
	KUNIT_ASSERT_EQ(test, cca_granule_put(&rig->tsm, &rig->mmio.vdev), 0);
}

static int allow_all(void *ctx, u64 ipa, u64 top, u64 pa)
{
	return 0;
}

static int allow_none(void *ctx, u64 ipa, u64 top, u64 pa)
{
	return -EACCES;
}

/* The realm asks for [@at, @at + @len) of the BAR; what it gets is in @status */
static int ask(struct rig *rig, u64 at, u64 len,
	       int (*allow)(void *ctx, u64 ipa, u64 top, u64 pa), u64 *status)
{
	const struct cca_validate validate = {
		.map = {
			.vdev_id = rig->mmio.params.vdev_id,
			.ipa = rig->ipa + at,
			.top = rig->ipa + at + len,
			.pa = TEST_PA + at,
			.nonces = rig->nonces,
		},
		.allow = allow,
	};
	struct rsi_result result;
	int rc;

	rc = cca_rec_validate(&rig->mmio, &validate, &result);
	*status = result.status;
	return rc;
}

/* All leaves are of @level: the stage 2 has one for each @size of it */
static void check_leaves(struct kunit *test, const struct bar_case *c)
{
	struct rig *rig = test->priv;
	struct cca_dev_leaf leaf;
	u64 nr = 0, bad = 0;

	for (u64 ipa = rig->ipa;
	     cca_rmm_next_dev(rig->tsm.rmm, rig->realm->rd, ipa,
			      rig->ipa + c->size, &leaf);
	     ipa = leaf.ipa + cca_leaf_size(leaf.level), nr++)
		bad += leaf.level != c->level || !leaf.accepted ||
		       leaf.pa - TEST_PA != leaf.ipa - rig->ipa;
	KUNIT_EXPECT_EQ(test, nr, c->size / cca_leaf_size(c->level));
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Nothing of the VDEV is with the RMM: its granules can be delegated once more */
static void check_given_back(struct kunit *test, u64 size)
{
	struct rig *rig = test->priv;
	struct cca_dev_leaf leaf;

	KUNIT_EXPECT_FALSE(test, cca_rmm_next_dev(rig->tsm.rmm, rig->realm->rd,
						  0, BIT_ULL(CCA_IPA_BITS),
						  &leaf));
	OK(rmi_granule_range_delegate(rig->tsm.rmm, TEST_PA, TEST_PA + size,
				      CCA_MEM_DEV));
	OK(rmi_granule_range_undelegate(rig->tsm.rmm, TEST_PA, TEST_PA + size));
	KUNIT_EXPECT_EQ(test, tio_violations(cca_rmm_referee(rig->tsm.rmm)), 0);
}

static void bar_test(struct kunit *test)
{
	const struct bar_case *c = test->param_value;
	struct rig *rig = test->priv;
	u64 leaves = c->size / cca_leaf_size(c->level);
	u64 before, asked, after, constant, status, nr_bind, nr_unbind;

	rig->ipa += c->shift;
	before = calls(rig);
	bind(test, c->size);
	nr_bind = calls(rig) - before;
	info(test);
	asked = calls(rig);
	for (u64 at = 0; at < c->size; at += c->request) {
		KUNIT_ASSERT_EQ(test, ask(rig, at, c->request, allow_all,
					  &status), 0);
		KUNIT_ASSERT_EQ(test, status, RSI_SUCCESS);
	}
	nr_bind += calls(rig) - asked;
	check_leaves(test, c);
	after = calls(rig);
	unbind(test);
	nr_unbind = calls(rig) - after;
	check_given_back(test, c->size);
	cca_mmio_exit(&rig->mmio);

	constant = CCA_BIND_CALLS + c->tables * CCA_TABLE_CALLS;
	kunit_info(test, "firmware_calls vendor=cca bar=%s leaf=%s request=%lluK leaves=%llu bind=%llu unbind=%llu per_leaf_bind=%u per_leaf_unbind=%u constant_bind=%llu constant_unbind=%u\n",
		   c->bar, c->leaf, c->request >> 10, leaves, nr_bind, nr_unbind,
		   c->per_leaf_bind, CCA_LEAF_UNBIND_CALLS, constant,
		   CCA_UNBIND_CALLS);
	KUNIT_EXPECT_LE(test, nr_bind, c->per_leaf_bind * leaves + constant);
	KUNIT_EXPECT_LE(test, nr_unbind,
			CCA_LEAF_UNBIND_CALLS * leaves + CCA_UNBIND_CALLS);
}

/* A larger leaf takes the place of smaller ones of an earlier life, and back */
static void again_test(struct kunit *test)
{
	static const struct bar_case as[] = {
		{ .size = SZ_2M, .level = 3, .request = SZ_4K },
		{ .size = SZ_2M, .level = 2, .request = SZ_2M },
		{ .size = SZ_1G, .level = 1, .request = SZ_1G },
		{ .size = SZ_2M, .level = 3, .request = SZ_4K },
	};
	struct rig *rig = test->priv;
	u64 status;

	for (int i = 0; i < ARRAY_SIZE(as); i++) {
		bind(test, as[i].size);
		info(test);
		for (u64 at = 0; at < as[i].size; at += as[i].request)
			KUNIT_ASSERT_EQ(test, ask(rig, at, as[i].request,
						  allow_all, &status), 0);
		check_leaves(test, &as[i]);
		unbind(test);
		check_given_back(test, as[i].size);
		cca_mmio_exit(&rig->mmio);
	}
}

/* What is asked for twice, in part, or where the host says no changes nothing */
static void reject_test(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 status, before;

	bind(test, SZ_4M);
	info(test);
	KUNIT_EXPECT_EQ(test, ask(rig, 0, SZ_2M, allow_none, &status), -EACCES);
	KUNIT_EXPECT_EQ(test, status, RSI_INCOMPLETE);
	KUNIT_EXPECT_EQ(test, ask(rig, 0, SZ_2M, allow_all, &status), 0);
	KUNIT_EXPECT_EQ(test, status, RSI_SUCCESS);
	/* the same once more, a part of the leaf, and more than the leaf */
	KUNIT_EXPECT_EQ(test, ask(rig, 0, SZ_2M, allow_all, &status), -EEXIST);
	KUNIT_EXPECT_EQ(test, status, RSI_INCOMPLETE);
	KUNIT_EXPECT_EQ(test, ask(rig, SZ_4K, SZ_4K, allow_all, &status), -EBUSY);
	KUNIT_EXPECT_EQ(test, ask(rig, SZ_1M, SZ_2M, allow_all, &status), -EBUSY);
	KUNIT_EXPECT_TRUE(test, cca_rmm_mmio_accepted(rig->tsm.rmm,
						      rig->realm->rd, TEST_IPA,
						      TEST_PA));
	/* a range that is refused on the way leaves no part of it */
	before = tio_violations(cca_rmm_referee(rig->tsm.rmm));
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rig->tsm.rmm, RMI_RTT_DEV_VALIDATE,
					     RMI_ERROR_INPUT, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, ask(rig, SZ_2M, SZ_1M, allow_all, &status), -EIO);
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->tsm.rmm,
						       rig->realm->rd,
						       TEST_IPA + SZ_2M,
						       TEST_PA + SZ_2M));
	KUNIT_EXPECT_EQ(test, ask(rig, SZ_2M, SZ_1M, allow_all, &status), 0);
	KUNIT_EXPECT_EQ(test, status, RSI_SUCCESS);
	KUNIT_EXPECT_EQ(test, tio_violations(cca_rmm_referee(rig->tsm.rmm)),
			before);
	unbind(test);
	check_given_back(test, SZ_4M);
	cca_mmio_exit(&rig->mmio);
}

/* Memory that firmware kept is in the way half-way: all or nothing, here too */
static void kept_test(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct xarray *mem = &rig->realm->mem;
	u64 status, last = SZ_2M - SZ_4K;
	struct cca_dev_leaf leaf;

	bind(test, SZ_4M);
	info(test);
	/* two tables serve the range; a refused DATA_UNMAP left a page in the second */
	KUNIT_ASSERT_EQ(test, xa_err(xa_store(mem, PHYS_PFN(TEST_IPA + SZ_2M),
					      xa_mk_value(1), GFP_KERNEL)), 0);
	KUNIT_EXPECT_EQ(test, ask(rig, last, SZ_8K, allow_all, &status), -EIO);
	KUNIT_EXPECT_EQ(test, status, RSI_INCOMPLETE);
	KUNIT_EXPECT_FALSE(test, cca_rmm_next_dev(rig->tsm.rmm, rig->realm->rd,
						  0, BIT_ULL(CCA_IPA_BITS),
						  &leaf));
	xa_erase(mem, PHYS_PFN(TEST_IPA + SZ_2M));
	/* "go on", says firmware, and has done nothing */
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rig->tsm.rmm, RMI_RTT_DEV_MAP,
					     RMI_INCOMPLETE, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, ask(rig, 0, SZ_1M, allow_all, &status), -EIO);
	KUNIT_EXPECT_EQ(test, ask(rig, 0, SZ_2M, allow_all, &status), 0);
	KUNIT_EXPECT_EQ(test, status, RSI_SUCCESS);
	unbind(test);
	check_given_back(test, SZ_4M);
	cca_mmio_exit(&rig->mmio);
}

/* A refusal that passes is forgiven; a granule that stays away counts as a leak */
static void leak_test(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->tsm.rmm;
	u64 pa = granule(test), page;

	/* the first leak would hold the module, and this one is none for long */
	atomic_set(&rig->tsm.base.leaks, 1);
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rmm, RMI_GRANULE_RANGE_UNDELEGATE,
					     RMI_ERROR_INPUT, 0,
					     CCA_TRIES - 1), 0);
	cca_granule_drop(&rig->tsm, &pa);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->tsm.base.leaks), 1);
	KUNIT_EXPECT_EQ(test, pa, 0);

	pa = granule(test);
	page = pa;
	KUNIT_EXPECT_EQ(test, cca_rmm_refuse(rmm, RMI_GRANULE_RANGE_UNDELEGATE,
					     RMI_ERROR_INPUT, 0, CCA_TRIES), 0);
	cca_granule_drop(&rig->tsm, &pa);
	KUNIT_EXPECT_EQ(test, atomic_read(&rig->tsm.base.leaks), 2);
	KUNIT_EXPECT_EQ(test, pa, 0);
	KUNIT_EXPECT_EQ(test, cca_rmm_granule(rmm, page), CCA_DELEGATED);
	KUNIT_EXPECT_EQ(test, cca_granule_put(&rig->tsm, &page), 0);
	atomic_set(&rig->tsm.base.leaks, 0);
}

static int rig_init(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	if (!rig)
		return -ENOMEM;
	test->priv = rig;
	rig->ipa = TEST_IPA;
	rig->tsm.rmm = cca_rmm_create();
	if (IS_ERR(rig->tsm.rmm))
		return PTR_ERR(rig->tsm.rmm);
	rig->realm = cca_realm_create(&rig->tsm);
	if (IS_ERR(rig->realm))
		return PTR_ERR(rig->realm);
	link_up(test);
	return 0;
}

/* Whatever a test left: the model goes, so no page is anybody's but ours */
static void rig_exit(struct kunit *test)
{
	struct rig *rig = test->priv;

	if (!rig || IS_ERR_OR_NULL(rig->tsm.rmm))
		return;
	if (!IS_ERR_OR_NULL(rig->realm))
		KUNIT_EXPECT_EQ(test, cca_realm_destroy(rig->realm), 0);
	cca_rmm_destroy(rig->tsm.rmm);
	for (int i = 0; i < ARRAY_SIZE(rig->pdevs); i++)
		tio_page_free(&rig->pdevs[i]);
}

static struct kunit_case cca_tsm_cases[] = {
	KUNIT_CASE_PARAM(bar_test, bar_gen_params),
	KUNIT_CASE(again_test),
	KUNIT_CASE(reject_test),
	KUNIT_CASE(kept_test),
	KUNIT_CASE(leak_test),
	{}
};

static struct kunit_suite cca_tsm_suite = {
	.name = "cca_tsm",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cca_tsm_cases,
};

kunit_test_suite(cca_tsm_suite);

MODULE_DESCRIPTION("KUnit tests for the emulated Arm CCA platform's TSM driver");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
