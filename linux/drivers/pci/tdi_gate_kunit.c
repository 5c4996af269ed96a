// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the gate's reach: which functions an operation on one function
 * touches. On functions and buses that are numbers and pointers, nothing more.
 */
#include <kunit/test.h>

#include "tdi.h"

/* A port with two devices below: one of many functions, and one that is a bridge */
enum who {
	PORT,
	PF0,		/* function 0 with the DSM */
	VF0,		/* of PF0, on a bus of its own */
	FN1,		/* its neighbour */
	VF1,		/* of FN1 */
	BRIDGE,		/* another device of the same bus */
	FAR,		/* below BRIDGE */
	OTHER,		/* below another port */
	NR_WHO,
};

struct family {
	struct pci_bus root;
	struct pci_bus bus;	/* below PORT */
	struct pci_bus vf_bus;	/* where the VFs are: has no bridge of its own */
	struct pci_bus far_bus;	/* below BRIDGE */
	struct pci_bus other_bus;
	struct pci_dev fn[NR_WHO];
};

static void family_vf(struct family *f, enum who vf, enum who pf)
{
	f->fn[vf].bus = &f->vf_bus;
	f->fn[vf].is_virtfn = 1;
	f->fn[vf].physfn = &f->fn[pf];
}

static int tdi_gate_test_init(struct kunit *test)
{
	struct family *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;

	f->bus.parent = &f->root;
	f->vf_bus.parent = &f->bus;
	f->far_bus.parent = &f->bus;
	f->other_bus.parent = &f->root;

	f->fn[PORT].bus = &f->root;
	f->fn[PORT].subordinate = &f->bus;
	f->fn[PF0].bus = &f->bus;
	f->fn[PF0].devcap = PCI_EXP_DEVCAP_TEE;
	f->fn[FN1].bus = &f->bus;
	f->fn[FN1].devfn = PCI_DEVFN(0, 1);
	f->fn[BRIDGE].bus = &f->bus;
	f->fn[BRIDGE].devfn = PCI_DEVFN(1, 0);
	f->fn[BRIDGE].subordinate = &f->far_bus;
	f->fn[FAR].bus = &f->far_bus;
	f->fn[OTHER].bus = &f->other_bus;
	family_vf(f, VF0, PF0);
	family_vf(f, VF1, FN1);
	return 0;
}

static bool held(struct pci_dev *pdev)
{
	guard(spinlock_irqsave)(&tdi_lock);
	return tdi_held(pdev);
}

static void expect_reach(struct kunit *test, enum who about,
			 enum pci_tdi_reach reach, unsigned long want)
{
	struct family *f = test->priv;
	struct pci_tdi_hold hold;
	unsigned long got = 0;

	KUNIT_ASSERT_EQ(test, 0,
			pci_tdi_begin(&hold, &f->fn[about], reach,
				      PCI_TDI_REFUSE));
	for (int i = 0; i < NR_WHO; i++)
		if (held(&f->fn[i]))
			__set_bit(i, &got);
	pci_tdi_end(&hold);
	KUNIT_EXPECT_EQ_MSG(test, got, want, "reach %d of function %d", reach,
			    about);
	for (int i = 0; i < NR_WHO; i++)
		KUNIT_EXPECT_FALSE(test, held(&f->fn[i]));
}

static void function_alone(struct kunit *test)
{
	expect_reach(test, PF0, PCI_TDI_FUNCTION, BIT(PF0));
	expect_reach(test, VF0, PCI_TDI_FUNCTION, BIT(VF0));
}

static void reset_takes_along(struct kunit *test)
{
	struct family *f = test->priv;

	/* the DSM's function: all that it is the DSM of */
	expect_reach(test, PF0, PCI_TDI_RESET,
		     BIT(PF0) | BIT(VF0) | BIT(FN1) | BIT(VF1));
	expect_reach(test, FN1, PCI_TDI_RESET, BIT(FN1) | BIT(VF1));
	expect_reach(test, VF0, PCI_TDI_RESET, BIT(VF0));

	/* with the DSM elsewhere function 0 is like any other */
	f->fn[PF0].devcap = 0;
	expect_reach(test, PF0, PCI_TDI_RESET, BIT(PF0) | BIT(VF0));
}

static void vfs_of_a_pf(struct kunit *test)
{
	expect_reach(test, PF0, PCI_TDI_VFS, BIT(VF0));
	expect_reach(test, FN1, PCI_TDI_VFS, BIT(VF1));
	expect_reach(test, VF1, PCI_TDI_VFS, 0);
}

static void buses(struct kunit *test)
{
	unsigned long below_port = BIT(PF0) | BIT(VF0) | BIT(FN1) | BIT(VF1) |
				   BIT(BRIDGE) | BIT(FAR);

	expect_reach(test, PORT, PCI_TDI_BELOW, below_port);
	expect_reach(test, FN1, PCI_TDI_BUS, below_port);
	expect_reach(test, BRIDGE, PCI_TDI_BELOW, BIT(FAR));
	expect_reach(test, FAR, PCI_TDI_BUS, BIT(FAR));
	/* an endpoint of the root complex, say: there is nothing below */
	expect_reach(test, FN1, PCI_TDI_BELOW, BIT(FN1) | BIT(VF1));
}

static void all_of_them(struct kunit *test)
{
	expect_reach(test, PORT, PCI_TDI_ALL, GENMASK(NR_WHO - 1, 0));
}

static void holds_nest(struct kunit *test)
{
	struct family *f = test->priv;
	struct pci_tdi_hold outer, inner;

	KUNIT_EXPECT_EQ(test, 0,
			pci_tdi_begin(&outer, &f->fn[FN1], PCI_TDI_FUNCTION,
				      PCI_TDI_REFUSE));
	KUNIT_EXPECT_EQ(test, 0,
			pci_tdi_begin(&inner, &f->fn[PORT], PCI_TDI_BELOW,
				      PCI_TDI_UNBIND_FIRST));
	pci_tdi_end(&outer);
	KUNIT_EXPECT_TRUE(test, held(&f->fn[FN1]));
	pci_tdi_end(&inner);
	KUNIT_EXPECT_FALSE(test, held(&f->fn[FN1]));
	/* harmless, as after a refusal */
	pci_tdi_end(&inner);
}

static struct kunit_case tdi_gate_test_cases[] = {
	KUNIT_CASE(function_alone),
	KUNIT_CASE(reset_takes_along),
	KUNIT_CASE(vfs_of_a_pf),
	KUNIT_CASE(buses),
	KUNIT_CASE(all_of_them),
	KUNIT_CASE(holds_nest),
	{}
};

static struct kunit_suite tdi_gate_test_suite = {
	.name = "pci_tdi_gate",
	.init = tdi_gate_test_init,
	.test_cases = tdi_gate_test_cases,
};
kunit_test_suite(tdi_gate_test_suite);

MODULE_DESCRIPTION("KUnit tests of the reach of TDI holds");
MODULE_LICENSE("GPL");
