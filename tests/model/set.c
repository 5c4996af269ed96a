// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "set.h"

#define FIRST_ROOM	64

static uint64_t hash(const struct spec_core *core)
{
	uint64_t h = 0xcbf29ce484222325ULL, word;
	const uint8_t *p = (const uint8_t *)core;
	size_t i;

	_Static_assert(sizeof(*core) % 4 == 0, "hashed by words");
	for (i = 0; i < sizeof(*core); i += 4) {
		uint32_t half;

		memcpy(&half, p + i, 4);
		word = half;
		h = (h ^ word) * 0x100000001b3ULL;
	}
	return h ^ h >> 29;
}

static int grow_slots(struct set *set, size_t nr)
{
	uint32_t *slot = calloc(nr, sizeof(*slot));
	size_t i, at;

	if (!slot)
		return -ENOMEM;
	for (i = 0; i < set->nr; i++) {
		at = hash(&set->v[i].core);
		while (slot[at & (nr - 1)])
			at++;
		slot[at & (nr - 1)] = i + 1;
	}
	free(set->slot);
	set->slot = slot;
	set->mask = nr - 1;
	return 0;
}

int set_init(struct set *set)
{
	memset(set, 0, sizeof(*set));
	set->v = malloc(FIRST_ROOM * sizeof(*set->v));
	if (!set->v)
		return -ENOMEM;
	set->room = FIRST_ROOM;
	return grow_slots(set, 2 * FIRST_ROOM);
}

void set_free(struct set *set)
{
	free(set->v);
	free(set->slot);
	memset(set, 0, sizeof(*set));
}

void set_clear(struct set *set)
{
	if (set->nr)
		memset(set->slot, 0, (set->mask + 1) * sizeof(*set->slot));
	set->nr = 0;
}

static bool covers(const struct spec_config *a, const struct spec_config *b)
{
	unsigned int i;

	for (i = 0; i < MODEL_ACTORS; i++)
		if (b->may[i] & ~a->may[i])
			return false;
	return true;
}

static int make_room(struct set *set)
{
	struct spec_config *v;
	int ret;

	if (set->nr < set->room)
		return 0;
	if (set->nr >= SET_MAX)
		return -E2BIG;
	v = realloc(set->v, 2 * set->room * sizeof(*v));
	if (!v)
		return -ENOMEM;
	set->v = v;
	ret = grow_slots(set, 4 * set->room);
	if (!ret)
		set->room *= 2;
	return ret;
}

int set_add(struct set *set, const struct spec_config *c)
{
	size_t at = hash(&c->core);
	const struct spec_config *old;
	int ret;

	for (; set->slot[at & set->mask]; at++) {
		old = &set->v[set->slot[at & set->mask] - 1];
		if (!memcmp(&old->core, &c->core, sizeof(c->core)) &&
		    covers(old, c))
			return 0;
	}
	ret = make_room(set);
	if (ret)
		return ret;
	at = hash(&c->core);
	while (set->slot[at & set->mask])
		at++;
	set->v[set->nr] = *c;
	set->slot[at & set->mask] = ++set->nr;
	return 1;
}
