// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the TDI assignment core, on a function, a TSM, a VFIO, a KVM
 * and an IOMMU that are nothing but lists of what was called.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/tsm.h>

#include "tdi.h"

#define LOG_SIZE 256

/**
 * struct world - a function and everybody around it
 * @bus: where it is
 * @pdev: function 0 and its own DSM
 * @hold: of the one operation at a time
 * @tsm_dev: the TSM, with @ops
 * @pf0: the link context
 * @tdi: what the fake TSM's bind hands out
 * @log: the calls, one word each
 * @fail: name of the call that answers -EIO
 * @locked: what the fake TSM says about the TDISP state
 * @accepted: what the fake TSM says about a page
 * @quarantine: the fake TSM's unbind fails
 * @in_bind: runs inside the fake TSM's bind
 * @events: the events that arrived, a digit each
 * @kvm: the VM that the function is associated with, NULL for none
 */
struct world {
	struct pci_bus bus;
	struct pci_dev pdev;
	struct pci_tdi_hold hold;
	struct pci_tsm_ops ops;
	struct tsm_dev tsm_dev;
	struct pci_tsm_pf0 pf0;
	struct pci_tdi tdi;
	char log[LOG_SIZE];
	const char *fail;
	bool locked;
	bool accepted;
	bool quarantine;
	void (*in_bind)(struct world *w);
	char events[16];
	struct kvm *kvm;
};

/* ops without a private pointer find the world here; KUnit runs one test a time */
static struct world *the_world;
static const struct pci_tdi_kvm_ops *real_kvm_ops;

/* any two addresses that differ will do: nobody looks behind them */
#define KVM_A ((struct kvm *)0x1000)
#define KVM_B ((struct kvm *)0x2000)

static int called(struct world *w, const char *name)
{
	strlcat(w->log, name, LOG_SIZE);
	strlcat(w->log, " ", LOG_SIZE);
	return w->fail && !strcmp(w->fail, name) ? -EIO : 0;
}

static struct kvm *fake_get_kvm(void *priv)
{
	struct world *w = priv;

	return w->kvm;
}

static int fake_revoke(void *priv, struct kvm *kvm)
{
	return called(priv, "revoke");
}

static void fake_give_back(void *priv)
{
	called(priv, "give_back");
}

static const struct pci_tdi_bar_ops fake_bar_ops = {
	.get_kvm = fake_get_kvm,
	.revoke = fake_revoke,
	.give_back = fake_give_back,
};

static int fake_dma_enable(void *priv, u32 tdi_id)
{
	return called(priv, "dma_on");
}

static void fake_dma_disable(void *priv)
{
	called(priv, "dma_off");
}

static const struct pci_tdi_dma_ops fake_dma_ops = {
	.enable = fake_dma_enable,
	.disable = fake_dma_disable,
};

static bool fake_kvm_get(struct kvm *kvm)
{
	return !called(the_world, "kvm_get");
}

static void fake_kvm_put(struct kvm *kvm)
{
	called(the_world, "kvm_put");
}

static void fake_mmio_unmap(struct kvm *kvm, struct pci_tdi_seat *seat)
{
	called(the_world, "unmap");
}

static const struct pci_tdi_kvm_ops fake_kvm_ops = {
	.get = fake_kvm_get,
	.put = fake_kvm_put,
	.mmio_unmap = fake_mmio_unmap,
};

static bool fake_accepted(struct pci_tdi *tdi, u64 gpa, phys_addr_t hpa)
{
	return the_world->accepted;
}

static bool fake_locked(struct pci_tdi *tdi)
{
	return the_world->locked;
}

static const struct pci_tdi_ops fake_tdi_ops = {
	.mmio_accepted = fake_accepted,
	.locked = fake_locked,
};

static struct pci_tdi *fake_bind(struct pci_dev *pdev, struct kvm *kvm,
				 u32 tdi_id)
{
	struct world *w = the_world;
	int rc = called(w, "bind");

	if (rc)
		return ERR_PTR(rc);
	pci_tsm_tdi_constructor(pdev, &w->tdi, kvm, tdi_id);
	w->tdi.ops = &fake_tdi_ops;
	if (w->in_bind)
		w->in_bind(w);
	return &w->tdi;
}

