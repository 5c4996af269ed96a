/* SPDX-License-Identifier: MIT */
/*
 * libtdi, advice: what a failed call means, and what to do about it, in words for people.
 *
 * No context and no calls to the kernel: constant strings, parts of a sentence without a
 * full stop, in English, never NULL where this header does not say so. An errno is not
 * enough by itself (EBUSY of a bind and of a reset want opposite things), so the caller
 * says which call it was.
 */
#ifndef TDI_ADVICE_H
#define TDI_ADVICE_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum tdi_call - which call has failed
 * @TDI_CALL_BIND: tdi_tsm_bind()
 * @TDI_CALL_UNBIND: tdi_tsm_unbind(), and the first step of tdi_tsm_reset()
 * @TDI_CALL_VDEVICE: tdi_vdevice_alloc()
 * @TDI_CALL_REQ: tdi_tsm_request()
 * @TDI_CALL_SLOT: tdi_vm_set_mmio_slot(), tdi_vm_del_slot()
 * @TDI_CALL_KVM: tdi_vm_set_private()
 * @TDI_CALL_VFIO: tdi_device_*() of a device that is open: attach, detach, reset, export,
 *	BARs, config space
 * @TDI_CALL_OPEN: tdi_device_open(), tdi_device_from_fd(), tdi_device_bind()
 * @TDI_CALL_IOMMU: tdi_iommu_open(), tdi_iommu_from_fd() and the other calls of iommu.h
 * @TDI_CALL_LINK: tdi_link_connect(), tdi_link_disconnect()
 */
enum tdi_call {
	TDI_CALL_BIND = 1,
	TDI_CALL_UNBIND,
	TDI_CALL_VDEVICE,
	TDI_CALL_REQ,
	TDI_CALL_SLOT,
	TDI_CALL_KVM,
	TDI_CALL_VFIO,
	TDI_CALL_OPEN,
	TDI_CALL_IOMMU,
	TDI_CALL_LINK,
};

/**
 * struct tdi_situation - one of the reasons for an answer
 * @call: the call
 * @err: what it answers, -errno, or 0 where a success wants an explanation
 * @why: the situation
 * @what: what to do
 */
struct tdi_situation {
	enum tdi_call call;
	int err;
	const char *why;
	const char *what;
};

/*
 * What to do when @call has answered @err (-errno, as all of libtdi answers): one line
 * for all that can be behind it, the likeliest first. There is one for every @err.
 */
const char *tdi_advice(enum tdi_call call, int err);

/*
 * The reasons why @call answers @err one by one, for a longer explanation: number @index,
 * from 0. NULL: no more. It is the table of docs/uapi.md, and what opening adds to it.
 */
const struct tdi_situation *tdi_situation(enum tdi_call call, int err,
					  unsigned int index);

#ifdef __cplusplus
}
#endif

#endif /* TDI_ADVICE_H */
