/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes around the objects, the start, and the judge.
 */

/* what the VMM, and whoever has duplicates, still hold */
bool device = true, kvm_vfio = true, vm = true, gmem = true;

/*
 * A task that lets go, in any order. There are one or two, so each hold may go in any of them.
 * Two holds of one object in one task are one here: nothing happens at the first.
 */
proctype task()
{
	bool mine;

	do
	:: atomic { device -> device = false; SAY("VFIO's fd is closed\n"); vfio_put() }
	:: atomic { kvm_vfio -> kvm_vfio = false; SAY("kvm-vfio is closed\n");
		    kvm_put(); vfio_put() }
	:: atomic { vm -> vm = false; SAY("VM and vCPU are closed\n"); kvm_put() }
	:: atomic { gmem -> gmem = false; gmem_release(); kvm_put() }
	:: !device && !kvm_vfio && !vm && !gmem -> break
	od;
	DONE
}

/* iommufd finds the vDEVICE, and keeps it for so long */
inline begin_ioctl()
{
	ok = (vdev == ALIVE);
	if
	:: ok -> vdev_users++
	:: else
	fi
}

inline ioctl_unbind()
{
	atomic { begin_ioctl(); SAY("ioctl: unbind\n") };
	if
	:: ok -> unbind(false); vdev_users--
	:: else
	fi
}

/* A vDEVICE is made if there is none. To begin two ioctls is one step: what could come in
 * between could as well come before both. */
inline ioctl_bind()
{
	atomic {
		if
		:: vdev == DEAD && !idev_destroying && !igroup -> vdev = ALIVE
		:: else
		fi;
		begin_ioctl();
		if
		:: ok -> begin_bind();
			 if
			 :: ok
			 :: else -> vdev_users--
			 fi
		:: else
		fi
	};
	if
	:: ok -> bind(); vdev_users--
	:: else
	fi
}

/* the last ioctl of the first process; it holds the iommufd until it returns */
proctype vmm_ioctl()
{
	bool mine, ok;

	if
	:: ioctl_unbind()
	:: destroy_vdev(false)
	fi;
	DONE
}

/* the second process */
proctype other()
{
	bool mine, ok, first = true;

	do
	:: ioctl_bind();
	   if
	   :: atomic { state == BOUND -> driver_accept() }
	   :: skip
	   fi;
	   break
	:: atomic { first -> first = false }; ioctl_unbind()
	:: atomic { first -> first = false }; destroy_vdev(false)
	od;
	DONE
}

/*
 * The TSM core on its own: disconnect. It holds its rwsem for write, so a work item
 * has to do the second half.
 */
proctype core_disconnects()
{
	bool mine, mine_to_end;

	atomic {
		SAY("TSM disconnect\n");
		link = false;
		if
		:: state == BOUND -> state = UNBINDING; mine_to_end = true
		:: state == BINDING -> lost = true
		:: else
		fi;
		if
		:: state != QUARANTINED && !mine_to_end -> driver_unbind(true)
		:: else
		fi
	};
	if
	:: mine_to_end -> do_unbind(false, true)
	:: else
	fi;
	DONE
}

/*
 * The way out of quarantine: somebody writes to tdi/retry, and this time it works. Or
 * nobody ever does. There may be no quarantine: this process need not come to its end.
 */
proctype admin_retries()
{
	bool mine;

	state == QUARANTINED;
	if
	:: atomic {
		state == QUARANTINED && !hold ->
		state = UNBINDING;
		running++;
		SAY("retry\n");
		do_unbind(false, false);
		DONE
	   }
	:: true
	fi
}

/* Nobody can go on: what is left? */
inline judge()
{
	d_step {
		if
		:: running > 0 && !(bad & WAITS_FOR_EVER) -> BAD(DEADLOCK)
		:: running == 0 && state != UNBOUND && state != QUARANTINED -> BAD(LEFT)
		:: else
		fi;
		if
		:: running == 0 && (vfio_reg > 0 ||
		   (kvm != DEAD && !(state == QUARANTINED && kvm_refs == 1 && kref))) ->
			BAD(LEAK)
		:: else
		fi
	}
}

#define RACE(who)	atomic { running++; run who() }

init {
	d_step {
		c_code { now.design = param("DESIGN"); now.vendor = param("VENDOR");
			 now.kind = param("KIND"); now.racers = param("RACERS"); };
		vfio_refs = 2;			/* fd or mapping, kvm-vfio */
		kvm_refs = 3;			/* VM and vCPU, kvm-vfio, guest_memfd */
		buf_refs = 1;			/* slot */
		obj = true;
		state = BOUND;
		tdi = LOCKED
	};
	if
	:: true
	:: mapped = true; dma = true; pages = true; tdi = RUN
	:: mapped = true; dma = true; tdi = ERROR
	fi;
	if
	:: design != NO_KREF_VFIO
	:: vfio_has_kvm = true
	fi;
	if
	:: MAY_COUNT -> counted = true
	:: true
	fi;
	atomic {
		if
		:: vfio_has_kvm -> kvm_refs++
		:: else
		fi;
		if
		:: HAS_KREF -> kvm_refs++; kref = true
		:: else
		fi;
		if
		:: design == FILE_HELD -> vfio_refs++
		:: else
		fi;
		run vfio_closes();
		run kvm_destroy_vm();
		running++;
		run task();
		run admin_retries()
	};
	if
	:: true
	:: RACE(task)
	fi;
	/* who races: at most one of them; RACERS=1: at most two; RACERS=2: all three too */
	if
	:: true
	:: RACE(other)
	:: RACE(vmm_ioctl)
	:: RACE(core_disconnects)
	:: racers >= 1 -> RACE(other); RACE(vmm_ioctl)
	:: racers >= 1 -> RACE(other); RACE(core_disconnects)
	:: racers >= 1 -> RACE(vmm_ioctl); RACE(core_disconnects)
	:: racers >= 2 -> RACE(other); RACE(vmm_ioctl); RACE(core_disconnects)
	fi;
	timeout;
	judge();
	c_code {
		printf("END %d %d %d %d\n", now.design, now.vendor, now.bad, now.state);
	}
}
