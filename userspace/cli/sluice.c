// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sluice command: finds the subcommand and runs it.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sluice.h>

#include "cli.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "bench",  cmd_bench,  "measure it beside its peers" },
	{ "get",    cmd_get,    "fetch https:// URLs over sockets that are TLS" },
	{ "run",    cmd_run,    "run a command whose sockets become TLS" },
	{ "serve",  cmd_serve,  "serve a directory by HTTPS" },
	{ "status", cmd_status, "tell whether module and agent are there" },
	{ "stats",  cmd_stats,  "show the module's counters" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const char *argp_program_version = "sluice " SLUICE_VERSION;

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* argp prints each subcommand's help by running it; only the list is ours. */
static char *list_commands(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&list, &size);
	if (!f)
		return (char *)text;
	fputs("Commands:\n", f);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nExamples:\n"
	      "  sluice status\n"
	      "  sluice serve --identity www /srv/www\n"
	      "  sluice get -O https://www.example.org/image.iso\n"
	      "  sluice run --client -- curl http://www.example.org:443/\n\n"
	      "`sluice COMMAND --help' tells more about each.", f);
	return fclose(f) ? (char *)text : list;
}

struct chosen {
	const struct command *command;
	int first;			/* of argv, the subcommand's name */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct chosen *c = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		c->command = find(arg);
		if (!c->command)
			argp_error(state, "no such command: %s", arg);
		c->first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp top = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "TLS as a property of a socket: the command for it.\v",
	.help_filter = list_commands,
};

int main(int argc, char **argv)
{
	struct chosen c = { 0 };
	char name[32];

	/* Host names beyond ASCII come in the user's encoding. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = CLI_USAGE;
	if (argp_parse(&top, argc, argv, ARGP_IN_ORDER, NULL, &c))
		return CLI_FAILED;
	snprintf(name, sizeof(name), "sluice %s", c.command->name);
	argv[c.first] = name;
	return c.command->run(argc - c.first, argv + c.first);
}
