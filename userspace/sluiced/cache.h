/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions that clients may resume, by what they were made for. A cache belongs to
 * one configuration and goes with it, so that a session never outlives the trust it
 * was made under.
 */
#ifndef SLUICED_CACHE_H
#define SLUICED_CACHE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <openssl/ssl.h>

#define CACHE_KEY_LEN	32	/* a digest over all that must be the same */

struct cache_entry;
TAILQ_HEAD(cache_list, cache_entry);

/**
 * struct cache - sessions
 * @lock:	protects the rest
 * @max:	sessions kept at most; 0: none
 * @count:	sessions there are
 * @list:	of all, the newest first
 */
struct cache {
	pthread_mutex_t lock;
	size_t max;
	size_t count;
	struct cache_list list;
};

/* Empty. @max may still be set before the first use. */
void cache_init(struct cache *cache, size_t max);

/* Takes over the caller's reference. The oldest one goes when there are too many,
 * of this key or of all.
 */
void cache_put(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
	       SSL_SESSION *session);

/* The newest one that has not run out, which is then the caller's alone: a ticket
 * shown twice tells an onlooker who comes back (RFC 8446 C.4). NULL: none.
 */
SSL_SESSION *cache_take(struct cache *cache, const uint8_t key[CACHE_KEY_LEN]);

void cache_fini(struct cache *cache);

#endif /* SLUICED_CACHE_H */
