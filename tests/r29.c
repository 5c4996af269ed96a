// SPDX-License-Identifier: GPL-2.0-only
/*
 * R29: guest_memfd is hole-punched, converted, its slot deleted, its file released, a
 * page of it poisoned while the TDI runs, or all of it goes with the VMM while the
 * binding lives on: T=1 DMA to those pages is shut out before they are freed, and no
 * freed page is ever written.
 *
 * Who would see a write to a freed page: the memory that this test takes right
 * after, which the page allocator hands out from what was freed last, and KASAN.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lent.h"
#include "trail.h"

#define DST_OFFSET	(VM_DST_GPA - VM_PRIVATE_GPA)
#define LEN		0x100000	/* what DMA writes and what is taken away */
#define NR_DESCS	60
#define PATTERN		0x5a5a5a5a5a5a5a5aULL
#define MINE		0xc3
#define CATCH_LEN	(4 * LEN)
#define POISON		"/sys/devices/system/memory/hard_offline_page"
#define SOON_MS		30000

/**
 * struct variant - a way to take memory from the guest
 * @take: shuts DMA out, and frees the pages or lets them be freed
 * @free: frees them, if @take has not; NULL otherwise
 * @whole: all of the slot's memory goes, not only what DMA writes
 * @back: the guest can have memory there again
 */
FIXTURE_VARIANT(tvm)
{
	int (*take)(struct vm *vm);
	int (*free)(struct vm *vm);
	bool whole;
	bool back;
};

static int punch(struct vm *vm)
{
	return fallocate(vm->private_fd, FALLOC_FL_PUNCH_HOLE |
			 FALLOC_FL_KEEP_SIZE, DST_OFFSET, LEN) ? -errno : 0;
}

static int convert(struct vm *vm)
{
	return tdi_vm_set_private(vm->tdi, VM_DST_GPA, LEN, false);
}

static int delete_slot(struct vm *vm)
{
	return tdi_vm_del_slot(vm->tdi, SLOT_PRIVATE);
}

static int release_file(struct vm *vm)
{
	int ret = close(vm->private_fd) ? -errno : 0;

	vm->private_fd = -1;
	return ret;
}

FIXTURE_VARIANT_ADD(tvm, hole_punched)
{
	.take = punch,
	.back = true,
};

FIXTURE_VARIANT_ADD(tvm, converted)
{
	.take = convert,
	.free = punch,
};

FIXTURE_VARIANT_ADD(tvm, slot_deleted)
{
	.take = delete_slot,
	.free = release_file,
	.whole = true,
};

FIXTURE_VARIANT_ADD(tvm, file_released)
{
	.take = release_file,
	.whole = true,
};

/* all of it, filled: what was just freed is in it */
static uint8_t *catch_pages(void)
{
	uint8_t *p = mmap(NULL, CATCH_LEN, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	memset(p, MINE, CATCH_LEN);
	return p;
}

static long changed_bytes(const uint8_t *p)
{
	long n = 0, i;

	for (i = 0; i < CATCH_LEN; i++)
		n += p[i] != MINE;
	return n;
}

/* copies take longer than fills: the engine sums what it reads */
static int post_all(struct fn *fn)
{
	int i, ret = 0;

	for (i = 0; ret >= 0 && i < NR_DESCS; i++)
		ret = fn_post(fn, TEEMU_OP_COPY, TEEMU_DESC_F_SRC_T |
			      TEEMU_DESC_F_DST_T, VM_SRC_GPA, VM_DST_GPA, LEN);
	return ret < 0 ? ret : 0;
}

TVM_TEST(while_dma_runs)
{
	long blocked, pages = LEN / PAGE;
	uint8_t *mine;
	int i, status, done = 0, stopped = 0;

	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, vm_fill(&self->vm, VM_SRC_GPA, LEN, 0x1234567));
	ASSERT_EQ(0, vm_fill(&self->vm, VM_DST_GPA, LEN, 0));
	ASSERT_EQ(0, post_all(&self->fn));
	/* it is under way, and all the pages are in firmware's table */
	ASSERT_EQ(TEEMU_DESC_DONE, fn_wait(&self->fn, 0, NULL));
	ASSERT_EQ(2 * pages, world_mem_pages());
	blocked = world_iommu_count(0, "t1_blocked");

	/* shut out when the call returns, and by this call, not by the next */
	ASSERT_EQ(0, variant->take(&self->vm));
	EXPECT_EQ(variant->whole ? 0 : pages, world_mem_pages());
	if (variant->free) {
		EXPECT_EQ(0, variant->free(&self->vm));
	}
	mine = catch_pages();
	ASSERT_NE(NULL, mine);

	for (i = 0; i < NR_DESCS; i++) {
		status = fn_wait(&self->fn, i, NULL);
		done += status == TEEMU_DESC_DONE;
		stopped += status == TEEMU_DESC_BLOCKED;
		/* once it is stopped it stays so */
		EXPECT_TRUE(status == TEEMU_DESC_BLOCKED ||
			    (status == TEEMU_DESC_DONE && !stopped))
			note("descriptor %d: status %d", i, status);
	}
	EXPECT_LT(0, done);
	EXPECT_LT(0, stopped)
		note("all was over before the pages went: no proof");
	EXPECT_LT(blocked, world_iommu_count(0, "t1_blocked"));
	EXPECT_EQ(0, changed_bytes(mine));
	EXPECT_EQ(variant->whole ? 0 : pages, world_mem_pages());

	/* the rest of private memory is as it was, or gone like this */
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(variant->whole ? TEEMU_DESC_BLOCKED : TEEMU_DESC_DONE,
		  fn_dma(&self->fn, TEEMU_OP_CHECKSUM, TEEMU_DESC_F_SRC_T,
			 VM_SRC_GPA, 0, PAGE));
	if (variant->back) {
		/* a page that the guest has again is DMA's again */
		EXPECT_EQ(0, vm_fill(&self->vm, VM_DST_GPA, PAGE, 1));
		EXPECT_EQ(TEEMU_DESC_DONE,
			  fn_dma(&self->fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T,
				 PATTERN, VM_DST_GPA, PAGE));
		EXPECT_EQ(TEEMU_DESC_BLOCKED,
			  fn_dma(&self->fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T,
				 PATTERN, VM_DST_GPA + PAGE, PAGE));
	}
	EXPECT_EQ(0, changed_bytes(mine));
	munmap(mine, CATCH_LEN);
	EXPECT_EQ(0, fn_unbind(&self->fn));
}

