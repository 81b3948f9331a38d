// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Request and response: the time from the write of one to the read of the other, and what a
 * connection costs from its beginning to its end.
 */
#include <err.h>
#include <stdlib.h>

#include "latency.h"

/* In a row by one peer, before the next has its turn. */
#define IN_A_ROW 50

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct lane *lane, struct lane *back, size_t len, double *us)
{
	for (unsigned int i = 0; i < IN_A_ROW; i++) {
		uint64_t from = ticks();

		lane_exchange(lane, back, len);
		us[i] = (double)(ticks() - from) * ns_per_tick() / 1e3;
	}
}

static void percentiles(struct latency *l, double *us, unsigned int n)
{
	qsort(us, n, sizeof(*us), compare);
	l->p50 = us[n / 2];
	l->p99 = us[n - 1 - n / 100];
	l->exchanges = n;
}

void latency_run(const struct workload *load, struct latency *results, unsigned int n,
		 unsigned int exchanges)
{
	unsigned int rounds = exchanges / IN_A_ROW;
	struct lane *lane = calloc(n, sizeof(*lane)), *back = calloc(n, sizeof(*back));
	double **us = calloc(n, sizeof(*us));

	if (!lane || !back || !us)
		err(1, "memory");
	for (unsigned int i = 0; i < n; i++) {
		results[i].error = -lane_open(&lane[i], load, results[i].peer);
		us[i] = calloc((size_t)rounds * IN_A_ROW, sizeof(**us));
		if (!us[i])
			err(1, "memory");
		back[i] = lane_reversed(&lane[i]);
		/* To warm up; overwritten. */
		if (!results[i].error)
			measure(&lane[i], &back[i], load->chunk, us[i]);
	}
	for (unsigned int round = 0; round < rounds; round++)
		for (unsigned int i = 0; i < n; i++)
			if (!results[i].error)
				measure(&lane[i], &back[i], load->chunk, us[i] + round * IN_A_ROW);
	for (unsigned int i = 0; i < n; i++) {
		if (!results[i].error) {
			percentiles(&results[i], us[i], rounds * IN_A_ROW);
			lane_close(&lane[i]);
		}
		free(us[i]);
	}
	free(us);
	free(lane);
	free(back);
}
