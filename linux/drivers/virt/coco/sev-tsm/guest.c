// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a guest about its TDI, as they come through the VMM. What the guest asks
 * of firmware is done in its name and firmware's answer goes back in tsm_code,
 * refusals included; an errno says that the host could not do its part.
 *
 * What firmware would refuse for sure, by a state that the host knows as well as it
 * does, is refused in its words without asking it: a guest can ask in any order, and
 * a host that asks firmware in a wrong one has made a mistake.
 */
#include <linux/cleanup.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "sev-tsm.h"

/* CONFIG_LOCKED or RUN, over a connection that still stands */
static bool is_up(struct sev_tdi *tdi)
{
	int state = sev_fw_tdisp_state(tdi->link->tsm->fw, tdi->ctx);

	return tdi->link->connected &&
	       (state == TDISP_CONFIG_LOCKED || state == TDISP_RUN);
}

/* A refusal of firmware is an answer; a device that does not speak is none */
static int answered(int rc, u64 code)
{
	return code && code != SEV_SPDM_ERROR ? 0 : rc;
}

/* Carry a message to the ASP and its answer, of @rsp_len bytes, back */
static ssize_t message(struct sev_tdi *tdi, struct sev_guest_msg *msg,
		       union sev_guest_rsp *rsp, size_t rsp_len, void *resp,
		       size_t resp_len, u64 *code)
{
	struct sev_link *link = tdi->link;

	msg->guest_device_id = lower_16_bits(tdi->tdi.tdi_id);
	*code = sev_retry(sev_tio_guest_request(link->tsm->fw, link->dev,
						tdi->ctx, tdi->gctx->page, msg,
						rsp));
	if (*code)
		return 0;
	return tio_copy_from(resp, resp_len, rsp, rsp_len, 0);
}

/*
 * The host's part. Not for a TDI that has stopped or fallen: its pages would never
 * come back, since no report names them any more.
 */
static int assign(struct sev_tdi *tdi, const struct sev_tdi_mmio *req, u64 *code)
{
	u64 size = PFN_PHYS(req->pages);
	phys_addr_t hpa;
	int rc;

	rc = tio_mmio_lookup(&tdi->tdi, req->gpa, size, &hpa);
	if (!rc)
		rc = tio_mmio_reported(tdi->tdi.pdev, tdi->report,
				       tdi->report_len, tdi->offset, hpa, size);
	if (rc)
		return rc;
	return sev_mmio_assign(&tdi->mmio, req->gpa, hpa, req->pages, 0, code);
}

static ssize_t validate_mmio(struct pci_tdi *base, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	const struct sev_tdi_mmio *req = payload;
	struct sev_tdi *tdi = to_sev_tdi(base);
	struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.mmio = *req,
	};
	union sev_guest_rsp rsp = {};
	ssize_t rc;

	if (!PAGE_ALIGNED(req->gpa) || !req->pages ||
	    req->pages > SEV_TDI_MMIO_PAGES_MAX || req->validate > 1 ||
	    memchr_inv(req->reserved, 0, sizeof(req->reserved)))
		return -EINVAL;
	if (req->validate && is_up(tdi)) {
		rc = assign(tdi, req, code);
		if (rc)
			return rc;
	}
	rc = message(tdi, &msg, &rsp, sizeof(rsp.rsp), resp, resp_len, code);
	/* firmware's mind first, KVM's leaves second; others fault in again */
	if (!req->validate && !*code && rsp.rsp.changed)
		pci_tdi_unmap_mmio(&tdi->tdi);
	return rc;
}

/* TIO_OP RUN. A START that got lost may have been heard: firmware looks */
static int run(struct sev_tdi *tdi, u64 *code)
{
	const struct sev_tio_bind bind = {
		.gctx = tdi->gctx->page,
		.guest_device_id = lower_16_bits(tdi->tdi.tdi_id),
		.run = true,
	};
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_TDI_BIND,
		.tdi = tdi->ctx,
		.bind = &bind,
	};
	int rc;

	*code = SEV_INVALID_TDI_STATE;
	if (!is_up(tdi) || sev_fw_tdisp_state(tdi->link->tsm->fw, tdi->ctx) !=
			   TDISP_CONFIG_LOCKED)
		return 0;
	rc = sev_cmd(tdi->link, &cmd, code);
	if (rc)
		sev_watch_look(tdi);
	return answered(rc, *code);
}

/*
 * TIO_OP STOP. The guest gets no page any more from the moment that it asks, and
 * nothing that it still wrote survives the scrubbing. It stays so if the device does
 * not answer, and then it counts as locked until somebody unbinds it.
 */
static int stop(struct sev_tdi *tdi, u64 *code)
{
	int rc;

	*code = SEV_INVALID_TDI_STATE;
	if (!tdi->bound)
		return 0;
	WRITE_ONCE(tdi->closed, true);
	pci_tdi_unmap_mmio(&tdi->tdi);
	rc = sev_tdi_stop(tdi, code);
	/* firmware has let go of a device that did not stop: it is shut off at least */
	if (rc && !tdi->bound)
		sev_tdi_tell_error(tdi);
	return answered(rc, *code);
}

static ssize_t set_tdi_state(struct pci_tdi *base, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	const struct sev_tdi_state *req = payload;
	struct sev_tdi *tdi = to_sev_tdi(base);

	if (req->reserved)
		return -EINVAL;
	switch (req->state) {
	case TDISP_RUN:
		return run(tdi, code);
	case TDISP_CONFIG_UNLOCKED:
		return stop(tdi, code);
	default:
		*code = SEV_INVALID_PARAM;
		return 0;
	}
}

