/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names as they may be asked for, sent as SNI and compared with
 * certificates. Pure.
 */
#ifndef SLUICED_NAME_H
#define SLUICED_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_HOST_MAX	253	/* RFC 1035 2.3.4, without the last dot */

/* Whether @text is a host name: labels of 1 to 63 letters, digits, '-' or '_',
 * and not all digits and dots. No dot at either end: OpenSSL takes a leading
 * one for "any host below".
 */
bool name_is_host(const char *text);

/* Whether @text is an IPv4 or IPv6 address, as inet_pton() has it. */
bool name_is_address(const char *text);

/* Copies @len bytes of a name from a peer, in lower case, without a dot at its
 * end. False when that is not a host name.
 */
bool name_take(char to[NAME_HOST_MAX + 1], const unsigned char *from, size_t len);

#endif /* SLUICED_NAME_H */
