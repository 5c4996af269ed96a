// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: /sys/kernel/debug/teemu/delay: time that passes at the tracepoints of bind,
 * unbind and gate, so that what races with them comes in the middle.
 *
 * Write "<tracepoint> <us> <seed>": whoever comes by there waits for up to <us>
 * microseconds (at most MAX_US), by a sequence that <seed> begins; 0: no more. Reads
 * back, for each, its name, the microseconds and how many have waited.
 *
 * Nothing outside of this file knows of it: the waiting is a probe of the tracepoint,
 * as a tracer's is. Under a spinning lock it spins, elsewhere it sleeps.
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <trace/events/pci_tdi.h>
#include <trace/events/teemu.h>

#include "rc.h"

#define MAX_US		20000
#define MAX_SPIN_US	1000
#define MAX_LINE	64

/**
 * struct teemu_point - a tracepoint at which time can pass
 * @name: of it
 * @on, @off: register and unregister the probe
 * @us: at most so long; 0: not registered
 * @seed: where the sequence begins
 * @hits: how many have waited
 */
struct teemu_point {
	const char *name;
	int (*on)(struct teemu_point *point);
	void (*off)(struct teemu_point *point);
	u32 us;
	u32 seed;
	atomic_t hits;
};

static void teemu_wait(struct teemu_point *point)
{
	u32 n = atomic_inc_return(&point->hits);
	u32 us = hash_32(READ_ONCE(point->seed) + n, 32) %
		 (READ_ONCE(point->us) + 1);

	if (preemptible())
		usleep_range(us, us + 50);
	else
		udelay(min(us, MAX_SPIN_US));
}

/* A probe of the tracepoint's own type, and the pair that makes it one or not */
#define TEEMU_POINT(point, ...)						\
static void wait_at_##point(void *data, ##__VA_ARGS__)			\
{									\
	teemu_wait(data);						\
}									\
									\
static int on_##point(struct teemu_point *p)				\
{									\
	return register_trace_##point(wait_at_##point, p);		\
}									\
									\
static void off_##point(struct teemu_point *p)				\
{									\
	unregister_trace_##point(wait_at_##point, p);			\
}

TEEMU_POINT(pci_tdi_state, struct pci_dev *pdev, int old, int new)
TEEMU_POINT(pci_tdi_bind, struct pci_dev *pdev, u32 tdi_id, int rc)
TEEMU_POINT(pci_tdi_req, struct pci_dev *pdev, u32 op, ssize_t rc, u64 code)
TEEMU_POINT(pci_tdi_unmap_mmio, struct pci_dev *pdev)
TEEMU_POINT(pci_tdi_dma_off, struct pci_dev *pdev)
TEEMU_POINT(pci_tdi_refused, struct pci_dev *pdev, unsigned long caller)
TEEMU_POINT(pci_tdi_event, struct pci_dev *pdev, int event)
TEEMU_POINT(teemu_tdisp, int domain, u16 rid, u8 message, int before, int after,
	    u32 error)
TEEMU_POINT(teemu_fall, int domain, u16 rid, int before, const char *why)
TEEMU_POINT(teemu_reset, int domain, u16 rid, bool flr)

#define POINT(point)	{ #point, on_##point, off_##point }

static struct teemu_point teemu_points[] = {
	POINT(pci_tdi_state),
	POINT(pci_tdi_bind),
	POINT(pci_tdi_req),
	POINT(pci_tdi_unmap_mmio),
	POINT(pci_tdi_dma_off),
	POINT(pci_tdi_refused),
	POINT(pci_tdi_event),
	POINT(teemu_tdisp),
	POINT(teemu_fall),
	POINT(teemu_reset),
};

/* Serialises those who change teemu_points */
static DEFINE_MUTEX(teemu_points_lock);

static int teemu_point_set(struct teemu_point *point, u32 us, u32 seed)
{
	bool was = point->us;
	int ret = 0;

	lockdep_assert_held(&teemu_points_lock);

	WRITE_ONCE(point->seed, seed);
	WRITE_ONCE(point->us, us);
	if (us && !was)
		ret = point->on(point);
	else if (!us && was)
		point->off(point);
	if (ret)
		point->us = 0;
	return ret;
}

static int delay_show(struct seq_file *m, void *v)
{
	guard(mutex)(&teemu_points_lock);
	for (size_t i = 0; i < ARRAY_SIZE(teemu_points); i++)
		seq_printf(m, "%s %u %d\n", teemu_points[i].name,
			   teemu_points[i].us,
			   atomic_read(&teemu_points[i].hits));
	return 0;
}

static int delay_open(struct inode *inode, struct file *file)
{
	return single_open(file, delay_show, NULL);
}

static ssize_t delay_write(struct file *file, const char __user *buf,
			   size_t count, loff_t *pos)
{
	char line[MAX_LINE], name[32];
	u32 us, seed;
	int ret;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = 0;
	if (sscanf(line, "%31s %u %u", name, &us, &seed) != 3 || us > MAX_US)
		return -EINVAL;

	guard(mutex)(&teemu_points_lock);
	for (size_t i = 0; i < ARRAY_SIZE(teemu_points); i++) {
		if (strcmp(teemu_points[i].name, name))
			continue;
		ret = teemu_point_set(&teemu_points[i], us, seed);
		return ret ?: count;
	}
	return -ENOENT;
}

static const struct file_operations delay_fops = {
	.owner = THIS_MODULE,
	.open = delay_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
	.write = delay_write,
};

/**
 * teemu_delay_init() - make the switch
 * @dir: the folder of all platforms, never removed
 */
void teemu_delay_init(struct dentry *dir)
{
	debugfs_create_file("delay", 0600, dir, NULL, &delay_fops);
}
