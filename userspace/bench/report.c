// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables and JSON. A figure never stands without its peers, and never without its spread.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <linux/tls.h>
#include <openssl/crypto.h>

#include "report.h"

const char *const method_names[] = { "write", "sendfile", "splice" };

/* Of /proc/cpuinfo, which in user-mode Linux does not know; then who started it says. */
static void cpu_name(char *name, size_t size)
{
	const char *told = getenv("SLUICE_BENCH_MACHINE");
	FILE *f = told ? NULL : fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(name, size, "%s", told ? told : "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (!strncmp(line, "model name", 10) && colon)
			snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
	}
	if (f)
		fclose(f);
}

json_t *report_begin(void)
{
	struct utsname u;
	char cpu[256];

	uname(&u);
	cpu_name(cpu, sizeof(cpu));
	printf("kernel   Linux %s %s\nmachine  %s\nlibrary  %s\nCPU time %s\n", u.release,
	       u.machine, cpu, OpenSSL_version(OPENSSL_VERSION), cpu_clock());
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "kernel", u.release, "machine", cpu,
			 "arch", u.machine, "openssl", OpenSSL_version(OPENSSL_VERSION),
			 "cpu_time", cpu_clock(), "workloads");
}

static void size_text(char *text, size_t size, size_t n)
{
	if (n >= 1 << 20 && n % (1 << 20) == 0)
		snprintf(text, size, "%zu MiB", n >> 20);
	else if (n >= 1 << 10)
		snprintf(text, size, "%zu KiB", n >> 10);
	else
		snprintf(text, size, "%zu B", n);
}

static const struct result *find(const struct result *results, unsigned int n, enum engine engine)
{
	for (unsigned int i = 0; i < n; i++)
		if (results[i].peer->engine[TX] == engine && results[i].peer->engine[RX] == engine &&
		    !results[i].error)
			return &results[i];
	return NULL;
}

static json_t *json_spread(struct spread s)
{
	return json_pack("{s:f, s:f, s:f}", "median", s.median, "min", s.least, "max", s.most);
}

static const struct {
	const char *name;
	double (*of)(const struct sample *s);
} measures[] = {
	{ "cpu_ns_per_byte", cpu_per_byte },
	{ "native_ns_per_byte", native_per_byte },
	{ "tx_cpu_ns_per_byte", tx_per_byte },
	{ "rx_cpu_ns_per_byte", rx_per_byte },
	{ "wall_ns_per_byte", wall_per_byte },
};

static json_t *json_result(const struct result *r, const struct result *best,
			   const struct result *user)
{
	json_t *o = json_pack("{s:s, s:s}", "id", r->peer->id, "peer", r->peer->name);

	if (r->error) {
		json_object_set_new(o, "error", json_string(strerror(r->error)));
		return o;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(measures); i++) {
		json_object_set_new(o, measures[i].name, json_spread(spread_of(r, measures[i].of)));
	}
	json_object_set_new(o, "tx_calls_per_mib", json_real(r->calls[TX]));
	json_object_set_new(o, "rx_calls_per_mib", json_real(r->calls[RX]));
	if (r->records != 0)
		json_object_set_new(o, "records_per_call", json_real(r->records));
	if (best) {
		json_object_set_new(o, "ratio_intree",
				    json_spread(spread_ratio(r, best, cpu_per_byte)));
		json_object_set_new(o, "ratio_intree_native",
				    json_spread(spread_ratio(r, best, native_per_byte)));
	}
	if (user)
		json_object_set_new(o, "ratio_openssl",
				    json_spread(spread_ratio(r, user, cpu_per_byte)));
	return o;
}

static double rate(double ns_per_byte)
{
	return 1e3 / ns_per_byte;
}

static void print_result(const struct result *r, const struct result *best,
			 const struct result *user)
{
	struct spread cpu, native, ratio;

	printf("  %-26s", r->peer->name);
	if (r->error) {
		printf(" %s\n", strerror(r->error));
		return;
	}
	cpu = spread_of(r, cpu_per_byte);
	native = spread_of(r, native_per_byte);
	printf(" %6.0f %5.0f-%-5.0f %6.0f %6.0f", rate(cpu.median), rate(cpu.most), rate(cpu.least),
	       rate(native.median), rate(spread_of(r, wall_per_byte).median));
	printf(" %6.0f %6.0f", rate(spread_of(r, tx_per_byte).median),
	       rate(spread_of(r, rx_per_byte).median));
	if (best) {
		ratio = spread_ratio(r, best, cpu_per_byte);
		printf("  %4.2f (%4.2f-%4.2f) %4.2f", ratio.median, ratio.least, ratio.most,
		       spread_ratio(r, best, native_per_byte).median);
	}
	if (user)
		printf("  %4.2f", spread_ratio(r, user, cpu_per_byte).median);
	if (r->records != 0)
		printf("  %4.1f", r->records);
	printf("\n");
}

