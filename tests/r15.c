// SPDX-License-Identifier: GPL-2.0-only
/*
 * R15: each situation gets the errno that the uAPI document prints, and holds
 * nothing: after each, the TDI can be bound and unbound.
 *
 * A situation is a function that brings it about and answers the errno seen (0:
 * success), or -1 when it could not be brought about, -2 when the vendor has none.
 */
#include <string.h>

#include <linux/cca-tdi.h>
#include <linux/sev-tdi.h>
#include <linux/tdx-tdi.h>

#include "fixture.h"
#include "raw.h"

#define NOT_THERE	-1
#define NOT_HERE	-2	/* this vendor has no such situation */

typedef FIXTURE_DATA(tvm) tvm;

static bool is_bound(tvm *self)
{
	return self->fn.guest;
}

static bool need_bound(tvm *self)
{
	return is_bound(self) || !failed(fn_bind(&self->fn), "bind");
}

static bool need_unbound(tvm *self)
{
	return !is_bound(self) || !failed(fn_unbind(&self->fn), "unbind");
}

/* a second function, in a VM or in none; closed by its user */
static bool other_open(struct fn *fn, struct vm *vm)
{
	fn_init(fn, 1);
	return !fn_open(fn, vm);
}

/* ---- BIND, UNBIND, VDEVICE ---- */

static int situation_bind_flags(tvm *self)
{
	return need_unbound(self) ? raw_op(&self->fn, self->fn.vdevice_id,
					   IOMMU_VDEVICE_TSM_BIND, 1) : NOT_THERE;
}

static int situation_bind_type(tvm *self)
{
	return need_unbound(self) ? raw_op(&self->fn, self->fn.vdevice_id,
					   IOMMU_VDEVICE_TSM_UNBIND + 1, 0) :
				    NOT_THERE;
}

static int situation_bind_no_vdevice(tvm *self)
{
	return raw_op(&self->fn, self->fn.viommu_id, IOMMU_VDEVICE_TSM_BIND, 0);
}

static int situation_bind_no_kvm(tvm *self)
{
	struct fn fn;
	int ret = NOT_THERE;

	(void)self;
	if (other_open(&fn, NULL))
		ret = raw_bind(&fn);
	fn_close(&fn);
	return ret;
}

static int situation_bind_late_kvm(tvm *self)
{
	struct fn fn;
	int ret = NOT_THERE;

	if (other_open(&fn, NULL) &&
	    !tdi_vm_add_device(self->vm.tdi, fn.dev)) {
		ret = raw_bind(&fn);
		tdi_vm_del_device(self->vm.tdi, fn.dev);
	}
	fn_close(&fn);
	return ret;
}

static int situation_bind_no_link(tvm *self)
{
	int ret = NOT_THERE;

	if (need_unbound(self) && !world_disconnect())
		ret = raw_bind(&self->fn);
	return world_connect() ? NOT_THERE : ret;
}

static int situation_bind_twice(tvm *self)
{
	return need_bound(self) ? raw_bind(&self->fn) : NOT_THERE;
}

static int situation_bind_after_unbind(tvm *self)
{
	int ret;

	if (!need_bound(self) || !need_unbound(self))
		return NOT_THERE;
	ret = fn_bind(&self->fn);
	return -ret;
}

static int situation_bind_after_close(tvm *self)
{
	struct fn fn;
	int ret = NOT_THERE;

	if (other_open(&fn, &self->vm)) {
		fn_clear_slots(&fn);
		fn_close_device(&fn);
		ret = raw_bind(&fn);
	}
	fn_close(&fn);
	return ret;
}

static int situation_unbind_unbound(tvm *self)
{
	struct fn fn;
	int ret = NOT_THERE;

	if (other_open(&fn, &self->vm))
		ret = raw_unbind(&fn);
	fn_close(&fn);
	return ret;
}

static int situation_unbind_twice(tvm *self)
{
	return need_bound(self) && need_unbound(self) ? raw_unbind(&self->fn) :
							NOT_THERE;
}

static int situation_unbind_no_vdevice(tvm *self)
{
	return raw_op(&self->fn, self->fn.ioas_id, IOMMU_VDEVICE_TSM_UNBIND, 0);
}

static int situation_unbind_after_core(tvm *self)
{
	int ret = NOT_THERE;

	if (need_bound(self) && !world_disconnect()) {
		self->fn.guest = false;
		ret = raw_unbind(&self->fn);
	}
	return world_connect() ? NOT_THERE : ret;
}

