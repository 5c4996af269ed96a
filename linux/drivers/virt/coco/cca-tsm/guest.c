// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a realm about its TDI, as they come through the VMM. What the realm
 * asks of the RMM is done in its name, and what it asks of its host (RHI) is done by
 * the host; the answer goes back in tsm_code, refusals included. An errno says that
 * the host could not do its part.
 */
#include <linux/string.h>
#include <uapi/linux/cca-tdi.h>
#include <uapi/linux/iommufd.h>

#include "cca-tsm.h"

static_assert(CCA_TDI_RSI_DMA_ENABLE == RSI_VDEV_DMA_ENABLE);
static_assert(CCA_TDI_RSI_GET_INFO == RSI_VDEV_GET_INFO);
static_assert(CCA_TDI_RSI_DMA_DISABLE == RSI_VDEV_DMA_DISABLE);

/*
 * An operation of the RMM that has to do with the device. *@code is the RMM's last
 * word. Return: 0: it is the answer to the realm; an errno: a message was lost.
 */
static int operate(struct cca_tdi *tdi, u32 nr,
		   u64 (*begin)(struct cca_rmm *rmm, u64 rd, u64 pdev, u64 vdev),
		   u64 *code)
{
	struct cca_tsm *tsm = cca_tsm_of(tdi);
	int rc;

	/* the RMM would refuse it */
	*code = RMI_ERROR_DEVICE;
	if (tdi->error_told || tdi->talking)
		return 0;
	*code = cca_retry(begin(tsm->rmm, tdi->mmio.realm->rd,
				tdi->link->ep.granule, tdi->mmio.vdev));
	if (cca_check(tsm, nr, *code))
		return 0;
	tdi->talking = true;
	rc = cca_comm_vdev(tdi, code);
	if (rc)
		cca_tdi_look(tdi);
	return rc == -EBADMSG ? 0 : rc;
}

/*
 * May the realm see @pa at @ipa? cca_validate::allow. -ESTALE: the VMM has put
 * something else there, which is for the realm to hear.
 */
static int allow(void *ctx, u64 ipa, u64 top, u64 pa)
{
	struct cca_tdi *tdi = ctx;
	phys_addr_t hpa;
	int rc;

	rc = tio_mmio_lookup(&tdi->tdi, ipa, top - ipa, &hpa);
	if (rc == -ENXIO || (!rc && hpa != pa))
		return -ESTALE;
	if (rc)
		return rc;
	/* LOCK gives no MMIO reporting offset: pages are reported as they are */
	return tio_mmio_reported(tdi->tdi.pdev, tdi->report.bytes,
				 tdi->report.len, 0, pa, top - ipa);
}

/* Two MiB in whatever leaves, or one leaf of 1 GiB: an answer takes some ms */
static bool is_request(const struct cca_tdi_map *req)
{
	u64 size = req->top - req->ipa;

	if (req->top <= req->ipa || req->pa + size < req->pa || req->flags ||
	    !PAGE_ALIGNED(req->ipa | req->top | req->pa))
		return false;
	return size <= SZ_2M ||
	       (size == SZ_1G && IS_ALIGNED(req->ipa | req->pa, SZ_1G));
}

static ssize_t validate_mmio(struct pci_tdi *base, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	struct cca_tdi *tdi = to_cca_tdi(base);
	const struct cca_tdi_map *req = payload;
	const struct cca_validate validate = {
		.map = {
			.vdev_id = tdi->mmio.params.vdev_id,
			.ipa = req->ipa,
			.top = req->top,
			.pa = req->pa,
			.nonces = {
				.lock = req->lock_nonce,
				.meas = req->meas_nonce,
				.report = req->report_nonce,
			},
		},
		.allow = allow,
		.ctx = tdi,
	};
	struct rsi_result result;
	int rc;

	if (!is_request(req))
		return -EINVAL;
	rc = cca_rec_validate(&tdi->mmio, &validate, &result);
	*code = result.status;
	/* the realm asked for what the VMM does not show, or what it has */
	if (rc == -ESTALE || rc == -EEXIST)
		return 0;
	/* a part may have been visible: KVM's leaves are made anew from firmware's */
	if (rc)
		pci_tdi_unmap_mmio(base);
	return rc;
}

