// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: KUnit tests of the TDISP responder, its states, and what moves them.
 */
#include <linux/bitfield.h>

#include "bench_kunit.h"

/* every state x every message: the answer and the state after it */
static void dsm_states(struct kunit *test)
{
	enum { U = TDISP_CONFIG_UNLOCKED, L = TDISP_CONFIG_LOCKED,
	       R = TDISP_RUN, E = TDISP_STATE_ERROR, X = -1 };
	/* the state after it, X for INVALID_INTERFACE_STATE */
	static const struct {
		u8 type;
		int after[4];
	} rows[] = {
		{ TDISP_GET_VERSION,		{ U, L, R, E } },
		{ TDISP_GET_CAPABILITIES,	{ U, L, R, E } },
		{ TDISP_LOCK_INTERFACE,		{ L, X, X, X } },
		{ TDISP_GET_REPORT,		{ X, L, R, X } },
		{ TDISP_GET_STATE,		{ U, L, R, E } },
		{ TDISP_START_INTERFACE,	{ X, R, X, X } },
		{ TDISP_STOP_INTERFACE,		{ U, U, U, U } },
	};

	for (int from = U; from <= E; from++) {
		for (int i = 0; i < ARRAY_SIZE(rows); i++) {
			int after = rows[i].after[from];
			u32 err;

			go_to(test, from);
			err = send_type(test, rows[i].type);
			KUNIT_EXPECT_EQ_MSG(test, err, after == X ?
					    TDISP_ERR_INVALID_STATE : 0,
					    "message %#x in state %d",
					    rows[i].type, from);
			KUNIT_EXPECT_EQ_MSG(test, state(test),
					    after == X ? from : after,
					    "after message %#x in state %d",
					    rows[i].type, from);
		}
	}
}

static void dsm_nonce(struct kunit *test)
{
	struct bench *b = test->priv;
	u8 first[TDISP_NONCE_SIZE], second[TDISP_NONCE_SIZE];

	go_to(test, TDISP_CONFIG_LOCKED);
	memcpy(first, b->nonce, sizeof(first));
	b->nonce[TDISP_NONCE_SIZE - 1] ^= 1;
	KUNIT_EXPECT_EQ(test, start(test), TDISP_ERR_INVALID_NONCE);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_LOCKED);

	/* a failed START does not spend the nonce, STOP does */
	KUNIT_EXPECT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	KUNIT_EXPECT_FALSE(test, b->fn->nonce_valid);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(b->fn->nonce, TDISP_NONCE_SIZE));
	KUNIT_ASSERT_EQ(test, lock(test), 0);
	memcpy(second, b->nonce, sizeof(second));
	KUNIT_EXPECT_MEMNEQ(test, first, second, sizeof(first));
	memcpy(b->nonce, first, sizeof(first));
	KUNIT_EXPECT_EQ(test, start(test), TDISP_ERR_INVALID_NONCE);
	memcpy(b->nonce, second, sizeof(second));
	KUNIT_EXPECT_EQ(test, start(test), 0);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_RUN);
	KUNIT_EXPECT_FALSE(test, b->fn->nonce_valid);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(b->fn->nonce, TDISP_NONCE_SIZE));
}

static void dsm_bad_requests(struct kunit *test)
{
	struct bench *b = test->priv;
	struct tdisp_hdr req;

	for (u8 type = 0x88; type <= 0x8b; type++) {
		KUNIT_EXPECT_EQ(test, plain(test, type), TDISP_ERR_UNSUPPORTED);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(((struct tdisp_error_rsp *)
						   b->rsp)->data), type);
	}
	KUNIT_EXPECT_EQ(test, plain(test, 0x80), TDISP_ERR_UNSUPPORTED);
	/* the right message with the size of another */
	KUNIT_EXPECT_EQ(test, plain(test, TDISP_LOCK_INTERFACE),
			TDISP_ERR_INVALID_REQUEST);
	KUNIT_EXPECT_EQ(test, plain(test, TDISP_GET_CAPABILITIES),
			TDISP_ERR_INVALID_REQUEST);

	req = hdr_for(b, TDISP_GET_STATE);
	req.version = 0x20;
	KUNIT_EXPECT_EQ(test, send(test, &req, sizeof(req)),
			TDISP_ERR_VERSION_MISMATCH);
	KUNIT_EXPECT_EQ(test, teemu_dsm_respond(b->rc, &req, sizeof(req) - 1,
						b->rsp, sizeof(b->rsp)), 0);
}

