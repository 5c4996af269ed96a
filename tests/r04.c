// SPDX-License-Identifier: GPL-2.0-only
/*
 * R04: config writes through VFIO. Every position of config space is written in 1, 2
 * and 4 bytes while the TDI is LOCKED and while it is in RUN. What would move it to
 * ERROR (protocols 2.7: PCIe r7.0 section 11.2.6) is refused with EBUSY and changes
 * nothing; what is virtual, hidden or read-only in VFIO leaves hardware alone; what
 * the table below allows may change hardware. After a confirmed STOP all goes through.
 *
 * The table is written from the protocol and not from the kernel's own.
 */
#include <string.h>

#include "goes_on.h"
#include "past.h"

enum when {
	FREE,		/* hardware may change in the mask */
	ON_WRITE,	/* refused if a byte of the mask is written */
	ON_SET,		/* refused if a bit of the mask is written as 1 */
	ON_CLEAR,	/* refused if a bit of the mask is 1 and written as 0 */
	ON_CHANGE,	/* refused if a bit of the mask is written as it is not */
};

/**
 * struct rule - some bits of a capability
 * @ext: extended capability
 * @cap: which; 0: the header
 * @dw: dword within it
 * @mask: bits of that dword
 * @when: what about them
 * @why: says why that is so
 */
struct rule {
	bool ext;
	unsigned int cap;
	unsigned int dw;
	uint32_t mask;
	enum when when;
	const char *why;
};

#define WORD1(bits)	((uint32_t)(bits) << 16)
#define BYTE3		0xff000000

static const struct rule rules[] = {
	{ false, 0, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
	  ON_CLEAR, "MSE or BME cleared" },
	/* VFIO emulates INTx disable with the bit of hardware */
	{ false, 0, PCI_COMMAND, 0xffff & ~(PCI_COMMAND_MEMORY |
	  PCI_COMMAND_MASTER), FREE, "other command bits are free" },
	{ false, 0, PCI_COMMAND, WORD1(0xffff), FREE, "status, cleared by 1" },
	{ false, 0, PCI_CACHE_LINE_SIZE, 0xffff, FREE,
	  "cache line size, latency timer" },
	{ false, 0, PCI_CACHE_LINE_SIZE, BYTE3, ON_WRITE, "BIST" },
	{ false, PCI_CAP_ID_PM, PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK, ON_SET,
	  "leaves D0" },
	{ false, PCI_CAP_ID_PM, PCI_PM_CTRL, 0xffff & ~PCI_PM_CTRL_STATE_MASK,
	  FREE, "PME, data select" },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, ON_SET,
	  "FLR" },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_EXT_TAG |
	  PCI_EXP_DEVCTL_NOSNOOP_EN, ON_CHANGE, "extended tag, no-snoop" },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, 0xffff &
	  ~(PCI_EXP_DEVCTL_BCR_FLR | PCI_EXP_DEVCTL_EXT_TAG |
	    PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_NOSNOOP_EN |
	    PCI_EXP_DEVCTL_PAYLOAD), FREE,
	  "error reporting, relaxed ordering, read request size" },
	/* status' bits are cleared by 1; VFIO writes what was there back */
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, WORD1(0xf), FREE, "status" },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL2, 0x1000, ON_CHANGE,
	  "10-bit tag requester" },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL2, 0xffff & ~(0x1000 |
	  PCI_EXP_DEVCTL2_ARI), FREE, "timeouts, LTR, OBFF, prefixes" },
	{ false, PCI_CAP_ID_AF, 4, PCI_AF_CTRL_FLR, ON_SET, "FLR" },
	{ false, PCI_CAP_ID_VNDR, 0, ~0u, ON_WRITE, "the vendor's own" },
	{ true, PCI_EXT_CAP_ID_VNDR, 0, ~0u, ON_WRITE, "the vendor's own" },
	{ true, PCI_EXT_CAP_ID_DVSEC, 0, ~0u, ON_WRITE, "the vendor's own" },
	{ true, PCI_EXT_CAP_ID_ERR, 4, ~0u, FREE, "AER is allowed" },
	{ true, PCI_EXT_CAP_ID_ERR, 8, ~0u, FREE, "AER is allowed" },
	{ true, PCI_EXT_CAP_ID_ERR, 12, ~0u, FREE, "AER is allowed" },
	{ true, PCI_EXT_CAP_ID_ERR, 16, ~0u, FREE, "AER is allowed" },
	{ true, PCI_EXT_CAP_ID_ERR, 20, ~0u, FREE, "AER is allowed" },
	{ true, PCI_EXT_CAP_ID_ERR, 24, ~0u, FREE, "AER is allowed" },
};

