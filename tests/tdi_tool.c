// SPDX-License-Identifier: GPL-2.0-only
/*
 * /bin/tdi as people call it: each subcommand on a healthy, a bound, an ERROR and a
 * quarantined device; what it prints, in both forms, and its exit codes.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fixture.h"
#include "stuck.h"

#define TOOL		"/bin/tdi"
#define MAX_ARGS	12
#define OUTPUT		32768
#define FOLLOWING	"following"
#define START_MS	20000
#define SCRATCH		"/tmp/tdi_tool"
#define DAT_MAX		(8 << 20)
#define NO_SUCH		"0000:ff:1f.7"

/**
 * struct tool - one call
 * @pid: of it, while it runs
 * @fd: standard output and standard error
 * @rc: exit code, -1 before its end
 * @text, @len: what it said, in this order
 */
struct tool {
	pid_t pid;
	int fd;
	int rc;
	char text[OUTPUT];
	size_t len;
};

static struct tool tool;

/* NULL ends the arguments */
static int tool_start(const char *arg, va_list ap)
{
	char *argv[MAX_ARGS + 2] = { (char *)TOOL };
	int pipe_fds[2], n = 1;

	for (; arg && n <= MAX_ARGS; arg = va_arg(ap, const char *))
		argv[n++] = (char *)arg;
	memset(&tool, 0, sizeof(tool));
	tool.rc = -1;
	if (pipe2(pipe_fds, O_CLOEXEC))
		return failed(-errno, "pipe");
	fflush(NULL);
	tool.pid = fork();
	if (!tool.pid) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		execv(TOOL, argv);
		_exit(126);
	}
	close(pipe_fds[1]);
	tool.fd = pipe_fds[0];
	return tool.pid < 0 ? failed(-errno, "fork") : 0;
}

/* one read of what it says; false: it says no more */
static bool tool_hear(unsigned int ms)
{
	struct pollfd pfd = { .fd = tool.fd, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, ms) <= 0 || tool.len + 1 >= sizeof(tool.text))
		return false;
	n = read(tool.fd, tool.text + tool.len, sizeof(tool.text) - 1 - tool.len);
	if (n <= 0)
		return false;
	tool.len += n;
	tool.text[tool.len] = 0;
	return true;
}

static int tool_end(void)
{
	int status = 0;

	while (tool_hear(START_MS))
		;
	close(tool.fd);
	/* who still runs now is stuck */
	if (waitpid(tool.pid, &status, WNOHANG) != tool.pid) {
		sleep_ms(500);
		if (waitpid(tool.pid, &status, WNOHANG) != tool.pid) {
			kill(tool.pid, SIGKILL);
			waitpid(tool.pid, &status, 0);
		}
	}
	tool.rc = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return tool.rc;
}

/* its exit code */
static int tdi(const char *arg, ...)
{
	va_list ap;
	int ret;

	va_start(ap, arg);
	ret = tool_start(arg, ap);
	va_end(ap);
	return ret ?: tool_end();
}

/* line by line, since a note is one line */
static void tool_note(void)
{
	char *line, *save;

	for (line = strtok_r(tool.text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		note("  %s", line);
}

static bool says(const char *what)
{
	if (strstr(tool.text, what))
		return true;
	note("rc %d, looked for: %s", tool.rc, what);
	tool_note();
	return false;
}

/* the line that begins with @bdf says @what; both words of the same function */
static bool line_says(const char *bdf, const char *what)
{
	const char *line = strstr(tool.text, bdf), *found;

	found = line ? strstr(line, what) : NULL;
	if (found && found < line + strcspn(line, "\n"))
		return true;
	note("looked for %s in the line of %s", what, bdf);
	tool_note();
	return false;
}

/* ---- a checker of JSON: its form only ---- */

static const char *json_value(const char *s);

static const char *json_space(const char *s)
{
	return s ? s + strspn(s, " \t\r\n") : NULL;
}

static const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if ((unsigned char)*s < ' ')	/* its end, too */
			return NULL;
		if (*s == '\\' && !*++s)
			return NULL;
	}
	return s + 1;
}