static void fake_unbind(struct pci_tdi *tdi)
{
	struct world *w = the_world;

	called(w, "unbind");
	/* whoever believes that it is his to unbind gets the time to do it */
	fsleep(2000);
	if (w->quarantine) {
		pci_tdi_quarantine(tdi, "the test says so");
		return;
	}
	pci_tdi_unmap_mmio(tdi);
	pci_tdi_dma_off(tdi);
}

static ssize_t fake_guest_req(struct pci_tdi *tdi, enum pci_tsm_req_scope scope,
			      sockptr_t req_in, size_t in_len, sockptr_t req_out,
			      size_t out_len, u64 *tsm_code)
{
	*tsm_code = 42;
	return 1;
}

static struct pci_tsm *fake_probe(struct tsm_dev *tsm_dev, struct pci_dev *pdev)
{
	return NULL;
}

static void fake_notify(void *priv, enum pci_tdi_event event)
{
	struct world *w = priv;

	size_t len = strlen(w->events);

	if (len + 1 < sizeof(w->events))
		w->events[len] = '0' + event;
}

/* A PCIe endpoint function 0 with the TEE bit, connected to the fake TSM */
static void world_connect(struct world *w)
{
	w->ops.probe = fake_probe;
	w->ops.bind = fake_bind;
	w->ops.unbind = fake_unbind;
	w->ops.guest_req = fake_guest_req;
	w->tsm_dev.pci_ops = &w->ops;
	w->pf0.base_tsm.pdev = &w->pdev;
	w->pf0.base_tsm.dsm_dev = &w->pdev;
	w->pf0.base_tsm.tsm_dev = &w->tsm_dev;
	mutex_init(&w->pf0.lock);
	w->pdev.tsm = &w->pf0.base_tsm;
}

static void world_release(struct device *dev)
{
}

static int open(struct world *w)
{
	int rc;

	rc = pci_tdi_seat_open(&w->pdev, &w->hold);
	pci_tdi_end(&w->hold);
	return rc;
}

static void close(struct world *w)
{
	pci_tdi_seat_close(&w->pdev, &w->hold);
	pci_tdi_end(&w->hold);
}

static int begin(struct world *w, enum pci_tdi_how how)
{
	return pci_tdi_begin(&w->hold, &w->pdev, PCI_TDI_FUNCTION, how);
}

static int tdi_test_init(struct kunit *test)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct pci_bus *root = pci_find_next_bus(NULL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	if (!root)
		kunit_skip(test, "no PCI bus to borrow the domain from");
	test->priv = w;
	the_world = w;

	device_initialize(&w->pdev.dev);
	w->pdev.dev.release = world_release;
	KUNIT_ASSERT_EQ(test, 0, dev_set_name(&w->pdev.dev, "tdi-kunit"));
	w->pdev.dev.bus = &pci_bus_type;
	w->bus.sysdata = root->sysdata;
	w->bus.number = 0xfe;
	w->pdev.bus = &w->bus;
	w->pdev.pcie_cap = 0x40;
	w->pdev.devcap = PCI_EXP_DEVCAP_TEE;
	w->kvm = KVM_A;
	w->locked = true;
	world_connect(w);

	/* KVM itself is registered already when it is built in */
	real_kvm_ops = tdi_kvm_ops_get();
	if (real_kvm_ops)
		pci_tdi_unregister_kvm(real_kvm_ops);
	KUNIT_ASSERT_EQ(test, 0, pci_tdi_register_kvm(&fake_kvm_ops));

	pci_tdi_init(&w->pdev);
	KUNIT_ASSERT_NOT_NULL(test, w->pdev.tdi_seat);
	KUNIT_ASSERT_EQ(test, 0,
			pci_tdi_seat_register(&w->pdev, &fake_bar_ops, w));
	KUNIT_ASSERT_EQ(test, 0, pci_tdi_set_dma(&w->pdev, &fake_dma_ops, w));
	KUNIT_ASSERT_EQ(test, 0, open(w));
	return 0;
}

