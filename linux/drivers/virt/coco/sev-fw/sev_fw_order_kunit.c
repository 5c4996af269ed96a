// SPDX-License-Identifier: GPL-2.0-only
/*
 * Orders: the legal life, and a table of wrong ones. Each row is refused with exactly
 * one status, is the host's mistake or is not, and changes nothing.
 */
#include <linux/seq_file.h>

#include "sev_fw_rig.h"

/* where the rows begin */

static void when_connected(struct kunit *test)
{
	sr_connect(test);
	sr_guest(test, 0);
	sr_guest(test, 1);
}

static void when_created(struct kunit *test)
{
	when_connected(test);
	sr_create(test, 0);
}

static void when_locked(struct kunit *test)
{
	when_connected(test);
	sr_lock(test, 0, 0);
	sr_assign(test, 0, 0);
}

static void when_up(struct kunit *test)
{
	when_connected(test);
	sr_up(test, 0, 0);
}

static void when_unbound(struct kunit *test)
{
	when_up(test);
	sr_unbind(test, 0, 0);
}

static void when_reclaimed(struct kunit *test)
{
	when_unbound(test);
	sr_reclaim(test, 0);
}

static void when_decommissioned(struct kunit *test)
{
	when_reclaimed(test);
	sr_end_guest(test, 0);
}

static void when_disconnected(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_created(test);
	OK(sr_loop(rig, CMD(SR_DISCONNECT)));
}

static void when_asking(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	KUNIT_ASSERT_EQ(test, sr_first(rig, CMD(SR_STATUS)), SEV_SPDM_REQUEST);
}

static void when_binding(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_created(test);
	KUNIT_ASSERT_EQ(test, sr_first(rig, CMD(SR_LOCK)), SEV_SPDM_REQUEST);
}

static void when_failed(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	rig->fn[0].state = TDISP_STATE_ERROR;
	OK(sr_loop(rig, CMD(SR_STATUS)));
	KUNIT_ASSERT_EQ(test, rig->told, TDISP_STATE_ERROR);
}

/* no ASID, no guest */
static void when_orphaned(struct kunit *test)
{
	when_created(test);
	sr_end_guest(test, 0);
}

static void when_mute(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	rig->fault = SR_SILENT;
}

static void when_refusing(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_created(test);
	rig->fault = SR_REFUSES;
}

/* what the rows do */

static u64 do_unbind_loop(struct sr *rig)
{
	return sr_loop(rig, CMD(SR_UNBIND));
}

static u64 do_lock_loop(struct sr *rig)
{
	return sr_loop(rig, CMD(SR_LOCK));
}

static u64 do_wrong_message(struct sr *rig)
{
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_SDTE_WRITE,
		.guest_device_id = SR_GUEST_RID(1),
	};

	return sr_message(rig, 0, 0, &msg) == SEV_TDI_SDTE_INVALID_TDI ?
	       SEV_SUCCESS : SEV_RESYNC_REQ;
}

static u64 do_bad_message(struct sr *rig)
{
	const struct sev_guest_msg msg = { .type = 0x99 };

	return sr_message(rig, 0, 0, &msg) & ~SR_REFUSED;
}

static u64 do_rmp_share(struct sr *rig)
{
	return sr_rmp_share(rig, 0, 1);
}

static u64 do_rmp_assign(struct sr *rig)
{
	return sr_rmp(rig, 0, 1, SR_ASID(1), SR_MMIO_GPA(1), true);
}

static u64 do_unprivate_mmio(struct sr *rig)
{
	return sev_rmp_unprivate(rig->fw, SR_BAR(0));
}

static u64 do_rmp_of_ctx(struct sr *rig)
{
	const struct sev_rmp_state shared = {};

	return sev_rmpupdate(rig->fw, SR_TDI(0), &shared);
}

static u64 do_reclaim(struct sr *rig)
{
	return sev_tio_tdi_reclaim(rig->fw, SR_DEV, SR_TDI(0));
}

static u64 do_disconnect(struct sr *rig)
{
	return sr_first(rig, CMD(SR_DISCONNECT));
}

static u64 do_dev_reclaim(struct sr *rig)
{
	return sev_tio_dev_reclaim(rig->fw, SR_DEV);
}

static u64 do_connect(struct sr *rig)
{
	return sr_first(rig, CMD(SR_CONNECT));
}

