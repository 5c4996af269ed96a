// SPDX-License-Identifier: GPL-2.0-only
/*
 * tvmm as people call it, with several devices and several vCPUs: what it does, what it
 * says, and what it leaves behind. Its report lines go to its standard output here, so
 * that they stand in one order with the rest.
 *
 * That a vCPU works on a device's memory while another one has it do DMA is the
 * payload's to see to: it waits for the one before it begins the other.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define TVMM		"/bin/tvmm"
#define TDI		"/bin/tdi"
#define MAX_ARGS	24
#define OUTPUT		65536
#define RUN_MS		100000
#define ENOUGH_BEATS	3
#define MAX_LIST	64

/**
 * struct run - one call of a program
 * @pid: of it, 0: it has ended
 * @fd: standard output and standard error
 * @rc: exit code, -1: not ended, or by a signal
 * @text, @len: what it said
 */
struct run {
	pid_t pid;
	int fd;
	int rc;
	char text[OUTPUT];
	size_t len;
};

static struct run run;

static int start(const char *program, char **argv)
{
	int fds[2];

	memset(&run, 0, sizeof(run));
	run.rc = -1;
	if (pipe2(fds, O_CLOEXEC))
		return failed(-errno, "pipe");
	fflush(NULL);
	run.pid = fork();
	if (!run.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execv(program, argv);
		_exit(127);
	}
	close(fds[1]);
	run.fd = fds[0];
	return run.pid < 0 ? failed(-errno, "fork") : 0;
}

/* more of what it says; false: there is no more, or it is silent */
static bool hear(void)
{
	struct pollfd pfd = { .fd = run.fd, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, RUN_MS) <= 0 || run.len + 1 >= sizeof(run.text))
		return false;
	n = read(run.fd, run.text + run.len, sizeof(run.text) - 1 - run.len);
	if (n <= 0)
		return false;
	run.len += n;
	run.text[run.len] = 0;
	return true;
}

/* its exit code, or -1 */
static int end(int signal)
{
	int status = -1;

	if (signal)
		kill(run.pid, signal);
	while (hear())
		;
	close(run.fd);
	if (run.pid > 0 && waitpid(run.pid, &status, WNOHANG) != run.pid) {
		sleep_ms(1000);
		if (waitpid(run.pid, &status, WNOHANG) != run.pid) {
			note("it does not end");
			kill(run.pid, SIGKILL);
			waitpid(run.pid, &status, 0);
		}
	}
	run.pid = 0;
	run.rc = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return run.rc;
}

