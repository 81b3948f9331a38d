// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Identities: loading a certificate with its chain and private key, and
 * matching the name that a client asks for.
 */
#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "secret.h"

#define IDENTITY_KEY_FILE_MAX	(64 * 1024)

static bool identity_fail(char *why, size_t size, const char *path,
			  const char *what)
{
	snprintf(why, size, "%s: %s", path, what);
	return false;
}

static bool identity_fail_ssl(char *why, size_t size, const char *path,
			      const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(why, size, "%s: %s%s%s", path, what, reason ? ": " : "",
		 reason ? reason : "");
	return false;
}

static bool identity_read_chain(struct identity *id, BIO *bio)
{
	X509 *cert;

	id->chain = sk_X509_new_null();
	if (!id->chain)
		return false;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (!sk_X509_push(id->chain, cert)) {
			X509_free(cert);
			return false;
		}
	}
	/* The loop ends well only where no further PEM block begins. */
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static bool identity_load_certificate(struct identity *id, char *why, size_t size)
{
	BIO *bio;
	bool ok;

	bio = BIO_new_file(id->certificate, "r");
	if (!bio)
		return identity_fail(why, size, id->certificate, strerror(errno));
	ERR_clear_error();
	id->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ok = id->leaf && identity_read_chain(id, bio);
	if (!ok)
		identity_fail_ssl(why, size, id->certificate,
				  "not a PEM certificate chain");
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}

/* Keys with a passphrase end here, not at a prompt. */
static int identity_no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static EVP_PKEY *identity_parse_key(const void *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey;

	if (!bio)
		return NULL;
	ERR_clear_error();
	pkey = PEM_read_bio_PrivateKey(bio, NULL, identity_no_passphrase, NULL);
	BIO_free(bio);
	return pkey;
}

/* Whoever owns the file can read the key anyway. */
static bool identity_allow_owner(struct identity *id, uid_t owner)
{
	char text[16];

	if (!access_is_empty(&id->access))
		return true;
	snprintf(text, sizeof(text), "%u", owner);
	return access_add_user(&id->access, "0") &&
	       access_add_user(&id->access, text);
}

static bool identity_load_key(struct identity *id, char *why, size_t size)
{
	uint8_t pem[IDENTITY_KEY_FILE_MAX];
	uid_t owner;
	size_t len;

	if (!secret_read(id->key, pem, sizeof(pem), &len, &owner, why, size))
		return false;
	id->pkey = identity_parse_key(pem, len);
	OPENSSL_cleanse(pem, sizeof(pem));
	if (!id->pkey)
		return identity_fail_ssl(why, size, id->key,
					 "not a PEM private key without passphrase");
	return identity_allow_owner(id, owner) ||
	       identity_fail(why, size, id->key, strerror(ENOMEM));
}

bool identity_load(struct identity *id, SSL_CTX *ctx, char *why, size_t size)
{
	SSL *trial;
	bool ok;

	if (!identity_load_certificate(id, why, size) ||
	    !identity_load_key(id, why, size))
		return false;
	ERR_clear_error();
	if (!X509_check_private_key(id->leaf, id->pkey))
		return identity_fail_ssl(why, size, id->key,
					 "not the key of the certificate");
	if (id->ocsp_response &&
	    !staple_load(&id->staple, id->ocsp_response, id->leaf, why, size))
		return false;
	trial = SSL_new(ctx);
	ok = trial && identity_use(id, trial);
	if (!ok)
		identity_fail_ssl(why, size, id->certificate, "not usable");
	SSL_free(trial);
	return ok;
}

bool identity_use(const struct identity *id, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, id->leaf, id->pkey, id->chain, 1) == 1;
}

static size_t identity_match_one(const char *name, const char *host)
{
	const char *dot;

	if (strncmp(name, "*.", 2))
		return strcasecmp(name, host) ? 0 : SIZE_MAX;
	dot = strchr(host, '.');
	if (!dot || dot == host || strcasecmp(name + 1, dot))
		return 0;
	return strlen(name);
}

size_t identity_matches(const struct identity *id, const char *host)
{
	size_t best = 0, len;

	for (size_t i = 0; i < id->name_count; i++) {
		len = identity_match_one(id->names[i], host);
		if (len > best)
			best = len;
	}
	return best;
}

void identity_fini(struct identity *id)
{
	/* Freeing a key wipes its numbers. */
	EVP_PKEY_free(id->pkey);
	X509_free(id->leaf);
	sk_X509_pop_free(id->chain, X509_free);
	for (size_t i = 0; i < id->name_count; i++)
		free(id->names[i]);
	free(id->names);
	free(id->name);
	free(id->certificate);
	free(id->key);
	free(id->client_trust);
	free(id->ocsp_response);
	staple_fini(&id->staple);
	access_fini(&id->access);
}
