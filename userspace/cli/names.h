/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which names programs have looked up, by the addresses they were given.
 */
#ifndef SLUICE_CLI_NAMES_H
#define SLUICE_CLI_NAMES_H

#include <netinet/in.h>
#include <sys/types.h>

#define NAMES_BUCKETS	1024

struct names_entry;

/**
 * struct names - the table; all zeroes is an empty one
 * @bucket:	by a hash of the address
 * @count:	entries; there is a limit, and past it nothing is taken, so that what
 *		is not known stays unknown
 */
struct names {
	struct names_entry *bucket[NAMES_BUCKETS];
	unsigned int count;
};

/**
 * names_add() - @process has looked up @name and was given @address
 * @address:	IPv6, or IPv4 mapped into it
 * @name:	copied; "": the address itself, in digits
 *
 * errno: ENOSPC (the table is full), ENOMEM
 */
int names_add(struct names *n, pid_t process, const struct in6_addr *address,
	      const char *name);

enum names_found {
	NAMES_ONE,
	NAMES_NONE,
	NAMES_MANY,
};

/**
 * names_find() - the one name that @process can mean by @address
 * @name:	set if it is NAMES_ONE; valid until the table ends; "": @process has
 *		looked up nothing but the digits
 *
 * What the process has looked up itself counts before what others have: many a
 * program asks in one process and connects in another.
 */
enum names_found names_find(const struct names *n, pid_t process,
			    const struct in6_addr *address, const char **name);

void names_end(struct names *n);

#endif /* SLUICE_CLI_NAMES_H */
