/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use an identity.
 */
#ifndef SLUICED_ACCESS_H
#define SLUICED_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_GROUPS_MAX	1024	/* that the module tells at most */
#define ACCESS_UNMAPPED		65534	/* how it shows an id without a number here */

/**
 * struct access_who - a program, as the module vouches for it
 * @uid:	effective user, in this daemon's user namespace
 * @gid:	effective group
 * @groups:	@group_count supplementary groups
 */
struct access_who {
	uint32_t uid;
	uint32_t gid;
	size_t group_count;
	uint32_t groups[ACCESS_GROUPS_MAX];
};

/**
 * struct access - who may
 * @everyone:	no matter who
 * @uids:	@uid_count users
 * @gids:	@gid_count groups
 */
struct access {
	bool everyone;
	uint32_t *uids;
	size_t uid_count;
	uint32_t *gids;
	size_t gid_count;
};

/* Adds a user (group) by name or number, or everyone by "*". False: there is
 * none by that name; or no memory, then errno is ENOMEM.
 */
bool access_add_user(struct access *access, const char *name);
bool access_add_group(struct access *access, const char *name);

/* Whether neither users nor groups nor everyone have been added. */
bool access_is_empty(const struct access *access);

/* An id that is not mapped into this user namespace is nobody's. */
bool access_allows(const struct access *access, const struct access_who *who);

/* Frees what it holds, not the struct. */
void access_fini(struct access *access);

#endif /* SLUICED_ACCESS_H */
