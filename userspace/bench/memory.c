// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a connection costs beside bytes. Memory is what the kernel's free memory is less by
 * for many connections: whatever it was used for, slab or page, is in it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#define CONNECTIONS	400
#define CHURN		100
/* No window is so small at first that it would not go out at once. */
#define UNREAD		(32 << 10)

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *value, unsigned int n)
{
	qsort(value, n, sizeof(*value), compare);
	return value[n / 2];
}

/* Caches that the kernel would give up are no cost: they are dropped first. */
static double free_memory(void)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	unsigned long kib;
	FILE *f = fopen("/proc/sys/vm/drop_caches", "we");

	if (!f)
		err(1, "drop_caches");
	/* What was closed is freed after a grace period. */
	nanosleep(&pause, NULL);
	fputs("3", f);
	fclose(f);
	f = fopen("/proc/meminfo", "re");
	if (!f || fscanf(f, "MemTotal: %*u kB MemFree: %lu", &kib) != 1)
		errx(1, "/proc/meminfo: not as expected");
	fclose(f);
	return (double)kib * 1024;
}

static void exchange(struct lane *lane, size_t len)
{
	struct lane back = lane_reversed(lane);

	lane_exchange(lane, &back, len);
}

static int open_all(struct lane *lanes, const struct workload *load, const struct peer *peer)
{
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		int ret = lane_open(&lanes[i], load, peer);

		if (ret) {
			while (i)
				lane_close(&lanes[--i]);
			return ret;
		}
	}
	return 0;
}

static int measure(const struct workload *load, const struct peer *peer, struct memory *m)
{
	static struct lane lanes[CONNECTIONS];
	double before = free_memory();
	int ret = open_all(lanes, load, peer);

	if (ret)
		return ret;
	m->idle = (before - free_memory()) / (2 * CONNECTIONS);
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		exchange(&lanes[i], load->chunk);
	m->used = (before - free_memory()) / (2 * CONNECTIONS);
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		lane_send(&lanes[i], UNREAD);
	m->busy = (before - free_memory()) / CONNECTIONS;
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		lane_close(&lanes[i]);
	return 0;
}

void memory_run(const struct workload *load, struct memory *results, unsigned int n,
		unsigned int rounds)
{
	const struct rlimit files = { 8 * CONNECTIONS, 8 * CONNECTIONS };
	double idle[n][BENCH_ROUNDS], used[n][BENCH_ROUNDS], busy[n][BENCH_ROUNDS];

	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "RLIMIT_NOFILE");
	/* The first round fills the allocator's caches: not counted. */
	for (unsigned int round = 0; round <= rounds; round++) {
		for (unsigned int i = 0; i < n; i++) {
			unsigned int at = round ? round - 1 : 0;

			if (!results[i].error)
				results[i].error = -measure(load, results[i].peer, &results[i]);
			idle[i][at] = results[i].idle;
			used[i][at] = results[i].used;
			busy[i][at] = results[i].busy;
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		if (results[i].error)
			continue;
		results[i].idle = median(idle[i], rounds);
		results[i].used = median(used[i], rounds);
		results[i].busy = median(busy[i], rounds);
	}
}

static int churn(const struct workload *load, const struct peer *peer)
{
	for (unsigned int i = 0; i < CHURN; i++) {
		struct lane lane;
		int ret = lane_open(&lane, load, peer);

		if (ret)
			return ret;
		exchange(&lane, load->chunk);
		lane_close(&lane);
	}
	return 0;
}

void churn_run(const struct workload *load, struct churn *results, unsigned int n,
	       unsigned int rounds)
{
	double cpu[n][BENCH_ROUNDS], wall[n][BENCH_ROUNDS];

	for (unsigned int round = 0; round <= rounds; round++) {
		for (unsigned int i = 0; i < n; i++) {
			unsigned int at = round ? round - 1 : 0;
			double from = wall_now(), cpu_from = cpu_now().total;

			if (!results[i].error)
				results[i].error = -churn(load, results[i].peer);
			cpu[i][at] = (cpu_now().total - cpu_from) / 1e3 / CHURN;
			wall[i][at] = (wall_now() - from) / 1e3 / CHURN;
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		if (results[i].error)
			continue;
		results[i].cpu = median(cpu[i], rounds);
		results[i].wall = median(wall[i], rounds);
	}
}

static void pass(struct lane *lane, unsigned char *buf, size_t len)
{
	size_t left = len;

	lane_send(lane, len);
	while (left)
		left -= lane_recv(lane, buf, left);
}

static int grow(const struct workload *load, struct growth *g, unsigned char *buf)
{
	const size_t mib = 1 << 20;
	struct lane lane;
	double before;
	int ret = lane_open(&lane, load, g->peer);

	if (ret)
		return ret;
	/* Until its buffers are what they will be. */
	for (size_t n = 0; n < 256 * mib; n += mib)
		pass(&lane, buf, mib);
	before = free_memory();
	for (uint64_t n = 0; n < g->bytes; n += mib)
		pass(&lane, buf, mib);
	g->grown = before - free_memory();
	lane_close(&lane);
	return 0;
}

void growth_run(const struct workload *load, struct growth *results, unsigned int n)
{
	unsigned char *buf = aligned_alloc(4096, 1 << 20);

	if (!buf)
		err(1, "memory");
	for (unsigned int i = 0; i < n; i++)
		results[i].error = -grow(load, &results[i], buf);
	free(buf);
}
