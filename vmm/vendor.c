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

int vendor_choose(struct tvmm *t)
{
	char tsm[TDI_NAME_MAX], parent[TDI_NAME_MAX];
	const char *name = parent + strlen(PARENT);
	int ret;

	if (t->opt.arch)
		return 0;
	ret = tdi_function_tsm(t->opt.bdf, tsm, parent);
	if (ret)
		return report_failed(t, "device", ret,
				     "%s has no TSM (%s): connect its link first (tdi list, tdi connect), or say --vendor",
				     t->opt.bdf, strerror(-ret));
	if (!strncmp(parent, PARENT, strlen(PARENT)))
		t->opt.arch = find(name, strcspn(name, "."));
	if (!t->opt.arch)
		return report_failed(t, "device", -EOPNOTSUPP,
				     "%s is connected to %s of %s, whose guests tvmm does not know: say --vendor tdx, sev or cca",
				     t->opt.bdf, tsm, parent);
	return 0;
}
