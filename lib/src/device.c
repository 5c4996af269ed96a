// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include <tdi/device.h>
#include <tdi/iommu.h>
#include <tdi/sysfs.h>

#include "util.h"

#define NR_BARS		6

struct host_map {
	void *addr;
	size_t size;
};

struct tdi_device {
	char bdf[TDI_BDF_MAX];
	int fd;
	uint32_t id;
	struct host_map map[NR_BARS];
};

int tdi_device_open(const char *bdf, struct tdi_device **out)
{
	struct tdi_function fn;
	struct tdi_device *dev;
	char path[128];
	int ret;

	ret = tdi_function_read(bdf, &fn);
	if (ret)
		return ret == -ENOENT ? -ENODEV : ret;
	if (!fn.cdev[0])
		return -ENODEV;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	strcpy(dev->bdf, fn.bdf);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", fn.cdev);
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0) {
		ret = -errno;
		free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

/*
 * Whose VFIO device is the open file @fd? sysfs knows the file by its numbers; without it
 * the first ioctl tells, and the function has no name.
 */
static int name_of_fd(int fd, char bdf[TDI_BDF_MAX])
{
	char path[128], name[TDI_NAME_MAX];
	struct stat st;
	int n;

	bdf[0] = 0;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENODEV;
	if (access("/sys/dev/char", F_OK))
		return 0;
	n = snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/",
		     major(st.st_rdev), minor(st.st_rdev));
	strcpy(path + n, "subsystem");
	tdi_link_name(path, name);
	if (strcmp(name, "vfio-dev"))
		return -ENODEV;
	strcpy(path + n, "device");
	tdi_link_name(path, name);
	if (tdi_bdf_valid(name))
		strcpy(bdf, name);
	return 0;
}

int tdi_device_from_fd(int fd, struct tdi_device **out)
{
	char bdf[TDI_BDF_MAX];
	struct tdi_device *dev;
	int ret;

	ret = name_of_fd(fd, bdf) ?: tdi_fd_cloexec(fd);
	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	strcpy(dev->bdf, bdf);
	dev->fd = fd;
	*out = dev;
	return 0;
}

void tdi_device_close(struct tdi_device *dev)
{
	int i;

	if (!dev)
		return;
	for (i = 0; i < NR_BARS; i++)
		if (dev->map[i].addr)
			munmap(dev->map[i].addr, dev->map[i].size);
	tdi_close_fd(&dev->fd);
	free(dev);
}

int tdi_device_fd(const struct tdi_device *dev)
{
	return dev->fd;
}

const char *tdi_device_bdf(const struct tdi_device *dev)
{
	return dev->bdf;
}

uint32_t tdi_device_id(const struct tdi_device *dev)
{
	return dev->id;
}

int tdi_device_bind(struct tdi_device *dev, struct tdi_iommu *iommu)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = tdi_iommu_fd(iommu),
	};
	int ret;

	ret = tdi_ioctl(dev->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	if (!ret)
		dev->id = bind.out_devid;
	return ret;
}

int tdi_device_attach(struct tdi_device *dev, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = pt_id,
	};

	return tdi_ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

int tdi_device_detach(struct tdi_device *dev)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return tdi_ioctl(dev->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

static int region_info(struct tdi_device *dev, unsigned int index,
		       struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return tdi_ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, info);
}

/* check that [@off, @off + @len) is in the region; answer its file offset */
static int region_range(struct tdi_device *dev, unsigned int index,
			uint64_t off, size_t len, uint64_t *pos)
{
	struct vfio_region_info info;
	int ret;

	ret = region_info(dev, index, &info);
	if (ret)
		return ret;
	if (off > info.size || len > info.size - off)
		return -ERANGE;
	*pos = info.offset + off;
	return 0;
}

static int region_read(struct tdi_device *dev, unsigned int index,
		       uint64_t off, void *buf, size_t len)
{
	uint64_t pos;
	ssize_t n;
	int ret;

	ret = region_range(dev, index, off, len, &pos);
	if (ret)
		return ret;
	n = pread(dev->fd, buf, len, pos);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int tdi_device_config_read(struct tdi_device *dev, uint32_t off, void *buf,
			   size_t len)
{
	return region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, off, buf, len);
}

int tdi_device_config_write(struct tdi_device *dev, uint32_t off,
			    const void *buf, size_t len)
{
	uint64_t pos;
	ssize_t n;
	int ret;

	ret = region_range(dev, VFIO_PCI_CONFIG_REGION_INDEX, off, len, &pos);
	if (ret)
		return ret;
	n = pwrite(dev->fd, buf, len, pos);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int change_command(struct tdi_device *dev, uint16_t clear, uint16_t set)
{
	uint16_t command;
	int ret;

	ret = tdi_device_config_read(dev, PCI_COMMAND, &command,
				     sizeof(command));
	if (ret)
		return ret;
	command = (command & ~clear) | set;
	return tdi_device_config_write(dev, PCI_COMMAND, &command,
				       sizeof(command));
}

int tdi_device_enable(struct tdi_device *dev, uint16_t bits)
{
	return change_command(dev, 0, bits);
}

int tdi_device_disable(struct tdi_device *dev, uint16_t bits)
{
	return change_command(dev, bits, 0);
}

int tdi_device_reset(struct tdi_device *dev)
{
	return tdi_ioctl(dev->fd, VFIO_DEVICE_RESET, NULL);
}

int tdi_device_bar(struct tdi_device *dev, unsigned int index,
		   struct tdi_bar *bar)
{
	struct vfio_region_info info;
	int ret;

	if (index >= NR_BARS)
		return -EINVAL;
	ret = region_info(dev, index, &info);
	if (ret)
		return ret;
	bar->size = info.size;
	bar->mappable = info.flags & VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

int tdi_device_map(struct tdi_device *dev, unsigned int index, void **map)
{
	struct vfio_region_info info;
	struct host_map *hm;
	int ret;

	if (index >= NR_BARS)
		return -EINVAL;
	hm = &dev->map[index];
	if (!hm->addr) {
		ret = region_info(dev, index, &info);
		if (ret)
			return ret;
		if (!info.size)
			return -ENODEV;
		hm->addr = mmap(NULL, info.size, PROT_READ | PROT_WRITE,
				MAP_SHARED, dev->fd, info.offset);
		if (hm->addr == MAP_FAILED) {
			hm->addr = NULL;
			return -errno;
		}
		hm->size = info.size;
	}
	*map = hm->addr;
	return 0;
}

int tdi_device_bar_read(struct tdi_device *dev, unsigned int index,
			uint64_t off, void *buf, size_t len)
{
	if (index >= NR_BARS)
		return -EINVAL;
	return region_read(dev, index, off, buf, len);
}

int tdi_device_export(struct tdi_device *dev, unsigned int index, uint64_t off,
		      uint64_t len)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf get;
		struct vfio_region_dma_range range;
	} arg = {
		.feature = {
			.argsz = sizeof(arg),
			.flags = VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_DMA_BUF,
		},
		.get = {
			.region_index = index,
			.open_flags = O_RDWR | O_CLOEXEC,
			.nr_ranges = 1,
		},
		.range = { .offset = off, .length = len },
	};

	if (index >= NR_BARS)
		return -EINVAL;
	return tdi_ioctl(dev->fd, VFIO_DEVICE_FEATURE, &arg);
}