static void dsm_interfaces(struct kunit *test)
{
	struct bench *b = test->priv;
	struct tdisp_hdr req = hdr_for(b, TDISP_GET_STATE);
	static const struct {
		u32 id;
		u32 err;
	} rows[] = {
		{ 0x0100, 0 },
		{ 0x0101, 0 },
		{ 0x0102, TDISP_ERR_INVALID_INTERFACE },
		{ 0x0108, 0 },			/* VFs, enabled or not */
		{ 0x0109, 0 },
		{ 0x010a, TDISP_ERR_INVALID_INTERFACE },
		{ 0x0001, TDISP_ERR_INVALID_INTERFACE },
		{ 0x01050101, 0 },		/* segment 5, valid */
		{ 0x00050101, TDISP_ERR_INVALID_INTERFACE },
		{ 0x02000101, TDISP_ERR_INVALID_INTERFACE },
	};

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		req.function_id = cpu_to_le32(rows[i].id);
		KUNIT_EXPECT_EQ_MSG(test, send(test, &req, sizeof(req)),
				    rows[i].err, "id %#x", rows[i].id);
	}
}

static void dsm_lock_refusals(struct kunit *test)
{
	struct bench *b = test->priv;

	/* what the request asks for */
	for (int bit = 0; bit < 16; bit++) {
		bool known = BIT(bit) & (TDISP_LOCK_NO_FW_UPDATE | TDISP_LOCK_MSIX);

		go_to(test, TDISP_CONFIG_UNLOCKED);
		KUNIT_EXPECT_EQ_MSG(test, lock_with(test, BIT(bit), 0, 0),
				    known ? 0 : TDISP_ERR_INVALID_REQUEST,
				    "flag bit %d", bit);
	}
	go_to(test, TDISP_CONFIG_UNLOCKED);
	KUNIT_EXPECT_EQ(test, lock_with(test, 0, 0, 0x800),
			TDISP_ERR_INVALID_REQUEST);

	/* what the configuration looks like */
	teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2, 0);
	KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_CONFIGURATION);
	teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	teemu_cfg_write(b->rc, b->fn, TEEMU_EXP + PCI_EXP_DEVCTL, 2,
			PCI_EXP_DEVCTL_PHANTOM);
	KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_CONFIGURATION);
	teemu_cfg_write(b->rc, b->fn, TEEMU_EXP + PCI_EXP_DEVCTL, 2, 0);
	teemu_cfg_write(b->rc, b->fn, PCI_BASE_ADDRESS_0, 4, BENCH_BASE + SZ_8M);
	KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_CONFIGURATION);
	teemu_cfg_write(b->rc, b->fn, PCI_BASE_ADDRESS_0, 4, 0);
	KUNIT_EXPECT_EQ(test, lock(test), TDISP_ERR_CONFIGURATION);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_UNLOCKED);
	teemu_cfg_write(b->rc, b->fn, PCI_BASE_ADDRESS_0, 4,
			b->fn->bar_phys[0]);
	KUNIT_EXPECT_EQ(test, lock(test), 0);
}

