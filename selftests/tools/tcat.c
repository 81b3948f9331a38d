// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plain program whose sockets are TLS: the client copies standard input to
 * the socket and the socket to standard output; the server sends back what
 * comes. Neither knows a record from a byte.
 *
 * usage: tcat [-v 1.2|1.3] [-i IDENTITY] NAME PORT	client, to 127.0.0.1
 *	  tcat -l [-v 1.2|1.3] [-i IDENTITY] PORT	server, for one connection
 *
 * At the end standard error gets a line of what SLUICE_INFO says, and if it
 * failed one with the reason.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sluice.h>

static struct sluice_options options = SLUICE_OPTIONS_INIT;
static char buffer[65536];

static int fail(int fd, const char *what)
{
	int error = errno;
	struct sluice_info info, *i = sluice_get_info(fd, &info) ? NULL : &info;
	char text[512];

	fprintf(stderr, "tcat: %s: %s\n", what, sluice_strerror(error, i, text, sizeof(text)));
	return 1;
}

static void tell(int fd)
{
	struct sluice_info i;

	if (sluice_get_info(fd, &i))
		return;
	fprintf(stderr,
		"tcat: %s suite=0x%04x tx_bytes=%" PRIu64 " rx_bytes=%" PRIu64
		" tx_keyupdates=%u rx_keyupdates=%u server_name=%s resumed=%d peer=%s\n",
		sluice_version_name(i.version), i.suite, (uint64_t)i.tx_bytes, (uint64_t)i.rx_bytes,
		i.tx_keyupdates, i.rx_keyupdates, i.server_name, !!(i.flags & SLUICE_INFO_RESUMED),
		i.peer_subject);
}

static bool write_all(int fd, const char *p, ssize_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= w) {
		w = write(fd, p, (size_t)n);
		if (w < 0)
			return false;
	}
	return true;
}

/* Bytes from one descriptor to the other: 1 more may come, 0 end, -1 error. */
static int move(int from, int to)
{
	ssize_t n = read(from, buffer, sizeof(buffer));

	if (n > 0)
		return write_all(to, buffer, n) ? 1 : -1;
	return (int)n;
}

static int client(int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	int r;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			return fail(fd, "poll");
		if (p[0].revents) {
			r = move(fd, 1);
			if (r <= 0)
				return r ? fail(fd, "read") : 0;
		}
		if (p[1].revents) {
			r = move(0, fd);
			if (r < 0)
				return fail(fd, "write");
			if (r == 0) {
				p[1].fd = -1;
				shutdown(fd, SHUT_WR);
			}
		}
	}
}

static int echo(int fd)
{
	int r;

	do
		r = move(fd, fd);
	while (r > 0);
	return r ? fail(fd, "echo") : 0;
}

static int finish(int fd, int status)
{
	tell(fd);
	close(fd);
	return status;
}

static int run_server(int listener, const struct sockaddr_in *address)
{
	int on = 1, fd;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const void *)address, sizeof(*address)) || listen(listener, 8))
		return fail(listener, "listen");
	options.role = SLUICE_ROLE_SERVER;
	if (sluice_arm(listener, &options))
		return fail(listener, "arm");
	fd = accept(listener, NULL, NULL);
	return fd < 0 ? fail(listener, "accept") : finish(fd, echo(fd));
}

static int run_client(int fd, const struct sockaddr_in *address, const char *name)
{
	options.role = SLUICE_ROLE_CLIENT;
	options.server_name = name;
	options.trust = "test";
	if (sluice_arm(fd, &options))
		return fail(fd, "arm");
	if (connect(fd, (const void *)address, sizeof(*address)))
		return fail(fd, "connect");
	return finish(fd, client(fd));
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	bool serve = false;
	int o, fd;

	while ((o = getopt(argc, argv, "i:lv:")) != -1) {
		if (o == 'l')
			serve = true;
		else if (o == 'i')
			options.identity = optarg;
		else if (o == 'v')
			options.min_version = options.max_version =
				strcmp(optarg, "1.2") ? 0x0304 : 0x0303;
		else
			return 2;
	}
	if (argc - optind != (serve ? 1 : 2))
		return 2;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((unsigned short)atoi(argv[argc - 1]));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return fail(fd, "socket");
	return serve ? run_server(fd, &address) : run_client(fd, &address, argv[optind]);
}
