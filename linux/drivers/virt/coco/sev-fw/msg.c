// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest asks of the ASP through GUEST_REQUEST. A refusal in here is told to the
 * guest in the answer, and is not the host's mistake: the host only carries messages.
 * On hardware they are encrypted between guest and ASP.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

#define RESPONSE(type)		((type) & 0x7f)

/* who the guest means is checked once: all messages have the same numbers for it */
static_assert(SEV_TDI_MMIO_INVALID_TDI == SEV_TDI_SDTE_INVALID_TDI);
static_assert(SEV_TDI_MMIO_INVALID_TDI == SEV_TDI_CONFIG_INVALID_TDI);
static_assert(SEV_TDI_MMIO_INVALID_TDI == SEV_TDI_INFO_INVALID);
static_assert(SEV_TDI_MMIO_TDI_UNBOUND == SEV_TDI_SDTE_NOT_BOUND);
static_assert(SEV_TDI_MMIO_TDI_UNBOUND == SEV_TDI_CONFIG_UNBOUND);
static_assert(SEV_TDI_MMIO_TDI_UNBOUND == SEV_TDI_INFO_UNBOUND);

/* one MMIO_VALIDATE: pages of a range, from @hpa and @gpa on */
struct validation {
	const struct sf_tdi *tdi;
	u64 hpa;
	u64 gpa;
	u32 pages;
	bool validate;
};

/* the entry of page @i if the guest may change it, else the status why not */
static u16 check_page(struct sev_fw *fw, const struct validation *v, u32 i,
		      struct sf_rmp **entry)
{
	u64 at = (u64)i << PAGE_SHIFT;
	struct sf_rmp *rmp = sf_rmp_find(fw, v->hpa + at);

	if (!rmp || rmp->asid != v->tdi->guest->asid)
		return SEV_TDI_MMIO_NOT_ASSIGNED;
	if (!rmp->io)
		return SEV_TDI_MMIO_NOT_IO;
	if (v->validate && !sf_rmp_is_immutable(fw, rmp))
		return SEV_TDI_MMIO_NOT_IMMUTABLE;
	if (rmp->gpa != v->gpa + at)
		return SEV_TDI_MMIO_NOT_MAPPED;
	*entry = rmp;
	return SEV_TDI_MMIO_SUCCESS;
}

/* all pages, in order; *changed: they are not yet what the guest wants */
static u16 check_pages(struct sev_fw *fw, const struct validation *v, bool *changed)
{
	struct sf_rmp *rmp;
	bool first = false;

	for (u32 i = 0; i < v->pages; i++) {
		u16 status = check_page(fw, v, i, &rmp);
		bool validated;

		if (status)
			return status;
		validated = sf_rmp_is_validated(rmp, v->tdi);
		if (!i)
			first = validated;
		if (validated != first)
			return SEV_TDI_MMIO_NOT_UNIFORM;
	}
	*changed = first != v->validate;
	return SEV_TDI_MMIO_SUCCESS;
}

static void apply(struct sev_fw *fw, const struct validation *v)
{
	for (u32 i = 0; i < v->pages; i++) {
		struct sf_rmp *rmp;

		rmp = sf_rmp_find(fw, v->hpa + ((u64)i << PAGE_SHIFT));
		rmp->validated = v->validate;
		rmp->bind = v->validate ? v->tdi->bind_serial : 0;
	}
}

/*
 * Inferred: a page that the report calls non-TEE or MSI-X is not one to validate, and
 * behind a fence a TDI is as good as not bound.
 */
static u16 mmio_validate(struct sev_fw *fw, const struct sf_tdi *tdi,
			 const struct sev_tdi_mmio *mmio, u16 *changed)
{
	struct validation v = {
		.tdi = tdi,
		.gpa = mmio->gpa,
		.pages = mmio->pages,
		.validate = mmio->validate,
	};
	struct sf_range range;
	bool change;
	u16 status;

	if (!sf_tdi_locked(tdi) || sf_fenced(fw, tdi->guest))
		return SEV_TDI_MMIO_TDI_UNBOUND;
	if (!sf_report_range(tdi, mmio->range, &range) ||
	    range.attributes & (TDISP_RANGE_NON_TEE | TDISP_RANGE_MSIX_TABLE |
				TDISP_RANGE_MSIX_PBA))
		return SEV_TDI_MMIO_NOT_REPORTED;
	if (!mmio->pages || (u64)mmio->range_offset + mmio->pages > range.pages)
		return SEV_TDI_MMIO_OUT_OF_RANGE;
	v.hpa = range.hpa + ((u64)mmio->range_offset << PAGE_SHIFT);
	status = check_pages(fw, &v, &change);
	if (status)
		return status;
	if (change)
		apply(fw, &v);
	*changed = change;
	return SEV_TDI_MMIO_SUCCESS;
}

static u16 sdte_write(struct sf_tdi *tdi, const struct sev_tdi_msg *msg)
{
	if (msg->valid > 1)
		return SEV_TDI_SDTE_RESERVED;
	/* inferred: one that failed may only be shut out */
	if (msg->valid && !sf_tdi_locked(tdi))
		return SEV_TDI_SDTE_NOT_BOUND;
	tdi->sdte = msg->valid;
	return SEV_TDI_SDTE_SUCCESS;
}

