// SPDX-License-Identifier: GPL-2.0-only
/*
 * The referee of a firmware model: judges every call, counts, remembers the last
 * violation, and refuses on order of a fault switch. It knows no vendor: what there
 * is to call and what a status means is in the vendor's tables.
 */
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/tio-fw.h>

#define CREATE_TRACE_POINTS
#include <trace/events/tio_fw.h>

/* leaf numbers read well in decimal, function ids do not */
#define LAST_DECIMAL	999

static const char * const by_name[] = {
	[TIO_BY_HOST]		= "host",
	[TIO_BY_GUEST]		= "guest",
	[TIO_BY_SERVICE]	= "service",
};

static const char * const area_name[] = {
	[TIO_AREA_LINK]		= "link",
	[TIO_AREA_TVM]		= "tvm",
	[TIO_AREA_MEM]		= "mem",
	[TIO_AREA_TDI]		= "tdi",
	[TIO_AREA_MMIO]		= "mmio",
	[TIO_AREA_DMA]		= "dma",
};

static const struct tio_call *find_call(const struct tio_personality *who, u32 nr)
{
	for (size_t i = 0; i < who->nr_calls; i++)
		if (who->calls[i].nr == nr)
			return &who->calls[i];
	return NULL;
}

static const struct tio_status *find_status(const struct tio_personality *who,
					    u64 status)
{
	for (size_t i = 0; i < who->nr_status; i++)
		if (who->status[i].code == (status & who->status_mask))
			return &who->status[i];
	return NULL;
}

/* success is the first of the table, and 0 with every vendor */
static bool is_success(const struct tio_personality *who, u64 status)
{
	return (status & who->status_mask) == who->status[0].code;
}

/* what a host that makes no mistake meets too; never a status nobody declared */
static bool is_normal(const struct tio_personality *who, u64 status)
{
	const struct tio_status *found = find_status(who, status);

	return found && found->normal;
}

/**
 * tio_call_name() - name of a call, for people
 * @who: the vendor's tables
 * @nr: the vendor's number
 *
 * Return: a constant string, NULL if the model has no such call.
 * Context: any.
 */
const char *tio_call_name(const struct tio_personality *who, u32 nr)
{
	const struct tio_call *call = find_call(who, nr);

	return call ? call->name : NULL;
}
EXPORT_SYMBOL_GPL(tio_call_name);

/**
 * tio_status_name() - name of a status, for people
 * @who: the vendor's tables
 * @status: as a call answered it, with operand bits
 *
 * Return: a constant string, NULL if the model answers no such status.
 * Context: any.
 */
const char *tio_status_name(const struct tio_personality *who, u64 status)
{
	const struct tio_status *found = find_status(who, status);

	return found ? found->name : NULL;
}
EXPORT_SYMBOL_GPL(tio_status_name);

/**
 * tio_referee_init() - a referee without memories
 * @ref: the referee
 * @who: the vendor's tables, which outlive it
 * @lock: the model's lock, initialized
 *
 * Return: 0, for tio_referee_exit(); -ENOMEM.
 * Context: process, may sleep.
 */
