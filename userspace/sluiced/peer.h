/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a peer's certificate says of it, in the form that programs get to see.
 * Pure: whether to believe it has been settled elsewhere.
 */
#ifndef SLUICED_PEER_H
#define SLUICED_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sluice.h>
#include <openssl/x509.h>

/**
 * struct peer - a peer by its certificate
 * @der:	the certificate; NULL: it has shown none, or one that is longer than
 *		SLUICE_CERT_MAX
 * @der_len:	bytes in it
 * @names:	as SLUICE_PEER_NAMES has them, whole entries up to SLUICE_NAMES_MAX
 * @names_len:	bytes in @names
 * @subject:	RFC 4514, cut to fit; empty: it has shown none
 * @fingerprint: SHA-256 over the certificate
 */
struct peer {
	uint8_t *der;
	size_t der_len;
	char names[SLUICE_NAMES_MAX];
	size_t names_len;
	char subject[SLUICE_SUBJECT_MAX];
	uint8_t fingerprint[SLUICE_FINGERPRINT_LEN];
};

/* Fills a zeroed @peer; false without memory. */
bool peer_take(struct peer *peer, X509 *cert);

/* Frees what it holds, not the struct. */
void peer_fini(struct peer *peer);

#endif /* SLUICED_PEER_H */
