// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's half of the selective IDE stream between the root port and a device:
 * stream ids, association registers, the enable bits of both ports. The other
 * half, the keys, is firmware's and comes between tio_ide_setup() and
 * tio_ide_enable().
 *
 * All of it under pci_tsm_pf0::lock of the device: it owns the struct pci_ide.
 */
#include <linux/bitfield.h>
#include <linux/export.h>
#include <linux/tio-tsm.h>

#include <trace/events/tio_tsm.h>

/**
 * tio_ide_program() - write a stream's registers into both ports
 * @ep: the endpoint
 * @ide: its stream, of tio_ide_setup(), disabled
 *
 * Also for a stream that is made anew. Context: process.
 */
void tio_ide_program(struct pci_dev *ep, struct pci_ide *ide)
{
	pci_ide_stream_setup(ep, ide);
	pci_ide_stream_setup(pcie_find_root_port(ep), ide);
}
EXPORT_SYMBOL_GPL(tio_ide_program);

/**
 * tio_ide_setup() - a stream between a device and its root port
 * @ep: the endpoint: function 0 of the device, which hosts its DSM
 * @ide: filled with the stream; NULL on failure
 *
 * The stream has an id, is in sysfs and in the registers of both ports, not
 * enabled. It covers every requester below the root port, so every function of
 * the device, and VFs that are enabled later. Undone by tio_ide_release().
 * Context: process.
 *
 * Return: 0; -ENOMEM: no stream is left, or no memory, or @ep cannot do IDE; or
 * what pci_ide_stream_register() says (-EBUSY: the id is taken).
 */
int tio_ide_setup(struct pci_dev *ep, struct pci_ide **ide)
{
	struct pci_dev *rp = pcie_find_root_port(ep);
	struct pci_ide *new = pci_ide_stream_alloc(ep);
	int rc;

	*ide = NULL;
	if (!new)
		return -ENOMEM;
	new->stream_id = new->host_bridge_stream;
	new->partner[PCI_IDE_EP].default_stream = 1;
	new->partner[PCI_IDE_RP].rid_end =
		PCI_DEVID(rp->subordinate->busn_res.end, 0xff);

	rc = pci_ide_stream_register(new);
	if (rc) {
		pci_ide_stream_release(new);
		return rc;
	}
	tio_ide_program(ep, new);
	*ide = new;
	return 0;
}
EXPORT_SYMBOL_GPL(tio_ide_setup);

/**
 * tio_ide_release() - undo tio_ide_setup()
 * @ide: the stream, in whatever state; NULL afterwards; NULL already is fine
 *
 * Firmware holds nothing of the stream any more, since its id can be another's at
 * once. Context: process.
 */
void tio_ide_release(struct pci_ide **ide)
{
	if (*ide)
		pci_ide_stream_release(*ide);
	*ide = NULL;
}
EXPORT_SYMBOL_GPL(tio_ide_release);

/*
 * A port may read Secure only when both have the stream enabled, so what the
 * endpoint says before the root port's turn does not count.
 */
static int enable_both(struct pci_dev *ep, struct pci_ide *ide)
{
	struct pci_dev *rp = pcie_find_root_port(ep);
	int rc, early;

	early = pci_ide_stream_enable(ep, ide);
	if (early && early != -ENXIO)
		return early;
	rc = pci_ide_stream_enable(rp, ide);
	if (!rc && early)
		rc = pci_ide_stream_enable(ep, ide);
	return rc;
}

/**
 * tio_ide_enable() - both ports go Secure
 * @ep: the endpoint
 * @ide: its stream, whose keys firmware has put in use
 *
 * Undone, from half-way too, by tio_ide_disable(). Context: process.
 *
 * Return: 0; -ENXIO: a port does not read Secure; -EINVAL: @ide is not of @ep.
 */
int tio_ide_enable(struct pci_dev *ep, struct pci_ide *ide)
{
	int rc = enable_both(ep, ide);

	trace_tio_ide(ep, ide->stream_id, true, rc);
	return rc;
}
EXPORT_SYMBOL_GPL(tio_ide_enable);

/**
 * tio_ide_disable() - undo tio_ide_enable()
 * @ep: the endpoint
 * @ide: its stream; that one or both ports are not enabled is fine
 *
 * Context: process.
 */
void tio_ide_disable(struct pci_dev *ep, struct pci_ide *ide)
{
	if (ide->partner[PCI_IDE_RP].enable)
		pci_ide_stream_disable(pcie_find_root_port(ep), ide);
	if (ide->partner[PCI_IDE_EP].enable)
		pci_ide_stream_disable(ep, ide);
	trace_tio_ide(ep, ide->stream_id, false, 0);
}
EXPORT_SYMBOL_GPL(tio_ide_disable);

static bool port_is_secure(struct pci_dev *port,
			   const struct pci_ide_partner *partner)
{
	u32 pos = port->ide_cap + PCI_IDE_LINK_STREAM_0 +
		  port->nr_link_ide * PCI_IDE_LINK_BLOCK_SIZE +
		  partner->stream_index *
		  PCI_IDE_SEL_BLOCK_SIZE(port->nr_ide_mem);
	u32 val;

	/* a device that is gone reads all ones, which is no state */
	pci_read_config_dword(port, pos + PCI_IDE_SEL_STS, &val);
	return FIELD_GET(PCI_IDE_SEL_STS_STATE, val) ==
	       PCI_IDE_SEL_STS_STATE_SECURE;
}

/**
 * tio_ide_is_secure() - do both ports still read Secure?
 * @ep: the endpoint
 * @ide: its stream, of tio_ide_setup()
 *
 * Nobody tells when a reset of the bus, or a device that lost its session, has taken
 * the stream down. Context: process. Return: true if it is up.
 */
bool tio_ide_is_secure(struct pci_dev *ep, struct pci_ide *ide)
{
	return port_is_secure(ep, &ide->partner[PCI_IDE_EP]) &&
	       port_is_secure(pcie_find_root_port(ep),
			      &ide->partner[PCI_IDE_RP]);
}
EXPORT_SYMBOL_GPL(tio_ide_is_secure);
