// SPDX-License-Identifier: GPL-2.0-only
/*
 * Orders: the legal lives, a table of wrong orders with what each is answered, what
 * a forgotten granule costs, what DMA can reach at each point, and random calls.
 */
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/seq_file.h>

#include "cca_rmm_rig.h"

static void tear_down_all(struct kunit *test, int dev, int realm)
{
	rig_del_mem(test, realm);
	rig_del_tables(test, realm, rig_mmio_ipa(dev));
	rig_del_realm(test, realm);
	rig_del_stream(test);
	rig_expect_empty(test);
}

/* unmap, unlock, destroy, give back; then the realm */
static void legal_life(struct kunit *test)
{
	struct rig *rig = test->priv;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	rig_unmap(test, 0, 0);
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->rmm, rig->realm[0].rd,
						       RIG_MMIO_IPA, RIG_MMIO_PA));
	rig_unlock(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig->invalidations, 1);
	rig_destroy_vdev(test, 0, 0);
	tear_down_all(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* the realm is terminated before its device is taken from it */
static void legal_zombie(struct kunit *test)
{
	struct rig *rig = test->priv;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	OK(rmi_realm_terminate(rig->rmm, rig->realm[0].rd));
	rig_unmap(test, 0, 0);
	rig_unlock(test, 0, 0);
	rig_destroy_vdev(test, 0, 0);
	tear_down_all(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* the device does not answer: abort, and the way out is open once it does */
static void legal_escape(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	u64 rd, pa;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	rd = rig->realm[0].rd;
	rig_unmap(test, 0, 0);
	OK(rmi_vdev_unlock(rig->rmm, rd, rig->ep, rig->vdev[0], &pa));
	OK(rmi_vdev_communicate(rig->rmm, rd, rig->ep, rig->vdev[0], &comm));
	OK(rmi_vdev_abort(rig->rmm, rd, rig->ep, rig->vdev[0]));
	rig_unlock(test, 0, 0);
	rig_destroy_vdev(test, 0, 0);
	tear_down_all(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* the same function, bound again, to the same realm and to another */
static void life_again(struct kunit *test)
{
	struct rig *rig = test->priv;

	rig_build_stream(test);
	for (int i = 0; i < 3; i++) {
		rig_run(test, 0, i & 1);
		rig_unmap(test, 0, i & 1);
		rig_unlock(test, 0, i & 1);
		rig_destroy_vdev(test, 0, i & 1);
		rig_del_mem(test, i & 1);
		rig_del_tables(test, i & 1, RIG_MMIO_IPA);
		rig_del_realm(test, i & 1);
	}
	rig_del_stream(test);
	rig_expect_empty(test);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* the wrong orders: how far the TDI is, one call, its one answer */
enum depth {
	AT_PDEVS,		/* PDEVs READY, no stream */
	AT_CREATED,		/* vdev UNLOCKED, MMIO delegated, tables there */
	AT_LOCKED,		/* and a report */
	AT_RUN,			/* everything */
	AT_UNMAPPED,
	AT_UNLOCKING,		/* the answer to STOP is due */
};

struct wrong {
	const char *name;
	enum depth depth;
	u64 (*call)(struct rig *rig);
	u64 want;
	int violations;
	const char *seen;
};

#define RD(rig)		((rig)->realm[0].rd)

static u64 unlock(struct rig *rig)
{
	u64 pa = 0, status;

	status = rmi_vdev_unlock(rig->rmm, RD(rig), rig->ep, rig->vdev[0], &pa);
	/* and says which granule it is */
	if (status == RMI_ERROR_GRANULE && pa != RIG_MMIO_PA)
		return RMI_ERROR_GLOBAL;
	return status;
}

static u64 lock(struct rig *rig)
{
	return rmi_vdev_lock(rig->rmm, RD(rig), rig->ep, rig->vdev[0]);
}

static u64 start(struct rig *rig)
{
	return rmi_vdev_start(rig->rmm, RD(rig), rig->ep, rig->vdev[0]);
}

static u64 report(struct rig *rig)
{
	return rmi_vdev_get_interface_report(rig->rmm, RD(rig), rig->ep,
					     rig->vdev[0]);
}

static u64 measure(struct rig *rig)
{
	return rmi_vdev_get_measurements(rig->rmm, RD(rig), rig->ep,
					 rig->vdev[0]);
}

static u64 destroy(struct rig *rig)
{
	return rmi_vdev_destroy(rig->rmm, RD(rig), rig->ep, rig->vdev[0]);
}

static u64 abort_idle(struct rig *rig)
{
	return rmi_vdev_abort(rig->rmm, RD(rig), rig->ep, rig->vdev[0]);
}

static u64 communicate(struct rig *rig)
{
	struct rmi_comm comm = { .status = RMI_COMM_NONE };

	return rmi_vdev_communicate(rig->rmm, RD(rig), rig->ep, rig->vdev[0],
				    &comm);
}

static u64 second_vdev(struct rig *rig)
{
	struct rmi_vdev_params params;

	rig_params(rig, 0, &params);
	return rmi_vdev_create(rig->rmm, RD(rig), rig->ep, rig->realm[1].root,
			       &params);
}

static u64 undelegate_mmio(struct rig *rig)
{
	return rmi_granule_range_undelegate(rig->rmm, RIG_MMIO_PA,
					    RIG_MMIO_PA + RIG_MMIO_SIZE);
}

static u64 undelegate_vdev(struct rig *rig)
{
	return rmi_granule_range_undelegate(rig->rmm, rig->vdev[0],
					    rig->vdev[0] + CCA_GRANULE);
}

static u64 destroy_realm(struct rig *rig)
{
	return rmi_realm_destroy(rig->rmm, RD(rig));
}

static u64 stop_pdev(struct rig *rig)
{
	return rmi_pdev_stop(rig->rmm, rig->ep);
}

static u64 destroy_pdev(struct rig *rig)
{
	return rmi_pdev_destroy(rig->rmm, rig->ep);
}

static u64 disconnect(struct rig *rig)
{
	return rmi_pdev_stream_disconnect(rig->rmm, rig->port, rig->ep,
					  rig->stream);
}

static u64 create_without_stream(struct rig *rig)
{
	return second_vdev(rig);
}

static u64 set_pubkey(struct rig *rig)
{
	return rmi_pdev_set_pubkey(rig->rmm, rig->ep, rig->chain, 96);
}

static u64 connect_unready(struct rig *rig)
{
	u64 handle;

	return rmi_pdev_stream_connect(rig->rmm, rig->port, rig->vdev[1], 9,
				       &handle);
}

static u64 communicate_pdev(struct rig *rig)
{
	struct rmi_comm comm = { .status = RMI_COMM_NONE };

	return rmi_pdev_communicate(rig->rmm, rig->ep, &comm);
}

static u64 map_at(struct rig *rig, u64 rd, u64 pa)
{
	u64 done;

	return rmi_rtt_dev_map(rig->rmm, rd, rig->vdev[0], RIG_MMIO_IPA,
			       RIG_MMIO_IPA + CCA_GRANULE, pa, 3, &done);
}

static u64 map_other_realm(struct rig *rig)
{
	return map_at(rig, rig->realm[1].rd, RIG_MMIO_PA);
}

static u64 map_outside(struct rig *rig)
{
	return map_at(rig, RD(rig), RIG_MMIO_PA + RIG_MMIO_SIZE);
}

static u64 map_ns(struct rig *rig)
{
	return map_at(rig, RD(rig), RIG_MMIO_PA + 0x200000);
}

static u64 map_twice(struct rig *rig)
{
	return map_at(rig, RD(rig), RIG_MMIO_PA);
}

static u64 validate(struct rig *rig)
{
	u64 done;

	return rmi_rtt_dev_validate(rig->rmm, RD(rig), rig->realm[0].rec,
				    RIG_MMIO_IPA, RIG_MMIO_IPA + CCA_GRANULE,
				    &done);
}

static u64 unmap_again(struct rig *rig)
{
	u64 done;

	return rmi_rtt_dev_unmap(rig->rmm, RD(rig), RIG_MMIO_IPA,
				 RIG_MMIO_IPA + CCA_GRANULE, &done);
}

static u64 complete_nothing(struct rig *rig)
{
	return rmi_vdev_complete(rig->rmm, rig->realm[0].rec, rig->vdev[0]);
}

static u64 enter_nothing(struct rig *rig)
{
	struct rsi_result result;
	struct rmi_rec_exit exit;

	return rmi_rec_enter(rig->rmm, rig->realm[0].rec, 0, &result, &exit);
}

static const struct wrong wrongs[] = {
	{ "unmap late: unlock while mapped",
	  AT_RUN, unlock, RMI_ERROR_GRANULE, 1, "MAPPED" },
	{ "destroy while started and mapped",
	  AT_RUN, destroy, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "destroy while started, unmapped",
	  AT_UNMAPPED, destroy, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "destroy while locked",
	  AT_LOCKED, destroy, RMI_ERROR_DEVICE, 1, "LOCKED" },
	{ "destroy before the answer to unlock",
	  AT_UNLOCKING, destroy, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "undelegate while mapped",
	  AT_RUN, undelegate_mmio, RMI_ERROR_INPUT, 1, "MAPPED" },
	{ "undelegate the vdev",
	  AT_RUN, undelegate_vdev, RMI_ERROR_INPUT, 1, "in use" },
	{ "realm destroyed before terminate",
	  AT_RUN, destroy_realm, RMI_ERROR_REALM, 1, "ACTIVE" },
	{ "pdev stopped with vdevs",
	  AT_RUN, stop_pdev, RMI_ERROR_DEVICE, 1, "has streams" },
	{ "pdev destroyed with vdevs",
	  AT_RUN, destroy_pdev, RMI_ERROR_DEVICE, 1, "READY" },
	{ "stream disconnected with vdevs",
	  AT_RUN, disconnect, RMI_ERROR_DEVICE, 1, "has vdevs" },
	{ "second bind: create",
	  AT_RUN, second_vdev, RMI_ERROR_INPUT, 1, "taken" },
	{ "second bind: lock",
	  AT_RUN, lock, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "lock twice",
	  AT_LOCKED, lock, RMI_ERROR_DEVICE, 1, "LOCKED" },
	{ "start before lock",
	  AT_CREATED, start, RMI_ERROR_DEVICE, 1, "UNLOCKED" },
	{ "start twice",
	  AT_RUN, start, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "report while unlocked",
	  AT_CREATED, report, RMI_ERROR_DEVICE, 1, "UNLOCKED" },
	{ "measurements while unlocked",
	  AT_CREATED, measure, RMI_ERROR_DEVICE, 1, "UNLOCKED" },
	{ "unlock what is not locked",
	  AT_CREATED, unlock, RMI_ERROR_DEVICE, 1, "UNLOCKED" },
	{ "unlock while a message is out",
	  AT_UNLOCKING, unlock, RMI_ERROR_DEVICE, 1, "not idle" },
	{ "report while a message is out",
	  AT_UNLOCKING, report, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "communicate without the answer",
	  AT_UNLOCKING, communicate, RMI_ERROR_INPUT, 1, "active" },
	{ "communicate with nothing pending",
	  AT_RUN, communicate, RMI_ERROR_DEVICE, 1, "idle" },
	{ "abort of nothing",
	  AT_RUN, abort_idle, RMI_ERROR_DEVICE, 1, "STARTED" },
	{ "map for another realm",
	  AT_CREATED, map_other_realm, RMI_ERROR_INPUT, 1, "UNLOCKED" },
	{ "map outside the ranges",
	  AT_CREATED, map_outside, RMI_ERROR_INPUT, 1, "UNLOCKED" },
	{ "map what is not delegated",
	  AT_CREATED, map_ns, RMI_ERROR_INPUT, 1, "NS" },
	{ "map twice",
	  AT_RUN, map_twice, RMI_ERROR_INPUT, 1, "MAPPED" },
	{ "unmap early: nothing mapped",
	  AT_CREATED, unmap_again, RMI_RTT_STATUS(3), 1, "not mapped" },
	{ "unmap twice",
	  AT_UNMAPPED, unmap_again, RMI_RTT_STATUS(3), 1, "not mapped" },
	{ "validate, the realm did not ask",
	  AT_RUN, validate, RMI_ERROR_INPUT, 1, "nothing pending" },
	{ "complete, the realm did not ask",
	  AT_RUN, complete_nothing, RMI_ERROR_INPUT, 1, "nothing pending" },
	{ "enter, nothing to go on with",
	  AT_RUN, enter_nothing, RMI_ERROR_REC, 1, "nothing pending" },
	{ "key early or again",
	  AT_RUN, set_pubkey, RMI_ERROR_DEVICE, 1, "READY" },
	{ "vdev before the stream",
	  AT_PDEVS, create_without_stream, RMI_ERROR_DEVICE, 1, "no stream" },
	{ "stream before ready",
	  AT_PDEVS, connect_unready, RMI_ERROR_INPUT, 1, "NEW" },
	{ "communicate, pdev idle",
	  AT_PDEVS, communicate_pdev, RMI_ERROR_DEVICE, 1, "idle" },
	{ "pdev destroyed before stop",
	  AT_PDEVS, destroy_pdev, RMI_ERROR_DEVICE, 1, "READY" },
};

/* a second endpoint that stays NEW, its address where nothing else is kept */
static void build_new_pdev(struct kunit *test)
{
	struct rig *rig = test->priv;
	const struct rmi_pdev_params params = { .rid = 0x200 };

	rig->vdev[1] = rig_granule(rig);
	OK(rmi_pdev_create(rig->rmm, rig->vdev[1], &params));
}

static void build_locked(struct kunit *test, enum depth depth)
{
	rig_build_realm(test, 0);
	rig_build_vdev(test, 0, 0);
	rig_tables(test, 0, RIG_MMIO_IPA);
	rig_delegate_mmio(test, 0);
	if (depth != AT_LOCKED)
		return;
	rig_lock(test, 0, 0);
	rig_report(test, 0, 0);
}

static void build(struct kunit *test, enum depth depth)
{
	struct rig *rig = test->priv;

	switch (depth) {
	case AT_PDEVS:
		rig_build_pdevs(test);
		rig_build_realm(test, 0);
		build_new_pdev(test);
		return;
	case AT_CREATED:
	case AT_LOCKED:
		rig_build_stream(test);
		build_locked(test, depth);
		return;
	default:
		rig_build_stream(test);
		rig_run(test, 0, 0);
	}
	if (depth == AT_RUN)
		return;
	rig_unmap(test, 0, 0);
	if (depth == AT_UNMAPPED)
		return;
	OK(unlock(rig));
	OK(communicate(rig));
}

static const void *wrong_gen(struct kunit *test, const void *prev, char *desc)
{
	const struct wrong *wrong = prev ? (const struct wrong *)prev + 1 : wrongs;

	if (wrong == wrongs + ARRAY_SIZE(wrongs))
		return NULL;
	strscpy(desc, wrong->name, KUNIT_PARAM_DESC_SIZE);
	return wrong;
}

static void wrong_order(struct kunit *test)
{
	const struct wrong *wrong = test->param_value;
	struct rig *rig = test->priv;

	build(test, wrong->depth);
	rig_build_realm(test, 1);
	KUNIT_ASSERT_EQ(test, tio_violations(&rig->rmm->ref), 0);
	REFUSED(wrong->want, wrong->call(rig));
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), wrong->violations);
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, wrong->seen);
}

/* all checks of UNLOCK would refuse: each speaks up when those before are content */
static void unlock_order(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 other, pa;

	rig_build_stream(test);
	rig_build_realm(test, 1);
	other = rig->realm[1].rd;
	build_locked(test, AT_CREATED);
	rig_map(test, 0, 0);
	OK(lock(rig));
	VIOLATES(RMI_ERROR_INPUT,
		 rmi_vdev_unlock(rig->rmm, 0, rig->ep, rig->vdev[0], &pa));
	VIOLATES(RMI_ERROR_DEVICE,
		 rmi_vdev_unlock(rig->rmm, other, rig->ep, rig->vdev[0], &pa));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "another's");
	VIOLATES(RMI_ERROR_DEVICE, unlock(rig));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "UNLOCKED");
	OK(rig_talk(rig, 0, 0));
	OK(start(rig));
	VIOLATES(RMI_ERROR_DEVICE, unlock(rig));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "not idle");
	OK(rig_talk(rig, 0, 0));
	VIOLATES(RMI_ERROR_GRANULE, unlock(rig));
	rig_unmap(test, 0, 0);
	rig_unlock(test, 0, 0);
}

