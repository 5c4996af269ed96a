/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the payload and tvmm agree on: the guest's address map, the page that
 * tvmm fills before boot, and the calls that the guest makes.
 *
 * vCPUs and devices have numbers from 0. Every vCPU begins at TVM_LOAD_GPA with its
 * number in RDI; it has a mailbox, a stack and a part of the work memory of its own.
 *
 * A call: the guest fills its vCPU's mailbox and writes the number of the call to
 * TVM_PORT with a 32-bit OUT. The answer is in the mailbox when OUT is over. tvmm
 * knows the vCPU by the exit, not by what the guest says.
 * Both sides own the mailbox in turns and neither trusts the other: tvmm copies
 * the header once and checks every field, the guest checks every length it gets.
 *
 * Port I/O and page tables in shared memory are what a KVM_X86_SW_PROTECTED_VM
 * on a CPU without decode assists leaves: anything else needs KVM's emulator,
 * which cannot read private memory.
 */
#ifndef TVM_ABI_H
#define TVM_ABI_H

#include <linux/types.h>

#define TVM_MAX_CPUS		8
#define TVM_MAX_DEVICES		8

/* shared memory: one slot from guest physical address 0 */
#define TVM_SHARED_SIZE		0x400000ULL
#define TVM_PGTABLE_GPA		0x1000ULL	/* PML4, PDPT, 4 PDs */
#define TVM_BOOT_GPA		0x8000ULL	/* struct tvm_boot */
#define TVM_MBOX_GPA(cpu)	(0x10000ULL + (cpu) * 0x8000ULL)	/* struct tvm_mbox */
#define TVM_LOAD_GPA		0x100000ULL	/* the payload as loaded */
#define TVM_LOAD_SIZE		0x100000ULL
#define TVM_WINDOW_GPA		0x200000ULL	/* the devices' T=0 DMA reaches this */
#define TVM_WINDOW_SIZE		0x200000ULL	/* at IOVA = GPA */
/* each device has a part of it, so that nobody's check meets another's data */
#define TVM_WINDOW_PART		(TVM_WINDOW_SIZE / TVM_MAX_DEVICES)
#define TVM_DEVICE_WINDOW(dev)	(TVM_WINDOW_GPA + (dev) * TVM_WINDOW_PART)

/* private memory: one slot; the payload runs here and its data is here */
#define TVM_PRIVATE_GPA		0x10000000ULL
#define TVM_PRIVATE_MIN		0x1000000ULL	/* 16 MiB */
#define TVM_PRIVATE_MAX		0x40000000ULL	/* 1 GiB */
#define TVM_STACK_SIZE		0x10000ULL
#define TVM_STACK_GPA(cpu)	(0x10200000ULL - (cpu) * TVM_STACK_SIZE)	/* grows down */
#define TVM_WORK_GPA		0x10400000ULL	/* to the end, in parts, below */
#define TVM_COPY_MAX		0x400000U	/* bytes of the copy test */

/* the BARs of the devices */
#define TVM_BARS_GPA		0xc0000000ULL
#define TVM_BARS_STRIDE		0x4000000ULL	/* of each device */
#define TVM_BAR_STRIDE		0x1000000ULL	/* BARs 0, 2 and 4 of 64 bits each */
#define TVM_BAR_GPA(dev, bar)	(TVM_BARS_GPA + (dev) * TVM_BARS_STRIDE + \
				 (bar) / 2 * TVM_BAR_STRIDE)

/* requester id that the guest knows a device by: 00:03.0, 00:04.0, ... */
#define TVM_DEVICE_RID(dev)	((3U + (dev)) << 3)

#define TVM_PORT		0x7e0

/*
 * A Linux guest has a PCI bus. On it are the devices, by their requester ids, and
 * tvmm itself as 00:02.0: BAR 0 is TVM_PORT, BAR 2 is the first TVM_SHARED_SIZE bytes of
 * shared memory once more, which no part of Linux takes for RAM.
 */
#define TVM_PCI_VENDOR_ID	0x1dad		/* teemu's */
#define TVM_PCI_BRIDGE_ID	0x7e30
#define TVM_PCI_TVMM_ID		0x7e31
#define TVM_TVMM_RID		(2U << 3)
#define TVM_TVMM_BAR_PORT	0
#define TVM_TVMM_BAR_SHARED	2
#define TVM_ALIAS_GPA		0xb0000000ULL

#define TVM_BOOT_MAGIC		0x544f4f42544d5654ULL	/* "TVMTBOOT" */
#define TVM_ABI_VERSION		3

/*
 * Device i is served by vCPU i % nr_cpus, in turn if it has several. A vCPU that has
 * none works beside the one that serves device i % nr_devices.
 */
enum tvm_mode {
	TVM_MODE_HELLO = 1,	/* no device: boot, call, use private memory, exit */
	TVM_MODE_FULL = 2,	/* attest, run, use, ask for unbind */
	TVM_MODE_ONCE = 3,	/* attest, run, use, exit while bound */
	TVM_MODE_AGAIN = 4,	/* FULL, then ask for bind and do FULL again */
	TVM_MODE_LOOP = 5,	/* attest, run, then DMA until killed */
	TVM_MODE_LOCKED = 6,	/* read the report, accept nothing, wait */
};

