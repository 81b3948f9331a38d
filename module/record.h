/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record layer as arithmetic over bytes: header, nonce, additional data,
 * padding (RFC 8446 5, RFC 5246 6.2, RFC 5288, RFC 6655, RFC 7905). No socket, no
 * allocation, no crypto: these functions compile into the module, the unit
 * tests and the fuzzers.
 */
#ifndef SLUICE_RECORD_H
#define SLUICE_RECORD_H

#include <linux/types.h>

#include "cipher.h"

#define SLUICE_HEADER_LEN	5
#define SLUICE_PLAINTEXT_MAX	16384	/* RFC 8446 5.1 */
#define SLUICE_AAD_MAX		13
#define SLUICE_PREFIX_MAX	(SLUICE_HEADER_LEN + 8)	/* header, explicit nonce */
/* Content, padding and type byte are SLUICE_PLAINTEXT_MAX + 1 at most (RFC 8446 5.4), so
 * the 256 (RFC 8446 5.2) or 2048 (RFC 5246 6.2.3) bytes of expansion that a header could
 * announce are never legal with these AEADs.
 */
#define SLUICE_RECORD_MAX	(SLUICE_PREFIX_MAX + SLUICE_PLAINTEXT_MAX + 1 + SLUICE_TAG_LEN)

enum sluice_content {		/* RFC 8446 5.1 */
	SLUICE_CHANGE_CIPHER_SPEC = 20,
	SLUICE_ALERT		= 21,
	SLUICE_HANDSHAKE_MSG	= 22,
	SLUICE_DATA		= 23,
};

#define SLUICE_KEY_UPDATE	24	/* a message of SLUICE_HANDSHAKE_MSG, RFC 8446 4 */

/**
 * struct sluice_record - one record's outer shape, from its header
 * @type:	outer content type; TLS 1.3 shows 23 for all
 * @prefix:	bytes before the ciphertext: header and explicit nonce
 * @body:	bytes of ciphertext with tag
 * @total:	@prefix + @body
 */
struct sluice_record {
	u8 type;
	u8 prefix;
	u16 body;
	u32 total;
};

/** sluice_record_overhead() - bytes a record adds to its payload (prefix,
 * TLS 1.3's type byte, tag; no padding)
 */
unsigned int sluice_record_overhead(const struct sluice_cipher *c, u16 version);

/** sluice_record_prefix() - bytes before the ciphertext */
unsigned int sluice_record_prefix(const struct sluice_cipher *c, u16 version);

/**
 * sluice_record_parse() - check a header and say how long the record is
 * @c:		cipher of the direction
 * @version:	negotiated version
 * @hdr:	SLUICE_HEADER_LEN bytes
 * @rec:	filled in on success only
 *
 * Return: 0; -EMSGSIZE: longer than the protocol allows; -EBADMSG: too short to
 * hold a tag (and type byte); -EINVAL: legacy version wrong, or outer type not 23
 * in TLS 1.3. Looked at in this order, with the errnos that kTLS gives.
 */
int sluice_record_parse(const struct sluice_cipher *c, u16 version,
			const u8 *hdr, struct sluice_record *rec);

/**
 * sluice_record_write_prefix() - header and explicit nonce of a record to send
 * @out:	sluice_record_prefix() bytes
 * @type:	content type (written as 23 in TLS 1.3)
 * @len:	payload bytes
 * @explicit_nonce: TLS 1.2 GCM and CCM, else ignored
 */
void sluice_record_write_prefix(u8 *out, const struct sluice_cipher *c, u16 version, u8 type,
				unsigned int len, u64 explicit_nonce);

/**
 * sluice_record_nonce() - the AEAD nonce, as the crypto API takes it
 * @out:	c->api_iv_len bytes out
 * @iv:		static IV of the key, SLUICE_NONCE_LEN bytes (TLS 1.2 GCM, CCM: 4 used)
 * @seq:	sequence number
 * @explicit_nonce: the record's explicit nonce, big-endian as on the wire, NULL if none
 */
void sluice_record_nonce(u8 *out, const struct sluice_cipher *c, u16 version, const u8 *iv,
			 u64 seq, const u8 *explicit_nonce);

/**
 * sluice_record_aad() - the additional data
 * @aad:	up to SLUICE_AAD_MAX bytes out
 * @hdr:	the record's header as on the wire
 * @seq:	sequence number
 * @body:	bytes after header and explicit nonce (ciphertext with tag)
 *
 * Return: bytes written (5 in TLS 1.3, 13 in TLS 1.2).
 */
unsigned int sluice_record_aad(u8 *aad, u16 version, const u8 *hdr, u64 seq,
			       unsigned int body);

/**
 * sluice_record_unpad() - find the inner type in an opened TLS 1.3 record
 * @inner:	plaintext: content, type byte, zeroes
 * @len:	its length in, length of the content out
 *
 * Return: the inner content type, or -EBADMSG when all is zero (RFC 8446 5.4:
 * unexpected_message).
 */
int sluice_record_unpad(const u8 *inner, unsigned int *len);

#endif
