// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of ciphers, and proof that each row agrees with the structure of
 * <linux/tls.h> it stands for. Pure: no crypto API here.
 */
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <uapi/linux/tls.h>

#include "cipher.h"

#define SPEAKS_TLS12	1
#define SPEAKS_TLS13	2

/* RFC 8446 5.5: 2^24.5 records of full size, 2^10 blocks each. Counted for AES, it rests on
 * the size of a block alone, which SM4 and ARIA share.
 */
#define GCM_BLOCKS	24296003999ULL

/* RFC 9147 4.5.3, reckoned with full records (B.1): DTLS has them as large as TLS. */
#define CCM_RECORDS	8388608ULL	/* 2^23 */

/* How the crypto API takes a nonce: as it is. */
#define IV_NONCE		\
	.api_iv_len = SLUICE_NONCE_LEN

/* Or as CCM's first counter block (RFC 3610 2.3): L' = 2, nonce, a counter of 3 bytes. It
 * reads for the tag, and again to encrypt.
 */
#define IV_CCM			\
	.api_iv_len = 16,	\
	.nonce_at = 1,		\
	.nonce_lead = 2,	\
	.reads_twice = true

/* What a row takes from <linux/tls.h>. */
#define INFO_SIZES(id, info)					\
	.type = (id),						\
	.key_len = id##_KEY_SIZE,				\
	.salt_len = id##_SALT_SIZE,				\
	.iv_len = id##_IV_SIZE,					\
	.info_len = sizeof(info)

/* Members follow each other in the order that cipher.h promises, and fit our limits. */
#define INFO_FITS(id, info)							\
	(SLUICE_TAG_LEN == id##_TAG_SIZE && SLUICE_KEY_MAX >= id##_KEY_SIZE &&	\
	 SLUICE_NONCE_LEN == (id##_SALT_SIZE + id##_IV_SIZE) &&		\
	 offsetof(info, iv) == sizeof(struct tls_crypto_info) &&		\
	 offsetof(info, key) - offsetof(info, iv) == id##_IV_SIZE &&		\
	 offsetof(info, salt) - offsetof(info, key) == id##_KEY_SIZE &&		\
	 offsetof(info, rec_seq) - offsetof(info, salt) == id##_SALT_SIZE &&	\
	 sizeof(info) - offsetof(info, rec_seq) == 8)

static_assert(INFO_FITS(TLS_CIPHER_AES_GCM_128, struct tls12_crypto_info_aes_gcm_128));
static_assert(INFO_FITS(TLS_CIPHER_AES_GCM_256, struct tls12_crypto_info_aes_gcm_256));
static_assert(INFO_FITS(TLS_CIPHER_AES_CCM_128, struct tls12_crypto_info_aes_ccm_128));
static_assert(INFO_FITS(TLS_CIPHER_CHACHA20_POLY1305,
			struct tls12_crypto_info_chacha20_poly1305));
static_assert(INFO_FITS(TLS_CIPHER_SM4_GCM, struct tls12_crypto_info_sm4_gcm));
static_assert(INFO_FITS(TLS_CIPHER_SM4_CCM, struct tls12_crypto_info_sm4_ccm));
static_assert(INFO_FITS(TLS_CIPHER_ARIA_GCM_128, struct tls12_crypto_info_aria_gcm_128));
static_assert(INFO_FITS(TLS_CIPHER_ARIA_GCM_256, struct tls12_crypto_info_aria_gcm_256));

static const struct sluice_cipher ciphers[] = {
	{
		INFO_SIZES(TLS_CIPHER_AES_GCM_128, struct tls12_crypto_info_aes_gcm_128),
		.name = "AES-128-GCM",
		.aead = "gcm(aes)",
		.hash = "sha256",
		.hash_len = 32,
		.explicit_len = 8,
		IV_NONCE,
		.versions = SPEAKS_TLS12 | SPEAKS_TLS13,
		.max_blocks = GCM_BLOCKS,
	}, {
		INFO_SIZES(TLS_CIPHER_AES_GCM_256, struct tls12_crypto_info_aes_gcm_256),
		.name = "AES-256-GCM",
		.aead = "gcm(aes)",
		.hash = "sha384",
		.hash_len = 48,
		.explicit_len = 8,
		IV_NONCE,
		.versions = SPEAKS_TLS12 | SPEAKS_TLS13,
		.max_blocks = GCM_BLOCKS,
	}, {
		INFO_SIZES(TLS_CIPHER_AES_CCM_128, struct tls12_crypto_info_aes_ccm_128),
		.name = "AES-128-CCM",
		.aead = "ccm(aes)",
		.hash = "sha256",
		.hash_len = 32,
		.explicit_len = 8,
		IV_CCM,
		.versions = SPEAKS_TLS12 | SPEAKS_TLS13,
		.max_records = CCM_RECORDS,
	}, {
		INFO_SIZES(TLS_CIPHER_CHACHA20_POLY1305,
			   struct tls12_crypto_info_chacha20_poly1305),
		.name = "ChaCha20-Poly1305",
		.aead = "rfc7539(chacha20,poly1305)",
		.hash = "sha256",
		.hash_len = 32,
		IV_NONCE,
		.versions = SPEAKS_TLS12 | SPEAKS_TLS13,
	}, {
		/* SM4 in TLS 1.2 is in no RFC; the in-tree module takes it. */
		INFO_SIZES(TLS_CIPHER_SM4_GCM, struct tls12_crypto_info_sm4_gcm),
		.name = "SM4-GCM",
		.aead = "gcm(sm4)",
		.hash = "sm3",
		.hash_len = 32,
		.explicit_len = 8,
		IV_NONCE,
		.versions = SPEAKS_TLS12 | SPEAKS_TLS13,
		.max_blocks = GCM_BLOCKS,
	}, {
		INFO_SIZES(TLS_CIPHER_SM4_CCM, struct tls12_crypto_info_sm4_ccm),
		.name = "SM4-CCM",
		.aead = "ccm(sm4)",
		.hash = "sm3",
		.hash_len = 32,
		.explicit_len = 8,
		IV_CCM,
		.versions = SPEAKS_TLS12 | SPEAKS_TLS13,
		.max_records = CCM_RECORDS,
	}, {
		INFO_SIZES(TLS_CIPHER_ARIA_GCM_128, struct tls12_crypto_info_aria_gcm_128),
		.name = "ARIA-128-GCM",
		.aead = "gcm(aria)",
		.explicit_len = 8,
		IV_NONCE,
		.versions = SPEAKS_TLS12,
		.max_blocks = GCM_BLOCKS,
	}, {
		INFO_SIZES(TLS_CIPHER_ARIA_GCM_256, struct tls12_crypto_info_aria_gcm_256),
		.name = "ARIA-256-GCM",
		.aead = "gcm(aria)",
		.explicit_len = 8,
		IV_NONCE,
		.versions = SPEAKS_TLS12,
		.max_blocks = GCM_BLOCKS,
	},
	{ }
};

const struct sluice_cipher *sluice_cipher_find(u16 type)
{
	const struct sluice_cipher *c;

	for (c = ciphers; c->type; c++)
		if (c->type == type)
			return c;
	return NULL;
}

bool sluice_cipher_speaks(const struct sluice_cipher *cipher, u16 version)
{
	switch (version) {
	case TLS_1_2_VERSION:
		return cipher->versions & SPEAKS_TLS12;
	case TLS_1_3_VERSION:
		return cipher->versions & SPEAKS_TLS13;
	default:
		return false;
	}
}