static int vdevice_alloc(struct fn *fn, uint64_t virt_id)
{
	struct iommu_vdevice_alloc alloc = {
		.size = sizeof(alloc),
		.viommu_id = fn->viommu_id,
		.dev_id = tdi_device_id(fn->dev),
		.virt_id = virt_id,
	};

	return raw_ioctl(tdi_iommu_fd(fn->iommu), IOMMU_VDEVICE_ALLOC, &alloc);
}

static int situation_vdevice_second(tvm *self)
{
	return vdevice_alloc(&self->fn, fn_rid(&self->fn) + 8);
}

static int situation_vdevice_wide_id(tvm *self)
{
	struct fn fn;
	int ret = NOT_THERE;

	fn_init(&fn, 1);
	if (!fn_open_device(&fn, &self->vm) && !fn_open_translation(&fn))
		ret = vdevice_alloc(&fn, 1ULL << 32);
	fn_close(&fn);
	return ret;
}

/* ---- REQ ---- */

static struct attest_read read_first;
static uint8_t answer[4096];

static struct iommu_vdevice_tsm_req good(tvm *self)
{
	return raw_good_req(&self->fn, &read_first, answer, sizeof(answer));
}

static int situation_req_unbound(tvm *self)
{
	struct iommu_vdevice_tsm_req req = good(self);

	return need_unbound(self) ? raw_req(&self->fn, &req) : NOT_THERE;
}

/* one change to a request that succeeds as it is */
#define BAD_REQUEST(id, change)						\
static int situation_##id(tvm *self)					\
{									\
	struct iommu_vdevice_tsm_req req = good(self);			\
									\
	if (!need_bound(self) || raw_req(&self->fn, &req))		\
		return NOT_THERE;					\
	req = good(self);						\
	change;								\
	return raw_req(&self->fn, &req);				\
}

BAD_REQUEST(req_no_vdevice, req.vdevice_id = self->fn.viommu_id)
BAD_REQUEST(req_op, req.op = IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS + 1)
BAD_REQUEST(req_arch_unknown, req.tvm_arch = IOMMU_TSM_TVM_ARCH_COVE + 1)
BAD_REQUEST(req_arch_other, req.tvm_arch = world.tvm->arch == IOMMU_TSM_TVM_ARCH_SEV ?
	    IOMMU_TSM_TVM_ARCH_CCA : IOMMU_TSM_TVM_ARCH_SEV)
BAD_REQUEST(req_empty, req.req_len = 0)
BAD_REQUEST(req_large, req.req_len = IOMMU_VDEVICE_TSM_REQ_MAX + 1)
BAD_REQUEST(req_resp_large, req.resp_len = IOMMU_VDEVICE_TSM_RESP_MAX + 1)
BAD_REQUEST(req_misfit, req.req_len = sizeof(read_first) - 1)
BAD_REQUEST(req_pointer, req.req_uptr = PAGE)
BAD_REQUEST(req_resp_pointer, req.resp_uptr = PAGE)

/* @op with @payload; the answer is dropped but for its first bytes */
static int send(tvm *self, uint32_t op, const void *payload, size_t len,
		uint64_t *code)
{
	size_t room = sizeof(answer);

	memset(answer, 0, sizeof(answer));
	if (!need_bound(self))
		return NOT_THERE;
	return -fn_request(&self->fn, op, payload, len, answer, &room, code);
}

static int situation_req_reserved(tvm *self)
{
	struct attest_read req = { .reserved = 1 };
	uint64_t code;

	return send(self, IOMMU_VDEVICE_TSM_REQ_READ_CERTS, &req, sizeof(req),
		    &code);
}

/* VENDOR with leaf, message or call @nr */
static int send_vendor(tvm *self, uint32_t nr, uint64_t *code)
{
	struct tdx_tdi_vendor tdx = { .leaf = nr };
	struct sev_tdi_msg sev = { .type = nr, .range = 0xffff };
	struct cca_tdi_vendor cca = { .call = nr };
	uint32_t op = IOMMU_VDEVICE_TSM_REQ_VENDOR;

	switch (world.tvm->arch) {
	case IOMMU_TSM_TVM_ARCH_SEV:
		return send(self, op, &sev, sizeof(sev), code);
	case IOMMU_TSM_TVM_ARCH_CCA:
		return send(self, op, &cca, sizeof(cca), code);
	default:
		return send(self, op, &tdx, sizeof(tdx), code);
	}
}

static int situation_req_leaf(tvm *self)
{
	uint64_t code;

	return send_vendor(self, 1, &code);
}

