/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tvmm: the reference VMM of a confidential VM with TDIs.
 *
 *  main.c	start, the mirror of it, exit code
 *  options.c	what was asked for
 *  vm.c	/dev/kvm and the VM
 *  memory.c	shared and private memory
 *  payload.c	what is in it before the first vCPU runs
 *  linux.c	a Linux guest in the payload's place
 *  ports.c	what of a PC it meets
 *  pci.c	the bus on which it finds the TDIs
 *  serial.c	its console
 *  progress.c	a line while it boots
 *  longmode.c	how either begins
 *  vcpu.c	a vCPU and the one exit loop
 *  threads.c	a thread for each vCPU, and how all of them end
 *  hypercall.c	what the guest asks for; all of it is hostile input
 *  iommu.c	what the devices share in iommufd
 *  device.c	a TDI, through libtdi
 *  event.c	what happens to one unasked
 *  shared.c	a device in the host's own hands
 *  record.c	what a guest's requests brought, kept in files
 *  vendor.c	whose requests the guest makes
 *  report.c	one line per step
 *
 * Every function answers 0 or -errno; whoever first meets a failure reports it.
 * There are no globals but what signal handlers need. SIGKILL at any moment is
 * an exit like any other: the kernel cleans up behind the closed files.
 *
 * Threads exist only while vcpus_run() does; what stands before it and after it is
 * one thread's. In between struct tvmm::lock owns all of struct tvmm but what a
 * comment says is a vCPU's own.
 */
#ifndef TVMM_H
#define TVMM_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/bootparam.h>
#include <linux/kvm.h>

#include <tdi/advice.h>
#include <tdi/device.h>
#include <tdi/iommu.h>
#include <tdi/sysfs.h>
#include <tdi/tsm.h>
#include <tdi/vm.h>

#include "../guest/tvm_abi.h"

#define MAX_CPUS		TVM_MAX_CPUS
#define MAX_DEVICES		TVM_MAX_DEVICES

/* BARs of 64 bits: 0, 2 and 4, each in slices around its MSI-X pages */
#define NR_BARS			3
#define MAX_BAR_SLOTS		(NR_BARS * TDI_MAX_SLICES)

/* numbers of the memory slots */
enum {
	SLOT_SHARED,
	SLOT_PRIVATE,
	SLOT_ALIAS,		/* a Linux guest's second view of shared memory */
	SLOT_BARS,		/* MAX_BAR_SLOTS for each device */
};

struct options {
	const char *bdf[MAX_DEVICES];
	unsigned int nr_devices;	/* 0: a VM without */
	unsigned int nr_cpus;
	unsigned int mem_mib;	/* private memory */
	const char *payload;
	const char *kernel;	/* a Linux guest instead, NULL: none */
	const char *initrd;
	const char *append;	/* to the kernel's command line, NULL: nothing */
	uint32_t arch;		/* of the TVM's requests, 0: the device's TSM tells */
	enum tvm_mode mode;
	uint32_t bar2_pages;	/* 0: what is usual, or less if a device has less */
	uint32_t copy_bytes;
	uint32_t seed;
	bool shared_first;
	bool bind_on_request;
	const char *save_report;	/* NULL: it is not kept */
	const char *save_certs;
	unsigned int timeout;	/* seconds, 0: none */
	int report_fd;		/* -1: none */
};

/* a range of this process's addresses that nothing maps, for a private slot */
struct reservation {
	void *base;
	size_t len;
};

struct memory {
	uint8_t *shared;	/* from guest address 0 */
	uint64_t shared_size;
	uint64_t private_gpa;
	uint64_t private_size;
	int private_fd;		/* guest_memfd */
	struct reservation private_hva;
};

struct tvmm;
struct vcpu;

/**
 * struct guest - what runs in the VM
 * @prepare: before there is a vCPU: its files, how much shared memory it needs
 * @load: bring it into the memory that is there
 * @tell: tell it what its machine has, after the devices are there
 * @start: first registers of a vCPU
 * @io: an exit for port I/O: 0 to go on, or -errno to stop
 * @mmio: an exit for memory that no slot has; the same
 * @finish: undo @prepare, from any state on
 */
struct guest {
	int (*prepare)(struct tvmm *t);
	int (*load)(struct tvmm *t);
	int (*tell)(struct tvmm *t);
	int (*start)(struct vcpu *v);
	int (*io)(struct vcpu *v);
	int (*mmio)(struct vcpu *v);
	void (*finish)(struct tvmm *t);
};