/* a MAPPED granule in the second range counts as well, and so does one in ERROR */
static void unlock_sees_all(struct kunit *test)
{
	struct rig *rig = test->priv;
	const u64 pa = RIG_MMIO_PA + 0x3ff000, ipa = RIG_MMIO_IPA + 0x3000;
	u64 out, done;

	rig_build_stream(test);
	build_locked(test, AT_LOCKED);
	OK(rmi_granule_range_delegate(rig->rmm, pa, pa + CCA_GRANULE, CCA_MEM_DEV));
	OK(rmi_rtt_dev_map(rig->rmm, RD(rig), rig->vdev[0], ipa, ipa + CCA_GRANULE,
			   pa, 3, &done));
	VIOLATES(RMI_ERROR_GRANULE,
		 rmi_vdev_unlock(rig->rmm, RD(rig), rig->ep, rig->vdev[0], &out));
	KUNIT_EXPECT_EQ(test, out, pa);
	rig->fault = RIG_NOISE;
	OK(start(rig));
	KUNIT_EXPECT_EQ(test, rig_talk(rig, 0, 0), RMI_ERROR_DEVICE);
	rig->fault = RIG_OK;
	VIOLATES(RMI_ERROR_GRANULE,
		 rmi_vdev_unlock(rig->rmm, RD(rig), rig->ep, rig->vdev[0], &out));
	VIOLATES(RMI_ERROR_DEVICE, destroy(rig));
	OK(rmi_rtt_dev_unmap(rig->rmm, RD(rig), ipa, ipa + CCA_GRANULE, &done));
	rig_unlock(test, 0, 0);
}

