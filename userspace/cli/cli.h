/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sluice command: its subcommands, its exit statuses, and what all of them
 * share in parsing options.
 */
#ifndef SLUICE_CLI_H
#define SLUICE_CLI_H

#include <argp.h>
#include <stdint.h>

/**
 * enum cli_exit - exit statuses, the same for every subcommand
 *
 * They are promised in the help texts and the README.
 */
enum cli_exit {
	CLI_OK		= 0,
	CLI_FAILED	= 1,	/* local: memory, files, ports */
	CLI_USAGE	= 2,	/* options or arguments */
	CLI_NO_MODULE	= 3,	/* the module is not loaded, or of another ABI */
	CLI_NO_AGENT	= 4,	/* sluiced is not running */
	CLI_NETWORK	= 5,	/* no such host, refused, reset, timed out */
	CLI_CERTIFICATE	= 6,	/* the peer's certificate was not accepted */
	CLI_HANDSHAKE	= 7,	/* the handshake failed for another reason */
	CLI_INTEGRITY	= 8,	/* tampered with, damaged or truncated */
	CLI_HTTP	= 9,	/* the server answered with 400 or above */
};

/* Each subcommand: argv[0] is "sluice NAME", the rest is its own. */
int cmd_bench(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_stats(int argc, char **argv);

/**
 * cli_tls_version() - the argument of --tls
 * @state:	argp's, for the message; argp_error() ends the program with
 *		CLI_USAGE when the argument is wrong
 * @arg:	"1.2" or "1.3"
 *
 * Return: 0x0303 or 0x0304.
 */
uint16_t cli_tls_version(struct argp_state *state, const char *arg);

/**
 * cli_number() - an unsigned decimal argument within limits
 * @state:	argp's, for the message; see cli_tls_version()
 * @what:	what it is, for the message
 */
unsigned long cli_number(struct argp_state *state, const char *what,
			 const char *arg, unsigned long low, unsigned long high);

/* libsluice's list of protocols, from the argument of --alpn. */
#define CLI_ALPN_MAX 16

struct cli_alpn {
	const char *name[CLI_ALPN_MAX + 1];
};

/**
 * cli_alpn() - split a comma separated list of protocols
 * @list:	filled in; points into @arg, which is cut up and must stay. ""
 *		gives an empty list
 */
void cli_alpn(struct argp_state *state, struct cli_alpn *list, char *arg);

#endif /* SLUICE_CLI_H */
