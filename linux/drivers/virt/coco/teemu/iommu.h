/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * teemu: private types of the emulated IOMMU.
 *
 *  iommu	one unit, serves every function of one root complex's PCI domain
 *  iommu_dev	one function behind it: what it is attached to, whether trusted
 *		DMA is armed, what its requests came to
 *  domain	an I/O page table, VT-d second stage format, that the unit walks as
 *		hardware would
 */
#ifndef __TEEMU_IOMMU_H
#define __TEEMU_IOMMU_H

#include <linux/atomic.h>
#include <linux/generic_pt/iommu.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include "teemu.h"

struct iommufd_viommu;
struct iommu_user_data;

/* second stage: 4 levels of 9 bits, counted from 0, above 4 KiB pages */
#define TEEMU_PT_TOP_LEVEL	3
#define TEEMU_PT_VASZ_LG2	48
#define TEEMU_PT_OASZ_LG2	52

/*
 * A request in flight holds it for reading from the decision to the last byte.
 * For writing it owns every attachment (teemu_iommu_dev::domain), the arming of
 * trusted DMA and the units' lists of functions. So taking it for writing, even
 * with nothing to write, means that no request is in flight and that the next
 * one sees the present tables. One lock for all units: a domain may be attached
 * to functions of several, and its users must be shut out together.
 *
 * Process context only: the default domain is blocked, so the DMA API never gets
 * here. Order: teemu_fn::dsm_lock, this, the lock of the firmware's tables.
 */
extern rwlock_t teemu_iommu_lock;

/**
 * struct teemu_iommu_stats - what the requests of one function came to
 * @t0_ok: T=0, done
 * @t0_blocked: T=0, refused: no domain, or memory that is not the host's to give
 * @t0_fault: T=0, no translation or no permission in the domain
 * @t1_ok: T=1, done
 * @t1_blocked: T=1, refused: not armed, or by firmware
 * @t1_miss: T=1, answered "not present" (tried again after the miss handler)
 */
struct teemu_iommu_stats {
	atomic64_t t0_ok;
	atomic64_t t0_blocked;
	atomic64_t t0_fault;
	atomic64_t t1_ok;
	atomic64_t t1_blocked;
	atomic64_t t1_miss;
};

/**
 * struct teemu_iommu - one emulated IOMMU
 * @core: registration with the IOMMU core; its fwnode is a software node
 * @rc: the root complex that it serves
 * @nb: PCI bus notifier that introduces the root complex's functions to it
 * @devs: the functions, under teemu_iommu_lock
 * @strays: requests of a requester id that has no function here
 */
struct teemu_iommu {
	struct iommu_device core;
	struct teemu_rc *rc;
	struct notifier_block nb;
	struct list_head devs;
	atomic64_t strays;
};

/**
 * struct teemu_domain - one I/O page table
 * @domain: the core's view
 * @iommu: the generic page table's view of the same bytes
 * @vtdss: the table with its format
 * @root: the top table, which never moves
 */
struct teemu_domain {
	union {
		struct iommu_domain domain;
		struct pt_iommu iommu;
		struct pt_iommu_vtdss vtdss;
	};
	const u64 *root;
};

PT_IOMMU_CHECK_DOMAIN(struct teemu_domain, iommu, domain);
PT_IOMMU_CHECK_DOMAIN(struct teemu_domain, vtdss.iommu, domain);

/**
 * struct teemu_iommu_dev - one function behind the IOMMU
 * @node: link in teemu_iommu::devs
 * @iommu: the unit
 * @pdev: the function; outlives this
 * @rid: its requester id
 * @domain: what its T=0 requests go through, NULL: blocked
 * @armed: its T=1 requests may be shown to firmware
 * @tdi_id: the virtual RID that @armed was asked for
 * @stats: outcomes of its requests
 *
 * @domain, @armed and @tdi_id are under teemu_iommu_lock. Lives from probe_device
 * to release_device of the IOMMU core.
 */
struct teemu_iommu_dev {
	struct list_head node;
	struct teemu_iommu *iommu;
	struct pci_dev *pdev;
	u16 rid;
	struct teemu_domain *domain;
	bool armed;
	u32 tdi_id;
	struct teemu_iommu_stats stats;
};

/* iommu.c */
bool teemu_iommu_owns(const struct iommu_domain *domain);

/* iommu_access.c */
void teemu_iommu_shut_out(void);
void teemu_iommu_dev_attach(struct teemu_iommu_dev *idev,
			    struct teemu_domain *domain);
int teemu_iommu_arm(struct teemu_iommu_dev *idev, u32 tdi_id);
void teemu_iommu_disarm(struct teemu_iommu_dev *idev);

/* iommu_viommu.c */
size_t teemu_viommu_size(struct device *dev, enum iommu_viommu_type type);
int teemu_viommu_init(struct iommufd_viommu *viommu, struct iommu_domain *parent,
		      const struct iommu_user_data *user_data);

#endif /* __TEEMU_IOMMU_H */
