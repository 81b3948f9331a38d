// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sessions that clients may resume. One list does: a look through all of it is
 * nothing beside a handshake.
 */
#include "cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CACHE_PER_KEY	8

struct cache_entry {
	TAILQ_ENTRY(cache_entry) link;
	uint8_t key[CACHE_KEY_LEN];
	SSL_SESSION *session;
};

void cache_init(struct cache *cache, size_t max)
{
	memset(cache, 0, sizeof(*cache));
	pthread_mutex_init(&cache->lock, NULL);
	TAILQ_INIT(&cache->list);
	cache->max = max;
}

/* Return: the entry's session, the caller's now. */
static SSL_SESSION *cache_remove(struct cache *cache, struct cache_entry *entry)
{
	SSL_SESSION *session = entry->session;

	TAILQ_REMOVE(&cache->list, entry, link);
	cache->count--;
	free(entry);
	return session;
}

/* Makes room for one more of @key. */
static void cache_trim(struct cache *cache, const uint8_t key[CACHE_KEY_LEN])
{
	struct cache_entry *entry, *next;
	size_t same = 0;

	for (entry = TAILQ_FIRST(&cache->list); entry; entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (!memcmp(entry->key, key, CACHE_KEY_LEN) &&
		    ++same == CACHE_PER_KEY)
			SSL_SESSION_free(cache_remove(cache, entry));
	}
	while (cache->count >= cache->max && !TAILQ_EMPTY(&cache->list))
		SSL_SESSION_free(cache_remove(cache,
				TAILQ_LAST(&cache->list, cache_list)));
}

void cache_put(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
	       SSL_SESSION *session)
{
	struct cache_entry *entry = cache->max ? calloc(1, sizeof(*entry)) : NULL;

	if (!entry) {
		SSL_SESSION_free(session);
		return;
	}
	memcpy(entry->key, key, CACHE_KEY_LEN);
	entry->session = session;
	pthread_mutex_lock(&cache->lock);
	cache_trim(cache, key);
	TAILQ_INSERT_HEAD(&cache->list, entry, link);
	cache->count++;
	pthread_mutex_unlock(&cache->lock);
}

static bool cache_is_good(const SSL_SESSION *session)
{
	long long age = (long long)time(NULL) - SSL_SESSION_get_time(session);

	return SSL_SESSION_is_resumable(session) && age >= 0 &&
	       age < SSL_SESSION_get_timeout(session);
}

SSL_SESSION *cache_take(struct cache *cache, const uint8_t key[CACHE_KEY_LEN])
{
	struct cache_entry *entry, *next;
	SSL_SESSION *found = NULL;

	pthread_mutex_lock(&cache->lock);
	for (entry = TAILQ_FIRST(&cache->list); entry; entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (memcmp(entry->key, key, CACHE_KEY_LEN))
			continue;
		found = cache_remove(cache, entry);
		if (cache_is_good(found))
			break;
		SSL_SESSION_free(found);
		found = NULL;
	}
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void cache_fini(struct cache *cache)
{
	while (!TAILQ_EMPTY(&cache->list))
		SSL_SESSION_free(cache_remove(cache, TAILQ_FIRST(&cache->list)));
	pthread_mutex_destroy(&cache->lock);
}
