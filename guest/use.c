// SPDX-License-Identifier: GPL-2.0-only
/*
 * Use a TDI in RUN: its registers and memory through private MMIO, its DMA
 * engine on private memory. Between the two marks no exit to the VMM is allowed:
 * nothing here may call it.
 */
#include "guest.h"

#define PARTS		4
#define TIMEOUT_MS	30000
#define DMA_T		(TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T)

/* the address that its engine knows a place of private or shared memory by: its own */
static uint64_t bus(const void *p)
{
	return (uintptr_t)p;
}

static void start_engine(struct device *dev)
{
	struct ring *ring = &dev->ring;

	ring->bar0 = (volatile uint8_t *)TVM_BAR_GPA(dev->index, TEEMU_BAR_REGS);
	if (ring_read(ring, TEEMU_REG_ID) != TEEMU_ID)
		call_exit_failed("device id: expected %x, saw %x",
				 (uint64_t)TEEMU_ID,
				 (uint64_t)ring_read(ring, TEEMU_REG_ID));
	if (ring_stop(ring, 1000000))
		call_exit_failed("engine: does not stop");
	ring_start(ring, ring->bar0);
}

/* wait until descriptor @number is over; its status */
static uint32_t wait_desc(struct ring *ring, uint32_t number, const char *what)
{
	uint64_t start = now_ms();
	uint32_t status;

	while ((status = ring_status(ring, number)) == TEEMU_DESC_PENDING) {
		if (now_ms() - start > TIMEOUT_MS)
			call_exit_failed("%s: descriptor %u not done in %u ms, head %u tail %u done %u errors %u",
					 what, (uint64_t)number,
					 (uint64_t)TIMEOUT_MS,
					 (uint64_t)ring_read(ring, TEEMU_REG_HEAD),
					 (uint64_t)ring_read(ring, TEEMU_REG_TAIL),
					 (uint64_t)ring_read(ring, TEEMU_REG_DONE),
					 (uint64_t)ring_read(ring, TEEMU_REG_ERRORS));
		__builtin_ia32_pause();
	}
	ring->reaped = number + 1;
	return status;
}

static void must_do(struct ring *ring, uint32_t number, const char *what)
{
	uint32_t status = wait_desc(ring, number, what);

	if (status != TEEMU_DESC_DONE)
		call_exit_failed("%s: expected done, saw status %u at %x", what,
				 (uint64_t)status,
				 (uint64_t)ring_desc(ring, number)->fault_addr);
}

static void must_not_do(struct ring *ring, uint32_t number, const char *what)
{
	uint32_t status = wait_desc(ring, number, what);

	if (status != TEEMU_DESC_BLOCKED && status != TEEMU_DESC_FAULT)
		call_exit_failed("%s: expected blocked or fault, saw status %u",
				 what, (uint64_t)status);
}

/* several descriptors at once, T=1, private to private, sums on both sides */
static void copy_test(struct ring *ring)
{
	uint32_t len = boot.copy_bytes / PARTS, number[PARTS], i;
	uint8_t *src = work_src(), *dst = work_dst();
	uint64_t sum[PARTS];

	for (i = 0; i < PARTS; i++)
		sum[i] = ring_checksum(src + i * len, len);
	for (i = 0; i < PARTS; i++)
		number[i] = ring_post(ring, TEEMU_OP_COPY, DMA_T,
				      bus(src + i * len), bus(dst + i * len), len);
	for (i = 0; i < PARTS; i++) {
		must_do(ring, number[i], "copy T=1");
		if (ring_desc(ring, number[i])->result != sum[i])
			call_exit_failed("copy T=1 part %u: expected sum %x, engine says %x",
					 (uint64_t)i, sum[i],
					 (uint64_t)ring_desc(ring, number[i])->result);
		if (ring_checksum(dst + i * len, len) != sum[i])
			call_exit_failed("copy T=1 part %u: destination differs",
					 (uint64_t)i);
	}
}

/* every page of device memory that is this vCPU's keeps its own pattern */
static void pattern_test(struct device *dev, volatile uint8_t *bar2)
{
	uint64_t pages = dev->own_pages, i, word;

	for (i = 0; i < pages; i++)
		for (word = 0; word < PAGE_SIZE; word += 512)
			*(volatile uint64_t *)(bar2 + i * PAGE_SIZE + word) =
				boot.seed ^ i << 32 ^ word;
	for (i = 0; i < pages; i++)
		for (word = 0; word < PAGE_SIZE; word += 512)
			if (*(volatile uint64_t *)(bar2 + i * PAGE_SIZE + word) !=
			    (boot.seed ^ i << 32 ^ word))
				call_exit_failed("device memory: page %u differs at %u",
						 i, word);
}

