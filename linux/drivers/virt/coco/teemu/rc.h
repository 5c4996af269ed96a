/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * teemu: the root complex from inside: what config space, mailbox, DSM, IDE,
 * interrupts and debugfs share. iommu.c and dma.c need teemu.h only.
 */
#ifndef __TEEMU_RC_H
#define __TEEMU_RC_H

#include <linux/bitmap.h>
#include <linux/ioport.h>
#include <linux/notifier.h>
#include <linux/rwsem.h>

#include "teemu.h"

/* bus layout, fixed as firmware would have left it */
#define TEEMU_PORT_DEVFN	PCI_DEVFN(1, 0)
#define TEEMU_FN_BUS		1
/* VFs follow the eight functions that a device without ARI could have */
#define TEEMU_VF_OFFSET		8
#define TEEMU_VF_STRIDE		1

/* config space layout */
#define TEEMU_PM		0x40	/* physical functions only */
#define TEEMU_EXP		0x50
#define TEEMU_MSIX		0x90	/* functions only */
#define TEEMU_MSI		0x90	/* port only */
#define TEEMU_ACS		0x100
#define TEEMU_DOE		0x120	/* function 0 only */
#define TEEMU_IDE		0x140	/* port and function 0 */
#define TEEMU_AER		0x200
#define TEEMU_ARI		0x250	/* functions only */
#define TEEMU_SRIOV		0x260	/* function 0 only */

/* the first dword of an extended capability */
#define TEEMU_EXT_CAP(id, version, next)	((id) | (version) << 16 | (next) << 20)

/* IDE: the same number of address associations in every block (Linux wants it) */
#define TEEMU_IDE_STREAMS	4
#define TEEMU_IDE_ASSOC		2

/* DOE: the longest object in either direction, in dwords */
#define TEEMU_DOE_MAX_DW	1024

#define TEEMU_CERT_SIZE		640
#define TEEMU_MSI_HANDLES	32

/**
 * enum teemu_doe_mode - fault switch of the mailbox
 * @TEEMU_DOE_NORMAL: requests are answered
 * @TEEMU_DOE_SILENT: the DSM is dead: nothing happens, nobody answers
 * @TEEMU_DOE_LOST: the request takes effect, the answer is lost
 * @TEEMU_DOE_GARBAGE: the DSM is mad: nothing happens, the answer is noise
 * @TEEMU_DOE_SLOW: the request takes effect, the answer comes late
 * @TEEMU_DOE_WRONG: nothing happens, the answer is a good one to another request
 * @TEEMU_DOE_SHORT: the request takes effect, half of the answer comes
 * @TEEMU_DOE_FAIL: nothing happens, the mailbox says error
 * @TEEMU_DOE_PAUSE: the request takes effect, the answer waits for a word from
 *		     whoever set the mode
 */
enum teemu_doe_mode {
	TEEMU_DOE_NORMAL,
	TEEMU_DOE_SILENT,
	TEEMU_DOE_LOST,
	TEEMU_DOE_GARBAGE,
	TEEMU_DOE_SLOW,
	TEEMU_DOE_WRONG,
	TEEMU_DOE_SHORT,
	TEEMU_DOE_FAIL,
	TEEMU_DOE_PAUSE,
};

/**
 * struct teemu_doe_fault - what is wrong with the DSM
 * @mode: how
 * @ms: milliseconds, for TEEMU_DOE_SLOW
 * @nth: only with the @nth exchange from now; 0: with every one
 */
struct teemu_doe_fault {
	enum teemu_doe_mode mode;
	unsigned int ms;
	unsigned int nth;
};

/**
 * struct teemu_doe - the mailbox of function 0
 * @status: PCI_DOE_STATUS_* but the interrupt bits
 * @fault: fault switch
 * @paused: TEEMU_DOE_PAUSE: an answer waits
 * @exchanges: requests that reached the DSM since power on
 * @answers: of them answered
 * @go: @req waits for the worker
 * @gen: changes on abort; an answer to an older generation is dropped
 * @req: object that the host assembles
 * @req_dw: dwords of it, may exceed the buffer to remember an overflow
 * @rsp: object that the host reads
 * @rsp_dw: dwords of it
 * @rsp_pos: next one to pop
 * @work: hands @req to the DSM
 * @in: the worker's copy of @req, owned by the worker
 * @out: the worker's answer, owned by the worker
 *
 * All but @in and @out is under teemu_rc::cfg_lock.
 */
struct teemu_doe {
	u32 status;
	struct teemu_doe_fault fault;
	bool paused;
	u64 exchanges;
	u64 answers;
	bool go;
	u32 gen;
	__le32 req[TEEMU_DOE_MAX_DW];
	unsigned int req_dw;
	__le32 rsp[TEEMU_DOE_MAX_DW];
	unsigned int rsp_dw;
	unsigned int rsp_pos;
	struct work_struct work;
	__le32 in[TEEMU_DOE_MAX_DW];
	__le32 out[TEEMU_DOE_MAX_DW];
};

