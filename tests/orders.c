// SPDX-License-Identifier: GPL-2.0-only
/*
 * Close orders: a VMM with a bound TDI drops what holds it, in every order that the
 * kernel can tell from another, in every state; files that another process has too;
 * KVM's worker thread as the last that has anything. Everywhere the device is unbound
 * at the close that takes its last hold, not before and not after, and so is
 * everything else that can be seen: model/files.h says what happens when.
 *
 *	ORDERS_SEED=n		the members of the classes that seed n chooses
 *	ORDERS_MEMBERS=n	so many members of each class, for volume
 *	ORDERS_ONE=VMDIEKCRGBP.RUN	this order in this state, nothing else
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "harness.h"
#include "orders_life.h"
#include "prove.h"
#include "raw.h"
#include "trail.h"

#define LIFE_MS		60000	/* for a whole one */
#define SLICE		24	/* lives of the classes in make check */
#define DEEP_EVERY	40	/* lives; then the function is bound once more */

/* one for the whole program, whose tests run in processes of their own */
static void __attribute__((constructor)) choose_seed(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", (unsigned int)(now_ms() & 0xffffff));
	setenv("ORDERS_SEED", text, 0);
}

static unsigned int first_seed(void)
{
	return strtoul(getenv("ORDERS_SEED"), NULL, 10);
}

/* ---- one life ---- */

/* the child's exit code, other than 0 */
enum { LIFE_WRONG = 1, LIFE_TOO_LATE };

/* a life whose DMA was over too early is lived again, so often */
#define MAX_TRIES	4

/* in the child: its exit code */
static int live(const uint8_t order[NR_HOLDS], enum life_state state)
{
	unsigned int dropped = 0, before, after, i;
	char text[NR_HOLDS + 1], where[64];
	struct life l;

	model_order_text(order, text);
	if (life_begin(&l, 0, state))
		return LIFE_WRONG;
	for (i = 0; i < NR_HOLDS; i++) {
		before = model_after(dropped);
		dropped |= 1U << order[i];
		after = model_after(dropped);
		snprintf(where, sizeof(where), "%s.%s after %.*s", text,
			 life_state_names[state], i + 1, text);
		/* it is now or never that DMA in flight meets its end */
		if (state == LIFE_DMA && !(before & LIFE_STOPS_DMA) &&
		    after & LIFE_STOPS_DMA && !life_dma_runs(&l)) {
			note("%s: DMA was over before: no proof", where);
			return LIFE_TOO_LATE;
		}
		life_drop(&l, order[i]);
		if (life_look(&l, after, where))
			return LIFE_WRONG;
	}
	return 0;
}

