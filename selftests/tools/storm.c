// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many handshakes at once: a client and a server in one process, both armed,
 * over loopback. Every connection carries some bytes there and back and is
 * closed cleanly from both sides; whatever differs from that is a failure.
 *
 * usage: storm NAME TRUST TOTAL AT_ONCE [TLS_VERSION]
 *
 * SIGTERM ends it early: no more connections are begun. Prints "storm: N done, N failed"
 * and, with failures, the first reason.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sluice.h>

#define BYTES 5000

static struct sluice_options client_options = SLUICE_OPTIONS_INIT;
static struct sluice_options server_options = SLUICE_OPTIONS_INIT;
static struct sockaddr_in server_address;
static atomic_int left, done, failed;
static atomic_bool told;
static pthread_mutex_t said = PTHREAD_MUTEX_INITIALIZER;

static void complain(const char *what, int fd, int error)
{
	struct sluice_info info, *i = sluice_get_info(fd, &info) ? NULL : &info;
	char text[512];

	pthread_mutex_lock(&said);
	if (atomic_fetch_add(&failed, 1) == 0)
		fprintf(stderr, "storm: %s: %s\n", what,
			sluice_strerror(error, i, text, sizeof(text)));
	pthread_mutex_unlock(&said);
}

static bool put_all(int fd, const unsigned char *p, size_t n)
{
	ssize_t r;

	for (; n; p += r, n -= (size_t)r) {
		r = send(fd, p, n, MSG_NOSIGNAL);
		if (r <= 0)
			return false;
	}
	return true;
}

static bool get_all(int fd, unsigned char *p, size_t n)
{
	ssize_t r;

	for (; n; p += r, n -= (size_t)r) {
		r = read(fd, p, n);
		if (r < 0)
			return false;
		if (r == 0) {
			errno = ENODATA;
			return false;
		}
	}
	return true;
}

/* The client speaks first and says goodbye first; then both have seen EOF. */
static bool talk(int fd, unsigned char seed)
{
	unsigned char out[BYTES], in[BYTES];
	size_t i;

	for (i = 0; i < BYTES; i++)
		out[i] = (unsigned char)(seed + i * 7);
	if (!put_all(fd, out, BYTES) || !get_all(fd, in, BYTES))
		return false;
	if (memcmp(in, out, BYTES)) {
		errno = EILSEQ;
		return false;
	}
	if (shutdown(fd, SHUT_WR))
		return false;
	return read(fd, in, 1) == 0;
}

/* The module's own word that it was TLS, and who did it. */
static bool was_tls(int fd)
{
	struct sluice_info info;

	if (sluice_get_info(fd, &info))
		return false;
	if (info.state == SLUICE_STATE_OPEN && info.tx_bytes == BYTES && info.rx_bytes == BYTES)
		return true;
	errno = EPROTO;
	return false;
}

static void *client(void *arg)
{
	int n, fd;

	(void)arg;
	while (!told && (n = atomic_fetch_sub(&left, 1)) > 0) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || sluice_arm(fd, &client_options))
			complain("arm", fd, errno);
		else if (connect(fd, (void *)&server_address, sizeof(server_address)))
			complain("connect", fd, errno);
		else if (!talk(fd, (unsigned char)n) || !was_tls(fd))
			complain("talk", fd, errno);
		else
			atomic_fetch_add(&done, 1);
		close(fd);
	}
	return NULL;
}

static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	unsigned char bytes[BYTES], more;

	if (!get_all(fd, bytes, BYTES) || !put_all(fd, bytes, BYTES) || read(fd, &more, 1) ||
	    !was_tls(fd))
		complain("serve", fd, errno);
	close(fd);
	return NULL;
}

static void *server(void *arg)
{
	int listener = (int)(long)arg, fd;
	pthread_t thread;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		if (pthread_create(&thread, NULL, serve, (void *)(long)fd))
			abort();
		pthread_detach(thread);
	}
}

static int listen_armed(void)
{
	socklen_t len = sizeof(server_address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	server_address.sin_family = AF_INET;
	server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&server_address, len) || listen(fd, 1024) ||
	    getsockname(fd, (void *)&server_address, &len) || sluice_arm(fd, &server_options)) {
		perror("storm: listener");
		exit(1);
	}
	return fd;
}

static void enough(int signum)
{
	(void)signum;
	atomic_store(&told, true);
}

int main(int argc, char **argv)
{
	pthread_t accepting, *clients;
	int total, threads, listener, i;

	if (argc < 5) {
		fprintf(stderr, "usage: storm NAME TRUST TOTAL AT_ONCE [1.2|1.3]\n");
		return 2;
	}
	client_options.role = SLUICE_ROLE_CLIENT;
	client_options.server_name = argv[1];
	client_options.trust = argv[2];
	server_options.role = SLUICE_ROLE_SERVER;
	/* Under emulation, with sanitizers: the deadline is not what is tried. */
	client_options.timeout_ms = server_options.timeout_ms = 120000;
	if (argc > 5)
		client_options.min_version = client_options.max_version =
			strcmp(argv[5], "1.2") ? 0x0304 : 0x0303;
	total = atoi(argv[3]);
	threads = atoi(argv[4]);
	left = total;
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = enough, .sa_flags = SA_RESTART },
		  NULL);
	listener = listen_armed();
	clients = calloc((size_t)threads, sizeof(*clients));
	if (!clients || pthread_create(&accepting, NULL, server, (void *)(long)listener))
		abort();
	for (i = 0; i < threads; i++)
		if (pthread_create(&clients[i], NULL, client, NULL))
			abort();
	for (i = 0; i < threads; i++)
		pthread_join(clients[i], NULL);
	shutdown(listener, SHUT_RDWR);
	pthread_join(accepting, NULL);
	close(listener);
	free(clients);
	printf("storm: %d done, %d failed\n", done, failed);
	return failed || (done != total && !told);
}
