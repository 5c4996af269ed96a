// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each call of the host: what it wants, what it answers otherwise, and in which
 * order it looks. Realms and devices; memory and granules are in
 * cca_rmm_mem_kunit.c, orders of several calls in cca_rmm_order_kunit.c.
 */
#include <crypto/sha2.h>
#include <linux/seq_file.h>

#include "cca_rmm_rig.h"

static void realm_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	u64 rd = rig_granule(rig), root = rig_granule(rig), other = rig_granule(rig);
	u64 rec = rig_granule(rig);

	VIOLATES(RMI_ERROR_INPUT, rmi_realm_create(rmm, rd, root, BIT(1)));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_create(rmm, rig_ns(rig), root, 0));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_create(rmm, rd, rig_ns(rig), 0));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_create(rmm, rd, rd, 0));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_create(rmm, rd + 8, root, 0));
	OK(rmi_realm_create(rmm, rd, root, 0));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_create(rmm, rd, other, 0));
	VIOLATES(RMI_ERROR_INPUT, rmi_rec_create(rmm, other, rec));
	VIOLATES(RMI_ERROR_INPUT, rmi_rec_create(rmm, rd, root));
	OK(rmi_rec_create(rmm, rd, rec));
	VIOLATES(RMI_ERROR_INPUT, rmi_rec_create(rmm, rd, other));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_activate(rmm, rec));
	OK(rmi_realm_activate(rmm, rd));
	VIOLATES(RMI_ERROR_REALM, rmi_realm_activate(rmm, rd));
	VIOLATES(RMI_ERROR_REALM, rmi_rec_create(rmm, rd, other));
	VIOLATES(RMI_ERROR_REALM, rmi_realm_destroy(rmm, rd));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "ACTIVE");

	KUNIT_EXPECT_EQ(test, cca_rmm_rec_set_running(rmm, other, true), -ENOENT);
	KUNIT_EXPECT_EQ(test, cca_rmm_rec_set_running(rmm, rec, true), 0);
	VIOLATES(RMI_ERROR_REALM, rmi_realm_terminate(rmm, rd));
	VIOLATES(RMI_ERROR_REC, rmi_rec_destroy(rmm, rec));
	cca_rmm_rec_set_running(rmm, rec, false);
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_terminate(rmm, other));
	OK(rmi_realm_terminate(rmm, rd));
	VIOLATES(RMI_ERROR_REALM, rmi_realm_destroy(rmm, rd));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "has a REC");
	VIOLATES(RMI_ERROR_INPUT, rmi_rec_destroy(rmm, rd));
	OK(rmi_rec_destroy(rmm, rec));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_destroy(rmm, root));
	OK(rmi_realm_destroy(rmm, rd));
	VIOLATES(RMI_ERROR_INPUT, rmi_realm_destroy(rmm, rd));
}

