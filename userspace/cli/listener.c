// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The listening socket of sluice serve.
 */
#include <errno.h>
#include <error.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>
#include <netinet/in.h>

#include "listener.h"

static int listen_on(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int on = 1, off = 0, saved;

	if (fd < 0)
		return -1;
	/* V6ONLY off: "::" takes IPv4 too, whatever the host's default. */
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
	    (a->ai_family != AF_INET6 ||
	     !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off))) &&
	    !bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, SOMAXCONN))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The first address that works. */
static int listen_to(const char *address, const char *service)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *list;
	int fd = -1;
	int e = getaddrinfo(address, service, &hints, &list);

	if (e) {
		error(0, e == EAI_SYSTEM ? errno : 0, "%s: %s", address, gai_strerror(e));
		errno = 0;
		return -1;
	}
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = listen_on(a);
	freeaddrinfo(list);
	return fd;
}

int listener_open(const char *address, unsigned int port)
{
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	fd = listen_to(address ? address : "::", service);
	if (fd < 0 && !address && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = listen_to("0.0.0.0", service);
	if (fd < 0 && errno)
		error(0, errno, "%s port %s", address ? address : "any address", service);
	return fd;
}

void listener_name(const struct sockaddr *address, socklen_t length, char *text,
		   size_t size)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	int v6 = address->sa_family == AF_INET6;

	if (getnameinfo(address, length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, size, "?");
	else
		snprintf(text, size, v6 ? "[%s]:%s" : "%s:%s", host, port);
}
