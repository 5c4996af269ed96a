/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * teemu endpoint: the data sheet of the emulated TEE-I/O device, for whoever
 * drives it: a guest, a VMM or a test. All fields little-endian.
 */
#ifndef _UAPI_LINUX_TEEMU_H
#define _UAPI_LINUX_TEEMU_H

#include <linux/types.h>

#define TEEMU_VENDOR_ID			0x1dad	/* not assigned by PCI-SIG */
#define TEEMU_DEVICE_ID			0x7e10	/* endpoint, functions 0 and 1 */
#define TEEMU_VF_DEVICE_ID		0x7e11	/* VFs of function 0 */
#define TEEMU_PORT_DEVICE_ID		0x7e01	/* root port */

/* BAR 0: registers (page 0) and descriptor rings (pages 1 to 15) */
#define TEEMU_BAR_REGS			0
#define TEEMU_BAR_REGS_SIZE		0x10000
/* BAR 2: device memory */
#define TEEMU_BAR_MEM			2
#define TEEMU_BAR_MEM_SIZE		0x1000000
#define TEEMU_VF_BAR_MEM_SIZE		0x100000
/* BAR 4: MSI-X table (page 0), PBA (page 1), scratch (pages 2 and 3) */
#define TEEMU_BAR_MSIX			4
#define TEEMU_BAR_MSIX_SIZE		0x4000
#define TEEMU_MSIX_TABLE_OFFSET		0x0000
#define TEEMU_MSIX_PBA_OFFSET		0x1000
#define TEEMU_MSIX_VECTORS		4

/*
 * registers, offsets in BAR 0, 32 bit each
 *
 * Software writes the ring's place and TAIL, then sets RUN. The engine takes
 * RING_OFFSET and RING_ENTRIES at that moment, begins at entry 0 and sets
 * STATUS_RUNNING; it does not start while they make no sense (offset a multiple
 * of 64, the ring within pages 1 to 15). To change the ring: clear RUN, wait
 * until STATUS_RUNNING is clear. FLR, STOP_INTERFACE and the fall to ERROR clear
 * all of them and drop the descriptor at work without a status; without Bus
 * Master Enable it stays pending and is begun anew later.
 */
#define TEEMU_REG_ID			0x00	/* RO: TEEMU_ID */
#define  TEEMU_ID			0x4f494554	/* "TEIO" */
#define TEEMU_REG_VERSION		0x04	/* RO: 1 */
#define TEEMU_REG_CTRL			0x08	/* RW */
#define  TEEMU_CTRL_RUN			0x1	/* the engine looks at its ring */
#define TEEMU_REG_STATUS		0x0c	/* RO */
#define  TEEMU_STATUS_RUNNING		0x1
#define TEEMU_REG_RING_OFFSET		0x10	/* RW: byte offset in BAR 0 */
#define TEEMU_REG_RING_ENTRIES		0x14	/* RW: power of two, 2 to 512 */
#define TEEMU_REG_TAIL			0x18	/* RW: next entry software fills */
#define TEEMU_REG_HEAD			0x1c	/* RO: next entry the engine takes */
#define TEEMU_REG_DONE			0x20	/* RO: descriptors completed */
#define TEEMU_REG_ERRORS		0x24	/* RO: of them with an error */

/**
 * struct teemu_desc - one descriptor, 64 bytes
 * @op: TEEMU_OP_*
 * @flags: TEEMU_DESC_F_*
 * @src: source address (COPY, CHECKSUM); fill pattern (FILL)
 * @dst: destination address (COPY, FILL)
 * @len: bytes, 1 to 16 MiB
 * @status: TEEMU_DESC_*; software writes TEEMU_DESC_PENDING before the doorbell
 * @result: CHECKSUM and COPY: the checksum of the bytes read from @src
 * @fault_addr: where the first blocked or failed access was
 * @reserved: zero
 *
 * The checksum is the 64-bit FNV-1a hash of the bytes.
 */
struct teemu_desc {
	__u32 op;
	__u32 flags;
	__u64 src;
	__u64 dst;
	__u32 len;
	__u32 status;
	__u64 result;
	__u64 fault_addr;
	__u64 reserved[2];
};

#define TEEMU_OP_COPY			1
#define TEEMU_OP_FILL			2
#define TEEMU_OP_CHECKSUM		3

/* the T bit of the requests for the source, for the destination */
#define TEEMU_DESC_F_SRC_T		0x1
#define TEEMU_DESC_F_DST_T		0x2
/* the address is an offset in BAR 2 and no request leaves the device */
#define TEEMU_DESC_F_SRC_LOCAL		0x4
#define TEEMU_DESC_F_DST_LOCAL		0x8
/* raise MSI-X vector 0 when done */
#define TEEMU_DESC_F_IRQ		0x10

#define TEEMU_DESC_PENDING		0
#define TEEMU_DESC_DONE			1
#define TEEMU_DESC_BLOCKED		2	/* the TDI or the platform refused */
#define TEEMU_DESC_FAULT		3	/* no translation */
#define TEEMU_DESC_BAD			4	/* malformed descriptor */

#endif /* _UAPI_LINUX_TEEMU_H */
