// SPDX-License-Identifier: MIT
/*
 * The part of a BAR that can be private: interrupts stay the host's, so the pages of the
 * MSI-X table and of the PBA do, as the kernel demands (PCI Express Base, 7.7.2).
 */
#include <errno.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include <tdi/device.h>

#define TABLE_ENTRY	16U	/* bytes of an MSI-X table's entry */
#define CAPS_MAX	48	/* as many as fit; more is a loop */

/* pages [@first, @end) of a BAR, in bytes */
struct range {
	uint64_t first;
	uint64_t end;
};

/* offset of capability @id, 0: there is none */
static int find_cap(struct tdi_device *dev, uint8_t id)
{
	uint16_t status;
	uint8_t pos, cap[2];
	int ret, i;

	ret = tdi_device_config_read(dev, PCI_STATUS, &status, sizeof(status));
	if (ret || !(status & PCI_STATUS_CAP_LIST))
		return ret;
	ret = tdi_device_config_read(dev, PCI_CAPABILITY_LIST, &pos, sizeof(pos));
	for (i = 0; !ret && i < CAPS_MAX; i++) {
		pos &= ~3;
		if (!pos)
			return 0;
		ret = tdi_device_config_read(dev, pos, &cap[0], 1) ?:
		      tdi_device_config_read(dev, pos + 1, &cap[1], 1);
		if (!ret && cap[0] == id)
			return pos;
		pos = cap[1];
	}
	return ret ?: -EPROTO;
}

/* the pages that @len bytes at where the register at @reg says have in BAR @index */
static int find_hole(struct tdi_device *dev, int reg, unsigned int index,
		     uint64_t len, struct range *hole)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint32_t where;
	int ret;

	hole->first = hole->end = 0;
	ret = tdi_device_config_read(dev, reg, &where, sizeof(where));
	if (ret || (where & PCI_MSIX_TABLE_BIR) != index)
		return ret;
	where &= PCI_MSIX_TABLE_OFFSET;
	hole->first = where & ~(page - 1);
	hole->end = (where + len + page - 1) & ~(page - 1);
	return 0;
}

/* table and PBA, the lower one first; an empty range where it is not in BAR @index */
static int find_holes(struct tdi_device *dev, unsigned int index,
		      struct range hole[2])
{
	struct range higher;
	uint64_t entries;
	uint16_t flags;
	int cap, ret;

	hole[0] = hole[1] = (struct range){ 0, 0 };
	cap = find_cap(dev, PCI_CAP_ID_MSIX);
	if (cap <= 0)
		return cap;
	ret = tdi_device_config_read(dev, cap + PCI_MSIX_FLAGS, &flags, sizeof(flags));
	if (ret)
		return ret;
	entries = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	ret = find_hole(dev, cap + PCI_MSIX_TABLE, index, entries * TABLE_ENTRY,
			&hole[0]) ?:
	      find_hole(dev, cap + PCI_MSIX_PBA, index, (entries + 63) / 64 * 8,
			&hole[1]);
	if (!ret && hole[0].first > hole[1].first) {
		higher = hole[0];
		hole[0] = hole[1];
		hole[1] = higher;
	}
	return ret;
}

static int add_slice(struct tdi_slice *slices, int count, uint64_t first,
		     uint64_t end)
{
	if (first >= end)
		return count;
	slices[count].offset = first;
	slices[count].len = end - first;
	return count + 1;
}

int tdi_device_slices(struct tdi_device *dev, unsigned int index,
		      struct tdi_slice slices[TDI_MAX_SLICES])
{
	uint64_t page = sysconf(_SC_PAGESIZE), at = 0, end;
	struct range hole[2];
	struct tdi_bar bar;
	int ret, i, count = 0;

	ret = tdi_device_bar(dev, index, &bar) ?: find_holes(dev, index, hole);
	if (ret)
		return ret;
	end = bar.size & ~(page - 1);
	for (i = 0; i < 2; i++) {
		if (hole[i].end > end + page)
			return -EPROTO;
		count = add_slice(slices, count, at, hole[i].first);
		if (hole[i].end > at)
			at = hole[i].end;
	}
	return add_slice(slices, count, at, end);
}
