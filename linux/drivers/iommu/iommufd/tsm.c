// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vDEVICE of a TEE device interface: bind, unbind, and the requests of the
 * TVM that has it. What these do is in drivers/pci/tdi-bind.c; here is the user
 * interface to it, and the vDEVICE's end.
 */
#include <linux/cleanup.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/pci-tdi.h>
#include <linux/slab.h>

#include "iommufd_private.h"
#include "tsm.h"

#define CREATE_TRACE_POINTS
#include <trace/events/iommufd_tsm.h>

static struct iommufd_vdevice *iommufd_get_vdevice(struct iommufd_ucmd *ucmd,
						   u32 id)
{
	return container_of(iommufd_get_object(ucmd->ictx, id,
					       IOMMUFD_OBJ_VDEVICE),
			    struct iommufd_vdevice, obj);
}

static struct pci_dev *vdevice_to_pci(struct iommufd_vdevice *vdev)
{
	struct device *dev = iommufd_vdevice_to_device(vdev);

	return dev_is_pci(dev) ? to_pci_dev(dev) : NULL;
}

/*
 * Something was lost before it reached the vEVENTQ: as if the queue had been full
 * just now. What comes next has a gap before its sequence index.
 */
static void iommufd_viommu_report_lost(struct iommufd_viommu *viommu)
{
	struct iommufd_veventq *veventq;

	guard(rwsem_read)(&viommu->veventqs_rwsem);
	veventq = iommufd_viommu_find_veventq(viommu, IOMMU_VEVENTQ_TYPE_TSM);
	if (!veventq)
		return;
	guard(spinlock)(&veventq->common.lock);
	iommufd_vevent_handler(veventq, &veventq->lost_events_header);
}

/*
 * Called in the order of what happened; pci_tdi_forget_notify() waits for it, so
 * the vDEVICE and its vIOMMU live. A VMM without a vEVENTQ is not told; a full
 * queue marks the loss.
 */
static void iommufd_vdevice_tsm_notify(void *priv, enum pci_tdi_event event)
{
	static const u32 uapi[] = {
		[PCI_TDI_EVENT_UNBOUND] = IOMMU_VEVENT_TSM_UNBOUND,
		[PCI_TDI_EVENT_ERROR] = IOMMU_VEVENT_TSM_ERROR,
		[PCI_TDI_EVENT_QUARANTINED] = IOMMU_VEVENT_TSM_QUARANTINED,
	};
	struct iommufd_vdevice *vdev = priv;
	struct iommu_vevent_tsm vevent = {
		.virt_id = vdev->virt_id,
	};

	if (event == PCI_TDI_EVENT_LOST) {
		iommufd_viommu_report_lost(vdev->viommu);
		return;
	}
	vevent.event = uapi[event];
	iommufd_viommu_report_event(vdev->viommu, IOMMU_VEVENTQ_TYPE_TSM,
				    &vevent, sizeof(vevent));
}

static int iommufd_vdevice_tsm_bind(struct iommufd_vdevice *vdev,
				    struct pci_dev *pdev)
{
	/* a TDI is known by its virtual RID, 16 bit of it and the segment */
	if (vdev->virt_id > U32_MAX)
		return -EINVAL;
	return pci_tdi_bind(pdev, vdev->virt_id, iommufd_vdevice_tsm_notify,
			    vdev);
}

/*
 * The object reference keeps the vDEVICE, and with it the VFIO device that is
 * bound to the iommufd, for as long as the bind or unbind takes: some DOE
 * exchanges, far less than the 60 s that a destroy is ready to wait.
 */
static int iommufd_vdevice_tsm_op(struct iommufd_ucmd *ucmd)
{
	struct iommu_vdevice_tsm_op *cmd = ucmd->cmd;
	struct iommufd_vdevice *vdev;
	struct pci_dev *pdev;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->type != IOMMU_VDEVICE_TSM_BIND &&
	    cmd->type != IOMMU_VDEVICE_TSM_UNBIND)
		return -EINVAL;

	vdev = iommufd_get_vdevice(ucmd, cmd->vdevice_id);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);

	pdev = vdevice_to_pci(vdev);
	if (!pdev)
		rc = -EOPNOTSUPP;
	else if (cmd->type == IOMMU_VDEVICE_TSM_BIND)
		rc = iommufd_vdevice_tsm_bind(vdev, pdev);
	else
		rc = pci_tdi_unbind(pdev);

	iommufd_put_object(ucmd->ictx, &vdev->obj);
	return rc;
}

/**
 * iommufd_vdevice_tsm_op_ioctl() - IOMMU_VDEVICE_TSM_OP
 * @ucmd: the command
 */
int iommufd_vdevice_tsm_op_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_vdevice_tsm_op *cmd = ucmd->cmd;
	int rc;

	trace_iommufd_tsm_op_begin(cmd->vdevice_id, cmd->type);
	rc = iommufd_vdevice_tsm_op(ucmd);
	trace_iommufd_tsm_op_end(cmd->vdevice_id, cmd->type, rc);
	return rc;
}

