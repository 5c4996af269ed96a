// SPDX-License-Identifier: GPL-2.0-only
/*
 * R30: the VM's file, its vCPUs and KVM's worker threads are gone before, after or
 * between VFIO's close; a vCPU may be in the guest at the time, files may have gone to
 * another process, mappings may hold files that nobody has open. All end clean, and
 * who closes the last file is of no account.
 *
 * r01 closes all files of a VMM in any order; here a vCPU is in KVM_RUN meanwhile, or
 * the VMM is dead and somebody else has one of its files.
 */
#include "fixture.h"
#include "lent.h"
#include "trail.h"

#define SOON_MS		30000
#define KVM_PARAM	"/sys/module/kvm/parameters/"

static void is_unbound(struct __test_metadata *_metadata)
{
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_EQ(0, world_tdis());
}

/* ---- closed under a vCPU that runs ---- */

static void close_kind(struct vm *vm, struct fn *fn, int kind)
{
	int i;

	/* the contexts of libtdi are closed later; they must not close it again */
	switch (kind) {
	case LENT_VM:
		close(vm->vm_fd);
		vm->vm_fd = -1;
		break;
	case LENT_VCPU:
		close(vm->vcpu_fd);
		vm->vcpu_fd = -1;
		break;
	case LENT_KVM_VFIO:
		tdi_vm_close(vm->tdi);
		vm->tdi = NULL;
		break;
	case LENT_GMEM:
		close(vm->private_fd);
		vm->private_fd = -1;
		break;
	case LENT_DEVICE:
		tdi_device_close(fn->dev);
		fn->dev = NULL;
		break;
	case LENT_IOMMU:
		tdi_iommu_close(fn->iommu);
		fn->iommu = NULL;
		break;
	case LENT_DMABUF:
		for (i = 0; i < FN_BAR_SLOTS; i++) {
			close(fn->slot[i].fd);
			fn->slot[i].fd = -1;
		}
		break;
	}
}

static void *run_vcpu(void *arg)
{
	return (void *)(intptr_t)vm_agent(arg);
}

/* what a process leaves when it has closed everything: memory, and a bare fixture */
static void forget(struct vm *vm, struct fn *fn)
{
	int i;

	for (i = 0; i < FN_BAR_SLOTS; i++)
		unreserve(&fn->slot[i].hva);
	close(fn->event_fd);
	fn_init(fn, fn->nr);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	vm->kvm_fd = -1;
}

/*
 * Order: @first, then the others round the circle from there, in this or in the
 * opposite direction. VFIO's device is closed when its file and KVM's reference to it
 * are; until then the guest goes on.
 */
static void close_in_order(struct __test_metadata *_metadata, int first, int step)
{
	bool device = true, kvm_vfio = true, bound;
	volatile struct agent_mbox *m;
	pthread_t thread;
	struct vm vm;
	struct fn fn;
	void *ret;
	int i, kind;

	ASSERT_EQ(0, vm_open(&vm, 0));
	fn_init(&fn, 0);
	ASSERT_EQ(0, fn_open(&fn, &vm));
	ASSERT_EQ(0, lent_run(&vm, &fn, NULL));
	m = vm_mbox(&vm);
	m->cmd = AGENT_SPIN;
	m->gpa = fn_bar_gpa(&fn, TEEMU_BAR_REGS) + TEEMU_REG_ID;
	m->stop = 0;
	m->beat = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_vcpu, &vm));
	while (m->beat < 10)
		sleep_ms(1);
	for (i = 0; i < LENT_KINDS; i++) {
		uint64_t beat, end = now_ms() + SOON_MS;

		kind = (first + step * i + LENT_KINDS * LENT_KINDS) % LENT_KINDS;
		close_kind(&vm, &fn, kind);
		device = device && kind != LENT_DEVICE;
		kvm_vfio = kvm_vfio && kind != LENT_KVM_VFIO;
		bound = device || kvm_vfio;
		EXPECT_TRUE(world_tdi_is(0, bound ? "RUN" : "CONFIG_UNLOCKED"))
			note("after the close of the %s", lent_kinds[kind].name);
		beat = m->beat;
		while (bound && m->beat < beat + 5 && now_ms() < end)
			sleep_ms(1);
		EXPECT_TRUE(!bound || m->beat >= beat + 5)
			note("the guest stands still after the close of the %s",
			     lent_kinds[kind].name);
	}
	/* it has met the fault, and kvm_run's mapping holds vCPU and VM */
	m->stop = 1;
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EFAULT, (intptr_t)ret);
	EXPECT_TRUE(vm.fault_private);
	is_unbound(_metadata);
	EXPECT_EQ(1, world_vms());
	forget(&vm, &fn);
	munmap(vm.run, vm.run_size);
	vm.run = NULL;
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	vm_close(&vm);
}

