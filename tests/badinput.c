// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every new ioctl with each field wrong in turn: the documented errno, nothing
 * changed, nothing held. What is right next to wrong succeeds, so that a kernel
 * that refuses everything passes no test.
 */
#include <string.h>
#include <sys/mman.h>

#include <linux/tdx-tdi.h>

#include "fixture.h"
#include "raw.h"

#define BIG	4096

typedef FIXTURE_DATA(tvm) tvm;

/* ids of every other type of object, and ids of none */
struct bad_ids {
	uint32_t id[8];
	int nr;
};

static struct bad_ids bad_ids(tvm *self)
{
	return (struct bad_ids) {
		.id = {
			0, 0xffffffff, 0x7fffffff, self->fn.viommu_id,
			self->fn.ioas_id, self->fn.hwpt_id, self->fn.queue_id,
			tdi_device_id(self->fn.dev),
		},
		.nr = 8,
	};
}

/* @arg with a size of @size, in a buffer with @tail behind it */
static int sized(tvm *self, unsigned long nr, const void *arg, uint32_t len,
		 uint32_t size, uint8_t tail)
{
	uint8_t buf[BIG] = { 0 };

	memcpy(buf, arg, len);
	memcpy(buf, &size, sizeof(size));
	if (size > len && size <= BIG)
		buf[size - 1] = tail;
	return raw_ioctl(tdi_iommu_fd(self->fn.iommu), nr, buf);
}

/* @arg at the end of a page that nothing follows */
static int at_the_edge(struct __test_metadata *_metadata, tvm *self,
		       unsigned long nr, const void *arg, uint32_t len,
		       uint32_t inside)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + PAGE, PAGE));
	memcpy(p + PAGE - inside, arg, inside < len ? inside : len);
	ret = raw_ioctl(tdi_iommu_fd(self->fn.iommu), nr, p + PAGE - inside);
	munmap(p, PAGE);
	return ret;
}

static void check_sizes(struct __test_metadata *_metadata, tvm *self,
			unsigned long nr, const void *arg, uint32_t len, int good)
{
	int iommu_fd = tdi_iommu_fd(self->fn.iommu);

	EXPECT_EQ(EINVAL, sized(self, nr, arg, len, 0, 0));
	EXPECT_EQ(EINVAL, sized(self, nr, arg, len, 4, 0));
	EXPECT_EQ(EINVAL, sized(self, nr, arg, len, len - 4, 0));
	EXPECT_EQ(EINVAL, sized(self, nr, arg, len, len - 1, 0));
	/* a newer program on this kernel: zero is what this kernel knows */
	EXPECT_EQ(good, sized(self, nr, arg, len, len, 0));
	EXPECT_EQ(good, sized(self, nr, arg, len, len + 8, 0));
	EXPECT_EQ(good, sized(self, nr, arg, len, BIG, 0));
	EXPECT_EQ(E2BIG, sized(self, nr, arg, len, len + 8, 1));
	EXPECT_EQ(E2BIG, sized(self, nr, arg, len, len + 1, 1));
	EXPECT_EQ(E2BIG, sized(self, nr, arg, len, BIG, 0x80));
	/* pointers */
	EXPECT_EQ(EFAULT, raw_ioctl(iommu_fd, nr, NULL));
	EXPECT_EQ(EFAULT, raw_ioctl(iommu_fd, nr, (void *)PAGE));
	EXPECT_EQ(EFAULT, raw_ioctl(iommu_fd, nr, (void *)-PAGE));
	EXPECT_EQ(good, at_the_edge(_metadata, self, nr, arg, len, len));
	EXPECT_EQ(EFAULT, at_the_edge(_metadata, self, nr, arg, len, len - 1));
	EXPECT_EQ(EFAULT, at_the_edge(_metadata, self, nr, arg, len, 4));
	EXPECT_EQ(EFAULT, at_the_edge(_metadata, self, nr, arg, len, 2));
	/* files that are no iommufd, and none */
	EXPECT_EQ(EBADF, raw_ioctl(-1, nr, (void *)arg));
	EXPECT_NE(0, raw_ioctl(tdi_device_fd(self->fn.dev), nr, (void *)arg));
	EXPECT_NE(0, raw_ioctl(self->vm.vm_fd, nr, (void *)arg));
	EXPECT_NE(0, raw_ioctl(self->fn.event_fd, nr, (void *)arg));
}

