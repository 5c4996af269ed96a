// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trusted DMA: what a T=1 request goes through, from the requester id to the page,
 * and the rest of what the platform asks.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>

#include "fw.h"

/* the TDI in RUN, its sDTE valid, of a guest that runs and is not fenced */
static struct sf_tdi *find_running(struct sev_fw *fw, u16 rid)
{
	struct sf_tdi *tdi = sf_tdi_by_rid(fw, rid);

	if (!tdi || tdi->state != TDISP_RUN || !tdi->sdte)
		return NULL;
	return tdi->guest->launched && !sf_fenced(fw, tdi->guest) ? tdi : NULL;
}

/* does the RMP let @guest have its page @gpa at @hpa, for DMA? */
static bool rmp_allows(struct sev_fw *fw, const struct sf_guest *guest, u64 gpa,
		       u64 hpa)
{
	const struct sf_rmp *rmp = sf_rmp_find(fw, hpa);

	/* MMIO: peer-to-peer between TDIs is not modelled */
	return rmp && rmp->asid == guest->asid && rmp->gpa == gpa &&
	       rmp->validated && !rmp->io;
}

/* teemu_fw_ops.tdma; data moves under the lock, so that no entry can go meanwhile */
static int sf_tdma(void *priv, u16 rid, u64 gpa, size_t len, bool write,
		   void (*xfer)(void *ctx, phys_addr_t hpa), void *ctx)
{
	struct sev_fw *fw = priv;
	struct sf_tdi *tdi;
	u64 hpa;

	if (!len || len > PAGE_SIZE - offset_in_page(gpa))
		return -EACCES;
	guard(spinlock_irqsave)(&fw->lock);
	tdi = find_running(fw, rid);
	if (!tdi)
		return -EACCES;
	hpa = sf_npt_lookup(tdi->guest, gpa & PAGE_MASK);
	if (!hpa)
		return -ENOENT;
	if (!rmp_allows(fw, tdi->guest, gpa & PAGE_MASK, hpa))
		return -EACCES;
	xfer(ctx, hpa + offset_in_page(gpa));
	return 0;
}

static void sf_attach(void *fw, const struct teemu_platform *platform, void *priv)
{
	sev_fw_set_platform(fw, platform, priv);
}

static void sf_referee_show(void *fw, struct seq_file *m)
{
	tio_referee_show(sev_fw_referee(fw), m);
}

static void sf_calls_show(void *fw, struct seq_file *m)
{
	tio_calls_show(sev_fw_referee(fw), m);
}

static int sf_refuse(void *fw, u32 call, u64 status, u32 skip, u32 count)
{
	return sev_fw_refuse(fw, call, status, skip, count);
}

static void sf_pause(void *fw, u32 nth)
{
	tio_pause(sev_fw_referee(fw), nth);
}

static const char *sf_paused(void *fw)
{
	return tio_paused(sev_fw_referee(fw));
}

const struct teemu_fw_ops sf_teemu_ops = {
	.attach = sf_attach,
	.tdma = sf_tdma,
	.referee = sf_referee_show,
	.tables = sf_tables_show,
	.calls = sf_calls_show,
	.refuse = sf_refuse,
	.pause = sf_pause,
	.paused = sf_paused,
};
EXPORT_SYMBOL_IF_KUNIT(sf_teemu_ops);
