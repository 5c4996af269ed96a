// SPDX-License-Identifier: GPL-2.0-only
/*
 * teemu: /sys/kernel/debug/teemu/<vendor>/: what firmware and device think, and
 * the fault switches for tests.
 *
 *  referee, tables	the firmware's counters and tables
 *  calls		what there is to call, counters of each, status codes
 *  refuse		write "leaf status skip count": firmware refuses
 *  fw_pause		write "<n>": the nth call from now, of those by tasks that can be
 *			killed, stays in the firmware until its caller is (500 ms at
 *			most); 0 clears. Reads "idle", "armed", "paused", "killed" or
 *			"late"
 *  doe_mode		what is wrong with the DSM: normal, silent (nothing happens, no
 *			answer), lost (it happens, no answer), garbage (nothing happens,
 *			noise), "slow <ms>", wrong (nothing happens, a good answer to
 *			another message), short (it happens, half an answer), error
 *			(nothing happens, DOE error). With "nth <n>" behind it only the
 *			nth exchange from now. "pause <n>": the nth exchange happens,
 *			its answer waits for "go" (10 s at most; a host that aborts
 *			does not wait). Reads back: what is set now, then "paused" if
 *			an answer waits
 *  doe_count		"exchanges <n> answers <n>" since power on; discovery excluded
 *  lose_session	write 1: the DSM loses its SPDM session
 *  slot		write "out": surprise removal, "in": a fresh device arrives;
 *			reads "in" or "out", then "off" if the slot has no power
 *  aer			write "fatal <n>" or "nonfatal <n>": function n (2 and 3 are
 *			the VFs) reports an uncorrectable error
 *  iommu		domains and counters of the IOMMU
 *  fn<N>/tdi		TDISP state
 *  fn<N>/dma		the DMA engine
 *  fn<N>/rogue		write 1: sends T=1 whatever its state
 *  ../delay		time that passes at tracepoints: delay.c
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
#define MAX_NTH		1000000

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

static int fw_pause_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;

	if (!rc->ops->paused)
		return -EOPNOTSUPP;
	seq_printf(m, "%s\n", rc->ops->paused(rc->fw));
	return 0;
}

static int fw_pause_open(struct inode *inode, struct file *file)
{
	return single_open(file, fw_pause_show, inode->i_private);
}

static ssize_t fw_pause_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *pos)
{
	struct teemu_rc *rc = ((struct seq_file *)file->private_data)->private;
	u32 nth;
	int ret;

	ret = kstrtou32_from_user(buf, count, 0, &nth);
	if (ret)
		return ret;
	if (!rc->ops->pause)
		return -EOPNOTSUPP;
	rc->ops->pause(rc->fw, nth);
	return count;
}

static const struct file_operations fw_pause_fops = {
	.owner = THIS_MODULE,
	.open = fw_pause_open,
	.read = seq_read,
	.write = fw_pause_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static const char * const doe_modes[] = {
	[TEEMU_DOE_NORMAL] = "normal",
	[TEEMU_DOE_SILENT] = "silent",
	[TEEMU_DOE_LOST] = "lost",
	[TEEMU_DOE_GARBAGE] = "garbage",
	[TEEMU_DOE_SLOW] = "slow",
	[TEEMU_DOE_WRONG] = "wrong",
	[TEEMU_DOE_SHORT] = "short",
	[TEEMU_DOE_FAIL] = "error",
	[TEEMU_DOE_PAUSE] = "pause",
};

static int doe_mode_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;
	struct teemu_doe_fault fault;
	bool paused;

	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock) {
		fault = rc->doe.fault;
		paused = rc->doe.paused;
	}
	seq_puts(m, doe_modes[fault.mode]);
	if (fault.mode == TEEMU_DOE_SLOW)
		seq_printf(m, " %u", fault.ms);
	if (fault.mode == TEEMU_DOE_PAUSE)
		seq_printf(m, " %u", fault.nth);
	else if (fault.nth)
		seq_printf(m, " nth %u", fault.nth);
	seq_puts(m, paused ? " paused\n" : "\n");
	return 0;
}

static int doe_mode_open(struct inode *inode, struct file *file)
{
	return single_open(file, doe_mode_show, inode->i_private);
}

/* "<mode>", "slow <ms>", each with "nth <n>", and "pause <n>" */
static int doe_mode_parse(char *line, struct teemu_doe_fault *fault)
{
	char *word;
	int mode;

	line = strim(line);
	word = strsep(&line, " ");
	mode = match_string(doe_modes, ARRAY_SIZE(doe_modes), word);
	if (mode < 0)
		return -EINVAL;
	fault->mode = mode;
	if (mode == TEEMU_DOE_SLOW) {
		word = strsep(&line, " ");
		if (!word || kstrtouint(word, 0, &fault->ms) ||
		    fault->ms > MAX_SLOW_MS)
			return -EINVAL;
	}
	if (mode != TEEMU_DOE_PAUSE) {
		word = strsep(&line, " ");
		if (!word)
			return 0;
		if (mode == TEEMU_DOE_NORMAL || strcmp(word, "nth"))
			return -EINVAL;
	}
	word = strsep(&line, " ");
	if (!word || line || kstrtouint(word, 0, &fault->nth) || !fault->nth ||
	    fault->nth > MAX_NTH)
		return -EINVAL;
	return 0;
}

