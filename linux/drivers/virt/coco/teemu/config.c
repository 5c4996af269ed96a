// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: config space of the root port and of the endpoint's functions.
 *
 * pci_ops are called concurrently and, through sysfs, with interrupts off: all
 * of it runs under teemu_rc::cfg_lock and never sleeps. What has to wait goes to
 * a worker (doe.c, dsm.c). A write that moves a locked TDI to ERROR (PCIe r7.0
 * section 11.2.6, protocols 2.7) still completes.
 */
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <trace/events/teemu.h>

#include "rc.h"

#define CFG_DWORD(where)	((where) & ~3u)
#define BAR_DW(bar)		(PCI_BASE_ADDRESS_0 + 4 * (bar))
#define ACS_PORT		(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)
#define ACS_FN			(PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

static const u32 teemu_bar_size[TEEMU_NR_BARS] = {
	TEEMU_BAR_REGS_SIZE, TEEMU_BAR_MEM_SIZE, TEEMU_BAR_MSIX_SIZE,
};

/**
 * teemu_cfg_get() - read the stored value of a config dword
 * @cfg: config space
 * @dw: byte offset, a multiple of 4
 *
 * Return: the value, without what special registers compute on a read.
 */
u32 teemu_cfg_get(const struct teemu_cfg *cfg, unsigned int dw)
{
	return get_unaligned_le32(cfg->data + dw);
}

/**
 * teemu_cfg_set() - change the stored value of a config dword
 * @cfg: config space
 * @dw: byte offset, a multiple of 4
 * @val: the value; masks do not apply and nothing follows from it
 */
void teemu_cfg_set(struct teemu_cfg *cfg, unsigned int dw, u32 val)
{
	put_unaligned_le32(val, cfg->data + dw);
}

/**
 * teemu_cfg_define() - say what a config dword is
 * @cfg: config space
 * @dw: byte offset, a multiple of 4
 * @reset: its value after a reset
 * @wmask: bits that software may change
 * @w1c: bits that software clears by writing one
 */
void teemu_cfg_define(struct teemu_cfg *cfg, unsigned int dw, u32 reset,
		      u32 wmask, u32 w1c)
{
	put_unaligned_le32(reset, cfg->reset + dw);
	put_unaligned_le32(wmask, cfg->wmask + dw);
	put_unaligned_le32(w1c, cfg->w1c + dw);
}

/**
 * teemu_cfg_bar() - address in a BAR, under cfg_lock
 * @fn: the function
 * @bar: 0, 1 or 2 for BAR 0, 2 and 4
 *
 * Return: the address, 0 after a reset.
 */
u64 teemu_cfg_bar(const struct teemu_fn *fn, unsigned int bar)
{
	u32 lo = teemu_cfg_get(&fn->cfg, BAR_DW(2 * bar));
	u64 hi = teemu_cfg_get(&fn->cfg, BAR_DW(2 * bar + 1));

	return hi << 32 | (lo & PCI_BASE_ADDRESS_MEM_MASK);
}

