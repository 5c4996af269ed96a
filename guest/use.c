// SPDX-License-Identifier: GPL-2.0-only
/*
 * Use a TDI in RUN: its registers and memory through private MMIO, its DMA
 * engine on private memory. Between the two marks no exit to the VMM is allowed:
 * nothing here may call it.
 */
#include "guest.h"
#include "ring.h"

#define PARTS		4
#define TIMEOUT_MS	30000
#define DMA_T		(TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_T)

static struct ring ring;
static uint8_t *const src = (uint8_t *)TVM_SRC_GPA;
static uint8_t *const dst = (uint8_t *)TVM_DST_GPA;
static uint8_t *const victim = (uint8_t *)TVM_VICTIM_GPA;
static uint8_t *const window = (uint8_t *)TVM_WINDOW_GPA;
static volatile uint8_t *const bar2 = (volatile uint8_t *)TVM_BAR2_GPA;

static void start_engine(void)
{
	volatile uint8_t *bar0 = (volatile uint8_t *)TVM_BAR0_GPA;

	ring.bar0 = bar0;
	if (ring_read(&ring, TEEMU_REG_ID) != TEEMU_ID)
		call_exit_failed("device id: expected %x, saw %x",
				 (uint64_t)TEEMU_ID,
				 (uint64_t)ring_read(&ring, TEEMU_REG_ID));
	if (ring_stop(&ring, 1000000))
		call_exit_failed("engine: does not stop");
	ring_start(&ring, bar0);
}

/* wait until descriptor @number is over; its status */
static uint32_t wait_desc(uint32_t number, const char *what)
{
	uint64_t start = now_ms();
	uint32_t status;

	while ((status = ring_status(&ring, number)) == TEEMU_DESC_PENDING) {
		if (now_ms() - start > TIMEOUT_MS)
			call_exit_failed("%s: descriptor %u not done in %u ms, head %u tail %u done %u errors %u",
					 what, (uint64_t)number,
					 (uint64_t)TIMEOUT_MS,
					 (uint64_t)ring_read(&ring, TEEMU_REG_HEAD),
					 (uint64_t)ring_read(&ring, TEEMU_REG_TAIL),
					 (uint64_t)ring_read(&ring, TEEMU_REG_DONE),
					 (uint64_t)ring_read(&ring, TEEMU_REG_ERRORS));
		__builtin_ia32_pause();
	}
	ring.reaped = number + 1;
	return status;
}

static void must_do(uint32_t number, const char *what)
{
	uint32_t status = wait_desc(number, what);

	if (status != TEEMU_DESC_DONE)
		call_exit_failed("%s: expected done, saw status %u at %x", what,
				 (uint64_t)status,
				 (uint64_t)ring_desc(&ring, number)->fault_addr);
}

static void must_not_do(uint32_t number, const char *what)
{
	uint32_t status = wait_desc(number, what);

	if (status != TEEMU_DESC_BLOCKED && status != TEEMU_DESC_FAULT)
		call_exit_failed("%s: expected blocked or fault, saw status %u",
				 what, (uint64_t)status);
}

/* several descriptors at once, T=1, private to private, sums on both sides */
static void copy_test(void)
{
	uint32_t len = boot.copy_bytes / PARTS, number[PARTS], i;
	uint64_t sum[PARTS];

	for (i = 0; i < PARTS; i++)
		sum[i] = ring_checksum(src + i * len, len);
	for (i = 0; i < PARTS; i++)
		number[i] = ring_post(&ring, TEEMU_OP_COPY, DMA_T,
				      TVM_SRC_GPA + i * len,
				      TVM_DST_GPA + i * len, len);
	for (i = 0; i < PARTS; i++) {
		must_do(number[i], "copy T=1");
		if (ring_desc(&ring, number[i])->result != sum[i])
			call_exit_failed("copy T=1 part %u: expected sum %x, engine says %x",
					 (uint64_t)i, sum[i],
					 (uint64_t)ring_desc(&ring, number[i])->result);
		if (ring_checksum(dst + i * len, len) != sum[i])
			call_exit_failed("copy T=1 part %u: destination differs",
					 (uint64_t)i);
	}
}

/* every accepted page of device memory keeps its own pattern; then by DMA */
static void memory_test(void)
{
	uint64_t pages = boot.bar2_pages, i, word;
	uint32_t len = pages * PAGE_SIZE;

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
	if (len > boot.copy_bytes)
		len = boot.copy_bytes;
	must_do(ring_post(&ring, TEEMU_OP_COPY,
			  TEEMU_DESC_F_SRC_T | TEEMU_DESC_F_DST_LOCAL,
			  TVM_SRC_GPA, 0, len), "copy to device memory");
	memset(dst, 0, len);
	must_do(ring_post(&ring, TEEMU_OP_COPY,
			  TEEMU_DESC_F_SRC_LOCAL | TEEMU_DESC_F_DST_T,
			  0, TVM_DST_GPA, len), "copy from device memory");
	if (memcmp(src, dst, len))
		call_exit_failed("device memory: what came back differs");
	if (memcmp((void *)bar2, src, PAGE_SIZE))
		call_exit_failed("device memory: the CPU sees other bytes");
}

/* neither kind of request reaches the other kind's memory */
static void border_test(void)
{
	uint64_t before = ring_checksum(victim, PAGE_SIZE), shared;

	must_not_do(ring_post(&ring, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T,
			      TVM_SRC_GPA, TVM_VICTIM_GPA, PAGE_SIZE),
		    "T=0 write to private memory");
	if (ring_checksum(victim, PAGE_SIZE) != before)
		call_exit_failed("T=0 write to private memory: it changed");
	must_not_do(ring_post(&ring, TEEMU_OP_CHECKSUM, 0, TVM_VICTIM_GPA, 0,
			      PAGE_SIZE), "T=0 read of private memory");
	shared = ring_checksum(window, PAGE_SIZE);
	must_not_do(ring_post(&ring, TEEMU_OP_COPY, DMA_T, TVM_SRC_GPA,
			      TVM_WINDOW_GPA, PAGE_SIZE),
		    "T=1 write to shared memory");
	if (ring_checksum(window, PAGE_SIZE) != shared)
		call_exit_failed("T=1 write to shared memory: it changed");
}

/* private pages exist once they were written: DMA needs them there */
static void fill_buffers(void)
{
	ring_pattern(src, boot.copy_bytes, boot.seed);
	memset(dst, 0, boot.copy_bytes);
	ring_pattern(victim, PAGE_SIZE, ~(uint64_t)boot.seed);
}

void use_device(void)
{
	fill_buffers();
	call_mark(TVM_MARK_USE_BEGIN, 0);
	start_engine();
	copy_test();
	memory_test();
	border_test();
	call_mark(TVM_MARK_USE_END, boot.copy_bytes);
}

/* keep DMA in flight: four descriptors are posted whenever one is looked at */
void use_for_ever(void)
{
	uint32_t len = 64 * 1024, number, i;
	uint64_t done = 0;

	fill_buffers();
	start_engine();
	for (i = 0; i < PARTS; i++)
		ring_post(&ring, TEEMU_OP_COPY, DMA_T, TVM_SRC_GPA + i * len,
			  TVM_DST_GPA + i * len, len);
	for (;; done++) {
		number = ring.reaped;
		must_do(number, "endless copy T=1");
		i = done % PARTS;
		ring_post(&ring, TEEMU_OP_COPY, DMA_T, TVM_SRC_GPA + i * len,
			  TVM_DST_GPA + i * len, len);
		if (done % 32 == 0)
			call_mark(TVM_MARK_BEAT, done);
	}
}
