// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tvmm.h"

static const struct {
	const char *name;
	enum tvm_mode mode;
} modes[] = {
	{ "hello", TVM_MODE_HELLO },
	{ "full", TVM_MODE_FULL },
	{ "once", TVM_MODE_ONCE },
	{ "again", TVM_MODE_AGAIN },
	{ "loop", TVM_MODE_LOOP },
	{ "locked", TVM_MODE_LOCKED },
};

static void usage(FILE *out)
{
	fputs("usage: tvmm --device BDF [options]\n"
	      "       tvmm --no-device [options]\n"
	      "Run a payload in a confidential VM that owns a TDI.\n"
	      "\n"
	      "  --device BDF       the function, bound to vfio-pci, its link connected\n"
	      "  --no-device        no TDI: boots, checks private memory, ends\n"
	      "  --vendor NAME      tdx, sev or cca: whose requests the guest makes (default:\n"
	      "                     those of the TSM that the device is connected to)\n"
	      "  --mode MODE        what the payload does (full):\n"
	      "       full          attest, run, use, ask for unbind; tvmm uses it shared\n"
	      "       once          attest, run, use, end while bound\n"
	      "       again         full, then bind again in the same VM, and full again\n"
	      "       loop          attest, run, DMA until killed\n"
	      "       locked        read the report, accept nothing, wait until killed\n"
	      "  --payload FILE     /share/payload.bin\n"
	      "  --bar2-pages N     pages of BAR 2 to accept and use, 1 to 4096 (576)\n"
	      "  --copy-kib N       size of the copy test, multiple of 16, up to 4096 (1024)\n"
	      "  --timeout S        give up after S seconds, 0: never (120)\n"
	      "  --report-fd FD     write machine-readable steps there\n"
	      "  --help\n"
	      "\n"
	      "exit code: 0 all held, 1 something did not, 2 usage\n", out);
}

/* decimal number in [@min, @max]; false when it is not one */
static bool number(const char *text, unsigned long min, unsigned long max,
		   unsigned int *out)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return false;
	*out = value;
	return true;
}

static bool set_mode(struct options *opt, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name)) {
			opt->mode = modes[i].mode;
			return true;
		}
	return false;
}

enum { O_DEVICE = 1, O_NONE, O_VENDOR, O_MODE, O_PAYLOAD, O_PAGES, O_COPY, O_TIMEOUT,
       O_REPORT, O_HELP };

static const struct option long_options[] = {
	{ "device", required_argument, NULL, O_DEVICE },
	{ "no-device", no_argument, NULL, O_NONE },
	{ "vendor", required_argument, NULL, O_VENDOR },
	{ "mode", required_argument, NULL, O_MODE },
	{ "payload", required_argument, NULL, O_PAYLOAD },
	{ "bar2-pages", required_argument, NULL, O_PAGES },
	{ "copy-kib", required_argument, NULL, O_COPY },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "report-fd", required_argument, NULL, O_REPORT },
	{ "help", no_argument, NULL, O_HELP },
	{ }
};

static bool set_option(struct options *opt, int which, bool *none)
{
	unsigned int value;

	switch (which) {
	case O_DEVICE:
		opt->bdf = optarg;
		return true;
	case O_NONE:
		*none = true;
		return true;
	case O_VENDOR:
		opt->arch = vendor_arch(optarg);
		return opt->arch;
	case O_MODE:
		return set_mode(opt, optarg);
	case O_PAYLOAD:
		opt->payload = optarg;
		return true;
	case O_PAGES:
		return number(optarg, 1, 4096, &opt->bar2_pages);
	case O_COPY:
		if (!number(optarg, 16, TVM_BUFFER_SIZE >> 10, &value) ||
		    value % 16)
			return false;
		opt->copy_bytes = value << 10;
		return true;
	case O_TIMEOUT:
		return number(optarg, 0, 1000000, &opt->timeout);
	case O_REPORT:
		if (!number(optarg, 0, 1 << 20, &value))
			return false;
		opt->report_fd = value;
		return true;
	default:
		return false;
	}
}

/* 0, 1: help was asked for, -EINVAL */
static int parse(struct options *opt, int argc, char **argv)
{
	bool none = false;
	int which;

	while ((which = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (which == O_HELP)
			return 1;
		if (which == '?')
			return -EINVAL;
		if (!set_option(opt, which, &none)) {
			fprintf(stderr, "tvmm: not a value for it: %s\n",
				optarg ?: "");
			return -EINVAL;
		}
	}
	if (optind != argc || none == !!opt->bdf)
		return -EINVAL;
	if (none)
		opt->mode = TVM_MODE_HELLO;
	else if (opt->mode == TVM_MODE_HELLO)
		return -EINVAL;
	return 0;
}

/* without a device: a private range with nothing behind it, for the probe */
static int no_device(struct tvmm *t)
{
	int ret = tdi_vm_set_private(t->vm, TVM_BAR0_GPA, 4096, true);

	return ret ? report_failed(t, "device", ret, "attributes: %s",
				   strerror(-ret)) : 0;
}

static int run(struct tvmm *t)
{
	int ret;

	ret = t->opt.bdf ? vendor_choose(t) : 0;
	if (!ret)
		ret = vm_create(t) ?: vcpu_create(t) ?: memory_create(t);
	if (!ret)
		ret = t->opt.bdf ? device_create(t) : no_device(t);
	if (!ret)
		ret = vcpu_loop(t);
	device_destroy(t);
	memory_destroy(t);
	vcpu_destroy(t);
	vm_destroy(t);
	return ret;
}

int main(int argc, char **argv)
{
	struct tvmm t = {
		.opt = {
			.payload = "/share/payload.bin",
			.mode = TVM_MODE_FULL,
			.bar2_pages = 576,
			.copy_bytes = 1 << 20,
			.timeout = 120,
			.report_fd = -1,
			.seed = getpid(),
		},
		.kvm_fd = -1,
		.vm_fd = -1,
		.mem.private_fd = -1,
		.vcpu.fd = -1,
		.device.watch.stop_fd = -1,
	};
	int ret, i;

	for (i = 0; i < NR_BAR_SLOTS; i++)
		t.device.slots[i].fd = -1;
	ret = parse(&t.opt, argc, argv);
	if (ret) {
		usage(ret < 0 ? stderr : stdout);
		return ret < 0 ? 2 : 0;
	}
	report_start(&t);
	ret = run(&t);
	if (!ret)
		report_ok(&t, "exit", "everything closed in order");
	return ret ? 1 : 0;
}
