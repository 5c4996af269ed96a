// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first program of a Linux guest: finds tvmm and the TDIs on the PCI bus, maps what
 * the payload's code works on, and has it do what the boot page says. It does not come
 * back: the VM ends with it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/teemu.h>

#include "../guest.h"
#include "guest_linux.h"

#define MAX_FUNCTIONS	(2 + TVM_MAX_DEVICES)

struct device devices[TVM_MAX_DEVICES];
static uint64_t bar2_size[TVM_MAX_DEVICES];

void give_up(const char *fmt, ...)
{
	va_list ap;

	fputs("init: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts("");
	fflush(stdout);
	sleep(1);
	/* a triple fault, as Linux was told: the host sees the VM end */
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void mount_on(const char *where, const char *type)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL))
		give_up("%s: %s", where, strerror(errno));
}

/* tvmm's own: the boot page and mailboxes, the window of shared DMA, and the port */
static int map_tvmm(const struct function *f)
{
	map_bar(f, TVM_TVMM_BAR_SHARED, TVM_BOOT_GPA,
		TVM_SHARED_SIZE - TVM_BOOT_GPA, TVM_BOOT_GPA);
	return open_port(f, TVM_TVMM_BAR_PORT);
}

/* where the host has put a BAR is where its TVM calls have to say it is */
static void map_tdi(const struct function *f, uint32_t index)
{
	static const unsigned int bars[] = { TEEMU_BAR_REGS, TEEMU_BAR_MEM };
	uint64_t gpa, size;
	unsigned int i;

	if (f->rid != TVM_DEVICE_RID(index))
		give_up("%s: device %u is expected at requester id %#x", f->bdf,
			index, TVM_DEVICE_RID(index));
	for (i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
		find_bar(f, bars[i], &gpa, &size);
		if (gpa != TVM_BAR_GPA(index, bars[i]) || size > TVM_BAR_STRIDE ||
		    (bars[i] == TEEMU_BAR_REGS && size < TEEMU_BAR_REGS_SIZE))
			give_up("%s: BAR %u of %#llx bytes is at %#llx", f->bdf,
				bars[i], (unsigned long long)size,
				(unsigned long long)gpa);
		map_bar(f, bars[i], 0, size, gpa);
	}
	bar2_size[index] = size;
	printf("init: TDI at %s\n", f->bdf);
}

static bool is_tdi(const struct function *f)
{
	return f->device == TEEMU_DEVICE_ID || f->device == TEEMU_VF_DEVICE_ID;
}

/* how many TDIs there are */
static uint32_t find_all(int *port)
{
	struct function f[MAX_FUNCTIONS];
	unsigned int nr, i, tdis = 0;

	*port = -1;
	nr = find_functions(TVM_PCI_VENDOR_ID, f, MAX_FUNCTIONS);
	for (i = 0; i < nr; i++) {
		if (f[i].device == TVM_PCI_TVMM_ID)
			*port = map_tvmm(&f[i]);
		if (is_tdi(&f[i]))
			map_tdi(&f[i], tdis++);
	}
	if (*port < 0)
		give_up("no tvmm on the PCI bus, of %u functions", nr);
	return tdis;
}

/* private memory keeps what is written there, and that is all there is */
static void hello(void)
{
	memory_fill();
	memory_check();
	call_log("a program of Linux says hello, %u ms", now_ms());
}

int main(void)
{
	uint32_t tdis;
	int port;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mount_on("/proc", "proc");
	mount_on("/sys", "sysfs");
	tdis = find_all(&port);
	platform_set(port, buffer_alloc());
	guest_begin();
	if (tdis != boot.nr_devices)
		call_exit_failed("%u TDIs are on the bus, %u were told of",
				 (uint64_t)tdis, (uint64_t)boot.nr_devices);
	while (tdis--)
		if (boot.bar2_pages[tdis] > bar2_size[tdis] / PAGE_SIZE)
			call_exit_failed("boot page: %u pages of BAR 2, which has %u",
					 (uint64_t)boot.bar2_pages[tdis],
					 bar2_size[tdis] / PAGE_SIZE);
	call_mark(NULL, TVM_MARK_LINUX, boot.nr_devices);
	if (boot.mode == TVM_MODE_HELLO)
		hello();
	else
		guest_work(this_cpu());
	if (!buffer_stays(work_src()))
		call_exit_failed("Linux has moved the buffer at %x",
				 (uintptr_t)work_src());
	call_exit_ok();
}
