/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rig of the KUnit tests: a model, a platform that counts how it is driven, and
 * a device with two functions that answers SPDM and TDISP. Addresses are numbers: the
 * model never touches a page, so nothing is allocated for them.
 */
#ifndef __SEV_FW_RIG_H
#define __SEV_FW_RIG_H

#include <kunit/test.h>

#include "fw.h"

#define SR_NR			2	/* functions, guests */
#define SR_DEV			0x00100000ULL
#define SR_DEV2			0x00101000ULL
#define SR_TDI(n)		(0x00110000ULL + (n) * PAGE_SIZE)
#define SR_GCTX(n)		(0x00120000ULL + (n) * PAGE_SIZE)
#define SR_NO_CTX		0x00130000ULL
#define SR_ASID(n)		(5 + (n))
#define SR_RID(n)		(0x0100 + (n))
#define SR_GUEST_RID(n)		(0x0010 + (n))
#define SR_STREAM		5
#define SR_OFFSET		0xffffd00000000000ULL
#define SR_BAR(n)		(0x70000000ULL + (n) * 0x01000000ULL)
#define SR_BAR_PAGES		4	/* TEE memory: range 0 */
#define SR_PLAIN_PAGE		8	/* not TEE memory: range 1, one page */
#define SR_MMIO_GPA(n)		(0x80000000ULL + (n) * 0x01000000ULL)
#define SR_GPA			0x00400000ULL
#define SR_HPA(n)		(0x50000000ULL + (n) * 0x01000000ULL)
#define SR_CHAIN_SIZE		700
#define SR_RSP_SIZE		512

/* how the device misbehaves, from now on */
enum sr_fault {
	SR_OK,
	SR_SILENT,		/* nothing comes */
	SR_NOISE,
	SR_SHORT,
	SR_REFUSES,		/* TDISP_ERROR, SPDM_ERROR */
	SR_OTHER_FUNCTION,
	SR_TOO_MUCH,		/* more than was asked for */
	SR_HUGE,		/* more than there is room for */
	SR_NR_FAULTS,
};

/* @wrong_report: it says how many ranges it likes */
struct sr_fn {
	enum tdisp_state state;
	u64 offset;
	u8 nonce;
	u16 attributes;
	bool wrong_report;
};

struct sr {
	struct kunit *test;
	struct sev_fw *fw;
	enum sr_fault fault;
	u32 questions;
	u8 chain[SR_CHAIN_SIZE];
	u16 portion;		/* most bytes of chain or report in one answer */
	struct sr_fn fn[SR_NR];
	u8 rsp[2 * SR_RSP_SIZE];
	u8 out[SR_CHAIN_SIZE];
	size_t out_size;
	size_t out_len;
	u8 told;		/* of TDI_STATUS */
	int keys;		/* -1: never driven, else the last go */
	u32 keys_driven;
	void (*while_keys)(struct sr *rig);
};

/* commands that have a loop */
enum sr_nr {
	SR_CONNECT,
	SR_DISCONNECT,
	SR_CERTS,
	SR_MEASURE,
	SR_ROLL,
	SR_LOCK,
	SR_RUN,
	SR_UNBIND,
	SR_REPORT,
	SR_STATUS,
};

/* one of them, about function and guest */
struct sr_cmd {
	enum sr_nr nr;
	int fn;
	int guest;
};

#define CMD(...)	(&(const struct sr_cmd){ __VA_ARGS__ })

/*
 * Calls with a known answer. OK: success. VIOLATES: that status, counted once as the
 * host's mistake, nothing changed; HARMLESS: not counted, nothing changed.
 */
#define OK(call)	KUNIT_ASSERT_EQ(test, (u64)(call), SEV_SUCCESS)

#define REFUSED(want, mistakes, call)					\
do {									\
	u64 __violations = tio_violations(&rig->fw->ref);		\
	char *__before = sr_digest(rig);				\
									\
	KUNIT_EXPECT_EQ(test, (u64)(call), (u64)(want));		\
	KUNIT_EXPECT_STREQ(test, sr_digest(rig), __before);		\
	KUNIT_EXPECT_EQ(test, tio_violations(&rig->fw->ref),		\
			__violations + (mistakes));			\
} while (0)

#define VIOLATES(want, call)	REFUSED(want, 1, call)
#define HARMLESS(want, call)	REFUSED(want, 0, call)

int sr_init(struct kunit *test);
void sr_exit(struct kunit *test);
/* all that a call can change, as text; freed with the test */
char *sr_digest(struct sr *rig);
/* a line of the tables is there, "name count" */
void sr_expect_table(struct sr *rig, const char *line);
void sr_expect_empty(struct sr *rig);

/* one call, and a whole loop through the device; the last status */
u64 sr_issue(struct sr *rig, const struct sr_cmd *cmd, struct sev_spdm *spdm);
u64 sr_first(struct sr *rig, const struct sr_cmd *cmd);
u64 sr_loop(struct sr *rig, const struct sr_cmd *cmd);
/* the device's answer to spdm->req, filled in for the next turn */
void sr_answer(struct sr *rig, struct sev_spdm *spdm);

/* each builds on those above it */
void sr_connect(struct kunit *test);
void sr_guest(struct kunit *test, int guest);
void sr_create(struct kunit *test, int fn);
void sr_lock(struct kunit *test, int fn, int guest);
void sr_assign(struct kunit *test, int fn, int guest);
void sr_run(struct kunit *test, int fn, int guest);
void sr_accept(struct kunit *test, int fn, int guest);
void sr_memory(struct kunit *test, int guest);
void sr_up(struct kunit *test, int fn, int guest);

/* and their inverses */
void sr_unbind(struct kunit *test, int fn, int guest);
void sr_reclaim(struct kunit *test, int fn);
void sr_unfence(struct kunit *test, int guest);
void sr_share(struct kunit *test, int fn);
void sr_forget_memory(struct kunit *test, int guest);
void sr_end_guest(struct kunit *test, int guest);
void sr_disconnect(struct kunit *test);

/* RMPUPDATE of page @page of function @fn's BAR */
u64 sr_rmp(struct sr *rig, int fn, u32 page, u32 asid, u64 gpa, bool immutable);
u64 sr_rmp_share(struct sr *rig, int fn, u32 page);
/* the guest's messages: their status, or SR_REFUSED | the command's */
#define SR_REFUSED	0x10000
u32 sr_validate(struct sr *rig, int fn, int guest, u32 page, u32 pages, bool on);
u32 sr_message(struct sr *rig, int fn, int guest, const struct sev_guest_msg *msg);
u32 sr_sdte(struct sr *rig, int fn, int guest, u32 valid);
int sr_dma(struct sr *rig, int fn, u64 gpa, u64 *hpa);
bool sr_accepted(struct sr *rig, int fn, int guest, u32 page);

#endif /* __SEV_FW_RIG_H */
