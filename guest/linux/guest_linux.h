/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The payload's work as the first program of a Linux guest. What it does to a TDI is the
 * payload's own code (../serve.c, ../accept.c, ../use.c, ../attest.c), which finds
 * everything at virtual = guest physical address; what stands here puts it there.
 *
 *  init.c	the program
 *  find.c	functions on the PCI bus, and their BARs
 *  buffers.c	private memory that the devices reach
 *  platform.c	what the payload's code asks of where it runs
 *
 * All of it is in sysfs and procfs; no driver is needed, and none is there.
 */
#ifndef TVM_GUEST_LINUX_H
#define TVM_GUEST_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BDF_LEN		16

/**
 * struct function - one on the bus
 * @bdf: "0000:00:03.0"
 * @rid: bus, device and function number as the TSM has them
 * @device: PCI device id
 */
struct function {
	char bdf[BDF_LEN];
	uint16_t rid;
	uint16_t device;
};

/* say on the console what is wrong, and give up: the host sees the VM end */
void __attribute__((noreturn, format(printf, 1, 2))) give_up(const char *fmt, ...);

/* find.c */

/* functions of @vendor, by their addresses, @max at most; how many there are */
unsigned int find_functions(uint16_t vendor, struct function *f, unsigned int max);
/* where its BAR is in guest physical memory */
void find_bar(const struct function *f, unsigned int bar, uint64_t *gpa,
	      uint64_t *size);
/* [@offset, @offset + @len) of a BAR at exactly @addr */
void map_bar(const struct function *f, unsigned int bar, uint64_t offset,
	     uint64_t len, uint64_t addr);
/* the file for port I/O on a BAR: 4 bytes written at its start are an OUT there */
int open_port(const struct function *f, unsigned int bar);

/* buffers.c */

#define BUFFER_SIZE	0x200000UL

/* BUFFER_SIZE bytes of our own memory, private, at virtual = guest physical address */
void *buffer_alloc(void);
/* it is still there */
bool buffer_stays(const void *buffer);

/* platform.c */
void platform_set(int port, void *work);

#endif /* TVM_GUEST_LINUX_H */
