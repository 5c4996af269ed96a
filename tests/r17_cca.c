// SPDX-License-Identifier: GPL-2.0-only
/*
 * R17 for Arm CCA; calls are those of the RMM. It has no force: a refusal that
 * outlasts three tries ends in quarantine, and so does a device that stays silent or
 * answers nonsense until there is no time left to ask it again.
 */
#include "r17.h"

#define REALM_ACTIVATE		0xc4000157
#define REALM_CREATE		0xc4000158
#define REC_CREATE		0xc400015a
#define VDEV_ABORT		0xc4000185
#define VDEV_COMMUNICATE	0xc4000186
#define VDEV_CREATE		0xc4000187
#define VDEV_DESTROY		0xc4000188
#define VDEV_GET_STATE		0xc4000189
#define VDEV_UNLOCK		0xc400018a
#define VDEV_LOCK		0xc40001d2
#define DELEGATE		0xc40001f1	/* GRANULE_RANGE_DELEGATE */
#define UNDELEGATE		0xc40001f2
#define DEV_UNMAP		0xc40001f8	/* RTT_DEV_UNMAP */

#define INPUT			1ULL
#define DEVICE			6ULL
#define BUSY			10ULL
#define INCOMPLETE		13ULL
#define GRANULE			16ULL

#define ASKED_ON		8

static const struct r17_table tables[] = {
	{ "vdevs", false }, { "ste", false }, { "dev_mapped", false },
	{ "granules_mapped", false },
	{ }
};

static const struct refusal once[] = {
	REFUSE(DEV_UNMAP, INPUT, 1, 1, CLEAN),
	REFUSE(DEV_UNMAP, BUSY, 0, 1, CLEAN),
	REFUSE(VDEV_GET_STATE, DEVICE, 0, 1, CLEAN),
	REFUSE(VDEV_UNLOCK, DEVICE, 0, 1, CLEAN),
	REFUSE(VDEV_UNLOCK, GRANULE, 0, 1, CLEAN),
	/* before STOP, after it, and after GET_STATE */
	REFUSE(VDEV_COMMUNICATE, DEVICE, 0, 1, CLEAN),
	REFUSE(VDEV_COMMUNICATE, DEVICE, 1, 1, CLEAN),
	REFUSE(VDEV_COMMUNICATE, DEVICE, 2, 1, CLEAN),
	REFUSE(VDEV_COMMUNICATE, INCOMPLETE, 1, 1, CLEAN),
	/* it is asked on eight times before it is aborted */
	REFUSE(VDEV_COMMUNICATE, DEVICE, 0, ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, DEVICE, 1, ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, INCOMPLETE, 2, ASKED_ON, CLEAN),
	/* and cannot be aborted at first, either */
	REFUSE(VDEV_COMMUNICATE, DEVICE, 1, ASKED_ON, CLEAN,
	       .also = VDEV_ABORT, .also_status = DEVICE),
	REFUSE(UNDELEGATE, INPUT, 2, 1, CLEAN),
};

static const struct refusal twice[] = {
	REFUSE(DEV_UNMAP, INPUT, 0, 2, CLEAN),
	REFUSE(DEV_UNMAP, BUSY, 1, 9, CLEAN),
	REFUSE(VDEV_GET_STATE, DEVICE, 0, 2, CLEAN),
	REFUSE(VDEV_UNLOCK, DEVICE, 0, 2, CLEAN),
	REFUSE(VDEV_COMMUNICATE, DEVICE, 0, 2 * ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, DEVICE, 2, 2 * ASKED_ON, CLEAN),
	REFUSE(VDEV_DESTROY, DEVICE, 0, 2, CLEAN),
	REFUSE(UNDELEGATE, INPUT, 0, 2, CLEAN),
	REFUSE(UNDELEGATE, INPUT, 2, 2, CLEAN),
};

/* those of the realm first: it stays once it is there */
static const struct refusal bind[] = {
	REFUSE(DELEGATE, INPUT, 0, 1, CLEAN),
	REFUSE(DELEGATE, INPUT, 1, 1, CLEAN),
	REFUSE(DELEGATE, INPUT, 2, 1, CLEAN),
	REFUSE(REALM_CREATE, INPUT, 0, 1, CLEAN),
	REFUSE(REC_CREATE, INPUT, 0, 1, CLEAN),
	REFUSE(REALM_ACTIVATE, INPUT, 0, 1, CLEAN),
	REFUSE(DELEGATE, INPUT, 3, 1, CLEAN),
	REFUSE(VDEV_CREATE, INPUT, 0, 1, CLEAN),
	REFUSE(VDEV_CREATE, BUSY, 0, 8, CLEAN, .err = -ENOMEM),
	REFUSE(VDEV_COMMUNICATE, INPUT, 0, ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, INPUT, 1, ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, INPUT, 2, ASKED_ON, CLEAN),
	REFUSE(VDEV_LOCK, INPUT, 0, 1, CLEAN),
	REFUSE(VDEV_LOCK, DEVICE, 0, 1, CLEAN, .err = -EBADMSG),
	/* LOCK has not gone out, has gone out, is confirmed */
	REFUSE(VDEV_COMMUNICATE, INPUT, 3, ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, INPUT, 4, ASKED_ON, CLEAN),
	REFUSE(VDEV_COMMUNICATE, INPUT, 5, ASKED_ON, CLEAN),
};

static const struct manner manners[] = {
	MANNER("silent", false, "CONFIG_UNLOCKED", .once = true),
	MANNER("lost", false, "CONFIG_UNLOCKED", .once = true),
	MANNER("garbage", false, "CONFIG_UNLOCKED", .once = true),
	MANNER("silent", false, "CONFIG_UNLOCKED", .kept = true),
	MANNER("garbage", false, "CONFIG_UNLOCKED", .kept = true),
	MANNER("normal", true, "CONFIG_UNLOCKED"),
	MANNER("silent", true, "CONFIG_UNLOCKED", .once = true),
	MANNER("silent", false, "CONFIG_UNLOCKED", .once = true,
	       .refused = REFUSE(VDEV_GET_STATE, DEVICE, 1, 1, CLEAN)),
};

const struct r17_vendor r17_cca = {
	.name = "cca",
	.tables = tables,
	.once = ROWS(once),
	.twice = ROWS(twice),
	.bind = ROWS(bind),
	.manners = ROWS(manners),
	.stay = REFUSE(DEV_UNMAP, INPUT, 0, 2, CLEAN),
	.keep_bind = REFUSE(VDEV_LOCK, INPUT, 0, 1, CLEAN, .also = VDEV_DESTROY,
			    .also_status = DEVICE, .also_count = FOR_EVER),
	.unbind_ms = 6300,
	.invalid = INPUT,
};