static void check_report(struct kunit *test, u16 flags, u16 table, u16 pba,
			 u16 msix_control)
{
	struct bench *b = test->priv;
	struct tdisp_report_rsp *rsp = (void *)b->rsp;
	struct tdisp_report *rep = (void *)rsp->bytes;
	const phys_addr_t *bar = b->fn->bar_phys;

	go_to(test, TDISP_CONFIG_UNLOCKED);
	KUNIT_ASSERT_EQ(test, lock_with(test, flags, 0, BENCH_OFFSET), 0);
	KUNIT_ASSERT_EQ(test, report(test, 0, 0xffff), 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(rsp->portion), 16 + 5 * 16 + 4);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(rsp->remainder), 0);
	KUNIT_EXPECT_EQ(test, b->len, sizeof(*rsp) + 16 + 5 * 16 + 4);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(rep->interface_info),
			TDISP_REPORT_DMA_NO_PASID |
			(flags & TDISP_LOCK_NO_FW_UPDATE ?
			 TDISP_REPORT_NO_FW_UPDATE : 0));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(rep->msix_control), msix_control);
	KUNIT_ASSERT_EQ(test, le32_to_cpu(rep->nr_ranges), 5);
	expect_range(test, &rep->range[0], bar[0], 16, 0, 0);
	expect_range(test, &rep->range[1], bar[1], 4096, 0, 2);
	expect_range(test, &rep->range[2], bar[2], 1, table, 4);
	expect_range(test, &rep->range[3], bar[2] + SZ_4K, 1, pba, 4);
	expect_range(test, &rep->range[4], bar[2] + SZ_8K, 2, 0, 4);
	/* no device-specific bytes */
	KUNIT_EXPECT_TRUE(test, mem_is_zero(&rep->range[5], sizeof(__le32)));
}

static void dsm_report_layout(struct kunit *test)
{
	struct bench *b = test->priv;

	teemu_cfg_write(b->rc, b->fn, TEEMU_MSIX + PCI_MSIX_FLAGS, 2,
			PCI_MSIX_FLAGS_ENABLE);
	check_report(test, TDISP_LOCK_NO_FW_UPDATE, TDISP_RANGE_NON_TEE,
		     TDISP_RANGE_NON_TEE, 0);
	check_report(test, TDISP_LOCK_MSIX, TDISP_RANGE_MSIX_TABLE,
		     TDISP_RANGE_MSIX_PBA,
		     PCI_MSIX_FLAGS_ENABLE | (TEEMU_MSIX_VECTORS - 1));
}

static void dsm_report_portions(struct kunit *test)
{
	struct bench *b = test->priv;
	struct tdisp_report_rsp *rsp = (void *)b->rsp;
	const u16 total = 16 + 5 * 16 + 4;
	u8 whole[16 + 5 * 16 + 4];

	go_to(test, TDISP_RUN);
	KUNIT_ASSERT_EQ(test, report(test, 0, total), 0);
	memcpy(whole, rsp->bytes, total);
	for (u16 offset = 0; offset < total; offset += 7) {
		u16 portion = min(7, total - offset);

		KUNIT_ASSERT_EQ(test, report(test, offset, 7), 0);
		KUNIT_ASSERT_EQ(test, le16_to_cpu(rsp->portion), portion);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(rsp->remainder),
				total - offset - portion);
		KUNIT_EXPECT_MEMEQ(test, rsp->bytes, whole + offset, portion);
	}
	KUNIT_EXPECT_EQ(test, report(test, total, 1), TDISP_ERR_INVALID_REQUEST);
	KUNIT_EXPECT_EQ(test, report(test, 0xffff, 0xffff),
			TDISP_ERR_INVALID_REQUEST);
	KUNIT_EXPECT_EQ(test, report(test, 0, 0), TDISP_ERR_INVALID_REQUEST);
}

