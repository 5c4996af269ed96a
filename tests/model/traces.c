// SPDX-License-Identifier: GPL-2.0-only
/* Every trace of files.c, one a line, as orders.pml prints them: scripts/model */
#include <stdio.h>

#include "files.h"

int main(void)
{
	struct model m;
	unsigned int i, step;

	if (model_all(&m))
		return 1;
	for (i = 0; i < m.nr; i++) {
		printf("TRACE");
		for (step = 0; step < NR_EFFECTS; step++)
			printf(" %d", step < m.trace[i].nr ? m.trace[i].step[step] : 0);
		printf("\n");
	}
	model_free(&m);
	return 0;
}
