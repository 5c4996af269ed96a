// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the payload's code asks of where it runs, for a program of Linux. Calls go through
 * the file of tvmm's I/O BAR; there is one vCPU and one huge page of work memory.
 */
#include <stdio.h>
#include <unistd.h>

#include "../guest.h"
#include "guest_linux.h"

static int call_port = -1;
static void *work_memory;

void platform_set(int port, void *work)
{
	call_port = port;
	work_memory = work;
}

void platform_call(uint32_t number)
{
	if (pwrite(call_port, &number, sizeof(number), 0) != sizeof(number))
		give_up("call %u: the port cannot be written", number);
}

uint32_t this_cpu(void)
{
	return 0;
}

uint8_t *work_src(void)
{
	return work_memory;
}

uint64_t work_size(void)
{
	return BUFFER_SIZE;
}
