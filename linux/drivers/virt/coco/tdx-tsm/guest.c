// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a TD about its TDI, as they come through the VMM. What the TD asks
 * of firmware is done in its name and firmware's answer goes back in tsm_code,
 * refusals included; an errno says that the host could not do its part.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/iommufd.h>
#include <uapi/linux/tdx-tdi.h>

#include "tdx-tsm.h"

/* A leaf that slot, report or BARs do not allow may do in a smaller size */
static bool is_too_large(int rc)
{
	return rc == -ENOENT || rc == -ENXIO || rc == -EACCES || rc == -EBUSY;
}

/* The host's part of one leaf, if the whole of it is the TD's to have */
static int map_leaf(struct tdx_tdi *tdi, u64 gpa, unsigned int level, u64 *code)
{
	u64 size = tio_leaf_size(level);
	phys_addr_t hpa;
	int rc;

	rc = tio_mmio_lookup(&tdi->tdi, gpa, size, &hpa);
	if (!rc && tdx_mmio_is_mapped(&tdi->mmio, gpa, hpa))
		return 0;
	if (!rc && !IS_ALIGNED(hpa, size))
		rc = -ENXIO;
	if (!rc)
		rc = tio_mmio_reported(tdi->tdi.pdev, tdi->report,
				       tdi->report_len, tdi->offset, hpa, size);
	if (!rc && tdi->link->blocked) {
		*code = TDX_IDE_STREAM_BLOCKED;
		rc = -EIO;
	}
	return rc ?: tdx_mmio_map(&tdi->mmio, gpa, hpa, level, code);
}

/*
 * Make the host's part of the private mapping, then accept it for the guest. A
 * leaf that is in the S-EPT already is only accepted (again). If it is, or can only
 * be, in the S-EPT in another size, firmware tells the guest.
 */
static ssize_t validate_mmio(struct pci_tdi *base, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	const struct tdx_tdi_mmio *req = payload;
	struct tdx_tdi *tdi = to_tdx_tdi(base);
	unsigned int level = req->level;
	int rc;

	if (req->reserved || level >= TDX_NR_LEVELS ||
	    !IS_ALIGNED(req->gpa, tio_leaf_size(level)))
		return -EINVAL;
	rc = map_leaf(tdi, req->gpa, level, code);
	while (level && is_too_large(rc))
		rc = map_leaf(tdi, req->gpa, --level, code);
	if (rc)
		return rc;
	*code = tdg_mmio_accept(tdi->link->tsm->fw, tdi->td->tdr, req->gpa,
				req->level, req->report_page);
	return 0;
}

static ssize_t set_tdi_state(struct pci_tdi *base, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	const struct tdx_tdi_state *req = payload;
	struct tdx_tdi *tdi = to_tdx_tdi(base);
	struct tdx_devif_result result;

	if (req->reserved)
		return -EINVAL;
	if (req->state != TDISP_RUN) {
		*code = TDX_DEVIF_TDISP_INVALID_MESSAGE;
		return 0;
	}
	return tdx_round_td(tdi, TDISP_START_INTERFACE, 0, code, &result);
}

