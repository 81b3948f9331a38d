// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One workload, all peers. Each peer's connections stay open over all rounds; a round gives
 * each peer one turn, in an order that moves on from round to round, so that what the machine
 * does beside this hits all of them alike.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sluice.h>

#include "bounds.h"
#include "transfer.h"

/* In flight before the reader gets its turn. */
#define BURST (256UL << 10)

struct run {
	const struct workload *load;
	struct lane lane[BENCH_LANES];
	size_t turn;		/* bytes a connection sends at a time */
	unsigned int turns;	/* of all connections, in a round */
};

static unsigned char *sink;

static void check(const struct lane *lane, size_t at, size_t len)
{
	if (memcmp(sink, bench_source + at, len))
		errx(1, "%s: what came out is not what went in", lane->peer->name);
}

/* One connection's turn: all in, all out. */
static void take_turn(struct run *run, struct lane *lane, uint64_t spent[2], bool verify)
{
	size_t chunk = run->load->chunk, left = run->turn, at = lane->at;
	uint64_t t0 = ticks(), t1;

	for (size_t n = 0; n < run->turn; n += chunk)
		lane_send(lane, chunk);
	t1 = ticks();
	while (left) {
		size_t n = lane_recv(lane, sink, left < chunk ? left : chunk);

		if (verify)
			check(lane, at, n);
		at = (at + n) % BENCH_FILE;
		left -= n;
	}
	spent[TX] += t1 - t0;
	spent[RX] += ticks() - t1;
}

static void do_turns(struct run *run, unsigned int turns, uint64_t spent[2], bool verify)
{
	for (unsigned int t = 0; t < turns; t++)
		for (unsigned int i = 0; i < run->load->lanes; i++)
			take_turn(run, &run->lane[i], spent, verify);
}

static void measure(struct run *run, unsigned int turns, struct sample *s)
{
	uint64_t spent[2] = { 0, 0 };
	double wall = wall_now();
	struct cpu from = cpu_now(), to;

	do_turns(run, turns, spent, false);
	to = cpu_now();
	s->wall = wall_now() - wall;
	s->cpu.total = to.total - from.total;
	s->cpu.native = to.native - from.native;
	s->tx_share = (double)spent[TX] / (double)(spent[TX] + spent[RX]);
	s->bytes = (double)run->turn * run->load->lanes * turns;
}

/* Until buffers, windows and caches are what they will be; then see how long it takes. */
static void warm_up(struct run *run, double ns, bool mute)
{
	unsigned int turns = (unsigned int)((8UL << 20) / run->turn / run->load->lanes) + 1;
	uint64_t spent[2] = { 0, 0 };
	struct sample s;
	double want;

	/* What splice() takes nobody sees. */
	do_turns(run, turns, spent, run->load->method != SPLICE && !mute);
	measure(run, turns, &s);
	want = ns / s.cpu.total * turns;
	run->turns = want < 1 ? 1 : (unsigned int)want;
}

static int lanes_open(struct run *run, const struct workload *load, const struct peer *peer)
{
	for (unsigned int i = 0; i < load->lanes; i++) {
		int ret = lane_open(&run->lane[i], load, peer);

		if (ret) {
			while (i)
				lane_close(&run->lane[--i]);
			return ret;
		}
	}
	return 0;
}

static int run_open(struct run *run, const struct workload *load, const struct result *r)
{
	int ret;

	run->load = load;
	run->turn = load->chunk < BURST ? BURST : load->chunk;
	if (r->mute && !bounds_null_cipher(true))
		return -EOPNOTSUPP;
	ret = lanes_open(run, load, r->peer);
	if (r->mute)
		bounds_null_cipher(false);
	return ret;
}

static double records_of(const struct run *run)
{
	struct sluice_info info;

	if (run->lane[0].peer->engine[TX] != SLUICE || sluice_get_info(run->lane[0].fd[TX], &info))
		return 0;
	return (double)info.tx_records;
}

/* System calls and records, which are the same every time. */
static void count(struct run *run, struct result *r)
{
	struct lane *lane = &run->lane[0];
	uint64_t calls[2] = { lane->calls[TX], lane->calls[RX] }, spent[2];
	double records = records_of(run);
	const unsigned int turns = 8;

	do_turns(run, turns, spent, false);
	for (int i = 0; i < 2; i++)
		r->calls[i] = (double)(lane->calls[i] - calls[i]) /
			      ((double)run->turn * turns / (1 << 20));
	r->records = (records_of(run) - records) / (double)(lane->calls[TX] - calls[TX]);
}

void transfer_run(const struct workload *load, struct result *results, unsigned int n,
		  unsigned int rounds, double ns)
{
	struct run *runs = calloc(n, sizeof(*runs));

	if (!sink)
		sink = aligned_alloc(4096, 2UL << 20);
	if (!runs || !sink)
		err(1, "memory");
	for (unsigned int i = 0; i < n; i++) {
		results[i].error = -run_open(&runs[i], load, &results[i]);
		results[i].rounds = rounds;
		if (!results[i].error)
			warm_up(&runs[i], ns, results[i].mute);
	}
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < n; i++) {
			unsigned int p = (i + round) % n;

			if (results[p].error)
				continue;
			if (load->meet)
				pthread_barrier_wait(load->meet);
			measure(&runs[p], runs[p].turns, &results[p].sample[round]);
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		if (results[i].error)
			continue;
		count(&runs[i], &results[i]);
		for (unsigned int l = 0; l < load->lanes; l++)
			lane_close(&runs[i].lane[l]);
	}
	free(runs);
}

/* --- figures --- */

double cpu_per_byte(const struct sample *s)
{
	return s->cpu.total / s->bytes;
}

double native_per_byte(const struct sample *s)
{
	return s->cpu.native / s->bytes;
}

double tx_per_byte(const struct sample *s)
{
	return s->cpu.total / s->bytes * s->tx_share;
}

double rx_per_byte(const struct sample *s)
{
	return s->cpu.total / s->bytes * (1 - s->tx_share);
}

double wall_per_byte(const struct sample *s)
{
	return s->wall / s->bytes;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct spread spread(double *value, unsigned int n)
{
	struct spread s;

	qsort(value, n, sizeof(*value), compare);
	s.median = n % 2 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
	s.least = value[0];
	s.most = value[n - 1];
	return s;
}

struct spread spread_of(const struct result *r, double (*of)(const struct sample *s))
{
	double value[BENCH_ROUNDS];

	for (unsigned int i = 0; i < r->rounds; i++)
		value[i] = of(&r->sample[i]);
	return spread(value, r->rounds);
}

struct spread spread_ratio(const struct result *r, const struct result *other,
			   double (*of)(const struct sample *s))
{
	double value[BENCH_ROUNDS];

	for (unsigned int i = 0; i < r->rounds; i++)
		value[i] = of(&other->sample[i]) / of(&r->sample[i]);
	return spread(value, r->rounds);
}