static void tdi_test_exit(struct kunit *test)
{
	struct world *w = test->priv;

	/* skipped, or it came not so far */
	if (!w || !w->pdev.tdi_seat)
		return;
	w->quarantine = false;
	if (pci_tdi_quarantined(&w->pdev))
		KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), 0);
	close(w);
	pci_tdi_forget_notify(&w->pdev, w);
	pci_tdi_clear_dma(&w->pdev, w);
	flush_work(&w->pdev.tdi_seat->notify_work);
	pci_tdi_seat_unregister(&w->pdev);
	pci_tdi_release(&w->pdev);

	pci_tdi_unregister_kvm(&fake_kvm_ops);
	if (real_kvm_ops) {
		pci_tdi_register_kvm(real_kvm_ops);
		tdi_kvm_ops_put(real_kvm_ops);
	}
	/* nobody else has a reference left */
	KUNIT_EXPECT_EQ(test, kref_read(&w->pdev.dev.kobj.kref), 1);
	put_device(&w->pdev.dev);
}

static int bind(struct world *w)
{
	return pci_tdi_bind(&w->pdev, 7, fake_notify, w);
}

static void expect_log(struct kunit *test, const char *want)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_STREQ(test, w->log, want);
	w->log[0] = 0;
}

static void bind_unbind_in_order(struct kunit *test)
{
	struct world *w = test->priv;

	for (int round = 0; round < 2; round++) {
		KUNIT_EXPECT_EQ(test, bind(w), 0);
		expect_log(test, "kvm_get revoke dma_on bind ");
		KUNIT_EXPECT_EQ(test, pci_tdi_get_state(&w->pdev),
				PCI_TDI_BOUND);
		KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
		expect_log(test, "unbind unmap dma_off give_back kvm_put ");
		KUNIT_EXPECT_EQ(test, pci_tdi_get_state(&w->pdev),
				PCI_TDI_UNBOUND);
	}
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	expect_log(test, "");
	KUNIT_EXPECT_STREQ(test, w->events, "");
}

static void r16_bind_fails_at_each_step(struct kunit *test)
{
	static const struct {
		const char *step;
		int rc;
		const char *log;
	} cases[] = {
		{ "kvm_get", -ENODEV, "kvm_get " },
		{ "revoke", -EIO, "kvm_get revoke kvm_put " },
		{ "dma_on", -EIO, "kvm_get revoke dma_on give_back kvm_put " },
		{ "bind", -EIO,
		  "kvm_get revoke dma_on bind dma_off give_back kvm_put " },
	};
	struct world *w = test->priv;

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		w->fail = cases[i].step;
		KUNIT_EXPECT_EQ_MSG(test, bind(w), cases[i].rc, "%s", w->fail);
		expect_log(test, cases[i].log);
		KUNIT_EXPECT_EQ(test, pci_tdi_get_state(&w->pdev),
				PCI_TDI_UNBOUND);
		w->fail = NULL;
		KUNIT_EXPECT_EQ(test, bind(w), 0);
		KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
		w->log[0] = 0;
	}
}

static void r15_situations(struct kunit *test)
{
	struct world *w = test->priv;
	struct pci_tsm *tsm = w->pdev.tsm;

	w->kvm = NULL;
	KUNIT_EXPECT_EQ(test, bind(w), -ENODEV);
	w->kvm = KVM_A;

	w->pdev.tsm = NULL;
	KUNIT_EXPECT_EQ(test, bind(w), -ENXIO);
	w->pdev.tsm = tsm;

	w->ops.bind = NULL;
	KUNIT_EXPECT_EQ(test, bind(w), -EOPNOTSUPP);
	w->ops.bind = fake_bind;

	pci_tdi_clear_dma(&w->pdev, w);
	KUNIT_EXPECT_EQ(test, bind(w), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, pci_tdi_set_dma(&w->pdev, &fake_dma_ops, w), 0);

	pci_tdi_unregister_kvm(&fake_kvm_ops);
	KUNIT_EXPECT_EQ(test, bind(w), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, pci_tdi_register_kvm(&fake_kvm_ops), 0);

	close(w);
	KUNIT_EXPECT_EQ(test, bind(w), -EBUSY);
	KUNIT_EXPECT_EQ(test, open(w), 0);

	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_UNBIND_FIRST), 0);
	KUNIT_EXPECT_EQ(test, bind(w), -EBUSY);
	pci_tdi_end(&w->hold);

	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE), 0);
	KUNIT_EXPECT_EQ(test, bind(w), -EBUSY);
	pci_tdi_end(&w->hold);

	/* nothing above left anything behind */
	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, bind(w), -EBUSY);
}

