// SPDX-License-Identifier: GPL-2.0-only
/*
 * R27: a process that has been given files, and nothing else, can do what those
 * files allow and no more: it cannot bind another's VM or device, and what it can
 * do is what their owner can.
 *
 * The stranger is forked before there is anything, gives up root, and gets files
 * through a socket. It also is a VMM of its own.
 */
#include <grp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "child.h"
#include "fixture.h"
#include "raw.h"
#include "sigbus.h"

#define NOBODY		65534
#define SOON_MS		10000
#define STAYS_MS	300
#define MAX_FILES	4

/* ---- the stranger ---- */

enum order {
	OPEN_NOTHING,	/* what has a name is not its to open */
	GUESS_IDS,	/* own iommufd: vdevices of small numbers */
	USE_IOMMUFD,	/* the owner's iommufd: unbind, bind, request, unbind */
	USE_DEVICE,	/* the owner's device file, while bound */
	BIND_DEVICE,	/* ... to an own iommufd */
	USE_VM,		/* the owner's VM file */
	OWN_VM_SLOT,	/* own VM: a slot over the owner's dma-buf */
	OWN_VM_DEVICE,	/* own VM: the owner's device added to it */
	MAP_DMABUF,	/* own iommufd: the owner's dma-buf as its memory */
	LET_GO,		/* close all */
};

struct message {
	enum order order;
	uint32_t id;		/* vdevice */
	int nr;			/* of files */
};

/* errnos, in the order of what was tried */
struct answer {
	int ret[6];
};

static int stranger_iommufd = -1;	/* own; came with the first message */
static int stranger_vm = -1;

/* files and @msg in one message */
static int send_files(int sock, struct message *msg, const int *fds)
{
	char control[CMSG_SPACE(MAX_FILES * sizeof(int))] = { 0 };
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (msg->nr) {
		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(msg->nr * sizeof(int));
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(msg->nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, msg->nr * sizeof(int));
	}
	return sendmsg(sock, &hdr, 0) == sizeof(*msg) ? 0 : -errno;
}

static int get_files(int sock, struct message *msg, int *fds)
{
	char control[CMSG_SPACE(MAX_FILES * sizeof(int))];
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;

	if (recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC) != sizeof(*msg))
		return -EPIPE;
	c = CMSG_FIRSTHDR(&hdr);
	if (msg->nr && !c)
		return -EPROTO;
	if (msg->nr)
		memcpy(fds, CMSG_DATA(c), msg->nr * sizeof(int));
	return 0;
}

static int op(int fd, uint32_t id, uint32_t type)
{
	struct iommu_vdevice_tsm_op cmd = {
		.size = sizeof(cmd), .type = type, .vdevice_id = id,
	};

	return raw_ioctl(fd, IOMMU_VDEVICE_TSM_OP, &cmd);
}

static int request(int fd, uint32_t id)
{
	struct attest_read read = { 0 };
	struct fn fn = { .vdevice_id = id };
	char certs[64];
	struct iommu_vdevice_tsm_req req = raw_good_req(&fn, &read, certs,
							sizeof(certs));

	return raw_ioctl(fd, IOMMU_VDEVICE_TSM_REQ, &req);
}

