// SPDX-License-Identifier: MIT
/*
 * launcher BDF [VMM]: opens, as root, the three files that a VMM needs to own a TDI,
 * passes them over a socket (SCM_RIGHTS) to the VMM, which it has started as nobody, and
 * answers with the VMM's exit code.
 *
 * The launcher keeps none of the files: when the VMM ends, in whatever way, its own last
 * close of the VFIO device unbinds the TDI.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tdi/tdi.h>

#include "pass.h"

/* guest memory that the device reaches is pinned, on the account of who maps it */
#define MEMLOCK		(64UL << 20)

static int complain(const char *what, enum tdi_call call, int ret)
{
	fprintf(stderr, "launcher: %s: %s; %s\n", what, strerror(-ret),
		tdi_advice(call, ret));
	return ret;
}

/* one message, one byte, all files */
static int send_files(int sock, const int *fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(PASS_COUNT * sizeof(int))];
	} control = { 0 };
	char byte = PASS_COUNT;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(PASS_COUNT * sizeof(int));
	memcpy(CMSG_DATA(c), fds, PASS_COUNT * sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* in the child: no right is left when the VMM's first instruction runs */
static void become_vmm(int sock, const char *vmm)
{
	const struct rlimit limit = { MEMLOCK, MEMLOCK };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgroups(0, NULL) ||
	    setresgid(PASS_UID, PASS_UID, PASS_UID) ||
	    setresuid(PASS_UID, PASS_UID, PASS_UID) || !setuid(0)) {
		perror("launcher: giving up root");
		_exit(126);
	}
	/* the socket only: dup2 clears close-on-exec, unless it is there already */
	if (sock == PASS_SOCKET ? fcntl(sock, F_SETFD, 0) :
				  dup2(sock, PASS_SOCKET) < 0) {
		perror("launcher: socket");
		_exit(126);
	}
	execl(vmm, vmm, (char *)NULL);
	perror(vmm);
	_exit(127);
}

/* start the VMM and hand the files over; its pid, or -errno */
static int launch(const char *vmm, const int *fds)
{
	int pair[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid)
		become_vmm(pair[1], vmm);
	ret = pid < 0 ? -errno : send_files(pair[0], fds);
	close(pair[1]);
	close(pair[0]);
	/* a VMM that was sent nothing meets the end of its socket and ends */
	return ret ?: pid;
}

/* open what a VMM needs, start it; its pid, or -errno */
static int open_and_launch(const char *bdf, const char *vmm)
{
	struct tdi_device *dev = NULL;
	struct tdi_iommu *iommu = NULL;
	int kvm, ret;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return complain("/dev/kvm", TDI_CALL_KVM, -errno);
	ret = tdi_iommu_open(&iommu);
	if (ret)
		complain("/dev/iommu", TDI_CALL_IOMMU, ret);
	if (!ret) {
		ret = tdi_device_open(bdf, &dev);
		if (ret)
			complain(bdf, TDI_CALL_OPEN, ret);
	}
	if (!ret) {
		const int fds[PASS_COUNT] = {
			[PASS_KVM] = kvm,
			[PASS_IOMMU] = tdi_iommu_fd(iommu),
			[PASS_DEVICE] = tdi_device_fd(dev),
		};

		ret = launch(vmm, fds);
		if (ret < 0)
			complain(vmm, TDI_CALL_OPEN, ret);
	}
	/* the VMM's are the only ones from here on */
	tdi_device_close(dev);
	tdi_iommu_close(iommu);
	close(kvm);
	return ret;
}

int main(int argc, char **argv)
{
	int pid, status;

	if (argc < 2 || argc > 3) {
		fputs("usage: launcher BDF [VMM]\n", stderr);
		return 2;
	}
	pid = open_and_launch(argv[1], argc > 2 ? argv[2] : "/bin/tdi-unprivileged");
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