/* What the user interface cannot reach: it has one binder for each function */
static void r15_second_binder(struct kunit *test)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, pci_tsm_bind(&w->pdev, KVM_A, 7), 0);
	KUNIT_EXPECT_EQ(test, pci_tsm_bind(&w->pdev, KVM_B, 7), -EBUSY);
	KUNIT_EXPECT_EQ(test, pci_tsm_bind(&w->pdev, KVM_A, 8), -EBUSY);
}

static void gate_refuses_while_bound(struct kunit *test)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE), -EBUSY);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE_LOCKED), -EBUSY);

	/* a confirmed STOP opens it for config writes and for nothing else */
	w->locked = false;
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE), -EBUSY);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE_LOCKED), 0);
	pci_tdi_end(&w->hold);

	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE), 0);
	pci_tdi_end(&w->hold);
}

/* a driver that cannot undo its own bind says so, and returns the TDI */
static void quarantine_in_bind(struct world *w)
{
	pci_tdi_quarantine(&w->tdi, "the test says so");
}

static void close_in_bind(struct world *w)
{
	/* as pci_tdi_seat_close() does before it waits for this bind */
	w->pdev.tdi_seat->open = false;
}

static void r02_close_during_bind(struct kunit *test)
{
	struct world *w = test->priv;

	w->in_bind = close_in_bind;
	KUNIT_EXPECT_EQ(test, bind(w), -EBUSY);
	expect_log(test, "kvm_get revoke dma_on bind unbind unmap dma_off give_back kvm_put ");
	KUNIT_EXPECT_EQ(test, pci_tdi_get_state(&w->pdev), PCI_TDI_UNBOUND);
}

static void r06_core_unbinds(struct kunit *test)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->log[0] = 0;

	/* disconnect reaches the driver by this same function */
	pci_tsm_unbind(&w->pdev);
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	expect_log(test, "unbind unmap dma_off give_back kvm_put ");

	flush_work(&w->pdev.tdi_seat->release);
	flush_work(&w->pdev.tdi_seat->notify_work);
	KUNIT_EXPECT_STREQ(test, w->events, "1");
	KUNIT_EXPECT_EQ(test, bind(w), 0);
}

static int core_unbind_thread(void *arg)
{
	struct world *w = arg;

	pci_tsm_unbind(&w->pdev);
	return 0;
}

static void start_core_unbind(struct world *w)
{
	struct pci_tdi_seat *seat = w->pdev.tdi_seat;

	/* the core's unbind waits for pf0->lock, which this bind holds */
	WARN_ON(IS_ERR(kthread_run(core_unbind_thread, w, "tdi-kunit")));
	WARN_ON(seat->state != PCI_TDI_BINDING);
}

static void r06_core_unbinds_during_bind(struct kunit *test)
{
	struct world *w = test->priv;
	int rc;

	/* either the core is too early to find the TDI, or bind finds out */
	w->in_bind = start_core_unbind;
	rc = bind(w);
	KUNIT_EXPECT_TRUE(test, rc == 0 || rc == -ENXIO);
	/* the thread has run when its unbind is visible, whichever way */
	for (int i = 0; i < 1000 && !strstr(w->log, "unbind"); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_get_state(&w->pdev), PCI_TDI_UNBOUND);
	expect_log(test, "kvm_get revoke dma_on bind unbind unmap dma_off give_back kvm_put ");
	w->in_bind = NULL;
	KUNIT_EXPECT_EQ(test, bind(w), 0);
}

static void r18_quarantine(struct kunit *test)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->log[0] = 0;
	w->quarantine = true;
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), -EIO);
	/* the TVM is cut off in any case */
	expect_log(test, "unbind unmap dma_off ");

	KUNIT_EXPECT_TRUE(test, pci_tdi_quarantined(&w->pdev));
	KUNIT_EXPECT_TRUE(test, pci_tdi_reset_quarantined(&w->pdev));
	KUNIT_EXPECT_EQ(test, bind(w), -EIO);
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), -EIO);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE), -EBUSY);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_REFUSE_LOCKED), -EBUSY);
	KUNIT_EXPECT_EQ(test, begin(w, PCI_TDI_UNBIND_FIRST), -EIO);
	pci_tdi_end(&w->hold);
	close(w);
	KUNIT_EXPECT_EQ(test, open(w), -EIO);
	KUNIT_EXPECT_TRUE(test, pci_tdi_bound_to(w->pdev.tdi_seat, KVM_A));

	pci_tdi_clear_dma(&w->pdev, w);
	pci_tdi_seat_unregister(&w->pdev);
	KUNIT_EXPECT_EQ(test,
			pci_tdi_seat_register(&w->pdev, &fake_bar_ops, w),
			-EIO);
	flush_work(&w->pdev.tdi_seat->notify_work);
	KUNIT_EXPECT_STREQ(test, w->events, "3");
	expect_log(test, "");

	/* the way out, with VFIO and the vdevice gone */
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), -EIO);
	expect_log(test, "unbind ");
	w->quarantine = false;
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), 0);
	expect_log(test, "unbind kvm_put ");
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), -EINVAL);
}

