/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an authority says of a certificate's revocation, for a server to show with
 * the certificate (RFC 6066 8, RFC 6960).
 */
#ifndef SLUICED_STAPLE_H
#define SLUICED_STAPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

/**
 * struct staple - an OCSP response
 * @der:	as it was read; NULL: there is none
 * @len:	bytes in it
 * @until:	when it runs out; NULL: never
 */
struct staple {
	uint8_t *der;
	size_t len;
	ASN1_GENERALIZEDTIME *until;
};

/* Reads @path, DER, which must be about @cert. Whoever is shown it checks its
 * signature; here only mistakes are caught. On failure @why (of @size bytes) has the
 * reason.
 */
bool staple_load(struct staple *staple, const char *path, X509 *cert, char *why,
		 size_t size);

/* Shows it; false when there is none, or it has run out: to show nothing is better. */
bool staple_use(const struct staple *staple, SSL *ssl);

/* Frees what it holds, not the struct. */
void staple_fini(struct staple *staple);

#endif /* SLUICED_STAPLE_H */