/* how long capabilities are that VFIO shows; 0: it hides them */
static const struct length {
	bool ext;
	unsigned int cap;
	unsigned int len;
} lengths[] = {
	{ false, PCI_CAP_ID_PM, PCI_PM_SIZEOF },
	{ false, PCI_CAP_ID_EXP, PCI_CAP_EXP_ENDPOINT_SIZEOF_V2 },
	{ false, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF },
	{ false, PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF },
	{ true, PCI_EXT_CAP_ID_ERR, PCI_ERR_ROOT_COMMAND },
	{ true, PCI_EXT_CAP_ID_ACS, 8 },
	{ true, PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ARI_SIZEOF },
	{ true, PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ATS_SIZEOF },
	{ true, PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF },
	{ true, PCI_EXT_CAP_ID_PRI, PCI_EXT_CAP_PRI_SIZEOF },
	{ true, PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_LTR_SIZEOF },
};

/**
 * struct reg - what a dword of config space is
 * @shown: VFIO passes a write of it to somebody who knows the register; if not it
 *	   is refused altogether: nobody knows what it does
 * @cap, @start: of the capability; 0: the header
 */
struct reg {
	bool shown;
	bool ext;
	unsigned int cap;
	unsigned int start;
};

struct space {
	int cfg;
	unsigned int doe;
	struct reg reg[CFG_SIZE / 4];
};

static unsigned int length_of(bool ext, unsigned int cap)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		if (lengths[i].ext == ext && lengths[i].cap == cap)
			return lengths[i].len;
	return 0;
}

static void show(struct space *s, bool ext, unsigned int cap,
		 unsigned int start, unsigned int len)
{
	unsigned int pos;

	for (pos = start; pos < start + len; pos += 4)
		s->reg[pos / 4] = (struct reg) { true, ext, cap, start };
}

/* the capabilities as hardware has them, shown as far as VFIO does */
static void find_registers(struct space *s)
{
	unsigned int pos, i, len;
	uint32_t head;

	memset(s->reg, 0, sizeof(s->reg));
	show(s, false, 0, 0, PCI_STD_HEADER_SIZEOF);
	pos = cfg_get(s->cfg, PCI_CAPABILITY_LIST, 1) & ~3u;
	for (i = 0; pos >= PCI_STD_HEADER_SIZEOF && i < 48; i++) {
		head = cfg_get(s->cfg, pos, 2);
		show(s, false, head & 0xff, pos, length_of(false, head & 0xff));
		pos = head >> 8 & ~3u;
	}
	pos = PCI_CFG_SPACE_SIZE;
	for (i = 0; pos >= PCI_CFG_SPACE_SIZE && i < 64; i++) {
		head = cfg_get(s->cfg, pos, 4);
		len = length_of(true, PCI_EXT_CAP_ID(head));
		/* a hidden one at the head of the list keeps its first dword */
		if (!len && pos == PCI_CFG_SPACE_SIZE)
			len = 4;
		show(s, true, PCI_EXT_CAP_ID(head), pos, len);
		pos = PCI_EXT_CAP_NEXT(head);
	}
	s->doe = cfg_ecap(s->cfg, PCI_EXT_CAP_ID_DOE);
}

static int space_open(struct space *s)
{
	s->cfg = cfg_open(world.bdf[0]);
	if (s->cfg < 0)
		return -errno;
	find_registers(s);
	return 0;
}

/**
 * struct write - one write and what may come of it
 * @pos, @size: where
 * @val: the bytes, from bit 0 on
 * @refused: it must be, and why
 * @free: bits of the dword that may change
 */
struct write {
	unsigned int pos;
	unsigned int size;
	uint32_t val;
	const char *refused;
	uint32_t free;
};

static bool hits(const struct rule *r, uint32_t be, uint32_t val, uint32_t cur)
{
	uint32_t mask = r->mask & be;

	switch (r->when) {
	case ON_WRITE:
		return mask;
	case ON_SET:
		return mask & val;
	case ON_CLEAR:
		return mask & cur & ~val;
	case ON_CHANGE:
		return mask & (cur ^ val);
	default:
		return false;
	}
}