/* which config writes of the hosting function a locked TDI does not survive */
static void dsm_config_changes(struct kunit *test)
{
	struct bench *b = test->priv;
	static const struct {
		u16 where;
		u8 size;
		u32 val;
		bool falls;
	} rows[] = {
		{ PCI_COMMAND, 2, PCI_COMMAND_MASTER, true },
		{ PCI_COMMAND, 2, PCI_COMMAND_MEMORY, true },
		{ PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
				  PCI_COMMAND_SERR, false },
		{ PCI_BASE_ADDRESS_0, 4, 0, true },
		{ PCI_BASE_ADDRESS_5, 4, 0, true },
		{ PCI_ROM_ADDRESS, 4, ~0, true },
		{ PCI_BIST, 1, 0x40, true },
		{ PCI_CACHE_LINE_SIZE, 1, 0x10, false },
		{ PCI_INTERRUPT_LINE, 1, 0x0b, false },
		{ TEEMU_PM + PCI_PM_CTRL, 2, 3, true },
		{ TEEMU_PM + PCI_PM_CTRL, 2, 1, false },
		{ TEEMU_EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR, true },
		{ TEEMU_EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_EXT_TAG, true },
		{ TEEMU_EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_NOSNOOP_EN |
						 PCI_EXP_DEVCTL_CERE, false },
		{ TEEMU_EXP + PCI_EXP_DEVCTL2, 2, BIT(12), true },
		{ TEEMU_EXP + PCI_EXP_DEVCTL2, 2, BIT(15), false },
		{ TEEMU_MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE, false },
		{ TEEMU_ACS + PCI_ACS_CTRL, 2, 0, false },
	};

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		teemu_cfg_power_on(b->rc);
		teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2,
				PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		go_to(test, TDISP_RUN);
		teemu_cfg_write(b->rc, b->fn, rows[i].where, rows[i].size,
				rows[i].val);
		KUNIT_EXPECT_EQ_MSG(test, state(test), rows[i].falls ?
				    TDISP_STATE_ERROR : TDISP_RUN,
				    "write of %#x to %#x", rows[i].val,
				    rows[i].where);
	}
}

static void dsm_msix_locked(struct kunit *test)
{
	struct bench *b = test->priv;

	KUNIT_ASSERT_EQ(test, lock_with(test, TDISP_LOCK_MSIX, 0, 0), 0);
	teemu_cfg_write(b->rc, b->fn, TEEMU_MSIX + PCI_MSIX_FLAGS, 2,
			PCI_MSIX_FLAGS_ENABLE);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_STATE_ERROR);
	/* the write itself is done */
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, b->fn,
					     TEEMU_MSIX + PCI_MSIX_FLAGS, 2),
			PCI_MSIX_FLAGS_ENABLE | (TEEMU_MSIX_VECTORS - 1));
}

/* an FLR is its function's own business, a secondary bus reset is everybody's */
static void dsm_resets(struct kunit *test)
{
	struct bench *b = test->priv;

	go_to(test, TDISP_RUN);
	teemu_cfg_write(b->rc, &b->rc->fn[0], TEEMU_EXP + PCI_EXP_DEVCTL, 2,
			PCI_EXP_DEVCTL_BCR_FLR);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_RUN);

	teemu_cfg_write(b->rc, NULL, PCI_BRIDGE_CONTROL, 2,
			PCI_BRIDGE_CTL_BUS_RESET);
	flush_workqueue(b->rc->wq);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_UNLOCKED);
	KUNIT_EXPECT_EQ(test, teemu_cfg_read(b->rc, b->fn, PCI_BASE_ADDRESS_0, 4),
			PCI_BASE_ADDRESS_MEM_TYPE_64);
}

static void dsm_scrubs(struct kunit *test)
{
	struct bench *b = test->priv;

	go_to(test, TDISP_RUN);
	soil(b);
	KUNIT_ASSERT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	expect_scrubbed(test);

	go_to(test, TDISP_RUN);
	soil(b);
	teemu_fn_fail(b->fn, "test");
	flush_work(&b->fn->settle);
	expect_scrubbed(test);
}