/* a vCPU's fields are its thread's, under the lock or not; @run's immediate_exit is anybody's */
struct vcpu {
	struct tvmm *t;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;	/* of vCPU 0: the process's first, which is not joined */
	int tid;		/* 0: it does not run, or not yet */
	bool probing;		/* the guest expects a memory fault ... */
	uint64_t probe_gpa;	/* ... in this page ... */
	uint64_t probe_rip;	/* ... and goes on here, with 1 in RAX */
	uint64_t probes;	/* faults seen so */
	uint64_t exits;		/* to tvmm, all of them */
	bool in_use;		/* between USE_BEGIN and USE_END */
	struct device *used;	/* what is used in between */
	uint64_t use_exits;	/* exits seen so, the ending call included */
	bool yields;		/* its guest waits for another vCPU */
	bool done;		/* its guest has called EXIT */
};

/* a slice of a BAR that the VM gets as a private slot */
struct bar_slot {
	unsigned int bar;
	struct tdi_slice slice;
	uint64_t gpa;
	int fd;			/* dma-buf, -1: none */
	bool set;
	struct reservation hva;
};

/* the thread that sleeps on the events */
struct event_watch {
	pthread_t thread;
	int stop_fd;		/* eventfd, -1: none */
	bool running;
};

/* what all devices share; ids are 0 while there is no object */
struct iommu {
	struct tdi_iommu *fd;
	uint32_t ioas_id;
	uint32_t hwpt_id;
	uint32_t viommu_id;
	struct tdi_events *events;
	struct event_watch watch;
};

struct device {
	struct tvmm *t;
	unsigned int index;
	const char *bdf;
	struct tdi_device *dev;
	bool added;		/* the VM knows the device */
	bool attached;
	uint32_t vdevice_id;	/* 0: none */
	bool bound;
	void *bar0;		/* the host's own mapping */
	uint32_t bar2_pages;	/* that the guest is to accept */
	unsigned int nr_slots;
	struct bar_slot slots[MAX_BAR_SLOTS];
	int report_fd;		/* record.c's files, -1: none */
	int certs_fd;
};

/* a 16450 that only sends */
struct serial {
	uint8_t divisor[2];
	uint8_t ier;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scratch;
	bool empty;		/* the transmitter became empty, and nobody was told */
	bool level;		/* of its interrupt */
	size_t len;
	char line[160];		/* what was sent since the last whole line */
};

/* registers 0 to 0x3f; all others read 0 */
struct pci_function {
	uint16_t rid;
	uint32_t config[16];
	uint32_t size_mask[6];	/* what a BAR reads after all ones were written */
	bool sizing[6];		/* they were */
};

struct pci {
	uint32_t address;	/* the register of that name */
	unsigned int nr_functions;
	struct pci_function functions[2 + MAX_DEVICES];
};

struct boot_file {
	int fd;			/* -1: none */
	uint64_t size;
};

/* a Linux guest's files, and where they go */
struct boot {
	struct boot_file kernel;
	struct boot_file initrd;
	struct setup_header header;
	size_t header_len;	/* of it is the kernel's */
	uint64_t code_offset;	/* of the 64-bit code in the kernel's file */
	uint64_t code_size;
	uint64_t initrd_gpa;
	uint64_t entered_us;	/* when its first vCPU began */
	bool up;		/* its first program has called */
};

/* the thread that tells of a boot */
struct progress {
	pthread_t thread;
	int stop_fd;		/* eventfd, -1: none */
	bool running;
};

struct tvmm {
	struct options opt;
	const struct guest *guest;
	int kvm_fd;
	int vm_fd;
	struct tdi_vm *vm;	/* libtdi's view of vm_fd */
	struct memory mem;
	struct vcpu vcpu[MAX_CPUS];
	struct iommu iommu;
	struct device device[MAX_DEVICES];
	struct boot boot;	/* this and the next three are a Linux guest's */
	struct progress progress;
	struct pci pci;
	struct serial serial;
	pthread_mutex_t lock;	/* owns the devices' state and the reports while threads run */
	int stopping;		/* atomic: every vCPU is to leave its loop */
	int result;		/* of the first vCPU that failed */
	bool unclean;		/* the kernel would not let something go */
	uint64_t start_us;
	uint64_t step_us;	/* when the last step was reported */
};

/* options.c */
/* 0, 1: help was asked for and given, -EINVAL: what is wrong has been said */
int options_parse(struct options *opt, int argc, char **argv);

/* vm.c */
int vm_create(struct tvmm *t);
void vm_destroy(struct tvmm *t);

/* memory.c */
int memory_create(struct tvmm *t);
void memory_destroy(struct tvmm *t);
/* reserve addresses congruent to @gpa modulo 2 MiB; the address, or NULL */
void *reserve(struct reservation *r, uint64_t gpa, uint64_t size);
void unreserve(struct reservation *r);

/* payload.c: the guest of ../guest */
extern const struct guest payload_guest;
/* the boot page of ../guest/tvm_abi.h, which every guest gets */
int boot_page(struct tvmm *t);

