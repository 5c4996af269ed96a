/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds whom, and what happens when nobody does any more: VFIO's last close and
 * the destruction of the VM in the order of Linux 7.3, guest_memfd, dma-buf, vDEVICE.
 *
 * A file whose release does nothing but drop the KVM (VM file, vCPU file) is not an
 * object here: who holds it counts as a holder of the KVM. The event queue's file does
 * nothing but drop the iommufd: the same. tests/model/orders.pml, which counts traces,
 * has them all.
 */
byte vfio_refs;		/* VFIO's device file: fd, BAR mapping, kvm-vfio's FILE_ADD, a duplicate */
byte kvm_refs;		/* VM and vCPU files, kvm_run mapping, kvm-vfio, guest_memfd, VFIO, binding */
byte buf_refs;		/* the dma-buf: the slot of the KVM */
byte vfio_reg = 2;	/* VFIO's registration: device file, dma-buf */

byte vfio = ALIVE;	/* VFIO's device: open, being closed, closed */
byte kvm = ALIVE;
byte vdev = ALIVE;	/* the vDEVICE */
byte vdev_users;	/* ioctls that are inside it */
bool idev_destroying;	/* no new vDEVICE */
bool buf_forgotten;	/* the close has left it to itself */
bool freed;		/* guest_memfd's pages went back to the page allocator */
bool closing;		/* VFIO disables the device, or has */

inline buf_put()
{
	d_step {
		buf_refs--;
		if
		:: buf_refs == 0 ->
			if
			:: buf_forgotten
			:: else -> vfio_reg--
			fi;
			if
			:: design == FILE_HELD -> vfio_refs--
			:: else
			fi
		:: else
		fi
	}
}

/* kvm_destroy_vm(), in the context of the last put, which waits for it */
proctype kvm_destroy_vm()
{
	bool mine;

	kvm == DYING;
	if
	:: WAIT_IN_VM_TEARDOWN ->
		d_step {
			if
			:: mapped -> SAY("VM teardown waits: MMIO is mapped\n"); BAD(WAITED)
			:: else
			fi
		};
		!mapped
	:: else
	fi;
	if
	:: AT_KVM_DESTROY -> unbind(false)
	:: else
	fi;
	atomic {
		fw_td_destroy();
		buf_put();			/* kvm_free_memslots() */
		kvm = DEAD;
		SAY("VM destroyed\n")
	}
}

/* iommufd_vdevice_destroy(), of the ioctl or of the unbind of the iommufd device */
inline destroy_vdev(in_close)
{
	if
	:: atomic {
		vdev == ALIVE -> vdev = DYING;
		if
		:: in_close
		:: !(in_close) -> SAY("ioctl: IOMMU_DESTROY of the vDEVICE\n")
		fi
	   };
	   /* short ioctls: iommufd_object_dec_wait() */
	   atomic { vdev_users == 0 -> LOCK(igroup) };
	   if
	   :: AT_VDEV_DESTROY -> unbind(in_close)
	   :: else
	   fi;
	   atomic { vdev = DEAD; SAY("vDEVICE destroyed\n"); UNLOCK(igroup) }
	:: vdev == DYING && in_close -> vdev == DEAD
	:: vdev == DEAD || (vdev == DYING && !(in_close))
	fi
}

/*
 * The dma-buf's importers are revoked, and waited for without limit. KVM imports as the
 * posted series have it (@counted: its mapping counts, and goes when firmware has
 * unmapped the page) or as here (it counts nothing, see vfio_pci_dma_buf_kvm_map()).
 * At bind all importers have been revoked already, with a bound.
 */
inline revoke_dma_bufs()
{
	atomic {
		if
		:: counted ->
			fw_unmap();
			if
			:: mapped -> BAD(WAITS_FOR_EVER)
			:: else
			fi
		:: else
		fi;
		if
		:: buf_refs > 0 -> vfio_reg--
		:: else
		fi;
		buf_forgotten = true
	};
	!counted || !mapped
}

/* vfio_pci_core_disable(): MSE off, reset. It takes its time, hence two steps. */
inline disable_device()
{
	atomic {
		closing = true;
		if
		:: state == QUARANTINED		/* stays away from it */
		:: else ->
			SAY("VFIO disables and resets the device\n");
			if
			:: tdi == LOCKED || tdi == RUN ->
				tdi = ERROR;
				pages = false;
				if
				:: AT_CLOSE && !HAS_BARRIER -> BAD(GOT_IN)
				:: else
				fi;
				BAD(RESET)
			:: else
			fi
		fi
	}
}

/* the release of VFIO's device file: vfio_df_unbind_iommufd() */
proctype vfio_closes()
{
	bool mine;

	vfio_refs == 0;
	atomic { !dev_set -> dev_set = true; vfio = DYING; running++; SAY("VFIO's last close\n") };
	/* vfio_df_device_last_close() */
	d_step {
		if
		:: HAS_BARRIER -> open = false; hold = true
		:: else
		fi
	};
	if
	:: AT_CLOSE -> unbind(HAS_BARRIER)
	:: else
	fi;
	revoke_dma_bufs();
	if
	:: AFTER_REVOKE -> unbind(true)
	:: else
	fi;
	disable_device();
	if
	:: AFTER_DISABLE -> unbind(true)
	:: else
	fi;
	/* the unbind of the iommufd device */
	atomic { !igroup -> idev_destroying = true };
	destroy_vdev(true);
	/* vfio_df_unbind_iommufd() goes on */
	atomic {
		hold = false;
		if
		:: vfio_has_kvm -> kvm_put()
		:: else
		fi;
		UNLOCK(dev_set);
		vfio_reg--;
		vfio = DEAD;
		SAY("VFIO's device is closed\n");
		DONE
	}
}

/* kvm_gmem_release(): trusted DMA is shut out of the pages before they go */
inline gmem_release()
{
	d_step {
		SAY("guest_memfd released\n");
		if
		:: HAS_INVALIDATE -> pages = false
		:: else
		fi;
		freed = true;
		if
		:: pages -> BAD(FREED)
		:: else
		fi
	}
}

/*
 * A reference to VFIO's device file goes. If it is the last, the release runs as work of
 * this task before it goes on, or in another's: a kernel worker's, or that of KVM's worker
 * thread.
 */
inline vfio_put()
{
	vfio_refs--;
	if
	:: vfio_refs == 0 -> vfio == DEAD
	:: true
	fi
}
