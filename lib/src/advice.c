// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include <tdi/advice.h>

#define SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define UNBIND_FIRST	"unbind the TDI, do it again, bind again"
#define BAR_PAGES	"give the slot a range of whole pages inside the exported slice"
#define QUARANTINE	"close the device; the host's administrator writes to tdi/retry in sysfs, or resets the machine cold"

/*
 * Why and what, in the order and with the words of tests/r15_situations.def, which is
 * what the kernel is tested by. tests/advice_test.c finds a row that is missing here.
 */
static const struct tdi_situation situations[] = {
	{ TDI_CALL_BIND, -EOPNOTSUPP, "a flag is set",
	  "no flag is defined: leave them 0" },
	{ TDI_CALL_BIND, -EINVAL, "unknown type",
	  "the type is BIND or UNBIND; the program is newer than the kernel, or wrong" },
	{ TDI_CALL_BIND, -ENOENT, "the id is no vDEVICE",
	  "give the id that tdi_vdevice_alloc() answered, on the same iommufd" },
	{ TDI_CALL_BIND, -ENODEV, "the VFIO device belongs to no VM",
	  "close the device, open it, tdi_vm_add_device(), only then tdi_device_bind()" },
	{ TDI_CALL_BIND, -ENODEV, "the VFIO device was given to the VM after VFIO_DEVICE_BIND_IOMMUFD",
	  "close the device, open it, tdi_vm_add_device(), only then tdi_device_bind()" },
	{ TDI_CALL_BIND, -ENXIO, "the device's link is not connected to a TSM",
	  "connect the link of its function 0 (tdi connect BDF TSM), then bind again" },
	{ TDI_CALL_BIND, -EBUSY, "bound already",
	  "go on: it is bound; to bind it anew unbind it first" },
	{ TDI_CALL_BIND, 0, "bound and unbound before",
	  "go on: the guest has to attest and accept it again" },
	{ TDI_CALL_BIND, -ENOENT, "the VFIO device has been closed: its vDEVICE is gone",
	  "open the device and allocate a vDEVICE again" },
	{ TDI_CALL_BIND, -EBUSY, "the device is being closed, or its driver unbound",
	  "wait for that to end, then open the device anew" },
	{ TDI_CALL_BIND, -EOPNOTSUPP, "this kernel's KVM has no private MMIO",
	  "use a kernel whose KVM answers 1 to KVM_CAP_VFIO_DMABUF" },
	{ TDI_CALL_BIND, -EOPNOTSUPP, "the vIOMMU has no trusted DMA",
	  "allocate the vIOMMU of the type that belongs to the device's IOMMU" },
	{ TDI_CALL_BIND, -EOPNOTSUPP, "the TSM cannot bind",
	  "connect the link to a TSM whose driver has bind, unbind and guest requests" },
	{ TDI_CALL_BIND, -EBUSY, "a reset, config write or attach is at work",
	  "bind again when it has ended" },
	{ TDI_CALL_BIND, -EBUSY, "another importer of a BAR does not let go in time",
	  "have the importer of the BAR's dma-buf drop it, then bind again" },
	{ TDI_CALL_BIND, -EIO, "the function is quarantined", QUARANTINE },
	{ TDI_CALL_BIND, -EBUSY, "bound to another VM, or to this VM with another id",
	  "have the other VM unbind it first" },

	{ TDI_CALL_UNBIND, 0, "not bound", "go on: there was nothing to do" },
	{ TDI_CALL_UNBIND, 0, "unbound a moment ago", "go on: there was nothing to do" },
	{ TDI_CALL_UNBIND, -ENOENT, "the id is no vDEVICE",
	  "go on: with the vDEVICE goes its binding; else give the id that tdi_vdevice_alloc() answered" },
	{ TDI_CALL_UNBIND, 0, "the TSM has unbound it by itself",
	  "go on: an event has told it" },
	{ TDI_CALL_UNBIND, -EIO, "the function is or becomes quarantined", QUARANTINE },

	{ TDI_CALL_VDEVICE, -EEXIST, "the device has a vDEVICE already",
	  "use that one, or destroy it first" },
	{ TDI_CALL_VDEVICE, -EINVAL, "the virtual id does not fit into 32 bits",
	  "give the requester id that the guest sees" },

	{ TDI_CALL_REQ, -ENXIO, "the TDI is not bound",
	  "bind it first; if it was bound, read the events: the host has unbound it" },
	{ TDI_CALL_REQ, -ENOENT, "the id is no vDEVICE",
	  "give the id that tdi_vdevice_alloc() answered, on the same iommufd" },
	{ TDI_CALL_REQ, -EOPNOTSUPP, "unknown op",
	  "tell the guest: this kernel has no such request" },
	{ TDI_CALL_REQ, -EOPNOTSUPP, "unknown architecture",
	  "set arch to an IOMMU_TSM_TVM_ARCH_* that this kernel knows" },
	{ TDI_CALL_REQ, -EOPNOTSUPP, "the architecture of another TSM",
	  "set arch to that of the TSM that the device is connected to (tdi list)" },
	{ TDI_CALL_REQ, -EINVAL, "request of 0 bytes",
	  "pass the guest's payload on: every request has one" },
	{ TDI_CALL_REQ, -EINVAL, "request larger than IOMMU_VDEVICE_TSM_REQ_MAX",
	  "tell the guest: its payload is too large" },
	{ TDI_CALL_REQ, -EINVAL, "room for more than IOMMU_VDEVICE_TSM_RESP_MAX",
	  "give less room for the response" },
	{ TDI_CALL_REQ, -EINVAL, "a length that is not the op's",
	  "tell the guest: its payload has not the length of this request" },
	{ TDI_CALL_REQ, -EINVAL, "a reserved field of the payload is set",
	  "tell the guest: reserved fields are 0" },
	{ TDI_CALL_REQ, -EFAULT, "bad pointer to the request",
	  "give a readable buffer; nothing was sent" },
	{ TDI_CALL_REQ, -EFAULT, "bad pointer for the response",
	  "give a writable buffer; the request has been carried out, its answer is lost" },
	{ TDI_CALL_REQ, -EOPNOTSUPP, "VENDOR: unknown leaf",
	  "tell the guest: this kernel has no such leaf" },
	{ TDI_CALL_REQ, -ENOENT, "VALIDATE_MMIO: no private slot of this TDI at the address",
	  "set a private slot over the BAR there (tdi_vm_set_mmio_slot()), or tell the guest" },
	{ TDI_CALL_REQ, -EACCES, "VALIDATE_MMIO: the report has not been read, or does not name the page",
	  "tell the guest: read the report first, accept only what it names" },
	{ TDI_CALL_REQ, -EBUSY, "VALIDATE_MMIO: the BAR page is mapped at another address",
	  "show a BAR page to the guest at one address only" },
	{ TDI_CALL_REQ, 0, "firmware refuses: out_tsm_code tells",
	  "pass tsm_code on: it is the guest's business" },

	{ TDI_CALL_SLOT, -EINVAL, "the VM has no private memory",
	  "create the VM with a type that has it" },
	{ TDI_CALL_SLOT, -EINVAL, "KVM_MEM_VFIO_DMABUF with another flag",
	  "set that flag alone" },
	{ TDI_CALL_SLOT, -EBADF, "the fd is not open",
	  "give the file that tdi_device_export() answered" },
	{ TDI_CALL_SLOT, -EINVAL, "the fd is no dma-buf",
	  "give the file that tdi_device_export() answered" },
	{ TDI_CALL_SLOT, -EOPNOTSUPP, "a dma-buf that is not of VFIO",
	  "give the file that tdi_device_export() answered" },
	{ TDI_CALL_SLOT, -EINVAL, "a dma-buf of a device that belongs to no VM",
	  "close the device, open it, tdi_vm_add_device(), only then tdi_device_bind()" },
	{ TDI_CALL_SLOT, -EINVAL, "a dma-buf of a device of another VM",
	  "make the slot in the VM that the device was added to" },
	{ TDI_CALL_SLOT, -EINVAL, "offset not page aligned", BAR_PAGES },
	{ TDI_CALL_SLOT, -EINVAL, "the slice ends behind the dma-buf", BAR_PAGES },
	{ TDI_CALL_SLOT, -EINVAL, "offset plus size overflow", BAR_PAGES },
	{ TDI_CALL_SLOT, -EINVAL, "the slice has a page of the MSI-X table or the PBA",
	  "leave out these pages: they stay the host's, and so do its interrupts" },
	{ TDI_CALL_SLOT, -ENODEV, "the VFIO device was closed since the export",
	  "open the device and export the BAR again" },
	{ TDI_CALL_SLOT, -EINVAL, "change of an existing slot",
	  "delete the slot, then make it anew" },
	{ TDI_CALL_SLOT, -EBUSY, "deletion while the TDI is bound to this VM",
	  "unbind the TDI first, then delete the slot" },
	{ TDI_CALL_KVM, -EBUSY, "KVM_SET_MEMORY_ATTRIBUTES: shared, while the TDI is bound to this VM",
	  "unbind the TDI first, then make its pages shared" },

	{ TDI_CALL_VFIO, -EBUSY, "VFIO_DEVICE_RESET while bound",
	  "unbind the TDI first (tdi_tsm_reset() does both), bind again after it" },
	{ TDI_CALL_VFIO, -EBUSY, "attach of a page table while bound", UNBIND_FIRST },
	{ TDI_CALL_VFIO, -EBUSY, "detach of the page table while bound",
	  "unbind the TDI first, then detach" },
	{ TDI_CALL_VFIO, -EBUSY, "export of a dma-buf while bound",
	  "export before the bind, or " UNBIND_FIRST },
	{ TDI_CALL_VFIO, -EBUSY, "read() of a BAR while bound",
	  "leave the BAR to the guest; the host has it again after the unbind" },
	{ TDI_CALL_VFIO, -EBUSY, "write() of a BAR while bound",
	  "leave the BAR to the guest; the host has it again after the unbind" },
	{ TDI_CALL_VFIO, -EBUSY, "config write that a locked TDI resents", UNBIND_FIRST },

	/* what no rule is about */
	{ TDI_CALL_OPEN, -ENODEV, "VFIO does not offer the function",
	  "give it to vfio-pci (tdi vfio BDF)" },
	{ TDI_CALL_OPEN, -EBUSY, "opening resets the function and a bound TDI of its device would go with it, or somebody is at work on it",
	  "leave function 0 alone while a TDI of its device is bound, or use VFs; else open it again when that work has ended" },
	{ TDI_CALL_OPEN, -EIO, "the function is quarantined", QUARANTINE },
	{ TDI_CALL_OPEN, -EINVAL, "no form of a BDF, or another open file has the device",
	  "name the function DDDD:BB:DD.F; end who holds its file in /dev/vfio/devices; bind each file once" },
	{ TDI_CALL_IOMMU, -ENOENT, "no /dev/iommu, or no object of this id",
	  "use a kernel with iommufd; give the id that the allocation answered, on the same iommufd" },
	{ TDI_CALL_IOMMU, -EBUSY, "something still uses the object",
	  "destroy newest first: vDEVICE, events, vIOMMU; detach; page table, IOAS" },
	{ TDI_CALL_IOMMU, -ENOMEM, "more memory than this user may pin",
	  "raise RLIMIT_MEMLOCK of whoever maps guest memory" },
	{ TDI_CALL_LINK, -ENOENT, "the function hosts no link",
	  "name function 0 of the device, the one that has tsm/connect in sysfs" },
	{ TDI_CALL_LINK, -ENXIO, "there is no TSM of this name",
	  "name one that is there (tdi list)" },
	{ TDI_CALL_LINK, -EBUSY, "the link is connected to a TSM already, or a function is quarantined",
	  "use it as it is, or disconnect it first; out of quarantine it goes by tdi retry BDF" },
	{ TDI_CALL_LINK, -ENOTCONN, "the device's link is not connected to a TSM",
	  "connect the link of its function 0 (tdi connect BDF TSM)" },
	{ TDI_CALL_LINK, -ENODEV, "the device is being removed",
	  "wait until it is there again" },
};

