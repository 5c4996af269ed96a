// SPDX-License-Identifier: GPL-2.0-only
/* tdi retry: the way out of quarantine */
#include <errno.h>
#include <string.h>

#include "tdi.h"

static int retry_run(int argc, char **argv)
{
	struct view v;
	int ret;

	(void)argc;
	ret = need_function("retry", argv[0], true, &v);
	if (ret)
		return ret;
	ret = tdi_attr_write(argv[0], "tdi/retry", "1");
	if (!ret)
		return EXIT_OK;
	if (ret == -EINVAL)
		return complain("retry", argv[0], ret,
				"nothing was to be done: it is not in quarantine");
	if (ret == -EIO && !view_linux(argv[0], &v) && v.reason[0])
		fprintf(stderr, "tdi: %s is still quarantined: %s\n", argv[0],
			v.reason);
	return complain("retry", argv[0], ret, ret == -EIO ?
			"firmware still does not let go: update or restart what is to blame and retry; else only a cold reset helps" : NULL);
}

const struct tdi_command cmd_retry = {
	.name = "retry", .args = "BDF", .min_args = 1, .max_args = 1,
	.run = retry_run,
	.brief = "try to get a function out of quarantine",
	.help = "Lets the TSM driver try the unbind again, from the step that failed: after a firmware\n"
		"update, or when the device answers again. Exit code 1 if it is still in quarantine then,\n"
		"or was not in quarantine. What was kept with it (BAR pages, the VM, its memory) is\n"
		"released when it succeeds.\n",
};
