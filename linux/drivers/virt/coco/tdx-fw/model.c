// SPDX-License-Identifier: GPL-2.0-only
/*
 * Birth and death of the model, what it tells about itself, and its referee's
 * services under its own names.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "fw.h"

/**
 * tdx_fw_referee() - the judge of a model
 * @fw: the model
 *
 * Return: its referee, which lives as long as the model.
 * Context: any.
 */
struct tio_referee *tdx_fw_referee(struct tdx_fw *fw)
{
	return &fw->ref;
}
EXPORT_SYMBOL_GPL(tdx_fw_referee);

/**
 * tdx_fw_leaf_name() - name of a leaf, for people
 * @leaf: TDH_* or TDG_*
 *
 * Return: a constant string, NULL if the model has no such leaf.
 * Context: any.
 */
const char *tdx_fw_leaf_name(u32 leaf)
{
	return tio_call_name(&tdx_fw_personality, leaf);
}
EXPORT_SYMBOL_GPL(tdx_fw_leaf_name);

/**
 * tdx_fw_violations() - how many mistakes the host made so far
 * @fw: the model
 *
 * Return: see tio_violations(). Context: any, takes the model's lock.
 */
u64 tdx_fw_violations(struct tdx_fw *fw)
{
	return tio_violations(&fw->ref);
}
EXPORT_SYMBOL_GPL(tdx_fw_violations);

/**
 * tdx_fw_refuse() - fault switch
 * @fw: the model
 * @leaf: the calls it is for
 * @status: their answer, an error
 * @skip: so many calls pass before
 * @count: so many calls are refused; 0 clears the switch
 *
 * A status whose error bit is clear says that the call was done: a host would go on
 * with what it did not get, and free what firmware still has.
 *
 * Return: -EINVAL too if @status is no error; else see tio_refuse(). Context: any,
 * takes the model's lock.
 */
int tdx_fw_refuse(struct tdx_fw *fw, u32 leaf, u64 status, u32 skip, u32 count)
{
	if (count && !TDX_IS_ERROR(status))
		return -EINVAL;
	return tio_refuse(&fw->ref, leaf, status, skip, count);
}
EXPORT_SYMBOL_GPL(tdx_fw_refuse);

/* the key ids and pages of TDs whose VPFLUSHDONE was refused because of devices */
static void count_leaks(struct tdx_fw *fw, u32 *hkids, u32 *pages)
{
	struct fw_node *node;

	lockdep_assert_held(&fw->lock);
	for (node = fw_node_first(&fw->pages); node; node = fw_node_after(node)) {
		struct fw_page *page = container_of(node, struct fw_page, node);
		struct fw_td *td = container_of(page, struct fw_td, page);

		if (page->type != FW_PT_TDR || !td->leaked)
			continue;
		*hkids += 1;
		*pages += 1 + td->children;
	}
}

static u32 count_nodes(struct rb_root *root)
{
	u32 count = 0;

	for (struct fw_node *node = fw_node_first(root); node;
	     node = fw_node_after(node))
		count++;
	return count;
}

/* teemu_fw_ops.tables */
void fw_tables_show(void *priv, struct seq_file *m)
{
	struct tdx_fw *fw = priv;
	u32 pages[FW_NR_PT], hkids = 0, leaked = 0, mmio, dmar = 0, streams;

	scoped_guard(spinlock_irqsave, &fw->lock) {
		memcpy(pages, fw->nr_pages, sizeof(pages));
		mmio = fw->nr_mmio;
		streams = count_nodes(&fw->streams);
		for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
			dmar += count_nodes(&fw->iommu[i].dmar);
		count_leaks(fw, &hkids, &leaked);
	}
	seq_printf(m, "tds %u\n", pages[FW_PT_TDR]);
	seq_printf(m, "devifs %u\n", pages[FW_PT_DEVIF]);
	seq_printf(m, "devifmt %u\n", pages[FW_PT_DEVIF_MT]);
	seq_printf(m, "mmiomt %u\n", pages[FW_PT_MMIO_MT]);
	seq_printf(m, "mmio_mapped %u\n", mmio);
	seq_printf(m, "dmar %u\n", dmar);
	seq_printf(m, "streams %u\n", streams);
	seq_printf(m, "spdm %u\n", pages[FW_PT_SPDM]);
	seq_printf(m, "mem_pages %u\n", pages[FW_PT_REG]);
	seq_printf(m, "leaked_hkids %u\n", hkids);
	seq_printf(m, "leaked_pages %u\n", leaked);
}

/**
 * tdx_fw_create() - power on
 *
 * Return: a model with empty tables and IOMMUs that are CONFIGURED, for
 * tdx_fw_destroy(); ERR_PTR(-ENOMEM).
 * Context: process, may sleep.
 */
struct tdx_fw *tdx_fw_create(void)
{
	struct tdx_fw *fw = kzalloc_obj(*fw);

	if (!fw)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&fw->lock);
	if (tio_referee_init(&fw->ref, &tdx_fw_personality, &fw->lock)) {
		kfree(fw);
		return ERR_PTR(-ENOMEM);
	}
	/* all other trees are empty as zeroes */
	for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
		fw->iommu[i].state = TDX_IOMMU_CONFIGURED;
	return fw;
}
EXPORT_SYMBOL_GPL(tdx_fw_create);

/**
 * tdx_fw_destroy() - power off
 * @fw: of tdx_fw_create(); no call is in progress and none comes after
 *
 * Whatever is still in the tables is forgotten; the pages that it was built from
 * stay with who gave them.
 *
 * Context: process, may sleep.
 */
void tdx_fw_destroy(struct tdx_fw *fw)
{
	struct fw_stream *stream, *next_stream;
	struct fw_dmar *dmar, *next_dmar;

	fw_pages_free(fw);
	for (int i = 0; i < TDX_FW_NR_IOMMUS; i++)
		rbtree_postorder_for_each_entry_safe(dmar, next_dmar,
						     &fw->iommu[i].dmar, node.rb)
			kfree(dmar);
	rbtree_postorder_for_each_entry_safe(stream, next_stream, &fw->streams,
					     node.rb)
		kfree(stream);
	tio_referee_exit(&fw->ref);
	kfree(fw);
}
EXPORT_SYMBOL_GPL(tdx_fw_destroy);

/**
 * tdx_fw_set_platform() - what the model drives
 * @fw: the model; no call is in progress
 * @platform: the root complex's ops, or NULL: nothing is driven
 * @priv: their argument
 *
 * Context: any.
 */
void tdx_fw_set_platform(struct tdx_fw *fw,
			 const struct teemu_platform *platform, void *priv)
{
	guard(spinlock_irqsave)(&fw->lock);
	fw->platform = platform;
	fw->priv = priv;
}
EXPORT_SYMBOL_GPL(tdx_fw_set_platform);

MODULE_DESCRIPTION("Model of the TDX Connect firmware");
MODULE_LICENSE("GPL");
