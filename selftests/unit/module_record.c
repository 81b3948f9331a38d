// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's record arithmetic: headers, nonces, additional data and padding
 * against the records of RFC 8448, opened and sealed here by libcrypto, and
 * against the rules at their limits.
 */
#include "kselftest_harness.h"

#include <openssl/evp.h>

#include <linux/tls.h>

#include "../../module/record.h"
#include "hex.h"

static const u16 versions[] = { TLS_1_2_VERSION, TLS_1_3_VERSION };
static const u16 types[] = {
	TLS_CIPHER_AES_GCM_128, TLS_CIPHER_AES_GCM_256, TLS_CIPHER_AES_CCM_128,
	TLS_CIPHER_CHACHA20_POLY1305, TLS_CIPHER_SM4_GCM, TLS_CIPHER_SM4_CCM,
	TLS_CIPHER_ARIA_GCM_128, TLS_CIPHER_ARIA_GCM_256,
};

/* AES-128-GCM with the module's nonce and additional data. @len: of the body;
 * returns whether it authenticates.
 */
static int gcm(int seal, const u8 *key, const u8 *nonce, const u8 *aad, unsigned int aad_len,
	       const u8 *in, unsigned int len, u8 *out, u8 *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, ok;

	ok = EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce, seal) &&
	     EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) &&
	     EVP_CipherUpdate(ctx, out, &n, in, (int)len) &&
	     (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag)) &&
	     EVP_CipherFinal_ex(ctx, out + n, &n) &&
	     (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag));
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* RFC 8448 3, after the handshake: all records of both directions. */
static const struct trace {
	const char *key;
	const char *iv;
	u64 seq;
	u8 type;
	const char *payload;	/* NULL: not compared */
	const char *record;
} traces[] = {
	{
		.key = "17422dda596ed5d9acd890e3c63f5051",
		.iv = "5b78923dee08579033e523d9",
		.seq = 0,
		.type = SLUICE_DATA,
		.payload = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
			   "202122232425262728292a2b2c2d2e2f3031",
		.record = "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f"
			  "2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae6"
			  "3aeebb21694915e4",
	}, {
		.key = "17422dda596ed5d9acd890e3c63f5051",
		.iv = "5b78923dee08579033e523d9",
		.seq = 1,
		.type = SLUICE_ALERT,
		.payload = "0100",
		.record = "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3",
	}, {
		.key = "9f02283b6c9c07efc26bb9f2ac92e356",
		.iv = "cf782b88dd83549aadf1e984",
		.seq = 0,
		.type = SLUICE_HANDSHAKE_MSG,
		.record = "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d4"
			  "1d6af8f6b580dcf3d11d63c758db289a015940252f55713e061dc13e078891a3"
			  "8efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e0"
			  "9c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406"
			  "f16e3fc181a77ca475840025db2f0a77f81b5ab05b94c01346755f69232c8651"
			  "9d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74"
			  "bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37bf159"
			  "85684f",
	}, {
		.key = "9f02283b6c9c07efc26bb9f2ac92e356",
		.iv = "cf782b88dd83549aadf1e984",
		.seq = 1,
		.type = SLUICE_DATA,
		.payload = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
			   "202122232425262728292a2b2c2d2e2f3031",
		.record = "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36"
			  "e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf33254"
			  "0dd032e167c2955d",
	}, {
		.key = "9f02283b6c9c07efc26bb9f2ac92e356",
		.iv = "cf782b88dd83549aadf1e984",
		.seq = 2,
		.type = SLUICE_ALERT,
		.payload = "0100",
		.record = "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9",
	},
};

TEST(rfc8448_open)
{
	const struct sluice_cipher *c = sluice_cipher_find(TLS_CIPHER_AES_GCM_128);

	for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
		const struct trace *t = &traces[i];
		u8 key[16], iv[12], wire[300], nonce[SLUICE_API_IV_MAX], aad[SLUICE_AAD_MAX], plain[300], want[300];
		size_t total = unhex(t->record, wire, sizeof(wire));
		struct sluice_record rec;
		unsigned int len, n;

		ASSERT_EQ(16, unhex(t->key, key, sizeof(key)));
		ASSERT_EQ(12, unhex(t->iv, iv, sizeof(iv)));
		ASSERT_EQ(0, sluice_record_parse(c, TLS_1_3_VERSION, wire, &rec));
		EXPECT_EQ(SLUICE_DATA, rec.type);
		EXPECT_EQ(5, rec.prefix);
		EXPECT_EQ(total, rec.total);
		EXPECT_EQ(total - 5, rec.body);
		sluice_record_nonce(nonce, c, TLS_1_3_VERSION, iv, t->seq, NULL);
		n = sluice_record_aad(aad, TLS_1_3_VERSION, wire, t->seq, rec.body);
		EXPECT_EQ(5, n);
		len = rec.body - 16u;
		ASSERT_EQ(1, gcm(0, key, nonce, aad, n, wire + 5, len, plain, wire + 5 + len));
		EXPECT_EQ(t->type, sluice_record_unpad(plain, &len));
		if (t->payload) {
			EXPECT_EQ(unhex(t->payload, want, sizeof(want)), len);
			EXPECT_EQ(0, memcmp(want, plain, len));
		}
	}
}

