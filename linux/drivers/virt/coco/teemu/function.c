// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: config space of the endpoint's functions: what they reset to, what of it
 * can be written, and what follows.
 *
 * A write that moves a locked TDI to ERROR (PCIe r7.0 section 11.2.6, protocols
 * 2.7) still completes. VFs follow SR-IOV's rules (section 9.3.4): no ids, no BARs
 * and no memory enable of their own.
 */
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/pci_regs.h>
#include <linux/unaligned.h>
#include <trace/events/teemu.h>

#include "rc.h"

#define BAR_DW(bar)		(PCI_BASE_ADDRESS_0 + 4 * (bar))
#define ACS_FN			(PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

static bool is_fn0(const struct teemu_fn *fn)
{
	return fn->devfn == 0;
}

static void define_header(struct teemu_fn *fn)
{
	struct teemu_cfg *cfg = &fn->cfg;

	teemu_cfg_define(cfg, PCI_VENDOR_ID,
			 TEEMU_VENDOR_ID | TEEMU_DEVICE_ID << 16, 0, 0);
	teemu_cfg_define(cfg, PCI_COMMAND,
			 (PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY) << 16,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			 PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			 PCI_COMMAND_INTX_DISABLE, 0);
	teemu_cfg_define(cfg, PCI_CACHE_LINE_SIZE, 0x80 << 16, 0xff, 0);
	teemu_cfg_define(cfg, PCI_CAPABILITY_LIST, TEEMU_PM, 0, 0);
	teemu_cfg_define(cfg, PCI_INTERRUPT_LINE, 0, 0xff, 0);
	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++) {
		teemu_cfg_define(cfg, BAR_DW(2 * i), PCI_BASE_ADDRESS_MEM_TYPE_64,
				 ~(fn->bar_size[i] - 1), 0);
		teemu_cfg_define(cfg, BAR_DW(2 * i + 1), 0, ~0u, 0);
	}

	teemu_cfg_define(cfg, TEEMU_PM, PCI_CAP_ID_PM | TEEMU_EXP << 8 | 3 << 16,
			 0, 0);
	teemu_cfg_define(cfg, TEEMU_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET,
			 PCI_PM_CTRL_STATE_MASK, 0);
}

static void define_vf_header(struct teemu_fn *fn)
{
	struct teemu_cfg *cfg = &fn->cfg;

	teemu_cfg_define(cfg, PCI_VENDOR_ID, ~0u, 0, 0);
	teemu_cfg_define(cfg, PCI_COMMAND,
			 (PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY) << 16,
			 PCI_COMMAND_MASTER, 0);
	teemu_cfg_define(cfg, PCI_CAPABILITY_LIST, TEEMU_EXP, 0, 0);
}

/* Of a VF only Device Capabilities, Device Status and FLR are its own. */
static void define_express(struct teemu_fn *fn)
{
	struct teemu_cfg *cfg = &fn->cfg;

	teemu_cfg_define(cfg, TEEMU_EXP,
			 PCI_CAP_ID_EXP | TEEMU_MSIX << 8 |
			 (2 | PCI_EXP_TYPE_ENDPOINT << 4) << 16, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCAP,
			 PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
			 PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_TEE, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP,
			 PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP2,
			 PCI_EXP_LNKCAP2_SLS_2_5GB, 0, 0);
	if (fn->vf) {
		teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL, 0, 0,
				 0xf << 16);
		return;
	}
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN |
			 PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B,
			 0x7fff, 0xf << 16);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCTL,
			 (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1) << 16,
			 0x01cb, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL2, 0, 0xffff, 0);
}

/**
 * teemu_define_fn() - say what a function's config space is
 * @fn: the function; @fn->devfn, @fn->vf and @fn->bar_size are known
 */
