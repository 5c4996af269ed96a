// SPDX-License-Identifier: GPL-2.0-only
/*
 * R24: TDIs do not know of each other: three vendors' devices in three VMs, two
 * TDIs of one device in two VMs, several in one VM. One VMM is killed in every
 * state while the others move data and compare it.
 *
 * Each VMM is a process of its own. The vendor that dies is the one under test; the
 * other two have an auditor each, which looks at their platform when all is over.
 */
#include "child.h"
#include "fixture.h"

#define AUDIT_FIRST	'A'	/* orders of an auditor */
#define AUDIT_LAST	'Z'

static int audit(struct vm *vm, struct fn *fn, int op, int to)
{
	static struct audit_base base;

	(void)vm;
	(void)fn;
	(void)to;
	return op == AUDIT_FIRST ? audit_begin(&base) : audit_end(&base);
}

/* the vendors that are not under test */
static const char *other_vendor(int i)
{
	const struct vendor *v;

	for (v = vendors; v < vendors + NR_VENDORS; v++)
		if (strcmp(v->name, world.vendor->name) && !i--)
			return v->name;
	return NULL;
}

/* ---- who dies, and when ---- */

enum moment { OPEN, LOCKED, RUN, IN_FLIGHT, UNBINDING, BINDING, NR_MOMENTS };

static const struct {
	const char *name;
	const char *ops;	/* done before */
	int half;		/* begun, and never over; 0: none */
} moments[] = {
	[OPEN] = { "open", "o", 0 },
	[LOCKED] = { "LOCKED", "ob", 0 },
	[RUN] = { "RUN", "obrd", 0 },
	[IN_FLIGHT] = { "DMA in flight", "obrD", 0 },
	[UNBINDING] = { "unbinding", "obrd", CHILD_UNBIND },
	[BINDING] = { "binding", "o", CHILD_BIND },
};

/* exchanges with the device take so long that an operation is in the middle */
#define SLOW		"slow 300"
#define MIDDLE_MS	100

/* function @nr of the vendor under test lives until @m, and dies */
static void live_and_die(struct __test_metadata *_metadata, unsigned int nr,
			 enum moment m)
{
	struct child victim;
	int ret;

	ASSERT_EQ(0, child_start(&victim, world.vendor->name, nr, NULL));
	ASSERT_EQ(0, child_tell_all(&victim, moments[m].ops));
	if (m == IN_FLIGHT)
		EXPECT_TRUE(dma_in_flight(nr));
	if (moments[m].half) {
		ASSERT_EQ(0, world_write("doe_mode", SLOW));
		ASSERT_EQ(0, child_order(&victim, moments[m].half));
		EXPECT_EQ(-ETIMEDOUT, child_answer(&victim, &ret, MIDDLE_MS))
			note("%s is over", moments[m].name);
	}
	EXPECT_EQ(0, child_kill(&victim));
	ASSERT_EQ(0, world_write("doe_mode", "normal"));
	EXPECT_TRUE(world_tdi_is(nr, "CONFIG_UNLOCKED"));
}

/* it has moved data all the time since the last look, and goes on */
static void goes_on(struct __test_metadata *_metadata, struct child *c,
		    const char *meanwhile)
{
	int rounds = child_tell(c, CHILD_STOP);

	EXPECT_LT(0, rounds)
		note("%s: %d", meanwhile, rounds);
	ASSERT_EQ(0, child_order(c, CHILD_LOOP));
}

static void begins(struct __test_metadata *_metadata, struct child *c,
		   const char *vendor, unsigned int nr)
{
	ASSERT_EQ(0, child_start(c, vendor, nr, NULL));
	ASSERT_EQ(0, child_tell_all(c, "obrd"));
	ASSERT_EQ(0, child_order(c, CHILD_LOOP));
}

/* and it ends as well as if it had been alone */
static void ends(struct __test_metadata *_metadata, struct child *c)
{
	EXPECT_LT(0, child_tell(c, CHILD_STOP));
	EXPECT_EQ(-EAGAIN, child_tell(c, CHILD_PEEK));
	EXPECT_EQ(0, child_tell_all(c, "duc"));
	EXPECT_EQ(0, child_end(c));
}

AUDITED_TEST(three_vendors)
{
	struct child others[2], auditors[2];
	enum moment m;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, child_start(&auditors[i], other_vendor(i), 0, audit));
		ASSERT_EQ(0, child_tell(&auditors[i], AUDIT_FIRST));
	}
	for (i = 0; i < 2; i++)
		begins(_metadata, &others[i], other_vendor(i), 0);
	for (m = 0; m < NR_MOMENTS; m++) {
		live_and_die(_metadata, 0, m);
		for (i = 0; i < 2; i++)
			goes_on(_metadata, &others[i], moments[m].name);
		/* theirs are the only VMs left */
		EXPECT_EQ(2, world_wait_vms(2, 10000));
	}
	for (i = 0; i < 2; i++)
		ends(_metadata, &others[i]);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, child_tell(&auditors[i], AUDIT_LAST))
			note("platform of %s", other_vendor(i));
		EXPECT_EQ(0, child_end(&auditors[i]));
	}
}

/* function 1 dies: its death is a reset of function 1 and of nothing else */
AUDITED_TEST(two_functions)
{
	struct child other;
	enum moment m;

	begins(_metadata, &other, world.vendor->name, 0);
	for (m = LOCKED; m < NR_MOMENTS; m += 2) {
		live_and_die(_metadata, 1, m);
		goes_on(_metadata, &other, moments[m].name);
		EXPECT_TRUE(world_tdi_is(0, "RUN"));
		EXPECT_EQ(1, world_tdis());
	}
	ends(_metadata, &other);
}

