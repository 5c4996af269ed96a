/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WALK_H
#define WALK_H

#include "model.h"

/*
 * @steps random steps of the transition system, from functions that are as @is says,
 * with @nr_actors at it, told to @m: 0, or what the model says of them.
 */
int walk(struct model *m, const struct model_fn *is, unsigned int nr_fns,
	 unsigned int nr_actors, unsigned long steps, uint64_t seed);

#endif /* WALK_H */