static ssize_t set_tdi_state(struct pci_tdi *base, const void *payload,
			     void *resp, size_t resp_len, u64 *code)
{
	struct cca_tdi *tdi = to_cca_tdi(base);
	const struct cca_tdi_state *req = payload;
	int rc;

	if (req->reserved)
		return -EINVAL;
	if (req->state != RSI_VDEV_STARTED || tdi->started) {
		*code = RSI_ERROR_STATE;
		return 0;
	}
	rc = operate(tdi, RMI_VDEV_START, rmi_vdev_start, code);
	tdi->started = !rc && *code == RMI_SUCCESS;
	return rc;
}

static ssize_t get_info(struct cca_tdi *tdi, void *resp, size_t resp_len,
			u64 *code)
{
	const struct rsi_vdev_info *info;
	struct rsi_result result;
	int rc;

	if (resp_len < sizeof(struct cca_tdi_info))
		return -EINVAL;
	rc = cca_rec_info(&tdi->mmio, &result);
	*code = result.status;
	if (rc || *code != RSI_SUCCESS)
		return rc;
	info = &result.info;
	*(struct cca_tdi_info *)resp = (struct cca_tdi_info) {
		.state = info->state,
		.dma = info->dma,
		.lock_nonce = info->nonces.lock,
		.meas_nonce = info->nonces.meas,
		.report_nonce = info->nonces.report,
	};
	memcpy(((struct cca_tdi_info *)resp)->certs_digest, info->certs_digest,
	       CCA_DIGEST_SIZE);
	memcpy(((struct cca_tdi_info *)resp)->report_digest,
	       info->report_digest, CCA_DIGEST_SIZE);
	memcpy(((struct cca_tdi_info *)resp)->meas_digest, info->meas_digest,
	       CCA_DIGEST_SIZE);
	if (info->state == RSI_VDEV_ERROR)
		cca_tdi_tell_error(tdi);
	return sizeof(struct cca_tdi_info);
}

static int dma(struct cca_tdi *tdi, const struct rsi_vdev_nonces *nonces,
	       u64 *code)
{
	struct rsi_result result;
	int rc;

	rc = cca_rec_dma(&tdi->mmio, nonces, &result);
	*code = result.status;
	return rc;
}

static ssize_t vendor(struct pci_tdi *base, const void *payload, void *resp,
		      size_t resp_len, u64 *code)
{
	struct cca_tdi *tdi = to_cca_tdi(base);
	const struct cca_tdi_vendor *req = payload;
	const struct rsi_vdev_nonces nonces = {
		.lock = req->lock_nonce,
		.meas = req->meas_nonce,
		.report = req->report_nonce,
	};

	if (req->reserved)
		return -EINVAL;
	if (req->call == CCA_TDI_RSI_DMA_ENABLE)
		return dma(tdi, &nonces, code);
	if (req->call != CCA_TDI_RSI_GET_INFO &&
	    req->call != CCA_TDI_RSI_DMA_DISABLE)
		return -EOPNOTSUPP;
	if (memchr_inv(&nonces, 0, sizeof(nonces)))
		return -EINVAL;
	return req->call == CCA_TDI_RSI_GET_INFO ?
	       get_info(tdi, resp, resp_len, code) : dma(tdi, NULL, code);
}

/* From the device when @offset is 0, and then from the copy */
static ssize_t read_cached(struct cca_tdi *tdi, const struct cca_tdi_read *req,
			   struct cca_cache *cache, u32 nr,
			   u64 (*begin)(struct cca_rmm *rmm, u64 rd, u64 pdev,
					u64 vdev),
			   void *resp, size_t resp_len, u64 *code)
{
	int rc = 0;

	if (req->reserved)
		return -EINVAL;
	if (!req->offset) {
		cache->len = 0;
		rc = operate(tdi, nr, begin, code);
		if (rc || *code != RMI_SUCCESS)
			cache->len = 0;
	}
	return rc ?: tio_copy_from(resp, resp_len, cache->bytes, cache->len,
				   req->offset);
}

