// SPDX-License-Identifier: GPL-2.0-only
/*
 * R11: a BAR is given to the guest in several slots over slices of it, with a hole for
 * its MSI-X pages: each slot shows the bytes that are its slice's, and the MSI-X pages
 * stay shared and usable by the VMM.
 *
 * That a slot shows the right bytes is the device's word, not the host's: its engine
 * takes the checksum of what it has at an offset of BAR 2, and the guest that of what
 * it sees at the address.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "fixture.h"
#include "raw.h"
#include "sigbus.h"

#define MIB		0x100000ULL
#define IRQ_MS		20000
#define GUEST_BAR4	RAW_SLOT_GPA
#define MSIX_HOLE	(2 * PAGE)	/* table and PBA, at the start of BAR 4 */
#define VECTOR_ADDR	0x0
#define VECTOR_CTRL	0xc
#define  VECTOR_MASKED	0x1

static uint64_t bar2(const struct fn *fn)
{
	return fn_bar_gpa(fn, TEEMU_BAR_MEM);
}

/**
 * struct slice - a part of BAR 2 at the same offset of the guest's BAR
 * @at: offset
 * @len: bytes
 * @dmabuf: offset of the dma-buf that it is taken from: the file is another then
 */
struct slice {
	uint64_t at;
	uint64_t len;
	uint64_t dmabuf;
};

/* in the order in which they are made, which is that of nothing */
static const struct slice slices[] = {
	{ 4 * MIB, 2 * MIB, 0 },		/* 2 MiB aligned */
	{ 3 * PAGE, PAGE, 0 },			/* one page, between its neighbours */
	{ TEEMU_BAR_MEM_SIZE - PAGE, PAGE, 0 },	/* the last */
	{ 0, 3 * PAGE, 0 },
	{ 6 * MIB, 2 * MIB, 0 },		/* behind another of 2 MiB */
	{ 4 * PAGE, 2 * MIB - 4 * PAGE, 0 },	/* up to where 2 MiB begin */
	{ 2 * MIB + 7 * PAGE, 9 * PAGE, 0 },	/* in nobody's neighbourhood */
	{ 9 * MIB + PAGE, MIB, 8 * MIB },	/* of a dma-buf that is a slice itself */
};
#define NR_SLICES	ARRAY_SIZE(slices)

/* what the guest accepts, in requests that know nothing of slots */
static const struct slice accepted[] = {
	{ 0, 2 * MIB, 0 },			/* three slots, as one leaf */
	{ 4 * MIB, 4 * MIB, 0 },		/* two */
	{ 2 * MIB + 7 * PAGE, 9 * PAGE, 0 },
	{ TEEMU_BAR_MEM_SIZE - PAGE, PAGE, 0 },
	{ 9 * MIB + PAGE, 3 * PAGE, 0 },
};

/* at the borders of slots */
static const uint64_t probes[] = {
	0, 2 * PAGE, 3 * PAGE, 4 * PAGE, 5 * PAGE, 2 * MIB - PAGE,
	2 * MIB + 7 * PAGE, 2 * MIB + 15 * PAGE, 4 * MIB, 6 * MIB - PAGE, 6 * MIB,
	8 * MIB - PAGE, 9 * MIB + PAGE, 9 * MIB + 3 * PAGE,
	TEEMU_BAR_MEM_SIZE - PAGE,
};

/* between slots: nobody's */
static const uint64_t holes[] = {
	2 * MIB, 2 * MIB + 6 * PAGE, 2 * MIB + 16 * PAGE, 4 * MIB - PAGE, 8 * MIB,
	9 * MIB, 10 * MIB + PAGE, TEEMU_BAR_MEM_SIZE - 2 * PAGE,
};

struct parts {
	int whole;
	int part;
	struct reservation hva;
};

static uint32_t slot_of(size_t i)
{
	return SLOT_SPARE + i;
}

static int set_slice(FIXTURE_DATA(tvm) *self, const struct parts *p, size_t i)
{
	const struct slice *s = &slices[i];
	struct tdi_slot slot = {
		.slot = slot_of(i),
		.gpa = bar2(&self->fn) + s->at,
		.size = s->len,
		.hva = (uint8_t *)p->hva.addr + s->at,
		.fd = s->dmabuf ? p->part : p->whole,
		.offset = s->at - s->dmabuf,
	};

	return failed(tdi_vm_set_mmio_slot(self->vm.tdi, &slot), "slice %zu", i) ?:
	       tdi_vm_set_private(self->vm.tdi, slot.gpa, slot.size, true);
}

