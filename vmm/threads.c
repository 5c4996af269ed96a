// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread for each vCPU: the process's first for vCPU 0, one of its own for each of
 * the others. The first failure of one, or a signal, stops all of them.
 *
 * A vCPU is stopped by immediate_exit and a signal: the one is for a KVM_RUN that is
 * still to come, the other for one that is under way.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "tvmm.h"

/* what signal handlers need: whose vCPUs, and what came */
static struct tvmm *volatile signalled;
static volatile sig_atomic_t came;

static void kick(struct vcpu *v)
{
	int tid = __atomic_load_n(&v->tid, __ATOMIC_SEQ_CST);

	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	/* by number: a thread that has gone is no mistake then */
	if (tid)
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
}

static void stop_all(struct tvmm *t)
{
	unsigned int i;

	__atomic_store_n(&t->stopping, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < t->opt.nr_cpus; i++)
		kick(&t->vcpu[i]);
}

void vcpus_stop(struct tvmm *t, int ret)
{
	if (!t->result)
		t->result = ret;
	stop_all(t);
}

bool vcpus_stopping(struct tvmm *t)
{
	return __atomic_load_n(&t->stopping, __ATOMIC_SEQ_CST);
}

static void on_kick(int sig)
{
	(void)sig;
}

static void on_stop(int sig)
{
	struct tvmm *t = signalled;
	int err = errno;

	if (!came)
		came = sig;
	if (t)
		stop_all(t);
	errno = err;
}

/*
 * SIGALRM ends a run that takes too long, SIGTERM and SIGINT one that is not wanted
 * any more. They come to the first thread, which has no lock that it would need here.
 */
static void signals_catch(struct tvmm *t)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = SA_RESTART };
	struct sigaction wake = { .sa_handler = on_kick, .sa_flags = SA_RESTART };
	struct itimerval timer = { .it_value.tv_sec = t->opt.timeout };

	signalled = t;
	/* KVM_RUN answers EINTR to any of them, all else goes on */
	sigaction(SIGUSR1, &wake, NULL);
	sigaction(SIGALRM, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	if (t->opt.timeout)
		setitimer(ITIMER_REAL, &timer, NULL);
}

/* what comes now finds us on the way out */
static void signals_let_go(void)
{
	const struct itimerval none = { };

	setitimer(ITIMER_REAL, &none, NULL);
	signalled = NULL;
}

void signals_block(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, old);
}

void signals_restore(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

static void *vcpu_thread(void *arg)
{
	vcpu_loop(arg);
	return NULL;
}

/* all vCPUs but the first; how many were started is in @started */
static int start_threads(struct tvmm *t, unsigned int *started)
{
	sigset_t old;
	int ret = 0;

	signals_block(&old);
	for (*started = 1; *started < t->opt.nr_cpus; ++*started) {
		struct vcpu *v = &t->vcpu[*started];

		ret = pthread_create(&v->thread, NULL, vcpu_thread, v);
		if (ret)
			break;
	}
	signals_restore(&old);
	if (!ret)
		return 0;
	pthread_mutex_lock(&t->lock);
	vcpus_stop(t, report_failed(t, "exit", -ret, "thread of vCPU %u: %s",
				    *started, strerror(ret)));
	pthread_mutex_unlock(&t->lock);
	return -ret;
}

static bool all_done(struct tvmm *t)
{
	unsigned int i;

	for (i = 0; i < t->opt.nr_cpus; i++)
		if (!t->vcpu[i].done)
			return false;
	return true;
}

int vcpus_run(struct tvmm *t)
{
	unsigned int started;
	int ret;

	ret = events_watch(t) ?: progress_start(t);
	if (ret) {
		progress_stop(t);
		events_unwatch(t);
		return ret;
	}
	signals_catch(t);
	ret = start_threads(t, &started);
	if (!ret)
		vcpu_loop(&t->vcpu[0]);
	while (--started)
		pthread_join(t->vcpu[started].thread, NULL);
	signals_let_go();
	progress_stop(t);
	events_unwatch(t);
	/* a timer that rang while the last one left has ended nothing */
	if (t->result || !came || (came == SIGALRM && all_done(t)))
		return t->result;
	return came == SIGALRM ?
	       report_failed(t, "exit", -ETIMEDOUT, "out of time (%u s)",
			     t->opt.timeout) :
	       report_failed(t, "exit", -EINTR, "told to stop");
}
