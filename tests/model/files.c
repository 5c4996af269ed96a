// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

const char model_letters[NR_HOLDS + 1] = "VMDIEKCRGBP";

enum object {
	O_DEVICE, O_KVM_VFIO, O_EVENTS, O_IOMMU, O_VM_FILE, O_VCPU, O_GMEM, O_KVM,
	O_BUF0, O_BUF2, NR_OBJECTS
};

/* what the release of an object does, where it does anything */
static const unsigned int effect_of[NR_OBJECTS] = {
	[O_DEVICE] = DID_DEVICE,
	[O_KVM_VFIO] = DID_KVM_VFIO,
	[O_IOMMU] = DID_IOMMU,
	[O_GMEM] = DID_GMEM,
	[O_KVM] = DID_KVM,
	[O_BUF0] = DID_BUF0,
	[O_BUF2] = DID_BUF2,
};

static const enum object held_by_user[NR_HOLDS] = {
	[HOLD_DEVICE] = O_DEVICE,
	[HOLD_BAR] = O_DEVICE,
	[HOLD_KVM_VFIO] = O_KVM_VFIO,
	[HOLD_IOMMU] = O_IOMMU,
	[HOLD_EVENTS] = O_EVENTS,
	[HOLD_VM] = O_VM_FILE,
	[HOLD_VCPU] = O_VCPU,
	[HOLD_RUN] = O_VCPU,
	[HOLD_GMEM] = O_GMEM,
	[HOLD_BUF0] = O_BUF0,
	[HOLD_BUF2] = O_BUF2,
};

/* each line is one reference */
static const struct {
	enum object holder;
	enum object held;
} references[] = {
	{ O_KVM_VFIO, O_DEVICE },	/* KVM_DEV_VFIO_FILE_ADD */
	{ O_KVM_VFIO, O_KVM },
	{ O_DEVICE, O_KVM },		/* VFIO's */
	{ O_DEVICE, O_KVM },		/* the binding's */
	{ O_DEVICE, O_IOMMU },		/* VFIO's */
	{ O_DEVICE, O_IOMMU },		/* the iommufd device's */
	{ O_EVENTS, O_IOMMU },
	{ O_VM_FILE, O_KVM },
	{ O_VCPU, O_KVM },
	{ O_GMEM, O_KVM },
	{ O_KVM, O_BUF0 },		/* by its slot */
	{ O_KVM, O_BUF2 },
};

#define NR_REFERENCES	(sizeof(references) / sizeof(references[0]))

static void put(unsigned int count[NR_OBJECTS], enum object o, unsigned int *done)
{
	size_t i;

	if (--count[o])
		return;
	*done |= effect_of[o];
	for (i = 0; i < NR_REFERENCES; i++)
		if (references[i].holder == o)
			put(count, references[i].held, done);
}

unsigned int model_after(unsigned int dropped)
{
	unsigned int count[NR_OBJECTS] = {}, done = 0, hold;
	size_t i;

	for (hold = 0; hold < NR_HOLDS; hold++)
		count[held_by_user[hold]]++;
	for (i = 0; i < NR_REFERENCES; i++)
		count[references[i].held]++;
	for (hold = 0; hold < NR_HOLDS; hold++)
		if (dropped & 1U << hold)
			put(count, held_by_user[hold], &done);
	return done;
}

/* ---- all orders ---- */

#define NR_SETS		(1U << NR_HOLDS)

/* a tree of the traces: a node is what the closes so far have done */
struct node {
	uint16_t next[DID_ALL + 1];
	unsigned long orders;	/* that end here */
};

struct walk {
	uint8_t after[NR_SETS];
	struct node *node;
	unsigned int nr, max;
};

