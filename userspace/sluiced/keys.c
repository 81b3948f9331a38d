// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a handshake's secrets to what the module is keyed with: the table of
 * cipher suites, and the key schedule of TLS 1.2. That of TLS 1.3 ends for us
 * with the traffic secrets; the module derives keys from those itself, since
 * it has to do so again at each KeyUpdate.
 */
#include "keys.h"

#include <string.h>
#include <strings.h>

#include <linux/tls.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define SUITE13(_id, _cipher, _name, _digest, _secret, _key)		\
	{								\
		.id = (_id), .version = KEYS_TLS13,			\
		.cipher = (_cipher), .iana = (_name),			\
		.openssl = (_name), .digest = (_digest),		\
		.secret_len = (_secret), .key_len = (_key),		\
	}

#define SUITE12(_id, _cipher, _iana, _openssl, _digest, _key, _iv, _explicit, _rsa) \
	{								\
		.id = (_id), .version = KEYS_TLS12,			\
		.cipher = (_cipher), .iana = (_iana),			\
		.openssl = (_openssl), .digest = (_digest),		\
		.key_len = (_key), .iv_len = (_iv),			\
		.explicit_len = (_explicit), .static_rsa = (_rsa),	\
	}

/* AES-128 first: no weaker in practice and the fastest one everywhere. */
static const struct suite suites[] = {
	SUITE13(0x1301, TLS_CIPHER_AES_GCM_128,
		"TLS_AES_128_GCM_SHA256", "SHA256", 32, 16),
	SUITE13(0x1302, TLS_CIPHER_AES_GCM_256,
		"TLS_AES_256_GCM_SHA384", "SHA384", 48, 32),
	SUITE13(0x1303, TLS_CIPHER_CHACHA20_POLY1305,
		"TLS_CHACHA20_POLY1305_SHA256", "SHA256", 32, 32),

	SUITE12(0xc02b, TLS_CIPHER_AES_GCM_128,
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		"ECDHE-ECDSA-AES128-GCM-SHA256", "SHA256", 16, 4, 8, false),
	SUITE12(0xc02f, TLS_CIPHER_AES_GCM_128,
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"ECDHE-RSA-AES128-GCM-SHA256", "SHA256", 16, 4, 8, false),
	SUITE12(0xc02c, TLS_CIPHER_AES_GCM_256,
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"ECDHE-ECDSA-AES256-GCM-SHA384", "SHA384", 32, 4, 8, false),
	SUITE12(0xc030, TLS_CIPHER_AES_GCM_256,
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"ECDHE-RSA-AES256-GCM-SHA384", "SHA384", 32, 4, 8, false),
	SUITE12(0xcca9, TLS_CIPHER_CHACHA20_POLY1305,
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		"ECDHE-ECDSA-CHACHA20-POLY1305", "SHA256", 32, 12, 0, false),
	SUITE12(0xcca8, TLS_CIPHER_CHACHA20_POLY1305,
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		"ECDHE-RSA-CHACHA20-POLY1305", "SHA256", 32, 12, 0, false),

	SUITE12(0x009c, TLS_CIPHER_AES_GCM_128,
		"TLS_RSA_WITH_AES_128_GCM_SHA256",
		"AES128-GCM-SHA256", "SHA256", 16, 4, 8, true),
	SUITE12(0x009d, TLS_CIPHER_AES_GCM_256,
		"TLS_RSA_WITH_AES_256_GCM_SHA384",
		"AES256-GCM-SHA384", "SHA384", 32, 4, 8, true),
};

#define SUITES	(sizeof(suites) / sizeof(suites[0]))

const struct suite *suite_table(size_t *count)
{
	*count = SUITES;
	return suites;
}

const struct suite *suite_by_id(uint16_t id)
{
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const struct suite *suite_by_name(const char *name)
{
	for (size_t i = 0; i < SUITES; i++)
		if (!strcasecmp(suites[i].iana, name) ||
		    !strcasecmp(suites[i].openssl, name))
			return &suites[i];
	return NULL;
}

bool suite_in_mask(const struct suite *suite, uint64_t ciphers)
{
	return ciphers & (1ULL << (suite->cipher - TLS_CIPHER_AES_GCM_128));
}

bool keys_prf(const char *digest, const uint8_t *secret, size_t secret_len,
	      const char *label, const uint8_t *seed, size_t seed_len,
	      uint8_t *out, size_t out_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET,
						  (void *)secret, secret_len),
		/* Seeds add up: label, then seed. */
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
						  (void *)label, strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
						  (void *)seed, seed_len),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1;

	if (!ok)
		OPENSSL_cleanse(out, out_len);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

static const uint8_t *keys_take(uint8_t *to, const uint8_t *from, size_t len)
{
	memcpy(to, from, len);
	return from + len;
}

bool keys_tls12(const struct suite *suite,
		const uint8_t master[KEYS_MASTER_LEN],
		const uint8_t client_random[KEYS_RANDOM_LEN],
		const uint8_t server_random[KEYS_RANDOM_LEN],
		struct keys *client, struct keys *server)
{
	uint8_t block[2 * (KEYS_KEY_MAX + KEYS_IV_MAX)];
	size_t len = 2 * (size_t)(suite->key_len + suite->iv_len);
	uint8_t seed[2 * KEYS_RANDOM_LEN];
	const uint8_t *at = block;

	memset(client, 0, sizeof(*client));
	memset(server, 0, sizeof(*server));
	if (suite->version != KEYS_TLS12)
		return false;
	/* Here, unlike in the master secret's seed, the server's comes first. */
	memcpy(seed, server_random, KEYS_RANDOM_LEN);
	memcpy(seed + KEYS_RANDOM_LEN, client_random, KEYS_RANDOM_LEN);
	if (!keys_prf(suite->digest, master, KEYS_MASTER_LEN, "key expansion",
		      seed, sizeof(seed), block, len))
		return false;

	client->suite = suite;
	server->suite = suite;
	at = keys_take(client->key, at, suite->key_len);
	at = keys_take(server->key, at, suite->key_len);
	at = keys_take(client->iv, at, suite->iv_len);
	keys_take(server->iv, at, suite->iv_len);
	OPENSSL_cleanse(block, sizeof(block));
	return true;
}

bool keys_tls13(const struct suite *suite, const uint8_t *client_secret,
		const uint8_t *server_secret, size_t len,
		struct keys *client, struct keys *server)
{
	memset(client, 0, sizeof(*client));
	memset(server, 0, sizeof(*server));
	if (suite->version != KEYS_TLS13 || len != suite->secret_len)
		return false;

	client->suite = suite;
	server->suite = suite;
	memcpy(client->secret, client_secret, len);
	memcpy(server->secret, server_secret, len);
	return true;
}
