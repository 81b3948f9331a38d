/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identities: a certificate with its chain and private key, the names it serves
 * and the policy it is used under.
 */
#ifndef SLUICED_IDENTITY_H
#define SLUICED_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "access.h"
#include "policy.h"
#include "staple.h"
#include "trust.h"

#define IDENTITY_TICKETS	2
#define IDENTITY_TICKETS_MAX	8

/* A ProtocolNameList without its outer length (RFC 7301 3.1). */
struct alpn {
	uint8_t list[256];
	size_t len;
};

/* What a server does about its clients' certificates. */
enum client_certificates {
	CLIENT_CERTIFICATES_NONE,
	CLIENT_CERTIFICATES_REQUEST,	/* none is fine, a bad one is not */
	CLIENT_CERTIFICATES_REQUIRE,
};

/**
 * struct identity - who this host is to a peer
 * @name:	by which requests ask for it
 * @names:	@name_count host names for SNI; "*.example.org" matches one label
 * @certificate: file: PEM, the leaf first, its intermediates after it
 * @key:	file: PEM, readable by its owner only
 * @is_default:	serves clients that send no SNI, or one that nobody serves
 * @static_rsa:	allow RSA key exchange
 * @policy:	versions and suites
 * @alpn:	protocols offered where the request names none
 * @client_certificates: as a server
 * @client_trust: name of the store that they must verify against, or NULL
 * @trust:	that store; NULL only where none are asked for
 * @tickets:	server: how many a client gets to come back with
 * @access:	who may use it; read as empty: root and the owner of @key
 * @ocsp_response: file: DER, or NULL
 * @staple:	what it says of @leaf
 * @leaf:	the certificate
 * @chain:	its intermediates
 * @pkey:	its private key
 */
struct identity {
	char *name;
	char **names;
	size_t name_count;
	char *certificate;
	char *key;
	bool is_default;
	bool static_rsa;
	struct policy policy;
	struct alpn alpn;
	enum client_certificates client_certificates;
	char *client_trust;
	const struct trust *trust;
	unsigned int tickets;
	struct access access;
	char *ocsp_response;
	struct staple staple;
	X509 *leaf;
	STACK_OF(X509) *chain;
	EVP_PKEY *pkey;
};

/* Reads its files, and makes sure that @ctx would take them. On failure @why
 * (of @size bytes) has the reason.
 */
bool identity_load(struct identity *identity, SSL_CTX *ctx, char *why,
		   size_t size);

/* Gives a connection the certificate, chain and key. */
bool identity_use(const struct identity *identity, SSL *ssl);

/* Length of the name that serves @host (lower case, no dot at its end), for
 * longest match to win; exact names beat wildcards; 0: none does.
 */
size_t identity_matches(const struct identity *identity, const char *host);

/* Wipes and frees what it holds, not the struct. */
void identity_fini(struct identity *identity);

#endif /* SLUICED_IDENTITY_H */
