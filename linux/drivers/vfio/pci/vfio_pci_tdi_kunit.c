// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which config writes VFIO refuses while a TDI is locked: a table of writes, and
 * each register split in all ways that VFIO can chop an access.
 */
#include <kunit/test.h>
#include <linux/pci.h>

#include "vfio_pci_priv.h"

struct tdi_write_case {
	const char *name;
	u8 cap;
	bool ext;
	int offset;
	int count;
	u32 val;
	u32 cur;
	bool breaks;
};

#define MSE	PCI_COMMAND_MEMORY
#define BME	PCI_COMMAND_MASTER

static const struct tdi_write_case tdi_write_cases[] = {
	{ "MSE cleared", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 2, BME, MSE | BME, true },
	{ "BME cleared", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 2, MSE, MSE | BME, true },
	{ "BME cleared by a byte", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 1, MSE, MSE | BME, true },
	{ "BME cleared by a dword", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 4, MSE, MSE | BME, true },
	{ "BME set", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 2, MSE | BME, MSE, false },
	{ "BME was clear", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 2, MSE, MSE, false },
	{ "INTx disabled", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND, 2, MSE | BME | PCI_COMMAND_INTX_DISABLE, MSE | BME, false },
	{ "upper byte of command", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_COMMAND + 1, 1, 0, PCI_COMMAND_SERR >> 8, false },
	{ "status", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_STATUS, 2, 0xffff, 0, false },
	{ "BIST", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_BIST, 1, 0, 0, true },
	{ "BIST in a word", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_HEADER_TYPE, 2, 0, 0, true },
	{ "BIST in a dword", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_CACHE_LINE_SIZE, 4, 0, 0, true },
	{ "cache line size", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_CACHE_LINE_SIZE, 1, 0x10, 0, false },
	{ "latency timer", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_CACHE_LINE_SIZE, 2, 0x4010, 0, false },
	{ "BAR", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_BASE_ADDRESS_0, 4, 0xffffffff, 0, false },
	{ "interrupt line", VFIO_PCI_TDI_CAP_HEADER, false,
	  PCI_INTERRUPT_LINE, 1, 5, 0, false },
	{ "D3", PCI_CAP_ID_PM, false,
	  PCI_PM_CTRL, 2, 3, 0, true },
	{ "D1", PCI_CAP_ID_PM, false,
	  PCI_PM_CTRL, 2, 1, 0, true },
	{ "D0", PCI_CAP_ID_PM, false,
	  PCI_PM_CTRL, 2, 0, 0, false },
	{ "PME status", PCI_CAP_ID_PM, false,
	  PCI_PM_CTRL, 2, PCI_PM_CTRL_PME_STATUS, 0, false },
	{ "FLR", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR, 0, true },
	{ "FLR by a byte", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL + 1, 1, PCI_EXP_DEVCTL_BCR_FLR >> 8, 0, true },
	{ "no-snoop cleared", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL, 2, 0, PCI_EXP_DEVCTL_NOSNOOP_EN, true },
	{ "extended tag set", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL, 4, PCI_EXP_DEVCTL_EXT_TAG, 0, true },
	{ "tags as they were", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_READRQ,
	  PCI_EXP_DEVCTL_EXT_TAG, false },
	{ "error reporting", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_CERE, 0, false },
	{ "10-bit tag set", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL2, 2, VFIO_PCI_TDI_DEVCTL2_10BIT_TAG, 0, true },
	{ "LTR", PCI_CAP_ID_EXP, false,
	  PCI_EXP_DEVCTL2, 2, PCI_EXP_DEVCTL2_LTR_EN, 0, false },
	{ "link control", PCI_CAP_ID_EXP, false,
	  PCI_EXP_LNKCTL, 2, 0xffff, 0, false },
	{ "AF FLR", PCI_CAP_ID_AF, false,
	  PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR, 0, true },
	{ "AF FLR in a word", PCI_CAP_ID_AF, false,
	  PCI_AF_CTRL, 2, PCI_AF_CTRL_FLR, 0, true },
	{ "AF nothing", PCI_CAP_ID_AF, false,
	  PCI_AF_CTRL, 1, 0, 0, false },
	{ "MSI", PCI_CAP_ID_MSI, false,
	  PCI_MSI_FLAGS, 2, 1, 0, false },
	{ "VPD", PCI_CAP_ID_VPD, false,
	  PCI_VPD_ADDR, 2, 0, 0, false },
	{ "vendor-specific", PCI_CAP_ID_VNDR, false,
	  12, 4, 0, 0, true },
	{ "unassigned", PCI_CAP_ID_INVALID, false,
	  0, 1, 0, 0, true },
	{ "unassigned, extended", PCI_CAP_ID_INVALID, true,
	  0, 4, 0, 0, true },
	{ "hidden header", PCI_CAP_ID_INVALID_VIRT, true,
	  0, 4, 0, 0, false },
	{ "VSEC", PCI_EXT_CAP_ID_VNDR, true,
	  8, 4, 0, 0, true },
	{ "DVSEC", PCI_EXT_CAP_ID_DVSEC, true,
	  8, 2, 0, 0, true },
	{ "AER", PCI_EXT_CAP_ID_ERR, true,
	  PCI_ERR_UNCOR_STATUS, 4, ~0U, 0, false },
	/* numbers that mean one thing below 0x100 and another above */
	{ "ext 0x01 is not PM", PCI_CAP_ID_PM, true,
	  PCI_PM_CTRL, 2, 3, 0, false },
	{ "ext 0x10 is not EXP", PCI_CAP_ID_EXP, true,
	  PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR, 0, false },
	{ "ext 0x09 is not VNDR", PCI_CAP_ID_VNDR, true,
	  8, 4, 0, 0, false },
};