/* What a function resets to, and which bits of it can be written. */
static void teemu_define_fn(struct teemu_fn *fn)
{
	struct teemu_cfg *cfg = &fn->cfg;
	bool fn0 = PCI_FUNC(fn->devfn) == 0;

	teemu_cfg_define(cfg, PCI_VENDOR_ID,
			 TEEMU_VENDOR_ID | TEEMU_DEVICE_ID << 16, 0, 0);
	teemu_cfg_define(cfg, PCI_COMMAND,
			 (PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY) << 16,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			 PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			 PCI_COMMAND_INTX_DISABLE, 0);
	teemu_cfg_define(cfg, PCI_CLASS_REVISION,
			 PCI_CLASS_ACCELERATOR_PROCESSING << 16 | 1, 0, 0);
	teemu_cfg_define(cfg, PCI_CACHE_LINE_SIZE, 0x80 << 16, 0xff, 0);
	teemu_cfg_define(cfg, PCI_SUBSYSTEM_VENDOR_ID,
			 TEEMU_VENDOR_ID | TEEMU_DEVICE_ID << 16, 0, 0);
	teemu_cfg_define(cfg, PCI_CAPABILITY_LIST, TEEMU_PM, 0, 0);
	teemu_cfg_define(cfg, PCI_INTERRUPT_LINE, 0, 0xff, 0);
	for (unsigned int i = 0; i < TEEMU_NR_BARS; i++) {
		teemu_cfg_define(cfg, BAR_DW(2 * i), PCI_BASE_ADDRESS_MEM_TYPE_64,
				 ~(teemu_bar_size[i] - 1), 0);
		teemu_cfg_define(cfg, BAR_DW(2 * i + 1), 0, ~0u, 0);
	}

	teemu_cfg_define(cfg, TEEMU_PM, PCI_CAP_ID_PM | TEEMU_EXP << 8 | 3 << 16,
			 0, 0);
	teemu_cfg_define(cfg, TEEMU_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET,
			 PCI_PM_CTRL_STATE_MASK, 0);

	teemu_cfg_define(cfg, TEEMU_EXP,
			 PCI_CAP_ID_EXP | TEEMU_MSIX << 8 |
			 (2 | PCI_EXP_TYPE_ENDPOINT << 4) << 16, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCAP,
			 PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
			 PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_TEE, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN |
			 PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B,
			 0x7fff, 0xf << 16);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP,
			 PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCTL,
			 (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1) << 16,
			 0x01cb, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL2, 0, 0xffff, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP2,
			 PCI_EXP_LNKCAP2_SLS_2_5GB, 0, 0);

	teemu_cfg_define(cfg, TEEMU_MSIX,
			 PCI_CAP_ID_MSIX | (TEEMU_MSIX_VECTORS - 1) << 16,
			 (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) << 16,
			 0);
	teemu_cfg_define(cfg, TEEMU_MSIX + PCI_MSIX_TABLE,
			 TEEMU_MSIX_TABLE_OFFSET | TEEMU_BAR_MSIX, 0, 0);
	teemu_cfg_define(cfg, TEEMU_MSIX + PCI_MSIX_PBA,
			 TEEMU_MSIX_PBA_OFFSET | TEEMU_BAR_MSIX, 0, 0);

	teemu_cfg_define(cfg, TEEMU_ACS, PCI_EXT_CAP_ID_ACS | 1 << 16 |
			 (fn0 ? TEEMU_DOE << 20 : 0), 0, 0);
	teemu_cfg_define(cfg, TEEMU_ACS + PCI_ACS_CAP, ACS_FN | ACS_FN << 16,
			 ACS_FN << 16, 0);
	if (!fn0)
		return;
	teemu_cfg_define(cfg, TEEMU_DOE,
			 PCI_EXT_CAP_ID_DOE | 1 << 16 | TEEMU_IDE << 20, 0, 0);
	teemu_ide_define(cfg);
}

/* What the root port resets to, and which bits of it can be written. */
static void teemu_define_port(struct teemu_cfg *cfg)
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

	teemu_cfg_define(cfg, TEEMU_EXP,
			 PCI_CAP_ID_EXP |
			 (2 | PCI_EXP_TYPE_ROOT_PORT << 4) << 16, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCAP,
			 PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
			 PCI_EXP_DEVCAP_TEE, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL,
			 PCI_EXP_DEVCTL_READRQ_512B, 0x7fff, 0xf << 16);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP,
			 PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 |
			 PCI_EXP_LNKCAP_DLLLARC, 0, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCTL,
			 (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1 |
			  PCI_EXP_LNKSTA_DLLLA) << 16,
			 0x00cb | PCI_EXP_LNKCTL_LD, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_RTCTL, 0, 0x1f, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_DEVCTL2, 0, 0xffff, 0);
	teemu_cfg_define(cfg, TEEMU_EXP + PCI_EXP_LNKCAP2,
			 PCI_EXP_LNKCAP2_SLS_2_5GB, 0, 0);

	teemu_cfg_define(cfg, TEEMU_ACS,
			 PCI_EXT_CAP_ID_ACS | 1 << 16 | TEEMU_IDE << 20, 0, 0);
	teemu_cfg_define(cfg, TEEMU_ACS + PCI_ACS_CAP, ACS_PORT | ACS_PORT << 16,
			 ACS_PORT << 16, 0);
	teemu_ide_define(cfg);
}

