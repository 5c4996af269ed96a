// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the IDE extended capability of the root port and of function 0.
 *
 * There is no cipher: a stream is Secure while a block with its id is enabled
 * and the platform's firmware says that its keys are in place
 * (teemu_platform.ide_keys). Touching the registers of an enabled block, the
 * port's window or the link takes the keys away, and with them every TDI that
 * was locked over the stream (protocols 2.7).
 */
#include <linux/bitfield.h>
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/pci_regs.h>
#include <trace/events/teemu.h>

#include "rc.h"

#define IDE_BLOCK_SIZE	PCI_IDE_SEL_BLOCK_SIZE(TEEMU_IDE_ASSOC)
#define BLOCK(cfg, i)	((cfg)->ide + PCI_IDE_LINK_STREAM_0 + (i) * IDE_BLOCK_SIZE)

/**
 * teemu_ide_define() - define the capability at TEEMU_IDE
 * @cfg: config space of the root port or function 0
 */
void teemu_ide_define(struct teemu_cfg *cfg)
{
	cfg->ide = TEEMU_IDE;
	cfg->ide_end = BLOCK(cfg, TEEMU_IDE_STREAMS);

	teemu_cfg_define(cfg, cfg->ide,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_IDE, 1, TEEMU_AER), 0, 0);
	teemu_cfg_define(cfg, cfg->ide + PCI_IDE_CAP,
			 PCI_IDE_CAP_SELECTIVE | PCI_IDE_CAP_IDE_KM |
			 PCI_IDE_CAP_SEL_CFG | PCI_IDE_CAP_TEE_LIMITED |
			 FIELD_PREP(PCI_IDE_CAP_SEL_NUM, TEEMU_IDE_STREAMS - 1),
			 0, 0);
	for (unsigned int i = 0; i < TEEMU_IDE_STREAMS; i++) {
		unsigned int pos = BLOCK(cfg, i);

		teemu_cfg_define(cfg, pos + PCI_IDE_SEL_CAP, TEEMU_IDE_ASSOC,
				 0, 0);
		teemu_cfg_define(cfg, pos + PCI_IDE_SEL_CTL, 0,
				 PCI_IDE_SEL_CTL_EN | PCI_IDE_SEL_CTL_CFG_EN |
				 PCI_IDE_SEL_CTL_TC | PCI_IDE_SEL_CTL_DEFAULT |
				 PCI_IDE_SEL_CTL_TEE_LIMITED |
				 PCI_IDE_SEL_CTL_ID, 0);
		teemu_cfg_define(cfg, pos + PCI_IDE_SEL_RID_1, 0,
				 PCI_IDE_SEL_RID_1_LIMIT, 0);
		teemu_cfg_define(cfg, pos + PCI_IDE_SEL_RID_2, 0,
				 PCI_IDE_SEL_RID_2_VALID |
				 PCI_IDE_SEL_RID_2_BASE | PCI_IDE_SEL_RID_2_SEG,
				 0);
		for (unsigned int a = 0; a < TEEMU_IDE_ASSOC; a++) {
			teemu_cfg_define(cfg, pos + PCI_IDE_SEL_ADDR_1(a), 0,
					 PCI_IDE_SEL_ADDR_1_VALID |
					 PCI_IDE_SEL_ADDR_1_BASE_LOW |
					 PCI_IDE_SEL_ADDR_1_LIMIT_LOW, 0);
			teemu_cfg_define(cfg, pos + PCI_IDE_SEL_ADDR_2(a), 0,
					 ~0u, 0);
			teemu_cfg_define(cfg, pos + PCI_IDE_SEL_ADDR_3(a), 0,
					 ~0u, 0);
		}
	}
}

/* Position of the selective block that @dw is in, 0 for the capability itself. */
static unsigned int ide_block_of(const struct teemu_cfg *cfg, unsigned int dw)
{
	if (dw < BLOCK(cfg, 0) || dw >= cfg->ide_end)
		return 0;
	return BLOCK(cfg, (dw - BLOCK(cfg, 0)) / IDE_BLOCK_SIZE);
}

