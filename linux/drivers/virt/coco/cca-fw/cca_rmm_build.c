// SPDX-License-Identifier: GPL-2.0-only
/* The rig of the KUnit tests: from nothing to a TDI in RUN, and back. */
#include <linux/module.h>
#include <linux/seq_file.h>

#include "cca_rmm_rig.h"

void rig_build_pdevs(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct rmi_pdev_params port = {
		.root_port = true,
		.rid = RIG_PORT_RID,
	};
	const struct rmi_pdev_params ep = {
		.rid = RIG_RID,
		.rid_base = RIG_RID,
		.rid_top = RIG_RID + 7,
	};
	enum rmi_pdev_state state;

	rig->port = rig_granule(rig);
	rig->ep = rig_granule(rig);
	OK(rmi_pdev_create(rig->rmm, rig->port, &port));
	OK(rmi_pdev_create(rig->rmm, rig->ep, &ep));
	OK(rig_talk_pdev(rig, rig->port));
	OK(rig_talk_pdev(rig, rig->ep));
	KUNIT_ASSERT_EQ(test, rig->cache_len[RMI_CACHE_CERTS], RIG_CHAIN_SIZE);
	OK(rmi_pdev_set_pubkey(rig->rmm, rig->ep,
			       rig->cache[RMI_CACHE_CERTS] + RIG_CHAIN_SIZE -
			       CCA_PUBKEY_SIZE, CCA_PUBKEY_SIZE));
	OK(rig_talk_pdev(rig, rig->ep));
	OK(rmi_pdev_get_state(rig->rmm, rig->ep, &state));
	KUNIT_ASSERT_EQ(test, state, RMI_PDEV_READY);
}

void rig_build_stream(struct kunit *test)
{
	struct rig *rig = test->priv;

	rig_build_pdevs(test);
	OK(rmi_pdev_stream_connect(rig->rmm, rig->port, rig->ep, RIG_STREAM,
				   &rig->stream));
	OK(rig_talk_pdev(rig, rig->port));
	OK(rig_talk_pdev(rig, rig->ep));
	OK(rmi_pdev_stream_complete(rig->rmm, rig->port, rig->ep, rig->stream));
	KUNIT_ASSERT_EQ(test, rig->keys, 1);
}

void rig_build_realm(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	struct rig_realm *realm = &rig->realm[n];

	*realm = (struct rig_realm) {
		.rd = rig_granule(rig),
		.root = rig_granule(rig),
		.rec = rig_granule(rig),
	};
	OK(rmi_realm_create(rig->rmm, realm->rd, realm->root, RMI_REALM_DA));
	OK(rmi_rec_create(rig->rmm, realm->rd, realm->rec));
	OK(rmi_realm_activate(rig->rmm, realm->rd));
}

void rig_params(struct rig *rig, int dev, struct rmi_vdev_params *params)
{
	*params = (struct rmi_vdev_params) {
		.vdev_id = 0x77 + dev,
		.tdi_id = rig->tdi[dev].rid,
		.nr_ranges = 2,
		.range = {
			{ rig_mmio_pa(dev), rig_mmio_pa(dev) + RIG_MMIO_SIZE },
			{ rig_mmio_pa(dev) + 0x200000,
			  rig_mmio_pa(dev) + 0x400000 },
		},
	};
}

void rig_build_vdev(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;
	struct rmi_vdev_params params;

	rig_params(rig, dev, &params);
	rig->vdev[dev] = rig_granule(rig);
	OK(rmi_vdev_create(rig->rmm, rig->realm[realm].rd, rig->ep,
			   rig->vdev[dev], &params));
	OK(rig_talk(rig, realm, dev));
}

static void expect_state(struct kunit *test, int dev, int realm,
			 enum rmi_vdev_state want)
{
	struct rig *rig = test->priv;
	enum rmi_vdev_state state;

	OK(rmi_vdev_get_state(rig->rmm, rig->realm[realm].rd, rig->ep,
			      rig->vdev[dev], &state));
	KUNIT_ASSERT_EQ(test, state, want);
}

