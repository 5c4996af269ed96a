/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * teemu: what the KUnit suites stand on: a root complex on the bench. Config space
 * and DSM are the real ones, BAR memory is vmalloc'ed, there is no PCI bus, no
 * engine and no IOMMU.
 */
#ifndef __TEEMU_BENCH_KUNIT_H
#define __TEEMU_BENCH_KUNIT_H

#include <kunit/test.h>
#include <linux/pci_regs.h>
#include <linux/vmalloc.h>

#include "rc.h"

#define BENCH_BASE	0x70000000
#define BENCH_VFS	(BENCH_BASE + 3 * TEEMU_BAR_MEM_SIZE)
#define BENCH_OFFSET	0x100000000000ULL
#define BENCH_MAX	(sizeof(struct spdm_vendor_hdr) + TEEMU_DSM_MAX_RSP)

/**
 * struct bench - what every test has
 * @rc: the root complex
 * @fn: the function under test
 * @bar: BAR memory
 * @rsp: the last answer
 * @len: its length
 * @nonce: of the last successful LOCK
 */
struct bench {
	struct teemu_rc *rc;
	struct teemu_fn *fn;
	void *bar[TEEMU_NR_BARS];
	u8 rsp[BENCH_MAX];
	size_t len;
	u8 nonce[TDISP_NONCE_SIZE];
};

static inline void teemu_bench_exit(struct kunit *test)
{
	struct bench *b = test->priv;

	if (!b)
		return;
	if (b->rc)
		teemu_rc_free(b->rc);
	for (int i = 0; i < TEEMU_NR_BARS; i++)
		vfree(b->bar[i]);
}

/* all functions share it: only one is under test; addresses differ */
static inline void bench_memory(struct bench *b, struct teemu_fn *fn)
{
	fn->regs = (void __iomem __force *)b->bar[0];
	fn->mem = (void __iomem __force *)b->bar[1];
	fn->msix = (void __iomem __force *)b->bar[2];
	if (fn->vf) {
		fn->bar_phys[0] = BENCH_VFS + fn->vf_index * fn->bar_size[0];
		fn->bar_phys[1] = BENCH_VFS + SZ_1M +
				  fn->vf_index * fn->bar_size[1];
		fn->bar_phys[2] = BENCH_VFS + SZ_256K +
				  fn->vf_index * fn->bar_size[2];
	} else {
		fn->bar_phys[0] = BENCH_BASE + 2 * TEEMU_BAR_MEM_SIZE;
		fn->bar_phys[1] = BENCH_BASE;
		fn->bar_phys[2] = fn->bar_phys[0] + TEEMU_BAR_REGS_SIZE;
	}
}