/* line by line, since a note is one line */
static void tell(void)
{
	char *line, *save;

	note("exit code %d", run.rc);
	for (line = strtok_r(run.text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		note("  %s", line);
	run.text[0] = 0;
}

static size_t arguments(char **argv, const char *first, va_list ap)
{
	size_t n = 0;

	for (; first && n < MAX_ARGS; first = va_arg(ap, const char *))
		argv[n++] = (char *)first;
	argv[n] = NULL;
	return n;
}

/* tvmm that reports to where it prints; NULL ends its arguments */
static int tvmm_start(const char *first, ...)
{
	char *argv[MAX_ARGS + 4] = { TVMM, "--report-fd", "1" };
	va_list ap;

	va_start(ap, first);
	arguments(argv + 3, first, ap);
	va_end(ap);
	return start(TVMM, argv);
}

#define TVMM_RUN(...)	(tvmm_start(__VA_ARGS__, NULL) ?: end(0))

/* how often it said @what */
static unsigned int said(const char *what)
{
	const char *s = run.text;
	unsigned int n = 0;

	for (; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

/* a report line of step @name that was right, about the function @bdf */
static unsigned int step_of(const char *name, const char *bdf)
{
	char begin[32];
	const char *s = run.text, *about;
	unsigned int n = 0;

	snprintf(begin, sizeof(begin), "\nstep %s ok ", name);
	for (; (s = strstr(s, begin)); s++) {
		about = strstr(s + 1, bdf);
		n += about && about < s + 1 + strcspn(s + 1, "\n");
	}
	return n;
}

/* the first of one comes before the first of the other */
static bool before(const char *first, const char *second)
{
	const char *a = strstr(run.text, first), *b = strstr(run.text, second);

	return a && b && a < b;
}

/* a whole life of the function: bound, used by the guest, unbound, used by the host */
static bool was_used(const char *bdf)
{
	static const char *const steps[] = {
		"device", "bind", "attest", "report", "mmio", "accept", "use",
		"sigbus", "unbind", "shared",
	};
	bool ok = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (step_of(steps[i], bdf) == 1)
			continue;
		note("%s: %u steps %s", bdf, step_of(steps[i], bdf), steps[i]);
		ok = false;
	}
	return ok;
}

#define EXPECT_RUN(rc, ...)						\
	EXPECT_EQ(rc, TVMM_RUN(__VA_ARGS__)) { tell(); }
#define EXPECT_SAID(n, what)						\
	EXPECT_EQ(n, said(what)) { note("%s", what); tell(); }

/* ---- several ---- */

AUDITED_TEST(two_devices_two_vcpus)
{
	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--cpus", "2");
	EXPECT_TRUE(was_used(world.bdf[0]));
	EXPECT_TRUE(was_used(world.bdf[1])) { tell(); }
	/* for people, and for the report's reader */
	EXPECT_SAID(2, "vCPU 1 joins it");
	EXPECT_SAID(2, "\nvalue exits 0\n");
	EXPECT_SAID(0, " failed ");
}

/* one vCPU has them in turn: the second is bound and idle while the first is used */
AUDITED_TEST(two_devices_one_vcpu)
{
	EXPECT_RUN(0, "--device", world.bdf[1], "--device", world.bdf[0]);
	EXPECT_TRUE(was_used(world.bdf[0]));
	EXPECT_TRUE(was_used(world.bdf[1])) { tell(); }
	EXPECT_SAID(0, "joins it");
	EXPECT_SAID(2, "\nvalue exits 0\n");
}

/* two of them work beside the first, in two lives of the device */
AUDITED_TEST(one_device_three_vcpus)
{
	EXPECT_RUN(0, "--device", world.bdf[0], "--cpus", "3", "--mode", "again");
	EXPECT_SAID(4, "joins it");
	EXPECT_SAID(2, "\nstep beside ok ");
	EXPECT_SAID(2, "\nvalue beside ");
	/* each met the device, or the payload had not gone on */
	EXPECT_SAID(0, "\nvalue beside 0\n");
	EXPECT_SAID(2, "\nstep bind ok ");
	EXPECT_SAID(2, "\nvalue exits 0\n");
}

/* the most that a VM has: whoever is not needed works beside somebody */
AUDITED_TEST(two_devices_eight_vcpus)
{
	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--cpus", "8",
		   "--mem", "48");
	EXPECT_TRUE(was_used(world.bdf[0]));
	EXPECT_TRUE(was_used(world.bdf[1])) { tell(); }
	EXPECT_SAID(14, "joins it");
	EXPECT_SAID(6, "\nstep beside ok ");
	EXPECT_SAID(0, "\nvalue beside 0\n");
}

/* they have less memory than a physical function, and nobody's reset is theirs */
AUDITED_TEST(two_vfs)
{
	ASSERT_EQ(0, world_set_vfs(2));
	EXPECT_RUN(0, "--device", world.bdf[NR_FNS], "--device", world.bdf[NR_FNS + 1],
		   "--cpus", "2");
	EXPECT_TRUE(was_used(world.bdf[NR_FNS]));
	EXPECT_TRUE(was_used(world.bdf[NR_FNS + 1])) { tell(); }
	EXPECT_EQ(0, world_set_vfs(0));
}

AUDITED_TEST(without_a_device)
{
	EXPECT_RUN(0, "--no-device", "--cpus", "2", "--mem", "1024");
	EXPECT_SAID(1, "vCPU 0 says hello");
	EXPECT_SAID(1, "vCPU 1 says hello");
	EXPECT_SAID(2, "1024 MiB guest_memfd");
}

/* ---- options ---- */

AUDITED_TEST(more_memory)
{
	EXPECT_RUN(0, "--device", world.bdf[0], "--mem", "64", "--copy-kib", "4096");
	EXPECT_SAID(2, "64 MiB guest_memfd");
	EXPECT_SAID(2, "4096 KiB copied with T=1");
}

AUDITED_TEST(shared_first)
{
	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--shared-first");
	EXPECT_EQ(2, step_of("shared", world.bdf[0]));
	EXPECT_EQ(2, step_of("shared", world.bdf[1])) { tell(); }
	EXPECT_TRUE(before("\nstep shared ok", "\nstep bind ok")) { tell(); }
	EXPECT_SAID(2, "\nvalue exits 0\n");
}

AUDITED_TEST(bind_on_request)
{
	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--cpus", "2",
		   "--bind-on-request", "--shared-first");
	EXPECT_EQ(1, step_of("bind", world.bdf[0]));
	EXPECT_EQ(1, step_of("bind", world.bdf[1])) { tell(); }
	/* the guest ran before, and could not touch it */
	EXPECT_TRUE(before("\nstep boot ok", "\nstep bind ok"));
	EXPECT_TRUE(before("\nstep probe ok", "\nstep bind ok")) { tell(); }
	EXPECT_SAID(2, "\nvalue exits 0\n");
}

/* what passed by tvmm is what `tdi report` decodes */
AUDITED_TEST(saves_what_passes_by)
{
	char report[64], certs[64];
	char *argv[] = { TDI, "report", "--report", report, "--certs", certs, NULL };

	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--mode", "once",
		   "--save-report", "/tmp/report", "--save-certs", "/tmp/certs");
	snprintf(report, sizeof(report), "/tmp/report.%s", world.bdf[1]);
	snprintf(certs, sizeof(certs), "/tmp/certs.%s", world.bdf[1]);
	ASSERT_EQ(0, start(TDI, argv));
	EXPECT_EQ(0, end(0)) { tell(); }
	EXPECT_SAID(1, "DMA without PASID");
	EXPECT_SAID(1, "range 0: ");
	EXPECT_SAID(1, "certs: ");
	EXPECT_SAID(0, "certs: 0 bytes");
	EXPECT_RUN(1, "--device", world.bdf[0], "--save-report", "/no/such/file");
	EXPECT_SAID(2, "/no/such/file: No such file or directory");
}