/* again and again, in the middle of whatever the engine does */
AUDITED_TEST(hole_punched_many_times)
{
	uint64_t end = now_ms() + 4000;
	int rounds = 0, status;
	uint8_t *mine;
	struct vm vm;
	struct fn fn;

	vm_init(&vm);
	fn_init(&fn, 0);
	mine = catch_pages();
	ASSERT_NE(NULL, mine);
	ASSERT_EQ(0, vm_open(&vm, 0) ?: fn_open(&fn, &vm) ?: fn_bind(&fn) ?:
		     fn_run(&fn) ?: fn_ring_start(&fn));
	while (now_ms() < end && rounds < 200) {
		ASSERT_EQ(0, vm_fill(&vm, VM_DST_GPA, 16 * PAGE, rounds));
		ASSERT_LE(0, fn_post(&fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T,
				     PATTERN, VM_DST_GPA, 16 * PAGE));
		if (rounds & 1)
			sleep_ms(rounds % 3);
		ASSERT_EQ(0, punch(&vm));
		ASSERT_EQ(0, world_mem_pages());
		status = fn_wait(&fn, fn.next - 1, NULL);
		ASSERT_TRUE(status == TEEMU_DESC_DONE ||
			    status == TEEMU_DESC_BLOCKED)
			note("status %d", status);
		rounds++;
	}
	EXPECT_LT(3, rounds);
	EXPECT_EQ(0, changed_bytes(mine));
	munmap(mine, CATCH_LEN);
	fn_close(&fn);
	vm_close(&vm);
}

/* ---- poison ---- */

/* where the guest's page @gpa is, as KVM's leaf has it; 0: not known */
static uint64_t address_of(uint64_t gpa)
{
	const uint64_t bits = 0x000ffffffffff000ULL;
	unsigned long long spte, found = 0;
	char line[512], gfn[64];
	const char *s;
	FILE *in;

	snprintf(gfn, sizeof(gfn), " gfn %llx level 1 ",
		 (unsigned long long)(gpa / PAGE));
	in = fopen(TRAIL "/trace", "re");
	while (in && fgets(line, sizeof(line), in)) {
		s = strstr(line, gfn) ? strstr(line, "new_spte ") : NULL;
		if (s && sscanf(s, "new_spte %llx", &spte) == 1)
			found = spte & bits;
	}
	if (in)
		fclose(in);
	return found;
}

/*
 * EBUSY is what Linux says of every page of a guest_memfd: the file keeps the page,
 * marked, until it goes itself (MF_DELAYED). What was done is the same.
 */
static int poison(uint64_t address)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)address);
	ret = trail_write(POISON, text, 0);
	return ret == -EBUSY ? 0 : failed(ret, POISON);
}