void report_transfer(json_t *report, const struct workload *load, const struct result *results,
		     unsigned int n)
{
	const struct result *best = find(results, n, NOPAD), *user = find(results, n, EVP);
	unsigned int cores = load->cores ?: 1;
	json_t *o, *list = json_array();
	char size[32];

	size_text(size, sizeof(size), load->chunk);
	printf("\n%s of %s, %s, TLS 1.%d, %u connection%s, %u processor%s, %s\n",
	       method_names[load->method], size, load->cipher->name,
	       load->version == TLS_1_3_VERSION ? 3 : 2, load->lanes,
	       load->lanes == 1 ? "" : "s", cores, cores == 1 ? "" : "s",
	       load->netns ? "veth" : "loopback");
	printf("  %-26s %6s %11s %6s %6s %6s %6s  %-21s  %4s  %s\n", "MB per CPU second", "both",
	       "min-max", "native", "wall", "send", "read", "to in-tree (native)", "ossl", "rec/call");
	for (unsigned int i = 0; i < n; i++) {
		print_result(&results[i], best, user);
		json_array_append_new(list, json_result(&results[i], best, user));
	}
	fflush(stdout);
	o = json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:s, s:i, s:o}",
		      "method", method_names[load->method], "chunk", (int)load->chunk,
		      "cipher", load->cipher->name,
		      "version", load->version == TLS_1_3_VERSION ? "1.3" : "1.2",
		      "connections", (int)load->lanes, "processors", (int)cores, "path", load->netns ? "veth" : "loopback",
		      "rounds", (int)results[0].rounds, "peers", list);
	json_array_append_new(json_object_get(report, "workloads"), o);
}

/* One line of a table, one member of the report. */
static json_t *add_row(json_t *list, const struct peer *peer, int error)
{
	json_t *o = json_pack("{s:s, s:s}", "id", peer->id, "peer", peer->name);

	printf("  %-26s", peer->name);
	if (error) {
		printf(" %s\n", strerror(error));
		json_object_set_new(o, "error", json_string(strerror(error)));
	}
	json_array_append_new(list, o);
	return o;
}

static void set(json_t *o, const char *name, double value)
{
	json_object_set_new(o, name, json_real(value));
}

static json_t *list_of(json_t *report, const char *name)
{
	json_t *list = json_object_get(report, name);

	if (!list) {
		list = json_array();
		json_object_set_new(report, name, list);
	}
	return list;
}

void report_latency(json_t *report, const struct workload *load, const struct latency *results,
		    unsigned int n)
{
	json_t *list = list_of(report, "latency"), *o;
	char size[32];

	size_text(size, sizeof(size), load->chunk);
	printf("\nrequest and response of %s, us  %9s %9s\n", size, "p50", "p99");
	for (unsigned int i = 0; i < n; i++) {
		o = add_row(list, results[i].peer, results[i].error);
		if (results[i].error)
			continue;
		printf("      %9.1f %9.1f\n", results[i].p50, results[i].p99);
		set(o, "bytes", (double)load->chunk);
		set(o, "exchanges", results[i].exchanges);
		set(o, "p50_us", results[i].p50);
		set(o, "p99_us", results[i].p99);
	}
	fflush(stdout);
}

void report_memory(json_t *report, const struct memory *results, unsigned int n)
{
	json_t *list = list_of(report, "memory"), *o;

	printf("\nkernel memory of a socket, bytes    idle  after use  connection with 32 KiB unread\n");
	for (unsigned int i = 0; i < n; i++) {
		o = add_row(list, results[i].peer, results[i].error);
		if (results[i].error)
			continue;
		printf("      %9.0f %10.0f %30.0f\n", results[i].idle, results[i].used,
		       results[i].busy);
		set(o, "idle_bytes", results[i].idle);
		set(o, "used_bytes", results[i].used);
		set(o, "busy_bytes", results[i].busy);
	}
	fflush(stdout);
}

void report_growth(json_t *report, const struct growth *results, unsigned int n)
{
	json_t *list = list_of(report, "growth"), *o;

	printf("\nkernel memory that grew, KiB, over        GiB\n");
	for (unsigned int i = 0; i < n; i++) {
		o = add_row(list, results[i].peer, results[i].error);
		if (results[i].error)
			continue;
		printf("      %9.0f %9.0f\n", results[i].grown / 1024,
		       (double)results[i].bytes / (1 << 30));
		set(o, "bytes", (double)results[i].bytes);
		set(o, "grown_bytes", results[i].grown);
	}
	fflush(stdout);
}