/*
 * A granule that the host forgot to unmap pins the vdev, the vdev pins its pdev,
 * the stream and the realm; nothing of it is lost, and nothing goes before it.
 */
static void forgotten_granule(struct kunit *test)
{
	struct rig *rig = test->priv;
	const u64 last = RIG_MMIO_IPA + RIG_MMIO_SIZE - CCA_GRANULE;
	u64 done, pa;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	OK(rmi_rtt_dev_unmap(rig->rmm, RD(rig), RIG_MMIO_IPA, last, &done));
	VIOLATES(RMI_ERROR_GRANULE,
		 rmi_vdev_unlock(rig->rmm, RD(rig), rig->ep, rig->vdev[0], &pa));
	KUNIT_EXPECT_EQ(test, pa, RIG_MMIO_PA + RIG_MMIO_SIZE - CCA_GRANULE);
	VIOLATES(RMI_ERROR_DEVICE, destroy(rig));
	rig_del_mem(test, 0);
	OK(rmi_realm_terminate(rig->rmm, RD(rig)));
	OK(rmi_rec_destroy(rig->rmm, rig->realm[0].rec));
	VIOLATES(RMI_ERROR_REALM, destroy_realm(rig));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "stage 2 not empty");
	VIOLATES(RMI_ERROR_DEVICE, disconnect(rig));
	VIOLATES(RMI_ERROR_DEVICE, stop_pdev(rig));
	VIOLATES(RMI_ERROR_DEVICE, destroy_pdev(rig));
	VIOLATES(RMI_ERROR_INPUT, undelegate_mmio(rig));
	VIOLATES(RMI_ERROR_GRANULE,
		 rmi_vdev_unlock(rig->rmm, RD(rig), rig->ep, rig->vdev[0], &pa));
	/* a host that remembers loses nothing */
	OK(rmi_rtt_dev_unmap(rig->rmm, RD(rig), last, last + CCA_GRANULE, &done));
	rig_del_tables(test, 0, RIG_MMIO_IPA);
	VIOLATES(RMI_ERROR_REALM, destroy_realm(rig));
	KUNIT_EXPECT_STREQ(test, rig->rmm->ref.last.state, "has vdevs");
	rig_unlock(test, 0, 0);
	VIOLATES(RMI_ERROR_REALM, destroy_realm(rig));
	rig_destroy_vdev(test, 0, 0);
	OK(destroy_realm(rig));
	rig_del_stream(test);
}

