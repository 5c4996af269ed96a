/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes around the objects, the start, and the judge.
 */

/* Two tasks that let go; in each the order is any */
proctype one_task()
{
	bool mine, kvm_vfio = true, gmem = true;

	do
	:: atomic { kvm_vfio -> kvm_vfio = false; SAY("kvm-vfio is closed\n");
		    vfio_put(); kvm_put() }
	:: atomic { gmem -> gmem = false; gmem_release(); kvm_put() }
	:: !kvm_vfio && !gmem -> break
	od;
	DONE
}

proctype another_task()
{
	bool mine, device = true, vm = true;

	do
	:: atomic { device -> device = false; SAY("VFIO's fd is closed\n"); vfio_put() }
	:: atomic { vm -> vm = false; SAY("VM and vCPU are closed\n"); kvm_put() }
	:: !device && !vm -> break
	od;
	DONE
}

inline begin_ioctl()
{
	d_step {
		ok = (vdev == ALIVE);
		if
		:: ok -> vdev_users++
		:: else
		fi
	}
}

inline ioctl_unbind()
{
	begin_ioctl();
	if
	:: ok -> SAY("unbind ioctl\n"); unbind(false); vdev_users--
	:: else
	fi
}

inline ioctl_bind()
{
	atomic {
		!igroup ->
		if
		:: vdev == DEAD && !idev_destroying -> vdev = ALIVE
		:: else
		fi
	};
	begin_ioctl();
	if
	:: ok ->
		bind();
		vdev_users--
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
		:: state != QUARANTINED -> driver_unbind(true)
		:: else
		fi
	};
	if
	:: mine_to_end -> finish_unbind(false)
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
		driver_unbind(false)
	   };
	   finish_unbind(false);
	   DONE
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
	:: VFIO_HOLDS_KVM -> vfio_has_kvm = true
	:: !VFIO_HOLDS_KVM && design != NO_KREF_VFIO
	:: !VFIO_HOLDS_KVM -> vfio_has_kvm = true
	fi;
	if
	:: !LIKE_OURS -> counted = true
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
		running = 2;
		run vfio_closes();
		run kvm_destroy_vm();
		run one_task();
		run another_task();
		run admin_retries()
	};
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
