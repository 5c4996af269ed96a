// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tutorial's program, as it is in the image: built from an installed prefix. What
 * docs/tutorial.md says that a reader will see is seen, whatever the vendor.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define MYVMM		"/bin/tdi-myvmm"
#define PAYLOAD		"/share/payload.bin"
#define SAID_MS		60000	/* for whatever it has to say next */

/* the program, and all that it has said so far */
struct myvmm {
	pid_t pid;
	int from;
	size_t len;
	char said[4096];
};

static int start(struct myvmm *m, const char *bdf, const char *payload, const char *seconds)
{
	char *argv[] = { MYVMM, (char *)bdf, (char *)payload, (char *)seconds, NULL };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	m->pid = fork();
	if (!m->pid) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(argv[0], argv);
		_exit(127);
	}
	close(ends[1]);
	m->from = ends[0];
	m->len = 0;
	return m->pid < 0 ? -errno : 0;
}

/* read until it has said @text, or with NULL until it says no more: 0, or -ETIMEDOUT, -EPIPE */
static int listen_for(struct myvmm *m, const char *text)
{
	struct pollfd pfd = { .fd = m->from, .events = POLLIN };
	ssize_t n;

	for (;;) {
		m->said[m->len] = 0;
		if (text && strstr(m->said, text))
			return 0;
		if (m->len == sizeof(m->said) - 1)
			return -ENOSPC;
		if (poll(&pfd, 1, SAID_MS) != 1)
			return -ETIMEDOUT;
		n = read(m->from, m->said + m->len, sizeof(m->said) - 1 - m->len);
		if (n <= 0)
			return text ? -EPIPE : 0;
		m->len += n;
	}
}

/* its exit code, or -errno; whatever became of it, it is gone */
static int end(struct myvmm *m)
{
	int ret = listen_for(m, NULL), status;

	if (ret)
		kill(m->pid, SIGKILL);
	close(m->from);
	if (waitpid(m->pid, &status, 0) != m->pid)
		return -errno;
	return ret ?: WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* of lines that have to be there, in this order: the first that is not; NULL: all are */
static const char *missing(const struct myvmm *m, const char *const *lines)
{
	const char *at = m->said;

	for (; *lines; lines++) {
		at = strstr(at, *lines);
		if (!at)
			return *lines;
		at += strlen(*lines);
	}
	return NULL;
}

AUDITED_TEST(from_zero_to_bound_and_back)
{
	static const char *const lines[] = {
		" is bound\n",
		"a reset: Device or resource busy; the TDI is bound",
		"unbind the TDI, do it again, bind again\n",
		"guest: step 1, ",
		"guest: memory fault at 0xc0000000\n",
		"guest: memory fault at 0xc1000000\n",
		"guest: step 2, 3\n",
		"guest: step 11, 0\n",
		"guest: step 8, 0\n",
		"guest: step 9, 65536\n",
		"guest: done\n",
		"bound, for 0 s more\n",
		"unbound, and in the host's hands: copied by the device\n",
		NULL
	};
	struct myvmm m;
	int i;

	/* the second time it meets what the first has left */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, start(&m, world.bdf[0], PAYLOAD, NULL));
		EXPECT_EQ(0, end(&m)) { note("%s", m.said); }
		EXPECT_EQ(NULL, missing(&m, lines)) { note("%s: %s", missing(&m, lines), m.said); }
		EXPECT_EQ(NULL, strstr(m.said, "event: "));
	}
}

/* the host takes the link down under it: it is told, and goes on with the device shared */
AUDITED_TEST(hears_of_a_disconnect)
{
	static const char *const lines[] = {
		"bound, for 60 s more\n",
		"event: the TDI was unbound by the host",
		"unbound, and in the host's hands: copied by the device\n",
		NULL
	};
	struct myvmm m;
	int ret;

	ASSERT_EQ(0, start(&m, world.bdf[0], PAYLOAD, "60"));
	ret = listen_for(&m, lines[0]);
	EXPECT_EQ(0, ret) { note("%s", m.said); }
	if (!ret)
		EXPECT_EQ(0, world_disconnect());
	EXPECT_EQ(0, end(&m)) { note("%s", m.said); }
	EXPECT_EQ(NULL, missing(&m, lines)) { note("%s: %s", missing(&m, lines), m.said); }
	EXPECT_EQ(0, world_connect());
}

/* it says what is wrong and what to do, and ends where it is: the kernel cleans up behind it */
AUDITED_TEST(ends_where_it_fails)
{
	struct myvmm m;

	ASSERT_EQ(0, start(&m, world.bdf[0], "/no/such", NULL));
	EXPECT_EQ(1, end(&m));
	EXPECT_NE(NULL, strstr(m.said, " is bound\n")) { note("%s", m.said); }
	EXPECT_NE(NULL, strstr(m.said, "myvmm: /no/such: No such file or directory; "));

	ASSERT_EQ(0, world_disconnect());
	ASSERT_EQ(0, start(&m, world.bdf[0], PAYLOAD, NULL));
	EXPECT_EQ(1, end(&m));
	EXPECT_NE(NULL, strstr(m.said, world.bdf[0])) { note("%s", m.said); }
	EXPECT_NE(NULL, strstr(m.said, "connect the link of its function 0"));
	EXPECT_EQ(0, world_connect());
}

TVM_MAIN
