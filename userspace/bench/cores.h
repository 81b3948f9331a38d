/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One workload on several processors at a time.
 */
#ifndef SLUICE_BENCH_CORES_H
#define SLUICE_BENCH_CORES_H

#include "transfer.h"

/** cores_online() - processors that this program may use */
unsigned int cores_online(void);

/**
 * cores_run() - as transfer_run(), each of the workload's processors with a process that
 * stays there and has its part of the connections
 *
 * What they have spent and moved in a round is added up, its wall time is the longest.
 */
void cores_run(const struct workload *load, struct result *results, unsigned int n,
	       unsigned int rounds, double ns);

#endif
