// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: the hot-plug slot below the root port (PCIe r7.0 section 6.7): presence,
 * power and the events that Linux's pciehp waits for. Surprise removal is allowed.
 *
 * A named deviation: a device that gets power finds its BARs programmed, as if
 * platform firmware did it, since Linux cannot place BARs in this memory.
 */
#include <linux/bitfield.h>
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/pci_regs.h>

#include "rc.h"

#define SLTCTL		(TEEMU_EXP + PCI_EXP_SLTCTL)	/* and Slot Status */
#define PRESENT		(PCI_EXP_SLTSTA_PDS << 16)
#define SLOT_EVENTS	(PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC)

/**
 * teemu_slot_define() - define the slot registers of the PCIe capability
 * @cfg: config space of the root port
 */
void teemu_slot_define(struct teemu_cfg *cfg)
{
	/* commands take effect at once: no Command Completed */
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_SLTCAP, PCI_EXP_SLTCAP_HPC |
			 PCI_EXP_SLTCAP_HPS | PCI_EXP_SLTCAP_PCP |
			 PCI_EXP_SLTCAP_NCCS, 0, 0);
	teemu_cfg_define(cfg, SLTCTL, PRESENT,
			 PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE |
			 PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_DLLSCE,
			 SLOT_EVENTS << 16);
}

/**
 * teemu_slot_preset() - give the slot its number
 * @rc: the root complex, cfg_lock held
 */
void teemu_slot_preset(struct teemu_rc *rc)
{
	u32 cap = teemu_cfg_get(&rc->port, TEEMU_EXP + PCI_EXP_SLTCAP);

	FIELD_MODIFY(PCI_EXP_SLTCAP_PSN, &cap, rc->slot + 1);
	teemu_cfg_set(&rc->port, TEEMU_EXP + PCI_EXP_SLTCAP, cap);
}

/**
 * teemu_slot_powered() - does the slot give power?
 * @rc: the root complex, cfg_lock held
 *
 * Return: what the power controller was told.
 */
bool teemu_slot_powered(const struct teemu_rc *rc)
{
	return !(teemu_cfg_get(&rc->port, SLTCTL) & PCI_EXP_SLTCTL_PWR_OFF);
}

/* Events that have not been cleared and are to be told */
static bool slot_pending(const struct teemu_rc *rc)
{
	u32 reg = teemu_cfg_get(&rc->port, SLTCTL);

	if (!(reg & PCI_EXP_SLTCTL_HPIE))
		return false;
	return (reg & PCI_EXP_SLTCTL_PDCE && reg & PCI_EXP_SLTSTA_PDC << 16) ||
	       (reg & PCI_EXP_SLTCTL_DLLSCE && reg & PCI_EXP_SLTSTA_DLLSC << 16);
}

/**
 * teemu_slot_event() - something has happened in the slot
 * @rc: the root complex, cfg_lock held
 * @events: PCI_EXP_SLTSTA_PDC, PCI_EXP_SLTSTA_DLLSC
 */
void teemu_slot_event(struct teemu_rc *rc, u16 events)
{
	u32 reg = teemu_cfg_get(&rc->port, SLTCTL);

	lockdep_assert_held(&rc->cfg_lock);
	teemu_cfg_set(&rc->port, SLTCTL, reg | events << 16);
	if (slot_pending(rc))
		teemu_port_raise(rc);
}

/**
 * teemu_slot_written() - Slot Control or Status was written
 * @rc: the root complex, cfg_lock held
 * @old: both before
 * @new: both now
 *
 * The caller looks what it means for the link.
 */
void teemu_slot_written(struct teemu_rc *rc, u32 old, u32 new)
{
	const u32 enable = PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_PDCE |
			   PCI_EXP_SLTCTL_DLLSCE;

	lockdep_assert_held(&rc->cfg_lock);
	if (new & PCI_EXP_SLTCTL_PWR_OFF)
		rc->cold = true;
	if (new & ~old & enable && slot_pending(rc))
		teemu_port_raise(rc);
}

static void slot_set_present(struct teemu_rc *rc, bool present)
{
	u32 reg = teemu_cfg_get(&rc->port, SLTCTL);

	lockdep_assert_held(&rc->cfg_lock);
	rc->present = present;
	rc->cold = true;
	teemu_cfg_set(&rc->port, SLTCTL,
		      present ? reg | PRESENT : reg & ~PRESENT);
	teemu_port_relink(rc, "surprise removal");
	teemu_slot_event(rc, PCI_EXP_SLTSTA_PDC);
}

/**
 * teemu_slot_out() - the device is pulled out of its slot
 * @rc: the root complex
 *
 * At once nothing answers any more and no request is sent; when this returns its
 * BARs read all ones, as long as nobody writes to them. Context: process, may
 * sleep.
 *
 * Return: 0; -ENODEV: the slot is empty.
 */
int teemu_slot_out(struct teemu_rc *rc)
{
	guard(mutex)(&rc->plug_lock);
	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock) {
		if (!rc->present)
			return -ENODEV;
		slot_set_present(rc, false);
		/* also if it had no power */
		for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
			teemu_fn_wipe(&rc->fn[i]);
	}
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_fn_settle(&rc->fn[i]);
	return 0;
}

/**
 * teemu_slot_in() - a fresh device of the same kind is put into the slot
 * @rc: the root complex
 *
 * Context: process, may sleep.
 *
 * Return: 0; -EBUSY: there is one.
 */
int teemu_slot_in(struct teemu_rc *rc)
{
	guard(mutex)(&rc->plug_lock);
	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock)
		if (rc->present)
			return -EBUSY;
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_fn_clear(&rc->fn[i]);
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	slot_set_present(rc, true);
	return 0;
}
