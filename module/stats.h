/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a network namespace, per CPU, named by enum sluice_stat. Called
 * by everybody, calling nobody.
 */
#ifndef SLUICE_STATS_H
#define SLUICE_STATS_H

#include <linux/types.h>
#include <uapi/linux/sluice.h>

struct net;
struct sluice_stats;

/* Any context. */
void sluice_stat_add(struct net *net, enum sluice_stat stat, s64 n);

static inline void sluice_stat_inc(struct net *net, enum sluice_stat stat)
{
	sluice_stat_add(net, stat, 1);
}

/** sluice_stats_read() - sum over CPUs into @out[__SLUICE_STAT_MAX] */
void sluice_stats_read(struct net *net, u64 *out);

/* pernet_operations */
int sluice_stats_init(void);
void sluice_stats_exit(void);

#endif
