// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trusted DMA: what a T=1 request goes through, from the requester id to the page.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>

#include "fw.h"

#define RC_IOMMU	0		/* an emulated root complex has one */

/* the function whose tables are all PRESENT, that is in RUN, of a TD that runs */
static struct fw_devif *find_running(struct tdx_fw *fw, u16 rid)
{
	struct fw_devif *devif = NULL;

	for (enum tdx_dmar_level level = TDX_DMAR_RTE;
	     level <= TDX_DMAR_PASIDTE; level++) {
		struct fw_dmar *dmar = fw_dmar_find(fw, RC_IOMMU, level, rid);

		if (!dmar || dmar->state != TDX_DMAR_PRESENT)
			return NULL;
		devif = dmar->devif;
	}
	if (devif->state != TDISP_RUN || devif->stream->blocked ||
	    devif->stream->keys != FW_KEYS_GO)
		return NULL;
	return fw_td_may_run(devif->td) ? devif : NULL;
}

/* teemu_fw_ops.tdma; data moves under the lock, so that no entry can go meanwhile */
static int fw_tdma(void *priv, u16 rid, u64 gpa, size_t len, bool write,
		   void (*xfer)(void *ctx, phys_addr_t hpa), void *ctx)
{
	struct tdx_fw *fw = priv;
	struct fw_devif *devif;
	struct fw_leaf *leaf;

	if (!len || len > PAGE_SIZE - offset_in_page(gpa))
		return -EACCES;
	guard(spinlock_irqsave)(&fw->lock);
	devif = find_running(fw, rid);
	if (!devif)
		return -EACCES;
	/* not modelled: the shared half, and peer-to-peer to the MMIO of a TDI */
	if (gpa >= TDX_GPA_SHARED)
		return -EACCES;
	leaf = fw_leaf_at(fw, devif->td, gpa);
	if (!leaf || leaf->state == TDX_SEPT_FREE ||
	    leaf->state == TDX_SEPT_BLOCKED)
		return -ENOENT;
	if (leaf->state != TDX_SEPT_MAPPED)
		return -EACCES;
	xfer(ctx, leaf->hpa + offset_in_page(gpa));
	return 0;
}

static void fw_referee_show(void *fw, struct seq_file *m)
{
	tio_referee_show(tdx_fw_referee(fw), m);
}

static void fw_calls_show(void *fw, struct seq_file *m)
{
	tio_calls_show(tdx_fw_referee(fw), m);
}

static int fw_refuse(void *fw, u32 leaf, u64 status, u32 skip, u32 count)
{
	return tdx_fw_refuse(fw, leaf, status, skip, count);
}

static void fw_attach(void *fw, const struct teemu_platform *platform, void *priv)
{
	tdx_fw_set_platform(fw, platform, priv);
}

static void fw_pause(void *fw, u32 nth)
{
	tio_pause(tdx_fw_referee(fw), nth);
}

static const char *fw_paused(void *fw)
{
	return tio_paused(tdx_fw_referee(fw));
}

const struct teemu_fw_ops fw_teemu_ops = {
	.attach = fw_attach,
	.tdma = fw_tdma,
	.referee = fw_referee_show,
	.tables = fw_tables_show,
	.calls = fw_calls_show,
	.refuse = fw_refuse,
	.pause = fw_pause,
	.paused = fw_paused,
};
EXPORT_SYMBOL_IF_KUNIT(fw_teemu_ops);
