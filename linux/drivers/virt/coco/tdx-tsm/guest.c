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

/* Bytes of @src from @offset on, as many as fit or exist */
static size_t copy_from_offset(void *resp, size_t resp_len, const void *src,
			       size_t src_len, u32 offset)
{
	size_t len;

	if (offset >= src_len)
		return 0;
	len = min(resp_len, src_len - offset);
	memcpy(resp, src + offset, len);
	return len;
}

/*
 * Make the host's part of the private mapping, then accept it for the guest. A
 * page that is in the S-EPT already is only accepted (again).
 */
static ssize_t validate_mmio(struct tdx_tdi *tdi, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	const struct tdx_tdi_mmio *req = payload;
	phys_addr_t hpa;
	int rc;

	if (!PAGE_ALIGNED(req->gpa))
		return -EINVAL;
	rc = pci_tdi_mmio_lookup(&tdi->tdi, req->gpa, &hpa);
	if (rc)
		return rc;
	rc = tdx_mmio_map(tdi, req->gpa, hpa, code);
	if (rc)
		return rc;
	*code = tdg_mmio_accept(tdi->link->tsm->fw, tdi->td->tdr, req->gpa,
				req->report_page);
	return 0;
}

static ssize_t set_tdi_state(struct tdx_tdi *tdi, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	const struct tdx_tdi_state *req = payload;
	struct tdx_devif_result result;

	if (req->reserved)
		return -EINVAL;
	if (req->state != TDISP_RUN) {
		*code = TDX_DEVIF_TDISP_INVALID_MESSAGE;
		return 0;
	}
	return tdx_round_td(tdi, TDISP_START_INTERFACE, 0, code, &result);
}

static ssize_t vendor(struct tdx_tdi *tdi, const void *payload, void *resp,
		      size_t resp_len, u64 *code)
{
	const struct tdx_tdi_vendor *req = payload;
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

static ssize_t read_report(struct tdx_tdi *tdi, const void *payload, void *resp,
			   size_t resp_len, u64 *code)
{
	const struct tdx_tdi_read *req = payload;
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
	return copy_from_offset(resp, resp_len, tdi->report, tdi->report_len,
				req->offset);
}

static ssize_t read_certs(struct tdx_tdi *tdi, const void *payload, void *resp,
			  size_t resp_len, u64 *code)
{
	const struct tdx_tdi_read *req = payload;

	if (req->reserved)
		return -EINVAL;
	return copy_from_offset(resp, resp_len, tdi->link->certs,
				tdi->link->certs_len, req->offset);
}

/* The platform's SPDM session is firmware's, and it has no call for them yet */
static ssize_t read_measurements(struct tdx_tdi *tdi, const void *payload,
				 void *resp, size_t resp_len, u64 *code)
{
	return -EOPNOTSUPP;
}

static const struct guest_op {
	enum pci_tsm_req_scope scope;	/* the least that allows it */
	size_t payload;			/* exact length of the payload, bytes */
	ssize_t (*run)(struct tdx_tdi *tdi, const void *payload, void *resp,
		       size_t resp_len, u64 *code);
} guest_ops[] = {
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

/* The op of a request whose @len bytes have been checked; NULL: none of ours */
static const struct guest_op *find_op(const struct pci_tdi_req *req)
{
	if (req->tvm_arch != IOMMU_TSM_TVM_ARCH_TDX ||
	    req->op >= ARRAY_SIZE(guest_ops) || !guest_ops[req->op].run)
		return NULL;
	return &guest_ops[req->op];
}

/* A device that does not answer, or nonsense, is one errno for the VMM */
static ssize_t guest_errno(ssize_t rc)
{
	switch (rc) {
	case -ETIMEDOUT:
	case -EPROTO:
	case -EBADMSG:
	case -EOWNERDEAD:
	case -EUCLEAN:
		return -EIO;
	default:
		return rc;
	}
}

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
 * Return: the number of bytes of @req_out that were *not* filled; -EINVAL: not
 * kernel buffers, or a length or reserved field is wrong; -EOPNOTSUPP: unknown
 * op, leaf or arch, or measurements; -EPERM: @scope does not allow the op;
 * VALIDATE_MMIO: -ENOENT: no private slot of this TDI at the address, -EACCES:
 * the page is not reported as TEE memory (read the report first), -EBUSY: the
 * page or the address is mapped otherwise; -ENOMEM; -EIO: firmware refused the
 * host's part, or the device did not answer as it must.
 */
ssize_t tdx_guest_req(struct pci_tdi *base, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code)
{
	struct tdx_tdi *tdi = to_tdx_tdi(base);
	const struct pci_tdi_req *req = req_in.kernel;
	const struct guest_op *op;
	u64 code = TDX_SUCCESS;
	ssize_t filled;

	lockdep_assert_held(&tdi->link->pf0.lock);

	if (tsm_code)
		*tsm_code = code;
	if (!sockptr_is_kernel(req_in) || !sockptr_is_kernel(req_out) ||
	    in_len < sizeof(*req) || (out_len && !req_out.kernel))
		return -EINVAL;
	op = find_op(req);
	if (!op)
		return -EOPNOTSUPP;
	if (in_len - sizeof(*req) != op->payload)
		return -EINVAL;
	if (scope < op->scope)
		return -EPERM;

	tdx_round_budget(tdi->link, TDX_REQUEST_MS);
	filled = op->run(tdi, req->payload, req_out.kernel, out_len, &code);
	if (tsm_code)
		*tsm_code = code;
	return filled < 0 ? guest_errno(filled) : out_len - filled;
}
