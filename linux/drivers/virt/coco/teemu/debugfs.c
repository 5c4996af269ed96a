// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: /sys/kernel/debug/teemu/<vendor>/: what firmware and device think, and
 * the fault switches for tests.
 *
 *  referee, tables	the firmware's counters and tables
 *  calls		what there is to call, counters of each, status codes
 *  refuse		write "leaf status skip count": firmware refuses
 *  doe_mode		normal, silent, lost, garbage or "slow <ms>"
 *  iommu		domains and counters of the IOMMU
 *  fn<N>/tdi		TDISP state
 *  fn<N>/dma		the DMA engine
 *  fn<N>/rogue		write 1: sends T=1 whatever its state
 *  fn<N>/error		write 1: the TDI falls to ERROR by itself
 */
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "rc.h"

#define MAX_LINE	64
#define MAX_SLOW_MS	60000

/* every root complex has its folder in this one; created once, never removed */
static struct dentry *teemu_root_dir;
static DEFINE_MUTEX(teemu_root_lock);

static int copy_line(char *line, const char __user *buf, size_t count)
{
	if (count >= MAX_LINE)
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = 0;
	return 0;
}

static int referee_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;

	if (rc->ops->referee)
		rc->ops->referee(rc->fw, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(referee);

static int tables_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;

	if (rc->ops->tables)
		rc->ops->tables(rc->fw, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tables);

static int calls_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;

	if (rc->ops->calls)
		rc->ops->calls(rc->fw, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(calls);

static int iommu_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;

	teemu_iommu_show(rc->iommu, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iommu);

/* Split @line into @nr numbers, decimal or 0x; none may be missing or too many. */
static int parse_numbers(char *line, u64 *num, unsigned int nr)
{
	unsigned int n = 0;
	char *word;
	int ret;

	line = strim(line);
	while ((word = strsep(&line, " "))) {
		if (n == nr)
			return -EINVAL;
		ret = kstrtou64(word, 0, &num[n++]);
		if (ret)
			return ret;
	}
	return n == nr ? 0 : -EINVAL;
}

static ssize_t refuse_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *pos)
{
	struct teemu_rc *rc = file->private_data;
	char line[MAX_LINE];
	u64 num[4];	/* leaf, status, skip, count */
	int ret;

	ret = copy_line(line, buf, count);
	if (ret)
		return ret;
	ret = parse_numbers(line, num, ARRAY_SIZE(num));
	if (ret)
		return ret;
	if (num[0] > U32_MAX || num[2] > U32_MAX || num[3] > U32_MAX)
		return -ERANGE;
	if (!rc->ops->refuse)
		return -EOPNOTSUPP;
	ret = rc->ops->refuse(rc->fw, num[0], num[1], num[2], num[3]);
	return ret ?: count;
}

static const struct file_operations refuse_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = refuse_write,
};

static const char * const doe_modes[] = {
	[TEEMU_DOE_NORMAL] = "normal",
	[TEEMU_DOE_SILENT] = "silent",
	[TEEMU_DOE_LOST] = "lost",
	[TEEMU_DOE_GARBAGE] = "garbage",
	[TEEMU_DOE_SLOW] = "slow",
};

/* "slow" has an argument, milliseconds */
static int doe_mode_words(int mode)
{
	return mode == TEEMU_DOE_SLOW ? 2 : 1;
}

static int doe_mode_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;
	enum teemu_doe_mode mode;
	unsigned int ms;

	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock) {
		mode = rc->doe.mode;
		ms = rc->doe.slow_ms;
	}
	seq_puts(m, doe_modes[mode]);
	if (mode == TEEMU_DOE_SLOW)
		seq_printf(m, " %u", ms);
	seq_putc(m, '\n');
	return 0;
}

static int doe_mode_open(struct inode *inode, struct file *file)
{
	return single_open(file, doe_mode_show, inode->i_private);
}