/* selective block 0 of port or function 0, as Linux writes it */
static void ide_ctl(struct bench *b, struct teemu_fn *fn, u8 stream, bool enable)
{
	teemu_cfg_write(b->rc, fn, TEEMU_IDE + PCI_IDE_LINK_STREAM_0 +
			PCI_IDE_SEL_CTL, 4,
			FIELD_PREP(PCI_IDE_SEL_CTL_ID, stream) |
			FIELD_PREP(PCI_IDE_SEL_CTL_DEFAULT, !!fn) |
			FIELD_PREP(PCI_IDE_SEL_CTL_EN, enable));
}

static u32 ide_state(struct bench *b, struct teemu_fn *fn)
{
	return teemu_cfg_read(b->rc, fn, TEEMU_IDE + PCI_IDE_LINK_STREAM_0 +
			      PCI_IDE_SEL_STS, 4);
}

static void ide_up(struct kunit *test, u8 stream)
{
	struct bench *b = test->priv;
	struct teemu_fn *fn0 = &b->rc->fn[0];

	ide_ctl(b, NULL, stream, false);
	ide_ctl(b, fn0, stream, false);
	teemu_ide_set_keys(b->rc, stream, true);
	KUNIT_EXPECT_EQ(test, ide_state(b, fn0), PCI_IDE_SEL_STS_STATE_INSECURE);
	ide_ctl(b, fn0, stream, true);
	KUNIT_EXPECT_EQ(test, ide_state(b, fn0), PCI_IDE_SEL_STS_STATE_SECURE);
	ide_ctl(b, NULL, stream, true);
	KUNIT_EXPECT_EQ(test, ide_state(b, NULL), PCI_IDE_SEL_STS_STATE_SECURE);
}

static void dsm_ide_lock(struct kunit *test)
{
	struct bench *b = test->priv;
	struct teemu_fn *fn0 = &b->rc->fn[0];

	/* enabled without keys */
	ide_ctl(b, fn0, 3, true);
	KUNIT_EXPECT_EQ(test, lock_with(test, 0, 3, 0),
			TDISP_ERR_INVALID_REQUEST);
	ide_up(test, 3);
	KUNIT_EXPECT_EQ(test, lock_with(test, 0, 2, 0),
			TDISP_ERR_INVALID_REQUEST);
	KUNIT_EXPECT_EQ(test, lock_with(test, 0, 3, 0), 0);
	teemu_ide_set_keys(b->rc, 4, true);
	teemu_ide_set_keys(b->rc, 4, false);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_CONFIG_LOCKED);
	teemu_ide_set_keys(b->rc, 3, false);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_STATE_ERROR);
	KUNIT_EXPECT_EQ(test, ide_state(b, fn0), PCI_IDE_SEL_STS_STATE_INSECURE);
	KUNIT_EXPECT_EQ(test, ide_state(b, NULL), PCI_IDE_SEL_STS_STATE_INSECURE);
}

/* the escape: no STOP comes, so all is over when the keys are gone */
static void dsm_ide_scrubs(struct kunit *test)
{
	struct bench *b = test->priv;

	KUNIT_EXPECT_TRUE(test, teemu_ide_holds(b->fn));
	ide_up(test, 3);
	KUNIT_ASSERT_EQ(test, lock_with(test, 0, 3, 0), 0);
	KUNIT_EXPECT_TRUE(test, teemu_ide_holds(b->fn));
	soil(b);
	teemu_platform.ide_keys(b->rc, 3, false);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_STATE_ERROR);
	KUNIT_EXPECT_FALSE(test, teemu_ide_holds(b->fn));
	expect_scrubbed(test);
	/* fallen long ago, written to since */
	soil(b);
	teemu_platform.ide_keys(b->rc, 3, false);
	expect_scrubbed(test);
	/* another stream's end is none of its business */
	soil(b);
	teemu_platform.ide_keys(b->rc, 4, false);
	KUNIT_EXPECT_FALSE(test, mem_is_zero(b->bar[1], TEEMU_BAR_MEM_SIZE));
	KUNIT_ASSERT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	KUNIT_EXPECT_TRUE(test, teemu_ide_holds(b->fn));
}

