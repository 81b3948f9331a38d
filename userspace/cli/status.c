// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice status: is everything there that a TLS socket needs?
 */
#include <error.h>
#include <errno.h>
#include <stdio.h>
#include <linux/tls.h>

#include <sluice.h>

#include "cli.h"
#include "state.h"

static const char doc[] =
	"Tell whether the sluice module is loaded and an agent (sluiced) serves "
	"this network namespace.\v"
	"Examples:\n"
	"  sluice status\n"
	"  sluice status --quiet && echo ready\n\n"
	"Exit status:\n"
	"  0  ready\n"
	"  3  the module is not loaded, or is not of this program's version\n"
	"  4  the module is there, sluiced is not";

static const struct argp_option options[] = {
	{ "quiet", 'q', NULL, 0, "Print nothing, only exit", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	int *quiet = state->input;

	(void)arg;
	if (key != 'q')
		return ARGP_ERR_UNKNOWN;
	*quiet = 1;
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = doc,
};

static void print_ciphers(uint64_t bits)
{
	printf("ciphers: ");
	for (unsigned int i = 0; i < 64; i++)
		if (bits >> i & 1)
			printf(" %s", sluice_cipher_name(TLS_CIPHER_AES_GCM_128 + i));
	printf("\n");
}

static void print(const struct sluice_nl_state *s)
{
	printf("module:   loaded, ABI %u%s\n", s->abi,
	       s->abi == SLUICE_ABI_VERSION ? "" : " (not this program's)");
	printf("agent:    %s\n", s->agents ? "present" :
	       "none: sluiced is not running in this network namespace");
	print_ciphers(s->ciphers);
	printf("sockets:  %llu\n", (unsigned long long)s->stats[SLUICE_STAT_SOCKETS]);
	printf("pending:  %u handshakes\n", s->pending);
}

int cmd_status(int argc, char **argv)
{
	struct sluice_nl_state s = { 0 };
	int quiet = 0;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &quiet))
		return CLI_FAILED;
	program_invocation_name = argv[0];
	status = state_get(&s);
	if (status)
		return status;
	if (!quiet)
		print(&s);
	if (s.abi != SLUICE_ABI_VERSION)
		return CLI_NO_MODULE;
	return s.agents ? CLI_OK : CLI_NO_AGENT;
}
