// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys of one direction, and the only place that calls the AEADs of the crypto
 * API. Every call is waited for inline: no request outlives its call, so there
 * is no completion of ours that could run late.
 */
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <crypto/utils.h>
#include <linux/crypto.h>
#include <linux/err.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <uapi/linux/tls.h>

#include "hkdf.h"
#include "key.h"

#define CIPHER_BITS	64	/* of the mask, from the lowest type up */

static bool can_key(const struct sluice_cipher *cipher)
{
	char hmac[32];

	if (!crypto_has_aead(cipher->aead, 0, 0))
		return false;
	if (!cipher->hash)
		return true;
	snprintf(hmac, sizeof(hmac), "hmac(%s)", cipher->hash);
	return crypto_has_shash(hmac, 0, 0);
}

u64 sluice_cipher_mask(void)
{
	const struct sluice_cipher *cipher;
	unsigned int bit;
	u64 mask = 0;

	for (bit = 0; bit < CIPHER_BITS; bit++) {
		cipher = sluice_cipher_find(TLS_CIPHER_AES_GCM_128 + bit);
		if (cipher && can_key(cipher))
			mask |= BIT_ULL(bit);
	}
	return mask;
}

/* No CRYPTO_ALG_ASYNC in the mask: the fast x86 drivers carry that flag because of
 * their simd wrapper, and without them only generic C is left.
 */
static int alloc_crypto(struct sluice_key *key)
{
	struct crypto_aead *tfm = crypto_alloc_aead(key->cipher->aead, 0, 0);

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	key->tfm = tfm;

	key->req = aead_request_alloc(tfm, GFP_KERNEL);
	return key->req ? 0 : -ENOMEM;
}

static int set_crypto(struct sluice_key *key, const u8 *raw)
{
	int ret = crypto_aead_setauthsize(key->tfm, SLUICE_TAG_LEN);

	if (ret)
		return ret;
	if (crypto_aead_ivsize(key->tfm) != key->cipher->api_iv_len)
		return -EINVAL;
	return crypto_aead_setkey(key->tfm, raw, key->cipher->key_len);
}

/* RFC 8446 7.3 */
static int derive(const struct sluice_cipher *cipher, const u8 *secret, u8 *raw, u8 *iv)
{
	int ret;

	ret = sluice_hkdf_expand_label(cipher->hash, secret, cipher->hash_len, "key", raw,
				       cipher->key_len);
	if (ret)
		return ret;
	return sluice_hkdf_expand_label(cipher->hash, secret, cipher->hash_len, "iv", iv,
					SLUICE_NONCE_LEN);
}

static void fingerprint(const struct sluice_cipher *cipher, const u8 *raw, const u8 *iv, u8 *print)
{
	u8 both[SLUICE_KEY_MAX + SLUICE_NONCE_LEN];

	memcpy(both, raw, cipher->key_len);
	memcpy(both + cipher->key_len, iv, SLUICE_NONCE_LEN);
	sha256(both, cipher->key_len + SLUICE_NONCE_LEN, print);
	memzero_explicit(both, sizeof(both));
}

bool sluice_key_same(const struct sluice_key *key, const struct sluice_key_config *config)
{
	u8 print[SHA256_DIGEST_SIZE];
	bool same;

	if (config->cipher != key->cipher || config->version != key->version)
		return false;
	fingerprint(config->cipher, config->key, config->iv, print);
	same = !crypto_memneq(print, key->print, sizeof(print));
	memzero_explicit(print, sizeof(print));
	return same;
}

