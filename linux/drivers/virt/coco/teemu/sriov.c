// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the SR-IOV capability of function 0, and the VFs as far as it decides
 * (PCIe r7.0 section 9). Each VF is a function with a TDI of its own; what makes
 * it vanish, or moves its BARs, takes its TDI to ERROR.
 */
#include <linux/lockdep.h>
#include <linux/pci_regs.h>

#include "rc.h"

#define CTRL		(TEEMU_SRIOV + PCI_SRIOV_CTRL)
#define NUM_VF		(TEEMU_SRIOV + PCI_SRIOV_NUM_VF)
#define BAR_DW(i)	(TEEMU_SRIOV + PCI_SRIOV_BAR + 4 * (i))
/* behind the last BAR */
#define SRIOV_END	BAR_DW(PCI_SRIOV_NUM_BARS)
#define PAGE_SIZES	0x553	/* 4K 8K 64K 256K 1M 4M, which every device has */

static const struct teemu_cfg *pf_cfg(const struct teemu_rc *rc)
{
	return &rc->fn[0].cfg;
}

/**
 * teemu_sriov_define() - define the capability at TEEMU_SRIOV, last in its list
 * @cfg: config space of function 0
 */
void teemu_sriov_define(struct teemu_cfg *cfg)
{
	static const u32 size[TEEMU_NR_BARS] = {
		TEEMU_BAR_REGS_SIZE, TEEMU_VF_BAR_MEM_SIZE, TEEMU_BAR_MSIX_SIZE,
	};

	teemu_cfg_define(cfg, TEEMU_SRIOV,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_SRIOV, 1, 0), 0, 0);
	teemu_cfg_define(cfg, CTRL, 0, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE |
			 PCI_SRIOV_CTRL_ARI, 0);
	teemu_cfg_define(cfg, TEEMU_SRIOV + PCI_SRIOV_INITIAL_VF,
			 TEEMU_NR_VFS | TEEMU_NR_VFS << 16, 0, 0);
	/* Function Dependency Link in the upper half: none but itself */
	teemu_cfg_define(cfg, NUM_VF, 0, 0xffff, 0);
	teemu_cfg_define(cfg, TEEMU_SRIOV + PCI_SRIOV_VF_OFFSET,
			 TEEMU_VF_OFFSET | TEEMU_VF_STRIDE << 16, 0, 0);
	teemu_cfg_define(cfg, (TEEMU_SRIOV + PCI_SRIOV_VF_DID) & ~3,
			 TEEMU_VF_DEVICE_ID << 16, 0, 0);
	teemu_cfg_define(cfg, TEEMU_SRIOV + PCI_SRIOV_SUP_PGSIZE, PAGE_SIZES,
			 0, 0);
	teemu_cfg_define(cfg, TEEMU_SRIOV + PCI_SRIOV_SYS_PGSIZE, 1, PAGE_SIZES,
			 0);
	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++) {
		teemu_cfg_define(cfg, BAR_DW(2 * i), PCI_BASE_ADDRESS_MEM_TYPE_64,
				 ~(size[i] - 1), 0);
		teemu_cfg_define(cfg, BAR_DW(2 * i + 1), 0, ~0u, 0);
	}
}

/**
 * teemu_sriov_preset() - the VF BARs as platform firmware leaves them
 * @rc: the root complex, cfg_lock held; the VFs' memory is known
 */
void teemu_sriov_preset(struct teemu_rc *rc)
{
	const struct teemu_fn *vf = &rc->fn[TEEMU_NR_PFS];
	struct teemu_cfg *cfg = &rc->fn[0].cfg;

	lockdep_assert_held(&rc->cfg_lock);
	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++) {
		teemu_cfg_set(cfg, BAR_DW(2 * i), lower_32_bits(vf->bar_phys[i]) |
			      PCI_BASE_ADDRESS_MEM_TYPE_64);
		teemu_cfg_set(cfg, BAR_DW(2 * i + 1),
			      upper_32_bits(vf->bar_phys[i]));
	}
}

/**
 * teemu_sriov_enabled() - is there a VF with this number now?
 * @rc: the root complex, cfg_lock held
 * @index: its number, from 0 on
 *
 * Return: true if it exists.
 */