/* what a T=1 request reaches, from nothing to all to nothing */
static void dma_gates(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hpa = 0, pa;

	rig_build_stream(test);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
	build_locked(test, AT_LOCKED);
	rig_add_mem(test, 0);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
	rig_start(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
	rig_dma(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA + 0x18, &hpa), 0);
	KUNIT_EXPECT_EQ(test, hpa, rig->realm[0].data + 0x18);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA + 0xffc, &hpa),
			-EACCES);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA + 0x1000, &hpa),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID + 1, RIG_MEM_IPA, &hpa),
			-EACCES);
	rig_map(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MMIO_IPA, &hpa), -EACCES);
	rig_unmap(test, 0, 0);
	OK(rig_dma_disable(rig, 0, 0));
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
	rig_dma(test, 0, 0);
	OK(rmi_rtt_data_unmap(rig->rmm, RD(rig), RIG_MEM_IPA, &pa));
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -ENOENT);
	/* UNLOCK shuts it out at once, before the device hears of it */
	OK(unlock(rig));
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
	KUNIT_EXPECT_EQ(test, rig->tdi[0].state, TDISP_RUN);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref), 0);
}

/* neither ERROR nor a ZOMBIE realm is reached, and UNLOCK pending opens nothing */
static void dma_shut(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct rsi_vdev_info info;
	u64 hpa = 0;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	OK(rig_info(rig, 0, 0, &info));
	rig_unmap(test, 0, 0);
	OK(unlock(rig));
	KUNIT_EXPECT_EQ(test, rig_dma_enable(rig, 0, 0, &info.nonces),
			RSI_ERROR_DEVICE);
	OK(rig_talk(rig, 0, 0));
	rig_lock(test, 0, 0);
	rig_start(test, 0, 0);
	rig_dma(test, 0, 0);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), 0);
	OK(report(rig));
	OK(rmi_vdev_abort(rig->rmm, RD(rig), rig->ep, rig->vdev[0]));
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
	rig_unlock(test, 0, 0);
	rig_lock(test, 0, 0);
	rig_start(test, 0, 0);
	rig_dma(test, 0, 0);
	OK(rmi_realm_terminate(rig->rmm, RD(rig)));
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), -EACCES);
}