/* the fixture's slot over BAR 2 makes room for ours */
static int set_slices(FIXTURE_DATA(tvm) *self, struct parts *p)
{
	uint64_t gpa = bar2(&self->fn);
	int ret;
	size_t i;

	p->whole = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0,
				     TEEMU_BAR_MEM_SIZE);
	p->part = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 8 * MIB, 4 * MIB);
	ret = p->whole < 0 ? p->whole : p->part < 0 ? p->part :
	      reserve(&p->hva, gpa, TEEMU_BAR_MEM_SIZE) ?:
	      tdi_vm_set_private(self->vm.tdi, gpa, FN_BAR2_SLOT, false) ?:
	      tdi_vm_del_slot(self->vm.tdi, SLOT_BARS + 1);
	self->fn.slot[1].set = false;
	for (i = 0; !ret && i < NR_SLICES; i++)
		ret = set_slice(self, p, i);
	return failed(ret, "slices");
}

static void put_slices(struct parts *p)
{
	close(p->whole);
	close(p->part);
	unreserve(&p->hva);
}

/* the guest's and the device's view of the page at @at of BAR 2 */
static bool same_bytes(FIXTURE_DATA(tvm) *self, uint64_t at)
{
	struct teemu_desc desc = {};
	uint64_t sum = 0;
	int ret;

	ret = vm_sum(&self->vm, bar2(&self->fn) + at, PAGE, &sum);
	if (!ret)
		ret = fn_wait(&self->fn, fn_post(&self->fn, TEEMU_OP_CHECKSUM,
						 TEEMU_DESC_F_SRC_LOCAL, at, 0,
						 PAGE), &desc);
	if (ret == TEEMU_DESC_DONE && desc.result == sum)
		return true;
	note("BAR 2 + %#llx: status %d, the guest sees %#llx, the device %#llx",
	     (unsigned long long)at, ret, (unsigned long long)sum,
	     (unsigned long long)desc.result);
	return false;
}

/* bound, everything of @accepted accepted, RUN */
static int to_run(FIXTURE_DATA(tvm) *self)
{
	struct fn *fn = &self->fn;
	size_t i;
	int ret;

	ret = failed(fn_bind(fn), "bind") ?: fn_run_until(fn, ATTEST_MMIO) ?:
	      fn_accept_mmio(fn, TEEMU_BAR_REGS, 0, FN_BAR0_PAGES);
	for (i = 0; !ret && i < ARRAY_SIZE(accepted); i++)
		ret = fn_accept_mmio(fn, TEEMU_BAR_MEM, accepted[i].at / PAGE,
				     accepted[i].len / PAGE);
	return ret;
}

TVM_TEST(slices_of_one_bar)
{
	uint64_t gpa = bar2(&self->fn), code;
	struct parts parts;
	size_t i;

	ASSERT_EQ(0, set_slices(self, &parts));
	ASSERT_EQ(0, to_run(self));
	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		code = 0;
		EXPECT_EQ(-ENOENT, fn_accept_page(&self->fn, gpa + holes[i],
						  TEEMU_BAR_MEM, holes[i] / PAGE,
						  &code))
			note("hole at %#llx", (unsigned long long)holes[i]);
	}
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		EXPECT_EQ(0, vm_fill(&self->vm, gpa + probes[i], PAGE,
				     0x1000 + probes[i]));
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		EXPECT_TRUE(same_bytes(self, probes[i]));
	/* in a slot, and not accepted */
	EXPECT_EQ(0, vm_must_fault(&self->vm, gpa + 9 * MIB + 4 * PAGE));
	/* what is in no slot is MMIO that the VMM emulates, not the device's */
	for (i = 0; i < 2; i++) {
		uint32_t value;

		EXPECT_EQ(-EPROTO, vm_read32(&self->vm, gpa + holes[i], &value));
		EXPECT_EQ(KVM_EXIT_MMIO, self->vm.run->exit_reason);
	}
	/* each slot alone is held as the one slot would be */
	for (i = 0; i < NR_SLICES; i++)
		EXPECT_EQ(-EBUSY, tdi_vm_del_slot(self->vm.tdi, slot_of(i)));
	EXPECT_EQ(-EBUSY, tdi_vm_set_private(self->vm.tdi, gpa + 3 * PAGE, PAGE,
					     false));
	EXPECT_EQ(-EBUSY, tdi_vm_set_private(self->vm.tdi, gpa,
					     TEEMU_BAR_MEM_SIZE, false));

	/* gone from all of them; each can go alone now, in another order */
	EXPECT_EQ(0, fn_unbind(&self->fn));
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		EXPECT_EQ(0, vm_must_fault(&self->vm, gpa + probes[i]));
	for (i = 0; i < NR_SLICES; i += 2)
		EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, slot_of(i)));
	for (i = 1; i < NR_SLICES; i += 2)
		EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, slot_of(i)));
	put_slices(&parts);
}

