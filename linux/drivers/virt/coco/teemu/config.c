// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: config space: who answers at an address, and reads and writes as the
 * masks say. What a register is and what follows from a write is said elsewhere:
 * function.c, sriov.c, port.c, slot.c, aer.c, ide.c, doe.c.
 *
 * pci_ops are called concurrently and, through sysfs, with interrupts off: all
 * of it runs under teemu_rc::cfg_lock and never sleeps. What has to wait goes to
 * a worker (doe.c, dsm.c).
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

/* The function at @devfn of the endpoint's bus, NULL if a request finds none. */
static struct teemu_fn *teemu_route_fn(struct teemu_rc *rc, unsigned int devfn)
{
	struct teemu_fn *fn;

	fn = teemu_rc_find_fn(rc, PCI_DEVID(TEEMU_FN_BUS, devfn));
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	if (!fn || !teemu_link_up(rc) || !teemu_fn_hosted(fn))
		return NULL;
	return !PCI_SLOT(devfn) || teemu_port_forwards_ari(rc) ? fn : NULL;
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
	if (bus->number != TEEMU_FN_BUS)
		return false;
	*fn = teemu_route_fn(*rc, devfn);
	return *fn;
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
 * teemu_cfg_power_on_endpoint() - a device gets power
 * @rc: the root complex, cfg_lock held; the functions' BAR addresses are known
 *
 * Reset values, and BARs and VF BARs as platform firmware programs them: the PCI
 * core only claims them.
 */
void teemu_cfg_power_on_endpoint(struct teemu_rc *rc)
{
	lockdep_assert_held(&rc->cfg_lock);
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++) {
		struct teemu_fn *fn = &rc->fn[i];

		memcpy(fn->cfg.data, fn->cfg.reset, TEEMU_CFG_SIZE);
		for (unsigned int bar = 0; !fn->vf && bar < TEEMU_NR_BARS; bar++) {
			teemu_cfg_set(&fn->cfg, BAR_DW(2 * bar),
				      lower_32_bits(fn->bar_phys[bar]) |
				      PCI_BASE_ADDRESS_MEM_TYPE_64);
			teemu_cfg_set(&fn->cfg, BAR_DW(2 * bar + 1),
				      upper_32_bits(fn->bar_phys[bar]));
		}
		teemu_fn_update_master(fn);
		if (fn->dma)
			teemu_dma_reset(fn->dma);
		teemu_msi_fn_reset(fn);
	}
	teemu_sriov_preset(rc);
	teemu_doe_abort(rc);
	rc->no_session = false;
}

/**
 * teemu_cfg_power_on() - reset values, then what platform firmware sets
 * @rc: the root complex; its window and the functions' BAR addresses are known
 *
 * Firmware leaves bus numbers and the bridge window programmed too.
 */
void teemu_cfg_power_on(struct teemu_rc *rc)
{
	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	memcpy(rc->port.data, rc->port.reset, TEEMU_CFG_SIZE);
	teemu_port_preset(rc);
	teemu_cfg_power_on_endpoint(rc);
}
