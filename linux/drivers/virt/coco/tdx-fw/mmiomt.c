// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata of MMIO: which function a leaf of MMIO belongs to. A tree of pages; the
 * page of level 1 has the entries of 4 KiB leaves, that of level 2 those of 2 MiB,
 * that of level 3 those of 1 GiB. An entry of the upper two has a leaf or a page
 * below, never both, so that the page of an address is found without a walk.
 */
#include <linux/export.h>
#include <linux/overflow.h>

#include "fw.h"

/* of the pages of @level */
static struct rb_root *tree_of(struct tdx_fw *fw, unsigned int level)
{
	return &fw->mmiomt[level - 1];
}

static struct fw_mmiomt *find_mt(struct tdx_fw *fw, u64 hpa, unsigned int level)
{
	struct fw_node *node = fw_node_find(tree_of(fw, level),
					    hpa >> FW_LEVEL_SHIFT(level));

	lockdep_assert_held(&fw->lock);
	return node ? container_of(node, struct fw_mmiomt, node) : NULL;
}

/* the entry of @hpa on @level, in the page @mt above; NULL: that is missing */
struct fw_mmiomt_entry *fw_mmiomt_walk(struct tdx_fw *fw, u64 hpa,
				       unsigned int level, struct fw_mmiomt **mt)
{
	struct fw_mmiomt_entry *entry;

	lockdep_assert_held(&fw->lock);
	*mt = find_mt(fw, hpa, level + 1);
	if (!*mt)
		return NULL;
	entry = &(*mt)->entry[(hpa >> FW_LEVEL_SHIFT(level)) % FW_ENTRIES];
	if (entry->type == TDX_MMIOMT_QNODE)
		fw->ref.seen = entry->table ? "QNODE_TABLE" : "QNODE";
	else
		fw->ref.seen = entry->mapped ? "DATA_MAPPED" : "DATA";
	return entry;
}

/* where the leaf of @entry lives, or NULL if it is a 4 KiB one */
struct fw_big *fw_mmiomt_big(struct fw_mmiomt *mt, struct fw_mmiomt_entry *entry)
{
	return mt->level > 1 ? &mt->big[entry - mt->entry] : NULL;
}

/*
 * A large leaf has no S-EPT page whose reclaim would tell that its TD is gone, which
 * can happen to a fatal one: so a large leaf is mapped as long as its TD is there.
 */
bool fw_mmio_mapped(struct tdx_fw *fw, struct fw_mmiomt *mt,
		    struct fw_mmiomt_entry *entry)
{
	struct fw_big *big = fw_mmiomt_big(mt, entry);
	struct fw_page *page;

	if (!entry->mapped || !big)
		return entry->mapped;
	page = fw_page_find(fw, big->td);
	return page && page->type == FW_PT_TDR &&
	       container_of(page, struct fw_td, page)->serial == big->serial;
}

/* the S-EPT page that showed the 4 KiB at @hpa is gone with its TD */
void fw_mmio_forget(struct tdx_fw *fw, u64 hpa)
{
	struct fw_mmiomt *mt;
	struct fw_mmiomt_entry *entry = fw_mmiomt_walk(fw, hpa, TDX_LEVEL_4K, &mt);

	fw->nr_mmio--;
	if (entry)
		entry->mapped = false;
}

/* operands of a page: @level is its own. @above: its entry, NULL at the top */
static u64 page_start(struct tdx_fw *fw, u64 hpa, unsigned int level,
		      struct fw_mmiomt **mt, struct fw_mmiomt_entry **above)
{
	*above = NULL;
	if (!level || level > TDX_MMIOMT_TOP)
		return TDX_OPERAND_INVALID | 2;
	if (!fw_level_fits(hpa, level))
		return TDX_OPERAND_INVALID | 1;
	if (level == TDX_MMIOMT_TOP)
		return TDX_SUCCESS;
	*above = fw_mmiomt_walk(fw, hpa, level, mt);
	return *above ? TDX_SUCCESS : TDX_MMIOMT_NOT_PRESENT | 1;
}

static u64 mt_add(struct tdx_fw *fw, u64 hpa, unsigned int level, u64 page,
		  struct fw_mmiomt *new)
{
	struct fw_mmiomt_entry *above;
	struct fw_mmiomt *mt;
	u64 status;