/* a device that knows no SET_MMIO_ATTRIBUTE: what is reported stays as it is */
static u16 mmio_config(const struct sf_tdi *tdi, const struct sev_tdi_msg *msg,
		       u16 *value)
{
	struct sf_range range;
	bool non_tee;

	if (!sf_report_range(tdi, msg->range, &range))
		return SEV_TDI_CONFIG_NOT_REPORTED;
	non_tee = range.attributes & TDISP_RANGE_NON_TEE;
	if (msg->write && !!msg->non_tee != non_tee)
		return SEV_TDI_CONFIG_COULD_NOT_CHANGE;
	*value = non_tee;
	return SEV_TDI_CONFIG_SUCCESS;
}

static void fill_info(const struct sf_tdi *tdi, u16 status, struct sev_tdi_info *info)
{
	*info = (struct sev_tdi_info) {
		.type = RESPONSE(SEV_TDI_MSG_TDI_INFO),
		.status = status,
	};
	if (status)
		return;
	info->tdisp_state = tdi->state;
	info->bind_counter = tdi->bind_counter;
	memcpy(info->certs_digest, tdi->dev->digest, sizeof(info->certs_digest));
	memcpy(info->report_digest, tdi->report_digest,
	       sizeof(info->report_digest));
}

/* the TDI that the guest means is the one that the message is carried to? */
static u16 check_tdi(const struct sf_tdi *tdi, const struct sev_guest_msg *msg)
{
	if (!tdi->guest)
		return SEV_TDI_MMIO_TDI_UNBOUND;
	return msg->guest_device_id == tdi->guest_rid ? SEV_TDI_MMIO_SUCCESS :
	       SEV_TDI_MMIO_INVALID_TDI;
}

static void answer(struct sev_fw *fw, struct sf_tdi *tdi,
		   const struct sev_guest_msg *msg, union sev_guest_rsp *rsp)
{
	u16 status = check_tdi(tdi, msg);

	memset(rsp, 0, sizeof(*rsp));
	if (msg->type == SEV_TDI_MSG_TDI_INFO) {
		fill_info(tdi, status, &rsp->info);
		return;
	}
	rsp->rsp.type = RESPONSE(msg->type);
	if (!status && msg->type == SEV_TDI_MSG_MMIO_VALIDATE)
		status = mmio_validate(fw, tdi, &msg->mmio, &rsp->rsp.changed);
	else if (!status && msg->type == SEV_TDI_MSG_SDTE_WRITE)
		status = sdte_write(tdi, &msg->other);
	else if (!status)
		status = mmio_config(tdi, &msg->other, &rsp->rsp.value);
	rsp->rsp.status = status;
}

static bool is_well_formed(const struct sev_guest_msg *msg)
{
	const struct sev_tdi_mmio *mmio = &msg->mmio;

	switch (msg->type) {
	case SEV_TDI_MSG_MMIO_VALIDATE:
		return IS_ALIGNED(mmio->gpa, PAGE_SIZE) && mmio->validate <= 1 &&
		       mmio->pages <= SEV_TDI_MMIO_PAGES_MAX &&
		       !mmio->reserved[0] && !mmio->reserved[1] &&
		       !mmio->reserved[2];
	case SEV_TDI_MSG_TDI_INFO:
	case SEV_TDI_MSG_MMIO_CONFIG:
	case SEV_TDI_MSG_SDTE_WRITE:
		return !msg->other.reserved && msg->other.write <= 1 &&
		       msg->other.non_tee <= 1;
	default:
		return false;
	}
}

static u64 guest_request(struct sev_fw *fw, u64 dev, u64 pa, u64 gctx,
			 const struct sev_guest_msg *msg, union sev_guest_rsp *rsp)
{
	struct sf_guest *guest;
	struct sf_tdi *tdi;
	u64 status = sf_tdi_find(fw, dev, pa, &tdi);

	if (status)
		return status;
	if (sf_talk_open(tdi->dev))
		return SEV_IN_USE;
	guest = sf_guest_find(fw, gctx);
	if (!guest || !guest->launched)
		return SEV_INVALID_GUEST_STATE;
	if (tdi->guest && tdi->guest != guest)
		return SEV_INVALID_TDI;
	if (!is_well_formed(msg))
		return tio_refuse_as(&fw->ref, TIO_BLAME_GUEST, SEV_INVALID_PARAM);
	answer(fw, tdi, msg, rsp);
	return SEV_SUCCESS;
}

/**
 * sev_tio_guest_request() - GUEST_REQUEST: carry a guest's message
 * @fw: the model
 * @dev: the device
 * @tdi: the TDI that the guest means, bound to it or not bound
 * @gctx: the guest, launched
 * @msg: the message
 * @rsp: filled with the answer, on success
 *
 * Return: SEV_INVALID_DEV_CTX, SEV_INVALID_TDI_CTX, SEV_IN_USE,
 * SEV_INVALID_GUEST_STATE, SEV_INVALID_TDI (another guest's), SEV_INVALID_PARAM (the
 * message is no message), or success: the outcome is in @rsp.
 * Context: any.
 */
u64 sev_tio_guest_request(struct sev_fw *fw, u64 dev, u64 tdi, u64 gctx,
			  const struct sev_guest_msg *msg, union sev_guest_rsp *rsp)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_GUEST_REQUEST, tdi,
			 tio_begin(&fw->ref, SEV_CALL_TIO_GUEST_REQUEST) ?:
			 guest_request(fw, dev, tdi, gctx, msg, rsp));
}
EXPORT_SYMBOL_GPL(sev_tio_guest_request);
