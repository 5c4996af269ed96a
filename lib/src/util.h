/* SPDX-License-Identifier: MIT */
/* libtdi, private: how the library calls the kernel */
#ifndef TDI_UTIL_H
#define TDI_UTIL_H

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

#endif /* TDI_UTIL_H */
