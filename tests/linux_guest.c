// SPDX-License-Identifier: GPL-2.0-only
/*
 * tvmm with a Linux guest: the host's own kernel as a TVM whose first program finds the
 * TDI on its PCI bus, attests it, accepts and uses it. The kernel is /share/bzImage, the
 * base kernel where it was built.
 *
 * That the guest does it, and not tvmm in its name, is what the steps say that tvmm
 * prints: each is a call of the guest's.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "harness.h"

#define TVMM		"/bin/tvmm"
#define KERNEL		"/share/bzImage"
#define INITRD		"/share/guest.initrd"
#define BAD_FILE	"/tmp/linux_guest.bad"
#define BOOT_MS		150000
#define MAX_ARGS	24

struct tvmm {
	pid_t pid;
	int out;	/* what it prints, and says on stderr */
	char text[65536];
	size_t len;
};

/* too large for the stack of a test's child, and one runs at a time */
static struct tvmm tvmm;

/* SKIP needs to be in a function of the harness */
#define GUEST_OR_SKIP()	do {						\
	if (access(KERNEL, R_OK) || access(INITRD, R_OK))		\
		SKIP(return, "no " KERNEL ": the base kernel was not built before this image"); \
} while (0)

static int start(struct tvmm *t, const char *kernel, const char *initrd,
		 const char *const more[])
{
	const char *argv[MAX_ARGS] = { TVMM, "--linux", kernel };
	int fds[2], n = 3;

	if (initrd) {
		argv[n++] = "--initrd";
		argv[n++] = initrd;
	}
	while (*more && n < MAX_ARGS - 1)
		argv[n++] = *more++;
	memset(t, 0, sizeof(*t));
	fflush(stdout);
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	t->pid = fork();
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execv(TVMM, (char **)argv);
		_exit(127);
	}
	close(fds[1]);
	t->out = fds[0];
	return t->pid < 0 ? -errno : 0;
}

/* more of its output: false when there is none to come within @ms */
static bool read_more(struct tvmm *t, int ms)
{
	struct pollfd pfd = { .fd = t->out, .events = POLLIN };
	ssize_t n;

	if (t->len == sizeof(t->text) - 1 || poll(&pfd, 1, ms) <= 0)
		return false;
	n = read(t->out, t->text + t->len, sizeof(t->text) - 1 - t->len);
	if (n <= 0)
		return false;
	t->len += n;
	t->text[t->len] = 0;
	return true;
}

/* all that it said, for a test that has failed */
static void show(const struct tvmm *t)
{
	const char *line = t->text;
	int len;

	for (; *line; line += len + !!line[len]) {
		len = strcspn(line, "\n");
		note("  %.*s", len, line);
	}
}

static int says(struct tvmm *t, const char *what)
{
	while (!strstr(t->text, what))
		if (!read_more(t, BOOT_MS)) {
			show(t);
			return failed(-EPIPE, "it does not say \"%s\"", what);
		}
	return 0;
}