static int open_errno(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void open_nothing(struct answer *a)
{
	char path[128], text[TDI_NAME_MAX] = "";

	a->ret[0] = open_errno("/dev/kvm");
	a->ret[1] = open_errno("/dev/iommu");
	tdi_attr_read(world.bdf[0], "tsm/connect", text, sizeof(text));
	a->ret[2] = -tdi_attr_write(world.bdf[0], "tsm/disconnect", world.tsm);
	a->ret[3] = -tdi_driver_unbind(world.bdf[0]);
	snprintf(path, sizeof(path), VENDOR_DIR "/%s/refuse", world.vendor->name);
	a->ret[4] = open_errno(path);
}

/* the highest id of any vdevice of the machine is far below */
#define GUESSES		256

static void guess_ids(struct answer *a)
{
	uint32_t id;

	for (id = 0; id < GUESSES; id++) {
		if (op(stranger_iommufd, id, IOMMU_VDEVICE_TSM_BIND) != ENOENT)
			a->ret[0]++;
		if (op(stranger_iommufd, id, IOMMU_VDEVICE_TSM_UNBIND) != ENOENT)
			a->ret[1]++;
		if (request(stranger_iommufd, id) != ENOENT)
			a->ret[2]++;
	}
}

static void use_iommufd(struct answer *a, int fd, uint32_t id)
{
	a->ret[0] = op(fd, id, IOMMU_VDEVICE_TSM_BIND);
	a->ret[1] = op(fd, id, IOMMU_VDEVICE_TSM_UNBIND);
	a->ret[2] = op(fd, id, IOMMU_VDEVICE_TSM_UNBIND);
	a->ret[3] = op(fd, id, IOMMU_VDEVICE_TSM_BIND);
	a->ret[4] = request(fd, id);
}

static void use_device(struct answer *a, int fd)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info), .index = TEEMU_BAR_REGS,
	};
	struct vfio_device_detach_iommufd_pt pt = { .argsz = sizeof(pt) };
	uint32_t value;
	uint16_t off = 0;
	void *map;

	a->ret[0] = raw_ioctl(fd, VFIO_DEVICE_RESET, NULL);
	a->ret[1] = raw_ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info);
	a->ret[2] = pread(fd, &value, 4, info.offset) < 0 ? errno : 0;
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, info.offset);
	a->ret[3] = map == MAP_FAILED ? errno :
		    sigbus_read(map, &value) ? 0 : EFAULT;
	if (map != MAP_FAILED)
		munmap(map, PAGE);
	a->ret[4] = raw_ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt);
	/* memory and bus master off */
	info.index = VFIO_PCI_CONFIG_REGION_INDEX;
	raw_ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info);
	a->ret[5] = pwrite(fd, &off, 2, info.offset + 4) < 0 ? errno : 0;
}

static void bind_device(struct answer *a, int fd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind), .iommufd = stranger_iommufd,
	};

	a->ret[0] = raw_ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static void use_vm(struct answer *a, int fd)
{
	struct kvm_userspace_memory_region2 slot = { .slot = SLOT_BARS };
	struct kvm_memory_attributes attrs = {
		.address = VM_BARS_GPA, .size = PAGE,
	};
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };

	a->ret[0] = raw_slot(fd, &slot);
	a->ret[1] = raw_ioctl(fd, KVM_SET_MEMORY_ATTRIBUTES, &attrs);
	a->ret[2] = raw_ioctl(fd, KVM_CREATE_DEVICE, &create);
	a->ret[3] = ioctl(fd, KVM_CREATE_VCPU, 7) < 0 ? errno : 0;
}

/* KVM's file lets anybody make a VM */
static int own_vm(int kvm_fd)
{
	if (stranger_vm < 0)
		stranger_vm = ioctl(kvm_fd, KVM_CREATE_VM,
				    KVM_X86_SW_PROTECTED_VM);
	return stranger_vm;
}

static void own_vm_slot(struct answer *a, int kvm_fd, int dmabuf)
{
	struct kvm_userspace_memory_region2 slot;
	struct reservation r;

	if (own_vm(kvm_fd) < 0 || reserve(&r, RAW_SLOT_GPA, PAGE)) {
		a->ret[0] = -1;
		return;
	}
	slot = raw_good_slot(dmabuf, PAGE, &r);
	a->ret[0] = raw_slot(stranger_vm, &slot);
}

static void own_vm_device(struct answer *a, int kvm_fd, int dmabuf, int device)
{
	int32_t fd = device;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_FILE, .attr = KVM_DEV_VFIO_FILE_ADD,
		.addr = (uintptr_t)&fd,
	};
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };

	if (own_vm(kvm_fd) < 0 ||
	    raw_ioctl(stranger_vm, KVM_CREATE_DEVICE, &create)) {
		a->ret[0] = -1;
		return;
	}
	/* upstream lets it: it concerns the next BIND_IOMMUFD, which never comes */
	a->ret[1] = raw_ioctl(create.fd, KVM_SET_DEVICE_ATTR, &attr);
	own_vm_slot(a, kvm_fd, dmabuf);
	attr.attr = KVM_DEV_VFIO_FILE_DEL;
	a->ret[2] = raw_ioctl(create.fd, KVM_SET_DEVICE_ATTR, &attr);
	close(create.fd);
}