/* ---- IOMMU_VDEVICE_TSM_OP ---- */

static struct iommu_vdevice_tsm_op good_op(tvm *self, uint32_t type)
{
	return (struct iommu_vdevice_tsm_op) {
		.size = sizeof(struct iommu_vdevice_tsm_op),
		.type = type,
		.vdevice_id = self->fn.vdevice_id,
	};
}

TVM_TEST(op_sizes_and_pointers)
{
	struct iommu_vdevice_tsm_op op = good_op(self, IOMMU_VDEVICE_TSM_UNBIND);

	check_sizes(_metadata, self, IOMMU_VDEVICE_TSM_OP, &op, sizeof(op), 0);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	/* a bind that was asked for in a bad way has not happened */
	op = good_op(self, IOMMU_VDEVICE_TSM_BIND);
	EXPECT_EQ(EINVAL, sized(self, IOMMU_VDEVICE_TSM_OP, &op, sizeof(op),
				sizeof(op) - 4, 0));
	EXPECT_EQ(E2BIG, sized(self, IOMMU_VDEVICE_TSM_OP, &op, sizeof(op),
			       sizeof(op) + 8, 1));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, sized(self, IOMMU_VDEVICE_TSM_OP, &op, sizeof(op),
			   sizeof(op) + 8, 0));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	self->fn.guest = true;
}

static void check_op_fields(struct __test_metadata *_metadata, tvm *self)
{
	static const uint32_t types[] = { 0, 3, 4, 0x80000000, 0xffffffff };
	static const uint32_t flags[] = { 1, 2, 0x80000000, 0xffffffff };
	struct bad_ids ids = bad_ids(self);
	uint32_t type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(EINVAL, raw_op(&self->fn, self->fn.vdevice_id,
					 types[i], 0))
			note("type %#x", types[i]);
	}
	for (type = IOMMU_VDEVICE_TSM_BIND; type <= IOMMU_VDEVICE_TSM_UNBIND;
	     type++) {
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			EXPECT_EQ(EOPNOTSUPP, raw_op(&self->fn,
						     self->fn.vdevice_id, type,
						     flags[i]))
				note("type %u flags %#x", type, flags[i]);
		}
		for (i = 0; i < (size_t)ids.nr; i++) {
			EXPECT_EQ(ENOENT, raw_op(&self->fn, ids.id[i], type, 0))
				note("type %u id %u", type, ids.id[i]);
		}
	}
}

TVM_TEST(op_fields)
{
	check_op_fields(_metadata, self);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	ASSERT_EQ(0, tvm_to_run(self));
	check_op_fields(_metadata, self);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
}

/* an id that was a vdevice's, and one of another context */
TVM_TEST(op_foreign_ids)
{
	struct fn other;

	fn_init(&other, 1);
	ASSERT_EQ(0, fn_open(&other, &self->vm));
	/* ids are per context: make them differ */
	EXPECT_EQ(0, tdi_iommu_destroy(other.iommu, other.vdevice_id));
	EXPECT_EQ(ENOENT, raw_bind(&other));
	EXPECT_EQ(ENOENT, raw_unbind(&other));
	EXPECT_EQ(ENOENT, raw_op(&other, self->fn.vdevice_id,
				 IOMMU_VDEVICE_TSM_BIND, 0));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_TRUE(world_tdi_is(1, "CONFIG_UNLOCKED"));
	other.vdevice_id = 0;
	fn_close(&other);
}

/* ---- IOMMU_VDEVICE_TSM_REQ ---- */