void report_churn(json_t *report, const struct churn *results, unsigned int n)
{
	json_t *list = list_of(report, "connections"), *o;

	printf("\nconnect, 1 KiB each way, close  per CPU second  per second\n");
	for (unsigned int i = 0; i < n; i++) {
		o = add_row(list, results[i].peer, results[i].error);
		if (results[i].error)
			continue;
		printf("      %12.0f %12.0f\n", 1e6 / results[i].cpu, 1e6 / results[i].wall);
		set(o, "cpu_us", results[i].cpu);
		set(o, "wall_us", results[i].wall);
	}
	fflush(stdout);
}

void report_aead(json_t *report, const struct cipher *ciphers, const struct aead_rates *rates,
		 unsigned int n)
{
	json_t *list = list_of(report, "aead"), *o;

	printf("\nthe kernel's cipher alone, 16 KiB, MB per CPU second  encrypt  decrypt   to +64  to +256\n");
	for (unsigned int i = 0; i < n; i++) {
		printf("  %-20s", ciphers[i].name);
		if (rates[i].encrypt == 0) {
			printf(" not to be had\n");
			continue;
		}
		printf("%s %37.0f %8.0f %8.0f %8.0f\n", ciphers[i].native ? " " : "*",
		       rate(rates[i].encrypt), rate(rates[i].decrypt), rate(rates[i].apart_64),
		       rate(rates[i].apart_256));
		o = json_pack("{s:s}", "cipher", ciphers[i].name);
		set(o, "encrypt_ns_per_byte", rates[i].encrypt);
		set(o, "encrypt_to_64_ns_per_byte", rates[i].apart_64);
		set(o, "encrypt_to_256_ns_per_byte", rates[i].apart_256);
		set(o, "decrypt_ns_per_byte", rates[i].decrypt);
		json_array_append_new(list, o);
	}
	printf("  * in user-mode Linux generic code: no figure of the kernel's with it means much\n");
	fflush(stdout);
}

/* Framing alone, and what a cipher adds to it at least. */
static void report_bound(json_t *o, const struct result *r, double aead)
{
	double cpu = spread_of(r, cpu_per_byte).median;
	double native = spread_of(r, native_per_byte).median;

	printf(" %24.0f %9.0f %6.0f %6.0f %7.0f (%.0f)\n", rate(cpu), rate(native),
	       rate(spread_of(r, tx_per_byte).median), rate(spread_of(r, rx_per_byte).median),
	       rate(cpu + aead), rate(native + aead));
	set(o, "cpu_ns_per_byte", cpu);
	set(o, "native_ns_per_byte", native);
	set(o, "bound_cpu_ns_per_byte", cpu + aead);
	set(o, "bound_native_ns_per_byte", native + aead);
}

/* @framing's bound by what @r has come to, round by round. */
static void report_reached(json_t *o, const struct result *r, const struct result *framing,
			   double aead)
{
	struct result bound = *framing;
	struct spread part;

	for (unsigned int i = 0; i < bound.rounds; i++)
		bound.sample[i].cpu.total += aead * bound.sample[i].bytes;
	part = spread_ratio(r, &bound, cpu_per_byte);
	printf(" %24.0f of that bound, with the cipher: %.2f (%.2f-%.2f)\n",
	       rate(spread_of(r, cpu_per_byte).median), part.median, part.least, part.most);
	json_object_set_new(o, "of_bound", json_spread(part));
}

void report_framing(json_t *report, const struct result *results, unsigned int n, double aead)
{
	json_t *list = list_of(report, "framing"), *o;
	const struct result *framing = NULL;

	printf("\nwrite of 1 MiB without a cipher, MB per CPU second  (native)  send   read"
	       "  with one, no copy\n");
	for (unsigned int i = 0; i < n; i++) {
		const struct result *r = &results[i];

		o = add_row(list, r->peer, r->error);
		if (r->error)
			continue;
		if (r->mute || r->peer->engine[TX] == PLAIN)
			report_bound(o, framing = r, aead);
		else if (framing)
			report_reached(o, r, framing, aead);
	}
	fflush(stdout);
}

int report_end(json_t *report, const char *path)
{
	int ret = 0;

	if (path && json_dump_file(report, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6))) {
		warn("%s", path);
		ret = -1;
	}
	json_decref(report);
	return ret;
}