/* what the protocol says about the write, @cur being in the dword */
static void judge(const struct space *s, struct write *w, uint32_t cur)
{
	const struct reg *reg = &s->reg[w->pos / 4];
	unsigned int dw = w->pos & ~3u, shift = w->pos % 4 * 8;
	uint32_t be = (w->size == 4 ? ~0u : (1u << w->size * 8) - 1) << shift;
	const struct rule *r;

	w->refused = NULL;
	w->free = 0;
	if (!reg->shown) {
		w->refused = "not assigned";
		return;
	}
	for (r = rules; r < rules + ARRAY_SIZE(rules); r++) {
		if (r->ext != reg->ext || r->cap != reg->cap)
			continue;
		if (r->dw != dw - reg->start && r->mask != ~0u)
			continue;
		if (r->dw > dw - reg->start)
			continue;
		if (r->when == FREE && r->dw == dw - reg->start)
			w->free |= r->mask & be;
		if (hits(r, be, w->val << shift, cur))
			w->refused = r->why;
	}
}

/* one write: number of things that are wrong with it */
static int try(const struct space *s, struct fn *fn, struct write *w)
{
	unsigned int dw = w->pos & ~3u;
	uint32_t was = cfg_get(s->cfg, dw, 4), now;
	int wrong = 0, err;

	judge(s, w, was);
	err = vfio_cfg_put(fn, w->pos, w->val, w->size);
	now = cfg_volatile(s->doe, dw) ? was : cfg_get(s->cfg, dw, 4);
	if (w->refused && err != EBUSY) {
		note("%u bytes %#x to %#x: %s, errno %d", w->size, w->val,
		     w->pos, w->refused, err);
		wrong++;
	}
	if (!w->refused && err) {
		note("%u bytes %#x to %#x: errno %d", w->size, w->val, w->pos,
		     err);
		wrong++;
	}
	if ((was ^ now) & ~(w->refused ? 0 : w->free)) {
		note("%u bytes %#x to %#x: hardware has %#x, had %#x", w->size,
		     w->val, w->pos, now, was);
		wrong++;
	}
	/* what is free is put back, by the same way; upper halves are status */
	if (!wrong && was != now &&
	    vfio_cfg_put(fn, dw, was, s->reg[dw / 4].ext ? 4 : 2)) {
		note("%#x cannot be put back", dw);
		wrong++;
	}
	return wrong;
}

/* a dword in all widths from @first on, with zeros, ones and what is there turned over */
static int try_dword(const struct space *s, struct fn *fn, unsigned int dw,
		     unsigned int first)
{
	uint32_t cur = cfg_get(s->cfg, dw, 4), mask, val[3];
	unsigned int size, pos, i;
	struct write w;
	int wrong = 0;

	for (size = first; size <= 4; size *= 2) {
		mask = size == 4 ? ~0u : (1u << size * 8) - 1;
		for (pos = dw; pos < dw + 4; pos += size) {
			val[0] = 0;
			val[1] = mask;
			val[2] = ~(cur >> (pos - dw) * 8) & mask;
			for (i = 0; i < ARRAY_SIZE(val); i++) {
				w = (struct write) { pos, size, val[i], NULL, 0 };
				wrong += try(s, fn, &w);
			}
		}
	}
	return wrong;
}

/* each bit of a register that somebody knows, alone */
static int try_bits(const struct space *s, struct fn *fn, unsigned int dw)
{
	uint32_t cur = cfg_get(s->cfg, dw, 4);
	unsigned int bit, shift;
	struct write w;
	int wrong = 0;

	for (bit = 0; bit < 32; bit++) {
		shift = bit & 16;
		w = (struct write) {
			dw + shift / 8, 2,
			(cur ^ 1u << bit) >> shift & 0xffff, NULL, 0,
		};
		wrong += try(s, fn, &w);
		w = (struct write) { dw, 4, cur ^ 1u << bit, NULL, 0 };
		wrong += try(s, fn, &w);
	}
	return wrong;
}

#define MOST_WRONG	8	/* and the test ends */
#define BLOCK		0x100	/* between two looks at all of config space */

