/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS records made and opened by libcrypto's AEADs, straight from the RFCs, to
 * judge the module's by: RFC 8446 5.2 and 5.3, RFC 5246 6.2.3.3, RFC 5288 3,
 * RFC 6655 3, RFC 7905 2.
 */
#ifndef SELFTESTS_TLS_RECORD_H
#define SELFTESTS_TLS_RECORD_H

#include <openssl/evp.h>

#include "tls_socket.h"

#define WIRE_MAX	(HEADER_LEN + 8 + RECORD_MAX + 256 + TAG_LEN)

/* One direction as a program without our module has it. */
struct peer {
	struct test_keys keys;	/* seq: the next record's */
	uint64_t explicit_nonce; /* TLS 1.2 GCM, CCM: what the next record carries */
};

static inline void peer_init(struct peer *peer, const struct test_keys *keys)
{
	uint64_t nonce;

	peer->keys = *keys;
	memcpy(&nonce, keys->iv + 4, sizeof(nonce));
	peer->explicit_nonce = be64toh(nonce);
}

/* Header and explicit nonce. */
static inline size_t prefix_len(const struct test_keys *keys)
{
	return HEADER_LEN + (keys_explicit(keys) ? 8 : 0);
}

/* What a record adds to its payload, padding left aside. */
static inline size_t record_overhead(const struct test_keys *keys)
{
	return prefix_len(keys) + (keys->version == TLS_1_3_VERSION ? 1 : 0) + TAG_LEN;
}

static inline void put_header(unsigned char *out, unsigned char type, size_t len)
{
	out[0] = type;
	out[1] = 3;
	out[2] = 3;
	out[3] = (unsigned char)(len >> 8);
	out[4] = (unsigned char)len;
}

static inline size_t header_length(const unsigned char *record)
{
	return (size_t)record[3] << 8 | record[4];
}

/* @explicit_nonce: the 8 bytes a record carries, if its kind does. */
static inline void make_nonce(unsigned char nonce[12], const struct test_keys *keys,
			      const unsigned char *explicit_nonce)
{
	memcpy(nonce, keys->iv, 12);
	if (keys_explicit(keys)) {
		memcpy(nonce + 4, explicit_nonce, 8);
		return;
	}
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= (unsigned char)(keys->seq >> (56 - 8 * i));
}

/* @len: TLS 1.2 authenticates the length of the plaintext. */
static inline size_t make_aad(unsigned char aad[13], const struct test_keys *keys,
			      const unsigned char *header, size_t len)
{
	uint64_t seq = htobe64(keys->seq);

	if (keys->version == TLS_1_3_VERSION) {
		memcpy(aad, header, HEADER_LEN);
		return HEADER_LEN;
	}
	memcpy(aad, &seq, 8);
	memcpy(aad + 8, header, 3);
	aad[11] = (unsigned char)(len >> 8);
	aad[12] = (unsigned char)len;
	return 13;
}

/* Does libcrypto have it? */
static inline bool cipher_judged(__u16 type)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, test_cipher(type)->evp, NULL);

	EVP_CIPHER_free(cipher);
	return cipher;
}

#define SKIP_UNJUDGED(type)							\
	do {									\
		if (!cipher_judged(type))					\
			SKIP(return, "libcrypto has no %s", test_cipher(type)->evp); \
	} while (0)

/* One AEAD operation over @len bytes; @tag is written or checked. False: it does not
 * authenticate. CCM has to know all lengths before anything else.
 */
static inline bool aead(const struct test_keys *keys, bool seal, const unsigned char nonce[12],
			const unsigned char *aad, size_t aad_len, const unsigned char *in,
			size_t len, unsigned char *out, unsigned char *tag)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, keys->cipher->evp, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ccm, ok;
	int n;

	if (!ctx || !cipher || !EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, seal, NULL))
		abort();
	ccm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_CCM_MODE;
	ok = (!ccm || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL)) &&
	     (!ccm || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN,
					  seal ? NULL : tag)) &&
	     EVP_CipherInit_ex2(ctx, NULL, keys->key, nonce, seal, NULL) &&
	     (!ccm || EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)len)) &&
	     EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) &&
	     EVP_CipherUpdate(ctx, out, &n, in, (int)len) &&
	     (ccm || seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag)) &&
	     ((ccm && !seal) || EVP_CipherFinal_ex(ctx, out + n, &n)) &&
	     (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag));
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return ok;
}

/* Seals @inner, @len bytes as the AEAD sees them, under @header as it stands:
 * wrong ones too. Writes ciphertext and tag.
 */
static inline void seal_raw(const struct peer *peer, const unsigned char *header,
			    const unsigned char *explicit_nonce, const unsigned char *inner,
			    size_t len, unsigned char *out)
{
	unsigned char nonce[12], aad[13];
	size_t aad_len = make_aad(aad, &peer->keys, header, len);

	make_nonce(nonce, &peer->keys, explicit_nonce);
	if (!aead(&peer->keys, true, nonce, aad, aad_len, inner, len, out, out + len))
		abort();
}

