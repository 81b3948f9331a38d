// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client's coming back: which session it may offer, and what becomes one.
 *
 * In TLS 1.2 a handshake ends with its session. In TLS 1.3 sessions come later, in
 * NewSessionTicket messages, when the kernel has the connection already; and only
 * OpenSSL knows the secret that makes a session out of one. So the message that the
 * kernel hands over is sealed again, as the record it once was, under the server's
 * first traffic secret and OpenSSL's own count of records, and OpenSSL reads it.
 */
#include "tls_impl.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define RESUME_TICKETS	2	/* wanted of one connection */
#define RESUME_HEADER	5
#define RESUME_TAG	16
#define RESUME_RECORD	(RESUME_HEADER + SLUICE_TICKET_MAX + 1 + RESUME_TAG)

_Static_assert(RESUME_TICKETS <= SLUICE_TICKETS_MAX, "the module holds them");

/* Without a name nothing tells one server from another. What a session's server has
 * shown of its certificate's revocation is not in it.
 */
static bool resume_is_possible(const struct tls *tls)
{
	return !tls->ask.server && tls->ask.server_name[0] &&
	       !tls->trust->require_ocsp && tls->config->cache.max;
}

/* Everything that a session must have in common with who takes it up. */
static bool resume_key(const struct tls *tls, uint8_t key[CACHE_KEY_LEN])
{
	const struct tls_ask *ask = &tls->ask;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok;

	ok = md && EVP_DigestInit_ex2(md, EVP_sha256(), NULL) &&
	     EVP_DigestUpdate(md, &ask->who.uid, sizeof(ask->who.uid)) &&
	     EVP_DigestUpdate(md, &ask->netns, sizeof(ask->netns)) &&
	     EVP_DigestUpdate(md, &ask->port, sizeof(ask->port)) &&
	     EVP_DigestUpdate(md, &ask->flags, sizeof(ask->flags)) &&
	     EVP_DigestUpdate(md, &tls->policy.min_version,
			      sizeof(tls->policy.min_version)) &&
	     EVP_DigestUpdate(md, &tls->policy.max_version,
			      sizeof(tls->policy.max_version)) &&
	     /* With their terminating zeroes. */
	     EVP_DigestUpdate(md, ask->server_name, strlen(ask->server_name) + 1) &&
	     EVP_DigestUpdate(md, tls->trust->name, strlen(tls->trust->name) + 1) &&
	     EVP_DigestUpdate(md, ask->identity, strlen(ask->identity) + 1) &&
	     EVP_DigestUpdate(md, ask->alpn.list, ask->alpn.len) &&
	     EVP_DigestFinal_ex(md, key, NULL);
	EVP_MD_CTX_free(md);
	return ok;
}

/* A session is as good as its certificate is now. */
void resume_offer(struct tls *tls)
{
	uint8_t key[CACHE_KEY_LEN];
	SSL_SESSION *session;
	X509 *cert;

	if (!resume_is_possible(tls) || !resume_key(tls, key))
		return;
	session = cache_take(&tls->config->cache, key);
	if (!session)
		return;
	cert = SSL_SESSION_get0_peer(session);
	if (!SSL_set_session(tls->ssl, session) || !cert ||
	    verify_again(tls, cert, SSL_get_peer_cert_chain(tls->ssl)) != X509_V_OK)
		SSL_set_session(tls->ssl, NULL);
	SSL_SESSION_free(session);
}

static void resume_keep(struct tls *tls, SSL_SESSION *session)
{
	uint8_t key[CACHE_KEY_LEN];

	if (SSL_SESSION_is_resumable(session) && resume_key(tls, key))
		cache_put(&tls->config->cache, key, session);
	else
		SSL_SESSION_free(session);
}

/* Tickets */

static bool resume_expand(const struct keys *keys, const char *label, uint8_t *out,
			  size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)keys->suite->digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)keys->secret,
						  keys->suite->secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX,
						  (char *)"tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL,
						  (char *)label, strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* The wire is the kernel's now; OpenSSL gets one of its own. */
