// SPDX-License-Identifier: GPL-2.0-only
/*
 * The birth and death of the model, its tables for people, its fault switches.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "fw.h"

/**
 * sev_fw_create() - power on
 *
 * Return: a model with empty tables, for sev_fw_destroy(); ERR_PTR(-ENOMEM).
 * Context: process, may sleep.
 */
struct sev_fw *sev_fw_create(void)
{
	struct sev_fw *fw = kzalloc_obj(*fw);

	if (!fw)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&fw->lock);
	if (tio_referee_init(&fw->ref, &sev_fw_personality, &fw->lock)) {
		kfree(fw);
		return ERR_PTR(-ENOMEM);
	}
	fw->ctxs = RB_ROOT;
	fw->rmp = RB_ROOT;
	INIT_LIST_HEAD(&fw->devs);
	return fw;
}
EXPORT_SYMBOL_GPL(sev_fw_create);

/**
 * sev_fw_destroy() - power off
 * @fw: of sev_fw_create(); no call is in progress and none comes after
 *
 * Whatever is still in the tables is forgotten; the pages that it was built from
 * stay with who gave them.
 *
 * Context: process, may sleep.
 */
void sev_fw_destroy(struct sev_fw *fw)
{
	sf_ctxs_free(fw);
	sf_rmp_free(fw);
	tio_referee_exit(&fw->ref);
	kfree(fw);
}
EXPORT_SYMBOL_GPL(sev_fw_destroy);

/**
 * sev_fw_set_platform() - what the model drives
 * @fw: the model; no call is in progress
 * @platform: the root complex's ops, or NULL: nothing is driven
 * @priv: their argument
 *
 * Context: any.
 */
void sev_fw_set_platform(struct sev_fw *fw,
			 const struct teemu_platform *platform, void *priv)
{
	guard(spinlock_irqsave)(&fw->lock);
	fw->platform = platform;
	fw->priv = priv;
}
EXPORT_SYMBOL_GPL(sev_fw_set_platform);

/**
 * sev_fw_referee() - the judge
 * @fw: the model
 *
 * Return: it lives as long as @fw.
 * Context: any.
 */
struct tio_referee *sev_fw_referee(struct sev_fw *fw)
{
	return &fw->ref;
}
EXPORT_SYMBOL_GPL(sev_fw_referee);

/**
 * sev_fw_refuse() - fault switch
 * @fw: the model
 * @call: SEV_CALL_* that it is for
 * @status: their answer; of a loop it is the end
 * @skip: so many calls pass before
 * @count: so many calls are refused, changing nothing; 0 clears the switch
 *
 * Return: 0, -EINVAL, -ENOSPC: see tio_refuse().
 * Context: any, takes the model's lock.
 */
int sev_fw_refuse(struct sev_fw *fw, u32 call, u64 status, u32 skip, u32 count)
{
	return tio_refuse(&fw->ref, call, status, skip, count);
}
EXPORT_SYMBOL_GPL(sev_fw_refuse);

/* what the tables hold */
struct tables {
	u32 guests;
	u32 devs;
	u32 tdis;
	u32 bound;
	u64 mem;
	u64 io;
	u32 sdte;
	u32 fences;
	u32 fenced_asids;
	u32 leaked;
};

static void count_tdis(struct sev_fw *fw, struct tables *t)
{
	struct sf_dev *dev;
	struct sf_tdi *tdi;

	lockdep_assert_held(&fw->lock);
	list_for_each_entry(dev, &fw->devs, list) {
		list_for_each_entry(tdi, &dev->tdis, list) {
			t->bound += !!tdi->guest;
			t->sdte += tdi->sdte;
		}
	}
}

/* by guests that live, and those that nobody can clear until the ASID is given out */
static void count_fences(struct sev_fw *fw, struct tables *t)
{
	lockdep_assert_held(&fw->lock);
	for (u32 asid = 1; asid < SEV_NR_ASIDS; asid++) {
		if (!fw->fence[asid].dma && !fw->fence[asid].mmio)
			continue;
		if (fw->guests[asid])
			t->fenced_asids++;
		else
			t->fences++;
	}
	for (u32 asid = 1; asid < SEV_NR_ASIDS; asid++)
		t->leaked += fw->guests[asid] && fw->guests[asid]->leaked;
}

/* teemu_fw_ops.tables */
void sf_tables_show(void *priv, struct seq_file *m)
{
	struct sev_fw *fw = priv;
	struct tables t = {};

	scoped_guard(spinlock_irqsave, &fw->lock) {
		t.guests = fw->nr_ctx[SF_CTX_GUEST];
		t.devs = fw->nr_ctx[SF_CTX_DEV];
		t.tdis = fw->nr_ctx[SF_CTX_TDI];
		t.mem = fw->nr_mem;
		t.io = fw->nr_io;
		count_tdis(fw, &t);
		count_fences(fw, &t);
	}
	seq_printf(m, "guests %u\n", t.guests);
	seq_printf(m, "devs %u\n", t.devs);
	seq_printf(m, "tdis %u\n", t.tdis);
	seq_printf(m, "bound_tdis %u\n", t.bound);
	seq_printf(m, "rmp_assigned %llu\n", t.mem);
	seq_printf(m, "rmp_io %llu\n", t.io);
	seq_printf(m, "sdte %u\n", t.sdte);
	seq_printf(m, "fences %u\n", t.fences);
	seq_printf(m, "fenced_asids %u\n", t.fenced_asids);
	seq_printf(m, "leaked_gctx %u\n", t.leaked);
}

MODULE_DESCRIPTION("Model of the SEV-TIO firmware");
MODULE_LICENSE("GPL");
