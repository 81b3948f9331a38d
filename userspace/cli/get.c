// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice get: fetches https:// URLs over sockets that are TLS by themselves.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fetch.h"
#include "url.h"

enum {
	OPT_TLS = 256,
	OPT_TRUST,
	OPT_NO_NAME,
	OPT_ALPN,
	OPT_RESOLVE,
	OPT_CONNECT_TO,
	OPT_REDIRECTS,
	OPT_CONNECT_TIMEOUT,
	OPT_STALL_TIMEOUT,
	OPT_PROGRESS,
	OPT_NO_FAIL,
	OPT_STATS,
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Write to FILE, not to stdout (one URL only)", 1 },
	{ "remote-name", 'O', NULL, 0, "Write to a file named as the URL's last part", 1 },
	{ "resume", 'C', NULL, 0, "Go on where the file ends", 1 },
	{ "continue", 'C', NULL, OPTION_ALIAS, NULL, 1 },
	{ "tls", OPT_TLS, "VERSION", 0, "This TLS version only: 1.2 or 1.3", 2 },
	{ "trust", OPT_TRUST, "NAME", 0,
	  "Check the server against this trust store of sluiced, not its default", 2 },
	{ "cacert-store", OPT_TRUST, NULL, OPTION_ALIAS, NULL, 2 },
	{ "insecure-no-name", OPT_NO_NAME, NULL, 0,
	  "Accept a valid certificate of any other host too. INSECURE", 2 },
	{ "alpn", OPT_ALPN, "LIST", 0,
	  "Protocols to offer, separated by commas; \"\": none (default: http/1.1)", 2 },
	{ "resolve", OPT_RESOLVE, "HOST:PORT:ADDRESS", 0,
	  "Use ADDRESS for HOST; the name is checked as ever", 3 },
	{ "connect-to", OPT_CONNECT_TO, "HOST:PORT:HOST2:PORT2", 0,
	  "Connect to HOST2 instead of HOST; HOST's name is checked", 3 },
	{ "limit-redirects", OPT_REDIRECTS, "N", 0, "Follow N redirects (default: 10)", 3 },
	{ "connect-timeout", OPT_CONNECT_TIMEOUT, "SECONDS", 0,
	  "For name, connection and handshake (default: 30)", 3 },
	{ "stall-timeout", OPT_STALL_TIMEOUT, "SECONDS", 0,
	  "Give up when no byte came for so long (default: 60)", 3 },
	{ "no-fail", OPT_NO_FAIL, NULL, 0,
	  "Take an error page for an answer (default: exit status 9)", 3 },
	{ "quiet", 'q', NULL, 0, "No progress bar, errors only", 4 },
	{ "progress", OPT_PROGRESS, NULL, 0,
	  "Draw the progress bar even where stderr is no terminal", 4 },
	{ "stats", OPT_STATS, NULL, 0,
	  "Print version, cipher, records and bytes as the kernel counted them", 4 },
	{ 0 }
};

static const char doc[] =
	"Fetch https:// URLs. The handshake is done by sluiced, TLS by the "
	"sluice module; this program reads and writes plain HTTP/1.1.\v"
	"Examples:\n"
	"  sluice get -O https://www.example.org/image.iso\n"
	"  sluice get -C -o image.iso https://www.example.org/image.iso\n"
	"  sluice get --trust demo --tls 1.3 --stats https://www.test:8443/\n"
	"  sluice get --resolve www.test:443:192.0.2.1 https://www.test/\n\n"
	"Exit status:\n"
	"  0  all is there\n"
	"  1  something local: a file, memory\n"
	"  2  options, URL, or a proxy in the environment\n"
	"  3  the sluice module is not loaded\n"
	"  4  sluiced is not running\n"
	"  5  network: no such host, refused, reset, timed out\n"
	"  6  the server's certificate was refused\n"
	"  7  the TLS handshake failed otherwise\n"
	"  8  integrity: tampered with, damaged or truncated\n"
	"  9  the server answered with an error";

struct get {
	struct fetch fetch;
	struct cli_alpn alpn;
	const char *file;
	int remote_name;
	int resume;
	int progress;
	char **urls;
	int n_urls;
};

static void append(struct argp_state *state, struct curl_slist **list, const char *arg)
{
	struct curl_slist *longer = curl_slist_append(*list, arg);

	if (!longer)
		argp_failure(state, CLI_FAILED, ENOMEM, "%s", arg);
	*list = longer;
}