static void rec_enter_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_result result;
	struct rmi_rec_exit exit;
	u64 rec;

	rig_build_realm(test, 0);
	rec = rig->realm[0].rec;
	VIOLATES(RMI_ERROR_INPUT, rmi_rec_enter(rig->rmm, 8, 0, &result, &exit));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_rec_enter(rig->rmm, rec, BIT(0), &result, &exit));
	VIOLATES(RMI_ERROR_REC, rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	OK(rsi_vdev_get_info(rig->rmm, rec, 1, &exit));
	cca_rmm_rec_set_running(rig->rmm, rec, true);
	VIOLATES(RMI_ERROR_REC, rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
	cca_rmm_rec_set_running(rig->rmm, rec, false);
	OK(rmi_realm_terminate(rig->rmm, rig->realm[0].rd));
	VIOLATES(RMI_ERROR_REALM,
		 rmi_rec_enter(rig->rmm, rec, 0, &result, &exit));
}

static void pdev_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	struct rmi_pdev_params params = {
		.rid = RIG_RID, .rid_base = RIG_RID + 1, .rid_top = RIG_RID,
	};
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	u64 ep = rig_granule(rig), other = rig_granule(rig);
	enum rmi_pdev_state state;

	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_create(rmm, ep, &params));
	params.rid_base = RIG_RID;
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_create(rmm, rig_ns(rig), &params));
	OK(rmi_pdev_create(rmm, ep, &params));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_create(rmm, other, &params));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_communicate(rmm, other, &comm));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_get_state(rmm, other, &state));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_set_pubkey(rmm, other, rig->chain, 96));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_abort(rmm, other));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stop(rmm, other));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_destroy(rmm, other));

	/* pending: an answer to what was not sent */
	comm.status = RMI_COMM_RESPONSE;
	comm.rsp = rig->chain;
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_communicate(rmm, ep, &comm));
	comm.status = RMI_COMM_NONE;
	OK(rmi_pdev_communicate(rmm, ep, &comm));
	KUNIT_EXPECT_EQ(test, comm.flags, RMI_COMM_SEND);
	/* active: no answer, or one without bytes */
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_communicate(rmm, ep, &comm));
	comm.status = RMI_COMM_RESPONSE;
	comm.rsp = NULL;
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_communicate(rmm, ep, &comm));
	comm.status = 7;
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_communicate(rmm, ep, &comm));
	/* not idle, not stopped */
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_stop(rmm, ep));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_destroy(rmm, ep));
	OK(rmi_pdev_abort(rmm, ep));
	OK(rmi_pdev_get_state(rmm, ep, &state));
	KUNIT_EXPECT_EQ(test, state, RMI_PDEV_ERROR);
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_abort(rmm, ep));
	comm.status = RMI_COMM_NONE;
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_communicate(rmm, ep, &comm));
	/* the way out of ERROR */
	OK(rmi_pdev_stop(rmm, ep));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_destroy(rmm, ep));
	OK(rmi_pdev_communicate(rmm, ep, &comm));
	KUNIT_EXPECT_EQ(test, comm.flags, 0);
	OK(rmi_pdev_destroy(rmm, ep));
}

static void pdev_key(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct rmi_pdev_params params = { .rid = RIG_RID };
	u64 ep = rig_granule(rig);
	const u8 *key = rig->chain + RIG_CHAIN_SIZE - CCA_PUBKEY_SIZE;
	u8 digest[CCA_DIGEST_SIZE];

	OK(rmi_pdev_create(rig->rmm, ep, &params));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_set_pubkey(rig->rmm, ep, key, 96));
	/* portions smaller than the key, too */
	rig->chain_portion = 31;
	OK(rig_talk_pdev(rig, ep));
	KUNIT_EXPECT_EQ(test, rig->cache_len[RMI_CACHE_CERTS], RIG_CHAIN_SIZE);
	KUNIT_EXPECT_MEMEQ(test, rig->cache[RMI_CACHE_CERTS], rig->chain,
			   RIG_CHAIN_SIZE);
	sha384(rig->chain, RIG_CHAIN_SIZE, digest);
	scoped_guard(spinlock_irqsave, &rig->rmm->lock)
		KUNIT_EXPECT_MEMEQ(test, digest,
				   rmm_pdev_find(rig->rmm, ep)->certs_digest,
				   CCA_DIGEST_SIZE);
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_set_pubkey(rig->rmm, ep, key, 95));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_set_pubkey(rig->rmm, ep, key - 1, 96));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "other key");
	OK(rmi_pdev_set_pubkey(rig->rmm, ep, key, 96));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_set_pubkey(rig->rmm, ep, key, 96));
	OK(rig_talk_pdev(rig, ep));
	VIOLATES(RMI_ERROR_DEVICE, rig_talk_pdev(rig, ep));
}

