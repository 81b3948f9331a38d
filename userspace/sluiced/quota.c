// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many handshakes a user has under way: a table of those that have any.
 */
#include "quota.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#define QUOTA_BUCKETS	64

struct quota {
	LIST_ENTRY(quota) link;
	uint32_t uid;
	unsigned int count;
};

static LIST_HEAD(, quota) quota_table[QUOTA_BUCKETS];
static pthread_mutex_t quota_lock = PTHREAD_MUTEX_INITIALIZER; /* quota_table */

static struct quota *quota_find(uint32_t uid)
{
	struct quota *quota;

	LIST_FOREACH(quota, &quota_table[uid % QUOTA_BUCKETS], link)
		if (quota->uid == uid)
			return quota;
	return NULL;
}

static struct quota *quota_add(uint32_t uid)
{
	struct quota *quota = calloc(1, sizeof(*quota));

	if (!quota)
		return NULL;
	quota->uid = uid;
	LIST_INSERT_HEAD(&quota_table[uid % QUOTA_BUCKETS], quota, link);
	return quota;
}

bool quota_take(uint32_t uid, unsigned int max)
{
	struct quota *quota;
	bool ok;

	pthread_mutex_lock(&quota_lock);
	quota = quota_find(uid);
	if (!quota)
		quota = quota_add(uid);
	ok = quota && (!max || quota->count < max);
	if (ok)
		quota->count++;
	pthread_mutex_unlock(&quota_lock);
	return ok;
}

void quota_put(uint32_t uid)
{
	struct quota *quota;

	pthread_mutex_lock(&quota_lock);
	quota = quota_find(uid);
	if (quota && !--quota->count) {
		LIST_REMOVE(quota, link);
		free(quota);
	}
	pthread_mutex_unlock(&quota_lock);
}
