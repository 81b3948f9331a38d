/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One generation of one direction's keys: transform, request, static IV and,
 * in TLS 1.3's managed mode, the traffic secret it came from. Built aside where
 * anything may fail, then published by dir.c in steps that cannot.
 */
#ifndef SLUICE_KEY_H
#define SLUICE_KEY_H

#include <crypto/aead.h>
#include <crypto/sha2.h>
#include <linux/scatterlist.h>

#include "record.h"

/**
 * struct sluice_key_config - checked key material on its way in
 * @cipher:	row of the table
 * @version:	0x0303 or 0x0304
 * @has_secret:	@secret holds a TLS 1.3 traffic secret; @key and @iv follow from it
 * @secret:	cipher->hash_len bytes
 * @key:	cipher->key_len bytes
 * @iv:		static IV: TLS 1.3 and ChaCha20-Poly1305 12 bytes; else salt_len used
 * @seq:	sequence number of the next record
 * @explicit_nonce: TLS 1.2 with explicit nonce: that of the next record, TX only
 *
 * Whoever filled one in wipes it with memzero_explicit.
 */
struct sluice_key_config {
	const struct sluice_cipher *cipher;
	u16 version;
	bool has_secret;
	u8 secret[SLUICE_SECRET_MAX];
	u8 key[SLUICE_KEY_MAX];
	u8 iv[SLUICE_NONCE_LEN];
	u64 seq;
	u64 explicit_nonce;
};

/**
 * struct sluice_key - keys in use; immutable but for the request's scratch
 * @cipher:	row of the table
 * @version:	0x0303 or 0x0304
 * @has_secret:	a next generation can be derived
 * @secret:	the traffic secret
 * @print:	a hash over key and static IV, by which they are known again
 * @iv:		static IV
 * @tfm:	keyed transform
 * @req:	the one request, protected by the socket lock
 * @aad:	additional data of the record at work
 * @nonce:	nonce of the record at work, as the crypto API takes it
 */
struct sluice_key {
	const struct sluice_cipher *cipher;
	u16 version;
	bool has_secret;
	u8 secret[SLUICE_SECRET_MAX];
	u8 print[SHA256_DIGEST_SIZE];
	u8 iv[SLUICE_NONCE_LEN];
	struct crypto_aead *tfm;
	struct aead_request *req;
	u8 aad[SLUICE_AAD_MAX];
	u8 nonce[SLUICE_API_IV_MAX];
};

/**
 * sluice_cipher_mask() - which rows of the table can this kernel key?
 *
 * Process context: it asks the crypto API, which may load modules.
 * Return: bit (type - 51) for each TLS_CIPHER_* type.
 */
u64 sluice_cipher_mask(void);

/**
 * sluice_key_create() - build keys from checked material
 *
 * Process context, may sleep, no lock needed. The caller keeps @config.
 * Return: the key, the caller's to give to sluice_dir_install() or
 * sluice_key_free(); or ERR_PTR: -ENOENT (no such algorithm), -ENOMEM, -EINVAL.
 */
struct sluice_key *sluice_key_create(const struct sluice_key_config *config);

/**
 * sluice_key_same() - is it these keys that are in use?
 * @key:	in use
 * @config:	keys as they are, no secret
 *
 * The key itself is kept nowhere but in the transform, so a hash is compared.
 */
bool sluice_key_same(const struct sluice_key *key, const struct sluice_key_config *config);

/**
 * sluice_key_next() - the next generation (RFC 8446 7.2), @key untouched
 *
 * Return: as sluice_key_create(); -EOPNOTSUPP without a traffic secret.
 */
struct sluice_key *sluice_key_next(const struct sluice_key *key);

/** sluice_key_free() - wipe and free; NULL is fine. Any context but hard irq. */
void sluice_key_free(struct sluice_key *key);

/**
 * sluice_key_seal() - encrypt and authenticate one record's content
 * @key:	keys
 * @hdr:	the record's header as it will be on the wire
 * @explicit_nonce: wire bytes, NULL if none
 * @seq:	sequence number
 * @src:	scatterlist: entry 0 is left for the AAD, then content (TLS 1.3: with type)
 * @dst:	likewise, content and tag; may be @src
 * @len:	bytes of content
 *
 * Waits for the crypto inline. Process context, socket lock held.
 * Return: 0 or the crypto API's errno; then @dst holds no plaintext of @src
 * that the caller may send.
 */
int sluice_key_seal(struct sluice_key *key, const u8 *hdr, const u8 *explicit_nonce, u64 seq,
		    struct scatterlist *src, struct scatterlist *dst, unsigned int len);

/**
 * sluice_key_open() - check and decrypt one record's content
 * @body:	bytes of ciphertext with tag, in @src after entry 0; @dst takes
 *		@body - SLUICE_TAG_LEN bytes after its entry 0
 *
 * Does not advance any sequence number, so a record may be opened twice.
 * Return: 0; -EBADMSG: the tag does not fit, @dst must be wiped by the caller
 * and shown to nobody.
 */
int sluice_key_open(struct sluice_key *key, const u8 *hdr, const u8 *explicit_nonce, u64 seq,
		    struct scatterlist *src, struct scatterlist *dst, unsigned int body);

#endif
