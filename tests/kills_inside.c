// SPDX-License-Identifier: GPL-2.0-only
/*
 * Killed inside a system call: while it waits for the device, which holds an answer
 * back until it is told to go on, and while it is in the firmware, whose model holds
 * the call until its caller has been killed.
 *
 * Both switches count: the Nth exchange, or the Nth firmware call that a task which can
 * be killed makes. tvmm is the only one that makes any: the drivers' watches are off.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kills.h"
#include "trail.h"

#define SLICE_EXCHANGES	3
#define SLICE_CALLS	5
#define SLICE_SILENT	1	/* it takes DOE's time limit, and a new link */
#define SIGKILL_BIT	(1UL << (SIGKILL - 1))

/* ---- a process, seen from outside ---- */

/* the word behind "@name:" in the status of the first thread, "" if it has gone */
static void read_status(pid_t pid, const char *name, char word[32])
{
	char path[64], line[256];
	size_t len = strlen(name);
	FILE *in;

	word[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, pid);
	in = fopen(path, "re");
	while (in && !word[0] && fgets(line, sizeof(line), in))
		if (!strncmp(line, name, len) && line[len] == ':')
			sscanf(line + len + 1, " %31s", word);
	if (in)
		fclose(in);
}

/*
 * SIGKILL has been sent, and its first thread has not obeyed yet. What was sent to the
 * process as a whole stays pending while it dies, so that does not tell.
 */
static bool is_doomed(pid_t pid)
{
	char mask[32];

	read_status(pid, "SigPnd", mask);
	return strtoul(mask, NULL, 16) & SIGKILL_BIT;
}

/* its first thread sleeps, and no signal would wake it */
static bool is_stuck(pid_t pid)
{
	char state[32];

	read_status(pid, "State", state);
	return state[0] == 'D';
}

/* still a child that runs */
static bool lives(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

/* ---- one point, whatever holds it ---- */

/*
 * A life until the switch @file tells that it is held: its process, or -EAGAIN: it came
 * to its end before. Nothing here may wait for the other CPU, which may be held itself.
 */
static pid_t live_until_held(struct kills *k, const char *file, size_t nth,
			     const char *format)
{
	uint64_t end = now_ms() + KILLS_LIFE_MS;
	char text[64];
	int status;
	pid_t pid;

	snprintf(text, sizeof(text), format, nth);
	if (world_write(file, text))
		return failed(-EIO, "%s", file);
	pid = kills_live(k);
	if (pid < 0)
		return pid;
	while (!world_read(file, text, sizeof(text)) && !strstr(text, "paused")) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status ? failed(-ECHILD, "tvmm ends with status %#x",
					       status) : -EAGAIN;
		if (now_ms() > end)
			break;
		sleep_ms(1);
	}
	return pid;
}

/* ---- exchanges ---- */

#define DOE		"doe_mode"

static long count_exchanges(void)
{
	char text[128];

	return world_read("doe_count", text, sizeof(text)) ? -EIO :
	       world_number(text, "exchanges");
}

static void address_of_exchange(struct kills *k, size_t i, char *buf, size_t size)
{
	(void)k;
	snprintf(buf, size, "%zu", i + 1);
}

/* an answer waits for a word */
static bool is_held(void)
{
	char text[64] = "";

	return !world_read(DOE, text, sizeof(text)) && strstr(text, "paused");
}

/* it waits for the device, and goes on waiting when it is killed */
static int kill_stuck(pid_t pid)
{
	int n;

	for (n = 0; !is_stuck(pid); n++) {
		if (n == 1000)
			return failed(-EPROTO, "an exchange, and tvmm does not wait");
		sleep_ms(1);
	}
	kill(pid, SIGKILL);
	sleep_ms(20);
	if (!lives(pid) || !is_doomed(pid) || !is_stuck(pid) || !is_held())
		return failed(-EPROTO, "it did not wait for the answer");
	return 0;
}

static int die_in_exchange_then(struct kills *k, size_t i, bool answered)
{
	uint64_t since;
	int ret, status;
	pid_t pid;

	pid = live_until_held(k, DOE, i + 1, "pause %zu");
	if (pid < 0) {
		world_write(DOE, "normal");
		return failed(pid, "exchange %zu", i + 1);
	}
	since = now_ms();
	ret = kill_stuck(pid);
	if (answered || ret)
		ret = world_write(DOE, "go") ?: ret;
	kill(pid, SIGKILL);
	status = kills_reap(pid, KILLS_DEATH_MS);
	world_write(DOE, "normal");
	return ret ?: kills_died(k, status, since);
}

