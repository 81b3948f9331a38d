// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arguments that several subcommands take.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

uint16_t cli_tls_version(struct argp_state *state, const char *arg)
{
	if (!strcmp(arg, "1.2"))
		return 0x0303;
	if (!strcmp(arg, "1.3"))
		return 0x0304;
	argp_error(state, "TLS version is 1.2 or 1.3, not %s", arg);
	return 0;
}

unsigned long cli_number(struct argp_state *state, const char *what,
			 const char *arg, unsigned long low, unsigned long high)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (!isdigit((unsigned char)*arg) || *end || errno || n < low || n > high)
		argp_error(state, "%s is a number from %lu to %lu, not %s", what,
			   low, high, arg);
	return n;
}

void cli_alpn(struct argp_state *state, struct cli_alpn *list, char *arg)
{
	size_t n = 0;
	char *name;

	while (*arg && (name = strsep(&arg, ","))) {
		if (!*name || strlen(name) > 255)
			argp_error(state, "a protocol name has 1 to 255 bytes");
		if (n == CLI_ALPN_MAX)
			argp_error(state, "more than %d protocols", CLI_ALPN_MAX);
		list->name[n++] = name;
		if (!arg)
			break;
	}
	list->name[n] = NULL;
}