/* What each request may do at most, for pci_tsm_guest_req() */
static const struct {
	bool known;
	enum pci_tsm_req_scope scope;
} tsm_req_ops[] = {
	[IOMMU_VDEVICE_TSM_REQ_VALIDATE_MMIO] = { true, PCI_TSM_REQ_STATE_CHANGE },
	[IOMMU_VDEVICE_TSM_REQ_SET_TDI_STATE] = { true, PCI_TSM_REQ_STATE_CHANGE },
	[IOMMU_VDEVICE_TSM_REQ_VENDOR] = { true, PCI_TSM_REQ_STATE_CHANGE },
	[IOMMU_VDEVICE_TSM_REQ_READ_REPORT] = { true, PCI_TSM_REQ_INFO },
	[IOMMU_VDEVICE_TSM_REQ_READ_CERTS] = { true, PCI_TSM_REQ_INFO },
	[IOMMU_VDEVICE_TSM_REQ_READ_MEASUREMENTS] = { true, PCI_TSM_REQ_INFO },
};

static int iommufd_tsm_req_check(const struct iommu_vdevice_tsm_req *cmd)
{
	if (cmd->op >= ARRAY_SIZE(tsm_req_ops) || !tsm_req_ops[cmd->op].known)
		return -EOPNOTSUPP;
	if (cmd->tvm_arch < IOMMU_TSM_TVM_ARCH_TDX ||
	    cmd->tvm_arch > IOMMU_TSM_TVM_ARCH_COVE)
		return -EOPNOTSUPP;
	if (!cmd->req_len || cmd->req_len > IOMMU_VDEVICE_TSM_REQ_MAX ||
	    cmd->resp_len > IOMMU_VDEVICE_TSM_RESP_MAX)
		return -EINVAL;
	return 0;
}

/*
 * Kernel buffers in, kernel buffers out. The vDEVICE is held until it is the request's
 * turn, 2 s at most, and may go while the request is on its way: it unbinds, and that
 * takes the turn away.
 */
static ssize_t iommufd_tsm_req_send(struct iommufd_ucmd *ucmd,
				    struct pci_tdi_req *req, void *resp,
				    u64 *tsm_code)
{
	struct iommu_vdevice_tsm_req *cmd = ucmd->cmd;
	u32 op = array_index_nospec(cmd->op, ARRAY_SIZE(tsm_req_ops));
	struct iommufd_vdevice *vdev;
	struct pci_dev *pdev;
	ssize_t rc;

	vdev = iommufd_get_vdevice(ucmd, cmd->vdevice_id);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);

	pdev = vdevice_to_pci(vdev);
	rc = pdev ? pci_tdi_begin_req(pdev) : -EOPNOTSUPP;
	iommufd_put_object(ucmd->ictx, &vdev->obj);
	if (rc)
		return rc;

	return pci_tdi_guest_req(pdev, tsm_req_ops[op].scope, req,
				 sizeof(*req) + cmd->req_len, resp,
				 cmd->resp_len, tsm_code);
}

/**
 * iommufd_vdevice_tsm_req_ioctl() - IOMMU_VDEVICE_TSM_REQ
 * @ucmd: the command
 *
 * User memory is touched with no object held: a page behind userfaultfd or FUSE
 * would otherwise keep the vDEVICE from being destroyed, and VFIO's close from
 * ending.
 */
int iommufd_vdevice_tsm_req_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_vdevice_tsm_req *cmd = ucmd->cmd;
	size_t req_len = sizeof(struct pci_tdi_req) + cmd->req_len;
	u64 tsm_code = 0;
	ssize_t rc;

	rc = iommufd_tsm_req_check(cmd);
	if (rc)
		return rc;

	struct pci_tdi_req *req __free(kvfree) = kvzalloc(req_len,
							  GFP_KERNEL_ACCOUNT);
	/* room for one byte more, so that no response is not a NULL buffer */
	void *resp __free(kvfree) = kvzalloc(cmd->resp_len + 1,
					     GFP_KERNEL_ACCOUNT);
	if (!req || !resp)
		return -ENOMEM;

	req->op = cmd->op;
	req->tvm_arch = cmd->tvm_arch;
	if (copy_from_user(req->payload, u64_to_user_ptr(cmd->req_uptr),
			   cmd->req_len))
		return -EFAULT;

	trace_iommufd_tsm_req_begin(cmd->vdevice_id, cmd->op, cmd->tvm_arch,
				    cmd->req_len);
	rc = iommufd_tsm_req_send(ucmd, req, resp, &tsm_code);
	trace_iommufd_tsm_req_end(cmd->vdevice_id, cmd->op, rc, tsm_code);
	if (rc < 0)
		return rc;

	cmd->resp_len = rc;
	cmd->out_tsm_code = tsm_code;
	if (copy_to_user(u64_to_user_ptr(cmd->resp_uptr), resp, rc))
		return -EFAULT;
	return iommufd_ucmd_respond(ucmd, sizeof(*cmd));
}

/**
 * iommufd_vdevice_tsm_destroy() - the vDEVICE is going away
 * @vdev: the vDEVICE, perhaps half built
 *
 * The binding goes first: the vIOMMU's part of the vDEVICE has to be there for
 * the unbind. Never fails; a TDI that cannot be unbound is quarantined and does
 * not need the vDEVICE any more. Context: under igroup->lock.
 */
void iommufd_vdevice_tsm_destroy(struct iommufd_vdevice *vdev)
{
	struct pci_dev *pdev = vdevice_to_pci(vdev);
	int rc;

	lockdep_assert_held(&vdev->idev->igroup->lock);

	if (!pdev)
		return;
	trace_iommufd_tsm_destroy_begin(&pdev->dev, vdev->virt_id);
	rc = pci_tdi_unbind(pdev);
	trace_iommufd_tsm_destroy_end(&pdev->dev, rc);
	pci_tdi_forget_notify(pdev, vdev);
}
