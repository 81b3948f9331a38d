// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys of session tickets. Whoever has them can read what was said in every
 * session that was resumed by TLS 1.2, so our own do not live longer than their
 * tickets; those of a file are its owner's to replace.
 */
#include "tickets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "secret.h"

/* What OpenSSL expects of the callback (see its manual page). */
enum tickets_word {
	TICKETS_ERROR = -1,
	TICKETS_UNKNOWN = 0,
	TICKETS_GOOD = 1,
	TICKETS_RENEW = 2,
};

#define TICKETS_IV	16	/* AES */

_Static_assert(sizeof(struct ticket_key) == 80, "a key is a block of the file");

static time_t tickets_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* The one before goes on opening what it has sealed. */
static bool tickets_renew(struct tickets *tickets)
{
	struct ticket_key key;

	if (RAND_priv_bytes((unsigned char *)&key, sizeof(key)) != 1)
		return false;
	tickets->keys[1] = tickets->keys[0];
	tickets->keys[0] = key;
	if (tickets->count < 2)
		tickets->count++;
	OPENSSL_cleanse(&key, sizeof(key));
	tickets->next = tickets_now() + (time_t)tickets->lifetime;
	return true;
}

static bool tickets_read(struct tickets *tickets, const char *path, char *why,
			 size_t size)
{
	size_t len;

	if (!secret_read(path, tickets->keys, sizeof(tickets->keys), &len,
			 NULL, why, size))
		return false;
	tickets->count = len / sizeof(tickets->keys[0]);
	if (len && len % sizeof(tickets->keys[0]) == 0)
		return true;
	snprintf(why, size, "%s: %zu bytes are not 1 to %d keys of %zu bytes",
		 path, len, TICKETS_KEYS_MAX, sizeof(tickets->keys[0]));
	return false;
}

void tickets_init(struct tickets *tickets)
{
	memset(tickets, 0, sizeof(*tickets));
	pthread_mutex_init(&tickets->lock, NULL);
}

bool tickets_load(struct tickets *tickets, const char *path,
		  unsigned int lifetime, char *why, size_t size)
{
	tickets->own = !path;
	tickets->lifetime = lifetime;
	if (path)
		return tickets_read(tickets, path, why, size);
	snprintf(why, size, "no random bytes for a ticket key");
	return tickets_renew(tickets);
}

static bool tickets_set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
						  (void *)key->mac,
						  sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						 (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params);
}

int tickets_seal(struct tickets *tickets, unsigned char *name,
		 unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct ticket_key *key = &tickets->keys[0];
	bool ok;

	pthread_mutex_lock(&tickets->lock);
	ok = !tickets->own || tickets_now() < tickets->next ||
	     tickets_renew(tickets);
	memcpy(name, key->name, sizeof(key->name));
	ok = ok && RAND_bytes(iv, TICKETS_IV) == 1 &&
	     EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv,
				 NULL) &&
	     tickets_set_mac(mac, key);
	pthread_mutex_unlock(&tickets->lock);
	return ok ? TICKETS_GOOD : TICKETS_ERROR;
}

static const struct ticket_key *tickets_find(const struct tickets *tickets,
					     const unsigned char *name)
{
	for (size_t i = 0; i < tickets->count; i++)
		if (!memcmp(tickets->keys[i].name, name,
			    sizeof(tickets->keys[i].name)))
			return &tickets->keys[i];
	return NULL;
}

int tickets_open(struct tickets *tickets, const unsigned char *name,
		 const unsigned char *iv, EVP_CIPHER_CTX *cipher,
		 EVP_MAC_CTX *mac)
{
	const struct ticket_key *key;
	int word = TICKETS_UNKNOWN;

	pthread_mutex_lock(&tickets->lock);
	key = tickets_find(tickets, name);
	if (key) {
		word = key == tickets->keys ? TICKETS_GOOD : TICKETS_RENEW;
		if (!EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher,
					 iv, NULL) ||
		    !tickets_set_mac(mac, key))
			word = TICKETS_ERROR;
	}
	pthread_mutex_unlock(&tickets->lock);
	return word;
}

void tickets_fini(struct tickets *tickets)
{
	OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
	pthread_mutex_destroy(&tickets->lock);
}
