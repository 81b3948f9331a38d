// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPU time. In user-mode Linux the guest's own accounting is a sample now and then, and what a
 * system call costs is mostly the host's work of switching between two processes. There
 * sluice_bench.ko passes on what the host says of the process that is the kernel and
 * of the one in which this program runs.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "bench.h"

#define HOST_FILE "/proc/sluice_bench/host_cpu"

static bool host;
static double tick_ns = 1;

static double timeval_ns(const struct timeval *t)
{
	return (double)t->tv_sec * 1e9 + (double)t->tv_usec * 1e3;
}

static struct cpu cpu_self(void)
{
	struct cpu c = { 0 };
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	c.total = timeval_ns(&u.ru_utime) + timeval_ns(&u.ru_stime);
	c.native = c.total;
	return c;
}

/*
 * Two lines, kernel and program: nanoseconds, then ticks of user and system time, by
 * which the nanoseconds are divided. The kernel is native in user time, and so is the program.
 */
static struct cpu cpu_host(void)
{
	struct cpu c = { 0 };
	FILE *f = fopen(HOST_FILE, "re");
	double ns, user, system;

	if (!f)
		err(1, "%s", HOST_FILE);
	for (int i = 0; i < 2; i++) {
		if (fscanf(f, "%lf %lf %lf", &ns, &user, &system) != 3)
			errx(1, "%s: not as expected", HOST_FILE);
		c.total += ns;
		c.native += user * 1e7;
	}
	fclose(f);
	return c;
}

struct cpu cpu_now(void)
{
	return host ? cpu_host() : cpu_self();
}

const char *cpu_clock(void)
{
	return host ? "of the UML kernel and of this program, as the host counts it"
		    : "of this process, getrusage";
}

uint64_t ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

double wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double ns_per_tick(void)
{
	return tick_ns;
}

void cpu_init(void)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	double from = wall_now();
	uint64_t ticks_from = ticks();
	FILE *f = fopen(HOST_FILE, "re");

	host = f;
	if (f)
		fclose(f);
	nanosleep(&pause, NULL);
	tick_ns = (wall_now() - from) / (double)(ticks() - ticks_from);
}