static void tdi_write_desc(const struct tdi_write_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(tdi_write, tdi_write_cases, tdi_write_desc);

static void tdi_write_test(struct kunit *test)
{
	const struct tdi_write_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->breaks,
			vfio_pci_tdi_write_breaks(c->cap, c->ext, c->offset,
						  c->count, c->val, c->cur));
}

/* Does one of the bytes that the dword at @offset consists of break the TDI? */
static bool tdi_bytes_break(u8 cap, int offset, u32 val, u32 cur)
{
	int i;

	for (i = 0; i < 4; i++, val >>= 8, cur >>= 8)
		if (vfio_pci_tdi_write_breaks(cap, false, offset + i, 1,
					      val & 0xff, cur & 0xff))
			return true;
	return false;
}

/*
 * VFIO chops accesses as it likes: a dword breaks the TDI exactly if one of its
 * bytes does, for each register of the capability and each single changed bit.
 */
static void tdi_split_test(struct kunit *test)
{
	static const u8 caps[] = {
		VFIO_PCI_TDI_CAP_HEADER, PCI_CAP_ID_PM, PCI_CAP_ID_EXP,
		PCI_CAP_ID_AF,
	};
	const u32 cur = 0xa5a5a5a5;
	int i, reg, bit;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		for (reg = 0; reg < PCI_STD_HEADER_SIZEOF; reg += 4)
			for (bit = 0; bit < 32; bit++) {
				u32 val = cur ^ BIT(bit);
				bool bytes, dword;

				bytes = tdi_bytes_break(caps[i], reg, val, cur);
				dword = vfio_pci_tdi_write_breaks(caps[i], false,
								  reg, 4, val,
								  cur);
				KUNIT_ASSERT_EQ_MSG(test, bytes, dword,
						    "cap %#x reg %#x bit %d",
						    caps[i], reg, bit);
			}
}

struct tdi_needs_case {
	u8 cap;
	bool ext;
	int offset;
	int count;
	bool needs;
};

static const struct tdi_needs_case tdi_needs_cases[] = {
	{ VFIO_PCI_TDI_CAP_HEADER, false, PCI_COMMAND, 2, true },
	{ VFIO_PCI_TDI_CAP_HEADER, false, PCI_COMMAND + 1, 1, false },
	{ VFIO_PCI_TDI_CAP_HEADER, false, PCI_BIST, 1, false },
	{ PCI_CAP_ID_EXP, false, PCI_EXP_DEVCTL, 4, true },
	{ PCI_CAP_ID_EXP, false, PCI_EXP_DEVCTL2, 2, true },
	{ PCI_CAP_ID_PM, false, PCI_PM_CTRL, 2, false },
	{ PCI_CAP_ID_VNDR, false, 4, 4, false },
	{ PCI_CAP_ID_INVALID, true, 0, 4, false },
};

/* What does not depend on the present value must not have the device read */
static void tdi_needs_cur_test(struct kunit *test)
{
	const struct tdi_needs_case *c = tdi_needs_cases;
	int i;

	for (i = 0; i < ARRAY_SIZE(tdi_needs_cases); i++, c++)
		KUNIT_EXPECT_EQ_MSG(test, c->needs,
				    vfio_pci_tdi_write_needs_cur(c->cap, c->ext,
								 c->offset,
								 c->count),
				    "case %d", i);
}

static struct kunit_case vfio_pci_tdi_cases[] = {
	KUNIT_CASE_PARAM(tdi_write_test, tdi_write_gen_params),
	KUNIT_CASE(tdi_split_test),
	KUNIT_CASE(tdi_needs_cur_test),
	{}
};

static struct kunit_suite vfio_pci_tdi_suite = {
	.name = "vfio_pci_tdi",
	.test_cases = vfio_pci_tdi_cases,
};

kunit_test_suite(vfio_pci_tdi_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of the config writes that a locked TDI resents");
MODULE_LICENSE("GPL");