static struct attest_read read_first;
static uint8_t answer[IOMMU_VDEVICE_TSM_RESP_MAX];

static struct iommu_vdevice_tsm_req good_req(tvm *self)
{
	return raw_good_req(&self->fn, &read_first, answer, sizeof(answer));
}

TVM_TEST(req_sizes_and_pointers)
{
	struct iommu_vdevice_tsm_req req = good_req(self);

	/* the struct is looked at before the state */
	check_sizes(_metadata, self, IOMMU_VDEVICE_TSM_REQ, &req, sizeof(req),
		    ENXIO);
	ASSERT_EQ(0, tvm_to_locked(self));
	check_sizes(_metadata, self, IOMMU_VDEVICE_TSM_REQ, &req, sizeof(req), 0);
}

/* the request with one change, and what it answers */
#define REQ(change)	({						\
	struct iommu_vdevice_tsm_req req = good_req(self);		\
									\
	change;								\
	raw_req(&self->fn, &req);					\
})

TVM_TEST(req_fields)
{
	static const uint32_t ops[] = { 0, 7, 8, 255, 0x80000001, 0xffffffff };
	static const uint32_t archs[] = { 0, 1, 2, 3, 4, 5, 0x80000001, 0xffffffff };
	struct bad_ids ids = bad_ids(self);
	size_t i;

	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, REQ((void)req));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(EOPNOTSUPP, REQ(req.op = ops[i]))
			note("op %#x", ops[i]);
	}
	for (i = 0; i < ARRAY_SIZE(archs); i++) {
		if (archs[i] == world.tvm->arch)
			continue;
		EXPECT_EQ(EOPNOTSUPP, REQ(req.tvm_arch = archs[i]))
			note("arch %#x", archs[i]);
	}
	for (i = 0; i < (size_t)ids.nr; i++) {
		EXPECT_EQ(ENOENT, REQ(req.vdevice_id = ids.id[i]))
			note("id %u", ids.id[i]);
	}
	EXPECT_EQ(0, REQ((void)req));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
}

TVM_TEST(req_lengths)
{
	static uint8_t payload[IOMMU_VDEVICE_TSM_REQ_MAX + 1];
	uint32_t op;

	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(EINVAL, REQ(req.req_len = 0));
	EXPECT_EQ(EINVAL, REQ(req.req_len = 1));
	EXPECT_EQ(EINVAL, REQ(req.req_len = sizeof(read_first) - 1));
	EXPECT_EQ(EINVAL, REQ(req.req_len = sizeof(read_first) + 1;
			      req.req_uptr = (uintptr_t)payload));
	/* at the limit it is the op that does not like it, behind it nobody looks */
	EXPECT_EQ(EINVAL, REQ(req.req_len = IOMMU_VDEVICE_TSM_REQ_MAX;
			      req.req_uptr = (uintptr_t)payload));
	EXPECT_EQ(EFAULT, REQ(req.req_len = IOMMU_VDEVICE_TSM_REQ_MAX;
			      req.req_uptr = PAGE));
	EXPECT_EQ(EINVAL, REQ(req.req_len = IOMMU_VDEVICE_TSM_REQ_MAX + 1;
			      req.req_uptr = PAGE));
	EXPECT_EQ(EINVAL, REQ(req.req_len = 0xffffffff));
	for (op = IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO;
	     op <= IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS; op++) {
		EXPECT_EQ(EINVAL, REQ(req.op = op; req.req_len = 3))
			note("op %u", op);
		EXPECT_EQ(EINVAL, REQ(req.op = op; req.req_len = 4096;
				      req.req_uptr = (uintptr_t)payload))
			note("op %u", op);
	}
	/* room for the response: none is fine, too much is not */
	EXPECT_EQ(0, REQ(req.resp_len = 0; req.resp_uptr = 0));
	EXPECT_EQ(0, REQ(req.resp_len = 0; req.resp_uptr = PAGE));
	EXPECT_EQ(0, REQ(req.resp_len = 1));
	EXPECT_EQ(0, REQ(req.resp_len = IOMMU_VDEVICE_TSM_RESP_MAX));
	EXPECT_EQ(EINVAL, REQ(req.resp_len = IOMMU_VDEVICE_TSM_RESP_MAX + 1));
	EXPECT_EQ(EINVAL, REQ(req.resp_len = 0xffffffff));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
}