/* The engine may send requests in D0 with Bus Master Enable set. */
static void teemu_update_master(struct teemu_fn *fn)
{
	bool d0 = !(teemu_cfg_get(&fn->cfg, TEEMU_PM + PCI_PM_CTRL) &
		    PCI_PM_CTRL_STATE_MASK);
	bool bme = teemu_cfg_get(&fn->cfg, PCI_COMMAND) & PCI_COMMAND_MASTER;

	if (fn->dma)
		teemu_dma_set_master(fn->dma, d0 && bme);
}

/*
 * A reset of one function, complete for whoever looks when the write returns;
 * only requests in flight end a little later.
 *
 * FLR leaves the IDE registers, the keys and the mailbox of function 0 alone:
 * VFIO resets a function at every open and close, and an exchange or a stream
 * that serves the other functions must survive that.
 */
static void teemu_reset_fn(struct teemu_fn *fn, bool flr)
{
	struct teemu_cfg *cfg = &fn->cfg;

	lockdep_assert_held(&fn->rc->cfg_lock);
	trace_teemu_reset(teemu_rc_domain(fn->rc), fn->rid, flr);

	teemu_fn_fail(fn, flr ? "FLR" : "conventional reset");
	for (unsigned int dw = 0; dw < TEEMU_CFG_SIZE; dw += 4)
		if (!flr || dw < cfg->ide || dw >= cfg->ide_end)
			teemu_cfg_set(cfg, dw,
				      get_unaligned_le32(cfg->reset + dw));
	teemu_update_master(fn);
	if (fn->dma)
		teemu_dma_reset(fn->dma);
	teemu_msi_fn_reset(fn);
	if (!flr)
		teemu_fn_wipe(fn);
}

/* Secondary bus reset: the endpoint loses everything, sessions and keys too. */
static void teemu_reset_endpoint(struct teemu_rc *rc)
{
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_reset_fn(&rc->fn[i], false);
	teemu_doe_abort(rc);
	teemu_ide_port_changed(rc, "secondary bus reset");
}

static void fn_command_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if (old & ~new & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER))
		teemu_fn_fail(fn, "MSE or BME cleared");
	teemu_update_master(fn);
}

static void fn_bist_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if (be & 0xff000000)
		teemu_fn_fail(fn, "BIST written");
}

static void fn_bar_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
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
	if (new & ~old & PCI_PM_CTRL_STATE_MASK)
		teemu_fn_fail(fn, "left D0");
	teemu_update_master(fn);
}

static void fn_devctl_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	if ((old ^ new) & (PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_PHANTOM |
			   PCI_EXP_DEVCTL_NOSNOOP_EN))
		teemu_fn_fail(fn, "Device Control changed");
}

static void fn_devctl2_written(struct teemu_fn *fn, u32 be, u32 old, u32 new)
{
	/* 10-bit and 14-bit tag requester enable; Linux names neither */
	if ((old ^ new) & (BIT(12) | BIT(15)))
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
} teemu_fn_effects[] = {
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

static void teemu_fn_written(struct teemu_fn *fn, unsigned int dw, u32 be,
			     u32 val, u32 old, u32 new)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(teemu_fn_effects); i++)
		if (teemu_fn_effects[i].dw == dw)
			teemu_fn_effects[i].written(fn, be, old, new);

	if (dw == TEEMU_EXP + PCI_EXP_DEVCTL &&
	    val & be & PCI_EXP_DEVCTL_BCR_FLR)
		teemu_reset_fn(fn, true);
}

static void teemu_port_written(struct teemu_rc *rc, unsigned int dw, u32 be,
			       u32 old, u32 new)
{
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
		if (new & ~old & PCI_BRIDGE_CTL_BUS_RESET << 16)
			teemu_reset_endpoint(rc);
		break;
	case TEEMU_EXP + PCI_EXP_LNKCTL:
		if (new & ~old & PCI_EXP_LNKCTL_LD)
			teemu_ide_port_changed(rc, "link disabled");
		break;
	}
}

