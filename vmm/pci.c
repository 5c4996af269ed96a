// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus on which a Linux guest finds its TDI: bus 0 behind configuration mechanism
 * #1, with a host bridge, tvmm's own function (doorbell and mailbox, see tvm_abi.h) and
 * the TDI at the requester id that it has in the TVM.
 *
 * The functions are as firmware leaves them: enabled, their BARs set. BARs tell their
 * size and do not move, since what is behind them is a memory slot or a port that is
 * there already. No function has a capability: interrupts stay the host's.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "tvmm.h"

#define ADDRESS_ENABLE		0x80000000U
#define COMMAND_BITS		(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | \
				 PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)

#define BRIDGE_RID		0x00
#define CLASS_BRIDGE		0x06000000U
#define CLASS_OTHER		0xff000000U

static uint32_t *reg(struct pci_function *f, unsigned int off)
{
	return &f->config[off / 4];
}

static struct pci_function *add(struct tvmm *t, uint16_t rid, uint32_t id,
				uint32_t class)
{
	struct pci *pci = &t->pci;
	struct pci_function *f = &pci->functions[pci->nr_functions++];

	*f = (struct pci_function) { .rid = rid };
	*reg(f, PCI_VENDOR_ID) = id;
	*reg(f, PCI_CLASS_REVISION) = class;
	*reg(f, PCI_COMMAND) = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			       PCI_COMMAND_MASTER;
	return f;
}

/* @flags are the BAR's low bits; of a 64-bit BAR the next one is the upper half */
static void add_bar(struct pci_function *f, unsigned int bar, uint64_t addr,
		    uint64_t size, uint32_t flags)
{
	unsigned int off = PCI_BASE_ADDRESS_0 + 4 * bar;

	*reg(f, off) = addr | flags;
	f->size_mask[bar] = ~(size - 1) | flags;
	if (flags & PCI_BASE_ADDRESS_SPACE_IO ||
	    !(flags & PCI_BASE_ADDRESS_MEM_TYPE_64))
		return;
	*reg(f, off + 4) = addr >> 32;
	f->size_mask[bar + 1] = ~(size - 1) >> 32;
}

/* what the guest's driver goes by is the device's own */
static int copy_identity(struct device *d, struct pci_function *f)
{
	static const uint16_t offs[] = {
		PCI_VENDOR_ID, PCI_CLASS_REVISION, PCI_SUBSYSTEM_VENDOR_ID,
	};
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		ret = tdi_device_config_read(d->dev, offs[i],
					     reg(f, offs[i]), 4);
		if (ret)
			return device_failed(d, TDI_CALL_VFIO, ret,
					     "config space");
	}
	return 0;
}

static int add_tdi(struct device *d)
{
	struct pci_function *f = add(d->t, TVM_DEVICE_RID(d->index), 0, 0);
	unsigned int bar;
	struct tdi_bar info;
	int ret;

	ret = copy_identity(d, f);
	for (bar = 0; !ret && bar < 2 * NR_BARS; bar += 2) {
		ret = tdi_device_bar(d->dev, bar, &info);
		if (ret)
			return device_failed(d, TDI_CALL_VFIO, ret, "BAR");
		if (info.size & (info.size - 1) || info.size > TVM_BAR_STRIDE)
			return report_failed(d->t, "device", -EPROTO,
					     "%s: BAR %u of %#llx bytes has no place in the guest",
					     d->bdf, bar, (unsigned long long)info.size);
		if (info.size)
			add_bar(f, bar, TVM_BAR_GPA(d->index, bar), info.size,
				PCI_BASE_ADDRESS_MEM_TYPE_64);
	}
	return ret;
}

int pci_create(struct tvmm *t)
{
	struct pci_function *f;
	unsigned int i;
	int ret = 0;

	t->pci = (struct pci) { 0 };
	add(t, BRIDGE_RID, TVM_PCI_BRIDGE_ID << 16 | TVM_PCI_VENDOR_ID,
	    CLASS_BRIDGE);
	f = add(t, TVM_TVMM_RID, TVM_PCI_TVMM_ID << 16 | TVM_PCI_VENDOR_ID,
		CLASS_OTHER);
	add_bar(f, TVM_TVMM_BAR_PORT, TVM_PORT, 4, PCI_BASE_ADDRESS_SPACE_IO);
	add_bar(f, TVM_TVMM_BAR_SHARED, TVM_ALIAS_GPA, TVM_SHARED_SIZE,
		PCI_BASE_ADDRESS_MEM_PREFETCH);
	for (i = 0; !ret && i < t->opt.nr_devices; i++)
		ret = add_tdi(&t->device[i]);
	return ret;
}

/* the function that the address register names; NULL: none is there */
static struct pci_function *selected(struct pci *pci)
{
	unsigned int i;

	if (!(pci->address & ADDRESS_ENABLE) || pci->address >> 16 & 0xff)
		return NULL;
	for (i = 0; i < pci->nr_functions; i++)
		if (pci->functions[i].rid == (pci->address >> 8 & 0xff))
			return &pci->functions[i];
	return NULL;
}

static int bar_of(unsigned int off)
{
	if (off < PCI_BASE_ADDRESS_0 || off > PCI_BASE_ADDRESS_5)
		return -1;
	return (off - PCI_BASE_ADDRESS_0) / 4;
}

static uint32_t config_read(struct pci_function *f, unsigned int off)
{
	int bar = bar_of(off);

	if (off >= sizeof(f->config))
		return 0;
	if (bar >= 0 && f->sizing[bar])
		return f->size_mask[bar];
	return *reg(f, off);
}

static void config_write(struct pci_function *f, unsigned int off,
			 uint32_t value)
{
	int bar = bar_of(off);

	if (bar >= 0)
		f->sizing[bar] = value == ~0U;
	else if (off == PCI_COMMAND)
		*reg(f, off) = value & COMMAND_BITS;
	else if (off == PCI_INTERRUPT_LINE)
		*reg(f, off) = value & 0xff;
}

/* @port 0 to 7 from PCI_PORT; the access does not cross a register */
uint32_t pci_read(struct tvmm *t, unsigned int port, unsigned int size)
{
	struct pci *pci = &t->pci;
	struct pci_function *f = selected(pci);

	if (port < 4)
		return port || size != 4 ? ~0U : pci->address;
	if (!f)
		return ~0U;
	return config_read(f, pci->address & 0xfc) >> 8 * (port & 3);
}

void pci_write(struct tvmm *t, unsigned int port, unsigned int size,
	       uint32_t value)
{
	struct pci *pci = &t->pci;
	unsigned int off = pci->address & 0xfc, shift = 8 * (port & 3);
	uint32_t mask = size == 4 ? ~0U : (1U << 8 * size) - 1;
	struct pci_function *f = selected(pci);

	if (port < 4) {
		if (!port && size == 4)
			pci->address = value;
		return;
	}
	if (f)
		config_write(f, off, (config_read(f, off) & ~(mask << shift)) |
				     (value & mask) << shift);
}
