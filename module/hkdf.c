// SPDX-License-Identifier: GPL-2.0-only
/*
 * HKDF-Expand-Label (RFC 8446 7.1) over the kernel's HMAC. Traffic keys and
 * secrets are never longer than the hash, so one block of HKDF-Expand
 * (RFC 5869 2.3) is all there is.
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include "hkdf.h"

#define LABEL_PREFIX	"tls13 "
#define LABEL_MAX	18	/* the longest of RFC 8446: "e exp master" and kin, with room */
/* length, label with its length, empty context with its length, block counter */
#define INFO_MAX	(2 + 1 + sizeof(LABEL_PREFIX) - 1 + LABEL_MAX + 1 + 1)

/* struct HkdfLabel, and the counter that HKDF-Expand puts behind it. */
static unsigned int encode_info(u8 *info, const char *label, unsigned int out_len)
{
	unsigned int prefix = sizeof(LABEL_PREFIX) - 1;
	unsigned int n = strlen(label);
	u8 *p = info;

	put_unaligned_be16(out_len, p);
	p += 2;
	*p++ = prefix + n;
	memcpy(p, LABEL_PREFIX, prefix);
	p += prefix;
	memcpy(p, label, n);
	p += n;
	*p++ = 0;
	*p++ = 1;
	return p - info;
}

static int expand_block(struct crypto_shash *hmac, const u8 *secret, unsigned int secret_len,
			const u8 *info, unsigned int info_len, u8 *out, unsigned int out_len)
{
	u8 block[SLUICE_SECRET_MAX];
	int ret;

	if (crypto_shash_digestsize(hmac) > sizeof(block) ||
	    crypto_shash_digestsize(hmac) < out_len)
		return -EINVAL;

	ret = crypto_shash_setkey(hmac, secret, secret_len);
	if (!ret)
		ret = crypto_shash_tfm_digest(hmac, info, info_len, block);
	if (!ret)
		memcpy(out, block, out_len);
	memzero_explicit(block, sizeof(block));
	return ret;
}

int sluice_hkdf_expand_label(const char *hash, const u8 *secret, unsigned int secret_len,
			     const char *label, u8 *out, unsigned int out_len)
{
	u8 info[INFO_MAX];
	struct crypto_shash *hmac;
	char name[32];
	int ret;

	memset(out, 0, out_len);
	if (strlen(label) > LABEL_MAX ||
	    snprintf(name, sizeof(name), "hmac(%s)", hash) >= (int)sizeof(name))
		return -EINVAL;

	hmac = crypto_alloc_shash(name, 0, 0);
	if (IS_ERR(hmac))
		return PTR_ERR(hmac);
	ret = expand_block(hmac, secret, secret_len, info, encode_info(info, label, out_len),
			   out, out_len);
	crypto_free_shash(hmac);
	return ret;
}