static void dsm_session_lost(struct kunit *test)
{
	struct bench *b = test->priv;

	ide_up(test, 3);
	KUNIT_ASSERT_EQ(test, lock_with(test, 0, 3, 0), 0);
	teemu_ide_lose_session(b->rc);
	KUNIT_EXPECT_EQ(test, state(test), TDISP_STATE_ERROR);
	KUNIT_EXPECT_EQ(test, ide_state(b, NULL), PCI_IDE_SEL_STS_STATE_INSECURE);
	KUNIT_EXPECT_TRUE(test, b->rc->no_session);
	teemu_ide_set_keys(b->rc, 3, true);
	KUNIT_EXPECT_FALSE(test, b->rc->no_session);
}

/* registers of a bound stream, on either side, and what the port rests on */
static void dsm_ide_changes(struct kunit *test)
{
	struct bench *b = test->priv;
	struct teemu_fn *fn0 = &b->rc->fn[0];
	const u16 rid = TEEMU_IDE + PCI_IDE_LINK_STREAM_0 + PCI_IDE_SEL_RID_1;
	const struct {
		struct teemu_fn *fn;
		u16 where;
		u8 size;
		u32 val;
	} rows[] = {
		{ fn0, rid, 4, 0 },
		{ NULL, rid, 4, 0 },
		{ fn0, TEEMU_IDE + PCI_IDE_LINK_STREAM_0 + PCI_IDE_SEL_ADDR_1(1),
		  4, 0 },
		{ NULL, TEEMU_IDE + PCI_IDE_LINK_STREAM_0 + PCI_IDE_SEL_CTL, 4, 0 },
		{ NULL, PCI_COMMAND, 2, 0 },
		{ NULL, PCI_MEMORY_LIMIT, 2, 0 },
		{ NULL, PCI_SUBORDINATE_BUS, 1, 9 },
	};

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		teemu_cfg_power_on(b->rc);
		teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		teemu_cfg_write(b->rc, NULL, PCI_COMMAND, 2,
				PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		KUNIT_ASSERT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
		ide_up(test, 5);
		KUNIT_ASSERT_EQ(test, lock_with(test, 0, 5, 0), 0);
		teemu_cfg_write(b->rc, rows[i].fn, rows[i].where, rows[i].size,
				rows[i].val);
		KUNIT_EXPECT_EQ_MSG(test, state(test), TDISP_STATE_ERROR,
				    "write of %#x to %#x", rows[i].val,
				    rows[i].where);
	}
}

static size_t spdm(struct kunit *test, const void *req, size_t len)
{
	struct bench *b = test->priv;

	memset(b->rsp, 0, sizeof(b->rsp));
	b->len = teemu_spdm_respond(b->rc, req, len, b->rsp, sizeof(b->rsp));
	return b->len;
}

static void dsm_spdm_envelope(struct kunit *test)
{
	struct bench *b = test->priv;
	struct {
		struct spdm_vendor_hdr spdm;
		struct tdisp_hdr tdisp;
		u8 pad[8];
	} __packed req = {
		.spdm.spdm = { SPDM_VERSION_1_2, SPDM_VENDOR_DEFINED_REQ },
		.spdm.standard_id = cpu_to_le16(SPDM_STANDARD_PCI_SIG),
		.spdm.vendor_id_len = 2,
		.spdm.vendor_id = cpu_to_le16(1),
		.spdm.payload_len = cpu_to_le16(1 + sizeof(struct tdisp_hdr)),
		.spdm.protocol = SPDM_PROTOCOL_TDISP,
		.tdisp = hdr_for(b, TDISP_GET_STATE),
	};
	const size_t len = sizeof(req.spdm) + sizeof(req.tdisp);
	const struct spdm_vendor_hdr *rsp = (void *)b->rsp;

	for (size_t pad = 0; pad <= 3; pad++) {
		KUNIT_EXPECT_EQ(test, spdm(test, &req, len + pad),
				sizeof(*rsp) + sizeof(struct tdisp_state_rsp));
		KUNIT_EXPECT_EQ(test, rsp->spdm.code, SPDM_VENDOR_DEFINED_RSP);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(rsp->payload_len),
				1 + sizeof(struct tdisp_state_rsp));
	}
	/* longer or shorter than it says */
	KUNIT_EXPECT_EQ(test, spdm(test, &req, len + 4), sizeof(rsp->spdm));
	KUNIT_EXPECT_EQ(test, rsp->spdm.param1, SPDM_ERR_INVALID_REQUEST);
	KUNIT_EXPECT_EQ(test, spdm(test, &req, len - 1), sizeof(rsp->spdm));
	KUNIT_EXPECT_EQ(test, rsp->spdm.param1, SPDM_ERR_INVALID_REQUEST);
	req.spdm.protocol = SPDM_PROTOCOL_IDE_KM;
	KUNIT_EXPECT_EQ(test, spdm(test, &req, len), sizeof(rsp->spdm));
	KUNIT_EXPECT_EQ(test, rsp->spdm.param1, SPDM_ERR_UNSUPPORTED);
}

