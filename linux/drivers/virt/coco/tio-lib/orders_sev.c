// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of an unbind on the SEV-TIO model: a guest with one TDI, which a rig binds
 * and takes apart through the model's calls alone. Addresses are numbers, nothing is
 * allocated for them.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/sev-fw.h>
#include <linux/string.h>

#include "orders.h"

#define DEV		0x00100000ULL
#define TDI		0x00101000ULL
#define GCTX		0x00102000ULL
#define ASID		3
#define STREAM		2
#define RID		0x0100
#define GUEST_RID	0x0008
#define NR_PAGES	4
#define GPA		0x80000000ULL
#define HPA		0x70000000ULL
#define OFFSET		0xffffd00000000000ULL
#define MAX_TURNS	8

static_assert(TIO_ORDER_RSP_MAX >= SEV_SPDM_RSP_MIN);

struct sev_rig {
	struct sev_fw *fw;
	struct tio_order_device dev;
	u8 rsp[TIO_ORDER_RSP_MAX];
};

#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), SEV_SUCCESS)

/* what the device says to spdm->req, for the next turn */
static void answer(struct sev_rig *rig, struct sev_spdm *spdm)
{
	spdm->rsp_len = tio_order_answer(&rig->dev, spdm->req, rig->rsp);
	spdm->rsp = rig->rsp;
	spdm->answered = true;
}

/* a command's loop, up to what it answers in the end */
static u64 loop(struct sev_rig *rig,
		u64 (*issue)(struct sev_rig *rig, struct sev_spdm *spdm))
{
	struct sev_spdm spdm = { .rsp_room = TIO_ORDER_RSP_MAX };
	u64 status = SEV_SPDM_REQUEST;

	for (int i = 0; i < MAX_TURNS && status == SEV_SPDM_REQUEST; i++) {
		status = issue(rig, &spdm);
		if (status == SEV_SPDM_REQUEST)
			answer(rig, &spdm);
	}
	return status;
}

static u64 connect(struct sev_rig *rig, struct sev_spdm *spdm)
{
	const struct sev_tio_connect how = {
		.tc_mask = 1,
		.ide_stream_id = { STREAM },
	};

	return sev_tio_dev_connect(rig->fw, DEV, spdm, &how);
}

static u64 bind(struct sev_rig *rig, struct sev_spdm *spdm, bool run)
{
	const struct sev_tio_bind how = {
		.gctx = GCTX,
		.guest_device_id = GUEST_RID,
		.reporting_offset = OFFSET,
		.run = run,
	};

	return sev_tio_tdi_bind(rig->fw, DEV, TDI, spdm, &how);
}

static u64 lock(struct sev_rig *rig, struct sev_spdm *spdm)
{
	return bind(rig, spdm, false);
}

static u64 run(struct sev_rig *rig, struct sev_spdm *spdm)
{
	return bind(rig, spdm, true);
}

static u64 report(struct sev_rig *rig, struct sev_spdm *spdm)
{
	u8 bytes[128];
	struct sev_out out = { .buf = bytes, .size = sizeof(bytes) };

	return sev_tio_tdi_report(rig->fw, DEV, TDI, spdm, &out);
}

static u64 unbind(struct sev_rig *rig, struct sev_spdm *spdm)
{
	return sev_tio_tdi_unbind(rig->fw, DEV, TDI, GCTX, spdm, 0);
}

/* @status of @call, which is told to the test if it is a refusal */
static u64 did(u32 *nr, u32 call, u64 status)
{
	if (status)
		*nr = call;
	return status;
}

static void build_guest(struct kunit *test, struct sev_rig *rig)
{
	OK(sev_snp_gctx_create(rig->fw, GCTX));
	OK(sev_snp_activate(rig->fw, GCTX, ASID));
	OK(sev_snp_launch_finish(rig->fw, GCTX));
}

static void build_tdi(struct kunit *test, struct sev_rig *rig)
{
	const struct sev_tio_dev_id id = { .device_id = RID };

	OK(sev_tio_init(rig->fw));
	OK(sev_tio_dev_create(rig->fw, DEV, &id));
	OK(loop(rig, connect));
	OK(sev_tio_tdi_create(rig->fw, DEV, TDI, RID));
	OK(loop(rig, lock));
	OK(loop(rig, report));
	OK(sev_tio_asid_fence_clear(rig->fw, DEV, GCTX));
}

static u64 rmpupdate(struct sev_rig *rig, u32 page, bool assigned)
{
	const struct sev_rmp_state state = {
		.gpa = assigned ? GPA + page * PAGE_SIZE : 0,
		.asid = assigned ? ASID : 0,
		.assigned = assigned,
		.immutable = assigned,
	};

	return sev_rmpupdate(rig->fw, HPA + page * PAGE_SIZE, &state);
}