static u64 do_init(struct sr *rig)
{
	return sev_tio_init(rig->fw);
}

static u64 do_lock(struct sr *rig)
{
	return sr_first(rig, CMD(SR_LOCK));
}

static u64 do_lock_for_other(struct sr *rig)
{
	return sr_first(rig, CMD(SR_LOCK, 0, 1));
}

static u64 do_run(struct sr *rig)
{
	return sr_first(rig, CMD(SR_RUN));
}

static u64 do_run_for_other(struct sr *rig)
{
	return sr_first(rig, CMD(SR_RUN, 0, 1));
}

static u64 do_unbind(struct sr *rig)
{
	return sr_first(rig, CMD(SR_UNBIND));
}

static u64 do_unbind_by_other(struct sr *rig)
{
	return sr_first(rig, CMD(SR_UNBIND, 0, 1));
}

static u64 do_force(struct sr *rig)
{
	return sev_tio_tdi_unbind(rig->fw, SR_DEV, SR_TDI(0), 0, NULL,
				  SEV_TIO_FORCE);
}

static u64 do_report(struct sr *rig)
{
	return sr_first(rig, CMD(SR_REPORT));
}

static u64 do_status_of_none(struct sr *rig)
{
	return sr_first(rig, CMD(SR_STATUS, 1));
}

static u64 do_create_again(struct sr *rig)
{
	return sev_tio_tdi_create(rig->fw, SR_DEV, SR_TDI(0), SR_RID(1));
}

static u64 do_create_same(struct sr *rig)
{
	return sev_tio_tdi_create(rig->fw, SR_DEV, SR_TDI(1), SR_RID(0));
}

static u64 do_create_in_bar(struct sr *rig)
{
	return sev_tio_tdi_create(rig->fw, SR_DEV, SR_BAR(0), SR_RID(1));
}

static u64 do_dev_create_again(struct sr *rig)
{
	const struct sev_tio_dev_id id = { .device_id = 0x200 };

	return sev_tio_dev_create(rig->fw, SR_DEV, &id);
}

static u64 do_decommission(struct sr *rig)
{
	return sev_snp_decommission(rig->fw, SR_GCTX(0));
}

static u64 do_activate_owned(struct sr *rig)
{
	u64 status = sev_snp_gctx_create(rig->fw, SR_NO_CTX);

	status = status ?: sev_snp_activate(rig->fw, SR_NO_CTX, SR_ASID(0));
	sev_snp_decommission(rig->fw, SR_NO_CTX);
	return status;
}

static u64 do_fence_clear(struct sr *rig)
{
	return sev_tio_asid_fence_clear(rig->fw, SR_DEV, SR_GCTX(0));
}

static u64 do_foreign_message(struct sr *rig)
{
	return sr_sdte(rig, 0, 1, 0) & ~SR_REFUSED;
}

static u64 do_dead_message(struct sr *rig)
{
	return sr_sdte(rig, 0, 0, 0) & ~SR_REFUSED;
}

static u64 do_info(struct sr *rig)
{
	struct sev_tio_tdi_info info;

	return sev_tio_tdi_info(rig->fw, SR_DEV, SR_TDI(0), &info);
}

static u64 do_answer_of_nothing(struct sr *rig)
{
	struct sev_spdm spdm = {
		.answered = true,
		.rsp = rig->rsp,
		.rsp_len = 64,
		.rsp_room = SR_RSP_SIZE,
	};

	return sr_issue(rig, CMD(SR_STATUS), &spdm);
}

static u64 do_same_without_answer(struct sr *rig)
{
	return sr_first(rig, CMD(SR_STATUS));
}

/* one row: begin like this, do that, and @want is the answer */
struct wrong_order {
	const char *name;
	void (*when)(struct kunit *test);
	u64 (*act)(struct sr *rig);
	u64 want;
	bool harmless;		/* not the host's mistake */
};

