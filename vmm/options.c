// SPDX-License-Identifier: GPL-2.0-only
/* what was asked for; what cannot be is said in one line before anything is opened */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tvmm.h"

#define LINUX_MEM_MIN	64U		/* MiB */
#define LINUX_MEM	128U
#define LINUX_COPY_MAX	(1008U << 10)
#define LINUX_COPY	(512U << 10)

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
	fputs("usage: tvmm --device BDF [--device BDF...] [options]\n"
	      "       tvmm --no-device [options]\n"
	      "Run a payload, or Linux, in a confidential VM that owns TDIs.\n"
	      "\n"
	      "the VM\n"
	      "  --device BDF       a function, bound to vfio-pci, its link connected; again for\n"
	      "                     more, up to 8, all of the same TSM and behind the same IOMMU\n"
	      "  --no-device        no TDI: boots, checks private memory, ends\n"
	      "  --cpus N           vCPUs, 1 to 8 (1)\n"
	      "  --mem MIB          private memory in MiB, 16 to 1024 (16; of Linux 64 to 1024, 128)\n"
	      "  --payload FILE     what runs in it (/share/payload.bin)\n"
	      "  --linux BZIMAGE    Linux instead, one vCPU, whose first program does the same ...\n"
	      "  --initrd FILE      ... /share/guest.initrd has it\n"
	      "  --append TEXT      more for the kernel's command line, say loglevel=7\n"
	      "  --vendor NAME      tdx, sev or cca: whose requests the guest makes (default:\n"
	      "                     those of the TSM that the devices are connected to)\n"
	      "\n"
	      "what happens\n"
	      "  --mode MODE        what the payload does (full):\n"
	      "       full          attest, run, use, ask for unbind; tvmm uses it shared\n"
	      "       once          attest, run, use, end while bound\n"
	      "       again         full, then bind again in the same VM, and full again\n"
	      "       loop          attest, run, DMA until killed\n"
	      "       locked        read the report, accept nothing, wait until killed\n"
	      "  --shared-first     tvmm uses each device as a shared one before it binds it\n"
	      "  --bind-on-request  tvmm binds a device when the guest asks for it, not before\n"
	      "  --bar2-pages N     4 KiB pages of each BAR 2 to accept and use, 1 to 4096\n"
	      "                     (576, or what the device has)\n"
	      "  --copy-kib N       size of the copy test in KiB, multiple of 16, up to 4096 (1024;\n"
	      "                     of Linux up to 1008, 512)\n"
	      "  --timeout S        give up after S seconds, 0: never (120)\n"
	      "\n"
	      "what is told\n"
	      "  --save-report FILE keep the interface report that the guest read, for tdi report;\n"
	      "                     with several devices a FILE.BDF for each\n"
	      "  --save-certs FILE  the same of the device's certificates\n"
	      "  --report-fd FD     write machine-readable steps there\n"
	      "  --help\n"
	      "\n"
	      "Device I is served by vCPU I modulo N; a vCPU that has none works beside another\n"
	      "one's device. exit code: 0 all held, 1 something did not, 2 usage\n", out);
}

static int __attribute__((format(printf, 1, 2))) wrong(const char *fmt, ...)
{
	va_list ap;

	fputs("tvmm: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; tvmm --help tells more\n", stderr);
	return -EINVAL;
}

/* decimal number in [@min, @max] */
static int number(const char *name, const char *text, unsigned long min,
		  unsigned long max, unsigned int *out)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9' ||
	    value < min || value > max)
		return wrong("--%s %s: expected a number from %lu to %lu", name,
			     text, min, max);
	*out = value;
	return 0;
}

static int set_mode(struct options *opt, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name)) {
			opt->mode = modes[i].mode;
			return 0;
		}
	return wrong("--mode %s: expected full, once, again, loop or locked", name);
}

/* the same function in whatever form */
static bool is_same(const char *a, const char *b)
{
	unsigned int x[4], y[4];

	return sscanf(a, "%x:%x:%x.%x", &x[0], &x[1], &x[2], &x[3]) == 4 &&
	       sscanf(b, "%x:%x:%x.%x", &y[0], &y[1], &y[2], &y[3]) == 4 &&
	       !memcmp(x, y, sizeof(x));
}