/* a device that answers wrong: its own fault, and the PDEV is in ERROR */
static void pdev_bad_device(struct kunit *test)
{
	static const enum rig_fault faults[] = {
		RIG_SILENT, RIG_EMPTY, RIG_NOISE, RIG_WRONG_TYPE,
	};
	struct rig *rig = test->priv;
	struct rmi_pdev_params params = {};
	enum rmi_pdev_state state;

	for (int i = 0; i < ARRAY_SIZE(faults); i++) {
		u64 ep = rig_granule(rig);

		params.rid = RIG_RID + i;
		rig->fault = faults[i];
		OK(rmi_pdev_create(rig->rmm, ep, &params));
		KUNIT_EXPECT_EQ(test, rig_talk_pdev(rig, ep), RMI_ERROR_DEVICE);
		OK(rmi_pdev_get_state(rig->rmm, ep, &state));
		KUNIT_EXPECT_EQ(test, state, RMI_PDEV_ERROR);
	}
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

static void stream_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	u64 handle, port, ep;

	rig_build_pdevs(test);
	port = rig->port;
	ep = rig->ep;
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_connect(rmm, ep, port, 5, &handle));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_connect(rmm, port, 8, 5, &handle));
	OK(rmi_pdev_stream_connect(rmm, port, ep, RIG_STREAM, &handle));
	/* both have yet to communicate */
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_connect(rmm, port, ep, 6, &handle));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_complete(rmm, port, ep, handle));
	OK(rig_talk_pdev(rig, port));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_complete(rmm, port, ep, handle));
	VIOLATES(RMI_ERROR_DEVICE,
		 rmi_pdev_stream_disconnect(rmm, port, ep, handle));
	OK(rig_talk_pdev(rig, ep));
	VIOLATES(RMI_ERROR_DEVICE,
		 rmi_pdev_stream_key_refresh(rmm, port, ep, handle));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_pdev_stream_complete(rmm, port, ep, handle + 1));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_complete(rmm, ep, port, handle));
	KUNIT_EXPECT_EQ(test, rig->keys, -1);
	OK(rmi_pdev_stream_complete(rmm, port, ep, handle));
	KUNIT_EXPECT_EQ(test, rig->keys, 1);
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_complete(rmm, port, ep, handle));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_connect(rmm, port, ep, 6, &handle));
	HARMLESS(RMI_ERROR_NOT_SUPPORTED,
		 rmi_pdev_stream_key_purge(rmm, port, ep, handle));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_pdev_stream_key_refresh(rmm, port, ep, handle + 1));
	OK(rmi_pdev_stream_key_refresh(rmm, port, ep, handle));
	VIOLATES(RMI_ERROR_DEVICE,
		 rmi_pdev_stream_key_refresh(rmm, port, ep, handle));
	OK(rig_talk_pdev(rig, port));
	OK(rig_talk_pdev(rig, ep));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_stop(rmm, ep));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_stop(rmm, port));
	VIOLATES(RMI_ERROR_INPUT, rmi_pdev_stream_disconnect(rmm, port, ep, 99));
	OK(rmi_pdev_stream_disconnect(rmm, port, ep, handle));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	VIOLATES(RMI_ERROR_DEVICE,
		 rmi_pdev_stream_disconnect(rmm, port, ep, handle));
	VIOLATES(RMI_ERROR_DEVICE, rmi_pdev_stop(rmm, ep));
	OK(rmi_pdev_stream_complete(rmm, port, ep, handle));
	rig_del_pdevs(test);
	rig_expect_empty(test);
}

/* one side failed: the stream can still be taken down, from ERROR */
static void stream_after_error(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 handle;

	rig_build_pdevs(test);
	OK(rmi_pdev_stream_connect(rig->rmm, rig->port, rig->ep, 5, &handle));
	OK(rig_talk_pdev(rig, rig->port));
	OK(rmi_pdev_abort(rig->rmm, rig->ep));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_pdev_stream_complete(rig->rmm, rig->port, rig->ep, handle));
	OK(rmi_pdev_stream_disconnect(rig->rmm, rig->port, rig->ep, handle));
	OK(rmi_pdev_stream_complete(rig->rmm, rig->port, rig->ep, handle));
	rig_del_pdevs(test);
	rig_expect_empty(test);
}

static void vdev_create_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	struct rmi_vdev_params params;
	u64 rd, vdev, plain, root;

	rig_build_realm(test, 0);
	rd = rig->realm[0].rd;
	rig_build_pdevs(test);
	rig_params(rig, 0, &params);
	vdev = rig_granule(rig);
	plain = rig_granule(rig);
	root = rig_granule(rig);
	OK(rmi_realm_create(rmm, plain, root, 0));
	params.nr_ranges = CCA_MAX_RANGES + 1;
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	params.nr_ranges = 2;
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_create(rmm, vdev, rig->ep, vdev, &params));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_create(rmm, rd, vdev, vdev, &params));
	/* the realm first, then the device, then the ranges */
	params.range[1] = params.range[0];
	VIOLATES(RMI_ERROR_REALM,
		 rmi_vdev_create(rmm, plain, rig->ep, vdev, &params));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "no stream");
	OK(rmi_pdev_stream_connect(rmm, rig->port, rig->ep, 5, &rig->stream));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	OK(rig_talk_pdev(rig, rig->port));
	OK(rig_talk_pdev(rig, rig->ep));
	OK(rmi_pdev_stream_complete(rmm, rig->port, rig->ep, rig->stream));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	params.range[1].base += 8;
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	rig_params(rig, 0, &params);
	params.tdi_id = RIG_RID + 8;
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	rig_params(rig, 0, &params);
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_vdev_create(rmm, rd, rig->ep, rig_ns(rig), &params));
	OK(rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
	OK(rmi_vdev_destroy(rmm, rd, rig->ep, vdev));
	OK(rmi_realm_terminate(rmm, rd));
	VIOLATES(RMI_ERROR_REALM, rmi_vdev_create(rmm, rd, rig->ep, vdev, &params));
}