/* two realms: each function reaches its own */
static void two_realms(struct kunit *test)
{
	struct rig *rig = test->priv;
	u64 hpa = 0, rd1;

	rig_build_stream(test);
	rig_run(test, 0, 0);
	rig_run(test, 1, 1);
	rd1 = rig->realm[1].rd;
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID + 1, RIG_MEM_IPA, &hpa), 0);
	KUNIT_EXPECT_EQ(test, hpa, rig->realm[1].data);
	KUNIT_EXPECT_EQ(test, rig_tdma(rig, RIG_RID, RIG_MEM_IPA, &hpa), 0);
	KUNIT_EXPECT_EQ(test, hpa, rig->realm[0].data);
	KUNIT_EXPECT_FALSE(test, cca_rmm_mmio_accepted(rig->rmm, rd1, RIG_MMIO_IPA,
						       RIG_MMIO_PA));
	KUNIT_EXPECT_TRUE(test, cca_rmm_mmio_accepted(rig->rmm, rd1,
						      rig_mmio_ipa(1),
						      rig_mmio_pa(1)));
}

/* random calls on two vdevs of two realms */
struct world {
	struct rnd_state rnd;
	u64 rtt[2];		/* of a realm's table that was destroyed */
	u32 saw_mapped;
	u32 saw_started;
	u32 saw_zombie;
};