static bool is_doe_reg(const struct teemu_fn *fn, unsigned int dw)
{
	return fn && PCI_FUNC(fn->devfn) == 0 && dw >= TEEMU_DOE + PCI_DOE_CAP &&
	       dw < TEEMU_DOE + PCI_DOE_CAP_SIZEOF;
}

static bool is_ide_reg(const struct teemu_cfg *cfg, unsigned int dw)
{
	return cfg->ide && dw > cfg->ide && dw < cfg->ide_end;
}

static struct teemu_cfg *to_cfg(struct teemu_rc *rc, struct teemu_fn *fn)
{
	return fn ? &fn->cfg : &rc->port;
}

/**
 * teemu_cfg_read() - a config read arrives
 * @rc: the root complex
 * @fn: the function, NULL for the root port
 * @where: byte offset
 * @size: 1, 2 or 4; does not cross a dword
 *
 * Return: the value. Context: any, takes cfg_lock.
 */
u32 teemu_cfg_read(struct teemu_rc *rc, struct teemu_fn *fn,
		   unsigned int where, int size)
{
	struct teemu_cfg *cfg = to_cfg(rc, fn);
	unsigned int dw = CFG_DWORD(where);
	u32 val;

	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	if (is_doe_reg(fn, dw))
		val = teemu_doe_read(rc, dw - TEEMU_DOE);
	else if (is_ide_reg(cfg, dw))
		val = teemu_ide_read(rc, cfg, dw);
	else
		val = teemu_cfg_get(cfg, dw);

	val >>= 8 * (where & 3);
	return size == 4 ? val : val & (BIT(8 * size) - 1);
}

/**
 * teemu_cfg_write() - a config write arrives
 * @rc: the root complex
 * @fn: the function, NULL for the root port
 * @where: byte offset
 * @size: 1, 2 or 4; does not cross a dword
 * @val: the value
 *
 * Context: any, takes cfg_lock.
 */
void teemu_cfg_write(struct teemu_rc *rc, struct teemu_fn *fn,
		     unsigned int where, int size, u32 val)
{
	struct teemu_cfg *cfg = to_cfg(rc, fn);
	unsigned int dw = CFG_DWORD(where);
	u32 be, old, new, wmask, w1c;

	be = (size == 4 ? ~0u : BIT(8 * size) - 1) << (8 * (where & 3));
	val <<= 8 * (where & 3);

	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	if (is_doe_reg(fn, dw)) {
		/* mailbox registers are dword only */
		if (size == 4)
			teemu_doe_write(rc, dw - TEEMU_DOE, val);
		return;
	}

	wmask = get_unaligned_le32(cfg->wmask + dw) & be;
	w1c = get_unaligned_le32(cfg->w1c + dw) & be;
	old = teemu_cfg_get(cfg, dw);
	new = ((old & ~wmask) | (val & wmask)) & ~(val & w1c);
	teemu_cfg_set(cfg, dw, new);

	if (is_ide_reg(cfg, dw))
		teemu_ide_written(rc, cfg, dw, old);
	else if (fn)
		teemu_fn_written(fn, dw, be, val, old, new);
	else
		teemu_port_written(rc, dw, be, old, new);
}

static bool teemu_link_up(struct teemu_rc *rc)
{
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	return !(teemu_cfg_get(&rc->port, PCI_INTERRUPT_LINE) &
		 PCI_BRIDGE_CTL_BUS_RESET << 16) &&
	       !(teemu_cfg_get(&rc->port, TEEMU_EXP + PCI_EXP_LNKCTL) &
		 PCI_EXP_LNKCTL_LD);
}

/* Find who answers at this address: *@fn is NULL for the root port. */
static bool teemu_route(struct pci_bus *bus, unsigned int devfn, int where,
			struct teemu_rc **rc, struct teemu_fn **fn)
{
	*rc = container_of(bus->sysdata, struct teemu_rc, sysdata);
	*fn = NULL;
	if (where < 0 || where >= TEEMU_CFG_SIZE)
		return false;
	if (bus->number == 0)
		return devfn == TEEMU_PORT_DEVFN;
	if (bus->number != TEEMU_FN_BUS || PCI_SLOT(devfn) ||
	    PCI_FUNC(devfn) >= TEEMU_NR_FNS || !teemu_link_up(*rc))
		return false;
	*fn = &(*rc)->fn[PCI_FUNC(devfn)];
	return true;
}