static const struct wrong_order wrong_orders[] = {
	{ "init twice", when_connected, do_init, SEV_INVALID_PLATFORM_STATE },
	{ "connect twice", when_connected, do_connect, SEV_INVALID_DEV_STATE },
	{ "device reclaimed while connected", when_connected, do_dev_reclaim,
	  SEV_INVALID_DEV_STATE },
	{ "device reclaimed with a TDI left", when_disconnected, do_dev_reclaim,
	  SEV_IN_USE },
	{ "device created over an old context", when_connected,
	  do_dev_create_again, SEV_RECLAIM_REQUIRED },
	{ "disconnect with a bound TDI", when_up, do_disconnect, SEV_IN_USE },
	{ "disconnect twice", when_disconnected, do_disconnect,
	  SEV_INVALID_DEV_STATE },
	{ "TDI created over an old context", when_up, do_create_again,
	  SEV_RECLAIM_REQUIRED },
	{ "interface created twice", when_created, do_create_same,
	  SEV_RECLAIM_REQUIRED },
	{ "TDI created in a page of the guest", when_up, do_create_in_bar,
	  SEV_INVALID_PAGE_STATE },
	{ "TDI created on an unconnected device", when_disconnected,
	  do_create_same, SEV_INVALID_DEV_STATE },
	{ "bind on an unconnected device", when_disconnected, do_lock,
	  SEV_INVALID_DEV_STATE },
	{ "status of no TDI", when_up, do_status_of_none, SEV_INVALID_TDI_CTX },
	{ "second bind", when_locked, do_lock, SEV_INVALID_TDI_STATE },
	{ "second bind, to another guest", when_up, do_lock_for_other,
	  SEV_INVALID_TDI_STATE },
	{ "bind to a guest that has gone", when_orphaned, do_lock,
	  SEV_INVALID_GUEST_STATE },
	{ "run before bind", when_created, do_run, SEV_INVALID_TDI_STATE },
	{ "run twice", when_up, do_run, SEV_INVALID_TDI_STATE },
	{ "run with the wrong guest", when_locked, do_run_for_other,
	  SEV_INVALID_GUEST_STATE },
	{ "run a failed TDI", when_failed, do_run, SEV_INVALID_TDI_STATE },
	{ "unbind while unbound", when_created, do_unbind,
	  SEV_INVALID_TDI_STATE },
	{ "unbind twice", when_unbound, do_unbind, SEV_INVALID_TDI_STATE },
	{ "forced unbind while unbound", when_created, do_force,
	  SEV_INVALID_TDI_STATE },
	{ "unbind with the wrong guest", when_up, do_unbind_by_other,
	  SEV_INVALID_GUEST_STATE },
	{ "unbind after reclaim", when_reclaimed, do_unbind,
	  SEV_INVALID_TDI_CTX },
	{ "report while unlocked", when_created, do_report,
	  SEV_INVALID_TDI_STATE },
	{ "report of a failed TDI", when_failed, do_report,
	  SEV_INVALID_TDI_STATE },
	{ "reclaim before unbind", when_up, do_reclaim, SEV_INVALID_TDI_STATE },
	{ "reclaim of a failed TDI", when_failed, do_reclaim,
	  SEV_INVALID_TDI_STATE },
	{ "reclaim twice", when_reclaimed, do_reclaim, SEV_INVALID_TDI_CTX },
	{ "RMPUPDATE while running", when_up, do_rmp_share,
	  SEV_RMP_FAIL_PERMISSION },
	{ "RMPUPDATE while locked", when_locked, do_rmp_share,
	  SEV_RMP_FAIL_PERMISSION },
	{ "RMPUPDATE of a failed TDI's page", when_failed, do_rmp_share,
	  SEV_RMP_FAIL_PERMISSION },
	{ "RMPUPDATE between unbind and reclaim", when_unbound, do_rmp_share,
	  SEV_RMP_FAIL_PERMISSION },
	{ "RMPUPDATE to another guest while running", when_up, do_rmp_assign,
	  SEV_RMP_FAIL_PERMISSION },
	{ "RMPUPDATE to another guest, not through shared", when_reclaimed,
	  do_rmp_assign, SEV_RMP_FAIL_PERMISSION },
	{ "RMPUPDATE of a context page", when_up, do_rmp_of_ctx,
	  SEV_RMP_FAIL_INUSE },
	{ "MMIO taken back as memory", when_reclaimed, do_unprivate_mmio,
	  SEV_RMP_FAIL_INPUT },
	{ "ASID given out twice", when_connected, do_activate_owned,
	  SEV_ASID_OWNED },
	{ "fence cleared that is not up", when_up, do_fence_clear,
	  SEV_INVALID_PARAM },
	{ "fence cleared after the guest", when_decommissioned, do_fence_clear,
	  SEV_INVALID_GUEST_STATE },
	{ "message of another guest's TDI", when_up, do_foreign_message,
	  SEV_INVALID_TDI },
	{ "message of a guest that has gone", when_orphaned, do_dead_message,
	  SEV_INVALID_GUEST_STATE },
	{ "other command while a request is pending", when_asking, do_report,
	  SEV_IN_USE },
	{ "unbind while a request is pending", when_asking, do_unbind,
	  SEV_IN_USE },
	{ "disconnect while a request is pending", when_asking, do_disconnect,
	  SEV_IN_USE },
	{ "TDI info while a request is pending", when_asking, do_info,
	  SEV_IN_USE },
	{ "message while a request is pending", when_asking, do_dead_message,
	  SEV_IN_USE },
	{ "fence cleared while a request is pending", when_asking,
	  do_fence_clear, SEV_IN_USE },
	{ "same command without the answer", when_asking,
	  do_same_without_answer, SEV_IN_USE },
	{ "reclaim while a request is pending", when_binding, do_reclaim,
	  SEV_IN_USE },
	{ "same command for another guest", when_binding, do_lock_for_other,
	  SEV_IN_USE },
	{ "answer without a request", when_up, do_answer_of_nothing,
	  SEV_INVALID_PARAM },
	/* not the host's mistake */
	{ "STOP that the device does not answer", when_mute, do_unbind_loop,
	  SEV_SPDM_ERROR, true },
	{ "LOCK that the device refuses", when_refusing, do_lock_loop,
	  SEV_SPDM_ERROR, true },
	{ "message about a TDI that the guest does not have", when_up,
	  do_wrong_message, SEV_SUCCESS, true },
	{ "message that is none", when_up, do_bad_message, SEV_INVALID_PARAM,
	  true },
};