/* the child's status, -1: it had to be killed */
static int reap(pid_t pid)
{
	uint64_t end = now_ms() + LIFE_MS;
	int status = 0;
	pid_t ret;

	while (!(ret = waitpid(pid, &status, WNOHANG)) && now_ms() < end)
		sleep_ms(1);
	if (ret == pid)
		return status;
	note("a life does not end");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

/* the child's exit code, or -errno */
static int try_life(const uint8_t order[NR_HOLDS], enum life_state state)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(live(order, state));
	if (pid < 0)
		return -errno;
	status = reap(pid);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static bool one_life(const uint8_t order[NR_HOLDS], enum life_state state,
		     const struct audit_base *base, bool deep)
{
	char text[NR_HOLDS + 1];
	int tries = 0, ret;
	bool clean, good;

	do {
		ret = try_life(order, state);
		clean = !audit_look(base);
	} while (clean && ret == LIFE_TOO_LATE && ++tries < MAX_TRIES);
	good = clean && !ret && !(deep && audit_end(base));
	if (!good) {
		model_order_text(order, text);
		note("failed: ORDERS_ONE=%s.%s", text, life_state_names[state]);
	}
	return good;
}

/* a whole set of lives, between the audit's two ends */
#define SET_TEST(name)	TEST_F_TIMEOUT(audited, name, PROVE_TIMEOUT)

/* ---- every class in every state ---- */

/* ORDERS_ONE: 1: it is in @order and @state; 0: it is not set; -1: nonsense */
static int only_one(uint8_t order[NR_HOLDS], int *state)
{
	const char *text = getenv("ORDERS_ONE");
	char first[NR_HOLDS + 1] = "";

	if (!text)
		return 0;
	strncat(first, text, NR_HOLDS);
	if (!model_order_parse(first, order) || text[NR_HOLDS] != '.')
		return -1;
	for (*state = 0; *state < NR_LIFE_STATES; ++*state)
		if (!strcmp(text + NR_HOLDS + 1, life_state_names[*state]))
			return 1;
	return -1;
}

static unsigned long members(void)
{
	const char *text = getenv("ORDERS_MEMBERS");
	unsigned long n = text ? strtoul(text, NULL, 10) : 1;

	return n ?: 1;
}

/* the @i-th of p->planned lives: evenly spread over the classes, all states in turn */
static void one_of_class(struct prove *p, const struct model *m, unsigned long i,
			 const struct audit_base *base)
{
	unsigned int seed = first_seed() + i * 2654435761U;
	unsigned long classes = m->nr * (prove_full() ? members() : 1);
	unsigned long nr = i * classes / p->planned;
	const struct model_trace *t;
	uint8_t order[NR_HOLDS];
	bool good;

	/* a full set begins anywhere, a slice too: another seed, other classes */
	t = &m->trace[(nr + first_seed()) % m->nr];
	good = model_pick(t, &seed, order) == t->orders &&
	       one_life(order, i % NR_LIFE_STATES, base,
			i % DEEP_EVERY == DEEP_EVERY - 1);
	prove_count(p, good);
}

SET_TEST(every_order)
{
	struct prove p = { .part = "orders" };
	uint8_t order[NR_HOLDS];
	struct model m;
	unsigned long i;
	int state, one;

	one = only_one(order, &state);
	ASSERT_LE(0, one)
		note("ORDERS_ONE=order.state, say VMDIEKCRGBP.RUN");
	if (one) {
		EXPECT_TRUE(one_life(order, state, &self->base, true));
		return;
	}
	ASSERT_EQ(0, model_all(&m));
	note("%d holds, %lu orders, %u distinct sequences of releases, %d states",
	     NR_HOLDS, m.orders, m.nr, NR_LIFE_STATES);
	note("ORDERS_SEED=%u", first_seed());
	p.planned = prove_full() ? members() * m.nr * NR_LIFE_STATES : SLICE;
	for (i = 0; i < p.planned; i++)
		one_of_class(&p, &m, i, &self->base);
	model_free(&m);
	prove_report(&p);
	EXPECT_EQ(0, p.failed);
	EXPECT_EQ(p.planned, p.run);
}

/* ---- two processes: the VMM, and one that has what it has ---- */

/*
 * The VMM is a child that does what it is told by a byte: '0'... a life in that state,
 * a model's letter to drop that hold, and these.
 */
enum vmm_op {
	VMM_FORK = 'f',		/* its heir has everything too: the heir's pid */
	VMM_VCPU = 'w',		/* its vCPU runs, and so KVM has its worker */
	VMM_QUIT = 'q',		/* its only thread ends; no answer */
};

/**
 * struct pair - a VMM, and this process as the other one
 * @vmm: the VMM
 * @heir: a child of the VMM's, where there is one
 * @heir_to, @heir_from: pipes for it, made before the VMM
 * @l: the life, in memory that all of them see
 * @fd, @map: what this process has itself, by hold; -1, NULL: nothing
 * @copies: holds that this process or the heir has, a mask
 * @dropped: holds that the VMM has no more, a mask
 * @what: of the case, for messages
 */
struct pair {
	struct child vmm;
	struct child heir;
	int heir_to[2], heir_from[2];
	struct life *l;
	int fd[NR_HOLDS];
	void *map[NR_HOLDS];
	unsigned int copies;
	unsigned int dropped;
	char what[96];
};

static struct pair pair;

static void __attribute__((noreturn)) heir_main(void);

/* in the VMM, and in its heir */
static int serve(struct vm *vm, struct fn *fn, int op, int to)
{
	const char *letter = strchr(model_letters, op);
	uint32_t value;
	pid_t pid;

	(void)vm;
	(void)fn;
	(void)to;
	if (op >= '0' && op < '0' + NR_LIFE_STATES)
		return life_begin(pair.l, 0, op - '0');
	if (letter) {
		life_drop(pair.l, letter - model_letters);
		return 0;
	}
	switch (op) {
	case VMM_FORK:
		pid = fork();
		if (!pid)
			heir_main();
		return pid < 0 ? -errno : pid;
	case VMM_VCPU:
		return vm_read32(&pair.l->vm, VM_WINDOW_GPA, &value);
	case VMM_QUIT:
		syscall(SYS_exit, 0);
	}
	return -EINVAL;
}

static void heir_main(void)
{
	int ret = 0;
	char op;

	/* or it would not see the end of them */
	close(pair.heir_to[1]);
	close(pair.heir_from[0]);
	while (write(pair.heir_from[1], &ret, sizeof(ret)) == sizeof(ret) &&
	       read(pair.heir_to[0], &op, 1) == 1 && op != CHILD_EXIT)
		ret = serve(NULL, NULL, op, 0);
	_exit(0);
}

static int pair_begin(enum life_state state)
{
	int ret;

	memset(&pair, 0, sizeof(pair));
	memset(pair.fd, -1, sizeof(pair.fd));
	memset(pair.heir_to, -1, sizeof(pair.heir_to));
	memset(pair.heir_from, -1, sizeof(pair.heir_from));
	pair.l = mmap(NULL, sizeof(*pair.l), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pair.l == MAP_FAILED || pipe(pair.heir_to) || pipe(pair.heir_from))
		return -errno;
	ret = child_start(&pair.vmm, world.vendor->name, 0, serve);
	/* the VMM has them, and its heir will have them from it */
	close(pair.heir_to[0]);
	close(pair.heir_from[1]);
	return ret ?: child_tell(&pair.vmm, '0' + state);
}

static void pair_forget(enum model_hold hold)
{
	if (pair.map[hold])
		munmap(pair.map[hold], pair.l->map_size[hold]);
	if (pair.fd[hold] >= 0)
		close(pair.fd[hold]);
	pair.map[hold] = NULL;
	pair.fd[hold] = -1;
	pair.copies &= ~(1U << hold);
}

/* complete from any half-way state */
static void pair_end(void)
{
	int hold;

	if (pair.vmm.pid > 0)
		child_kill(&pair.vmm);
	for (hold = 0; hold < NR_HOLDS; hold++)
		pair_forget(hold);
	/* the heir sees that nobody will tell it anything */
	close(pair.heir_to[1]);
	close(pair.heir_from[0]);
	munmap(pair.l, sizeof(*pair.l));
	pair.vmm.pid = 0;
	life_look_no_more();
}

/* the VMM's file @hold, in our table: as if it had been passed over a socket */
static int take_file(enum model_hold hold)
{
	int pidfd = syscall(SYS_pidfd_open, pair.vmm.pid, 0), fd;

	if (pidfd < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, pidfd, pair.l->fd[hold], 0);
	close(pidfd);
	return fd < 0 ? failed(-errno, "file %c", model_letters[hold]) : fd;
}

/* a mapping of our own: of a file that we have for so long */
static int take_map(enum model_hold hold)
{
	int fd = take_file(hold == HOLD_BAR ? HOLD_DEVICE : HOLD_VCPU);
	void *map;

	if (fd < 0)
		return fd;
	map = mmap(NULL, pair.l->map_size[hold], PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return failed(-errno, "mapping %c", model_letters[hold]);
	pair.map[hold] = map;
	return 0;
}

static int take(unsigned int holds)
{
	int hold, ret = 0;

	for (hold = 0; hold < NR_HOLDS && ret >= 0; hold++) {
		if (!(holds & 1U << hold))
			continue;
		ret = pair.l->map[hold] ? take_map(hold) : take_file(hold);
		if (ret >= 0 && !pair.l->map[hold])
			pair.fd[hold] = ret;
		pair.copies |= 1U << hold;
	}
	return ret < 0 ? ret : 0;
}

/* through our copy of the iommufd: what a bind must answer, whoever asks */
static int bind_is_refused(unsigned int after)
{
	struct iommu_vdevice_tsm_op op = {
		.size = sizeof(op),
		.type = IOMMU_VDEVICE_TSM_BIND,
		.vdevice_id = pair.l->vdevice_id,
	};
	int must = after & DID_DEVICE ? ENOENT : EBUSY, err;

	err = raw_ioctl(pair.fd[HOLD_IOMMU], IOMMU_VDEVICE_TSM_OP, &op);
	if (err == must)
		return 0;
	return failed(-EUCLEAN, "%s: bind: errno %d, must be %d", pair.what, err,
		      must);
}

/* 0: all is as it must be when nobody has what the VMM dropped and we do not have */
static int pair_look(const char *when)
{
	unsigned int after = model_after(pair.dropped & ~pair.copies);
	char where[160];

	snprintf(where, sizeof(where), "%s, %s", pair.what, when);
	if (life_look(pair.l, after, where))
		return -EUCLEAN;
	if (pair.fd[HOLD_IOMMU] < 0)
		return 0;
	/* nor does the attempt change anything */
	return bind_is_refused(after) ?:
	       life_look(pair.l, after, where) ? -EUCLEAN : 0;
}

/* the VMM drops the first @nr holds of an order */
static int vmm_drops(const uint8_t order[NR_HOLDS], int nr)
{
	char when[32];
	int i, ret = 0;

	for (i = 0; !ret && i < nr; i++) {
		ret = child_tell(&pair.vmm, model_letters[order[i]]);
		pair.dropped |= 1U << order[i];
		snprintf(when, sizeof(when), "VMM drops %c",
			 model_letters[order[i]]);
		ret = ret ?: pair_look(when);
	}
	return ret;
}

/* dead, with all that it had */
static int vmm_dies(void)
{
	int ret = child_kill(&pair.vmm);

	pair.vmm.pid = 0;
	pair.dropped = ALL_HOLDS;
	return ret ?: pair_look("VMM is dead");
}

static int vmm_ends(void)
{
	int ret = child_end(&pair.vmm);

	pair.vmm.pid = 0;
	return ret ?: pair_look("VMM has ended");
}

/* what we have goes, in the same order */
static int copies_drop(const uint8_t order[NR_HOLDS])
{
	char when[32];
	int i, ret = 0;

	for (i = 0; !ret && i < NR_HOLDS; i++) {
		if (!(pair.copies & 1U << order[i]))
			continue;
		pair_forget(order[i]);
		snprintf(when, sizeof(when), "copy of %c is dropped",
			 model_letters[order[i]]);
		ret = pair_look(when);
	}
	return ret;
}

/* any order, all with the same probability */
static void any_order(unsigned int *seed, uint8_t order[NR_HOLDS])
{
	int i, j;

	for (i = 0; i < NR_HOLDS; i++) {
		j = rand_r(seed) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
}

static int run_copies(enum life_state state, unsigned int holds, bool killed,
		      unsigned int seed)
{
	uint8_t order[NR_HOLDS];
	char text[NR_HOLDS + 1];
	int before, ret;

	any_order(&seed, order);
	model_order_text(order, text);
	/* how far the VMM comes before it is killed */
	before = killed ? rand_r(&seed) % NR_HOLDS : NR_HOLDS;
	ret = pair_begin(state) ?: take(holds);
	snprintf(pair.what, sizeof(pair.what), "copies %#x, %s.%s%s", holds, text,
		 life_state_names[state], killed ? ", killed" : "");
	ret = ret ?: pair_look("copied") ?: vmm_drops(order, before) ?:
	      (killed ? vmm_dies() : vmm_ends()) ?: copies_drop(order);
	pair_end();
	return ret;
}

/*
 * Each hold in another process too. If the VMM is killed that is all the other has; if
 * it closes everything itself the other has the iommufd as well, and tries to bind
 * after each close. The last two: the iommufd alone, all of them.
 */
#define NR_COPIES	(2 * (NR_HOLDS + 1))

static int copies_case(unsigned long nr, enum life_state state, unsigned int seed)
{
	bool killed = nr % 2;
	unsigned int hold = nr / 2;

	if (hold == NR_HOLDS)
		return run_copies(state, ALL_HOLDS, killed, seed);
	return run_copies(state, 1U << hold | (killed ? 0 : HOLD(IOMMU)), killed,
			  seed);
}

/* the heir has what its parent had, mappings too */
static int heir_case(unsigned long nr, enum life_state state, unsigned int seed)
{
	uint8_t order[NR_HOLDS];
	char text[NR_HOLDS + 1], when[32];
	int i, ret, answer = 0;

	any_order(&seed, order);
	model_order_text(order, text);
	ret = pair_begin(state);
	if (!ret) {
		ret = child_tell(&pair.vmm, VMM_FORK);
		pair.heir = (struct child) {
			.pid = ret, .to = pair.heir_to[1], .from = pair.heir_from[0],
		};
		pair.copies = ALL_HOLDS;
	}
	snprintf(pair.what, sizeof(pair.what), "heir, %s.%s%s", text,
		 life_state_names[state], nr ? ", killed" : "");
	ret = ret < 0 ? ret : child_answer(&pair.heir, &answer, CHILD_MS);
	ret = ret ?: pair_look("inherited") ?:
	      (nr ? vmm_dies() : vmm_drops(order, NR_HOLDS) ?: vmm_ends());
	for (i = 0; !ret && i < NR_HOLDS; i++) {
		ret = child_tell(&pair.heir, model_letters[order[i]]);
		pair.copies &= ~(1U << order[i]);
		snprintf(when, sizeof(when), "heir drops %c",
			 model_letters[order[i]]);
		ret = ret ?: pair_look(when);
	}
	if (pair.heir.pid > 0)
		child_order(&pair.heir, CHILD_EXIT);
	pair_end();
	return ret;
}

#define NR_HEIRS	2

/* ---- KVM's worker is the last ---- */

/* the thread of the VMM's that is not its first, -1: there is none or more than one */
static pid_t find_worker(pid_t pid)
{
	struct dirent *e;
	pid_t tid, worker = -1;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		tid = atoi(e->d_name);
		if (tid > 0 && tid != pid)
			worker = worker < 0 ? tid : -1;
	}
	if (dir)
		closedir(dir);
	return worker;
}

static bool is_zombie(pid_t pid)
{
	char path[64], line[256] = "", *s;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	in = fopen(path, "re");
	if (!in)
		return false;
	s = fgets(line, sizeof(line), in);
	fclose(in);
	/* the state stands behind the name */
	s = s ? strrchr(s, ')') : NULL;
	return s && s[1] == ' ' && s[2] == 'Z';
}

/* the VMM's own thread is gone, and all of its files; KVM's worker has its memory */
static int vmm_quits(pid_t worker)
{
	uint64_t end = now_ms() + LIFE_MS;
	int ret;

	/* whose memory it is, for what is pinned of it */
	pair.l->pid = worker;
	ret = child_order(&pair.vmm, VMM_QUIT);
	while (!ret && !is_zombie(pair.vmm.pid)) {
		if (now_ms() > end)
			return failed(-ETIMEDOUT, "the VMM's thread");
		sleep_ms(1);
	}
	return ret;
}

/* KVM starts its worker at the first KVM_RUN; then all mappings but @rest go */
static int start_worker(unsigned int rest, pid_t *worker)
{
	static const enum model_hold maps[] = { HOLD_BAR, HOLD_RUN };
	int ret, i;

	ret = child_tell(&pair.vmm, VMM_VCPU);
	for (i = 0; !ret && i < 2; i++)
		if (!(rest & 1U << maps[i]))
			ret = child_tell(&pair.vmm, model_letters[maps[i]]);
	*worker = find_worker(pair.vmm.pid);
	return ret ?: *worker < 0 ? failed(-ESRCH, "KVM's worker") : 0;
}

/* by the trace: @event with @word was @tid's doing, and nobody else's: 0 */
static int done_by(pid_t tid, const char *event, const char *word)
{
	char line[512], name[64], who[32];
	int its = 0, others = 0;
	FILE *in;

	snprintf(name, sizeof(name), " %s: ", event);
	snprintf(who, sizeof(who), "-%d ", tid);
	in = fopen(TRAIL "/trace", "re");
	while (in && fgets(line, sizeof(line), in)) {
		if (line[0] == '#' || !strstr(line, name) || !strstr(line, word))
			continue;
		if (strstr(line, who))
			its++;
		else
			others++;
	}
	if (in)
		fclose(in);
	if (its && !others)
		return 0;
	return failed(-EUCLEAN, "%s: %s %s: %d by the worker, %d by others",
		      pair.what, event, word, its, others);
}

/*
 * The VMM's only thread ends while KVM's worker lives: files go with the one, memory
 * stays with the other, and in it the mappings in @rest. Then the process is killed,
 * and what the mappings held is released by the worker, the VM that it belongs to
 * among it.
 */
static int worker_case(unsigned long nr, enum life_state state, unsigned int seed)
{
	static const unsigned int rests[] = {
		HOLD(BAR) | HOLD(RUN), HOLD(BAR), HOLD(RUN),
	};
	unsigned int rest = rests[nr];
	uint8_t order[NR_HOLDS];
	pid_t worker = -1;
	int ret;

	any_order(&seed, order);
	ret = pair_begin(state) ?: take(HOLD(IOMMU));
	snprintf(pair.what, sizeof(pair.what), "worker has %#x, %s", rest,
		 life_state_names[state]);
	ret = ret ?: start_worker(rest, &worker) ?: vmm_quits(worker);
	pair.dropped = ALL_HOLDS & ~rest;
	ret = ret ?: pair_look("the VMM's thread has ended") ?: trail_clear() ?:
	      vmm_dies() ?: copies_drop(order);
	if (!ret && rest & HOLD(BAR))
		ret = done_by(worker, TRAIL_STATE, "-> UNBINDING");
	ret = ret ?: done_by(worker, "kvm_vfio_dmabuf_slot", "freed");
	pair_end();
	return ret;
}

#define NR_WORKERS	3

/* ---- the sets ---- */

typedef int (*case_t)(unsigned long nr, enum life_state state, unsigned int seed);

/* @nr cases in each state; of a slice one state for each case */
static void run_cases(struct __test_metadata *_metadata,
		      const struct audit_base *base, case_t run, unsigned long nr)
{
	unsigned int per_case = prove_full() ? NR_LIFE_STATES : 1, seed;
	struct prove p = { .part = "orders", .planned = nr * per_case };
	unsigned long i, state;
	bool good;

	note("ORDERS_SEED=%u", first_seed());
	for (i = 0; i < p.planned; i++) {
		seed = first_seed() + i * 2654435761U;
		state = per_case == 1 ? (i + first_seed()) % NR_LIFE_STATES :
			i % NR_LIFE_STATES;
		good = !run(i / per_case, state, seed);
		good = !audit_look(base) && good;
		if (!good)
			note("failed: case %lu in %s", i / per_case,
			     life_state_names[state]);
		prove_count(&p, good);
	}
	prove_report(&p);
	EXPECT_EQ(0, p.failed);
	EXPECT_EQ(p.planned, p.run);
}

SET_TEST(another_process_has_copies)
{
	run_cases(_metadata, &self->base, copies_case, NR_COPIES);
}

SET_TEST(another_process_inherits_all)
{
	run_cases(_metadata, &self->base, heir_case, NR_HEIRS);
}

SET_TEST(kvm_worker_is_the_last)
{
	ASSERT_EQ(0, trail_begin());
	ASSERT_EQ(0, trail_enable("kvm", "kvm_vfio_dmabuf_slot", true));
	run_cases(_metadata, &self->base, worker_case, NR_WORKERS);
	trail_enable("kvm", "kvm_vfio_dmabuf_slot", false);
	trail_end();
}

TVM_MAIN