/* all of config space, in widths from @first on; the TDI stays in @state */
static int try_all(const struct space *s, struct fn *fn, const char *state,
		   unsigned int first)
{
	uint32_t snap[CFG_SIZE / 4];
	unsigned int dw;
	int wrong = 0;

	if (cfg_snap(s->cfg, snap))
		return 1;
	for (dw = 0; dw < CFG_SIZE && wrong < MOST_WRONG; dw += 4) {
		wrong += try_dword(s, fn, dw, first);
		if (s->reg[dw / 4].shown)
			wrong += try_bits(s, fn, dw);
		if (s->reg[dw / 4].shown && !world_tdi_is(fn->nr, state)) {
			note("after writes to %#x", dw);
			return wrong + 1;
		}
		if (dw % BLOCK == BLOCK - 4 && cfg_differs(s->cfg, snap)) {
			note("after writes to %#x..%#x", dw + 4 - BLOCK, dw + 3);
			wrong++;
		}
	}
	if (!world_tdi_is(fn->nr, state))
		wrong++;
	return wrong;
}

TVM_TEST(every_write_while_locked)
{
	struct space space;

	ASSERT_EQ(0, space_open(&space));
	ASSERT_EQ(0, tvm_to_locked(self));
	EXPECT_EQ(0, try_all(&space, &self->fn, "CONFIG_LOCKED", 1));
	EXPECT_EQ(0, tvm_is_quiet(self));
	/* it can still be attested and used */
	EXPECT_EQ(0, fn_run(&self->fn));
	EXPECT_EQ(0, fn_ring_start(&self->fn));
	EXPECT_EQ(0, tvm_goes_on(self));
	close(space.cfg);
}

TVM_TEST(every_write_while_running)
{
	struct space space;

	ASSERT_EQ(0, space_open(&space));
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, tvm_goes_on(self));
	/* what a width means has been seen while it was locked */
	EXPECT_EQ(0, try_all(&space, &self->fn, "RUN", 4));
	EXPECT_EQ(0, tvm_goes_on(self));
	EXPECT_EQ(0, tvm_is_quiet(self));
	close(space.cfg);
}

/*
 * Virtual in VFIO: the VMM reads back what it wrote, hardware keeps its own. BARs as
 * a guest sizes them.
 */
TVM_TEST(virtual_registers)
{
	uint32_t real[6], back, ones = ~0u;
	struct space space;
	unsigned int bar;

	ASSERT_EQ(0, space_open(&space));
	ASSERT_EQ(0, tvm_to_run(self));
	for (bar = 0; bar < 6; bar++) {
		unsigned int pos = PCI_BASE_ADDRESS_0 + 4 * bar;

		real[bar] = cfg_get(space.cfg, pos, 4);
		EXPECT_EQ(4, vfio_cfg_write(&self->fn, pos, &ones, 4));
		EXPECT_EQ(0, tdi_device_config_read(self->fn.dev, pos, &back, 4));
		EXPECT_NE(real[bar], back);
		EXPECT_EQ(real[bar], cfg_get(space.cfg, pos, 4));
	}
	EXPECT_EQ(0, vfio_cfg_put(&self->fn, PCI_INTERRUPT_LINE, 0x5a, 1));
	EXPECT_EQ(0, tdi_device_config_read(self->fn.dev, PCI_INTERRUPT_LINE,
					    &back, 1));
	EXPECT_EQ(0x5a, back & 0xff);
	EXPECT_EQ(0, cfg_get(space.cfg, PCI_INTERRUPT_LINE, 1));
	/* INTx disable is the VMM's own business, too */
	EXPECT_EQ(0, vfio_cfg_put(&self->fn, PCI_COMMAND, PCI_COMMAND_MEMORY |
				  PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE,
				  2));
	EXPECT_EQ(0, tvm_goes_on(self));
	close(space.cfg);
}