static int die_in_exchange(struct kills *k, size_t i)
{
	return die_in_exchange_then(k, i, true);
}

/*
 * The device never answers, DOE gives up. What happened to the TDI is unknown then; a
 * driver may cut the link for it, which is not a mistake, so the link is made anew.
 */
static int die_in_silence(struct kills *k, size_t i)
{
	int ret;

	k->base.trace = false;
	ret = die_in_exchange_then(k, i, false);
	return world_disconnect() ?: world_connect() ?: ret;
}

/* exchanges of a life; for the whole set the same number twice, or it is no set */
static long exchanges_of_a_life(struct kills *k)
{
	long before, first, second;
	int ret;

	before = count_exchanges();
	ret = kills_whole_life(k);
	first = count_exchanges() - before;
	second = first;
	if (!ret && prove_full()) {
		ret = kills_whole_life(k);
		second = count_exchanges() - before - first;
	}
	if (ret)
		return ret;
	if (first < 1 || first != second)
		return failed(-EPROTO, "a life had %ld exchanges, the next %ld", first,
			      second);
	note("kills.%s: %ld exchanges in a life", world.vendor->name, first);
	return first;
}

int kills_exchanges(struct kills *k)
{
	struct kills_set answered = {
		.kind = "doe",
		.slice = SLICE_EXCHANGES,
		.address = address_of_exchange,
		.die = die_in_exchange,
	}, silent = {
		.kind = "silence",
		.slice = SLICE_SILENT,
		.address = address_of_exchange,
		.die = die_in_silence,
	};
	int ret, more = 0;
	long nr;

	trail_watches_off();
	nr = exchanges_of_a_life(k);
	answered.nr = nr;
	silent.nr = nr;
	ret = nr < 0 ? nr : kills_run(k, &answered);
	if (nr > 0)
		more = kills_run(k, &silent);
	/* the falls to ERROR, which it may have */
	kills_audit_anew(k);
	trail_watches_on();
	return ret ?: more;
}

/* ---- firmware calls ---- */

#define FIRMWARE	"fw_pause"
#define MAX_CALLS	4096
#define MAX_NAME	48

/**
 * struct fw_calls - of a life, in their order
 * @nr: those that tvmm's own threads made
 * @others: those of nobody who could be killed
 * @name: of the former
 */
struct fw_calls {
	size_t nr;
	size_t others;
	char name[MAX_CALLS][MAX_NAME];
};

static const struct fw_calls *set_of(const struct kills *k)
{
	return k->data;
}

static void address_of_fw_call(struct kills *k, size_t i, char *buf, size_t size)
{
	(void)k;
	snprintf(buf, size, "%zu", i + 1);
}

static void tell_of_fw_call(struct kills *k, size_t i)
{
	note("killed in firmware call %zu of %zu, %s", i + 1, set_of(k)->nr,
	     set_of(k)->name[i]);
}

/*
 * A line of the trace: "COMM-PID [CPU] FLAGS TIME: fw_call: VENDOR NAME ...". What an
 * interrupt asks in the middle of tvmm has an 'h' or 's' as the third flag.
 */
static void add_fw_call(struct fw_calls *c, const char *line)
{
	char comm[32], flags[16], vendor[16], name[MAX_NAME];
	const char *s = strstr(line, "fw_call: ");

	if (!s || sscanf(s, "fw_call: %15s %47s", vendor, name) != 2 ||
	    strcmp(vendor, world.vendor->name) ||
	    sscanf(line, " %31[^[] [%*d] %15s", comm, flags) != 2)
		return;
	if (!strncmp(comm, "tvmm-", strlen("tvmm-")) && flags[2] == '.') {
		if (c->nr < MAX_CALLS)
			strcpy(c->name[c->nr], name);
		c->nr++;
		return;
	}
	c->others++;
	comm[strcspn(comm, " ")] = 0;
	note("nobody to kill: %s, called by %s", name, comm);
}

