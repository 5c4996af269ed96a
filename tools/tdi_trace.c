// SPDX-License-Identifier: GPL-2.0-only
/* tdi trace: record our tracepoints, around a command or until Ctrl-C */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder.h"
#include "tdi.h"

#define DEFAULT_FILE	"tdi-trace.txt"
#define BUFFER_KB	8192
#define NO_COMMAND	127

/* the first has to be there: without it there is nothing to record */
static int enable(const struct tracefs *t)
{
	const char *const *event = recorder_events;
	int ret;

	ret = tracefs_enable(t, *event);
	while (!ret && *++event)
		tracefs_enable(t, *event);
	return ret;
}

static int save_text(const struct tracefs *t, const char *path)
{
	char buf[65536];
	int in, out, ret = 0;
	ssize_t n = 0;

	in = tracefs_file(t, "trace", O_RDONLY);
	if (in < 0)
		return in;
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0)
		ret = -errno;
	while (!ret && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			ret = errno ? -errno : -EIO;
	if (n < 0)
		ret = -errno;
	if (out >= 0 && close(out) && !ret)
		ret = -errno;
	close(in);
	return ret;
}

/* "FILE.dat" is for trace-cmd, any other name for people */
static int save(const struct tracefs *t, const char *path)
{
	size_t len = strlen(path);

	if (len > 4 && !strcmp(path + len - 4, ".dat"))
		return recorder_save_dat(t->dir, NULL, path);
	return save_text(t, path);
}

/* until a signal comes */
static int wait_signal(void)
{
	const struct timespec nap = { .tv_nsec = 100000000 };

	fputs("tdi: recording, end with Ctrl-C\n", stderr);
	while (!stopped())
		nanosleep(&nap, NULL);
	return EXIT_OK;
}

/*
 * Answers the command's exit code, 128 + N if signal N killed it. Ctrl-C goes to the
 * command, too, and its end is what is waited for.
 */
static int run_command(char **argv)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		fprintf(stderr, "tdi: trace %s: %s\n", argv[0], strerror(errno));
		_exit(NO_COMMAND);
	}
	if (pid < 0)
		return complain("trace", argv[0], -errno, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return complain("trace", argv[0], -errno, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int trace_run(int argc, char **argv)
{
	const char *file = DEFAULT_FILE;
	struct tracefs t;
	uint64_t lost;
	int c, ret, result;

	opterr = 0;
	optind = 0;
	while ((c = getopt(argc, argv, "+o:")) >= 0) {
		if (c != 'o')
			return complain_usage("trace", "wrong arguments");
		file = optarg;
	}
	stop_on_signals();
	ret = tracefs_open(&t, BUFFER_KB);
	if (ret)
		return complain("trace", "tracefs", ret, tracefs_advice(ret));
	ret = enable(&t);
	if (ret) {
		tracefs_close(&t);
		return complain("trace", "pci_tdi", ret, tracefs_advice(ret));
	}
	result = argv[optind] ? run_command(argv + optind) : wait_signal();
	tracefs_write(&t, "tracing_on", "0");
	lost = tracefs_lost(&t);
	ret = save(&t, file);
	tracefs_close(&t);
	if (ret) {
		complain("trace", file, ret, "the trace could not be written there, it is lost");
		return EXIT_FAILED;
	}
	if (lost)
		fprintf(stderr, "tdi: the first %llu events were lost: buffers of %u KiB for each CPU were full\n",
			(unsigned long long)lost, BUFFER_KB);
	fprintf(stderr, "tdi: the trace is in %s\n", file);
	return result;
}

const struct tdi_command cmd_trace = {
	.name = "trace", .args = "[-o FILE] [COMMAND...]", .max_args = -1,
	.run = trace_run,
	.brief = "record our tracepoints",
	.help = "Records pci_tdi:*, iommufd_tsm:*, vfio_pci_tdi:*, those of KVM's private MMIO, and\n"
		"on the emulated platform teemu:*, tio_fw:* and tio_tsm:*, while COMMAND runs, or\n"
		"until Ctrl-C. The text goes to FILE (" DEFAULT_FILE "); to a FILE.dat a recording\n"
		"that trace-cmd and KernelShark open. Times are of CLOCK_MONOTONIC. The exit code is\n"
		"COMMAND's, 128 and the signal's number if one killed it, 127 if there is no such\n"
		"command. Other users of the kernel's trace are not disturbed.\n",
};
