// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the devices reach by trusted DMA: a huge page of this program, found in
 * guest physical memory by the page map and moved to the virtual address of that number.
 *
 * A driver would pin it. Here nothing moves it: there is no swap, and what compaction
 * makes room for are huge pages. buffer_stays() looks, all the same.
 *
 * tvmm has told Linux to keep its own things out of private memory, not to keep programs
 * out of the rest: what is not private is put by until there is something that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tvm_abi.h"
#include "guest_linux.h"

#define PAGE		4096UL
#define NR_PAGES	(BUFFER_SIZE / PAGE)
#define MAX_TRIES	32
#define HUGE_PAGES	"/sys/kernel/mm/transparent_hugepage/enabled"

/* an entry of the page map */
#define MAP_PRESENT	(1ULL << 63)
#define MAP_PFN		((1ULL << 55) - 1)

/* the guest physical address of all of it, 0: it is in pieces, or not to be known */
static uint64_t gpa_of(const void *buffer)
{
	off_t where = (uintptr_t)buffer / PAGE * sizeof(uint64_t);
	uint64_t map[NR_PAGES], i;
	ssize_t n = -1;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = pread(fd, map, sizeof(map), where);
		close(fd);
	}
	if (n != sizeof(map) || (map[0] & MAP_PFN) % NR_PAGES)
		return 0;
	for (i = 0; i < NR_PAGES; i++)
		if (!(map[i] & MAP_PRESENT) ||
		    (map[i] & MAP_PFN) != (map[0] & MAP_PFN) + i)
			return 0;
	return (map[0] & MAP_PFN) * PAGE;
}

static bool is_private(uint64_t gpa)
{
	return gpa >= TVM_PRIVATE_GPA &&
	       gpa + BUFFER_SIZE <= TVM_PRIVATE_GPA + TVM_PRIVATE_MAX;
}

/* Linux switches them off where there is little memory, and takes a later word for it */
static void allow_huge_pages(void)
{
	int fd = open(HUGE_PAGES, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "madvise", 7) != 7)
		give_up(HUGE_PAGES ": %s", strerror(errno));
	close(fd);
}

static void *huge_page(void)
{
	uintptr_t area;
	void *huge;

	area = (uintptr_t)mmap(NULL, 2 * BUFFER_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	huge = (void *)((area + BUFFER_SIZE - 1) & ~(BUFFER_SIZE - 1));
	if ((void *)area == MAP_FAILED ||
	    madvise(huge, BUFFER_SIZE, MADV_HUGEPAGE) ||
	    mlock(huge, BUFFER_SIZE))
		give_up("huge page: %s", strerror(errno));
	memset(huge, 0, BUFFER_SIZE);
	return huge;
}

void *buffer_alloc(void)
{
	uint64_t gpa = 0;
	void *huge;
	int tries;

	allow_huge_pages();
	/* the rejected stay allocated, so that another comes */
	for (tries = 0; tries < MAX_TRIES && !is_private(gpa); tries++) {
		huge = huge_page();
		gpa = gpa_of(huge);
	}
	if (!is_private(gpa))
		give_up("buffer: none of %d huge pages is private, the last is at %#llx",
			tries, (unsigned long long)gpa);
	if (mremap(huge, BUFFER_SIZE, BUFFER_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   gpa) != (void *)gpa || !buffer_stays((void *)gpa))
		give_up("buffer: not to be moved to %#llx: %s",
			(unsigned long long)gpa, strerror(errno));
	return (void *)gpa;
}

bool buffer_stays(const void *buffer)
{
	return gpa_of(buffer) == (uintptr_t)buffer;
}
