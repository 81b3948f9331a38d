// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's HKDF-Expand-Label against the traces of RFC 8448 and against
 * OpenSSL's own.
 */
#include "kselftest_harness.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "../../module/hkdf.h"
#include "hex.h"

/* RFC 8448 3: secret, key, IV. */
static const struct trace {
	const char *secret;
	const char *key;
	const char *iv;
} traces[] = {
	{	/* server, handshake */
		"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
		"3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30",
	}, {	/* client, handshake */
		"b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
		"dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f",
	}, {	/* client, application */
		"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
		"17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9",
	}, {	/* server, application */
		"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
		"9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984",
	},
};

TEST(rfc8448_keys)
{
	unsigned char secret[32], want[32], got[32];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
		ASSERT_EQ(sizeof(secret), unhex(traces[i].secret, secret, sizeof(secret)));
		n = unhex(traces[i].key, want, sizeof(want));
		ASSERT_EQ(0, sluice_hkdf_expand_label("sha256", secret, 32, "key", got,
						      (unsigned int)n));
		EXPECT_EQ(0, memcmp(want, got, n));
		n = unhex(traces[i].iv, want, sizeof(want));
		ASSERT_EQ(0, sluice_hkdf_expand_label("sha256", secret, 32, "iv", got,
						      (unsigned int)n));
		EXPECT_EQ(0, memcmp(want, got, n));
	}
}

/* RFC 8448 3: the server's Finished key, a full block of the hash. */
TEST(rfc8448_finished)
{
	unsigned char secret[32], want[32], got[32];

	unhex(traces[0].secret, secret, sizeof(secret));
	unhex("008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8",
	      want, sizeof(want));
	ASSERT_EQ(0, sluice_hkdf_expand_label("sha256", secret, 32, "finished", got, 32));
	EXPECT_EQ(0, memcmp(want, got, 32));
}

static int openssl_expand_label(const char *hash, const unsigned char *secret, size_t secret_len,
				const char *label, unsigned char *out, size_t out_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, "EXPAND_ONLY", 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, "", 0),
		OSSL_PARAM_construct_end(),
	};
	int ok = EVP_KDF_derive(ctx, out, out_len, params);

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* Generation after generation, as KeyUpdate makes them (RFC 8446 7.2). */
TEST(key_updates_as_openssl)
{
	static const struct { const char *hash; size_t len; } hashes[] = {
		{ "sha256", 32 }, { "sha384", 48 },
	};
	unsigned char ours[48], theirs[48], a[48], b[48];

	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const char *hash = hashes[i].hash;
		unsigned int len = (unsigned int)hashes[i].len;

		memset(ours, 0x42, sizeof(ours));
		memset(theirs, 0x42, sizeof(theirs));
		for (int generation = 0; generation < 10; generation++) {
			ASSERT_EQ(0, sluice_hkdf_expand_label(hash, ours, len, "traffic upd", a,
							      len));
			ASSERT_EQ(1, openssl_expand_label(hash, theirs, len, "traffic upd", b,
							  len));
			ASSERT_EQ(0, memcmp(a, b, len));
			memcpy(ours, a, len);
			memcpy(theirs, b, len);
			for (unsigned int n = 1; n <= len; n++) {
				ASSERT_EQ(0, sluice_hkdf_expand_label(hash, ours, len, "key", a, n));
				ASSERT_EQ(1, openssl_expand_label(hash, theirs, len, "key", b, n));
				ASSERT_EQ(0, memcmp(a, b, n));
			}
		}
	}
}

/* What cannot be derived leaves zeroes, no more of them than were asked for. */
TEST(failures_wipe)
{
	unsigned char secret[48] = { 1 }, out[64], zero[64] = { 0 };

	memset(out, 0x5a, sizeof(out));
	EXPECT_GT(0, sluice_hkdf_expand_label("no-such-hash", secret, 32, "key", out, 16));
	EXPECT_EQ(0, memcmp(out, zero, 16));
	EXPECT_EQ(0x5a, out[16]);
	memset(out, 0x5a, sizeof(out));
	EXPECT_EQ(-EINVAL, sluice_hkdf_expand_label("sha256", secret, 32, "key", out, 33));
	EXPECT_EQ(0, memcmp(out, zero, 33));
	EXPECT_EQ(0x5a, out[33]);
	EXPECT_EQ(-EINVAL, sluice_hkdf_expand_label("sha384", secret, 48, "key", out, 49));
	EXPECT_EQ(-EINVAL, sluice_hkdf_expand_label("sha256", secret, 32,
						    "a label longer than any of RFC 8446's", out,
						    16));
}

TEST_HARNESS_MAIN