/* what is not in the list of capabilities that the VMM sees */
TVM_TEST(hidden_registers)
{
	static const struct {
		const char *name;
		unsigned int cap;
		unsigned int offset;
	} hidden[] = {
		{ "IDE stream control", PCI_EXT_CAP_ID_IDE, 8 },
		{ "DOE control", PCI_EXT_CAP_ID_DOE, PCI_DOE_CTRL },
		{ "PASID control", PCI_EXT_CAP_ID_PASID, PCI_PASID_CTRL },
		{ "Device Control 3", PCI_EXT_CAP_ID_DEV3, PCI_DEV3_CTL },
	};
	static const struct {
		const char *name;
		unsigned int cap;
		unsigned int offset;
	} read_only[] = {
		{ "SR-IOV control", PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_CTRL },
		{ "VF BAR 0", PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_BAR },
		{ "ARI control", PCI_EXT_CAP_ID_ARI, PCI_ARI_CTRL },
		{ "ATS control", PCI_EXT_CAP_ID_ATS, PCI_ATS_CAP },
		{ "page request control", PCI_EXT_CAP_ID_PRI, PCI_PRI_CTRL },
		{ "ACS control", PCI_EXT_CAP_ID_ACS, 4 },
	};
	struct space space;
	unsigned int pos;
	uint32_t was;
	size_t i;

	ASSERT_EQ(0, space_open(&space));
	ASSERT_EQ(0, tvm_to_run(self));
	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		pos = cfg_ecap(space.cfg, hidden[i].cap);
		if (!pos) {
			note("this function has no %s", hidden[i].name);
			continue;
		}
		pos += hidden[i].offset;
		was = cfg_get(space.cfg, pos, 4);
		EXPECT_EQ(EBUSY, vfio_cfg_put(&self->fn, pos, ~was, 4))
			note("%s", hidden[i].name);
		EXPECT_EQ(was, cfg_get(space.cfg, pos, 4));
	}
	for (i = 0; i < ARRAY_SIZE(read_only); i++) {
		pos = cfg_ecap(space.cfg, read_only[i].cap);
		if (!pos) {
			note("this function has no %s", read_only[i].name);
			continue;
		}
		pos = (pos + read_only[i].offset) & ~3u;
		was = cfg_get(space.cfg, pos, 4);
		EXPECT_EQ(0, vfio_cfg_put(&self->fn, pos, ~was, 4))
			note("%s", read_only[i].name);
		EXPECT_EQ(was, cfg_get(space.cfg, pos, 4));
	}
	EXPECT_EQ(0, tvm_goes_on(self));
	close(space.cfg);
}

/* a long write that is refused in the middle says how much was done */
TVM_TEST(long_writes)
{
	uint32_t snap[CFG_SIZE / 4], zeros[16] = { 0 };
	struct space space;
	unsigned int exp;

	ASSERT_EQ(0, space_open(&space));
	exp = cfg_cap(space.cfg, PCI_CAP_ID_EXP);
	ASSERT_LT(0, exp);
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(0, cfg_snap(space.cfg, snap));
	/* revision and class; BIST is in the dword after it */
	EXPECT_EQ(4, vfio_cfg_write(&self->fn, PCI_CLASS_REVISION, zeros, 8));
	/* the ids, then the command register with MSE cleared */
	EXPECT_EQ(4, vfio_cfg_write(&self->fn, PCI_VENDOR_ID, zeros, 12));
	/* refused at once: nothing was done */
	EXPECT_EQ(-EBUSY, vfio_cfg_write(&self->fn, PCI_COMMAND, zeros, 8));
	/* not aligned: a byte, then the command register */
	EXPECT_EQ(1, vfio_cfg_write(&self->fn, PCI_DEVICE_ID + 1, zeros, 3));
	/* the end of a capability and what nobody knows behind it */
	EXPECT_EQ(8, vfio_cfg_write(&self->fn,
				    exp + PCI_CAP_EXP_ENDPOINT_SIZEOF_V2 - 8,
				    zeros, 12));
	/* BARs go through whole, to nowhere */
	EXPECT_EQ(24, vfio_cfg_write(&self->fn, PCI_BASE_ADDRESS_0, zeros, 24));
	EXPECT_EQ(0, cfg_differs(space.cfg, snap));
	EXPECT_EQ(0, tvm_goes_on(self));
	close(space.cfg);
}

static const struct guarded {
	const char *name;
	unsigned int cap;
	unsigned int offset;
	uint16_t flip;
} guarded[] = {
	{ "MSE", 0, PCI_COMMAND, PCI_COMMAND_MEMORY },
	{ "BME", 0, PCI_COMMAND, PCI_COMMAND_MASTER },
	{ "D3", PCI_CAP_ID_PM, PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK },
	{ "extended tag", PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_EXT_TAG },
	{ "no-snoop", PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_NOSNOOP_EN },
	{ "10-bit tag", PCI_CAP_ID_EXP, PCI_EXP_DEVCTL2, 0x1000 },
};

/* each of them, then back: errno */
static int write_guarded(struct fn *fn, int cfg, const struct guarded *g,
			 bool *changed)
{
	unsigned int pos = g->offset + (g->cap ? cfg_cap(cfg, g->cap) : 0);
	uint16_t was = cfg_get(cfg, pos, 2);
	int ret;

	ret = vfio_cfg_put(fn, pos, was ^ g->flip, 2);
	*changed = cfg_get(cfg, pos, 2) != was;
	return ret ?: vfio_cfg_put(fn, pos, was, 2);
}