struct teemu_msi;
struct faux_device;

/**
 * struct teemu_rc - one emulated root complex
 * @name: vendor name
 * @ops: the firmware's ops
 * @fw: the firmware
 * @cfg_lock: owns every config space, the mailbox, the IDE keys, @present, @cold
 *	      and @no_session
 * @port: config space of the root port
 * @fn: functions of the endpoint
 * @doe: mailbox of function 0
 * @present: a device is in the slot
 * @cold: the slot has been without power, or the device in it is another one
 * @no_session: the DSM has lost its SPDM session
 * @ide_keys: streams whose keys are in place
 * @cert: certificate chain of slot 0, constant
 * @plug_lock: one device at a time goes into or out of the slot
 * @wq: settling of functions and the mailbox's worker
 * @miss_sem: owns @miss and @miss_priv; read while a call is in progress
 * @miss: teemu_set_tdma_miss()
 * @miss_priv: its argument
 * @slot: which slice of the reserved memory
 * @window: that slice, in iomem_resource
 * @busn: bus numbers
 * @sysdata: what x86 wants to know about the bus
 * @nb: PCI bus notifier that claims what firmware has programmed
 * @host: parent of the host bridge
 * @bus: root bus
 * @iommu: the IOMMU in front of it
 * @msi: interrupt remapping
 * @tsm: platform device that the vendor's TSM driver binds to
 * @debugfs: folder
 */
struct teemu_rc {
	const char *name;
	const struct teemu_fw_ops *ops;
	void *fw;
	raw_spinlock_t cfg_lock;
	struct teemu_cfg port;
	struct teemu_fn fn[TEEMU_NR_FNS];
	struct teemu_doe doe;
	bool present;
	bool cold;
	bool no_session;
	DECLARE_BITMAP(ide_keys, 256);
	u8 cert[TEEMU_CERT_SIZE];
	struct mutex plug_lock;	/* see above */
	struct workqueue_struct *wq;
	struct rw_semaphore miss_sem;
	int (*miss)(void *priv, u16 rid, u64 gpa);
	void *miss_priv;
	int slot;
	struct resource window;
	struct resource busn;
	struct pci_sysdata sysdata;
	struct notifier_block nb;
	struct faux_device *host;
	struct pci_bus *bus;
	struct teemu_iommu *iommu;
	struct teemu_msi *msi;
	struct platform_device *tsm;
	struct dentry *debugfs;
};

/* rc.c: a root complex without PCI, memory and IOMMU, as KUnit wants it */
struct teemu_rc *teemu_rc_alloc(const char *name);
void teemu_rc_free(struct teemu_rc *rc);

/* config.c */
extern struct pci_ops teemu_pci_ops;
int teemu_cfg_init(struct teemu_rc *rc);
void teemu_cfg_exit(struct teemu_rc *rc);
void teemu_cfg_power_on(struct teemu_rc *rc);
void teemu_cfg_power_on_endpoint(struct teemu_rc *rc);
u32 teemu_cfg_get(const struct teemu_cfg *cfg, unsigned int dw);
void teemu_cfg_set(struct teemu_cfg *cfg, unsigned int dw, u32 val);
void teemu_cfg_define(struct teemu_cfg *cfg, unsigned int dw, u32 reset,
		      u32 wmask, u32 w1c);
void teemu_cfg_write(struct teemu_rc *rc, struct teemu_fn *fn,
		     unsigned int where, int size, u32 val);
u32 teemu_cfg_read(struct teemu_rc *rc, struct teemu_fn *fn,
		   unsigned int where, int size);

/* function.c, under cfg_lock but define and teemu_fn_present() */
void teemu_define_fn(struct teemu_fn *fn);
void teemu_fn_written(struct teemu_fn *fn, unsigned int dw, u32 be, u32 val,
		      u32 old, u32 new);
bool teemu_fn_hosted(const struct teemu_fn *fn);
bool teemu_fn_decodes(const struct teemu_fn *fn);
bool teemu_fn_bars_overlap(const struct teemu_fn *fn);
u64 teemu_fn_bar(const struct teemu_fn *fn, unsigned int bar);
void teemu_fn_update_master(struct teemu_fn *fn);
void teemu_reset_fn(struct teemu_fn *fn, bool flr);
void teemu_reset_endpoint(struct teemu_rc *rc);

/* sriov.c, under cfg_lock but define */
void teemu_sriov_define(struct teemu_cfg *cfg);
void teemu_sriov_preset(struct teemu_rc *rc);
bool teemu_sriov_enabled(const struct teemu_rc *rc, unsigned int index);
bool teemu_sriov_decodes(const struct teemu_rc *rc);
u64 teemu_sriov_bar(const struct teemu_rc *rc, unsigned int bar);
bool teemu_sriov_written(struct teemu_rc *rc, unsigned int dw, u32 old, u32 new);
void teemu_sriov_fail(struct teemu_rc *rc, const char *why);
void teemu_sriov_flr(struct teemu_rc *rc);

