// SPDX-License-Identifier: GPL-2.0-only
/* R17 for Intel TDX Connect; calls are leaves of the TDX module */
#include "r17.h"

#define MEM_TRACK	38
#define DEVIF_CREATE	137
#define DEVIF_REMOVE	138
#define DEVIF_REQUEST	139
#define DEVIF_RESPONSE	140
#define DMAR_ADD	150
#define DMAR_BLOCK	151
#define DMAR_READ	152
#define DMAR_REMOVE	153
#define MMIO_MT_ADD	154
#define MMIO_MT_SET	155
#define MMIO_MT_REMOVE	157
#define MMIO_BLOCK	159
#define MMIO_UNMAP	160
#define IQ_REQUEST	161
#define IQ_PROCESS	162
#define DEVIF_MT_ADD	164
#define DEVIF_MT_REMOVE	165

#define INVALID		0xc000010000000000ULL
#define BUSY		0x8000020000000000ULL
#define NOT_STOPPED	0xc0000f1000000000ULL	/* DEVIF_TDISP_INVALID_STATE */

static const struct r17_table tables[] = {
	{ "devifs", false }, { "mmio_mapped", false },
	{ "dmar", true },
	{ "devifmt", true }, { "mmiomt", true },
	{ }
};

static const struct refusal once[] = {
	REFUSE(DEVIF_RESPONSE, BUSY, 0, 1, CLEAN),
	REFUSE(MMIO_BLOCK, BUSY, 3, 1, CLEAN),
	REFUSE(MMIO_UNMAP, NOT_STOPPED, 0, 1, CLEAN),
	REFUSE(DMAR_READ, INVALID, 1, 1, CLEAN),
	REFUSE(DMAR_REMOVE, INVALID, 2, 1, CLEAN),
	REFUSE(DEVIF_REMOVE, BUSY, 0, 1, CLEAN),
};

static const struct refusal twice[] = {
	REFUSE(DEVIF_REQUEST, INVALID, 0, 2, CUT),
	REFUSE(DEVIF_RESPONSE, INVALID, 0, 2, CLEAN),
	REFUSE(MMIO_BLOCK, INVALID, 0, 2, CLEAN),
	REFUSE(MEM_TRACK, INVALID, 0, 2, CLEAN),
	REFUSE(IQ_PROCESS, INVALID, 0, 2, CLEAN),
	REFUSE(MMIO_UNMAP, INVALID, 0, 2, CLEAN),
	/* the stream is cut here too, but the TDI has stopped before */
	REFUSE(MMIO_UNMAP, NOT_STOPPED, 0, 2, CLEAN),
	REFUSE(MMIO_MT_SET, INVALID, 3, 2, CLEAN),
	REFUSE(DMAR_BLOCK, INVALID, 1, 2, CLEAN),
	REFUSE(DMAR_REMOVE, INVALID, 0, 2, CLEAN),
	REFUSE(DEVIF_REMOVE, NOT_STOPPED, 0, 2, CLEAN),
};

/* the root entry stays, blocked; so does what describes the BARs and the bus */
static const struct refusal late[] = {
	REFUSE(DMAR_BLOCK, INVALID, 3, 2, LATE),
	REFUSE(DMAR_REMOVE, INVALID, 3, 2, LATE),
	REFUSE(MMIO_MT_REMOVE, INVALID, 0, 2, LATE),
	REFUSE(DEVIF_MT_REMOVE, INVALID, 0, 2, LATE),
};

static const struct refusal bind[] = {
	REFUSE(MMIO_MT_ADD, INVALID, 0, 1, CLEAN),
	REFUSE(MMIO_MT_ADD, INVALID, 1, 1, CLEAN),
	REFUSE(DEVIF_MT_ADD, INVALID, 0, 1, CLEAN),
	REFUSE(DEVIF_CREATE, INVALID, 0, 1, CLEAN),
	REFUSE(DEVIF_REQUEST, INVALID, 0, 1, CLEAN),
	REFUSE(DEVIF_REQUEST, INVALID, 1, 1, CLEAN),
	REFUSE(DMAR_ADD, INVALID, 0, 1, CLEAN),
	REFUSE(DMAR_ADD, INVALID, 1, 1, CLEAN),
	REFUSE(DMAR_ADD, INVALID, 2, 1, CLEAN),
	REFUSE(DMAR_ADD, INVALID, 3, 1, CLEAN),
};

static const struct manner manners[] = {
	MANNER("silent", false, "ERROR"),
	MANNER("garbage", false, "ERROR"),
	MANNER("lost", false, "CONFIG_UNLOCKED"),
	MANNER("normal", true, "CONFIG_UNLOCKED"),
	MANNER("silent", true, "ERROR"),
	MANNER("garbage", true, "ERROR"),
	MANNER("lost", true, "CONFIG_UNLOCKED"),
};

const struct r17_vendor r17_tdx = {
	.name = "tdx",
	.tables = tables,
	.once = ROWS(once),
	.twice = ROWS(twice),
	.late = ROWS(late),
	.later = REFUSE(DMAR_REMOVE, INVALID, 3, 4, LATE),
	.later_table = "dmar",
	.bind = ROWS(bind),
	.manners = ROWS(manners),
	.stay = REFUSE(MMIO_UNMAP, INVALID, 0, 2, CLEAN),
	.keep_bind = REFUSE(DMAR_ADD, INVALID, 2, 1, CLEAN, .also = DEVIF_REMOVE,
			    .also_status = INVALID, .also_count = FOR_EVER),
	.has_escape = true,
	.unbind_ms = 6500,
	.invalid = INVALID,
};