/* then by DMA */
static void memory_test(struct device *dev)
{
	volatile uint8_t *bar2 = (volatile uint8_t *)TVM_BAR_GPA(dev->index, TEEMU_BAR_MEM);
	uint8_t *src = work_src(), *dst = work_dst();
	uint32_t len = dev->own_pages * PAGE_SIZE;
	struct ring *ring = &dev->ring;

	pattern_test(dev, bar2);
	if (len > boot.copy_bytes)
		len = boot.copy_bytes;
	must_do(ring, ring_post(ring, TEEMU_OP_COPY,
				TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_LOCAL,
				bus(src), 0, len), "copy to device memory");
	memset(dst, 0, len);
	must_do(ring, ring_post(ring, TEEMU_OP_COPY,
				TEEMU_DESC_F_SRC_LOCAL | TEEMU_DESC_F_DST_T,
				0, bus(dst), len), "copy from device memory");
	if (memcmp(src, dst, len))
		call_exit_failed("device memory: what came back differs");
	if (memcmp((void *)bar2, src, PAGE_SIZE))
		call_exit_failed("device memory: the CPU sees other bytes");
}

/* neither kind of request reaches the other kind's memory */
static void border_test(struct device *dev)
{
	uint8_t *src = work_src(), *victim = work_victim();
	uint8_t *window = (uint8_t *)TVM_DEVICE_WINDOW(dev->index);
	uint64_t before = ring_checksum(victim, PAGE_SIZE), shared;
	struct ring *ring = &dev->ring;

	must_not_do(ring, ring_post(ring, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T,
				    bus(src), bus(victim), PAGE_SIZE),
		    "T=0 write to private memory");
	if (ring_checksum(victim, PAGE_SIZE) != before)
		call_exit_failed("T=0 write to private memory: it changed");
	must_not_do(ring, ring_post(ring, TEEMU_OP_CHECKSUM, 0, bus(victim), 0,
				    PAGE_SIZE), "T=0 read of private memory");
	shared = ring_checksum(window, PAGE_SIZE);
	must_not_do(ring, ring_post(ring, TEEMU_OP_COPY, DMA_T, bus(src),
				    bus(window), PAGE_SIZE),
		    "T=1 write to shared memory");
	if (ring_checksum(window, PAGE_SIZE) != shared)
		call_exit_failed("T=1 write to shared memory: it changed");
}

/* private pages exist once they were written: DMA needs them there */
static void fill_buffers(struct device *dev)
{
	uint64_t seed = boot.seed + ((uint64_t)dev->index << 32);

	ring_pattern(work_src(), boot.copy_bytes, seed);
	memset(work_dst(), 0, boot.copy_bytes);
	ring_pattern(work_victim(), PAGE_SIZE, ~seed);
}

void use_device(struct device *dev)
{
	fill_buffers(dev);
	call_mark(dev, TVM_MARK_USE_BEGIN, 0);
	start_engine(dev);
	copy_test(&dev->ring);
	memory_test(dev);
	border_test(dev);
	call_mark(dev, TVM_MARK_USE_END, boot.copy_bytes);
}

/* keep DMA in flight: four descriptors are posted whenever one is looked at */
static void post_part(struct ring *ring, uint32_t i)
{
	uint32_t len = boot.copy_bytes / PARTS;
	uint32_t first = i % PARTS * len;

	if (len > 64 * 1024)
		len = 64 * 1024;
	ring_post(ring, TEEMU_OP_COPY, DMA_T, bus(work_src() + first),
		  bus(work_dst() + first), len);
}

void use_begin(struct device *dev)
{
	uint32_t i;

	fill_buffers(dev);
	start_engine(dev);
	for (i = 0; i < PARTS; i++)
		post_part(&dev->ring, i);
}

void use_on(struct device *dev)
{
	uint32_t number = dev->ring.reaped;

	must_do(&dev->ring, number, "endless copy T=1");
	post_part(&dev->ring, number);
}
