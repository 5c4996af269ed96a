/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests stand on: the emulated platform, VMs with an agent in them, and
 * functions that can be brought to each state of their life.
 *
 *  world.c	the platform: functions, TSM, link, driver, debugfs
 *  vm.c	a VM with shared and private memory and an agent
 *  function.c	a function, from VFIO to bound, and its DMA engine
 *  accept.c	what a TVM asks for: report, MMIO, DMA, RUN
 *
 * One process tests one vendor: that which TDI_VENDOR in the environment names.
 *
 * Functions answer 0 (or what they say) or -errno; one that fails where a test
 * does not expect it says so on a "# " line. Nothing here asserts: tests do.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>
#include <linux/teemu.h>

#include <tdi/device.h>
#include <tdi/iommu.h>
#include <tdi/sysfs.h>
#include <tdi/tsm.h>
#include <tdi/vm.h>

#include "../guest/attest.h"
#include "../tools/vendors.h"
#include "agent/agent_abi.h"

#define PAGE		4096ULL

/* one line of diagnosis in the TAP output */
void __attribute__((format(printf, 1, 2))) note(const char *fmt, ...);
/* says what failed, answers @ret; nothing is said when @ret is not negative */
int __attribute__((format(printf, 2, 3))) failed(int ret, const char *fmt, ...);

uint64_t now_ms(void);
void sleep_ms(unsigned int ms);

/* ---- world.c ---- */

#define MAX_FNS		4	/* in one VM: room for slots and BARs */
#define NR_FNS		2	/* of the device, VFs not counted */

/**
 * struct world - the emulated platform of one vendor
 * @vendor: whose; NULL until world_prepare()
 * @tvm: what its guests ask for
 * @nr: functions found, VFs not counted
 * @vfs: VFs of function 0, after world_set_vfs()
 * @bdf: their addresses; function 0 is the DSM, VFs have the numbers from NR_FNS on
 * @tsm: name of the TSM
 */
struct world {
	const struct vendor *vendor;
	const struct attest_vendor *tvm;
	int nr;
	int vfs;
	char bdf[MAX_FNS][TDI_BDF_MAX];
	char tsm[TDI_NAME_MAX];
};

extern struct world world;

/*
 * Find the platform, connect the link, give the functions to vfio-pci. Repeatable,
 * and quick if all is so. -ENODEV: this kernel has no such platform; -EINVAL:
 * TDI_VENDOR is no vendor.
 */
int world_prepare(void);
int world_connect(void);
int world_disconnect(void);

/*
 * Function 0 gets @nr VFs (0: none) through a driver that has no other use, and they
 * go to vfio-pci: functions NR_FNS and up. Without VFs it goes back to vfio-pci.
 */
int world_set_vfs(int nr);
/* wait at most @ms until the device's functions are there, or are not: 0 or -ETIMEDOUT */
int world_wait_device(bool there, unsigned int ms);
/* after the device has gone and come: connect, give the functions to vfio-pci */
int world_renew(void);
/* the slot that the device is in, as Linux's hot-plug driver has it */
int world_slot_power(bool on);

/* debugfs of the platform; @path below its folder */
int world_write(const char *path, const char *text);
int world_read(const char *path, char *buf, size_t size);
/* TDISP state of function @nr is @state ("RUN") */
bool world_tdi_is(unsigned int nr, const char *state);
/* the number behind the word @name in @text, -1: no such word */
long world_number(const char *text, const char *name);
/* count of firmware's table @name, -1: no such table */
long world_table(const char *name);
/* of the tables that every vendor has under some name */
long world_tdis(void);
long world_tvms(void);
long world_mem_pages(void);
long world_links(void);
/* counter @name ("t1_blocked") of function @nr's line in iommu */
long world_iommu_count(unsigned int nr, const char *name);
/* number of VMs that KVM has */
int world_vms(void);
/* number of dma-bufs in the system, -1: it is not said */
long world_dmabufs(void);
/* wait until KVM has @count VMs, at most @ms: what it has then */
int world_wait_vms(int count, unsigned int ms);

/* ---- vm.c ---- */

struct reservation {
	void *base;
	size_t len;
	void *addr;
};

/* addresses that nothing maps, congruent to @gpa modulo 2 MiB */
int reserve(struct reservation *r, uint64_t gpa, uint64_t size);
void unreserve(struct reservation *r);

enum {
	SLOT_SHARED,
	SLOT_PRIVATE,
	SLOT_BARS,	/* two for each function */
	SLOT_SPARE = SLOT_BARS + 2 * MAX_FNS,
};

/**
 * struct vm - a VM of type KVM_X86_SW_PROTECTED_VM with one vCPU
 * @kvm_fd, @vm_fd, @vcpu_fd, @private_fd: -1 when closed
 * @tdi: libtdi's view
 * @run, @run_size: the vCPU's page
 * @shared: memory at guest address 0
 * @hva: where private memory is not
 * @private_gpa: where private memory is
 * @ready: the agent waits for a command
 * @fault_gpa: of the last memory fault
 * @fault_private: it was an access to private memory
 */
struct vm {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
	int private_fd;
	struct tdi_vm *tdi;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *shared;
	struct reservation hva;
	uint64_t private_gpa;
	bool ready;
	uint64_t fault_gpa;
	bool fault_private;
};

void vm_init(struct vm *vm);
/* @private_gpa: 0 for VM_PRIVATE_GPA */
int vm_open(struct vm *vm, uint64_t private_gpa);
/* complete from any half-way state, callable twice */
void vm_close(struct vm *vm);
/* close all files of the VM but keep what they were for */
void vm_close_files(struct vm *vm);

struct agent_mbox *vm_mbox(struct vm *vm);
/*
 * Have the agent do what the mailbox says. -EFAULT: it touched what it may not,
 * see @fault_gpa; the agent is started over by the next command.
 */
