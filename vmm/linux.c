// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux guest in place of the payload: bzImage and initrd into shared memory, the
 * page of boot_params, and where the vCPU starts. By the boot protocol of Linux,
 * Documentation/arch/x86/boot.rst, 64-bit entry.
 *
 * Both files are checked before they are believed; the memory is made as large as they
 * need it. The kernel, its page tables and the text of its programs have to be in
 * shared memory, for KVM reads them; what programs keep is in private memory: the
 * command line tells Linux so (kernelcore=), see docs/linux-guest.md.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "tvmm.h"

#define SECTOR		512ULL
#define MIB		(1ULL << 20)
#define PAGE		4096ULL
#define HUGE		0x200000ULL

#define BOOT_FLAG	0xaa55
#define HEADER_MAGIC	0x53726448	/* "HdrS" */
#define VERSION_64BIT	0x020c
#define ENTRY_64	0x200
#define LOADER_OTHER	0xff

/* where the payload would be loaded */
#define PARAMS_GPA	TVM_LOAD_GPA
#define CMDLINE_GPA	(TVM_LOAD_GPA + PAGE)
#define CMDLINE_MAX	2048U

/* RAM below 1 MiB, for the trampoline of other CPUs: Linux insists */
#define LOW_RAM_GPA	0x80000ULL
#define LOW_RAM_END	0x9f000ULL
static_assert(TVM_MBOX_GPA(TVM_MAX_CPUS) <= LOW_RAM_GPA,
	      "mailboxes are no RAM of Linux's");

#define SHARED_MIN	(64 * MIB)
#define SHARED_FREE	(24 * MIB)	/* for what Linux allocates */
/* less than there is, so that none of private memory is taken for the rest */
#define KERNELCORE_LESS	MIB

/*
 * no ACPI: there are no tables; noxsave: XSAVE faults in a guest's guest under TCG;
 * no_timer_check, tsc=reliable: the timers are late when the host is busy; reboot=t,
 * panic=-1: what Linux says before it gives up ends in a triple fault, which tvmm sees.
 * ramfs: program text must be in shared memory, and tmpfs' pages are movable.
 */
#define CMDLINE		"console=ttyS0 loglevel=3 acpi=off nokaslr noxsave no_timer_check " \
			"tsc=reliable reboot=t panic=-1 rootfstype=ramfs rdinit=/init "

static int refuse(struct tvmm *t, const char *what)
{
	return report_failed(t, "vm", -ENOEXEC, "kernel %s: %s", t->opt.kernel,
			     what);
}

static int open_file(struct tvmm *t, const char *what, const char *path,
		     struct boot_file *file)
{
	struct stat st;

	/* does not wait for the other end of what is no file */
	file->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &st))
		return report_failed(t, "vm", -errno, "%s %s: %s", what, path,
				     strerror(errno));
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return report_failed(t, "vm", -EINVAL,
				     "%s %s: not a file with something in it",
				     what, path);
	file->size = st.st_size;
	return 0;
}

static int read_file(struct tvmm *t, const char *path, struct boot_file *file,
		     uint64_t offset, void *to, uint64_t len)
{
	uint64_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(file->fd, (uint8_t *)to + done, len - done,
			  offset + done);
		if (n <= 0)
			return report_failed(t, "vm", n < 0 ? -errno : -EIO,
					     "%s: read %llu of %llu bytes: %s",
					     path, (unsigned long long)done,
					     (unsigned long long)len,
					     n < 0 ? strerror(errno) :
					     "it has become shorter");
		done += n;
	}
	return 0;
}

/* the setup header is the file's word for everything else: doubt all of it */
static int check_header(struct tvmm *t)
{
	struct boot *b = &t->boot;
	struct setup_header *h = &b->header;
	const uint64_t offset = offsetof(struct boot_params, hdr);
	uint64_t end;
	int ret;

	if (b->kernel.size < offset + sizeof(*h))
		return refuse(t, "too short to be a bzImage");
	ret = read_file(t, t->opt.kernel, &b->kernel, offset, h, sizeof(*h));
	if (ret)
		return ret;
	if (h->boot_flag != BOOT_FLAG || h->header != HEADER_MAGIC)
		return refuse(t, "not a bzImage: no setup header");
	/* an older protocol has a shorter one, and ends it where its jump leads */
	b->header_len = offsetof(struct setup_header, header) + (h->jump >> 8);
	if (b->header_len > sizeof(*h))
		b->header_len = sizeof(*h);
	if (h->version < VERSION_64BIT || !(h->xloadflags & XLF_KERNEL_64))
		return refuse(t, "no 64-bit entry: a boot protocol before 2.12, or 32-bit");
	b->code_offset = ((h->setup_sects ?: 4) + 1) * SECTOR;
	b->code_size = h->syssize * 16ULL;
	end = b->code_offset + b->code_size;
	if (!b->code_size || end > b->kernel.size)
		return report_failed(t, "vm", -ENOEXEC,
				     "kernel %s: truncated: its header wants %llu bytes, it has %llu",
				     t->opt.kernel, (unsigned long long)end,
				     (unsigned long long)b->kernel.size);
	if (h->pref_address < TVM_SHARED_SIZE || h->pref_address % HUGE ||
	    h->pref_address >= TVM_PRIVATE_GPA || h->init_size < b->code_size)
		return refuse(t, "load address or size make no sense");
	return 0;
}