static void map_dmabuf(struct answer *a, int dmabuf)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map_file map = {
		.size = sizeof(map), .flags = IOMMU_IOAS_MAP_READABLE,
		.fd = dmabuf, .length = PAGE,
	};
	void *p;

	a->ret[0] = raw_ioctl(stranger_iommufd, IOMMU_IOAS_ALLOC, &alloc);
	map.ioas_id = alloc.out_ioas_id;
	a->ret[1] = raw_ioctl(stranger_iommufd, IOMMU_IOAS_MAP_FILE, &map);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	a->ret[2] = p == MAP_FAILED ? errno : 0;
}

static void act(const struct message *m, const int *fds, struct answer *a)
{
	switch (m->order) {
	case OPEN_NOTHING:
		stranger_iommufd = fds[0];
		return open_nothing(a);
	case GUESS_IDS:
		return guess_ids(a);
	case USE_IOMMUFD:
		return use_iommufd(a, fds[0], m->id);
	case USE_DEVICE:
		return use_device(a, fds[0]);
	case BIND_DEVICE:
		return bind_device(a, fds[0]);
	case USE_VM:
		return use_vm(a, fds[0]);
	case OWN_VM_SLOT:
		return own_vm_slot(a, fds[0], fds[1]);
	case OWN_VM_DEVICE:
		return own_vm_device(a, fds[0], fds[1], fds[2]);
	case MAP_DMABUF:
		return map_dmabuf(a, fds[0]);
	default:
		if (stranger_vm >= 0)
			close(stranger_vm);
		stranger_vm = -1;
	}
}

static void __attribute__((noreturn)) stranger_main(int sock)
{
	int fds[MAX_FILES], i;
	struct message m;
	struct answer a;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
	while (!get_files(sock, &m, fds)) {
		a = (struct answer) { 0 };
		act(&m, fds, &a);
		/* the files of this order, but for the iommufd of the first */
		for (i = m.order == OPEN_NOTHING; i < m.nr; i++)
			close(fds[i]);
		if (write(sock, &a, sizeof(a)) != sizeof(a))
			break;
	}
	_exit(0);
}

/* ---- the owner ---- */

FIXTURE(given)
{
	struct audit_base base;
	struct vm vm;
	struct fn fn;
	pid_t pid;
	int sock;
	int iommufd;	/* the stranger's */
};

FIXTURE_SETUP(given)
{
	int pair[2];

	vm_init(&self->vm);
	fn_init(&self->fn, 0);
	self->pid = 0;
	self->sock = self->iommufd = -1;
	WORLD_OR_SKIP();
	AUDIT_BEGIN(&self->base);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		SKIP(return, "this kernel has no sockets");
	fflush(stdout);
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		close(pair[0]);
		stranger_main(pair[1]);
	}
	close(pair[1]);
	self->sock = pair[0];
	self->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->iommufd);
	ASSERT_EQ(0, vm_open(&self->vm, 0));
	ASSERT_EQ(0, fn_open(&self->fn, &self->vm));
}

