// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libcurl's sockets, armed before they connect. libcurl connects and polls them
 * as it would any other: they become writable when they are TLS, or fail.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "armed.h"
#include "cli.h"

static void note(struct armed *a, const struct sluice_info *info)
{
	if (info->error)
		a->failed = *info;
}

/* Not TLS's fault; the address's, or the network's. */
static int is_network(int error)
{
	switch (error) {
	case ETIMEDOUT:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPIPE:
		return 1;
	default:
		return 0;
	}
}

/* What another address of the same host would not mend, and what must not be
 * papered over by asking on until some address says yes.
 */
static int is_final(const struct armed *a)
{
	int error = armed_error(a);

	return error && !is_network(error);
}

/* libcurl closes the socket of a failed address only after it has asked for
 * the next one.
 */
static void look_at_open_ones(struct armed *a)
{
	struct sluice_info info;

	for (unsigned int i = 0; i < a->n; i++)
		if (!sluice_get_info(a->fd[i], &info))
			note(a, &info);
}

static int make(struct armed *a, const struct curl_sockaddr *address)
{
	int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -1;
	if (!sluice_arm(fd, &a->options))
		return fd;
	a->arm_error = errno;
	close(fd);
	return -1;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct armed *a = user;
	int fd;

	if (purpose != CURLSOCKTYPE_IPCXN || address->socktype != SOCK_STREAM ||
	    (address->family != AF_INET && address->family != AF_INET6))
		return CURL_SOCKET_BAD;
	look_at_open_ones(a);
	/* One that had opened was of an earlier transfer, and has died idle. */
	if (a->failed.cipher)
		memset(&a->failed, 0, sizeof(a->failed));
	if (is_final(a) || a->n == ARMED_MAX)
		return CURL_SOCKET_BAD;
	fd = make(a, address);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	a->fd[a->n++] = fd;
	return fd;
}

static int close_socket(void *user, curl_socket_t fd)
{
	struct armed *a = user;
	struct sluice_info info;

	for (unsigned int i = 0; i < a->n; i++)
		if (a->fd[i] == fd)
			a->fd[i] = a->fd[--a->n];
	if (!sluice_get_info(fd, &info)) {
		a->closed = info;
		note(a, &info);
	}
	return close(fd);
}

int armed_use(struct armed *a, CURL *curl, const char *server_name)
{
	a->options.server_name = server_name;
	a->arm_error = 0;
	memset(&a->failed, 0, sizeof(a->failed));
	memset(&a->closed, 0, sizeof(a->closed));
	return curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) ||
	       curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, a) ||
	       curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket) ||
	       curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, a) ? -1 : 0;
}

int armed_error(const struct armed *a)
{
	return a->arm_error ? a->arm_error : (int)a->failed.error;
}

int armed_exit(const struct armed *a)
{
	int error = armed_error(a);

	if (a->arm_error)
		return error == ENOENT || error == ENOPROTOOPT ? CLI_NO_MODULE :
								 CLI_FAILED;
	if (error == ESRCH)
		return CLI_NO_AGENT;
	if (error == EKEYREJECTED)
		return CLI_CERTIFICATE;
	if (is_network(error))
		return CLI_NETWORK;
	return a->failed.cipher ? CLI_INTEGRITY : CLI_HANDSHAKE;
}
