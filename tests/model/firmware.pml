/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device and firmware: what a TDI is, what the three firmwares refuse, and in which
 * order their drivers unbind (docs/orders.md). No call of firmware is more than one
 * step here: a firmware takes a lock of its own around each.
 *
 * Left out, because no candidate differs in it: guest requests but for one "accept",
 * pages one by one (a range is mapped or it is not), IOTLB tracking, SPDM and IDE. The
 * vendor's escape is a part of "unbind succeeds"; that it fails too can happen at any
 * unbind but a retry's.
 */
#define UNLOCKED	0
#define LOCKED		1
#define RUN		2
#define ERROR		3

byte tdi = UNLOCKED;	/* TDISP state of the device */
bool obj;		/* firmware has an interface object (DEVIF, TDI context, VDEV) */
bool mapped;		/* firmware maps private MMIO of it to the TVM */
bool quarantine;	/* the driver's verdict, until it is written down as a state */
bool dma;		/* firmware's entry for the TDI's T=1 requests is there */
bool pages;		/* and leads to pages of the guest's private memory */
bool td = true;		/* firmware's context of the TVM (TD, guest context, realm) */

/* A call that a correct host never makes: nothing changes but the referee's count */
#define REFUSE		BAD(REFUSED)

#define NEEDS_STOPPED	(tdi == UNLOCKED)

/* Private MMIO leaves firmware's table: the rule that the three disagree about */
inline fw_unmap()
{
	d_step {
		if
		:: !mapped
		:: mapped && vendor == TDX && (!NEEDS_STOPPED || !td) -> REFUSE
		:: mapped && vendor == CCA && !td -> REFUSE
		:: else -> mapped = false; SAY("firmware: private MMIO unmapped\n")
		fi
	}
}

inline tdx_unbind()
{
	d_step { tdi = UNLOCKED; SAY("firmware: STOP\n") }
	fw_unmap();
	d_step { dma = false; pages = false }
	d_step {
		if
		:: !NEEDS_STOPPED || dma || mapped || !td -> REFUSE
		:: else -> obj = false
		fi
	}
}

/* the command names the guest's context page: without it there is no unbind */
inline sev_unbind()
{
	d_step {
		if
		:: !td -> REFUSE
		:: else -> tdi = UNLOCKED; dma = false; pages = false;
			   SAY("firmware: TDI_UNBIND\n")
		fi
	}
	d_step {
		if
		:: !NEEDS_STOPPED -> REFUSE
		:: else -> obj = false
		fi
	}
	fw_unmap()		/* RMP entries, lazily */
}

inline cca_unbind()
{
	fw_unmap();
	d_step {
		if
		:: mapped || !td -> REFUSE
		:: else -> tdi = UNLOCKED; dma = false; pages = false;
			   SAY("firmware: UNLOCK\n")
		fi
	}
	d_step {
		if
		:: !NEEDS_STOPPED -> REFUSE
		:: else -> obj = false
		fi
	}
}

/*
 * ops->unbind of the TSM driver, under the lock of the TSM core. What will not let go
 * is cut off at the IOMMU, and stays in quarantine.
 */
inline driver_unbind(may_fail)
{
	if
	:: !obj || quarantine			/* somebody else has done it, or tried */
	:: obj && !quarantine && may_fail ->
		quarantine = true;
		pages = false;
		SAY("firmware does not let go: quarantine\n")
	:: obj && !quarantine && vendor == TDX -> tdx_unbind()
	:: obj && !quarantine && vendor == SEV -> sev_unbind()
	:: obj && !quarantine && vendor == CCA -> cca_unbind()
	fi
}

/* ops->bind: the interface is created and locked; the guest's part comes later */
inline driver_bind()
{
	d_step {
		if
		:: !td || obj || tdi != UNLOCKED -> REFUSE
		:: else -> obj = true; tdi = LOCKED; SAY("firmware: LOCK\n")
		fi
	}
}

/* The guest accepts: MMIO validated, DMA on, START. Of guest_memfd's pages if it lives. */
inline driver_accept()
{
	d_step {
		if
		:: obj && td && tdi == LOCKED ->
			tdi = RUN; mapped = !buf_forgotten; dma = true; pages = !freed;
			SAY("guest accepts, TDI is in RUN\n")
		:: else
		fi
	}
}

/*
 * KVM destroys the VM. Intel and Arm refuse while an interface is there and the VM's
 * pages are leaked; AMD's guest context page is gone and with it the way to unbind.
 */
inline fw_td_destroy()
{
	atomic {
		if
		:: obj -> BAD(VM_FIRST); td = (vendor != SEV)
		:: else -> td = false
		fi
	}
}
