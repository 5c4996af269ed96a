// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races: for each seed five threads do at random whatever can be done to two functions
 * of one device (bind, unbind, destroy, close, reset, slots, attributes, requests,
 * BARs, config, link, driver, power), and the model says of each answer whether it is
 * allowed. Then everything is closed, and the audit looks.
 *
 * What the seed determines: which operations each thread does, in which order, and
 * what disturbs them. How they interleave it does not; the same seed again is the same
 * race, and may need some runs to be lost the same way.
 *
 * Environment:
 *	SEED=n		the first seed; default: the clock
 *	SEEDS=n		how many
 *	OPS=n		calls for each
 *	RACES_CALM=1	nothing disturbs
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "prove.h"
#include "races.h"

#define SLICE_SEEDS	2
#define FULL_SEEDS	36
#define SLICE_OPS	600
#define FULL_OPS	2000
#define AUDIT_EVERY	12	/* seeds: the function is bound and used again */
#define HANG_S		120	/* in which no call ends */
#define CPU_MS		400
#define MAX_LATE	10	/* one seed in so many may have a device that is late */
#define CPU1		"/sys/devices/system/cpu/cpu1/online"
#define TRACE_FALLS	"/sys/kernel/tracing/instances/tdi-tests/trace"

static unsigned long env_number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* ---- what disturbs ---- */

#define DELAY		"/sys/kernel/debug/teemu/delay"

/*
 * Tracepoints of ours, in the middle of bind, unbind and gate, and how long it may
 * take there: where a spinning lock is held, teemu makes less of it.
 */
static const struct {
	const char *name;
	unsigned int us;
} points[] = {
	{ "pci_tdi_state", 300 }, { "pci_tdi_refused", 200 },
	{ "pci_tdi_unmap_mmio", 5000 }, { "pci_tdi_dma_off", 5000 },
	{ "pci_tdi_event", 3000 }, { "pci_tdi_req", 2000 },
	{ "pci_tdi_bind", 3000 }, { "teemu_tdisp", 1000 },
	{ "teemu_fall", 1000 }, { "teemu_reset", 2000 },
};

#define NR_POINTS	(sizeof(points) / sizeof(points[0]))

/* the seed decides where, and how long */
static void delays(uint64_t seed, bool on)
{
	uint64_t rng = ~seed, mask = race_random(&rng);
	char text[64];
	size_t i;

	for (i = 0; i < NR_POINTS; i++) {
		if (!(mask & 1ULL << i))
			continue;
		snprintf(text, sizeof(text), "%s %u %u", points[i].name,
			 on ? points[i].us : 0, (unsigned int)seed);
		sysfs_put(DELAY, text);
	}
}

static void pin(struct racer *t, uint64_t *rng)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(race_random(rng) % 2, &set);
	if (one_in(t, 2))
		CPU_SET(1, &set), CPU_SET(0, &set);
	pthread_setaffinity_np(t->thread, sizeof(set), &set);
}

/**
 * struct trouble - the thread that disturbs
 * @r, @racers: whom
 * @rng: what with
 */
struct trouble {
	struct races *r;
	struct racer *racers;
	uint64_t rng;
};

/* CPU 1 goes for @us and comes back: how long that took, in ms */
static uint64_t cpu_away(struct races *r, unsigned int us)
{
	uint64_t begin = now_ms();

	if (!sysfs_put(CPU1, "0"))
		r->offline++;
	usleep(us);
	sysfs_put(CPU1, "1");
	return now_ms() - begin;
}

static void disturb(struct trouble *d)
{
	char text[32];

	switch (race_random(&d->rng) % 8) {
	case 0:
		if (!d->r->slow_cpu)
			cpu_away(d->r, race_random(&d->rng) % 50000);
		break;
	case 1:
	case 2:
		snprintf(text, sizeof(text), "slow %u",
			 (unsigned int)(race_random(&d->rng) % 4));
		world_write("doe_mode", text);
		break;
	case 3:
		world_write("doe_mode", "normal");
		break;
	default:
		pin(&d->racers[race_random(&d->rng) % NR_RACERS], &d->rng);
		break;
	}
}