int tio_referee_init(struct tio_referee *ref, const struct tio_personality *who,
		     spinlock_t *lock)
{
	*ref = (struct tio_referee) {
		.who = who,
		.lock = lock,
		.seen = "none",
		.count = kcalloc(who->nr_calls, sizeof(*ref->count), GFP_KERNEL),
	};
	return ref->count ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_GPL(tio_referee_init);

/**
 * tio_referee_exit() - undo tio_referee_init()
 * @ref: the referee, or one of zeroes; nobody asks it any more
 *
 * Context: any.
 */
void tio_referee_exit(struct tio_referee *ref)
{
	kfree(ref->count);
	ref->count = NULL;
}
EXPORT_SYMBOL_GPL(tio_referee_exit);

static struct tio_fault *find_fault(struct tio_referee *ref, u32 nr)
{
	for (int i = 0; i < TIO_MAX_FAULTS; i++)
		if (ref->faults[i].count && ref->faults[i].nr == nr)
			return &ref->faults[i];
	return NULL;
}

/**
 * tio_begin() - the start of a call
 * @ref: the referee
 * @nr: which call
 *
 * Return: 0; or the status of a fault switch, and the call must do nothing.
 * Context: any, under the model's lock until the call was judged.
 */
u64 tio_begin(struct tio_referee *ref, u32 nr)
{
	const struct tio_call *call = find_call(ref->who, nr);
	struct tio_fault *fault;

	lockdep_assert_held(ref->lock);
	ref->blame = call && call->by == TIO_BY_GUEST ? TIO_BLAME_GUEST :
							TIO_BLAME_HOST;
	ref->seen = "none";
	ref->began = trace_fw_call_enabled() ? ktime_get_mono_fast_ns() : 0;
	tio_pause_here(&ref->pause);
	fault = find_fault(ref, nr);
	if (!fault)
		return 0;
	if (fault->skip) {
		fault->skip--;
		return 0;
	}
	fault->count--;
	return tio_refuse_as(ref, TIO_BLAME_INJECTED, fault->status);
}
EXPORT_SYMBOL_GPL(tio_begin);

/**
 * tio_refuse_as() - somebody else than the caller is to blame
 * @ref: the referee
 * @blame: who it is
 * @status: of the call in progress
 *
 * Return: @status.
 * Context: any, under the model's lock.
 */
u64 tio_refuse_as(struct tio_referee *ref, enum tio_blame blame, u64 status)
{
	lockdep_assert_held(ref->lock);
	ref->blame = blame;
	return status;
}
EXPORT_SYMBOL_GPL(tio_refuse_as);

static void trace_call(const struct tio_referee *ref, const struct tio_call *call,
		       u64 object, u64 status, bool violation)
{
	const char *answer = tio_status_name(ref->who, status);

	trace_fw_call(ref->who, call, object, ref->seen, status, answer ?: "?",
		      violation,
		      ref->began ? ktime_get_mono_fast_ns() - ref->began : 0);
}

/**
 * tio_judge() - the end of a call
 * @ref: the referee
 * @nr: which call
 * @object: what it was about, a number of the vendor's
 * @status: what the caller gets
 *
 * Return: @status.
 * Context: any, under the model's lock.
 */
u64 tio_judge(struct tio_referee *ref, u32 nr, u64 object, u64 status)
{
	const struct tio_call *call = find_call(ref->who, nr);
	bool violation = ref->blame == TIO_BLAME_HOST &&
			 !is_normal(ref->who, status);

	lockdep_assert_held(ref->lock);
	ref->calls++;
	if (!WARN_ON_ONCE(!call))
		ref->count[call - ref->who->calls]++;
	if (!is_success(ref->who, status))
		ref->refused++;
	if (violation) {
		ref->violations++;
		ref->last = (struct tio_violation) {
			.nr = nr,
			.object = object,
			.status = status,
			.state = ref->seen,
		};
	}
	if (trace_fw_call_enabled())
		trace_call(ref, call, object, status, violation);
	return status;
}
EXPORT_SYMBOL_GPL(tio_judge);

/**
 * tio_violations() - how many mistakes the host made so far
 * @ref: the referee
 *
 * Return: calls that were refused and that a correct host never makes.
 * Context: any, takes the model's lock.
 */
u64 tio_violations(struct tio_referee *ref)
{
	guard(spinlock_irqsave)(ref->lock);
	return ref->violations;
}
EXPORT_SYMBOL_GPL(tio_violations);

/**
 * tio_calls() - how many calls of one kind there were
 * @ref: the referee
 * @area: what they are about
 *
 * Return: calls of anybody, answered whatever.
 * Context: any, takes the model's lock.
 */
u64 tio_calls(struct tio_referee *ref, enum tio_area area)
{
	u64 sum = 0;

	guard(spinlock_irqsave)(ref->lock);
	for (size_t i = 0; i < ref->who->nr_calls; i++)
		if (ref->who->calls[i].area == area)
			sum += ref->count[i];
	return sum;
}
EXPORT_SYMBOL_GPL(tio_calls);

/**
 * tio_refuse() - fault switch
 * @ref: the referee
 * @nr: the call that it is for; several calls can have a switch at once
 * @status: its answer; one of the model's own, not success
 * @skip: so many calls pass before
 * @count: so many calls are refused, changing nothing; 0 clears the switch
 *
 * Return: 0; -EINVAL: no such call, or the model answers no such status; -ENOSPC:
 * TIO_MAX_FAULTS calls have one.
 * Context: any, takes the model's lock.
 */
int tio_refuse(struct tio_referee *ref, u32 nr, u64 status, u32 skip, u32 count)
{
	struct tio_fault *fault;

	if (!find_call(ref->who, nr))
		return -EINVAL;
	if (count && (is_success(ref->who, status) ||
		      !find_status(ref->who, status)))
		return -EINVAL;
	guard(spinlock_irqsave)(ref->lock);
	fault = find_fault(ref, nr);
	for (int i = 0; !fault && i < TIO_MAX_FAULTS; i++)
		if (!ref->faults[i].count)
			fault = &ref->faults[i];
	if (!fault)
		return count ? -ENOSPC : 0;
	*fault = (struct tio_fault) {
		.nr = nr,
		.status = status,
		.skip = skip,
		.count = count,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tio_refuse);

/**
 * tio_referee_show() - print the counters and the last violation
 * @ref: the referee
 * @m: where to
 *
 * Context: process, takes the model's lock.
 */
void tio_referee_show(struct tio_referee *ref, struct seq_file *m)
{
	struct tio_violation last;
	u64 calls, refused, violations;

	scoped_guard(spinlock_irqsave, ref->lock) {
		calls = ref->calls;
		refused = ref->refused;
		violations = ref->violations;
		last = ref->last;
	}
	seq_printf(m, "calls %llu\nrefused %llu\nviolations %llu\n", calls,
		   refused, violations);
	if (violations)
		seq_printf(m, "last %s object %#llx state %s status %#llx\n",
			   tio_call_name(ref->who, last.nr), last.object,
			   last.state, last.status);
}
EXPORT_SYMBOL_GPL(tio_referee_show);

/* "call NR NAME BY AREA BASIS COUNT NOTE" */
static void show_call(struct tio_referee *ref, size_t i, struct seq_file *m)
{
	const struct tio_call *call = &ref->who->calls[i];
	u64 count;

	scoped_guard(spinlock_irqsave, ref->lock)
		count = ref->count[i];
	seq_printf(m, call->nr > LAST_DECIMAL ? "call\t%#x" : "call\t%u",
		   call->nr);
	seq_printf(m, "\t%s\t%s\t%s\t%c\t%llu\t%s\n", call->name,
		   by_name[call->by], area_name[call->area], call->basis, count,
		   call->note);
}

/**
 * tio_calls_show() - print the vendor's tables
 * @ref: the referee
 * @m: where to
 *
 * One line each, fields separated by tabs: every call, with how often it was made;
 * every status; what the model leaves out.
 *
 * Context: process, takes the model's lock.
 */
void tio_calls_show(struct tio_referee *ref, struct seq_file *m)
{
	const struct tio_personality *who = ref->who;

	for (size_t i = 0; i < who->nr_calls; i++)
		show_call(ref, i, m);
	for (size_t i = 0; i < who->nr_status; i++)
		seq_printf(m, "status\t%#llx\t%s\t%s\n", who->status[i].code,
			   who->status[i].name,
			   who->status[i].normal ? "normal" : "error");
	for (const char * const *text = who->left_out; text && *text; text++)
		seq_printf(m, "left_out\t%s\n", *text);
}
EXPORT_SYMBOL_GPL(tio_calls_show);

MODULE_DESCRIPTION("What the firmware models of the emulated TEE-I/O platform share");
MODULE_LICENSE("GPL");
