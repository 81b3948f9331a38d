// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice-bench, which `sluice bench' starts: the plan, and the report.
 */
#include <argp.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <jansson.h>
#include <linux/tls.h>

#include <sluice.h>

#include "bounds.h"
#include "cores.h"
#include "report.h"
#include "transfer.h"

static const char doc[] =
	"Measure Sluice beside its peers on this machine: plain TCP, TLS in the program by "
	"OpenSSL, the kernel's own tls module. Root only. The figures are of both ends, which "
	"take turns on one processor.\v"
	"Examples:\n"
	"  sluice bench --quick\n"
	"  sluice bench --json result.json\n"
	"  sluice bench --method sendfile --chunk 1M";

static const struct argp_option options[] = {
	{ "quick", 'q', NULL, 0, "A few workloads, a few rounds", 0 },
	{ "json", 'j', "FILE", 0, "All figures, to FILE", 0 },
	{ "rounds", 'r', "N", 0, "Rounds of each workload (default 7, quick 5)", 0 },
	{ "time", 't', "MS", 0, "CPU time of a peer in a round (default 200, quick 120)", 0 },
	{ "method", 'm', "METHOD", 0, "Only this one: write, sendfile or splice", 0 },
	{ "chunk", 'c', "BYTES", 0, "Only calls of this size; 64K, 1M", 0 },
	{ "peers", 'p', "NAMES", 0, "Only these, separated by commas", 0 },
	{ "only", 'o', "PARTS", 0,
	  "Of transfers, ciphers, connections, cores (where there are several processors), "
	  "frames, latency, memory, bounds; and growth, over 100 GiB, which is in no other run",
	  0 },
	{ "netns", 'n', "NAME:ADDRESS", 0,
	  "And to ADDRESS in another network namespace, for which `ip netns' has a name", 0 },
	{ 0 }
};

static const struct peer peers[] = {
	{ "plain", "plain TCP", { PLAIN, PLAIN } },
	{ "openssl", "OpenSSL, large batches", { EVP, EVP } },
	{ "ssl", "OpenSSL, SSL_write 16 KiB", { SSL16K, SSL16K } },
	{ "tls", "in-tree tls", { INTREE, INTREE } },
	{ "tls-nopad", "in-tree tls, no pad", { NOPAD, NOPAD } },
	{ "sluice-tx", "Sluice to in-tree", { SLUICE, NOPAD } },
	{ "sluice-rx", "in-tree to Sluice", { NOPAD, SLUICE } },
	{ "sluice", "Sluice", { SLUICE, SLUICE } },
};

struct plan {
	bool quick;
	const char *json;
	unsigned int rounds;
	double ns;
	int method;		/* -1: all */
	size_t chunk;		/* 0: all */
	const char *peers;
	const char *only;
	const char *netns;
	const char *address;
	json_t *report;
};

static size_t size_of(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*end == 'K' || *end == 'M')
		n <<= *end++ == 'K' ? 10 : 20;
	if (*end || n < 64 || n > 1 << 20 || BENCH_FILE % n)
		argp_error(state, "%s: a power of two, 64 to 1M", arg);
	return n;
}

static int method_of(struct argp_state *state, const char *arg)
{
	for (int i = 0; i <= SPLICE; i++)
		if (!strcmp(arg, method_names[i]))
			return i;
	argp_error(state, "%s: write, sendfile or splice", arg);
	return -1;
}

static void netns_of(struct argp_state *state, struct plan *plan, char *arg)
{
	char *colon = strchr(arg, ':');
	static char path[80];

	if (!colon)
		argp_error(state, "%s: NAME:ADDRESS", arg);
	*colon = 0;
	snprintf(path, sizeof(path), "/run/netns/%s", arg);
	plan->netns = path;
	plan->address = colon + 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 'q':
		plan->quick = true;
		return 0;
	case 'j':
		plan->json = arg;
		return 0;
	case 'r':
		plan->rounds = (unsigned int)atoi(arg);
		if (plan->rounds < 1 || plan->rounds > BENCH_ROUNDS)
			argp_error(state, "%s: 1 to %d", arg, BENCH_ROUNDS);
		return 0;
	case 't':
		plan->ns = atof(arg) * 1e6;
		if (plan->ns < 1e6)
			argp_error(state, "%s: at least 1", arg);
		return 0;
	case 'm':
		plan->method = method_of(state, arg);
		return 0;
	case 'c':
		plan->chunk = size_of(state, arg);
		return 0;
	case 'p':
		plan->peers = arg;
		return 0;
	case 'o':
		plan->only = arg;
		return 0;
	case 'n':
		netns_of(state, plan, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Is @name in the comma separated @list? */
static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += len)
		if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ','))
			return true;
	return false;
}

