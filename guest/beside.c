// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vCPU does beside another one's work: on its own private memory, and on its
 * own pages of a device's memory while another vCPU has the device do DMA.
 */
#include "guest.h"

#define PLACES		16	/* of private memory, spread over a vCPU's part */
#define TIMEOUT_MS	30000

/* ---- private memory ---- */

static volatile uint64_t *place(uint64_t i)
{
	uint64_t begin = 2ULL * boot.copy_bytes + PAGE_SIZE;
	uint64_t pages = (work_size() - begin) / PAGE_SIZE;

	/* the last place is in the last page */
	return (volatile uint64_t *)(work_src() + begin +
				     (pages - 1) * i / (PLACES - 1) * PAGE_SIZE);
}

static uint64_t pattern(uint64_t i)
{
	return (uint64_t)boot.seed << 32 ^ (uintptr_t)place(i);
}

void memory_fill(void)
{
	uint64_t i;

	for (i = 0; i < PLACES; i++)
		*place(i) = pattern(i);
}

void memory_check(void)
{
	uint64_t i;

	for (i = 0; i < PLACES; i++)
		if (*place(i) != pattern(i))
			call_exit_failed("private memory: %x differs",
					 (uintptr_t)place(i));
}

/* ---- a device that another vCPU serves ---- */

void beside_open(struct device *dev)
{
	dev->beside.life++;
	dev->beside.met = 0;
	__atomic_store_n(&dev->beside.open, 1, __ATOMIC_SEQ_CST);
}

void beside_wait(struct device *dev)
{
	uint64_t start = now_ms();

	while (__atomic_load_n(&dev->beside.met, __ATOMIC_SEQ_CST) < dev->helpers) {
		if (now_ms() - start > TIMEOUT_MS)
			call_exit_failed("device %u: nobody came to work beside its vCPU in %u ms",
					 (uint64_t)dev->index, (uint64_t)TIMEOUT_MS);
		call_yield();
	}
}

void beside_close(struct device *dev)
{
	__atomic_store_n(&dev->beside.open, 0, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&dev->beside.inside, __ATOMIC_SEQ_CST))
		call_yield();
}

/* in first, then look: whoever closes it sees us, or we see that it is closed */
static bool enter(struct device *dev)
{
	__atomic_add_fetch(&dev->beside.inside, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&dev->beside.open, __ATOMIC_SEQ_CST))
		return true;
	__atomic_sub_fetch(&dev->beside.inside, 1, __ATOMIC_SEQ_CST);
	return false;
}

/* @life: the last one that this vCPU was in */
static void leave(struct device *dev, uint32_t *life)
{
	if (*life != dev->beside.life)
		__atomic_add_fetch(&dev->beside.met, 1, __ATOMIC_SEQ_CST);
	*life = dev->beside.life;
	__atomic_sub_fetch(&dev->beside.inside, 1, __ATOMIC_SEQ_CST);
}

/* a new pattern on our pages, while the device and the other vCPU use theirs */
static void round_on(struct device *dev, uint32_t first, uint64_t round)
{
	volatile uint8_t *bar2 = (volatile uint8_t *)TVM_BAR_GPA(dev->index, TEEMU_BAR_MEM);
	volatile uint64_t *word;
	uint32_t i;

	for (i = 0; i < dev->share; i++)
		*(volatile uint64_t *)(bar2 + (first + i) * PAGE_SIZE) =
			boot.seed ^ round << 32 ^ i;
	for (i = 0; i < dev->share; i++) {
		word = (volatile uint64_t *)(bar2 + (first + i) * PAGE_SIZE);
		if (*word != (boot.seed ^ round << 32 ^ i))
			call_exit_failed("device memory: page %u differs in round %u: %x",
					 (uint64_t)first + i, round, *word);
	}
}

void beside_work(struct device *dev)
{
	uint32_t first = dev->own_pages + dev->share *
			 ((this_cpu() - boot.nr_devices) / boot.nr_devices);
	volatile uint32_t *id = (volatile uint32_t *)
		(TVM_BAR_GPA(dev->index, TEEMU_BAR_REGS) + TEEMU_REG_ID);
	uint64_t rounds = 0;
	uint32_t life = 0;

	while (!__atomic_load_n(&dev->beside.served, __ATOMIC_SEQ_CST)) {
		memory_check();
		if (!enter(dev)) {
			call_yield();
			continue;
		}
		if (*id != TEEMU_ID)
			call_exit_failed("device %u: its id is %x",
					 (uint64_t)dev->index, (uint64_t)*id);
		round_on(dev, first, ++rounds);
		leave(dev, &life);
	}
	call_mark(NULL, TVM_MARK_BESIDE, rounds);
}