/* an object (@keys) or an array, behind its bracket */
static const char *json_many(const char *s, bool keys, char end)
{
	s = json_space(s);
	if (*s == end)
		return s + 1;
	for (;;) {
		if (keys) {
			s = json_space(json_string(json_space(s)));
			if (!s || *s++ != ':')
				return NULL;
		}
		s = json_space(json_value(s));
		if (!s || (*s != ',' && *s != end))
			return NULL;
		if (*s++ == end)
			return s;
	}
}

static const char *json_value(const char *s)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t i;

	s = json_space(s);
	if (*s == '{' || *s == '[')
		return json_many(s + 1, *s == '{', *s == '{' ? '}' : ']');
	if (*s == '"')
		return json_string(s);
	for (i = 0; i < 3; i++)
		if (!strncmp(s, words[i], strlen(words[i])))
			return s + strlen(words[i]);
	i = strspn(s, "0123456789");
	return i ? s + i : NULL;
}

/* @text is so many values, a line each; -1: something in it is none */
static int count_json(const char *s)
{
	int n;

	for (n = 0; *s; n++) {
		s = json_value(s);
		if (!s || *s++ != '\n')
			return -1;
	}
	return n;
}

static bool is_json(const char *text, int nr)
{
	if (count_json(text) == nr)
		return true;
	note("no JSON, or not %d values: %.300s", nr, text);
	return false;
}

/* the checker itself: a test that cannot fail is none */
TEST(the_checker_of_json_checks)
{
	static const char *const wrong[] = {
		"{\"a\":1,}\n", "{\"a\" 1}\n", "{1:1}\n", "[1\n", "[1}\n", "{}",
		"{}{}\n", "\"a\n\"\n", "yes\n", "\n",
	};
	size_t i;

	EXPECT_EQ(1, count_json("{\"a\":[1,true,null,\"x\\\"\"],\"b\":{}}\n"));
	EXPECT_EQ(2, count_json("[]\n{}\n"));
	EXPECT_EQ(0, count_json(""));
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		EXPECT_EQ(-1, count_json(wrong[i]))
			note("taken for JSON: %s", wrong[i]);
	}
}

AUDITED_TEST(help_and_wrong_arguments)
{
	static const char *const names[] = {
		"list", "show", "connect", "disconnect", "retry", "vfio",
		"release", "events", "trace", "report", "audit", "firmware",
	};
	size_t i;

	ONCE_OR_SKIP();
	EXPECT_EQ(2, tdi(NULL));
	EXPECT_EQ(0, tdi("--help", NULL));
	EXPECT_TRUE(says("usage: tdi COMMAND"));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		EXPECT_TRUE(says(names[i]));
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		EXPECT_EQ(0, tdi(names[i], "--help", NULL));
		EXPECT_TRUE(says("usage: tdi "));
		EXPECT_TRUE(says(names[i]));
	}
	EXPECT_EQ(2, tdi("lists", NULL));
	EXPECT_TRUE(says("lists: no such command"));
	EXPECT_EQ(2, tdi("list", "more", NULL));
	EXPECT_EQ(2, tdi("show", NULL));
	EXPECT_EQ(2, tdi("show", "--all", world.bdf[0], NULL));
	EXPECT_EQ(2, tdi("show", "../../devices", NULL));
	EXPECT_EQ(2, tdi("connect", "--json", world.bdf[0], NULL));
	EXPECT_EQ(2, tdi("events", "--count", "many", NULL));
	EXPECT_EQ(2, tdi("trace", "-x", NULL));
	EXPECT_EQ(2, tdi("report", NULL));
	/* each says what it missed, and on which device */
	EXPECT_EQ(3, tdi("show", NO_SUCH, NULL));
	EXPECT_TRUE(says("tdi: show " NO_SUCH ": "));
	EXPECT_TRUE(says("tdi list"));
	EXPECT_EQ(3, tdi("retry", NO_SUCH, NULL));
	EXPECT_EQ(3, tdi("connect", NO_SUCH, NULL));
	EXPECT_EQ(3, tdi("disconnect", NO_SUCH, NULL));
	EXPECT_EQ(3, tdi("events", NO_SUCH, NULL));
	EXPECT_EQ(3, tdi("report", NO_SUCH, NULL));
	/* function 1 hosts no link */
	EXPECT_EQ(3, tdi("connect", world.bdf[1], world.tsm, NULL));
	EXPECT_TRUE(says("function 0"));
}

