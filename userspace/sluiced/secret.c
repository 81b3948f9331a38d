// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that nobody but their owner may see.
 */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

static bool secret_fail(char *why, size_t size, const char *path, const char *what)
{
	snprintf(why, size, "%s: %s", path, what);
	return false;
}

static bool secret_check(const char *path, const struct stat *st, size_t max,
			 char *why, size_t size)
{
	if (!S_ISREG(st->st_mode))
		return secret_fail(why, size, path, "not a regular file");
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return secret_fail(why, size, path,
				   "a key that others than its owner may use (chmod 600)");
	if ((uintmax_t)st->st_size > max)
		return secret_fail(why, size, path, "too large for a key");
	return true;
}

/* What has grown since it was looked at is left behind. */
static bool secret_read_fd(int fd, uint8_t *to, size_t max, size_t *len)
{
	ssize_t n = 1;

	*len = 0;
	while (*len < max && n > 0) {
		n = read(fd, to + *len, max - *len);
		if (n > 0)
			*len += (size_t)n;
	}
	return n >= 0;
}

bool secret_read(const char *path, void *to, size_t max, size_t *len,
		 uid_t *owner, char *why, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool ok;

	if (fd < 0 || fstat(fd, &st)) {
		secret_fail(why, size, path, strerror(errno));
		ok = false;
	} else {
		ok = secret_check(path, &st, max, why, size);
	}
	if (ok && !secret_read_fd(fd, to, max, len))
		ok = secret_fail(why, size, path, strerror(errno));
	if (ok && owner)
		*owner = st.st_uid;
	if (!ok)
		OPENSSL_cleanse(to, max);
	if (fd >= 0)
		close(fd);
	return ok;
}