static int find_next(struct walk *w, unsigned int node, unsigned int effects)
{
	struct node *more;

	if (!effects)
		return node;
	if (w->node[node].next[effects])
		return w->node[node].next[effects];
	if (w->nr == w->max) {
		if (w->max > UINT16_MAX / 2)
			return -ENOMEM;
		w->max *= 2;
		more = realloc(w->node, w->max * sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->node = more;
	}
	memset(&w->node[w->nr], 0, sizeof(*w->node));
	w->node[node].next[effects] = w->nr;
	return w->nr++;
}

/* every order of what is not in @dropped yet */
static int walk_on(struct walk *w, unsigned int dropped, unsigned int node)
{
	unsigned int left = ALL_HOLDS & ~dropped, bit;
	int next, ret = 0;

	if (!left)
		w->node[node].orders++;
	for (; left && !ret; left &= left - 1) {
		bit = left & -left;
		next = find_next(w, node, w->after[dropped | bit] &
					  ~w->after[dropped]);
		ret = next < 0 ? next : walk_on(w, dropped | bit, next);
	}
	return ret;
}

static int collect(struct model *m, const struct walk *w, unsigned int node,
		   const struct model_trace *so_far)
{
	struct model_trace t = *so_far;
	unsigned int effects;
	int ret = 0;

	if (w->node[node].orders) {
		t.orders = w->node[node].orders;
		m->trace[m->nr++] = t;
		m->orders += t.orders;
	}
	for (effects = 1; effects <= DID_ALL; effects++) {
		if (!w->node[node].next[effects])
			continue;
		t = *so_far;
		t.step[t.nr++] = effects;
		ret = collect(m, w, w->node[node].next[effects], &t);
		if (ret)
			break;
	}
	return ret;
}

int model_all(struct model *m)
{
	const struct model_trace none = {};
	struct walk *w;
	unsigned int set;
	int ret = -ENOMEM;

	memset(m, 0, sizeof(*m));
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	for (set = 0; set < NR_SETS; set++)
		w->after[set] = model_after(set);
	w->max = 256;
	w->nr = 1;
	w->node = calloc(w->max, sizeof(*w->node));
	if (w->node)
		ret = walk_on(w, 0, 0);
	if (!ret) {
		m->trace = calloc(w->nr, sizeof(*m->trace));
		ret = m->trace ? collect(m, w, 0, &none) : -ENOMEM;
	}
	free(w->node);
	free(w);
	return ret;
}

void model_free(struct model *m)
{
	free(m->trace);
	memset(m, 0, sizeof(*m));
}

/* ---- one order of a trace ---- */

/* in how many ways the holds that are left can be dropped to end @t, by set */
struct ways {
	const struct model_trace *t;
	unsigned long nr[NR_SETS];
	bool known[NR_SETS];
};

/* steps of @t that are behind us when @dropped are gone, -1: not on the way to @t */
static int steps_done(const struct model_trace *t, unsigned int dropped)
{
	unsigned int done = 0, after = model_after(dropped), i;

	for (i = 0; i < t->nr && done != after; i++)
		done |= t->step[i];
	return done == after ? (int)i : -1;
}

/* dropping @bit next is as @t has it */
static bool fits(const struct model_trace *t, unsigned int dropped, unsigned int bit)
{
	int before = steps_done(t, dropped), then = steps_done(t, dropped | bit);

	return before >= 0 && (then == before || then == before + 1);
}

static unsigned long count_ways(struct ways *w, unsigned int dropped)
{
	unsigned int left = ALL_HOLDS & ~dropped, bit;

	if (w->known[dropped])
		return w->nr[dropped];
	w->known[dropped] = true;
	w->nr[dropped] = !left;
	for (; left; left &= left - 1) {
		bit = left & -left;
		if (fits(w->t, dropped, bit))
			w->nr[dropped] += count_ways(w, dropped | bit);
	}
	return w->nr[dropped];
}

/* a number below @n */
static unsigned long below(unsigned long n, unsigned int *seed)
{
	unsigned long r = (unsigned long)rand_r(seed) << 31 ^ rand_r(seed);

	return r % n;
}

unsigned long model_pick(const struct model_trace *t, unsigned int *seed,
			 uint8_t order[NR_HOLDS])
{
	unsigned int dropped = 0, i, hold;
	unsigned long all, n, ways;
	struct ways *w;

	w = calloc(1, sizeof(*w));
	if (!w)
		return 0;
	w->t = t;
	all = count_ways(w, 0);
	for (i = 0; all && i < NR_HOLDS; i++) {
		n = below(w->nr[dropped], seed);
		for (hold = 0; hold < NR_HOLDS; hold++) {
			if (dropped & 1U << hold || !fits(t, dropped, 1U << hold))
				continue;
			ways = count_ways(w, dropped | 1U << hold);
			if (n < ways)
				break;
			n -= ways;
		}
		order[i] = hold;
		dropped |= 1U << hold;
	}
	free(w);
	return all;
}

/* ---- for people ---- */

void model_order_text(const uint8_t order[NR_HOLDS], char *text)
{
	int i;

	for (i = 0; i < NR_HOLDS; i++)
		text[i] = model_letters[order[i]];
	text[i] = 0;
}

bool model_order_parse(const char *text, uint8_t order[NR_HOLDS])
{
	unsigned int seen = 0, i;
	const char *at;

	if (strlen(text) != NR_HOLDS)
		return false;
	for (i = 0; i < NR_HOLDS; i++) {
		at = strchr(model_letters, text[i]);
		if (!at || seen & 1U << (at - model_letters))
			return false;
		order[i] = at - model_letters;
		seen |= 1U << order[i];
	}
	return true;
}

void model_effects_text(unsigned int effects, char text[64])
{
	static const char *const names[NR_EFFECTS] = {
		"gmem", "kvm-vfio", "device", "iommu", "kvm", "buf0", "buf2",
	};
	unsigned int i;

	text[0] = 0;
	for (i = 0; i < NR_EFFECTS; i++) {
		if (!(effects & 1U << i))
			continue;
		if (text[0])
			strcat(text, "+");
		strcat(text, names[i]);
	}
}
