// SPDX-License-Identifier: GPL-2.0-only
/*
 * R12: the VM's last file is closed while its TDI is bound, or in quarantine, or after
 * the TSM core unbound it on its own. The VM lives until the unbind and VFIO's close,
 * and not a moment longer; in quarantine it lives, and is destroyed when the way out
 * has been found; its reference is dropped once.
 *
 * A VM's folder in debugfs is there from its birth to its destruction.
 */
#include "fixture.h"
#include "raw.h"
#include "sigbus.h"
#include "stuck.h"

#define SOON_MS		10000
#define STAYS_MS	300

TVM_TEST(last_file_closed_while_bound)
{
	ASSERT_EQ(1, world_vms());
	ASSERT_EQ(0, tvm_to_run(self));
	/* vCPU, VM, KVM's VFIO device, guest_memfd: all of it */
	vm_close_files(&self->vm);
	sleep_ms(STAYS_MS);
	EXPECT_EQ(1, world_vms());
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(1, world_tvms());
	EXPECT_EQ(1, world_tdis());

	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	/* VFIO holds the VM as long as its device is open */
	EXPECT_EQ(1, world_vms());
	fn_close_device(&self->fn);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
}

/* the close of the VFIO file is the unbind */
TVM_TEST(last_file_closed_then_vfio)
{
	ASSERT_EQ(0, tvm_to_run(self));
	vm_close_files(&self->vm);
	sleep_ms(STAYS_MS);
	EXPECT_EQ(1, world_vms());
	fn_close_device(&self->fn);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
}

/* everything but the VFIO file; then only the dma-bufs are left */
TVM_TEST(dmabufs_hold_no_vm)
{
	int fds[FN_BAR_SLOTS], i;

	ASSERT_EQ(0, tvm_to_run(self));
	for (i = 0; i < FN_BAR_SLOTS; i++) {
		fds[i] = dup(self->fn.slot[i].fd);
		ASSERT_LE(0, fds[i]);
	}
	vm_close_files(&self->vm);
	fn_close_device(&self->fn);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	for (i = 0; i < FN_BAR_SLOTS; i++)
		close(fds[i]);
}

TVM_TEST(core_unbinds)
{
	uint32_t id;

	ASSERT_EQ(0, fn_map(&self->fn));
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_FALSE(sigbus_read(self->fn.bar0 + TEEMU_REG_ID, &id));
	ASSERT_EQ(0, world_disconnect());
	EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND, fn_event(&self->fn, SOON_MS));
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 100));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(0, world_links());
	/* the guest is out, the host is in again */
	EXPECT_EQ(0, vm_must_fault(&self->vm,
				   fn_bar_gpa(&self->fn, TEEMU_BAR_REGS)));
	self->fn.guest = false;
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_TRUE(sigbus_read(self->fn.bar0 + TEEMU_REG_ID, &id) &&
		    id == TEEMU_ID);
	/* a later unbind is a success that does nothing */
	EXPECT_EQ(0, raw_unbind(&self->fn));
	EXPECT_EQ(ENXIO, raw_bind(&self->fn));
	/* nothing binds by itself when the link is back, the VMM does */
	ASSERT_EQ(0, world_connect());
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	/* dropped once: not before VFIO's close, not never */
	vm_close_files(&self->vm);
	sleep_ms(STAYS_MS);
	EXPECT_EQ(1, world_vms());
	fn_close_device(&self->fn);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
}

/* in both orders: no cycle keeps the VM, no second put destroys it early */
TVM_TEST(core_unbinds_after_last_file)
{
	ASSERT_EQ(0, tvm_to_run(self));
	vm_close_files(&self->vm);
	ASSERT_EQ(0, world_disconnect());
	EXPECT_EQ(IOMMU_VEVENT_TSM_UNBOUND, fn_event(&self->fn, SOON_MS));
	EXPECT_EQ(1, world_vms());
	EXPECT_EQ(0, fn_unbind(&self->fn));
	fn_close_device(&self->fn);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	EXPECT_EQ(0, world_connect());
}

/* what firmware has of the TDI and its TVM, and the VM itself, are there */
static void is_kept(struct __test_metadata *_metadata)
{
	sleep_ms(STAYS_MS);
	EXPECT_TRUE(stuck_is(0));
	EXPECT_EQ(1, world_vms());
	EXPECT_EQ(1, world_tdis());
	EXPECT_EQ(1, world_tvms());
}

/* the way out: not while firmware is unwilling; once, and the VM is gone with it */
static void leaves_quarantine(struct __test_metadata *_metadata, int vms)
{
	EXPECT_EQ(-EIO, stuck_retry(0));
	is_kept(_metadata);
	EXPECT_EQ(0, stuck_end());
	EXPECT_EQ(0, stuck_retry(0));
	EXPECT_EQ(-EINVAL, stuck_retry(0));
	EXPECT_EQ(0, world_tdis());
	EXPECT_EQ(vms, world_wait_vms(vms, SOON_MS));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

/* VM first, then the unbind that cannot be completed, then VFIO */
TVM_TEST(last_file_closed_then_quarantined)
{
	if (!stuck_has_way_out())
		SKIP(return, "no way out of quarantine in this kernel (tdi/retry)");
	ASSERT_EQ(0, tvm_to_run(self));
	vm_close_files(&self->vm);
	ASSERT_EQ(0, stuck_begin());
	fn_close_device(&self->fn);
	is_kept(_metadata);
	/* nothing is left of the VMM but memory */
	fn_close(&self->fn);
	is_kept(_metadata);
	leaves_quarantine(_metadata, 0);
}

/* quarantined first, by the unbind op; then all files; found out while VFIO is open */
TVM_TEST(last_file_closed_while_quarantined)
{
	if (!stuck_has_way_out())
		SKIP(return, "no way out of quarantine in this kernel (tdi/retry)");
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, stuck_begin());
	EXPECT_EQ(-EIO, fn_unbind(&self->fn));
	EXPECT_EQ(TDI_EVENT_QUARANTINED, fn_event(&self->fn, SOON_MS));
	is_kept(_metadata);
	/* a private slot of it is held as a bound one's */
	EXPECT_EQ(-EBUSY, tdi_vm_del_slot(self->vm.tdi, SLOT_BARS));
	EXPECT_EQ(-EBUSY, tdi_vm_set_private(self->vm.tdi,
					     fn_bar_gpa(&self->fn, TEEMU_BAR_REGS),
					     PAGE, false));
	vm_close_files(&self->vm);
	is_kept(_metadata);
	/* VFIO's file holds the VM still */
	leaves_quarantine(_metadata, 1);
	fn_close_device(&self->fn);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
}

TVM_MAIN