/* nobody uses it: the link goes down and comes back */
AUDITED_TEST(the_link)
{
	EXPECT_EQ(1, tdi("connect", world.bdf[0], world.tsm, NULL));
	EXPECT_TRUE(says("connected already"));
	EXPECT_EQ(0, tdi("disconnect", world.bdf[0], NULL));
	EXPECT_EQ(0, tdi("show", "--json", world.bdf[0], NULL));
	EXPECT_TRUE(says("\"link\":\"\""));
	EXPECT_EQ(1, tdi("disconnect", world.bdf[0], NULL));
	EXPECT_TRUE(says("nothing was to be done"));
	EXPECT_EQ(3, tdi("connect", world.bdf[0], "tsm99", NULL));
	/* its own one is found */
	EXPECT_EQ(0, tdi("connect", world.bdf[0], NULL));
	EXPECT_EQ(0, tdi("list", NULL));
	EXPECT_TRUE(line_says(world.bdf[0], world.tsm));
	EXPECT_EQ(0, world_connect());
	/* with a driver and without */
	EXPECT_EQ(0, tdi("release", world.bdf[1], NULL));
	EXPECT_EQ(0, tdi("vfio", world.bdf[1], NULL));
	EXPECT_EQ(0, tdi("list", NULL));
	EXPECT_TRUE(line_says(world.bdf[1], "vfio-pci"));
}