static u32 pick(struct world *w, u32 n)
{
	return prandom_u32_state(&w->rnd) % n;
}

static u64 random_mem_call(struct rig *rig, struct world *w)
{
	u64 at = pick(w, 4) * CCA_GRANULE, ipa = RIG_MMIO_IPA + at, out;
	u64 top = ipa + (1 + pick(w, 3)) * CCA_GRANULE;
	u64 pa = RIG_MMIO_PA + pick(w, 5) * CCA_GRANULE;
	u64 rd = rig->realm[pick(w, 2)].rd, vdev = rig->vdev[pick(w, 2)];

	switch (pick(w, 8)) {
	case 0:
		return rmi_granule_range_delegate(rig->rmm, pa, pa + (top - ipa),
						  CCA_MEM_DEV);
	case 1:
		return rmi_granule_range_undelegate(rig->rmm, pa,
						    pa + (top - ipa));
	case 2:
		return rmi_rtt_dev_validate(rig->rmm, rd, rig->realm[0].rec, ipa,
					    top, &out);
	case 3:
	case 4:
		return rmi_rtt_dev_unmap(rig->rmm, rd, ipa, top, &out);
	default:
		return rmi_rtt_dev_map(rig->rmm, rd, vdev, ipa, top, pa,
				       3 - !pick(w, 9), &out);
	}
}