static bool is_block_secure(struct teemu_rc *rc, u32 ctl)
{
	return ctl & PCI_IDE_SEL_CTL_EN &&
	       test_bit(FIELD_GET(PCI_IDE_SEL_CTL_ID, ctl), rc->ide_keys);
}

/**
 * teemu_ide_read() - read an IDE register
 * @rc: the root complex, cfg_lock held
 * @cfg: config space of the root port or function 0
 * @dw: byte offset of the register in @cfg
 *
 * Return: the stored value, or the state that the stream has just now.
 */
u32 teemu_ide_read(struct teemu_rc *rc, const struct teemu_cfg *cfg,
		   unsigned int dw)
{
	unsigned int pos = ide_block_of(cfg, dw);
	u32 ctl;

	lockdep_assert_held(&rc->cfg_lock);
	if (!pos || dw != pos + PCI_IDE_SEL_STS)
		return teemu_cfg_get(cfg, dw);
	ctl = teemu_cfg_get(cfg, pos + PCI_IDE_SEL_CTL);
	return FIELD_PREP(PCI_IDE_SEL_STS_STATE,
			  is_block_secure(rc, ctl) ?
			  PCI_IDE_SEL_STS_STATE_SECURE :
			  PCI_IDE_SEL_STS_STATE_INSECURE);
}

static void ide_insecure(struct teemu_rc *rc, u8 stream, const char *why)
{
	lockdep_assert_held(&rc->cfg_lock);
	if (!__test_and_clear_bit(stream, rc->ide_keys))
		return;

	trace_teemu_ide(teemu_rc_domain(rc), stream, false);
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++) {
		struct teemu_fn *fn = &rc->fn[i];

		if (fn->ide_bound && fn->stream_id == stream)
			teemu_fn_fail(fn, why);
	}
}

/**
 * teemu_ide_written() - an IDE register was written
 * @rc: the root complex, cfg_lock held
 * @cfg: config space of the root port or function 0
 * @dw: byte offset of the register in @cfg
 * @old: its value before the write
 *
 * Enabling a stream whose keys are in place makes it Secure for the very next
 * read; any write to a block that was enabled makes its stream Insecure.
 */
void teemu_ide_written(struct teemu_rc *rc, struct teemu_cfg *cfg,
		       unsigned int dw, u32 old)
{
	unsigned int pos = ide_block_of(cfg, dw);
	u32 ctl;

	lockdep_assert_held(&rc->cfg_lock);
	if (!pos)
		return;
	ctl = dw == pos + PCI_IDE_SEL_CTL ?
		old : teemu_cfg_get(cfg, pos + PCI_IDE_SEL_CTL);
	if (ctl & PCI_IDE_SEL_CTL_EN)
		ide_insecure(rc, FIELD_GET(PCI_IDE_SEL_CTL_ID, ctl),
			     "IDE registers of the stream written");
}

/**
 * teemu_ide_port_changed() - what the port's streams rest on has gone
 * @rc: the root complex, cfg_lock held
 * @why: for the trace
 */
void teemu_ide_port_changed(struct teemu_rc *rc, const char *why)
{
	unsigned int stream;

	for_each_set_bit(stream, rc->ide_keys, 256)
		ide_insecure(rc, stream, why);
}

/**
 * teemu_ide_set_keys() - firmware programmed keys or took them away
 * @rc: the root complex
 * @stream: stream id
 * @go: the keys are in use; false: gone
 *
 * Keys travel in an SPDM session, so a DSM that got some has one. Without a device
 * nothing becomes of them.
 *
 * Context: any, takes cfg_lock.
 */
