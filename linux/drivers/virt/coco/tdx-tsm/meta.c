// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata pages that several TDIs share: the device interface lookup page and
 * the root entry of a bus, and the MMIO metadata of 2 MiB, 1 GiB or 512 GiB of
 * address space, of which each is a user of the one above it. A page is given to
 * firmware by its first user and comes back with its last.
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

static u64 devifmt_add(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
		       u64 page)
{
	return tdh_devif_mt_add(tsm->fw, TDX_IOMMU, key, page);
}

static int devifmt_remove(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	u64 page;

	return tdx_check(tsm, TDH_DEVIF_MT_REMOVE,
			 tdx_retry(tdh_devif_mt_remove(tsm->fw, TDX_IOMMU, key,
						       &page)));
}

static u64 rte_add(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
		   u64 page)
{
	return tdh_dmar_add(tsm->fw, TDX_IOMMU, TDX_DMAR_RTE,
			    PCI_DEVID(key, 0), page);
}

static int rte_remove(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	u64 page;

	return tdx_dmar_entry_remove(tsm, TDX_DMAR_RTE, PCI_DEVID(key, 0), NULL,
				     &page);
}

/* firmware's level of a page: 1 has the entries of leaves of level 0 */
static unsigned int mmiomt_level(enum tdx_meta_kind kind)
{
	return kind - TDX_META_MMIOMT1 + 1;
}

static u64 mmiomt_add(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
		      u64 page)
{
	unsigned int level = mmiomt_level(kind);

	return tdh_mmio_mt_add(tsm->fw, key * tio_leaf_size(level), level, page);
}

static int mmiomt_remove(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	unsigned int level = mmiomt_level(kind);
	u64 hpa = key * tio_leaf_size(level);
	u64 page;

	return tdx_check(tsm, TDH_MMIO_MT_REMOVE,
			 tdx_retry(tdh_mmio_mt_remove(tsm->fw, hpa, level,
						      &page)));
}

static const struct {
	u32 leaf;
	u64 (*add)(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
		   u64 page);
	int (*remove)(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key);
	bool below;		/* a user of the next kind's page */
} meta_kinds[TDX_META_NR] = {
	[TDX_META_DEVIFMT] = { TDH_DEVIF_MT_ADD, devifmt_add, devifmt_remove },
	[TDX_META_RTE] = { TDH_DMAR_ADD, rte_add, rte_remove },
	[TDX_META_MMIOMT1] = { TDH_MMIO_MT_ADD, mmiomt_add, mmiomt_remove, true },
	[TDX_META_MMIOMT2] = { TDH_MMIO_MT_ADD, mmiomt_add, mmiomt_remove, true },
	[TDX_META_MMIOMT3] = { TDH_MMIO_MT_ADD, mmiomt_add, mmiomt_remove },
};

/* the key of the page above, where there are 512 entries to a page */
#define KEY_ABOVE(key)	((key) >> 9)

/**
 * tdx_meta_key() - which page has the metadata of an MMIO address
 * @kind: TDX_META_MMIOMT*
 * @hpa: physical address
 *
 * Return: its key for tdx_meta_get() and others. Context: any.
 */
u64 tdx_meta_key(enum tdx_meta_kind kind, u64 hpa)
{
	return hpa / tio_leaf_size(mmiomt_level(kind));
}

static void meta_free(struct tdx_meta *meta)
{
	if (meta)
		tio_page_free(&meta->page);
	kfree(meta);
}

DEFINE_FREE(meta_free, struct tdx_meta *, meta_free(_T))

static int meta_add(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	struct tdx_meta *meta __free(meta_free) = kzalloc_obj(*meta);
	int rc;

	lockdep_assert_held(&tsm->base.lock);

	if (!meta)
		return -ENOMEM;
	meta->users = 1;
	meta->page = tio_page_alloc();
	if (!meta->page)
		return -ENOMEM;

	/* our own record first: it is the one that may fail for lack of memory */
	rc = xa_insert(&tsm->meta[kind], key, meta, GFP_KERNEL);
	if (rc)
		return rc;
	rc = tdx_check(tsm, meta_kinds[kind].leaf,
		       tdx_retry(meta_kinds[kind].add(tsm, kind, key,
						      meta->page)));
	if (rc) {
		xa_erase(&tsm->meta[kind], key);
		return rc;
	}
	retain_and_null_ptr(meta);
	return 0;
}

static void meta_put(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key);

static int meta_remove(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key,
		       struct tdx_meta *meta)
{
	int rc;

