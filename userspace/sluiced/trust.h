/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trust stores: whose signatures make a peer's certificate acceptable.
 */
#ifndef SLUICED_TRUST_H
#define SLUICED_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#define TRUST_SYSTEM	"system"	/* the distribution's store */

/**
 * struct trust - a trust store
 * @name:	by which requests and the configuration ask for it
 * @file:	PEM certificates, or NULL
 * @dir:	directory hashed by `openssl rehash`, or NULL
 * @crl:	PEM revocation lists, or NULL
 * @require_ocsp: servers must show an OCSP response that says good
 * @store:	what was loaded; its directory is read when needed
 * @names:	the subjects in @file, told to clients that are asked for a
 *		certificate (RFC 8446 4.2.4); NULL: not known, or too many
 */
struct trust {
	char *name;
	char *file;
	char *dir;
	char *crl;
	bool require_ocsp;
	X509_STORE *store;
	STACK_OF(X509_NAME) *names;
};

/* Loads @file and @dir, or the system's store when both are NULL, and @crl: then a
 * certificate is good only if a list of its authority, of today, lacks it. On failure
 * @why (of @size bytes) has the reason.
 */
bool trust_load(struct trust *trust, char *why, size_t size);

/* Frees what it holds, not the struct. */
void trust_fini(struct trust *trust);

#endif /* SLUICED_TRUST_H */
