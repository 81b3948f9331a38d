/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One workload, all peers: rounds in which each has its turn.
 */
#ifndef SLUICE_BENCH_TRANSFER_H
#define SLUICE_BENCH_TRANSFER_H

#include "bench.h"

/**
 * struct sample - one peer in one round
 * @cpu:	ns of CPU time
 * @wall:	ns
 * @tx_share:	of the time, the part spent in the sender's calls
 * @bytes:	moved
 */
struct sample {
	struct cpu cpu;
	double wall;
	double tx_share;
	double bytes;
};

/**
 * struct result - one peer's figures
 * @mute:	there is no cipher: what comes out is not what went in
 * @error:	errno (positive): it is not to be had here; nothing else is valid
 * @calls:	system calls of each end per MiB
 * @records:	records sealed per call of the sender; 0: not known
 */
struct result {
	const struct peer *peer;
	bool mute;
	int error;
	unsigned int rounds;
	struct sample sample[BENCH_ROUNDS];
	double calls[2];
	double records;
};

/**
 * transfer_run() - fill in @results, @n of them with their @peer and @mute set
 * @rounds:	how many
 * @ns:		CPU time of each peer in a round, about
 */
void transfer_run(const struct workload *load, struct result *results, unsigned int n,
		  unsigned int rounds, double ns);

/* What is computed of a sample. */
double cpu_per_byte(const struct sample *s);
double native_per_byte(const struct sample *s);
double tx_per_byte(const struct sample *s);
double rx_per_byte(const struct sample *s);
double wall_per_byte(const struct sample *s);

/* Over the rounds of a result: a median, least and most of @of. */
struct spread {
	double median;
	double least;
	double most;
};

struct spread spread_of(const struct result *r, double (*of)(const struct sample *s));

/** spread_ratio() - how many times cheaper @r is than @other, round by round */
struct spread spread_ratio(const struct result *r, const struct result *other,
			   double (*of)(const struct sample *s));

#endif