/* One record of @type into @out; its length. @pad: TLS 1.3 only. */
static inline size_t peer_seal(struct peer *peer, unsigned char type, const void *data,
			       size_t len, size_t pad, unsigned char *out)
{
	const bool tls13 = peer->keys.version == TLS_1_3_VERSION;
	const size_t prefix = prefix_len(&peer->keys);
	unsigned char *inner = calloc(1, len + 1 + pad);
	size_t inner_len = len + (tls13 ? 1 + pad : 0);
	uint64_t nonce = htobe64(peer->explicit_nonce);

	memcpy(inner, data, len);
	if (tls13)
		inner[len] = type;
	put_header(out, tls13 ? CONTENT_DATA : type, prefix - HEADER_LEN + inner_len + TAG_LEN);
	if (prefix > HEADER_LEN)
		memcpy(out + HEADER_LEN, &nonce, sizeof(nonce));
	seal_raw(peer, out, out + HEADER_LEN, inner, inner_len, out + prefix);
	free(inner);
	peer->keys.seq++;
	peer->explicit_nonce++;
	return prefix + inner_len + TAG_LEN;
}

/*
 * Opens one whole record; the payload's length and @type, or -EBADMSG. The
 * nonce must be the one that kTLS's rules give: IV xor sequence number, or the
 * explicit nonce counting up from the IV that was set.
 */
static inline long peer_open(struct peer *peer, const unsigned char *record, int *type,
			     unsigned char *out)
{
	const size_t prefix = prefix_len(&peer->keys);
	const size_t body = header_length(record) - (prefix - HEADER_LEN);
	const uint64_t want = htobe64(peer->explicit_nonce);
	unsigned char nonce[12], aad[13];
	long len = (long)body - TAG_LEN;
	unsigned char tag[TAG_LEN];
	size_t aad_len;

	if (record[1] != 3 || record[2] != 3 || len < 0)
		return -EPROTO;
	if (prefix > HEADER_LEN && memcmp(record + HEADER_LEN, &want, sizeof(want)))
		return -ESTALE;
	aad_len = make_aad(aad, &peer->keys, record, (size_t)len);
	make_nonce(nonce, &peer->keys, record + HEADER_LEN);
	memcpy(tag, record + prefix + len, TAG_LEN);
	if (!aead(&peer->keys, false, nonce, aad, aad_len, record + prefix, (size_t)len, out, tag))
		return -EBADMSG;
	peer->keys.seq++;
	peer->explicit_nonce++;
	*type = record[0];
	if (peer->keys.version == TLS_1_3_VERSION) {
		if (record[0] != CONTENT_DATA)
			return -EPROTO;
		while (len && !out[len - 1])
			len--;
		if (!len)
			return -EPROTO;
		*type = out[--len];
	}
	return len;
}

/* All of @len bytes, or -errno. */
static inline long write_all(int fd, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t left = len;

	while (left) {
		long n = sys(send(fd, p, left, MSG_NOSIGNAL));

		if (n <= 0)
			return n;
		p += n;
		left -= (size_t)n;
	}
	return (long)len;
}

/* One whole record off the wire; its length, 0 at the end, or -errno. */
static inline long read_record(int fd, unsigned char *record)
{
	long n = sys(recv(fd, record, HEADER_LEN, MSG_WAITALL));
	long want;

	if (n != HEADER_LEN)
		return n;
	want = (long)header_length(record);
	if (want > WIRE_MAX - HEADER_LEN)
		return -EMSGSIZE;
	n = sys(recv(fd, record + HEADER_LEN, (size_t)want, MSG_WAITALL));
	return n == want ? HEADER_LEN + want : n < 0 ? n : -EPIPE;
}

/*
 * A connection with the module at fd[0] and nothing but TCP and these
 * functions at fd[1].
 */

struct wire {
	int fd[2];
	struct peer open;	/* opens what fd[0] sends */
	struct peer seal;	/* seals what fd[0] receives */
};

static inline long wire_open_with(struct wire *wire, const struct tcp_options *opt,
				  __u16 version, __u16 cipher, uint64_t seq)
{
	struct test_keys tx, rx;
	long err = tcp_pair(opt, wire->fd);

	keys_make(&tx, version, cipher, 3, seq);
	keys_make(&rx, version, cipher, 4, seq);
	peer_init(&wire->open, &tx);
	peer_init(&wire->seal, &rx);
	if (!err)
		err = ulp_attach(wire->fd[0]);
	if (!err)
		err = keys_set(wire->fd[0], TLS_TX, &tx);
	if (!err)
		err = keys_set(wire->fd[0], TLS_RX, &rx);
	return err;
}

static inline long wire_open(struct wire *wire, int family, __u16 version, __u16 cipher,
			     uint64_t seq)
{
	const struct tcp_options opt = { .family = family };

	return wire_open_with(wire, &opt, version, cipher, seq);
}

static inline void wire_close(struct wire *wire)
{
	close(wire->fd[0]);
	close(wire->fd[1]);
}

/* Reads @total bytes of the stream from @offset off the wire, in whole records
 * of data, @limit bytes of it at most; the number of records, or -errno.
 */
static inline long read_stream_of(struct wire *wire, uint64_t offset, size_t total, long limit)
{
	static unsigned char record[WIRE_MAX], plain[WIRE_MAX];
	size_t done = 0;
	long count = 0;
	int type;

	while (done < total) {
		long n = read_record(wire->fd[1], record);

		if (n <= 0)
			return n ? n : -EPIPE;
		n = peer_open(&wire->open, record, &type, plain);
		if (n < 0)
			return n;
		if (type != CONTENT_DATA || n > limit || !n)
			return -EPROTO;
		if (!pattern_fits(plain, (size_t)n, offset + done))
			return -EILSEQ;
		done += (size_t)n;
		count++;
	}
	return done == total ? count : -EMSGSIZE;
}

static inline long read_stream(struct wire *wire, uint64_t offset, size_t total)
{
	return read_stream_of(wire, offset, total, RECORD_MAX);
}

#endif