TVM_TEST(healthy)
{
	char pid[32];

	EXPECT_EQ(0, tdi("list", NULL));
	EXPECT_TRUE(line_says(world.bdf[0], "unbound"));
	EXPECT_TRUE(line_says(world.bdf[0], "dsm"));
	/* no colours: this is no terminal */
	EXPECT_EQ(NULL, strchr(tool.text, '\033'));
	/* this process has it open */
	snprintf(pid, sizeof(pid), "%d (", (int)getpid());
	EXPECT_TRUE(line_says(world.bdf[0], pid));
	EXPECT_EQ(0, tdi("list", "--json", NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_EQ(0, tdi("show", world.bdf[0], NULL));
	EXPECT_TRUE(says("CONFIG_UNLOCKED"));
	EXPECT_EQ(NULL, strstr(tool.text, "differs"));
	EXPECT_EQ(0, tdi("show", "--json", world.bdf[1], NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_EQ(1, tdi("retry", world.bdf[0], NULL));
	EXPECT_TRUE(says("not in quarantine"));
	EXPECT_EQ(1, tdi("report", world.bdf[0], NULL));
	EXPECT_TRUE(says("bound to none"));
}

TVM_TEST(bound)
{
	ASSERT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, tdi("list", NULL));
	EXPECT_TRUE(line_says(world.bdf[0], " bound"));
	EXPECT_TRUE(line_says(world.bdf[1], "unbound"));
	EXPECT_EQ(0, tdi("show", world.bdf[0], NULL));
	EXPECT_TRUE(says("RUN"));
	EXPECT_TRUE(says("1 interface "));
	EXPECT_TRUE(says("1 TVM "));
	EXPECT_EQ(NULL, strstr(tool.text, "differs"));
	EXPECT_EQ(0, tdi("show", world.bdf[0], "--json", NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_TRUE(says("\"state\":\"bound\""));
	EXPECT_TRUE(says("\"device_view\":{\"state\":\"RUN\"}"));
	EXPECT_TRUE(says("\"agree\":{\"link\":true,\"tdi\":true,\"firmware\":true}"));
	EXPECT_EQ(1, tdi("report", world.bdf[0], NULL));
	EXPECT_TRUE(says("only its VMM can ask"));
	EXPECT_EQ(1, tdi("audit", NULL));
	EXPECT_EQ(1, tdi("audit", "--json", NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
}

/* what the VM was told, saved by its VMM */
TVM_TEST(report_of_a_file)
{
	struct attest *a = fn_attest(&self->fn);
	FILE *out;

	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_NE(0, a->report_len);
	ASSERT_NE(NULL, out = fopen(SCRATCH ".report", "we"));
	EXPECT_EQ(a->report_len, fwrite(a->report, 1, a->report_len, out));
	fclose(out);
	ASSERT_NE(NULL, out = fopen(SCRATCH ".certs", "we"));
	EXPECT_EQ(a->certs_len, fwrite(a->certs, 1, a->certs_len, out));
	fclose(out);
	EXPECT_EQ(0, tdi("report", "--report", SCRATCH ".report", "--certs",
			 SCRATCH ".certs", NULL));
	EXPECT_TRUE(says("report: "));
	EXPECT_TRUE(says("DMA without PASID"));
	EXPECT_TRUE(says("    range 2: "));
	EXPECT_TRUE(says("bytes of the device's own"));
	EXPECT_TRUE(says("certs: "));
	EXPECT_EQ(0, tdi("report", "--json", "--report", SCRATCH ".report",
			 "--certs", SCRATCH ".certs", NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	/* half of it is none */
	EXPECT_EQ(0, truncate(SCRATCH ".report", a->report_len - 1));
	EXPECT_EQ(1, tdi("report", "--report", SCRATCH ".report", NULL));
	EXPECT_TRUE(says("not all of it"));
	EXPECT_EQ(1, tdi("report", "--certs", "/nowhere", NULL));
	unlink(SCRATCH ".report");
	unlink(SCRATCH ".certs");
}

static void put_file(struct __test_metadata *_metadata, const char *path,
		     const uint8_t *bytes, size_t len)
{
	FILE *out = fopen(path, "we");

	ASSERT_NE(NULL, out);
	EXPECT_EQ(len, fwrite(bytes, 1, len, out));
	fclose(out);
}

/* as a device with a PKI and with measurements would answer; the emulated one has neither */
TEST(spdm_of_a_file)
{
	static const uint8_t record[] = {
		1, 1, 5, 0, 0x00, 2, 0, 0xab, 0xcd,
		2, 1, 4, 0, 0x81, 1, 0, 7,
		9, 2, 2, 0, 0, 0,
	};
	uint8_t chain[4 + 48 + 5 + 3] = { sizeof(chain), [52] = 0x30, 3, 2, 1, 5, 0x30, 1, 9 };
	uint8_t message[8 + sizeof(record) + 34] = { 0x12, 0x60, 0, 0, 3, sizeof(record) };

	memcpy(message + 8, record, sizeof(record));
	put_file(_metadata, SCRATCH ".certs", chain, sizeof(chain));
	put_file(_metadata, SCRATCH ".record", record, sizeof(record));
	put_file(_metadata, SCRATCH ".message", message, sizeof(message));
	EXPECT_EQ(0, tdi("report", "--certs", SCRATCH ".certs", "--measurements",
			 SCRATCH ".record", NULL));
	EXPECT_TRUE(says("certificate 0: 5 bytes at 52"));
	EXPECT_TRUE(says("certificate 1: 3 bytes at 57"));
	EXPECT_TRUE(says("measurement 1: immutable ROM, digest of 2 bytes"));
	EXPECT_TRUE(says("        abcd\n"));
	EXPECT_TRUE(says("measurement 2: mutable firmware, raw value of 1 bytes"));
	EXPECT_TRUE(says("measurement 9: of specification 0x2"));
	EXPECT_EQ(0, tdi("report", "--json", "--measurements", SCRATCH ".message", NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_TRUE(says("\"value\":\"abcd\""));
	/* any byte less is not all of it */
	EXPECT_EQ(0, truncate(SCRATCH ".certs", sizeof(chain) - 1));
	EXPECT_EQ(1, tdi("report", "--certs", SCRATCH ".certs", NULL));
	EXPECT_EQ(0, truncate(SCRATCH ".record", sizeof(record) - 1));
	EXPECT_EQ(1, tdi("report", "--measurements", SCRATCH ".record", NULL));
	EXPECT_EQ(0, truncate(SCRATCH ".message", 8 + sizeof(record) - 1));
	EXPECT_EQ(1, tdi("report", "--measurements", SCRATCH ".message", NULL));
	EXPECT_TRUE(says("or not all of them"));
	unlink(SCRATCH ".certs");
	unlink(SCRATCH ".record");
	unlink(SCRATCH ".message");
}

TVM_TEST(error)
{
	self->base.trace = false;	/* a fall to ERROR is what is wanted */
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, world_write("fn0/error", "1"));
	EXPECT_EQ(0, tdi("list", NULL));
	EXPECT_TRUE(line_says(world.bdf[0], " bound"));
	EXPECT_EQ(0, tdi("show", world.bdf[0], NULL));
	EXPECT_TRUE(line_says("  TDI ", "ERROR"));
	EXPECT_TRUE(line_says("  TDI ", "<- differs"));
	EXPECT_TRUE(says("the VMM has to unbind it"));
	EXPECT_EQ(0, tdi("show", "--json", world.bdf[0], NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_TRUE(says("\"tdi\":false"));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, tdi("show", world.bdf[0], NULL));
	EXPECT_TRUE(line_says("  TDI ", "CONFIG_UNLOCKED"));
	EXPECT_EQ(NULL, strstr(tool.text, "differs"));
}

TVM_TEST(quarantined)
{
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, stuck_begin());
	EXPECT_EQ(-EIO, fn_unbind(&self->fn));
	ASSERT_TRUE(stuck_is(0));
	EXPECT_EQ(0, tdi("list", NULL));
	EXPECT_TRUE(line_says(world.bdf[0], "quarantined"));
	EXPECT_EQ(0, tdi("list", "--json", NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_TRUE(says("\"state\":\"quarantined\""));
	EXPECT_EQ(0, tdi("show", world.bdf[0], NULL));
	EXPECT_TRUE(line_says("  TDI ", "<- differs"));
	EXPECT_TRUE(says("quarantined: "));
	EXPECT_TRUE(says("way out: tdi retry"));
	EXPECT_EQ(0, tdi("show", "--json", world.bdf[0], NULL));
	EXPECT_TRUE(is_json(tool.text, 1));
	EXPECT_EQ(1, tdi("disconnect", world.bdf[0], NULL));
	EXPECT_TRUE(says("tdi retry it first"));
	EXPECT_EQ(1, tdi("retry", world.bdf[0], NULL));
	EXPECT_TRUE(says("is still quarantined: "));
	ASSERT_EQ(0, stuck_end());
	EXPECT_EQ(0, tdi("retry", world.bdf[0], NULL));
	EXPECT_EQ(0, tdi("show", world.bdf[0], NULL));
	EXPECT_TRUE(line_says("  TDI ", "unbound"));
	EXPECT_EQ(1, tdi("retry", world.bdf[0], NULL));
}

/* starts to follow; complete when it has said so */
static int follow(const char *arg, ...)
{
	va_list ap;
	int ret;

	va_start(ap, arg);
	ret = tool_start(arg, ap);
	va_end(ap);
	while (!ret && !strstr(tool.text, FOLLOWING))
		if (!tool_hear(START_MS))
			ret = failed(-ETIME, "tdi events does not follow");
	return ret;
}

static bool is_instance(pid_t pid)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/tracing/instances/tdi-%d",
		 (int)pid);
	return !access(path, F_OK);
}

TVM_TEST(events)
{
	const char *json;
	pid_t pid;

	ASSERT_EQ(0, follow("events", "--count", "4", "--timeout", "60",
			    world.bdf[0], NULL));
	ASSERT_EQ(0, fn_bind(&self->fn));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, tool_end());
	EXPECT_TRUE(says("UNBOUND -> BINDING"));
	EXPECT_TRUE(says("BINDING -> BOUND"));
	EXPECT_TRUE(says("BOUND -> UNBINDING"));
	EXPECT_TRUE(says("UNBINDING -> UNBOUND"));

	ASSERT_EQ(0, follow("events", "--json", "--count", "1", "--timeout",
			    "60", NULL));
	ASSERT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(0, tool_end());
	ASSERT_NE(NULL, json = strchr(tool.text, '{'));
	EXPECT_TRUE(is_json(json, 1));
	EXPECT_TRUE(says("\"from\":\"UNBOUND\",\"to\":\"BINDING\""));
	ASSERT_EQ(0, fn_unbind(&self->fn));
	/* nothing happens: fewer than asked for */
	EXPECT_EQ(1, tdi("events", "--count", "1", "--timeout", "1", NULL));
	/* Ctrl-C is how it ends, and leaves no instance of the trace */
	ASSERT_EQ(0, follow("events", NULL));
	pid = tool.pid;
	EXPECT_TRUE(is_instance(pid));
	kill(tool.pid, SIGINT);
	EXPECT_EQ(0, tool_end());
	EXPECT_FALSE(is_instance(pid));
}

/* a line of file @path has all of @a and @b */
static bool file_says(const char *path, const char *a, const char *b)
{
	FILE *in = fopen(path, "re");
	bool found = false;
	char line[1024];

	while (in && !found && fgets(line, sizeof(line), in))
		found = strstr(line, a) && strstr(line, b);
	if (in)
		fclose(in);
	return found;
}

/* the same in a file that has NULs */
static bool file_has(const char *path, const char *what)
{
	FILE *in = fopen(path, "re");
	char *data = malloc(DAT_MAX);
	size_t len = in && data ? fread(data, 1, DAT_MAX, in) : 0;
	bool found = len && memmem(data, len, what, strlen(what));

	free(data);
	if (in)
		fclose(in);
	return found;
}

TVM_TEST(trace)
{
	char script[160], dat[64];

	/* the gate refuses it, which a tracepoint tells */
	snprintf(script, sizeof(script),
		 "echo 1 >/sys/bus/pci/devices/%s/reset; exit 7", world.bdf[0]);
	ASSERT_EQ(0, fn_bind(&self->fn));
	EXPECT_EQ(7, tdi("trace", "-o", SCRATCH ".trace", "sh", "-c", script, NULL));
	EXPECT_TRUE(file_says(SCRATCH ".trace", "pci_tdi_refused", world.bdf[0]));
	EXPECT_TRUE(file_says(SCRATCH ".trace", "how=refuse rc=-16 why=", "BOUND"));
	unlink(SCRATCH ".trace");
	/* for trace-cmd, which tests/timeline-test asks what it finds in it */
	snprintf(dat, sizeof(dat), "/out/tdi-trace-%s.dat", world.vendor->name);
	EXPECT_EQ(7, tdi("trace", "-o", dat, "sh", "-c", script, NULL));
	EXPECT_TRUE(file_has(dat, "\027\010Dtracing6"));
	EXPECT_TRUE(file_has(dat, "name: pci_tdi_gate\n"));
	EXPECT_TRUE(file_has(dat, world.bdf[0]));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	/* no such command, and no place for the trace */
	EXPECT_EQ(1, tdi("trace", "-o", "/nowhere/file", "/nowhere", NULL));
	EXPECT_TRUE(says("trace /nowhere: No such file"));
	EXPECT_TRUE(says("could not be written"));
	EXPECT_FALSE(is_instance(tool.pid));
}

TVM_MAIN
