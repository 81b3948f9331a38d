// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One end of a connection by GnuTLS, which writes what comes to its standard output, and a
 * line for each KeyUpdate to its standard error. gnutls-serv ends every connection after
 * 30 s, and gnutls-cli writes each byte by itself.
 *
 * usage: gnutls_sink server PORT CERT KEY
 *	  gnutls_sink client PORT NAME CA
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#define LOG_HANDSHAKE	4	/* GnuTLS's level for the messages of a handshake */

/* Its hooks do not see messages behind the handshake; its log does. */
static void on_log(int level, const char *line)
{
	(void)level;
	if (strstr(line, "KEY_UPDATE") && strstr(line, "was received"))
		fputs(line, stderr);
}

static void check(int result, const char *what)
{
	if (result < 0)
		errx(1, "%s: %s", what, gnutls_strerror(result));
}

static struct sockaddr_in address(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int await_client(const char *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, client;
	struct sockaddr_in addr = address(port);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 1))
		err(1, "port %s", port);
	client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (client < 0)
		err(1, "accept");
	close(fd);
	return client;
}

static int reach_server(const char *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addr = address(port);

	if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)))
		err(1, "port %s", port);
	return fd;
}

static void put(const char *from, size_t len)
{
	ssize_t n;

	for (; len; from += n, len -= (size_t)n) {
		n = write(STDOUT_FILENO, from, len);
		if (n <= 0)
			err(1, "standard output");
	}
}

static void take_all(gnutls_session_t session)
{
	char buf[16384];
	ssize_t n;

	do {
		n = gnutls_record_recv(session, buf, sizeof(buf));
		if (n < 0 && gnutls_error_is_fatal((int)n))
			check((int)n, "receiving");
		if (n > 0)
			put(buf, (size_t)n);
	} while (n);
}

/* Who we are and whom we believe. */
static void prepare(gnutls_session_t session, char **argv, int server)
{
	gnutls_certificate_credentials_t credentials;

	check(gnutls_certificate_allocate_credentials(&credentials), "credentials");
	if (server)
		check(gnutls_certificate_set_x509_key_file(credentials, argv[3], argv[4],
							   GNUTLS_X509_FMT_PEM), argv[3]);
	else
		check(gnutls_certificate_set_x509_trust_file(credentials, argv[4],
							     GNUTLS_X509_FMT_PEM), argv[4]);
	check(gnutls_set_default_priority(session), "priorities");
	check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials),
	      "credentials");
	if (!server)
		gnutls_session_set_verify_cert(session, argv[3], 0);
}

int main(int argc, char **argv)
{
	int server = argc > 1 && !strcmp(argv[1], "server"), fd, n;
	gnutls_session_t session;

	if (argc != 5 || (!server && strcmp(argv[1], "client")))
		errx(2, "usage: gnutls_sink server PORT CERT KEY | client PORT NAME CA");
	gnutls_global_set_log_function(on_log);
	gnutls_global_set_log_level(LOG_HANDSHAKE);
	check(gnutls_init(&session, server ? GNUTLS_SERVER : GNUTLS_CLIENT), "session");
	prepare(session, argv, server);
	fd = server ? await_client(argv[2]) : reach_server(argv[2]);
	gnutls_transport_set_int(session, fd);
	do
		n = gnutls_handshake(session);
	while (n < 0 && !gnutls_error_is_fatal(n));
	check(n, "handshake");
	take_all(session);
	return 0;
}
