/* SPDX-License-Identifier: MIT */
/* libtdi, private: how the library calls the kernel */
#ifndef TDI_UTIL_H
#define TDI_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tdi/sysfs.h>

/* ioctl(2) that answers -errno */
static inline int tdi_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/* close a file that may be -1, once, and keep errno */
static inline void tdi_close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* a file that was passed on is inherited as little as one that was opened here */
static inline int tdi_fd_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

/* last component of the link @path; "" when there is none */
void tdi_link_name(const char *path, char name[TDI_NAME_MAX]);

#endif /* TDI_UTIL_H */
