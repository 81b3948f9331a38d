/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Request and response over one connection.
 */
#ifndef SLUICE_BENCH_LATENCY_H
#define SLUICE_BENCH_LATENCY_H

#include "bench.h"

/**
 * struct latency - one peer's figures
 * @error:	errno (positive): not to be had here
 * @p50:	microseconds for a request and a response of @chunk bytes each
 * @p99:	likewise
 */
struct latency {
	const struct peer *peer;
	int error;
	unsigned int exchanges;
	double p50;
	double p99;
};

/** latency_run() - @n results with their @peer set; peers in turn, on one connection each */
void latency_run(const struct workload *load, struct latency *results, unsigned int n,
		 unsigned int exchanges);

#endif