void teemu_define_fn(struct teemu_fn *fn)
{
	struct teemu_cfg *cfg = &fn->cfg;
	bool next = !fn->vf && fn->devfn + 1 < TEEMU_NR_PFS;

	if (fn->vf)
		define_vf_header(fn);
	else
		define_header(fn);
	teemu_cfg_define(cfg, PCI_CLASS_REVISION,
			 PCI_CLASS_ACCELERATOR_PROCESSING << 16 | 1, 0, 0);
	teemu_cfg_define(cfg, PCI_SUBSYSTEM_VENDOR_ID,
			 TEEMU_VENDOR_ID | TEEMU_DEVICE_ID << 16, 0, 0);
	define_express(fn);

	teemu_cfg_define(cfg, TEEMU_MSIX,
			 PCI_CAP_ID_MSIX | (TEEMU_MSIX_VECTORS - 1) << 16,
			 (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) << 16,
			 0);
	teemu_cfg_define(cfg, TEEMU_MSIX + PCI_MSIX_TABLE,
			 TEEMU_MSIX_TABLE_OFFSET | TEEMU_BAR_MSIX, 0, 0);
	teemu_cfg_define(cfg, TEEMU_MSIX + PCI_MSIX_PBA,
			 TEEMU_MSIX_PBA_OFFSET | TEEMU_BAR_MSIX, 0, 0);

	teemu_cfg_define(cfg, TEEMU_ACS,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_ACS, 1,
				       is_fn0(fn) ? TEEMU_DOE : TEEMU_AER), 0, 0);
	teemu_cfg_define(cfg, TEEMU_ACS + PCI_ACS_CAP, ACS_FN | ACS_FN << 16,
			 ACS_FN << 16, 0);
	teemu_aer_define(cfg, false, TEEMU_ARI);
	teemu_cfg_define(cfg, TEEMU_ARI,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_ARI, 1,
				       is_fn0(fn) ? TEEMU_SRIOV : 0), 0, 0);
	teemu_cfg_define(cfg, TEEMU_ARI + PCI_ARI_CAP,
			 next ? (fn->devfn + 1) << 8 : 0, 0, 0);
	if (!is_fn0(fn))
		return;
	teemu_cfg_define(cfg, TEEMU_DOE,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_DOE, 1, TEEMU_IDE), 0, 0);
	teemu_ide_define(cfg);
	teemu_sriov_define(cfg);
}

/**
 * teemu_fn_bar() - address in a BAR
 * @fn: the function, cfg_lock held
 * @bar: 0, 1 or 2 for BAR 0, 2 and 4
 *
 * Return: the address, 0 after a reset.
 */
u64 teemu_fn_bar(const struct teemu_fn *fn, unsigned int bar)
{
	u32 lo;
	u64 hi;

	if (fn->vf) {
		u64 base = teemu_sriov_bar(fn->rc, bar);

		return base ? base + fn->vf_index * fn->bar_size[bar] : 0;
	}
	lo = teemu_cfg_get(&fn->cfg, BAR_DW(2 * bar));
	hi = teemu_cfg_get(&fn->cfg, BAR_DW(2 * bar + 1));
	return hi << 32 | (lo & PCI_BASE_ADDRESS_MEM_MASK);
}

/**
 * teemu_fn_bars_overlap() - do the BARs make no sense together?
 * @fn: the function, cfg_lock held
 *
 * Return: true if two of them overlap, or one has no address. Those of the VFs
 * count with those of function 0 while it has VFs.
 */
bool teemu_fn_bars_overlap(const struct teemu_fn *fn)
{
	u64 start[2 * TEEMU_NR_BARS], size[2 * TEEMU_NR_BARS];
	unsigned int nr = 0;

	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++, nr++) {
		start[nr] = teemu_fn_bar(fn, i);
		size[nr] = fn->bar_size[i];
	}
	if (is_fn0(fn) && teemu_sriov_enabled(fn->rc, 0)) {
		const struct teemu_fn *vf = &fn->rc->fn[TEEMU_NR_PFS];

		for (unsigned int i = 0; i < TEEMU_NR_BARS; i++, nr++) {
			start[nr] = teemu_sriov_bar(fn->rc, i);
			size[nr] = TEEMU_NR_VFS * vf->bar_size[i];
		}
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (!start[i])
			return true;
		for (unsigned int j = 0; j < i; j++)
			if (start[i] < start[j] + size[j] &&
			    start[j] < start[i] + size[i])
				return true;
	}
	return false;
}