static void dsm_certificate(struct kunit *test)
{
	struct bench *b = test->priv;
	struct spdm_get_certificate req = {
		.hdr = { SPDM_VERSION_1_2, SPDM_GET_CERTIFICATE },
		.length = cpu_to_le16(0xffff),
	};
	const struct spdm_certificate *rsp = (void *)b->rsp;
	u16 offset = 0, remainder;

	do {
		u16 portion;

		req.offset = cpu_to_le16(offset);
		spdm(test, &req, sizeof(req));
		KUNIT_ASSERT_EQ(test, rsp->hdr.code, SPDM_CERTIFICATE);
		portion = le16_to_cpu(rsp->portion);
		remainder = le16_to_cpu(rsp->remainder);
		KUNIT_ASSERT_GT(test, portion, 0);
		KUNIT_ASSERT_EQ(test, offset + portion + remainder,
				TEEMU_CERT_SIZE);
		KUNIT_EXPECT_MEMEQ(test, rsp->bytes, b->rc->cert + offset,
				   portion);
		offset += portion;
	} while (remainder);

	req.offset = cpu_to_le16(TEEMU_CERT_SIZE);
	KUNIT_EXPECT_EQ(test, spdm(test, &req, sizeof(req)), sizeof(rsp->hdr));
	req.offset = 0;
	req.hdr.param1 = 1;
	KUNIT_EXPECT_EQ(test, spdm(test, &req, sizeof(req)), sizeof(rsp->hdr));
	KUNIT_EXPECT_EQ(test, rsp->hdr.param1, SPDM_ERR_INVALID_REQUEST);
}

static struct kunit_case teemu_dsm_cases[] = {
	KUNIT_CASE(dsm_states),
	KUNIT_CASE(dsm_nonce),
	KUNIT_CASE(dsm_bad_requests),
	KUNIT_CASE(dsm_interfaces),
	KUNIT_CASE(dsm_lock_refusals),
	KUNIT_CASE(dsm_report_layout),
	KUNIT_CASE(dsm_report_portions),
	KUNIT_CASE(dsm_config_changes),
	KUNIT_CASE(dsm_msix_locked),
	KUNIT_CASE(dsm_resets),
	KUNIT_CASE(dsm_scrubs),
	KUNIT_CASE(dsm_ide_lock),
	KUNIT_CASE(dsm_ide_scrubs),
	KUNIT_CASE(dsm_session_lost),
	KUNIT_CASE(dsm_ide_changes),
	KUNIT_CASE(dsm_spdm_envelope),
	KUNIT_CASE(dsm_certificate),
	{}
};

static struct kunit_suite teemu_dsm_suite = {
	.name = "teemu_dsm",
	.init = teemu_bench_init,
	.exit = teemu_bench_exit,
	.test_cases = teemu_dsm_cases,
};

kunit_test_suite(teemu_dsm_suite);
