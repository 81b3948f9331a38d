// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a handshake costs the server: a client of OpenSSL's against a server whose sockets
 * are armed, and against one with threads that do the handshakes themselves by OpenSSL.
 * Both servers have the same threads, certificate, version and suite, send one byte, wait
 * for close_notify and close.
 *
 * usage: handshakes serve PORT THREADS			sluiced's, as root's identity "good"
 *	  handshakes serve PORT THREADS CERT KEY	OpenSSL's
 *	  handshakes measure CA SLUICE_PORT OPENSSL_PORT COUNT AT_ONCE ROUNDS
 *
 * A round is COUNT handshakes, AT_ONCE at a time, of each kind: full and resumed, with
 * either server, in turn. The cost is the time in which a processor was not idle, less the
 * client's own, by handshake: sluiced's part and the kernel's are in it. Medians of the
 * rounds, with the spread from the first to the third quartile; ratios are those of rounds.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sluice.h>

#define THREADS_MAX	64
#define ROUNDS_MAX	101

static void die_tls(const char *what)
{
	ERR_print_errors_fp(stderr);
	errx(1, "%s", what);
}

static struct sockaddr_in address(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int number(const char *text, int max)
{
	int n = atoi(text);

	if (n < 1 || n > max)
		errx(2, "%s: 1 to %d", text, max);
	return n;
}

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"))
		die_tls("context");
	return ctx;
}

/*
 * The servers
 */

static int listener;
static SSL_CTX *server_ctx;	/* NULL: armed */

static void serve_armed(int fd)
{
	char byte;

	if (write(fd, "x", 1) != 1 || read(fd, &byte, 1))
		warn("armed server");
}

static void serve_openssl(int fd)
{
	SSL *ssl = SSL_new(server_ctx);
	char byte;

	if (!ssl || !SSL_set_fd(ssl, fd) || SSL_accept(ssl) != 1 ||
	    SSL_write(ssl, "x", 1) != 1 || SSL_read(ssl, &byte, 1) > 0 ||
	    SSL_shutdown(ssl) < 0)
		die_tls("OpenSSL's server");
	SSL_free(ssl);
}

static void *serve(void *arg)
{
	int fd;

	(void)arg;
	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			err(1, "accept");
		if (server_ctx)
			serve_openssl(fd);
		else
			serve_armed(fd);
		close(fd);
	}
	return NULL;
}

static void server_context(const char *cert, const char *key)
{
	server_ctx = context(TLS_server_method());
	/* As sluiced: sessions are in tickets, two for each. */
	SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(server_ctx, 2);
	SSL_CTX_set_mode(server_ctx, SSL_MODE_RELEASE_BUFFERS);
	if (!SSL_CTX_use_certificate_chain_file(server_ctx, cert) ||
	    !SSL_CTX_use_PrivateKey_file(server_ctx, key, SSL_FILETYPE_PEM))
		die_tls(cert);
}

static void serve_all(const char *port, int threads)
{
	struct sluice_options o = SLUICE_OPTIONS_INIT;
	struct sockaddr_in addr = address(port);
	pthread_t thread;
	int on = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Children inherit it: no ticket waits for an acknowledgement. */
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (listener < 0 || bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 1024))
		err(1, "port %s", port);
	o.role = SLUICE_ROLE_SERVER;
	o.identity = "good";
	o.min_version = 0x0304;
	if (!server_ctx && sluice_arm(listener, &o))
		err(1, "sluice_arm");
	for (int i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, serve, NULL))
			errx(1, "no thread");
	serve(NULL);
}

/*
 * The client
 */

enum kind { FULL_SLUICE, FULL_OPENSSL, RESUMED_SLUICE, RESUMED_OPENSSL, KINDS };

static const char *const kind_names[KINDS] = {
	"full, sluiced", "full, OpenSSL", "resumed, sluiced", "resumed, OpenSSL",
};

static SSL_CTX *client_ctx;
static struct sockaddr_in servers[2];
static SSL_SESSION *sessions[2];	/* that resumed handshakes take up */
static SSL_SESSION *_Atomic latest;
static enum kind running;
static atomic_int left;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(atomic_exchange(&latest, session));
	return 1;
}

/* OpenSSL uses a ticket of TLS 1.3 once; here they are all to be alike. */
static int take_up(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION *copy = SSL_SESSION_dup(session);
	int ok = copy && SSL_set_session(ssl, copy);

	SSL_SESSION_free(copy);
	return ok;
}

static void visit(enum kind kind)
{
	const struct sockaddr_in *addr = &servers[kind % 2];
	bool resume = kind >= RESUMED_SLUICE;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(client_ctx);
	int on = 1;
	char byte;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd < 0 || connect(fd, (const void *)addr, sizeof(*addr)))
		err(1, "connect");
	if (!ssl || !SSL_set_fd(ssl, fd) ||
	    (resume && !take_up(ssl, sessions[kind % 2])) ||
	    SSL_connect(ssl) != 1 || SSL_read(ssl, &byte, 1) != 1)
		die_tls(kind_names[kind]);
	if (SSL_session_reused(ssl) != resume)
		errx(1, "%s: it is not", kind_names[kind]);
	SSL_shutdown(ssl);
	if (SSL_read(ssl, &byte, 1) > 0 || SSL_get_error(ssl, 0) != SSL_ERROR_ZERO_RETURN)
		errx(1, "%s: no close_notify", kind_names[kind]);
	SSL_free(ssl);
	close(fd);
}

