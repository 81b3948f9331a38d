// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice run: a command whose TCP sockets become TLS without its knowing.
 */
#include <errno.h>
#include <error.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <sluice.h>

#include "child.h"
#include "cli.h"
#include "state.h"
#include "supervise.h"

#define PRELOAD "libsluice-names.so"

enum {
	OPT_CLIENT = 256,
	OPT_SERVER,
	OPT_PORT,
	OPT_PLAIN_PORT,
	OPT_NAME,
	OPT_NO_NAME,
	OPT_IDENTITY,
	OPT_TRUST,
	OPT_TLS,
	OPT_ALPN,
	OPT_TRUNCATION,
};

static const struct argp_option options[] = {
	{ "client", OPT_CLIENT, NULL, 0, "Only connections it makes become TLS", 1 },
	{ "server", OPT_SERVER, NULL, 0, "Only connections it accepts become TLS", 1 },
	{ "port", OPT_PORT, "LIST", 0,
	  "Only on these ports of the server, as 443,8000-8010 (default: on all)", 1 },
	{ "plain-port", OPT_PLAIN_PORT, "LIST", 0, "On all ports but these. INSECURE there", 1 },
	{ "name", OPT_NAME, "NAME", 0,
	  "Every server's certificate must be for NAME (default: the name the program has looked up)", 2 },
	{ "insecure-no-name", OPT_NO_NAME, NULL, 0,
	  "Accept a valid certificate of any other host too. INSECURE", 2 },
	{ "trust", OPT_TRUST, "NAME", 0,
	  "Check servers against this trust store of sluiced, not its default", 2 },
	{ "identity", OPT_IDENTITY, "NAME", 0,
	  "Use this certificate of sluiced (default: a server's is chosen by the name asked for, a client has none)", 3 },
	{ "tls", OPT_TLS, "VERSION", 0, "This TLS version only: 1.2 or 1.3", 3 },
	{ "alpn", OPT_ALPN, "LIST", 0, "Protocols, separated by commas (default: none)", 3 },
	{ "allow-truncation", OPT_TRUNCATION, NULL, 0,
	  "Take an end without close_notify for an end. INSECURE", 3 },
	{ "verbose", 'v', NULL, 0, "Tell of each socket that becomes TLS", 4 },
	{ 0 }
};

static const char doc[] =
	"Run a command, as it is, whose TCP connections shall be TLS: those it makes "
	"and those it accepts, in all processes that come of it. Where that cannot "
	"be, its connect() or listen() fails; no byte goes out in plain text. "
	"Static programs too; 64-bit ones only.\v"
	"Examples:\n"
	"  sluice run --server --identity www -- python3 -m http.server 8443\n"
	"  sluice run --client -- curl http://www.example.org:443/\n"
	"  sluice run --server --port 6380 -- redis-server --port 6380\n"
	"  sluice run --client --name db.example.org -- ./static-program 192.0.2.1\n\n"
	"The command's own exit status, or signal, becomes that of sluice run, which "
	"stays until the last process is gone. Before it starts:\n"
	"  1    something local\n"
	"  2    options, or a setuid program: it would get no privileges\n"
	"  3    the sluice module is not loaded\n"
	"  4    sluiced is not running\n"
	"  126  the command cannot be run, 127: not found";

struct run {
	struct supervise s;
	struct cli_alpn alpn;
	const char *identity;
	int client;
	int server;
	char **argv;
};

static void set_ports(struct argp_state *state, struct ports *p, const char *list, int in)
{
	if (ports_set(p, list, in))
		argp_error(state, "ports are numbers from 1 to 65535 as 443,8000-8010, not %s", list);
}