int vm_agent(struct vm *vm);
int vm_read32(struct vm *vm, uint64_t gpa, uint32_t *value);
int vm_write32(struct vm *vm, uint64_t gpa, uint32_t value);
int vm_put(struct vm *vm, uint64_t gpa, const void *data, size_t len);
int vm_get(struct vm *vm, uint64_t gpa, void *data, size_t len);
int vm_fill(struct vm *vm, uint64_t gpa, uint64_t len, uint64_t value);
int vm_sum(struct vm *vm, uint64_t gpa, uint64_t len, uint64_t *sum);
/* the access to @gpa ends as a memory fault of private memory there: 0 */
int vm_must_fault(struct vm *vm, uint64_t gpa);

/* ---- function.c ---- */

#define FN_BAR_SLOTS	2
#define FN_BAR2_SLOT	0x100000	/* bytes of BAR 2 that the slot shows */
#define FN_BAR2_PAGES	4	/* of BAR 2 that fn_accept() accepts */
#define FN_BAR0_PAGES	2	/* registers, ring */

struct bar_slot {
	int fd;
	bool set;
	struct reservation hva;
};

/**
 * struct fn - a function in the hands of this process
 * @nr: its number
 * @vm: the VM it is associated with, or NULL
 * @dev, @iommu: libtdi's contexts, NULL when closed
 * @iommu_owned: @iommu was opened for this function
 * @bar0: the host's mapping, made by fn_map()
 * @guest: registers are reached through the agent instead
 * @next: next entry of the ring
 */
struct fn {
	unsigned int nr;
	struct vm *vm;
	struct tdi_device *dev;
	struct tdi_iommu *iommu;
	bool added;
	bool attached;
	uint32_t ioas_id;
	uint32_t hwpt_id;
	uint32_t viommu_id;
	uint32_t vdevice_id;
	uint32_t queue_id;
	int event_fd;
	struct bar_slot slot[FN_BAR_SLOTS];
	volatile uint8_t *bar0;
	bool guest;
	uint32_t next;
};

void fn_init(struct fn *fn, unsigned int nr);
/* all of the following five; @vm may be NULL: no KVM, no slots */
int fn_open(struct fn *fn, struct vm *vm);
int fn_open_device(struct fn *fn, struct vm *vm);
int fn_open_translation(struct fn *fn);
int fn_open_vdevice(struct fn *fn);
int fn_enable(struct fn *fn);
int fn_set_slots(struct fn *fn);
int fn_clear_slots(struct fn *fn);
/* complete from any half-way state, callable twice */
void fn_close(struct fn *fn);
/* close VFIO's part only, as a VMM that gives the device away */
void fn_close_device(struct fn *fn);

uint64_t fn_bar_gpa(const struct fn *fn, unsigned int bar);
uint32_t fn_rid(const struct fn *fn);
int fn_map(struct fn *fn);

int fn_bind(struct fn *fn);
int fn_unbind(struct fn *fn);
/* the next event, waiting at most @ms: its type, or -EAGAIN */
int fn_event(struct fn *fn, unsigned int ms);

/* one request; answers the ioctl's result, @code the TSM's */
int fn_request(struct fn *fn, uint32_t op, const void *req, size_t req_len,
	       void *resp, size_t *resp_len, uint64_t *code);

/* read or write a register of BAR 0, through the guest or the host */
int fn_reg_read(struct fn *fn, uint32_t reg, uint32_t *value);
int fn_reg_write(struct fn *fn, uint32_t reg, uint32_t value);

/* the DMA engine: start on an empty ring */
int fn_ring_start(struct fn *fn);
/* post one descriptor: its number */
int fn_post(struct fn *fn, uint32_t op, uint32_t flags, uint64_t src,
	    uint64_t dst, uint32_t len);
/* wait until it is over: TEEMU_DESC_*, or -ETIMEDOUT; @desc may be NULL */
int fn_wait(struct fn *fn, int number, struct teemu_desc *desc);
/* post and wait */
int fn_dma(struct fn *fn, uint32_t op, uint32_t flags, uint64_t src,
	   uint64_t dst, uint32_t len);

/* ---- accept.c: in the TVM's name, with the calls of its architecture ---- */

/* what the TVM knows of @fn; of the last one that had its number */
struct attest *fn_attest(struct fn *fn);

/* the certificates, confirmed; the report, confirmed */
int fn_validate(struct fn *fn);
int fn_read_report(struct fn *fn);
/* @nr pages of BAR @bar from @first on */
int fn_accept_mmio(struct fn *fn, unsigned int bar, unsigned int first,
		   unsigned int nr);
/* what fn_run() accepts of BAR 0 and 2 */
int fn_accept_bars(struct fn *fn);
int fn_accept_dma(struct fn *fn);
int fn_start(struct fn *fn);
/* all of it, in the architecture's order: RUN, some pages of BAR 0 and 2, DMA */
int fn_run(struct fn *fn);
/* the steps of it before @step; all of them but @step */
int fn_run_until(struct fn *fn, enum attest_step step);
int fn_run_without(struct fn *fn, enum attest_step step);
/* the architecture has step @a before step @b */
bool tvm_does_before(enum attest_step a, enum attest_step b);
/*
 * Accept page @page of BAR @bar, as the report has it, at @gpa. 0: answered, @code
 * is the guest's status; -EBADMSG: accepted, but a guest would take it for a lie;
 * -errno of the ioctl. The report has been read, in this life of the TDI or before.
 */
int fn_accept_page(struct fn *fn, uint64_t gpa, unsigned int bar,
		   unsigned int page, uint64_t *code);

#endif /* TEST_WORLD_H */
