// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Arming a socket: options to the request of <linux/sluice.h>, the ULP attached,
 * the request set. Everything is checked before the socket is touched.
 */
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <sluice.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

static int fail(int error)
{
	errno = error;
	return -1;
}

/* A newer program may hand in a longer structure: unknown members that are
 * zero ask for nothing.
 */
static int take_options(struct sluice_options *o, const struct sluice_options *from)
{
	const unsigned char *byte = (const unsigned char *)from;
	size_t known = sizeof(*o);

	if (!from || from->size < offsetof(struct sluice_options, alpn))
		return fail(EINVAL);
	for (size_t i = known; i < from->size; i++)
		if (byte[i])
			return fail(E2BIG);
	memset(o, 0, sizeof(*o));
	memcpy(o, from, from->size < known ? from->size : known);
	return 0;
}

static int put_string(char *to, size_t size, const char *from)
{
	size_t length = from ? strlen(from) : 0;

	if (length >= size)
		return fail(ENAMETOOLONG);
	memcpy(to, from ? from : "", length);
	return 0;
}

/* ProtocolNameList without its outer length (RFC 7301 3.1). */
static int put_alpn(struct sluice_request *r, const char *const *names)
{
	size_t used = 0;

	for (; names && *names; names++) {
		size_t length = strlen(*names);

		if (!length || length > 255)
			return fail(EINVAL);
		if (used + 1 + length > sizeof(r->alpn))
			return fail(ENAMETOOLONG);
		r->alpn[used] = length;
		memcpy(r->alpn + used + 1, *names, length);
		used += 1 + length;
	}
	r->alpn_len = used;
	return 0;
}

static int make_request(struct sluice_request *r, const struct sluice_options *o)
{
	memset(r, 0, sizeof(*r));
	r->role = o->role;
	r->min_version = o->min_version;
	r->max_version = o->max_version;
	r->flags = o->flags;
	r->timeout_ms = o->timeout_ms;
	r->padding = o->padding;
	if (put_string(r->server_name, sizeof(r->server_name), o->server_name) ||
	    put_string(r->identity, sizeof(r->identity), o->identity) ||
	    put_string(r->trust, sizeof(r->trust), o->trust))
		return -1;
	return put_alpn(r, o->alpn);
}

/* A program may have attached the ULP itself; another's is in the way. */
static int is_attached(int fd)
{
	char name[16] = "";
	socklen_t length = sizeof(name) - 1;

	return !getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &length) &&
	       !strcmp(name, SLUICE_ULP_NAME);
}

static int attach(int fd)
{
	if (!setsockopt(fd, IPPROTO_TCP, TCP_ULP, SLUICE_ULP_NAME,
			sizeof(SLUICE_ULP_NAME)))
		return 0;
	if (errno == EEXIST)
		return is_attached(fd) ? 0 : fail(EEXIST);
	/* The kernel's own ENOTSUPP, which has no name out here. */
	return errno == 524 ? fail(EOPNOTSUPP) : -1;
}

int sluice_arm(int fd, const struct sluice_options *options)
{
	struct sluice_request request;
	struct sluice_options o;

	if (take_options(&o, options) || make_request(&request, &o))
		return -1;
	if (attach(fd))
		return -1;
	return setsockopt(fd, SOL_TLS, SLUICE_HANDSHAKE, &request, sizeof(request));
}
