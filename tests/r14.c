// SPDX-License-Identifier: GPL-2.0-only
/*
 * R14: another function's IOAS has imported the BAR's dma-buf (peer to peer): it is
 * revoked at bind and the peer's DMA faults; no new import while bound, through no
 * table that is made later; a new one works after unbind, the old one stays dead.
 */
#include <string.h>
#include <sys/mman.h>

#include "goes_on.h"

#define MEM_IOVA	0x10000000ULL
#define MEM_SIZE	0x10000
#define P2P_IOVA	0x40000000ULL
#define P2P_SIZE	0x10000		/* of BAR 2 */
#define SLICE_IOVA	0x50000000ULL	/* a second import, of one page */
#define SLICE_AT	0x3000
#define PATTERN		0x5a5a5a5a5a5a5a5aULL

/* the other function, driven by the host with T=0 */
struct peer {
	struct fn fn;
	uint8_t *mem;
};

static int peer_open(struct peer *p)
{
	fn_init(&p->fn, 1);
	p->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->mem == MAP_FAILED)
		return -ENOMEM;
	return fn_open_device(&p->fn, NULL) ?: fn_open_translation(&p->fn) ?:
	       fn_enable(&p->fn) ?: fn_map(&p->fn) ?:
	       failed(tdi_ioas_map(p->fn.iommu, p->fn.ioas_id, p->mem, MEM_SIZE,
				   MEM_IOVA), "IOAS map") ?:
	       fn_ring_start(&p->fn);
}

static void peer_close(struct peer *p)
{
	fn_close(&p->fn);
	munmap(p->mem, MEM_SIZE);
}

static int peer_import(struct peer *p, int fd, uint64_t iova, uint64_t at,
		       uint64_t len)
{
	struct iommu_ioas_map_file map_file = {
		.size = sizeof(map_file),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = p->fn.ioas_id,
		.fd = fd,
		.start = at,
		.length = len,
		.iova = iova,
	};

	return raw_ioctl(tdi_iommu_fd(p->fn.iommu), IOMMU_IOAS_MAP_FILE,
			 &map_file);
}

static int peer_unmap(struct peer *p, uint64_t iova, uint64_t len)
{
	return tdi_ioas_unmap(p->fn.iommu, p->fn.ioas_id, iova, len);
}

/* the peer writes a pattern to @iova: how the descriptor ended */
static int peer_write(struct peer *p, uint64_t iova)
{
	return fn_dma(&p->fn, TEEMU_OP_FILL, 0, PATTERN, iova, 0x100);
}

/* the peer reads from @iova into memory: how it ended */
static int peer_read(struct peer *p, uint64_t iova)
{
	memset(p->mem, 0, 0x100);
	return fn_dma(&p->fn, TEEMU_OP_COPY, 0, iova, MEM_IOVA, 0x100);
}

static bool untouched(const struct peer *p)
{
	size_t i;

	for (i = 0; i < 0x100; i++)
		if (p->mem[i])
			return false;
	return true;
}

/* neither a read nor a write of the peer's gets to the BAR */
static void is_shut_out(struct __test_metadata *_metadata, struct peer *p,
			uint64_t iova)
{
	long faults = world_iommu_count(1, "t0_fault");

	EXPECT_EQ(TEEMU_DESC_FAULT, peer_read(p, iova));
	EXPECT_TRUE(untouched(p));
	EXPECT_EQ(TEEMU_DESC_FAULT, peer_write(p, iova));
	/* by the peer's own page table: not for want of a device that answers */
	EXPECT_LE(faults + 2, world_iommu_count(1, "t0_fault"));
}

static uint32_t first_word(const struct peer *p)
{
	uint32_t value;

	memcpy(&value, p->mem, sizeof(value));
	return value;
}