#define TVM_BOOT_F_BIND		0x1	/* the devices are not bound: ask for it */

/**
 * struct tvm_boot - what tvmm tells before boot; the guest checks all of it
 * @magic: TVM_BOOT_MAGIC
 * @version: TVM_ABI_VERSION
 * @mode: enum tvm_mode
 * @private_size: bytes of private memory, TVM_PRIVATE_MIN to TVM_PRIVATE_MAX
 * @nr_cpus: 1 to TVM_MAX_CPUS
 * @nr_devices: 0 to TVM_MAX_DEVICES
 * @copy_bytes: bytes that the copy test moves, multiple of 4 * 4 KiB, up to
 *		TVM_COPY_MAX
 * @tsc_khz: ticks of the time stamp counter in a millisecond
 * @seed: of the test pattern
 * @arch: enum iommu_tsm_tvm_arch: whose requests the guest makes
 * @flags: TVM_BOOT_F_*
 * @bar2_pages: of each device: pages of BAR 2 to accept and use, 1 to 4096
 */
struct tvm_boot {
	__u64 magic;
	__u32 version;
	__u32 mode;
	__u64 private_size;
	__u32 nr_cpus;
	__u32 nr_devices;
	__u32 copy_bytes;
	__u32 tsc_khz;
	__u32 seed;
	__u32 arch;
	__u32 flags;
	__u32 reserved;
	__u32 bar2_pages[TVM_MAX_DEVICES];
};

/* bytes of a vCPU's part of the work memory, whole pages; vCPU 0's comes first */
static inline __u64 tvm_work_size(__u64 private_size, __u32 nr_cpus)
{
	return (private_size - (TVM_WORK_GPA - TVM_PRIVATE_GPA)) / nr_cpus & ~0xfffULL;
}

/* what a part must have: source and destination of the copy, a page, and one more */
static inline __u64 tvm_work_need(__u32 copy_bytes)
{
	return 2ULL * copy_bytes + 0x2000;
}

enum tvm_call {
	TVM_CALL_LOG = 1,	/* data: text */
	TVM_CALL_TSM = 2,	/* arg[0]: op; data in and out; result, tsm_code */
	TVM_CALL_BIND = 3,
	TVM_CALL_UNBIND = 4,
	TVM_CALL_MARK = 5,	/* arg[0]: enum tvm_mark, arg[1]: its number */
	TVM_CALL_PROBE = 6,	/* arg[0]: RIP to go on at, arg[1]: GPA */
	TVM_CALL_EXIT = 7,	/* of this vCPU; arg[0]: enum tvm_verdict; data: text */
	TVM_CALL_YIELD = 8,	/* this vCPU waits for another one, which may need its CPU */
};

enum tvm_mark {
	TVM_MARK_BOOTED = 1,	/* number: bytes of the payload, now private */
	TVM_MARK_PROBED = 2,	/* untouchable MMIO was touched; number: faults */
	TVM_MARK_ATTESTED = 3,	/* certificates hashed, validated; number: bytes */
	TVM_MARK_REPORT = 4,	/* the report is as expected; number: bytes */
	TVM_MARK_MMIO = 5,	/* pages accepted */
	TVM_MARK_DMA = 6,	/* trusted DMA accepted */
	TVM_MARK_RUN = 7,	/* TDI in RUN */
	TVM_MARK_USE_BEGIN = 8,	/* from here to USE_END no exit is allowed */
	TVM_MARK_USE_END = 9,	/* number: bytes moved and verified */
	TVM_MARK_BEAT = 10,	/* LOOP, LOCKED: alive; number: descriptors done */
	TVM_MARK_ACCEPTED = 11,	/* all of it: the device can be used */
	TVM_MARK_LEFT = 12,	/* ready for the unbind; number: steps it took */
	TVM_MARK_BESIDE = 13,	/* of a vCPU with no device; number: rounds on one */
	TVM_MARK_LINUX = 14,	/* a Linux guest in place of BOOTED; number: TDIs on its bus */
};

enum tvm_verdict {
	TVM_VERDICT_OK = 0,
	TVM_VERDICT_FAILED = 1,
};

#define TVM_MBOX_DATA		0x4000		/* most bytes in or out */

/**
 * struct tvm_mbox - the mailbox of a vCPU
 * @in_len: bytes of @data from the guest
 * @out_cap: bytes of @data that the guest takes back
 * @out_len: bytes of @data that tvmm answers, at most @out_cap
 * @device: number of the device that the call is about; 0 if about none
 * @arg: of the call
 * @result: 0 or -errno
 * @tsm_code: the TSM's status
 * @data: payload, replaced by the answer
 */
struct tvm_mbox {
	__u32 in_len;
	__u32 out_cap;
	__u32 out_len;
	__u32 device;
	__u64 arg[2];
	__s64 result;
	__u64 tsm_code;
	__u64 reserved[2];
	__u8 data[TVM_MBOX_DATA];
};

#endif /* TVM_ABI_H */