	lockdep_assert_held(&tsm->base.lock);

	/* a refusal may be passing */
	rc = meta_kinds[kind].remove(tsm, kind, key);
	if (rc)
		rc = meta_kinds[kind].remove(tsm, kind, key);
	if (rc)
		return rc;
	xa_erase(&tsm->meta[kind], key);
	meta_free(meta);
	if (meta_kinds[kind].below)
		meta_put(tsm, kind + 1, KEY_ABOVE(key));
	return 0;
}

static void meta_put(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	struct tdx_meta *meta = xa_load(&tsm->meta[kind], key);

	lockdep_assert_held(&tsm->base.lock);

	if (WARN_ON(!meta || !meta->users))
		return;
	if (!--meta->users)
		meta_remove(tsm, kind, key, meta);
}

/* calls itself for the page above, and there are three levels of them */
static int meta_get(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	struct tdx_meta *meta = xa_load(&tsm->meta[kind], key);
	int rc = 0;

	lockdep_assert_held(&tsm->base.lock);

	if (meta && meta->users) {
		meta->users++;
		return 0;
	}
	if (meta)
		rc = meta_remove(tsm, kind, key, meta);
	if (!rc && meta_kinds[kind].below)
		rc = meta_get(tsm, kind + 1, KEY_ABOVE(key));
	if (rc)
		return rc;
	rc = meta_add(tsm, kind, key);
	if (rc && meta_kinds[kind].below)
		meta_put(tsm, kind + 1, KEY_ABOVE(key));
	return rc;
}

/**
 * tdx_meta_get() - see to it that firmware has a metadata page
 * @tsm: the root complex
 * @kind: what it describes
 * @key: the bus, or tdx_meta_key()
 *
 * And those above it. To be undone with tdx_meta_put(). Context: process.
 *
 * Return: 0; -ENOMEM; or what tdx_check() makes of firmware's refusal, of an
 * earlier page that is still to leave, too.
 */
int tdx_meta_get(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	guard(mutex)(&tsm->base.lock);
	return meta_get(tsm, kind, key);
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
	guard(mutex)(&tsm->base.lock);
	meta_put(tsm, kind, key);
}

/* @first .. before @end in enum tdx_meta_kind: pages below go before those above */
static void sweep(struct tdx_tsm *tsm, enum tdx_meta_kind first,
		  enum tdx_meta_kind end)
{
	struct tdx_meta *meta;
	unsigned long key;

	lockdep_assert_held(&tsm->base.lock);

	for (enum tdx_meta_kind kind = first; kind < end; kind++) {
		xa_for_each(&tsm->meta[kind], key, meta) {
			if (!meta->users)
				meta_remove(tsm, kind, key, meta);
		}
	}
}

/**
 * tdx_meta_sweep() - MMIO metadata that firmware was late with: another chance
 * @tsm: the root complex
 *
 * What nobody will ask for again would stay until the driver leaves. Context:
 * process; never fails.
 */
void tdx_meta_sweep(struct tdx_tsm *tsm)
{
	guard(mutex)(&tsm->base.lock);
	sweep(tsm, TDX_META_MMIOMT1, TDX_META_NR);
}

/**
 * tdx_meta_vacate() - see to it that firmware has no metadata page
 * @tsm: the root complex
 * @kind: TDX_META_MMIOMT*
 * @key: tdx_meta_key()
 *
 * A leaf wants that no smaller one can be where it is: what is late has to go.
 * Context: process.
 *
 * Return: 0; -EBUSY: somebody uses it, or firmware does not give it back.
 */
int tdx_meta_vacate(struct tdx_tsm *tsm, enum tdx_meta_kind kind, u64 key)
{
	guard(mutex)(&tsm->base.lock);
	if (!xa_load(&tsm->meta[kind], key))
		return 0;
	sweep(tsm, TDX_META_MMIOMT1, TDX_META_NR);
	return xa_load(&tsm->meta[kind], key) ? -EBUSY : 0;
}

void tdx_meta_init(struct tdx_tsm *tsm)
{
	for (int i = 0; i < TDX_META_NR; i++)
		xa_init(&tsm->meta[i]);
}

/* Pages that firmware was late with get their last chance */
void tdx_meta_exit(struct tdx_tsm *tsm)
{
	guard(mutex)(&tsm->base.lock);
	sweep(tsm, 0, TDX_META_NR);
	for (int i = 0; i < TDX_META_NR; i++)
		if (!xa_empty(&tsm->meta[i]))
			tio_leak(&tsm->base, tsm, "metadata pages");
}
