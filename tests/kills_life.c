// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kills.h"

#define WHOLE_AUDIT	25	/* deaths; the next life is a proof of its own */
#define HOPELESS	4	/* failures in a row: what comes after tells nothing */

/* the shortest life that has everything: little of the BAR and little to copy */
static const char *const args[] = {
	"/bin/tvmm", "--mode", "full", "--bar2-pages", "1", "--copy-kib", "16",
	"--timeout", "50", "--vendor",
};

int kills_begin(struct kills *k)
{
	const char *seed = getenv("SEED");
	size_t n;

	memset(k, 0, sizeof(*k));
	k->prove.part = "kills";
	k->seed = seed ? strtoul(seed, NULL, 10) : now_ms() & 0xffff;
	for (n = 0; n < sizeof(args) / sizeof(args[0]); n++)
		k->argv[n] = (char *)args[n];
	k->argv[n++] = (char *)world.vendor->name;
	k->argv[n++] = "--device";
	k->argv[n++] = world.bdf[0];
	sched_getaffinity(0, sizeof(k->cpus), &k->cpus);
	k->out = memfd_create("tvmm", MFD_CLOEXEC);
	if (k->out < 0)
		return -errno;
	return audit_begin(&k->base);
}

void kills_audit_anew(struct kills *k)
{
	if (k->base.log >= 0)
		close(k->base.log);
	audit_begin(&k->base);
}

/* everything but a new bind, which is the next life's; now and then all of it */
static int look(struct kills *k)
{
	uint64_t begin = now_ms();
	int ret;

	if (++k->since_whole < WHOLE_AUDIT) {
		ret = audit_look(&k->base);
	} else {
		ret = audit_end(&k->base);
		k->since_whole = 0;
	}
	/* it is said once, and not at the next point again */
	if (ret)
		kills_audit_anew(k);
	k->look_ms += now_ms() - begin;
	return ret;
}

int kills_end(struct kills *k)
{
	prove_report(&k->prove);
	if (k->prove.run)
		note("kills.%s: %u lives did not come by their point, longest death %llu ms, audits %llu ms",
		     world.vendor->name, k->retries,
		     (unsigned long long)k->worst_ms,
		     (unsigned long long)k->look_ms);
	close(k->out);
	return audit_end(&k->base);
}

static void name(struct kills *k, const struct kills_set *set, size_t i, char *buf)
{
	size_t n = snprintf(buf, KILLS_ADDRESS, "%s/", set->kind);

	set->address(k, i, buf + n, KILLS_ADDRESS - n);
}

/* a slice is spread over the set evenly, from where the seed says */
static bool takes(struct kills *k, const struct kills_set *set, size_t i)
{
	const char *only = getenv("KILLS_POINT");
	char address[KILLS_ADDRESS];

	if (only) {
		name(k, set, i, address);
		return !strcmp(address, only);
	}
	return prove_full() || set->slice >= set->nr ||
	       (i * set->slice + k->seed) % set->nr < set->slice;
}

/* what is to run alone is of this kind, and there is no such point */
static bool is_missing(const struct kills_set *set, size_t planned)
{
	const char *only = getenv("KILLS_POINT");
	size_t len = strlen(set->kind);

	return !planned && only && !strncmp(only, set->kind, len) && only[len] == '/';
}

static int run_one(struct kills *k, const struct kills_set *set, size_t i)
{
	char address[KILLS_ADDRESS];
	int ret, unclean;

	ret = set->die(k, i);
	unclean = look(k);
	if (!ret && !unclean)
		return 0;
	name(k, set, i, address);
	note("point %zu of %zu: %s; KILLS_POINT=%s runs it alone", i + 1, set->nr,
	     ret ? strerror(-ret) : "the audit differs", address);
	if (set->tell)
		set->tell(k, i);
	kills_output(k, true);
	return -EUCLEAN;
}

int kills_run(struct kills *k, const struct kills_set *set)
{
	size_t i, planned = 0, run = 0, bad = 0;
	int ret;

	for (i = 0; i < set->nr; i++)
		planned += takes(k, set, i);
	k->prove.planned += planned;
	note("kills.%s: %zu of %zu points of kind %s, SEED=%u", world.vendor->name,
	     planned, set->nr, set->kind, k->seed);
	if (is_missing(set, planned))
		return failed(-ENOENT, "KILLS_POINT=%s", getenv("KILLS_POINT"));
	for (i = 0; i < set->nr && k->in_a_row < HOPELESS; i++) {
		if (!takes(k, set, i))
			continue;
		ret = run_one(k, set, i);
		k->in_a_row = ret ? k->in_a_row + 1 : 0;
		bad += !!ret;
		run++;
		prove_count(&k->prove, !ret);
	}
	if (run < planned)
		note("given up: %zu points of kind %s did not run", planned - run,
		     set->kind);
	return bad || run < planned ? -EUCLEAN : 0;
}

/* ---- a life ---- */

void kills_output(struct kills *k, bool show)
{
	char text[2048], *line, *save;
	off_t end = lseek(k->out, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) - 1 ? end - sizeof(text) + 1 : 0;
	ssize_t n = pread(k->out, text, sizeof(text) - 1, from);

	text[n < 0 ? 0 : n] = 0;
	for (line = strtok_r(text, "\n", &save); show && line;
	     line = strtok_r(NULL, "\n", &save))
		note("  %s", line);
	if (!ftruncate(k->out, 0))
		lseek(k->out, 0, SEEK_SET);
}

pid_t kills_live(struct kills *k)
{
	pid_t pid;

	kills_output(k, false);
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_setaffinity(0, sizeof(k->cpus), &k->cpus);
	dup2(k->out, 1);
	dup2(k->out, 2);
	closefrom(3);
	execv(k->argv[0], k->argv);
	_exit(127);
}

int kills_reap(pid_t pid, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	int status = 0;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		sleep_ms(1);
	}
	return status;
}

int kills_whole_life(struct kills *k)
{
	pid_t pid = kills_live(k);
	int status;

	if (pid < 0)
		return pid;
	status = kills_reap(pid, KILLS_LIFE_MS);
	if (!status)
		return 0;
	note("a life ends with status %#x", status);
	kills_output(k, true);
	if (status == -ETIMEDOUT)
		kill(pid, SIGKILL);
	return -ECHILD;
}

int kills_died(struct kills *k, int status, uint64_t since)
{
	uint64_t ms = now_ms() - since;

	k->worst_ms = ms > k->worst_ms ? ms : k->worst_ms;
	if (status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 0;
	return failed(-ECHILD, "it was killed, and ends with status %#x", status);
}