static ssize_t vendor(struct pci_tdi *base, const void *payload, void *resp,
		      size_t resp_len, u64 *code)
{
	const struct tdx_tdi_vendor *req = payload;
	struct tdx_tdi *tdi = to_tdx_tdi(base);
	struct tdx_fw *fw = tdi->link->tsm->fw;

	if (req->reserved)
		return -EINVAL;
	switch (req->leaf) {
	case TDX_TDI_LEAF_DEVIF_VALIDATE:
		*code = tdg_devif_validate(fw, tdi->td->tdr, tdi->devif,
					   req->pkh);
		return 0;
	case TDX_TDI_LEAF_DMAR_ACCEPT:
		if (memchr_inv(req->pkh, 0, sizeof(req->pkh)))
			return -EINVAL;
		*code = tdg_dmar_accept(fw, tdi->td->tdr, tdi->devif);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * All portions of the report, from the device into firmware, which has checked that
 * each is not empty and that their sum stays below the report's maximum; the budget
 * ends a device that dribbles.
 */
static int report_fetch(struct tdx_tdi *tdi, u64 *code)
{
	struct tdx_devif_result result;
	u16 offset = 0;
	int rc;

	do {
		rc = tdx_round_td(tdi, TDISP_GET_REPORT, offset, code, &result);
		offset += result.portion;
	} while (!rc && !TDX_IS_ERROR(*code) && result.remainder);
	return rc;
}

/* Firmware's copy of the report, kept to check MMIO against and to read on */
static int report_keep(struct tdx_tdi *tdi, u64 *code)
{
	size_t len = TDX_FW_REPORT_MAX;
	u8 *report = kzalloc(len, GFP_KERNEL);

	if (!report)
		return -ENOMEM;
	*code = tdg_devif_rd(tdi->link->tsm->fw, tdi->td->tdr, tdi->devif,
			     TDX_DEVIF_FIELD_REPORT, 0, report, &len);
	if (TDX_IS_ERROR(*code)) {
		kfree(report);
		return 0;
	}
	kfree(tdi->report);
	tdi->report = report;
	tdi->report_len = min_t(size_t, len, TDX_FW_REPORT_MAX);
	return 0;
}

static ssize_t read_report(struct pci_tdi *base, const void *payload, void *resp,
			   size_t resp_len, u64 *code)
{
	const struct tdx_tdi_read *req = payload;
	struct tdx_tdi *tdi = to_tdx_tdi(base);
	int rc = 0;

	if (req->reserved)
		return -EINVAL;
	if (!req->offset) {
		rc = report_fetch(tdi, code);
		if (!rc && !TDX_IS_ERROR(*code))
			rc = report_keep(tdi, code);
	}
	if (rc || TDX_IS_ERROR(*code))
		return rc;
	return tio_copy_from(resp, resp_len, tdi->report, tdi->report_len,
			     req->offset);
}

static ssize_t read_certs(struct pci_tdi *base, const void *payload, void *resp,
			  size_t resp_len, u64 *code)
{
	const struct tdx_tdi_read *req = payload;
	struct tdx_tdi *tdi = to_tdx_tdi(base);

	if (req->reserved)
		return -EINVAL;
	return tio_copy_from(resp, resp_len, tdi->link->certs,
			     tdi->link->certs_len, req->offset);
}

/* The platform's SPDM session is firmware's, and it has no call for them yet */
static ssize_t read_measurements(struct pci_tdi *base, const void *payload,
				 void *resp, size_t resp_len, u64 *code)
{
	return -EOPNOTSUPP;
}

static const struct tio_guest_op guest_ops[] = {
	[IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct tdx_tdi_mmio),
		validate_mmio,
	},
	[IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct tdx_tdi_state),
		set_tdi_state,
	},
	[IOMMU_VDEVICE_TSM_REQ_VENDOR] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct tdx_tdi_vendor), vendor,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_REPORT] = {
		PCI_TSM_REQ_INFO, sizeof(struct tdx_tdi_read), read_report,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_CERTS] = {
		PCI_TSM_REQ_INFO, sizeof(struct tdx_tdi_read), read_certs,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS] = {
		PCI_TSM_REQ_INFO, sizeof(struct tdx_tdi_read),
		read_measurements,
	},
};

/**
 * tdx_guest_req() - a TD's request about its TDI
 * @base: the TDI
 * @scope: what the request may do at most
 * @req_in: kernel buffer with a struct pci_tdi_req and its payload
 * @in_len: bytes in @req_in
 * @req_out: kernel buffer for the answer
 * @out_len: bytes of room in @req_out
 * @tsm_code: filled with the TDX module's completion status, 0 if it was not
 *	      asked; also on failure
 *
 * Context: under pci_tsm_rwsem (read) and pci_tsm_pf0::lock; bounded, see
 * TDX_REQUEST_MS.
 *
 * Return: the number of bytes of @req_out that were *not* filled; -ENXIO: the TDI is
 * in quarantine; -EINVAL: not kernel buffers, or a length or reserved field is wrong;
 * -EOPNOTSUPP: unknown op, leaf or arch, or measurements; -EPERM: @scope does not
 * allow the op; VALIDATE_MMIO: -ENOENT: no private slot of this TDI at the address,
 * -EACCES: the page is not reported as TEE memory (read the report first), -EBUSY: the
 * page or the address is mapped otherwise (all three of the 4 KiB at the address: a
 * larger leaf is tried in smaller ones); -ENOMEM; -EIO: firmware refused the host's
 * part, or the device did not answer as it must.
 */
ssize_t tdx_guest_req(struct pci_tdi *base, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code)
{
	struct tdx_tdi *tdi = to_tdx_tdi(base);

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* the core's look at the state is not under our lock */
	if (tdi->quarantined)
		return -ENXIO;
	tio_budget(&tdi->link->base, TDX_REQUEST_MS);
	return tio_guest_req(base, guest_ops, ARRAY_SIZE(guest_ops),
			     IOMMU_TSM_TVM_ARCH_TDX, scope, req_in, in_len,
			     req_out, out_len, tsm_code);
}
