// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets of connections in a file, where that is asked for.
 */
#include "keylog.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "log.h"

#define KEYLOG_LINE	512	/* label, random and a secret, in hex: 250 bytes */

static int keylog_fd = -1;

static bool keylog_check(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st)) {
		log_err("%s: %m", path);
		return false;
	}
	if (S_ISREG(st.st_mode) && !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return true;
	log_err("%s: not a file for its owner only (chmod 600)", path);
	return false;
}

bool keylog_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
		      O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0) {
		log_err("%s: %m", path);
		return false;
	}
	if (!keylog_check(path, fd)) {
		close(fd);
		return false;
	}
	keylog_fd = fd;
	log_warn("%s: gets the secrets of every connection", path);
	return true;
}

void keylog_line(const char *line)
{
	char text[KEYLOG_LINE];
	int len;

	if (keylog_fd < 0)
		return;
	len = snprintf(text, sizeof(text), "%s\n", line);
	/* One write, so that threads' lines stay whole. */
	if (len > 0 && (size_t)len < sizeof(text) &&
	    write(keylog_fd, text, (size_t)len) != len)
		log_often(LOG_WARNING, "a secret could not be logged: %m");
	OPENSSL_cleanse(text, sizeof(text));
}
