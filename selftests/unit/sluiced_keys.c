// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluiced's key derivation against published vectors, and its table of cipher
 * suites against OpenSSL's.
 */
#include "kselftest_harness.h"

#include <string.h>

#include <linux/tls.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "../../userspace/sluiced/keys.h"

struct bytes {
	uint8_t at[256];
	size_t len;
};

static struct bytes hex(const char *text)
{
	struct bytes bytes = { 0 };

	if (!OPENSSL_hexstr2buf_ex(bytes.at, sizeof(bytes.at), &bytes.len, text,
				   '\0'))
		bytes.len = 0;
	return bytes;
}

/* The vectors for TLS 1.2's PRF of the IETF's TLS list, from which several
 * libraries test theirs ("test label").
 */
static const struct {
	const char *digest, *secret, *seed, *out;
} prf_rows[] = {
	{ "SHA256", "9bbe436ba940f017b17652849a71db35",
	  "a0ba9f936cda311827a6f796ffd5198c",
	  "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
	  "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
	  "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
	  "87347b66" },
	{ "SHA384", "b80b733d6ceefcdc71566ea48e5567df",
	  "cd665cf6a8447dd6ff8b27555edb7465",
	  "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd"
	  "e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd"
	  "8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
	  "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6"
	  "91c8f3a26854308d5eaa3be85e0990703d73e56f" },
};

TEST(prf_vectors)
{
	for (size_t i = 0; i < ARRAY_SIZE(prf_rows); i++) {
		struct bytes secret = hex(prf_rows[i].secret);
		struct bytes seed = hex(prf_rows[i].seed);
		struct bytes want = hex(prf_rows[i].out);
		uint8_t out[256];

		ASSERT_NE(0, want.len);
		ASSERT_TRUE(keys_prf(prf_rows[i].digest, secret.at, secret.len,
				     "test label", seed.at, seed.len, out,
				     want.len));
		EXPECT_EQ(0, memcmp(out, want.at, want.len)) {
			TH_LOG("%s differs", prf_rows[i].digest);
		}
	}
}

TEST(prf_refuses)
{
	uint8_t zero[16] = { 0 }, out[16], secret[16] = { 1 };

	memset(out, 0xff, sizeof(out));
	EXPECT_FALSE(keys_prf("NOHASH", secret, sizeof(secret), "l", zero,
			      sizeof(zero), out, sizeof(out)));
	EXPECT_EQ(0, memcmp(out, zero, sizeof(out)));
}

/* The key block's order (RFC 5246 6.3): client's key, server's key, client's
 * IV, server's IV; of the PRF over server's then client's random.
 */
TEST(key_block)
{
	uint8_t master[KEYS_MASTER_LEN], block[88];
	uint8_t random[2 * KEYS_RANDOM_LEN];	/* server's, client's */
	size_t count;
	const struct suite *table = suite_table(&count);
	struct keys client, server;

	memset(master, 0x5a, sizeof(master));
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)i;
	for (size_t i = 0; i < count; i++) {
		const struct suite *s = &table[i];
		const uint8_t *at = block;

		if (s->version != KEYS_TLS12)
			continue;
		ASSERT_TRUE(keys_prf(s->digest, master, sizeof(master),
				     "key expansion", random, sizeof(random),
				     block, 2u * s->key_len + 2u * s->iv_len));
		ASSERT_TRUE(keys_tls12(s, master, random + KEYS_RANDOM_LEN,
				       random, &client, &server));
		EXPECT_EQ(0, memcmp(client.key, at, s->key_len));
		at += s->key_len;
		EXPECT_EQ(0, memcmp(server.key, at, s->key_len));
		at += s->key_len;
		EXPECT_EQ(0, memcmp(client.iv, at, s->iv_len));
		at += s->iv_len;
		EXPECT_EQ(0, memcmp(server.iv, at, s->iv_len));
		EXPECT_EQ(s, client.suite);
		EXPECT_EQ(s, server.suite);
	}
}

TEST(versions_do_not_mix)
{
	uint8_t bytes[KEYS_MASTER_LEN] = { 0 };
	struct keys a, b;

	EXPECT_FALSE(keys_tls12(suite_by_id(0x1301), bytes, bytes, bytes, &a, &b));
	EXPECT_FALSE(keys_tls13(suite_by_id(0xc02f), bytes, bytes, 32, &a, &b));
	/* A secret of the other hash's size. */
	EXPECT_FALSE(keys_tls13(suite_by_id(0x1301), bytes, bytes, 48, &a, &b));
	EXPECT_FALSE(keys_tls13(suite_by_id(0x1302), bytes, bytes, 32, &a, &b));
	EXPECT_FALSE(keys_tls13(suite_by_id(0x1301), bytes, bytes, 0, &a, &b));
	EXPECT_TRUE(keys_tls13(suite_by_id(0x1302), bytes, bytes, 48, &a, &b));
}

static const struct suite *offered(SSL *ssl, uint16_t id)
{
	STACK_OF(SSL_CIPHER) *all = SSL_get_ciphers(ssl);

	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
		if (SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(all, i)) == id)
			return suite_by_id(id);
	return NULL;
}

TEST(table_is_openssl_s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	size_t count;
	const struct suite *table = suite_table(&count);
	SSL *ssl;

	ASSERT_NE(NULL, ctx);
	ASSERT_TRUE(SSL_CTX_set_cipher_list(ctx, "ALL"));
	ssl = SSL_new(ctx);
	ASSERT_NE(NULL, ssl);
	for (size_t i = 0; i < count; i++) {
		const struct suite *s = &table[i];
		uint8_t id[2] = { (uint8_t)(s->id >> 8), (uint8_t)s->id };
		const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);

		EXPECT_EQ(s, offered(ssl, s->id));
		ASSERT_NE(NULL, cipher);
		EXPECT_STREQ(s->openssl, SSL_CIPHER_get_name(cipher));
		EXPECT_STREQ(s->iana, SSL_CIPHER_standard_name(cipher));
		EXPECT_EQ(s, suite_by_name(s->openssl));
		EXPECT_EQ(s, suite_by_name(s->iana));
		EXPECT_TRUE(SSL_CIPHER_is_aead(cipher));
		EXPECT_EQ(s->static_rsa,
			  SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa);
		EXPECT_EQ(8 * s->key_len, SSL_CIPHER_get_bits(cipher, NULL));
		EXPECT_EQ(NID_undef, SSL_CIPHER_get_digest_nid(cipher));
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

TEST(mask)
{
	EXPECT_TRUE(suite_in_mask(suite_by_id(0x1301), 1));
	EXPECT_FALSE(suite_in_mask(suite_by_id(0x1302), 1));
	EXPECT_TRUE(suite_in_mask(suite_by_id(0xc030), 2));
	EXPECT_TRUE(suite_in_mask(suite_by_id(0xcca8),
				  1 << (TLS_CIPHER_CHACHA20_POLY1305 - 51)));
	EXPECT_FALSE(suite_in_mask(suite_by_id(0x1303), 7));
	EXPECT_EQ(NULL, suite_by_id(0x1305));
	EXPECT_EQ(NULL, suite_by_name("TLS_AES_128_CCM_8_SHA256"));
}

TEST_HARNESS_MAIN