/* what belongs to one vdev belongs to no other */
static void vdev_twice(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rmi_vdev_params params;
	u64 vdev, rd;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rd = rig->realm[0].rd;
	rig_build_vdev(test, 0, 0);
	vdev = rig_granule(rig);
	rig_params(rig, 1, &params);
	params.tdi_id = RIG_RID;
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_vdev_create(rig->rmm, rd, rig->ep, vdev, &params));
	rig_params(rig, 1, &params);
	params.vdev_id = 0x77;
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_vdev_create(rig->rmm, rd, rig->ep, vdev, &params));
	rig_params(rig, 1, &params);
	params.range[1].base = RIG_MMIO_PA;
	params.range[1].top = RIG_MMIO_PA + CCA_GRANULE;
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_vdev_create(rig->rmm, rd, rig->ep, vdev, &params));
	rig_params(rig, 1, &params);
	OK(rmi_vdev_create(rig->rmm, rd, rig->ep, vdev, &params));
}

/* a pdev has so many slots */
static void vdev_slots(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rmi_vdev_params params = { .tdi_id = RIG_RID };
	struct rmm_pdev *pdev;
	u64 vdev;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	vdev = rig_granule(rig);
	scoped_guard(spinlock_irqsave, &rig->rmm->lock) {
		pdev = rmm_pdev_find(rig->rmm, rig->ep);
		pdev->vdevs = CCA_MAX_VDEVS;
	}
	VIOLATES(RMI_ERROR_DEVICE,
		 rmi_vdev_create(rig->rmm, rig->realm[0].rd, rig->ep, vdev,
				 &params));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "full");
	scoped_guard(spinlock_irqsave, &rig->rmm->lock)
		pdev->vdevs = 0;
}

/* names: unknown is INPUT, another's is DEVICE, whatever the call */
static void vdev_names(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	struct cca_rmm *rmm = rig->rmm;
	enum rmi_vdev_state state;
	u64 rd, vdev, ep, pa;

	rig_build_stream(test);
	rig_build_realm(test, 0);
	rig_build_realm(test, 1);
	rig_build_vdev(test, 0, 0);
	rd = rig->realm[1].rd;
	vdev = rig->vdev[0];
	ep = rig->ep;
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_communicate(rmm, rd, ep, vdev, &comm));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_get_state(rmm, rd, ep, vdev, &state));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_lock(rmm, rd, ep, vdev));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_unlock(rmm, rd, ep, vdev, &pa));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_abort(rmm, rd, ep, vdev));
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_destroy(rmm, rd, ep, vdev));
	KUNIT_EXPECT_STREQ(test, rmm->ref.last.state, "another's");
	rd = rig->realm[0].rd;
	VIOLATES(RMI_ERROR_DEVICE, rmi_vdev_lock(rmm, rd, rig->port, vdev));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_lock(rmm, 0, ep, vdev));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_lock(rmm, rd, 0, vdev));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_lock(rmm, rd, ep, 0));
	VIOLATES(RMI_ERROR_INPUT, rmi_vdev_destroy(rmm, rd, ep, ep));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(realm_calls),
	KUNIT_CASE(rec_enter_calls),
	KUNIT_CASE(pdev_calls),
	KUNIT_CASE(pdev_key),
	KUNIT_CASE(pdev_bad_device),
	KUNIT_CASE(stream_calls),
	KUNIT_CASE(stream_after_error),
	KUNIT_CASE(vdev_create_calls),
	KUNIT_CASE(vdev_twice),
	KUNIT_CASE(vdev_slots),
	KUNIT_CASE(vdev_names),
	{}
};

static struct kunit_suite suite = {
	.name = "cca_rmm",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
