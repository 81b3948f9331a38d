/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a connection costs beside bytes: the kernel's memory, and the time to open and close it.
 */
#ifndef SLUICE_BENCH_MEMORY_H
#define SLUICE_BENCH_MEMORY_H

#include "bench.h"

/**
 * struct memory - one peer's figures
 * @error:	errno (positive): not to be had here
 * @idle:	bytes of kernel memory per socket, opened, never used; median
 * @used:	likewise, after a record each way was sent and read
 * @busy:	of both sockets of a connection, 32 KiB on the way and not read
 */
struct memory {
	const struct peer *peer;
	int error;
	double idle;
	double used;
	double busy;
};

void memory_run(const struct workload *load, struct memory *results, unsigned int n,
		unsigned int rounds);

/**
 * struct churn - connect, set keys, one record each way, close
 * @cpu:	microseconds of CPU time for one connection, both ends; median
 * @wall:	likewise, of time
 */
struct churn {
	const struct peer *peer;
	int error;
	double cpu;
	double wall;
};

void churn_run(const struct workload *load, struct churn *results, unsigned int n,
	       unsigned int rounds);

/**
 * struct growth - what is not given back while a connection lives
 * @bytes:	to send, in calls of 1 MiB
 * @error:	errno (positive): not to be had here
 * @grown:	bytes by which the kernel's free memory became less meanwhile
 */
struct growth {
	const struct peer *peer;
	uint64_t bytes;
	int error;
	double grown;
};

void growth_run(const struct workload *load, struct growth *results, unsigned int n);

#endif