static int fill(struct sluice_key *key, const struct sluice_key_config *config)
{
	u8 raw[SLUICE_KEY_MAX];
	int ret = 0;

	if (config->has_secret) {
		key->has_secret = true;
		memcpy(key->secret, config->secret, sizeof(key->secret));
		ret = derive(key->cipher, key->secret, raw, key->iv);
	} else {
		memcpy(raw, config->key, sizeof(raw));
		memcpy(key->iv, config->iv, sizeof(key->iv));
	}
	if (!ret)
		fingerprint(key->cipher, raw, key->iv, key->print);
	if (!ret)
		ret = alloc_crypto(key);
	if (!ret)
		ret = set_crypto(key, raw);
	memzero_explicit(raw, sizeof(raw));
	return ret;
}

struct sluice_key *sluice_key_create(const struct sluice_key_config *config)
{
	struct sluice_key *key;
	int ret;

	if (!sluice_cipher_speaks(config->cipher, config->version) ||
	    (config->has_secret && config->version != TLS_1_3_VERSION))
		return ERR_PTR(-EINVAL);

	key = kzalloc(sizeof(*key), GFP_KERNEL);
	if (!key)
		return ERR_PTR(-ENOMEM);
	key->cipher = config->cipher;
	key->version = config->version;

	ret = fill(key, config);
	if (ret) {
		sluice_key_free(key);
		return ERR_PTR(ret);
	}
	return key;
}

struct sluice_key *sluice_key_next(const struct sluice_key *key)
{
	struct sluice_key_config config = {
		.cipher = key->cipher,
		.version = key->version,
		.has_secret = true,
	};
	struct sluice_key *next;
	int ret;

	if (!key->has_secret)
		return ERR_PTR(-EOPNOTSUPP);

	ret = sluice_hkdf_expand_label(key->cipher->hash, key->secret, key->cipher->hash_len,
				       "traffic upd", config.secret, key->cipher->hash_len);
	next = ret ? ERR_PTR(ret) : sluice_key_create(&config);
	memzero_explicit(&config, sizeof(config));
	return next;
}

void sluice_key_free(struct sluice_key *key)
{
	if (!key)
		return;
	/* Both wipe: the request holds the last nonce, the transform the key. */
	aead_request_free(key->req);
	if (key->tfm)
		crypto_free_aead(key->tfm);
	kfree_sensitive(key);
}

/* Point request and scatterlists at one record; @body counts the tag. */
static void prepare(struct sluice_key *key, const u8 *hdr, const u8 *explicit_nonce, u64 seq,
		    struct scatterlist *src, struct scatterlist *dst, unsigned int body)
{
	unsigned int aad;

	aad = sluice_record_aad(key->aad, key->version, hdr, seq, body);
	sluice_record_nonce(key->nonce, key->cipher, key->version, key->iv, seq, explicit_nonce);

	sg_set_buf(src, key->aad, aad);
	if (dst != src)
		sg_set_buf(dst, key->aad, aad);
	aead_request_set_ad(key->req, aad);
}

int sluice_key_seal(struct sluice_key *key, const u8 *hdr, const u8 *explicit_nonce, u64 seq,
		    struct scatterlist *src, struct scatterlist *dst, unsigned int len)
{
	DECLARE_CRYPTO_WAIT(wait);

	prepare(key, hdr, explicit_nonce, seq, src, dst, len + SLUICE_TAG_LEN);
	aead_request_set_callback(key->req, CRYPTO_TFM_REQ_MAY_BACKLOG | CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_crypt(key->req, src, dst, len, key->nonce);
	return crypto_wait_req(crypto_aead_encrypt(key->req), &wait);
}

int sluice_key_open(struct sluice_key *key, const u8 *hdr, const u8 *explicit_nonce, u64 seq,
		    struct scatterlist *src, struct scatterlist *dst, unsigned int body)
{
	DECLARE_CRYPTO_WAIT(wait);

	prepare(key, hdr, explicit_nonce, seq, src, dst, body);
	aead_request_set_callback(key->req, CRYPTO_TFM_REQ_MAY_BACKLOG | CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_crypt(key->req, src, dst, body, key->nonce);
	return crypto_wait_req(crypto_aead_decrypt(key->req), &wait);
}
