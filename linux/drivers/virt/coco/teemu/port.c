// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: config space of the root port: what it resets to, what of it can be
 * written, and what follows for the link below it and the streams over it.
 */
#include <linux/lockdep.h>
#include <linux/pci_regs.h>

#include "rc.h"

#define ACS_PORT	(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)
#define LNKCTL		(TEEMU_EXP + PCI_EXP_LNKCTL)
#define BUS_RESET	(PCI_BRIDGE_CTL_BUS_RESET << 16)
#define DLL_ACTIVE	(PCI_EXP_LNKSTA_DLLLA << 16)

static void define_express(struct teemu_cfg *cfg)
{
	teemu_cfg_define(cfg, TEEMU_EXP,
			 PCI_CAP_ID_EXP | TEEMU_MSI << 8 |
			 (2 | PCI_EXP_TYPE_ROOT_PORT << 4 |
			  PCI_EXP_FLAGS_SLOT) << 16, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCAP,
			 PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
			 PCI_EXP_DEVCAP_TEE, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL,
			 PCI_EXP_DEVCTL_READRQ_512B, 0x7fff, 0xf << 16);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP,
			 PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 |
			 PCI_EXP_LNKCAP_DLLLARC, 0, 0);
	teemu_cfg_define(cfg, LNKCTL,
			 (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1) << 16 |
			 DLL_ACTIVE, 0x00cb | PCI_EXP_LNKCTL_LD, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_RTCTL, 0, 0x1f, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_ARI,
			 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL2, 0, 0xffff, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP2,
			 PCI_EXP_LNKCAP2_SLS_2_5GB, 0, 0);
	teemu_slot_define(cfg);
}

/**
 * teemu_define_port() - say what the root port's config space is
 * @cfg: its config space
 */
void teemu_define_port(struct teemu_cfg *cfg)
{
	teemu_cfg_define(cfg, PCI_VENDOR_ID,
			 TEEMU_VENDOR_ID | TEEMU_PORT_DEVICE_ID << 16, 0, 0);
	teemu_cfg_define(cfg, PCI_COMMAND, PCI_STATUS_CAP_LIST << 16,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			 PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			 PCI_COMMAND_INTX_DISABLE, 0);
	teemu_cfg_define(cfg, PCI_CLASS_REVISION, PCI_CLASS_BRIDGE_PCI << 16 | 1,
			 0, 0);
	teemu_cfg_define(cfg, PCI_CACHE_LINE_SIZE, PCI_HEADER_TYPE_BRIDGE << 16,
			 0xff, 0);
	teemu_cfg_define(cfg, PCI_PRIMARY_BUS, 0, 0x00ffffff, 0);
	teemu_cfg_define(cfg, PCI_MEMORY_BASE, 0x0000fff0, 0xfff0fff0, 0);
	teemu_cfg_define(cfg, PCI_CAPABILITY_LIST, TEEMU_EXP, 0, 0);
	teemu_cfg_define(cfg, PCI_INTERRUPT_LINE, 0,
			 0xff | (PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR |
				 PCI_BRIDGE_CTL_BUS_RESET) << 16, 0);
	define_express(cfg);

	/* one message for all that the port has to say */
	teemu_cfg_define(cfg, TEEMU_MSI, PCI_CAP_ID_MSI,
			 PCI_MSI_FLAGS_ENABLE << 16, 0);
	teemu_cfg_define(cfg, TEEMU_MSI + PCI_MSI_ADDRESS_LO, 0, ~3u, 0);
	teemu_cfg_define(cfg, TEEMU_MSI + PCI_MSI_DATA_32, 0, 0xffff, 0);

	teemu_cfg_define(cfg, TEEMU_ACS,
			 TEEMU_EXT_CAP(PCI_EXT_CAP_ID_ACS, 1, TEEMU_IDE), 0, 0);
	teemu_cfg_define(cfg, TEEMU_ACS + PCI_ACS_CAP, ACS_PORT | ACS_PORT << 16,
			 ACS_PORT << 16, 0);
	teemu_ide_define(cfg);
	teemu_aer_define(cfg, true, 0);
}

/**
 * teemu_port_preset() - bus numbers and window as platform firmware leaves them
 * @rc: the root complex, cfg_lock held; its window is known
 */