/* two VFs: either may die */
FIXTURE(vfs)
{
	struct audit_base base;
};

FIXTURE_SETUP(vfs)
{
	char text[16];

	WORLD_OR_SKIP();
	AUDIT_BEGIN(&self->base);
	if (tdi_attr_read(world.bdf[0], "sriov_totalvfs", text, sizeof(text)))
		SKIP(return, "this platform has no SR-IOV");
	ASSERT_EQ(0, world_set_vfs(2));
}

FIXTURE_TEARDOWN(vfs)
{
	EXPECT_EQ(0, world_set_vfs(0));
	AUDIT_END(&self->base);
}

TEST_F_TIMEOUT(vfs, two_vfs, TVM_TIMEOUT)
{
	unsigned int dies;
	struct child other;
	enum moment m;

	for (dies = NR_FNS; dies < NR_FNS + 2; dies++) {
		unsigned int stays = 2 * NR_FNS + 1 - dies;

		begins(_metadata, &other, world.vendor->name, stays);
		for (m = dies % 2 ? UNBINDING : OPEN; m < NR_MOMENTS; m += 2) {
			live_and_die(_metadata, dies, m);
			goes_on(_metadata, &other, moments[m].name);
			EXPECT_TRUE(world_tdi_is(stays, "RUN"));
		}
		ends(_metadata, &other);
	}
}

/* ---- several in one VM ---- */

TVM_TEST(two_functions_in_one_vm)
{
	uint64_t page = PAGE;
	struct fn other;
	uint32_t value = 0;

	fn_init(&other, 1);
	ASSERT_EQ(0, fn_open(&other, &self->vm));
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, fn_bind(&other) ?: fn_run(&other) ?: fn_ring_start(&other));
	EXPECT_EQ(2, world_tdis());
	EXPECT_EQ(1, world_tvms());
	EXPECT_EQ(0, dma_use(&self->vm, &self->fn));
	EXPECT_EQ(0, dma_use(&self->vm, &other));
	/* BAR 2 of each is its own */
	EXPECT_EQ(0, vm_write32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
				page, 0xaaaa));
	EXPECT_EQ(0, vm_write32(&self->vm, fn_bar_gpa(&other, TEEMU_BAR_MEM) +
				page, 0xbbbb));
	EXPECT_EQ(0, vm_read32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
			       page, &value));
	EXPECT_EQ(0xaaaa, value);
	/* one goes, the other stays; its memory of the VM too */
	EXPECT_EQ(0, fn_unbind(&other));
	EXPECT_EQ(0, vm_must_fault(&self->vm, fn_bar_gpa(&other, TEEMU_BAR_MEM)));
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(0, dma_use(&self->vm, &self->fn));
	EXPECT_EQ(0, fn_bind(&other) ?: fn_run(&other) ?: fn_ring_start(&other));
	EXPECT_EQ(0, dma_use(&self->vm, &other));
	/* dies with its file */
	fn_close(&other);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(0, dma_use(&self->vm, &self->fn));
	EXPECT_EQ(0, fn_unbind(&self->fn));
}

/*
 * A real VM has one TSM; a VM of this type has as many as it has devices. Each
 * function has a number of its own in the VM, and is number 0 in its world.
 */
static void three_in_one_vm(struct vm *vm, int *result)
{
	struct world w[NR_VENDORS];
	struct fn fn[NR_VENDORS];
	int ret = 0;
	size_t i, j;

	for (i = 0; i < NR_VENDORS; i++)
		fn_init(&fn[i], i);
	ret = vm_open(vm, 0);
	for (i = 0; !ret && i < NR_VENDORS; i++) {
		memset(&world, 0, sizeof(world));
		ret = world_use(vendors[i].name);
		strcpy(world.bdf[i], world.bdf[0]);
		w[i] = world;
		ret = ret ?: fn_open(&fn[i], vm) ?:
		      failed(fn_bind(&fn[i]), "bind of %s", vendors[i].name) ?:
		      fn_run(&fn[i]) ?: fn_ring_start(&fn[i]);
	}
	/* they go one by one, and the rest goes on */
	for (i = 0; !ret && i < NR_VENDORS; i++) {
		for (j = i; !ret && j < NR_VENDORS; j++) {
			world = w[j];
			ret = failed(dma_use(vm, &fn[j]), "%s without %zu",
				     vendors[j].name, i);
		}
		world = w[i];
		ret = ret ?: failed(fn_unbind(&fn[i]), "unbind of %s",
				    vendors[i].name) ?:
		      vm_must_fault(vm, fn_bar_gpa(&fn[i], TEEMU_BAR_MEM));
	}
	for (i = NR_VENDORS; i--;)
		fn_close(&fn[i]);
	vm_close(vm);
	*result = ret;
}

#define THREE_IN_ONE	'3'

static int do_three(struct vm *vm, struct fn *fn, int op, int to)
{
	int ret = -EINVAL;

	(void)fn;
	(void)to;
	if (op == THREE_IN_ONE)
		three_in_one_vm(vm, &ret);
	return ret;
}

AUDITED_TEST(three_vendors_in_one_vm)
{
	struct child c, auditors[2];
	int i;

	ONCE_OR_SKIP();
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, child_start(&auditors[i], other_vendor(i), 0, audit));
		ASSERT_EQ(0, child_tell(&auditors[i], AUDIT_FIRST));
	}
	ASSERT_EQ(0, child_start(&c, world.vendor->name, 0, do_three));
	EXPECT_EQ(0, child_tell(&c, THREE_IN_ONE));
	EXPECT_EQ(0, child_end(&c));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, child_tell(&auditors[i], AUDIT_LAST))
			note("platform of %s", other_vendor(i));
		EXPECT_EQ(0, child_end(&auditors[i]));
	}
}

TVM_MAIN