/* longmode.c: both guests begin in 64-bit mode, virtual = guest physical address */
void long_mode_tables(struct tvmm *t);
int long_mode_start(struct vcpu *v, const struct kvm_regs *regs);

/* linux.c: a bzImage and its initrd */
extern const struct guest linux_guest;

/* ports.c */
int ports_create(struct tvmm *t);
int ports_io(struct vcpu *v);
int ports_mmio(struct vcpu *v);

/* pci.c: ports are counted from PCI_PORT */
#define PCI_PORT		0xcf8
#define PCI_PORTS		8
/* after the devices were opened */
int pci_create(struct tvmm *t);
uint32_t pci_read(struct tvmm *t, unsigned int port, unsigned int size);
void pci_write(struct tvmm *t, unsigned int port, unsigned int size,
	       uint32_t value);

/* serial.c: registers are counted from SERIAL_PORT */
#define SERIAL_PORT		0x3f8
#define SERIAL_PORTS		8
int serial_read(struct tvmm *t, unsigned int reg, uint8_t *value);
int serial_write(struct tvmm *t, unsigned int reg, uint8_t value);
/* print what the guest has not ended with a newline */
void serial_flush(struct tvmm *t);

/* progress.c: does nothing for another guest than Linux */
int progress_start(struct tvmm *t);
void progress_stop(struct tvmm *t);

/* vcpu.c */
int vcpus_create(struct tvmm *t);
void vcpus_destroy(struct tvmm *t);
/* until its guest ends, or all are to stop; it has told threads.c of a failure */
void vcpu_loop(struct vcpu *v);

/* threads.c */
/* run all vCPUs to their end: 0, or the first failure */
int vcpus_run(struct tvmm *t);
/* have all vCPUs leave their loops, for the failure @ret; with the lock held */
void vcpus_stop(struct tvmm *t, int ret);
bool vcpus_stopping(struct tvmm *t);
/* signals that end the run are for the first thread alone; and as before */
void signals_block(sigset_t *old);
void signals_restore(const sigset_t *old);

/* hypercall.c: 0 to go on, or -errno to stop */
int hypercall(struct vcpu *v, uint32_t number);

/* vendor.c */
/* enum iommu_tsm_tvm_arch of "tdx", "sev" or "cca"; 0: no such name */
uint32_t vendor_arch(const char *name);
/* decide what the options leave open: ask the TSM that the devices are connected to */
int vendor_choose(struct tvmm *t);

/* iommu.c */
int iommu_create(struct tvmm *t);
void iommu_destroy(struct tvmm *t);
/* memory that the devices reach by T=0 requests; and no more, which detaches them */
int iommu_map(struct tvmm *t);
void iommu_unmap(struct tvmm *t);
/* give @d a place in it: page table, vIOMMU, vDEVICE; take the vDEVICE, which unbinds */
int iommu_add(struct device *d);
void iommu_remove(struct device *d);

/* device.c */
/* all of them: opened, translated, mapped, bound; and back in reverse */
int devices_create(struct tvmm *t);
void devices_destroy(struct tvmm *t);
int device_bind(struct device *d);
int device_unbind(struct device *d);
int device_request(struct device *d, struct tdi_request *req);
/* what failed about @d, and what tvmm's user can do about it; answers @ret */
int device_failed(struct device *d, enum tdi_call call, int ret, const char *what);

/* event.c */
int events_create(struct tvmm *t);
void events_destroy(struct tvmm *t);
/* the thread that prints them as they come */
int events_watch(struct tvmm *t);
void events_unwatch(struct tvmm *t);
/* one line for each thing that happened to a TDI without our asking */
void events_print(struct tvmm *t);

/* shared.c: while bound the host is out, before and after it is in */
int shared_refused(struct device *d);
int shared_use(struct device *d);

/* record.c */
int record_create(struct device *d);
void record_destroy(struct device *d);
/* keep what @req was answered, if it is asked for */
int record_answer(struct device *d, const struct tdi_request *req);

/* report.c */
void report_start(struct tvmm *t);
void __attribute__((format(printf, 3, 4)))
report_ok(struct tvmm *t, const char *step, const char *fmt, ...);
/* answers @ret, so that a failure can be reported and returned at once */
int __attribute__((format(printf, 4, 5)))
report_failed(struct tvmm *t, const char *step, int ret, const char *fmt, ...);
void report_value(struct tvmm *t, const char *key, uint64_t value);
void __attribute__((format(printf, 2, 3)))
report_note(struct tvmm *t, const char *fmt, ...);
/* "BDF: ", or nothing where there is one device only */
const char *report_about(struct device *d, char buf[TDI_BDF_MAX + 2]);
uint64_t now_us(void);

#endif /* TVMM_H */