/* its exit code; -1: it was killed */
static int end(struct tvmm *t)
{
	int status;

	while (read_more(t, BOOT_MS))
		;
	close(t->out);
	if (waitpid(t->pid, &status, 0) != t->pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* the step's line is there, and says that it held */
static bool has_step(const struct tvmm *t, const char *step)
{
	char want[64];

	snprintf(want, sizeof(want), " s  %-8s ok ", step);
	return strstr(t->text, want);
}

static int must_have(const struct tvmm *t, const char *step)
{
	return failed(has_step(t, step) ? 0 : -ENOENT, "step %s", step);
}

/* for the reader: the one line that tells how long the guest took to boot */
static void show_boot(const struct tvmm *t)
{
	const char *line = strstr(t->text, " s  linux    ok ");

	if (line)
		note("%s:%.*s", world.vendor->name, (int)strcspn(line + 15, "\n"),
		     line + 15);
}

AUDITED_TEST(finds_attests_accepts_uses)
{
	static const char *const steps[] = {
		"bind", "linux", "probe", "attest", "report", "mmio", "dma",
		"run", "accept", "use", "sigbus", "unbind", "shared", "exit",
	};
	const char *args[] = { "--device", world.bdf[0], NULL };
	size_t i;

	GUEST_OR_SKIP();
	ASSERT_EQ(0, start(&tvmm, KERNEL, INITRD, args));
	EXPECT_EQ(0, end(&tvmm)) { show(&tvmm); }
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		EXPECT_EQ(0, must_have(&tvmm, steps[i]));
	show_boot(&tvmm);
}

/* each at the number that firmware knows it by; used shared, bound when the guest asks, twice */
AUDITED_TEST(two_functions_and_twice)
{
	const char *args[] = {
		"--device", world.bdf[0], "--device", world.bdf[1],
		"--mode", "again", "--copy-kib", "64", "--shared-first",
		"--bind-on-request", NULL
	};

	GUEST_OR_SKIP();
	ASSERT_EQ(0, start(&tvmm, KERNEL, INITRD, args));
	EXPECT_EQ(0, end(&tvmm)) { show(&tvmm); }
	EXPECT_NE(NULL, strstr(tvmm.text, "0000:00:03.0"));
	EXPECT_NE(NULL, strstr(tvmm.text, "0000:00:04.0"));
	EXPECT_TRUE(has_step(&tvmm, "exit"));
}

/* a descriptor is at work, or one is within @ms: the guest posts them one by one */
static bool dma_within(unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	char text[256];

	while (!world_read("fn0/dma", text, sizeof(text)) && now_ms() < end)
		if (world_number(text, "in_flight") == 1)
			return true;
	note("%s", text);
	return false;
}

/* SIGKILL with the guest's DMA under way: the audit looks, and binds again */
AUDITED_TEST(killed_with_dma_in_flight)
{
	const char *args[] = {
		"--device", world.bdf[0], "--mode", "loop", NULL
	};
	int status;

	GUEST_OR_SKIP();
	ASSERT_EQ(0, start(&tvmm, KERNEL, INITRD, args));
	EXPECT_EQ(0, says(&tvmm, " s  accept   ok "));
	EXPECT_TRUE(world_tdi_is(0, "RUN"));
	EXPECT_TRUE(dma_within(20000));
	kill(tvmm.pid, SIGKILL);
	EXPECT_EQ(tvmm.pid, waitpid(tvmm.pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(tvmm.out);
	EXPECT_EQ(0, world_wait_vms(0, CHILD_GONE_MS));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

AUDITED_TEST(killed_while_it_boots)
{
	const char *args[] = { "--device", world.bdf[0], NULL };
	int status;

	GUEST_OR_SKIP();
	ASSERT_EQ(0, start(&tvmm, KERNEL, INITRD, args));
	EXPECT_EQ(0, says(&tvmm, " s  bind     ok "));
	sleep_ms(500);
	EXPECT_FALSE(has_step(&tvmm, "linux"));
	kill(tvmm.pid, SIGKILL);
	EXPECT_EQ(tvmm.pid, waitpid(tvmm.pid, &status, 0));
	close(tvmm.out);
	EXPECT_EQ(0, world_wait_vms(0, CHILD_GONE_MS));
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

/* a VM of Linux with no TDI: private memory is its programs', and that is all */
AUDITED_TEST(without_a_device)
{
	const char *args[] = { "--no-device", NULL };

	GUEST_OR_SKIP();
	ONCE_OR_SKIP();
	ASSERT_EQ(0, start(&tvmm, KERNEL, INITRD, args));
	EXPECT_EQ(0, end(&tvmm)) { show(&tvmm); }
	EXPECT_TRUE(has_step(&tvmm, "linux"));
	EXPECT_TRUE(has_step(&tvmm, "exit"));
	show_boot(&tvmm);
}

/* ---- files that are no guest ---- */

/* @bytes of @from, changed at @at to @byte if that is in it, filled up with zeros to @size */
static int bad_file(const char *from, off_t bytes, off_t at, uint8_t byte,
		    off_t size)
{
	int in = open(from, O_RDONLY), out, ret = 0;
	char buf[65536];
	ssize_t n;

	out = open(BAD_FILE, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (in < 0 || out < 0)
		ret = -errno;
	while (!ret && bytes > 0) {
		n = read(in, buf, bytes < (off_t)sizeof(buf) ? bytes :
				  (off_t)sizeof(buf));
		if (n <= 0 || write(out, buf, n) != n)
			ret = -EIO;
		bytes -= n;
	}
	if (!ret && at >= 0 && pwrite(out, &byte, 1, at) != 1)
		ret = -EIO;
	if (!ret && size && ftruncate(out, size))
		ret = -errno;
	close(in);
	close(out);
	return ret;
}

/* refused before there is a VM: one line that says it, and nothing was bound */
static void must_refuse(struct __test_metadata *_metadata, const char *kernel,
			const char *initrd, int code, const char *why)
{
	const char *args[] = { "--device", world.bdf[0], NULL };

	ASSERT_EQ(0, start(&tvmm, kernel, initrd, args));
	EXPECT_EQ(code, end(&tvmm));
	EXPECT_NE(NULL, strstr(tvmm.text, why)) { note("no \"%s\":", why); }
	/* and no more than this one line */
	EXPECT_TRUE(strchr(tvmm.text, '\n') == tvmm.text + tvmm.len - 1) {
		show(&tvmm);
	}
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
}

AUDITED_TEST(refuses_what_is_no_kernel)
{
	struct stat st;

	GUEST_OR_SKIP();
	ONCE_OR_SKIP();
	ASSERT_EQ(0, stat(KERNEL, &st));
	must_refuse(_metadata, "/no/such", INITRD, 1, "No such file");
	must_refuse(_metadata, "/share", INITRD, 1, "not a file");
	/* nobody is at its other end, and nobody waits for them */
	ASSERT_EQ(0, mkfifo(BAD_FILE, 0600));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "not a file");
	unlink(BAD_FILE);
	must_refuse(_metadata, INITRD, INITRD, 1, "not a bzImage");
	ASSERT_EQ(0, bad_file(KERNEL, 100, -1, 0, 0));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "too short");
	ASSERT_EQ(0, bad_file(KERNEL, st.st_size / 2, -1, 0, 0));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "truncated");
	ASSERT_EQ(0, bad_file(KERNEL, st.st_size - 1, -1, 0, 0));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "truncated");
	/* boot protocol 2.11 */
	ASSERT_EQ(0, bad_file(KERNEL, st.st_size, 0x206, 0x0b, 0));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "64-bit");
	/* a size that its code does not have, a load address below what is tvmm's */
	ASSERT_EQ(0, bad_file(KERNEL, st.st_size, 0x1f7, 0xff, 0));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "truncated");
	ASSERT_EQ(0, bad_file(KERNEL, st.st_size, 0x25b, 0, 0));
	must_refuse(_metadata, BAD_FILE, INITRD, 1, "load address");
	/* as it is, and it boots: in finds_attests_accepts_uses */
	unlink(BAD_FILE);
}

AUDITED_TEST(refuses_an_initrd_that_does_not_fit)
{
	GUEST_OR_SKIP();
	ONCE_OR_SKIP();
	must_refuse(_metadata, KERNEL, "/no/such", 1, "No such file");
	ASSERT_EQ(0, bad_file(INITRD, 0, -1, 0, 0));
	must_refuse(_metadata, KERNEL, BAD_FILE, 1, "not a file with something in it");
	/* nothing but its size matters before it is loaded: 300 MiB, 2^40 */
	ASSERT_EQ(0, bad_file(INITRD, 4096, -1, 0, 300 << 20));
	must_refuse(_metadata, KERNEL, BAD_FILE, 1, "together at most");
	ASSERT_EQ(0, bad_file(INITRD, 4096, -1, 0, 1L << 40));
	must_refuse(_metadata, KERNEL, BAD_FILE, 1, "together at most");
	unlink(BAD_FILE);
}

AUDITED_TEST(refuses_what_linux_has_not)
{
	static const char *const wrong[][2] = {
		{ "--cpus", "2" }, { "--mem", "32" }, { "--copy-kib", "1024" },
		{ "--payload", "/share/payload.bin" },
	};
	size_t i;

	GUEST_OR_SKIP();
	ONCE_OR_SKIP();
	must_refuse(_metadata, KERNEL, NULL, 2, "--initrd");
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *args[] = {
			"--device", world.bdf[0], wrong[i][0], wrong[i][1], NULL
		};

		ASSERT_EQ(0, start(&tvmm, KERNEL, INITRD, args));
		EXPECT_EQ(2, end(&tvmm)) { show(&tvmm); }
		EXPECT_NE(NULL, strstr(tvmm.text, wrong[i][0])) { show(&tvmm); }
	}
}

TVM_MAIN
