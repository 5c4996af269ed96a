// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata pages that several TDIs share: the device interface lookup page and
 * the root entry of a bus, and the MMIO metadata of 2 MiB of address space.
 * Each is given to firmware by its first user and comes back with its last.
 *
 * A page that firmware does not give back yet stays, with no user: metadata may be
 * late (it counts nothing). It may be half-way out (an entry that is blocked), so
 * the next user takes it out first and gives a new one.
 */
#include <linux/cleanup.h>
#include <linux/slab.h>

#include "tdx-tsm.h"

struct tdx_meta {
	unsigned int users;
	u64 page;
};

static u64 devifmt_add(struct tdx_tsm *tsm, u64 key, u64 page)
{
	return tdh_devif_mt_add(tsm->fw, TDX_IOMMU, key, page);
}

static int devifmt_remove(struct tdx_tsm *tsm, u64 key)
{
	u64 page;

	return tdx_check(tsm, TDH_DEVIF_MT_REMOVE,
			 tdx_retry(tdh_devif_mt_remove(tsm->fw, TDX_IOMMU, key,
						       &page)));
}

static u64 rte_add(struct tdx_tsm *tsm, u64 key, u64 page)
{
	return tdh_dmar_add(tsm->fw, TDX_IOMMU, TDX_DMAR_RTE,
			    PCI_DEVID(key, 0), page);
}

static int rte_remove(struct tdx_tsm *tsm, u64 key)
{
	u64 page;

	return tdx_dmar_entry_remove(tsm, TDX_DMAR_RTE, PCI_DEVID(key, 0), NULL,
				     &page);
}

static u64 mmiomt_add(struct tdx_tsm *tsm, u64 key, u64 page)
{
	return tdh_mmio_mt_add(tsm->fw, key << 21, page);
}

static int mmiomt_remove(struct tdx_tsm *tsm, u64 key)
{
	u64 page;

	return tdx_check(tsm, TDH_MMIO_MT_REMOVE,
			 tdx_retry(tdh_mmio_mt_remove(tsm->fw, key << 21,
						      &page)));
}

static const struct {
	u32 leaf;
	u64 (*add)(struct tdx_tsm *tsm, u64 key, u64 page);
	int (*remove)(struct tdx_tsm *tsm, u64 key);
} meta_kinds[TDX_META_NR] = {
	[TDX_META_DEVIFMT] = { TDH_DEVIF_MT_ADD, devifmt_add, devifmt_remove },
	[TDX_META_RTE] = { TDH_DMAR_ADD, rte_add, rte_remove },
	[TDX_META_MMIOMT] = { TDH_MMIO_MT_ADD, mmiomt_add, mmiomt_remove },
};

static void meta_free(struct tdx_meta *meta)
{
	if (meta)
		tdx_page_free(&meta->page);
	kfree(meta);
}

DEFINE_FREE(meta_free, struct tdx_meta *, meta_free(_T))

static int meta_create(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	struct tdx_meta *meta __free(meta_free) = kzalloc_obj(*meta);
	int rc;

	lockdep_assert_held(&tsm->lock);

	if (!meta)
		return -ENOMEM;
	meta->users = 1;
	meta->page = tdx_page_alloc();
	if (!meta->page)
		return -ENOMEM;

	/* our own record first: it is the one that may fail for lack of memory */
	rc = xa_insert(&tsm->meta[kind], key, meta, GFP_KERNEL);
	if (rc)
		return rc;
	rc = tdx_check(tsm, meta_kinds[kind].leaf,
		       tdx_retry(meta_kinds[kind].add(tsm, key, meta->page)));
	if (rc) {
		xa_erase(&tsm->meta[kind], key);
		return rc;
	}
	retain_and_null_ptr(meta);
	return 0;
}

static int meta_remove(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
		       struct tdx_meta *meta)
{
	int rc;

	lockdep_assert_held(&tsm->lock);

	/* a refusal may be passing */
	rc = meta_kinds[kind].remove(tsm, key);
	if (rc)
		rc = meta_kinds[kind].remove(tsm, key);
	if (rc)
		return rc;
	xa_erase(&tsm->meta[kind], key);
	meta_free(meta);
	return 0;
}

/**
 * tdx_meta_get() - see to it that firmware has a metadata page
 * @tsm: the root complex
 * @kind: what it describes
 * @key: the bus, or the physical address >> 21
 *
 * To be undone with tdx_meta_put(). Context: process.
 * Return: 0; -ENOMEM; or what tdx_check() makes of firmware's refusal, of an
 * earlier page that is still to leave, too.
 */
int tdx_meta_get(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	struct tdx_meta *meta;
	int rc;

	guard(mutex)(&tsm->lock);
	meta = xa_load(&tsm->meta[kind], key);
	if (meta && meta->users) {
		meta->users++;
		return 0;
	}
	rc = meta ? meta_remove(tsm, kind, key, meta) : 0;
	return rc ?: meta_create(tsm, kind, key);
}

/**
 * tdx_meta_put() - undo one tdx_meta_get()
 * @tsm: the root complex
 * @kind: as in get
 * @key: as in get
 *
 * Context: process; never fails.
 */
void tdx_meta_put(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	struct tdx_meta *meta;

	guard(mutex)(&tsm->lock);
	meta = xa_load(&tsm->meta[kind], key);
	if (WARN_ON(!meta || !meta->users))
		return;
	if (!--meta->users)
		meta_remove(tsm, kind, key, meta);
}

void tdx_meta_init(struct tdx_tsm *tsm)
{
	mutex_init(&tsm->lock);
	for (int i = 0; i < TDX_META_NR; i++)
		xa_init(&tsm->meta[i]);
}

/* Pages that firmware was late with get their last chance */
void tdx_meta_exit(struct tdx_tsm *tsm)
{
	struct tdx_meta *meta;
	unsigned long key;

	guard(mutex)(&tsm->lock);
	for (int i = 0; i < TDX_META_NR; i++) {
		xa_for_each(&tsm->meta[i], key, meta) {
			if (!meta->users)
				meta_remove(tsm, i, key, meta);
		}
		if (!xa_empty(&tsm->meta[i]))
			tdx_leak(tsm, tsm, "metadata pages");
	}
}