static void *trouble(void *arg)
{
	struct trouble *d = arg;

	while (!d->r->stop) {
		if (!getenv("RACES_CALM"))
			disturb(d);
		usleep(20000 + race_random(&d->rng) % 100000);
	}
	sysfs_put(CPU1, "1");
	world_write("doe_mode", "normal");
	return NULL;
}

/* ---- a seed ---- */

static void *racer(void *arg)
{
	struct racer *t = arg;

	while (!t->r->stop) {
		race_op(t);
		if (one_in(t, 16))
			usleep(race_random(&t->rng) % 3000);
		else if (one_in(t, 4))
			sched_yield();
	}
	return NULL;
}

static int start(struct races *r, struct racer *t, unsigned int i)
{
	*t = (struct racer) {
		.r = r, .actor = i, .rng = r->seed * 0x10001 + i,
		.attest = calloc(1, sizeof(*t->attest)),
	};
	return t->attest ? -pthread_create(&t->thread, NULL, racer, t) : -ENOMEM;
}

/* nothing can be put away: the kernel's own words, and the end */
static void __attribute__((noreturn)) hangs(struct races *r)
{
	static char tail[16384];
	char *line, *save;

	note("races: seed %llu: a thread hangs in the kernel",
	     (unsigned long long)r->seed);
	model_tail(r->model, tail, sizeof(tail));
	for (line = strtok_r(tail, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		note("%s", line);
	note("replay: make replay SEED=%llu VENDOR=%s",
	     (unsigned long long)r->seed, world.vendor->name);
	sysfs_put("/proc/sysrq-trigger", "w");
	exit(1);
}

/* as long as calls end nobody hangs; then each that is left has so long */
static void join(struct races *r, pthread_t thread)
{
	struct timespec until;
	unsigned long ops;

	do {
		ops = r->ops;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += HANG_S;
		if (!pthread_timedjoin_np(thread, NULL, &until))
			return;
	} while (r->ops != ops);
	hangs(r);
}

static int run_threads(struct races *r)
{
	struct racer racers[NR_RACERS] = { 0 };
	struct trouble d = {
		.r = r, .racers = racers, .rng = r->seed ^ 0x5555,
	};
	pthread_t thread;
	int i, ret = 0;

	delays(r->seed, true);
	for (i = 0; !ret && i < NR_RACERS; i++)
		ret = start(r, &racers[i], i);
	if (!ret)
		ret = -pthread_create(&thread, NULL, trouble, &d);
	if (ret)
		r->stop = true;
	else
		join(r, thread);
	for (i = 0; i < NR_RACERS; i++) {
		if (racers[i].thread)
			join(r, racers[i].thread);
		free(racers[i].attest);
	}
	delays(r->seed, false);
	return ret;
}

static int run_seed(struct races *r)
{
	uint64_t begin = now_ms();
	int ret;

	/* with nobody at work; a DOE exchange has a second, and waits through this */
	r->slow_cpu = cpu_away(r, 0) > CPU_MS;
	/* the last seed may have ended with the link down */
	ret = world_prepare() ?: races_open(r);
	if (!ret)
		ret = run_threads(r) ?: races_settle(r);
	note("races.%s: seed %llu: %lu calls in %llu ms, the longest %llu ms, CPU off %lu times, at most %zu configurations%s%s",
	     world.vendor->name, (unsigned long long)r->seed, r->ops,
	     (unsigned long long)(now_ms() - begin),
	     (unsigned long long)r->longest_ms, r->offline,
	     r->model ? model_peak(r->model) : 0, r->shared ? ", one iommufd" : "",
	     r->two_vms ? ", two VMs" : "");
	races_close(r);
	return ret;
}

/* ---- all of them ---- */

FIXTURE(races)
{
	struct audit_base base;
	unsigned long met[MODEL_NR_OPS][NR_MEETINGS];
};

FIXTURE_SETUP(races)
{
	WORLD_OR_SKIP();
	AUDIT_BEGIN(&self->base);
	memset(self->met, 0, sizeof(self->met));
	/* falls are part of the game; those that nobody asked for are looked for here */
	self->base.trace = false;
}

FIXTURE_TEARDOWN(races)
{
	AUDIT_END(&self->base);
}

/* TDIs that fell to ERROR for another reason than that they were told to */
static int unasked_falls(void)
{
	char line[256];
	int falls = 0, fd;
	FILE *in;

	in = fopen(TRACE_FALLS, "re");
	if (!in)
		return 0;
	while (fgets(line, sizeof(line), in)) {
		if (!strstr(line, "teemu_fall") || strstr(line, "debugfs"))
			continue;
		line[strcspn(line, "\n")] = 0;
		note("races: %s", line);
		falls++;
	}
	fclose(in);
	/* those of this seed are not the next one's */
	fd = open(TRACE_FALLS, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return falls;
}

static void add_up(FIXTURE_DATA(races) *self, const struct races *r)
{
	int op, i;

	for (op = 0; op < MODEL_NR_OPS; op++)
		for (i = 0; i < NR_MEETINGS; i++)
			self->met[op][i] += r->met[op][i];
}

/* what these do is only possible where nothing is bound */
static bool needs_bound(enum model_op op)
{
	switch (op) {
	case MODEL_OPEN:
	case MODEL_DRIVER_BIND:
	case MODEL_REPLUG:
	case MODEL_QUEUE_NEW:
	case MODEL_RETRY:
	case MODEL_LOW_POWER:
		return false;
	case MODEL_REQ_STOP:
		return !strcmp(world.vendor->name, "sev");
	default:
		return true;
	}
}

/* the table; how many calls never met what they are there for */
static int never_met(FIXTURE_DATA(races) *self)
{
	unsigned long *met;
	int op, missing = 0;

	note("%-14s %9s %9s %9s %9s", "call", "unbound", "a bind", "bound",
	     "an unbind");
	for (op = 0; op < MODEL_NR_OPS; op++) {
		met = self->met[op];
		if (!met[0] && !met[1] && !met[2] && !met[3] && !needs_bound(op))
			continue;
		note("%-14s %9lu %9lu %9lu %9lu", model_op_name(op), met[0],
		     met[1], met[2], met[3]);
		if (needs_bound(op) && !met[MEETS_BOUND]) {
			note("races: %s has never met a bound TDI",
			     model_op_name(op));
			missing++;
		}
	}
	return missing;
}

static bool good_seed(FIXTURE_DATA(races) *self, struct races *r, unsigned long i)
{
	bool good = !run_seed(r) || r->late;

	add_up(self, r);
	if (unasked_falls() && !r->late)
		good = false;
	if (audit_look(&self->base))
		good = false;
	if (good && i % AUDIT_EVERY == AUDIT_EVERY - 1)
		good = !audit_end(&self->base);
	if (!good)
		note("races: seed %llu failed; replay: make replay SEED=%llu VENDOR=%s",
		     (unsigned long long)r->seed, (unsigned long long)r->seed,
		     world.vendor->name);
	return good;
}

TEST_F_TIMEOUT(races, seeds, PROVE_TIMEOUT)
{
	unsigned long seed = env_number("SEED", time(NULL) % 1000000000);
	unsigned long seeds = env_number("SEEDS", prove_full() ? FULL_SEEDS :
								 SLICE_SEEDS);
	/* a seed that is replayed is as long as it was */
	unsigned long ops = env_number("OPS", getenv("TDI_PROVE") ? FULL_OPS :
								   SLICE_OPS);
	struct prove p = { .part = "races", .planned = seeds * ops };
	unsigned long i, late = 0;
	bool good = true;

	note("races.%s: seeds %lu to %lu, %lu calls each", world.vendor->name, seed,
	     seed + seeds - 1, ops);
	for (i = 0; good && i < seeds;) {
		struct races r = {
			.seed = seed + i, .limit = ops,
			.shared = (seed + i) % 3 == 0,
			.two_vms = (seed + i) % 2,
		};

		good = good_seed(self, &r, i);
		late += r.late;
		if (r.late && good) {
			good = late <= 1 + seeds / MAX_LATE;
			if (good)
				continue;	/* once more */
			note("races: the device is late too often, nothing can be said");
		}
		p.failed += !good;
		/* the last of a seed's calls are made when it is over already */
		p.run += r.ops < ops ? r.ops : ops;
		i++;
	}
	note("proof races %s planned=%lu run=%lu failed=%lu seeds=%lu late=%lu",
	     world.vendor->name, p.planned, p.run, p.failed, i, late);
	EXPECT_TRUE(good);
	i = never_met(self);
	if (prove_full())
		EXPECT_EQ(0, i);
}

TVM_MAIN
