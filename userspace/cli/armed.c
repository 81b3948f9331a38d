// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libcurl's sockets, armed before they connect. libcurl connects and polls them
 * as it would any other: they become writable when they are TLS, or fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

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
static void look_at_all(struct armed *a)
{
	struct sluice_info info;

	for (unsigned int i = 0; i < a->n; i++)
		if (!sluice_get_info(a->socket[i].own, &info))
			note(a, &info);
}

/* Its last words. */
static void forget(struct armed *a, unsigned int i)
{
	struct sluice_info info;

	if (!sluice_get_info(a->socket[i].own, &info)) {
		a->closed = info;
		note(a, &info);
	}
	close(a->socket[i].own);
	a->socket[i] = a->socket[--a->n];
}

/* The number may be another socket's by now. */
static int is_open(const struct armed_socket *s)
{
	struct stat theirs, ours;

	return !fstat(s->fd, &theirs) && !fstat(s->own, &ours) &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

void armed_settle(struct armed *a)
{
	for (unsigned int i = a->n; i-- > 0;)
		if (!is_open(&a->socket[i]))
			forget(a, i);
}

/* Return: libcurl's descriptor of an armed socket, or -1. */
static int make(struct armed *a, const struct curl_sockaddr *address)
{
	int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		goto fail;
	if (sluice_arm(fd, &a->options)) {
		a->arm_error = errno;
		goto fail;
	}
	a->socket[a->n++] = (struct armed_socket){ fd, own };
	return fd;

fail:
	if (own >= 0)
		close(own);
	if (fd >= 0)
		close(fd);
	return -1;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct armed *a = user;

	if (purpose != CURLSOCKTYPE_IPCXN || address->socktype != SOCK_STREAM ||
	    (address->family != AF_INET && address->family != AF_INET6))
		return CURL_SOCKET_BAD;
	armed_settle(a);
	look_at_all(a);
	/* One that had opened was of an earlier transfer, and has died idle. */
	if (a->failed.cipher)
		memset(&a->failed, 0, sizeof(a->failed));
	if (is_final(a) || a->n == ARMED_MAX)
		return CURL_SOCKET_BAD;
	return make(a, address);
}

static int close_socket(void *user, curl_socket_t fd)
{
	struct armed *a = user;

	for (unsigned int i = a->n; i-- > 0;)
		if (a->socket[i].fd == fd && is_open(&a->socket[i]))
			forget(a, i);
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