static int teemu_pci_read(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 *val)
{
	struct teemu_rc *rc;
	struct teemu_fn *fn;

	if (!teemu_route(bus, devfn, where, &rc, &fn)) {
		PCI_SET_ERROR_RESPONSE(val);
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	*val = teemu_cfg_read(rc, fn, where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int teemu_pci_write(struct pci_bus *bus, unsigned int devfn, int where,
			   int size, u32 val)
{
	struct teemu_rc *rc;
	struct teemu_fn *fn;

	if (!teemu_route(bus, devfn, where, &rc, &fn))
		return PCIBIOS_DEVICE_NOT_FOUND;
	teemu_cfg_write(rc, fn, where, size, val);
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops teemu_pci_ops = {
	.read = teemu_pci_read,
	.write = teemu_pci_write,
};

static void teemu_cfg_free(struct teemu_cfg *cfg)
{
	kfree(cfg->data);
	memset(cfg, 0, sizeof(*cfg));
}

static int teemu_cfg_alloc(struct teemu_cfg *cfg)
{
	u8 *p = kcalloc(4, TEEMU_CFG_SIZE, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	cfg->data = p;
	cfg->wmask = p + TEEMU_CFG_SIZE;
	cfg->w1c = p + 2 * TEEMU_CFG_SIZE;
	cfg->reset = p + 3 * TEEMU_CFG_SIZE;
	return 0;
}

/**
 * teemu_cfg_init() - allocate and define the config spaces
 * @rc: the root complex
 *
 * Undone by teemu_cfg_exit(), also after a failure. Return: 0 or -ENOMEM.
 */
int teemu_cfg_init(struct teemu_rc *rc)
{
	int ret = teemu_cfg_alloc(&rc->port);

	for (unsigned int i = 0; !ret && i < TEEMU_NR_FNS; i++)
		ret = teemu_cfg_alloc(&rc->fn[i].cfg);
	if (ret)
		return ret;

	teemu_define_port(&rc->port);
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_define_fn(&rc->fn[i]);
	return 0;
}

/**
 * teemu_cfg_exit() - undo teemu_cfg_init()
 * @rc: the root complex
 */
void teemu_cfg_exit(struct teemu_rc *rc)
{
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_cfg_free(&rc->fn[i].cfg);
	teemu_cfg_free(&rc->port);
}

/**
 * teemu_cfg_power_on() - reset values, then what platform firmware sets
 * @rc: the root complex; its window and the functions' BAR addresses are known
 *
 * Firmware leaves bus numbers, the bridge window and the BARs programmed: the
 * PCI core only claims them.
 */
void teemu_cfg_power_on(struct teemu_rc *rc)
{
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	memcpy(rc->port.data, rc->port.reset, TEEMU_CFG_SIZE);
	teemu_cfg_set(&rc->port, PCI_PRIMARY_BUS,
		      TEEMU_FN_BUS << 8 | TEEMU_FN_BUS << 16);
	teemu_cfg_set(&rc->port, PCI_MEMORY_BASE,
		      (rc->window.start >> 16 & 0xfff0) |
		      (rc->window.end & 0xfff00000));

	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++) {
		struct teemu_fn *fn = &rc->fn[i];

		memcpy(fn->cfg.data, fn->cfg.reset, TEEMU_CFG_SIZE);
		for (unsigned int bar = 0; bar < TEEMU_NR_BARS; bar++) {
			teemu_cfg_set(&fn->cfg, BAR_DW(2 * bar),
				      lower_32_bits(fn->bar_phys[bar]) |
				      PCI_BASE_ADDRESS_MEM_TYPE_64);
			teemu_cfg_set(&fn->cfg, BAR_DW(2 * bar + 1),
				      upper_32_bits(fn->bar_phys[bar]));
		}
	}
}