	if (!new)
		return TDX_OPERAND_BUSY;
	status = page_start(fw, hpa, level, &mt, &above);
	if (status)
		return status;
	if (find_mt(fw, hpa, level) || (above && above->type != TDX_MMIOMT_QNODE))
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	status = fw_page_claim(fw, &new->page, page, FW_PT_MMIO_MT, NULL);
	if (status)
		return status | 3;
	new->level = level;
	new->node.key = hpa >> FW_LEVEL_SHIFT(level);
	fw_node_add(tree_of(fw, level), &new->node);
	if (above) {
		above->table = true;
		mt->used++;
	}
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_mt_add() - give a page to the metadata of MMIO
 * @fw: the model
 * @hpa: first byte of the MMIO that it serves, aligned to all of it
 * @level: 1: 2 MiB; 2: 1 GiB; 3: 512 GiB
 * @page: the page
 *
 * Return: TDX_OPERAND_INVALID, TDX_MMIOMT_NOT_PRESENT (the page above),
 * TDX_MMIO_INVALID_PAGE_METADATA (there is one, or a DATA leaf),
 * TDX_PAGE_METADATA_INCORRECT, other status, or success: 512 empty QNODEs.
 * Context: process, may sleep.
 */
u64 tdh_mmio_mt_add(struct tdx_fw *fw, u64 hpa, unsigned int level, u64 page)
{
	struct fw_mmiomt *new __free(kvfree) =
		kvzalloc(struct_size(new, big, level > 1 ? FW_ENTRIES : 0),
			 GFP_KERNEL);
	u64 status;

	guard(spinlock_irqsave)(&fw->lock);
	status = fw_begin(fw, TDH_MMIO_MT_ADD) ?:
		 mt_add(fw, hpa, level, page, new);
	if (!status)
		retain_and_null_ptr(new);
	return fw_judge(fw, TDH_MMIO_MT_ADD, hpa, status);
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_add);

static u64 set_data(struct tdx_fw *fw, struct fw_mmiomt *mt,
		    struct fw_mmiomt_entry *entry, u64 id)
{
	if (entry->type != TDX_MMIOMT_QNODE || entry->table)
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	if (!fw_devif_find(fw, id))
		return TDX_DEVIFMT_NOT_PRESENT | 4;
	entry->type = TDX_MMIOMT_DATA;
	entry->mapped = false;
	entry->devif = id;
	mt->used++;
	return TDX_SUCCESS;
}

static u64 set_qnode(struct tdx_fw *fw, struct fw_mmiomt *mt,
		     struct fw_mmiomt_entry *entry)
{
	if (entry->type != TDX_MMIOMT_DATA || fw_mmio_mapped(fw, mt, entry))
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	entry->type = TDX_MMIOMT_QNODE;
	entry->mapped = false;
	entry->devif = 0;
	mt->used--;
	return TDX_SUCCESS;
}

/* operands of an entry: @level is that of the leaf */
static u64 entry_start(struct tdx_fw *fw, u64 hpa, unsigned int level,
		       struct fw_mmiomt **mt, struct fw_mmiomt_entry **entry)
{
	if (level >= TDX_NR_LEVELS)
		return TDX_OPERAND_INVALID | 2;
	if (!fw_level_fits(hpa, level))
		return TDX_OPERAND_INVALID | 1;
	*entry = fw_mmiomt_walk(fw, hpa, level, mt);
	return *entry ? TDX_SUCCESS : TDX_MMIOMT_NOT_PRESENT | 1;
}

static u64 mt_set(struct tdx_fw *fw, u64 hpa, unsigned int level,
		  enum tdx_mmiomt_type type, u64 id)
{
	struct fw_mmiomt_entry *entry;
	struct fw_mmiomt *mt;
	u64 status;