static u64 random_dev_call(struct rig *rig, struct world *w)
{
	struct cca_rmm *rmm = rig->rmm;
	u64 vdev = rig->vdev[pick(w, 2)], ep = rig->ep, out;
	int realm = pick(w, 2);
	u64 rd = rig->realm[realm].rd;

	switch (pick(w, 12)) {
	case 0:
		return rmi_vdev_lock(rmm, rd, ep, vdev);
	case 1:
		return rmi_vdev_start(rmm, rd, ep, vdev);
	case 2:
		return rmi_vdev_get_interface_report(rmm, rd, ep, vdev);
	case 3:
		return rmi_vdev_unlock(rmm, rd, ep, vdev, &out);
	case 4:
		return rmi_vdev_abort(rmm, rd, ep, vdev);
	case 5:
		return pick(w, 8) ? RMI_SUCCESS : rmi_vdev_destroy(rmm, rd, ep, vdev);
	case 6:
		return rmi_pdev_stream_disconnect(rmm, rig->port, ep, rig->stream);
	case 7:
		return rmi_pdev_stop(rmm, ep);
	case 8:
		return rmi_realm_destroy(rmm, rd);
	case 9:
		return pick(w, 900) ? RMI_SUCCESS : rmi_realm_terminate(rmm, rd);
	case 10:
		return rmi_rtt_destroy(rmm, rd, RIG_MMIO_IPA, 3, &w->rtt[realm]);
	default:
		return rmi_vdev_complete(rmm, rig->realm[pick(w, 2)].rec, vdev);
	}
}

/* what the calls above may have taken away for good comes back */
static void replenish(struct rig *rig, struct world *w)
{
	struct rmi_vdev_params params;

	for (int dev = 0; dev < 2; dev++) {
		rig_params(rig, dev, &params);
		if (cca_rmm_vdev_told(rig->rmm, rig->vdev[dev]) < 0)
			rmi_vdev_create(rig->rmm, rig->realm[dev].rd, rig->ep,
					rig->vdev[dev], &params);
		if (w->rtt[dev] && !rmi_rtt_create(rig->rmm, rig->realm[dev].rd,
						   w->rtt[dev], RIG_MMIO_IPA, 3))
			w->rtt[dev] = 0;
	}
}

static void random_talk(struct rig *rig, struct world *w)
{
	int dev = pick(w, 2);
	struct rsi_vdev_info info;

	rig->fault = pick(w, 6) ? RIG_OK : pick(w, RIG_NR_FAULTS);
	rig_talk(rig, dev, dev);
	rig->fault = RIG_OK;
	if (!rig_info(rig, dev, dev, &info))
		rig_dma_enable(rig, dev, dev, &info.nonces);
}