static error_t parse_tls(int key, char *arg, struct argp_state *state)
{
	struct get *g = state->input;
	struct sluice_options *o = &g->fetch.armed.options;

	switch (key) {
	case OPT_TLS:
		o->min_version = cli_tls_version(state, arg);
		o->max_version = o->min_version;
		return 0;
	case OPT_TRUST:
		o->trust = arg;
		return 0;
	case OPT_NO_NAME:
		o->flags |= SLUICE_F_NO_NAME_CHECK;
		return 0;
	case OPT_ALPN:
		cli_alpn(state, &g->alpn, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_net(int key, char *arg, struct argp_state *state)
{
	struct fetch *f = &((struct get *)state->input)->fetch;

	switch (key) {
	case OPT_RESOLVE:
		append(state, &f->resolve, arg);
		return 0;
	case OPT_CONNECT_TO:
		append(state, &f->connect_to, arg);
		return 0;
	case OPT_REDIRECTS:
		f->redirects = cli_number(state, "--limit-redirects", arg, 0, 1000);
		return 0;
	case OPT_CONNECT_TIMEOUT:
		f->connect_timeout = cli_number(state, "--connect-timeout", arg, 1, 86400);
		return 0;
	case OPT_STALL_TIMEOUT:
		f->stall_timeout = cli_number(state, "--stall-timeout", arg, 1, 86400);
		return 0;
	case OPT_NO_FAIL:
		f->keep_errors = 1;
		return 0;
	default:
		return parse_tls(key, arg, state);
	}
}

static void check(struct argp_state *state, const struct get *g)
{
	if (g->file && g->remote_name)
		argp_error(state, "-o and -O exclude each other");
	if (g->file && g->n_urls > 1)
		argp_error(state, "-o takes one URL; use -O");
	if (g->resume && !g->file && !g->remote_name)
		argp_error(state, "-C needs -o or -O: stdout cannot be resumed");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct get *g = state->input;

	switch (key) {
	case 'o':
		g->file = arg;
		return 0;
	case 'O':
		g->remote_name = 1;
		return 0;
	case 'C':
		g->resume = 1;
		return 0;
	case 'q':
		g->fetch.quiet = 1;
		return 0;
	case OPT_PROGRESS:
		g->progress = 1;
		return 0;
	case OPT_STATS:
		g->fetch.stats = 1;
		return 0;
	case ARGP_KEY_ARGS:
		g->urls = state->argv + state->next;
		g->n_urls = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	case ARGP_KEY_END:
		check(state, g);
		return 0;
	default:
		return parse_net(key, arg, state);
	}
}

/* A bar makes no sense across what is printed to the same terminal. */
static int wants_progress(const struct get *g)
{
	if (g->progress)
		return 1;
	return !g->fetch.quiet && isatty(STDERR_FILENO) &&
	       (g->file || g->remote_name || !isatty(STDOUT_FILENO));
}

static int get_one(struct get *g, const char *text)
{
	const char *why = NULL;
	CURLU *url = url_parse(text, &why);
	struct output out;
	char *name = NULL;
	int status = CLI_USAGE;

	if (!url) {
		error(0, 0, "%s: %s", text, why);
		return CLI_USAGE;
	}
	if (g->remote_name)
		name = url_file_name(url);
	if (g->remote_name && !name) {
		error(0, 0, "%s: no file name in it for -O; use -o", text);
	} else if (output_init(&out, name ? name : g->file, g->resume)) {
		error(0, errno, "%s", name ? name : g->file);
		status = CLI_FAILED;
	} else {
		status = fetch_url(&g->fetch, url, &out);
	}
	free(name);
	curl_url_cleanup(url);
	return status;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "URL...",
	.doc = doc,
};

int cmd_get(int argc, char **argv)
{
	struct get g = {
		.fetch = {
			.armed.options = SLUICE_OPTIONS_INIT,
			.redirects = 10,
			.connect_timeout = 30,
			.stall_timeout = 60,
		},
		.alpn.name = { "http/1.1" },
	};
	int status = CLI_OK;

	if (argp_parse(&argp, argc, argv, 0, NULL, &g))
		return CLI_FAILED;
	program_invocation_name = argv[0];
	g.fetch.armed.options.role = SLUICE_ROLE_CLIENT;
	g.fetch.armed.options.timeout_ms = g.fetch.connect_timeout * 1000;
	g.fetch.armed.options.alpn = g.alpn.name[0] ? g.alpn.name : NULL;
	g.fetch.progress = wants_progress(&g);
	if (fetch_init(&g.fetch)) {
		error(0, 0, "libcurl cannot be set up");
		return CLI_FAILED;
	}
	for (int i = 0; i < g.n_urls; i++) {
		int one = get_one(&g, g.urls[i]);

		if (one)
			status = one;
	}
	fetch_end(&g.fetch);
	return status;
}
