/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ciphers as const rows: everything that differs between AEADs of
 * <linux/tls.h> is a column here, never a branch elsewhere.
 */
#ifndef SLUICE_CIPHER_H
#define SLUICE_CIPHER_H

#include <linux/types.h>

#define SLUICE_NONCE_LEN	12	/* per-record nonce of every AEAD used */
#define SLUICE_API_IV_MAX	16	/* the nonce as the crypto API takes it */
#define SLUICE_TAG_LEN		16
#define SLUICE_KEY_MAX		32
#define SLUICE_SECRET_MAX	48	/* SHA-384 */

/**
 * struct sluice_cipher - one AEAD
 * @type:	TLS_CIPHER_* of <linux/tls.h>
 * @name:	as people write it, for logs and extack
 * @aead:	crypto API algorithm
 * @hash:	crypto API hash of the TLS 1.3 suite, NULL: no such suite
 * @hash_len:	its output, the length of a traffic secret
 * @key_len:	bytes of key
 * @salt_len:	TLS 1.2: bytes of the nonce fixed by the key block; <linux/tls.h> calls
 *		them salt (0 for ChaCha20-Poly1305)
 * @iv_len:	bytes of the `iv` member in <linux/tls.h>'s structure (8, or 12)
 * @explicit_len: TLS 1.2: bytes of the nonce carried in each record (8 or 0)
 * @api_iv_len:	bytes of IV that the crypto API takes: the nonce, or more for CCM
 * @nonce_at:	where the nonce lies in them; what follows it is zero
 * @nonce_lead:	the byte before it: CCM's L' (RFC 3610 2.3)
 * @reads_twice: the plaintext must not change while it is sealed, or no peer will open it
 * @info_len:	size of the <linux/tls.h> structure
 * @versions:	bit 0: TLS 1.2, bit 1: TLS 1.3
 * @max_records:	sealed under one key at most, 0: no limit but the sequence
 * @max_blocks:	16-byte blocks (one extra a record) under one key, 0: none
 *		(RFC 8446 5.5; RFC 9846)
 *
 * The <linux/tls.h> structures all hold, after struct tls_crypto_info, iv, key,
 * salt and rec_seq in that order without gaps.
 */
struct sluice_cipher {
	u16 type;
	const char *name;
	const char *aead;
	const char *hash;
	u8 hash_len;
	u8 key_len;
	u8 salt_len;
	u8 iv_len;
	u8 explicit_len;
	u8 api_iv_len;
	u8 nonce_at;
	u8 nonce_lead;
	bool reads_twice;
	u8 info_len;
	u8 versions;
	u64 max_records;
	u64 max_blocks;
};

/** sluice_cipher_find() - the row of TLS_CIPHER_@type, or NULL */
const struct sluice_cipher *sluice_cipher_find(u16 type);

/** sluice_cipher_speaks() - is it for @version (0x0303, 0x0304)? The in-tree module's answer. */
bool sluice_cipher_speaks(const struct sluice_cipher *cipher, u16 version);

#endif