AUDITED_TEST(closed_under_a_running_vcpu)
{
	/* VM before VFIO and after it, with the iommufd before, between and after */
	static const struct {
		int first, step;
	} orders[] = {
		{ LENT_VM, 1 }, { LENT_VM, -1 }, { LENT_DEVICE, 1 },
		{ LENT_KVM_VFIO, -1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		close_in_order(_metadata, orders[i].first, orders[i].step);
		EXPECT_EQ(0, audit_look(&self->base))
			note("order %zu", i);
	}
}

/* ---- the VMM is dead, and the test has one of its files ---- */

static const struct {
	enum lent_kind kind;
	bool bound;	/* as long as the file is open */
	int vms;	/* as long as the file is open */
} heirs[] = {
	/* each of them holds the VM, and the VM holds no device */
	{ LENT_VM, false, 1 },
	{ LENT_VCPU, false, 1 },
	{ LENT_GMEM, false, 1 },
	/* KVM's reference to VFIO's file lives as long as this; VFIO holds the VM */
	{ LENT_KVM_VFIO, true, 1 },
	{ LENT_DEVICE, true, 1 },
	/* these hold neither */
	{ LENT_IOMMU, false, 0 },
	{ LENT_DMABUF, false, 0 },
};

AUDITED_TEST(one_file_outlives_the_vmm)
{
	struct lent l;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(heirs); i++) {
		enum lent_kind kind = heirs[i].kind;

		memset(&l, 0, sizeof(l));
		ASSERT_EQ(0, lent_start(&l, lent_run_and_spin, NULL));
		ASSERT_EQ(0, lent_wait(&l));
		ASSERT_EQ(0, lent_take(&l, 1U << kind));
		ASSERT_EQ(0, lent_kill(&l));
		/* KVM's worker may be the last to close what the VMM had */
		if (!heirs[i].vms)
			world_wait_vms(0, SOON_MS);
		sleep_ms(200);
		EXPECT_EQ(heirs[i].vms, world_vms())
			note("heir: %s", lent_kinds[kind].name);
		EXPECT_TRUE(world_tdi_is(0, heirs[i].bound ? "RUN" :
					 "CONFIG_UNLOCKED"))
			note("heir: %s", lent_kinds[kind].name);
		lent_end(&l);
		EXPECT_EQ(0, world_wait_vms(0, SOON_MS))
			note("heir: %s", lent_kinds[kind].name);
		is_unbound(_metadata);
		EXPECT_EQ(0, audit_look(&self->base))
			note("heir: %s", lent_kinds[kind].name);
	}
}

/* ---- nothing keys on who asks ---- */

static int open_only(struct vm *vm, struct fn *fn, void *arg)
{
	(void)vm;
	(void)fn;
	(void)arg;
	return 0;
}

AUDITED_TEST(bound_and_unbound_by_another_process)
{
	const unsigned int kinds = 1U << LENT_IOMMU | 1U << LENT_DEVICE;
	struct lent l = {};

	ASSERT_EQ(0, lent_start(&l, open_only, NULL));
	ASSERT_EQ(0, lent_wait(&l));
	ASSERT_EQ(0, lent_take(&l, kinds));
	/* while it lives */
	EXPECT_EQ(0, lent_op(&l, IOMMU_VDEVICE_TSM_BIND));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, lent_op(&l, IOMMU_VDEVICE_TSM_UNBIND));
	is_unbound(_metadata);
	EXPECT_EQ(0, lent_op(&l, IOMMU_VDEVICE_TSM_BIND));
	/* and when it is dead: VFIO's file holds its VM, which can be bound to still */
	ASSERT_EQ(0, lent_kill(&l));
	sleep_ms(200);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(0, lent_op(&l, IOMMU_VDEVICE_TSM_UNBIND));
	is_unbound(_metadata);
	EXPECT_EQ(0, lent_op(&l, IOMMU_VDEVICE_TSM_BIND));
	EXPECT_EQ(1, world_vms());
	lent_give_back(&l, LENT_IOMMU);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	lent_give_back(&l, LENT_DEVICE);
	is_unbound(_metadata);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	lent_end(&l);
}

/* ---- KVM's worker, which shares the VMM's memory and files, and is busy ---- */

static const struct {
	const char *path;
	const char *busy;
} worker[] = {
	{ KVM_PARAM "nx_huge_pages", "force" },
	{ KVM_PARAM "nx_huge_pages_recovery_ratio", "1" },
	{ KVM_PARAM "nx_huge_pages_recovery_period_ms", "1" },
};

/* write what it is to be, and keep what it was; and the inverse */
static int make_busy(char was[ARRAY_SIZE(worker)][32])
{
	int ret = 0, fd;
	size_t i;
	ssize_t n;

	for (i = 0; !ret && i < ARRAY_SIZE(worker); i++) {
		fd = open(worker[i].path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, was[i], 31);
		if (fd >= 0)
			close(fd);
		was[i][n < 0 ? 0 : n] = 0;
		ret = failed(trail_write(worker[i].path, worker[i].busy, 0), "%s",
			     worker[i].path);
	}
	return ret;
}

static void make_idle(char was[ARRAY_SIZE(worker)][32])
{
	size_t i;

	for (i = ARRAY_SIZE(worker); i--;)
		trail_write(worker[i].path, was[i], 0);
}

/* its thread is there: "kvm-nx-lpage-re", one of the VMM's own */
static bool has_worker(pid_t pid)
{
	char path[300], comm[32];
	bool found = false;
	struct dirent *e;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", pid,
			 e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		memset(comm, 0, sizeof(comm));
		if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0)
			found = !strncmp(comm, "kvm-nx", 6);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

AUDITED_TEST(killed_with_a_busy_worker)
{
	char was[ARRAY_SIZE(worker)][32];
	struct lent l;
	int i;

	ASSERT_EQ(0, make_busy(was));
	for (i = 0; i < 3; i++) {
		memset(&l, 0, sizeof(l));
		EXPECT_EQ(0, lent_start(&l, lent_run_and_spin, NULL));
		EXPECT_EQ(0, lent_wait(&l));
		EXPECT_TRUE(has_worker(l.pid));
		/* not at the same moment of its round each time */
		sleep_ms(3 * i);
		EXPECT_EQ(0, lent_kill(&l));
		EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
		is_unbound(_metadata);
		lent_end(&l);
		EXPECT_EQ(0, audit_look(&self->base));
	}
	make_idle(was);
}

TVM_MAIN