static ssize_t read_report(struct pci_tdi *base, const void *payload, void *resp,
			   size_t resp_len, u64 *code)
{
	struct cca_tdi *tdi = to_cca_tdi(base);

	return read_cached(tdi, payload, &tdi->report,
			   RMI_VDEV_GET_INTERFACE_REPORT,
			   rmi_vdev_get_interface_report, resp, resp_len, code);
}

/*
 * A device that has none (the emulated one) answers with an SPDM error, which the
 * RMM does not tell from nonsense: RMI_ERROR_DEVICE and no bytes.
 */
static ssize_t read_measurements(struct pci_tdi *base, const void *payload,
				 void *resp, size_t resp_len, u64 *code)
{
	struct cca_tdi *tdi = to_cca_tdi(base);

	return read_cached(tdi, payload, &tdi->meas, RMI_VDEV_GET_MEASUREMENTS,
			   rmi_vdev_get_measurements, resp, resp_len, code);
}

static ssize_t read_certs(struct pci_tdi *base, const void *payload, void *resp,
			  size_t resp_len, u64 *code)
{
	const struct cca_cache *certs = &to_cca_tdi(base)->link->certs;
	const struct cca_tdi_read *req = payload;

	if (req->reserved)
		return -EINVAL;
	return tio_copy_from(resp, resp_len, certs->bytes, certs->len,
			     req->offset);
}

static const struct tio_guest_op guest_ops[] = {
	[IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct cca_tdi_map),
		validate_mmio,
	},
	[IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct cca_tdi_state),
		set_tdi_state,
	},
	[IOMMU_VDEVICE_TSM_REQ_VENDOR] = {
		PCI_TSM_REQ_STATE_CHANGE, sizeof(struct cca_tdi_vendor), vendor,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_REPORT] = {
		PCI_TSM_REQ_INFO, sizeof(struct cca_tdi_read), read_report,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_CERTS] = {
		PCI_TSM_REQ_INFO, sizeof(struct cca_tdi_read), read_certs,
	},
	[IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS] = {
		PCI_TSM_REQ_INFO, sizeof(struct cca_tdi_read),
		read_measurements,
	},
};

/**
 * cca_guest_req() - a realm's request about its TDI
 * @base: the TDI
 * @scope: what the request may do at most
 * @req_in: kernel buffer with a struct pci_tdi_req and its payload
 * @in_len: bytes in @req_in
 * @req_out: kernel buffer for the answer
 * @out_len: bytes of room in @req_out
 * @tsm_code: filled with what the realm gets: the RSI status of its own calls, the
 *	      RMI status of what it asks of its host; also on failure
 *
 * Context: under pci_tsm_rwsem (read) and pci_tsm_pf0::lock; bounded, see
 * CCA_REQUEST_MS.
 *
 * Return: the number of bytes of @req_out that were *not* filled; -ENXIO: the TDI is
 * in quarantine; -EINVAL: not kernel buffers, or a length, an address or a reserved
 * field is wrong; -EOPNOTSUPP: unknown op, call or arch; -EPERM: @scope does not allow
 * the op; VALIDATE_MMIO: -ENOENT: no private slot of this TDI at the address, -EACCES:
 * the range is not reported as TEE memory (read the report first), -EBUSY: it is
 * mapped at another address or in other leaves; -ENOMEM; -EIO: firmware refused the
 * host's part, or the device did not answer.
 */
ssize_t cca_guest_req(struct pci_tdi *base, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code)
{
	struct cca_tdi *tdi = to_cca_tdi(base);

	lockdep_assert_held(&tdi->link->base.pf0.lock);

	/* the core's look at the state is not under our lock */
	if (tdi->quarantined)
		return -ENXIO;
	tio_budget(&tdi->link->base, CCA_REQUEST_MS);
	return tio_guest_req(base, guest_ops, ARRAY_SIZE(guest_ops),
			     IOMMU_TSM_TVM_ARCH_CCA, scope, req_in, in_len,
			     req_out, out_len, tsm_code);
}