/* the nonces of now, as if the TVM had attested; only a realm has such */
static bool need_nonces(tvm *self)
{
	struct cca_tdi_vendor req = { .call = CCA_TDI_RSI_GET_INFO };
	struct attest *a = fn_attest(&self->fn);
	struct cca_tdi_info info;
	size_t len = sizeof(info);
	uint64_t code;

	if (world.tvm->arch != IOMMU_TSM_TVM_ARCH_CCA)
		return true;
	if (fn_request(&self->fn, IOMMU_VDEVICE_TSM_REQ_VENDOR, &req,
		       sizeof(req), &info, &len, &code) || code)
		return false;
	a->nonce[ATTEST_NONCE_LOCK] = info.lock_nonce;
	a->nonce[ATTEST_NONCE_MEAS] = info.meas_nonce;
	a->nonce[ATTEST_NONCE_REPORT] = info.report_nonce;
	return true;
}

/* a TVM that knows a report, of an earlier life, and a TDI that was bound just now */
static bool need_old_report(tvm *self)
{
	return need_unbound(self) && need_bound(self) &&
	       !fn_read_report(&self->fn) && need_unbound(self) &&
	       need_bound(self) && need_nonces(self);
}

static int accept_page(tvm *self, uint64_t gpa)
{
	uint64_t code;
	int ret = fn_accept_page(&self->fn, gpa, TEEMU_BAR_REGS, 0, &code);

	if (!ret)
		note("acceptance of %#llx: status %#llx",
		     (unsigned long long)gpa, (unsigned long long)code);
	return -ret;
}

static int situation_req_no_slot(tvm *self)
{
	return need_old_report(self) ? accept_page(self, VM_PRIVATE_GPA) :
				       NOT_THERE;
}

static int situation_req_no_report(tvm *self)
{
	/* whose driver reads the report in bind: the RMP wants it */
	if (world.tvm->arch == IOMMU_TSM_TVM_ARCH_SEV)
		return NOT_HERE;
	return need_old_report(self) ?
	       accept_page(self, fn_bar_gpa(&self->fn, TEEMU_BAR_REGS)) :
	       NOT_THERE;
}

static int situation_req_mapped(tvm *self)
{
	struct kvm_userspace_memory_region2 slot;
	struct reservation r = { 0 };
	int ret = NOT_THERE;

	/* BAR 0 has a slot at its usual place and another one here */
	if (!need_unbound(self) || reserve(&r, RAW_SLOT_GPA, PAGE))
		return NOT_THERE;
	slot = raw_good_slot(self->fn.slot[0].fd, PAGE, &r);
	if (!raw_slot(self->vm.vm_fd, &slot) &&
	    !tdi_vm_set_private(self->vm.tdi, RAW_SLOT_GPA, PAGE, true) &&
	    need_bound(self) && !fn_run_until(&self->fn, ATTEST_MMIO) &&
	    !fn_accept_mmio(&self->fn, TEEMU_BAR_REGS, 0, 1))
		ret = accept_page(self, RAW_SLOT_GPA);
	if (!need_unbound(self) || tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE))
		ret = NOT_THERE;
	unreserve(&r);
	return ret;
}

/* what no firmware grants: the hash of no chain; no such range; DMA before the start */
static int situation_req_refused(tvm *self)
{
	static const uint32_t nr[] = {
		[IOMMU_TSM_TVM_ARCH_TDX] = TDX_TDI_LEAF_DEVIF_VALIDATE,
		[IOMMU_TSM_TVM_ARCH_SEV] = SEV_TDI_MSG_MMIO_CONFIG,
		[IOMMU_TSM_TVM_ARCH_CCA] = CCA_TDI_RSI_DMA_ENABLE,
	};
	struct sev_tdi_rsp rsp;
	uint64_t code = 0;
	int ret;

	ret = send_vendor(self, nr[world.tvm->arch], &code);
	memcpy(&rsp, answer, sizeof(rsp));
	/* the status of a guest's message is in the answer to it */
	if (world.tvm->arch == IOMMU_TSM_TVM_ARCH_SEV && !code)
		code = rsp.status;
	if (!ret && !code) {
		note("firmware took it");
		return NOT_THERE;
	}
	return ret;
}

/* ---- SLOT, KVM ---- */

/* one slot request of a page, after @change, with dma-buf @fd of another origin */
static int try_slot(tvm *self, int fd, uint64_t size,
		    void (*change)(struct kvm_userspace_memory_region2 *slot))
{
	struct kvm_userspace_memory_region2 slot;
	struct reservation r = { 0 };
	int ret;

	if (reserve(&r, RAW_SLOT_GPA, size))
		return NOT_THERE;
	slot = raw_good_slot(fd, size, &r);
	if (change)
		change(&slot);
	ret = raw_slot(self->vm.vm_fd, &slot);
	if (!ret) {
		note("slot: flags %#x offset %#llx size %#llx was accepted",
		     slot.flags, (unsigned long long)slot.guest_memfd_offset,
		     (unsigned long long)slot.memory_size);
		tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE);
	}
	unreserve(&r);
	return ret;
}