static int add_device(struct options *opt, const char *bdf)
{
	unsigned int i;

	if (!tdi_bdf_valid(bdf))
		return wrong("--device %s: expected DOMAIN:BUS:DEVICE.FUNCTION, as tdi list has it",
			     bdf);
	for (i = 0; i < opt->nr_devices; i++)
		if (is_same(opt->bdf[i], bdf))
			return wrong("--device %s: given twice", bdf);
	if (opt->nr_devices == MAX_DEVICES)
		return wrong("--device %s: there are %u already, and no VM of tvmm has more",
			     bdf, MAX_DEVICES);
	opt->bdf[opt->nr_devices++] = bdf;
	return 0;
}

enum {
	O_DEVICE = 1, O_NONE, O_CPUS, O_MEM, O_VENDOR, O_MODE, O_PAYLOAD,
	O_LINUX, O_INITRD, O_APPEND, O_PAGES,
	O_COPY, O_SHARED, O_REQUEST, O_SAVE_REPORT, O_SAVE_CERTS, O_TIMEOUT,
	O_REPORT, O_HELP
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, O_DEVICE },
	{ "no-device", no_argument, NULL, O_NONE },
	{ "cpus", required_argument, NULL, O_CPUS },
	{ "mem", required_argument, NULL, O_MEM },
	{ "vendor", required_argument, NULL, O_VENDOR },
	{ "mode", required_argument, NULL, O_MODE },
	{ "payload", required_argument, NULL, O_PAYLOAD },
	{ "linux", required_argument, NULL, O_LINUX },
	{ "initrd", required_argument, NULL, O_INITRD },
	{ "append", required_argument, NULL, O_APPEND },
	{ "bar2-pages", required_argument, NULL, O_PAGES },
	{ "copy-kib", required_argument, NULL, O_COPY },
	{ "shared-first", no_argument, NULL, O_SHARED },
	{ "bind-on-request", no_argument, NULL, O_REQUEST },
	{ "save-report", required_argument, NULL, O_SAVE_REPORT },
	{ "save-certs", required_argument, NULL, O_SAVE_CERTS },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "report-fd", required_argument, NULL, O_REPORT },
	{ "help", no_argument, NULL, O_HELP },
	{ }
};

static int set_copy(struct options *opt, const char *name)
{
	unsigned int kib;
	int ret;

	ret = number(name, optarg, 16, TVM_COPY_MAX >> 10, &kib);
	if (ret)
		return ret;
	if (kib % 16)
		return wrong("--%s %s: expected a multiple of 16", name, optarg);
	opt->copy_bytes = kib << 10;
	return 0;
}

static int set_value(struct options *opt, int which, const char *name)
{
	unsigned int value = 0;
	int ret;

	switch (which) {
	case O_DEVICE:
		return add_device(opt, optarg);
	case O_CPUS:
		return number(name, optarg, 1, MAX_CPUS, &opt->nr_cpus);
	case O_MEM:
		return number(name, optarg, TVM_PRIVATE_MIN >> 20,
			      TVM_PRIVATE_MAX >> 20, &opt->mem_mib);
	case O_VENDOR:
		opt->arch = vendor_arch(optarg);
		return opt->arch ? 0 : wrong("--vendor %s: expected tdx, sev or cca",
					     optarg);
	case O_MODE:
		return set_mode(opt, optarg);
	case O_PAYLOAD:
		opt->payload = optarg;
		return 0;
	case O_LINUX:
		opt->kernel = optarg;
		return 0;
	case O_INITRD:
		opt->initrd = optarg;
		return 0;
	case O_APPEND:
		opt->append = optarg;
		return 0;
	case O_PAGES:
		return number(name, optarg, 1, 4096, &opt->bar2_pages);
	case O_COPY:
		return set_copy(opt, name);
	case O_SAVE_REPORT:
		opt->save_report = optarg;
		return 0;
	case O_SAVE_CERTS:
		opt->save_certs = optarg;
		return 0;
	case O_TIMEOUT:
		return number(name, optarg, 0, 1000000, &opt->timeout);
	case O_REPORT:
		ret = number(name, optarg, 0, 1 << 20, &value);
		opt->report_fd = ret ? -1 : (int)value;
		return ret;
	default:
		return -EINVAL;
	}
}

