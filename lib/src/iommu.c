// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/iommufd.h>

#include <tdi/iommu.h>

#include "util.h"

struct tdi_iommu {
	int fd;
};

int tdi_iommu_open(struct tdi_iommu **out)
{
	struct tdi_iommu *iommu;
	int ret;

	iommu = calloc(1, sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	iommu->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommu->fd < 0) {
		ret = -errno;
		free(iommu);
		return ret;
	}
	*out = iommu;
	return 0;
}

/* no object has the id 0: an iommufd says so, whatever else it is says something else */
static int check_iommufd(int fd)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy) };
	int ret = tdi_ioctl(fd, IOMMU_DESTROY, &destroy);

	if (ret == -EBADF)
		return ret;
	return ret == -ENOENT ? 0 : -ENODEV;
}

int tdi_iommu_from_fd(int fd, struct tdi_iommu **out)
{
	struct tdi_iommu *iommu;
	int ret;

	ret = check_iommufd(fd) ?: tdi_fd_cloexec(fd);
	if (ret)
		return ret;
	iommu = calloc(1, sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	iommu->fd = fd;
	*out = iommu;
	return 0;
}

void tdi_iommu_close(struct tdi_iommu *iommu)
{
	if (!iommu)
		return;
	tdi_close_fd(&iommu->fd);
	free(iommu);
}

int tdi_iommu_fd(const struct tdi_iommu *iommu)
{
	return iommu->fd;
}

int tdi_iommu_destroy(struct tdi_iommu *iommu, uint32_t id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return tdi_ioctl(iommu->fd, IOMMU_DESTROY, &destroy);
}

int tdi_ioas_alloc(struct tdi_iommu *iommu, uint32_t *ioas_id)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int ret;

	ret = tdi_ioctl(iommu->fd, IOMMU_IOAS_ALLOC, &alloc);
	if (!ret)
		*ioas_id = alloc.out_ioas_id;
	return ret;
}

int tdi_ioas_map(struct tdi_iommu *iommu, uint32_t ioas_id, void *mem,
		 uint64_t len, uint64_t iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)mem,
		.length = len,
		.iova = iova,
	};

	return tdi_ioctl(iommu->fd, IOMMU_IOAS_MAP, &map);
}

int tdi_ioas_unmap(struct tdi_iommu *iommu, uint32_t ioas_id, uint64_t iova,
		   uint64_t len)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas_id,
		.iova = iova,
		.length = len,
	};

	return tdi_ioctl(iommu->fd, IOMMU_IOAS_UNMAP, &unmap);
}

int tdi_hwpt_alloc_parent(struct tdi_iommu *iommu, uint32_t dev_id,
			  uint32_t ioas_id, uint32_t *hwpt_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_ALLOC_NEST_PARENT,
		.dev_id = dev_id,
		.pt_id = ioas_id,
	};
	int ret;

	ret = tdi_ioctl(iommu->fd, IOMMU_HWPT_ALLOC, &alloc);
	if (!ret)
		*hwpt_id = alloc.out_hwpt_id;
	return ret;
}

int tdi_viommu_alloc(struct tdi_iommu *iommu, uint32_t dev_id,
		     uint32_t hwpt_id, uint32_t type, uint32_t *viommu_id)
{
	struct iommu_viommu_alloc alloc = {
		.size = sizeof(alloc),
		.type = type,
		.dev_id = dev_id,
		.hwpt_id = hwpt_id,
	};
	int ret;

	ret = tdi_ioctl(iommu->fd, IOMMU_VIOMMU_ALLOC, &alloc);
	if (!ret)
		*viommu_id = alloc.out_viommu_id;
	return ret;
}

int tdi_vdevice_alloc(struct tdi_iommu *iommu, uint32_t viommu_id,
		      uint32_t dev_id, uint64_t virt_id, uint32_t *vdevice_id)
{
	struct iommu_vdevice_alloc alloc = {
		.size = sizeof(alloc),
		.viommu_id = viommu_id,
		.dev_id = dev_id,
		.virt_id = virt_id,
	};
	int ret;

	ret = tdi_ioctl(iommu->fd, IOMMU_VDEVICE_ALLOC, &alloc);
	if (!ret)
		*vdevice_id = alloc.out_vdevice_id;
	return ret;
}