/* how much shared memory the two want, and where the initrd goes: to its top */
static int place(struct tvmm *t)
{
	struct boot *b = &t->boot;
	uint64_t kernel_end = b->header.pref_address + b->header.init_size;
	uint64_t size;

	/* each is far from wrapping: 2 * 4 GiB and a file's size, which is positive */
	size = kernel_end + b->initrd.size + SHARED_FREE;
	size = (size + HUGE - 1) & ~(HUGE - 1);
	if (size < SHARED_MIN)
		size = SHARED_MIN;
	if (size > TVM_PRIVATE_GPA)
		return report_failed(t, "vm", -E2BIG,
				     "kernel %s needs %llu MiB, initrd %s %llu MiB: together at most %llu MiB",
				     t->opt.kernel,
				     (unsigned long long)(kernel_end / MIB),
				     t->opt.initrd,
				     (unsigned long long)
				     ((b->initrd.size + MIB - 1) / MIB),
				     (unsigned long long)
				     ((TVM_PRIVATE_GPA - SHARED_FREE) / MIB));
	t->mem.shared_size = size;
	b->initrd_gpa = (size - b->initrd.size) & ~(PAGE - 1);
	return 0;
}

static int linux_prepare(struct tvmm *t)
{
	return open_file(t, "kernel", t->opt.kernel, &t->boot.kernel) ?:
	       open_file(t, "initrd", t->opt.initrd, &t->boot.initrd) ?:
	       check_header(t) ?: place(t) ?: ports_create(t);
}

static void linux_finish(struct tvmm *t)
{
	struct boot *b = &t->boot;

	serial_flush(t);
	if (b->kernel.fd >= 0)
		close(b->kernel.fd);
	if (b->initrd.fd >= 0)
		close(b->initrd.fd);
	b->kernel.fd = -1;
	b->initrd.fd = -1;
}

static void add_ram(struct boot_params *params, uint64_t gpa, uint64_t end)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry) {
		.addr = gpa, .size = end - gpa, .type = 1,
	};
}

static int write_cmdline(struct tvmm *t)
{
	uint64_t core = t->mem.shared_size - TVM_SHARED_SIZE - KERNELCORE_LESS;
	uint32_t max = t->boot.header.cmdline_size;
	char *cmdline = (char *)t->mem.shared + CMDLINE_GPA;
	int len;

	len = snprintf(cmdline, CMDLINE_MAX, CMDLINE "kernelcore=%lluK %s",
		       (unsigned long long)core >> 10, t->opt.append ?: "");
	if (len >= (int)CMDLINE_MAX || (uint32_t)len > max)
		return refuse(t, "its command line would be too long");
	return 0;
}

/* page tables, boot page and mailbox, the window of shared DMA: none of it is RAM */
static void write_params(struct tvmm *t)
{
	struct boot_params *params = (void *)(t->mem.shared + PARAMS_GPA);
	struct boot *b = &t->boot;

	memset(params, 0, sizeof(*params));
	params->hdr = b->header;
	memset((uint8_t *)&params->hdr + b->header_len, 0,
	       sizeof(params->hdr) - b->header_len);
	params->hdr.type_of_loader = LOADER_OTHER;
	params->hdr.vid_mode = 0xffff;
	params->hdr.cmd_line_ptr = CMDLINE_GPA;
	params->hdr.ramdisk_image = b->initrd_gpa;
	params->hdr.ramdisk_size = b->initrd.size;
	add_ram(params, LOW_RAM_GPA, LOW_RAM_END);
	add_ram(params, TVM_SHARED_SIZE, t->mem.shared_size);
	add_ram(params, t->mem.private_gpa,
		t->mem.private_gpa + t->mem.private_size);
}

/* a second look at the same memory, above RAM: the mailbox function's BAR */
static int set_alias(struct tvmm *t)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = SLOT_ALIAS,
		.guest_phys_addr = TVM_ALIAS_GPA,
		.memory_size = TVM_SHARED_SIZE,
		.userspace_addr = (uintptr_t)t->mem.shared,
	};

	if (ioctl(t->vm_fd, KVM_SET_USER_MEMORY_REGION2, &region))
		return report_failed(t, "vm", -errno, "slot of the mailbox: %s",
				     strerror(errno));
	return 0;
}

static int linux_load(struct tvmm *t)
{
	struct boot *b = &t->boot;
	int ret;

	ret = set_alias(t) ?:
	      read_file(t, t->opt.kernel, &b->kernel, b->code_offset,
			t->mem.shared + b->header.pref_address, b->code_size) ?:
	      read_file(t, t->opt.initrd, &b->initrd, 0,
			t->mem.shared + b->initrd_gpa, b->initrd.size) ?:
	      write_cmdline(t);
	if (ret)
		return ret;
	write_params(t);
	long_mode_tables(t);
	return 0;
}

static int linux_tell(struct tvmm *t)
{
	int ret = boot_page(t) ?: pci_create(t);

	t->boot.entered_us = now_us();
	return ret;
}

static int linux_start(struct vcpu *v)
{
	const struct kvm_regs regs = {
		.rip = v->t->boot.header.pref_address + ENTRY_64,
		.rsi = PARAMS_GPA,
		.rflags = 2,
	};

	return long_mode_start(v, &regs);
}

const struct guest linux_guest = {
	.prepare = linux_prepare,
	.load = linux_load,
	.tell = linux_tell,
	.start = linux_start,
	.io = ports_io,
	.mmio = ports_mmio,
	.finish = linux_finish,
};