/* the calls of a life, by the trace */
static int list_fw_calls(struct kills *k, struct fw_calls *c)
{
	char line[512];
	FILE *in;
	int ret;

	ret = trail_clear() ?: kills_whole_life(k);
	if (ret)
		return ret;
	in = fopen(TRAIL "/trace", "re");
	if (!in)
		return failed(-errno, "trail");
	while (fgets(line, sizeof(line), in))
		if (line[0] != '#')
			add_fw_call(c, line);
	fclose(in);
	if (!c->nr || c->nr > MAX_CALLS)
		return failed(-EPROTO, "%zu firmware calls in a life", c->nr);
	note("kills.%s: %zu firmware calls in a life, and %zu that nobody can be killed in",
	     world.vendor->name, c->nr, c->others);
	return 0;
}

/*
 * A call that is held has its CPU for itself, with interrupts off: what watches it must
 * not sleep on that CPU. @cpus: those of before, to give back.
 */
static int part_cpus(struct kills *k, cpu_set_t *cpus)
{
	cpu_set_t ours;
	int cpu;

	*cpus = k->cpus;
	ours = k->cpus;
	for (cpu = CPU_SETSIZE - 1; cpu > 0 && !CPU_ISSET(cpu, &ours); cpu--)
		;
	if (CPU_COUNT(&ours) < 2)
		return failed(-EOPNOTSUPP, "one CPU is not enough for this");
	CPU_CLR(cpu, &ours);
	CPU_ZERO(&k->cpus);
	CPU_SET(cpu, &k->cpus);
	return sched_setaffinity(0, sizeof(ours), &ours) ? -errno : 0;
}

static void join_cpus(struct kills *k, const cpu_set_t *cpus)
{
	k->cpus = *cpus;
	sched_setaffinity(0, sizeof(*cpus), cpus);
}

static bool firmware_is(const char *what)
{
	char text[32] = "";

	return !world_read(FIRMWARE, text, sizeof(text)) && !strcmp(text, what);
}

/* -EAGAIN: the call did not wait long enough, or never came */
static int die_in_fw_call_once(struct kills *k, size_t i)
{
	uint64_t since;
	int status;
	pid_t pid;

	pid = live_until_held(k, FIRMWARE, i + 1, "%zu");
	since = now_ms();
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (firmware_is("paused\n") && now_ms() - since < KILLS_DEATH_MS)
			sleep_ms(1);
	}
	if (pid < 0)
		return pid;
	status = kills_reap(pid, KILLS_DEATH_MS);
	return firmware_is("killed\n") ? kills_died(k, status, since) : -EAGAIN;
}

static int die_in_fw_call(struct kills *k, size_t i)
{
	int ret = -EAGAIN, n;

	for (n = 0; ret == -EAGAIN && n < KILLS_TRIES; n++) {
		ret = die_in_fw_call_once(k, i);
		k->retries += ret == -EAGAIN;
	}
	world_write(FIRMWARE, "0");
	return ret == -EAGAIN ? failed(ret, "no life is killed in this call") : ret;
}

/* a life makes no more calls than were counted: the switch waits for one in vain */
static int is_whole(struct kills *k, const struct fw_calls *c)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%zu", c->nr + 1);
	ret = world_write(FIRMWARE, text) ?: kills_whole_life(k);
	if (!ret && !firmware_is("armed\n"))
		ret = failed(-EPROTO, "a life has more firmware calls than %zu", c->nr);
	world_write(FIRMWARE, "0");
	return ret;
}

int kills_firmware(struct kills *k)
{
	struct fw_calls *c = calloc(1, sizeof(*c));
	struct kills_set set = {
		.kind = "fw",
		.slice = SLICE_CALLS,
		.address = address_of_fw_call,
		.die = die_in_fw_call,
		.tell = tell_of_fw_call,
	};
	cpu_set_t cpus;
	int ret;

	if (!c)
		return -ENOMEM;
	k->data = c;
	ret = part_cpus(k, &cpus) ?: trail_begin() ?: list_fw_calls(k, c);
	if (!ret && prove_full())
		ret = is_whole(k, c);
	set.nr = c->nr;
	ret = ret ?: kills_run(k, &set);
	trail_end();
	join_cpus(k, &cpus);
	free(c);
	return ret;
}
