// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libsluice-names.so, loaded into programs by sluice run: the C library's lookups
 * of host names, each answer told to the supervisor. That is all it does: whether
 * a socket becomes TLS does not depend on it. A name that is not told makes a
 * connect() fail.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))

/* False: no address a TCP connection can have. */
static int put_address(uint8_t *to, int family, const void *from)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	switch (family) {
	case AF_INET:
		memcpy(to, mapped, sizeof(mapped));
		memcpy(to + sizeof(mapped), from, 4);
		return 1;
	case AF_INET6:
		memcpy(to, from, 16);
		return 1;
	default:
		return 0;
	}
}

static int is_numeric(const char *name)
{
	struct in_addr v4;

	return strchr(name, ':') || inet_aton(name, &v4);
}

static void tell(const char *name, int family, const void *address)
{
	struct names_record r = { .magic = NAMES_MAGIC };
	size_t length = is_numeric(name) ? 0 : strlen(name);
	int saved = errno;

	/* RFC 1034 3.1: the root's dot; certificates and SNI are without. */
	if (length && name[length - 1] == '.')
		length--;
	if (length >= sizeof(r.name) || !put_address(r.address, family, address))
		return;
	memcpy(r.name, name, length);
	/* Not the library's: another preloaded one may have replaced it. */
	syscall(SYS_connect, NAMES_FD, &r, sizeof(r));
	errno = saved;
}

static const void *address_of(const struct sockaddr *a)
{
	return a->sa_family == AF_INET6 ?
	       (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr :
	       (const void *)&((const struct sockaddr_in *)a)->sin_addr;
}

EXPORT int getaddrinfo(const char *name, const char *service,
		       const struct addrinfo *hints, struct addrinfo **result)
{
	typeof(getaddrinfo) *next = dlsym(RTLD_NEXT, "getaddrinfo");
	int e = next(name, service, hints, result);

	for (struct addrinfo *a = e || !name ? NULL : *result; a; a = a->ai_next)
		tell(name, a->ai_family, address_of(a->ai_addr));
	return e;
}

static void tell_all(const char *name, const struct hostent *h)
{
	for (char **a = h ? h->h_addr_list : NULL; a && *a; a++)
		tell(name, h->h_addrtype, *a);
}

EXPORT struct hostent *gethostbyname(const char *name)
{
	typeof(gethostbyname) *next = dlsym(RTLD_NEXT, "gethostbyname");
	struct hostent *h = next(name);

	tell_all(name, h);
	return h;
}

EXPORT int gethostbyname_r(const char *name, struct hostent *h, char *buffer,
			   size_t size, struct hostent **result, int *error)
{
	typeof(gethostbyname_r) *next = dlsym(RTLD_NEXT, "gethostbyname_r");
	int e = next(name, h, buffer, size, result, error);

	tell_all(name, e ? NULL : *result);
	return e;
}