/* BAR 2's dma-buf: what is refused must be so for its own reason only */
static int bar2_fd(tvm *self)
{
	return self->fn.slot[1].fd;
}

static int situation_slot_vm_type(tvm *self)
{
	struct kvm_userspace_memory_region2 slot;
	struct reservation r = { 0 };
	int vm_fd, ret = NOT_THERE;

	vm_fd = ioctl(self->vm.kvm_fd, KVM_CREATE_VM, KVM_X86_DEFAULT_VM);
	if (vm_fd < 0 || reserve(&r, RAW_SLOT_GPA, PAGE))
		return NOT_THERE;
	slot = raw_good_slot(bar2_fd(self), PAGE, &r);
	ret = raw_slot(vm_fd, &slot);
	unreserve(&r);
	close(vm_fd);
	return ret;
}

static void add_flag(struct kvm_userspace_memory_region2 *slot)
{
	slot->flags |= KVM_MEM_READONLY;
}

static int situation_slot_flags(tvm *self)
{
	return try_slot(self, bar2_fd(self), PAGE, add_flag);
}

static int situation_slot_not_open(tvm *self)
{
	return try_slot(self, 1000, PAGE, NULL);
}

static int situation_slot_no_dmabuf(tvm *self)
{
	return try_slot(self, self->vm.private_fd, PAGE, NULL);
}

static int situation_slot_udmabuf(tvm *self)
{
	int fd = raw_udmabuf(), ret;

	if (fd < 0)
		return NOT_THERE;
	ret = try_slot(self, fd, PAGE, NULL);
	close(fd);
	return ret;
}

/* a slot over a dma-buf of function 1, which is in @vm or in none */
static int slot_of_other(tvm *self, struct vm *vm, bool closed)
{
	int ret = NOT_THERE, fd = -1;
	struct fn fn;

	fn_init(&fn, 1);
	if (!fn_open_device(&fn, vm) && !fn_enable(&fn))
		fd = tdi_device_export(fn.dev, TEEMU_BAR_MEM, 0, PAGE);
	if (closed)
		fn_close(&fn);
	if (fd >= 0)
		ret = try_slot(self, fd, PAGE, NULL);
	if (fd >= 0)
		close(fd);
	fn_close(&fn);
	return ret;
}

static int situation_slot_no_kvm(tvm *self)
{
	return slot_of_other(self, NULL, false);
}

static int situation_slot_other_kvm(tvm *self)
{
	struct vm vm;
	int ret = NOT_THERE;

	if (!vm_open(&vm, 0))
		ret = slot_of_other(self, &vm, false);
	vm_close(&vm);
	return ret;
}

static int situation_slot_closed(tvm *self)
{
	return slot_of_other(self, &self->vm, true);
}

static void odd_offset(struct kvm_userspace_memory_region2 *slot)
{
	slot->guest_memfd_offset = 512;
}

static void far_offset(struct kvm_userspace_memory_region2 *slot)
{
	slot->guest_memfd_offset = TEEMU_BAR_MEM_SIZE - PAGE;
}

static void huge_offset(struct kvm_userspace_memory_region2 *slot)
{
	slot->guest_memfd_offset = -PAGE;
}

static int situation_slot_offset(tvm *self)
{
	return try_slot(self, bar2_fd(self), PAGE, odd_offset);
}

static int situation_slot_outside(tvm *self)
{
	return try_slot(self, bar2_fd(self), 2 * PAGE, far_offset);
}

static int situation_slot_overflow(tvm *self)
{
	return try_slot(self, bar2_fd(self), 2 * PAGE, huge_offset);
}

static int situation_slot_msix(tvm *self)
{
	int fd, ret;

	if (!need_unbound(self))
		return NOT_THERE;
	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MSIX, 0,
			       TEEMU_BAR_MSIX_SIZE);
	if (fd < 0)
		return NOT_THERE;
	ret = try_slot(self, fd, TEEMU_BAR_MSIX_SIZE, NULL);
	close(fd);
	return ret;
}

