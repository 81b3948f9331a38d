// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluiced: options, the order of starting and stopping, signals.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <uv.h>

#include "../common/nl.h"
#include "config.h"
#include "keylog.h"
#include "keys.h"
#include "log.h"
#include "notify.h"
#include "privilege.h"
#include "sandbox.h"
#include "worker.h"

#define OPT_WORKERS	0x100
#define OPT_READY_FD	0x101
#define OPT_KEY_LOG	0x102

struct options {
	const char *config;
	bool test;
	bool verbose;
	unsigned int workers;
	int ready_fd;
	const char *key_log;
};

/**
 * struct daemon - all of it
 * @options:	from the command line
 * @config:	the present configuration
 * @workers:	@count of them
 * @stopping:	a signal has said so
 * @ended:	rung by workers at their end
 * @loop:	for signals and @ended only
 */
struct daemon {
	struct options options;
	struct config *config;
	struct worker *workers;
	unsigned int count;
	bool stopping;
	uv_async_t ended;
	uv_loop_t loop;
	uv_signal_t term;
	uv_signal_t intr;
	uv_signal_t hup;
};

/* Options */

static const struct argp_option option_table[] = {
	{ "config", 'c', "FILE", 0, "configuration (" CONFIG_PATH ")", 0 },
	{ "test", 't', NULL, 0, "check the configuration and exit", 0 },
	{ "foreground", 'f', NULL, 0, "do not detach; so it always is", 0 },
	{ "verbose", 'v', NULL, 0, "log each handshake, not only failed ones", 0 },
	{ "workers", OPT_WORKERS, "N", 0, "threads, instead of the configured number", 0 },
	{ "ready-fd", OPT_READY_FD, "FD", 0, "write a newline to FD when ready", 0 },
	{ "key-log", OPT_KEY_LOG, "FILE", 0,
	  "append the secrets of every connection to FILE, for debugging: whoever "
	  "reads it reads all", 0 },
	{ 0 }
};

static int option_number(struct argp_state *state, const char *text, int max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 0 || n > max)
		argp_error(state, "\"%s\" is not a number from 0 to %d", text, max);
	return (int)n;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->config = arg;
		return 0;
	case 't':
		options->test = true;
		return 0;
	case 'f':
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case OPT_WORKERS:
		options->workers = (unsigned int)
			option_number(state, arg, CONFIG_WORKERS_MAX);
		return 0;
	case OPT_READY_FD:
		options->ready_fd = option_number(state, arg, 1 << 20);
		return 0;
	case OPT_KEY_LOG:
		options->key_log = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp option_parser = {
	.options = option_table,
	.parser = option_parse,
	.doc = "The agent of sluice: does TLS handshakes for the sockets of its "
	       "network namespace, and of others by configuration, and gives their keys to the kernel.",
};

/* The module */

static bool has_usable_suite(uint64_t ciphers)
{
	size_t count;
	const struct suite *table = suite_table(&count);

	for (size_t i = 0; i < count; i++)
		if (suite_in_mask(&table[i], ciphers))
			return true;
	return false;
}

static bool check_module(void)
{
	struct sluice_nl_state state;
	struct sluice_nl nl;
	int err = sluice_nl_open(&nl);

	if (!err)
		err = sluice_nl_check(&nl, &state);
	sluice_nl_close(&nl);
	if (err) {
		log_err("%s", nl.text);
		return false;
	}
	if (!has_usable_suite(state.ciphers)) {
		log_err("this kernel has none of the ciphers");
		return false;
	}
	return true;
}

/* Each pending handshake is one open file. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn("RLIMIT_NOFILE: %m");
}

/* Workers */

static void close_workers(struct daemon *daemon)
{
	/* The first one's seats are the others' too. */
	while (daemon->count)
		worker_close(&daemon->workers[--daemon->count]);
	free(daemon->workers);
}

static unsigned int workers_wanted(const struct daemon *daemon)
{
	if (daemon->options.workers)
		return daemon->options.workers;
	if (daemon->config->workers)
		return daemon->config->workers;
	return uv_available_parallelism();
}

/* On failure those that there are wait for close_workers(). */
static bool open_workers(struct daemon *daemon)
{
	unsigned int want = workers_wanted(daemon);

	daemon->workers = calloc(want, sizeof(*daemon->workers));
	if (!daemon->workers)
		return false;
	while (daemon->count < want) {
		unsigned int i = daemon->count++;

		if (!worker_open(&daemon->workers[i], i, daemon->config,
				 i ? &daemon->workers[0] : NULL))
			return false;
	}
	return true;
}

static void join_workers(struct daemon *daemon, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		worker_join(&daemon->workers[i]);
}

static bool start_workers(struct daemon *daemon)
{
	unsigned int i = 0;

	while (i < daemon->count &&
	       worker_start(&daemon->workers[i], &daemon->ended))
		i++;
	if (i == daemon->count)
		return true;
	for (unsigned int j = 0; j < i; j++)
		worker_stop(&daemon->workers[j]);
	join_workers(daemon, i);
	return false;
}

