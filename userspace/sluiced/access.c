// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may use an identity: users and groups, by number once they are loaded.
 */
#include "access.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCESS_EVERYONE	"*"

static bool access_all_mapped;
static pthread_once_t access_once = PTHREAD_ONCE_INIT;

/* Where every id has its number, ACCESS_UNMAPPED is a user like others. */
static void access_look_at_map(void)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned int inside, outside, count;

	if (!f)
		return;
	access_all_mapped = fscanf(f, "%u %u %u", &inside, &outside, &count) == 3 &&
			    !inside && count == UINT32_MAX;
	fclose(f);
}

static bool access_is_mapped(uint32_t id)
{
	pthread_once(&access_once, access_look_at_map);
	return id != ACCESS_UNMAPPED || access_all_mapped;
}

static bool access_push(uint32_t **ids, size_t *count, uint32_t id)
{
	uint32_t *more = reallocarray(*ids, *count + 1, sizeof(id));

	if (!more)
		return false;
	*ids = more;
	more[(*count)++] = id;
	return true;
}

/* UINT32_MAX is no id: it means "unchanged" to the kernel. */
static bool access_is_number(const char *text, uint32_t *id)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*id = (uint32_t)n;
	return !*end && n < UINT32_MAX;
}

static bool access_find_user(const char *name, uint32_t *id)
{
	struct passwd *pw = getpwnam(name);

	if (pw)
		*id = pw->pw_uid;
	return pw;
}

static bool access_find_group(const char *name, uint32_t *id)
{
	struct group *gr = getgrnam(name);

	if (gr)
		*id = gr->gr_gid;
	return gr;
}

/* To one of the two lists; @find: who has a name. */
static bool access_add(struct access *access, const char *name,
		       bool (*find)(const char *name, uint32_t *id),
		       uint32_t **ids, size_t *count)
{
	uint32_t id;

	errno = 0;
	if (!strcmp(name, ACCESS_EVERYONE)) {
		access->everyone = true;
		return true;
	}
	if (!access_is_number(name, &id) && !find(name, &id))
		return false;
	return access_push(ids, count, id);
}

bool access_add_user(struct access *access, const char *name)
{
	return access_add(access, name, access_find_user, &access->uids,
			  &access->uid_count);
}

bool access_add_group(struct access *access, const char *name)
{
	return access_add(access, name, access_find_group, &access->gids,
			  &access->gid_count);
}

bool access_is_empty(const struct access *access)
{
	return !access->everyone && !access->uid_count && !access->gid_count;
}

static bool access_has(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return access_is_mapped(id);
	return false;
}

bool access_allows(const struct access *access, const struct access_who *who)
{
	if (access->everyone ||
	    access_has(access->uids, access->uid_count, who->uid) ||
	    access_has(access->gids, access->gid_count, who->gid))
		return true;
	for (size_t i = 0; i < who->group_count; i++)
		if (access_has(access->gids, access->gid_count, who->groups[i]))
			return true;
	return false;
}

void access_fini(struct access *access)
{
	free(access->uids);
	free(access->gids);
	memset(access, 0, sizeof(*access));
}