static error_t parse_tls(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;
	struct sluice_options *c = &r->s.connect, *l = &r->s.listen;

	switch (key) {
	case OPT_IDENTITY:
		c->identity = arg;
		l->identity = arg;
		return 0;
	case OPT_TRUST:
		c->trust = arg;
		return 0;
	case OPT_TLS:
		c->min_version = cli_tls_version(state, arg);
		c->max_version = c->min_version;
		l->min_version = c->min_version;
		l->max_version = c->min_version;
		return 0;
	case OPT_ALPN:
		cli_alpn(state, &r->alpn, arg);
		return 0;
	case OPT_TRUNCATION:
		c->flags |= SLUICE_F_ALLOW_TRUNCATION;
		l->flags |= SLUICE_F_ALLOW_TRUNCATION;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_sockets(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	switch (key) {
	case OPT_CLIENT:
		r->client = 1;
		return 0;
	case OPT_SERVER:
		r->server = 1;
		return 0;
	case OPT_PORT:
		ports_fill(&r->s.ports, 0);
		set_ports(state, &r->s.ports, arg, 1);
		return 0;
	case OPT_PLAIN_PORT:
		set_ports(state, &r->s.ports, arg, 0);
		return 0;
	case OPT_NAME:
		if (!*arg)
			argp_error(state, "--name is empty");
		r->s.connect.server_name = arg;
		return 0;
	case OPT_NO_NAME:
		r->s.connect.flags |= SLUICE_F_NO_NAME_CHECK;
		return 0;
	default:
		return parse_tls(key, arg, state);
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	switch (key) {
	case 'v':
		r->s.verbose = 1;
		return 0;
	case ARGP_KEY_ARG:
		r->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	case ARGP_KEY_SUCCESS:
		/* Neither: whatever is not TLS has to be asked for. */
		if (!r->client && !r->server)
			r->client = r->server = 1;
		return 0;
	default:
		return parse_sockets(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--] COMMAND [ARGUMENT...]",
	.doc = doc,
};

/* --- before it starts --- */

static int check_state(void)
{
	struct sluice_nl_state state = { 0 };
	int status = state_get(&state);

	if (status)
		return status;
	if (state.abi != SLUICE_ABI_VERSION) {
		error(0, 0, "the module is of another version than this program");
		return CLI_NO_MODULE;
	}
	if (!state.agents) {
		error(0, 0, "sluiced is not running");
		return CLI_NO_AGENT;
	}
	return CLI_OK;
}

/* Where execvp() will find it. Return: what free() takes, or NULL: nowhere. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *file = NULL;

	if (strchr(name, '/'))
		return strdup(name);
	if (!path)
		path = "/bin:/usr/bin";
	while (path) {
		const char *end = strchrnul(path, ':');

		if (asprintf(&file, "%.*s%s%s", (int)(end - path), path,
			     end > path ? "/" : "./", name) < 0)
			return NULL;
		if (!access(file, X_OK))
			return file;
		free(file);
		path = *end ? end + 1 : NULL;
	}
	return NULL;
}

/* With no_new_privs, which the filter needs, it would run with our own rights
 * only, and fail who knows where.
 */
static int is_privileged(const char *file)
{
	struct stat st;

	if (stat(file, &st))
		return 0;
	if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
		return 1;
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != getegid())
		return 1;
	return geteuid() && getxattr(file, "security.capability", NULL, 0) > 0;
}

static int check_program(const char *name)
{
	char *file = find_program(name);
	int bad = file && is_privileged(file);

	if (bad)
		error(0, 0, "%s is setuid, setgid or has capabilities, and would get none of them here: start sluice run with the rights it needs",
		      file);
	free(file);
	return bad ? CLI_USAGE : CLI_OK;
}

/* --- names --- */

/* Beside this program, as it is built, or where it is installed. */
static char *find_preload(void)
{
	static const char *const places[] = { "", "../lib/" };
	char self[4096], *file;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));

	if (n < 0 || n == sizeof(self))
		return NULL;
	while (n && self[n - 1] != '/')
		n--;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&file, "%.*s%s%s", (int)n, self, places[i], PRELOAD) < 0)
			return NULL;
		if (!access(file, R_OK))
			return file;
		free(file);
	}
	return NULL;
}

static int set_preload(void)
{
	const char *others = getenv("LD_PRELOAD");
	char *file = find_preload(), *list;

	/* ld.so(8): they separate, and cannot be escaped. */
	if (!file || strpbrk(file, ": ")) {
		error(0, 0, "%s", file ? "the path of " PRELOAD " must be without spaces and colons" :
		      PRELOAD " is not there to tell which names the command looks up: --name does without it");
		free(file);
		return CLI_FAILED;
	}
	if (asprintf(&list, "%s%s%s", file, others ? ":" : "", others ? others : "") < 0) {
		free(file);
		return CLI_FAILED;
	}
	setenv("LD_PRELOAD", list, 1);
	free(list);
	free(file);
	return CLI_OK;
}

/* --- while it runs --- */

/* Until the last process that the filter is on has gone. */
static int supervise(struct supervise *s, struct child *c)
{
	struct pollfd p[] = {
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = c->notify, .events = POLLIN },
	};

	while (c->pid || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (p[0].revents)
			child_signals(c);
		if (p[1].fd < 0 || !p[1].revents)
			continue;
		if (!(p[1].revents & POLLIN))
			p[1].fd = -1;
		else if (supervise_call(s, c->notify))
			return -1;
	}
	return 0;
}

static int run(struct run *r)
{
	struct child c;

	if (child_start(&c, r->argv, r->client, r->server))
		return CLI_FAILED;
	if (supervise(&r->s, &c)) {
		error(0, errno, "seccomp: what connects or listens from now on fails");
		return CLI_FAILED;
	}
	return child_exit(&c);
}

static int prepare(struct run *r)
{
	const char *const *alpn = r->alpn.name[0] ? r->alpn.name : NULL;
	int status = check_program(r->argv[0]);

	r->s.connect.role = r->client ? SLUICE_ROLE_CLIENT : SLUICE_ROLE_NONE;
	r->s.connect.alpn = alpn;
	r->s.listen.role = r->server ? SLUICE_ROLE_SERVER : SLUICE_ROLE_NONE;
	r->s.listen.alpn = alpn;
	if (!status)
		status = check_state();
	if (!status && supervise_inherited(&r->s))
		status = CLI_FAILED;
	if (!status && r->client && !r->s.connect.server_name)
		status = set_preload();
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run r = {
		.s.connect = SLUICE_OPTIONS_INIT,
		.s.listen = SLUICE_OPTIONS_INIT,
	};
	int status;

	ports_fill(&r.s.ports, 1);
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r))
		return CLI_FAILED;
	program_invocation_name = argv[0];
	status = prepare(&r);
	if (!status)
		status = run(&r);
	names_end(&r.s.names);
	return status;
}