static const struct {
	const char *args[MAX_ARGS];
	const char *says;
} mistakes[] = {
	{ { }, "which device?" },
	{ { "--device", "0000:01:00" }, "expected DOMAIN:BUS:DEVICE.FUNCTION" },
	{ { "--device", "0000:01:00.0", "--device", "00000000:01:00.0" }, "given twice" },
	{ { "--no-device", "--device", "0000:01:00.0" }, "one of the two" },
	{ { "--no-device", "--cpus", "0" }, "--cpus 0: expected a number from 1 to 8" },
	{ { "--no-device", "--cpus", "9" }, "from 1 to 8" },
	{ { "--no-device", "--mem", "15" }, "from 16 to 1024" },
	{ { "--no-device", "--mem", "1025" }, "from 16 to 1024" },
	{ { "--no-device", "--mem", "-16" }, "from 16 to 1024" },
	{ { "--no-device", "--mem", "16M" }, "from 16 to 1024" },
	{ { "--no-device", "--copy-kib", "17" }, "multiple of 16" },
	{ { "--no-device", "--cpus", "8" }, "need 21 MiB: --mem 21" },
	{ { "--no-device", "--shared-first" }, "need one" },
	{ { "--device", "0000:01:00.0", "--mode", "hello" }, "--no-device does" },
	{ { "--device", "0000:01:00.0", "--mode", "idle" }, "expected full" },
	{ { "--device", "0000:01:00.0", "--vendor", "arm" }, "expected tdx, sev or cca" },
	{ { "--device", "0000:01:00.0", "--bar2-pages", "4097" }, "from 1 to 4096" },
	{ { "--device" }, "no such option, or not the value" },
	{ { "--frobnicate" }, "no such option" },
	{ { "--no-device", "again" }, "an argument that nothing wants" },
};

