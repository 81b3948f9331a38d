// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes, no threads: in user-mode Linux those of one memory map take turns.
 */
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cores.h"

unsigned int cores_online(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		err(1, "processors");
	return (unsigned int)CPU_COUNT(&set);
}

/* To the @core'th of those that this program may use. */
static void stay_on(unsigned int core)
{
	cpu_set_t set, one;

	if (sched_getaffinity(0, sizeof(set), &set))
		err(1, "processors");
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && !core--)
			CPU_SET(i, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "processor");
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "memory");
	return p;
}

static pthread_barrier_t *meeting(unsigned int cores)
{
	pthread_barrier_t *meet = shared(sizeof(*meet));
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (pthread_barrier_init(meet, &attr, cores))
		errx(1, "barrier");
	return meet;
}

static void add_sample(struct sample *sum, const struct sample *s)
{
	double sent = sum->tx_share * sum->cpu.total + s->tx_share * s->cpu.total;

	sum->cpu.total += s->cpu.total;
	sum->cpu.native += s->cpu.native;
	sum->bytes += s->bytes;
	sum->tx_share = sent / sum->cpu.total;
	if (s->wall > sum->wall)
		sum->wall = s->wall;
}

/* One that could not be opened on one of them is not to be had. */
static void add_result(struct result *sum, const struct result *r)
{
	if (!sum->error)
		sum->error = r->error;
	for (unsigned int i = 0; !sum->error && i < sum->rounds; i++)
		add_sample(&sum->sample[i], &r->sample[i]);
}

/* The others would wait for one that has failed. */
static void wait_all(const pid_t *pids, unsigned int cores)
{
	for (unsigned int left = cores; left; left--) {
		int status;

		if (wait(&status) < 0)
			err(1, "wait");
		if (!status)
			continue;
		for (unsigned int i = 0; i < cores; i++)
			kill(pids[i], SIGKILL);
		errx(1, "a processor's part failed");
	}
}

void cores_run(const struct workload *load, struct result *results, unsigned int n,
	       unsigned int rounds, double ns)
{
	unsigned int cores = load->cores;
	struct result *all;
	struct workload part = *load;
	size_t size = n * sizeof(*all);
	pid_t pids[cores ?: 1];

	if (!cores) {
		transfer_run(load, results, n, rounds, ns);
		return;
	}
	all = shared(cores * size);
	part.meet = meeting(cores);
	for (unsigned int i = 0; i < cores; i++) {
		memcpy(all + i * n, results, size);
		part.lanes = load->lanes / cores + (i < load->lanes % cores);
		pids[i] = fork();
		if (pids[i] < 0)
			err(1, "fork");
		if (!pids[i]) {
			/* It may be waiting for the others when this program ends. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			stay_on(i);
			transfer_run(&part, all + i * n, n, rounds, ns);
			_exit(0);
		}
	}
	wait_all(pids, cores);
	memcpy(results, all, size);
	for (unsigned int i = n; i < cores * n; i++)
		add_result(&results[i % n], &all[i]);
	pthread_barrier_destroy(part.meet);
	munmap(part.meet, sizeof(*part.meet));
	munmap(all, cores * size);
}