static void order_desc(const struct wrong_order *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(wrong_order, wrong_orders, order_desc);

static void wrong_order(struct kunit *test)
{
	const struct wrong_order *row = test->param_value;
	struct sr *rig = test->priv;

	row->when(test);
	KUNIT_ASSERT_EQ(test, tio_violations(&rig->fw->ref), 0);
	REFUSED(row->want, row->harmless ? 0 : 1, row->act(rig));
	if (!row->harmless)
		KUNIT_EXPECT_EQ(test, rig->fw->ref.last.status, row->want);
}

static void expect_dma(struct kunit *test, int fn, u64 gpa, int want)
{
	struct sr *rig = test->priv;
	u64 hpa = 0;

	KUNIT_EXPECT_EQ(test, sr_dma(rig, fn, gpa, &hpa), want);
	if (!want)
		KUNIT_EXPECT_EQ(test, hpa & PAGE_MASK, SR_HPA(0));
}

/* twice, so that what the first leaves would be met by the second */
static void legal_life(struct kunit *test)
{
	struct sr *rig = test->priv;

	sr_connect(test);
	for (int i = 0; i < 2; i++) {
		sr_guest(test, 0);
		sr_up(test, 0, 0);
		expect_dma(test, 0, SR_GPA + 0x20, 0);
		for (u32 page = 0; page < SR_BAR_PAGES; page++)
			KUNIT_EXPECT_TRUE(test, sr_accepted(rig, 0, 0, page));
		sr_unbind(test, 0, 0);
		KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 0, 0));
		sr_reclaim(test, 0);
		sr_unfence(test, 0);
		sr_share(test, 0);
		sr_forget_memory(test, 0);
		sr_end_guest(test, 0);
	}
	sr_disconnect(test);
	sr_expect_empty(rig);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* pages are given back as late as after the guest's end */