/* port.c, under cfg_lock but define */
void teemu_define_port(struct teemu_cfg *cfg);
void teemu_port_preset(struct teemu_rc *rc);
void teemu_port_written(struct teemu_rc *rc, unsigned int dw, u32 be, u32 old,
			u32 new);
bool teemu_link_up(const struct teemu_rc *rc);
void teemu_port_relink(struct teemu_rc *rc, const char *why);
bool teemu_port_forwards_ari(const struct teemu_rc *rc);
void teemu_port_raise(struct teemu_rc *rc);

/* slot.c, under cfg_lock but out and in */
void teemu_slot_define(struct teemu_cfg *cfg);
void teemu_slot_preset(struct teemu_rc *rc);
void teemu_slot_written(struct teemu_rc *rc, u32 old, u32 new);
bool teemu_slot_powered(const struct teemu_rc *rc);
void teemu_slot_event(struct teemu_rc *rc, u16 events);
int teemu_slot_out(struct teemu_rc *rc);
int teemu_slot_in(struct teemu_rc *rc);

/* aer.c */
void teemu_aer_define(struct teemu_cfg *cfg, bool port, u16 next);
void teemu_aer_written(struct teemu_rc *rc, unsigned int dw, u32 old, u32 new);
int teemu_aer_report(struct teemu_fn *fn, bool fatal);

/* doe.c, under cfg_lock but init and exit */
void teemu_doe_init(struct teemu_rc *rc);
void teemu_doe_exit(struct teemu_rc *rc);
void teemu_doe_abort(struct teemu_rc *rc);
u32 teemu_doe_read(struct teemu_rc *rc, unsigned int reg);
void teemu_doe_write(struct teemu_rc *rc, unsigned int reg, u32 val);
void teemu_doe_set_fault(struct teemu_rc *rc, const struct teemu_doe_fault *fault);
void teemu_doe_resume(struct teemu_rc *rc);

/* spdm.c: one SPDM message in, one out; returns its length, 0 for no answer */
void teemu_spdm_init(struct teemu_rc *rc);
size_t teemu_spdm_respond(struct teemu_rc *rc, const void *req, size_t len,
			  void *rsp, size_t max);
size_t teemu_spdm_respond_wrong(struct teemu_rc *rc, const void *req, size_t len,
				void *rsp, size_t max);

/* dsm.c: one TDISP message in, one out */
#define TEEMU_DSM_MAX_RSP	1280
size_t teemu_dsm_respond(struct teemu_rc *rc, const void *req, size_t len,
			 void *rsp, size_t max);
void teemu_dsm_init(struct teemu_fn *fn);
void teemu_dsm_exit(struct teemu_fn *fn);
void teemu_fn_wipe(struct teemu_fn *fn);
void teemu_fn_settle(struct teemu_fn *fn);
void teemu_fn_scrub_later(struct teemu_fn *fn);
void teemu_fn_clear(struct teemu_fn *fn);

/* ide.c, under cfg_lock but the keys of teemu_platform */
void teemu_ide_define(struct teemu_cfg *cfg);
u32 teemu_ide_read(struct teemu_rc *rc, const struct teemu_cfg *cfg,
		   unsigned int dw);
void teemu_ide_written(struct teemu_rc *rc, struct teemu_cfg *cfg,
		       unsigned int dw, u32 old);
void teemu_ide_port_changed(struct teemu_rc *rc, const char *why);
void teemu_ide_set_keys(struct teemu_rc *rc, u8 stream, bool go);
void teemu_ide_settle(struct teemu_rc *rc, u8 stream);
void teemu_ide_lose_session(struct teemu_rc *rc);
int teemu_ide_lockable(struct teemu_rc *rc, u8 stream, bool *bound);

/* msi.c */
struct teemu_msi *teemu_msi_create(struct teemu_rc *rc);
void teemu_msi_destroy(struct teemu_msi *msi);
struct irq_domain *teemu_msi_domain(struct teemu_msi *msi);
void teemu_msi_fn_init(struct teemu_fn *fn);
void teemu_msi_fn_exit(struct teemu_fn *fn);
void teemu_msi_fn_reset(struct teemu_fn *fn);
void teemu_msi_unmasked(struct teemu_fn *fn);
void teemu_msi_port_raise(struct teemu_rc *rc);

/* delay.c */
void teemu_delay_init(struct dentry *dir);

/* debugfs.c */
void teemu_debugfs_add(struct teemu_rc *rc);
void teemu_debugfs_remove(struct teemu_rc *rc);

#endif /* __TEEMU_RC_H */
