// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "story.h"

int process_start(struct process *p, const struct story *s, const char *mode)
{
	char fd[16], timeout[16], pages[16];
	const char *argv[] = {
		s->opt->tvmm, "--device", s->bdf, "--mode", mode, "--report-fd",
		fd, "--timeout", timeout, "--bar2-pages", pages,
		s->opt->kernel ? "--linux" : "--payload",
		s->opt->kernel ?: s->opt->payload,
		s->opt->kernel ? "--initrd" : NULL, s->opt->initrd, NULL,
	};
	int pipe_fds[2], ret;

	memset(p, 0, sizeof(*p));
	p->fd = -1;
	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	snprintf(fd, sizeof(fd), "%d", pipe_fds[1]);
	snprintf(timeout, sizeof(timeout), "%u", s->opt->timeout);
	snprintf(pages, sizeof(pages), "%u", s->opt->bar2_pages);
	fflush(NULL);
	p->pid = fork();
	ret = -errno;
	if (!p->pid) {
		fcntl(pipe_fds[1], F_SETFD, 0);
		execv(s->opt->tvmm, (char **)argv);
		_exit(127);
	}
	close(pipe_fds[1]);
	p->fd = pipe_fds[0];
	if (p->pid < 0) {
		p->pid = 0;
		close(p->fd);
		p->fd = -1;
		return ret;
	}
	return 0;
}

/* one line of the report: true if it says that step @name was ok */
static bool take_line(struct process *p, const char *line, const char *name)
{
	unsigned long long value;
	char word[32], state[16];
	int rest = 0;

	if (sscanf(line, "value exits %llu", &value) == 1) {
		p->exits += value;
		p->exits_known = true;
	} else if (sscanf(line, "value beat %llu", &value) == 1) {
		p->beat = value;
		p->beats++;
	} else if (sscanf(line, "step %31s %15s %llu %n", word, state, &value,
			  &rest) == 3) {
		if (!strcmp(state, "failed"))
			snprintf(p->failed, sizeof(p->failed), "%s: %s", word,
				 line + rest);
		else
			return name && !strcmp(word, name);
	}
	return false;
}

/* next complete line out of the buffer into @line */
static bool next_line(struct process *p, char *line, size_t size)
{
	char *end = memchr(p->buf, '\n', p->len);
	size_t len;

	if (!end)
		return false;
	len = end - p->buf;
	snprintf(line, size, "%.*s", (int)len, p->buf);
	p->len -= len + 1;
	memmove(p->buf, end + 1, p->len);
	return true;
}

/* wait for more of the report; 0, -EPIPE: it is over, -ETIMEDOUT */
static int read_more(struct process *p, uint64_t deadline)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	uint64_t now = story_ms();
	ssize_t n;

	if (now >= deadline || poll(&pfd, 1, deadline - now) == 0)
		return -ETIMEDOUT;
	if (p->len == sizeof(p->buf))
		p->len = 0;	/* no line is that long: drop it */
	n = read(p->fd, p->buf + p->len, sizeof(p->buf) - p->len);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -EPIPE;
	p->len += n;
	return 0;
}

int process_expect(struct process *p, const char *name, unsigned int beats,
		   unsigned int timeout_ms)
{
	uint64_t deadline = story_ms() + timeout_ms;
	unsigned int first = p->beats;
	char line[1024];
	int ret;

	for (;;) {
		while (next_line(p, line, sizeof(line))) {
			if (take_line(p, line, name))
				return 0;
			if (p->failed[0])
				return -EPROTO;
			if (!name && p->beats - first >= beats)
				return 0;
		}
		ret = read_more(p, deadline);
		if (ret)
			return ret;
	}
}

int process_end(struct process *p, int signal, unsigned int timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	uint64_t deadline = story_ms() + timeout_ms;
	int status, ret;

	if (!p->pid)
		return -ESRCH;
	if (signal)
		kill(p->pid, signal);
	while ((ret = waitpid(p->pid, &status, WNOHANG)) == 0) {
		if (story_ms() >= deadline)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
	if (ret < 0)
		return -errno;
	p->pid = 0;
	close(p->fd);
	p->fd = -1;
	return status;
}
