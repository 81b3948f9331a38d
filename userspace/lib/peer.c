// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who the peer of an open socket is, by its verified certificate.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <sluice.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

static int get(int fd, int option, void *buffer, size_t *size)
{
	/* Nothing is longer than this. */
	socklen_t length = *size < SLUICE_CERT_MAX ? (socklen_t)*size : SLUICE_CERT_MAX;
	int result = getsockopt(fd, SOL_TLS, option, buffer, &length);

	if (!result || errno == ERANGE)
		*size = length;
	return result;
}

int sluice_get_peer_certificate(int fd, void *der, size_t *size)
{
	return get(fd, SLUICE_PEER_CERT, der, size);
}

int sluice_get_peer_names(int fd, char *names, size_t *size)
{
	return get(fd, SLUICE_PEER_NAMES, names, size);
}

const char *sluice_next_name(const char *names, size_t size, const char *name)
{
	const char *next = name ? name + strlen(name) + 1 : names;
	size_t at = (size_t)(next - names);

	/* What does not end is no name. */
	return at < size && memchr(next, 0, size - at) ? next : NULL;
}
