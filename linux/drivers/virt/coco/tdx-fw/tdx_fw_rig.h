/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rig of the KUnit tests: a model, a platform that counts how it is driven, and
 * a device that answers TDISP. Addresses are numbers: the model never touches a
 * page, so nothing is allocated for them.
 */
#ifndef __TDX_FW_RIG_H
#define __TDX_FW_RIG_H

#include <kunit/test.h>

#include "fw.h"

#define RIG_IOMMU		0
#define RIG_STREAM		5
#define RIG_SPDM		7
#define RIG_RID			0x0100
#define RIG_RID2		0x0101
#define RIG_OFFSET		0xffffd00000000000ULL
#define RIG_GPA			0x00400000ULL	/* memory */
#define RIG_HPA			0x50000000ULL
#define RIG_MMIO_GPA		0x80000000ULL
#define RIG_MMIO_HPA		0x70000000ULL
#define RIG_BIG_GPA		0x140000000ULL	/* 1 GiB aligned */
#define RIG_BIG_HPA		0xc0c0000000ULL
#define RIG_MSG_MAX		512
#define RIG_WRAP_SIZE		sizeof(struct spdm_vendor_hdr)

/* how the device misbehaves */
enum tdx_fault {
	RIG_OK,
	RIG_SILENT,		/* nothing comes */
	RIG_PADDED,		/* DOE padding: legal */
	RIG_SHORT,
	RIG_LONG,
	RIG_NOISE,
	RIG_WRONG_TYPE,
	RIG_WRONG_FUNCTION,
	RIG_WRONG_VERSION,
	RIG_WRONG_PROTOCOL,
	RIG_SPDM_ERROR,
	RIG_TDISP_ERROR,
	RIG_NR_FAULTS,
};

struct tdx_dev {
	u16 rid;
	enum tdisp_state state;
	u64 offset;
	u8 nonce;
	u16 portion;		/* most report bytes in one answer */
	struct tdisp_report report;
	u16 range_attr;
	enum tdx_fault fault;
};

struct tdx_td {
	u64 tdr;
	u64 tdcs[TDX_FW_MIN_TDCS];
	u64 vp;
	u64 sept[4];
	int nr_sept;
};

struct rig {
	struct tdx_fw *fw;
	u64 next_page;
	struct tdx_td td[2];
	struct tdx_dev dev[2];
	u64 devif[2];
	struct tdx_devif_pages pages[2];
	u8 pkh[TDX_FW_PKH_SIZE];
	int keys;		/* -1: never set, else the last go */
	u32 invalidations;
	u16 invalidated;
	void (*while_invalidating)(struct kunit *test);
	struct kunit *test;
};

/*
 * Calls with a known answer. OK: success. REFUSED: @want, nothing changed.
 * VIOLATES: REFUSED and counted as the host's mistake; HARMLESS: not counted.
 */
#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), TDX_SUCCESS)

#define REFUSED(want, call)						\
do {									\
	u64 __before = tdx_digest(rig->fw);				\
									\
	KUNIT_EXPECT_EQ(test, TDX_CLASS(call), want);			\
	KUNIT_EXPECT_EQ(test, tdx_digest(rig->fw), __before);		\
} while (0)

#define VIOLATES(want, call)						\
do {									\
	u64 __violations = tdx_fw_violations(rig->fw);			\
									\
	REFUSED(want, call);						\
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), __violations + 1); \
} while (0)

#define HARMLESS(want, call)						\
do {									\
	u64 __violations = tdx_fw_violations(rig->fw);			\
									\
	REFUSED(want, call);						\
	KUNIT_EXPECT_EQ(test, tdx_fw_violations(rig->fw), __violations); \
} while (0)

int tdx_init(struct kunit *test);
void tdx_exit(struct kunit *test);
u64 tdx_digest(struct tdx_fw *fw);
u64 tdx_page(struct rig *rig);

/* each builds on those above it */
void tdx_build_td(struct kunit *test, int n);
void tdx_build_stream(struct kunit *test);
void tdx_build_devif(struct kunit *test, int dev, int td);
void tdx_lock(struct kunit *test, int dev);
void tdx_accept(struct kunit *test, int dev, int td);
void tdx_add_dma(struct kunit *test, int dev);
void tdx_add_sept(struct kunit *test, int td, u64 gpa);
void tdx_add_mem(struct kunit *test, int td);
void tdx_add_mmiomt(struct kunit *test, u64 hpa, unsigned int level);
void tdx_add_mmio(struct kunit *test, int dev, int td);
void tdx_start(struct kunit *test, int dev, int td);
void tdx_run(struct kunit *test, int dev, int td);

/* and their inverses */
void tdx_stop(struct kunit *test, int dev);
void tdx_block_mmio(struct kunit *test, int td);
void tdx_track(struct kunit *test, int td);
void tdx_unmap_mmio(struct kunit *test, int td);
void tdx_del_mmiomt(struct kunit *test);
void tdx_del_dma(struct kunit *test, int dev, int td);
void tdx_del_devifmt(struct kunit *test);
void tdx_del_td(struct kunit *test, int n);
void tdx_del_stream(struct kunit *test);
void tdx_expect_empty(struct kunit *test);

/* one TDISP round through the device; the status of the response */
u64 tdx_vmm_round(struct rig *rig, int dev, u8 type);
u64 tdx_td_round(struct rig *rig, int dev, int td, u8 type, u16 offset,
		 struct tdx_devif_result *result);
size_t tdx_answer(struct tdx_dev *dev, const u8 *msg, u8 *rsp);
int tdx_tdma(struct rig *rig, u16 rid, u64 gpa, u64 *hpa);

#endif /* __TDX_FW_RIG_H */
