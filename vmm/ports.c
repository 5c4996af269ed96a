// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of a PC a Linux guest meets: interrupt controllers and timer, which are KVM's,
 * the ports that tvmm serves, and nothing behind all others. Port I/O is the one exit
 * that KVM needs no emulation of instructions for; see docs/linux-guest.md.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tvmm.h"

#define PORT_PIT_GATE	0x61
#define PORT_KEYBOARD	0x64
#define PORT_CMOS	0x71

/* before the first vCPU is made: its local interrupt controller comes with them */
int ports_create(struct tvmm *t)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(t->vm_fd, KVM_CREATE_IRQCHIP, 0))
		return report_failed(t, "vm", -errno, "KVM_CREATE_IRQCHIP: %s",
				     strerror(errno));
	if (ioctl(t->vm_fd, KVM_CREATE_PIT2, &pit))
		return report_failed(t, "vm", -errno, "KVM_CREATE_PIT2: %s",
				     strerror(errno));
	return 0;
}

static bool in(uint16_t port, unsigned int first, unsigned int count,
	       unsigned int size)
{
	return port >= first && port + size <= first + count;
}

static int port_out(struct vcpu *v, uint16_t port, unsigned int size,
		    uint32_t value)
{
	struct tvmm *t = v->t;

	if (port == TVM_PORT && size == 4)
		return hypercall(v, value);
	if (in(port, SERIAL_PORT, SERIAL_PORTS, size) && size == 1)
		return serial_write(t, port - SERIAL_PORT, value);
	if (in(port, PCI_PORT, PCI_PORTS, size))
		pci_write(t, port - PCI_PORT, size, value);
	return 0;
}

static int port_in(struct tvmm *t, uint16_t port, unsigned int size,
		   uint32_t *value)
{
	uint8_t byte;
	int ret;

	*value = ~0U;
	if (port == PORT_PIT_GATE || port == PORT_KEYBOARD || port == PORT_CMOS)
		*value = 0;
	if (in(port, PCI_PORT, PCI_PORTS, size))
		*value = pci_read(t, port - PCI_PORT, size);
	if (!in(port, SERIAL_PORT, SERIAL_PORTS, size) || size != 1)
		return 0;
	ret = serial_read(t, port - SERIAL_PORT, &byte);
	*value = byte;
	return ret;
}

int ports_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t value, i;
	int ret = 0;

	for (i = 0; !ret && i < run->io.count; i++, data += run->io.size) {
		value = 0;
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, run->io.size);
			ret = port_out(v, run->io.port, run->io.size, value);
		} else {
			ret = port_in(v->t, run->io.port, run->io.size, &value);
			memcpy(data, &value, run->io.size);
		}
	}
	return ret;
}

/* nothing is behind it: reads are all ones, as on a bus where nobody answers */
int ports_mmio(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	return 0;
}