static int situation_slot_change(tvm *self)
{
	struct kvm_userspace_memory_region2 slot = {
		.slot = SLOT_BARS,
		.flags = KVM_MEM_VFIO_DMABUF,
		.guest_phys_addr = RAW_SLOT_GPA,
		.memory_size = TEEMU_BAR_REGS_SIZE,
		.userspace_addr = (uintptr_t)self->fn.slot[0].hva.addr,
		.guest_memfd = self->fn.slot[0].fd,
	};

	return raw_slot(self->vm.vm_fd, &slot);
}

static int situation_slot_delete_bound(tvm *self)
{
	return need_bound(self) ? -tdi_vm_del_slot(self->vm.tdi, SLOT_BARS) :
				  NOT_THERE;
}

static int situation_slot_share_bound(tvm *self)
{
	/* one page in the middle is enough */
	return need_bound(self) ?
	       -tdi_vm_set_private(self->vm.tdi,
				   fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
				   5 * PAGE, PAGE, false) : NOT_THERE;
}

/* ---- VFIO ---- */

static int situation_vfio_reset(tvm *self)
{
	return need_bound(self) ? -tdi_device_reset(self->fn.dev) : NOT_THERE;
}

static int situation_vfio_attach(tvm *self)
{
	return need_bound(self) ?
	       -tdi_device_attach(self->fn.dev, self->fn.ioas_id) : NOT_THERE;
}

static int situation_vfio_detach(tvm *self)
{
	return need_bound(self) ? -tdi_device_detach(self->fn.dev) : NOT_THERE;
}

static int situation_vfio_export(tvm *self)
{
	int fd;

	if (!need_bound(self))
		return NOT_THERE;
	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, PAGE);
	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

static int situation_vfio_read(tvm *self)
{
	uint32_t value;

	return need_bound(self) ?
	       -tdi_device_bar_read(self->fn.dev, TEEMU_BAR_REGS, TEEMU_REG_ID,
				    &value, sizeof(value)) : NOT_THERE;
}

static int situation_vfio_write(tvm *self)
{
	off_t pos = raw_bar_pos(&self->fn, TEEMU_BAR_MEM);
	uint32_t value = 1;

	if (!need_bound(self) || pos < 0)
		return NOT_THERE;
	return pwrite(tdi_device_fd(self->fn.dev), &value, sizeof(value),
		      pos) < 0 ? errno : 0;
}

static int situation_vfio_config(tvm *self)
{
	/* Bus Master Enable cleared */
	return need_bound(self) ?
	       -tdi_device_disable(self->fn.dev, TDI_COMMAND_MASTER) : NOT_THERE;
}

/* ---- the table ---- */

enum where { BIND, UNBIND, VDEVICE, REQ, SLOT, KVM, VFIO };

#define SITUATION(id, words, err, at)					\
	{ #id, words, err, at, situation_##id },
#define SITUATION_KUNIT(id, words, err, at, by)

static const struct {
	const char *id;
	const char *words;
	int err;
	enum where where;
	int (*seen)(tvm *self);
} situations[] = {
#include "r15_situations.def"
};

/* whatever was refused left nothing in the way, and the device as it was */
static int still_works(tvm *self)
{
	if (is_bound(self) && !world_tdi_is(0, "CONFIG_LOCKED"))
		return -EIO;
	if (is_bound(self))
		return 0;
	if (!world_tdi_is(0, "CONFIG_UNLOCKED"))
		return -EIO;
	return failed(fn_bind(&self->fn), "bind after it") ?:
	       failed(fn_unbind(&self->fn), "unbind after it");
}

static void check_all(struct __test_metadata *_metadata, tvm *self,
		      enum where where)
{
	int seen, ran = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(situations); i++) {
		if (situations[i].where != where)
			continue;
		ran++;
		seen = situations[i].seen(self);
		if (seen == NOT_HERE) {
			note("%s: not with %s", situations[i].id,
			     world.vendor->name);
			continue;
		}
		EXPECT_EQ(situations[i].err, seen)
			note("%s: %s", situations[i].id, situations[i].words);
		EXPECT_EQ(0, still_works(self))
			note("%s", situations[i].id);
	}
	EXPECT_LT(0, ran);
}

TVM_TEST(bind)
{
	check_all(_metadata, self, BIND);
}

TVM_TEST(unbind)
{
	check_all(_metadata, self, UNBIND);
}

TVM_TEST(vdevice)
{
	check_all(_metadata, self, VDEVICE);
}

TVM_TEST(request)
{
	check_all(_metadata, self, REQ);
}

TVM_TEST(slot)
{
	check_all(_metadata, self, SLOT);
}

TVM_TEST(kvm)
{
	check_all(_metadata, self, KVM);
}

TVM_TEST(vfio)
{
	check_all(_metadata, self, VFIO);
}

TVM_MAIN