static ssize_t doe_mode_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *pos)
{
	struct teemu_rc *rc = ((struct seq_file *)file->private_data)->private;
	struct teemu_doe_fault fault = {};
	char line[MAX_LINE];
	int ret;

	ret = copy_line(line, buf, count);
	if (ret)
		return ret;
	if (!strcmp(strim(line), "go")) {
		teemu_doe_resume(rc);
		return count;
	}
	ret = doe_mode_parse(line, &fault);
	if (ret)
		return ret;
	teemu_doe_set_fault(rc, &fault);
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

static int doe_count_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;
	u64 exchanges, answers;

	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock) {
		exchanges = rc->doe.exchanges;
		answers = rc->doe.answers;
	}
	seq_printf(m, "exchanges %llu answers %llu\n", exchanges, answers);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(doe_count);

static int lose_session_set(void *data, u64 val)
{
	if (val != 1)
		return -EINVAL;
	teemu_ide_lose_session(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(lose_session_fops, NULL, lose_session_set, "%llu\n");

static int slot_show(struct seq_file *m, void *v)
{
	struct teemu_rc *rc = m->private;
	bool present, powered;

	scoped_guard(raw_spinlock_irqsave, &rc->cfg_lock) {
		present = rc->present;
		powered = teemu_slot_powered(rc);
	}
	seq_printf(m, "%s%s\n", present ? "in" : "out", powered ? "" : " off");
	return 0;
}

static int slot_open(struct inode *inode, struct file *file)
{
	return single_open(file, slot_show, inode->i_private);
}

static ssize_t slot_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *pos)
{
	struct teemu_rc *rc = ((struct seq_file *)file->private_data)->private;
	char line[MAX_LINE];
	int ret;

	ret = copy_line(line, buf, count);
	if (ret)
		return ret;
	if (!strcmp(strim(line), "out"))
		ret = teemu_slot_out(rc);
	else if (!strcmp(strim(line), "in"))
		ret = teemu_slot_in(rc);
	else
		ret = -EINVAL;
	return ret ?: count;
}

static const struct file_operations slot_fops = {
	.owner = THIS_MODULE,
	.open = slot_open,
	.read = seq_read,
	.write = slot_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static ssize_t aer_write(struct file *file, const char __user *buf,
			 size_t count, loff_t *pos)
{
	struct teemu_rc *rc = file->private_data;
	char line[MAX_LINE], *rest, *word;
	bool fatal;
	u64 nr = 0;
	int ret;

	ret = copy_line(line, buf, count);
	if (ret)
		return ret;
	rest = strim(line);
	word = strsep(&rest, " ");
	fatal = !strcmp(word, "fatal");
	if (!fatal && strcmp(word, "nonfatal"))
		return -EINVAL;
	if (rest) {
		ret = parse_numbers(rest, &nr, 1);
		if (ret)
			return ret;
	}
	if (nr >= TEEMU_NR_FNS)
		return -EINVAL;
	ret = teemu_aer_report(&rc->fn[nr], fatal);
	return ret ?: count;
}

static const struct file_operations aer_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = aer_write,
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
		if (!teemu_root_dir) {
			teemu_root_dir = debugfs_create_dir("teemu", NULL);
			teemu_delay_init(teemu_root_dir);
		}

	rc->debugfs = debugfs_create_dir(rc->name, teemu_root_dir);
	debugfs_create_file("referee", 0400, rc->debugfs, rc, &referee_fops);
	debugfs_create_file("tables", 0400, rc->debugfs, rc, &tables_fops);
	debugfs_create_file("calls", 0400, rc->debugfs, rc, &calls_fops);
	debugfs_create_file("refuse", 0200, rc->debugfs, rc, &refuse_fops);
	debugfs_create_file("fw_pause", 0600, rc->debugfs, rc, &fw_pause_fops);
	debugfs_create_file("doe_mode", 0600, rc->debugfs, rc, &doe_mode_fops);
	debugfs_create_file("doe_count", 0400, rc->debugfs, rc,
			    &doe_count_fops);
	debugfs_create_file("lose_session", 0200, rc->debugfs, rc,
			    &lose_session_fops);
	debugfs_create_file("slot", 0600, rc->debugfs, rc, &slot_fops);
	debugfs_create_file("aer", 0200, rc->debugfs, rc, &aer_fops);
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