/**
 * teemu_fn_hosted() - is there such a function now?
 * @fn: the function, cfg_lock held
 *
 * Return: true for a physical function, and for a VF that is enabled.
 */
bool teemu_fn_hosted(const struct teemu_fn *fn)
{
	return !fn->vf || teemu_sriov_enabled(fn->rc, fn->vf_index);
}

/**
 * teemu_fn_present() - can anybody reach the function?
 * @fn: the function
 *
 * Context: any, takes cfg_lock.
 *
 * Return: true if the link is up, and a VF is enabled.
 */
bool teemu_fn_present(struct teemu_fn *fn)
{
	guard(raw_spinlock_irqsave)(&fn->rc->cfg_lock);
	return teemu_link_up(fn->rc) && teemu_fn_hosted(fn);
}

/**
 * teemu_fn_decodes() - does the function answer at its BARs?
 * @fn: the function, cfg_lock held
 *
 * Return: true if its memory space is enabled.
 */
bool teemu_fn_decodes(const struct teemu_fn *fn)
{
	if (fn->vf)
		return teemu_fn_hosted(fn) && teemu_sriov_decodes(fn->rc);
	return teemu_cfg_get(&fn->cfg, PCI_COMMAND) & PCI_COMMAND_MEMORY;
}

/**
 * teemu_fn_update_master() - what the engine's right to send rests on has changed
 * @fn: the function, cfg_lock held
 *
 * It may send in D0 with Bus Master Enable set, a VF while it is enabled.
 */
void teemu_fn_update_master(struct teemu_fn *fn)
{
	bool d0 = !(teemu_cfg_get(&fn->cfg, TEEMU_PM + PCI_PM_CTRL) &
		    PCI_PM_CTRL_STATE_MASK);
	bool bme = teemu_cfg_get(&fn->cfg, PCI_COMMAND) & PCI_COMMAND_MASTER;

	if (fn->dma)
		teemu_dma_set_master(fn->dma, d0 && bme && teemu_fn_hosted(fn));
}

/**
 * teemu_reset_fn() - a reset of one function
 * @fn: the function, cfg_lock held
 * @flr: it alone (and its VFs); false: a conventional reset
 *
 * Complete for whoever looks when the write returns; only requests in flight end a
 * little later.
 *
 * FLR leaves the IDE registers, the keys and the mailbox of function 0 alone:
 * VFIO resets a function at every open and close, and an exchange or a stream
 * that serves the other functions must survive that.
 */
void teemu_reset_fn(struct teemu_fn *fn, bool flr)
{
	struct teemu_cfg *cfg = &fn->cfg;

	lockdep_assert_held(&fn->rc->cfg_lock);
	trace_teemu_reset(teemu_rc_domain(fn->rc), fn->rid, flr);

	teemu_fn_fail(fn, flr ? "FLR" : "conventional reset");
	if (flr && is_fn0(fn))
		teemu_sriov_flr(fn->rc);
	for (unsigned int dw = 0; dw < TEEMU_CFG_SIZE; dw += 4)
		if (!flr || dw < cfg->ide || dw >= cfg->ide_end)
			teemu_cfg_set(cfg, dw,
				      get_unaligned_le32(cfg->reset + dw));
	teemu_fn_update_master(fn);
	if (fn->dma)
		teemu_dma_reset(fn->dma);
	teemu_msi_fn_reset(fn);
	if (!flr)
		teemu_fn_wipe(fn);
	else if (fn->soiled)
		teemu_fn_scrub_later(fn);
}

/**
 * teemu_reset_endpoint() - the link went down: a conventional reset of the device
 * @rc: the root complex, cfg_lock held
 *
 * Every function loses everything, the DSM its session. The keys are the caller's.
 */
void teemu_reset_endpoint(struct teemu_rc *rc)
{
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_reset_fn(&rc->fn[i], false);
	teemu_doe_abort(rc);
}