static void *visits(void *arg)
{
	(void)arg;
	while (atomic_fetch_sub(&left, 1) > 0)
		visit(running);
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double own_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Of all processors, in seconds. */
static double idle_time(void)
{
	long long idle, wait;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || fscanf(f, "cpu %*d %*d %*d %lld %lld", &idle, &wait) != 2)
		err(1, "/proc/stat");
	fclose(f);
	return (double)(idle + wait) / (double)sysconf(_SC_CLK_TCK);
}

struct sample {
	double rate;	/* handshakes a second */
	double cost;	/* of one to the server, in microseconds */
};

static struct sample run_kind(enum kind kind, int count, int threads)
{
	double wall = now(), idle = idle_time(), own = own_time(), spent;
	pthread_t thread[THREADS_MAX];

	running = kind;
	atomic_store(&left, count);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, visits, NULL))
			errx(1, "no thread");
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	wall = now() - wall;
	spent = wall * (double)sysconf(_SC_NPROCESSORS_ONLN) - (idle_time() - idle) -
		(own_time() - own);
	return (struct sample){ count / wall, spent / count * 1e6 };
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. @at: 0 the least, 0.5 the median, 1 the greatest. */
static double quantile(double *values, int n, double at)
{
	qsort(values, (size_t)n, sizeof(*values), by_size);
	return values[(int)(at * (n - 1) + 0.5)];
}

static void report(enum kind kind, const struct sample *samples, int rounds)
{
	double rate[ROUNDS_MAX], cost[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		rate[i] = samples[i].rate;
		cost[i] = samples[i].cost;
	}
	printf("%-18s %10.0f %12.1f   %.1f to %.1f\n", kind_names[kind],
	       quantile(rate, rounds, 0.5), quantile(cost, rounds, 0.5),
	       quantile(cost, rounds, 0.25), quantile(cost, rounds, 0.75));
}

/* Round by round, as the machine is faster at one time than at another. */
static void compare(const char *name, const struct sample *ours, const struct sample *theirs,
		    int rounds)
{
	double ratio[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++)
		ratio[i] = ours[i].cost / theirs[i].cost;
	printf("cost by OpenSSL's, %s: %.2f (%.2f to %.2f)\n", name,
	       quantile(ratio, rounds, 0.5), quantile(ratio, rounds, 0.25),
	       quantile(ratio, rounds, 0.75));
}

static void client_context(const char *ca)
{
	client_ctx = context(TLS_client_method());
	SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT |
				       SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client_ctx, on_session);
	if (!SSL_CTX_load_verify_locations(client_ctx, ca, NULL))
		die_tls(ca);
}

static int measure(int count, int threads, int rounds)
{
	static struct sample samples[KINDS][ROUNDS_MAX];
	/* The sessions, and all that a first time costs. */
	for (int i = 0; i < 2; i++) {
		run_kind((enum kind)i, count / 4 + 1, threads);
		sessions[i] = atomic_exchange(&latest, NULL);
		if (!sessions[i])
			errx(1, "%s: no ticket", kind_names[i]);
		run_kind((enum kind)(RESUMED_SLUICE + i), count / 4 + 1, threads);
	}
	for (int r = 0; r < rounds; r++)
		for (int k = 0; k < KINDS; k++)
			samples[k][r] = run_kind((enum kind)k, count, threads);
	printf("TLS 1.3, ECDSA P-256, %d rounds of %d, %d at once, %ld processors\n"
	       "%-18s %10s %12s   %s\n", rounds, count, threads,
	       sysconf(_SC_NPROCESSORS_ONLN), "", "a second", "us of server", "quartiles");
	for (int k = 0; k < KINDS; k++)
		report((enum kind)k, samples[k], rounds);
	compare("full", samples[FULL_SLUICE], samples[FULL_OPENSSL], rounds);
	compare("resumed", samples[RESUMED_SLUICE], samples[RESUMED_OPENSSL], rounds);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if ((argc == 4 || argc == 6) && !strcmp(argv[1], "serve")) {
		if (argc == 6)
			server_context(argv[4], argv[5]);
		serve_all(argv[2], number(argv[3], THREADS_MAX));
	} else if (argc == 8 && !strcmp(argv[1], "measure")) {
		client_context(argv[2]);
		servers[0] = address(argv[3]);
		servers[1] = address(argv[4]);
		return measure(number(argv[5], 1000000), number(argv[6], THREADS_MAX),
			       number(argv[7], ROUNDS_MAX));
	}
	fprintf(stderr, "usage: handshakes serve PORT THREADS [CERT KEY]\n"
		"       handshakes measure CA SLUICE_PORT OPENSSL_PORT COUNT AT_ONCE ROUNDS\n");
	return 2;
}