AUDITED_TEST(says_what_is_wrong_with_options)
{
	char *argv[MAX_ARGS + 2] = { TVMM };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		memcpy(argv + 1, mistakes[i].args, sizeof(mistakes[i].args));
		ASSERT_EQ(0, start(TVMM, argv));
		EXPECT_EQ(2, end(0)) { note("mistake %zu", i); tell(); }
		EXPECT_SAID(1, mistakes[i].says);
		/* one line, and where there is more */
		EXPECT_SAID(1, "\n");
		EXPECT_SAID(1, "tvmm --help");
	}
	argv[1] = "--help";
	argv[2] = NULL;
	ASSERT_EQ(0, start(TVMM, argv));
	EXPECT_EQ(0, end(0));
	EXPECT_SAID(1, "usage: tvmm --device BDF");
}

/* ---- what is wrong is said in one line ---- */

/* function 0 of another vendor's device, and its TSM */
static int find_foreign(char bdf[TDI_BDF_MAX], char tsm[TDI_NAME_MAX])
{
	struct tdi_function fns[MAX_LIST];
	char parent[TDI_NAME_MAX];
	int n, i, v;

	n = tdi_function_list(TEEMU_VENDOR_ID, TEEMU_DEVICE_ID, fns, MAX_LIST);
	for (i = 0; i < n && i < MAX_LIST; i++) {
		for (v = 0; v < NR_VENDORS; v++) {
			snprintf(parent, sizeof(parent), "teemu-%s", vendors[v].name);
			if (&vendors[v] == world.vendor || !fns[i].dsm ||
			    tdi_function_below(fns[i].bdf, parent) != 1)
				continue;
			strcpy(bdf, fns[i].bdf);
			return tdi_tsm_find(parent, tsm);
		}
	}
	return -ENOENT;
}

AUDITED_TEST(one_tsm_for_all)
{
	char bdf[TDI_BDF_MAX], tsm[TDI_NAME_MAX], advice[80];
	struct tdi_function fn;

	ASSERT_EQ(0, find_foreign(bdf, tsm));
	ASSERT_EQ(0, tdi_function_read(bdf, &fn));
	if (fn.tsm[0]) {
		ASSERT_EQ(0, tdi_link_disconnect(bdf));
	}
	EXPECT_RUN(1, "--device", world.bdf[0], "--device", bdf);
	/* function 0 is the one to connect, whichever is wanted */
	bdf[strlen(bdf) - 1] = '1';
	EXPECT_RUN(1, "--device", world.bdf[0], "--device", bdf);
	bdf[strlen(bdf) - 1] = '0';
	snprintf(advice, sizeof(advice), "is not connected to a TSM: tdi connect %s\n", bdf);
	EXPECT_SAID(2, advice);
	ASSERT_EQ(0, tdi_link_connect(bdf, tsm));
	EXPECT_RUN(1, "--device", world.bdf[0], "--device", bdf, "--vendor",
		   world.vendor->name);
	EXPECT_SAID(2, "give a VM devices of one TSM");
	EXPECT_EQ(0, tdi_link_disconnect(bdf));
}

/* one vCPU of four halts at once, the others spin: all of them end */
static void one_halts(struct __test_metadata *_metadata, unsigned char which)
{
	/* cmp $which, %edi; jne 1f; hlt; 1: jmp 1b */
	const unsigned char code[] = { 0x83, 0xff, which, 0x75, 0x01, 0xf4, 0xeb, 0xfe };
	int fd = open("/tmp/halt", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char want[64];

	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)sizeof(code), write(fd, code, sizeof(code)));
	close(fd);
	EXPECT_RUN(1, "--device", world.bdf[0], "--cpus", "4", "--payload", "/tmp/halt",
		   "--mem", "32");
	EXPECT_SAID(1, "\nstep exit failed ");
	snprintf(want, sizeof(want), "unexpected exit reason 5 of vCPU %u", which);
	EXPECT_SAID(2, want);
}