TEST(rfc8448_seal)
{
	const struct sluice_cipher *c = sluice_cipher_find(TLS_CIPHER_AES_GCM_128);

	for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
		const struct trace *t = &traces[i];
		u8 key[16], iv[12], want[300], nonce[SLUICE_API_IV_MAX], aad[SLUICE_AAD_MAX];
		u8 inner[300], wire[300] = { 0 };
		size_t total = unhex(t->record, want, sizeof(want)), len;
		unsigned int n;

		if (!t->payload)
			continue;
		unhex(t->key, key, sizeof(key));
		unhex(t->iv, iv, sizeof(iv));
		len = unhex(t->payload, inner, sizeof(inner));
		sluice_record_write_prefix(wire, c, TLS_1_3_VERSION, t->type, (unsigned int)len, 7);
		sluice_record_nonce(nonce, c, TLS_1_3_VERSION, iv, t->seq, NULL);
		n = sluice_record_aad(aad, TLS_1_3_VERSION, wire, t->seq,
				      (unsigned int)len + 1 + 16);
		inner[len++] = t->type;
		ASSERT_EQ(1, gcm(1, key, nonce, aad, n, inner, (unsigned int)len, wire + 5,
				 wire + 5 + len));
		ASSERT_EQ(total, 5 + len + 16);
		EXPECT_EQ(0, memcmp(want, wire, total));
	}
}

/*
 * Rules
 */

TEST(overheads)
{
	static const struct { u16 version, cipher; unsigned int prefix, overhead; } rows[] = {
		{ TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128, 13, 29 },
		{ TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_256, 13, 29 },
		{ TLS_1_2_VERSION, TLS_CIPHER_AES_CCM_128, 13, 29 },
		{ TLS_1_2_VERSION, TLS_CIPHER_CHACHA20_POLY1305, 5, 21 },
		{ TLS_1_2_VERSION, TLS_CIPHER_SM4_GCM, 13, 29 },
		{ TLS_1_2_VERSION, TLS_CIPHER_SM4_CCM, 13, 29 },
		{ TLS_1_2_VERSION, TLS_CIPHER_ARIA_GCM_128, 13, 29 },
		{ TLS_1_2_VERSION, TLS_CIPHER_ARIA_GCM_256, 13, 29 },
		{ TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 5, 22 },
		{ TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256, 5, 22 },
		{ TLS_1_3_VERSION, TLS_CIPHER_AES_CCM_128, 5, 22 },
		{ TLS_1_3_VERSION, TLS_CIPHER_CHACHA20_POLY1305, 5, 22 },
		{ TLS_1_3_VERSION, TLS_CIPHER_SM4_GCM, 5, 22 },
		{ TLS_1_3_VERSION, TLS_CIPHER_SM4_CCM, 5, 22 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct sluice_cipher *c = sluice_cipher_find(rows[i].cipher);

		ASSERT_NE(NULL, c);
		EXPECT_EQ(rows[i].prefix, sluice_record_prefix(c, rows[i].version));
		EXPECT_EQ(rows[i].overhead, sluice_record_overhead(c, rows[i].version));
		EXPECT_GE(SLUICE_PREFIX_MAX, rows[i].prefix);
	}
}

/* Every length that a header can hold, for each cipher and version. */
TEST(parse_lengths)
{
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			const struct sluice_cipher *c = sluice_cipher_find(types[t]);
			unsigned int extra = sluice_record_overhead(c, versions[v]) - 5;
			u8 hdr[5] = { SLUICE_DATA, 3, 3 };

			for (unsigned int len = 0; len <= 0xffff; len++) {
				struct sluice_record rec = { .total = 1 };
				int want = len > 16384 + extra ? -EMSGSIZE :
					   len < extra ? -EBADMSG : 0;

				hdr[3] = (u8)(len >> 8);
				hdr[4] = (u8)len;
				ASSERT_EQ(want, sluice_record_parse(c, versions[v], hdr, &rec));
				if (want) {
					ASSERT_EQ(1, rec.total);
					continue;
				}
				ASSERT_EQ(5 + len, rec.total);
				ASSERT_EQ(rec.total, rec.prefix + rec.body);
				ASSERT_LE(16, rec.body);
			}
		}
	}
}

