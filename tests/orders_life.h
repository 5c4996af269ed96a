/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM with one VM and one bound function that drops its holds one by one, and what
 * can be seen of that from outside: see model/files.h for what the holds are.
 *
 * A struct life may lie in memory that two processes share: the VMM fills it and drops
 * its holds, the other looks.
 */
#ifndef ORDERS_LIFE_H
#define ORDERS_LIFE_H

#include <sys/types.h>

#include "model/files.h"
#include "world.h"

enum life_state { LIFE_LOCKED, LIFE_RUN, LIFE_DMA, LIFE_ERROR, NR_LIFE_STATES };

extern const char *const life_state_names[NR_LIFE_STATES];

/**
 * struct life - the VMM's holds, and what was to be seen while it had all of them
 * @state: what it was brought to
 * @nr: number of the function
 * @vdevice_id: of the vDEVICE in the iommufd
 * @pid: the process that opened it all
 * @fd: by hold; -1: it is a mapping
 * @map, @map_size: by hold; NULL: it is a file
 * @pages: pages that firmware lets trusted DMA reach
 * @pinned: kB of @pid's memory that its IOAS has pinned
 * @t1_ok: requests of trusted DMA that succeeded before it was shut out, -1: it is not
 * @t1_late: one more was counted since: see forgive_late()
 * @vm_path: KVM's folder of the VM, as long as there is the VM
 * @vm: the VM, for the guest's part
 */
struct life {
	enum life_state state;
	unsigned int nr;
	uint32_t vdevice_id;
	pid_t pid;
	int fd[NR_HOLDS];
	void *map[NR_HOLDS];
	size_t map_size[NR_HOLDS];
	long pages;
	long pinned;
	long t1_ok;
	bool t1_late;
	char vm_path[64];
	struct vm vm;
};

/*
 * Open everything and bring function @nr to @state: 0 or -errno. The contexts of
 * libtdi are forgotten: only life_drop() and the end of the process close anything.
 */
int life_begin(struct life *l, unsigned int nr, enum life_state state);
/* in the process that has them */
void life_drop(struct life *l, enum model_hold hold);

/*
 * What is to be seen is what must be when the effects in @after, a mask, have
 * happened: 0, or how many things are not so, each on a "# " line with @where. Only
 * what a work item does by design, the end of firmware's TVM, is waited for.
 */
int life_look(struct life *l, unsigned int after, const char *where);
/* close what life_look() has opened to look at */
void life_look_no_more(void);
/* the engine is at work on LIFE_DMA's descriptors; between two of them it is not */
bool life_dma_runs(const struct life *l);
/* effects that stop trusted DMA */
#define LIFE_STOPS_DMA	(DID_GMEM | DID_DEVICE)

#endif /* ORDERS_LIFE_H */
