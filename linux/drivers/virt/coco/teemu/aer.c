// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: Advanced Error Reporting (PCIe r7.0 section 7.8.4): a function logs an
 * uncorrectable error and tells the root port, which logs the message, and tells
 * Linux if it was asked to. What Linux does about it is Linux's own recovery.
 *
 * Simplified: a reset clears the log of a function too, and there is no header.
 */
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/pci_regs.h>

#include "rc.h"

#define ERR_FATAL	PCI_ERR_UNC_MALF_TLP
#define ERR_NONFATAL	PCI_ERR_UNC_COMP_TIME
#define UNCOR_ALL	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP |		\
			 PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME |		\
			 PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP |	\
			 PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP |		\
			 PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_INTN |			\
			 PCI_ERR_UNC_IDE_CHECK | PCI_ERR_UNC_MISR_IDE)
#define UNCOR_FATAL	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP |			\
			 PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP |		\
			 PCI_ERR_UNC_INTN)
#define COR_ALL		(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP |		\
			 PCI_ERR_COR_BAD_DLLP | PCI_ERR_COR_REP_ROLL |		\
			 PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT)
#define ROOT_EVENTS	(PCI_ERR_ROOT_COR_RCV | PCI_ERR_ROOT_MULTI_COR_RCV |	\
			 PCI_ERR_ROOT_UNCOR_RCV | PCI_ERR_ROOT_MULTI_UNCOR_RCV | \
			 PCI_ERR_ROOT_FIRST_FATAL | PCI_ERR_ROOT_NONFATAL_RCV |	\
			 PCI_ERR_ROOT_FATAL_RCV)

/**
 * teemu_aer_define() - define the capability at TEEMU_AER
 * @cfg: config space of the root port or a function
 * @port: it has the root port's registers
 * @next: the capability that follows, 0 for none
 */
void teemu_aer_define(struct teemu_cfg *cfg, bool port, u16 next)
{
	teemu_cfg_define(cfg, TEEMU_AER,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_ERR, 2, next), 0, 0);
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_UNCOR_STATUS, 0, 0, UNCOR_ALL);
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_UNCOR_MASK, 0, UNCOR_ALL, 0);
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_UNCOR_SEVER, UNCOR_FATAL,
			 UNCOR_ALL, 0);
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_COR_STATUS, 0, 0, COR_ALL);
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_COR_MASK, PCI_ERR_COR_ADV_NFAT,
			 COR_ALL, 0);
	if (!port)
		return;
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_ROOT_COMMAND, 0,
			 PCI_ERR_ROOT_CMD_COR_EN | PCI_ERR_ROOT_CMD_NONFATAL_EN |
			 PCI_ERR_ROOT_CMD_FATAL_EN, 0);
	teemu_cfg_define(cfg, TEEMU_AER + PCI_ERR_ROOT_STATUS, 0, 0, ROOT_EVENTS);
}

/* A message that the port has and is to tell */
static bool aer_pending(const struct teemu_rc *rc)
{
	u32 cmd = teemu_cfg_get(&rc->port, TEEMU_AER + PCI_ERR_ROOT_COMMAND);
	u32 sts = teemu_cfg_get(&rc->port, TEEMU_AER + PCI_ERR_ROOT_STATUS);

	return (cmd & PCI_ERR_ROOT_CMD_FATAL_EN && sts & PCI_ERR_ROOT_FATAL_RCV) ||
	       (cmd & PCI_ERR_ROOT_CMD_NONFATAL_EN &&
		sts & PCI_ERR_ROOT_NONFATAL_RCV);
}

/**
 * teemu_aer_written() - config space of the root port was written
 * @rc: the root complex, cfg_lock held
 * @dw: byte offset of the dword
 * @old: the dword before
 * @new: the dword now
 */