static inline int teemu_bench_init(struct kunit *test)
{
	static const size_t size[] = {
		TEEMU_BAR_REGS_SIZE, TEEMU_BAR_MEM_SIZE, TEEMU_BAR_MSIX_SIZE,
	};
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	test->priv = b;
	b->rc = teemu_rc_alloc("bench");
	KUNIT_ASSERT_NOT_NULL(test, b->rc);
	b->rc->window.start = BENCH_BASE;
	b->rc->window.end = BENCH_BASE + SZ_64M - 1;
	for (int i = 0; i < TEEMU_NR_BARS; i++) {
		b->bar[i] = vzalloc(size[i]);
		KUNIT_ASSERT_NOT_NULL(test, b->bar[i]);
	}
	for (int i = 0; i < TEEMU_NR_FNS; i++)
		bench_memory(b, &b->rc->fn[i]);
	b->fn = &b->rc->fn[1];
	teemu_cfg_power_on(b->rc);
	teemu_cfg_write(b->rc, b->fn, PCI_COMMAND, 2,
			PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static inline struct tdisp_hdr hdr_for(struct bench *b, u8 type)
{
	return (struct tdisp_hdr) {
		.version = TDISP_VERSION_1_0,
		.type = type,
		.function_id = cpu_to_le32(b->fn->rid),
	};
}

/* Send a message; 0 for the right response, the code of a TDISP_ERROR. */
static inline u32 send(struct kunit *test, const void *req, size_t len)
{
	struct bench *b = test->priv;
	const struct tdisp_hdr *in = req, *out = (void *)b->rsp;
	const struct tdisp_error_rsp *err = (void *)b->rsp;

	memset(b->rsp, 0xee, sizeof(b->rsp));
	b->len = teemu_dsm_respond(b->rc, req, len, b->rsp, sizeof(b->rsp));
	KUNIT_ASSERT_GE(test, b->len, sizeof(*out));
	KUNIT_EXPECT_EQ(test, out->version, TDISP_VERSION_1_0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(out->function_id),
			le32_to_cpu(in->function_id));
	if (out->type != TDISP_ERROR) {
		KUNIT_EXPECT_EQ(test, out->type, TDISP_RESPONSE(in->type));
		return 0;
	}
	KUNIT_EXPECT_EQ(test, b->len, sizeof(*err));
	return le32_to_cpu(err->code);
}

static inline u32 lock_with(struct kunit *test, u16 flags, u8 stream, u64 offset)
{
	struct bench *b = test->priv;
	struct tdisp_lock_req req = {
		.hdr = hdr_for(b, TDISP_LOCK_INTERFACE),
		.flags = cpu_to_le16(flags),
		.stream_id = stream,
		.mmio_reporting_offset = cpu_to_le64(offset),
	};
	u32 err = send(test, &req, sizeof(req));

	if (!err) {
		KUNIT_EXPECT_EQ(test, b->len, sizeof(struct tdisp_lock_rsp));
		memcpy(b->nonce, ((struct tdisp_lock_rsp *)b->rsp)->nonce,
		       sizeof(b->nonce));
	}
	return err;
}

static inline u32 lock(struct kunit *test)
{
	return lock_with(test, TDISP_LOCK_NO_FW_UPDATE, 0, BENCH_OFFSET);
}

static inline u32 start(struct kunit *test)
{
	struct bench *b = test->priv;
	struct tdisp_start_req req = { .hdr = hdr_for(b, TDISP_START_INTERFACE) };

	memcpy(req.nonce, b->nonce, sizeof(req.nonce));
	return send(test, &req, sizeof(req));
}

static inline u32 plain(struct kunit *test, u8 type)
{
	struct tdisp_hdr req = hdr_for(test->priv, type);

	return send(test, &req, sizeof(req));
}

static inline u32 caps(struct kunit *test)
{
	struct {
		struct tdisp_hdr hdr;
		__le32 tsm_caps;
	} __packed req = { .hdr = hdr_for(test->priv, TDISP_GET_CAPABILITIES) };

	return send(test, &req, sizeof(req));
}

static inline u32 report(struct kunit *test, u16 offset, u16 length)
{
	struct tdisp_report_req req = {
		.hdr = hdr_for(test->priv, TDISP_GET_REPORT),
		.offset = cpu_to_le16(offset),
		.length = cpu_to_le16(length),
	};

	return send(test, &req, sizeof(req));
}

static inline enum tdisp_state state(struct kunit *test)
{
	struct bench *b = test->priv;

	KUNIT_ASSERT_EQ(test, plain(test, TDISP_GET_STATE), 0);
	KUNIT_ASSERT_EQ(test, b->len, sizeof(struct tdisp_state_rsp));
	return ((struct tdisp_state_rsp *)b->rsp)->state;
}

static inline void go_to(struct kunit *test, enum tdisp_state to)
{
	struct bench *b = test->priv;

	KUNIT_ASSERT_EQ(test, plain(test, TDISP_STOP_INTERFACE), 0);
	if (to != TDISP_CONFIG_UNLOCKED)
		KUNIT_ASSERT_EQ(test, lock(test), 0);
	if (to == TDISP_RUN)
		KUNIT_ASSERT_EQ(test, start(test), 0);
	if (to == TDISP_STATE_ERROR)
		teemu_fn_fail(b->fn, "test");
	KUNIT_ASSERT_EQ(test, state(test), to);
}

static inline u32 send_type(struct kunit *test, u8 type)
{
	switch (type) {
	case TDISP_GET_CAPABILITIES:
		return caps(test);
	case TDISP_LOCK_INTERFACE:
		return lock(test);
	case TDISP_GET_REPORT:
		return report(test, 0, 0xffff);
	case TDISP_START_INTERFACE:
		return start(test);
	default:
		return plain(test, type);
	}
}

static inline void expect_range(struct kunit *test,
				const struct tdisp_mmio_range *r, u64 addr,
				u32 pages, u16 attributes, u16 id)
{
	KUNIT_EXPECT_EQ(test, le64_to_cpu(r->first_page),
			(addr + BENCH_OFFSET) >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(r->pages), pages);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(r->attributes), attributes);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(r->range_id), id);
}

static inline void soil(struct bench *b)
{
	memset(b->bar[0] + SZ_4K, 0x5a, TEEMU_BAR_REGS_SIZE - SZ_4K);
	memset(b->bar[1], 0x5a, TEEMU_BAR_MEM_SIZE);
	memset(b->bar[2], 0x5a, TEEMU_BAR_MSIX_SIZE);
}

static inline void expect_scrubbed(struct kunit *test)
{
	struct bench *b = test->priv;

	KUNIT_EXPECT_TRUE(test, mem_is_zero(b->bar[0] + SZ_4K,
					    TEEMU_BAR_REGS_SIZE - SZ_4K));
	KUNIT_EXPECT_TRUE(test, mem_is_zero(b->bar[1], TEEMU_BAR_MEM_SIZE));
	KUNIT_EXPECT_TRUE(test, mem_is_zero(b->bar[2] + SZ_8K,
					    TEEMU_BAR_MSIX_SIZE - SZ_8K));
	/* MSI-X table and PBA are the host's */
	KUNIT_EXPECT_FALSE(test, mem_is_zero(b->bar[2], SZ_8K));
}

#endif /* __TEEMU_BENCH_KUNIT_H */