/* what was filled is said, and no byte behind it is touched */
TVM_TEST(req_response)
{
	struct iommu_vdevice_tsm_req req = good_req(self);
	struct attest_read far = { .offset = 0xfffffff0 };
	uint32_t whole;

	ASSERT_EQ(0, tvm_to_locked(self));
	memset(answer, 0xee, sizeof(answer));
	ASSERT_EQ(0, raw_req(&self->fn, &req));
	whole = req.resp_len;
	EXPECT_LT(16, whole);
	EXPECT_GT(sizeof(answer), whole);
	EXPECT_EQ(0, req.out_tsm_code);
	EXPECT_EQ(0xee, answer[whole]);
	EXPECT_EQ(0xee, answer[sizeof(answer) - 1]);

	memset(answer, 0xee, sizeof(answer));
	req = good_req(self);
	req.resp_len = 16;
	ASSERT_EQ(0, raw_req(&self->fn, &req));
	EXPECT_EQ(16, req.resp_len);
	EXPECT_EQ(0xee, answer[16]);

	req = good_req(self);
	req.req_uptr = (uintptr_t)&far;
	ASSERT_EQ(0, raw_req(&self->fn, &req));
	EXPECT_EQ(0, req.resp_len);
}

TVM_TEST(req_user_memory)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + PAGE, PAGE));
	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(EFAULT, REQ(req.req_uptr = 0));
	EXPECT_EQ(EFAULT, REQ(req.req_uptr = PAGE));
	EXPECT_EQ(EFAULT, REQ(req.req_uptr = -1ULL));
	EXPECT_EQ(EFAULT, REQ(req.req_uptr = 1ULL << 63));
	/* all but the last byte is there */
	EXPECT_EQ(EFAULT, REQ(req.req_uptr = (uintptr_t)p + PAGE -
					     sizeof(read_first) + 1));
	EXPECT_EQ(0, REQ(req.req_uptr = (uintptr_t)p + PAGE - sizeof(read_first)));
	EXPECT_EQ(EFAULT, REQ(req.resp_uptr = 0));
	EXPECT_EQ(EFAULT, REQ(req.resp_uptr = PAGE));
	EXPECT_EQ(EFAULT, REQ(req.resp_uptr = 1ULL << 63));
	EXPECT_EQ(EFAULT, REQ(req.resp_uptr = (uintptr_t)p + PAGE - 8));
	EXPECT_EQ(0, REQ(req.resp_uptr = (uintptr_t)p + PAGE - 8;
			 req.resp_len = 8));
	/* carried out all the same, and the TDI goes on */
	EXPECT_EQ(0, fn_run(&self->fn));
	munmap(p, PAGE);
}

