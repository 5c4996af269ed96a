/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA engine's ring, for whoever can reach BAR 0: the payload through
 * private MMIO, tvmm through its own mapping. See <linux/teemu.h>.
 *
 * A ring holds at most entries - 1 descriptors that are not yet done.
 */
#ifndef TVM_RING_H
#define TVM_RING_H

#include <stddef.h>
#include <stdint.h>

#include <linux/teemu.h>

#define RING_OFFSET	0x1000		/* page 1 of BAR 0 */
#define RING_ENTRIES	64		/* one page of descriptors */

/**
 * struct ring - software's view
 * @bar0: BAR 0, mapped
 * @next: number of descriptors posted so far
 * @reaped: number of descriptors whose end was seen
 */
struct ring {
	volatile uint8_t *bar0;
	uint32_t next;
	uint32_t reaped;
};

static inline uint32_t ring_read(const struct ring *ring, uint32_t reg)
{
	return *(volatile uint32_t *)(ring->bar0 + reg);
}

static inline void ring_write(struct ring *ring, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(ring->bar0 + reg) = value;
}

static inline volatile struct teemu_desc *ring_desc(const struct ring *ring,
						    uint32_t number)
{
	return (volatile struct teemu_desc *)(ring->bar0 + RING_OFFSET) +
	       number % RING_ENTRIES;
}

/* Stop the engine, wait at most @spins looks; 0, or -1 if it goes on. */
static inline int ring_stop(struct ring *ring, uint64_t spins)
{
	ring_write(ring, TEEMU_REG_CTRL, 0);
	while (ring_read(ring, TEEMU_REG_STATUS) & TEEMU_STATUS_RUNNING) {
		if (!spins--)
			return -1;
		__builtin_ia32_pause();
	}
	return 0;
}

/* Start an idle engine on an empty ring; it begins at entry 0. */
static inline void ring_start(struct ring *ring, volatile void *bar0)
{
	ring->bar0 = bar0;
	ring->next = 0;
	ring->reaped = 0;
	ring_write(ring, TEEMU_REG_RING_OFFSET, RING_OFFSET);
	ring_write(ring, TEEMU_REG_RING_ENTRIES, RING_ENTRIES);
	ring_write(ring, TEEMU_REG_TAIL, 0);
	ring_write(ring, TEEMU_REG_CTRL, TEEMU_CTRL_RUN);
}

/* Post one descriptor; the caller keeps the ring from overflowing. */
static inline uint32_t ring_post(struct ring *ring, uint32_t op, uint32_t flags,
				 uint64_t src, uint64_t dst, uint32_t len)
{
	volatile struct teemu_desc *desc = ring_desc(ring, ring->next);
	uint32_t number = ring->next++;

	desc->op = op;
	desc->flags = flags;
	desc->src = src;
	desc->dst = dst;
	desc->len = len;
	desc->result = 0;
	desc->fault_addr = 0;
	desc->reserved[0] = 0;
	desc->reserved[1] = 0;
	desc->status = TEEMU_DESC_PENDING;
	__sync_synchronize();
	ring_write(ring, TEEMU_REG_TAIL, ring->next % RING_ENTRIES);
	return number;
}

static inline uint32_t ring_status(const struct ring *ring, uint32_t number)
{
	return ring_desc(ring, number)->status;
}

/* The checksum that the engine computes: 64-bit FNV-1a. */
static inline uint64_t ring_checksum(const void *mem, size_t len)
{
	const uint8_t *p = mem;
	uint64_t hash = 0xcbf29ce484222325ULL;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

/* A pattern that differs in every 8 bytes and for every @seed. */
static inline void ring_pattern(void *mem, size_t len, uint64_t seed)
{
	uint64_t *p = mem, x = seed * 0x9e3779b97f4a7c15ULL + 1;
	size_t i;

	for (i = 0; i < len / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = x;
	}
}

#endif /* TVM_RING_H */