static void legal_lazy(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	sr_unbind(test, 0, 0);
	sr_reclaim(test, 0);
	sr_unfence(test, 0);
	sr_end_guest(test, 0);
	sr_end_guest(test, 1);
	sr_disconnect(test);
	sr_expect_table(rig, "\nrmp_io 4\n");
	sr_share(test, 0);
	OK(sev_rmp_unprivate(rig->fw, SR_HPA(0)));
	sr_expect_empty(rig);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* the device says nothing any more */
static void legal_escape(struct kunit *test)
{
	struct sr *rig = test->priv;
	struct sev_asid_fence fence;

	when_up(test);
	rig->fault = SR_SILENT;
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_UNBIND)));
	expect_dma(test, 0, SR_GPA, 0);
	OK(do_force(rig));
	expect_dma(test, 0, SR_GPA, -EACCES);
	OK(sev_tio_asid_fence_status(rig->fw, SR_DEV, SR_ASID(0), &fence));
	KUNIT_EXPECT_EQ(test, fence.dma, SEV_FENCE_ERROR);
	KUNIT_EXPECT_EQ(test, fence.mmio, SEV_FENCE_DEFAULT);
	sr_reclaim(test, 0);
	sr_unfence(test, 0);
	sr_share(test, 0);
	sr_forget_memory(test, 0);
	sr_end_guest(test, 0);
	sr_end_guest(test, 1);
	HARMLESS(SEV_SPDM_ERROR, sr_loop(rig, CMD(SR_DISCONNECT)));
	OK(sev_tio_dev_disconnect(rig->fw, SR_DEV, NULL, SEV_TIO_FORCE));
	KUNIT_EXPECT_EQ(test, rig->keys, 0);
	OK(sev_tio_dev_reclaim(rig->fw, SR_DEV));
	sr_expect_empty(rig);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

/* the link goes first, by force: its TDIs fail, and are still to be unbound */
static void link_first(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	OK(sev_tio_dev_disconnect(rig->fw, SR_DEV, NULL, SEV_TIO_FORCE));
	KUNIT_EXPECT_EQ(test, sev_fw_tdisp_state(rig->fw, SR_TDI(0)),
			TDISP_STATE_ERROR);
	expect_dma(test, 0, SR_GPA, -EACCES);
	KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 0, 0));
	sr_expect_table(rig, "\nbound_tdis 1\n");
	VIOLATES(SEV_INVALID_DEV_STATE, do_unbind(rig));
	VIOLATES(SEV_IN_USE, do_dev_reclaim(rig));
	OK(do_force(rig));
	sr_reclaim(test, 0);
	OK(do_dev_reclaim(rig));
}

/* the guest goes first: its context page is lost until the TDI is unbound */
static void guest_first(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	KUNIT_EXPECT_EQ(test, do_decommission(rig), SEV_INVALID_GUEST_STATE);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 1);
	sr_expect_table(rig, "\nleaked_gctx 1\n");
	sr_expect_table(rig, "\nguests 2\n");
	sr_expect_table(rig, "\nbound_tdis 1\n");
	expect_dma(test, 0, SR_GPA, 0);
	/* a host that comes back loses nothing */
	sr_unbind(test, 0, 0);
	sr_end_guest(test, 0);
	sr_expect_table(rig, "\nleaked_gctx 0\n");
}

/* nothing that unbind left lets DMA in */
static void dma_after_unbind(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	sr_expect_table(rig, "\nsdte 1\n");
	expect_dma(test, 0, SR_GPA, 0);
	sr_unbind(test, 0, 0);
	sr_expect_table(rig, "\nsdte 0\n");
	expect_dma(test, 0, SR_GPA, -EACCES);
	sr_unfence(test, 0);
	expect_dma(test, 0, SR_GPA, -EACCES);
	/* bound again it needs the guest's word again */
	OK(sr_loop(rig, CMD(SR_LOCK)));
	sr_unfence(test, 0);
	OK(sr_loop(rig, CMD(SR_RUN)));
	expect_dma(test, 0, SR_GPA, -EACCES);
	KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 0, 0, 0));
	OK(sr_sdte(rig, 0, 0, 1));
	expect_dma(test, 0, SR_GPA, 0);
}