static bool wanted(const struct plan *plan, const char *part)
{
	return !plan->only || listed(plan->only, part);
}

static bool asked(const struct plan *plan, const struct peer *peer)
{
	return !plan->peers || listed(plan->peers, peer->id);
}

static void transfer(struct plan *plan, const struct workload *load)
{
	struct result *results = calloc(ARRAY_SIZE(peers), sizeof(*results));
	unsigned int n = 0;

	if (!results)
		err(1, "memory");
	for (unsigned int i = 0; i < ARRAY_SIZE(peers); i++)
		if (asked(plan, &peers[i]))
			results[n++].peer = &peers[i];
	if ((plan->method < 0 || load->method == (enum method)plan->method) &&
	    (!plan->chunk || load->chunk == plan->chunk)) {
		cores_run(load, results, n, plan->rounds, plan->ns);
		report_transfer(plan->report, load, results, n);
	}
	free(results);
}

static const struct workload usual = {
	.lanes = 1,
	.chunk = 256 << 10,
	.version = TLS_1_3_VERSION,
	.cipher = &bench_ciphers[0],
	.address = "127.0.0.1",
};

static void do_chunks(struct plan *plan, enum method method, const size_t *chunk, unsigned int n)
{
	struct workload load = usual;

	load.method = method;
	for (unsigned int i = 0; i < n; i++) {
		load.chunk = chunk[i];
		transfer(plan, &load);
	}
}

static void do_transfers(struct plan *plan)
{
	static const size_t all[] = { 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20 };

	if (plan->quick) {
		do_chunks(plan, WRITE, (const size_t[]){ 16 << 10, 64 << 10, 256 << 10 }, 3);
		do_chunks(plan, SENDFILE, (const size_t[]){ 256 << 10 }, 1);
		return;
	}
	do_chunks(plan, WRITE, all, ARRAY_SIZE(all));
	do_chunks(plan, SENDFILE, all + 2, ARRAY_SIZE(all) - 2);
	do_chunks(plan, SPLICE, all + 3, ARRAY_SIZE(all) - 3);
}

static void do_ciphers(struct plan *plan)
{
	for (unsigned int i = 0; i < n_bench_ciphers; i++) {
		struct workload load = usual;

		load.cipher = &bench_ciphers[i];
		if (i)
			transfer(plan, &load);
		load.version = TLS_1_2_VERSION;
		transfer(plan, &load);
	}
}

static void do_connections(struct plan *plan)
{
	struct workload load = usual;

	for (load.lanes = 8; load.lanes <= BENCH_LANES; load.lanes *= 8)
		transfer(plan, &load);
}

/* Does one processor's work cost another's? Beside one connection, that has one to itself. */
static void do_cores(struct plan *plan)
{
	static const unsigned int lanes[] = { 1, 2, 8, BENCH_LANES };
	unsigned int cores = cores_online();
	struct workload load = usual;

	for (unsigned int i = 0; cores > 1 && i < ARRAY_SIZE(lanes); i++) {
		load.lanes = lanes[i];
		load.cores = load.lanes < cores ? load.lanes : cores;
		transfer(plan, &load);
	}
}

static void do_frames(struct plan *plan)
{
	struct workload load = usual;

	if (!plan->netns)
		return;
	load.netns = plan->netns;
	load.address = plan->address;
	transfer(plan, &load);
	load.method = SENDFILE;
	transfer(plan, &load);
}

/* One of each kind that can speak both ways over one connection. */
static unsigned int both_ways(const struct plan *plan, const struct peer **list, bool kernel)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(peers); i++) {
		const struct peer *p = &peers[i];

		if (p->engine[TX] == p->engine[RX] && p->engine[TX] != EVP &&
		    p->engine[TX] != INTREE && (!kernel || p->engine[TX] != SSL16K) &&
		    asked(plan, p))
			list[n++] = p;
	}
	return n;
}

static void do_latency(struct plan *plan)
{
	static const size_t sizes[] = { 64, 1 << 10, 4 << 10, 16 << 10 };
	const struct peer *list[ARRAY_SIZE(peers)];
	unsigned int n = both_ways(plan, list, false);

	for (unsigned int s = 0; s < (plan->quick ? 1 : ARRAY_SIZE(sizes)); s++) {
		struct latency results[ARRAY_SIZE(peers)] = { 0 };
		struct workload load = usual;

		load.chunk = sizes[s];
		for (unsigned int i = 0; i < n; i++)
			results[i].peer = list[i];
		latency_run(&load, results, n, plan->quick ? 1000 : 3000);
		report_latency(plan->report, &load, results, n);
	}
}

