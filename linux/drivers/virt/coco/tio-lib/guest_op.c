// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a guest about its TDI, as they come through the VMM: checked here
 * against a driver's table, then done by the driver. What the guest asks of
 * firmware is answered in tsm_code, refusals included; an errno says that the host
 * could not do its part.
 */
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/tio-tsm.h>
#include <uapi/linux/iommufd.h>

/**
 * tio_copy_from() - a portion of something that a guest reads bit by bit
 * @resp: buffer for it; may be NULL if @resp_len is 0
 * @resp_len: room in @resp, bytes
 * @src: the whole; may be NULL if @src_len is 0
 * @src_len: bytes in @src
 * @offset: the first byte wanted
 *
 * Return: bytes copied, as many as fit or exist: 0 at or past the end. Context: any.
 */
size_t tio_copy_from(void *resp, size_t resp_len, const void *src,
		     size_t src_len, u32 offset)
{
	size_t len;

	if (offset >= src_len || !resp_len)
		return 0;
	len = min(resp_len, src_len - offset);
	memcpy(resp, src + offset, len);
	return len;
}
EXPORT_SYMBOL_GPL(tio_copy_from);

/* The entry for @req, whose header has been checked to exist; NULL: none of ours */
static const struct tio_guest_op *find_op(const struct tio_guest_op *ops,
					  size_t nr_ops, u32 tvm_arch,
					  const struct pci_tdi_req *req)
{
	const struct tio_guest_op *op;

	if (req->tvm_arch != tvm_arch || req->op >= nr_ops)
		return NULL;
	op = &ops[array_index_nospec(req->op, nr_ops)];
	return op->run ? op : NULL;
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
 * tio_guest_req() - check a guest's request against a table and do it
 * @tdi: the TDI
 * @ops: the driver's table, indexed by enum iommu_vdevice_tsm_req_op; an entry
 *	 without a run() is an op that it has not
 * @nr_ops: its length
 * @tvm_arch: enum iommu_tsm_tvm_arch of the driver
 * @scope: what the request may do at most
 * @req_in: kernel buffer with a struct pci_tdi_req and its payload
 * @in_len: bytes in @req_in
 * @req_out: kernel buffer for the answer
 * @out_len: bytes of room in @req_out
 * @tsm_code: NULL, or filled with firmware's status, 0 if it was not asked; also
 *	      on failure
 *
 * run() is called with a payload of exactly the length that the table says.
 * Context: process, under pci_tsm_rwsem (read) and pci_tsm_pf0::lock, with the
 * driver's budget for DOE rounds set.
 *
 * Return: the number of bytes of @req_out that were *not* filled; -EINVAL: not
 * kernel buffers, or a wrong length; -EOPNOTSUPP: unknown op or arch; -EPERM:
 * @scope does not allow the op; or what run() says, with -ETIMEDOUT, -EPROTO,
 * -EBADMSG, -EOWNERDEAD and -EUCLEAN told as -EIO.
 */
ssize_t tio_guest_req(struct pci_tdi *tdi, const struct tio_guest_op *ops,
		      size_t nr_ops, u32 tvm_arch, enum pci_tsm_req_scope scope,
		      sockptr_t req_in, size_t in_len, sockptr_t req_out,
		      size_t out_len, u64 *tsm_code)
{
	const struct pci_tdi_req *req = req_in.kernel;
	const struct tio_guest_op *op;
	ssize_t filled;
	u64 code = 0;

	if (tsm_code)
		*tsm_code = code;
	if (!sockptr_is_kernel(req_in) || !sockptr_is_kernel(req_out) ||
	    in_len < sizeof(*req) || (out_len && !req_out.kernel))
		return -EINVAL;
	op = find_op(ops, nr_ops, tvm_arch, req);
	if (!op)
		return -EOPNOTSUPP;
	if (in_len - sizeof(*req) != op->payload)
		return -EINVAL;
	if (scope < op->scope)
		return -EPERM;

	filled = op->run(tdi, req->payload, req_out.kernel, out_len, &code);
	if (tsm_code)
		*tsm_code = code;
	if (filled < 0)
		return guest_errno(filled);
	/* a driver that claims more has written past the end already */
	return WARN_ON_ONCE(filled > out_len) ? 0 : out_len - filled;
}
EXPORT_SYMBOL_GPL(tio_guest_req);