TEST(parse_versions_and_types)
{
	const struct sluice_cipher *c = sluice_cipher_find(TLS_CIPHER_AES_GCM_128);
	struct sluice_record rec;

	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		for (unsigned int wire = 0; wire <= 0xffff; wire++) {
			u8 hdr[5] = { SLUICE_DATA, (u8)(wire >> 8), (u8)wire, 0, 100 };

			ASSERT_EQ(wire == 0x0303 ? 0 : -EINVAL,
				  sluice_record_parse(c, versions[v], hdr, &rec));
		}
		for (unsigned int type = 0; type < 256; type++) {
			u8 hdr[5] = { (u8)type, 3, 3, 0, 100 };
			int err = sluice_record_parse(c, versions[v], hdr, &rec);

			if (versions[v] == TLS_1_3_VERSION && type != SLUICE_DATA) {
				ASSERT_EQ(-EINVAL, err);
			} else {
				ASSERT_EQ(0, err);
				ASSERT_EQ(type, rec.type);
			}
		}
	}
}

TEST(prefix_is_what_parse_reads)
{
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			const struct sluice_cipher *c = sluice_cipher_find(types[t]);
			unsigned int prefix = sluice_record_prefix(c, versions[v]);

			for (unsigned int len = 0; len <= SLUICE_PLAINTEXT_MAX; len += 41) {
				u8 out[SLUICE_PREFIX_MAX + 1];
				struct sluice_record rec;

				memset(out, 0x5a, sizeof(out));
				sluice_record_write_prefix(out, c, versions[v], SLUICE_DATA, len,
							   0x0102030405060708);
				EXPECT_EQ(0x5a, out[prefix]);
				if (prefix > 5)
					EXPECT_EQ(0, memcmp(out + 5, "\1\2\3\4\5\6\7\10", 8));
				ASSERT_EQ(0, sluice_record_parse(c, versions[v], out, &rec));
				EXPECT_EQ(len + sluice_record_overhead(c, versions[v]), rec.total);
			}
		}
	}
}

TEST(prefix_type)
{
	const struct sluice_cipher *c = sluice_cipher_find(TLS_CIPHER_CHACHA20_POLY1305);
	u8 out[SLUICE_PREFIX_MAX];

	sluice_record_write_prefix(out, c, TLS_1_2_VERSION, SLUICE_ALERT, 2, 0);
	EXPECT_EQ(0, memcmp(out, "\x15\3\3\0\x12", 5));
	sluice_record_write_prefix(out, c, TLS_1_3_VERSION, SLUICE_ALERT, 2, 0);
	EXPECT_EQ(0, memcmp(out, "\x17\3\3\0\x13", 5));
}

