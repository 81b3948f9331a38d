/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of session tickets (RFC 5077, RFC 8446 4.6.1): what a server gives its
 * clients to come back with, sealed so that it need not remember them.
 *
 * A file of keys may be shared by many hosts, any of which then takes the others'
 * tickets. It holds blocks of 80 random bytes: 16 that name the key on the wire,
 * 32 for HMAC-SHA-256, 32 for AES-256-CBC (the layout that nginx has too). The
 * first block seals, all of them open.
 */
#ifndef SLUICED_TICKETS_H
#define SLUICED_TICKETS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/ssl.h>

#define TICKETS_KEYS_MAX	16

/* One block of the file, and nothing but bytes. */
struct ticket_key {
	uint8_t name[16];
	uint8_t mac[32];
	uint8_t cipher[32];
};

/**
 * struct tickets - keys of session tickets
 * @lock:	protects @count, @keys and @next where the keys are our own
 * @own:	made here, and anew from time to time
 * @lifetime:	seconds that a ticket is good for
 * @next:	when the next own key is due, CLOCK_MONOTONIC
 * @count:	keys there are
 * @keys:	the first one seals
 */
struct tickets {
	pthread_mutex_t lock;
	bool own;
	unsigned int lifetime;
	time_t next;
	size_t count;
	struct ticket_key keys[TICKETS_KEYS_MAX];
};

/* First of all: no keys. */
void tickets_init(struct tickets *tickets);

/* Reads @path, or begins with a key of its own where that is NULL. False: @why (of
 * @size bytes) has the reason.
 */
bool tickets_load(struct tickets *tickets, const char *path,
		  unsigned int lifetime, char *why, size_t size);

/* For SSL_CTX_set_tlsext_ticket_key_evp_cb(), with the keys for it. */
int tickets_seal(struct tickets *tickets, unsigned char *name,
		 unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);
int tickets_open(struct tickets *tickets, const unsigned char *name,
		 const unsigned char *iv, EVP_CIPHER_CTX *cipher,
		 EVP_MAC_CTX *mac);

/* Wipes. */
void tickets_fini(struct tickets *tickets);

#endif /* SLUICED_TICKETS_H */
