// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluice serve: a directory by HTTPS. The listening socket is armed here, and
 * libmicrohttpd serves plain HTTP from it.
 *
 * A thread per connection, waiting in poll(): a socket whose handshake is still
 * going on is not readable, so that its thread sleeps and stands in nobody's
 * way; and libmicrohttpd hands sendfile() more at once than in its event loops.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>

#include <sluice.h>

#include "answer.h"
#include "cli.h"
#include "listener.h"
#include "state.h"

/* Seconds. */
#define IDLE_TIMEOUT	60
#define DRAIN_TIME	10

#define STACK_SIZE	(256 * 1024)

enum {
	OPT_TLS = 256,
	OPT_IDENTITY,
	OPT_ALPN,
	OPT_CONNECTIONS,
	OPT_PLAIN,
};

static const struct argp_option options[] = {
	{ "port", 'p', "PORT", 0, "Listen there (default: 443; 0: any free port)", 1 },
	{ "address", 'a', "ADDRESS", 0, "Listen on this address only (default: all)", 1 },
	{ "connections", OPT_CONNECTIONS, "N", 0, "At most so many at once (default: 1024)", 1 },
	{ "identity", OPT_IDENTITY, "NAME", 0,
	  "Use this certificate of sluiced (default: chosen by the name asked for)", 2 },
	{ "tls", OPT_TLS, "VERSION", 0, "This TLS version only: 1.2 or 1.3", 2 },
	{ "alpn", OPT_ALPN, "LIST", 0,
	  "Protocols to accept, separated by commas; \"\": none (default: http/1.1)", 2 },
	{ "plain", OPT_PLAIN, NULL, 0,
	  "No TLS at all, plain http://, for comparison. INSECURE", 2 },
	{ "verbose", 'v', NULL, 0, "Log requests and connections; counters at the end", 3 },
	{ 0 }
};

static const char doc[] =
	"Serve the files under DIR by HTTPS. Handshakes are done by sluiced, which "
	"alone has the private key; TLS is done by the sluice module; files go "
	"out by sendfile(). SIGTERM or SIGINT ends it: no new connections, running "
	"answers are finished, for 10 seconds at most.\v"
	"Examples:\n"
	"  sluice serve /srv/www\n"
	"  sluice serve --port 8443 --address 127.0.0.1 --identity www -v .\n"
	"  sluice serve --tls 1.3 --alpn http/1.1 /srv/www\n\n"
	"Exit status: 0 (ended by a signal), 1 (port, directory), 2 (options), "
	"3 (the sluice module is not loaded).";

struct serve {
	struct site site;
	struct sluice_options tls;
	struct cli_alpn alpn;
	const char *directory;
	const char *address;
	unsigned int port;
	unsigned int connections;
	int fd;
	struct MHD_Daemon *daemon;
};

