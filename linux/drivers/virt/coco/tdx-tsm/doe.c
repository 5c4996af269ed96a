// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking to the DSM: one DOE round, and the certificate chain that the device
 * offers in the clear. Whatever the device answers is untrusted input.
 */
#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/pci-doe.h>
#include <linux/slab.h>
#include <linux/tdisp.h>
#include <linux/unaligned.h>

#include "tdx-tsm.h"

/* A chain has a 16 bit length; one that dribbles in is waited for TDX_CERTS_MS */
#define TDX_CERTS_MAX		SZ_64K
#define TDX_CERTS_PORTION	1024

/**
 * tdx_doe() - one DOE round with the DSM
 * @dsm: the function that hosts the DSM
 * @req: the request, an SPDM message
 * @req_len: its length in bytes
 * @rsp: buffer for the answer
 * @rsp_size: its size in bytes
 *
 * Context: process, under pci_tsm_pf0::lock of @dsm. Bounded by DOE's own limits
 * to 3 s, see TDX_BIND_MS; not interruptible.
 *
 * Return: length of the answer in bytes, which may have up to three bytes of
 * padding at its end; -EPROTO: the answer is shorter than any SPDM message; or
 * what the mailbox says (-EIO, -ETIMEDOUT).
 */
int tdx_doe(struct pci_dev *dsm, const void *req, size_t req_len, void *rsp,
	    size_t rsp_size)
{
	int len;

	len = pci_tsm_doe_transfer(dsm, PCI_DOE_FEATURE_CMA, req, req_len, rsp,
				   rsp_size);
	if (len < 0)
		return len;
	if (len < sizeof(struct spdm_hdr))
		return -EPROTO;
	return min_t(size_t, len, rsp_size);
}

/*
 * One portion of the chain from @offset on. @total is 0 in the first round and
 * must stay what it became there. Return: bytes in @rsp->bytes or -errno.
 */
static int certs_round(struct pci_dev *dsm, struct spdm_certificate *rsp,
		       size_t offset, size_t *total)
{
	struct spdm_get_certificate req = {
		.hdr = {
			.version = SPDM_VERSION_1_2,
			.code = SPDM_GET_CERTIFICATE,
		},
		.offset = cpu_to_le16(offset),
		.length = cpu_to_le16(TDX_CERTS_PORTION),
	};
	size_t portion, end;
	int len;

	len = tdx_doe(dsm, &req, sizeof(req), rsp,
		      sizeof(*rsp) + TDX_CERTS_PORTION);
	if (len < 0)
		return len;
	if (rsp->hdr.code != SPDM_CERTIFICATE || len < sizeof(*rsp))
		return -EPROTO;

	portion = le16_to_cpu(rsp->portion);
	if (!portion || portion > TDX_CERTS_PORTION ||
	    portion > len - sizeof(*rsp))
		return -EPROTO;

	end = offset + portion + le16_to_cpu(rsp->remainder);
	if (end >= TDX_CERTS_MAX || (*total && end != *total))
		return -EPROTO;
	*total = end;
	return portion;
}

/**
 * tdx_fetch_certs() - read the device's certificate chain of slot 0
 * @dsm: the function that hosts the DSM
 * @certs: filled with the chain, to be freed with kvfree()
 * @certs_len: filled with its length in bytes
 *
 * The chain's own length field (its first two bytes) has been checked against
 * the number of bytes that came. Context: as tdx_doe(), for each portion; none is
 * asked for after TDX_CERTS_MS.
 *
 * Return: 0; -ENOMEM; -EPROTO: the device contradicts itself; -ETIMEDOUT: it never
 * ends; or what tdx_doe() says.
 */
int tdx_fetch_certs(struct pci_dev *dsm, u8 **certs, size_t *certs_len)
{
	struct spdm_certificate *rsp __free(kfree) =
		kzalloc(sizeof(*rsp) + TDX_CERTS_PORTION, GFP_KERNEL);
	u8 *chain __free(kvfree) = kvzalloc(TDX_CERTS_MAX, GFP_KERNEL);
	unsigned long end = jiffies + msecs_to_jiffies(TDX_CERTS_MS);
	size_t have = 0, total = 0;

	if (!rsp || !chain)
		return -ENOMEM;

	do {
		int portion;

		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		portion = certs_round(dsm, rsp, have, &total);
		if (portion < 0)
			return portion;
		memcpy(chain + have, rsp->bytes, portion);
		have += portion;
	} while (have != total);

	if (have < sizeof(__le32) || get_unaligned_le16(chain) != total)
		return -EPROTO;
	*certs = no_free_ptr(chain);
	*certs_len = total;
	return 0;
}