/* the last page that DMA writes; it is not handed to anybody any more, nor written */
AUDITED_TEST(page_poisoned)
{
	const uint64_t bad = VM_DST_GPA + LEN - PAGE;
	int i, status = TEEMU_DESC_DONE;
	struct teemu_desc desc;
	uint64_t address;
	struct vm vm;
	struct fn fn;

	if (access(POISON, W_OK))
		SKIP(return, "no CONFIG_MEMORY_FAILURE in this kernel");
	vm_init(&vm);
	fn_init(&fn, 0);
	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, vm_open(&vm, 0) ?: fn_open(&fn, &vm) ?: fn_bind(&fn) ?:
		     fn_run(&fn) ?: fn_ring_start(&fn));
	ASSERT_EQ(0, vm_fill(&vm, VM_SRC_GPA, LEN, 0x1234567));
	ASSERT_EQ(0, trail_leaves(true));
	ASSERT_EQ(0, vm_fill(&vm, VM_DST_GPA, LEN, 0));
	ASSERT_EQ(0, trail_leaves(false));
	address = address_of(bad);
	ASSERT_NE(0, address);
	ASSERT_EQ(0, post_all(&fn));
	ASSERT_EQ(TEEMU_DESC_DONE, fn_wait(&fn, 0, NULL));
	ASSERT_EQ(2 * LEN / PAGE, world_mem_pages());

	/* one page goes, from firmware's table too, and by this call */
	EXPECT_EQ(0, poison(address));
	EXPECT_EQ(2 * LEN / PAGE - 1, world_mem_pages());
	for (i = 0; i < NR_DESCS; i++) {
		status = fn_wait(&fn, i, &desc);
		if (status != TEEMU_DESC_DONE)
			break;
	}
	EXPECT_EQ(TEEMU_DESC_BLOCKED, status)
		note("all was over before the page went: no proof");
	EXPECT_EQ(bad, desc.fault_addr);
	/* it does not come back: not to DMA, not to the guest */
	ASSERT_EQ(0, fn_ring_start(&fn));
	EXPECT_EQ(TEEMU_DESC_BLOCKED, fn_dma(&fn, TEEMU_OP_FILL,
					     TEEMU_DESC_F_DST_T, PATTERN, bad,
					     PAGE));
	EXPECT_EQ(TEEMU_DESC_DONE, fn_dma(&fn, TEEMU_OP_FILL, TEEMU_DESC_F_DST_T,
					  PATTERN, bad - PAGE, PAGE));
	EXPECT_EQ(2 * LEN / PAGE - 1, world_mem_pages());
	EXPECT_EQ(-EHWPOISON, vm_write32(&vm, bad, 1));
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	/* private MMIO is as before, and so is the end */
	vm.ready = false;
	EXPECT_EQ(0, vm_write32(&vm, bad - PAGE, 1));
	EXPECT_EQ(0, fn_unbind(&fn));
	fn_close(&fn);
	vm_close(&vm);
	trail_end();
}

/* ---- the VMM is gone, its guest_memfd with it, and the device runs on ---- */

static int dma_all(struct vm *vm, struct fn *fn, void *arg)
{
	int ret;

	(void)arg;
	ret = lent_run(vm, fn, NULL) ?: fn_ring_start(fn) ?:
	      vm_fill(vm, VM_SRC_GPA, LEN, 0x1234567) ?:
	      vm_fill(vm, VM_DST_GPA, LEN, 0) ?: post_all(fn);
	if (!ret)
		ret = fn_wait(fn, 0, NULL) == TEEMU_DESC_DONE ? 0 : -EIO;
	return ret;
}

AUDITED_TEST(vmm_is_gone_and_the_binding_is_not)
{
	uint64_t end = now_ms() + SOON_MS;
	struct lent l = {};
	uint8_t *mine;
	long blocked;

	ASSERT_EQ(0, lent_start(&l, dma_all, NULL));
	ASSERT_EQ(0, lent_wait(&l));
	/* VFIO's file: the TDI stays bound, the VM alive, and the engine at work */
	ASSERT_EQ(0, lent_take(&l, 1U << LENT_DEVICE));
	ASSERT_LT(0, world_mem_pages());
	blocked = world_iommu_count(0, "t1_blocked");
	ASSERT_EQ(0, lent_kill(&l));
	/* who frees the pages shuts DMA out first: what is free is out of the table */
	while (world_mem_pages() && now_ms() < end)
		sleep_ms(1);
	EXPECT_EQ(0, world_mem_pages());
	mine = catch_pages();
	ASSERT_NE(NULL, mine);
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_EQ(1, world_vms());
	while (world_iommu_count(0, "t1_blocked") == blocked && now_ms() < end)
		sleep_ms(1);
	EXPECT_LT(blocked, world_iommu_count(0, "t1_blocked"))
		note("all was over before the pages went: no proof");
	sleep_ms(200);
	EXPECT_EQ(0, changed_bytes(mine));
	EXPECT_EQ(0, world_mem_pages());
	lent_end(&l);
	EXPECT_EQ(0, world_wait_vms(0, SOON_MS));
	EXPECT_EQ(0, changed_bytes(mine));
	munmap(mine, CATCH_LEN);
}

TVM_MAIN
