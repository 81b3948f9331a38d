// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of the record layer (RFC 8446 5, RFC 5246 6.2, RFC 5288,
 * RFC 6655, RFC 7905): bytes in, bytes out.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>
#include <uapi/linux/tls.h>

#include "record.h"

/* RFC 8446 5.1: TLS 1.3 keeps 1.2's number on the wire. */
#define LEGACY_VERSION	TLS_1_2_VERSION

static bool is_tls13(u16 version)
{
	return version == TLS_1_3_VERSION;
}

/* TLS 1.3 and RFC 7905 mask the whole IV with the sequence number instead. */
static unsigned int explicit_len(const struct sluice_cipher *c, u16 version)
{
	return is_tls13(version) ? 0 : c->explicit_len;
}

/* Bytes that the type takes inside the encryption (RFC 8446 5.2). */
static unsigned int inner_len(u16 version)
{
	return is_tls13(version) ? 1 : 0;
}

unsigned int sluice_record_prefix(const struct sluice_cipher *c, u16 version)
{
	return SLUICE_HEADER_LEN + explicit_len(c, version);
}

unsigned int sluice_record_overhead(const struct sluice_cipher *c, u16 version)
{
	return sluice_record_prefix(c, version) + inner_len(version) + SLUICE_TAG_LEN;
}

int sluice_record_parse(const struct sluice_cipher *c, u16 version, const u8 *hdr,
			struct sluice_record *rec)
{
	unsigned int len = get_unaligned_be16(hdr + 3);
	unsigned int extra = sluice_record_overhead(c, version) - SLUICE_HEADER_LEN;

	if (len > SLUICE_PLAINTEXT_MAX + extra)
		return -EMSGSIZE;
	if (len < extra)
		return -EBADMSG;
	if (get_unaligned_be16(hdr + 1) != LEGACY_VERSION)
		return -EINVAL;
	if (is_tls13(version) && hdr[0] != SLUICE_DATA)
		return -EINVAL;

	rec->type = hdr[0];
	rec->prefix = sluice_record_prefix(c, version);
	rec->total = SLUICE_HEADER_LEN + len;
	rec->body = rec->total - rec->prefix;
	return 0;
}

void sluice_record_write_prefix(u8 *out, const struct sluice_cipher *c, u16 version, u8 type,
				unsigned int len, u64 explicit_nonce)
{
	unsigned int wire = len + sluice_record_overhead(c, version) - SLUICE_HEADER_LEN;

	out[0] = is_tls13(version) ? SLUICE_DATA : type;
	put_unaligned_be16(LEGACY_VERSION, out + 1);
	put_unaligned_be16(wire, out + 3);
	if (explicit_len(c, version))
		put_unaligned_be64(explicit_nonce, out + SLUICE_HEADER_LEN);
}

void sluice_record_nonce(u8 *out, const struct sluice_cipher *c, u16 version, const u8 *iv,
			 u64 seq, const u8 *explicit_nonce)
{
	unsigned int n = explicit_len(c, version);
	u8 *nonce = out + c->nonce_at;
	u8 *tail = nonce + SLUICE_NONCE_LEN - 8;

	memset(out, 0, c->api_iv_len);
	out[0] = c->nonce_lead;
	memcpy(nonce, iv, SLUICE_NONCE_LEN - n);
	if (n)
		memcpy(nonce + SLUICE_NONCE_LEN - n, explicit_nonce, n);
	else
		put_unaligned_be64(get_unaligned_be64(tail) ^ seq, tail);
}

unsigned int sluice_record_aad(u8 *aad, u16 version, const u8 *hdr, u64 seq, unsigned int body)
{
	if (is_tls13(version)) {
		memcpy(aad, hdr, SLUICE_HEADER_LEN);
		return SLUICE_HEADER_LEN;
	}

	/* RFC 5246 6.2.3.3: sequence, type, version, length of the plaintext */
	put_unaligned_be64(seq, aad);
	memcpy(aad + 8, hdr, 3);
	put_unaligned_be16(body - SLUICE_TAG_LEN, aad + 11);
	return SLUICE_AAD_MAX;
}

int sluice_record_unpad(const u8 *inner, unsigned int *len)
{
	unsigned int n = *len;

	while (n && !inner[n - 1])
		n--;
	if (!n)
		return -EBADMSG;
	*len = n - 1;
	return inner[n - 1];
}