/* every bad address, page and state in the payloads */
TVM_TEST(req_payloads)
{
	struct tdx_tdi_mmio mmio[] = {
		{ .gpa = 1 },				/* not aligned */
		{ .gpa = fn_bar_gpa(&self->fn, TEEMU_BAR_REGS) + 8 },
		{ .gpa = -1ULL },
		{ .gpa = 0 },				/* shared memory */
		{ .gpa = VM_PRIVATE_GPA },		/* guest_memfd */
		{ .gpa = 1ULL << 51 },			/* nothing */
		{ .gpa = -PAGE },
		{ .gpa = fn_bar_gpa(&self->fn, TEEMU_BAR_REGS) +
			 TEEMU_BAR_REGS_SIZE },
	};
	static const int mmio_err[] = {
		EINVAL, EINVAL, EINVAL, ENOENT, ENOENT, ENOENT, ENOENT, ENOENT,
	};
	static const uint32_t states[] = { 0, 1, 3, 4, 0xffffffff };
	struct tdx_tdi_state state = { 0 };
	uint64_t code;
	size_t i;

	if (world.tvm->arch != IOMMU_TSM_TVM_ARCH_TDX)
		SKIP(return, "it spoils payloads of linux/tdx-tdi.h");
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_validate(&self->fn));
	ASSERT_EQ(0, fn_read_report(&self->fn));
	for (i = 0; i < ARRAY_SIZE(mmio); i++) {
		EXPECT_EQ(mmio_err[i],
			  -fn_request(&self->fn,
				      IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO,
				      &mmio[i], sizeof(mmio[i]), NULL, NULL,
				      &code))
			note("gpa %#llx", (unsigned long long)mmio[i].gpa);
	}
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		state.state = states[i];
		code = 0;
		/* firmware's answer, not an errno */
		EXPECT_EQ(0, fn_request(&self->fn,
					IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE,
					&state, sizeof(state), NULL, NULL, &code));
		EXPECT_NE(0, code)
			note("state %u", states[i]);
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	}
	state = (struct tdx_tdi_state) { .state = 2, .reserved = 1 };
	EXPECT_EQ(-EINVAL, fn_request(&self->fn,
				      IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE,
				      &state, sizeof(state), NULL, NULL, &code));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, world_table("mmio_mapped"));
	/* none of it is in the way of what is right */
	EXPECT_EQ(0, fn_accept_mmio(&self->fn, TEEMU_BAR_REGS, 0, 1));
	EXPECT_EQ(0, fn_accept_dma(&self->fn));
	EXPECT_EQ(0, fn_start(&self->fn));
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
}

/* ---- KVM_SET_USER_MEMORY_REGION2 with KVM_MEM_VFIO_DMABUF ---- */

#define SLOT_CALL(change)	({					\
	struct kvm_userspace_memory_region2 slot =			\
		raw_good_slot(fd, PAGE, &r);				\
									\
	change;								\
	raw_slot(self->vm.vm_fd, &slot);				\
})

TVM_TEST(slot_fields)
{
	struct reservation r = { 0 };
	int fd = self->fn.slot[1].fd;

	ASSERT_EQ(0, reserve(&r, RAW_SLOT_GPA, PAGE));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.flags |= KVM_MEM_LOG_DIRTY_PAGES));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.flags |= KVM_MEM_READONLY));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.flags |= KVM_MEM_GUEST_MEMFD));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.flags |= 1 << 4));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.flags |= 1U << 31));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_phys_addr++));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_phys_addr = -PAGE));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.memory_size--));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.memory_size = 0));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.memory_size = -PAGE));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.userspace_addr++));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.userspace_addr = 1ULL << 63));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.slot = 0x7fff));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.slot |= 5 << 16));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_memfd_offset = 1));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_memfd_offset = -PAGE));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_memfd_offset =
				    TEEMU_BAR_MEM_SIZE));
	EXPECT_EQ(EBADF, SLOT_CALL(slot.guest_memfd = -1));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_memfd = self->vm.vm_fd));
	/* over an address range that has a slot */
	EXPECT_EQ(EEXIST, SLOT_CALL(slot.guest_phys_addr =
				    fn_bar_gpa(&self->fn, TEEMU_BAR_REGS)));
	EXPECT_EQ(EEXIST, SLOT_CALL(slot.guest_phys_addr = VM_PRIVATE_GPA));
	/* the old ioctl has no place for a file */
	{
		struct kvm_userspace_memory_region old = {
			.slot = SLOT_SPARE,
			.flags = KVM_MEM_VFIO_DMABUF,
			.guest_phys_addr = RAW_SLOT_GPA,
			.memory_size = PAGE,
			.userspace_addr = (uintptr_t)r.addr,
		};

		EXPECT_EQ(EINVAL, raw_ioctl(self->vm.vm_fd,
					    KVM_SET_USER_MEMORY_REGION, &old));
	}
	EXPECT_EQ(EFAULT, raw_slot(self->vm.vm_fd, NULL));
	/* and all of it without a mistake */
	EXPECT_EQ(0, SLOT_CALL((void)slot));
	EXPECT_EQ(EINVAL, SLOT_CALL((void)slot));	/* exists: immutable */
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.guest_phys_addr += PAGE));
	EXPECT_EQ(EINVAL, SLOT_CALL(slot.flags = 0));
	EXPECT_EQ(0, tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE));
	EXPECT_EQ(-EINVAL, tdi_vm_del_slot(self->vm.tdi, SLOT_SPARE));
	unreserve(&r);
}

