/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLS 1.3's key schedule below the traffic secret: HKDF-Expand-Label
 * (RFC 8446 7.1), traffic keys (7.3), the next generation (7.2).
 */
#ifndef SLUICE_HKDF_H
#define SLUICE_HKDF_H

#include <linux/types.h>

#include "cipher.h"

/**
 * sluice_hkdf_expand_label() - HKDF-Expand-Label with an empty context
 * @hash:	"sha256" or "sha384"
 * @secret:	as long as the hash's output
 * @secret_len:	its length
 * @label:	without "tls13 "
 * @out:	output
 * @out_len:	at most one block of the hash
 *
 * Process context, may sleep. On failure @out is wiped.
 * Return: 0, -ENOENT (no such hash in this kernel), -ENOMEM, -EINVAL.
 */
int sluice_hkdf_expand_label(const char *hash, const u8 *secret, unsigned int secret_len,
			     const char *label, u8 *out, unsigned int out_len);

#endif