static ssize_t doe_mode_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *pos)
{
	struct teemu_rc *rc = ((struct seq_file *)file->private_data)->private;
	char line[MAX_LINE], word[16];
	unsigned int ms = 0;
	int mode, n, ret;

	ret = copy_line(line, buf, count);
	if (ret)
		return ret;
	n = sscanf(line, "%15s %u", word, &ms);
	if (n < 1)
		return -EINVAL;
	mode = match_string(doe_modes, ARRAY_SIZE(doe_modes), word);
	if (mode < 0 || ms > MAX_SLOW_MS || n != doe_mode_words(mode))
		return -EINVAL;

	guard(raw_spinlock_irqsave)(&rc->cfg_lock);
	rc->doe.mode = mode;
	rc->doe.slow_ms = ms;
	return count;
}

static const struct file_operations doe_mode_fops = {
	.owner = THIS_MODULE,
	.open = doe_mode_open,
	.read = seq_read,
	.write = doe_mode_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static const char * const tdi_states[] = {
	[TDISP_CONFIG_UNLOCKED] = "CONFIG_UNLOCKED",
	[TDISP_CONFIG_LOCKED] = "CONFIG_LOCKED",
	[TDISP_RUN] = "RUN",
	[TDISP_STATE_ERROR] = "ERROR",
};

static int tdi_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", tdi_states[teemu_fn_state(m->private)]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tdi);

static int dma_show(struct seq_file *m, void *v)
{
	struct teemu_fn *fn = m->private;

	teemu_dma_show(fn->dma, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dma);

static int rogue_set(void *data, u64 val)
{
	struct teemu_fn *fn = data;

	if (val > 1)
		return -EINVAL;
	teemu_dma_set_rogue(fn->dma, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(rogue_fops, NULL, rogue_set, "%llu\n");

static int error_set(void *data, u64 val)
{
	if (val != 1)
		return -EINVAL;
	teemu_fn_fail(data, "debugfs");
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(error_fops, NULL, error_set, "%llu\n");

static void teemu_debugfs_add_fn(struct teemu_rc *rc, unsigned int nr)
{
	struct teemu_fn *fn = &rc->fn[nr];
	struct dentry *dir;
	char name[8];

	snprintf(name, sizeof(name), "fn%u", nr);
	dir = debugfs_create_dir(name, rc->debugfs);
	debugfs_create_file("tdi", 0400, dir, fn, &tdi_fops);
	debugfs_create_file("dma", 0400, dir, fn, &dma_fops);
	debugfs_create_file("rogue", 0200, dir, fn, &rogue_fops);
	debugfs_create_file("error", 0200, dir, fn, &error_fops);
}

/**
 * teemu_debugfs_add() - create the folder of a root complex
 * @rc: the root complex, complete
 *
 * Undone by teemu_debugfs_remove(). Without debugfs nothing happens.
 */
void teemu_debugfs_add(struct teemu_rc *rc)
{
	scoped_guard(mutex, &teemu_root_lock)
		if (!teemu_root_dir)
			teemu_root_dir = debugfs_create_dir("teemu", NULL);

	rc->debugfs = debugfs_create_dir(rc->name, teemu_root_dir);
	debugfs_create_file("referee", 0400, rc->debugfs, rc, &referee_fops);
	debugfs_create_file("tables", 0400, rc->debugfs, rc, &tables_fops);
	debugfs_create_file("calls", 0400, rc->debugfs, rc, &calls_fops);
	debugfs_create_file("refuse", 0200, rc->debugfs, rc, &refuse_fops);
	debugfs_create_file("doe_mode", 0600, rc->debugfs, rc, &doe_mode_fops);
	debugfs_create_file("iommu", 0400, rc->debugfs, rc, &iommu_fops);
	for (unsigned int i = 0; i < TEEMU_NR_FNS; i++)
		teemu_debugfs_add_fn(rc, i);
}

/**
 * teemu_debugfs_remove() - undo teemu_debugfs_add()
 * @rc: the root complex
 *
 * No file of it is in use when this returns.
 */
void teemu_debugfs_remove(struct teemu_rc *rc)
{
	debugfs_remove(rc->debugfs);
	rc->debugfs = NULL;
}
