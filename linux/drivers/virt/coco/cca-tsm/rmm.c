// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every call of the RMM shares: its status, the granules that are given to it,
 * and what it wants to be kept.
 */
#include <kunit/visibility.h>
#include <linux/slab.h>

#include "cca-tsm.h"

/**
 * cca_check() - the RMM's status as errno, with a word in the log
 * @tsm: the root complex
 * @nr: the call
 * @status: its status
 *
 * Context: any.
 *
 * Return: 0 on success; -ENOMEM: firmware found no memory, or something taken, for
 * too long; -EUCLEAN: a granule is still mapped; -EBADMSG: the device, or what is
 * with the device, is not as it must be; -EIO: any other refusal.
 */
int cca_check(struct cca_tsm *tsm, u32 nr, u64 status)
{
	if (status == RMI_SUCCESS)
		return 0;
	dev_warn_ratelimited(tsm->base.dev, "%s: status %#llx\n",
			     tio_call_name(&cca_rmm_personality, nr), status);
	switch (RMI_CODE(status)) {
	case RMI_BUSY:
	case RMI_BLOCKED:
		return -ENOMEM;
	case RMI_ERROR_GRANULE:
		return -EUCLEAN;
	case RMI_ERROR_DEVICE:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

static int delegate(struct cca_tsm *tsm, u64 pa)
{
	u64 status;

	status = cca_retry(rmi_granule_range_delegate(tsm->rmm, pa,
						      pa + CCA_GRANULE,
						      CCA_MEM_RAM));
	return cca_check(tsm, RMI_GRANULE_RANGE_DELEGATE, status);
}

/**
 * cca_granule_get() - a page that is delegated to the RMM
 * @tsm: the root complex
 * @granule: filled with its physical address; 0 on failure
 *
 * Context: process. To be undone with cca_granule_put().
 * Return: 0; -ENOMEM; or firmware's refusal as errno.
 */
int cca_granule_get(struct cca_tsm *tsm, u64 *granule)
{
	int rc;

	*granule = tio_page_alloc();
	if (!*granule)
		return -ENOMEM;
	rc = delegate(tsm, *granule);
	if (rc)
		tio_page_free(granule);
	return rc;
}
EXPORT_SYMBOL_IF_KUNIT(cca_granule_get);

/**
 * cca_granule_put() - undo cca_granule_get()
 * @tsm: the root complex
 * @granule: the granule, not in use by firmware; 0 afterwards; 0 already is fine
 *
 * Context: process. Callable again after a failure.
 * Return: 0, or firmware's refusal as errno: the page is not the host's.
 */
int cca_granule_put(struct cca_tsm *tsm, u64 *granule)
{
	u64 status;
	int rc;

	if (!*granule)
		return 0;
	status = cca_retry(rmi_granule_range_undelegate(tsm->rmm, *granule,
							*granule + CCA_GRANULE));
	rc = cca_check(tsm, RMI_GRANULE_RANGE_UNDELEGATE, status);
	if (!rc)
		tio_page_free(granule);
	return rc;
}
EXPORT_SYMBOL_IF_KUNIT(cca_granule_put);

/**
 * cca_granule_drop() - cca_granule_put(), or never use the page again
 * @tsm: the root complex
 * @granule: the granule, in nobody's use; 0 afterwards
 *
 * For one that nothing hangs on: firmware may keep it for good. Context: process.
 */
void cca_granule_drop(struct cca_tsm *tsm, u64 *granule)
{
	/* a refusal may be passing */
	for (int i = 0; i < CCA_TRIES; i++)
		if (!cca_granule_put(tsm, granule))
			return;
	tio_leak(&tsm->base, NULL, "granule %#llx", *granule);
	*granule = 0;
}
EXPORT_SYMBOL_IF_KUNIT(cca_granule_drop);

/**
 * cca_cache_alloc() - room for what the RMM may want to be kept
 * @cache: the cache, empty afterwards
 * @size: room in bytes
 *
 * Context: process. To be undone with cca_cache_free(). Return: 0 or -ENOMEM.
 */
int cca_cache_alloc(struct cca_cache *cache, size_t size)
{
	cache->len = 0;
	cache->bytes = kvzalloc(size, GFP_KERNEL);
	cache->size = cache->bytes ? size : 0;
	return cache->bytes ? 0 : -ENOMEM;
}

/**
 * cca_cache_free() - undo cca_cache_alloc()
 * @cache: the cache; one that was never allocated is fine
 */
void cca_cache_free(struct cca_cache *cache)
{
	kvfree(cache->bytes);
	*cache = (struct cca_cache){};
}
