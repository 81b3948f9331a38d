// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of a network namespace, per CPU.
 */
#include <linux/percpu.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "stats.h"

struct sluice_stats {
	u64 n[__SLUICE_STAT_MAX];
};

struct sluice_stats_net {
	struct sluice_stats __percpu *cpu;
};

static unsigned int sluice_stats_id __read_mostly;

void sluice_stat_add(struct net *net, enum sluice_stat stat, s64 n)
{
	struct sluice_stats_net *sn = net_generic(net, sluice_stats_id);
	struct sluice_stats __percpu *cpu = READ_ONCE(sn->cpu);

	/* A kernel socket holds no namespace: it may outlive the counters. */
	if (likely(cpu))
		this_cpu_add(cpu->n[stat], n);
}

void sluice_stats_read(struct net *net, u64 *out)
{
	struct sluice_stats_net *sn = net_generic(net, sluice_stats_id);
	int cpu, i;

	memset(out, 0, sizeof(u64) * __SLUICE_STAT_MAX);
	for_each_possible_cpu(cpu)
		for (i = 0; i < __SLUICE_STAT_MAX; i++)
			out[i] += READ_ONCE(per_cpu_ptr(sn->cpu, cpu)->n[i]);
}

static int __net_init sluice_stats_net_init(struct net *net)
{
	struct sluice_stats_net *sn = net_generic(net, sluice_stats_id);

	sn->cpu = alloc_percpu(struct sluice_stats);
	return sn->cpu ? 0 : -ENOMEM;
}

static void __net_exit sluice_stats_net_exit(struct net *net)
{
	struct sluice_stats_net *sn = net_generic(net, sluice_stats_id);
	struct sluice_stats __percpu *cpu = sn->cpu;

	WRITE_ONCE(sn->cpu, NULL);
	free_percpu(cpu);
}

static struct pernet_operations sluice_stats_net_ops = {
	.init	= sluice_stats_net_init,
	.exit	= sluice_stats_net_exit,
	.id	= &sluice_stats_id,
	.size	= sizeof(struct sluice_stats_net),
};

int sluice_stats_init(void)
{
	return register_pernet_subsys(&sluice_stats_net_ops);
}

void sluice_stats_exit(void)
{
	unregister_pernet_subsys(&sluice_stats_net_ops);
}