static bool resume_unwire(struct tls *tls)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (!in || !out) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	SSL_set0_rbio(tls->ssl, in);
	SSL_set0_wbio(tls->ssl, out);
	return true;
}

/* Not to be able to resume later fails nothing. */
void resume_prepare(struct tls *tls)
{
	struct tls_tickets *tickets = &tls->tickets;
	const struct suite *suite = tls->result.suite;

	if (!resume_is_possible(tls))
		return;
	if (suite->version == KEYS_TLS12) {
		resume_keep(tls, SSL_get1_session(tls->ssl));
		return;
	}
	if (resume_expand(&tls->rx.keys, "key", tickets->key, suite->key_len) &&
	    resume_expand(&tls->rx.keys, "iv", tickets->iv, sizeof(tickets->iv)))
		tickets->wanted = RESUME_TICKETS;
	ERR_clear_error();
}

/* RFC 8446 5.2, 5.3. */
static size_t resume_seal(struct tls *tls, const uint8_t *message, size_t len,
			  uint8_t record[RESUME_RECORD])
{
	struct tls_tickets *tickets = &tls->tickets;
	const SSL_CIPHER *suite = SSL_get_current_cipher(tls->ssl);
	const EVP_CIPHER *cipher =
		EVP_get_cipherbynid(SSL_CIPHER_get_cipher_nid(suite));
	EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
	size_t body = len + 1 + RESUME_TAG;
	uint8_t *out = record + RESUME_HEADER, nonce[KEYS_IV_MAX];
	const uint8_t type = SSL3_RT_HANDSHAKE;
	int n, tail, end;
	bool ok;

	record[0] = SSL3_RT_APPLICATION_DATA;
	record[1] = TLS1_2_VERSION >> 8;
	record[2] = TLS1_2_VERSION & 0xff;
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	memcpy(nonce, tickets->iv, sizeof(nonce));
	for (size_t i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(tickets->seq >> 8 * i);
	ok = ctx && EVP_EncryptInit_ex2(ctx, cipher, tickets->key, nonce, NULL) &&
	     EVP_EncryptUpdate(ctx, NULL, &n, record, RESUME_HEADER) &&
	     EVP_EncryptUpdate(ctx, out, &n, message, (int)len) &&
	     EVP_EncryptUpdate(ctx, out + n, &tail, &type, 1) &&
	     EVP_EncryptFinal_ex(ctx, out + n + tail, &end) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, RESUME_TAG,
				 out + n + tail + end);
	EVP_CIPHER_CTX_free(ctx);
	return ok ? RESUME_HEADER + body : 0;
}

static int resume_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *tls = SSL_get_app_data(ssl);

	/* One of TLS 1.2 is taken when its handshake has been judged. */
	if (!tls || !tls->tickets.reading)
		return 0;
	resume_keep(tls, session);
	return 1;
}

void resume_ctx_init(SSL_CTX *ctx)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
				       SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, resume_on_session);
}

unsigned int tls_tickets(const struct tls *tls)
{
	return tls->tickets.wanted;
}

void tls_ticket(struct tls *tls, const uint8_t *message, size_t len)
{
	struct tls_tickets *tickets = &tls->tickets;
	uint8_t record[RESUME_RECORD], byte;
	size_t size;

	if (!tickets->wanted || len > SLUICE_TICKET_MAX)
		return;
	tickets->wanted--;
	ERR_clear_error();
	if (!tickets->seq && !resume_unwire(tls)) {
		tickets->wanted = 0;
		return;
	}
	size = resume_seal(tls, message, len, record);
	tickets->seq++;
	tickets->reading = true;
	/* It is not application data: nothing can be read, more is wanted. */
	if (!size ||
	    BIO_write(SSL_get_rbio(tls->ssl), record, (int)size) != (int)size ||
	    SSL_get_error(tls->ssl, SSL_read(tls->ssl, &byte, 1)) !=
		    SSL_ERROR_WANT_READ)
		tickets->wanted = 0;
	tickets->reading = false;
	ERR_clear_error();
}