static error_t parse_tls(int key, char *arg, struct argp_state *state)
{
	struct serve *s = state->input;

	switch (key) {
	case OPT_IDENTITY:
		s->tls.identity = arg;
		return 0;
	case OPT_TLS:
		s->tls.min_version = cli_tls_version(state, arg);
		s->tls.max_version = s->tls.min_version;
		return 0;
	case OPT_ALPN:
		cli_alpn(state, &s->alpn, arg);
		return 0;
	case OPT_PLAIN:
		s->site.plain = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct serve *s = state->input;

	switch (key) {
	case 'p':
		s->port = cli_number(state, "--port", arg, 0, 65535);
		return 0;
	case 'a':
		s->address = arg;
		return 0;
	case 'v':
		s->site.verbose = 1;
		return 0;
	case OPT_CONNECTIONS:
		s->connections = cli_number(state, "--connections", arg, 1, 100000);
		return 0;
	case ARGP_KEY_ARG:
		if (s->directory)
			argp_error(state, "one directory only");
		s->directory = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return parse_tls(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "DIR",
	.doc = doc,
};

/* Without an agent every handshake would fail; it may still come, as at boot. */
static void warn_without_agent(void)
{
	struct sluice_nl_state state = { 0 };

	if (!state_get(&state) && !state.agents)
		error(0, 0, "warning: sluiced is not running; until it does, connections fail");
}

static int arm(struct serve *s)
{
	char reason[512];
	int e;

	if (s->site.plain) {
		error(0, 0, "warning: --plain: what is served here is not encrypted");
		return CLI_OK;
	}
	s->tls.role = SLUICE_ROLE_SERVER;
	s->tls.alpn = s->alpn.name[0] ? s->alpn.name : NULL;
	if (!sluice_arm(s->fd, &s->tls)) {
		warn_without_agent();
		return CLI_OK;
	}
	e = errno;
	error(0, 0, "%s", sluice_strerror(e, NULL, reason, sizeof(reason)));
	return e == ENOENT ? CLI_NO_MODULE : CLI_FAILED;
}

/* A connection takes two descriptors: itself and its file. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void log_daemon(void *arg, const char *format, va_list arguments)
{
	struct serve *s = arg;

	if (s->site.verbose)
		vfprintf(stderr, format, arguments);
}

static int start(struct serve *s)
{
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;

	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer_request, &s->site,
				     MHD_OPTION_EXTERNAL_LOGGER, log_daemon, s,
				     MHD_OPTION_LISTEN_SOCKET, s->fd,
				     MHD_OPTION_NOTIFY_COMPLETED, answer_completed, &s->site,
				     MHD_OPTION_NOTIFY_CONNECTION, answer_connection, &s->site,
				     MHD_OPTION_CONNECTION_LIMIT, s->connections,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_TIMEOUT,
				     MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
				     /* or it will not use sendfile() */
				     MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
				     MHD_OPTION_END);
	if (s->daemon)
		return 0;
	error(0, errno, "libmicrohttpd does not start");
	return -1;
}

static void announce(const struct serve *s)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char name[80] = "?";

	if (!getsockname(s->fd, (struct sockaddr *)&address, &length))
		listener_name((struct sockaddr *)&address, length, name, sizeof(name));
	printf("serving %s at %s://%s/\n", s->directory, s->site.plain ? "http" : "https",
	       name);
	fflush(stdout);
}

/* Running answers are finished, unless they take too long or another signal
 * says that they do. Idle connections are not waited for.
 */
static void drain(struct serve *s, const sigset_t *signals)
{
	static const struct timespec tick = { .tv_nsec = 50 * 1000 * 1000 };

	MHD_quiesce_daemon(s->daemon);
	for (int ticks = 0; s->site.active && ticks < DRAIN_TIME * 20; ticks++)
		if (sigtimedwait(signals, NULL, &tick) > 0)
			break;
	MHD_stop_daemon(s->daemon);
	/* Not before: its thread may still have been polling it. */
	close(s->fd);
}

static void print_counters(const struct site *s)
{
	fprintf(stderr,
		"connections=%lu failed=%lu requests=%lu broken=%lu "
		"tx_records=%llu tx_bytes=%llu rx_records=%llu rx_bytes=%llu\n",
		s->connections, s->failed, s->requests, s->broken, s->tx_records,
		s->tx_bytes, s->rx_records, s->rx_bytes);
}

static int serve(struct serve *s)
{
	sigset_t signals;
	int n;

	/* Before there are threads, which inherit it. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	if (start(s))
		return CLI_FAILED;
	announce(s);
	sigwait(&signals, &n);
	drain(s, &signals);
	if (s->site.verbose)
		print_counters(&s->site);
	return CLI_OK;
}

int cmd_serve(int argc, char **argv)
{
	struct serve s = {
		.tls = SLUICE_OPTIONS_INIT,
		.alpn.name = { "http/1.1" },
		.port = 443,
		.connections = 1024,
	};
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &s))
		return CLI_FAILED;
	program_invocation_name = argv[0];
	s.site.root = open(s.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.site.root < 0) {
		error(0, errno, "%s", s.directory);
		return CLI_FAILED;
	}
	s.fd = listener_open(s.address, s.port);
	if (s.fd < 0)
		return CLI_FAILED;
	status = arm(&s);
	if (!status)
		status = serve(&s);
	close(s.site.root);
	return status;
}