void rig_lock(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;

	OK(rmi_vdev_lock(rig->rmm, rig->realm[realm].rd, rig->ep,
			 rig->vdev[dev]));
	OK(rig_talk(rig, realm, dev));
	expect_state(test, dev, realm, RMI_VDEV_LOCKED);
	KUNIT_ASSERT_EQ(test, cca_rmm_vdev_told(rig->rmm, rig->vdev[dev]),
			TDISP_CONFIG_LOCKED);
}

void rig_report(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;

	OK(rmi_vdev_get_interface_report(rig->rmm, rig->realm[realm].rd, rig->ep,
					 rig->vdev[dev]));
	OK(rig_talk(rig, realm, dev));
	KUNIT_EXPECT_EQ(test, rig->cache_len[RMI_CACHE_REPORT], rig->report_len);
	KUNIT_EXPECT_MEMEQ(test, rig->cache[RMI_CACHE_REPORT], rig->report,
			   rig->report_len);
}

/* the tables for 4 KiB leaves at @ipa, as a host learns that it needs them */
void rig_tables(struct kunit *test, int realm, u64 ipa)
{
	struct rig *rig = test->priv;
	u64 rd = rig->realm[realm].rd;

	OK(rmi_rtt_create(rig->rmm, rd, rig_granule(rig),
			  round_down(ipa, rmm_span(1)), 2));
	OK(rmi_rtt_create(rig->rmm, rd, rig_granule(rig),
			  round_down(ipa, rmm_span(2)), 3));
}

void rig_delegate_mmio(struct kunit *test, int dev)
{
	struct rig *rig = test->priv;

	OK(rmi_granule_range_delegate(rig->rmm, rig_mmio_pa(dev),
				      rig_mmio_pa(dev) + RIG_MMIO_SIZE,
				      CCA_MEM_DEV));
}

/* mapped, not visible */
void rig_map(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;
	u64 ipa = rig_mmio_ipa(dev), done;

	OK(rmi_rtt_dev_map(rig->rmm, rig->realm[realm].rd, rig->vdev[dev], ipa,
			   ipa + RIG_MMIO_SIZE, rig_mmio_pa(dev), 3, &done));
	KUNIT_ASSERT_EQ(test, done, ipa + RIG_MMIO_SIZE);
}

/* enter until the call is over; the host names the vdev when it is asked to */
static u64 go_on(struct rig *rig, int realm, int dev, struct rsi_result *result,
		 struct rmi_rec_exit *exit)
{
	u64 rec = rig->realm[realm].rec, status;

	while (exit->reason == CCA_EXIT_VDEV_REQUEST) {
		status = rmi_vdev_complete(rig->rmm, rec, rig->vdev[dev]);
		if (status)
			return status;
		status = rmi_rec_enter(rig->rmm, rec, 0, result, exit);
		if (status)
			return status;
	}
	return exit->reason == CCA_EXIT_NONE ? result->status : RSI_SUCCESS;
}

u64 rig_info(struct rig *rig, int realm, int dev, struct rsi_vdev_info *info)
{
	struct rsi_result result = {};
	struct rmi_rec_exit exit;
	u64 status;

	status = rsi_vdev_get_info(rig->rmm, rig->realm[realm].rec, 0x77 + dev,
				   &exit);
	if (!status)
		status = go_on(rig, realm, dev, &result, &exit);
	*info = result.info;
	return status;
}

u64 rig_ask_map(struct rig *rig, int realm, int dev, u64 pa,
		struct rmi_rec_exit *exit)
{
	struct rsi_vdev_info info;
	struct rsi_map map = {
		.vdev_id = 0x77 + dev,
		.ipa = rig_mmio_ipa(dev),
		.top = rig_mmio_ipa(dev) + RIG_MMIO_SIZE,
		.pa = pa,
	};
	struct rsi_result result;
	u64 status;

	status = rig_info(rig, realm, dev, &info);
	if (status)
		return status;
	map.nonces = info.nonces;
	status = rsi_vdev_validate_mapping(rig->rmm, rig->realm[realm].rec, &map,
					   exit);
	return status ?: go_on(rig, realm, dev, &result, exit);
}

