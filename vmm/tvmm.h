/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tvmm: the reference VMM of a confidential VM with one TDI.
 *
 *  main.c	options, start, the mirror of it, exit code
 *  vm.c	/dev/kvm and the VM
 *  memory.c	shared and private memory, page tables, the payload
 *  vcpu.c	the vCPU and the one exit loop
 *  hypercall.c	what the guest asks for; all of it is hostile input
 *  device.c	the TDI, through libtdi
 *  event.c	what happens to it unasked
 *  shared.c	the device in the host's own hands
 *  vendor.c	whose requests the guest makes
 *  report.c	one line per step
 *
 * Every function answers 0 or -errno; whoever first meets a failure reports it.
 * There are no globals but what signal handlers need. SIGKILL at any moment is
 * an exit like any other: the kernel cleans up behind the closed files.
 */
#ifndef TVMM_H
#define TVMM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include <tdi/advice.h>
#include <tdi/device.h>
#include <tdi/iommu.h>
#include <tdi/tsm.h>
#include <tdi/vm.h>

#include "../guest/tvm_abi.h"

/* numbers of the memory slots */
enum {
	SLOT_SHARED,
	SLOT_PRIVATE,
	SLOT_BARS,		/* and the next ones, struct bar_slot each */
};

#define NR_BAR_SLOTS		3

struct options {
	const char *bdf;	/* NULL: no device */
	const char *payload;
	uint32_t arch;		/* of the TVM's requests, 0: the device's TSM tells */
	enum tvm_mode mode;
	uint32_t bar2_pages;
	uint32_t copy_bytes;
	uint32_t seed;
	unsigned int timeout;	/* seconds, 0: none */
	int report_fd;		/* -1: none */
};

/* a range of this process's addresses that nothing maps, for a private slot */
struct reservation {
	void *base;
	size_t len;
};

struct memory {
	uint8_t *shared;	/* TVM_SHARED_SIZE bytes, guest address 0 */
	int private_fd;		/* guest_memfd */
	struct reservation private_hva;
};

struct vcpu {
	int fd;
	struct kvm_run *run;
	size_t run_size;
	bool probing;		/* the guest expects a memory fault ... */
	uint64_t probe_gpa;	/* ... in this page ... */
	uint64_t probe_rip;	/* ... and goes on here, with 1 in RAX */
	uint64_t probes;	/* faults seen so */
	bool in_use;		/* between USE_BEGIN and USE_END */
	uint64_t use_exits;	/* exits seen so, the ending call included */
	bool done;		/* the guest has called EXIT */
	int verdict;
};

/* a slice of a BAR that the VM gets as a private slot */
struct bar_slot {
	unsigned int bar;
	uint64_t offset;
	uint64_t len;
	uint64_t gpa;
	int fd;			/* dma-buf, -1: none */
	bool set;
	struct reservation hva;
};

/* the thread that wakes the vCPU's for an event */
struct event_watch {
	pthread_t thread;
	pthread_t vcpu;
	int stop_fd;		/* eventfd, -1: none */
	bool running;
};

struct device {
	struct tdi_device *dev;
	struct tdi_iommu *iommu;
	bool added;		/* the VM knows the device */
	bool attached;
	uint32_t ioas_id;	/* ids are 0 while there is no object */
	uint32_t hwpt_id;
	uint32_t viommu_id;
	uint32_t vdevice_id;
	struct tdi_events *events;
	struct event_watch watch;
	bool bound;
	void *bar0;		/* the host's own mapping */
	struct bar_slot slots[NR_BAR_SLOTS];
};

struct tvmm {
	struct options opt;
	int kvm_fd;
	int vm_fd;
	struct tdi_vm *vm;	/* libtdi's view of vm_fd */
	struct memory mem;
	struct vcpu vcpu;
	struct device device;
	uint64_t start_us;
	uint64_t step_us;	/* when the last step was reported */
};

/* vm.c */
int vm_create(struct tvmm *t);
void vm_destroy(struct tvmm *t);

/* memory.c */
int memory_create(struct tvmm *t);
void memory_destroy(struct tvmm *t);
/* reserve addresses congruent to @gpa modulo 2 MiB; the address, or NULL */
void *reserve(struct reservation *r, uint64_t gpa, uint64_t size);
void unreserve(struct reservation *r);

/* vcpu.c */
int vcpu_create(struct tvmm *t);
void vcpu_destroy(struct tvmm *t);
int vcpu_loop(struct tvmm *t);

/* hypercall.c: 0 to go on, or -errno to stop */
int hypercall(struct tvmm *t, uint32_t number);

/* vendor.c */
/* enum iommu_tsm_tvm_arch of "tdx", "sev" or "cca"; 0: no such name */
uint32_t vendor_arch(const char *name);
/* decide what the options leave open: ask the TSM that the device is connected to */
int vendor_choose(struct tvmm *t);

/* device.c */
int device_create(struct tvmm *t);
void device_destroy(struct tvmm *t);
int device_bind(struct tvmm *t);
int device_unbind(struct tvmm *t);
int device_request(struct tvmm *t, struct tdi_request *req);

/* event.c */
int events_create(struct tvmm *t);
void events_destroy(struct tvmm *t);
/* one line for each thing that happened to the TDI without our asking */
void events_print(struct tvmm *t);

/* shared.c: while bound the host is out, after unbind it is back in */
int shared_refused(struct tvmm *t);
int shared_use(struct tvmm *t);

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
uint64_t now_us(void);

#endif /* TVMM_H */
