// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's requests brought, kept in files: the interface report and the
 * certificates of its device, as the host has served them. Both pass tvmm in the clear
 * with every vendor; the guest compares them with what firmware says, tvmm does not.
 *
 * The guest says where a part begins, so that is checked like all it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/iommufd.h>

#include "tvmm.h"

#define MAX_BYTES	65536	/* of all parts together */
#define MAX_PATH	4096

/* struct tdx_tdi_read, sev_tdi_read and cca_tdi_read are all of this form */
struct read_request {
	uint32_t offset;
	uint32_t reserved;
};

/* of several devices each has a file, by its BDF */
static int create(struct device *d, const char *name, int *fd)
{
	bool many = d->t->opt.nr_devices > 1;
	char path[MAX_PATH];

	if (!name)
		return 0;
	if (snprintf(path, sizeof(path), "%s%s%s", name, many ? "." : "",
		     many ? d->bdf : "") >= (int)sizeof(path))
		return report_failed(d->t, "device", -ENAMETOOLONG,
				     "a file's name of more than %d bytes",
				     MAX_PATH);
	*fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return *fd >= 0 ? 0 : report_failed(d->t, "device", -errno, "%s: %s",
					    path, strerror(errno));
}

int record_create(struct device *d)
{
	return create(d, d->t->opt.save_report, &d->report_fd) ?:
	       create(d, d->t->opt.save_certs, &d->certs_fd);
}

void record_destroy(struct device *d)
{
	if (d->report_fd >= 0)
		close(d->report_fd);
	if (d->certs_fd >= 0)
		close(d->certs_fd);
	d->report_fd = -1;
	d->certs_fd = -1;
}

static int file_of(struct device *d, uint32_t op)
{
	switch (op) {
	case IOMMU_VDEVICE_TSM_REQ_READ_REPORT:
		return d->report_fd;
	case IOMMU_VDEVICE_TSM_REQ_READ_CERTS:
		return d->certs_fd;
	default:
		return -1;
	}
}

/* a part at 0 begins it anew */
int record_answer(struct device *d, const struct tdi_request *req)
{
	int fd = file_of(d, req->op);
	struct read_request part;
	ssize_t n;

	if (fd < 0 || req->tsm_code || req->req_len != sizeof(part))
		return 0;
	memcpy(&part, req->req, sizeof(part));
	if (part.offset > MAX_BYTES || req->resp_len > MAX_BYTES - part.offset)
		return 0;
	if (!part.offset && ftruncate(fd, 0))
		n = -1;
	else
		n = pwrite(fd, req->resp, req->resp_len, part.offset);
	if (n == (ssize_t)req->resp_len)
		return 0;
	return report_failed(d->t, "report", n < 0 ? -errno : -EIO,
			     "%s: what its guest read cannot be saved: %s", d->bdf,
			     n < 0 ? strerror(errno) : "the file took a part only");
}