u64 rig_dma_enable(struct rig *rig, int realm, int dev,
		   const struct rsi_vdev_nonces *nonces)
{
	struct rmi_rec_exit exit;
	struct rsi_result result;
	u64 status;

	status = rsi_vdev_dma_enable(rig->rmm, rig->realm[realm].rec, 0x77 + dev,
				     nonces, &exit);
	return status ?: go_on(rig, realm, dev, &result, &exit);
}

u64 rig_dma_disable(struct rig *rig, int realm, int dev)
{
	struct rmi_rec_exit exit;
	struct rsi_result result;
	u64 status;

	status = rsi_vdev_dma_disable(rig->rmm, rig->realm[realm].rec,
				      0x77 + dev, &exit);
	return status ?: go_on(rig, realm, dev, &result, &exit);
}

/* the realm asks for what is mapped, and gets it */
void rig_accept(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;
	u64 rd = rig->realm[realm].rd, rec = rig->realm[realm].rec, done;
	struct rsi_result result;
	struct rmi_rec_exit exit;

	OK(rig_ask_map(rig, realm, dev, rig_mmio_pa(dev), &exit));
	KUNIT_ASSERT_EQ(test, exit.reason, CCA_EXIT_VDEV_MAP);
	KUNIT_EXPECT_EQ(test, exit.pa, rig_mmio_pa(dev));
	OK(rmi_rtt_dev_validate(rig->rmm, rd, rec, exit.ipa, exit.top, &done));
	KUNIT_EXPECT_EQ(test, done, exit.top);
	OK(rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	OK(result.status);
	KUNIT_EXPECT_EQ(test, result.top, rig_mmio_ipa(dev) + RIG_MMIO_SIZE);
	KUNIT_EXPECT_TRUE(test, cca_rmm_mmio_accepted(rig->rmm, rd,
						      rig_mmio_ipa(dev),
						      rig_mmio_pa(dev)));
}

void rig_start(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;

	OK(rmi_vdev_start(rig->rmm, rig->realm[realm].rd, rig->ep,
			  rig->vdev[dev]));
	OK(rig_talk(rig, realm, dev));
	expect_state(test, dev, realm, RMI_VDEV_STARTED);
	KUNIT_ASSERT_EQ(test, rig->tdi[dev].state, TDISP_RUN);
}

void rig_dma(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;
	struct rsi_vdev_info info;

	OK(rig_info(rig, realm, dev, &info));
	OK(rig_dma_enable(rig, realm, dev, &info.nonces));
}

void rig_add_mem(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	struct cca_leaf *leaf = cca_leaf_alloc(GFP_KERNEL);

	rig_tables(test, n, RIG_MEM_IPA);
	rig->realm[n].data = rig_granule(rig);
	OK(rmi_rtt_data_map(rig->rmm, rig->realm[n].rd, RIG_MEM_IPA,
			    rig->realm[n].data, &leaf));
	KUNIT_ASSERT_NULL(test, leaf);
}

void rig_run(struct kunit *test, int dev, int realm)
{
	rig_build_realm(test, realm);
	rig_build_vdev(test, dev, realm);
	rig_lock(test, dev, realm);
	rig_report(test, dev, realm);
	rig_add_mem(test, realm);
	rig_tables(test, realm, rig_mmio_ipa(dev));
	rig_delegate_mmio(test, dev);
	rig_map(test, dev, realm);
	rig_accept(test, dev, realm);
	rig_start(test, dev, realm);
	rig_dma(test, dev, realm);
}

void rig_unmap(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;
	u64 ipa = rig_mmio_ipa(dev), done;

	OK(rmi_rtt_dev_unmap(rig->rmm, rig->realm[realm].rd, ipa,
			     ipa + RIG_MMIO_SIZE, &done));
	KUNIT_EXPECT_EQ(test, done, ipa + RIG_MMIO_SIZE);
}

void rig_unlock(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;
	u64 pa;

	OK(rmi_vdev_unlock(rig->rmm, rig->realm[realm].rd, rig->ep,
			   rig->vdev[dev], &pa));
	OK(rig_talk(rig, realm, dev));
	expect_state(test, dev, realm, RMI_VDEV_UNLOCKED);
	KUNIT_EXPECT_EQ(test, rig->tdi[dev].state, TDISP_CONFIG_UNLOCKED);
}

static void give_back(struct kunit *test, u64 *pa)
{
	struct rig *rig = test->priv;

	OK(rmi_granule_range_undelegate(rig->rmm, *pa, *pa + CCA_GRANULE));
	*pa = 0;
}

/* and the granules of its MMIO, which may be as late as this */
void rig_destroy_vdev(struct kunit *test, int dev, int realm)
{
	struct rig *rig = test->priv;

	OK(rmi_vdev_destroy(rig->rmm, rig->realm[realm].rd, rig->ep,
			    rig->vdev[dev]));
	give_back(test, &rig->vdev[dev]);
	OK(rmi_granule_range_undelegate(rig->rmm, rig_mmio_pa(dev),
					rig_mmio_pa(dev) + RIG_MMIO_SIZE));
}

void rig_del_tables(struct kunit *test, int realm, u64 ipa)
{
	struct rig *rig = test->priv;
	u64 rd = rig->realm[realm].rd, pa;

	OK(rmi_rtt_destroy(rig->rmm, rd, round_down(ipa, rmm_span(2)), 3, &pa));
	give_back(test, &pa);
	OK(rmi_rtt_fold(rig->rmm, rd, round_down(ipa, rmm_span(1)), 2, &pa));
	give_back(test, &pa);
}

void rig_del_mem(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	u64 pa;

	OK(rmi_rtt_data_unmap(rig->rmm, rig->realm[n].rd, RIG_MEM_IPA, &pa));
	KUNIT_EXPECT_EQ(test, pa, rig->realm[n].data);
	give_back(test, &rig->realm[n].data);
	rig_del_tables(test, n, RIG_MEM_IPA);
}

void rig_del_realm(struct kunit *test, int n)
{
	struct rig *rig = test->priv;
	struct rig_realm *realm = &rig->realm[n];

	OK(rmi_realm_terminate(rig->rmm, realm->rd));
	OK(rmi_rec_destroy(rig->rmm, realm->rec));
	OK(rmi_realm_destroy(rig->rmm, realm->rd));
	give_back(test, &realm->rec);
	give_back(test, &realm->root);
	give_back(test, &realm->rd);
}

void rig_del_stream(struct kunit *test)
{
	struct rig *rig = test->priv;

	OK(rmi_pdev_stream_disconnect(rig->rmm, rig->port, rig->ep,
				      rig->stream));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	OK(rmi_pdev_stream_complete(rig->rmm, rig->port, rig->ep, rig->stream));
	rig_del_pdevs(test);
}

static void del_pdev(struct kunit *test, u64 *pdev)
{
	struct rig *rig = test->priv;

	OK(rmi_pdev_stop(rig->rmm, *pdev));
	OK(rig_talk_pdev(rig, *pdev));
	OK(rmi_pdev_destroy(rig->rmm, *pdev));
	give_back(test, pdev);
}

void rig_del_pdevs(struct kunit *test)
{
	struct rig *rig = test->priv;

	del_pdev(test, &rig->ep);
	del_pdev(test, &rig->port);
}

static void note_hpa(void *ctx, phys_addr_t hpa)
{
	u64 *out = ctx;

	*out = hpa;
}

int rig_tdma(struct rig *rig, u16 rid, u64 gpa, u64 *hpa)
{
	return cca_teemu_ops.tdma(rig->rmm, rid, gpa, 8, true, note_hpa, hpa);
}

/* each line of the tables ends with " 0" */
void rig_expect_empty(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct seq_file m = { .size = PAGE_SIZE };
	int lines = 0;
	char *line, *rest;

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	cca_teemu_ops.tables(rig->rmm, &m);
	rest = m.buf;
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *value = strrchr(line, ' ');

		KUNIT_ASSERT_NOT_NULL(test, value);
		KUNIT_EXPECT_STREQ_MSG(test, value, " 0", "%s", line);
		lines++;
	}
	KUNIT_EXPECT_EQ(test, lines, 11);
}
