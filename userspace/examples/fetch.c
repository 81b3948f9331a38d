// SPDX-License-Identifier: GPL-2.0-or-later
/* Fetches https://HOST:PORT/ with no library for it: fetch HOST PORT */
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/sluice.h>

int main(int argc, char **argv)
{
	struct sluice_request want = { .role = SLUICE_ROLE_CLIENT };
	struct addrinfo *a, hints = { .ai_socktype = SOCK_STREAM };
	char text[4096];
	ssize_t n;
	int fd;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hints, &a))
		return 2;
	strncpy(want.server_name, argv[1], sizeof(want.server_name) - 1);
	fd = socket(a->ai_family, SOCK_STREAM, 0);
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, SLUICE_ULP_NAME, sizeof(SLUICE_ULP_NAME)) ||
	    setsockopt(fd, SOL_TLS, SLUICE_HANDSHAKE, &want, sizeof(want)) ||
	    connect(fd, a->ai_addr, a->ai_addrlen)) {
		perror(argv[1]);
		return 1;
	}
	dprintf(fd, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", argv[1]);
	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, n, stdout);
	return n < 0;
}