/* and all of them again when the TDI is unbound, when nobody has them guarded */
static void are_free(struct __test_metadata *_metadata,
		     FIXTURE_DATA(tvm) *self, int cfg)
{
	bool changed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guarded); i++) {
		EXPECT_EQ(0, write_guarded(&self->fn, cfg, &guarded[i], &changed))
			note("%s", guarded[i].name);
		EXPECT_TRUE(changed)
			note("%s: hardware has not changed", guarded[i].name);
	}
}

TVM_TEST(writes_after_unbind)
{
	struct space space;
	bool changed;
	size_t i;

	ASSERT_EQ(0, space_open(&space));
	are_free(_metadata, self, space.cfg);
	ASSERT_EQ(0, tvm_to_locked(self));
	for (i = 0; i < ARRAY_SIZE(guarded); i++) {
		EXPECT_EQ(EBUSY, write_guarded(&self->fn, space.cfg, &guarded[i],
					       &changed));
		EXPECT_FALSE(changed);
	}
	ASSERT_EQ(0, fn_unbind(&self->fn));
	are_free(_metadata, self, space.cfg);
	/* FLR by VFIO's emulation of the bit; BARs survive it */
	EXPECT_EQ(0, vfio_cfg_put(&self->fn, cfg_cap(space.cfg, PCI_CAP_ID_EXP) +
				  PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2));
	EXPECT_EQ(0, fn_enable(&self->fn));
	EXPECT_EQ(0, tvm_to_run(self));
	EXPECT_EQ(0, tvm_goes_on(self));
	close(space.cfg);
}

/* the kernel says that it has reset the function since @log was at its end */
static bool was_reset(int log)
{
	char record[2048];
	bool seen = false;
	ssize_t n;

	while ((n = read(log, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		seen |= strstr(record, world.bdf[0]) &&
			strstr(record, "reset done");
	}
	return seen;
}

/* a guest that stops its TDI disables it before it asks for the unbind */
TVM_TEST(writes_after_stop)
{
	const enum attest_step *s;
	struct attest *a;
	struct space space;
	uint64_t mem;
	int log, exp;

	if (!world.tvm->leave || !attest_has(world.tvm->leave, ATTEST_STOP))
		SKIP(return, "%s: the host stops the TDI, not its guest",
		     world.vendor->name);
	ASSERT_EQ(0, space_open(&space));
	ASSERT_EQ(0, tvm_to_run(self));
	ASSERT_EQ(EBUSY, vfio_cfg_put(&self->fn, PCI_COMMAND, 0, 2));
	a = fn_attest(&self->fn);
	for (s = world.tvm->leave; *s != ATTEST_END; s++) {
		EXPECT_EQ(EBUSY, vfio_cfg_put(&self->fn, PCI_COMMAND, 0, 2));
		EXPECT_EQ(0, attest_step(a, *s));
	}
	EXPECT_TRUE(world_tdi_is(0, "CONFIG_UNLOCKED"));
	are_free(_metadata, self, space.cfg);
	/* it is still bound all the same: its BARs are not the host's */
	mem = 0;
	EXPECT_EQ(-EBUSY, tdi_device_bar_read(self->fn.dev, TEEMU_BAR_MEM, 0,
					      &mem, 8));
	EXPECT_EQ(EBUSY, raw_bind(&self->fn));
	/* FLR, too, and not only by name */
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, log);
	lseek(log, 0, SEEK_END);
	exp = cfg_cap(space.cfg, PCI_CAP_ID_EXP);
	EXPECT_EQ(0, vfio_cfg_put(&self->fn, exp + PCI_EXP_DEVCTL,
				  cfg_get(space.cfg, exp + PCI_EXP_DEVCTL, 2) |
				  PCI_EXP_DEVCTL_BCR_FLR, 2));
	EXPECT_TRUE(was_reset(log) || !past_has_gate());
	close(log);
	EXPECT_EQ(0, vfio_cfg_put(&self->fn, PCI_COMMAND, 0, 2));
	EXPECT_EQ(0, cfg_get(space.cfg, PCI_COMMAND, 2) &
		     (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
	EXPECT_EQ(0, fn_unbind(&self->fn));
	EXPECT_EQ(0, fn_enable(&self->fn));
	close(space.cfg);
}

TVM_MAIN
