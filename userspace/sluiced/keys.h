/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a handshake's secrets to what the module is keyed with.
 *
 * Pure: bytes in, bytes out, no state. One const row per cipher suite says all
 * that differs between them. Whoever holds a struct keys wipes it.
 */
#ifndef SLUICED_KEYS_H
#define SLUICED_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_SECRET_MAX		48	/* SHA-384 */
#define KEYS_KEY_MAX		32
#define KEYS_IV_MAX		12
#define KEYS_MASTER_LEN		48	/* RFC 5246 8.1 */
#define KEYS_RANDOM_LEN		32

#define KEYS_TLS12		0x0303
#define KEYS_TLS13		0x0304

/**
 * struct suite - a cipher suite that can be offered
 * @id:		IANA number
 * @version:	KEYS_TLS12 or KEYS_TLS13, the only one it belongs to
 * @cipher:	TLS_CIPHER_* of <linux/tls.h>
 * @iana:	IANA name
 * @openssl:	OpenSSL's name
 * @digest:	hash of the PRF (TLS 1.2) or of HKDF (TLS 1.3)
 * @secret_len:	bytes of a traffic secret, the digest's size
 * @key_len:	bytes of the write key
 * @iv_len:	bytes of the fixed IV of TLS 1.2
 * @explicit_len: bytes of nonce sent in each record: 8 for GCM in TLS 1.2
 *		(RFC 5288 3), else 0
 * @static_rsa:	RSA key exchange, no forward secrecy: only where asked for
 */
struct suite {
	uint16_t id;
	uint16_t version;
	uint16_t cipher;
	const char *iana;
	const char *openssl;
	const char *digest;
	uint8_t secret_len;
	uint8_t key_len;
	uint8_t iv_len;
	uint8_t explicit_len;
	bool static_rsa;
};

/**
 * struct keys - one direction's key material
 * @suite:	what the material belongs to
 * @secret:	TLS 1.3: application traffic secret, @suite->secret_len bytes
 * @key:	TLS 1.2: write key, @suite->key_len bytes
 * @iv:		TLS 1.2: fixed IV, @suite->iv_len bytes
 * @explicit_nonce: TLS 1.2 GCM, sending: that of the next record
 * @seq:	sequence number of the next record
 */
struct keys {
	const struct suite *suite;
	uint8_t secret[KEYS_SECRET_MAX];
	uint8_t key[KEYS_KEY_MAX];
	uint8_t iv[KEYS_IV_MAX];
	uint64_t explicit_nonce;
	uint64_t seq;
};

/* All suites in the order of preference, *count of them. */
const struct suite *suite_table(size_t *count);

/* The suite of an IANA number, or NULL. */
const struct suite *suite_by_id(uint16_t id);

/* The suite of an IANA or OpenSSL name, or NULL. */
const struct suite *suite_by_name(const char *name);

/* Whether a kernel whose SLUICE_A_CIPHERS is @ciphers can be keyed for it. */
bool suite_in_mask(const struct suite *suite, uint64_t ciphers);

/**
 * keys_prf - TLS 1.2's PRF (RFC 5246 5)
 * @digest:	"SHA256" or "SHA384"
 * @secret:	@secret_len bytes
 * @label:	ASCII label
 * @seed:	@seed_len bytes; together with the label at most 1024
 * @out:	@out_len bytes; wiped on failure
 */
bool keys_prf(const char *digest, const uint8_t *secret, size_t secret_len,
	      const char *label, const uint8_t *seed, size_t seed_len,
	      uint8_t *out, size_t out_len);

/**
 * keys_tls12 - write keys and IVs from the master secret (RFC 5246 6.3)
 * @suite:	of TLS 1.2
 * @master:	master secret, extended or not
 * @client_random: of the ClientHello
 * @server_random: of the ServerHello
 * @client:	the direction client to server; @server: the other one. Their
 *		explicit nonce and sequence number are left zero. Wiped on
 *		failure
 */
bool keys_tls12(const struct suite *suite,
		const uint8_t master[KEYS_MASTER_LEN],
		const uint8_t client_random[KEYS_RANDOM_LEN],
		const uint8_t server_random[KEYS_RANDOM_LEN],
		struct keys *client, struct keys *server);

/**
 * keys_tls13 - the application traffic secrets (RFC 8446 7.1), as they are
 * @suite:	of TLS 1.3; tells how long a secret must be
 * @client_secret: CLIENT_TRAFFIC_SECRET_0; @server_secret: SERVER_...
 * @len:	bytes of each; false when that is not the suite's hash
 */
bool keys_tls13(const struct suite *suite, const uint8_t *client_secret,
		const uint8_t *server_secret, size_t len,
		struct keys *client, struct keys *server);

#endif /* SLUICED_KEYS_H */