static void r18_retry_while_offered(struct kunit *test)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->quarantine = true;
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), -EIO);
	w->quarantine = false;
	w->log[0] = 0;
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), 0);
	expect_log(test, "unbind give_back kvm_put ");
	flush_work(&w->pdev.tdi_seat->notify_work);
	KUNIT_EXPECT_STREQ(test, w->events, "31");
	KUNIT_EXPECT_EQ(test, bind(w), 0);
}

/* The TSM core tries again when the function leaves, and its work item ends it */
static void r18_core_retries(struct kunit *test)
{
	struct world *w = test->priv;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->quarantine = true;
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), -EIO);
	w->log[0] = 0;
	pci_tsm_unbind(&w->pdev);
	flush_work(&w->pdev.tdi_seat->release);
	expect_log(test, "unbind ");
	KUNIT_EXPECT_TRUE(test, pci_tdi_quarantined(&w->pdev));
	w->quarantine = false;
	pci_tsm_unbind(&w->pdev);
	flush_work(&w->pdev.tdi_seat->release);
	expect_log(test, "unbind give_back kvm_put ");
	KUNIT_EXPECT_EQ(test, bind(w), 0);
}

/* A TSM that goes with a TDI in quarantine leaves nobody who could end it */
static void r18_tsm_goes(struct kunit *test)
{
	struct world *w = test->priv;
	struct pci_tsm *tsm = w->pdev.tsm;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->quarantine = true;
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), -EIO);
	w->quarantine = false;
	w->pdev.tsm = NULL;
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), -EIO);
	w->pdev.tsm = tsm;
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), 0);
}

static void r18_bind_is_born_quarantined(struct kunit *test)
{
	struct world *w = test->priv;

	w->in_bind = quarantine_in_bind;
	KUNIT_EXPECT_EQ(test, bind(w), -EIO);
	expect_log(test, "kvm_get revoke dma_on bind unmap dma_off ");
	KUNIT_EXPECT_TRUE(test, pci_tdi_quarantined(&w->pdev));
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(w->pdev.tdi_seat), 0);
	expect_log(test, "unbind give_back kvm_put ");
}

static void next_release(struct device *dev)
{
	pci_tdi_release(to_pci_dev(dev));
}

/* What comes to the address of a function in quarantine takes it over */
static void r18_next_at_the_address(struct kunit *test)
{
	struct world *w = test->priv;
	struct pci_dev *next = kunit_kzalloc(test, sizeof(*next), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, next);
	device_initialize(&next->dev);
	next->dev.release = next_release;
	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->quarantine = true;
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), -EIO);

	next->bus = &w->bus;
	next->pcie_cap = 0x40;
	next->devfn = 1;
	pci_tdi_init(next);
	KUNIT_EXPECT_FALSE(test, pci_tdi_quarantined(next));
	pci_tdi_release(next);

	next->devfn = 0;
	pci_tdi_init(next);
	KUNIT_EXPECT_TRUE(test, pci_tdi_quarantined(next));
	KUNIT_EXPECT_FALSE(test, pci_tdi_quarantined(&w->pdev));
	KUNIT_EXPECT_TRUE(test, pci_tdi_bound_to(w->pdev.tdi_seat, KVM_A));
	KUNIT_EXPECT_EQ(test,
			pci_tdi_seat_register(next, &fake_bar_ops, w), -EIO);
	/* the TSM driver gives the new function the TDI that it has kept */
	next->tsm = w->pdev.tsm;
	w->quarantine = false;
	w->log[0] = 0;
	KUNIT_EXPECT_EQ(test, tdi_seat_retry(next->tdi_seat), 0);
	expect_log(test, "unbind kvm_put ");
	flush_work(&next->tdi_seat->notify_work);
	/* slots of the first one's time ask it about the second one */
	KUNIT_EXPECT_EQ(test, kref_read(&next->dev.kobj.kref), 2);
	put_device(&next->dev);
}

