/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * teemu: an emulated TEE-I/O platform. This is the seam between the platform
 * (root complex, endpoint, IOMMU) and the firmware model of one vendor. It
 * speaks of requester ids and physical addresses only.
 */
#ifndef __LINUX_TEEMU_H
#define __LINUX_TEEMU_H

#include <linux/types.h>

struct device;
struct seq_file;
struct teemu_platform;
struct teemu_rc;

/**
 * struct teemu_fw_ops - what the platform asks of the vendor's firmware
 * @tdma: a T=1 request of requester @rid for [@gpa, @gpa + @len), which stays in
 *	  one 4 KiB page. If firmware's tables allow it, @xfer is called once with
 *	  the physical address, *under the lock that guards those tables*, so that
 *	  no entry can be removed while data moves. 0; -EACCES: refused (no entry,
 *	  not accepted, TDI not in RUN); -ENOENT: all is accepted but the page is
 *	  not present at @gpa. Context: process; @xfer must not sleep.
 * @referee: print "calls N", "refused N", "violations N" and the last violation
 * @tables: print one line "name count" for each table, 0 when empty
 * @calls: optional: print the vendor's calls, with how often each was made, its
 *	   status codes and what the model leaves out: see tio_calls_show()
 * @attach: optional: what @fw may drive from now on, with @priv; NULL: nothing any
 *	    more. Called before the TSM driver's device appears and after it has
 *	    gone. Context: process.
 * @refuse: fault switch: the next @count calls of leaf @leaf after skipping
 *	    @skip of them answer @status and change nothing; @count 0 clears
 * @pause: fault switch: the @nth call from now stays in the firmware until its
 *	   caller is killed, see tio_pause(); 0 clears
 * @paused: a word for what became of it; takes no lock of the firmware's
 */
struct teemu_fw_ops {
	int (*tdma)(void *fw, u16 rid, u64 gpa, size_t len, bool write,
		    void (*xfer)(void *ctx, phys_addr_t hpa), void *ctx);
	void (*attach)(void *fw, const struct teemu_platform *platform,
		       void *priv);
	void (*referee)(void *fw, struct seq_file *m);
	void (*tables)(void *fw, struct seq_file *m);
	void (*calls)(void *fw, struct seq_file *m);
	int (*refuse)(void *fw, u32 leaf, u64 status, u32 skip, u32 count);
	void (*pause)(void *fw, u32 nth);
	const char *(*paused)(void *fw);
};

/**
 * struct teemu_platform - what the firmware drives in the root complex
 * @ide_keys: the keys of selective stream @stream between the root port and the
 *	      endpoint are in place (@go) or gone: with @go, a stream enabled in
 *	      both IDE capabilities reads Secure; without, Insecure at once, and
 *	      the TDIs that were locked over it fall to ERROR, and are at rest and
 *	      scrubbed when this returns.
 * @invalidate: queued invalidation of @rid has been processed: cached
 *		translations of it are gone and its requests in flight are over.
 *
 * Context: process, may sleep. @priv is the struct teemu_rc.
 */
struct teemu_platform {
	void (*ide_keys)(void *priv, u8 stream, bool go);
	void (*invalidate)(void *priv, u16 rid);
};

/*
 * A TSM driver binds to the platform device of its vendor ("teemu-tdx") and
 * finds this as its platform data.
 */
struct teemu_tsm_pdata {
	struct teemu_rc *rc;
	int domain;			/* PCI segment of the root complex */
	void *fw;			/* the vendor's firmware, e.g. struct tdx_fw */
};

/*
 * teemu_rc_create() - power on an emulated root complex
 * @name: short vendor name: "tdx"; names the debugfs folder, the IOMMU and the
 *	  platform device "teemu-<name>" that the vendor's TSM driver binds to
 * @ops: the firmware's ops, @fw its handle; both live until teemu_rc_destroy()
 *
 * The root complex owns memory that the kernel command line reserved. Context:
 * process, may sleep, takes pci_lock_rescan_remove. Returns an ERR_PTR: -ENODEV
 * no reserved memory left, -ENOMEM, or what the PCI core answers.
 */
struct teemu_rc *teemu_rc_create(const char *name,
				 const struct teemu_fw_ops *ops, void *fw);
void teemu_rc_destroy(struct teemu_rc *rc);

/* what the firmware of any root complex may drive; priv is the teemu_rc */
extern const struct teemu_platform teemu_platform;

/*
 * teemu_set_tdma_miss() - who fills firmware's tables on a T=1 miss
 * @rc: the root complex
 * @miss: called (process context, no locks) when tdma() answered -ENOENT; 0 if
 *	  the page was made present and the request should be tried again. NULL
 *	  clears it and waits for calls in progress.
 * @priv: passed to @miss
 *
 * On hardware a DMA that misses simply fails and the vCPU's own fault populates
 * the table; here KVM has no firmware table of its own for a
 * KVM_X86_SW_PROTECTED_VM, so the first T=1 request brings in the pages that the
 * guest has touched already.
 */
void teemu_set_tdma_miss(struct teemu_rc *rc,
			 int (*miss)(void *priv, u16 rid, u64 gpa), void *priv);

#endif /* __LINUX_TEEMU_H */