void teemu_port_preset(struct teemu_rc *rc)
{
	lockdep_assert_held(&rc->cfg_lock);
	teemu_cfg_set(&rc->port, PCI_PRIMARY_BUS,
		      TEEMU_FN_BUS << 8 | TEEMU_FN_BUS << 16);
	teemu_cfg_set(&rc->port, PCI_MEMORY_BASE,
		      (rc->window.start >> 16 & 0xfff0) |
		      (rc->window.end & 0xfff00000));
	teemu_slot_preset(rc);
}

/**
 * teemu_link_up() - can a request cross the link?
 * @rc: the root complex, cfg_lock held
 *
 * Return: true if a device with power is in the slot and the link is neither
 * disabled nor in reset.
 */
bool teemu_link_up(const struct teemu_rc *rc)
{
	return rc->present && teemu_slot_powered(rc) &&
	       !(teemu_cfg_get(&rc->port, PCI_INTERRUPT_LINE) & BUS_RESET) &&
	       !(teemu_cfg_get(&rc->port, LNKCTL) & PCI_EXP_LNKCTL_LD);
}

/**
 * teemu_port_relink() - what the link rests on has changed: up, or down?
 * @rc: the root complex, cfg_lock held
 * @why: for the trace
 *
 * Down is a conventional reset for the device, and the end of the keys. A device
 * that had no power, or is another one, comes up as platform firmware leaves it.
 */
void teemu_port_relink(struct teemu_rc *rc, const char *why)
{
	u32 lnk = teemu_cfg_get(&rc->port, LNKCTL);
	bool up = teemu_link_up(rc);

	lockdep_assert_held(&rc->cfg_lock);
	if (up == !!(lnk & DLL_ACTIVE))
		return;
	teemu_cfg_set(&rc->port, LNKCTL, lnk ^ DLL_ACTIVE);
	if (!up) {
		teemu_reset_endpoint(rc);
		teemu_ide_port_changed(rc, why);
	} else if (rc->cold) {
		teemu_cfg_power_on_endpoint(rc);
		rc->cold = false;
	}
	teemu_slot_event(rc, PCI_EXP_SLTSTA_DLLSC);
}

/**
 * teemu_port_forwards_ari() - do requests for other than device 0 get through?
 * @rc: the root complex, cfg_lock held
 *
 * Return: ARI Forwarding Enable.
 */
bool teemu_port_forwards_ari(const struct teemu_rc *rc)
{
	return teemu_cfg_get(&rc->port, TEEMU_EXP + PCI_EXP_DEVCTL2) &
	       PCI_EXP_DEVCTL2_ARI;
}

/**
 * teemu_port_written() - config space of the root port was written
 * @rc: the root complex, cfg_lock held
 * @dw: byte offset of the dword
 * @be: ones in the bytes that were written
 * @old: the dword before
 * @new: the dword now
 */
void teemu_port_written(struct teemu_rc *rc, unsigned int dw, u32 be, u32 old,
			u32 new)
{
	lockdep_assert_held(&rc->cfg_lock);
	switch (dw) {
	case PCI_COMMAND:
		if (old & ~new & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER))
			teemu_ide_port_changed(rc, "port MSE or BME cleared");
		break;
	case PCI_PRIMARY_BUS:
	case PCI_MEMORY_BASE:
		if (old != new)
			teemu_ide_port_changed(rc, "port window changed");
		break;
	case PCI_INTERRUPT_LINE:
		teemu_port_relink(rc, "secondary bus reset");
		break;
	case LNKCTL:
		teemu_port_relink(rc, "link disabled");
		break;
	case TEEMU_EXP + PCI_EXP_SLTCTL:
		teemu_slot_written(rc, old, new);
		teemu_port_relink(rc, "slot without power");
		break;
	default:
		teemu_aer_written(rc, dw, old, new);
	}
}

/**
 * teemu_port_raise() - the port has something to say
 * @rc: the root complex, cfg_lock held
 *
 * By MSI; without it software has to look.
 */
void teemu_port_raise(struct teemu_rc *rc)
{
	lockdep_assert_held(&rc->cfg_lock);
	if (rc->msi &&
	    teemu_cfg_get(&rc->port, TEEMU_MSI) & PCI_MSI_FLAGS_ENABLE << 16 &&
	    teemu_cfg_get(&rc->port, PCI_COMMAND) & PCI_COMMAND_MASTER)
		teemu_msi_port_raise(rc);
}
