// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Userspace TLS at its best: OpenSSL's ciphers called directly, from the source into a buffer
 * of records and from a buffer of records to their destination, with one system call for
 * all that there is. No library does it that well.
 */
#include <endian.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <linux/tls.h>
#include <openssl/evp.h>

#include "bench.h"
#include "end.h"

#define HEADER	5
#define EXPLICIT 8
#define TAG	16
#define OVERHEAD (HEADER + EXPLICIT + 1 + TAG)
/* Room for 1 MiB in records. */
#define BUFFER	(64 * (BENCH_RECORD + OVERHEAD))

struct evp_end {
	struct end end;
	struct keys keys;
	EVP_CIPHER_CTX *ctx;
	uint64_t seq;
	size_t have;		/* bytes in @buf, from @at on not dealt with */
	size_t at;
	unsigned char *buf;
};

static bool tls13(const struct evp_end *e)
{
	return e->keys.version == TLS_1_3_VERSION;
}

static size_t explicit_len(const struct evp_end *e)
{
	return tls13(e) || !e->keys.cipher->salt_len ? 0 : EXPLICIT;
}

/* RFC 8446 5.3, RFC 5288 3, RFC 7905 2 */
static void nonce_make(const struct evp_end *e, const unsigned char *wire, unsigned char *nonce)
{
	const uint64_t seq = htobe64(e->seq);
	const unsigned char *s = (const unsigned char *)&seq;

	memcpy(nonce, e->keys.iv, 12);
	if (explicit_len(e)) {
		memcpy(nonce + 4, wire, EXPLICIT);
		return;
	}
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= s[i];
}

static size_t aad_make(const struct evp_end *e, const unsigned char *header, size_t len,
		       unsigned char *aad)
{
	const uint64_t seq = htobe64(e->seq);

	if (tls13(e)) {
		memcpy(aad, header, HEADER);
		return HEADER;
	}
	memcpy(aad, &seq, 8);
	memcpy(aad + 8, header, 3);
	aad[11] = (unsigned char)(len >> 8);
	aad[12] = (unsigned char)len;
	return 13;
}

static void must(int ok, const char *what)
{
	if (ok <= 0)
		errx(1, "OpenSSL: %s", what);
}

/* One record at @out; its length. */
static size_t seal(struct evp_end *e, const unsigned char *data, size_t len, unsigned char *out)
{
	const unsigned char type = 23;
	unsigned char nonce[12], aad[13];
	unsigned char *body = out + HEADER + explicit_len(e);
	size_t inner = len + (tls13(e) ? 1 : 0), rest = explicit_len(e) + inner + TAG;
	const uint64_t seq = htobe64(e->seq);
	int n;

	out[0] = type;
	out[1] = 3;
	out[2] = 3;
	out[3] = (unsigned char)(rest >> 8);
	out[4] = (unsigned char)rest;
	memcpy(out + HEADER, &seq, explicit_len(e));
	nonce_make(e, out + HEADER, nonce);
	must(EVP_EncryptInit_ex(e->ctx, NULL, NULL, NULL, nonce), "nonce");
	must(EVP_EncryptUpdate(e->ctx, NULL, &n, aad, (int)aad_make(e, out, len, aad)), "aad");
	must(EVP_EncryptUpdate(e->ctx, body, &n, data, (int)len), "encrypt");
	if (tls13(e))
		must(EVP_EncryptUpdate(e->ctx, body + len, &n, &type, 1), "encrypt");
	must(EVP_EncryptFinal_ex(e->ctx, body + inner, &n), "final");
	must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_GET_TAG, TAG, body + inner), "tag");
	e->seq++;
	return HEADER + rest;
}

/* The record at @in, whole; the length of its content, at @out. */
static size_t open_record(struct evp_end *e, unsigned char *in, size_t total, unsigned char *out)
{
	unsigned char nonce[12], aad[13], type = 23;
	unsigned char *body = in + HEADER + explicit_len(e);
	size_t inner = total - HEADER - explicit_len(e) - TAG;
	size_t len = inner - (tls13(e) ? 1 : 0);
	int n;

	nonce_make(e, in + HEADER, nonce);
	must(EVP_DecryptInit_ex(e->ctx, NULL, NULL, NULL, nonce), "nonce");
	must(EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_TAG, TAG, body + inner), "tag");
	must(EVP_DecryptUpdate(e->ctx, NULL, &n, aad, (int)aad_make(e, in, len, aad)), "aad");
	must(EVP_DecryptUpdate(e->ctx, out, &n, body, (int)len), "decrypt");
	if (tls13(e))
		must(EVP_DecryptUpdate(e->ctx, &type, &n, body + len, 1), "decrypt");
	must(EVP_DecryptFinal_ex(e->ctx, out, &n), "a record's tag does not fit");
	if (type != 23)
		errx(1, "a record of type %d", type);
	e->seq++;
	return len;
}

static void evp_send(struct end *end, struct lane *lane, const unsigned char *data, size_t len)
{
	struct evp_end *e = (struct evp_end *)end;

	while (len) {
		size_t done = 0;

		while (len && done + BENCH_RECORD + OVERHEAD <= BUFFER) {
			size_t part = len < BENCH_RECORD ? len : BENCH_RECORD;

			done += seal(e, data, part, e->buf + done);
			data += part;
			len -= part;
		}
		write_all(lane, e->buf, done);
	}
}

/* Length of the record at @at if it is there whole. */
static size_t whole(const struct evp_end *e)
{
	const unsigned char *p = e->buf + e->at;
	size_t have = e->have - e->at, total;

	if (have < HEADER)
		return 0;
	total = HEADER + ((size_t)p[3] << 8 | p[4]);
	return have < total ? 0 : total;
}

static size_t evp_recv(struct end *end, struct lane *lane, unsigned char *buf, size_t len)
{
	struct evp_end *e = (struct evp_end *)end;
	size_t want = (len / BENCH_RECORD + 1) * (BENCH_RECORD + OVERHEAD);
	size_t done = 0, total;

	while (!whole(e)) {
		memmove(e->buf, e->buf + e->at, e->have - e->at);
		e->have -= e->at;
		e->at = 0;
		if (want > BUFFER - e->have)
			want = BUFFER - e->have;
		e->have += read_some(lane, e->buf + e->have, want);
	}
	while ((total = whole(e)) && total <= len - done + OVERHEAD) {
		done += open_record(e, e->buf + e->at, total, buf + done);
		e->at += total;
	}
	if (!done)
		errx(1, "a record longer than the read");
	return done;
}

static void evp_close(struct end *end)
{
	struct evp_end *e = (struct evp_end *)end;

	EVP_CIPHER_CTX_free(e->ctx);
	free(e->buf);
	free(e);
}

static const struct end_ops ops = {
	.send	= evp_send,
	.recv	= evp_recv,
	.close	= evp_close,
};

struct end *evp_open(const struct keys *keys, bool seals)
{
	struct evp_end *e = calloc(1, sizeof(*e));
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, keys->cipher->evp, NULL);

	if (!e || !cipher)
		errx(1, "OpenSSL has no %s", keys->cipher->evp);
	e->end.ops = &ops;
	e->keys = *keys;
	e->buf = aligned_alloc(4096, (BUFFER + 4095) / 4096 * 4096);
	e->ctx = EVP_CIPHER_CTX_new();
	if (!e->buf || !e->ctx)
		errx(1, "no memory");
	must(EVP_CipherInit_ex(e->ctx, cipher, NULL, keys->key, keys->iv, seals), "key");
	EVP_CIPHER_free(cipher);
	return &e->end;
}