/* Signals */

/* systemd would kill us in the middle of a long drain. */
static void notify_stopping(const struct config *config)
{
	char text[64];

	snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
		 (config->drain + 5) * 1000000ULL);
	notify_systemd(text);
}

static void on_stop(uv_signal_t *handle, int signum)
{
	struct daemon *daemon = handle->data;
	const char *name = signum == SIGTERM ? "SIGTERM" : "SIGINT";

	if (daemon->stopping) {
		log_info("%s again: not waiting for handshakes", name);
		for (unsigned int i = 0; i < daemon->count; i++)
			worker_hurry(&daemon->workers[i]);
		return;
	}
	log_info("%s: stopping", name);
	daemon->stopping = true;
	notify_stopping(daemon->config);
	for (unsigned int i = 0; i < daemon->count; i++)
		worker_stop(&daemon->workers[i]);
}

static void on_ended(uv_async_t *handle)
{
	struct daemon *daemon = handle->data;

	for (unsigned int i = 0; i < daemon->count; i++)
		if (!worker_is_over(&daemon->workers[i]))
			return;
	uv_stop(&daemon->loop);
}

static void notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 now.tv_sec * 1000000LL + now.tv_nsec / 1000);
	notify_systemd(text);
}

/* Running handshakes keep the configuration that they began with. */
static void on_reload(uv_signal_t *handle, int signum)
{
	struct daemon *daemon = handle->data;
	struct config *config;

	(void)signum;
	notify_reloading();
	config = config_load(daemon->options.config);
	if (config) {
		config_put(daemon->config);
		daemon->config = config;
		for (unsigned int i = 0; i < daemon->count; i++)
			worker_reload(&daemon->workers[i], config);
		log_info("configuration reloaded");
	} else {
		log_err("reload failed: the old configuration stays");
	}
	notify_systemd("READY=1");
}

static bool watch_signals(struct daemon *daemon)
{
	uv_loop_t *loop = &daemon->loop;

	daemon->term.data = daemon;
	daemon->intr.data = daemon;
	daemon->hup.data = daemon;
	daemon->ended.data = daemon;
	return !uv_loop_init(loop) &&
	       !uv_async_init(loop, &daemon->ended, on_ended) &&
	       !uv_signal_init(loop, &daemon->term) &&
	       !uv_signal_init(loop, &daemon->intr) &&
	       !uv_signal_init(loop, &daemon->hup) &&
	       !uv_signal_start(&daemon->term, on_stop, SIGTERM) &&
	       !uv_signal_start(&daemon->intr, on_stop, SIGINT) &&
	       !uv_signal_start(&daemon->hup, on_reload, SIGHUP);
}

static void unwatch_signals(struct daemon *daemon)
{
	uv_close((uv_handle_t *)&daemon->term, NULL);
	uv_close((uv_handle_t *)&daemon->intr, NULL);
	uv_close((uv_handle_t *)&daemon->hup, NULL);
	uv_close((uv_handle_t *)&daemon->ended, NULL);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	uv_loop_close(&daemon->loop);
}

/* Start and stop */

/* Until a signal has said stop and all workers have. */
static bool serve(struct daemon *daemon)
{
	if (!start_workers(daemon))
		return false;
	log_info("ready: %u workers, %zu identities, %zu trust stores",
		 daemon->count, daemon->config->identity_count,
		 daemon->config->trust_count);
	notify_systemd("READY=1");
	notify_fd(daemon->options.ready_fd);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	join_workers(daemon, daemon->count);
	return true;
}

static bool run(struct daemon *daemon)
{
	bool ok;

	if (!watch_signals(daemon)) {
		log_err("no event loop for signals");
		return false;
	}
	ok = serve(daemon);
	unwatch_signals(daemon);
	return ok;
}

static int test_config(const char *path)
{
	struct config *config = config_load(path);

	if (!config)
		return EXIT_FAILURE;
	printf("%s: ok: %zu identities, %zu trust stores\n", path,
	       config->identity_count, config->trust_count);
	config_put(config);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct daemon daemon = {
		.options = { .config = CONFIG_PATH, .ready_fd = -1 },
	};
	bool ok;

	argp_parse(&option_parser, argc, argv, 0, NULL, &daemon.options);
	log_init(daemon.options.verbose ? LOG_DEBUG : LOG_INFO);
	if (daemon.options.test)
		return test_config(daemon.options.config);

	signal(SIGPIPE, SIG_IGN);
	/* Some builds of OpenSSL listen to it; here it takes an option. */
	unsetenv("SSLKEYLOGFILE");
	if (daemon.options.key_log && !keylog_open(daemon.options.key_log))
		return EXIT_FAILURE;
	privilege_guard_memory();
	raise_file_limit();
	daemon.config = config_load(daemon.options.config);
	ok = daemon.config && check_module() && open_workers(&daemon) &&
	     privilege_drop(daemon.config->user) && sandbox_enter() &&
	     run(&daemon);
	close_workers(&daemon);
	config_put(daemon.config);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