static void fn_command_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if (old & ~new & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER))
		teemu_fn_fail(fn, "MSE or BME cleared");
	teemu_fn_update_master(fn);
}

static void fn_bist_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if (be & 0xff000000)
		teemu_fn_fail(fn, "BIST written");
}

static void fn_bar_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	/* those of a VF are not there */
	if (!fn->vf)
		teemu_fn_fail(fn, "BAR written");
}

static void fn_pm_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	u32 state = new & PCI_PM_CTRL_STATE_MASK;

	/* D1 and D2 do not exist: the write of the state is ignored */
	if (state == 1 || state == 2) {
		new = (new & ~PCI_PM_CTRL_STATE_MASK) |
		      (old & PCI_PM_CTRL_STATE_MASK);
		teemu_cfg_set(&fn->cfg, TEEMU_PM + PCI_PM_CTRL, new);
	}
	if (new & ~old & PCI_PM_CTRL_STATE_MASK) {
		teemu_fn_fail(fn, "left D0");
		if (is_fn0(fn))
			teemu_sriov_fail(fn->rc, "function 0 left D0");
	}
	teemu_fn_update_master(fn);
}

static void fn_devctl_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if ((old ^ new) & (PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_PHANTOM |
			   PCI_EXP_DEVCTL_NOSNOOP_EN))
		teemu_fn_fail(fn, "Device Control changed");
}

static void fn_devctl2_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	/* 10-bit tag requester enable, which Linux has no name for */
	if ((old ^ new) & BIT(12))
		teemu_fn_fail(fn, "Device Control 2 changed");
}

static void fn_msix_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if (old != new && fn->lock_flags & TDISP_LOCK_MSIX)
		teemu_fn_fail(fn, "MSI-X control changed");
	teemu_msi_unmasked(fn);
}

/* what follows from a write to a function; @be has ones in the bytes written */
static const struct {
	u16 dw;
	void (*written)(struct teemu_fn *fn, u32 be, u32 old, u32 new);
} fn_effects[] = {
	{ PCI_COMMAND, fn_command_written },
	{ PCI_CACHE_LINE_SIZE, fn_bist_written },
	{ PCI_BASE_ADDRESS_0, fn_bar_written },
	{ PCI_BASE_ADDRESS_1, fn_bar_written },
	{ PCI_BASE_ADDRESS_2, fn_bar_written },
	{ PCI_BASE_ADDRESS_3, fn_bar_written },
	{ PCI_BASE_ADDRESS_4, fn_bar_written },
	{ PCI_BASE_ADDRESS_5, fn_bar_written },
	{ PCI_ROM_ADDRESS, fn_bar_written },
	{ TEEMU_PM + PCI_PM_CTRL, fn_pm_written },
	{ TEEMU_EXP + PCI_EXP_DEVCTL, fn_devctl_written },
	{ TEEMU_EXP + PCI_EXP_DEVCTL2, fn_devctl2_written },
	{ TEEMU_MSIX, fn_msix_written },
};

/**
 * teemu_fn_written() - config space of a function was written
 * @fn: the function, cfg_lock held
 * @dw: byte offset of the dword
 * @be: ones in the bytes that were written
 * @val: what was written
 * @old: the dword before
 * @new: the dword now
 */
void teemu_fn_written(struct teemu_fn *fn, unsigned int dw, u32 be, u32 val,
		      u32 old, u32 new)
{
	lockdep_assert_held(&fn->rc->cfg_lock);
	if (is_fn0(fn) && teemu_sriov_written(fn->rc, dw, old, new))
		teemu_fn_fail(fn, "SR-IOV changed");
	for (unsigned int i = 0; i < ARRAY_SIZE(fn_effects); i++)
		if (fn_effects[i].dw == dw)
			fn_effects[i].written(fn, be, old, new);

	if (dw == TEEMU_EXP + PCI_EXP_DEVCTL &&
	    val & be & PCI_EXP_DEVCTL_BCR_FLR)
		teemu_reset_fn(fn, true);
}
