/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's synchronous hashes, as far as the module's key schedule uses
 * them, by OpenSSL's HMAC.
 */
#ifndef SHIM_CRYPTO_HASH_H
#define SHIM_CRYPTO_HASH_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <linux/err.h>
#include <linux/types.h>

struct crypto_shash {
	EVP_MD *md;
	u8 *key;
	size_t key_len;
};

/* @name: "hmac(sha256)" and its like. */
static inline struct crypto_shash *crypto_alloc_shash(const char *name, u32 type, u32 mask)
{
	struct crypto_shash *tfm;
	char digest[32];
	EVP_MD *md;

	(void)type;
	(void)mask;
	if (sscanf(name, "hmac(%31[^)])", digest) != 1)
		return ERR_PTR(-ENOENT);
	md = EVP_MD_fetch(NULL, digest, NULL);
	if (!md)
		return ERR_PTR(-ENOENT);
	tfm = calloc(1, sizeof(*tfm));
	tfm->md = md;
	return tfm;
}

static inline void crypto_free_shash(struct crypto_shash *tfm)
{
	EVP_MD_free(tfm->md);
	if (tfm->key)
		explicit_bzero(tfm->key, tfm->key_len);
	free(tfm->key);
	free(tfm);
}

static inline unsigned int crypto_shash_digestsize(struct crypto_shash *tfm)
{
	return (unsigned int)EVP_MD_get_size(tfm->md);
}

static inline int crypto_shash_setkey(struct crypto_shash *tfm, const u8 *key, unsigned int len)
{
	free(tfm->key);
	tfm->key = malloc(len + 1);
	memcpy(tfm->key, key, len);
	tfm->key_len = len;
	return 0;
}

static inline int crypto_shash_tfm_digest(struct crypto_shash *tfm, const u8 *data,
					  unsigned int len, u8 *out)
{
	unsigned int out_len;

	return HMAC(tfm->md, tfm->key, (int)tfm->key_len, data, len, out, &out_len) ? 0 : -EINVAL;
}

#endif
