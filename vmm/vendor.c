// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose requests the guest makes. The kernel wants to be told the architecture of a
 * TVM's request, and so does the payload; nothing else in tvmm differs.
 */
#include <errno.h>
#include <string.h>

#include <linux/iommufd.h>

#include <tdi/sysfs.h>

#include "tvmm.h"

#define PARENT	"teemu-"	/* the TSM's device is "teemu-<vendor>" */

static const struct {
	const char *name;
	uint32_t arch;
} vendors[] = {
	{ "tdx", IOMMU_TSM_TVM_ARCH_TDX },
	{ "sev", IOMMU_TSM_TVM_ARCH_SEV },
	{ "cca", IOMMU_TSM_TVM_ARCH_CCA },
};

static uint32_t find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
		if (strlen(vendors[i].name) == len &&
		    !memcmp(vendors[i].name, name, len))
			return vendors[i].arch;
	return 0;
}

uint32_t vendor_arch(const char *name)
{
	return find(name, strlen(name));
}

/* the TSM of device @i, and who its parent is */
static int ask(struct tvmm *t, unsigned int i, char tsm[TDI_NAME_MAX],
	       char parent[TDI_NAME_MAX])
{
	const char *bdf = t->opt.bdf[i];
	int ret = tdi_function_tsm(bdf, tsm, parent);
	char host[TDI_BDF_MAX];

	if (!ret)
		return 0;
	/* a device's function 0 hosts the link of all of them */
	if (ret == -ENOTCONN && !tdi_bdf_function(bdf, 0, host))
		return report_failed(t, "device", ret,
				     "%s is not connected to a TSM: tdi connect %s",
				     bdf, host);
	return report_failed(t, "device", ret,
			     "%s: %s; tdi list has what there is", bdf,
			     ret == -ENOENT ? "no such function" : strerror(-ret));
}

/* one firmware has the VM, so it must have all of its devices */
static int must_be_one(struct tvmm *t, const char *tsm)
{
	char other[TDI_NAME_MAX], parent[TDI_NAME_MAX];
	unsigned int i;
	int ret;

	for (i = 1; i < t->opt.nr_devices; i++) {
		ret = ask(t, i, other, parent);
		if (ret)
			return ret;
		if (strcmp(other, tsm))
			return report_failed(t, "device", -EXDEV,
					     "%s is connected to %s, %s to %s: give a VM devices of one TSM (tdi list)",
					     t->opt.bdf[0], tsm, t->opt.bdf[i],
					     other);
	}
	return 0;
}

int vendor_choose(struct tvmm *t)
{
	char tsm[TDI_NAME_MAX], parent[TDI_NAME_MAX];
	const char *name = parent + strlen(PARENT);
	int ret;

	if (t->opt.arch && t->opt.nr_devices == 1)
		return 0;
	ret = ask(t, 0, tsm, parent) ?: must_be_one(t, tsm);
	if (ret || t->opt.arch)
		return ret;
	if (!strncmp(parent, PARENT, strlen(PARENT)))
		t->opt.arch = find(name, strcspn(name, "."));
	if (!t->opt.arch)
		return report_failed(t, "device", -EOPNOTSUPP,
				     "%s is connected to %s of %s, whose guests tvmm does not know: say --vendor tdx, sev or cca",
				     t->opt.bdf[0], tsm, parent);
	return 0;
}
