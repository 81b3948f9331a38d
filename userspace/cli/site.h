/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The served directory: nothing outside of it can be named.
 */
#ifndef SLUICE_CLI_SITE_H
#define SLUICE_CLI_SITE_H

#include <sys/stat.h>

/**
 * site_open() - open what a path of a URL names
 * @root:	the served directory
 * @path:	decoded path of the URL, with its leading slash
 * @st:		filled in
 *
 * Return: a descriptor of a regular file or a directory, or -1 with errno:
 * ENOENT, EACCES (also: leads out of @root, or is neither), others.
 */
int site_open(int root, const char *path, struct stat *st);

/**
 * site_listing() - a page that lists a directory
 * @directory:	from site_open(); stays the caller's
 * @path:	decoded path of the URL, for the title
 * @length:	bytes of the page
 *
 * Return: HTML, to be ended with free(); NULL with errno.
 */
char *site_listing(int directory, const char *path, size_t *length);

/* The media type of a file by its name; a static string. */
const char *site_type(const char *path);

#endif /* SLUICE_CLI_SITE_H */