/* slots come and go between two lives; what is there at the bind is what counts */
TVM_TEST(slices_change_between_binds)
{
	uint64_t gpa = bar2(&self->fn), code = 0;
	struct parts parts;

	ASSERT_EQ(0, set_slices(self, &parts));
	ASSERT_EQ(0, to_run(self));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, slot_of(1)));
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_run_until(&self->fn, ATTEST_MMIO));
	EXPECT_EQ(0, fn_accept_page(&self->fn, gpa, TEEMU_BAR_MEM, 0, &code));
	EXPECT_EQ(-ENOENT, fn_accept_page(&self->fn, gpa + 3 * PAGE,
					  TEEMU_BAR_MEM, 3, &code));
	/* a slot may come while it is bound */
	EXPECT_EQ(0, set_slice(self, &parts, 1));
	EXPECT_EQ(0, fn_accept_page(&self->fn, gpa + 3 * PAGE, TEEMU_BAR_MEM, 3,
				    &code));
	EXPECT_EQ(0, code);
	EXPECT_EQ(0, vm_write32(&self->vm, gpa + 3 * PAGE, 1));
	EXPECT_EQ(-EBUSY, tdi_vm_del_slot(self->vm.tdi, slot_of(1)));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	put_slices(&parts);
}

/* ---- the MSI-X pages ---- */

/* vector 0 to an eventfd; -1: to nobody */
static int set_irq(struct fn *fn, int efd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} arg = {
		.set = {
			.argsz = sizeof(arg),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
		.fd = efd,
	};

	if (efd < 0) {
		arg.set.flags = VFIO_IRQ_SET_DATA_NONE |
				VFIO_IRQ_SET_ACTION_TRIGGER;
		arg.set.count = 0;
		arg.set.argsz = sizeof(arg.set);
	}
	return raw_ioctl(tdi_device_fd(fn->dev), VFIO_DEVICE_SET_IRQS, &arg);
}

static int wait_irq(int efd)
{
	struct pollfd pfd = { .fd = efd, .events = POLLIN };
	uint64_t n;

	if (poll(&pfd, 1, IRQ_MS) != 1)
		return -ETIMEDOUT;
	return read(efd, &n, sizeof(n)) == sizeof(n) ? 0 : -errno;
}

/* the kernel has programmed vector 0, as the VMM's mapping of the table shows */
static bool is_programmed(volatile uint8_t *bar4)
{
	uint32_t addr = 0, ctrl = VECTOR_MASKED;

	if (!sigbus_read(bar4 + VECTOR_ADDR, &addr) ||
	    !sigbus_read(bar4 + VECTOR_CTRL, &ctrl)) {
		note("MSI-X table: SIGBUS");
		return false;
	}
	if (addr && !(ctrl & VECTOR_MASKED))
		return true;
	note("MSI-X table: address %#x control %#x", addr, ctrl);
	return false;
}

/* one T=1 copy that ends in an interrupt */
static bool interrupts(FIXTURE_DATA(tvm) *self, int efd)
{
	int status;

	status = fn_dma(&self->fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			TEEMU_DESC_F_DST_T | TEEMU_DESC_F_IRQ, VM_SRC_GPA,
			VM_DST_GPA, PAGE);
	if (status != TEEMU_DESC_DONE) {
		note("copy: status %d", status);
		return false;
	}
	return !failed(wait_irq(efd), "interrupt");
}