/* what belongs to --linux, and what a Linux guest has no room for */
static int check_linux(struct options *opt)
{
	if (!opt->kernel)
		return opt->initrd || opt->append ?
		       wrong("--initrd and --append belong to --linux") : 0;
	if (!opt->initrd)
		return wrong("--linux %s: which --initrd?", opt->kernel);
	if (opt->payload)
		return wrong("--linux and --payload: one of the two");
	if (opt->nr_cpus > 1)
		return wrong("--cpus %u: Linux has one here, with no tables that tell of others",
			     opt->nr_cpus);
	if (opt->mem_mib && opt->mem_mib < LINUX_MEM_MIN)
		return wrong("--mem %u: Linux needs %u", opt->mem_mib,
			     LINUX_MEM_MIN);
	if (opt->copy_bytes > LINUX_COPY_MAX)
		return wrong("--copy-kib %u: of Linux at most %u, twice in a huge page",
			     opt->copy_bytes >> 10, LINUX_COPY_MAX >> 10);
	return 0;
}

/* what a guest of either kind gets when nothing was said */
static void set_defaults(struct options *opt)
{
	if (!opt->payload)
		opt->payload = "/share/payload.bin";
	if (!opt->mem_mib)
		opt->mem_mib = opt->kernel ? LINUX_MEM : TVM_PRIVATE_MIN >> 20;
	if (!opt->copy_bytes)
		opt->copy_bytes = opt->kernel ? LINUX_COPY : 1 << 20;
}

/* what no option has wrong by itself */
static int check(struct options *opt, bool none)
{
	uint64_t need;
	int ret;

	ret = check_linux(opt);
	if (ret)
		return ret;
	set_defaults(opt);
	if (none && opt->nr_devices)
		return wrong("--device and --no-device: one of the two");
	if (!none && !opt->nr_devices)
		return wrong("which device? --device BDF, or --no-device");
	if (none)
		opt->mode = TVM_MODE_HELLO;
	else if (opt->mode == TVM_MODE_HELLO)
		return wrong("--mode hello is what --no-device does");
	if (none && (opt->shared_first || opt->bind_on_request ||
		     opt->save_report || opt->save_certs))
		return wrong("--no-device: --shared-first, --bind-on-request and --save-* need one");
	if (tvm_work_size((uint64_t)opt->mem_mib << 20, opt->nr_cpus) >=
	    tvm_work_need(opt->copy_bytes))
		return 0;
	need = TVM_WORK_GPA - TVM_PRIVATE_GPA +
	       opt->nr_cpus * tvm_work_need(opt->copy_bytes);
	return wrong("%u vCPUs that copy %u KiB each need %llu MiB: --mem %llu, or a smaller --copy-kib",
		     opt->nr_cpus, opt->copy_bytes >> 10,
		     (unsigned long long)(need + 0xfffff) >> 20,
		     (unsigned long long)(need + 0xfffff) >> 20);
}

int options_parse(struct options *opt, int argc, char **argv)
{
	bool none = false;
	int which, index = 0, ret = 0;

	opterr = 0;
	while ((which = getopt_long(argc, argv, "", long_options, &index)) != -1) {
		switch (which) {
		case O_HELP:
			usage(stdout);
			return 1;
		case O_NONE:
			none = true;
			break;
		case O_SHARED:
			opt->shared_first = true;
			break;
		case O_REQUEST:
			opt->bind_on_request = true;
			break;
		case '?':
			return wrong("%s: no such option, or not the value that it wants",
				     argv[optind - 1]);
		default:
			ret = set_value(opt, which, long_options[index].name);
			if (ret)
				return ret;
		}
	}
	if (optind != argc)
		return wrong("%s: an argument that nothing wants", argv[optind]);
	return check(opt, none);
}