TVM_TEST(import_of_a_peer)
{
	volatile uint32_t *bar2;
	void *map = NULL;
	struct peer peer;
	uint32_t value;
	int fd, one;

	ASSERT_EQ(0, tdi_device_map(self->fn.dev, TEEMU_BAR_MEM, &map));
	bar2 = map;
	ASSERT_EQ(0, peer_open(&peer));
	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, P2P_SIZE);
	one = self->fn.slot[1].fd;	/* the dma-buf that the TVM's slot has */
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, peer_import(&peer, fd, P2P_IOVA, 0, P2P_SIZE));
	EXPECT_EQ(0, peer_import(&peer, one, SLICE_IOVA, SLICE_AT, PAGE));
	/* it works, both ways */
	bar2[0] = 0xfeedf00d;
	EXPECT_EQ(TEEMU_DESC_DONE, peer_read(&peer, P2P_IOVA));
	EXPECT_EQ(0xfeedf00d, first_word(&peer));
	EXPECT_EQ(TEEMU_DESC_DONE, peer_write(&peer, SLICE_IOVA));
	EXPECT_EQ((uint32_t)PATTERN, bar2[SLICE_AT / 4]);

	ASSERT_EQ(0, tvm_to_locked(self));
	is_shut_out(_metadata, &peer, P2P_IOVA);
	is_shut_out(_metadata, &peer, SLICE_IOVA);
	ASSERT_EQ(0, fn_run(&self->fn));
	ASSERT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, tvm_poke(self, SLICE_AT / PAGE, 0x5ec2e7));
	is_shut_out(_metadata, &peer, P2P_IOVA);
	is_shut_out(_metadata, &peer, SLICE_IOVA);

	/* nor a new one, of whichever dma-buf */
	EXPECT_EQ(ENODEV, peer_import(&peer, fd, P2P_IOVA + P2P_SIZE, 0, PAGE));
	EXPECT_EQ(ENODEV, peer_import(&peer, one, P2P_IOVA + P2P_SIZE, 0, PAGE));
	EXPECT_EQ(-EBUSY, tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, PAGE));
	/* nor a page table that is filled from the same IOAS later */
	EXPECT_EQ(0, tdi_device_detach(peer.fn.dev));
	EXPECT_EQ(0, tdi_device_attach(peer.fn.dev, peer.fn.ioas_id));
	is_shut_out(_metadata, &peer, P2P_IOVA);
	is_shut_out(_metadata, &peer, SLICE_IOVA);
	/* what the peer may reach it reaches still */
	EXPECT_EQ(TEEMU_DESC_DONE, peer_write(&peer, MEM_IOVA));
	/* and what the TVM has there nobody has changed */
	EXPECT_EQ(0, vm_read32(&self->vm, fn_bar_gpa(&self->fn, TEEMU_BAR_MEM) +
			       SLICE_AT + 0x20, &value));
	EXPECT_EQ(0x5ec2e7, value);
	EXPECT_EQ(0, tvm_goes_on(self));

	ASSERT_EQ(0, fn_unbind(&self->fn));
	/* it can be imported with the unbind, not only when the VMM writes MSE again */
	EXPECT_EQ(0, peer_import(&peer, fd, P2P_IOVA + P2P_SIZE, 0, PAGE));
	EXPECT_EQ(0, peer_unmap(&peer, P2P_IOVA + P2P_SIZE, PAGE));
	EXPECT_EQ(0, fn_enable(&self->fn));
	/* the old import is dead for good */
	is_shut_out(_metadata, &peer, P2P_IOVA);
	is_shut_out(_metadata, &peer, SLICE_IOVA);
	EXPECT_EQ(0, peer_unmap(&peer, P2P_IOVA, P2P_SIZE));
	EXPECT_EQ(0, peer_unmap(&peer, SLICE_IOVA, PAGE));
	/* a new one is as good as the first */
	EXPECT_EQ(0, peer_import(&peer, fd, P2P_IOVA, 0, P2P_SIZE));
	bar2[0] = 0xc0ffee;
	EXPECT_EQ(TEEMU_DESC_DONE, peer_read(&peer, P2P_IOVA));
	EXPECT_EQ(0xc0ffee, first_word(&peer));

	/* and is revoked by the next bind; the peer leaves while it is bound */
	ASSERT_EQ(0, fn_bind(&self->fn));
	is_shut_out(_metadata, &peer, P2P_IOVA);
	peer_close(&peer);
	close(fd);
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, tvm_goes_on(self));
}

/* DMA of the peer is at work on the BAR while bind takes it away */
TVM_TEST(import_in_use_at_bind)
{
	int fd, number, ret, i, done = 0, faults = 0;
	struct teemu_desc desc;
	struct peer peer;
	uint64_t start;

	ASSERT_EQ(0, peer_open(&peer));
	fd = tdi_device_export(self->fn.dev, TEEMU_BAR_MEM, 0, P2P_SIZE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, peer_import(&peer, fd, P2P_IOVA, 0, P2P_SIZE));
	EXPECT_EQ(TEEMU_DESC_DONE, peer_read(&peer, P2P_IOVA));
	/* a ring full, which bind meets in its middle or not at all */
	number = peer.fn.next;
	for (i = 0; i < 48; i++)
		EXPECT_LE(0, fn_post(&peer.fn, TEEMU_OP_COPY, 0, P2P_IOVA,
				     MEM_IOVA, P2P_SIZE / 4));
	start = now_ms();
	EXPECT_EQ(0, fn_bind(&self->fn));
	EXPECT_GT(10000, now_ms() - start);
	for (i = 0; i < 48; i++) {
		ret = fn_wait(&peer.fn, number + i, &desc);
		done += ret == TEEMU_DESC_DONE;
		faults += ret == TEEMU_DESC_FAULT;
		/* once it is shut out it stays so */
		EXPECT_FALSE(ret == TEEMU_DESC_DONE && faults);
	}
	note("%d copies before the bind, %d shut out", done, faults);
	EXPECT_EQ(48, done + faults);
	is_shut_out(_metadata, &peer, P2P_IOVA);
	EXPECT_EQ(0, fn_unbind(&self->fn));
	peer_close(&peer);
	close(fd);
}

TVM_MAIN