void teemu_aer_written(struct teemu_rc *rc, unsigned int dw, u32 old, u32 new)
{
	lockdep_assert_held(&rc->cfg_lock);
	if (dw == TEEMU_AER + PCI_ERR_ROOT_COMMAND && new & ~old &&
	    aer_pending(rc))
		teemu_port_raise(rc);
}

/* An error message of @rid arrives at the root port. */
static void aer_receive(struct teemu_rc *rc, u16 rid, bool fatal)
{
	u32 sts = teemu_cfg_get(&rc->port, TEEMU_AER + PCI_ERR_ROOT_STATUS);

	lockdep_assert_held(&rc->cfg_lock);
	if (sts & PCI_ERR_ROOT_UNCOR_RCV) {
		sts |= PCI_ERR_ROOT_MULTI_UNCOR_RCV;
	} else {
		sts |= PCI_ERR_ROOT_UNCOR_RCV |
		       (fatal ? PCI_ERR_ROOT_FIRST_FATAL : 0);
		teemu_cfg_set(&rc->port, TEEMU_AER + PCI_ERR_ROOT_ERR_SRC,
			      rid << 16);
	}
	sts |= fatal ? PCI_ERR_ROOT_FATAL_RCV : PCI_ERR_ROOT_NONFATAL_RCV;
	teemu_cfg_set(&rc->port, TEEMU_AER + PCI_ERR_ROOT_STATUS, sts);
	if (aer_pending(rc))
		teemu_port_raise(rc);
}

/* Log it; true: the function may tell. A VF does what function 0 was told. */
static bool aer_log(struct teemu_fn *fn, u32 error, bool fatal)
{
	const struct teemu_cfg *rules = fn->vf ? &fn->rc->fn[0].cfg : &fn->cfg;
	u32 devctl = teemu_cfg_get(rules, TEEMU_EXP + PCI_EXP_DEVCTL);
	u32 mask = teemu_cfg_get(rules, TEEMU_AER + PCI_ERR_UNCOR_MASK);
	struct teemu_cfg *cfg = &fn->cfg;

	lockdep_assert_held(&fn->rc->cfg_lock);
	teemu_cfg_set(cfg, TEEMU_AER + PCI_ERR_UNCOR_STATUS,
		      teemu_cfg_get(cfg, TEEMU_AER + PCI_ERR_UNCOR_STATUS) |
		      error);
	teemu_cfg_set(cfg, TEEMU_AER + PCI_ERR_CAP, __ffs(error));
	teemu_cfg_set(cfg, TEEMU_EXP + PCI_EXP_DEVCTL,
		      teemu_cfg_get(cfg, TEEMU_EXP + PCI_EXP_DEVCTL) |
		      (fatal ? PCI_EXP_DEVSTA_FED : PCI_EXP_DEVSTA_NFED) << 16);
	return !(mask & error) &&
	       devctl & (fatal ? PCI_EXP_DEVCTL_FERE : PCI_EXP_DEVCTL_NFERE);
}

/**
 * teemu_aer_report() - a function finds an uncorrectable error
 * @fn: the function
 * @fatal: a malformed TLP; false: a completion timeout. How severe that is, is
 *	   what the function's severity register says
 *
 * Context: any, takes cfg_lock.
 *
 * Return: 0; -ENODEV: there is no such function now.
 */
int teemu_aer_report(struct teemu_fn *fn, bool fatal)
{
	const struct teemu_cfg *rules = fn->vf ? &fn->rc->fn[0].cfg : &fn->cfg;
	u32 error = fatal ? ERR_FATAL : ERR_NONFATAL;
	struct teemu_rc *rc = fn->rc;

	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	if (!teemu_link_up(rc) || !teemu_fn_hosted(fn))
		return -ENODEV;
	fatal = teemu_cfg_get(rules, TEEMU_AER + PCI_ERR_UNCOR_SEVER) & error;
	if (aer_log(fn, error, fatal))
		aer_receive(rc, fn->rid, fatal);
	return 0;
}