TEST(nonces)
{
	static const u8 iv[12] = { 0xa0, 0xa1, 0xa2, 0xa3, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const u8 explicit_nonce[8] = { 9, 8, 7, 6, 5, 4, 3, 2 };
	static const u8 masked[12] = { 0xa0, 0xa1, 0xa2, 0xa3, 0xfe, 2, 3, 4, 5, 6, 7, 0x89 };
	const struct sluice_cipher *gcm256 = sluice_cipher_find(TLS_CIPHER_AES_GCM_256);
	const struct sluice_cipher *chacha = sluice_cipher_find(TLS_CIPHER_CHACHA20_POLY1305);
	const u64 seq = 0xff00000000000081;
	u8 nonce[SLUICE_API_IV_MAX];

	/* RFC 5288 3: four bytes fixed, eight from the record; no sequence. */
	sluice_record_nonce(nonce, gcm256, TLS_1_2_VERSION, iv, seq, explicit_nonce);
	EXPECT_EQ(0, memcmp(nonce, iv, 4));
	EXPECT_EQ(0, memcmp(nonce + 4, explicit_nonce, 8));
	/* RFC 8446 5.3 and RFC 7905 2: the IV xor the sequence number. */
	sluice_record_nonce(nonce, gcm256, TLS_1_3_VERSION, iv, seq, NULL);
	EXPECT_EQ(0, memcmp(nonce, masked, 12));
	sluice_record_nonce(nonce, chacha, TLS_1_2_VERSION, iv, seq, NULL);
	EXPECT_EQ(0, memcmp(nonce, masked, 12));
	sluice_record_nonce(nonce, chacha, TLS_1_3_VERSION, iv, 0, NULL);
	EXPECT_EQ(0, memcmp(nonce, iv, 12));
}

/*
 * CCM's counter block (RFC 3610 2.3): L' = 2, the nonce, a counter of three bytes
 * that starts at zero, whatever was there before.
 */
TEST(nonces_of_ccm)
{
	static const u16 ccm[] = { TLS_CIPHER_AES_CCM_128, TLS_CIPHER_SM4_CCM };
	static const u8 iv[12] = { 0xa0, 0xa1, 0xa2, 0xa3, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const u8 explicit_nonce[8] = { 9, 8, 7, 6, 5, 4, 3, 2 };
	static const u8 tls12[16] = { 2, 0xa0, 0xa1, 0xa2, 0xa3, 9, 8, 7, 6, 5, 4, 3, 2 };
	static const u8 tls13[16] = { 2, 0xa0, 0xa1, 0xa2, 0xa3, 0xfe, 2, 3, 4, 5, 6, 7, 0x89 };

	for (size_t i = 0; i < ARRAY_SIZE(ccm); i++) {
		const struct sluice_cipher *c = sluice_cipher_find(ccm[i]);
		u8 nonce[SLUICE_API_IV_MAX];

		ASSERT_EQ(16, c->api_iv_len);
		memset(nonce, 0x5a, sizeof(nonce));
		/* RFC 6655 3: as with GCM. */
		sluice_record_nonce(nonce, c, TLS_1_2_VERSION, iv, 0xff00000000000081,
				    explicit_nonce);
		EXPECT_EQ(0, memcmp(nonce, tls12, 16));
		memset(nonce, 0x5a, sizeof(nonce));
		sluice_record_nonce(nonce, c, TLS_1_3_VERSION, iv, 0xff00000000000081, NULL);
		EXPECT_EQ(0, memcmp(nonce, tls13, 16));
	}
}

/* Nothing is written beyond what the crypto API takes of each. */
TEST(nonces_fit)
{
	static const u8 explicit_nonce[8] = { 1 };
	u8 iv[12] = { 0 };

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		const struct sluice_cipher *c = sluice_cipher_find(types[t]);
		u8 nonce[SLUICE_API_IV_MAX + 1];

		memset(nonce, 0x5a, sizeof(nonce));
		sluice_record_nonce(nonce, c, TLS_1_2_VERSION, iv, 0, explicit_nonce);
		EXPECT_NE(0x5a, nonce[c->api_iv_len - 1]);
		EXPECT_EQ(0x5a, nonce[c->api_iv_len]);
	}
}

/* No two sequence numbers, near any boundary, share a nonce. */
TEST(nonces_differ)
{
	static const u64 starts[] = { 0, 0xfe, 0xfffe, 0xfffffffe, 0x7ffffffffffffffe };
	const struct sluice_cipher *c = sluice_cipher_find(TLS_CIPHER_AES_GCM_128);
	u8 iv[12] = { 0 }, seen[64][SLUICE_API_IV_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		for (u64 k = 0; k < 8; k++)
			sluice_record_nonce(seen[n++], c, TLS_1_3_VERSION, iv, starts[i] + k, NULL);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			EXPECT_NE(0, memcmp(seen[i], seen[k], 12));
}

TEST(additional_data)
{
	static const u8 hdr[5] = { 0x16, 3, 3, 0x12, 0x34 };
	u8 aad[SLUICE_AAD_MAX + 1];

	memset(aad, 0x5a, sizeof(aad));
	/* RFC 5246 6.2.3.3: the length is that of the plaintext. */
	ASSERT_EQ(13, sluice_record_aad(aad, TLS_1_2_VERSION, hdr, 0x0102030405060708,
					0x1110 + 16));
	EXPECT_EQ(0, memcmp(aad, "\1\2\3\4\5\6\7\10\x16\3\3\x11\x10\x5a", 14));
	memset(aad, 0x5a, sizeof(aad));
	/* RFC 8446 5.2: the header as it stands. */
	ASSERT_EQ(5, sluice_record_aad(aad, TLS_1_3_VERSION, hdr, 0x0102030405060708, 0x1234));
	EXPECT_EQ(0, memcmp(aad, "\x16\3\3\x12\x34\x5a", 6));
}

/* The buffers are exactly as long as said: the sanitizer sees one byte more. */
TEST(unpad)
{
	for (unsigned int total = 0; total < 300; total++) {
		for (unsigned int pad = 0; pad <= total; pad++) {
			u8 *inner = malloc(total ? total : 1);
			unsigned int len = total;
			int type;

			memset(inner, 0, total);
			if (pad < total) {
				memset(inner, 0xaa, total - pad);
				inner[total - pad - 1] = SLUICE_ALERT;
			}
			type = sluice_record_unpad(inner, &len);
			if (pad == total) {
				ASSERT_EQ(-EBADMSG, type);
			} else {
				ASSERT_EQ(SLUICE_ALERT, type);
				ASSERT_EQ(total - pad - 1, len);
			}
			free(inner);
		}
	}
}

TEST(unpad_types)
{
	for (int type = 1; type < 256; type++) {
		u8 inner[4] = { 0, 0, (u8)type, 0 };
		unsigned int len = sizeof(inner);

		EXPECT_EQ(type, sluice_record_unpad(inner, &len));
		/* Zeroes before the type are content. */
		EXPECT_EQ(2, len);
	}
}

TEST(ciphers)
{
	for (unsigned int type = 0; type <= 0xffff; type++) {
		const struct sluice_cipher *c = sluice_cipher_find((u16)type);

		if (!c)
			continue;
		EXPECT_EQ(type, c->type);
		EXPECT_EQ(12, c->salt_len + c->iv_len);
		EXPECT_TRUE(c->explicit_len == 0 || c->explicit_len == c->iv_len);
		EXPECT_EQ(sizeof(struct tls_crypto_info) + c->iv_len + c->key_len + c->salt_len + 8,
			  c->info_len);
		EXPECT_GE(SLUICE_KEY_MAX, c->key_len);
		EXPECT_GE(SLUICE_SECRET_MAX, c->hash_len);
		EXPECT_GE(SLUICE_API_IV_MAX, c->api_iv_len);
		EXPECT_GE(c->api_iv_len, c->nonce_at + SLUICE_NONCE_LEN);
		EXPECT_FALSE(sluice_cipher_speaks(c, 0x0302));
		EXPECT_FALSE(sluice_cipher_speaks(c, 0x0305));
	}
}

/* Versions as the in-tree module takes them; hashes of TLS 1.3's suites; limits of a key. */
TEST(cipher_table)
{
	static const struct { u16 type; bool tls13; u8 hash_len; const char *hash; } rows[] = {
		{ TLS_CIPHER_AES_GCM_128, true, 32, "sha256" },		/* RFC 8446 B.4 */
		{ TLS_CIPHER_AES_GCM_256, true, 48, "sha384" },
		{ TLS_CIPHER_AES_CCM_128, true, 32, "sha256" },
		{ TLS_CIPHER_CHACHA20_POLY1305, true, 32, "sha256" },
		{ TLS_CIPHER_SM4_GCM, true, 32, "sm3" },		/* RFC 8998 2 */
		{ TLS_CIPHER_SM4_CCM, true, 32, "sm3" },
		{ TLS_CIPHER_ARIA_GCM_128, false, 0, "" },		/* RFC 6209 */
		{ TLS_CIPHER_ARIA_GCM_256, false, 0, "" },
	};

	ASSERT_EQ(ARRAY_SIZE(types), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct sluice_cipher *c = sluice_cipher_find(rows[i].type);

		ASSERT_NE(NULL, c);
		EXPECT_TRUE(sluice_cipher_speaks(c, TLS_1_2_VERSION));
		EXPECT_EQ(rows[i].tls13, sluice_cipher_speaks(c, TLS_1_3_VERSION));
		EXPECT_EQ(rows[i].hash_len, c->hash_len);
		EXPECT_STREQ(rows[i].hash, c->hash ? c->hash : "");
		/* RFC 9147 4.5.3, RFC 8446 5.5 */
		EXPECT_EQ(strstr(c->aead, "ccm") ? 1ULL << 23 : 0, c->max_records);
		EXPECT_EQ(!!strstr(c->aead, "gcm"), !!c->max_blocks);
	}
}

TEST_HARNESS_MAIN