/* it ends by itself, though nobody reads what it says: its exit code, or -1 */
static int end_unheard(void)
{
	uint64_t end_ms = now_ms() + RUN_MS;
	int status = -1;

	close(run.fd);
	while (waitpid(run.pid, &status, WNOHANG) != run.pid) {
		if (now_ms() > end_ms) {
			note("it does not end");
			kill(run.pid, SIGKILL);
		}
		sleep_ms(20);
	}
	run.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* who listened goes: the TDI is used to its end, and everything is closed in order */
AUDITED_TEST(nobody_listens)
{
	ASSERT_EQ(0, tvmm_start("--device", world.bdf[0], "--mode", "once", NULL));
	EXPECT_TRUE(hear());
	EXPECT_EQ(0, end_unheard());
}

AUDITED_TEST(one_failure_ends_all)
{
	one_halts(_metadata, 0);
	one_halts(_metadata, 3);
	/* a device that is not there is one line, too */
	EXPECT_RUN(1, "--device", world.bdf[0], "--device", "0000:ff:1f.7");
	EXPECT_SAID(1, "\nstep device failed ");
	EXPECT_RUN(1, "--device", world.bdf[0], "--payload", "/no/such");
	EXPECT_SAID(1, "\nstep vm failed ");
	EXPECT_RUN(1, "--device", world.bdf[1], "--device", world.bdf[0],
		   "--device", "0000:00:00.0");
	EXPECT_SAID(1, " failed ");
}

/* tvmm_hostile.S: a guest that calls as no guest should; it ends well if nothing was obeyed */
extern const char tvmm_hostile[], tvmm_hostile_end[];

AUDITED_TEST(hostile_calls)
{
	size_t len = tvmm_hostile_end - tvmm_hostile;
	int fd = open("/tmp/hostile", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)len, write(fd, tvmm_hostile, len));
	close(fd);
	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--cpus", "2",
		   "--payload", "/tmp/hostile");
	EXPECT_SAID(0, " failed ");
	/* nothing was done for it */
	EXPECT_SAID(2, "\nstep bind ok ");
	EXPECT_SAID(0, "\nstep unbind ");
}

/* its engine is seen at work; the vCPUs have the processors, so the engine gets time too */
static bool dma_seen(unsigned int nr)
{
	uint64_t end_ms = now_ms() + 10000;
	char path[16], text[256];

	snprintf(path, sizeof(path), "fn%u/dma", nr);
	do {
		if (world_read(path, text, sizeof(text)))
			return false;
		if (world_number(text, "in_flight") == 1)
			return true;
		sleep_ms(1);
	} while (now_ms() < end_ms);
	note("%s", text);
	return false;
}

/* two devices at work, two vCPUs that go around */
static int at_work(void)
{
	int ret;

	ret = tvmm_start("--device", world.bdf[0], "--device", world.bdf[1], "--cpus",
			 "2", "--mode", "loop", "--timeout", "100", NULL);
	while (!ret && said("\nvalue beat ") < ENOUGH_BEATS)
		if (!hear())
			ret = failed(-EPIPE, "no beats");
	if (!ret && (!world_tdi_is(0, "RUN") || !world_tdi_is(1, "RUN")))
		ret = failed(-EPROTO, "not in RUN");
	return ret;
}

AUDITED_TEST(told_to_stop)
{
	ASSERT_EQ(0, at_work()) { tell(); }
	EXPECT_EQ(1, end(SIGTERM)) { tell(); }
	EXPECT_SAID(1, "\nstep exit failed ");
	EXPECT_SAID(2, "told to stop");
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	EXPECT_TRUE(world_tdi_is(1, "CONFIG_UNLOCKED"));
	EXPECT_RUN(1, "--device", world.bdf[0], "--cpus", "2", "--mode", "loop",
		   "--timeout", "3");
	EXPECT_SAID(2, "out of time (3 s)");
}

/* dead with DMA of both in flight; and a new VM has them both */
AUDITED_TEST(killed)
{
	int status = 0;

	ASSERT_EQ(0, at_work()) { tell(); }
	EXPECT_TRUE(dma_seen(0));
	EXPECT_TRUE(dma_seen(1));
	kill(run.pid, SIGKILL);
	ASSERT_EQ(run.pid, waitpid(run.pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	close(run.fd);
	EXPECT_EQ(0, audit_look(&self->base));
	EXPECT_RUN(0, "--device", world.bdf[0], "--device", world.bdf[1], "--cpus", "2");
	EXPECT_TRUE(was_used(world.bdf[0]));
	EXPECT_TRUE(was_used(world.bdf[1])) { tell(); }
}

TVM_MAIN
