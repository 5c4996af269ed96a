// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of an unbind on the RMM model: a realm with one vdev, which a rig binds
 * and takes apart through the model's calls alone. Addresses are numbers, nothing is
 * allocated for them.
 */
#include <linux/cca-rmm.h>
#include <linux/err.h>
#include <linux/string.h>

#include "orders.h"

#define STREAM		2
#define PORT_RID	0x0008
#define RID		0x0100
#define VDEV_ID		1
#define NR_PAGES	4
#define SIZE		(NR_PAGES * CCA_GRANULE)
#define IPA		0x80000000ULL
#define PA		0x4070000000ULL
#define FIRST_GRANULE	0x10000000ULL
#define ROUNDS_MAX	8

struct cca_rig {
	struct cca_rmm *rmm;
	u64 next_granule;
	u64 port;
	u64 ep;
	u64 rd;
	u64 rec;
	u64 vdev;
	struct tio_order_device dev;
	bool unmapped[NR_PAGES];
	bool unlocked;
	bool stopped;
	bool destroyed;
	bool mmio_is_back;
	bool vdev_is_back;
};

#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), RMI_SUCCESS)

/* a granule that is delegated; 0 if it could not be */
static u64 next_granule(struct cca_rig *rig)
{
	u64 pa = rig->next_granule;

	rig->next_granule += 2 * CCA_GRANULE;
	return rmi_granule_range_delegate(rig->rmm, pa, pa + CCA_GRANULE,
					  CCA_MEM_RAM) ? 0 : pa;
}

/* COMMUNICATE until it is over, of the vdev or of @pdev if that is not 0 */
static u64 talk(struct cca_rig *rig, u64 pdev)
{
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	u8 rsp[TIO_ORDER_RSP_MAX];
	u64 status;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		status = pdev ?
			 rmi_pdev_communicate(rig->rmm, pdev, &comm) :
			 rmi_vdev_communicate(rig->rmm, rig->rd, rig->ep,
					      rig->vdev, &comm);
		if (status || !(comm.flags & RMI_COMM_SEND))
			return status;
		comm.status = RMI_COMM_RESPONSE;
		comm.rsp_len = tio_order_answer(&rig->dev, comm.req, rsp);
		comm.rsp = rsp;
	}
	return RMI_BUSY;
}

static void build_link(struct kunit *test, struct cca_rig *rig)
{
	const struct rmi_pdev_params port = { .root_port = true, .rid = PORT_RID };
	const struct rmi_pdev_params ep = {
		.rid = RID, .rid_base = RID, .rid_top = RID,
	};
	static const u8 key[CCA_PUBKEY_SIZE];
	u64 stream;

	rig->port = next_granule(rig);
	rig->ep = next_granule(rig);
	OK(rmi_pdev_create(rig->rmm, rig->port, &port));
	OK(rmi_pdev_create(rig->rmm, rig->ep, &ep));
	OK(talk(rig, rig->port));
	OK(talk(rig, rig->ep));
	OK(rmi_pdev_set_pubkey(rig->rmm, rig->ep, key, sizeof(key)));
	OK(talk(rig, rig->ep));
	OK(rmi_pdev_stream_connect(rig->rmm, rig->port, rig->ep, STREAM, &stream));
	OK(talk(rig, rig->port));
	OK(talk(rig, rig->ep));
	OK(rmi_pdev_stream_complete(rig->rmm, rig->port, rig->ep, stream));
}

static void build_realm(struct kunit *test, struct cca_rig *rig)
{
	rig->rd = next_granule(rig);
	rig->rec = next_granule(rig);
	OK(rmi_realm_create(rig->rmm, rig->rd, next_granule(rig), RMI_REALM_DA));
	OK(rmi_rec_create(rig->rmm, rig->rd, rig->rec));
	OK(rmi_realm_activate(rig->rmm, rig->rd));
	OK(rmi_rtt_create(rig->rmm, rig->rd, next_granule(rig), IPA, 2));
	OK(rmi_rtt_create(rig->rmm, rig->rd, next_granule(rig), IPA, 3));
}

static void build_vdev(struct kunit *test, struct cca_rig *rig)
{
	const struct rmi_vdev_params params = {
		.vdev_id = VDEV_ID,
		.tdi_id = RID,
		.nr_ranges = 1,
		.range = { { PA, PA + SIZE } },
	};
	u64 done;

	rig->vdev = next_granule(rig);
	OK(rmi_vdev_create(rig->rmm, rig->rd, rig->ep, rig->vdev, &params));
	OK(talk(rig, 0));
	OK(rmi_vdev_lock(rig->rmm, rig->rd, rig->ep, rig->vdev));
	OK(talk(rig, 0));
	OK(rmi_granule_range_delegate(rig->rmm, PA, PA + SIZE, CCA_MEM_DEV));
	OK(rmi_rtt_dev_map(rig->rmm, rig->rd, rig->vdev, IPA, IPA + SIZE, PA, 3,
			   &done));
	OK(rmi_vdev_start(rig->rmm, rig->rd, rig->ep, rig->vdev));
	OK(talk(rig, 0));
}

/* the host's half of a realm's call, until it is over */
static void go_on(struct kunit *test, struct cca_rig *rig,
		  struct rmi_rec_exit *exit, struct rsi_result *result)
{
	u64 done;

	while (exit->reason != CCA_EXIT_NONE) {
		if (exit->reason == CCA_EXIT_VDEV_REQUEST)
			OK(rmi_vdev_complete(rig->rmm, rig->rec, rig->vdev));
		else
			OK(rmi_rtt_dev_validate(rig->rmm, rig->rd, rig->rec,
						exit->ipa, exit->top, &done));
		OK(rmi_rec_enter(rig->rmm, rig->rec, 0, result, exit));
	}
	OK(result->status);
}