static void r19_events_in_order(struct kunit *test)
{
	struct world *w = test->priv;
	struct pci_tdi_seat *seat = w->pdev.tdi_seat;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	pci_tdi_report_error(&w->tdi);
	pci_tsm_unbind(&w->pdev);
	flush_work(&seat->release);
	flush_work(&seat->notify_work);
	KUNIT_EXPECT_STREQ(test, w->events, "21");

	/* nobody delivers while this is held: two more than there is room for */
	memset(w->events, 0, sizeof(w->events));
	mutex_lock(&seat->notify_lock);
	for (int i = 0; i < ARRAY_SIZE(seat->events) + 2; i++)
		tdi_seat_post(seat, i ? PCI_TDI_EVENT_ERROR :
					PCI_TDI_EVENT_UNBOUND);
	mutex_unlock(&seat->notify_lock);
	flush_work(&seat->notify_work);
	KUNIT_EXPECT_STREQ(test, w->events, "122222224");

	/* and goes on as before */
	tdi_seat_post(seat, PCI_TDI_EVENT_ERROR);
	flush_work(&seat->notify_work);
	KUNIT_EXPECT_STREQ(test, w->events, "1222222242");
}

static void r23_mmio_answer(struct kunit *test)
{
	struct world *w = test->priv;
	struct pci_tdi_seat *seat = w->pdev.tdi_seat;

	w->accepted = true;
	KUNIT_EXPECT_FALSE(test, pci_tdi_mmio_allowed(seat, KVM_A, 0, 0));
	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_TRUE(test, pci_tdi_mmio_allowed(seat, KVM_A, 0, 0));
	KUNIT_EXPECT_FALSE(test, pci_tdi_mmio_allowed(seat, KVM_B, 0, 0));
	w->accepted = false;
	KUNIT_EXPECT_FALSE(test, pci_tdi_mmio_allowed(seat, KVM_A, 0, 0));
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	w->accepted = true;
	KUNIT_EXPECT_FALSE(test, pci_tdi_mmio_allowed(seat, KVM_A, 0, 0));
}

static void unmap_in_bind(struct world *w)
{
	pci_tdi_unmap_mmio(&w->tdi);
}

/* what a driver unmaps for a guest's own request does not count for the unbind */
static void r23_unmap_while_bound(struct kunit *test)
{
	struct world *w = test->priv;

	w->in_bind = unmap_in_bind;
	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->log[0] = 0;
	pci_tdi_unmap_mmio(&w->tdi);
	pci_tdi_unmap_mmio(&w->tdi);
	expect_log(test, "unmap unmap ");
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	expect_log(test, "unbind unmap dma_off give_back kvm_put ");
}

static ssize_t guest_req(struct world *w, enum pci_tsm_req_scope scope, u64 *code)
{
	struct pci_tdi_req req = { .op = 1 };
	char resp[8];

	return pci_tdi_guest_req(&w->pdev, scope, &req, sizeof(req), resp, 8, code);
}

static void r20_guest_req(struct kunit *test)
{
	struct world *w = test->priv;
	u64 code = 0;

	KUNIT_EXPECT_EQ(test, pci_tdi_begin_req(&w->pdev), -ENXIO);
	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_begin_req(&w->pdev), 0);
	/* the fake leaves a residue of one byte */
	KUNIT_EXPECT_EQ(test, guest_req(w, PCI_TSM_REQ_INFO, &code), 7);
	KUNIT_EXPECT_EQ(test, code, 42);
	KUNIT_EXPECT_EQ(test, pci_tdi_begin_req(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, guest_req(w, PCI_TSM_REQ_DEBUG_READ, &code), -EINVAL);
}