#define NO_GOOD_ANSWER	"device or firmware did not answer as they must and nothing is bound: see the kernel's messages, bind again, else connect the link anew"
#define NO_LINK		"device or firmware did not answer as they must: see the kernel's messages, connect again"

/* one line where there is more than one reason, or none that is tested; else the only reason's own */
static const struct {
	enum tdi_call call;
	int err;
	const char *what;
} lines[] = {
	{ TDI_CALL_BIND, -EOPNOTSUPP, "this function's TSM, its vIOMMU or this kernel's KVM has no confidential devices: connect another TSM, or boot another kernel" },
	{ TDI_CALL_BIND, -ENOENT, "allocate a vDEVICE first; one of a closed device is gone" },
	{ TDI_CALL_BIND, -EBUSY, "it is bound already, or somebody is at work on it: unbind it where it is bound, have importers of its BARs let go, try again; if its link was cut unbind the device's other TDIs" },
	{ TDI_CALL_BIND, -ENXIO, "connect the link of its function 0 (tdi connect BDF TSM), then bind again; one that is connected, but down, is disconnected first" },
	{ TDI_CALL_BIND, -EIO, "if it is quarantined (tdi show BDF) close it, and the administrator tries tdi retry BDF; else see the kernel's messages and bind again" },
	{ TDI_CALL_BIND, -ETIMEDOUT, NO_GOOD_ANSWER },
	{ TDI_CALL_BIND, -EPROTO, NO_GOOD_ANSWER },
	{ TDI_CALL_BIND, -EBADMSG, NO_GOOD_ANSWER },
	{ TDI_CALL_BIND, -ENOSPC, "the TSM is out of keys, guests or interfaces: end another confidential VM or unbind another TDI" },
	{ TDI_CALL_BIND, -EXDEV, "this VM has a TDI of another root complex: give a VM devices of one" },
	{ TDI_CALL_REQ, -EOPNOTSUPP, "set arch to that of the device's TSM (tdi list); else the guest asks for what this kernel has not" },
	{ TDI_CALL_REQ, -EINVAL, "tell the guest: a length or a reserved field of its request is wrong" },
	{ TDI_CALL_REQ, -ENOENT, "set a private slot over the BAR at that address, or allocate the vDEVICE that it is for" },
	{ TDI_CALL_REQ, -EFAULT, "give buffers that can be read and written; if it was the response, the request has been carried out" },
	{ TDI_CALL_REQ, -EIO, "device or firmware did not answer as they must: tell the guest, which may ask again; what was asked counts as the worse of the two" },
	{ TDI_CALL_SLOT, -EINVAL, "give whole pages of a BAR's dma-buf without the MSI-X table and the PBA, of a device added to this VM before its bind to iommufd; an existing slot is deleted first" },
	{ TDI_CALL_VFIO, -EBUSY, "the TDI is bound, or an unbind is at work: " UNBIND_FIRST },
	{ TDI_CALL_LINK, -EIO, NO_LINK },
	{ TDI_CALL_LINK, -ETIMEDOUT, NO_LINK },
	{ TDI_CALL_LINK, -EPROTO, NO_LINK },
	{ TDI_CALL_LINK, -EBADMSG, NO_LINK },
};