static void do_memory(struct plan *plan)
{
	struct memory memory[ARRAY_SIZE(peers)] = { 0 };
	struct churn churn[ARRAY_SIZE(peers)] = { 0 };
	const struct peer *list[ARRAY_SIZE(peers)];
	unsigned int n = both_ways(plan, list, true);
	struct workload load = usual;

	load.chunk = 1 << 10;
	for (unsigned int i = 0; i < n; i++)
		memory[i].peer = list[i];
	memory_run(&load, memory, n, 3);
	report_memory(plan->report, memory, n);
	n = both_ways(plan, list, false);
	for (unsigned int i = 0; i < n; i++)
		churn[i].peer = list[i];
	churn_run(&load, churn, n, plan->quick ? 3 : 9);
	report_churn(plan->report, churn, n);
}

/* Takes minutes, and tells one thing: only for who asks. */
static void do_growth(struct plan *plan)
{
	struct growth growth[ARRAY_SIZE(peers)] = { 0 };
	const struct peer *list[ARRAY_SIZE(peers)];
	unsigned int n = both_ways(plan, list, true);
	struct workload load = usual;

	load.chunk = 1 << 20;
	for (unsigned int i = 0; i < n; i++) {
		growth[i].peer = list[i];
		growth[i].bytes = 100ULL << 30;
	}
	growth_run(&load, growth, n);
	report_growth(plan->report, growth, n);
}

static const struct peer *peer_of(enum engine tx, enum engine rx)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(peers); i++)
		if (peers[i].engine[TX] == tx && peers[i].engine[RX] == rx)
			return &peers[i];
	return NULL;
}

/* Framing alone, and from it, with the bare cipher, what could be reached without a copy. */
static void do_bounds(struct plan *plan)
{
	struct result *results = calloc(6, sizeof(*results));
	struct aead_rates rates[n_bench_ciphers];
	struct workload load = usual;

	if (!results)
		err(1, "memory");
	load.chunk = 1 << 20;
	for (unsigned int i = 0; i < n_bench_ciphers; i++) {
		rates[i].encrypt = bounds_aead(&bench_ciphers[i], "encrypt", 0);
		rates[i].decrypt = bounds_aead(&bench_ciphers[i], "decrypt", 0);
		rates[i].apart_64 = bounds_aead(&bench_ciphers[i], "encrypt", 64);
		rates[i].apart_256 = bounds_aead(&bench_ciphers[i], "encrypt", 256);
	}
	report_aead(plan->report, bench_ciphers, rates, n_bench_ciphers);
	results[0].peer = peer_of(PLAIN, PLAIN);
	results[1].peer = peer_of(NOPAD, NOPAD);
	results[2].peer = peer_of(SLUICE, NOPAD);
	results[3].peer = peer_of(NOPAD, SLUICE);
	results[4].peer = peer_of(SLUICE, SLUICE);
	for (unsigned int i = 1; i < 5; i++)
		results[i].mute = true;
	results[5].peer = peer_of(SLUICE, SLUICE);
	transfer_run(&load, results, 6, plan->rounds, plan->ns);
	report_framing(plan->report, results, 6, rates[0].encrypt + rates[0].decrypt);
	free(results);
}

static const struct {
	const char *name;
	void (*run)(struct plan *plan);
	enum { QUICK, FULL, ASKED } when;
} parts[] = {
	{ "transfers", do_transfers, QUICK },
	{ "ciphers", do_ciphers, FULL },
	{ "connections", do_connections, FULL },
	{ "cores", do_cores, FULL },
	{ "frames", do_frames, FULL },
	{ "latency", do_latency, QUICK },
	{ "memory", do_memory, QUICK },
	{ "bounds", do_bounds, FULL },
	{ "growth", do_growth, ASKED },
};

/* All peers' connections are open at a time, with a pipe at each end for splice. */
static void raise_files(void)
{
	const rlim_t n = 64 + 6 * BENCH_LANES * ARRAY_SIZE(peers);
	const struct rlimit limit = { n, n };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		err(1, "%u open files", (unsigned int)n);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse, NULL, doc, NULL, NULL, NULL };
	struct plan plan = { .method = -1 };

	argp_parse(&argp, argc, argv, 0, NULL, &plan);
	if (!plan.rounds)
		plan.rounds = plan.quick ? 5 : 7;
	if (plan.ns == 0)
		plan.ns = plan.quick ? 120e6 : 200e6;
	signal(SIGPIPE, SIG_IGN);
	raise_files();
	cpu_init();
	source_init();
	plan.report = report_begin();
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++)
		if (wanted(&plan, parts[i].name) &&
		    (plan.only || parts[i].when <= (plan.quick ? QUICK : FULL)))
			parts[i].run(&plan);
	return report_end(plan.report, plan.json) ? 1 : 0;
}
