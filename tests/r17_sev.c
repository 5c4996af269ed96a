// SPDX-License-Identifier: GPL-2.0-only
/* R17 for AMD SEV-TIO; calls are commands of the ASP, and the CPU's RMPUPDATE */
#include "r17.h"

#define SNP_ACTIVATE		0x091
#define SNP_GCTX_CREATE		0x093
#define SNP_LAUNCH_FINISH	0x0a2
#define DEV_DISCONNECT		0x0d5
#define TDI_CREATE		0x0da
#define TDI_RECLAIM		0x0db
#define TDI_BIND		0x0dc
#define TDI_UNBIND		0x0dd
#define TDI_REPORT		0x0de
#define TDI_STATUS		0x0df
#define FENCE_CLEAR		0x0e1
#define FENCE_STATUS		0x0e2
#define RMPUPDATE		0x100

#define INVALID			0x16ULL		/* INVALID_PARAM */
#define LIMIT			0x17ULL		/* RESOURCE_LIMIT */
#define SPDM_ERROR		0x33ULL
#define IN_USE			0x3aULL
#define RMP_PERMISSION		0x80000002ULL
#define RMP_OVERLAP		0x80000004ULL

static const struct r17_table tables[] = {
	{ "tdis", false }, { "bound_tdis", false }, { "sdte", false },
	{ "rmp_io", false },
	{ "fenced_asids", true },
	{ }
};

static const struct refusal once[] = {
	/* the device has stopped, and is asked again */
	REFUSE(TDI_UNBIND, INVALID, 1, 1, CLEAN),
	REFUSE(TDI_UNBIND, SPDM_ERROR, 1, 1, CLEAN),
	/* a look that is refused takes nothing back of what STOP has said */
	REFUSE(TDI_STATUS, INVALID, 0, 1, CLEAN),
	REFUSE(TDI_STATUS, INVALID, 1, 1, CLEAN),
	REFUSE(TDI_RECLAIM, IN_USE, 0, 1, CLEAN),
	REFUSE(RMPUPDATE, RMP_PERMISSION, 0, 1, CLEAN),
	REFUSE(RMPUPDATE, RMP_PERMISSION, 3, 1, CLEAN),
	REFUSE(RMPUPDATE, RMP_OVERLAP, 0, 1, CLEAN),
};

static const struct refusal twice[] = {
	REFUSE(TDI_UNBIND, INVALID, 0, 2, CUT),
	/* the same, and the first try to cut is refused */
	REFUSE(TDI_UNBIND, INVALID, 0, 2, CUT,
	       .also = DEV_DISCONNECT, .also_status = IN_USE),
	/* by force as the second: the device has stopped after the first */
	REFUSE(TDI_UNBIND, INVALID, 1, 2, CLEAN),
	/* force is refused, too, and STOP is tried again */
	REFUSE(TDI_UNBIND, INVALID, 0, 3, CLEAN),
	REFUSE(TDI_RECLAIM, INVALID, 0, 2, CLEAN),
	REFUSE(FENCE_STATUS, INVALID, 0, 2, CLEAN),
	REFUSE(FENCE_CLEAR, INVALID, 0, 2, CLEAN),
	REFUSE(RMPUPDATE, RMP_PERMISSION, 0, 2, CLEAN),
	REFUSE(RMPUPDATE, RMP_PERMISSION, 4, 2, CLEAN),
	REFUSE(RMPUPDATE, RMP_OVERLAP, 5, 6, CLEAN),
};

/* the fence stays up: of the guest, not of the TDI */
static const struct refusal late[] = {
	REFUSE(FENCE_STATUS, INVALID, 0, 3, LATE),
	REFUSE(FENCE_CLEAR, INVALID, 0, 3, LATE),
};

/* those of the guest first: it stays once it is there */
static const struct refusal bind[] = {
	REFUSE(SNP_GCTX_CREATE, INVALID, 0, 1, CLEAN),
	REFUSE(SNP_ACTIVATE, INVALID, 0, 1, CLEAN),
	REFUSE(SNP_LAUNCH_FINISH, INVALID, 0, 1, CLEAN),
	REFUSE(SNP_GCTX_CREATE, LIMIT, 0, 4, CLEAN, .err = -ENOMEM),
	REFUSE(TDI_CREATE, INVALID, 0, 1, CLEAN),
	REFUSE(TDI_CREATE, LIMIT, 0, 4, CLEAN, .err = -ENOMEM),
	REFUSE(TDI_BIND, INVALID, 0, 1, CLEAN),
	/* LOCK was answered and firmware does not have it as bound */
	REFUSE(TDI_BIND, INVALID, 1, 1, LOCKED),
	REFUSE(TDI_REPORT, INVALID, 0, 1, CLEAN),
	REFUSE(TDI_REPORT, INVALID, 1, 1, CLEAN),
	REFUSE(TDI_REPORT, SPDM_ERROR, 0, 1, CLEAN, .err = -EBADMSG),
	REFUSE(FENCE_STATUS, INVALID, 0, 1, CLEAN),
	REFUSE(FENCE_CLEAR, INVALID, 0, 1, CLEAN),
};

static const struct manner manners[] = {
	MANNER("silent", false, "ERROR"),
	MANNER("garbage", false, "ERROR"),
	MANNER("lost", false, "CONFIG_UNLOCKED"),
	MANNER("silent", false, "CONFIG_UNLOCKED", .once = true),
	MANNER("lost", false, "CONFIG_UNLOCKED", .once = true),
	MANNER("normal", true, "CONFIG_UNLOCKED"),
	MANNER("lost", true, "CONFIG_UNLOCKED"),
	MANNER("silent", false, "ERROR",
	       .refused = REFUSE(DEV_DISCONNECT, IN_USE, 0, 3, CUT)),
};

const struct r17_vendor r17_sev = {
	.name = "sev",
	.tables = tables,
	.once = ROWS(once),
	.twice = ROWS(twice),
	.late = ROWS(late),
	/* three tries of the unbind, one of the bind, three of its undoing */
	.later = REFUSE(FENCE_CLEAR, INVALID, 0, 7, LATE),
	.later_table = "fenced_asids",
	.bind = ROWS(bind),
	.manners = ROWS(manners),
	.stay = REFUSE(TDI_RECLAIM, INVALID, 0, 2, CLEAN),
	.keep_bind = REFUSE(TDI_REPORT, INVALID, 0, 1, CLEAN, .also = TDI_RECLAIM,
			    .also_status = INVALID, .also_count = FOR_EVER),
	.has_escape = true,
	.unbind_ms = 5300,
	.invalid = INVALID,
};