/* ---- the rest of what is new ---- */

TVM_TEST(event_queue)
{
	struct iommu_veventq_alloc good = {
		.size = sizeof(good),
		.viommu_id = self->fn.viommu_id,
		.type = IOMMU_VEVENTQ_TYPE_TSM,
		.veventq_depth = 4,
	}, bad;
	int fd = tdi_iommu_fd(self->fn.iommu);
	struct tdi_event event;

	/* one of a type is all that a vIOMMU has */
	bad = good;
	EXPECT_NE(0, raw_ioctl(fd, IOMMU_VEVENTQ_ALLOC, &bad));
	bad = good;
	bad.flags = 1;
	EXPECT_EQ(EOPNOTSUPP, raw_ioctl(fd, IOMMU_VEVENTQ_ALLOC, &bad));
	bad = good;
	bad.veventq_depth = 0;
	EXPECT_EQ(EINVAL, raw_ioctl(fd, IOMMU_VEVENTQ_ALLOC, &bad));
	bad = good;
	bad.type = 0;
	EXPECT_EQ(EOPNOTSUPP, raw_ioctl(fd, IOMMU_VEVENTQ_ALLOC, &bad));
	bad = good;
	bad.viommu_id = self->fn.vdevice_id;
	EXPECT_EQ(ENOENT, raw_ioctl(fd, IOMMU_VEVENTQ_ALLOC, &bad));
	/* nothing has happened unasked */
	EXPECT_EQ(-EAGAIN, tdi_event_read(self->fn.event_fd, &event));
	ASSERT_EQ(0, tvm_to_locked(self));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 100));
}

TVM_TEST(viommu)
{
	struct iommu_viommu_alloc good = {
		.size = sizeof(good),
		.type = IOMMU_VIOMMU_TYPE_TEEMU,
		.dev_id = tdi_device_id(self->fn.dev),
		.hwpt_id = self->fn.hwpt_id,
	}, bad;
	int fd = tdi_iommu_fd(self->fn.iommu);

	bad = good;
	bad.flags = 1;
	EXPECT_EQ(EOPNOTSUPP, raw_ioctl(fd, IOMMU_VIOMMU_ALLOC, &bad));
	bad = good;
	bad.type = 0;
	EXPECT_EQ(EOPNOTSUPP, raw_ioctl(fd, IOMMU_VIOMMU_ALLOC, &bad));
	bad = good;
	bad.type = IOMMU_VIOMMU_TYPE_TEEMU + 1;
	EXPECT_EQ(EOPNOTSUPP, raw_ioctl(fd, IOMMU_VIOMMU_ALLOC, &bad));
	bad = good;
	bad.dev_id = self->fn.hwpt_id;
	EXPECT_EQ(ENOENT, raw_ioctl(fd, IOMMU_VIOMMU_ALLOC, &bad));
	bad = good;
	bad.hwpt_id = self->fn.viommu_id;
	EXPECT_NE(0, raw_ioctl(fd, IOMMU_VIOMMU_ALLOC, &bad));
	bad = good;
	bad.data_len = 8;
	bad.data_uptr = (uintptr_t)answer;
	EXPECT_EQ(EOPNOTSUPP, raw_ioctl(fd, IOMMU_VIOMMU_ALLOC, &bad));
}

TVM_MAIN
