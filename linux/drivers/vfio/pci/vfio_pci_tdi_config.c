// SPDX-License-Identifier: GPL-2.0-only
/*
 * Config writes that a locked TDI answers with ERROR.
 *
 * The device is right to do so (PCIe r7.0 section 11.2.6 lists what a TDI has to
 * track while it is locked), but a VMM that lets its guest write config space
 * would lose the TDI to a slip. So a write that would have that consequence is
 * refused with EBUSY: the VMM unbinds, then tries again.
 *
 * Only what VFIO lets through to hardware, or acts upon, is here. BARs, ROM BAR
 * and interrupt registers are virtual in VFIO; SR-IOV, ARI, ATS, PRI, resizable
 * BAR and multicast capabilities are read-only. A capability that VFIO hides (IDE,
 * DOE, Device 3 and what it does not know) has its registers in the unassigned
 * part of config space, where VFIO passes every write on.
 */
#include <kunit/visibility.h>
#include <linux/array_size.h>
#include <linux/export.h>
#include <linux/pci.h>

#include "vfio_pci_priv.h"

enum vfio_pci_tdi_when {
	TDI_ON_WRITE,		/* any byte of the mask is written */
	TDI_ON_SET,		/* a bit of the mask is written as 1 */
	TDI_ON_CLEAR,		/* a bit of the mask is 1 and written as 0 */
	TDI_ON_CHANGE,		/* a bit of the mask is written as it was not */
	TDI_ANYWHERE,		/* any byte of the capability is written */
};

/**
 * struct vfio_pci_tdi_rule - one register that a locked TDI guards
 * @cap: capability, in the numbering of vfio's config map
 * @ext: it is an extended capability
 * @when: which writes break the TDI
 * @offset: of the register in the capability
 * @mask: its guarded bits; counted from bit 0 of the byte at @offset
 * @resets: the write resets the function, with what goes along
 */
struct vfio_pci_tdi_rule {
	u8 cap;
	bool ext;
	enum vfio_pci_tdi_when when;
	int offset;
	u32 mask;
	bool resets;
};

static const struct vfio_pci_tdi_rule vfio_pci_tdi_rules[] = {
	{ VFIO_PCI_TDI_CAP_HEADER, false, TDI_ON_CLEAR, PCI_COMMAND,
	  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER },
	{ VFIO_PCI_TDI_CAP_HEADER, false, TDI_ON_WRITE, PCI_BIST, 0xff },
	{ PCI_CAP_ID_PM, false, TDI_ON_SET, PCI_PM_CTRL,
	  PCI_PM_CTRL_STATE_MASK },
	{ PCI_CAP_ID_EXP, false, TDI_ON_SET, PCI_EXP_DEVCTL,
	  PCI_EXP_DEVCTL_BCR_FLR, .resets = true },
	{ PCI_CAP_ID_EXP, false, TDI_ON_CHANGE, PCI_EXP_DEVCTL,
	  PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN },
	{ PCI_CAP_ID_EXP, false, TDI_ON_CHANGE, PCI_EXP_DEVCTL2,
	  VFIO_PCI_TDI_DEVCTL2_10BIT_TAG },
	{ PCI_CAP_ID_AF, false, TDI_ON_SET, PCI_AF_CTRL, PCI_AF_CTRL_FLR,
	  .resets = true },
	{ PCI_CAP_ID_VNDR, false, TDI_ANYWHERE },
	{ PCI_CAP_ID_INVALID, false, TDI_ANYWHERE },
	{ PCI_CAP_ID_INVALID, true, TDI_ANYWHERE },
	{ PCI_EXT_CAP_ID_VNDR, true, TDI_ANYWHERE },
	{ PCI_EXT_CAP_ID_DVSEC, true, TDI_ANYWHERE },
};

/* The guarded bits of @rule as they lie in a write of @count bytes at @offset */
static u32 vfio_pci_tdi_touched(const struct vfio_pci_tdi_rule *rule,
				int offset, int count)
{
	int shift = (rule->offset - offset) * BITS_PER_BYTE;
	u64 mask;

	if (shift <= -32 || shift >= 32)
		return 0;
	mask = shift < 0 ? rule->mask >> -shift : (u64)rule->mask << shift;
	return mask & GENMASK_ULL(count * BITS_PER_BYTE - 1, 0);
}

static bool vfio_pci_tdi_rule_hit(const struct vfio_pci_tdi_rule *rule,
				  int offset, int count, u32 val, u32 cur)
{
	u32 touched = vfio_pci_tdi_touched(rule, offset, count);

	switch (rule->when) {
	case TDI_ON_WRITE:
		return touched;
	case TDI_ON_SET:
		return touched & val;
	case TDI_ON_CLEAR:
		return touched & cur & ~val;
	case TDI_ON_CHANGE:
		return touched & (cur ^ val);
	case TDI_ANYWHERE:
		return true;
	}
	return true;
}

static bool vfio_pci_tdi_rule_is_for(const struct vfio_pci_tdi_rule *rule,
				     u8 cap, bool ext)
{
	return rule->cap == cap && rule->ext == ext;
}

/**
 * vfio_pci_tdi_write_needs_cur() - does the present value matter?
 * @cap: capability, in the numbering of vfio's config map
 * @ext: it is an extended capability
 * @offset: of the write in the capability
 * @count: 1, 2 or 4 bytes
 *
 * Return: true if vfio_pci_tdi_write_breaks() has to know what is there now.
 */
