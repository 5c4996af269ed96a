// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdirun [-t seconds] [-n name] program args... : run a program on a terminal of its own, and put each line
 * that it writes into the kernel's log behind "tdi| ".
 *
 * The terminal makes the program's stdio flush each line, and the kernel's log takes lines whole, so
 * that a test's "ok" never mixes with a kernel message. Marks tell the judge where a program began
 * and how it ended:
 *
 *   tdi| # begin NAME
 *   tdi| # end NAME rc=N ms=N		N is 128 + signal for a killed program, 124 after the time limit
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_CHARS	800	/* the kernel refuses records that are much longer */
#define TIMED_OUT	124

struct pump {
	int log;		/* /dev/kmsg */
	int tty;		/* the program's terminal, our side */
	size_t used;
	char line[LINE_MAX_CHARS + 1];
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

static void say(int log, const char *text)
{
	char record[LINE_MAX_CHARS + 16];
	int len = snprintf(record, sizeof(record), "<5>tdi| %s\n", text);

	/* The log takes a record at a time; one that it refuses is lost and there is nobody to tell. */
	if (write(log, record, len) < 0)
		return;
}

static void end_line(struct pump *pump)
{
	pump->line[pump->used] = '\0';
	say(pump->log, pump->line);
	pump->used = 0;
}

static void take(struct pump *pump, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = data[i];

		if (c == '\n') {
			end_line(pump);
			continue;
		}
		if (c == '\r')
			continue;
		pump->line[pump->used++] = c < ' ' && c != '\t' ? '?' : c;
		if (pump->used == LINE_MAX_CHARS)
			end_line(pump);
	}
}

/* Move what the terminal has, waiting for at most @timeout ms. Returns false when there was nothing. */
static bool move(struct pump *pump, int timeout)
{
	struct pollfd fd = { .fd = pump->tty, .events = POLLIN };
	char data[4096];
	ssize_t got;

	if (poll(&fd, 1, timeout) <= 0)
		return false;
	got = read(pump->tty, data, sizeof(data));
	if (got <= 0) {
		/* EIO: nobody has the other side open. Do not spin until the program is gone. */
		if (timeout)
			usleep(timeout * 1000);
		return false;
	}
	take(pump, data, got);
	return true;
}

static pid_t start(struct pump *pump, char **argv)
{
	struct termios mode;
	pid_t pid;

	memset(&mode, 0, sizeof(mode));
	cfmakeraw(&mode);
	pid = forkpty(&pump->tty, NULL, &mode, NULL);
	if (pid)
		return pid;
	execvp(argv[0], argv);
	dprintf(STDOUT_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* On a time limit the blocked tasks go to the log, before the program's group is killed. */
static void give_up(struct pump *pump, pid_t pid)
{
	int key = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	say(pump->log, "# time limit reached");
	if (key >= 0) {
		if (write(key, "w", 1) < 0)
			say(pump->log, "# no sysrq");
		close(key);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

/* Returns the program's exit code, as a shell counts it. */
static int run(struct pump *pump, pid_t pid, long limit_ms)
{
	long deadline = now_ms() + limit_ms;
	bool timed_out = false;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		move(pump, 50);
		if (!timed_out && now_ms() > deadline) {
			timed_out = true;
			give_up(pump, pid);
		}
	}
	while (move(pump, 0))
		;
	if (pump->used)
		end_line(pump);
	if (timed_out)
		return TIMED_OUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct pump pump = { .used = 0 };
	long limit = 120, begin = now_ms();
	char mark[256];
	const char *name = NULL;
	pid_t pid;
	int opt, rc;

	while ((opt = getopt(argc, argv, "+t:n:")) != -1) {
		if (opt == 't')
			limit = strtol(optarg, NULL, 10);
		else if (opt == 'n')
			name = optarg;
		else
			return 2;
	}
	if (optind == argc || limit <= 0) {
		fprintf(stderr, "usage: tdirun [-t seconds] [-n name] program args...\n");
		return 2;
	}
	pump.log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (pump.log < 0) {
		perror("tdirun: /dev/kmsg");
		return 2;
	}
	if (!name) {
		name = strrchr(argv[optind], '/');
		name = name ? name + 1 : argv[optind];
	}
	snprintf(mark, sizeof(mark), "# begin %.200s", name);
	say(pump.log, mark);

	pid = start(&pump, argv + optind);
	if (pid < 0) {
		perror("tdirun: forkpty");
		return 2;
	}
	rc = run(&pump, pid, limit * 1000);
	snprintf(mark, sizeof(mark), "# end %.200s rc=%d ms=%ld", name, rc, now_ms() - begin);
	say(pump.log, mark);
	return rc;
}