static ssize_t vendor(struct pci_tdi *base, const void *payload, void *resp,
		      size_t resp_len, u64 *code)
{
	const struct sev_tdi_msg *req = payload;
	struct sev_tdi *tdi = to_sev_tdi(base);
	struct sev_guest_msg msg = { .type = req->type, .other = *req };
	union sev_guest_rsp rsp = {};
	size_t len = sizeof(rsp.rsp);

	if (req->reserved)
		return -EINVAL;
	switch (req->type) {
	case SEV_TDI_MSG_TDI_INFO:
		len = sizeof(rsp.info);
		fallthrough;
	case SEV_TDI_MSG_MMIO_CONFIG:
	case SEV_TDI_MSG_SDTE_WRITE:
		return message(tdi, &msg, &rsp, len, resp, resp_len, code);
	default:
		return -EOPNOTSUPP;
	}
}

/* Read anew from its first byte; from others on it is the same reading */
static ssize_t read_report(struct pci_tdi *base, const void *payload, void *resp,
			   size_t resp_len, u64 *code)
{
	const struct sev_tdi_read *req = payload;
	struct sev_tdi *tdi = to_sev_tdi(base);
	int rc;

	if (req->reserved)
		return -EINVAL;
	if (!req->offset && !is_up(tdi)) {
		*code = SEV_INVALID_TDI_STATE;
		return 0;
	}
	if (!req->offset) {
		rc = sev_report_fetch(tdi, code);
		if (rc)
			return answered(rc, *code);
	}
	return tio_copy_from(resp, resp_len, tdi->report, tdi->report_len,
			     req->offset);
}

static ssize_t read_certs(struct pci_tdi *base, const void *payload, void *resp,
			  size_t resp_len, u64 *code)
{
	const struct sev_tdi_read *req = payload;
	struct sev_link *link = to_sev_tdi(base)->link;

	if (req->reserved)
		return -EINVAL;
	return tio_copy_from(resp, resp_len, link->certs, link->certs_len,
			     req->offset);
}

/* Never kept: a measurement is of now. The emulated device has none: -EIO */
static ssize_t read_measurements(struct pci_tdi *base, const void *payload,
				 void *resp, size_t resp_len, u64 *code)
{
	u8 *record __free(kfree) = kzalloc(SEV_RSP_MAX, GFP_KERNEL);
	struct sev_link *link = to_sev_tdi(base)->link;
	const struct sev_tdi_read *req = payload;
	struct sev_out out = { .buf = record, .size = SEV_RSP_MAX };
	const struct sev_cmd cmd = {
		.nr = SEV_CALL_TIO_DEV_MEASUREMENTS,
		.out = &out,
	};
	int rc;

	if (req->reserved)
		return -EINVAL;
	if (!record)
		return -ENOMEM;
	if (!link->connected) {
		*code = SEV_INVALID_DEV_STATE;
		return 0;
	}
	rc = sev_cmd(link, &cmd, code);
	if (rc)
		return answered(rc, *code);
	return tio_copy_from(resp, resp_len, record, min(out.len, out.size),
			     req->offset);
}

static const struct tio_guest_op guest_ops[] = {
	[IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct sev_tdi_mmio),
		validate_mmio,
	},
	[IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct sev_tdi_state),
		set_tdi_state,
	},
	[IOMMU_VDEVICE_TSM_REQ_VENDOR] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct sev_tdi_msg), vendor,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_REPORT] = {
		PCI_TSM_REQ_INFO, sizeof(struct sev_tdi_read), read_report,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_CERTS] = {
		PCI_TSM_REQ_INFO, sizeof(struct sev_tdi_read), read_certs,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS] = {
		PCI_TSM_REQ_INFO, sizeof(struct sev_tdi_read),
		read_measurements,
	},
};

/**
 * sev_guest_req() - a guest's request about its TDI
 * @base: the TDI
 * @scope: what the request may do at most
 * @req_in: kernel buffer with a struct pci_tdi_req and its payload
 * @in_len: bytes in @req_in
 * @req_out: kernel buffer for the answer
 * @out_len: bytes of room in @req_out
 * @tsm_code: filled with the status of the ASP's command (of RMPUPDATE, if the host's
 *	      part of VALIDATE_MMIO was refused), 0 if none was issued; also on failure
 *
 * Context: under pci_tsm_rwsem (read) and pci_tsm_pf0::lock; bounded, see
 * SEV_REQUEST_MS.
 *
 * Return: the number of bytes of @req_out that were *not* filled; -ENXIO: the TDI is
 * in quarantine; -EINVAL, -EOPNOTSUPP, -EPERM: see tio_guest_req(), and for a reserved
 * field or a message that is none; VALIDATE_MMIO: -ENOENT, -ENXIO: no private slot of
 * this TDI there, or none in one piece, -EACCES: a page is not reported as TEE memory,
 * -EBUSY: one is assigned at another address; -ENOMEM; -EIO: firmware refused the
 * host's part, or the device did not answer as it must (the emulated one has no
 * measurements).
 */
ssize_t sev_guest_req(struct pci_tdi *base, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code)
{
	struct sev_tdi *tdi = to_sev_tdi(base);

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* the core's look at the state is not under our lock */
	if (tdi->quarantined)
		return -ENXIO;
	tio_budget(&tdi->link->base, SEV_REQUEST_MS);
	return tio_guest_req(base, guest_ops, ARRAY_SIZE(guest_ops),
			     IOMMU_TSM_TVM_ARCH_SEV, scope, req_in, in_len,
			     req_out, out_len, tsm_code);
}
