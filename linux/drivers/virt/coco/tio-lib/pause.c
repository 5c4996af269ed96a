// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fault switch of every firmware model: the Nth call from now stays in the firmware
 * until its caller has been killed. So a test kills a VMM in the middle of any call
 * that its system calls make, and not only when it is lucky.
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/tio-fw.h>

#define PAUSE_MS	500	/* the longest that a call stays: interrupts are off */
#define PAUSE_STEP_US	20

static const char * const pause_name[] = {
	[TIO_PAUSE_IDLE]	= "idle",
	[TIO_PAUSE_ARMED]	= "armed",
	[TIO_PAUSE_PAUSED]	= "paused",
	[TIO_PAUSE_KILLED]	= "killed",
	[TIO_PAUSE_LATE]	= "late",
};

/* a task whose signals somebody can send, and that has not begun to go */
static bool is_killable(void)
{
	return in_task() && !fatal_signal_pending(current) &&
	       !(current->flags & (PF_KTHREAD | PF_USER_WORKER | PF_EXITING));
}

/**
 * tio_pause_here() - stay here, if this is the call that was to stay
 * @pause: the switch; the model's lock owns it
 *
 * Spins, since a call can be made in any context. Calls of tasks that nobody can kill
 * are not counted.
 *
 * Context: any, under the model's lock. Bounded by PAUSE_MS.
 */
void tio_pause_here(struct tio_pause *pause)
{
	ktime_t end;

	if (pause->state != TIO_PAUSE_ARMED || !is_killable() || --pause->nth)
		return;
	end = ktime_add_ms(ktime_get(), PAUSE_MS);
	WRITE_ONCE(pause->state, TIO_PAUSE_PAUSED);
	while (!fatal_signal_pending(current) && ktime_before(ktime_get(), end))
		udelay(PAUSE_STEP_US);
	WRITE_ONCE(pause->state, fatal_signal_pending(current) ?
		   TIO_PAUSE_KILLED : TIO_PAUSE_LATE);
}

/**
 * tio_pause() - set the switch
 * @ref: the referee
 * @nth: which call, 1 for the next; 0 clears the switch
 *
 * Context: any, takes the model's lock.
 */
void tio_pause(struct tio_referee *ref, u32 nth)
{
	guard(spinlock_irqsave)(ref->lock);
	ref->pause.nth = nth;
	WRITE_ONCE(ref->pause.state, nth ? TIO_PAUSE_ARMED : TIO_PAUSE_IDLE);
}
EXPORT_SYMBOL_GPL(tio_pause);

/**
 * tio_paused() - what has become of the call that was to stay
 * @ref: the referee
 *
 * Return: a constant word.
 * Context: any. Takes no lock: the call that stays has the model's.
 */
const char *tio_paused(const struct tio_referee *ref)
{
	return pause_name[READ_ONCE(ref->pause.state)];
}
EXPORT_SYMBOL_GPL(tio_paused);
