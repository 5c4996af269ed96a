// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the platform asks: trusted DMA, from the requester id to the page, and what
 * is in the tables.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "rmm.h"

/* the vdev whose stream table entry lets @rid reach a realm's memory now */
static struct rmm_vdev *find_running(struct cca_rmm *rmm, u16 rid)
{
	struct rmm_vdev *vdev;

	list_for_each_entry(vdev, &rmm->vdevs, list) {
		const struct rmm_stream *stream = vdev->pdev->stream;

		if (vdev->params.tdi_id != rid)
			continue;
		if (vdev->ste != RMM_STE_ENABLED ||
		    vdev->state != RMI_VDEV_STARTED ||
		    stream->state != RMM_CONNECTED)
			return NULL;
		/* inferred: a realm that was terminated is not written to either */
		return vdev->realm->state == RMM_REALM_ACTIVE ? vdev : NULL;
	}
	return NULL;
}

/* teemu_fw_ops.tdma; data moves under the lock, so that no entry can go meanwhile */
static int rmm_tdma(void *priv, u16 rid, u64 gpa, size_t len, bool write,
		    void (*xfer)(void *ctx, phys_addr_t hpa), void *ctx)
{
	struct cca_rmm *rmm = priv;
	struct cca_leaf *leaf;
	struct rmm_vdev *vdev;

	if (!len || len > PAGE_SIZE - offset_in_page(gpa))
		return -EACCES;
	guard(spinlock_irqsave)(&rmm->lock);
	vdev = find_running(rmm, rid);
	if (!vdev)
		return -EACCES;
	leaf = rmm_leaf_first(vdev->realm, gpa, gpa + 1);
	if (!leaf)
		return -ENOENT;
	/* device memory: peer-to-peer between TDIs is not modelled */
	if (leaf->state != RMM_DATA)
		return -EACCES;
	xfer(ctx, leaf->use.r.base + (gpa - leaf->r.base));
	return 0;
}

static void rmm_referee(void *priv, struct seq_file *m)
{
	struct cca_rmm *rmm = priv;

	tio_referee_show(&rmm->ref, m);
}

static void rmm_calls(void *priv, struct seq_file *m)
{
	struct cca_rmm *rmm = priv;

	tio_calls_show(&rmm->ref, m);
}

/* granules of the ranges in a tree */
static u64 count_granules(const struct rb_root *root)
{
	u64 bytes = 0;

	for (struct rb_node *rb = rb_first(root); rb; rb = rb_next(rb)) {
		struct rmm_range *range = rb_entry(rb, struct rmm_range, rb);

		bytes += range->top - range->base;
	}
	return bytes / CCA_GRANULE;
}

static u64 count_mapped(struct cca_rmm *rmm)
{
	u64 bytes = 0;

	lockdep_assert_held(&rmm->lock);
	for (struct rb_node *rb = rb_first(&rmm->uses); rb; rb = rb_next(rb)) {
		struct rmm_use *use = rb_entry(rb, struct rmm_use, r.rb);

		if (use->type == RMM_USE_DEV)
			bytes += use->r.top - use->r.base;
	}
	return bytes / CCA_GRANULE;
}

/* "granules_delegated": all that is not NS, whatever it is used for */
static void rmm_tables(void *priv, struct seq_file *m)
{
	struct cca_rmm *rmm = priv;
	u32 nr[RMM_NR_USES], streams;
	u64 delegated, mapped;

	scoped_guard(spinlock_irqsave, &rmm->lock) {
		memcpy(nr, rmm->nr_uses, sizeof(nr));
		streams = list_count_nodes(&rmm->streams);
		delegated = count_granules(&rmm->runs);
		mapped = count_mapped(rmm);
	}
	seq_printf(m, "realms %u\n", nr[RMM_USE_RD]);
	seq_printf(m, "recs %u\n", nr[RMM_USE_REC]);
	seq_printf(m, "rtts %u\n", nr[RMM_USE_ROOT] + nr[RMM_USE_RTT]);
	seq_printf(m, "pdevs %u\n", nr[RMM_USE_PDEV]);
	seq_printf(m, "vdevs %u\n", nr[RMM_USE_VDEV]);
	seq_printf(m, "streams %u\n", streams);
	seq_printf(m, "granules_delegated %llu\n", delegated);
	seq_printf(m, "granules_mapped %llu\n", mapped);
	seq_printf(m, "dev_mapped %u\n", nr[RMM_USE_DEV]);
	/* each vdev has an entry of the SMMU's stream table, prepared at least */
	seq_printf(m, "ste %u\n", nr[RMM_USE_VDEV]);
	seq_printf(m, "data_pages %u\n", nr[RMM_USE_DATA]);
}

static int rmm_refuse(void *rmm, u32 nr, u64 status, u32 skip, u32 count)
{
	return cca_rmm_refuse(rmm, nr, status, skip, count);
}

static void rmm_attach(void *rmm, const struct teemu_platform *platform, void *priv)
{
	cca_rmm_set_platform(rmm, platform, priv);
}

static void rmm_pause(void *rmm, u32 nth)
{
	tio_pause(cca_rmm_referee(rmm), nth);
}

static const char *rmm_paused(void *rmm)
{
	return tio_paused(cca_rmm_referee(rmm));
}

const struct teemu_fw_ops cca_teemu_ops = {
	.attach = rmm_attach,
	.tdma = rmm_tdma,
	.referee = rmm_referee,
	.tables = rmm_tables,
	.calls = rmm_calls,
	.refuse = rmm_refuse,
	.pause = rmm_pause,
	.paused = rmm_paused,
};
EXPORT_SYMBOL_IF_KUNIT(cca_teemu_ops);
