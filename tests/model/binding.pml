/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The binding: bind, and an unbind that whoever comes first does while the others
 * wait. Written from docs/architecture.md and the lock order there.
 *
 * pci_tsm_rwsem and pf0->lock are no variables: what runs under them (the driver's bind,
 * unbind, a guest request, the core's own unbind) is one atomic step, since any two of these
 * exclude each other and nobody in there waits for anything that another of them owns. What
 * else touches firmware's tables (guest_memfd's release, KVM's unmap when a dma-buf is revoked,
 * the device's reset, the end of the VM) does to a driver's unbind half-way what it does to it
 * before its first or after its last call. memory_lock is left out for the same reason: a
 * leaf, held across nothing but the wait for importers at the close, which the model
 * flags on its own (WAITS_FOR_EVER).
 *
 * Between any other two steps anybody may come.
 */
#define UNBOUND		0
#define BINDING		1
#define BOUND		2
#define UNBINDING	3
#define QUARANTINED	4

byte state = UNBOUND;
bool lost;		/* the core unbound what was on its way to be bound */
bool link = true;	/* the TSM has a connection to the device */
bool kref;		/* the binding holds the KVM */

bool open = true;	/* VFIO's device is open */
bool hold;		/* an operation that unbinds first is in progress: its last close */

bool dev_set, igroup;

#define LOCK(l)		!l -> l = true	/* inside atomic */
#define UNLOCK(l)	l = false

/* no new bind: the barrier that the close raises and never takes back */
#define BARRED		(HAS_BARRIER && (!open || hold))

/*
 * A reference to the KVM is dropped. The last one destroys the VM, in the context of
 * who dropped it: he goes on when it is done.
 */
inline kvm_put()
{
	d_step {
		kvm_refs--;
		mine = (kvm_refs == 0);
		if
		:: mine -> kvm = DYING; SAY("last reference to the KVM is gone\n")
		:: else
		fi
	}
	if
	:: mine -> kvm == DEAD
	:: else
	fi
}

inline put_binding_ref()
{
	if
	:: kref -> kref = false; kvm_put()
	:: else
	fi
}

/*
 * What follows the claim: the driver's unbind, then BARs given back and KVM dropped. One
 * step, unless somebody has to be waited for: until it ends all that others see is the
 * state UNBINDING, and they wait or go away.
 */
inline do_unbind(in_close, may_fail)
{
	atomic {
		driver_unbind(may_fail);
		if
		:: GIVES_BACK_UNDER_DEV_SET && !in_close ->
			SAY("it needs dev_set->lock, to end\n");
			LOCK(dev_set)
		:: else
		fi;
		if
		:: quarantine -> quarantine = false; state = QUARANTINED
		:: else -> put_binding_ref(); state = UNBOUND; SAY("unbound\n")
		fi;
		if
		:: GIVES_BACK_UNDER_DEV_SET && !in_close -> UNLOCK(dev_set)
		:: else
		fi
	}
}

/*
 * Whoever comes first does the work, the others wait; ends with the TDI unbound or
 * quarantined, at that moment. @in_close: again and again until nobody is in between,
 * since new binds are barred.
 */
inline unbind(in_close)
{
	do
	:: state == UNBOUND || state == QUARANTINED -> break
	:: !WAITS_FOR_OTHERS && (state == BINDING || state == UNBINDING) -> break
	:: atomic { state == BOUND -> state = UNBINDING; SAY("unbind begins\n") };
	   do_unbind(in_close, true);
	   if
	   :: in_close
	   :: !(in_close) -> break
	   fi
	od
}

/*
 * The KVM that the VMM has named must be alive: the one of VFIO's device, or one that is
 * known in another way.
 */
inline begin_bind()
{
	d_step {
		ok = (state == UNBOUND && !BARRED && kvm_refs > 0);
		if
		:: ok ->
			state = BINDING;
			lost = false;
			SAY("ioctl: bind\n");
			if
			:: HAS_KREF -> kvm_refs++; kref = true
			:: else
			fi
		:: else
		fi
	}
}

/* @ok: it has begun */
inline bind()
{
	if
	:: ok ->
		atomic {
			if
			:: link ->
				if
				:: closing -> BAD(GOT_IN)
				:: else
				fi;
				driver_bind()
			:: else -> ok = false
			fi
		};
		atomic {
			if
			:: ok && !BARRED && !lost -> state = BOUND; SAY("bound again\n")
			:: else -> state = UNBINDING; do_unbind(false, true)
			fi
		}
	:: else
	fi
}