/* scratch pages of BAR 4, one slot each, the later first */
static int set_scratch(FIXTURE_DATA(tvm) *self, int fd, struct reservation *r)
{
	struct tdi_slot slot = { .size = PAGE, .fd = fd };
	int i, ret = 0;

	for (i = 1; !ret && i >= 0; i--) {
		slot.slot = SLOT_SPARE + i;
		slot.offset = MSIX_HOLE + i * PAGE;
		slot.gpa = GUEST_BAR4 + slot.offset;
		slot.hva = (uint8_t *)r->addr + slot.offset;
		ret = tdi_vm_set_mmio_slot(self->vm.tdi, &slot) ?:
		      tdi_vm_set_private(self->vm.tdi, slot.gpa, PAGE, true);
	}
	return failed(ret, "slots over BAR 4");
}

static uint64_t scratch(unsigned int page)
{
	return GUEST_BAR4 + MSIX_HOLE + page * PAGE;
}

TVM_TEST(msix_pages_are_a_hole)
{
	struct reservation r = { 0 };
	void *bar4 = NULL;
	uint64_t code = 0;
	uint32_t value;
	int fd, efd;

	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MSIX, 0, TEEMU_BAR_MSIX_SIZE);
	efd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, efd);
	ASSERT_EQ(0, reserve(&r, GUEST_BAR4, TEEMU_BAR_MSIX_SIZE));
	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MSIX, &bar4));
	ASSERT_EQ(0, set_scratch(self, fd, &r));

	/* locked: the table is the kernel's to write */
	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(0, set_irq(&self->fn, efd));
	EXPECT_TRUE(is_programmed(bar4));
	EXPECT_FALSE(sigbus_read((uint8_t *)bar4 + MSIX_HOLE, &value));
	ASSERT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, vm_fill(&self->vm, VM_SRC_GPA, PAGE, 1) ?:
		     vm_fill(&self->vm, VM_DST_GPA, PAGE, 0) ?:
		     fn_ring_start(&self->fn));

	/* behind the hole it is the guest's; each slot has its page */
	EXPECT_EQ(0, fn_accept_page(&self->fn, scratch(0), TEEMU_BAR_MSIX, 0,
				    &code));
	EXPECT_EQ(0, code);
	EXPECT_EQ(0, vm_must_fault(&self->vm, scratch(1)));
	EXPECT_EQ(0, fn_accept_page(&self->fn, scratch(1), TEEMU_BAR_MSIX, 1,
				    &code));
	EXPECT_EQ(0, code);
	EXPECT_EQ(0, vm_write32(&self->vm, scratch(0), 0xa0));
	EXPECT_EQ(0, vm_write32(&self->vm, scratch(1), 0xa1));
	EXPECT_EQ(0, vm_read32(&self->vm, scratch(0), &value));
	EXPECT_EQ(0xa0, value);
	EXPECT_EQ(0, vm_read32(&self->vm, scratch(1), &value));
	EXPECT_EQ(0xa1, value);

	/* the hole: the guest's access is the VMM's to emulate */
	EXPECT_EQ(-EPROTO, vm_write32(&self->vm, GUEST_BAR4 + VECTOR_ADDR, 1));
	EXPECT_EQ(KVM_EXIT_MMIO, self->vm.run->exit_reason);
	EXPECT_EQ(GUEST_BAR4 + VECTOR_ADDR, self->vm.run->mmio.phys_addr);

	/* RUN: it interrupts, can be taken away, and given another eventfd */
	EXPECT_TRUE(interrupts(self, efd));
	EXPECT_EQ(0, set_irq(&self->fn, -1));
	EXPECT_EQ(0, set_irq(&self->fn, efd));
	EXPECT_TRUE(is_programmed(bar4));
	EXPECT_TRUE(sigbus_read((uint8_t *)bar4 + TEEMU_MSIX_PBA_OFFSET, &value));
	EXPECT_TRUE(interrupts(self, efd));
	EXPECT_TRUE(world_tdi_is(0, "RUN"));

	/* the host is let in again, and it was the guest's bytes that are gone */
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_TRUE(sigbus_read((uint8_t *)bar4 + MSIX_HOLE, &value));
	EXPECT_EQ(0, value);
	EXPECT_TRUE(is_programmed(bar4));
	EXPECT_EQ(0, set_irq(&self->fn, -1));
	EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE));
	EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE + 1));
	unreserve(&r);
	close(efd);
	close(fd);
}

TVM_MAIN
