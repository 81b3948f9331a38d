/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that nobody but their owner may see.
 */
#ifndef SLUICED_SECRET_H
#define SLUICED_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * secret_read - read a file of keys
 * @path:	regular, without permissions for group and others
 * @to:		filled; wiped on failure. The caller's to wipe
 * @max:	bytes there; a longer file is refused
 * @len:	how many were read
 * @owner:	whose the file is; may be NULL
 * @why:	on failure the reason, of @size bytes
 */
bool secret_read(const char *path, void *to, size_t max, size_t *len,
		 uid_t *owner, char *why, size_t size);

#endif /* SLUICED_SECRET_H */