/* what holds whatever anybody calls */
static void check_invariants(struct kunit *test, struct world *w)
{
	struct rig *rig = test->priv;
	struct cca_rmm *rmm = rig->rmm;
	struct rmm_vdev *vdev;
	u32 mapped = 0, vdevs = 0;

	guard(spinlock_irqsave)(&rmm->lock);
	for (struct rb_node *rb = rb_first(&rmm->uses); rb; rb = rb_next(rb)) {
		struct rmm_use *use = rb_entry(rb, struct rmm_use, r.rb);
		enum cca_mem kind = use->type == RMM_USE_DEV ? CCA_MEM_DEV :
							       CCA_MEM_RAM;
		struct rmm_range *run = rmm_range_at(&rmm->runs, use->r.base);

		mapped += kind == CCA_MEM_DEV;
		KUNIT_EXPECT_TRUE(test, run && run->top >= use->r.top &&
				  container_of(run, struct cca_run, r)->kind ==
				  kind);
	}
	list_for_each_entry(vdev, &rmm->vdevs, list) {
		vdevs++;
		w->saw_started += vdev->state == RMI_VDEV_STARTED;
		w->saw_zombie += vdev->realm->state == RMM_REALM_ZOMBIE;
		KUNIT_EXPECT_GT(test, vdev->realm->vdevs, 0);
		/* a stream entry that is open is one of a vdev that was started */
		if (vdev->ste == RMM_STE_ENABLED)
			KUNIT_EXPECT_TRUE(test, vdev->state == RMI_VDEV_STARTED ||
					  vdev->state == RMI_VDEV_ERROR);
	}
	w->saw_mapped += !!mapped;
	KUNIT_EXPECT_EQ(test, mapped, rmm->nr_uses[RMM_USE_DEV]);
	KUNIT_EXPECT_EQ(test, vdevs, rmm->nr_uses[RMM_USE_VDEV]);
}

/* a refused call changes nothing, whatever the state and the operands */
static void random_calls(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u32 seed = get_random_u32(), accepted = 0;
	u64 before, status;

	KUNIT_ASSERT_NOT_NULL(test, w);
	kunit_info(test, "seed %u", seed);
	prandom_seed_state(&w->rnd, seed);
	rig_build_stream(test);
	for (int i = 0; i < 2; i++) {
		rig_build_realm(test, i);
		rig_tables(test, i, RIG_MMIO_IPA);
		rig_build_vdev(test, i, i);
	}
	for (int i = 0; i < 20000; i++) {
		before = rig_digest(rig->rmm);
		status = pick(w, 2) ? random_mem_call(rig, w) :
				      random_dev_call(rig, w);
		if (status && status != RMI_INCOMPLETE)
			KUNIT_ASSERT_EQ_MSG(test, rig_digest(rig->rmm), before,
					    "call %d status %#llx", i, status);
		accepted += !status;
		if (!pick(w, 4))
			random_talk(rig, w);
		if (!pick(w, 16))
			replenish(rig, w);
		check_invariants(test, w);
	}
	kunit_info(test, "%u of 20000 accepted, mapped in %u, STARTED in %u, ZOMBIE in %u",
		   accepted, w->saw_mapped, w->saw_started, w->saw_zombie);
	KUNIT_EXPECT_GT(test, accepted, 1000);
	/* it got somewhere */
	KUNIT_EXPECT_GT(test, w->saw_mapped, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(legal_life),
	KUNIT_CASE(legal_zombie),
	KUNIT_CASE(legal_escape),
	KUNIT_CASE(life_again),
	KUNIT_CASE_PARAM(wrong_order, wrong_gen),
	KUNIT_CASE(unlock_order),
	KUNIT_CASE(unlock_sees_all),
	KUNIT_CASE(forgotten_granule),
	KUNIT_CASE(dma_gates),
	KUNIT_CASE(dma_shut),
	KUNIT_CASE(two_realms),
	KUNIT_CASE_SLOW(random_calls),
	{}
};

static struct kunit_suite suite = {
	.name = "cca_rmm_order",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
