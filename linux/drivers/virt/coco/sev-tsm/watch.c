// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watch over a bound TDI. One that falls to ERROR, or is reset, tells nobody: it
 * must be asked. What a fall means to the rest is here, too: its TVM gets no page any
 * more, its VMM an event, its DMA is shut off, its siblings their fence lifted.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>

#include "sev-tsm.h"

static unsigned int watch_ms = 1000;
module_param(watch_ms, uint, 0644);
MODULE_PARM_DESC(watch_ms,
		 "ask bound TDIs for a fall to ERROR this often, in ms; 0: never");

/* A device that does not answer is asked up to 64 times less often */
#define SEV_WATCH_BACK_OFF	6U

/**
 * sev_tdi_tell_error() - the TDI fell to ERROR: let its VMM know, once
 * @tdi: the TDI, published
 *
 * When this returns the TVM reaches no private MMIO of it, and never will before it is
 * bound again, and none of its T=1 requests passes the IOMMU. Context: under
 * pci_tsm_pf0::lock.
 */
void sev_tdi_tell_error(struct sev_tdi *tdi)
{
	lockdep_assert_held(&tdi->link->base.pf0.lock);

	if (tdi->error_told || tdi->quarantined)
		return;
	/* before KVM's leaves go: no fault brings one back */
	WRITE_ONCE(tdi->error_told, true);
	pci_tdi_report_error(&tdi->tdi);
	pci_tdi_dma_off(&tdi->tdi);
	WRITE_ONCE(tdi->dma_off, true);
	/* firmware fenced the whole guest because of this one */
	sev_fence_lift(tdi);
}

/* The device is where the guest did not leave it */
static bool has_fallen(struct sev_tdi *tdi, u8 told)
{
	return told == TDISP_STATE_ERROR || told == TDISP_CONFIG_UNLOCKED ||
	       sev_fw_tdisp_state(tdi->link->tsm->fw, tdi->ctx) ==
	       TDISP_STATE_ERROR;
}

/**
 * sev_watch_look() - ask the device for its TDISP state and act on a fall
 * @tdi: the TDI, published
 *
 * No answer means nothing. Context: under pci_tsm_pf0::lock, with a budget.
 */
void sev_watch_look(struct sev_tdi *tdi)
{
	u8 told = TDISP_STATE_ERROR;
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_TDI_STATUS,
		.quiet = tdi->unanswered,
		.tdi = tdi->ctx,
		.state = &told,
	};
	u64 status;

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* a TDI that its guest has stopped has nowhere to fall */
	if (tdi->error_told || !tdi->bound || !tdi->link->connected)
		return;
	if (sev_cmd(tdi->link, &cmd, &status)) {
		tdi->unanswered++;
		return;
	}
	tdi->unanswered = 0;
	if (has_fallen(tdi, told))
		sev_tdi_tell_error(tdi);
}

static void watch_again(struct sev_tdi *tdi)
{
	unsigned int ms = READ_ONCE(watch_ms);
	unsigned int shift = min(tdi->unanswered, SEV_WATCH_BACK_OFF);

	/* 0 may be changed back at any time */
	ms = ms ? min(ms, 60000U) << shift : 1000;
	queue_delayed_work(system_freezable_wq, &tdi->watch,
			   msecs_to_jiffies(ms));
}

/*
 * Never waits for pci_tsm_pf0::lock, since unbind waits for this work under it:
 * whoever holds it now talks to the device anyway.
 */
static void watch(struct work_struct *work)
{
	struct sev_tdi *tdi = container_of(to_delayed_work(work),
					   struct sev_tdi, watch);

	if (READ_ONCE(watch_ms) && mutex_trylock(&tdi->link->base.pf0.lock)) {
		tio_budget(&tdi->link->base, SEV_LOOK_MS);
		sev_watch_look(tdi);
		mutex_unlock(&tdi->link->base.pf0.lock);
	}
	watch_again(tdi);
}

/* A new TDI is not watched yet */
void sev_watch_init(struct sev_tdi *tdi)
{
	INIT_DELAYED_WORK(&tdi->watch, watch);
}

/**
 * sev_watch_start() - look at a TDI now and then
 * @tdi: the TDI, bound
 *
 * Undone by sev_watch_stop().
 */
void sev_watch_start(struct sev_tdi *tdi)
{
	watch_again(tdi);
}

/**
 * sev_watch_stop() - undo sev_watch_start(), for good
 * @tdi: the TDI
 *
 * Context: process, may hold pci_tsm_pf0::lock.
 */
void sev_watch_stop(struct sev_tdi *tdi)
{
	disable_delayed_work_sync(&tdi->watch);
}
