/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A set of configs. One that can do no more than another of the set, with the same
 * core and no answer that the other cannot give, is not taken in.
 */
#ifndef SET_H
#define SET_H

#include "spec.h"

#define SET_MAX		60000	/* configs; more than that is not looked at */

/**
 * struct set - configs, each once
 * @v, @nr, @room: they, in the order in which they came
 * @slot, @mask: hash of the core to number + 1; @mask + 1 slots
 */
struct set {
	struct spec_config *v;
	size_t nr;
	size_t room;
	uint32_t *slot;
	size_t mask;
};

int set_init(struct set *set);
void set_free(struct set *set);
void set_clear(struct set *set);
/* 1: it is new; 0: nothing new in it; -ENOMEM, -E2BIG */
int set_add(struct set *set, const struct spec_config *c);

#endif /* SET_H */