static u64 message(struct sev_rig *rig, const struct sev_guest_msg *msg)
{
	union sev_guest_rsp rsp;

	return sev_tio_guest_request(rig->fw, DEV, TDI, GCTX, msg, &rsp) ?:
	       rsp.rsp.status;
}

static void build_accept(struct kunit *test, struct sev_rig *rig)
{
	const struct sev_guest_msg sdte = {
		.type = SEV_TDI_MSG_SDTE_WRITE,
		.guest_device_id = GUEST_RID,
		.other.valid = 1,
	};
	const struct sev_guest_msg validate = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.guest_device_id = GUEST_RID,
		.mmio = { .gpa = GPA, .pages = NR_PAGES, .validate = 1 },
	};

	for (u32 page = 0; page < NR_PAGES; page++)
		OK(rmpupdate(rig, page, true));
	OK(loop(rig, run));
	OK(message(rig, &sdte));
	OK(message(rig, &validate));
}

static void power_off(void *fw)
{
	sev_fw_destroy(fw);
}

static void *sev_up(struct kunit *test)
{
	struct sev_rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->fw = sev_fw_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->fw);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, power_off, rig->fw),
			0);
	rig->dev.first_page = (HPA + OFFSET) >> PAGE_SHIFT;
	rig->dev.pages = NR_PAGES;
	build_guest(test, rig);
	build_tdi(test, rig);
	build_accept(test, rig);
	return rig;
}

/* the TDI is in firmware's hands, bound or not */
static bool is_created(struct sev_rig *rig)
{
	return sev_fw_tdisp_state(rig->fw, TDI) >= 0;
}

/* bound: a TDI is in CONFIG_UNLOCKED before LOCK and after STOP only */
static bool is_bound(struct sev_rig *rig)
{
	return sev_fw_tdisp_state(rig->fw, TDI) > TDISP_CONFIG_UNLOCKED;
}

static u64 stop(struct sev_rig *rig, u32 *nr)
{
	return is_bound(rig) ? did(nr, SEV_CALL_TIO_TDI_UNBIND,
				   loop(rig, unbind)) : 0;
}

static u64 remove(struct sev_rig *rig, u32 *nr)
{
	return is_created(rig) ? did(nr, SEV_CALL_TIO_TDI_RECLAIM,
				     sev_tio_tdi_reclaim(rig->fw, DEV, TDI)) : 0;
}

static u64 dma_off(struct sev_rig *rig, u32 *nr)
{
	struct sev_asid_fence fence;
	u64 status;

	status = did(nr, SEV_CALL_TIO_ASID_FENCE_STATUS,
		     sev_tio_asid_fence_status(rig->fw, DEV, ASID, &fence));
	if (status || !(fence.dma | fence.mmio))
		return status;
	return did(nr, SEV_CALL_TIO_ASID_FENCE_CLEAR,
		   sev_tio_asid_fence_clear(rig->fw, DEV, GCTX));
}

/* pages that are shared already are left alone */
static u64 share(struct sev_rig *rig, u32 *nr)
{
	u64 status = 0;

	for (u32 page = 0; page < NR_PAGES && !status; page++)
		if (sev_fw_is_assigned(rig->fw, HPA + page * PAGE_SIZE))
			status = did(nr, SEV_CALL_RMPUPDATE,
				     rmpupdate(rig, page, false));
	return status;
}

static u64 sev_step(void *priv, enum tio_step step, u32 *nr)
{
	switch (step) {
	case TIO_STEP_STOP:
		return stop(priv, nr);
	case TIO_STEP_UNMAP:
	case TIO_STEP_GIVE_BACK:
		return share(priv, nr);
	case TIO_STEP_DMA_OFF:
		return dma_off(priv, nr);
	case TIO_STEP_REMOVE:
		return remove(priv, nr);
	default:
		return 0;
	}
}

static struct tio_referee *sev_ref(void *priv)
{
	struct sev_rig *rig = priv;

	return sev_fw_referee(rig->fw);
}

/* with its context the TDI's sDTE has gone; a fence that is left is held too */
static bool sev_let_go(void *priv)
{
	struct sev_rig *rig = priv;
	struct sev_asid_fence fence;

	if (is_created(rig) ||
	    sev_tio_asid_fence_status(rig->fw, DEV, ASID, &fence) ||
	    fence.dma || fence.mmio)
		return false;
	for (u32 page = 0; page < NR_PAGES; page++)
		if (sev_fw_is_assigned(rig->fw, HPA + page * PAGE_SIZE))
			return false;
	return true;
}

const struct tio_order_rig tio_sev_rig = {
	.who = &sev_fw_personality,
	.order = sev_unbind_order,
	.up = sev_up,
	.step = sev_step,
	.ref = sev_ref,
	.let_go = sev_let_go,
};