void teemu_ide_set_keys(struct teemu_rc *rc, u8 stream, bool go)
{
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	if (!go) {
		ide_insecure(rc, stream, "IDE keys gone");
		return;
	}
	/* over a link that is down there is nobody to have keys with */
	if (!teemu_link_up(rc))
		return;
	rc->no_session = false;
	__set_bit(stream, rc->ide_keys);
	trace_teemu_ide(teemu_rc_domain(rc), stream, true);
}

/**
 * teemu_ide_lose_session() - the DSM forgets its SPDM session
 * @rc: the root complex
 *
 * What it secured is over: streams are Insecure, locked TDIs in ERROR, and the DSM
 * answers no TDISP message before keys come over a new session. Context: any, takes
 * cfg_lock.
 */
void teemu_ide_lose_session(struct teemu_rc *rc)
{
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	rc->no_session = true;
	teemu_ide_port_changed(rc, "SPDM session lost");
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_fn_fail(&rc->fn[i], "SPDM session lost");
}

/**
 * teemu_ide_settle() - the TDIs of a stream whose keys are gone come to rest
 * @rc: the root complex
 * @stream: stream id
 *
 * On return none of them has a request in flight, and nothing that a TVM wrote
 * before the call is left in them. Context: process, may sleep; takes dsm_lock.
 */
void teemu_ide_settle(struct teemu_rc *rc, u8 stream)
{
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++) {
		struct teemu_fn *fn = &rc->fn[i];
		bool bound;

		scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock)
			bound = fn->ide_bound && fn->stream_id == stream;
		if (bound)
			teemu_fn_settle(fn);
	}
}

/**
 * teemu_ide_holds() - are the keys that a function was locked with in place?
 * @fn: the function
 *
 * Return: false: it must neither send nor accept T=1. Context: any, takes cfg_lock.
 */
bool teemu_ide_holds(const struct teemu_fn *fn)
{
	guard(raw_spinlock_irqsave)(&fn->rc->cfg_lock);
	return !fn->ide_bound || test_bit(fn->stream_id, fn->rc->ide_keys);
}

static bool ide_in_use(const struct teemu_cfg *cfg)
{
	for (unsigned int i = 0; i < TEEMU_IDE_STREAMS; i++)
		if (teemu_cfg_get(cfg, BLOCK(cfg, i) + PCI_IDE_SEL_CTL) &
		    PCI_IDE_SEL_CTL_EN)
			return true;
	return false;
}

/**
 * teemu_ide_lockable() - may a TDI be locked over this stream?
 * @rc: the root complex, cfg_lock held
 * @stream: default stream of the LOCK request
 * @bound: out: IDE is in use and the TDI will depend on @stream
 *
 * With no stream enabled in either port IDE is not in use, and the platform's
 * firmware decides whether it wants that. Otherwise exactly one block is the
 * default, it is the one that the request names, for TC0, with its keys in place:
 * not so after a reset of the device, when only the root port has the stream.
 *
 * Return: 0 or -EINVAL.
 */
int teemu_ide_lockable(struct teemu_rc *rc, u8 stream, bool *bound)
{
	const struct teemu_cfg *cfg = &rc->fn[0].cfg;
	unsigned int defaults = 0;
	bool match = false;

	lockdep_assert_held(&rc->cfg_lock);
	*bound = ide_in_use(&rc->port);
	for (unsigned int i = 0; i < TEEMU_IDE_STREAMS; i++) {
		u32 ctl = teemu_cfg_get(cfg, BLOCK(cfg, i) + PCI_IDE_SEL_CTL);

		if (!(ctl & PCI_IDE_SEL_CTL_EN))
			continue;
		*bound = true;
		if (!(ctl & PCI_IDE_SEL_CTL_DEFAULT))
			continue;
		defaults++;
		match = FIELD_GET(PCI_IDE_SEL_CTL_ID, ctl) == stream &&
			!(ctl & PCI_IDE_SEL_CTL_TC) && is_block_secure(rc, ctl);
	}
	return !*bound || (defaults == 1 && match) ? 0 : -EINVAL;
}