	status = entry_start(fw, hpa, level, &mt, &entry);
	if (status)
		return status;
	switch (type) {
	case TDX_MMIOMT_DATA:
		return set_data(fw, mt, entry, id);
	case TDX_MMIOMT_QNODE:
		return set_qnode(fw, mt, entry);
	default:
		return TDX_OPERAND_INVALID | 3;
	}
}

/**
 * tdh_mmio_mt_set() - say whose a leaf of MMIO is
 * @fw: the model
 * @hpa: the MMIO, aligned to the leaf
 * @level: of the leaf, 0 to 2
 * @type: DATA of an empty QNODE; or QNODE of a DATA entry that is not mapped, for
 *	  which the function need not exist any more
 * @devif: the function, for DATA
 *
 * Return: TDX_OPERAND_INVALID, TDX_MMIOMT_NOT_PRESENT,
 * TDX_MMIO_INVALID_PAGE_METADATA, TDX_DEVIFMT_NOT_PRESENT, or success.
 * Context: any.
 */
u64 tdh_mmio_mt_set(struct tdx_fw *fw, u64 hpa, unsigned int level,
		    enum tdx_mmiomt_type type, u64 devif)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MT_SET, hpa, fw_begin(fw, TDH_MMIO_MT_SET) ?:
			mt_set(fw, hpa, level, type, devif));
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_set);

static u64 mt_rd(struct tdx_fw *fw, u64 hpa, unsigned int level,
		 struct tdx_mmiomt_entry *out)
{
	struct fw_mmiomt_entry *entry;
	struct fw_mmiomt *mt;
	u64 status;

	status = entry_start(fw, hpa, level, &mt, &entry);
	/* a host reads in order to know: no violation */
	if (TDX_CLASS(status) == TDX_MMIOMT_NOT_PRESENT)
		return fw_refuse_as(fw, TIO_BLAME_GUEST, status);
	if (status)
		return status;
	*out = (struct tdx_mmiomt_entry) {
		.type = entry->type,
		.mapped = fw_mmio_mapped(fw, mt, entry),
		.table = entry->table,
		.devif = entry->devif,
	};
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_mt_rd() - read whose a leaf of MMIO is
 * @fw: the model
 * @hpa: the MMIO, aligned to the leaf
 * @level: of the leaf, 0 to 2
 * @entry: filled on success
 *
 * Return: TDX_OPERAND_INVALID, TDX_MMIOMT_NOT_PRESENT or success.
 * Context: any.
 */
u64 tdh_mmio_mt_rd(struct tdx_fw *fw, u64 hpa, unsigned int level,
		   struct tdx_mmiomt_entry *entry)
{
	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MT_RD, hpa, fw_begin(fw, TDH_MMIO_MT_RD) ?:
			mt_rd(fw, hpa, level, entry));
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_rd);

static u64 mt_remove(struct tdx_fw *fw, u64 hpa, unsigned int level, u64 *page,
		     struct fw_mmiomt **old)
{
	struct fw_mmiomt_entry *above;
	struct fw_mmiomt *parent, *mt;
	u64 status;

	status = page_start(fw, hpa, level, &parent, &above);
	if (status)
		return status;
	mt = find_mt(fw, hpa, level);
	if (!mt || mt->used)
		return TDX_MMIO_INVALID_PAGE_METADATA | 1;
	if (above) {
		above->table = false;
		parent->used--;
	}
	*page = fw_page_pa(&mt->page);
	fw_node_del(tree_of(fw, level), &mt->node);
	fw_page_release(fw, &mt->page);
	*old = mt;
	return TDX_SUCCESS;
}

/**
 * tdh_mmio_mt_remove() - take a page of metadata back
 * @fw: the model
 * @hpa: as for tdh_mmio_mt_add(); every entry is an empty QNODE
 * @level: as for tdh_mmio_mt_add()
 * @page: filled with the page
 *
 * Return: TDX_OPERAND_INVALID, TDX_MMIOMT_NOT_PRESENT (the page above),
 * TDX_MMIO_INVALID_PAGE_METADATA (absent or not empty), or success.
 * Context: process, may sleep.
 */
u64 tdh_mmio_mt_remove(struct tdx_fw *fw, u64 hpa, unsigned int level, u64 *page)
{
	struct fw_mmiomt *old __free(kvfree) = NULL;

	guard(spinlock_irqsave)(&fw->lock);
	return fw_judge(fw, TDH_MMIO_MT_REMOVE, hpa,
			fw_begin(fw, TDH_MMIO_MT_REMOVE) ?:
			mt_remove(fw, hpa, level, page, &old));
}
EXPORT_SYMBOL_GPL(tdh_mmio_mt_remove);
