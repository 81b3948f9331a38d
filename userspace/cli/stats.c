// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice stats: the module's counters, by the same names as a table, as JSON and
 * for Prometheus.
 */
#include <errno.h>
#include <error.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "cli.h"
#include "state.h"

static const char doc[] =
	"Show the module's counters of this network namespace. They count from "
	"the module's load (or the namespace's start) and are never reset.\v"
	"Examples:\n"
	"  sluice stats\n"
	"  sluice stats --json | jq .rx_bytes\n"
	"  sluice stats --prometheus > /var/lib/node_exporter/sluice.prom\n\n"
	"Exit status: 0, 1 (error), 3 (the module is not loaded).";

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "One JSON object", 0 },
	{ "prometheus", 'p', NULL, 0, "Prometheus' text format", 0 },
	{ 0 }
};

typedef int (*print_fn)(const struct sluice_nl_state *s);

static int print_table(const struct sluice_nl_state *s)
{
	for (int i = 0; i < __SLUICE_STAT_MAX; i++)
		printf("%-20s %12" PRIu64 "  %s\n", state_counters[i].name,
		       s->stats[i], state_counters[i].help);
	return 0;
}

static int print_json(const struct sluice_nl_state *s)
{
	json_t *object = json_object();
	int bad = !object;

	for (int i = 0; i < __SLUICE_STAT_MAX && !bad; i++)
		bad = json_object_set_new(object, state_counters[i].name,
					  json_integer(s->stats[i]));
	if (!bad)
		bad = json_dumpf(object, stdout, JSON_INDENT(2));
	if (!bad)
		putchar('\n');
	json_decref(object);
	return bad;
}

static int print_prometheus(const struct sluice_nl_state *s)
{
	for (int i = 0; i < __SLUICE_STAT_MAX; i++) {
		const struct state_counter *c = &state_counters[i];
		const char *total = c->gauge ? "" : "_total";

		printf("# HELP sluice_%s%s %s\n", c->name, total, c->help);
		printf("# TYPE sluice_%s%s %s\n", c->name, total,
		       c->gauge ? "gauge" : "counter");
		printf("sluice_%s%s %" PRIu64 "\n", c->name, total, s->stats[i]);
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	print_fn *print = state->input;

	(void)arg;
	switch (key) {
	case 'j':
		*print = print_json;
		return 0;
	case 'p':
		*print = print_prometheus;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = doc,
};

int cmd_stats(int argc, char **argv)
{
	struct sluice_nl_state s = { 0 };
	print_fn print = print_table;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &print))
		return CLI_FAILED;
	program_invocation_name = argv[0];
	status = state_get(&s);
	if (status)
		return status;
	if (print(&s) || fflush(stdout)) {
		error(0, errno, "stdout");
		return CLI_FAILED;
	}
	return CLI_OK;
}
