// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses and the names that led to them. Nothing is ever forgotten: a second
 * name of an address that went missing would let the first one pass for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define NAMES_MAX	65536

struct names_entry {
	struct names_entry *next;
	struct in6_addr address;
	pid_t process;
	char name[];
};

static unsigned int hash(const struct in6_addr *a)
{
	unsigned int h = 0;

	for (size_t i = 0; i < sizeof(a->s6_addr); i++)
		h = h * 31 + a->s6_addr[i];
	return h % NAMES_BUCKETS;
}

static int is_at(const struct names_entry *e, const struct in6_addr *address)
{
	return !memcmp(&e->address, address, sizeof(*address));
}

static int is_known(const struct names_entry *e, pid_t process,
		    const struct in6_addr *address, const char *name)
{
	for (; e; e = e->next)
		if (e->process == process && is_at(e, address) && !strcasecmp(e->name, name))
			return 1;
	return 0;
}

int names_add(struct names *n, pid_t process, const struct in6_addr *address,
	      const char *name)
{
	struct names_entry **bucket = &n->bucket[hash(address)];
	struct names_entry *e;

	if (is_known(*bucket, process, address, name))
		return 0;
	if (n->count == NAMES_MAX) {
		errno = ENOSPC;
		return -1;
	}
	e = malloc(sizeof(*e) + strlen(name) + 1);
	if (!e)
		return -1;
	e->address = *address;
	e->process = process;
	strcpy(e->name, name);
	e->next = *bucket;
	*bucket = e;
	n->count++;
	return 0;
}

/* @process: 0: any. A host's name counts before digits: some programs turn the
 * one into the other and look that up again.
 */
static enum names_found find(const struct names_entry *e, pid_t process,
			     const struct in6_addr *address, const char **name)
{
	const char *found = NULL;

	for (; e; e = e->next) {
		if (!is_at(e, address) || (process && e->process != process))
			continue;
		if (!found || !*found)
			found = e->name;
		else if (*e->name && strcasecmp(e->name, found))
			return NAMES_MANY;
	}
	if (!found)
		return NAMES_NONE;
	*name = found;
	return NAMES_ONE;
}

enum names_found names_find(const struct names *n, pid_t process,
			    const struct in6_addr *address, const char **name)
{
	const struct names_entry *e = n->bucket[hash(address)];
	enum names_found own = find(e, process, address, name);

	return own == NAMES_NONE ? find(e, 0, address, name) : own;
}

void names_end(struct names *n)
{
	for (unsigned int i = 0; i < NAMES_BUCKETS; i++) {
		while (n->bucket[i]) {
			struct names_entry *e = n->bucket[i];

			n->bucket[i] = e->next;
			free(e);
		}
	}
	n->count = 0;
}