bool vfio_pci_tdi_write_needs_cur(u8 cap, bool ext, int offset, int count)
{
	const struct vfio_pci_tdi_rule *rule = vfio_pci_tdi_rules;
	int i;

	for (i = 0; i < ARRAY_SIZE(vfio_pci_tdi_rules); i++, rule++)
		if (vfio_pci_tdi_rule_is_for(rule, cap, ext) &&
		    (rule->when == TDI_ON_CLEAR || rule->when == TDI_ON_CHANGE) &&
		    vfio_pci_tdi_touched(rule, offset, count))
			return true;
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pci_tdi_write_needs_cur);

/**
 * vfio_pci_tdi_write_breaks() - would a locked TDI go to ERROR?
 * @cap: capability, in the numbering of vfio's config map
 * @ext: it is an extended capability
 * @offset: of the write in the capability
 * @count: 1, 2 or 4 bytes, within one capability and one dword
 * @val: the bytes to be written
 * @cur: the bytes that are there now, where the present value matters
 *
 * Return: true if the write has to be refused while the TDI is locked.
 */
bool vfio_pci_tdi_write_breaks(u8 cap, bool ext, int offset, int count,
			       u32 val, u32 cur)
{
	const struct vfio_pci_tdi_rule *rule = vfio_pci_tdi_rules;
	int i;

	for (i = 0; i < ARRAY_SIZE(vfio_pci_tdi_rules); i++, rule++)
		if (vfio_pci_tdi_rule_is_for(rule, cap, ext) &&
		    vfio_pci_tdi_rule_hit(rule, offset, count, val, cur))
			return true;
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pci_tdi_write_breaks);

/* What a write that breaks a locked TDI touches besides */
static enum pci_tdi_reach vfio_pci_tdi_write_reach(u8 cap, bool ext, int offset,
						   int count, u32 val)
{
	const struct vfio_pci_tdi_rule *rule = vfio_pci_tdi_rules;
	int i;

	for (i = 0; i < ARRAY_SIZE(vfio_pci_tdi_rules); i++, rule++)
		if (rule->resets && vfio_pci_tdi_rule_is_for(rule, cap, ext) &&
		    vfio_pci_tdi_rule_hit(rule, offset, count, val, 0))
			return PCI_TDI_RESET;
	return PCI_TDI_FUNCTION;
}

/* What is at @pos now; -errno if the device does not say */
static int vfio_pci_tdi_read_cur(struct vfio_pci_core_device *vdev, int pos,
				 int count, u32 *cur)
{
	u16 word;
	u8 byte;
	int ret;

	switch (count) {
	case 1:
		ret = pci_user_read_config_byte(vdev->pdev, pos, &byte);
		*cur = byte;
		break;
	case 2:
		ret = pci_user_read_config_word(vdev->pdev, pos, &word);
		*cur = word;
		break;
	default:
		ret = pci_user_read_config_dword(vdev->pdev, pos, cur);
		break;
	}

	/* a VF has no MSE of its own; VFIO revokes when the virtual one goes */
	if (pos == PCI_COMMAND)
		*cur |= vdev->vconfig[PCI_COMMAND] & PCI_COMMAND_MEMORY;
	return ret;
}

/*
 * Two threads of one VMM that write the same register at once can outwit the
 * look at the present value. Their TDI goes to ERROR then, as after any write
 * past VFIO, and nothing worse.
 */
static bool vfio_pci_tdi_would_break(struct vfio_pci_core_device *vdev, int pos,
				     int count, int offset, u32 val)
{
	u8 cap = vdev->pci_config_map[pos];
	bool ext = pos >= PCI_CFG_SPACE_SIZE;
	u32 cur = 0;

	if (vfio_pci_tdi_write_needs_cur(cap, ext, offset, count) &&
	    vfio_pci_tdi_read_cur(vdev, pos, count, &cur))
		return true;
	return vfio_pci_tdi_write_breaks(cap, ext, offset, count, val, cur);
}

/**
 * vfio_pci_tdi_config_write() - a config write of the user goes to its handler
 * @vdev: the device
 * @pos: where, in config space
 * @count: 1, 2 or 4 bytes, within one capability and one dword
 * @perm: the capability's permissions, for @writefn
 * @offset: of @pos in its capability
 * @val: what
 * @writefn: the handler
 *
 * A write that would break a locked TDI keeps out binds for as long as @writefn
 * takes, FLR included; once a STOP was confirmed it goes through.
 *
 * Return: as @writefn, or -EBUSY with nothing changed.
 */
int vfio_pci_tdi_config_write(struct vfio_pci_core_device *vdev, int pos,
			      int count, struct perm_bits *perm, int offset,
			      __le32 val, vfio_pci_config_writefn writefn)
{
	enum pci_tdi_reach reach;
	struct pci_tdi_hold hold;
	int ret;

	if (!vfio_pci_tdi_would_break(vdev, pos, count, offset,
				      le32_to_cpu(val)))
		return writefn(vdev, pos, count, perm, offset, val);

	reach = vfio_pci_tdi_write_reach(vdev->pci_config_map[pos],
					 pos >= PCI_CFG_SPACE_SIZE, offset,
					 count, le32_to_cpu(val));
	ret = pci_tdi_begin(&hold, vdev->pdev, reach, PCI_TDI_REFUSE_LOCKED);
	if (ret)
		return ret;
	ret = writefn(vdev, pos, count, perm, offset, val);
	pci_tdi_end(&hold);
	return ret;
}
