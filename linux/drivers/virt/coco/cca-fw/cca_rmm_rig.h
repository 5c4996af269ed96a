/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rig of the KUnit tests: a model, a platform that counts how it is driven, and
 * a device that answers SPDM and TDISP. Addresses are numbers: the model never
 * touches a granule, so nothing is allocated for them.
 */
#ifndef __CCA_RMM_RIG_H
#define __CCA_RMM_RIG_H

#include <kunit/test.h>

#include "rmm.h"

#define RIG_STREAM		5
#define RIG_PORT_RID		0x0008
#define RIG_RID			0x0100
#define RIG_MEM_IPA		0x00400000ULL
#define RIG_MMIO_IPA		0x80000000ULL
#define RIG_MMIO_PA		0x4070000000ULL	/* of the first function */
#define RIG_MMIO_STEP		0x40000000ULL	/* to the next one's */
#define RIG_MMIO_PAGES		4
#define RIG_MMIO_SIZE		(RIG_MMIO_PAGES * CCA_GRANULE)
#define RIG_CHAIN_SIZE		1500		/* two portions and a bit */

/* how the device misbehaves */
enum rig_fault {
	RIG_OK,
	RIG_SILENT,		/* nothing comes: the host says so */
	RIG_EMPTY,		/* an answer of no bytes */
	RIG_NOISE,
	RIG_WRONG_TYPE,
	RIG_WRONG_FUNCTION,
	RIG_TDISP_ERROR,
	RIG_NR_FAULTS,
};

struct rig_tdi {
	u16 rid;
	enum tdisp_state state;
	u8 nonce;
	bool stuck;		/* answers well and does not move */
};

struct rig_realm {
	u64 rd;
	u64 root;
	u64 rec;
	u64 data;		/* the granule at RIG_MEM_IPA, or 0 */
};

struct rig {
	struct cca_rmm *rmm;
	u64 next_granule;
	u64 port;
	u64 ep;
	u64 stream;
	struct rig_realm realm[2];
	struct rig_tdi tdi[2];
	u64 vdev[2];
	enum rig_fault fault;
	bool measures;		/* the device answers GET_MEASUREMENTS */
	u8 chain[RIG_CHAIN_SIZE];
	u16 chain_portion;
	u8 report[64];
	u16 report_len;
	u16 report_portion;
	u8 cache[3][2048];	/* by enum rmi_cache_object */
	u32 cache_len[3];
	u32 rounds;		/* messages that reached the device */
	int keys;		/* -1: never set, else the last go */
	u32 invalidations;
	u16 invalidated;
};

/*
 * Calls with a known answer. OK: success. REFUSED: @want, nothing changed.
 * VIOLATES: REFUSED and counted as the host's mistake; HARMLESS: not counted.
 */
#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), RMI_SUCCESS)

#define REFUSED(want, call)						\
do {									\
	u64 __before = rig_digest(rig->rmm);				\
									\
	KUNIT_EXPECT_EQ(test, (u64)(call), (u64)(want));		\
	KUNIT_EXPECT_EQ(test, rig_digest(rig->rmm), __before);		\
} while (0)

#define __COUNTED(want, call, more)					\
do {									\
	u64 __violations = tio_violations(&rig->rmm->ref);		\
									\
	REFUSED(want, call);						\
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->rmm->ref),		\
			__violations + (more));				\
} while (0)

#define VIOLATES(want, call)	__COUNTED(want, call, 1)
#define HARMLESS(want, call)	__COUNTED(want, call, 0)

int rig_init(struct kunit *test);
void rig_exit(struct kunit *test);
u64 rig_digest(struct cca_rmm *rmm);
u64 rig_granule(struct rig *rig);	/* delegated */
u64 rig_ns(struct rig *rig);		/* the host's */
u64 rig_mmio_pa(int dev);
u64 rig_mmio_ipa(int dev);

/* COMMUNICATE until it is over; what ended it */
u64 rig_talk_pdev(struct rig *rig, u64 pdev);
u64 rig_talk(struct rig *rig, int realm, int dev);
/* one step: send what is in @comm, and give the answer in */
u64 rig_step(struct rig *rig, int realm, int dev, struct rmi_comm *comm);
size_t rig_answer(struct rig *rig, const u8 *msg, u8 *rsp);

/* each builds on those above it */
void rig_build_pdevs(struct kunit *test);	/* both READY */
void rig_build_stream(struct kunit *test);
void rig_build_realm(struct kunit *test, int realm);
void rig_params(struct rig *rig, int dev, struct rmi_vdev_params *params);
void rig_build_vdev(struct kunit *test, int dev, int realm);	/* UNLOCKED */
void rig_lock(struct kunit *test, int dev, int realm);
void rig_report(struct kunit *test, int dev, int realm);
void rig_tables(struct kunit *test, int realm, u64 ipa);
void rig_delegate_mmio(struct kunit *test, int dev);
void rig_map(struct kunit *test, int dev, int realm);
void rig_accept(struct kunit *test, int dev, int realm);
void rig_start(struct kunit *test, int dev, int realm);
void rig_dma(struct kunit *test, int dev, int realm);
void rig_add_mem(struct kunit *test, int realm);
void rig_run(struct kunit *test, int dev, int realm);	/* all of it */

/* and their inverses */
void rig_unmap(struct kunit *test, int dev, int realm);
void rig_unlock(struct kunit *test, int dev, int realm);
void rig_destroy_vdev(struct kunit *test, int dev, int realm);
void rig_del_tables(struct kunit *test, int realm, u64 ipa);
void rig_del_mem(struct kunit *test, int realm);
void rig_del_realm(struct kunit *test, int realm);
void rig_del_stream(struct kunit *test);
void rig_del_pdevs(struct kunit *test);
void rig_expect_empty(struct kunit *test);

/* the realm's calls, the host doing its part; what the realm gets */
u64 rig_info(struct rig *rig, int realm, int dev, struct rsi_vdev_info *info);
u64 rig_ask_map(struct rig *rig, int realm, int dev, u64 pa,
		struct rmi_rec_exit *exit);	/* up to VDEV_MAP */
u64 rig_dma_enable(struct rig *rig, int realm, int dev,
		   const struct rsi_vdev_nonces *nonces);
u64 rig_dma_disable(struct rig *rig, int realm, int dev);
int rig_tdma(struct rig *rig, u16 rid, u64 gpa, u64 *hpa);

#endif /* __CCA_RMM_RIG_H */