/* a turn is of one binding: an unbind takes it away, and no later bind gives it back */
static void r20_turn_of_another_binding(struct kunit *test)
{
	struct world *w = test->priv;
	u64 code = 0;

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_begin_req(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, guest_req(w, PCI_TSM_REQ_INFO, &code), -ENXIO);

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_begin_req(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, bind(w), 0);
	KUNIT_EXPECT_EQ(test, guest_req(w, PCI_TSM_REQ_INFO, &code), -ENXIO);
	/* and it is in nobody's way */
	KUNIT_EXPECT_EQ(test, pci_tdi_begin_req(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, guest_req(w, PCI_TSM_REQ_INFO, &code), 7);
}

static int unbind_thread(void *arg)
{
	struct world *w = arg;

	pci_tdi_unbind(&w->pdev);
	while (!kthread_should_stop())
		usleep_range(100, 200);
	return 0;
}

static void start_unbinds(struct world *w, struct task_struct **task, int nr)
{
	for (int i = 0; i < nr; i++)
		task[i] = kthread_run(unbind_thread, w, "tdi-kunit/%d", i);
}

static void stop_unbinds(struct kunit *test, struct task_struct **task, int nr)
{
	for (int i = 0; i < nr; i++) {
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, task[i]);
		if (!IS_ERR_OR_NULL(task[i]))
			kthread_stop(task[i]);
	}
}

static void r02_one_of_many_unbinds(struct kunit *test)
{
	struct world *w = test->priv;
	struct task_struct *task[4];

	KUNIT_EXPECT_EQ(test, bind(w), 0);
	w->log[0] = 0;
	start_unbinds(w, task, ARRAY_SIZE(task));
	KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
	KUNIT_EXPECT_EQ(test, pci_tdi_get_state(&w->pdev), PCI_TDI_UNBOUND);
	stop_unbinds(test, task, ARRAY_SIZE(task));
	expect_log(test, "unbind unmap dma_off give_back kvm_put ");
}

static struct task_struct *bind_waiters[4];

static void unbind_in_bind(struct world *w)
{
	/* all of them wait for this bind, wake together, and one may unbind */
	start_unbinds(w, bind_waiters, ARRAY_SIZE(bind_waiters));
	msleep(20);
}

static void r02_unbinds_that_wait_for_a_bind(struct kunit *test)
{
	struct world *w = test->priv;

	for (int round = 0; round < 20; round++) {
		w->log[0] = 0;
		w->in_bind = unbind_in_bind;
		KUNIT_EXPECT_EQ(test, bind(w), 0);
		KUNIT_EXPECT_EQ(test, pci_tdi_unbind(&w->pdev), 0);
		stop_unbinds(test, bind_waiters, ARRAY_SIZE(bind_waiters));
		expect_log(test,
			   "kvm_get revoke dma_on bind unbind unmap dma_off give_back kvm_put ");
	}
	w->in_bind = NULL;
}

static struct kunit_case tdi_test_cases[] = {
	KUNIT_CASE(bind_unbind_in_order),
	KUNIT_CASE(r02_close_during_bind),
	KUNIT_CASE(r02_one_of_many_unbinds),
	KUNIT_CASE(r02_unbinds_that_wait_for_a_bind),
	KUNIT_CASE(r06_core_unbinds),
	KUNIT_CASE(r06_core_unbinds_during_bind),
	KUNIT_CASE(r15_situations),
	KUNIT_CASE(r15_second_binder),
	KUNIT_CASE(r16_bind_fails_at_each_step),
	KUNIT_CASE(r18_quarantine),
	KUNIT_CASE(r18_retry_while_offered),
	KUNIT_CASE(r18_core_retries),
	KUNIT_CASE(r18_tsm_goes),
	KUNIT_CASE(r18_bind_is_born_quarantined),
	KUNIT_CASE(r18_next_at_the_address),
	KUNIT_CASE(r19_events_in_order),
	KUNIT_CASE(r20_guest_req),
	KUNIT_CASE(r20_turn_of_another_binding),
	KUNIT_CASE(r23_mmio_answer),
	KUNIT_CASE(r23_unmap_while_bound),
	KUNIT_CASE(gate_refuses_while_bound),
	{}
};

static struct kunit_suite tdi_test_suite = {
	.name = "pci_tdi",
	.init = tdi_test_init,
	.exit = tdi_test_exit,
	.test_cases = tdi_test_cases,
};
kunit_test_suite(tdi_test_suite);

MODULE_DESCRIPTION("KUnit tests of TDI assignment");
MODULE_LICENSE("GPL");
