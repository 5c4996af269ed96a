// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking to the DSM: one DOE round, and the certificate chain that the device
 * offers in the clear. Whatever the device answers is untrusted input.
 */
#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-doe.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/tio-tsm.h>
#include <linux/unaligned.h>

#define CREATE_TRACE_POINTS
#include <trace/events/tio_tsm.h>

/* a chain has a 16 bit length */
#define TIO_CERTS_MAX		SZ_64K
#define TIO_CERTS_PORTION	1024

/**
 * tio_budget() - an operation that talks to the DSM begins
 * @link: the link
 * @ms: it begins no DOE round after this time, in milliseconds
 *
 * Context: under pci_tsm_pf0::lock.
 */
void tio_budget(struct tio_link *link, unsigned int ms)
{
	lockdep_assert_held(&link->pf0.lock);
	link->deadline = jiffies + msecs_to_jiffies(ms);
	link->limit = jiffies + msecs_to_jiffies(TIO_LAST_ROUND_MS);
}
EXPORT_SYMBOL_GPL(tio_budget);

/**
 * tio_budget_undo() - the operation failed and is undone
 * @link: the link
 * @ms: as in tio_budget(), and TIO_LAST_ROUND_MS after that call is the end anyway
 *
 * Context: under pci_tsm_pf0::lock.
 */
void tio_budget_undo(struct tio_link *link, unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);

	lockdep_assert_held(&link->pf0.lock);
	link->deadline = time_before(end, link->limit) ? end : link->limit;
}
EXPORT_SYMBOL_GPL(tio_budget_undo);

/**
 * tio_budget_spent() - no DOE round may begin any more
 * @link: the link
 *
 * Context: under pci_tsm_pf0::lock. Return: true if the operation at work has to do
 * without the device from here on.
 */
bool tio_budget_spent(const struct tio_link *link)
{
	lockdep_assert_held(&link->pf0.lock);
	return time_after(jiffies, link->deadline);
}
EXPORT_SYMBOL_GPL(tio_budget_spent);

/**
 * tio_doe() - one DOE round with the DSM
 * @dsm: the function that hosts the DSM
 * @req: the request, an SPDM message
 * @req_len: its length in bytes
 * @rsp: buffer for the answer
 * @rsp_size: its size in bytes
 *
 * Context: process, under pci_tsm_pf0::lock of @dsm. DOE's own limits make it
 * TIO_ROUND_MS at most. Not interruptible.
 *
 * Return: length of the answer in bytes, which may have up to three bytes of
 * padding at its end and is @rsp_size at most; -EPROTO: the answer is shorter than
 * any SPDM message; or what the mailbox says (-EIO, -ETIMEDOUT, -ENXIO: the
 * device has none).
 */
int tio_doe(struct pci_dev *dsm, const void *req, size_t req_len, void *rsp,
	    size_t rsp_size)
{
	u64 began = ktime_get_mono_fast_ns();
	int len;

	trace_tio_doe_begin(dsm, req, req_len);
	len = pci_tsm_doe_transfer(dsm, PCI_DOE_FEATURE_CMA, req, req_len, rsp,
				   rsp_size);
	trace_tio_doe_end(dsm, req, req_len, rsp,
			  len < 0 ? len : min_t(size_t, len, rsp_size),
			  ktime_get_mono_fast_ns() - began);
	if (len < 0)
		return len;
	if (len < sizeof(struct spdm_hdr))
		return -EPROTO;
	return min_t(size_t, len, rsp_size);
}
EXPORT_SYMBOL_GPL(tio_doe);

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
		.length = cpu_to_le16(TIO_CERTS_PORTION),
	};
	size_t portion, end;
	int len;

	len = tio_doe(dsm, &req, sizeof(req), rsp,
		      sizeof(*rsp) + TIO_CERTS_PORTION);
	if (len < 0)
		return len;
	if (rsp->hdr.code != SPDM_CERTIFICATE || len < sizeof(*rsp))
		return -EPROTO;

	portion = le16_to_cpu(rsp->portion);
	if (!portion || portion > TIO_CERTS_PORTION ||
	    portion > len - sizeof(*rsp))
		return -EPROTO;

	end = offset + portion + le16_to_cpu(rsp->remainder);
	if (end >= TIO_CERTS_MAX || (*total && end != *total))
		return -EPROTO;
	*total = end;
	return portion;
}

/**
 * tio_fetch_certs() - read the device's certificate chain of slot 0
 * @dsm: the function that hosts the DSM
 * @ms: no portion is asked for after this time, in milliseconds
 * @certs: filled with the chain, to be freed with kvfree()
 * @certs_len: filled with its length in bytes
 *
 * The chain's own length field (its first two bytes) has been checked against
 * the number of bytes that came. Context: as tio_doe(), for each portion: @ms and
 * 3 s at most.
 *
 * Return: 0; on failure nothing is filled: -ENOMEM; -EPROTO: the device
 * contradicts itself; -ETIMEDOUT: it never ends; or what tio_doe() says.
 */
int tio_fetch_certs(struct pci_dev *dsm, unsigned int ms, u8 **certs,
		    size_t *certs_len)
{
	struct spdm_certificate *rsp __free(kfree) =
		kzalloc(sizeof(*rsp) + TIO_CERTS_PORTION, GFP_KERNEL);
	u8 *chain __free(kvfree) = kvzalloc(TIO_CERTS_MAX, GFP_KERNEL);
	unsigned long end = jiffies + msecs_to_jiffies(ms);
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
EXPORT_SYMBOL_GPL(tio_fetch_certs);

MODULE_DESCRIPTION("What the TSM drivers of the emulated TEE-I/O platform share");
MODULE_LICENSE("GPL");
