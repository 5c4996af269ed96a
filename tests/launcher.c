// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM without root: libtdi's opens by passed files, and the two programs of examples/
 * that show them, as they are in the image: built against an installed libtdi.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define LAUNCHER	"/bin/tdi-launcher"
#define VMM		"/bin/tdi-unprivileged"

/* run a program, its output in @out: exit code, -1: it was killed or not run */
static int run(char *const argv[], char *out, size_t size)
{
	int pipefd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(pipefd[1], 1);
		dup2(pipefd[1], 2);
		close(3);
		execv(argv[0], argv);
		_exit(127);
	}
	close(pipefd[1]);
	while (len < size - 1 && (n = read(pipefd[0], out + len, size - 1 - len)) > 0)
		len += n;
	out[len] = 0;
	close(pipefd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

AUDITED_TEST(unprivileged_vmm_binds)
{
	char *argv[] = { LAUNCHER, world.bdf[0], NULL };
	char out[2048], want[128];

	ASSERT_EQ(0, run(argv, out, sizeof(out))) { note("%s", out); }
	snprintf(want, sizeof(want), "uid 65534 has bound %s\n", world.bdf[0]);
	EXPECT_NE(NULL, strstr(out, want)) { note("%s", out); }
	EXPECT_NE(NULL, strstr(out, "reset and bound again\n"));
	/* a second life of the same function, by new files */
	ASSERT_EQ(0, run(argv, out, sizeof(out))) { note("%s", out); }
}

/* the launcher passes on what its VMM says, and says itself what is wrong and what to do */
AUDITED_TEST(says_what_is_wrong)
{
	char *vmm[] = { VMM, NULL };
	char *no_device[] = { LAUNCHER, "0000:00:00.0", NULL };
	char *no_vmm[] = { LAUNCHER, world.bdf[0], "/no/such", NULL };
	char out[2048];

	EXPECT_EQ(1, run(vmm, out, sizeof(out)));
	EXPECT_NE(NULL, strstr(out, "unprivileged: files: "));
	EXPECT_EQ(1, run(no_device, out, sizeof(out)));
	EXPECT_NE(NULL, strstr(out, "give it to vfio-pci")) { note("%s", out); }
	EXPECT_EQ(127, run(no_vmm, out, sizeof(out)));
}

/* nothing but what it should be becomes a context, and what does not stays the caller's */
AUDITED_TEST(takes_the_right_files_only)
{
	int kvm = open("/dev/kvm", O_RDWR), iommufd = open("/dev/iommu", O_RDWR), vfio;
	struct tdi_device *opened, *dev = NULL;
	struct tdi_iommu *iommu = NULL;

	ASSERT_LE(0, kvm);
	ASSERT_LE(0, iommufd);
	ASSERT_EQ(0, tdi_device_open(world.bdf[0], &opened));
	vfio = dup(tdi_device_fd(opened));
	tdi_device_close(opened);

	EXPECT_EQ(-ENODEV, tdi_device_from_fd(kvm, &dev));
	EXPECT_EQ(-ENODEV, tdi_device_from_fd(iommufd, &dev));
	EXPECT_EQ(-EBADF, tdi_device_from_fd(-1, &dev));
	EXPECT_EQ(-ENODEV, tdi_iommu_from_fd(kvm, &iommu));
	EXPECT_EQ(-ENODEV, tdi_iommu_from_fd(vfio, &iommu));
	EXPECT_EQ(-EBADF, tdi_iommu_from_fd(-1, &iommu));
	EXPECT_EQ(NULL, dev);
	EXPECT_EQ(NULL, iommu);
	EXPECT_EQ(0, fcntl(vfio, F_GETFD));
	EXPECT_EQ(0, fcntl(iommufd, F_GETFD));

	ASSERT_EQ(0, tdi_iommu_from_fd(iommufd, &iommu));
	ASSERT_EQ(0, tdi_device_from_fd(vfio, &dev));
	EXPECT_EQ(vfio, tdi_device_fd(dev));
	EXPECT_EQ(FD_CLOEXEC, fcntl(vfio, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(iommufd, F_GETFD));
	EXPECT_STREQ(world.bdf[0], tdi_device_bdf(dev));
	EXPECT_EQ(0, tdi_device_bind(dev, iommu));
	EXPECT_EQ(-EINVAL, tdi_device_bind(dev, iommu));
	tdi_device_close(dev);
	tdi_iommu_close(iommu);
	EXPECT_EQ(-1, fcntl(vfio, F_GETFD));
	EXPECT_EQ(-1, fcntl(iommufd, F_GETFD));
	close(kvm);
}

/* of each BAR all pages but those of the MSI-X table and the PBA */
AUDITED_TEST(slices_leave_the_interrupts_out)
{
	struct tdi_slice s[TDI_MAX_SLICES];
	struct vm vm;
	struct fn fn;

	vm_init(&vm);
	fn_init(&fn, 0);
	ASSERT_EQ(0, vm_open(&vm, 0));
	ASSERT_EQ(0, fn_open(&fn, &vm));
	ASSERT_EQ(1, tdi_device_slices(fn.dev, TEEMU_BAR_REGS, s));
	EXPECT_EQ(0, s[0].offset);
	EXPECT_EQ(TEEMU_BAR_REGS_SIZE, s[0].len);
	ASSERT_EQ(1, tdi_device_slices(fn.dev, TEEMU_BAR_MEM, s));
	EXPECT_EQ(0, s[0].offset);
	EXPECT_EQ(TEEMU_BAR_MEM_SIZE, s[0].len);
	ASSERT_EQ(1, tdi_device_slices(fn.dev, TEEMU_BAR_MSIX, s));
	EXPECT_EQ(2 * TEEMU_MSIX_PBA_OFFSET, s[0].offset);
	EXPECT_EQ(TEEMU_BAR_MSIX_SIZE - 2 * TEEMU_MSIX_PBA_OFFSET, s[0].len);
	/* the upper half of a BAR of 64 bits is none; there is no BAR 6 */
	EXPECT_EQ(0, tdi_device_slices(fn.dev, TEEMU_BAR_REGS + 1, s));
	EXPECT_EQ(-EINVAL, tdi_device_slices(fn.dev, 6, s));
	fn_close(&fn);
	vm_close(&vm);
}

TVM_MAIN