/* a fence that nobody cleared meets the next bind, and the next guest */
static void fence_left(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_reclaimed(test);
	sr_expect_table(rig, "\nfenced_asids 1\n");
	sr_share(test, 0);
	sr_forget_memory(test, 0);
	sr_end_guest(test, 0);
	sr_expect_table(rig, "\nfences 1\n");
	sr_expect_table(rig, "\nfenced_asids 0\n");
	sr_guest(test, 0);
	sr_expect_table(rig, "\nfences 0\n");
	sr_expect_table(rig, "\nfenced_asids 1\n");
	sr_create(test, 0);
	OK(sr_loop(rig, CMD(SR_LOCK)));
	OK(sr_loop(rig, CMD(SR_REPORT)));
	sr_assign(test, 0, 0);
	OK(sr_loop(rig, CMD(SR_RUN)));
	sr_memory(test, 0);
	OK(sr_sdte(rig, 0, 0, 1));
	expect_dma(test, 0, SR_GPA, -EACCES);
	KUNIT_EXPECT_EQ(test, sr_validate(rig, 0, 0, 0, 1, true),
			SEV_TDI_MMIO_TDI_UNBOUND);
	sr_unfence(test, 0);
	expect_dma(test, 0, SR_GPA, 0);
	OK(sr_validate(rig, 0, 0, 0, 1, true));
}

/* the fence is the ASID's: one TDI that fails stops the others of the guest */
static void fence_stops_all(struct kunit *test)
{
	struct sr *rig = test->priv;

	when_up(test);
	sr_run(test, 1, 0);
	sr_accept(test, 1, 0);
	expect_dma(test, 1, SR_GPA, 0);
	rig->fn[0].state = TDISP_STATE_ERROR;
	OK(sr_loop(rig, CMD(SR_STATUS)));
	expect_dma(test, 1, SR_GPA, -EACCES);
	KUNIT_EXPECT_FALSE(test, sr_accepted(rig, 1, 0, 0));
	sr_unfence(test, 0);
	expect_dma(test, 1, SR_GPA, 0);
	KUNIT_EXPECT_TRUE(test, sr_accepted(rig, 1, 0, 0));
	/* but not one that is unbound in peace */
	sr_unbind(test, 0, 0);
	expect_dma(test, 0, SR_GPA, -EACCES);
	expect_dma(test, 1, SR_GPA, 0);
	sr_unbind(test, 1, 0);
	sr_expect_table(rig, "\nfenced_asids 1\n");
}

/* RMP and nested page table disagree: the RMP is right */
static void rmp_judges_dma(struct kunit *test)
{
	struct sr *rig = test->priv;
	u64 other = SR_GPA + PAGE_SIZE;

	when_up(test);
	expect_dma(test, 0, other, -ENOENT);
	expect_dma(test, 0, 0, -ENOENT);
	/* the page of one address at another */
	OK(sev_fw_npt_set(rig->fw, SR_GCTX(0), other, SR_HPA(0)));
	expect_dma(test, 0, other, -EACCES);
	/* a page of nobody, of another guest, of MMIO */
	OK(sev_fw_npt_set(rig->fw, SR_GCTX(0), SR_GPA, SR_HPA(0) + PAGE_SIZE));
	expect_dma(test, 0, SR_GPA, -EACCES);
	sr_memory(test, 1);
	OK(sev_fw_npt_set(rig->fw, SR_GCTX(0), SR_GPA, SR_HPA(1)));
	expect_dma(test, 0, SR_GPA, -EACCES);
	OK(sev_fw_npt_set(rig->fw, SR_GCTX(0), SR_GPA, SR_BAR(0)));
	expect_dma(test, 0, SR_GPA, -EACCES);
	/* memory that was taken back under it */
	OK(sev_fw_npt_set(rig->fw, SR_GCTX(0), SR_GPA, SR_HPA(0)));
	expect_dma(test, 0, SR_GPA, 0);
	OK(sev_rmp_unprivate(rig->fw, SR_HPA(0)));
	expect_dma(test, 0, SR_GPA, -EACCES);
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref), 0);
}

static struct kunit_case order_cases[] = {
	KUNIT_CASE_PARAM(wrong_order, wrong_order_gen_params),
	KUNIT_CASE(legal_life),
	KUNIT_CASE(legal_lazy),
	KUNIT_CASE(legal_escape),
	KUNIT_CASE(link_first),
	KUNIT_CASE(guest_first),
	KUNIT_CASE(dma_after_unbind),
	KUNIT_CASE(fence_left),
	KUNIT_CASE(fence_stops_all),
	KUNIT_CASE(rmp_judges_dma),
	{}
};

static struct kunit_suite order_suite = {
	.name = "sev_fw_order",
	.init = sr_init,
	.exit = sr_exit,
	.test_cases = order_cases,
};

kunit_test_suite(order_suite);