/* the realm accepts the MMIO and enables DMA */
static void accept(struct kunit *test, struct cca_rig *rig)
{
	struct rsi_map map = {
		.vdev_id = VDEV_ID,
		.ipa = IPA,
		.top = IPA + SIZE,
		.pa = PA,
	};
	struct rsi_result result;
	struct rmi_rec_exit exit;

	OK(rsi_vdev_get_info(rig->rmm, rig->rec, VDEV_ID, &exit));
	go_on(test, rig, &exit, &result);
	map.nonces = result.info.nonces;
	OK(rsi_vdev_validate_mapping(rig->rmm, rig->rec, &map, &exit));
	go_on(test, rig, &exit, &result);
	OK(rsi_vdev_dma_enable(rig->rmm, rig->rec, VDEV_ID, &map.nonces, &exit));
	go_on(test, rig, &exit, &result);
}

KUNIT_DEFINE_ACTION_WRAPPER(cca_down, cca_rmm_destroy, struct cca_rmm *);

static void *cca_up(struct kunit *test)
{
	struct cca_rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->next_granule = FIRST_GRANULE;
	rig->rmm = cca_rmm_create();
	KUNIT_ASSERT_FALSE(test, IS_ERR(rig->rmm));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, cca_down, rig->rmm),
			0);
	build_link(test, rig);
	build_realm(test, rig);
	build_vdev(test, rig);
	accept(test, rig);
	return rig;
}

/* @status of @call, which is told to the test if it is a refusal */
static u64 did(u32 *nr, u32 call, u64 status)
{
	if (status)
		*nr = call;
	return status;
}

static u64 unmap(struct cca_rig *rig, u32 *nr)
{
	u64 status, done;

	for (int i = 0; i < NR_PAGES; i++) {
		u64 ipa = IPA + i * CCA_GRANULE;

		if (rig->unmapped[i])
			continue;
		status = did(nr, RMI_RTT_DEV_UNMAP,
			     rmi_rtt_dev_unmap(rig->rmm, rig->rd, ipa,
					       ipa + CCA_GRANULE, &done));
		if (status)
			return status;
		rig->unmapped[i] = true;
	}
	return RMI_SUCCESS;
}

static u64 stop(struct cca_rig *rig, u32 *nr)
{
	u64 status, pa;

	if (rig->stopped)
		return RMI_SUCCESS;
	if (!rig->unlocked) {
		status = did(nr, RMI_VDEV_UNLOCK,
			     rmi_vdev_unlock(rig->rmm, rig->rd, rig->ep,
					     rig->vdev, &pa));
		if (status)
			return status;
		rig->unlocked = true;
	}
	status = did(nr, RMI_VDEV_COMMUNICATE, talk(rig, 0));
	rig->stopped = !status;
	return status;
}

static u64 remove(struct cca_rig *rig, u32 *nr)
{
	u64 status;

	if (rig->destroyed)
		return RMI_SUCCESS;
	status = did(nr, RMI_VDEV_DESTROY,
		     rmi_vdev_destroy(rig->rmm, rig->rd, rig->ep, rig->vdev));
	rig->destroyed = !status;
	return status;
}

static u64 undelegate(struct cca_rig *rig, u64 base, u64 top, bool *is_back,
		      u32 *nr)
{
	u64 status;

	if (*is_back)
		return RMI_SUCCESS;
	status = did(nr, RMI_GRANULE_RANGE_UNDELEGATE,
		     rmi_granule_range_undelegate(rig->rmm, base, top));
	*is_back = !status;
	return status;
}

static u64 give_back(struct cca_rig *rig, u32 *nr)
{
	return undelegate(rig, PA, PA + SIZE, &rig->mmio_is_back, nr) ?:
	       undelegate(rig, rig->vdev, rig->vdev + CCA_GRANULE,
			  &rig->vdev_is_back, nr);
}

/* DMA_OFF is nothing: UNLOCK has shut the stream table entry */
static u64 cca_step(void *priv, enum tio_step step, u32 *nr)
{
	struct cca_rig *rig = priv;

	switch (step) {
	case TIO_STEP_UNMAP:
		return unmap(rig, nr);
	case TIO_STEP_STOP:
		return stop(rig, nr);
	case TIO_STEP_REMOVE:
		return remove(rig, nr);
	case TIO_STEP_GIVE_BACK:
		return give_back(rig, nr);
	default:
		return RMI_SUCCESS;
	}
}

static struct tio_referee *cca_ref(void *priv)
{
	struct cca_rig *rig = priv;

	return cca_rmm_referee(rig->rmm);
}

/* asks the model, not the rig's own notes; the stream table entry is the vdev's */
static bool cca_let_go(void *priv)
{
	struct cca_rig *rig = priv;
	struct cca_dev_leaf leaf;

	if (cca_rmm_vdev_told(rig->rmm, rig->vdev) != -ENOENT ||
	    cca_rmm_next_dev(rig->rmm, rig->rd, 0, U64_MAX, &leaf))
		return false;
	for (int i = 0; i < NR_PAGES; i++)
		if (cca_rmm_granule(rig->rmm, PA + i * CCA_GRANULE) != CCA_NS)
			return false;
	return cca_rmm_granule(rig->rmm, rig->vdev) == CCA_NS;
}

const struct tio_order_rig tio_cca_rig = {
	.who = &cca_rmm_personality,
	.order = cca_unbind_order,
	.up = cca_up,
	.step = cca_step,
	.ref = cca_ref,
	.let_go = cca_let_go,
};