FIXTURE_TEARDOWN(given)
{
	int status = 0;

	if (self->sock >= 0)
		close(self->sock);
	if (self->pid > 0) {
		EXPECT_EQ(self->pid, waitpid(self->pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	if (self->iommufd >= 0)
		close(self->iommufd);
	fn_close(&self->fn);
	vm_close(&self->vm);
	AUDIT_END(&self->base);
}

/* what the stranger says to @order with these files */
static struct answer ask(struct __test_metadata *_metadata,
			 FIXTURE_DATA(given) *self, enum order order,
			 const int *fds, int nr)
{
	struct message m = {
		.order = order, .id = self->fn.vdevice_id, .nr = nr,
	};
	struct answer a = { { -1, -1, -1, -1, -1, -1 } };

	EXPECT_EQ(0, send_files(self->sock, &m, fds));
	EXPECT_EQ(sizeof(a), read(self->sock, &a, sizeof(a)));
	return a;
}

/* the owner's TDI is as if the stranger was not there */
static void untouched(struct __test_metadata *_metadata,
		      FIXTURE_DATA(given) *self)
{
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(1, world_tdis());
	EXPECT_EQ(1, world_tvms());
	EXPECT_EQ(0, dma_use(&self->vm, &self->fn));
}

#define ASK(order, ...) ({						\
	int files[] = { __VA_ARGS__ };					\
	ask(_metadata, self, order, files, ARRAY_SIZE(files));		\
})

TEST_F_TIMEOUT(given, nothing_of_its_own, TVM_TIMEOUT)
{
	int device = tdi_device_fd(self->fn.dev);
	struct answer a;

	ASSERT_EQ(0, fn_bind(&self->fn) ?: fn_run(&self->fn) ?:
		  fn_ring_start(&self->fn));
	a = ASK(OPEN_NOTHING, self->iommufd);
	EXPECT_EQ(EACCES, a.ret[0]);
	EXPECT_EQ(EACCES, a.ret[1]);
	EXPECT_EQ(EACCES, a.ret[2]);
	EXPECT_EQ(EACCES, a.ret[3]);
	EXPECT_EQ(EACCES, a.ret[4]);
	untouched(_metadata, self);

	/* an iommufd has its own ids */
	a = ask(_metadata, self, GUESS_IDS, NULL, 0);
	EXPECT_EQ(0, a.ret[0]);
	EXPECT_EQ(0, a.ret[1]);
	EXPECT_EQ(0, a.ret[2]);
	/* the device belongs to an iommufd already */
	a = ASK(BIND_DEVICE, device);
	EXPECT_EQ(EINVAL, a.ret[0]);
	/* a VM belongs to its process */
	a = ASK(USE_VM, self->vm.vm_fd);
	EXPECT_EQ(EIO, a.ret[0]);
	EXPECT_EQ(EIO, a.ret[1]);
	EXPECT_EQ(EIO, a.ret[2]);
	EXPECT_EQ(EIO, a.ret[3]);
	untouched(_metadata, self);

	/* a dma-buf is for the VM that its device belongs to */
	a = ASK(OWN_VM_SLOT, self->vm.kvm_fd, self->fn.slot[1].fd);
	EXPECT_EQ(EINVAL, a.ret[0]);
	/* and the device cannot be taken over to another */
	a = ASK(OWN_VM_DEVICE, self->vm.kvm_fd, self->fn.slot[1].fd, device);
	EXPECT_EQ(EINVAL, a.ret[0]);
	a = ASK(MAP_DMABUF, self->fn.slot[1].fd);
	EXPECT_EQ(0, a.ret[0]);
	EXPECT_NE(0, a.ret[1]);
	EXPECT_NE(0, a.ret[2]);
	untouched(_metadata, self);

	/* it binds to its own VM still, and the stranger's may go */
	ASSERT_EQ(0, fn_unbind(&self->fn));
	ASSERT_EQ(0, fn_bind(&self->fn) ?: fn_run(&self->fn) ?:
		  fn_ring_start(&self->fn));
	untouched(_metadata, self);
	ask(_metadata, self, LET_GO, NULL, 0);
	EXPECT_EQ(1, world_wait_vms(1, SOON_MS));
	untouched(_metadata, self);
}

/* what the stranger can do with a file is what its owner can */
TEST_F_TIMEOUT(given, as_the_owner, TVM_TIMEOUT)
{
	int iommufd = tdi_iommu_fd(self->fn.iommu);
	int device = tdi_device_fd(self->fn.dev);
	struct answer a, own = { { 0 } };

	ASSERT_EQ(0, fn_bind(&self->fn) ?: fn_run(&self->fn) ?:
		  fn_ring_start(&self->fn));
	use_device(&own, device);
	EXPECT_EQ(EBUSY, own.ret[0]);
	a = ASK(USE_DEVICE, device);
	EXPECT_EQ(0, memcmp(&own, &a, sizeof(a)))
		note("%d %d %d %d %d %d, the owner %d %d %d %d %d %d", a.ret[0],
		     a.ret[1], a.ret[2], a.ret[3], a.ret[4], a.ret[5],
		     own.ret[0], own.ret[1], own.ret[2], own.ret[3], own.ret[4],
		     own.ret[5]);
	untouched(_metadata, self);

	/* the iommufd carries unbind and bind: to the same VM, and locked only */
	a = ASK(USE_IOMMUFD, iommufd);
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_LOCKED"));
	EXPECT_EQ(1, world_tdis());
	EXPECT_EQ(1, world_tvms());
	EXPECT_EQ(0, fn_run(&self->fn) ?: fn_ring_start(&self->fn));
	untouched(_metadata, self);
	own = (struct answer) { { 0 } };
	use_iommufd(&own, iommufd, self->fn.vdevice_id);
	EXPECT_EQ(EBUSY, own.ret[0]);
	EXPECT_EQ(0, own.ret[1]);
	EXPECT_EQ(0, memcmp(&own, &a, sizeof(a)))
		note("%d %d %d %d %d, the owner %d %d %d %d %d", a.ret[0],
		     a.ret[1], a.ret[2], a.ret[3], a.ret[4], own.ret[0],
		     own.ret[1], own.ret[2], own.ret[3], own.ret[4]);
	/* nobody is told of what was asked for, whoever asked */
	EXPECT_EQ(-EAGAIN, fn_event(&self->fn, 50));
}

/* ---- who holds what when the owner is dead ---- */

#define CHILD_FILE	'0'	/* number of one of its files: + enum held */

enum held { DEVICE, IOMMUFD, VM, DMABUF, EVENTS, NR_HELD };

static const struct {
	const char *name;
	bool bound;	/* still, with only this file left */
	bool vm;	/* and the VM lives */
} held[NR_HELD] = {
	[DEVICE] = { "device", true, true },
	[IOMMUFD] = { "iommufd", false, false },
	[VM] = { "VM", false, true },
	[DMABUF] = { "dma-buf", false, false },
	[EVENTS] = { "events", false, false },
};

static int owner(struct vm *vm, struct fn *fn, int op, int to)
{
	switch (op) {
	case CHILD_FILE + DEVICE:
		return tdi_device_fd(fn->dev);
	case CHILD_FILE + IOMMUFD:
		return tdi_iommu_fd(fn->iommu);
	case CHILD_FILE + VM:
		return vm->vm_fd;
	case CHILD_FILE + DMABUF:
		return fn->slot[1].fd;
	case CHILD_FILE + EVENTS:
		return fn->event_fd;
	default:
		return child_do(vm, fn, op, to);
	}
}

/* the owner's file, in this process */
static int file_of(struct child *c, enum held what)
{
	int number = child_tell(c, CHILD_FILE + what), pidfd, fd;

	if (number < 0)
		return number;
	pidfd = syscall(SYS_pidfd_open, c->pid, 0);
	if (pidfd < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd < 0)
		fd = -errno;
	close(pidfd);
	return fd;
}

AUDITED_TEST(only_one_file_is_left)
{
	struct child c;
	enum held what;
	int fd;

	for (what = 0; what < NR_HELD; what++) {
		ASSERT_EQ(0, child_start(&c, world.vendor->name, 0, owner));
		ASSERT_EQ(0, child_tell_all(&c, "obr"));
		fd = file_of(&c, what);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, child_kill(&c));
		if (held[what].vm)
			sleep_ms(STAYS_MS);
		EXPECT_EQ(held[what].vm, world_wait_vms(held[what].vm, SOON_MS))
			note("%s", held[what].name);
		EXPECT_TRUE(world_tdi_is(0, held[what].bound ? "RUN" :
					 "CONFIG_UNLOCKED"))
			note("%s", held[what].name);
		EXPECT_EQ(held[what].bound, world_tdis());
		/* what the VM had there is not to be had by this file */
		if (what == DEVICE) {
			struct answer a = { { 0 } };

			use_device(&a, fd);
			EXPECT_EQ(EBUSY, a.ret[2]);
			EXPECT_EQ(EFAULT, a.ret[3]);
		}
		if (what == IOMMUFD)
			EXPECT_EQ(ENOENT, op(fd, 1, IOMMU_VDEVICE_TSM_BIND));
		close(fd);
		EXPECT_EQ(0, world_wait_vms(0, SOON_MS))
			note("%s", held[what].name);
		EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	}
}

TVM_MAIN