bool teemu_sriov_enabled(const struct teemu_rc *rc, unsigned int index)
{
	return teemu_cfg_get(pf_cfg(rc), CTRL) & PCI_SRIOV_CTRL_VFE &&
	       index < (teemu_cfg_get(pf_cfg(rc), NUM_VF) & 0xffff);
}

/**
 * teemu_sriov_decodes() - do the VFs answer at their BARs?
 * @rc: the root complex, cfg_lock held
 *
 * Return: VF Memory Space Enable.
 */
bool teemu_sriov_decodes(const struct teemu_rc *rc)
{
	return teemu_cfg_get(pf_cfg(rc), CTRL) & PCI_SRIOV_CTRL_MSE;
}

/**
 * teemu_sriov_bar() - address in a VF BAR: where that BAR of the first VF is
 * @rc: the root complex, cfg_lock held
 * @bar: 0, 1 or 2 for BAR 0, 2 and 4
 *
 * Return: the address, 0 after a reset.
 */
u64 teemu_sriov_bar(const struct teemu_rc *rc, unsigned int bar)
{
	u32 lo = teemu_cfg_get(pf_cfg(rc), BAR_DW(2 * bar));
	u64 hi = teemu_cfg_get(pf_cfg(rc), BAR_DW(2 * bar + 1));

	return hi << 32 | (lo & PCI_BASE_ADDRESS_MEM_MASK);
}

/**
 * teemu_sriov_fail() - the TDI of every VF that is locked falls to ERROR
 * @rc: the root complex, cfg_lock held
 * @why: for the trace
 */
void teemu_sriov_fail(struct teemu_rc *rc, const char *why)
{
	for (unsigned int i = TEEMU_NR_PFS; i < TEEMU_NR_FNS; i++)
		teemu_fn_fail(&rc->fn[i], why);
}

/* VF Enable cleared: the VFs are gone, and come back as after a reset. */
static void sriov_vanish(struct teemu_rc *rc, const char *why)
{
	teemu_sriov_fail(rc, why);
	for (unsigned int i = TEEMU_NR_PFS; i < TEEMU_NR_FNS; i++)
		teemu_reset_fn(&rc->fn[i], true);
}

/**
 * teemu_sriov_flr() - FLR of function 0, which is about to clear VF Enable
 * @rc: the root complex, cfg_lock held
 */
void teemu_sriov_flr(struct teemu_rc *rc)
{
	lockdep_assert_held(&rc->cfg_lock);
	if (teemu_cfg_get(pf_cfg(rc), CTRL) & PCI_SRIOV_CTRL_VFE)
		sriov_vanish(rc, "FLR of function 0");
}

/* More VFs than there are, or a new number while they are enabled: ignored. */
static bool sriov_num_written(struct teemu_rc *rc, u32 old, u32 new)
{
	if (!(teemu_cfg_get(pf_cfg(rc), CTRL) & PCI_SRIOV_CTRL_VFE) &&
	    (new & 0xffff) <= TEEMU_NR_VFS)
		return true;
	teemu_cfg_set(&rc->fn[0].cfg, NUM_VF, old);
	return false;
}

/**
 * teemu_sriov_written() - config space of function 0 was written
 * @rc: the root complex, cfg_lock held
 * @dw: byte offset of the dword
 * @old: the dword before
 * @new: the dword now
 *
 * Return: true if the SR-IOV capability has changed.
 */
bool teemu_sriov_written(struct teemu_rc *rc, unsigned int dw, u32 old, u32 new)
{
	lockdep_assert_held(&rc->cfg_lock);
	if (dw <= TEEMU_SRIOV || dw >= SRIOV_END || old == new)
		return false;

	switch (dw) {
	case NUM_VF:
		return sriov_num_written(rc, old, new);
	case CTRL:
		if (old & ~new & PCI_SRIOV_CTRL_VFE)
			sriov_vanish(rc, "VF Enable cleared");
		else if (old & ~new & PCI_SRIOV_CTRL_MSE)
			teemu_sriov_fail(rc, "VF MSE cleared");
		break;
	default:
		teemu_sriov_fail(rc, "VF BARs or page size changed");
	}
	return true;
}