/* what an errno wants of every call */
static const char *common(int err)
{
	switch (err) {
	case 0:
		return "go on";
	case -EINTR:
	case -EAGAIN:
		return "nothing was sent: do it again";
	case -EACCES:
	case -EPERM:
		return "run as a user who may open it, or be given the open file by one who may";
	case -ENOENT:
		return "there is no such file or object: check its name";
	case -ENOMEM:
		return "the host is out of memory or the process at a limit: try again when it has more";
	case -EMFILE:
	case -ENFILE:
		return "too many files are open: raise the limit or close some";
	case -EIO:
		return "see the kernel's messages; a quarantined function needs tdi/retry in sysfs or a cold reset";
	case -ENOTTY:
		return "this kernel has no such call: boot one with tdibind";
	case -E2BIG:
		return "the program is newer than the kernel: boot a newer one";
	case -ETIMEDOUT:
		return "the device did not answer in time: see the kernel's messages, reset it";
	default:
		return "see the kernel's messages";
	}
}

const struct tdi_situation *tdi_situation(enum tdi_call call, int err,
					  unsigned int index)
{
	size_t i;

	for (i = 0; i < SIZE(situations); i++)
		if (situations[i].call == call && situations[i].err == err &&
		    !index--)
			return &situations[i];
	return NULL;
}

const char *tdi_advice(enum tdi_call call, int err)
{
	const struct tdi_situation *only;
	size_t i;

	for (i = 0; i < SIZE(lines); i++)
		if (lines[i].call == call && lines[i].err == err)
			return lines[i].what;
	only = tdi_situation(call, err, 0);
	return only && err ? only->what : common(err);
}
