/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many handshakes a user has under way, over all workers: one who starts
 * thousands that never end shall not be in others' way.
 */
#ifndef SLUICED_QUOTA_H
#define SLUICED_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* Counts one more for @uid, unless there are @max already (0: no limit) or there
 * is no memory to count. Any thread.
 */
bool quota_take(uint32_t uid, unsigned int max);

/* One less: once for each quota_take() that said true. */
void quota_put(uint32_t uid);

#endif /* SLUICED_QUOTA_H */
